"""Where falling mains can be joined farther down: under their manholes and at their lower ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import IntArray, LineArray
from planning.sizing_rules import runs_by_gravity

# A manhole stands on the main whose middle is at most so far away.
_ON_MAIN_M = 1.0


def low_places(
    mains: pd.DataFrame, shapes: LineArray, places: pd.DataFrame
) -> tuple[NDArray[Any], IntArray]:
    """Points on mains that run by gravity and say their levels, with the number of each main.

    Parameters
    ----------
    mains, shapes
        Mains with their lines.
    places
        Manholes with ``utility`` and ``point``; a lower end without one is a place too.
    """
    levels = mains.reindex(columns=["start_invert_m", "end_invert_m"]).astype(float)
    falls = mains["utility"].map(runs_by_gravity).astype(bool) & levels.notna().all(axis=1)
    falling = np.flatnonzero(falls.to_numpy())
    points, main = _under_manholes(mains, shapes, places, falling)
    end, start = (levels[f"{name}_invert_m"].to_numpy()[falling] for name in ("end", "start"))
    ends = shapely.get_point(shapes[falling], np.where(end <= start, -1, 0))
    near = shapely.STRtree(points).query(ends, predicate="dwithin", distance=_ON_MAIN_M)[0]
    rest = np.setdiff1d(np.arange(len(ends)), near)
    return np.concatenate([points, ends[rest]]), np.concatenate([main, falling[rest]])


def _under_manholes(
    mains: pd.DataFrame, shapes: LineArray, places: pd.DataFrame, falling: IntArray
) -> tuple[NDArray[Any], IntArray]:
    """The point of the nearest falling main of its utility under each manhole, and the main."""
    holes = places["point"].to_numpy(object)
    hole, row = shapely.STRtree(shapes[falling]).query(
        holes, predicate="dwithin", distance=_ON_MAIN_M
    )
    main = falling[row]
    of_hole, of_main = (table["utility"].to_numpy(object) for table in (places, mains))
    same = of_hole[hole] == of_main[main]
    hole, main = hole[same], main[same]
    order = np.lexsort((main, shapely.distance(holes[hole], shapes[main]), hole))
    first = order[np.unique(hole[order], return_index=True)[1]]
    hole, main = hole[first], main[first]
    at_m = shapely.line_locate_point(shapes[main], holes[hole])
    return shapely.line_interpolate_point(shapes[main], at_m), main

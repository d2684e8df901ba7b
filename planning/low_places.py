"""Where falling mains can be joined farther down: under their manholes and at their lower ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from planning.networks import Networks

# A manhole stands on the main whose middle is at most so far away.
_ON_MAIN_M = 1.0


def low_places(networks: Networks, bounds: FloatArray) -> tuple[NDArray[Any], IntArray]:
    """Points on mains that run by gravity and say their levels, with the number of each main.

    A lower end without a manhole is a place too. They are told within ``bounds`` (4,); what is
    told of the ground round these need not be right.
    """
    shapes, falls_m = networks.shapes, networks.falls_m
    # A place hangs on the manholes beside it, and these on the mains beside them.
    near = shapely.box(*(bounds + 3 * _ON_MAIN_M * np.array([-1.0, -1.0, 1.0, 1.0])))
    mains = np.sort(networks.tree.query(near)).astype(np.int64)
    falling = mains[np.isfinite(falls_m[mains])]
    points, main = _under_manholes(networks, near, falling)
    ends = shapely.get_point(shapes[falling], np.where(falls_m[falling] >= 0, -1, 0))
    near_hole = shapely.STRtree(points).query(ends, predicate="dwithin", distance=_ON_MAIN_M)[0]
    rest = np.setdiff1d(np.arange(len(ends)), near_hole)
    return np.concatenate([points, ends[rest]]), np.concatenate([main, falling[rest]])


def _under_manholes(
    networks: Networks, near: Any, falling: IntArray
) -> tuple[NDArray[Any], IntArray]:
    """The point of the nearest falling main of its utility under each manhole, and the main."""
    shapes, of = networks.shapes, networks.network
    hole = np.sort(networks.points_tree.query(near)).astype(np.int64)
    holes = networks.points[hole]
    at, row = shapely.STRtree(shapes[falling]).query(
        holes, predicate="dwithin", distance=_ON_MAIN_M
    )
    main = falling[row]
    same = of[len(shapes) + hole[at]] == of[main]
    at, main = at[same], main[same]
    order = np.lexsort((main, shapely.distance(holes[at], shapes[main]), at))
    first = order[np.unique(at[order], return_index=True)[1]]
    at, main = at[first], main[first]
    at_m = shapely.line_locate_point(shapes[main], holes[at])
    return shapely.line_interpolate_point(shapes[main], at_m), main

"""Road works: works of the layer ``planned_works`` that make roads anew 道路整修.

Works of that layer that name no utility are works on the road itself. They tell of a road what its
own ``planned_works_on`` does, on the day on which they end; of those that tell no day it is not
known whether they are done before any dig.
"""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely

from gis.linear import FloatArray, LineArray
from planning.comparisons import is_unknown

# Works of another street reach as far over the centre line of a road that it crosses; what makes a
# road anew covers more of it, or half of a short one.
_CROSSED_M = 30.0
# Stands for the day of works that tell none.
UNDATED = "undated"
# No carriageway is wider to one side of its centre line than these works are looked for.
REACH_M = 45.0


def days_of_works(
    centre: LineArray, half_width_m: FloatArray, works: gpd.GeoDataFrame | None
) -> list[str | None]:
    """Days on which works on each road end or are to end, ISO text in order, one space between.

    Of works without an end the day on which they begin, of those without either ``UNDATED``; None
    for a road without any. Works drawn as a line are as wide as the road. O(works x their roads).
    """
    found: list[set[str]] = [set() for _ in centre]
    told = _road_works(works)
    if told:
        days, drawn = zip(*told, strict=True)
        shapes = np.array(drawn, object)
        work, road = shapely.STRtree(centre).query(shapes, "dwithin", distance=REACH_M)
        areas = shapes[work]
        lines = shapely.get_dimensions(areas) < 2
        areas[lines] = shapely.buffer(areas[lines], half_width_m[road[lines]])
        covered_m = shapely.length(shapely.intersection(centre[road], areas))
        whole = covered_m > np.minimum(_CROSSED_M, shapely.length(centre[road]) / 2)
        for one, on in zip(work[whole].tolist(), road[whole].tolist(), strict=True):
            found[on].add(days[one])
    return [" ".join(sorted(one)) or None for one in found]


def _road_works(works: gpd.GeoDataFrame | None) -> Sequence[tuple[str, shapely.Geometry]]:
    """Day and shape of the works on roads."""
    if works is None:
        return []
    columns = [works[name].tolist() for name in ("utility", "starts_on", "ends_on")]
    rows = zip(*columns, works.geometry.array, strict=True)
    return [
        (next((str(day) for day in (ends, begins) if not is_unknown(day)), UNDATED), shape)
        for utility, begins, ends, shape in rows
        if is_unknown(utility)
    ]

"""Levels of roads: on the ground, above it on a bridge or elevated, or below it in an underpass."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from gis.linear import IntArray, LineArray

# A bridge or an underpass comes to the ground in so many metres before its ends.
RAMP_M = 15.0


def levels_of(roads: gpd.GeoDataFrame) -> IntArray:
    """Level of each road of the layer, 0 on the ground, as where none is told."""
    return np.asarray(roads["level"].fillna(0.0).to_numpy(np.int64))


def at_ground(areas: NDArray[Any], centre: LineArray, level: IntArray) -> NDArray[Any]:
    """Areas of roads, of those above or below the ground only what lies at their ends."""
    found = areas.copy()
    for row in np.flatnonzero(level != 0).tolist():
        middle = substring(centre[row], RAMP_M, max(centre[row].length - RAMP_M, RAMP_M))
        if middle.length > 0:
            corners = shapely.points(shapely.get_coordinates(areas[row]))
            wide_m = float(shapely.distance(corners, centre[row]).max(initial=0.0)) + 1.0
            passed = shapely.buffer(middle, wide_m, cap_style="flat", join_style="mitre")
            found[row] = shapely.difference(areas[row], passed)
    return found

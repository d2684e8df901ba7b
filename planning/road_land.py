"""Land of roads: what lies within the red line of each, and what may where it has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import IntArray
from planning.corridors import Corridors
from planning.policy_model import Planning
from planning.road_corners import with_corners


def red_line_areas(corridors: Corridors, settings: Planning, roads: IntArray) -> NDArray[Any]:
    """Red-line areas of some roads; without a red-line width, as far as the strips reach."""
    surfaces = corridors.surfaces
    carriageway, red_line = (
        surfaces.table[name].to_numpy(float)[roads]
        for name in ("carriageway_width_m", "red_line_width_m")
    )
    beside = 2 * (corridors.setback_m + settings.half_section_allowance_m)
    width = np.where(np.isfinite(red_line), red_line, carriageway + beside)
    centre = surfaces.centre[roads]
    areas = shapely.buffer(centre, width / 2, cap_style="flat", join_style="mitre")
    areas = with_corners(areas, centre, width / 2, surfaces.corner[roads])
    drawn, whole = surfaces.red_line[roads], surfaces.is_drawn_whole[roads]
    areas = np.where(whole, drawn, shapely.union(areas, drawn))
    return np.asarray(shapely.union(areas, surfaces.carriageway[roads]))


def land_in_reach(corridors: Corridors, settings: Planning, roads: IntArray) -> NDArray[Any]:
    """Land that may lie within the red line of some roads without one, None for the others."""
    surfaces = corridors.surfaces
    unknown = surfaces.table["red_line_width_m"].isna().to_numpy()[roads]
    unknown &= ~surfaces.is_drawn_whole[roads]
    land = np.full(len(roads), None, object)
    some = roads[unknown]
    reach_m = surfaces.half_width_m[some] + settings.max_snap_m
    land[unknown] = shapely.buffer(surfaces.centre[some], reach_m)
    return land

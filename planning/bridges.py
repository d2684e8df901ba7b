"""Bridges: whether lines run over one, told by the edges that they follow or by where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray
from gis.overlay import CONTACT_TOLERANCE_M, enters
from planning.corridors import Corridors
from planning.routes import DrawnWay, Routes


def over_bridges(corridors: Corridors, road_areas: NDArray[Any], routes: Routes) -> FloatArray:
    """``on_bridge`` of routes (1, 0 or NaN); of drawn ones also where they leave the edges.

    These run over a bridge where they lie over water within the red line of a road that has one.
    ``road_areas`` are the red-line areas of all roads.
    """
    told = routes.measured["on_bridge"].copy()
    drawn = [number for number, way in enumerate(routes.ways) if isinstance(way, DrawnWay)]
    if not drawn:
        return told
    decks = road_areas[corridors.bridged == 1.0]
    water, cut = corridors.obstacles.water_areas, routes.cut[drawn]
    over = enters(cut, water)
    for at in np.unique(over.line).tolist():
        wet = shapely.union_all(water.polygons[over.polygon[over.line == at]])
        carried = shapely.intersection(decks, shapely.intersection(cut[at], wet))
        if (shapely.length(carried) > CONTACT_TOLERANCE_M).any():
            told[drawn[at]] = 1.0
    return told

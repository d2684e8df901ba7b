"""Drawn roads: the carriageways and red lines of roads that were surveyed as areas."""

from __future__ import annotations

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.survey import Survey

# Layers that have roads as areas, by the id of their road.
SURVEYED = ("carriageways", "road_red_lines")


class DrawnRoads(NamedTuple):
    """What a survey has of some roads as areas, in their order; None where it has nothing.

    ``works`` is the layer of planned works, whatever roads they lie on.
    """

    carriageway: NDArray[Any]
    red_line: NDArray[Any]
    works: gpd.GeoDataFrame | None

    @classmethod
    def of(cls, survey: Survey, ids: pd.Index) -> DrawnRoads:
        """The areas of the roads of these ids; those of other roads stand for nothing."""
        paved, fenced = (_areas_of(survey.get(name), ids) for name in SURVEYED)
        return cls(paved, fenced, survey.get("planned_works"))


def _areas_of(drawn: gpd.GeoDataFrame | None, ids: pd.Index) -> NDArray[Any]:
    found = np.full(len(ids), None, object)
    if drawn is not None:
        own = drawn[drawn.index.astype(str).isin(ids)]
        for road_id, area in own.dissolve(by="road_id").geometry.items():
            found[ids.get_loc(str(road_id))] = area
    return found

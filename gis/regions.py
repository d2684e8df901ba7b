"""Regions: a few boxes on the map, grown and asked what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from gis.linear import FloatArray


@dataclass(frozen=True)
class Region:
    """The union of some boxes: ``bounds`` (k, 4) west, south, east, north in metres."""

    bounds: FloatArray

    @staticmethod
    def round(shapes: NDArray[Any]) -> Region:
        """The boxes of shapes that are neither missing nor empty."""
        bounds = shapely.bounds(shapes).reshape(-1, 4)
        return Region(bounds[np.isfinite(bounds).all(axis=1)])

    def __len__(self) -> int:
        return len(self.bounds)

    @property
    def boxes(self) -> NDArray[Any]:
        """The boxes as polygons."""
        return np.asarray(shapely.box(*self.bounds.T), object).reshape(-1)

    def grown(self, by_m: float) -> Region:
        """Every box wider by so much on every side."""
        return Region(self.bounds + by_m * np.array([-1.0, -1.0, 1.0, 1.0]))

    def merged(self, within_m: float) -> Region:
        """One box in place of all that are as near each other as that, until none are."""
        region = self
        while len(region) > 1:
            boxes = region.boxes
            one, two = shapely.STRtree(boxes).query(boxes, "dwithin", distance=within_m)
            links = coo_matrix((np.ones(len(one)), (one, two)), shape=(len(boxes),) * 2)
            count, group = connected_components(links, directed=False)
            if count == len(region):
                break
            bounds = np.empty((count, 4))
            for column, join in enumerate((np.minimum, np.minimum, np.maximum, np.maximum)):
                bounds[:, column] = region.bounds[np.unique(group, return_index=True)[1], column]
                join.at(bounds[:, column], group, region.bounds[:, column])
            region = Region(bounds)
        return region

    def holds(self, xy: FloatArray) -> NDArray[np.bool_]:
        """Which of some points lie in the region."""
        held = np.zeros(len(xy), bool)
        for west, south, east, north in self.bounds:
            held |= (xy >= (west, south)).all(axis=1) & (xy <= (east, north)).all(axis=1)
        return held

    def room_m(self, bounds: FloatArray) -> FloatArray:
        """How far boxes (n, 4) are from the edge of the one box that holds them with most room.

        Negative where none holds them.
        """
        room = np.full(len(bounds), -np.inf)
        for box in self.bounds:
            room = np.maximum(room, ((bounds - box) * (1.0, 1.0, -1.0, -1.0)).min(axis=1))
        return room

    def near(self, tree: shapely.STRtree, within_m: float) -> NDArray[np.int64]:
        """Geometries of a tree whose boxes are as near as that to the region, and few others."""
        return np.unique(tree.query(self.grown(within_m).boxes)[1]).astype(np.int64)

    def away_m(self, bounds: FloatArray) -> FloatArray:
        """Distance of boxes (n, 4) from the region; infinite from none at all."""
        away = np.full(len(bounds), np.inf)
        for west, south, east, north in self.bounds:
            east_m = np.maximum(np.maximum(west - bounds[:, 2], bounds[:, 0] - east), 0.0)
            north_m = np.maximum(np.maximum(south - bounds[:, 3], bounds[:, 1] - north), 0.0)
            away = np.minimum(away, np.hypot(east_m, north_m))
        return away

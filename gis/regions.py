"""Regions: a few boxes on the map, grown and asked what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from gis.linear import FloatArray, distinct
from gis.patched_tree import Tree

# One box takes the place of several if it holds at most this many times their ground.
_MORE_GROUND = 1.2
# So far a box round a point reaches to every side.
_HAIR_M = 1e-3
# So many boxes are not too many to be asked one after the other.
_FEW = 50
# No shape is covered by more cells than that to the east or to the north.
_MOST_CELLS = 100


@dataclass(frozen=True)
class Region:
    """The union of some boxes: ``bounds`` (k, 4) west, south, east, north in metres."""

    bounds: FloatArray

    @staticmethod
    def nowhere() -> Region:
        """No box at all."""
        return Region(np.zeros((0, 4)))

    @staticmethod
    def round(shapes: NDArray[Any]) -> Region:
        """The boxes of shapes that are neither missing nor empty."""
        bounds = shapely.bounds(shapes).reshape(-1, 4)
        return Region(bounds[np.isfinite(bounds).all(axis=1)])

    @staticmethod
    def along(shapes: NDArray[Any], cell_m: float) -> Region:
        """Boxes that cover shapes: of many or long ones the cells that they meet, row by row.

        The box of a long road that bends is mostly land that the road is far from.
        """
        boxes = shapely.bounds(shapes).reshape(-1, 4)
        known = np.isfinite(boxes).all(axis=1)
        shapes, boxes = shapes[known], boxes[known]
        longest_m = float((boxes[:, 2:] - boxes[:, :2]).max(initial=0.0))
        if longest_m <= cell_m and len(boxes) <= _FEW:
            return Region(boxes)
        cell_m = max(cell_m, longest_m / _MOST_CELLS)
        rows = _rows_of(_cells_of(_steps_of(shapes), cell_m))
        return Region(rows.astype(float) * cell_m)

    def __len__(self) -> int:
        return len(self.bounds)

    @property
    def boxes(self) -> NDArray[Any]:
        """The boxes as polygons, those round points a hair wider.

        Trees find nothing near a polygon whose corners are all in one place.
        """
        round_point = (self.bounds[:, :2] == self.bounds[:, 2:]).all(axis=1)
        hair_m = round_point[:, None] * np.array([-_HAIR_M, -_HAIR_M, _HAIR_M, _HAIR_M])
        return np.asarray(shapely.box(*(self.bounds + hair_m).T), object).reshape(-1)

    def joined(self, other: Region) -> Region:
        """The boxes of both."""
        return Region(np.concatenate([self.bounds, other.bounds]))

    def and_beyond(self, other: Region) -> Region:
        """The boxes of both without those of the other that one of these holds anyway."""
        return self.joined(Region(other.bounds[self.room_m(other.bounds) < 0]))

    def grown(self, by_m: float) -> Region:
        """Every box wider by so much on every side."""
        return Region(self.bounds + by_m * np.array([-1.0, -1.0, 1.0, 1.0]))

    def merged(self, within_m: float) -> Region:
        """One box in place of all that are as near each other as that, until none are.

        Those of a bent row stay, as one box round them would hold much else.
        """
        region = self
        while len(region) > 1:
            boxes = region.boxes
            one, two = shapely.STRtree(boxes).query(boxes, "dwithin", distance=within_m)
            links = coo_matrix((np.ones(len(one)), (one, two)), shape=(len(boxes),) * 2)
            _, group = connected_components(links, directed=False)
            parts = [region._in_one_box(rows, within_m) for rows in _groups(group)]
            if sum(map(len, parts)) == len(region):
                break
            region = Region(np.concatenate([part.bounds for part in parts]))
        return region

    def _in_one_box(self, rows: NDArray[np.int64], within_m: float) -> Region:
        """One box round some of the boxes, if it takes little more ground than they."""
        few, wide = Region(self.bounds[rows]), self.bounds[rows]
        if len(rows) == 1:
            return few
        one = Region(np.r_[wide[:, :2].min(axis=0), wide[:, 2:].max(axis=0)][None])
        ground_m2 = shapely.union_all(few.grown(within_m / 2).boxes).area
        fits = one.grown(within_m / 2).boxes[0].area <= _MORE_GROUND * ground_m2
        return one if fits else few

    def holds(self, xy: FloatArray) -> NDArray[np.bool_]:
        """Which of some points lie in the region."""
        held = np.zeros(len(xy), bool)
        first, last = self.bounds[:, 0].min(initial=np.inf), self.bounds[:, 2].max(initial=-np.inf)
        near = np.flatnonzero((xy[:, 0] >= first) & (xy[:, 0] <= last))  # of a county a few
        x, y = xy[near].T
        for west, south, east, north in self.bounds:
            held[near] |= (x >= west) & (x <= east) & (y >= south) & (y <= north)
        return held

    def room_m(self, bounds: FloatArray) -> FloatArray:
        """How far boxes (n, 4) are from the edge of the one box that holds them with most room.

        Negative where none holds them.
        """
        room = np.full(len(bounds), -np.inf)
        for box in self.bounds:
            room = np.maximum(room, ((bounds - box) * (1.0, 1.0, -1.0, -1.0)).min(axis=1))
        return room

    def near(self, tree: Tree, within_m: float) -> NDArray[np.int64]:
        """Geometries of a tree whose boxes are as near as that to the region, and few others."""
        return distinct(tree.query(self.grown(within_m).boxes)[1])

    def away_m(self, bounds: FloatArray) -> FloatArray:
        """Distance of boxes (n, 4) from the region; infinite from none at all."""
        away = np.full(len(bounds), np.inf)
        for west, south, east, north in self.bounds:
            east_m = np.maximum(np.maximum(west - bounds[:, 2], bounds[:, 0] - east), 0.0)
            north_m = np.maximum(np.maximum(south - bounds[:, 3], bounds[:, 1] - north), 0.0)
            away = np.minimum(away, np.hypot(east_m, north_m))
        return away


def _steps_of(shapes: NDArray[Any]) -> NDArray[Any]:
    """Shapes with lines taken apart into their straight steps, each in few cells."""
    parts = shapely.get_parts(shapes)
    line = shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING
    xy, owner = shapely.get_coordinates(parts[line], return_index=True)
    first = np.flatnonzero(owner[1:] == owner[:-1])
    steps = shapely.linestrings(np.stack([xy[first], xy[first + 1]], axis=1))
    return np.concatenate([parts[~line], steps])


def _cells_of(shapes: NDArray[Any], cell_m: float) -> NDArray[np.int64]:
    """The cells of a grid that shapes meet: (n, 2) numbers to the east and to the north."""
    shapely.prepare(shapes[shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON])
    low, high = (
        np.floor(shapely.bounds(shapes).reshape(-1, 2, 2) / cell_m).astype(np.int64).swapaxes(0, 1)
    )
    spans = high - low + 1
    count = spans.prod(axis=1)
    row = np.repeat(np.arange(len(shapes)), count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    north, east = np.divmod(place, spans[row, 0])
    cells = low[row] + np.stack([east, north], axis=1)
    met = count[row] == 1
    asked = np.flatnonzero(~met)
    boxes = shapely.box(*(cells[asked] * cell_m).T, *((cells[asked] + 1) * cell_m).T)
    met[asked] = shapely.intersects(shapes[row[asked]], boxes)
    return np.asarray(cells[met])


def _rows_of(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Boxes (n, 4), in cells, of cells that follow each other to the east."""
    east, north = cells[np.lexsort(cells.T)].T
    first = np.r_[True, (np.diff(east) > 1) | (np.diff(north) != 0)]
    last = np.r_[first[1:], True]
    return np.stack([east[first], north[first], east[last] + 1, north[last] + 1], axis=1)


def _groups(group: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """The rows of each group."""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1)

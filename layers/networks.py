"""The lines and nodes of a survey as networks: which end meets what, and which lines cross.

Everything is found for all lines at once by spatial indexes: O(n log n) for lines that meet a
bounded number of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# An end this near to another line or node of its network is taken as joined to it: lines are
# surveyed and drawn to some decimetres.
JOINED_M = 0.5
# Coordinates that agree to this many metres are the same; survey points are no better.
SAME_M = 0.01
# Several cables lie in one duct or on one row of poles: on each other is no mistake.
CABLES = ("power", "telecom")

Shapes = NDArray[np.object_]
Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Network:
    """Lines and nodes of all utilities. Ends come as starts of all lines, then their ends.

    ``shapes`` holds None where a line cannot be used or is abandoned.
    """

    ids: NDArray[np.str_]
    shapes: Shapes
    utility: NDArray[np.object_]
    points: Shapes
    point_utility: NDArray[np.object_]
    point_ids: NDArray[np.str_]

    @cached_property
    def ends(self) -> Shapes:
        """Starts of all lines, then their ends; None where a line is None."""
        return np.concatenate(
            [shapely.get_point(self.shapes, 0), shapely.get_point(self.shapes, -1)]
        )

    @property
    def line_of_end(self) -> Positions:
        """The line of each of ``ends``."""
        return np.tile(np.arange(len(self.shapes)), 2)

    @cached_property
    def meetings(self) -> tuple[Positions, Positions, NDArray[np.float64]]:
        """Ends, what lies within ``JOINED_M`` of them in their utility, and how far.

        The second counts the lines, then the nodes. An end does not meet its own line.
        """
        others = np.concatenate([self.shapes, self.points])
        whose = np.concatenate([self.utility, self.point_utility])
        end, other = shapely.STRtree(others).query(
            self.ends, predicate="dwithin", distance=JOINED_M
        )
        line = self.line_of_end[end]
        met = (whose[other] == self.utility[line]) & (other != line)
        end, other = end[met], other[met]
        return end, other, shapely.distance(self.ends[end], others[other])

    @cached_property
    def at_nodes(self) -> tuple[Positions, Positions]:
        """Nodes and the lines of their utility within ``JOINED_M``."""
        node, line = shapely.STRtree(self.shapes).query(
            self.points, predicate="dwithin", distance=JOINED_M
        )
        same = self.point_utility[node] == self.utility[line]
        return node[same], line[same]

    @cached_property
    def touching(self) -> tuple[Positions, Positions]:
        """Pairs of lines of one utility that touch, the one of the smaller id first."""
        one, two = shapely.STRtree(self.shapes).query(self.shapes, predicate="intersects")
        each = (self.ids[one] < self.ids[two]) & (self.utility[one] == self.utility[two])
        return one[each], two[each]

    @cached_property
    def pieces(self) -> Positions:
        """Number of the piece of network that each line, then each node, belongs to."""
        count = len(self.shapes) + len(self.points)
        end, other, _away = self.meetings
        node, line = self.at_nodes
        one, two, at = self.crossings
        drawn = np.array(
            [self.drawn_as_joint(*each) for each in zip(one, two, at, strict=True)],
            dtype=bool,
        )
        rows = np.concatenate([self.line_of_end[end], line, one[drawn]])
        columns = np.concatenate([other, node + len(self.shapes), two[drawn]])
        links = coo_array((np.ones(len(rows)), (rows, columns)), shape=(count, count))
        return np.asarray(connected_components(links, directed=False)[1], np.intp)

    @cached_property
    def _shared(self) -> Shapes:
        one, two = self.touching
        return np.asarray(shapely.intersection(self.shapes[one], self.shapes[two]), object)

    @cached_property
    def overlaps(self) -> tuple[Positions, Positions, NDArray[np.float64], Shapes]:
        """Pairs of lines, how many metres they share, and the stretch that they share."""
        one, two = self.touching
        length = shapely.length(self._shared)
        long = length > SAME_M
        return one[long], two[long], length[long], self._shared[long]

    @cached_property
    def crossings(self) -> tuple[Positions, Positions, Shapes]:
        """Pairs of lines and a point where they cross between their ends, one row a point."""
        one, two = self.touching
        parts, pair = shapely.get_parts(self._shared, return_index=True)
        single = shapely.get_type_id(parts) == shapely.GeometryType.POINT
        points, pair = parts[single], pair[single]
        one, two = one[pair], two[pair]
        count = len(self.shapes)
        inner = np.ones(len(points), dtype=bool)
        for line in (one, two):
            for end in (line, line + count):
                inner &= shapely.distance(points, self.ends[end]) > JOINED_M
        return one[inner], two[inner], points[inner]

    def _has_vertex(self, line: int, point: shapely.Point) -> bool:
        xy = shapely.get_coordinates(self.shapes[line])
        return bool((np.hypot(*(xy - (point.x, point.y)).T) <= SAME_M).any())

    def drawn_as_joint(self, line: int, other: int, point: shapely.Point) -> bool:
        """Tell whether both lines have a vertex at the point: they were drawn to meet there."""
        return self._has_vertex(line, point) and self._has_vertex(other, point)


def network_of(lines: gpd.GeoDataFrame, nodes: gpd.GeoDataFrame | None) -> Network:
    """Return the network of tables that are indexed by id; abandoned lines are no part of it."""
    shapes: Shapes = np.asarray(lines.geometry.array, object).copy()
    dead = (lines["status"] == "abandoned").to_numpy(bool)
    line = shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING
    shapes[~shapely.is_valid(shapes) | dead | ~line] = None
    if nodes is None:
        none = np.empty(0, object)
        return Network(
            _texts(lines.index), shapes, _objects(lines["utility"]), none, none, none.astype(str)
        )
    points: Shapes = np.asarray(nodes.geometry.array, object).copy()
    points[(nodes["status"] == "abandoned").to_numpy(bool)] = None
    return Network(
        _texts(lines.index),
        shapes,
        _objects(lines["utility"]),
        points,
        _objects(nodes["utility"]),
        _texts(nodes.index),
    )


def _texts(index: object) -> NDArray[np.str_]:
    return np.asarray(index, object).astype(str)


def _objects(column: object) -> NDArray[np.object_]:
    return np.asarray(column, object)

"""Feet: where parcels, gates and network nodes are joined to the strips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.keys import alike
from gis.linear import FloatArray, IntArray, LineArray, ranges, segments
from gis.regions import Region
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Gate
from planning.obstacles import Obstacles
from planning.strip_layout import StripLayout

# Along a red line, several points are candidates: the ends of its sides, drawn in by this much.
_INSET_M = 2.0
# Candidates on one strip that are this much farther than the nearest one are not worth keeping.
_NEEDLESS_M = 3.0


class Feet(NamedTuple):
    """Rows of feet: the strip ``piece`` and the place ``at_m`` on it, the connector ``line`` from
    there, and what is joined: its ``kind``, parcel, gate or node, and its ``key``."""

    piece: IntArray
    at_m: FloatArray
    line: LineArray
    kind: NDArray[Any]
    key: NDArray[Any]

    @staticmethod
    def none() -> Feet:
        """No rows."""
        piece, objects = np.zeros(0, np.int64), np.zeros(0, object)
        return Feet(piece, np.zeros(0), objects, objects, objects)

    @staticmethod
    def joined(parts: Sequence[Feet]) -> Feet:
        """Rows one after the other."""
        return Feet(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def only(self, rows: IntArray | NDArray[np.bool_]) -> Feet:
        """Some of the rows."""
        found = self.piece[rows], self.at_m[rows], self.line[rows]
        return Feet(*found, self.kind[rows], self.key[rows])


def parcel_feet(
    survey: Survey,
    layout: StripLayout,
    obstacles: Obstacles,
    max_snap_m: float,
    near: Region | None = None,
) -> Feet:
    """Candidate points on the red line of every parcel, each with its foot on a strip.

    With ``near`` only of parcels that may have a foot in that region.
    """
    parcels = survey.get("parcels")
    if parcels is None or not layout.usable.any():
        return Feet.none()
    shapes, keys = np.asarray(parcels.geometry.array), parcels.index.to_numpy(object)
    if near is not None:
        reached = near.away_m(shapely.bounds(shapes).reshape(-1, 4)) <= max_snap_m
        shapes, keys = shapes[reached], keys[reached]
    first, place_of = alike(shapes)
    boundary, owner = red_line_points(shapes[first])
    point, piece, distance = _nearest_pieces(boundary, layout, max_snap_m)
    if len(point) == 0:
        return Feet.none()
    at_m, line = _connectors(boundary[point], piece, layout)
    owner = owner[point]
    order = np.lexsort((at_m, piece, owner))
    _, group, first, _ = _groups(owner[order], piece[order])
    least = np.minimum.reduceat(distance[order], first)[group]
    order = order[distance[order] <= least + _NEEDLESS_M]
    order = order[obstacles.connector_allowed(line[order])]
    place, group, _, size = _groups(owner[order], piece[order])
    # Of an even number both middle ones, so that the direction of the strip does not matter.
    middle = (place == size[group] // 2) | (place == (size[group] - 1) // 2)
    chosen = order[(place == 0) | (place == size[group] - 1) | middle]
    found = Feet(piece[chosen], at_m[chosen], line[chosen], owner[chosen], owner[chosen])
    return for_each(found, np.full(len(keys), "parcel", object), keys, place_of)


def for_each(found: Feet, kinds: NDArray[Any], keys: NDArray[Any], place: IntArray) -> Feet:
    """Feet of all that are joined from feet of places, where several may lie in one place.

    ``found`` has the number of the place as its key; ``place`` is that of each joined one.
    """
    order = np.argsort(place, kind="stable")
    count = np.bincount(place, minlength=1)
    start, of_row = np.cumsum(count) - count, found.key.astype(np.int64)
    row = np.repeat(np.arange(len(of_row)), count[of_row])
    whose = order[ranges(start[of_row], start[of_row] + count[of_row])]
    return found.only(row)._replace(kind=kinds[whose], key=keys[whose])


def _groups(one: IntArray, two: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Rows that follow each other with equal pairs of numbers.

    The place of each row in its group and its group; where each group begins and its size.
    """
    first = np.flatnonzero((np.diff(one, prepend=-1) != 0) | (np.diff(two, prepend=-1) != 0))
    size = np.diff(np.append(first, len(one)))
    group = np.repeat(np.arange(len(first)), size)
    return np.arange(len(one)) - first[group], group, first, size


def _nearest_pieces(
    points: NDArray[Any], layout: StripLayout, max_snap_m: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Point, piece and distance for every point in reach; of pieces as near the first.

    Which of them a tree gives depends on everything else that is in it.
    """
    (point, piece), distance = layout.tree.query_nearest(
        points, max_distance=max_snap_m, return_distance=True
    )
    order = np.lexsort((piece, point))
    first = order[np.unique(point[order], return_index=True)[1]]
    return point[first].astype(np.int64), piece[first].astype(np.int64), distance[first]


def red_line_points(polygons: NDArray[Any]) -> tuple[NDArray[Any], IntArray]:
    """Middle and drawn-in ends of every side of every polygon, with the polygon's number."""
    rings, owner = shapely.get_parts(shapely.boundary(polygons), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    side = np.flatnonzero(ring[1:] == ring[:-1])
    start, end = xy[side], xy[side + 1]
    length = np.hypot(*(end - start).T)
    share = np.minimum(_INSET_M / np.maximum(length, 1e-9), 0.5)
    shares = np.concatenate([np.full(len(side), 0.5), share, 1.0 - share])
    number = np.tile(np.arange(len(side)), 3)
    points = start[number] + (end - start)[number] * shares[:, None]
    return shapely.points(points), owner[ring[side]][number].astype(np.int64)


def gate_points(gates: Mapping[str, tuple[str, Gate]] | None) -> pd.DataFrame:
    """Gates of applications as points to be joined: ``kind``, ``key``, ``point``."""
    points = [
        (key, point)
        for key, (_, gate) in (gates or {}).items()
        for point in shapely.get_parts(gate)
    ]
    return pd.DataFrame(points, columns=["key", "point"]).assign(kind="gate")


def node_points(survey: Survey) -> pd.DataFrame:
    """Network nodes that lines are joined to; where mains are tapped inside, none are needed."""
    nodes = survey.get("nodes")
    if nodes is None:
        return pd.DataFrame({"kind": [], "key": [], "point": []})
    wanted = {
        (utility.key, kind)
        for utility in load_utilities().values()
        if not utility.tie_in.inside
        for kind in utility.tie_in.nodes
    }
    told = zip(nodes["utility"], nodes["kind"], strict=True)
    rows = [row for row, one in enumerate(told) if one in wanted]
    points = np.asarray(nodes.geometry.array)[rows]
    return pd.DataFrame({"kind": "node", "key": nodes.index[rows].astype(str), "point": points})


def point_feet(
    points: pd.DataFrame,
    layout: StripLayout,
    obstacles: Obstacles,
    max_snap_m: float,
    near: Region | None = None,
) -> Feet:
    """The nearest foot of each point on each side of each street within reach.

    With ``near`` only of points that may have a foot in that region.
    """
    shapes, kind, key = (points[name].to_numpy(object) for name in ("point", "kind", "key"))
    if near is not None:
        reached = near.away_m(shapely.bounds(shapes).reshape(-1, 4)) <= max_snap_m
        shapes, kind, key = shapes[reached], kind[reached], key[reached]
    if len(shapes) == 0 or not layout.usable.any():
        return Feet.none()
    at, piece = layout.tree.query(shapes, predicate="dwithin", distance=max_snap_m).astype(np.int64)
    at_m, line = _connectors(shapes[at], piece, layout)
    order = np.lexsort((piece, shapely.length(line), layout.side[piece], layout.stroke[piece], at))
    order = order[obstacles.connector_allowed(line[order])]
    street = layout.stroke[piece[order]] * 3 + layout.side[piece[order]]
    place, *_ = _groups(at[order], street)
    nearest = order[place == 0]
    found = piece[nearest], at_m[nearest], line[nearest]
    return Feet(*found, kind[at[nearest]], key[at[nearest]])


def _connectors(
    points: NDArray[Any], piece: IntArray, layout: StripLayout
) -> tuple[FloatArray, LineArray]:
    """Foot of each point on its piece, and the connector from the foot to the point."""
    lines = layout.lines[piece]
    at_m = shapely.line_locate_point(lines, points)
    foot = shapely.line_interpolate_point(lines, at_m)
    return at_m, segments(shapely.get_coordinates(foot), shapely.get_coordinates(points))

"""Feet: where parcels, gates and network nodes are joined to the strips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.keys import alike
from gis.linear import (
    POSITION_TOLERANCE_M,
    FloatArray,
    IntArray,
    LineArray,
    ranges,
    segments,
)
from gis.regions import Region
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Gate
from planning.networks import loose_ends
from planning.obstacles import Obstacles
from planning.strip_layout import StripLayout

# Along a red line, several points are candidates: the ends of its sides, drawn in by this much.
_INSET_M = 2.0
# Candidates on one strip that are this much farther than the nearest one are not worth keeping.
_NEEDLESS_M = 3.0
# No farther than this is it from one candidate along a red line to the next.
_APART_M = 20.0
# A candidate opposite something is not worth keeping beside another so near.
_BESIDE_M = 0.5


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

    On each strip these are the first and the last, the middle one, as many more as long red lines
    need, and those opposite network nodes and loose ends of mains. With ``near`` only of parcels
    that may have a foot in that region.
    """
    parcels = survey.get("parcels")
    if parcels is None or not layout.usable.any():
        return Feet.none()
    shapes, keys = np.asarray(parcels.geometry.array), parcels.index.to_numpy(object)
    if near is not None:
        reached = near.away_m(shapely.bounds(shapes).reshape(-1, 4)) <= max_snap_m
        shapes, keys = shapes[reached], keys[reached]
    first, place_of = alike(shapes)
    sides = _Candidates.of(*red_line_points(shapes[first]), layout, max_snap_m)
    if len(sides.owner) == 0:
        return Feet.none()
    sides = sides.by_strip()
    least_m = sides.least_m
    sides = sides.only(sides.away_m <= least_m + _NEEDLESS_M)
    sides = sides.only(obstacles.connector_allowed(sides.line))
    sides = sides.only(_worth_keeping(sides))
    joined = [node_points(survey)["point"].to_numpy(object), loose_ends(survey.get("lines"))]
    opposite = _opposite(np.concatenate(joined), shapes[first], max_snap_m)
    facing = _Candidates.of(*opposite, layout, max_snap_m)
    facing = facing.only(_beside_none(facing, sides))
    facing = facing.only(obstacles.connector_allowed(facing.line))
    found = Feet.joined([one.feet for one in (sides, facing)])
    return for_each(found, np.full(len(keys), "parcel", object), keys, place_of)


class _Candidates(NamedTuple):
    """Points on red lines: whose, the nearest strip, the foot there, how to it and how far."""

    owner: IntArray
    piece: IntArray
    at_m: FloatArray
    line: LineArray
    away_m: FloatArray

    @classmethod
    def of(
        cls, points: NDArray[Any], owner: IntArray, layout: StripLayout, max_snap_m: float
    ) -> _Candidates:
        """Those of the points that are in reach of a strip."""
        point, piece, away_m = _nearest_pieces(points, layout, max_snap_m)
        at_m, line = _connectors(points[point], piece, layout)
        return cls(owner[point], piece, at_m, line, away_m)

    def only(self, rows: IntArray | NDArray[np.bool_]) -> _Candidates:
        """Some of the rows."""
        found = self.owner[rows], self.piece[rows], self.at_m[rows]
        return _Candidates(*found, self.line[rows], self.away_m[rows])

    def by_strip(self) -> _Candidates:
        """Those of each owner on each strip together, in the order along it."""
        return self.only(np.lexsort((self.at_m, self.piece, self.owner)))

    @property
    def least_m(self) -> FloatArray:
        """How near the nearest of the same owner and strip is; they follow each other."""
        _, group, first, _ = _groups(self.owner, self.piece)
        return np.asarray(np.minimum.reduceat(self.away_m, first)[group])

    @property
    def feet(self) -> Feet:
        """The same as feet of their owners."""
        return Feet(self.piece, self.at_m, self.line, self.owner, self.owner)


def _worth_keeping(sides: _Candidates) -> NDArray[np.bool_]:
    """First, middle and last of each owner on each strip, and what lies between on long ones.

    Of an even number both middle ones, and of two as near to where one is wanted both, so that the
    direction of the strip does not matter.
    """
    place, group, first, size = _groups(sides.owner, sides.piece)
    kept = (place == size[group] // 2) | (place == (size[group] - 1) // 2)
    kept |= (place == 0) | (place == size[group] - 1)
    span_m = sides.at_m[first + size - 1] - sides.at_m[first] if len(first) else sides.at_m
    for number in np.flatnonzero(span_m > 2 * _APART_M).tolist():
        own = np.arange(first[number], first[number] + size[number])
        at_m = sides.at_m[own]
        wanted = np.linspace(at_m[0], at_m[-1], int(np.ceil(span_m[number] / _APART_M)) + 1)
        off_m = np.abs(at_m[:, None] - wanted)
        kept[own] |= (off_m <= off_m.min(axis=0) + POSITION_TOLERANCE_M).any(axis=1)
    return np.asarray(kept)


def _opposite(
    places: NDArray[Any], parcels: NDArray[Any], max_snap_m: float
) -> tuple[NDArray[Any], IntArray]:
    """Points on red lines opposite places that are before a side of them, and whose they are."""
    place, parcel = shapely.STRtree(parcels).query(places, predicate="dwithin", distance=max_snap_m)
    outside = ~shapely.intersects(parcels[parcel], places[place])
    place, parcel = place[outside], parcel[outside].astype(np.int64)
    link = shapely.shortest_line(shapely.boundary(parcels[parcel]), places[place])
    point = shapely.get_point(link, 0)
    corners = shapely.extract_unique_points(parcels[parcel])
    before = shapely.distance(point, corners) > _INSET_M
    return point[before], parcel[before]


def _beside_none(facing: _Candidates, sides: _Candidates) -> IntArray:
    """Rows of ``facing`` on strips that ``sides`` of their owners are on, beside none of these.

    Of several in one place it is the first.
    """
    pieces = int(max(sides.piece.max(initial=0), facing.piece.max(initial=0))) + 1
    known, wanted = (one.owner * pieces + one.piece for one in (sides, facing))
    first, last = (np.searchsorted(known, wanted, side) for side in ("left", "right"))
    row = np.repeat(np.arange(len(wanted)), last - first)
    off_m = np.full(len(wanted), np.inf)
    np.minimum.at(off_m, row, np.abs(sides.at_m[ranges(first, last)] - facing.at_m[row]))
    apart = np.flatnonzero((last > first) & (off_m > _BESIDE_M))
    place = np.column_stack([wanted[apart], np.round(facing.at_m[apart], 6)])
    return apart[np.sort(np.unique(place, axis=0, return_index=True)[1])]


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
    """Middle and drawn-in ends of every side of every polygon, with the polygon's number.

    Long sides have so many more in even steps that none is far from the next.
    """
    rings, owner = shapely.get_parts(shapely.boundary(polygons), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    side = np.flatnonzero(ring[1:] == ring[:-1])
    start, end = xy[side], xy[side + 1]
    length = np.hypot(*(end - start).T)
    share = np.minimum(_INSET_M / np.maximum(length, 1e-9), 0.5)
    steps = np.ceil((1.0 - 2.0 * share) * length / _APART_M).astype(np.int64)
    between = np.where(steps > 2, steps - 1, 0)
    long = np.repeat(np.arange(len(side)), between)
    step = 1 + ranges(np.zeros_like(between), between)
    inner = share[long] + (1.0 - 2.0 * share[long]) * step / steps[long]
    shares = np.concatenate([np.full(len(side), 0.5), share, 1.0 - share, inner])
    number = np.concatenate([np.tile(np.arange(len(side)), 3), long])
    points = start[number] + (end - start)[number] * shares[:, None]
    return shapely.points(points), owner[ring[side]][number].astype(np.int64)


def gate_points(gates: Mapping[str, tuple[str, Gate]] | None) -> pd.DataFrame:
    """Gates of applications as points to be joined: ``kind``, ``key``, ``point``."""
    points = [
        (key, point)
        for key, (_, gate) in (gates or {}).items()
        for point in shapely.get_parts(gate)
    ]
    keys, places = zip(*points, strict=True) if points else ((), ())
    return pd.DataFrame({"kind": "gate", "key": keys, "point": places})


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

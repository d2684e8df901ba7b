"""Bent connectors 转折连接: where no straight one is free, the shortest way round what is in it.

Only parcels and gates that no straight connector joins to any strip get one. It leaves the red
line squarely, keeps half a working strip clear of other land, buildings, water and rails, runs in
no carriageway, and is no longer than the snap distance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.keys import alike
from gis.linear import POSITION_TOLERANCE_M, FloatArray, IntArray, LineArray
from gis.regions import Region
from gis.visibility import open_ways
from layers.survey import Survey
from planning.application import Gate
from planning.feet import Feet, for_each, gate_points, red_line_points
from planning.obstacles import Obstacles
from planning.policy_model import Planning
from planning.road_surfaces import RoadSurfaces
from planning.strip_layout import StripLayout


class Bent(NamedTuple):
    """Bent ways from one place: which strip in reach each runs to, metres along it, line."""

    piece: IntArray
    at_m: FloatArray
    lines: LineArray


@dataclass(frozen=True)
class _Unjoined:
    """A red line or gate that nothing joins yet, and the parcel that it bounds."""

    kind: str
    end: shapely.Geometry
    parcel: shapely.Polygon


class _Places(NamedTuple):
    """Red lines and gates that nothing joins yet, (n,) each, with the parcels that they bound."""

    kind: NDArray[Any]
    key: NDArray[Any]
    end: NDArray[Any]
    parcel: NDArray[Any]

    def only(self, rows: IntArray | NDArray[np.bool_]) -> _Places:
        """Some of the rows."""
        return _Places(self.kind[rows], self.key[rows], self.end[rows], self.parcel[rows])

    def once(self) -> tuple[IntArray, IntArray]:
        """One row of each place, and the place of every row: parcels may lie one above another."""
        pairs = alike(self.end)[1] * len(self.key) + alike(self.parcel)[1]
        _, first, place = np.unique(pairs, return_index=True, return_inverse=True)
        return first.astype(np.int64), place.astype(np.int64)


@dataclass(frozen=True)
class _Land:
    """What bent connectors run between, and the strips that they run to."""

    layout: StripLayout
    shut: NDArray[Any]
    tree: shapely.STRtree
    clearance_m: float
    max_snap_m: float


def bent_feet(
    survey: Survey,
    gates: Mapping[str, tuple[str, Gate]] | None,
    straight: Feet,
    layout: StripLayout,
    obstacles: Obstacles,
    surfaces: RoadSurfaces,
    settings: Planning,
    known: dict[bytes, Bent],
    near: Region | None = None,
) -> Feet:
    """Feet of the parcels and gates that ``straight``, the feet found so far, leave unjoined.

    Parameters
    ----------
    known
        What was found before, by all that it hangs on; what is found is put there.
    near
        Where only a part of the strips is there: parcels and gates that are out of reach of this
        region get none, as all that would join them may be missing.

    Returns
    -------
    Rows as of ``parcel_feet``, one for each side of each street in reach; ``line`` runs from the
    foot to the red line. O(k n² log v) for k such places with n corners in reach of each.
    """
    clearance_m = settings.value("open_land_clearance_m")
    places = _unjoined(survey, gates, straight)
    if near is not None:
        away_m = near.away_m(shapely.bounds(places.end).reshape(-1, 4))
        places = places.only(away_m <= settings.max_snap_m)
    if len(places.key) == 0:
        return Feet.none()
    first, place = places.once()
    once, reach_m = places.only(first), settings.max_snap_m
    shut = _shut(once.end, obstacles, surfaces, clearance_m, reach_m)
    land = _Land(layout, shut, shapely.STRtree(shut), clearance_m, reach_m)
    found = [
        _ways_round(_Unjoined(*told), land, known)
        for told in zip(once.kind, once.end, once.parcel, strict=True)
    ]
    feet = for_each(_table(found), places.kind, places.key, place)
    return feet.only(obstacles.connector_allowed(feet.line))


def _shut(
    ends: NDArray[Any],
    obstacles: Obstacles,
    surfaces: RoadSurfaces,
    clearance_m: float,
    reach_m: float,
) -> NDArray[Any]:
    """Everything in reach that a bent connector stays out of, with its clearance."""
    land = np.concatenate([obstacles.private, obstacles.water, obstacles.railways])
    roads = np.unique(surfaces.tree.query(ends, "dwithin", reach_m)[1])
    return np.concatenate([kept_clear(land, clearance_m), surfaces.carriageway[roads]])


def kept_clear(land: NDArray[Any], clearance_m: float) -> NDArray[Any]:
    """Land with the clearance that lines round it keep."""
    grown = shapely.buffer(land, clearance_m, join_style="mitre", mitre_limit=2.0)
    return np.asarray(grown, object)


def _unjoined(
    survey: Survey, gates: Mapping[str, tuple[str, Gate]] | None, straight: Feet
) -> _Places:
    """Parcels without any foot, and gates of which none has one."""
    parcels = survey.get("parcels")
    if parcels is None:
        return _Places(*[np.zeros(0, object)] * 4)
    keys, gate = parcels.index.to_numpy(object), gate_points(gates)
    alone = _unlike(keys, straight.key[straight.kind == "parcel"])
    gate = gate[_unlike(gate["key"].to_numpy(object), straight.key[straight.kind == "gate"])]
    shapes = np.asarray(parcels.geometry.array)[alone]
    bounded = [parcels.geometry.loc[(gates or {})[str(key)][0]] for key in gate["key"]]
    return _Places(
        np.repeat(np.array(["parcel", "gate"], object), [len(shapes), len(gate)]),
        np.concatenate([keys[alone], gate["key"].to_numpy(object)]),
        np.concatenate([shapely.boundary(shapes), gate["point"].to_numpy(object)]),
        np.concatenate([shapes, np.array(bounded, object)]),
    )


def _unlike(keys: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
    """Which keys are none of the others."""
    known = set(others.tolist())
    return np.array([key not in known for key in keys.tolist()], bool)


def _ways_round(place: _Unjoined, land: _Land, known: dict[bytes, Bent]) -> Bent:
    """The shortest bent way from a place to each side of each street, within the snap distance.

    ``piece`` are numbers of strips.
    """
    layout, reach_m = land.layout, land.max_snap_m
    piece = np.sort(layout.tree.query(place.end, predicate="dwithin", distance=reach_m))
    rows = np.sort(land.tree.query(place.end, predicate="dwithin", distance=reach_m))
    key = _all_that_tells(place, land, piece, rows)
    if key not in known:
        known[key] = _looked_for(place, land, piece, rows)
    found = known[key]
    return found._replace(piece=piece[found.piece].astype(np.int64))


def _table(found: Sequence[Bent]) -> Feet:
    """Bent ways as rows of ``parcel_feet``; ``key`` is the number of the place."""
    piece, at_m, lines = (np.concatenate(columns) for columns in zip(*found, strict=True))
    place = np.repeat(np.arange(len(found)), [len(ways.lines) for ways in found])
    return Feet(piece, at_m, lines, place, place)


def _all_that_tells(place: _Unjoined, land: _Land, piece: IntArray, rows: IntArray) -> bytes:
    """A digest of all that the bent ways from a place hang on."""
    layout = land.layout
    shapes = [place.end, place.parcel, *layout.lines[piece], *land.shut[rows]]
    numbers = [layout.stroke[piece], layout.side[piece], len(piece)]
    told = np.array([land.clearance_m, land.max_snap_m])
    parts = [place.kind.encode(), *shapely.to_wkb(np.array(shapes, object)).tolist()]
    parts += [np.ascontiguousarray(one, np.int64).tobytes() for one in numbers]
    return blake2b(b"".join([*parts, told.tobytes()]), digest_size=16).digest()


def _looked_for(place: _Unjoined, land: _Land, piece: IntArray, rows: IntArray) -> Bent:
    """The bent ways from a place, as ``_ways_round`` tells, between what is in reach of it."""
    layout, reach_m, known = land.layout, land.max_snap_m, piece
    around = shapely.box(*shapely.bounds(shapely.buffer(place.end, reach_m)))
    near = shapely.intersection(land.shut[rows], around)
    corners = shapely.get_coordinates(shapely.union_all(near))
    sources = _sources(place, corners, layout.lines[piece], land.clearance_m)
    piece, at_m, targets = _targets(
        np.concatenate([sources, corners]), piece.astype(np.int64), layout, reach_m
    )
    ways = open_ways(sources, targets, near, 0.0, reach_m)
    way = np.flatnonzero(~shapely.is_missing(ways))
    lines = _to_red_line(ways[way], place.end)
    piece, at_m, length_m = piece[way], at_m[way], shapely.length(lines)
    order = np.lexsort((at_m, piece, length_m))
    order = order[length_m[order] <= reach_m]
    street = layout.stroke[piece[order]] * 3 + layout.side[piece[order]]
    nearest = order[np.sort(np.unique(street, return_index=True)[1])]
    return Bent(np.searchsorted(known, piece[nearest]), at_m[nearest], lines[nearest])


def _sources(
    place: _Unjoined, corners: FloatArray, strips: NDArray[Any], clearance_m: float
) -> FloatArray:
    """Where ways may begin: squarely off the red line or gate, opposite what they run to."""
    outside = shapely.buffer(place.parcel, clearance_m, join_style="mitre", mitre_limit=2.0)
    ring = shapely.boundary(outside)
    if place.kind == "gate":
        towards: NDArray[Any] = np.array([place.end], object)
    else:
        usual, _ = red_line_points(np.array([outside], object))
        towards = np.concatenate([usual, shapely.points(corners), strips])
    return np.unique(_start_xy(shapely.shortest_line(ring, towards)).round(6), axis=0)


def _start_xy(lines: NDArray[Any]) -> FloatArray:
    return np.asarray(shapely.get_coordinates(shapely.get_point(lines, 0)))


def _targets(
    vantage: FloatArray, pieces: IntArray, layout: StripLayout, reach_m: float
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Places on the strips nearest to each corner: piece, metres along it, coordinates."""
    tree = shapely.STRtree(layout.lines[pieces])
    at, near = tree.query(shapely.points(vantage), predicate="dwithin", distance=reach_m)
    piece = pieces[near]
    at_m = shapely.line_locate_point(layout.lines[piece], shapely.points(vantage[at]))
    places = np.unique(np.column_stack([piece, np.round(at_m, 3)]), axis=0)
    piece, at_m = places[:, 0].astype(np.int64), places[:, 1]
    points = shapely.line_interpolate_point(layout.lines[piece], at_m)
    return piece, at_m, np.asarray(shapely.get_coordinates(points))


def _to_red_line(ways: NDArray[Any], end: shapely.Geometry) -> NDArray[Any]:
    """Ways turned round, from the strip, and led on to the red line."""
    last = shapely.shortest_line(shapely.get_point(ways, 0), end)
    lines = [
        shapely.LineString([*way.coords[::-1], stub.coords[-1]])
        for way, stub in zip(ways, last, strict=True)
    ]
    return np.asarray(shapely.simplify(np.array(lines, object), POSITION_TOLERANCE_M))

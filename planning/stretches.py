"""Stretches 路由分段: where each piece of a route lies, and how wide the ground is there.

A route is told from its tie-in to the red line: along a footway or a verge with the room between
kerb and red line, across or along a carriageway, through what exists, over land. Widths are those
of ``planning.slots``, looked at along the route itself. Metres; None is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely
from shapely.ops import substring

from gis.linear import FloatArray, IntArray, LineArray
from gis.overlay import CONTACT_TOLERANCE_M
from planning.crossing_angles import crossing_angles
from planning.lanes import KIND as LANE
from planning.route_edges import ON_EDGE_M, edges_along
from planning.routes import DrawnWay
from planning.slots import kind_of_slots, slots_beside
from planning.standards import Pipe
from planning.street_sides import compass

if TYPE_CHECKING:
    from planning.groundwork import Groundwork
    from planning.judged_routes import Route

PLACES = (
    "footway",
    "verge",
    "crossing",
    "lane",
    "across",
    "bore",
    "duct",
    "overhead",
    "wall",
    "drawn",
    "open_land",
    "to_main",
    "to_red_line",
    "off_corridor",
)
SLOTS = ("footway", "verge")
# Off the corridors a line is looked at in pieces no longer than this.
_STEP_M = 5.0
# It lies along a street where it runs within 30 degrees of it.
_ALONG_DEG = 30.0
# Places of edges that say it by their kind.
_BY_KIND = {"connector": "to_red_line", "open_land": "open_land", "bore": "bore", "drawn": "drawn"}


@dataclass(frozen=True)
class Stretch:
    """One piece of a route that lies in one kind of place.

    Attributes
    ----------
    place
        ``footway`` or ``verge`` along a street; ``crossing`` or, lengthwise, ``lane`` inside a
        carriageway; ``across`` the side of a street to its kerb; ``bore``, ``duct``,
        ``overhead``, ``wall``; ``drawn`` corridor; ``open_land``; ``to_main``, ``to_red_line``;
        ``off_corridor`` of a line drawn by hand.
    road_id, side
        The street, and the compass side of its centre (``N``); None away from streets.
    from_m, length_m
        Along the route from its tie-in.
    width_m, free_width_m, free_for_pipe_m
        At the narrowest place of a footway or verge: kerb to red line, land or building; free
        between the bodies of existing lines; free with the clearances that the line keeps.
    lines
        Existing lines in that footway or verge, where its width is known.
    """

    place: str
    road_id: str | None
    side: str | None
    from_m: float
    length_m: float
    width_m: float | None = None
    free_width_m: float | None = None
    free_for_pipe_m: float | None = None
    lines: tuple[str, ...] = ()


class Piece(NamedTuple):
    """A piece of a line: its place, the row of its road or -1, and where it lies along it."""

    place: str
    road: int
    from_m: float
    to_m: float


def stretches(work: Groundwork, pipe: Pipe, route: Route) -> tuple[Stretch, ...]:
    """The stretches of a route in order; their lengths add up to its own."""
    pieces = pieces_of(work, route)
    lines = piece_lines(route.line, pieces)
    surfaces = work.corridors.surfaces
    in_slot = np.array([p.road if p.place in SLOTS else -1 for p in pieces], np.int64)
    slots = slots_beside(work, lines, in_slot)
    room = slots.widths_m()
    free, for_pipe = (slots.free_m(one, work.standards) for one in (None, pipe))
    names = surfaces.table["road_id"].tolist()
    return tuple(
        Stretch(
            piece.place,
            None if piece.road < 0 else str(names[piece.road]),
            _side(surfaces.centre, piece, lines[number]),
            piece.from_m,
            piece.to_m - piece.from_m,
            _known(room[number]),
            _known(free[number]),
            _known(for_pipe[number]),
            slots.lines_in(number),
        )
        for number, piece in enumerate(pieces)
    )


def _known(width_m: float) -> float | None:
    return float(width_m) if isfinite(width_m) else None


def lane_m(work: Groundwork, found: Sequence[Stretch]) -> float | None:
    """Metres that a route lies lengthwise in carriageways, unknown where a width is assumed."""
    lanes = [one for one in found if one.place == "lane"]
    table = work.corridors.surfaces.table
    assumed = set(table["road_id"][table["width_assumed"].to_numpy(bool)])
    return None if assumed & {one.road_id for one in lanes} else sum(one.length_m for one in lanes)


def piece_lines(line: shapely.LineString, pieces: Sequence[Piece]) -> LineArray:
    """The pieces as lines."""
    return np.array([substring(line, one.from_m, one.to_m) for one in pieces], object)


def pieces_of(work: Groundwork, route: Route) -> list[Piece]:
    """The pieces of a route in order; neighbours that lie alike are one."""
    merged: list[Piece] = []
    for piece in _pieces(work, route):
        before = merged[-1] if merged else None
        if before is not None and before[:2] == piece[:2]:
            merged[-1] = before._replace(to_m=piece.to_m)
        else:
            merged.append(piece)
    return merged


def _side(centre: LineArray, piece: Piece, line: shapely.LineString) -> str | None:
    beside = piece.road >= 0 and piece.place in (*SLOTS, "lane")
    return compass(centre[piece.road], line) if beside else None


def _pieces(work: Groundwork, route: Route) -> Iterator[Piece]:
    """Every piece between two places where the edge or the carriageway changes."""
    owners = list(_owned(work, route))
    inside = _carriageways(work, route)
    whole = (0.0, route.line.length)
    ends = {*whole, *(at for start, end, _ in (*owners, *inside) for at in (start, end))}
    cuts = sorted(at for at in ends if at <= route.line.length)
    apart = [b for a, b in pairwise(cuts) if b - a > CONTACT_TOLERANCE_M]
    for start, end in pairwise([0.0, *apart[:-1], route.line.length]):
        middle = (start + end) / 2
        edge = next((e for a, b, e in owners if a <= middle <= b), -1)
        road = next((r for a, b, r in inside if a <= middle <= b), -1)
        yield from _placed(work, route, (start, end), edge, road)


def _owned(work: Groundwork, route: Route) -> Iterator[tuple[float, float, int]]:
    """From where to where a route runs along which edge, in order; -1 off the corridors."""
    way, graph = route.way, work.corridors.graph
    if isinstance(way, DrawnWay):
        yield from _along(work, route.line, way.edges)
        return
    at = route.line.length - float(graph.length_m[list(way.edges)].sum())
    to_strip = substring(route.line, 0.0, at)
    if at > CONTACT_TOLERANCE_M:
        yield from _along(work, to_strip, edges_along(work.corridors, to_strip).tolist())
    for edge in way.edges:
        yield at, at + float(graph.length_m[edge]), edge
        at += float(graph.length_m[edge])


def _along(
    work: Groundwork, line: shapely.LineString, edges: Sequence[int]
) -> Iterator[tuple[float, float, int]]:
    """From where to where a line lies on which of some edges; the longest one first has it."""
    found: list[tuple[float, float, int]] = []
    for edge in edges:
        beside = shapely.buffer(work.corridors.graph.lines[edge], ON_EDGE_M, cap_style="flat")
        for part in shapely.get_parts(shapely.intersection(line, beside)):
            if part.length > 2 * ON_EDGE_M:
                found.append((*_extent(line, part), edge))
    found = [(_turn(line, a), _turn(line, b), edge) for a, b, edge in found]
    taken = sorted(found, key=lambda one: one[0] - one[1])
    cuts = sorted({0.0, line.length, *(at for a, b, _ in taken for at in (a, b))})
    for start, end in pairwise(cuts):
        middle = (start + end) / 2
        yield start, end, next((e for a, b, e in taken if a <= middle <= b), -1)


def _turn(line: shapely.LineString, at_m: float) -> float:
    """The vertex of a line at a place, if there is one: there it turns onto an edge or off it."""
    vertex_m = _vertices_m(line)
    nearest = float(vertex_m[np.abs(vertex_m - at_m).argmin()])
    return nearest if abs(nearest - at_m) <= 2 * ON_EDGE_M else at_m


def _vertices_m(line: shapely.LineString) -> FloatArray:
    steps = np.hypot(*np.diff(shapely.get_coordinates(line), axis=0).T)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _extent(line: shapely.LineString, part: shapely.LineString) -> tuple[float, float]:
    ends = shapely.line_locate_point(line, shapely.get_point(part, [0, -1]))
    return float(ends.min()), float(ends.max())


def _carriageways(work: Groundwork, route: Route) -> list[tuple[float, float, int]]:
    """From where to where a route lies inside which carriageway."""
    counted = route.crossings[route.crossings["count"] > 0]
    road, kerb_m = counted["road"].to_numpy(np.int64), counted["kerb_m"].to_numpy(float)
    lines = np.full(len(counted), route.line, object)
    parts, row = shapely.get_parts(
        work.corridors.surfaces.inside(lines, road, kerb_m), return_index=True
    )
    return sorted(
        (*_extent(route.line, part), int(road[at]))
        for part, at in zip(parts, row, strict=True)
        if part.length > CONTACT_TOLERANCE_M
    )


def _placed(
    work: Groundwork, route: Route, extent: tuple[float, float], edge: int, inside: int
) -> Iterator[Piece]:
    """The piece of a route on an edge (-1: none), inside the carriageway of a road (-1: none)."""
    graph = work.corridors.graph
    kind = "" if edge < 0 else str(graph.kind[edge])
    own = -1 if edge < 0 else int(graph.road[edge])
    carried = {e: laying for e, _, laying in work.corridors.carriers.among(route.bored)}
    if edge in carried:
        yield Piece(carried[edge], -1, *extent)
    elif edge >= 0 and edge in route.bored:
        yield Piece("bore", max(inside, own), *extent)
    elif inside >= 0:
        line = substring(route.line, *extent)
        freely = kind in ("", "drawn", "open_land")
        lengthwise = kind == LANE or (freely and _lies_along(work, line, inside))
        yield Piece("lane" if lengthwise else "crossing", inside, *extent)
    elif kind == "strip":
        [slot] = kind_of_slots(work, np.array([edge]))
        yield Piece(str(slot), own, *extent)
    elif kind in _BY_KIND:
        yield Piece(_BY_KIND[kind], -1, *extent)
    elif kind:
        yield Piece("across", own, *extent)
    elif isinstance(route.way, DrawnWay):
        yield from _off_corridor(work, route, extent)
    else:
        yield Piece("to_main", -1, *extent)


def _lies_along(work: Groundwork, line: shapely.LineString, road: int) -> bool:
    """Whether a piece inside a carriageway does not cross it at the least angle."""
    piece = pd.DataFrame({"line": [0], "road": [road], "at_m": [line.length / 2]})
    [angle] = crossing_angles(np.array([line], object), piece, work.corridors.surfaces)
    return bool(angle < work.policy.planning.min_crossing_angle_deg)


def _off_corridor(work: Groundwork, route: Route, extent: tuple[float, float]) -> Iterator[Piece]:
    """Pieces of a drawn line beside corridors: along a street's footway or verge, or elsewhere."""
    at = _short_steps(route.line, extent)
    lines = np.array([substring(route.line, a, b) for a, b in pairwise(at)], object)
    road = _street_along(work, lines)
    green = work.corridors.measure(lines)[0]["green_m"].to_numpy() > shapely.length(lines) / 2
    for number, (start, end) in enumerate(pairwise(at.tolist())):
        place = SLOTS[int(green[number])] if road[number] >= 0 else "off_corridor"
        yield Piece(place, int(road[number]), start, end)


def _short_steps(line: shapely.LineString, extent: tuple[float, float]) -> FloatArray:
    """Places along a part of a line: its vertices, and others so that no step is long."""
    vertex_m = _vertices_m(line)
    inside = vertex_m[(vertex_m > extent[0]) & (vertex_m < extent[1])]
    corners = np.unique([extent[0], *inside, extent[1]])
    count = np.maximum(np.ceil(np.diff(corners) / _STEP_M), 1).astype(int)
    steps = [
        np.linspace(start, end, number, endpoint=False)
        for (start, end), number in zip(pairwise(corners), count, strict=True)
    ]
    return np.append(np.concatenate(steps), corners[-1])


def _street_along(work: Groundwork, lines: LineArray) -> IntArray:
    """For each line the nearest road in whose red line it runs along the street, or -1."""
    surfaces = work.corridors.surfaces
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    line, road = shapely.STRtree(work.ground.road_areas).query(middle, predicate="intersects")
    pairs = pd.DataFrame({"line": line, "road": road})
    pairs["at_m"] = shapely.length(lines)[line] / 2
    pairs["away_m"] = shapely.distance(middle[line], surfaces.centre[road])
    pairs = pairs[crossing_angles(lines, pairs, surfaces) < _ALONG_DEG]
    nearest = pairs.sort_values(["line", "away_m", "road"]).drop_duplicates("line")
    found = np.full(len(lines), -1, np.int64)
    found[nearest["line"].to_numpy(np.int64)] = nearest["road"].to_numpy(np.int64)
    return found

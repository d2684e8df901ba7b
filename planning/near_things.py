"""Near things: what a line does not touch as drawn, but may within the tolerances of the survey.

Whether a strip reaches greenery, trees or the land of a road is yes or no, and has no interval.
What lies nearer to a part of it than both may be off together may as well be touched. Where nobody
says how exactly one of them lies it may be off as far as what is known by hearsay. What is touched
as drawn may be missed as well, which is not asked: no test of a policy wants a touch, so that a
miss takes permits and bars away and makes no verdict stricter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import POSITION_TOLERANCE_M, FloatArray, IntArray
from gis.overlay import CONTACT_TOLERANCE_M
from planning.comparisons import day
from planning.facts import Shapes, road_facts
from planning.holds import Hold, strips_along
from planning.red_lines import lands_of, near_edges
from planning.road_edges import About

if TYPE_CHECKING:
    from planning.groundwork import Groundwork

# What greenery, trees, parks and ancient trees, and roads tell.
_OF_GREEN, _OF_TREES = ("touches_green",), ("touches_tree", "tree_moving")
_OF_PROTECTED = ("ancient_tree_or_park",)
_OF_ROADS = ("open_cut", "pit_in_road")
# What the edge of an area tells either way.
_OF_AREAS = ("in_service_area",)


class Thing(NamedTuple):
    """One thing near a line: its layer and id, and where it is nearest.

    ``row`` is that of a road, -1 for others; ``facts`` would hold if it were touched; it keeps
    ``gap_m`` from where it would be, and may be off by ``tolerance_m``. The part of the line that
    is nearest hangs on ``held`` (layer, what, id), which may be off by ``held_m``. Both are NaN
    where nobody says.
    """

    layer: str
    feature_id: str
    row: int
    facts: tuple[str, ...]
    gap_m: float
    tolerance_m: float
    held: tuple[str, str, str]
    held_m: float
    xy: tuple[float, float]


def near_things(hold: Hold, utility: str) -> list[list[Thing]]:
    """What is near each of some routes of a utility; only areas of one whose strip is unknown."""
    found: list[list[Thing]] = [[] for _ in hold.lines]
    pieces = _pieces(hold)
    working = _Parts.of(hold, hold.worked, pieces)
    for kind in (*_kinds(hold.work, working), _roads(hold, pieces)):
        for route, thing in kind.beside(hold.work):
            found[route].append(thing)
    for area, near in near_edges(hold.work, hold.parcels).items():
        if area in ("urban_area", utility):
            for route in np.flatnonzero(near).tolist():
                found[route].append(_edge_near(hold, route, area))
    return found


def if_touched(
    work: Groundwork, things: Sequence[Thing], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """The inputs that are unknown as near things may be touched, by name.

    What holds as it is holds whatever else is touched; days of roads add to those that there are.
    """
    unknown = {name for thing in things for name in thing.facts}
    roads = {thing.row: None for thing in things if thing.row >= 0}
    on = day(inputs["dig_date"])
    if on is None:
        raise ValueError("inputs need a dig_date, as every application has one")
    told = road_facts(work.ground, roads, (), on)
    if told.pop("touches_city_road") is None:
        unknown.add("touches_city_road")
    days = {name: [*inputs[name], *more] for name, more in told.items() if more and name in inputs}
    known = {name for name in unknown if inputs.get(name) is False}
    known |= {name for name in unknown & {*_OF_AREAS} if inputs.get(name) is not None}
    return {**dict.fromkeys(sorted(known)), **days}


def _edge_near(hold: Hold, route: int, area: str) -> Thing:
    """The edge of an area that the parcel of a route may lie on either side of."""
    (parcel,) = lands_of(hold.work, [hold.parcels[route]])
    edge = shapely.multilinestrings(hold.work.ground.edges_of_areas[area])
    link = shapely.shortest_line(edge, parcel)
    held, held_m = hold.ended.row(route)
    gap_m, xy = shapely.length(link), tuple(shapely.get_coordinates(link)[0].tolist())
    return Thing("service_areas", area, -1, _OF_AREAS, float(gap_m), 0.0, held, held_m, xy)


class _Pieces(NamedTuple):
    """Straight pieces of routes that move with what one end hangs on: of which, from where to."""

    route: IntArray
    line: NDArray[Any]
    about: About


def _pieces(hold: Hold) -> _Pieces:
    """First and last pieces up to the first bend, and those that lead to existing carriers."""
    straight = shapely.simplify(hold.lines, POSITION_TOLERANCE_M)
    xy, route = shapely.get_coordinates(straight, return_index=True)
    first = np.flatnonzero(np.r_[True, route[1:] != route[:-1]])
    last = np.r_[first[1:], len(route)] - 1
    every = np.arange(len(hold.lines))
    parts = [
        _Pieces(every, shapely.linestrings(np.stack([xy[one], xy[two]], axis=1)), about)
        for one, two, about in (
            (first, first + 1, hold.joined),
            (last - 1, last, hold.ended),
        )
    ]
    vertex, about = hold.carried
    if len(vertex):
        xy, route = hold.vertices
        for step in (-1, 1):
            to = np.clip(vertex + step, 0, len(xy) - 1)
            leads = (route[to] == route[vertex]) & ~np.isin(to, vertex)
            lead = shapely.linestrings(np.stack([xy[vertex[leads]], xy[to[leads]]], axis=1))
            parts.append(_Pieces(route[vertex[leads]], lead, about.take(leads)))
    return _Pieces(
        np.concatenate([part.route for part in parts]),
        np.concatenate([part.line for part in parts]),
        About.together([part.about for part in parts]),
    )


class _Parts(NamedTuple):
    """Whole shapes of routes and then parts of them: of which route, and what they hang on.

    As drawn they touch what they reach, but for the square of a line of no length.
    """

    route: IntArray
    shape: NDArray[Any]
    about: About
    as_drawn: NDArray[np.bool_]

    @classmethod
    def of(cls, hold: Hold, whole: NDArray[Any], pieces: _Pieces, less_m: float = 0.0) -> _Parts:
        """Whole shapes, which hang on kerbs, with what of them lies along the pieces.

        They are ``less_m`` narrower than the strips on each side.
        """
        half_m = hold.half_m[pieces.route] - less_m
        along = np.full(len(pieces.route), None, object)
        known = np.isfinite(half_m)
        along[known] = strips_along(pieces.line[known], 2 * half_m[known])
        along = shapely.intersection(whole[pieces.route], along)
        kept = shapely.area(along) > CONTACT_TOLERANCE_M
        route = np.concatenate([np.arange(len(whole)), pieces.route[kept]])
        return cls(
            route,
            np.concatenate([whole, along[kept]]),
            About.together([hold.widest_kerb, pieces.about.take(kept)]),
            shapely.length(hold.lines)[route] > 0,
        )


class _Kind(NamedTuple):
    """Things of one layer, and the parts of routes that they are near to.

    ``counts`` tells which count, from each of which ``parts`` have to keep its ``zone_m``.
    """

    layer: str
    facts: tuple[str, ...]
    counts: NDArray[np.bool_]
    about: About
    things: Shapes
    parts: _Parts
    zone_m: FloatArray

    def beside(self, work: Groundwork) -> Iterator[tuple[int, Thing]]:
        """Each thing that a route does not touch but may; the route."""
        if not self.counts.any():
            return
        unknown_m = work.policy.planning.value("tolerance_hearsay_m")
        own_m = np.nan_to_num(self.about.tolerance_m, nan=unknown_m)
        part_m = np.nan_to_num(self.parts.about.tolerance_m, nan=unknown_m)
        most = np.hypot(own_m[self.counts].max(), part_m.max(initial=0.0))
        around, shapes = self.parts.shape, self.things.shapes
        reach_m = float(self.zone_m.max() + most)
        part, thing = self.things.tree.query(around, "dwithin", distance=reach_m)
        part, thing = part[self.counts[thing]], thing[self.counts[thing]]
        gap_m = shapely.distance(around[part], shapes[thing]) - self.zone_m[thing]
        near = gap_m < np.hypot(own_m[thing], part_m[part])
        near &= ~self._is_touched(part, thing, gap_m)
        for at in np.flatnonzero(near).tolist():
            row, of = int(thing[at]), int(part[at])
            link = shapely.shortest_line(shapes[row], around[of])
            held, held_m = self.parts.about.row(of)
            told = Thing(
                self.layer,
                str(self.about.feature_id[row]),
                row if self.layer == "roads" else -1,
                self.facts,
                float(max(gap_m[at], 0.0)),
                float(self.about.tolerance_m[row]),
                held,
                held_m,
                tuple(shapely.get_coordinates(link)[0].tolist()),
            )
            yield int(self.parts.route[of]), told

    def _is_touched(self, part: IntArray, thing: IntArray, gap_m: FloatArray) -> NDArray[np.bool_]:
        """Which pairs are of a thing that the route touches as it is, with whatever part."""
        shapes = self.things.shapes
        pair = self.parts.route[part] * np.int64(len(shapes)) + thing
        at = np.flatnonzero((gap_m <= 0) & self.parts.as_drawn[part])
        shared = shapely.intersection(self.parts.shape[part[at]], shapes[thing[at]])
        is_point = shapely.get_dimensions(shapes[thing[at]]) == 0
        touched = is_point | (shapely.area(shared) > CONTACT_TOLERANCE_M) | (gap_m[at] < 0)
        return np.isin(pair, pair[at[touched]])


def _kinds(work: Groundwork, parts: _Parts) -> Iterator[_Kind]:
    """What may be near working strips but roads."""
    ground = work.ground
    for layer, things, facts in (
        ("green", ground.greenery, _OF_GREEN),
        ("trees", ground.trees, _OF_TREES),
    ):
        if things is None:
            continue
        ids = work.survey.tables[layer].index.to_numpy(object)
        about = About.alike(layer, "", ids, work.tolerances.of_layer(layer).to_numpy(float))
        every, none_m = np.ones(len(ids), bool), np.zeros(len(ids))
        yield _Kind(layer, facts, every, about, things, parts, none_m)
        some, zone_m = every, none_m
        if layer == "green":
            some = np.array([one is not False for one in ground.is_park], bool)
        elif ground.ancient_trees is not None:
            ancient = ground.ancient_trees
            some, zone_m = ~every, none_m.copy()
            some[ancient.row], zone_m[ancient.row] = True, ancient.most_m
        yield _Kind(layer, _OF_PROTECTED, some, about, things, parts, zone_m)


def _roads(hold: Hold, pieces: _Pieces) -> _Kind:
    """The land of roads near what is dug: the trenches in the strips, and working pits."""
    ground, margin_m = hold.work.ground, hold.work.policy.planning.work_margin_m
    dug = shapely.buffer(hold.worked, -margin_m, cap_style="flat", join_style="mitre")
    for number, edges in enumerate(hold.bored):
        pits = ground.bores.pits_of(edges) if len(edges) else []
        if pits:
            dug[number] = shapely.union_all([dug[number], *pits])
    parts = _Parts.of(hold, dug, pieces, margin_m)
    (land, _known), _maybe = ground.reaches
    every, none_m = np.ones(len(land.shapes), bool), np.zeros(len(land.shapes))
    return _Kind("roads", _OF_ROADS, every, hold.red_lines, land, parts, none_m)

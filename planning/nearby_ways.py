"""Ways near a site that routes are compared among: all up to a length, with what they use.

Edges may be cut open or bored where both can be done. Length and crossings of a way are the sums
over its pieces; its green is at least the sum of what the pieces take (``green_bounds``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import shapely

from gis.constrained import Terminals, Walk, cheapest_within
from gis.linear import FloatArray, IntArray
from planning.application import Demand
from planning.both_feeds import BothFeeds
from planning.external_lines import ExternalLine
from planning.gravity_ways import FallCap, fall_caps, is_steered
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route, judge_routes, working_strips
from planning.lanes import ALONG_STREETS
from planning.qualifying import MOST_PIECES
from planning.route_pieces import piece_book
from planning.routes import Way, trace
from planning.search_areas import CAP_ROUNDING, Area, area_round
from planning.second_feed import SecondFeed, of_other_source, with_second

# Labels settled for one way before a comparison gives up: a fraction of a second.
MOST_LABELS = 2_000
_WALKED = (*ALONG_STREETS, "drawn", "open_land", "carrier")


class Found(NamedTuple):
    """A way with those of its edges that are bored."""

    way: Way
    bored: tuple[int, ...]


class Place(NamedTuple):
    """A side of a street, or (``road`` -1) a kind of corridor away from streets."""

    kind: str
    road: int
    street: str
    side: int


@dataclass(frozen=True)
class NearbyWays:
    """All ways of one demand to a site that are at most ``longest_m`` long.

    ``work`` is closed as it was when the line was routed. An edge that may be cut open and bored
    stands twice in ``area``. With a ``second`` feed they are ways of the first, from other mains.
    """

    work: Groundwork
    demand: Demand
    site: Site
    longest_m: float
    area: Area
    second: SecondFeed | None = None

    @property
    def too_many(self) -> bool:
        """Whether there are more pieces than are searched."""
        return len(self.area.edges) > MOST_PIECES

    @property
    def is_whole(self) -> bool:
        """Whether the demand and the site can be searched at all."""
        return not self.area.is_empty and not self.too_many

    @cached_property
    def cost(self) -> FloatArray:
        """Yuan of every edge, tie-break included; infinite where a second feed fills the duct."""
        yuan = self.area.yuan[0]
        if self.second is None or self.second.route is None:
            return yuan
        carriers, taken = self.work.corridors.carriers, self.second.route.way.edges
        full = carriers.filled_by(self.demand.pipe, taken)
        return np.where(np.isin(self.area.edges, full), np.inf, yuan)

    @cached_property
    def stub_cost(self) -> FloatArray:
        """Yuan of every way to a tie-in, tie-break included; infinite from a second feed's main."""
        yuan = self.area.yuan[1]
        if self.second is None or self.second.route is None:
            return yuan
        other = of_other_source(self.work, self.demand, self.second.route)[self.area.tie_ins]
        return np.where(other, yuan, np.inf)

    @cached_property
    def length_m(self) -> tuple[FloatArray, FloatArray]:
        """Metres of every edge and of every way to a tie-in."""
        stubs = self.work.tie_ins(self.demand.pipe.utility).ways.length_m[self.area.tie_ins]
        return self.work.corridors.graph.length_m[self.area.edges], stubs

    def terminals(self, resources: FloatArray) -> tuple[Terminals, Terminals]:
        """Tie-ins, with what their ways use, and the ends on the red line."""
        sources = Terminals(self.area.sources, self.stub_cost, resources)
        return sources, Terminals.at(self.area.targets, len(resources))

    @cached_property
    def fall(self) -> tuple[FallCap, ...]:
        """The caps on fall and cover of a gravity line; empty for other lines."""
        if not is_steered(self.demand):
            return ()
        ends = self.area.nodes[self.area.targets]
        edges, tie_ins = self.area.edges, self.area.tie_ins
        return fall_caps(
            self.work, self.demand, self.site, edges=edges, tie_ins=tie_ins, end_nodes=ends
        )

    @property
    def longest(self) -> float:
        """The cap on length, loosened as rounding of sums needs."""
        return self.longest_m + CAP_ROUNDING

    def capped(
        self, edges: FloatArray, stubs: FloatArray, cap: float
    ) -> tuple[FloatArray, Terminals, Terminals, list[float]]:
        """Resources with their caps: length, something else, and the fall of a gravity line."""
        length_m, stub_m = self.length_m
        sources, targets = self.terminals(
            np.array([stub_m, stubs, *(one.tie_ins for one in self.fall)])
        )
        none = np.zeros(len(targets.nodes))
        ends = np.array([none, none, *(one.ends for one in self.fall)])
        rows = np.array([length_m, edges, *(one.edges for one in self.fall)])
        caps = [self.longest, cap, *(one.cap for one in self.fall)]
        return rows, sources, replace(targets, resources=ends), caps

    def cheapest(
        self, edges: FloatArray, stubs: FloatArray, cap: float
    ) -> tuple[Found | None, float]:
        """The cheapest way whose pieces have at most ``cap`` of something in all, and how much.

        No way where there is none, or where the search gave up.
        """
        rows, sources, targets, caps = self.capped(edges, stubs, cap)
        answer = cheapest_within(
            self.area.ends,
            len(self.area.nodes),
            self.cost,
            rows,
            sources,
            targets,
            caps,
            limit=MOST_LABELS,
        )
        if answer.walk is None:
            return None, float("nan")
        return self.found(answer.walk), answer.walk.resources[1]

    # --- streets and sides ---------------------------------------------------------------------

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The sides of streets here; ``edge_place`` and ``tie_in_place`` number them."""
        return tuple(dict.fromkeys(one for one in self._of_edge if one is not None))

    @cached_property
    def edge_place(self) -> IntArray:
        """The place that every edge runs in; -1 for crossings and connectors."""
        number = {place: at for at, place in enumerate(self.places)}
        return np.array([-1 if one is None else number[one] for one in self._of_edge], np.int64)

    @cached_property
    def tie_in_place(self) -> IntArray:
        """The place nearest to where each tie-in joins the network; -1 without any."""
        along = np.flatnonzero(self.edge_place >= 0)
        if len(along) == 0:
            return np.full(len(self.area.tie_ins), -1, np.int64)
        lines = self.work.tie_ins(self.demand.pipe.utility).lines[self.area.tie_ins]
        strips_here = self.work.corridors.graph.lines[self.area.edges[along]]
        nearest = shapely.STRtree(strips_here).nearest(shapely.get_point(lines, 0))
        return np.asarray(self.edge_place[along[nearest]])

    @cached_property
    def _of_edge(self) -> list[Place | None]:
        measures = self.work.corridors.graph.measures.iloc[self.area.edges]
        roads = self.work.corridors.surfaces.table
        names = roads["name"].fillna(roads["road_id"]).astype(str).to_list()
        seen: dict[tuple[str, int], Place] = {}
        found: list[Place | None] = []
        columns = (measures[name] for name in ("kind", "road", "side"))
        for kind, road, side in zip(*columns, strict=True):
            if kind not in _WALKED:
                found.append(None)
            elif kind not in ALONG_STREETS:
                found.append(Place(kind, -1, "", 0))
            else:
                key = (names[road], int(side))
                found.append(seen.setdefault(key, Place(kind, int(road), *key)))
        return found

    # --- from routes to walks and back -----------------------------------------------------------

    def walk_of(self, route: Route) -> Walk | None:
        """A route as a walk here; None where it is not among these ways."""
        keys = {
            (edge, under): at
            for at, (edge, under) in enumerate(
                zip(self.area.edges.tolist(), self.area.bored.tolist(), strict=True)
            )
        }
        asked = [(edge, edge in route.bored) for edge in route.way.edges]
        source = np.flatnonzero(self.area.tie_ins == route.way.tie_in)
        target = np.flatnonzero(self.area.nodes[self.area.targets] == route.way.end_node)
        if len(source) == 0 or len(target) == 0 or any(key not in keys for key in asked):
            return None
        edges = tuple(keys[key] for key in asked)
        return Walk(int(source[0]), edges, int(target[0]), route.figures["cost_yuan"], ())

    def found(self, walk: Walk) -> Found:
        """A walk in numbers of the graph."""
        edges = self.area.edges[list(walk.edges)]
        bored = edges[self.area.bored[list(walk.edges)]]
        tie_in = int(self.area.tie_ins[walk.source])
        end = int(self.area.nodes[self.area.targets[walk.target]])
        return Found(Way(tie_in, tuple(edges.tolist()), end, walk.cost), tuple(bored.tolist()))

    def judged(self, found: Sequence[Found]) -> list[Route]:
        """Ways traced and judged exactly, in order, those with the same bores together."""
        routes: dict[int, Route] = {}
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for number, one in enumerate(found):
            groups[one.bored].append(number)
        tie_ins = self.work.tie_ins(self.demand.pipe.utility)
        for bored, numbers in groups.items():
            beneath = np.zeros(self.work.corridors.graph.edge_count, bool)
            beneath[list(bored)] = True
            ways = [found[number].way for number in numbers]
            traced = trace(self.work.corridors, tie_ins, ways, beneath)
            working = working_strips(self.work, self.demand, traced)
            sites = [self.site] * len(ways)
            judged = judge_routes(self.work, self.demand, sites, traced, working)
            routes.update(zip(numbers, judged, strict=True))
        return [routes[number] for number in range(len(found))]

    def as_lines(self, routes: Sequence[Route]) -> list[Route | BothFeeds]:
        """What is judged of the line on each route: with a second feed, both."""
        second = self.second
        if second is None:
            return list(routes)
        pairs = (with_second(self.work, self.demand, self.site, one, second) for one in routes)
        return [both or one for both, one in zip(pairs, routes, strict=True)]


def nearby_ways(work: Groundwork, site: Site, line: ExternalLine) -> NearbyWays:
    """The ways to compare with the routes of a line: up to a length that their longest gives.

    ``compared_longer_share`` and ``compared_longer_m`` of the policy say how much longer.
    """
    assert line.demand is not None
    ground, planning = work.under(line.closed), work.policy.planning
    longest_m = max(route.figures["length_m"] for route in line.routes.values())
    longest_m *= 1 + planning.value("compared_longer_share")
    longest_m += planning.value("compared_longer_m")
    book = piece_book(ground, line.demand, site)
    area = area_round(book, site, longest_m)
    second = line.second if line.both else None
    return NearbyWays(ground, line.demand, site, longest_m, area, second)

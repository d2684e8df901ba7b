"""The cheapest pair of feeds that qualifies, or why none does.

A pair is two ways from different mains, measured and judged as one work (``planning.both_feeds``).
It is looked for as a single route is (``planning.qualifying``): pieces that fail alone are left
out, limits become caps on what both use together, every pair found is judged exactly, and what
fails is forbidden by one more cap. Pairs on sides of streets of their own come before those that
keep off each other's edges, and these before those that lie in one trench: a worse kind is looked
at where no pair of a better one has the rank. Where two ways have a side or an edge in common that
they should not, one or the other must keep off it: both are searched, the cheaper first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gis.linear import IntArray
from gis.pairs import PairProblem
from planning.application import Demand
from planning.both_feeds import BothFeeds, both_feeds
from planning.ever_worse import improving_input
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route
from planning.pair_areas import APART, PairArea, counted_once, sharing_bars
from planning.pair_search import FoundPair, PairJudge, PairSearch, Space, pair_yuan
from planning.qualifying import (
    MOST_PIECES,
    OF_WAYS,
    POSSIBLE,
    SURE,
    Qualifying,
    as_proven,
    farthest_m,
    judge_ways,
    unproven,
)
from planning.route_pieces import Caps, PieceBook, Reason
from planning.routes import best_way
from planning.search_areas import CAP_ROUNDING, area_round
from planning.sources import source_numbers

_FIRST_REACH_M = 60.0


@dataclass(frozen=True)
class FeedPairs:
    """The pairs of a line that wants two feeds.

    ``cheapest`` is the cheapest pair whatever it measures, ``found`` the cheapest that surely
    qualifies, or may where none surely does; ``answer`` tells of it as of a single route, with the
    first route of the pair. ``cheapest_apart`` and ``found_apart`` tell how far the feeds of each
    keep apart.
    """

    cheapest: BothFeeds
    cheapest_apart: str
    found: BothFeeds | None
    found_apart: str
    answer: Qualifying

    @property
    def recommended(self) -> BothFeeds:
        """The cheapest pair that qualifies; if none surely does, the cheapest."""
        return self.found if self.answer.route is not None and self.found else self.cheapest

    @property
    def recommended_apart(self) -> str:
        """How far the feeds that are recommended keep apart."""
        return self.found_apart if self.recommended is self.found else self.cheapest_apart


@dataclass(frozen=True)
class NoPair:
    """No pair of feeds was found; ``proven`` where there is none, else the search gave up."""

    proven: bool


_NONE = FoundPair(None, True, np.inf, final=True)


def feed_pairs(
    work: Groundwork, demand: Demand, site: Site, known: Mapping[str, Route]
) -> FeedPairs | NoPair:
    """Find the cheapest pair of feeds and the cheapest that qualifies.

    ``known`` are single routes, ``cheapest``, which nothing undercuts, and ``shortest``.
    """
    quest = _Quest(work, demand, site, known)
    cheapest = quest.first_apart(None)
    if cheapest.both is None and not cheapest.proven:
        cheapest = quest.beside_cheapest(cheapest.lower_bound)
    return NoPair(cheapest.proven) if cheapest.both is None else quest.answer(cheapest)


@dataclass(frozen=True)
class _Quest:
    """The question for the pairs of one demand at one site."""

    work: Groundwork
    demand: Demand
    site: Site
    known: Mapping[str, Route]

    @cached_property
    def judge(self) -> PairJudge:
        return PairJudge(self.work, self.demand, self.site)

    @property
    def book(self) -> PieceBook:
        """The pieces of one feed."""
        return self.judge.book

    @cached_property
    def number(self) -> IntArray:
        return source_numbers(self.work, self.demand)

    @cached_property
    def once(self) -> frozenset[str]:
        return counted_once(self.demand, self.book)

    def beside_cheapest(self, bound: float) -> FoundPair:
        """The cheapest line with the cheapest from another main, where the search gave up.

        No pair is cheaper than ``bound``. That the first fills a duct which the second needs proves
        nothing: another first may leave it free.
        """
        first, search = self.known["cheapest"], self.work.search(self.demand.pipe, "cheapest")
        own = self.number[first.way.tie_in]
        other = (own >= 0) & (self.number >= 0) & (self.number != own)
        weights = np.where(other, search.tie_in_weights, np.inf)
        anywhere, edges = replace(search, tie_in_weights=weights), np.array(search.edge_weights)
        carriers = self.work.corridors.carriers
        edges[carriers.filled_by(self.demand.pipe, first.way.edges)] = np.inf
        way = best_way(replace(anywhere, edge_weights=edges), self.site.end_nodes)
        if way is None:
            return _NONE._replace(proven=best_way(anywhere, self.site.end_nodes) is None)
        bored = self.work.methods(self.demand.pipe, all_bores=False).bored
        beneath = tuple(edge for edge in way.edges if bored[edge])
        routes = judge_ways(
            self.work, self.demand, [self.site] * 2, [first.way, way], [first.bored, beneath]
        )
        both = both_feeds(self.work, self.demand, self.site, routes[0], routes[1])
        shared = set(first.way.edges) & set(way.edges)
        is_connector = self.work.corridors.is_connector
        apart = "none" if any(not is_connector[edge] for edge in shared) else "edges"
        return FoundPair(both, False, bound, apart)

    # --- ranks -----------------------------------------------------------------------------------

    def answer(self, cheapest: FoundPair) -> FeedPairs:
        """The pair that qualifies, as far as what its parts tell holds of it."""
        found = self._by_levels(cheapest)
        improving = improving_input(self.work.policy, self.demand.pipe.utility)
        if improving is None or found.cheapest.rank == SURE:
            return found
        return replace(found, answer=unproven(improving, found.answer, cheapest.lower_bound))

    def _by_levels(self, cheapest: FoundPair) -> FeedPairs:
        """The pair that qualifies, by levels as for a single route."""
        assert cheapest.both is not None
        both, apart = cheapest.both, cheapest.apart
        if both.rank == SURE:
            sure = Qualifying(both.routes[0], cheapest.proven, cheapest.lower_bound)
            return FeedPairs(both, apart, both, apart, sure)
        found = self.first_apart(SURE)
        if found.both is not None:
            chosen = found.both
            yuan, reach_m = found.lower_bound, found.reach_m
            sure = Qualifying(chosen.routes[0], found.proven, yuan, reach_m=reach_m)
            return FeedPairs(both, apart, chosen, found.apart, sure)
        if not found.proven:
            gave_up = Qualifying(
                None, False, found.lower_bound, reason=Reason("limit"), reach_m=found.reach_m
            )
            return FeedPairs(both, apart, None, apart, gave_up)
        return self._open(both, apart, found)

    def _open(self, cheapest: BothFeeds, apart: str, sure: FoundPair) -> FeedPairs:
        """The pair that may qualify where none surely does, or why none may."""
        found = FoundPair(cheapest, True, np.inf, apart, reach_m=sure.reach_m)
        chosen: BothFeeds | None = cheapest
        if cheapest.rank > POSSIBLE:
            found = self.first_apart(POSSIBLE)
            chosen = found.both
        answer = Qualifying(
            None,
            found.proven,
            np.inf,
            None if chosen is None else chosen.routes[0],
            found.reason if found.proven else Reason("limit"),
            max(sure.reach_m, found.reach_m),
        )
        return FeedPairs(cheapest, apart, chosen, found.apart, self._as_proven(answer))

    def _as_proven(self, answer: Qualifying) -> Qualifying:
        """An answer whose proof holds for all mains, known or not, and on all ground."""
        of_ways = answer.reason is None or answer.reason.kind in OF_WAYS
        if answer.status == "none" and of_ways and self._unknown_near:
            return replace(answer, proven=False, reason=Reason("source_unknown"))
        return as_proven(self.book, self.site, answer)

    @property
    def _unknown_near(self) -> bool:
        """Whether a tie-in that one feed may reach does not say of which main it is."""
        tie_ins = np.arange(len(self.number))
        reach_m = farthest_m(self.book, self.book.caps(POSSIBLE))
        if np.isfinite(reach_m):
            tie_ins = area_round(self.book, self.site, reach_m).tie_ins
        weights = self.work.search(self.demand.pipe, "cheapest").tie_in_weights
        return bool((np.isfinite(weights[tie_ins]) & (self.number[tie_ins] < 0)).any())

    def first_apart(self, level: int | None) -> FoundPair:
        """The cheapest pair of the best kind that has one of at most a rank."""
        proven, bound, reach_m, last = True, np.inf, 0.0, _NONE
        for apart in APART:
            last = self._of_kind(level, apart)
            proven, reach_m = proven and last.proven, max(reach_m, last.reach_m)
            bound = min(bound, last.lower_bound)
            if last.both is not None or (apart == "none" and last.proven):
                break
        if last.both is None and last.proven:
            proven = True  # it holds for all kinds
        return last._replace(proven=proven, lower_bound=bound, reach_m=reach_m)

    def _of_kind(self, level: int | None, apart: str) -> FoundPair:
        """The cheapest pair of one kind: one that keeps the limits, or that needs no permit."""
        if level is None:
            return self._search(Space(None, {}, False, apart), None)
        least_rank, input_bars = self.book.unchanging
        caps = self.book.caps(level)
        barred = input_bars if least_rank > level else None
        reason = barred or self._too_long(caps)
        spaces = []
        if barred is None or self.book.rank({}) <= level:
            if not caps or reason is None:
                may_share = not sharing_bars(self.demand, self.book, level)
                spaces.append(Space(level, caps, False, apart, may_share))
            if caps:
                spaces.append(Space(level, {}, True, apart))
        best = _NONE._replace(reason=reason)
        for space in spaces:
            found = self._search(space, best.both)
            best = found._replace(
                proven=best.proven and found.proven,
                lower_bound=min(best.lower_bound, found.lower_bound),
                reason=best.reason or found.reason,
                reach_m=max(best.reach_m, found.reach_m),
            )
        return best

    def _too_long(self, caps: Caps) -> Reason | None:
        """That even the shortest two feeds are past a limit that metres alone exceed."""
        for name, (condition, cap) in caps.items():
            metre = self.book.metre_adds(name)
            if metre == 0 or not np.isfinite(cap):
                continue
            one_m, two_m = self._shortest_m
            least = metre * (two_m if name in self.once else one_m + two_m)
            if least > cap + CAP_ROUNDING:
                return Reason("cap", name, least, float(condition.limit))
        return None

    @cached_property
    def _shortest_m(self) -> tuple[float, float]:
        """Metres of the shortest feed and of the shortest from another main, wherever they lead."""
        reach_m = _FIRST_REACH_M
        graph = self.work.corridors.graph
        stub_m = self.work.tie_ins(self.demand.pipe.utility).ways.length_m
        while True:
            area = PairArea.round(self.book, self.site, reach_m, self.number, self.once)
            problem = area.problem({})
            lengths = graph.length_m[area.area.edges], stub_m[area.area.tie_ins]
            one, two = problem.least_of(*lengths)
            if two <= reach_m or area.is_closed:
                return one, two
            if len(area.area.edges) > MOST_PIECES:
                return min(one, reach_m), min(two, reach_m)
            reach_m *= 2

    # --- one kind --------------------------------------------------------------------------------

    def _search(self, space: Space, best: BothFeeds | None) -> FoundPair:
        """Look ever farther for the cheapest pair, until no cheaper one can lie beyond.

        A pair of which one way leads beyond the reach costs that way and another at least.
        """
        reach_m, farthest = _FIRST_REACH_M, farthest_m(self.book, space.caps)
        search = self.work.search(self.demand.pipe, "cheapest")
        least_yuan = self.known["cheapest"].figures["cost_yuan"] - CAP_ROUNDING
        while True:
            area = PairArea.round(
                self.book, self.site, min(reach_m, farthest), self.number, self.once
            )
            reach = area.area.reach_m
            safe_yuan = reach * search.lightest_rate + least_yuan
            if len(area.area.edges) > MOST_PIECES:
                return FoundPair(
                    best, False, min(safe_yuan, pair_yuan(best)), space.apart, reach_m=reach
                )
            found = self._within(area, space, best)
            if not found.proven:
                bound = min(found.lower_bound, safe_yuan)
                return found._replace(lower_bound=bound, reach_m=reach)
            final = found.final or reach >= farthest
            if final or found.lower_bound <= safe_yuan:
                return found._replace(reach_m=reach)
            reach_m *= 2

    def _within(self, area: PairArea, space: Space, best: BothFeeds | None) -> FoundPair:
        """The cheapest pair of a kind in an area."""
        part = area
        if best is not None:
            part = part.no_dearer(pair_yuan(best) - self.known["cheapest"].figures["cost_yuan"])
        if space.level is not None:
            part = part.allowed(space.level, worst=space.worst)
        if part.area.is_empty or len(np.unique(part.group)) < 2:
            final = part.is_closed if best is None else True
            reason = None if best else part.area.why_empty
            return FoundPair(best, True, pair_yuan(best), space.apart, final, reason)
        side_by_side = space.apart == "none" and space.may_share
        beside = space.apart == "none"
        problem = part.problem(space.caps, side_by_side=side_by_side, beside=beside)
        found = PairSearch(self.judge, part, space, best).cheapest(problem)
        if found.both is None and found.proven:
            reason = self._why(area, part, problem, space)
            return found._replace(final=found.final or part.is_closed, reason=reason)
        return found._replace(final=found.final or (found.proven and part.is_closed))

    def _why(self, area: PairArea, part: PairArea, problem: PairProblem, space: Space) -> Reason:
        """Why no pair in an area has the rank."""
        whole = len(part.area.edges) == len(area.area.edges)
        whole = whole and len(part.area.tie_ins) == len(area.area.tie_ins)
        if problem.least(None) == np.inf:
            return part.area.why_empty
        for row, (name, (condition, cap)) in enumerate(space.caps.items()):
            least = problem.least(row) if whole else 0.0
            if least > cap + CAP_ROUNDING:
                return Reason("cap", name, least, float(condition.limit))
        return Reason("together")

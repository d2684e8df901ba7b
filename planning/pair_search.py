"""The search for the cheapest pair of feeds of one kind in an area, each pair judged exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

import numpy as np

from gis.pair_labels import Kept, PairAnswer, cheapest_pair
from gis.pairs import NOTHING_SHUT, Cut, Pair, PairProblem, Shut
from planning.application import Demand
from planning.both_feeds import BothFeeds, both_feeds, tell_together
from planning.groundwork import Groundwork, Site
from planning.judged_routes import rank_among, working_strips
from planning.pair_areas import PairArea
from planning.qualifying import judge_ways
from planning.route_pieces import Caps, PieceBook, Reason, piece_book
from planning.routes import Way
from planning.search_areas import CAP_ROUNDING, run_of
from planning.verdicts import possible_of

# Where the search for a kind of pairs gives up: labels of one step, steps, pairs that fail.
MOST_LABELS, MOST_SEARCHES, MOST_FAILED = 10_000, 60, 12


class Space(NamedTuple):
    """Pairs to look among: of at most a rank (None: any), under caps or (``worst``) without."""

    level: int | None
    caps: Caps
    worst: bool
    apart: str
    may_share: bool = True


class FoundPair(NamedTuple):
    """What a search found: ``final`` tells that nothing lies beyond what it looked at."""

    both: BothFeeds | None
    proven: bool
    lower_bound: float
    apart: str = "none"
    final: bool = False
    reason: Reason | None = None
    reach_m: float = 0.0


_Spans = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class PairJudge:
    """Judges pairs of feeds of one demand at one site, and parts of them."""

    work: Groundwork
    demand: Demand
    site: Site

    @cached_property
    def book(self) -> PieceBook:
        """The pieces of one feed: a pair that holds a piece is no better than the piece alone."""
        return piece_book(self.work, replace(self.demand, feeds=1), self.site)

    def judged(self, part: PairArea, pair: Pair) -> BothFeeds:
        """A pair, measured and judged exactly; the cheaper way first."""
        ways = sorted((part.way(one) for one in (pair.first, pair.second)), key=_by_cost)
        routes = judge_ways(self.work, self.demand, [self.site] * 2, *zip(*ways, strict=True))
        return both_feeds(self.work, self.demand, self.site, routes[0], routes[1])

    def rank_of_parts(self, part: PairArea, pair: Pair, spans: _Spans) -> int:
        """The rank of a part of a pair, judged as if it were the whole."""
        runs = []
        for one, (start, end) in zip((pair.first, pair.second), spans, strict=True):
            runs.append(run_of(self.book, *part.way(one), start, end))
        routes = self.book.traced(runs)
        alone = working_strips(self.work, self.demand, routes)
        told = tell_together(self.work, self.demand, self.book.dig_date, routes, alone)
        inputs = {**told.measures, **told.facts, **self.book.given}
        return rank_among(possible_of(self.demand.pipe.utility, inputs, self.work.policy))


@dataclass(frozen=True)
class PairSearch:
    """The search for the cheapest pair of one kind in an area; only those cheaper than ``best``."""

    judge: PairJudge
    part: PairArea
    space: Space
    best: BothFeeds | None

    def cheapest(self, problem: PairProblem) -> FoundPair:
        """Search pairs, the cheapest first; where two ways have too much in common, both cures."""
        space, bars = self.space, not self.space.may_share
        nodes: list[tuple[float, int, Shut, PairAnswer]] = []
        serial, failed = count(), 0
        kept: Kept = {}

        def look(shut: Shut) -> None:
            answer = cheapest_pair(
                problem,
                dearest=pair_yuan(self.best) - CAP_ROUNDING,
                limit=MOST_LABELS,
                shut=shut,
                kept=kept,
            )
            heappush(nodes, (answer.lower_bound, next(serial), shut, answer))

        look(NOTHING_SHUT)
        for _ in range(MOST_SEARCHES):
            bound, _, shut, answer = heappop(nodes)
            if answer.pair is None and not answer.proven:
                return self._gave_up(bound)
            if answer.pair is None:
                # The others are no cheaper: there is none left.
                dead = [shut, *(one for _, _, one, _ in nodes)]
                final = all(self._for_good(one) for one in dead)
                return FoundPair(self.best, True, pair_yuan(self.best), space.apart, final)
            conflict = self.part.conflict(answer.pair, space.apart, last_steps=bars)
            if conflict is not None:
                if shut == NOTHING_SHUT and len(conflict) == 2 and not conflict[0].sources:
                    conflict = conflict[:1]  # the other is the same with the ways exchanged
                for off in conflict:
                    look(shut.off(*off))
                continue
            found = self._qualified(answer.pair)
            if found is not None:
                apart = self.part.apart(answer.pair)
                return FoundPair(found, True, found.figures["cost_yuan"], apart)
            failed += 1
            if failed == MOST_FAILED:
                return self._gave_up(bound)
            problem = problem.without(self._cut(answer.pair))
            look(shut)
        return self._gave_up(nodes[0][0] if nodes else 0.0)

    def _qualified(self, pair: Pair) -> BothFeeds | None:
        """The pair judged exactly; None where it does not have the rank."""
        level = self.space.level
        if level is not None and self._fails(pair, _whole(pair)):
            return None
        both = self.judge.judged(self.part, pair)
        return both if level is None or both.rank <= level else None

    def _gave_up(self, bound: float) -> FoundPair:
        return FoundPair(self.best, False, min(bound, pair_yuan(self.best)), self.space.apart, True)

    def _for_good(self, shut: Shut) -> bool:
        """Whether one of the ways, off what is shut, can go nowhere at all."""
        return any(self.part.shut_in(shut.edges[way], shut.sources[way]) for way in (0, 1))

    # --- what fails ------------------------------------------------------------------------------

    def _cut(self, pair: Pair) -> Cut:
        """The least parts of the two ways, found from their ends, that do not have the rank."""
        whole = _whole(pair)
        for way in (0, 1):
            alone = _with([(0, 0), (0, 0)], way, whole[way])
            if self._fails(pair, alone):
                return self._cut_of(pair, self._least(pair, alone, way))
        if self._fails(pair, whole):
            for way in (0, 1):
                whole = self._least(pair, whole, way)
        return self._cut_of(pair, whole)

    def _least(self, pair: Pair, spans: list[tuple[int, int]], way: int) -> list[tuple[int, int]]:
        """Spans with the shortest part of one way, from its start and then from its end."""

        def fails(start: int, end: int) -> bool:
            return self._fails(pair, _with(spans, way, (start, end)))

        start, end = spans[way]
        end = first_number(start + 1, end, lambda at: fails(start, at))
        start = end - first_number(1, end - start, lambda length: fails(end - length, end))
        return _with(spans, way, (start, end))

    def _fails(self, pair: Pair, spans: list[tuple[int, int]]) -> bool:
        level = self.space.level
        assert level is not None
        return self.judge.rank_of_parts(self.part, pair, (spans[0], spans[1])) > level

    def _cut_of(self, pair: Pair, spans: list[tuple[int, int]]) -> Cut:
        edges, sources = [], []
        for one, (start, end) in zip((pair.first, pair.second), spans, strict=True):
            edges.append(frozenset(one.edges[max(start - 1, 0) : max(end - 1, 0)]))
            sources.append(one.source if start == 0 < end else -1)
        return Cut((edges[0], edges[1]), (sources[0], sources[1]))


def _whole(pair: Pair) -> list[tuple[int, int]]:
    return [(0, len(one.edges) + 1) for one in (pair.first, pair.second)]


def _with(spans: list[tuple[int, int]], way: int, span: tuple[int, int]) -> list[tuple[int, int]]:
    return [span if number == way else one for number, one in enumerate(spans)]


def first_number(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first number from low to high that something holds of, as it then does of all after."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _by_cost(one: tuple[Way, tuple[int, ...]]) -> float:
    return one[0].weight


def pair_yuan(both: BothFeeds | None) -> float:
    """What a pair costs in yuan; inf for none."""
    return np.inf if both is None else both.figures["cost_yuan"]

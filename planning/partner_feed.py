"""The second feed beside a first one that is given, as where a person drew it.

Pairs are looked at in the order of ``planning.feed_pairs``, with one way fixed: the other comes
from another main, keeps off the first as far as it can, and is the cheapest with which both
qualify, else the cheapest. Pieces that fail alone are left out, limits become caps on what the
first leaves of them, every way found is judged exactly with the first, and of one that fails the
facts that bar it, or the shortest run that fails beside the first, are left out from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, LineArray
from planning.apart import Course, within_m
from planning.application import Demand
from planning.both_feeds import BESIDE_M, SAME_M, BothFeeds, both_feeds, tell_together
from planning.drawn_ways import routes_together, traced_again
from planning.ever_worse import improving_input
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route, judge_routes, rank_among, working_strips
from planning.open_ways import Bar, OpenWays
from planning.pair_areas import APART, LEAVING_M, counted_once, sharing_bars
from planning.pair_search import first_number
from planning.qualifying import (
    MOST_PIECES,
    MOST_WAYS,
    POSSIBLE,
    SURE,
    farthest_m,
    judge_ways,
)
from planning.route_pieces import Caps, PieceBook, Run, amounts, piece_book
from planning.routes import Routes, Way
from planning.search_areas import CAP_ROUNDING, Area, Problem, area_round, run_of
from planning.second_feed import SecondFeed
from planning.sources import source_of, sources
from planning.verdicts import possible_of

_FIRST_REACH_M = 60.0


class _Space(NamedTuple):
    """Ways to look among: so that both have at most a rank (None: any), under caps or without."""

    level: int | None
    caps: Caps
    worst: bool
    apart: str


class _Found(NamedTuple):
    both: BothFeeds | None
    proven: bool
    apart: str


def partner_feed(work: Groundwork, demand: Demand, site: Site, first: Route) -> SecondFeed:
    """The best second feed beside a first one, or why there is none.

    Ancient trees and protected greenery are kept clear of where a way does so, as a computed line
    does; what may not be dug on the day of digging is not.
    """
    areas = work.closures.on(site.application.dig_date)
    found = SecondFeed(None, "disconnected")
    for ground in work.tried(areas):
        own, others = source_of(ground, demand, first), sources(ground, demand)
        usable = np.isfinite(ground.search(demand.pipe, "cheapest").tie_in_weights)
        known = np.array([one is not None for one in others], bool)
        open_to = usable & known & (others != own)
        if own is None:
            return SecondFeed(None, "source_unknown")
        if not open_to.any():
            unknown = bool((usable & ~known).any())
            found = SecondFeed(None, "source_unknown" if unknown else "no_other_source")
            continue
        found = _Quest(ground, demand, site, first, open_to).answer()
        if found.route is not None:
            break
    return found


def preference(found: SecondFeed) -> tuple[float, int, float]:
    """What second feeds beside the same first are ordered by: the less the better."""
    if found.both is None:
        return np.inf, 0, 0.0
    apart = APART.index(found.apart or APART[-1])
    return found.both.rank, apart, found.both.figures["cost_yuan"]


@dataclass(frozen=True)
class _Quest:
    """The question for the second feed; ``open_to`` are the tie-ins that it may come from."""

    work: Groundwork
    demand: Demand
    site: Site
    first: Route
    open_to: NDArray[np.bool_]

    @cached_property
    def book(self) -> PieceBook:
        """The pieces of one feed: beside the first none measures less."""
        return piece_book(self.work, replace(self.demand, feeds=1), self.site)

    @cached_property
    def once(self) -> frozenset[str]:
        return counted_once(self.demand, self.book)

    @cached_property
    def alone(self) -> Route:
        """The first as if one feed were asked for."""
        routes = self._traced(self.first)
        one = self.book.demand
        working = working_strips(self.work, one, routes)
        return judge_routes(self.work, one, [self.site], routes, working)[0]

    def _traced(self, *routes: Route) -> Routes:
        return traced_again(self.work.corridors, self.work.tie_ins(self.book.utility), routes)

    # --- ranks -----------------------------------------------------------------------------------

    def answer(self) -> SecondFeed:
        """The cheapest with which both surely qualify, else may qualify, else the cheapest."""
        cheapest = self._first_apart(None)
        if cheapest.both is None:
            reason = "disconnected" if cheapest.proven else "not_proven"
            return SecondFeed(None, reason, proven=cheapest.proven)
        found = cheapest
        proven = cheapest.proven
        if cheapest.both.rank > SURE:
            proven = proven and improving_input(self.work.policy, self.book.utility) is None
        for level in (SURE, POSSIBLE):
            if cheapest.both.rank <= level:
                break
            if self.alone.rank <= level:
                better = self._first_apart(level)
                proven = proven and better.proven
                if better.both is not None:
                    found = better
                    break
        assert found.both is not None
        return SecondFeed(found.both.routes[1], None, found.apart, found.both, proven=proven)

    def _first_apart(self, level: int | None) -> _Found:
        """The cheapest of the best kind that has one."""
        proven, found = True, _Found(None, True, APART[-1])
        for apart in APART:
            found = self._of_kind(level, apart)
            proven = proven and found.proven
            if found.both is not None:
                break
        return found._replace(proven=proven)

    def _of_kind(self, level: int | None, apart: str) -> _Found:
        if level is None:
            return self._search(_Space(None, {}, False, apart), None)
        spaces = []
        if self.book.unchanging[0] <= level or self.book.rank({}) <= level:
            caps = {
                name: (condition, cap - (self.alone.measures[name] or 0.0))
                for name, (condition, cap) in self.book.caps(level).items()
            }
            if all(left > -CAP_ROUNDING for _, left in caps.values()):
                spaces.append(_Space(level, caps, False, apart))
            if caps:
                spaces.append(_Space(level, {}, True, apart))
        best = _Found(None, True, apart)
        for space in spaces:
            found = self._search(space, best.both)
            best = found._replace(proven=best.proven and found.proven)
        return best

    # --- one kind --------------------------------------------------------------------------------

    def _search(self, space: _Space, best: BothFeeds | None) -> _Found:
        """Look ever farther for the cheapest, until no cheaper one can lie beyond."""
        reach_m, farthest = _FIRST_REACH_M, self._farthest_m(space.caps)
        rate = self.work.search(self.demand.pipe, "cheapest").lightest_rate
        while True:
            area = area_round(self.book, self.site, min(reach_m, farthest))
            if len(area.edges) > MOST_PIECES:
                return _Found(best, False, space.apart)
            part = self._apart(area, space)
            if space.level is not None:
                part = part.allowed(space.level, worst=space.worst)
            found = self._within(part, space, best)
            closed = part.is_closed or area.reach_m >= farthest
            if closed or not found.proven or self._yuan(found.both) <= area.reach_m * rate:
                return found
            reach_m *= 2

    def _farthest_m(self, caps: Caps) -> float:
        """How far the second can reach: over the ground of the first it may cost nothing."""
        beside = {name: cap for name, cap in caps.items() if name in self.once}
        apart = {name: cap for name, cap in caps.items() if name not in self.once}
        own_m = self.first.figures["length_m"]
        return min(farthest_m(self.book, apart), farthest_m(self.book, beside) + own_m)

    def _yuan(self, both: BothFeeds | None) -> float:
        """What the second costs; inf for none."""
        return np.inf if both is None else both.routes[1].figures["cost_yuan"]

    def _within(self, part: Area, space: _Space, best: BothFeeds | None) -> _Found:
        """Try ways within a part, the cheapest first, each beside the first, till none fails."""
        if part.is_empty:
            return _Found(best, True, space.apart)
        bar = Bar(self.book, space.level or 0, space.worst, self.alone.facts)
        dearest = self._yuan(best) - CAP_ROUNDING
        ways = OpenWays(self._problem(part, space.caps), bar, dearest)
        for _ in range(MOST_WAYS):
            if not np.isfinite(ways.yuan):
                return _Found(best, ways.proven, space.apart)
            way, bored = ways.cheapest
            both = self._judged(way, bored)
            if space.level is None or both.rank <= space.level:
                return _Found(both, ways.proven, space.apart)
            if not ways.leave_out_barred():
                ways.forbid(self._conflict(way, bored, space.level))
        return _Found(best, False, space.apart)

    def _judged(self, way: Way, bored: tuple[int, ...]) -> BothFeeds:
        [second] = judge_ways(self.work, self.demand, [self.site], [way], [bored])
        return both_feeds(self.work, self.demand, self.site, self.first, second)

    def _problem(self, part: Area, caps: Caps) -> Problem:
        """The ways in a part under caps: where ground counts once, that of the first is free."""
        problem = Problem.of(part, {})
        if not caps:
            return problem
        figures, green = self.book.figures(part.edges, part.bored, part.tie_ins)
        ends, kinds = part.ends_and_kinds(self.work.corridors.is_connector)
        if self.first.strip is not None:
            green = np.array(
                [one and shapely.difference(one, self.first.strip) for one in green], object
            )
        fresh = figures.copy()
        fresh[:, 0] -= np.minimum(self._along_m(self._lines(part), SAME_M), fresh[:, 0])
        each = amounts(self.book, figures, green, ends, kinds)
        beside = amounts(self.book, fresh, green, ends, kinds)
        rows = np.array([(beside if name in self.once else each)[name] for name in caps])
        count = len(part.edges)
        return replace(
            problem,
            names=tuple(caps),
            limits=tuple(float(condition.limit) for condition, _ in caps.values()),
            edge_rows=rows[:, :count],
            stub_rows=rows[:, count:],
            end_rows=np.zeros((len(caps), len(part.targets))),
            caps=np.array([max(left, 0.0) + CAP_ROUNDING for _, left in caps.values()]),
        )

    # --- what keeps apart ------------------------------------------------------------------------

    def _apart(self, area: Area, space: _Space) -> Area:
        """The part that comes from another main and keeps off the first; last steps may not."""
        edges = np.ones(len(area.edges), bool)
        lines, count = self._lines(area), len(area.edges)
        tie_ins = self.open_to[area.tie_ins]
        last = self.work.corridors.is_connector[area.edges]
        bars = space.level is not None and not space.worst
        bars = bars and sharing_bars(self.demand, self.book, space.level or 0)
        if space.apart != "none" or bars:
            along = self._along_m(lines, BESIDE_M) > LEAVING_M
            along[:count] |= np.isin(area.edges, self._course.followed)
            edges &= ~along[:count] | (last & (not bars))
            tie_ins &= ~along[count:]
        if space.apart == "side":
            edges &= ~self._course.on_its_sides(area.edges)
        return area.part(edges, tie_ins)

    @cached_property
    def _course(self) -> Course:
        return Course(self.work, self.demand.pipe, self.first)

    def _lines(self, area: Area) -> LineArray:
        """Lines of the edges, then of the ways to tie-ins, of an area."""
        stubs = self.work.tie_ins(self.book.utility).lines[area.tie_ins]
        return np.concatenate([self.work.corridors.graph.lines[area.edges], stubs])

    def _along_m(self, lines: LineArray, away_m: float) -> FloatArray:
        """Metres of lines that lie within a distance of the first."""
        return within_m(lines, shapely.buffer(self.first.line, away_m))

    # --- what fails ------------------------------------------------------------------------------

    def _conflict(self, way: Way, bored: tuple[int, ...], level: int) -> tuple[int, int]:
        """A shortest run of pieces of a way that fails beside the first: its start and its end."""
        count = len(way.edges) + 1

        def fails(start: int, end: int) -> bool:
            return self._rank(run_of(self.book, way, bored, start, end)) > level

        end = first_number(1, count, lambda at: fails(0, at))
        return end - first_number(1, end, lambda length: fails(end - length, end)), end

    def _rank(self, run: Run) -> int:
        """The rank of the first with a run of pieces beside it."""
        part = self.book.traced([run])
        routes = routes_together([self._traced(self.first), part])
        strips = [self.first.strip, *working_strips(self.work, self.demand, part)]
        told = tell_together(
            self.work, self.demand, self.book.dig_date, routes, np.array(strips, object)
        )
        inputs = {**told.measures, **told.facts, **self.book.given}
        return rank_among(possible_of(self.book.utility, inputs, self.work.policy))

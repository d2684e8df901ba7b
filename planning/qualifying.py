"""The cheapest route that qualifies, or why none does (design 7).

Pieces that no qualifying route can hold are left out, the limits of the policy become caps on
what the other pieces add at least, and ``gis.constrained`` finds the cheapest way. It is traced
and judged exactly. Where it does not qualify after all, the shortest run of its pieces that does
not qualify alone is forbidden by one more cap, and the search goes on: so the first way that
qualifies is the optimum, and no way left is a proof that there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from planning.application import Demand
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route, judge_routes, working_strips
from planning.route_pieces import Caps, PieceBook, Reason, Run, piece_book
from planning.routes import Way, trace
from planning.search_areas import CAP_ROUNDING, Area, Problem, area_round

# The first look round a site; most routes are stubs, and pieces within reach grow with its square.
_FIRST_REACH_M = 60.0
# Where a search gives up: pieces judged, ways tried.
MOST_PIECES, MOST_WAYS = 20_000, 60

SURE, POSSIBLE = 0, 1
# Reasons that speak of ways; the others stand whatever ways there are.
_OF_WAYS = ("no_path", "cap", "together")


@dataclass(frozen=True)
class Qualifying:
    """Answer of :func:`cheapest_that_qualifies`.

    ``route`` surely qualifies; ``proven`` says that it is the cheapest to do so, or that there is
    none. No route that surely qualifies costs less than ``lower_bound`` yuan. ``possible`` is the
    cheapest that may qualify once what is unknown is known, where none surely does.
    """

    route: Route | None
    proven: bool
    lower_bound: float
    possible: Route | None = None
    reason: Reason | None = None

    @property
    def status(self) -> str:
        """found, none, open (it hangs on something unknown), not_proven or not_searched."""
        if self.route is not None:
            return "found"
        if self.possible is not None:
            return "open"
        if self.reason is not None and self.reason.kind == "not_searched":
            return "not_searched"
        return "none" if self.proven else "not_proven"


def cheapest_that_qualifies(
    work: Groundwork, demand: Demand, site: Site, known: Mapping[str, Route]
) -> Qualifying:
    """Find the cheapest route of one demand to one site that qualifies.

    Parameters
    ----------
    known
        Routes found before, judged: ``cheapest``, which nothing undercuts, and ``shortest``,
        than which nothing is shorter.
    """
    return cheapest_for_all(work, demand, [site], [known])[0]


def cheapest_for_all(
    work: Groundwork, demand: Demand, sites: Sequence[Site], known: Sequence[Mapping[str, Route]]
) -> list[Qualifying]:
    """Find the cheapest route that qualifies for many sites, in order.

    Every site is solved by itself; only the pieces that their searches ask for are judged
    together. For the usual demand of a parcel without an application, an estimate, no search is
    made where bounds do not tell the status.
    """
    answers = {
        number: Qualifying(routes["cheapest"], True, routes["cheapest"].figures["cost_yuan"])
        for number, routes in enumerate(known)
        if routes["cheapest"].rank == SURE
    }
    open_ = [number for number in range(len(sites)) if number not in answers]
    for number in open_:
        site, cheapest = sites[number], known[number]["cheapest"]
        shortest_m = known[number]["shortest"].figures["length_m"]
        if site.application.is_estimate and not status_by_bounds(
            work, demand, site, cheapest.rank, shortest_m
        ):
            answers[number] = Qualifying(None, False, 0.0, None, Reason("not_searched"))
    open_ = [number for number in open_ if number not in answers]
    for level in (SURE, POSSIBLE):
        quests = [
            _Quest(piece_book(work, demand, sites[number]), sites[number], known[number], level)
            for number in open_
        ]
        for number, quest, found in zip(open_, quests, _solve(quests), strict=True):
            answers[number] = quest.answer(found)
        open_ = [number for number in open_ if answers[number].status == "none"]
    if work.closed.spared:
        answers = {number: _as_proven(answer) for number, answer in answers.items()}
    return [answers[number] for number in range(len(sites))]


def _as_proven(answer: Qualifying) -> Qualifying:
    """An answer on ground that spares trees and greenery: other ways were not looked at."""
    if answer.status != "none" or answer.reason is None or answer.reason.kind not in _OF_WAYS:
        return answer
    return replace(answer, proven=False, reason=Reason("spared"))


def status_by_bounds(
    work: Groundwork, demand: Demand, site: Site, rank: int, shortest_m: float
) -> str | None:
    """The status where bounds tell that nothing better is left; None where a search must.

    ``rank`` is that of the cheapest route, which does not surely qualify; no way is shorter than
    ``shortest_m``.
    """
    book = piece_book(work, demand, site)
    shut_in = np.array([book.shut_in(site)])
    status: str | None = statuses_by_bounds(
        book, shut_in, np.array([rank]), np.array([shortest_m], float)
    )[0]
    return status


def statuses_by_bounds(
    book: PieceBook, shut_in: NDArray[np.bool_], rank: IntArray, shortest_m: FloatArray
) -> NDArray[Any]:
    """``status_by_bounds`` of many sites that share a book, as an array of texts and None.

    ``shut_in`` tells whether every last step of a site touches a city road (``book.shut_in``).
    """
    spared = book.work.closed.spared and book.unchanging[0] <= POSSIBLE
    empty, hopeless = (_is_empty(book, level, shut_in, shortest_m) for level in (SURE, POSSIBLE))
    status = np.full(len(rank), None, object)
    status[empty & (rank == POSSIBLE)] = "open"
    status[empty & (rank != POSSIBLE) & hopeless] = "not_proven" if spared else "none"
    return status


def _is_empty(
    book: PieceBook, level: int, shut_in: NDArray[np.bool_], shortest_m: FloatArray
) -> NDArray[np.bool_]:
    """Whether bounds tell that sites have no route of at most a rank."""
    barred = np.full(len(shortest_m), book.unchanging[0] > level)
    for name, (_, cap) in book.caps(level).items():
        barred |= shortest_m * book.metre_adds(name) > cap + CAP_ROUNDING
    return barred & (shut_in | (book.rank({}) > level))


def _past_a_limit(book: PieceBook, level: int, least_m: float) -> Reason | None:
    """That even so many metres are past a limit that metres alone exceed."""
    for name, (condition, cap) in book.caps(level).items():
        least = least_m * book.metre_adds(name)
        if least > cap + CAP_ROUNDING:
            return Reason("cap", name, least, float(condition.limit))
    return None


@dataclass(frozen=True)
class _Found:
    """What one search found; ``reason`` where it proved that there is nothing."""

    route: Route | None
    proven: bool
    lower_bound: float
    reason: Reason | None = None

    def and_also(self, other: _Found) -> _Found:
        """What two searches found together, the second knowing the route of the first."""
        return _Found(
            other.route or self.route,
            self.proven and other.proven,
            min(self.lower_bound, other.lower_bound),
            self.reason or other.reason,
        )


@dataclass(frozen=True)
class _Quest:
    """The question for the cheapest route of at most one rank."""

    book: PieceBook
    site: Site
    known: Mapping[str, Route]
    level: int

    def answer(self, found: _Found) -> Qualifying:
        """The answer as far as routes of this rank tell it."""
        reason = found.reason if found.proven else Reason("limit")
        if self.level == POSSIBLE:
            if found.route is not None and found.route.rank == SURE:
                # Pieces alone may leave open what the whole route tells.
                return Qualifying(found.route, False, found.lower_bound)
            return Qualifying(None, found.proven, np.inf, found.route, reason)
        if found.route is not None:
            return Qualifying(found.route, found.proven, found.lower_bound)
        cheapest = self.known["cheapest"]
        possible = cheapest if cheapest.rank == POSSIBLE and found.proven else None
        return Qualifying(None, found.proven, found.lower_bound, possible, reason)

    @property
    def at_hand(self) -> _Found:
        """The cheapest of the routes known that have the rank, and why not any may have it."""
        fitting = [route for route in self.known.values() if route.rank <= self.level]
        best = min(fitting, key=_cost, default=None)
        return _Found(best, True, _cost(best), self._barred or self._too_long)

    @cached_property
    def _barred(self) -> Reason | None:
        """An input that no route changes and that bars all that need a permit."""
        least_rank, reason = self.book.unchanging
        return reason if least_rank > self.level else None

    @cached_property
    def _too_long(self) -> Reason | None:
        """That even the shortest way is past a limit that metres alone exceed."""
        length_m = self.known["shortest"].figures["length_m"]
        return _past_a_limit(self.book, self.level, length_m)

    def caps(self, *, worst: bool) -> Caps | None:
        """Caps of a space of routes, None where it is known to be empty.

        Routes keep the limits; or, ``worst``, they need no permit, however bad they measure.
        """
        if self._barred is not None and self.book.rank({}) > self.level:
            return None
        caps = self.book.caps(self.level)
        if worst:
            return {} if caps else None
        return None if caps and (self._barred or self._too_long) else caps


def _solve(quests: Sequence[_Quest]) -> list[_Found]:
    """Search every space of every quest: the cheapest route of each, or why there is none."""
    found = [quest.at_hand for quest in quests]
    for worst in (False, True):
        searches = {
            number: _Search(quest.book, quest.site, quest.level, caps, worst, found[number].route)
            for number, quest in enumerate(quests)
            if (caps := quest.caps(worst=worst)) is not None
        }
        for number, more in _search_all(searches).items():
            found[number] = found[number].and_also(more)
    return found


def _search_all(searches: Mapping[int, _Search]) -> dict[int, _Found]:
    """Let searches look ever farther, all of them in step, until each is done."""
    found: dict[int, _Found] = {}
    reach_m = _FIRST_REACH_M
    while len(found) < len(searches):
        pending = {number: one for number, one in searches.items() if number not in found}
        areas = {number: one.area(reach_m) for number, one in pending.items()}
        if len(pending) > 1:
            _learn_together([(pending[number], area) for number, area in areas.items()])
        for number, one in pending.items():
            result = one.within(areas[number])
            if result is not None:
                found[number] = result
        reach_m *= 2
    return found


def _learn_together(looks: Sequence[tuple[_Search, Area]]) -> None:
    """Judge the pieces that several searches will ask for in a few calls instead of many."""
    groups: dict[int, list[tuple[_Search, Area]]] = defaultdict(list)
    for search, area in looks:
        groups[id(search.book)].append((search, area))
    for group in groups.values():
        one = group[0][0]
        _judge_all(one, [area.last_steps for _, area in group])
        onward = [
            area for _, area in group if area.has_last_step(one.book, one.level, worst=one.worst)
        ]
        _judge_all(one, onward)


def _judge_all(search: _Search, areas: Sequence[Area]) -> None:
    if areas:
        edges = np.concatenate([area.edges for area in areas])
        bored = np.concatenate([area.bored for area in areas])
        tie_ins = np.unique(np.concatenate([area.tie_ins for area in areas]))
        first = np.unique(2 * edges + bored, return_index=True)[1]
        search.book.qualifying(
            edges[first], bored[first], tie_ins, search.level, worst=search.worst
        )


def _cost(route: Route | None) -> float:
    return np.inf if route is None else route.figures["cost_yuan"]


@dataclass(frozen=True)
class _Search:
    """The search of one space; only routes cheaper than ``best`` are looked for."""

    book: PieceBook
    site: Site
    level: int
    caps: Caps
    worst: bool
    best: Route | None

    @cached_property
    def _farthest_m(self) -> float:
        """How far a route can reach at most; inf where no limit tells."""
        rates = {name: self.book.metre_adds(name) for name in self.caps}
        return min((self.caps[n][1] / r for n, r in rates.items() if r > 0), default=np.inf)

    def area(self, reach_m: float) -> Area:
        """What lies within reach of the site."""
        return area_round(self.book, self.site, min(reach_m, self._farthest_m))

    def within(self, area: Area) -> _Found | None:
        """The cheapest route, None where a cheaper one may lead beyond the area."""
        safe_yuan = (
            area.reach_m * self.book.work.search(self.book.demand.pipe, "cheapest").lightest_rate
        )
        if len(area.edges) > MOST_PIECES:
            return _Found(self.best, False, min(safe_yuan, _cost(self.best)))
        part = area.allowed(self.book, self.level, worst=self.worst)
        found = self._try(part, area)
        safe = area.reach_m >= self._farthest_m or part.is_closed
        return found if safe or found.lower_bound <= safe_yuan else None

    def _try(self, part: Area, area: Area) -> _Found:
        """Try ways within a part, cheapest first, each exactly; forbid what does not qualify."""
        best = self.best
        if part.is_empty:
            return _Found(best, True, _cost(best), part.why_empty)
        problem = Problem.of(self.book, part, self.caps).keeping_fall(self.book, self.site)
        bound = 0.0
        for _ in range(MOST_WAYS):
            answer = problem.solve(_cost(best) - CAP_ROUNDING)
            bound = max(bound, answer.lower_bound)
            if answer.walk is None:
                reason = problem.why(answer, area) if best is None and answer.proven else None
                return _Found(best, answer.proven, min(bound, _cost(best)), reason)
            way, bored = problem.way(answer)
            if self._judged(way, bored, surveyed=False).rank <= self.level:
                route = self._judged(way, bored, surveyed=True)
                return _Found(route, answer.proven, min(bound, _cost(route)))
            problem = problem.without(answer, self._conflict(way, bored))
        return _Found(best, False, min(bound, _cost(best)))

    def _judged(self, way: Way, bored: tuple[int, ...], *, surveyed: bool) -> Route:
        book = self.book
        return judge_way(book.work, book.demand, self.site, way, bored, surveyed=surveyed)

    def _conflict(self, way: Way, bored: tuple[int, ...]) -> tuple[int, int]:
        """The shortest run of pieces of a way, found from its start, that does not qualify."""
        work, count = self.book.work, len(way.edges) + 1
        tie_in = work.tie_ins(self.book.utility).lines[way.tie_in]
        lines = (tie_in, *(work.corridors.graph.lines[edge] for edge in way.edges))

        def first_failing(runs: Sequence[tuple[int, int]]) -> tuple[int, int]:
            drawn = [
                Run(lines[start:end], way.edges[max(start - 1, 0) : end - 1], bored)
                for start, end in runs
            ]
            ranks = self.book.ranks([one.of_its_own for one in drawn])
            failing = (run for run, rank in zip(runs, ranks, strict=True) if rank > self.level)
            return next(failing, runs[-1])

        _, last = first_failing([(0, end) for end in range(1, count + 1)])
        return first_failing([(start, last) for start in range(last - 1, -1, -1)])


def judge_way(
    work: Groundwork,
    demand: Demand,
    site: Site,
    way: Way,
    bored: Sequence[int],
    *,
    surveyed: bool = True,
) -> Route:
    """Trace and judge one way of which some edges are bored and the others cut open.

    Without ``surveyed`` its certainty is not assessed.
    """
    beneath = np.zeros(work.corridors.graph.edge_count, bool)
    beneath[list(bored)] = True
    tie_ins = work.tie_ins(demand.pipe.utility)
    routes = trace(work.corridors, tie_ins, [way], beneath)
    working = working_strips(work, demand, routes)
    return judge_routes(work, demand, [site], routes, working, surveyed=surveyed)[0]

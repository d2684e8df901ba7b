"""The cheapest route that qualifies, or why none does (design 7).

Pieces that no qualifying route can hold are left out, the limits of the policy become caps on
what the other pieces add at least, and ``gis.constrained`` finds the cheapest way. It is traced
and judged exactly. Where it does not qualify after all, ways on which the same facts meet are left
out (``planning.open_ways``); where it is not facts of its pieces that bar it, the shortest run of
them that does not qualify alone is forbidden by one more cap. The search goes on: so the first way
that qualifies is the optimum, and no way left is a proof that there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from planning.application import Demand
from planning.ever_worse import improving_input
from planning.gravity_ways import is_steered
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route, judge_routes, working_strips
from planning.open_ways import Bar, OpenWays
from planning.qualifying_forest import Forests
from planning.route_pieces import Caps, PieceBook, Reason, Run, piece_book
from planning.routes import Way, trace_bored
from planning.search_areas import CAP_ROUNDING, Area, Problem, Surroundings, run_of

# The first look round a site; most routes are stubs, and pieces within reach grow with its square.
_FIRST_REACH_M = 60.0
# Where a search gives up: pieces judged, ways tried.
MOST_PIECES, MOST_WAYS = 20_000, 60

# Runs of a way that are judged together while its shortest run that fails is looked for: a judging
# costs about as much as four more runs in it.
_AT_ONCE = 6
# Sites searched together: each keeps its areas until its search ends.
_SITES_AT_ONCE = 256

SURE, POSSIBLE = 0, 1
# Reasons that speak of ways; the others stand whatever ways there are.
OF_WAYS = ("no_path", "cap", "together")

_Answer = TypeVar("_Answer")
_Steps = Generator["_Ask", Any, _Answer]


@dataclass(frozen=True)
class Qualifying:
    """Answer of :func:`cheapest_for_all`.

    ``route`` surely qualifies; ``proven`` says that it is the cheapest to do so, or that there is
    none. No route that surely qualifies costs less than ``lower_bound`` yuan. ``possible`` is the
    cheapest that may qualify once what is unknown is known, where none surely does. No piece that
    begins farther than ``reach_m`` from the red line along the corridors can change that, as long
    as no metre gets cheaper and the routes known before stand; 0 where these or bounds told, and
    infinite where the search was given up.
    """

    route: Route | None
    proven: bool
    lower_bound: float
    possible: Route | None = None
    reason: Reason | None = None
    reach_m: float = 0.0

    @property
    def status(self) -> str:
        """found, none, open (it hangs on something unknown) or not_proven."""
        if self.route is not None:
            return "found"
        if self.possible is not None:
            return "open"
        return "none" if self.proven else "not_proven"


def cheapest_for_all(
    work: Groundwork, demand: Demand, sites: Sequence[Site], known: Sequence[Mapping[str, Route]]
) -> list[Qualifying]:
    """Find the cheapest route that qualifies of one demand for many sites, in order.

    Where many sites share a book one forest answers most of them; the others are searched each for
    itself, and what all these ask for is judged together.

    Parameters
    ----------
    known
        Routes found before, judged: ``cheapest``, which nothing undercuts, and ``shortest``,
        than which nothing is shorter.
    """
    books = [piece_book(work, demand, site) for site in sites]
    forests = _forests(books, sites, known)
    answers: list[Qualifying] = []
    for first in range(0, len(sites), _SITES_AT_ONCE):
        some = range(first, min(first + _SITES_AT_ONCE, len(sites)))
        steps = [
            _cheapest(Surroundings(books[n], sites[n]), known[n], forests[id(books[n])])
            for n in some
        ]
        answers += _step_together(work, demand, [sites[n] for n in some], steps)
    proven = [as_proven(*one) for one in zip(books, sites, answers, strict=True)]
    improving = improving_input(work.policy, demand.pipe.utility)
    if improving is None:
        return proven
    return [_unproven(improving, *one) for one in zip(proven, known, strict=True)]


def _forests(
    books: Sequence[PieceBook], sites: Sequence[Site], known: Sequence[Mapping[str, Route]]
) -> dict[int, Forests]:
    """The forests of sites that share a book and have to be searched, by identity of the book."""
    of_book: dict[int, list[Site]] = defaultdict(list)
    for book, site, routes in zip(books, sites, known, strict=True):
        if routes["cheapest"].rank != SURE:
            of_book[id(book)].append(site)
    return {id(book): Forests(book, of_book[id(book)]) for book in books}


def _cheapest(
    around: Surroundings, known: Mapping[str, Route], forests: Forests
) -> _Steps[Qualifying]:
    """Look for the cheapest route that surely qualifies of one site; or else, that may."""
    if known["cheapest"].rank == SURE:
        return Qualifying(known["cheapest"], True, _cost(known["cheapest"]))
    reach_m = 0.0
    for level in (SURE, POSSIBLE):
        quest = _Quest(around, known, level, forests)
        found = yield from quest.steps()
        reach_m = max(reach_m, found.reach_m)
        answer = replace(quest.answer(found), reach_m=reach_m)
        if answer.status != "none":
            break
    return answer


def unproven(improving: str, answer: Qualifying, least_yuan: float) -> Qualifying:
    """An answer by pieces where by an input a route may be better than its pieces are.

    Nothing costs less than ``least_yuan``.
    """
    reason = None if answer.status in ("found", "open") else Reason("milder", improving)
    return Qualifying(answer.route, False, least_yuan, answer.possible, reason, np.inf)


def _unproven(improving: str, answer: Qualifying, known: Mapping[str, Route]) -> Qualifying:
    """The same of a single route; where the cheapest qualifies no piece was asked."""
    cheapest = known["cheapest"]
    return answer if cheapest.rank == SURE else unproven(improving, answer, _cost(cheapest))


def as_proven(book: PieceBook, site: Site, answer: Qualifying) -> Qualifying:
    """An answer on ground that spares trees and greenery: ways over it were not looked at.

    Its proof holds where none of them could qualify: what needs a permit is shorter than the
    way to anything spared, and nothing else can qualify at all.
    """
    if not book.work.closed.spared:
        return answer
    if answer.status != "none" or answer.reason is None or answer.reason.kind not in OF_WAYS:
        return answer
    needs_permit = book.shut_in(site) or book.rank({}) > POSSIBLE
    if needs_permit and not spared_in_reach(book, site):
        return answer
    return replace(answer, proven=False, reason=Reason("spared"))


def statuses_by_bounds(
    book: PieceBook,
    shut_in: NDArray[np.bool_],
    rank: IntArray,
    shortest_m: FloatArray,
    in_reach: Callable[[float], NDArray[np.bool_]],
) -> NDArray[Any]:
    """The status of sites where bounds tell that nothing better is left; None where a search must.

    The sites share a book. ``rank`` is that of their cheapest routes, which do not surely qualify;
    no way is shorter than ``shortest_m``. ``shut_in`` tells whether every last step of a site
    touches a city road (``book.shut_in``), ``in_reach`` whether spared ground lies within so many
    metres of a site.
    """
    empty, hopeless = (_is_empty(book, level, shut_in, shortest_m) for level in (SURE, POSSIBLE))
    status = np.full(len(rank), None, object)
    status[empty & (rank == POSSIBLE)] = "open"
    none = empty & (rank != POSSIBLE) & hopeless
    improving = improving_input(book.work.policy, book.utility)
    status[none] = "none" if improving is None else "not_proven"
    if none.any() and book.work.closed.spared and book.unchanging[0] <= POSSIBLE:
        status[none & in_reach(farthest_m(book, book.caps(POSSIBLE)))] = "not_proven"
    return status


def farthest_m(book: PieceBook, caps: Caps) -> float:
    """How far a route that keeps limits can reach; inf where none tells."""
    rates = {name: book.metre_adds(name) for name in caps}
    return min((caps[n][1] / rate for n, rate in rates.items() if rate > 0), default=np.inf)


def spared_in_reach(book: PieceBook, site: Site) -> bool:
    """Whether spared ground lies as near to a site as a route may be long that may qualify."""
    places = shapely.points(book.work.corridors.graph.node_xy[site.end_nodes])
    reach_m = farthest_m(book, book.caps(POSSIBLE))
    return bool(book.work.closures.near_spared(places, reach_m).any())


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
    """What one search found; ``reason`` where it proved that there is nothing.

    ``reach_m`` is how far it looked along the corridors.
    """

    route: Route | None
    proven: bool
    lower_bound: float
    reason: Reason | None = None
    reach_m: float = 0.0

    def and_also(self, other: _Found) -> _Found:
        """What two searches found together, the second knowing the route of the first."""
        return _Found(
            other.route or self.route,
            self.proven and other.proven,
            min(self.lower_bound, other.lower_bound),
            self.reason or other.reason,
            max(self.reach_m, other.reach_m),
        )


@dataclass(frozen=True)
class _Quest:
    """The question for the cheapest route of at most one rank."""

    around: Surroundings
    known: Mapping[str, Route]
    level: int
    forests: Forests

    @property
    def book(self) -> PieceBook:
        return self.around.book

    def steps(self) -> _Steps[_Found]:
        """Search every space of routes: the cheapest of them, or why there is none."""
        found, least_yuan = self.at_hand, self.known["cheapest"].way.weight
        for worst in (False, True):
            caps = self.caps(worst=worst)
            if caps is not None:
                search = _Search(
                    self.around, self.level, caps, worst, found.route, least_yuan, self.forests
                )
                more = yield from search.steps()
                found = found.and_also(more)
        return found

    def answer(self, found: _Found) -> Qualifying:
        """The answer as far as routes of this rank tell it."""
        reason = found.reason if found.proven else Reason("limit")
        if self.level == POSSIBLE:
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


class _Look(NamedTuple):
    """A search asks that the pieces of an area be known."""

    area: Area
    level: int
    worst: bool


class _Try(NamedTuple):
    """A search asks for a way, traced and judged, of which some edges are bored."""

    way: Way
    bored: tuple[int, ...]


class _Rank(NamedTuple):
    """A search asks for the ranks of runs of pieces."""

    book: PieceBook
    runs: list[Run]


_Ask = _Look | _Try | _Rank


def _step_together(
    work: Groundwork, demand: Demand, sites: Sequence[Site], searches: Sequence[_Steps[_Answer]]
) -> list[_Answer]:
    """Let the searches of sites go on in step; what they ask for is judged together."""
    found: dict[int, _Answer] = {}
    running = dict(enumerate(searches))
    told: Mapping[int, Any] = {}
    while running:
        asks: dict[int, _Ask] = {}
        for number, steps in list(running.items()):
            try:
                asks[number] = steps.send(told.get(number))
            except StopIteration as end:
                found[number] = end.value
                del running[number]
        _look([ask for ask in asks.values() if isinstance(ask, _Look)])
        ranks = _ranked({n: ask for n, ask in asks.items() if isinstance(ask, _Rank)})
        tries = {n: ask for n, ask in asks.items() if isinstance(ask, _Try)}
        ways, bored = [ask.way for ask in tries.values()], [ask.bored for ask in tries.values()]
        routes = judge_ways(work, demand, [sites[n] for n in tries], ways, bored) if tries else []
        told = {**ranks, **dict(zip(tries, routes, strict=True))}
    return [found[number] for number in range(len(searches))]


def _look(looks: Sequence[_Look]) -> None:
    """Judge the pieces of several areas, those of one book at once."""
    alike: dict[tuple[int, int, bool], list[Area]] = defaultdict(list)
    for area, level, worst in looks:
        alike[id(area.book), level, worst].append(area)
    for (_, level, worst), areas in alike.items():
        if len(areas) == 1:
            areas[0].qualifying(level, worst=worst)
            continue
        edges = np.concatenate([area.edges for area in areas])
        bored = np.concatenate([area.bored for area in areas])
        tie_ins = np.unique(np.concatenate([area.tie_ins for area in areas]))
        first = np.unique(2 * edges + bored, return_index=True)[1]
        areas[0].book.qualifying(edges[first], bored[first], tie_ins, level, worst=worst)


def _ranked(asks: Mapping[int, _Rank]) -> dict[int, list[int]]:
    """Ranks of the runs of several searches, those of one book judged at once."""
    alike: dict[int, list[int]] = defaultdict(list)
    for number, ask in asks.items():
        alike[id(ask.book)].append(number)
    found: dict[int, list[int]] = {}
    for numbers in alike.values():
        every = [run for number in numbers for run in asks[number].runs]
        ranks = iter(asks[numbers[0]].book.ranks(every))
        found |= {number: list(islice(ranks, len(asks[number].runs))) for number in numbers}
    return found


def _cost(route: Route | None) -> float:
    return np.inf if route is None else route.figures["cost_yuan"]


@dataclass(frozen=True)
class _Search:
    """The search of one space; only routes cheaper than ``best`` are looked for.

    No way at all costs less than ``least_yuan``.
    """

    around: Surroundings
    level: int
    caps: Caps
    worst: bool
    best: Route | None
    least_yuan: float
    forests: Forests

    @property
    def book(self) -> PieceBook:
        return self.around.book

    def steps(self) -> _Steps[_Found]:
        """Ask a forest first where many sites do; what a search gives up it may tell as well.

        What both give up anything anywhere may settle.
        """
        many = self.forests.pay
        found = (yield from self._by_forest()) if many else None
        if found is None:
            found = yield from self._round_site()
            if not found.proven and not many:
                found = (yield from self._by_forest()) or found
        return found if found.proven else replace(found, reach_m=np.inf)

    def _by_forest(self) -> _Steps[_Found | None]:
        """What the cheapest way over all pieces that qualify tells.

        It is the answer where it qualifies as a whole, and where there is none or even the
        shortest is too long there is nothing. Otherwise others may qualify, and so may they where
        a line must keep a fall: None.
        """
        if is_steered(self.book.demand):
            return None
        told = self.forests.way_to(self.around.site, self.level, worst=self.worst)
        best, reach_m = self.best, min(told.most_m, self._farthest_m)
        if told.way is not None and self._is_wanted(told.way.weight):
            route = yield _Try(told.way, told.bored)
            if route.rank <= self.level:
                best, reach_m = route, told.most_m
            elif not self.caps or _past_a_limit(self.book, self.level, told.least_m) is None:
                return None
        if self._lightest_rate > 0:
            reach_m = min(reach_m, _cost(best) / self._lightest_rate)
        reason = None if best else Reason("together" if told.way else "no_path")
        return _Found(best, True, _cost(best), reason, reach_m)

    def _is_wanted(self, yuan: float) -> bool:
        """Whether a way of so many yuan is cheaper than the best route known."""
        return yuan <= _cost(self.best) - CAP_ROUNDING

    @property
    def _farthest_m(self) -> float:
        """How far a route can reach at most; inf where no limit tells."""
        return farthest_m(self.book, self.caps)

    @property
    def _lightest_rate(self) -> float:
        """Least yuan of a metre of any way."""
        return self.book.work.search(self.book.demand.pipe, "cheapest").lightest_rate

    def _round_site(self) -> _Steps[_Found]:
        """Look ever farther for the cheapest route, until no cheaper one can lie beyond.

        Pieces are judged first where a way within reach can be cheap enough to need no look
        beyond; all others only tell why there is none. Ways are tried where that can settle it.
        """
        reach_m, most_m, rate = _FIRST_REACH_M, self._farthest_m, self._lightest_rate
        while True:
            area = self.around.within(min(reach_m, most_m))
            safe_yuan = area.reach_m * rate
            if len(area.edges) > MOST_PIECES:
                least_yuan = min(safe_yuan, _cost(self.best))
                return _Found(self.best, False, least_yuan, reach_m=area.reach_m)
            none_so_cheap = safe_yuan < self.least_yuan
            yield self._look(area.last_steps)
            if area.has_last_step(self.level, worst=self.worst):
                if not none_so_cheap:
                    cheap = area.no_dearer(min(safe_yuan, _cost(self.best)))
                    yield self._look(cheap)
                    found = yield from self._try(self._allowed(cheap), cheap)
                    if found.proven and found.lower_bound <= safe_yuan:
                        return replace(found, reach_m=area.reach_m)
                    none_so_cheap = found.proven
                yield self._look(area)
            part = self._allowed(area)
            is_all = area.reach_m >= most_m or part.is_closed
            if is_all or not none_so_cheap:
                found = yield from self._try(part, area)
                if is_all or found.lower_bound <= safe_yuan:
                    return replace(found, reach_m=area.reach_m)
            reach_m *= 2

    def _look(self, area: Area) -> _Look:
        return _Look(area, self.level, self.worst)

    def _allowed(self, area: Area) -> Area:
        return area.allowed(self.level, worst=self.worst)

    def _try(self, part: Area, area: Area) -> _Steps[_Found]:
        """Try ways within a part, cheapest first, each exactly; leave out what does not qualify."""
        best = self.best
        if part.is_empty:
            return _Found(best, True, _cost(best), part.why_empty)
        problem = Problem.of(part, self.caps).keeping_fall(self.around.site)
        ways = OpenWays(problem, Bar(self.book, self.level, self.worst), _cost(best) - CAP_ROUNDING)
        bound = 0.0
        for _ in range(MOST_WAYS):
            bound = max(bound, ways.lower_bound)
            if not np.isfinite(ways.yuan) or not self._is_wanted(ways.yuan):
                reason = ways.why(area) if best is None and ways.proven else None
                return _Found(best, ways.proven, min(bound, _cost(best)), reason)
            way, bored = ways.cheapest
            route = yield _Try(way, bored)
            if route.rank <= self.level:
                return _Found(route, ways.proven, min(bound, _cost(route)))
            if not ways.leave_out_barred():
                ways.forbid((yield from self._conflict(way, bored)))
        return _Found(best, False, min(bound, _cost(best)))

    def _conflict(self, way: Way, bored: tuple[int, ...]) -> Generator[_Ask, Any, tuple[int, int]]:
        """A shortest run of pieces of a way that does not qualify: the first end, its last start.

        A run only gets worse as it grows, so both are found by halving.
        """
        count = len(way.edges) + 1

        def run(start: int, end: int) -> Run:
            return run_of(self.book, way, bored, start, end)

        def first_failing(runs: Sequence[Run]) -> Generator[_Ask, Any, int]:
            low, high = 0, len(runs) - 1
            while low < high:
                tried = np.unique(np.linspace(low, high - 1, min(_AT_ONCE, high - low)).astype(int))
                ranks = yield _Rank(self.book, [runs[number] for number in tried.tolist()])
                fails = np.array(ranks) > self.level
                high = int(tried[fails][0]) if fails.any() else high
                low = int(tried[~fails & (tried < high)].max(initial=low - 1)) + 1
            return high

        end = 1 + (yield from first_failing([run(0, end) for end in range(1, count + 1)]))
        back = yield from first_failing([run(start, end) for start in range(end - 1, -1, -1)])
        return end - 1 - back, end


def judge_ways(
    work: Groundwork,
    demand: Demand,
    sites: Sequence[Site],
    ways: Sequence[Way],
    bored: Sequence[tuple[int, ...]],
) -> list[Route]:
    """Trace and judge ways to sites, of each of which some edges are bored, the others cut open."""
    never_cut = work.corridors.never_cut
    beneath = [
        tuple(edge for edge in way.edges if edge in edges or never_cut[edge])
        for way, edges in zip(ways, bored, strict=True)
    ]
    routes = trace_bored(work.corridors, work.tie_ins(demand.pipe.utility), ways, beneath)
    working = working_strips(work, demand, routes)
    return judge_routes(work, demand, sites, routes, working)

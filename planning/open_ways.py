"""The ways of a search that are still to be tried, in parts that leave out what bars them.

Where facts of different pieces bar a way together, such as a tree on one and a park on another,
every way that qualifies is without one of the facts: it is among those without any piece of the
first, or among those without any of the second. So all such pieces go at once, and not one pair of
them after another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from itertools import count, product
from typing import Any, NamedTuple

import numpy as np

from gis.constrained import Constrained
from gis.linear import IntArray
from planning.comparisons import Truth
from planning.ever_worse import GROWING_FACTS
from planning.piece_ground import BORED, CUT, piece_ground
from planning.route_pieces import PieceBook, Reason
from planning.routes import Way
from planning.search_areas import Area, Problem

# How bad a fact may be, from best to worst: the place of each is its degree.
TRUTHS: tuple[Truth, ...] = (False, None, True)
# What no piece tells of a route: elsewhere it may be bored throughout.
_AT_BEST: Mapping[str, Truth] = {"open_cut": False, "pit_in_road": False}


@dataclass(frozen=True)
class Bar:
    """Which growing facts bar routes from a rank, at worst or if they measured nothing.

    ``beside`` are facts of what lies beside every route.
    """

    book: PieceBook
    level: int
    worst: bool
    beside: Mapping[str, Any] = field(default_factory=dict)

    def least(self, degrees: IntArray) -> IntArray | None:
        """The least degrees of facts, none above the given, that bar; None where these do not."""
        if not self._bars(degrees):
            return None
        for fact, degree in enumerate(degrees.tolist()):
            for less in range(degree):
                lighter = degrees.copy()
                lighter[fact] = less
                if self._bars(lighter):
                    degrees = lighter
                    break
        return degrees

    def _bars(self, degrees: IntArray) -> bool:
        """Whether whatever has facts at least so bad does not have the rank.

        All that is worse is asked: a clause may be open to routes that surely touch a tree.
        """
        worse = product(*(range(degree, len(TRUTHS)) for degree in degrees.tolist()))
        return all(map(self._bars_alone, worse))

    def _bars_alone(self, degrees: tuple[int, ...]) -> bool:
        """Whether what has facts just so bad does not have the rank."""
        truths = [TRUTHS[degree] for degree in degrees]
        facts = {
            name: truth
            for names, truth in zip(GROWING_FACTS, truths, strict=True)
            for name in names
        }
        told = {**_AT_BEST, **facts}
        mine = {name: truth for name, truth in told.items() if name not in self.book.given}
        return self.book.rank_of_facts(mine, worst=self.worst) > self.level

    @cached_property
    def degrees_beside(self) -> IntArray:
        """Degrees of the facts of what lies beside."""
        return _degrees(self.beside)


def _degrees(facts: Mapping[str, Any]) -> IntArray:
    """Degrees of the growing facts; 0 for those that are not told of."""
    return np.array([TRUTHS.index(facts.get(names[0], False)) for names in GROWING_FACTS])


def degrees_of(area: Area) -> IntArray:
    """Degrees (facts, pieces) of the growing facts of edges, then of tie-ins, of an area."""
    book, count_of_edges = area.book, len(area.edges)
    found = np.zeros((len(GROWING_FACTS), count_of_edges + len(area.tie_ins)), np.int64)
    parts = (
        (CUT, np.flatnonzero(~area.bored), area.edges[~area.bored]),
        (BORED, np.flatnonzero(area.bored), area.edges[area.bored]),
        (book.utility, np.arange(count_of_edges, found.shape[1]), area.tie_ins),
    )
    for of, at, numbers in parts:
        ground = piece_ground(book.work, book.demand, of)
        rows = ground.rows(numbers)
        kinds, place = np.unique(ground.told.kind[rows], return_inverse=True)
        if len(kinds):
            of_kind = [_degrees(facts) for facts in ground.facts(kinds.tolist(), book.dig_date)]
            found[:, at] = np.stack(of_kind, axis=1)[:, place]
    return found


class _Part(NamedTuple):
    """A part of the ways; the cheapest of it costs so many yuan, inf where none is known."""

    yuan: float
    serial: int
    answer: Constrained
    problem: Problem


class OpenWays:
    """The ways of a problem of at most ``dearest`` yuan that are still to be tried, in parts.

    All that pass the bar are in one of the parts, or in several.
    """

    def __init__(self, problem: Problem, bar: Bar, dearest: float) -> None:
        self._whole, self._bar, self._dearest = problem, bar, dearest
        self._parts: list[_Part] = []
        self._serials = count()
        self._add(problem)

    def _add(self, problem: Problem) -> None:
        answer = problem.solve(self._dearest)
        yuan = np.inf if answer.walk is None else answer.walk.cost
        heappush(self._parts, _Part(yuan, next(self._serials), answer, problem))

    @property
    def yuan(self) -> float:
        """What the cheapest way known costs; inf for none."""
        return self._parts[0].yuan if self._parts else np.inf

    @property
    def proven(self) -> bool:
        """Whether no other way is cheaper than the cheapest known, or there is none."""
        return all(
            part.answer.proven or part.answer.lower_bound > self.yuan for part in self._parts
        )

    @property
    def lower_bound(self) -> float:
        """No way is cheaper."""
        return min((part.answer.lower_bound for part in self._parts), default=np.inf)

    @property
    def cheapest(self) -> tuple[Way, tuple[int, ...]]:
        """The cheapest way known, and its edges that are bored."""
        first = self._parts[0]
        return first.problem.way(first.answer)

    def why(self, whole: Area) -> Reason:
        """Why there is none; where some were tried, each limit can be kept by one of them."""
        first = self._parts[0] if self._parts else None
        if first is None or first.problem is not self._whole:
            return Reason("together")
        return first.problem.why(first.answer, whole)

    def leave_out_barred(self) -> bool:
        """Leave out all ways that the facts which bar the cheapest bar as well, if any do."""
        walk = self._parts[0].answer.walk
        assert walk is not None
        pieces = [*walk.edges, len(self._whole.area.edges) + walk.source]
        beside = self._bar.degrees_beside
        least = self._bar.least(np.maximum(self._degrees[:, pieces].max(axis=1), beside))
        if least is None:
            return False
        problem = heappop(self._parts).problem
        for fact in np.flatnonzero(least > beside).tolist():
            self._add(problem.off(self._degrees[fact] >= least[fact]))
        return True

    def forbid(self, run: tuple[int, int]) -> None:
        """Leave out the ways of the first part that hold a run of pieces of its cheapest."""
        first = heappop(self._parts)
        self._add(first.problem.without(first.answer, run))

    @cached_property
    def _degrees(self) -> IntArray:
        return degrees_of(self._whole.area)

"""Screening, many cases with one demand: ways by forests, figures by sums, verdicts by classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from gis.network import without_tie_breaks
from planning.application import Demand
from planning.external_lines import no_network
from planning.groundwork import Groundwork
from planning.narrow_slots import may_lack_room
from planning.no_dig import OPEN
from planning.questions import as_text, unknown_states
from planning.screening_bounds import bounded_statuses
from planning.screening_judged import (
    Answers,
    Desk,
    Ridden,
    answer,
    beside_greenery,
    best_ranks,
    ride,
)
from planning.screening_questions import questions_of_ways
from planning.screening_sites import Sites
from planning.screening_table import FIGURES
from planning.screening_ways import Ways, cut_off, least_weights, lightest_ways
from planning.verdict_tables import COLUMNS as VERDICT_COLUMNS
from planning.verdict_tables import Coded, judge_columns


@dataclass(frozen=True)
class Alike:
    """What was found for sites with one demand and one day.

    ``rows`` are columns of the table for some sites at a time, by number of the site; ``left``
    are sites that must be solved one by one.
    """

    rows: list[tuple[IntArray, dict[str, Any]]]
    left: IntArray


@dataclass(frozen=True)
class Quest:
    """Some sites with one demand on one day, one of each kind that all is the same of.

    ``place`` tells for each of ``chosen`` which of ``ones`` it is; ``grounds`` are tried in their
    order; ``cheapest`` are the ways on the first of them.
    """

    desk: Desk
    demand: Demand
    day: date
    sites: Sites
    chosen: IntArray
    ones: IntArray
    place: IntArray
    grounds: list[Groundwork]
    cheapest: Ways

    @classmethod
    def of(cls, desk: Desk, demand: Demand, day: date, sites: Sites, chosen: IntArray) -> Quest:
        """Find the cheapest ways."""
        ones, place = sites.alike(demand.pipe.utility, chosen)
        grounds = desk.work.tried(desk.work.closures.on(day))
        cheapest = _cheapest(grounds[0], demand, sites, ones)
        return cls(desk, demand, day, sites, chosen, ones, place, grounds, cheapest)

    def solve(self, geometry: bool) -> Alike:
        """Solve all but those that arrays cannot tell, of each kind its one."""
        rows: list[tuple[IntArray, dict[str, Any]]] = []
        left: list[IntArray] = []
        todo, open_ground = self.ones, self.desk.work.under(OPEN)
        for number, ground in enumerate(self.grounds):
            ways = self.cheapest
            if number:
                ways = _cheapest(ground, self.demand, self.sites, todo)
            if len(ways):
                best, doubtful = self._routed(ground, ways)
                rows.append((best.site, best.columns(self.demand, geometry)))
                left.append(doubtful)
                todo = _but(todo, ways.site)
            lost = todo[self._cut_off(todo)]  # the next ground brings no way to these either
            if len(lost):
                rows.append((lost, _unroutable(open_ground, self.demand, self.sites, lost)))
                todo = _but(todo, lost)
            if len(todo) == 0:
                break
        if len(todo) and (ground.closed.areas or may_lack_room(ground, self.demand.pipe)):
            left.append(todo)  # it may be the closed areas or narrow slots that bar the way
        elif len(todo):
            rows.append((todo, _unroutable(open_ground, self.demand, self.sites, todo)))
        return Alike(rows, np.sort(np.concatenate([*left, np.zeros(0, np.int64)])))

    def _cut_off(self, chosen: IntArray) -> NDArray[np.bool_]:
        """True for sites that nothing joins to the network, whatever may be dug."""
        work, pipe = self.desk.work, self.demand.pipe
        tie_ins = work.tie_ins(pipe.utility)
        usable = work.eligible_tie_ins(pipe)
        return cut_off(work.corridors, tie_ins, usable, self.sites.steps, chosen)

    def _routed(self, ground: Groundwork, cheapest: Ways) -> tuple[_Best, IntArray]:
        """The recommended routes of sites, and the sites to be solved one by one.

        Those of figures in doubt, and those whose cheapest route does not qualify where bounds
        do not tell whether another one does.
        """
        ridden = ride(self.desk, ground, self.demand, self.day, cheapest)
        sound = np.flatnonzero(~ridden.in_doubt)
        best = self._best(ground, cheapest.part(sound), ridden.part(sound))
        return best, _but(cheapest.site, best.site)

    def _best(self, ground: Groundwork, ways: Ways, ridden: Ridden) -> _Best:
        """The recommended routes of those whose status bounds tell.

        Most of the others beside greenery would not qualify even if there were none, which is
        seen before any strip is made.
        """
        desk, demand, day = self.desk, self.demand, self.day
        rank, status = np.full(len(ways), -1), np.full(len(ways), None, object)
        beside = np.flatnonzero(beside_greenery(desk, demand, ridden.gaps))
        some = ways.part(beside)
        rank[beside] = best_ranks(desk, demand, day, self.sites, some, ridden.part(beside))
        status[beside] = self._statuses(ground, some.site, rank[beside])
        told = np.flatnonzero((rank < 0) | ~pd.isna(status))
        ways, ridden, rank, status = ways.part(told), ridden.part(told), rank[told], status[told]
        found = answer(desk, ground, demand, day, self.sites, ways, ridden)
        worse = np.flatnonzero(found.rank != rank)
        status[worse] = self._statuses(ground, ways.site[worse], found.rank[worse])
        told = np.flatnonzero(~pd.isna(status))
        ways = ways.part(told)
        unknown = Coded(found.judged.verdict_of[told], found.unknown)
        asked = questions_of_ways(desk, ground, demand, day, ways, unknown)
        return _Best(ways.site, ways, found, told, status[told], asked)

    def _statuses(self, ground: Groundwork, sites: IntArray, rank: IntArray) -> NDArray[Any]:
        """What is known of a route that qualifies, by the ranks of the cheapest routes.

        None where bounds do not tell whether another route does.
        """
        status, open_ = np.full(len(sites), "found", object), np.flatnonzero(rank > 0)
        least_m = partial(self._least_m, ground)
        status[open_] = bounded_statuses(
            ground, self.demand, self.sites, sites[open_], rank[open_], least_m
        )
        return status

    def _least_m(self, ground: Groundwork, some: IntArray) -> FloatArray:
        """Metres that no way to some of the sites undercuts."""
        search = ground.search(self.demand.pipe, "shortest")
        return without_tie_breaks(least_weights(search, self.sites.steps.of_sites(some)))


def solve_all(quests: list[Quest], geometry: bool) -> Iterator[tuple[Quest, Alike]]:
    """Solve quests of one desk, in order; their lines are measured all at once.

    The list is emptied, so that the ways of a quest that is done with hold no memory.
    """
    if quests:
        desk, stubs = quests[0].desk, defaultdict(list)
        desk.edges.fill(np.concatenate([one.cheapest.edges_used for one in quests]))
        for one in quests:
            stubs[one.demand.pipe.utility].append(one.cheapest.tie_in)
        for utility, rows in stubs.items():
            desk.stubs(utility).fill(np.concatenate(rows))
    while quests:
        quest = quests.pop(0)
        yield quest, quest.solve(geometry)


def _but(sites: IntArray, some: IntArray) -> IntArray:
    """Sites without some of them."""
    return sites[~np.isin(sites, some)]


def _cheapest(ground: Groundwork, demand: Demand, sites: Sites, chosen: IntArray) -> Ways:
    return lightest_ways(ground.search(demand.pipe, "cheapest"), sites.steps.of_sites(chosen))


@dataclass(frozen=True)
class _Best:
    """The recommended routes of some sites, all of them the cheapest, with their answers.

    ``place`` is where each stands among the answers; ``status`` tells of a route that qualifies,
    ``questions`` what keeps verdicts open.
    """

    site: IntArray
    ways: Ways
    answers: Answers
    place: IntArray
    status: NDArray[Any]
    questions: Coded

    def columns(self, demand: Demand, geometry: bool) -> dict[str, Any]:
        """The columns that a screening prints of them."""
        columns: dict[str, Any] = {
            "status": "routed",
            "recommended": "cheapest",
            "qualifying_route": self.status,
            "searched_m": 0.0,
            "tie_in_id": Coded(self.ways.tie_in, self.ways.tie_ins.feature_ids),
            "open_questions": self.questions,
        }
        for name in FIGURES:
            columns[name] = self.answers.figures[name][self.place]
        for name in self.answers.measures:
            columns[name] = self.answers.measures[name][self.place]
        for name in VERDICT_COLUMNS:
            columns[name] = self.answers.judged.column(name).at(self.place)
        if geometry:
            columns["geometry"] = self.ways.draw()
        return columns


def _unroutable(work: Groundwork, demand: Demand, sites: Sites, chosen: IntArray) -> dict[str, Any]:
    """Columns of sites that no way reaches: why, how far, and whether the plan covers them."""
    utility = demand.pipe.utility
    gap_m = sites.gaps_m(chosen)
    too_wide = (sites.end_counts[chosen] == 0) & (gap_m > work.policy.planning.max_snap_m)
    reason = no_network(work, demand)
    judged = judge_columns(utility, sites.facts(utility, chosen), len(chosen), work.policy)
    columns: dict[str, Any] = {
        "status": "unroutable",
        "reason": reason or np.where(too_wide, "gap_too_wide", "disconnected").astype(object),
        "gap_m": np.where(too_wide & (reason is None), gap_m, np.nan),
        "open_questions": as_text(unknown_states(work, utility)),
    }
    for name in VERDICT_COLUMNS:
        told = [getattr(v, name) if v.outcome == "not_covered" else None for v in judged.verdicts]
        columns[name] = Coded(judged.verdict_of, told)
    return columns

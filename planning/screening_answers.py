"""Screening, many cases with one demand: ways by forests, figures by sums, verdicts by classes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.linear import IntArray
from planning.application import Demand
from planning.external_lines import no_network
from planning.groundwork import Groundwork
from planning.no_dig import Closed
from planning.routes import OBJECTIVES
from planning.screening_judged import Answers, Desk, answer
from planning.screening_sites import Sites
from planning.screening_table import FIGURES
from planning.screening_ways import Ways, lightest_ways
from planning.verdict_tables import COLUMNS as VERDICT_COLUMNS
from planning.verdict_tables import judge_columns


@dataclass(frozen=True)
class Alike:
    """What was found for sites with one demand and one day.

    ``rows`` are columns of the table for some sites at a time, by number of the site; ``left``
    are sites that must be solved one by one.
    """

    rows: list[tuple[IntArray, dict[str, Any]]]
    left: IntArray


def solve_alike(
    desk: Desk, demand: Demand, day: date, sites: Sites, chosen: IntArray, geometry: bool
) -> Alike:
    """Solve some sites for one demand on one day, but those that arrays cannot tell."""
    work = desk.work
    rows: list[tuple[IntArray, dict[str, Any]]] = []
    left: list[IntArray] = []
    todo = chosen
    areas = work.closures.on(day)
    grounds = [Closed(areas, spared=True)] if len(work.closures.spared) else []
    for closed in [*grounds, Closed(areas)]:
        ground = work.under(closed)
        found = _routed(desk, ground, demand, day, sites, todo)
        if found is not None:
            told, doubtful = found
            rows.append((told.site, told.columns(demand, geometry)))
            left.append(doubtful)
            todo = np.setdiff1d(todo, np.concatenate([told.site, doubtful]))
        if len(todo) == 0:
            break
    if len(todo) and areas:
        left.append(todo)  # it may be the closed areas that bar the way
    elif len(todo):
        rows.append((todo, _unroutable(ground, demand, sites, todo)))
    return Alike(rows, np.sort(np.concatenate([*left, np.zeros(0, np.int64)])))


@dataclass(frozen=True)
class _Best:
    """The recommended routes of some sites: for each objective its ways and answers."""

    site: IntArray
    ways: tuple[Ways, ...]
    answers: tuple[Answers, ...]
    objective: IntArray
    place: IntArray
    rank: IntArray

    def columns(self, demand: Demand, geometry: bool) -> dict[str, Any]:
        """The columns that a screening prints of them."""
        names = np.array(OBJECTIVES, object)
        tie_in = self._pick([ways.tie_in for ways in self.ways])
        columns: dict[str, Any] = {
            "status": "routed",
            "recommended": names[self.objective],
            "qualifying_route": np.where(self.rank == 0, "found", "not_searched").astype(object),
            "tie_in_id": np.array([*self.ways[0].tie_ins.feature_ids, None], object)[tie_in],
        }
        for name in FIGURES:
            columns[name] = self._pick([one.figures[name] for one in self.answers])
        for name in self.answers[0].measures:
            columns[name] = self._pick([one.measures[name] for one in self.answers])
        for name in self.answers[0].verdict:
            columns[name] = self._pick([one.verdict[name] for one in self.answers])
        if geometry:
            columns["geometry"] = self._drawn()
        return columns

    def _pick(self, by_objective: list[NDArray[Any]]) -> NDArray[Any]:
        """The value of the recommended route of every site."""
        picked = np.empty(len(self.site), by_objective[0].dtype)
        for number, values in enumerate(by_objective):
            mine = self.objective == number
            picked[mine] = values[self.place[mine]]
        return picked

    def _drawn(self) -> NDArray[Any]:
        lines = np.empty(len(self.site), object)
        for number, ways in enumerate(self.ways):
            mine = np.flatnonzero(self.objective == number)
            lines[mine] = ways.part(self.place[mine]).draw()
        return lines


def _routed(
    desk: Desk, ground: Groundwork, demand: Demand, day: date, sites: Sites, todo: IntArray
) -> tuple[_Best, IntArray] | None:
    """The recommended routes of the sites that have one, and the sites in doubt."""
    steps = sites.steps.of_sites(todo)
    cheapest = lightest_ways(ground.search(demand.pipe, "cheapest"), steps)
    if len(cheapest) == 0:
        return None
    first = answer(desk, ground, demand, day, sites, cheapest)
    second_place = np.flatnonzero((first.rank > 0) & ~first.in_doubt)
    steps = sites.steps.of_sites(cheapest.site[second_place])
    shortest = lightest_ways(ground.search(demand.pipe, "shortest"), steps)
    second = answer(desk, ground, demand, day, sites, shortest)
    better = (second.rank < first.rank[second_place]) | (
        (second.rank == first.rank[second_place])
        & (second.figures["cost_yuan"] < first.figures["cost_yuan"][second_place])
    )
    objective = np.zeros(len(cheapest), np.int64)
    place, rank = np.arange(len(cheapest)), first.rank.copy()
    objective[second_place[better]] = 1
    place[second_place[better]] = np.flatnonzero(better)
    rank[second_place[better]] = second.rank[better]
    doubt = first.in_doubt.copy()
    doubt[second_place] |= second.in_doubt
    kept = np.flatnonzero(~doubt)
    best = _Best(
        cheapest.site[kept],
        (cheapest, shortest),
        (first, second),
        objective[kept],
        place[kept],
        rank[kept],
    )
    return best, cheapest.site[doubt]


def _unroutable(work: Groundwork, demand: Demand, sites: Sites, chosen: IntArray) -> dict[str, Any]:
    """Columns of sites that no way reaches: why, how far, and whether the plan covers them."""
    utility = demand.pipe.utility
    count = np.array([len(sites.end_nodes[site]) for site in chosen.tolist()])
    gap_m = sites.gap_m[chosen]
    too_wide = (count == 0) & (gap_m > work.policy.planning.max_snap_m)
    reason = no_network(work, demand)
    judged = judge_columns(utility, sites.facts(utility, chosen), len(chosen), work.policy)
    columns: dict[str, Any] = {
        "status": "unroutable",
        "reason": reason or np.where(too_wide, "gap_too_wide", "disconnected").astype(object),
        "gap_m": np.where(too_wide & (reason is None), gap_m, np.nan),
    }
    for name in VERDICT_COLUMNS:
        told = [getattr(v, name) if v.outcome == "not_covered" else None for v in judged.verdicts]
        columns[name] = np.array([*told, None], object)[judged.verdict_of]
    return columns

"""Screening, many cases with one demand: ways by forests, figures by sums, verdicts by classes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.linear import IntArray
from planning.application import Demand
from planning.external_lines import no_network
from planning.groundwork import Groundwork
from planning.no_dig import Closed
from planning.questions import as_text, unknown_states
from planning.screening_bounds import bounded_statuses
from planning.screening_judged import UNKNOWN, Answers, Desk, answer
from planning.screening_questions import questions_of_ways
from planning.screening_sites import Sites
from planning.screening_table import FIGURES
from planning.screening_ways import Ways, lightest_ways
from planning.verdict_tables import COLUMNS as VERDICT_COLUMNS
from planning.verdict_tables import judge_columns

# What tie-breaks may add to the metres of a way at most.
_TIE_BREAK_M = 1e-5


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
    """Solve some sites for one demand on one day, but those that arrays cannot tell.

    Parcels one above another share what is found.
    """
    ones, place = sites.alike(demand.pipe.utility, chosen)
    found = _solve_each(desk, demand, day, sites, ones, geometry)
    if len(ones) == len(chosen):
        return found
    where = np.full(len(sites.cases), -1, np.int64)
    rows = []
    for some, columns in found.rows:
        where[some] = np.arange(len(some))
        at = where[ones[place]]
        where[some] = -1
        told = np.flatnonzero(at >= 0)
        spread = {name: _spread(column, at[told]) for name, column in columns.items()}
        rows.append((chosen[told], spread))
    return Alike(rows, chosen[np.isin(ones[place], found.left)])


def _spread(column: Any, at: IntArray) -> Any:
    """Values of a column for the sites that share them; one for all stays so."""
    return column[at] if isinstance(column, np.ndarray) else column


def _solve_each(
    desk: Desk, demand: Demand, day: date, sites: Sites, chosen: IntArray, geometry: bool
) -> Alike:
    """Solve some sites, each by itself."""
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
    """The recommended routes of some sites, all of them the cheapest, with their answers.

    ``place`` is where each stands among the answers; ``status`` tells of a route that qualifies,
    ``questions`` what keeps verdicts open.
    """

    site: IntArray
    ways: Ways
    answers: Answers
    place: IntArray
    status: NDArray[Any]
    questions: NDArray[Any]

    def columns(self, demand: Demand, geometry: bool) -> dict[str, Any]:
        """The columns that a screening prints of them."""
        columns: dict[str, Any] = {
            "status": "routed",
            "recommended": "cheapest",
            "qualifying_route": self.status,
            "tie_in_id": np.array([*self.ways.tie_ins.feature_ids, None], object)[self.ways.tie_in],
            "open_questions": self.questions,
        }
        for name in FIGURES:
            columns[name] = self.answers.figures[name][self.place]
        for name in self.answers.measures:
            columns[name] = self.answers.measures[name][self.place]
        for name in self.answers.verdict:
            columns[name] = self.answers.verdict[name][self.place]
        if geometry:
            columns["geometry"] = self.ways.draw()
        return columns


def _routed(
    desk: Desk, ground: Groundwork, demand: Demand, day: date, sites: Sites, todo: IntArray
) -> tuple[_Best, IntArray] | None:
    """The recommended routes of sites, and the sites to be solved one by one.

    Those of figures in doubt, and those whose cheapest route does not qualify where bounds
    do not tell whether another one does.
    """
    steps = sites.steps.of_sites(todo)
    cheapest = lightest_ways(ground.search(demand.pipe, "cheapest"), steps)
    if len(cheapest) == 0:
        return None
    first = answer(desk, ground, demand, day, sites, cheapest)
    status, unsure = np.full(len(cheapest), "found", object), first.in_doubt.copy()
    open_ = np.flatnonzero((first.rank > 0) & ~unsure)
    steps = sites.steps.of_sites(cheapest.site[open_])
    shortest_m = lightest_ways(ground.search(demand.pipe, "shortest"), steps).weight - _TIE_BREAK_M
    told = bounded_statuses(
        ground, demand, sites, cheapest.site[open_], first.rank[open_], shortest_m
    )
    untold = pd.isna(told)
    unsure[open_] = untold & ~sites.is_estimate[cheapest.site[open_]]
    status[open_] = np.where(untold, "not_searched", told)
    kept = np.flatnonzero(~unsure)
    ways = cheapest.part(kept)
    unknown = first.verdict[UNKNOWN][kept].tolist()
    asked = questions_of_ways(desk, ground, demand, ways, unknown)
    best = _Best(ways.site, ways, first, kept, status[kept], asked)
    return best, cheapest.site[unsure]


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
        "open_questions": as_text(unknown_states(work, utility)),
    }
    for name in VERDICT_COLUMNS:
        told = [getattr(v, name) if v.outcome == "not_covered" else None for v in judged.verdicts]
        columns[name] = np.array([*told, None], object)[judged.verdict_of]
    return columns

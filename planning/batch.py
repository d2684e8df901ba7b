"""Screening 筛查: every parcel and utility of a county at once (design 7, 12)."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.garbage import hand_back, uncollected
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Application, Demand, default_application
from planning.external_lines import IMPOSSIBLE, ExternalLine, all_by_forest, external_lines
from planning.gravity_ways import is_steered
from planning.groundwork import Groundwork, Site, SiteError
from planning.questions import as_text, open_subjects
from planning.screening_answers import Quest, solve_all
from planning.screening_judged import Desk
from planning.screening_sites import Sites
from planning.screening_table import FIGURES, Table
from planning.second_feed import has_second_feed
from planning.sized_demands import with_sizes

# Fewer cases of one demand and day are solved one by one as quickly.
_ARRAYS_PAY = 8

Numbers = NDArray[np.int64]


def cases_of(
    survey: Survey,
    applications: Iterable[Application],
    dig_date: date,
    parcels: Sequence[str] | None = None,
) -> list[Application]:
    """Open applications, then the default demand of every parcel that has none.

    ``parcels`` narrows both to these parcel ids.
    """
    wanted = None if parcels is None else set(parcels)
    open_cases = [a for a in applications if wanted is None or a.parcel_id in wanted]
    taken = {a.parcel_id for a in open_cases}
    table = survey.get("parcels")
    rest = [] if table is None else table["land_use"].items()
    return open_cases + [
        default_application(str(parcel_id), land_use, dig_date)
        for parcel_id, land_use in rest
        if parcel_id not in taken and (wanted is None or parcel_id in wanted)
    ]


def screen(
    work: Groundwork,
    cases: Sequence[Application],
    utilities: Sequence[str] | None = None,
    progress: Callable[[int], None] | None = None,
    *,
    geometry: bool = True,
) -> pd.DataFrame:
    """Screen cases: one row for each case and utility, about the recommended route.

    Cases with equal demands on one day share a forest for each objective, and the figures of their
    routes are sums along it (``planning.screening_answers``). Cases that are few of their kind,
    have gates, or cannot be told by sums are solved one by one, as ``plan`` does. A case without
    a place in the survey is unroutable, with the reason.
    ``progress`` is told how many (case, utility) pairs were solved since the last call.

    Returns
    -------
    Rows in the order of the cases and utilities; columns of design 12, ``geometry`` last
    (LineString from tie-in to red line, of two feeds a
    MultiLineString of both, None where not routed) unless it is not wanted.
    ``attrs["one_by_one"]``: how many pairs arrays left open, how many of them were solved (of
    parcels one above another only one is), and the CPU seconds.
    """
    with uncollected():  # it takes a tenth of the time otherwise
        return _screened(work, cases, utilities, progress, geometry)


def _screened(
    work: Groundwork,
    cases: Sequence[Application],
    utilities: Sequence[str] | None,
    progress: Callable[[int], None] | None,
    geometry: bool,
) -> pd.DataFrame:
    wanted = list(load_utilities()) if utilities is None else list(utilities)
    told = progress or (lambda _pairs: None)
    cases = [case if case.is_estimate else with_sizes(case, work.policy) for case in cases]
    table, one_by_one = _filled(work, cases, wanted, told, geometry)
    hand_back()  # what it was filled from is gone
    frame = table.frame(geometry)
    frame.attrs["one_by_one"] = one_by_one
    return frame


def _filled(
    work: Groundwork,
    cases: Sequence[Application],
    utilities: Sequence[str],
    told: Callable[[int], None],
    geometry: bool,
) -> tuple[Table, dict[str, float]]:
    """What is written of all cases, and how many pairs arrays left open and what these took."""
    sites, desk = Sites(work, cases), Desk.of(work)
    table = Table(cases, sites.case_kinds, utilities)
    for number in sites.case_kinds.first.tolist():
        for utility in set(cases[number].impossible) & set(utilities):
            row = table.rows(np.array([number]), utility)
            table.write(row, {"status": "unroutable", "reason": IMPOSSIBLE})
    together, alone = _groups(work, sites, utilities)
    quests = [Quest.of(desk, *kind, sites, numbers) for kind, numbers in together.items()]
    for quest, found in solve_all(quests, geometry):
        utility = quest.demand.pipe.utility
        for some, columns in found.rows:
            table.write(table.rows(some, utility), columns)
        mine = quest.ones[quest.place]
        table.copy(table.rows(mine, utility), table.rows(quest.chosen, utility))
        left = quest.chosen[np.isin(mine, found.left)]
        if len(left):
            alone[quest.demand] = np.concatenate([alone[quest.demand], left])
        told(len(quest.chosen) - len(left))
    start = time.process_time()
    solved = 0
    for demand, numbers in alone.items():
        ones, place = sites.alike(demand.pipe.utility, np.sort(numbers))
        _one_by_one(work, demand, cases, ones, table)
        rows = table.rows(ones, demand.pipe.utility)
        table.copy(rows[place], table.rows(np.sort(numbers), demand.pipe.utility))
        solved += len(ones)
        told(len(numbers))
    cpu_s, pairs = time.process_time() - start, sum(map(len, alone.values()))
    return table, {"pairs": pairs, "solved": solved, "cpu_s": cpu_s}


def _groups(
    work: Groundwork, sites: Sites, utilities: Sequence[str]
) -> tuple[dict[tuple[Demand, date], Numbers], defaultdict[Demand, Numbers]]:
    """Cases that are many of a demand and day and may end anywhere on the red line; and others.

    Lines that keep a fall, have a second feed or serve some operators only are among the others.
    Cases of one kind are looked at once for all.
    """
    groups: dict[tuple[Demand, date, bool], list[Numbers]] = defaultdict(list)
    kinds = sites.case_kinds.place * 2 + sites.known
    order = np.argsort(kinds, kind="stable")
    for alike in np.split(order, np.flatnonzero(np.diff(kinds[order])) + 1) if len(order) else []:
        case, known = sites.cases[alike[0]], bool(sites.known[alike[0]])
        for utility in utilities:
            demand = case.demands.get(utility)
            if demand is not None:
                whole = _one_way(demand) and not work.operators_apart(demand.pipe)
                anywhere = known and case.gate is None and whole
                groups[demand, case.dig_date, anywhere].append(alike)
    together: dict[tuple[Demand, date], Numbers] = {}
    alone: defaultdict[Demand, Numbers] = defaultdict(lambda: np.zeros(0, np.int64))
    for (demand, day, anywhere), parts in groups.items():
        found = np.sort(np.concatenate(parts))
        if anywhere and len(found) >= _ARRAYS_PAY:
            together[demand, day] = found
        else:
            alone[demand] = np.concatenate([alone[demand], found])
    return together, alone


def _one_way(demand: Demand) -> bool:
    """Whether a line is one cheapest way: it keeps no fall and has no second feed."""
    return not is_steered(demand) and not has_second_feed(demand)


def _one_by_one(
    work: Groundwork,
    demand: Demand,
    cases: Sequence[Application],
    numbers: Numbers,
    table: Table,
) -> None:
    """Solve some cases for one demand as the planner of one parcel does, and write their rows.

    A case without a place in the survey is unroutable, with the reason.
    """
    told: dict[int, dict[str, object]] = {}
    sites: dict[int, Site] = {}
    for row, number in zip(
        table.rows(numbers, demand.pipe.utility).tolist(), numbers.tolist(), strict=True
    ):
        try:
            sites[row] = work.site(cases[number])
        except SiteError as error:
            told[row] = {"status": "unroutable", "reason": error.reason}
    lines = external_lines(work, demand, list(sites.values()), all_by_forest, answered=True)
    told |= {row: _row(work, lines[site.key]) for row, site in sites.items()}
    table.write_each(np.array(list(told), np.int64), list(told.values()))


def _row(work: Groundwork, line: ExternalLine) -> dict[str, object]:
    """The columns of one line that was solved by itself."""
    row: dict[str, object] = {"status": line.status, "reason": line.reason, "gap_m": line.gap_m}
    row["open_questions"] = as_text(open_subjects(work, line))
    answer = line.answer
    if answer is not None:
        row |= {"outcome": answer.outcome, "clause": answer.clause}
        row |= {"certainty": answer.certainty, "otherwise": answer.otherwise}
    if line.judged is None:
        return row
    tie_ins = work.tie_ins(line.utility).feature_ids
    return row | {
        "recommended": line.recommended,
        "qualifying_route": line.qualifying_route,
        "searched_m": _searched_m(line),
        "tie_in_id": ";".join(str(tie_ins[route.way.tie_in]) for route in line.feeds),
        **{name: line.judged.figures[name] for name in FIGURES},
        **line.judged.measures,
        "geometry": line.course,
    }


def _searched_m(line: ExternalLine) -> float | None:
    """How far it was looked for a route that qualifies; None where levels or a second feed tell.

    What these look at is bounded otherwise than by metres from the red line; and what was given up
    by nothing.
    """
    if line.demand is None or line.qualifying is None or not _one_way(line.demand):
        return None
    reach_m = line.qualifying.reach_m
    return reach_m if math.isfinite(reach_m) else None

"""Screening 筛查: every parcel and utility of a county at once (design 7, 12)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date

import pandas as pd

from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Application, Demand, default_application
from planning.external_lines import ExternalLine, all_by_forest, external_lines
from planning.groundwork import Groundwork, Site, SiteError
from planning.measures import MEASURES

_FIGURES = ("length_m", "cost_yuan", "crossing_count", "kerb_m", "red_line_m", "green_m2")


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
) -> pd.DataFrame:
    """Screen cases: one row for each case and utility, about the recommended route.

    Equal demands share one forest for each objective, whatever the number of parcels. A case
    without a place in the survey is unroutable, with the reason; all others are screened.
    ``progress`` is told how many (case, utility) pairs were solved since the last call.

    Returns
    -------
    Rows in the order of the cases and utilities; columns of design 12, ``geometry`` last
    (LineString from tie-in to red line, None where not routed).
    """
    wanted = list(load_utilities()) if utilities is None else list(utilities)
    sites = [_site(work, case) for case in cases]
    groups: dict[Demand, list[int]] = defaultdict(list)
    for number, case in enumerate(cases):
        for utility in wanted:
            demand = case.demands.get(utility)
            if demand is not None and isinstance(sites[number], Site):
                groups[demand].append(number)
    solved: dict[tuple[int, str], ExternalLine] = {}
    for demand, numbers in groups.items():
        asked = {number: site for number in numbers if isinstance(site := sites[number], Site)}
        lines = external_lines(work, demand, list(asked.values()), all_by_forest)
        for number, site in asked.items():
            solved[number, demand.pipe.utility] = lines[site.key]
        if progress:
            progress(len(numbers))
    rows = [
        _row(work, cases[number], utility, sites[number], solved.get((number, utility)))
        for number in range(len(cases))
        for utility in wanted
    ]
    return pd.DataFrame(rows, columns=_columns())


def _columns() -> list[str]:
    measures = dict.fromkeys(name for group in MEASURES.values() for name in group)
    return [
        "parcel_id",
        "application_id",
        "source",
        "dig_date",
        "utility",
        "status",
        "reason",
        "gap_m",
        "outcome",
        "clause",
        "certainty",
        "otherwise",
        "recommended",
        "qualifying_route",
        "tie_in_id",
        *_FIGURES,
        *(name for name in measures if name not in _FIGURES),
        "geometry",
    ]


def _site(work: Groundwork, case: Application) -> Site | SiteError:
    try:
        return work.site(case)
    except SiteError as error:
        return error


def _row(
    work: Groundwork,
    case: Application,
    utility: str,
    site: Site | SiteError,
    line: ExternalLine | None,
) -> dict[str, object]:
    row: dict[str, object] = {
        "parcel_id": case.parcel_id,
        "application_id": case.application_id or None,
        "source": case.source,
        "dig_date": case.dig_date.isoformat(),
        "utility": utility,
        "status": "not_requested" if line is None else line.status,
    }
    if isinstance(site, SiteError) and utility in case.demands:
        return row | {"status": "unroutable", "reason": site.reason}
    if line is None:
        return row
    row |= {"reason": line.reason, "gap_m": line.gap_m}
    answer, route = line.answer, line.route
    if answer is not None:
        row |= {"outcome": answer.outcome, "clause": answer.clause}
        row |= {"certainty": answer.certainty, "otherwise": answer.otherwise}
    if route is None:
        return row
    return row | {
        "recommended": line.recommended,
        "qualifying_route": line.qualifying_route,
        "tie_in_id": work.tie_ins(utility).feature_ids[route.way.tie_in],
        **{name: route.figures[name] for name in _FIGURES},
        **route.measures,
        "geometry": route.line,
    }

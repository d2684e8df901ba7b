"""Questions of all cases: those of the plans, each once, with what its answer settles."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd
import pytest

from layers.survey import Survey
from planning.application import Application
from planning.batch import cases_of, screen
from planning.county_questions import questions_of_cases
from planning.plan import plan
from tests import towns
from tests.towns import ground, main, parcel, street, town

pytestmark = pytest.mark.slow_first

# Streets every 100 m with parcels north of each: what a road does not say keeps its parcels open.
ROADS: dict[str, Any] = {
    "R-0": street((0, 0), (600, 0)),
    "R-1": street((0, 100), (600, 100), opened_on=None),
    "R-2": street((0, 200), (600, 200), overhauled_on=None),
    "R-3": street((0, 300), (600, 300), authority=None, opened_on=None),
    "C-1": street((0, 0), (0, 400)),
    "C-2": street((300, 0), (300, 400)),
}
PARCELS: dict[str, Any] = {
    f"P-{row}-{place}": parcel(20 + 45 * place, 100 * row + 12, 55 + 45 * place, 100 * row + 40)
    for row in range(4)
    for place in (0, 1, 2, 3, 4, 5, 7, 8)
}
LINES = {f"W-{row}": main((0, 100 * row - 8), (600, 100 * row - 8)) for row in range(4)} | {
    f"G-{row}": main(
        (0, 100 * row - 9), (600, 100 * row - 9), utility="gas", pressure_mpa=0.2, status=None
    )
    for row in range(4)
}


def county(**changes: Any) -> Survey:
    layers: dict[str, Any] = {"roads": ROADS, "parcels": PARCELS, "lines": LINES, **changes}
    return town(**layers)


def screened(survey: Survey, *applications: Application) -> pd.DataFrame:
    work = ground(survey, *applications)
    return screen(work, cases_of(survey, applications, towns.dig_date()), geometry=False)


def by_key(found: pd.DataFrame) -> dict[tuple[str, str], Any]:
    return {(row.subject, row.field): row for row in found.itertuples()}


def test_a_road_is_asked_once_for_all_cases_with_what_it_keeps_open_and_settles() -> None:
    found = by_key(questions_of_cases(screened(county(absent=("railways",)))))
    # Rails are unknown to every route; nothing but the overhaul of R-2 besides there.
    assert set(found) >= {("layer:railways", "geometry"), ("road:R-2", "overhauled_on")}
    open_ = questions_of_cases(screened(county()))
    found = by_key(open_)
    assert ("layer:railways", "geometry") not in found
    row = found["road:R-2", "overhauled_on"]
    # The mains lie south of their street: the eight parcels north of R-2 cross it, and no other;
    # but the first goes round by C-1, whose days are known, and qualifies there.
    north = {key for key in PARCELS if key.startswith("P-2-")}
    assert set(row.case_ids) == north - {"P-2-0"}
    assert (row.pairs, row.cases, row.utilities) == (7, 7, ("water",))
    assert row.settles == 7
    # Of R-3 two things are asked: neither answer alone settles anything.
    assert found["road:R-3", "opened_on"].pairs == 7
    assert found["road:R-3", "opened_on"].settles == found["road:R-3", "authority"].settles == 0
    assert open_["settles"].is_monotonic_decreasing


def test_an_unroutable_line_is_kept_open_but_not_settled_by_the_state_of_mains() -> None:
    found = by_key(questions_of_cases(screened(county())))
    row = found["layer:lines", "status"]
    assert (row.utilities, row.pairs, row.settles) == (("gas",), 32, 0)


def test_a_missing_layer_settles_no_verdict_that_is_not_open() -> None:
    asked = questions_of_cases(screened(town(lines=LINES, absent=("buildings",))))
    row = by_key(asked)["layer:buildings", "geometry"]
    assert row.pairs > 0
    assert (row.settles, row.settles_cases) == (0, 0)


def test_a_case_is_settled_only_where_all_its_open_lines_are() -> None:
    found = by_key(questions_of_cases(screened(county())))
    row = found["road:R-2", "overhauled_on"]
    assert (row.settles, row.settles_cases) == (7, 0)  # their gas waits for the state of mains
    joined = {key: {**line, "status": "in_service"} for key, line in LINES.items()}
    found = by_key(questions_of_cases(screened(county(lines=joined))))
    row = found["road:R-2", "overhauled_on"]
    assert (row.settles, row.settles_cases) == (14, 7)


@pytest.mark.parametrize("answer", ["2001-05-01", "2025-05-01"])
def test_any_answer_settles_what_it_is_said_to_settle(answer: str) -> None:
    for row in questions_of_cases(screened(county())).itertuples():
        if row.subject_kind != "road" or not row.settles:
            continue
        roads = {**ROADS, row.subject_id: {**ROADS[row.subject_id], row.field: answer}}
        after = screened(county(roads=roads))
        asked = questions_of_cases(after)
        assert (row.subject, row.field) not in by_key(asked)
        was_open = (screened(county())["outcome"] == "undetermined").sum()
        # A road that may be dug opens ways to others too, which then qualify round their own.
        assert (after["outcome"] == "undetermined").sum() <= was_open - row.settles


def test_the_questions_are_those_of_the_plans_of_all_cases() -> None:
    survey = county(absent=("trees", "railways"))
    case = towns.application("P-1-0", work_kind=None, demands={"water": {}, "gas": {}})
    found = questions_of_cases(screened(survey, case))
    expected: dict[tuple[str, str, str], set[tuple[str, str]]] = defaultdict(set)
    work = ground(survey, case)
    for one in cases_of(survey, [case], towns.dig_date()):
        for asked in plan(one, survey, towns.policy(), corridors=work).questions:
            key = (asked.subject_kind, asked.subject_id, asked.field)
            name = one.application_id or one.parcel_id
            expected[key] |= {(name, utility) for utility in asked.utilities}
    told = {
        (row.subject_kind, row.subject_id, row.field): (row.pairs, set(row.case_ids))
        for row in found.itertuples()
    }
    assert ("application", "APP-1", "work_kind") in told
    assert told == {
        key: (len(pairs), {name for name, _ in pairs}) for key, pairs in expected.items()
    }


def test_where_nothing_is_open_nothing_is_asked() -> None:
    table = screened(town(lines={"W-1": main((0, 8), (300, 8))}))
    found = questions_of_cases(table[table["utility"] == "water"])
    assert found.empty
    assert "settles" in found.columns


def test_a_road_that_a_line_only_perhaps_digs_up_is_asked_as_the_plan_asks() -> None:
    # The main runs a hand's breadth beside the land of a second street that says nothing: whether
    # the trench reaches into it hangs on its width and corners, not on the line.
    roads = {
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((0, 24.2), (300, 24.2), opened_on=None, red_line_width_m=27.0),
        "R-3": street((-20, -40), (-20, 60)),
    }
    parcels = {f"P-{n}": parcel(10 + 30 * n, -40, 35 + 30 * n, -12) for n in range(9)}
    survey = town(roads=roads, parcels=parcels, lines={"W-1": main((0, 10.9), (300, 10.9))})
    table = screened(survey)
    table = table[table["utility"] == "water"]
    work = ground(survey)
    for row, case in zip(table.itertuples(), cases_of(survey, [], towns.dig_date()), strict=True):
        asked = plan(case, survey, towns.policy(), corridors=work).questions
        mine = {(q.subject_id, q.field) for q in asked if "water" in q.utilities}
        cell = pd.DataFrame([row._asdict()]).assign(application_id=None)
        told = questions_of_cases(cell)
        assert {(r.subject_id, r.field) for r in told.itertuples()} == mine

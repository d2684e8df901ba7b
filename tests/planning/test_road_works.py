"""Works of the layer ``planned_works`` on roads leave open when these were last overhauled."""

from __future__ import annotations

from typing import Any

import pytest
from shapely.geometry import LineString, box
from shapely.geometry.base import BaseGeometry

from layers.survey import Survey
from planning.batch import screen
from planning.local_edits import edited
from planning.plan import Plan, plan
from planning.rescreening import rescreened, screened
from tests.planning.edits import ready, ribbon, told, with_layers
from tests.planning.test_rescreening import UTILITIES, _cases, assert_same_answers
from tests.planning.whole_builds import assert_equal
from tests.towns import application, main, policy, street, table, town

LINES = {"W-1": main((0, 8), (300, 8))}
# All of the usual street, which was overhauled in 2015 and is dug on 2026-11-22.
ALL = box(0, -10, 300, 10)
KIND = "planned_road_works"


def works(
    starts: str | None = None,
    ends: str | None = None,
    shape: BaseGeometry = ALL,
    utility: str | None = None,
) -> dict[str, Any]:
    return {"utility": utility, "starts_on": starts, "ends_on": ends, "geometry": shape}


def planned(*some: dict[str, Any], **road: Any) -> Plan:
    rows = {f"X-{number}": one for number, one in enumerate(some)}
    roads = {"R-1": street((0, 0), (300, 0), **road)}
    return plan(application(), town(roads=roads, lines=LINES, planned_works=rows), policy())


@pytest.mark.parametrize(
    ("one", "outcome"),
    [
        (works("2026-03-01", "2026-06-01"), "undetermined"),
        (works(None, "2026-11-22"), "undetermined"),
        (works("2026-03-01"), "undetermined"),  # without an end the day on which they begin
        (works("2026-11-01", "2026-11-23"), "commitment"),  # not done before the dig
        (works("2014-03-01", "2014-06-01"), "commitment"),  # the overhaul on record is newer
        (works(), "undetermined"),  # nobody knows when: it may be before the dig
        (works(utility="gas"), "commitment"),
        (works(None, None, box(0, 20, 300, 40)), "commitment"),  # beside
        (works("2026-03-01", "2026-06-01", utility="gas"), "commitment"),  # a dig of others
        (works("2026-03-01", "2026-06-01", box(100, -60, 130, 60)), "commitment"),  # across
        (works("2026-03-01", "2026-06-01", box(100, -60, 131, 60)), "undetermined"),
        (works("2026-03-01", "2026-06-01", LineString([(0, 3), (300, 3)])), "undetermined"),
        (works("2026-03-01", "2026-06-01", LineString([(120, -9), (120, 9)])), "commitment"),
        (works("2026-03-01", "2026-06-01", box(0, 20, 300, 40)), "commitment"),  # beside
    ],
)
def test_works_that_were_due_before_the_dig_leave_the_day_of_the_last_overhaul_open(
    one: dict[str, Any], outcome: str
) -> None:
    made = planned(one)
    verdict = made.lines["water"].verdict
    assert verdict is not None
    assert verdict.outcome == outcome
    asked = [(q.subject_kind, q.subject_id, q.field) for q in made.questions]
    assert asked == ([("road", "R-1", "overhauled_on")] if outcome == "undetermined" else [])


def test_a_road_that_is_barred_anyway_stays_so() -> None:
    verdict = planned(works(None, "2026-03-01"), overhauled_on="2025-01-01").lines["water"].verdict
    assert verdict is not None
    assert verdict.outcome == "blocked"


def test_works_without_a_day_leave_a_barred_road_barred_and_are_told() -> None:
    made = planned(works(), overhauled_on="2025-01-01")
    verdict = made.lines["water"].verdict
    assert verdict is not None
    assert verdict.outcome == "blocked"
    [told] = [one for one in planned(works()).notices if one.kind == KIND]
    assert (told.layer, told.feature_id) == ("planned_works", "X-0")
    assert told.text == (
        "道路整修 X-0 未写明起止日期,不知是否在开挖前竣工;竣工后 3 年内不得挖掘,请补填日期"
    )


def test_of_works_that_tell_their_end_alone_it_is_told() -> None:
    [told] = [one for one in planned(works(None, "2027-03-01")).notices if one.kind == KIND]
    assert "2027-03-01" in told.text


def test_works_that_are_under_way_on_the_day_of_digging_are_told_to_be() -> None:
    made = planned(works("2026-11-20", "2026-11-25"))
    [told] = [one for one in made.notices if one.kind == KIND]
    assert "2026-11-20 至 2026-11-25 整修,拟开挖日期 2026-11-22 在其间" in told.text


def test_an_overhaul_on_record_that_is_newer_settles_it() -> None:
    verdict = planned(works(None, "2022-03-01"), overhauled_on="2022-04-01").lines["water"].verdict
    assert verdict is not None
    assert verdict.outcome == "commitment"


def test_of_several_works_one_that_was_due_is_enough() -> None:
    for some in (("2027-06-01", "2026-06-01"), ("2026-06-01", "2014-06-01")):
        verdict = planned(*(works(None, day) for day in some)).lines["water"].verdict
        assert verdict is not None
        assert verdict.outcome == "undetermined"


@pytest.mark.parametrize("day", ["2026-11-23", "2027-05-01"])
def test_an_overhaul_finished_after_the_dig_hides_which_was_the_last_one_before(day: str) -> None:
    line = planned(overhauled_on=day).lines["water"]
    assert line.verdict is not None
    assert line.verdict.outcome == "undetermined"


def test_an_overhaul_finished_on_the_very_day_of_the_dig_bars_it() -> None:
    verdict = planned(overhauled_on="2026-11-22").lines["water"].verdict
    assert verdict is not None
    assert verdict.outcome == "blocked"


# --- screening and edits -------------------------------------------------------------------------


def _with_works(survey: Survey, **rows: dict[str, Any]) -> Survey:
    return with_layers(survey, planned_works=table("planned_works", rows))


EAST = works("2026-03-01", "2026-06-01", box(800, -10, 1200, 10))


def test_a_screening_tells_what_plans_tell() -> None:
    survey = _with_works(ribbon(), E=EAST)
    work, cases = ready(survey), _cases(survey)
    rows = screen(work, cases, ["water"])
    assert (rows["otherwise"] == "commitment").sum() > 3
    for row, case in list(zip(rows.to_dict("records"), cases, strict=True))[::3]:
        line = plan(case, survey, policy(), corridors=work).lines["water"]
        verdict = line.verdict
        told_of = (verdict.outcome, verdict.certainty) if verdict else (None, None)
        assert (row["outcome"], row["certainty"]) == told_of


def test_edits_of_works_are_felt_all_along_their_roads() -> None:
    survey = _with_works(ribbon(), E=EAST, G=works("2026-03-01", utility="gas"))
    cases = _cases(survey)
    before = screened(ready(survey), cases, UTILITIES)
    for after in (
        told(survey, "planned_works", "E", ends_on="2027-06-01"),
        told(survey, "planned_works", "E", utility="water"),
        told(survey, "planned_works", "E", starts_on=None, ends_on=None),
        told(survey, "planned_works", "G", utility=None),
        _with_works(ribbon(), G=works("2026-03-01", utility="gas")),
        _with_works(ribbon(), E=works(None, "2026-06-01", box(0, -10, 220, 10))),
    ):
        edit = edited(before.work, after)
        whole = ready(after)
        assert edit.is_local
        assert_equal(edit.work, whole)
        found = rescreened(before, edit, cases)
        assert_same_answers(found.table, screen(whole, cases, UTILITIES))
        assert len(found.table) > found.table.attrs["solved_anew"] > 0

"""Notices: planned works where a case digs, and no-dig areas; they change no route."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from shapely.geometry import LineString, Point, box

from layers.survey import Survey
from planning import batch
from planning.batch import screen
from planning.groundwork import prepare
from planning.notices import Notice
from planning.plan import plan
from planning.questions import as_text
from reports.summary import plan_summary
from tests import towns
from tests.test_schemas import faults
from tests.towns import application, main, street, town

LINES = {"W-1": main((0, 8), (300, 8))}


def notices(survey: Survey, **changes: Any) -> tuple[Notice, ...]:
    return plan(application(**changes), survey, towns.policy()).notices


def test_a_case_without_planned_works_and_areas_has_no_notice() -> None:
    assert notices(town(lines=LINES)) == ()


@pytest.mark.parametrize(
    ("dig", "kind"),
    [
        ("2026-11-21", "dig_date_passed"),
        ("2026-11-22", None),  # today
        ("2028-11-22", None),  # two years to the day
        ("2028-11-23", "dig_date_far"),
        ("9999-12-31", "dig_date_far"),
    ],
)
def test_a_day_of_digging_that_is_over_or_years_away_is_told_by_who_knows_the_day(
    dig: str, kind: str | None
) -> None:
    made = plan(application(dig_date=dig), town(lines=LINES), towns.policy())
    assert made.notices == ()  # the plan itself is the same on every day
    told = made.told_on(date(2026, 11, 22))
    assert [one.kind for one in told.notices] == ([kind] if kind else [])
    for one in told.notices:
        assert (one.layer, one.feature_id) == ("applications", made.application.application_id)
        assert one.utilities == tuple(made.application.demands)
        assert dig in one.text
    document, before = told.to_json(), made.to_json()
    assert faults("plan", document) == []
    assert document | {"notices": []} == before


def test_a_main_that_hangs_on_nothing_is_told() -> None:
    """A stub of 4 m beside the parcel, the real network of 300 m across the street."""
    stub = main((118, 8), (122, 8))
    (told,) = notices(town(lines={"W-1": main((0, -8), (300, -8)), "W-2": stub}))
    assert (told.kind, told.layer, told.feature_id) == ("main_alone", "lines", "W-2")
    assert "1 条,共 4 米" in told.text
    assert "300 米" in told.text
    # Joined to it by a branch under the street it is no piece of its own, and alone it is all.
    branch = {"W-1": main((0, -8), (300, -8)), "W-2": stub, "W-3": main((120, 8), (120, -8))}
    assert notices(town(lines=branch)) == ()
    assert notices(town(lines={"W-2": stub})) == ()


@pytest.mark.parametrize(
    ("planned", "words"),
    [("2026-06-01", "请提前敷设"), ("2027-06-01", "请在其之前完成开挖")],
)
def test_a_road_to_be_made_anew_is_to_be_dug_before(planned: str, words: str) -> None:
    roads = {"R-1": street((0, 0), (300, 0), planned_works_on=planned)}
    (told,) = notices(town(lines=LINES, roads=roads))
    assert (told.kind, told.layer, told.feature_id) == ("planned_road_works", "roads", "R-1")
    assert told.utilities == ("water",)
    assert planned in told.text
    assert words in told.text
    assert "3 年内不得挖掘" in told.text  # 城市道路管理条例 art. 33


def test_why_the_day_of_a_road_that_opens_after_the_dig_is_asked_is_said() -> None:
    later = {"opened_on": "2027-05-01"}
    (told,) = notices(town(lines=LINES, roads={"R-1": street((0, 0), (300, 0), **later)}))
    assert (told.kind, told.layer, told.feature_id) == ("road_opened_later", "roads", "R-1")
    assert "2027-05-01 晚于拟开挖日期 2026-11-22" in told.text
    for known in ({"opened_on": towns.DIG_DATE}, {**later, "authority": "estate"}):
        assert notices(town(lines=LINES, roads={"R-1": street((0, 0), (300, 0), **known)})) == ()


# The usual street was overhauled in 2015; it is dug on 2026-11-22, and overhauls bar three years.
@pytest.mark.parametrize(
    ("overhauled", "planned", "outcome", "asked"),
    [
        ("2015-01-01", None, "commitment", None),
        ("never", None, "commitment", None),
        (None, None, "undetermined", "overhauled_on"),
        ("2015-01-01", "2014-06-01", "commitment", None),  # the overhaul on record
        ("2015-01-01", "2026-11-23", "commitment", None),
        ("2015-01-01", "2026-11-22", "undetermined", "planned_works_on"),
        ("never", "2026-03-01", "undetermined", "planned_works_on"),
        (None, "2026-03-01", "undetermined", "overhauled_on"),
        ("2025-01-01", "2026-03-01", "blocked", None),  # barred whether it was done or not
    ],
)
def test_works_that_were_due_before_the_dig_leave_open_when_the_road_was_overhauled(
    overhauled: str | None,
    planned: str | None,
    outcome: str,
    asked: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    days = {"overhauled_on": overhauled, "planned_works_on": planned}
    survey = town(lines=LINES, roads={"R-1": street((0, 0), (300, 0), **days)})
    made = plan(application(), survey, towns.policy())
    route = made.lines["water"].route
    assert route is not None
    assert route.verdict.outcome == outcome
    assert [(one.subject_id, one.field) for one in made.questions] == (
        [] if asked is None else [("R-1", asked)]
    )
    for fewest in (1, 10):  # by arrays, and by the planner of one parcel
        monkeypatch.setattr(batch, "_ARRAYS_PAY", fewest)
        row = screen(prepare(survey, towns.policy()), [application()], ["water"]).iloc[0]
        assert row["outcome"] == outcome
        questions = as_text([] if asked is None else [("road", "R-1", asked)])
        assert (row["open_questions"] or None) == questions


@pytest.mark.parametrize(
    ("opened", "other", "outcome", "asked"),
    [
        ("2026-11-22", "2010-01-01", "blocked", []),  # on the day of the dig itself
        ("2026-11-23", "2010-01-01", "undetermined", [("R-1", "opened_on")]),
        ("2030-01-01", "2010-01-01", "undetermined", [("R-1", "opened_on")]),
        ("2030-01-01", "2025-01-01", "blocked", []),  # the other road bars whatever this one is
    ],
)
def test_of_a_road_that_opens_after_the_dig_it_is_open_since_when_it_is_in_use(
    opened: str,
    other: str,
    outcome: str,
    asked: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R-2 runs along the same strip: its land reaches as far as that of R-1."""
    roads = {
        "R-1": street((0, 0), (300, 0), opened_on=opened),
        "R-2": street((0, 14.5), (300, 14.5), carriageway_width_m=1.0, opened_on=other),
    }
    survey = town(lines={"W-1": main((0, 6.75), (300, 6.75))}, roads=roads)
    made = plan(application(), survey, towns.policy())
    route = made.lines["water"].route
    assert route is not None
    assert len(route.roads) == 2
    assert route.verdict.outcome == outcome
    assert [(one.subject_id, one.field) for one in made.questions] == asked
    for fewest in (1, 10):  # by arrays, and by the planner of one parcel
        monkeypatch.setattr(batch, "_ARRAYS_PAY", fewest)
        row = screen(prepare(survey, towns.policy()), [application()], ["water"]).iloc[0]
        assert row["outcome"] == outcome
        assert (row["open_questions"] or None) == as_text([("road", *one) for one in asked])


def test_planned_works_count_where_the_strip_meets_them() -> None:
    works: dict[str, dict[str, Any]] = {
        "JH-1": {"starts_on": "2026-06-01", "geometry": box(0, -7, 300, 7.5)},
        "JH-2": {"starts_on": "2026-06-01", "geometry": box(0, -7, 90, 9)},
        "JH-3": {"utility": "gas", "geometry": LineString([(0, 11), (300, 11)])},
    }
    lines = {"W-1": main((0, 6.75), (300, 6.75))}
    told = notices(town(lines=lines, planned_works=works))
    assert [(one.kind, one.feature_id) for one in told] == [
        ("planned_road_works", "JH-1"),
        ("planned_dig", "JH-3"),
    ]
    assert "燃气,未定 至 未定" in told[1].text


def test_a_nearby_area_without_days_is_told_and_one_with_days_is_not() -> None:
    far, near = box(100, 80, 110, 90), box(100, -20, 110, -12)
    areas = {
        "JW-1": {"reason": "遗址", "geometry": near},
        "JW-2": {"geometry": near, "to_date": "2027-01-01"},
        "JW-3": {"geometry": far},
    }
    (told,) = notices(town(lines=LINES, no_dig=areas))
    assert (told.kind, told.feature_id) == ("no_dig_undated", "JW-1")
    assert "JW-1(遗址)未写明起止日期" in told.text


def test_a_nearby_area_whose_days_contradict_each_other_is_told_with_both() -> None:
    days = {"from_date": "2026-12-31", "to_date": "2026-01-01"}
    (told,) = notices(
        town(lines=LINES, no_dig={"JW-1": {"geometry": box(100, -20, 110, -12), **days}})
    )
    assert (told.kind, told.feature_id) == ("no_dig_undated", "JW-1")
    assert "起止日期颠倒(2026-12-31 至 2026-01-01),按一直有效计" in told.text


def test_a_barred_line_tells_the_days_of_the_area() -> None:
    areas = {"JW-1": {"geometry": box(90, 10, 150, 13), "to_date": "2027-01-31"}}
    (told,) = notices(town(lines=LINES, no_dig=areas))
    assert told == Notice(
        "no_dig",
        "no_dig",
        "JW-1",
        ("water",),
        "禁挖区 JW-1 内不得开挖,有效期 不限 至 2027-01-31",
    )


TREE = {"T-1": {"geometry": Point(124, 10), "ancient": True}}
PARK = {"G-1": {"kind": "park", "geometry": box(100, 9, 140, 11)}}


@pytest.mark.parametrize(
    ("layers", "kind", "layer", "words"),
    [
        ({"trees": TREE}, "ancient_tree", "trees", "保护范围"),
        ({"trees": {"T-1": {**TREE["T-1"], "ancient": None}}}, "ancient_tree", "trees", "未知"),
        ({"green": PARK}, "protected_green", "green", "公园绿地或保护绿地"),
        (
            {"green": {"G-1": {**PARK["G-1"], "kind": None}}},
            "protected_green",
            "green",
            "是否公园绿地未知",
        ),
    ],
)
def test_parks_and_ancient_trees_beside_a_strip_without_trees_are_told_and_leave_nothing_firm(
    layers: dict[str, Any], kind: str, layer: str, words: str
) -> None:
    """The strip runs at x = 120 from y = 8 to 12; where no tree stands no permit asks for these."""
    made = plan(application(gate=(120, 12)), town(lines=LINES, **layers), towns.policy())
    verdict = made.lines["water"].verdict
    assert verdict is not None
    assert (verdict.outcome, verdict.certainty) == ("commitment", "rests_on_unverified")
    (told,) = made.notices
    assert (told.kind, told.layer, told.feature_id) == (kind, layer, next(iter(layers[layer])))
    assert words in told.text


def test_other_greenery_and_young_trees_beside_a_strip_are_no_notice() -> None:
    layers = {
        "green": {"G-1": {**PARK["G-1"], "kind": "verge"}},
        "trees": {"T-1": {**TREE["T-1"], "ancient": False}},
    }
    made = plan(application(gate=(120, 12)), town(lines=LINES, **layers), towns.policy())
    assert made.notices == ()
    assert made.lines["water"].verdict is not None
    assert made.lines["water"].verdict.certainty != "rests_on_unverified"


# --- widths of a road that contradict each other -------------------------------------------------

WRONG = {"carriageway_width_m": 40.0, "red_line_width_m": 8.0}
WIDTHS = "R-2 的道路红线宽 8 米小于车行道宽 40 米,两者必有一误:请核对并改正其一后再算"


def _shut_off() -> Survey:
    """The wrong record of a stub swallows the strip of the good street it branches off."""
    roads = {
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((168, 0), (228, 6), **WRONG),
        "R-9": street((0, 900), (60, 900), **WRONG),
    }
    return town(roads=roads, lines={"W-1": main((200, -8), (300, -8))})


def test_a_line_that_cannot_be_laid_names_the_road_whose_widths_contradict_each_other() -> None:
    made = plan(application(), _shut_off(), towns.policy())
    assert made.lines["water"].reason == "disconnected"
    [told] = made.notices
    assert (told.kind, told.layer, told.feature_id, told.text) == (
        "road_widths", "roads", "R-2", WIDTHS,
    )  # fmt: skip
    assert [one["text"] for one in made.to_json()["notices"]] == [WIDTHS]
    [line] = [one for one in plan_summary(made) if WIDTHS in one]
    assert "无法布置" in line


def test_right_widths_are_no_reason() -> None:
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((168, 0), (228, 6))}
    survey = town(roads=roads, lines={"W-1": main((200, -8), (300, -8))})
    assert not [one for one in notices(survey) if one.kind == "road_widths"]


def test_a_line_that_crosses_a_road_of_wrong_widths_is_told_of_it() -> None:
    roads = {"R-1": street((0, 0), (300, 0), carriageway_width_m=10.0, red_line_width_m=6.0)}
    survey = town(roads=roads, lines={"W-1": main((0, -8), (300, -8))})
    assert "road_widths" in {one.kind for one in notices(survey)}


# --- trees that are felled outside of greenery ---------------------------------------------------


def test_trees_felled_outside_of_greenery_are_counted_beside_the_area() -> None:
    """The line runs from (50, 8) along the strip at y = 6.75; its working strip is wider than 1 m.

    Of five trees on the axis two stand on a verge, of which the strip takes an area; one stands
    40 m away.
    """
    places = {"T-1": 60, "T-2": 70, "T-3": 80, "T-4": 85, "T-5": 90}
    trees = {name: {"ancient": False, "geometry": Point(x, 6.75)} for name, x in places.items()}
    trees["T-9"] = {"ancient": False, "geometry": Point(70, 50)}
    layers = {"lines": {"W-1": main((0, 8), (50, 8))}, "trees": trees}
    verge = {"V-1": {"kind": "verge", "geometry": box(82, 6, 95, 7.5)}}
    made = plan(application(), town(green=verge, **layers), towns.policy())
    [told] = [one for one in made.notices if one.kind == "trees_outside_green"]
    assert (told.layer, told.feature_id, told.utilities) == ("trees", "T-1", ("water",))
    assert "有 3 株树木(T-1 等)" in told.text
    verdict = made.lines["water"].verdict
    assert verdict is not None
    assert verdict.certainty == "depends_on_reading"
    grown = {"V-1": {"kind": "verge", "geometry": box(50, 6, 95, 7.5)}}
    assert "trees_outside_green" not in {n.kind for n in notices(town(green=grown, **layers))}

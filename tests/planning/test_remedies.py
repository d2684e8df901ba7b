"""What would make a line eligible: every kind of change on paper, judged again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from shapely.geometry import box

from layers.survey import Survey
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.groundwork import prepare
from planning.plan import plan
from planning.policies import load_policy
from planning.remedies import Remedy, remedies
from tests import towns
from tests.planning.test_qualifying import judged_by
from tests.towns import main, street, town

YOUNG = "2024-01-01"
NORTH = {"W-1": main((0, 8), (300, 8))}


def cured(
    survey: Survey, limits: dict[str, str] | None = None, utility: str = "water", **changes: Any
) -> tuple[ExternalLine, dict[str, Remedy]]:
    """The line and its remedies by kind."""
    case = towns.application(**changes)
    work = prepare(survey, judged_by(limits or {}), [case])
    site = work.site(case)
    demand = case.demands[utility]
    line = external_lines(work, demand, [site], nearby_finder())[site.key]
    found = remedies(work, site, line)
    assert len({(one.input, one.kind) for one in found}) == len(found)
    return line, {one.kind: one for one in found}


def test_a_line_that_qualifies_needs_no_remedy() -> None:
    assert cured(town(lines=NORTH))[1] == {}


def test_the_next_standard_size_that_the_clause_allows() -> None:
    lines = {"W-1": main((0, 8), (300, 8), diameter_mm=500)}
    demand = {"water": {"nominal_mm": 400, "material": "PE"}}
    line, found = cured(town(lines=lines), demands=demand)
    assert line.route is not None
    assert list(found) == ["smaller_size"]
    one = found["smaller_size"]
    # 350 is the next size below, but above the limit of 300 too.
    assert (one.input, one.value_before, one.value_after, one.limit, one.margin) == (
        "max_dn_mm", 400, 300, 300, 0,
    )  # fmt: skip
    assert one.outcome_after == "commitment"
    assert one.route is None
    assert one.extra_yuan is not None
    assert one.extra_yuan < 0
    assert "DN400 改为 DN300" in one.text


def test_a_later_date_is_the_first_day_after_the_bar() -> None:
    # Opened on 2024-01-01: barred through 2029-01-01.
    roads = {"R-1": street((0, 0), (300, 0), opened_on=YOUNG)}
    line, found = cured(town(lines=NORTH, roads=roads))
    assert line.verdict is not None
    assert line.verdict.outcome == "blocked"
    assert list(found) == ["later_date"]
    one = found["later_date"]
    assert (one.value_before, one.value_after, one.limit) == (
        towns.DIG_DATE, "2029-01-02", "2029-01-01",
    )  # fmt: skip
    assert one.outcome_after == "commitment"


def test_no_later_date_into_a_no_dig_area_of_that_day() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on=YOUNG)}
    closed = {"J-1": {"from_date": "2028-12-01", "geometry": box(0, 5, 300, 12)}}
    _, found = cured(town(lines=NORTH, roads=roads, no_dig=closed))
    assert found == {}


def test_two_bars_name_two_days_and_only_the_later_one_qualifies() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on=YOUNG, overhauled_on="2025-03-01")}
    case = towns.application()
    work = towns.ground(town(lines=NORTH, roads=roads), case)
    site = work.site(case)
    line = external_lines(work, case.demands["water"], [site], nearby_finder())[site.key]
    days = {one.value_after: one.outcome_after for one in remedies(work, site, line)}
    assert days == {"2029-01-02": "commitment", "2028-03-02": "blocked"}
    assert next(iter(days)) == "2029-01-02"  # what qualifies comes first
    left = [(one.qualifies, one.remaining) for one in remedies(work, site, line)]
    assert left == [(True, ()), (False, (("guard", "road_opened_on", "failed"),))]


def test_a_delay_that_leaves_another_test_unmet_is_no_cure_and_says_which() -> None:
    """A street that is young until 2029-01-01, a pipe of DN400 where the clause ends at DN300."""
    lines = {"W-1": main((0, 8), (300, 8), diameter_mm=500)}
    roads = {"R-1": street((0, 0), (300, 0), opened_on=YOUNG)}
    demand = {"water": {"nominal_mm": 400, "material": "PE"}}
    _, found = cured(town(lines=lines, roads=roads), demands=demand)
    delay = found["later_date"]
    assert (delay.value_after, delay.outcome_after) == ("2029-01-02", "ordinary_approval")
    assert (delay.qualifies, delay.remaining) == (
        False, (("condition", "max_dn_mm", "failed"),),
    )  # fmt: skip
    smaller = found["smaller_size"]
    assert (smaller.qualifies, smaller.remaining) == (
        False, (("guard", "road_opened_on", "failed"),),
    )  # fmt: skip


# A gate far beyond the end of the only main; other points of the red line lie beside the main.
SHORT_MAIN = town(
    lines={"W-1": main((0, 8), (110, 8))}, parcels={"P-1": towns.parcel(100, 12, 200, 52)}
)


def test_without_the_gate_the_nearest_point_of_the_red_line_is_named() -> None:
    line, found = cured(SHORT_MAIN, {"pipe_length_m": "50"}, gate=(190, 12))
    assert line.route is not None
    # The main is joined at its end, x = 110: 1.25 m to the strip, 80 along it, 5.25 to the gate.
    assert line.route.measures["pipe_length_m"] == pytest.approx(1.25 + 80 + 5.25)
    one = found["nearer_end_point"]
    assert one.value_before == line.route.measures["pipe_length_m"]
    assert one.value_after == pytest.approx(4)  # main at y = 8, red line at y = 12
    assert one.margin == 46
    assert one.outcome_after == "commitment"
    assert one.route is not None
    assert one.extra_yuan == pytest.approx(
        one.route.figures["cost_yuan"] - line.route.figures["cost_yuan"]
    )


def test_less_green_on_the_other_side_or_in_a_narrower_trench() -> None:
    # 80 m of verge fill the north side; the limit is half of what the working strip takes.
    green = {"G-1": {"kind": "verge", "geometry": box(30, 5.5, 110, 10)}}
    survey = town(lines={"W-1": main((0, 8), (20, 8))}, green=green)
    limits = {"green_affected_m2": "60", "pipe_length_m": "105"}
    line, found = cured(survey, limits, gate=(120, 12))
    assert line.route is not None
    assert line.qualifying_route == "none"
    one = found["other_route"]
    assert one.input == "green_affected_m2"
    assert one.value_after < 60 < one.value_before
    assert one.outcome_after == "ordinary_approval"  # the way round is longer than 105 m
    assert one.extra_yuan is not None
    assert one.extra_yuan > 0


def test_each_answer_to_an_unknown_day_with_its_outcome() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on=None)}
    line, found = cured(town(lines=NORTH, roads=roads))
    assert line.verdict is not None
    assert line.verdict.outcome == "undetermined"
    one = found["answer"]
    assert one.input == "road_opened_on"
    assert one.outcome_after == "commitment"
    assert "已满 5 年,则告知承诺制审批" in one.text
    assert "未满 5 年,则不得挖掘" in one.text
    assert all(date.fromisoformat(day) < date(2021, 11, 22) for day in one.value_after)


def test_an_answer_on_each_side_of_a_limit_and_none_that_decides_nothing() -> None:
    case = towns.application(demands={"water": {}})
    work = towns.ground(town(lines=NORTH), case)
    site = work.site(case)
    line = external_lines(work, case.demands["water"], [site], nearby_finder())[site.key]
    found = {one.input: one for one in remedies(work, site, line)}
    # Without a size the trench has no width: green and trees are unknown too, and whether they
    # are touched alone leaves the verdict where it is.
    assert set(found) == {"max_dn_mm", "green_affected_m2"}
    one = found["max_dn_mm"]
    assert (one.kind, one.value_after, one.outcome_after) == ("answer", 300, "undetermined")
    assert one.text == "查明最大公称管径:不超过 300 mm,则待补充;超过 300 mm,则一般审批"


def test_a_young_street_is_left_for_an_old_one_when_only_the_guard_counts() -> None:
    # The way to the old street's main is past the limit on length, so nothing qualifies.
    streets = {
        "roads": {
            "R-1": street((0, 0), (300, 0), opened_on=YOUNG),
            "R-2": street((0, 104), (300, 104)),
        },
        "lines": {"W-1": main((0, 8), (300, 8)), "W-2": main((0, 96), (70, 96))},
        "parcels": {"P-1": towns.parcel(100, 12, 140, 92)},
    }
    line, found = cured(town(**streets), {"pipe_length_m": "20"})
    assert line.route is not None
    assert line.qualifying_route == "none"
    one = found["other_tie_in"]
    assert one.input == "road_opened_on"
    assert one.outcome_after == "ordinary_approval"
    assert one.text == "改由 W-2 接入"
    assert one.route is not None
    # 30 m from the end of the main at x = 70 to the corner of the parcel at x = 100, and more.
    assert one.route.figures["length_m"] > 30
    assert found["later_date"].outcome_after == "commitment"


def test_a_bore_under_the_young_side_street_is_the_trenchless_remedy() -> None:
    # Along R-1, on either side, R-2 has to be passed, which is young; bored from red line to red
    # line it is not opened. A limit on length that nothing keeps leaves no way that qualifies.
    roads = {
        "R-1": street((0, 0), (400, 0)),
        "R-2": street((150, -200), (150, 200), opened_on=YOUNG),
    }
    survey = town(
        roads=roads,
        lines={"W-1": main((0, 8), (60, 8))},
        parcels={"P-1": towns.parcel(220, 12, 260, 52)},
    )
    line, found = cured(survey, {"pipe_length_m": "100"}, gate=(230, 12))
    assert line.route is not None
    assert line.qualifying_route == "none"
    assert line.verdict is not None
    assert line.verdict.outcome == "blocked"
    one = found["trenchless"]
    assert one.input == "road_opened_on"
    assert one.outcome_after == "ordinary_approval"
    assert one.route is not None
    assert one.route.bored
    assert "R-2" in one.text


def test_remedies_do_not_change_what_they_were_computed_from() -> None:
    case = towns.application(demands={"water": {"nominal_mm": 350}})
    lines = {"W-1": main((0, 8), (300, 8), diameter_mm=500)}
    work = towns.ground(town(lines=lines), case)
    site = work.site(case)
    line = external_lines(work, case.demands["water"], [site], nearby_finder())[site.key]
    first, again = remedies(work, site, line), remedies(work, site, replace(line))
    assert first == again
    assert work.policy is towns.policy()


def test_no_size_below_what_the_demand_itself_comes_to() -> None:
    lines = {"W-1": main((0, 8), (300, 8), diameter_mm=800)}
    needed = {"design_flow_l_s": 150, "material": "PE"}
    for given in ({}, {"nominal_mm": 500}):
        case = towns.application(demands={"water": {**needed, **given}})
        answer = plan(case, town(lines=lines), load_policy(towns.COUNTY)).to_json()
        (water,) = (one for one in answer["utilities"] if one["utility"] == "water")
        assert water["verdict"]["alone"]["outcome"] == "ordinary_approval"
        assert [one["kind"] for one in water["remedies"]].count("smaller_size") == 0


def test_a_day_that_is_known_is_not_asked_where_only_the_digging_is_unsure() -> None:
    roads = {
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((150, 0), (150, 300), opened_on=YOUNG, red_line_width_m=None),
    }
    parcels = {"P-1": towns.parcel(100, 12, 142, 52)}
    line, found = cured(town(lines=NORTH, roads=roads, parcels=parcels), gate=[139, 12])
    assert line.verdict is not None
    assert line.verdict.outcome == "undetermined"
    assert "answer" not in found


def test_an_end_from_which_planning_again_takes_the_barred_way_is_no_remedy() -> None:
    # From the western end of the red line the main of the old street is 70 m away, that of the
    # young one about 30 m. As nothing keeps the limit on length, planning again with that end takes
    # the cheapest way, which is barred as before.
    streets = {
        "roads": {
            "R-1": street((0, 0), (300, 0), opened_on=YOUNG),
            "R-2": street((0, 60), (300, 60)),
            "R-3": street((86, 0), (86, 60)),
        },
        "lines": {"W-1": main((0, 8), (300, 8)), "W-2": main((0, 52), (20, 52))},
        "parcels": {"P-1": towns.parcel(100, 12, 140, 32)},
    }
    line, found = cured(town(**streets), {"pipe_length_m": "2"}, gate=(120, 12))
    assert line.verdict is not None
    assert line.verdict.outcome == "blocked"
    assert "nearer_end_point" not in found

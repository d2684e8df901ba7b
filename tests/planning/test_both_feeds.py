"""Two feeds as one work: what adds, what counts once, and a verdict on both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from shapely.geometry import box

from planning.application import ApplicationError, parse_application
from planning.batch import screen
from planning.both_feeds import BothFeeds
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.judged_routes import judge_routes, working_strips
from planning.plan import plan
from planning.routes import trace_bored
from tests.towns import (
    ORIGIN,
    application,
    ground,
    line_of,
    main,
    node,
    parcel,
    policy,
    random_towns,
    street,
    town,
)

WATER = {"water": {"nominal_mm": 200, "material": "PE", "feeds": 2}}
NORTH, SOUTH = main((0, 8), (300, 8)), main((0, -8), (300, -8))
ACROSS = {"W-1": NORTH, "W-2": SOUTH}
RIVER = {"V-1": {"kind": "river", "geometry": box(-50, -60, 350, -5.2)}}
# One side of the street only: both lie in one trench from x = 80 to the gate.
ONE_SIDE: dict[str, Any] = {
    "lines": {"W-1": main((70, 8), (80, 8)), "W-2": main((62, 8), (69, 8))},
    "water_bodies": RIVER,
}


def water(*, gate: Any = None, demands: Any = WATER, **layers: Any) -> ExternalLine:
    return line_of(town(**layers), demands=demands, gate=gate)


def both_of(line: ExternalLine) -> BothFeeds:
    assert line.both is not None
    return line.both


def test_lengths_of_two_feeds_add_and_the_verdict_is_on_the_sum() -> None:
    line = water(lines=ACROSS)
    one, two = both_of(line).routes
    # 4 m from the main north; from the south 1.25 up to the strip, 13.5 across, 5.25 to the gate.
    assert (one.figures["length_m"], two.figures["length_m"]) == pytest.approx((4.0, 20.0))
    assert both_of(line).measures["pipe_length_m"] == pytest.approx(24.0)
    assert (both_of(line).verdict.outcome, line.qualifying_route) == ("commitment", "found")


def test_two_feeds_of_a_hundred_odd_metres_each_are_too_long_together() -> None:
    lines = {"W-1": main((-40, 8), (0, 8)), "W-2": main((230, 8), (300, 8))}
    line = water(lines=lines, gate=(120, 12))
    metres = [route.figures["length_m"] for route in both_of(line).routes]
    assert max(metres) < 200 < sum(metres)
    assert (both_of(line).verdict.outcome, line.qualifying_route) == (
        "ordinary_approval",
        "none",
    )
    assert line.qualifying is not None
    reason = line.qualifying.reason
    assert reason is not None
    assert (reason.kind, reason.input, reason.limit) == ("cap", "pipe_length_m", 200)
    assert 200 < (reason.least or 0.0) <= sum(metres) + 1e-6


def test_pipes_in_one_trench_add_for_water_and_count_once_as_ground() -> None:
    line = water(gate=(120, 12), **ONE_SIDE)
    assert line.second is not None
    one, two = (route.line for route in both_of(line).routes)
    shared = shapely.intersection(one, shapely.buffer(two, 1e-6)).length
    assert (line.second.apart, both_of(line).shared_m) == ("none", pytest.approx(shared, abs=0.003))
    assert shared > 40
    assert both_of(line).measures["pipe_length_m"] == pytest.approx(one.length + two.length)
    assert both_of(line).measures["pipe_length_route_once_m"] == pytest.approx(
        one.length + two.length - shared, abs=0.003
    )


def test_the_length_told_is_the_one_that_the_county_reads() -> None:
    both = both_of(water(gate=(120, 12), **ONE_SIDE))
    assert both.length_measure == "pipe_length_m"
    assert both.judged_length_m == both.measures["pipe_length_m"]
    rules = both.judging.policy.rules["water"]
    switches = tuple(
        replace(one, default="route_once") if "route_once" in one.values else one
        for one in rules.switches
    )
    once = replace(
        both.judging.policy,
        rules={**both.judging.policy.rules, "water": replace(rules, switches=switches)},
    )
    read = replace(both, judging=replace(both.judging, policy=once))
    assert read.judged_length_m == both.measures["pipe_length_route_once_m"]
    assert read.judged_length_m < both.judged_length_m


def test_green_is_the_union_of_strips_and_a_trench_for_two_is_as_wide_as_two() -> None:
    lawn = {"G-1": {"kind": "verge", "geometry": box(-50, 5, 350, 12)}}
    line = water(gate=(120, 12), green=lawn, **ONE_SIDE)
    assert line.demand is not None
    one, two = both_of(line).routes
    work = ground(town(green=lawn, **ONE_SIDE), application(demands=WATER, gate=(120, 12)))
    width = work.rates(line.demand.pipe).width_m
    assert width is not None
    wide = 2 * (width + policy().planning.work_margin_m)
    shared = shapely.intersection(one.line, shapely.buffer(two.line, 0.05))
    both = shapely.union_all(
        [one.strip, two.strip, shapely.buffer(shared, wide / 2, cap_style="flat",
                                              join_style="mitre", mitre_limit=2.0)]
    )  # fmt: skip
    grass = shapely.transform(box(-50, 5, 350, 12), lambda xy: xy + np.array(ORIGIN))
    expected = shapely.intersection(both, grass).area
    assert both_of(line).measures["green_affected_m2"] == pytest.approx(expected, abs=0.01)
    alone = [route.figures["green_m2"] for route in (one, two)]
    assert max(alone) < expected < sum(alone) + wide  # counted once, not twice


def test_what_bars_the_second_feed_bars_the_line() -> None:
    """The first leads straight to the red line, the second along a street opened last year."""
    roads = {
        "R-1": street((0, 0), (320, 0)),
        "R-2": street((320, -100), (320, 100), opened_on="2025-11-01"),
    }
    line = water(lines={"W-1": NORTH, "W-2": main((326, -90), (326, -80))}, roads=roads)
    dug = [{road for road, is_dug in one.roads.items() if is_dug} for one in both_of(line).routes]
    assert dug == [{0}, {0, 1}]
    assert both_of(line).verdict.outcome == "blocked"


def test_three_feeds_are_refused_and_the_other_lines_of_the_case_are_planned() -> None:
    wish = {"water": {**WATER["water"], "feeds": 3}, "telecom": {"duct_holes": 2}}
    document = {
        "parcel_id": "P-1",
        "application_id": "APP-1",
        "dig_date": "2026-11-22",
        "demands": wish,
    }
    with pytest.raises(ApplicationError, match=r"最多两路.*改为 2"):
        parse_application(document)
    case = parse_application(document, tolerant=True)
    assert "最多两路" in case.impossible["water"]
    row = screen(ground(town(lines=ACROSS), case), [case], ["water"]).iloc[0]
    assert (row["status"], row["reason"]) == ("unroutable", "impossible_demand")


POWER = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 150, "feeds": 2}}
PROJECT = {"investment_kind": "enterprise", "enterprise_percent": 100, "hazardous_goods": False}
UNIT = {"utility": "power", "kind": "ring_main_unit", "spare_bays": 2, "voltage_kv": 10.0}


def test_crossings_of_two_circuits_add() -> None:
    nodes = {
        "N-1": node(110, -8.5, **UNIT, line_id="D-1"),
        "N-2": node(130, -8.5, **UNIT, line_id="D-2"),
    }
    line = line_of(town(nodes=nodes), "power", demands=POWER, project=PROJECT)
    # Each crosses the street of 20 m red line to red line, 10 m kerb to kerb.
    assert both_of(line).measures["crossing_red_line_m"] == pytest.approx(40.0)
    assert both_of(line).measures["crossing_kerb_m"] == pytest.approx(20.0)
    assert both_of(line).measures["crossing_longest_kerb_m"] == pytest.approx(10.0)
    assert both_of(line).verdict.outcome == "commitment_filing"


def test_screening_tells_of_both_what_the_plan_does() -> None:
    case = application(demands=WATER)
    survey = town(lines=ACROSS)
    work = ground(survey, case)
    row = screen(work, [case] * 9, ["water"]).iloc[0]
    line = plan(case, survey, policy()).lines["water"]
    assert row["pipe_length_m"] == both_of(line).measures["pipe_length_m"]
    assert row["length_m"] == both_of(line).figures["length_m"]
    assert (row["outcome"], row["certainty"]) == (
        both_of(line).verdict.outcome,
        both_of(line).verdict.certainty,
    )
    assert (row["qualifying_route"], row["open_questions"]) == ("found", None)


def test_the_joint_plan_judges_the_second_feed_with_the_shared_route() -> None:
    gas = {"utility": "gas", "pressure_mpa": 0.2, "diameter_mm": 200.0}
    wish = {**WATER, "gas": {"nominal_mm": 100, "pressure_mpa": 0.2}}
    survey = town(lines={**ACROSS, "G-1": main((0, 9), (300, 9), **gas)})
    found = plan(application(demands=wish, gate=(120, 12)), survey, policy())
    document = found.to_json()
    entry = next(one for one in document["utilities"] if one["utility"] == "water")
    assert entry["shared_route"] is not None
    findings = {one["input"]: one["value"] for one in entry["verdict"]["joint"]["findings"]}
    joined = {
        one["tie_in"]["line_id"] for one in (entry["shared_route"], entry["second_feed"]["route"])
    }
    assert joined == {"W-1", "W-2"}
    second = entry["second_feed"]["route"]["length_m"]
    total = entry["shared_route"]["length_m"] + second
    assert findings["pipe_length_m"] == pytest.approx(total, abs=0.01)


def test_the_interval_of_both_is_no_wider_than_both_and_no_narrower_than_either() -> None:
    at = {"position_accuracy_m": 0.1}
    known: dict[str, Any] = {
        "lines": {key: {**one, **at} for key, one in ACROSS.items()},
        "roads": {"R-1": street((0, 0), (300, 0), **at)},
        "parcels": {"P-1": parcel(100, 12, 140, 52, **at)},
    }
    line = water(**known)
    assert line.demand is not None
    case = application(demands={"water": {**WATER["water"], "feeds": 1}})
    work = ground(town(**known), case)
    single = judged_alone(work, line, work.site(case))
    wide = both_of(line).tolerances["pipe_length_m"]
    alone = [route.tolerances["pipe_length_m"] for route in single]
    assert wide is not None
    assert None not in alone
    assert max(a or 0.0 for a in alone) <= wide <= sum(a or 0.0 for a in alone) + 1e-9


def judged_alone(work: Any, line: ExternalLine, site: Any) -> Any:
    """The two routes of a line, each judged as if it were the only feed."""
    assert line.demand is not None
    demand = replace(line.demand, feeds=1)
    pair = both_of(line).routes
    routes = trace_bored(
        work.corridors,
        work.tie_ins(line.utility),
        [route.way for route in pair],
        [route.bored for route in pair],
    )
    return judge_routes(work, demand, [site] * 2, routes, working_strips(work, demand, routes))


@settings(max_examples=8, deadline=None)
@given(random_towns())
def test_two_feeds_never_come_off_better_than_either_alone(survey: Any) -> None:
    case = application(str(survey.tables["parcels"].index[0]), demands=WATER)
    work = ground(survey, case)
    site = work.site(case)
    line = external_lines(work, case.demands["water"], [site], nearby_finder())[site.key]
    if line.both is None:
        return
    alone = judged_alone(work, line, site)
    assert both_of(line).rank >= max(route.rank for route in alone)
    lengths = [route.measures["pipe_length_m"] for route in alone]
    assert both_of(line).measures["pipe_length_m"] == pytest.approx(sum(lengths))
    once = both_of(line).measures["pipe_length_route_once_m"]
    assert once is not None
    assert max(lengths) - 1e-6 <= once <= sum(lengths) + 1e-6
    green = [route.measures["green_affected_m2"] for route in alone]
    union = both_of(line).measures["green_affected_m2"]
    if None not in green:
        assert union is not None
        assert union >= max(green) - 1e-6

"""The joint plan of one parcel: never dearer than separate digs, one way for each member."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, Phase, assume, given, settings

from layers.survey import Survey
from planning.plan import Plan, plan
from tests import towns
from tests.towns import ORIGIN, application, main, node, parcel, street, town

DEMANDS: dict[str, Any] = {
    "water": {"nominal_mm": 150, "material": "PE"},
    "gas": {"nominal_mm": 100, "pressure_mpa": 0.2, "material": "PE"},
    "power": {"duct_holes": 2, "duct_outer_diameter_mm": 110, "laying": "conduit"},
}
# All three networks end at x = 20 on the own side; the parcel lies at x = 200.
LONG = {
    "parcels": {"P-1": parcel(200, 12, 240, 52)},
    "lines": {
        "W-1": main((0, 8), (20, 8)),
        "G-1": main((0, 7.5), (20, 7.5), utility="gas", pressure_mpa=0.2),
    },
    "nodes": {"N-1": node(20, 9, utility="power", kind="transformer", spare_bays=1)},
}


def planned(survey: Survey, **changes: Any) -> Plan:
    return plan(application(**{"demands": DEMANDS, **changes}), survey, towns.policy())


@pytest.fixture(scope="module")
def long() -> Plan:
    return planned(town(**LONG))


def test_lines_from_one_place_to_one_parcel_share_their_trench(long: Plan) -> None:
    assert long.joint is not None
    found = long.joint.plan
    assert found.utilities == ("water", "gas", "power")
    assert found.proven_optimal
    assert found.cost_yuan < found.separate_cost_yuan
    # From the strip node at x = 30 to the parcel's first place at x = 202: 172 m and 5.25 m.
    assert found.shared_length_m == pytest.approx(172 + 5.25, abs=15)
    assert found.shared_length_m >= 172


def test_every_member_has_one_route_from_its_network_to_the_red_line(long: Plan) -> None:
    assert long.joint is not None
    red_line = long.survey.tables["parcels"].geometry.iloc[0].boundary
    assert set(long.joint.routes) == set(long.joint.plan.utilities)
    for utility, route in long.joint.routes.items():
        table = long.survey.tables["nodes" if utility == "power" else "lines"]
        mine = table.geometry[table["utility"] == utility].union_all()
        assert shapely.Point(route.line.coords[0]).distance(mine) < 1e-6
        assert shapely.Point(route.line.coords[-1]).distance(red_line) < 1e-6
        assert route.line.is_simple
        assert route.figures["length_m"] == pytest.approx(route.line.length)
        assert route.verdict.outcome in long.policy.outcomes


def test_the_segments_are_the_metres_that_the_members_lie_in(long: Plan) -> None:
    assert long.joint is not None
    found = long.joint.plan
    metres = dict.fromkeys(found.utilities, 0.0)
    for segment in found.segments:
        for utility in segment.utilities:
            metres[utility] += segment.length_m
    for utility, route in long.joint.routes.items():
        assert metres[utility] == pytest.approx(route.figures["length_m"], abs=1e-6)


def test_a_shared_strip_is_as_wide_as_the_shared_trench(long: Plan) -> None:
    assert long.joint is not None
    alone = {u: line.route for u, line in long.lines.items() if line.route}
    for utility, shared in long.joint.routes.items():
        single = alone[utility].strip
        assert shared.strip is not None
        assert single is not None
        assert shared.strip.area / shared.line.length > single.area / alone[utility].line.length


def test_shares_sum_to_the_cost_and_nobody_pays_more_than_alone(long: Plan) -> None:
    assert long.joint is not None
    allocation = long.joint.plan.allocation
    assert allocation is not None
    assert sum(s.shapley_yuan for s in allocation.shares) == pytest.approx(
        long.joint.plan.cost_yuan
    )
    assert all(s.shapley_yuan <= s.stand_alone_yuan + 1e-6 for s in allocation.shares)


def test_a_verdict_may_be_made_worse_by_sharing_and_is_then_warned() -> None:
    # A verge under the whole strip: alone, the water line's strip takes some 178 m x 1.7 m;
    # in the shared trench it is charged the whole strip of three lines. The verge is cut so that
    # alone it stays below 200 m² and together it does not.
    verge = shapely.box(100, 5.5, 205, 7.6)
    survey = town(**LONG, green={"V-1": {"kind": "verge", "geometry": verge}})
    found = planned(survey)
    assert found.joint is not None
    water = found.lines["water"].route
    assert water is not None
    shared = found.joint.routes["water"]
    assert shared.figures["green_m2"] > water.figures["green_m2"]
    order = list(found.policy.outcomes)
    worse = order.index(shared.verdict.outcome) < order.index(water.verdict.outcome)
    assert found.worse_by_sharing("water") is worse


def test_a_gravity_line_is_left_out_with_the_reason() -> None:
    layers = LONG | {
        "lines": LONG["lines"]
        | {"S-1": main((0, 8.5), (300, 8.5), utility="sewage", subtype="main")}
    }
    found = planned(town(**layers), demands=DEMANDS | {"sewage": {"nominal_mm": 300}})
    assert found.joint is not None
    assert [one.utility for one in found.joint.plan.left_out] == ["sewage"]
    assert "重力流管线未校核沿途检查井坡度" in found.joint.plan.left_out[0].reason
    assert found.lines["sewage"].status == "routed"


@pytest.mark.parametrize("demands", [{"water": DEMANDS["water"]}, {"water": {}, "gas": {}}])
def test_one_line_or_lines_of_unknown_size_share_nothing(demands: dict[str, Any]) -> None:
    assert planned(town(**LONG), demands=demands).joint is None


@settings(
    deadline=None,
    max_examples=2,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(towns.random_towns())
def test_the_joint_plan_is_never_dearer_than_separate_digs(survey: Survey) -> None:
    demands = {key: DEMANDS[key] for key in ("water", "power")}
    work = towns.ground(survey)
    plans = [
        plan(application(str(key), demands=demands), survey, work.policy, corridors=work)
        for key in survey.tables["parcels"].index[:3]
    ]
    joint = [one.joint for one in plans if one.joint is not None]
    assume(joint)
    for one in joint:
        found = one.plan
        assert found.bound_yuan <= found.cost_yuan + 1e-6
        assert found.cost_yuan <= found.overlap_cost_yuan + 1e-6
        assert found.overlap_cost_yuan <= found.separate_cost_yuan + 1e-6
        assert set(one.routes) == set(found.utilities)


def test_separate_costs_are_those_of_the_cheapest_routes(long: Plan) -> None:
    assert long.joint is not None
    cheapest = [line.routes["cheapest"] for line in long.lines.values() if line.routes]
    separate = sum(route.figures["cost_yuan"] for route in cheapest)
    assert long.joint.plan.separate_cost_yuan == pytest.approx(separate, rel=1e-6)


def test_two_banks_share_nothing_across_the_river() -> None:
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((0, 120), (300, 120))}
    river = {"RV-1": {"kind": "river", "geometry": shapely.box(-50, 50, 350, 70)}}
    found = planned(
        town(
            roads=roads,
            water_bodies=river,
            lines={
                "W-1": main((0, 8), (300, 8)),
                "G-1": main((0, 128), (300, 128), utility="gas", pressure_mpa=0.2),
            },
        ),
        demands={key: DEMANDS[key] for key in ("water", "gas")},
    )
    assert found.joint is None
    assert found.lines["gas"].reason == "disconnected"


# All networks are known, so that free widths are: the others lie far away.
ELSEWHERE = {
    f"X-{utility}": main((0, 400), (300, 400), utility=utility, subtype=None)
    for utility in ("sewage", "storm", "power", "telecom")
}


def together(red_line_m: float | None, **lines: Any) -> Plan:
    """The long trench beside a street of 10 m between its kerbs."""
    roads = {"R-1": street((0, 0), (300, 0), red_line_width_m=red_line_m, name="示例路")}
    return planned(town(**{**LONG, "roads": roads, "lines": {**LONG["lines"], **lines}}))


def slot_notices(found: Plan) -> list[str]:
    return [one.feature_id for one in found.notices if one.kind == "joint_slot_unsure"]


def test_lines_share_only_where_their_section_fits_between_kerb_and_red_line() -> None:
    # Water, gas and power want 1.9 m and more; 1.2 m of footway holds each, but no two of them.
    wide, narrow = together(20.0, **ELSEWHERE), together(12.4, **ELSEWHERE)
    assert wide.joint is not None
    assert narrow.joint is not None
    assert wide.joint.plan.shared_length_m > 170
    assert not slot_notices(wide)
    assert narrow.joint.plan.shared_length_m < 20  # what crosses or leaves the street has no slot
    assert narrow.joint.plan.cost_yuan > wide.joint.plan.cost_yuan


def test_an_existing_line_in_the_footway_leaves_no_room_for_the_shared_trench() -> None:
    place = {"position_source": "surveyed", "position_accuracy_m": 0.01, "diameter_mm": 600.0}
    sewer = main((40, 7.5), (300, 7.5), utility="sewage", subtype="main", depth_m=2.0, **place)
    found = together(20.0, **{**ELSEWHERE, "S-1": sewer})
    free = together(20.0, **ELSEWHERE)
    assert found.joint is not None
    assert free.joint is not None
    assert found.joint.plan.cost_yuan > free.joint.plan.cost_yuan + 1000
    assert all(len(one.utilities) < 3 for one in found.joint.plan.segments if one.length_m > 20)


def test_trenches_may_lie_on_both_sides_of_an_existing_line() -> None:
    """6 m, and a sewer 3.4 m from the kerb: one trench fits before it and the others behind.

    Nobody is led elsewhere, and as no piece holds them all it is not said that they fit.
    """
    place = {"position_source": "surveyed", "position_accuracy_m": 0.01, "diameter_mm": 600.0}
    sewer = main((40, 8.4), (300, 8.4), utility="sewage", subtype="main", depth_m=2.0, **place)
    found = together(22.0, **{**ELSEWHERE, "S-1": sewer})
    assert found.joint is not None
    assert not found.joint.gave_way
    assert not len(found.joint.plan.crowded)
    assert found.joint.fits is None
    assert slot_notices(found) == ["R-1"]


def test_trenches_that_surely_have_no_room_side_by_side_are_told_so() -> None:
    """2 m between kerb and red line less 1.2 m from the kerb hold one trench, and not three."""
    found = together(14.0, **ELSEWHERE)
    assert found.joint is not None
    told = {one.kind: one.text for one in found.notices if one.kind.startswith("joint_slot")}
    assert set(told) == {"joint_slot_too_narrow"}
    assert "未找到各专业都放得下的布置" in told["joint_slot_too_narrow"]
    assert found.joint.too_wide_m["R-1"] > 100
    assert found.joint.fits is False
    assert not found.joint.plan.proven_optimal
    told_joint = found.to_json()["joint"]
    for name in ("separate_cost_yuan", "saving_yuan", "saving_share", "saving_vs_overlap_yuan"):
        assert told_joint[name] is None


def test_of_three_lines_where_two_fit_one_is_led_along_the_other_side() -> None:
    """3 m of footway less 1.2 m from the kerb hold two of the three trenches, on either side."""
    found, roomy = together(16.0, **ELSEWHERE), together(20.0, **ELSEWHERE)
    assert found.joint is not None
    assert roomy.joint is not None
    shared = found.joint.plan
    ((road, left),) = found.joint.gave_way.items()
    assert road == "R-1"
    assert left.utilities == ("gas",)
    assert left.length_m == pytest.approx(182, abs=10)
    # Gas crosses the street of 10 m twice and runs along the far side; the others stay together.
    assert found.joint.routes["gas"].figures["crossing_count"] == 2
    assert found.joint.routes["water"].figures["crossing_count"] == 0
    assert shapely.get_coordinates(found.joint.routes["gas"].line)[:, 1].min() < ORIGIN[1] - 5
    assert found.joint.fits is True
    assert not found.joint.too_wide_m
    assert shared.proven_optimal
    assert roomy.joint.plan.cost_yuan < shared.roomy_cost_yuan < shared.cost_yuan
    assert shared.separate_cost_yuan is not None
    assert roomy.joint.plan.separate_cost_yuan is not None
    assert shared.cost_yuan < roomy.joint.plan.separate_cost_yuan < shared.separate_cost_yuan
    (told,) = [one for one in found.notices if one.kind.startswith("joint_slot")]
    assert (told.kind, told.feature_id) == ("joint_slot_gave_way", "R-1")
    assert told.utilities == ("gas",)
    more = shared.cost_yuan - shared.roomy_cost_yuan
    assert f"道路 示例路(R-1) 沿线有 {left.length_m:.0f} 米各沟并排放不下" in told.text
    assert f"改走他处:全方案共多 {more:.0f} 元,已证最省" in told.text


def beside_drains(red_line_m: float | None, *drains: str) -> Plan:
    """The same with drains that are planned by themselves along the near side of the street."""
    roads = {"R-1": street((0, 0), (300, 0), red_line_width_m=red_line_m)}
    mains = {
        f"D-{utility}": main((0, y), (20, y), utility=utility, subtype="main")
        for utility, y in zip(drains, (8.5, 8.8), strict=False)
    }
    layers = {**LONG, "roads": roads, "lines": {**LONG["lines"], **ELSEWHERE, **mains}}
    return planned(town(**layers), demands=DEMANDS | {one: {"nominal_mm": 300} for one in drains})


def test_the_joint_plan_leaves_room_for_a_line_that_is_planned_by_itself() -> None:
    """4 m of footway less 1.2 m from the kerb hold the trench of 2.1 m, but not a sewer of 0.95 m
    beside it: one line goes over, which alone on the street none had to."""
    alone, beside = together(18.0, **ELSEWHERE), beside_drains(18.0, "sewage")
    assert alone.joint is not None
    assert beside.joint is not None
    assert not alone.joint.gave_way
    assert beside.joint.gave_way["R-1"].utilities == ("gas",)
    (told,) = [one for one in beside.notices if one.kind == "joint_slot_gave_way"]
    assert "各沟与单独敷设的污水并排放不下" in told.text
    assert beside.joint.fits is True
    assert not beside.joint.beside_others
    assert beside.joint.plan.proven_optimal
    assert beside.joint.plan.cost_yuan > alone.joint.plan.cost_yuan
    assert beside.joint.plan.roomy_cost_yuan == pytest.approx(alone.joint.plan.cost_yuan)
    wide = beside_drains(20.0, "sewage")  # 3.8 m hold both
    assert wide.joint is not None
    assert wide.joint.plan.cost_yuan == pytest.approx(alone.joint.plan.cost_yuan)


def test_what_others_keep_from_the_kerb_counts_where_they_lie_beside() -> None:
    """A storm drain keeps 1.1 m from the kerb, the others 1.2: at the kerb it needs 1.1 m and
    1.18 of its own, and the trench of three 2.1 m: 4.38 m. With another at the kerb 4.48 m."""
    narrow, unsure, wide = (beside_drains(10 + 2 * m, "storm").joint for m in (4.37, 4.4, 4.49))
    assert narrow is not None
    assert unsure is not None
    assert wide is not None
    assert narrow.gave_way["R-1"].utilities == ("gas",)
    assert not unsure.gave_way
    assert unsure.fits is None
    assert not wide.gave_way
    assert wide.fits is True


def test_where_no_plan_leaves_them_room_lines_planned_by_themselves_are_named() -> None:
    """1.8 m: two drains fill the near side, and the far side holds two of the three lines."""
    found, alone = beside_drains(16.0, "sewage", "storm"), together(16.0, **ELSEWHERE)
    assert found.joint is not None
    assert alone.joint is not None
    assert found.joint.plan.cost_yuan == pytest.approx(alone.joint.plan.cost_yuan)
    assert found.joint.fits is None
    assert found.joint.beside_others["R-1"].utilities == ("sewage", "storm")
    (told,) = [one for one in found.notices if one.kind == "joint_slot_beside_others"]
    assert told.utilities == ("sewage", "storm")
    assert "须另定位置" in told.text
    assert found.to_json()["joint"]["beside_others"][0]["road_id"] == "R-1"


def test_room_beside_other_lines_in_a_street_of_unknown_width_is_unknown() -> None:
    found = beside_drains(20.0, "sewage")
    assert found.joint is not None
    assert found.joint.fits is True
    unknown = beside_drains(None, "sewage")
    assert unknown.joint is not None
    assert unknown.joint.fits is None


def test_a_wide_trench_keeps_its_pipes_from_the_kerb() -> None:
    # The pipes keep 1.5 m from the kerb (table 4.1.9), 0.3 m of them in the trench: its wall is at
    # y = 6.2 at least, and its working strip begins half a metre before that.
    found = together(24.0, **ELSEWHERE)
    assert found.joint is not None
    strip = found.joint.routes["water"].strip
    assert strip is not None
    here = shapely.box(ORIGIN[0] + 80, ORIGIN[1], ORIGIN[0] + 120, ORIGIN[1] + 30)
    _, south, _, north = shapely.bounds(shapely.intersection(strip, here)) - np.tile(ORIGIN, 2)
    widths = [one.width_m for one in found.joint.plan.sections.values() if len(one.pipes) > 2]
    assert south == pytest.approx(6.2 - 0.5, abs=0.02)
    assert north - south == pytest.approx(max(widths) + 1.0, abs=0.02)


def test_where_nobody_knows_the_width_lines_share_and_a_notice_says_so() -> None:
    found = together(None, **ELSEWHERE)
    assert found.joint is not None
    assert found.joint.plan.shared_length_m > 170
    assert slot_notices(found) == ["R-1"]
    (told,) = [one for one in found.notices if one.kind == "joint_slot_unsure"]
    assert told.utilities == ("water", "gas", "power")
    assert "净宽未知" in told.text
    assert found.joint.fits is None
    assert found.joint.own_fit is None
    assert not found.joint.gave_way


def test_lines_that_qualify_by_the_old_street_only_share_there_and_not_in_the_young_one() -> None:
    """The street of 2024 is nearer and barred (art. 33): both lines go by the other one."""
    roads = {
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((0, 64), (300, 64), opened_on="2024-01-01"),
    }
    gas = {"utility": "gas", "pressure_mpa": 0.2}
    lines = {
        "W-1": main((0, 7), (300, 7)),
        "W-2": main((0, 56), (300, 56)),
        "G-1": main((0, 6.9), (300, 6.9), **gas),
        "G-2": main((0, 56.2), (300, 56.2), **gas),
    }
    demands = {"water": DEMANDS["water"], "gas": DEMANDS["gas"]}
    found = planned(town(roads=roads, lines=lines), demands=demands)
    assert {one.recommended for one in found.lines.values() if one.route} == {"qualifying"}
    assert found.joint is not None
    assert {one.verdict.outcome for one in found.joint.routes.values()} == {"commitment"}
    assert found.joint.plan.shared_length_m > 3
    paid = [one.route.figures["cost_yuan"] for one in found.lines.values() if one.route]
    assert found.joint.plan.separate_cost_yuan == pytest.approx(sum(paid), abs=0.01)
    assert found.joint.plan.cost_yuan < sum(paid)

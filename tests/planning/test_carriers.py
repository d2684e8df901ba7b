"""Existing ducts, pole lines and walls carry a new line where they may; only the leads are dug.

A cabinet at (20, 9) with free holes, a handhole without any at (110, 9), a duct of 90 m between
them; the strip runs at y = 6.75, the parcel's nearest place on its red line is (102, 12).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import shapely
from shapely.geometry import box

from planning.batch import screen
from planning.judged_routes import Route
from planning.plan import Plan, plan
from planning.policy_model import Policy
from tests import towns
from tests.towns import application, ground, main, node, town

DUCT: dict[str, Any] = {
    "utility": "telecom",
    "subtype": "duct",
    "diameter_mm": None,
    "laying": "duct",
    "duct_holes": 6,
    "free_holes": 4,
    "owner": "电信",
    "open_to_others": True,
}
TELECOM = {"telecom": {"duct_holes": 2, "duct_outer_diameter_mm": 110}}
# From the handhole to the strip, along it to x = 102, to the red line.
LEAD_M = 2.25 + 8 + 5.25


def layers(**changes: Any) -> dict[str, Any]:
    return {
        "lines": {"T-1": main((20, 9), (110, 9), **{**DUCT, **changes})},
        "nodes": {
            "N-1": node(20, 9, utility="telecom", kind="cabinet", free_holes=6),
            "N-2": node(110, 9, utility="telecom", kind="handhole", free_holes=0),
        },
    }


def planned(demands: Any = TELECOM, rules: Policy | None = None, **layer: Any) -> Plan:
    """The plan of a parcel that is entered at (102, 12)."""
    asked = application(demands=demands, gate=(102, 12))
    return plan(asked, town(**layer), rules or towns.policy())


def route_of(found: Plan, utility: str = "telecom") -> Route:
    route = found.lines[utility].routes["cheapest"]
    assert isinstance(route, Route)
    return route


def carried(found: Plan, utility: str = "telecom") -> list[str]:
    rows = found.work.corridors.carriers.among(route_of(found, utility).bored)
    return [line_id for _, line_id, _ in rows]


def test_a_duct_with_free_holes_is_used_from_joint_to_joint() -> None:
    found = planned(**layers())
    route = route_of(found)
    assert carried(found) == ["T-1"]
    assert towns.xy(route.line) == [
        (20, 9), (110, 9), (110, 6.75), (102, 6.75), (102, 12),
    ]  # fmt: skip
    assert route.figures["length_m"] == pytest.approx(90 + LEAD_M)


def test_a_line_in_an_existing_duct_is_left_out_of_the_trench_for_that() -> None:
    mains = {
        "W-1": main((0, 8), (20, 8)),
        "G-1": main((0, 7.5), (20, 7.5), utility="gas", pressure_mpa=0.2),
    }
    asked = {
        **TELECOM,
        "water": {"nominal_mm": 150, "material": "PE"},
        "gas": {"nominal_mm": 100, "pressure_mpa": 0.2, "material": "PE"},
    }
    told = layers()
    found = planned(demands=asked, nodes=told["nodes"], lines={**told["lines"], **mains})
    assert carried(found) == ["T-1"]
    assert found.joint is not None
    assert [(one.utility, one.reason) for one in found.joint.plan.left_out] == [
        ("telecom", "部分路段利用既有通道,单独敷设")
    ]


def test_only_the_lead_is_dug_and_the_duct_costs_its_cable() -> None:
    green = {"V-1": {"kind": "verge", "geometry": box(-50, 8, 90, 10)}}
    found = planned(**layers(), green=green)
    route = route_of(found)
    pipe = application(demands=TELECOM).demands["telecom"].pipe
    cable, rates = found.work.prices.pipe_yuan_m(pipe), found.work.rates(pipe).yuan_m
    assert cable is not None
    assert route.figures["cost_yuan"] == pytest.approx(90 * cable + LEAD_M * rates["footway"])
    assert route.figures["green_m2"] == 0
    assert route.strip is not None
    assert route.strip.area == pytest.approx(LEAD_M * found.work.strip_width_m(pipe))


def test_metres_in_an_existing_duct_are_told_apart_from_those_of_new_ducts() -> None:
    measures = route_of(planned(**layers())).measures
    assert measures["pipe_length_m"] == pytest.approx(90 + LEAD_M)
    assert measures["pipe_length_new_duct_m"] == pytest.approx(LEAD_M)


def test_a_line_that_is_short_only_without_the_duct_hangs_on_the_reading() -> None:
    """The clause does not say whether existing ducts count: the longer length is judged."""
    far = {"T-1": main((-90, 9), (110, 9), **DUCT)}
    nodes = layers()["nodes"]
    nodes["N-1"] = node(-90, 9, utility="telecom", kind="cabinet", free_holes=6)
    road = {"R-1": towns.street((-100, 0), (300, 0))}
    verdict = route_of(planned(lines=far, nodes=nodes, roads=road)).verdict
    assert verdict.outcome == "ordinary_approval"
    readings = {(one.id, one.value): one.would_be for one in verdict.readings}
    assert readings["duct_length", "new_ducts"] == "commitment"
    assert verdict.certainty == "depends_on_reading"


def test_a_duct_under_a_carriageway_is_no_crossing() -> None:
    # The cabinet stands on the far side; the duct crosses the street to the handhole.
    lines = {"T-1": main((20, -9), (20, 9), (110, 9), **DUCT)}
    nodes = {**layers()["nodes"], "N-1": node(20, -9, utility="telecom", kind="cabinet",
                                              free_holes=6)}  # fmt: skip
    route = route_of(planned(lines=lines, nodes=nodes))
    assert route.figures["length_m"] == pytest.approx(18 + 90 + LEAD_M)
    assert (route.figures["crossing_count"], route.figures["kerb_m"]) == (0, 0)


def test_what_lies_between_two_leads_is_not_measured_as_dug() -> None:
    # Leads on both sides of the street, the duct between them under it; each crosses nothing.
    lines = {
        "T-0": main((20, -9), (20, -8), **{**DUCT, "free_holes": 0}),
        "T-1": main((60, -9), (60, 9), (110, 9), **DUCT),
    }
    nodes = {
        "N-0": node(20, -9, utility="telecom", kind="cabinet", free_holes=6),
        "N-1": node(60, -9, utility="telecom", kind="handhole", free_holes=0),
        "N-2": node(110, 9, utility="telecom", kind="handhole", free_holes=0),
    }
    found = planned(lines=lines, nodes=nodes)
    route = route_of(found)
    assert carried(found) == ["T-1"]
    assert (route.figures["crossing_count"], route.figures["kerb_m"]) == (0, 0)
    assert route.figures["cost_yuan"] == pytest.approx(route.way.weight, rel=1e-6)


def test_what_poles_cross_of_a_street_is_unknown() -> None:
    line = {**POLES["lines"]["D-1"], "geometry": main((20, -9), (65, 9), (110, 9))["geometry"]}
    nodes = {
        **POLES["nodes"],
        "N-1": node(21, -8.5, utility="power", kind="ring_main_unit", spare_bays=1,
                    voltage_kv=10.0),
        "P-20": node(20, -9, utility="power", kind="pole"),
    }  # fmt: skip
    found = planned(POWER, allowing_poles(), lines={"D-1": line}, nodes=nodes)
    route = route_of(found, "power")
    assert carried(found, "power") == ["D-1", "D-1"]
    assert route.measures["crossing_red_line_m"] is None
    assert route.verdict.outcome not in ("commitment", "commitment_filing", "not_required")


@pytest.mark.parametrize(
    "changes",
    [
        {"free_holes": 1},
        {"free_holes": None},
        {"owner": None},
        {"open_to_others": None},
        {"open_to_others": False},
        {"status": "planned"},
        {"laying": "buried"},
    ],
)
def test_what_has_no_room_or_is_not_known_to_be_open_is_not_used(changes: dict[str, Any]) -> None:
    found = planned(**layers(**changes))
    assert carried(found) == []
    assert route_of(found).figures["length_m"] < 90 + LEAD_M  # along the strip instead


def test_a_duct_carries_no_other_utility() -> None:
    water = {"W-1": main((0, 6.75), (20, 6.75))}
    found = planned(
        {"water": {"nominal_mm": 200}},
        lines={**layers()["lines"], **water},
        nodes=layers()["nodes"],
    )
    assert route_of(found, "water").bored == ()
    kinds = found.work.corridors.graph.measures["kind"]
    edges = route_of(found, "water").way.edges
    assert not kinds.iloc[list(edges)].isin(["lead", "carrier"]).any()


def test_a_no_dig_area_over_the_duct_bars_nothing() -> None:
    area = {"JW-1": {"geometry": box(50, 5, 80, 13)}}
    assert carried(planned(**layers(), no_dig=area)) == ["T-1"]


POLES: dict[str, Any] = {
    "lines": {
        "D-1": main((20, 9), (65, 9), (110, 9), utility="power", laying="overhead",
                    diameter_mm=None, voltage_kv=10.0, owner="县供电公司", open_to_others=True)
    },
    "nodes": {
        "N-1": node(21, 8.5, utility="power", kind="ring_main_unit", spare_bays=1, voltage_kv=10.0),
        **{f"P-{x}": node(x, 9, utility="power", kind="pole") for x in (20, 65, 110)},
    },
}  # fmt: skip
POWER = {"power": {"voltage_kv": 10, "duct_holes": 1, "duct_outer_diameter_mm": 110}}


def allowing_poles() -> Policy:
    settings = towns.policy().planning.settings
    allowed = {**settings, "overhead_allowed": replace(settings["overhead_allowed"], value=1.0)}
    return replace(towns.policy(), planning=replace(towns.policy().planning, settings=allowed))


def test_poles_carry_only_where_the_county_allows_it() -> None:
    assert carried(planned(POWER, **POLES), "power") == []
    found = planned(POWER, allowing_poles(), **POLES)
    assert carried(found, "power") == ["D-1", "D-1"]
    without = {**POLES, "nodes": {"N-1": POLES["nodes"]["N-1"]}}
    assert carried(planned(POWER, allowing_poles(), **without), "power") == []
    other = {**POLES["lines"]["D-1"], "voltage_kv": 0.4}
    assert carried(planned(POWER, allowing_poles(), **{**POLES, "lines": {"D-1": other}}),
                   "power") == []  # fmt: skip


def test_the_screening_uses_the_duct_as_the_plan_does_and_the_plan_tells_it() -> None:
    survey = town(**layers())
    case = application(demands=TELECOM)
    work = ground(survey, case)
    row = screen(work, [case], ["telecom"]).iloc[0]
    found = plan(case, survey, towns.policy(), corridors=work)
    answer = found.to_json()["utilities"][-1]
    route = next(one for one in answer["routes"] if one["kind"] == "cheapest")
    assert route["carried"] == [{"line_id": "T-1", "laying": "duct", "length_m": pytest.approx(90)}]
    assert row["recommended"] == answer["recommended"]
    best = found.lines["telecom"].route
    assert best is not None
    assert shapely.equals(row["geometry"], best.line)
    assert row["cost_yuan"] == pytest.approx(best.figures["cost_yuan"])

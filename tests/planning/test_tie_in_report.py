"""Tie-ins compared: what the best cost, and why the others are none."""

from __future__ import annotations

from typing import Any

import pytest
from shapely.geometry import box

from planning.plan import plan
from tests import towns
from tests.towns import main, node, parcel, town


def entry(utility: str, wish: dict[str, Any], **layers: towns.Rows) -> dict[str, Any]:
    case = towns.application(demands={utility: wish})
    document = plan(case, town(**layers), towns.policy()).to_json()
    return next(one for one in document["utilities"] if one["utility"] == utility)


def reasons(line: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["reason"] for one in line["tie_ins"]["rejected"]}


def test_places_are_ranked_by_the_cost_of_the_route_through_them() -> None:
    lines = {
        "W-far": main((0, -8), (300, -8), diameter_mm=400),
        "W-near": main((0, 8), (300, 8), diameter_mm=200),
    }
    line = entry("water", {"nominal_mm": 100}, lines=lines)
    near, far = line["tie_ins"]["candidates"]
    assert (near["id"], near["rank"], near["length_m"]) == ("W-near", 1, pytest.approx(4.0))
    assert (far["id"], far["rank"]) == ("W-far", 2)
    assert near["reasons"] == ["造价最低", "线路最短"]
    extra = far["cost_yuan"] - near["cost_yuan"]
    assert far["reasons"][0] == f"比首选贵 {extra:,.0f} 元"
    # The first is the route that the plan takes.
    assert near["cost_yuan"] == pytest.approx(line["routes"][0]["cost_yuan"])
    assert near["xy"] == pytest.approx(line["routes"][0]["tie_in"]["xy"])
    assert line["tie_ins"]["rejected"] == []


def test_the_fall_of_a_place_counts_the_way_inside_the_red_line() -> None:
    """4 m to the red line and 38 m on to the last well at 2 per mille: 0.084 m."""
    sewer = {"utility": "sewage", "subtype": "main", "diameter_mm": 500.0}
    levels = {"start_invert_m": 97.0, "end_invert_m": 97.0}
    east, north = towns.ORIGIN
    well = {"kind": "last_well", "xy": [120 + east, 50 + north]}
    wish = {"nominal_mm": 300, "material": "HDPE", "handover": well}
    narrow = {"P-1": parcel(118, 12, 122, 52)}  # entered in its middle only
    for last_well in ({"last_well_invert_m": 97.3}, {}):
        lines = {"S-1": main((0, 8), (300, 8), **sewer, **levels)}
        line = entry("sewage", {**wish, **last_well}, lines=lines, parcels=narrow)
        (told,) = line["tie_ins"]["candidates"]
        assert told["fall"] == line["routes"][0]["fall"]
        assert told["fall"]["needed_m"] == pytest.approx((4 + 38) * 0.002)


def test_a_main_that_is_too_shallow_below_the_carriageway_says_so() -> None:
    """Ground at 100 m: the top of a DN300 at 99.0 m lies 0.675 m down, where 0.70 m are wanted."""
    sewer = {"utility": "sewage", "subtype": "main", "diameter_mm": 500.0, "depth_m": 0.455}
    levels = {"start_invert_m": 99.0, "end_invert_m": 99.0}
    wish = {"nominal_mm": 300, "last_well_invert_m": 99.05, "last_well_ground_m": 100.0}
    line = entry("sewage", wish, lines={"S-1": main((0, -8), (300, -8), **sewer, **levels)})
    assert (line["status"], reasons(line)) == ("unroutable", {"S-1": "no_cover"})
    assert "车行道" in line["tie_ins"]["rejected"][0]["text"]


def test_every_main_near_by_that_is_none_has_its_reason_and_numbers() -> None:
    lines = {
        "W-1": main((0, 8), (300, 8)),
        "W-2": main((0, 8.2), (300, 8.2), subtype="transmission"),
        "W-3": main((0, 8.4), (300, 8.4), status=None),
        "W-4": main((0, 8.6), (300, 8.6), status="abandoned"),
        "W-5": main((0, 8.8), (300, 8.8), diameter_mm=100),
        "W-6": main((0, 90), (300, 90)),
        "W-7": main((0, 400), (300, 400)),  # farther than 250 m: not named
    }
    line = entry("water", {"nominal_mm": 200}, lines=lines)
    assert reasons(line) == {
        "W-2": "wrong_kind",
        "W-3": "unknown_status",
        "W-4": "not_in_service",
        "W-5": "too_small",
        "W-6": "no_way",
    }
    texts = {one["id"]: one["text"] for one in line["tie_ins"]["rejected"]}
    assert texts["W-5"] == "管径 100,小于需要的 DN200"
    assert [one["id"] for one in line["tie_ins"]["candidates"]] == ["W-1"]


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        ({"outer_diameter_mm": 315.0, "material": "PE"}, ""),  # DN300
        ({"outer_diameter_mm": 225.0, "material": "PE"}, ""),  # between DN200 and DN250
        ({"outer_diameter_mm": 160.0, "material": "PE"}, "管径 De160,小于需要的 DN200"),
        ({"outer_diameter_mm": 219.1}, "管径 De219.1,小于需要的 DN200"),  # in iron no DN200
        ({"outer_diameter_mm": 219.1, "material": "钢管"}, ""),
        ({"section_width_mm": 400.0, "section_height_mm": 300.0}, ""),
        (
            {"section_width_mm": 400.0, "section_height_mm": 150.0},
            "管径 400×150,小于需要的 DN200",
        ),
        ({}, "管径未知,须不小于 DN200"),
    ],
)
def test_the_size_of_a_main_is_read_however_it_is_on_record(told: Any, refused: str) -> None:
    lines = {"W-1": main((0, 8), (300, 8), **{"diameter_mm": None, "material": None, **told})}
    line = entry("water", {"nominal_mm": 200}, lines=lines)
    assert [one["text"] for one in line["tie_ins"]["rejected"]] == ([refused] if refused else [])
    assert line["status"] == ("unroutable" if refused else "routed")


def test_a_main_behind_a_wall_is_blocked() -> None:
    wall = {"B-1": {"geometry": box(-50, 7, 350, 7.5)}}
    line = entry("water", {"nominal_mm": 200}, lines={"W-1": main((0, 8), (300, 8))},
                 buildings=wall, parcels={"P-1": towns.parcel(100, -52, 140, -12)})  # fmt: skip
    assert (line["status"], reasons(line)) == ("unroutable", {"W-1": "blocked"})


def test_sewage_does_not_join_the_storm_drain() -> None:
    line = entry(
        "sewage",
        {"nominal_mm": 300},
        lines={"Y-1": main((0, 8), (300, 8), utility="storm", subtype="main", diameter_mm=600)},
    )
    assert reasons(line) == {"Y-1": "wrong_network"}
    assert line["tie_ins"]["rejected"][0]["text"] == "属于雨水,不是本专业的管网"


def test_mains_of_the_kin_do_not_hide_what_else_is_rejected() -> None:
    storm = {"utility": "storm", "subtype": "main", "diameter_mm": 600}
    lines = {f"Y-{n}": main((0, 8 + n / 100), (300, 8 + n / 100), **storm) for n in range(30)}
    lines["S-1"] = main((0, -8), (300, -8), utility="sewage", subtype="main", diameter_mm=200)
    said = reasons(entry("sewage", {"nominal_mm": 300}, lines=lines))
    assert list(said.values()) == ["wrong_network"] * 3 + ["too_small"]


def test_nodes_tell_their_bays_holes_and_owners() -> None:
    unit = {"utility": "power", "kind": "ring_main_unit", "voltage_kv": 10.0}
    line = entry(
        "power",
        {"voltage_kv": 10, "duct_holes": 2},
        nodes={
            "N-1": node(110, 8, **unit, spare_bays=1),
            "N-2": node(120, 8, **unit, spare_bays=0),
            "N-3": node(130, 8, **{**unit, "voltage_kv": 0.4}, spare_bays=1),
        },
    )
    assert reasons(line) == {"N-2": "no_spare_bay", "N-3": "wrong_voltage"}
    weak = {**unit, "kind": "transformer", "voltage_kv": 0.4, "spare_bays": 1}
    line = entry(
        "power",
        {"voltage_kv": 0.38, "duct_holes": 2, "requested_capacity": 90},
        nodes={
            "N-1": node(110, 8, **weak, capacity_kva=100.0),
            "N-2": node(120, 8, **weak, capacity_kva=50.0),
            "N-3": node(130, 8, **weak),
        },
    )
    assert reasons(line) == {"N-2": "too_little_capacity", "N-3": "too_little_capacity"}
    assert [one["text"] for one in line["tie_ins"]["rejected"]] == [
        "额定容量 50 kVA,小于需要的 100 kVA",
        "额定容量未知,须不小于 100 kVA",
    ]
    hole = {"utility": "telecom", "kind": "handhole"}
    line = entry(
        "telecom",
        {"duct_holes": 2, "duct_outer_diameter_mm": 110, "operators": ["甲"]},
        nodes={
            "H-1": node(110, 8, **hole, free_holes=2, owner="甲"),
            "H-2": node(120, 8, **hole, free_holes=1, owner="甲"),
            "H-3": node(130, 8, **hole, free_holes=2, owner="乙"),
        },
    )
    assert reasons(line) == {"H-2": "too_few_holes", "H-3": "other_operator"}
    assert [one["id"] for one in line["tie_ins"]["candidates"]] == ["H-1"]


def test_the_first_candidate_is_the_cheapest_route_throughout_the_sample(
    sample_plans: list[dict[str, Any]],
) -> None:
    for made in sample_plans:
        for line in made["utilities"]:
            found = line["tie_ins"]["candidates"]
            assert len(found) <= 5
            cost = [one["cost_yuan"] for one in found]
            assert cost == sorted(cost)
            if line["status"] == "routed":
                cheapest = next(r for r in line["routes"] if r["kind"] == "cheapest")
                assert cost[0] == pytest.approx(cheapest["cost_yuan"], abs=0.01)
            rejected = {one["id"] for one in line["tie_ins"]["rejected"]}
            assert not rejected & {one["id"] for one in found}

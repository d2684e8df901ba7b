"""The plan of one case, as an object and as plain values for screens and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import shapely
from shapely.geometry import box

from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Application, ApplicationError
from planning.batch import screen
from planning.groundwork import Groundwork
from planning.plan import Plan, plan
from tests import towns
from tests.planning.test_joint import DEMANDS, LONG
from tests.towns import application, ground, main, node, parcel, street, town

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
LINES = {"W-1": main((0, -8), (300, -8))}
DRAWN = {
    "type": "LineString",
    "coordinates": [[120 + towns.ORIGIN[0], y + towns.ORIGIN[1]] for y in (-8, 12)],
}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schemas = [json.loads(file.read_text("utf-8")) for file in SCHEMAS.glob("*.json")]
    from referencing import Registry, Resource

    resources = [Resource.from_contents(schema) for schema in schemas]
    registry = Registry().with_resources(
        [(schema["$id"], one) for schema, one in zip(schemas, resources, strict=True)]
    )
    wanted = json.loads((SCHEMAS / "plan.json").read_text("utf-8"))
    return jsonschema.Draft202012Validator(wanted, registry=registry)


def planned(survey: Survey, **changes: Any) -> Plan:
    return plan(application(**changes), survey, towns.policy())


def plain(found: Plan) -> dict[str, Any]:
    """The plan as it comes back from a JSON file; NaN and infinity are no JSON."""
    answer = json.loads(json.dumps(found.to_json(), allow_nan=False, ensure_ascii=False))
    assert isinstance(answer, dict)
    return answer


CASES: dict[str, tuple[Survey, dict[str, Any]]] = {
    "own stub": (town(lines=LINES), {}),
    "gate": (town(lines=LINES), {"gate": (111, 12)}),
    "shared": (town(**LONG), {"demands": DEMANDS}),
    "two feeds, the cheapest of them barred": (
        town(
            lines={**LINES, "W-2": main((0, 8), (300, 8)), "W-3": main((0, 56), (300, 56))},
            roads={
                "R-1": street((0, 0), (300, 0)),
                "R-2": street((0, 64), (300, 64), opened_on="2025-06-01"),
            },
        ),
        {"demands": {"water": {"nominal_mm": 200, "feeds": 2}}},
    ),
    "two feeds, one of them drawn": (
        town(lines={**LINES, "W-2": main((0, 8), (300, 8))}),
        {
            "demands": {"water": {"nominal_mm": 200, "feeds": 2}},
            "drawn_routes": {"water": [{"line": DRAWN}]},
        },
    ),
    "two feeds that are too large": (
        town(
            lines={
                f"W-{side}": main((0, side), (300, side), diameter_mm=400.0) for side in (-8, 8)
            },
            roads={"R-1": street((0, 0), (300, 0), opened_on="2025-06-01")},
        ),
        {"demands": {"water": {"nominal_mm": 350, "feeds": 2}}, "gate": (111, 12)},
    ),
    "unknown red line": (
        town(lines=LINES, roads={"R-1": street((0, 0), (300, 0), red_line_width_m=None)}),
        {},
    ),
    "unknown size and layers": (
        town(lines=LINES, absent=("green", "trees", "service_areas")),
        {"demands": {"water": {}, "gas": {}}},
    ),
    "gap": (town(lines=LINES, parcels={"P-1": parcel(100, 60, 140, 90)}), {}),
    "nothing imported": (town(absent=("lines", "nodes")), {}),
    "no free strip": (town(lines=LINES, parcels={"P-1": parcel(-50, -20, 350, 20)}), {}),
    "nameless parcel": (
        town(lines=LINES, parcels={"P-1": parcel(100, 12, 140, 52, name=None, land_use=None)}),
        {},
    ),
    "no-dig area and planned works": (
        town(
            lines=LINES,
            no_dig={"JW-1": {"geometry": box(90, 10, 150, 13)}},
            planned_works={"JH-1": {"geometry": box(0, -7, 300, 7)}},
        ),
        {},
    ),
    "node tie-in": (
        town(nodes={"N-1": node(20, 9, utility="power", kind="transformer", spare_bays=1)}),
        {"demands": {"power": {"duct_holes": 1, "duct_outer_diameter_mm": 110}}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_plan_validates_against_its_schema(
    name: str, validator: jsonschema.Draft202012Validator
) -> None:
    survey, changes = CASES[name]
    errors = [
        f"{e.json_path}: {e.message}"
        for e in validator.iter_errors(plain(planned(survey, **changes)))
    ]
    assert errors == []


def test_every_utility_stands_in_the_plan_in_the_usual_order() -> None:
    answer = plain(planned(town(lines=LINES)))
    assert [one["utility"] for one in answer["utilities"]] == list(load_utilities())
    status = {one["utility"]: one["status"] for one in answer["utilities"]}
    assert status.pop("water") == "routed"
    assert set(status.values()) == {"not_requested"}


def test_the_document_says_what_was_measured_and_where() -> None:
    answer = plain(planned(town(lines=LINES)))
    assert answer["schema"] == "tonggou/plan/1"
    assert (answer["crs"], answer["county"], answer["synthetic"]) == (
        "EPSG:4547",
        "411523_xinxian",
        True,
    )
    assert answer["parcel"]["area_m2"] == pytest.approx(1600)
    water = answer["utilities"][0]
    route = next(one for one in water["routes"] if one["kind"] == water["recommended"])
    assert (route["length_m"], route["crossing_kerb_m"], route["crossing_red_line_m"]) == (
        pytest.approx((20, 10, 20))
    )
    assert route["tie_in"]["line_id"] == "W-1"
    assert route["tie_in"]["xy"] == route["geometry"]["coordinates"][0][:2]
    assert route["end"]["kind"] == "red_line"
    assert route["roads"] == ["R-1"]
    crossing = route["crossings"][0]
    assert crossing["road_id"] == "R-1"
    assert shapely.geometry.shape(crossing["geometry"]).length == pytest.approx(10)
    assert shapely.geometry.shape(route["strip"]).area > 20
    names = [measure["name"] for measure in water["measures"]]
    assert "pipe_length_m" in names
    assert all(measure["words"] and measure["unit"] for measure in water["measures"])


def test_what_is_crossed_of_a_road_of_assumed_width_is_null_and_the_assumption_is_named() -> None:
    roads = {"R-1": towns.street((0, 0), (300, 0), carriageway_width_m=None, surface="unknown")}
    unsure, sure = plain(planned(town(lines=LINES, roads=roads))), plain(planned(town(lines=LINES)))
    route = unsure["utilities"][0]["routes"][0]
    assert (route["crossing_count"], route["crossing_kerb_m"]) == (1, None)
    assert (route["crossing_red_line_m"], route["crossings"][0]["kerb_m"]) == (None, None)
    named = {"road_surface", "carriageway_width"}
    assert named <= set(unsure["assumed"])
    assert named.isdisjoint(sure["assumed"])


def test_permits_that_the_countys_plan_does_not_name_stand_beside_the_verdicts() -> None:
    answer = plain(planned(town(lines=LINES)))
    assert answer["never_covered"] == list(towns.policy().never_covered)
    assert "公路涉路施工" in answer["never_covered"]


def test_the_end_is_the_gate_where_there_is_one() -> None:
    route = plain(planned(town(lines=LINES), gate=(111, 12)))["utilities"][0]["routes"][0]
    assert route["end"]["kind"] == "gate"
    east, north = towns.ORIGIN
    assert route["end"]["xy"] == pytest.approx([east + 111, north + 12])


def test_a_plan_on_prepared_groundwork_is_the_same() -> None:
    survey, case = town(**LONG), application(demands=DEMANDS)
    prepared = plan(case, survey, towns.policy(), corridors=ground(survey, case))
    assert plain(prepared) == plain(plan(case, survey, towns.policy()))


def test_groundwork_that_does_not_know_the_gate_is_prepared_anew() -> None:
    survey, case = town(lines=LINES), application(gate=(111, 12))
    other = ground(survey)
    found = plan(case, survey, towns.policy(), corridors=other)
    assert found.work is not other
    assert found.lines["water"].status == "routed"


def test_a_plan_for_an_unknown_parcel_is_refused() -> None:
    with pytest.raises(ApplicationError, match="字段 parcel_id 的值 'P-9' 不在宗地图层中"):
        planned(town(lines=LINES), parcel_id="P-9")


def check_same_as_screen(work: Groundwork, cases: list[Application], policy: Any) -> int:
    """Compare the plans of cases with their screen rows; returns how many lines were routed."""
    rows = screen(work, cases).set_index(["application_id", "utility"])
    routed = 0
    for case in cases:
        answer = plain(plan(case, work.survey, policy, corridors=work))
        for line in answer["utilities"]:
            row = rows.loc[(case.application_id, line["utility"])]
            assert row["status"] == line["status"]
            assert (row["reason"] if isinstance(row["reason"], str) else None) == line["reason"]
            alone = line["verdict"]["alone"]
            outcome = row["outcome"] if isinstance(row["outcome"], str) else None
            assert outcome == (alone["outcome"] if alone else None)
            if line["status"] != "routed":
                continue
            routed += 1
            assert row["recommended"] == line["recommended"]
            assert row["clause"] == alone["clause"] or alone["clause"] is None
            route = next(one for one in line["routes"] if one["kind"] == line["recommended"])
            assert row["length_m"] == pytest.approx(route["length_m"], abs=1e-6)
            assert row["cost_yuan"] == pytest.approx(route["cost_yuan"], abs=1e-5)
            assert row["kerb_m"] == pytest.approx(route["crossing_kerb_m"], abs=1e-6)
            for measure in line["measures"]:
                value = float("nan") if measure["value"] is None else measure["value"]
                assert row[measure["name"]] == pytest.approx(value, abs=1e-6, nan_ok=True)
    return routed


def test_a_plan_says_what_the_screening_says() -> None:
    cases = [
        application(demands=DEMANDS | {"sewage": {"nominal_mm": 300}, "telecom": {"duct_holes": 2}})
    ]
    assert check_same_as_screen(ground(town(**LONG)), cases, towns.policy()) == 3

"""Every document that goes in or out keeps to its description in ``docs/schemas``."""

from __future__ import annotations

import copy
import csv
import json
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from layers.utilities import load_utilities
from planning.application import parse_application
from planning.batch import screen
from planning.groundwork import prepare
from planning.measures import MEASURES
from planning.plan import plan
from planning.policies import load_policy
from planning.quantities import SURFACES
from planning.rule_files import CONFIDENCES
from planning.verdicts import judge_payload
from tests.conftest import REPOSITORY
from tests.planned_town import documents, planned_town
from tests.towns import ORIGIN

COUNTY = "411523_xinxian"
FOLDER = REPOSITORY / "docs" / "schemas"
SCHEMAS = {file.stem: json.loads(file.read_text("utf-8")) for file in FOLDER.glob("*.json")}
REGISTRY = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)
APPLICATIONS = sorted((REPOSITORY / "sample_data" / "applications").glob("*.json"))
Document = dict[str, Any]


def faults(schema: str, document: object) -> list[str]:
    """Return where and why a document differs from a schema; it passes through JSON text first."""
    checker = Draft202012Validator(
        SCHEMAS[schema], registry=REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    plain = json.loads(json.dumps(document, allow_nan=False))
    return [
        f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}"
        for e in checker.iter_errors(plain)
    ]


def test_every_schema_is_one() -> None:
    assert set(SCHEMAS) == {"application", "plan", "verdict"}
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


# --- application ------------------------------------------------------------------------------


def test_the_sample_has_applications() -> None:
    assert len(APPLICATIONS) >= 24


@pytest.mark.parametrize("file", APPLICATIONS, ids=lambda file: file.stem)
def test_every_sample_application_keeps_to_its_schema(file: Path) -> None:
    document = json.loads(file.read_text("utf-8"))
    assert faults("application", document) == []
    assert document["application_id"] == file.stem


@pytest.mark.parametrize(
    "changes",
    [
        {"parcel_id": ""},
        {"dig_date": "2026-02-30"},
        {"gate": [1]},
        {"work_kind": "big"},
        {"demands": {}},
        {"demands": {"steam": {}}},
        {"demands": {"water": {"nominal_mm": 0}}},
        {"demands": {"water": {"nominal_mm": "200"}}},
        {"demands": {"telecom": {"duct_holes": 2.5}}},
        {"demands": {"water": {"laying": "somehow"}}},
        {"project": {"enterprise_percent": 101}},
        {"project": {"hazardous_goods": "no"}},
        {"promiser": {"water": {"declines": "no"}}},
        {"drainage": {"subject_kind": "farm"}},
        {"promisers": {"water": {"bad_credit": True}}},
        {"project": {"hazardous": True}},
        {"drainage": {"kind": "household"}},
        {"consent": {"commitment": False}},
        {"promiser": {"water": {"decline": True}}},
        {"demands": {"water": {"handover": {"place": [1, 2]}}}},
        {"drawn_routes": {"water": [{"line": None, "feeds": 2}]}},
        {"drawn_routes": {"steam": []}},
        {"drawn_routes": {"water": [{"line": {"type": "Point", "coordinates": [1, 2]}}]}},
        {"drawn_routes": {"water": [{"note": "no line"}]}},
        {"drawn_routes": {"water": [{"line": None, "feed": 3}]}},
    ],
)
def test_schema_and_planner_refuse_the_same_applications(changes: Document) -> None:
    document = {**documents()[0], **changes}
    assert faults("application", document)
    with pytest.raises(ValueError, match="BZ-1"):
        parse_application(document)


# --- plan -------------------------------------------------------------------------------------


@cache
def town_plans() -> list[Document]:
    survey = planned_town()
    cases = [parse_application(document) for document in documents()]
    return [plan(case, survey, load_policy(COUNTY)).to_json() for case in cases]


def test_plans_of_the_town_keep_to_their_schema() -> None:
    routed, unroutable = town_plans()
    assert routed["joint"] is not None
    assert {line["status"] for line in unroutable["utilities"]} == {"unroutable", "not_requested"}
    assert [faults("plan", one) for one in (routed, unroutable)] == [[], []]


def test_plans_of_the_sample_county_keep_to_their_schema(sample_plans: list[Document]) -> None:
    for made in sample_plans:
        assert faults("plan", made) == [], made["application_id"]
        assert {line["status"] for line in made["utilities"]} <= {"routed", "not_requested"}


def test_a_plan_with_drawn_routes_keeps_to_its_schema() -> None:
    east, north = ORIGIN
    lines = {"water": [(119, 9), (119, 12)], "sewage": [(119, 9), (119, 60)]}
    history = {
        utility: [
            {
                "line": {
                    "type": "LineString",
                    "coordinates": [[x + east, y + north] for x, y in line],
                }
            }
        ]
        for utility, line in lines.items()
    }
    document = {**documents()[0], "drawn_routes": history}
    assert faults("application", document) == []
    made = plan(parse_application(document), planned_town(), load_policy(COUNTY)).to_json()
    assert [one["manual"]["status"] for one in made["utilities"][:2]] == ["judged", "refused"]
    assert faults("plan", made) == []


def _set(*path: str | int, value: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        _set("extra", value=1),
        _set("crs", value="4547"),
        _set("layers", value=[{"layer": "roads"}]),
        _set("utilities", 0, "status", value="lost"),
        _set("utilities", 0, "routes", value=[]),
        _set("utilities", 0, "reason", value="no_tie_in"),
        _set("utilities", 0, "routes", 0, "length_m", value=None),
        _set("utilities", 0, "routes", 0, "geometry", "coordinates", value=[[1, 2]]),
        _set("utilities", 0, "verdict", "alone", value=None),
        _set("utilities", 0, "verdict", "alone", "outcome", value="perhaps"),
        _set("joint", "cost_yuan", value=-1),
        _set("joint", "saving_yuan", value=-1e-11),
        _set("joint", "sections", 0, "svg", value="<p>"),
        _set("questions", 0, "subject_kind", value="weather"),
    ],
)
def test_schema_refuses_a_spoiled_plan(spoil: Callable[[Document], None]) -> None:
    document = copy.deepcopy(town_plans()[0])
    spoil(document)
    assert faults("plan", document)


def test_schema_knows_the_words_of_the_program() -> None:
    names = SCHEMAS["plan"]["$defs"]
    assert names["utility"]["enum"] == list(load_utilities())
    assert set(names["surface"]["enum"]) == set(SURFACES)
    assert list(SCHEMAS["application"]["properties"]["demands"]["properties"]) == list(
        load_utilities()
    )
    confidences = SCHEMAS["verdict"]["$defs"]["finding"]["properties"]["confidence"]["enum"]
    assert set(confidences) == set(CONFIDENCES)
    outcomes = SCHEMAS["verdict"]["$defs"]["outcome"]["enum"]
    assert set(outcomes) == set(load_policy(COUNTY).outcomes)


# --- verdict ----------------------------------------------------------------------------------


def cases_of_the_county() -> list[Mapping[str, Any]]:
    file = REPOSITORY / "rules" / "counties" / COUNTY / "cases.toml"
    cases: list[Mapping[str, Any]] = tomllib.loads(file.read_text("utf-8"), parse_float=Decimal)[
        "case"
    ]
    return [case for case in cases if case.get("mode", "judge") == "judge"]


def element(case: Mapping[str, Any]) -> Document:
    given = {**case["given"], **dict.fromkeys(case.get("null", []))}
    return {"utility": case["utility"], "facts": given}


def test_answers_to_every_case_of_the_county_keep_to_their_schema() -> None:
    cases = [case for case in cases_of_the_county() if not case.get("switches")]
    doors = {one.name for one in load_policy(COUNTY).inputs.values() if one.door}
    elements = [element(case) for case in cases if set(case["given"]) <= doors]
    assert len(elements) >= 60
    answers = judge_payload(elements, COUNTY, {})
    assert faults("verdict", answers) == []
    assert [faults("verdict", one) for one in answers] == [[]] * len(elements)


def test_schema_refuses_a_spoiled_verdict() -> None:
    payload = {"utility": "gas", "measures": {"construction_length_m": 10}}
    answer = judge_payload(payload, COUNTY, {})
    assert faults("verdict", answer) == []
    for name, value in [("outcome", "perhaps"), ("certainty", None), ("possible", []), ("x", 1)]:
        assert faults("verdict", {**answer, name: value})
    assert faults("verdict", {k: v for k, v in answer.items() if k != "findings"})


# --- screening --------------------------------------------------------------------------------


def test_columns_of_a_screening_are_the_ones_described() -> None:
    with (REPOSITORY / "docs" / "screen_columns.csv").open(encoding="utf-8", newline="") as text:
        described = {row["column"]: row for row in csv.DictReader(text)}
    survey = planned_town()
    work = prepare(survey, load_policy(COUNTY))
    assert list(screen(work, []).columns) == list(described)
    inputs = load_policy(COUNTY).inputs
    for name in {name for group in MEASURES.values() for name in group}:
        assert described[name]["unit"] == (inputs[name].unit or "")
        assert described[name]["zh"] == inputs[name].zh

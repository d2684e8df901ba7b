"""Every boundary case of the county and of the shared reading comes out as written."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from planning.policies import COUNTIES, load_policy
from planning.verdicts import judge

ROOT = Path(__file__).resolve().parents[2]
COUNTY = "411523_xinxian"
SHARED_RULES = ROOT.parent / "shared" / "facts" / "commitment_rules.yaml"
CASES = tomllib.loads(
    (COUNTIES / COUNTY / "cases.toml").read_text(encoding="utf-8"), parse_float=Decimal
)["case"]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "verdict.json").read_text(encoding="utf-8"))
MEASURES = ("max_dn_mm", "pipe_length_m", "green_affected_m2", "construction_length_m")


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Answer to a case, with its inputs split between measures and facts."""
    given = {**case["given"], **dict.fromkeys(case.get("null", []))}
    measures = {name: value for name, value in given.items() if name in MEASURES}
    facts = {name: value for name, value in given.items() if name not in MEASURES}
    return judge(
        case["utility"],
        measures,
        facts,
        load_policy(COUNTY),
        switches=case.get("switches"),
        mode=case.get("mode", "judge"),
        tolerances=case.get("tolerances"),
    ).to_json()


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    """Answer in the form in which the cases state it."""
    return {
        **found,
        "permits": {one["permit"]: one["outcome"] for one in found["permits"]},
        "readings": {f"{one['id']}={one['value']}": one["would_be"] for one in found["readings"]},
        "advisories": [one["id"] for one in found["findings"] if one["kind"] == "advisory"],
    }


@pytest.mark.parametrize("case", CASES, ids=[f"{c['utility']}: {c['name']}" for c in CASES])
def test_case_of_the_county_comes_out_as_written(case: dict[str, Any]) -> None:
    answered = answer(case)
    jsonschema.validate(answered, SCHEMA)
    found = comparable(answered)
    for name, wanted in case["expect"].items():
        if name in ("permits", "readings") and wanted:
            assert {key: found[name][key] for key in wanted} == wanted
        else:
            assert found[name] == (wanted if name != "permits" else {}), name


def test_the_county_has_at_least_forty_cases_beside_those_of_the_shared_reading() -> None:
    assert len(CASES) >= 61
    assert len({(case["utility"], case["name"]) for case in CASES}) == len(CASES)


def shared_cases() -> list[dict[str, Any]]:
    if not SHARED_RULES.exists():
        return []
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the shared rules file")
    cases: list[dict[str, Any]] = yaml.safe_load(SHARED_RULES.read_text("utf-8"))["test_cases"]
    return cases


@pytest.mark.shared
@pytest.mark.skipif(not SHARED_RULES.exists(), reason="the folder ../shared is absent")
def test_every_case_of_the_shared_reading_comes_out_as_written() -> None:
    cases = shared_cases()
    assert len(cases) >= 21
    for case in cases:
        given = {name: value for name, value in case.items() if name not in KEYS}
        expect = {"outcome": case["expect"], **{k: case[k] for k in KEYS[2:] if k in case}}
        found = answer({"utility": case["utility"], "given": given})
        assert {name: found[name] for name in expect} == expect, case


KEYS = ("utility", "expect", "certainty", "otherwise", "possible")

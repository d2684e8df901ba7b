"""Every number of a plan leads to a formula, features that exist, and a rule that exists."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from planning.application import Application, default_application
from planning.groundwork import Groundwork
from planning.plan import plan
from planning.trace import fits, trace
from tests import towns
from tests.conftest import REPOSITORY
from tests.planned_town import planned_town

pytestmark = pytest.mark.slow_first

Document = dict[str, Any]
# Shapes hold coordinates, which trace to their layer; the trace's own versions are its source.
_LEFT_OUT = {"geometry", "strip", "coordinates", "trace"}


def numbers(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Places of all numbers, found without the planner's own walk."""
    if isinstance(value, bool):
        return
    if isinstance(value, (int, float)):
        yield path
    elif isinstance(value, dict):
        for name in sorted(value.keys() - _LEFT_OUT):
            yield from numbers(value[name], (*path, name))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from numbers(part, (*path, str(place)))


def written(document: Document) -> Document:
    """The document as it is read back from its file."""
    read: Document = json.loads(json.dumps(document))
    return read


def entry_of(document: Document, path: str) -> Document:
    """The entry that counts for one pointer: the first that fits."""
    pointer = tuple(path.split("/")[1:])
    return next(one for one in document["trace"] if fits(one["path"], pointer))


@pytest.fixture(scope="module")
def sample_plans(sample_work: Groundwork, sample_cases: list[Application]) -> list[Document]:
    """Plans of a few cases of the sample, with and without a joint plan."""
    chosen = [*sample_cases[:3], *sample_cases[8:24:4]]
    survey, policy = sample_work.survey, sample_work.policy
    plans = [plan(case, survey, policy, corridors=sample_work) for case in chosen]
    return [written(made.to_json()) for made in plans]


@pytest.fixture(scope="module")
def town_plan() -> Document:
    """The plan of a parcel without an application, in a town that is stored nowhere."""
    case = default_application("P-1", "office", towns.dig_date())
    return written(plan(case, planned_town(), towns.policy()).to_json())


def test_every_number_of_the_sample_leads_somewhere(sample_plans: list[Document]) -> None:
    for document in sample_plans:
        every = list(numbers(document))
        assert len(every) > 80
        lost = [p for p in every if not any(fits(one["path"], p) for one in document["trace"])]
        assert lost == []


def test_every_number_of_a_usual_demand_leads_somewhere(town_plan: Document) -> None:
    every = list(numbers(town_plan))
    assert not [p for p in every if not any(fits(one["path"], p) for one in town_plan["trace"])]
    assert entry_of(town_plan, "/utilities/0/pipe/nominal_mm")["rule"] == {
        "file": "rules/default_demand.csv",
        "ref": "office",
    }


def test_every_entry_stands_for_a_number(sample_plans: list[Document]) -> None:
    for document in sample_plans:
        every = list(numbers(document))
        idle = [o["path"] for o in document["trace"] if not any(fits(o["path"], p) for p in every)]
        assert idle == []


def test_features_exist_in_the_layer_version_that_the_plan_names(
    sample_plans: list[Document], sample_work: Groundwork
) -> None:
    for document in sample_plans:
        versions = {one["layer"]: (one["version"], one["sha256"]) for one in document["layers"]}
        for one in (read for entry in document["trace"] for read in entry["inputs"]):
            if one["layer"] == "application":
                assert one["id"] == document["application_id"]
                continue
            table = sample_work.survey.get(one["layer"])
            assert (one["version"], one["sha256"]) == versions[one["layer"]]
            assert one["id"] is None or one["id"] in table.index
            assert one["field"] in table.columns


def test_rules_name_files_that_exist(sample_plans: list[Document], town_plan: Document) -> None:
    rules = [one["rule"] for document in (*sample_plans, town_plan) for one in document["trace"]]
    named = {rule["file"] for rule in rules if rule}
    assert len(named) >= 5
    assert [file for file in named if not (REPOSITORY / file).exists()] == []


def test_a_crossing_leads_to_the_width_of_its_road_and_a_limit_to_its_clause(
    sample_plans: list[Document],
) -> None:
    document = sample_plans[0]
    crossed = [
        (u, r, c["road_id"])
        for u, line in enumerate(document["utilities"])
        for r, route in enumerate(line["routes"])
        for c in route["crossings"]
    ]
    u, r, road = crossed[0]
    entry = entry_of(document, f"/utilities/{u}/routes/{r}/crossings/0/red_line_m")
    read = {(one["layer"], one["id"], one["field"]) for one in entry["inputs"]}
    assert ("roads", road, "red_line_width_m") in read
    findings = document["utilities"][0]["verdict"]["alone"]["findings"]
    n = next(n for n, one in enumerate(findings) if one["input"] == "pipe_length_m")
    rule = entry_of(document, f"/utilities/0/verdict/alone/findings/{n}/limit")["rule"]
    assert rule == {
        "file": f"rules/counties/{document['county']}/policy.toml",
        "ref": findings[n]["ref"],
    }


def test_a_number_of_a_kind_that_no_row_knows_is_found_by_the_walk(town_plan: Document) -> None:
    spoiled = copy.deepcopy({k: v for k, v in town_plan.items() if k != "trace"})
    spoiled["utilities"][0]["luck"] = 7
    entries = trace(spoiled, planned_town())
    lost = [p for p in numbers(spoiled) if not any(fits(one["path"], p) for one in entries)]
    assert lost == [("utilities", "0", "luck")]


@pytest.mark.parametrize(
    ("path", "pointer", "fit"),
    [
        ("/a/*/b", "/a/0/b", True),
        ("/a/*/b", "/a/0/c", False),
        ("/a/*/b", "/a/0/1/b", False),
        ("/a/**", "/a/0/1/b", True),
        ("/a/**", "/a", False),
        ("/a/0", "/a/0", True),
    ],
)
def test_the_language_of_paths(path: str, pointer: str, fit: bool) -> None:
    assert fits(path, tuple(pointer.split("/")[1:])) is fit


def test_an_application_with_its_own_sizes_is_named_and_no_usual_demand() -> None:
    survey = towns.town(lines={"W-1": towns.main((0, 8), (300, 8))})
    made = plan(towns.application(), survey, towns.policy())
    entry = entry_of(made.to_json(), "/utilities/0/pipe/nominal_mm")
    assert entry["rule"] is None
    assert [(one["layer"], one["id"], one["field"]) for one in entry["inputs"]] == [
        ("application", "APP-1", "demands.water")
    ]

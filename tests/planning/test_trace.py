"""Every number of a plan leads to a formula, features that exist, and a rule that exists."""

from __future__ import annotations

import copy
import csv
import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from planning.application import default_application
from planning.groundwork import Groundwork
from planning.plan import plan
from planning.trace import fits, trace
from planning.trace_inputs import Place
from planning.trace_sources import SOURCES
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


# --- rules ---------------------------------------------------------------------------------------


def _resolves(file: str, ref: str) -> bool:
    """Whether a file of rules has what a reference names, found without the planner's reader."""
    path = REPOSITORY / file
    if path.is_dir():  # the standards of sizes, each named in one of the tables
        return any(ref in one.read_text("utf-8") for one in sorted(path.glob("*.csv")))
    if path.suffix == ".toml":
        rules = tomllib.loads(path.read_text("utf-8"))
        return _in_policy(rules, ref) or all(_in_policy(rules, one) for one in ref.split(", "))
    with path.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    cells = {cell for row in rows for cell in row.values() if cell} | set(rows[0])
    return ref in cells or set(ref.split(", ")) <= cells or any(ref in cell for cell in cells)


def _in_policy(rules: Document, ref: str) -> bool:
    """``planning.name``, ``input.name``, or the clause of an entry of the policy."""
    kind, _dot, name = ref.partition(".")
    if kind == "planning":
        return name in rules["planning"]
    if kind == "input":
        return name in {one["name"] for one in rules["input"]}
    entries = [rules[key] for key in rules if isinstance(rules[key], list)]
    return ref in {one.get("ref") for some in entries for one in some if isinstance(one, dict)}


def test_every_rule_that_a_number_leads_to_is_in_its_file(
    sample_plans: list[Document], town_plan: Document
) -> None:
    rules = [one["rule"] for document in (*sample_plans, town_plan) for one in document["trace"]]
    named = {(rule["file"], rule["ref"]) for rule in rules if rule}
    assert len(named) >= 15
    assert sorted(one for one in named if not _resolves(*one)) == []
    assert not _resolves("rules/counties/411523_xinxian/policy.toml", "tolerance")
    assert not _resolves("rules/standards/pipe_sizes.csv", "row")


# --- what the value can be worked out from again -------------------------------------------------


def _read(document: Document, path: str) -> set[tuple[str, str | None, str]]:
    return {(one["layer"], one["id"], one["field"]) for one in entry_of(document, path)["inputs"]}


def _utilities(document: Document) -> Iterator[tuple[str, Document]]:
    for number, line in enumerate(document["utilities"]):
        yield f"/utilities/{number}", line


def test_a_place_to_join_leads_to_its_own_main_and_its_fall_to_the_levels_there(
    sample_plans: list[Document],
) -> None:
    layers = {"line": "lines", "node": "nodes"}
    falls = 0
    for document in sample_plans:
        for at, line in _utilities(document):
            for kind in ("candidates", "rejected"):
                for n, one in enumerate(line["tie_ins"][kind]):
                    main = (layers[one["kind"]], one["id"], "geometry")
                    others = {
                        (layers[other["kind"]], other["id"], "geometry")
                        for other in line["tie_ins"]["candidates"]
                    } - {main}
                    path = f"{at}/tie_ins/{kind}/{n}"
                    for key in ("xy/0",) if kind == "rejected" else ("xy/1", "length_m"):
                        assert main in _read(document, f"{path}/{key}")
                        assert not others & _read(document, f"{path}/{key}")
                    fall = one.get("fall")
                    if fall is None or fall["needed_m"] is None:
                        continue
                    falls += 1
                    invert = "start_invert_m" if one["kind"] == "line" else "invert_level_m"
                    entry = entry_of(document, f"{path}/fall/needed_m")
                    assert (main[0], one["id"], invert) in _read(document, f"{path}/fall/needed_m")
                    slope = f"least_velocity_{line['utility']}_m_s"
                    assert entry["rule"]["ref"].startswith(slope)
    assert falls > 5


def test_a_clearance_of_a_drawn_route_leads_to_what_that_route_is_near() -> None:
    """It is drawn on the sewer, which the recommended route keeps clear of or meets elsewhere."""
    sewer = towns.main((0, 10), (300, 10), utility="sewage", diameter_mm=300.0)
    survey = towns.town(lines={"W-1": towns.main((0, 8.5), (300, 8.5)), "S-1": sewer})
    east, north = towns.ORIGIN
    course = [[x + east, y + north] for x, y in [(119, 8.5), (119, 10), (139, 10), (139, 12)]]
    drawn = {"water": [{"line": {"type": "LineString", "coordinates": course}}]}
    made = plan(towns.application(drawn_routes=drawn), survey, towns.policy())
    document = written(made.to_json())
    near = document["utilities"][0]["manual"]["clearances"]
    assert near[0]["id"] == "S-1"
    for n, one in enumerate(near):
        path = f"/utilities/0/manual/clearances/{n}"
        if one["gap_m"] is None:
            continue
        assert (one["layer"], one["id"], "geometry") in _read(document, f"{path}/gap_m")
        for key in ("required_m", "margin_m", "tolerance_m"):
            if one[key] is not None:
                rule = entry_of(document, f"{path}/{key}")["rule"]
                assert _resolves(rule["file"], rule["ref"])
    every = list(numbers(document))
    lost = [p for p in every if not any(fits(one["path"], p) for one in document["trace"])]
    assert lost == []


def test_an_interval_leads_to_what_says_how_exactly_its_line_hangs(
    sample_plans: list[Document],
) -> None:
    told = 0
    for document in sample_plans:
        red_line = ("parcels", document["parcel_id"], "position_source")
        for at, line in _utilities(document):
            if not line["intervals"]:
                continue
            route = next(r for r in line["routes"] if r["kind"] == line["recommended"])
            main = route["tie_in"]
            kept = "lines" if main["kind"] == "line" else "nodes"
            joined = (kept, main["line_id"] or main["node_id"], "position_accuracy_m")
            for name in line["intervals"]:
                told += 1
                read = _read(document, f"{at}/intervals/{name}/tolerance")
                assert {red_line, joined} <= read
                assert {("roads", road, "position_source") for road in route["roads"]} <= read
                rule = entry_of(document, f"{at}/intervals/{name}/tolerance")["rule"]
                assert "planning.interval_coverage" in rule["ref"]
                if name.startswith("green"):
                    assert {"green"} & {layer for layer, _id, _field in read}
                value = entry_of(document, f"{at}/intervals/{name}/value")["rule"]
                assert value["ref"] == f"input.{name}"
    assert told > 20


def test_a_point_to_survey_leads_to_how_it_is_located_now() -> None:
    """A main of ±1 m, and 199.6 m from it to a gate: 200 m are within."""
    place = {"position_source": "surveyed"}
    lines = {"W-1": towns.main((-60.4, -8.0), (-60.5, -60.0), position_accuracy_m=0.5)}
    survey = towns.town(
        lines=lines,
        roads={"R-1": towns.street((-200, 0), (300, 0), **place)},
        parcels={"P-1": towns.parcel(100, 12, 140, 52, **place)},
    )
    made = plan(towns.application(gate=(120, 12)), survey, towns.policy())
    document = written(made.to_json())
    [point] = document["utilities"][0]["survey_points"]
    assert point["feature"] == {"layer": "lines", "id": "W-1"}
    told = {
        ("lines", "W-1", field)
        for field in ("position_source", "position_accuracy_m", "position_scale", "depth_m")
    }
    at = "/utilities/0/survey_points/0"
    assert told <= _read(document, f"{at}/tolerance_m")
    assert told <= _read(document, f"{at}/needed_m")
    assert ("parcels", "P-1", "position_source") in _read(document, f"{at}/needed_m")
    assert ("lines", "W-1", "geometry") in _read(document, f"{at}/xy/0")
    for key in ("tolerance_m", "needed_m"):
        rule = entry_of(document, f"{at}/{key}")["rule"]
        assert "planning.tolerance_per_mean_error" in rule["ref"]
        assert _resolves(rule["file"], rule["ref"])


def test_new_duct_leads_to_the_way_and_the_ducts_that_carry_it(
    sample_plans: list[Document],
) -> None:
    told = 0
    for document in sample_plans:
        for at, line in _utilities(document):
            for n, route in enumerate(line["routes"]):
                if "pipe_length_new_duct_m" not in route["measures"]:
                    continue
                told += 1
                read = _read(document, f"{at}/routes/{n}/measures/pipe_length_new_duct_m")
                assert ("parcels", document["parcel_id"], "geometry") in read
                carried = {("lines", one["line_id"], "geometry") for one in route["carried"]}
                assert carried <= read
    assert told > 3


def test_an_entry_for_several_numbers_tells_of_each_what_its_own_row_does(
    sample_plans: list[Document], sample_work: Groundwork
) -> None:
    document = sample_plans[0]
    for pointer in numbers(document):
        row = next(one for one in SOURCES if fits("/" + "/".join(_stars(one.pattern)), pointer))
        pairs = zip(row.pattern, pointer, strict=False)
        bound = {name[1:-1]: segment for name, segment in pairs if name.startswith("{")}
        place = Place(document, sample_work.survey, pointer, bound)
        own = {(one.layer, one.id, one.field) for one in row.inputs(place)}
        assert own == _read(document, "/" + "/".join(pointer)), pointer


def _stars(pattern: tuple[str, ...]) -> Iterator[str]:
    """A pattern with ``*`` for its names."""
    return ("*" if segment.startswith("{") else segment for segment in pattern)

"""Repairs: shown first, remove the problem they claim to, keep ids, and are undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely import MultiPolygon
from shapely.geometry import Polygon, box

from layers.check_rules import check_rules
from layers.checks import check_layers
from layers.errors import LayerError
from layers.problems import Problem
from layers.repairs import REPAIRS, Repair, preview, problems_to_repair, repaired
from layers.store import Workspace
from layers.survey import Survey
from tests.towns import main, node, parcel, town
from tests.ui.town import fill_workspace

SQUARE = [(0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0)]


def land(shape: Any) -> dict[str, Any]:
    return {
        "parcels": {"P-1": {**parcel(0, 0, 1, 1), "geometry": shape}, "P-9": parcel(90, 0, 99, 9)}
    }


def pipes(**lines: Any) -> dict[str, Any]:
    return {"lines": {name.replace("_", "-"): line for name, line in lines.items()}}


FAULTS: dict[str, dict[str, Any]] = {
    "invalid_geometry": land(Polygon([(0, 0), (9, 9), (9, 0), (0, 9)])),
    "repeated_vertices": pipes(W_1=main((0, 0), (5, 0), (5, 0), (9, 0))),
    "spike": land(Polygon([(0, 0), (20, 0), (20, 20), (10, 20), (10.0, 45), (9.9, 20), (0, 20)])),
    "nearly_closed": pipes(W_1=main((0, 0), (50, 0), (50, 50), (0, 0.3))),
    "tiny_hole": land(Polygon(SQUARE, [box(5, 5, 5.2, 5.2).exterior.coords])),
    "multipart": land(MultiPolygon([box(0, 0, 9, 9), box(20, 0, 29, 9)])),
    "same_shape": {"parcels": {"P-1": parcel(0, 0, 9, 9), "P-2": parcel(0, 0, 9, 9)}},
    "duplicate_line": pipes(W_1=main((0, 0), (50, 0)), W_2=main((50, 0), (0, 0))),
    "near_miss": pipes(W_1=main((0, 0), (100, 0)), W_2=main((50, 0.3), (50, 40))),
    "crossing_without_node": pipes(W_1=main((0, 0), (100, 0)), W_2=main((50, -50), (50, 50))),
}


def town_with(rule: str) -> Survey:
    return town(**{"parcels": {}, "roads": {}, **FAULTS[rule]})


def of_rule(survey: Survey, rule: str) -> list[Problem]:
    found = (one for _layer, some in check_layers(survey) for one in some)
    return [one for one in found if one.rule_id == rule]


def after(survey: Survey, rule: str) -> tuple[Survey, list[Repair]]:
    problems = of_rule(survey, rule)
    layer = problems[0].layer
    table, done = repaired(survey, layer, problems)
    return Survey(survey.crs, {**survey.tables, layer: table}, survey.county), done


def test_every_repair_has_a_fault_here_and_a_rule_that_offers_it() -> None:
    offered = {one.repair for one in check_rules().values() if one.repair}
    assert offered == set(REPAIRS)
    assert {one.rule_id for one in check_rules().values() if one.repair} == set(FAULTS)


@pytest.mark.parametrize("rule", FAULTS)
def test_a_repair_removes_its_problem_and_brings_no_graver_one(rule: str) -> None:
    survey = town_with(rule)
    before = [one for _layer, some in check_layers(survey) for one in some]
    now, done = after(survey, rule)
    assert len(done) == len(of_rule(survey, rule)) >= 1
    assert of_rule(now, rule) == []
    rules = {one.rule_id for one in before}
    new = [one for _layer, some in check_layers(now) for one in some if one.rule_id not in rules]
    assert [one for one in new if one.severity != "note"] == []


@pytest.mark.parametrize("rule", FAULTS)
def test_a_repair_made_again_changes_nothing(rule: str) -> None:
    survey = town_with(rule)
    problems = of_rule(survey, rule)
    now, _done = after(survey, rule)
    layer = problems[0].layer
    again, done = repaired(now, layer, problems)
    assert done == []
    assert again.equals(now.tables[layer])


@pytest.mark.parametrize("rule", FAULTS)
def test_a_repair_leaves_all_other_rows_and_all_values_as_they_were(rule: str) -> None:
    survey = town_with(rule)
    now, done = after(survey, rule)
    layer = done[0].problem.layer
    old, new = survey.tables[layer], now.tables[layer]
    assert (old.crs, old.index.name, list(old.columns)) == (new.crs, new.index.name, list(new))
    touched = {name for one in done for name in one.before.index}
    rest = [name for name in old.index if name not in touched]
    assert new.loc[rest].equals(old.loc[rest])
    if rule not in {"multipart", "same_shape", "duplicate_line"}:
        assert list(new.index) == list(old.index)
    kept = [name for name in old.index if name in new.index]
    values = [name for name in old if name != "geometry"]
    assert new.loc[kept, values].equals(old.loc[kept, values])


@pytest.mark.parametrize("rule", FAULTS)
def test_the_order_of_rows_changes_no_repair(rule: str) -> None:
    survey = town_with(rule)
    turned = {name: table.iloc[::-1] for name, table in survey.tables.items()}
    one, _done = after(survey, rule)
    two, _again = after(Survey(survey.crs, turned, survey.county), rule)
    layer = of_rule(survey, rule)[0].layer
    first, second = one.tables[layer].sort_index(), two.tables[layer].sort_index()
    assert first.equals(second)


def test_a_snapped_end_lies_on_the_line_and_its_other_end_where_it_was() -> None:
    survey = town_with("near_miss")
    (problem,) = of_rule(survey, "near_miss")
    shown = preview(survey, problem)
    assert "移动 0.30 米,接到 W-1" in shown.words
    now, _done = after(survey, "near_miss")
    old, new = survey.tables["lines"].geometry["W-2"], now.tables["lines"].geometry["W-2"]
    assert new.distance(now.tables["lines"].geometry["W-1"]) < 1e-9
    assert new.coords[-1] == old.coords[-1]
    assert new.equals(shown.after.geometry["W-2"])
    assert survey.tables["lines"].geometry["W-2"].equals(old)  # nothing changed in the survey


def test_an_end_short_of_another_end_moves_onto_it() -> None:
    survey = town(
        parcels={}, roads={}, **pipes(W_1=main((0, 0), (50, 0)), W_2=main((50.3, 0), (90, 0)))
    )
    now, _done = after(survey, "near_miss")
    lines = now.tables["lines"].geometry
    assert lines["W-2"].coords[0] == lines["W-1"].coords[-1]


def test_a_trimmed_square_is_the_square() -> None:
    now, _done = after(town_with("spike"), "spike")
    shape = now.tables["parcels"].geometry["P-1"]
    assert shape.area == pytest.approx(400)


def test_parts_of_a_parcel_get_rows_of_their_own_beside_each_other() -> None:
    now, (one,) = after(town_with("multipart"), "multipart")
    assert list(now.tables["parcels"].index) == ["P-1.1", "P-1.2", "P-9"]
    assert one.meaning is not None
    assert set(now.tables["parcels"]["land_use"]) == {"residential"}


def test_a_joint_at_a_crossing_says_what_it_means() -> None:
    now, (one,) = after(town_with("crossing_without_node"), "crossing_without_node")
    assert one.meaning is not None
    assert "相接" in one.meaning
    assert [len(line.coords) for line in now.tables["lines"].geometry] == [3, 3]
    lengths = now.tables["lines"].length
    assert np.allclose(lengths, [100, 100])


def test_a_problem_without_a_repair_and_one_that_is_gone_are_refused() -> None:
    survey = town(parcels={"P-1": parcel(0, 0, 9, 9), "P-2": parcel(5, 0, 14, 9)}, roads={})
    (overlap,) = of_rule(survey, "overlapping_parcels")
    with pytest.raises(LayerError, match="不能自动修复"):
        problems_to_repair(survey, ids=[overlap.problem_id])
    with pytest.raises(LayerError, match="没有编号为 0000 的问题"):
        problems_to_repair(survey, ids=["0000"])


def test_a_repair_is_a_new_version_with_author_and_is_undone_by_going_back(tmp_path: Path) -> None:
    lines = FAULTS["near_miss"]["lines"]
    survey = town(parcels={}, roads={}, lines=lines, nodes={"V-1": node(9, 0, utility="water")})
    fill_workspace(tmp_path / "w", survey)
    workspace = Workspace.open(tmp_path / "w")
    stored = workspace.survey()
    (problem,) = of_rule(stored, "near_miss")
    (done,) = workspace.repair([problem], author="王工", note="现场核对")
    assert workspace.version("lines").version == 2
    (edit,) = [one for one in workspace.edits() if one.layer == "lines"]
    assert (edit.feature_id, edit.author, edit.note, edit.new) == (
        "W-2", "王工", "现场核对", done.words,
    )  # fmt: skip
    assert of_rule(workspace.survey(), "near_miss") == []
    assert workspace.repair([problem], author="王工") == []
    assert workspace.version("lines").version == 2
    workspace.rollback("lines", 1, author="王工")
    now = workspace.survey().tables["lines"]
    assert shapely.equals_identical(
        np.asarray(now.geometry), np.asarray(stored.tables["lines"].geometry)
    ).all()
    with pytest.raises(LayerError):
        workspace.repair([problem], author=" ")

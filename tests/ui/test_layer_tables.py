"""The tables of the page of data say what a visitor can read."""

from __future__ import annotations

from layers.diffs import CellChange, FeatureChange, LayerDiff, ShapeChange
from layers.fields import LAYERS, layer_definition
from layers.problems import Problem
from ui.layer_history import change_rows
from ui.layer_import import problem_rows

LAYER = next(iter(LAYERS))
FIELD = layer_definition(LAYER).fields[-1]


def test_a_change_names_its_field_in_words_and_says_what_is_unknown() -> None:
    change = FeatureChange("P1", (CellChange(FIELD.name, None, 3),), ShapeChange(1.5, None, None))
    rows = change_rows(LayerDiff(("A",), ("B",), (change,)), LAYER)
    assert rows.to_numpy().tolist() == [
        ["A", "新增", "", "", ""],
        ["B", "删除", "", "", ""],
        ["P1", "改动", FIELD.zh, "未知", "3"],
        ["P1", "改动", "图形", "", "移动 1.50 m"],
    ]


def test_two_equal_versions_have_no_rows() -> None:
    assert change_rows(LayerDiff((), (), ()), LAYER).empty


def test_a_problem_of_a_whole_layer_has_blanks_where_there_is_nothing_to_say() -> None:
    rows = problem_rows([Problem(LAYER, "a.csv", None, None, None, None, "规则", "办法")])
    assert rows["行"].isna().all()
    assert rows[["编号", "字段", "值"]].to_numpy().tolist() == [["", "", ""]]

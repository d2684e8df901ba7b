"""Answers outlive the file that they were told of: nothing of them is lost without a word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import layers.imports
from layers.answers import Answer
from layers.checks import check
from layers.errors import LayerError, WorkspaceError
from layers.store import Workspace
from tests.layers.layer_files import line, stored, write_gpkg

ROADS: Mapping[str, Mapping[str, Any]] = {
    "R-1": {"opened_on": "2010-01-01", "overhauled_on": "2015-01-01", "red_line_width_m": 20.0},
    "R-2": {"opened_on": None, "overhauled_on": "2016-01-01", "red_line_width_m": None},
}


def roads(path: Path, **changes: Mapping[str, Any] | None) -> Path:
    """The roads as a file; a row that is changed to None is left out."""
    rows = {**ROADS, **{name.replace("_", "-"): one for name, one in changes.items()}}
    rows = {name: ROADS.get(name, {}) | one for name, one in rows.items() if one is not None}
    table = pd.DataFrame.from_dict(rows, orient="index")
    columns = {"road_id": list(table.index)}
    columns |= {name: table[name].astype(object).where(table[name].notna(), None).tolist()
                for name in table}  # fmt: skip
    shapes = [line((0, 30 * at), (100, 30 * at)) for at in range(len(table))]
    return write_gpkg(path, columns, shapes)


@pytest.fixture
def opened(either: Workspace, tmp_path: Path) -> Workspace:
    either.import_layer("roads", roads(tmp_path / "台账.gpkg"), author="陈工")
    return either


def say(opened: Workspace, field: str, value: str, road: str = "R-1") -> None:
    answer = Answer(f"road:{road}", field, value)
    opened.answer([answer], author="甲", note="竣工图", replace=True)


def cell(opened: Workspace, field: str, road: str = "R-1") -> object:
    return opened.survey().tables["roads"].loc[road, field]


def again(opened: Workspace, file: Path, answers: str | None = None) -> Any:
    return opened.import_layer("roads", file, answers=answers, author="李工")


def test_an_answer_fills_the_cell_that_the_next_file_leaves_empty(
    opened: Workspace, tmp_path: Path
) -> None:
    say(opened, "opened_on", "2012-05-01", "R-2")
    say(opened, "red_line_width_m", "24", "R-2")
    result = again(opened, roads(tmp_path / "台账.gpkg"))
    assert cell(opened, "opened_on", "R-2") == "2012-05-01"
    assert cell(opened, "red_line_width_m", "R-2") == 24.0
    note = "文件未填处保留核实结果 2 项:R-2 通车日期、R-2 道路红线宽度"
    assert result.notes[-1] == note
    assert result.problems == ()
    assert opened.version("roads").note == note
    assert len(opened.edits()) == 2


def test_a_file_that_contradicts_an_answer_is_refused_row_by_row(
    opened: Workspace, tmp_path: Path
) -> None:
    say(opened, "overhauled_on", "2025-06-01")
    say(opened, "red_line_width_m", "24")
    (day, _width), before = opened.edits(), stored(opened)
    with pytest.raises(LayerError) as error:
        again(opened, roads(tmp_path / "台账.gpkg"))
    first, second, third = str(error.value).splitlines()
    assert first.startswith("文件 台账.gpkg:有 2 处与核实结果不符,未导入任何内容。")
    assert "--answers keep" in first
    assert second == (
        "文件 台账.gpkg 编号 R-1 字段 overhauled_on 值“2015-01-01”:"
        f"与核实结果 2025-06-01(甲 {day.made_at[:10]} 竣工图) 不符。请核对以哪个为准。"
    )
    assert "字段 red_line_width_m 值“20.0”:与核实结果 24.0(甲" in third
    assert stored(opened) == before


def test_answers_may_count(opened: Workspace, tmp_path: Path) -> None:
    say(opened, "overhauled_on", "2025-06-01")
    for version in (3, 4):  # as often as the file comes
        result = again(opened, roads(tmp_path / "台账.gpkg"), "keep")
        assert cell(opened, "overhauled_on") == "2025-06-01"
        assert [(one.rule_id, one.value, one.cure) for one in result.problems] == [
            ("against_answer", "2015-01-01", "已以核实结果为准")
        ]
        note = "与文件不符,以核实结果为准 1 项:R-1 大修日期"
        assert (opened.version("roads").version, opened.version("roads").note) == (version, note)


def test_the_file_may_count_and_its_cell_is_a_files_again(
    opened: Workspace, tmp_path: Path
) -> None:
    say(opened, "overhauled_on", "2025-06-01")
    say(opened, "opened_on", "2012-05-01", "R-2")  # the file leaves it empty: it stays
    result = again(opened, roads(tmp_path / "台账.gpkg"), "drop")
    assert cell(opened, "overhauled_on") == "2015-01-01"
    assert cell(opened, "opened_on", "R-2") == "2012-05-01"
    assert [one.cure for one in result.problems] == ["已以文件为准"]
    *_answers, edit = opened.edits()
    assert (edit.version, edit.feature_id, edit.old, edit.new, edit.author) == (
        4, "R-1", "2025-06-01", "2015-01-01", "李工",
    )  # fmt: skip
    assert "与核实结果不符,以文件为准 1 项:R-1 大修日期" in edit.note
    assert check(opened.survey())["rule_id"].tolist().count("against_answer") == 0

    other = roads(tmp_path / "新台账.gpkg", R_1={"overhauled_on": "2018-01-01"})
    assert again(opened, other).problems == ()
    assert cell(opened, "overhauled_on") == "2018-01-01"


def test_a_file_that_says_the_same_is_stored_without_a_word(
    opened: Workspace, tmp_path: Path
) -> None:
    say(opened, "overhauled_on", "2025-06-01")
    say(opened, "red_line_width_m", "24")
    same = {"overhauled_on": "2025/6/1", "red_line_width_m": 24.0}
    result = again(opened, roads(tmp_path / "新台账.gpkg", R_1=same))
    assert (result.problems, opened.version("roads").note) == ((), "")


def test_an_answer_that_breaks_a_rule_beside_the_new_row_contradicts_it(
    opened: Workspace, tmp_path: Path
) -> None:
    say(opened, "opened_on", "2014-05-01", "R-2")  # overhauled in 2016
    file = roads(tmp_path / "新台账.gpkg", R_2={"overhauled_on": "2013-01-01"})
    with pytest.raises(LayerError, match=r"未填,核实结果 2014-05-01\(甲 .*与文件中该行其他值矛盾"):
        again(opened, file)
    rules = [one.rule_id for one in again(opened, file, "keep").problems]
    assert rules == ["against_answer", "wrong_order"]
    assert cell(opened, "opened_on", "R-2") == "2014-05-01"
    again(opened, file, "drop")
    assert cell(opened, "opened_on", "R-2") is None
    assert opened.edits()[-1].new == ""


def test_an_answer_that_cannot_be_stored_beside_the_new_row_cannot_be_kept(
    either: Workspace, tmp_path: Path
) -> None:
    def lines(utility: str) -> Path:
        columns = {"line_id": ["L-1"], "utility": [utility], "subtype": [None]}
        return write_gpkg(tmp_path / f"{utility}.gpkg", columns, [line((0, 0), (9, 0))])

    either.import_layer("lines", lines("water"))
    either.answer([Answer("line:L-1", "subtype", "transmission")], author="甲")
    before = stored(either)
    for choice, said in ((None, "与核实结果不符"), ("keep", "核实结果与文件不能并存")):
        with pytest.raises(LayerError, match=said):
            either.import_layer("lines", lines("telecom"), answers=choice)
        assert stored(either) == before
    either.import_layer("lines", lines("telecom"), answers="drop")
    assert either.survey().tables["lines"].loc["L-1", "subtype"] is None


def test_answers_to_a_thing_that_the_file_lacks_are_told(opened: Workspace, tmp_path: Path) -> None:
    say(opened, "overhauled_on", "2025-06-01")
    result = again(opened, roads(tmp_path / "新台账.gpkg", R_1=None, R_9={"opened_on": None}))
    [problem] = result.problems
    assert (problem.severity, problem.feature_id, problem.field) == (
        "warning", "R-1", "overhauled_on",
    )  # fmt: skip
    assert "文件中没有这个编号,其核实结果 2025-06-01(甲" in problem.rule


def test_an_answer_does_not_pass_to_another_thing_of_the_same_id(
    opened: Workspace, tmp_path: Path
) -> None:
    say(opened, "opened_on", "2012-05-01", "R-2")
    file = roads(tmp_path / "新编号.gpkg", R_1=None)  # R-2 where R-1 was, 30 m off
    [problem] = again(opened, file).problems
    assert "文件中这个编号指另一处的对象,其核实结果 2012-05-01(甲" in problem.rule
    assert cell(opened, "opened_on", "R-2") is None


def test_rows_that_are_added_leave_answers_alone(opened: Workspace, tmp_path: Path) -> None:
    say(opened, "overhauled_on", "2025-06-01")
    file = roads(tmp_path / "新路.gpkg", R_1=None, R_2=None, R_9={"opened_on": "2020-01-01"})
    assert opened.import_layer("roads", file, append=True).problems == ()
    assert cell(opened, "overhauled_on") == "2025-06-01"


def test_what_a_county_was_said_to_have_none_of_may_be_imported(
    either: Workspace, tmp_path: Path
) -> None:
    either.answer([Answer("layer:roads", "geometry", "无")], author="甲")
    result = either.import_layer("roads", roads(tmp_path / "台账.gpkg"))
    assert result.notes[-1].startswith("此前答复本县无此类对象(甲 ")


def test_an_answer_that_comes_while_a_file_is_imported_is_not_lost(
    opened: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = layers.imports.conform

    def meanwhile(*arguments: object, **options: object) -> object:
        say(Workspace.open(opened.path), "overhauled_on", "2025-06-01")
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(layers.imports, "conform", meanwhile)
    with pytest.raises(WorkspaceError, match="在此期间有了新版本 2"):
        again(opened, roads(tmp_path / "台账.gpkg"))
    assert cell(opened, "overhauled_on") == "2025-06-01"


def test_a_trial_tells_what_an_import_would_ask(opened: Workspace, tmp_path: Path) -> None:
    say(opened, "overhauled_on", "2025-06-01")
    say(opened, "opened_on", "2012-05-01", "R-2")
    tried = opened.try_import("roads", roads(tmp_path / "台账.gpkg"))
    assert [one.rule_id for one in tried.problems] == ["against_answer"]
    assert tried.table.loc["R-2", "opened_on"] == "2012-05-01"
    assert "文件未填处保留核实结果 1 项:R-2 通车日期" in tried.notes


def test_a_return_names_the_answers_that_it_takes_back(opened: Workspace, tmp_path: Path) -> None:
    say(opened, "overhauled_on", "2025-06-01")
    say(opened, "opened_on", "2012-05-01", "R-2")
    lost = opened.taken_back("roads", 1)
    assert [(one.feature_id, one.new) for one in lost] == [
        ("R-1", "2025-06-01"), ("R-2", "2012-05-01"),
    ]  # fmt: skip
    made = opened.rollback("roads", 1, author="李工", note="误填")
    assert made.note == "误填;收回核实结果:R-1 大修日期、R-2 通车日期"
    assert [(one.version, one.feature_id, one.old, one.new) for one in opened.edits()[2:]] == [
        (4, "R-1", "2025-06-01", "2015-01-01"), (4, "R-2", "2012-05-01", ""),
    ]  # fmt: skip
    assert again(opened, roads(tmp_path / "台账.gpkg")).problems == ()

    assert opened.taken_back("roads", 3) == []
    opened.rollback("roads", 3, author="李工")
    assert cell(opened, "overhauled_on") == "2025-06-01"
    with pytest.raises(LayerError, match="有 1 处与核实结果不符"):  # they hold again
        again(opened, roads(tmp_path / "台账.gpkg"))
    assert "against_answer" not in check(opened.survey())["rule_id"].tolist()


def test_a_check_tells_of_an_answer_that_was_lost_before(opened: Workspace) -> None:
    say(opened, "overhauled_on", "2025-06-01")
    version = opened.version("roads", 1)
    opened._storage.publish(  # as a file was stored that nobody compared with answers
        layers.storage.Draft("roads", opened.read(version), "EPSG:4547", "internal", "旧.gpkg", "")
    )
    found = check(opened.survey())
    [row] = found[found["rule_id"] == "against_answer"].to_dict("records")
    assert (row["severity"], row["feature_id"], row["value"]) == ("note", "R-1", "2015-01-01")
    assert row["rule"].startswith("与核实结果 2025-06-01(甲 ")

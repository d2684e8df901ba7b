"""Answers: edits of stored layers with author, day and note; never silent, all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from layers.answers import Answer, asked_before, read_answers
from layers.attribute_checks import CONTRADICTED
from layers.checks import check_layers
from layers.errors import LayerError, ReadError
from layers.store import Workspace
from tests.layers.layer_files import stored
from tests.layers.old_workspaces import make_old
from tests.planned_town import make_workspace
from tests.towns import main, parcel, street, town

SURVEY = town(
    roads={
        "R-1": street((0, 0), (300, 0), opened_on=None, red_line_width_m=None),
        "R-2": street((0, 0), (0, 100)),
    },
    parcels={"P-1": parcel(100, 12, 140, 52)},
    lines={
        "W-1": main((0, 8), (300, 8), status=None),
        "W-2": main((0, -8), (300, -8), status="abandoned"),
    },
)


@pytest.fixture
def opened(store: str, tmp_path: Path) -> Workspace:
    return Workspace.open(make_workspace(tmp_path, SURVEY, []))


def test_an_answer_is_the_next_version_of_its_layer_and_keeps_who_said_it(
    opened: Workspace,
) -> None:
    before = opened.versions()
    (edit,) = opened.answer(
        [Answer("road:R-1", "opened_on", "2012年5月1日")], author="王工", note="竣工图"
    )
    after = opened.versions()
    assert (after["roads"].version, after["roads"].source_file) == (2, "answers")
    assert after["roads"].sha256 != before["roads"].sha256
    assert {k: v for k, v in after.items() if k != "roads"} == {
        k: v for k, v in before.items() if k != "roads"
    }
    roads = opened.survey().tables["roads"]
    assert roads.loc["R-1", "opened_on"] == "2012-05-01"
    assert roads.loc["R-2", "opened_on"] == "2010-01-01"
    assert (edit.feature_id, edit.field, edit.old, edit.new) == (
        "R-1", "opened_on", None, "2012-05-01",
    )  # fmt: skip
    assert (edit.author, edit.note, edit.version) == ("王工", "竣工图", 2)
    assert opened.edits() == [edit]


def test_what_a_layer_says_is_replaced_only_on_request(opened: Workspace) -> None:
    answer = Answer("road:R-2", "opened_on", "2012-05-01")
    with pytest.raises(LayerError, match="road:R-2:字段 opened_on 已有值 2010-01-01;"):
        opened.answer([answer], author="王工")
    (edit,) = opened.answer([answer], author="王工", replace=True)
    assert (edit.old, edit.new) == ("2010-01-01", "2012-05-01")


def test_the_same_answer_again_changes_nothing(opened: Workspace) -> None:
    answers = [Answer("line:W-1", "status", "在用"), Answer("road:R-1", "opened_on", "2012-05-01")]
    assert len(opened.answer(answers[:1], author="王工")) == 1
    version = opened.versions()["lines"].version
    (edit,) = opened.answer(answers, author="李工")
    assert (edit.feature_id, edit.author) == ("R-1", "李工")
    assert opened.versions()["lines"].version == version


def test_a_layer_that_was_never_imported_may_be_known_to_be_empty(opened: Workspace) -> None:
    assert not opened.survey().has("railways")
    with pytest.raises(LayerError, match="图层 railways 尚未导入"):
        opened.answer([Answer("layer:railways", "geometry", "有")], author="王工")
    opened.answer([Answer("layer:railways", "geometry", "无")], author="王工", note="全县无铁路")
    table = opened.survey().tables["railways"]
    assert len(table) == 0
    assert opened.edits()[0].note == "全县无铁路"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer("road:R-9", "opened_on", "2012-05-01"), "没有这个编号"),
        (Answer("road:R-1", "colour", "red"), "没有可回答的字段 colour"),
        (Answer("road:R-1", "road_id", "R-3"), "没有可回答的字段 road_id"),
        (Answer("road:R-1", "opened_on", "从前"), "须为年-月-日"),
        (Answer("road:R-1", "opened_on", "2030-01-01"), "R-1"),  # after its overhaul
        (Answer("road:R-1", "red_line_width_m", "4"), "R-1"),  # narrower than its carriageway
        (Answer("road:R-1", "red_line_width_m", "-4"), "R-1"),
        (Answer("line:W-1", "built_on", "2099-01-01"), "晚于今天"),
        (Answer("road:R-1", "opened_on", " "), "是空的"),
        (Answer("road:R-1", "authority", "unknown"), "“未知”不是答案"),
        (Answer("layer:lines", "status", "在用"), "须逐条核实"),
        (Answer("layer:railways", "geometry", "None"), "尚未导入"),
        (Answer("layer:railways", "railway_id", "无"), "尚未导入"),
        (Answer("application:A-1", "work_kind", "new"), "请在申请里补填"),
        (Answer("layer:letters", "geometry", "无"), "不是可回答的对象"),
        (Answer("R-1", "opened_on", "2012-05-01"), "不是可回答的对象"),
        (Answer("layer:nodes", "status", "in_service"), "尚未导入"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_and_changes_nothing(
    opened: Workspace, answer: Answer, said: str
) -> None:
    sound = Answer("line:W-1", "status", "in_service")
    before = stored(opened)
    with pytest.raises(LayerError, match=said):
        opened.answer([sound, answer], author="王工")
    assert stored(opened) == before
    assert opened.edits() == []


def test_an_answer_has_an_author(opened: Workspace) -> None:
    with pytest.raises(LayerError, match="--author"):
        opened.answer([Answer("line:W-1", "status", "in_service")], author=" ")


def test_a_workspace_from_before_answers_takes_them(tmp_path: Path) -> None:
    opened = Workspace.open(make_workspace(tmp_path, SURVEY, []))
    make_old(opened.path)
    opened = Workspace.open(opened.path)
    assert opened.edits() == []
    opened.answer([Answer("line:W-1", "status", "in_service")], author="王工")
    assert len(opened.edits()) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_answers_are_read_from_the_questions_file_as_a_spreadsheet_saves_it(
    tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "questions.csv"
    rows = ["subject,field,pairs,answer", "road:R-1,opened_on,4,2012-05-01", "road:路,authority,2,"]
    file.write_text("\n".join([*rows, "line:'W-1,status,1,在用"]), encoding=encoding)
    assert read_answers(file) == [
        Answer("road:R-1", "opened_on", "2012-05-01"),
        Answer("line:'W-1", "status", "在用"),
    ]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00\x01", b"subject,field\n"])
def test_what_is_no_questions_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "questions.csv"
    file.write_bytes(content)
    with pytest.raises(ReadError, match=r"questions\.csv"):
        read_answers(file)


def test_two_values_for_one_cell_are_refused_with_both_rows(
    opened: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "questions.csv"
    rows = ["subject,field,answer", "road:R-2,opened_on,2012-05-01", "line:W-1,status,在用"]
    for last in ("2014-05-01", "2012-05-02"):
        file.write_text("\n".join([*rows, f"road:R-2,opened_on,{last}"]), encoding="utf-8")
        before = stored(opened)
        said = (
            rf"road:R-2:字段 opened_on 有两个不同的答案:2012-05-01\(第 2 行\) 与 {last}\(第 4 行\)"
        )
        with pytest.raises(LayerError, match=said):
            opened.answer(read_answers(file), author="王工", replace=True)
        assert stored(opened) == before
    same = [Answer("road:R-2", "opened_on", "2012年5月1日"), *read_answers(file)[:2]]
    assert len(opened.answer(same, author="王工", replace=True)) == 2  # one day, written twice


def test_a_question_of_an_older_version_is_answered_while_its_cell_is_as_it_was(
    opened: Workspace,
) -> None:
    asked = Answer("road:R-1", "opened_on", "2012-05-01", version=1)
    other = [Answer("road:R-2", "surface", "concrete")]
    opened.answer(other, author="李工", replace=True)
    assert asked_before([asked], {"roads": 2}) == [
        "1 项的问题出自图层 roads 第 1 版,现为第 2 版;所答的值此后未变,已采用"
    ]
    assert asked_before([asked], {"roads": 1}) == []
    assert len(opened.answer([asked], author="王工")) == 1


def test_a_question_whose_cell_has_changed_since_is_not_answered(opened: Workspace) -> None:
    opened.answer([Answer("road:R-1", "opened_on", "2013-05-01")], author="李工")
    late = Answer("road:R-1", "opened_on", "2012-05-01", version=1)
    said = "问题出自图层第 1 版,此后已变\\(图层现为 2013-05-01\\)。请重新列出待查事项后再答。"
    for replace in (False, True):
        with pytest.raises(LayerError, match=said):
            opened.answer([late], author="王工", replace=replace)
    same = Answer("road:R-1", "opened_on", "2013年5月1日", version=1)
    assert opened.answer([same], author="王工") == []
    with pytest.raises(LayerError, match="没有第 7 版"):  # a file of another workspace
        opened.answer([Answer("road:R-1", "opened_on", "2013-05-01", version=7)], author="王工")


def test_a_question_about_another_thing_of_the_same_id_is_not_answered(
    opened: Workspace, tmp_path: Path
) -> None:
    moved = opened.survey().tables["roads"].translate(0, 500)
    file = tmp_path / "roads.gpkg"
    opened.survey().tables["roads"].set_geometry(moved).to_file(file)
    opened.import_layer("roads", file)
    late = Answer("road:R-1", "opened_on", "2012-05-01", version=1)
    with pytest.raises(LayerError, match="这个编号现指另一处的对象"):
        opened.answer([late], author="王工")


def test_a_version_that_is_no_number_is_told(tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    rows = "subject,field,version,answer\nroad:R-1,opened_on,{},2012-05-01\n"
    file.write_text(rows.format("3"), encoding="utf-8")
    assert read_answers(file)[0].version == 3
    file.write_text(rows.format("三"), encoding="utf-8")
    with pytest.raises(ReadError, match="第 2 行:version 列的“三”不是版本号"):
        read_answers(file)


def test_a_withdrawn_answer_gives_the_cell_back_and_holds_no_more(opened: Workspace) -> None:
    first, second = (
        opened.answer([Answer("road:R-2", "opened_on", day)], author="王工", replace=True)[0]
        for day in ("2012-05-01", "2013-05-01")
    )
    with pytest.raises(LayerError, match="R-2 的 通车日期:此答已不生效,无可收回。"):
        opened.withdraw(first, author="李工")
    with pytest.raises(LayerError, match="请写明经办人"):
        opened.withdraw(second, author=" ")
    (edit,) = opened.withdraw(second, author="李工", note="看错图")
    assert (edit.old, edit.new, edit.author, edit.version) == (
        "2013-05-01", "2012-05-01", "李工", 4,
    )  # fmt: skip
    roads = opened.version("roads")
    assert (roads.source_file, roads.author) == ("withdrawn", "李工")
    assert roads.note.startswith("看错图;收回核实结果:R-2 的 通车日期 = 2013-05-01(王工 ")
    assert opened.held(roads) == [first]  # what it had replaced holds again
    opened.withdraw(first, author="李工")
    assert opened.held(opened.version("roads")) == []
    assert opened.survey().tables["roads"].loc["R-2", "opened_on"] == "2010-01-01"


def test_an_empty_cell_is_empty_again_and_no_file_contradicts_it(
    opened: Workspace, tmp_path: Path
) -> None:
    (edit,) = opened.answer([Answer("road:R-1", "opened_on", "2012-05-01")], author="王工")
    opened.withdraw(edit, author="李工")
    roads = opened.survey().tables["roads"]
    assert roads["opened_on"].isna().tolist() == [True, False]
    file = tmp_path / "roads.gpkg"
    roads.assign(opened_on="2011-01-01").to_file(file, driver="GPKG", layer="roads")
    opened.import_layer("roads", file)  # nobody is asked which counts
    found = dict(check_layers(opened.survey(), layers=["roads"]))["roads"]
    assert [one for one in found if one.rule_id == CONTRADICTED] == []


def test_that_the_county_has_no_such_thing_is_not_withdrawn(opened: Workspace) -> None:
    (edit,) = opened.answer([Answer("layer:trees", "geometry", "无")], author="王工")
    with pytest.raises(LayerError, match="“本县无此类对象”不能收回"):
        opened.withdraw(edit, author="李工")

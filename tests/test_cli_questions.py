"""Questions and answers through the door: ask once, answer once, and all cases are settled."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from cli import main as cli
from layers.store import Workspace
from tests.planned_town import make_workspace
from tests.towns import main, parcel, street, town

SURVEY = town(
    roads={"R-1": street((0, 0), (400, 0), opened_on=None)},
    parcels={f"P-{n}": parcel(20 + 40 * n, 12, 50 + 40 * n, 40) for n in range(8)},
    lines={"W-1": main((0, -8), (400, -8))},
    buildings={"B-1": {"geometry": parcel(25, 15, 35, 25)["geometry"]}},
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("questions"), SURVEY, [])


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "workspace")


def asked(workspace: Path, file: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The water rows of a screening, and its questions."""
    out = file.parent / "screen.csv"
    done = run(
        "screen", workspace, "--out", out, "--questions", file, "--utilities", "water",
        "--dig-date", "2026-11-22",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return pd.read_csv(out), pd.read_csv(file) if file.suffix == ".csv" else pd.DataFrame()


def test_one_answer_settles_all_cases(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    for layer in ("green", "trees", "water_bodies", "railways"):
        assert (
            run("answer", workspace, f"layer:{layer}", "geometry", "无", "--author", "王").exit_code
            == 0
        )
    before, questions = asked(workspace, file)
    assert (before["outcome"] == "undetermined").all()
    (row,) = questions.to_dict("records")
    assert (row["subject"], row["field"], row["pairs"]) == ("road:R-1", "opened_on", 8)
    assert (row["settles"], row["case_ids"].count(";")) == (8, 7)

    questions.astype({"answer": object}).assign(answer="2012-05-01").to_csv(file, index=False)
    done = run("answer", workspace, "--file", file, "--author", "王工", "--note", "竣工图")
    assert done.exit_code == 0
    assert "R-1 的 opened_on 由 未填 改为 2012-05-01(王工" in done.output
    after, questions = asked(workspace, file)
    assert questions.empty
    assert (after["outcome"] == "commitment").all()
    listed = json.loads(run("answer", workspace, "--list", "--json").stdout)["edits"]
    assert [one["note"] for one in listed][-1] == "竣工图"
    assert len(listed) == 5


def test_that_a_road_was_never_overhauled_settles_all_cases(
    workspace: Path, tmp_path: Path
) -> None:
    for layer in ("green", "trees", "water_bodies", "railways"):
        run("answer", workspace, f"layer:{layer}", "geometry", "无", "--author", "王")
    run("answer", workspace, "road:R-1", "opened_on", "2012-05-01", "--author", "王")
    told = run(
        "answer", workspace, "road:R-1", "overhauled_on", "从未大修", "--author", "王", "--replace"
    )
    assert "R-1 的 overhauled_on 由 2015-01-01 改为 never(王" in told.output
    after, questions = asked(workspace, tmp_path / "questions.csv")
    assert questions.empty
    assert (after["outcome"] == "commitment").all()


def opening(workspace: Path, day: str, *options: str) -> Result:
    arguments = ("road:R-1", "opened_on", day, "--author", "王工", *options)
    return run("answer", workspace, *arguments)


def ledger(workspace: Path, file: Path, day: str | None) -> Path:
    """The roads as another office has them on record."""
    roads = Workspace.open(workspace).survey().tables["roads"]
    roads.assign(opened_on=day).to_file(file)
    return file


def test_a_ledger_does_not_take_an_answer_back_without_a_word(
    workspace: Path, tmp_path: Path
) -> None:
    opening(workspace, "2014-05-01", "--note", "竣工图")
    file = ledger(workspace, tmp_path / "台账.gpkg", "2012-01-01")
    arguments = ("import", workspace, file, "--layer", "roads")
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert "台账.gpkg:有 1 处与核实结果不符,未导入任何内容。" in refused.stderr
    assert "编号 R-1 字段 opened_on 值“2012-01-01”:与核实结果 2014-05-01(王工" in refused.stderr
    told = json.loads(run(*arguments, "--json").stdout)
    assert [one["rule_id"] for one in told["problems"]] == ["against_answer"]

    kept = run(*arguments, "--answers", "keep")
    assert kept.exit_code == 0, kept.output
    assert "与文件不符,以核实结果为准 1 项:R-1 通车日期" in kept.stdout
    assert run("answer", workspace, "--list").stdout.endswith("竣工图) 现仍生效\n")

    dropped = run(*arguments, "--answers", "drop")
    assert "与核实结果不符,以文件为准 1 项:R-1 通车日期" in dropped.stdout
    assert "以文件为准 1 项" in run("versions", workspace, "--layer", "roads").stdout
    first, last = run("answer", workspace, "--list").stdout.splitlines()
    assert first.endswith("竣工图) 已不生效:现为 2012-01-01")
    assert "R-1 的 opened_on 由 2014-05-01 改为 2012-01-01(" in last
    assert last.endswith(" 现仍生效")
    listed = json.loads(run("answer", workspace, "--list", "--json").stdout)["edits"]
    assert [(one["holds"], one["now"]) for one in listed] == [
        (False, "2012-01-01"), (True, "2012-01-01"),
    ]  # fmt: skip


def test_a_ledger_without_the_day_keeps_the_answer_and_says_so(
    workspace: Path, tmp_path: Path
) -> None:
    opening(workspace, "2014-05-01")
    file = ledger(workspace, tmp_path / "台账.gpkg", None)
    done = run("import", workspace, file, "--layer", "roads")
    assert done.exit_code == 0
    assert "文件未填处保留核实结果 1 项:R-1 通车日期" in done.stdout
    assert Workspace.open(workspace).survey().tables["roads"]["opened_on"].tolist() == [
        "2014-05-01"
    ]


def test_a_return_tells_the_answers_that_it_takes_back(workspace: Path) -> None:
    opening(workspace, "2014-05-01", "--note", "竣工图")
    arguments = ("rollback", workspace, "--layer", "roads", "--author", "李工", "--to")
    told = run(*arguments, 1).stdout
    assert "收回核实结果:R-1 的 通车日期 = 2014-05-01(王工 " in told
    listed = run("answer", workspace, "--list").stdout.splitlines()
    assert listed[0].endswith("竣工图) 已不生效:现为 未填")
    lost = json.loads(run(*arguments, 2, "--json").stdout)["taken_back"]
    assert lost == []


def test_a_question_tells_the_version_that_it_is_about(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    _before, questions = asked(workspace, file)
    versions = dict(zip(questions["subject"], questions["version"], strict=True))
    assert versions == {"road:R-1": 1, "layer:railways": 0, "layer:trees": 0,
                        "layer:water_bodies": 0, "layer:green": 0}  # fmt: skip

    answers = questions.astype({"answer": object})
    answers["answer"] = [
        "2012-05-01" if one == "road:R-1" else "无" for one in questions["subject"]
    ]
    answers.to_csv(file, index=False)
    run("answer", workspace, "road:R-1", "surface", "concrete", "--author", "李", "--replace")
    done = run("answer", workspace, "--file", file, "--author", "王工")
    assert done.exit_code == 0, done.output
    assert "1 项的问题出自图层 roads 第 1 版,现为第 2 版;所答的值此后未变,已采用" in done.stdout

    answers.assign(
        answer=["2013-05-01" if one == "road:R-1" else "" for one in answers["subject"]]
    ).to_csv(file, index=False)
    late = run("answer", workspace, "--file", file, "--author", "王工", "--replace")
    assert late.exit_code == 2
    assert "此后已变(图层现为 2012-05-01)" in late.stderr


def test_questions_as_json_name_all_that_wait(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "questions.json"
    asked(workspace, file)
    questions: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["questions"]
    subjects = {one["subject"] for one in questions}
    assert {"road:R-1", "layer:railways", "layer:trees"} <= subjects
    road = next(one for one in questions if one["subject"] == "road:R-1")
    assert road["utilities"] == ["water"]
    assert len(road["case_ids"]) == road["cases"] == 8


def test_a_screening_names_the_questions_that_settle_most(workspace: Path, tmp_path: Path) -> None:
    done = run("screen", workspace, "--out", tmp_path / "s.csv", "--utilities", "water")
    assert "待查事项 " in done.output
    assert "road:R-1 的 opened_on:涉及 8 项" in done.output


def test_a_place_that_questions_cannot_be_written_to_is_refused_before_the_work(
    workspace: Path, tmp_path: Path
) -> None:
    done = run("screen", workspace, "--out", tmp_path / "s.csv", "--questions", tmp_path / "q.xlsx")
    assert done.exit_code == 2
    assert ".csv、.json" in done.stderr
    assert not (tmp_path / "s.csv").exists()


def test_that_no_answer_is_stored_is_said(workspace: Path) -> None:
    done = run("answer", workspace, "--list")
    assert (done.exit_code, done.stdout) == (0, "没有已存的答案。\n")


def test_an_absent_file_of_answers_is_named(workspace: Path) -> None:
    done = run("answer", workspace, "--file", "none.csv", "--author", "王")
    assert done.exit_code == 2
    assert "文件 none.csv:磁盘上没有这个文件。请核对路径。" in done.stderr
    assert "Errno" not in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("road:R-1", "opened_on"),
        (),
        ("road:R-1", "opened_on", "2012-05-01", "--list"),
        ("road:R-1", "opened_on", "2012-05-01"),
        ("road:R-1", "opened_on", "soon", "--author", "王"),
        ("--file", "none.csv", "--author", "王"),
    ],
)
def test_an_answer_that_is_none_ends_with_2(workspace: Path, arguments: tuple[str, ...]) -> None:
    done = run("answer", workspace, *arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert json.loads(run("answer", workspace, "--list", "--json").stdout) == {"edits": []}


def test_an_answer_is_taken_back_by_its_subject(workspace: Path) -> None:
    cell = ("road:R-1", "opened_on")
    assert run("answer", workspace, *cell, "2014-05-01", "--author", "王工").exit_code == 0
    assert run("answer", workspace, *cell, "--withdraw").exit_code == 2  # nobody's
    done = run("answer", workspace, *cell, "--withdraw", "--author", "李工")
    assert done.exit_code == 0, done.output
    assert "roads 第 3 版:R-1 的 opened_on 由 2014-05-01 改为 未填(李工 " in done.output
    again = run("answer", workspace, *cell, "--withdraw", "--author", "李工")
    assert again.exit_code == 2
    assert "road:R-1:字段 opened_on 没有现仍生效的答案,无可收回。" in again.output

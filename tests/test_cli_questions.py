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

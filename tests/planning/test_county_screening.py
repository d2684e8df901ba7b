"""The kept screening of a county: the same table without solving, and never for anything else."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from layers.answers import Answer
from layers.kept_tables import KeptTables
from layers.store import Workspace
from planning import county_screening
from planning.batch import screen
from planning.county_screening import ANEW, KEPT, TAKEN_ON, Inputs, readable, screen_county
from tests.conftest import REPOSITORY
from tests.planned_town import documents, make_workspace
from tests.planning.edits import ribbon, with_layers

pytestmark = pytest.mark.slow_first

DAY = date(2026, 11, 29)


def inputs_of(workspace: Workspace, day: date = DAY) -> Inputs:
    return Inputs(workspace, workspace.survey(), workspace.applications(), day)


def assert_same(one: pd.DataFrame, two: pd.DataFrame) -> None:
    """Equal in every cell, however a column without any text is held.

    How far was searched is no answer: a few rows are solved one by one where many share bounds.
    """
    dropped = ["geometry", "searched_m"]
    cells = [table.drop(columns=dropped).astype(object) for table in (one, two)]
    assert_frame_equal(*(table.where(table.notna(), None) for table in cells), atol=1e-9)
    for a, b in zip(one["geometry"], two["geometry"], strict=True):
        assert (a is None and b is None) or a.equals_exact(b, 1e-9)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(make_workspace(tmp_path))


def refuse(*_arguments: Any, **_options: Any) -> Any:
    raise AssertionError("it was solved again")


def test_a_screening_is_made_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    solved: list[int] = []
    made = screen_county(inputs_of(workspace), progress=solved.append)
    assert (made.origin, made.notes, sum(solved) > 0) == (ANEW, (), True)
    assert_same(made.table, screen(inputs_of(workspace).work(), inputs_of(workspace).cases()))
    monkeypatch.setattr(county_screening, "screen", refuse)
    monkeypatch.setattr(county_screening, "prepare", refuse)
    again = screen_county(inputs_of(workspace))
    assert (again.origin, again.notes) == (KEPT, ())
    assert_same(again.table, made.table)


def test_a_part_is_taken_out_of_the_whole(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = ["P-3", "P-1"], ["power", "water"]
    alone = screen_county(inputs_of(workspace), *part)
    assert (alone.origin, workspace.screenings.listed()) == (ANEW, [])  # a part is not kept
    screen_county(inputs_of(workspace))
    monkeypatch.setattr(county_screening, "screen", refuse)
    taken = screen_county(inputs_of(workspace), *part)
    assert taken.origin == KEPT
    assert_same(taken.table, alone.table)


def test_it_is_never_given_for_anything_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One version of one layer, one word of one application, a day, a byte of the program."""
    key = inputs_of(workspace).key
    table = pd.DataFrame({"status": ["routed"], "geometry": [None]})
    workspace.screenings.keep(key, table, workspace.crs)

    def is_found(inputs: Inputs) -> bool:
        return workspace.screenings.find(inputs.key) is not None

    assert is_found(inputs_of(workspace))
    assert not is_found(inputs_of(workspace, DAY + timedelta(1)))
    with monkeypatch.context() as patched:
        patched.setattr(county_screening, "product_digest", lambda: "another program")
        assert not is_found(inputs_of(workspace))
    document = {**documents()[0], "work_kind": "rebuild"}
    workspace.save_application(document)
    assert not is_found(inputs_of(workspace))
    workspace.save_application(documents()[0])
    assert is_found(inputs_of(workspace))
    workspace.answer([Answer("road:R-1", "surface", "concrete")], author="李", replace=True)
    assert not is_found(inputs_of(workspace))
    # Even the same content is another version: who stored it says that it is looked at anew.
    workspace.rollback("roads", 1, author="李")
    assert not is_found(inputs_of(workspace))


def test_a_damaged_one_is_made_anew_with_a_word(workspace: Workspace) -> None:
    made = screen_county(inputs_of(workspace))
    (file, _key) = workspace.screenings.listed()[0]
    file.write_bytes(file.read_bytes()[:-9])
    again = screen_county(inputs_of(workspace))
    assert again.origin == ANEW
    assert again.notes == (f"保存的筛查 {file.name}:文件已损坏。已弃用。",)
    assert_same(again.table, made.table)
    assert screen_county(inputs_of(workspace)).origin == KEPT


def test_where_it_cannot_be_kept_it_is_given_all_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(KeptTables, "keep", full)
    made = screen_county(inputs_of(workspace))
    assert made.origin == ANEW
    assert "筛查未能保存在工作区" in made.notes[0]
    assert len(made.table) == 18


def test_anew_makes_it_anew(workspace: Workspace) -> None:
    screen_county(inputs_of(workspace))
    assert screen_county(inputs_of(workspace), anew=True).origin == ANEW


def test_after_an_edit_it_is_taken_on_and_equals_a_whole_screening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node told otherwise, and an application in place of a default demand."""
    wide = ribbon()
    few = wide.tables["parcels"].iloc[::4]
    workspace = Workspace.open(make_workspace(tmp_path, with_layers(wide, parcels=few), []))
    before = screen_county(inputs_of(workspace))
    workspace.answer([Answer("node:N-1", "spare_bays", "0")], author="李", replace=True)
    workspace.save_application({**documents()[1], "parcel_id": few.index[2]})
    inputs = inputs_of(workspace)
    after = screen_county(inputs)
    assert after.origin == TAKEN_ON
    assert 0 < after.table.attrs["solved_anew"] < len(after.table) == len(before.table)
    assert_same(after.table, screen(inputs.work(), inputs.cases()))
    monkeypatch.setattr(county_screening, "screen", refuse)
    assert screen_county(inputs_of(workspace)).origin == KEPT


def test_without_the_survey_of_then_it_is_made_anew(workspace: Workspace) -> None:
    screen_county(inputs_of(workspace))
    then = workspace.version("nodes", 1)
    workspace.answer([Answer("node:DN-1", "spare_bays", "0")], author="李", replace=True)
    (workspace.path / then.file).write_bytes(b"gone")
    assert screen_county(inputs_of(workspace)).origin == ANEW


def test_a_key_of_a_workspace_from_elsewhere_is_not_trusted(workspace: Workspace) -> None:
    key = dict(inputs_of(workspace).key)
    table = pd.DataFrame({"status": ["routed"], "geometry": [None]})
    for layers in ("roads", [1, 2], {"roads": 1}, {"roads": [1, 2, 3]}, {"../x": [1, "ab"]}, None):
        workspace.screenings.keep({**key, "layers": layers}, table, workspace.crs)
        assert county_screening._taken_on(inputs_of(workspace), None) is None
    for applications in ("x", [1], [{"parcel_id": {}}], None):
        workspace.screenings.keep({**key, "applications": applications}, table, workspace.crs)
        assert county_screening._taken_on(inputs_of(workspace), None) is None


def test_two_programs_at_once_leave_one_sound_screening(
    workspace: Workspace, tmp_path: Path
) -> None:
    outs = [tmp_path / f"{number}.csv" for number in range(2)]
    command = [sys.executable, "cli.py", "screen", str(workspace.path), "--dig-date", str(DAY)]
    running = [
        subprocess.Popen(
            [*command, "--out", str(out)], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=-1
        )
        for out in outs
    ]
    for one in running:
        _out, errors = one.communicate(timeout=300)
        assert one.returncode == 1, errors  # P-2 is far from any street
    assert outs[0].read_bytes() == outs[1].read_bytes()
    files = [path.name for path in workspace.screenings.folder.iterdir()]
    assert [file.name for file, _key in workspace.screenings.listed()] == files
    made = screen_county(inputs_of(workspace))
    assert (made.origin, made.notes) == (KEPT, ())


def test_unreadable_applications_are_told() -> None:
    found, faults = readable([documents()[0], {"application_id": "BZ-8"}])
    assert [one.application_id for one in found] == ["BZ-1"]
    assert len(faults) == 1

"""The comparison of screening and plans finds nothing where all is equal, and what is not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from docs.examples import check_batch
from planning.batch import screen
from planning.groundwork import Groundwork
from tests.planned_town import make_workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("compared"))


def test_a_town_whose_plans_equal_its_screening_ends_with_0(workspace: Path) -> None:
    done = CliRunner().invoke(check_batch.main, [str(workspace), "--dig-date", "2026-11-22"])
    assert done.exit_code == 0, done.output
    assert "不一致 0 项" in done.output


@pytest.mark.parametrize(
    ("column", "value"), [("length_m", 1.0), ("outcome", "blocked"), ("open_questions", "[]")]
)
def test_a_cell_that_differs_is_named(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, column: str, value: object
) -> None:
    def spoiled(work: Groundwork, cases: object) -> pd.DataFrame:
        table = screen(work, cases)  # type: ignore[arg-type]
        row = table.index[table["parcel_id"].eq("P-3") & table["utility"].eq("water")][0]
        table.loc[row, column] = value
        return table

    monkeypatch.setattr(check_batch, "screen", spoiled)
    done = CliRunner().invoke(check_batch.main, [str(workspace), "--dig-date", "2026-11-22"])
    assert done.exit_code == 1
    assert f"P-3 water {column}: {value} / " in done.output
    assert "不一致 1 项" in done.output


def test_what_is_no_workspace_ends_with_2(tmp_path: Path) -> None:
    assert CliRunner().invoke(check_batch.main, [str(tmp_path)]).exit_code == 2

"""The first start makes the sample county's workspace, once and whole."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from layers.errors import LayerError, WorkspaceError
from layers.store import Workspace
from tests.ui.town import town
from ui.sample import make_sample, ready_workspace


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    folder = tmp_path / "sample"
    (folder / "applications").mkdir(parents=True)
    for name in ("parcels", "roads"):
        table = town().tables[name].reset_index()
        table.to_file(folder / "county.gpkg", layer=name, driver="GPKG")
    (folder / "applications" / "XX-1.json").write_text(json.dumps({"application_id": "XX-1"}))
    return folder


def test_first_start_makes_the_workspace_with_layers_and_applications(
    sample: Path, tmp_path: Path
) -> None:
    path = ready_workspace(tmp_path / "new" / "workspace", sample)
    workspace = Workspace.open(path)
    assert workspace.synthetic
    assert set(workspace.survey().tables) == {"parcels", "roads"}
    assert [one["application_id"] for one in workspace.applications()] == ["XX-1"]
    assert sorted(one.name for one in path.parent.iterdir()) == ["workspace"]


def test_second_start_opens_what_is_there(sample: Path, tmp_path: Path) -> None:
    path = ready_workspace(tmp_path / "workspace", sample)
    before = sorted(path.rglob("*.gpkg"))
    assert ready_workspace(path, tmp_path / "absent") == path
    assert sorted(path.rglob("*.gpkg")) == before


def test_a_folder_that_is_no_workspace_is_left_alone(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(WorkspaceError, match="不是工作区"):
        ready_workspace(tmp_path, sample)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_sample_that_cannot_be_imported_leaves_nothing(sample: Path, tmp_path: Path) -> None:
    table = town().tables["parcels"].reset_index()
    twice = pd.concat([table, table], ignore_index=True)
    twice.to_file(sample / "county.gpkg", layer="parcels", driver="GPKG")
    with pytest.raises(LayerError):
        make_sample(tmp_path / "workspace", sample)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["sample"]

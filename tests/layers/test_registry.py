"""What the registry keeps of every version, and workspaces from before it kept so much."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import layers.folder_storage
import layers.imports
from layers.errors import LayerError, ReadError, WorkspaceError
from layers.raw import Skipped
from layers.store import Workspace
from tests.layers.layer_files import fingerprint, parcels_file, run_sql, square, stored, write_gpkg
from tests.layers.old_workspaces import make_old


def test_who_when_and_what_of_every_version_is_kept(either: Workspace, tmp_path: Path) -> None:
    columns = {"parcel_id": ["P1", "P2", "P3"], "land_use": ["教育", "=1", "教育"]}
    shapes = [square(0, 0), square(20, 0), square(40, 0)]
    path = write_gpkg(tmp_path / "宗地.gpkg", columns, shapes)
    either.import_layer("parcels", path, accept_valid=True, author=" 张工 ", data_class="sensitive")
    (version,) = either.history("parcels")
    assert (version.author, version.data_class, version.source_file) == (
        "张工", "sensitive", "宗地.gpkg",
    )  # fmt: skip
    assert (version.rows_in, version.rows, version.rejected) == (3, 2, 1)
    (source,) = either.sources()
    assert (source.layer, source.version, source.name) == ("parcels", 1, "宗地.gpkg")
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert source.document == f"sources/{source.sha256}.gpkg"
    assert either.source(source) == path.read_bytes()


def test_what_the_reader_left_out_counts_as_not_stored(
    either: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = layers.imports.read_layer

    def with_skipped(*arguments: object, **options: object) -> object:
        skipped = (Skipped("两个块", "没有插入点", 2),)
        return dataclasses.replace(real(*arguments, **options), skipped=skipped)

    monkeypatch.setattr(layers.imports, "read_layer", with_skipped)
    result = either.import_layer("parcels", parcels_file(tmp_path))
    (version,) = either.history()
    assert (version.rows_in, version.rows, version.rejected) == (5, 3, 2)
    assert result.rows_in == 5


def test_a_file_imported_twice_is_kept_once(either: Workspace, tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    either.import_layer("parcels", path)
    either.import_layer("parcels", path)
    first, second = either.sources()
    assert first.document == second.document
    assert len(either.history()) == 2


def test_a_source_that_was_changed_is_noticed(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_layer("parcels", parcels_file(tmp_path))
    (source,) = workspace.sources()
    (workspace.path / source.document).write_bytes(b"other")
    with pytest.raises(WorkspaceError, match=r"sources/.*与入库时不一致"):
        workspace.source(source)


def test_a_file_that_changes_while_it_is_read_is_refused(
    either: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parcels_file(tmp_path)
    before = stored(either)
    real = layers.imports.conform

    def meanwhile(*arguments: object, **options: object) -> object:
        run_sql(path, "PRAGMA user_version = 10300")
        return real(*arguments, **options)

    monkeypatch.setattr(layers.imports, "conform", meanwhile)
    with pytest.raises(ReadError, match="导入期间被改动"):
        either.import_layer("parcels", path)
    assert _without_folders(stored(either)) == _without_folders(before)


def _without_folders(found: dict[str, str]) -> dict[str, str]:
    return {name: one for name, one in found.items() if one != "folder"}


def test_a_killed_save_of_an_application_leaves_none_and_is_swept(workspace: Workspace) -> None:
    workspace.save_application({"application_id": "A1"})
    folder = workspace.path / "applications"
    (left,) = _left_by_a_dead_program(folder, ".json")
    assert [one["application_id"] for one in workspace.applications()] == ["A1"]
    workspace.save_application({"application_id": "A2"})
    assert not left.exists()


def _left_by_a_dead_program(folder: Path, suffix: str) -> list[Path]:
    """What a program leaves in a folder that ends while it writes a file there."""
    code = (
        "import os, sys; from pathlib import Path; from layers.versions import temporary_file\n"
        "with temporary_file(Path(sys.argv[1]), sys.argv[2]) as draft:\n"
        "    draft.write_bytes(b'half'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder), suffix], check=False)
    return [file for file in folder.iterdir() if file.name.startswith(".")]


def test_a_workspace_of_the_first_schema_is_read_and_written(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.import_layer("parcels", parcels_file(tmp_path))
    workspace.save_application({"application_id": "A1"})
    make_old(workspace.path)
    before = fingerprint(workspace.path)
    old = Workspace.open(workspace.path)
    (version,) = old.history()
    assert (version.author, version.rows_in, version.rejected) == ("", None, None)
    assert (old.sources(), old.exports(), old.edits()) == ([], [], [])
    assert len(old.survey().get("parcels")) == 3
    assert old.application("A1") == {"application_id": "A1"}
    assert fingerprint(workspace.path) == before

    old.import_layer("parcels", parcels_file(tmp_path, count=4), author="张工")
    first, second = Workspace.open(workspace.path).history("parcels")
    assert first == version
    assert (second.author, second.rows_in, len(old.sources())) == ("张工", 4, 1)
    with closing(sqlite3.connect(workspace.path / "tonggou.sqlite")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_failed_import_leaves_an_old_workspace_old(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.import_layer("parcels", parcels_file(tmp_path))
    make_old(workspace.path)
    before = fingerprint(workspace.path)

    def fail(*_arguments: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(layers.folder_storage, "place_together", fail)
    with pytest.raises(OSError, match="No space left"):
        workspace.import_layer("parcels", parcels_file(tmp_path, count=4))
    assert fingerprint(workspace.path) == before


def test_rollback_is_a_new_version_and_deletes_nothing(either: Workspace, tmp_path: Path) -> None:
    either.import_layer("parcels", parcels_file(tmp_path, count=1))
    either.import_layer("parcels", parcels_file(tmp_path, count=2), data_class="sensitive")
    made = either.rollback("parcels", 1, author="李工", note="第 2 版有误")
    assert (made.version, made.rows, made.author, made.note) == (3, 1, "李工", "第 2 版有误")
    assert (made.source_file, made.data_class) == ("version:1", "sensitive")
    assert [one.version for one in either.history("parcels")] == [1, 2, 3]
    assert len(either.survey().get("parcels")) == 1
    assert len(either.read(either.version("parcels", 2))) == 2


@pytest.mark.parametrize(
    ("layer", "to", "author", "said"),
    [
        ("parcels", 9, "李工", "没有第 9 版;已有的版本:1。"),
        ("parcels", 1, "李工", "当前版本就是第 1 版"),
        ("parcels", 1, " ", "--author"),
        ("roads", 1, "李工", "尚未导入"),
        ("letters", 1, "李工", "没有名为“letters”的图层"),
    ],
)
def test_a_rollback_that_cannot_be_is_refused(
    either: Workspace, tmp_path: Path, layer: str, to: int, author: str, said: str
) -> None:
    either.import_layer("parcels", parcels_file(tmp_path))
    before = stored(either)
    with pytest.raises(LayerError, match=said):
        either.rollback(layer, to, author=author)
    assert stored(either) == before


def test_drafts_of_dead_programs_are_swept_and_those_of_living_ones_stay(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = workspace.path / "layers" / "parcels"
    (left,) = _left_by_a_dead_program(folder, ".gpkg")
    mine = left.with_name(left.name.replace(f"-{left.name.split('-')[2]}-", f"-{os.getpid()}-"))
    mine.write_bytes(b"at work")
    assert workspace.survey().tables == {}
    workspace.import_layer("parcels", parcels_file(tmp_path))
    assert {file.name for file in folder.iterdir()} == {"1.gpkg", mine.name}

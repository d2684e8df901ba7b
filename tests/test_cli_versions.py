"""The commands over stored versions as a person or a script meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from layers.errors import WorkspaceError
from layers.store import Workspace
from tests.layers.layer_files import line, write_gpkg


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two versions of the lines: W2 goes, W3 comes, W1 is moved and gets a size."""
    path = tmp_path / "workspace"
    Workspace.create(path, "411523_xinxian", "EPSG:4547")
    first = write_gpkg(
        tmp_path / "一.gpkg",
        {"line_id": ["W1", "W2"], "utility": ["water"] * 2, "diameter_mm": [None, 200.0]},
        [line((0, 0), (100, 0)), line((0, 9), (100, 9))],
    )
    second = write_gpkg(
        tmp_path / "二.gpkg",
        {"line_id": ["W1", "W3"], "utility": ["water"] * 2, "diameter_mm": [300.0, 200.0]},
        [line((0, 0), (100, 0), (100, 2)), line((0, 9), (100, 9))],
    )
    assert run("import", path, first, "--layer", "lines", "--author", "张工").exit_code == 0
    made = run("import", path, second, "--layer", "lines", "--class", "sensitive")
    assert made.exit_code == 0, made.output
    return path


def test_versions_say_who_made_them_of_what(folder: Path) -> None:
    listed = run("versions", folder)
    assert listed.exit_code == 0
    first, second = listed.stdout.splitlines()
    assert first.startswith("lines 第 1 版:2 行,一.gpkg,张工 ")
    assert first.endswith(",源 2 行,未导入 0 行")
    assert second.startswith("lines 第 2 版:2 行,二.gpkg,")
    answer = json.loads(run("versions", folder, "--layer", "lines", "--json").stdout)
    assert [one["data_class"] for one in answer["versions"]] == ["internal", "sensitive"]
    assert [one["name"] for one in answer["sources"]] == ["一.gpkg", "二.gpkg"]
    assert answer["exports"] == []
    assert json.loads(run("versions", folder, "--layer", "roads", "--json").stdout) == {
        "versions": [], "sources": [], "exports": [],
    }  # fmt: skip


def test_a_difference_is_told_row_by_row(folder: Path) -> None:
    told = run("diff", folder, "--layer", "lines", 1, 2)
    assert told.exit_code == 0
    assert told.stdout.splitlines() == [
        "增加 W3",
        "删除 W2",
        "改动 W1:diameter_mm 由 未填 改为 300.0",
        "改动 W1:图形移动 2.000 米,长度变化 +2.000 米",
        "共增加 1 行,删除 1 行,改动 1 行",
    ]
    answer = json.loads(run("diff", folder, "--layer", "lines", 1, 2, "--json").stdout)
    assert (answer["added"], answer["removed"]) == (["W3"], ["W2"])
    assert answer["changed"][0]["cells"] == [{"field": "diameter_mm", "old": None, "new": 300.0}]
    same = run("diff", folder, "--layer", "lines", 2, 2)
    assert same.stdout == "共增加 0 行,删除 0 行,改动 0 行\n"


def test_a_rollback_is_told_and_seen(folder: Path) -> None:
    told = run(
        "rollback", folder, "--layer", "lines", "--to", 1, "--author", "李工", "--note", "误"
    )
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("lines 第 3 版:2 行,version:1,李工 ")
    assert told.stdout.endswith(" 误\n")
    assert run("diff", folder, "--layer", "lines", 1, 3).stdout.startswith("共增加 0 行,删除 0 行")


def test_a_version_that_is_not_there_is_refused(folder: Path) -> None:
    refused = run("diff", folder, "--layer", "lines", 1, 7)
    assert refused.exit_code == 2
    assert "图层 lines 没有第 7 版;已有的版本:1、2。" in refused.stderr


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "zip", "dxf", "kml", "csv"])
def test_an_export_is_recorded_with_who_took_it(folder: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    done = run(
        "export", folder, "--layer", "lines", "--version", 1, "--out", out, "--author", "王工"
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"已导出 {out}:图层 lines 第 1 版,2 行\n")
    (export,) = Workspace.open(folder).exports()
    assert (export.layer, export.version, export.format, export.author) == (
        "lines", 1, suffix, "王工",
    )  # fmt: skip
    assert out.stat().st_size > 0
    assert "导出 lines 第 1 版为" in run("versions", folder).stdout


def test_sensitive_data_leave_with_a_reason_only(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    refused = run("export", folder, "--layer", "lines", "--out", out)
    assert refused.exit_code == 2
    assert "图层 lines 第 2 版是敏感数据,导出须写明事由(--reason)。" in refused.stderr
    assert not out.exists()
    assert Workspace.open(folder).exports() == []
    done = run("export", folder, "--layer", "lines", "--out", out, "--reason", "联合踏勘", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["version"] == 2
    (export,) = Workspace.open(folder).exports()
    assert (export.version, export.reason) == (2, "联合踏勘")


def test_an_export_that_cannot_be_recorded_does_not_appear(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise WorkspaceError("busy")

    monkeypatch.setattr(Workspace, "record_export", fail)
    out = tmp_path / "out.csv"
    failed = run("export", folder, "--layer", "lines", "--out", out, "--reason", "联合踏勘")
    assert failed.exit_code == 2
    assert not out.exists()


def test_a_kind_of_file_that_cannot_be_written_is_refused(folder: Path, tmp_path: Path) -> None:
    refused = run("export", folder, "--layer", "lines", "--out", tmp_path / "out.shp")
    assert refused.exit_code == 2
    assert "请用 .gpkg、.geojson、.zip、.dxf、.kml、.csv 结尾" in refused.stderr

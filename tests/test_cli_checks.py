"""The commands check and repair as a person or a script meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.layers.layer_files import fingerprint, line, parcels_file, write_gpkg
from tests.test_cli_layers import COUNTY, refused, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "workspace"
    assert run("init", path, "--county", COUNTY, "--crs", "EPSG:4547").exit_code == 0
    return path


def network_with_a_gap(folder: Path, tmp_path: Path) -> None:
    """Import two water mains, the second 0.3 m short of the first."""
    columns = {"line_id": ["W1", "W2"], "utility": ["water", "water"]}
    shapes = [line((0, 0), (90, 0)), line((50, 0.3), (50, 40))]
    path = write_gpkg(tmp_path / "net.gpkg", columns, shapes)
    assert run("import", folder, "--layer", "lines", path).exit_code == 0


def test_check_writes_a_report_beside_its_list(folder: Path, tmp_path: Path) -> None:
    network_with_a_gap(folder, tmp_path)
    for name, start in (("report.html", b"<!DOCTYPE html>"), ("report.xlsx", b"PK")):
        result = run("check", folder, "--report", tmp_path / name)
        assert result.exit_code == 1
        assert f"报告:{tmp_path / name}" in result.stdout
        assert (tmp_path / name).read_bytes().startswith(start)
    refused(run("check", folder, "--report", tmp_path / "report.pdf"), "不能写成这种文件")
    refused(run("check", folder, "--layer", "pipes"), "没有名为“pipes”的图层")


def test_check_of_one_layer_tells_of_that_layer_only(folder: Path, tmp_path: Path) -> None:
    network_with_a_gap(folder, tmp_path)
    assert run("import", folder, "--layer", "parcels", parcels_file(tmp_path)).exit_code == 0
    answer = json.loads(run("check", folder, "--layer", "parcels", "--json").stdout)
    assert answer == {"layers": {"parcels": 3}, "problems": []}


def test_notes_alone_end_with_0(folder: Path, tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", {"line_id": ["W1"]}, [line((0, 0), (90, 0))])
    assert run("import", folder, "--layer", "lines", path, "--set", "utility=water").exit_code == 0
    result = run("check", folder)
    assert result.exit_code == 0
    assert "共 1 个图层,0 处问题,另有 1 处提示" in result.stdout


def test_a_repair_is_shown_made_and_undone(folder: Path, tmp_path: Path) -> None:
    network_with_a_gap(folder, tmp_path)
    problems = json.loads(run("check", folder, "--json").stdout)["problems"]
    (miss,) = [one for one in problems if one["rule_id"] == "near_miss"]
    before = fingerprint(folder / "layers")
    shown = run("repair", folder, "--rule", "near_miss", "--preview")
    assert "移动 0.30 米,接到 W1" in shown.stdout
    assert "可修复 1 处,未存" in shown.stdout
    assert fingerprint(folder / "layers") == before
    problem = miss["problem_id"]
    answer = json.loads(
        run("repair", folder, "--problem", problem, "--author", "王", "--json").stdout
    )
    assert answer["versions"] == {"lines": 2}
    assert list(answer["repairs"][0]["after"]) == ["W2"]
    problems = json.loads(run("check", folder, "--json").stdout)["problems"]
    assert not [one for one in problems if one["rule_id"] == "near_miss"]
    refused(run("repair", folder, "--problem", problem), f"没有编号为 {problem} 的问题")
    assert run("rollback", folder, "--layer", "lines", "--to", "1").exit_code == 0
    problems = json.loads(run("check", folder, "--json").stdout)["problems"]
    assert problem in [one["problem_id"] for one in problems]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--problem 或 --rule"),
        (["--rule", "near_miss", "--problem", "1"], "--problem 或 --rule"),
        (["--rule", "overlapping_parcels"], "没有修复办法"),
        (["--rule", "nothing"], "没有修复办法"),
    ],
)
def test_a_repair_that_cannot_be_is_refused(folder: Path, options, message) -> None:
    result = run("repair", folder, *options)
    assert result.exit_code == 2
    assert message in result.stderr

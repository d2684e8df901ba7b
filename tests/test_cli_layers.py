"""The commands init, import and check as a person or a script meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from shapely.geometry import LineString, Polygon

from cli import main
from tests.conftest import REPOSITORY
from tests.layers.layer_files import (
    EAST,
    NORTH,
    degrees_square,
    feature,
    fingerprint,
    line,
    parcels_file,
    square,
    write_geojson,
    write_gpkg,
)

COUNTY = "411523_xinxian"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "workspace"
    assert run("init", path, "--county", COUNTY, "--crs", "EPSG:4547").exit_code == 0
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(result: Result, message: str) -> None:
    """Assert a message and exit code 2, and no traceback."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_init_makes_a_workspace_and_says_so(tmp_path: Path) -> None:
    result = run("init", tmp_path / "w", "--county", COUNTY, "--crs", "EPSG:4547", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["crs"] == "EPSG:4547"
    assert (tmp_path / "w" / "workspace.toml").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--county", "000000_nowhere", "--crs", "EPSG:4547"), "没有县级规则“000000_nowhere”"),
        (("--county", COUNTY, "--crs", "EPSG:4490"), "经纬度"),
        (("--county", COUNTY, "--crs", "beijing"), "坐标系“beijing”无法识别"),
    ],
)
def test_init_refuses_and_makes_nothing(tmp_path: Path, options, message) -> None:
    refused(run("init", tmp_path / "w", *options), message)
    assert list(tmp_path.iterdir()) == []


def test_import_then_check_is_clean(folder: Path, tmp_path: Path) -> None:
    result = run("import", folder, "--layer", "parcels", parcels_file(tmp_path))
    assert result.exit_code == 0
    assert "图层 parcels 第 1 版:3 行,未导入 0 行" in result.stdout
    assert "字段对应:parcel_id←宗地编号" in result.stdout
    result = run("check", folder)
    assert (result.exit_code, result.stdout) == (0, "共 1 个图层,0 处问题\n")


def test_check_with_problems_ends_with_1(folder: Path, tmp_path: Path) -> None:
    columns = {"road_id": ["R1"], "车行道宽度": [12.0], "红线宽度": [9.0]}
    path = write_gpkg(tmp_path / "a.gpkg", columns, [line((0, 0), (9, 0))])
    assert run("import", folder, "--layer", "roads", path).exit_code == 0
    result = run("check", folder, "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["layers"] == {"roads": 1}
    [problem] = answer["problems"]
    assert (problem["feature_id"], problem["field"]) == ("R1", "red_line_width_m")
    assert "道路红线宽度" in run("check", folder).stdout


def test_accepting_the_valid_rows_ends_with_1(folder: Path, tmp_path: Path) -> None:
    columns = {"line_id": ["W1", "W2"], "管径": ["200", "DNx"]}
    shapes = [line((0, 0), (9, 0)), line((0, 5), (9, 5))]
    path = write_gpkg(tmp_path / "a.gpkg", columns, shapes)
    arguments = ("import", folder, "--layer", "lines", path, "--set", "utility=water")
    result = run(*arguments, "--json")
    refused(result, "值“DNx”:须为数字,或带单位的数字,不带其他文字")
    assert [problem["row"] for problem in json.loads(result.stdout)["problems"]] == [2]
    result = run(*arguments, "--accept-valid", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["rows"], answer["rejected"]) == (1, 1)
    assert Path(answer["rejected_file"]).is_file()


def bad_inputs(folder: Path) -> dict[str, tuple[Path, list[str], str]]:
    """Return what people bring, by name: the file, options, and part of the message."""
    degrees = Polygon([(114.86, 31.63), (114.87, 31.63), (114.87, 31.64)])
    bowtie = Polygon([(EAST, NORTH), (EAST + 9, NORTH + 9), (EAST + 9, NORTH), (EAST, NORTH + 9)])
    broken = degrees_square()
    broken["coordinates"][0][1][0] = float("nan")
    ids = {"parcel_id": ["P1"]}
    vrt = folder / "v.geojson"
    vrt.write_text("<OGRVRTDataSource/>")
    return {
        "degrees": (write_gpkg(folder / "d.gpkg", ids, [degrees]), [], "请用 --crs 指明"),
        "no_crs": (
            write_gpkg(folder / "n.gpkg", ids, [square(0, 0)], crs=None), [], "没有坐标系",
        ),
        "no_id": (
            write_gpkg(folder / "i.gpkg", {"x": [1]}, [square(0, 0)]), [],
            "找不到必填字段 parcel_id",
        ),
        "empty_id": (
            write_gpkg(folder / "e.gpkg", {"parcel_id": ["P1", None]}, [square(0, 0)] * 2), [],
            "文件 e.gpkg 第 2 行 字段 parcel_id:必填字段“宗地编号”为空。请补填",
        ),
        "invalid": (
            write_gpkg(folder / "b.gpkg", ids, [bowtie]), [],
            "文件 b.gpkg 第 1 行 编号 P1 字段 geometry:图形无效:自相交(在 ",
        ),
        "no_geometry": (write_gpkg(folder / "g.gpkg", ids, [None]), [], "几何为空"),
        "nan": (
            write_geojson(folder / "nan.geojson", [feature(broken, parcel_id="P1")]), [],
            "坐标含有 NaN、无穷大或大得不可能的数",
        ),
        "wrong_type": (
            write_gpkg(folder / "t.gpkg", ids, [line((0, 0), (9, 0))]), [],
            "几何类型为 LineString,须为 Polygon",
        ),
        "virtual": (vrt, [], "内容不是可以读取的格式"),
        "absent": (folder / "absent.gpkg", [], "磁盘上没有这个文件"),
        "url": (Path("/vsicurl/http://127.0.0.1:1/a.gpkg"), [], "不接受网址和虚拟路径"),
        "bad_map": (parcels_file(folder), ["--map", "name"], "--map name:须写作 字段=值"),
        "bad_crs": (parcels_file(folder), ["--crs", "4547"], "坐标系“4547”无法识别"),
        "bad_source": (parcels_file(folder), ["--source-layer", "x"], "没有图层“x”"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "case",
    ["degrees", "no_crs", "no_id", "empty_id", "invalid", "no_geometry", "nan", "wrong_type",
     "virtual", "absent", "url", "bad_map", "bad_crs", "bad_source"],
)  # fmt: skip
def test_bad_input_is_refused_and_changes_no_byte(folder: Path, tmp_path: Path, case) -> None:
    files = tmp_path / "files"
    files.mkdir()
    path, options, message = bad_inputs(files)[case]
    before = fingerprint(folder)
    refused(run("import", folder, "--layer", "parcels", path, *options), message)
    assert fingerprint(folder) == before


def test_unknown_layer_is_refused(folder: Path, tmp_path: Path) -> None:
    result = run("import", folder, "--layer", "pipes", parcels_file(tmp_path))
    refused(result, "没有名为“pipes”的图层")


@pytest.mark.parametrize("command", ["import", "check"])
def test_folder_that_is_no_workspace_is_left_alone(tmp_path: Path, command) -> None:
    files = parcels_file(tmp_path)
    before = fingerprint(tmp_path)
    extra = ["--layer", "parcels", files] if command == "import" else []
    refused(run(command, tmp_path, *extra), "不是工作区。请先运行 init 新建。")
    assert fingerprint(tmp_path) == before


def test_file_that_may_not_be_read_is_said(folder: Path, tmp_path: Path, monkeypatch) -> None:
    def deny(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", "a.gpkg")

    monkeypatch.setattr("layers.imports.read_layer", deny)
    refused(run("import", folder, "--layer", "parcels", parcels_file(tmp_path)), "a.gpkg")


def test_error_as_json_is_the_only_thing_on_standard_output(tmp_path: Path) -> None:
    result = run("check", tmp_path, "--json")
    refused(result, "不是工作区")
    assert json.loads(result.stdout)["problems"] == []


@pytest.mark.parametrize("command", [[], ["init"], ["import"], ["check"]])
def test_every_command_has_help_in_chinese(command) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert any("\u4e00" <= letter <= "\u9fff" for letter in result.stdout)


def test_the_door_opens_from_another_folder_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(REPOSITORY / "cli.py"), "check", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith(str(tmp_path))
    assert "Traceback" not in done.stderr


def test_import_options_for_coordinates_columns_and_picture(folder: Path, tmp_path: Path) -> None:
    """What a county's old CAD export needs: north first, no CRS, inches, no ids."""
    turned = [[(y, x) for x, y in line((0, n), (90, n)).coords] for n in (0, 5)]
    path = write_gpkg(
        tmp_path / "a.gpkg", {"GJ": [6, 8]}, [LineString(one) for one in turned], crs=None
    )
    arguments = ("import", folder, "--layer", "lines", path, "--set", "utility=water")
    refused(run(*arguments, "--make-ids"), "请用 --crs EPSG:4547 --swap-axes 确认")
    picture = tmp_path / "where.svg"
    result = run(
        *arguments, "--crs", "EPSG:4547", "--swap-axes", "--make-ids", "--map", "diameter_mm=GJ",
        "--unit", "diameter_mm=in", "--picture", picture, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    notes = json.loads(result.stdout)["notes"]
    assert "列“GJ”的单位 in 已换算为 mm" in notes
    assert "已按 --swap-axes 对调坐标轴(文件先北后东)" in notes
    assert "图层 lines 现状管线 的位置" in picture.read_text("utf-8")
    refused(run(*arguments, "--picture", tmp_path / "a.png"), "请用 .svg 结尾")

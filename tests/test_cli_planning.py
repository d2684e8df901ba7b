"""The commands demo, graph, plan and screen as a person or a script meets them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from cli import main
from cli_parts import progress
from tests.conftest import REPOSITORY
from tests.layers.layer_files import fingerprint
from tests.planned_town import APPLICATIONS, documents, make_workspace
from tests.towns import ORIGIN, parcel, town

COUNTY = "411523_xinxian"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("planned"))


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    """The workspace, which no command here may change by a byte, but for screenings it keeps."""

    def all_else() -> dict[str, str]:
        found = fingerprint(made)
        return {name: sha256 for name, sha256 in found.items() if not name.startswith("screenings")}

    before = all_else()
    yield made
    assert all_else() == before


def run(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=text)


def done(result: Result, exit_code: int = 0) -> Result:
    assert result.exit_code == exit_code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def refused(result: Result, message: str) -> None:
    """Assert exit code 2 with a message on standard error, and no traceback."""
    done(result, 2)
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == "" or set(json.loads(result.stdout)) == {"error", "problems"}


# --- demo -------------------------------------------------------------------------------------


def test_demo_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    before = fingerprint(tmp_path)
    refused(run("demo", tmp_path), "已有内容,不能新建工作区")
    assert fingerprint(tmp_path) == before


def test_demo_is_ready_to_open(sample_workspace: Path) -> None:
    applications = {file.stem for file in (REPOSITORY / "sample_data/applications").glob("*.json")}
    stored = {file.stem for file in (sample_workspace / "applications").glob("*.json")}
    assert stored == applications
    assert len(stored) >= 24
    checked = json.loads(run("check", sample_workspace, "--json").stdout)
    assert checked["layers"]["parcels"] >= 400
    assert checked["layers"]["buildings"] >= 2000


# --- graph ------------------------------------------------------------------------------------


def test_graph_holds_nodes_and_edges_with_every_measure(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "graph.gpkg"
    answer = json.loads(done(run("graph", folder, "--out", out, "--json")).stdout)
    nodes, edges = gpd.read_file(out, layer="nodes"), gpd.read_file(out, layer="edges")
    assert (answer["nodes"], answer["edges"]) == (len(nodes), len(edges))
    assert {"edge_id", "start_node", "end_node", "road_id", "geometry"} <= set(edges.columns)
    assert {"slot", "free_width_m", "free_width_water_m"} <= set(edges.columns)
    assert set(edges.loc[edges["slot"].isna(), "free_width_m"].isna()) == {True}
    assert np.allclose(edges.length, edges["length_m"])
    starts = nodes.set_index("node_id").geometry.loc[edges["start_node"]]
    assert (starts.distance(edges.geometry, align=False) < 0.001).all()
    # The street is crossed kerb to kerb in 10 m, red line to red line in 20 m.
    crossing = edges[edges["kerb_m"] > 0]
    assert len(crossing)
    assert np.allclose(crossing["red_line_m"], 2 * crossing["kerb_m"])


# --- plan -------------------------------------------------------------------------------------


def test_plan_writes_what_it_prints(folder: Path, tmp_path: Path) -> None:
    out, layers = tmp_path / "plan.json", tmp_path / "plan.gpkg"
    arguments = ("plan", folder, "--application", "BZ-1", "--out", out, "--gpkg", layers)
    printed = json.loads(done(run(*arguments, "--json")).stdout)
    assert printed == json.loads(out.read_text("utf-8"))
    assert gpd.list_layers(layers)["name"].to_list() == [
        "routes", "strips", "crossings", "trenches",
    ]  # fmt: skip
    routes = gpd.read_file(layers, layer="routes")
    lengths = {
        (line["utility"], route["kind"]): route["length_m"]
        for line in printed["utilities"]
        for route in line["routes"]
    }
    assert len(routes) == len(lengths) == 8
    for row in routes.itertuples():
        assert row.length_m == pytest.approx(lengths[row.utility, row.kind])
        assert row.geometry.length == pytest.approx(row.length_m)


def test_plan_says_beside_its_lines_that_the_day_of_digging_has_passed(tmp_path: Path) -> None:
    made = make_workspace(tmp_path, None, [documents()[0] | {"dig_date": "1999-01-01"}])
    result = done(run("plan", made, "--application", "BZ-1", "--out", tmp_path / "plan.json"))
    assert "拟开挖日期 1999-01-01 已过" in result.stderr
    assert "已过" not in result.stdout
    notices = json.loads((tmp_path / "plan.json").read_text("utf-8"))["notices"]
    assert [one["kind"] for one in notices if one["layer"] == "applications"] == ["dig_date_passed"]


def test_plan_of_the_town_is_the_one_worked_out_on_paper(folder: Path, tmp_path: Path) -> None:
    arguments = ("plan", folder, "--application", "BZ-1", "--out", tmp_path / "plan.json")
    lines = done(run(*arguments)).stdout.splitlines()
    # Water: main at y = 8.5, red line of the parcel at y = 12. Sewage: manhole at y = -8.5, so
    # 20.5 m across 10 m of carriageway.
    assert lines[0].startswith("给水 长 3.50 米,穿越 0 次 0.00 米")
    assert lines[0].endswith("告知承诺制审批 四(四)(1)")
    assert lines[1].startswith("污水 长 20.50 米,穿越 1 次 10.00 米")
    assert "待查:application BZ-1 的 hazardous_goods" in lines
    assert not any(line.startswith(("雨水", "燃气")) for line in lines)  # not requested


def test_plan_with_an_unroutable_line_ends_with_1_and_is_written(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "plan.json"
    result = done(run("plan", folder, "--application", "BZ-2", "--out", out), 1)
    # The parcel's edge at y = 400, the strip at y = 6.75.
    assert "给水 无法布置:距管线走廊过远(相距 393.25 米)" in result.stdout
    water = json.loads(out.read_text("utf-8"))["utilities"][0]
    assert (water["status"], water["reason"]) == ("unroutable", "gap_too_wide")
    assert water["gap_m"] == pytest.approx(393.25)


def drawn_file(folder: Path, *points: tuple[float, float], **members: Any) -> Path:
    """A GeoJSON file of one line in town metres; coordinates of EPSG:4547 without saying so."""
    line = [[x + ORIGIN[0], y + ORIGIN[1]] for x, y in points]
    geometry = {"type": "LineString", "coordinates": line}
    file = folder / "drawn.geojson"
    feature = {"type": "Feature", "properties": {}, "geometry": geometry, **members}
    file.write_text(json.dumps(feature), "utf-8")
    return file


def test_plan_judges_a_drawn_route_beside_the_recommended_one(folder: Path, tmp_path: Path) -> None:
    # From the main at y = 8.5 along it for 20 m, then 3.5 m to the red line; 1 m short of both.
    file = drawn_file(tmp_path, (119, 9), (119, 9.5), (139, 9.5), (139, 11))
    out = tmp_path / "plan.json"
    arguments = ("plan", folder, "--application", "BZ-1", "--route", f"water={file}", "--out", out)
    told = [line for line in done(run(*arguments)).stdout.splitlines() if "手绘" in line]
    assert told == [
        "给水 手绘路由 长 23.50 米,穿越 0 次 0.00 米,绿化 0.00 平方米:告知承诺制审批 四(四)(1)"
        ";接入端移到 W-1 上(0.50 米);末端移到红线上(1.00 米)"
    ]
    water = json.loads(out.read_text("utf-8"))["utilities"][0]
    assert water["manual"]["note"] == "drawn.geojson"
    assert datetime.fromisoformat(water["manual"]["at"]).tzinfo is not None
    assert water["manual"]["differences"]["extra_m"] == pytest.approx(20)


def test_plan_with_a_drawn_route_that_cannot_be_judged_ends_with_1(
    folder: Path, tmp_path: Path
) -> None:
    file = drawn_file(tmp_path, (119, 9), (119, -30))
    out = tmp_path / "plan.json"
    arguments = ("plan", folder, "--application", "BZ-1", "--route", f"water={file}", "--out", out)
    assert (
        "给水 手绘路由未采用:给水:手绘路由接入端离可接入的 W-1 38.50 米"
        in done(run(*arguments), 1).stdout
    )
    assert out.is_file()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("water", "须写作"),
        ("water:3={file}", "冒号后须为 1(第一路)或 2(第二路)"),
        ("water:={file}", "冒号后须为 1(第一路)或 2(第二路)"),
        ("water=absent.geojson", "没有这个文件"),
        ("steam={file}", "没有这个专业"),
    ],
)
def test_plan_refuses_a_drawn_route_that_is_none(
    folder: Path, tmp_path: Path, option: str, message: str
) -> None:
    file = drawn_file(tmp_path, (119, 9), (119, 12))
    out = tmp_path / "plan.json"
    arguments = ("plan", folder, "--application", "BZ-1", "--out", out)
    refused(run(*arguments, "--route", option.format(file=file)), message)
    assert not out.exists()


def test_plan_takes_an_application_from_a_file(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "app.json"
    file.write_text(json.dumps(application(parcel_id="P-3")), "utf-8")
    out = tmp_path / "plan.json"
    done(run("plan", folder, "--application", file, "--out", out))
    assert json.loads(out.read_text("utf-8"))["parcel_id"] == "P-3"


def application(**changes: Any) -> dict[str, Any]:
    usual = {
        "application_id": "X-1",
        "dig_date": "2026-11-22",
        **APPLICATIONS["BZ-1"],
    }
    return {**usual, **changes}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("BZ-9", "工作区中没有报装申请“BZ-9”"),
        ("../BZ-1", "报装申请编号“../BZ-1”不合规则"),
        ("absent.json", "工作区中没有报装申请“absent.json”"),
    ],
)
def test_plan_refuses_an_unknown_application(folder: Path, tmp_path: Path, name, message) -> None:
    refused(run("plan", folder, "--application", name, "--out", tmp_path / "p.json"), message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parcel_id": "P-9"}, "字段 parcel_id 的值 'P-9' 不在宗地图层中;请核对编号"),
        ({"parcel_id": ""}, "字段 parcel_id 的值 '' 不可用:不能为空;补填该字段"),
        ({"application_id": None}, "字段 application_id"),
        ({"dig_date": "tomorrow"}, "字段 dig_date 的值 'tomorrow' 不可用:须为日期"),
        ({"gate": [1, 2]}, "字段 gate"),
        ({"gate": [float("nan"), 2]}, "字段 gate"),
        ({"gate": "north"}, "字段 gate"),
        ({"gate": [114.87, 31.64]}, "像是经纬度(度):请换算成图层的坐标系 EPSG:4547(米)"),
        (
            {"demands": {"water": {"handover": {"xy": [114.87, 31.64]}}}},
            "handover.xy 不在宗地 P-1 内;请改正坐标或留空。坐标像是经纬度",
        ),
        ({"demands": {}}, "须写明至少一个专业的需求"),
        ({"demands": {"steam": {}}}, "没有这个专业;可用值为 water、sewage"),
        ({"demands": {"water": 200}}, "字段 demands.water 的值 200 不可用:须为一组字段"),
        ({"demands": {"water": {"nominal_mm": "200"}}}, "nominal_mm 的值 '200' 不可用:须为正数"),
        ({"demands": {"water": {"nominal_mm": True}}}, "nominal_mm 的值 True 不可用:须为正数"),
        ({"demands": {"water": {"nominal_mm": -1}}}, "nominal_mm 的值 -1 不可用:须为正数"),
        ({"demands": {"water": {"nominal_mm": float("inf")}}}, "nominal_mm 的值 inf 不可用"),
        ({"demands": {"telecom": {"duct_holes": 2.5}}}, "duct_holes 的值 2.5 不可用:须为整数"),
        ({"work_kind": "big"}, "字段 work_kind 的值 'big' 不可用:可用值为 new、"),
        ({"drainage": "none"}, "字段 drainage 的值 'none' 不可用"),
        ({"project": ["a"]}, "字段 project"),
    ],
)
def test_plan_refuses_an_application_that_cannot_be_planned(
    folder: Path, tmp_path: Path, changes: Mapping[str, Any], message: str
) -> None:
    file, out = tmp_path / "app.json", tmp_path / "plan.json"
    file.write_text(json.dumps(application(**changes)), "utf-8")
    refused(run("plan", folder, "--application", file, "--out", out, "--json"), message)
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n "b": [1, 2}', "不是 JSON(第 2 行第 12 列:缺少逗号,或括号没有合上)"),
        ("[" * 100_000, "不是 JSON(嵌套过深)"),
        ("\udcff", "不是 JSON(文字不是 UTF-8 编码)"),
        ("[1]", "须为一份申请"),
    ],
    ids=["broken", "nested", "bytes", "list"],
)
def test_plan_refuses_a_file_that_is_no_application(folder, tmp_path, text, message) -> None:
    file = tmp_path / "app.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    refused(run("plan", folder, "--application", file, "--out", tmp_path / "p.json"), message)
    assert list(tmp_path.iterdir()) == [file]


# --- screen -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def screened(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("screened")
    files = {suffix: folder / f"screen.{suffix}" for suffix in ("csv", "parquet", "gpkg")}
    for file in files.values():
        done(run("screen", made, "--out", file, "--dig-date", "2026-11-22"), 1)
    return files


def test_screen_gives_a_row_for_every_case_and_utility(screened: Mapping[str, Path]) -> None:
    table = pd.read_csv(screened["csv"], encoding="utf-8-sig")
    assert len(table) == 3 * 6
    assert table.groupby("status").size().to_dict() == {
        "not_requested": 6, "routed": 10, "unroutable": 2,
    }  # fmt: skip
    assert set(table["source"]) == {"application", "default_demand"}
    water = table[(table["application_id"] == "BZ-1") & (table["utility"] == "water")].iloc[0]
    assert (water["outcome"], water["clause"]) == ("commitment", "四(四)(1)")
    assert (water["length_m"], water["pipe_length_m"], water["max_dn_mm"]) == (3.5, 3.5, 200)
    assert table.loc[table["status"] != "routed", "outcome"].isna().all()


def test_screen_writes_the_same_rows_in_every_format(screened: Mapping[str, Path]) -> None:
    text = pd.read_csv(screened["csv"], encoding="utf-8-sig")
    parquet = gpd.read_parquet(screened["parquet"])
    layer = gpd.read_file(screened["gpkg"], layer="screen")
    for table in (parquet, layer):
        assert table.crs.to_epsg() == 4547
        assert list(table.columns) == [*text.columns, "geometry"]
        for name in ("parcel_id", "utility", "status"):
            assert table[name].to_list() == text[name].to_list()
        for name in ("length_m", "gap_m", "cost_yuan", "green_m2"):
            numbers = table[name].to_numpy(float), text[name].to_numpy(float)
            assert np.allclose(*numbers, equal_nan=True)
        routed = table[table["status"] == "routed"]
        assert np.allclose(routed.length, routed["length_m"])
        assert table.loc[table["status"] != "routed", "geometry"].isna().all()


def test_screen_narrows_to_named_utilities_and_parcels(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "screen.csv"
    names = ("--utilities", "water,power", "--parcels", "P-1")
    answer = json.loads(done(run("screen", folder, "--out", out, *names, "--json")).stdout)
    assert answer["rows"] == 2
    assert set(answer["one_by_one"]) == {"pairs", "solved", "cpu_s"}
    table = pd.read_csv(out, encoding="utf-8-sig")
    assert table["utility"].to_list() == ["water", "power"]
    assert set(table["parcel_id"]) == {"P-1"}


def test_a_screening_is_kept_and_said_to_be(tmp_path: Path) -> None:
    made = make_workspace(tmp_path)
    out, again = tmp_path / "one.parquet", tmp_path / "two.parquet"
    command = ("--dig-date", "2026-11-22", "--out")
    first = done(run("screen", made, *command, out), 1).stdout
    assert "其中逐项求解" in first
    assert all(words in first for words in ("已布置 ", "无法布置 ", "告知承诺制审批 "))
    assert not re.search("routed|unroutable|not_requested|commitment|undetermined", first)
    kept = done(run("screen", made, *command, again), 1).stdout
    assert "取自工作区中保存的筛查" in kept
    one, two = gpd.read_parquet(out), gpd.read_parquet(again)
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(two), check_dtype=False)
    told = json.loads(done(run("screen", made, *command, out, "--json"), 1).stdout)
    assert (told["origin"], told["one_by_one"], told["notes"]) == ("kept", None, [])
    anew = json.loads(done(run("screen", made, *command, out, "--json", "--anew"), 1).stdout)
    assert (anew["origin"], set(anew["one_by_one"])) == ("anew", {"pairs", "solved", "cpu_s"})
    (file,) = (made / "screenings").iterdir()
    file.write_bytes(b"damaged")
    answer = json.loads(done(run("screen", made, *command, out, "--json"), 1).stdout)
    assert (answer["origin"], len(answer["notes"])) == ("anew", 1)
    assert "文件已损坏" in answer["notes"][0]


def test_screen_of_a_county_without_parcels_is_refused(tmp_path: Path) -> None:
    bare = make_workspace(tmp_path, town(absent=("parcels",)), [])
    answer = run("screen", bare, "--out", tmp_path / "screen.csv")
    assert (answer.exit_code, "没有宗地,无从筛查" in answer.output) == (2, True)
    assert not (tmp_path / "screen.csv").exists()


def test_screen_of_a_county_without_networks_says_so(tmp_path: Path) -> None:
    bare = make_workspace(tmp_path, town(absent=("lines", "nodes")), [])
    out = tmp_path / "screen.csv"
    done(run("screen", bare, "--out", out, "--parcels", "P-1", "--utilities", "water"), 1)
    row = pd.read_csv(out, encoding="utf-8-sig").iloc[0]
    assert (row["status"], row["reason"]) == ("unroutable", "no_network_imported")


def test_an_application_for_no_known_parcel_is_reported_and_the_rest_is_screened(
    tmp_path: Path,
) -> None:
    lost = documents()[0] | {"application_id": "BZ-9", "parcel_id": "P-9"}
    made, out = make_workspace(tmp_path, None, [*documents(), lost]), tmp_path / "screen.csv"
    answer = json.loads(
        done(run("screen", made, "--out", out, "--utilities", "telecom", "--json"), 1).stdout
    )
    assert "BZ-9" in answer["problems"][0]
    assert "'P-9' 不在宗地图层中" in answer["problems"][0]
    table = pd.read_csv(out, encoding="utf-8-sig").set_index(["parcel_id", "utility"])
    assert table.loc[("P-9", "telecom"), "reason"] == "unknown_parcel"
    assert table.loc[("P-1", "telecom"), "status"] == "routed"


def test_an_application_file_that_cannot_be_read_is_told_and_the_rest_is_planned(
    made: Path, tmp_path: Path
) -> None:
    folder = Path(copytree(made, tmp_path / "copy"))
    broken = folder / "applications" / "BROKEN.json"
    broken.write_text('{"application_id": "BROKEN",', encoding="utf-8")
    out = tmp_path / "screen.csv"
    told = done(run("screen", folder, "--out", out), 1)
    assert "applications/BROKEN.json:不是 JSON(" in told.output
    assert "BZ-1" in set(pd.read_csv(out)["application_id"])
    answer = json.loads(done(run("screen", folder, "--out", out, "--json"), 1).stdout)
    assert any("applications/BROKEN.json" in one for one in answer["problems"])
    told = done(run("graph", folder, "--out", tmp_path / "graph.gpkg"))
    assert "applications/BROKEN.json:不是 JSON(" in told.output
    done(run("plan", folder, "--application", "BZ-1", "--out", tmp_path / "plan.json"))
    refused(
        run("plan", folder, "--application", "BROKEN", "--out", tmp_path / "plan.json"),
        "applications/BROKEN.json:不是 JSON(",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--utilities", "steam"), "--utilities 的值 steam:没有这个名称;可用值为 water、"),
        (("--utilities", ""), "--utilities 的值 ''"),
        (("--parcels", "P-1,P-9"), "--parcels 的值 P-9:没有这个名称;可用值为 P-1、P-2、P-3"),
        (("--dig-date", "soon"), "--dig-date 的值 soon:须为日期"),
        (("--dig-date", "2026-W47-7"), "--dig-date 的值 2026-W47-7:须为日期"),
    ],
)
def test_screen_refuses_unknown_names_and_days(folder, tmp_path, options, message) -> None:
    refused(run("screen", folder, "--out", tmp_path / "s.csv", *options), message)
    assert list(tmp_path.iterdir()) == []


def test_screen_leaves_no_cell_that_a_spreadsheet_would_run(tmp_path: Path) -> None:
    evil = "=HYPERLINK(1)"
    survey = town(parcels={evil: parcel(100, 12, 140, 52)}, absent=("lines", "nodes"))
    bare = make_workspace(tmp_path, survey, [])
    out = tmp_path / "screen.csv"
    done(run("screen", bare, "--out", out, "--utilities", "water", "--parcels", evil), 1)
    assert pd.read_csv(out, encoding="utf-8-sig")["parcel_id"].to_list() == [f"'{evil}"]


# --- places to write, workspaces to read ------------------------------------------------------

COMMANDS = {
    "graph": ("graph.gpkg", ()),
    "plan": ("plan.json", ("--application", "BZ-1")),
    "screen": ("screen.csv", ()),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_suffix_is_refused(folder: Path, tmp_path: Path, command: str) -> None:
    _name, options = COMMANDS[command]
    refused(
        run(command, folder, "--out", tmp_path / "out.docx", *options),
        "不能写成这种文件;请用 .",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_absent_folder_is_refused(folder: Path, tmp_path: Path, command: str) -> None:
    name, options = COMMANDS[command]
    out = tmp_path / "absent" / name
    refused(run(command, folder, "--out", out, *options), "不存在;请先新建,或改写到别处")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_folder_in_place_of_the_file_is_refused(folder: Path, tmp_path: Path, command) -> None:
    name, options = COMMANDS[command]
    (tmp_path / name).mkdir()
    refused(run(command, folder, "--out", tmp_path / name, *options), "这是文件夹;请写明文件名")


@pytest.mark.parametrize("command", COMMANDS)
def test_folder_that_may_not_be_written_is_refused(
    folder: Path, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(*_arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(options["dir"]))

    name, options = COMMANDS[command]
    monkeypatch.setattr("reports.exchange.tempfile.TemporaryDirectory", deny)
    refused(run(command, folder, "--out", tmp_path / name, *options), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_plan_is_not_written_when_its_layers_cannot_be(folder: Path, tmp_path: Path) -> None:
    arguments = ("--application", "BZ-1", "--out", tmp_path / "plan.json")
    gpkg = ("--gpkg", tmp_path / "absent" / "plan.gpkg")
    refused(run("plan", folder, *arguments, *gpkg), "不存在")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_folder_that_is_no_workspace_is_left_alone(tmp_path: Path, command: str) -> None:
    name, options = COMMANDS[command]
    (tmp_path / "letter.txt").write_text("mine")
    before = fingerprint(tmp_path)
    refused(run(command, tmp_path, "--out", tmp_path / name, *options), "不是工作区")
    refused(run(command, tmp_path / "absent", "--out", tmp_path / name, *options), "不是工作区")
    assert fingerprint(tmp_path) == before


@pytest.mark.parametrize("command", [*COMMANDS, "demo", "judge"])
def test_every_command_has_help_in_chinese(command: str) -> None:
    text = done(run(command, "--help")).stdout
    assert "--json" in text
    assert any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_a_progress_bar_foretells_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    with progress("筛查", 100) as bar:
        bar.update(1)
        assert "1%" in terminal.getvalue()
        assert not re.search(r"\d\d:\d\d", terminal.getvalue())


@pytest.mark.parametrize(("command", "options"), [("graph", ()), ("export", ("--layer", "roads"))])
def test_what_takes_seconds_tells_its_steps(
    command: str, options: tuple[str, ...], made: Path, tmp_path: Path, monkeypatch
) -> None:
    folder = copytree(made, tmp_path / "workspace")
    steps: list[int] = []

    @contextmanager
    def recorded(_label: str, of: int, **_options: bool) -> Iterator[SimpleNamespace]:
        steps.append(of)
        yield SimpleNamespace(update=lambda done: steps.append(-done))

    for module in ("cli", "cli_versions"):
        monkeypatch.setattr(f"{module}.progress", recorded)
    done(run(command, folder, "--out", tmp_path / "out.gpkg", *options))
    assert steps == [2, -1, -1]

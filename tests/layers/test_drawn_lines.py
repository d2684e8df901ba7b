"""One drawn line from a file, wherever its coordinates come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ezdxf
import geopandas as gpd
import pytest
import shapely
import shapely.affinity
from pyproj import CRS
from shapely.geometry import LineString, mapping

from layers import drawn_lines
from layers.drawn_lines import read_line
from layers.dxf import refuse_dwg
from layers.errors import LayerError, ReadError
from layers.formats import FORMATS
from layers.inp import read_inp
from layers.problems import Problem

TOWN = CRS.from_epsg(4547)
LINE = LineString([(582_000, 3_502_000), (582_040, 3_502_030)])


def written(folder: Path, *shapes: Any, **members: Any) -> Path:
    features = [
        {"type": "Feature", "properties": {}, "geometry": mapping(one) if one else None}
        for one in shapes
    ]
    file = folder / "line.geojson"
    text = {"type": "FeatureCollection", "features": features, **members}
    file.write_text(json.dumps(text), "utf-8")
    return file


def degrees(line: LineString) -> LineString:
    return gpd.GeoSeries([line], crs=TOWN).to_crs(4326).iloc[0]


def test_longitude_and_latitude_become_metres(tmp_path: Path) -> None:
    line = read_line(written(tmp_path, degrees(LINE)), TOWN).line
    assert line.length == pytest.approx(50, abs=1e-3)
    assert line.distance(LINE) < 1e-3


def test_metres_without_a_crs_are_those_of_the_workspace(tmp_path: Path) -> None:
    assert read_line(written(tmp_path, LINE), TOWN).line.equals(LINE)


def test_metres_of_a_named_crs_are_moved(tmp_path: Path) -> None:
    elsewhere = gpd.GeoSeries([LINE], crs=TOWN).to_crs(4526).iloc[0]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4526"}}
    line = read_line(written(tmp_path, elsewhere, crs=crs), TOWN).line
    assert shapely.hausdorff_distance(line, LINE) < 1e-3


def test_a_geopackage_and_heights_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "line.gpkg"
    raised = shapely.force_3d(LINE, 7.0)
    gpd.GeoDataFrame(geometry=[raised], crs=TOWN).to_file(file, layer="route", driver="GPKG")
    line = read_line(file, TOWN).line
    assert line.equals(LINE)
    assert not line.has_z


@pytest.mark.parametrize(
    "shapes",
    [(), (None,), (LINE, LINE), (LINE.centroid,), (shapely.MultiLineString([LINE]), LINE)],
)
def test_anything_but_one_line_is_refused(tmp_path: Path, shapes: tuple[Any, ...]) -> None:
    with pytest.raises(ReadError, match="恰好有一条线"):
        read_line(written(tmp_path, *shapes), TOWN)


def test_a_line_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="不在坐标系"):
        read_line(written(tmp_path, LineString([(582_000_000, 1), (582_000_100, 1)])), TOWN)


def drawn_in_cad(folder: Path, *lines: LineString, remark: str = "") -> Path:
    drawing = ezdxf.new(units=6)
    for line in lines:
        drawing.modelspace().add_lwpolyline(list(line.coords))
    if remark:
        drawing.modelspace().add_text(remark)
    drawing.saveas(folder / "line.dxf")
    return folder / "line.dxf"


def test_the_line_of_a_cad_drawing_is_taken_and_what_else_is_in_it_told(tmp_path: Path) -> None:
    found = read_line(drawn_in_cad(tmp_path, LINE, remark="给水"), TOWN)
    assert found.line.equals(LINE)
    assert any("未采用:图层 0 的 TEXT 1 个" in note for note in found.notes)
    assert "文件没有写明坐标系,已按工作区坐标系 EPSG:4547 读取" in found.notes


def test_parts_that_meet_are_one_line_and_parts_that_do_not_are_refused(tmp_path: Path) -> None:
    (x, y), end = LINE.coords
    middle = (x + 8, y + 6)
    parts = shapely.MultiLineString([[(x, y), middle], [middle, end]])
    assert read_line(written(tmp_path, parts), TOWN).line.equals(LINE)
    apart = shapely.MultiLineString([[(x, y), middle], [(x + 16, y + 12), end]])
    with pytest.raises(ReadError, match=r"现有 1 个图形\(第 1 行 MultiLineString\)"):
        read_line(written(tmp_path, apart), TOWN)


def test_lines_of_a_drawing_that_meet_end_to_end_are_one_and_that_is_told(tmp_path: Path) -> None:
    (x, y), end = LINE.coords
    middle = (x + 8, y + 6)
    halves = LineString([end, middle]), LineString([(x, y), middle])
    found = read_line(drawn_in_cad(tmp_path, *halves), TOWN)
    assert found.line.normalize().equals_exact(LineString([(x, y), middle, end]).normalize())
    assert found.line.length == pytest.approx(50)
    assert "2 个图形首尾相接,已合并为一条线" in found.notes
    assert not any("合并" in note for note in read_line(drawn_in_cad(tmp_path, LINE), TOWN).notes)


def test_lines_that_are_together_no_way_from_here_to_there_are_refused(tmp_path: Path) -> None:
    (x, y), end = LINE.coords
    middle, aside = (x + 8, y + 6), (x, y + 9)
    lines = LineString([(x, y), middle]), LineString([middle, end]), LineString([middle, aside])
    twice = LineString([(x, y), middle, end]), lines[1]
    for drawn in (lines, twice, (LINE, LINE.reverse()), (LINE, LineString([end, aside, (x, y)]))):
        with pytest.raises(ReadError, match="恰好有一条线"):
            read_line(drawn_in_cad(tmp_path, *drawn), TOWN)


def test_a_stated_crs_is_not_overruled(tmp_path: Path) -> None:
    """Metres in a file that states degrees: refused with what they may be, not read otherwise."""
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    stated = tmp_path / "line.gpkg"
    gpd.GeoDataFrame(geometry=[LINE], crs=4490).to_file(stated, driver="GPKG")
    for file in (written(tmp_path, LINE, crs=crs), stated):
        with pytest.raises(LayerError, match=r"EPSG:4490 的适用范围[^+]*EPSG:4547"):
            read_line(file, TOWN)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.dxf", b"\x00\x01\x02"),
        ("a.kml", b"x,y\n1,2\n3,4\n"),
        ("a.geojson", b"SQLite format 3\x00"),
    ],
)
def test_a_file_of_no_fitting_kind_is_told_the_kinds_that_a_line_can_be_read_from(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError) as refused:
        read_line(tmp_path / name, TOWN)
    told = str(refused.value)
    assert told.startswith(f"文件 {name}:内容不是可以作线文件的格式,或与扩展名不符。可以用:DXF、")
    assert all(one in told for one in drawn_lines.LINE_FORMATS)
    for elsewhere in ("CSV", "XLSX", "EPANET", "导入", "改名"):
        assert elsewhere not in told, elsewhere


def test_a_line_is_read_from_every_kind_but_tables_networks_and_what_nobody_can_read() -> None:
    kinds = {
        one.name for one in FORMATS if not one.is_table and one.read not in (read_inp, refuse_dwg)
    }
    assert set(drawn_lines.LINE_FORMATS) == kinds
    without = {suffix for one in FORMATS if one.name not in kinds for suffix in one.suffixes}
    assert drawn_lines._WITHOUT_LINES | {".dwg"} == without


def test_a_line_of_an_old_datum_is_to_be_converted_where_it_was_drawn(tmp_path: Path) -> None:
    file = tmp_path / "line.gpkg"
    xian = shapely.affinity.translate(LINE, -250.0)
    gpd.GeoDataFrame(geometry=[xian], crs=2383).to_file(file, driver="GPKG")
    with pytest.raises(LayerError) as refused:
        read_line(file, TOWN)
    assert str(refused.value).endswith(
        "线文件没有这些选项:请在原软件中把这条线换算到 EPSG:4547,另存后再选。"
    )


@pytest.mark.parametrize("name", ["a.csv", "a.XLSX", "a.inp"])
def test_tables_and_pipe_networks_are_refused_with_a_cure_that_there_is(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("WKT\n", "utf-8")
    with pytest.raises(ReadError, match="表格和管网模型不能作线文件") as refused:
        read_line(tmp_path / name, TOWN)
    assert "--" not in str(refused.value)


def test_options_in_the_name_of_a_file_are_none_of_the_reader(tmp_path: Path) -> None:
    for name in ("my--line.geojson", "my --crs.geojson"):
        file = written(tmp_path).rename(tmp_path / name)
        with pytest.raises(ReadError) as refused:
            read_line(file, TOWN)
        assert "线文件没有这些选项" not in str(refused.value)


def test_problems_of_an_error_are_kept_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = LayerError("请用 --crs 指明", [Problem("a", "b", 1, None, None, None, "c", "d")])

    def refuse(*_asked: Any, **_named: Any) -> None:
        raise told

    monkeypatch.setattr(drawn_lines, "read_layer", refuse)
    with pytest.raises(LayerError, match="线文件没有这些选项") as refused:
        read_line(written(tmp_path, LINE), TOWN)
    assert len(refused.value.problems) == 1


def test_a_refusal_names_what_stands_in_the_rows(tmp_path: Path) -> None:
    with pytest.raises(ReadError) as refused:
        read_line(written(tmp_path, LINE, LINE.centroid, None), TOWN)
    assert str(refused.value) == (
        "文件 line.geojson:须恰好有一条线(LineString),现有 3 个图形"
        "(第 1 行 LineString、第 2 行 Point、第 3 行 没有图形)。"
        "请只留要核算的那一条;画成几段的,先合并为一条。"
    )


def test_a_file_of_several_layers_is_refused_with_a_cure_that_there_is(tmp_path: Path) -> None:
    file = tmp_path / "two.gpkg"
    for layer in ("甲", "乙"):
        gpd.GeoDataFrame(geometry=[LINE], crs=TOWN).to_file(file, layer=layer, driver="GPKG")
    with pytest.raises(ReadError, match="线文件没有这些选项:请在原软件中只留要核算的那一条"):
        read_line(file, TOWN)


def test_degrees_that_no_file_names_are_refused_with_what_they_may_be(tmp_path: Path) -> None:
    with pytest.raises(LayerError) as refused:
        read_line(drawn_in_cad(tmp_path, degrees(LINE)), TOWN)
    for words in ("文件 line.dxf", "第 1 行坐标", "EPSG:4547", "EPSG:4490", "写明坐标系后另存"):
        assert words in str(refused.value), words

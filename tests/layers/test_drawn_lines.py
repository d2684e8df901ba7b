"""One drawn line from a file, wherever its coordinates come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ezdxf
import geopandas as gpd
import pytest
import shapely
from pyproj import CRS
from shapely.geometry import LineString, mapping

from layers.drawn_lines import read_line
from layers.errors import LayerError, ReadError

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

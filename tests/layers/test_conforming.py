"""Files to layers: columns, words, ids, places."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from pyproj import CRS
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon

from layers.conforming import Conformed, conform
from layers.errors import LayerError
from layers.reading import read_layer
from layers.source_memory import SourceMemory
from tests.layers.layer_files import (
    EAST,
    NORTH,
    degrees_square,
    feature,
    line,
    parcels_file,
    square,
    write_geojson,
    write_gpkg,
)

TARGET = CRS.from_epsg(4547)


def conformed(path: Path, layer: str, **options) -> Conformed:
    raw = read_layer(path, source_layer=None, layer=layer)
    return conform(raw, layer, target=TARGET, **options)


def rules(result: Conformed) -> list[tuple[int | None, str | None, str]]:
    return [(problem.row, problem.field, problem.rule) for problem in result.problems]


def test_chinese_columns_and_words_become_fields_and_keys(tmp_path: Path) -> None:
    result = conformed(parcels_file(tmp_path), "parcels")
    assert result.table.index.name == "parcel_id"
    assert list(result.table.index) == ["P1", "P2", "P3"]
    assert list(result.table["land_use"]) == ["education"] * 3
    assert list(result.table["address"]) == [None] * 3
    assert result.problems == ()
    assert "字段对应:parcel_id←宗地编号、name←名称、land_use←用地性质" in result.notes


def test_map_and_set_name_what_no_alias_does(tmp_path: Path) -> None:
    path = write_gpkg(
        tmp_path / "a.gpkg", {"arc_id": [7], "dn": [200.0], "x": [1]}, [line((0, 0), (9, 0))]
    )
    result = conformed(
        path,
        "lines",
        mapping={"line_id": "arc_id", "diameter_mm": "dn"},
        constants={"utility": "给水", "laying": "ZM"},
    )
    row = result.table.loc["7"]
    assert (row["utility"], row["laying"], row["diameter_mm"]) == ("water", "buried", 200.0)
    assert "未使用的列:x" in result.notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"mapping": {"nothing": "名称"}},
            "图层 parcels 没有字段“nothing”。可用的字段:parcel_id、",
        ),
        ({"mapping": {"name": "nothing"}}, "没有列“nothing”。文件中的列:fid、宗地编号、"),
        ({"constants": {"land_use": "宇宙"}}, "--set land_use=宇宙:须为下列之一:residential、"),
        ({"mapping": {"name": "名称"}, "constants": {"name": "x"}}, "同时用了 --map 和 --set"),
    ],
)
def test_wrong_map_or_set_is_refused_with_the_choices(tmp_path: Path, options, message) -> None:
    with pytest.raises(LayerError, match=message):
        conformed(parcels_file(tmp_path), "parcels", **options)


def test_required_field_without_column_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", {"x": [1]}, [square(0, 0)])
    with pytest.raises(LayerError) as refusal:
        conformed(path, "parcels")
    assert str(refusal.value) == (
        "文件 a.gpkg:找不到必填字段 parcel_id(宗地编号)。文件中的列:fid、x。"
        "请用 --map parcel_id=列名 指明。文件确无编号时,可加 --make-ids 由内容生成。"
    )


def test_two_columns_for_one_field_are_asked_not_guessed(tmp_path: Path) -> None:
    columns = {"宗地编号": ["P1"], "名称": ["甲"], "项目名称": ["乙"]}
    path = write_gpkg(tmp_path / "a.gpkg", columns, [square(0, 0)])
    with pytest.raises(LayerError, match="列 名称、项目名称 都可能是字段 name"):
        conformed(path, "parcels")
    chosen = conformed(path, "parcels", mapping={"name": "项目名称"})
    assert list(chosen.table["name"]) == ["乙"]


def test_every_bad_cell_is_its_own_problem_and_its_row_is_rejected(tmp_path: Path) -> None:
    columns = {
        "line_id": ["W1", "W2", None, "W4"],
        "utility": ["JS", "PS", "给水", "water"],
        "管径": ["200", "DNx", "100", "-5"],
    }
    shapes = [line((0, row), (9, row)) for row in range(4)]
    result = conformed(write_gpkg(tmp_path / "a.gpkg", columns, shapes), "lines")
    assert list(result.table.index) == ["W1"]
    assert list(result.rejected.index.get_level_values("row")) == [2, 3, 4]
    assert rules(result) == [
        (2, "utility", "须为下列之一:water、sewage、storm、gas、power、telecom"),
        (2, "diameter_mm", "须为数字,或带单位的数字,不带其他文字"),
        (3, "line_id", "必填字段“管段编号”为空".replace("管段", "管线")),
        (4, "diameter_mm", "须大于 0(单位 mm)"),
    ]
    assert result.problems[0].message == (
        "文件 a.gpkg 第 2 行 编号 W2 字段 utility 值“PS”:"
        "须为下列之一:water、sewage、storm、gas、power、telecom。请改正列“utility”中的该值,未知则留空。"
    )
    assert (result.problems[0].x, result.problems[0].y) == (EAST, NORTH + 1)


def test_repeated_ids_are_all_problems(tmp_path: Path) -> None:
    path = write_gpkg(
        tmp_path / "a.gpkg",
        {"parcel_id": ["P1", "P2", "P1"]},
        [square(20 * n, 0) for n in range(3)],
    )
    result = conformed(path, "parcels")
    assert rules(result) == [(row, "parcel_id", "编号在图层中须唯一") for row in (1, 3)]
    assert list(result.table.index) == ["P2"]


def test_id_prefix_tells_sources_apart(tmp_path: Path) -> None:
    result = conformed(parcels_file(tmp_path), "parcels", id_prefix="A-")
    assert list(result.table.index) == ["A-P1", "A-P2", "A-P3"]


def test_bad_shapes_are_problems_with_the_rule(tmp_path: Path) -> None:
    bowtie = Polygon([(EAST, NORTH), (EAST + 9, NORTH + 9), (EAST + 9, NORTH), (EAST, NORTH + 9)])
    shapes = [
        square(0, 0),
        None,
        Polygon(),
        bowtie,
        Point(EAST, NORTH),
    ]
    path = write_gpkg(tmp_path / "a.gpkg", {"parcel_id": list("abcde")}, shapes)
    result = conformed(path, "parcels")
    assert list(result.table.index) == ["a"]
    found = {row: rule for row, field, rule in rules(result) if field == "geometry"}
    assert found[2] == found[3] == "几何为空"
    assert found[4].startswith("图形无效:自相交(在 ")
    assert found[5] == "几何类型为 Point,须为 Polygon"
    assert len(result.problems) == 4


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_coordinates_that_are_no_numbers_are_problems(tmp_path: Path, number) -> None:
    shape = degrees_square()
    broken = degrees_square()
    broken["coordinates"][0][1][0] = number
    features = [feature(shape, parcel_id="P1"), feature(broken, parcel_id="P2")]
    result = conformed(write_geojson(tmp_path / "a.geojson", features), "parcels")
    assert list(result.table.index) == ["P1"]
    assert rules(result) == [(2, "geometry", "坐标含有 NaN、无穷大或大得不可能的数")]


def test_single_parts_are_unwrapped_and_polygons_in_parts_are_kept(tmp_path: Path) -> None:
    shapes = [MultiPolygon([square(0, 0)]), MultiPolygon([square(20, 0), square(40, 0)])]
    path = write_gpkg(tmp_path / "a.gpkg", {"parcel_id": ["a", "b"]}, shapes)
    result = conformed(path, "parcels")
    assert list(result.table.geom_type) == ["Polygon", "MultiPolygon"]
    assert result.problems == ()


def test_lines_in_parts_become_rows_with_numbered_ids(tmp_path: Path) -> None:
    parts = [line((0, 5), (9, 5)), line((20, 5), (29, 5))]
    shapes = [
        MultiLineString([line((0, 0), (9, 0))]),
        MultiLineString(parts),
        MultiLineString([line((0, 9), (9, 9))]),
    ]
    path = write_gpkg(tmp_path / "a.gpkg", {"road_id": ["a", "b", "c"]}, shapes)
    result = conformed(path, "roads")
    assert list(result.table.index) == ["a", "b.1", "b.2", "c"]
    assert result.table.geometry["b.1"].equals(parts[0])
    assert result.table.geometry["b.2"].equals(parts[1])
    assert [(p.row, p.rule, p.severity) for p in result.problems] == [
        (2, "一行含有 2 条线", "warning")
    ]


def test_what_is_told_of_the_ends_of_a_line_in_parts_stays_with_its_first_and_last(
    tmp_path: Path,
) -> None:
    parts = [line((at, 5), (at + 9, 5)) for at in (0, 20, 40)]
    told = {
        "line_id": ["a", "b"], "utility": ["sewage", "sewage"], "depth_m": [2.0, 2.0],
        "start_depth_m": [1.0, 1.5], "end_depth_m": [3.0, 2.5],
        "start_invert_m": [98.0, 97.0], "end_invert_m": [96.0, 96.5],
    }  # fmt: skip
    shapes = [MultiLineString(parts), MultiLineString([line((0, 9), (9, 9))])]
    table = conformed(write_gpkg(tmp_path / "a.gpkg", told, shapes), "lines").table
    for end, values in (("start", [1.0, None, None, 1.5]), ("end", [None, None, 3.0, 2.5])):
        assert [None if np.isnan(v) else v for v in table[f"{end}_depth_m"]] == values
        kept = [v is not None for v in values]
        assert list(table[f"{end}_invert_m"].notna()) == kept
    assert list(table["depth_m"]) == [2.0] * 4


def test_a_bad_part_rejects_its_whole_row(tmp_path: Path) -> None:
    shapes = [
        MultiLineString([line((0, 0), (9, 0)), LineString([(EAST, NORTH)] * 2)]),
        MultiLineString([line((0, 9), (9, 9))]),
    ]
    path = write_gpkg(tmp_path / "a.gpkg", {"road_id": ["a", "b"]}, shapes)
    result = conformed(path, "roads")
    assert list(result.table.index) == ["b"]
    assert list(result.rejected.index.get_level_values("row")) == [1]


def test_heights_are_left_out_and_said(tmp_path: Path) -> None:
    high = LineString([(EAST, NORTH, 5.0), (EAST + 9, NORTH, 6.0)])
    result = conformed(write_gpkg(tmp_path / "a.gpkg", {"road_id": ["a"]}, [high]), "roads")
    assert not result.table.geometry.iloc[0].has_z
    assert "图形中的高程(Z)未导入" in result.notes


def test_geojson_in_degrees_lands_in_the_workspace_zone(tmp_path: Path) -> None:
    path = write_geojson(tmp_path / "a.geojson", [feature(degrees_square(), parcel_id="P1")])
    result = conformed(path, "parcels")
    x, y = result.table.geometry.iloc[0].centroid.coords[0]
    assert abs(x - EAST) < 1000
    assert abs(y - NORTH) < 1000
    assert "坐标已由 EPSG:4326 转换为 EPSG:4547" in result.notes


def test_geopackage_in_cgcs2000_degrees_is_reprojected(tmp_path: Path) -> None:
    metres = [square(0, 0)]
    shapes = list(gpd.GeoSeries(metres, crs=4547).to_crs(4490))
    degrees = write_gpkg(tmp_path / "a.gpkg", {"parcel_id": ["P1"]}, shapes, crs="EPSG:4490")
    back = conformed(degrees, "parcels").table.geometry.iloc[0]
    assert back.hausdorff_distance(metres[0]) < 1e-3


def test_projected_numbers_in_geojson_need_a_crs(tmp_path: Path) -> None:
    west, south = EAST, NORTH
    ring = [[west, south], [west + 9, south], [west + 9, south + 9], [west, south]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    path = write_geojson(tmp_path / "a.geojson", [feature(shape, parcel_id="P1")])
    with pytest.raises(LayerError, match=r"不在坐标系 EPSG:4326 的适用范围内.*请用 --crs 指明"):
        conformed(path, "parcels")
    result = conformed(path, "parcels", crs=TARGET)
    assert result.table.geometry.iloc[0].bounds[0] == west
    assert "文件声明 EPSG:4326,已按 --crs 读作 EPSG:4547" in result.notes


def test_degrees_declared_as_metres_are_refused(tmp_path: Path) -> None:
    shape = Polygon([(114.86, 31.63), (114.87, 31.63), (114.87, 31.64)])
    path = write_gpkg(tmp_path / "a.gpkg", {"parcel_id": ["P1"]}, [shape])
    with pytest.raises(LayerError, match=r"坐标 \(114.86, 31.63\) 不在坐标系 EPSG:4547"):
        conformed(path, "parcels")


def test_layer_without_crs_is_refused_until_one_is_stated(tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", {"parcel_id": ["P1"]}, [square(0, 0)], crs=None)
    with pytest.raises(LayerError, match="没有坐标系。每个图层须有坐标系,请用 --crs 指明"):
        conformed(path, "parcels")
    assert len(conformed(path, "parcels", crs=TARGET).table) == 1


def test_layer_that_lands_outside_the_workspace_zone_is_refused(tmp_path: Path) -> None:
    shape = Polygon([(2.03, 41.34), (2.04, 41.34), (2.04, 41.35)])
    path = write_gpkg(tmp_path / "a.gpkg", {"parcel_id": ["P1"]}, [shape], crs="EPSG:4326")
    with pytest.raises(LayerError, match="不在坐标系 EPSG:4547 的适用范围内"):
        conformed(path, "parcels")


def test_control_characters_are_removed_and_said(tmp_path: Path) -> None:
    path = write_geojson(
        tmp_path / "a.geojson",
        [feature(degrees_square(), parcel_id="P1", name="甲\x00乙\x1b\ud800")],
    )
    result = conformed(path, "parcels")
    assert list(result.table["name"]) == ["甲乙"]
    assert "已去除 1 个单元格中的控制字符" in result.notes


def test_layer_without_rows_is_known_to_be_empty(tmp_path: Path) -> None:
    result = conformed(write_geojson(tmp_path / "a.geojson", []), "railways")
    assert len(result.table) == 0
    assert result.table.index.name == "railway_id"


def test_order_of_rows_and_columns_is_irrelevant(tmp_path: Path) -> None:
    columns = {"parcel_id": ["a", "b", "c"], "name": ["x", "y", "z"]}
    shapes = [square(20 * n, 0) for n in range(3)]
    forward = conformed(write_gpkg(tmp_path / "a.gpkg", columns, shapes), "parcels").table
    turned = {name: values[::-1] for name, values in reversed(columns.items())}
    backward = conformed(write_gpkg(tmp_path / "b.gpkg", turned, shapes[::-1]), "parcels").table
    assert forward.equals(backward.loc[forward.index])


# --- depths that do not say what they go down to --------------------------------------------------


def depths(tmp_path: Path, column: str, **options) -> Conformed:
    """A sewer, a water main, a storm drain without a depth, a duct bank and a cable trench."""
    told = {
        "管线编号": ["S", "W", "R", "T", "G"],
        "专业": ["污水", "给水", "雨水", "通信", "电力"],
        "敷设方式": ["直埋", "直埋", "直埋", "管块", "管沟"],
        column: [2.0, 1.2, None, 0.9, 1.5],
    }
    shapes = [line((0, n), (9, n)) for n in range(5)]
    return conformed(write_gpkg(tmp_path / "d.gpkg", told, shapes), "lines", **options)


@pytest.mark.parametrize("column", ["埋深", "管线埋深(m)"])
def test_a_bare_depth_is_the_cover_only_where_it_is_measured_to_the_top(
    tmp_path: Path, column: str
) -> None:
    stated = {} if column == "埋深" else {"mapping": {"depth_m": column}}
    result = depths(tmp_path, column, **stated)
    known = {} if stated else {"S": np.nan, "G": np.nan}
    expected = {"S": 2.0, "W": 1.2, "R": np.nan, "T": 0.9, "G": 1.5, **known}
    np.testing.assert_equal(result.table["depth_m"].to_dict(), expected)
    notes = [note for note in result.notes if "量至管内底" in note]
    assert len(notes) == (0 if stated else 1)
    if notes:
        assert "列“埋深”有 2 行" in notes[0]
        assert "--map depth_m=埋深" in notes[0]


@pytest.mark.parametrize("column", ["管顶覆土", "覆土深度", "管顶埋深", "depth_m"])
def test_a_column_that_says_cover_is_one_of_drains_too(tmp_path: Path, column: str) -> None:
    result = depths(tmp_path, column)
    assert result.table.loc["S", "depth_m"] == 2.0
    assert not [note for note in result.notes if "量至管内底" in note]


def test_what_was_stated_of_the_source_before_stands(tmp_path: Path) -> None:
    memory = SourceMemory({"depth_m": "埋深"})
    assert depths(tmp_path, "埋深", memory=memory).table.loc["S", "depth_m"] == 2.0

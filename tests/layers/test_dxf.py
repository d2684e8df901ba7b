"""CAD drawings: shapes, units, layers, code pages and damage, with drawings made here."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezdxf
import pytest
import shapely
from ezdxf.document import Drawing
from shapely.geometry import Point, Polygon

from layers.dxf_layers import utility_of_layer
from layers.errors import LayerError, ReadError
from layers.raw import RawLayer
from layers.reading import read_layer
from layers.store import Workspace

X, Y = 583_190.0, 3_500_000.0


def drawing(
    path: Path, fill: Callable[[Any], object], *, version: str = "R2010", unit: int = 6
) -> Path:
    document = ezdxf.new(version, units=unit)
    fill(document.modelspace())
    document.saveas(path)
    return path


def read(path: Path, layer: str = "lines", source_layer: str | None = None, **options) -> RawLayer:
    return read_layer(path, source_layer=source_layer, layer=layer, **options)


def water_line(space: Any, layer: str = "JSLINE") -> None:
    space.add_line((X, Y), (X + 30, Y + 40), dxfattribs={"layer": layer})


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    return drawing(tmp_path / "a.dxf", water_line)


def test_a_line_has_its_ends_its_handle_and_its_layers_utility(pipe: Path) -> None:
    raw = read(pipe)
    assert list(raw.shapes[0].coords) == [(X, Y), (X + 30, Y + 40)]
    [row] = raw.cells.to_dict("records")
    assert row["line_id"] == ezdxf.readfile(pipe).modelspace()[0].dxf.handle
    assert (row["layer"], row["entity"], row["utility"]) == ("JSLINE", "LINE", "water")
    assert raw.notes == ("按图层名认定专业:JSLINE→water(1)",)


def test_a_drawing_is_stored(workspace: Workspace, pipe: Path) -> None:
    result = workspace.import_layer("lines", pipe, crs="EPSG:4547")
    assert (result.rows, result.rejected) == (1, 0)
    assert workspace.survey().get("lines").length.tolist() == [50.0]


@pytest.mark.parametrize("version", ["R12", "R2000", "R2004", "R2007", "R2018"])
def test_every_version_and_the_binary_form_are_read(tmp_path: Path, version: str) -> None:
    path = drawing(tmp_path / "a.dxf", water_line, version=version)
    assert len(read(path).cells) == 1
    document = ezdxf.readfile(path)
    document.saveas(tmp_path / "b.dxf", fmt="bin")
    assert len(read(tmp_path / "b.dxf").cells) == 1


def curves(space: Any) -> None:
    at = {"layer": "JS"}
    space.add_arc((X, Y), 1000, 0, 90, dxfattribs=at)
    space.add_lwpolyline([(X, Y, 1), (X + 20, Y, 0)], format="xyb", dxfattribs=at)
    space.add_circle((X, Y), 100, dxfattribs=at)
    space.add_ellipse((X, Y), (200, 0), 0.5, dxfattribs=at)
    space.add_spline([(X, Y), (X + 10, Y + 5), (X + 20, Y)], dxfattribs=at)


def test_chords_lie_within_a_centimetre_of_their_curves(tmp_path: Path) -> None:
    raw = read(drawing(tmp_path / "a.dxf", curves))
    arc, bulge, circle, ellipse, _spline = raw.shapes
    # Sampled at the middles of the chords, where they lie farthest inside.
    for shape, centre, radius in (
        (arc, (X, Y), 1000),
        (bulge, (X + 10, Y), 10),
        (circle, (X, Y), 100),
    ):
        corners = shapely.get_coordinates(shape)
        middles = (corners[1:] + corners[:-1]) / 2
        for one in (*corners, *middles):
            assert math.dist(one, centre) == pytest.approx(radius, abs=0.0101)
    # Quarter of 2000 pi; half turn of radius 10; the chords are shorter by less than 1 in 10,000.
    assert arc.length == pytest.approx(500 * math.pi, rel=1e-4)
    assert bulge.length == pytest.approx(10 * math.pi, rel=1e-3)
    assert Polygon(ellipse).area == pytest.approx(math.pi * 200 * 100, rel=1e-3)


def test_finer_units_keep_the_tolerance_in_metres(tmp_path: Path) -> None:
    path = drawing(tmp_path / "a.dxf", lambda s: s.add_arc((0, 0), 1_000_000, 0, 90), unit=4)
    raw = read(path)
    assert raw.shapes[0].length == pytest.approx(500 * math.pi, rel=1e-4)
    assert len(raw.shapes[0].coords) < 400
    assert "图中单位为 Millimeters,已乘以 0.001 换算为米" in raw.notes


@pytest.mark.parametrize(
    ("unit", "metres"), [(1, 0.0254), (2, 0.3048), (5, 0.01), (6, 1), (7, 1000)]
)
def test_declared_units_become_metres(tmp_path: Path, unit: int, metres: float) -> None:
    path = drawing(tmp_path / "a.dxf", lambda s: s.add_line((0, 0), (100, 0)), unit=unit)
    assert read(path).shapes[0].length == pytest.approx(100 * metres)


def test_a_unit_that_the_coordinates_contradict_is_not_believed(tmp_path: Path) -> None:
    raw = read(drawing(tmp_path / "a.dxf", water_line, unit=4))
    assert raw.shapes[0].length == 50.0
    assert any("声明单位为 Millimeters,但坐标大小符合" in note for note in raw.notes)


def test_mirrored_entities_lie_where_they_are_seen(tmp_path: Path) -> None:
    path = drawing(
        tmp_path / "a.dxf",
        lambda s: s.add_lwpolyline([(-X, Y), (-X - 10, Y)], dxfattribs={"extrusion": (0, 0, -1)}),
    )
    assert read(path).shapes[0].coords[0] == pytest.approx((X, Y))


def plots(space: Any) -> None:
    space.add_lwpolyline([(X, Y), (X + 10, Y), (X + 10, Y + 10), (X, Y + 10)], close=True)
    hatch = space.add_hatch()
    square = [(0, 0), (10, 0), (10, 10), (0, 10)]
    hatch.paths.add_polyline_path([(X + x, Y + y) for x, y in square], is_closed=True)
    hatch.paths.add_polyline_path(
        [(X + 2 + x / 5, Y + 2 + y / 5) for x, y in square], is_closed=True
    )
    space.add_line((X, Y), (X + 10, Y))
    space.add_text("宗地", dxfattribs={"insert": (X, Y)})
    space.add_point((X, Y))


def test_areas_are_closed_outlines_and_hatches_with_their_holes(tmp_path: Path) -> None:
    raw = read(drawing(tmp_path / "a.dxf", plots), "parcels")
    assert [shape.area for shape in raw.shapes] == [100.0, 96.0]
    assert [(one.what, one.reason, one.count) for one in raw.skipped] == [
        ("图层 0 的 LINE", "没有闭合,该图层要面", 1),
        ("图层 0 的 TEXT", "文字和标注不是图形", 1),
        ("图层 0 的 POINT", "是点,该图层不要点", 1),
    ]
    assert "utility" not in raw.cells


def nodes(space: Any) -> None:
    block = space.doc.blocks.new("阀门")
    block.add_circle((0, 0), 1)
    insert = space.add_blockref("阀门", (X, Y, 56.3), dxfattribs={"layer": "JSPOINT"})
    insert.add_attrib("点号", "JS1", (X, Y))
    insert.add_attrib("layer", "管", (X, Y))
    space.add_point((X + 1, Y), dxfattribs={"layer": "JSPOINT"})
    space.add_3dface([(0, 0), (1, 0), (1, 1)])


def test_blocks_are_nodes_with_their_attributes(tmp_path: Path) -> None:
    raw = read(drawing(tmp_path / "a.dxf", nodes), "nodes")
    assert [shapely.force_2d(shape) for shape in raw.shapes] == [Point(X, Y), Point(X + 1, Y)]
    first = raw.cells.iloc[0]
    assert (first["block"], first["点号"], first["layer"]) == ("阀门", "JS1", "JSPOINT")
    assert (first["layer_attribute"], first["elevation"]) == ("管", 56.3)
    assert [one.reason for one in raw.skipped] == ["不支持的图元类型"]
    in_lines = read(tmp_path / "a.dxf", "lines").skipped
    assert any("分解(EXPLODE)" in one.reason for one in in_lines)


def test_layers_are_picked_by_name_or_pattern(tmp_path: Path) -> None:
    def fill(space: Any) -> None:
        for layer in ("JSLINE", "WSLINE", "WSMARK", "DIM"):
            water_line(space, layer)

    path = drawing(tmp_path / "a.dxf", fill)
    assert list(read(path, source_layer="wsline").cells["layer"]) == ["WSLINE"]
    assert list(read(path, source_layer="JSLINE,WS*").cells["layer"]) == [
        "JSLINE", "WSLINE", "WSMARK",
    ]  # fmt: skip
    with pytest.raises(ReadError, match="没有图层“rq”的图元。图层:JSLINE、WSLINE、WSMARK、DIM"):
        read(path, source_layer="RQ")


def test_layer_that_tells_no_utility_is_refused_with_a_hint_of_its_colour(
    workspace: Workspace, tmp_path: Path
) -> None:
    def fill(space: Any) -> None:
        space.add_line((X, Y), (X + 1, Y), dxfattribs={"layer": "管线1", "color": 4})

    path = drawing(tmp_path / "a.dxf", fill)
    [note] = read(path).notes
    assert "管线1(1,颜色同 CJJ 61 给水)。请用 --source-layer 图层名 --set utility=专业" in note
    with pytest.raises(LayerError, match="必填字段“专业”为空"):
        workspace.import_layer("lines", path, crs="EPSG:4547")
    options = {"crs": "EPSG:4547", "constants": {"utility": "water"}, "source_layer": "管线1"}
    assert workspace.import_layer("lines", path, **options).rows == 1


@pytest.mark.parametrize(
    ("name", "utility"),
    [
        ("JS", "water"), ("jsline", "water"), ("给水管线", "water"), ("W-WATER", "water"),
        ("WS_LINE", "sewage"), ("YSLINE", "storm"), ("RQ-中压", "gas"), ("DX", "telecom"),
        ("电力管线", "power"), ("JSON", None), ("STORM WATER", None), ("wastewater", "sewage"),
        ("PSLINE", None), ("雨污合流", None), ("DLSS", None), ("0", None), ("建设用地", None),
        ("供电及通信共沟", None), ("雨水污水", None),
    ],
)  # fmt: skip
def test_utility_of_a_layer_follows_from_its_name_or_is_unknown(name, utility) -> None:
    assert utility_of_layer(name) == utility


def test_chinese_names_are_read_in_gbk_declared_or_not(tmp_path: Path) -> None:
    document = ezdxf.new("R2000", units=6)
    document.encoding = "gbk"
    document.header["$DWGCODEPAGE"] = "ANSI_936"
    water_line(document.modelspace(), "给水管线")
    path = tmp_path / "a.dxf"
    document.saveas(path)
    assert "给水管线".encode("gbk") in path.read_bytes()
    assert list(read(path).cells["layer"]) == ["给水管线"]
    path.write_bytes(path.read_bytes().replace(b"ANSI_936", b"ANSI_1252"))
    raw = read(path)
    assert list(raw.cells["layer"]) == ["给水管线"]
    assert list(raw.cells["utility"]) == ["water"]
    assert any("文字按 GBK 读取" in note for note in raw.notes)
    assert len(read(path, source_layer="给水管线").cells) == 1


def test_escaped_characters_are_read(tmp_path: Path) -> None:
    path = drawing(tmp_path / "a.dxf", lambda s: water_line(s, "JSLINE"), version="R2000")
    text = path.read_text("cp1252").replace("JSLINE", r"\U+7ED9\U+6C34")
    path.write_text(text, "cp1252")
    assert list(read(path).cells["layer"]) == ["给水"]


def test_georeference_places_the_drawing(tmp_path: Path) -> None:
    definition = (
        '<Dictionary><Alias id="4547" type="CoordinateSystem"><Namespace>EPSG Code</Namespace>'
        "</Alias><Axis><CoordinateSystemAxis><AxisOrder>1</AxisOrder><AxisAbbreviation>E"
        "</AxisAbbreviation></CoordinateSystemAxis></Axis></Dictionary>"
    )
    document: Drawing = ezdxf.new("R2010", units=6)
    space = document.modelspace()
    water = {"layer": "JS"}
    space.add_line((100, 50), (110, 50), dxfattribs=water)
    geodata = space.new_geodata()
    # The drawing's (100, 50) is (X, Y); its x axis points north.
    geodata.setup_local_grid(
        design_point=(100, 50), reference_point=(X, Y), north_direction=(1, 0), crs=definition
    )
    document.saveas(tmp_path / "a.dxf")
    raw = read(tmp_path / "a.dxf")
    assert raw.crs.to_epsg() == 4547
    assert list(raw.shapes[0].coords) == [pytest.approx((X, Y)), pytest.approx((X, Y + 10))]
    geodata.coordinate_system_definition = '<!DOCTYPE a [<!ENTITY b "c">]>' + definition
    document.saveas(tmp_path / "b.dxf")
    unusable = read(tmp_path / "b.dxf")
    assert unusable.crs is None
    assert any("GEODATA)不完整或不支持" in note for note in unusable.notes)


def test_paper_space_and_hidden_layers_are_told(tmp_path: Path) -> None:
    document = ezdxf.new("R2010", units=6)
    document.layers.add("JSLINE").off()
    water_line(document.modelspace())
    document.layout("Layout1").add_line((0, 0), (1, 1))
    document.saveas(tmp_path / "a.dxf")
    raw = read(tmp_path / "a.dxf")
    assert "关闭或冻结的图层也已读入:JSLINE" in raw.notes
    assert [(one.what, one.reason) for one in raw.skipped] == [
        ("图纸空间“Layout1”", "只读模型空间")
    ]


def comb(space: Any) -> None:
    for number in range(30):
        space.add_line((X + number, Y), (X + number, Y + 1), dxfattribs={"layer": "JS"})


@pytest.mark.parametrize("share", [0.3, 0.5, 0.71, 0.99])
def test_drawing_that_was_cut_off_is_read_up_to_there(tmp_path: Path, share: float) -> None:
    path = drawing(tmp_path / "a.dxf", comb, version="R12")
    whole = path.read_bytes()
    start = whole.index(b"ENTITIES")
    path.write_bytes(whole[: start + int((len(whole) - start) * share)])
    raw = read(path)
    assert 0 < len(raw.cells) < 30
    assert [shape.length for shape in raw.shapes] == [1.0] * len(raw.shapes)
    assert any("文件没有结束标记,已断开" in note for note in raw.notes)


def test_polyline_that_was_cut_off_is_left_out_whole(tmp_path: Path) -> None:
    def fill(space: Any) -> None:
        water_line(space)
        space.add_polyline2d([(X, Y), (X + 1, Y), (X + 2, Y)], dxfattribs={"layer": "JS"})

    path = drawing(tmp_path / "a.dxf", fill, version="R12")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b"VERTEX") + 40])
    assert list(read(path).cells["entity"]) == ["LINE"]


def test_flaws_that_could_be_repaired_are_counted(tmp_path: Path) -> None:
    def fill(space: Any) -> None:
        space.add_line((X, Y), (X + 1, Y), dxfattribs={"layer": "JS", "linetype": "NOWHERE"})

    raw = read(drawing(tmp_path / "a.dxf", fill))
    assert len(raw.cells) == 1
    assert "图中有 1 处不合格式,已修复 1 处,请核对" in raw.notes


def test_drawing_with_broken_groups_is_refused(tmp_path: Path) -> None:
    path = drawing(tmp_path / "a.dxf", comb, version="R12")
    path.write_bytes(path.read_bytes().replace(b"\n 10\n583192.0\n", b"\nten\n583192.0\n", 1))
    with pytest.raises(ReadError, match="DXF 已损坏"):
        read(path)


def test_hopeless_drawing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.dxf"
    path.write_bytes(b"AutoCAD Binary DXF\r\n\x1a\x00" + b"\xff\x01" * 300)
    with pytest.raises(ReadError, match="DXF 已损坏"):
        read(path)


def test_dwg_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "a.dwg"
    path.write_bytes(b"AC1032" + bytes(100))
    with pytest.raises(ReadError, match="另存为 DXF"):
        read(path)


# rows as lines, texts left out, CRS: as ../shared/data/messy/manifest.csv expects.
MESSY = {
    "R12_with_trash_beyond_EOF.dxf": (1, 0, None),
    "cc_dxflib.dxf": (1, 0, None),
    "dxf_unicode.dxf": (0, 0, None),
    "empty_handles.dxf": (8, 0, None),
    "georeferenced_plot.dxf": (1, 0, 27700),
    "recover01.dxf": (1441, 63, None),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", MESSY)
def test_messy_drawings_are_read_as_expected(shared: Path, name: str) -> None:
    raw = read(shared / "data/messy" / name)
    found = len(raw.cells), sum(one.count for one in raw.skipped), raw.crs and raw.crs.to_epsg()
    assert found == MESSY[name]
    assert raw.unreadable == {}


@pytest.mark.shared
def test_georeferenced_plot_falls_into_london(shared: Path) -> None:
    [plot] = read(shared / "data/messy/georeferenced_plot.dxf").shapes
    # The file's reference point (530207.57, 179366.79) lies on the plot's edge.
    assert Point(530207.5677, 179366.7896).distance(plot) < 60

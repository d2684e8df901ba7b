"""The picture of where a layer fell."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import geopandas as gpd
import pytest
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from reports import layer_picture
from reports.layer_picture import HEIGHT, NEW, PALE, WIDTH, draw_layer

SVG = "{http://www.w3.org/2000/svg}"
X, Y = 581_600.0, 3_500_400.0


def table(*shapes, name: str = "tree_id") -> gpd.GeoDataFrame:
    ids = [str(n) for n in range(len(shapes))]
    frame = gpd.GeoDataFrame({name: ids}, geometry=list(shapes), crs="EPSG:4547")
    return frame.set_index(name)


def points(svg: str) -> list[tuple[float, float]]:
    return [
        (float(one.get("cx")), float(one.get("cy")))
        for one in ElementTree.fromstring(svg).iter(f"{SVG}circle")
    ]


def words(svg: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_distances_are_to_scale_and_north_is_up() -> None:
    svg = draw_layer("trees", table(Point(X, Y), Point(X + 200, Y), Point(X, Y + 100)), {})
    west, east, north = points(svg)
    assert (east[0] - west[0]) == pytest.approx(2 * (west[1] - north[1]), abs=0.05)
    assert north[1] < west[1] == east[1]
    [bar] = list(ElementTree.fromstring(svg).iter(f"{SVG}line"))
    [length] = [re.fullmatch(r"(\d+) m", text) for text in words(svg) if text.endswith(" m")]
    drawn = float(bar.get("x2")) - float(bar.get("x1"))
    assert drawn / float(length[1]) == pytest.approx((east[0] - west[0]) / 200, rel=1e-2)


def test_everything_lies_on_the_sheet_and_the_workspace_is_grey() -> None:
    ring = Polygon([(X, Y), (X + 50, Y), (X + 50, Y + 50)])
    parcels = table(MultiPolygon([ring]), name="parcel_id")
    roads = table(LineString([(X - 900, Y), (X + 900, Y + 300)]), name="road_id")
    svg = draw_layer("parcels", parcels, {"parcels": parcels, "roads": roads})
    paths = list(ElementTree.fromstring(svg).iter(f"{SVG}path"))
    assert [path.get("stroke") for path in paths] == [layer_picture.GREY, NEW]
    for path in paths:
        pairs = re.findall(r"([-\d.]+),([-\d.]+)", path.get("d"))
        assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in pairs)
    assert PALE not in [path.get("stroke") for path in paths]  # the layer itself is not behind


def test_the_county_and_the_bounds_are_told() -> None:
    svg = draw_layer("trees", table(Point(X, Y)), {}, county=(114.55, 31.46, 115.22, 31.77))
    told = words(svg)
    assert "东 581600.0 至 581600.0,北 3500400.0 至 3500400.0 米" in told
    assert any(text.startswith("坐标系 EPSG:4547(") and "共 1 行" in text for text in told)
    [outline] = list(ElementTree.fromstring(svg).iter(f"{SVG}path"))
    assert outline.get("stroke-dasharray")


def test_what_is_left_out_of_the_drawing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_picture, "MOST_SHAPES", 2)
    svg = draw_layer("trees", table(*(Point(X + n, Y) for n in range(4))), {})
    assert len(points(svg)) == 2
    assert any("共 4 行,图中画出 2 个" in text for text in words(svg))


def test_a_layer_without_rows_is_words_only() -> None:
    svg = draw_layer("trees", table(), {})
    assert "坐标系 EPSG:4547,没有图形" in words(svg)

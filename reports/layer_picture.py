"""Where a layer fell: a small picture (SVG) over the workspace, without tiles from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log10
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS, Transformer

from language import gettext as _
from layers.fields import layer_definition
from layers.placing import crs_name

WIDTH, HEIGHT = 480.0, 360.0
"""Size of the map in units of the drawing; the words stand below it."""

MARGIN, LINE = 12.0, 16.0
NEW, GREY, PALE, INK = "#d1495b", "#9aa0a4", "#c9cfd3", "#33404a"
FONT = "'Noto Sans CJK SC','Noto Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
BEHIND = ("parcels", "road_red_lines", "water_bodies", "roads")
"""Layers that are drawn in grey, the lowest first, where the workspace has them."""

MOST_SHAPES = 4000
"""Of one layer; more would make the picture heavy and no clearer."""

_LEAST_SPAN_M = 100.0


@dataclass(frozen=True)
class _Sheet:
    west: float
    north: float
    scale: float  # units of the drawing for a metre

    def place(self, xy: np.ndarray) -> np.ndarray:
        return np.column_stack(
            [MARGIN + (xy[:, 0] - self.west) * self.scale,
             MARGIN + (self.north - xy[:, 1]) * self.scale]
        )  # fmt: skip


def draw_layer(
    layer: str,
    table: gpd.GeoDataFrame,
    behind: Mapping[str, gpd.GeoDataFrame],
    *,
    county: tuple[float, float, float, float] | None = None,
) -> str:
    """Return an SVG text: the layer in colour over the workspace in grey, with its bounds in words.

    Parameters
    ----------
    table
        The layer in the projected CRS of the workspace, metres. Without rows only words are drawn.
    behind
        Tables of the workspace in the same CRS.
    county
        West, south, east, north of the county in degrees, drawn as a dashed outline where the
        workspace has nothing else to show where it lies.
    """
    crs = CRS.from_user_input(table.crs)
    grey = {name: _drawn(behind[name]) for name in BEHIND if name in behind and name != layer}
    new = _drawn(table)
    outline = None if county is None or grey else _outline(county, crs)
    sheet = _sheet([new, *grey.values(), *([] if outline is None else [np.array([outline])])])
    root = _root()
    title = _("图层 {} {} 的位置").format(layer, _(layer_definition(layer).zh))
    ElementTree.SubElement(root, "title").text = title
    _add(root, "rect", x=0.0, y=0.0, width=WIDTH, height=HEIGHT, fill="#ffffff", stroke=PALE)
    if outline is not None:
        _shape(root, sheet, outline, fill="none", stroke=GREY, stroke_dasharray="6 4")
    for name, shapes in grey.items():
        colour = GREY if name == "roads" else PALE
        for shape in shapes:
            _shape(root, sheet, shape, fill="none", stroke=colour, stroke_width=0.8)
    for shape in new:
        _shape(root, sheet, shape, fill=NEW, fill_opacity=0.35, stroke=NEW, stroke_width=1.0)
    _scale_bar(root, sheet)
    _north(root)
    for number, words in enumerate([title, *_words(table, crs, len(new))], start=1):
        _text(root, words, MARGIN, HEIGHT + number * LINE)
    return ElementTree.tostring(root, encoding="unicode")


def _drawn(table: gpd.GeoDataFrame) -> np.ndarray:
    """At most so many shapes, spread over the table."""
    shapes = np.asarray(table.geometry)
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    return shapes[:: max(1, -(-len(shapes) // MOST_SHAPES))]


def _outline(county: tuple[float, float, float, float], crs: CRS) -> shapely.Polygon:
    box = shapely.segmentize(shapely.box(*county), 0.05)
    there = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    return shapely.transform(box, lambda xy: np.column_stack(there.transform(*xy.T)))


def _sheet(groups: list[np.ndarray]) -> _Sheet:
    bounds = np.vstack([shapely.bounds(shapes).reshape(-1, 4) for shapes in groups])
    if not len(bounds):
        return _Sheet(0.0, 1.0, 1.0)
    (west, south), (east, north) = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    wide, high = max(east - west, _LEAST_SPAN_M), max(north - south, _LEAST_SPAN_M)
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high)
    free_x, free_y = (WIDTH - 2 * MARGIN) / scale, (HEIGHT - 2 * MARGIN) / scale
    return _Sheet((west + east - free_x) / 2, (south + north + free_y) / 2, scale)


def _words(table: gpd.GeoDataFrame, crs: CRS, drawn: int) -> list[str]:
    if not drawn:
        return [_("坐标系 {},没有图形").format(crs_name(crs))]
    west, south, east, north = table.total_bounds
    back = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    degrees = back.transform_bounds(west, south, east, north)
    shown = _("共 {} 行").format(len(table))
    if drawn < len(table):
        shown += _(",图中画出 {} 个").format(drawn)
    return [
        _("坐标系 {}({}),{}").format(crs_name(crs), crs.name, shown),
        _("东 {:.1f} 至 {:.1f},北 {:.1f} 至 {:.1f} 米").format(west, east, south, north),
        _("经度 {:.5f}° 至 {:.5f}°,纬度 {:.5f}° 至 {:.5f}°").format(
            degrees[0], degrees[2], degrees[1], degrees[3]
        ),
    ]


def _root() -> ElementTree.Element:
    high = HEIGHT + 5 * LINE
    return ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH:g} {high:g}",
            "width": f"{WIDTH:g}",
            "height": f"{high:g}",
            "role": "img",
            "font-family": FONT,
            "font-size": "12",
        },
    )


def _add(parent: ElementTree.Element, tag: str, **attributes: float | str) -> ElementTree.Element:
    written = {
        name.replace("_", "-"): value if isinstance(value, str) else f"{value:.2f}"
        for name, value in attributes.items()
    }
    return ElementTree.SubElement(parent, tag, written)


def _shape(
    root: ElementTree.Element, sheet: _Sheet, shape: shapely.Geometry, **style: float | str
) -> None:
    """A geometry of any type: points as dots, lines and rings as one path."""
    parts = shapely.get_parts(shapely.get_parts([shape]))
    for part in parts:
        if part.geom_type == "Point":
            [[x, y]] = sheet.place(shapely.get_coordinates(part))
            _add(root, "circle", cx=float(x), cy=float(y), r=2.2, **style)
            continue
        path = []
        for ring in _rings(part):
            xy = sheet.place(shapely.get_coordinates(shapely.simplify(ring, 0.3 / sheet.scale)))
            path.append("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in xy))
        line = part.geom_type == "LineString"
        _add(root, "path", d="".join(path), **(style | ({"fill": "none"} if line else {})))


def _rings(part: shapely.Geometry) -> list[shapely.Geometry]:
    return [part] if part.geom_type == "LineString" else [part.exterior, *part.interiors]


def _text(root: ElementTree.Element, words: str, x: float, y: float, **style: str) -> None:
    _add(root, "text", x=x, y=y, fill=INK, **style).text = words


def _scale_bar(root: ElementTree.Element, sheet: _Sheet) -> None:
    """A bar of 1, 2 or 5 times a power of ten metres, at most a third of the map wide."""
    most = WIDTH / 3 / sheet.scale
    power = 10.0 ** floor(log10(most))
    metres = max(power * step for step in (1, 2, 5) if power * step <= most)
    words = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    y = HEIGHT - MARGIN
    bar = {"x1": MARGIN, "x2": MARGIN + metres * sheet.scale, "y1": y, "y2": y}
    _add(root, "line", stroke=INK, stroke_width=2.0, **bar)
    _text(root, words, MARGIN, y - 5)


def _north(root: ElementTree.Element) -> None:
    x, y = WIDTH - 22, 14.0
    points = f"{x:.1f},{y:.1f} {x - 5:.1f},{y + 18:.1f} {x + 5:.1f},{y + 18:.1f}"
    _add(root, "polygon", points=points, fill=INK)
    _text(root, _("北"), x, y + 32, text_anchor="middle")

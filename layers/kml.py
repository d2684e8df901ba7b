"""KML (OGC 12-007r2), read as data: GDAL's driver loses data fields with Chinese names."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from language import gettext as _
from layers.choosing import choose
from layers.errors import ReadError
from layers.raw import RawLayer, Skipped, Wanted
from layers.xml_safety import write_safe

_CONTAINERS = ("Document", "Folder")
_SHAPES = ("Point", "LineString", "LinearRing", "Polygon", "MultiGeometry", "Track", "MultiTrack",
           "Model")  # fmt: skip
_USUAL = ("name", "description")
_DEEPEST = 50


@dataclass
class _Folder:
    name: str
    placemarks: list[ElementTree.Element] = field(default_factory=list)


def read_kml(path: Path, wanted: Wanted) -> RawLayer:
    """Read the placemarks that lie directly in one folder; coordinates are WGS 84 with heights.

    Columns are ``name``, ``description`` and what ``ExtendedData`` holds. Links to files elsewhere
    are not followed but reported as skipped.
    """
    with tempfile.TemporaryDirectory() as scratch:
        safe = Path(scratch) / "layer.kml"
        notes = write_safe(path, safe, shown=path.name)
        try:
            root = ElementTree.parse(safe).getroot()
        except ElementTree.ParseError as error:
            raise ReadError(
                _("文件 {}:第 {} 行不是完整的 XML。请重新导出。").format(
                    path.name, error.position[0]
                )
            ) from error
    folders = {one.name: one for one in _folders(root, path.stem) if one.placemarks}
    folders = folders or {path.stem: _Folder(path.stem)}
    chosen = folders[choose(list(folders), wanted, shown=path.name)]
    shapes = np.full(len(chosen.placemarks), None, dtype=object)
    unreadable: dict[int, str] = {}
    for position, placemark in enumerate(chosen.placemarks):
        try:
            shapes[position] = _shape_of(placemark)
        except (ValueError, shapely.errors.ShapelyError):
            unreadable[position] = _("几何坐标不成形(点数不足、缺坐标或类型不明)")
    cells = pd.DataFrame([_cells(one) for one in chosen.placemarks], dtype=object)
    unused = [name for name in _USUAL if name in cells and cells[name].isna().all()]
    cells = cells.drop(columns=unused)  # so that nothing empty stands for a field
    links = sum(_tag(one) == "NetworkLink" for one in root.iter())
    skipped = tuple(
        Skipped(_("网络链接 {}").format(n + 1), _("指向别处的文件,不读取")) for n in range(links)
    )
    return RawLayer(
        path.name, chosen.name, cells.where(cells.notna(), None), shapes, unreadable,
        CRS.from_epsg(4326), notes, skipped,
    )  # fmt: skip


def _folders(element: ElementTree.Element, name: str, depth: int = 0) -> Iterator[_Folder]:
    """Yield each folder, and the file itself, with the placemarks that lie directly in it."""
    if depth > _DEEPEST:
        return
    found = _Folder(name)
    inner = []
    for child in element:
        if _tag(child) == "Placemark":
            found.placemarks.append(child)
        elif _tag(child) in _CONTAINERS:
            own = _text(child, "name") or name
            # The document is the file, whatever a program has called it.
            inner.append((child, own if _tag(child) == "Folder" else name))
    names: dict[str, int] = {}
    yield found
    for child, own in inner:
        names[own] = names.get(own, 0) + 1
        unique = own if names[own] == 1 else f"{own} ({names[own]})"
        yield from _folders(child, unique, depth + 1)


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _child(element: ElementTree.Element, *tags: str) -> ElementTree.Element | None:
    return next((child for child in element if _tag(child) in tags), None)


def _text(element: ElementTree.Element, tag: str) -> str | None:
    child = _child(element, tag)
    return None if child is None or child.text is None else child.text.strip() or None


def _cells(placemark: ElementTree.Element) -> dict[str, object]:
    cells: dict[str, object] = {"id": placemark.get("id")} if placemark.get("id") else {}
    for tag in _USUAL:
        cells[tag] = _text(placemark, tag)
    data = _child(placemark, "ExtendedData")
    for element in () if data is None else data.iter():
        name = element.get("name")
        if name and _tag(element) == "Data":
            cells[name] = _text(element, "value")
        elif name and _tag(element) == "SimpleData":
            cells[name] = (element.text or "").strip() or None
    return cells


def _shape_of(placemark: ElementTree.Element) -> shapely.Geometry | None:
    element = _child(placemark, *_SHAPES)
    return None if element is None else _shape(element)


def _shape(element: ElementTree.Element, depth: int = 0) -> shapely.Geometry:
    kind = _tag(element)
    if kind == "Point":
        return shapely.Point(_coordinates(element)[0])
    if kind in ("LineString", "LinearRing"):
        return shapely.LineString(_coordinates(element))
    if kind == "Track":
        places = [child.text or "" for child in element if _tag(child) == "coord"]
        return shapely.LineString(_numbers(place.split() for place in places))
    if kind == "Polygon":
        return _polygon(element)
    if kind in ("MultiGeometry", "MultiTrack") and depth < _DEEPEST:
        return _gathered([_shape(one, depth + 1) for one in element if _tag(one) in _SHAPES])
    raise ValueError(kind)


def _polygon(element: ElementTree.Element) -> shapely.Polygon:
    rings: dict[str, list[np.ndarray]] = {"outerBoundaryIs": [], "innerBoundaryIs": []}
    for boundary in element:
        if _tag(boundary) in rings:
            found = [one for one in boundary if _tag(one) == "LinearRing"]
            rings[_tag(boundary)] += [_coordinates(ring) for ring in found]
    (shell,) = rings["outerBoundaryIs"]
    return shapely.Polygon(shell, rings["innerBoundaryIs"])


def _gathered(parts: list[shapely.Geometry]) -> shapely.Geometry:
    """Return parts of one kind as one multi-part shape, others as a collection."""
    kinds = {part.geom_type for part in parts}
    if kinds == {"Polygon"}:
        return shapely.MultiPolygon(parts)
    if kinds == {"LineString"}:
        return shapely.MultiLineString(parts)
    if kinds == {"Point"}:
        return shapely.MultiPoint(parts)
    return shapely.GeometryCollection(parts)


def _coordinates(element: ElementTree.Element) -> np.ndarray:
    """Return longitude, latitude and maybe height of each tuple; some programs add blanks in it."""
    text = re.sub(r"\s*,\s*", ",", _text(element, "coordinates") or "")
    return _numbers(place.split(",") for place in text.split())


def _numbers(places: Iterator[list[str]]) -> np.ndarray:
    rows = [[float(number) for number in place if number] for place in places]
    size = min((len(row) for row in rows), default=0)
    if size < 2:
        raise ValueError("no coordinates")
    return np.array([row[: min(size, 3)] for row in rows])

"""A layer as KML 2.2: longitude and latitude, a style for each utility, all cells beside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import shapely

from layers.fields import layer_definition
from reports.layer_styles import UTILITY, Look, looks

_KML = "http://www.opengis.net/kml/2.2"
_DECIMALS = 9


def write_kml(
    table: gpd.GeoDataFrame, rows: Sequence[dict[str, Any]], layer: str, file: Path, note: str
) -> list[str]:
    """Write a layer; return the note that the file carries as well."""
    root = ET.Element("kml", xmlns=_KML)
    document = ET.SubElement(root, "Document")
    ET.SubElement(document, "name").text = layer_definition(layer).zh
    ET.SubElement(document, "description").text = note
    found = looks(layer)
    for key, look in found.items():
        _style(document, key, look)
    shapes = shapely.orient_polygons(np.asarray(table.to_crs(4326).geometry))
    for row, shape in zip(rows, shapes, strict=True):
        place = ET.SubElement(document, "Placemark")
        ET.SubElement(place, "name").text = str(row[table.index.name])
        key = row.get(UTILITY)
        ET.SubElement(place, "styleUrl").text = f"#{_style_id(key if key in found else None)}"
        data = ET.SubElement(place, "ExtendedData")
        for name, value in row.items():
            if value is not None:
                ET.SubElement(ET.SubElement(data, "Data", name=name), "value").text = _text(value)
        _geometry(place, shape)
    ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
    return [note]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _style_id(key: str | None) -> str:
    return key or "other"


def _style(document: ET.Element, key: str | None, look: Look) -> None:
    red, green, blue = look.rgb
    colour = f"{blue:02x}{green:02x}{red:02x}"  # KML writes alpha, blue, green, red
    style = ET.SubElement(document, "Style", id=_style_id(key))
    ET.SubElement(ET.SubElement(style, "IconStyle"), "color").text = f"ff{colour}"
    line = ET.SubElement(style, "LineStyle")
    ET.SubElement(line, "color").text = f"ff{colour}"
    ET.SubElement(line, "width").text = "3"
    ET.SubElement(ET.SubElement(style, "PolyStyle"), "color").text = f"40{colour}"


def _geometry(parent: ET.Element, shape: shapely.Geometry) -> None:
    if shape.geom_type.startswith("Multi"):
        several = ET.SubElement(parent, "MultiGeometry")
        for part in shape.geoms:
            _geometry(several, part)
        return
    made = ET.SubElement(parent, shape.geom_type)
    if shape.geom_type != "Polygon":
        _coordinates(made, shape)
        return
    outer = ET.SubElement(made, "outerBoundaryIs")
    _coordinates(ET.SubElement(outer, "LinearRing"), shape.exterior)
    for ring in shape.interiors:
        inner = ET.SubElement(made, "innerBoundaryIs")
        _coordinates(ET.SubElement(inner, "LinearRing"), ring)


def _coordinates(parent: ET.Element, shape: shapely.Geometry) -> None:
    texts = [f"{x:.{_DECIMALS}f},{y:.{_DECIMALS}f}" for x, y in shapely.get_coordinates(shape)]
    ET.SubElement(parent, "coordinates").text = " ".join(texts)

"""A layer as a zipped Shapefile in UTF-8, with what its narrow table cannot say put beside."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapefile
import shapely

from language import gettext as _
from layers.dbf import short_names
from layers.fields import Field, layer_definition

MAP_FILE = "字段对照.csv"
_TEXT_BYTES = 254  # of a cell of dBASE
_KINDS = {0: "point", 1: "line", 2: "polygon"}
_DIMENSIONS = {"Point": 0, "LineString": 1, "Polygon": 2}
_TYPES = {0: shapefile.POINT, 1: shapefile.POLYLINE, 2: shapefile.POLYGON}
_DBF = {"number": ("F", 24, 15), "integer": ("N", 18, 0), "boolean": ("N", 1, 0)}


def write_shapefile(
    table: gpd.GeoDataFrame, rows: Sequence[dict[str, Any]], layer: str, file: Path
) -> list[str]:
    """Write a layer; one Shapefile for each dimension of its shapes where they have several.

    Columns bear the fields' names as ``layers.dbf.short_names`` cuts them, which an import knows
    again; ``字段对照.csv`` says the same to readers. Truth values are 1 and 0. The notes name the
    fields whose texts were cut.
    """
    definition = layer_definition(layer)
    names = short_names(definition.names)
    short, cut = _cut(rows, definition.fields)
    shapes = np.asarray(table.geometry)
    dimensions = shapely.get_dimensions(shapes)
    present = sorted(set(dimensions.tolist())) or [_DIMENSIONS[definition.geometry_types[0]]]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for dimension in present:
            name = layer if len(present) == 1 else f"{layer}_{_KINDS[dimension]}"
            mine = np.flatnonzero(dimensions == dimension).tolist()
            parts = {kind: io.BytesIO() for kind in ("shp", "shx", "dbf")}
            with shapefile.Writer(**parts, shapeType=_TYPES[dimension], encoding="utf-8") as writer:
                for field in definition.fields:
                    writer.field(names[field.name], *_DBF.get(field.type, ("C", _TEXT_BYTES)))
                for place in mine:
                    _draw(writer, shapes[place])
                    writer.record(*short[place])
            for kind, content in parts.items():
                archive.writestr(f"{name}.{kind}", content.getvalue())
            archive.writestr(f"{name}.prj", table.crs.to_wkt("WKT1_ESRI"))
            archive.writestr(f"{name}.cpg", "UTF-8")
        archive.writestr(MAP_FILE, _map(definition.fields, names))
    return [
        _("字段 {} 有 {} 处文字超过 {} 字节,已截短。").format(name, count, _TEXT_BYTES)
        for name, count in cut.items()
        if count
    ]


def _cut(
    rows: Sequence[dict[str, Any]], fields: Sequence[Field]
) -> tuple[list[list[Any]], dict[str, int]]:
    """Rows as dBASE holds them, and how many texts of each field were cut."""
    cut = dict.fromkeys((field.name for field in fields), 0)
    short: list[list[Any]] = []
    for row in rows:
        cells: list[Any] = []
        for field in fields:
            value = row[field.name]
            if isinstance(value, bool):
                value = int(value)
            elif field.type not in _DBF:  # dBASE knows no unknown text but the empty one
                value = _shortened(value or "")
                cut[field.name] += value != (row[field.name] or "")
            cells.append(value)
        short.append(cells)
    return short, cut


def _draw(writer: shapefile.Writer, shape: shapely.Geometry) -> None:
    if shape.geom_type == "Point":
        writer.point(shape.x, shape.y)
    else:  # outer rings of a Shapefile run clockwise
        turned = shapely.orient_polygons(shape, exterior_cw=True)
        writer.shape(shapely.geometry.mapping(turned))


def _shortened(text: str) -> str:
    """Text that fits, never cut inside a letter."""
    return text.encode()[:_TEXT_BYTES].decode(errors="ignore")


def _map(fields: Sequence[Field], names: dict[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_("列名"), _("字段"), _("含义"), _("单位")])
    for field in fields:
        writer.writerow([names[field.name], field.name, field.zh, field.unit])
    return text.getvalue().encode("utf-8-sig")

"""A version of a layer for other programs: GeoPackage, GeoJSON, Shapefile, DXF, KML, CSV.

Every writer takes the table of a layer, indexed by id, and returns in words what the kind of file
could not hold as it was. Unknown cells stay empty.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from language import gettext as _
from layers.fields import layer_definition
from layers.placing import crs_name
from layers.versions import write_version
from reports.exchange import harmless, replacing, require_place
from reports.layer_dxf import write_dxf
from reports.layer_kml import write_kml
from reports.layer_shapefile import write_shapefile
from reports.layer_styles import qml, sld

Writer = Callable[[gpd.GeoDataFrame, str, Path], list[str]]
# A tenth of a millimetre: in degrees, and in metres.
DEGREE_DECIMALS, METRE_DECIMALS = 9, 4
# As QGIS makes it.
_STYLES = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
    f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
    owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
)
"""
_CONTENTS = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change)
VALUES ('layer_styles', 'attributes', 'layer_styles', strftime('%Y-%m-%dT%H:%M:%fZ','now'))
"""
_STYLE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column,
    styleName, styleQML, styleSLD, useAsDefault, description, owner)
VALUES ('', '', ?, ?, ?, ?, ?, 1, 'CJJ 61', '')
"""


def write_layer(
    table: gpd.GeoDataFrame, layer: str, file: Path, permit: Callable[[], None]
) -> list[str]:
    """Write a layer in the kind of file that its suffix names, whole or not at all.

    ``permit`` is called when the file is complete and before it gets its name: what it raises
    keeps the file from appearing. Raises ``ExportError`` for a place that cannot be written.
    """
    require_place(file, *WRITERS)
    with replacing(file) as draft:
        notes = WRITERS[file.suffix.lower()](table, layer, draft)
        permit()
    return notes


def _write_gpkg(table: gpd.GeoDataFrame, layer: str, file: Path) -> list[str]:
    write_version(file, layer, table)
    kinds = set(layer_definition(layer).geometry_types)
    with closing(sqlite3.connect(file)) as database:
        column = "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?"
        (geometry,) = database.execute(column, (layer,)).fetchone()
        if len(kinds) == 1:  # QGIS gives a layer of mixed shapes no style
            kind = {"LineString": "line", "Point": "marker", "Polygon": "fill"}[kinds.pop()]
            look = (layer, geometry, layer, qml(layer, kind), sld(layer, kind))
            database.execute(_STYLES)
            database.execute(_CONTENTS)
            database.execute(_STYLE, look)
        database.commit()
    return []


def _write_geojson(table: gpd.GeoDataFrame, layer: str, file: Path) -> list[str]:
    """RFC 7946: longitude and latitude, outer rings counter-clockwise, no member ``crs``."""
    note = in_degrees_note(table)
    shapes = shapely.orient_polygons(np.asarray(table.to_crs(4326).geometry))
    rows = cells(table, layer)
    features = [
        {
            "type": "Feature",
            "id": row[table.index.name],
            "properties": row,
            "geometry": _rounded(shapely.geometry.mapping(shape)),
        }
        for row, shape in zip(rows, shapes, strict=True)
    ]
    document = {"type": "FeatureCollection", "name": layer, "note": note, "features": features}
    file.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return [note]


def _write_csv(table: gpd.GeoDataFrame, layer: str, file: Path) -> list[str]:
    """UTF-8 with a byte order mark; the shape as WKT; no cell that a spreadsheet computes."""
    names = layer_definition(layer).names
    shapes = shapely.to_wkt(np.asarray(table.geometry), rounding_precision=METRE_DECIMALS)
    with file.open("w", encoding="utf-8-sig", newline="") as text:
        writer = csv.writer(text)
        writer.writerow([*names, "geometry_wkt"])
        for row, shape in zip(cells(table, layer), shapes, strict=True):
            writer.writerow([*map(harmless, row.values()), shape])
    return [_("geometry_wkt 的坐标系为 {}。").format(crs_name(table.crs))]


def cells(table: gpd.GeoDataFrame, layer: str) -> list[dict[str, Any]]:
    """Rows of a layer as plain values by field, the id first; None is unknown."""
    whole = table.reset_index()
    columns = {
        one.name: _plain(whole[one.name], one.type == "integer")
        for one in layer_definition(layer).fields
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(column: pd.Series, whole: bool) -> list[Any]:
    return [
        None if unknown else int(value) if whole else value
        for value, unknown in zip(column.tolist(), column.isna().tolist(), strict=True)
    ]


def in_degrees_note(table: gpd.GeoDataFrame) -> str:
    """What must be said of shapes that were put into longitude and latitude."""
    return _("坐标由 {} 换算为经纬度,按 WGS 84 书写;CGCS2000 与 WGS 84 之差小于 1 米。").format(
        crs_name(table.crs)
    )


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    return {**geometry, "coordinates": _round(geometry["coordinates"])}


def _round(numbers: Any) -> Any:
    if isinstance(numbers, float):
        return round(numbers, DEGREE_DECIMALS)
    return [_round(one) for one in numbers]


WRITERS: dict[str, Writer] = {
    ".gpkg": _write_gpkg,
    ".geojson": _write_geojson,
    ".zip": lambda table, layer, file: write_shapefile(table, cells(table, layer), layer, file),
    ".dxf": lambda table, layer, file: write_dxf(table, cells(table, layer), layer, file),
    ".kml": lambda table, layer, file: write_kml(
        table, cells(table, layer), layer, file, in_degrees_note(table)
    ),
    ".csv": _write_csv,
}

"""Small hand-made files, good and hostile, and the fingerprint of a folder."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import psycopg
from psycopg import sql
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

import layers.gdal_safety  # noqa: F401  (before the reader is loaded)
from layers.store import Workspace

# A corner near Xin County, EPSG:4547 (central meridian 114° E): 114.86° E, 31.63° N.
EAST, NORTH = 581_600.0, 3_500_400.0


def square(x: float, y: float, side: float = 10.0) -> Polygon:
    """Return a square whose south-west corner lies x, y metres from the test corner."""
    west, south = EAST + x, NORTH + y
    corners = [(0, 0), (side, 0), (side, side), (0, side)]
    return Polygon([(west + east, south + north) for east, north in corners])


def line(*points: tuple[float, float]) -> LineString:
    """Return a line through points given in metres from the test corner."""
    return LineString([(EAST + x, NORTH + y) for x, y in points])


def write_gpkg(
    path: Path,
    columns: Mapping[str, Sequence[object]],
    shapes: Sequence[BaseGeometry | None],
    *,
    crs: str | None = "EPSG:4547",
    layer: str = "things",
) -> Path:
    """Write a GeoPackage as other programs do."""
    table = gpd.GeoDataFrame(dict(columns), geometry=list(shapes), crs=crs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a file without CRS is what is wanted
        table.to_file(path, driver="GPKG", layer=layer, engine="pyogrio")
    return path


def parcels_file(folder: Path, count: int = 3) -> Path:
    """Write a good parcels file with Chinese column names."""
    columns = {
        "宗地编号": [f"P{number}" for number in range(1, count + 1)],
        "名称": [f"第{number}小学" for number in range(1, count + 1)],
        "用地性质": ["教育"] * count,
    }
    shapes = [square(20.0 * number, 0) for number in range(count)]
    return write_gpkg(folder / "宗地.gpkg", columns, shapes)


def feature(geometry: Mapping[str, Any] | None, **properties: object) -> dict[str, Any]:
    """Return a GeoJSON feature."""
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def write_geojson(path: Path, features: Sequence[Mapping[str, Any]], **members: object) -> Path:
    """Write a FeatureCollection."""
    document = {"type": "FeatureCollection", "features": list(features), **members}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def degrees_square(longitude: float = 114.86, latitude: float = 31.63) -> dict[str, Any]:
    """Return a GeoJSON square of about 10 m near Xin County."""
    step = 1e-4
    corners = [(0, 0), (step, 0), (step, step), (0, step), (0, 0)]
    return {
        "type": "Polygon",
        "coordinates": [[[longitude + east, latitude + north] for east, north in corners]],
    }


def run_sql(path: Path, *statements: str) -> None:
    """Change an SQLite file behind everybody's back."""
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def fingerprint(folder: Path) -> dict[str, str]:
    """Return every file and folder below ``folder`` with the hash of its bytes."""
    return {
        item.relative_to(folder).as_posix(): hashlib.sha256(item.read_bytes()).hexdigest()
        if item.is_file()
        else "folder"
        for item in sorted(folder.rglob("*"))
    }


def stored(workspace: Workspace) -> dict[str, str]:
    """Return everything that a workspace keeps, in its folder and in its database, hashed."""
    found = fingerprint(workspace.path)
    if workspace.database_url is None:
        return found
    schema = workspace.database_schema
    with psycopg.connect(workspace.database_url) as connection:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
        for (name,) in connection.execute(query, (schema,)).fetchall():
            table = sql.Identifier(schema, name)
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(table)).fetchall()
            text = "\n".join(sorted(row for (row,) in rows))
            found[f"table {name}"] = hashlib.sha256(text.encode()).hexdigest()
    return found

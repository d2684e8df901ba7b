"""Bring geometries into the form that layers hold: flat, single where they can be."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from shapely import GeometryType
from shapely.geometry.base import BaseGeometry

# Fields that tell of one end of a line.
_AT_START, _AT_END = ("start_depth_m", "start_invert_m"), ("end_depth_m", "end_invert_m")
_SINGLE_OF = {
    GeometryType.MULTIPOINT: "Point",
    GeometryType.MULTILINESTRING: "LineString",
    GeometryType.MULTIPOLYGON: "Polygon",
}


@dataclass(frozen=True)
class Exploded:
    """A table whose multi-part lines are rows of their own, and the positions they came from."""

    table: gpd.GeoDataFrame
    positions: np.ndarray
    split: tuple[int, ...]


def flatten(shapes: np.ndarray) -> np.ndarray:
    """Return shapes in two dimensions, multi-part ones with a single part unwrapped."""
    flat: np.ndarray = shapely.force_2d(shapes)
    single = np.isin(shapely.get_type_id(flat), list(_SINGLE_OF)) & (
        shapely.get_num_geometries(flat) == 1
    )
    flat[single] = shapely.get_geometry(flat[single], 0)
    return flat


def base_type(shape: BaseGeometry) -> str:
    """Return the geometry type that a layer must allow to hold ``shape``.

    A polygon in several parts is a ``Polygon``: parcels and water bodies may consist of several.
    """
    name: str = shape.geom_type
    return "Polygon" if name == "MultiPolygon" else name


def of_parts(
    table: gpd.GeoDataFrame, is_first: np.ndarray, is_last: np.ndarray
) -> gpd.GeoDataFrame:
    """Parts of lines, what is told of an end of the whole only where that end is."""
    told = {_AT_START: is_first, _AT_END: is_last}
    known = [(name, keeps) for names, keeps in told.items() for name in names if name in table]
    return table.assign(**{name: table[name].where(keeps, None) for name, keeps in known})


def explode_lines(table: gpd.GeoDataFrame, id_field: str) -> Exploded:
    """Give each part of a multi-part line its own row, called ``<id>.1``, ``<id>.2``, …"""
    shapes = np.asarray(table.geometry)
    multi = shapely.get_type_id(shapes) == GeometryType.MULTILINESTRING
    multi &= shapely.get_num_geometries(shapes) > 1
    order = np.repeat(np.arange(len(table)), np.where(multi, shapely.get_num_geometries(shapes), 1))
    if not multi.any():
        return Exploded(table, order, ())
    exploded = table.iloc[order].reset_index(drop=True)
    part = exploded.groupby(order).cumcount()
    split = multi[order]
    pieces = shapes[order]
    pieces[split] = shapely.get_geometry(pieces[split], part[split])
    ids = exploded[id_field].to_numpy(dtype=object, copy=True)
    named = split & exploded[id_field].notna().to_numpy()
    ids[named] = [f"{name}.{n + 1}" for name, n in zip(ids[named], part[named], strict=True)]
    exploded = exploded.assign(**{id_field: ids}).set_geometry(pieces, crs=table.crs)
    exploded = of_parts(exploded, part == 0, np.diff(order, append=-1) != 0)
    return Exploded(exploded, order, tuple(np.flatnonzero(multi).tolist()))

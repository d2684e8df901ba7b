"""Map layers as ready-made GeoJSON features, found by the box on the screen.

Coordinates are WGS 84 longitude and latitude here, because the map wants them; nothing is
measured in this module.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from api.escape import esc
from gis.crs import in_degrees
from language import gettext as _

MAX_FEATURES = 4000  # about 1 MB before compression; more would stall a phone
_TOLERANCE_M = 0.2  # of what is drawn; a pixel at the deepest zoom shows 0.13 m
_DECIMALS = 6  # 0.1 m on the ground, finer than a screen pixel at the deepest zoom

# The columns of each layer that the map may see: drawn by, or shown as text. All else stays.
_STYLE_COLUMN = {
    "green": "kind",
    "lines": "utility",
    "nodes": "utility",
    "parcels": "land_use",
    "roads": "road_class",
}
_TEXT_COLUMN = {"parcels": "name", "roads": "name", "water_bodies": "name", "railways": "name"}


class LayerRequestError(ValueError):
    """The address of a layer request cannot be used."""


@dataclass(frozen=True)
class ViewLayer:
    """One layer: a spatial index over boxes in degrees and one GeoJSON text per feature."""

    tree: shapely.STRtree
    features: np.ndarray

    def within(self, box: tuple[float, float, float, float], limit: int = MAX_FEATURES) -> bytes:
        """GeoJSON FeatureCollection of what touches ``box`` (west, south, east, north).

        At most ``limit`` features; ``total`` and ``truncated`` say what was left out.
        O(log n + answer).
        """
        hits = np.sort(self.tree.query(shapely.box(*box)))
        body = ",".join(self.features[hits[:limit]])
        head = f'"total":{len(hits)},"truncated":{json.dumps(len(hits) > limit)}'
        return f'{{"type":"FeatureCollection",{head},"features":[{body}]}}'.encode()


def view_layers(
    tables: Mapping[str, gpd.GeoDataFrame], *, marked_parcels: Iterable[str] = ()
) -> dict[str, ViewLayer]:
    """Every layer of ``tables`` made ready for the map, by layer name.

    Parameters
    ----------
    tables
        Layers in one projected CRS, indexed by their ids. Road surfaces that were not
        imported are drawn from the widths of the centre lines.
    marked_parcels
        Ids of parcels with an open application, drawn with a stronger outline.
    """
    drawn = {**_road_surfaces(tables), **tables}
    marked = set(marked_parcels)
    return {name: _view_layer(name, table, marked) for name, table in drawn.items()}


def outcome_layer(parcels: gpd.GeoDataFrame, signs: Mapping[str, str]) -> ViewLayer:
    """Parcels with the signs of what comes of their lines, one letter for each utility.

    Parcels without signs are left out.
    """
    told = parcels.index.map(lambda key: signs.get(str(key), ""))
    kept = told[told != ""]
    return _layer_of(parcels[told != ""].geometry, kept, [""] * len(kept), set())


def parse_box(text: str) -> tuple[float, float, float, float]:
    """Numbers of ``west,south,east,north`` in degrees; LayerRequestError if they are no box."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise LayerRequestError(_("bbox 应为 4 个以逗号分隔的数:西,南,东,北")) from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise LayerRequestError(_("bbox 不是有效的经纬度范围"))
    return west, south, east, north


def _view_layer(name: str, table: gpd.GeoDataFrame, marked: set[str]) -> ViewLayer:
    kinds, titles = _column(table, _STYLE_COLUMN.get(name)), _column(table, _TEXT_COLUMN.get(name))
    return _layer_of(table.geometry, kinds, titles, marked)


def _layer_of(
    geometry: gpd.GeoSeries, kinds: Sequence[str], titles: Sequence[str], marked: set[str]
) -> ViewLayer:
    """Shapes by id with a kind and a title each, as the map takes them."""
    shapes = in_degrees(geometry.simplify(_TOLERANCE_M), geometry.crs)
    usable = ~(shapely.is_empty(shapes) | shapely.is_missing(shapes))
    drawn = shapes[usable]
    texts = shapely.to_geojson(shapely.transform(drawn, lambda xy: np.round(xy, _DECIMALS)))
    about = (np.asarray(one, object)[usable] for one in (geometry.index, kinds, titles))
    features = [
        _feature(str(id_), kind, title, text, marked)
        for id_, kind, title, text in zip(*about, texts, strict=True)
    ]
    return ViewLayer(shapely.STRtree(drawn), np.array(features, dtype=object))


def _column(table: gpd.GeoDataFrame, column: str | None) -> list[str]:
    if column is None or column not in table.columns:
        return [""] * len(table)
    return list(table[column].astype("string").fillna(""))


def _feature(id_: str, kind: str, title: str, geometry: str, marked: set[str]) -> str:
    properties: dict[str, str | int] = {"id": esc(id_)}
    if kind:
        properties["k"] = esc(kind)
    if title:
        properties["t"] = esc(title)
    if id_ in marked:
        properties["m"] = 1
    head = json.dumps(properties, ensure_ascii=False, separators=(",", ":"))
    return f'{{"type":"Feature","properties":{head},"geometry":{geometry}}}'


def _road_surfaces(tables: Mapping[str, gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """Carriageways and red lines from the widths of the centre lines, for drawing only."""
    roads = tables.get("roads")
    if roads is None:
        return {}
    columns = {"carriageways": "carriageway_width_m", "road_red_lines": "red_line_width_m"}
    surfaces = {}
    for layer, column in columns.items():
        if column in roads.columns:
            known = roads[pd.to_numeric(roads[column], errors="coerce") > 0]
            half_width = known[column].astype(float) / 2
            surfaces[layer] = gpd.GeoDataFrame(
                geometry=known.geometry.buffer(half_width, quad_segs=4), crs=roads.crs
            )
    return surfaces

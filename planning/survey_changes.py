"""Survey changes: which features of a survey another one has changed, and surveys of a part."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import IntArray, LineArray, distinct
from layers.survey import Survey
from planning.road_works import REACH_M

Shapes = LineArray

# Works of the layer ``planned_works`` tell of the roads that they are near to.
_WORKS = "planned_works"
# Layers whose features are told by others: nodes inherit from the main that they sit on.
_TOLD_BY = {"nodes": ("lines", "line_id")}


@dataclass(frozen=True)
class Change:
    """Features of one layer that were added, removed or altered, by id; ``shapes`` old and new."""

    ids: frozenset[str]
    shapes: Shapes


class IncomparableError(Exception):
    """Two surveys differ in more than features; the message says in what, for a log."""


def changes(before: Survey, after: Survey) -> dict[str, Change]:
    """The changed features of every layer that has any.

    Raises
    ------
    IncomparableError
        If the surveys differ in CRS, county or layers, a layer in its fields, or ids are not
        unique.
    """
    if not before.crs.equals(after.crs) or before.county != after.county:
        raise IncomparableError("another county or CRS")
    if set(before.tables) != set(after.tables):
        raise IncomparableError("a layer was imported for the first time, or is gone")
    found = {
        layer: _changed(layer, before.tables[layer], table)
        for layer, table in after.tables.items()
        if table is not before.tables[layer]
    }
    for layer, (told_by, field) in _TOLD_BY.items():
        if told_by in found and layer in after.tables:
            more = _sitting_on(found[told_by].ids, field, before.tables[layer], after.tables[layer])
            own = found.get(layer, Change(frozenset(), np.zeros(0, object)))
            found[layer] = Change(own.ids | more.ids, np.concatenate([own.shapes, more.shapes]))
    if _WORKS in found and "roads" in after.tables:
        more = _beside_works(found[_WORKS].shapes, before.tables["roads"], after.tables["roads"])
        own = found.get("roads", Change(frozenset(), np.zeros(0, object)))
        found["roads"] = Change(own.ids | more.ids, np.concatenate([own.shapes, more.shapes]))
    return {layer: change for layer, change in found.items() if change.ids}


def _beside_works(works: Shapes, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> Change:
    """Roads of which works that changed may tell otherwise."""
    tables = [before] if after is before else [before, after]
    parts = [
        table.iloc[np.unique(table.sindex.query(works, "dwithin", distance=REACH_M)[1])]
        for table in tables
    ]
    ids = frozenset(str(key) for part in parts for key in part.index)
    return Change(ids, np.concatenate([np.asarray(part.geometry.array) for part in parts]))


def _changed(layer: str, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> Change:
    if list(before.columns) != list(after.columns):
        raise IncomparableError(f"other fields in the layer {layer}")
    if not (before.index.is_unique and after.index.is_unique):
        raise IncomparableError(f"repeated ids in the layer {layer}")
    if before.index.equals(after.index):
        alike = _alike(before, after)
        others = [(before, ~alike), (after, ~alike)]
    else:
        stayed = before.index.isin(after.index), after.index.isin(before.index)
        one, two = before[stayed[0]], after[stayed[1]]
        alike = _alike(one, two)
        others = [(before, ~stayed[0]), (one, ~alike), (after, ~stayed[1]), (two, ~alike)]
    ids = frozenset(str(key) for table, rows in others for key in table.index[rows])
    shapes = [np.asarray(table.geometry.array)[rows] for table, rows in others]
    return Change(ids, np.concatenate(shapes))


def _alike(one: gpd.GeoDataFrame, two: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Rows that are equal in everything: unknown equals unknown, vertices equal to the bit."""
    shapes = np.asarray(one.geometry.array), np.asarray(two.geometry.array)
    alike = np.array([a is b for a, b in zip(*shapes, strict=True)], bool)
    moved = np.flatnonzero(~alike)
    alike[moved] = shapely.equals_exact(shapes[0][moved], shapes[1][moved], 0.0)
    for name in one.columns.drop(one.geometry.name):
        if one[name].equals(two[name]):
            continue
        old, new = one[name].to_numpy(object), two[name].to_numpy(object)
        unknown = pd.isna(old) & pd.isna(new)
        alike &= np.asarray((old == new) | unknown, bool)
    return alike


def _sitting_on(
    told_by: frozenset[str], field: str, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame
) -> Change:
    tables = [before] if after is before else [before, after]
    parts = [table[table[field].isin(list(told_by)).to_numpy(bool)] for table in tables]
    ids = frozenset(str(key) for part in parts for key in part.index)
    return Change(ids, np.concatenate([np.asarray(part.geometry.array) for part in parts]))


def survey_within(survey: Survey, boxes: Shapes, layers: Collection[str]) -> Survey:
    """The features of some layers that meet any of some boxes.

    What tells about them comes with them.
    """
    rows: dict[str, IntArray] = {
        layer: distinct(table.sindex.query(boxes, "intersects")[1])
        for layer, table in survey.tables.items()
        if layer in layers
    }
    for layer, (told_by, field) in _TOLD_BY.items():
        if layer in rows and told_by in rows:
            named = survey.tables[layer][field].to_numpy(object)[rows[layer]]
            place = survey.tables[told_by].index.get_indexer(pd.Index(named, dtype=object))
            rows[told_by] = distinct(np.concatenate([rows[told_by], place[place >= 0]]))
    tables = {layer: survey.tables[layer].iloc[chosen] for layer, chosen in rows.items()}
    return Survey(survey.crs, tables, survey.county, survey.synthetic)

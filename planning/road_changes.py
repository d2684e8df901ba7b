"""Road changes: streets and strips that an edit of roads, water or rails has changed, as shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.keys import Keys, key_of, key_of_lines, paired
from layers.survey import Survey
from planning.corridors import Corridors, bridges
from planning.obstacles import obstacles_of
from planning.roadside import Roadside


def changed_streets(before: Roadside, after: Roadside) -> NDArray[Any]:
    """Roads, street parts and strips that are in one of two roadsides only, as shapes."""
    lines = [
        _differing(one, two)
        for one, two in zip(_street_keys(before), _street_keys(after), strict=True)
    ]
    return np.concatenate(lines)


Told = tuple[Keys, NDArray[Any]]


def _street_keys(beside: Roadside) -> tuple[Told, ...]:
    """Keys and shapes of roads, carriageways, street parts and strips."""
    surfaces, streets, strips = beside.surfaces, beside.streets, beside.strips
    table = surfaces.table
    roads = key_of(
        *(table[name] for name in table),
        surfaces.red_line_ratio,
        key_of_lines(surfaces.centre),
        key_of(*shapely.bounds(surfaces.carriageway).T, shapely.area(surfaces.carriageway)),
    )
    part = streets.pieces
    parts = key_of(
        key_of_lines(part.lines),
        key_of(table["road_id"])[part.parent],
        strips.backward,
        beside.offset_m,
    )
    pieces = strips.network.pieces.lines
    return (
        (roads, surfaces.centre),
        (roads, surfaces.carriageway),
        (parts, part.lines),
        (key_of(key_of_lines(pieces), strips.side), pieces),
    )


def _differing(one: Told, two: Told) -> NDArray[Any]:
    in_two, in_one = paired(one[0], two[0])
    return np.concatenate([one[1][in_two < 0], two[1][in_one < 0]])


def streets_over(shapes: NDArray[Any], beside: Roadside) -> NDArray[Any]:
    """The street parts that meet shapes."""
    tree = beside.street_tree
    met = np.unique(tree.query(shapes, "intersects")[1])
    return np.asarray(np.array(tree.geometries, object)[met])


def changed_bridges(before: Corridors, survey: Survey, beside: Roadside) -> NDArray[Any]:
    """Roads of which it is told otherwise now whether they have a bridge."""
    after = bridges(beside.surfaces, obstacles_of(survey))
    told = pd.Series(before.bridged, index=before.surfaces.table["road_id"])
    then = told.reindex(beside.surfaces.table["road_id"]).to_numpy(float)
    differ = ~((then == after) | (np.isnan(then) & np.isnan(after)))
    return np.asarray(beside.surfaces.centre[differ])

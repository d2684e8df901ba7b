"""Road changes: streets and strips that an edit of roads, water or rails has changed, as shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.keys import Keys, key_of, key_of_lines, paired
from gis.linear import IntArray, LineArray, ends_of
from layers.survey import Survey
from planning.corridors import Corridors, bridges
from planning.medians import divided
from planning.obstacles import obstacles_of
from planning.policy_model import Planning
from planning.roadside import Roadside

# What is nearer to a strip than that lies on it.
_SAME_M = 1e-3
Told = tuple[Keys, NDArray[Any]]


def changed_streets(before: Roadside, after: Roadside, settings: Planning) -> NDArray[Any]:
    """Where two roadsides differ: roads and street parts whole, strips where they lie otherwise."""
    whole = zip(_street_keys(before), _street_keys(after), strict=True)
    return np.concatenate(
        [
            *(shapes for both in whole for shapes in _differing(*both)),
            _moved_strips(before, after, settings.max_median_m),
            _joined_otherwise(before, after, settings.max_snap_m),
        ]
    )


def _street_keys(beside: Roadside) -> tuple[Told, ...]:
    """Keys and shapes of roads, carriageways and street parts."""
    surfaces, streets = beside.surfaces, beside.streets
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
        beside.strips.backward,
        beside.offset_m,
    )
    return (roads, surfaces.centre), (roads, surfaces.carriageway), (parts, part.lines)


def _differing(one: Told, two: Told) -> tuple[NDArray[Any], NDArray[Any]]:
    """What is only in the one, and what is only in the other."""
    in_two, in_one = paired(one[0], two[0])
    return one[1][in_two < 0], two[1][in_one < 0]


def _moved_strips(before: Roadside, after: Roadside, max_median_m: float) -> NDArray[Any]:
    """Strips where none of their side lies in the other roadside, and ends that are none there.

    A strip that ends elsewhere at the mouth of a changed street lies as it lay beyond it. Strips
    of divided roads are taken whole: medians are looked for from step to step along them.
    """
    sides = before, after
    pieces = [one.strips.network.pieces.lines for one in sides]
    rows = [np.arange(len(lines)) for lines in pieces]
    keys = [
        key_of(key_of_lines(lines), one.strips.side)
        for lines, one in zip(pieces, sides, strict=True)
    ]
    differ = _differing((keys[0], rows[0]), (keys[1], rows[1]))
    found: list[NDArray[Any]] = []
    for own, other in ((0, 1), (1, 0)):
        lines, others = (pieces[k][differ[k]] for k in (own, other))
        ends = [_ends_of(sides[k], differ[k]) for k in (own, other)]
        moved = lines.copy()
        for side in (-1, 0, 1):
            mine, theirs = (sides[k].strips.side[differ[k]] == side for k in (own, other))
            moved[mine] = _without(lines[mine], others[theirs])
        whole = _beside_medians(sides[own], differ[own], max_median_m)
        moved[whole] = lines[whole]
        found += [moved[~shapely.is_empty(moved)], _differing(*ends)[0]]
    return np.concatenate(found)


def _ends_of(beside: Roadside, rows: IntArray) -> Told:
    """The ends of strips, with a key of each by its place and side."""
    xy = ends_of(beside.strips.network.pieces.lines[rows]).reshape(-1, 2)
    return key_of(xy[:, 0], xy[:, 1], np.repeat(beside.strips.side[rows], 2)), shapely.points(xy)


def _without(lines: LineArray, others: LineArray) -> LineArray:
    """Lines without what others lie on."""
    row, other = shapely.STRtree(others).query(lines, "dwithin", distance=_SAME_M)
    left = lines.copy()
    for number in np.unique(row).tolist():
        near = shapely.union_all(others[other[row == number]])
        left[number] = shapely.difference(lines[number], shapely.buffer(near, _SAME_M))
    return left


def _beside_medians(beside: Roadside, rows: IntArray, max_median_m: float) -> NDArray[np.bool_]:
    """Which strips may run along one of two carriageways of a road."""
    if len(rows) == 0:
        return np.zeros(0, bool)
    strips = beside.strips
    near = beside.within(strips.network.pieces.lines[rows])
    halves = divided(near.streets, near.surfaces, max_median_m).one
    return np.isin(strips.stroke[rows], near.strips.stroke_of_part[halves])


def _joined_otherwise(before: Roadside, after: Roadside, max_snap_m: float) -> NDArray[Any]:
    """Street parts near each other that are of one street in one of two roadsides only.

    A place in reach of both is joined to them once, or once to each.
    """
    in_after, _ = paired(*(key_of_lines(one.streets.pieces.lines) for one in (before, after)))
    part = np.flatnonzero(in_after >= 0)
    strokes = before.strips.stroke_of_part[part], after.strips.stroke_of_part[in_after[part]]
    stroke = np.stack(strokes)
    _, kind = np.unique(stroke, axis=1, return_inverse=True)
    known = pd.DataFrame({"before": stroke[0], "after": stroke[1], "kind": kind.ravel()})
    alone = np.ones(len(part), bool)
    for name in ("before", "after"):
        alone &= (known.groupby(name)["kind"].transform("nunique") == 1).to_numpy()
    part, stroke = part[~alone], stroke[:, ~alone]
    lines = before.streets.pieces.lines[part]
    reach_m = 2.0 * (max_snap_m + float(before.offset_m[part].max(initial=0.0)))
    one, two = shapely.STRtree(lines).query(lines, "dwithin", distance=reach_m)
    same = stroke[:, one] == stroke[:, two]
    return np.asarray(lines[np.unique(one[same[0] != same[1]])])


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

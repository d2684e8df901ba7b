"""Road changes: streets and strips that an edit of roads, water or rails has changed, as shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.keys import Keys, key_of, key_of_lines, paired
from gis.linear import FloatArray, IntArray, LineArray, ends_of
from planning.corridors import Corridors, bridges
from planning.medians import divided
from planning.obstacles import Obstacles
from planning.policy_model import Planning
from planning.roads_since import RoadsSince
from planning.roadside import Roadside, Stayed

# What is nearer to a strip than that lies on it.
_SAME_M = 1e-3
Told = tuple[Keys, NDArray[Any]]
# Rows of two tables, those before and those of now.
Rows = tuple[IntArray, IntArray]


def changed_streets(
    before: Roadside, after: Roadside, stayed: Stayed, settings: Planning
) -> NDArray[Any]:
    """Where two roadsides differ: roads and street parts whole, strips where they lie otherwise."""
    roads = stayed.roads.gone(len(before.surfaces.centre)), stayed.roads.rows
    parts = _others(_with_same_walk(before, after, stayed.parts), len(before.beside_m))
    told = [
        zip(_road_keys(before, roads[0]), _road_keys(after, roads[1]), strict=True),
        [(_part_keys(before, parts[0]), _part_keys(after, parts[1]))],
    ]
    strips = _others(stayed.strips, len(before.strips.side))
    return np.concatenate(
        [
            *(shapes for pairs in told for both in pairs for shapes in _differing(*both)),
            stayed.roads.corners(before.surfaces.carriageway, after.surfaces.carriageway),
            _moved_strips(before, after, strips, settings.max_median_m),
            _joined_otherwise(before, after, stayed.parts, settings.max_snap_m),
        ]
    )


def shared_otherwise(before: Roadside, after: Roadside, roads: RoadsSince) -> NDArray[Any]:
    """What carriageways share that may belong to another now, where roads lie as they lay."""
    one, two = before.surfaces, after.surfaces
    rows = np.flatnonzero(one.may_be_city_road[roads.row_before] != two.may_be_city_road)
    at, other = two.tree.query(two.carriageway[rows], "intersects")
    at, other = at[rows[at] != other], other[rows[at] != other]
    return np.asarray(shapely.intersection(two.carriageway[rows[at]], two.carriageway[other]))


def _others(number_before: IntArray, count: int) -> Rows:
    """The rows before, of so many, and now of which none is the other."""
    gone = np.ones(count, bool)
    gone[number_before[number_before >= 0]] = False
    return np.flatnonzero(gone), np.flatnonzero(number_before < 0)


def _with_same_walk(before: Roadside, after: Roadside, parts: IntArray) -> IntArray:
    """The numbers before of street parts, -1 for those walked the other way by their strips."""
    turned = before.strips.backward[parts] != after.strips.backward
    return np.where(turned, -1, parts)


def _road_keys(beside: Roadside, rows: IntArray) -> tuple[Told, Told]:
    """Keys and shapes of some roads and of their carriageways."""
    surfaces, table = beside.surfaces, beside.surfaces.table.iloc[rows]
    centre, paved = surfaces.centre[rows], surfaces.carriageway[rows]
    roads = key_of(
        *(table[name] for name in table),
        surfaces.red_line_ratio[rows],
        key_of_lines(centre),
        *(_key_of_areas(areas) for areas in (paved, surfaces.red_line[rows])),
    )
    return (roads, centre), (roads, paved)


def _key_of_areas(areas: NDArray[Any]) -> Keys:
    """Keys of areas by where they lie and how large they are."""
    return key_of(*shapely.bounds(areas).reshape(-1, 4).T, shapely.area(areas))


def _part_keys(beside: Roadside, rows: IntArray) -> Told:
    """Keys and shapes of some street parts."""
    lines, parent, *_ = beside.streets.pieces
    parts = key_of(
        key_of_lines(lines[rows]),
        key_of(beside.surfaces.table["road_id"].to_numpy(object)[parent[rows]]),
        beside.strips.backward[rows],
        *beside.beside_m[rows].T,
    )
    return parts, lines[rows]


def _differing(one: Told, two: Told) -> tuple[NDArray[Any], NDArray[Any]]:
    """What is only in the one, and what is only in the other."""
    in_two, in_one = paired(one[0], two[0])
    return one[1][in_two < 0], two[1][in_one < 0]


def _moved_strips(
    before: Roadside, after: Roadside, rows: Rows, max_median_m: float
) -> NDArray[Any]:
    """Strips where none of their side lies in the other roadside, and ends that are none there.

    A strip that ends elsewhere at the mouth of a changed street lies as it lay beyond it. Strips
    of divided roads are taken whole: medians are looked for from step to step along them.
    """
    sides = before, after
    pieces = [one.strips.network.pieces.lines for one in sides]
    keys = [
        key_of(key_of_lines(lines[own]), one.strips.side[own])
        for lines, one, own in zip(pieces, sides, rows, strict=True)
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


def _joined_otherwise(
    before: Roadside, after: Roadside, stayed: IntArray, max_snap_m: float
) -> NDArray[Any]:
    """Street parts near each other that are of one street in one of two roadsides only.

    A place in reach of both is joined to them once, or once to each.
    """
    gone, new = _others(stayed, len(before.beside_m))
    sides = (before, gone), (after, new)
    lines = [one.streets.pieces.lines[rows] for one, rows in sides]
    _, same = paired(*map(key_of_lines, lines))
    now = np.flatnonzero(stayed >= 0)
    part = np.concatenate([stayed[now], gone[same[same >= 0]]])
    now = np.concatenate([now, new[same >= 0]])
    stroke = np.stack([before.strips.stroke_of_part[part], after.strips.stroke_of_part[now]])
    kinds = np.unique(stroke[0] * (stroke[1].max(initial=0) + 1) + stroke[1])
    pairs = np.divmod(kinds, stroke[1].max(initial=0) + 1)
    alone = np.ones(len(part), bool)
    for of_part, of_pair in zip(stroke, pairs, strict=True):
        alone &= np.bincount(of_pair, minlength=1)[of_part] == 1
    part, stroke = part[~alone], stroke[:, ~alone]
    met = before.streets.pieces.lines[part]
    reach_m = 2.0 * (max_snap_m + float(before.beside_m[part].max(initial=0.0)))
    one, two = shapely.STRtree(met).query(met, "dwithin", distance=reach_m)
    same_one = stroke[:, one] == stroke[:, two]
    return np.asarray(met[np.unique(one[same_one[0] != same_one[1]])])


def streets_over(shapes: NDArray[Any], beside: Roadside) -> NDArray[Any]:
    """The street parts that meet shapes."""
    tree = beside.street_tree
    met = np.unique(tree.query(shapes, "intersects")[1])
    return np.asarray(np.array(tree.geometries, object)[met])


def bridges_after(
    before: Corridors, beside: Roadside, roads: RoadsSince, obstacles: Obstacles
) -> FloatArray:
    """The ``bridges`` of all roads over the same water, told anew of those told otherwise."""
    told = before.bridged[roads.row_before]
    told[roads.rows] = bridges(beside.surfaces, obstacles, roads.rows)
    return told


def changed_bridges(before: Corridors, beside: Roadside, after: FloatArray) -> NDArray[Any]:
    """Roads of which it is told otherwise now whether they have a bridge."""
    told = pd.Series(before.bridged, index=before.surfaces.table["road_id"])
    then = told.reindex(beside.surfaces.table["road_id"]).to_numpy(float)
    differ = ~((then == after) | (np.isnan(then) & np.isnan(after)))
    return np.asarray(beside.surfaces.centre[differ])

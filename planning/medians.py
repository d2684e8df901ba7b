"""Medians and traffic islands: strips that no line is laid in, though no building stands there.

A road drawn as two centre lines has strips on its outer sides only; what lies between the two
carriageways is crossed, never followed. Likewise the islands of roundabouts and of junctions with
slip roads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray, Pieces, cut_lines
from gis.noding import Network
from gis.overlay import enters
from planning.road_surfaces import RoadSurfaces

# Two carriageways of one road run side by side within this angle.
_PARALLEL_DEG = 15.0
# Strips are looked at this often to see where a median begins and ends.
_STEP_M = 4.0
# The edge of a block is where its streets are: nearer than this.
_ON_EDGE_M = 0.1
# A block between streets without a parcel or building is an island when it is smaller than this,
# or nearly round (4 pi area / perimeter²; a circle has 1, a square 0.79) and no longer than this.
_ISLAND_M2 = 400.0
_ROUND, ROUNDABOUT_M = 0.82, 280.0
# A block that is as round as this is a roundabout, whatever stands in it: an octagon has 0.95.
_RING = 0.9
# Roads of these classes are divided never, or only if both carriageways bear one name.
_UNDIVIDED, _SELDOM_DIVIDED = ("lane", "path"), ("lane", "path", "local")


class Pairs(NamedTuple):
    """Street parts that are two carriageways of one road, each pair in both orders."""

    one: IntArray
    two: IntArray


def divided(streets: Network, surfaces: RoadSurfaces, max_median_m: float) -> Pairs:
    """Find street parts of one road that run side by side with at most a median between.

    One road is one name or, where that is unknown, one class of main roads. The two sides of a
    roundabout are no pair.
    """
    parts, road = streets.pieces.lines, streets.pieces.parent
    half = surfaces.half_width_m[road]
    tree = shapely.STRtree(parts)
    one, two = tree.query(parts, predicate="dwithin", distance=2.0 * half + max_median_m)
    touching = (streets.ends[one][:, :, None] == streets.ends[two][:, None, :]).any(axis=(1, 2))
    kept = (one != two) & ~touching & (surfaces.level[road[one]] == surfaces.level[road[two]])
    one, two = one[kept], two[kept]
    kept = _same_road(surfaces.table, road[one], road[two])
    kept &= shapely.distance(parts[one], parts[two]) <= half[one] + half[two] + max_median_m
    one, two = one[kept].astype(np.int64), two[kept].astype(np.int64)
    middle = shapely.line_interpolate_point(parts[one], 0.5, normalized=True)
    at_m = shapely.line_locate_point(parts[two], middle)
    beside = shapely.distance(middle, parts[two]) <= half[one] + half[two] + max_median_m
    along = np.abs((_direction(parts[one], None) * _direction(parts[two], at_m)).sum(axis=1))
    kept = beside & (along >= np.cos(np.radians(_PARALLEL_DEG)))
    round_, _ = _blocks(streets, surfaces)
    edge, block = shapely.STRtree(round_).query(middle, predicate="dwithin", distance=_ON_EDGE_M)
    other = shapely.line_interpolate_point(parts[two], 0.5, normalized=True)
    facing = shapely.distance(other[edge], round_[block]) <= _ON_EDGE_M
    kept[edge[facing]] = False
    one, two = one[kept], two[kept]
    return Pairs(np.concatenate([one, two]), np.concatenate([two, one]))


def _same_road(table: pd.DataFrame, one: IntArray, two: IntArray) -> NDArray[np.bool_]:
    name, kind = table["name"].to_numpy(object), table["road_class"].to_numpy(object)
    named = pd.notna(name)
    both = named[one] & named[two]
    never, seldom = (np.isin(kind.astype(str), few) for few in (_UNDIVIDED, _SELDOM_DIVIDED))
    alike = pd.notna(kind[one]) & (kind[one] == kind[two]) & ~seldom[one]
    same: NDArray[np.bool_] = np.where(both, name[one] == name[two], alike).astype(bool)
    return same & ~never[one] & ~never[two]


def _direction(lines: LineArray, at_m: FloatArray | None) -> FloatArray:
    """Unit direction of each line at a distance along it, or in its middle."""
    length = shapely.length(lines)
    at_m = length / 2 if at_m is None else at_m
    before = shapely.line_interpolate_point(lines, np.maximum(at_m - _STEP_M, 0.0))
    after = shapely.line_interpolate_point(lines, np.minimum(at_m + _STEP_M, length))
    along = shapely.get_coordinates(after) - shapely.get_coordinates(before)
    return np.asarray(along / np.maximum(np.hypot(*along.T), 1e-9)[:, None])


def outside_medians(
    lines: LineArray,
    part: IntArray,
    streets: Network,
    surfaces: RoadSurfaces,
    private: NDArray[Any],
    max_median_m: float,
    pairs: Pairs,
) -> Pieces:
    """Cut strips where a median begins or ends and leave out what lies in it.

    A point of a strip lies in a median if the other carriageway of its road is not farther than
    ``max_median_m`` on the side away from its own, with nothing private between.
    """
    near = np.flatnonzero(np.isin(part, pairs.one))
    if len(near) == 0:
        length = shapely.length(lines)
        return Pieces(lines, np.arange(len(lines)), np.zeros(len(lines)), length)
    count = np.maximum(np.ceil(shapely.length(lines[near]) / _STEP_M), 1).astype(np.int64)
    line = np.repeat(near, count)
    share = (np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / np.repeat(
        count, count
    )
    point = shapely.line_interpolate_point(lines[line], share, normalized=True)
    inside = _in_median(point, part[line], streets, surfaces, private, max_median_m, pairs)
    change = np.flatnonzero((np.diff(line) == 0) & (np.diff(inside.astype(int)) != 0))
    at_m = (share[change] + share[change + 1]) / 2 * shapely.length(lines[line[change]])
    cut = cut_lines(lines, line[change], at_m)
    middle_m = (cut.start_m + cut.end_m) / 2
    first = np.searchsorted(line, cut.parent)
    step = middle_m / np.maximum(shapely.length(lines[cut.parent]), 1e-9)
    counts = np.zeros(len(lines), np.int64)
    counts[near] = count
    sample = first + np.minimum(step * counts[cut.parent], counts[cut.parent] - 1).astype(np.int64)
    touched = counts[cut.parent] > 0
    gone = np.zeros(len(cut.lines), bool)
    gone[touched] = inside[sample[touched]]
    kept = ~gone
    return Pieces(cut.lines[kept], cut.parent[kept], cut.start_m[kept], cut.end_m[kept])


def _in_median(
    point: NDArray[Any],
    part: IntArray,
    streets: Network,
    surfaces: RoadSurfaces,
    private: NDArray[Any],
    max_median_m: float,
    pairs: Pairs,
) -> NDArray[np.bool_]:
    """True for points between their own carriageway and the other one of the same road."""
    parts, road = streets.pieces.lines, streets.pieces.parent
    paired = pd.DataFrame({"at": np.arange(len(part)), "one": part}).merge(
        pd.DataFrame({"one": pairs.one, "two": pairs.two}), on="one"
    )
    at, two = paired["at"].to_numpy(np.int64), paired["two"].to_numpy(np.int64)
    here = shapely.get_coordinates(point)
    away = here - _nearest_xy(parts[part], point)
    over_m = shapely.line_locate_point(parts[two], point[at])
    to = shapely.get_coordinates(shapely.line_interpolate_point(parts[two], over_m)) - here[at]
    gap = np.hypot(*to.T)
    facing = (to * away[at]).sum(axis=1) > 0.7 * gap * np.hypot(*away[at].T)
    inner = facing & (gap <= surfaces.half_width_m[road[two]] + max_median_m)
    at, to = at[inner], to[inner]
    ways = shapely.linestrings(np.stack([here[at], here[at] + to], axis=1))
    blocked = np.isin(np.arange(len(ways)), enters(np.asarray(ways), private).line)
    found = np.zeros(len(point), bool)
    found[at[~blocked]] = True
    return found


def _nearest_xy(lines: LineArray, points: NDArray[Any]) -> FloatArray:
    at_m = shapely.line_locate_point(lines, points)
    return np.asarray(shapely.get_coordinates(shapely.line_interpolate_point(lines, at_m)))


def islands(
    streets: Network, surfaces: RoadSurfaces, private: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Round and other small blocks between streets that hold no parcel and no building."""
    tree = shapely.STRtree(private)
    free = []
    for blocks in _blocks(streets, surfaces):
        inhabited = tree.query(blocks, predicate="intersects")[0]
        free.append(np.asarray(np.delete(blocks, np.unique(inhabited))))
    return free[0], free[1]


def arcs_of_roundabouts(streets: Network, surfaces: RoadSurfaces) -> IntArray:
    """Number of the roundabout that each street part is an arc of, -1 for none.

    Known by its shape alone: a ring no longer than a roundabout, and nearly a circle.
    """
    blocks, _ = _blocks(streets, surfaces)
    round_ = 4 * np.pi * shapely.area(blocks) >= _RING * shapely.length(blocks) ** 2
    parts = streets.pieces.lines
    middle = shapely.line_interpolate_point(parts, 0.5, normalized=True)
    edges = shapely.boundary(blocks[round_])
    arc, number = shapely.STRtree(edges).query(middle, predicate="dwithin", distance=_ON_EDGE_M)
    ring = np.full(len(parts), -1)
    ring[arc] = number
    ring[surfaces.level[streets.pieces.parent] != 0] = -1
    return ring


def _blocks(streets: Network, surfaces: RoadSurfaces) -> tuple[NDArray[Any], NDArray[Any]]:
    """Round and other small blocks between streets on the ground, whoever lives there."""
    ground = surfaces.level[streets.pieces.parent] == 0
    blocks = np.asarray(shapely.get_parts(shapely.polygonize(streets.pieces.lines[ground])))
    area, length = shapely.area(blocks), shapely.length(blocks)
    round_ = (length <= ROUNDABOUT_M) & (4 * np.pi * area >= _ROUND * length**2)
    return blocks[round_], blocks[(area < _ISLAND_M2) & ~round_]

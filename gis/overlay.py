"""Overlay of lines and areas: lengths inside polygons, areas of strips, obstacles in the way.

Everything is vectorised over (line, polygon) pairs found by an R-tree; metres, square metres.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.areas import Areas
from gis.linear import FloatArray, IntArray, LineArray

# Shared boundaries and rounding make contacts of a few millimetres that are no entry.
CONTACT_TOLERANCE_M = 0.02
# A line that runs on the edge of two squares would lie in both: their edges keep off the round
# metres of maps.
_OFF_ROUND_M = 0.6180339887


class Inside(NamedTuple):
    """Parts of lines inside polygons: which line, which polygon, how many metres."""

    line: IntArray
    polygon: IntArray
    length_m: FloatArray


def lengths_inside(lines: LineArray, polygons: NDArray[Any] | Areas) -> Inside:
    """Length of each line inside each polygon it enters, by line; pairs without any are absent.

    Prepared ``Areas`` are several times faster for many lines.
    """
    if len(lines) == 0 or len(polygons) == 0:
        empty = np.zeros(0, np.int64)
        return Inside(empty, empty, np.zeros(0))
    found = (
        _by_arrays(lines, polygons) if isinstance(polygons, Areas) else _by_pairs(lines, polygons)
    )
    order = np.lexsort((found.polygon, found.line))
    order = order[found.length_m[order] > CONTACT_TOLERANCE_M / 10]
    return Inside(found.line[order], found.polygon[order], found.length_m[order])


def _by_pairs(lines: LineArray, polygons: NDArray[Any]) -> Inside:
    line, polygon = shapely.STRtree(polygons).query(lines, predicate="intersects")
    length = shapely.length(shapely.intersection(lines[line], polygons[polygon]))
    return Inside(line.astype(np.int64), polygon.astype(np.int64), length)


def _by_arrays(lines: LineArray, areas: Areas) -> Inside:
    pieces = areas.pieces(lines)
    pair, place = np.unique(pieces.line * len(areas) + pieces.area, return_inverse=True)
    line, polygon = np.divmod(pair, len(areas))
    length = np.bincount(place, pieces.length_m, minlength=len(pair)).astype(float)
    return Inside(line, polygon, length)


def length_inside_union(lines: LineArray, areas: Areas) -> FloatArray:
    """Length of each line inside the union of the areas, overlaps of these counted once."""
    if len(lines) == 0 or len(areas) == 0:
        return np.zeros(len(lines))
    pieces = areas.pieces(lines)
    _, pair = np.unique(pieces.line * len(areas) + pieces.area, return_inverse=True)
    of_pair_m = np.bincount(pair, pieces.length_m)[pair]
    return pieces.take(of_pair_m > CONTACT_TOLERANCE_M / 10).covered_m(len(lines))


def enters(lines: LineArray, polygons: NDArray[Any] | Areas) -> Inside:
    """Pairs of lines and polygons where the line runs inside for more than a contact."""
    inside = lengths_inside(lines, polygons)
    kept = inside.length_m > CONTACT_TOLERANCE_M
    return Inside(inside.line[kept], inside.polygon[kept], inside.length_m[kept])


def strips(lines: LineArray, width_m: FloatArray) -> NDArray[Any]:
    """Working strips: lines widened to ``width_m``, flat ends, mitred joins; polygons."""
    return np.asarray(
        shapely.buffer(lines, width_m / 2, cap_style="flat", join_style="mitre", mitre_limit=2.0)
    )


class Shared(NamedTuple):
    """What geometries share with polygons that they meet, by geometry: which, which, the land."""

    one: IntArray
    polygon: IntArray
    land: NDArray[Any]
    area_m2: FloatArray


def shared_areas(
    areas: NDArray[Any], polygons: NDArray[Any], tree: shapely.STRtree | None = None
) -> Shared:
    """What each geometry shares with each polygon that it meets; missing ones meet none.

    ``tree`` is the R-tree of the polygons, from whoever asks more than once.
    """
    if len(areas) == 0 or len(polygons) == 0:
        none = np.zeros(0, np.int64)
        return Shared(none, none, np.zeros(0, object), np.zeros(0))
    tree = shapely.STRtree(polygons) if tree is None else tree
    one, two = tree.query(areas, predicate="intersects")
    land = np.asarray(shapely.intersection(areas[one], polygons[two]))
    return Shared(one.astype(np.int64), two.astype(np.int64), land, shapely.area(land))


def area_inside_union(
    areas: NDArray[Any], polygons: NDArray[Any], shared: Shared | None = None
) -> FloatArray:
    """Area of each geometry inside the union of the polygons, overlaps counted once, in m².

    ``shared`` are the ``shared_areas``, where they are known already.
    """
    one, two, land, area_m2 = shared_areas(areas, polygons) if shared is None else shared
    total = np.bincount(one, area_m2, minlength=len(areas)).astype(float)
    several = np.bincount(one, minlength=len(areas))[one] > 1
    lapped = _overlapped(polygons, np.unique(two[several]))
    twice = np.bincount(one[lapped[two]], minlength=len(areas)) > 1
    rows = np.flatnonzero(twice[one])
    total[twice] = shapely.area(_united(land[rows], one[rows]))
    return total


def _united(parts: NDArray[Any], owner: IntArray) -> NDArray[Any]:
    """The union of the parts of each owner; these ascend."""
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    count = np.diff(np.r_[first, len(owner)])
    table = np.full((len(first), count.max(initial=1)), None, object)
    row = np.repeat(np.arange(len(first)), count)
    table[row, np.arange(len(owner)) - first[row]] = parts
    return np.asarray(shapely.union_all(table, axis=1))


def _overlapped(polygons: NDArray[Any], chosen: IntArray) -> NDArray[np.bool_]:
    """Which of all polygons share land with another one of those that are chosen."""
    found = np.zeros(len(polygons), bool)
    one, two = shapely.STRtree(polygons[chosen]).query(polygons[chosen], predicate="intersects")
    one, two = chosen[one[one < two]], chosen[two[one < two]]
    both = shapely.area(shapely.intersection(polygons[one], polygons[two])) > 0
    found[one[both]] = found[two[both]] = True
    return found


def squares_of(areas: NDArray[Any], side_m: float) -> tuple[NDArray[Any], IntArray]:
    """Areas cut into squares, and the area of each part; missing areas have none.

    Overlays of short lines with long areas are slow, with squares they are not.
    """
    if len(areas) == 0 or bool(shapely.is_missing(areas).all()):
        return np.zeros(0, object), np.zeros(0, np.int64)
    west, south, east, north = shapely.total_bounds(areas)
    x, y = np.meshgrid(
        np.arange(west - _OFF_ROUND_M, east, side_m),
        np.arange(south - _OFF_ROUND_M, north, side_m),
    )
    squares = shapely.box(x.ravel(), y.ravel(), x.ravel() + side_m, y.ravel() + side_m)
    area, square = shapely.STRtree(squares).query(areas, predicate="intersects")
    parts = shapely.intersection(areas[area], squares[square])
    kept = shapely.area(parts) > 0
    return parts[kept], area[kept].astype(np.int64)


def inside_union(areas: NDArray[Any], polygons: NDArray[Any]) -> NDArray[Any]:
    """The part of each geometry inside the union of the polygons, empty where there is none."""
    parts = np.full(len(areas), shapely.Polygon(), object)
    if len(areas) == 0 or len(polygons) == 0:
        return parts
    one, two = shapely.STRtree(polygons).query(areas, predicate="intersects")
    for index in np.unique(one):
        met = shapely.union_all(polygons[two[one == index]])
        parts[index] = shapely.intersection(areas[index], met)
    return parts

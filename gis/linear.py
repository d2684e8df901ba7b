"""Linear referencing: positions along lines, cutting lines at positions, joining pieces.

All arrays are numpy; lines are arrays of shapely ``LineString`` in one projected CRS, metres.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
AnyIntArray = NDArray[np.integer[Any]]  # narrow ones too, where memory counts
LineArray = NDArray[Any]

# Positions nearer than this to an end of a line, or to each other, are one position: a tenth of
# the centimetre that lengths are printed with.
POSITION_TOLERANCE_M = 1e-3
# Shapes that are looked at once are made for so many rows at a time: each takes hundreds of bytes.
_AT_ONCE = 50_000


class Pieces(NamedTuple):
    """Pieces of cut lines: the line, its parent's index, and the stretch of it, in metres."""

    lines: LineArray
    parent: IntArray
    start_m: FloatArray
    end_m: FloatArray

    def only(self, rows: IntArray | NDArray[np.bool_]) -> Pieces:
        """Some of the pieces."""
        return Pieces(self.lines[rows], self.parent[rows], self.start_m[rows], self.end_m[rows])

    def with_others(self, others: Pieces) -> tuple[Pieces, IntArray]:
        """These and others, ordered by parent and distance, and the place that each had."""
        lines, parent, start_m, end_m = (
            np.concatenate(both) for both in zip(self, others, strict=True)
        )
        order = np.lexsort((start_m, parent))
        return Pieces(lines, parent, start_m, end_m).only(order), order


def cut_lines(lines: LineArray, at_line: IntArray, at_m: FloatArray) -> Pieces:
    """Cut lines at positions along them; lines without a position come back whole.

    Parameters
    ----------
    lines
        (n,) LineStrings.
    at_line, at_m
        (k,) index of the line and distance from its start in metres. Positions at or beyond an
        end, and repeated ones, cut nothing.

    Returns
    -------
    Pieces ordered by parent and distance; their lengths sum to those of the lines.
    Complexity O(v log v) in vertices and positions.
    """
    if len(lines) == 0:
        return Pieces(lines, np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    vertices, owner = shapely.get_coordinates(lines, return_index=True)
    owner = owner.astype(np.int64)
    measure = _measures(vertices, owner)
    total = shapely.length(lines)
    cut_line, cut_m = _distinct_positions(np.asarray(at_line, np.int64), np.asarray(at_m), total)
    cut_xy = xy_along(lines[cut_line], cut_m)

    keep = _apart_from_cuts(owner, measure, cut_line, cut_m)
    keep |= np.r_[True, np.diff(owner) > 0] | np.r_[np.diff(owner) > 0, True]
    # A cut is the last vertex of one piece and the first of the next: rows come twice.
    row_line = np.concatenate([owner[keep], cut_line, cut_line])
    row_m = np.concatenate([measure[keep], cut_m, cut_m])
    row_xy = np.concatenate([vertices[keep], cut_xy, cut_xy])
    opens = np.concatenate(
        [np.zeros(keep.sum(), bool), np.zeros(len(cut_m), bool), np.ones(len(cut_m), bool)]
    )
    order = np.lexsort((opens, row_m, row_line))
    row_line, row_m, row_xy, opens = row_line[order], row_m[order], row_xy[order], opens[order]
    new_piece = np.r_[True, np.diff(row_line) > 0] | opens
    piece = np.cumsum(new_piece) - 1
    first = np.flatnonzero(new_piece)
    last = np.r_[first[1:] - 1, len(piece) - 1]
    cut = np.asarray(shapely.linestrings(row_xy, indices=piece))
    return Pieces(cut, row_line[first], row_m[first], row_m[last])


@dataclass(frozen=True)
class Tracks:
    """Lines as arrays, to look up many places along them at once."""

    lines: LineArray

    @cached_property
    def _vertices(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Vertices, their places on one axis with all lines in a row, start and length of each."""
        xy, owner, measure = vertex_places(self.lines)
        length = np.asarray(shapely.length(self.lines))
        start = np.cumsum(np.r_[0.0, length[:-1] + 1.0])[: len(length)]
        return xy, measure + start[owner], start, length

    def at(self, line: IntArray, at_m: FloatArray) -> FloatArray:
        """(k, 2) places at distances from the starts of lines; beyond an end, that end."""
        if len(line) == 0:
            return np.zeros((0, 2))
        xy, place, start, length = self._vertices
        wanted = start[line] + np.clip(at_m, 0.0, length[line])
        return np.stack([np.interp(wanted, place, xy[:, 0]), np.interp(wanted, place, xy[:, 1])], 1)


def blocks(count: int) -> Iterator[slice]:
    """Rows one after the other, so many at a time that what is made of them takes little room."""
    return (slice(first, first + _AT_ONCE) for first in range(0, count, _AT_ONCE))


def xy_along(lines: LineArray, at_m: FloatArray) -> FloatArray:
    """Where each line is so many metres from its start, an (n, 2) array; no line may be empty."""
    xy = np.empty((len(lines), 2))
    for rows in blocks(len(lines)):
        place = shapely.line_interpolate_point(lines[rows], at_m[rows])
        xy[rows] = shapely.get_coordinates(place)
    return xy


def first_parts(lines: LineArray, at_m: FloatArray) -> LineArray:
    """The part of each line from its start to ``at_m``, beyond the end the whole line.

    At the start itself the part is a LineString of two equal points, as long as nothing.
    """
    row = np.arange(len(lines))
    pieces = cut_lines(lines, row, at_m)
    parts = np.asarray(pieces.lines[np.searchsorted(pieces.parent, row)])
    none = at_m <= POSITION_TOLERANCE_M
    start = shapely.get_coordinates(shapely.get_point(lines[none], 0))
    parts[none] = segments(start, start)
    return parts


def rest_after(lines: LineArray, metres: FloatArray) -> LineArray:
    """The lines without their first metres; empty where nothing is left."""
    left, cut = lines.copy(), np.flatnonzero(metres > 0)
    some, at_m, row = lines[cut], metres[cut], np.arange(len(cut))
    pieces = cut_lines(some, row, at_m)
    rest = pieces.lines[np.searchsorted(pieces.parent, row, side="right") - 1]
    rest[at_m >= shapely.length(some) - POSITION_TOLERANCE_M] = shapely.LineString()
    left[cut] = rest
    return left


def ends_of(lines: LineArray) -> FloatArray:
    """First and last vertex of every line, an (n, 2, 2) array; no line may be empty."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    last = np.flatnonzero(np.diff(owner, append=-1))
    return np.stack([xy[first], xy[last]], axis=1)


def vertex_places(lines: LineArray) -> tuple[FloatArray, IntArray, FloatArray]:
    """All vertices, the line of each, and its distance from the start of the line in metres."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    owner = owner.astype(np.int64)
    return xy, owner, _measures(xy, owner)


def _measures(vertices: FloatArray, owner: IntArray) -> FloatArray:
    """Distance of each vertex from the start of its own line, in metres."""
    step = np.r_[0.0, np.hypot(*np.diff(vertices, axis=0).T)] if len(vertices) else np.zeros(0)
    first = np.r_[True, np.diff(owner) > 0] if len(owner) else np.zeros(0, bool)
    step[first] = 0.0
    running = np.cumsum(step)
    start = running[first]
    return np.asarray(running - np.repeat(start, np.diff(np.r_[np.flatnonzero(first), len(owner)])))


def _distinct_positions(
    line: IntArray, at_m: FloatArray, total: FloatArray
) -> tuple[IntArray, FloatArray]:
    inside = (at_m > POSITION_TOLERANCE_M) & (at_m < total[line] - POSITION_TOLERANCE_M)
    line, at_m = line[inside], at_m[inside]
    order = np.lexsort((at_m, line))
    line, at_m = line[order], at_m[order]
    if len(line) == 0:
        return line, at_m
    fresh = np.r_[True, (np.diff(line) > 0) | (np.diff(at_m) > POSITION_TOLERANCE_M)]
    return line[fresh], at_m[fresh]


def _apart_from_cuts(
    owner: IntArray, measure: FloatArray, cut_line: IntArray, cut_m: FloatArray
) -> NDArray[np.bool_]:
    """True for vertices that no cut lies on (a cut on a vertex replaces it)."""
    if len(cut_m) == 0:
        return np.ones(len(owner), bool)
    span = float(measure.max()) + 1.0
    cuts = np.sort(cut_line * span + cut_m)
    here = owner * span + measure
    slot = np.clip(np.searchsorted(cuts, here), 1, len(cuts) - 1) if len(cuts) > 1 else None
    if slot is None:
        distance = np.abs(here - cuts[0])
    else:
        distance = np.minimum(np.abs(here - cuts[slot - 1]), np.abs(cuts[slot] - here))
    return np.asarray(distance > POSITION_TOLERANCE_M / 10)


def merge_points(xy: FloatArray, tolerance_m: float) -> tuple[IntArray, FloatArray]:
    """Merge points nearer than a tolerance.

    Returns
    -------
    The label of each point, and the (n, 2) position of each label: its first member, so that
    nothing moves by more than the tolerance in chains of two.
    """
    if len(xy) == 0:
        return np.zeros(0, np.int64), np.zeros((0, 2))
    pairs = cKDTree(xy).query_pairs(tolerance_m, output_type="ndarray")
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(xy),) * 2)
    labels = connected_components(links, directed=False)[1].astype(np.int64)
    first = np.unique(labels, return_index=True)[1]
    return labels, xy[first]


def with_ends(lines: LineArray, start_xy: FloatArray, end_xy: FloatArray) -> LineArray:
    """Return the lines with their first and last vertex moved to the given points."""
    if len(lines) == 0:
        return lines
    coordinates, owner = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(np.r_[True, np.diff(owner) > 0])
    last = np.r_[first[1:] - 1, len(owner) - 1]
    moved = coordinates.copy()
    moved[first], moved[last] = start_xy, end_xy
    return np.asarray(shapely.linestrings(moved, indices=owner))


def segments(from_xy: FloatArray, to_xy: FloatArray) -> LineArray:
    """Return straight LineStrings between two (n, 2) arrays of points."""
    return np.asarray(shapely.linestrings(np.stack([from_xy, to_xy], axis=1)))


def straight_pieces(lines: LineArray) -> tuple[LineArray, IntArray]:
    """Every straight piece of some lines, in order, and the line of each; gaps have none."""
    part, line = shapely.get_parts(lines, return_index=True)
    xy, of = shapely.get_coordinates(part, return_index=True)
    same = of[1:] == of[:-1]
    return segments(xy[:-1][same], xy[1:][same]), line[of[1:][same]].astype(np.int64)


def chain(lines: list[shapely.LineString], start: tuple[float, float]) -> shapely.LineString:
    """Join consecutive lines into one that starts at ``start``, turning them where needed.

    Raises
    ------
    ValueError
        If a line does not continue where the one before it ended (1 mm).
    """
    path: list[FloatArray] = []
    here = np.asarray(start, float)
    for line in lines:
        piece = shapely.get_coordinates(line)
        if np.hypot(*(piece[0] - here)) > np.hypot(*(piece[-1] - here)):
            piece = piece[::-1]
        if np.hypot(*(piece[0] - here)) > POSITION_TOLERANCE_M:
            raise ValueError(f"line does not continue at ({here[0]:.3f}, {here[1]:.3f})")
        path.append(piece if not path else piece[1:])
        here = piece[-1]
    return shapely.LineString(np.concatenate(path))


def least_of_each(values: FloatArray, starts: IntArray) -> IntArray:
    """Place of the least value of each group from ``starts`` on, of equal ones the first."""
    if len(starts) == 0:
        return np.zeros(0, np.int64)
    group = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(values)]))
    found = np.flatnonzero(values == np.minimum.reduceat(values, starts)[group])
    return np.asarray(found[np.diff(group[found], prepend=-1) != 0])


def distinct(numbers: NDArray[Any]) -> IntArray:
    """Whole numbers, each once, ascending.

    Sorted, which takes a quarter of the time of numpy's ``unique``, as that hashes first.
    """
    ascending = np.sort(numbers)
    first = np.ones(len(ascending), bool)
    first[1:] = ascending[1:] != ascending[:-1]
    return ascending[first].astype(np.int64)


def highest_before(owner: IntArray, values: FloatArray) -> FloatArray:
    """The highest value in the rows before of the same owner, 0 in its first; owners ascend."""
    count, by_value = len(values), np.argsort(values)
    rank = np.empty(count, np.int64)
    rank[by_value] = np.arange(count)
    # As owners ascend, ranks of the next pass all before.
    highest = np.maximum.accumulate(owner * count + rank) % max(count, 1)
    before = np.append(0.0, values[by_value[highest]])[:-1]
    before[np.diff(owner, prepend=-1) > 0] = 0.0
    return before


def ranges(first: IntArray, last: IntArray) -> IntArray:
    """The numbers from each ``first`` to before each ``last``, one range after another."""
    count = last - first
    start = np.repeat(first - (np.cumsum(count) - count), count)
    return np.asarray(start + np.arange(int(count.sum())), np.int64)


def ends_and_directions(lines: LineArray) -> tuple[FloatArray, FloatArray]:
    """Starts of all lines, then ends, and the unit direction of each line there."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(np.r_[True, np.diff(owner) > 0])
    last = np.r_[first[1:], len(xy)] - 1
    along = np.concatenate([xy[first + 1] - xy[first], xy[last] - xy[last - 1]])
    return xy[np.concatenate([first, last])], along / np.hypot(*along.T)[:, None]

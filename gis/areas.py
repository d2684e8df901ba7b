"""Lines inside areas, by arrays: what an overlay library answers one pair at a time.

A straight line enters and leaves an area where it meets its boundary; between two such places it
is inside or outside as a whole, which the middle of the piece tells. A bent line is its segments.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.handing_on import numbers_after
from gis.linear import (
    FloatArray,
    IntArray,
    LineArray,
    highest_before,
    segments,
    vertex_places,
)
from gis.patched_tree import Tree, patched, tree_of

# A line this near to a side runs on it, and this far past its end still meets it: rounding of
# coordinates decides neither whether a line along a boundary is inside nor lets one slip through.
_ON_SIDE_M = 1e-6

# Only a segment that turns less than this (sine) from a side can lie along it for more than the
# millimetres that count for nothing.
_ALONG = 1e-3

# Boxes of lines with more vertices hold too many sides to tell anything.
_FEW_VERTICES = 8

# So many lines are looked up, or polygons taken to pieces, at a time: pairs and copies take memory.
_AT_A_TIME = 20_000

# Type number of a MultiLineString.
_MULTI = 5

# Pieces that overlap by less than this only adjoin.
_ROUNDING_M = 1e-6


class LinePieces(NamedTuple):
    """Pieces of lines inside areas, in metres from the start of the line."""

    line: IntArray
    area: IntArray
    start_m: FloatArray
    end_m: FloatArray

    @property
    def length_m(self) -> FloatArray:
        return self.end_m - self.start_m

    def take(self, pick: Any) -> LinePieces:
        """Some of the pieces."""
        return LinePieces(self.line[pick], self.area[pick], self.start_m[pick], self.end_m[pick])

    def between_m(self, count: int) -> FloatArray:
        """The longest stretch of each of ``count`` lines from area to area, or back; 0 for none.

        What a line runs before the first area and behind the last one is not between two.
        """
        order = np.lexsort((self.start_m, self.line))
        line = self.line[order]
        # Lines one after another on one axis, farther apart than any is long.
        base = line * (float(self.end_m.max(initial=0.0)) + 1.0)
        start, end = base + self.start_m[order], base + self.end_m[order]
        gap = start[1:] - np.maximum.accumulate(end)[:-1]
        longest = np.zeros(count)
        same = line[1:] == line[:-1]
        np.maximum.at(longest, line[1:][same], gap[same])
        return longest

    def covered_m(self, count: int) -> FloatArray:
        """Metres of each of ``count`` lines inside any area, those inside several counted once."""
        order = np.lexsort((self.start_m, self.line))
        line, start, end = self.line[order], self.start_m[order], self.end_m[order]
        fresh_m = np.maximum(end - np.maximum(start, highest_before(line, end)), 0.0)
        return np.bincount(line, fresh_m, minlength=count).astype(float)

    def once(self, rank: IntArray) -> LinePieces:
        """The same pieces with every metre in one area only: that of the lowest rank.

        Of areas that do not overlap this concerns lines along a side that two of them share.
        """
        order = np.lexsort((self.start_m, self.line))
        line, start, end = self.line[order], self.start_m[order], self.end_m[order]
        again = (line[1:] == line[:-1]) & (start[1:] < end[:-1] - _ROUNDING_M)
        if not again.any():
            return self
        apart = ~np.isin(self.line, line[1:][again])
        kept = [self.take(apart)]
        for number in np.unique(line[1:][again]).tolist():
            mine = np.flatnonzero(self.line == number)
            kept.append(self._in_lowest(mine[np.argsort(rank[self.area[mine]], kind="stable")]))
        return LinePieces(
            np.concatenate([one.line for one in kept]),
            np.concatenate([one.area for one in kept]),
            np.concatenate([one.start_m for one in kept]),
            np.concatenate([one.end_m for one in kept]),
        )

    def _in_lowest(self, rows: IntArray) -> LinePieces:
        """Pieces of one line, what an earlier row holds taken out of the later ones."""
        taken: list[tuple[float, float]] = []
        left: list[tuple[int, int, float, float]] = []
        for row in rows.tolist():
            spans = [(float(self.start_m[row]), float(self.end_m[row]))]
            for low, high in taken:
                spans = [
                    span
                    for start, end in spans
                    for span in ((start, min(end, low)), (max(start, high), end))
                    if span[1] - span[0] > _ROUNDING_M
                ]
            taken += spans
            left += [(int(self.line[row]), int(self.area[row]), *span) for span in spans]
        line, area, start, end = zip(*left, strict=True)
        return LinePieces(np.array(line), np.array(area), np.array(start), np.array(end))


_NO_PIECES = LinePieces(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


class _Sides(NamedTuple):
    """Sides of all rings of polygons: (k, 2, 2) ends, the polygon of each, and their R-tree."""

    ends: FloatArray
    owner: IntArray
    lines: LineArray
    tree: Tree

    def after(self, polygons: NDArray[Any], stood: IntArray, count: int) -> _Sides:
        """The sides of polygons of which some stood among ``count`` others: -1 for new ones."""
        new = np.flatnonzero(stood < 0)
        owner = numbers_after(stood, count)[self.owner]
        kept = np.flatnonzero(owner >= 0)
        number = np.full(len(owner), -1)
        number[kept] = np.arange(len(kept))
        ends, of_new, lines = _sides_of(polygons[new])
        lines = np.concatenate([self.lines[kept], lines])
        came = len(kept) + np.arange(len(ends))
        return _Sides(
            np.concatenate([self.ends[kept], ends]),
            np.concatenate([owner[kept], new[of_new]]),
            lines,
            patched(self.tree, number, lines, came),
        )


def _sides_of(polygons: NDArray[Any]) -> tuple[FloatArray, IntArray, LineArray]:
    """Sides of all rings: their ends, the polygon of each, and the sides as lines."""
    parts = [(np.zeros((0, 2, 2)), np.zeros(0, np.int64))]
    for first in range(0, len(polygons), _AT_A_TIME):
        some, of = _side_ends(polygons[first : first + _AT_A_TIME])
        parts.append((some, first + of))
    ends, owner = (np.concatenate(column) for column in zip(*parts, strict=True))
    return ends, owner, segments(ends[:, 0], ends[:, 1])


def _side_ends(polygons: NDArray[Any]) -> tuple[FloatArray, IntArray]:
    """Ends of the sides of all rings, and the polygon of each; rings are copied meanwhile."""
    shapes, area = shapely.get_parts(polygons, return_index=True)
    rings, shape = shapely.get_rings(shapes, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.flatnonzero(ring[1:] == ring[:-1])
    owner = np.asarray(area[shape[ring[first]]], np.int64)
    return np.stack([xy[first], xy[first + 1]], axis=1), owner


@dataclass(frozen=True)
class Areas:
    """Polygons, prepared to look up many lines in them again and again."""

    polygons: NDArray[Any]

    def __len__(self) -> int:
        return len(self.polygons)

    def pieces(self, lines: LineArray) -> LinePieces:
        """Pieces of lines inside each polygon, its boundary included.

        Returns
        -------
        Pieces in the order of lines; a piece ends at every vertex of its line, and two that
        adjoin stay apart. Complexity O((n + k) log k) for n segments and k sides.
        """
        if len(lines) == 0 or len(self) == 0:
            return _NO_PIECES
        parts = []
        for first in range(0, len(lines), _AT_A_TIME):
            part = self._pieces(lines[first : first + _AT_A_TIME])
            parts.append(part._replace(line=part.line + first))
        return LinePieces(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _pieces(self, lines: LineArray) -> LinePieces:
        """The ``pieces`` of so many lines that memory holds all their pairs with sides."""
        one, polygon = (pairs.astype(np.int64) for pairs in self.tree.query(lines))
        if len(one) == 0:
            return _NO_PIECES
        boxed = np.flatnonzero(np.bincount(one, minlength=len(lines)))
        near = self._may_meet_sides(lines, boxed)
        parts, line, start_m = _segments(lines[near])
        line = np.flatnonzero(near)[line]
        ends = shapely.get_coordinates(parts).reshape(-1, 2, 2)
        part, area, start, end = self._shares(parts, ends)
        length, offset = np.hypot(*(ends[part, 1] - ends[part, 0]).T), start_m[part]
        found = line[part], area, offset + start * length, offset + end * length
        far = ~near[one]
        whole = self._wholes(lines, one[far], polygon[far])
        order = np.argsort(np.concatenate([found[0], whole[0]]), kind="stable")
        return LinePieces(*(np.concatenate(pair)[order] for pair in zip(found, whole, strict=True)))

    def _may_meet_sides(self, lines: LineArray, chosen: IntArray) -> NDArray[np.bool_]:
        """Which of the chosen lines have sides in their box: the others are in or out as a whole.

        Asked of lines with few vertices only; False for all that are not chosen.
        """
        near, some = np.zeros(len(lines), bool), lines[chosen]
        near[chosen] = True
        few = shapely.get_num_coordinates(some) <= _FEW_VERTICES
        short = chosen[few & (shapely.get_type_id(some) != _MULTI) & (shapely.length(some) > 0)]
        near[short] = False
        near[short[self._sides.tree.query(lines[short])[0]]] = True
        return near

    def _wholes(
        self, lines: LineArray, line: IntArray, area: IntArray
    ) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        """Segments of lines in whose box no side is and that lie inside.

        Line, polygon, start and end in metres.
        """
        xy, owner = shapely.get_coordinates(lines[line], return_index=True)
        x, y = xy[np.flatnonzero(np.diff(owner, prepend=-1))].T  # any place of a line tells
        inside = shapely.intersects_xy(self.prepared[area], x, y)
        line, area = line[inside], area[inside]
        parts, of, start_m = _segments(lines[line])
        return line[of], area[of], start_m, start_m + shapely.length(parts)

    def _shares(
        self, parts: LineArray, ends: FloatArray
    ) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        """Pieces of segments: segment, polygon, start and end as shares of the segment."""
        (part, area, share), along = self._meetings(parts, ends)
        one, polygon = (pairs.astype(np.int64) for pairs in self.tree.query(parts))
        meets = np.zeros(len(parts), bool)
        meets[part] = True
        cut = meets[one]
        # A segment that meets no side may lie inside as a whole.
        whole, cut_pairs = ~cut, one[cut] * len(self) + polygon[cut]
        key = np.concatenate([part * len(self) + area, cut_pairs, cut_pairs])
        at = np.concatenate([share, np.zeros(len(cut_pairs)), np.ones(len(cut_pairs))])
        order = np.lexsort((at, key))
        key, at = key[order], at[order]
        step = np.flatnonzero((key[1:] == key[:-1]) & (at[1:] > at[:-1]))
        part, area = np.divmod(key[step], len(self))
        part, area = np.r_[part, one[whole]], np.r_[area, polygon[whole]]
        start = np.r_[at[step], np.zeros(int(whole.sum()))]
        end = np.r_[at[step + 1], np.ones(int(whole.sum()))]
        middle = (start + end) / 2
        ahead = ends[part, 1] - ends[part, 0]
        xy, shapes = ends[part, 0] + ahead * middle[:, None], self.prepared[area]
        inside = shapely.intersects_xy(shapes, *xy.T)
        on_side = np.flatnonzero(~inside & along[part])
        inside[on_side] = _beside(shapes[on_side], xy[on_side], ahead[on_side])
        return part[inside], area[inside], start[inside], end[inside]

    def _meetings(
        self, parts: LineArray, ends: FloatArray
    ) -> tuple[tuple[IntArray, IntArray, FloatArray], NDArray[np.bool_]]:
        """Where segments meet sides: segment, polygon, share; and which may lie along a side."""
        sides, owner, _, tree = self._sides
        part, side = tree.query(parts)
        origin, ahead = ends[part, 0], ends[part, 1] - ends[part, 0]
        corner, along = sides[side, 0], sides[side, 1] - sides[side, 0]
        turn = _cross(ahead, along)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = _cross(corner - origin, along) / turn
            place = _cross(corner - origin, ahead) / turn
            slack = _ON_SIDE_M / np.hypot(*along.T)
        meets = (share > 0) & (share < 1) & (place >= -slack) & (place <= 1 + slack)
        long = np.hypot(*ahead.T)
        near = np.flatnonzero(np.abs(turn) <= _ALONG * long * np.hypot(*along.T))
        off = _cross(corner[near] - origin[near], ahead[near]) / long[near]
        far = off - turn[near] / long[near]  # the other end of the side
        reached = (off * far <= 0) | (np.minimum(np.abs(off), np.abs(far)) <= 2 * _ON_SIDE_M)
        lie_along = np.zeros(len(parts), bool)
        lie_along[part[near[reached]]] = True
        found = part[meets].astype(np.int64), owner[side[meets]], share[meets]
        return found, lie_along

    @cached_property
    def tree(self) -> shapely.STRtree:
        """R-tree of the polygons."""
        return shapely.STRtree(self.polygons)

    @cached_property
    def _sides(self) -> _Sides:
        ends, owner, lines = _sides_of(self.polygons)
        return _Sides(ends, owner, lines, tree_of(lines))

    def with_others(self, polygons: NDArray[Any], row_before: IntArray) -> Areas:
        """The areas of ``polygons``, of which most are these very ones.

        ``row_before`` is the row that each had here, -1 for none. Their sides are arranged anew
        only where they are others.
        """
        after = Areas(polygons)
        if "_sides" in vars(self):
            before = self.polygons[row_before].tolist()
            same = np.array([a is b for a, b in zip(polygons.tolist(), before, strict=True)], bool)
            stood = np.where(same, row_before, -1)
            vars(after)["_sides"] = self._sides.after(polygons, stood, len(self))
        return after

    @cached_property
    def prepared(self) -> NDArray[Any]:
        """The polygons, prepared to be asked again and again."""
        polygons = self.polygons.copy()
        shapely.prepare(polygons)
        return polygons


def _beside(shapes: NDArray[Any], xy: FloatArray, ahead: FloatArray) -> NDArray[np.bool_]:
    """Whether places are inside shapes, seen a little to the left or to the right."""
    aside = ahead[:, ::-1] * (1, -1)
    aside *= (_ON_SIDE_M / np.hypot(*ahead.T))[:, None]
    left, right = (shapely.intersects_xy(shapes, *place.T) for place in (xy + aside, xy - aside))
    return np.asarray(left | right)


def _segments(lines: LineArray) -> tuple[LineArray, IntArray, FloatArray]:
    """Segments of lines that are not points, the line of each, and where on it they start."""
    if (shapely.get_type_id(lines) == _MULTI).any():
        return _segments_of_stretches(lines)
    straight = shapely.get_num_coordinates(lines) == 2
    apart, bent = np.flatnonzero(straight & (shapely.length(lines) > 0)), np.flatnonzero(~straight)
    xy, line, place = vertex_places(lines[bent])
    first = np.flatnonzero((line[1:] == line[:-1]) & (place[1:] > place[:-1]))
    return (
        np.concatenate([lines[apart], segments(xy[first], xy[first + 1])]),
        np.concatenate([apart, bent[line[first]]]),
        np.concatenate([np.zeros(len(apart)), place[first]]),
    )


def _segments_of_stretches(lines: LineArray) -> tuple[LineArray, IntArray, FloatArray]:
    """The same where some lines are stretches with gaps, which are no part of them."""
    stretches, owner, start_m = stretches_of(lines)
    found, stretch, place = _segments(stretches)
    return found, owner[stretch], place + start_m[stretch]


def stretches_of(lines: LineArray) -> tuple[LineArray, IntArray, FloatArray]:
    """Stretches of lines with gaps: each as a line, whose it is, and the metres before it."""
    stretches, owner = shapely.get_parts(lines, return_index=True)
    length = shapely.length(stretches)
    before = np.cumsum(length) - length
    first = np.searchsorted(owner, owner)  # parts come in the order of their lines
    return stretches, owner.astype(np.int64), before - before[first]


def _cross(one: FloatArray, two: FloatArray) -> FloatArray:
    return np.asarray(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])

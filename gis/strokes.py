"""Strokes: noded street parts joined to the streets that go straight on at their junctions.

Which part continues which hangs on nothing but what meets at their node. Where parts have changed
only such nodes are looked at again, and only strokes of which a part or a joint has changed are
walked again.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.handing_on import numbers_after
from gis.linear import FloatArray, IntArray, LineArray

# Two streets are one stroke where the turn between them is at most this; a plain bend (no third
# street) may turn more. Momepy's COINS uses 0-60° likewise.
_STRAIGHT_ON_DEG = 50.0
_BEND_DEG = 120.0
# The direction of a street at its junction is taken over this length, not from its last vertex.
_CHORD_M = 10.0
# A street that forks goes on as wide as it was if that turns it by no more than this.
_CHANGE_DEG = 10.0
# Offsets that differ by less are one run.
SAME_OFFSET_M = 0.01

Stroke = list[tuple[int, bool]]


class Strokes(NamedTuple):
    """Strokes of street parts; every part is in exactly one.

    Attributes
    ----------
    following
        (m, 2) the street end that continues each end of each part, as twice its part and one more
        for its end; -1 for none.
    stroke, place, backward
        (m,) number of the stroke of each part, its place in that, and whether it is walked
        against its direction.
    """

    following: IntArray
    stroke: IntArray
    place: IntArray
    backward: NDArray[np.bool_]

    def walks(self, numbers: IntArray | None = None) -> list[Stroke]:
        """Some strokes, or all, as lists of (part, reversed) in walking order."""
        count = int(self.stroke.max(initial=-1)) + 1
        order = np.lexsort((self.place, self.stroke))
        starts = np.searchsorted(self.stroke[order], np.arange(count + 1))
        numbers = np.arange(count) if numbers is None else numbers
        rows = (order[starts[number] : starts[number + 1]] for number in numbers.tolist())
        return [list(zip(row.tolist(), self.backward[row].tolist(), strict=True)) for row in rows]

    def tips(self, ends: IntArray) -> IntArray:
        """(k, 2) nodes where each stroke begins and ends; ``ends`` are those of the parts."""
        order = np.lexsort((self.place, self.stroke))
        first = np.flatnonzero(np.diff(self.stroke[order], prepend=-1))
        first, last = order[first], order[np.r_[first[1:] - 1, len(order) - 1][: len(first)]]
        backward = self.backward.astype(np.int64)
        return np.stack([ends[first, backward[first]], ends[last, 1 - backward[last]]], axis=1)


def join_strokes(
    ends: IntArray,
    lines: LineArray,
    node_count: int,
    offset_m: FloatArray | None = None,
    ring: IntArray | None = None,
) -> Strokes:
    """Join noded street parts that continue each other.

    Parameters
    ----------
    ends, lines, node_count
        The noded street net.
    offset_m
        (m,) distance of the strips from each part: where streets fork, one that goes on as wide
        as before is the same street rather than a slightly straighter one. All alike by default.
    ring
        (m,) number of the roundabout that each part is an arc of, -1 for none: arcs continue each
        other however much they turn. None by default.
    """
    count = len(lines)
    offset_m = np.zeros(count) if offset_m is None else offset_m
    ring = np.full(count, -1) if ring is None else ring
    everywhere = np.ones(node_count, bool)
    following = np.full((count, 2), -1)
    _follow(following, ends, lines, offset_m, ring, everywhere)
    none = np.zeros(0, np.int64)
    empty = Strokes(following, np.full(count, -1), np.zeros(count, np.int64), np.zeros(count, bool))
    return _walked(empty, none)[0]


def join_strokes_again(
    before: Strokes,
    ends: IntArray,
    lines: LineArray,
    offset_m: FloatArray,
    ring: IntArray,
    part_before: IntArray,
    nodes: NDArray[np.bool_],
) -> tuple[Strokes, IntArray]:
    """The ``join_strokes`` where some parts have changed.

    Parameters
    ----------
    part_before
        (m,) number that each part had, -1 for one that lies otherwise now.
    nodes
        Where streets may continue each other otherwise now: all ends of parts that came, went or
        changed in offset, and of arcs that came to be or ceased to be. ``ring`` is known there.

    Returns
    -------
    The strokes, and for each its number before, -1 for one of other parts or joints.
    """
    stays = part_before >= 0
    part_now = numbers_after(part_before, len(before.stroke))
    old = np.where(stays[:, None], before.following[part_before], -1)
    end_now = np.stack([2 * part_now, 2 * part_now + 1], axis=1).ravel()
    stood = np.where(old < 0, -1, np.append(end_now, -1)[old])
    following = np.where(nodes[ends], -1, stood)
    _follow(following, ends, lines, offset_m, ring, nodes)

    other = np.zeros(int(before.stroke.max(initial=-1)) + 1, bool)
    other[before.stroke[part_now < 0]] = True
    lost = (stood < 0) & (old >= 0)
    moved = stays & ((following != stood) | lost).any(axis=1)
    other[before.stroke[part_before[moved]]] = True
    kept = stays & ~np.append(other, True)[np.where(stays, before.stroke[part_before], -1)]
    stroke = np.where(kept, before.stroke[part_before], -1)
    place = np.where(kept, before.place[part_before], 0)
    known = Strokes(following, stroke, place, kept & before.backward[part_before])
    return _walked(known, np.flatnonzero(~other))


def _walked(known: Strokes, numbers: IntArray) -> tuple[Strokes, IntArray]:
    """All strokes in their order, where some of the ``numbers`` are known, and what each was.

    Parts of no stroke yet are walked. Strokes with open ends come first, then those without; of
    each kind the one that is walked from the lowest end.
    """
    following = known.following
    stroke, place, backward = known.stroke.copy(), known.place.copy(), known.backward.copy()
    first = int(numbers.max(initial=-1)) + 1
    walks = _walks(following, np.flatnonzero(stroke < 0))
    for of_walk, walk in enumerate(walks, first):
        parts = [part for part, _ in walk]
        stroke[parts], place[parts] = of_walk, np.arange(len(parts))
        backward[parts] = [turned for _, turned in walk]
    begins = np.flatnonzero(place == 0)
    end = backward[begins].astype(np.int64)
    closed = following[begins, end] >= 0
    order = begins[np.lexsort((begins, closed))]
    was = stroke[order]
    number = np.full(first + len(walks), -1)
    number[was] = np.arange(len(was))
    return Strokes(following, number[stroke], place, backward), np.where(was < first, was, -1)


def _walks(following: IntArray, parts: IntArray) -> list[Stroke]:
    """Strokes of some parts, ascending, that no other part continues."""
    at = following.ravel()
    ends = np.stack([2 * parts, 2 * parts + 1], axis=1).ravel()
    used: set[int] = set()
    strokes: list[Stroke] = []
    for start in [*ends[at[ends] < 0].tolist(), *(2 * parts).tolist()]:
        part, end = divmod(start, 2)
        if part in used:
            continue
        stroke: Stroke = []
        while part not in used:
            used.add(part)
            stroke.append((part, end == 1))
            onward = int(following[part, 1 - end])
            if onward < 0:
                break
            part, end = divmod(onward, 2)
        strokes.append(stroke)
    return strokes


def _follow(
    following: IntArray,
    ends: IntArray,
    lines: LineArray,
    offset_m: FloatArray,
    ring: IntArray,
    nodes: NDArray[np.bool_],
) -> None:
    """Enter at some nodes what continues each street end straightest, where mutual.

    Arcs of one roundabout come first.
    """
    parts = np.flatnonzero(nodes[ends].any(axis=1))
    direction = _end_directions(lines, parts)
    at_node: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for part in parts.tolist():
        for end in (0, 1):
            if nodes[ends[part, end]]:
                at_node[int(ends[part, end])].append((part, end))
    for meeting in at_node.values():
        limit = _BEND_DEG if len(meeting) == 2 else _STRAIGHT_ON_DEG
        turns = sorted(
            (
                turn + _CHANGE_DEG * bool(abs(offset_m[a[0]] - offset_m[b[0]]) >= SAME_OFFSET_M),
                turn,
                a,
                b,
            )
            for i, a in enumerate(meeting)
            for b in meeting[i + 1 :]
            for arcs in (ring[a[0]] == ring[b[0]] >= 0,)
            for turn in (0.0 if arcs else _turn_deg(direction[a], direction[b]),)
        )
        for _, turn, a, b in turns:
            if turn <= limit and a[0] != b[0] and following[a] < 0 and following[b] < 0:
                following[a], following[b] = 2 * b[0] + b[1], 2 * a[0] + a[1]


def _end_directions(lines: LineArray, parts: IntArray) -> dict[tuple[int, int], FloatArray]:
    lines = lines[parts]
    length = shapely.length(lines)
    step = np.minimum(_CHORD_M, length / 2)
    start = shapely.get_coordinates(shapely.get_point(lines, 0))
    end = shapely.get_coordinates(shapely.get_point(lines, -1))
    after = shapely.get_coordinates(shapely.line_interpolate_point(lines, step))
    before = shapely.get_coordinates(shapely.line_interpolate_point(lines, length - step))
    outward = {0: after - start, 1: before - end}
    return {(part, e): outward[e][row] for row, part in enumerate(parts.tolist()) for e in (0, 1)}


def _turn_deg(one: FloatArray, two: FloatArray) -> float:
    """Deflection of going in along ``one`` and out along ``two``; 0 is straight on."""
    cosine = float(one @ two) / max(float(np.hypot(*one) * np.hypot(*two)), 1e-12)
    return float(np.degrees(np.pi - np.arccos(np.clip(cosine, -1.0, 1.0))))

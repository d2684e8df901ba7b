"""Kerb-side strips: continuous lines on both sides of a street net, and the crossings they make.

The streets are joined into strokes (lines that go straight on at junctions); every stroke is
offset to both sides and all offsets are noded together. A strip therefore runs straight on over
the mouth of a side street, and the strips of a street that ends at a junction end at the near
strip of the street that runs through. Rings round the union of widened streets were tried first:
they detour round every dead end and wrap into every side street.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from gis.handing_on import numbers_after
from gis.keys import key_of, key_of_lines, paired
from gis.linear import (
    FloatArray,
    IntArray,
    LineArray,
    Pieces,
    cut_lines,
    ends_and_directions,
    ranges,
    vertex_places,
)
from gis.noding import NODE_TOLERANCE_M, Network, Noded, noded, number_nodes
from gis.renoding import noded_again, put_together
from gis.self_noding import meeting_points, passages
from gis.strokes import SAME_OFFSET_M, Stroke, Strokes, join_strokes, join_strokes_again

# How far a street goes on past its junction where another runs straight through: far enough to
# meet the near strip of that street, but not its far one.
_PAST_JUNCTION_M = 1.0
_SHORT_OF_FAR = 0.8
# A strip steps aside at a slant of one in three, some room behind the mouth of another street or a
# bend; streets that meet at less than a few degrees have mouths as long as those.
_TAPER, _BEHIND_MOUTH_M, _LEAST_SINE = 3.0, 1.0, 0.05

# Vertices of a stretch of a stroke, and its distance from centre line to strip.
Run = tuple[FloatArray, float]


class Strips(NamedTuple):
    """Noded strips: the network; for each piece its stroke and side (+1 left, -1 right, 0 the
    closing of a dead end); and of every street part its stroke and whether it runs ``backward``
    in it."""

    network: Network
    stroke: IntArray
    side: IntArray
    stroke_of_part: IntArray
    backward: NDArray[np.bool_]


class Streets(NamedTuple):
    """A noded street net with what strips beside it hang on.

    Attributes
    ----------
    ends, lines, node_count
        The noded street net.
    offset_m
        (m,) distance of the strip from the centre line of each street part, in metres.
    setback_m
        (m,) the share of it outside the carriageway; a dead end is closed that far beyond.
    level
        (m,) storey of each street part; strips on different levels pass above each other.
    shift_m
        (m, 2) how much farther out the strip lies on the left and on the right of each street
        part. Where two parts meet it lies as the nearer of both.
    """

    ends: IntArray
    lines: LineArray
    node_count: int
    offset_m: FloatArray
    setback_m: FloatArray
    level: IntArray
    shift_m: FloatArray

    @property
    def beside_m(self) -> FloatArray:
        """(m, 2) distance of the strips on the left and on the right from the centre line."""
        return self.offset_m[:, None] + self.shift_m


class Raw(NamedTuple):
    """Offsets of strokes before they are noded, in the order of strokes.

    ``reach`` is a (k, 2, 2) array: of the start and the end of each how far it is prolonged, and
    within which length it must meet a strip.
    """

    lines: LineArray
    stroke: IntArray
    side: IntArray
    level: IntArray
    reach: FloatArray

    def only(self, rows: IntArray) -> Raw:
        """Some of the offsets."""
        reach = self.reach[rows]
        return Raw(self.lines[rows], self.stroke[rows], self.side[rows], self.level[rows], reach)

    def with_others(self, others: Raw) -> Raw:
        """These and others after them."""
        lines, stroke, side, level, reach = (
            np.concatenate(both) for both in zip(self, others, strict=True)
        )
        return Raw(lines, stroke, side, level, reach)


class StripNet(NamedTuple):
    """Strips, and what it takes to lay them again where some streets have changed.

    ``at_tips`` is what meets where strokes begin and end, ``mouth_m`` how far the mouths of others
    reach into each street part. ``noded`` are the offsets with all pieces of them, ``piece`` the
    number among those of each strip.
    """

    strips: Strips
    strokes: Strokes
    at_tips: FloatArray
    mouth_m: FloatArray
    raw: Raw
    noded: Noded
    piece: IntArray


def kerb_strips(streets: Streets, ring: IntArray | None = None) -> StripNet:
    """Lay strips along both sides of noded streets, with crossings at junctions.

    Parameters
    ----------
    ring
        (m,) the roundabout of each part, see ``join_strokes``.

    Returns
    -------
    Strips, cut at every common point and beside every end of a street part.
    """
    ends, lines, node_count, offset_m, *_ = streets
    strokes = join_strokes(ends, lines, node_count, offset_m, ring)
    junctions = _junctions(strokes, streets)
    raw = _raw(streets, strokes, junctions, np.arange(len(junctions.at_tips)))
    return _strips(strokes, junctions, raw, noded(raw.lines, raw.level))


def kerb_strips_again(
    before: StripNet,
    streets: Streets,
    ring: IntArray,
    part_before: IntArray,
    same: NDArray[np.bool_],
    nodes: NDArray[np.bool_],
) -> tuple[StripNet, IntArray]:
    """The ``kerb_strips`` where some streets have changed.

    Parameters
    ----------
    part_before, ring, nodes
        As for ``join_strokes_again``.
    same
        (m,) whether a part that stayed is the same in offset, set-back and level too.

    Returns
    -------
    The strips, and for each its number before, -1 for one that is laid or cut otherwise.
    """
    ends, lines, offset_m = streets.ends, streets.lines, streets.offset_m
    strokes, stroke_before = join_strokes_again(
        before.strokes, ends, lines, offset_m, ring, part_before, nodes
    )
    junctions = _junctions(strokes, streets)
    anew = (stroke_before < 0) | (junctions.at_tips != before.at_tips[stroke_before]).any((1, 2))
    mouths = (junctions.mouth_m == before.mouth_m[part_before]).all(axis=1)
    anew[strokes.stroke[~(same & mouths)]] = True
    number = numbers_after(np.where(anew, -1, stroke_before), len(before.at_tips))
    stood = np.flatnonzero(number[before.raw.stroke] >= 0)
    kept = before.raw.only(stood)
    kept = kept._replace(stroke=number[kept.stroke])
    fresh = _raw(streets, strokes, junctions, np.flatnonzero(anew))
    order = np.argsort(np.concatenate([kept.stroke, fresh.stroke]), kind="stable")
    raw = kept.with_others(fresh).only(order)
    gone = np.flatnonzero(number[before.raw.stroke] < 0)
    again_as = np.append(gone, -1)[_same_lines(fresh, before.raw.only(gone))]
    raw_before = np.concatenate([stood, again_as])[order]
    whole, piece_before = noded_again(before.noded, raw.lines, raw.level, raw_before)
    after = _strips(strokes, junctions, raw, whole)
    strip = numbers_after(before.piece, len(before.noded.network.ends))
    found = np.append(strip, -1)[np.append(piece_before, -1)[after.piece]]
    trimmed = _stretches(after) != _stretches(before)[found]
    return after, np.where(trimmed.any(axis=1), -1, found)


def _same_lines(raw: Raw, others: Raw) -> IntArray:
    """For each offset the number of the one among others that is the very same line, else -1."""
    same, _ = paired(
        *(key_of(key_of_lines(one.lines), one.side, one.level) for one in (raw, others))
    )
    found = np.flatnonzero(same >= 0)
    equal = shapely.equals_exact(raw.lines[found], others.lines[same[found]], 0.0)
    same[found[~equal]] = -1
    return same


def _stretches(net: StripNet) -> FloatArray:
    """(k, 2) from where to where each strip runs along its offset line, to a micrometre."""
    pieces = net.strips.network.pieces
    return np.stack([pieces.start_m, pieces.end_m], axis=1).round(6)


def _raw(streets: Streets, strokes: Strokes, junctions: _Junctions, numbers: IntArray) -> Raw:
    """Some strokes offset to both sides, dead ends closed."""
    ends, lines, level = streets.ends, streets.lines, streets.level
    storey: list[int] = []
    raw: list[shapely.LineString] = []
    owner: list[int] = []
    sides: list[int] = []
    reach: list[tuple[Reach, Reach]] = []
    for number, stroke in zip(numbers.tolist(), strokes.walks(numbers), strict=True):
        tips = []
        for side in (1, -1):
            runs, before, after = _runs(stroke, side, streets, junctions)
            ring = _is_ring(stroke, ends)
            offsets, levels = _by_storey(_offset(runs, side, ring), stroke, lines, level)
            raw += offsets
            storey += levels
            owner += [number] * len(offsets)
            sides += [side] * len(offsets)
            reach += [(before if k == 0 else _NONE, _NONE) for k in range(len(offsets))]
            if offsets:
                reach[-1] = (reach[-1][0], after)
                tips.append((offsets[0].coords[0], offsets[-1].coords[-1]))
        for tip, end in ((0, before), (1, after)):
            dead_end = end == _NONE and not _is_ring(stroke, ends)
            if dead_end and len(tips) == 2 and tips[0][tip] != tips[1][tip]:
                raw.append(shapely.LineString([tips[0][tip], tips[1][tip]]))
                storey.append(int(level[stroke[-tip][0]]))
                owner.append(number)
                sides.append(0)
                reach.append((_NONE, _NONE))
    stroke_of, side_of, level_of = (np.array(told, np.int64) for told in (owner, sides, storey))
    reached = np.array(reach, float).reshape(-1, 2, 2)
    return Raw(np.array(raw, object), stroke_of, side_of, level_of, reached)


def _strips(strokes: Strokes, junctions: _Junctions, raw: Raw, whole: Noded) -> StripNet:
    network, piece = _without_overshoots(whole.network, raw)
    parent = network.pieces.parent
    strips = Strips(network, raw.stroke[parent], raw.side[parent], strokes.stroke, strokes.backward)
    return StripNet(strips, strokes, junctions.at_tips, junctions.mouth_m, raw, whole, piece)


class Reach(NamedTuple):
    """How far the end of a stroke is prolonged, and within which length it must meet a strip."""

    prolonged_m: float
    meets_m: float


_NONE = Reach(0.0, 0.0)


class _Junctions(NamedTuple):
    """For each node: how many parts meet, the extreme offsets, whether a stroke runs through.

    ``at_tips`` holds these four where each stroke begins and where it ends, (k, 2, 4). ``mouth_m``
    is of the start and the end of each street part how far from there other streets have their
    mouths, and a bend its corner, (m, 2), 0 where the part is not shifted.
    """

    degree: IntArray
    widest_m: FloatArray
    narrowest_m: FloatArray
    through: NDArray[np.bool_]
    at_tips: FloatArray
    mouth_m: FloatArray


def _junctions(strokes: Strokes, streets: Streets) -> _Junctions:
    ends, node_count, beside_m = streets.ends, streets.node_count, streets.beside_m
    widest, narrowest = np.zeros(node_count), np.full(node_count, np.inf)
    np.maximum.at(widest, ends.ravel(), np.repeat(beside_m.max(axis=1), 2))
    np.minimum.at(narrowest, ends.ravel(), np.repeat(beside_m.min(axis=1), 2))
    through, tips = np.zeros(node_count, bool), strokes.tips(ends)
    through[ends[strokes.following >= 0]] = True
    through[tips[tips[:, 0] == tips[:, 1], 0]] = True
    degree = np.bincount(ends.ravel(), minlength=node_count)
    told = (degree, widest, narrowest, through)
    at_tips = np.stack([one.astype(float)[tips] for one in told], axis=-1)
    return _Junctions(*told, at_tips, _mouths(strokes, streets))


def _mouths(strokes: Strokes, streets: Streets) -> FloatArray:
    """How far from its ends the strips of each shifted part are behind others, or a bend."""
    ends, beside_m = streets.ends, streets.beside_m.max(axis=1)
    mouth_m = np.zeros(ends.shape)
    shifted = np.flatnonzero(np.repeat((streets.shift_m > 0).any(axis=1), 2))
    along = ends_and_directions(streets.lines)[1].reshape(2, -1, 2)
    node, away = ends.ravel(), np.stack([along[0], -along[1]], axis=1).reshape(-1, 2)
    order = np.argsort(node, kind="stable")
    first, last = (np.searchsorted(node[order], node[shifted], side) for side in ("left", "right"))
    one, other = np.repeat(shifted, last - first), order[ranges(first, last)]
    one, other = one[one != other], other[one != other]
    cosine = (away[one] * away[other]).sum(axis=1)
    sine = np.maximum(np.sqrt(np.maximum(1.0 - cosine**2, 0.0)), _LEAST_SINE)
    own_m, other_m = beside_m[one // 2], beside_m[other // 2]
    mouth = (other_m + own_m * np.maximum(cosine, 0.0)) / sine
    bend = own_m * (1.0 + cosine) / sine
    goes_on = strokes.following.ravel()[one] == other
    np.maximum.at(mouth_m.reshape(-1), one, np.where(goes_on, bend, mouth) + _BEHIND_MOUTH_M)
    return mouth_m


def _runs(
    stroke: Stroke, side: int, streets: Streets, junctions: _Junctions
) -> tuple[list[Run], Reach, Reach]:
    """Centre line of a stroke as runs of equal distance to the strip of one side, prolonged.

    At a junction it reaches as far as it must to meet other strips, and that is returned. A dead
    end is prolonged by the set-back only, and no reach is returned. A ring starts where its
    distance changes, if it does.
    """
    ends, ring = streets.ends, _is_ring(stroke, streets.ends)
    stretches = _stretches_beside(stroke, side, streets, junctions)
    runs: list[Run] = []
    for xy, distance in _from_a_change(stretches) if ring else stretches:
        if runs and abs(runs[-1][1] - distance) < SAME_OFFSET_M:
            runs[-1] = (np.concatenate([runs[-1][0], xy[1:]]), runs[-1][1])
        else:
            runs.append((xy, distance))
    start_node, end_node = _tip_nodes(stroke, ends)
    before = after = _NONE
    if not ring:
        xy, distance = runs[0]
        before = _reach(start_node, distance, junctions)
        by_m = before.prolonged_m or float(streets.setback_m[stroke[0][0]])
        runs[0] = (_prolong(xy[::-1], by_m)[::-1], distance)
        xy, distance = runs[-1]
        after = _reach(end_node, distance, junctions)
        by_m = after.prolonged_m or float(streets.setback_m[stroke[-1][0]])
        runs[-1] = (_prolong(xy, by_m), distance)
    return runs, before, after


def _stretches_beside(
    stroke: Stroke, side: int, streets: Streets, junctions: _Junctions
) -> list[Run]:
    """Centre lines of the parts of a stroke, and how far from them its strip of one side lies.

    A strip steps aside behind the mouth of another street and behind a bend, not within: where two
    parts meet it lies as the nearer of both, and so does all of a part that is too short for steps.
    """
    parts = np.array([part for part, _ in stroke])
    backward = np.array([turned for _, turned in stroke])
    shift = streets.shift_m[parts, np.where(backward, side > 0, side < 0).astype(int)]
    mouth_m = junctions.mouth_m[parts]
    mouth_m[backward] = mouth_m[backward, ::-1]
    length_m = shapely.length(streets.lines[parts])
    ring = _is_ring(stroke, streets.ends)
    while True:
        nearer = np.stack([np.roll(shift, 1), np.roll(shift, -1)], axis=1)
        if not ring:
            nearer[0, 0], nearer[-1, 1] = shift[0], shift[-1]
        nearer = np.minimum(nearer, shift[:, None])
        step_m = shift[:, None] - nearer
        needs = np.where(step_m > 0, mouth_m + _TAPER * step_m, 0.0)
        short = needs.sum(axis=1) > length_m - _BEHIND_MOUTH_M
        short &= (step_m > 0).any(axis=1)
        if not short.any():
            break
        shift = np.where(short, nearer.min(axis=1), shift)
    stretches: list[Run] = []
    for k, part in enumerate(parts.tolist()):
        xy = shapely.get_coordinates(streets.lines[part])
        line, offset = shapely.LineString(xy[::-1] if backward[k] else xy), streets.offset_m[part]
        (first_m, last_m), (first, last) = mouth_m[k], step_m[k] > 0
        low, high = (needs[k, 0] if first else 0.0), line.length - (needs[k, 1] if last else 0.0)
        if first:
            stretches.append((_between(line, 0.0, first_m), float(offset + nearer[k, 0])))
        stretches.append((_between(line, low, high), float(offset + shift[k])))
        if last:
            tail = _between(line, line.length - last_m, line.length)
            stretches.append((tail, float(offset + nearer[k, 1])))
    return stretches


def _between(line: shapely.LineString, low: float, high: float) -> FloatArray:
    """The vertices of a line between two places, all of its own where they are its ends."""
    whole = low == 0.0 and high == line.length
    return np.asarray(shapely.get_coordinates(line if whole else substring(line, low, high)))


def _tip_nodes(stroke: Stroke, ends: IntArray) -> tuple[int, int]:
    (first, first_back), (last, last_back) = stroke[0], stroke[-1]
    return int(ends[first, 1 if first_back else 0]), int(ends[last, 0 if last_back else 1])


def _is_ring(stroke: Stroke, ends: IntArray) -> bool:
    """True for a stroke that ends where it starts: it has no end to close."""
    start_node, end_node = _tip_nodes(stroke, ends)
    return start_node == end_node


def _from_a_change(stretches: list[Run]) -> list[Run]:
    """The stretches of a ring, from where its distance changes if it does."""
    told = np.array([distance for _, distance in stretches])
    changes = np.flatnonzero(np.abs(told - np.roll(told, 1)) >= SAME_OFFSET_M)
    start = int(changes[0]) if len(changes) else 0
    return stretches[start:] + stretches[:start]


def _reach(node: int, offset_m: float, junctions: _Junctions) -> Reach:
    """How far a street that ends at a junction goes on to meet other strips, skew included.

    The near strip of a street that runs through; else across the widest street.
    """
    if junctions.degree[node] < 2:
        return _NONE
    across = 1.3 * float(junctions.widest_m[node]) + 0.5 * offset_m + _PAST_JUNCTION_M
    if junctions.through[node]:
        near = _SHORT_OF_FAR * float(junctions.narrowest_m[node])
        return Reach(min(0.5 * offset_m + _PAST_JUNCTION_M, near), across)
    return Reach(across, across)


def _prolong(xy: FloatArray, by_m: float) -> FloatArray:
    """Add a point straight on beyond the last one."""
    direction = xy[-1] - xy[-2]
    return np.concatenate([xy, [xy[-1] + direction / np.hypot(*direction) * by_m]])


def _offset(runs: list[Run], side: int, ring: bool) -> list[shapely.LineString]:
    """Offset the runs of a stroke and join them end to end into as few lines as possible."""
    closed = ring and len(runs) > 1
    joined: list[FloatArray] = []
    runs = [(xy, distance) for whole, distance in runs for xy in _opened(whole)]
    for xy, distance in runs:
        curve = _offset_curve(xy, side * distance)
        for number, part in enumerate(shapely.get_parts(curve)):
            coordinates = shapely.get_coordinates(part)
            if len(coordinates) < 2:  # nothing is left beside a hook
                continue
            if joined and number == 0:
                joined[-1] = _stepped_over(joined[-1], coordinates)
            else:
                joined.append(coordinates)
    if joined and closed:
        joined[-1] = np.concatenate([joined[-1], joined[0][:1]])
    return [shapely.LineString(xy) for xy in joined]


def _opened(xy: FloatArray) -> list[FloatArray]:
    """A line that meets itself in parts that do not: each of its loops is cut in a straight step.

    GEOS leaves out what an offset curve has nearer to another part of its line, as at the place
    where the line crosses itself.
    """
    line = np.array([shapely.LineString(xy)], object)
    if shapely.is_simple(line[0]):
        return [xy]
    of, places = meeting_points(line, NODE_TOLERANCE_M)
    at_m = np.unique(passages(line, of, places, NODE_TOLERANCE_M)[1])
    vertex_m = vertex_places(line)[2]
    cuts = []
    for low, high in pairwise(at_m):
        stops = np.r_[low, vertex_m[(vertex_m > low) & (vertex_m < high)], high]
        longest = int(np.argmax(np.diff(stops)))
        cuts.append(stops[longest : longest + 2].mean())
    pieces = cut_lines(line, np.zeros(len(cuts), np.int64), np.array(cuts)).lines
    return [shapely.get_coordinates(piece) for piece in pieces]


def _stepped_over(before: FloatArray, after: FloatArray) -> FloatArray:
    """Join two strips where the offset changes: by the shortest step over, and never back.

    In a bend the one begins behind the end of the other, or they cross.
    """
    step_m = float(np.hypot(*(after[0] - before[-1])))
    if step_m < NODE_TOLERANCE_M:
        return np.concatenate([before, after])
    one, two = shapely.LineString(before), shapely.LineString(after)
    tail = substring(one, max(one.length - step_m, one.length / 2), one.length)
    head = substring(two, 0.0, min(step_m, two.length / 2))
    step = shapely.shortest_line(tail, head)
    left = substring(one, 0.0, one.project(shapely.get_point(step, 0)))
    right = substring(two, two.project(shapely.get_point(step, 1)), two.length)
    return np.concatenate([shapely.get_coordinates(left), shapely.get_coordinates(right)])


def _by_storey(
    offsets: list[shapely.LineString], stroke: Stroke, lines: LineArray, level: IntArray
) -> tuple[list[shapely.LineString], list[int]]:
    """Cut the strips of a stroke beside every change of level, and tell the level of each."""
    parts = np.array([part for part, _ in stroke])
    levels = level[parts]
    if not offsets or (levels == levels[0]).all():
        return offsets, [int(levels[0])] * len(offsets)
    strips = np.array(offsets, object)
    ends = [
        shapely.get_point(lines[stroke[k][0]], 0 if stroke[k][1] else -1)
        for k in np.flatnonzero(np.diff(levels)).tolist()
    ]
    nearest = shapely.STRtree(strips).nearest(ends).astype(np.int64)
    cut = cut_lines(strips, nearest, shapely.line_locate_point(strips[nearest], ends))
    middle = shapely.line_interpolate_point(cut.lines, 0.5, normalized=True)
    beside = parts[shapely.STRtree(lines[parts]).nearest(middle)]
    return list(cut.lines), level[beside].tolist()


def _offset_curve(xy: FloatArray, distance: float) -> shapely.Geometry:
    """Offset a line to its left (positive) or right; a ring by its area.

    GEOS cuts the offset curve of a closed line open and loses part of its outer side.
    """
    ring = shapely.LineString(xy)
    if not shapely.is_ring(ring):
        return shapely.offset_curve(ring, distance, join_style="mitre", mitre_limit=2.0)
    outward = -distance if shapely.is_ccw(ring) else distance
    area = shapely.buffer(shapely.Polygon(xy), outward, join_style="mitre", mitre_limit=2.0)
    return shapely.boundary(area)


def _without_overshoots(network: Network, raw: Raw) -> tuple[Network, IntArray]:
    """Drop what a prolonged end leaves dangling behind the last strip it met.

    Returns
    -------
    The network, and of each of its pieces the number that it had.
    """
    pieces, ends, node_xy = network
    total = shapely.length(raw.lines)[pieces.parent]
    degree = np.bincount(ends.ravel(), minlength=len(node_xy))
    (before, meets_before), (after, meets_after) = raw.reach[pieces.parent].transpose(1, 2, 0)
    at_start = (pieces.start_m < 1e-6) & (before > 0) & (degree[ends[:, 0]] == 1)
    at_end = (pieces.end_m > total - 1e-6) & (after > 0) & (degree[ends[:, 1]] == 1)
    # A piece that met nothing is not an overshoot alone: only its prolonged end goes.
    meets = meets_before + meets_after
    lone = (at_start | at_end) & (pieces.end_m - pieces.start_m > 2.0 * meets)
    kept = np.flatnonzero(~(at_start | at_end))
    if not lone.any():
        return network.only(kept), kept
    rows = np.flatnonzero(lone)
    first, last = np.flatnonzero(at_start[rows]), np.flatnonzero(at_end[rows])
    cut_at = np.concatenate(
        [(before - pieces.start_m)[rows[first]], (total - after - pieces.start_m)[rows[last]]]
    )
    cut = cut_lines(pieces.lines[rows], np.concatenate([first, last]), cut_at)
    of, whole = rows[cut.parent], shapely.length(pieces.lines[rows])[cut.parent]
    gone = at_start[of] & (cut.start_m < 1e-6) | at_end[of] & (cut.end_m > whole - 1e-6)
    of, shifted = of[~gone], pieces.start_m[of[~gone]]
    trimmed = Pieces(
        cut.lines[~gone],
        pieces.parent[of],
        cut.start_m[~gone] + shifted,
        cut.end_m[~gone] + shifted,
    )
    found = put_together(network.only(kept), trimmed)
    if found is None:  # a trimmed end comes so near to another strip that it is joined to that
        joined = number_nodes(network.only(kept).pieces.with_others(trimmed)[0])
        return joined, np.full(len(joined.ends), -1)
    joined, place = found
    return joined, np.concatenate([kept, of])[place]

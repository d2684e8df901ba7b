"""Kerb-side strips: continuous lines on both sides of a street net, and the crossings they make.

The streets are joined into strokes (lines that go straight on at junctions); every stroke is
offset to both sides and all offsets are noded together. A strip therefore runs straight on over
the mouth of a side street, and the strips of a street that ends at a junction end at the near
strip of the street that runs through. Rings round the union of widened streets were tried first:
they detour round every dead end and wrap into every side street.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from gis.linear import FloatArray, IntArray, LineArray, cut_lines, vertex_places
from gis.noding import NODE_TOLERANCE_M, Network, node_lines, number_nodes
from gis.self_noding import meeting_points, passages

# Two streets are one stroke where the turn between them is at most this; a plain bend (no third
# street) may turn more. Momepy's COINS uses 0-60° likewise.
_STRAIGHT_ON_DEG = 50.0
_BEND_DEG = 120.0
# The direction of a street at its junction is taken over this length, not from its last vertex.
_CHORD_M = 10.0
# A street that forks goes on as wide as it was if that turns it by no more than this.
_CHANGE_DEG = 10.0
# Offsets that differ by less are one run.
_SAME_OFFSET_M = 0.01
# How far a street goes on past its junction where another runs straight through: far enough to
# meet the near strip of that street, but not its far one.
_PAST_JUNCTION_M = 1.0
_SHORT_OF_FAR = 0.8

Stroke = list[tuple[int, bool]]
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


def join_strokes(
    ends: IntArray,
    lines: LineArray,
    node_count: int,
    offset_m: FloatArray | None = None,
    ring: IntArray | None = None,
) -> list[Stroke]:
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

    Returns
    -------
    Strokes: lists of (part, reversed) in walking order; every part is in exactly one stroke.
    """
    offset_m = np.zeros(len(lines)) if offset_m is None else offset_m
    ring = np.full(len(lines), -1) if ring is None else ring
    partner = _partners(ends, lines, node_count, offset_m, ring)
    strokes: list[Stroke] = []
    used = np.zeros(len(lines), bool)
    open_ends = [(p, e) for p in range(len(lines)) for e in (0, 1) if (p, e) not in partner]
    closed = [(p, 0) for p in range(len(lines))]
    for part, end in [*open_ends, *closed]:
        if used[part]:
            continue
        stroke: Stroke = []
        while not used[part]:
            used[part] = True
            stroke.append((part, end == 1))
            following = partner.get((part, 1 - end))
            if following is None:
                break
            part, end = following
        strokes.append(stroke)
    return strokes


def _partners(
    ends: IntArray, lines: LineArray, node_count: int, offset_m: FloatArray, ring: IntArray
) -> dict[tuple[int, int], tuple[int, int]]:
    """For each street end, the street end that continues it straightest, where mutual.

    Arcs of one roundabout come first.
    """
    direction = _end_directions(lines)
    at_node: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for part in range(len(lines)):
        for end in (0, 1):
            at_node[int(ends[part, end])].append((part, end))
    partner: dict[tuple[int, int], tuple[int, int]] = {}
    for meeting in at_node.values():
        limit = _BEND_DEG if len(meeting) == 2 else _STRAIGHT_ON_DEG
        turns = sorted(
            (
                turn + _CHANGE_DEG * bool(abs(offset_m[a[0]] - offset_m[b[0]]) >= _SAME_OFFSET_M),
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
            if turn <= limit and a not in partner and b not in partner and a[0] != b[0]:
                partner[a], partner[b] = b, a
    return partner


def _end_directions(lines: LineArray) -> dict[tuple[int, int], FloatArray]:
    length = shapely.length(lines)
    step = np.minimum(_CHORD_M, length / 2)
    start = shapely.get_coordinates(shapely.get_point(lines, 0))
    end = shapely.get_coordinates(shapely.get_point(lines, -1))
    after = shapely.get_coordinates(shapely.line_interpolate_point(lines, step))
    before = shapely.get_coordinates(shapely.line_interpolate_point(lines, length - step))
    outward = {0: after - start, 1: before - end}
    return {(part, e): outward[e][part] for part in range(len(lines)) for e in (0, 1)}


def _turn_deg(one: FloatArray, two: FloatArray) -> float:
    """Deflection of going in along ``one`` and out along ``two``; 0 is straight on."""
    cosine = float(one @ two) / max(float(np.hypot(*one) * np.hypot(*two)), 1e-12)
    return float(np.degrees(np.pi - np.arccos(np.clip(cosine, -1.0, 1.0))))


def kerb_strips(
    ends: IntArray,
    lines: LineArray,
    node_count: int,
    offset_m: FloatArray,
    setback_m: FloatArray,
    level: IntArray | None = None,
    ring: IntArray | None = None,
) -> Strips:
    """Lay strips along both sides of noded streets, with crossings at junctions.

    Parameters
    ----------
    ends, lines, node_count
        The noded street net.
    offset_m
        (m,) distance of the strip from the centre line of each street part, in metres.
    setback_m
        (m,) the share of it outside the carriageway; a dead end is closed that far beyond.
    level
        (m,) storey of each street part, all on one by default; strips on different levels pass
        above each other.
    ring
        (m,) the roundabout of each part, see ``join_strokes``.

    Returns
    -------
    Strips, cut at every common point and beside every end of a street part.
    """
    strokes = join_strokes(ends, lines, node_count, offset_m, ring)
    junctions = _junctions(strokes, ends, node_count, offset_m)
    level = np.zeros(len(lines), np.int64) if level is None else level
    storey: list[int] = []
    raw: list[shapely.LineString] = []
    owner: list[int] = []
    sides: list[int] = []
    reach: list[tuple[Reach, Reach]] = []
    for number, stroke in enumerate(strokes):
        runs, before, after = _runs(stroke, ends, lines, junctions, offset_m, setback_m)
        tips = []
        for side in (1, -1):
            offsets, levels = _by_storey(_offset(runs, side), stroke, lines, level)
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
    noded = node_lines(np.array(raw, object), np.array(storey, np.int64))
    network = _without_overshoots(noded, raw, reach)
    parent = network.pieces.parent
    stroke_of_part, backward = np.zeros(len(lines), np.int64), np.zeros(len(lines), bool)
    for number, stroke in enumerate(strokes):
        parts = [part for part, _ in stroke]
        stroke_of_part[parts], backward[parts] = number, [turned for _, turned in stroke]
    side_of_piece = np.array(sides)[parent]
    return Strips(network, np.array(owner)[parent], side_of_piece, stroke_of_part, backward)


class Reach(NamedTuple):
    """How far the end of a stroke is prolonged, and within which length it must meet a strip."""

    prolonged_m: float
    meets_m: float


_NONE = Reach(0.0, 0.0)


class _Junctions(NamedTuple):
    """For each node: how many parts meet, the extreme offsets, whether a stroke runs through."""

    degree: IntArray
    widest_m: FloatArray
    narrowest_m: FloatArray
    through: NDArray[np.bool_]


def _junctions(
    strokes: list[Stroke], ends: IntArray, node_count: int, offset_m: FloatArray
) -> _Junctions:
    widest, narrowest = np.zeros(node_count), np.full(node_count, np.inf)
    np.maximum.at(widest, ends.ravel(), np.repeat(offset_m, 2))
    np.minimum.at(narrowest, ends.ravel(), np.repeat(offset_m, 2))
    through = np.zeros(node_count, bool)
    for stroke in strokes:
        nodes = [int(ends[part, 0 if backward else 1]) for part, backward in stroke]
        through[nodes if _is_ring(stroke, ends) else nodes[:-1]] = True
    return _Junctions(np.bincount(ends.ravel(), minlength=node_count), widest, narrowest, through)


def _runs(
    stroke: Stroke,
    ends: IntArray,
    lines: LineArray,
    junctions: _Junctions,
    offset_m: FloatArray,
    setback_m: FloatArray,
) -> tuple[list[Run], Reach, Reach]:
    """Centre line of a stroke as runs of equal offset, prolonged at its two ends.

    At a junction it reaches as far as it must to meet other strips, and that is returned. A dead
    end is prolonged by the set-back only, and no reach is returned. A ring starts where its
    offset changes, if it does.
    """
    stroke = _from_a_change(stroke, ends, offset_m)
    runs: list[Run] = []
    for part, backward in stroke:
        xy = shapely.get_coordinates(lines[part])
        xy = xy[::-1] if backward else xy
        if runs and abs(runs[-1][1] - offset_m[part]) < _SAME_OFFSET_M:
            runs[-1] = (np.concatenate([runs[-1][0], xy[1:]]), runs[-1][1])
        else:
            runs.append((xy, float(offset_m[part])))
    (first, _), (last, _) = stroke[0], stroke[-1]
    start_node, end_node = _tip_nodes(stroke, ends)
    before = after = _NONE
    if not _is_ring(stroke, ends):
        before = _reach(start_node, float(offset_m[first]), junctions)
        after = _reach(end_node, float(offset_m[last]), junctions)
        xy, offset = runs[0]
        by_m = before.prolonged_m or float(setback_m[first])
        runs[0] = (_prolong(xy[::-1], by_m)[::-1], offset)
        xy, offset = runs[-1]
        runs[-1] = (_prolong(xy, after.prolonged_m or float(setback_m[last])), offset)
    return runs, before, after


def _tip_nodes(stroke: Stroke, ends: IntArray) -> tuple[int, int]:
    (first, first_back), (last, last_back) = stroke[0], stroke[-1]
    return int(ends[first, 1 if first_back else 0]), int(ends[last, 0 if last_back else 1])


def _is_ring(stroke: Stroke, ends: IntArray) -> bool:
    """True for a stroke that ends where it starts: it has no end to close."""
    start_node, end_node = _tip_nodes(stroke, ends)
    return start_node == end_node


def _from_a_change(stroke: Stroke, ends: IntArray, offset_m: FloatArray) -> Stroke:
    """A ring turned so that it starts where its offset changes; other strokes as they are."""
    if not _is_ring(stroke, ends):
        return stroke
    offsets = offset_m[[part for part, _ in stroke]]
    changes = np.flatnonzero(np.abs(offsets - np.roll(offsets, 1)) >= _SAME_OFFSET_M)
    start = int(changes[0]) if len(changes) else 0
    return stroke[start:] + stroke[:start]


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


def _offset(runs: list[Run], side: int) -> list[shapely.LineString]:
    """Offset the runs of a stroke and join them end to end into as few lines as possible."""
    joined: list[FloatArray] = []
    runs = [(xy, distance) for whole, distance in runs for xy in _opened(whole)]
    for xy, distance in runs:
        curve = _offset_curve(xy, side * distance)
        for number, part in enumerate(shapely.get_parts(curve)):
            coordinates = shapely.get_coordinates(part)
            if joined and number == 0:
                joined[-1] = _stepped_over(joined[-1], coordinates)
            elif len(coordinates) > 1:
                joined.append(coordinates)
    if joined and len(runs) > 1 and np.array_equal(runs[0][0][0], runs[-1][0][-1]):
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


def _without_overshoots(
    network: Network, raw: list[shapely.LineString], reach: list[tuple[Reach, Reach]]
) -> Network:
    """Drop what a prolonged end leaves dangling behind the last strip it met."""
    total = shapely.length(np.array(raw, object))
    pieces, ends, node_xy = network
    degree = np.bincount(ends.ravel(), minlength=len(node_xy))
    before, meets_before = np.array([r[0] for r in reach])[pieces.parent].T
    after, meets_after = np.array([r[1] for r in reach])[pieces.parent].T
    at_start = (pieces.start_m < 1e-6) & (before > 0) & (degree[ends[:, 0]] == 1)
    at_end = (pieces.end_m > total[pieces.parent] - 1e-6) & (after > 0) & (degree[ends[:, 1]] == 1)
    # A piece that met nothing is not an overshoot alone: only its prolonged end goes.
    meets = meets_before + meets_after
    lone = (at_start | at_end) & (pieces.end_m - pieces.start_m > 2.0 * meets)
    cut_at = np.concatenate(
        [
            (before - pieces.start_m)[lone & at_start],
            (total[pieces.parent] - after - pieces.start_m)[lone & at_end],
        ]
    )
    cut_on = np.concatenate([np.flatnonzero(lone & at_start), np.flatnonzero(lone & at_end)])
    kept = ~(at_start | at_end) | lone
    recut = cut_lines(pieces.lines, cut_on, cut_at)
    start, end = recut.start_m, recut.end_m
    whole = shapely.length(pieces.lines)[recut.parent]
    gone = (lone & at_start)[recut.parent] & (start < 1e-6)
    gone |= (lone & at_end)[recut.parent] & (end > whole - 1e-6)
    keep = kept[recut.parent] & ~gone
    shifted = pieces.start_m[recut.parent]
    return number_nodes(
        recut._replace(
            lines=recut.lines[keep],
            parent=pieces.parent[recut.parent][keep],
            start_m=(start + shifted)[keep],
            end_m=(end + shifted)[keep],
        )
    )

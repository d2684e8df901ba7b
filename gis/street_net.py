"""The street net: drawn centre lines noded, with the small faults of drawings mended.

A street that stops short of the axis it should meet, or runs a little beyond it, ends on it when
the gap or the rest is about half a width of the streets: no dead end stands in the middle of a
carriageway. Streets drawn twice count once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.handing_on import numbers_after
from gis.linear import FloatArray, IntArray, LineArray, vertex_places
from gis.noding import NODE_TOLERANCE_M, Network, Noded, noded
from gis.renoding import noded_again
from gis.self_noding import own_feet

# A street is prolonged to an axis that it would meet at this angle or more: a line that ends
# beside another one, as slip roads do, does not turn to it.
_MEETS_DEG = 30.0
# A street is drawn too short if it stops on the other's carriageway or less than this before it:
# there is no room for a dead end with a strip round it.
_SHORT_M = 2.0
# Nothing that is built turns back on itself as sharply.
_SPIKE_DEG = 2.0
# Two parts between the same nodes are one street if their middles and lengths agree this well.
_SAME_STREET_M = 0.05


class StreetNet(NamedTuple):
    """The street net, and what it takes to lay it again where some streets have changed.

    ``noded`` are the mended lines and all pieces of them; ``drawn`` the lines before their ends
    were mended, ``half_width_m`` half the carriageway of each. ``piece`` is the number among all
    pieces of each part in ``network``.
    """

    network: Network
    piece: IntArray
    drawn: LineArray
    half_width_m: FloatArray
    noded: Noded


def street_net(lines: LineArray, half_width_m: FloatArray, level: IntArray) -> StreetNet:
    """Node centre lines and mend their ends.

    Parameters
    ----------
    lines
        (n,) LineStrings in a projected CRS; those without length are left out.
    half_width_m
        (n,) half the carriageway of each.
    level
        (n,) storey of each: streets on different levels pass above each other.

    Returns
    -------
    The noded parts with the number of the line that each came from.
    """
    drawn = _without_slips(lines, half_width_m)
    reached = _reaching(drawn, half_width_m, level, np.arange(len(lines)))
    return _mended(drawn, half_width_m, noded(reached, level))


def street_net_again(
    before: StreetNet,
    lines: LineArray,
    half_width_m: FloatArray,
    level: IntArray,
    row_before: IntArray,
    changed: NDArray[np.bool_],
) -> tuple[StreetNet, IntArray]:
    """The ``street_net`` where some streets have changed.

    Parameters
    ----------
    row_before
        (n,) number that each street had, -1 for a new one.
    changed
        (n,) whether it is another now in shape, width or level; new ones are.

    Returns
    -------
    The net, and for each part its number before, -1 for one that lies otherwise.
    """
    stays = np.flatnonzero(~changed)
    gone = np.ones(len(before.drawn), bool)
    gone[row_before[stays]] = False
    drawn = np.empty(len(lines), object)
    drawn[stays] = before.drawn[row_before[stays]]
    drawn[changed] = _without_slips(lines[changed], half_width_m[changed])
    others = np.concatenate([before.drawn[gone], drawn[changed]])
    widths = np.concatenate([before.half_width_m[gone], half_width_m[changed]])
    near = changed | _ends_near(drawn, others, widths)
    mended = np.empty(len(lines), object)
    mended[~near] = before.noded.lines[row_before[~near]]
    mended[near] = _reaching(drawn, half_width_m, level, np.flatnonzero(near))[near]
    alike = row_before >= 0
    old = row_before[alike]
    alike[alike] = shapely.equals_exact(mended[alike], before.noded.lines[old], 0.0) & (
        level[alike] == before.noded.level[old]
    )
    again, stood = noded_again(before.noded, mended, level, np.where(alike, row_before, -1))
    after = _mended(drawn, half_width_m, again)
    part = numbers_after(before.piece, len(before.noded.network.ends))
    return after, np.append(part, -1)[stood[after.piece]]


def _ends_near(lines: LineArray, others: LineArray, half_width_m: FloatArray) -> NDArray[np.bool_]:
    """Which lines end so near to one of some others that it may be prolonged to that."""
    tips = shapely.get_point(np.tile(lines, 2), np.repeat([0, -1], len(lines)))
    tree = shapely.STRtree(others)
    reach = float(half_width_m.max(initial=0.0)) + _SHORT_M
    near = np.zeros(len(lines), bool)
    near[tree.query(tips, predicate="dwithin", distance=reach)[0] % len(lines)] = True
    return near


def _mended(drawn: LineArray, half_width_m: FloatArray, whole: Noded) -> StreetNet:
    """The net without streets drawn twice and without stubs."""
    once = np.flatnonzero(_once(whole.network, half_width_m))
    network = whole.network.only(once)
    kept = np.flatnonzero(~_stubs(network, half_width_m))
    return StreetNet(network.only(kept), once[kept], drawn, half_width_m, whole)


def _without_slips(lines: LineArray, half_width_m: FloatArray) -> LineArray:
    """Leave out where the pen went back over a line and on again: tips inside its carriageway.

    A tip that no other part of the line passes is a dead end, drawn out and back, and stays.
    """
    mended = lines.copy()
    xy, owner, _ = vertex_places(lines)
    at = np.flatnonzero(owner[:-2] == owner[2:]) + 1 if len(owner) > 2 else np.zeros(0, np.int64)
    for line in np.unique(owner[at[_turns_back(xy[at - 1], xy[at], xy[at + 1])]]).tolist():
        mended[line] = _without_tips(xy[owner == line], float(half_width_m[line]))
    return mended


def _turns_back(before: FloatArray, tip: FloatArray, after: FloatArray) -> NDArray[np.bool_]:
    there, back = before - tip, after - tip
    size = np.hypot(*there.T) * np.hypot(*back.T)
    return np.asarray(
        ((there * back).sum(axis=1) > np.cos(np.radians(_SPIKE_DEG)) * size) & (size > 0)
    )


def _without_tips(xy: FloatArray, half_width_m: float) -> shapely.LineString:
    """The line without the tips that it passes again, once it has turned back a second time."""
    tips = np.flatnonzero(_turns_back(xy[:-2], xy[1:-1], xy[2:])) + 1
    for before, tip, after in zip([0, *tips], tips, [*tips[1:], len(xy)], strict=False):
        others = [part for part in (xy[: before + 1], xy[after:]) if len(part) > 1]
        passed_m = shapely.distance(shapely.Point(xy[tip]), shapely.MultiLineString(others))
        if passed_m <= half_width_m:
            return _without_tips(np.delete(xy, tip, axis=0), half_width_m)
    return shapely.LineString(xy)


def _reaching(
    lines: LineArray, half_width_m: FloatArray, level: IntArray, chosen: IntArray
) -> LineArray:
    """Prolong streets that end inside the carriageway of another one, or their own, to its axis.

    Only the ``chosen`` ones.
    """
    tree = shapely.STRtree(lines)
    mended = lines.copy()
    for end in (0, -1):
        own, own_foot, own_gap = own_feet(lines[chosen], end, half_width_m[chosen] + _SHORT_M)
        found = (
            _foreign_feet(lines, chosen, end, half_width_m, level, tree),
            (chosen[own], own_foot, own_gap),
        )
        at, foot, gap = (np.concatenate(both) for both in zip(*found, strict=True))
        joined = np.isin(at, at[gap <= NODE_TOLERANCE_M])
        nearest = np.lexsort((gap, at))
        nearest = nearest[np.r_[True, np.diff(at[nearest]) > 0][: len(nearest)] & ~joined[nearest]]
        at, foot = at[nearest], foot[nearest]
        meets = _angle_to_axis(lines[at], end, foot) >= _MEETS_DEG
        for line, point in zip(at[meets].tolist(), foot[meets].tolist(), strict=True):
            mended[line] = _prolonged(mended[line], end, point)
    return mended


def _foreign_feet(
    lines: LineArray,
    chosen: IntArray,
    end: int,
    half_width_m: FloatArray,
    level: IntArray,
    tree: shapely.STRtree,
) -> tuple[IntArray, NDArray[Any], FloatArray]:
    """Ends near the axes of other streets: which line, the foot on the axis, metres to it."""
    tips = shapely.get_point(lines[chosen], end)
    reach = float(half_width_m.max()) + _SHORT_M
    row, other = tree.query(tips, predicate="dwithin", distance=reach)
    at, tip = chosen[row], tips[row]
    gap = shapely.distance(tip, lines[other])
    foreign = (at != other) & (level[at] == level[other])
    foreign &= gap < half_width_m[other] + _SHORT_M
    at, other, tip, gap = at[foreign], other[foreign], tip[foreign], gap[foreign]
    at_m = shapely.line_locate_point(lines[other], tip)
    return at, shapely.line_interpolate_point(lines[other], at_m), gap


def _angle_to_axis(lines: LineArray, end: int, foot: NDArray[Any]) -> FloatArray:
    """Angle between a line's last step and the axis that it is short of, in degrees.

    The way to the foot is square to the axis: straight on along it is 90°.
    """
    inner = shapely.get_coordinates(shapely.get_point(lines, 1 if end == 0 else -2))
    tip = shapely.get_coordinates(shapely.get_point(lines, end))
    along, on = tip - inner, shapely.get_coordinates(foot) - tip
    size = np.maximum(np.hypot(*along.T) * np.hypot(*on.T), 1e-12)
    return np.asarray(np.degrees(np.arcsin(np.clip((along * on).sum(axis=1) / size, -1.0, 1.0))))


def _prolonged(line: shapely.LineString, end: int, point: shapely.Point) -> shapely.LineString:
    xy = shapely.get_coordinates(line)
    added = shapely.get_coordinates(point)
    return shapely.LineString(np.concatenate([added, xy] if end == 0 else [xy, added]))


def _stubs(network: Network, half_width_m: FloatArray) -> NDArray[np.bool_]:
    """The rests of streets that run on past another by less than half a width."""
    pieces, ends, node_xy = network
    degree = np.bincount(ends.ravel(), minlength=len(node_xy))
    half = half_width_m[pieces.parent]
    widest, second = _two_widest(ends, half, len(node_xy))
    length = shapely.length(pieces.lines)
    stub = np.zeros(len(pieces.lines), bool)
    for tip, foot in ((0, 1), (1, 0)):
        node = ends[:, foot]
        other = np.where(widest[node] > half, widest[node], second[node])
        stub |= (
            (degree[ends[:, tip]] == 1) & (degree[node] >= 3) & (length < np.maximum(other, half))
        )
    return stub


def _two_widest(ends: IntArray, half: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """The largest and the second largest half width of the parts at each node; 0 for none."""
    node, width = ends.T.ravel(), np.tile(half, 2)
    order = np.lexsort((-width, node))
    node, width = node[order], width[order]
    first = np.r_[True, np.diff(node) > 0]
    second = np.r_[False, first[:-1]] & ~first
    values = np.zeros((2, count))
    values[0, node[first]], values[1, node[second]] = width[first], width[second]
    return values[0], values[1]


def _once(network: Network, half_width_m: FloatArray) -> NDArray[np.bool_]:
    """Which to keep: one of the parts that run on top of each other: the widest, then the first."""
    pieces, ends, _ = network
    low, high = ends.min(axis=1), ends.max(axis=1)
    length = shapely.length(pieces.lines)
    order = np.lexsort((np.arange(len(low)), -half_width_m[pieces.parent], length, high, low))
    before, after = order[:-1], order[1:]
    same = (low[before] == low[after]) & (high[before] == high[after])
    same &= length[after] - length[before] < _SAME_STREET_M
    kept = np.ones(len(low), bool)
    for one, two in zip(before[same].tolist(), after[same].tolist(), strict=True):
        middle = shapely.line_interpolate_point(pieces.lines[one], 0.5, normalized=True)
        if shapely.distance(middle, pieces.lines[two]) < _SAME_STREET_M:
            narrower = half_width_m[pieces.parent[two]] <= half_width_m[pieces.parent[one]]
            kept[two if narrower else one] = False
    return kept

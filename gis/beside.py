"""Straight lines that run beside others: along them and near, neither on them nor across."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from gis.linear import FloatArray, IntArray, LineArray, blocks, distinct, segments

# A slant of a micrometre in a kilometre is none.
_LEVEL = 1e-9


class Beside(NamedTuple):
    """Pairs of a straight line and a line that it runs beside, and of every straight line the
    metres that it runs beside any and on none.
    """

    straight: IntArray
    line: IntArray
    askew_m: FloatArray


def runs_beside(
    from_xy: FloatArray,
    to_xy: FloatArray,
    lines: LineArray,
    *,
    within_m: float,
    on_m: float,
    most_slant_deg: float,
) -> Beside:
    """Where straight lines between (n, 2) points run within ``within_m`` metres of ``lines``.

    Within ``on_m`` of a line they run on it. Only parts of the lines count that turn from the
    straight one by no more than ``most_slant_deg``. Complexity O((n + v) log v) in vertices.
    """
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(owner[1:] == owner[:-1])
    parts = _Parts(
        shapely.STRtree(segments(xy[first], xy[first + 1])),
        xy[first],
        xy[first + 1] - xy[first],
        owner[first],
    )
    limits = within_m, on_m, np.tan(np.radians(most_slant_deg))
    found = [Beside(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for rows in blocks(len(from_xy)):
        some = _beside(from_xy[rows], to_xy[rows], parts, *limits)
        found.append(some._replace(straight=some.straight + rows.start))
    return Beside(*map(np.concatenate, zip(*found, strict=True)))


class _Parts(NamedTuple):
    """The straight parts of lines: to be found by place, (m, 2) start and way of each, its line."""

    tree: shapely.STRtree
    start_xy: FloatArray
    turned: FloatArray
    line: IntArray


def _beside(
    from_xy: FloatArray,
    to_xy: FloatArray,
    parts: _Parts,
    within_m: float,
    on_m: float,
    steepest: float,
) -> Beside:
    # By boxes alone: of most pairs the directions tell, which cost less than distances.
    low_xy, high_xy = np.minimum(from_xy, to_xy) - within_m, np.maximum(from_xy, to_xy) + within_m
    row, part = parts.tree.query(shapely.box(*low_xy.T, *high_xy.T))
    ahead = to_xy - from_xy
    ahead /= np.maximum(np.hypot(*ahead.T), np.finfo(float).tiny)[:, None]
    turned = parts.turned
    level = np.abs(_across(ahead[row], turned[part])) <= steepest * np.abs(
        _along(ahead[row], turned[part])
    )
    row, part = row[level], part[level]
    start = parts.start_xy[part] - from_xy[row]
    along, off = _along(ahead[row], start), _across(ahead[row], start)
    forth, slant = _along(ahead[row], turned[part]), _across(ahead[row], turned[part])
    slant /= np.where(forth == 0, 1.0, forth)
    low, high = np.minimum(along, along + forth), np.maximum(along, along + forth)
    low, high = np.maximum(low, 0.0), np.minimum(high, _along(ahead, to_xy - from_xy)[row])
    beside, on = (
        _stretch_within(low, high, off - slant * along, slant, most) for most in (within_m, on_m)
    )
    count = len(from_xy)
    askew_m = _covered_m(row, *beside, count) - _covered_m(row, *on, count)
    apart = (beside[1] - beside[0]).clip(0.0) > (on[1] - on[0]).clip(0.0)
    many = int(parts.line.max(initial=0)) + 1
    pair = distinct(row[apart].astype(np.int64) * many + parts.line[part[apart]])
    return Beside(*np.divmod(pair, many), askew_m)


def _stretch_within(
    low: FloatArray, high: FloatArray, off: FloatArray, slant: FloatArray, most: float
) -> tuple[FloatArray, FloatArray]:
    """From where to where between ``low`` and ``high`` no more is ``off + slant * m``.

    Where it is so nowhere the end comes before the beginning.
    """
    level = np.abs(slant) < _LEVEL
    steep = np.where(level, 1.0, slant)
    start, end = np.sort(np.stack([(-most - off) / steep, (most - off) / steep]), axis=0)
    inside = np.abs(off) <= most
    start = np.where(level, np.where(inside, low, np.inf), start)
    end = np.where(level, high, end)
    return np.maximum(low, start), np.minimum(high, end)


def _covered_m(row: IntArray, low: FloatArray, high: FloatArray, count: int) -> FloatArray:
    """Metres of each of ``count`` rows that stretches cover, once where several do."""
    real = high > low
    row, low, high = row[real], low[real], high[real]
    order = np.lexsort((low, row))
    row, low, high = row[order], low[order], high[order]
    # One row beyond the other, so that what was covered so far is that of the same row.
    beyond = row * (high.max(initial=0.0) + 1.0)
    so_far = np.maximum.accumulate(np.concatenate([[-np.inf], beyond + high]))[:-1]
    fresh = beyond + high - np.maximum(beyond + low, so_far)
    return np.asarray(np.bincount(row, fresh.clip(0.0), count), float)


def _along(one: FloatArray, two: FloatArray) -> FloatArray:
    return np.asarray((one * two).sum(axis=1))


def _across(one: FloatArray, two: FloatArray) -> FloatArray:
    return np.asarray(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])

"""Where lines meet themselves: their own crossings, ends on or near their own middle, fold-backs.

A line passes such a place more than once, and ``line_locate_point`` tells the first time only;
here every passage is found, so that the line can be cut at each of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray, segments, vertex_places

# Passages that follow each other within so many tolerances are one, and way back that is no
# longer lies in the bend of a line.
_ONE_PASSAGE = 4


class _Steps(NamedTuple):
    """Straight steps between vertices: the line of each, its start, its vector, metres so far."""

    line: IntArray
    start: FloatArray
    along: FloatArray
    at_m: FloatArray


def _steps(lines: LineArray) -> _Steps:
    xy, owner, at_m = vertex_places(lines)
    step = np.flatnonzero(owner[:-1] == owner[1:])
    return _Steps(owner[step], xy[step], xy[step + 1] - xy[step], at_m[step])


def _along_and_off(xy: FloatArray, start: FloatArray, along: FloatArray) -> FloatArray:
    """(2, n) metres from the start of a step to the point of it nearest to a place, and off it."""
    length = np.maximum(np.hypot(*along.T), 1e-12)
    to = xy - start
    at_m = np.clip((to * along).sum(axis=1) / length, 0.0, length)
    return np.stack([at_m, np.hypot(*(to - along * (at_m / length)[:, None]).T)])


def meeting_points(lines: LineArray, tolerance_m: float) -> tuple[IntArray, FloatArray]:
    """Places where lines meet themselves.

    Parameters
    ----------
    lines
        (n,) LineStrings in a projected CRS.
    tolerance_m
        An end this near to its own middle touches it; a way back this near to the way there
        lies on it.

    Returns
    -------
    (k,) index of the line and (k, 2) places: crossings, touches, and the tips and feet of
    fold-backs. Ends of lines and repeated places may be among them.
    """
    crossing = np.flatnonzero(~shapely.is_simple(lines))
    parts, owner = shapely.get_parts(shapely.node(lines[crossing]), return_index=True)
    tips = np.concatenate([shapely.get_point(parts, 0), shapely.get_point(parts, -1)])
    steps = _steps(lines)
    touching, ends = _ends_on_themselves(lines, steps, tolerance_m)
    folded, folds = _fold_backs(steps, tolerance_m)
    return (
        np.concatenate([np.tile(crossing[owner], 2), touching, folded]).astype(np.int64),
        np.concatenate([shapely.get_coordinates(tips), ends, folds]),
    )


def passages(
    lines: LineArray, at_line: IntArray, xy: FloatArray, tolerance_m: float
) -> tuple[IntArray, FloatArray]:
    """Every distance along a line at which it passes a place on it.

    Parameters
    ----------
    lines
        (n,) LineStrings.
    at_line, xy
        (k,) index of the line, and (k, 2) the place.
    tolerance_m
        A line passes what is this near to it; passages that follow each other within four times
        as much are one.

    Returns
    -------
    Index of the place and metres from the start of its line, of each passage.
    O(v log v + k log v) for v vertices of the lines.
    """
    steps = _steps(lines)
    tree = shapely.STRtree(segments(steps.start, steps.start + steps.along))
    place, step = tree.query(shapely.points(xy), predicate="dwithin", distance=tolerance_m)
    own = steps.line[step] == at_line[place]
    place, step = place[own], step[own]
    at_m = steps.at_m[step] + _along_and_off(xy[place], steps.start[step], steps.along[step])[0]
    order = np.lexsort((at_m, place))
    place, at_m = place[order], at_m[order]
    again = (np.diff(place) == 0) & (np.diff(at_m) <= _ONE_PASSAGE * tolerance_m)
    fresh = np.r_[True, ~again][: len(place)]
    return place[fresh].astype(np.int64), at_m[fresh]


def own_feet(
    lines: LineArray, end: int, within_m: FloatArray
) -> tuple[IntArray, NDArray[Any], FloatArray]:
    """The place of its own line that an end comes near to again.

    Parameters
    ----------
    lines
        (n,) LineStrings.
    end
        0 for their starts, -1 for their ends.
    within_m
        (n,) how near counts, after a way of twice as much at least: what leads up to an end is
        near to it always.

    Returns
    -------
    Index of the line, the nearest such place, and its distance from the end in metres.
    """
    steps = _steps(lines)
    tip = shapely.get_coordinates(shapely.get_point(lines, end))[steps.line]
    along_m, off_m = _along_and_off(tip, steps.start, steps.along)
    at_m = steps.at_m + along_m
    way_m = at_m if end == 0 else shapely.length(lines)[steps.line] - at_m
    near = np.flatnonzero((off_m <= within_m[steps.line]) & (way_m >= 2 * within_m[steps.line]))
    near = near[np.lexsort((off_m[near], steps.line[near]))]
    near = near[np.r_[True, np.diff(steps.line[near]) > 0][: len(near)]]
    line = steps.line[near]
    return line, shapely.line_interpolate_point(lines[line], at_m[near]), off_m[near]


def _ends_on_themselves(
    lines: LineArray, steps: _Steps, tolerance_m: float
) -> tuple[IntArray, FloatArray]:
    """Ends that lie on a step of their own line that does not begin or end there."""
    first = np.r_[True, np.diff(steps.line) > 0][: len(steps.line)]
    last = np.r_[first[1:], True][: len(steps.line)]
    found: list[tuple[IntArray, FloatArray]] = []
    for end, own in ((0, first), (-1, last)):
        tip = shapely.get_coordinates(shapely.get_point(lines, end))[steps.line]
        near = _along_and_off(tip, steps.start, steps.along)[1] <= tolerance_m
        near &= ~own
        found.append((steps.line[near], tip[near]))
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


def _fold_backs(steps: _Steps, tolerance_m: float) -> tuple[IntArray, FloatArray]:
    """Tips at which lines turn back on top of themselves, and how far back they lie there."""
    before = np.flatnonzero(steps.line[:-1] == steps.line[1:])
    there, back = -steps.along[before], steps.along[before + 1]
    there_m, back_m = np.hypot(*there.T), np.hypot(*back.T)
    apart = np.abs(there[:, 0] * back[:, 1] - there[:, 1] * back[:, 0])
    folded = (there * back).sum(axis=1) > 0
    folded &= np.minimum(there_m, back_m) > _ONE_PASSAGE * tolerance_m
    folded &= apart <= tolerance_m * np.maximum(there_m, back_m)
    tip = steps.start[before + 1]
    foot = tip + np.where((there_m < back_m)[:, None], there, back)
    line = steps.line[before[folded]]
    return np.tile(line, 2), np.concatenate([tip[folded], foot[folded]])

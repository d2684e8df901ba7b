"""Road corners: the outer side of a bend at which one record of a street ends and another begins.

The land of roads ends square with their records. Where a street bends at such an end the wedge on
its outer side would belong to no record, though it would to a street that is drawn as one.
Carriageways are left square there.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray

# Ends that are nearer than this meet: coordinates of one place, rounded.
_SAME_M = 1e-3
# A street that turns less than this (radians) leaves no wedge that anything could lie in; and two
# records that leave a place in bearings that differ by less are one street twice.
_STRAIGHT = 1e-3
# A wedge reaches so far into its road, so that both are one area.
_LAP_M = 0.01
# Corners are mitred out to so many half widths, as those of land within a record are.
_MITRE_LIMIT = 5.0
NO_CORNER = np.nan
# Columns that tell where a road bends into another record, at its start and at its end.
CORNERS = ("corner_at_start", "corner_at_end")


def corner_table(roads: gpd.GeoDataFrame, level: IntArray) -> pd.DataFrame:
    """The ``corners`` of a layer of roads, by id."""
    found = corners(np.asarray(roads.geometry.array), level)
    return pd.DataFrame(found, columns=list(CORNERS), index=roads.index.astype(str))


def bend_otherwise(then: FloatArray, now: pd.DataFrame) -> NDArray[np.bool_]:
    """Which roads bend into other records now than they did, or in another bearing."""
    found = now.to_numpy(float)
    same = (found == then) | (np.isnan(found) & np.isnan(then))
    return np.asarray(~same.all(axis=1))


def corners(centre: LineArray, level: IntArray) -> FloatArray:
    """Where each road bends into another one at its start and at its end.

    Returns
    -------
    (n, 2) bearings in radians in which the other road leaves the common end, NaN where no wedge is
    left open there: no road of the same level ends there, or all sides of the place are taken.
    """
    found = np.full((len(centre), 2), NO_CORNER)
    long = np.flatnonzero(shapely.length(centre) > 0)
    ends, bearings = _ends(centre[long])
    xy, bearing = ends.reshape(-1, 2), bearings.ravel()
    place = np.column_stack([np.round(xy / _SAME_M), np.repeat(level[long], 2)])
    group = np.unique(place, axis=0, return_inverse=True)[1].ravel()
    order = np.lexsort((bearing, group))
    into = np.full(len(xy), NO_CORNER)
    # The next end counter-clockwise about the same place, the first one after the last.
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    last = np.append(first[1:], len(order)) - 1
    after = np.arange(1, len(order) + 1)
    after[last] = first
    one, two = order, order[after]
    turn = (bearing[two] - bearing[one]) % (2 * np.pi)
    bends = (one != two) & (turn > np.pi + _STRAIGHT) & (turn < 2 * np.pi - _STRAIGHT)
    into[one[bends]], into[two[bends]] = bearing[two[bends]], bearing[one[bends]]
    found[long] = into.reshape(-1, 2)
    return found


def with_corners(
    areas: NDArray[Any], centre: LineArray, half_width_m: FloatArray, corner: FloatArray
) -> NDArray[Any]:
    """Areas of roads, as wide on both sides of their centre lines, with the wedges at their ends.

    ``corner`` is what ``corners`` tells of the roads. A wedge is as wide as its own road: that of
    the wider of two is the larger one.
    """
    road, end = np.nonzero(np.isfinite(corner) & (half_width_m > 0)[:, None])
    xy, bearing = (told[np.arange(len(road)), end] for told in _ends(centre[road]))
    wedges = _wedges(xy, half_width_m[road], bearing, corner[road, end])
    found = areas.copy()
    for row, wedge in zip(road.tolist(), wedges, strict=True):
        found[row] = shapely.union(found[row], wedge)
    return found


def _ends(centre: LineArray) -> tuple[FloatArray, FloatArray]:
    """Start and end of each line (n, 2, 2), and the bearings (n, 2) in which it leaves them."""
    lines = shapely.remove_repeated_points(centre)
    at = [shapely.get_coordinates(shapely.get_point(lines, number)) for number in (0, 1, -1, -2)]
    ends = np.stack(at[::2], axis=1)
    ahead = np.stack(at[1::2], axis=1) - ends
    return ends, np.arctan2(ahead[..., 1], ahead[..., 0])


def _wedges(xy: FloatArray, half_m: FloatArray, own: FloatArray, other: FloatArray) -> NDArray[Any]:
    """The wedges at places between two roads that leave them in two bearings, mitred."""
    left = np.where(np.sin(other - own) > 0, 1.0, -1.0)  # the side on which the other road lies
    mine, its = (np.column_stack([np.cos(b), np.sin(b)]) for b in (own, other))
    out, its_out = (
        sign[:, None] * np.column_stack([-one[:, 1], one[:, 0]])
        for sign, one in ((-left, mine), (left, its))
    )
    half_turn = np.arccos(np.clip((out * its_out).sum(axis=1), -1.0, 1.0)) / 2
    whole = np.cos(half_turn) >= 1 / _MITRE_LIMIT
    cut_off = (_MITRE_LIMIT - np.cos(half_turn)) / np.sin(half_turn)
    half, tip = half_m[:, None], (half_m * np.where(whole, np.tan(half_turn), cut_off))[:, None]
    corner = half * out - tip * mine
    ring = [
        _LAP_M * mine,
        half * out + _LAP_M * mine,
        corner,
        np.where(whole[:, None], corner, half * its_out - tip * its),
        half * its_out + _LAP_M * its,
        _LAP_M * its,
    ]
    return np.asarray(shapely.polygons(np.stack(ring, axis=1) + xy[:, None]))

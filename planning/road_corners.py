"""Road corners: the outer side of a bend at which one record of a street ends and another begins.

Land and carriageways of roads end square with their records. Where a street bends at such an end
the wedge on its outer side would belong to no record, though it would to a street that is drawn as
one.
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
# Corners are mitred out to so many half widths, as those within a record are: of land, of kerbs.
_MITRE_LIMIT, KERB_MITRE_LIMIT = 5.0, 2.0
NO_CORNER = np.nan
# Carriageways whose half widths differ by less are equally wide.
_AS_WIDE_M = 1e-6
# Columns that tell where a road bends into another record, at its start and at its end: the
# bearing of the other one, and half its carriageway.
CORNERS = ("corner_at_start", "corner_at_end")
BEYOND = ("beyond_start_m", "beyond_end_m")


def corner_table(
    roads: gpd.GeoDataFrame, level: IntArray, half_width_m: FloatArray
) -> pd.DataFrame:
    """The ``corners`` of a layer of roads, by id, with half the carriageways beyond them."""
    found, other = corners(np.asarray(roads.geometry.array), level)
    beyond = np.where(other >= 0, half_width_m[other], np.nan)
    ids = roads.index.astype(str)
    return pd.DataFrame(np.hstack([found, beyond]), columns=[*CORNERS, *BEYOND], index=ids)


def bend_otherwise(then: pd.DataFrame, now: pd.DataFrame) -> NDArray[np.bool_]:
    """Which roads, in the order of both, bend into other records now, or in another bearing."""
    one, two = (table[[*CORNERS, *BEYOND]].to_numpy(float) for table in (then, now))
    return np.asarray(~((one == two) | (np.isnan(one) & np.isnan(two))).all(axis=1))


def corners(centre: LineArray, level: IntArray) -> tuple[FloatArray, IntArray]:
    """Where each road bends into another one at its start and at its end.

    Returns
    -------
    (n, 2) bearings in radians in which the other road leaves the common end, NaN where no wedge is
    left open there: no road of the same level ends there, or all sides of the place are taken.
    (n, 2) rows of the other roads, -1 for none.
    """
    found, other = np.full((len(centre), 2), NO_CORNER), np.full((len(centre), 2), -1)
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
    row, met = np.repeat(long, 2), np.full(len(xy), -1)
    met[one[bends]], met[two[bends]] = row[two[bends]], row[one[bends]]
    found[long], other[long] = into.reshape(-1, 2), met.reshape(-1, 2)
    return found, other


def with_corners(
    areas: NDArray[Any], centre: LineArray, half_width_m: FloatArray, corner: FloatArray
) -> NDArray[Any]:
    """Land of roads, as wide on both sides of their centre lines, with the wedges at their ends.

    ``corner`` are the bearings that ``corners`` tells of the roads. A wedge is as wide as its own
    road: that of the wider of two is the larger one.
    """
    beyond = np.repeat(half_width_m[:, None], 2, axis=1)
    return _with_wedges(areas, centre, half_width_m, corner, beyond, _MITRE_LIMIT)


def with_kerbs(
    areas: NDArray[Any],
    centre: LineArray,
    half_width_m: FloatArray,
    corner: FloatArray,
    beyond_m: FloatArray,
) -> NDArray[Any]:
    """Carriageways with the wedges at their ends, from their own kerb to that of the other road.

    ``beyond_m`` (n, 2) are half the carriageways that they bend into. Kerbs that are equally far
    out are mitred; where the street changes its width they go straight across.
    """
    return _with_wedges(areas, centre, half_width_m, corner, beyond_m, KERB_MITRE_LIMIT)


def _with_wedges(
    areas: NDArray[Any],
    centre: LineArray,
    half_width_m: FloatArray,
    corner: FloatArray,
    beyond_m: FloatArray,
    limit: float,
) -> NDArray[Any]:
    road, end = np.nonzero(np.isfinite(corner) & (half_width_m > 0)[:, None] & (beyond_m > 0))
    xy, bearing = (told[np.arange(len(road)), end] for told in _ends(centre[road]))
    half_m = np.stack([half_width_m[road], beyond_m[road, end]], axis=1)
    wedges = _wedges(xy, half_m, bearing, corner[road, end], limit)
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


def _wedges(
    xy: FloatArray, half_m: FloatArray, own: FloatArray, other: FloatArray, limit: float
) -> NDArray[Any]:
    """The wedges at places between two roads that leave them in two bearings.

    ``half_m`` (n, 2) are the half widths of both. They are mitred, as far as ``limit`` half widths,
    where the two are equal.
    """
    left = np.where(np.sin(other - own) > 0, 1.0, -1.0)  # the side on which the other road lies
    mine, its = (np.column_stack([np.cos(b), np.sin(b)]) for b in (own, other))
    out, its_out = (
        sign[:, None] * np.column_stack([-one[:, 1], one[:, 0]])
        for sign, one in ((-left, mine), (left, its))
    )
    half_turn = np.arccos(np.clip((out * its_out).sum(axis=1), -1.0, 1.0)) / 2
    whole = np.cos(half_turn) >= 1 / limit
    cut_off = (limit - np.cos(half_turn)) / np.sin(half_turn)
    ahead = np.where(whole, np.tan(half_turn), cut_off)
    as_wide = np.abs(half_m[:, 0] - half_m[:, 1]) < _AS_WIDE_M
    tip = (half_m[:, 0] * np.where(as_wide, ahead, 0.0))[:, None]
    half, its_half = half_m[:, :1], half_m[:, 1:]
    corner = half * out - tip * mine
    ring = [
        _LAP_M * mine,
        half * out + _LAP_M * mine,
        corner,
        np.where(whole[:, None] & as_wide[:, None], corner, its_half * its_out - tip * its),
        its_half * its_out + _LAP_M * its,
        _LAP_M * its,
    ]
    return np.asarray(shapely.polygons(np.stack(ring, axis=1) + xy[:, None]))

"""Crossing angles: at what angle lines run across roads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from gis.linear import FloatArray, IntArray, LineArray, Tracks

if TYPE_CHECKING:
    from planning.road_surfaces import RoadSurfaces


def crossing_angles(
    lines: LineArray, crossings: pd.DataFrame, surfaces: RoadSurfaces
) -> FloatArray:
    """The ``angles_across`` of the crossings of a table."""
    line, road = (crossings[name].to_numpy(np.int64) for name in ("line", "road"))
    return angles_across(lines, line, road, crossings["at_m"].to_numpy(float), surfaces)


def angles_across(
    lines: LineArray, line: IntArray, road: IntArray, at_m: FloatArray, surfaces: RoadSurfaces
) -> FloatArray:
    """Angle between each crossing piece and the centre line of its road, 0 to 90 degrees.

    ``at_m`` is the middle of the piece along its line.
    """
    ways = Tracks(lines)
    middle = shapely.points(ways.at(line, at_m))
    along = shapely.line_locate_point(surfaces.centre[road], middle)
    return _angle_between(_direction(ways, line, at_m), _direction(surfaces.tracks, road, along))


def _direction(tracks: Tracks, line: IntArray, at_m: FloatArray) -> FloatArray:
    """Direction of each line at a distance from its start, taken over two metres."""
    return tracks.at(line, at_m + 1) - tracks.at(line, at_m - 1)


def _angle_between(one: FloatArray, two: FloatArray) -> FloatArray:
    cross = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
    return np.asarray(np.degrees(np.arctan2(cross, np.abs((one * two).sum(axis=1)))))

"""Handover points 交接点: what a line still runs inside the red line, where the user's own begins.

The length outside is counted to the red line; the length inside is shown beside it and counts for
the fall of a gravity line. It is the shortest way inside the parcel; buildings do not count, for a
switching room stands in one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from gis.linear import FloatArray, segments
from gis.visibility import open_ways
from layers.utilities import load_utilities
from planning.application import Demand

# Lines that begin on the red line leave the parcel by rounding; so much is none.
_ROUNDING_M = 0.01


def inside_m(red_line: shapely.Polygon, entries: FloatArray, demand: Demand) -> FloatArray:
    """Metres inside the parcel from (n, 2) places on the red line to the handover; 0 if on it.

    A handover that lies beside the parcel counts from the nearest place of the red line. Inf where
    the parcel is in pieces and no way inside leads there.
    """
    if demand.handover is None or demand.handover.xy is None:
        return np.zeros(len(entries))
    handover = shapely.shortest_line(red_line, shapely.Point(demand.handover.xy))
    place = shapely.get_coordinates(handover)[:1]
    straight = segments(entries, np.repeat(place, len(entries), axis=0))
    length = np.asarray(shapely.length(straight), float)
    bent = ~shapely.covers(shapely.buffer(red_line, _ROUNDING_M), straight)
    if bent.any():
        west, south, east, north = red_line.bounds
        around = shapely.box(west - 1.0, south - 1.0, east + 1.0, north + 1.0)
        outside = np.array([around.difference(red_line)], object)
        ways = open_ways(place, entries[bent], outside, 0.0)
        length[bent] = [np.inf if way is None else way.length for way in ways]
    return length


def handover_entry(
    demand: Demand | None, red_line: shapely.Polygon, line: shapely.LineString | None
) -> dict[str, Any] | None:
    """The handover of one utility as plain values; None where nothing is asked for or routed."""
    if demand is None or line is None:
        return None
    entry = shapely.get_coordinates(line)[-1:]
    length_m = float(inside_m(red_line, entry, demand)[0])
    given = demand.handover
    return {
        "kind": load_utilities()[demand.pipe.utility].handover[0] if given is None else given.kind,
        "xy": entry[0].tolist() if given is None or given.xy is None else list(given.xy),
        "length_inside_m": length_m if np.isfinite(length_m) else None,
    }

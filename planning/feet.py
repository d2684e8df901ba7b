"""Feet: where parcels, gates, network nodes and crossings are joined to the strips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray, segments
from gis.noding import Network
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Gate
from planning.obstacles import Obstacles
from planning.strip_layout import StripLayout

# Along a red line, several points are candidates: the ends of its sides, drawn in by this much.
_INSET_M = 2.0
# Candidates on one strip that are this much farther than the nearest one are not worth keeping.
_NEEDLESS_M = 3.0


def parcel_feet(
    survey: Survey, layout: StripLayout, obstacles: Obstacles, max_snap_m: float
) -> pd.DataFrame:
    """Candidate points on the red line of every parcel, each with its foot on a strip."""
    parcels = survey.get("parcels")
    if parcels is None or not layout.usable.any():
        return _no_feet()
    boundary, owner = _red_line_points(np.asarray(parcels.geometry.array))
    (point, piece), distance = layout.tree.query_nearest(
        boundary, max_distance=max_snap_m, return_distance=True, all_matches=False
    )
    feet = _feet(boundary[point], piece, layout)
    feet["kind"], feet["key"] = "parcel", parcels.index.to_numpy(str)[owner[point]]
    feet["distance"] = distance
    near = feet.groupby(["key", "piece"])["distance"].transform("min")
    feet = feet[feet["distance"] <= near + _NEEDLESS_M]
    feet = feet[obstacles.connector_allowed(feet["line"].to_numpy())]
    feet = feet.sort_values(["key", "piece", "at_m"])
    place = feet.groupby(["key", "piece"]).cumcount()
    size = feet.groupby(["key", "piece"])["at_m"].transform("size")
    # Of an even number both middle ones, so that the direction of the strip does not matter.
    middle = (place == size // 2) | (place == (size - 1) // 2)
    return feet[(place == 0) | (place == size - 1) | middle]


def _red_line_points(polygons: NDArray[Any]) -> tuple[NDArray[Any], IntArray]:
    """Middle and drawn-in ends of every side of every polygon, with the polygon's number."""
    rings, owner = shapely.get_parts(shapely.boundary(polygons), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    side = np.flatnonzero(ring[1:] == ring[:-1])
    start, end = xy[side], xy[side + 1]
    length = np.hypot(*(end - start).T)
    share = np.minimum(_INSET_M / np.maximum(length, 1e-9), 0.5)
    shares = np.concatenate([np.full(len(side), 0.5), share, 1.0 - share])
    number = np.tile(np.arange(len(side)), 3)
    points = start[number] + (end - start)[number] * shares[:, None]
    return shapely.points(points), owner[ring[side]][number].astype(np.int64)


def gate_points(gates: Mapping[str, tuple[str, Gate]] | None) -> pd.DataFrame:
    """Gates of applications as points to be joined: ``kind``, ``key``, ``point``."""
    points = [
        (key, point)
        for key, (_, gate) in (gates or {}).items()
        for point in shapely.get_parts(gate)
    ]
    return pd.DataFrame(points, columns=["key", "point"]).assign(kind="gate")


def node_points(survey: Survey) -> pd.DataFrame:
    """Network nodes that lines are joined to; where mains are tapped inside, none are needed."""
    nodes = survey.get("nodes")
    if nodes is None:
        return pd.DataFrame({"kind": [], "key": [], "point": []})
    wanted = pd.Series(False, index=nodes.index)
    for utility in load_utilities().values():
        if not utility.tie_in.inside:
            wanted |= (nodes["utility"] == utility.key) & nodes["kind"].isin(utility.tie_in.nodes)
    nodes = nodes[wanted]
    return pd.DataFrame(
        {"kind": "node", "key": nodes.index.astype(str), "point": np.asarray(nodes.geometry.array)}
    )


def point_feet(
    points: pd.DataFrame, layout: StripLayout, obstacles: Obstacles, max_snap_m: float
) -> pd.DataFrame:
    """The nearest foot of each point on each side of each street within reach."""
    if len(points) == 0 or not layout.usable.any():
        return _no_feet()
    shapes = points["point"].to_numpy()
    at, piece = layout.tree.query(shapes, predicate="dwithin", distance=max_snap_m)
    feet = _feet(shapes[at], piece, layout)
    feet["kind"], feet["key"] = points["kind"].to_numpy()[at], points["key"].to_numpy()[at]
    feet["distance"] = shapely.length(feet["line"].to_numpy())
    feet["stroke"] = layout.stroke[feet["piece"].to_numpy()]
    feet["side"] = layout.side[feet["piece"].to_numpy()]
    feet["point"] = at
    feet = feet[obstacles.connector_allowed(feet["line"].to_numpy())]
    nearest = feet.sort_values(["key", "distance", "piece"]).drop_duplicates(
        ["point", "stroke", "side"]
    )
    return nearest.drop(columns=["point", "stroke", "side"])


def _feet(points: NDArray[Any], piece: IntArray, layout: StripLayout) -> pd.DataFrame:
    """Foot of each point on its piece, and the connector from the foot to the point."""
    at_m = shapely.line_locate_point(layout.lines[piece], points)
    foot = shapely.line_interpolate_point(layout.lines[piece], at_m)
    line = segments(shapely.get_coordinates(foot), shapely.get_coordinates(points))
    return pd.DataFrame({"piece": piece.astype(np.int64), "at_m": at_m, "line": line})


def _no_feet() -> pd.DataFrame:
    return pd.DataFrame(columns=["piece", "at_m", "line", "kind", "key"], dtype=object)


# --- crossings between the two sides of a street ---------------------------------------------


def crossing_feet(
    layout: StripLayout,
    streets: Network,
    offset: FloatArray,
    obstacles: Obstacles,
    feet: pd.DataFrame,
    spacing_m: float,
) -> pd.DataFrame:
    """Straight crossings at a regular spacing and opposite every foot of a parcel or gate.

    Network nodes need none: they are joined to the strips of both sides.

    Returns
    -------
    Table with ``piece``, ``at_m`` on the left and ``piece_2``, ``at_2_m`` on the right.
    """
    parts = streets.pieces.lines
    part, centre = _crossing_centres(parts, spacing_m)
    feet = feet[feet["kind"] != "node"]
    foot_part = layout.part[feet["piece"].to_numpy(np.int64)]
    foot_point = shapely.line_interpolate_point(
        layout.lines[feet["piece"].to_numpy(np.int64)], feet["at_m"].to_numpy(float)
    )
    beside = shapely.line_interpolate_point(
        parts[foot_part], shapely.line_locate_point(parts[foot_part], foot_point)
    )
    part, centre = np.concatenate([part, foot_part]), np.concatenate([centre, beside])
    left = _side_feet(layout, centre, part, offset, 1)
    right = _side_feet(layout, centre, part, offset, -1)
    both = left.merge(right, on="centre", suffixes=("", "_2"))
    line = segments(
        np.stack(both["xy"].to_list()) if len(both) else np.zeros((0, 2)),
        np.stack(both["xy_2"].to_list()) if len(both) else np.zeros((0, 2)),
    )
    straight = shapely.length(line) <= 2.3 * offset[part[both["centre"].to_numpy()]]
    both = pd.DataFrame(both[straight & obstacles.connector_allowed(line)])
    return both.rename(columns={"at_m_2": "at_2_m"})[["piece", "at_m", "piece_2", "at_2_m"]]


def _crossing_centres(parts: LineArray, spacing_m: float) -> tuple[IntArray, NDArray[Any]]:
    """Points along street parts: evenly spread, one at least, none at an end."""
    count = np.maximum(np.round(shapely.length(parts) / spacing_m), 1).astype(np.int64)
    part = np.repeat(np.arange(len(parts)), count)
    number = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
    share = (number + 0.5) / count[part]
    return part, np.asarray(shapely.line_interpolate_point(parts[part], share, normalized=True))


def _side_feet(
    layout: StripLayout, centre: NDArray[Any], part: IntArray, offset: FloatArray, side: int
) -> pd.DataFrame:
    """The nearest point on one side's strip of the same stroke, for each centre that has one."""
    reach = offset[part] * 1.15 + 0.5
    at, piece = layout.tree.query(centre, predicate="dwithin", distance=reach)
    own = (layout.stroke[piece] == layout.stroke_of_part[part[at]]) & (layout.side[piece] == side)
    at, piece = at[own], piece[own].astype(np.int64)
    at_m = shapely.line_locate_point(layout.lines[piece], centre[at])
    foot = shapely.line_interpolate_point(layout.lines[piece], at_m)
    pairs = pd.DataFrame({"centre": at, "piece": piece, "at_m": at_m})
    pairs["distance"] = shapely.distance(foot, centre[at])
    pairs["xy"] = list(shapely.get_coordinates(foot))
    return pairs.sort_values(["centre", "distance", "piece"]).drop_duplicates("centre")[
        ["centre", "piece", "at_m", "xy"]
    ]

"""Feet: where parcels, gates and network nodes are joined to the strips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, segments
from gis.regions import Region
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
    survey: Survey,
    layout: StripLayout,
    obstacles: Obstacles,
    max_snap_m: float,
    near: Region | None = None,
) -> pd.DataFrame:
    """Candidate points on the red line of every parcel, each with its foot on a strip.

    With ``near`` only of parcels that may have a foot in that region.
    """
    parcels = survey.get("parcels")
    if parcels is None or not layout.usable.any():
        return _no_feet()
    if near is not None:
        shapes = np.asarray(parcels.geometry.array)
        parcels = parcels[near.away_m(shapely.bounds(shapes).reshape(-1, 4)) <= max_snap_m]
    boundary, owner = red_line_points(np.asarray(parcels.geometry.array))
    point, piece, distance = _nearest_pieces(boundary, layout, max_snap_m)
    feet = _feet(boundary[point], piece, layout)
    feet["kind"], feet["key"] = "parcel", parcels.index.to_numpy(str)[owner[point]]
    feet["distance"] = distance
    least = feet.groupby(["key", "piece"])["distance"].transform("min")
    feet = feet[feet["distance"] <= least + _NEEDLESS_M]
    feet = feet[obstacles.connector_allowed(feet["line"].to_numpy())]
    feet = feet.sort_values(["key", "piece", "at_m"])
    place = feet.groupby(["key", "piece"]).cumcount()
    size = feet.groupby(["key", "piece"])["at_m"].transform("size")
    # Of an even number both middle ones, so that the direction of the strip does not matter.
    middle = (place == size // 2) | (place == (size - 1) // 2)
    return feet[(place == 0) | (place == size - 1) | middle]


def _nearest_pieces(
    points: NDArray[Any], layout: StripLayout, max_snap_m: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Point, piece and distance for every point in reach; of pieces as near the first.

    Which of them a tree gives depends on everything else that is in it.
    """
    (point, piece), distance = layout.tree.query_nearest(
        points, max_distance=max_snap_m, return_distance=True
    )
    order = np.lexsort((piece, point))
    first = order[np.unique(point[order], return_index=True)[1]]
    return point[first].astype(np.int64), piece[first].astype(np.int64), distance[first]


def red_line_points(polygons: NDArray[Any]) -> tuple[NDArray[Any], IntArray]:
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
    points: pd.DataFrame,
    layout: StripLayout,
    obstacles: Obstacles,
    max_snap_m: float,
    near: Region | None = None,
) -> pd.DataFrame:
    """The nearest foot of each point on each side of each street within reach.

    With ``near`` only of points that may have a foot in that region.
    """
    if near is not None and len(points):
        bounds = shapely.bounds(points["point"].to_numpy(object)).reshape(-1, 4)
        points = points[near.away_m(bounds) <= max_snap_m]
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

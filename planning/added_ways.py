"""Added ways: lines that join the corridors beside the strips, such as corridors that people drew.

They are cut where they meet each other and the strips, joined to a strip from where they end, and
parcels, gates and network nodes in reach are joined to them as they are to strips.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.linear import (
    FloatArray,
    IntArray,
    LineArray,
    Pieces,
    cut_lines,
    merge_points,
    segments,
    with_ends,
)
from gis.network import CorridorGraph
from gis.noding import NODE_TOLERANCE_M, node_lines
from planning.obstacles import Obstacles

if TYPE_CHECKING:
    from planning.corridors import Corridors

# Rails are lines: ways end this much before them.
_OFF_RAILS_M = 0.05
# Ways shorter than this between two obstacles lead nowhere.
_SHORTEST_M = 0.5


@dataclass(frozen=True)
class Places:
    """What may be joined to ways: ``kind`` parcel, gate or node, ``key``, ``parcel_id``, shape."""

    table: pd.DataFrame
    shapes: NDArray[Any]


def add_ways(
    bare: Corridors, lines: LineArray, kind: str, places: Places, max_snap_m: float
) -> tuple[Corridors, IntArray]:
    """The corridors with lines added as edges of a kind.

    Returns
    -------
    The corridors, and for each of their edges the line that it is part of, -1 for others.
    """
    parts = _open_parts(lines, bare.obstacles)
    if len(parts.lines) == 0:
        return bare, np.full(bare.graph.edge_count, -1)
    noded = node_lines(parts.lines)
    ways, owner = noded.pieces.lines, parts.parent[noded.pieces.parent]
    is_strip = (bare.graph.measures["kind"] == "strip").to_numpy()
    strips = np.flatnonzero(is_strip)
    met = _meetings(ways, bare.graph.lines[strips])
    joins = _joins(bare, noded.ends, noded.node_xy, ways, strips, max_snap_m)
    feet = _feet(ways, places, bare.obstacles, max_snap_m)

    cut_ways = cut_lines(ways, *_both(met.way, met.way_m, feet.way, feet.at_m))
    cut_strips = cut_lines(
        bare.graph.lines[strips], *_both(met.strip, met.strip_m, joins.strip, joins.at_m)
    )
    changed = np.bincount(cut_strips.parent, minlength=len(strips)) > 1
    again = changed[cut_strips.parent]
    pieces = np.concatenate([cut_strips.lines[again], cut_ways.lines, joins.lines])
    number, node_xy = _numbered(bare.graph.node_xy, pieces, feet)
    ends = number[: 2 * len(pieces)].reshape(2, -1).T
    foot_node = number[2 * len(pieces) :]
    site = len(node_xy) + np.arange(len(feet.lines))
    node_xy = np.concatenate([node_xy, feet.target_xy])
    to_site = (feet.table["kind"] != "node").to_numpy(bool)

    kept = np.ones(bare.graph.edge_count, bool)
    kept[strips[changed]] = False
    old = bare.graph.measures
    measures = pd.concat(
        [
            old[kept],
            old.iloc[strips[cut_strips.parent[again]]],
            _told(kind, len(cut_ways.lines) + len(joins.lines)),
            _told("connector", int(to_site.sum())),
        ],
        ignore_index=True,
    )
    connectors = np.stack([foot_node, site], axis=1)[to_site]
    way_of = np.concatenate(
        [
            np.full(int(kept.sum() + again.sum()), -1),
            owner[cut_ways.parent],
            owner[joins.way],
            np.full(len(connectors), -1),
        ]
    )
    graph = CorridorGraph(
        node_xy,
        np.concatenate([bare.graph.ends[kept], ends, connectors]),
        np.concatenate(
            [
                bare.graph.lines[kept],
                with_ends(pieces, *node_xy[ends].transpose(1, 0, 2)),
                segments(*node_xy[connectors].transpose(1, 0, 2)),
            ]
        ),
        measures,
    )
    moved = np.cumsum(kept) - 1  # no edge but strips is ever cut
    bare = replace(bare, drawn=replace(bare.drawn, edge=moved[bare.drawn.edge]))
    return _joined(bare, graph, feet, foot_node, site, places, ways), way_of


def _joined(
    bare: Corridors,
    graph: CorridorGraph,
    feet: _Feet,
    foot_node: IntArray,
    site: IntArray,
    places: Places,
    ways: LineArray,
) -> Corridors:
    """The corridors on the longer graph, with the sites and network nodes that it joins."""
    to_site = (feet.table["kind"] != "node").to_numpy(bool)
    gate = (feet.table["kind"] == "gate").to_numpy()
    sites = pd.DataFrame(
        {
            "node": site,
            "parcel_id": feet.table["parcel_id"].to_numpy(object),
            "application_id": np.where(gate, feet.table["key"].to_numpy(object), ""),
        }
    )[to_site]
    nodes = pd.DataFrame(
        {
            "node": foot_node,
            "network_node_id": feet.table["key"].to_numpy(object),
            "xy": list(feet.target_xy),
        }
    )[~to_site]
    distance = shapely.distance(places.shapes, shapely.union_all(ways))
    gaps = dict(bare.gaps_m)
    for key, kind, gap in zip(places.table["key"], places.table["kind"], distance, strict=True):
        if kind != "node":
            gaps[key] = min(gaps.get(key, np.inf), float(gap))
    return replace(
        bare,
        graph=graph,
        sites=pd.concat([bare.sites, sites], ignore_index=True),
        feet=pd.concat([bare.feet, nodes], ignore_index=True),
        gaps_m=gaps,
    )


def _told(kind: str, count: int) -> pd.DataFrame:
    return pd.DataFrame({"kind": [kind] * count, "road": -1, "side": 0})


def _open_parts(lines: LineArray, obstacles: Obstacles) -> Pieces:
    """The parts of lines outside private land, buildings and water, cut at rails."""
    free = obstacles.free_parts(lines)
    closed = [obstacles.water, shapely.buffer(obstacles.railways, _OFF_RAILS_M)]
    barred = np.concatenate(closed)
    tree, outside = shapely.STRtree(barred), free.lines.copy()
    line, other = tree.query(free.lines, predicate="intersects")
    for number in np.unique(line):
        here = shapely.union_all(barred[other[line == number]])
        outside[number] = shapely.difference(free.lines[number], here)
    parts, parent = shapely.get_parts(outside, return_index=True)
    length = shapely.length(parts)
    long_enough = length > _SHORTEST_M
    parts, parent, length = parts[long_enough], parent[long_enough], length[long_enough]
    return Pieces(parts, free.parent[parent], length * 0, length)


@dataclass(frozen=True)
class _Meetings:
    """Where ways and strips have points in common: both lines and the places along them."""

    way: IntArray
    way_m: FloatArray
    strip: IntArray
    strip_m: FloatArray


def _meetings(ways: LineArray, strips: LineArray) -> _Meetings:
    way, strip = shapely.STRtree(strips).query(ways, predicate="intersects")
    xy, pair = shapely.get_coordinates(
        shapely.intersection(ways[way], strips[strip]), return_index=True
    )
    points = shapely.points(xy)
    way, strip = way[pair].astype(np.int64), strip[pair].astype(np.int64)
    return _Meetings(
        way,
        shapely.line_locate_point(ways[way], points),
        strip,
        shapely.line_locate_point(strips[strip], points),
    )


@dataclass(frozen=True)
class _Joins:
    """Straight lines from where a way ends to the nearest strip."""

    way: IntArray
    strip: IntArray
    at_m: FloatArray
    lines: LineArray


def _joins(
    bare: Corridors,
    ends: IntArray,
    node_xy: FloatArray,
    ways: LineArray,
    strips: IntArray,
    max_snap_m: float,
) -> _Joins:
    """Join the ends of ways that lie on no strip, where the straight line is free."""
    loose = np.flatnonzero(np.bincount(ends.ravel(), minlength=len(node_xy)) == 1)
    points = shapely.points(node_xy[loose])
    lines = bare.graph.lines[strips]
    (at, strip), distance = shapely.STRtree(lines).query_nearest(
        points, max_distance=max_snap_m, return_distance=True, all_matches=False
    )
    apart = distance > NODE_TOLERANCE_M
    at, strip = at[apart], strip[apart].astype(np.int64)
    at_m = shapely.line_locate_point(lines[strip], points[at])
    foot = shapely.line_interpolate_point(lines[strip], at_m)
    straight = segments(node_xy[loose[at]], shapely.get_coordinates(foot))
    free = bare.obstacles.connector_allowed(straight)
    way_at = np.zeros(len(node_xy), np.int64)
    way_at[ends.ravel()] = np.repeat(np.arange(len(ways)), 2)
    return _Joins(way_at[loose[at]][free], strip[free], at_m[free], straight[free])


@dataclass(frozen=True)
class _Feet:
    """Straight lines from ways to places beside them."""

    table: pd.DataFrame
    way: IntArray
    at_m: FloatArray
    lines: LineArray

    @property
    def target_xy(self) -> FloatArray:
        return np.asarray(shapely.get_coordinates(shapely.get_point(self.lines, -1)))


def _feet(ways: LineArray, places: Places, obstacles: Obstacles, max_snap_m: float) -> _Feet:
    """The nearest foot of every place in reach."""
    (place, way), _ = shapely.STRtree(ways).query_nearest(
        places.shapes, max_distance=max_snap_m, return_distance=True, all_matches=False
    )
    target = places.shapes[place]
    area = shapely.get_dimensions(target) == 2
    target[area] = shapely.boundary(target[area])
    lines = shapely.shortest_line(ways[way], target)
    free = obstacles.connector_allowed(lines)
    place, way, lines = place[free], way[free].astype(np.int64), lines[free]
    at_m = shapely.line_locate_point(ways[way], shapely.get_point(lines, 0))
    return _Feet(places.table.iloc[place].reset_index(drop=True), way, at_m, lines)


def _both(
    line: IntArray, at_m: FloatArray, more: IntArray, more_m: FloatArray
) -> tuple[IntArray, FloatArray]:
    return np.concatenate([line, more]).astype(np.int64), np.concatenate([at_m, more_m])


def _numbered(node_xy: FloatArray, pieces: LineArray, feet: _Feet) -> tuple[IntArray, FloatArray]:
    """Nodes of the starts of pieces, of their ends and of the feet; new ones are added."""
    points = np.concatenate(
        [
            shapely.get_coordinates(shapely.get_point(pieces, 0)),
            shapely.get_coordinates(shapely.get_point(pieces, -1)),
            shapely.get_coordinates(shapely.get_point(feet.lines, 0)),
        ]
    )
    distance, nearest = cKDTree(node_xy).query(points)
    known = distance <= NODE_TOLERANCE_M
    label, fresh = merge_points(points[~known], NODE_TOLERANCE_M)
    number = nearest.astype(np.int64)
    number[~known] = len(node_xy) + label
    return number, np.concatenate([node_xy, fresh])

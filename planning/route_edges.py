"""Route edges: the corridor edges that a line runs along, found by where both lie."""

from __future__ import annotations

import numpy as np
import shapely

from gis.linear import IntArray, LineArray
from planning.corridors import Corridors

# A line nearer than this to a corridor edge lies on it: digitised lines meet within centimetres.
ON_EDGE_M = 0.05
# A line shares this much with an edge that it runs along; with one that it crosses 0.1 m.
_ALONG_M = 0.5


def edges_along(corridors: Corridors, line: shapely.LineString) -> IntArray:
    """The corridor edges that a line runs along: what they know of road and bridge holds for it."""
    graph = corridors.graph
    near = np.unique(graph.tree.query(line, predicate="dwithin", distance=ON_EDGE_M))
    length_m = graph.length_m[near]
    beside = _parts_beside(line, graph.lines[near])
    shared_m = shapely.length(
        shapely.intersection(graph.lines[near], shapely.buffer(beside, ON_EDGE_M))
    )
    along = (shared_m >= np.minimum(_ALONG_M, length_m)) & (length_m > 2 * ON_EDGE_M)
    kind = graph.measures["kind"].to_numpy()[near]
    along &= ~np.isin(kind, ("bore", "carrier"))  # a drawn line is a trench, not what exists
    return np.sort(near[along]).astype(np.int64)


def _parts_beside(line: shapely.LineString, edges: LineArray) -> LineArray:
    """For each edge the segments of a line that lie on it or cross it.

    Each edge is compared with these alone: with the whole line the work would grow with the
    square of its length.
    """
    points = shapely.get_coordinates(line)
    segments = shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1))
    tree = shapely.STRtree(segments)
    edge, segment = tree.query(edges, predicate="dwithin", distance=ON_EDGE_M)
    order = np.argsort(edge, kind="stable")
    found: LineArray = shapely.multilinestrings(segments[segment[order]], indices=edge[order])
    return found

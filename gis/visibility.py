"""Shortest ways over open land between obstacles, by a visibility graph.

A shortest way among polygons bends at their corners only, so the graph of corners that see each
other holds it (Lozano-Pérez and Wesley, 1979).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from gis.linear import FloatArray, IntArray, LineArray, segments

# Ways touch the corners that they bend at: what they must not enter is smaller by this much.
_TOUCH_M = 0.01


def open_ways(
    sources: FloatArray,
    targets: FloatArray,
    obstacles: NDArray[Any],
    clearance_m: float,
    reach_m: float = np.inf,
) -> LineArray:
    """The shortest way to each target from the nearest source, clear of all obstacles.

    Parameters
    ----------
    sources, targets
        (k, 2) and (t, 2) places in metres.
    obstacles
        Polygons that the ways keep away from by ``clearance_m``.
    reach_m
        Ways longer than this are not looked for.

    Returns
    -------
    (t,) LineStrings from source to target; None where there is no way, or where the target lies
    in a source. Complexity O(n² log v) for n corners and places and v vertices of obstacles.
    """
    ways = np.full(len(targets), None, object)
    if len(sources) == 0 or len(targets) == 0:
        return ways
    united = shapely.union_all(obstacles)
    grown = shapely.buffer(united, clearance_m, join_style="mitre", mitre_limit=2.0)
    blocked = shapely.buffer(grown, -_TOUCH_M, join_style="mitre", mitre_limit=2.0)
    shapely.prepare(blocked)
    corners = shapely.get_coordinates(grown)
    xy = np.concatenate([sources, targets, np.unique(corners, axis=0)])
    one, two = _near_pairs(xy, len(sources), len(targets), reach_m)
    free = ~shapely.intersects_xy(blocked, xy)
    both = free[one] & free[two]
    one, two = one[both], two[both]
    seen = ~shapely.intersects(blocked, segments(xy[one], xy[two]))
    one, two = one[seen], two[seen]
    length = np.hypot(*(xy[one] - xy[two]).T)
    graph = coo_matrix((length, (one, two)), shape=(len(xy), len(xy))).tocsr()
    start = np.arange(len(sources))
    _, before, _ = dijkstra(
        graph,
        directed=False,
        indices=start,
        return_predecessors=True,
        min_only=True,
        limit=reach_m,
    )
    for number in range(len(targets)):
        path = [len(sources) + number]
        while before[path[-1]] >= 0:
            path.append(int(before[path[-1]]))
        if len(path) > 1:
            ways[number] = shapely.LineString(xy[path[::-1]])
    return ways


def _near_pairs(
    xy: FloatArray, source_count: int, target_count: int, reach_m: float
) -> tuple[IntArray, IntArray]:
    """Pairs of places that a way within reach may join; none leads on from a target to another."""
    off_m = cKDTree(xy[:source_count]).query(xy)[0]
    within = np.flatnonzero(off_m <= reach_m)
    first, second = np.triu_indices(len(within), 1)
    one, two = within[first], within[second]
    ends_there = (one >= source_count) & (two < source_count + target_count)
    one, two = one[~ends_there], two[~ends_there]
    least_m = np.minimum(off_m[one], off_m[two]) + np.hypot(*(xy[one] - xy[two]).T)
    kept = least_m <= reach_m
    return one[kept], two[kept]

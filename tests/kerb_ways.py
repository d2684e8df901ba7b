"""Ways along kerbs, drawn with plain shapely: what the corridor graph is held against.

A kerb way is the line that lies the set-back behind the kerb of one road on one side, over the
mouths of side streets. It ends where private land or water begins, where rails cross, where it
would run along inside another carriageway, as at the nose of two streets that merge, where it
turns at the mouth of a side street, and where it has no side of a street to run on: in the
median of a divided road or on a traffic island.

A turn at a mouth is one inside it or as near to it as a corner that keeps the set-back from its
kerb and the road's: the road turns into what the side street goes straight on from. No kerb runs
round that turn, for the side street's own kerbs lie across it, and a line that keeps its distance
from them goes over the mouth to the strip behind it and turns there, up to a set-back farther out
on either side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from planning.corridors import Corridors

# A side street's mouth is met at this angle or more; what meets a street flatter merges with it.
LEAST_MOUTH_DEG = 30.0
# A way that turns more than this inside a mouth has left its kerb.
MOST_BEND_DEG = 20.0
SHORTEST_M = 5.0
# The two carriageways of a road lie so near, and islands are so small or round: see the policy's
# ``max_median_m`` and the design of corridors.
MEDIAN_M, MEDIAN_STEP_M, PARALLEL_DEG = 12.0, 2.0, 30.0
ISLAND_M2, ROUND, ROUND_M = 400.0, 0.82, 280.0
# A node this near the way lies on it; strips bend a little differently at corners.
ON_WAY_M = 0.3
# ... unless it lies on a strip that has left the way: they part at more than this.
PARTED_DEG = 15.0


class KerbWay(NamedTuple):
    """One kerb way: row of its road, +1 left or -1 right, the line."""

    road: int
    side: int
    line: shapely.LineString


def kerb_ways(
    found: Corridors, setback_m: float, margin_m: float, blocking: list[gpd.GeoSeries]
) -> Iterator[KerbWay]:
    """Kerb ways of every road of the corridors, cut at the blocking polygons and lines."""
    table = found.surfaces.table
    blocks = np.concatenate([np.asarray(b) for b in blocking]) if blocking else np.zeros(0, object)
    tree = shapely.STRtree(blocks)
    islands = shapely.union_all(_islands(found, tree))
    for road, centre in enumerate(found.surfaces.centre):
        width, red_line = table.loc[road, ["carriageway_width_m", "red_line_width_m"]].astype(float)
        footway = (red_line - width) / 2
        narrow = max(footway - margin_m, margin_m)
        behind = setback_m if np.isnan(footway) else min(setback_m, narrow)
        for side in (1, -1):
            beside = shapely.offset_curve(
                centre, side * (width / 2 + behind), join_style="mitre", mitre_limit=2.0
            )
            near = blocks[tree.query(beside, predicate="dwithin", distance=0.05)]
            free = shapely.difference(beside, shapely.union_all(shapely.buffer(near, 0.05)))
            free = shapely.difference(free, _merging(free, road, found, behind))
            free = shapely.difference(free, islands)
            free = shapely.difference(free, _median(free, road, found))
            for line in shapely.get_parts(shapely.line_merge(free)):
                if line.length > SHORTEST_M:
                    yield KerbWay(road, side, line)


def _merging(
    line: shapely.Geometry, road: int, found: Corridors, behind_m: float
) -> shapely.Geometry:
    """The parts of a way over other carriageways that are no straight way over a mouth: met
    flatter, or bent within the set-back of it, as where a side street goes on from the outside of
    a bend of the road. There is no kerb to follow there, and a line crosses the side street
    squarely instead.
    """
    areas, centres = found.surfaces.carriageway, found.surfaces.centre
    flat = []
    for other in found.surfaces.tree.query(line, predicate="intersects").tolist():
        if other == road:
            continue
        mouth = shapely.buffer(areas[other], np.sqrt(2) * behind_m + ON_WAY_M)
        for part in shapely.get_parts(shapely.intersection(line, areas[other])):
            if part.length > 0 and _angle(part, centres[other]) < LEAST_MOUTH_DEG:
                flat.append(part.buffer(0.1))
        for part in shapely.get_parts(shapely.intersection(line, mouth)):
            over = part.length > 0 and part.intersects(areas[other])
            if over and _bend(part) > MOST_BEND_DEG:
                flat.append(part.buffer(0.1))
    return shapely.union_all(flat)


def _bend(part: shapely.LineString) -> float:
    """Angle between the first and the last step of a piece, 0 to 180 degrees."""
    xy = shapely.get_coordinates(part)
    one, two = xy[1] - xy[0], xy[-1] - xy[-2]
    cosine = one @ two / max(np.hypot(*one) * np.hypot(*two), 1e-9)
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _islands(found: Corridors, private: shapely.STRtree) -> list[shapely.Polygon]:
    """Small or round blocks between centre lines where nothing private stands."""
    blocks = shapely.get_parts(shapely.polygonize([shapely.union_all(found.surfaces.centre)]))
    return [
        block
        for block in blocks
        if len(private.query(block, predicate="intersects")) == 0
        and (
            block.area < ISLAND_M2
            or (block.length <= ROUND_M and 4 * np.pi * block.area >= ROUND * block.length**2)
        )
    ]


def _median(line: shapely.Geometry, road: int, found: Corridors) -> shapely.Geometry:
    """The parts of a way from which the road's other carriageway lies straight ahead."""
    centre, areas = found.surfaces.centre[road], found.surfaces.carriageway
    near = found.surfaces.tree.query(line, predicate="dwithin", distance=MEDIAN_M)
    others = [other for other in near.tolist() if other != road and _one_road(found, road, other)]
    if not others:
        return shapely.MultiPolygon()
    parts = shapely.get_parts(shapely.segmentize(line, MEDIAN_STEP_M))
    steps = np.array([shapely.LineString(p) for one in parts for p in pairwise(one.coords)], object)
    at = shapely.get_coordinates(shapely.centroid(steps))
    foot = shapely.line_interpolate_point(
        centre, shapely.line_locate_point(centre, shapely.points(at))
    )
    out = at - shapely.get_coordinates(foot)
    out *= MEDIAN_M / np.maximum(np.hypot(*out.T), 1e-9)[:, None]
    ahead = shapely.linestrings(np.stack([at, at + out], axis=1))
    hits = shapely.STRtree(areas[others]).query(ahead, predicate="intersects").T.tolist()
    inside = {
        step
        for step, other in hits
        if _angle(steps[step], found.surfaces.centre[others[other]]) < PARALLEL_DEG
    }
    return shapely.union_all(shapely.buffer(steps[sorted(inside)], 0.1))


def _one_road(found: Corridors, one: int, two: int) -> bool:
    """Whether two centre lines are one road: by name, else by being main roads of one class."""
    table = found.surfaces.table
    name, kind = table["name"].to_numpy(object), table["road_class"].to_numpy(object)
    if "lane" in (kind[one], kind[two]):
        return False
    if isinstance(name[one], str) and isinstance(name[two], str):
        return bool(name[one] == name[two])
    return bool(kind[one] == kind[two] and kind[one] in ("expressway", "arterial", "collector"))


def _angle(part: shapely.LineString, centre: shapely.LineString) -> float:
    """Angle between a piece and the street beside its middle, 0 to 90 degrees."""
    at = centre.project(part.interpolate(0.5, normalized=True))
    one = np.subtract(part.coords[-1], part.coords[0])
    before, after = centre.interpolate(max(at - 2, 0)), centre.interpolate(at + 2)
    two = np.array([after.x - before.x, after.y - before.y])
    return _between_deg(one, two)


def _between_deg(one: np.ndarray, two: np.ndarray) -> float:
    """Angle between two directions, whichever way they point, 0 to 90 degrees."""
    cosine = abs(one @ two) / max(np.hypot(*one) * np.hypot(*two), 1e-9)
    return float(np.degrees(np.arccos(min(cosine, 1.0))))


class Walk:
    """Lengths of shortest ways over the strips and crossings of a corridor graph."""

    def __init__(self, found: Corridors) -> None:
        graph = found.graph
        walkable = ~found.is_connector
        ends, length = graph.ends[walkable], shapely.length(graph.lines[walkable])
        order = np.argsort(-length)
        # Of parallel edges the last one written, the shortest, stays. Both directions stand in
        # the matrix: scipy would add the other one anew for every walk.
        lightest = {
            way: m
            for (a, b), m in zip(ends[order].tolist(), length[order], strict=True)
            for way in ((a, b), (b, a))
        }
        rows, columns = np.array(list(lightest)).T
        shape = (graph.node_count, graph.node_count)
        self.matrix = csr_matrix((list(lightest.values()), (rows, columns)), shape=shape)
        self.xy = graph.node_xy
        used = np.zeros(graph.node_count, bool)
        used[ends.ravel()] = True
        points = shapely.points(graph.node_xy)
        self.tree = shapely.STRtree(np.where(used, points, None))
        strip = np.asarray(graph.measures["kind"] == "strip")
        roads = graph.measures["road"].to_numpy(np.int64)[strip].tolist()
        self.strips_at: dict[tuple[int, int], list[np.ndarray]] = defaultdict(list)
        for ends, road, line in zip(graph.ends[strip], roads, graph.lines[strip], strict=True):
            xy = shapely.get_coordinates(line)
            self.strips_at[int(ends[0]), road].append(xy[1] - xy[0])
            self.strips_at[int(ends[1]), road].append(xy[-1] - xy[-2])

    def nodes_on(self, way: KerbWay) -> np.ndarray:
        """Nodes of strips of the way's own road that lie on it: others may pass as near."""
        near = np.sort(self.tree.query(way.line, predicate="dwithin", distance=ON_WAY_M))
        return near[[self._runs_along(node, way) for node in near.tolist()]]

    def _runs_along(self, node: int, way: KerbWay) -> bool:
        """Whether a strip of the way's road runs along the way at a node."""
        at = way.line.project(shapely.Point(self.xy[node]))
        before, after = way.line.interpolate([max(at - 0.5, 0.0), at + 0.5])
        along = np.array([after.x - before.x, after.y - before.y])
        parted = [_between_deg(along, strip) for strip in self.strips_at[node, way.road]]
        return min(parted, default=90.0) <= PARTED_DEG

    def lengths_m(self, start: int, ends: np.ndarray, most_m: float) -> np.ndarray:
        """Lengths of shortest ways from a node to others, infinite for farther than ``most_m``."""
        found = dijkstra(self.matrix, indices=start, limit=most_m)
        return np.asarray(found[ends])


def all_pairs(way: KerbWay, walk: Walk) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Every pair of nodes on a kerb way: a node, those behind it, and how far along the way."""
    nodes = walk.nodes_on(way)
    at_m = shapely.line_locate_point(way.line, shapely.points(walk.xy[nodes]))
    for node, from_m in zip(nodes.tolist(), at_m.tolist(), strict=True):
        behind = at_m >= from_m + SHORTEST_M
        if behind.any():
            yield node, nodes[behind], at_m[behind] - from_m

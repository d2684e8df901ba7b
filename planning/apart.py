"""Apart 两路相离: where a given route runs, and how far two given ones keep from each other.

A drawn line may leave the corridor edges: it runs along a side of a street where it follows an edge
there, or where it lies off all edges and the working strips of both would overlap for longer than
where one crosses the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray
from planning.both_feeds import BESIDE_M, SAME_M, stretches_along
from planning.groundwork import Groundwork
from planning.judged_routes import Route
from planning.lanes import ALONG_STREETS
from planning.pair_areas import LEAVING_M
from planning.standards import Pipe

StreetSide = tuple[int, str]


@dataclass(frozen=True)
class Course:
    """Where a route of a pipe runs, found or drawn."""

    work: Groundwork
    pipe: Pipe
    route: Route

    @cached_property
    def followed(self) -> IntArray:
        """The edges that it follows from end to end: a drawn one may only touch others."""
        edges = np.array(self.route.way.edges, np.int64)
        beside = shapely.buffer(self.route.line, BESIDE_M)
        whole = shapely.covered_by(self.work.corridors.graph.lines[edges], beside)
        return np.asarray(edges[whole])

    @cached_property
    def off_edges(self) -> shapely.Geometry:
        """Where it follows no edge; what may be its way to a tie-in does not count."""
        followed = self.work.corridors.graph.lines[self.followed]
        beside = shapely.buffer(shapely.union_all(followed), BESIDE_M)
        parts = shapely.get_parts(shapely.difference(self.route.line, beside))
        start = shapely.get_point(self.route.line, 0)
        stub = shapely.dwithin(parts, start, SAME_M) & (len(followed) > 0)
        stub &= shapely.length(parts) <= self.work.policy.planning.max_snap_m
        return shapely.union_all(parts[~stub])

    def on_its_sides(self, edges: IntArray) -> NDArray[np.bool_]:
        """Which edges run along a side of a street that it runs along."""
        strip, side = _sides(self.work, edges)
        taken = self.sides_among(edges)
        return np.asarray(strip & np.array([one in taken for one in side], bool))

    def sides_among(self, edges: IntArray) -> set[StreetSide]:
        """The sides of streets that it runs along: of the edges it follows, or lies beside."""
        strip, side = _sides(self.work, edges)
        width_m = (self.work.strip_width_m(self.pipe) or 0.0) + BESIDE_M
        lines = self.work.corridors.graph.lines[edges]
        beside_m = within_m(lines, shapely.buffer(self.off_edges, width_m))
        beside = strip & (beside_m > 2 * width_m + LEAVING_M)
        follows, own = _sides(self.work, self.followed)
        found = {own[row] for row in np.flatnonzero(follows).tolist()}
        return found | {side[row] for row in np.flatnonzero(beside).tolist()}

    @cached_property
    def sides(self) -> set[StreetSide]:
        """The sides of streets that it runs along, of all edges near it."""
        reach_m = (self.work.strip_width_m(self.pipe) or 0.0) + BESIDE_M
        tree = self.work.corridors.graph.tree
        near = tree.query(self.route.line, predicate="dwithin", distance=reach_m)
        return self.sides_among(np.sort(near).astype(np.int64))

    @cached_property
    def before_last(self) -> tuple[frozenset[int], shapely.Geometry]:
        """Its edges and its line without last steps to the red line, which two may share."""
        last = self.work.corridors.is_connector[self.followed]
        steps = shapely.union_all(self.work.corridors.graph.lines[self.followed[last]])
        line = shapely.difference(self.route.line, shapely.buffer(steps, BESIDE_M))
        return frozenset(self.followed[~last].tolist()), line


def how_far_apart(one: Course, two: Course) -> str:
    """How far two given routes keep from each other: ``APART`` of ``planning.pair_areas``."""
    (edges, line), (others, other) = one.before_last, two.before_last
    if edges & others or stretches_along(line, other, BESIDE_M).length > LEAVING_M:
        return "none"
    return "edges" if one.sides & two.sides else "side"


def within_m(lines: LineArray, near: shapely.Geometry) -> FloatArray:
    """Metres of lines inside an area."""
    shapely.prepare(near)
    metres = np.zeros(len(lines))
    rows = np.flatnonzero(shapely.intersects(near, lines))
    metres[rows] = shapely.length(shapely.intersection(lines[rows], near))
    return metres


def _sides(work: Groundwork, edges: IntArray) -> tuple[NDArray[np.bool_], list[StreetSide]]:
    """Which edges run along streets, and the road and side of each."""
    table = work.corridors.graph.measures.iloc[edges]
    strip = table["kind"].isin(ALONG_STREETS).to_numpy(bool)
    return strip, list(zip(table["road"].tolist(), table["side"].tolist(), strict=True))

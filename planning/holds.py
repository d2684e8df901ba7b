"""Holds: what routes hang on, and how exactly that was surveyed.

A route's first point moves with the main or node that it joins, its last one with the red line,
points on existing carriers with these and their joints, every other point with the kerb of the
nearest road.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import POSITION_TOLERANCE_M, FloatArray, IntArray, LineArray
from gis.overlay import strips
from planning.application import Demand
from planning.groundwork import Groundwork, Site
from planning.red_lines import tolerances_of
from planning.road_edges import About, kerbs_of, road_red_lines_of
from planning.road_surfaces import Crossed
from planning.routes import DrawnWay, Routes, Way


def hold_of(
    work: Groundwork, demand: Demand, sites: Sequence[Site], routes: Routes, working: NDArray[Any]
) -> Hold:
    """What traced routes of one demand with their working strips hang on."""
    kind, feature_id = joined_of(work, demand.pipe.utility, routes.ways)
    parcels = [site.application.parcel_id for site in sites]
    half_m = half_strip_m(work, demand, len(sites))
    return Hold(
        work,
        routes.lines,
        routes.crossed,
        kind,
        feature_id,
        parcels,
        working,
        half_m,
        routes.bored,
    )


def half_strip_m(work: Groundwork, demand: Demand, count: int) -> FloatArray:
    """Half the width of the working strip of each of some lines, NaN where it is unknown."""
    width_m = work.rates(demand.pipe).width_m
    known_m = np.nan if width_m is None else width_m / 2 + work.policy.planning.work_margin_m
    return np.full(count, known_m)


def strips_along(lines: LineArray, width_m: FloatArray) -> NDArray[Any]:
    """What is dug along lines; of one of no length the square that it takes once an end is off."""
    found, still = strips(lines, width_m), shapely.length(lines) == 0
    places = shapely.get_point(lines[still], 0)
    found[still] = shapely.buffer(places, width_m[still] / 2, cap_style="square")
    return found


def joined_of(
    work: Groundwork, utility: str, ways: Sequence[Way]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Kind (line or node) and id of the place in the network where each way begins."""
    ties = work.tie_ins(utility)
    rows = np.array([way.tie_in for way in ways], np.int64)
    kind, feature_id = np.full((2, len(ways)), None, object)
    found = rows >= 0
    feature = ties.ways.feature[rows[found]]
    kind[found] = ties.network.kinds[feature]
    feature_id[found] = ties.network.ids[feature].astype(str)
    for number in np.flatnonzero(~found).tolist():
        way = ways[number]
        if isinstance(way, DrawnWay):
            kind[number], feature_id[number] = way.kind, str(way.feature_id)
    return kind, feature_id


@dataclass(frozen=True)
class Hold:
    """Routes with everything that they hang on.

    ``kind`` and ``feature_id`` tell the main (line) or node that each joins, ``parcels`` on
    whose red line it ends; ``crossed`` is what the lines cross; ``working`` are the working strips,
    None where the width is unknown, and ``half_m`` half their widths; ``bored`` the edges of each
    that are not cut open.
    """

    work: Groundwork
    lines: LineArray
    crossed: Crossed
    kind: NDArray[Any]
    feature_id: NDArray[Any]
    parcels: Sequence[str]
    working: NDArray[Any]
    half_m: FloatArray
    bored: Sequence[Sequence[int]]

    @staticmethod
    def together(holds: Sequence[Hold]) -> Hold:
        """What the routes of several hang on, one after the other, all on one ground."""
        first = np.cumsum([0, *(len(hold.lines) for hold in holds)]).tolist()
        crossed = [
            hold.crossed._replace(line=hold.crossed.line + at)
            for hold, at in zip(holds, first[:-1], strict=True)
        ]
        return Hold(
            holds[0].work,
            np.concatenate([hold.lines for hold in holds]),
            Crossed.joined(crossed),
            np.concatenate([hold.kind for hold in holds]),
            np.concatenate([hold.feature_id for hold in holds]),
            [parcel for hold in holds for parcel in hold.parcels],
            np.concatenate([hold.working for hold in holds]),
            np.concatenate([hold.half_m for hold in holds]),
            [edges for hold in holds for edges in hold.bored],
        )

    @cached_property
    def worked(self) -> NDArray[Any]:
        """The working strips; lines of no length, which have none, with what they may need."""
        still = (shapely.length(self.lines) == 0) & np.isfinite(self.half_m)
        worked = self.working.copy()
        worked[still] = strips_along(self.lines[still], 2 * self.half_m[still])
        return worked

    @cached_property
    def joined(self) -> About:
        """Main or node that each route joins."""
        is_main = self.kind == "line"
        tolerance = np.full(len(self.kind), np.nan)
        for layer, mine in (("lines", is_main), ("nodes", ~is_main)):
            told = self.work.tolerances.of_features(layer, self.feature_id[mine].tolist())
            tolerance[mine] = told
        return About(
            np.where(is_main, "lines", "nodes").astype(object),
            np.where(is_main, "main", "node").astype(object),
            self.feature_id,
            tolerance,
        )

    @cached_property
    def ended(self) -> About:
        """Parcel on whose red line each route ends."""
        ids = np.array(self.parcels, object)
        tolerance_m = tolerances_of(self.work, self.parcels)
        return About.alike("parcels", "red_line", ids, tolerance_m)

    @cached_property
    def kerbs(self) -> About:
        """Kerbs of every road, by its row."""
        return kerbs_of(self.work)

    @cached_property
    def red_lines(self) -> About:
        """Red line of every road, by its row."""
        return road_red_lines_of(self.work)

    @cached_property
    def vertices(self) -> tuple[FloatArray, IntArray]:
        """Vertices of all lines and the route of each."""
        xy, route = shapely.get_coordinates(self.lines, return_index=True)
        return xy, route.astype(np.int64)

    @cached_property
    def carried(self) -> tuple[IntArray, About]:
        """Vertices that lie on existing carriers, with the joint or the line that each hangs on."""
        xy, route = self.vertices
        graph, carriers = self.work.corridors.graph, self.work.corridors.carriers
        found: dict[int, tuple[str, str, str]] = {}
        for number, edges in enumerate(self.bored):
            own = np.flatnonzero(route == number) if len(edges) else route[:0]
            points = shapely.points(xy[own])
            for edge, line_id, _laying in carriers.among(edges):
                on = own[shapely.dwithin(points, graph.lines[edge], POSITION_TOLERANCE_M)]
                for vertex in on.tolist():
                    found.setdefault(vertex, ("lines", "main", line_id))
                for node in graph.ends[edge].tolist():
                    away = np.hypot(*(xy[own] - graph.node_xy[node]).T)
                    for vertex in own[away <= POSITION_TOLERANCE_M].tolist():
                        found[vertex] = ("nodes", "node", carriers.joint_ids[node])
        layer, what, ids = (
            np.array([told[column] for told in found.values()], object) for column in range(3)
        )
        tolerance_m = np.full(len(found), np.nan)
        for name in ("lines", "nodes"):
            mine = layer == name
            told = self.work.tolerances.of_features(name, ids[mine].tolist())
            tolerance_m[mine] = told
        return np.array(list(found), np.int64), About(layer, what, ids, tolerance_m)

    @cached_property
    def widest_kerb(self) -> About:
        """Of the kerbs that each route lies beside the one that may be off farthest.

        Nobody's, with a tolerance of 0, of a route without a road within reach.
        """
        xy, route = self.vertices
        at, road, _side = self.kerb_beside(shapely.points(xy))
        own, tolerance_m = route[at], self.kerbs.tolerance_m[road]
        order = np.lexsort([np.nan_to_num(tolerance_m, nan=np.inf), own])
        last = order[np.r_[np.diff(own[order]) > 0, np.ones(min(len(order), 1), bool)]]
        count = len(self.lines)
        layer, what, ids = np.full((3, count), "", object)
        found = About(layer, what, ids, np.zeros(count))
        for column, told in zip(found, self.kerbs.take(road[last]), strict=True):
            column[own[last]] = told
        return found

    def kerb_of_each(self, points: NDArray[Any]) -> tuple[IntArray, IntArray]:
        """The road beside each point, -1 without one within reach, and the point's side of it."""
        road, side = np.full(len(points), -1), np.zeros(len(points), np.int64)
        at, found, sides = self.kerb_beside(points)
        road[at], side[at] = found, sides
        return road, side

    def kerb_beside(self, points: NDArray[Any]) -> tuple[IntArray, IntArray, IntArray]:
        """Which points have a road within reach, its row, and their side of it."""
        reach = self.work.policy.planning.max_snap_m
        at, road = self.work.ground.centre_lines.tree.query_nearest(
            points, max_distance=reach, all_matches=False
        )
        centre = self.work.corridors.surfaces.centre[road]
        on = shapely.line_locate_point(centre, points[at])
        foot = shapely.get_coordinates(shapely.line_interpolate_point(centre, on))
        ahead = shapely.get_coordinates(shapely.line_interpolate_point(centre, on + 1.0))
        behind = shapely.get_coordinates(
            shapely.line_interpolate_point(centre, np.maximum(on - 1.0, 0.0))
        )
        along, away = ahead - behind, shapely.get_coordinates(points[at]) - foot
        side = np.sign(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])
        return at.astype(np.int64), road.astype(np.int64), side.astype(np.int64)

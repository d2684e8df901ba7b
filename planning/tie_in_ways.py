"""Ways to mains: straight from the graph to the nearest point of a main, or along an edge first.

Of the tens of thousands of ways that reach some main, most can never be the best and are left out
before anything is overlaid: ways that pass another node of the graph, and ways to the end of a main
that another equal main continues. A way over an equal main ends there. An end of a main beside a
strip is joined squarely from the strip, not askew from the nearest node; and a way that would run
askew beside a strip follows the strip as far as it can.

A corridor that is kept for other utilities is no way to a main, and nothing is joined from it.

Of equally near places the first by name or by where it lies is taken, never by the number of a node
or an edge: in an edited graph, or in a part of it, these have other numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.beside import runs_beside
from gis.linear import (
    POSITION_TOLERANCE_M,
    FloatArray,
    IntArray,
    LineArray,
    distinct,
    first_parts,
    segments,
    xy_along,
)
from gis.network import joined_near
from planning.corridors import Corridors
from planning.drawn_corridors import kept_from
from planning.lanes import KIND as LANE
from planning.lanes import along_lanes
from planning.low_places import low_places
from planning.networks import Networks

# The nearest of equal mains may lie behind a building: the second and third are kept as well.
_NEAREST_KEPT = 3
# A way that passes a node this closely runs over it; it differs by less than a millimetre.
_PASSES_M = 0.02
# A place down a falling main is joined from both sides of its street.
_SIDES_KEPT = 2
# A way to the end of a main is askew if it leaves the square way by this much, and this share.
_ASKEW_M, _ASKEW_SHARE = 0.5, 0.1
# Nor does it run askew within so few metres of a strip for more than so many: at a greater slant it
# leaves the strip, or crosses it.
_BESIDE_M, _RUN_M, _MOST_SLANT_DEG = 2.0, 5.0, 30.0
_ALL_ROUND = np.array([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Ways:
    """Candidate ways as equal arrays: from ``node`` to ``xy`` at ``chainage_m`` of ``main``.

    ``nearest`` tells whether no equal main is nearer to the node, so that none lies on the way;
    ``edge`` and ``along_m`` tell the way along an edge before it leaves straight for the main,
    -1 and 0 for none; ``cover`` is the number of the way that makes this one needless as long as
    it is open, -1 for none.
    """

    node: IntArray
    main: IntArray
    chainage_m: FloatArray
    xy: FloatArray
    edge: IntArray
    along_m: FloatArray
    cover: IntArray
    nearest: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.node)

    def take(self, rows: NDArray[Any]) -> Ways:
        """The ways of these rows; covers keep their old numbers."""
        return Ways(*(getattr(self, one.name)[rows] for one in fields(self)))

    def only(self, wanted: NDArray[np.bool_]) -> Ways:
        """The wanted ways, and those that may make them needless."""
        kept = wanted.copy()
        while (cover := self.cover[kept & (self.cover >= 0)]).size and not kept[cover].all():
            kept[cover] = True
        return _renumbered(self, kept)


def joined(parts: list[Ways]) -> Ways:
    """Ways one after the other."""
    columns = (np.concatenate([getattr(p, one.name) for p in parts]) for one in fields(Ways))
    return Ways(*columns)


@dataclass(frozen=True)
class MainWays:
    """Candidate ways to the mains of all utilities that are tapped between their ends.

    The mains are told by their number in ``networks``.
    """

    corridors: Corridors
    networks: Networks
    max_snap_m: float

    @property
    def tree(self) -> shapely.STRtree:
        """R-tree of the mains."""
        return self.networks.tree

    @property
    def shapes(self) -> LineArray:
        """The mains."""
        return self.networks.shapes

    @property
    def kind(self) -> IntArray:
        """Equal numbers for mains that are equal in what decides."""
        return self.networks.equal

    @cached_property
    def _along_streets(self) -> NDArray[np.bool_]:
        """Edges that ways may run along: strips and lanes, not what joins the two."""
        return np.asarray((self.corridors.graph.kind == "strip") | self._along_lanes)

    @cached_property
    def _along_lanes(self) -> NDArray[np.bool_]:
        return along_lanes(self.corridors)

    @cached_property
    def _street_tree(self) -> tuple[IntArray, shapely.STRtree]:
        """Edges that ways may run along, and their R-tree."""
        edge = np.flatnonzero(self._along_streets)
        return edge, shapely.STRtree(self.corridors.graph.lines[edge])

    @cached_property
    def _kept(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """What ``kept_from`` tells of edges and of nodes, a row for every network."""
        told = [kept_from(self.corridors, one.utility) for one in self.networks.each]
        edges, nodes = zip(*told, strict=True)
        return np.array(edges), np.array(nodes)

    def may_leave(self, node: IntArray, feature: IntArray) -> NDArray[np.bool_]:
        """Whether the utility of each main or node may come from this node of the graph."""
        return ~self._kept[1][self.networks.network[feature], node]

    def in_lane(self, ways: Ways) -> NDArray[np.bool_]:
        """Whether what each way runs along before it leaves it is a lane."""
        return np.append(self._along_lanes, False)[ways.edge]

    def find(self) -> Ways:
        """All candidates worth trying; covered ones only if their cover turns out closed."""
        straight = self._covered_by_continuations(self._nearest_points())
        straight = self._nearest_kept(self._covered_by_nodes(straight))
        others = [self._where_edges_meet_mains(straight)]
        if self._along_streets.any():
            others += [self._down_the_mains(), self._to_far_ends(straight)]
        ways = joined([straight, *others])
        count = len(ways)
        ways = self._squared(ways, straight)
        return self._beside_strips(ways, straight, np.r_[: len(straight), count : len(ways)])

    def lines(self, ways: Ways) -> LineArray:
        """Draw ways from the node to the main."""
        graph = self.corridors.graph
        lines = np.empty(len(ways), object)
        plain = ways.edge < 0
        lines[plain] = segments(graph.node_xy[ways.node[plain]], ways.xy[plain])
        bent = np.flatnonzero(~plain)
        edge = ways.edge[bent]
        turned = graph.ends[edge, 0] != ways.node[bent]
        first = graph.lines[edge].copy()
        first[turned] = shapely.reverse(first[turned])
        lines[bent] = _led_on(first_parts(first, ways.along_m[bent]), ways.xy[bent])
        return lines

    def ended_at_first_main(self, ways: Ways) -> tuple[Ways, LineArray]:
        """Ways with their lines; one that runs over an equal main before its own ends there."""
        lines = self.lines(ways)
        tried = np.flatnonzero(~ways.nearest)
        way, main = self.tree.query(lines[tried], predicate="intersects")
        way = tried[way]
        over = (self.kind[main] == self.kind[ways.main[way]]) & (main != ways.main[way])
        way, main = way[over], main[over].astype(np.int64)
        start = shapely.get_point(lines[way], 0)
        met = shapely.intersection(lines[way], self.shapes[main])
        point = shapely.get_point(shapely.shortest_line(start, met), -1)
        at_m = shapely.line_locate_point(lines[way], point)
        before = at_m < shapely.length(lines[way]) - POSITION_TOLERANCE_M
        order = np.lexsort((main, even(at_m), way))
        order = order[before[order]]
        order = order[np.unique(way[order], return_index=True)[1]]
        way, main, at_m, point = way[order], main[order], at_m[order], point[order]
        ended, cut = ways.take(np.arange(len(ways))), lines.copy()
        ended.main[way], ended.xy[way] = main, shapely.get_coordinates(point)
        ended.chainage_m[way] = shapely.line_locate_point(self.shapes[main], point)
        cut[way] = first_parts(lines[way], at_m)
        return ended, cut

    def _nearest_points(self) -> Ways:
        """The nearest point of each main from each graph node within reach."""
        nodes = self.corridors.strip_nodes
        points = shapely.points(self.corridors.graph.node_xy[nodes])
        at, main = self.tree.query(points, predicate="dwithin", distance=self.max_snap_m)
        open_to = self.may_leave(nodes[at], main)
        at, main = at[open_to], main[open_to]
        chainage = shapely.line_locate_point(self.shapes[main], points[at])
        foot_xy = xy_along(self.shapes[main], chainage)
        return _ways(nodes[at], main.astype(np.int64), chainage, foot_xy)

    def _away_m(self, ways: Ways) -> FloatArray:
        return even(np.hypot(*(ways.xy - self.corridors.graph.node_xy[ways.node]).T))

    def _covered_by_nodes(self, ways: Ways) -> Ways:
        """Cover ways that run along a straight edge and over the node at its other end.

        The edge and the way from there are the same line: they cost the same.
        """
        graph = self.corridors.graph
        straight = np.flatnonzero((graph.kind != "strip") & (graph.kind != LANE))
        ends = np.concatenate([graph.ends[straight], graph.ends[straight, ::-1]])
        # No way leads over a red line: a connector is walked towards its strip only.
        inward = np.tile(self.corridors.is_connector[straight], 2)
        ends = ends[~(inward & (np.arange(len(ends)) < len(straight)))]
        way, edge = _matches(ways.node, ends[:, 0])
        here, there = graph.node_xy[ways.node[way]], graph.node_xy[ends[edge, 1]]
        ahead = ways.xy[way] - here
        away = np.maximum(np.hypot(*ahead.T), POSITION_TOLERANCE_M)
        along = ((there - here) * ahead).sum(axis=1) / away
        beside = np.abs(_cross(there - here, ahead)) / away
        other = _numbers(ways, ends[edge, 1], ways.main[way])
        held = (along > 0) & (along <= away) & (beside <= _PASSES_M) & (other < len(ways))
        ways.cover[way[held]] = other[held]
        return ways

    def _continuations(self, mains: IntArray) -> tuple[IntArray, IntArray]:
        """For ends of mains (twice the main, one more for its last point), equal mains there."""
        shapes = self.shapes[mains]
        ends = np.stack([shapely.get_point(shapes, 0), shapely.get_point(shapes, -1)], 1)
        row, main = self.tree.query(
            ends.ravel(), predicate="dwithin", distance=POSITION_TOLERANCE_M
        )
        end = 2 * mains[row // 2] + row % 2
        equal = (self.kind[end // 2] == self.kind[main]) & (end // 2 != main)
        return end[equal].astype(np.int64), main[equal].astype(np.int64)

    def _end(self, ways: Ways) -> IntArray:
        """Which end of a main each way leads to, numbered as above; -1 between the ends."""
        first = ways.chainage_m < POSITION_TOLERANCE_M
        last = ways.chainage_m > self.networks.length_m[ways.main] - POSITION_TOLERANCE_M
        return np.where(first, 2 * ways.main, np.where(last, 2 * ways.main + 1, -1))

    def _covered_by_continuations(self, ways: Ways) -> Ways:
        """Cover ways to the end of a main by the way to the main that goes on nearer."""
        end, main = self._continuations(distinct(ways.main))
        way, row = _matches(self._end(ways), end)
        other = _numbers(ways, ways.node[way], main[row])
        away = np.append(self._away_m(ways), np.inf)
        nearer = away[other] < away[way] - POSITION_TOLERANCE_M
        # Of two mains that share their end the first stands for both.
        same = np.abs(away[other] - away[way]) <= POSITION_TOLERANCE_M
        kept = nearer | (same & (main[row] < ways.main[way]))
        way, other = way[kept], other[kept]
        order = np.lexsort((ways.main[other], away[other], way))
        first = order[np.unique(way[order], return_index=True)[1]]
        ways.cover[way[first]] = other[first]
        return ways

    def _nearest_kept(self, ways: Ways) -> Ways:
        """Of the equal mains near a node keep the nearest few, and what they cover."""
        away, kinds = self._away_m(ways), int(self.kind.max(initial=0)) + 1
        group = ways.node * kinds + self.kind[ways.main]
        order = np.lexsort((ways.main, away, ways.cover >= 0))
        rank = np.empty(len(ways), np.int64)
        rank[order] = _rank_in(group[order])
        order = np.lexsort((away, group))
        starts = np.flatnonzero(np.diff(group[order], prepend=-1))
        least = np.repeat(away[order[starts]], np.diff(np.r_[starts, len(ways)]))
        ways.nearest[order] = away[order] <= least
        kept = (rank < _NEAREST_KEPT) | (ways.cover >= 0)
        while (lost := kept & (ways.cover >= 0) & ~kept[ways.cover]).any():
            kept &= ~lost
        return _renumbered(ways, kept)

    def _where_edges_meet_mains(self, straight: Ways) -> Ways:
        """Ways along an edge, from both its ends, to where the edge itself meets a main.

        Straight connectors need none, bent ones are walked from the red line.
        """
        graph, connector = self.corridors.graph, self.corridors.is_connector
        bent = connector & (shapely.get_num_coordinates(graph.lines) > 2)
        walked = np.flatnonzero(~connector | bent)
        row, main = self.tree.query(graph.lines[walked], predicate="intersects")
        open_to = ~self._kept[0][self.networks.network[main], walked[row]]
        edge, main = walked[row[open_to]], main[open_to].astype(np.int64)
        met, owner = shapely.get_parts(
            shapely.intersection(graph.lines[edge], self.shapes[main]), return_index=True
        )
        edge, main = edge[owner], main[owner]
        # Where the edge lies on the main it is met at the nearer end of what they share.
        point = shapely.get_type_id(met) == shapely.GeometryType.POINT
        ends = np.where(point, met, shapely.get_point(met, [[0], [-1]]))
        at_m = shapely.line_locate_point(graph.lines[edge], ends)
        met = np.where(at_m[0] <= at_m[1], ends, ends[::-1]).ravel()
        along = np.concatenate([at_m.min(axis=0), graph.length_m[edge] - at_m.max(axis=0)])
        node = np.concatenate([graph.ends[edge, 0], graph.ends[edge, 1]])
        edge, main = np.tile(edge, 2), np.tile(main, 2)
        chainage = shapely.line_locate_point(self.shapes[main], met)
        ways = _ways(node, main, chainage, shapely.get_coordinates(met), edge, along)
        known = np.append(self._away_m(straight), -np.inf)[_numbers(straight, node, main)]
        # The nearest point of the main may be the same place, straight on.
        new = (along > POSITION_TOLERANCE_M) & (along > known + POSITION_TOLERANCE_M)
        return ways.take(new & ~(connector[edge] & (node == graph.ends[edge, 0])))

    def _down_the_mains(self) -> Ways:
        """Ways to falling mains at their manholes and low ends: along a strip, then square to it.

        Where a main falls it matters how far down it is joined, and one that lies lower may be
        joined past others. So these ways end at no main before their own.
        """
        ways = self._by_strip(*low_places(self.networks, self._bounds))
        ways.nearest[:] = True
        return ways

    def _to_far_ends(self, straight: Ways) -> Ways:
        """Ways to ends of mains from nodes out of their reach: along a strip, then square to it.

        Nodes of a street may stand farther apart than twice that reach, and an end between them
        is not to be joined from the node behind it only. A way that is no shorter than the one
        from its node to an equal main is needless.
        """
        mains = np.sort(self.tree.query(shapely.box(*self._bounds))).astype(np.int64)
        ends = [shapely.get_point(self.shapes[mains], place) for place in (0, -1)]
        ways = self._by_strip(np.concatenate(ends), np.tile(mains, 2))
        far = (ways.edge >= 0) & (self._away_m(ways) > self.max_snap_m)
        ways = ways.take(far & self.may_leave(ways.node, ways.main))
        equal = np.flatnonzero(straight.nearest)
        kinds = int(self.kind.max(initial=0)) + 1
        way, row = _matches(
            ways.node * kinds + self.kind[ways.main],
            straight.node[equal] * kinds + self.kind[straight.main[equal]],
        )
        near = self._away_m(straight)[equal[row]] <= self._away_m(ways)[way]
        ways.cover[way[near]] = equal[row[near]]
        return ways

    @cached_property
    def _bounds(self) -> FloatArray:
        """Beyond these nothing can be joined from a street: (4,)."""
        lines = self.corridors.graph.lines[self._along_streets]
        return np.asarray(shapely.total_bounds(lines) + self.max_snap_m * _ALL_ROUND)

    def _by_strip(self, point: NDArray[Any], main: IntArray) -> Ways:
        """Ways to points on mains along the nearest strips, from both ends, then square to them."""
        graph, (strip, tree) = self.corridors.graph, self._street_tree
        place, row = tree.query(point, predicate="dwithin", distance=self.max_snap_m)
        edge, away = strip[row], shapely.distance(graph.lines[strip[row]], point[place])
        road, side = (graph.measures[name].to_numpy()[edge] for name in ("road", "side"))
        order = np.lexsort((graph.tie_break[edge], place, even(away)))
        street = 3 * (place * (road.max(initial=0) + 2) + road) + side  # one for each side
        order = order[np.sort(np.unique(street[order], return_index=True)[1])]
        order = order[_rank_in(place[order]) < _SIDES_KEPT]
        edge, place = edge[order], place[order].astype(np.int64)
        at_m = shapely.line_locate_point(graph.lines[edge], point[place])
        along = np.concatenate([at_m, graph.length_m[edge] - at_m])
        bent = along > POSITION_TOLERANCE_M
        chainage = shapely.line_locate_point(self.shapes[main[place]], point[place])
        return _ways(
            graph.ends[edge].T.ravel(),
            np.tile(main[place], 2),
            np.tile(chainage, 2),
            np.tile(shapely.get_coordinates(point[place]), (2, 1)),
            np.where(bent, np.tile(edge, 2), -1),
            np.where(bent, along, 0.0),
        )

    def _squared(self, ways: Ways, straight: Ways) -> Ways:
        """Cover askew ways to ends of mains by ways along the strip to the point opposite.

        ``straight`` are the first of the ways, those to the nearest point of each main.
        """
        askew = np.flatnonzero((self._end(ways) >= 0) & (ways.cover < 0) & (ways.edge < 0))
        ways = self._by_way_of_connectors(ways, straight, askew)
        return self._along_strips(ways, straight, askew)

    def _by_way_of_connectors(self, ways: Ways, straight: Ways, askew: IntArray) -> Ways:
        """From red lines across the strip: by way of the strip, where that is squarer."""
        graph = self.corridors.graph
        xy, (foot, red_line) = graph.node_xy, graph.ends[self.corridors.is_connector].T
        row, link = _matches(ways.node[askew], red_line)
        way, foot = askew[row], foot[link]
        here = xy[ways.node[way]]
        inward, ahead = xy[foot] - here, ways.xy[way] - here
        length = np.maximum(np.hypot(*inward.T), POSITION_TOLERANCE_M)
        beyond = (inward * ahead).sum(axis=1) / length >= length
        off = np.abs(_cross(inward, ahead)) / length
        other = _numbers(straight, foot, ways.main[way])
        held = beyond & _is_askew(off, np.hypot(*ahead.T)) & (other < len(straight))
        ways.cover[way[held]] = other[held]
        return ways

    def _along_strips(self, ways: Ways, straight: Ways, askew: IntArray) -> Ways:
        graph = self.corridors.graph
        strip = np.flatnonzero(self._along_streets)
        ends = np.concatenate([graph.ends[strip, 0], graph.ends[strip, 1]])
        row, link = _matches(ways.node[askew], ends)
        way, edge, turned = askew[row], np.tile(strip, 2)[link], link >= len(strip)
        target = shapely.points(ways.xy[way])
        at_m = shapely.line_locate_point(graph.lines[edge], target)
        square_m = shapely.distance(graph.lines[edge], target)
        along = np.where(turned, graph.length_m[edge] - at_m, at_m)
        kept = _is_askew(along, self._away_m(ways)[way])
        way, edge, along, square_m = way[kept], edge[kept], along[kept], square_m[kept]
        order = np.lexsort((graph.tie_break[edge], even(square_m), way))
        best = order[np.unique(way[order], return_index=True)[1]]
        way, edge, along = way[best], edge[best], along[best]
        whole = along > graph.length_m[edge] - POSITION_TOLERANCE_M
        far = graph.ends[edge[whole]].sum(axis=1) - ways.node[way[whole]]
        other = _numbers(straight, far, ways.main[way[whole]])
        held = other < len(straight)
        ways.cover[way[whole][held]] = other[held]
        bent = ways.take(way[~whole])
        bent.edge[:], bent.along_m[:] = edge[~whole], along[~whole]
        ways.cover[way[~whole]] = len(ways) + np.arange(len(bent))
        bent.cover[:], bent.nearest[:] = -1, False
        return joined([ways, bent])

    def _beside_strips(self, ways: Ways, straight: Ways, rows: IntArray) -> Ways:
        """Cover ways among ``rows`` that run askew beside a strip by ways along that strip.

        These go along the strip, from its end near where the way leaves for the main, to the point
        opposite the same place; the way's own node must be joined to that end by a path that does
        not go far. Where the main can be reached as well from the strip's end near the place, that
        makes both needless. Covers lead ever nearer to a main, so that none leads round.
        """
        graph = self.corridors.graph
        way, edge, turned = self._followed(ways, rows)
        at_m = shapely.line_locate_point(graph.lines[edge], shapely.points(ways.xy[way]))
        along = np.where(turned, graph.length_m[edge] - at_m, at_m)
        first, last = np.where(turned[:, None], graph.ends[edge, ::-1], graph.ends[edge]).T
        whole = along > graph.length_m[edge] - POSITION_TOLERANCE_M
        node, at_end = np.where(whole, last, first), whole | (along < POSITION_TOLERANCE_M)
        nearer = np.where(2 * along > graph.length_m[edge], last, first)
        edge, along = np.where(at_end, -1, edge), np.where(at_end, 0.0, along)
        pairs = np.column_stack([ways.node[way], first])
        held = joined_near(self._walked, graph.node_xy, pairs, self.max_snap_m)
        held &= self.may_leave(node, ways.main[way]) & ~(at_end & (node == ways.node[way]))
        known = _numbers(straight, nearer, ways.main[way])
        there = held & at_end & (known < len(straight))
        ways.cover[way[there]] = known[there]
        held &= ~there
        told = node, edge, even(along), ways.main[way], even(ways.chainage_m[way])
        way, rows = way[held], np.column_stack(told)[held]
        once, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)[1:]
        ways.cover[way] = len(ways) + which.ravel()
        own, once = way[once], np.flatnonzero(held)[once]
        where = ways.main[own], ways.chainage_m[own], ways.xy[own]
        square = _ways(node[once], *where, edge[once], along[once])
        other = known[once]
        free = np.flatnonzero(other < len(straight))
        free = free[ways.cover[other[free]] < 0]
        square.cover[free] = other[free]
        return joined([ways, square])

    def _followed(self, ways: Ways, rows: IntArray) -> tuple[IntArray, IntArray, NDArray[np.bool_]]:
        """Ways among ``rows`` that run askew beside strips, and of these the one to be followed.

        It is the one that comes nearest to the place on the main; and whether it is followed
        from its end.
        """
        graph, strip = self.corridors.graph, np.flatnonzero(self.corridors.graph.kind == "strip")
        rows = rows[ways.cover[rows] < 0]
        rows = rows[self._away_m(ways.take(rows)) > _RUN_M]
        start = self._leaves_at(ways.take(rows))
        beside = runs_beside(
            start,
            ways.xy[rows],
            graph.lines[strip],
            within_m=_BESIDE_M,
            on_m=_ASKEW_M,
            most_slant_deg=_MOST_SLANT_DEG,
        )
        row, edge = beside.straight, strip[beside.line]
        kept = (beside.askew_m[row] > _RUN_M) & (edge != ways.edge[rows[row]])
        kept &= ~self._kept[0][self.networks.network[ways.main[rows[row]]], edge]
        row, edge = row[kept], edge[kept]
        square_m = shapely.distance(graph.lines[edge], shapely.points(ways.xy[rows[row]]))
        order = np.lexsort((graph.tie_break[edge], even(square_m), row))
        best = order[np.unique(row[order], return_index=True)[1]]
        row, edge = row[best], edge[best]
        away = graph.node_xy[graph.ends[edge]] - start[row, None]
        away_m = even(np.hypot(away[..., 0], away[..., 1]))
        return rows[row], edge, away_m[:, 1] < away_m[:, 0]

    @cached_property
    def _walked(self) -> IntArray:
        """Edges as lines are led along them, from node to node; none leads to a red line."""
        ends, connector = self.corridors.graph.ends, self.corridors.is_connector
        return np.concatenate([ends[~connector], ends[:, ::-1]])

    def _leaves_at(self, ways: Ways) -> FloatArray:
        """Where each way leaves its node, or its edge, straight for the main."""
        graph, bent = self.corridors.graph, np.flatnonzero(ways.edge >= 0)
        start, edge = graph.node_xy[ways.node], ways.edge[bent]
        turned = graph.ends[edge, 0] != ways.node[bent]
        at_m = np.where(turned, graph.length_m[edge] - ways.along_m[bent], ways.along_m[bent])
        start[bent] = xy_along(graph.lines[edge], at_m)
        return start


def _ways(
    node: IntArray,
    main: IntArray,
    chainage_m: FloatArray,
    xy: FloatArray,
    edge: IntArray | None = None,
    along_m: FloatArray | None = None,
) -> Ways:
    none = np.full(len(node), -1)
    return Ways(
        node,
        main,
        np.asarray(chainage_m, float),
        xy,
        none.copy() if edge is None else edge,
        np.zeros(len(node)) if along_m is None else along_m,
        none,
        np.zeros(len(node), bool),
    )


def _led_on(lines: LineArray, to_xy: FloatArray) -> LineArray:
    """Lines with one more vertex; one that ends there already gets it as its last."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    last = np.flatnonzero(np.r_[np.diff(owner) > 0, True]) if len(owner) else owner
    there = np.hypot(*(xy[last] - to_xy).T) <= POSITION_TOLERANCE_M
    xy, owner = np.delete(xy, last[there], axis=0), np.delete(owner, last[there])
    owner = np.concatenate([owner, np.arange(len(lines))])
    order = np.argsort(owner, kind="stable")
    return np.asarray(shapely.linestrings(np.concatenate([xy, to_xy])[order], indices=owner[order]))


def even(distance_m: FloatArray) -> FloatArray:
    """Distances to a micrometre: what is left beyond depends on how they were reckoned."""
    return np.asarray(np.round(distance_m, 6))


def _rank_in(groups: IntArray) -> IntArray:
    """How many of the same group stand before each."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    rank = np.empty(len(groups), np.int64)
    rank[order] = np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))
    return rank


def _is_askew(off_m: FloatArray, away_m: FloatArray) -> NDArray[np.bool_]:
    return np.asarray((off_m > _ASKEW_M) & (off_m > _ASKEW_SHARE * away_m))


def _cross(one: FloatArray, two: FloatArray) -> FloatArray:
    return np.asarray(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])


def _matches(keys: IntArray, among: IntArray) -> tuple[IntArray, IntArray]:
    """All pairs of rows (of ``keys``, of ``among``) that are equal; negative keys match none."""
    order = np.argsort(among, kind="stable")
    first = np.searchsorted(among[order], keys, "left")
    count = np.where(keys < 0, 0, np.searchsorted(among[order], keys, "right") - first)
    row = np.repeat(np.arange(len(keys)), count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, order[first[row] + place].astype(np.int64)


def _numbers(straight: Ways, node: IntArray, main: IntArray) -> IntArray:
    """Number of the way of each (node, main), of which each has one; their count for none."""
    count = len(straight)
    if count == 0:
        return np.zeros(len(node), np.int64)
    span = int(max(straight.main.max(), main.max(initial=0))) + 1
    key, wanted = straight.node * span + straight.main, node * span + main
    order = np.argsort(key)
    slot = order[np.minimum(np.searchsorted(key[order], wanted), count - 1)]
    return np.where(key[slot] == wanted, slot, count)


def _renumbered(ways: Ways, kept: NDArray[np.bool_]) -> Ways:
    """The kept ways, their covers by the new numbers."""
    number = np.append(np.cumsum(kept) - 1, -1)
    chosen = ways.take(kept)
    chosen.cover[:] = np.where(chosen.cover >= 0, number[chosen.cover], -1)
    return chosen

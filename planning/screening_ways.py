"""Screening, ways: the lightest way of every site by one forest, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.forest import Branches
from gis.linear import FloatArray, IntArray, LineArray, least_of_each, ranges
from planning.corridors import Corridors
from planning.routes import Search, Way, WeighedEdges, grow
from planning.tie_ins import TieIns


@dataclass(frozen=True)
class LastSteps:
    """Every last step of some sites: over a connector from its foot, or straight at a node.

    Rows ordered by ``site`` and ``edge``; ``edge`` and ``foot`` are -1 where the way ends at
    ``node`` itself.
    """

    site: IntArray
    node: IntArray
    edge: IntArray
    foot: IntArray

    @cached_property
    def _starts(self) -> IntArray:
        """Where the rows of each site up to the last one begin, and the end."""
        return np.append(0, np.cumsum(np.bincount(self.site)))

    def of_sites(self, sites: IntArray) -> LastSteps:
        """The last steps of some of the sites, given in ascending order."""
        rows = ranges(*(self._starts.take(some, mode="clip") for some in (sites, sites + 1)))
        return LastSteps(self.site[rows], self.node[rows], self.edge[rows], self.foot[rows])


def last_steps(corridors: Corridors, node: IntArray, starts: IntArray) -> LastSteps:
    """Last steps of sites; the end nodes of site i are ``node[starts[i]:starts[i + 1]]``."""
    site = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    table = corridors.connectors
    at_node = table["node"].to_numpy(np.int64)
    begin = np.searchsorted(at_node, np.arange(corridors.graph.node_count + 1))
    first, last = begin[node], begin[node + 1]
    row = ranges(first, last)
    of_end = np.repeat(np.arange(len(node)), last - first)
    edge, foot = (table[name].to_numpy(np.int64)[row] for name in ("edge", "foot"))
    none = np.full(len(node), -1)
    steps = [
        np.concatenate(parts)
        for parts in (
            (site, site[of_end]),
            (node, node[of_end]),
            (none, edge),
            (none, foot),
        )
    ]
    by_site = np.argsort(steps[0] * (corridors.graph.edge_count + 1) + steps[2], kind="stable")
    return LastSteps(*(part[by_site] for part in steps))


@dataclass(frozen=True)
class Ways:
    """The lightest ways of some sites; arrays of one entry for each site that has one.

    Attributes
    ----------
    branches
        The part of the forest that the ways run over, or those that they are a ``part`` of.
    site
        Number of the site, ascending.
    tie_in
        Row of the tie-in table.
    at, edge
        Place among the branches of the strip node where the connector begins, and the connector;
        -1 for a way without any.
    node
        Node on the red line.
    """

    corridors: Corridors
    tie_ins: TieIns
    branches: Branches
    site: IntArray
    tie_in: IntArray
    at: IntArray
    edge: IntArray
    node: IntArray
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.site)

    @property
    def edges_used(self) -> IntArray:
        """Edges that the ways run over, or those that they are a ``part`` of; with connectors."""
        inner = self.branches.edge[self.branches.above >= 0]
        return np.concatenate([inner, self.edge[self.at >= 0]])

    @cached_property
    def steps(self) -> tuple[IntArray, IntArray]:
        """Edges of all ways from the tie-in on, connectors included, and where each begins."""
        walks = np.flatnonzero(self.at >= 0)
        edges, starts = self.branches.walks(self.at[walks])
        count = np.zeros(len(self), np.int64)
        count[walks] = np.diff(starts) + 1
        ends = np.cumsum(count)
        steps = np.empty(int(count.sum()), np.int64)
        last = ends[walks] - 1
        on_strip = np.ones(len(steps), bool)
        on_strip[last] = False
        steps[last], steps[on_strip] = self.edge[walks], edges
        return steps, np.r_[0, ends]

    def part(self, chosen: IntArray) -> Ways:
        """Some of the ways, by their place."""
        return replace(
            self,
            site=self.site[chosen],
            tie_in=self.tie_in[chosen],
            at=self.at[chosen],
            edge=self.edge[chosen],
            node=self.node[chosen],
            weight=self.weight[chosen],
        )

    def one(self, place: int) -> Way:
        """One way as the planner of one parcel knows it."""
        steps, starts = self.part(np.array([place])).steps
        edges = tuple(steps[starts[0] : starts[1]].tolist())
        return Way(int(self.tie_in[place]), edges, int(self.node[place]), float(self.weight[place]))

    def draw(self) -> LineArray:
        """The ways as lines from the tie-in to the red line, all at once."""
        number, starts = self.lines_used
        return self._drawn(number, starts, np.zeros(len(self), np.int64), np.diff(starts))

    @cached_property
    def lines_used(self) -> tuple[IntArray, IntArray]:
        """Lines of all ways from the tie-in on, and where those of each begin.

        An edge goes by its number, the way to the tie-in by its row, counted on from all edges.
        """
        steps, starts = self.steps
        first = starts[:-1] + np.arange(len(self))
        number = np.empty(len(self) + len(steps), np.int64)
        edge = np.ones(len(number), bool)
        edge[first] = False
        number[edge], number[first] = steps, self.corridors.graph.edge_count + self.tie_in
        return number, np.r_[first, len(number)]

    def stretches(self, near: NDArray[np.bool_]) -> tuple[LineArray, IntArray]:
        """The ways from before the first of their lines that is near to behind the last, as lines.

        A line more at both ends, as the corners there are part of what is near.

        Parameters
        ----------
        near
            (edges + tie-ins,) which lines are near, numbered as of ``lines_used``; each way has
            one at least.

        Returns
        -------
        Different stretches, and which of them each way has: between two edges of a forest there
        is one way only.
        """
        number, starts = self.lines_used
        way = np.repeat(np.arange(len(self)), np.diff(starts))
        hit = np.flatnonzero(near[number])
        first = np.maximum(hit[np.diff(way[hit], prepend=-1) != 0] - 1, starts[:-1])
        last = np.minimum(hit[np.diff(way[hit], append=-1) != 0] + 1, starts[1:] - 1)
        _, one, place = np.unique(
            number[first] * len(near) + number[last], return_index=True, return_inverse=True
        )
        begin, end = first[one] - starts[one], last[one] - starts[one] + 1
        lines = number[ranges(starts[one], starts[one + 1])]
        starts_of = np.r_[0, np.cumsum(starts[one + 1] - starts[one])]
        return self.part(one)._drawn(lines, starts_of, begin, end), place

    def _drawn(
        self, number: IntArray, starts: IntArray, begin: IntArray, end: IntArray
    ) -> LineArray:
        """Each way from one place among its lines to before another, as one line."""
        ahead = self._runs_ahead(number, starts)
        rows = ranges(starts[:-1] + begin, starts[:-1] + end)
        edges = self.corridors.graph.edge_count
        mine, stub = number[rows], number[rows] >= edges
        lines = np.empty(len(rows), object)
        lines[~stub] = self.corridors.graph.lines[mine[~stub]]
        lines[stub] = self.tie_ins.lines[mine[stub] - edges]
        owner = np.repeat(np.arange(len(self)), end - begin)
        return _chained(lines, owner, ahead[rows])

    def _runs_ahead(self, number: IntArray, starts: IntArray) -> NDArray[np.bool_]:
        """Whether each line of ``lines_used`` is walked as it is drawn; ways to tie-ins are turned.

        The edge before and the edge after share one node; parallel edges are told by the node
        where the way began.
        """
        edges = self.corridors.graph.ends
        ahead = np.zeros(len(number), bool)
        here = self.tie_ins.node[self.tie_in]
        place, walking = starts[:-1] + 1, np.arange(len(self))
        while True:
            walking = walking[place[walking] < starts[walking + 1]]
            if len(walking) == 0:
                return ahead
            at = place[walking]
            ends = edges[number[at]]
            forward = ends[:, 0] == here[walking]
            ahead[at] = forward
            here[walking] = np.where(forward, ends[:, 1], ends[:, 0])
            place[walking] += 1


def _chained(lines: LineArray, owner: IntArray, ahead: NDArray[np.bool_]) -> LineArray:
    """Join the lines of each owner, in their order, into one; those not ``ahead`` are turned."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    count = np.bincount(line, minlength=len(lines))
    start = np.cumsum(count) - count
    place = np.arange(len(xy)) - start[line]
    turned = start[line] + np.where(ahead[line], place, count[line] - 1 - place)
    xy = xy[turned]
    of = owner[line]
    same = of[1:] == of[:-1]
    met = same & ((line[1:] != line[:-1]) | (xy[1:] == xy[:-1]).all(axis=1))
    kept = np.ones(len(xy), bool)
    kept[1:] = ~met
    return np.asarray(shapely.linestrings(xy[kept], indices=of[kept]))


def lightest_ways(search: Search, steps: LastSteps) -> Ways:
    """The lightest way of every site that can be reached; of equal ones the first edge.

    One forest, then O(steps).
    """
    edge_weights = np.asarray(search.edge_weights)
    forest, rows = grow(search, edge_weights)
    weight = _step_weights(search, steps, forest.cost, edge_weights)
    chosen = least_of_each(weight, np.flatnonzero(np.diff(steps.site, prepend=-1)))
    chosen = chosen[np.isfinite(weight[chosen])]
    foot, node = steps.foot[chosen], steps.node[chosen]
    tie_in = np.full(len(chosen), -1, np.int64)
    over = foot >= 0
    tie_in[over] = rows[forest.source[foot[over]]]
    tie_in[~over] = search.starts_at(node[~over])[1]
    branches, at = forest.branches(foot[over]), np.full(len(chosen), -1)
    at[over] = branches.place
    return Ways(
        search.corridors,
        search.tie_ins,
        branches,
        steps.site[chosen],
        tie_in,
        at,
        steps.edge[chosen],
        node,
        weight[chosen],
    )


def least_weights(search: Search, steps: LastSteps) -> FloatArray:
    """Weight of the lightest way of every site that has steps, infinite where none leads there."""
    weight = _step_weights(search, steps, search.node_weights, search.edge_weights)
    starts = np.flatnonzero(np.diff(steps.site, prepend=-1))
    return np.asarray(np.minimum.reduceat(weight, starts)) if len(starts) else weight


def _step_weights(
    search: Search, steps: LastSteps, cost: FloatArray, edge_weights: FloatArray | WeighedEdges
) -> FloatArray:
    """Weight of the lightest way over each last step; ``cost`` is that of every node."""
    best, at_node = search.best_tie_ins, np.full(len(cost), np.inf)
    at_node[best.node] = best.weight
    over = steps.edge >= 0
    weight = np.empty(len(steps.edge))
    weight[over] = cost[steps.foot[over]] + edge_weights[steps.edge[over]]
    weight[~over] = at_node[steps.node[~over]]
    return weight


def cut_off(
    corridors: Corridors,
    tie_ins: TieIns,
    usable: NDArray[np.bool_],
    steps: LastSteps,
    sites: IntArray,
) -> NDArray[np.bool_]:
    """True for sites that no edges join to any usable tie-in, whatever may be dug.

    ``steps`` are all the last steps, ``sites`` ascending.
    """
    nodes = tie_ins.node[usable]
    served = np.zeros(corridors.graph.node_count, bool)
    served[nodes] = True
    part_served = np.zeros(corridors.graph.node_count, bool)
    part_served[corridors.parts[nodes]] = True
    mine = steps.of_sites(sites)
    joined = np.where(mine.foot >= 0, part_served[corridors.parts[mine.foot]], served[mine.node])
    return ~np.isin(sites, mine.site[joined])

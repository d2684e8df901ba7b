"""Multi-source shortest-path forests: the nearest source of every node at once.

One forest answers every parcel of a county. Sources carry an offset, so that a source may lie
beside the graph (a tie-in inside a main) or inside an edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gis.linear import AnyIntArray, FloatArray, IntArray
from gis.network import NEARLY_ZERO, ArcOrder, Arcs, arc_order


@dataclass(frozen=True)
class Forest:
    """Cheapest way from every node to its best source.

    Attributes
    ----------
    cost
        (n,) weight of the way, offset included; inf where no source can be reached.
    toward
        (n,) next node on the way to the source; -1 at a root and where unreachable.
    edge
        (n,) edge to that node; -1 at a root and where unreachable.
    source
        (n,) number of the source in the arrays given; -1 where unreachable.
    """

    cost: FloatArray
    toward: IntArray
    edge: IntArray
    source: IntArray

    def path(self, node: int) -> list[int]:
        """Edges from ``node`` to its root, in walking order; empty at a root."""
        edges: list[int] = []
        while self.toward[node] >= 0:
            edges.append(int(self.edge[node]))
            node = int(self.toward[node])
        return edges

    def sums(self, values: FloatArray) -> FloatArray:
        """Sum of an edge value along the way of every node, by pointer doubling, O(n log n)."""
        total = np.append(values, 0.0)[self.edge]  # edge -1, at a root, takes the 0
        above = np.where(self.toward >= 0, self.toward, np.arange(len(self.toward)))
        while True:
            higher = above[above]
            total = total + np.where(above != np.arange(len(above)), total[above], 0.0)
            if np.array_equal(higher, above):
                return np.asarray(total)
            above = higher

    def branches(self, nodes: IntArray) -> Branches:
        """The nodes on the ways of ``nodes``, arranged so that values ride along them.

        A node may be asked for more than once.
        """
        on_way = np.zeros(len(self.toward), bool)
        last = np.empty(len(self.toward), np.int64)
        here = nodes
        while len(here):
            on_way[here] = True
            above = self.toward[here]
            here = above[(above >= 0) & ~on_way[above]]
            last[here] = np.arange(len(here))  # of several that meet in a node one goes on
            here = here[last[here] == np.arange(len(here))]
        used = np.flatnonzero(on_way)
        there = np.cumsum(on_way) - 1
        depth = _depths(np.where(self.toward[used] >= 0, there[self.toward[used]], -1))
        few = depth.astype(np.min_scalar_type(depth.max(initial=0)))  # sorted by their digits
        order = np.argsort(few, kind="stable")
        used, place = used[order], np.full(len(on_way), -1, np.int64)
        place[used] = np.arange(len(used))
        above = np.where(self.toward[used] >= 0, place[self.toward[used]], -1)
        levels = np.r_[np.flatnonzero(np.diff(depth[order], prepend=-1)), len(used)]
        # In half the room: a screening keeps the branches of every demand for a while.
        narrow = [one.astype(np.int32) for one in (used, above, self.edge[used])]
        return Branches(narrow[0], place[nodes], narrow[1], narrow[2], levels)


@dataclass(frozen=True)
class Branches:
    """Some nodes of a forest with all nodes above them, by the number of edges to their root.

    Attributes
    ----------
    nodes, edge
        (k,) node of the forest, and the edge from it towards its source, -1 at a root.
    place
        Place among ``nodes`` of each node that was asked for.
    above
        (k,) place of the next node towards the source, -1 at a root.
    levels
        Where nodes one edge farther from their roots begin, and the end.
    """

    nodes: NDArray[np.int32]
    place: IntArray
    above: NDArray[np.int32]
    edge: NDArray[np.int32]
    levels: IntArray

    def ride(self, values: NDArray[Any], join: np.ufunc = np.add, start: float = 0) -> NDArray[Any]:
        """Values of edges joined along the way of every node of ``nodes``, from the root down.

        Parameters
        ----------
        values
            (k, c) values of ``edge``, numbers or bits; those at the roots are not read.
        join, start
            What joins two values and what stands at a root: ``np.add`` and 0 for sums,
            ``np.bitwise_or`` and 0 for marks, ``np.maximum`` and minus infinity for the largest.

        Notes
        -----
        O(k c), one step for each level of the forest.
        """
        found = values.copy()
        found[: self.levels[:2][-1]] = start
        for first, last in pairwise(self.levels[1:].tolist()):
            level = found[first:last]
            join(level, found[self.above[first:last]], out=level)
        return found

    def walks(self, places: IntArray) -> tuple[IntArray, IntArray]:
        """Edges from the root to nodes at some places, way after way, and where each begins.

        O(steps of all ways); ``starts`` has one more entry than places, the end.
        """
        here: AnyIntArray = places
        depth = np.searchsorted(self.levels, here, side="right") - 1
        starts = np.r_[0, np.cumsum(depth)]
        steps = np.empty(int(starts[-1]), np.int64)
        at = starts[1:] - 1  # each from its end
        while True:
            going = self.above[here] >= 0
            here, at = here[going], at[going]
            if len(here) == 0:
                return steps, starts
            steps[at] = self.edge[here]
            here, at = self.above[here], at - 1


def grow_forest(
    ends: IntArray,
    weights: FloatArray,
    node_count: int,
    source_nodes: IntArray,
    source_offsets: FloatArray,
    order: ArcOrder | None = None,
) -> Forest:
    """Grow the forest of cheapest ways from all nodes to the sources.

    Parameters
    ----------
    ends, weights
        (m, 2) undirected edges and (m,) positive weights; infinite weights are left out.
    source_nodes, source_offsets
        (k,) node where each source joins the graph and the weight of getting there (>= 0).
    order
        The ``arc_order`` of these ends, where several forests grow on them.

    Notes
    -----
    Dijkstra (1959) from one added node with an arc to every source: O((m + n) log n).
    """
    best = _best_sources(source_nodes, source_offsets)
    inner = (order or arc_order(ends, node_count)).weighed(weights)
    if len(best) == 0:
        nowhere = np.full(node_count, -1, np.int64)
        return Forest(np.full(node_count, np.inf), nowhere, nowhere, nowhere)
    cost, before = dijkstra(
        _with_super_source(inner, source_nodes[best], source_offsets[best]),
        indices=node_count,
        return_predecessors=True,
    )
    before = before[:node_count].astype(np.int64)
    return _as_forest(inner, cost[:node_count], before, source_nodes[best], best)


def forest_costs(
    order: ArcOrder, weights: FloatArray, source_nodes: IntArray, source_offsets: FloatArray
) -> FloatArray:
    """The ``cost`` of the forest that ``grow_forest`` grows, without the ways."""
    best, count = _best_sources(source_nodes, source_offsets), order.node_count
    if len(best) == 0:
        return np.full(count, np.inf)
    joined = _with_super_source(order.weighed(weights), source_nodes[best], source_offsets[best])
    return np.asarray(dijkstra(joined, indices=count)[:count])


def _depths(above: IntArray) -> IntArray:
    """Number of steps up to a root, where ``above`` is the next place up, -1 at a root."""
    depth = (above >= 0).astype(np.int64)
    jump = np.where(above >= 0, above, np.arange(len(above)))
    while True:
        higher = jump[jump]
        if np.array_equal(higher, jump):
            return depth
        depth, jump = depth + depth[jump], higher


def _best_sources(nodes: IntArray, offsets: FloatArray) -> IntArray:
    """Of the sources at each node the nearest, of equal ones the first; by node."""
    usable = np.flatnonzero(np.isfinite(offsets))
    if not (np.diff(nodes[usable]) > 0).all():  # else there is one at each already
        usable = usable[np.lexsort((offsets[usable], nodes[usable]))]
        usable = usable[np.diff(nodes[usable], prepend=-1) > 0]
    return usable


def _with_super_source(inner: Arcs, nodes: IntArray, offsets: FloatArray) -> csr_matrix:
    """The arcs with one more node, last, that has arcs to the sources."""
    count, matrix = inner.node_count, inner.matrix
    return csr_matrix(
        (
            np.concatenate([matrix.data, np.maximum(offsets, NEARLY_ZERO)]),
            np.concatenate([matrix.indices, nodes.astype(matrix.indices.dtype)]),
            np.r_[matrix.indptr, matrix.indptr[-1] + len(nodes)].astype(matrix.indptr.dtype),
        ),
        shape=(count + 1, count + 1),
    )


def _as_forest(
    inner: Arcs, cost: FloatArray, before: IntArray, nodes: IntArray, numbers: IntArray
) -> Forest:
    count = inner.node_count
    walked = (before >= 0) & (before < count)
    toward = np.where(walked, before, -1)
    edge = inner.edges_from(toward)
    source_at = np.full(count, -1, np.int64)
    source_at[nodes] = numbers
    root = np.where(walked, toward, np.arange(count))
    while not np.array_equal(higher := root[root], root):
        root = higher
    source = np.where(np.isfinite(cost), source_at[root], -1)
    return Forest(cost, toward, edge, source)

"""The corridor graph: one table of edges and nodes, seen as arrays or as a networkx graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from gis.keys import once_each
from gis.linear import FloatArray, IntArray, LineArray, distinct, least_of_each, ranges
from gis.patched_tree import Tree, tree_of

if TYPE_CHECKING:
    import networkx as nx

# What tie-breaks add to a weight at most, as a share of it: a millimetre in 10 km, a fen in 100,000
# yuan. Coordinates of one line built twice differ by half a nanometre, a thousandth of that.
_TIE_BREAK = 1e-7
# What weighs nothing is given this weight: scipy takes an explicit 0 of a sparse matrix for no arc.
NEARLY_ZERO = 1e-12


@dataclass(frozen=True)
class CorridorGraph:
    """Where lines may run: nodes, undirected edges with geometry, and their measures.

    Attributes
    ----------
    node_xy
        (n, 2) east and north in metres.
    ends
        (m, 2) node numbers of each edge.
    lines
        (m,) LineStrings from ``ends[:, 0]`` to ``ends[:, 1]``.
    measures
        m rows, one per edge, every value measured once when the graph was built.
    """

    node_xy: FloatArray
    ends: IntArray
    lines: LineArray
    measures: pd.DataFrame

    @property
    def node_count(self) -> int:
        return len(self.node_xy)

    @property
    def edge_count(self) -> int:
        return len(self.ends)

    @cached_property
    def length_m(self) -> FloatArray:
        """Plane length of each edge in metres."""
        return np.asarray(shapely.length(self.lines), float)

    @cached_property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """The least and the largest coordinates of the nodes, east and north."""
        x, y = self.node_xy.T
        return np.array([x.min(), y.min()]), np.array([x.max(), y.max()])

    @cached_property
    def kind(self) -> NDArray[Any]:
        """The ``kind`` that the measures tell of each edge."""
        return once_each(self.measures["kind"])

    @cached_property
    def road(self) -> IntArray:
        """The row of the ``road`` that the measures tell of each edge, -1 for none."""
        return self.measures["road"].to_numpy(np.int64)

    @cached_property
    def on_bridge(self) -> FloatArray:
        """Whether each edge lies on a bridge, 1 or 0, NaN where nobody knows."""
        return self.measures["on_bridge"].to_numpy(float)

    @cached_property
    def tie_break(self) -> FloatArray:
        """The ``tie_break`` of every edge."""
        return tie_break(self.lines)

    @cached_property
    def tree(self) -> Tree:
        """R-tree of the edges."""
        return tree_of(self.lines)

    def nodes_of(self, edges: IntArray, more: IntArray) -> IntArray:
        """The ends of some edges and some more nodes, each once, ascending."""
        return distinct(np.concatenate([self.ends[edges].ravel(), more]))

    def edges_within(self, bounds: tuple[float, float, float, float]) -> IntArray:
        """Numbers of the edges whose bounding box meets the bounds, ascending."""
        return np.sort(self.tree.query(shapely.box(*bounds))).astype(np.int64)

    def to_networkx(
        self,
        bounds: tuple[float, float, float, float] | None = None,
        edges: Iterable[int] | None = None,
    ) -> nx.MultiGraph:
        """Return the graph, or its part, as a networkx graph that can be printed and drawn.

        Nodes carry ``x`` and ``y``; edges are keyed by their number and carry ``line`` and
        every measure.
        """
        import networkx as nx

        chosen = np.arange(self.edge_count) if edges is None else np.fromiter(edges, np.int64)
        if bounds is not None:
            chosen = np.intersect1d(chosen, self.edges_within(bounds))
        graph = nx.MultiGraph()
        records = self.measures.iloc[chosen].to_dict("records")
        for number, record in zip(chosen.tolist(), records, strict=True):
            start, end = self.ends[number].tolist()
            attributes = {str(name): value for name, value in record.items()}
            graph.add_edge(start, end, key=number, line=self.lines[number], **attributes)
        for node in graph.nodes:
            graph.nodes[node].update(x=self.node_xy[node, 0], y=self.node_xy[node, 1])
        return graph


def tie_break(lines: LineArray) -> FloatArray:
    """A share from 0 to 1 for each line, by which routes that weigh the same are told apart.

    Drawn from the line's own coordinates, so that it depends neither on the order of the lines
    nor on how many there are: forests and networkx then choose the same route. It has no jumps:
    of a line whose coordinates are rounded otherwise it differs by a hundred-thousandth.
    """
    middle = _middles(lines)
    phase = np.sin(middle[:, 0] * 12.9898 + middle[:, 1] * 78.233) * 437.585453
    return np.asarray(np.abs(phase - np.rint(phase)) * 2)


def told_apart(weights: FloatArray, tie_breaks: FloatArray) -> FloatArray:
    """Weights, metres or yuan, of lines with their tie-breaks: none equal, none nothing.

    A share of the weight, so that it stands out from rounding whatever is weighed.
    """
    found = np.asarray(tie_breaks * _TIE_BREAK)
    found += 1
    found *= weights
    return np.maximum(found, NEARLY_ZERO, out=found)


def without_tie_breaks(weights: FloatArray) -> FloatArray:
    """What ways of such weights weigh at least without their tie-breaks."""
    return weights / (1 + 2 * _TIE_BREAK)  # once too often, for the rounding of sums


def _middles(lines: LineArray) -> FloatArray:
    """Places halfway along lines, (n, 2); most lines are straight and need no point made."""
    xy, count = shapely.get_coordinates(lines), shapely.get_num_coordinates(lines)
    start = np.cumsum(count) - count
    middle = xy[start] + (xy[start + 1] - xy[start]) * 0.5
    bent = np.flatnonzero(count != 2)
    middle[bent] = shapely.get_coordinates(
        shapely.line_interpolate_point(lines[bent], 0.5, normalized=True)
    )
    return np.asarray(middle)


@dataclass(frozen=True)
class Arcs:
    """The arcs of a graph as arrays, parallel edges reduced to the lightest."""

    matrix: csr_matrix
    edge_of_key: IntArray
    node_count: int

    def edges_from(self, before: IntArray) -> IntArray:
        """(n,) the lightest edge to every node from the node ``before`` it; -1 where none is."""
        start = np.repeat(np.arange(self.node_count), np.diff(self.matrix.indptr))
        taken = np.flatnonzero(before[self.matrix.indices] == start)
        edge = np.full(self.node_count, -1, np.int64)
        edge[self.matrix.indices[taken]] = self.edge_of_key[taken]
        return edge


@dataclass(frozen=True)
class ArcOrder:
    """Both directions of every edge in the order of a sparse matrix, whatever the edges weigh.

    Attributes
    ----------
    edge
        (2m,) edge of each arc, ordered by start and end; loops are left out.
    first
        Places in it where another (start, end) begins.
    column, rows
        The end of each of these, and where those from each node begin, as sparse matrices have it.
    """

    edge: IntArray
    first: IntArray
    column: NDArray[np.int32]
    rows: NDArray[np.int32]
    node_count: int

    def weighed(self, weights: FloatArray) -> Arcs:
        """The arcs of finite weight; of parallel ones the lightest, of equal ones the first."""
        weight, edge = weights[self.edge], self.edge
        if len(self.first) < len(edge):
            weight, edge = self._lightest(weight)
        column, rows = self.column, self.rows
        usable = np.isfinite(weight)
        if not usable.all():
            weight, edge, column = weight[usable], edge[usable], column[usable]
            count = np.zeros(len(usable) + 1, np.int32)
            np.cumsum(usable, dtype=np.int32, out=count[1:])
            rows = count[rows]
        matrix = csr_matrix((weight, column, rows), shape=(self.node_count, self.node_count))
        return Arcs(matrix, edge, self.node_count)

    def _lightest(self, weight: FloatArray) -> tuple[FloatArray, IntArray]:
        """Of arcs that join the same nodes the lightest, of equal ones the first."""
        lightest = least_of_each(weight, self.first)
        return weight[lightest], self.edge[lightest]


def arc_order(ends: IntArray, node_count: int) -> ArcOrder:
    """Arrange edges for scipy once, for any weights: O(m log m)."""
    usable = np.flatnonzero(ends[:, 0] != ends[:, 1])
    start = np.concatenate([ends[usable, 0], ends[usable, 1]])
    end = np.concatenate([ends[usable, 1], ends[usable, 0]])
    edge = np.concatenate([usable, usable]).astype(np.int64)
    key = start * node_count + end
    order = np.lexsort((edge, key))
    key = key[order]
    first = np.flatnonzero(np.r_[True, np.diff(key) > 0]) if len(key) else np.zeros(0, np.int64)
    key = key[first]
    column = (key % max(node_count, 1)).astype(np.int32)
    rows = np.searchsorted(key, np.arange(node_count + 1) * node_count).astype(np.int32)
    return ArcOrder(edge[order], first, column, rows, node_count)


def connected_parts(ends: IntArray, node_count: int) -> IntArray:
    """Equal numbers for nodes that edges join, in any number of steps; (n,)."""
    joined = csr_matrix(
        (np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(node_count, node_count)
    )
    return np.asarray(connected_components(joined, directed=False)[1], np.int64)


def joined_near(
    ways: IntArray, node_xy: FloatArray, pairs: IntArray, reach_m: float
) -> NDArray[np.bool_]:
    """Whether a path leads from the first to the second node of each of (k, 2) ``pairs``.

    ``ways`` (m, 2) are walked from the first node to the second, ``node_xy`` (n, 2) in metres. No
    node of a path is farther from its first than ``reach_m``: what lies beyond decides nothing.
    Breadth first from all first nodes at once; O(ways within reach) of each of them.
    """
    count = len(node_xy)
    start, end = ways[np.argsort(ways[:, 0], kind="stable")].T
    begins = np.searchsorted(start, np.arange(count + 1))
    first_nodes, row = np.unique(pairs[:, 0], return_inverse=True)
    goal = row * count + pairs[:, 1]
    found = np.zeros(len(pairs), bool)
    fresh = seen = np.arange(len(first_nodes)) * count + first_nodes
    while len(fresh):
        found |= _among(goal, fresh)
        searching = np.zeros(len(first_nodes), bool)
        searching[row[~found]] = True
        here, node = np.divmod(fresh[searching[fresh // count]], count)
        steps = begins[node], begins[node + 1]
        here, node = np.repeat(here, steps[1] - steps[0]), end[ranges(*steps)]
        near = np.hypot(*(node_xy[node] - node_xy[first_nodes[here]]).T) <= reach_m
        fresh = np.sort((here * count + node)[near])
        fresh = fresh[(np.diff(fresh, prepend=-1) > 0) & ~_among(fresh, seen)]
        seen = np.sort(np.concatenate([seen, fresh]), kind="stable")
    return found


def _among(keys: IntArray, known: IntArray) -> NDArray[np.bool_]:
    """Which keys are among ascending ones, of which there is one at least."""
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.asarray(known[place] == keys)


def arcs(ends: IntArray, weights: FloatArray, node_count: int) -> Arcs:
    """Arrange edges for scipy: both directions, finite weights only, the lightest of parallels.

    A sparse matrix built from coordinates would add up parallel edges; here each (start, end)
    keeps its lightest edge and the number of that edge.
    """
    return arc_order(ends, node_count).weighed(weights)

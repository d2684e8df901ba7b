"""Least costs from starts with offsets over a graph held as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, dijkstra

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LARGEST = float(np.finfo(np.float64).max)
"""Search limit that keeps out nothing but ``inf``."""


@dataclass(frozen=True)
class Arcs:
    """Both directions of the edges, by tail node."""

    n: int
    indptr: NDArray[np.int32]
    tail: Ints
    head: NDArray[np.int32]
    edge: Ints


def both_ways(n: int, ends: Ints) -> Arcs:
    """Arcs of undirected edges between nodes 0..n-1; parallel edges stay apart."""
    tail = np.concatenate([ends[:, 0], ends[:, 1]])
    order = np.argsort(tail, kind="stable")
    indptr = np.zeros(n + 1, dtype=np.int32)
    np.cumsum(np.bincount(tail, minlength=n), out=indptr[1:])
    head = np.concatenate([ends[:, 1], ends[:, 0]])[order].astype(np.int32)
    return Arcs(n, indptr, tail[order], head, order % max(len(ends), 1))


def side_by_side(arcs: Arcs, copies: int) -> Arcs:
    """Copies of a graph that nothing joins: node v of copy c is node ``c * n + v``."""
    first = np.arange(copies)[:, None]
    starts = (arcs.indptr[:-1] + first * arcs.indptr[-1]).ravel()
    return Arcs(
        copies * arcs.n,
        np.append(starts, copies * arcs.indptr[-1]).astype(np.int32),
        (arcs.tail + first * arcs.n).ravel(),
        (arcs.head + first * arcs.n).ravel().astype(np.int32),
        np.tile(arcs.edge, copies),
    )


def spread(
    arcs: Arcs, arc_costs: Floats, start: Floats, limit: float = LARGEST
) -> tuple[Floats, NDArray[np.int32]]:
    """Least cost at each node, and the node before it (``n``: it starts there).

    ``start`` is the cost to start at each node; it becomes an arc from a node ``n`` of its own.
    Parallel arcs stay apart in the matrix and zero costs stay arcs, because it is built from
    its parts. What lies above ``limit`` is left out.
    """
    nodes = np.flatnonzero(start <= limit).astype(np.int32)
    indptr = np.append(arcs.indptr, arcs.indptr[-1] + len(nodes))
    values = np.concatenate([arc_costs, start[nodes]])
    size = arcs.n + 1
    graph = csr_array((values, np.concatenate([arcs.head, nodes]), indptr), shape=(size, size))
    reached, before = dijkstra(graph, indices=arcs.n, return_predecessors=True, limit=limit)
    return reached[:-1], before[:-1]


def joined(arcs: Arcs, usable: NDArray[np.bool_], nodes: Ints) -> NDArray[np.bool_]:
    """Which nodes some nodes are joined to, or among, over the edges that are usable."""
    kept = usable[arcs.edge]
    first = np.concatenate([[0], np.cumsum(kept)])[arcs.indptr]
    indptr = np.append(first, first[-1] + len(nodes)).astype(np.int32)
    heads = np.concatenate([arcs.head[kept], nodes.astype(np.int32)])
    size = arcs.n + 1
    graph = csr_array((np.ones(len(heads)), heads, indptr), shape=(size, size))
    found = np.zeros(size, bool)
    found[breadth_first_order(graph, arcs.n, return_predecessors=False)] = True
    return found[:-1]


def start_at(n: int, nodes: Ints) -> Floats:
    """Start offsets that cost nothing at some nodes and close all others."""
    start = np.full(n, np.inf)
    start[nodes] = 0.0
    return start


def edge_between(arcs: Arcs, costs: Floats, tail: int, head: int) -> int:
    """The cheapest of the edges that join two neighbours."""
    out = slice(arcs.indptr[tail], arcs.indptr[tail + 1])
    edges = arcs.edge[out][arcs.head[out] == head]
    return int(edges[np.argmin(costs[edges])])

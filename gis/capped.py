"""A graph with several weights, ends beside it and caps, and how caps narrow it.

Row 0 of all weights is the cost, the rows after it are the resources. A row may be added that is
a sum of others: what keeps the caps of the rows keeps the same sum of their caps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gis.spread import (
    LARGEST,
    Arcs,
    Floats,
    Ints,
    both_ways,
    edge_between,
    side_by_side,
    spread,
)

Cap = TypeVar("Cap", float, Floats)

ROUNDING = 1e-9
"""Room, relative and absolute, by which bounds may miss a cap: sums in another order round
differently. Only pruning is loosened; a finished way meets every cap as it stands."""

ROUNDS = 2
"""Times that all caps narrow the graph: each profits from what the others took away."""

EDGES_AT_FIRST, FARTHER = 30, 8
"""Reach of the first look around the targets, in edges of mean weight, and how it grows."""

DEAREST_TRIAL = 4.0
"""Trial ways may cost so many times the cheapest way: those beyond help the search little."""

TRIALS = 12
"""Ways tried before the search; where caps contradict one another, few more prove it."""


class Stubs(NamedTuple):
    """Ends beside the graph: node joined, weights of getting there (rows, k), caller's row."""

    nodes: Ints
    weights: Floats
    row: Ints


@dataclass(frozen=True)
class Walk:
    """A way from a source to a target.

    Attributes
    ----------
    source, target
        Rows of the terminals given.
    edges
        Edges in walking order from source to target; empty where both join the same node.
    cost, resources
        Sums over source, edges and target, added up in that order.
    """

    source: int
    edges: tuple[int, ...]
    target: int
    cost: float
    resources: tuple[float, ...]


@dataclass(frozen=True)
class Problem:
    """Edges with weights (rows, m), caps (rows,) and stubs; ``edge`` numbers for the caller.

    The first ``given`` rows stand for themselves, those after them are sums of them.
    """

    node_count: int
    ends: Ints
    weights: Floats
    caps: Floats
    sources: Stubs
    targets: Stubs
    edge: Ints
    given: int

    @cached_property
    def arcs(self) -> Arcs:
        """Both directions of the edges."""
        return both_ways(self.node_count, self.ends)

    @property
    def size(self) -> int:
        return len(self.ends)

    @property
    def is_empty(self) -> bool:
        return len(self.sources.nodes) == 0 or len(self.targets.nodes) == 0

    def least(
        self, row: int, stubs: Stubs, limit: float = LARGEST
    ) -> tuple[Floats, NDArray[np.int32]]:
        """Least sum of a row between each node and the stubs, and the node next on that way."""
        start = np.full(self.node_count, np.inf)
        np.minimum.at(start, stubs.nodes, stubs.weights[row])
        return spread(self.arcs, self.weights[row][self.arcs.edge], start, limit)

    def least_each(self, rows: Sequence[int], stubs: Stubs) -> Floats:
        """:meth:`least` of several rows (rows, n) by one search: each call has its price."""
        start = np.full((len(rows), self.node_count), np.inf)
        for of_row, row in zip(start, rows, strict=True):
            np.minimum.at(of_row, stubs.nodes, stubs.weights[row])
        costs = self.weights[rows][:, self.arcs.edge]
        copies = side_by_side(self.arcs, len(rows))
        return spread(copies, costs.ravel(), start.ravel())[0].reshape(start.shape)

    def around(self, nodes: Ints) -> Ints:
        """Edges with both ends among the nodes, found from the nodes: there are few of them."""
        first, count = self.arcs.indptr[nodes], np.diff(self.arcs.indptr)[nodes]
        out = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        here = np.zeros(self.node_count, bool)
        here[nodes] = True
        # Each edge is there twice, once from either end.
        return np.sort(self.arcs.edge[out[here[self.arcs.head[out]]]])[::2]

    def part(self, nodes: NDArray[np.bool_], edges: NDArray[np.bool_] | None = None) -> Problem:
        """The graph of the nodes and edges chosen, numbered anew; all edges between the nodes."""
        number = np.cumsum(nodes) - 1
        chosen = self.around(np.flatnonzero(nodes)) if edges is None else np.flatnonzero(edges)
        ends = self.ends[chosen]
        inside = nodes[ends].all(axis=1)
        chosen, ends = chosen[inside], ends[inside]

        def kept(stubs: Stubs) -> Stubs:
            here = nodes[stubs.nodes]
            return Stubs(number[stubs.nodes[here]], stubs.weights[:, here], stubs.row[here])

        return replace(
            self,
            node_count=int(np.count_nonzero(nodes)),
            ends=number[ends],
            weights=self.weights[:, chosen],
            sources=kept(self.sources),
            targets=kept(self.targets),
            edge=self.edge[chosen],
        )

    def with_row(self, edges: Floats, sources: Floats, targets: Floats, cap: float) -> Problem:
        """The problem with one more row at the end of all weights."""
        added = replace(
            self,
            weights=np.vstack([self.weights, edges]),
            caps=np.append(self.caps, cap),
            sources=self.sources._replace(weights=np.vstack([self.sources.weights, sources])),
            targets=self.targets._replace(weights=np.vstack([self.targets.weights, targets])),
        )
        added.__dict__["arcs"] = self.arcs
        return added

    def with_sum(self, shares: Floats, cap: float = np.inf) -> Problem:
        """The problem with one more row: the sum of rows times their shares."""
        rows = np.flatnonzero(shares)
        everywhere = (self.weights, self.sources.weights, self.targets.weights)
        edges, sources, targets = (shares[rows] @ weights[rows] for weights in everywhere)
        return self.with_row(edges, sources, targets, cap)

    def with_cap(self, row: int, cap: float) -> Problem:
        """The problem with another cap on one row."""
        caps = self.caps.copy()
        caps[row] = cap
        changed = replace(self, caps=caps)
        changed.__dict__["arcs"] = self.arcs
        return changed

    def no_dearer(self, cost: float) -> Problem:
        """The problem without ways dearer than a cost that can be reached."""
        return self.with_cap(0, min(float(self.caps[0]), loosened(cost)))

    def walk(self, source: int, edges: list[int], target: int) -> Walk:
        """The way with its sums; the numbers given are the problem's own."""
        total = self.sources.weights[:, source]
        for edge in edges:
            total = total + self.weights[:, edge]
        cost, *resources = (total + self.targets.weights[:, target])[: self.given].tolist()
        rows = int(self.sources.row[source]), int(self.targets.row[target])
        return Walk(rows[0], tuple(self.edge[edges].tolist()), rows[1], cost, tuple(resources))

    def whole(self, row: int) -> tuple[Floats, NDArray[np.int32]]:
        """Least sum of a row from each source to any target, and the next nodes on the ways.

        Looks near the targets first: inf where the least is found elsewhere or nowhere.
        """
        far = EDGES_AT_FIRST * float(self.weights[row].sum()) / max(self.size, 1)
        for limit in (far, FARTHER * far, LARGEST):
            ahead, toward = self.least(row, self.targets, min(limit, LARGEST))
            whole = ahead[self.sources.nodes] + self.sources.weights[row]
            if np.min(whole, initial=np.inf) <= limit:
                break
        return whole, toward

    def best(self, row: int) -> Walk | None:
        """The way with the least sum of one row, caps unheeded; None where there is none."""
        whole, toward = self.whole(row)
        if not np.isfinite(whole).any():
            return None
        source = int(np.argmin(whole))
        node, edges = int(self.sources.nodes[source]), []
        while (following := int(toward[node])) < self.node_count:
            edges.append(edge_between(self.arcs, self.weights[row], node, following))
            node = following
        here = np.flatnonzero(self.targets.nodes == node)
        return self.walk(source, edges, int(here[np.argmin(self.targets.weights[row, here])]))

    def keeps_caps(self, walk: Walk) -> bool:
        """Whether the sums of a way are within the caps as they stand."""
        return bool((np.array([walk.cost, *walk.resources]) <= self.caps[: self.given]).all())


def loosened(cap: Cap) -> Cap:
    """The cap, or caps, as bounds are held against it."""
    return cap + ROUNDING * (1.0 + abs(cap))


def capped_rows(problem: Problem) -> list[int]:
    """Rows with a finite cap, those that most edges have something of first.

    A cap on length cuts a disc out of the county at once; a cap on green, which most edges have
    none of, cuts little, and is looked at within the disc.
    """
    rows = np.flatnonzero(np.isfinite(problem.caps)).tolist()
    return sorted(rows, key=lambda row: -np.count_nonzero(problem.weights[row]))


def narrowed(problem: Problem, row: int) -> Problem:
    """The part that ways within the cap of one row can use; empty when there are none."""
    cap = loosened(float(problem.caps[row]))
    ahead = problem.least(row, problem.targets, max(cap, 0.0))[0]
    near = np.isfinite(ahead)
    if not near.all():
        problem, ahead = problem.part(near), ahead[near]
    behind = problem.least(row, problem.sources, max(cap, 0.0))[0]
    tail, head = problem.ends.T
    around = np.minimum(behind[tail] + ahead[head], behind[head] + ahead[tail])
    return problem.part(behind + ahead <= cap, problem.weights[row] + around <= cap)


def narrowed_by_all(problem: Problem) -> Problem:
    """The part that each cap by itself leaves: that of one cuts a disc, then all together."""
    rows = capped_rows(problem)
    if rows and not problem.is_empty:
        problem = narrowed(problem, rows[0])
    for _round in range(ROUNDS if len(rows) > 1 else 0):
        before = problem.size
        if not problem.is_empty:
            problem = _narrowed_together(problem, rows)
        if problem.size == before:
            break
    return problem


def _narrowed_together(problem: Problem, rows: Sequence[int]) -> Problem:
    """:func:`narrowed` by several rows at once."""
    caps = loosened(problem.caps[rows])[:, None]
    ahead, behind = (problem.least_each(rows, s) for s in (problem.targets, problem.sources))
    tail, head = problem.ends.T
    around = np.minimum(behind[:, tail] + ahead[:, head], behind[:, head] + ahead[:, tail])
    nodes = np.logical_and.reduce(behind + ahead <= caps)
    return problem.part(nodes, np.logical_and.reduce(problem.weights[rows] + around <= caps))


def narrowed_by_disc(problem: Problem) -> Problem:
    """The part left by the first cap on something that most edges have."""
    for row in capped_rows(problem)[:1]:
        if 2 * np.count_nonzero(problem.weights[row]) > problem.size:
            return narrowed(problem, row)
    return problem


def tried(problem: Problem) -> tuple[Problem, Walk | None]:
    """The problem with a row that holds its caps together, and a way that keeps them if found.

    The cheapest way is tried, then the least of all capped rows in sum, each over its cap; a row
    that was exceeded weighs more in the next trial, the cost half as much. These are the
    multiplicative weights of Plotkin, Shmoys and Tardos (1995, Math. Oper. Res. 20:257-301).
    When caps contradict one another, the sum soon exceeds its own cap on every way.
    """
    rows = np.array(capped_rows(problem), int)
    cost_only = np.eye(1, len(problem.caps)).ravel()
    cheapest = problem.with_sum(cost_only).best(-1)
    if cheapest is None or len(rows) == 0 or problem.keeps_caps(cheapest):
        return problem, cheapest
    near = narrowed(problem.no_dearer(DEAREST_TRIAL * cheapest.cost), 0)
    scale, weigh = _scale(problem, rows), np.full(len(rows), 1.0 / len(rows))
    shares, found = np.zeros(len(problem.caps)), None
    for trial in range(TRIALS):
        shares[rows] = weigh / scale
        tilt = 0.5**trial / max(cheapest.cost, ROUNDING)
        walk = near.with_sum(shares + tilt * cost_only).best(-1)
        if walk is None or problem.keeps_caps(walk):
            found = walk
            break
        excess = (np.array([walk.cost, *walk.resources])[rows] - problem.caps[rows]) / scale
        if weigh @ excess > tilt * walk.cost:
            break  # the sum alone may rule every way out: narrowing by it will tell
        weigh = weigh * np.exp(excess / np.abs(excess).max())
        weigh /= weigh.sum()
    if len(rows) == 1:
        return problem, found
    return problem.with_sum(shares, float(shares[rows] @ problem.caps[rows])), found


def _scale(problem: Problem, rows: Ints) -> Floats:
    """What counts as much in each row: its cap, or the mean of an edge where that is more."""
    mean = problem.weights[rows].sum(axis=1) / max(problem.size, 1)
    scale = np.maximum(problem.caps[rows], mean)
    return np.where(scale < ROUNDING, 1.0, scale)

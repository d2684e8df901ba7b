"""Cheapest tree that brings several members to one root when edges cost less when shared.

The method is the dynamic programme of Dreyfus and Wagner (1971, Networks 1:195-207) with a
cost for each set of members on each edge: ``best[S][v]`` is the least cost to bring the members
of ``S`` together at node ``v``; two disjoint sets may merge at a node, and a set moves along
edges by Dijkstra's method. Work: 3**k / 2 vectorised merges and 2**k shortest-path runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.spread import LARGEST, both_ways, edge_between, spread, start_at
from gis.subsets import concave_in_one_demand, concave_minorant, splits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_MEMBERS = 12
"""Time and memory grow with 2**k and 3**k; beyond this, group the members first."""

SLACK = 1e-9
"""Relative room for rounding in the upper bound that prunes the search."""

PROOF = 1e-6
"""Relative gap at which a bound of a mixed-integer solver counts as reached: its own tolerance."""


@dataclass(frozen=True)
class JointTree:
    """Answer of :func:`cheapest_joint_tree`.

    Attributes
    ----------
    cost
        Total cost of the edges used, recomputed from the given costs; ``inf`` when some member
        cannot reach the root.
    subset_of_edge
        For each edge the set (bit ``i`` is member ``i``) that uses it, 0 when unused. The edges of
        one member are one way without loops from a start node of its own to the root.
    coalition_costs
        For each set ``S`` the cost of the tree found for ``S`` alone; entry 0 is 0.
    alone_subset_of_edge
        For each edge the set that would use it if every member took its own cheapest way.
    problem
        The part of the input that the optimum can use.
    proven_bound
        A bound found otherwise (:func:`gis.steiner_proof.prove`).
    """

    cost: float
    subset_of_edge: Ints
    coalition_costs: Floats
    alone_subset_of_edge: Ints
    problem: Problem = field(repr=False, compare=False)
    proven_bound: float = 0.0

    @property
    def proven_optimal(self) -> bool:
        """Whether ``cost`` is proven to be the optimum."""
        return self._certificate[1]

    @property
    def bound(self) -> float:
        """Proven lower bound of the optimum."""
        return self._certificate[0]

    @property
    def gap(self) -> float:
        """Relative distance between cost and bound; 0 when proven optimal."""
        return 0.0 if self.proven_optimal else 1.0 - self.bound / self.cost

    @cached_property
    def _certificate(self) -> tuple[float, bool]:
        bound, proven = _certify(self.problem, self.cost)
        bound = max(bound, self.proven_bound)
        return bound, proven or bound >= self.cost * (1 - PROOF)


def cheapest_joint_tree(
    edges: ArrayLike, cost_by_subset: ArrayLike, sources: Sequence[ArrayLike], root: int
) -> JointTree:
    """Cheapest way to bring ``k`` members, each from any of its start nodes, to the root.

    Parameters
    ----------
    edges
        (m, 2) integer node numbers; undirected; parallel edges and loops are allowed.
    cost_by_subset
        (2**k, m): row ``S`` is the cost of each edge when the set ``S`` uses it; row 0 is zero;
        ``inf`` closes the edge to that set.
    sources
        ``k`` integer arrays of start nodes; an empty one makes its member unreachable.
    root
        Node where all members must arrive.

    Returns
    -------
    The tree. Members stay together once they have met, which is optimal when the cost of every
    edge is a concave function of one additive demand (common trench plus pipes priced by
    length, or equal cost for every set): Zangwill (1968, Management Science 14:429-450). Costs
    that are only monotone and subadditive can have a cheaper answer in which members share,
    part and meet again, so they are not called proven; ``bound`` then says how far off the
    answer can be at most, and :func:`gis.steiner_proof.prove` closes the gap. Proof and bound
    are worked out when first asked for.

    Raises
    ------
    ValueError
        For shapes that do not fit, NaN, negative costs, a non-zero row 0 or too many members.
    """
    m = np.asarray(cost_by_subset).shape[-1]
    problem = _read(edges, cost_by_subset, sources, root)
    problem = _near_root(problem, _separate(problem))
    best, before = _fill(problem)
    coalition_costs = best[:, problem.root].copy()
    coalition_costs[0] = 0.0
    alone = np.zeros(len(problem.ends), dtype=np.int64)
    for i in range(len(problem.sources)):
        alone |= _trace(problem, best, before, 1 << i)
    used = _trace(problem, best, before, len(best) - 1)
    if np.isfinite(coalition_costs[-1]):
        used = min(one_way_each(problem, used), alone, key=problem.cost_of)
        coalition_costs[-1] = problem.cost_of(used)
    return JointTree(
        cost=float(coalition_costs[-1]),
        subset_of_edge=problem.on_all_edges(used, m),
        coalition_costs=coalition_costs,
        alone_subset_of_edge=problem.on_all_edges(alone, m),
        problem=problem,
    )


def closed_to(
    free: JointTree,
    used: Ints,
    edges: ArrayLike,
    cost_by_subset: ArrayLike,
    sources: Sequence[ArrayLike],
    root: int,
) -> JointTree:
    """An answer of finite cost to a problem that closes edges to sets, yet to be proven.

    ``used`` holds the sets on its edges; ``free`` is the tree of the problem that closes none, and
    bounds it from below.
    """
    at = np.arange(len(used))
    cost = float(np.asarray(cost_by_subset, np.float64)[used, at].sum())
    problem = problem_under(edges, cost_by_subset, sources, root, cost)
    kept = one_way_each(problem, used[problem.edge_ids])
    coalition_costs = free.coalition_costs.copy()
    coalition_costs[-1] = cost = problem.cost_of(kept)
    return replace(
        free,
        cost=cost,
        subset_of_edge=problem.on_all_edges(kept, len(used)),
        coalition_costs=coalition_costs,
        problem=problem,
        proven_bound=free.bound,
    )


def problem_under(
    edges: ArrayLike,
    cost_by_subset: ArrayLike,
    sources: Sequence[ArrayLike],
    root: int,
    cost: float,
) -> Problem:
    """The part of a problem, given as to :func:`cheapest_joint_tree`, that so high a cost reaches.

    Raises as that does.
    """
    return _near_root(_read(edges, cost_by_subset, sources, root), cost)


@dataclass(frozen=True)
class Problem:
    """Checked input with nodes 0..n-1, only usable edges, and what is known of the optimum.

    No optimum costs more than ``limit``, and none reaches a node whose least cost to the root,
    ``to_root``, is above it.
    """

    n: int
    ends: Ints
    edge_ids: Ints
    costs: Floats
    sources: list[Ints]
    root: int
    to_root: Floats
    limit: float = LARGEST

    def cost_of(self, used: Ints) -> float:
        """Cost of a set on each edge."""
        return float(self.costs[used, np.arange(len(used))].sum())

    def on_all_edges(self, used: Ints, m: int) -> Ints:
        """The sets on the caller's ``m`` edges."""
        sets = np.zeros(m, dtype=np.int64)
        sets[self.edge_ids] = used
        return sets


def _read(
    edges: ArrayLike, cost_by_subset: ArrayLike, sources: Sequence[ArrayLike], root: int
) -> Problem:
    """Check the input and number the nodes that it mentions."""
    ends = _integers(edges, "edges")
    if ends.size == 0:
        ends = ends.reshape(0, 2)
    if ends.ndim != 2 or ends.shape[1] != 2:
        raise ValueError(f"edges must have shape (m, 2), not {ends.shape}.")
    starts = [_integers(nodes, f"sources[{i}]").ravel() for i, nodes in enumerate(sources)]
    costs = _costs(cost_by_subset, len(starts), len(ends))
    mentioned = np.concatenate([_integers([root], "root"), ends.ravel(), *starts])
    if mentioned.min() < 0:
        raise ValueError(f"node numbers must not be negative, found {mentioned.min()}.")
    nodes, number = np.unique(mentioned, return_inverse=True)
    pieces = np.split(number, np.cumsum([1, ends.size, *map(len, starts)])[:-1])
    pairs = pieces[1].reshape(-1, 2)
    usable = (pairs[:, 0] != pairs[:, 1]) & np.isfinite(costs[1:]).any(axis=0)
    return Problem(
        n=len(nodes),
        ends=pairs[usable],
        edge_ids=np.flatnonzero(usable),
        costs=costs[:, usable],
        sources=[np.unique(piece) for piece in pieces[2:]],
        root=int(pieces[0][0]),
        to_root=np.zeros(len(nodes)),
    )


def _integers(values: ArrayLike, name: str) -> Ints:
    array = np.asarray(values)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must hold integer node numbers, not {array.dtype}.")
    return array.astype(np.int64)


def _costs(cost_by_subset: ArrayLike, k: int, m: int) -> Floats:
    if not 1 <= k <= MAX_MEMBERS:
        raise ValueError(f"sources must name 1 to {MAX_MEMBERS} members, not {k}.")
    costs = np.asarray(cost_by_subset, dtype=np.float64)
    if costs.shape != (2**k, m):
        raise ValueError(
            f"cost_by_subset must have shape {(2**k, m)} for {k} members and {m} edges, "
            f"not {costs.shape}."
        )
    if not (costs >= 0).all():
        row, edge = np.argwhere(~(costs >= 0))[0]
        raise ValueError(
            f"cost_by_subset[{row}, {edge}] is {costs[row, edge]}; "
            "costs must be zero, positive or inf."
        )
    if costs[0].any():
        raise ValueError("cost_by_subset[0], the cost of the empty set, must be zero.")
    return costs


def _separate(problem: Problem) -> float:
    """Cost of all separate ways, the first bound of what is cheapest together."""
    arcs = both_ways(problem.n, problem.ends)
    return sum(
        float(
            spread(arcs, problem.costs[1 << i, arcs.edge], start_at(problem.n, nodes))[0][
                problem.root
            ]
        )
        for i, nodes in enumerate(problem.sources)
    )


def _near_root(problem: Problem, cost: float) -> Problem:
    """The part of the problem that an optimum of no more than a cost can visit."""
    arcs = both_ways(problem.n, problem.ends)
    limit = min(cost * (1 + SLACK), problem.limit)
    cheapest = problem.costs[1:].min(axis=0)
    at_root = start_at(problem.n, np.array([problem.root]))
    to_root, _ = spread(arcs, cheapest[arcs.edge], at_root, limit)
    near = to_root <= limit
    kept = near[problem.ends].all(axis=1)
    number = np.cumsum(near) - 1
    return Problem(
        n=int(near.sum()),
        ends=number[problem.ends[kept]],
        edge_ids=problem.edge_ids[kept],
        costs=problem.costs[:, kept],
        sources=[number[nodes[near[nodes]]] for nodes in problem.sources],
        root=int(number[problem.root]),
        to_root=to_root[near],
        limit=limit,
    )


def _fill(problem: Problem) -> tuple[Floats, NDArray[np.int32]]:
    """The table of the dynamic programme and the node before each of its labels.

    Searches with costs reduced by ``to_root`` (Hart, Nilsson and Raphael 1968), so that labels
    which cannot lead to the root within the limit are never made.
    """
    arcs, to_root = both_ways(problem.n, problem.ends), problem.to_root
    lift = to_root[arcs.head] - to_root[arcs.tail]
    best = np.full((len(problem.costs), problem.n), np.inf)
    before = np.full(best.shape, problem.n, dtype=np.int32)
    for subset in range(1, len(best)):
        start = _start(problem, best, subset) + to_root
        arc_costs = np.maximum(problem.costs[subset, arcs.edge] + lift, 0.0)
        reached, before[subset] = spread(arcs, arc_costs, start, problem.limit)
        np.maximum(reached - to_root, 0.0, out=best[subset])
    return best, before


def _start(problem: Problem, best: Floats, subset: int) -> Floats:
    """Cost to have the set together at each node before it moves: a start node or a merge."""
    if subset & (subset - 1) == 0:
        return start_at(problem.n, problem.sources[subset.bit_length() - 1])
    start = np.full(problem.n, np.inf)
    together = np.empty(problem.n)
    for part, rest in splits(subset):
        np.add(best[part], best[rest], out=together)
        np.minimum(start, together, out=start)
    return start


def _trace(problem: Problem, best: Floats, before: NDArray[np.int32], full: int) -> Ints:
    """Walk the table back from the root; the members of ``full`` that use each edge."""
    arcs = both_ways(problem.n, problem.ends)
    used = np.zeros(len(problem.ends), dtype=np.int64)
    labels = [(problem.root, full)] if np.isfinite(best[full, problem.root]) else []
    while labels:
        node, subset = labels.pop()
        previous = int(before[subset, node])
        if previous != problem.n:
            used[edge_between(arcs, problem.costs[subset], previous, node)] |= subset
            labels.append((previous, subset))
        elif subset & (subset - 1):
            cost_at = best[:, node]
            pair = min(splits(subset), key=lambda pair: float(cost_at[pair[0]] + cost_at[pair[1]]))
            labels.extend((node, part) for part in pair)
    return used


def one_way_each(problem: Problem, given: Ints) -> Ints:
    """The sets that remain when each member keeps one way without loops over its given edges."""
    arcs = both_ways(problem.n, problem.ends)
    used = np.zeros_like(given)
    for i, nodes in enumerate(problem.sources):
        weights = np.where(given >> i & 1, 1.0, np.inf)
        _, before = spread(arcs, weights[arcs.edge], start_at(problem.n, nodes))
        node = problem.root
        while before[node] != problem.n:
            previous = int(before[node])
            used[edge_between(arcs, weights, previous, node)] |= 1 << i
            node = previous
    return used


def _certify(problem: Problem, cost: float) -> tuple[float, bool]:
    """Lower bound of the optimum, and whether the cost is proven to reach it."""
    mixed: NDArray[np.bool_] = np.logical_not(np.isfinite(problem.costs).all(axis=0))
    if not np.isfinite(cost):
        if _some_member_cut_off(problem):
            return cost, True
    elif _only_first_edges(problem, mixed) and concave_in_one_demand(problem.costs[:, ~mixed]):
        return cost, True
    ceiling = min(cost * (1 + SLACK), LARGEST)
    lower = replace(problem, costs=concave_minorant(problem.costs), limit=ceiling)
    lower = _near_root(lower, _separate(lower))
    bound = min(float(_fill(lower)[0][-1, lower.root]), cost)
    return bound, bound >= cost * (1 - SLACK)


def _some_member_cut_off(problem: Problem) -> bool:
    """Whether some member has no way to the root in any company."""
    arcs = both_ways(problem.n, problem.ends)
    rows = np.arange(len(problem.costs))
    for i, nodes in enumerate(problem.sources):
        in_any_company = problem.costs[(rows >> i & 1) == 1].min(axis=0)
        reached, _ = spread(arcs, in_any_company[arcs.edge], start_at(problem.n, nodes))
        if not np.isfinite(reached[problem.root]):
            return True
    return False


def _only_first_edges(problem: Problem, mixed: NDArray[np.bool_]) -> bool:
    """Whether every partly closed edge serves one member alone and leaves one of its start nodes.

    A way that enters a start node of its member could start there, so such an edge is only ever
    the first of its member's way and never carries members that have met.
    """
    open_rows = np.isfinite(problem.costs[1:, mixed])
    row = open_rows.argmax(axis=0) + 1 if len(open_rows) else np.zeros(0, dtype=np.int64)
    if (open_rows.sum(axis=0) != 1).any() or (row & (row - 1)).any():
        return False
    starts = {1 << i: set(nodes.tolist()) for i, nodes in enumerate(problem.sources)}
    return all(
        bool((set(pair) - {problem.root}) & starts[subset])
        for pair, subset in zip(problem.ends[mixed].tolist(), row.tolist(), strict=True)
    )

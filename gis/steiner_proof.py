"""Proof of a joint tree by mixed-integer programming, for costs that the table cannot prove.

Members may share, part and meet again here. Each edge chooses one set of members; one unit of
each member flows from its start nodes to the root over edges whose set holds the member. Edges
that a member cannot use in any answer as cheap as the one at hand are left out first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from gis.spread import both_ways, spread, start_at
from gis.steiner import SLACK, JointTree, Problem, one_way_each
from gis.subsets import concave_minorant

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_CHOICES = 100_000
"""Largest number of (edge, set) pairs handed to the solver: some five seconds."""

MOST_WORK = 400_000
"""Choices x nodes of the solver's tree after which it stops, on every machine at the same place.

Nearly all problems are solved at the first node.
"""

SECONDS = 60.0
"""Longest wait for the solver, where nodes take unheard-of long."""


def prove(tree: JointTree) -> JointTree:
    """The tree with a closer bound, or a cheaper one where members gain by parting.

    Proven trees, trees of infinite cost and problems that stay too large come back unchanged.
    The solver stops after ``MOST_WORK``; what it has proven until then counts.
    """
    if tree.proven_optimal or not np.isfinite(tree.cost):
        return tree
    used, bound = _solved(tree.problem, tree.cost)
    if used is not None:
        tree = _better(tree, used)
    return replace(tree, proven_bound=min(max(tree.bound, bound), tree.cost))


def ways_under(problem: Problem, ceiling: float) -> Ints | None:
    """The cheapest sets found on edges that an answer under a ceiling can use; None without any.

    They may cost more than the ceiling.
    """
    return _solved(problem, ceiling)[0]


def _solved(problem: Problem, ceiling: float) -> tuple[Ints | None, float]:
    """The cheapest sets found, and a bound of all that cost no more than a ceiling."""
    model = _model(problem, _open_edges(problem, ceiling))
    choices = len(model.sets)
    if not 0 < choices <= MOST_CHOICES:
        return None, 0.0
    result = milp(
        model.prices,
        integrality=model.whole,
        bounds=Bounds(0, 1),
        constraints=model.rules,
        options={
            "node_limit": max(MOST_WORK // choices, 1),
            "time_limit": SECONDS,
            "mip_rel_gap": 0.0,
        },
    )
    used = None if result.x is None else _ways(problem, model, result.x)
    dual = result.mip_dual_bound
    return used, float(dual) if dual is not None and np.isfinite(dual) else 0.0


def _better(tree: JointTree, used: Ints) -> JointTree:
    cost = tree.problem.cost_of(used)
    if cost >= tree.cost:
        return tree
    coalition_costs = tree.coalition_costs.copy()
    coalition_costs[-1] = cost
    return replace(
        tree,
        cost=cost,
        coalition_costs=coalition_costs,
        subset_of_edge=tree.problem.on_all_edges(used, len(tree.subset_of_edge)),
        proven_bound=tree.bound,
    )


def _open_edges(problem: Problem, cost: float) -> NDArray[np.bool_]:
    """(k, m): whether a member can use an edge in an answer no dearer than ``cost``.

    Costs are at least fixed + the own parts of the members on every edge. An answer in which
    member ``i`` passes edge ``e`` costs at least its way through ``e`` with the fixed parts, and
    the other members' ways with their own parts alone.
    """
    k = len(problem.sources)
    lower = concave_minorant(problem.costs)
    alone = lower[[1 << i for i in range(k)]]
    fixed = np.maximum((alone.sum(axis=0) - lower[-1]) / max(k - 1, 1), 0.0)
    own = np.maximum(alone - fixed, 0.0)
    arcs = both_ways(problem.n, problem.ends)
    at_root = start_at(problem.n, np.array([problem.root]))
    least = np.array(
        [
            spread(arcs, own[i, arcs.edge], start_at(problem.n, nodes))[0][problem.root]
            for i, nodes in enumerate(problem.sources)
        ]
    )
    through = np.empty((k, len(problem.ends)))
    tail, head = problem.ends.T
    for i, nodes in enumerate(problem.sources):
        weights = (own[i] + fixed)[arcs.edge]
        here = spread(arcs, weights, start_at(problem.n, nodes))[0]
        there = spread(arcs, weights, at_root)[0]
        through[i] = own[i] + fixed + np.minimum(here[tail] + there[head], here[head] + there[tail])
    if not np.isfinite(least).all():
        return np.zeros(through.shape, bool)
    others = least.sum() - least
    open_to: NDArray[np.bool_] = through + others[:, None] <= cost * (1 + SLACK)
    return open_to


@dataclass(frozen=True)
class _Model:
    """Columns: one for each (edge, set), then two for each (member, edge), then the starts."""

    edges: Ints
    sets: Ints
    prices: Floats
    whole: Ints
    rules: LinearConstraint


def _model(problem: Problem, open_to: NDArray[np.bool_]) -> _Model:
    k, n = len(problem.sources), problem.n
    reachable = (open_to.T << np.arange(k)).sum(axis=1)
    subsets = np.arange(len(problem.costs))[:, None]
    usable = np.isfinite(problem.costs) & ((subsets & ~reachable) == 0) & (subsets > 0)
    edges, sets = np.nonzero(usable.T)
    member, used = np.nonzero(open_to)
    flows, starts = (
        len(used),
        [np.column_stack([np.full(len(v), i), v]) for i, v in enumerate(problem.sources)],
    )
    first, start = len(sets), np.vstack(starts)
    width = first + 2 * flows + len(start)
    rows, columns, values, following = [], [], [], 0

    def put(row: Ints, column: Ints, value: float) -> None:
        rows.append(row)
        columns.append(column)
        values.append(np.full(len(row), value))

    put(edges, np.arange(first), 1.0)
    following = len(problem.ends)
    row_of = np.full((k, len(problem.ends)), -1)
    row_of[member, used] = following + np.arange(flows)
    for i in range(k):
        holds = np.flatnonzero(sets >> i & 1)
        put(row_of[i, edges[holds]], holds, -1.0)
    there, back = first + np.arange(flows), first + flows + np.arange(flows)
    for way in (there, back):
        put(row_of[member, used], way, 1.0)
    following += flows
    tail, head = problem.ends[used].T
    for way, out, into in ((there, tail, head), (back, head, tail)):
        put(following + member * n + out, way, -1.0)
        put(following + member * n + into, way, 1.0)
    put(following + start[:, 0] * n + start[:, 1], first + 2 * flows + np.arange(len(start)), 1.0)
    height = following + k * n
    matrix = csr_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(height, width),
    )
    upper = np.zeros(height)
    upper[: len(problem.ends)] = 1.0
    upper[following + np.arange(k) * n + problem.root] = 1.0
    lower = np.where(np.arange(height) < following, -np.inf, upper)
    prices = np.zeros(width)
    prices[:first] = problem.costs[sets, edges]
    whole = (np.arange(width) < first).astype(np.int64)
    return _Model(edges, sets, prices, whole, LinearConstraint(matrix, lower, upper))


def _ways(problem: Problem, model: _Model, x: Floats) -> Ints:
    """The sets of one way for each member over the edges chosen for it."""
    chosen = np.flatnonzero(x[: len(model.sets)] > 0.5)
    given = np.zeros(len(problem.ends), dtype=np.int64)
    given[model.edges[chosen]] = model.sets[chosen]
    return one_way_each(problem, given)

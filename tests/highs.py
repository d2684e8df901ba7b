"""A mixed-integer solver as the judge of cheapest ways under caps, and of those of sites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import highspy
import numpy as np
import pytest
from scipy.sparse import coo_matrix, csr_matrix, vstack

from gis.constrained import Constrained, Terminals
from gis.linear import FloatArray, IntArray
from planning.application import Demand
from planning.groundwork import Groundwork, Site
from planning.route_pieces import piece_book
from planning.search_areas import Problem, area_round

REACH_M, DRAWS = 250.0, 4
# Caps lie between what the leanest and the cheapest way use or a little above; some are too low.
_BETWEEN, _TOO_LITTLE = (0.0, 1.2), 0.1
# The solver holds rules within a millionth: caps lie off the sums of the leanest ways.
_CLEAR = 1e-4


def optimum_by_highs(
    ends: IntArray,
    node_count: int,
    cost: FloatArray,
    resources: FloatArray,
    sources: Terminals,
    targets: Terminals,
    caps: FloatArray,
) -> float:
    """Least cost of one unit of flow from the sources to the targets within the caps, or inf."""
    m, k, j = len(ends), len(sources.nodes), len(targets.nodes)
    both = np.concatenate([cost, cost, sources.cost, targets.cost])
    used = np.hstack([resources, resources, sources.resources, targets.resources])
    arc, count = np.arange(2 * m), 2 * m + k + j
    leave, enter = np.concatenate([ends, ends[:, ::-1]]).T
    columns = np.concatenate([arc, arc, 2 * m + np.arange(k + j)])
    nodes = np.concatenate([leave, enter, sources.nodes, targets.nodes])
    signs = np.repeat([-1.0, 1.0, 1.0, -1.0], [2 * m, 2 * m, k, j])
    balance = coo_matrix((signs, (nodes, columns)), shape=(node_count, count))
    start = coo_matrix((np.ones(k), (np.zeros(k, int), 2 * m + np.arange(k))), shape=(1, count))
    rules = csr_matrix(vstack([balance, start, csr_matrix(used.reshape(len(caps), count))]))
    rules.sum_duplicates()
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = count, rules.shape[0]
    model.col_cost_, model.col_lower_, model.col_upper_ = both, np.zeros(count), np.ones(count)
    model.row_lower_ = np.r_[np.zeros(node_count), 1.0, np.full(len(caps), -np.inf)]
    model.row_upper_ = np.r_[np.zeros(node_count), 1.0, caps]
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = rules.indptr.astype(np.int32)
    model.a_matrix_.index_ = rules.indices.astype(np.int32)
    model.a_matrix_.value_ = rules.data
    model.integrality_ = [highspy.HighsVarType.kInteger] * count
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return np.inf
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getInfo().objective_function_value)


def check_capped_ways_of_sites(
    work: Groundwork, wishes: Iterable[tuple[Site, Demand]], rng: np.random.Generator
) -> Counter[str]:
    """Compare the cheapest way of each site under caps with the solver's.

    The caps are on the measures that the policy limits, drawn round what ways over this ground
    use, besides the fall of a gravity line. Returns how many answers were ``free``, ``bound by
    caps``, or refuted by one ``cap`` or by all ``together``.
    """
    kinds: Counter[str] = Counter()
    for site, demand in wishes:
        book = piece_book(work, demand, site)
        caps = book.caps(0)
        if not caps or len(site.end_nodes) == 0:
            continue
        area = area_round(book, site, REACH_M)
        if area.is_empty:
            continue
        problem = Problem.of(area, caps).keeping_fall(site)
        for _ in range(DRAWS):
            capped = _drawn(problem, len(caps), rng)
            if capped is None:
                continue
            answer = capped.solve(np.inf)
            assert answer.proven, site.key
            assert answer.lower_bound == pytest.approx(_optimum(capped), rel=1e-6), site.key
            kinds[_kind(capped, answer)] += 1
    return kinds


def _drawn(problem: Problem, count: int, rng: np.random.Generator) -> Problem | None:
    """The problem with other caps on its first rows; None where no way or no cap can matter."""
    open_caps = np.r_[np.full(count, np.inf), problem.caps[count:]]
    free = replace(problem, caps=open_caps)
    cheapest = free.solve(np.inf).walk
    if cheapest is None:
        return None
    drawn = open_caps.copy()
    for row in range(count):
        only = replace(free, edge_cost=free.edge_rows[row], stub_cost=free.stub_rows[row])
        least, most = only.solve(np.inf).lower_bound, cheapest.resources[row]
        if least > _CLEAR and rng.random() < _TOO_LITTLE:
            drawn[row] = 0.9 * least
        elif most > least + 2 * _CLEAR:
            drawn[row] = least + rng.uniform(*_BETWEEN) * (most - least) + _CLEAR
    return None if (drawn == open_caps).all() else replace(problem, caps=drawn)


def _kind(capped: Problem, answer: Constrained) -> str:
    """What the answer is, checked: a way keeps its caps, a certificate names its reason."""
    if answer.walk is None:
        assert answer.infeasible_because is not None
        return answer.infeasible_because.kind
    assert (np.array(answer.walk.resources) <= capped.caps).all()
    open_caps = np.where(np.arange(len(capped.caps)) < len(capped.names), np.inf, capped.caps)
    free = replace(capped, caps=open_caps).solve(np.inf)
    return "bound by caps" if answer.walk.cost > free.lower_bound + 1e-6 else "free"


def _optimum(problem: Problem) -> float:
    area = problem.area
    return optimum_by_highs(
        area.ends,
        len(area.nodes),
        problem.edge_cost,
        problem.edge_rows,
        Terminals(area.sources, problem.stub_cost, problem.stub_rows),
        Terminals(area.targets, np.zeros(len(area.targets)), problem.end_rows),
        problem.caps,
    )

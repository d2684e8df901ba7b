"""The joint tree against published Steiner optima and a mixed-integer solver."""

from __future__ import annotations

import csv
from pathlib import Path

import highspy
import numpy as np
import pytest

from gis.steiner import cheapest_joint_tree
from gis.steiner_proof import prove
from gis.subsets import demand_of_sets

pytestmark = pytest.mark.slow_first

STEINER = Path(__file__).resolve().parents[3] / "shared" / "data" / "steiner"
MOST_TERMINALS = 11


def small_instances() -> list[tuple[str, int]]:
    if not STEINER.is_dir():
        return []
    with (STEINER / "optima.csv").open(encoding="utf-8") as file:
        return [
            (row["file"], int(row["optimum"]))
            for row in csv.DictReader(file)
            if int(row["terminals"]) <= MOST_TERMINALS
        ]


def read_pace(path: Path) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Edges, weights and terminals of a file in the format of the PACE 2018 challenge."""
    rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    edges = np.array([[int(x) for x in row[1:]] for row in rows if row[:1] == ["E"]])
    return edges[:, :2], edges[:, 2].astype(float), [int(r[1]) for r in rows if r[:1] == ["T"]]


@pytest.mark.shared
@pytest.mark.skipif(not STEINER.is_dir(), reason="the folder ../shared/data/steiner is absent")
def test_there_are_twelve_published_instances_to_compare() -> None:
    assert len(small_instances()) == 12


@pytest.mark.shared
@pytest.mark.skipif(not STEINER.is_dir(), reason="the folder ../shared/data/steiner is absent")
@pytest.mark.parametrize(("name", "optimum"), small_instances())
def test_equals_the_published_steiner_optimum(name: str, optimum: int) -> None:
    edges, weights, (root, *terminals) = read_pace(STEINER / name)
    costs = np.tile(weights, (2 ** len(terminals), 1))
    costs[0] = 0.0
    tree = cheapest_joint_tree(edges, costs, [[t] for t in terminals], root)
    assert tree.cost == optimum
    assert weights[tree.subset_of_edge > 0].sum() == optimum
    assert tree.proven_optimal


def optimum_by_highs(
    edges: np.ndarray, costs: np.ndarray, sources: list[np.ndarray], root: int
) -> float:
    """Least cost over all ways to route the members, sharing, parting and meeting at will.

    One binary says which set uses an edge; one unit of each member flows from a super source to
    the root, over an edge only when the edge's set holds the member.
    """
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 0.0)
    n, m, k = int(edges.max()) + 1, len(edges), len(sources)
    chosen = [[solver.addBinary(obj=float(costs[s, e])) for s in range(1, 2**k)] for e in range(m)]
    for e in range(m):
        solver.addConstr(sum(chosen[e]) <= 1)
    for i in range(k):
        out: list[list[object]] = [[] for _ in range(n)]
        into: list[list[object]] = [[] for _ in range(n)]
        for e, (a, b) in enumerate(edges.tolist()):
            there, back = solver.addVariable(ub=1.0), solver.addVariable(ub=1.0)
            out[a].append(there), into[b].append(there)
            out[b].append(back), into[a].append(back)
            open_to_i = sum(chosen[e][s - 1] for s in range(1, 2**k) if s >> i & 1)
            solver.addConstr(there + back <= open_to_i)
        starts = [solver.addVariable(ub=1.0) for _ in sources[i]]
        solver.addConstr(sum(starts) == 1)
        for node, start in zip(sources[i].tolist(), starts, strict=True):
            into[node].append(start)
        for node in range(n):
            balance = sum(into[node]) - sum(out[node])
            if into[node] or out[node]:
                solver.addConstr(balance == (1 if node == root else 0))
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getInfo().objective_function_value)


def random_problem(seed: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], int]:
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(5, 11)), int(rng.integers(2, 5))
    spine = np.column_stack([[rng.integers(0, i + 1) for i in range(n - 1)], np.arange(1, n)])
    edges = np.vstack([spine, rng.integers(0, n, (n, 2))])
    edges = edges[edges[:, 0] != edges[:, 1]]
    demand = demand_of_sets(rng.uniform(0.2, 3.0, k))[:, None]
    trench, slope = rng.uniform(0, 10, len(edges)), rng.uniform(0.5, 2, len(edges))
    costs = rng.uniform(5, 50, len(edges)) * (trench + slope * demand ** rng.uniform(0.4, 1.0))
    costs[0] = 0.0
    sources = [rng.choice(n, rng.integers(1, 3), replace=False) for _ in range(k)]
    return edges, costs, sources, int(rng.integers(0, n))


@pytest.mark.parametrize("seed", range(50))
def test_equals_the_mixed_integer_optimum_when_costs_are_concave(seed: int) -> None:
    problem = random_problem(seed)
    tree = cheapest_joint_tree(*problem)
    assert tree.cost == pytest.approx(optimum_by_highs(*problem), rel=1e-6)


@pytest.mark.parametrize("seed", range(15))
def test_bound_and_cost_enclose_the_mixed_integer_optimum_for_any_costs(seed: int) -> None:
    edges, costs, sources, root = random_problem(seed)
    costs = costs * np.random.default_rng(seed).uniform(0.5, 1.5, costs.shape)
    tree = cheapest_joint_tree(edges, costs, sources, root)
    optimum = optimum_by_highs(edges, costs, sources, root)
    assert tree.bound <= optimum * (1 + 1e-6)
    assert tree.cost >= optimum * (1 - 1e-6)
    if tree.proven_optimal:
        assert tree.cost == pytest.approx(optimum, rel=1e-6)


def test_sharing_parting_and_meeting_others_can_beat_every_tree_of_merges() -> None:
    needs = ["ax", "ay", "bx", "bz"]
    worth = {"a": 10.0, "b": 10.0, "x": 5.0, "y": 10.0, "z": 10.0}
    sets = [set("".join(needs[i] for i in range(4) if s >> i & 1)) for s in range(16)]
    per_metre = np.array([sum(worth[need] for need in chosen) for chosen in sets])
    edges = np.array([(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)])
    costs = per_metre[:, None] * np.array([1.0, 0.5, 0.5, 1.0, 1.0])
    sources = [np.array([node]) for node in (0, 2, 0, 3)]
    assert optimum_by_highs(edges, costs, sources, 4) == pytest.approx(90.0)
    assert cheapest_joint_tree(edges, costs, sources, 4).cost == pytest.approx(92.5)


def rising(costs: np.ndarray) -> np.ndarray:
    """No set dearer than a set that holds it."""
    risen = costs.copy()
    for subset in range(1, len(costs)):
        above = [s for s in range(len(costs)) if s & subset == subset]
        risen[subset] = costs[above].min(axis=0)
    return risen


@pytest.mark.parametrize("seed", range(25))
def test_the_proof_reaches_the_optimum_for_any_rising_costs(seed: int) -> None:
    edges, costs, sources, root = random_problem(seed)
    costs = rising(costs * np.random.default_rng(seed).uniform(0.5, 1.5, costs.shape))
    tree = prove(cheapest_joint_tree(edges, costs, sources, root))
    optimum = optimum_by_highs(edges, costs, sources, root)
    assert tree.cost == pytest.approx(optimum, rel=1e-6)
    assert tree.bound == pytest.approx(optimum, rel=1e-6)
    assert tree.proven_optimal
    assert tree.coalition_costs[-1] == tree.cost


def test_the_proof_finds_the_answer_in_which_members_part() -> None:
    needs = ["ax", "ay", "bx", "bz"]
    worth = {"a": 10.0, "b": 10.0, "x": 5.0, "y": 10.0, "z": 10.0}
    sets = [set("".join(needs[i] for i in range(4) if s >> i & 1)) for s in range(16)]
    per_metre = np.array([sum(worth[need] for need in chosen) for chosen in sets])
    edges = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)]
    costs = per_metre[:, None] * np.array([1.0, 0.5, 0.5, 1.0, 1.0])
    tree = prove(cheapest_joint_tree(edges, costs, [[0], [2], [0], [3]], 4))
    assert tree.cost == pytest.approx(90.0)
    assert tree.proven_optimal
    assert tree.subset_of_edge.tolist() == [0b101, 0b001, 0b100, 0b011, 0b1100]

"""Paper cases and properties of the joint tree."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.steiner import cheapest_joint_tree
from gis.subsets import demand_of_sets


def trench_and_pipes(lengths: Any, trench: Any, pipes: Any) -> np.ndarray:
    """Cost of each edge for each set: length x (trench + the pipes of the set)."""
    costs = np.asarray(lengths) * (np.asarray(trench) + demand_of_sets(np.asarray(pipes))[:, None])
    costs[0] = 0.0
    return costs


def test_two_members_share_the_stem_of_a_y() -> None:
    # a(0) and b(1) meet at 2, the root is 3; arms 10 m, stem 20 m; trench 5, pipes 1 and 2 a metre.
    # arms 10 x 6 + 10 x 7, stem 20 x (5 + 1 + 2) = 130 + 160 = 290; apart 30 x 6 + 30 x 7 = 390.
    costs = trench_and_pipes([10.0, 10.0, 20.0], 5.0, [1.0, 2.0])
    tree = cheapest_joint_tree([(0, 2), (1, 2), (2, 3)], costs, [[0], [1]], 3)
    assert tree.cost == 290
    assert tree.subset_of_edge.tolist() == [1, 2, 3]
    assert tree.coalition_costs.tolist() == [0, 180, 210, 290]
    assert tree.proven_optimal
    assert tree.bound == 290
    assert tree.gap == 0


def test_a_member_takes_a_longer_way_to_join_a_trench() -> None:
    # From 1 straight to the root 9 x 11 = 99; by way of 0: own 2 x 11 + 10 more pipe metres = 32.
    costs = trench_and_pipes([10.0, 9.0, 2.0], 10.0, [1.0, 1.0])
    tree = cheapest_joint_tree([(0, 2), (1, 2), (0, 1)], costs, [[0], [1]], 2)
    assert tree.subset_of_edge.tolist() == [0, 3, 1]
    assert tree.cost == 9 * 12 + 2 * 11


def test_one_member_pays_its_shortest_path() -> None:
    costs = np.array([[0.0, 0.0, 0.0], [3.0, 4.0, 8.0]])
    tree = cheapest_joint_tree([(0, 1), (1, 2), (0, 2)], costs, [[0]], 2)
    assert (tree.cost, tree.subset_of_edge.tolist()) == (7.0, [1, 1, 0])
    assert tree.proven_optimal


def test_a_source_at_the_root_costs_nothing() -> None:
    costs = trench_and_pipes([5.0], 2.0, [1.0, 1.0])
    tree = cheapest_joint_tree([(0, 1)], costs, [[1, 0], [0]], 1)
    assert tree.cost == 15
    assert tree.coalition_costs.tolist() == [0, 0, 15, 15]
    assert tree.subset_of_edge.tolist() == [2]


def test_no_edges_and_all_members_at_the_root_cost_nothing() -> None:
    tree = cheapest_joint_tree(np.zeros((0, 2), dtype=int), np.zeros((4, 0)), [[7], [7]], 7)
    assert tree.cost == 0
    assert tree.proven_optimal


def test_an_unreachable_member_makes_the_cost_infinite_and_that_is_proven() -> None:
    costs = trench_and_pipes([5.0, 5.0], 2.0, [1.0, 1.0])
    tree = cheapest_joint_tree([(0, 1), (2, 3)], costs, [[0], [2]], 1)
    assert tree.cost == np.inf
    assert tree.coalition_costs.tolist() == [0, 15, np.inf, np.inf]
    assert not tree.subset_of_edge.any()
    assert tree.proven_optimal


def test_a_member_without_start_nodes_is_unreachable() -> None:
    tree = cheapest_joint_tree([(0, 1)], trench_and_pipes([5.0], 2.0, [1.0, 1.0]), [[0], []], 1)
    assert tree.cost == np.inf


def test_the_cheaper_of_parallel_edges_is_used_for_each_set() -> None:
    # Alone edge 0 costs 3 and edge 1 costs 4; together edge 0 costs 6 and edge 1 costs 5.
    costs = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0], [6.0, 5.0]])
    tree = cheapest_joint_tree([(0, 1), (1, 0)], costs, [[0], [0]], 1)
    assert (tree.cost, tree.subset_of_edge.tolist()) == (5.0, [0, 3])
    alone = cheapest_joint_tree([(0, 1), (1, 0)], costs[:2], [[0]], 1)
    assert (alone.cost, alone.subset_of_edge.tolist()) == (3.0, [1, 0])


def test_loops_are_never_used() -> None:
    costs = trench_and_pipes([0.0, 5.0], 1.0, [1.0, 1.0])
    tree = cheapest_joint_tree([(0, 0), (0, 1)], costs, [[0], [0]], 1)
    assert tree.subset_of_edge.tolist() == [0, 3]


def test_edges_of_no_cost_are_edges() -> None:
    costs = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    tree = cheapest_joint_tree([(0, 1), (1, 2), (0, 2)], costs, [[0]], 2)
    assert tree.cost == 0
    assert tree.subset_of_edge.tolist() == [1, 1, 0]


def test_a_connector_of_one_member_keeps_the_proof() -> None:
    # 0-1 may only carry member 0, from its start node 0.
    costs = trench_and_pipes([10.0, 10.0], 5.0, [1.0, 2.0])
    costs[[2, 3], 0] = np.inf
    tree = cheapest_joint_tree([(0, 1), (1, 2)], costs, [[0], [1]], 2)
    assert tree.cost == 60 + 80
    assert tree.proven_optimal


def test_an_edge_too_narrow_for_both_is_not_called_proven() -> None:
    # On 0-1 both together have no room; each alone has: the table then digs twice at its price.
    costs = trench_and_pipes([10.0, 30.0], 5.0, [1.0, 1.0])
    costs[3, 0] = np.inf
    tree = cheapest_joint_tree([(0, 1), (0, 1)], costs, [[0], [0]], 1)
    assert not tree.proven_optimal
    assert tree.bound <= tree.cost


def members_that_part_and_meet() -> tuple[Any, np.ndarray, list[list[int]], int, float]:
    """Subadditive costs whose optimum shares, parts and meets others: no tree of merges.

    Members 0 and 2 start at 0 and share 0-1; then 0 runs with 1 (from 2) and 2 with 3 (from 3),
    because 0 and 1 need the same thing (a), 2 and 3 another (b). A set costs what its members
    need: 0 {a, x}, 1 {a, y}, 2 {b, x}, 3 {b, z}, with a, b, y, z = 10 and x = 5. Lengths: 0-1 1,
    1-2 and 1-3 0.5, 2-4 and 3-4 1. Optimum 1 x 25 + 0.5 x (15 + 15) + 1 x (25 + 25) = 90.
    """
    needs = ["ax", "ay", "bx", "bz"]
    worth = {"a": 10.0, "b": 10.0, "x": 5.0, "y": 10.0, "z": 10.0}
    per_metre = [
        sum(worth[need] for need in set("".join(needs[i] for i in range(4) if s >> i & 1)))
        for s in range(16)
    ]
    costs = np.array(per_metre)[:, None] * np.array([1.0, 0.5, 0.5, 1.0, 1.0])
    edges = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)]
    return edges, costs, [[0], [2], [0], [3]], 4, 90.0


def test_subadditive_costs_alone_prove_nothing() -> None:
    edges, costs, sources, root, optimum = members_that_part_and_meet()
    tree = cheapest_joint_tree(edges, costs, sources, root)
    assert tree.cost == pytest.approx(92.5)
    assert not tree.proven_optimal
    assert tree.bound <= optimum
    assert 0 < tree.gap < 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edges": [(0, 1, 2)]}, "shape"),
        ({"edges": [(0.5, 1.0)]}, "integer"),
        ({"edges": [(-1, 1)]}, "negative"),
        ({"cost_by_subset": np.zeros((3, 1))}, r"\(4, 1\)"),
        ({"cost_by_subset": [[0.0], [1.0], [np.nan], [1.0]]}, r"\[2, 0\] is nan"),
        ({"cost_by_subset": [[0.0], [1.0], [-2.0], [1.0]]}, r"\[2, 0\] is -2.0"),
        ({"cost_by_subset": [[1.0], [1.0], [1.0], [1.0]]}, "empty set"),
        ({"sources": []}, "1 to 12 members"),
        ({"sources": [[0.5], [0]]}, r"sources\[0\]"),
        ({"root": 1.5}, "root"),
    ],
)
def test_bad_input_is_refused_with_its_place(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "edges": [(0, 1)],
        "cost_by_subset": [[0.0], [1.0], [1.0], [1.0]],
        "sources": [[0], [0]],
        "root": 1,
    }
    with pytest.raises(ValueError, match=message):
        cheapest_joint_tree(**(good | change))


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], int]:
    """A connected graph with loops and parallel edges, whole lengths, trench and pipe prices."""
    n, k = draw(st.integers(2, 9)), draw(st.integers(1, 4))
    spine = [(draw(st.integers(0, i)), i + 1) for i in range(n - 1)]
    node = st.integers(0, n - 1)
    edges = np.array(spine + draw(st.lists(st.tuples(node, node), max_size=10)))
    lengths = draw(st.lists(st.integers(0, 20), min_size=len(edges), max_size=len(edges)))
    trench = draw(st.lists(st.integers(0, 9), min_size=len(edges), max_size=len(edges)))
    pipes = draw(st.lists(st.integers(0, 5), min_size=k, max_size=k))
    sources = [np.array(draw(st.lists(node, min_size=1, max_size=3))) for _ in range(k)]
    return edges, trench_and_pipes(lengths, trench, pipes), sources, draw(node)


@given(problems(), st.integers(0, 8), st.integers(0, 8), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_another_edge_never_makes_the_optimum_dearer(
    problem: Any, tail: int, head: int, price: int
) -> None:
    edges, costs, sources, root = problem
    more = np.full((len(costs), 1), float(price))
    more[0] = 0.0
    before = cheapest_joint_tree(edges, costs, sources, root)
    after = cheapest_joint_tree(
        np.vstack([edges, [(tail, head)]]), np.hstack([costs, more]), sources, root
    )
    assert (after.coalition_costs <= before.coalition_costs + 1e-9).all()


@given(problems())
@settings(max_examples=60, deadline=None)
def test_coalitions_rise_and_singles_are_shortest_paths(problem: Any) -> None:
    edges, costs, sources, root = problem
    tree = cheapest_joint_tree(edges, costs, sources, root)
    value = tree.coalition_costs
    for subset in range(len(value)):
        for i in range(len(sources)):
            assert value[subset] <= value[subset | 1 << i] + 1e-9
            assert value[subset | 1 << i] <= value[subset] + value[1 << i] + 1e-9
    for i, nodes in enumerate(sources):
        graph = nx.MultiGraph()
        graph.add_nodes_from(range(9))
        graph.add_weighted_edges_from(
            (int(a), int(b), float(w)) for (a, b), w in zip(edges, costs[1 << i], strict=True)
        )
        reached = nx.single_source_dijkstra_path_length(graph, root)
        assert value[1 << i] == pytest.approx(min(reached[int(v)] for v in nodes), abs=1e-9)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_the_edges_used_join_every_member_to_the_root_and_add_up(problem: Any) -> None:
    edges, costs, sources, root = problem
    tree = cheapest_joint_tree(edges, costs, sources, root)
    used = tree.subset_of_edge
    assert tree.proven_optimal
    assert tree.cost == pytest.approx(costs[used, np.arange(len(used))].sum())
    assert tree.cost == pytest.approx(tree.bound)
    for i, nodes in enumerate(sources):
        graph = nx.MultiGraph(
            [tuple(e) for e, s in zip(edges.tolist(), used, strict=True) if s >> i & 1]
        )
        graph.add_nodes_from([root, *nodes.tolist()])
        start = [int(v) for v in nodes if nx.has_path(graph, int(v), root)]
        assert start
        if graph.number_of_edges():  # one way: two ends, every other node passed once
            degrees = dict(graph.degree())
            ends = {node for node, degree in degrees.items() if degree == 1}
            assert root in ends
            assert len(ends) == 2
            assert max(degrees.values()) <= 2


@given(problems(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_renumbering_nodes_and_turning_edges_changes_nothing(problem: Any, random: Any) -> None:
    edges, costs, sources, root = problem
    label = np.array(random.sample(range(10**9), 9))
    before = cheapest_joint_tree(edges, costs, sources, root)
    after = cheapest_joint_tree(
        label[edges][:, ::-1], costs, [label[nodes] for nodes in sources], int(label[root])
    )
    assert after.coalition_costs == pytest.approx(before.coalition_costs, abs=1e-9)

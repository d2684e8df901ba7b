"""Trees whose edges have room for their members: paper cases, and brute force over all ways."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gis.steiner_proof as steiner_proof
import gis.steiner_room as steiner_room
from gis.steiner import JointTree, cheapest_joint_tree
from gis.steiner_room import cheapest_tree_with_room, crowded
from gis.subsets import demand_of_sets

TRENCH = 10.0


def costs_of(lengths: Any, pipes: Any) -> Any:
    """A trench of 10 a metre, whoever lies in it, and a pipe of each member."""
    rate = demand_of_sets(np.asarray(pipes, float)) + TRENCH
    rate[0] = 0.0
    return rate[:, None] * np.asarray(lengths, float)


def room_for(members_held: Any, k: int) -> Any:
    """Sets that edges hold, each up to a number of members."""
    size = np.array([subset.bit_count() for subset in range(2**k)])
    return size[:, None] <= np.asarray(members_held)


def with_room(edges: Any, lengths: Any, pipes: Any, held: Any, sources: Any) -> Any:
    """The tree to node 0 without the limit, and that with it."""
    edges, costs = np.array(edges), costs_of(lengths, pipes)
    free = cheapest_joint_tree(edges, costs, sources, 0)
    return free, cheapest_tree_with_room(free, edges, costs, held, sources, 0)


# Two sides of a street from node 1 to the parcel (0): 10 m that hold two members, and 40 m.
SIDES = [(0, 1), (0, 1)]
STARTS = [[1], [1], [1]]


def test_of_three_where_two_fit_the_lightest_goes_over() -> None:
    # All on the near side 10 x (10 + 1 + 2 + 3) = 160. Over goes 0, with the least pipe:
    # 10 x (10 + 2 + 3) + 40 x (10 + 1) = 590; 1 instead of 0 costs 620, all three over 640.
    free, tree = with_room(SIDES, [10, 40], [1, 2, 3], room_for([2, 3], 3), STARTS)
    assert free.cost == pytest.approx(160)
    assert tree.cost == pytest.approx(590)
    assert tree.subset_of_edge.tolist() == [0b110, 0b001]
    assert tree.proven_optimal
    assert tree.gap == 0.0
    assert tree.coalition_costs[-1] == tree.cost


def test_all_go_over_where_the_other_side_is_hardly_longer() -> None:
    # On 12 m all share one trench: 12 x 16 = 192; one alone there costs 150 - 30 + 132 and more.
    _free, tree = with_room(SIDES, [10, 12], [1, 2, 3], room_for([2, 3], 3), STARTS)
    assert tree.cost == pytest.approx(192)
    assert tree.subset_of_edge.tolist() == [0, 0b111]


def test_a_tree_that_fits_is_left_as_it_is() -> None:
    free, tree = with_room(SIDES, [10, 40], [1, 2, 3], room_for([3, 3], 3), STARTS)
    assert tree is free


def test_where_no_side_has_room_there_is_no_tree() -> None:
    _free, tree = with_room(SIDES, [10, 40], [1, 2, 3], room_for([1, 1], 3), STARTS)
    assert tree is None


def test_a_known_answer_counts_where_no_tree_may_be_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without any branch the proof betters the known answer, 620, to the cheapest of 590."""
    monkeypatch.setattr(steiner_room, "MOST_TREES", 0)
    edges, costs = np.array(SIDES), costs_of([10, 40], [1, 2, 3])
    held = room_for([2, 3], 3)
    free = cheapest_joint_tree(edges, costs, STARTS, 0)
    tree = cheapest_tree_with_room(
        free, edges, costs, held, STARTS, 0, known=[np.array([0b101, 0b010])]
    )
    assert tree is not None
    assert tree.cost == pytest.approx(590)


def test_the_solver_finds_a_tree_where_no_branch_may_be_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steiner_room, "MOST_TREES", 0)
    _free, tree = with_room(SIDES, [10, 12], [1, 2, 3], room_for([2, 2], 3), STARTS)
    assert tree is not None
    assert tree.cost == pytest.approx(282)  # 10 x (10 + 2 + 3) + 12 x (10 + 1)
    assert tree.proven_optimal
    monkeypatch.setattr(steiner_room, "CEILINGS", ())
    assert with_room(SIDES, [10, 12], [1, 2, 3], room_for([2, 2], 3), STARTS)[1] is None


def test_without_time_for_the_proof_the_bound_and_the_gap_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steiner_proof, "SECONDS", 0.0)
    edges, costs = np.array(SIDES), costs_of([10, 40], [1, 2, 3])
    free = cheapest_joint_tree(edges, costs, STARTS, 0)
    tree = cheapest_tree_with_room(free, edges, costs, room_for([2, 3], 3), STARTS, 0)
    assert tree is not None
    assert free.cost <= tree.bound <= tree.cost
    assert tree.gap == pytest.approx(1 - tree.bound / tree.cost)


def ways(edges: Any, start: int) -> Iterator[tuple[int, ...]]:
    """Every way without loops from a node to node 0, as edge numbers."""

    def on(node: int, seen: frozenset[int]) -> Iterator[tuple[int, ...]]:
        if node == 0:
            yield ()
            return
        for number, (one, two) in enumerate(edges):
            if node in (one, two) and one != two:
                there = two if node == one else one
                if there not in seen:
                    yield from ((number, *rest) for rest in on(there, seen | {there}))

    yield from on(start, frozenset([start]))


def cheapest_of_all(edges: Any, costs: Any, held: Any, sources: Any) -> float:
    """The cheapest of all choices of one way for each member that have room."""
    best, at = np.inf, np.arange(len(edges))
    each = [[way for start in starts for way in ways(edges, start)] for starts in sources]
    for chosen in product(*each):
        used = np.zeros(len(edges), np.int64)
        for member, way in enumerate(chosen):
            used[list(way)] |= 1 << member
        if held[used, at].all():
            best = min(best, float(costs[used, at].sum()))
    return best


@st.composite
def streets(draw: st.DrawFn) -> tuple[Any, ...]:
    """A ladder of two sides of a street with crossings, some stretches of it narrow."""
    rungs, k = draw(st.integers(2, 4)), draw(st.integers(2, 3))
    side = [(2 * i + s, 2 * i + 2 + s) for i in range(rungs - 1) for s in (0, 1)]
    edges = [*side, *((2 * i, 2 * i + 1) for i in range(rungs))]
    lengths = [draw(st.integers(5, 40)) for _ in edges]
    pipes = [draw(st.integers(1, 9)) for _ in range(k)]
    most = [draw(st.integers(1, k)) for _ in side] + [k] * rungs
    sources = [[draw(st.integers(1, 2 * rungs - 1))] for _ in range(k)]
    return edges, lengths, pipes, room_for(most, k), sources


@given(streets())
@settings(deadline=None, max_examples=150, derandomize=True)
def test_the_tree_is_the_cheapest_of_all_ways_that_have_room(street: tuple[Any, ...]) -> None:
    edges, lengths, pipes, held, sources = street
    _free, tree = with_room(*street)
    cheapest = cheapest_of_all(edges, costs_of(lengths, pipes), held, sources)
    if tree is None:
        assert cheapest == np.inf
        return
    assert isinstance(tree, JointTree)
    assert not len(crowded(held, tree.subset_of_edge))
    assert tree.bound <= cheapest * (1 + 1e-6)
    assert tree.cost >= cheapest * (1 - 1e-9)
    assert tree.cost == pytest.approx(cheapest if tree.proven_optimal else tree.cost)
    assert tree.proven_optimal  # so small a problem is always proven

"""Splits of sets, and which costs keep members together."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from gis.subsets import concave_in_one_demand, concave_minorant, demand_of_sets, members, splits


def test_splits_name_every_pair_of_parts_once() -> None:
    assert list(splits(0b111)) == [(5, 2), (3, 4), (1, 6)]
    assert list(splits(0b100)) == []
    pairs = list(splits(0b11111))
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) == 15
    assert all(a & b == 0 and a | b == 0b11111 for a, b in pairs)


def test_members_are_the_bits_of_a_set() -> None:
    assert members(0b1011) == [0, 1, 3]
    assert members(0) == []


def test_trench_plus_pipes_and_equal_costs_are_concave_in_one_demand() -> None:
    pipes = demand_of_sets(np.array([0.0, 2.0, 5.0]))[:, None]
    costs = np.array([[3.0, 8.0]]) + pipes * np.array([[1.0, 4.0]])
    costs[0] = 0.0
    assert concave_in_one_demand(costs)
    equal = np.ones((8, 2))
    equal[0] = 0.0
    assert concave_in_one_demand(equal)


def test_a_set_dearer_than_its_demand_says_breaks_concavity() -> None:
    costs = demand_of_sets(np.array([1.0, 1.0, 1.0]))[:, None] + 4.0
    costs[0] = 0.0
    costs[0b011] += 0.5
    assert not concave_in_one_demand(costs)


@given(st.lists(st.one_of(st.integers(0, 50), st.just(np.inf)), min_size=14, max_size=14))
def test_the_minorant_is_concave_and_nowhere_above_the_costs(values: list[float]) -> None:
    costs = np.vstack([np.zeros(2), np.array(values, dtype=float).reshape(7, 2)])
    assume(np.isfinite(costs[1:]).any(axis=0).all())  # what nobody may use is no edge
    lower = concave_minorant(costs)
    assert (lower <= costs + 1e-9).all()
    assert (lower >= 0).all()
    assert np.isfinite(lower).all()
    assert concave_in_one_demand(lower)

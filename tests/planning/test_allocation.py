"""Shapley shares: paper games, sums, ceilings and fairness."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.allocation import allocate, shapley_values


def test_two_members_split_their_saving_in_half() -> None:
    # alone 6 and 4, together 8: the saving of 2 is halved
    result = allocate(["water", "gas"], [0, 6, 4, 8])
    assert [share.shapley_yuan for share in result.shares] == [5, 3]
    assert [share.stand_alone_yuan for share in result.shares] == [6, 4]
    assert [share.saving_yuan for share in result.shares] == [1, 1]
    assert (result.subadditive, result.within_ceilings, result.in_core) == (True, True, True)


def test_the_airport_game_gives_each_part_to_those_who_need_it() -> None:
    # Littlechild and Owen (1973): needs 1, 2, 4, cost is the largest need.
    # 1/3, then 1/3 + 1/2, then 1/3 + 1/2 + 2
    costs = [max([(1.0, 2.0, 4.0)[i] for i in range(3) if s >> i & 1], default=0) for s in range(8)]
    assert shapley_values(costs) == pytest.approx([1 / 3, 5 / 6, 17 / 6])


def test_a_game_that_is_dearer_together_says_so() -> None:
    result = allocate(["water", "gas"], [0, 6, 4, 12])
    assert not result.subadditive
    assert not result.within_ceilings
    assert not result.in_core
    assert sum(share.shapley_yuan for share in result.shares) == pytest.approx(12)


def test_shares_can_stay_under_the_ceilings_and_yet_leave_the_core() -> None:
    # any two together cost 10 (as one alone), all three 18: two would rather leave the third
    result = allocate(["water", "gas", "power"], [0, 10, 10, 10, 10, 10, 10, 18])
    assert result.within_ceilings
    assert not result.in_core


@pytest.mark.parametrize("costs", [[0.0], [0, 1, 2], [1, 2, 3, 4], [0, 1, np.inf, 2], [[0, 1]]])
def test_costs_that_are_no_game_are_refused(costs: list[float]) -> None:
    with pytest.raises(ValueError, match="coalition costs"):
        shapley_values(costs)


def test_names_must_fit_the_game() -> None:
    with pytest.raises(ValueError, match="3 members need 8"):
        allocate(["water", "gas", "power"], [0, 1, 1, 1])


games = (
    st.integers(1, 4)
    .flatmap(lambda k: st.lists(st.integers(0, 100), min_size=2**k - 1, max_size=2**k - 1))
    .map(lambda values: [0.0, *map(float, values)])
)


@given(games)
def test_shapley_is_the_mean_over_all_orders_and_sums_to_the_total(costs: list[float]) -> None:
    k = len(costs).bit_length() - 1
    total = np.zeros(k)
    orders = list(permutations(range(k)))
    for order in orders:
        together = 0
        for i in order:
            total[i] += costs[together | 1 << i] - costs[together]
            together |= 1 << i
    values = shapley_values(costs)
    assert values == pytest.approx(total / len(orders))
    assert values.sum() == pytest.approx(costs[-1])


@given(games)
def test_a_subadditive_game_keeps_every_share_under_its_ceiling(costs: list[float]) -> None:
    names = [f"member {i}" for i in range(len(costs).bit_length() - 1)]
    result = allocate(names, costs)
    assert result.within_ceilings or not result.subadditive
    assert result.subadditive or not result.in_core or result.within_ceilings


def test_what_giving_way_costs_is_borne_by_what_each_saves() -> None:
    # Shapley values 5 and 3 of 8; dug apart where there is room 9 and 4: they save 4 and 1, and
    # bear four fifths and one fifth of the 2.5 that the plan with room costs more.
    result = allocate(["a", "b"], [0, 6, 4, 8], total_yuan=10.5, alone_yuan=[9, 4])
    assert [share.shapley_yuan for share in result.shares] == pytest.approx([7.0, 3.5])
    assert [share.stand_alone_yuan for share in result.shares] == [9, 4]
    assert result.total_yuan == 10.5
    assert result.within_ceilings


def test_nobody_is_paid_for_joining_though_two_have_less_room_than_three() -> None:
    """The first and third find a costly way apart, and all three share a trench: two take that."""
    apart = [0.0, 5493.3, 159.9, 5653.2, 4722.8, 10216.1, 4875.9, 9504.7]
    together = [*apart[:5], 9504.7, *apart[6:]]
    paid = [share.shapley_yuan for share in allocate(["a", "b", "c"], apart).shares]
    assert paid == pytest.approx(shapley_values(together))
    assert min(paid) > 0
    assert shapley_values(apart).min() < 0


@given(games)
def test_no_share_is_negative(costs: list[float]) -> None:
    names = [f"member {i}" for i in range(len(costs).bit_length() - 1)]
    assert min(share.shapley_yuan for share in allocate(names, costs).shares) >= -1e-9

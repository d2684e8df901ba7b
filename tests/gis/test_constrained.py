"""Paper cases, certificates, alternatives and refusals of the constrained search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gis.constrained import (
    Certificate,
    Terminals,
    Walk,
    cheapest_within,
    k_distinct,
    pareto,
)

# A block of streets: 0 is the main, 3 the parcel.
#   north side 0-1-3: 2 x 100 m, 10 yuan/m, no green
#   south side 0-2-3: 2 x  80 m, 20 yuan/m, no green
#   through the park 0-3: 120 m, 5 yuan/m, 90 m2 green
ENDS = np.array([(0, 1), (1, 3), (0, 2), (2, 3), (0, 3)])
LENGTH = np.array([100.0, 100, 80, 80, 120])
COST = np.array([1000.0, 1000, 1600, 1600, 600])
GREEN = np.array([0.0, 0, 0, 0, 90])
NORTH, SOUTH, PARK = (0, 1), (2, 3), (4,)


def ask(caps: Any, **options: Any) -> Any:
    resources = np.array([LENGTH, GREEN])
    start, goal = Terminals.at([0], 2), Terminals.at([3], 2)
    return cheapest_within(ENDS, 4, COST, resources, start, goal, caps, **options)


@pytest.mark.parametrize(
    ("length", "green", "edges", "cost"),
    [
        (np.inf, np.inf, PARK, 600.0),
        (np.inf, 89.0, NORTH, 2000.0),
        (np.inf, 90.0, PARK, 600.0),  # limits are inclusive
        (199.0, 50.0, SOUTH, 3200.0),
        (200.0, 50.0, NORTH, 2000.0),
    ],
)
def test_the_cheapest_way_within_the_caps(
    length: float, green: float, edges: tuple[int, ...], cost: float
) -> None:
    answer = ask([length, green])
    assert answer.walk.edges == edges
    assert answer.walk.cost == answer.lower_bound == cost
    assert answer.walk.resources == (LENGTH[list(edges)].sum(), GREEN[list(edges)].sum())
    assert answer.proven
    assert answer.infeasible_because is None


def test_a_cap_below_the_shortest_way_is_named_with_the_least_value() -> None:
    answer = ask([119.0, np.inf])
    assert (answer.walk, answer.proven, answer.lower_bound) == (None, True, np.inf)
    assert answer.infeasible_because == Certificate("cap", 0, 120.0)


def test_caps_that_contradict_one_another_are_named_together() -> None:
    # Without green 160 m at least, within 150 m only through the park.
    assert ask([150.0, 0.0]).infeasible_because == Certificate("together")


def test_a_price_limit_below_every_way_is_named() -> None:
    assert ask([np.inf, np.inf], dearest=599.0).infeasible_because == Certificate(
        "dearest", None, 600.0
    )
    assert ask([np.inf, np.inf], dearest=600.0).walk.edges == PARK
    assert ask([np.inf, 0.0], dearest=1999.0).infeasible_because == Certificate("together")


def test_a_cap_below_zero_is_kept_by_no_way() -> None:
    assert ask([np.inf, -0.01]).infeasible_because == Certificate("cap", 1, 0.0)


def test_parts_that_are_not_joined_have_no_path() -> None:
    none = Terminals.at([2], 1)
    answer = cheapest_within(
        np.array([(0, 1), (2, 3)]), 4, np.ones(2), np.ones((1, 2)), Terminals.at([0], 1), none, [9]
    )
    assert answer.infeasible_because == Certificate("no_path")


@pytest.mark.parametrize("count", [0, 1])
def test_no_source_no_target_or_no_edge_is_no_path(count: int) -> None:
    few, one = Terminals.at(np.arange(count), 1), Terminals.at([1], 1)
    nothing = cheapest_within(
        np.empty((0, 2), int), 2, np.empty(0), np.empty((1, 0)), few, one, [5.0]
    )
    assert nothing.infeasible_because == Certificate("no_path")
    assert cheapest_within(ENDS, 4, COST, [LENGTH], few, Terminals.at([], 1), [500.0]).walk is None


def test_a_source_on_the_target_needs_no_edge() -> None:
    there = Terminals(np.array([3]), np.array([40.0]), np.array([[4.0], [1.0]]))
    answer = cheapest_within(
        ENDS, 4, COST, np.array([LENGTH, GREEN]), there, Terminals.at([3], 2), [4.0, 1.0]
    )
    assert answer.walk.edges == ()
    assert (answer.walk.cost, answer.walk.resources) == (40.0, (4.0, 1.0))


def test_stubs_count_and_the_better_source_and_target_are_told() -> None:
    # Source 1 joins node 0 with 15 m, source 0 with 70 m; target 2 has the shorter connector.
    sources = Terminals(np.array([0, 0]), np.array([1.0, 150.0]), np.array([[70.0, 15]]))
    targets = Terminals(
        np.array([3, 2, 3]), np.array([5.0, np.inf, 9.0]), np.array([[30.0, 1, 20]])
    )
    near = cheapest_within(ENDS, 4, COST, [LENGTH], sources, targets, [160.0])
    # 15 + 120 + 20 = 155 m; with source 0 it would be 210 m, with target 0 165 m.
    assert (near.walk.source, near.walk.edges, near.walk.target) == (1, PARK, 2)
    assert (near.walk.cost, near.walk.resources) == (759.0, (155.0,))
    far = cheapest_within(ENDS, 4, COST, [LENGTH], sources, targets, [np.inf])
    assert (far.walk.source, far.walk.target, far.walk.cost) == (0, 0, 606.0)


def test_parallel_edges_are_all_open() -> None:
    # Three trenches side by side: 5 yuan 9 m, 6 yuan 7 m, 8 yuan 4 m; two such streets in a row.
    ends = np.array([(0, 1)] * 3 + [(1, 2)] * 3)
    cost, length = np.array([5.0, 6, 8] * 2), np.array([9.0, 7, 4] * 2)
    costs = {
        cap: cheapest_within(
            ends, 3, cost, [length], Terminals.at([0], 1), Terminals.at([2], 1), [cap]
        ).walk.cost
        for cap in (18.0, 16.0, 14.0, 13.0, 11.0, 8.0)
    }
    assert costs == {18: 10, 16: 11, 14: 12, 13: 13, 11: 14, 8: 16}


def test_edges_that_cannot_be_used_and_loops_are_left_out() -> None:
    ends = np.vstack([ENDS, [(0, 0), (0, 3)]])
    cost, length = np.append(COST, [1.0, np.inf]), np.append(LENGTH, [1.0, 1.0])
    answer = cheapest_within(
        ends, 4, cost, [length], Terminals.at([0], 1), Terminals.at([3], 1), [np.inf]
    )
    assert answer.walk.edges == PARK


def test_sums_are_compared_plainly_in_walking_order() -> None:
    # 0.1 + 0.2 is 0.30000000000000004: the caller decides how far beyond 0.3 still counts.
    ends, length = np.array([(0, 1), (1, 2)]), np.array([[0.1, 0.2]])
    ends_at = Terminals.at([0], 1), Terminals.at([2], 1)
    assert cheapest_within(ends, 3, np.ones(2), length, *ends_at, [0.3]).walk is None
    assert cheapest_within(ends, 3, np.ones(2), length, *ends_at, [0.3 + 1e-9]).walk is not None


def test_a_limit_of_labels_gives_a_way_and_a_bound_instead_of_the_optimum() -> None:
    answer = ask([199.0, 50.0], limit=0)
    assert not answer.proven
    assert answer.infeasible_because is None
    assert answer.walk is None or answer.walk.edges == SOUTH
    assert answer.lower_bound <= 3200.0


# --- alternatives ------------------------------------------------------------------------------

SIDES = np.array([10, 10, 20, 20, 30])


def distinct(k: int, caps: Any = (np.inf, np.inf), **options: Any) -> list[tuple[int, ...]]:
    resources = np.array([LENGTH, GREEN])
    answers = k_distinct(
        ENDS, 4, COST, resources, Terminals.at([0], 2), Terminals.at([3], 2), caps,
        group=SIDES, source_group=np.array([-1]), k=k, **options,
    ).answers  # fmt: skip
    assert all(answer.proven and len(answer.walk.resources) == 2 for answer in answers)
    return [answer.walk.edges for answer in answers]


def test_alternatives_come_by_rising_cost_and_end_when_no_street_is_left() -> None:
    assert distinct(9) == [PARK, NORTH, SOUTH]
    assert distinct(2) == [PARK, NORTH]
    assert distinct(9, [np.inf, 50.0]) == [NORTH, SOUTH]
    assert distinct(9, dearest=2500.0) == [PARK, NORTH]


def test_a_second_trench_in_the_same_street_is_no_alternative() -> None:
    # Edges 5 and 6 double the park's edge and half of the north side.
    ends = np.vstack([ENDS, [(0, 3), (0, 1)]])
    cost, length = np.append(COST, [610.0, 1010.0]), np.append(LENGTH, [121.0, 101.0])
    groups = np.append(SIDES, [30, 10])
    answers = k_distinct(
        ends, 4, cost, np.array([length]), Terminals.at([0], 1), Terminals.at([3], 1), [np.inf],
        group=groups, source_group=np.array([-1]), k=5,
    ).answers  # fmt: skip
    assert [answer.walk.edges for answer in answers] == [PARK, NORTH, SOUTH]


def test_the_least_share_decides_how_much_may_stay_in_the_same_street() -> None:
    # A stem of 70 m, then two arms of 30 m on two sides.
    ends, length = np.array([(0, 1), (1, 2), (1, 2)]), np.array([[70.0, 30, 30]])
    ask_for = (ends, 3, np.array([7.0, 3, 4]), length, Terminals.at([0], 1), Terminals.at([2], 1))
    groups: dict[str, Any] = {"group": np.array([1, 2, 3]), "source_group": np.array([-1])}
    assert len(k_distinct(*ask_for, [np.inf], **groups, least_share=0.3).answers) == 2
    assert len(k_distinct(*ask_for, [np.inf], **groups, least_share=0.31).answers) == 1


def test_stubs_from_the_same_main_are_no_alternatives() -> None:
    # Two tie-ins a metre apart on main 7, one on main 8 in another street.
    sources = Terminals(np.zeros(3, int), np.array([1.0, 2, 50]), np.array([[12.0, 12.1, 40]]))
    answers = k_distinct(
        np.empty((0, 2), int), 1, np.empty(0), np.empty((1, 0)), sources, Terminals.at([0], 1),
        [np.inf], group=np.empty(0, int), source_group=np.array([7, 7, 8]), k=3,
    ).answers  # fmt: skip
    assert [answer.walk.source for answer in answers] == [0, 2]


def test_ways_outside_all_groups_have_no_alternative() -> None:
    answers = k_distinct(
        ENDS, 4, COST, np.array([LENGTH]), Terminals.at([0], 1), Terminals.at([3], 1), [np.inf],
        group=np.full(5, -1), source_group=np.array([-1]),
    )  # fmt: skip
    assert [answer.walk.edges for answer in answers.answers] == [PARK]
    assert answers.complete


def test_ways_known_before_are_kept_apart_from_too() -> None:
    (north,) = k_distinct(
        ENDS, 4, COST, np.array([LENGTH]), Terminals.at([0], 1), Terminals.at([3], 1), [np.inf],
        group=SIDES, source_group=np.array([-1]), k=1, dearest=2500.0,
        apart_from=[Walk(0, PARK, 0, 600.0, (120.0,))],
    ).answers  # fmt: skip
    assert north.walk is not None
    assert north.walk.edges == NORTH


def test_from_a_short_way_others_differ_by_where_they_start() -> None:
    # Main 7 is joined by a stub of 4 m, or 2 m off the strip and on over a connector of 5 m; main 8
    # lies across the street. By metres the detour from main 7 would do: 2 m are half of 4.
    ends, length = np.array([(1, 0)]), np.array([[5.0]])
    sources = Terminals(np.array([0, 1, 1]), np.array([4.0, 2, 30]), np.array([[4.0, 2, 14]]))
    asked = (ends, 2, np.array([5.0]), length, sources, Terminals.at([0], 1), [np.inf])
    groups: dict[str, Any] = {"group": np.array([-1]), "source_group": np.array([7, 7, 8])}
    by_metres = k_distinct(*asked, **groups).answers
    assert [answer.walk.source for answer in by_metres][:2] == [0, 1]
    by_start = k_distinct(*asked, **groups, short=5.0)
    assert [answer.walk.source for answer in by_start.answers] == [0, 2]
    assert by_start.complete


def test_a_way_that_the_limit_left_unproven_says_so() -> None:
    found = k_distinct(
        ENDS, 4, COST, np.array([LENGTH]), Terminals.at([0], 1), Terminals.at([3], 1), [150.0],
        group=SIDES, source_group=np.array([-1]), limit=0,
    )  # fmt: skip
    assert [(answer.walk.edges, answer.proven) for answer in found.answers] == [(PARK, False)]


# --- the picture of cost against a resource ----------------------------------------------------


def front(row: int, caps: Any = (np.inf, np.inf), **options: Any) -> list[tuple[float, float]]:
    resources = np.array([LENGTH, GREEN])
    found = pareto(
        ENDS, 4, COST, resources, Terminals.at([0], 2), Terminals.at([3], 2), caps, row=row,
        **options,
    )  # fmt: skip
    assert found.proven
    assert found.lower_bound == np.inf
    return [(walk.cost, walk.resources[row]) for walk in found.walks]


def test_the_front_of_cost_against_green_and_length() -> None:
    assert front(1) == [(600.0, 90.0), (2000.0, 0.0)]
    assert front(0) == [(600.0, 120.0)]  # the cheapest is the shortest: nothing to trade
    assert front(0, [np.inf, 0.0]) == [(2000.0, 200.0), (3200.0, 160.0)]
    # 160 m are only 40 m less, but the least there is.
    assert front(0, [np.inf, 0.0], step=41.0) == [(2000.0, 200.0), (3200.0, 160.0)]
    assert front(0, [np.inf, 0.0], parts=2) == [(2000.0, 200.0), (3200.0, 160.0)]
    # The park's 120 m are none of the ways within the caps: the way down is one of 40 m.
    assert front(0, [np.inf, 0.0], parts=1) == [(2000.0, 200.0), (3200.0, 160.0)]
    assert front(0, [np.inf, 0.0], dearest=3000.0) == [(2000.0, 200.0)]
    assert front(1, [100.0, np.inf]) == []


def test_a_front_goes_down_to_the_least_that_the_caps_leave() -> None:
    """Three ways side by side; the one without any green is too long, and the others have 41 and
    40 m2. The way down is 1 m2, not 41: a tenth of that is a step.
    """
    ends = np.array([(0, 1)] * 3)
    resources = np.array([[100.0, 110, 900], [41, 40, 0]])
    found = pareto(
        ends, 2, np.array([5.0, 7, 6]), resources, Terminals.at([0], 2), Terminals.at([1], 2),
        [200.0, np.inf], row=1, parts=10,
    )  # fmt: skip
    assert [(walk.cost, walk.resources[1]) for walk in found.walks] == [(5.0, 41.0), (7.0, 40.0)]
    assert found.proven


def test_of_ways_that_use_least_but_for_rounding_the_front_ends_at_the_cheapest() -> None:
    ends = np.array([(0, 1)] * 3)
    least = 83.542672
    found = pareto(
        ends, 2, np.array([5.0, 9, 7]), np.array([[90.0, least, least + 1e-10]]),
        Terminals.at([0], 1), Terminals.at([1], 1), [np.inf], row=0, parts=1,
    )  # fmt: skip
    assert [walk.cost for walk in found.walks] == [5.0, 7.0]


@pytest.mark.parametrize("limit", [10, 20, 40, 80])
def test_a_front_that_was_not_searched_to_its_end_says_from_where_ways_may_be_missing(
    limit: int,
) -> None:
    """Fourteen pairs of parallel edges: 2^14 ways, a few labels to find them."""
    rng = np.random.default_rng(3)
    ends = np.array([(n, n + 1) for n in range(14) for _ in range(2)])
    cost, resources = rng.random(28) + 1, rng.random((2, 28))
    end = Terminals.at([0], 2), Terminals.at([14], 2)

    def asked(limit: int) -> Any:
        return pareto(ends, 15, cost, resources, *end, [np.inf, 6.0], row=0, limit=limit)

    found, whole = asked(limit), asked(1_000_000)
    assert whole.proven
    assert not found.proven
    sure = [[w.edges for w in one.walks if w.cost < found.lower_bound] for one in (found, whole)]
    assert sure[0] == sure[1]


def test_of_equally_cheap_ways_the_front_keeps_the_one_that_uses_less() -> None:
    ends = np.array([(0, 1), (0, 1), (0, 1)])
    found = pareto(
        ends, 2, np.array([5.0, 5, 7]), np.array([[3.0, 2, 1]]), Terminals.at([0], 1),
        Terminals.at([1], 1), [np.inf], row=0,
    )  # fmt: skip
    assert [(walk.cost, *walk.resources) for walk in found.walks] == [(5.0, 2.0), (7.0, 1.0)]


# --- refusals ----------------------------------------------------------------------------------


def test_wrong_input_is_refused_with_the_place() -> None:
    start, goal = Terminals.at([0], 1), Terminals.at([3], 1)
    with pytest.raises(ValueError, match=r"edges: cost of number 4 is -1\.0"):
        cheapest_within(ENDS, 4, np.append(COST[:4], -1.0), [LENGTH], start, goal, [5.0])
    bad = np.where(np.arange(5) == 2, np.nan, LENGTH)
    with pytest.raises(ValueError, match="edges: resource 0 of number 2 is nan"):
        cheapest_within(ENDS, 4, COST, [bad], start, goal, [5.0])
    with pytest.raises(ValueError, match=r"edges: 5 of them and 2 caps need .*\(2, 5\)"):
        cheapest_within(ENDS, 4, COST, [LENGTH], start, goal, [5.0, 5.0])
    with pytest.raises(ValueError, match="sources: 1 of them and 1 caps"):
        cheapest_within(ENDS, 4, COST, [LENGTH], Terminals.at([0], 2), goal, [5.0])
    with pytest.raises(ValueError, match="ends: node 3 is not among 0 to 2"):
        cheapest_within(ENDS, 3, COST, [LENGTH], start, Terminals.at([2], 1), [5.0])
    with pytest.raises(ValueError, match="targets: node 9 is not among 0 to 3"):
        cheapest_within(ENDS, 4, COST, [LENGTH], start, Terminals.at([9], 1), [5.0])
    with pytest.raises(ValueError, match="give inf for none"):
        ask([np.nan, 5.0])
    with pytest.raises(ValueError, match="row 2 that of a resource"):
        front(2)
    with pytest.raises(ValueError, match="least_share must be above 0"):
        distinct(2, least_share=0.0)

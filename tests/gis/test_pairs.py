"""Pairs of ways against all pairs of simple ways of small graphs, and against HiGHS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from gis.pair_labels import cheapest_pair
from gis.pairs import NOTHING_SHUT, Cut, Pair, PairedWay, PairProblem, Shut

LIMIT = 200_000


def same_edges(count: int) -> np.ndarray:
    return np.repeat(np.arange(count)[:, None], 2, axis=1)


def problem_of(
    ends: list[tuple[int, int]],
    cost: list[float],
    resources: list[list[float]],
    once: list[bool],
    sources: list[tuple[int, int, float]],
    targets: list[int],
    caps: list[float],
) -> PairProblem:
    """A problem whose resources add, or count once where both ways run; stubs use nothing."""
    rows = np.array(resources, float).reshape(len(once), len(ends))
    factor = np.where(np.array(once, bool), 1.0, 2.0)[:, None]
    return PairProblem(
        1 + max(max(pair) for pair in ends),
        np.array(ends),
        np.array(cost, float),
        rows,
        np.array([node for node, _, _ in sources]),
        np.array([yuan for _, _, yuan in sources], float),
        np.zeros((len(once), len(sources))),
        np.array([group for _, group, _ in sources]),
        np.array(targets),
        np.array(caps, float),
        same_edges(len(ends)),
        factor * rows,
    )


def simple_ways(problem: PairProblem) -> Iterator[PairedWay]:
    """Every way without a node twice from any source to any target."""
    out: dict[int, list[tuple[int, int]]] = {}
    for edge, (one, two) in enumerate(problem.ends.tolist()):
        out.setdefault(one, []).append((two, edge))
        out.setdefault(two, []).append((one, edge))

    def on(node: int, seen: set[int], edges: list[int]) -> Iterator[tuple[int, ...]]:
        for target in np.flatnonzero(problem.targets == node).tolist():
            yield (target, *edges)
        for head, edge in out.get(node, []):
            if head not in seen and np.isfinite(problem.cost[edge]):
                yield from on(head, seen | {head}, [*edges, edge])

    for source, node in enumerate(problem.sources.tolist()):
        for target, *edges in on(node, {node}, []):
            yield PairedWay(source, tuple(edges), target)


@dataclass(frozen=True)
class Sums:
    cost: float
    used: np.ndarray


def sums_of(problem: PairProblem, ways: tuple[PairedWay, PairedWay]) -> Sums:
    """What two ways cost and use: of edges that both run along as of a pair side by side."""
    one, two = (set(way.edges) for way in ways)
    cost = sum(problem.cost[list(way.edges)].sum() for way in ways)
    cost += sum(problem.source_cost[way.source] for way in ways)
    used = problem.resources[:, sorted(one ^ two)].sum(axis=1)
    used = used + problem.together_resources[:, sorted(one & two)].sum(axis=1)
    used = used + sum(problem.source_resources[:, way.source] for way in ways)
    return Sums(float(cost), used)


def holds(way: PairedWay, edges: tuple[int, ...], source: int) -> bool:
    return set(edges) <= set(way.edges) and source in (-1, way.source)


def is_cut(problem: PairProblem, ways: tuple[PairedWay, PairedWay]) -> bool:
    return any(
        all(
            holds(way, *part)
            for way, part in zip(ways, zip(cut.edges, cut.sources, strict=True), strict=True)
        )
        for cut in problem.cuts
    )


def allowed(shut: Shut, way: PairedWay, number: int) -> bool:
    return way.source not in shut.sources[number] and not shut.edges[number] & set(way.edges)


def best_by_hand(problem: PairProblem, shut: Shut = NOTHING_SHUT) -> float:
    """The least cost over all pairs of simple ways; inf where none keeps the caps."""
    ways = list(simple_ways(problem))
    best = np.inf
    for pair in combinations(ways, 2):
        if problem.group[pair[0].source] == problem.group[pair[1].source]:
            continue
        orders = [pair, pair[::-1]]
        if not any(
            not is_cut(problem, order) and all(allowed(shut, way, n) for n, way in enumerate(order))
            for order in orders
        ):
            continue
        sums = sums_of(problem, pair)
        if (sums.used <= problem.caps).all():
            best = min(best, sums.cost)
    return best


def check(problem: PairProblem, pair: Pair) -> None:
    """A pair is two ways from different groups that keep the caps and cost what it says."""
    ways = (pair.first, pair.second)
    assert problem.group[ways[0].source] != problem.group[ways[1].source]
    for way in ways:
        here = int(problem.sources[way.source])
        for edge in way.edges:
            one, two = problem.ends[edge].tolist()
            assert here in (one, two)
            here = two if here == one else one
        assert here == problem.targets[way.target]
    sums = sums_of(problem, ways)
    assert sums.cost == pytest.approx(pair.cost)
    assert (sums.used <= problem.caps + 1e-9).all()
    assert not is_cut(problem, ways)


@st.composite
def problems(draw: st.DrawFn) -> PairProblem:
    """A small grid with some edges left out, two or three groups of sources, and caps."""
    wide, high = draw(st.sampled_from([(2, 3), (3, 3), (2, 4)]))
    grid = [(x + wide * y, x + 1 + wide * y) for x in range(wide - 1) for y in range(high)]
    grid += [(x + wide * y, x + wide * (y + 1)) for x in range(wide) for y in range(high - 1)]
    ends = draw(st.lists(st.sampled_from(grid), min_size=4, max_size=len(grid), unique=True))
    ends += draw(st.lists(st.sampled_from(ends), max_size=1))  # an edge beside another
    number = st.integers(1, 9)
    cost = [draw(number) for _ in ends]
    rows = draw(st.integers(1, 2))
    once = [draw(st.booleans()) for _ in range(rows)]
    resources = [[draw(st.integers(0, 6)) for _ in ends] for _ in range(rows)]
    nodes = st.integers(0, max(max(pair) for pair in ends))
    sources = draw(
        st.lists(st.tuples(nodes, st.integers(0, 2), st.integers(0, 5)), min_size=2, max_size=4)
    )
    targets = draw(st.lists(nodes, min_size=1, max_size=2, unique=True))
    caps = [draw(st.integers(0, 30)) for _ in range(rows)]
    return problem_of(ends, cost, resources, once, sources, targets, caps)


@settings(max_examples=200)
@given(problems())
def test_the_pair_found_is_the_cheapest_of_all_pairs_of_simple_ways(problem: PairProblem) -> None:
    answer = cheapest_pair(problem, limit=LIMIT)
    assert answer.proven
    best = best_by_hand(problem)
    assert (answer.pair is None) == (best == np.inf)
    if answer.pair is not None:
        assert answer.pair.cost == pytest.approx(best)
        check(problem, answer.pair)


@settings(max_examples=60)
@given(problems(), st.data())
def test_what_is_cut_or_shut_is_in_no_pair(problem: PairProblem, data: st.DataObject) -> None:
    numbers = st.integers(0, len(problem.ends) - 1)
    for _ in range(data.draw(st.integers(0, 2))):
        edges = [frozenset(data.draw(st.lists(numbers, max_size=2))) for _ in range(2)]
        source = data.draw(st.integers(-1, len(problem.sources) - 1))
        if edges[0] or edges[1] or source >= 0:
            problem = problem.without(Cut((edges[0], edges[1]), (source, -1)))
    shut = Shut().off(0, data.draw(st.lists(numbers, max_size=3)))
    shut = shut.off(1, data.draw(st.lists(numbers, max_size=2)), [0])
    answer = cheapest_pair(problem, limit=LIMIT, shut=shut)
    best = best_by_hand(problem, shut)
    assert answer.proven
    assert answer.lower_bound == pytest.approx(best)
    if answer.pair is not None:
        check(problem, answer.pair)
        assert allowed(shut, answer.pair.first, 0)
        assert allowed(shut, answer.pair.second, 1)


# Two mains at the ends of a street of 10 m, the site in the middle; a lane of 7 m round one half.
STREET = problem_of(
    [(0, 1), (1, 2), (0, 1)],
    [50.0, 50.0, 90.0],
    [[5.0, 5.0, 7.0], [8.0, 0.0, 0.0]],
    [False, True],
    [(0, 0, 0.0), (2, 1, 0.0)],
    [1],
    [10.0, 8.0],
)


def test_the_cheapest_pair_is_taken_where_it_keeps_the_caps() -> None:
    answer = cheapest_pair(STREET, limit=LIMIT)
    assert answer.pair is not None
    assert {answer.pair.first.edges, answer.pair.second.edges} == {(0,), (1,)}
    assert (answer.pair.cost, answer.proven) == (100.0, True)


def test_a_cap_on_both_together_turns_one_of_them_away() -> None:
    tight = replace(STREET, caps=np.array([12.0, 7.0]))
    answer = cheapest_pair(tight, limit=LIMIT)
    assert answer.pair is not None
    assert {answer.pair.first.edges, answer.pair.second.edges} == {(2,), (1,)}
    none = cheapest_pair(replace(STREET, caps=np.array([11.0, 7.0])), limit=LIMIT)
    assert (none.pair, none.proven, none.lower_bound) == (None, True, np.inf)


def test_two_of_one_group_are_no_pair() -> None:
    alike = replace(STREET, group=np.zeros(2, np.int64))
    assert cheapest_pair(alike, limit=LIMIT).pair is None


def test_no_pair_dearer_than_asked_for_is_given() -> None:
    assert cheapest_pair(STREET, dearest=99.0, limit=LIMIT).pair is None
    assert cheapest_pair(STREET, dearest=100.0, limit=LIMIT).pair is not None


def test_a_search_that_gives_up_says_so_with_a_bound() -> None:
    answer = cheapest_pair(STREET, limit=1)
    assert (answer.pair, answer.proven) == (None, False)
    assert answer.lower_bound <= 100.0


def test_the_least_of_what_adds_and_of_what_counts_once() -> None:
    # Both need 5 m; of the lawn the one along the street needs 8, round the lane none.
    assert STREET.least(None) == 100.0
    assert STREET.least(0) == 10.0
    assert STREET.least(1) == 0.0
    assert STREET.counts_once(1)
    assert not STREET.counts_once(0)


# --- against HiGHS -------------------------------------------------------------------------------


def best_by_highs(problem: PairProblem) -> float:
    """The least cost of a pair by integer programming; inf where there is none.

    Two flows over arcs, each from one source to one target, of which an edge that both use counts
    once where that is less.
    """
    m, k, t, r = (
        len(problem.ends), len(problem.sources), len(problem.targets), len(problem.caps)
    )  # fmt: skip
    per = 2 * m + k + t  # arcs both ways, sources, targets of one way
    both = 2 * per  # then one number for every edge: whether both run along it
    arcs = np.concatenate([problem.ends, problem.ends[:, ::-1]])
    rows, low, high = [], [], []

    def add(terms: dict[int, float], least: float, most: float) -> None:
        rows.append(terms)
        low.append(least)
        high.append(most)

    for way in (0, 1):
        at = way * per
        for node in range(problem.node_count):
            terms: dict[int, float] = {}
            for arc, (tail, head) in enumerate(arcs.tolist()):
                terms[at + arc] = float(tail == node) - float(head == node)
            for source in range(k):
                terms[at + 2 * m + source] = -float(problem.sources[source] == node)
            for target in range(t):
                terms[at + 2 * m + k + target] = float(problem.targets[target] == node)
            add({key: value for key, value in terms.items() if value}, 0.0, 0.0)
        add({at + 2 * m + source: 1.0 for source in range(k)}, 1.0, 1.0)
    for group in set(problem.group.tolist()):
        mine = np.flatnonzero(problem.group == group).tolist()
        add({way * per + 2 * m + one: 1.0 for way in (0, 1) for one in mine}, 0.0, 1.0)
    for edge in range(m):
        for way in (0, 1):
            used = {way * per + edge: 1.0, way * per + m + edge: 1.0}
            add(used, 0.0, 1.0)
            add({both + edge: 1.0, **dict.fromkeys(used, -1.0)}, -np.inf, 0.0)
    for row in range(r):
        weights = problem.resources[row]
        terms = {}
        for way in (0, 1):
            for edge in range(m):
                terms[way * per + edge] = terms[way * per + m + edge] = float(weights[edge])
        saved = 2 * weights - problem.together_resources[row]
        terms |= {both + edge: -float(saved[edge]) for edge in range(m)}
        add(terms, -np.inf, float(problem.caps[row]))
    cost = np.r_[np.tile(np.r_[problem.cost, problem.cost, problem.source_cost, np.zeros(t)], 2)]
    cost = np.r_[cost, np.zeros(m)]
    matrix = lil_array((len(rows), len(cost)))
    for number, terms in enumerate(rows):
        for key, value in terms.items():
            matrix[number, key] = value
    answer = milp(
        cost,
        constraints=LinearConstraint(matrix.tocsr(), low, high),
        integrality=np.ones(len(cost)),
        bounds=Bounds(0.0, 1.0),
    )
    return np.inf if answer.x is None else float(answer.fun)


def random_grid(rng: np.random.Generator) -> PairProblem:
    """A grid of 5 by 5 with four groups of sources and caps that often bind."""
    side = 5
    ends = [(x + side * y, x + 1 + side * y) for x in range(side - 1) for y in range(side)]
    ends += [(x + side * y, x + side * (y + 1)) for x in range(side) for y in range(side - 1)]
    ends = [end for end in ends if rng.random() < 0.9]
    cost = rng.integers(5, 30, len(ends)).astype(float).tolist()
    length = [1.0 + value / 10 for value in rng.integers(0, 20, len(ends)).tolist()]
    green = (rng.integers(0, 9, len(ends)) * (rng.random(len(ends)) < 0.4)).tolist()
    nodes = rng.choice(side * side, 7, replace=False).tolist()
    sources = [(node, number % 4, float(rng.integers(0, 9))) for number, node in enumerate(nodes)]
    targets = rng.choice(side * side, 2, replace=False).tolist()
    caps = [float(rng.integers(4, 16)), float(rng.integers(0, 20))]
    once = [bool(rng.random() < 0.5), True]
    found = problem_of(ends, cost, [length, green], once, sources, targets, caps)
    return replace(found, node_count=side * side)


def test_highs_finds_no_cheaper_pair_and_none_where_there_is_none() -> None:
    rng, found = np.random.default_rng(20261129), 0
    for _ in range(60):
        problem = random_grid(rng)
        answer = cheapest_pair(problem, limit=LIMIT)
        best = best_by_highs(problem)
        assert answer.proven
        assert (answer.pair is None) == (best == np.inf)
        if answer.pair is not None:
            found += 1
            assert answer.pair.cost == pytest.approx(best)
            check(problem, answer.pair)
    assert 15 <= found <= 55  # both kinds are met

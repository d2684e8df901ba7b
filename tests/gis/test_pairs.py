"""Pairs of ways against all pairs of simple ways of small graphs, and against HiGHS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.pairs import NOTHING_SHUT, Pair, PairedWay, PairProblem, Shut, cheapest_pair

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


@settings(max_examples=300)
@given(problems())
def test_the_pair_found_is_the_cheapest_of_all_pairs_of_simple_ways(problem: PairProblem) -> None:
    answer = cheapest_pair(problem, limit=LIMIT)
    assert answer.proven
    best = best_by_hand(problem)
    assert (answer.pair is None) == (best == np.inf)
    if answer.pair is not None:
        assert answer.pair.cost == pytest.approx(best)
        check(problem, answer.pair)

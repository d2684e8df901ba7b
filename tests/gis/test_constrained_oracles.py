"""The constrained search against all simple paths, networkx and a mixed-integer solver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gis.constrained
from gis.constrained import Constrained, Terminals, Walk, cheapest_within, k_distinct, pareto
from tests.highs import optimum_by_highs

pytestmark = pytest.mark.slow_first


@pytest.fixture(autouse=True, scope="module", params=["searched at once", "narrowed first"])
def way_of_search(request: pytest.FixtureRequest) -> Iterator[None]:
    """Small graphs are searched at once; here they also go the way of large ones."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "narrowed first":
            patch.setattr(gis.constrained, "EASY_EDGES", -1)
        yield


@dataclass(frozen=True)
class Case:
    """Everything that the search is given; sums of whole numbers are exact."""

    ends: np.ndarray
    node_count: int
    cost: np.ndarray
    resources: np.ndarray
    sources: Terminals
    targets: Terminals
    caps: np.ndarray

    @property
    def given(self) -> tuple[Any, ...]:
        return (
            self.ends, self.node_count, self.cost, self.resources, self.sources, self.targets,
            self.caps,
        )  # fmt: skip

    def solve(self, **options: Any) -> Constrained:
        return cheapest_within(*self.given, **options)

    def sums(self, walk: tuple[int, list[int], int]) -> np.ndarray:
        """Cost and resources of (source, edges, target)."""
        source, edges, target = walk
        return np.array(
            [
                start[source] + values[edges].sum() + goal[target]
                for start, values, goal in zip(
                    [self.sources.cost, *self.sources.resources],
                    [self.cost, *self.resources],
                    [self.targets.cost, *self.targets.resources],
                    strict=True,
                )
            ]
        )

    def all_walks(self) -> Iterator[tuple[int, list[int], int]]:
        """Every simple path from every source to every target, parallel edges told apart."""
        graph = nx.MultiGraph()
        graph.add_nodes_from(range(self.node_count))
        for number, (start, end) in enumerate(self.ends.tolist()):
            graph.add_edge(start, end, key=number)
        for source, start in enumerate(self.sources.nodes.tolist()):
            for target, goal in enumerate(self.targets.nodes.tolist()):
                if start == goal:
                    yield source, [], target
                    continue
                for path in nx.all_simple_edge_paths(graph, start, goal):
                    yield source, [key for _, _, key in path], target

    def table(self) -> np.ndarray:
        """Cost and resources of all simple paths, one row each, whatever the caps."""
        rows = [self.sums(walk) for walk in self.all_walks()]
        return np.array(rows).reshape(-1, 1 + len(self.caps))


def assert_walk_is_one(case: Case, walk: Walk) -> None:
    """The edges lead from the source to the target, and the sums are those of the parts."""
    here = int(case.sources.nodes[walk.source])
    for edge in walk.edges:
        start, end = case.ends[edge].tolist()
        assert here in (start, end)
        here = end if here == start else start
    assert here == case.targets.nodes[walk.target]
    sums = case.sums((walk.source, list(walk.edges), walk.target))
    np.testing.assert_allclose([walk.cost, *walk.resources], sums, rtol=1e-12)
    assert (np.array(walk.resources) <= case.caps).all()


@st.composite
def cases(draw: Any) -> Case:
    """Up to 6 nodes and 9 edges, parallel ones, loops, zeros and parts among them."""
    count, rows = draw(st.integers(2, 6)), draw(st.integers(0, 4))
    node = st.integers(0, count - 1)
    ends = draw(st.lists(st.tuples(node, node), max_size=9))

    def numbers(size: int, most: int) -> np.ndarray:
        value = st.integers(0, most).map(float)
        return np.array(draw(st.lists(value, min_size=size, max_size=size)))

    def rows_of(size: int, most: int) -> np.ndarray:
        return np.array([numbers(size, most) for _ in range(rows)]).reshape(rows, size)

    def terminals() -> Terminals:
        nodes = np.array(draw(st.lists(node, min_size=1, max_size=3)))
        return Terminals(nodes, numbers(len(nodes), 5), rows_of(len(nodes), 2))

    caps = draw(st.lists(st.sampled_from([0.0, 2, 4, 6, 9, np.inf]), min_size=rows, max_size=rows))
    return Case(
        np.array(ends, int).reshape(-1, 2), count, numbers(len(ends), 9), rows_of(len(ends), 4),
        terminals(), terminals(), np.array(caps, float),
    )  # fmt: skip


few = settings(max_examples=80, deadline=None)


@few
@given(cases())
def test_equals_the_best_of_all_simple_paths_and_certificates_hold(case: Case) -> None:
    table, answer = case.table(), case.solve()
    within = table[(table[:, 1:] <= case.caps).all(axis=1)]
    assert answer.proven
    if len(within):
        assert answer.walk is not None
        assert_walk_is_one(case, answer.walk)
        assert answer.walk.cost == within[:, 0].min()
        assert answer.infeasible_because is None
        return
    assert answer.walk is None
    reason = answer.infeasible_because
    assert reason is not None
    alone = [(table[:, 1 + row] <= cap).any() for row, cap in enumerate(case.caps)]
    if len(table) == 0:
        assert reason.kind == "no_path"
    elif all(alone):
        assert reason.kind == "together"
    else:
        assert reason.kind == "cap"
        assert reason.row is not None
        assert not alone[reason.row]
        assert reason.least == table[:, 1 + reason.row].min()


@few
@given(cases(), st.integers(0, 3), st.floats(0, 5))
def test_loosening_a_cap_never_makes_the_way_dearer(case: Case, row: int, more: float) -> None:
    loose = case.caps.copy()
    loose[row : row + 1] += more
    tight_answer, loose_answer = case.solve(), replace(case, caps=loose).solve()
    assert loose_answer.lower_bound <= tight_answer.lower_bound
    if loose_answer.walk is None:  # what is infeasible stays so when caps tighten
        assert tight_answer.walk is None


@few
@given(cases())
def test_without_caps_it_is_dijkstra(case: Case) -> None:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(["network", "red line"])
    for (start, end), cost in zip(case.ends.tolist(), case.cost, strict=True):
        graph.add_edge(start, end, cost=cost)
        graph.add_edge(end, start, cost=cost)
    for node, cost in zip(case.sources.nodes.tolist(), case.sources.cost, strict=True):
        graph.add_edge("network", node, cost=cost)
    for node, cost in zip(case.targets.nodes.tolist(), case.targets.cost, strict=True):
        graph.add_edge(node, "red line", cost=cost)
    open_case = replace(case, caps=np.full(len(case.caps), np.inf))
    try:
        best = nx.dijkstra_path_length(graph, "network", "red line", weight="cost")
    except nx.NetworkXNoPath:
        best = np.inf
    assert open_case.solve().lower_bound == best


@few
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_edges_and_their_direction_are_irrelevant(case: Case, random: Any) -> None:
    order = list(range(len(case.ends)))
    random.shuffle(order)
    turned = case.ends[order][:, ::-1]
    other = replace(case, ends=turned, cost=case.cost[order], resources=case.resources[:, order])
    assert other.solve().lower_bound == case.solve().lower_bound


@few
@given(cases(), st.integers(0, 6))
def test_a_search_cut_short_never_overstates_what_it_knows(case: Case, limit: int) -> None:
    best, answer = case.solve(), case.solve(limit=limit)
    assert answer.lower_bound <= best.lower_bound
    if answer.walk is not None:
        assert_walk_is_one(case, answer.walk)
        assert answer.walk.cost >= best.lower_bound
    if answer.proven:
        assert answer.lower_bound == best.lower_bound


@few
@given(cases(), st.sampled_from([0.0, 3.0, 8.0, 20.0]))
def test_a_price_limit_only_forbids_what_is_dearer(case: Case, dearest: float) -> None:
    bound = case.solve().lower_bound
    assert case.solve(dearest=dearest).lower_bound == (bound if bound <= dearest else np.inf)


@few
@given(cases(), st.integers(0, 3), st.sampled_from([0.5, 3.0]))
def test_the_front_equals_that_of_all_simple_paths(case: Case, row: int, step: float) -> None:
    if row >= len(case.caps):
        return
    table = case.table()
    within = table[(table[:, 1:] <= case.caps).all(axis=1)][:, [0, 1 + row]]
    expected: list[list[float]] = []
    for cost, used in sorted(within.tolist()):
        if not expected or used <= expected[-1][1] - step:
            expected.append([cost, used])
    front = pareto(*case.given, row=row, step=step)
    found = [[walk.cost, walk.resources[row]] for walk in front.walks]
    assert front.proven
    if step < 1:  # numbers are whole: every gain counts, and the front is unique
        assert found == expected
    assert [cost for cost, _ in found] == sorted(cost for cost, _ in found)
    assert all(a[1] - b[1] >= step for a, b in pairwise(found[:-1]))
    if expected:
        least = within[:, 1].min()  # the last is the cheapest of those that use least
        assert found[-1] == [within[within[:, 1] == least][:, 0].min(), least]
        assert found[0][0] == expected[0][0]
    for walk in front.walks:
        assert_walk_is_one(case, walk)


@few
@given(cases(), st.lists(st.integers(-1, 3), min_size=12, max_size=12), st.sampled_from([0.3, 1.0]))
def test_each_alternative_is_the_cheapest_that_is_different_enough(
    case: Case, labels: list[int], share: float
) -> None:
    if len(case.caps) == 0:
        return
    group = np.array(labels[: len(case.ends)], int)
    stub_group = np.array(labels[9 : 9 + len(case.sources.nodes)], int)

    def metres(walk: tuple[int, list[int], int], groups: set[int]) -> float:
        """Metres that a way runs in groups."""
        source, edges, _ = walk
        in_edges = sum(case.resources[0][edge] for edge in edges if group[edge] in groups)
        return in_edges + (case.sources.resources[0][source] if stub_group[source] in groups else 0)

    def groups_of(walk: tuple[int, list[int], int]) -> set[int]:
        return {int(group[edge]) for edge in walk[1]} | {int(stub_group[walk[0]])} - {-1}

    found = k_distinct(*case.given, group=group, source_group=stub_group, k=3, least_share=share)
    assert found.complete
    answers = found.answers
    walks = [walk for walk in case.all_walks() if (case.sums(walk)[1:] <= case.caps).all()]
    for answer in answers:
        assert answer.walk is not None
        assert_walk_is_one(case, answer.walk)
        assert answer.walk.cost == min(case.sums(walk)[0] for walk in walks)
        own = (answer.walk.source, list(answer.walk.edges), answer.walk.target)
        used = groups_of(own) - {-1}
        most = (1 - share) * metres(own, used) + 1e-6
        walks = [walk for walk in walks if metres(walk, used) <= most]
    if len(answers) < 3 and answers:
        last = answers[-1].walk
        assert last is not None
        own = (last.source, list(last.edges), last.target)
        assert not walks or metres(own, groups_of(own) - {-1}) == 0


def test_a_cap_that_a_way_meets_to_the_last_digit_is_kept() -> None:
    # Sums of decimals round differently in each order; bounds must not cut such a way.
    rng = np.random.default_rng(7)
    for _ in range(60):
        ends, m = rng.integers(0, 6, (10, 2)), 10
        resources = rng.integers(0, 40, (2, m)) / 10
        start = Terminals(np.array([0, 1]), rng.random(2), rng.integers(0, 9, (2, 2)) / 10)
        goal = Terminals(np.array([5]), rng.random(1), rng.integers(0, 9, (2, 1)) / 10)
        case = Case(ends, 6, rng.random(m), resources, start, goal, np.full(2, np.inf))
        for source, edges, target in case.all_walks():
            steps = np.column_stack(
                [start.resources[:, source], resources[:, edges], goal.resources[:, target]]
            )
            caps = np.add.accumulate(steps, axis=1)[:, -1]
            answer = replace(case, caps=caps).solve()
            assert answer.walk is not None
            assert answer.walk.cost <= case.sums((source, edges, target))[0] + 1e-9


# --- mixed-integer programming -----------------------------------------------------------------


def street_case(rng: np.random.Generator) -> Case:
    """A town of up to 6 x 6 blocks with gaps, double streets and several tie-ins and gates.

    Resources are whole numbers and caps lie half way between, so that the solver's tolerance
    decides nothing.
    """
    side, rows = int(rng.integers(3, 7)), int(rng.integers(1, 5))
    node = np.arange(side * side).reshape(side, side)
    across = np.column_stack([node[:, :-1].ravel(), node[:, 1:].ravel()])
    ends = np.vstack([across, np.column_stack([node[:-1].ravel(), node[1:].ravel()])])
    ends = ends[rng.random(len(ends)) < 0.85]
    ends = np.vstack([ends, ends[rng.random(len(ends)) < 0.2]])
    m = len(ends)
    length = rng.integers(30, 100, m)
    others = rng.integers(0, 40, (3, m)) * (rng.random((3, m)) < 0.4)
    resources = np.vstack([length, others])[:rows].astype(float)

    def terminals(most: int) -> Terminals:
        k = int(rng.integers(1, most))
        stubs = rng.integers(0, 30, (rows, k)).astype(float)
        return Terminals(rng.integers(0, side * side, k), rng.uniform(0, 9000, k), stubs)

    case = Case(
        ends, side * side, rng.uniform(3_000, 90_000, m), resources, terminals(4),
        terminals(3), np.full(rows, np.inf),
    )  # fmt: skip
    free = case.solve().walk
    if free is None:
        return case
    shortest = [replace(case, cost=row + 1e-6 * length).solve().walk for row in resources]
    least = np.array([w.resources[i] for i, w in enumerate(shortest) if w is not None])
    caps = least + rng.uniform(0.3, 1.1, rows) * (np.array(free.resources) - least)
    caps[rng.random(rows) < 0.25] = np.inf
    if rng.random() < 0.1:
        caps[0] = 0.9 * least[0]
    return replace(case, caps=np.floor(caps) + 0.5)


def test_300_towns_equal_a_mixed_integer_solver() -> None:
    rng = np.random.default_rng(20_260)
    kinds: Counter[str] = Counter()
    for _ in range(300):
        case = street_case(rng)
        answer, optimum = case.solve(), optimum_by_highs(*case.given)
        assert answer.proven
        np.testing.assert_allclose(answer.lower_bound, optimum, rtol=1e-6)
        if answer.walk is None:
            assert answer.infeasible_because is not None
            kinds[answer.infeasible_because.kind] += 1
            continue
        assert_walk_is_one(case, answer.walk)
        free = replace(case, caps=np.full(len(case.caps), np.inf)).solve()
        kinds["bound by caps" if answer.walk.cost > free.lower_bound else "free"] += 1
    assert kinds.total() == 300
    # Every kind of answer is well represented, infeasible ones by more than one in ten.
    assert kinds["cap"] + kinds["together"] >= 30, kinds
    assert min(kinds[kind] for kind in ("cap", "together", "bound by caps", "free")) >= 10, kinds
    assert kinds["bound by caps"] >= 50, kinds


def test_towns_with_ties_everywhere_are_solved_within_the_caps() -> None:
    # On a plain grid thousands of ways are equally long: the search must not list them all.
    side = 12
    node = np.arange(side * side).reshape(side, side)
    across = np.column_stack([node[:, :-1].ravel(), node[:, 1:].ravel()])
    ends = np.vstack([across, np.column_stack([node[:-1].ravel(), node[1:].ravel()])])
    ones = np.full(len(ends), 10.0)
    green = np.where(np.arange(len(ends)) % 3 == 0, 4.0, 0.0)
    answer = cheapest_within(
        ends, side * side, ones, np.array([ones, green]), Terminals.at([0], 2),
        Terminals.at([side * side - 1], 2), [220.0, 20.0],
    )  # fmt: skip
    assert answer.proven
    assert answer.settled <= 6 * side * side

"""The forest equals networkx: offsets, parallel edges, unreachable nodes; sums equal paths."""

from __future__ import annotations

from typing import NamedTuple

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.forest import Forest, grow_forest


class Problem(NamedTuple):
    ends: np.ndarray
    weights: np.ndarray
    count: int
    nodes: np.ndarray
    offsets: np.ndarray


def grown(problem: Problem) -> Forest:
    return grow_forest(*problem)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    count = draw(st.integers(1, 12))
    node = st.integers(0, count - 1)
    weight = st.one_of(st.integers(1, 40).map(float), st.just(float("inf")))
    edges = draw(st.lists(st.tuples(node, node, weight), max_size=25))
    offset = st.one_of(st.integers(0, 30).map(float), st.just(float("inf")))
    sources = draw(st.lists(st.tuples(node, offset), max_size=4))
    return Problem(
        np.array([e[:2] for e in edges], np.int64).reshape(-1, 2),
        np.array([e[2] for e in edges], float),
        count,
        np.array([s[0] for s in sources], np.int64),
        np.array([s[1] for s in sources], float),
    )


def by_networkx(problem: Problem) -> dict[object, float]:
    graph = nx.Graph()
    graph.add_nodes_from([*range(problem.count), "network"])
    links = [*zip(*problem.ends.T.tolist(), problem.weights.tolist(), strict=True)]
    links += [
        ("network", n, o)
        for n, o in zip(problem.nodes.tolist(), problem.offsets.tolist(), strict=True)
    ]
    for one, two, weight in links:
        if (
            np.isfinite(weight)
            and weight < graph.get_edge_data(one, two, {"weight": np.inf})["weight"]
        ):
            graph.add_edge(one, two, weight=weight)
    return dict(nx.single_source_dijkstra_path_length(graph, "network"))


@settings(deadline=None, max_examples=150)
@given(problems())
def test_costs_equal_networkx(problem: Problem) -> None:
    known = by_networkx(problem)
    expected = [known.get(node, np.inf) for node in range(problem.count)]
    assert grown(problem).cost.tolist() == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=150)
@given(problems())
def test_the_path_of_every_node_adds_up_to_its_cost_and_ends_at_its_source(
    problem: Problem,
) -> None:
    forest = grown(problem)
    sums = forest.sums(problem.weights)
    for node in range(problem.count):
        path = forest.path(node)
        if not np.isfinite(forest.cost[node]):
            assert (path, forest.source[node], forest.toward[node]) == ([], -1, -1)
            continue
        here = node
        for edge in path:
            one, two = problem.ends[edge].tolist()
            assert here in (one, two)
            here = two if here == one else one
        source = forest.source[node]
        assert problem.nodes[source] == here
        walked = problem.weights[path].sum() if path else 0.0
        assert problem.offsets[source] + walked == pytest.approx(forest.cost[node], abs=1e-9)
        assert sums[node] == pytest.approx(walked, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(problems(), st.data())
def test_one_more_edge_never_makes_a_node_dearer(problem: Problem, data: st.DataObject) -> None:
    node = st.integers(0, problem.count - 1)
    edge = data.draw(st.tuples(node, node, st.integers(1, 40)))
    more = problem._replace(
        ends=np.concatenate([problem.ends, [edge[:2]]]), weights=np.append(problem.weights, edge[2])
    )
    assert (grown(more).cost <= grown(problem).cost + 1e-9).all()


def test_the_nearer_source_loses_against_the_one_with_the_smaller_offset() -> None:
    # 0 --10-- 1 --10-- 2; source at 0 costs 25 to join, source at 2 costs 1: from 1, 11 < 35.
    forest = grow_forest(
        np.array([[0, 1], [1, 2]]),
        np.array([10.0, 10.0]),
        3,
        np.array([0, 2]),
        np.array([25.0, 1.0]),
    )
    assert forest.cost.tolist() == pytest.approx([21, 11, 1])
    assert forest.source.tolist() == [1, 1, 1]
    assert forest.path(0) == [0, 1]


def test_an_offset_of_zero_is_a_source_and_no_missing_arc() -> None:
    forest = grow_forest(np.array([[0, 1]]), np.array([4.0]), 2, np.array([0]), np.array([0.0]))
    assert forest.cost.tolist() == pytest.approx([0.0, 4.0], abs=1e-9)


def test_without_sources_nothing_is_reached() -> None:
    nowhere = np.zeros(0, np.int64)
    forest = grow_forest(np.array([[0, 1]]), np.array([4.0]), 2, nowhere, np.zeros(0))
    assert np.isinf(forest.cost).all()
    assert forest.path(1) == []


@given(problems(), st.data())
def test_values_ride_along_the_ways_of_some_nodes(problem: Problem, data: st.DataObject) -> None:
    forest = grown(problem)
    nodes = data.draw(st.lists(st.integers(0, problem.count - 1), max_size=6))
    branches = forest.branches(np.array(nodes, np.int64))
    values = np.arange(2.0 * len(problem.ends)).reshape(-1, 2) + 1.0
    below = branches.edge >= 0
    of_node = np.zeros((len(branches.nodes), 2))
    of_node[below] = values[branches.edge[below]]
    total, largest = branches.ride(of_node), branches.ride(of_node, np.maximum, -np.inf)
    marks = branches.ride(of_node.astype(np.int64), np.bitwise_or)
    steps, starts = branches.walks(branches.place)
    for number, node in enumerate(nodes):
        edges = forest.path(node)
        place = branches.place[number]
        assert steps[starts[number] : starts[number + 1]].tolist() == edges[::-1]
        assert total[place].tolist() == values[edges].sum(axis=0).tolist()
        expected = values[edges].max(axis=0, initial=-np.inf)
        assert largest[place].tolist() == expected.tolist()
        borne = np.bitwise_or.reduce(values[edges].astype(np.int64), axis=0)
        assert marks[place].tolist() == borne.tolist()

"""The corridor graph as arrays and as networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.forest import grow_forest
from gis.network import (
    CorridorGraph,
    arcs,
    joined_near,
    tie_break,
    told_apart,
    without_tie_breaks,
)


@pytest.fixture
def triangle() -> CorridorGraph:
    """Nodes at (0, 0), (30, 0), (30, 40); edges of 30, 40 and 50 m, and a detour of 70 m."""
    xy = np.array([[0.0, 0], [30, 0], [30, 40]])
    ends = np.array([[0, 1], [1, 2], [0, 2], [0, 2]])
    lines = [shapely.LineString(xy[pair]) for pair in ends[:3]]
    lines.append(shapely.LineString([(0, 0), (0, 40), (30, 40)]))
    measures = pd.DataFrame({"kind": "strip", "kerb_m": [0.0, 10.0, 5.0, 0.0]})
    return CorridorGraph(xy, ends, np.array(lines, object), measures)


def test_lengths_and_counts(triangle: CorridorGraph) -> None:
    assert triangle.length_m.tolist() == [30, 40, 50, 70]
    assert (triangle.node_count, triangle.edge_count) == (3, 4)


def test_networkx_carries_places_lines_and_every_measure(triangle: CorridorGraph) -> None:
    graph = triangle.to_networkx()
    assert graph.number_of_edges(0, 2) == 2
    assert graph.nodes[2] == {"x": 30.0, "y": 40.0}
    assert graph[1][2][1]["kerb_m"] == 10.0
    assert graph[1][2][1]["line"].length == 40.0
    assert (
        nx.dijkstra_path_length(
            graph, 0, 2, lambda _u, _v, k: min(e["line"].length for e in k.values())
        )
        == 50
    )


def test_a_part_of_the_graph_is_cut_by_bounds_and_by_edges(triangle: CorridorGraph) -> None:
    assert triangle.edges_within((25, -1, 29, 1)).tolist() == [0, 2, 3]  # bounding boxes meet
    east = triangle.to_networkx(bounds=(29, 10, 31, 20))
    assert sorted(key for *_, key in east.edges(keys=True)) == [1, 2, 3]
    assert sorted(triangle.to_networkx(edges=[1]).nodes) == [1, 2]


def test_arcs_keep_the_lightest_of_parallels_and_skip_loops_and_infinite_weights() -> None:
    ends = np.array([[0, 1], [1, 0], [1, 1], [1, 2]])
    found = arcs(ends, np.array([5.0, 3.0, 1.0, np.inf]), 3)
    assert found.matrix.toarray().tolist() == [[0, 3, 0], [3, 0, 0], [0, 0, 0]]
    assert found.edges_from(np.array([1, 0, -1])).tolist() == [1, 1, -1]


def test_the_tie_break_hangs_on_the_line_alone(triangle: CorridorGraph) -> None:
    share = triangle.tie_break
    assert ((share >= 0) & (share <= 1)).all()
    assert len(set(share.tolist())) == 4
    assert tie_break(triangle.lines[::-1]).tolist() == share[::-1].tolist()
    assert tie_break(shapely.reverse(triangle.lines)) == pytest.approx(share, abs=1e-9)


def test_weights_with_their_tie_breaks_are_a_ten_millionth_heavier_at_most() -> None:
    weights = np.array([100.0, 100.0, 0.0, np.inf])
    found = told_apart(weights, np.array([0.25, 1.0, 0.5, 0.5]))
    assert found[:2] == pytest.approx([100.0000025, 100.00001], abs=1e-11)
    assert found[2] > 0  # an arc of no weight is none to scipy
    assert np.isinf(found[3])
    assert (without_tie_breaks(found)[:2] <= weights[:2]).all()
    assert without_tie_breaks(found)[:2] == pytest.approx(weights[:2], rel=3e-7)


@pytest.mark.parametrize("yuan_m", [1.0, 700.0, 20_000.0])
def test_of_ways_that_cost_the_same_one_is_taken_however_coordinates_are_rounded(
    yuan_m: float,
) -> None:
    # A town of 8 x 8 equal blocks askew: of 3,432 ways from corner to corner none is shorter.
    place, size = np.arange(64).reshape(8, 8), 8
    pairs = np.r_[
        np.stack([place[:, :-1].ravel(), place[:, 1:].ravel()], 1),
        np.stack([place[:-1].ravel(), place[1:].ravel()], 1),
    ]
    grid = np.stack(np.divmod(np.arange(64), size), 1) * 20.0
    xy = grid @ np.array([[0.8, 0.6], [-0.6, 0.8]]) + (583_490.0097633, 3_502_253.5483654)
    rng, walks = np.random.default_rng(1), set()
    for _ in range(40):
        rounded = xy + rng.choice([0, 1], xy.shape) * 4.66e-10  # the last bit of a northing
        lines = np.asarray(shapely.linestrings(rounded[pairs]))
        weights = told_apart(shapely.length(lines) * yuan_m, tie_break(lines))
        forest = grow_forest(pairs, weights, 64, np.array([0]), np.zeros(1))
        walks.add(tuple(forest.path(63)))
    assert len(walks) == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from([1.0, 2.0, 3.0, np.inf])),
        max_size=25,
    )
)
def test_arcs_are_the_lightest_edges_in_both_directions(
    edges: list[tuple[int, int, float]],
) -> None:
    ends = np.array([edge[:2] for edge in edges], np.int64).reshape(-1, 2)
    found = arcs(ends, np.array([weight for *_, weight in edges], float), 5)
    wanted: dict[tuple[int, int], tuple[float, int]] = {}
    for number, (one, two, weight) in enumerate(edges):
        for pair in ((one, two), (two, one)):
            if one != two and np.isfinite(weight):
                wanted[pair] = min(wanted.get(pair, (np.inf, -1)), (weight, number))
    start, end = found.matrix.nonzero()
    assert set(zip(start.tolist(), end.tolist(), strict=True)) == set(wanted)
    for (one, two), (weight, number) in wanted.items():
        assert found.matrix[one, two] == weight
        before = np.where(np.arange(5) == two, one, -1)
        assert found.edges_from(before).tolist() == np.where(before >= 0, number, -1).tolist()


def test_a_path_near_its_beginning_joins_two_nodes() -> None:
    # A square 0-1-2-3 with 0-3 missing, each side 10 m: from 0 to 3 it leads over 2, 14.1 m away.
    xy = np.array([[0.0, 0], [10, 0], [10, 10], [0, 10], [50, 50]])
    ways = np.array([[0, 1], [1, 2], [2, 3]])
    pairs = np.array([[0, 0], [0, 3], [3, 0], [0, 4]])
    assert joined_near(ways, xy, pairs, 15.0).tolist() == [True, True, False, False]
    assert joined_near(ways, xy, pairs, 14.0).tolist() == [True, False, False, False]
    assert joined_near(ways, xy, pairs[:0], 15.0).tolist() == []


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=24), st.integers(0, 30))
def test_nodes_are_joined_as_in_the_graph_of_what_is_near(
    ways: list[tuple[int, int]], reach_m: int
) -> None:
    xy = np.random.default_rng(1).uniform(0, 20, (12, 2))
    pairs = np.array([[a, b] for a in range(12) for b in range(12)])
    expected = []
    for a, b in pairs:
        near = np.flatnonzero(np.hypot(*(xy - xy[a]).T) <= reach_m)
        graph = nx.DiGraph(ways)
        graph.add_nodes_from(range(12))
        expected.append(b in near and nx.has_path(graph.subgraph(near.tolist()), a, b))
    found = joined_near(np.array(ways, np.int64).reshape(-1, 2), xy, pairs, float(reach_m))
    assert found.tolist() == expected

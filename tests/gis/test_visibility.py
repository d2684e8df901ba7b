"""Shortest ways over open land, on paper and against a fine grid."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from gis.visibility import open_ways


def way(obstacles: list[shapely.Polygon], clearance_m: float = 0.0) -> shapely.LineString | None:
    ways = open_ways(
        np.array([[0.0, 0.0]]), np.array([[10.0, 0.0]]), np.array(obstacles, object), clearance_m
    )
    assert len(ways) == 1
    found: shapely.LineString | None = ways[0]
    return found


def test_without_obstacles_the_way_is_straight() -> None:
    found = way([])
    assert found is not None
    assert list(found.coords) == [(0, 0), (10, 0)]


def test_a_wall_is_passed_at_its_nearer_corners() -> None:
    # Wall x = 4 to 6, y = -2 to 9: by the southern corners, 2 * sqrt(16 + 4) + 2.
    found = way([box(4, -2, 6, 9)])
    assert found is not None
    assert found.length == pytest.approx(2 * math.sqrt(20) + 2)
    assert list(found.coords)[1:-1] == [(4, -2), (6, -2)]


def test_the_way_keeps_its_clearance() -> None:
    wall = box(4, -2, 6, 9)
    found = way([wall], 0.5)
    assert found is not None
    assert found.distance(wall) == pytest.approx(0.5)
    assert found.length == pytest.approx(2 * math.hypot(3.5, 2.5) + 3)


def test_a_gap_narrower_than_twice_the_clearance_is_no_way() -> None:
    ring = shapely.Point(0, 0).buffer(5).difference(shapely.Point(0, 0).buffer(4))
    door = ring.difference(box(3, -0.4, 6, 0.4))
    assert way([door], 0.3) is not None
    assert way([door], 0.5) is None
    assert way([ring]) is None


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(1, 8), st.integers(-5, 4), st.integers(1, 3), st.integers(1, 4)),
        max_size=5,
    )
)
def test_no_way_on_a_fine_grid_is_shorter(boxes: list[tuple[int, int, int, int]]) -> None:
    # Grid ways in 16 directions are at most 2.8 % longer than free ones, never shorter.
    obstacles = [box(x, y, x + w, y + h).intersection(box(0.5, -9, 9.5, 9))
                 for x, y, w, h in boxes]  # fmt: skip
    found = way(obstacles)
    assert found is not None
    united = shapely.union_all(obstacles)
    assert found.intersection(united.buffer(-0.02)).is_empty
    assert found.length <= _grid_length(united) + 1e-6


def _grid_length(united: shapely.Geometry) -> float:
    size, graph = 0.5, nx.Graph()
    cells = {(i, j) for i in range(21) for j in range(-20, 21)}
    moves = [(1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (1, 2), (2, -1), (1, -2)]
    pairs = [
        ((i, j), (i + a, j + b)) for i, j in cells for a, b in moves if (i + a, j + b) in cells
    ]
    lines = shapely.linestrings(np.array(pairs, float) * size)
    free = ~shapely.intersects(united.buffer(-0.005), lines)
    for (one, two), line, open_ in zip(pairs, lines, free, strict=True):
        if open_:
            graph.add_edge(one, two, weight=line.length)
    return float(nx.shortest_path_length(graph, (0, 0), (20, 0), weight="weight"))

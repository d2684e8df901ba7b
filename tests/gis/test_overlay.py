"""Lengths and areas inside polygons, overlaps counted once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, box

from gis.areas import Areas
from gis.overlay import (
    area_inside_union,
    enters,
    length_inside_union,
    lengths_inside,
    squares_of,
    strips,
)

SQUARES = np.array([box(0, 0, 10, 10), box(5, 0, 15, 10), box(100, 0, 110, 10)], object)
NONE = np.zeros(0, object)


def lines(*points: list[tuple[float, float]]) -> np.ndarray:
    return np.array([LineString(p) for p in points], object)


def test_lengths_are_told_for_every_polygon_that_a_line_enters() -> None:
    inside = lengths_inside(lines([(-5, 5), (20, 5)], [(0, 50), (9, 50)]), SQUARES)
    found = dict(zip(inside.polygon.tolist(), inside.length_m.tolist(), strict=True))
    assert inside.line.tolist() == [0, 0]
    assert found == {0: 10.0, 1: 10.0}


def test_overlaps_count_once() -> None:
    # From x = -5 to 20 the union of the two squares covers x = 0 to 15.
    assert length_inside_union(lines([(-5, 5), (20, 5)]), Areas(SQUARES)).tolist() == [15.0]
    # A strip 2 m wide covers 15 x 2 of the union.
    assert area_inside_union(
        strips(lines([(-5, 5), (20, 5)]), np.array([2.0])), SQUARES
    ).tolist() == pytest.approx([30.0])


def test_a_touch_is_no_entry() -> None:
    pairs = enters(lines([(-5, 5), (0.01, 5)], [(-5, 5), (0.5, 5)]), SQUARES[:1])
    assert pairs.line.tolist() == [1]
    assert pairs.length_m.tolist() == pytest.approx([0.5])


def test_nothing_inside_nothing() -> None:
    line = lines([(0, 0), (5, 0)])
    assert length_inside_union(line, Areas(NONE)).tolist() == [0.0]
    assert area_inside_union(NONE, SQUARES).tolist() == []
    assert len(enters(line, NONE).line) == 0


def test_strips_have_flat_ends_and_mitred_corners() -> None:
    # 10 m long, 2 m wide: 20 m². An elbow of 10 + 10 m: 2 x 20 and no rounding of the outer
    # corner: the two arms overlap in a square of 1 x 1 and the mitre adds one of 1 x 1.
    area = shapely.area(
        strips(lines([(0, 0), (10, 0)], [(0, 0), (10, 0), (10, 10)]), np.full(2, 2.0))
    )
    assert area.tolist() == pytest.approx([20.0, 40.0])


square = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 20)).map(
    lambda s: box(s[0], s[1], s[0] + s[2], s[1] + s[2])
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(square, max_size=6),
    st.lists(
        st.tuples(st.integers(-5, 50), st.integers(-5, 50)), min_size=2, max_size=5, unique=True
    ),
)
def test_union_lengths_and_areas_equal_shapely(
    polygons: list[shapely.Polygon], points: list[tuple[int, int]]
) -> None:
    line, areas = lines(points), np.array(polygons, object)
    union = shapely.union_all(polygons)
    pieces = lines(*pairwise(points))  # a line that runs back over itself is inside both times
    assert length_inside_union(line, Areas(areas))[0] == pytest.approx(
        shapely.length(shapely.intersection(pieces, union)).sum(), abs=0.02
    )
    working = strips(line, np.array([3.0]))
    assert area_inside_union(working, areas)[0] == pytest.approx(
        working[0].intersection(union).area, abs=1e-6
    )


def test_squares_cover_an_area_once_and_leave_missing_areas_out() -> None:
    # 130 by 70 m in squares of 60 m, and a second area on its edge; nothing is counted twice.
    areas = np.array([box(0, 0, 130, 70), None, box(130, 0, 140, 10)], object)
    parts, owner = squares_of(areas, 60.0)
    assert np.bincount(owner, shapely.area(parts)).tolist() == pytest.approx([9100, 0, 100])
    assert shapely.area(shapely.union_all(parts[owner == 0])) == pytest.approx(9100)
    sides = shapely.bounds(parts)
    assert (sides[:, 2:] - sides[:, :2]).max() <= 60 + 1e-9
    for nothing in (np.zeros(0, object), np.array([None], object)):
        assert len(squares_of(nothing, 60.0)[0]) == 0

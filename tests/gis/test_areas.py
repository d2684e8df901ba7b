"""Lines inside areas by arrays, held against shapely's overlay of every pair."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Polygon, box

from gis import areas
from gis.areas import Areas

RING = Polygon([(0, 0), (10, 0), (10, 10), (0, 10)], [[(4, 4), (6, 4), (6, 6), (4, 6)]])
grid = st.integers(-3, 13).map(float)
points = st.tuples(grid, grid)
quads = st.builds(
    lambda x, y, w, h: box(x, y, x + w, y + h), grid, grid, st.integers(1, 9), st.integers(1, 9)
)


def by_polygon(lines: list[LineString], polygons: list[Polygon]) -> dict[tuple[int, int], float]:
    """Metres of every line inside every polygon that it enters."""
    found = Areas(np.array(polygons, object)).pieces(np.array(lines, object))
    total: dict[tuple[int, int], float] = {}
    for line, area, length_m in zip(found.line, found.area, found.length_m, strict=True):
        total[int(line), int(area)] = total.get((int(line), int(area)), 0.0) + float(length_m)
    return {pair: length_m for pair, length_m in total.items() if length_m > 1e-9}


def test_pieces_are_told_by_metres_from_the_start_of_the_line() -> None:
    found = Areas(np.array([RING], object)).pieces(np.array([LineString([(-5, 5), (20, 5)])]))
    assert found.start_m.tolist() == [5.0, 11.0]  # in at x = 0, out and in again round the hole
    assert found.end_m.tolist() == [9.0, 15.0]


def test_a_gap_between_stretches_is_no_part_of_the_line() -> None:
    """Stretches of 4 m and 3 m, the gap between them through the whole square."""
    stretches = MultiLineString([[(-4, 1), (0, 1)], [(10, 1), (13, 1)], [(2, 2), (5, 2)]])
    lines = np.array([stretches, LineString([(-5, 1), (5, 1)])], object)
    found = Areas(np.array([RING], object)).pieces(lines)
    assert found.line.tolist() == [0, 1]
    assert found.start_m.tolist() == [7.0, 5.0]
    assert found.end_m.tolist() == [10.0, 10.0]


def test_a_bent_line_goes_on_counting_past_its_vertices() -> None:
    bent = LineString([(-5, 1), (5, 1), (5, 12)])
    found = Areas(np.array([RING], object)).pieces(np.array([bent]))
    assert found.start_m.tolist() == [5.0, 10.0, 15.0]
    assert found.end_m.tolist() == [10.0, 13.0, 19.0]


def test_parts_of_one_multipolygon_are_one_area() -> None:
    two = MultiPolygon([box(0, 0, 1, 1), box(2, 0, 3, 1)])
    assert by_polygon([LineString([(0, 0.5), (3, 0.5)])], [two]) == {(0, 0): pytest.approx(2.0)}


@pytest.mark.parametrize("off_m", [-4e-10, 0.0, 4e-10])
def test_rounding_does_not_decide_whether_a_line_along_a_boundary_is_inside(off_m: float) -> None:
    # The side from (0, 10) to (10, 10), reached 5 m before and left 5 m behind.
    along = LineString([(-5, 10 + off_m), (15, 10 - off_m)])
    assert by_polygon([along], [RING]) == {(0, 0): pytest.approx(10.0)}


def test_lines_looked_up_a_part_at_a_time_have_the_same_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = np.array([LineString([(-5, y), (15, y)]) for y in range(-1, 10)], object)
    rings = Areas(np.array([RING, box(8, 1, 20, 7)], object))
    together = rings.pieces(lines)
    monkeypatch.setattr(areas, "_AT_A_TIME", 2)
    for apart, column in zip(rings.pieces(lines), together, strict=True):
        assert apart.tolist() == column.tolist()
    assert set(together.line.tolist()) == set(range(1, 11))


def test_lines_that_are_points_and_areas_that_are_none_have_no_pieces() -> None:
    point = LineString([(5, 1), (5, 1)])
    assert by_polygon([point], [RING]) == {}
    assert by_polygon([LineString([(0, 0), (1, 1)])], []) == {}
    assert by_polygon([], [RING]) == {}


@given(
    st.lists(st.lists(points, min_size=2, max_size=4), min_size=1, max_size=5),
    st.lists(quads, min_size=1, max_size=4),
)
def test_lengths_equal_those_of_shapely(paths: list[list[tuple[float, float]]], polygons) -> None:
    # On a grid: corners are hit, sides are run along, polygons overlap and touch.
    lines = [LineString(path) for path in paths]
    expected = {
        (i, j): pytest.approx(_length_m(line, polygon), abs=1e-6)
        for i, line in enumerate(lines)
        for j, polygon in enumerate([RING, *polygons])
        if _length_m(line, polygon) > 1e-9
    }
    assert by_polygon(lines, [RING, *polygons]) == expected


def _length_m(path: LineString, polygon: Polygon) -> float:
    """Length of a path inside, stretches that it walks twice counted twice."""
    pairs = zip(path.coords[:-1], path.coords[1:], strict=True)
    return sum(shapely.length(shapely.intersection(LineString(p), polygon)) for p in pairs)


def test_a_stretch_along_a_shared_side_counts_in_the_area_of_the_lowest_rank() -> None:
    # West area x = 0 to 4, east area x = 4 to 10; the line runs 2 m into the west area, 5 m along
    # the shared side, 3 m into the east.
    west, east = box(0, 0, 4, 9), box(4, 0, 10, 9)
    line = np.array([LineString([(2, 1), (4, 1), (4, 6), (7, 6)])], object)
    pieces = Areas(np.array([west, east], object)).pieces(line)
    assert pieces.length_m.sum() == pytest.approx(15)
    for rank, expected in (([0, 1], [7, 3]), ([1, 0], [2, 8])):
        once = pieces.once(np.array(rank))
        assert np.bincount(once.area, once.length_m).tolist() == pytest.approx(expected)
    apart = Areas(np.array([west], object)).pieces(line)
    assert apart.once(np.array([0])).length_m.tolist() == apart.length_m.tolist()


def test_a_line_that_begins_with_a_vertex_twice_lies_inside_as_a_whole() -> None:
    twice = LineString([(2, 2), (2, 2), (3, 2), (3, 3)])
    assert by_polygon([twice], [box(0, 0, 9, 9)]) == {(0, 0): pytest.approx(2)}
    assert by_polygon([twice], [box(20, 0, 29, 9)]) == {}


def test_the_longest_stretch_between_two_areas_is_told() -> None:
    areas = Areas(np.array([box(10, 0, 20, 9), box(15, 0, 22, 9), box(25, 0, 30, 9)], object))
    lines = [
        LineString(
            [(0, 5), (50, 5)]
        ),  # 3 m from 22 to 25; not the 10 m before, nor the 20 m behind
        LineString([(12, 5), (12, 20), (28, 20), (28, 5)]),  # out at the top and in again: 11+16+11
        LineString([(0, 5), (18, 5)]),
        LineString([(0, 20), (50, 20)]),
    ]
    found = areas.pieces(np.array(lines, object)).between_m(len(lines))
    assert found.tolist() == pytest.approx([3, 38, 0, 0])


@given(st.lists(quads, min_size=1, max_size=6), st.lists(quads, max_size=3), st.data())
def test_areas_of_which_some_were_exchanged_tell_what_new_ones_tell(
    before: list[Polygon], fresh: list[Polygon], data: st.DataObject
) -> None:
    areas = Areas(np.array(before, object))
    line = np.array([LineString([(-5, 1.5), (5.5, 11.5), (14, -4)])], object)
    areas.pieces(line)  # sides are arranged when they are first asked for
    stays = data.draw(st.lists(st.sampled_from(range(len(before))), unique=True))
    row = np.array([*sorted(stays), *[-1] * len(fresh)], np.int64)
    polygons = np.array([*[before[k] for k in sorted(stays)], *fresh, box(0, 0, 3, 3)], object)
    row = np.append(row, -1)
    found = areas.with_others(polygons, row).pieces(line)
    expected = Areas(polygons).pieces(line)
    for area in range(len(polygons)):
        one, two = (p.length_m[p.area == area].sum() for p in (found, expected))
        assert one == pytest.approx(two)

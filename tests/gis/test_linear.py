"""Cutting, joining and numbering lines: pieces sum to the whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.ops import substring

from gis.linear import (
    POSITION_TOLERANCE_M,
    Tracks,
    chain,
    cut_lines,
    distinct,
    first_parts,
    highest_before,
    merge_points,
    ranges,
    rest_after,
    segments,
    with_ends,
)

NOTHING = np.zeros(0, np.int64)
ELBOW = shapely.LineString([(0, 0), (10, 0), (10, 5)])  # 15 m


def lines(*given: shapely.LineString) -> np.ndarray:
    return np.array(given, object)


def coordinates(line: shapely.LineString) -> list[tuple[float, ...]]:
    return [tuple(map(float, point)) for point in line.coords]


def test_a_line_without_a_position_comes_back_whole() -> None:
    pieces = cut_lines(lines(ELBOW), NOTHING, np.zeros(0))
    assert [coordinates(line) for line in pieces.lines] == [coordinates(ELBOW)]
    assert (pieces.parent.tolist(), pieces.start_m.tolist(), pieces.end_m.tolist()) == (
        [0],
        [0],
        [15],
    )


def test_an_elbow_is_cut_before_at_and_behind_its_corner() -> None:
    pieces = cut_lines(lines(ELBOW), np.array([0, 0, 0]), np.array([12.0, 4.0, 10.0]))
    assert [coordinates(line) for line in pieces.lines] == [
        [(0, 0), (4, 0)],
        [(4, 0), (10, 0)],
        [(10, 0), (10, 2)],
        [(10, 2), (10, 5)],
    ]
    assert pieces.start_m.tolist() == [0, 4, 10, 12]
    assert pieces.end_m.tolist() == [4, 10, 12, 15]


def test_positions_at_an_end_beyond_it_and_repeated_ones_cut_nothing() -> None:
    at = np.array([0.0, 15.0, -3.0, 99.0, 6.0, 6.0, 6.0 + POSITION_TOLERANCE_M / 2])
    pieces = cut_lines(lines(ELBOW), np.zeros(len(at), np.int64), at)
    assert pieces.end_m.tolist() == [6.0, 15.0]


def test_pieces_know_their_parents_and_come_in_their_order() -> None:
    other = shapely.LineString([(0, 9), (8, 9)])
    pieces = cut_lines(lines(ELBOW, other, ELBOW), np.array([2, 1]), np.array([1.0, 2.0]))
    assert pieces.parent.tolist() == [0, 1, 1, 2, 2]


vertex = st.tuples(st.integers(-400, 400), st.integers(-400, 400))
walk = st.lists(vertex, min_size=2, max_size=6, unique=True).map(shapely.LineString)


@settings(deadline=None, max_examples=60)
@given(st.lists(walk, min_size=1, max_size=4), st.data())
def test_pieces_sum_to_their_line_and_follow_each_other(
    whole: list[shapely.LineString], data: st.DataObject
) -> None:
    cuts = data.draw(
        st.lists(st.tuples(st.integers(0, len(whole) - 1), st.floats(0, 1)), max_size=8)
    )
    given_lines = lines(*whole)
    at_line = np.array([line for line, _ in cuts], np.int64)
    at_m = np.array([share * whole[line].length for line, share in cuts])
    pieces = cut_lines(given_lines, at_line, at_m)
    length = np.bincount(pieces.parent, shapely.length(pieces.lines), minlength=len(whole))
    assert length == pytest.approx(shapely.length(given_lines), abs=1e-3)
    assert pieces.end_m - pieces.start_m == pytest.approx(shapely.length(pieces.lines), abs=1e-3)
    for number, line in enumerate(whole):
        own = pieces.lines[pieces.parent == number]
        assert coordinates(own[0])[0] == coordinates(line)[0]
        assert coordinates(own[-1])[-1] == coordinates(line)[-1]
        for one, following in pairwise(own):
            assert coordinates(one)[-1] == coordinates(following)[0]


def test_points_nearer_than_the_tolerance_are_one_and_stay_where_the_first_was() -> None:
    label, xy = merge_points(np.array([[0.0, 0], [5, 0], [0.004, 0], [5, 0.006]]), 0.005)
    assert label[0] == label[2]
    assert len({int(n) for n in label}) == 3
    assert xy[label[2]].tolist() == [0.0, 0.0]
    assert merge_points(np.zeros((0, 2)), 0.005)[1].shape == (0, 2)


def test_ends_are_moved_and_the_middle_stays() -> None:
    moved = with_ends(lines(ELBOW), np.array([[0.0, 1]]), np.array([[10.0, 6]]))
    assert coordinates(moved[0]) == [(0, 1), (10, 0), (10, 6)]


def test_segments_join_points_pairwise() -> None:
    made = segments(np.array([[0.0, 0], [1, 1]]), np.array([[3.0, 4], [1, 2]]))
    assert shapely.length(made).tolist() == [5.0, 1.0]


def test_a_chain_turns_lines_where_needed() -> None:
    there, back = shapely.LineString([(0, 0), (5, 0)]), shapely.LineString([(5, 7), (5, 0)])
    assert coordinates(chain([there, back], (0, 0))) == [(0, 0), (5, 0), (5, 7)]
    assert coordinates(chain([back, there], (5, 7))) == [(5, 7), (5, 0), (0, 0)]


def test_a_chain_with_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match=r"line does not continue at \(5\.000, 0\.000\)"):
        chain(
            [shapely.LineString([(0, 0), (5, 0)]), shapely.LineString([(5, 0.1), (9, 0)])], (0, 0)
        )


def test_places_along_many_lines_are_looked_up_at_once() -> None:
    tracks = Tracks(lines(ELBOW, shapely.LineString([(100, 0), (101, 0)])))
    found = tracks.at(np.array([0, 0, 1, 0, 1]), np.array([4.0, 12.0, 0.5, -3.0, 9.0]))
    assert found.tolist() == [[4, 0], [10, 2], [100.5, 0], [0, 0], [101, 0]]
    assert tracks.at(NOTHING, np.zeros(0)).shape == (0, 2)


def test_the_first_part_of_a_line_ends_where_it_is_told() -> None:
    parts = first_parts(lines(ELBOW, ELBOW, ELBOW), np.array([12.0, 99.0, 0.0]))
    assert [coordinates(part) for part in parts] == [
        [(0, 0), (10, 0), (10, 2)],
        [(0, 0), (10, 0), (10, 5)],
        [(0, 0), (0, 0)],
    ]


def test_ranges_follow_one_another_and_may_be_empty() -> None:
    # 3 4, nothing, 0, 7 8 9.
    found = ranges(np.array([3, 5, 0, 7]), np.array([5, 5, 1, 10]))
    assert found.tolist() == [3, 4, 0, 7, 8, 9]
    assert len(ranges(np.zeros(0, np.int64), np.zeros(0, np.int64))) == 0


@given(st.lists(st.integers(-5, 5)))
def test_numbers_are_distinct_and_ascend(numbers: list[int]) -> None:
    assert distinct(np.array(numbers, np.int64)).tolist() == sorted(set(numbers))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(walk, st.floats(0, 1.2)), min_size=1, max_size=5))
def test_the_rest_of_a_line_is_what_another_library_leaves(
    drawn: list[tuple[shapely.LineString, float]],
) -> None:
    whole = lines(*(line for line, _ in drawn))
    metres = np.array([share * line.length for line, share in drawn])
    for line, at_m, rest in zip(whole, metres, rest_after(whole, metres), strict=True):
        if at_m == 0:
            assert rest is line
        elif at_m >= line.length - POSITION_TOLERANCE_M:
            assert rest.is_empty
        else:
            left = substring(line, at_m, line.length)
            assert rest.length == pytest.approx(left.length, abs=2 * POSITION_TOLERANCE_M)
            assert shapely.hausdorff_distance(rest, left) <= POSITION_TOLERANCE_M


def test_of_no_lines_nothing_is_left() -> None:
    assert len(rest_after(lines(), np.zeros(0))) == 0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=5))
def test_the_highest_before_is_told_of_each_owner(drawn: list[list[int]]) -> None:
    owner = np.array([place for place, values in enumerate(drawn) for _ in values], np.int64)
    values = np.array([value for values in drawn for value in values], float)
    expected = [max(some[:at], default=0) for some in drawn for at in range(len(some))]
    assert highest_before(owner, values).tolist() == expected

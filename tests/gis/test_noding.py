"""Noding keeps the parent of every part."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.noding import NODE_TOLERANCE_M, Network, node_lines


def noded(*points: list[tuple[float, float]]) -> Network:
    return node_lines(np.array([shapely.LineString(p) for p in points], object))


def degrees(network: Network) -> list[int]:
    count = np.bincount(network.ends.ravel(), minlength=len(network.node_xy))
    return sorted(count[count > 0].tolist())


def test_two_streets_that_cross_make_four_parts_and_one_node_of_four() -> None:
    network = noded([(0, 0), (10, 0)], [(5, -5), (5, 5)])
    assert network.pieces.parent.tolist() == [0, 0, 1, 1]
    assert degrees(network) == [1, 1, 1, 1, 4]


def test_a_street_that_ends_on_another_makes_a_node_of_three() -> None:
    network = noded([(0, 0), (10, 0)], [(5, 0), (5, 5)])
    assert network.pieces.parent.tolist() == [0, 0, 1]
    assert degrees(network) == [1, 1, 1, 3]


def test_streets_that_do_not_touch_stay_apart() -> None:
    network = noded([(0, 0), (10, 0)], [(0, 1), (10, 1)])
    assert len(network.pieces.lines) == 2
    assert degrees(network) == [1, 1, 1, 1]


def test_a_gap_smaller_than_the_tolerance_is_closed_and_the_ends_meet_exactly() -> None:
    network = noded([(0, 0), (10, 0)], [(10 + NODE_TOLERANCE_M / 2, 0), (20, 0)])
    assert degrees(network) == [1, 1, 2]
    shared = network.pieces.lines[0].coords[-1]
    assert shared == network.pieces.lines[1].coords[0]


def test_lines_on_top_of_each_other_both_stay() -> None:
    network = noded([(0, 0), (10, 0)], [(4, 0), (8, 0)])
    assert sorted(network.pieces.parent.tolist()) == [0, 0, 0, 1]
    assert shapely.length(network.pieces.lines).sum() == pytest.approx(14)


LOLLIPOP: list[tuple[float, float]] = [(0, 0), (30, 0), (30, 20), (10, 20)]


@pytest.mark.parametrize("off_m", [0.0, 0.9 * NODE_TOLERANCE_M, -0.9 * NODE_TOLERANCE_M])
def test_a_street_that_ends_on_its_own_middle_is_cut_there(off_m: float) -> None:
    network = noded([*LOLLIPOP, (10, off_m)])
    assert shapely.length(network.pieces.lines) == pytest.approx([10, 80], abs=0.01)
    assert degrees(network) == [1, 3]


def test_a_street_that_ends_short_of_its_own_middle_stays_one() -> None:
    assert degrees(noded([*LOLLIPOP, (10, 2 * NODE_TOLERANCE_M)])) == [1, 1]


def test_a_street_that_crosses_itself_is_cut_on_both_passages() -> None:
    network = noded([*LOLLIPOP, (10, -10)])
    assert shapely.length(network.pieces.lines).tolist() == [10, 80, 10]
    assert degrees(network) == [1, 1, 4]


def test_a_figure_eight_is_two_rings_that_meet_and_a_plain_ring_stays_whole() -> None:
    eight = [(0, 0), (10, 10), (20, 0), (10, -10), (0, 0), (-10, 10), (-20, 0), (-10, -10), (0, 0)]
    assert noded(eight).ends.tolist() == [[0, 0], [0, 0]]
    assert noded([*LOLLIPOP, (0, 0)]).ends.tolist() == [[0, 0]]


def test_a_street_that_crosses_where_another_crosses_itself_meets_both_passages() -> None:
    network = noded([*LOLLIPOP, (10, -10)], [(0, -10), (20, 10)])
    assert degrees(network) == [1, 1, 1, 1, 6]


@pytest.mark.parametrize("back_y", [0.0, 1e-9, 0.9 * NODE_TOLERANCE_M])
def test_the_way_back_over_itself_is_a_part_of_its_own_between_the_same_nodes(
    back_y: float,
) -> None:
    network = noded([(0, 0), (50, 0), (49, back_y), (100, 0)])
    assert network.ends.tolist() == [[0, 1], [1, 2], [2, 1], [1, 2], [2, 3]]
    assert shapely.length(network.pieces.lines) == pytest.approx([49, 1, 1, 1, 50], abs=0.01)


def test_every_layer_of_a_way_back_is_cut_by_a_street_across() -> None:
    network = noded([(0, 0), (50, 0), (20, 0)], [(30, -10), (30, 10)])
    assert network.pieces.parent.tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert degrees(network) == [1, 1, 1, 2, 3, 6]


def walks(last: int) -> st.SearchStrategy[list[list[tuple[float, float]]]]:
    """Walks over a grid: rings, loops, ways back over what was drawn already; never two steps at
    one place, which shapely counts as a part without length."""
    place = st.tuples(st.integers(0, last), st.integers(0, last))
    walk = st.lists(place, min_size=2, max_size=6).map(
        lambda p: [
            (10.0 * x, 10.0 * y)
            for (x, y), before in zip(p, [None, *p], strict=False)
            if (x, y) != before
        ]
    )
    return st.lists(walk.filter(lambda p: len(p) > 1), min_size=1, max_size=6)


# Wide grids have skew crossings, narrow ones lines that meet and cover each other.
streets = walks(60) | walks(3)


@settings(deadline=None, max_examples=50)
@given(streets)
def test_noding_keeps_every_metre_with_its_parent(points: list[list[tuple[float, float]]]) -> None:
    network = noded(*points)
    whole = shapely.length([shapely.LineString(p) for p in points])
    parts = np.bincount(
        network.pieces.parent, shapely.length(network.pieces.lines), minlength=len(points)
    )
    # Ends that were merged may each have moved by the tolerance.
    assert parts == pytest.approx(whole, abs=0.2)
    first = shapely.get_coordinates(shapely.get_point(network.pieces.lines, 0))
    assert np.array_equal(first, network.node_xy[network.ends[:, 0]])


@settings(deadline=None, max_examples=50)
@given(streets)
def test_no_two_parts_cross_between_their_ends(points: list[list[tuple[float, float]]]) -> None:
    network = noded(*points)
    pieces = network.pieces.lines
    one, two = shapely.STRtree(pieces).query(pieces, predicate="crosses")
    meeting = shapely.intersection(pieces[one[one < two]], pieces[two[one < two]])
    ends = shapely.multipoints(network.node_xy)
    assert (shapely.distance(meeting, ends) < 2 * NODE_TOLERANCE_M).all()


@settings(deadline=None, max_examples=50)
@given(streets)
def test_parts_and_nodes_are_as_many_as_shapely_finds(
    points: list[list[tuple[float, float]]],
) -> None:
    lines = [shapely.LineString(p) for p in points]
    expected = shapely.get_parts(shapely.node(shapely.MultiLineString(lines)))
    ends = np.concatenate([shapely.get_point(expected, 0), shapely.get_point(expected, -1)])
    places = np.unique(np.round(shapely.get_coordinates(ends), 3), axis=0)
    network = noded(*points)
    # Shapely keeps one of the parts that lie on top of each other.
    parts = {
        (tuple(sorted(pair)), tuple(np.round(shapely.get_coordinates(middle)[0], 2)))
        for pair, middle in zip(
            network.ends.tolist(),
            shapely.line_interpolate_point(network.pieces.lines, 0.5, normalized=True),
            strict=True,
        )
    }
    assert len(parts) == len(expected)
    assert len(np.unique(network.ends)) == len(places)

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


def test_a_street_that_leads_back_over_itself_stays_one() -> None:
    network = noded([(10, 0), (20, 0), (0, 0)])
    assert shapely.length(network.pieces.lines).tolist() == [30.0]


def leads_back(points: list[tuple[float, float]]) -> bool:
    """Whether a line of at most two segments lies in itself."""
    one, two = (shapely.LineString(points[at : at + 2]) for at in (0, len(points) - 2))
    return len(points) > 2 and shapely.intersection(one, two).length > 0


streets = st.lists(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=3, unique=True)
    .map(lambda p: [(10.0 * x, 10.0 * y) for x, y in p])
    .filter(lambda p: not leads_back(p)),
    min_size=1,
    max_size=6,
)


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
    pieces = noded(*points).pieces.lines
    one, two = shapely.STRtree(pieces).query(pieces, predicate="crosses")
    meeting = shapely.intersection(pieces[one[one < two]], pieces[two[one < two]])
    ends = shapely.union_all(shapely.boundary(pieces))
    assert (shapely.distance(meeting, ends) < 2 * NODE_TOLERANCE_M).all()


@settings(deadline=None, max_examples=50)
@given(streets)
def test_parts_and_nodes_are_as_many_as_shapely_finds(
    points: list[list[tuple[float, float]]],
) -> None:
    lines = [shapely.LineString(p) for p in points]
    expected = shapely.get_parts(shapely.node(shapely.MultiLineString(lines)))
    ends = shapely.boundary(expected)
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

"""Kerb strips: straight on over side streets, closed at dead ends."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.noding import node_lines
from gis.strips import Streets, Strips, kerb_strips
from gis.strokes import join_strokes

OFFSET_M, SETBACK_M = 6.0, 1.0
Points = list[tuple[float, float]]


def laid(
    *streets: Points,
    offset: list[float] | None = None,
    shift: list[tuple[float, float]] | None = None,
) -> Strips:
    net = node_lines(np.array([shapely.LineString(p) for p in streets], object))
    count = len(net.pieces.lines)
    offset_m = np.array(offset or [OFFSET_M] * len(streets))[net.pieces.parent]
    setback_m, level = np.full(count, SETBACK_M), np.zeros(count, np.int64)
    lines, nodes = net.pieces.lines, len(net.node_xy)
    shift_m = np.array(shift or [(0.0, 0.0)] * len(streets))[net.pieces.parent]
    return kerb_strips(Streets(net.ends, lines, nodes, offset_m, setback_m, level, shift_m)).strips


def strokes(*streets: Points) -> list[list[int]]:
    """Strokes as sorted lists of street numbers."""
    net = node_lines(np.array([shapely.LineString(p) for p in streets], object))
    found = join_strokes(net.ends, net.pieces.lines, len(net.node_xy))
    parent = net.pieces.parent
    return sorted(sorted(int(parent[part]) for part, _ in one) for one in found.walks())


def segments(found: Strips, side: int) -> set[tuple[tuple[float, float], tuple[float, float]]]:
    lines = found.network.pieces.lines[found.side == side]
    ends = [
        sorted((round(x, 3) + 0.0, round(y, 3) + 0.0) for x, y in (line.coords[0], line.coords[-1]))
        for line in lines
    ]
    return {(a, b) for a, b in ends}


def corners(found: Strips) -> set[tuple[float, float]]:
    """Nodes where four pieces meet."""
    degree = np.bincount(found.network.ends.ravel(), minlength=len(found.network.node_xy))
    return {(round(x, 3), round(y, 3)) for x, y in found.network.node_xy[degree == 4]}


def test_a_lone_street_has_a_strip_on_each_side_closed_at_both_dead_ends() -> None:
    found = laid([(0, 0), (100, 0)])
    # The closing lies the set-back of 1 m beyond the dead end.
    assert segments(found, 1) == {((-1, 6), (101, 6))}
    assert segments(found, -1) == {((-1, -6), (101, -6))}
    assert segments(found, 0) == {((-1, -6), (-1, 6)), ((101, -6), (101, 6))}


def test_the_strip_runs_straight_on_over_the_mouth_of_a_side_street() -> None:
    found = laid([(0, 0), (100, 0)], [(50, 0), (50, 80)])
    left = {(a, b) for a, b in segments(found, 1) if a[1] == b[1] == 6}
    assert ((44, 6), (56, 6)) in left
    # The side street's strips end there; the far side of the street is not touched.
    degree = np.bincount(found.network.ends.ravel())
    three = {(round(x), round(y)) for x, y in found.network.node_xy[degree == 3]}
    assert three == {(44, 6), (56, 6)}
    assert ((-1, -6), (101, -6)) in segments(found, -1)


def test_a_crossing_of_two_streets_has_four_corners_joined_by_four_crossings() -> None:
    found = laid([(0, 0), (100, 0)], [(50, -50), (50, 50)])
    assert corners(found) == {(44, 6), (56, 6), (44, -6), (56, -6)}
    every = segments(found, 1) | segments(found, -1)
    square = {((44, 6), (56, 6)), ((44, -6), (56, -6)), ((44, -6), (44, 6)), ((56, -6), (56, 6))}
    assert square <= every


def test_a_skew_crossing_still_has_four_corners() -> None:
    assert len(corners(laid([(0, 0), (200, 0)], [(60, -60), (140, 60)]))) == 4


def test_a_bend_is_one_stroke_and_a_junction_keeps_the_straight_one() -> None:
    assert strokes([(0, 0), (50, 0)], [(50, 0), (50, 50)]) == [[0, 1]]
    assert strokes([(0, 0), (50, 0)], [(50, 0), (99, 10)], [(50, 0), (50, 50)]) == [[0, 1], [2]]


def test_arcs_of_a_roundabout_are_one_stroke_however_straight_a_street_leaves_it() -> None:
    lines = [[(0, 0), (10, 0)], [(10, 0), (12, 8), (0, 0)], [(10, 0), (60, 0)]]
    net = node_lines(np.array([shapely.LineString(p) for p in lines], object))
    ring = np.where(net.pieces.parent == 2, -1, 0)
    count = len(net.node_xy)
    straight = join_strokes(net.ends, net.pieces.lines, count)
    round_ = join_strokes(net.ends, net.pieces.lines, count, ring=ring)
    assert sorted(len(stroke) for stroke in straight.walks()) == [1, 2]
    assert sorted(sorted(part for part, _ in stroke) for stroke in round_.walks()) == [[0, 1], [2]]


def test_a_sharp_turn_back_starts_a_new_stroke() -> None:
    assert strokes([(0, 0), (50, 0)], [(50, 0), (1, 10)]) == [[0], [1]]


SQUARE: Points = [(0, 0), (100, 0), (100, 100), (0, 100)]
SIDES = [[SQUARE[k], SQUARE[(k + 1) % 4]] for k in range(4)]
RINGS = [SIDES, [[*SQUARE, SQUARE[0]]], [points[::-1] for points in SIDES[::-1]]]


@pytest.mark.parametrize("ring", RINGS)
def test_a_ring_road_has_a_whole_inner_and_a_whole_outer_strip(ring: list[Points]) -> None:
    found = laid(*ring)
    assert (found.side != 0).all()
    length = np.bincount(found.side + 1, shapely.length(found.network.pieces.lines))
    # Inside 4 x (100 - 12) = 352 m, outside 4 x (100 + 12) = 448 m.
    assert sorted(length.tolist()) == pytest.approx([0, 352, 448])
    assert length[2] == pytest.approx(352 if ring is not RINGS[2] else 448)  # left of the walk


grid = st.integers(0, 6).map(lambda k: 60.0 * k)
street = st.lists(st.tuples(grid, grid), min_size=2, max_size=3, unique=True)


@settings(deadline=None, max_examples=40)
@given(st.lists(street, min_size=1, max_size=4))
def test_every_part_is_in_one_stroke(streets: list[Points]) -> None:
    net = node_lines(np.array([shapely.LineString(p) for p in streets], object))
    found = join_strokes(net.ends, net.pieces.lines, len(net.node_xy)).walks()
    assert sorted(part for stroke in found for part, _ in stroke) == list(range(len(net.ends)))
    for stroke in found:
        walked = [(net.ends[p][::-1] if back else net.ends[p]).tolist() for p, back in stroke]
        assert all(one[1] == two[0] for one, two in pairwise(walked))


@settings(deadline=None, max_examples=40)
@given(st.lists(street, min_size=1, max_size=4))
def test_strips_keep_their_distance_from_their_own_street(streets: list[Points]) -> None:
    found = laid(*streets)
    net = node_lines(np.array([shapely.LineString(p) for p in streets], object))
    for stroke in np.unique(found.stroke):
        own = shapely.union_all(net.pieces.lines[found.stroke_of_part == stroke])
        sides = found.network.pieces.lines[(found.stroke == stroke) & (found.side != 0)]
        middle = shapely.line_interpolate_point(sides, 0.5, normalized=True)
        # Prolonged ends leave the street behind; beside it the strip keeps the offset.
        beside = shapely.distance(middle, own)
        assert (beside > OFFSET_M - 0.02).all() or len(shapely.get_coordinates(own)) > 2


def test_the_strips_of_a_bridge_pass_above_those_below_and_go_on_behind_it() -> None:
    # Two streets of 400 m cross at (200, 0); the one from south to north is a bridge there.
    streets = [
        [(0.0, 0.0), (400.0, 0.0)],
        [(200.0, -200.0), (200.0, -40.0)],
        [(200.0, -40.0), (200.0, 40.0)],
        [(200.0, 40.0), (200.0, 200.0)],
    ]
    level = np.array([0, 0, 1, 0])
    net = node_lines(np.array([shapely.LineString(p) for p in streets], object), level)
    count = len(net.pieces.lines)
    assert count == 4
    offset_m, setback_m = np.full(count, OFFSET_M), np.full(count, SETBACK_M)
    beside = offset_m, setback_m, level[net.pieces.parent], np.zeros((count, 2))
    found = kerb_strips(Streets(net.ends, net.pieces.lines, len(net.node_xy), *beside)).strips
    assert corners(found) == set()
    bridge = {((194, -40), (194, 40)), ((206, -40), (206, 40))}
    assert bridge <= segments(found, 1) | segments(found, -1)
    graph = nx.Graph(found.network.ends.tolist())
    assert nx.number_connected_components(graph) == 2


LOLLIPOPS: list[Points] = [
    [(0, 0), (200, 0), (200, 100), (100, 100), (100, 0)],  # ends on its own middle
    [(0, 0), (200, 0), (200, 100), (100, 100), (100, -80)],  # crosses itself
]


@pytest.mark.parametrize("street", LOLLIPOPS)
def test_the_strips_of_a_street_that_meets_itself_are_those_of_two_that_meet(
    street: Points,
) -> None:
    found, parted = laid(street), laid([(0, 0), (200, 0), (200, 50)], [(200, 50), *street[2:]])
    graph = nx.MultiGraph(found.network.ends.tolist())
    # The inner strip of the block is joined by the strips that go on over the mouths.
    assert nx.is_connected(graph)
    drawn, expected = (
        shapely.union_all(f.network.pieces.lines[f.side != 0]) for f in (found, parted)
    )
    assert shapely.difference(expected, drawn.buffer(0.01)).length == pytest.approx(0, abs=0.1)


def test_where_the_width_changes_in_a_bend_the_strip_steps_over_without_going_back() -> None:
    found = laid([(-100, 0), (0, 0)], [(0, 0), (80, -60)], offset=[6.0, 4.0])
    pieces = found.network.pieces.lines[found.side == -1]
    inside = shapely.line_merge(shapely.union_all(pieces))
    corner = [(-101, -6), (0, -6), (0.48, -5.36)]
    assert np.allclose(inside.coords[:3], corner)
    # Over from 6 m to the nearest point at 4 m, eight tenths; from end to end it were 3.7 m.
    assert inside.length == pytest.approx(101 + 0.8 + np.hypot(78.4 - 0.48, 63.8 - 5.36))


def test_where_a_street_forks_it_goes_on_as_wide_as_it_was() -> None:
    fork: list[Points] = [[(-100, 0), (0, 0)], [(0, 0), (100, 8)], [(0, 0), (100, 0)]]
    net = node_lines(np.array([shapely.LineString(p) for p in fork], object))
    found = join_strokes(net.ends, net.pieces.lines, 4, np.array([6.0, 6.0, 4.0]))
    assert sorted(sorted(part for part, _ in stroke) for stroke in found.walks()) == [[0, 1], [2]]
    assert strokes(*fork) == [[0, 2], [1]]


def test_beside_a_hook_that_leaves_no_strip_the_street_goes_on() -> None:
    """Half a metre there and back, drawn with another width: nothing is left of its offset."""
    found = laid(
        [(-40, -70), (0, 0)],
        [(0, 0), (0.334, 0.388), (0.306, 0.421)],
        [(0.306, 0.421), (0.723, 0.994), (9.1, 11.8), (40, 70)],
        offset=[6.06, 6.28, 6.06],
    )
    for side in (-1, 1):
        beside = shapely.union_all(found.network.pieces.lines[found.side == side])
        assert shapely.distance(beside, shapely.Point(-20, -35)) < 7
        assert shapely.distance(beside, shapely.Point(25, 41.7)) < 7

"""The street net: ends that miss each other are mended, streets drawn twice count once."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.noding import Network
from gis.street_net import street_net

Points = list[tuple[float, float]]
HALF_M = 5.0
AXIS: Points = [(0, 0), (100, 0)]


def net(
    *streets: Points, half: float | list[float] = HALF_M, level: list[int] | None = None
) -> Network:
    lines = np.array([shapely.LineString(p) for p in streets], object)
    half_m = np.broadcast_to(np.asarray(half, float), len(lines)).copy()
    return street_net(lines, half_m, np.asarray(level or [0] * len(lines), np.int64)).network


def degrees(network: Network) -> list[int]:
    count = np.bincount(network.ends.ravel(), minlength=len(network.node_xy))
    return sorted(count[count > 0].tolist())


@pytest.mark.parametrize("gap_m", [0.0003, 0.3, 4.9, 6.9])
def test_a_street_that_stops_at_the_kerb_of_another_is_joined_to_its_axis(gap_m: float) -> None:
    found = net(AXIS, [(40, 80), (40, gap_m)])
    assert degrees(found) == [1, 1, 1, 3]
    assert shapely.length(found.pieces.lines).sum() == pytest.approx(100 + 80, abs=0.001)


def test_a_dead_end_with_room_before_the_next_street_stays_one() -> None:
    assert degrees(net(AXIS, [(40, 80), (40, 7.1)])) == [1, 1, 1, 1]


def test_a_street_that_ends_beside_another_does_not_turn_to_it() -> None:
    assert degrees(net(AXIS, [(10, 3), (60, 3)])) == [1, 1, 1, 1]


@pytest.mark.parametrize(("beyond_m", "joined"), [(0.5, True), (4.9, True), (5.1, False)])
def test_what_runs_on_past_the_axis_by_less_than_half_a_width_goes(
    beyond_m: float, joined: bool
) -> None:
    found = net(AXIS, [(40, 80), (40, -beyond_m)])
    assert degrees(found) == ([1, 1, 1, 3] if joined else [1, 1, 1, 1, 4])


def test_a_short_street_between_two_others_is_no_rest() -> None:
    found = net(AXIS, [(0, 4), (100, 4)], [(40, 0), (40, 4)])
    assert degrees(found) == [1, 1, 1, 1, 3, 3]


def test_a_street_drawn_twice_counts_once_as_the_wider() -> None:
    found = net(AXIS, AXIS[::-1], [(20, 0), (60, 0)], half=[4.0, 5.0, 3.0])
    assert shapely.length(found.pieces.lines).sum() == pytest.approx(100)
    assert set(found.pieces.parent.tolist()) == {1}


def test_two_ways_between_the_same_junctions_both_stay() -> None:
    found = net(AXIS, [(0, 0), (50, 1), (100, 0)])
    assert len(found.pieces.lines) == 2


def test_a_street_without_length_is_left_out() -> None:
    found = net(AXIS, [(50, 20), (50, 20)])
    assert degrees(found) == [1, 1]


def test_streets_on_different_levels_pass_above_each_other() -> None:
    found = net(AXIS, [(40, -50), (40, 50)], level=[0, 1])
    assert degrees(found) == [1, 1, 1, 1]


def test_a_bridge_is_joined_to_the_streets_at_its_abutments() -> None:
    found = net(
        AXIS,
        [(40, 50), (40, 20)],
        [(40, 20), (40, -20)],
        [(40, -20), (40, -50)],
        level=[0, 0, 1, 0],
    )
    assert degrees(found) == [1, 1, 1, 1, 2, 2]


@pytest.mark.parametrize("off_m", [0.0, 0.1])
def test_a_slip_of_the_pen_back_over_the_street_counts_once(off_m: float) -> None:
    found = net([(0, 0), (60, 0), (40, off_m), (100, 0)])
    assert degrees(found) == [1, 1]
    assert shapely.length(found.pieces.lines).sum() == pytest.approx(100, abs=0.01)


def test_a_short_spike_aside_is_no_street_and_a_long_one_is_a_dead_end() -> None:
    def spiked(long_m: float) -> Network:
        return net([(0, 0), (50, 0), (50, long_m), (50, 0), (100, 0)])

    assert shapely.length(spiked(HALF_M - 0.1).pieces.lines).sum() == pytest.approx(100)
    assert degrees(spiked(30.0)) == [1, 1, 1, 3]
    assert shapely.length(spiked(30.0).pieces.lines).sum() == pytest.approx(130)


@pytest.mark.parametrize("step_m", [1.0, 50.0])
def test_a_dead_end_drawn_out_and_back_stays_as_long_as_it_was(step_m: float) -> None:
    back: Points = [(50 - step_m * k, 0) for k in range(1, round(50 / step_m) + 1)]
    found = net([(0, 0), (50, 0), *back])
    assert shapely.length(found.pieces.lines).sum() == pytest.approx(50)


@pytest.mark.parametrize("beyond_m", [0.0, 4.9])
def test_a_street_that_ends_on_its_own_middle_meets_itself_there(beyond_m: float) -> None:
    found = net([(0, 0), (80, 0), (80, 60), (40, 60), (40, -beyond_m)])
    assert degrees(found) == [1, 3]
    assert shapely.length(found.pieces.lines).sum() == pytest.approx(240)


@pytest.mark.parametrize("short_m", [0.01, 1.0, 6.9])
def test_a_street_that_stops_short_of_its_own_middle_is_joined_to_it(short_m: float) -> None:
    found = net([(0, 0), (80, 0), (80, 60), (40, 60), (40, short_m)])
    assert degrees(found) == [1, 3]
    assert shapely.length(found.pieces.lines).sum() == pytest.approx(240)


def test_a_street_with_room_before_its_own_middle_or_beside_it_stays_apart() -> None:
    before = net([(0, 0), (80, 0), (80, 60), (40, 60), (40, 7.1)])
    beside = net([(0, 0), (80, 0), (80, 6), (40, 6)])
    assert degrees(before) == degrees(beside) == [1, 1]


@pytest.mark.parametrize("open_m", [0.1, 6.0])
def test_a_ring_that_is_not_quite_closed_is_closed_once(open_m: float) -> None:
    found = net([(open_m, 0), (50, 0), (50, 50), (0, 50), (0, 0)])
    assert degrees(found) == [2]
    assert shapely.length(found.pieces.lines).sum() == pytest.approx(200)

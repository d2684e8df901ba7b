"""Corners of roads: a street drawn as two records has the land that it has as one."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString

from planning.road_corners import KERB_MITRE_LIMIT, corners, with_corners, with_kerbs

GROUND = np.zeros(9, np.int64)


def _areas(*lines: LineString, half_m: float = 5.0, level: list[int] | None = None) -> list:
    centre = np.array(lines, object)
    half = np.full(len(lines), half_m)
    flat = shapely.buffer(centre, half, cap_style="flat", join_style="mitre")
    found = corners(centre, np.array(level or [0] * len(lines), np.int64))[0]
    return list(with_corners(flat, centre, half, found))


def _way(degrees: float, length_m: float = 60.0) -> tuple[float, float]:
    return length_m * np.cos(np.radians(degrees)), length_m * np.sin(np.radians(degrees))


@pytest.mark.parametrize("turned", [0, 17, 200])
@pytest.mark.parametrize("bend", [5, 30, 60, 90, 115, 150, -45, -90])
@pytest.mark.parametrize("backwards", [False, True])
def test_two_records_have_the_land_of_one(bend: float, turned: float, backwards: bool) -> None:
    begin, end = _way(180 + turned), _way(bend + turned)
    second = LineString([end, (0, 0)] if backwards else [(0, 0), end])
    two = shapely.union_all(_areas(LineString([begin, (0, 0)]), second))
    one = shapely.buffer(
        LineString([begin, (0, 0), end]), 5.0, cap_style="flat", join_style="mitre"
    )
    assert two.symmetric_difference(one).area < 1e-6


def test_the_wedge_of_a_right_angle_is_a_square_of_half_the_width() -> None:
    one, two = _areas(LineString([(-60, 0), (0, 0)]), LineString([(0, 0), (0, 60)]))
    # Each road is 60 by 10 m; the corner, 5 by 5, is told of both, who lap by a centimetre.
    assert one.area == pytest.approx(600 + 25, abs=0.2)
    assert two.area == pytest.approx(600 + 25, abs=0.2)
    assert one.covers(shapely.Point(4.9, -4.9))
    assert two.covers(shapely.Point(4.9, -4.9))


def test_a_sharp_bend_is_cut_off_at_five_half_widths() -> None:
    areas = _areas(LineString([(-60, 0), (0, 0)]), LineString([(0, 0), _way(170)]))
    ahead = np.array(_way(-5, 1.0))  # outwards, halfway between the two sides
    reach = [float((shapely.get_coordinates(one) @ ahead).max()) for one in areas]
    assert reach == pytest.approx([25.0, 25.0])


def test_a_wedge_is_as_wide_as_its_own_road() -> None:
    centre = np.array([LineString([(-60, 0), (0, 0)]), LineString([(0, 0), (0, 60)])], object)
    half = np.array([5.0, 3.0])
    flat = shapely.buffer(centre, half, cap_style="flat")
    one, two = with_corners(flat, centre, half, corners(centre, GROUND[:2])[0])
    assert one.covers(shapely.Point(4.9, -4.9))
    assert not two.covers(shapely.Point(4.9, -4.9))
    assert two.covers(shapely.Point(2.9, -2.9))


@pytest.mark.parametrize(
    ("lines", "level"),
    [
        ([[(-60, 0), (0, 0)], [(0, 0), (60, 0)]], None),  # straight on
        ([[(-60, 0), (0, 0)], [(0, 0), (60, 0)], [(0, 0), (0, 60)]], None),  # a tee
        ([[(-60, 0), (60, 0)], [(0, 0), (0, 60)]], None),  # into the middle of another
        ([[(-60, 0), (0, 0)], [(0, 0), (0, 60)]], [0, 1]),  # on another storey
        ([[(-60, 0), (0, 0)], [(-60, 0), (0, 0)]], None),  # drawn twice
        ([[(-60, 0), (0, 0)], [(0.5, 0), (0.5, 60)]], None),  # ends that do not meet
        ([[(-60, 0), (0, 0)], [(0, 0), (0, 0)]], None),  # a record without length
    ],
)
def test_no_wedge_is_left_open(lines: list, level: list[int] | None) -> None:
    centre = np.array([LineString(one) for one in lines], object)
    found = corners(centre, np.array(level or [0] * len(lines), np.int64))[0]
    assert np.isnan(found).all()


def test_only_the_open_side_of_three_ends_is_filled() -> None:
    found, other = corners(
        np.array([LineString([(0, 0), _way(degrees)]) for degrees in (0, 60, 120)], object),
        GROUND[:3],
    )
    assert other.tolist() == [[2, -1], [-1, -1], [0, -1]]
    # Between 120 and 360 degrees nothing leaves the place: the first and the last bend there.
    assert found[:, 0] == pytest.approx([np.radians(120), np.nan, 0.0], nan_ok=True)
    assert np.isnan(found[:, 1]).all()


def test_repeated_vertices_tell_no_direction() -> None:
    plain = _areas(LineString([(-60, 0), (0, 0)]), LineString([(0, 0), (0, 60)]))
    twice = _areas(LineString([(-60, 0), (0, 0), (0, 0)]), LineString([(0, 0), (0, 0), (0, 60)]))
    for one, two in zip(plain, twice, strict=True):
        assert one.symmetric_difference(two).area < 1e-9


def _carriageways(bend: float, half_m: tuple[float, float]) -> list:
    lines = [LineString([_way(180), (0, 0)]), LineString([(0, 0), _way(bend)])]
    centre, half = np.array(lines, object), np.array(half_m)
    flat = shapely.buffer(
        centre, half, cap_style="flat", join_style="mitre", mitre_limit=KERB_MITRE_LIMIT
    )
    bearing, other = corners(centre, GROUND[:2])
    beyond = np.where(other >= 0, half[other], np.nan)
    return list(with_kerbs(flat, centre, half, bearing, beyond))


@pytest.mark.parametrize("bend", [5, 30, 60, 90, 115, 150, -45, -90])
def test_two_records_have_the_carriageway_of_one(bend: float) -> None:
    two = shapely.union_all(_carriageways(bend, (5.0, 5.0)))
    one = shapely.buffer(
        LineString([_way(180), (0, 0), _way(bend)]),
        5.0,
        cap_style="flat",
        join_style="mitre",
        mitre_limit=KERB_MITRE_LIMIT,
    )
    assert two.symmetric_difference(one).area < 1e-6


def test_where_a_street_changes_its_width_kerbs_go_straight_across_the_corner() -> None:
    # From (0, -5) to (10, 0): a triangle of 25 m2, which is told of both roads.
    one, two = _carriageways(90, (5.0, 10.0))
    assert one.area == pytest.approx(600 + 25, abs=0.2)
    assert two.area == pytest.approx(1200 + 25, abs=0.2)
    for area in (one, two):
        assert area.covers(shapely.Point(4.9, -2.4))
        assert not area.covers(shapely.Point(5.1, -2.6))


def test_a_path_without_a_carriageway_has_no_corner() -> None:
    one, two = _carriageways(90, (5.0, 0.0))
    assert one.area == pytest.approx(600.0)
    assert two.area == 0.0

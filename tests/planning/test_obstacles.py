"""Obstacles: private land and buildings, water, rails."""

from __future__ import annotations

import numpy as np
import pytest
from shapely.geometry import LineString, box

from planning.obstacles import Obstacles, obstacles_of
from tests import towns

NONE = np.zeros(0, object)
HOUSE = np.array([box(10, -5, 20, 5)], object)


def lines(*points: list[tuple[float, float]]) -> np.ndarray:
    return np.array([LineString(p) for p in points], object)


def test_houses_are_cut_out_of_strips() -> None:
    free = Obstacles(HOUSE, NONE, NONE).free_parts(lines([(0, 0), (30, 0)], [(0, 9), (30, 9)]))
    assert free.parent.tolist() == [0, 0, 1]
    assert sorted(line.length for line in free.lines) == [10, 10, 30]


def test_a_sliver_between_two_houses_is_dropped_but_a_short_free_strip_stays() -> None:
    walls = np.array([box(1, -5, 2, 5), box(2.4, -5, 9, 5)], object)
    free = Obstacles(walls, NONE, NONE).free_parts(lines([(0, 0), (10, 0)], [(0, 9), (0.3, 9)]))
    assert sorted(round(line.length, 6) for line in free.lines) == [0.3, 1.0, 1.0]


def test_a_strip_wholly_inside_private_land_is_gone() -> None:
    assert len(Obstacles(HOUSE, NONE, NONE).free_parts(lines([(12, 0), (18, 0)])).lines) == 0


def test_a_connector_keeps_off_houses_water_and_rails() -> None:
    through, beside = [(0, 0), (30, 0)], [(0, 9), (30, 9)]
    rail = lines([(15, -5), (15, 5)])
    for found in (
        Obstacles(HOUSE, NONE, NONE),
        Obstacles(NONE, HOUSE, NONE),
        Obstacles(NONE, NONE, rail),
    ):
        assert found.connector_allowed(lines(through, beside)).tolist() == [False, True]
    assert Obstacles(HOUSE, NONE, NONE).connector_allowed(NONE).tolist() == []


def test_a_connector_may_end_on_the_red_line() -> None:
    assert Obstacles(HOUSE, NONE, NONE).connector_allowed(lines([(0, 0), (10, 0)])).tolist() == [
        True
    ]


@pytest.mark.parametrize("hurdle", ["water", "rails"])
def test_a_strip_crosses_water_and_rails_only_where_its_own_street_does(hurdle: str) -> None:
    strip = lines([(0, 3), (30, 3)], [(0, 3), (30, 3)], [(0, 3), (5, 3)])
    street = lines([(0, 0), (30, 0)], [(0, -9), (30, -9)], [(0, -9), (30, -9)])
    river, rail = np.array([box(10, -5, 20, 5)], object), lines([(15, -5), (15, 5)])
    found = Obstacles(
        NONE, river if hurdle == "water" else NONE, rail if hurdle == "rails" else NONE
    )
    assert found.strip_allowed(strip, street).tolist() == [True, False, True]


def test_layers_that_were_never_imported_stop_nothing() -> None:
    found = obstacles_of(towns.town(absent=("parcels", "buildings", "water_bodies", "railways")))
    assert found.connector_allowed(lines([(0, 0), (30, 0)])).tolist() == [True]
    assert found.over_water(lines([(0, 0), (30, 0)])).tolist() == [False]

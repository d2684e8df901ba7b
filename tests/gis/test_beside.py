"""Straight lines beside others: metres worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest
from shapely.geometry import LineString

from gis import linear
from gis.beside import Beside, runs_beside


def beside(end: tuple[float, float], *lines: LineString) -> Beside:
    """What a straight line from the origin runs beside: within 2 m, on it within 0.5 m."""
    array = np.empty(len(lines), object)
    array[:] = lines
    return runs_beside(
        np.zeros((1, 2)), np.array([end]), array, within_m=2.0, on_m=0.5, most_slant_deg=30.0
    )


def test_a_line_beside_another_runs_askew_all_the_way() -> None:
    found = beside((10, 0), LineString([(-5, 1), (4, 1), (20, 1)]))
    assert found.askew_m == pytest.approx([10.0])
    assert found.line.tolist() == [0]


def test_a_line_on_another_or_far_from_it_is_not_askew() -> None:
    assert beside((10, 0), LineString([(0, 0.4), (10, 0.4)])).askew_m == pytest.approx([0.0])
    assert beside((10, 0), LineString([(0, 2.1), (10, 2.1)])).askew_m == pytest.approx([0.0])
    assert beside((10, 0)).askew_m == pytest.approx([0.0])


def test_metres_beside_one_line_and_on_another_are_not_askew() -> None:
    found = beside((10, 0), LineString([(0, 1), (10, 1)]), LineString([(6, 0), (20, 0)]))
    assert found.askew_m == pytest.approx([6.0])
    assert found.line.tolist() == [0]


def test_metres_beside_two_lines_count_once() -> None:
    found = beside((10, 0), LineString([(0, 1), (8, 1)]), LineString([(10, -1), (5, -1)]))
    assert found.askew_m == pytest.approx([10.0])


def test_a_line_that_leaves_another_is_askew_from_half_a_metre_to_two() -> None:
    # It leaves by 1 in 10: half a metre off, square to itself, after 5 m, two metres after 20 m.
    found = beside((50, 5), LineString([(0, 0), (100, 0)]))
    assert found.askew_m == pytest.approx([15.0])


def test_what_crosses_is_not_beside() -> None:
    assert beside((10, 0), LineString([(5, -5), (5, 5)])).askew_m == pytest.approx([0.0])
    assert beside((10, 0), LineString([(2, -3), (8, 3)])).askew_m == pytest.approx([0.0])


def test_lines_looked_at_a_few_at_a_time_are_told_as_all_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(5)
    start, end = rng.uniform(0, 60, (2, 40, 2))
    lines = np.array([LineString(xy) for xy in rng.uniform(0, 60, (30, 3, 2))], object)
    limits = {"within_m": 4.0, "on_m": 0.5, "most_slant_deg": 30.0}
    together = runs_beside(start, end, lines, **limits)
    monkeypatch.setattr(linear, "_AT_ONCE", 7)
    few = runs_beside(start, end, lines, **limits)
    assert len(together.line) > 40
    assert few.straight.tolist() == together.straight.tolist()
    assert few.line.tolist() == together.line.tolist()
    assert few.askew_m == pytest.approx(together.askew_m, abs=1e-9)

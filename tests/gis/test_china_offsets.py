"""GCJ-02 and BD-09 by the public formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from gis.china_offsets import FORWARD, from_offset, shift_m, to_gcj02

XINXIAN = (114.88, 31.64)
GEOD = Geod(ellps="GRS80")
SYSTEMS = sorted(FORWARD)


@pytest.mark.parametrize(
    ("system", "metres", "azimuth"), [("GCJ-02", 547, 116), ("BD-09", 1179, 70)]
)
def test_shift_at_xin_county_is_the_measured_one(system, metres, azimuth) -> None:
    x, y = FORWARD[system](np.array([XINXIAN[0]]), np.array([XINXIAN[1]]))
    forward, _back, distance = GEOD.inv(*XINXIAN, x[0], y[0])
    assert distance == pytest.approx(metres, abs=2)
    assert forward % 360 == pytest.approx(azimuth, abs=1)
    assert shift_m(*XINXIAN, system) == pytest.approx((distance, forward % 360), abs=1)


@given(st.floats(73.6, 134.9), st.floats(18.0, 53.5), st.sampled_from(SYSTEMS))
def test_the_way_back_ends_within_a_micrometre(longitude, latitude, system) -> None:
    there = FORWARD[system](np.array([longitude]), np.array([latitude]))
    x, y = from_offset(system, *there)
    assert GEOD.inv(longitude, latitude, x[0], y[0])[2] < 1e-6


def test_nothing_is_shifted_outside_china() -> None:
    barcelona = np.array([2.05]), np.array([41.35])
    for system in SYSTEMS:
        assert np.array_equal(FORWARD[system](*barcelona), barcelona)
        assert np.array_equal(from_offset(system, *barcelona), barcelona)


def test_no_number_stays_no_number_and_disturbs_no_other() -> None:
    x, y = to_gcj02(np.array([np.nan, XINXIAN[0]]), np.array([31.0, XINXIAN[1]]))
    back = from_offset("GCJ-02", x, y)
    assert np.isnan(back[0][0])
    assert back[0][1] == pytest.approx(XINXIAN[0], abs=1e-11)

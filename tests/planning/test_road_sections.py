"""Road sections: what clause (6) counts where a carriageway or a red line was surveyed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon, box

from planning.road_surfaces import RoadSurfaces, road_surfaces
from tests import towns
from tests.towns import ORIGIN, street, town

WIDE = {"carriageway_width_m": 52.0, "red_line_width_m": 60.0}


def _surfaces(**layers: towns.Rows) -> RoadSurfaces:
    roads = layers.pop("roads", {"R-1": street((0, 0), (300, 0), **WIDE)})
    return road_surfaces(town(roads=roads, **layers), towns.policy())


def _line(*points: tuple[float, float]) -> LineString:
    return LineString([(x + ORIGIN[0], y + ORIGIN[1]) for x, y in points])


def _across(found: RoadSurfaces, x: float) -> tuple[float, float]:
    """Kerb to kerb and red line to red line of a line across the road, square to it."""
    crossed = found.crossed(np.array([_line((x, -80), (x, 80))], object))
    return float(crossed.kerb_m.sum()), float(crossed.red_line_m.sum())


def _necked(half: float) -> Polygon:
    """A carriageway of 52 m that is narrower from 115 to 125 m."""
    return shapely.union_all(
        [box(0, -26, 115, 26), box(115, -half, 125, half), box(125, -26, 300, 26)]
    )


@pytest.mark.parametrize("half", [26.0, 20.0, 13.0, 5.0])
def test_where_the_kerbs_come_together_the_whole_red_line_counts(half: float) -> None:
    found = _surfaces(carriageways={"R-1": {"geometry": _necked(half)}})
    for x in (50.0, 114.9, 200.0):
        assert _across(found, x) == pytest.approx((52.0, 60.0)), x
    for x in (115.1, 120.0, 124.9):
        assert _across(found, x) == pytest.approx((2 * half, 60.0)), x


def test_part_of_a_crossing_counts_in_proportion_to_the_place() -> None:
    # Half of the 10 m neck: 5 m of kerb stand for half of the 60 m.
    found = _surfaces(carriageways={"R-1": {"geometry": _necked(5.0)}})
    crossed = found.crossed(np.array([_line((120, 0), (120, 80))], object))
    assert crossed.red_line_m == pytest.approx([30.0])


@pytest.mark.parametrize("recorded", [40.0, None])
def test_a_surveyed_red_line_is_that_of_its_road(recorded: float | None) -> None:
    narrow = street((0, 0), (300, 0), carriageway_width_m=20.0, red_line_width_m=recorded)
    found = _surfaces(
        roads={"R-1": narrow}, road_red_lines={"R-1": {"geometry": box(0, -28, 300, 28)}}
    )
    assert _across(found, 120) == pytest.approx((20.0, 56.0))
    assert found.red_line_ratio == pytest.approx([2.8])


def test_a_red_line_that_covers_a_part_of_its_road_tells_of_that_part() -> None:
    narrow = street((0, 0), (300, 0), carriageway_width_m=20.0, red_line_width_m=40.0)
    unknown = street((0, 0), (300, 0), carriageway_width_m=20.0, red_line_width_m=None)
    drawn = {"R-1": {"geometry": box(0, -28, 150, 28)}}
    found = _surfaces(roads={"R-1": narrow}, road_red_lines=drawn)
    assert _across(found, 100) == pytest.approx((20.0, 56.0))
    assert _across(found, 200) == pytest.approx((20.0, 40.0))
    found = _surfaces(roads={"R-1": unknown}, road_red_lines=drawn)
    assert _across(found, 100) == pytest.approx((20.0, 56.0))
    kerb_m, red_line_m = _across(found, 200)
    assert kerb_m == pytest.approx(20.0)
    assert np.isnan(red_line_m)


def test_a_surveyed_carriageway_tells_how_wide_an_unrecorded_one_is() -> None:
    road = street((0, 0), (300, 0), carriageway_width_m=None, red_line_width_m=40.0)
    drawn = {"R-1": {"geometry": box(0, -8, 300, 8)}}
    found = _surfaces(roads={"R-1": road}, carriageways=drawn)
    assert _across(found, 100) == pytest.approx((16.0, 40.0))
    assert not found.width_assumed.any()


def test_red_lines_tell_nothing_while_nobody_knows_the_carriageway() -> None:
    road = street((0, 0), (300, 0), carriageway_width_m=None, red_line_width_m=None)
    drawn = {"R-1": {"geometry": box(0, -28, 300, 28)}}
    found = _surfaces(roads={"R-1": road}, road_red_lines=drawn)
    assert np.isnan(_across(found, 100)[1])
    assert found.width_assumed.all()


def test_a_median_within_one_record_is_no_land_of_somebody_else() -> None:
    # Two carriageways of 10 m, 8 m of median, red lines 40 m apart: 20 m of kerb stand for 40.
    drawn = {"R-1": {"geometry": box(0, -14, 300, 14).difference(box(-1, -4, 301, 4))}}
    road = street((0, 0), (300, 0), carriageway_width_m=20.0, red_line_width_m=40.0)
    found = _surfaces(roads={"R-1": road}, carriageways=drawn)
    assert _across(found, 150) == pytest.approx((20.0, 40.0))


def test_the_other_arm_of_a_bent_road_is_no_width_of_this_one() -> None:
    bent = {"geometry": LineString([(0, 0), (200, 0), (200, 60), (0, 60)])}
    road = {**street((0, 0), (1, 0), carriageway_width_m=10.0, red_line_width_m=20.0), **bent}
    drawn = LineString([(0, 0), (200, 0), (200, 60), (0, 60)]).buffer(5, cap_style="flat")
    found = _surfaces(roads={"R-1": road}, carriageways={"R-1": {"geometry": drawn}})
    crossed = found.crossed(np.array([_line((100, -20), (100, 80))], object))
    assert crossed.kerb_m.sum() == pytest.approx(20.0)
    assert crossed.red_line_m.sum() == pytest.approx(40.0, rel=0.02)


kerbs = st.lists(st.floats(2.0, 20.0), min_size=3, max_size=8)


def _drawn(halves: list[float], jumps: bool) -> tuple[Polygon, Any]:
    """A carriageway along 300 m with these half widths, and the half width at a place."""
    step = 300.0 / (len(halves) - (0 if jumps else 1))
    if jumps:
        parts = [box(step * k, -half, step * (k + 1), half) for k, half in enumerate(halves)]
        return shapely.union_all(parts), lambda x: halves[int(x // step)]
    xs = [step * k for k in range(len(halves))]
    up = list(zip(xs, halves, strict=True))
    return Polygon(up + [(x, -y) for x, y in reversed(up)]), lambda x: np.interp(x, xs, halves)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(kerbs, st.booleans(), st.floats(1.0, 299.0))
def test_square_crossings_count_the_red_line_and_never_less(
    halves: list[float], jumps: bool, x: float
) -> None:
    drawn, half_at = _drawn(halves, jumps)
    found = _surfaces(carriageways={"R-1": {"geometry": drawn}})
    step = 300.0 / len(halves)
    if jumps and min(x % step, step - x % step) < 0.01:
        return  # along the kerb of a jump two widths meet
    kerb_m, red_line_m = _across(found, x)
    assert kerb_m == pytest.approx(2 * half_at(x))
    assert 59.98 <= red_line_m <= 60.0 * 1.25


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(kerbs, st.booleans(), st.lists(st.tuples(st.floats(0, 300), st.floats(-40, 40)), min_size=3))
@example([2.0, 2.0, 3.0], False, [(1.0, 0.0), (1.0, 1.0), (2.0, 0.0)])
def test_parts_of_a_line_add_up(
    halves: list[float], jumps: bool, places: list[tuple[float, float]]
) -> None:
    found = _surfaces(carriageways={"R-1": {"geometry": _drawn(halves, jumps)[0]}})
    walked = _line(*places)
    if shapely.node(walked).length < walked.length - 1e-9:
        return  # GEOS counts once what is walked to and fro
    if walked.length == 0:
        return
    whole = found.crossed(np.array([walked], object))
    legs = [_line(*pair) for pair in pairwise(places)]
    parts = found.crossed(np.array([leg for leg in legs if leg.length > 0], object))
    # A leg of less than a micrometre in the carriageway, 15 times as much of land, is no crossing.
    dropped_m = 1.5e-5 * len(legs)
    assert whole.red_line_m.sum() == pytest.approx(parts.red_line_m.sum(), abs=1e-6 + dropped_m)
    assert (whole.red_line_m >= whole.kerb_m - 1e-9).all()


def test_a_line_with_gaps_counts_each_stretch_where_it_lies() -> None:
    # Bored under the neck: what is left lies in the full width, 2 x 26 m of it, on both sides.
    found = _surfaces(carriageways={"R-1": {"geometry": _necked(5.0)}})
    apart = shapely.MultiLineString([_line((50, -80), (50, 0)), _line((120, 0), (120, 80))])
    crossed = found.crossed(np.array([apart], object))
    assert crossed.kerb_m == pytest.approx([26.0 + 5.0])
    assert crossed.red_line_m == pytest.approx([30.0 + 30.0])

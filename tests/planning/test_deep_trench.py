"""What sewers dig deeper than their least cover is told beside their cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.deep_trench import DeepTrench, deep_trench
from planning.plan import Plan, plan
from planning.quantities import location
from reports.summary import ASSUMED, plan_summary
from tests import towns
from tests.towns import application, main, town

# DN300 HDPE: 0.35 m outside and 0.3 m of working space on both sides; at least 2 per
# mille; the least cover of a footway is 0.6 m. Earth costs 65 yuan per cubic metre.
WIDTH_M, HEIGHT_M = 0.95, 0.35


def drained(
    well_m: float | None, ground_m: float | None = 100.0, *, side: float = 8.0, **levels: Any
) -> Plan:
    """A sewer from a main whose invert is 96 m beneath level ground at 100 m."""
    told = {"start_invert_m": 96.0, "end_invert_m": 96.0, "depth_m": 3.4, **levels}
    drain = main((0, side), (300, side), utility="sewage", subtype="main", diameter_mm=600, **told)
    wish = {
        "nominal_mm": 300,
        "material": "HDPE",
        "last_well_invert_m": well_m,
        "last_well_ground_m": ground_m,
    }
    case = application(demands={"sewage": wish}, gate=(120, 12))
    return plan(case, town(lines={"S-1": drain}), towns.policy())


def told_of(made: Plan) -> DeepTrench | None:
    line = made.lines["sewage"]
    assert line.route is not None
    assert line.demand is not None
    return deep_trench(made.work, line.demand, made.site, line.route)


def test_a_level_line_of_four_metres_worked_out_on_paper() -> None:
    made = drained(97.0)
    line = made.lines["sewage"]
    assert line.route is not None
    assert line.demand is not None
    assert line.route.figures["length_m"] == pytest.approx(4.0)
    assert made.work.rates(line.demand.pipe).width_m == pytest.approx(WIDTH_M)
    found = told_of(made)
    assert found is not None
    [entry] = [one for one in made.to_json()["utilities"] if one["utility"] == "sewage"]
    assert entry["routes"][0]["deep_trench"] == found.to_json()
    # The well's invert lies 3 m deep; from there the line falls by 8 mm to the main, 4 m away.
    wall_m = found.depth_at_red_line_m - 3.0
    assert wall_m == pytest.approx(0.025)  # a bore of 0.3 m in 0.35 m
    # Over the main's bore of 0.6 m lie its wall, some centimetres, and 3.4 m of cover.
    assert found.depth_at_main_m == pytest.approx(3.0 - 0.008 + wall_m, abs=0.1)
    mean_m = (found.depth_at_main_m + found.depth_at_red_line_m) / 2
    cover_m = made.work.standards.cover(line.demand.pipe, "non_carriageway").value_m
    extra_m3 = (mean_m - (cover_m + HEIGHT_M)) * 4.0 * WIDTH_M
    assert found.extra_m3 == pytest.approx(extra_m3)
    assert found.extra_yuan == pytest.approx(65 * extra_m3)


def test_the_deeper_the_well_the_more_is_dug_and_the_cost_that_ranks_stays() -> None:
    deep, shallow = drained(96.2), drained(98.0)
    one, other = told_of(deep), told_of(shallow)
    assert one is not None
    assert other is not None
    assert one.extra_yuan - other.extra_yuan == pytest.approx(65 * 1.8 * 4 * WIDTH_M)
    costs = [
        made.lines["sewage"].route.figures["cost_yuan"]  # type: ignore[union-attr]
        for made in (deep, shallow)
    ]
    assert costs[0] == costs[1]


def test_what_is_dug_deeper_is_a_notice_and_what_is_unknown_is_assumed() -> None:
    [notice] = drained(97.0).notices
    assert notice.kind == "deep_trench"
    assert "未计入造价" in notice.text
    for unknown in (
        drained(None), drained(97.0, None), drained(97.0, depth_m=None),
        drained(97.0, start_invert_m=None),
    ):  # fmt: skip
        assert told_of(unknown) is None
        assert unknown.notices == ()
        assert "trench_depth" in unknown.assumed
        assert any(ASSUMED["trench_depth"] in text for text in plan_summary(unknown))
    assert "trench_depth" not in drained(97.0).assumed


def test_water_has_none() -> None:
    made = plan(application(), town(lines={"W-1": main((0, 8), (300, 8))}), towns.policy())
    assert "trench_depth" not in made.assumed
    [entry] = [one for one in made.to_json()["utilities"] if one["utility"] == "water"]
    assert entry["routes"][0]["deep_trench"] is None


@settings(max_examples=25, deadline=None)
@given(
    well_m=st.floats(96.1, 99.4),
    ground_m=st.floats(99.6, 102),
    cover_m=st.floats(0.5, 5),
)
def test_volumes_are_the_sum_of_thin_slices(well_m: float, ground_m: float, cover_m: float) -> None:
    """Across the street: footway, carriageway from y = -5 to 5, where more cover is wanted."""
    made = drained(well_m, ground_m, side=-8.0, depth_m=cover_m)
    line = made.lines["sewage"]
    if line.route is None or line.demand is None:
        return
    found = told_of(made)
    assert found is not None
    pipe, length_m = line.demand.pipe, line.route.figures["length_m"]
    covers = {
        place: made.work.standards.cover(pipe, location(place)).value_m
        for place in ("footway", "asphalt")
    }
    # The ground runs straight between the ends, so the depth does.
    at = (np.arange(20_000) + 0.5) / 20_000 * length_m
    y = -8.0 + at
    least = np.where(np.abs(y) < 5, covers["asphalt"], covers["footway"]) + HEIGHT_M
    ends = found.depth_at_main_m, found.depth_at_red_line_m
    over = np.interp(at, (0, length_m), ends) - least
    expected = np.maximum(over, 0).sum() * length_m / len(at) * WIDTH_M
    assert length_m == pytest.approx(20.0)
    assert found.extra_m3 == pytest.approx(expected, abs=0.01)
    assert found.extra_yuan == pytest.approx(65 * found.extra_m3)

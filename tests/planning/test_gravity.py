"""Gravity lines: the fall that there is against the fall that the least slope needs."""

from __future__ import annotations

from typing import Any

import pytest

from planning.application import ApplicationError, Demand
from planning.gravity import fall
from planning.plan import plan
from planning.sizing_rules import runs_by_gravity
from planning.standards import Pipe
from tests import towns
from tests.towns import main, town

DN300 = Pipe("sewage", nominal_mm=300, material="HDPE")


def demand(well_m: float | None = 100.0, pipe: Pipe = DN300, slope: float | None = None) -> Demand:
    return Demand(pipe, last_well_invert_m=well_m, slope=slope)


def test_the_fall_must_reach_the_least_slope_over_the_length() -> None:
    # DN300 of plastic: 2 per mille, 0.10 m over 50 m.
    found = fall(demand(100.10), 50.0, 100.0)
    assert (found.available_m, found.needed_m) == (pytest.approx(0.10), pytest.approx(0.10))
    assert found.passes is True
    assert fall(demand(100.09), 50.0, 100.0).passes is False
    assert fall(demand(99.0), 50.0, 100.0).text == (
        "落差 -1.00 米,按坡度 0.0020 需 0.10 米,不满足重力流"
    )


def test_the_slope_of_the_application_counts_where_it_is_not_flatter_than_the_least() -> None:
    assert fall(demand(slope=0.01), 50.0, 99.6).passes is False  # 0.50 m needed
    assert fall(demand(slope=0.01), 50.0, 99.5).passes is True
    flat = fall(demand(slope=0.001), 50.0, 99.9)
    assert (flat.slope, flat.needed_m) == (pytest.approx(0.002), pytest.approx(0.10))
    assert flat.text.endswith("申请的坡度 0.0010 小于最小坡度,按最小坡度计")


def test_what_is_unknown_leaves_the_fall_unknown() -> None:
    assert fall(demand(None), 50.0, 100.0).passes is None
    assert fall(demand(100.0), 50.0, None).passes is None
    unsized = fall(demand(100.0, Pipe("sewage")), 50.0, 99.0)
    assert unsized.passes is None
    assert "管径未知" in unsized.text


def test_only_sewage_and_storm_run_by_gravity() -> None:
    utilities = ("water", "sewage", "storm", "gas", "power", "telecom")
    assert [key for key in utilities if runs_by_gravity(key)] == ["sewage", "storm"]


def reasons(**wish: Any) -> list[str]:
    levels = {"start_invert_m": 98.0, "end_invert_m": 95.0}
    drain = main((0, 8), (300, 8), utility="sewage", subtype="main", diameter_mm=500, **levels)
    case = towns.application(demands={"sewage": {"nominal_mm": 300, "material": "HDPE", **wish}})
    document = plan(case, town(lines={"S-1": drain}), towns.policy()).to_json()
    line = next(one for one in document["utilities"] if one["utility"] == "sewage")
    return list(line["tie_ins"]["candidates"][0]["reasons"])


def test_the_plan_tells_the_fall_to_every_place_to_join() -> None:
    # Any of three places on the front, 4 m from the main, whose invert is 97 at x = 100.
    said = reasons(last_well_invert_m=97.5)[-1]
    assert said.endswith("按坡度 0.0020 需 0.01 米,满足")
    assert reasons()[-1] == "用户末端井或接入处的管底高程未知,落差未核"


def test_a_level_must_be_a_number() -> None:
    with pytest.raises(ApplicationError, match="last_well_invert_m"):
        towns.application(demands={"sewage": {"last_well_invert_m": "97"}})

"""A drawn sewer that wants fall or cover is marked where it does, and never told to qualify."""

from __future__ import annotations

from typing import Any

import pytest
from shapely import affinity
from shapely.geometry import LineString

from planning.plan import plan
from tests.towns import ORIGIN, application, main, policy, town

# From the red line (y = 12) at x = 120 it is 4 m to the near main, 20 m to the far one.
NEAR, FAR = [(120, 8), (120, 12)], [(120, -8), (120, 12)]


def sewer(y: float, invert_m: float | None, cover_m: float | None = None) -> dict[str, Any]:
    """A level DN500 main along the street."""
    levels = {"start_invert_m": invert_m, "end_invert_m": invert_m, "depth_m": cover_m}
    return main((0, y), (300, y), utility="sewage", subtype="main", diameter_mm=500.0, **levels)


def drawn(
    points: list[tuple[float, float]],
    near: dict[str, Any],
    *,
    far: dict[str, Any] | None = None,
    **demand: Any,
) -> tuple[list[tuple[str, str, str, float]], bool | None]:
    """Faults of a drawn sewer of DN300 (2 per mille) and whether it is told to qualify."""
    pipe = {"nominal_mm": 300, "material": "HDPE", "last_well_invert_m": 98.0}
    case = application(
        demands={"sewage": {**pipe, **demand}}, drainage={"subject_kind": "six_small_trade"}
    )
    lines = {"S-near": near, "S-far": far or sewer(-8, 97.0)}
    made = plan(case, town(lines=lines), policy())
    told = made.judge_drawn("sewage", affinity.translate(LineString(points), *ORIGIN))
    faults = [
        (one["kind"], one["layer"], one["id"], round(one["length_m"], 3)) for one in told["faults"]
    ]
    return faults, told["route"]["qualifies"]


def test_a_sewer_drawn_uphill_is_marked_and_does_not_qualify() -> None:
    """The near main lies at 98.46 m, over the last well at 98.0 m; the far one at 97.0 m."""
    near = sewer(8, 98.46)
    assert drawn(NEAR, near) == ([("no_fall", "lines", "S-near", 4.0)], False)
    assert drawn(FAR, near) == ([], True)


@pytest.mark.parametrize(("invert_m", "wants_fall"), [(97.992, False), (97.993, True)])
def test_the_fall_of_a_drawn_sewer_is_that_of_its_slope(invert_m: float, wants_fall: bool) -> None:
    """4 m at 2 per mille need 8 mm."""
    faults, qualifies = drawn(NEAR, sewer(8, invert_m))
    assert (bool(faults), qualifies) == (wants_fall, not wants_fall)


def test_levels_that_nobody_knows_mark_nothing() -> None:
    assert drawn(NEAR, sewer(8, None)) == ([], True)
    assert drawn(NEAR, sewer(8, 98.46), last_well_invert_m=None) == ([], True)


def test_a_sewer_drawn_to_where_it_would_lie_too_shallow_is_marked_there() -> None:
    """Ground 97.9 + 0.5 + 0.045 (wall) + 0.37 = 98.815 m over the main.

    The top there, at 97.9 + 0.3 + 0.025 = 98.225 m, wants 0.6 m over it.
    """
    assert drawn(NEAR, sewer(8, 97.9, 0.37)) == ([("no_cover", "lines", "S-near", 0.0)], False)
    assert drawn(NEAR, sewer(8, 97.9, 0.38)) == ([], True)


@pytest.mark.parametrize(("cover_m", "wants_cover"), [(0.50, False), (0.48, True)])
def test_a_sewer_drawn_across_a_carriageway_wants_more_cover_there(
    cover_m: float, wants_cover: bool
) -> None:
    """The ground 0.545 m + cover over the main's invert, the top 0.325 m + 10 m of slope.

    0.70 m between them are 0.50 m of cover over the main.
    """
    ground_m = 97.5 + 0.545 + cover_m
    case = {"last_well_invert_m": 97.56, "last_well_ground_m": ground_m}
    faults, qualifies = drawn(FAR, sewer(8, 97.0), far=sewer(-8, 97.5, cover_m), **case)
    expected = [("no_cover", "lines", "S-far", 20.0)] if wants_cover else []
    assert (faults, qualifies) == (expected, not wants_cover)


def test_a_sewer_drawn_from_a_well_that_lies_too_shallow_is_marked_at_the_red_line() -> None:
    """The top at the well lies at 98.0 + 0.3 + 0.025 (wall) = 98.325 m."""
    found = drawn(NEAR, sewer(8, 97.9), last_well_ground_m=98.92)
    assert found == ([("no_cover", "lines", "S-near", 0.0)], False)
    assert drawn(NEAR, sewer(8, 97.9), last_well_ground_m=98.93) == ([], True)

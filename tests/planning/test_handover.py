"""Handover points: the length outside ends at the red line, the length inside is told beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from shapely.geometry import Polygon

from planning.application import ApplicationError, Demand, Handover
from planning.batch import screen
from planning.groundwork import SiteError, placed
from planning.handover import inside_m
from planning.plan import plan
from planning.standards import Pipe
from tests.towns import ORIGIN, application, ground, main, policy, town

WATER = {"W-1": main((0, 8), (300, 8))}


def wish(**handover: Any) -> dict[str, Any]:
    water = {"nominal_mm": 200, "material": "PE"}
    if handover:
        water["handover"] = handover
    return {"demands": {"water": water}, "gate": (120, 12)}


def entry(**handover: Any) -> tuple[dict[str, Any], float]:
    document = plan(application(**wish(**handover)), town(lines=WATER), policy()).to_json()
    water = next(one for one in document["utilities"] if one["utility"] == "water")
    return water["handover"], water["routes"][0]["length_m"]


def at(x: float, y: float) -> list[float]:
    return [ORIGIN[0] + x, ORIGIN[1] + y]


def test_a_line_is_handed_over_on_the_red_line_unless_the_application_says_where() -> None:
    told, outside_m = entry()
    assert told == {"kind": "red_line", "xy": pytest.approx(at(120, 12)), "length_inside_m": 0.0}
    assert outside_m == pytest.approx(4.0)


def test_what_lies_inside_is_told_and_not_counted_outside() -> None:
    told, outside_m = entry(kind="meter_well", xy=at(123, 16))
    assert (told["kind"], told["xy"]) == ("meter_well", at(123, 16))
    assert told["length_inside_m"] == pytest.approx(5.0)
    assert outside_m == pytest.approx(4.0)


def test_the_way_inside_goes_round_a_corner_of_the_parcel() -> None:
    """An L: the straight line from (0, 10) to (10, 0) would leave it over the notch."""
    parcel = Polygon([(0, 0), (10, 0), (10, 2), (2, 2), (2, 10), (0, 10)])
    demand = Demand(Pipe("water"), handover=Handover("meter_well", (10.0, 1.0)))
    length = inside_m(parcel, np.array([[1.0, 10.0], [0.0, 1.0]]), demand)
    assert length == pytest.approx([np.hypot(1, 8) + np.hypot(8, 1), 10.0], abs=0.05)


def test_a_handover_outside_the_parcel_is_a_reason_and_the_other_cases_are_screened() -> None:
    outside = application(application_id="A-out", **wish(kind="meter_well", xy=at(10, 200)))
    inside = application(application_id="A-in", **wish())
    survey = town(lines=WATER)
    with pytest.raises(SiteError, match=r"demands\.water\.handover\.xy"):
        plan(outside, survey, policy())
    kept, refused = placed(survey, [outside, inside])
    assert [error.reason for error in refused] == ["handover_off_parcel"]
    rows = screen(ground(survey, *kept), [outside, inside], ["water"])
    assert rows["reason"].tolist()[0] == "handover_off_parcel"
    assert rows["status"].tolist() == ["unroutable", "routed"]


@pytest.mark.parametrize(
    "handover", [{"kind": "switching_room"}, {"xy": [1]}, {"place": [1, 2]}, "red_line"]
)
def test_a_handover_must_be_one_of_the_utility_at_a_point(handover: Any) -> None:
    case = {"demands": {"water": {"nominal_mm": 200, "handover": handover}}}
    with pytest.raises(ApplicationError, match=r"demands\.water\.handover"):
        application(**case)

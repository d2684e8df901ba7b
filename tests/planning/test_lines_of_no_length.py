"""Lines of no length: the main touches the red line, or ends a hair short of it."""

from __future__ import annotations

from typing import Any

import pytest
from shapely.geometry import Point, box

from planning.application import default_application
from planning.batch import screen
from planning.plan import Plan, plan
from tests import towns
from tests.finders import check_screening_equals_plans
from tests.test_schemas import faults
from tests.towns import application, ground, main, node, parcel, policy, street, town

SEEN = {"position_source": "surveyed", "position_accuracy_m": 0.05}
ESTATE = {"R-1": street((0, 0), (300, 0), authority="estate", **SEEN)}
MAINS = {
    "ends on it": [(120, -8), (120, 12)],
    "runs through the parcel": [(120, -8), (120, 80)],
    "runs along the red line": [(90, 12), (150, 12)],
    "comes from the parcel": [(120, 30), (120, 12)],
    "ends a hair short of it": [(120, -8), (120, 12 - 1e-4)],
    "ends a centimetre short of it": [(120, -8), (120, 11.99)],
}


def _town(main_at: list[tuple[float, float]], **layers: Any) -> towns.Survey:
    told: dict[str, Any] = {
        "roads": ESTATE,
        "parcels": {"P-1": parcel(100, 12, 140, 52, **SEEN)},
        **layers,
    }
    return town(**{"lines": {"W-1": main(*main_at, **SEEN)}, **told} if main_at else told)


def _planned(survey: towns.Survey, **changes: Any) -> Plan:
    return plan(application(**changes), survey, policy())


@pytest.mark.parametrize("gate", [None, (120, 12), [(110, 12), (120, 12)]])
@pytest.mark.parametrize("name", MAINS)
def test_a_main_at_the_red_line_is_joined_there(name: str, gate: Any) -> None:
    planned = _planned(_town(MAINS[name]), gate=gate)
    route = planned.lines["water"].route
    assert route is not None
    assert route.line.length == pytest.approx(0.0, abs=0.0101)
    assert route.measures["pipe_length_m"] == route.line.length
    assert (route.verdict.outcome, route.verdict.certainty) == ("not_required", "firm")
    assert faults("plan", planned.to_json()) == []


def test_its_length_is_as_sure_as_main_and_red_line_are() -> None:
    """Each off by 0.1 m: the line may be as long as both together."""
    for mains, tolerance in ((SEEN, 0.1 * 2**0.5 * 2.1 / 2), ({}, None)):
        lines = {"W-1": main(*MAINS["ends on it"], **mains)}
        route = _planned(_town([], lines=lines)).lines["water"].route
        assert route is not None
        found = route.tolerances["pipe_length_m"]
        assert found == (None if tolerance is None else pytest.approx(tolerance, rel=1e-6))
        assert route.verdict.certainty == ("not_assessed" if tolerance is None else "firm")


@pytest.mark.parametrize(
    "layers",
    [
        {"trees": {"T-1": {"ancient": False, "geometry": Point(120.5, 11.5), **SEEN}}},
        {"trees": {"T-1": {"ancient": False, "geometry": Point(120.95, 12.0), **SEEN}}},
        {"green": {"G-1": {"kind": "verge", "geometry": box(100, 5, 140, 12), **SEEN}}},
    ],
    ids=["in the place that is dug", "a hand beside it", "verge up to the red line"],
)
def test_what_is_there_may_be_touched_as_soon_as_one_of_both_is_off(layers: Any) -> None:
    survey = _town(MAINS["ends on it"], **layers)
    route = _planned(survey).lines["water"].route
    assert route is not None
    assert (route.verdict.outcome, route.verdict.certainty) == ("not_required", "too_close")


def test_a_tree_beyond_reach_leaves_it_firm() -> None:
    tree = {"T-1": {"ancient": False, "geometry": Point(121.5, 12.0), **SEEN}}
    route = _planned(_town(MAINS["ends on it"], trees=tree)).lines["water"].route
    assert route is not None
    assert route.verdict.certainty == "firm"


def test_a_handhole_on_the_red_line_is_joined_there() -> None:
    nodes = {"H-1": node(120, 12, utility="telecom", kind="handhole", free_holes=4, **SEEN)}
    demands = {"telecom": {"duct_holes": 2, "duct_outer_diameter_mm": 110}}
    route = _planned(_town([(0, 8), (9, 8)], nodes=nodes), demands=demands).lines["telecom"].route
    assert route is not None
    assert route.line.length == 0.0


def test_a_county_with_such_parcels_is_screened_and_says_what_their_plans_say() -> None:
    """Twelve parcels of one kind, so that arrays tell them; a main runs into every third."""
    west = [100.0 + 50 * number for number in range(12)]
    parcels = {f"P-{n}": parcel(x, 12, x + 40, 52, **SEEN) for n, x in enumerate(west)}
    stubs = {f"S-{n}": main((x + 20, 8), (x + 20, 30), **SEEN) for n, x in enumerate(west[::3])}
    survey = town(
        roads={"R-1": street((0, 0), (900, 0), authority="estate", **SEEN)},
        parcels=parcels,
        lines={"W-1": main((0, 8), (900, 8), **SEEN), **stubs},
        green={"G-1": {"kind": "verge", "geometry": box(0, 10, 300, 12), **SEEN}},
    )
    cases = [default_application(one, "residential", towns.dig_date()) for one in parcels]
    work = ground(survey)
    table = screen(work, cases)
    lengths = table[table["utility"] == "water"]["length_m"].to_numpy()
    assert (lengths[::3] == 0).all()
    assert (lengths[1::3] > 1).all()
    plans = [plan(case, survey, policy(), corridors=work).to_json() for case in cases]
    assert check_screening_equals_plans(table, cases, plans) == 12

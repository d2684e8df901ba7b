"""Lines along carriageways, on paper: where they may, where they may not, and how they count.

The usual street with its kerbs at y = -5 and 5 and footways of half a metre. Water DN200 has a
trench of 0.8 m. A lane lies 1.75 m inside its kerb, at y = 3.25 and -3.25; the strip 0.3 m outside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planning.batch import screen
from planning.external_lines import ExternalLine, all_by_forest, external_lines, nearby_finder
from planning.groundwork import Groundwork, prepare
from planning.lanes import closed_lanes
from planning.plan import Plan, plan
from planning.policy_model import Policy
from planning.standards import Pipe
from planning.stretches import stretches
from tests import towns
from tests.towns import application, main, node, policy, street, town

WATER = Pipe("water", nominal_mm=200, material="PE")
SETTING = "lane_beside_less_than_m"
AT_THE_END = {"W-1": main((-60, 8), (0, 8))}


def narrow_street(red_line_width_m: float | None = 11.0, **changes: Any) -> towns.Rows:
    return {"R-1": street((-60, 0), (300, 0), red_line_width_m=red_line_width_m, **changes)}


def without_lanes() -> Policy:
    known = policy().planning.settings
    changed = {**known, SETTING: replace(known[SETTING], value=0.0)}
    return replace(policy(), planning=replace(policy().planning, settings=changed))


def lanes(work: Groundwork) -> Any:
    return (work.corridors.graph.measures["kind"] == "lane").to_numpy(bool)


def planned(survey: towns.Survey, rules: Policy | None = None, **case: Any) -> Plan:
    return plan(application(**case), survey, rules or policy())


def test_where_no_footway_holds_the_trench_the_line_lies_in_the_lane() -> None:
    """From the main's end square into the lane, 102 m along it, out to the parcel's corner."""
    found = planned(town(roads=narrow_street(), lines=AT_THE_END))
    line = found.lines["water"]
    assert line.route is not None
    path = towns.xy(line.route.line)
    assert (path[0], path[1], path[-1]) == ((0, 8), (0, 3.25), (102, 12))
    assert {y for _, y in path[1:-2]} == {3.25}
    assert line.route.figures["length_m"] == pytest.approx(4.75 + 102 + 8.75)
    # All 102 m in the carriageway and twice the 1.75 m to its kerb count as crossed.
    assert line.route.figures["kerb_m"] == pytest.approx(102 + 2 * 1.75)
    entry = found.to_json()["utilities"][0]
    told = next(one for one in entry["routes"] if one["kind"] == line.recommended)
    assert told["lane_m"] == pytest.approx(102 + 1.75)
    [lane] = [one for one in told["stretches"] if one["place"] == "lane"]
    assert (lane["road_id"], lane["side"]) == ("R-1", "N")
    kinds = [one.kind for one in found.notices]
    assert kinds.count("in_lane") == 1
    assert "slot_too_narrow" in kinds
    assert line.route.verdict.outcome == "commitment"


def test_a_county_may_forbid_lanes_and_the_reason_says_why_then() -> None:
    found = planned(town(roads=narrow_street(), lines=AT_THE_END), without_lanes())
    assert found.lines["water"].reason == "no_room"
    assert not lanes(found.work).any()


@pytest.mark.parametrize(
    "changes",
    [
        {"red_line_width_m": 20.0},
        {"red_line_width_m": None},
        {"carriageway_width_m": None},
        {"on_bridge": True},
        {"level": -1},
    ],
)
def test_wide_and_unknown_footways_bridges_and_underpasses_have_no_lanes(
    changes: dict[str, Any],
) -> None:
    roads = {"R-1": {**narrow_street()["R-1"], **changes}}
    assert not lanes(towns.ground(town(roads=roads, lines=AT_THE_END))).any()


def test_a_lane_is_open_only_to_a_trench_wider_than_the_footway() -> None:
    """A footway of 0.9 m holds the 0.8 m of DN200; a trench of unknown width may fit it too."""
    work = towns.ground(town(roads=narrow_street(11.8), lines=AT_THE_END))
    large = Pipe("water", nominal_mm=600, material="PE")
    for pipe, is_open in ((WATER, False), (large, True), (Pipe("water"), False)):
        assert lanes(work).any()
        open_lanes = lanes(work) & ~closed_lanes(work, pipe)
        assert open_lanes.any() == is_open
        finite = np.isfinite(work.search(pipe, "shortest").edge_weights)
        assert finite[lanes(work)].any() == is_open


def test_metres_along_the_carriageway_count_against_the_limit_of_crossings() -> None:
    """(6) allows 50 m of 穿越城市道路; a lane of 102 m is more under the reading that counts it."""
    unit = node(0, 8, utility="power", kind="ring_main_unit", spare_bays=2, voltage_kv=10.0)
    found = planned(
        town(roads=narrow_street(), nodes={"N-1": unit}),
        demands={"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 150}},
        project={
            "investment_kind": "enterprise",
            "enterprise_percent": 100,
            "hazardous_goods": False,
        },
    )
    route = found.lines["power"].route
    assert route is not None
    assert "lane" in {p.place for p in stretches(found.work, WATER, route)}
    crossed = route.measures["crossing_kerb_m"]
    assert crossed is not None
    assert crossed > 50
    assert route.verdict.outcome == "commitment"  # (4), not the filing of (6)
    assert route.verdict.certainty == "depends_on_reading"


def solved(work: Groundwork, case: Any, find: Any) -> ExternalLine:
    site = work.site(case)
    return external_lines(work, case.demands["water"], [site], find)[site.key]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(survey=towns.random_towns(), dn=st.sampled_from([200, 600]))
def test_the_forest_finds_what_one_parcels_search_finds(survey: towns.Survey, dn: int) -> None:
    """Streets of the random towns have footways of 1 m, which DN600 does not fit."""
    demands = {"water": {"nominal_mm": dn, "material": "PE"}}
    for parcel_id in map(str, survey.tables["parcels"].index[:1]):
        case = application(parcel_id, demands=demands)
        work = towns.ground(survey, case)
        one, other = (solved(work, case, find) for find in (nearby_finder(), all_by_forest))
        assert (one.status, one.reason) == (other.status, other.reason)
        for kind, route in one.routes.items():
            assert other.routes[kind].way.edges == route.way.edges


def test_the_screening_of_a_narrow_street_equals_its_plan() -> None:
    survey = town(roads=narrow_street(), lines=AT_THE_END)
    case = application()
    work = prepare(survey, policy(), [case])
    row = screen(work, [case], ["water"]).iloc[0]
    route = plan(case, survey, policy(), corridors=work).lines["water"].route
    assert route is not None
    assert row["status"] == "routed"
    assert row["outcome"] == route.verdict.outcome
    assert row["pipe_length_m"] == pytest.approx(route.figures["length_m"])

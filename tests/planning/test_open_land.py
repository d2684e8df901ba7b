"""Ways over open land for parcels that no strip reaches, only where the county allows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import shapely
from shapely import affinity
from shapely.geometry import LineString, box

from layers.survey import Survey
from planning.batch import screen
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.groundwork import prepare
from planning.plan import plan
from planning.policy_model import Policy
from tests import towns
from tests.towns import application, main, parcel, town

OWN_SIDE = {"W-1": main((0, 8), (300, 8))}
# P-1's front is 53.25 m behind the strip: out of the snap distance of 40 m.
BEHIND = {"P-1": parcel(100, 60, 140, 90)}
CLEARANCE_M = 1.0  # open_land_clearance_m of the policy


def allowing(value: float = 1.0) -> Policy:
    policy = towns.policy()
    known = policy.planning.settings
    changed = {**known, "open_land_allowed": replace(known["open_land_allowed"], value=value)}
    return replace(policy, planning=replace(policy.planning, settings=changed))


def line_of(survey: Survey, rules: Policy, **changes: Any) -> ExternalLine:
    case = application(**changes)
    work = prepare(survey, rules, [case])
    site = work.site(case)
    return external_lines(work, case.demands["water"], [site], nearby_finder())[site.key]


def test_without_the_setting_nothing_runs_over_open_land() -> None:
    survey = town(lines=OWN_SIDE, parcels=BEHIND)
    assert line_of(survey, allowing(0.0)).reason == "gap_too_wide"
    assert towns.policy().planning.value("open_land_allowed") == 0


def test_an_unreached_parcel_gets_the_shortest_way_to_the_street() -> None:
    line = line_of(town(lines=OWN_SIDE, parcels=BEHIND), allowing())
    assert line.route is not None
    # Straight south: from y = 60 to the main at y = 8 it is 52 m at least.
    assert 52 <= line.route.figures["length_m"] <= 56
    assert line.route.figures["length_m"] == pytest.approx(line.route.line.length)


@pytest.mark.parametrize(
    ("layer", "rows"),
    [
        ("buildings", {"B-1": {"geometry": box(60, 30, 180, 40)}}),
        ("parcels", {**BEHIND, "P-2": parcel(60, 30, 180, 40)}),
        ("water_bodies", {"RV-1": {"kind": "lake", "geometry": box(60, 30, 180, 40)}}),
        ("green", {"V-1": {"kind": "protected", "geometry": box(60, 30, 180, 40)}}),
    ],
)
def test_obstacles_are_gone_round_with_room_for_the_working_strip(layer: str, rows: Any) -> None:
    survey = town(**{"lines": OWN_SIDE, "parcels": BEHIND, layer: rows})
    line = line_of(survey, allowing())
    assert line.route is not None
    block = affinity.translate(box(60, 30, 180, 40), *towns.ORIGIN)
    assert line.route.line.distance(block) >= CLEARANCE_M - 0.02
    assert line.route.figures["length_m"] > 60


def test_a_parcel_shut_in_has_no_way_and_rails_shut_too() -> None:
    fence = box(80, 40, 160, 110).difference(box(95, 55, 145, 95))
    walls = {"B-1": {"geometry": fence}}
    assert line_of(town(lines=OWN_SIDE, parcels=BEHIND, buildings=walls), allowing()).route is None
    rails = {"TL-1": {"geometry": LineString([(-500, 35), (800, 35)])}}
    assert line_of(town(lines=OWN_SIDE, parcels=BEHIND, railways=rails), allowing()).route is None


def test_parcels_that_strips_reach_keep_their_routes() -> None:
    survey = town(lines=OWN_SIDE, parcels={**BEHIND, "P-2": parcel(150, 12, 190, 40)})
    near = line_of(survey, allowing(), parcel_id="P-2")
    bare = line_of(survey, allowing(0.0), parcel_id="P-2")
    assert near.route is not None
    assert bare.route is not None
    assert near.route.line.equals(bare.route.line)


def test_a_drawn_corridor_keeps_its_users_beside_open_land() -> None:
    drawn = {"HZ-1": {"geometry": LineString([(30, 6.75), (30, 50)]), "utilities": "燃气"}}
    survey = town(lines=OWN_SIDE, parcels=BEHIND, drawn_corridors=drawn)
    corridors = prepare(survey, allowing()).corridors
    kinds = corridors.graph.measures["kind"].to_numpy()
    assert set(kinds[corridors.drawn.edge]) == {"drawn"}
    assert (kinds == "drawn").sum() == len(corridors.drawn.edge)


def test_a_gate_on_the_far_side_is_reached_round_the_own_parcel() -> None:
    line = line_of(town(lines=OWN_SIDE, parcels=BEHIND), allowing(), gate=(120, 90))
    assert line.route is not None
    assert towns.xy(line.route.line)[-1] == (120, 90)
    own = affinity.translate(box(100, 60, 140, 90), *towns.ORIGIN)
    assert line.route.line.intersection(own.buffer(-0.02)).is_empty


def test_the_screening_uses_open_land_as_the_plan_does() -> None:
    survey, case = town(lines=OWN_SIDE, parcels=BEHIND), application()
    work = prepare(survey, allowing(), [case])
    row = screen(work, [case], ["water"]).iloc[0]
    route = plan(case, survey, allowing(), corridors=work).lines["water"].route
    assert route is not None
    assert shapely.equals(row["geometry"], route.line)
    assert row["cost_yuan"] == pytest.approx(route.figures["cost_yuan"])

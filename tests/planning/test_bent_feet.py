"""Bent connectors: only where no straight one is free, round what is in the way, never too long."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry import LineString, box

from layers.survey import Survey
from planning import bent_feet
from planning.corridors import Corridors, build_beside, build_corridors
from planning.roadside import roadside
from tests import towns
from tests.towns import application, main, parcel, town

# The parcel's front is 17.25 m behind the strip at y = 6.75, the house in front of all of it.
MAIN = {"W-1": main((0, 8), (300, 8))}
BEHIND = {"P-1": parcel(100, 24, 140, 60)}
HOUSE = box(95, 12, 170, 20)
LAND: dict[str, Any] = {"lines": MAIN, "parcels": BEHIND, "buildings": {"B-1": {"geometry": HOUSE}}}
MAX_SNAP_M, CLEARANCE_M = 40.0, 1.0


def corridors(survey: Survey, *applications: Any) -> Corridors:
    gates = {a.application_id: (a.parcel_id, a.gate) for a in applications}
    return build_corridors(survey, towns.policy(), gates)


def connectors(found: Corridors) -> list[shapely.LineString]:
    return list(found.graph.lines[found.is_connector])


def test_the_connector_goes_round_the_nearer_end_of_the_house_on_paper() -> None:
    # The house with its metre of clearance ends at x = 94, the parcel with its own at (99, 23).
    (way,) = connectors(corridors(town(**LAND)))
    assert towns.xy(way) == [(94.0, 6.75), (94.0, 21.0), (99.0, 23.0), (100.0, 24.0)]
    assert way.length == pytest.approx(14.25 + np.sqrt(29) + np.sqrt(2))


def test_a_bent_connector_is_measured_and_planned_like_any_other() -> None:
    verge = {"V-1": {"kind": "verge", "geometry": box(90, 8, 96, 18)}}
    found = corridors(town(**LAND, green=verge))
    measures = found.graph.measures[found.is_connector].iloc[0]
    assert (measures["kerb_m"], measures["green_m"]) == (0.0, pytest.approx(10.0))
    route = towns.line_of(town(**LAND)).route
    assert route is not None
    # From the main at y = 8, which the connector meets: without the 1.25 m behind it.
    assert route.figures["length_m"] == pytest.approx(14.25 + np.sqrt(29) + np.sqrt(2) - 1.25)


def test_bent_connectors_are_looked_for_anew_where_their_surroundings_changed_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_for = bent_feet._looked_for
    places: list[str] = []

    def counting(place: Any, *among: Any) -> Any:
        places.append(place.kind)
        return looked_for(place, *among)

    monkeypatch.setattr(bent_feet, "_looked_for", counting)
    survey, policy = town(**LAND), towns.policy()
    beside = roadside(survey, policy)
    far = {"B-2": {"geometry": box(190, 30, 196, 36)}}
    near = {"B-3": {"geometry": box(91, 15, 94.5, 24)}}
    houses = LAND["buildings"]
    for more, again in (({}, ["parcel"]), (far, []), (far | near, ["parcel"]), (far, [])):
        places.clear()
        changed = town(**{**LAND, "buildings": houses | more})
        found = connectors(build_beside(beside, changed, policy))
        assert places == again
        assert list(map(towns.xy, found)) == list(map(towns.xy, connectors(corridors(changed))))


def test_where_a_straight_connector_is_free_there_is_no_bent_one() -> None:
    # Only the western end of the front can be reached straight: bent ways may be no shorter.
    open_end = {"B-1": {"geometry": box(103, 12, 170, 20)}}
    ways = connectors(corridors(town(**{**LAND, "buildings": open_end})))
    assert ways
    assert all(len(way.coords) == 2 for way in ways)


@pytest.mark.parametrize(
    ("layer", "row"),
    [
        ("parcels", parcel(95, 12, 170, 20)),
        ("water_bodies", {"kind": "lake", "geometry": HOUSE}),
        ("railways", {"geometry": LineString([(95, 16), (170, 16)])}),
    ],
)
def test_other_land_water_and_rails_are_gone_round_too(layer: str, row: dict[str, Any]) -> None:
    rows = {**LAND, "buildings": {}, layer: {**LAND.get(layer, {}), "X-1": row}}
    found = corridors(town(**rows))
    ends = found.end_nodes("P-1")
    ways = found.graph.lines[found.is_connector & np.isin(found.graph.ends, ends).any(axis=1)]
    assert len(ways) == 1
    in_the_way = affinity.translate(row["geometry"], *towns.ORIGIN)
    assert ways[0].distance(in_the_way) >= CLEARANCE_M - 0.02


def test_a_parcel_shut_in_on_all_sides_stays_unroutable_with_its_gap() -> None:
    walls = box(80, 12, 160, 80).difference(box(95, 22, 145, 70))
    survey = town(**{**LAND, "buildings": {"B-1": {"geometry": walls}}})
    line = towns.line_of(survey)
    assert (line.status, line.reason) == ("unroutable", "disconnected")
    assert corridors(survey).gaps_m["P-1"] == pytest.approx(24 - 6.75)


def test_a_gap_too_narrow_for_the_working_strip_is_no_way() -> None:
    for gap_m, routed in ((1.9, False), (2.1, True)):
        fence = {
            "B-west": {"geometry": box(60, 12, 110, 20)},
            "B-east": {"geometry": box(110 + gap_m, 12, 180, 20)},
            "B-back": {"geometry": box(60, 20, 90, 100)},
            "B-right": {"geometry": box(150, 20, 180, 100)},
            # In the middle of what could be reached straight through the gap.
            "B-small": {"geometry": box(105, 22.5, 120, 22.9)},
        }
        parcels = {"P-1": parcel(100, 26, 140, 60)}
        found = corridors(town(**{**LAND, "buildings": fence, "parcels": parcels}))
        assert (len(found.end_nodes("P-1")) > 0) is routed


@pytest.mark.parametrize(("west", "joined"), [(78.0, True), (74.0, False)])
def test_no_connector_is_longer_than_the_snap_distance(west: float, joined: bool) -> None:
    # Round x = west - 1: 14.25 along it, sqrt((100 - west)² + 4) to (99, 23) and sqrt(2).
    house = {"B-1": {"geometry": box(west, 12, 200, 20)}}
    length_m = 14.25 + np.hypot(100 - west, 2) + np.sqrt(2)
    assert bool(length_m <= MAX_SNAP_M) is joined
    found = connectors(corridors(town(**{**LAND, "buildings": house})))
    assert [way.length for way in found] == ([pytest.approx(length_m)] if joined else [])


def test_a_gate_behind_a_house_is_reached_at_the_gate() -> None:
    case = application(gate=(110, 24))
    found = corridors(town(**LAND), case)
    ends = found.end_nodes("P-1", "APP-1")
    assert len(ends) == 1
    (way,) = found.graph.lines[np.isin(found.graph.ends, ends).any(axis=1)]
    # Squarely out of the gate to y = 23, then to the corner of the house's clearance.
    assert towns.xy(way) == [(94.0, 6.75), (94.0, 21.0), (110.0, 23.0), (110.0, 24.0)]


def test_other_parcels_keep_their_connectors() -> None:
    beside = {"P-2": parcel(200, 12, 240, 40)}
    alone = connectors(corridors(town(**{**LAND, "parcels": beside})))
    both = connectors(corridors(town(**{**LAND, "parcels": {**BEHIND, **beside}})))
    assert {way.wkb for way in alone} < {way.wkb for way in both}


BOXES = st.tuples(
    st.integers(70, 165), st.integers(8, 30), st.integers(2, 40), st.integers(1, 12)
).map(lambda b: box(b[0], b[1], b[0] + b[2], b[1] + b[3]))


@settings(
    deadline=None,
    max_examples=12,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(BOXES, min_size=1, max_size=5))
def test_no_connector_enters_what_is_in_the_way_or_is_too_long(houses: list[Any]) -> None:
    rows = {f"B-{n}": {"geometry": house} for n, house in enumerate(houses)}
    found = corridors(town(**{**LAND, "buildings": rows}))
    land = shapely.union_all([*houses, BEHIND["P-1"]["geometry"]])
    inner = affinity.translate(land, *towns.ORIGIN).buffer(-0.02)
    for way in connectors(found):
        assert way.length <= MAX_SNAP_M + 1e-6
        assert way.intersection(inner).length <= 0.02
        assert way.is_simple

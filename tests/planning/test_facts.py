"""Facts: what the application and the ground tell; unknown is None."""

from __future__ import annotations

from typing import Any

import pytest
from shapely.geometry import Point, box

from planning.application_facts import application_facts
from tests import towns
from tests.towns import application, ground, line_of, main, street, town

LINES = {"W-1": main((0, 8), (300, 8))}
FAR = {"W-1": main((0, -8), (300, -8))}


@pytest.mark.parametrize(
    ("project", "enterprise"),
    [
        ({"investment_kind": "enterprise"}, True),
        ({"investment_kind": "government"}, False),
        ({"investment_kind": "government", "enterprise_percent": 30}, False),
        # The two contradict each other.
        ({"investment_kind": "government", "enterprise_percent": 90}, None),
        ({"investment_kind": "enterprise", "enterprise_percent": 50}, None),
        ({"investment_kind": "person", "enterprise_percent": 80}, None),
        ({"investment_kind": "enterprise", "enterprise_percent": 60}, True),
        ({"investment_kind": "person"}, False),
        ({"investment_kind": "mixed", "enterprise_percent": 50}, False),  # above 50 percent
        ({"investment_kind": "mixed", "enterprise_percent": 50.01}, True),
        ({"enterprise_percent": 0}, False),
        ({"investment_kind": "mixed"}, None),
        ({}, None),
    ],
)
def test_who_invests_is_read_from_the_project(project: dict[str, Any], enterprise: Any) -> None:
    facts = application_facts(application(project=project), "power")
    assert facts["enterprise_invested_or_dominant"] is enterprise
    assert facts["hazardous_goods"] is None


def test_what_a_promiser_recorded_counts_for_its_own_utility() -> None:
    case = application(promiser={"water": {"declines": True}, "gas": {"bad_credit": False}})
    assert application_facts(case, "water")["promiser_declines"] is True
    assert "bad_credit" not in application_facts(case, "water")
    assert application_facts(case, "gas")["bad_credit"] is False
    assert "promiser_declines" not in application_facts(case, "power")


def test_a_promiser_who_declines_gets_ordinary_approval() -> None:
    line = line_of(town(lines=LINES), promiser={"water": {"declines": True}})
    assert line.verdict is not None
    assert line.verdict.outcome == "ordinary_approval"


def facts(gate: tuple[float, float] = (120, 12), **layers: Any) -> dict[str, Any]:
    absent = layers.pop("absent", ())
    line = line_of(town(absent=absent, **{"lines": LINES, **layers}), gate=gate)
    assert line.route is not None
    return dict(line.route.facts)


def test_days_of_every_road_that_is_or_may_be_a_city_road_are_told() -> None:
    roads = {
        "R-1": street((0, 0), (300, 0), opened_on="2010-01-01", overhauled_on=None),
        "R-2": street((0, 500), (300, 500), opened_on="2025-01-01"),
    }
    found = facts(roads=roads)
    assert (found["road_opened_on"], found["road_overhauled_on"]) == (["2010-01-01"], [None])


def test_the_footway_of_a_road_is_dug_within_its_red_line() -> None:
    # The parcel's red line y = 12 lies 2 m behind the road's red line y = 10, the main at 11:
    # the stub from y = 11 to 12 leaves the road alone but for the strip it belongs to.
    assert facts()["touches_city_road"] is True
    off_road = line_of(town(lines={"W-1": main((0, 11), (300, 11))}), gate=(120, 12))
    assert off_road.route is not None
    assert off_road.route.facts["touches_city_road"] is False
    assert off_road.route.roads == {}


def test_a_trench_that_reaches_into_the_road_beside_it_digs_that_road() -> None:
    # The stub runs north along x = 120; the red line of R-2 ends at 130.3 - 10 = 120.3 and the
    # trench of DN150 is more than 0.6 m wide: it reaches past 120.3, its centre line does not.
    beside = {
        "R-1": street((0, 0), (300, 0), opened_on="2010-01-01"),
        "R-2": street((130.3, -100), (130.3, 11.5), opened_on="2026-01-01"),
    }
    assert "2026-01-01" in facts(roads=beside)["road_opened_on"]
    apart = {**beside, "R-2": street((131.5, -100), (131.5, 11.5), opened_on="2026-01-01")}
    assert "2026-01-01" not in facts(roads=apart)["road_opened_on"]


OFF_ROAD = {"W-1": main((0, 11), (300, 11))}


def test_near_a_road_without_a_red_line_it_is_unknown_whether_it_is_dug() -> None:
    roads = {"R-1": street((0, 0), (300, 0), red_line_width_m=None)}
    line = line_of(town(lines=OFF_ROAD, roads=roads), gate=(120, 12))
    cheapest = line.routes["cheapest"]
    assert cheapest.facts["touches_city_road"] is None
    assert cheapest.verdict.outcome == "undetermined"
    assert cheapest.verdict.otherwise == "not_required"
    surveyed = {"R-1": {"geometry": box(0, -10, 300, 10)}}
    line = line_of(town(lines=OFF_ROAD, roads=roads, road_red_lines=surveyed), gate=(120, 12))
    assert line.route is not None
    assert line.route.facts["touches_city_road"] is False


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"red_line_width_m": None}, "undetermined"),
        ({"red_line_width_m": 20.0}, "commitment"),
        ({"red_line_width_m": 50.0}, "blocked"),
        ({"red_line_width_m": 50.0, "authority": None}, "undetermined"),
        ({"red_line_width_m": 50.0, "authority": "estate"}, "commitment"),
        ({"red_line_width_m": None, "opened_on": "2010-01-01"}, "commitment"),
    ],
)
def test_a_young_road_that_may_be_dug_may_bar_the_work(
    change: dict[str, Any], outcome: str
) -> None:
    # The stub at x = 120 digs the old street; the young one runs north along x = 140, 10 m wide.
    young = street((140, 8), (140, 120), **{"opened_on": "2026-01-01", **change})
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": young}
    survey = town(lines=LINES, roads=roads, parcels={"P-1": towns.parcel(80, 12, 125, 52)})
    line = line_of(survey, gate=(120, 12))
    assert line.route is not None
    assert line.route.verdict.outcome == outcome


def test_a_surveyed_carriageway_beyond_the_red_line_is_its_road() -> None:
    # Red line 12 m (y = 6), but the carriageway was surveyed to y = 11: the trench cuts it.
    young = street((0, 0), (300, 0), red_line_width_m=12.0, opened_on="2025-06-01")
    line = line_of(
        town(
            lines={"W-1": main((0, 8), (300, 8))},
            roads={"R-1": young},
            carriageways={"R-1": {"geometry": box(0, -5, 300, 11)}},
        ),
        gate=(120, 12),
    )
    assert line.routes["cheapest"].facts["touches_city_road"] is True
    assert line.routes["cheapest"].verdict.outcome == "blocked"


@pytest.mark.parametrize(("width", "touches"), [(20.0, True), (None, None)])
def test_a_red_line_surveyed_in_part_frees_no_other_part(
    width: float | None, touches: bool | None
) -> None:
    area = {"R-1": {"geometry": box(200, -10, 300, 10)}}
    roads = {"R-1": street((0, 0), (300, 0), red_line_width_m=width)}
    beside = {"W-1": main((0, 9 if width else 11), (300, 9 if width else 11))}
    line = line_of(town(lines=beside, roads=roads, road_red_lines=area), gate=(120, 12))
    assert line.routes["cheapest"].facts["touches_city_road"] is touches


def test_a_surveyed_red_line_replaces_the_drawn_one() -> None:
    area = {"R-1": {"geometry": box(0, -10, 300, 11.5)}}
    survey = town(lines={"W-1": main((0, 11), (300, 11))}, road_red_lines=area)
    line = line_of(survey, gate=(120, 12))
    assert line.route is not None
    assert line.route.facts["touches_city_road"] is True


GREEN = box(100, 9, 140, 11)


@pytest.mark.parametrize(
    ("kind", "park"), [("park", True), ("protected", True), ("verge", False), (None, None)]
)
def test_parks_need_their_own_permit_and_an_unknown_kind_may(kind: Any, park: Any) -> None:
    found = facts(green={"V-1": {"kind": kind, "geometry": GREEN}})
    assert found["touches_green"] is True
    assert found["ancient_tree_or_park"] is park


@pytest.mark.parametrize(
    ("x", "ancient", "touched", "near"),
    [
        (120.0, False, True, False),
        (120.0, None, True, None),
        (124.0, True, False, True),
        (124.0, None, False, None),
        (140.0, True, False, False),
    ],
)
def test_trees_in_the_strip_and_ancient_ones_within_reach(
    x: float, ancient: Any, touched: bool, near: Any
) -> None:
    found = facts(trees={"T-1": {"ancient": ancient, "geometry": Point(x, 10)}})
    assert found["touches_tree"] is touched
    assert found["tree_moving"] is touched
    assert found["ancient_tree_or_park"] is near


def test_unknown_trees_leave_the_ancient_ones_open_unless_a_park_settles_it() -> None:
    assert facts(absent=("trees",))["ancient_tree_or_park"] is None
    park = {"V-1": {"kind": "park", "geometry": GREEN}}
    assert facts(absent=("trees",), green=park)["ancient_tree_or_park"] is True


@pytest.mark.parametrize(
    ("edge", "inside"),
    [(140, True), (139.99, True), (139.9, None), (100.1, None), (100.01, False), (90, False)],
)
def test_the_whole_parcel_decides_on_the_service_area(edge: float, inside: bool | None) -> None:
    # The parcel reaches from x = 100 to 140; the area ends at the edge, drawn to the centimetre.
    network = {"kind": "network", "utility": "water", "geometry": box(0, -99, edge, 99)}
    survey = town(lines=LINES, service_areas={**towns.URBAN, "A-2": network})
    work = ground(survey, application(gate=(105, 12)))
    assert work.ground.in_service_area("P-1", "water") is inside
    assert work.ground.in_service_area("P-1", "gas") is None  # no area was drawn for gas


def test_outside_the_urban_area_nothing_is_covered() -> None:
    away = {"A-1": {"kind": "urban_area", "geometry": box(500, 500, 600, 600)}}
    work = ground(town(lines=LINES, service_areas=away))
    assert work.ground.in_service_area("P-1", "gas") is False


@pytest.mark.parametrize("records", [1, 2])
def test_the_outer_corner_of_a_bend_is_land_of_a_street_in_two_records_too(records: int) -> None:
    """A main and a parcel at the corner of a young street, 16 m from red line to red line."""
    young = {"opened_on": "2024-01-01", "overhauled_on": None}
    bend = [(0, 0), (100, 0), (100, 100)]
    ways = [bend] if records == 1 else [bend[:2], bend[1:]]
    line = line_of(
        town(
            roads={f"R-{number}": street(*way, **young) for number, way in enumerate(ways)},
            parcels={"P-1": towns.parcel(111, -40, 150, -11)},
            lines={"W-1": main((105.5, -9), (105.5, -5.5))},
        )
    )
    assert line.route is not None
    assert line.route.facts["touches_city_road"] is True
    assert set(line.route.facts["road_opened_on"]) == {"2024-01-01"}
    assert line.verdict is not None
    assert line.verdict.outcome == "blocked"


@pytest.mark.parametrize(
    ("level", "outcome", "kerb_m"),
    [(1, "commitment", 0.0), (-1, "commitment", 0.0), (0, "blocked", 10.0)],
)
def test_a_road_overhead_or_beneath_is_neither_crossed_nor_dug(
    level: int, outcome: str, kerb_m: float
) -> None:
    """It was opened in 2025 (art. 33) and is met 80 m from its ends, where no ramp is near."""
    over = street((160, -80), (160, 80), opened_on="2025-01-01", level=level)
    survey = town(
        roads={"R-1": street((0, 0), (300, 0)), "O-1": over},
        lines={"W-1": main((200, 8), (300, 8))},
    )
    route = line_of(survey).routes["cheapest"]
    assert route.verdict.outcome == outcome
    assert route.figures["kerb_m"] == pytest.approx(kerb_m)
    assert sorted(route.facts["road_opened_on"]) == (
        ["2010-01-01"] if level else ["2010-01-01", "2025-01-01"]
    )

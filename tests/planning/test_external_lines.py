"""External lines on paper: length, kerb and red-line crossing, green, verdict, and why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import Point, box

from planning.batch import screen
from planning.external_lines import ExternalLine
from planning.judged_routes import Route
from tests import towns
from tests.towns import application, ground, line_of, main, node, parcel, street, town

OWN_SIDE = {"W-1": main((0, 8), (300, 8))}
FAR_SIDE = {"W-1": main((0, -8), (300, -8))}
POWER: dict[str, Any] = {
    "demands": {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 110}},
    "project": {"investment_kind": "enterprise", "hazardous_goods": False},
}


def cheapest_of(survey: towns.Survey, utility: str = "water", **changes: Any) -> Route:
    return line_of(survey, utility, **changes).routes["cheapest"]


def route_of(survey: towns.Survey, utility: str = "water", **changes: Any) -> Route:
    line = line_of(survey, utility, **changes)
    assert line.status == "routed", line.reason
    assert line.route is not None
    return line.route


def figures(route: Route) -> dict[str, float]:
    names = ("length_m", "kerb_m", "red_line_m", "crossing_count")
    return {name: round(route.figures[name], 6) for name in names}


def test_a_main_on_the_own_side_is_a_stub() -> None:
    # Red line y = 12, main y = 8: straight across, 4 m, no carriageway.
    route = route_of(town(lines=OWN_SIDE))
    assert figures(route) == {"length_m": 4, "kerb_m": 0, "red_line_m": 0, "crossing_count": 0}
    assert towns.xy(route.line)[-1][1] == 12.0
    assert route.verdict.outcome == "commitment"


def test_a_main_on_the_far_side_crosses_the_street_once() -> None:
    # y = -8 to 12: 20 m, carriageway y = -5 to 5: 10 m, red line 10 * 20 / 10 = 20 m.
    route = route_of(town(lines=FAR_SIDE))
    assert figures(route) == {"length_m": 20, "kerb_m": 10, "red_line_m": 20, "crossing_count": 1}
    assert route.measures["pipe_length_m"] == pytest.approx(20)


def test_the_cost_is_metres_on_each_surface_times_the_price_there() -> None:
    survey = town(lines=FAR_SIDE)
    work = towns.ground(survey)
    rates = work.rates(towns.application().demands["water"].pipe).yuan_m
    route = route_of(survey)
    assert route.figures["cost_yuan"] == pytest.approx(
        10 * rates["footway"] + 10 * rates["asphalt"]
    )


def test_a_main_under_the_carriageway_counts_its_part_of_the_crossing() -> None:
    # Main at y = 2: 10 m to the red line, 3 m of it inside the kerb, 3 * 2 = 6 m.
    route = route_of(town(lines={"W-1": main((0, 2), (300, 2))}))
    assert figures(route) == {"length_m": 10, "kerb_m": 3, "red_line_m": 6, "crossing_count": 1}


def test_the_way_ends_at_the_gate_where_there_is_one() -> None:
    # The only main ends at (20, 8); the next strip node is that of the crossing at x = 30.
    lines = {"W-1": main((0, 8), (20, 8))}
    without, with_gate = route_of(town(lines=lines)), route_of(town(lines=lines), gate=(133, 12))
    assert towns.xy(without.line)[-1] == (102, 12)
    assert towns.xy(with_gate.line)[-1] == (133, 12)
    # Square from the main's end to the strip, along it to x = 102, 5.25 m to the red line.
    assert without.figures["length_m"] == pytest.approx(1.25 + 82 + 5.25)
    assert with_gate.figures["length_m"] == pytest.approx(without.figures["length_m"] + 31)


def test_of_several_gates_the_one_with_the_better_route_is_used() -> None:
    """Main at x = 90 across the strip: a gate farther on costs its metres along the strip more."""
    lines = {"W-1": main((90, 5.5), (90, 30))}
    both = [(133, 12), (111, 12)]
    route = route_of(town(lines=lines), gate=both)
    assert towns.xy(route.line)[-1] == (111, 12)
    assert route.line.equals(route_of(town(lines=lines), gate=both[::-1]).line)
    assert route.line.equals(route_of(town(lines=lines), gate=(111, 12)).line)


def test_two_gates_on_two_streets_are_both_joined() -> None:
    """The main lies in the street behind: the gate there is near, the one in front is not."""
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((0, 64), (300, 64))}
    survey = town(roads=roads, lines={"W-1": main((0, 72), (300, 72))})
    route = route_of(survey, gate=[(120, 12), (130, 52)])
    assert towns.xy(route.line)[-1] == (130, 52)
    case = application(gate=[(120, 12), (130, 52)])
    site = ground(survey, case).site(case)
    assert len(site.end_nodes) == 2


def test_the_far_side_of_the_town_is_reached_along_the_strip_over_the_side_street() -> None:
    # Main on the own side but only west of the side street at x = 150; parcel east of it.
    survey = town(
        roads={"R-1": street((0, 0), (300, 0)), "R-2": street((150, 0), (150, 100))},
        parcels={"P-1": parcel(180, 12, 220, 40)},
        lines={"W-1": main((0, 6.75), (40, 6.75))},
    )
    route = route_of(survey, gate=(200, 12))
    # (40, 6.75) or the nearest strip node west of it, to (200, 6.75), 5.25 m to the gate; the
    # side street is crossed once, 10 m.
    assert {y for _, y in towns.xy(route.line)[:-1]} == {6.75}
    assert figures(route) | {"length_m": 0} == {
        "length_m": 0,
        "kerb_m": 10,
        "red_line_m": 20,
        "crossing_count": 1,
    }
    crossed = route.crossings["road"].tolist()
    assert crossed == [1]


def test_an_unknown_red_line_width_leaves_power_undetermined_and_asks() -> None:
    roads = {"R-1": street((0, 0), (300, 0), red_line_width_m=None)}
    nodes = {
        "N-1": node(120, -8, utility="power", kind="ring_main_unit", spare_bays=1, voltage_kv=10)
    }
    known, unknown = (
        cheapest_of(town(nodes=nodes, **layers), "power", **POWER)
        for layers in ({}, {"roads": roads})
    )
    assert known.measures["crossing_red_line_m"] == pytest.approx(20)
    assert known.verdict.outcome == "commitment_filing"
    assert unknown.measures["crossing_red_line_m"] is None
    assert unknown.measures["crossing_kerb_m"] == pytest.approx(10)
    assert unknown.verdict.outcome == "undetermined"
    assert "commitment_filing" in unknown.verdict.possible


def test_what_is_crossed_of_a_road_of_assumed_width_is_unknown() -> None:
    # Red line 20 m is known, the carriageway is not: neither kerb nor red-line crossing is.
    roads = {"R-1": street((0, 0), (300, 0), carriageway_width_m=None)}
    nodes = {
        "N-1": node(120, -8, utility="power", kind="ring_main_unit", spare_bays=1, voltage_kv=10)
    }
    route = cheapest_of(town(nodes=nodes, roads=roads), "power", **POWER)
    for name in ("crossing_kerb_m", "crossing_red_line_m", "crossing_longest_kerb_m"):
        assert route.measures[name] is None
    assert route.verdict.outcome == "undetermined"
    for name in ("kerb_m", "red_line_m"):
        assert np.isnan(route.figures[name])  # the default width only draws and prices it
    assert route.figures["crossing_count"] == 1
    assert route.crossings["kerb_m"].isna().all()


def test_the_longest_crossing_is_that_of_a_city_road_only() -> None:
    nodes = {
        "N-1": node(120, -8, utility="power", kind="ring_main_unit", spare_bays=1, voltage_kv=10)
    }
    roads = {"R-1": street((0, 0), (300, 0), authority="estate")}
    route = route_of(town(nodes=nodes, roads=roads), "power", **POWER)
    assert route.figures["kerb_m"] == pytest.approx(10)
    assert route.measures["crossing_kerb_m"] == 0
    assert route.measures["crossing_red_line_m"] == 0
    assert route.measures["crossing_longest_kerb_m"] == 0


def test_green_is_the_union_of_the_working_strip_with_the_greenery() -> None:
    # A verge from y = 9 to 11 in front of the parcel; the stub (120, 8) to (120, 12) crosses it
    # for 2 m. The strip is as wide as the trench and 0.5 m on both sides. A second verge on top
    # of the first adds nothing.
    green = {
        "V-1": {"kind": "verge", "geometry": box(90, 9, 150, 11)},
        "V-2": {"kind": "verge", "geometry": box(90, 10, 150, 11)},
    }
    survey = town(lines=OWN_SIDE, green=green)
    width = towns.ground(survey).rates(towns.application().demands["water"].pipe).width_m
    assert width is not None
    route = route_of(survey)
    assert route.figures["green_m2"] == pytest.approx(2 * (width + 1.0))
    assert route.measures["green_affected_m2"] == pytest.approx(2 * (width + 1.0))
    assert route.facts["touches_green"] is True
    assert route.strip is not None
    assert route.strip.area == pytest.approx(4 * (width + 1.0))


@pytest.mark.parametrize(("aside", "touched"), [(0.5, True), (1.5, False)])
def test_a_tree_is_touched_when_it_stands_in_the_working_strip(aside: float, touched: bool) -> None:
    # Strip of a DN200 trench: about 0.8 m and 0.5 m each side, so 0.9 m from the middle.
    tree = {"T-1": {"ancient": False, "geometry": Point(120 + aside, 10)}}
    route = route_of(town(lines=OWN_SIDE, trees=tree), gate=(120, 12))
    assert route.facts["touches_tree"] is touched
    assert route.facts["ancient_tree_or_park"] is False
    assert (route.measures["green_affected_sum_m2"] is None) == touched


def test_an_ancient_tree_near_the_strip_needs_its_own_permit() -> None:
    tree = {"T-1": {"ancient": True, "geometry": Point(124, 10)}}
    route = route_of(town(lines=OWN_SIDE, trees=tree), gate=(120, 12))
    assert route.facts["ancient_tree_or_park"] is True
    assert route.facts["touches_tree"] is False


SMALL = box(0, 0, 1, 1)


@pytest.mark.parametrize(
    ("areas", "fact", "outcome"),
    [
        ({**towns.URBAN, **towns.NETWORKS}, True, "commitment"),
        (
            {"A-1": {"kind": "urban_area", "geometry": SMALL}, **towns.NETWORKS},
            False,
            "not_covered",
        ),
        (
            {**towns.URBAN, "A-2": {"kind": "network", "utility": "water", "geometry": SMALL}},
            False,
            "not_covered",
        ),
        (towns.URBAN, None, "undetermined"),
    ],
)
def test_the_service_area_is_in_out_or_unknown(
    areas: towns.Rows, fact: bool | None, outcome: str
) -> None:
    route = route_of(town(lines=OWN_SIDE, service_areas=areas))
    assert route.facts["in_service_area"] is fact
    assert route.verdict.outcome == outcome


def test_a_layer_that_was_never_imported_is_unknown_and_not_empty() -> None:
    route = route_of(town(lines=OWN_SIDE, absent=("green", "trees", "service_areas")))
    for fact in ("touches_green", "touches_tree", "ancient_tree_or_park", "in_service_area"):
        assert route.facts[fact] is None
    assert route.measures["green_affected_m2"] is None
    assert (route.verdict.outcome, route.verdict.otherwise) == ("undetermined", "commitment")


@pytest.mark.parametrize(
    ("authority", "fact", "road_permit"),
    [
        ("municipal", True, "commitment"),
        ("estate", False, "not_required"),
        ("highway", False, "not_required"),
        ("unknown", None, "undetermined"),
        ("not_handed_over", None, "undetermined"),
        (None, None, "undetermined"),
    ],
)
def test_the_authority_decides_whether_a_city_road_is_dug(
    authority: str | None, fact: bool | None, road_permit: str
) -> None:
    roads = {"R-1": street((0, 0), (300, 0), authority=authority)}
    route = route_of(town(lines=FAR_SIDE, roads=roads))
    assert route.facts["touches_city_road"] is fact
    permits = {permit.permit: permit.outcome for permit in route.verdict.permits}
    assert permits["road_excavation"] == road_permit


@pytest.mark.parametrize(
    ("opened_on", "outcome"),
    [
        ("2021-11-22", "blocked"),  # five years to the day of digging: the last day counts
        ("2021-11-21", "commitment"),
        (None, "undetermined"),
    ],
)
def test_a_road_may_not_be_dug_for_five_years(opened_on: str | None, outcome: str) -> None:
    # Only the footway of the road is dug; it is city road all the same.
    roads = {"R-1": street((0, 0), (300, 0), opened_on=opened_on)}
    assert route_of(town(lines=OWN_SIDE, roads=roads)).verdict.outcome == outcome


def test_a_young_estate_road_blocks_nothing() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on="2026-01-01", authority="estate")}
    assert route_of(town(lines=OWN_SIDE, roads=roads)).verdict.outcome != "blocked"


def test_a_size_that_is_not_given_leaves_size_and_green_unknown() -> None:
    route = route_of(town(lines=OWN_SIDE), demands={"water": {}})
    assert route.strip is None
    assert route.measures["max_dn_mm"] is None
    assert route.measures["green_affected_m2"] is None
    assert route.measures["pipe_length_m"] == pytest.approx(4)
    assert route.verdict.outcome == "undetermined"


def test_a_second_feed_is_not_routed_and_what_both_measure_is_unknown() -> None:
    route = route_of(town(lines=OWN_SIDE), demands={"water": {"nominal_mm": 200, "feeds": 2}})
    assert route.measures["pipe_length_m"] is None
    assert route.measures["max_dn_mm"] == 200


BRIDGE = {
    "R-1": street((0, 0), (300, 0)),
    "R-2": street((0, 120), (300, 120)),
    "R-3": street((150, 0), (150, 120), on_bridge=True),
}
RIVER = {"RV-1": {"kind": "river", "geometry": box(-50, 50, 350, 70)}}


def test_a_river_is_crossed_on_the_bridge_and_the_verdict_knows() -> None:
    gas = {"utility": "gas", "pressure_mpa": 0.4}
    survey = town(
        roads=BRIDGE, water_bodies=RIVER, lines={"G-1": main((0, 128), (300, 128), **gas)}
    )
    route = route_of(survey, "gas", demands={"gas": {"nominal_mm": 100, "pressure_mpa": 0.4}})
    east, north = towns.ORIGIN
    wet = route.line.intersection(box(east - 50, north + 50, east + 350, north + 70))
    assert {abs(x - 150) for x, _ in towns.xy(wet)} == {6.75}
    assert route.facts["on_bridge"] is True
    assert route.verdict.outcome == "blocked"  # 0.4 MPa gas may not be laid on a bridge
    assert route.verdict.clause == "城市道路管理条例第27条(五)"


@pytest.mark.parametrize(
    ("on_bridge", "absent", "known"),
    [
        (True, (), True),
        (False, (), False),
        (None, (), None),
        (True, ("water_bodies",), None),  # where the bridge is, nobody knows
        (False, ("water_bodies",), False),
    ],
)
def test_an_unknown_bridge_is_neither_yes_nor_no(
    on_bridge: bool | None, absent: tuple[str, ...], known: bool | None
) -> None:
    roads = {**BRIDGE, "R-3": street((150, 0), (150, 120), on_bridge=on_bridge)}
    gas = {"G-1": main((0, 128), (300, 128), utility="gas", pressure_mpa=0.4)}
    survey = town(absent=absent, roads=roads, lines=gas, water_bodies=RIVER)
    route = route_of(survey, "gas", demands={"gas": {"nominal_mm": 100, "pressure_mpa": 0.4}})
    assert route.facts["on_bridge"] is known
    assert (
        route.verdict.outcome == {True: "blocked", False: "commitment", None: "undetermined"}[known]
    )


@pytest.mark.parametrize(
    ("water", "known", "outcome"),
    [((145, 165), True, "blocked"), ((139, 140), None, "undetermined")],
)
def test_a_bridge_may_span_land_beyond_the_water(
    water: tuple[float, float], known: bool | None, outcome: str
) -> None:
    """R-2 is a bridge from 138 to 260; the main begins at 240, the parcel lies at 170 or, west of
    the river, at 100.

    With a brook under its west end alone, 43 m from the parcel, the pipe lies over no water, but
    along what is marked as a bridge.
    """
    roads = {
        "R-1": street((0, 0), (138, 0)),
        "R-2": street((138, 0), (260, 0), on_bridge=True),
        "R-3": street((260, 0), (400, 0)),
    }
    west = 170 if known is None else 100
    survey = town(
        roads=roads,
        water_bodies={"V-1": {"kind": "river", "geometry": box(water[0], -200, water[1], 200)}},
        parcels={"P-1": towns.parcel(west, 12, west + 15, 42)},
        lines={"G-1": main((240, 8), (400, 8), utility="gas", pressure_mpa=0.4)},
    )
    demands = {"gas": {"nominal_mm": 100, "pressure_mpa": 0.4}}
    route = route_of(survey, "gas", demands=demands)
    assert (route.facts["on_bridge"], route.verdict.outcome) == (known, outcome)
    case = towns.application(demands=demands)
    rows = screen(towns.ground(survey, case), [case]).set_index("utility")
    assert rows.at["gas", "outcome"] == outcome


def test_lengths_beside_a_road_of_assumed_width_rest_on_what_nobody_verified() -> None:
    for width, certainty in ((10.0, "not_assessed"), (None, "rests_on_unverified")):
        roads = {"R-1": street((0, 0), (300, 0), carriageway_width_m=width)}
        verdict = route_of(town(lines=OWN_SIDE, roads=roads)).verdict
        assert (verdict.outcome, verdict.certainty) == ("commitment", certainty)


def test_gas_through_more_than_200_m2_of_green_is_warned_of() -> None:
    # Some 150 m along the strip y = 6.75, all in the lawn: trench 0.9 m and 0.5 m on each side.
    lines = {"G-1": main((260, 8), (300, 8), utility="gas", pressure_mpa=0.2)}
    lawn = {"V-1": {"kind": "verge", "geometry": box(0, 5.2, 300, 12)}}
    route = route_of(
        town(lines=lines, green=lawn),
        "gas",
        gate=(110, 12),
        demands={"gas": {"nominal_mm": 100, "pressure_mpa": 0.2}},
    )
    assert (route.measures["green_affected_m2"] or 0) > 200
    warned = {f.id for f in route.verdict.findings if f.kind == "advisory"}
    assert warned == {"gas_green"}
    assert route.verdict.outcome == "commitment"


def unroutable(line: ExternalLine) -> tuple[str, str | None, float | None]:
    assert line.route is None
    return line.status, line.reason, line.gap_m


def test_no_network_imported() -> None:
    assert unroutable(line_of(town(absent=("lines", "nodes")))) == (
        "unroutable",
        "no_network_imported",
        None,
    )
    gas_only = {"G-1": main((0, 8), (300, 8), utility="gas")}
    assert line_of(town(lines=gas_only)).reason == "no_network_imported"


def test_no_tie_in_on_transmission_mains() -> None:
    lines = {"W-1": main((0, 8), (300, 8), subtype="transmission")}
    assert unroutable(line_of(town(lines=lines))) == ("unroutable", "no_tie_in", None)


def test_no_size_match() -> None:
    lines = {"W-1": main((0, 8), (300, 8), diameter_mm=100)}
    assert unroutable(line_of(town(lines=lines))) == ("unroutable", "no_size_match", None)


def test_gap_too_wide_tells_the_gap() -> None:
    # Front at y = 60: 53.25 m behind the strip at y = 6.75.
    survey = town(lines=OWN_SIDE, parcels={"P-1": parcel(100, 60, 140, 90)})
    status, reason, gap_m = unroutable(line_of(survey))
    assert (status, reason) == ("unroutable", "gap_too_wide")
    assert gap_m == pytest.approx(53.25)


def test_a_parcel_behind_another_has_no_way_through_it() -> None:
    parcels = {"P-1": parcel(100, 30, 140, 50), "P-2": parcel(40, 12, 200, 30)}
    assert unroutable(line_of(town(lines=OWN_SIDE, parcels=parcels))) == (
        "unroutable",
        "disconnected",
        None,
    )


def test_the_network_on_the_other_bank_is_disconnected() -> None:
    roads = {key: BRIDGE[key] for key in ("R-1", "R-2")}
    survey = town(roads=roads, water_bodies=RIVER, lines={"W-1": main((0, 128), (300, 128))})
    assert unroutable(line_of(survey)) == ("unroutable", "disconnected", None)


def test_an_unroutable_line_outside_the_plan_is_not_covered() -> None:
    line = line_of(town(lines={}, service_areas={"A-1": {"kind": "urban_area", "geometry": SMALL}}))
    assert line.status == "unroutable"
    assert line.verdict is not None
    assert line.verdict.outcome == "not_covered"
    assert line_of(town(lines={})).verdict is None


def test_the_recommended_route_is_the_cheaper_of_those_that_qualify() -> None:
    line = line_of(town(lines=FAR_SIDE))
    best = min(line.routes.values(), key=lambda route: (route.rank, route.figures["cost_yuan"]))
    assert line.route is best
    assert line.qualifying_route == "found"


def test_where_no_route_qualifies_the_cheapest_is_recommended() -> None:
    line = line_of(town(lines=OWN_SIDE), demands={"water": {"nominal_mm": 300.5}})
    assert line.reason == "no_size_match"
    lines = {"W-1": main((0, 8), (300, 8), diameter_mm=400)}
    line = line_of(town(lines=lines), demands={"water": {"nominal_mm": 350}})
    assert (line.recommended, line.qualifying_route) == ("cheapest", "none")
    assert line.verdict is not None
    assert line.verdict.outcome == "ordinary_approval"


def test_a_house_in_front_of_the_parcel_is_passed_and_not_run_through() -> None:
    # Of the three places on the front only x = 138 is free: 20 m straight across.
    house = {"B-1": {"geometry": box(95, 9, 125, 11)}}
    route = route_of(town(lines=FAR_SIDE, buildings=house))
    assert towns.xy(shapely.simplify(route.line, 0)) == [(138, -8), (138, 12)]
    wall = {"B-1": {"geometry": box(40, 9, 200, 11)}}
    assert line_of(town(lines=FAR_SIDE, buildings=wall)).reason == "disconnected"

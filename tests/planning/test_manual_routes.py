"""Drawn routes on paper: snapped and told, measured like computed ones, faults named with place."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, box

from planning import route_faults
from planning.application import Application, ApplicationError
from planning.external_lines import external_lines, nearby_finder
from planning.groundwork import Groundwork, prepare
from planning.judged_routes import Route
from planning.manual_routes import (
    ManualRoute,
    ManualRouteError,
    RefusedRoute,
    differences,
    manual_route,
)
from planning.plan import plan
from planning.quantities import Prices, load_prices
from planning.route_edges import edges_along
from tests import towns
from tests.towns import main, node, parcel, policy, street, town

pytestmark = pytest.mark.slow_first

Line = list[tuple[float, float]]
# Red line of P-1 at y = 12, x from 100 to 140; kerbs at y = -5 and 5.
FAR_SIDE = {"W-1": main((0, -8), (300, -8))}


def geojson(*points: tuple[float, float]) -> dict[str, Any]:
    east, north = towns.ORIGIN
    return {"type": "LineString", "coordinates": [[x + east, y + north] for x, y in points]}


def drawn_case(*points: tuple[float, float], **changes: Any) -> Application:
    history = [{"line": geojson((0, 0), (1, 1))}, {"line": geojson(*points), "author": "甲"}]
    return towns.application(drawn_routes={"water": history}, **changes)


def judged(survey: towns.Survey, *points: tuple[float, float], **changes: Any) -> ManualRoute:
    case = drawn_case(*points, **changes)
    work = towns.ground(survey, case)
    return manual_route(
        work, work.site(case), case.demands["water"], case.drawn_routes["water"][-1]
    )


def refusal(survey: towns.Survey, *points: tuple[float, float], **changes: Any) -> str:
    with pytest.raises(ManualRouteError) as error:
        judged(survey, *points, **changes)
    return str(error.value)


def faults(found: ManualRoute) -> list[tuple[str, str, float]]:
    return [(one.kind, one.id, round(one.length_m, 3)) for one in found.faults]


# --- snapping ---------------------------------------------------------------------------------


def test_ends_at_their_places_are_not_moved() -> None:
    found = judged(town(lines=FAR_SIDE), (120, -8), (120, 12))
    assert found.moves == ()
    assert towns.xy(found.route.line) == [(120, -8), (120, 12)]
    assert found.route.figures["length_m"] == pytest.approx(20)
    assert found.route.figures["kerb_m"] == pytest.approx(10)


def test_both_ends_are_moved_to_their_places_and_told_by_how_much() -> None:
    # Drawn from 1.5 m short of the main to 2 m short of the red line: 16.5 m becomes 20 m.
    found = judged(town(lines=FAR_SIDE), (120, -6.5), (120, 10))
    assert towns.xy(found.route.line) == [(120, -8), (120, 12)]
    assert [(m.end, round(m.moved_m, 3)) for m in found.moves] == [("tie_in", 1.5), ("red_line", 2)]
    assert "W-1" in found.moves[0].text


def test_a_line_drawn_the_other_way_round_is_turned() -> None:
    found = judged(town(lines=FAR_SIDE), (120, 11), (120, -7))
    assert towns.xy(found.route.line) == [(120, -8), (120, 12)]


def test_what_lies_inside_the_red_line_is_cut_off_and_told() -> None:
    found = judged(town(lines=FAR_SIDE), (120, -8), (120, 30))
    assert found.route.figures["length_m"] == pytest.approx(20)
    assert [(m.end, round(m.moved_m, 3)) for m in found.moves] == [("red_line", 18)]
    assert "裁去" in found.moves[0].text


def test_the_line_ends_at_the_gate_where_there_is_one() -> None:
    survey = town(lines=FAR_SIDE)
    found = judged(survey, (120, -8), (120, 12), gate=(124, 12))
    assert towns.xy(found.route.line)[-1] == (124, 12)
    assert "离接口 5.50 米" in refusal(survey, (120, -8), (120, 12), gate=(125.5, 12))


def test_an_end_beyond_the_snap_distance_is_refused_with_the_distance() -> None:
    survey = town(lines=FAR_SIDE)
    assert "末端离红线 6.00 米,最多可移 5 米" in refusal(survey, (120, -8), (120, 6))
    assert "W-1 5.50 米" in refusal(survey, (120, -2.5), (120, 12))


def test_a_main_that_may_not_serve_is_no_place_to_join() -> None:
    # W-2 under the drawn end is DN100 for a DN200 pipe; the lawful main is 4 m away.
    lines = {**FAR_SIDE, "W-2": main((0, -4), (300, -4), diameter_mm=100.0)}
    found = judged(town(lines=lines), (120, -4), (120, 12))
    assert (found.route.way.feature_id, towns.xy(found.route.line)[0]) == ("W-1", (120, -8))
    small = {"W-2": main((0, -4), (300, -4), diameter_mm=100.0)}
    assert "没有规格、压力或余量合适" in refusal(town(lines=small), (120, -4), (120, 12))


def test_a_line_wholly_inside_the_parcel_is_refused() -> None:
    assert "全部在宗地红线内" in refusal(town(lines=FAR_SIDE), (110, 20), (130, 30))


def test_of_a_main_and_a_manhole_at_one_place_the_manhole_is_joined() -> None:
    sewer = {"utility": "sewage", "subtype": "main", "diameter_mm": 500.0}
    survey = town(
        lines={"S-1": main((0, -8), (300, -8), **sewer)},
        nodes={"N-1": node(120, -8, utility="sewage", kind="manhole", line_id="S-1")},
    )
    demands = {"sewage": {"nominal_mm": 300}}
    history = {"sewage": [{"line": geojson((120, -8), (120, 12))}]}
    case = towns.application(demands=demands, drawn_routes=history)
    made = plan(case, survey, policy())
    found = made.manual["sewage"]
    assert isinstance(found, ManualRoute)
    assert (found.route.way.kind, found.route.way.feature_id) == ("node", "N-1")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@example(x=102.0, south=-7.99609375, north=8.0, turned=False)  # 4 mm off the main
@given(
    x=st.floats(102, 138),
    south=st.floats(-12, -4),
    north=st.floats(8, 20),
    turned=st.booleans(),
)
def test_every_drawing_within_reach_runs_from_main_to_red_line(
    x: float, south: float, north: float, turned: bool
) -> None:
    points = [(x, south), (x, north)]
    case = drawn_case(*(points[::-1] if turned else points))
    work, demand = _far_side_work(), case.demands["water"]
    found = manual_route(work, work.site(case), demand, case.drawn_routes["water"][-1])
    start, end = towns.xy(found.route.line)[0], towns.xy(found.route.line)[-1]
    assert (start[1], end[1]) == (-8, 12)
    told = {move.end: move.moved_m for move in found.moves}
    for end, moved_m in (("tie_in", abs(south + 8)), ("red_line", abs(north - 12))):
        if end in told:
            assert told[end] == pytest.approx(moved_m, abs=0.002)
        else:  # it would be told as a move of 0.00 m
            assert moved_m < 0.005
    assert found.route.figures["length_m"] == pytest.approx(found.route.line.length)


_WORK: list[Groundwork] = []


def _far_side_work() -> Groundwork:
    if not _WORK:
        _WORK.append(towns.ground(town(lines=FAR_SIDE)))
    return _WORK[0]


# --- measured like a computed route -----------------------------------------------------------


def test_the_recommended_line_drawn_again_has_the_same_figures_and_verdict(
    sample_work: Groundwork, sample_cases: list[Application]
) -> None:
    """Every utility of a dozen cases of the sample county, within 0.01 m and 0.01 m²."""
    compared = 0
    for case in sample_cases[:12]:
        site, find = sample_work.site(case), nearby_finder()
        for utility, demand in case.demands.items():
            theirs = external_lines(sample_work, demand, [site], find)[site.key].route
            if theirs is None:
                continue
            found = manual_route(sample_work, site, demand, towns.drawn(theirs.line))
            assert (found.faults, found.moves) == ((), ()), (case.application_id, utility)
            assert_same(found.route, theirs)
            compared += 1
    assert compared >= 25


def assert_same(ours: Route, theirs: Route) -> None:
    for name, value in theirs.figures.items():
        assert ours.figures[name] == pytest.approx(value, abs=0.01, nan_ok=True), name
    assert ours.measures.keys() == theirs.measures.keys()
    for name, measured in theirs.measures.items():
        assert ours.measures[name] == pytest.approx(measured, abs=0.01), name
    assert ours.facts == theirs.facts
    assert ours.verdict.outcome == theirs.verdict.outcome
    assert ours.verdict.certainty == theirs.verdict.certainty
    more = differences(ours, theirs)
    assert (abs(more["extra_m"]) < 0.01, more["extra_crossings"]) == (True, 0)


def test_figures_of_a_crooked_line_equal_those_of_plain_shapely() -> None:
    points = [(60, -8), (75, -9), (80, 8), (104, 9), (104, 12)]
    survey = town(
        lines=FAR_SIDE, green={"G-1": {"kind": "verge", "geometry": box(70, -12, 100, 10)}}
    )
    found = judged(survey, *points)
    line = LineString(points)
    kerbs = box(-50, -5, 350, 5)
    assert found.route.figures["length_m"] == pytest.approx(line.length)
    assert found.route.figures["kerb_m"] == pytest.approx(line.intersection(kerbs).length)
    strip = shapely.transform(found.route.strip, lambda xy: xy - np.array(towns.ORIGIN))
    green = strip.intersection(box(70, -12, 100, 10)).area
    assert found.route.figures["green_m2"] == pytest.approx(green)


def test_a_longer_drawing_never_costs_less_than_the_cheapest_route() -> None:
    survey = town(lines=FAR_SIDE)
    case = drawn_case((104, -8), (104, -6.9), (136, -6.9), (136, 12))
    made = plan(case, survey, policy())
    found, line = made.manual["water"], made.lines["water"]
    assert isinstance(found, ManualRoute)
    assert line.route is not None
    more = differences(found.route, line.route)
    assert more["extra_yuan"] > 0
    assert more["extra_m"] == pytest.approx(1.1 + 32 + 18.9 - 20)
    assert made.to_json()["utilities"][0]["manual"]["differences"]["extra_m"] == more["extra_m"]


# --- edges that a drawing follows -------------------------------------------------------------


def streets_in_a_row(count: int) -> towns.Survey:
    roads = {f"R-{n}": street((60 * n, -100), (60 * n, 100)) for n in range(count)}
    return town(roads=roads, lines=FAR_SIDE)


def zigzag(count: int) -> LineString:
    """Up and down along every street and across to the next."""
    east, north = towns.ORIGIN
    points = [(30 * n + 7, 90 if n % 2 else -90) for n in range(2 * count)]
    return LineString([(x + east, y + north) for x, y in points])


def test_edges_along_a_crooked_line_are_those_that_share_enough_of_it() -> None:
    graph = (corridors := towns.ground(streets_in_a_row(4), towns.application()).corridors).graph
    along = np.flatnonzero(~np.isin(graph.measures["kind"].to_numpy(), ("bore", "carrier")))
    followed = graph.lines[along[:: len(along) // 9]]
    line = LineString([xy for one in followed for xy in one.coords])
    shared = shapely.length(shapely.intersection(graph.lines[along], line.buffer(0.05)))
    enough = (shared >= np.minimum(0.5, graph.length_m[along])) & (graph.length_m[along] > 0.1)
    assert edges_along(corridors, line).tolist() == along[enough].tolist()
    assert enough.sum() >= 5


def test_work_on_a_drawing_grows_with_its_length_and_not_with_the_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def vertices(count: int) -> int:
        corridors = towns.ground(streets_in_a_row(count), towns.application()).corridors
        seen = []
        plain = shapely.intersection

        def counted(one: Any, other: Any) -> Any:
            seen.append(sum(shapely.get_num_coordinates(part).sum() for part in (one, other)))
            return plain(one, other)

        with monkeypatch.context() as patch:
            patch.setattr(route_faults.shapely, "intersection", counted)
            edges_along(corridors, zigzag(count))
        return int(sum(seen))

    assert vertices(16) < 3 * vertices(8)


# --- faults -----------------------------------------------------------------------------------


def test_a_lawful_crossing_beside_the_corridors_has_no_fault() -> None:
    assert faults(judged(town(lines=FAR_SIDE), (117, -8), (117, 12))) == []


def test_private_land_buildings_and_water_are_named_with_their_lengths() -> None:
    survey = town(
        lines=FAR_SIDE,
        parcels={"P-1": parcel(100, 12, 140, 52), "P-2": parcel(60, 7, 90, 40)},
        buildings={"B-1": {"floors": 2, "geometry": box(70, 8, 80, 12)}},
        water_bodies={"V-1": {"kind": "pond", "geometry": box(92, 8, 98, 12)}},
    )
    found = judged(survey, (50, -8), (50, 10), (102, 10), (102, 12))
    assert sorted(faults(found)) == [
        ("building", "B-1", 10),
        ("private_land", "P-2", 30),
        ("water", "V-1", 6),
    ]
    assert "穿过建筑 B-1 10.00 米" in [one.text for one in found.faults]


def test_a_line_along_the_carriageway_is_a_fault_and_the_crossing_is_not() -> None:
    # In at x = 62, 42 m along the middle, out at x = 104: 5 + 42 + 5 m inside the kerbs.
    found = judged(town(lines=FAR_SIDE), (62, -8), (62, 0), (104, 0), (104, 12))
    assert faults(found) == [("carriageway", "R-1", 52)]
    assert found.route.figures["kerb_m"] == pytest.approx(52)


def test_a_crossing_at_less_than_the_least_angle_is_a_fault() -> None:
    # 16 m across the street over 12 m: 53 degrees, less than 60.
    found = judged(town(lines=FAR_SIDE), (104, -8), (116, 8), (116, 12))
    assert [kind for kind, *_ in faults(found)] == ["carriageway"]


def test_rails_are_a_fault_where_no_road_crosses_them() -> None:
    rails = {"T-1": {"kind": "rail", "geometry": LineString([(110, 10), (130, 10)])}}
    found = judged(town(lines=FAR_SIDE, railways=rails), (120, -8), (120, 12))
    assert faults(found) == [("railway", "T-1", 0)]


@pytest.mark.parametrize(
    ("dates", "in_force"),
    [
        ({}, True),
        ({"from_date": "2026-11-22", "to_date": "2026-11-22"}, True),
        ({"from_date": "2026-11-23"}, False),
        ({"to_date": "2026-11-21"}, False),
    ],
)
def test_a_no_dig_area_is_a_fault_on_its_days(dates: dict[str, str], in_force: bool) -> None:
    area = {"X-1": {"reason": "文物", "geometry": box(110, 6, 130, 9), **dates}}
    found = judged(town(lines=FAR_SIDE, no_dig=area), (120, -8), (120, 12))
    assert faults(found) == ([("no_dig", "X-1", 3)] if in_force else [])


def test_a_strip_that_reaches_into_a_no_dig_area_is_a_fault_too() -> None:
    # The line passes 0.3 m beside the area, its working strip is wider.
    area = {"X-1": {"reason": "文物", "geometry": box(120.3, 6, 130, 9)}}
    found = judged(town(lines=FAR_SIDE, no_dig=area), (120, -8), (120, 12))
    assert faults(found) == [("no_dig", "X-1", 0)]


def test_water_is_crossed_on_the_bridge_without_fault() -> None:
    # The strip of the street runs over the river on its bridge; 20 m north of it there is none.
    survey = town(
        roads={"R-1": street((0, 0), (300, 0), on_bridge=True)},
        lines={"W-1": main((0, 6.75), (60, 6.75))},
        water_bodies={"V-1": {"kind": "river", "geometry": box(70, -60, 80, 60)}},
    )
    on_bridge = judged(survey, (60, 6.75), (102, 6.75), (102, 12))
    assert faults(on_bridge) == []
    assert on_bridge.route.facts["on_bridge"] is True
    beside = judged(survey, (60, 6.75), (60, 30), (98, 30), (98, 13), (100, 13))
    assert faults(beside) == [("water", "V-1", 10)]


@pytest.mark.parametrize(
    ("y", "known"), [(6.75, True), (7.2, True), (9.9, True), (0.0, True), (12.5, False)]
)
def test_a_drawn_line_is_on_the_bridge_wherever_it_lies_over_water_in_its_red_line(
    y: float, known: bool
) -> None:
    """R-2 from 138 to 167 is a bridge over water from 140 to 165; its red line is 10 m off.

    At 12.5 m the line lies in the river beside the bridge, and digs nothing of the road.
    """
    roads = {
        "R-1": street((0, 0), (138, 0)),
        "R-2": street((138, 0), (167, 0), on_bridge=True),
        "R-3": street((167, 0), (300, 0)),
    }
    survey = town(
        roads=roads,
        parcels={"P-1": parcel(90, 14, 130, 44)},
        lines={"W-1": main((175, 8), (300, 8))},
        water_bodies={"V-1": {"kind": "river", "geometry": box(140, -60, 165, 60)}},
    )
    found = judged(survey, (175, 8), (175, y), (110, y), (110, 14))
    assert found.route.facts["on_bridge"] is known


@pytest.mark.parametrize(("x", "known"), [(150, False), (170, None)])
def test_a_drawn_line_on_a_marked_road_away_from_water_may_be_on_a_bridge(
    x: float, known: bool | None
) -> None:
    """R-2 from 160 on is marked; the line crosses its road from the main at x, to (110, 12)."""
    roads = {"R-1": street((0, 0), (160, 0)), "R-2": street((160, 0), (300, 0), on_bridge=True)}
    survey = town(
        roads=roads,
        lines={"W-1": main((x, -8), (x + 60, -8))},
        water_bodies={"V-1": {"kind": "river", "geometry": box(200, -60, 220, 60)}},
    )
    found = judged(survey, (x, -8), (x, 7.5), (110, 7.5), (110, 12))
    assert found.route.facts["on_bridge"] is known


# --- the application and the plan -------------------------------------------------------------


def test_only_the_newest_drawing_counts_and_a_withdrawn_one_is_none() -> None:
    survey = town(lines=FAR_SIDE)
    case = drawn_case((120, -8), (120, 12))
    found = plan(case, survey, policy()).manual["water"]
    assert isinstance(found, ManualRoute)
    assert found.drawn.author == "甲"
    history = [{"line": geojson((120, -8), (120, 12))}, {"line": None, "author": "乙"}]
    withdrawn = towns.application(drawn_routes={"water": history})
    made = plan(withdrawn, survey, policy())
    assert made.manual == {}
    assert made.to_json()["utilities"][0]["manual"] is None


def test_a_refused_drawing_leaves_the_rest_of_the_plan() -> None:
    case = drawn_case((120, -8), (120, 6))
    made = plan(case, town(lines=FAR_SIDE), policy())
    assert isinstance(made.manual["water"], RefusedRoute)
    water = made.to_json()["utilities"][0]
    assert water["status"] == "routed"
    assert water["manual"]["status"] == "refused"
    assert "末端离红线" in water["manual"]["reason"]
    assert "manual" not in [route["kind"] for route in water["routes"]]


def test_a_drawing_of_a_utility_that_is_not_wanted_is_refused() -> None:
    history = {"gas": [{"line": geojson((120, -8), (120, 12))}]}
    case = towns.application(drawn_routes=history)
    found = plan(case, town(lines=FAR_SIDE), policy()).manual["gas"]
    assert isinstance(found, RefusedRoute)
    assert "没有这一专业" in found.reason


def test_a_line_that_nothing_reaches_may_still_be_drawn() -> None:
    # P-2 is 100 m from the only street: no computed route, a drawn one is judged.
    survey = town(
        lines={"W-1": main((0, 98), (300, 98))}, parcels={"P-2": parcel(100, 120, 140, 160)}
    )
    case = drawn_case((120, 98), (120, 120), parcel_id="P-2")
    made = plan(case, survey, policy())
    assert made.lines["water"].status == "unroutable"
    water = made.to_json()["utilities"][0]
    assert [route["kind"] for route in water["routes"]] == ["manual"]
    assert water["routes"][0]["length_m"] == pytest.approx(22)
    assert water["manual"]["differences"] is None


@pytest.mark.parametrize(
    "drawn",
    [
        [],
        {"steam": []},
        {"water": {}},
        {"water": [{}]},
        {"water": [{"line": [[0, 0], [1, 1]]}]},
        {"water": [{"line": {"type": "LineString", "coordinates": [[0, 0]]}}]},
        {"water": [{"line": {"type": "LineString", "coordinates": [[0, 0], [0, 0]]}}]},
        {"water": [{"line": {"type": "LineString", "coordinates": [[0, 0], ["a", 1]]}}]},
        {"water": [{"line": {"type": "LineString", "coordinates": [[0, 0], [1e999, 1]]}}]},
        {"water": [{"line": {"type": "LineString", "coordinates": [[0, 0]] * 5001}}]},
        {"water": [{"line": None, "note": 1}]},
    ],
)
def test_a_malformed_history_is_refused_with_its_field(drawn: Any) -> None:
    with pytest.raises(ApplicationError, match="drawn_routes"):
        towns.application(drawn_routes=drawn)


def test_a_crossing_that_is_bored_by_cost_is_bored_when_it_is_drawn_again() -> None:
    known = load_prices()
    cheap = {"trenchless_setup": Decimal(500), "trenchless": Decimal(100)}
    rows = tuple(replace(r, price_yuan=cheap.get(r.item, r.price_yuan)) for r in known.rows)
    case = towns.application(gate=(102, 12))
    survey = town(lines={"W-1": main((0, -6.75), (20, -6.75))})
    work = prepare(survey, policy(), [case], prices=Prices(rows, known.file))
    site, demand = work.site(case), case.demands["water"]
    theirs = external_lines(work, demand, [site], nearby_finder())[site.key].routes["cheapest"]
    assert len(theirs.bored) == 1
    found = manual_route(work, site, demand, towns.drawn(theirs.line))
    assert found.route.bored == theirs.bored
    assert_same(found.route, theirs)


# --- slots that the trench does not fit -------------------------------------------------------


def test_a_drawing_along_a_footway_too_narrow_for_its_trench_is_marked_there() -> None:
    """Footway of 0.5 m; 30 m of the drawing lie in it, 0.2 m behind the kerb."""
    narrow = {"R-1": street((0, 0), (300, 0), red_line_width_m=11.0)}
    path = [(80, -8), (80, 5.2), (110, 5.2), (110, 12)]
    found = judged(town(roads=narrow, lines=FAR_SIDE), *path)
    [one] = [fault for fault in found.faults if fault.kind == "slot_too_narrow"]
    assert (one.layer, one.id) == ("roads", "R-1")
    assert one.length_m == pytest.approx(30, abs=0.2)
    assert "北侧人行道净宽 0.50 m,放不下 0." in one.text
    assert one.geometry.hausdorff_distance(
        shapely.transform(LineString([(80, 5.2), (110, 5.2)]), lambda xy: xy + towns.ORIGIN)
    ) == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("red_line_width_m", [20.0, None])
def test_a_footway_that_is_wide_or_of_unknown_width_marks_nothing(
    red_line_width_m: float | None,
) -> None:
    roads = {"R-1": street((0, 0), (300, 0), red_line_width_m=red_line_width_m)}
    path = [(80, -8), (80, 5.2), (110, 5.2), (110, 12)]
    found = judged(town(roads=roads, lines=FAR_SIDE), *path)
    assert "slot_too_narrow" not in [fault.kind for fault in found.faults]

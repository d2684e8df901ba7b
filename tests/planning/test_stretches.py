"""Where each piece of a route lies, on paper: the usual street with kerbs at y = -5 and 5."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings

from planning.external_lines import all_by_forest, external_lines
from planning.manual_routes import manual_route
from planning.standards import Pipe
from planning.stretches import Stretch, lane_m, stretches
from tests import towns
from tests.towns import application, main, street, town

WATER = Pipe("water", nominal_mm=200, material="PE")
FAR_SIDE = {"W-1": main((0, -8), (300, -8))}
# All six networks are drawn, so that what is free is known; five lie far away.
OTHERS = {
    utility: main((0, 400), (10, 400), utility=utility, subtype=None)
    for utility in ("sewage", "storm", "gas", "power", "telecom")
}


def told(survey: towns.Survey, **case: Any) -> tuple[Stretch, ...]:
    made = application(**case)
    work = towns.ground(survey, made)
    site = work.site(made)
    line = external_lines(work, made.demands["water"], [site], all_by_forest)[site.key]
    assert line.route is not None
    found = stretches(work, made.demands["water"].pipe, line.route)
    assert sum(one.length_m for one in found) == pytest.approx(line.route.line.length)
    return found


def drawn(survey: towns.Survey, *points: tuple[float, float]) -> tuple[Stretch, ...]:
    made = application()
    work = towns.ground(survey, made)
    line = towns.drawn(shapely.transform(shapely.LineString(points), lambda xy: xy + towns.ORIGIN))
    route = manual_route(work, work.site(made), made.demands["water"], line).route
    found = stretches(work, WATER, route)
    assert sum(one.length_m for one in found) == pytest.approx(route.line.length)
    return found


def places(found: tuple[Stretch, ...]) -> list[tuple[str, float]]:
    return [(one.place, round(one.length_m, 2)) for one in found]


def test_straight_across_the_street() -> None:
    # Main at y = -8, strips at -6.75 and 6.75, kerbs at -5 and 5, red line of the parcel at 12.
    found = told(town(lines=FAR_SIDE), gate=(120, 12))
    within = dict.fromkeys(one.place for one in found)
    assert "crossing" in within
    crossing = next(one for one in found if one.place == "crossing")
    assert (crossing.from_m, crossing.length_m) == (pytest.approx(3), pytest.approx(10))
    assert (crossing.road_id, crossing.width_m) == ("R-1", None)
    assert {one.place for one in found} <= {"to_main", "across", "crossing", "to_red_line"}


def test_along_the_footway_with_the_lines_that_narrow_it() -> None:
    """The main ends at x = 0, a sewer of 0.5 m lies 2 m behind the kerb of the northern footway."""
    sewer = main((-60, 7), (300, 7), utility="sewage", diameter_mm=500.0, material="HDPE")
    lines = {"W-1": main((-60, 8), (0, 8)), **OTHERS, "sewage": sewer}
    found = told(town(roads={"R-1": street((-60, 0), (300, 0))}, lines=lines))
    [footway] = [one for one in found if one.place == "footway"]
    assert (footway.road_id, footway.side) == ("R-1", "N")
    assert footway.width_m == pytest.approx(5)
    assert footway.free_width_m is not None
    assert 2 < footway.free_width_m < 3  # behind the sewer, whose wall is added to its 0.5 m
    assert footway.free_for_pipe_m is not None
    assert footway.free_for_pipe_m < footway.free_width_m
    assert "sewage" in footway.lines


def test_widths_that_hang_on_what_nobody_recorded_are_unknown() -> None:
    lines = {"W-1": main((-60, 8), (0, 8))}
    roads = {"R-1": street((-60, 0), (300, 0), red_line_width_m=None)}
    [footway] = [one for one in told(town(roads=roads, lines=lines)) if one.place == "footway"]
    assert (footway.width_m, footway.free_width_m, footway.lines) == (None, None, ())
    roads = {"R-1": street((-60, 0), (300, 0))}
    [footway] = [one for one in told(town(roads=roads, lines=lines)) if one.place == "footway"]
    assert footway.width_m == pytest.approx(5)
    assert footway.free_width_m is None  # five networks were never imported


def test_greenery_beside_the_street_is_a_verge() -> None:
    green = {"G-1": {"kind": "verge", "geometry": shapely.box(-60, 5, 300, 10)}}
    roads = {"R-1": street((-60, 0), (300, 0))}
    found = told(town(roads=roads, green=green, lines={"W-1": main((-60, 8), (0, 8))}))
    assert "verge" in {one.place for one in found}
    assert "footway" not in {one.place for one in found}


def test_a_line_drawn_along_the_carriageway_lies_in_a_lane() -> None:
    # From the main square to y = 0, 40 m along the middle of the street, square to the parcel.
    found = drawn(town(lines=FAR_SIDE), (80, -8), (80, 0), (120, 0), (120, 12))
    assert ("lane", 40.0) in places(found) or any(
        one.place == "lane" and one.length_m > 40 for one in found
    )
    work = towns.ground(town(lines=FAR_SIDE))
    assert lane_m(work, found) == pytest.approx(
        sum(one.length_m for one in found if one.place == "lane")
    )


def test_a_line_drawn_beside_the_strip_is_in_the_footway_and_elsewhere_off_the_corridors() -> None:
    found = drawn(town(lines=FAR_SIDE), (80, -8), (80, 8), (110, 8), (110, 12))
    footway = [one for one in found if one.place == "footway" and one.side == "N"]
    assert sum(one.length_m for one in footway) == pytest.approx(30, abs=0.2)
    assert all(one.width_m == pytest.approx(5) for one in footway)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(survey=towns.random_towns())
def test_pieces_of_any_route_add_up_and_cross_what_the_route_crosses(
    survey: towns.Survey,
) -> None:
    parcels = survey.tables["parcels"].index
    case = application(str(parcels[0]))
    work = towns.ground(survey, case)
    site = work.site(case)
    line = external_lines(work, case.demands["water"], [site], all_by_forest)[site.key]
    for route in line.routes.values():
        found = stretches(work, case.demands["water"].pipe, route)
        assert sum(one.length_m for one in found) == pytest.approx(route.line.length)
        inside = sum(one.length_m for one in found if one.place in ("crossing", "lane"))
        # On the edge of a carriageway counts as inside, whatever rounding makes of it.
        wider = shapely.buffer(work.corridors.surfaces.own_area, 2e-6, join_style="mitre")
        bores = shapely.union_all(work.corridors.graph.lines[list(route.bored)])
        cut = route.line.difference(shapely.buffer(bores, 1e-6))
        kerb_m = cut.intersection(shapely.union_all(wider)).length
        assert inside == pytest.approx(kerb_m, abs=0.02 * len(found))

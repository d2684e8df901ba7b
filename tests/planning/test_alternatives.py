"""Alternatives differ in streets or sides; on paper, and against all ways of small towns."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given, settings

from layers.survey import Survey
from planning.alternatives import Alternatives, alternatives
from planning.nearby_ways import Found, NearbyWays
from tests import towns
from tests.planning.nearby_paths import all_ways, solved
from tests.towns import main, street, town


def asked(survey: Survey, **changes: object) -> Alternatives:
    return alternatives(*solved(survey, **changes))


# --- on paper ------------------------------------------------------------------------------------

# The parcel, y = 12 to 52, lies between two streets with mains 5 and 4 m from its red line.
TWO_STREETS = {
    "roads": {
        "R-1": street((0, 0), (300, 0), name="甲路"),
        "R-2": street((0, 64), (300, 64), name="乙路"),
    },
    "lines": {"W-1": main((0, 7), (300, 7)), "W-2": main((0, 56), (300, 56))},
}


def test_the_stub_to_the_other_street_is_an_alternative_and_no_stub_beside_the_first_is() -> None:
    found = asked(town(**TWO_STREETS))
    assert found.proven
    assert len(found.found) == 1
    [other] = found.found
    # 5 m from the main at y = 7 to the red line at y = 12; the recommended has 4 m in the north.
    assert other.route.figures["length_m"] == pytest.approx(5)
    assert other.differs == ("甲路 北侧",)
    assert other.route.verdict.outcome == "commitment"


def test_a_main_across_the_street_is_an_alternative_by_its_side() -> None:
    # South main: 8 m south of the axis, so 1.25 m to the strip, 13.5 m across, 5.25 m on.
    survey = town(lines={"W-1": main((0, 8), (300, 8)), "W-2": main((0, -8), (300, -8))})
    found = asked(survey)
    assert [one.differs for one in found.found] == [("R-1 南侧",)]
    assert found.found[0].route.figures["length_m"] == pytest.approx(1.25 + 13.5 + 5.25)


def test_a_single_main_in_a_single_street_has_no_alternative() -> None:
    found = asked(town(lines={"W-1": main((0, 8), (300, 8))}))
    assert found == Alternatives((), True)


def test_along_the_street_the_other_side_is_an_alternative() -> None:
    # The main ends 100 m west of the gate; the route runs 97 m along the north side.
    survey = town(lines={"W-1": main((0, 8), (20, 8))})
    line, nearby = solved(survey, gate=(120, 12))
    assert line.route is not None
    found = alternatives(line, nearby)
    assert found.proven
    assert [one.differs for one in found.found] == [("R-1 南侧",)]
    other = found.found[0].route
    # There and back over the carriageway, 13.5 m each, and no metre less along the street.
    assert other.figures["length_m"] >= line.route.figures["length_m"] + 2 * 13.5 - 1e-6
    assert other.figures["kerb_m"] == pytest.approx(20)


def test_what_is_farther_than_the_stated_length_is_no_alternative() -> None:
    # The second street is 400 m away, and its main with it: 1.5 x 4 m + 100 m do not reach it.
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((0, 400), (300, 400)),
             "R-3": street((0, 0), (0, 400))}  # fmt: skip
    lines = {"W-1": main((0, 8), (300, 8)), "W-2": main((10, 408), (300, 408))}
    line, nearby = solved(town(roads=roads, lines=lines))
    assert nearby.longest_m == pytest.approx(1.5 * 4 + 100)
    assert alternatives(line, nearby).found == ()


# --- against all ways ----------------------------------------------------------------------------


def metres_in(nearby: NearbyWays, found: Found, places: set[int]) -> float:
    place_of = dict(zip(nearby.area.edges.tolist(), nearby.edge_place.tolist(), strict=True))
    length = nearby.work.corridors.graph.length_m
    metres = sum(length[edge] for edge in found.way.edges if place_of.get(edge, -1) in places)
    row = nearby.area.tie_ins == found.way.tie_in
    start = int(nearby.tie_in_place[row][0])
    return float(metres + (nearby.length_m[1][row][0] if start in places else 0.0))


def is_apart(nearby: NearbyWays, found: Found, other: Found) -> bool:
    """The rule for alternatives, in other words than the search's."""
    place_of = dict(zip(nearby.area.edges.tolist(), nearby.edge_place.tolist(), strict=True))
    start = {
        one: int(nearby.tie_in_place[nearby.area.tie_ins == one.way.tie_in][0])
        for one in (found, other)
    }
    places = {place_of[edge] for edge in other.way.edges} | {start[other]}
    whole = metres_in(nearby, other, places - {-1})
    if whole < 20:
        return start[found] != start[other]
    return metres_in(nearby, found, places - {-1}) <= 0.5 * whole + 1e-6


@settings(max_examples=4, deadline=None)
@given(survey=towns.random_towns())
def test_no_way_of_a_random_town_is_a_cheaper_alternative(survey: Survey) -> None:
    line, nearby = solved(survey, parcel_id="P-00w")
    work = nearby.work
    found = alternatives(line, nearby)
    length = work.corridors.graph.length_m
    stub = work.tie_ins("water").table["length_m"].to_numpy(float)
    left = [
        way
        for way in all_ways(nearby)
        if stub[way.way.tie_in] + length[list(way.way.edges)].sum() <= nearby.longest_m - 1e-6
    ]
    for route in line.routes.values():
        left = apart_from(nearby, left, Found(route.way, route.bored))
    asked_for = 3
    for one in found.found:
        while left and runs_back(nearby, cheapest := min(left, key=lambda way: way.way.weight)):
            left, asked_for = apart_from(nearby, left, cheapest), asked_for - 1
        # The tie-break, far less than a fen, is in the weight and not in the cost.
        dearer = all(way.way.weight > one.route.figures["cost_yuan"] - 0.01 for way in left)
        assert dearer or not found.proven  # a search that gives up says so
        mine = Found(one.route.way, one.route.bored)
        assert len(apart_from(nearby, [mine], mine)) == 0
        left = apart_from(nearby, left, mine)
    while left and runs_back(nearby, cheapest := min(left, key=lambda way: way.way.weight)):
        left, asked_for = apart_from(nearby, left, cheapest), asked_for - 1
    assert len(found.found) >= asked_for or left == [] or not found.proven


def runs_back(nearby: NearbyWays, way: Found) -> bool:
    """Whether a way comes back over itself: it is looked at like others, and not told."""
    (route,) = nearby.judged([way])
    return not shapely.is_simple(route.line)


def apart_from(nearby: NearbyWays, ways: list[Found], other: Found) -> list[Found]:
    return [way for way in ways if is_apart(nearby, way, other)]

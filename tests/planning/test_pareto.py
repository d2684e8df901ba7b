"""What less length, green or crossing costs: on paper, and against all ways of small towns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from shapely.geometry import box

from layers.survey import Survey
from planning.nearby_ways import NearbyWays
from planning.pareto import AXES, axes_of, picture
from tests import towns
from tests.planning.nearby_paths import all_ways, solved
from tests.towns import main, node, street, town


def figures(nearby: NearbyWays, axis: str) -> list[float]:
    return [route.figures[AXES[axis]] for route in picture(nearby).points[axis]]


def test_the_cheapest_way_is_the_shortest_and_round_the_end_nothing_is_crossed() -> None:
    # The main lies south of the street and ends at x = 60; the gate is at x = 120 in the north.
    # Whichever way, it is 60 m along and once across 10 m, or round the street's end at x = 0.
    _, nearby = solved(town(lines={"W-1": main((0, -8), (60, -8))}), gate=(120, 12))
    assert len(figures(nearby, "length_m")) == 1
    assert figures(nearby, "crossing_kerb_m") == [pytest.approx(10), 0]


def test_less_green_costs_the_way_along_the_other_side() -> None:
    # A verge fills the whole north side from x = 30 to 110; the south side has none.
    green = {"G-1": {"kind": "verge", "geometry": box(30, 5.5, 110, 10)}}
    survey = town(lines={"W-1": main((0, 8), (20, 8))}, green=green)
    line, nearby = solved(survey, gate=(120, 12))
    assert line.route is not None
    found = picture(nearby)
    first, *_, last = found.points["green_m2"]
    assert first.figures["green_m2"] == line.route.figures["green_m2"] > 100
    assert last.figures["green_m2"] < 0.1 * first.figures["green_m2"]
    assert last.figures["kerb_m"] == pytest.approx(20)  # over to the south side and back
    assert last.figures["cost_yuan"] > first.figures["cost_yuan"]
    # That way crosses twice, the other not at all: no crossing needs no more yuan.
    assert figures(nearby, "crossing_kerb_m") == [0]
    assert found.proven == dict.fromkeys(axes_of("water"), True)


def test_without_greenery_data_there_is_no_front_of_green() -> None:
    _, nearby = solved(town(lines={"W-1": main((0, 8), (300, 8))}, absent=("green",)))
    found = picture(nearby)
    assert found.points["green_m2"] == ()
    assert not found.proven["green_m2"]
    assert len(found.points["length_m"]) == 1


def test_what_crosses_a_road_of_unknown_width_is_not_in_the_front_of_crossings() -> None:
    roads = {"R-1": street((0, 0), (300, 0), carriageway_width_m=None)}
    line, nearby = solved(town(lines={"W-1": main((0, -12), (300, -12))}, roads=roads))
    assert line.route is not None
    assert np.isnan(line.route.figures["kerb_m"])
    # What is left is the way round the end of the street.
    assert figures(nearby, "crossing_kerb_m") == [0]
    assert len(figures(nearby, "length_m")) == 1


def test_power_has_a_front_of_crossings_from_red_line_to_red_line() -> None:
    """Across the western half 20 m lie between the red lines, across the eastern one 12 m.

    Kerb to kerb it is 10 m in both; round an end of the street is farther than is looked.
    """
    roads = {
        "R-1": street((0, 0), (130, 0), red_line_width_m=20.0),
        "R-2": street((130, 0), (300, 0), red_line_width_m=12.0),
    }
    unit = {"utility": "power", "kind": "ring_main_unit", "spare_bays": 2, "voltage_kv": 10.0}
    survey = town(roads=roads, nodes={"N-1": node(105, -8.5, **unit)})
    wish = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 150}}
    _, nearby = solved(survey, "power", gate=(105, 12), demands=wish)
    assert figures(nearby, "crossing_red_line_m") == [pytest.approx(20), pytest.approx(12)]
    assert figures(nearby, "crossing_kerb_m") == [pytest.approx(10)]
    assert "crossing_red_line_m" not in axes_of("water")


@settings(max_examples=4, deadline=None)
@given(survey=towns.random_towns())
def test_no_way_of_a_random_town_betters_a_point_or_is_missing(survey: Survey) -> None:
    _, nearby = solved(survey, parcel_id="P-00w")
    found = picture(nearby)
    graph, table = nearby.work.corridors.graph, nearby.work.tie_ins("water").table
    sums = {
        "length_m": (graph.length_m, table["length_m"].to_numpy(float)),
        "crossing_kerb_m": (
            graph.measures["kerb_m"].to_numpy(float),
            table["kerb_m"].to_numpy(float),
        ),
    }
    metres = {name: [] for name in sums}
    cost = []
    for one in all_ways(nearby):
        mine = {
            name: stub[one.way.tie_in] + edge[list(one.way.edges)].sum()
            for name, (edge, stub) in sums.items()
        }
        if mine["length_m"] <= nearby.longest_m:
            cost.append(one.way.weight)
            for name, value in mine.items():
                metres[name].append(value)
    for name, amount in metres.items():
        assert found.proven[name]
        points = [
            (route.figures["cost_yuan"], route.figures[AXES[name]]) for route in found.points[name]
        ]
        assert points == sorted(points)
        amounts, yuan = np.array(amount), np.array(cost)
        step = max(0.01, points[0][1] / 10) + 0.02  # a tenth of the way down, to nothing at most
        for dear, much in points:
            assert not ((yuan < dear - 0.01) & (amounts < much - 0.02)).any()
        for dear, much in zip(yuan, amounts, strict=True):
            assert any(p <= dear + 0.01 and f <= much + step for p, f in points)


@settings(max_examples=4, deadline=None)
@given(survey=towns.random_towns())
def test_points_are_measured_on_their_own_lines_and_begin_with_the_cheapest(
    survey: Survey,
) -> None:
    line, nearby = solved(survey, parcel_id="P-00w")
    cheapest = line.routes["cheapest"].figures
    for name, routes in picture(nearby).points.items():
        assert routes[0].figures["cost_yuan"] == pytest.approx(cheapest["cost_yuan"], abs=0.01)
        values = [(route.figures["cost_yuan"], route.figures[AXES[name]]) for route in routes]
        assert all(a[0] <= b[0] and a[1] > b[1] for a, b in itertools.pairwise(values))
        for route in routes:
            assert route.figures["length_m"] == pytest.approx(route.line.length)
            if name == "green_m2" and route.strip is not None:
                greenery = shapely.union_all(list(nearby.work.corridors.green))
                assert route.figures[name] == pytest.approx(route.strip.intersection(greenery).area)

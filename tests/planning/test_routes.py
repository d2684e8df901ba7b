"""Routes: networkx equals the forest, edges sum to the route, nothing hangs on place or order."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, box

from gis.network import CorridorGraph
from layers.survey import Survey
from planning.application import Application, default_application
from planning.batch import cases_of
from planning.corridors import SURFACES_FROM
from planning.external_lines import all_by_forest, nearby_finder
from planning.groundwork import Groundwork, Site, prepare
from planning.quantities import SURFACES
from planning.routes import (
    OBJECTIVES,
    Neighbourhood,
    Search,
    Way,
    best_way,
    best_ways,
    measure_lines,
    trace,
)
from planning.standards import Pipe
from tests import towns
from tests.finders import check_finders_agree
from tests.random_counties import LAYOUTS, random_county
from tests.towns import line_of, main, node, parcel, street, town

pytestmark = pytest.mark.slow_first

WATER = Pipe("water", nominal_mm=150.0, laying="direct", material="PE")
POWER = Pipe("power", duct_holes=2, duct_outer_diameter_mm=110.0, laying="conduit")
# A town takes half a second to build: few examples, and none to find a smaller one.
few = settings(
    deadline=None,
    max_examples=3,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def sites_of(work: Groundwork) -> list[Site]:
    parcels = work.survey.tables["parcels"]
    return [
        work.site(default_application(str(key), use, towns.dig_date()))
        for key, use in parcels["land_use"].items()
    ]


def found(work: Groundwork, pipe: Pipe, objective: str) -> dict[str, Way]:
    """The best way of every parcel that has one, by parcel_id."""
    sites = sites_of(work)
    ways = all_by_forest(work.search(pipe, objective), sites)
    parcel_of = {site.key: site.application.parcel_id for site in sites}
    return {parcel_of[key]: way for key, way in ways.items()}


def figures(survey: Survey, pipe: Pipe, objective: str) -> dict[str, dict[str, float]]:
    """Measures of the best route of every parcel that has one."""
    work = prepare(survey, towns.policy())
    ways = found(work, pipe, objective)
    if not ways:
        return {}
    routes = trace(work.corridors, work.tie_ins(pipe.utility), list(ways.values()))
    rows = pd.DataFrame(routes.measured).drop(columns="on_bridge").to_dict("records")
    return dict(sorted(zip(ways, rows, strict=True)))


def same(one: dict[str, dict[str, float]], two: dict[str, dict[str, float]], columns: str) -> None:
    assert list(one) == list(two)
    for key, row in one.items():
        for column in columns.split():
            assert two[key][column] == pytest.approx(row[column], abs=1e-5, nan_ok=True), (
                key,
                column,
            )


# --- oracle: networkx and the forest -----------------------------------------------------------


# 1,000 draws of (county, parcel, utility) from 56 random counties of four layouts, by seed; those
# of the sample come on top. No county has fewer pairs than are drawn of it.
COUNTIES_EACH, PAIRS_EACH = 14, 18
assert len(LAYOUTS) * COUNTIES_EACH * PAIRS_EACH >= 1_000


@pytest.mark.parametrize("layout", range(len(LAYOUTS)))
def test_networkx_and_the_forest_find_the_same_ways_in_random_counties(layout: int) -> None:
    drawn = compared = 0
    for number in range(COUNTIES_EACH):
        seed = len(LAYOUTS) * number + layout
        work = prepare(random_county(seed), towns.policy())
        wishes = [
            (work.site(case), demand.pipe)
            for case in cases_of(work.survey, [], towns.dig_date())
            for demand in case.demands.values()
        ]
        wishes = random.Random(seed).sample(wishes, PAIRS_EACH)
        drawn += len(wishes)
        compared += check_finders_agree(work, wishes)
    assert drawn == COUNTIES_EACH * PAIRS_EACH
    # Each draw is compared by both objectives; where one finds no way, the other finds none.
    assert compared > 1.1 * drawn


def test_networkx_and_the_forest_find_the_same_ways_in_the_sample_county(
    sample_work: Groundwork, sample_cases: list[Application]
) -> None:
    cases = cases_of(sample_work.survey, sample_cases, towns.dig_date())
    cases = random.Random(3).sample(cases, 30)
    wishes = [
        (sample_work.site(case), demand.pipe) for case in cases for demand in case.demands.values()
    ]
    assert len(wishes) >= 150
    assert check_finders_agree(sample_work, wishes) > len(wishes)


def test_a_dear_tie_in_near_by_loses_against_a_cheap_one_far_away() -> None:
    """The neighbourhood grows until nothing lighter can lie outside."""
    # A main lies 20 m away across the street, weighted 1000 times; another 700 m down the street,
    # outside the first reach of 250 m.
    survey = town(
        roads={"R-1": street((0, 0), (900, 0))},
        lines={"W-near": main((90, -8), (150, -8)), "W-far": main((800, 8), (900, 8))},
    )
    work = towns.ground(survey)
    plain = work.search(WATER, "shortest")
    near = np.array([key == "W-near" for key in plain.tie_ins.feature_ids])
    weighed = np.asarray(plain.tie_in_weights)
    weights = np.where(near, 1000.0 * weighed, weighed)
    search = replace(plain, tie_in_weights=weights)
    ends = work.corridors.end_nodes("P-1")
    way = best_way(search, ends)
    assert way is not None
    assert search.tie_ins.feature_ids[way.tie_in] == "W-far"
    assert best_ways(search, {"P-1": ends})["P-1"].edges == way.edges


def test_the_neighbourhood_is_a_graph_to_look_at() -> None:
    work = towns.ground(
        town(parcels={"P-1": parcel(100, 12, 140, 52), "P-2": parcel(160, 12, 200, 52)})
    )
    ends = work.corridors.end_nodes("P-1")
    search = work.search(WATER, "cheapest")
    graph = Neighbourhood(work.corridors, ends).networkx(search, 250.0)
    assert isinstance(graph, nx.MultiGraph)
    kinds = [kind for *_, kind in graph.edges(data="kind")]
    assert kinds.count("connector") == 3  # of P-1 only
    assert not set(work.corridors.end_nodes("P-2").tolist()) & set(graph.nodes)


def test_without_ends_or_tie_ins_there_is_no_way() -> None:
    work = towns.ground(town(lines={"W-1": main((0, 8), (300, 8), diameter_mm=100)}))
    search = work.search(WATER, "cheapest")
    assert best_way(search, work.corridors.end_nodes("P-1")) is None
    assert best_way(search, np.zeros(0, np.int64)) is None
    assert nearby_finder()(search, sites_of(work)) == {}
    assert all_by_forest(search, sites_of(work)) == {}


# --- properties on small random towns ------------------------------------------------------------


@few
@given(towns.random_towns(), st.sampled_from(OBJECTIVES))
def test_measures_of_the_edges_sum_to_those_of_the_route(survey: Survey, objective: str) -> None:
    work = prepare(survey, towns.policy())
    for pipe in (WATER, POWER):
        ways = list(found(work, pipe, objective).values())
        assume(ways)
        tie_ins, edges = work.tie_ins(pipe.utility), work.corridors.graph.measures
        routes = trace(work.corridors, tie_ins, ways)
        kerb_by_road = routes.crossed.table().pivot_table("kerb_m", "line", "road", "sum")
        for number, way in enumerate(ways):
            route = {name: values[number] for name, values in routes.measured.items()}
            own = edges.iloc[list(way.edges)]
            start = tie_ins.table.iloc[way.tie_in]
            length_m = own["length_m"].sum() + start["length_m"]
            assert route["length_m"] == pytest.approx(length_m, abs=1e-6)
            assert route["length_m"] == pytest.approx(routes.lines[number].length, abs=1e-9)
            # Each entry of less than 2 cm is none, for an edge and for the route.
            slack = 0.021 * (len(way.edges) + 1)
            assert route["kerb_m"] == pytest.approx(
                own["kerb_m"].sum() + start["kerb_m"], abs=slack
            )
            crossed = work.corridors.crossings
            of_edges = crossed[crossed["edge"].isin(way.edges)].groupby("road")["kerb_m"].sum()
            first = tie_ins.crossings[tie_ins.crossings["tie_in"] == way.tie_in]
            of_edges = of_edges.add(first.groupby("road")["kerb_m"].sum(), fill_value=0)
            for road, kerb_m in of_edges.items():
                assert kerb_by_road.loc[number, road] == pytest.approx(kerb_m, abs=slack)


@few
@given(towns.random_towns(), st.sampled_from(OBJECTIVES))
def test_a_route_is_at_least_the_straight_line_and_joins_main_and_red_line(
    survey: Survey, objective: str
) -> None:
    work = prepare(survey, towns.policy())
    ways = found(work, WATER, objective)
    assume(ways)
    tie_ins = work.tie_ins("water")
    routes = trace(work.corridors, tie_ins, list(ways.values()))
    parcels, lines = survey.tables["parcels"].geometry, survey.tables["lines"].geometry
    for key, way, route in zip(ways, routes.ways, routes.lines, strict=True):
        start, end = shapely.Point(route.coords[0]), shapely.Point(route.coords[-1])
        joined = lines.loc[tie_ins.feature_ids[way.tie_in]]
        assert start.distance(joined) < 1e-6
        assert end.distance(parcels.loc[key].boundary) < 1e-5
        assert route.length >= start.distance(end) - 1e-9
        assert route.length >= parcels.loc[key].distance(joined) - 1e-5


def check_lawful(routes: Any, survey: Survey) -> None:
    """No route inside private land, and none longer in a carriageway than its crossings."""
    # What runs on a red line itself is not inside: a centimetre off, no rounding makes it so.
    layers = [survey.tables[name].geometry.array for name in ("parcels", "buildings")]
    private = list(shapely.buffer(np.concatenate(layers), -0.01))
    tree = shapely.STRtree(private)
    route, hit = tree.query(routes.lines, predicate="intersects")
    inside = shapely.length(
        shapely.intersection(routes.lines[route], np.array(private, object)[hit])
    )
    assert (inside < 0.05).all()


@few
@given(towns.random_towns(), st.sampled_from(OBJECTIVES))
def test_no_route_runs_through_private_land(survey: Survey, objective: str) -> None:
    work = prepare(survey, towns.policy())
    ways = list(found(work, WATER, objective).values())
    assume(ways)
    check_lawful(trace(work.corridors, work.tie_ins("water"), ways), survey)


def test_no_route_of_the_sample_county_breaks_the_rules(sample_work: Groundwork) -> None:
    """Checked with shapely alone, against the layers and the drawn carriageways."""
    surfaces = sample_work.corridors.surfaces
    carriageways = shapely.union_all(surfaces.carriageway)
    shapely.prepare(carriageways)
    water = shapely.union_all(sample_work.survey.tables["water_bodies"].geometry.to_numpy())
    for pipe in (WATER, POWER):
        ways = list(found(sample_work, pipe, "cheapest").values())
        assert len(ways) > 300
        routes = trace(sample_work.corridors, sample_work.tie_ins(pipe.utility), ways)
        check_lawful(routes, sample_work.survey)
        inside = shapely.length(shapely.intersection(routes.lines, carriageways))
        assert (inside <= routes.measured["kerb_m"] + 0.1).all()
        wet = shapely.length(shapely.intersection(routes.lines, water)) > 0.05
        assert not (wet & ~routes.measured["on_bridge"].astype(bool)).any()


@few
@given(towns.random_towns(), st.integers(-9000, 9000), st.integers(-9000, 9000))
def test_moving_the_map_by_whole_metres_changes_no_figure(
    survey: Survey, east: int, north: int
) -> None:
    for objective in OBJECTIVES:
        before = figures(survey, WATER, objective)
        after = figures(towns.moved(survey, east, north), WATER, objective)
        same(before, after, "length_m" if objective == "shortest" else "length_m kerb_m")


def reversed_lines(survey: Survey) -> Survey:
    tables = dict(survey.tables)
    for layer in ("roads", "lines"):
        rows = tables[layer]
        tables[layer] = rows.set_geometry(rows.geometry.reverse())
    return Survey(survey.crs, tables, survey.county, survey.synthetic)


def shuffled(survey: Survey) -> Survey:
    tables = {name: rows.iloc[::-1] for name, rows in survey.tables.items()}
    return Survey(survey.crs, tables, survey.county, survey.synthetic)


@few
@given(towns.random_towns(), st.sampled_from([reversed_lines, shuffled]))
def test_neither_the_direction_of_lines_nor_the_order_of_rows_matters(
    survey: Survey, changed: Any
) -> None:
    same(
        figures(survey, WATER, "shortest"), figures(changed(survey), WATER, "shortest"), "length_m"
    )


@few
@given(towns.random_towns(), st.data())
def test_one_more_edge_never_makes_the_optimum_dearer(survey: Survey, data: st.DataObject) -> None:
    work = prepare(survey, towns.policy())
    search, sites = work.search(WATER, "cheapest"), sites_of(work)
    graph = search.corridors.graph
    end = st.sampled_from(search.corridors.strip_nodes.tolist())
    pair = np.array([data.draw(end), data.draw(end)])
    assume(pair[0] != pair[1])
    line = LineString(graph.node_xy[pair])
    measures = pd.concat([graph.measures, graph.measures.iloc[[0]]], ignore_index=True)
    more = CorridorGraph(
        graph.node_xy, np.vstack([graph.ends, pair]), np.append(graph.lines, line), measures
    )
    weights = np.append(search.edge_weights, data.draw(st.floats(1, 1e5)))
    wider = Search(
        replace(search.corridors, graph=more), search.tie_ins, weights, search.tie_in_weights
    )
    before, after = all_by_forest(search, sites), all_by_forest(wider, sites)
    assert set(before) <= set(after)
    assert all(after[key].weight <= before[key].weight + 1e-6 for key in before)


@few
@given(towns.random_towns())
def test_one_more_main_never_makes_the_optimum_dearer(survey: Survey) -> None:
    lines = survey.tables["lines"]
    assume(len(lines) > 1)
    tables = dict(survey.tables) | {"lines": lines.iloc[:-1]}
    fewer = Survey(survey.crs, tables, survey.county, survey.synthetic)
    one = found(prepare(fewer, towns.policy()), WATER, "cheapest")
    two = found(prepare(survey, towns.policy()), WATER, "cheapest")
    assert set(one) <= set(two)
    assert all(two[key].weight <= one[key].weight * (1 + 2e-7) for key in one)


# --- trace on paper ------------------------------------------------------------------------------


def test_a_route_over_two_carriageways_counts_two_crossings() -> None:
    # From the transformer in the south over R-1 (10 m) and R-2 (6 m) to the parcel in the north.
    survey = town(
        roads={
            "R-1": street((0, 0), (300, 0)),
            "R-2": street((0, 22), (300, 22), carriageway_width_m=6, red_line_width_m=9),
        },
        parcels={"P-1": parcel(100, 28, 140, 60)},
        nodes={"N-1": node(120, -8, utility="power", kind="transformer", spare_bays=1)},
    )
    work = towns.ground(survey)
    way = found(work, POWER, "shortest")["P-1"]
    routes = trace(work.corridors, work.tie_ins("power"), [way])
    row = {name: values[0] for name, values in routes.measured.items()}
    assert (row["kerb_m"], row["red_line_m"]) == pytest.approx((16, 20 + 9))
    assert row["crossing_count"] == 2
    assert sorted(routes.crossed.longest_m) == pytest.approx([6, 10])


def test_greenery_drawn_over_a_road_costs_a_search_what_it_costs_the_route() -> None:
    # From the main at y = -8 to the red line at y = 12: 1.25 + 1.75 m of footway, 10 m of asphalt,
    # 1.75 + 5.25 m of the verge, which is drawn over the carriageway as well.
    verge = {"G-1": {"kind": "verge", "geometry": box(-10, -5, 310, 20)}}
    survey = town(lines={"W-1": main((0, -8), (300, -8))}, green=verge)
    work = towns.ground(survey)
    route = line_of(survey, demands={"water": {"nominal_mm": 200.0, "material": "PE"}}).route
    assert route is not None
    surfaces_m = work.corridors.metres_on(
        {name: np.array([route.figures[name]]) for name in SURFACES_FROM}, route.crossed
    )
    by_name = dict(zip(SURFACES, surfaces_m[0], strict=True))
    assert {name: metres for name, metres in by_name.items() if metres > 1e-9} == pytest.approx(
        {"footway": 3.0, "verge": 7.0, "asphalt": 10.0}
    )
    parts = work.edge_surfaces_m[list(route.way.edges)].sum(axis=0)
    parts += work.tie_in_surfaces_m("water")[route.way.tie_in]
    assert parts == pytest.approx(surfaces_m[0])
    assert route.figures["cost_yuan"] == pytest.approx(route.way.weight, rel=2e-7)


def test_a_crossing_on_the_seam_of_two_carriageways_counts_as_one() -> None:
    # R-2 goes on from R-1 0.2 mm behind its end at (80, 60); the line crosses half a thousandth of
    # a millimetre behind that end, which rounding of coordinates may do, and in neither polygon.
    roads = {"R-1": street((0, 0), (80, 60)), "R-2": street((80.00016, 60.00012), (160, 120))}
    corridors = towns.ground(town(roads=roads, parcels={})).corridors
    end = np.array([80 + 4e-7, 60 + 3e-7]) + towns.ORIGIN
    across = shapely.LineString(end + np.array([(-12, 16), (12, -16)]))
    routes = measure_lines(corridors, [Way(0, (), 0, 0.0)], np.array([across], object))
    row = {name: values[0] for name, values in routes.measured.items()}
    assert (row["kerb_m"], row["crossing_count"]) == (pytest.approx(10.0), 1)
    assert routes.crossed.longest_m.tolist() == pytest.approx([10.0])
    crossed = routes.crossed
    inside = corridors.surfaces.inside(np.array([across], object), crossed.road, crossed.kerb_m)
    assert shapely.length(inside).tolist() == pytest.approx([10.0])


def test_a_shortcut_through_a_parcel_is_not_taken() -> None:
    # The parcel lies between two parallel streets; the main is in the far one, behind the
    # neighbour P-2 that fills the block.
    survey = town(
        roads={"R-1": street((0, 0), (300, 0)), "R-2": street((0, 100), (300, 100))},
        parcels={"P-1": parcel(100, 12, 140, 50), "P-2": parcel(-40, 50, 340, 88)},
        lines={"W-1": main((0, 92), (300, 92))},
    )
    work = towns.ground(survey)
    assert set(found(work, WATER, "shortest")) == {"P-2"}
    east, north = towns.ORIGIN
    wall = box(east - 40, north + 50, east + 340, north + 88)
    assert all(line.intersection(wall).length < 0.02 for line in work.corridors.graph.lines)

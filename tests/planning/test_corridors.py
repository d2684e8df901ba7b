"""Corridors of hand-made streets: strips, crossings and connectors, with their measures."""

from __future__ import annotations

from collections import Counter
from typing import Any

import networkx as nx
import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, box

from planning.corridors import Corridors, build_corridors
from planning.quantities import SURFACES
from tests import towns
from tests.towns import node, parcel, street, town

Segment = tuple[tuple[float, float], ...]
TEE = {"R-1": street((0, 0), (300, 0)), "R-2": street((150, 0), (150, 100))}
CROSS = {"R-1": street((0, 0), (300, 0)), "R-2": street((150, -100), (150, 100))}


def corridors(*applications: Any, absent: tuple[str, ...] = (), **layers: towns.Rows) -> Corridors:
    gates = {a.application_id: (a.parcel_id, a.gate) for a in applications}
    return build_corridors(town(absent=absent, **layers), towns.policy(), gates)


def edges(found: Corridors, kind: str) -> dict[Segment, dict[str, Any]]:
    """Edges of a kind by their sorted vertices in town metres, with their measures."""
    chosen = np.flatnonzero(found.graph.measures["kind"] == kind)
    rows = found.graph.measures.iloc[chosen].to_dict("records")
    return {
        tuple(sorted(towns.xy(found.graph.lines[e]))): row
        for e, row in zip(chosen, rows, strict=True)
    }


def total(found: Corridors, kind: str, column: str) -> float:
    measures = found.graph.measures
    return float(measures.loc[measures["kind"] == kind, column].sum())


def test_the_setback_is_the_kerb_clearance_and_half_a_section() -> None:
    # GB 50289-2016 table 4.1.9: 1.5 m to the kerb; 0.25 m for half a section.
    found = corridors(parcels={})
    assert found.setback_m == towns.SETBACK_M
    heights = {abs(y) for segment in edges(found, "strip") for _, y in segment}
    assert heights == {6.75}


def test_a_straight_street_with_two_dead_ends_on_paper() -> None:
    found = corridors(parcels={})
    # Two strips of 300 m prolonged by 1.75 m at either end, two closings of 13.5 m.
    assert total(found, "strip", "length_m") == pytest.approx(2 * 303.5 + 2 * 13.5)
    assert total(found, "strip", "kerb_m") == 0.0  # the closings lie behind the carriageway's end
    # 300 / 60 = 5 crossings at 30, 90 ... 270 m, of 13.5 m, 10 m of it in the carriageway.
    assert set(edges(found, "crossing")) == {
        ((x, -6.75), (x, 6.75)) for x in (30, 90, 150, 210, 270)
    }
    assert total(found, "crossing", "length_m") == pytest.approx(5 * 13.5)
    assert total(found, "crossing", "kerb_m") == pytest.approx(5 * 10)
    assert total(found, "crossing", "red_line_m") == pytest.approx(5 * 20)


def test_the_strip_crosses_the_mouth_of_a_side_street_as_a_crossing_of_that_street() -> None:
    found = corridors(parcels={}, roads=TEE)
    strips = edges(found, "strip")
    mouth = [strips[(143.25, 6.75), (150.0, 6.75)], strips[(150.0, 6.75), (156.75, 6.75)]]
    assert [row["kerb_m"] for row in mouth] == pytest.approx([5, 5])
    assert [row["red_line_m"] for row in mouth] == pytest.approx([10, 10])
    crossed = found.crossings.merge(found.graph.measures, left_on="edge", right_index=True)
    over_mouth = crossed[(crossed["road_y"] == 0) & (crossed["kind"] == "strip")]
    assert set(over_mouth["road_x"]) == {1}  # beside R-1, across R-2


@pytest.mark.parametrize(("roads", "meeting_at_a_corner"), [(TEE, 3), (CROSS, 4)])
def test_junctions_have_their_corner_nodes(roads: towns.Rows, meeting_at_a_corner: int) -> None:
    found = corridors(parcels={}, roads=roads)
    strips = np.flatnonzero(found.graph.measures["kind"] == "strip")
    meeting = Counter(found.graph.ends[strips].ravel().tolist())
    corners = {
        tuple(towns.xy(shapely.Point(found.graph.node_xy[n]))[0]): k
        for n, k in meeting.items()
        if k >= 3
    }
    north = {(143.25, 6.75), (156.75, 6.75)}
    south = {(143.25, -6.75), (156.75, -6.75)} if roads is CROSS else set()
    assert corners == dict.fromkeys(north | south, meeting_at_a_corner)


def test_the_through_street_of_a_junction_is_crossed_in_the_line_of_the_side_street() -> None:
    across = edges(corridors(parcels={}, roads=TEE), "crossing")
    for x in (143.25, 156.75):
        assert across[(x, -6.75), (x, 6.75)]["kerb_m"] == pytest.approx(10)


def test_a_slanting_side_street_is_left_by_a_square_crossing_of_the_through_street() -> None:
    # R-2 leaves at 45 degrees; its strips meet the north strip of R-1 away from the axis.
    slanting = {"R-1": street((0, 0), (300, 0)), "R-2": street((150, 0), (250, 100))}
    found = corridors(parcels={}, roads=slanting)
    corners = {
        round(x, 2)
        for s in edges(found, "strip")
        for x, y in s
        if y == 6.75 and (x, -6.75) in {p for c in edges(found, "crossing") for p in c}
    }
    # The strips of R-2 lie 6.75 m off its axis: x = 150 + 6.75 -+ 6.75 * sqrt(2).
    assert {147.2, 166.3} <= corners
    across = [c for c in edges(found, "crossing") if abs(c[0][1]) == 6.75 == abs(c[1][1])]
    assert all(start[0] == pytest.approx(end[0], abs=0.01) for start, end in across)


def test_every_street_of_a_junction_can_be_crossed_at_the_junction() -> None:
    strips = edges(corridors(parcels={}, roads=CROSS), "strip")
    for fixed in (143.25, 156.75):
        assert strips[(fixed, -6.75), (fixed, 0.0)]["kerb_m"] == pytest.approx(5)
        assert strips[(fixed, 0.0), (fixed, 6.75)]["kerb_m"] == pytest.approx(5)


def test_a_strip_on_a_narrow_footway_stays_inside_the_red_line() -> None:
    # Footway (12 - 10) / 2 = 1 m, less a margin of 0.3 m: set back 0.7 m, at y = 5.7.
    found = corridors(parcels={}, roads={"R-1": street((0, 0), (300, 0), red_line_width_m=12)})
    assert {abs(y) for segment in edges(found, "strip") for _, y in segment} == {5.7}


def test_a_street_without_a_red_line_width_has_unknown_red_line_crossings() -> None:
    found = corridors(parcels={}, roads={"R-1": street((0, 0), (300, 0), red_line_width_m=None)})
    rows = list(edges(found, "crossing").values())
    assert len(rows) == 5
    assert all(np.isnan(row["red_line_m"]) and row["kerb_m"] == pytest.approx(10) for row in rows)


def test_a_parcel_is_joined_from_the_middle_and_near_the_ends_of_its_front() -> None:
    found = corridors()
    # Front y = 12 from x = 100 to 140; ends drawn in by 2 m; connectors of 12 - 6.75 = 5.25 m.
    assert set(edges(found, "connector")) == {((x, 6.75), (x, 12.0)) for x in (102, 120, 138)}
    assert {row["length_m"] for row in edges(found, "connector").values()} == {5.25}
    assert set(found.sites["parcel_id"]) == {"P-1"}
    assert len(found.end_nodes("P-1")) == 3
    assert found.gaps_m["P-1"] == pytest.approx(5.25)
    # Opposite every foot there is a crossing.
    assert {((x, -6.75), (x, 6.75)) for x in (102, 120, 138)} <= set(edges(found, "crossing"))


def test_a_gate_is_one_more_place_and_only_for_its_application() -> None:
    case = towns.application(gate=(111, 12))
    found = corridors(case)
    assert len(found.end_nodes("P-1", "APP-1")) == 1
    assert len(found.end_nodes("P-1")) == 3
    assert ((111, 6.75), (111, 12)) in edges(found, "connector")


@pytest.mark.parametrize(("front", "joined"), [(46.75, True), (46.76, False)])
def test_a_parcel_is_joined_over_at_most_40_m(front: float, joined: bool) -> None:
    found = corridors(parcels={"P-1": parcel(100, front, 140, 90)})
    assert bool(len(found.end_nodes("P-1"))) == joined
    assert found.gaps_m["P-1"] == pytest.approx(front - 6.75)


def test_a_parcel_behind_another_is_joined_round_it_and_not_through_it() -> None:
    found = corridors(parcels={"P-1": parcel(100, 12, 140, 30), "P-2": parcel(100, 30, 140, 60)})
    assert len(found.end_nodes("P-1")) == 3
    (way,) = found.graph.lines[np.isin(found.graph.ends[:, 1], found.end_nodes("P-2"))]
    assert towns.xy(way) == [(99.0, 6.75), (99.0, 29.0), (100.0, 30.0)]


def test_parcels_one_above_another_are_joined_as_each_alone() -> None:
    land = {"P-1": parcel(100, 12, 140, 30), "P-2": parcel(100, 30, 140, 60)}  # the second bent
    flats = {f"{key}{floor}": shape for floor in "ab" for key, shape in land.items()}
    one, two = corridors(parcels=land), corridors(parcels=flats)
    assert sorted(map(towns.xy, two.graph.lines)) == sorted(map(towns.xy, one.graph.lines))
    for key in flats:
        alone, above = one.end_nodes(key[:-1]), two.end_nodes(key)
        places = [found.graph.node_xy[at].tolist() for found, at in ((one, alone), (two, above))]
        assert len(alone)
        assert sorted(places[0]) == sorted(places[1])
        assert two.gaps_m[key] == one.gaps_m[key[:-1]]


def test_strips_stop_at_private_land() -> None:
    # P-1 reaches over the north strip from x = 100 to 140.
    found = corridors(parcels={"P-1": parcel(100, 6, 140, 40)})
    private = box(100, 6, 140, 40)
    shift = np.array(towns.ORIGIN)
    for line in found.graph.lines:
        moved = shapely.transform(line, lambda xy: xy - shift)
        assert moved.intersection(private).length < 0.02
    assert not any(y == 6.75 and 100 < x < 140 for s in edges(found, "strip") for x, y in s)


# Two carriageways of 10 m, 4 m apart: kerbs at y = -5, 5, 9 and 19, outer strips at -6.75, 20.75.
DUAL = {
    "R-1": street((0, 0), (300, 0), road_class="arterial", name="大道"),
    "R-2": street((0, 14), (300, 14), road_class="arterial", name="大道"),
}


def test_a_divided_road_has_strips_on_its_outer_sides_only() -> None:
    found = corridors(parcels={}, roads=DUAL)
    along = [s for s in edges(found, "strip") if s[1][0] - s[0][0] > 20]
    assert {y for s in along for _, y in s} == {-6.75, 20.75}


def test_a_divided_road_is_crossed_whole_and_its_median_is_no_carriageway() -> None:
    found = corridors(parcels={}, roads=DUAL)
    across = edges(found, "crossing")
    assert {tuple(y for _, y in c) for c in across} == {(-6.75, 20.75)}
    assert all(row["length_m"] == pytest.approx(27.5) for row in across.values())
    assert all(row["kerb_m"] == pytest.approx(20) for row in across.values())
    roads = found.crossings.groupby("edge")["road"].agg(set)
    crossing = np.flatnonzero(found.graph.measures["kind"] == "crossing")
    assert all(roads[edge] == {0, 1} for edge in crossing)


@pytest.mark.parametrize(
    "changes", [{"name": "另一条路"}, {"road_class": "local", "name": None}], ids=["name", "class"]
)
def test_two_streets_side_by_side_are_no_divided_road(changes: dict[str, Any]) -> None:
    roads = {"R-1": DUAL["R-1"], "R-2": {**DUAL["R-2"], **changes}}
    found = corridors(parcels={}, roads=roads)
    along = [s for s in edges(found, "strip") if s[1][0] - s[0][0] > 20]
    assert {-6.75, 6.75, 7.25, 20.75} == {y for s in along for _, y in s}


def test_houses_between_two_carriageways_keep_their_strips() -> None:
    row = {f"P-{x}": parcel(x, 8, x + 18, 18) for x in range(0, 300, 20)}
    roads = {**DUAL, "R-2": {**DUAL["R-2"], "geometry": LineString([(0, 26), (300, 26)])}}
    found = corridors(parcels=row, roads=roads)
    along = [s for s in edges(found, "strip") if s[1][0] - s[0][0] > 1]
    assert {-6.75, 6.75, 19.25, 32.75} <= {y for s in along for _, y in s}


def test_nothing_is_laid_round_the_island_of_a_roundabout() -> None:
    angles = np.radians(np.arange(0, 361, 15))
    ring = [(150 + 20 * np.cos(a), 20 * np.sin(a)) for a in angles]
    roads = {
        "R-0": street(*ring),
        "R-1": street((0, 0), (130, 0)),
        "R-2": street((170, 0), (300, 0)),
    }
    found = corridors(parcels={}, roads=roads)
    shift = np.array(towns.ORIGIN)
    lines = shapely.transform(found.graph.lines, lambda xy: xy - shift)
    assert not shapely.intersects(lines, shapely.Point(150, 0).buffer(14.5)).any()
    # Round the outside from the one street to the other: half a ring of 26.75 m radius.
    graph = found.graph.to_networkx()
    assert nx.number_connected_components(graph) == 1


def test_the_strip_round_a_small_roundabout_crosses_the_mouth_of_every_street() -> None:
    # A ring of twelve sides, 9 m from its centre, turns so sharply that streets which leave it
    # seem to go straight on. Its strip lies 3 + 1.75 m outside it and turns on the axis of each
    # street, 9 + 4.75 / cos(15 degrees) = 13.92 m from the centre.
    def at(radius: float, degrees: float) -> tuple[float, float]:
        angle = np.radians(degrees)
        return 150 + radius * np.cos(angle), radius * np.sin(angle)

    arms = (0, 120, 240)
    roads = {f"R-{a}": street(at(9, a), at(80, a), carriageway_width_m=6.0) for a in arms}
    ring = [at(9, a) for a in range(0, 361, 30)]
    found = corridors(parcels={}, roads={**roads, "R-ring": street(*ring, carriageway_width_m=6.0)})
    shift = np.array(towns.ORIGIN)
    lines = shapely.transform(found.graph.lines, lambda xy: xy - shift)
    strips = lines[found.graph.measures["kind"] == "strip"]
    for arm in arms:
        assert shapely.dwithin(strips, shapely.Point(at(13.92, arm)), 0.02).any()


RIVER = {"RV-1": {"name": "河", "kind": "river", "geometry": box(-50, 40, 350, 60)}}
BRIDGE = {
    "R-1": street((0, 0), (300, 0)),
    "R-2": street((0, 100), (300, 100)),
    "R-3": street((150, 0), (150, 100), on_bridge=True),
}


def test_a_river_is_crossed_only_along_the_bridge() -> None:
    found = corridors(parcels={}, roads=BRIDGE, water_bodies=RIVER)
    water = np.array([box(-50, 40, 350, 60)], object)
    shift = np.array(towns.ORIGIN)
    lines = shapely.transform(found.graph.lines, lambda xy: xy - shift)
    wet = shapely.length(shapely.intersection(lines, water[0])) > 0.02
    assert wet.any()
    assert {abs(x - 150) for s in shapely.get_coordinates(lines[wet]) for x in s[:1]} == {6.75}
    assert (found.graph.measures["kind"][wet] == "strip").all()
    # How far the bridge reaches beyond the water is unknown, along R-3 and nowhere else.
    along = found.graph.measures["road"].to_numpy() == 2
    expected = np.where(wet, 1.0, np.where(along, np.nan, 0.0))
    np.testing.assert_array_equal(found.graph.measures["on_bridge"].to_numpy(float), expected)


UNDERPASS = {
    "R-1": street((0, 0), (300, 0)),
    "R-2": street((150, -100), (150, -40)),
    "R-3": street((150, -40), (150, 40), on_bridge=True, level=1),
    "R-4": street((150, 40), (150, 100)),
}


def test_a_line_under_a_bridge_crosses_no_carriageway_and_meets_no_strip_of_it() -> None:
    found = corridors(parcels={}, roads=UNDERPASS)
    along = {s: row for s, row in edges(found, "strip").items() if {p[1] for p in s} == {6.75}}
    assert sum(row["kerb_m"] for row in along.values()) == 0
    assert nx.number_connected_components(found.graph.to_networkx()) == 2
    # On the ground the same streets make a crossing with four mouths of 10 m.
    level = {**UNDERPASS, "R-3": street((150, -40), (150, 40), level=0)}
    assert (
        nx.number_connected_components(corridors(parcels={}, roads=level).graph.to_networkx()) == 1
    )


def test_a_bridge_is_not_crossed_in_its_middle() -> None:
    across = edges(corridors(parcels={}, roads=UNDERPASS), "crossing")
    assert not [c for c in across if c[0][1] == c[1][1] and abs(c[0][1]) < 40]


def test_a_bridge_that_ends_at_a_junction_is_crossed_there() -> None:
    roads = {
        "R-1": street((0, 0), (300, 0)),
        "R-3": street((150, 0), (150, 80), on_bridge=True, level=1),
    }
    found = corridors(parcels={}, roads=roads)
    over_mouth = [
        row["kerb_m"]
        for s, row in edges(found, "strip").items()
        if {p[1] for p in s} == {6.75} and row["kerb_m"] > 0
    ]
    assert sum(over_mouth) == pytest.approx(10)


def test_without_a_bridge_the_two_banks_are_apart() -> None:
    roads = {key: BRIDGE[key] for key in ("R-1", "R-2")}
    graph = corridors(parcels={}, roads=roads, water_bodies=RIVER).graph.to_networkx()
    assert nx.number_connected_components(graph) == 2


def test_a_railway_is_crossed_only_where_a_street_crosses_it() -> None:
    rails = {"RW-1": {"name": "铁路", "geometry": LineString([(-50, 50), (350, 50)])}}
    found = corridors(parcels={}, roads=BRIDGE, railways=rails)
    lines = [towns.xy(line) for line in found.graph.lines]
    across = [p for p in lines if min(y for _, y in p) < 50 < max(y for _, y in p)]
    assert {x for p in across for x, _ in p} == {143.25, 156.75}


def test_manholes_need_no_connector_and_ring_main_units_get_one_to_both_sides() -> None:
    found = corridors(
        parcels={},
        nodes={
            "N-1": node(50, 8, utility="power", kind="ring_main_unit"),
            "N-2": node(80, 8, utility="sewage", kind="manhole"),
        },
    )
    assert found.feet["network_node_id"].tolist() == ["N-1", "N-1"]
    places = {towns.xy(shapely.Point(found.graph.node_xy[n]))[0] for n in found.feet["node"]}
    assert places == {(50, 6.75), (50, -6.75)}


def test_metres_on_surfaces_sum_to_the_length() -> None:
    green = {"V-1": {"kind": "verge", "geometry": box(0, 5.5, 50, 10)}}
    found = corridors(roads=CROSS, green=green)
    lengths = found.surface_lengths(found.graph.measures, found.crossings)
    assert lengths.sum(axis=1) == pytest.approx(found.graph.length_m, abs=1e-6)
    assert (lengths >= 0).all()
    by_surface = dict(zip(SURFACES, lengths.sum(axis=0), strict=True))
    # The verge covers the north strip from x = 0 to 50 and 1.25 m of the crossing at 37.5 m
    # (y = 5.5 to 6.75); R-1 is 150 m long on each side of the junction.
    assert by_surface["verge"] == pytest.approx(50 + 1.25)
    assert by_surface["asphalt"] == pytest.approx(found.graph.measures["kerb_m"].sum())
    assert by_surface["concrete"] == 0


def test_measures_are_those_of_the_drawn_lines() -> None:
    found = corridors(roads=CROSS)
    table, crossings = found.measure(found.graph.lines)
    for column in ("length_m", "kerb_m", "red_line_m", "green_m"):
        assert found.graph.measures[column].to_numpy() == pytest.approx(table[column].to_numpy())
    assert len(crossings) == len(found.crossings)
    carriageways = shapely.union_all(found.surfaces.carriageway)
    inside = shapely.length(shapely.intersection(found.graph.lines, carriageways))
    assert found.graph.measures["kerb_m"].to_numpy() == pytest.approx(inside, abs=0.03)


def test_edges_run_between_their_nodes() -> None:
    graph = corridors(roads=CROSS).graph
    start = shapely.get_coordinates(shapely.get_point(graph.lines, 0))
    end = shapely.get_coordinates(shapely.get_point(graph.lines, -1))
    assert start == pytest.approx(graph.node_xy[graph.ends[:, 0]], abs=1e-6)
    assert end == pytest.approx(graph.node_xy[graph.ends[:, 1]], abs=1e-6)
    assert (graph.length_m > 0).all()


@pytest.mark.parametrize("roads", [TEE, CROSS, BRIDGE])
def test_no_edge_runs_along_a_carriageway(roads: towns.Rows) -> None:
    found = corridors(roads=roads)
    longest = found.graph.measures["kerb_m"].max()
    assert longest <= 10.0 + 1e-6  # every entry is one square crossing of 10 m


def test_no_strip_beside_a_road_that_private_land_covers() -> None:
    found = corridors(parcels={"P-1": parcel(-50, -20, 350, 20)})
    assert found.graph.edge_count == 0
    assert len(found.end_nodes("P-1")) == 0


def test_the_outside_of_a_corner_is_cut_beside_both_streets() -> None:
    # R-1 runs east and R-2 north from the corner (0, 0): the outer strip turns at (-6.75, -6.75)
    # and is cut at (0, -6.75), square beside R-1, and at (-6.75, 0), square beside R-2.
    streets = {"R-1": street((0, 0), (300, 0)), "R-2": street((0, 0), (0, 200))}
    found = corridors(parcels={}, roads=streets)
    places = {towns.xy(shapely.Point(point))[0] for point in found.graph.node_xy}
    assert {(0.0, -6.75), (-6.75, 0.0)} <= places


# The strip outside this corner turns at (106.75, 6.75).
CORNER = {"R-1": street((0, 0), (100, 0), (100, -200))}


def test_a_corner_that_land_takes_alone_is_cut_off() -> None:
    # B-1 lies beyond x + y = 112, as land does whose red line is cut off at a corner; a tenth of a
    # metre before it, at x + y = 112 - 0.1 * sqrt(2) = 111.86, the strip goes straight across.
    land = shapely.Polygon([(108, 4), (108, 8), (104, 8)])
    found = corridors(roads=CORNER, parcels={}, buildings={"B-1": {"geometry": land}})
    steps = [{(round(x, 2), round(y, 2)) for x, y in s} for s in edges(found, "strip")]
    assert sum({(105.11, 6.75), (106.75, 5.11)} <= step for step in steps) == 1
    assert not any((106.75, 6.75) in step for step in steps)
    assert nx.number_connected_components(found.graph.to_networkx()) == 1


def test_a_corner_without_free_ground_before_the_land_ends_the_strip() -> None:
    # P-1 reaches over the corner of the kerbs, (105, 5).
    land = shapely.Polygon([(115, 0), (115, 8), (107, 15), (90, 15)])
    found = corridors(roads=CORNER, parcels={"P-1": parcel(0, 0, 1, 1, geometry=land)})
    shift = np.array(towns.ORIGIN)
    lines = shapely.transform(found.graph.lines, lambda xy: xy - shift)
    assert shapely.length(shapely.intersection(lines, land)).max() < 0.02
    assert found.graph.measures["kerb_m"][found.graph.measures["kind"] == "strip"].max() == 0.0


def test_strips_between_merging_streets_end_where_they_meet() -> None:
    # R-2 leaves R-1 at 16.7 degrees. Its strip and that of R-1 cross 6.75 m from both axes, at
    # x = 100 + 6.75 / tan(8.35 degrees) = 146; behind that both would run up to the other's kerb.
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((100, 0), (300, 60))}
    found = corridors(parcels={}, roads=roads)
    nose = shapely.Polygon([(100, 0), (145.9, 0), (145.9, 13.5)])
    shift = np.array(towns.ORIGIN)
    lines = shapely.transform(found.graph.lines, lambda xy: xy - shift)
    strips = lines[found.graph.measures["kind"] == "strip"]
    assert not shapely.intersects(strips, nose).any()
    assert shapely.dwithin(strips, shapely.Point(146.0, 6.75), 0.05).sum() >= 2

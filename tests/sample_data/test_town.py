"""The sample county looks like a town and its layers are sound."""

from __future__ import annotations

import csv
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from pandas.testing import assert_frame_equal
from shapely import Point

from sample_data.make import APPLICATIONS, COUNTY, make, write
from sample_data.shapes import turning_deg
from sample_data.town import build_town

pytestmark = pytest.mark.slow_first

FIELDS = Path(__file__).resolve().parents[2] / "layers" / "fields"
SOLVED_AGAIN_M = 0.02
"""Gates and lawn ends may move by less when the engine's arithmetic changes in the last digit."""
ROW = {"residential", "commercial", "office", "education", "medical", "industrial", "logistics",
       "public", "utility", "green", "mixed"}  # fmt: skip


@pytest.fixture(scope="module")
def county() -> dict[str, gpd.GeoDataFrame]:
    layers = pyogrio.list_layers(COUNTY)[:, 0]
    return {name: gpd.read_file(COUNTY, layer=name) for name in layers}


@pytest.fixture(scope="module")
def town() -> dict[str, gpd.GeoDataFrame]:
    return build_town()


@pytest.fixture(scope="module")
def made(town) -> tuple[dict[str, gpd.GeoDataFrame], list[dict[str, Any]]]:
    return make(town)


@pytest.fixture(scope="module")
def built(made) -> dict[str, gpd.GeoDataFrame]:
    return made[0]


@pytest.fixture(scope="module")
def red_lines(county: dict[str, gpd.GeoDataFrame]) -> gpd.GeoSeries:
    roads = county["roads"]
    return roads.geometry.buffer(roads.red_line_width_m / 2, quad_segs=8)


def outside(shapes: gpd.GeoSeries, land: shapely.Geometry) -> gpd.GeoSeries:
    """What lies outside the land of those shapes that it does not cover, which is soon seen."""
    shapely.prepare(land)
    return shapes[~shapely.covers(land, shapes.values)].difference(land)


@pytest.fixture(scope="module")
def segments(county: dict[str, gpd.GeoDataFrame]) -> list[shapely.LineString]:
    """Street pieces from junction to junction; passing through a joint of two parts is none."""
    noded = shapely.node(shapely.GeometryCollection(list(county["roads"].geometry)))
    return list(shapely.get_parts(shapely.line_merge(noded)))


def degrees(segments: list[shapely.LineString]) -> Counter[tuple[float, ...]]:
    return Counter(
        np.round(xy, 3).tobytes() for s in segments for xy in (s.coords[0], s.coords[-1])
    )


def test_dead_ends_are_at_least_a_tenth_of_all_junctions(segments) -> None:
    count = list(degrees(segments).values())
    assert count.count(1) / len(count) >= 0.10


def test_four_way_junctions_are_at_most_two_fifths(segments) -> None:
    count = [d for d in degrees(segments).values() if d >= 3]
    assert sum(d >= 4 for d in count) / len(count) <= 0.40


def test_a_third_of_the_streets_bend_by_ten_degrees_or_more(segments) -> None:
    bent = [turning_deg(s) >= 10 for s in segments]
    assert np.mean(bent) >= 0.30


def test_streets_number_250_to_450_pieces_and_at_most_50_km(segments) -> None:
    assert 250 <= len(segments) <= 450
    assert 35_000 <= sum(s.length for s in segments) <= 50_000


def test_streets_are_one_network(segments) -> None:
    lines = shapely.union_all(segments).buffer(0.0005)
    assert shapely.get_num_geometries(lines) == 1


def test_the_county_has_its_parcels_and_buildings(county) -> None:
    assert len(county["parcels"]) >= 400
    assert len(county["buildings"]) >= 2000
    assert set(county["parcels"].land_use) <= ROW
    assert {"residential", "commercial", "industrial", "education"} <= set(
        county["parcels"].land_use
    )


def test_the_county_lies_at_xin_county(county) -> None:
    middle = county["roads"].to_crs(4326).union_all().centroid
    assert county["roads"].crs.to_epsg() == 4547
    assert (middle.x, middle.y) == pytest.approx((114.88, 31.64), abs=0.01)


def test_every_layer_has_valid_geometry_and_unique_ids(county) -> None:
    for name, table in county.items():
        key = table.columns[0]
        assert key.endswith("_id"), name
        assert table[key].is_unique, name
        assert table.geometry.is_valid.all(), name
        assert not table.geometry.is_empty.any(), name


def test_columns_and_values_are_those_of_the_field_tables(county) -> None:
    for name, table in county.items():
        with (FIELDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            fields = {row["name"]: row for row in csv.DictReader(file)}
        assert set(table.columns) <= set(fields), name
        for column, field in fields.items():
            if field["type"] == "enum" and column in table.columns:
                values = set(table[column].dropna())
                assert values <= set(field["allowed"].split("|")), (name, column)


def test_no_parcel_lies_in_a_road(county) -> None:
    roads = county["roads"]
    land = roads.geometry.buffer(roads.red_line_width_m / 2, cap_style="flat").union_all()
    assert county["parcels"].geometry.intersection(land).area.max() <= 0.5


def test_no_parcel_overlaps_another(county) -> None:
    parcels = county["parcels"].geometry
    one, two = parcels.sindex.query(parcels, predicate="intersects")
    pairs = one < two
    shared = parcels.iloc[one[pairs]].intersection(parcels.iloc[two[pairs]], align=False)
    assert shared.area.max() <= 0.5


def test_most_parcels_front_a_red_line_and_some_do_not(county, red_lines) -> None:
    fronting = county["parcels"].distance(red_lines.union_all()) < 0.1
    assert 0.85 <= fronting.mean() < 1


def test_every_building_stands_inside_one_parcel_and_off_the_roads(county, red_lines) -> None:
    buildings, parcels = county["buildings"].geometry, county["parcels"].geometry
    inside, _ = parcels.sindex.query(buildings, predicate="within")
    assert sorted(inside) == list(range(len(buildings)))
    assert buildings.distance(red_lines.union_all()).min() > 1


def test_buildings_do_not_overlap(county) -> None:
    buildings = county["buildings"].geometry
    one, two = buildings.sindex.query(buildings, predicate="intersects")
    assert not (one < two).any()


def test_lines_run_inside_the_red_lines(county, red_lines) -> None:
    assert outside(county["lines"].geometry, red_lines.union_all().buffer(0.1)).length.sum() == 0


def test_red_lines_leave_a_footway_on_both_sides(county) -> None:
    roads = county["roads"]
    assert (roads.red_line_width_m - roads.carriageway_width_m).min() >= 3


def test_bridges_are_the_road_parts_over_the_river(county) -> None:
    roads = county["roads"]
    river = county["water_bodies"].query("kind == 'river'").union_all()
    assert roads.on_bridge.sum() >= 3
    assert (roads.geometry.intersects(river) == roads.on_bridge).all()


def test_roads_cross_the_railway_away_from_the_river(county) -> None:
    railway = county["railways"].union_all()
    assert county["roads"].geometry.intersects(railway).sum() >= 4


def test_some_dates_and_authorities_are_unknown(county) -> None:
    roads = county["roads"]
    assert 0 < roads.opened_on.isna().mean() < 0.5
    assert (pd.to_datetime(roads.opened_on) > "2021-11-22").sum() >= 5
    assert {"municipal", "highway", "estate", "not_handed_over", "unknown"} == set(roads.authority)


@pytest.mark.parametrize("utility", ["sewage", "storm"])
def test_sewers_fall_along_their_flow_and_meet_at_or_above_the_next(county, utility) -> None:
    sewers = county["lines"].query("utility == @utility")
    assert (sewers.start_invert_m > sewers.end_invert_m).all()
    arrives: dict[tuple[float, ...], float] = {}
    for xy, end in _ends(sewers, -1, "end_invert_m"):
        arrives[xy] = min(end, arrives.get(xy, np.inf))
    for xy, start in _ends(sewers, 0, "start_invert_m"):
        assert start <= arrives.get(xy, np.inf) + 1e-9


@pytest.mark.parametrize("utility", ["sewage", "storm"])
def test_every_sewer_leads_to_an_outfall_at_the_river(county, utility) -> None:
    sewers = county["lines"].query("utility == @utility")
    river = county["water_bodies"].query("kind == 'river'").union_all()
    starts = {xy for xy, _ in _ends(sewers, 0, "start_invert_m")}
    last = [xy for xy, _ in _ends(sewers, -1, "end_invert_m") if xy not in starts]
    assert last
    assert max(Point(xy).distance(river) for xy in last) < 9


def _ends(lines: gpd.GeoDataFrame, end: int, column: str) -> list[tuple[tuple[float, ...], float]]:
    tips = [line.coords[end] for line in lines.geometry]
    return list(zip(tips, lines[column], strict=True))


def test_manholes_stand_at_both_ends_of_every_sewer(county) -> None:
    nodes, lines = county["nodes"].query("kind == 'manhole'"), county["lines"]
    for utility in ("sewage", "storm"):
        places = {p.coords[0] for p in nodes.geometry[nodes.utility == utility]}
        for line in lines.geometry[lines.utility == utility]:
            assert {line.coords[0], line.coords[-1]} <= places
            assert line.length <= 40.001


def test_nodes_lie_on_the_line_that_they_name(county) -> None:
    lines = county["lines"].set_index("line_id")
    nodes = county["nodes"]
    own = lines.loc[nodes.line_id]
    assert (own.utility.to_numpy() == nodes.utility.to_numpy()).all()
    gaps = shapely.distance(own.geometry.to_numpy(), nodes.geometry.to_numpy())
    assert gaps.max() < 0.01


@pytest.mark.parametrize("utility", ["water", "gas", "power", "telecom"])
def test_most_of_each_network_is_in_one_piece(county, utility) -> None:
    own = county["lines"].query("utility == @utility and subtype != 'transmission'").geometry
    parts = shapely.get_parts(shapely.union_all(own.buffer(0.005).to_numpy()))
    assert max(p.area for p in parts) / sum(p.area for p in parts) > 0.95


def test_gas_has_low_medium_and_one_sub_high_pressure(county) -> None:
    gas = county["lines"].query("utility == 'gas'")
    assert set(gas.pressure_mpa) == {0.005, 0.2, 0.4, 0.8}
    assert set(gas.subtype[gas.pressure_mpa > 0.4]) == {"transmission"}


def test_most_parcels_have_water_sewage_power_and_telecom_within_40_m(county) -> None:
    lines, parcels = county["lines"], county["parcels"].geometry
    for utility in ("water", "sewage", "power", "telecom"):
        near = parcels.distance(lines.geometry[lines.utility == utility].union_all()) <= 40
        assert near.mean() > 0.85, utility


def test_verges_lie_between_kerb_and_red_line(county, red_lines) -> None:
    roads = county["roads"]
    kerbs = roads.geometry.buffer(roads.carriageway_width_m / 2, quad_segs=8).union_all()
    verges = county["green"].query("kind == 'verge'").geometry
    assert len(verges) > 300
    assert verges.intersection(kerbs).area.max() < 0.05
    assert (outside(verges, red_lines.union_all().buffer(0.05)).area < 0.05).all()


def test_a_long_arterial_stretch_has_one_side_without_side_streets(county) -> None:
    ring = county["roads"].query("name == '环城大道'").geometry.union_all()
    others = county["roads"].query("name != '环城大道'").geometry
    stretch = shapely.LineString([(583400, 3502924), (584000, 3502867)])
    assert stretch.within(ring.buffer(5))
    side = stretch.buffer(80, single_sided=True, cap_style="flat")
    outside = others.intersection(side).length.sum()
    assert stretch.length > 600
    assert outside < 40


def test_service_areas_leave_some_parcels_out(county) -> None:
    parcels = county["parcels"].geometry.representative_point()
    areas = county["service_areas"]
    urban = areas.query("kind == 'urban_area'").union_all()
    assert 0.8 < parcels.within(urban).mean() < 1
    networks = areas.dissolve(by="utility").geometry
    assert 0.7 < parcels.within(networks["gas"]).mean() < 0.97
    assert parcels.within(networks["water"]).mean() > 0.97


def test_building_again_gives_the_committed_tables(county, built, tmp_path: Path) -> None:
    again = tmp_path / "county.gpkg"
    write(built, again)
    assert set(built) == set(county)
    for name, stored in county.items():
        fresh = gpd.read_file(again, layer=name)
        assert_frame_equal(*(pd.DataFrame(t.drop(columns="geometry")) for t in (fresh, stored)))
        exact = 0.0 if name != "green" else SOLVED_AGAIN_M
        assert fresh.geometry.geom_equals_exact(stored.geometry, exact).all(), name


def test_the_district_leaves_the_towns_ids_as_they_are(county, town) -> None:
    """Only what stands where the new main street breaks through the ring's verge is cut."""
    for name, table in town.items():
        key = table.columns[0]
        gone = set(table[key]) - set(county[name][key])
        assert len(gone) <= (6 if name in ("green", "trees") else 0), name


def test_making_again_gives_the_committed_applications(made) -> None:
    files = sorted(APPLICATIONS.glob("*.json"))
    stored = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    assert len(made[1]) == len(stored)
    for fresh, kept in zip(made[1], stored, strict=True):
        gates = fresh.pop("gate"), kept.pop("gate")
        assert fresh == kept
        assert gates[0] == gates[1] or gates[0] == pytest.approx(gates[1], abs=SOLVED_AGAIN_M)


@pytest.mark.parametrize("utility", ["sewage", "storm"])
def test_the_districts_sewers_lie_a_metre_deep_or_more(county, utility) -> None:
    lines = county["lines"].query("utility == @utility")
    own = lines[lines.line_id.str.contains("-N")]
    assert len(own) > 40
    assert own.depth_m.min() >= 0.99


def test_coordinates_are_on_the_millimetre_grid(built) -> None:
    for name, table in built.items():
        xy = shapely.get_coordinates(table.geometry.to_numpy())
        assert np.abs(xy - np.round(xy, 3)).max() < 1e-6, name


def test_the_committed_data_stay_below_8_mb() -> None:
    files = [f for f in COUNTY.parent.rglob("*") if f.suffix in {".gpkg", ".csv", ".json"}]
    assert sum(f.stat().st_size for f in files) < 8_000_000


def test_straight_street_of_400_m_stands_in_the_industrial_quarter(county) -> None:
    street = county["roads"].query("name == '兴工路'").geometry
    assert street.length.sum() > 400
    assert max(turning_deg(line) for line in street) < 1
    for one, two in pairwise(street):
        assert one.distance(two) < 0.01

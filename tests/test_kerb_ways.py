"""On real streets a line follows its kerb: no detours, no zigzags, nothing through what stands."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from pyproj import CRS

from docs.examples.krems import import_all as import_krems
from docs.examples.sant_boi import import_all
from docs.examples.town_screening import Report, screen_all
from layers.fields import layer_definition
from layers.store import Workspace
from layers.survey import Survey
from planning.corridors import Corridors, build_corridors
from planning.policies import load_policy
from tests.kerb_ways import Walk, all_pairs, kerb_ways

pytestmark = [pytest.mark.shared, pytest.mark.slow_first]
POLICY = load_policy("411523_xinxian")
MARGIN_M = POLICY.planning.narrow_footway_margin_m
# Crossing back within this along the route is a zigzag, if the way along the kerb is free.
ZIGZAG_M = 100.0


@pytest.fixture(scope="module")
def sant_boi(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    data = shared / "data/networks/santboi_water_sewer_parcels.gpkg"
    return import_all(data, tmp_path_factory.mktemp("out"), Report())


@pytest.fixture(scope="module")
def sant_boi_corridors(sant_boi: Workspace) -> Corridors:
    return build_corridors(sant_boi.survey(), POLICY)


@pytest.fixture(scope="module")
def krems(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Survey:
    folder = tmp_path_factory.mktemp("krems")
    return import_krems(shared / "data/osm/krems.osm.gz", folder, Report()).survey()


@pytest.fixture(scope="module")
def bubenec(shared: Path) -> Survey:
    """Streets of a Prague block as local streets 8 m wide, and its buildings."""
    file = shared / "data/osm/bubenec.gpkg"

    def shapes(layer: str) -> gpd.GeoSeries:
        read = pyogrio.read_dataframe(file, layer=layer).to_crs("EPSG:32633")
        return read.geometry.explode(ignore_index=True)

    tables = {"roads": shapes("streets"), "buildings": shapes("buildings")}
    filled = {name: _table(name, drawn) for name, drawn in tables.items()}
    filled["roads"] = filled["roads"].assign(road_class="local", carriageway_width_m=8.0)
    return Survey(CRS("EPSG:32633"), filled, "411523_xinxian")


def _table(layer: str, shapes: gpd.GeoSeries) -> gpd.GeoDataFrame:
    definition = layer_definition(layer)
    fields = [f for f in definition.fields if f.name != definition.id_field]
    unknown = {f.name: np.nan if f.type in ("number", "integer") else None for f in fields}
    unknown.pop("geometry", None)
    index = pd.Index([f"{layer}-{row}" for row in range(len(shapes))], name=definition.id_field)
    return gpd.GeoDataFrame(unknown, geometry=shapes.values, index=index)


def detours(found: Corridors, survey: Survey) -> tuple[int, list[tuple[str, float, float]]]:
    """Number of pairs on one side of one street, all there are, and those whose route leaves the
    kerb: road, metres along it, metres of the route."""
    layers = (survey.get(name) for name in ("parcels", "buildings", "water_bodies", "railways"))
    blocking = [table.geometry for table in layers if table is not None]
    walk, count, longer = Walk(found), 0, []
    for way in kerb_ways(found, found.setback_m, MARGIN_M, blocking):
        for start, ends, along_m in all_pairs(way, walk):
            most_m = 1.02 * along_m + 0.3  # nodes lie up to 0.3 m off the drawn way
            length_m = walk.lengths_m(start, ends, most_m.max())
            road = found.surfaces.table["road_id"][way.road]
            over = np.flatnonzero(length_m > most_m)
            longer += [(road, float(along_m[at]), float(length_m[at])) for at in over]
            count += len(ends)
    return count, longer


# Every pair of nodes there is: 122,000 and 940 and 377,000 of them.
@pytest.mark.parametrize(
    ("town", "pairs"), [("sant_boi", 100_000), ("bubenec", 900), ("krems", 300_000)]
)
def test_routes_follow_the_kerb(town: str, pairs: int, request: pytest.FixtureRequest) -> None:
    given = request.getfixturevalue(town)
    survey = given.survey() if isinstance(given, Workspace) else given
    count, longer = detours(build_corridors(survey, POLICY), survey)
    assert count > pairs
    assert longer == []


def test_every_free_kerb_has_a_strip(sant_boi: Workspace, sant_boi_corridors: Corridors) -> None:
    survey, found = sant_boi.survey(), sant_boi_corridors
    ways = list(kerb_ways(found, found.setback_m, MARGIN_M, [survey.get("parcels").geometry]))
    carriageway = shapely.union_all(found.surfaces.carriageway)
    shapely.prepare(carriageway)
    strips = shapely.STRtree(found.graph.lines[found.graph.measures["kind"] == "strip"])
    points = np.concatenate(
        [shapely.line_interpolate_point(w.line, np.arange(1.0, w.line.length, 2.0)) for w in ways]
    )
    points = points[~shapely.intersects(carriageway, points)]
    # Where greenery, trees or lines stand beside the kerb a strip lies farther out in its slot.
    farthest_m = float(found.roadside.made.beside.shift_m.max())
    shares = [
        np.isin(np.arange(len(points)), strips.query(points, "dwithin", distance=reach_m)[0]).mean()
        for reach_m in (0.5, 0.5 + farthest_m)
    ]
    assert len(points) > 5000
    assert shares[0] > 0.9
    assert shares[1] > 0.99


def test_every_crossing_is_square_to_a_road(sant_boi_corridors: Corridors) -> None:
    found = sant_boi_corridors
    across = np.flatnonzero(found.graph.measures["kind"] == "crossing")
    xy = shapely.get_coordinates(found.graph.lines[across]).reshape(-1, 2, 2)
    centres = found.surfaces.centre[found.graph.measures["road"].to_numpy()[across]]
    met = shapely.get_point(shapely.shortest_line(centres, shapely.linestrings(xy)), 0)
    at = shapely.line_locate_point(centres, met)
    before, after = (
        shapely.get_coordinates(shapely.line_interpolate_point(centres, np.maximum(at + step, 0)))
        for step in (-5.0, 5.0)
    )
    along, over = after - before, xy[:, 1] - xy[:, 0]
    cosine = np.abs((along * over).sum(axis=1)) / np.hypot(*along.T) / np.hypot(*over.T)
    assert len(across) > 1000
    # Where a road bends the direction over ten metres is not that of the place.
    assert (cosine < np.cos(np.radians(75))).mean() > 0.995
    assert (cosine < np.cos(np.radians(60))).all()


def test_no_route_zigzags_across_a_road_that_it_could_follow(
    sant_boi: Workspace, sant_boi_corridors: Corridors
) -> None:
    survey, found = sant_boi.survey(), sant_boi_corridors
    routes = screen_all(sant_boi, date(2026, 11, 22))
    routes = routes[routes["status"] == "routed"]
    ways = list(kerb_ways(found, found.setback_m, MARGIN_M, [survey.get("parcels").geometry]))
    tree = shapely.STRtree([way.line for way in ways])
    centres = shapely.STRtree(found.surfaces.centre)
    zigzags = []
    for route in routes.itertuples():
        for road in centres.query(route.geometry, predicate="intersects").tolist():
            met = shapely.get_parts(
                shapely.intersection(route.geometry, found.surfaces.centre[road])
            )
            places = np.sort(shapely.line_locate_point(route.geometry, shapely.get_point(met, 0)))
            for there, back in pairwise(places[shapely.get_type_id(met) == 0] if len(met) else []):
                ends = shapely.line_interpolate_point(route.geometry, [there - 8.0, back + 8.0])
                near = [
                    set(tree.query(end, predicate="dwithin", distance=8.0).tolist()) for end in ends
                ]
                kept = [n for n in near[0] & near[1] if ways[n].road == road]
                if back - there < ZIGZAG_M and kept:
                    zigzags.append((route.parcel_id, route.utility, there, back))
    assert len(routes) > 400
    assert zigzags == []

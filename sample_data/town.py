"""The whole town as tables, one per layer."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely import Polygon

from sample_data import blocks, buildings, greenery, layout, networks, roads, streets
from sample_data.roads import CRS
from sample_data.shapes import offset, round_coordinates, substring

SEED = 8
Tables = dict[str, gpd.GeoDataFrame]


def build_town(seed: int = SEED) -> Tables:
    """Return the layers of the synthetic town by name, in EPSG:4547, the same for one seed.

    Each step draws from its own stream of random numbers, so that a change in one step leaves
    the others as they are.
    """
    draw = [np.random.default_rng([seed, step]) for step in range(8)]
    main = streets.main_streets()
    town = streets.grow(main, draw[0])
    land = blocks.land_pieces(town, main)
    park = blocks.park_of(land)
    parcels = blocks.parcels_table([piece for piece in land if piece is not park], town, draw[1])
    green = greenery.green_table(town, park, draw[2])
    lines, nodes = networks.network_tables(town, draw[3])
    tables = {
        "parcels": parcels,
        "roads": roads.roads_table(town, draw[4]),
        "green": green,
        "trees": greenery.trees_table(green, park, draw[5]),
        "buildings": buildings.buildings_table(parcels, draw[6]),
        "water_bodies": _water_bodies(park),
        "railways": _one_row("railway_id", "TL-1", layout.railway(), name=layout.RAILWAY_NAME,
                             electrified=True),
        "lines": lines,
        "nodes": nodes,
        "service_areas": _service_areas(streets.town_core(main), parcels, lines),
        "no_dig": _no_dig(park),
        "planned_works": _planned_works(town),
    }  # fmt: skip
    return {name: _placed(table) for name, table in tables.items()}


def _placed(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the table moved from the town's own corner to its place in the county."""
    moved = table.copy()
    moved.geometry = round_coordinates(table.geometry.translate(*layout.ORIGIN))
    return moved


def _one_row(key: str, value: str, geometry: shapely.Geometry, **record: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame([{key: value, **record, "geometry": geometry}], crs=CRS)


def _water_bodies(park: Polygon) -> gpd.GeoDataFrame:
    rows = [("SX-1", layout.RIVER_NAME, "river", layout.river_polygon()),
            ("SX-2", "映月湖", "lake", greenery.pond(park))]  # fmt: skip
    columns = ["water_body_id", "name", "kind", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=CRS)


def _service_areas(
    core: Polygon, parcels: gpd.GeoDataFrame, lines: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the urban area, short of the town's eastern edge, and each utility's reach."""
    town = shapely.union_all([core, *parcels.geometry.buffer(30)]).buffer(20).buffer(-30)
    urban = town.intersection(shapely.box(-500, -500, 2212, 2500))
    rows = [("FW-urban", "urban_area", None, _along_parcels(_outline(urban), parcels))]
    for utility, own in lines.groupby("utility", sort=False):
        served = own.geometry.buffer(110, quad_segs=2).union_all().buffer(40).buffer(-50)
        reach = _along_parcels(_outline(served), parcels)
        rows.append((f"FW-{utility}", "network", str(utility), reach))
    columns = ["service_area_id", "kind", "utility", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=CRS)


def _outline(area: shapely.Geometry) -> Polygon:
    largest = max(shapely.get_parts(area), key=lambda p: p.area)
    return Polygon(largest.exterior).simplify(4)


def _along_parcels(area: Polygon, parcels: gpd.GeoDataFrame) -> shapely.Geometry:
    """Return the area with its edge led round parcels: each is served as a whole or not at all."""
    inside = parcels.representative_point().within(area)
    served = area.union(parcels.geometry[inside].union_all())
    return served.difference(parcels.geometry[~inside].union_all())


def _no_dig(park: Polygon) -> gpd.GeoDataFrame:
    """Return the places where nobody may dig: relics, a water-source belt, a measuring mark."""
    x, y = layout.OLD_TOWN_AT
    relics = shapely.Point(x - 40, y - 20).buffer(38, quad_segs=4)
    shore = greenery.pond(park).buffer(9, quad_segs=3).difference(greenery.pond(park))
    mark = shapely.Point(1395, 1128).buffer(7, quad_segs=3)
    rows = [("JW-1", "古城墙遗址保护范围", None, None, relics),
            ("JW-2", "湖岸防护带", None, None, shore),
            ("JW-3", "重大活动保障,暂停开挖", "2026-12-20", "2027-02-10", mark)]  # fmt: skip
    columns = ["no_dig_id", "reason", "from_date", "to_date", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=CRS)


def _planned_works(town: list[streets.Street]) -> gpd.GeoDataFrame:
    """Return digs that others have planned: mains renewals along streets, one resurfacing."""
    plans = [("锦绣路", "water", "县供水公司", "2027-03-01", "2027-05-31", 6.0),
             ("望岳路", "power", "县供电公司", "2026-12-01", "2027-01-31", -10.0),
             ("北苑路", "telecom", "移动、联通、电信", "2027-04-10", "2027-05-20", 10.0),
             ("钟楼街", None, "县市政工程处", "2027-06-01", "2027-08-31", 0.0)]  # fmt: skip
    by_name = {s.name: s.line for s in town}
    rows = []
    for number, (name, utility, owner, start, end, beside) in enumerate(plans, start=1):
        line = substring(by_name[name], 120, 420)
        shape = offset(line, beside) if beside else line.buffer(7.5, cap_style="flat")
        rows.append((f"JH-{number}", utility, owner, start, end, shape))
    columns = ["planned_work_id", "utility", "owner", "starts_on", "ends_on", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=CRS)

"""The development district as tables, and the county: the town with the district added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import Point, Polygon

from sample_data import layout
from sample_data.buildings import buildings_table
from sample_data.district_networks import network_tables
from sample_data.district_plan import (
    COLLEGE,
    LAWNS,
    LOTS,
    PLANTED,
    ROADS,
    SPINE,
    Lawn,
    Lot,
    Road,
    beside,
)
from sample_data.greenery import TREE_EVERY_M
from sample_data.mains import UTILITIES
from sample_data.names import SPECIES
from sample_data.positions import with_covers, with_positions
from sample_data.roads import CRS
from sample_data.shapes import polygons_of, round_coordinates, with_vertices
from sample_data.town import SEED, Tables

VERGE_M = {"arterial": (6.0, 9.0), "collector": (0.5, 3.0), "local": (0.3, 1.4)}
"""Distances of a planted verge's two edges behind the kerb, in the district."""
SERVED_M = 35.0
"""The district's service areas reach this far beyond its land."""


def lot_id(key: str) -> str:
    """Return the parcel_id of a lot of the plan."""
    return f"P-N{list(LOTS).index(key) + 1:03d}"


def front_point(lot: Lot, at_m: float) -> Point:
    """Return the point of a lot's front at a chainage of its street, in county coordinates."""
    road = ROADS[lot.road]
    near = beside(road, lot.side, at_m, at_m + 0.01, road.red_line_m / 2 + lot.setback_m)
    x, y = near.coords[0]
    return Point(round(x + layout.ORIGIN[0], 3), round(y + layout.ORIGIN[1], 3))


def build_county(town: Tables, lawn_ends: Mapping[str, float]) -> Tables:
    """Return the town's tables with the rows of the district added, in EPSG:4547.

    ``lawn_ends`` are the chainages of the free ends of the lawns, by lot. The town keeps its rows
    and ids; only the verge that the new main street breaks through is cut back.
    """
    district = {
        "parcels": parcels_table(),
        "roads": roads_table(),
        "green": green_table(lawn_ends),
        "buildings": _buildings(),
        "service_areas": _service_areas(),
    }
    district["lines"], district["nodes"] = network_tables(
        _here(town["lines"]), _here(town["nodes"])
    )
    district["trees"] = _trees()
    land = shapely.union_all([_land(road) for road in ROADS.values()])
    tables = dict(town)
    for name, table in district.items():
        old = town[name]
        if name in ("green", "trees"):
            old = _broken_through(old, shapely.transform(land, lambda xy: xy + layout.ORIGIN))
        moved = table.set_geometry(
            round_coordinates(table.geometry.translate(*layout.ORIGIN)), crs=CRS
        )
        tables[name] = _appended(old, moved)
    tables["lines"] = with_covers(tables["lines"], tables["nodes"])
    return {name: with_positions(name, table) for name, table in tables.items()}


def _appended(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return both tables in one, with the columns and column types of the old one."""
    same = new.reindex(columns=old.columns)
    for column in old.columns.drop("geometry"):
        if old[column].dtype != same[column].dtype:
            same[column] = same[column].astype(old[column].dtype)
    return gpd.GeoDataFrame(pd.concat([old, same], ignore_index=True), crs=CRS)


def _here(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a table of the county in metres from the town's corner."""
    x, y = layout.ORIGIN
    return table.set_geometry(round_coordinates(table.geometry.translate(-x, -y)), crs=CRS)


def _land(road: Road) -> Polygon:
    return road.line.buffer(road.red_line_m / 2, cap_style="flat", join_style="mitre")


def _broken_through(table: gpd.GeoDataFrame, land: shapely.Geometry) -> gpd.GeoDataFrame:
    """Return the green or trees of the town without what stands where the new streets run."""
    touched = table.geometry.intersects(land)
    kept = table[~touched | (table.geom_type != "Point")].copy()
    cut = kept.geometry.intersects(land) & (kept.geom_type != "Point")
    left = kept.geometry[cut].difference(land.buffer(1.0))
    kept.loc[cut, "geometry"] = round_coordinates(
        max(polygons_of(g), key=lambda p: p.area, default=Polygon()) for g in left
    )
    return kept[~kept.geometry.is_empty].reset_index(drop=True)


def roads_table() -> gpd.GeoDataFrame:
    """Return the district's streets with a shared vertex wherever two of them meet."""
    rows = []
    for number, road in enumerate(ROADS.values(), start=1):
        tips = [Point(other.points[k]) for other in ROADS.values() for k in (0, -1)
                if other is not road]  # fmt: skip
        joints = [tip for tip in tips if road.line.distance(tip) < 0.01]
        joints += [Point(ROADS[COLLEGE].points[1])] * (road.name == SPINE)
        rows.append(
            {"road_id": f"R-N{number:02d}", "name": road.name, "road_class": road.road_class,
             "carriageway_width_m": road.carriageway_m, "red_line_width_m": road.red_line_m,
             "surface": road.surface, "authority": road.authority, "opened_on": road.opened_on,
             "overhauled_on": road.overhauled_on, "planned_works_on": None, "on_bridge": False,
             "level": 0, "geometry": with_vertices(road.line, joints)}
        )  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)


def parcels_table() -> gpd.GeoDataFrame:
    """Return the district's lots: fronts on the red line of their street, backs parallel."""
    rows = []
    for key, lot in LOTS.items():
        road = ROADS[lot.road]
        front_m = road.red_line_m / 2 + lot.setback_m
        front = beside(road, lot.side, lot.start_m, lot.end_m, front_m)
        back = beside(road, lot.side, lot.start_m, lot.end_m, front_m + lot.depth_m)
        number = 1 + int(lot.start_m // 8)
        rows.append(
            {"parcel_id": lot_id(key), "name": lot.name, "land_use": lot.land_use,
             "address": f"{lot.road}{number}号",
             "geometry": Polygon([*front.coords, *reversed(back.coords)])}
        )  # fmt: skip
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)
    return table.set_geometry(round_coordinates(table.geometry))


def _buildings() -> gpd.GeoDataFrame:
    """Return the buildings of the lots; the land behind everything is empty."""
    lots = parcels_table()
    built = lots[lots.parcel_id != lot_id("U1")]
    table = buildings_table(built, np.random.default_rng([SEED, 20]))
    table["building_id"] = [f"B-N{i:04d}" for i in range(1, len(table) + 1)]
    return table


def green_table(lawn_ends: Mapping[str, float]) -> gpd.GeoDataFrame:
    """Return the planted verges; the lawns reach to the red line and end where they are told to."""
    lawns = [strip for lot, end in lawn_ends.items() for strip in _lawn_strips(LAWNS[lot], end)]
    rows: list[dict[str, Any]] = []
    for row, (name, side, start, end) in enumerate([*lawns, *PLANTED]):
        road = ROADS[name]
        near, far = (road.carriageway_m / 2 + d for d in VERGE_M[road.road_class])
        far = road.red_line_m / 2 if row < len(lawns) else far
        inner, outer = (beside(road, side, start, end, d) for d in (near, far))
        shape = Polygon([*inner.coords, *reversed(outer.coords)])
        rows.append({"green_id": f"L-N{len(rows) + 1:02d}", "kind": "verge", "geometry": shape})
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)


def _lawn_strips(lawn: Lawn, end_m: float) -> list[tuple[str, str, float, float]]:
    start, stop = sorted((lawn.fixed_m, end_m))
    ends = [start, *(lawn.gap_m or ()), stop]
    return [(lawn.road, lawn.side, a, b) for a, b in zip(ends[::2], ends[1::2], strict=True)]


def _trees() -> gpd.GeoDataFrame:
    """Return young trees in the planted belts; the two lawns have none."""
    rng = np.random.default_rng([SEED, 21])
    rows: list[dict[str, Any]] = []
    for name, side, start, end in PLANTED:
        road = ROADS[name]
        middle_m = road.carriageway_m / 2 + sum(VERGE_M[road.road_class]) / 2
        row = beside(road, side, start + 3, end - 3, middle_m)
        for point in shapely.line_interpolate_point(row, np.arange(0, row.length, TREE_EVERY_M)):
            rows.append({"tree_id": f"SM-N{len(rows) + 1:03d}", "ancient": False,
                         "species": str(rng.choice(SPECIES)), "geometry": point})  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)


def _service_areas() -> gpd.GeoDataFrame:
    """Return the district's part of the urban area and of every utility's reach."""
    land = [*parcels_table().geometry, *(_land(road) for road in ROADS.values())]
    area = Polygon(
        shapely.union_all(land).buffer(SERVED_M).buffer(60).buffer(-60).exterior
    ).simplify(3)
    kinds = [("FW-N-urban", "urban_area", None)]
    kinds += [(f"FW-N-{utility}", "network", utility) for utility in UTILITIES]
    rows = [(*kind, area) for kind in kinds]
    columns = ["service_area_id", "kind", "utility", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=CRS)

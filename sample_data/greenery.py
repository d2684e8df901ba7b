"""Verges along the streets, the park, protected banks, street trees and ancient trees."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely import Point, Polygon

from sample_data import layout
from sample_data.names import ANCIENT_SPECIES, SPECIES
from sample_data.roads import CRS
from sample_data.shapes import offset, points_of, polygons_of, round_coordinates, substring
from sample_data.streets import Street

VERGE_M = {"arterial": (0.5, 3.0), "collector": (0.4, 2.0), "local": (0.3, 1.4)}
"""Distances of a verge's two edges behind the kerb."""
JUNCTION_CLEAR_M = 7.0
TREE_EVERY_M = 14.0


def green_table(streets: list[Street], park: Polygon, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return the green land; every verge is a row of strips broken by gates and junctions."""
    surfaces = np.array([s.line.buffer(s.carriageway_m / 2) for s in streets], dtype=object)
    tree = shapely.STRtree(surfaces)
    rows: list[dict[str, Any]] = [{"kind": "park", "geometry": g} for g in _park(park)]
    rows += [{"kind": "protected", "geometry": g} for g in _banks(streets)]
    for street in streets:
        if street.road_class not in VERGE_M or (
            street.road_class == "local" and rng.random() < 0.45
        ):
            continue
        near = surfaces[tree.query(street.land())]
        barred = shapely.union_all(near).buffer(0.25)
        corners = _corners(street, streets)
        for strip in _verge(street, rng):
            parts = polygons_of(strip.difference(barred).difference(corners), 6)
            rows += [{"kind": "verge", "geometry": part} for part in parts]
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)
    table.geometry = round_coordinates(shapely.simplify(table.geometry.values, 0.03))
    table.insert(0, "green_id", [f"L-{i:04d}" for i in range(1, len(table) + 1)])
    return table


def _park(park: Polygon) -> list[Polygon]:
    return polygons_of(park.difference(pond(park)), 100)


def pond(park: Polygon) -> Polygon:
    """Return the pond in the middle of the park."""
    middle = park.centroid
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = 38 + 9 * np.sin(2 * angles + 0.6) + 5 * np.cos(3 * angles)
    ring = np.column_stack([1.3 * radius * np.cos(angles), 0.9 * radius * np.sin(angles)])
    shape = Polygon(ring + np.array([middle.x, middle.y]))
    return shape.intersection(park.buffer(-12))


def _banks(streets: list[Street]) -> list[Polygon]:
    """Return the green banks between the river and the river roads' red lines."""
    roads = shapely.union_all([s.land() for s in streets])
    bank = layout.river_axis().buffer(54, cap_style="flat").difference(layout.river_polygon())
    inside = bank.difference(layout.railway().buffer(16)).difference(roads.buffer(0.5))
    near = inside.intersection(roads.convex_hull.buffer(40))
    return polygons_of(near.simplify(0.2).buffer(0), 400)


def _corners(street: Street, streets: list[Street]) -> shapely.Geometry:
    """Return the discs kept free of planting where other streets meet this one."""
    discs = []
    for other in streets:
        if other is not street and other.line.distance(street.line) < 0.01:
            reach = other.carriageway_m / 2 + JUNCTION_CLEAR_M + street.carriageway_m / 2
            meeting = points_of(other.line.intersection(street.line))
            tips = [Point(other.line.coords[i]) for i in (0, -1)]
            meeting += [t for t in tips if t.distance(street.line) < 0.01]
            discs += [p.buffer(reach) for p in meeting]
    return shapely.union_all([*discs, layout.river_polygon().buffer(8), layout.railway().buffer(9)])


def _verge(street: Street, rng: np.random.Generator) -> list[Polygon]:
    """Return strips of verge on both sides with gaps for gates and driveways."""
    inner, outer = (street.carriageway_m / 2 + d for d in VERGE_M[street.road_class])
    strips = []
    for side in (1, -1):
        at = rng.uniform(4, 12)
        while at < street.line.length - 12:
            stop = min(at + rng.uniform(24, 75), street.line.length - 4)
            part = substring(street.line, at, stop)
            edges = [offset(part, side * d) for d in (inner, outer)]
            strips.append(Polygon([*edges[0].coords, *reversed(edges[1].coords)]))
            at = stop + rng.uniform(6, 11)
    return [s for s in strips if s.is_valid and s.area > 8]


def trees_table(
    green: gpd.GeoDataFrame, park: Polygon, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Return the street trees along the verges, park trees and a few ancient trees."""
    rows: list[dict[str, Any]] = []
    for verge in green.geometry[green.kind == "verge"]:
        species = str(rng.choice(SPECIES))
        axis = _axis(verge)
        for at in np.arange(4.0, axis.length - 2, TREE_EVERY_M):
            if rng.random() < 0.8:
                rows.append(
                    {"ancient": False, "species": species, "geometry": axis.interpolate(at)}
                )
    for point in _scattered(park.buffer(-6).difference(pond(park)), 160, rng):
        rows.append({"ancient": False, "species": str(rng.choice(SPECIES)), "geometry": point})
    places = [*_scattered(park.buffer(-20).difference(pond(park)), 4, rng), *_old_trees(green, rng)]
    for point in places:
        species = str(rng.choice(ANCIENT_SPECIES))
        rows.append({"ancient": True, "species": species, "geometry": point})
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)
    table.geometry = round_coordinates(table.geometry)
    table.insert(0, "tree_id", [f"SM-{i:05d}" for i in range(1, len(table) + 1)])
    return table


def _axis(verge: Polygon) -> shapely.LineString:
    """Return the middle line of a strip, from the halves of its outline."""
    ring = verge.exterior
    half = ring.length / 2
    tips = shapely.get_coordinates(shapely.oriented_envelope(verge))[:4]
    short = min(range(2), key=lambda i: np.hypot(*(tips[i + 1] - tips[i])))
    start = ring.project(Point((tips[short] + tips[short + 1]) / 2))
    steps = np.linspace(0, half, 12)
    one = shapely.line_interpolate_point(ring, (start + steps) % ring.length)
    two = shapely.line_interpolate_point(ring, (start - steps) % ring.length)
    middle = (shapely.get_coordinates(one) + shapely.get_coordinates(two)) / 2
    return shapely.LineString(middle)


def _scattered(area: shapely.Geometry, count: int, rng: np.random.Generator) -> list[Point]:
    low_x, low_y, high_x, high_y = area.bounds
    found: list[Point] = []
    while len(found) < count:
        point = Point(rng.uniform(low_x, high_x), rng.uniform(low_y, high_y))
        if area.contains(point):
            found.append(point)
    return found


def _old_trees(green: gpd.GeoDataFrame, rng: np.random.Generator) -> list[Point]:
    """Return the places of ancient trees in verges of the old town."""
    verges = green.geometry[green.kind == "verge"]
    near = verges[verges.distance(Point(layout.OLD_TOWN_AT)) < 420]
    chosen = rng.choice(len(near), size=6, replace=False)
    return [near.iloc[int(i)].representative_point() for i in np.sort(chosen)]

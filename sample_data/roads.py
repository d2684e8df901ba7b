"""The roads table: streets cut into parts at bridges and works limits, with their records."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely import LineString

from sample_data import layout
from sample_data.shapes import points_of, round_coordinates
from sample_data.streets import Street, zone

CRS = "EPSG:4547"
BRIDGE_APPROACH_M = 7.0
PART_LIMIT_M = 900.0
"""Streets longer than this were built in several contracts, each with its own dates."""


def roads_table(streets: list[Street], rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return one row per street part, with class, widths, authority and dates."""
    water = layout.river_polygon().buffer(BRIDGE_APPROACH_M)
    junctions = _junctions(streets)
    rows: list[dict[str, Any]] = []
    for street in streets:
        record = _record(street, rng)
        for part in _parts(street.line, water, junctions):
            on_bridge = bool(water.covers(part.interpolate(0.5, normalized=True)))
            if street.line.length > PART_LIMIT_M and not on_bridge:
                record = {**record, **_dates(street.road_class, rng)}
            rows.append(
                {**record, "on_bridge": on_bridge, "level": int(on_bridge), "geometry": part}
            )
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)
    table.geometry = round_coordinates(table.geometry)
    table.insert(0, "road_id", [f"R-{i:03d}" for i in range(1, len(table) + 1)])
    return table


def _junctions(streets: list[Street]) -> shapely.MultiPoint:
    tips = [p for s in streets for p in (s.line.coords[0], s.line.coords[-1])]
    return shapely.MultiPoint(tips)


def _parts(
    line: LineString, water: shapely.Geometry, junctions: shapely.MultiPoint
) -> list[LineString]:
    """Cut a street at the bridge ends and, if long, at the junctions nearest to equal parts."""
    cuts = [line.project(p) for p in points_of(line.intersection(water.boundary))]
    bridges = sorted(cuts)
    if line.length > PART_LIMIT_M:
        stops = np.array([line.project(p) for p in junctions.geoms if line.distance(p) < 0.002])
        for share in np.linspace(0, line.length, int(line.length // PART_LIMIT_M) + 2)[1:-1]:
            near = stops[np.argmin(np.abs(stops - share))]
            if all(abs(near - b) > 40 for b in bridges) and 60 < near < line.length - 60:
                cuts.append(float(near))
    return _cut(line, sorted(set(cuts)))


def _cut(line: LineString, cuts: list[float]) -> list[LineString]:
    points = shapely.get_coordinates(line)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    parts, last = [], 0.0
    for stop in [*cuts, float(along[-1])]:
        inner = points[(along > last + 0.02) & (along < stop - 0.02)]
        ends = [_vertex(line, points, along, at) for at in (last, stop)]
        parts.append(LineString(np.round(np.vstack([ends[0], inner, ends[1]]), 3)))
        last = stop
    return parts


def _vertex(line: LineString, points: np.ndarray, along: np.ndarray, at: float) -> np.ndarray:
    """Return the vertex at a distance along the line, or a new point where there is none."""
    nearest = int(np.argmin(np.abs(along - at)))
    if abs(along[nearest] - at) < 0.02:
        return points[nearest]
    return shapely.get_coordinates(line.interpolate(at))[0]


def _record(street: Street, rng: np.random.Generator) -> dict[str, Any]:
    quarter = zone(street.line.interpolate(0.5, normalized=True))
    surface = "asphalt"
    if street.road_class in ("local", "lane"):
        surface = str(rng.choice(["asphalt", "concrete"], p=[0.45, 0.55]))
    if street.road_class == "lane":
        weights = [0.7, 0.3] if quarter == "old" else [0.95, 0.05]
        surface = str(rng.choice(["concrete", "paver"], p=weights))
    if rng.random() < 0.03:
        surface = "unknown"
    return {
        "name": street.name,
        "road_class": street.road_class,
        "carriageway_width_m": street.carriageway_m,
        "red_line_width_m": street.red_line_m,
        "surface": surface,
        "authority": _authority(street, rng),
        **_dates(street.road_class, rng),
    }


def _authority(street: Street, rng: np.random.Generator) -> str:
    if street.name == "迎宾大道":
        return "highway"
    if street.road_class in ("arterial", "collector"):
        return "not_handed_over" if street.name == "兴工路" else "municipal"
    weights = [0.8, 0.12, 0.05, 0.03] if None not in street.ends else [0.6, 0.32, 0.04, 0.04]
    return str(rng.choice(["municipal", "estate", "not_handed_over", "unknown"], p=weights))


def _dates(road_class: str, rng: np.random.Generator) -> dict[str, str | None]:
    """Return opening, overhaul and planned works; some small streets' records are lost.

    A road that was never overhauled carries its opening day in ``overhauled_on``: a missing day
    is one that nobody knows.
    """
    missing = 0.03 if road_class in ("arterial", "collector") else 0.10
    opened = None if rng.random() < missing else _day(rng, 1992, 2019)
    if opened and rng.random() < 0.04:
        opened = _day(rng, 2022, 2025)
    overhauled = opened
    if opened and opened < "2010" and rng.random() < 0.35:
        overhauled = _day(rng, 2012, 2022)
    if opened and opened < "2010" and rng.random() < 0.06:
        overhauled = _day(rng, 2024, 2025)
    if rng.random() < 0.04:
        overhauled = None
    planned = f"2027-{rng.integers(3, 11):02d}-01" if rng.random() < 0.03 else None
    return {"opened_on": opened, "overhauled_on": overhauled, "planned_works_on": planned}


def _day(rng: np.random.Generator, first_year: int, last_year: int) -> str:
    year, month, day = rng.integers([first_year, 1, 1], [last_year + 1, 13, 29])
    return f"{year}-{month:02d}-{day:02d}"

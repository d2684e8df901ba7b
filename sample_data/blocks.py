"""Parcels: the land between the red lines, divided until every use has its size."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.ops import split

from sample_data import layout
from sample_data.names import Namer
from sample_data.roads import CRS
from sample_data.shapes import long_axis, polygons_of, round_coordinates
from sample_data.streets import Street, footprint, town_core, zone

BANK_M = 42.0
"""Land along the river from the water's middle outward that is protected green, not parcels."""
RAILWAY_LAND_M = 16.0
LEAST_FRONTAGE_M = 9.0
OUTSKIRTS_SHARE = 0.62
"""Share of the lots outside the ring that are built up; the others are still fields."""
BACKYARD_SHARE = 0.10
"""Share of cuts that may leave one part behind another, without a street of its own."""
SIZE_M2 = {
    "old": (1100.0, 3200.0),
    "residential": (3400.0, 9500.0),
    "industrial": (8000.0, 21000.0),
}
USES = {
    "old": ({"residential": 0.5, "mixed": 0.2, "commercial": 0.18, "office": 0.04, "public": 0.04,
             "education": 0.02, "medical": 0.02}),
    "residential": ({"residential": 0.6, "commercial": 0.12, "mixed": 0.07, "office": 0.06,
                     "education": 0.06, "public": 0.04, "medical": 0.02, "green": 0.01,
                     "utility": 0.02}),
    "industrial": ({"industrial": 0.7, "logistics": 0.18, "utility": 0.04, "commercial": 0.04,
                    "office": 0.04}),
}  # fmt: skip


def land_pieces(streets: list[Street], main: list[Street]) -> list[Polygon]:
    """Return the land between the streets that is neither water, bank nor railway."""
    land = footprint(main)
    land = land.difference(shapely.union_all([s.land() for s in streets]))
    land = land.difference(layout.river_polygon().buffer(26))
    land = land.difference(layout.railway().buffer(RAILWAY_LAND_M))
    opened = land.buffer(-4, join_style="mitre").buffer(4, join_style="mitre", mitre_limit=2)
    return polygons_of(opened.intersection(land), 500)


def park_of(pieces: list[Polygon]) -> Polygon:
    """Return the piece of land that is the town's park."""
    return min(pieces, key=lambda p: p.distance(Point(layout.PARK_AT)))


def parcels_table(
    pieces: list[Polygon], streets: list[Street], rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Return the parcels with name, land use and address; backyards have no street front."""
    front = shapely.union_all([s.land() for s in streets]).boundary.buffer(0.05)
    core = town_core(streets)
    lots = [lot for piece in pieces for lot in _divide(piece, front, rng)]
    lots = [lot for lot in lots if core.covers(lot) or rng.random() < OUTSKIRTS_SHARE]
    namer, rows = Namer(rng), []
    lines = np.array([s.line for s in streets], dtype=object)
    for lot in lots:
        land_use = _land_use(lot, streets, rng)
        street = streets[int(np.argmin(shapely.distance(lines, lot)))]
        number = 1 + int(street.line.project(lot.centroid) // 8)
        row: dict[str, Any] = {"name": namer.parcel(land_use), "land_use": land_use}
        rows.append({**row, "address": f"{street.name}{number}号", "geometry": lot})
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)
    table.insert(0, "parcel_id", [f"P-{i:04d}" for i in range(1, len(table) + 1)])
    return table


def _divide(piece: Polygon, front: Polygon, rng: np.random.Generator) -> list[Polygon]:
    """Cut a piece of land across its long side until each lot has the size of its quarter."""
    low, high = SIZE_M2[zone(piece.representative_point())]
    queue, lots = [piece], []
    while queue:
        lot = queue.pop()
        parts = None
        if lot.area > rng.uniform(low, high) * 1.3:
            parts = _halves(lot, front, low, rng)
        if parts:
            queue.extend(parts)
        elif lot.area > 300:
            lots.append(_tidy(lot))
    return [lot for lot in lots if lot.area > 300]


def _halves(lot: Polygon, front: Polygon, least_m2: float,
            rng: np.random.Generator) -> list[Polygon] | None:  # fmt: skip
    """Return the two parts of a lot that both front a street, or None where no cut does."""
    along, across, length, width = long_axis(lot)
    middle = shapely.get_coordinates(shapely.oriented_envelope(lot).centroid)[0]
    backyard = rng.random() < BACKYARD_SHARE or lot.area > 6 * least_m2
    for direction, normal, size in ((across, along, length), (along, across, width)):
        if size < 36:
            continue
        for trial in range(6):
            foot = middle + normal * size * rng.uniform(-0.1, 0.1) * (1 + trial / 2)
            cut = LineString([foot - direction * 900, foot + direction * 900])
            parts = polygons_of(split(lot, cut))
            if len(parts) != 2 or min(p.area for p in parts) < 0.6 * least_m2:
                continue
            fronts = [_frontage(p, front) for p in parts]
            if min(fronts) >= LEAST_FRONTAGE_M or (backyard and max(fronts) > LEAST_FRONTAGE_M):
                return parts
    return None


def _frontage(lot: Polygon, front: Polygon) -> float:
    """Return the length of a lot's edge on the red lines, in metres."""
    near = shapely.clip_by_rect(front, *lot.buffer(1).bounds)
    return float(lot.exterior.intersection(near).length)


def _tidy(lot: Polygon) -> Polygon:
    """Return the lot on the millimetre grid without vertices that say nothing."""
    simple = lot.simplify(0.004)
    rounded = round_coordinates([simple])[0]
    return (
        rounded if rounded.is_valid else max(polygons_of(rounded.buffer(0)), key=lambda p: p.area)
    )


def _land_use(lot: Polygon, streets: list[Street], rng: np.random.Generator) -> str:
    """Draw a use for the quarter; along the arterials shops and offices are commoner."""
    quarter = zone(lot.representative_point())
    uses = dict(USES[quarter])
    arterials = [s for s in streets if s.name in ("凤鸣大道", "云台大道")]
    if quarter == "residential" and any(s.line.distance(lot) < 24 for s in arterials):
        uses.update(commercial=0.4, office=0.2, mixed=0.2)
    weights = np.array(list(uses.values()))
    return str(rng.choice(list(uses), p=weights / weights.sum()))

"""Buildings: rows of rectangles inside the parcels, set back from their edges."""

from __future__ import annotations

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from shapely import Polygon

from sample_data.roads import CRS
from sample_data.shapes import long_axis, polygons_of, round_coordinates
from sample_data.streets import zone


class Pattern(NamedTuple):
    """How the buildings of one kind of parcel stand; metres and storeys."""

    length: tuple[float, float]
    depth: tuple[float, float]
    side_gap: float
    row_gap: tuple[float, float]
    setback: float
    floors: tuple[int, int]
    kept: float


HOUSES = Pattern((9, 17), (8, 11), 2.5, (4, 9), 2.5, (2, 4), 0.88)
SLABS = Pattern((24, 46), (11, 14), 7.0, (14, 22), 5.0, (5, 11), 0.94)
TOWERS = Pattern((22, 30), (16, 19), 14.0, (24, 32), 6.0, (15, 26), 0.95)
HALLS = Pattern((40, 75), (22, 34), 12.0, (12, 18), 8.0, (1, 2), 0.9)
SHOPS = Pattern((18, 40), (13, 22), 7.0, (9, 15), 4.0, (2, 6), 0.92)
SCHOOL = Pattern((26, 50), (11, 15), 12.0, (20, 30), 6.0, (2, 5), 0.85)
CHOICE = {
    "industrial": HALLS, "logistics": HALLS, "utility": Pattern((14, 24), (9, 14), 9, (12, 18), 6,
    (1, 2), 0.7), "commercial": SHOPS, "mixed": SHOPS, "office": SHOPS, "public": SHOPS,
    "education": SCHOOL, "medical": SCHOOL,
}  # fmt: skip


def buildings_table(parcels: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return the buildings with their storeys; most are numbered, not named."""
    rows: list[dict[str, Any]] = []
    for parcel in parcels.itertuples():
        if parcel.land_use == "green" or rng.random() < 0.03:
            continue
        pattern = _pattern(parcel.land_use, parcel.geometry, rng)
        shapes = _rows_of_buildings(parcel.geometry, pattern, rng)
        shapes = shapes or _rows_of_buildings(parcel.geometry, HOUSES, rng)
        for number, shape in enumerate(shapes, start=1):
            name = (
                f"{number}号楼" if parcel.land_use == "residential" and pattern != HOUSES else None
            )
            floors = int(rng.integers(pattern.floors[0], pattern.floors[1] + 1))
            rows.append({"name": name, "floors": floors, "geometry": shape})
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)
    table.insert(0, "building_id", [f"B-{i:05d}" for i in range(1, len(table) + 1)])
    return table


def _pattern(land_use: str, lot: Polygon, rng: np.random.Generator) -> Pattern:
    if zone(lot.representative_point()) == "old" or (land_use == "residential" and lot.area < 2600):
        return HOUSES
    if land_use == "residential":
        return (HOUSES, SLABS, TOWERS)[int(rng.choice(3, p=[0.36, 0.48, 0.16]))]
    return CHOICE[land_use]


def _rows_of_buildings(lot: Polygon, pattern: Pattern, rng: np.random.Generator) -> list[Polygon]:
    """Fill the lot with rows parallel to the axis nearest to east-west."""
    inner = polygons_of(lot.buffer(-pattern.setback, join_style="mitre"), 60)
    return [shape for part in inner for shape in _fill(part, pattern, rng)]


def _fill(area: Polygon, pattern: Pattern, rng: np.random.Generator) -> list[Polygon]:
    along, across, length, width = long_axis(area)
    if abs(across[0]) > abs(along[0]):
        along, across, length, width = across, along, width, length
    middle = shapely.get_coordinates(shapely.oriented_envelope(area).centroid)[0]
    shapely.prepare(area)
    found, v = [], -width / 2 + 0.05
    while v < width / 2:
        depth, u, step = (
            rng.uniform(*pattern.depth),
            -length / 2 + 0.05,
            rng.uniform(*pattern.row_gap),
        )
        advanced = False
        while u < length / 2:
            size = rng.uniform(*pattern.length)
            shape = _rectangle(middle, along, across, (u, v), (size, depth))
            if area.contains(shape):
                u += size + pattern.side_gap
                advanced = True
                if rng.random() < pattern.kept:
                    found.append(shape)
            else:
                u += 1.5
        v += depth + step if advanced else 2.0
    return list(round_coordinates(found))


def _rectangle(middle: np.ndarray, along: np.ndarray, across: np.ndarray,
               corner: tuple[float, float], size: tuple[float, float]) -> Polygon:  # fmt: skip
    a = middle + along * corner[0] + across * corner[1]
    b, c = a + along * size[0], a + along * size[0] + across * size[1]
    ring: Polygon = shapely.polygons([a, b, c, a + across * size[1]])
    return ring

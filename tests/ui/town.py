"""A small hand-made town and a plan in it, for looking at the page without a planner.

Four streets, EPSG:4547 in Xin County; x and y below are metres from ``ORIGIN``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
from pyproj import CRS
from shapely import affinity
from shapely.geometry import LineString, Point, box, mapping
from shapely.geometry.base import BaseGeometry

from layers.store import Workspace
from layers.survey import Survey

ORIGIN = (582_000.0, 3_502_000.0)
CRS_NAME = "EPSG:4547"
ROADS = {  # road_id: (name, class, carriageway, red line, line)
    "R-1": ("新安大道", "arterial", 14.0, 30.0, [(0, 0), (460, 40)]),
    "R-2": ("将军路", "collector", 9.0, 20.0, [(150, -160), (150, 240)]),
    "R-3": ("航空路", "local", 7.0, 14.0, [(320, -160), (330, 240)]),
    "R-4": ("香山巷", "lane", 4.0, 7.0, [(150, 150), (328, 150)]),
}
# Where the lines of the fixture plan run: along the north side of R-1, into parcel P-0005.
GATE = (240.0, 37.0)
TRENCH = [(165.0, 26.0), (240.0, 32.5), (240.0, 37.0)]
ROUTES: dict[str, list[tuple[float, float]]] = {
    "water": [(140.0, 12.2), (140.0, 23.8), *TRENCH],
    "sewage": [(246.0, 21.4), (240.0, 32.5), GATE],
    "gas": [(165.0, 90.0), *TRENCH],
    "power": [(60.0, 16.8), (140.0, 23.8), *TRENCH],
    "telecom": [(165.0, 60.0), *TRENCH],
}
JOINT = [
    (["power"], [(60.0, 16.8), (140.0, 23.8)]),
    (["water"], [(140.0, 12.2), (140.0, 23.8)]),
    (["water", "power"], [(140.0, 23.8), (165.0, 26.0)]),
    (["gas"], [(165.0, 90.0), (165.0, 60.0)]),
    (["gas", "telecom"], [(165.0, 60.0), (165.0, 26.0)]),
    (["water", "gas", "power", "telecom"], TRENCH),
    (["sewage"], ROUTES["sewage"]),
]


def place(shape: BaseGeometry) -> BaseGeometry:
    """Move a shape from town metres to projected coordinates."""
    return affinity.translate(shape, *ORIGIN)


def town() -> Survey:
    """Return the town as a survey."""
    tables = {
        "parcels": _table("parcel_id", _parcels()),
        "roads": _table(
            "road_id",
            {
                key: {
                    "name": name,
                    "road_class": kind,
                    "carriageway_width_m": kerb,
                    "red_line_width_m": red,
                    "geometry": LineString(line),
                }
                for key, (name, kind, kerb, red, line) in ROADS.items()
            },
        ),
        "buildings": _table("building_id", _buildings()),
        "green": _table(
            "green_id",
            {
                "G-1": {"kind": "park", "geometry": box(345, 60, 430, 120)},
                "G-2": {"kind": "verge", "geometry": LineString([(10, -9), (140, 3)]).buffer(2)},
            },
        ),
        "lines": _table(
            "line_id",
            {
                "W-1": {"utility": "water", "geometry": LineString([(0, 0.5), (460, 40.5)])},
                "G-3": {"utility": "gas", "geometry": LineString([(165, 230), (165, 60)])},
                "D-1": {"utility": "power", "geometry": LineString([(0, 11.5), (60, 16.8)])},
            },
        ),
    }
    return Survey(CRS(CRS_NAME), tables, "411523_xinxian", synthetic=True)


def applications(project_name: str = "城南小餐饮街改造") -> list[dict[str, Any]]:
    """Two applications: one in the middle of the town, one at its edge."""
    return [
        {
            "application_id": "XX-2026-001",
            "parcel_id": "P-0005",
            "dig_date": "2026-12-01",
            "project": {"project_name": project_name},
            "demands": {},
        },
        {
            "application_id": "XX-2026-002",
            "parcel_id": "P-0001",
            "dig_date": "2026-12-01",
            "project": {"project_name": "新集小学"},
            "demands": {},
        },
    ]


def hostile(text: str) -> Survey:
    """Return the town with ``text`` as the name of every parcel and road, and in their ids."""
    survey = town()
    parcels = survey.tables["parcels"].assign(name=text, land_use=text)
    parcels.index = [f"{key}{text}" for key in parcels.index]
    parcels.index.name = "parcel_id"
    roads = survey.tables["roads"].assign(name=text, road_class=text)
    tables = {
        **survey.tables,
        "parcels": parcels,
        "roads": roads,
        "lines": survey.tables["lines"].assign(utility=text),
    }
    return Survey(survey.crs, tables, survey.county, synthetic=True)


def hostile_names(texts: Sequence[str]) -> Survey:
    """Return the town with these texts, in turn, as the names of parcels and roads."""
    survey = town()
    tables = dict(survey.tables)
    for layer in ("parcels", "roads"):
        names = [texts[number % len(texts)] for number in range(len(tables[layer]))]
        tables[layer] = tables[layer].assign(name=names)
    return Survey(survey.crs, tables, survey.county, synthetic=True)


def _parcels() -> dict[str, dict[str, Any]]:
    corners = [
        (10, 20),
        (60, 22),
        (100, 24),
        (180, 70),
        (205, 38),
        (262, 44),
        (10, 80),
        (60, 80),
        (180, 165),
        (250, 165),
        (345, 130),
        (10, -70),
        (60, -70),
        (180, -60),
    ]
    uses = ["education", "residential", "office", "commercial"]
    return {
        f"P-{number:04d}": {
            "name": f"示例宗地{number}",
            "land_use": uses[number % 4],
            "geometry": box(x, y, x + 42, y + (28 if y == 70 else 46)),
        }
        for number, (x, y) in enumerate(corners, start=1)
    }


def _buildings() -> dict[str, dict[str, Any]]:
    buildings = {}
    for number, parcel in enumerate(_parcels().values()):
        x, y = parcel["geometry"].bounds[:2]
        for part in range(2):
            shape = box(x + 5 + 18 * part, y + 6, x + 18 + 18 * part, y + 20)
            buildings[f"B-{number}-{part}"] = {"floors": 3, "geometry": shape}
    return buildings


def _table(index: str, rows: dict[str, dict[str, Any]]) -> gpd.GeoDataFrame:
    placed = {key: {**row, "geometry": place(row["geometry"])} for key, row in rows.items()}
    table = gpd.GeoDataFrame.from_dict(placed, orient="index", crs=CRS_NAME)
    table.index.name = index
    return table


def geojson(points: list[tuple[float, float]]) -> dict[str, Any]:
    """Return a line of town metres as projected GeoJSON."""
    return dict(mapping(place(LineString(points))))


def xy(point: tuple[float, float]) -> list[float]:
    """Return a point of town metres as projected coordinates."""
    moved = place(Point(point))
    return [moved.x, moved.y]


def fill_workspace(path: Path, survey: Survey, **application: str) -> None:
    """Make a workspace of a survey by importing its layers as files."""
    workspace = Workspace.create(path, survey.county, survey.crs, synthetic=survey.synthetic)
    for layer, table in survey.tables.items():
        file = path.parent / f"{path.name}-{layer}.geojson"
        table.reset_index().to_file(file, driver="GeoJSON", layer=layer)
        workspace.import_layer(layer, file, crs=CRS_NAME)
    for document in applications(**application):
        workspace.save_application(document)

"""Small hand-made towns for tests: metres from ``ORIGIN``, every figure to be worked out on paper.

The usual street runs east along y = 0 from x = 0 to 300: carriageway 10 m (kerbs at y = -5 and 5),
red line 20 m (y = -10 and 10). Strips lie 1.75 m behind the kerb (1.5 m kerb clearance of GB 50289
and 0.25 m for half a section), at y = -6.75 and 6.75. The usual parcel lies north of it, from
x = 100 to 140, its red line at y = 12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from math import nan
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from hypothesis import strategies as st
from pyproj import CRS
from shapely import affinity
from shapely.geometry import LineString, Point, box

from layers.fields import layer_definition
from layers.survey import Survey
from planning.application import Application, parse_application
from planning.drawn_routes import DrawnRoute
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.groundwork import Groundwork, prepare
from planning.policies import load_policy
from planning.policy_model import Policy

ORIGIN = (582_000.0, 3_502_000.0)
CRS_NAME = "EPSG:4547"
COUNTY = "411523_xinxian"
DIG_DATE = "2026-11-22"
SETBACK_M = 1.75
Rows = Mapping[str, Mapping[str, Any]]
LAYERS = ("parcels", "roads", "buildings", "green", "trees", "water_bodies", "railways")
LAYERS += ("lines", "nodes", "service_areas")

STREET: Mapping[str, Any] = {
    "road_class": "local",
    "carriageway_width_m": 10.0,
    "red_line_width_m": 20.0,
    "surface": "asphalt",
    "authority": "municipal",
    "opened_on": "2010-01-01",
    "overhauled_on": "2015-01-01",
    "on_bridge": False,
}
MAIN: Mapping[str, Any] = {
    "utility": "water",
    "subtype": "distribution",
    "diameter_mm": 300.0,
    "laying": "buried",
    "status": "in_service",
}
URBAN = {"A-1": {"kind": "urban_area", "geometry": box(-500, -500, 1500, 1500)}}
NETWORKS = {
    f"A-{utility}": {
        "kind": "network",
        "utility": utility,
        "geometry": box(-500, -500, 1500, 1500),
    }
    for utility in ("water", "sewage", "storm", "gas", "power", "telecom")
}


def street(*points: tuple[float, float], **changes: Any) -> dict[str, Any]:
    """A road with the usual widths along the points."""
    return {**STREET, "geometry": LineString(points), **changes}


def main(*points: tuple[float, float], **changes: Any) -> dict[str, Any]:
    """A DN300 water distribution main along the points."""
    return {**MAIN, "geometry": LineString(points), **changes}


def parcel(west: float, south: float, east: float, north: float, **changes: Any) -> dict[str, Any]:
    """A rectangular residential parcel."""
    shape = box(west, south, east, north)
    return {"name": "示例宗地", "land_use": "residential", "geometry": shape, **changes}


def node(x: float, y: float, **values: Any) -> dict[str, Any]:
    """A network node."""
    return {"status": "in_service", "geometry": Point(x, y), **values}


def table(layer: str, rows: Rows) -> gpd.GeoDataFrame:
    """A layer as ``Survey`` promises it: all fields, NaN or None where not given."""
    definition = layer_definition(layer)
    fields = [
        f for f in definition.fields if f.type != "geometry" and f.name != definition.id_field
    ]
    index = pd.Index(list(rows), dtype=object, name=definition.id_field)
    columns: dict[str, Any] = {}
    for field in fields:
        cells = [row.get(field.name) for row in rows.values()]
        if field.type in ("number", "integer"):
            columns[field.name] = np.array([nan if one is None else one for one in cells], float)
        else:
            columns[field.name] = pd.Series(cells, index=index, dtype=object)
    shapes = [affinity.translate(row["geometry"], *ORIGIN) for row in rows.values()]
    return gpd.GeoDataFrame(
        columns, geometry=gpd.GeoSeries(shapes, crs=CRS_NAME).values, index=index
    )


def town(*, absent: Sequence[str] = (), **layers: Rows) -> Survey:
    """A survey of the given layers; the others are imported and empty unless ``absent``.

    Without ``roads`` and ``parcels`` the usual street and parcel stand; without
    ``service_areas`` everything is inside.
    """
    names = [name for name in dict.fromkeys((*LAYERS, *layers)) if name not in absent]
    tables = {name: table(name, layers[name]) if name in layers else _usual(name) for name in names}
    return Survey(CRS(CRS_NAME), tables, COUNTY, synthetic=True)


def _usual(layer: str) -> gpd.GeoDataFrame:
    """A layer of towns that say nothing of it."""
    return _made_once(layer).copy()


@cache
def _made_once(layer: str) -> gpd.GeoDataFrame:
    usual: dict[str, Rows] = {
        "roads": {"R-1": street((0, 0), (300, 0))},
        "parcels": {"P-1": parcel(100, 12, 140, 52)},
        "service_areas": {**URBAN, **NETWORKS},
    }
    return table(layer, usual.get(layer, {}))


@cache
def policy() -> Policy:
    return load_policy(COUNTY)


def application(parcel_id: str = "P-1", **changes: Any) -> Application:
    """An application for DN200 water; a gate, or a list of them, is given in town metres."""
    document: dict[str, Any] = {
        "application_id": "APP-1",
        "parcel_id": parcel_id,
        "dig_date": DIG_DATE,
        "work_kind": "new",
        "demands": {"water": {"nominal_mm": 200, "material": "PE"}},
        **changes,
    }
    if document.get("gate") is not None:
        document["gate"] = (np.array(document["gate"]) + ORIGIN).tolist()
    return parse_application(document)


def ground(survey: Survey, *applications: Application) -> Groundwork:
    """Groundwork of a town with the gates of its applications."""
    return prepare(survey, policy(), applications)


def line_of(survey: Survey, utility: str = "water", **changes: Any) -> ExternalLine:
    """The external line of one utility of the usual application in a town."""
    case = application(**changes)
    work = ground(survey, case)
    site = work.site(case)
    return external_lines(work, case.demands[utility], [site], nearby_finder())[site.key]


def xy(line: Any) -> list[tuple[float, float]]:
    """Vertices in town metres, to the millimetre."""
    points = shapely.get_coordinates(line) - ORIGIN
    return [(round(float(x), 3) + 0.0, round(float(y), 3) + 0.0) for x, y in points]


def moved(survey: Survey, east: float, north: float) -> Survey:
    """The same town elsewhere."""
    tables = {
        name: rows.set_geometry(rows.geometry.translate(east, north))
        for name, rows in survey.tables.items()
    }
    return Survey(survey.crs, tables, survey.county, survey.synthetic)


def dig_date() -> date:
    return date.fromisoformat(DIG_DATE)


@st.composite
def random_towns(draw: st.DrawFn) -> Survey:
    """A small town on a crooked grid: streets, parcels between them, mains, ring main units."""
    east = [130.0 * k + draw(st.integers(-15, 15)) for k in range(3)]
    north = [110.0 * k + draw(st.integers(-15, 15)) for k in range(3)]
    blocks = [(i, j) for i in range(2) for j in range(2)]
    spans = [((east[i], y), (east[i + 1], y + 7 * i)) for y in north for i in range(2)]
    rise = dict(zip(east, (0, 0, 7), strict=True))  # the eastern end of every street lies higher
    spans += [
        ((x, north[j] + rise[x]), (x, north[j + 1] + rise[x])) for x in east for j in range(2)
    ]
    chosen = draw(st.lists(st.sampled_from(spans), min_size=5, unique=True))
    width = st.sampled_from([6.0, 8.0, 10.0, 14.0])
    roads = {}
    for number, (start, end) in enumerate(chosen):
        kerb = draw(width)
        red_line = draw(st.one_of(st.none(), st.sampled_from([kerb + 2, kerb + 10])))
        roads[f"R-{number}"] = street(
            start, end, carriageway_width_m=kerb, red_line_width_m=red_line
        )
    parcels = {}
    for i, j in blocks:
        gap = draw(st.integers(14, 24))
        west, south = east[i] + gap, north[j] + gap
        middle = (west + east[i + 1] - gap) / 2
        parcels[f"P-{i}{j}w"] = parcel(west, south, middle, north[j + 1] - gap)
        parcels[f"P-{i}{j}e"] = parcel(middle, south, east[i + 1] - gap, north[j + 1] - gap)
    mains, nodes = {}, {}
    for number, (start, end) in enumerate(
        draw(st.lists(st.sampled_from(chosen), min_size=1, max_size=3))
    ):
        side = draw(st.sampled_from([-9.0, -2.0, 5.5, 8.0]))
        beside = LineString([start, end]).offset_curve(side)
        size = draw(st.sampled_from([150.0, 300.0]))
        mains[f"W-{number}"] = main(*beside.coords, diameter_mm=size)
        x, y = beside.interpolate(draw(st.floats(0, 1)), normalized=True).coords[0]
        nodes[f"N-{number}"] = node(x, y, utility="power", kind="ring_main_unit", spare_bays=1)
    house = draw(st.tuples(st.integers(0, 250), st.integers(0, 210)))
    houses = {"B-1": {"geometry": box(house[0], house[1], house[0] + 12, house[1] + 9)}}
    green = {"V-1": {"kind": "verge", "geometry": box(20, -20, 90, 230)}}
    return town(
        roads=roads, parcels=parcels, lines=mains, nodes=nodes, buildings=houses, green=green
    )


def drawn(line: LineString) -> DrawnRoute:
    """A drawing of a line in the survey's CRS."""
    return DrawnRoute(line)

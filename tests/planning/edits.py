"""A long narrow town and edits of it: what is built round an edit is a small part of the whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry import LineString, Point, box

from layers.survey import Survey
from layers.utilities import load_utilities
from planning.groundwork import Groundwork, prepare
from tests.towns import main, node, parcel, policy, street, table, town

LENGTH = 1800


@cache
def ribbon() -> Survey:
    """A street of 1.8 km with side streets, parcels, mains and things in the way all along it."""
    roads = {
        f"R-{k}": street((400 * k, 0), (400 * k + 400, 0), red_line_width_m=[20.0, None][k % 2])
        for k in range(LENGTH // 400)
    }
    roads |= {
        f"S-{k}": street((200 * k + 60, -90), (200 * k + 60, 90), carriageway_width_m=8.0)
        for k in range(LENGTH // 200)
    }
    parcels = {
        f"P-{k}{side}": parcel(x, low, x + 70, low + 40)
        for k, x in enumerate(range(80, LENGTH - 100, 100))
        for side, low in (("n", 12), ("s", -60))
    }
    mains = {
        f"W-{k}": main((200 * k, 8.0), (200 * k + 200, 8.0), diameter_mm=[150.0, 300.0][k % 2])
        for k in range(LENGTH // 200)
    }
    mains |= {
        f"G-{k}": main((300 * k, -5.4), (300 * k + 240, -5.4), utility="gas", pressure_mpa=0.2)
        for k in range(LENGTH // 300)
    }
    nodes = {
        f"N-{k}": node(
            150 * k + 40,
            -8.0,
            utility="power",
            kind="ring_main_unit",
            spare_bays=1.0,
            voltage_kv=10.0,
        )
        for k in range(LENGTH // 150)
    }
    houses = {
        f"B-{k}": {"geometry": box(x, 20, x + 9, 30)}
        for k, x in enumerate(range(90, LENGTH - 100, 300))
    }
    green = {
        f"V-{k}": {"kind": "verge", "geometry": box(x, 5.5, x + 60, 7.5)}
        for k, x in enumerate(range(0, LENGTH, 300))
    }
    trees = {
        f"T-{k}": {"ancient": False, "geometry": Point(x, 6.5)} for k, x in enumerate((500, 900))
    }
    area = box(-500, -500, LENGTH + 500, 500)
    service = {"A-u": {"kind": "urban_area", "geometry": area}} | {
        f"A-{key}": {"kind": "network", "utility": key, "geometry": area}
        for key in load_utilities()
    }
    return town(
        roads=roads, parcels=parcels, lines=mains, nodes=nodes, buildings=houses, green=green,
        trees=trees, service_areas=service,
        water_bodies={"L-1": {"geometry": box(1100, 60, 1140, 200)}},
        railways={"Z-1": {"geometry": LineString([(1660, -200), (1660, -70)])}},
    )  # fmt: skip


def ready(survey: Survey) -> Groundwork:
    work = prepare(survey, policy())
    for utility in load_utilities():
        work.tie_ins(utility)
    return work


@cache
def ribbon_work() -> Groundwork:
    return ready(ribbon())


def with_layers(survey: Survey, **layers: Any) -> Survey:
    return Survey(survey.crs, {**survey.tables, **layers}, survey.county, survey.synthetic)


def _place(rows: pd.DataFrame, row: int | str) -> int:
    """A row by its place in the order of ids, or by its id."""
    return rows.index.get_loc(row) if isinstance(row, str) else row


def moved(survey: Survey, layer: str, row: int | str, east: float, north: float) -> Survey:
    rows = survey.tables[layer]
    shapes, place = np.asarray(rows.geometry.array).copy(), _place(rows, row)
    shapes[place] = affinity.translate(shapes[place], east, north)
    return with_layers(survey, **{layer: rows.set_geometry(shapes, crs=rows.crs)})


def without(survey: Survey, layer: str, row: int | str) -> Survey:
    rows = survey.tables[layer]
    return with_layers(survey, **{layer: rows.drop(rows.index[_place(rows, row)])})


def told(survey: Survey, layer: str, row: int | str, **values: Any) -> Survey:
    rows = survey.tables[layer].copy()
    for name, value in values.items():
        rows.loc[rows.index[_place(rows, row)], name] = value
    return with_layers(survey, **{layer: rows})


def added(survey: Survey, layer: str, **row: Any) -> Survey:
    rows = survey.tables[layer]
    return with_layers(survey, **{layer: pd.concat([rows, table(layer, {"X-1": row})])})


steps = st.sampled_from([-9.0, -2.5, 0.8, 4.0, 12.0])


@st.composite
def one_edit(draw: st.DrawFn, survey: Survey) -> Survey:
    """The ribbon with one feature moved, gone, told otherwise or added."""
    layers = (
        "parcels",
        "buildings",
        "lines",
        "nodes",
        "green",
        "roads",
        "water_bodies",
        "railways",
    )
    layer = draw(st.sampled_from(layers))
    row = draw(st.integers(0, len(survey.tables[layer]) - 1))
    x, y = draw(st.integers(20, LENGTH - 20)), draw(st.integers(-40, 40))
    edits: dict[str, Callable[[], Survey]] = {
        "move": lambda: moved(survey, layer, row, draw(steps), draw(steps)),
        "remove": lambda: without(survey, layer, row),
        "house": lambda: added(survey, "buildings", geometry=box(x, y, x + 14, y + 8)),
        "main": lambda: added(survey, "lines", **main((x, y), (x + 60, y + 5))),
        "street": lambda: added(survey, "roads", **street((x, 4), (x + 10, 80))),
        "wider": lambda: told(survey, "roads", row % 4, carriageway_width_m=13.0),
        "opened": lambda: told(survey, "roads", row % 4, opened_on="2026-01-01"),
        "theirs": lambda: told(survey, "roads", row % 4, authority="estate", surface="concrete"),
    }
    return edits[draw(st.sampled_from(sorted(edits)))]()

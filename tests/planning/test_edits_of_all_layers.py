"""Edits of every layer one after another give the ground and the lines of a whole build."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from layers.fields import LAYERS
from layers.survey import Survey
from planning.batch import cases_of, screen
from planning.groundwork import Groundwork
from planning.local_edits import edited
from tests import towns
from tests.planning.edits import (
    added,
    moved,
    ready,
    ribbon,
    steps,
    told,
    with_layers,
    without,
)
from tests.planning.test_rescreening import assert_same_answers
from tests.planning.whole_builds import assert_equal
from tests.towns import main, node, parcel, street, table

pytestmark = pytest.mark.slow_first

# What is told otherwise of a row, by layer: every field that anything built or judged reads.
_TOLD: dict[str, dict[str, list[Any]]] = {
    "roads": {
        "name": ["环城路"],
        "road_class": ["arterial", "lane"],
        "carriageway_width_m": [7.0, 13.0],
        "red_line_width_m": [14.0, 24.0],
        "surface": ["concrete", "paver"],
        "authority": ["estate", "unknown"],
        "opened_on": ["2026-01-01", None],
        "overhauled_on": ["2026-01-01"],
        "planned_works_on": ["2027-01-01", "2026-01-01"],
        "on_bridge": [True],
        "position_accuracy_m": [0.5],
    },
    "lines": {
        "utility": ["water", "gas", "sewage"],
        "subtype": ["transmission", "main"],
        "diameter_mm": [100.0, 400.0],
        "pressure_mpa": [0.2, 0.8],
        "voltage_kv": [10.0],
        "start_invert_m": [47.0],
        "depth_m": [1.5],
        "laying": ["duct", "overhead"],
        "status": ["abandoned", None],
        "position_accuracy_m": [0.5],
    },
    "nodes": {
        "utility": ["telecom"],
        "kind": ["transformer", "manhole"],
        "line_id": ["W-1"],
        "spare_bays": [0.0, 3.0],
        "voltage_kv": [20.0],
        "status": ["planned"],
    },
    "parcels": {"land_use": ["office"], "position_accuracy_m": [1.0]},
    "buildings": {"floors": [3.0]},
    "green": {"kind": ["park", "protected"]},
    "trees": {"ancient": [True]},
    "water_bodies": {"kind": ["canal"]},
    "railways": {"electrified": [True]},
    "no_dig": {"trenchless": [True], "to_date": ["2026-01-01"]},
    "drawn_corridors": {"utilities": ["water|gas"]},
    "planned_works": {"utility": ["gas", None], "ends_on": ["2026-03-01"]},
    "service_areas": {"utility": ["gas"]},
    "carriageways": {"position_accuracy_m": [0.5]},
    "road_red_lines": {"position_accuracy_m": [0.5]},
}


@cache
def _everything() -> Survey:
    """The ribbon with rows in every layer: a sewer with manholes, handholes, drawn kerbs."""
    base = ribbon()
    sewers = {
        f"S-{k}": main(
            (100 * k, -9.0), (100 * k + 100, -9.0), utility="sewage", subtype="main",
            start_invert_m=48.0 - k / 10, end_invert_m=47.9 - k / 10, diameter_mm=400.0,
        )
        for k in range(4, 14)
    }  # fmt: skip
    ducts = {"D-0": main((700, 6.2), (1300, 6.2), utility="telecom", subtype="duct",
                         laying="duct", duct_holes=6, free_holes=4, diameter_mm=None)}  # fmt: skip
    holes = {
        f"H-{k}": node(100 * k, -9.0, utility="sewage", kind="manhole", line_id=f"S-{k}")
        for k in range(4, 14)
    } | {
        f"C-{k}": node(600 + 100 * k, 6.2, utility="telecom", kind="handhole", free_holes=4)
        for k in range(1, 7)
    }
    more: dict[str, towns.Rows] = {
        "no_dig": {"X-0": {"reason": "square", "geometry": box(740, -12, 760, -3)}},
        "carriageways": {"S-4": {"geometry": box(856, -90, 864, 90)}},
        "road_red_lines": {"R-2": {"geometry": box(800, -11, 1200, 11)}},
        "drawn_corridors": {"Y-0": {"geometry": LineString([(930, -70), (930, -5)])}},
        "planned_works": {"O-0": {"utility": "gas", "geometry": LineString([(500, 7), (560, 7)])}},
    }
    rows = {layer: table(layer, told) for layer, told in more.items()}
    rows["lines"] = pd.concat([base.tables["lines"], table("lines", sewers | ducts)])
    rows["nodes"] = pd.concat([base.tables["nodes"], table("nodes", holes)])
    return with_layers(base, **rows)


@st.composite
def _edit_of(draw: st.DrawFn, survey: Survey, layer: str) -> Survey:
    """One row of a layer moved, gone, told otherwise or added in the middle of the town."""
    count = len(survey.tables[layer])
    how = draw(st.sampled_from(["move", "remove", "tell", "tell", "add"] if count else ["add"]))
    if how == "add":
        return added(survey, layer, **_new_row(layer, draw(st.integers(450, 1300))))
    row = draw(st.integers(0, count - 1))
    if how == "move":
        return moved(survey, layer, row, draw(steps), draw(steps))
    if how == "remove":
        return without(survey, layer, row)
    field = draw(st.sampled_from(sorted(_TOLD[layer])))
    return told(survey, layer, row, **{field: draw(st.sampled_from(_TOLD[layer][field]))})


def _new_row(layer: str, x: int) -> dict[str, Any]:
    area, across = box(x, 13, x + 9, 19), LineString([(x, -70), (x, -5)])
    rows: dict[str, dict[str, Any]] = {
        "roads": street((x, 4), (x + 10, 80)),
        "lines": main((x, 9), (x + 60, 9), utility="sewage", subtype="main", end_invert_m=47.0),
        "nodes": node(x, -8.0, utility="power", kind="ring_main_unit", spare_bays=2.0),
        "parcels": parcel(x, 54, x + 30, 80),
        "green": {"kind": "park", "geometry": area},
        "trees": {"ancient": True, "geometry": Point(x, -6.5)},
        "railways": {"geometry": LineString([(x, 100), (x, 20)])},
        "planned_works": {"utility": "water", "geometry": LineString([(x, 7), (x + 60, 7)])},
        "drawn_corridors": {"geometry": across},
        "service_areas": {"kind": "network", "utility": "gas", "geometry": area},
    }
    return rows.get(layer, {"geometry": area})


def _screened(work: Groundwork) -> pd.DataFrame:
    """Every fourth parcel's usual lines: some near the edits, some far."""
    return screen(work, cases_of(work.survey, [], towns.dig_date())[::4])


@cache
def _before() -> Groundwork:
    """The town's groundwork, with what a screening looks at to be handed on."""
    work = ready(_everything())
    _screened(work)
    return work


def test_every_layer_takes_part() -> None:
    assert set(_TOLD) == set(LAYERS) == set(_everything().tables)


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_edits_of_every_layer_give_what_a_whole_build_gives(data: st.DataObject) -> None:
    work = _before()
    for layer in data.draw(st.permutations(sorted(_TOLD))):
        work = edited(work, data.draw(_edit_of(work.survey, layer))).work
    whole = ready(work.survey)
    assert_equal(work, whole)
    assert_same_answers(_screened(work), _screened(whole))

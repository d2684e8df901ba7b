"""A town with every network, as a workspace on disk: for tests that go through the doors.

One street of 300 m; parcel P-1 north of it with all utilities within reach, P-2 far from any
street. Water and telecom lie on P-1's side, power, gas and sewers across the street.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from shapely.geometry import box

from layers import databases
from layers.store import Workspace
from layers.survey import Survey
from planning.county_screening import Inputs, screen_county
from tests.towns import COUNTY, CRS_NAME, main, node, parcel, street, town

STORM = {"utility": "storm", "subtype": "main", "depth_m": 2.5}
SEWAGE = {"utility": "sewage", "subtype": "main", "depth_m": 3.0}
GAS = {"utility": "gas", "subtype": "distribution", "diameter_mm": 160.0, "pressure_mpa": 0.2}
DUCT = {"utility": "telecom", "subtype": "duct", "diameter_mm": None, "duct_holes": 6}
POWER = {"utility": "power", "subtype": "medium_voltage", "diameter_mm": None, "voltage_kv": 10.0}

APPLICATIONS: Mapping[str, Mapping[str, Any]] = {
    "BZ-1": {
        "parcel_id": "P-1",
        "project": {"project_name": "示例综合楼", "investment_kind": "enterprise"},
        "demands": {
            "water": {"nominal_mm": 200, "material": "PE"},
            "sewage": {"nominal_mm": 300, "material": "HDPE"},
            "power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 150},
            "telecom": {"duct_holes": 2, "duct_outer_diameter_mm": 110},
        },
    },
    "BZ-2": {"parcel_id": "P-2", "demands": {"water": {"nominal_mm": 200}, "gas": {}}},
}


def planned_town() -> Survey:
    """The town as a survey; greenery, buildings and trees are imported, railways are not."""
    return town(
        absent=("railways", "water_bodies"),
        roads={"R-1": street((0, 0), (300, 0), name="示例路")},
        parcels={
            "P-1": parcel(100, 12, 140, 52, land_use="office"),
            "P-2": parcel(100, 400, 140, 440),
            "P-3": parcel(160, 12, 200, 52, land_use=None),
        },
        buildings={"B-1": {"floors": 6, "geometry": box(110, 25, 130, 45)}},
        green={"G-1": {"kind": "verge", "geometry": box(0, 5, 300, 6)}},
        trees={"T-1": {"ancient": False, "geometry": node(280, 5.5)["geometry"]}},
        lines={
            "W-1": main((0, 8.5), (300, 8.5)),
            "S-1": main((0, -8.5), (300, -8.5), diameter_mm=500.0, **SEWAGE),
            "Y-1": main((0, -9.0), (300, -9.0), **{"diameter_mm": 600.0, **STORM}),
            "Q-1": main((0, -8.0), (300, -8.0), **GAS),
            "D-1": main((0, -7.5), (300, -7.5), **POWER),
            "T-1": main((0, 9.0), (300, 9.0), **DUCT),
        },
        nodes={
            "SN-1": node(130, -8.5, utility="sewage", kind="manhole", line_id="S-1"),
            "YN-1": node(132, -9.0, utility="storm", kind="manhole", line_id="Y-1"),
            "DN-1": node(
                150, -7.5, utility="power", kind="ring_main_unit", line_id="D-1",
                spare_bays=2, voltage_kv=10.0,
            ),
            "TN-1": node(90, 9.0, utility="telecom", kind="handhole", line_id="T-1", free_holes=4),
        },
    )  # fmt: skip


def documents() -> list[dict[str, Any]]:
    """The applications as they are stored."""
    common = {"dig_date": "2026-11-22", "work_kind": "new"}
    return [{"application_id": key, **common, **one} for key, one in APPLICATIONS.items()]


def make_workspace(
    folder: Path,
    survey: Survey | None = None,
    applications: Iterable[Mapping[str, Any]] | None = None,
) -> Path:
    """Make a workspace of layers that were imported from files, as a person does.

    In folders the imports are made once of each survey, then copied.
    """
    path, survey = folder / "workspace", survey or _usual_town()
    if databases.usual():
        _import_layers(survey, folder)
    else:
        shutil.copytree(_imported(survey), path)
    made = Workspace.open(path)
    for document in documents() if applications is None else applications:
        made.save_application(document)
    return path


_usual_town = cache(planned_town)
# The survey itself is kept too, so that no other has its id.
_IMPORTED: dict[int, tuple[Survey, tempfile.TemporaryDirectory[str]]] = {}


def _imported(survey: Survey) -> Path:
    """The workspace that all workspaces of a survey are copies of."""
    if id(survey) not in _IMPORTED:
        _IMPORTED[id(survey)] = survey, tempfile.TemporaryDirectory(prefix="tonggou-town-")
        _import_layers(survey, Path(_IMPORTED[id(survey)][1].name))
    return Path(_IMPORTED[id(survey)][1].name) / "workspace"


def _import_layers(survey: Survey, folder: Path) -> None:
    made = Workspace.create(folder / "workspace", COUNTY, CRS_NAME, synthetic=True)
    for layer, table in survey.tables.items():
        if table.empty:
            continue
        file = folder / f"{layer}.gpkg"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of columns that are empty throughout
            table.reset_index().to_file(file, driver="GPKG", layer=layer)
        made.import_layer(layer, file)


def keep_screening(path: Path, day: date) -> Workspace:
    """Screen a workspace for a day and keep that in it."""
    workspace = Workspace.open(path)
    screen_county(Inputs(workspace, workspace.survey(), workspace.applications(), day))
    return workspace

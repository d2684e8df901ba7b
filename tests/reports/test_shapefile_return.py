"""What is exported as a Shapefile comes back whole when it is imported again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from layers.dbf import short_names
from layers.fields import LAYERS, Field, layer_definition
from layers.store import Workspace
from reports.layer_export import write_layer
from tests.layers.layer_files import EAST, NORTH, line, square

SHAPES = {
    "Point": lambda n: shapely.Point(EAST + 20 * n, NORTH),
    "LineString": lambda n: line((20 * n, 0), (20 * n + 9, 1)),
    "Polygon": lambda n: square(20 * n, 0),
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "workspace", "411523_xinxian", "EPSG:4547")


def cell(field: Field, place: int, row: int) -> Any:
    """A value of the field, another one in each field; row 2 has what must be known only."""
    if row == 2 and not field.required:
        return None if field.type not in ("number", "integer") else float("nan")
    numbers = {"number": 20.125 + place + row / 8, "integer": float(place + row)}
    others = {"text": f"文{place}-{row}", "date": f"20{10 + place}-05-0{row + 1}"}
    others |= {"boolean": row == 0, "enum": field.allowed[0] if field.allowed else None}
    return (numbers | others)[field.type]


def full_table(layer: str) -> gpd.GeoDataFrame:
    """Three rows of a layer: two that have all fields, one that has what must be known."""
    definition = layer_definition(layer)
    cells = {
        field.name: [cell(field, place, row) for row in range(3)]
        for place, field in enumerate(definition.fields)
    }
    kinds = [definition.geometry_types[row % len(definition.geometry_types)] for row in range(3)]
    shapes = [SHAPES[kind](row) for row, kind in enumerate(kinds)]
    table = gpd.GeoDataFrame(cells, geometry=shapes, crs="EPSG:4547")
    return table.set_index(definition.id_field)


def exported(layer: str, table: gpd.GeoDataFrame, folder: Path) -> Path:
    file = folder / f"{layer}.zip"
    assert write_layer(table, layer, file, lambda: None) == []
    return file


def known(column: pd.Series) -> dict[str, Any]:
    """The cells of a column that are known, by id."""
    return column.dropna().to_dict()


@pytest.mark.parametrize("layer", LAYERS)
def test_every_field_of_every_layer_comes_back(
    layer: str, workspace: Workspace, tmp_path: Path
) -> None:
    table = full_table(layer)
    file = exported(layer, table, tmp_path)
    kinds = layer_definition(layer).geometry_types
    parts = [None] if len(kinds) == 1 else [f"{layer}_line", f"{layer}_polygon"]
    for number, part in enumerate(parts):
        found = workspace.import_layer(layer, file, source_layer=part, append=number > 0)
        assert not [note for note in found.notes if "未使用" in note or "未采用" in note]
    back = workspace.survey().tables[layer]
    for field in layer_definition(layer).fields[1:]:
        assert known(back[field.name]) == known(table[field.name]), field.name
    assert all(a.equals(b) for a, b in zip(back.geometry, table.geometry, strict=True))


def edited(table: gpd.GeoDataFrame, names: dict[str, str], folder: Path, **more: Any) -> Path:
    """The table as another program writes it: columns called by ``names``, and some more."""
    file = folder / "edited.gpkg"
    table = table.reset_index().rename(columns=names).assign(**more)
    table.to_file(file, driver="GPKG", engine="pyogrio")
    return file


def test_an_export_comes_back_in_capitals_with_columns_more_and_fewer(
    workspace: Workspace, tmp_path: Path
) -> None:
    table = full_table("lines")
    short = short_names(layer_definition("lines").names)
    capitals = {name: cut.upper() for name, cut in short.items()}
    gone = ["duct_holes", "free_holes", "owner", "section_width_mm", "section_height_mm"]
    file = edited(table.drop(columns=gone), capitals, tmp_path, checked_by="李")
    workspace.import_layer("lines", file)
    back = workspace.survey().tables["lines"]
    for name in table.columns.drop(["geometry", *gone]):
        assert known(back[name]) == known(table[name]), name
    assert back[gone].isna().all(axis=None)


def test_the_cuts_of_half_an_export_are_proposed(workspace: Workspace, tmp_path: Path) -> None:
    table = full_table("lines")
    short = short_names(layer_definition("lines").names)
    few = ["utility", "diameter_mm", "start_depth_m", "position_accuracy_m", "geometry"]
    found = workspace.import_layer("lines", edited(table[few], short, tmp_path))
    [note] = [note for note in found.notes if "未采用" in note]
    for name in few[1:4]:
        assert f"--map {name}={short[name]}(列名似被截断" in note
        assert workspace.survey().tables["lines"][name].isna().all()

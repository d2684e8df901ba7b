"""Files whose coordinates contradict themselves, the workspace, or nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.affinity
from pyproj import CRS, Transformer
from shapely.geometry import Polygon

from gis.china_offsets import FORWARD
from layers.errors import LayerError
from layers.store import Workspace
from tests.layers.layer_files import (
    EAST,
    NORTH,
    degrees_square,
    feature,
    fingerprint,
    parcels_file,
    square,
    write_geojson,
    write_gpkg,
)

IDS = {"parcel_id": ["P1"]}


def swapped_square() -> Polygon:
    return Polygon([(y, x) for x, y in square(0, 0).exterior.coords])


def in_zone(epsg: int) -> Polygon:
    there = Transformer.from_crs(4547, epsg, always_xy=True)
    return shapely.transform(square(0, 0), lambda xy: np.column_stack(there.transform(*xy.T)))


def stored(workspace: Workspace, layer: str = "parcels") -> Polygon:
    return workspace.survey().get(layer).geometry.iloc[0]


def test_no_crs_is_asked_with_what_it_seems_to_be(workspace: Workspace, tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", IDS, [in_zone(4526)], crs=None)
    before = fingerprint(workspace.path)
    with pytest.raises(LayerError) as refusal:
        workspace.import_layer("parcels", path)
    assert fingerprint(workspace.path) == before
    first, head, candidate = str(refusal.value).splitlines()
    assert first.startswith("文件 a.gpkg:没有坐标系。每个图层须有坐标系,请用 --crs 指明")
    assert head == "坐标看来是:"
    assert candidate.startswith("- 请用 --crs EPSG:4526 确认:东坐标 38581605 以带号 38 开头")
    workspace.import_layer("parcels", path, crs="EPSG:4526")
    assert stored(workspace).hausdorff_distance(square(0, 0)) < 1e-6


@pytest.mark.parametrize("crs", ["EPSG:4547", None])
def test_swapped_axes_are_refused_until_stated_and_then_noted(
    workspace: Workspace, tmp_path: Path, crs
) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", IDS, [swapped_square()], crs=crs)
    with pytest.raises(LayerError, match=r"请用 --crs EPSG:4547 --swap-axes 确认"):
        workspace.import_layer("parcels", path)
    result = workspace.import_layer("parcels", path, crs="EPSG:4547", swap_axes=True)
    assert "已按 --swap-axes 对调坐标轴(文件先北后东)" in result.notes
    assert stored(workspace).equals(square(0, 0))


def test_wrong_zone_in_the_file_is_refused_with_the_right_one(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", IDS, [square(0, 0)], crs="EPSG:4548")
    with pytest.raises(LayerError) as refusal:
        workspace.import_layer("parcels", path)
    assert "按坐标系 EPSG:4548,图层落在县级规则中的县域范围以外" in str(refusal.value)
    assert "请用 --crs EPSG:4547 确认" in str(refusal.value)
    result = workspace.import_layer("parcels", path, crs="EPSG:4547")
    assert "文件声明 EPSG:4548,已按 --crs 读作 EPSG:4547" in result.notes


def test_what_a_user_states_is_done_and_a_doubt_is_told(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", IDS, [square(0, 0)], crs=None)
    result = workspace.import_layer("parcels", path, crs="EPSG:4548")
    [note] = [note for note in result.notes if "请核对" in note]
    assert "--crs EPSG:4547 则落在其内" in note


def test_layers_of_the_workspace_say_where_it_lies(tmp_path: Path) -> None:
    there = Workspace.create(tmp_path / "w", "411523_xinxian", "EPSG:4548")
    parcel = {"parcel_id": ["P1"]}
    path = write_gpkg(tmp_path / "a.gpkg", parcel, [square(0, 0)], crs="EPSG:4548")
    there.import_layer("parcels", path, crs="EPSG:4548")  # by its user's word, 280 km to the east
    roads = write_gpkg(
        tmp_path / "b.gpkg", {"water_body_id": ["W"]}, [square(0, 50)], crs="EPSG:4548"
    )
    assert not [n for n in there.import_layer("water_bodies", roads).notes if "请核对" in n]


@pytest.mark.parametrize("epsg", [2435, 2383])
def test_old_datum_needs_parameters_and_they_are_noted(
    workspace: Workspace, tmp_path: Path, epsg
) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", IDS, [in_zone_of_old(epsg)], crs=f"EPSG:{epsg}")
    with pytest.raises(LayerError, match="没有公开的转换参数"):
        workspace.import_layer("parcels", path)
    result = workspace.import_layer("parcels", path, datum_shift="15,-110,-60")
    assert any("已按 --datum-shift 由 19" in note for note in result.notes)
    moved = stored(workspace).distance(square(0, 0))
    assert 0 < moved < 300


def in_zone_of_old(epsg: int) -> Polygon:
    """The same numbers: 3-degree zones of all three datums have the same easting and meridian."""
    assert CRS.from_epsg(epsg).coordinate_operation.params[1].value == 114
    return square(0, 0)


@pytest.mark.parametrize("system", ["GCJ-02", "BD-09"])
def test_shifted_degrees_are_taken_back_when_the_user_says_so(
    workspace: Workspace, tmp_path: Path, system
) -> None:
    shape = degrees_square()
    ring = np.array(shape["coordinates"][0])
    there = np.column_stack(FORWARD[system](ring[:, 0], ring[:, 1]))
    moved = {"type": "Polygon", "coordinates": [there.tolist()]}
    path = write_geojson(tmp_path / "a.geojson", [feature(moved, parcel_id="P1")])
    result = workspace.import_layer("parcels", path, crs=system)
    plain = write_geojson(tmp_path / "b.geojson", [feature(shape, parcel_id="P1")])
    back = stored(workspace)
    workspace.import_layer("parcels", plain)
    assert back.hausdorff_distance(stored(workspace)) < 1e-6
    [note] = [note for note in result.notes if "换算,移动约" in note]
    assert note.startswith(f"已由 {system} 换算,移动约 ")
    assert "成果不得用于测量" in note


def test_a_name_that_says_gcj02_is_told_and_nothing_is_moved(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = write_geojson(tmp_path / "高德.geojson", [feature(degrees_square(), parcel_id="P1")])
    result = workspace.import_layer("parcels", path)
    assert any("坐标可能是 GCJ-02,未换算" in note for note in result.notes)
    assert abs(stored(workspace).centroid.x - EAST) < 1000


def test_axes_alone_name_no_crs(workspace: Workspace, tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", IDS, [swapped_square()], crs=None)
    with pytest.raises(LayerError, match="没有坐标系"):
        workspace.import_layer("parcels", path, swap_axes=True)


def test_good_files_get_no_new_note(workspace: Workspace, tmp_path: Path) -> None:
    result = workspace.import_layer("parcels", parcels_file(tmp_path))
    assert [note for note in result.notes if "坐标" in note] == []
    assert stored(workspace).bounds[:2] == (EAST, NORTH)


def _mixed(path: Path, odd: Polygon, crs: str | None = "EPSG:4547") -> Path:
    """Twelve parcels in a row, of which the third is ``odd``."""
    shapes = [square(20.0 * number, 0) for number in range(12)]
    shapes[2] = odd
    columns = {"parcel_id": [f"P{number}" for number in range(1, 13)]}
    return write_gpkg(path, columns, shapes, crs=crs)


@pytest.mark.parametrize(
    ("odd", "value", "away"),
    [
        (in_zone(4490), "(114.86", "千米"),  # degrees among metres
        (swapped_square(), "(3500400, 581600)", "千米"),
        (in_zone(4548), "(29", "千米"),  # of the next zone
        (shapely.affinity.translate(square(0, 0), 60_000), "(641600, 3500400)", "千米"),
        (shapely.affinity.translate(square(0, 0), 9e12), "(9.0000006e+12", "不是地面上的位置"),
    ],
)
def test_rows_in_other_coordinates_than_the_rest_are_refused_by_row_and_value(
    workspace: Workspace, tmp_path: Path, odd: Polygon, value: str, away: str
) -> None:
    """A ``.prj`` may tell no area that its CRS is for: only the workspace knows where rows lie."""
    text = CRS.from_epsg(4547).to_wkt("WKT1_ESRI")
    path = _mixed(tmp_path / "a.gpkg", odd, text)
    before = fingerprint(workspace.path)
    with pytest.raises(LayerError) as refusal:
        workspace.import_layer("parcels", path)
    assert fingerprint(workspace.path) == before
    [problem] = refusal.value.problems
    assert (problem.row, problem.feature_id, problem.field) == (3, "P3", "geometry")
    assert problem.value is not None
    assert problem.value.startswith(value)
    assert away in problem.rule
    assert "与本文件其余各行不在一处" in problem.rule
    assert problem.cure == "请改正该图形的坐标(度与米、带号、坐标轴、小数点)"
    result = workspace.import_layer("parcels", path, accept_valid=True)
    assert (result.rows, result.rejected) == (11, 1)


def test_rows_anywhere_in_the_county_are_taken_though_its_layers_reach_less_far(
    workspace: Workspace, tmp_path: Path
) -> None:
    columns = {"water_body_id": ["W"]}
    workspace.import_layer("water_bodies", write_gpkg(tmp_path / "w.gpkg", columns, [square(0, 0)]))
    odd = shapely.affinity.translate(square(0, 0), -30_000)  # 114.54° E
    result = workspace.import_layer("parcels", _mixed(tmp_path / "a.gpkg", odd))
    assert (result.rows, result.problems) == (12, ())


def test_numbers_of_utm_in_a_zone_of_the_same_meridian_are_told(
    workspace: Workspace, tmp_path: Path
) -> None:
    """32° N lies 3503 km from the equator, of which UTM leaves out 0.4 m in 1000: 1.4 km."""
    chance = np.random.default_rng(1)
    places = chance.uniform(0, 3000, (40, 2))  # no two streets lie alike
    shapes = [square(x, y, 15.0) for x, y in places]
    columns = {"parcel_id": [f"P{number}" for number in range(40)]}
    workspace.import_layer("parcels", write_gpkg(tmp_path / "p.gpkg", columns, shapes))
    there = Transformer.from_crs(4547, 32650, always_xy=True)
    moved = [
        shapely.transform(s, lambda xy: np.column_stack(there.transform(*xy.T))) for s in shapes
    ]
    columns = {"building_id": columns["parcel_id"]}
    told = {}
    for name, crs in (("u", "EPSG:4548"), ("v", "EPSG:32650")):
        file = write_gpkg(tmp_path / f"{name}.gpkg", columns, moved, crs=crs)
        told[name] = [n for n in workspace.import_layer("buildings", file).notes if "UTM" in n]
    [note] = told["u"]
    assert note.startswith("按 UTM 移回 14")
    assert note.endswith(
        "数值可能是 UTM 50 带,未换算,请向来源核实;若是,请用 --crs EPSG:32650 重新导入"
    )
    assert told["v"] == []

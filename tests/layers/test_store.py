"""Workspaces: whole versions or nothing."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

import layers.folder_storage
import layers.imports
from gis.crs import CrsError
from layers.checks import check_layers
from layers.errors import LayerError, WorkspaceError
from layers.store import Workspace
from layers.versions import read_version
from tests.layers.layer_files import (
    degrees_square,
    feature,
    fingerprint,
    line,
    parcels_file,
    run_sql,
    square,
    stored,
    write_geojson,
    write_gpkg,
)


def test_new_workspace_opens_as_it_was_made(store: str, tmp_path: Path) -> None:
    made = Workspace.create(tmp_path / "a" / "b", "411523_xinxian", "EPSG:4547", synthetic=True)
    opened = Workspace.open(tmp_path / "a" / "b")
    assert opened == made
    assert opened.synthetic
    assert opened.survey().tables == {}
    assert list((tmp_path / "a").iterdir()) == [tmp_path / "a" / "b"]


def test_folder_with_something_in_it_becomes_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    before = fingerprint(tmp_path)
    with pytest.raises(WorkspaceError, match="已有内容,不能新建工作区"):
        Workspace.create(tmp_path, "411523_xinxian", "EPSG:4547")
    assert fingerprint(tmp_path) == before


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:3857", "EPSG:2229"])
def test_workspace_needs_true_metres(tmp_path: Path, crs) -> None:
    with pytest.raises(CrsError):
        Workspace.create(tmp_path / "w", "411523_xinxian", crs)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("county", ["xinxian", "../411523_x", '411523_x"\n'])
def test_county_code_has_a_form(tmp_path: Path, county) -> None:
    with pytest.raises(WorkspaceError, match="县级编码"):
        Workspace.create(tmp_path / "w", county, "EPSG:4547")


@pytest.mark.parametrize("content", [None, "not toml [", 'schema = 1\ncounty = "x"\n'])
def test_folder_that_is_no_workspace_is_refused_with_the_cure(tmp_path: Path, content) -> None:
    if content is not None:
        (tmp_path / "workspace.toml").write_text(content)
    with pytest.raises(WorkspaceError, match="不是工作区。请先运行 init 新建。"):
        Workspace.open(tmp_path)


def test_imported_layer_comes_back_equal(either: Workspace, tmp_path: Path) -> None:
    columns = {
        "road_id": ["a", "b"],
        "name": ["将军路", None],
        "carriageway_width_m": [7.25, None],
        "opened_on": ["2020-05-01", None],
        "on_bridge": ["是", None],
    }
    shapes = [line((0, 0), (9, 0)), line((0, 5), (9, 5.125))]
    result = either.import_layer("roads", write_gpkg(tmp_path / "a.gpkg", columns, shapes))
    assert (result.version, result.rows, result.rejected) == (1, 2, 0)
    survey = either.survey()
    roads = survey.get("roads")
    assert roads.loc["a", "on_bridge"] is True
    assert roads.loc["a", "opened_on"] == "2020-05-01"
    assert roads.loc["a", "carriageway_width_m"] == 7.25
    assert roads.loc["b", "on_bridge"] is None
    assert roads.loc["b", "name"] is None
    assert pd.isna(roads.loc["b", "carriageway_width_m"])
    assert roads.geometry["b"].equals(shapes[1])
    version = survey.versions["roads"]
    assert version.file in ("layers/roads/1.gpkg", "roads_1")
    assert (version.rows, version.crs) == (2, "EPSG:4547")
    assert (version.source_file, version.data_class) == ("a.gpkg", "internal")


def test_never_overhauled_is_imported_and_what_may_mean_unknown_is_told(
    either: Workspace, tmp_path: Path
) -> None:
    columns = {
        "road_id": ["a", "b", "c", "d"],
        "大修日期": ["2020-05-01", "从未大修", "无", None],
    }
    shapes = [line((0, y), (9, y)) for y in range(4)]
    result = either.import_layer("roads", write_gpkg(tmp_path / "a.gpkg", columns, shapes))
    assert result.problems == ()
    words = "列“大修日期”:1 行的“无”按“从未大修”导入;其中没有记录的,请改为留空后重新导入"
    assert [note for note in result.notes if "从未大修" in note] == [words]
    roads = either.survey().get("roads")
    assert roads["overhauled_on"].tolist() == ["2020-05-01", "never", "never", None]


def test_stored_file_is_a_geopackage_1_2_with_its_own_crs(workspace, tmp_path: Path) -> None:
    workspace.import_layer("parcels", parcels_file(tmp_path))
    with closing(sqlite3.connect(workspace.path / "layers/parcels/1.gpkg")) as database:
        assert database.execute("PRAGMA user_version").fetchone()[0] == 10200
        assert database.execute("SELECT srs_id FROM gpkg_geometry_columns").fetchone()[0] == 4547


def test_old_versions_stay_as_they_were(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_layer("parcels", parcels_file(tmp_path))
    first = (workspace.path / "layers/parcels/1.gpkg").read_bytes()
    assert workspace.import_layer("parcels", parcels_file(tmp_path, count=1)).version == 2
    assert (workspace.path / "layers/parcels/1.gpkg").read_bytes() == first
    assert len(workspace.survey().get("parcels")) == 1


def test_a_field_added_later_is_unknown_in_versions_stored_before(tmp_path: Path) -> None:
    # As stored before the layer had floors (a number) and name (a text).
    old = tmp_path / "1.gpkg"
    write_gpkg(old, {"parcel_id": ["P-1"], "name": ["a"]}, [square(0, 0)], layer="parcels")
    table = read_version(old, "parcels")
    assert list(table.index) == ["P-1"]
    assert (table.loc["P-1", "name"], table.loc["P-1", "land_use"]) == ("a", None)
    other = tmp_path / "2.gpkg"
    write_gpkg(other, {"building_id": ["B-1"]}, [square(0, 0)], layer="buildings")
    assert read_version(other, "buildings")["floors"].isna().all()


def test_the_row_that_a_check_names_is_that_row_of_the_stored_version(
    either: Workspace, tmp_path: Path
) -> None:
    """Whatever order the file had, and whether it is the first version or repaired since."""
    bad = line((9_000, 0), (9_000, 0), (9_009, 0))
    shapes = [bad, line((0, 20), (9, 20)), line((0, 40), (9, 40))]
    file = write_gpkg(tmp_path / "a.gpkg", {"line_id": ["W-9", "W-2", "W-1"]}, shapes)
    either.import_layer("lines", file, constants={"utility": "water"})
    for repaired in (False, True):
        survey = either.survey()
        found = [
            problem
            for _layer, problems in check_layers(survey, layers=["lines"])
            for problem in problems
            if problem.row is not None
        ]
        assert {problem.feature_id for problem in found} >= {"W-9"}
        read = either.read(either.version("lines"))
        assert list(read.index) == list(survey.tables["lines"].index) == ["W-1", "W-2", "W-9"]
        for problem in found:
            assert read.index[problem.row - 1] == problem.feature_id
        if not repaired:
            mendable = [problem for problem in found if problem.rule_id == "repeated_vertices"]
            assert either.repair(mendable, author="checker")


def test_append_keeps_the_rows_there_are(either: Workspace, tmp_path: Path) -> None:
    shapes = [line((0, 0), (9, 0))]
    water = write_gpkg(tmp_path / "a.gpkg", {"line_id": ["1"]}, shapes)
    sewage = write_gpkg(tmp_path / "b.gpkg", {"line_id": ["1"]}, shapes)
    either.import_layer("lines", water, constants={"utility": "water"})
    with pytest.raises(LayerError, match="值“1”:图层中已有这个编号。请用 --id-prefix"):
        either.import_layer("lines", sewage, constants={"utility": "sewage"}, append=True)
    result = either.import_layer(
        "lines", sewage, constants={"utility": "sewage"}, append=True, id_prefix="S-"
    )
    assert (result.version, result.rows) == (2, 2)
    assert list(either.survey().get("lines")["utility"]) == ["water", "sewage"]
    assert list(either.survey().get("lines").index) == ["1", "S-1"]


def test_append_to_nothing_or_to_an_empty_layer_is_an_import(either, tmp_path: Path) -> None:
    empty = write_geojson(tmp_path / "a.geojson", [])
    either.import_layer("parcels", empty, append=True)
    assert either.survey().has("parcels")
    assert either.import_layer("parcels", parcels_file(tmp_path), append=True).rows == 3
    assert list(either.survey().get("parcels")["address"]) == [None] * 3


def test_rows_in_error_store_nothing_unless_the_valid_are_accepted(either, tmp_path) -> None:
    columns = {
        "parcel_id": ["P1", "P2", "=1+1"],
        "land_use": ["教育", "=HYPERLINK(1)", "教育"],
        "note": ["-5", "@x", "+y"],
    }
    shapes = [square(0, 0), square(20, 0), None]
    path = write_gpkg(tmp_path / "a.gpkg", columns, shapes)
    before = stored(either)
    with pytest.raises(LayerError) as refusal:
        either.import_layer("parcels", path)
    assert str(refusal.value).splitlines()[0] == (
        "文件 a.gpkg:2 行有 2 处错误,未导入任何内容。"
        "请改正后重新导入,或加 --accept-valid 只导入其余行。"
    )
    assert len(refusal.value.problems) == 2
    assert stored(either) == before

    result = either.import_layer("parcels", path, accept_valid=True)
    assert (result.rows, result.rejected) == (1, 2)
    with result.rejected_file.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["行"] for row in rows] == ["2", "3"]
    assert "须为下列之一" in rows[0]["原因"]
    assert rows[0]["land_use"] == "'=HYPERLINK(1)"
    assert (rows[1]["parcel_id"], rows[1]["note"]) == ("'=1+1", "'+y")
    assert rows[0]["geometry_wkt"].startswith("POLYGON ((")


def test_file_without_one_valid_row_is_refused_even_then(either, tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", {"parcel_id": ["P1"]}, [None])
    before = stored(either)
    with pytest.raises(LayerError, match="没有一行可以导入"):
        either.import_layer("parcels", path, accept_valid=True)
    assert stored(either) == before


@pytest.mark.parametrize(
    "step", ["write_version", "write_rejects", "copyfile", "record", "place_together"]
)
def test_failure_at_any_step_leaves_every_byte(workspace, tmp_path, monkeypatch, step) -> None:
    workspace.import_layer("parcels", parcels_file(tmp_path))
    before = fingerprint(workspace.path)

    def fail(*_arguments: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(layers.folder_storage, step, fail)
    with pytest.raises(OSError, match="No space left"):
        workspace.import_layer("parcels", parcels_file(tmp_path, count=5))
    assert fingerprint(workspace.path) == before
    monkeypatch.undo()
    assert workspace.import_layer("parcels", parcels_file(tmp_path, count=5)).version == 2


def test_changed_or_missing_file_is_noticed(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_layer("parcels", parcels_file(tmp_path))
    stored = workspace.path / "layers/parcels/1.gpkg"
    run_sql(stored, "PRAGMA user_version = 10300")
    with pytest.raises(WorkspaceError, match=r"layers/parcels/1\.gpkg:文件缺失,或与入库时不一致"):
        workspace.survey()
    stored.unlink()
    with pytest.raises(WorkspaceError, match="文件缺失"):
        workspace.survey()


def test_damaged_database_is_said(workspace: Workspace) -> None:
    (workspace.path / "tonggou.sqlite").write_bytes(b"x" * 4096)
    with pytest.raises(WorkspaceError, match=r"tonggou\.sqlite:数据库无法读写"):
        Workspace.open(workspace.path).survey()


def test_reading_changes_nothing(either: Workspace, tmp_path: Path) -> None:
    either.import_layer("parcels", parcels_file(tmp_path))
    before = stored(either)
    either.survey()
    assert stored(either) == before


def test_secret_data_have_no_class_here(either: Workspace, tmp_path: Path) -> None:
    with pytest.raises(LayerError, match=r"数据类别“secret”不可入库.*涉密数据不得导入"):
        either.import_layer("parcels", parcels_file(tmp_path), data_class="secret")


def test_two_imports_at_once_give_two_whole_versions(either, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
    files = [parcels_file(tmp_path / str(number), count=number) for number in (1, 2)]
    results = []
    threads = [
        threading.Thread(
            target=lambda file=file: results.append(either.import_layer("parcels", file))
        )
        for file in files
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.version for result in results) == [1, 2]
    latest = max(results, key=lambda result: result.version)
    assert len(either.survey().get("parcels")) == latest.rows


def test_append_after_another_import_is_asked_to_run_again(either, tmp_path, monkeypatch) -> None:
    first = parcels_file(tmp_path)
    either.import_layer("parcels", first)
    real = layers.imports.conform

    def meanwhile(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(layers.imports, "conform", real)
        Workspace.open(either.path).import_layer("parcels", first)
        return real(*arguments, **options)

    monkeypatch.setattr(layers.imports, "conform", meanwhile)
    with pytest.raises(WorkspaceError, match="在此期间有了新版本 2"):
        either.import_layer("parcels", first, append=True, id_prefix="B-")
    assert len(either.survey().get("parcels")) == 3


def test_markup_is_stored_as_text(either: Workspace, tmp_path: Path) -> None:
    payload = "<script>alert(1)</script>${1}`\\"
    path = write_geojson(
        tmp_path / "a.geojson", [feature(degrees_square(), parcel_id=payload, name=payload)]
    )
    either.import_layer("parcels", path)
    parcels = either.survey().get("parcels")
    assert list(parcels.index) == [payload]
    assert parcels["name"].iloc[0] == payload


def test_application_is_stored_and_found(either: Workspace) -> None:
    application = {"application_id": "报装-2024.1", "parcel_id": "P1", "demands": {"water": {}}}
    either.save_application(application)
    either.save_application({"application_id": "A1", "parcel_id": "P1"})
    assert either.application("报装-2024.1") == application
    assert [a["application_id"] for a in either.applications()] == ["A1", "报装-2024.1"]


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "", ".hidden", "a\\b", "a\x00", "x" * 81, None, 7, "a b"]
)
def test_application_id_must_be_a_file_name(either: Workspace, name) -> None:
    before = stored(either)
    with pytest.raises(WorkspaceError, match="不合规则"):
        either.save_application({"application_id": name})
    with pytest.raises(WorkspaceError, match="不合规则"):
        either.application(name)
    assert stored(either) == before


def test_unknown_or_damaged_application_is_said(workspace: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="工作区中没有报装申请“A9”"):
        workspace.application("A9")
    other = "不是编号为 A1 的报装申请"
    for content, said in (
        ("{", "不是 JSON.第 1 行第 2 列"),
        (json.dumps({"application_id": "B"}), other),
        ("[]", other),
    ):
        (workspace.path / "applications" / "A1.json").write_text(content)
        with pytest.raises(WorkspaceError, match=rf"applications/A1\.json:{said}"):
            workspace.application("A1")


def test_a_damaged_application_is_left_out_of_all_and_told(either: Workspace) -> None:
    either.save_application({"application_id": "A1", "parcel_id": "P1"})
    either.save_application({"application_id": "A2", "parcel_id": "P1"})
    assert either.application_faults() == []
    either._storage.keep("applications/A1.json", b"{")
    assert [one["application_id"] for one in either.applications()] == ["A2"]
    [fault] = either.application_faults()
    assert re.match(r"applications/A1\.json:不是 JSON.第 1 行第 2 列", fault)

"""What only a workspace in PostGIS can show: tables that refuse change, addresses, other hosts."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

import layers.postgis_storage
from layers import databases
from layers.answers import Answer
from layers.errors import WorkspaceError
from layers.store import Workspace
from tests.layers.layer_files import line, parcels_file, stored, write_gpkg
from tests.postgis import Server

COUNTY, CRS = "411523_xinxian", "EPSG:4547"


@pytest.fixture
def made(postgis: Server, tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "w", COUNTY, CRS, database_url=postgis.url)
    workspace.import_layer("parcels", parcels_file(tmp_path))
    return workspace


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("parcels_1", "DELETE FROM {}"),
        ("parcels_1", "UPDATE {} SET name = 'x'"),
        ("parcels_1", "INSERT INTO {} (ordinal) VALUES (9)"),
        ("parcels_1", "TRUNCATE {}"),
        ("layer_versions", "DELETE FROM {}"),
        ("layer_versions", "UPDATE {} SET author = 'x'"),
        ("edits", "TRUNCATE {}"),
        ("exports", "DELETE FROM {}"),
    ],
)
def test_what_is_stored_refuses_every_change(made: Workspace, table: str, change: str) -> None:
    before = stored(made)
    with (
        psycopg.connect(made.database_url) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="is never changed"),
    ):
        connection.execute(change.format(f'"{made.database_schema}"."{table}"'))
    assert stored(made) == before


def test_content_that_was_changed_all_the_same_is_noticed(made: Workspace) -> None:
    table = f'"{made.database_schema}"."parcels_1"'
    with psycopg.connect(made.database_url) as connection:
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        connection.execute(f"UPDATE {table} SET geometry = ST_Translate(geometry, 0.001, 0)")
    with pytest.raises(WorkspaceError, match="parcels_1:数据表缺失,或与入库时不一致"):
        made.survey()
    with psycopg.connect(made.database_url) as connection:
        connection.execute(f"DROP TABLE {table}")
    with pytest.raises(WorkspaceError, match="parcels_1:数据表缺失"):
        made.survey()


def test_a_version_is_a_spatial_table_with_its_own_index(made: Workspace) -> None:
    with psycopg.connect(made.database_url) as connection:
        column = (
            "SELECT type, srid FROM geometry_columns"
            " WHERE f_table_schema = %s AND f_table_name = 'parcels_1'"
        )
        found = connection.execute(column, (made.database_schema,)).fetchone()
        index = (
            "SELECT count(*) FROM pg_indexes"
            " WHERE schemaname = %s AND tablename = 'parcels_1' AND indexdef LIKE '%%gist%%'"
        )
        assert connection.execute(index, (made.database_schema,)).fetchone() == (1,)
    assert found == ("MULTIPOLYGON", 4547)


@pytest.mark.parametrize("step", ["next_version", "record", "write_rejects", "_put"])
def test_failure_at_any_step_leaves_everything(
    made: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = stored(made)

    def fail(*_arguments: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(layers.postgis_storage, step, fail)
    with pytest.raises(OSError, match="No space left"):
        made.import_layer("parcels", parcels_file(tmp_path, count=5))
    assert {k: v for k, v in stored(made).items() if v != "folder"} == {
        k: v for k, v in before.items() if v != "folder"
    }
    monkeypatch.undo()
    assert made.import_layer("parcels", parcels_file(tmp_path, count=5)).version == 2


def test_another_host_opens_the_same_workspace_by_its_settings(
    made: Workspace, tmp_path: Path
) -> None:
    made.save_application({"application_id": "A1", "parcel_id": "P1"})
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(made.path / "workspace.toml", other)
    opened = Workspace.open(other, made.database_url)
    assert len(opened.survey().get("parcels")) == 3
    assert opened.application("A1")["parcel_id"] == "P1"
    (source,) = opened.sources()
    assert len(opened.source(source)) > 0
    before = made.applications_stamp()
    opened.save_application({"application_id": "A1", "parcel_id": "P2"})
    assert made.applications_stamp() != before
    assert made.application("A1")["parcel_id"] == "P2"


def test_both_stores_hold_the_same_table(made: Workspace, tmp_path: Path) -> None:
    columns = {
        "line_id": ["b", "a"],
        "utility": ["water", "gas"],
        "diameter_mm": [1 / 3, None],
        "duct_holes": [None, 4],
        "spare_capacity": ["是", None],
        "owner": ["自来水公司\t,\\N", None],
    }
    file = write_gpkg(
        tmp_path / "l.gpkg", columns, [line((0.1, 0), (1 / 3, 9)), line((0, 0), (7, 7))]
    )
    beside = Workspace.create(tmp_path / "folder", COUNTY, CRS)
    for one in (made, beside):
        one.import_layer("lines", file)
        one.answer([Answer("line:a", "diameter_mm", "110")], author="王工")
    here, there = (one.survey().get("lines") for one in (made, beside))
    assert here.equals(there)
    assert list(here.dtypes) == list(there.dtypes)
    assert here.crs == there.crs


def test_a_workspace_says_where_it_lies(made: Workspace, postgis: Server, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="工作区存放在数据库中。请用 TONGGOU_DATABASE_URL"):
        Workspace.open(made.path)
    Workspace.create(tmp_path / "folder", COUNTY, CRS)
    with pytest.raises(WorkspaceError, match="工作区存放在文件夹中,不在数据库中"):
        Workspace.open(tmp_path / "folder", postgis.url)
    settings = made.path / "workspace.toml"
    text = settings.read_text("utf-8")
    assert postgis.password not in text
    settings.write_text(text.replace(made.database_schema, "tonggou_gone"), "utf-8")
    with pytest.raises(WorkspaceError, match="数据库中没有工作区 tonggou_gone"):
        Workspace.open(made.path, postgis.url)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:geheim@127.0.0.1/db",
        "postgresql://u:geheim@127.0.0.1",
        "sqlite:///geheim.db",
        "geheim",
        "postgresql://u:geheim@127.0.0.1:port/db",
    ],
)
def test_an_address_that_cannot_be_is_refused_without_its_password(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(WorkspaceError, match="TONGGOU_DATABASE_URL 须写作") as refusal:
        Workspace.create(tmp_path / "w", COUNTY, CRS, database_url=url)
    assert "geheim" not in str(refusal.value)
    with pytest.raises(WorkspaceError, match="须写作"):
        databases.use(url)
    assert list(tmp_path.iterdir()) == []


def test_no_message_has_the_password(postgis: Server, tmp_path: Path) -> None:
    wrong = postgis.url.replace(postgis.password, "geheim")
    nobody = postgis.url.replace(f":{postgis.port}/", ":1/")
    for url in (wrong, nobody):
        with pytest.raises(WorkspaceError, match="数据库无法读写") as refusal:
            Workspace.create(tmp_path / "w", COUNTY, CRS, database_url=url)
        assert "geheim" not in str(refusal.value)
        assert postgis.password not in str(refusal.value)
        assert not (tmp_path / "w").exists()
    assert postgis.password not in repr(Workspace(tmp_path, COUNTY, CRS, False, "s", postgis.url))

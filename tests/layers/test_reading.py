"""Files at the door: what they are follows from their bytes, and nothing in them is obeyed."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from shapely.geometry import MultiPolygon

from layers.errors import ReadError
from layers.reading import read_layer
from tests.layers.layer_files import (
    degrees_square,
    feature,
    fingerprint,
    line,
    parcels_file,
    run_sql,
    square,
    write_geojson,
    write_gpkg,
)

VRT = """<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{canary}</SrcDataSource>
<SrcLayer>secret</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"""
GDALG = (
    '{{"type": "gdal_streamed_alg",'
    ' "command_line": "gdal vector pipeline ! read {canary} ! write x"}}'
)
WFS = "<OGRWFSDataSource><URL>http://127.0.0.1:{port}/wfs</URL></OGRWFSDataSource>"


def read(path: Path | str, source_layer: str | None = None):
    return read_layer(path, source_layer=source_layer, layer="parcels")


def test_geopackage_gives_cells_shapes_and_crs(tmp_path: Path) -> None:
    raw = read(parcels_file(tmp_path))
    assert list(raw.cells["宗地编号"]) == ["P1", "P2", "P3"]
    assert raw.crs.to_epsg() == 4547
    assert raw.shapes[1].equals(square(20, 0))
    assert raw.unreadable == {}


def test_reading_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    before = fingerprint(tmp_path)
    read(path)
    assert fingerprint(tmp_path) == before


def test_read_only_geopackage_with_pending_wal_is_read_whole(tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        # The spatial triggers of the file call functions that only GDAL has.
        for (name,) in writer.execute(
            "SELECT name FROM sqlite_master WHERE type='trigger'"
        ).fetchall():
            writer.execute(f'DROP TRIGGER "{name}"')
        writer.execute("INSERT INTO things (geom, 宗地编号) SELECT geom, 'P4' FROM things LIMIT 1")
        writer.commit()
        assert list(read(path).cells["宗地编号"]) == ["P1", "P2", "P3", "P4"]


def test_cell_is_read_as_stored_whatever_the_column_declares(tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", {"dn": [200]}, [line((0, 0), (1, 1))])
    with closing(sqlite3.connect(path)) as database:
        assert (
            "INTEGER"
            in database.execute("SELECT sql FROM sqlite_master WHERE name='things'").fetchone()[0]
        )
    run_sql(
        path,
        *(f"DROP TRIGGER {name}" for name in _triggers(path)),
        "UPDATE things SET dn = 'DN200'",
    )
    assert list(read(path).cells["dn"]) == ["DN200"]


def test_lying_feature_count_hides_no_row(tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    run_sql(path, "UPDATE gpkg_ogr_contents SET feature_count = 1")
    assert len(read(path).cells) == 3


def test_hostile_triggers_do_not_fire(tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    run_sql(
        path,
        "CREATE TABLE trap (n)",
        *(
            f"CREATE TRIGGER evil_{event} AFTER {event} ON things"
            " BEGIN INSERT INTO trap VALUES (1); END"
            for event in ("INSERT", "UPDATE", "DELETE")
        ),
    )
    before = fingerprint(tmp_path)
    assert len(read(path).cells) == 3
    assert fingerprint(tmp_path) == before


def test_view_as_layer_is_refused(tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    run_sql(
        path,
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT i AS fid, NULL AS geom FROM n",
        "UPDATE gpkg_geometry_columns SET table_name = 'endless'",
    )
    with pytest.raises(ReadError, match="图层“endless”是视图或虚拟表"):
        read(path)


def test_layer_name_with_sql_in_it_is_a_name(tmp_path: Path) -> None:
    name = 'a"; DROP TABLE gpkg_contents; --'
    path = write_gpkg(tmp_path / "a.gpkg", {"n": [1]}, [square(0, 0)], layer=name)
    before = fingerprint(tmp_path)
    assert read(path).source_layer == name
    assert fingerprint(tmp_path) == before


def test_several_layers_need_a_choice(tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    write_gpkg(path, {"n": [1]}, [square(0, 0)], layer="others")
    with pytest.raises(ReadError, match="须指明要导入的图层。文件中的图层:others、things。"):
        read(path)
    with pytest.raises(ReadError, match="没有图层“nothing”"):
        read(path, "nothing")
    assert len(read(path, "others").cells) == 1


def test_layer_called_like_the_target_needs_no_choice(tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    write_gpkg(path, {"n": [1]}, [square(0, 0)], layer="parcels")
    assert read(path).source_layer == "parcels"


def test_broken_blob_is_a_problem_of_its_row(tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    run_sql(
        path,
        *(f"DROP TRIGGER {name}" for name in _triggers(path)),
        "UPDATE things SET geom = x'4750000100' WHERE fid = 1",
        "UPDATE things SET geom = substr(geom, 1, 60) WHERE fid = 2",
        "UPDATE things SET geom = NULL WHERE fid = 3",
    )
    raw = read(path)
    assert set(raw.unreadable) == {0, 1}
    assert list(raw.shapes) == [None, None, None]


def test_damaged_pages_are_refused(tmp_path: Path) -> None:
    path = parcels_file(tmp_path, count=200)
    content = bytearray(path.read_bytes())
    for offset in range(4096, len(content), 1024):
        content[offset : offset + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(ReadError, match="已损坏"):
        read(path)


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    run_sql(
        path,
        *(f"DROP TRIGGER {name}" for name in _triggers(path)),
        "UPDATE things SET 名称 = CAST(x'd0c2cfd8' AS TEXT)",
    )
    with pytest.raises(ReadError, match="有文字不是 UTF-8 编码"):
        read(path)


def test_plain_sqlite_is_no_geopackage(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    run_sql(path, "CREATE TABLE t (n)")
    with pytest.raises(ReadError, match="是 SQLite 数据库,但不是 GeoPackage"):
        read(path)


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.vrt", "a.json", "a.shp"])
@pytest.mark.parametrize("content", [VRT, GDALG, WFS])
def test_reference_to_another_source_is_never_followed(tmp_path: Path, name, content) -> None:
    canary = write_geojson(
        tmp_path / "canary.geojson", [feature(degrees_square(), parcel_id="CANARY")]
    )
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.2)
        path = tmp_path / name
        path.write_text(content.format(canary=canary, port=server.getsockname()[1]))
        with pytest.raises(ReadError) as refusal:
            read(path)
        with pytest.raises(TimeoutError):
            server.accept()
    assert "CANARY" not in str(refusal.value)


@pytest.mark.parametrize(
    "path",
    ["/vsicurl/http://127.0.0.1:1/a.geojson", "http://127.0.0.1:1/a.geojson", "/vsizip/a.zip/b",
     "GPKG:a.gpkg", '{"type":"FeatureCollection","features":[]}'],
)  # fmt: skip
def test_only_a_file_on_disk_is_read(path) -> None:
    with pytest.raises(ReadError, match="磁盘上没有这个文件"):
        read(path)


def test_name_that_contradicts_the_content_is_refused(tmp_path: Path) -> None:
    database = parcels_file(tmp_path).rename(tmp_path / "a.geojson")
    with pytest.raises(ReadError, match=r"内容是 SQLite,扩展名应为 \.gpkg"):
        read(database)
    text = write_geojson(tmp_path / "b.gpkg", [])
    with pytest.raises(ReadError, match=r"内容是 JSON,扩展名应为 \.geojson / \.json"):
        read(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "文件为空"),
        (b"PK\x03\x04", "内容是 ZIP"),
        (b"\x00\x01\x02\x03", "内容不是可以读取的格式"),
        (b'{"type": "FeatureCollection"', "不是完整的 JSON"),
        (b'{"type": "Topology"}', "type 为“Topology”"),
        (b'{"type": "FeatureCollection", "features": {}}', "须为 FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": [1]}', "第 1 个要素不是 Feature"),
        (b'{"type": "\xd0\xc2"}', "不是 UTF-8 编码"),
        (b'{"a":' * 100_000, "不是完整的 JSON"),
    ],
)
def test_unusable_json_is_refused_with_the_reason(tmp_path: Path, content, message) -> None:
    path = tmp_path / "a.geojson"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=message):
        read(path)


def test_geojson_is_wgs84_unless_it_names_an_epsg_code(tmp_path: Path) -> None:
    path = write_geojson(tmp_path / "a.geojson", [])
    assert read(path).crs.to_epsg() == 4326
    member = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}
    assert read(write_geojson(path, [], crs=member)).crs.to_epsg() == 4547
    link = {"type": "link", "properties": {"href": "http://127.0.0.1/crs"}}
    with pytest.raises(ReadError, match="crs 成员“None”不是 EPSG 代码"):
        read(write_geojson(path, [], crs=link))


def test_bad_geojson_geometry_is_a_problem_of_its_row(tmp_path: Path) -> None:
    broken = [
        {"type": "LineString", "coordinates": [[114.0, 31.0]]},
        {"type": "Point", "coordinates": ["x", "y"]},
        {"type": "Circle", "coordinates": [0, 0]},
        {"coordinates": [0, 0]},
        "POINT (0 0)",
    ]
    features = [feature(geometry) for geometry in [degrees_square(), *broken]]
    raw = read(write_geojson(tmp_path / "a.geojson", features))
    assert set(raw.unreadable) == {1, 2, 3, 4, 5}
    assert raw.shapes[0].is_valid


def test_feature_id_is_a_column_unless_a_property_has_its_name(tmp_path: Path) -> None:
    features = [
        {**feature(degrees_square()), "id": 7},
        {**feature(degrees_square(), id="own"), "id": 8},
    ]
    assert list(read(write_geojson(tmp_path / "a.geojson", features)).cells["id"]) == [7, "own"]


def test_parts_and_heights_survive_reading(tmp_path: Path) -> None:
    shape = MultiPolygon([square(0, 0), square(50, 0)])
    path = write_gpkg(tmp_path / "a.gpkg", {"n": [1]}, [shape])
    assert read(path).shapes[0].equals(shape)


def test_drivers_that_follow_references_are_off_in_a_fresh_process() -> None:
    code = "import layers.store, pyogrio, json;print(json.dumps(sorted(pyogrio.list_drivers())))"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert set(json.loads(run.stdout)) <= {"FlatGeobuf", "GPKG", "GeoJSON", "MEM"}


def test_reading_in_several_threads_gives_each_its_own_file(tmp_path: Path) -> None:
    files = []
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        files.append(parcels_file(tmp_path / str(number), count=number + 1))
    counts: dict[int, int] = {}

    def count(number: int) -> None:
        counts[number] = len(read(files[number]).cells)

    threads = [threading.Thread(target=count, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {0: 1, 1: 2, 2: 3, 3: 4}


def _triggers(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    return [f'"{name}"' for (name,) in rows]

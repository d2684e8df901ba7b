"""Files made to do harm: nothing in them is followed, run or believed."""

from __future__ import annotations

import io
import json
import shutil
import socket
import sqlite3
import struct
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from layers import archives
from layers.errors import LayerError, ReadError
from layers.isolation import attempt
from layers.raw import RawLayer, Wanted
from layers.reading import read_layer
from layers.store import Workspace
from tests.layers.layer_files import (
    degrees_square,
    feature,
    fingerprint,
    parcels_file,
    run_sql,
    write_geojson,
)

NAMES = ("a.geojson", "a.gpkg", "a.kml", "a.shp", "a.gml", "a.tab", "a.mif", "a.osm", "a.fgb",
         "a.vrt", "a.json", "a.xml", "a.zip", "a.parquet")  # fmt: skip
VIRTUAL = {
    "vrt": "<OGRVRTDataSource><OGRVRTLayer name='secret'><SrcDataSource>{canary}</SrcDataSource>"
    "</OGRVRTLayer></OGRVRTDataSource>",
    "vrt_url": "<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>/vsicurl/{url}a.geojson"
    "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
    "wfs": "<OGRWFSDataSource><URL>{url}wfs</URL></OGRWFSDataSource>",
    "gdalg": '{{"type": "gdal_streamed_alg",'
    ' "command_line": "gdal vector pipeline ! read {canary} ! write x"}}',
    "esrijson": '{{"displayFieldName": "", "url": "{url}FeatureServer/0/query?f=json"}}',
    "url": "{url}a.geojson",
    "path": "{canary}",
    "http": "HTTP/1.1 302 Found\r\nLocation: {url}\r\n\r\n",
}
KML_BODY = (
    "<Document><Placemark><name>{name}</name><Point><coordinates>114.86,31.63</coordinates>"
    "</Point></Placemark></Document>"
)


@pytest.fixture
def listener() -> Iterator[str]:
    """An address on this machine that nobody may ask for anything."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.1)
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that no upload may bring to light."""
    (tmp_path / "secret").mkdir()
    return write_geojson(
        tmp_path / "secret" / "canary.geojson", [feature(degrees_square(), parcel_id="CANARY")]
    )


def read(path: Path, source_layer: str | None = None) -> RawLayer:
    return read_layer(path, source_layer=source_layer, layer="parcels")


def told(path: Path) -> str:
    """Everything that reading a file tells, as text."""
    result, _outcome = attempt(path, Wanted("parcels"))
    if isinstance(result, Exception):
        assert isinstance(result, ReadError)
        return str(result)
    return result.cells.to_string() + str(result.notes) + str(result.skipped)


@pytest.mark.parametrize("kind", VIRTUAL)
def test_reference_in_any_disguise_is_not_followed(
    tmp_path: Path, listener: str, canary: Path, kind: str
) -> None:
    for name in NAMES:
        path = tmp_path / name
        path.write_text(VIRTUAL[kind].format(url=listener, canary=canary))
        with pytest.raises(ReadError) as refusal:
            read(path)
        assert "CANARY" not in str(refusal.value)


def test_links_of_a_kml_file_are_not_followed_but_told(tmp_path: Path, listener: str) -> None:
    path = tmp_path / "a.kml"
    link = f"<NetworkLink><Link><href>{listener}a.kml</href></Link></NetworkLink>"
    path.write_text(
        f"<kml>{KML_BODY.format(name='a').replace('<Placemark', link + '<Placemark')}</kml>"
    )
    raw = read(path)
    assert len(raw.cells) == 1
    assert [one.reason for one in raw.skipped] == ["指向别处的文件,不读取"]


def test_schema_and_links_of_a_gml_file_are_not_fetched(
    tmp_path: Path, listener: str, canary: Path
) -> None:
    path = tmp_path / "a.gml"
    path.write_text(
        f'<f:c xmlns:f="http://x/f" xmlns:gml="http://www.opengis.net/gml/3.2"'
        f' xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="http://x/f {listener}a.xsd"><f:member><f:t>'
        f'<f:n xlink:href="{canary}#x"/><f:g xlink:href="{listener}a.gml#y"/>'
        "<f:p><gml:Point><gml:pos>1 2</gml:pos></gml:Point></f:p></f:t></f:member></f:c>"
    )
    assert "CANARY" not in told(path)


XXE = '<!DOCTYPE a [<!ENTITY x SYSTEM "{place}">]>'
LAUGHS = "<!DOCTYPE a [<!ENTITY l0 'ha'>{}]>".format(
    "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
)


BODIES = {
    "a.kml": f"<kml>{KML_BODY.format(name='&x;&l9;')}</kml>",
    "a.gml": '<f:c xmlns:f="http://x" xmlns:gml="http://www.opengis.net/gml">&x;&l9;</f:c>',
    "a.osm": '<osm version="0.6"><node id="1" lat="1" lon="1"><tag k="&x;" v="&l9;"/></node></osm>',
}


@pytest.mark.parametrize("before", ["", "<!-- <kml> -->", "<?pi <a> ?>\n", "\ufeff"])
@pytest.mark.parametrize("doctype", [XXE, LAUGHS, "<!DOCTYPE a SYSTEM '{place}'>"])
def test_document_type_is_refused(
    tmp_path: Path, listener: str, canary: Path, doctype: str, before: str
) -> None:
    for place in (listener, canary.as_uri()):
        head = before + doctype.replace("{place}", str(place))
        for name, body in BODIES.items():
            path = tmp_path / name
            path.write_text(head + body, encoding="utf-8")
            with pytest.raises(ReadError, match=r"DOCTYPE|不是可以读取的格式"):
                read_layer(path, source_layer=None, layer="nodes")


def test_document_type_in_utf16_is_refused(tmp_path: Path, canary: Path) -> None:
    path = tmp_path / "a.kml"
    text = XXE.replace("{place}", str(canary)) + f"<kml>{KML_BODY.format(name='&x;')}</kml>"
    path.write_text(text, encoding="utf-16")
    with pytest.raises(ReadError, match="DOCTYPE"):
        read(path)


def test_page_in_a_description_is_no_document_type(tmp_path: Path) -> None:
    path = tmp_path / "a.kml"
    page = "<description><![CDATA[<!DOCTYPE html><p>x]]></description>"
    path.write_text(f"<kml>{KML_BODY.format(name='a').replace('<Point>', page + '<Point>')}</kml>")
    assert read(path).cells["description"].tolist() == ["<!DOCTYPE html><p>x"]


@pytest.mark.parametrize("kind", ["View", "LINKED", "DBF", "seamless"])
def test_mapinfo_table_that_names_other_files_is_refused(
    foreign: Path, tmp_path: Path, canary: Path, kind: str
) -> None:
    for part in (".tab", ".dat", ".map", ".id"):
        shutil.copyfile(foreign / f"a{part}", tmp_path / f"a{part}")
    text = (tmp_path / "a.tab").read_bytes()
    if kind == "seamless":
        text += b'\nbegin_metadata\n"\\IsSeamless" = "TRUE"\nend_metadata\n'
    else:
        text = text.replace(b"Type NATIVE", f"Type {kind}".encode())
    (tmp_path / "a.tab").write_bytes(text)
    with pytest.raises(ReadError, match="不是独立的 MapInfo 表"):
        read(tmp_path / "a.tab")


def test_sibling_that_is_a_link_is_not_read(foreign: Path, tmp_path: Path) -> None:
    for part in (".shp", ".shx"):
        shutil.copyfile(foreign / f"gb18030{part}", tmp_path / f"a{part}")
    (tmp_path / "a.dbf").symlink_to(foreign / "gb18030.dbf")
    raw = read(tmp_path / "a.shp")
    assert "没有 .dbf,只有图形,没有属性" in raw.notes


# --- archives -----------------------------------------------------------------------------------


def archive(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "name", ["../planted.geojson", "a/../../planted.geojson", "/tmp/planted.geojson",
             "..\\planted.geojson", "C:\\planted.geojson", "a\nb.geojson"],
)  # fmt: skip
def test_entry_that_would_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "a.zip", {name: b'{"type": "FeatureCollection", "features": []}'})
    before = fingerprint(tmp_path)
    with pytest.raises(ReadError, match=r"链接、绝对路径或 \.\. 路径"):
        read(path)
    assert fingerprint(tmp_path) == before


def test_link_in_an_archive_is_refused(tmp_path: Path, canary: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        entry = zipfile.ZipInfo("a.geojson")
        entry.external_attr = 0o120777 << 16
        packed.writestr(entry, str(canary))
    with pytest.raises(ReadError, match="链接"):
        read(path)


def test_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.geojson": bytes(50_000_000)})
    with pytest.raises(ReadError, match="压缩比超过 100 倍"):
        read(path)


def test_bomb_whose_directory_lies_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.geojson": bytes(50_000_000)})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    struct.pack_into("<II", content, at + 20, 40_000_000, 50_000_000)  # packed, unpacked
    path.write_bytes(content)
    with pytest.raises(ReadError):
        read(path)


def test_sum_of_what_is_unpacked_is_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 1000)
    path = archive(tmp_path / "a.zip", {f"{n}.geojson": bytes(400) for n in range(3)})
    with pytest.raises(ReadError, match="解压后超过"):
        archives.read_archive(
            path, Wanted("parcels"), suffixes=frozenset({".geojson"}), read=None, tell=None
        )


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {f"{n}.geojson": b"{}" for n in range(10_000)})
    with pytest.raises(ReadError, match="压缩包有 10000 个条目,上限 200 个"):
        read(path)


@pytest.mark.parametrize("name", ["b.zip", "b.kmz", "b.tar", "b.7z", "b.GZ"])
def test_archive_in_an_archive_is_refused(tmp_path: Path, name: str) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("a.geojson", b"{}")
    path = archive(tmp_path / "a.zip", {name: inner.getvalue()})
    with pytest.raises(ReadError, match="压缩包里还有压缩包"):
        read(path)


def test_archive_in_disguise_in_an_archive_is_refused(tmp_path: Path) -> None:
    inner = archive(tmp_path / "b.zip", {"a.geojson": b"{}"}).read_bytes()
    with pytest.raises(ReadError, match="内容是 ZIP"):
        read(archive(tmp_path / "a.zip", {"a.geojson": inner}))


def test_archive_with_a_password_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.geojson": b"{}"})
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    path.write_bytes(content)
    with pytest.raises(ReadError, match="压缩包有密码"):
        read(path)


# --- GeoPackage ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["'; DROP TABLE gpkg_contents; --", 'a" UNION SELECT 1 --', "a]b", "a`b", "宗地;", "%s{0}$x"],
)
def test_name_of_a_table_is_never_run(tmp_path: Path, name: str) -> None:
    path = parcels_file(tmp_path)
    quoted = '"' + name.replace('"', '""') + '"'
    with closing(sqlite3.connect(path)) as database:
        triggers = database.execute(
            "SELECT name FROM sqlite_master WHERE type='trigger'"
        ).fetchall()
        for (trigger,) in triggers:
            database.execute(f'DROP TRIGGER "{trigger}"')
        database.execute(f"ALTER TABLE things RENAME TO {quoted}")
        for table in ("gpkg_contents", "gpkg_geometry_columns"):
            database.execute(f"UPDATE {table} SET table_name = ?", (name,))
        database.commit()
    raw = read(path)
    assert (raw.source_layer, len(raw.cells)) == (name, 3)


def test_generated_column_that_would_take_for_ever_is_stopped(tmp_path: Path) -> None:
    path = parcels_file(tmp_path)
    run_sql(path, "ALTER TABLE things ADD COLUMN big AS (length(zeroblob(900000000)))")
    result, outcome = attempt(path, Wanted("parcels"))
    assert isinstance(result, ReadError | RawLayer)
    assert outcome.seconds < 11


# --- geometry and text --------------------------------------------------------------------------


def test_nul_and_controls_are_removed_at_the_door_of_every_text(
    tmp_path: Path, workspace: Workspace, foreign: Path
) -> None:
    names = ["a\x00b\x1f", "\ud800c", "\x9fd"]
    features = [
        feature(degrees_square(114.86 + n / 1000), parcel_id=f"P{n}\x00", name=name)
        for n, name in enumerate(names)
    ]
    result = workspace.import_layer("parcels", write_geojson(tmp_path / "a.geojson", features))
    assert "已去除 6 个单元格中的控制字符" in result.notes
    stored = workspace.survey().tables["parcels"]
    assert stored.index.tolist() == ["P0", "P1", "P2"]
    assert stored["name"].tolist() == ["ab", "c", "d"]
    kml = tmp_path / "a.kml"
    kml.write_text("<kml>" + KML_BODY.format(name="a\x00b\x0bc") + "</kml>")
    raw = read(kml)
    assert raw.cells["name"].tolist() == ["abc"]
    assert raw.notes == ("已去除 2 个控制字符",)


@pytest.mark.parametrize(
    ("coordinates", "rows"),
    [
        ([[[0, 0], [1e-4, 0], [1e-4, 1e-4], [0, 1e-4]]], 0),  # not closed: there is one way to
        ([[[0, 0], [1e-4, 1e-4], [1e-4, 0], [0, 1e-4], [0, 0]]], 1),  # crosses itself
        ([[[0, 0], [0, 0], [0, 0], [0, 0]]], 1),  # no area
        ([[[float("nan"), 0], [1e-4, 0], [1e-4, 1e-4], [float("nan"), 0]]], 1),
        ([[[float("inf"), 0], [1e-4, 0], [1e-4, 1e-4], [float("inf"), 0]]], 1),
        ([[]], 1),
    ],
)  # fmt: skip
def test_bad_ring_costs_its_row_and_no_other(
    tmp_path: Path, workspace: Workspace, coordinates: list[object], rows: int
) -> None:
    moved = json.loads(json.dumps(coordinates))
    for ring in moved:
        for place in ring:
            place[0], place[1] = place[0] + 114.86, place[1] + 31.63
    bad = feature({"type": "Polygon", "coordinates": moved}, parcel_id="bad")
    good = [feature(degrees_square(114.87 + n / 1000), parcel_id=f"P{n}") for n in range(2)]
    path = write_geojson(tmp_path / "a.geojson", [bad, *good])
    try:
        result = workspace.import_layer("parcels", path, accept_valid=True)
    except LayerError as refusal:
        pytest.fail(str(refusal))
    named = {problem.row for problem in result.problems}
    assert result.rows_in == 3
    assert result.rows + result.rejected == 3
    assert named == ({1} if rows else set())

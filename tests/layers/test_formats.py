"""The same table comes out of every format; what a file lacks or says wrongly is told."""

from __future__ import annotations

import gzip
import shutil
import struct
import zipfile
from pathlib import Path

import pytest
import shapely

from layers.errors import ReadError
from layers.grids import cutter
from layers.raw import RawLayer
from layers.reading import read_layer
from layers.store import Workspace
from tests.layers.foreign_files import CORNERS, IDS, NAMES, table

PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
KML = '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'
PLACEMARK = (
    "<Placemark><name>{name}</name><Point><coordinates>114.86,31.63,5</coordinates></Point>"
    "</Placemark>"
)
GML = (
    '<?xml version="1.0" encoding="UTF-8"?><f:things xmlns:f="http://example/f"'
    ' xmlns:gml="http://www.opengis.net/gml/3.2"><f:member><f:thing gml:id="t1"><f:n>007</f:n>'
    '<f:geometry><gml:Point srsName="{srs}"><gml:pos>{pos}</gml:pos></gml:Point></f:geometry>'
    "</f:thing></f:member></f:things>"
)


def read(path: Path, source_layer: str | None = None, layer: str = "parcels") -> RawLayer:
    return read_layer(path, source_layer=source_layer, layer=layer)


def shapefile(foreign: Path, folder: Path, *, leave: str = "", name: str = "gb18030") -> Path:
    """Copy a shapefile without some of its parts, called 宗地."""
    for part in PARTS:
        if part not in leave.split():
            shutil.copyfile(foreign / f"{name}{part}", folder / f"宗地{part}")
    return folder / "宗地.shp"


def write_kml(path: Path, inside: str, encoding: str = "utf-8") -> Path:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + KML.format(inside)
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("a.gpkg", 4), ("a.geojson", 4), ("a.fgb", 4), ("a.parquet", 4), ("a.kml", 4),
        ("a.kmz", 4), ("a.gml", 4), ("a.tab", 3), ("a.mif", 3), ("gb18030.shp", 3), ("a.zip", 3),
    ],
)  # fmt: skip
def test_every_format_gives_the_same_rows(foreign: Path, name: str, rows: int) -> None:
    raw = read(foreign / name)
    kept = [0, 1, 3] if rows == 3 else [0, 1, 2, 3]  # é has no place in GBK
    found = {
        row["宗地编号"]: (row["名称"] or "", shape)
        for row, shape in zip(raw.cells.to_dict("records"), raw.shapes, strict=True)
    }
    assert {one: text for one, (text, _shape) in found.items()} == {IDS[n]: NAMES[n] for n in kept}
    in_degrees = raw.crs.is_geographic
    expected = table("EPSG:4490" if in_degrees else "EPSG:4547")
    for n in kept:  # the coordinates of a TAB file are whole steps of its grid, here 0.02 m
        tolerance = 1e-9 if in_degrees else 0.02
        assert found[IDS[n]][1].equals_exact(
            expected.geometry[n].normalize(), tolerance, normalize=True
        )
    assert raw.unreadable == {}
    assert raw.skipped == ()


@pytest.mark.parametrize("name", ["a.gpkg", "a.fgb", "a.parquet", "a.tab", "a.zip", "a.kmz"])
def test_every_format_is_imported(foreign: Path, name: str, workspace: Workspace) -> None:
    result = workspace.import_layer("parcels", foreign / name)
    assert result.rows == result.rows_in == len(read(foreign / name).cells)
    stored = workspace.survey().tables["parcels"]
    x, y = CORNERS[0]
    # GCS 2000 and WGS 84 are one within a metre, and CGCS2000 lies in the file as such elsewhere.
    assert stored.geometry["P1"].distance(shapely.box(x, y, x + 10, y + 10)) < 1
    assert stored["name"]["P1"] == "新县第一小学"


# --- shapefiles ---------------------------------------------------------------------------------


def test_gbk_without_cpg_is_read_and_said(foreign: Path, tmp_path: Path) -> None:
    raw = read(shapefile(foreign, tmp_path, leave=".cpg"))
    assert raw.cells["名称"].tolist() == ["新县第一小学", "将军路18号", None]
    assert raw.notes == ("没有 .cpg,文字按 GB18030 读取",)


def test_utf8_without_cpg_is_read_and_said(foreign: Path, tmp_path: Path) -> None:
    raw = read(shapefile(foreign, tmp_path, leave=".cpg", name="utf-8"))
    assert raw.cells["名称"].tolist() == ["新县第一小学", "将军路18号", None]
    assert raw.notes == ("没有 .cpg,文字按 UTF-8 读取",)


@pytest.mark.parametrize(
    ("name", "declared", "used"),
    [("gb18030", "UTF-8", "GB18030"), ("utf-8", "GBK", "UTF-8"), ("gb18030", "klingon", "GB18030"),
     ("gb18030", "\x00\xff", "GB18030"), ("utf-8", "hex_codec", "UTF-8")],
)  # fmt: skip
def test_wrong_cpg_is_survived_and_said(
    foreign: Path, tmp_path: Path, name: str, declared: str, used: str
) -> None:
    path = shapefile(foreign, tmp_path, name=name)
    path.with_suffix(".cpg").write_text(declared, encoding="latin-1")
    raw = read(path)
    assert raw.cells["名称"].tolist() == ["新县第一小学", "将军路18号", None]
    assert any("与内容不符" in note and used in note for note in raw.notes)


def rewrite_texts(path: Path, old: bytes, new: bytes) -> None:
    """Put other bytes of the same number in the place of a text of a table."""
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new.ljust(len(old))))


def test_cyrillic_is_read_by_its_cpg_and_by_its_language_byte(
    foreign: Path, tmp_path: Path
) -> None:
    path = shapefile(foreign, tmp_path)
    table = path.with_suffix(".dbf")
    for chinese, cyrillic in (("新县第一小学", "Кириллица"), ("将军路18号", "Улица 18")):
        rewrite_texts(table, chinese.encode("gb18030"), cyrillic.encode("cp1251"))
    for name, latin in (("宗地编号", "id"), ("名称", "name")):
        rewrite_texts(
            table, name.encode("gb18030"), latin.encode().ljust(len(name.encode("gb18030")), b"\0")
        )
    path.with_suffix(".cpg").write_text("windows-1251")
    assert read(path).cells["name"].tolist() == ["Кириллица", "Улица 18", None]
    path.with_suffix(".cpg").unlink()
    content = bytearray(table.read_bytes())
    content[29] = 0xC9  # Windows Cyrillic
    table.write_bytes(content)
    assert read(path).cells["name"].tolist() == ["Кириллица", "Улица 18", None]


def test_text_of_unknown_encoding_stays_bytes_and_is_a_problem_of_its_row(
    foreign: Path, tmp_path: Path, workspace: Workspace
) -> None:
    path = shapefile(foreign, tmp_path, leave=".cpg")
    table = path.with_suffix(".dbf")
    rewrite_texts(table, "新县第一小学".encode("gb18030"), "Cañón único".encode("latin-1"))
    rewrite_texts(table, "将军路18号".encode("gb18030"), b"plain")
    for name, latin in (("宗地编号", "parcel_id"), ("名称", "name")):
        rewrite_texts(table, name.encode("gb18030").ljust(9, b"\0"), latin.encode().ljust(9, b"\0"))
    raw = read(path)
    assert raw.cells["name"].tolist() == ["Cañón único".encode("latin-1"), "plain", None]
    assert "文字编码无法判明" in raw.notes[0]
    result = workspace.import_layer("parcels", path, accept_valid=True)
    assert (result.rows_in, result.rows, result.rejected) == (3, 2, 1)


def test_field_name_cut_within_a_character_keeps_its_whole_ones(
    foreign: Path, tmp_path: Path
) -> None:
    path = shapefile(foreign, tmp_path, name="utf-8")
    assert "宗地编号".encode()[:10] + b"\0" in path.with_suffix(".dbf").read_bytes()
    assert "宗地编" in read(path).cells.columns


@pytest.mark.parametrize("damage", ["absent", "short", "wrong"])
def test_index_is_made_anew(foreign: Path, tmp_path: Path, damage: str) -> None:
    path = shapefile(foreign, tmp_path, leave=".shx" if damage == "absent" else "")
    if damage == "short":
        content = path.with_suffix(".shx").read_bytes()
        path.with_suffix(".shx").write_bytes(content[:-8])
    if damage == "wrong":
        content = path.with_suffix(".shx").read_bytes()
        path.with_suffix(".shx").write_bytes(content[:100] + content[108:] + content[100:108][::-1])
    raw = read(path)
    assert "没有可用的索引 .shx,已由 .shp 重建" in raw.notes
    assert [shape.bounds[0] for shape in raw.shapes] == [CORNERS[n][0] for n in (0, 1, 3)]


def test_bytes_after_the_last_record_are_left_out_and_said(foreign: Path, tmp_path: Path) -> None:
    path = shapefile(foreign, tmp_path, leave=".shx")
    path.write_bytes(path.read_bytes() + b"\xff" * 20)
    raw = read(path)
    assert len(raw.cells) == 3
    assert ".shp 末尾 20 字节不成图形(中断或多余),已忽略" in raw.notes


def test_shapefile_cut_short_keeps_every_row(foreign: Path, tmp_path: Path) -> None:
    path = shapefile(foreign, tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    raw = read(path)
    assert len(raw.cells) == 3
    assert [shape is None for shape in raw.shapes] == [False, False, True]
    assert any("图形 2 个,属性 3 行" in note for note in raw.notes)


def test_record_that_is_no_shape_is_a_problem_of_its_row(foreign: Path, tmp_path: Path) -> None:
    path = shapefile(foreign, tmp_path)
    content = bytearray(path.read_bytes())
    at = 100 + 136  # the second record, after header and four corners of the first
    assert struct.unpack_from(">i", content, at) == (2,)
    struct.pack_into("<i", content, at + 8 + 36, 1_000_000)  # its number of rings
    path.write_bytes(content)
    raw = read(path)
    assert len(raw.cells) == 3
    assert raw.shapes[0] is not None
    assert raw.shapes[2] is not None
    assert raw.shapes[1] is None


def test_record_marked_as_deleted_is_left_out_and_said(foreign: Path, tmp_path: Path) -> None:
    path = shapefile(foreign, tmp_path)
    content = bytearray(path.with_suffix(".dbf").read_bytes())
    content[struct.unpack_from("<H", content, 8)[0]] = ord("*")
    path.with_suffix(".dbf").write_bytes(content)
    raw = read(path)
    assert raw.cells["宗地编号"].tolist() == ["P2", "P4"]
    assert raw.shapes[0].bounds[0] == CORNERS[1][0]
    assert [(one.what, one.reason) for one in raw.skipped] == [
        ("第 1 条记录", "已在原软件中标记为删除")
    ]


def test_number_that_is_none_stays_what_it_is(foreign: Path, tmp_path: Path) -> None:
    path = shapefile(foreign, tmp_path)
    content = path.with_suffix(".dbf").read_bytes()
    header, length = struct.unpack_from("<HH", content, 8)
    rows = [content[header + n * length : header + (n + 1) * length] for n in range(3)]
    width = content[32 * 3 + 16]
    rows[0] = rows[0][: length - width] + b"DN200".rjust(width)
    rows[1] = rows[1][: length - width] + b"*" * width
    path.with_suffix(".dbf").write_bytes(content[:header] + b"".join(rows) + b"\x1a")
    assert read(path).cells["n"].tolist() == ["DN200", None, 4]


def test_table_cut_short_is_refused(foreign: Path, tmp_path: Path) -> None:
    path = shapefile(foreign, tmp_path)
    content = path.with_suffix(".dbf").read_bytes()
    path.with_suffix(".dbf").write_bytes(content[:-50])
    with pytest.raises(ReadError, match=r"属性表 \.dbf 已损坏或不完整"):
        read(path)


def test_shapefile_without_prj_or_with_a_broken_one_declares_no_crs(
    foreign: Path, tmp_path: Path
) -> None:
    path = shapefile(foreign, tmp_path, leave=".prj")
    assert read(path).crs is None
    path.with_suffix(".prj").write_text("GEOGCS[nonsense")
    raw = read(path)
    assert raw.crs is None
    assert ".prj 无法解读,视为没有坐标系" in raw.notes


def test_siblings_in_capitals_are_found(foreign: Path, tmp_path: Path) -> None:
    for part in PARTS:
        shutil.copyfile(foreign / f"gb18030{part}", tmp_path / f"A{part.upper()}")
    assert read(tmp_path / "A.SHP").cells["名称"].tolist()[0] == "新县第一小学"


def test_shapes_alone_are_read_without_attributes(foreign: Path, tmp_path: Path) -> None:
    raw = read(shapefile(foreign, tmp_path, leave=".dbf .shx .cpg"))
    assert (len(raw.shapes), raw.cells.shape) == (3, (3, 0))
    assert "没有 .dbf,只有图形,没有属性" in raw.notes


# --- KML, GML -----------------------------------------------------------------------------------


def test_kml_folders_are_layers(tmp_path: Path) -> None:
    folders = "".join(
        f"<Folder><name>{name}</name>{PLACEMARK.format(name=name + '1')}</Folder>"
        for name in ("给水", "污水")
    )
    path = write_kml(tmp_path / "a.kml", folders)
    with pytest.raises(ReadError, match="须指明要导入的图层。文件中的图层:给水、污水。"):
        read(path)
    raw = read(path, "污水")
    assert raw.cells["name"].tolist() == ["污水1"]
    assert raw.shapes[0].equals_exact(shapely.Point(114.86, 31.63, 5))
    assert raw.crs.to_epsg() == 4326


def test_kml_data_of_a_phone_are_columns(tmp_path: Path) -> None:
    data = '<ExtendedData><Data name="管径"><value>DN200</value></Data></ExtendedData>'
    path = write_kml(
        tmp_path / "a.kml", PLACEMARK.format(name="1").replace("<Point>", data + "<Point>")
    )
    raw = read(path)
    assert raw.cells["管径"].tolist() == ["DN200"]


@pytest.mark.parametrize("encoding", ["gb2312", "gbk", "utf-16", "utf-8"])
def test_kml_in_another_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = write_kml(tmp_path / "a.kml", PLACEMARK.format(name="新县"), encoding)
    assert read(path).cells["name"].tolist() == ["新县"]


def test_broken_ring_of_a_kml_file_is_a_problem_of_its_row(tmp_path: Path) -> None:
    ring = (
        "<Placemark><name>bad</name><Polygon><outerBoundaryIs><LinearRing><coordinates>"
        "114.86,31.63 114.87,31.64</coordinates></LinearRing></outerBoundaryIs></Polygon>"
        "</Placemark>"
    )
    raw = read(write_kml(tmp_path / "a.kml", ring + PLACEMARK.format(name="good")))
    assert raw.cells["name"].tolist() == ["bad", "good"]
    assert set(raw.unreadable) == {0}


@pytest.mark.parametrize(
    ("srs", "pos"),
    [
        ("urn:ogc:def:crs:EPSG::4490", "31.63 114.86"),
        ("http://www.opengis.net/def/crs/EPSG/0/4490", "31.63 114.86"),
        ("EPSG:4490", "114.86 31.63"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "114.86 31.63"),
    ],
)
def test_gml_is_read_x_east_whatever_its_axes(tmp_path: Path, srs: str, pos: str) -> None:
    path = tmp_path / "a.gml"
    path.write_text(GML.format(srs=srs, pos=pos))
    raw = read(path)
    assert raw.shapes[0].equals_exact(shapely.Point(114.86, 31.63))
    assert raw.cells["n"].tolist() == ["007"]  # not the number 7
    assert raw.crs.is_geographic


def test_gml_in_northing_and_easting_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "a.gml"
    path.write_text(GML.format(srs="urn:ogc:def:crs:EPSG::4547", pos="3500400 581600"))
    assert read(path).shapes[0].equals_exact(shapely.Point(581600, 3500400))


# --- MapInfo, columnar --------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".tab", ".mif"])
def test_wrong_charset_of_mapinfo_is_survived_and_said(
    foreign: Path, tmp_path: Path, suffix: str
) -> None:
    for part in (".tab", ".dat", ".map", ".id", ".mif", ".mid"):
        shutil.copyfile(foreign / f"a{part}", tmp_path / f"a{part}")
    path = tmp_path / f"a{suffix}"
    path.write_bytes(path.read_bytes().replace(b"WindowsSimpChinese", b"WindowsLatin1"))
    raw = read(path)
    assert raw.cells["名称"].tolist() == ["新县第一小学", "将军路18号", ""]
    assert raw.notes == ("声明的字符集“WindowsLatin1”与内容不符,文字按 GB18030 读取",)


def test_tab_without_its_parts_is_refused(foreign: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(foreign / "a.tab", tmp_path))
    with pytest.raises(ReadError, match=r"旁边没有同名的 \.dat 文件"):
        read(path)


def test_parquet_without_geometry_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table().drop(columns="geometry").to_parquet(path)
    with pytest.raises(ReadError, match="不是 GeoParquet"):
        read(path)


def test_geoparquet_that_says_its_crs_is_unknown_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table().set_crs(None, allow_override=True).to_parquet(path)
    assert read(path).crs is None


# --- archives -----------------------------------------------------------------------------------


def test_several_layers_in_an_archive_need_a_choice(foreign: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("宗地", "道路"):
            for part in PARTS:
                archive.write(foreign / f"gb18030{part}", f"{name}{part}")
        archive.writestr("说明.txt", "由某软件导出")
    with pytest.raises(ReadError, match="须指明要导入的图层。文件中的图层:宗地、道路。"):
        read(path)
    assert read(path, "道路").source_layer == "道路"


def test_names_in_gbk_of_an_archive_are_read(foreign: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in PARTS:
            archive.write(foreign / f"gb18030{part}", f"XXXX{part}")
    content = path.read_bytes()  # as Windows in Chinese writes it: no mark of UTF-8, bytes of GBK
    path.write_bytes(content.replace(b"XXXX", "宗地".encode("gbk")))
    assert read(path).source_layer == "宗地"


def test_layer_inside_a_file_inside_an_archive_is_chosen(foreign: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(foreign / "a.gpkg", "a.gpkg")
    assert read(path, "things").source_layer == "things"


def test_gzip_is_read_by_what_it_holds(foreign: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson.gz"
    path.write_bytes(gzip.compress((foreign / "a.geojson").read_bytes()))
    raw = read(path)
    assert (raw.file, len(raw.cells)) == ("a.geojson.gz", 4)


def test_name_that_contradicts_the_content_is_refused_for_all_formats(
    foreign: Path, tmp_path: Path
) -> None:
    for name in ("a.fgb", "a.parquet", "a.kml", "a.gml", "a.tab", "a.mif", "a.zip", "a.osm.pbf"):
        path = tmp_path / "a.geojson"
        shutil.copyfile(foreign / name, path)
        with pytest.raises(ReadError, match=r"扩展名应为 \."):
            read(path)


def test_a_delimiter_inside_quotation_marks_cuts_nothing(tmp_path: Path) -> None:
    """However many each line holds, as a column of notes has."""
    rows = [f'T{n},给水,310{n},583{n},"{"阀门井," * n}完好"' for n in range(4)]
    file = tmp_path / "points.csv"
    file.write_text("\n".join(["点号,专业,北坐标,东坐标,备注", *rows]), encoding="utf-8")
    found = read(file, layer="nodes")
    assert found.cells["备注"].tolist() == [f"{'阀门井,' * n}完好" for n in range(4)]


def test_a_quotation_mark_alone_does_not_hide_the_delimiter(tmp_path: Path) -> None:
    rows = [f'T{n},给水,310{n},583{n},5"' for n in range(4)]
    assert next(iter(cutter(rows)(rows)))[:2] == ["T0", "给水"]

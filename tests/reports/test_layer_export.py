"""Exported layers, read again by other readers: every id, every value, every shape in its place."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import ezdxf
import geopandas as gpd
import numpy as np
import pytest
import shapefile
import shapely
from pyproj import CRS, Transformer
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

import layers.gdal_safety
from layers.dbf import short_names
from layers.fields import layer_definition
from layers.store import Workspace
from layers.utilities import load_utilities
from reports.exchange import ExportError
from reports.layer_export import WRITERS, write_layer
from reports.layer_styles import looks
from tests.layers.layer_files import EAST, NORTH, line, square, write_gpkg

KML = "{http://www.opengis.net/kml/2.2}"
ODD = "=1+1"
LONG = "很长的说明" * 60  # 900 bytes


def at(x: float, y: float) -> tuple[float, float]:
    return EAST + x, NORTH + y


HOLED = Polygon(box(*at(0, 0), *at(40, 40)).exterior, [box(*at(10, 10), *at(20, 20)).exterior])
SOURCES: dict[str, tuple[dict[str, list[Any]], list[shapely.Geometry]]] = {
    "lines": (
        {
            "line_id": ["W-1", ODD, "热-3"],
            "utility": ["water", "gas", "sewage"],
            "diameter_mm": [300.0, None, 400.125],
            "material": ["球墨铸铁", None, None],
            "owner": ["<b>&\"'", ODD, LONG],
        },
        [line((0.1234567, 0), (100, 0.3)), line((0, 5), (9, 5), (9, 7)), line((3, 3), (1, 1))],
    ),
    "parcels": (
        {"parcel_id": ["P1", "P2", "P3"], "name": ["一", None, "-5"], "land_use": ["教育"] * 3},
        [square(60, 0), HOLED, MultiPolygon([square(90, 0), square(110, 0)])],
    ),
    "trees": ({"tree_id": ["T1", "T2"]}, [Point(*at(1, 2)), Point(*at(3, 4))]),
    "buildings": (
        {"building_id": ["B1", "B2"], "floors": [3, None]},
        [square(0, 0), square(20, 0)],
    ),
    "planned_works": (
        {"planned_work_id": ["1", "2"], "utility": ["power", None]},
        [line((0, 0), (5, 5)), square(0, 0)],
    ),
    "roads": ({"road_id": ["R1", "R2"], "on_bridge": [True, None]}, [line((0, 0), (9, 0))] * 2),
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("exports")
    made = Workspace.create(folder / "workspace", "411523_xinxian", "EPSG:4547")
    for layer, (columns, shapes) in SOURCES.items():
        file = write_gpkg(folder / f"{layer}.gpkg", columns, shapes)
        made.import_layer(layer, file)
    return made


def exported(
    opened: Workspace, layer: str, suffix: str, folder: Path
) -> tuple[gpd.GeoDataFrame, Path, list[str]]:
    table = opened.read(opened.version(layer))
    file = folder / f"{layer}{suffix}"
    notes = write_layer(table, layer, file, lambda: None)
    assert list(folder.iterdir()) == [file]
    return table, file, notes


def known(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Cells without those that are unknown."""
    return {k: v for k, v in cells.items() if v is not None and v != "" and v == v}


def same_places(
    shapes: list[shapely.Geometry], table: gpd.GeoDataFrame, crs: object = None
) -> None:
    """Assert that shapes lie where those of a table do, within a millimetre."""
    found = np.array(shapes, dtype=object)
    if crs is not None:
        back = Transformer.from_crs(CRS(crs), table.crs, always_xy=True)
        found = shapely.transform(found, lambda xy: np.column_stack(back.transform(*xy.T)))
    assert len(found) == len(table)
    assert shapely.hausdorff_distance(found, np.asarray(table.geometry)).max() < 1e-3
    assert np.abs(shapely.area(found) - table.area.to_numpy()).max() < 0.2


@pytest.mark.parametrize("layer", SOURCES)
def test_geojson_is_that_of_the_standard(opened: Workspace, layer: str, tmp_path: Path) -> None:
    table, file, notes = exported(opened, layer, ".geojson", tmp_path)
    document = json.loads(file.read_text("utf-8"))
    assert "crs" not in document
    assert document["note"] == notes[0]
    assert "WGS 84" in notes[0]
    features = document["features"]
    assert [one["id"] for one in features] == list(table.index)
    for one in features:
        expected = known(table.loc[one["id"]].drop("geometry").to_dict())
        assert known(one["properties"]) == {table.index.name: one["id"], **expected}
    shapes = [shapely.geometry.shape(one["geometry"]) for one in features]
    for polygon in (part for shape in shapes for part in shapely.get_parts(shape)):
        if polygon.geom_type == "Polygon":
            assert polygon.exterior.is_ccw
            assert not any(ring.is_ccw for ring in polygon.interiors)
    same_places(shapes, table, 4326)


def gpkg_shape(blob: bytes) -> shapely.Geometry:
    """A shape from GeoPackage's own envelope of WKB."""
    assert blob[:2] == b"GP"
    envelope = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}[(blob[3] >> 1) & 7]
    return shapely.from_wkb(blob[8 + envelope :])


@pytest.mark.parametrize("layer", SOURCES)
def test_geopackage_has_all_that_it_must(opened: Workspace, layer: str, tmp_path: Path) -> None:
    table, file, _notes = exported(opened, layer, ".gpkg", tmp_path)
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        ask = lambda query: database.execute(query).fetchall()  # noqa: E731
        assert ask("PRAGMA application_id")[0][0] == 0x47504B47
        assert ask("PRAGMA user_version")[0][0] == 10200
        assert ask("PRAGMA integrity_check")[0][0] == "ok"
        assert ask(f"SELECT count(*) FROM rtree_{layer}_geom")[0][0] == len(table)
        assert ask("SELECT srs_id FROM gpkg_geometry_columns")[0][0] == 4547
        rows = ask(f"SELECT * FROM {layer} ORDER BY fid")
        contents = {
            one["table_name"]: one["data_type"] for one in ask("SELECT * FROM gpkg_contents")
        }
        styled = contents.get("layer_styles")
        styles = ask("SELECT * FROM layer_styles") if styled else []
    assert [row[table.index.name] for row in rows] == list(table.index)
    for row in rows:
        expected = known(table.loc[row[table.index.name]].drop("geometry").to_dict())
        assert known({name: row[name] for name in layer_definition(layer).names[1:]}) == expected
    same_places([gpkg_shape(row["geom"]) for row in rows], table)
    assert contents[layer] == "features"
    if layer == "planned_works":
        assert not styles
    else:
        assert styled == "attributes"
        assert (styles[0]["f_table_name"], styles[0]["useAsDefault"]) == (layer, 1)


def test_the_style_gives_each_utility_its_colour(opened: Workspace, tmp_path: Path) -> None:
    _table, file, _notes = exported(opened, "lines", ".gpkg", tmp_path)
    with closing(sqlite3.connect(file)) as database:
        text, descriptor = database.execute(
            "SELECT styleQML, styleSLD FROM layer_styles"
        ).fetchone()
    root = ET.fromstring(text)
    renderer = root.find("renderer-v2")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("attr")) == ("categorizedSymbol", "utility")
    colours = {
        symbol.get("name"): symbol.find("layer/Option/Option[@name='line_color']").get("value")
        for symbol in root.iter("symbol")
    }
    seen = {one.get("value"): colours[one.get("symbol")] for one in root.iter("category")}
    assert seen.pop("") == "128,128,128,255"
    assert seen == {
        key: ",".join(map(str, (*one.cjj61_rgb, 255))) for key, one in load_utilities().items()
    }
    assert seen["water"] == "0,255,255,255"  # CJJ 61-2017 appendix B: sky blue
    sld = "{http://www.opengis.net/sld}"
    rules = ET.fromstring(descriptor).iter(f"{sld}Rule")
    strokes = [
        rule.find(f"{sld}LineSymbolizer/{sld}Stroke/{sld}CssParameter").text for rule in rules
    ]
    assert strokes == [look.hexed for look in looks("lines").values()]


@pytest.mark.parametrize("layer", SOURCES)
def test_shapefile_says_its_encoding_its_crs_and_its_fields(
    opened: Workspace, layer: str, tmp_path: Path
) -> None:
    table, file, notes = exported(opened, layer, ".zip", tmp_path)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts.pop("字段对照.csv").decode("utf-8-sig")
    fields = {row["列名"]: row["字段"] for row in csv.DictReader(io.StringIO(text))}
    assert list(fields.values()) == list(layer_definition(layer).names)
    assert all(len(name.encode()) <= 10 for name in fields)
    found: dict[str, tuple[dict[str, Any], shapely.Geometry]] = {}
    for stem in sorted({name.rpartition(".")[0] for name in parts}):
        assert parts[f"{stem}.cpg"] == b"UTF-8"
        assert "CGCS2000" in parts[f"{stem}.prj"].decode()
        opened_parts = {kind: io.BytesIO(parts[f"{stem}.{kind}"]) for kind in ("shp", "shx", "dbf")}
        with shapefile.Reader(**opened_parts, encoding="utf-8") as reader:
            for record in reader.iterShapeRecords():
                cells = {fields[k]: v for k, v in record.record.as_dict().items()}
                shape = shapely.geometry.shape(record.shape.__geo_interface__)
                found[cells[table.index.name]] = cells, shape
    assert set(found) == set(table.index)
    for key, (cells, _shape) in found.items():
        expected = known(table.loc[key].drop("geometry").to_dict())
        expected = {k: v[:84] if v == LONG else v for k, v in expected.items()}
        assert known(cells) == {table.index.name: key, **expected}
    same_places([found[key][1] for key in table.index], table)
    assert [note for note in notes if "截短" in note] == (
        ["字段 owner 有 1 处文字超过 254 字节,已截短。"] if layer == "lines" else []
    )


@pytest.mark.parametrize("layer", SOURCES)
def test_names_of_a_shapefile_are_short_and_differ(layer: str) -> None:
    names = layer_definition(layer).names
    short = short_names(names)
    assert len(set(short.values())) == len(names)
    assert max(len(name) for name in short.values()) <= 10


def test_names_that_begin_alike_are_numbered() -> None:
    names = [f"carriageway_{number}" for number in range(12)]
    short = short_names(names)
    assert list(short.values())[:3] == ["carriagewa", "carriage_2", "carriage_3"]
    assert short["carriageway_10"] == "carriag_11"


GDAL = """
import json, os, sys
os.environ["DXF_ENCODING"] = "UTF-8"
import pyogrio, shapely
meta, _fids, shapes, (layers,) = pyogrio.raw.read(sys.argv[1], columns=["Layer"])
print(json.dumps([layers.tolist(), shapely.to_wkt(shapely.from_wkb(shapes), 9).tolist()]))
"""


@pytest.mark.parametrize("layer", SOURCES)
def test_dxf_opens_without_a_fault_and_in_metres(
    opened: Workspace, layer: str, tmp_path: Path
) -> None:
    table, file, notes = exported(opened, layer, ".dxf", tmp_path)
    drawing = ezdxf.readfile(file)
    audit = drawing.audit()
    assert (len(audit.errors), len(audit.fixes)) == (0, 0)
    assert (drawing.header["$INSUNITS"], drawing.dxfversion) == (6, "AC1024")
    assert "EPSG:4547" in notes[0]
    ids = {}
    for entity in drawing.modelspace():
        texts = [value for _code, value in entity.get_xdata("TONGGOU")]
        cells = dict(text.split("=", 1) for text in texts)
        row = table.loc[cells[table.index.name]]
        ids.setdefault(cells[table.index.name], []).append(entity.dxf.layer)
        for name, value in known(row.drop("geometry").to_dict()).items():
            if isinstance(value, float):
                assert float(cells[name]) == value
            else:
                assert cells[name] == str(value)[: len(cells[name])]
                assert cells[name] == str(value) or value == LONG
        key = row.get("utility")
        assert entity.dxf.layer == looks(layer).get(key, looks(layer)[None]).name
    assert set(ids) == set(table.index)
    for look in looks(layer).values():
        assert drawing.layers.get(look.name).rgb == look.rgb
    # Its shapes as another reader sees them, who must be told that such a drawing is in UTF-8.
    shut = {*layers.gdal_safety._ENVIRONMENT, "OGR_SKIP"}
    read = subprocess.run(
        [sys.executable, "-c", GDAL, str(file)],
        capture_output=True, check=True, text=True, encoding="utf-8",
        env={k: v for k, v in os.environ.items() if k not in shut},
    )  # fmt: skip
    names, texts = json.loads(read.stdout)
    assert set(names) == {name for several in ids.values() for name in several}
    shapes = [shapely.force_2d(shapely.from_wkt(text)) for text in texts]
    outlines = [_outline(part) for shape in table.geometry for part in shapely.get_parts(shape)]
    together = shapely.union_all([_outline(shape) for shape in shapes])
    assert shapely.hausdorff_distance(together, shapely.union_all(outlines)) < 1e-3


def _outline(shape: shapely.Geometry) -> shapely.Geometry:
    return shape.boundary if shapely.get_dimensions(shape) == 2 else shape


def kml_ring(parent: ET.Element, path: str) -> list[list[float]]:
    text = parent.find(f"{path}{KML}coordinates").text
    return [[float(number) for number in pair.split(",")] for pair in text.split()]


def kml_shape(element: ET.Element) -> shapely.Geometry:
    kind = element.tag.removeprefix(KML)
    if kind == "MultiGeometry":
        return shapely.MultiPolygon([kml_shape(part) for part in element])
    if kind == "Polygon":
        inner = [
            kml_ring(one, f"{KML}LinearRing/") for one in element.iter(f"{KML}innerBoundaryIs")
        ]
        return Polygon(kml_ring(element, f"{KML}outerBoundaryIs/{KML}LinearRing/"), inner)
    points = kml_ring(element, "")
    return Point(points[0]) if kind == "Point" else LineString(points)


@pytest.mark.parametrize("layer", SOURCES)
def test_kml_has_every_cell_and_a_style_for_each_utility(
    opened: Workspace, layer: str, tmp_path: Path
) -> None:
    table, file, _notes = exported(opened, layer, ".kml", tmp_path)
    document = ET.parse(file).getroot().find(f"{KML}Document")
    assert document is not None
    styles = {
        style.get("id"): style.find(f"{KML}LineStyle/{KML}color").text
        for style in document.iter(f"{KML}Style")
    }
    shapes = []
    for place in document.iter(f"{KML}Placemark"):
        key = place.find(f"{KML}name").text
        row = table.loc[key]
        data = {one.get("name"): one.find(f"{KML}value").text for one in place.iter(f"{KML}Data")}
        expected = known(row.drop("geometry").to_dict())
        assert {k: v for k, v in data.items() if k != table.index.name} == {
            k: ("true" if v is True else str(int(v)) if k == "floors" else str(v))
            for k, v in expected.items()
        }
        style = place.find(f"{KML}styleUrl").text.removeprefix("#")
        assert style == (row.get("utility") or "other")
        assert style in styles
        shapes.append(kml_shape(place[-1]))
    if layer == "lines":
        assert styles["gas"] == "ffff00ff"
        assert styles["sewage"] == "ff26394c"  # 76, 57, 38 backwards
    same_places(shapes, table, 4326)


@pytest.mark.parametrize("layer", SOURCES)
def test_csv_computes_nothing_and_keeps_numbers(
    opened: Workspace, layer: str, tmp_path: Path
) -> None:
    table, file, notes = exported(opened, layer, ".csv", tmp_path)
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    assert "EPSG:4547" in notes[0]
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))
    assert [row[table.index.name].removeprefix("'") for row in rows] == list(table.index)
    for row, key in zip(rows, table.index, strict=True):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
        for name, value in table.loc[key].drop("geometry").items():
            cell = row[name]
            if value is None or value != value:
                assert cell == ""
            elif isinstance(value, float):
                assert float(cell) == value
            else:
                assert cell.removeprefix("'") == str(value)
    same_places([shapely.from_wkt(row["geometry_wkt"]) for row in rows], table)
    if layer == "buildings":
        assert rows[0]["floors"] == "3"


@pytest.mark.parametrize("suffix", WRITERS)
def test_an_empty_layer_is_an_empty_file_of_its_kind(suffix: str, tmp_path: Path) -> None:
    made = Workspace.create(tmp_path / "workspace", "411523_xinxian", "EPSG:4547")
    empty = write_gpkg(tmp_path / "a.gpkg", {"line_id": [], "utility": []}, [])
    made.import_layer("lines", empty)
    (tmp_path / "out").mkdir()
    _table, file, _notes = exported(made, "lines", suffix, tmp_path / "out")
    assert file.stat().st_size > 0


@pytest.mark.parametrize("suffix", WRITERS)
def test_an_export_that_is_not_permitted_leaves_the_file_of_before(
    opened: Workspace, suffix: str, tmp_path: Path
) -> None:
    table = opened.read(opened.version("lines"))
    file = tmp_path / f"a{suffix}"
    file.write_text("before")

    def refuse() -> None:
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        write_layer(table, "lines", file, refuse)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["before"]


@pytest.mark.parametrize("name", ["a.shp", "a", "a.xlsx"])
def test_a_kind_that_cannot_be_written_is_refused(
    opened: Workspace, name: str, tmp_path: Path
) -> None:
    table = opened.read(opened.version("lines"))
    with pytest.raises(ExportError, match=r"\.gpkg、\.geojson、\.zip、\.dxf、\.kml、\.csv"):
        write_layer(table, "lines", tmp_path / name, lambda: None)
    assert list(tmp_path.iterdir()) == []

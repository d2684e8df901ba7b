"""The kinds of files that can be read: how each is told by its bytes, its names, its reader."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from language import gettext as _
from layers.archives import entry_names, is_zip, read_archive, unpack_gzip
from layers.columnar import is_flatgeobuf, is_parquet, read_flatgeobuf, read_geoparquet
from layers.dxf import is_dxf, read_dxf, refuse_dwg
from layers.errors import FormatError, ReadError
from layers.geojson import read_geojson
from layers.geopackage import read_geopackage
from layers.gml import read_gml
from layers.grids import looks_like_table
from layers.inp import looks_like_inp, read_inp
from layers.kml import read_kml
from layers.mapinfo import is_mif, is_tab, read_mif, read_tab
from layers.osm import read_osm
from layers.raw import COORDINATES, RawLayer, Wanted
from layers.shapefile import read_shapefile
from layers.survey_tables import read_table
from layers.texts import beginning
from layers.xml_safety import root_of

_HEAD_BYTES = 4096
_GML = b"http://www.opengis.net/gml"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FIRST_NAME_BYTES = 64  # the name of an archive's first entry stands here, whatever its header says
_WORKBOOK_PARTS = (b"xl/", b"[Content_Types].xml", b"docProps/")
_TABLE_NAMES = frozenset({".csv", ".tsv", ".txt", ".dat"})


# Archives in archives are refused, and .xml beside other files is what catalogues say of them.
_NO_LAYERS = frozenset({".zip", ".kmz", ".gz", ".xml"})


@dataclass(frozen=True)
class Format:
    """A kind of file.

    ``content`` names what the bytes are, for messages; ``suffixes`` are the names that fit them;
    ``fits`` tells it from the first bytes. ``has_parts`` marks files with several layers inside,
    ``is_table`` files without geometry, whose columns hold coordinates.
    """

    name: str
    content: str
    suffixes: frozenset[str]
    fits: Callable[[bytes], bool]
    read: Callable[[Path, Wanted], RawLayer]
    has_parts: bool = False
    is_table: bool = False


def _is_sqlite(head: bytes) -> bool:
    return head.startswith(b"SQLite format 3\x00")


def _is_json(head: bytes) -> bool:
    return head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"{")


def _is_pbf(head: bytes) -> bool:
    return head[4:].startswith(b"\n\tOSMHeader")


def _is_gzip(head: bytes) -> bool:
    return head.startswith(b"\x1f\x8b")


def _root_is(*names: str) -> Callable[[bytes], bool]:
    return lambda head: root_of(head) in names


def _is_gml(head: bytes) -> bool:
    return root_of(head) is not None and _GML in head


def _is_shapefile(head: bytes) -> bool:
    return head.startswith(b"\x00\x00\x27\x0a")


def _read_gzip(path: Path, wanted: Wanted) -> RawLayer:
    """Read the file that a gzip file holds, by its own kind."""
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / path.stem
        unpack_gzip(path, inside)
        return replace(read_file(inside, wanted), file=path.name)


def _read_archive(path: Path, wanted: Wanted) -> RawLayer:
    return read_archive(path, wanted, suffixes=_IN_ARCHIVES, read=read_file, tell=kind_of)


def _is_inp(head: bytes) -> bool:
    return looks_like_inp(beginning(head) or "")


def _is_dwg(head: bytes) -> bool:
    return head.startswith(b"AC10")


def _is_workbook(head: bytes) -> bool:
    names = entry_names(head) + ([head[:_FIRST_NAME_BYTES]] if is_zip(head) else [])
    return any(part in name for name in names for part in _WORKBOOK_PARTS)


def _is_text_table(head: bytes) -> bool:
    return looks_like_table(beginning(head) or "")


# The first that fits is taken: what has a signature before what is told by its text.
FORMATS: tuple[Format, ...] = (
    Format("GeoPackage", "SQLite", frozenset({".gpkg"}), _is_sqlite, read_geopackage, True),
    Format("Shapefile", "Shapefile", frozenset({".shp"}), _is_shapefile, read_shapefile),
    Format("FlatGeobuf", "FlatGeobuf", frozenset({".fgb"}), is_flatgeobuf, read_flatgeobuf),
    Format(
        "GeoParquet", "Parquet", frozenset({".parquet", ".geoparquet"}), is_parquet,
        read_geoparquet,
    ),
    Format("OSM PBF", "OSM PBF", frozenset({".pbf"}), _is_pbf, read_osm),
    Format("DXF", "DXF", frozenset({".dxf"}), is_dxf, read_dxf, True),
    Format("DWG", "DWG", frozenset({".dwg"}), _is_dwg, refuse_dwg),
    Format("XLSX", "XLSX", frozenset({".xlsx", ".xlsm"}), _is_workbook, read_table, True, True),
    Format("ZIP", "ZIP", frozenset({".zip", ".kmz"}), is_zip, _read_archive, True),
    Format("GZIP", "GZIP", frozenset({".gz"}), _is_gzip, _read_gzip, True),
    Format("MapInfo TAB", "MapInfo TAB", frozenset({".tab"}), is_tab, read_tab),
    Format("MapInfo MIF", "MapInfo MIF", frozenset({".mif"}), is_mif, read_mif),
    Format("KML", "KML", frozenset({".kml"}), _root_is("kml"), read_kml, True),
    Format("OSM XML", "OSM XML", frozenset({".osm", ".xml"}), _root_is("osm"), read_osm),
    Format("GML", "GML", frozenset({".gml", ".xml"}), _is_gml, read_gml, True),
    Format("GeoJSON", "JSON", frozenset({".geojson", ".json"}), _is_json, read_geojson),
    Format("EPANET/SWMM", "EPANET/SWMM INP", frozenset({".inp"}), _is_inp, read_inp),
    Format("CSV / TXT", "CSV / TXT", _TABLE_NAMES, _is_text_table, read_table, is_table=True),
)  # fmt: skip
_IN_ARCHIVES = frozenset(suffix for one in FORMATS for suffix in one.suffixes) - _NO_LAYERS


def read_file(path: Path, wanted: Wanted) -> RawLayer:
    """Read one layer of a file by the reader of its kind; raise ``ReadError`` if it has none.

    The kind follows from the file's own bytes and must agree with its name.
    """
    kind = kind_of(path)
    if wanted.source_layer is not None and not kind.has_parts:
        raise ReadError(
            _("文件 {}:{} 没有内部图层,不能用 --source-layer。请去掉这一选项。").format(
                path.name, kind.name
            )
        )
    _refuse_unused(path, kind, wanted)
    return kind.read(path, wanted)


def _refuse_unused(path: Path, kind: Format, wanted: Wanted) -> None:
    """Refuse what was said of tables, for a file that is none."""
    said = [f"--map {name}=…" for name in COORDINATES if name in wanted.mapping]
    if wanted.beside is not None:
        said.append("--points")
    if said and not kind.is_table:
        raise ReadError(
            _("文件 {}:{} 自带图形,不能用 {}。请去掉这一选项。").format(
                path.name, kind.name, _("、").join(said)
            )
        )


def kind_of(path: Path) -> Format:
    """Tell the kind of a file from its first bytes; refuse a name that says something else.

    Raises ``FormatError``.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    kind = next((one for one in FORMATS if one.fits(head)), None)
    if kind is None:
        raise FormatError(
            _("文件 {}:内容不是可以读取的格式。可以读取:{}。请转换为其中一种后再导入。").format(
                path.name, _("、").join(one.name for one in FORMATS if one.read is not refuse_dwg)
            )
        )
    if path.suffix.lower() not in kind.suffixes:
        raise FormatError(
            _("文件 {}:内容是 {},扩展名应为 {}。请核对文件来源后改名。").format(
                path.name, kind.content, " / ".join(sorted(kind.suffixes))
            )
        )
    return kind

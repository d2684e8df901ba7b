"""The kinds of files that can be read: how each is told by its bytes, its names, its reader."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from gettext import gettext as _
from pathlib import Path

from layers.archives import is_zip, read_archive, unpack_gzip
from layers.columnar import is_flatgeobuf, is_parquet, read_flatgeobuf, read_geoparquet
from layers.errors import ReadError
from layers.geojson import read_geojson
from layers.geopackage import read_geopackage
from layers.mapinfo import is_mif, is_tab, read_mif, read_tab
from layers.osm import read_osm
from layers.raw import RawLayer, Wanted
from layers.shapefile import read_shapefile
from layers.xml_formats import read_gml, read_kml
from layers.xml_safety import root_of

_HEAD_BYTES = 4096
_GML = b"http://www.opengis.net/gml"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Format:
    """A kind of file.

    ``content`` names what the bytes are, for messages; ``suffixes`` are the names that fit them;
    ``fits`` tells it from the first bytes. ``has_parts`` marks files with several layers inside.
    """

    name: str
    content: str
    suffixes: frozenset[str]
    fits: Callable[[bytes], bool]
    read: Callable[[Path, Wanted], RawLayer]
    has_parts: bool = False


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
    return read_archive(path, wanted, suffixes=_IN_ARCHIVES, read=read_file)


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
    Format("ZIP", "ZIP", frozenset({".zip", ".kmz"}), is_zip, _read_archive, True),
    Format("GZIP", "GZIP", frozenset({".gz"}), _is_gzip, _read_gzip, True),
    Format("MapInfo TAB", "MapInfo TAB", frozenset({".tab"}), is_tab, read_tab),
    Format("MapInfo MIF", "MapInfo MIF", frozenset({".mif"}), is_mif, read_mif),
    Format("KML", "KML", frozenset({".kml"}), _root_is("kml"), read_kml, True),
    Format("OSM XML", "OSM XML", frozenset({".osm", ".xml"}), _root_is("osm"), read_osm),
    Format("GML", "GML", frozenset({".gml", ".xml"}), _is_gml, read_gml, True),
    Format("GeoJSON", "JSON", frozenset({".geojson", ".json"}), _is_json, read_geojson),
)  # fmt: skip
_IN_ARCHIVES = frozenset(
    suffix for one in FORMATS for suffix in one.suffixes
) - {".zip", ".kmz", ".gz", ".xml"}  # fmt: skip


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
    return kind.read(path, wanted)


def kind_of(path: Path) -> Format:
    """Tell the kind of a file from its first bytes; refuse a name that says something else."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    kind = next((one for one in FORMATS if one.fits(head)), None)
    if kind is None:
        raise ReadError(
            _("文件 {}:内容不是可以读取的格式。可以读取:{}。请转换为其中一种后再导入。").format(
                path.name, "、".join(one.name for one in FORMATS)
            )
        )
    if path.suffix.lower() not in kind.suffixes:
        raise ReadError(
            _("文件 {}:内容是 {},扩展名应为 {}。请核对文件来源后改名。").format(
                path.name, kind.content, " / ".join(sorted(kind.suffixes))
            )
        )
    return kind

"""The kinds of files that can be read: how each is told by its bytes, its names, its reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

from layers.dxf import is_dxf, read_dxf, refuse_dwg
from layers.errors import ReadError
from layers.geojson import read_geojson
from layers.geopackage import read_geopackage
from layers.grids import looks_like_table
from layers.inp import looks_like_inp, read_inp
from layers.raw import COORDINATES, RawLayer, Wanted
from layers.survey_tables import read_table
from layers.texts import beginning

_HEAD_BYTES = 4096
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WORKBOOK_PARTS = (b"xl/", b"[Content_Types].xml", b"docProps/")
_TABLE_NAMES = frozenset({".csv", ".tsv", ".txt", ".dat"})


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


def _is_inp(head: bytes) -> bool:
    return looks_like_inp(beginning(head) or "")


def _is_dwg(head: bytes) -> bool:
    return head.startswith(b"AC10")


def _is_workbook(head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04") and any(part in head for part in _WORKBOOK_PARTS)


def _is_text_table(head: bytes) -> bool:
    return looks_like_table(beginning(head) or "")


# The first that fits is taken.
FORMATS: tuple[Format, ...] = (
    Format("GeoPackage", "SQLite", frozenset({".gpkg"}), _is_sqlite, read_geopackage, True),
    Format("GeoJSON", "JSON", frozenset({".geojson", ".json"}), _is_json, read_geojson),
    Format("DXF", "DXF", frozenset({".dxf"}), is_dxf, read_dxf, True),
    Format("DWG", "DWG", frozenset({".dwg"}), _is_dwg, refuse_dwg),
    Format("XLSX", "XLSX", frozenset({".xlsx", ".xlsm"}), _is_workbook, read_table, True, True),
    Format("EPANET/SWMM", _("管网模型"), frozenset({".inp"}), _is_inp, read_inp),
    Format(_("文本表格"), _("文本表格"), _TABLE_NAMES, _is_text_table, read_table, is_table=True),
)


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
                path.name, kind.name, "、".join(said)
            )
        )


def kind_of(path: Path) -> Format:
    """Tell the kind of a file from its first bytes; refuse a name that says something else."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    kind = next((one for one in FORMATS if one.fits(head)), None)
    if kind is None:
        raise ReadError(
            _("文件 {}:内容不是可以读取的格式。可以读取:{}。请转换为其中一种后再导入。").format(
                path.name, "、".join(one.name for one in FORMATS if one.read is not refuse_dwg)
            )
        )
    if path.suffix.lower() not in kind.suffixes:
        raise ReadError(
            _("文件 {}:内容是 {},扩展名应为 {}。请核对文件来源后改名。").format(
                path.name, kind.content, " / ".join(sorted(kind.suffixes))
            )
        )
    return kind

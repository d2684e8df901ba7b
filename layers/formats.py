"""The kinds of files that can be read: how each is told by its bytes, its names, its reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

from layers.errors import ReadError
from layers.geojson import read_geojson
from layers.geopackage import read_geopackage
from layers.raw import RawLayer, Wanted

_HEAD_BYTES = 4096
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


# The first that fits is taken.
FORMATS: tuple[Format, ...] = (
    Format("GeoPackage", "SQLite", frozenset({".gpkg"}), _is_sqlite, read_geopackage, True),
    Format("GeoJSON", "JSON", frozenset({".geojson", ".json"}), _is_json, read_geojson),
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

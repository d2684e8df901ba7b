"""The kinds of files that can be read: how each is told by its bytes, its names, its reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from layers.geojson import read_geojson
from layers.geopackage import read_geopackage
from layers.raw import RawLayer, Wanted

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

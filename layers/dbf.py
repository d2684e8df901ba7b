"""dBASE III tables as they stand beside shapefiles: cells by field, text still to be decoded.

GDAL is not asked: it makes the number 0 of a cell that holds no number, and it decodes text before
anybody could tell whether the encoding fits. Format: ESRI Shapefile Technical Description (1998),
dBASE III+ file structure.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from language import gettext as _
from layers.errors import ReadError

NAME_BYTES = 10
"""A column's name has no more, so one of ten may be the beginning of a longer one."""

_HEADER_BYTES = 32
_FIELD_BYTES = 32
_DELETED = b"*"
_BOOLEANS = {b"T": True, b"t": True, b"Y": True, b"y": True,
             b"F": False, b"f": False, b"N": False, b"n": False}  # fmt: skip
# Types that are written as text in the record: characters, numbers, dates, yes or no.
_READABLE = b"CNFDL"


@dataclass(frozen=True)
class Column:
    """A field of a table: its name as bytes, its type, and its cells as bytes without padding.

    ``width`` is the room of a cell: text that fills it may have been cut within a character.
    """

    name: bytes
    kind: str
    width: int
    cells: np.ndarray


@dataclass(frozen=True)
class Dbf:
    """A table: its columns, marks of the records that were deleted, and the language byte.

    ``unread`` are names of fields of types that lie outside the records, such as memos.
    """

    columns: tuple[Column, ...]
    deleted: np.ndarray
    language: int
    unread: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.deleted)


def read_dbf(path: Path, *, shown: str) -> Dbf:
    """Read a table; ``shown`` is the name of the file for messages.

    Raises ``ReadError`` if the header contradicts itself or records are missing.
    """
    content = path.read_bytes()
    damaged = ReadError(_("文件 {}:属性表 .dbf 已损坏或不完整。请用原软件重新导出。").format(shown))
    if len(content) < _HEADER_BYTES + 1:
        raise damaged
    count, start, length = struct.unpack_from("<IHH", content, 4)
    fields = _fields(content, start)
    if not fields or 1 + sum(width for _name, _kind, width in fields) != length:
        raise damaged
    if start + count * length > len(content):
        raise damaged
    rows = np.frombuffer(content, dtype=np.uint8, count=count * length, offset=start)
    rows = rows.reshape(count, length)
    columns, unread, offset = [], [], 1
    for name, kind, width in fields:
        if kind in _READABLE:
            cells = np.ascontiguousarray(rows[:, offset : offset + width]).view(f"S{width}")[:, 0]
            columns.append(Column(name, chr(kind), width, np.strings.strip(cells)))
        else:
            unread.append(name)
        offset += width
    marks = rows[:, 0] == ord(_DELETED)
    return Dbf(tuple(columns), marks, content[29], tuple(unread))


def _fields(content: bytes, start: int) -> list[tuple[bytes, int, int]]:
    """Return name, type and width of each field of the header."""
    fields = []
    for at in range(_HEADER_BYTES, min(start, len(content)) - 1, _FIELD_BYTES):
        if content[at] == 0x0D or at + _FIELD_BYTES > len(content):
            break
        name = content[at : at + 11].split(b"\0")[0].rstrip()
        width = content[at + 16]
        if width == 0:
            return []
        if content[at + 11] == ord("C"):  # some writers keep the high byte of long texts here
            width += 256 * content[at + 17]
        fields.append((name, content[at + 11], width))
    return fields


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Names that a table can hold, by ``names``: cut, and numbered where two would be the same."""
    short: dict[str, str] = {}
    for name in names:
        wanted, number = name[:NAME_BYTES], 1
        while wanted in short.values():
            number += 1
            wanted = f"{name[: NAME_BYTES - 1 - len(str(number))]}_{number}"
        short[name] = wanted
    return short


def plain_cells(column: Column) -> list[object]:
    """Return the cells of a column that is not text: numbers, ISO dates, True and False.

    What is no such value stays the text that it is; an empty or overflown (``***``) cell is None.
    """
    parse = {"L": _boolean, "D": _date}.get(column.kind, _number)
    return [parse(cell) for cell in column.cells.tolist()]


def _boolean(cell: bytes) -> object:
    return _BOOLEANS.get(cell) if cell in _BOOLEANS or cell in (b"", b"?") else _text(cell)


def _date(cell: bytes) -> object:
    if not cell.strip(b"0"):
        return None
    return (
        f"{_text(cell[:4])}-{_text(cell[4:6])}-{_text(cell[6:])}" if len(cell) == 8 else _text(cell)
    )


def _number(cell: bytes) -> object:
    if not cell.strip(b"*"):
        return None
    try:
        return int(cell)
    except ValueError:
        pass
    try:
        return float(cell.replace(b",", b"."))
    except ValueError:
        return _text(cell)


def _text(cell: bytes) -> str:
    return cell.decode("latin-1")

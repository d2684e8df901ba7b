"""Shapefiles with the siblings that people have kept: shapes by GDAL, the table by ``dbf``."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError

from language import gettext as _
from layers.dbf import Dbf, plain_cells, read_dbf
from layers.encodings import decode, find_encoding
from layers.errors import ReadError
from layers.gdal_files import read_vector
from layers.raw import RawLayer, Skipped, Wanted

_HEADER_BYTES = 100
_RECORD_HEADER_BYTES = 8
_LEAST_WORDS = 2  # a null shape: its type and nothing else
_LONGEST_CPG = 100


def read_shapefile(path: Path, _wanted: Wanted) -> RawLayer:
    """Read a ``.shp`` and what lies beside it under the same name: ``.dbf .shx .prj .cpg``.

    A missing or wrong ``.shx`` is made anew. Raises ``ReadError`` for a damaged file.
    """
    notes: list[str] = []
    file = _sibling(path, ".dbf")
    table = None if file is None else read_dbf(file, shown=path.name)
    shapes, unreadable = _shapes(path, None if table is None else len(table), notes)
    if table is None:
        notes.append(_("没有 .dbf,只有图形,没有属性"))
        cells = pd.DataFrame(index=pd.RangeIndex(len(shapes)))
        deleted = np.zeros(len(shapes), bool)
    else:
        cells = _cells(table, _declared_encoding(path), notes)
        deleted = table.deleted
    if len(cells) != len(shapes):
        notes.append(
            _("图形 {} 个,属性 {} 行,数目不同;多出的按原样列为缺图形或缺属性的行").format(
                len(shapes), len(cells)
            )
        )
    count = max(len(cells), len(shapes))
    cells = cells.reindex(pd.RangeIndex(count)).astype(object)
    cells = cells.where(cells.notna(), None)
    shapes = np.append(shapes, np.full(count - len(shapes), None))
    kept = ~np.append(deleted, np.zeros(count - len(deleted), bool))
    positions = np.cumsum(kept) - 1
    return RawLayer(
        path.name,
        None,
        cells[kept].reset_index(drop=True),
        shapes[kept],
        {int(positions[at]): why for at, why in unreadable.items() if kept[at]},
        _crs(path, notes),
        tuple(notes),
        tuple(
            Skipped(_("第 {} 条记录").format(at + 1), _("已在原软件中标记为删除"))
            for at in np.flatnonzero(~kept)
        ),
    )


def _sibling(path: Path, suffix: str) -> Path | None:
    """Return the file beside ``path`` with another suffix, in any case of letters."""
    names = {path.stem + suffix, path.stem + suffix.upper(), path.name + suffix}
    found = [path.with_name(name) for name in sorted(names)]
    return next((one for one in found if one.is_file() and not one.is_symlink()), None)


def _shapes(path: Path, rows: int | None, notes: list[str]) -> tuple[np.ndarray, dict[int, str]]:
    """Return the geometries of all records; those that are broken are None, with the reason."""
    content = path.read_bytes()
    places = _indexed(path, content, rows)
    end = max((at + size for at, size in places), default=0) if places else 0
    if places is None:
        places, end = _walked(content)
        notes.append(_("没有可用的索引 .shx,已由 .shp 重建"))
        if end < len(content):
            notes.append(
                _(".shp 末尾 {} 字节不成图形(中断或多余),已忽略").format(len(content) - end)
            )
    with tempfile.TemporaryDirectory() as name:
        staged = Path(name) / "layer.shp"
        _write(staged, content, places)
        layer = read_vector(staged, "ESRI Shapefile", shown=path.name)
    if len(layer.shapes) != len(places):
        raise ReadError(
            _("文件 {}:.shp 有 {} 个图形,只读出 {} 个,已损坏。请用原软件重新导出。").format(
                path.name, len(places), len(layer.shapes)
            )
        )
    return layer.shapes, layer.unreadable


def _indexed(path: Path, content: bytes, rows: int | None) -> list[tuple[int, int]] | None:
    """Return offset and size of every record by the ``.shx``; None if it does not fit the rest."""
    index = _sibling(path, ".shx")
    if index is None:
        return None
    entries = index.read_bytes()[_HEADER_BYTES:]
    if len(entries) % 8 or (rows is not None and len(entries) // 8 != rows):
        return None
    places = [
        (2 * offset, _RECORD_HEADER_BYTES + 2 * words)
        for offset, words in struct.iter_unpack(">ii", entries)
    ]
    fit = all(
        at >= _HEADER_BYTES
        and size > _RECORD_HEADER_BYTES
        and at + size <= len(content)
        and 2 * struct.unpack_from(">i", content, at + 4)[0] == size - _RECORD_HEADER_BYTES
        for at, size in places
    )
    return places if fit else None


def _walked(content: bytes) -> tuple[list[tuple[int, int]], int]:
    """Return offset and size of every whole record, from header to header, and where they end."""
    places: list[tuple[int, int]] = []
    at = _HEADER_BYTES
    while at + _RECORD_HEADER_BYTES <= len(content):
        number, words = struct.unpack_from(">ii", content, at)
        size = _RECORD_HEADER_BYTES + 2 * words
        counted = number in (len(places), len(places) + 1)  # some programs count from 0
        if not counted or words < _LEAST_WORDS or at + size > len(content):
            break
        places.append((at, size))
        at += size
    return places, at


def _write(staged: Path, content: bytes, places: list[tuple[int, int]]) -> None:
    """Write the records one after the other, and the index that fits them."""
    entries, at = [], _HEADER_BYTES
    for _start, size in places:
        entries.append(struct.pack(">ii", at // 2, (size - _RECORD_HEADER_BYTES) // 2))
        at += size
    records = b"".join(content[start : start + size] for start, size in places)
    for suffix, body in ((".shp", records), (".shx", b"".join(entries))):
        words = struct.pack(">i", (_HEADER_BYTES + len(body)) // 2)
        header = content[:24] + words + content[28:_HEADER_BYTES]
        staged.with_suffix(suffix).write_bytes(header.ljust(_HEADER_BYTES, b"\0") + body)


def _declared_encoding(path: Path) -> str | None:
    file = _sibling(path, ".cpg")
    if file is None:
        return None
    return file.read_bytes()[:_LONGEST_CPG].decode("ascii", "replace")


def _cells(table: Dbf, declared: str | None, notes: list[str]) -> pd.DataFrame:
    found = find_encoding(table, declared)
    if found.note is not None:
        notes.append(found.note)
    if table.unread:
        names = _("、").join(str(name, "ascii", "replace") for name in table.unread)
        notes.append(_("字段 {} 的类型(备注、二进制)不读取").format(names))
    cells: dict[str, list[object]] = {}
    for number, column in enumerate(table.columns, start=1):
        name = decode([column.name], found.codec, 10)[0]
        if not isinstance(name, str):
            name = f"字段{number}"
        while name in cells:
            name += "_"
        if column.kind == "C":
            cells[name] = decode(column.cells.tolist(), found.codec, column.width)
        else:
            cells[name] = plain_cells(column)
    return pd.DataFrame(cells, index=pd.RangeIndex(len(table)), dtype=object)


def _crs(path: Path, notes: list[str]) -> CRS | None:
    file = _sibling(path, ".prj")
    if file is None:
        return None
    try:
        return CRS.from_wkt(file.read_bytes()[:65536].decode("utf-8", "replace"))
    except CRSError:
        notes.append(_(".prj 无法解读,视为没有坐标系"))
        return None

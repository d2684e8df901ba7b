"""Shapefiles with the siblings that people have kept: shapes by GDAL, the table by ``dbf``."""

from __future__ import annotations

import shutil
import struct
import tempfile
from gettext import gettext as _
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.dbf import Dbf, plain_cells, read_dbf
from layers.encodings import decode, find_encoding
from layers.errors import ReadError
from layers.gdal_files import read_vector
from layers.raw import RawLayer, Wanted, Skipped

_HEADER_BYTES = 100
_RECORD_HEADER_BYTES = 8
_LONGEST_CPG = 100


def read_shapefile(path: Path, _wanted: Wanted) -> RawLayer:
    """Read a ``.shp`` and what lies beside it under the same name: ``.dbf .shx .prj .cpg``.

    A missing or wrong ``.shx`` is made anew. Raises ``ReadError`` for a damaged file.
    """
    notes: list[str] = []
    shapes, unreadable = _shapes(path, notes)
    table = _sibling(path, ".dbf")
    if table is None:
        notes.append(_("没有 .dbf,只有图形,没有属性"))
        cells = pd.DataFrame(index=pd.RangeIndex(len(shapes)))
        deleted = np.zeros(len(shapes), bool)
    else:
        read = read_dbf(table, shown=path.name)
        cells = _cells(read, _declared_encoding(path), notes)
        deleted = read.deleted
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


def _shapes(path: Path, notes: list[str]) -> tuple[np.ndarray, dict[int, str]]:
    """Return the geometries of all records; those that are broken are None, with the reason."""
    count = _count(path)
    with tempfile.TemporaryDirectory() as name:
        staged = Path(name) / "layer.shp"
        shutil.copyfile(path, staged)
        index = _sibling(path, ".shx")
        if index is not None and index.stat().st_size == _HEADER_BYTES + 8 * count:
            shutil.copyfile(index, staged.with_suffix(".shx"))
        else:
            notes.append(_("没有可用的索引 .shx,已由 .shp 重建"))
        layer = read_vector(staged, "ESRI Shapefile", shown=path.name)
    return layer.shapes, layer.unreadable


def _count(path: Path) -> int:
    """Return the number of records of a ``.shp``, by walking from header to header."""
    size, count, at = path.stat().st_size, 0, _HEADER_BYTES
    with path.open("rb") as file:
        while at + _RECORD_HEADER_BYTES <= size:
            file.seek(at)
            _number, words = struct.unpack(">ii", file.read(_RECORD_HEADER_BYTES))
            if words < 0:
                break
            at += _RECORD_HEADER_BYTES + 2 * words
            count += 1
    return count


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
        names = "、".join(str(name, "ascii", "replace") for name in table.unread)
        notes.append(_("字段 {} 的类型(备注、二进制)不读取").format(names))
    cells: dict[str, list[object]] = {}
    for number, column in enumerate(table.columns, start=1):
        name = decode([column.name], found.codec, 10)[0]
        if not isinstance(name, str):
            name = _("字段{}").format(number)
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

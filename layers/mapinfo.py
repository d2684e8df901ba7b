"""MapInfo TAB and MIF/MID: copies of their own files only, with the character set that fits."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from language import gettext as _
from layers.dbf import read_dbf
from layers.encodings import fitting
from layers.errors import ReadError
from layers.gdal_files import read_vector
from layers.raw import RawLayer, Wanted

_TAB_PARTS = (".dat", ".map", ".id", ".ind")
_CHARSET = re.compile(rb'charset\s+"?([A-Za-z0-9_.-]+)"?', re.IGNORECASE)
# Character sets by the codec that they stand for, as the format names them.
_NAMES = {"gb18030": b"WindowsSimpChinese", "utf-8": b"UTF-8"}
_TYPE = re.compile(rb"^\s*type\s+(\w+)", re.IGNORECASE | re.MULTILINE)
_SEAMLESS = re.compile(rb'IsSeamless"?\s*=\s*"?TRUE', re.IGNORECASE)


def is_tab(head: bytes) -> bool:
    """Tell a TAB file by its first word."""
    return head.lstrip().lower().startswith(b"!table")


def is_mif(head: bytes) -> bool:
    """Tell a MIF file by its first line and the columns that it declares."""
    return re.match(rb"\s*version\s+\d+", head, re.IGNORECASE) is not None and (
        re.search(rb"^\s*columns\s+\d+", head, re.IGNORECASE | re.MULTILINE) is not None
    )


def read_tab(path: Path, _wanted: Wanted) -> RawLayer:
    """Read a native table; views, linked and seamless tables name other files and are refused."""
    header = path.read_bytes()
    kind = _TYPE.search(header)
    if kind is None or kind[1].upper() != b"NATIVE" or _SEAMLESS.search(header):
        raise ReadError(
            _("文件 {}:不是独立的 MapInfo 表(视图、链接表或无缝图层)。请另存为普通表。").format(
                path.name
            )
        )
    parts = {suffix: _part(path, suffix) for suffix in _TAB_PARTS}
    if parts[".dat"] is None:
        raise _incomplete(path, ".dat")
    return _read(path, ".tab", header, parts, text=_texts(parts[".dat"], path))


def read_mif(path: Path, _wanted: Wanted) -> RawLayer:
    """Read a MIF file with its table of attributes in the MID file beside it."""
    beside = _part(path, ".mid")
    if beside is None:
        raise _incomplete(path, ".mid")
    return _read(path, ".mif", path.read_bytes(), {".mid": beside}, text=beside.read_bytes())


def _read(
    path: Path, suffix: str, header: bytes, parts: dict[str, Path | None], *, text: bytes
) -> RawLayer:
    charset = _CHARSET.search(header)
    declared = charset[1].decode("ascii") if charset else ""
    content = header + b"\n" + text
    codec = None if declared in (b.decode() for b in _NAMES.values()) else fitting(content)
    notes: tuple[str, ...] = ()
    if codec is not None and charset is not None:
        header = _CHARSET.sub(lambda found: found[0].replace(found[1], _NAMES[codec]), header)
        notes = (_("声明的字符集“{}”与内容不符,文字按 {} 读取").format(declared, codec.upper()),)
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / f"layer{suffix}"
        staged.write_bytes(header)
        for part, file in parts.items():
            if file is not None:
                shutil.copyfile(file, staged.with_suffix(part))
        raw = read_vector(staged, "MapInfo File", shown=path.name)
    return replace(raw, source_layer=None, notes=(*notes, *raw.notes))


def _texts(table: Path, path: Path) -> bytes:
    """Return the texts of a table's data file, which is a dBASE table with other kinds beside."""
    try:
        columns = read_dbf(table, shown=path.name).columns
    except ReadError:
        return b""
    return b"\n".join(cell for column in columns if column.kind == "C" for cell in column.cells)


def _part(path: Path, suffix: str) -> Path | None:
    found = (path.with_suffix(one) for one in (suffix, suffix.upper()))
    return next((one for one in found if one.is_file() and not one.is_symlink()), None)


def _incomplete(path: Path, suffix: str) -> ReadError:
    return ReadError(
        _("文件 {}:旁边没有同名的 {} 文件。请把全部文件放在一起,或压缩为 .zip 后导入。").format(
            path.name, suffix
        )
    )

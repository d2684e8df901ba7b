"""Read a file that somebody gave us safely, into cells and shapes as they stand.

What a file is follows from its own bytes and must agree with its name (``formats``). It is parsed
in a process of its own (``isolation``). Nothing opens a URL, a virtual path or a reference to
another file, and nothing is written beside the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from language import gettext as _
from layers.errors import ReadError
from layers.isolation import read_isolated
from layers.raw import RawLayer, Wanted

MAX_BYTES = 500_000_000  # larger than a county's largest layer; bounds memory and time


def read_layer(
    file: Path | str,
    *,
    source_layer: str | None,
    layer: str,
    beside: Path | str | None = None,
    mapping: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
) -> RawLayer:
    """Read one layer of a file.

    Parameters
    ----------
    file
        A regular file on disk, of one of the kinds of ``formats.FORMATS``.
    source_layer
        Name of the layer inside a file that has several; None takes the only one, or the one
        that bears the name ``layer``.
    beside
        The point table of a line table, a second file.
    mapping, constants
        What the user said of columns and values; ``north`` and ``east`` name columns with
        coordinates.

    Raises
    ------
    ReadError
        If the file is absent, too large, damaged, of another kind than its name says, has no
        such layer, or asks for too much memory or time.
    """
    points = None if beside is None else regular_file(beside)
    said = dict(mapping or {}), dict(constants or {})
    return read_isolated(regular_file(file), Wanted(layer, source_layer, points, *said))


def regular_file(file: Path | str) -> Path:
    """Return the whole path of a file on disk of a size that can be read; else ``ReadError``."""
    path = Path(file)
    if not path.is_file():
        raise ReadError(
            _("文件 {}:磁盘上没有这个文件。只能导入本机磁盘上的文件,不接受网址和虚拟路径。").format(
                file
            )
        )
    size = path.stat().st_size
    if size == 0:
        raise ReadError(_("文件 {}:文件为空。请重新导出。").format(path.name))
    if size > MAX_BYTES:
        raise ReadError(
            _("文件 {}:大小 {} MB,上限 {} MB。请按区域拆分后导入。").format(
                path.name, size // 1_000_000, MAX_BYTES // 1_000_000
            )
        )
    return path.resolve()

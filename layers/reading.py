"""Read an uploaded GeoPackage or GeoJSON safely, into cells and shapes as they stand.

What a file is follows from its own bytes and must agree with its name; nothing here opens a
URL, a virtual path or a reference to another file. Nothing is written beside the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from gettext import gettext as _
from pathlib import Path

from layers.errors import ReadError
from layers.formats import FORMATS, Format
from layers.raw import COORDINATES, RawLayer, Wanted

MAX_BYTES = 500_000_000  # larger than a county's largest layer; bounds memory and time
_HEAD_BYTES = 4096


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
        A regular file on disk, GeoPackage or GeoJSON.
    source_layer
        Name of the layer inside a GeoPackage; None takes the only one, or the one that bears the
        name ``layer``.
    beside
        The point table of a line table, a second file.
    mapping, constants
        What the user said of columns and values; ``north`` and ``east`` name columns with
        coordinates.

    Raises
    ------
    ReadError
        If the file is absent, too large, damaged, of another kind than its name says, or has no
        such layer.
    """
    path = _regular_file(file)
    kind = _kind(path)
    if source_layer is not None and not kind.has_parts:
        raise ReadError(
            _("文件 {}:{} 没有内部图层,不能用 --source-layer。请去掉这一选项。").format(
                path.name, kind.name
            )
        )
    _refuse_unused(path, kind, beside, mapping or {})
    points = None if beside is None else _regular_file(beside)
    wanted = Wanted(layer, source_layer, points, dict(mapping or {}), dict(constants or {}))
    return kind.read(path, wanted)


def _refuse_unused(
    path: Path, kind: Format, beside: Path | str | None, mapping: Mapping[str, str]
) -> None:
    """Refuse what was said of tables, for a file that is none."""
    said = [f"--map {name}=…" for name in COORDINATES if name in mapping]
    if beside is not None:
        said.append("--points")
    if said and not kind.is_table:
        raise ReadError(
            _("文件 {}:{} 自带图形,不能用 {}。请去掉这一选项。").format(
                path.name, kind.name, "、".join(said)
            )
        )


def _regular_file(file: Path | str) -> Path:
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


def _kind(path: Path) -> Format:
    """Tell the kind from the first bytes; refuse a name that says something else."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    kind = next((one for one in FORMATS if one.fits(head)), None)
    if kind is None:
        raise ReadError(
            _("文件 {}:内容既不是 GeoPackage 也不是 GeoJSON。请转换为其中一种后再导入。").format(
                path.name
            )
        )
    if path.suffix.lower() not in kind.suffixes:
        raise ReadError(
            _("文件 {}:内容是 {},扩展名应为 {}。请核对文件来源后改名。").format(
                path.name, kind.content, " / ".join(sorted(kind.suffixes))
            )
        )
    return kind

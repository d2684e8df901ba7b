"""What comes of every file of a folder: read or refused, rows, encoding, CRS and message.

    python docs/examples/read_everything.py FOLDER [--layer LAYER]

Goes through the folder and those below it, leaves out the parts of shapefiles and MapInfo tables,
and reads each file as ``import`` would, every layer of a file that has several. Nothing is stored.
Exit 0: every file was read. 1: some were refused. 2: no such folder.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from layers.errors import LayerError, ReadError
from layers.placing import crs_name
from layers.raw import RawLayer
from layers.reading import read_layer

# Parts of other files, and catalogues.
_PARTS = {".dbf", ".shx", ".prj", ".cpg", ".mid", ".map", ".id", ".ind", ".qpj", ".sbn", ".sbx"}
_SEVERAL = re.compile(r"文件中的图层:(.*)。请用")
_ENCODING = re.compile(r"按 (\S+) 读取|(编码无法判明)")


@dataclass(frozen=True)
class Row:
    """One line of the table: a layer of a file and what came of it."""

    file: str
    layer: str
    outcome: str
    rows_in: int | None
    rows_read: int | None
    encoding: str
    crs: str
    message: str

    @property
    def cells(self) -> list[str]:
        """Texts to print."""
        numbers = ("" if n is None else str(n) for n in (self.rows_in, self.rows_read))
        named = f"{self.file} [{self.layer}]" if self.layer else self.file
        return [named, self.outcome, *numbers, self.encoding, self.crs, self.message]


def rows_of(folder: Path, layer: str) -> Iterator[Row]:
    """Yield a row for each layer of each file below a folder, by name."""
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        if path.suffix.lower() not in _PARTS:
            yield from _file_rows(path, path.relative_to(folder).as_posix(), layer)


def _file_rows(path: Path, name: str, layer: str) -> Iterator[Row]:
    first = row_of(path, name, None, layer)
    several = _SEVERAL.search(first.message) if first.outcome == _("拒绝") else None
    if several is None or several[1] == _("无"):
        yield first
        return
    for inner in several[1].split("、"):
        yield row_of(path, name, inner, layer)


def row_of(path: Path, name: str, inner: str | None, layer: str) -> Row:
    """Return what comes of one layer of a file, read as ``layer``."""
    try:
        raw = read_layer(path, source_layer=inner, layer=layer)
    except (ReadError, LayerError) as error:
        return Row(name, inner or "", _("拒绝"), None, None, "", "", str(error))
    return _read_row(raw, name, inner or "")


def _read_row(raw: RawLayer, name: str, inner: str) -> Row:
    used = [found[1] or found[2] for note in raw.notes for found in _ENCODING.finditer(note)]
    left = sum(one.count for one in raw.skipped)
    told = [*raw.notes]
    if raw.unreadable:
        told.append(_("{} 行图形不成形").format(len(raw.unreadable)))
    if left:
        told.append(_("{} 个要素未读为行").format(left))
    crs = _("未声明") if raw.crs is None else crs_name(raw.crs)
    count = len(raw.cells)
    encoding = used[0] if used else _("按声明")
    return Row(name, inner, _("读取"), count + left, count, encoding, crs, ";".join(told))


@click.command(help=_("列出一个文件夹中每个文件的读取结果。"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--layer", default="parcels", help=_("当作哪个图层读取"))
@click.pass_context
def main(ctx: click.Context, folder: Path, layer: str) -> None:
    """Print the table."""
    if not folder.is_dir():
        click.echo(_("{}:没有这个文件夹。").format(folder), err=True)
        ctx.exit(2)
    titles = (_("文件"), _("结果"), _("要素"), _("读出"), _("编码"), _("坐标系"), _("说明"))
    click.echo("\t".join(titles))
    rows = list(rows_of(folder, layer))
    for row in rows:
        click.echo("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row.cells))
    read = sum(row.outcome == _("读取") for row in rows)
    click.echo(_("合计 {} 项,读取 {},拒绝 {}").format(len(rows), read, len(rows) - read))
    ctx.exit(0 if read == len(rows) else 1)


if __name__ == "__main__":
    main()

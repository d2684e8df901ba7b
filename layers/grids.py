"""Rows of cells: delimited text and workbooks, before anybody knows what their columns are.

Cells are as stored. Formulas are never computed: of a workbook the values count that the program
which saved it left beside them.
"""

from __future__ import annotations

import csv
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from gettext import gettext as _
from itertools import zip_longest
from pathlib import Path
from typing import Any

from layers.errors import ReadError
from layers.texts import decoded, encoding_notes

MAX_ROWS = 1_000_000  # about what a worksheet holds; bounds memory
# A workbook is an archive: how much it may unfold to, in all.
_MAX_UNFOLDED_BYTES = 1_000_000_000
_SAMPLE_LINES = 50
_LINE_END = re.compile(r"\r\n|\n|\r")
_DELIMITERS = (",", "\t", ";", "|")
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, SyntaxError, LookupError,
    ValueError, TypeError, AttributeError, OverflowError,
)  # fmt: skip

Row = Sequence[object]


@dataclass(frozen=True)
class Grid:
    """Rows of one worksheet or text; ``name`` is the worksheet's. Blank rows are left out."""

    name: str | None
    rows: Sequence[Row]


@dataclass(frozen=True)
class Grids:
    """All grids of a file, and what reading them did that nobody asked for."""

    file: str
    grids: Sequence[Grid]
    notes: tuple[str, ...]


def read_grids(path: Path) -> Grids:
    """Read a workbook or a delimited text, whichever the file is."""
    return workbook_grids(path) if _is_archive(path) else text_grids(path)


def _is_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def text_grids(path: Path) -> Grids:
    """Read delimited text: comma, tab, semicolon or spaces, whichever cuts the lines alike.

    Raises ``ReadError`` for an unknown encoding, broken quotes or too many rows.
    """
    text = decoded(path)
    lines = [line for line in _LINE_END.split(text.text) if line.strip(" \t\x1a")]
    cut = cutter(lines[:_SAMPLE_LINES])
    try:
        rows = _filled(([cell.strip() or None for cell in row] for row in cut(lines)), path.name)
    except csv.Error:
        raise ReadError(
            _("文件 {}:引号不成对或单元格过长,无法分列。请重新导出。").format(path.name)
        ) from None
    return Grids(path.name, [Grid(None, rows)], encoding_notes(text.encoding))


def looks_like_table(head: str) -> bool:
    """Tell from the beginning of a text whether its lines are rows of two columns and more."""
    lines = [line for line in _LINE_END.split(head) if line.strip()]
    if not lines or lines[0].lstrip()[:1] in ("<", "{", "[", "!"):
        return False
    widths = Counter(len(row) for row in cutter(lines)(lines))
    width, alike = widths.most_common(1)[0]
    return width >= 2 and alike * 2 > len(lines)


def cutter(lines: Sequence[str]) -> Callable[[Iterable[str]], Iterator[list[str]]]:
    """Return what cuts such lines into cells: by the delimiter that most lines hold alike."""

    def score(delimiter: str) -> tuple[int, int]:
        counts = Counter(line.count(delimiter) for line in lines if delimiter in line)
        cuts, alike = max(counts.items(), key=lambda one: (one[1], one[0]), default=(0, 0))
        return alike, cuts

    best = max(_DELIMITERS, key=score)
    if score(best)[0] * 2 > len(lines):
        return lambda some: csv.reader(some, delimiter=best)
    return lambda some: (line.split() for line in some)


def workbook_grids(path: Path) -> Grids:
    """Read the worksheets of an XLSX workbook.

    Raises ``ReadError`` if it is damaged, encrypted, too large, or has too many rows.
    """
    try:
        _refuse_unfolding(path)
        with _workbook(path, values=True) as book:
            grids = [Grid(sheet.title, _filled(_cells(sheet), path.name)) for sheet in book]
        blind = _formulas_without_value(path) if _has_formulas(path) else 0
    except ReadError:
        raise
    except _DAMAGE:
        raise ReadError(
            _(
                "文件 {}:工作簿已损坏、有密码或不是 .xlsx。请在表格软件中打开后另存为 .xlsx。"
            ).format(path.name)
        ) from None
    notes = (
        (
            _(
                "{} 个公式单元格没有存下计算结果,按空值读取。请在表格软件中打开并保存后重新导入"
            ).format(blind),
        )
        if blind
        else ()
    )
    return Grids(path.name, grids, notes)


def _filled(rows: Iterable[Row], file: str) -> list[Row]:
    filled: list[Row] = []
    for row in rows:
        if any(cell is not None for cell in row):
            filled.append(row)
            if len(filled) > MAX_ROWS:
                raise ReadError(
                    _("文件 {}:超过 {} 行。请按区域或专业拆分后导入。").format(file, MAX_ROWS)
                )
    return filled


@contextmanager
def _workbook(path: Path, *, values: bool) -> Iterator[list[Any]]:
    """Open read-only; give the worksheets. A sheet's own word on its size is not believed."""
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # parts of the workbook that are no cells
        book = openpyxl.load_workbook(path, read_only=True, data_only=values, keep_links=False)
        try:
            for sheet in book.worksheets:
                sheet.reset_dimensions()
            yield book.worksheets
        finally:
            book.close()


def _cells(sheet: Any) -> Iterator[Row]:
    for row in sheet.iter_rows(values_only=True):
        yield [_cell(cell) for cell in row]


def _cell(cell: object) -> object:
    return (cell.strip() or None) if isinstance(cell, str) else cell


def _refuse_unfolding(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > _MAX_UNFOLDED_BYTES:
        raise ReadError(
            _("文件 {}:解压后有 {} MB,上限 {} MB。请按区域拆分后导入。").format(
                path.name, size // 1_000_000, _MAX_UNFOLDED_BYTES // 1_000_000
            )
        )


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as sheet:
                    for line in sheet:
                        if b"<f>" in line or b"<f " in line:
                            return True
    return False


def _formulas_without_value(path: Path) -> int:
    with _workbook(path, values=True) as shown, _workbook(path, values=False) as written:
        return sum(
            value is None and formula is not None
            for sheets in zip(shown, written, strict=True)
            for rows in zip_longest(*map(_cells, sheets), fillvalue=())
            for value, formula in zip_longest(*rows)
        )

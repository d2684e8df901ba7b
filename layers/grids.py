"""Rows of cells: delimited text and workbooks, before anybody knows what their columns are.

Cells are as stored. Formulas are never computed: of a workbook the values count that the program
which saved it left beside them.
"""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from language import gettext as _
from layers.errors import ReadError
from layers.texts import decoded, encoding_notes

MAX_ROWS = 1_000_000  # about what a worksheet holds; bounds memory
# A workbook is an archive: how much it may unfold to, in all.
_MAX_UNFOLDED_BYTES = 300_000_000
_SAMPLE_LINES = 50
_LINE_END = re.compile(r"\r\n|\n|\r")
_DELIMITERS = (",", "\t", ";", "|")
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, SyntaxError, LookupError,
    ValueError, TypeError, AttributeError, OverflowError,
)  # fmt: skip

# A cell with a formula, up to its end, and the value that was stored beside it.
_FORMULA = re.compile(rb"<f\b.*?</c>", re.DOTALL)
_VALUE = re.compile(rb"<v>[^<]")

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
    """Return what cuts such lines into cells: by the delimiter that most lines hold alike.

    One inside quotation marks cuts nothing; where these do not come in pairs it counts as well.
    """

    def alike(cuts: Iterable[int]) -> tuple[int, int]:
        counts = Counter(one for one in cuts if one)
        most, times = max(counts.items(), key=lambda one: (one[1], one[0]), default=(0, 0))
        return times, most

    def score(delimiter: str) -> tuple[int, int]:
        by_sign = alike(line.count(delimiter) for line in lines)
        try:
            rows = csv.reader(lines, delimiter=delimiter)
            return max(by_sign, alike(len(row) - 1 for row in rows))
        except csv.Error:
            return by_sign

    best = max(_DELIMITERS, key=score)
    if score(best)[0] * 2 > len(lines):
        return lambda some: csv.reader(some, delimiter=best)
    return lambda some: (line.split() for line in some)


def workbook_grids(path: Path) -> Grids:
    """Read the worksheets of an XLSX workbook.

    Raises ``ReadError`` if it is damaged, encrypted, too large, or has too many rows.
    """
    import python_calamine

    try:
        blind = _blind_cells(path)
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
        grids = [
            Grid(
                sheet.name, _filled((list(map(_cell, row)) for row in sheet.iter_rows()), path.name)
            )
            for sheet in sheets
        ]
    except ReadError:
        raise
    except (python_calamine.CalamineError, *_DAMAGE):
        raise ReadError(
            _(
                "文件 {}:工作簿已损坏、有密码或不是 .xlsx。请在表格软件中打开后另存为 .xlsx。"
            ).format(path.name)
        ) from None
    return Grids(path.name, grids, blind)


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


def _cell(cell: object) -> object:
    return (cell.strip() or None) if isinstance(cell, str) else cell


def _blind_cells(path: Path) -> tuple[str, ...]:
    """Say how many cells come as blank although something stands in them."""
    formulas = errors = 0
    with zipfile.ZipFile(path) as archive:
        unfolded = sum(entry.file_size for entry in archive.infolist())
        if unfolded > _MAX_UNFOLDED_BYTES:
            raise ReadError(
                _("文件 {}:解压后有 {} MB,上限 {} MB。请按区域拆分后导入。").format(
                    path.name, unfolded // 1_000_000, _MAX_UNFOLDED_BYTES // 1_000_000
                )
            )
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                content = archive.read(name)
                formulas += sum(not _VALUE.search(cell) for cell in _FORMULA.findall(content))
                errors += content.count(b't="e"')
    notes = []
    if formulas:
        notes.append(
            _(
                "{} 个公式单元格没有存下计算结果,按空值读取。请在表格软件中打开并保存后重新导入"
            ).format(formulas)
        )
    if errors:
        notes.append(_("{} 个单元格是错误值(如 #REF!),按空值读取").format(errors))
    return tuple(notes)

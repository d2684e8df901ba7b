"""Find the header of a table: below titles, in one row or in two with merged cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from language import gettext as _
from layers.fields import fold
from layers.grids import Grid, Row
from layers.raw import Skipped

# Titles, units and remarks above a header take fewer rows than this.
# Name of a column without one: what --map takes, whatever language is spoken.
COLUMN = "第{}列"
_DEEPEST_HEADER = 30
_BRACKETED = re.compile(r"[(\[(【].*?[)\])】]")
_SIGNS = re.compile(r"[\s()\[\]()【】:、,.·/\\\-]+")


@dataclass(frozen=True)
class Table:
    """A grid whose header was found: ``cells`` has named columns and a row for each feature.

    ``above`` is what stands over the header, such as a title.
    """

    name: str | None
    cells: pd.DataFrame
    skipped: tuple[Skipped, ...] = ()
    above: str = ""


def plain_names(name: object) -> tuple[str, ...]:
    """Return a column's name for comparing: without signs, then without what is in brackets."""
    text = fold(str(name))
    return _SIGNS.sub("", text), _SIGNS.sub("", _BRACKETED.sub("", text))


def find_table(grid: Grid, is_known: Callable[[object], bool]) -> Table | None:
    """Return the grid as a table, or None where no row holds two names that are known."""
    best, found = 1, None
    for start in range(min(len(grid.rows), _DEEPEST_HEADER)):
        for depth in (1, 2):
            names = _names(grid.rows, start, depth)
            score = sum(map(is_known, names)) if names else 0
            if score > best:
                best, found = score, (start, depth)
    if found is None:
        return None
    start, depth = found
    return _table(grid, _names(grid.rows, start, depth), start + depth, depth)


def _names(rows: Sequence[Row], start: int, depth: int) -> list[object]:
    """Return the names in a header of so many rows; none where the second row cannot be its part.

    A cell merged over several columns stands before the names below it: 埋深 over 起点, 终点.
    """
    upper = list(rows[start])
    if depth == 1:
        return upper
    if start + 1 >= len(rows):
        return []
    lower = list(rows[start + 1])
    width = max(len(upper), len(lower))
    upper += [None] * (width - len(upper))
    lower += [None] * (width - len(lower))
    merged = any(a is None and b is not None for a, b in zip(upper, lower, strict=True))
    if not merged or any(_is_number(cell) for cell in (*upper, *lower)):
        return []
    names: list[object] = []
    above: object = None
    for first, second in zip(upper, lower, strict=True):
        above = first if first is not None else above if second is not None else None
        parts = [str(part) for part in (above, second) if part is not None]
        names.append("".join(parts) or None)
    return names


def _is_number(cell: object) -> bool:
    try:
        float(str(cell))
    except ValueError:
        return False
    return True


def _table(grid: Grid, names: Sequence[object], first: int, depth: int) -> Table:
    rows, skipped = [], []
    titles = grid.rows[: first - depth]
    above = " ".join(str(cell) for row in titles for cell in row if cell is not None)
    header = [name for name in grid.rows[first - 1] if name is not None]
    width = max(len(names), *(len(row) for row in grid.rows[first - 1 :]))
    for number, row in enumerate(grid.rows[first:], start=1):
        filled = [cell for cell in row if cell is not None]
        if filled == header:
            skipped.append(Skipped(_what(grid, number, filled), _("重复的表头")))
        elif len(filled) == 1 and width > 2:
            reason = _("只有一个单元格有内容,按说明文字处理")
            skipped.append(Skipped(_what(grid, number, filled), reason))
        else:
            rows.append([*row, *[None] * (width - len(row))])
    columns = _unique([*names, *[None] * (width - len(names))])
    cells = pd.DataFrame(rows, columns=columns, dtype=object)
    blank = [c for c, name in zip(columns, [*names, *[None] * width], strict=False) if name is None]
    empty = [column for column in blank if cells[column].isna().all()]
    return Table(grid.name, cells.drop(columns=empty), tuple(skipped), above)


def _what(grid: Grid, number: int, filled: Sequence[object]) -> str:
    sheet = f"{grid.name} " if grid.name else ""
    return _("{}表头下第 {} 行“{}”").format(sheet, number, str(filled[0])[:30])


def _unique(names: Sequence[object]) -> list[str]:
    """Name nameless columns by their place, and tell equal names apart."""
    taken: dict[str, int] = {}
    unique = []
    for place, name in enumerate(names, start=1):
        text = COLUMN.format(place) if name is None else str(name).replace("\n", "")
        taken[text] = taken.get(text, 0) + 1
        unique.append(text if taken[text] == 1 else f"{text}.{taken[text]}")
    return unique

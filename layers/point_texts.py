"""Points as bare text, without a header: CASS ``.dat`` and what RTK receivers export.

CASS writes ``number,code,east,north,height``; receivers write number, code and coordinates in
several orders. The size of the numbers tells the order; what it does not tell is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from language import gettext as _
from layers.axes import Axes, axes_by_size, find_axes, numbers
from layers.errors import ReadError
from layers.grids import Grid
from layers.headers import COLUMN
from layers.raw import COORDINATES, Skipped

_CASS_COLUMNS = 5


@dataclass(frozen=True)
class PointText:
    """The points of a text with named columns, and its axes."""

    cells: pd.DataFrame
    axes: Axes
    skipped: tuple[Skipped, ...]


def point_text(grid: Grid, mapping: Mapping[str, str], *, file: str, is_cass: bool) -> PointText:
    """Return the rows of a text without header, its columns named 点号, 编码, 北坐标 and so on.

    ``is_cass`` says that the file's name ends like those of CASS, whose order holds where sizes
    do not tell.

    Raises
    ------
    ReadError
        If there are no two columns of numbers, or which is north cannot be told.
    """
    width = Counter(len(row) for row in grid.rows).most_common(1)[0][0]
    rows = [row for row in grid.rows if len(row) == width]
    skipped = tuple(
        Skipped(
            _("第 {} 行“{}”").format(number, str(next(c for c in row if c is not None))[:30]),
            _("列数为 {},其他行为 {}").format(len(row), width),
        )
        for number, row in enumerate(grid.rows, start=1)
        if len(row) != width
    )
    columns = [COLUMN.format(place) for place in range(1, width + 1)]
    cells = pd.DataFrame(rows, columns=columns, dtype=object)
    axes = _axes(cells, mapping, file=file, is_cass=is_cass)
    names = _named(cells, axes)
    renamed = Axes(names.get(axes.north, axes.north), names.get(axes.east, axes.east), axes.reason)
    if set(COORDINATES) & mapping.keys():
        return PointText(cells, axes, skipped)
    return PointText(cells.rename(columns=names), renamed, skipped)


def _axes(cells: pd.DataFrame, mapping: Mapping[str, str], *, file: str, is_cass: bool) -> Axes:
    if set(COORDINATES) & mapping.keys():
        stated = find_axes(cells, mapping, file=file)
        assert stated is not None
        return stated
    pairs = list(pairwise(_number_columns(cells)))
    told = [
        sized
        for first, second in pairs
        for sized in (axes_by_size(cells, first, second), axes_by_size(cells, second, first))
        if sized is not None
    ]
    if len(told) == 1:
        return told[0]
    columns = list(cells.columns)
    if is_cass and len(columns) == _CASS_COLUMNS and (columns[2], columns[3]) in pairs:
        return Axes(columns[3], columns[2], _("CASS 坐标文件的次序为 点号,编码,东,北,高程"))
    raise ReadError(
        _(
            "文件 {}:没有表头,分不清各列。第一行为“{}”。"
            "请用 --map north=第3列、--map east=第4列 这样的写法指明北、东坐标,或在首行写上列名。"
        ).format(file, ",".join("" if c is None else str(c) for c in cells.iloc[0])[:80])
    )


def _number_columns(cells: pd.DataFrame) -> list[str]:
    """Return the columns that hold numbers only, the point number in front aside."""
    return [
        str(column)
        for column in cells.columns[1:]
        if len(cells) and np.isfinite(numbers(cells[column])).mean() >= 0.9
    ]


def _named(cells: pd.DataFrame, axes: Axes) -> dict[str, str]:
    """Name the columns: the number in front, the height behind the coordinates, the code."""
    columns = [str(column) for column in cells.columns]
    after = max(columns.index(axes.north), columns.index(axes.east)) + 1
    names = {columns[0]: "点号", axes.north: "北坐标", axes.east: "东坐标"}
    if after < len(columns) and columns[after] in _number_columns(cells):
        names[columns[after]] = "高程"
    others = [column for column in columns if column not in names]
    if others:
        names[others[0]] = "编码"
    return names

"""Line tables that carry the coordinates of both ends themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from shapely.geometry import LineString

from language import gettext as _
from layers.axes import Axes, find_axes, places
from layers.errors import ReadError
from layers.headers import plain_names
from layers.survey_columns import role_of

_COORDINATES = {"x", "y", "north", "east", "longitude", "latitude"}
# What stands before 坐标 or X in the name of a column, for each end.
_ENDS = (("起点", "起始点", "始点", "起"), ("终点", "终止点", "末点", "终"))


@dataclass(frozen=True)
class Drawn:
    """Lines drawn from their own coordinates, None and the reason where one is no number."""

    shapes: np.ndarray
    unreadable: dict[int, str]
    axes: Axes


def is_end_column(name: object) -> bool:
    """Tell whether a column of this name holds a coordinate of one end."""
    return any(_coordinate(name, words) is not None for words in _ENDS)


def end_columns(cells: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns with coordinates of either end."""
    return tuple(str(column) for column in cells.columns if is_end_column(column))


def has_ends(cells: pd.DataFrame) -> bool:
    """Tell whether a table has coordinates of both ends."""
    return all(len(end.columns) >= 2 for end in _ends(cells))


def drawn_ends(cells: pd.DataFrame, *, file: str) -> Drawn | None:
    """Return the lines of a table by the coordinates of both ends; None if it has none.

    Raises ``ReadError`` if which is north cannot be told: no table says that X is north here.
    """
    start, end = _ends(cells)
    if not has_ends(cells):
        return None
    try:
        axes, other = (find_axes(one, {}, file=file) for one in (start, end))
    except ReadError:
        raise ReadError(
            _(
                "文件 {}:分不清起点、终点的哪一列是北坐标。"
                "请把列名写成 起点北坐标、起点东坐标、终点北坐标、终点东坐标。"
            ).format(file)
        ) from None
    if axes is None or other is None:
        return None
    first, last = places(start, axes), places(end, other)
    shapes = np.full(len(cells), None, dtype=object)
    for row, pair in enumerate(zip(first.shapes, last.shapes, strict=True)):
        if None not in pair:
            shapes[row] = LineString(pair)
    return Drawn(shapes, first.unreadable | last.unreadable, axes)


def _ends(cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the coordinates of each end, their columns named as they are behind 起点 or 终点."""
    start, end = (
        pd.DataFrame(
            {
                rest: cells[column]
                for column in cells.columns
                for rest in [_coordinate(column, words)]
                if rest is not None
            }
        )
        for words in _ENDS
    )
    return start, end


def _coordinate(column: object, words: tuple[str, ...]) -> str | None:
    """Return what stands behind 起点 or 终点 in a column's name, if it names a coordinate."""
    name = plain_names(column)[0]
    behind = (name.removeprefix(word) for word in words if name.startswith(word))
    return next((rest for rest in behind if role_of(rest) in _COORDINATES), None)

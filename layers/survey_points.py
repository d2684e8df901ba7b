"""Points of a survey by their numbers: what a line table refers to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from shapely.geometry import Point

from layers.axes import Axes, Places, numbers, places
from layers.headers import Table
from layers.survey_columns import roles_in

# Two rows of one number nearer than this, in the file's unit, tell of one place: rounding.
_SAME_PLACE = 0.001


@dataclass(frozen=True)
class Placed:
    """A table of points and their places."""

    table: Table
    axes: Axes
    places: Places

    @property
    def roles(self) -> Mapping[str, str]:
        """Role to column of this table."""
        return roles_in(self.table.cells.columns)

    @property
    def axis_columns(self) -> tuple[str, str]:
        """The columns that the places were made from."""
        return self.axes.north, self.axes.east


@dataclass(frozen=True)
class Points:
    """Place and ground level (m, where known) by point number.

    ``conflicting`` are numbers that stand at two places: no line may use them.
    """

    places: Mapping[str, Point]
    ground: Mapping[str, float]
    conflicting: frozenset[str]


def placed(table: Table, axes: Axes) -> Placed:
    """Return a table with its places."""
    return Placed(table, axes, places(table.cells, axes))


def by_number(tables: Sequence[Placed]) -> Points:
    """Return all points of some tables that have a number and a place."""
    found: dict[str, Point] = {}
    ground: dict[str, float] = {}
    conflicting = set()
    for one in tables:
        roles = one.roles
        if "point_no" not in roles:
            continue
        names = texts(one.table.cells[roles["point_no"]])
        column = roles.get("ground_level")
        levels = numbers(one.table.cells[column]) if column else np.full(len(names), np.nan)
        for name, shape, level in zip(names, one.places.shapes, levels, strict=True):
            if name is None or shape is None:
                continue
            if found.setdefault(name, shape).distance(shape) > _SAME_PLACE:
                conflicting.add(name)
            if np.isfinite(level):
                ground.setdefault(name, float(level))
    return Points(found, ground, frozenset(conflicting))


def texts(column: pd.Series) -> list[str | None]:
    """Return cells as text; whole numbers without a decimal point, blanks as None."""
    return [_text(cell) for cell in column]


def _text(cell: object) -> str | None:
    if cell is None or cell is pd.NaT or (isinstance(cell, float) and np.isnan(cell)):
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip() or None

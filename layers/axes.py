"""Which column points north and which east. In China's surveys X is north; elsewhere it is not.

A column's name decides, else the size of its numbers; what neither tells is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from language import gettext as _
from layers.errors import ReadError
from layers.raw import COORDINATES
from layers.survey_columns import roles_in

# Where China lies: degrees, and metres of Gauss-Krüger zones of 3 or 6 degrees. Eastings have a
# false origin of 500 km, with or without the zone's number (13 to 45) before them.
_LONGITUDES, _LATITUDES = (73.0, 136.0), (3.0, 54.0)
_NORTHINGS, _EASTINGS = (1.0e6, 6.0e6), (1.0e5, 9.0e5)
_MOST = 0.9  # of the rows; the others are left to the checks
_ZONES, _ZONE_STEP = (13, 45), 1.0e6
# Degrees, minutes and seconds: 114°52'13.5"
_SEXAGESIMAL = re.compile(r"(\d{1,3})[°度](?:(\d{1,2})['′’分](?:(\d{1,2}(?:\.\d*)?)[\"″”秒]?)?)?")


@dataclass(frozen=True)
class Axes:
    """The columns with the coordinates, and the reason in words."""

    north: str
    east: str
    reason: str

    @property
    def note(self) -> str:
        """Say which column was taken as north, which as east, and why."""
        return _("北坐标取列“{}”,东坐标取列“{}”:{}").format(self.north, self.east, self.reason)


@dataclass(frozen=True)
class Places:
    """Points of the rows, None where there is none; why, by position, where it is no number."""

    shapes: np.ndarray
    unreadable: dict[int, str]


def find_axes(
    cells: pd.DataFrame, mapping: Mapping[str, str], *, file: str, x_is_north: bool = False
) -> Axes | None:
    """Return the axes of a table, None if it has no columns with coordinates.

    ``x_is_north`` is for tables known to follow CJJ 61, whose X is north whatever its size.

    Raises
    ------
    ReadError
        If the columns are there, but which is which cannot be told, or name and size disagree.
    """
    columns = [str(column) for column in cells.columns]
    if set(COORDINATES) & mapping.keys():
        return _stated_axes(columns, mapping, file)
    roles = roles_in(columns)
    for north, east in (("north", "east"), ("latitude", "longitude")):
        if north in roles and east in roles:
            named = Axes(roles[north], roles[east], _("列名写明"))
            if axes_by_size(cells, named.east, named.north) is not None:
                raise _unclear(cells, named.north, named.east, file)
            return named
    if "x" not in roles or "y" not in roles:
        return None
    x, y = roles["x"], roles["y"]
    sized = axes_by_size(cells, x, y) or axes_by_size(cells, y, x)
    if sized is None and x_is_north:
        return Axes(x, y, _("管线点表按 CJJ 61,X 为北"))
    if sized is None:
        raise _unclear(cells, x, y, file)
    return sized


def axes_by_size(cells: pd.DataFrame, north: str, east: str) -> Axes | None:
    """Return these axes if the size of the numbers can mean nothing else."""
    first, second = numbers(cells[north]), numbers(cells[east])
    if are_grid_metres(second, first):
        return Axes(north, east, _("数值大小符合高斯投影的纵、横坐标"))
    if _all_within(first, _LATITUDES) and _all_within(second, _LONGITUDES):
        return Axes(north, east, _("数值大小符合我国的纬度、经度"))
    return None


def are_grid_metres(east: np.ndarray, north: np.ndarray) -> bool:
    """Tell whether coordinates can only be metres of a Gauss-Krüger zone in China."""
    return _all_within(north, _NORTHINGS) and _are_eastings(east)


def places(cells: pd.DataFrame, axes: Axes) -> Places:
    """Return the points of a table, x east and y north."""
    east, north = numbers(cells[axes.east]), numbers(cells[axes.north])
    shapes = np.full(len(cells), None, dtype=object)
    known = np.isfinite(east) & np.isfinite(north)
    shapes[known] = shapely.points(east[known], north[known])
    unreadable = {
        int(row): _("坐标列“{}”“{}”须为数字").format(axes.north, axes.east)
        for row in np.flatnonzero(~known)
        if not cells[[axes.east, axes.north]].iloc[row].isna().all()
    }
    return Places(shapes, unreadable)


def numbers(column: pd.Series) -> np.ndarray:
    """Return a column's numbers, NaN where there is none."""
    return np.array([_number(cell) for cell in column], dtype=float)


def _number(cell: object) -> float:
    if cell is None or isinstance(cell, bool):
        return np.nan
    text = str(cell).strip()
    angle = _SEXAGESIMAL.fullmatch(text)
    if angle:
        degrees, minutes, seconds = (float(part or 0) for part in angle.groups())
        return degrees + minutes / 60 + seconds / 3600
    try:
        return float("nan" if "_" in text else text)
    except ValueError:
        return np.nan


def _stated_axes(columns: list[str], mapping: Mapping[str, str], file: str) -> Axes:
    absent = [mapping.get(axis, axis) for axis in COORDINATES if mapping.get(axis) not in columns]
    if absent:
        raise ReadError(
            _(
                "文件 {}:没有列“{}”。"
                "须用 --map north=列名、--map east=列名 各指明一列。文件中的列:{}。"
            ).format(file, _("、").join(absent), _("、").join(columns))
        )
    return Axes(mapping["north"], mapping["east"], _("按 --map"))


def _unclear(cells: pd.DataFrame, north: str, east: str, file: str) -> ReadError:
    return ReadError(
        _(
            "文件 {}:分不清列“{}”(首行 {})和“{}”(首行 {})哪个是北坐标。"
            "请用 --map north=列名、--map east=列名 指明。"
        ).format(file, north, _first(cells[north]), east, _first(cells[east]))
    )


def _first(column: pd.Series) -> object:
    known = column.dropna()
    return known.iloc[0] if len(known) else _("空")


def _all_within(values: np.ndarray, bounds: tuple[float, float]) -> bool:
    """Tell whether the numbers lie within bounds, a few mistyped ones aside."""
    known = values[np.isfinite(values)]
    inside = (bounds[0] <= known) & (known <= bounds[1])
    return bool(len(known)) and float(inside.mean()) >= _MOST


def _are_eastings(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    zones = np.floor(known / _ZONE_STEP)
    numbered = (zones >= _ZONES[0]) & (zones <= _ZONES[1])
    return _all_within(np.where(numbered, known % _ZONE_STEP, known), _EASTINGS)

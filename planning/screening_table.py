"""Screening, the table: one row for each case and utility, filled by columns or row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.linear import IntArray
from planning.application import Application
from planning.measures import MEASURES
from planning.verdict_tables import Coded

FIGURES = ("length_m", "cost_yuan", "crossing_count", "kerb_m", "red_line_m", "green_m2")
TEXTS = (
    "status",
    "reason",
    "outcome",
    "clause",
    "certainty",
    "otherwise",
    "recommended",
    "qualifying_route",
    "tie_in_id",
    "open_questions",
)
_ABOUT = ("parcel_id", "application_id", "source", "dig_date", "utility")
# How far: to the nearest strip, and where a route that qualifies was looked for.
_REACHES = ("gap_m", "searched_m")
_ORDER = (*_ABOUT, *TEXTS[:2], "gap_m", *TEXTS[2:8], "searched_m", *TEXTS[8:])
_NOTHING = -1


class _Texts:
    """A column of texts, few of them different: places in a list of those that came up."""

    def __init__(self, rows: int) -> None:
        self._place = np.full(rows, _NOTHING, np.int32)
        self._values: list[str] = []
        self._place_of: dict[str, int] = {}

    def write(self, rows: IntArray, values: Any) -> None:
        """Write one text for all rows or one for each, None for nothing."""
        if isinstance(values, Coded):
            known = np.full(len(values.values), _NOTHING, np.int32)
            used = np.flatnonzero(np.bincount(values.place, minlength=len(known)))
            known[used] = [self._of(values.values[place]) for place in used.tolist()]
            self._place[rows] = known[values.place]
        elif isinstance(values, np.ndarray):
            place, found = pd.factorize(values)
            self._place[rows] = np.array([*map(self._of, found), _NOTHING], np.int32)[place]
        else:
            self._place[rows] = self._of(values)

    def copy(self, rows: IntArray, to: IntArray) -> None:
        """Write to some rows what others hold."""
        self._place[to] = self._place[rows]

    def column(self) -> pd.Series:
        """The texts, as pandas has them where they are given as objects."""
        return _column(self._values, self._place)

    def _of(self, value: str | None) -> int:
        if value is None:
            return _NOTHING
        if value not in self._place_of:
            self._place_of[value] = len(self._values)
            self._values.append(value)
        return self._place_of[value]


class Table:
    """Rows in the order of cases and utilities; nothing requested until something is written."""

    def __init__(self, cases: Sequence[Application], utilities: Sequence[str]) -> None:
        self.cases, self.utilities = cases, list(utilities)
        self._rows = len(cases) * len(self.utilities)
        measures = dict.fromkeys(name for group in MEASURES.values() for name in group)
        self.numbers = (*FIGURES, *(name for name in measures if name not in FIGURES))
        self._texts = {name: _Texts(self._rows) for name in TEXTS}
        self._texts["status"].write(np.arange(self._rows), "not_requested")
        self._columns = {name: np.full(self._rows, np.nan) for name in (*_REACHES, *self.numbers)}
        self._columns["geometry"] = np.full(self._rows, None, object)

    def rows(self, cases: IntArray, utility: str) -> IntArray:
        """Numbers of the rows of some cases."""
        return cases * len(self.utilities) + self.utilities.index(utility)

    def write(self, rows: IntArray, columns: Mapping[str, Any]) -> None:
        """Write values, one for each row or one for all; columns that are not kept are passed."""
        for name, values in columns.items():
            if name in self._texts:
                self._texts[name].write(rows, values)
            elif name in self._columns:
                self._columns[name][rows] = values

    def copy(self, rows: IntArray, to: IntArray) -> None:
        """Write to some rows what others hold."""
        for texts in self._texts.values():
            texts.copy(rows, to)
        for values in self._columns.values():
            values[to] = values[rows]

    def write_row(self, row: int, values: Mapping[str, Any]) -> None:
        """Write one row; None stands for an unknown number."""
        for name, value in values.items():
            if name in self._texts:
                self._texts[name].write(np.array([row]), value)
            else:
                unknown = value is None and name != "geometry"
                self._columns[name][row] = np.nan if unknown else value

    def frame(self, geometry: bool) -> pd.DataFrame:
        """The table in its columns' order."""
        each, cases = len(self.utilities), np.arange(len(self.cases))
        about: dict[str, Sequence[str | None]] = {
            "parcel_id": [case.parcel_id for case in self.cases],
            "application_id": [case.application_id or None for case in self.cases],
            "source": [case.source for case in self.cases],
            "dig_date": _days(self.cases),
        }
        columns: dict[str, Any] = {
            name: _column(values, np.repeat(cases, each)) for name, values in about.items()
        }
        columns["utility"] = _column(self.utilities, np.tile(np.arange(each), len(self.cases)))
        columns |= {name: texts.column() for name, texts in self._texts.items()}
        columns |= self._columns
        names = [*_ORDER, *self.numbers, *(["geometry"] if geometry else [])]
        return pd.DataFrame({name: columns[name] for name in names}, columns=names, copy=False)


def _column(values: Sequence[str | None], place: NDArray[Any]) -> pd.Series:
    """Texts in their places, -1 for nothing, as pandas has them where they are given as objects."""
    if all(value is None for value in values):
        return pd.Series(np.full(len(place), None, object), dtype=object)
    texts = pd.array(np.array(values, object), dtype="str")
    return pd.Series(texts.take(place, allow_fill=True))


def _days(cases: Sequence[Application]) -> list[str]:
    """Days of digging as text, each written once."""
    text = {day: day.isoformat() for day in {case.dig_date for case in cases}}
    return [text[case.dig_date] for case in cases]

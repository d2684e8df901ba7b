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
_ORDER = (*_ABOUT, *TEXTS[:2], "gap_m", *TEXTS[2:])


class Table:
    """Rows in the order of cases and utilities; nothing requested until something is written."""

    def __init__(self, cases: Sequence[Application], utilities: Sequence[str]) -> None:
        self.cases, self.utilities = cases, list(utilities)
        self._rows = len(cases) * len(self.utilities)
        measures = dict.fromkeys(name for group in MEASURES.values() for name in group)
        self.numbers = (*FIGURES, *(name for name in measures if name not in FIGURES))
        self._columns: dict[str, NDArray[Any]] = {
            name: np.full(self._rows, None, object) for name in (*TEXTS, "geometry")
        }
        self._columns |= {name: np.full(self._rows, np.nan) for name in ("gap_m", *self.numbers)}
        self._columns["status"][:] = "not_requested"

    def rows(self, cases: IntArray, utility: str) -> IntArray:
        """Numbers of the rows of some cases."""
        return cases * len(self.utilities) + self.utilities.index(utility)

    def write(self, rows: IntArray, columns: Mapping[str, Any]) -> None:
        """Write values, one for each row or one for all; columns that are not kept are passed."""
        for name, values in columns.items():
            if name in self._columns:
                self._columns[name][rows] = values

    def copy(self, rows: IntArray, to: IntArray) -> None:
        """Write to some rows what others hold."""
        for values in self._columns.values():
            values[to] = values[rows]

    def write_row(self, row: int, values: Mapping[str, Any]) -> None:
        """Write one row; None stands for an unknown number."""
        for name, value in values.items():
            unknown = value is None and name not in TEXTS
            self._columns[name][row] = np.nan if unknown and name != "geometry" else value

    def frame(self, geometry: bool) -> pd.DataFrame:
        """The table in its columns' order."""
        each = len(self.utilities)
        about: dict[str, Sequence[str | None]] = {
            "parcel_id": [case.parcel_id for case in self.cases],
            "application_id": [case.application_id or None for case in self.cases],
            "source": [case.source for case in self.cases],
            "dig_date": _days(self.cases),
        }
        columns: dict[str, NDArray[Any]] = {
            name: np.repeat(_objects(values), each) for name, values in about.items()
        }
        columns["utility"] = np.tile(_objects(self.utilities), len(self.cases))
        columns |= self._columns
        names = [*_ORDER, *self.numbers, *(["geometry"] if geometry else [])]
        return pd.DataFrame({name: columns[name] for name in names}, columns=names)


def _objects(values: Sequence[str | None]) -> NDArray[Any]:
    """Texts as an array, None kept."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _days(cases: Sequence[Application]) -> list[str]:
    """Days of digging as text, each written once."""
    text = {day: day.isoformat() for day in {case.dig_date for case in cases}}
    return [text[case.dig_date] for case in cases]

"""Screening, the table: one row for each case and utility, filled by columns or row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.garbage import hand_back
from gis.linear import IntArray
from planning.application import Application
from planning.measures import MEASURES
from planning.screening_sites import CaseKinds
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
_SHARED = pd.StringDtype("python", na_value=np.nan)


class Table:
    """Rows in the order of cases and utilities; nothing requested until something is written.

    Rows share answers: these are written once, and laid out when the frame is asked for, which
    is done once.
    """

    def __init__(
        self, cases: Sequence[Application], kinds: CaseKinds, utilities: Sequence[str]
    ) -> None:
        self.cases, self.kinds, self.utilities = cases, kinds, list(utilities)
        measures = dict.fromkeys(name for group in MEASURES.values() for name in group)
        self.numbers = (*FIGURES, *(name for name in measures if name not in FIGURES))
        self._answer_of = np.zeros(len(cases) * len(self.utilities), np.int64)
        self._written: defaultdict[str, list[tuple[slice, Any]]] = defaultdict(list)
        self._written["status"].append((slice(0, 1), "not_requested"))
        self._count = 1

    def rows(self, cases: IntArray, utility: str) -> IntArray:
        """Numbers of the rows of some cases."""
        return cases * len(self.utilities) + self.utilities.index(utility)

    def write(self, rows: IntArray, columns: Mapping[str, Any]) -> None:
        """Write values, one for each row or one for all, None for nothing.

        Columns that are not kept are passed.
        """
        first, self._count = self._count, self._count + len(rows)
        self._answer_of[rows] = np.arange(first, self._count)
        for name, values in columns.items():
            self._written[name].append((slice(first, self._count), values))

    def write_each(self, rows: IntArray, values: Sequence[Mapping[str, Any]]) -> None:
        """Write rows one by one."""
        names = dict.fromkeys(name for one in values for name in one)
        self.write(rows, {name: _objects([one.get(name) for one in values]) for name in names})

    def copy(self, rows: IntArray, to: IntArray) -> None:
        """Write to some rows what others hold."""
        self._answer_of[to] = self._answer_of[rows]

    def frame(self, geometry: bool) -> pd.DataFrame:
        """The table in its columns' order; what was written of a column is let go with it."""
        if "status" not in self._written:
            raise RuntimeError("what was written is laid out once, and gone")
        columns = {**self._about(), **{name: self._texts(name) for name in TEXTS}}
        hand_back()  # what texts were written as; numbers fill most of the table
        for name in (*_REACHES, *self.numbers):
            columns[name] = self._values(name, np.nan)
        if geometry:
            columns["geometry"] = self._values("geometry", None)
        names = [*_ORDER, *self.numbers, *(["geometry"] if geometry else [])]
        return pd.DataFrame({name: columns[name] for name in names}, columns=names, copy=False)

    def _about(self) -> dict[str, Any]:
        """The columns that tell what each row is about."""
        case, utility = np.divmod(np.arange(len(self._answer_of)), len(self.utilities))
        shown = [self.cases[number] for number in self.kinds.first.tolist()]
        kind = self.kinds.place[case]
        return {
            "parcel_id": _column([one.parcel_id for one in self.cases], case),
            "application_id": _column([one.application_id or None for one in shown], kind),
            "source": _column([one.source for one in shown], kind),
            "dig_date": _column([one.dig_date.isoformat() for one in shown], kind),
            "utility": _column(self.utilities, utility),
        }

    def _values(self, name: str, nothing: float | None) -> NDArray[Any]:
        """A column of numbers or shapes."""
        values = np.full(self._count, nothing)
        for mine, written in self._written.pop(name, ()):
            if written is not None:
                values[mine] = written
        return np.asarray(values[self._answer_of])

    def _texts(self, name: str) -> pd.Series:
        """A column of texts, few of them different."""
        place, place_of = np.full(self._count, _NOTHING), dict[str, int]()
        for mine, written in self._written.pop(name, ()):
            place[mine] = _places(written, place_of)
        return _column(list(place_of), place[self._answer_of])


def _places(values: Any, place_of: dict[str, int]) -> IntArray | int:
    """Places of texts, one for all or one for each, among those that came up, which grow."""

    def of(value: str | None) -> int:
        return _NOTHING if value is None else place_of.setdefault(value, len(place_of))

    if isinstance(values, Coded):
        known = np.full(len(values.values), _NOTHING)
        used = np.flatnonzero(np.bincount(values.place, minlength=len(known)))
        known[used] = [of(values.values[place]) for place in used.tolist()]
        return known[values.place]
    if isinstance(values, np.ndarray):
        place, found = pd.factorize(values)
        return np.array([*map(of, found), _NOTHING])[place]
    return of(values)


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    """Values as they are, shapes too."""
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _column(values: Sequence[str | None], place: NDArray[Any]) -> pd.Series:
    """Texts in their places, -1 for nothing.

    Rows share them: Arrow would write out each anew, in twice the memory.
    """
    if all(value is None for value in values):
        return pd.Series(np.full(len(place), None, object), dtype=object)
    texts = pd.array(np.array(values, object), dtype=_SHARED)
    return pd.Series(texts.take(place, allow_fill=True))

"""Handing on: what one object found once is given to another for which it holds as well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.linear import IntArray, ranges


def numbers_after(before: IntArray, count: int) -> IntArray:
    """The numbers that ``count`` things have now, -1 for those gone.

    ``before`` is the number that each had, -1 for a new one.
    """
    stayed = np.flatnonzero(before >= 0)
    number = np.full(count, -1)
    number[before[stayed]] = stayed
    return number


def hand_on(before: object, after: object, names: Iterable[str]) -> None:
    """Give the cached properties of some names that ``before`` has made to ``after``."""
    found = vars(before)
    vars(after).update({name: found[name] for name in names if name in found})


@dataclass(frozen=True)
class Exchange:
    """Rows of equal arrays of which some go, and others come between those that stay.

    ``gone`` are the rows that go, ``at`` the row before which each new one comes, both ascending.
    Long arrays are put together of slices: many times faster than row by row.
    """

    gone: IntArray
    at: IntArray

    @staticmethod
    def told_by(before: IntArray, count: int) -> Exchange:
        """Of ``count`` rows: those now had the numbers ``before``, ascending; -1 for a new one."""
        new, stay = np.flatnonzero(before < 0), np.flatnonzero(before >= 0)
        rows = np.concatenate([[-1], before[stay], [count]])
        gap = np.flatnonzero(np.diff(rows) > 1)
        gone = ranges(rows[gap] + 1, rows[gap + 1])
        return Exchange(gone, rows[np.searchsorted(stay, new) + 1])

    def of(self, old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        """A column afterwards, from what it was and what the new rows have of it."""
        if len(self.gone) == len(self.at) == 0:
            return old
        both = old, new
        return np.concatenate([both[which][rows] for which, rows in self._slices])

    @cached_property
    def _slices(self) -> list[tuple[int, slice]]:
        """What a column is put together of: slices of the old one (0) and of the new rows (1)."""
        begin = np.flatnonzero(np.diff(self.at, prepend=-1))
        row = np.concatenate([self.gone, self.at[begin]])
        first = np.concatenate([np.zeros_like(self.gone), begin])
        last = np.concatenate([np.zeros_like(self.gone), begin[1:], [len(self.at)]])[: len(row)]
        order = np.argsort(row, kind="stable")
        row, first, last = row[order], first[order], last[order]
        here = np.append(0, np.maximum.accumulate(row + (first == last)))
        old = np.stack([np.zeros_like(row), here[:-1], row], axis=1)
        new = np.stack([np.ones_like(row), first, last], axis=1)
        steps = np.stack([old, new], axis=1).reshape(-1, 3)
        steps = steps[steps[:, 1] < steps[:, 2]]
        slices = [(which, slice(one, other)) for which, one, other in steps.tolist()]
        return [*slices, (0, slice(int(here[-1]), None))]

    @property
    def stay(self) -> Exchange:
        """The same without new rows."""
        return Exchange(self.gone, self.at[:0])

    def after(self, place: IntArray) -> Exchange:
        """The exchange of which new rows come at a ``place`` among the rows that stay."""
        passed = np.searchsorted(self.gone - np.arange(len(self.gone)), place, "right")
        return Exchange(self.gone, place + passed)

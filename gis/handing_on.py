"""Handing on: what one object found once is given to another for which it holds as well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.linear import IntArray


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

    def of(self, old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        """A column afterwards, from what it was and what the new rows have of it."""
        if not self._steps:
            return old
        parts, here = [old[:0]], 0
        for row, first, last in self._steps:
            parts += [old[here:row], new[first:last]]
            here = max(here, row + (first == last))
        return np.concatenate([*parts, old[here:]])

    @cached_property
    def _steps(self) -> list[tuple[int, int, int]]:
        """Rows in order, each gone (no new ones) or with new ones before it, from first to last."""
        first = np.flatnonzero(np.diff(self.at, prepend=-1))
        last = np.append(first[1:], len(self.at))
        come = zip(self.at[first].tolist(), first.tolist(), last.tolist(), strict=False)
        return sorted([*come, *((row, 0, 0) for row in self.gone.tolist())])

    def after(self, place: IntArray) -> Exchange:
        """The exchange of which new rows come at a ``place`` among the rows that stay."""
        passed = np.searchsorted(self.gone - np.arange(len(self.gone)), place, "right")
        return Exchange(self.gone, place + passed)

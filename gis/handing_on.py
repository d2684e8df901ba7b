"""Handing on: what one object found once is given to another for which it holds as well."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

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

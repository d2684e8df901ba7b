"""Keys: numbers that tell rows and lines by what they hold, wherever they stand in a table.

Two rows have one key if they are equal to a tenth of a millimetre; that two others have one by
chance is as likely as one in 2**64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray

Keys = NDArray[np.uint64]

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_STEP_M = 1e-4
_UNKNOWN, _ENDLESS = -1e13, 1e13


def key_of(*columns: NDArray[Any] | pd.Series) -> Keys:
    """One key for each row of some columns: keys, numbers, or anything else by its text."""
    key: Keys = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        key = key * _SPREAD + _of_column(column)
        key ^= key >> np.uint64(29)
    return key


def once_each(column: pd.Series) -> NDArray[Any]:
    """The values of a column as objects, equal ones one object: tables make each text anew."""
    place, values = pd.factorize(column, use_na_sentinel=False)
    return np.asarray(values, object)[place]


def _of_column(column: NDArray[Any] | pd.Series) -> Keys:
    values = np.asarray(column)
    if values.dtype == np.uint64:
        return values
    if values.dtype.kind == "f":
        values = _steps(values)
    elif values.dtype.kind not in "iub":
        place, kinds = pd.factorize(values, use_na_sentinel=False)
        texts = np.array([str(kind) for kind in kinds], object)
        return np.asarray(pd.util.hash_array(texts, categorize=False), np.uint64)[place]
    return np.asarray(pd.util.hash_array(values), np.uint64)


def _steps(values: FloatArray) -> IntArray:
    """Numbers as whole steps of a tenth of a millimetre; unknown and infinite ones apart."""
    known = np.nan_to_num(values, nan=_UNKNOWN, posinf=_ENDLESS, neginf=-_ENDLESS)
    return np.asarray(np.rint(known / _STEP_M), np.int64)


def key_of_lines(lines: LineArray) -> Keys:
    """One key for the vertices of each line, in their order."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(np.r_[True, np.diff(owner) > 0][: len(owner)])
    place = np.arange(len(xy)) - np.repeat(first, np.diff(np.r_[first, len(xy)]))
    vertex = key_of(xy[:, 0], xy[:, 1], place)
    key: Keys = np.zeros(len(lines), np.uint64)
    if len(first):
        key[owner[first]] = np.add.reduceat(vertex, first)
    return key


def alike(shapes: NDArray[Any]) -> tuple[IntArray, IntArray]:
    """Shapes that are equal to the bit: the first of each kind, and the kind of every shape."""
    kind = pd.factorize(np.asarray(shapely.to_wkb(shapes), object))[0].astype(np.int64)
    return np.unique(kind, return_index=True)[1].astype(np.int64), kind


def runs_alike(values: IntArray, starts: IntArray) -> IntArray:
    """Equal numbers for equal runs of values, none negative; each begins where ``starts`` says.

    ``starts`` has one more entry than runs, the end. O(values).
    """
    count, most = np.diff(starts), int(values.max(initial=0)) + 1
    kind = np.zeros(len(count), np.int64)
    for place in range(int(count.max(initial=0))):
        longer = np.flatnonzero(count > place)
        pairs = kind[longer] * most + values[starts[longer] + place]
        kind[longer] = int(kind.max()) + 1 + pd.factorize(pairs)[0]  # no shorter run has these
    return kind


def summed(keys: Keys, owner: IntArray, count: int) -> Keys:
    """The sum of the keys of each owner, whatever their order; 0 for none."""
    total: Keys = np.zeros(count, np.uint64)
    np.add.at(total, owner, keys)
    return total


def paired(one: Keys, two: Keys) -> tuple[IntArray, IntArray]:
    """For every key of ``one`` its place in ``two``, and the other way round; -1 for none.

    Of keys that are there several times each is paired once.
    """
    apart_one, apart_two = _numbered(one), _numbered(two)
    _, at_one, at_two = np.intersect1d(apart_one, apart_two, return_indices=True)
    in_two, in_one = np.full(len(one), -1), np.full(len(two), -1)
    in_two[at_one], in_one[at_two] = at_two, at_one
    return in_two, in_one


def _numbered(keys: Keys) -> Keys:
    """Keys made unequal: the second of its kind differs from the first."""
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]][: len(ranked)])
    count = np.diff(np.r_[first, len(ranked)])
    place = np.arange(len(ranked)) - np.repeat(first, count)
    apart: Keys = np.empty(len(keys), np.uint64)
    apart[order] = ranked + place.astype(np.uint64) * _SPREAD
    return apart

"""Ids for rows that have none, from what a row holds: the same file gives the same ids."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pandas as pd
import shapely

# 48 bits: among 100 000 rows two differing ones meet with a chance of 2 in 100 000, and would
# then be told apart by a number as equal ones are.
_HEX_DIGITS = 12
_ROW_NUMBER = "fid"  # that GDAL gives every table: where a row stands, not what it is


def ids_of_content(cells: pd.DataFrame, shapes: np.ndarray) -> list[str]:
    """Return an id for each row: a hash of its cells and shape, in whatever order rows stand.

    Equal rows are numbered in their order, ``<id>-2`` and so on.
    """
    columns = sorted({str(column) for column in cells.columns} - {_ROW_NUMBER})
    texts = cells.set_axis(list(map(str, cells.columns)), axis=1)[columns]
    wkb = shapely.to_wkb(shapes, hex=True)
    seen: Counter[str] = Counter()
    ids = []
    for row, shape in zip(texts.itertuples(index=False), wkb, strict=True):
        words = "\x1f".join([str(shape), *(f"{n}={v}" for n, v in zip(columns, row, strict=True))])
        made = hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:_HEX_DIGITS]
        seen[made] += 1
        ids.append(made if seen[made] == 1 else f"{made}-{seen[made]}")
    return ids

"""RawLayer: one layer of a file as it stands, before anything is judged."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import CRS

from language import gettext as _

# Names that a mapping may hold beside the fields of a layer: the columns with the coordinates.
COORDINATES = ("north", "east")


@dataclass(frozen=True)
class Wanted:
    """What is asked of a file: rows for ``layer``, from its part ``source_layer`` if it has parts.

    ``beside`` is a second file that the first one needs, such as the point table of a line table.
    ``mapping`` (name to column) and ``constants`` (name to value) are what the user said of it.
    """

    layer: str
    source_layer: str | None = None
    beside: Path | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """Features of the source that could not become rows: which, in words, why, how many."""

    what: str
    reason: str
    count: int = 1


@dataclass(frozen=True)
class RawLayer:
    """One layer of a file, unchecked.

    ``cells`` has the file's own column names and a row for each feature; ``shapes`` are its
    geometries, None where the file has none or where it could not be read (then the reason is in
    ``unreadable``, by position). ``crs`` is what the file declares, or None; ``crs_is_usual`` marks
    the one that files of its kind are in where they declare none.
    ``notes`` say in words what reading did that nobody asked for. ``skipped`` are features of the
    source that are no rows here: every one of its features is either a row or skipped. ``used`` are
    columns of the file that shapes or other columns were made from. ``sheets`` are the worksheets
    that its rows come from, one after the other, where the workbook has others too, and
    ``sheet_rows`` how many each has.
    """

    file: str
    source_layer: str | None
    cells: pd.DataFrame
    shapes: np.ndarray
    unreadable: dict[int, str]
    crs: CRS | None
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    used: tuple[str, ...] = ()
    crs_is_usual: bool = False
    sheets: tuple[str, ...] = ()
    sheet_rows: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        """Where its rows come from, for messages: the file, and its worksheets if it has some."""
        return sheet_of(self.file, self.sheets)

    def counted_at(self, row: int) -> tuple[str, int]:
        """For messages the place that a row, from 1, is counted in, and its number there."""
        ends = list(accumulate(self.sheet_rows))
        if len(ends) < 2:
            return self.place, row
        sheet = bisect_left(ends, row)
        before = ends[sheet - 1] if sheet else 0
        return sheet_of(self.file, [self.sheets[sheet]]), row - before


def sheet_of(file: str, sheets: Sequence[str]) -> str:
    """A file for messages, with the worksheets that are meant, if any."""
    return _("{} 工作表 {}").format(file, _("、").join(sheets)) if sheets else file

"""Roads since: which of the roads of a survey are those that were there before an edit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import IntArray


class RoadsSince(NamedTuple):
    """Roads after an edit, by row.

    ``row_before`` is the row that each had, -1 for one that came; ``told`` are those of which
    anything but their days is told otherwise, those that came among them; ``dated`` the others
    whose record changed: when they were opened or overhauled, or what nothing here reads.
    Of roads that are ``cornered`` nothing is another but the corner into another record of their
    street, and so their carriageway and land there.
    """

    row_before: IntArray
    told: NDArray[np.bool_]
    dated: NDArray[np.bool_]
    cornered: NDArray[np.bool_]

    @staticmethod
    def none(count: int) -> RoadsSince:
        """So many roads of which nothing is told otherwise."""
        return RoadsSince(np.arange(count), *np.zeros((3, count), bool))

    @staticmethod
    def all_new(count: int) -> RoadsSince:
        """So many roads that came."""
        return RoadsSince(np.full(count, -1), np.ones(count, bool), *np.zeros((2, count), bool))

    @property
    def stayed(self) -> IntArray:
        """The row that each road had, -1 for one that is told otherwise."""
        return np.where(self.told, -1, self.row_before)

    @property
    def rows(self) -> IntArray:
        """Rows of the roads that are told otherwise."""
        return np.flatnonzero(self.told)

    @property
    def reshaped(self) -> IntArray:
        """Rows of the roads whose carriageway or land may be another."""
        return np.flatnonzero(self.told | self.cornered)

    def corners(self, before: NDArray[Any], after: NDArray[Any]) -> NDArray[Any]:
        """What is in one only of two areas of each road that is cornered."""
        rows = np.flatnonzero(self.cornered)
        return np.asarray(shapely.symmetric_difference(before[self.row_before[rows]], after[rows]))

    @property
    def keep_numbers(self) -> bool:
        """Whether every road that was there has the row that it had."""
        stands = np.flatnonzero(self.row_before >= 0)
        return np.array_equal(self.row_before[stands], stands)

    def differ_in_days(self, count: int) -> bool:
        """Whether of so many roads before nothing but days is told otherwise now."""
        return len(self.reshaped) == 0 and len(self.told) == count

    def of_told(self, road: IntArray) -> NDArray[np.bool_]:
        """Which of some numbers of roads, -1 for none, are of one that is told otherwise."""
        if not self.told.any():
            return np.zeros(len(road), bool)
        return np.asarray(np.append(self.told, False)[road])

    def gone(self, count: int) -> IntArray:
        """Rows, of so many before, of the roads that went or are told otherwise now."""
        gone = np.ones(count, bool)
        gone[self.row_before[~self.told]] = False
        return np.flatnonzero(gone)

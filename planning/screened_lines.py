"""The lines of one parcel out of a screening: what a click is answered with before any planning.

The rows are those that ``plan`` would give: its recommended route of each utility by itself, with
measures, outcome, clause and certainty. What utilities share, and all that else a plan says, is
not among them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.linear import IntArray

UNROUTABLE = "unroutable"
Line = Mapping[str, Any]


def is_pair(line: Line) -> bool:
    """Whether the figures of a row are those of two feeds."""
    return isinstance(line["geometry"], shapely.MultiLineString)


class ScreenedLines:
    """The rows of a county's screening, found by parcel and application.

    ``table`` is one of ``planning.batch.screen`` with its routes: for each case one row of each
    utility, the cases one after the other.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        self._each = int(table["utility"].nunique())
        numbers = [name for name in table if table[name].dtype.kind == "f"]
        texts = [name for name in table if name not in (*numbers, "geometry")]
        # A row of a table takes milliseconds; these take none and hold every text once.
        self._numbers = {str(name): table[name].to_numpy(float) for name in numbers}
        self._texts = {str(name): _coded(table[name]) for name in texts}
        self._shapes = table["geometry"].to_numpy(object)
        cases = table.iloc[:: self._each or 1]
        parcels = cases["parcel_id"].tolist()
        applications = cases["application_id"].fillna("").tolist()
        self._case = {
            case: number for number, case in enumerate(zip(parcels, applications, strict=True))
        }

    def of(self, parcel_id: str, application_id: str = "") -> list[Line]:
        """The row of each utility of a case, None for what is empty; [] for a case not screened.

        ``geometry`` is a LineString in the survey's CRS, from tie-in to red line, of two feeds a
        MultiLineString of both (``is_pair``). O(1).
        """
        number = self._case.get((parcel_id, application_id))
        if number is None:
            return []
        return [self._row(number * self._each + place) for place in range(self._each)]

    def _row(self, row: int) -> Line:
        numbers = {name: float(values[row]) for name, values in self._numbers.items()}
        texts = {name: (int(codes[row]), values) for name, (codes, values) in self._texts.items()}
        return {
            **{name: values[code] if code >= 0 else None for name, (code, values) in texts.items()},
            **{name: None if value != value else value for name, value in numbers.items()},
            "geometry": self._shapes[row],
        }

    def outcomes(self, strictest_first: Sequence[str]) -> dict[str, dict[str, str]]:
        """What comes of every parcel's lines by utility: an outcome, or ``unroutable``.

        Of a parcel with several applications the strictest; utilities that nobody asked for are
        left out. An outcome that is not among ``strictest_first`` is refused by ``ValueError``.
        """
        table = self.table
        told = table["outcome"].astype(object).where(table["outcome"].notna(), None)
        told = told.mask(table["status"] == UNROUTABLE, UNROUTABLE)
        rank = {outcome: place for place, outcome in enumerate((UNROUTABLE, *strictest_first))}
        if unknown := {one for one in told if one is not None} - set(rank):
            raise ValueError(f"outcomes without a place: {sorted(unknown)}")
        found: dict[str, dict[str, str]] = defaultdict(dict)
        columns = (table["parcel_id"].tolist(), table["utility"].tolist(), told.tolist())
        for parcel, utility, outcome in zip(*columns, strict=True):
            if outcome is not None:
                known = found[parcel].get(utility, outcome)
                found[parcel][utility] = min(known, outcome, key=lambda one: rank[one])
        return dict(found)


def _coded(texts: pd.Series) -> tuple[IntArray, list[Any]]:
    """A column as places in the list of its different values, -1 for what is empty."""
    codes, values = pd.factorize(texts)
    return np.asarray(codes, np.int64), list(values)

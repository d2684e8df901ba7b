"""Screening, roads: what digging up a road says to a verdict on one day, as counts."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from gis.linear import FloatArray
from planning.comparisons import DATED
from planning.facts import Ground, road_facts
from planning.policy_model import Condition
from planning.verdict_tables import Coded

CITY, CITY_UNKNOWN, ASSUMED_WIDTH, BRIDGE_UNKNOWN = range(4)
_FIRST_DAY = 4


class RoadStates:
    """What every road says to a verdict when it is dug up on ``day``.

    ``counts`` is (2, roads, columns): as surely dug, then as perhaps dug. Columns: a city road,
    perhaps a city road, a width that is assumed, a bridge that is unknown; then one for each
    class of days that the policy tells apart. Counts add up along routes; what matters is
    whether they are above 0.
    """

    def __init__(self, ground: Ground, day: date) -> None:
        self.names = tuple(dict.fromkeys(one.input for one in _dated(ground)))
        self._columns: dict[tuple[str, Any], int] = {}
        self._values: list[Any] = []
        table = ground.corridors.surfaces.table
        facts = [
            road_facts(ground, {road: dug}, (), day)
            for dug in (True, None)
            for road in range(len(table))
        ]
        rows = [self._row(ground, fact, day) for fact in facts]
        counts = np.zeros((len(rows), _FIRST_DAY + len(self._values)))
        for number, columns in enumerate(rows):
            counts[number, columns] = 1.0
        self.counts: FloatArray = counts.reshape(2, len(table), -1)
        self.counts[:, :, ASSUMED_WIDTH] = table["width_assumed"].to_numpy(bool)
        self.counts[:, :, BRIDGE_UNKNOWN] = np.isnan(ground.corridors.bridged)

    def _row(self, ground: Ground, fact: dict[str, Any], day: date) -> list[int]:
        """Columns that the facts of one road count in."""
        city = fact["touches_city_road"]
        columns = [CITY] if city else [CITY_UNKNOWN] if city is None else []
        for condition in _dated(ground):
            for value in fact[condition.input]:
                truth = condition.test({condition.input: value, condition.date or "": day})
                if truth is not False:
                    columns.append(self._column(condition.input, (value is None, truth), value))
        return columns

    def _column(self, name: str, kind: Any, value: Any) -> int:
        """The column of days of one kind; the first of them stands for all."""
        if (name, kind) not in self._columns:
            self._columns[name, kind] = _FIRST_DAY + len(self._values)
            self._values.append(value)
        return self._columns[name, kind]

    def facts(self, counts: FloatArray) -> dict[str, Coded]:
        """Facts of routes from their counts; equal facts are one value."""
        found = {"touches_city_road": three_valued(counts[:, CITY], counts[:, CITY_UNKNOWN])}
        for name in self.names:
            mine = [column for (of, _kind), column in self._columns.items() if of == name]
            patterns, place = _patterns(counts[:, mine] > 0)
            days = [self._values[column - _FIRST_DAY] for column in mine]
            values = [
                tuple(day for day, there in zip(days, pattern, strict=True) if there)
                for pattern in patterns
            ]
            found[name] = Coded(place, values)
        return found


def three_valued(yes: Any, unknown: Any) -> Coded:
    """True where ``yes`` is above 0, else None where ``unknown`` is, else False."""
    place = np.where(np.asarray(yes) > 0, 2, np.where(np.asarray(unknown) > 0, 1, 0))
    return Coded(place.astype(np.intp), (False, None, True))


def _patterns(present: Any) -> tuple[Any, Any]:
    """Distinct rows of truths, and the place of each row among them."""
    packed = present @ (1 << np.arange(present.shape[1], dtype=np.int64))
    place, found = pd.factorize(packed)
    return (found[:, None] >> np.arange(present.shape[1])) % 2 > 0, place.astype(np.intp)


def _dated(ground: Ground) -> list[Condition]:
    """Conditions of the policy's guards that ask for the day of a road."""
    guards = (one for guard in ground.policy.guards for one in guard.all_of)
    return [one for one in guards if one.comparator == DATED and one.date is not None]

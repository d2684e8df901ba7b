"""Screening, roads: what digging up a road says to a verdict on one day, as marks."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from gis.linear import IntArray
from planning.comparisons import DATED
from planning.facts import Ground, road_facts
from planning.policy_model import Condition
from planning.verdict_tables import Coded

CITY, CITY_UNKNOWN, ASSUMED_WIDTH, BRIDGE_UNKNOWN = 1, 2, 4, 8
_FIRST_DAY = 16


class RoadStates:
    """What every road says to a verdict when it is dug up on ``day``.

    ``marks`` is (2, roads) bits: as surely dug, then as perhaps dug. They tell of a city road,
    perhaps a city road, a width that is assumed, a bridge that is unknown; then one for each
    class of days that the policy tells apart. A route bears the marks of all its roads.
    """

    def __init__(self, ground: Ground, day: date) -> None:
        self.names = tuple(dict.fromkeys(one.input for one in _dated(ground)))
        self._bits: dict[tuple[str, Any], int] = {}
        self._values: dict[int, Any] = {}
        table = ground.corridors.surfaces.table
        told = [
            self._marks(ground, road_facts(ground, {road: dug}, (), day), day)
            for dug in (True, None)
            for road in range(len(table))
        ]
        self.marks: IntArray = np.array(told, np.int64).reshape(2, len(table))
        self.marks[:, table["width_assumed"].to_numpy(bool)] |= ASSUMED_WIDTH
        self.marks[:, ground.corridors.bridged != 0.0] |= BRIDGE_UNKNOWN

    def _marks(self, ground: Ground, fact: dict[str, Any], day: date) -> int:
        """What the facts of one road mark."""
        city = fact["touches_city_road"]
        marks = CITY if city else CITY_UNKNOWN if city is None else 0
        for condition in _dated(ground):
            for value in fact[condition.input]:
                truth = condition.test({condition.input: value, condition.date or "": day})
                if truth is not False:
                    marks |= self._bit(condition.input, (value is None, truth), value)
        return marks

    def _bit(self, name: str, kind: Any, value: Any) -> int:
        """The bit of days of one kind; the first of them stands for all."""
        if (name, kind) not in self._bits:
            bit = self._bits[name, kind] = _FIRST_DAY << len(self._bits)
            self._values[bit] = value
        return self._bits[name, kind]

    def facts(self, marks: IntArray) -> dict[str, Coded]:
        """Facts of routes from their marks; equal facts are one value."""
        found = {"touches_city_road": three_valued(marks & CITY, marks & CITY_UNKNOWN)}
        for name in self.names:
            mine = [bit for (of, _kind), bit in self._bits.items() if of == name]
            place, patterns = pd.factorize(marks & sum(mine))
            values = [
                tuple(self._values[bit] for bit in mine if pattern & bit)
                for pattern in patterns.tolist()
            ]
            found[name] = Coded(place.astype(np.intp), values)
        return found


def three_valued(yes: Any, unknown: Any) -> Coded:
    """True where ``yes`` is above 0, else None where ``unknown`` is, else False."""
    place = np.where(np.asarray(yes) > 0, 2, np.where(np.asarray(unknown) > 0, 1, 0))
    return Coded(place.astype(np.intp), (False, None, True))


def _dated(ground: Ground) -> list[Condition]:
    """Conditions of the policy's guards that ask for the day of a road."""
    guards = (one for guard in ground.policy.guards for one in guard.all_of)
    return [one for one in guards if one.comparator == DATED and one.date is not None]

"""Spreads 误差传播: how far the measures of a route may be off because its survey may be.

To first order a measure changes by ``gx * dx + gy * dy`` when a feature that the route hangs on is
moved by (dx, dy): the main it joins, the red line it ends on, the kerbs it lies beside or crosses,
the edges of greenery. Such effects are rows of a table. Tolerances are twice a standard deviation:

- errors of different layers are independent: their effects add in quadrature;
- errors within a layer may be common to all its features (the layer as a whole is shifted) or each
  feature's own: both sums are formed and the larger one counts, which covers any mixture;
- what a kind of effect does (place, width, edge) is independent of the other kinds.

The interval of a measure is its value ± the root of the summed squares, for the coverage of the
policy's ``interval_coverage``. An effect of a feature without tolerance leaves it unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from gis.linear import FloatArray, IntArray
from planning.application import Demand
from planning.measures import Figures

# Figures of ``planning.measures.Figures`` that a survey error can change.
SURVEYED = ("length_m", "kerb_m", "red_line_m", "longest_kerb_m", "green_m2")
COLUMNS = (
    "route", "figure", "effect", "what", "layer", "feature_id", "part",
    "gx", "gy", "tolerance_m", "x", "y",
)  # fmt: skip
# What moves a figure by less per metre does not move it: rounding of directions.
_NOTHING = 1e-9


@dataclass(frozen=True)
class Spread:
    """Effects of survey errors on the figures of ``count`` routes, one row each (``COLUMNS``).

    ``what`` is main, node, red_line, kerb or green_edge, ``part`` the side of a road; ``gx``,
    ``gy`` the change of the figure per metre that the feature is moved east and north; ``x``,
    ``y`` where to survey it.
    """

    effects: pd.DataFrame
    count: int
    coverage: float

    @cached_property
    def tolerances(self) -> dict[str, FloatArray]:
        """Half the width of the interval of every figure, NaN where a tolerance is unknown."""
        return {name: self._of(self.effects[self.effects["figure"] == name]) for name in SURVEYED}

    def figures(self, demand: Demand, feeds: int = 1) -> Figures:
        """The half widths as figures, so that the functions of the measures combine them."""
        return Figures(demand=demand, **self.tolerances, trees=np.zeros(self.count), feeds=feeds)

    def as_one(self) -> Spread:
        """Effects on the sums of the figures of all routes: what both hang on moves both."""
        return replace(self, effects=self.effects.assign(route=0), count=1)

    def _of(self, effects: pd.DataFrame) -> FloatArray:
        return np.sqrt(sum_of_squares(effects, self.count)) * self.coverage / 2


def sum_of_squares(effects: pd.DataFrame, count: int) -> FloatArray:
    """Squared effect of all errors of one figure, by route; NaN where a tolerance is unknown."""
    if effects.empty:
        return np.zeros(count)
    group = _numbered(effects, ["route", "effect", "layer"])
    feature = _numbered(effects, ["route", "effect", "layer", "feature_id", "part"])
    reach = effects[["gx", "gy"]].to_numpy(float) * effects[["tolerance_m"]].to_numpy(float)
    of_feature = _added(feature, reach)
    group_of_feature = _first(feature, group)
    own = _added(group_of_feature, of_feature**2).sum(axis=1)
    common = (_added(group_of_feature, of_feature) ** 2).sum(axis=1)
    route_of_group = _first(group, effects["route"].to_numpy(np.int64))
    total = np.bincount(route_of_group, np.maximum(own, common), minlength=count)
    return np.asarray(total, float)


def _numbered(effects: pd.DataFrame, names: list[str]) -> IntArray:
    return np.asarray(effects.groupby(names).ngroup().to_numpy(), np.int64)


def _added(number: IntArray, values: FloatArray) -> FloatArray:
    """Sums of rows by number; unlike sums of pandas, unknown where one of them is."""
    total = np.zeros((int(number.max()) + 1, values.shape[1]))
    np.add.at(total, number, values)
    return total


def _first(number: IntArray, values: IntArray) -> IntArray:
    """The value of each number, which all of its rows have in common."""
    return np.asarray(values[np.unique(number, return_index=True)[1]])


def effects_table(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One table of effects, without those that move nothing."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame({name: [] for name in COLUMNS})
    table = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    moves = np.hypot(table["gx"].to_numpy(float), table["gy"].to_numpy(float)) > _NOTHING
    moving: pd.DataFrame = table[moves].reset_index(drop=True)
    return moving

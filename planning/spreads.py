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

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from planning.application import Demand
from planning.measures import Figures

# Figures of ``planning.measures.Figures`` that a survey error can change.
SURVEYED = ("length_m", "kerb_m", "red_line_m", "longest_kerb_m", "green_m2")
# What moves a figure by less per metre does not move it: rounding of directions.
_NOTHING = 1e-9
_EVERY = slice(None)


class Effects(NamedTuple):
    """Effects of survey errors, one row each; all columns are arrays of one length.

    ``what`` is main, node, red_line, kerb or green_edge, ``part`` the side of a road; ``gx``,
    ``gy`` the change of the figure per metre that the feature is moved east and north; ``x``,
    ``y`` where to survey it. Plain arrays, as a few rows are told of at a time: tables of pandas
    would take most of the time of a click.
    """

    route: IntArray
    figure: NDArray[Any]
    effect: NDArray[Any]
    what: NDArray[Any]
    layer: NDArray[Any]
    feature_id: NDArray[Any]
    part: IntArray
    gx: FloatArray
    gy: FloatArray
    tolerance_m: FloatArray
    x: FloatArray
    y: FloatArray

    def where(self, kept: NDArray[Any]) -> Effects:
        """Some of the rows."""
        return Effects(*(column[kept] for column in self))

    def told(self, **names: str) -> Effects:
        """The rows with other words in some columns."""
        words = {key: np.full(len(self.route), word, object) for key, word in names.items()}
        return self._replace(**words)


@dataclass(frozen=True)
class Spread:
    """Effects of survey errors on the figures of ``count`` routes."""

    effects: Effects
    count: int
    coverage: float

    @cached_property
    def tolerances(self) -> dict[str, FloatArray]:
        """Half the width of the interval of every figure, NaN where a tolerance is unknown."""
        place = {name: number for number, name in enumerate(SURVEYED)}
        figure = np.array([place[name] for name in self.effects.figure.tolist()], np.int64)
        # Each figure of each route is summed as if it were a route.
        apart = self.effects._replace(route=figure * self.count + self.effects.route)
        squares = sum_of_squares(apart, len(SURVEYED) * self.count)
        half_m = np.sqrt(squares).reshape(len(SURVEYED), self.count) * self.coverage / 2
        return dict(zip(SURVEYED, half_m, strict=True))

    def on_figure(self, name: str) -> Effects:
        """The effects on one figure."""
        return self.effects.where(self.effects.figure == name)

    def figures(self, demand: Demand, feeds: int = 1, some: slice = _EVERY) -> Figures:
        """The half widths as figures, so that the functions of the measures combine them."""
        half = {name: values[some] for name, values in self.tolerances.items()}
        trees = np.zeros(len(half["length_m"]))
        return Figures(demand=demand, **half, trees=trees, feeds=feeds)

    def of_works(self, work: IntArray) -> Spread:
        """Effects on the sums of the figures of routes of one work: what all hang on moves all.

        ``work`` is the number of the work of every route.
        """
        on_works = self.effects._replace(route=work[self.effects.route])
        return replace(self, effects=on_works, count=int(work.max(initial=-1)) + 1)

    def as_one(self) -> Spread:
        """Effects on the sums of the figures of all routes."""
        return self.of_works(np.zeros(self.count, np.int64))


def sum_of_squares(effects: Effects, count: int) -> FloatArray:
    """Squared effect of all errors of one figure, by route; NaN where a tolerance is unknown."""
    if len(effects.route) == 0:
        return np.zeros(count)
    group = _numbered(effects.route, effects.effect, effects.layer)
    feature = _numbered(group, effects.feature_id, effects.part)
    reach = np.stack([effects.gx, effects.gy], axis=1) * effects.tolerance_m[:, None]
    of_feature = _added(feature, reach)
    group_of_feature = _first(feature, group)
    own = _added(group_of_feature, of_feature**2).sum(axis=1)
    common = (_added(group_of_feature, of_feature) ** 2).sum(axis=1)
    route_of_group = _first(group, effects.route)
    total = np.bincount(route_of_group, np.maximum(own, common), minlength=count)
    return np.asarray(total, float)


def _numbered(*columns: NDArray[Any]) -> IntArray:
    """Numbers of rows, equal for rows that are equal in all columns."""
    number = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        codes, values = pd.factorize(column)
        number = number * len(values) + codes
    return np.asarray(np.unique(number, return_inverse=True)[1], np.int64)


def _added(number: IntArray, values: FloatArray) -> FloatArray:
    """Sums of rows by number; unlike sums of pandas, unknown where one of them is."""
    total = np.zeros((int(number.max()) + 1, values.shape[1]))
    np.add.at(total, number, values)
    return total


def _first(number: IntArray, values: IntArray) -> IntArray:
    """The value of each number, which all of its rows have in common."""
    return np.asarray(values[np.unique(number, return_index=True)[1]])


def effects_together(parts: Sequence[Effects]) -> Effects:
    """Effects one after the other, without those that move nothing."""
    every = joined(parts)
    return every.where(np.hypot(every.gx, every.gy) > _NOTHING)


def joined(parts: Sequence[Effects]) -> Effects:
    """Effects one after the other."""
    return Effects(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

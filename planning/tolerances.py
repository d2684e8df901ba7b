"""Tolerances 允许误差: how far a surveyed feature may lie from where it is drawn, in metres.

A tolerance is twice the standard deviation of the place in each direction of the plane, as the
limit of an error is twice its mean error in surveying. It comes from the mean error that a feature
states, else from the way its place was found (settings ``tolerance_*`` of the policy, each with
its source). A feature that says neither has no tolerance: NaN, unknown. What was told and never
measured has no mean error that could make it surer: stated, it can only make it less sure. No place
has a mean error of 0, which is what an empty number becomes in a DBF: who states it states none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gis.linear import FloatArray
from layers.survey import Survey
from planning.policy_model import Planning
from planning.survey_changes import Change

# Lines that lie open need no locator: their place is surveyed like that of any visible thing.
_IN_SIGHT = ("overhead", "wall")
# What tells how high a line is, in millimetres.
_HEIGHTS = ("diameter_mm", "outer_diameter_mm", "section_height_mm")


def position_tolerances(table: pd.DataFrame, planning: Planning) -> FloatArray:
    """Tolerance of every feature of a layer in metres, NaN where its place says nothing.

    Columns ``position_source``, ``position_accuracy_m``, ``position_scale``, all optional;
    ``depth_m``, ``laying`` and what tells the height of a line tell hidden ones, whose tolerance
    grows with their depth (CJJ 61-2017). A hidden line of unknown depth that was surveyed has none.
    """
    by_source = {
        "surveyed": _surveyed(table, planning),
        "digitised": _digitised(table, planning),
        "hearsay": np.full(len(table), planning.value("tolerance_hearsay_m")),
    }
    found = np.full(len(table), np.nan)
    for name, tolerance in by_source.items():
        is_so = (_texts(table, "position_source") == name).to_numpy(bool)
        found[is_so] = tolerance[is_so]
    mean_error = _numbers(table, "position_accuracy_m")
    stated = mean_error * planning.value("tolerance_per_mean_error")
    measured = (_texts(table, "position_source") != "hearsay").to_numpy(bool)
    return np.where(mean_error > 0, np.where(measured, stated, np.fmax(stated, found)), found)


def depth_tolerance(source: Any, centre_m: float, planning: Planning) -> float:
    """How far the depth of a buried line that was located may be off, NaN where nobody measured it.

    ``centre_m`` is the depth of its centre, which counts as ``tolerance_least_depth_m`` at least.
    Source: CJJ 61-2017, setting ``tolerance_depth_per_depth``.
    """
    if source != "surveyed":
        return float("nan")
    counted = max(centre_m, planning.value("tolerance_least_depth_m"))
    return float(counted * planning.value("tolerance_depth_per_depth"))


def _surveyed(table: pd.DataFrame, planning: Planning) -> FloatArray:
    """Of things in sight that of a surveyed point; of hidden lines that of locating them too."""
    point = np.full(len(table), planning.value("tolerance_surveyed_point_m"))
    if "depth_m" not in table:
        return point
    height = np.fmax.reduce([_numbers(table, name) for name in _HEIGHTS])
    centre = _numbers(table, "depth_m") + np.nan_to_num(height) / 2000
    counted = np.maximum(centre, planning.value("tolerance_least_depth_m"))
    hidden = np.hypot(point, counted * planning.value("tolerance_plane_per_depth"))
    return np.where(_texts(table, "laying").isin(_IN_SIGHT), point, hidden)


def _digitised(table: pd.DataFrame, planning: Planning) -> FloatArray:
    """By the scale of the map; that of an unknown scale is assumed."""
    scale = _numbers(table, "position_scale")
    by_scale = scale * planning.value("tolerance_on_map_m")
    return np.where(scale > 0, by_scale, planning.value("tolerance_digitised_m"))


def _numbers(table: pd.DataFrame, name: str) -> FloatArray:
    if name not in table:
        return np.full(len(table), np.nan)
    return pd.to_numeric(table[name], errors="coerce").to_numpy(float)


def _texts(table: pd.DataFrame, name: str) -> pd.Series:
    return table[name] if name in table else pd.Series(None, index=table.index, dtype=object)


@dataclass(frozen=True)
class Tolerances:
    """Tolerances of a survey by layer and id, each layer worked out at its first use."""

    survey: Survey
    planning: Planning
    _layers: dict[str, pd.Series] = field(default_factory=dict, repr=False)
    _rows: dict[str, dict[str, int]] = field(default_factory=dict, repr=False)

    def of_layer(self, layer: str) -> pd.Series:
        """Tolerance by id; empty for a layer that was never imported."""
        if layer not in self._layers:
            table = self.survey.get(layer)
            self._layers[layer] = (
                pd.Series(dtype=float)
                if table is None
                else pd.Series(
                    position_tolerances(table, self.planning), index=table.index.astype(str)
                )
            )
        return self._layers[layer]

    def of_features(self, layer: str, ids: Sequence[str]) -> FloatArray:
        """Tolerances of some features of a layer, NaN for one that is not there."""
        told = self.of_layer(layer)
        if layer not in self._rows:
            self._rows[layer] = {name: row for row, name in enumerate(told.index.tolist())}
        row_of = self._rows[layer]
        rows = np.array([row_of.get(one, -1) for one in ids], np.int64)
        return np.append(told.to_numpy(float), np.nan)[rows]

    def after(self, survey: Survey, changed: Mapping[str, Change]) -> Tolerances:
        """Those of an edited survey; what was worked out of features that stand is kept."""
        stood = {
            layer: self._after(layer, told, survey, changed[layer].ids)
            if layer in changed
            else told
            for layer, told in list(self._layers.items())  # clicks go on meanwhile
        }
        names = {
            layer: rows
            for layer, rows in list(self._rows.items())
            if layer in stood and stood[layer].index.equals(self._layers[layer].index)
        }
        return Tolerances(survey, self.planning, stood, names)

    def _after(
        self, layer: str, told: pd.Series, survey: Survey, changed: Collection[str]
    ) -> pd.Series:
        table = survey.tables[layer]
        index = table.index.astype(str)
        stood = told if index.equals(told.index) else told.reindex(index)
        metres, new = stood.to_numpy(float, copy=True), index.isin(list(changed))
        metres[new] = position_tolerances(table[new], self.planning)
        return pd.Series(metres, index=index)

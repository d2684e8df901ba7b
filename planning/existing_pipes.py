"""Existing lines 现状管线 as pipes of the standards: which lie in the ground, what and how wide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.linear import IntArray
from layers.survey import Survey
from planning.comparisons import is_unknown
from planning.standards import Pipe, Standards

# How an existing line is laid, in the words of the standards; on poles and walls it has no place
# in tables of buried lines.
_LAYING = {"buried": "direct", "duct": "conduit"}
_ABOVE_GROUND = ("overhead", "wall")
_GONE = "abandoned"
# What tells the pipe that a line is.
_TELLING = (
    "utility", "laying", "diameter_mm", "duct_holes", "duct_outer_diameter_mm", "pressure_mpa",
    "voltage_kv", "material",
)  # fmt: skip
# Lines that are never drawn into ducts: for them an unknown way of laying leaves nothing open.
_PIPES = ("water", "sewage", "storm", "gas")


def buried_lines(survey: Survey, rows: IntArray | None = None) -> gpd.GeoDataFrame:
    """The existing lines, or those of some rows, that lie in the ground.

    None where the layer was never imported.
    """
    table = survey.get("lines")
    if table is None:
        return gpd.GeoDataFrame({"utility": []}, geometry=[], crs=survey.crs)
    table = table if rows is None else table.iloc[rows]
    return table[is_buried(table)]


def is_buried(lines: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """True for lines that lie in the ground and are not given up."""
    buried = ~lines["laying"].isin(_ABOVE_GROUND) & (lines["status"] != _GONE)
    return np.asarray(buried, bool)


def existing_pipe(row: Mapping[str, Any]) -> Pipe:
    """The pipe that a row of the layer ``lines`` is; what the row does not say is None."""
    known = {name: None if is_unknown(row[name]) else row[name] for name in _TELLING}
    laying = _LAYING.get(str(known["laying"]))
    if laying is None and known["utility"] in _PIPES:
        laying = "direct"
    holes = known["duct_holes"]
    return Pipe(
        utility=str(known["utility"]),
        nominal_mm=known["diameter_mm"],
        duct_holes=None if holes is None else int(holes),
        duct_outer_diameter_mm=known["duct_outer_diameter_mm"],
        pressure_mpa=known["pressure_mpa"],
        voltage_kv=known["voltage_kv"],
        laying=laying,
        material=known["material"],
    )


def pipes_of(lines: gpd.GeoDataFrame) -> tuple[IntArray, list[Pipe]]:
    """For each row of the layer ``lines`` the number of its pipe, and the different pipes."""
    if len(lines) == 0:
        return np.zeros(0, np.int64), []
    codes = np.stack([pd.factorize(lines[name])[0] for name in _TELLING], axis=1)
    _, first, number = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    rows = zip(*(lines[name].to_numpy(object)[first] for name in _TELLING), strict=True)
    pipes = [existing_pipe(dict(zip(_TELLING, row, strict=True))) for row in rows]
    return np.asarray(number, np.int64), pipes


def size_of(pipe: Pipe, standards: Standards) -> tuple[float, float]:
    """Outside width and height; NaN where unknown, so too while it may or may not be a duct."""
    size = None if pipe.laying is None else standards.outer_size_m(pipe)
    return size or (np.nan, np.nan)

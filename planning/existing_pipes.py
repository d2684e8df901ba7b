"""Existing lines 现状管线 as pipes of the standards: which lie in the ground, what and how wide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from layers.survey import Survey
from planning.comparisons import is_unknown
from planning.pipe_sizes import load_materials, load_pipe_sizes
from planning.standards import Pipe, Standards

# How an existing line is laid, in the words of the standards; on poles and walls it has no place
# in tables of buried lines.
_LAYING = {"buried": "direct", "duct": "conduit"}
_ABOVE_GROUND = ("overhead", "wall")
_GONE = "abandoned"
# What tells the pipe that a line is.
_TELLING = (
    "utility", "laying", "diameter_mm", "duct_holes", "duct_outer_diameter_mm", "pressure_mpa",
    "voltage_kv", "material", "outer_diameter_mm", "section_width_mm", "section_height_mm",
)  # fmt: skip
# What tells the size of a line that may be joined.
SIZES = ("diameter_mm", "outer_diameter_mm", "section_width_mm", "section_height_mm", "material")
# Lines that are never drawn into ducts: for them an unknown way of laying leaves nothing open.
_PIPES = ("water", "sewage", "storm", "gas")


@dataclass(frozen=True)
class ExistingPipe(Pipe):
    """An existing line; ``None`` is unknown.

    Its size may be on record by the clear width and height of a culvert, ``section_mm``.
    """

    section_mm: tuple[float, float] | None = None


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


def existing_pipe(row: Mapping[str, Any]) -> ExistingPipe:
    """The pipe that a row of the layer ``lines`` is; what the row does not say is None."""
    known = {name: None if is_unknown(row.get(name)) else row[name] for name in _TELLING}
    laying = _LAYING.get(str(known["laying"]))
    if laying is None and known["utility"] in _PIPES:
        laying = "direct"
    holes, outer_mm = known["duct_holes"], known["outer_diameter_mm"]
    width_mm, height_mm = known["section_width_mm"], known["section_height_mm"]
    return ExistingPipe(
        utility=str(known["utility"]),
        nominal_mm=known["diameter_mm"] or _nominal_of(known["material"], outer_mm),
        duct_holes=None if holes is None else int(holes),
        duct_outer_diameter_mm=known["duct_outer_diameter_mm"],
        pressure_mpa=known["pressure_mpa"],
        voltage_kv=known["voltage_kv"],
        laying=laying,
        material=known["material"],
        outer_mm=outer_mm,
        section_mm=None if width_mm is None or height_mm is None else (width_mm, height_mm),
    )


def _nominal_of(material: str | None, outer_mm: float | None) -> float | None:
    """The nominal size that an outside diameter tells of a pipe of a known material."""
    name = load_materials().name(material)
    if name is None or outer_mm is None:
        return None
    return load_pipe_sizes().nominal_of(name, outer_mm)


def pipes_of(lines: gpd.GeoDataFrame) -> tuple[IntArray, list[ExistingPipe]]:
    """For each row of the layer ``lines`` the number of its pipe, and the different pipes."""
    if len(lines) == 0:
        return np.zeros(0, np.int64), []
    told = pd.DataFrame(lines).reindex(columns=[*_TELLING])
    codes = np.stack([pd.factorize(told[name])[0] for name in _TELLING], axis=1)
    _, first, number = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    rows = zip(*(told[name].to_numpy(object)[first] for name in _TELLING), strict=True)
    pipes = [existing_pipe(dict(zip(_TELLING, row, strict=True))) for row in rows]
    return np.asarray(number, np.int64), pipes


def nominal_at_least_mm(lines: pd.DataFrame) -> FloatArray:
    """Nominal size of existing lines, or one that they have at least; NaN where none is told.

    A size is on record as it is, or as outside diameter, or as clear width and height of a culvert,
    whose smaller side counts (columns ``SIZES``, all optional).
    """
    told = lines.reindex(columns=SIZES)
    nominal, outer, width, height = (
        pd.to_numeric(told[name], errors="coerce").to_numpy(float, na_value=np.nan)
        for name in SIZES[:-1]
    )
    of_outer, materials = np.full(len(lines), np.nan), load_materials()
    for row in np.flatnonzero(np.isnan(nominal) & np.isfinite(outer)).tolist():
        text = told["material"].iloc[row]
        material = None if is_unknown(text) else materials.name(text)
        of_outer[row] = load_pipe_sizes().nominal_within(material, outer[row]) or np.nan
    known = np.where(np.isnan(nominal), of_outer, nominal)
    return np.where(np.isnan(known), np.minimum(width, height), known)


def size_of(pipe: ExistingPipe, standards: Standards) -> tuple[float, float]:
    """Outside width and height; NaN where unknown, so too while it may or may not be a duct."""
    size = None if pipe.laying is None else standards.outer_size_m(pipe)
    return size or (np.nan, np.nan)


def least_width_m(pipe: ExistingPipe, standards: Standards) -> float:
    """Outside width, or what it is known to be at least: bore, clear width of a culvert, else 0."""
    width_m, _height_m = size_of(pipe, standards)
    if np.isfinite(width_m):
        return width_m
    clear_mm = pipe.nominal_mm or 0.0 if pipe.section_mm is None else pipe.section_mm[0]
    return clear_mm / 1000

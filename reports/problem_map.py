"""A small map of one layer that shows where its problems lie, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from layers.problems import Problem
from reports.problem_words import SEVERITIES

_WIDTH, _TALLEST, _PAD = 560.0, 420.0, 10.0
# More would make the file heavy and show nothing more at this size.
_FEATURES, _MARKS = 4_000, 1_500
_COLOURS = {"error": "#b3261e", "warning": "#d97706", "note": "#40617f"}
_RADIUS = {"error": 5.0, "warning": 4.0, "note": 2.6}

_Placing = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def problem_map(table: gpd.GeoDataFrame, problems: Sequence[Problem]) -> str:
    """Return an SVG picture; empty text if neither the layer nor a problem has a place.

    At most 4,000 features and 1,500 marks are drawn, the gravest problems first and on top.
    """
    shapes = _usable(table)
    order = list(SEVERITIES)
    marked = sorted(
        (one for one in problems if one.x is not None and one.y is not None),
        key=lambda one: order.index(one.severity),
    )[:_MARKS]
    places = np.array([(one.x, one.y) for one in marked], dtype=float).reshape(-1, 2)
    known = np.isfinite(places).all(axis=1)
    corners = [*places[known]]
    if len(shapes):
        west, south, east, north = shapely.total_bounds(shapes)
        corners += [np.array((west, south)), np.array((east, north))]
    if not corners:
        return ""
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    wide, tall = np.maximum(high - low, 1.0)
    scale = min((_WIDTH - 2 * _PAD) / wide, (_TALLEST - 2 * _PAD) / tall)
    height = max(tall * scale + 2 * _PAD, 60.0)

    def placed(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = ((xy - low) * scale).T
        return np.column_stack([x + _PAD, height - _PAD - y])

    ground = "".join(_path(shape, placed, 0.5 / scale) for shape in shapes)
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS[one.severity]}"'
        f' fill="{_COLOURS[one.severity]}" fill-opacity=".75" stroke="#fff" stroke-width=".7"/>'
        for one, (x, y) in zip(reversed(marked), placed(places[::-1]), strict=True)
        if np.isfinite((x, y)).all()
    )
    surface = bool(len(shapes)) and bool((shapely.get_dimensions(shapes) == 2).all())
    fill = "#e4eaf0" if surface else "none"
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" aria-hidden="true">'
        f'<path d="{ground}" fill="{fill}" fill-opacity=".6" fill-rule="evenodd"'
        f' stroke="#9fb0c0" stroke-width=".6"/>{marks}{_bar(scale, height)}</svg>'
    )


def _usable(table: gpd.GeoDataFrame) -> NDArray[np.object_]:
    shapes: NDArray[np.object_] = np.asarray(table.geometry.array, object)
    good = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    shapes = shapes[good]
    shapes = shapes[np.isfinite(shapely.bounds(shapes)).all(axis=1)]
    step = max(1, -(-len(shapes) // _FEATURES))
    return shapes[::step]


def _path(shape: shapely.Geometry, placed: _Placing, tolerance: float) -> str:
    simple = shapely.simplify(shape, tolerance, preserve_topology=False)
    told = []
    for part in shapely.get_parts(simple if not simple.is_empty else shape):
        rings = shapely.get_rings(part) if part.geom_type == "Polygon" else [part]
        for ring in rings:
            xy = placed(shapely.get_coordinates(ring))
            ends = xy if len(xy) > 1 else np.vstack([xy, xy + 0.6])
            told.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ends))
    return "".join(told)


def _bar(scale: float, height: float) -> str:
    """A scale bar of a round length."""
    length = 10.0 ** np.floor(np.log10(0.3 * _WIDTH / scale))
    length *= next((f for f in (5, 2) if length * f * scale < 0.3 * _WIDTH), 1)
    told = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    right, y = _WIDTH - _PAD, height - 8
    return (
        f'<path d="M{right - length * scale:.1f} {y}H{right}" stroke="#1c2733" stroke-width="2"/>'
        f'<text x="{right}" y="{y - 5}" font-size="11" text-anchor="end">{told}</text>'
    )

"""Small helpers on lines and polygons; all lengths in metres of one projected CRS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon

GRID_M = 0.001
"""Coordinates are stored on a millimetre grid."""

Floats = NDArray[np.float64]


def spline(control: Sequence[tuple[float, float]], step_m: float = 18.0) -> LineString:
    """Return a centripetal Catmull-Rom curve through the control points."""
    points = np.asarray(control, dtype=float)
    if len(points) == 2:
        return LineString(points)
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    pieces = [
        _catmull_rom(
            padded[i : i + 4], max(2, int(np.hypot(*(points[i + 1] - points[i])) / step_m))
        )
        for i in range(len(points) - 1)
    ]
    return LineString(np.vstack([*pieces, points[-1:]])).simplify(0.05)


def _catmull_rom(quad: Floats, count: int) -> Floats:
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(np.hypot(*np.diff(quad, axis=0).T)))])
    t = np.linspace(knots[1], knots[2], count, endpoint=False)[:, None]

    def blend(low: Floats, high: Floats, i: int, j: int) -> Floats:
        return ((knots[j] - t) * low + (t - knots[i]) * high) / (knots[j] - knots[i])

    a = [blend(quad[i], quad[i + 1], i, i + 1) for i in range(3)]
    b = [blend(a[i], a[i + 1], i, i + 2) for i in range(2)]
    return blend(b[0], b[1], 1, 2)


def offset(line: LineString, distance_m: float | Floats) -> LineString:
    """Return the line shifted sideways, left positive, vertex by vertex with mitred bends.

    One distance serves the whole line; an array gives one distance per vertex.
    """
    points = shapely.get_coordinates(line)
    steps = np.diff(points, axis=0)
    normals = np.column_stack([-steps[:, 1], steps[:, 0]]) / np.hypot(*steps.T)[:, None]
    before, after = np.vstack([normals[:1], normals]), np.vstack([normals, normals[-1:]])
    mitre = (before + after) / (1 + np.sum(before * after, axis=1))[:, None]
    return LineString(points + np.reshape(distance_m, (-1, 1)) * mitre)


def extend(line: LineString, metres: float) -> LineString:
    """Return the line drawn on straight at both ends."""
    points = shapely.get_coordinates(line)
    first, last = points[0] - points[1], points[-1] - points[-2]
    return LineString(
        np.vstack(
            [
                points[0] + metres * first / np.hypot(*first),
                points,
                points[-1] + metres * last / np.hypot(*last),
            ]
        )
    )


def substring(line: LineString, start_m: float, end_m: float) -> LineString:
    """Return the part of the line between two distances along it."""
    points = shapely.get_coordinates(line)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    inner = points[(along > start_m + GRID_M) & (along < end_m - GRID_M)]
    ends = shapely.get_coordinates(shapely.line_interpolate_point(line, [start_m, end_m]))
    return LineString(np.vstack([ends[:1], inner, ends[1:]]))


def turning_deg(line: LineString) -> float:
    """Return the sum of all changes of heading along the line, in degrees."""
    steps = np.diff(shapely.get_coordinates(line), axis=0)
    turns = np.diff(np.arctan2(steps[:, 1], steps[:, 0]))
    return float(np.degrees(np.abs((turns + np.pi) % (2 * np.pi) - np.pi).sum()))


def heading(line: LineString, at_m: float) -> Floats:
    """Return the unit vector of the line's direction at a distance along it."""
    low, high = max(0.0, at_m - 2), min(line.length, at_m + 2)
    ends = shapely.get_coordinates(shapely.line_interpolate_point(line, [low, high]))
    step: Floats = ends[1] - ends[0]
    return step / np.hypot(*step)


def northwest_sign(line: LineString) -> int:
    """Return +1 if the left side of the line is its north or west side, else -1."""
    points = shapely.get_coordinates(line)
    dx, dy = points[-1] - points[0]
    return 1 if 0.6 * dy + 0.8 * dx > 0 else -1


def round_coordinates(geometries: Iterable[shapely.Geometry]) -> NDArray[np.object_]:
    """Return the geometries with every coordinate rounded to the millimetre."""
    array = np.asarray(list(geometries), dtype=object)
    return shapely.transform(array, lambda xy: np.round(xy, 3))


def points_of(geometry: shapely.Geometry) -> list[Point]:
    """Return the points of an intersection of two lines; shared pieces give their middle."""
    if geometry.is_empty:
        return []
    parts = shapely.get_parts(geometry)
    return [p if p.geom_type == "Point" else p.interpolate(0.5, normalized=True) for p in parts]


def polygons_of(geometry: shapely.Geometry, at_least_m2: float = 0.0) -> list[Polygon]:
    """Return the polygons of a geometry that reach an area, without lower-dimension parts."""
    return [
        p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon" and p.area > at_least_m2
    ]


def lines_of(geometry: shapely.Geometry, at_least_m: float = 0.0) -> list[LineString]:
    """Return the lines of a geometry that reach a length."""
    merged = shapely.line_merge(geometry) if geometry.geom_type != "LineString" else geometry
    return [
        p
        for p in shapely.get_parts(merged)
        if p.geom_type == "LineString" and p.length > at_least_m
    ]


def with_vertices(line: LineString, points: Sequence[Point]) -> LineString:
    """Return the line passing through the given points near it, at their places along it."""
    own = shapely.get_coordinates(line)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(own, axis=0).T))])
    if not points:
        return line
    extra = shapely.get_coordinates(points)
    extra_along = shapely.line_locate_point(line, np.asarray(points, dtype=object))
    keep = np.abs(along[:, None] - extra_along[None, :]).min(axis=1) > 0.05
    keep[[0, -1]] |= (
        np.hypot(*(own[[0, -1]][:, None] - extra[None]).transpose(2, 0, 1)).min(1) > 0.05
    )
    every, place = np.vstack([own[keep], extra]), np.concatenate([along[keep], extra_along])
    ordered = every[np.argsort(place, kind="stable")]
    fresh = np.concatenate([[True], np.hypot(*np.diff(ordered, axis=0).T) > GRID_M])
    return LineString(ordered[fresh])


def long_axis(polygon: Polygon) -> tuple[Floats, Floats, float, float]:
    """Return the unit vectors along and across the least rectangle, and its two lengths."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(polygon))[:3]
    first, second = corners[1] - corners[0], corners[2] - corners[1]
    a, b = float(np.hypot(*first)), float(np.hypot(*second))
    if a >= b:
        return first / a, second / b, a, b
    return second / b, first / a, b, a

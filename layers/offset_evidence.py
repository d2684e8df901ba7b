"""Signs that a layer is in GCJ-02, BD-09 or UTM: what it lies beside, and what it calls itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely
from pyproj import CRS, Transformer

from gis.china_offsets import from_offset
from language import gettext as _
from layers.raw import RawLayer

_WORDS = {
    "GCJ-02": re.compile(r"gcj-?_?02|火星坐标|高德|腾讯地图|amap", re.IGNORECASE),
    "BD-09": re.compile(r"bd-?_?09|百度", re.IGNORECASE),
}
_MOST_POINTS = 400
_FEWEST_POINTS = 20
# Shifted back, the layer must lie this many times nearer to the workspace's lines than unshifted
# and than shifted as far in any other direction; and so near, in metres, that it is the same thing.
_TIMES = 3.0
_CLOSE_M = 10.0
_DIRECTIONS = 12
# UTM of the same central meridian: scaled by this about the false easting and the equator.
_UTM_SCALE, _FALSE_EASTING_M = 0.9996, 500_000.0


@dataclass(frozen=True)
class OffsetEvidence:
    """In words, for each shifted system that the workspace's own layers speak for."""

    words: Mapping[str, str] = field(default_factory=dict)


def words_of_offset(raw: RawLayer) -> dict[str, str]:
    """Return the systems that a file names in its name, layer, columns or reader's notes."""
    texts = [raw.file, raw.source_layer or "", *raw.notes, *map(str, raw.cells.columns)]
    found = {}
    for system, pattern in _WORDS.items():
        match = next((hit for hit in map(pattern.search, texts) if hit), None)
        if match:
            found[system] = _("文件中有字样“{}”").format(match[0])
    return found


def offset_evidence(degrees: np.ndarray, beside: np.ndarray, target: CRS) -> OffsetEvidence:
    """Compare a layer in degrees with lines or outlines that are surely in place.

    The median distance from the layer's vertices to the nearest of ``beside`` is taken as it
    stands, shifted back from each system, and shifted as far in twelve other directions. Streets
    lie dense, so only a fit far better than all others speaks.

    Parameters
    ----------
    degrees
        Shapes, longitude first.
    beside
        Shapes of the workspace in ``target``, metres.
    """
    points, tree = _some_points(degrees), _outlines(beside)
    if points is None or tree is None:
        return OffsetEvidence()
    there = Transformer.from_crs(4490, target, always_xy=True)
    plain = np.column_stack(there.transform(points[:, 0], points[:, 1]))
    found = {}
    for system in _WORDS:
        back = from_offset(system, points[:, 0], points[:, 1])
        words = _fits_better(system, tree, plain, np.column_stack(there.transform(*back)))
        if words:
            found[system] = words
    return OffsetEvidence(found)


def utm_evidence(plane: np.ndarray, beside: np.ndarray, crs: CRS, target: CRS) -> str | None:
    """Compare a layer in a zone whose eastings bear no number as it stands and read as UTM.

    Both have the same numbers but for a scale, which is 1.4 km at 32° N. In words, or None.

    Parameters
    ----------
    plane
        Shapes in the plane of ``crs``, east first.
    """
    points, tree = _some_points(plane), _outlines(beside)
    if points is None or tree is None:
        return None
    origin = np.array([_FALSE_EASTING_M, 0.0])
    there = Transformer.from_crs(crs, target, always_xy=True)
    plain, moved = (
        np.column_stack(there.transform(*xy.T))
        for xy in (points, (points - origin) / _UTM_SCALE + origin)
    )
    return _fits_better("UTM", tree, plain, moved)


def _some_points(shapes: np.ndarray) -> np.ndarray | None:
    """At most some hundred vertices spread over a layer; None if they are too few to tell."""
    points = shapely.get_coordinates(shapes)
    points = points[np.isfinite(points).all(axis=1)]
    return None if len(points) < _FEWEST_POINTS else points[:: max(1, len(points) // _MOST_POINTS)]


def _outlines(beside: np.ndarray) -> shapely.STRtree | None:
    lines = np.array([shape for shape in beside if shape is not None and not shape.is_empty])
    if not len(lines):
        return None
    polygons = shapely.get_dimensions(lines) == 2
    lines[polygons] = shapely.boundary(lines[polygons])
    return shapely.STRtree(lines)


def _fits_better(
    system: str, tree: shapely.STRtree, plain: np.ndarray, moved: np.ndarray
) -> str | None:
    """In words, where places lie so much nearer moved than unmoved or moved any other way."""
    shift = np.median(moved - plain, axis=0)
    angles = np.arange(1, _DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    turned = [plain + _turn(shift, angle) for angle in angles]
    others = min(_median_distance(tree, some) for some in (plain, *turned))
    fit = _median_distance(tree, moved)
    if fit > _CLOSE_M or fit * _TIMES > others:
        return None
    return _(
        "按 {} 移回 {:.0f} 米后,与工作区已有图层的中位距离为 {:.1f} 米;"
        "不移为 {:.1f} 米,移向其他方向至少 {:.1f} 米"
    ).format(system, np.hypot(*shift), fit, _median_distance(tree, plain), others)


def _turn(shift: np.ndarray, angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([shift[0] * cos - shift[1] * sin, shift[0] * sin + shift[1] * cos])


def _median_distance(tree: shapely.STRtree, places: np.ndarray) -> float:
    finite = places[np.isfinite(places).all(axis=1)]
    if not len(finite):
        return float("inf")
    _found, distances = tree.query_nearest(
        shapely.points(finite), return_distance=True, all_matches=False
    )
    return float(np.median(distances))

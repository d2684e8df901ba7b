"""Signs that a layer is in GCJ-02 or BD-09: what it lies beside, and what it calls itself."""

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
    lines = np.array([shape for shape in beside if shape is not None and not shape.is_empty])
    points = shapely.get_coordinates(degrees)
    points = points[np.isfinite(points).all(axis=1)]
    points = points[:: max(1, len(points) // _MOST_POINTS)]
    if len(points) < _FEWEST_POINTS or not len(lines):
        return OffsetEvidence()
    polygons = shapely.get_dimensions(lines) == 2
    lines[polygons] = shapely.boundary(lines[polygons])
    tree = shapely.STRtree(lines)
    there = Transformer.from_crs(4490, target, always_xy=True)
    plain = np.column_stack(there.transform(points[:, 0], points[:, 1]))
    found = {}
    for system in _WORDS:
        back = from_offset(system, points[:, 0], points[:, 1])
        moved = np.column_stack(there.transform(*back))
        shift = np.median(moved - plain, axis=0)
        angles = np.arange(1, _DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
        turned = [plain + _turn(shift, angle) for angle in angles]
        others = min(_median_distance(tree, some) for some in (plain, *turned))
        fit = _median_distance(tree, moved)
        if fit <= _CLOSE_M and fit * _TIMES <= others:
            found[system] = _(
                "按 {} 移回 {:.0f} 米后,与工作区已有图层的中位距离为 {:.1f} 米;"
                "不移为 {:.1f} 米,移向其他方向至少 {:.1f} 米"
            ).format(system, np.hypot(*shift), fit, _median_distance(tree, plain), others)
    return OffsetEvidence(found)


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

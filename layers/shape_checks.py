"""What can be wrong with a shape by itself, though it is valid: spikes, slivers, loops left open.

Polygons and lines are told by their vertices, all at once. Unusable shapes are passed over here;
``layers.checks`` tells of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import GeometryType
from shapely.ops import substring

from language import gettext as _
from layers.problems import Problem

if TYPE_CHECKING:
    from layers.checks import Rows

# Vertices this near are one vertex stored twice: files hold coordinates to the millimetre.
REPEATED_M = 0.001
# Nothing that is built turns back on itself within two degrees.
SPIKE_DEGREES = 2.0
# Survey points are no better than a centimetre, so lines of a few of them are remnants of drawing.
SHORT_M = 0.05
# An open loop whose ends are this near was meant to be closed; the same as lines that join.
CLOSING_M = 0.5
# An end that runs past its own middle by no more than this lands on it: half a survey's tolerance.
_LANDING_M = 0.005
# A loop is at least this many times longer than the gap between its ends; else it is a hook.
_LOOP_TIMES = 20.0
# Parcels, buildings and water narrower than this are remnants of cutting one area out of another.
SLIVER_M = 0.1
# Holes below this are remnants too; the smallest thing cut out of a parcel is a well or pole.
TINY_HOLE_M2 = 0.1
# Layers of which one row is one thing in one piece.
_SINGLE = ("parcels", "buildings")
# Farther from the middle of its layer than this many times the distance of nineteen of twenty
# features, and than any county town is wide, a feature was misplaced, not built there.
_FAR_TIMES, _FAR_M = 10.0, 20_000.0
_FEW = 5  # too few features have no middle

Shapes = NDArray[np.object_]


def shape_problems(rows: Rows) -> Iterator[Problem]:
    """Yield what is wrong with the shapes of one layer, each taken by itself."""
    shapes: Shapes = np.asarray(rows.table.geometry).copy()
    shapes[~shapely.is_valid(shapes) | shapely.is_empty(shapes)] = None
    yield from _repeated(rows, shapes)
    yield from _spikes(rows, shapes)
    yield from _crossing_itself(rows, shapes)
    yield from _nearly_closed(rows, shapes)
    yield from _short(rows, shapes)
    if rows.definition.geometry_types == ("Polygon",):
        yield from _slivers(rows, shapes)
        yield from _holes(rows, shapes)
    if rows.definition.name in _SINGLE:
        yield from _in_parts(rows, shapes)
    yield from _far_away(rows, shapes)


def _repeated(rows: Rows, shapes: Shapes) -> Iterator[Problem]:
    fewer = shapely.get_num_coordinates(without_repeats(shapes))
    surplus = shapely.get_num_coordinates(shapes) - fewer
    for position in np.flatnonzero((surplus > 0) & (fewer > 0)).tolist():
        yield rows.problem(
            position,
            "geometry",
            _("有 {} 个重复的折点").format(surplus[position]),
            _("可用 repair 去除,图形不变"),
            rule_id="repeated_vertices",
        )


def without_repeats(shapes: Shapes) -> Shapes:
    """Shapes without vertices that are one vertex stored twice.

    One that has a ring of a millimetre, of which too few vertices would be left, stays as it is.
    """
    try:
        return np.asarray(shapely.remove_repeated_points(shapes, REPEATED_M), object)
    except shapely.errors.GEOSException:
        if len(shapes) == 1:
            return shapes
        half = len(shapes) // 2
        return np.concatenate([without_repeats(shapes[:half]), without_repeats(shapes[half:])])


def spike_vertices(shapes: Shapes) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the tips of spikes: the position of the shape and the place, one row each.

    A tip is a vertex between two edges that run within ``SPIKE_DEGREES`` of the same way back.
    """
    parts, whose = shapely.get_parts(shapes, return_index=True)
    surface = shapely.get_type_id(parts) == GeometryType.POLYGON
    rings, ring_of = shapely.get_rings(parts[surface], return_index=True)
    lines = shapely.get_type_id(parts) == GeometryType.LINESTRING
    paths = np.concatenate([rings, parts[lines]])
    owner = np.concatenate([whose[surface][ring_of], whose[lines]])
    # Where a ring begins is a corner like any other: its second vertex is appended.
    xy, path = shapely.get_coordinates(without_repeats(paths), return_index=True)
    last = np.flatnonzero(np.append(np.diff(path) > 0, len(path) > 0))
    first = np.append(0, last[:-1] + 1) if len(last) else last
    closing = np.arange(len(last)) < len(rings)
    again = first[closing] + 1
    xy = np.insert(xy, last[closing] + 1, xy[again], axis=0)
    path = np.insert(path, last[closing] + 1, path[last[closing]])
    if len(xy) < 3:
        return np.empty(0, np.intp), np.empty((0, 2))
    one, two = xy[:-2] - xy[1:-1], xy[2:] - xy[1:-1]
    lengths = np.hypot(*one.T) * np.hypot(*two.T)
    cosine = (one * two).sum(axis=1) / np.where(lengths > 0, lengths, 1.0)
    inside = (path[:-2] == path[1:-1]) & (path[1:-1] == path[2:]) & (lengths > 0)
    tip = np.flatnonzero(inside & (cosine > np.cos(np.radians(SPIKE_DEGREES))))
    return owner[path[tip + 1]].astype(np.intp), xy[tip + 1]


def _spikes(rows: Rows, shapes: Shapes) -> Iterator[Problem]:
    owner, tips = spike_vertices(shapes)
    counts = pd.Series(owner).value_counts(sort=False)
    _names, first = np.unique(owner, return_index=True)
    for at in first.tolist():
        yield rows.problem(
            int(owner[at]),
            "geometry",
            _("有 {} 处尖刺(折角小于 {:g} 度)").format(counts[owner[at]], SPIKE_DEGREES),
            _("请核对;可用 repair 削去尖端"),
            rule_id="spike",
            at=(float(tips[at, 0]), float(tips[at, 1])),
        )


def _crossing_itself(rows: Rows, shapes: Shapes) -> Iterator[Problem]:
    lines = shapely.get_type_id(shapes) == GeometryType.LINESTRING
    spiked = np.isin(np.arange(len(shapes)), spike_vertices(shapes)[0])  # told as such
    for position in np.flatnonzero(lines & ~shapely.is_simple(shapes) & ~spiked).tolist():
        if shapely.is_simple(_without_ends(shapes[position])):
            continue  # an end that lands on its own middle, as of a street round a block
        yield rows.problem(
            position,
            "geometry",
            _("线自相交"),
            _("请核对折点顺序;确为环绕的可以保留,不必断开"),
            rule_id="self_crossing",
        )


def _without_ends(line: shapely.LineString) -> shapely.LineString:
    """A line without as much at either end as lies on a line that it lands on by rounding."""
    end_m = min(_LANDING_M, line.length / 4)
    return substring(line, end_m, line.length - end_m)


def _nearly_closed(rows: Rows, shapes: Shapes) -> Iterator[Problem]:
    gap = shapely.distance(shapely.get_point(shapes, 0), shapely.get_point(shapes, -1))
    loop = (gap > 0) & (gap <= CLOSING_M) & (shapely.length(shapes) > _LOOP_TIMES * gap)
    loop &= shapely.get_num_points(shapes) > 3
    for position in np.flatnonzero(loop).tolist():
        yield rows.problem(
            position,
            "geometry",
            _("首尾相距 {:.2f} 米,未闭合").format(gap[position]),
            _("请核对是否为环线;可用 repair 使首尾相接"),
            rule_id="nearly_closed",
        )


def _short(rows: Rows, shapes: Shapes) -> Iterator[Problem]:
    lines = shapely.get_type_id(shapes) == GeometryType.LINESTRING
    length = shapely.length(shapes)
    for position in np.flatnonzero(lines & (length < SHORT_M)).tolist():
        yield rows.problem(
            position,
            "geometry",
            _("长仅 {:.3f} 米").format(length[position]),
            _("请核对是否为绘图残留"),
            rule_id="short_line",
        )


def _slivers(rows: Rows, shapes: Shapes) -> Iterator[Problem]:
    # A long strip of width w has area w·l and perimeter 2·l.
    width = 2 * shapely.area(shapes) / shapely.length(shapes)
    for position in np.flatnonzero(width < SLIVER_M).tolist():
        yield rows.problem(
            position,
            "geometry",
            _("平均宽度仅 {:.3f} 米").format(width[position]),
            _("请核对是否为切割面时的残留"),
            rule_id="sliver",
        )


def _holes(rows: Rows, shapes: Shapes) -> Iterator[Problem]:
    parts, whose = shapely.get_parts(shapes, return_index=True)
    with_holes = np.flatnonzero(shapely.get_num_interior_rings(parts) > 0)
    rings, of = shapely.get_rings(parts[with_holes], return_index=True)
    inner = np.append(False, np.diff(of) == 0) if len(of) else np.zeros(0, bool)
    part = with_holes[of]
    area = shapely.area(shapely.polygons(rings)) if len(rings) else np.zeros(0)
    tiny = inner & (area < TINY_HOLE_M2)
    for position in np.unique(whose[part[tiny]]).tolist():
        yield rows.problem(
            position,
            "geometry",
            _("面内有小于 {:g} 平方米的洞").format(TINY_HOLE_M2),
            _("请核对;可用 repair 填平"),
            rule_id="tiny_hole",
        )
    outer = shapely.get_exterior_ring(parts[part])
    touching = inner & ~tiny & shapely.intersects(rings, outer)
    for position in np.unique(whose[part[touching]]).tolist():
        yield rows.problem(
            position,
            "geometry",
            _("洞与外边界相触"),
            _("请核对洞是否应开口,或离开边界"),
            rule_id="hole_touching",
        )


def _in_parts(rows: Rows, shapes: Shapes) -> Iterator[Problem]:
    count = shapely.get_num_geometries(shapes)
    for position in np.flatnonzero(count > 1).tolist():
        yield rows.problem(
            position,
            "geometry",
            _("一行含有 {} 个面").format(count[position]),
            _("请核对是否为同一对象;可用 repair 拆为 编号.1、编号.2 等多行"),
            rule_id="multipart",
        )


def _far_away(rows: Rows, shapes: Shapes) -> Iterator[Problem]:
    usable = np.flatnonzero(~shapely.is_missing(shapes))
    if len(usable) < _FEW:
        return
    bounds = shapely.bounds(shapes[usable])
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    away = np.hypot(*(middle - np.median(middle, axis=0)).T)
    usual = np.quantile(away, 0.95 if len(usable) >= 100 else 0.5)
    for at in np.flatnonzero(away > max(_FAR_TIMES * usual, _FAR_M)).tolist():
        yield rows.problem(
            int(usable[at]),
            "geometry",
            _("离本图层中心 {:.0f} 千米,其余多在 {:.1f} 千米以内").format(
                away[at] / 1000, usual / 1000
            ),
            _("请核对坐标(坐标轴、带号、小数点)"),
            rule_id="far_away",
        )

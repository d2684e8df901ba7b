"""Repairs 修复: what puts a problem right, shown before it is done.

A repair makes the next version of a layer and changes nothing else; the version before stays.
None is made without being asked for, and each says in words what it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from language import gettext as _
from layers.check_rules import check_rules
from layers.checks import check_layers
from layers.errors import LayerError
from layers.fields import layer_definition
from layers.network_checks import near_misses
from layers.networks import JOINED_M, network_of
from layers.problems import Problem
from layers.shape_checks import REPEATED_M, TINY_HOLE_M2, spike_vertices, without_repeats
from layers.shapes import of_parts
from layers.survey import Survey

_GEOMETRY = "geometry"
# Trimming one tip may bare another behind it; more than this is no spike but a scribble.
_TRIMS = 20


@dataclass(frozen=True)
class Repair:
    """What a repair makes of one row: ``after`` holds one row, several, or none.

    ``before`` and ``after`` are rows of the layer, indexed by id; ``words`` tell the change, and
    ``meaning`` what it says about the world that was not said before, if anything.
    """

    problem: Problem
    before: gpd.GeoDataFrame
    after: gpd.GeoDataFrame
    words: str
    meaning: str | None = None

    @property
    def change(self) -> tuple[str, str, str, str]:
        """The repair as an edit: feature, field, what was wrong, what was done."""
        wrong = check_rules()[self.problem.rule_id].zh
        return self.problem.feature_id or "", _GEOMETRY, wrong, self.words

    def to_json(self) -> dict[str, Any]:
        """Return the repair as plain values; shapes as WKT."""
        return {
            "problem_id": self.problem.problem_id,
            "layer": self.problem.layer,
            "rule_id": self.problem.rule_id,
            "words": self.words,
            "meaning": self.meaning,
            "before": _wkt(self.before),
            "after": _wkt(self.after),
        }


def problems_to_repair(
    survey: Survey,
    *,
    ids: Sequence[str] = (),
    rule: str | None = None,
    layer: str | None = None,
) -> list[Problem]:
    """Return the problems of the survey with these ids, or with this rule, that have a repair.

    Raises ``LayerError`` for an id that no problem has, or whose problem has no repair.
    """
    if layer is not None:
        layer_definition(layer)
    found = [
        problem
        for _layer, problems in check_layers(survey, layers=None if layer is None else {layer})
        for problem in problems
    ]
    if not ids:
        return [one for one in found if one.rule_id == rule and one.repair]
    by_id = {problem.problem_id: problem for problem in found}
    unknown = [name for name in ids if name not in by_id]
    if unknown:
        raise LayerError(
            _("没有编号为 {} 的问题;可能已经改正。请用 check --json 查看。").format(
                _("、").join(unknown)
            )
        )
    hopeless = [by_id[name] for name in ids if by_id[name].repair is None]
    if hopeless:
        raise LayerError(
            "\n".join([_("以下问题不能自动修复:"), *(one.message for one in hopeless)])
        )
    return [by_id[name] for name in dict.fromkeys(ids)]


def preview(survey: Survey, problem: Problem) -> Repair:
    """Return what the repair of a problem would make; nothing is stored.

    Raises ``LayerError`` for a problem without a repair, or of a row that is not there.
    """
    table = survey.get(problem.layer)
    if table is None or problem.feature_id not in table.index or problem.repair is None:
        raise LayerError(_("不能修复:{}").format(problem.message))
    return _REPAIRS[problem.repair](survey, table, problem)


def repaired(
    survey: Survey, layer: str, problems: Iterable[Problem]
) -> tuple[gpd.GeoDataFrame, list[Repair]]:
    """Return a layer with the repairs of these problems, and what was done.

    Repairs are made one after the other, each on what those before it left; one that would change
    nothing any more is left out. The order is that of features and rules, not of the rows.
    """
    table = survey.get(layer)
    if table is None:
        raise LayerError(_("图层 {} 尚未导入。请先用 import 导入。").format(layer))
    done: list[Repair] = []
    for problem in sorted(problems, key=_order):
        if problem.feature_id not in table.index:
            continue  # an earlier repair took it away
        now = Survey(survey.crs, {**survey.tables, layer: table}, survey.county)
        repair = preview(now, problem)
        if _same(repair.before, repair.after):
            continue
        table = _replaced(table, repair)
        done.append(repair)
    return table, done


def _order(problem: Problem) -> tuple[str, str, str]:
    return problem.rule_id, problem.feature_id or "", problem.key


def _replaced(table: gpd.GeoDataFrame, repair: Repair) -> gpd.GeoDataFrame:
    """The table with the rows of ``before`` replaced by those of ``after``, in their place."""
    ids = repair.before.index
    if list(repair.after.index) == list(ids):
        changed = table.copy()
        changed.loc[ids, table.geometry.name] = repair.after.geometry
        return changed
    at = int(np.flatnonzero(table.index == ids[0])[0])
    taken = set(repair.after.index) & set(table.index.drop(ids))
    if taken:
        raise LayerError(
            _("不能拆分 {}:编号 {} 已有。请先改编号。").format(ids[0], _("、").join(sorted(taken)))
        )
    left, right = table.iloc[:at], table.iloc[at:].drop(ids)
    pieces = [part for part in (left, repair.after, right) if len(part)]
    joined = pd.concat(pieces) if pieces else table.iloc[:0]
    return gpd.GeoDataFrame(joined, geometry=table.geometry.name, crs=table.crs).rename_axis(
        table.index.name
    )


def _text(shape: BaseGeometry | None) -> str | None:
    return None if shape is None else shapely.to_wkt(shape, rounding_precision=-1)


def _wkt(table: gpd.GeoDataFrame) -> dict[str, str | None]:
    return {str(name): _text(shape) for name, shape in table.geometry.items()}


def _same(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> bool:
    return list(before.index) == list(after.index) and bool(
        shapely.equals_identical(np.asarray(before.geometry), np.asarray(after.geometry)).all()
    )


def _reshaped(
    table: gpd.GeoDataFrame,
    problem: Problem,
    shapes: Mapping[str, BaseGeometry],
    words: str,
    meaning: str | None = None,
) -> Repair:
    before = table.loc[list(shapes)]
    after = before.copy()
    after[table.geometry.name] = gpd.GeoSeries(
        list(shapes.values()), index=before.index, crs=table.crs
    )
    return Repair(problem, before, after, words, meaning)


def _shape(table: gpd.GeoDataFrame, problem: Problem) -> BaseGeometry:
    shape: BaseGeometry = table.geometry.loc[problem.feature_id]
    return shape


def _make_valid(_survey: Survey, table: gpd.GeoDataFrame, problem: Problem) -> Repair:
    old = _shape(table, problem)
    if shapely.is_valid(old):
        return _reshaped(table, problem, {str(problem.feature_id): old}, _("图形已经有效"))
    made = shapely.make_valid(old, method="structure", keep_collapsed=False)
    types = layer_definition(problem.layer).geometry_types
    fits = made.geom_type.removeprefix("Multi") in types and not made.is_empty
    new = made if fits else old
    area = _("面积由 {:.2f} 变为 {:.2f} 平方米").format(shapely.area(old), shapely.area(new))
    name = str(problem.feature_id)
    meaning = _("自相交处如何取舍由程序决定,请对照前后图形")
    return _reshaped(table, problem, {name: new}, _("重整无效图形,{}").format(area), meaning)


def _remove_repeated(_survey: Survey, table: gpd.GeoDataFrame, problem: Problem) -> Repair:
    old = _shape(table, problem)
    new = _once(old)
    fewer = shapely.get_num_coordinates(old) - shapely.get_num_coordinates(new)
    words = _("去除 {} 个重复的折点").format(int(fewer))
    return _reshaped(table, problem, {str(problem.feature_id): new}, words)


def _once(shape: BaseGeometry) -> BaseGeometry:
    """The shape without repeated vertices."""
    return without_repeats(np.array([shape], object))[0]


def trimmed(shape: BaseGeometry) -> BaseGeometry:
    """Return the shape without its spikes; as it was, if trimming leaves nothing valid."""
    new = _once(shape)
    for _trim in range(_TRIMS):
        _owner, tips = spike_vertices(np.array([new], object))
        if not len(tips):
            break
        cut = shapely.transform(new, lambda xy: xy)
        cut = _without(cut, {tuple(tip) for tip in tips[:1]})
        if cut is None or cut.is_empty or not cut.is_valid:
            return shape
        new = _once(cut)
    return new


def _without(shape: BaseGeometry, tips: set[tuple[float, float]]) -> BaseGeometry | None:
    """The shape without some vertices, ends of lines aside; None if a part gets too short."""
    if shape.geom_type.startswith("Multi"):
        parts = [_without(part, tips) for part in shape.geoms]
        kept = [part for part in parts if part is not None]
        return type(shape)(kept) if len(kept) == len(parts) else None
    if shape.geom_type == "LineString":
        xy = list(shape.coords)
        kept_xy = [xy[0], *(p for p in xy[1:-1] if p not in tips), xy[-1]]
        return shapely.LineString(kept_xy) if len(set(kept_xy)) > 1 else None
    rings = [_ring([p for p in ring.coords[:-1] if p not in tips]) for ring in _rings(shape)]
    shell, *holes = rings
    if shell is None:
        return None
    return shapely.Polygon(shell, [hole for hole in holes if hole is not None])


def _rings(shape: Any) -> list[Any]:
    return [shape.exterior, *shape.interiors]


def _ring(xy: list[tuple[float, ...]]) -> list[tuple[float, ...]] | None:
    return [*xy, xy[0]] if len(xy) > 2 else None


def _trim_spikes(_survey: Survey, table: gpd.GeoDataFrame, problem: Problem) -> Repair:
    old = _shape(table, problem)
    new = trimmed(old)
    measure = shapely.length(old) - shapely.length(new)
    words = _("削去尖刺,线长(周长)减少 {:.2f} 米").format(measure)
    return _reshaped(table, problem, {str(problem.feature_id): new}, words)


def _close_ring(_survey: Survey, table: gpd.GeoDataFrame, problem: Problem) -> Repair:
    old = _shape(table, problem)
    xy = shapely.get_coordinates(old)
    gap = float(np.hypot(*(xy[0] - xy[-1])))
    xy[-1] = xy[0]
    words = _("终点移动 {:.2f} 米,与起点重合").format(gap)
    meaning = _("此后视为闭合的环线")
    new = {str(problem.feature_id): shapely.LineString(xy)}
    return _reshaped(table, problem, new, words, meaning)


def _fill_tiny_holes(_survey: Survey, table: gpd.GeoDataFrame, problem: Problem) -> Repair:
    old = _shape(table, problem)
    parts = [
        shapely.Polygon(
            part.exterior,
            [h for h in part.interiors if shapely.Polygon(h).area >= TINY_HOLE_M2],
        )
        for part in shapely.get_parts(old)
    ]
    new = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    added = shapely.area(new) - shapely.area(old)
    words = _("填平极小的洞,面积增加 {:.3f} 平方米").format(added)
    return _reshaped(table, problem, {str(problem.feature_id): new}, words)


def _split_multipart(_survey: Survey, table: gpd.GeoDataFrame, problem: Problem) -> Repair:
    before = table.loc[[problem.feature_id]]
    parts = shapely.get_parts(_shape(table, problem))
    if len(parts) < 2:
        return Repair(problem, before, before, _("图形只有一部分,不必拆分"))
    names = [f"{problem.feature_id}.{number}" for number in range(1, len(parts) + 1)]
    after = before.loc[[problem.feature_id] * len(parts)].set_geometry(parts, crs=table.crs)
    after.index = pd.Index(names, name=table.index.name, dtype=table.index.dtype)
    place = np.arange(len(parts))
    after = of_parts(after, place == 0, place == len(parts) - 1)
    return Repair(
        problem,
        before,
        after,
        _("拆为 {} 行:{}").format(len(parts), _("、").join(names)),
        _("一个对象变为几个,编号改变;指向 {} 的申请和其他图层须随之修改").format(
            problem.feature_id
        ),
    )


def _drop_duplicate(_survey: Survey, table: gpd.GeoDataFrame, problem: Problem) -> Repair:
    before = table.loc[[problem.feature_id]]
    words = _("删去 {}:与 {} 图形和各字段都相同").format(problem.feature_id, problem.key)
    if problem.key not in table.index:
        return Repair(problem, before, before, _("{} 已不在,不再删除").format(problem.key))
    return Repair(
        problem, before, before.iloc[:0], words, _("编号 {} 不再存在").format(problem.feature_id)
    )


def _snap(survey: Survey, table: gpd.GeoDataFrame, problem: Problem) -> Repair:
    """Move an end onto the node, the end or the line that it stops short of."""
    old = _shape(table, problem)
    around = old.boundary.buffer(2 * JOINED_M).bounds if old.length else old.bounds
    near = table.cx[around[0] : around[2], around[1] : around[3]]
    nodes = survey.get("nodes")
    if nodes is not None:
        nodes = nodes.cx[around[0] : around[2], around[1] : around[3]]
    network = network_of(near, nodes)
    count = len(network.shapes)
    line = int(np.flatnonzero(network.ids == problem.feature_id)[0])
    end = line + (count if problem.key == "end" else 0)
    missed = near_misses(network)
    own = missed[missed["end"] == end]
    name = str(problem.feature_id)
    if own.empty:
        return _reshaped(table, problem, {name: old}, _("端点已经接上"))
    target = int(own["other"].iloc[0])
    xy = shapely.get_coordinates(old)
    at = -1 if problem.key == "end" else 0
    place = (
        _place_on(network.points[target - count], xy[at])
        if target >= count
        else _place_on(network.shapes[target], xy[at])
    )
    moved = float(np.hypot(*(place - xy[at])))
    xy[at] = place
    side = _("终点") if at else _("起点")
    words = _("{}移动 {:.2f} 米,接到 {}").format(
        side, moved, np.concatenate([network.ids, network.point_ids])[target]
    )
    return _reshaped(table, problem, {name: shapely.LineString(xy)}, words, _("此后视为相接"))


def _place_on(other: BaseGeometry, tip: np.ndarray) -> np.ndarray:
    """The end of a line if it is near enough to be meant, else the nearest place on it."""
    if other.geom_type == "LineString":
        ends = shapely.get_coordinates(other)[[0, -1]]
        away = np.hypot(*(ends - tip).T)
        if away.min() <= JOINED_M:
            nearest: np.ndarray = ends[int(away.argmin())]
            return nearest
    near = other.interpolate(other.project(shapely.Point(tip))) if other.length else other
    return np.array([near.x, near.y])


def _join_at_crossing(_survey: Survey, table: gpd.GeoDataFrame, problem: Problem) -> Repair:
    """Give both lines a vertex where they cross, which says that they are joined there."""
    other = problem.key.rpartition("@")[0]
    name = str(problem.feature_id)
    if other not in table.index or problem.x is None or problem.y is None:
        return _reshaped(table, problem, {name: _shape(table, problem)}, _("另一条线已不在"))
    place = shapely.Point(problem.x, problem.y)
    shapes = {one: _with_vertex(table.geometry.loc[one], place) for one in (name, other)}
    words = _("在 {} 与 {} 的交点处各加一个折点").format(name, other)
    return _reshaped(
        table, problem, shapes, words, _("此后两条线在此处视为相接;上下错开的不应如此修复")
    )


def _with_vertex(line: BaseGeometry, place: shapely.Point) -> BaseGeometry:
    xy = shapely.get_coordinates(line)
    if (np.hypot(*(xy - (place.x, place.y)).T) <= REPEATED_M).any():
        return line
    along = shapely.line_locate_point(line, shapely.points(xy[1:-1]))
    at = 1 + int(np.searchsorted(along, line.project(place)))
    return shapely.LineString(np.insert(xy, at, (place.x, place.y), axis=0))


_Maker = Callable[[Survey, gpd.GeoDataFrame, Problem], Repair]
_REPAIRS: Mapping[str, _Maker] = MappingProxyType(
    {
        "make_valid": _make_valid,
        "remove_repeated": _remove_repeated,
        "trim_spikes": _trim_spikes,
        "close_ring": _close_ring,
        "fill_tiny_holes": _fill_tiny_holes,
        "split_multipart": _split_multipart,
        "drop_duplicate": _drop_duplicate,
        "snap": _snap,
        "join_at_crossing": _join_at_crossing,
    }
)
# What each repair is called, in Chinese and English.
REPAIRS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "make_valid": ("重整无效图形", "rebuild the invalid geometry"),
        "remove_repeated": ("去除重复折点", "remove repeated vertices"),
        "trim_spikes": ("削去尖刺", "trim spikes"),
        "close_ring": ("首尾相接", "close the loop"),
        "fill_tiny_holes": ("填平极小的洞", "fill tiny holes"),
        "split_multipart": ("拆为多行", "split into one row for each part"),
        "drop_duplicate": ("删去重复的一行", "drop the row that is there twice"),
        "snap": ("移动端点使其接上", "move the end so that it joins"),
        "join_at_crossing": ("在交点处加共同折点", "give both lines a vertex where they cross"),
    }
)

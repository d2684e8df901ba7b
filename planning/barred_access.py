"""Barred access 通路受阻: what stands between the corridors and a red line in their reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import LineArray
from gis.overlay import enters
from planning.feet import red_line_points
from planning.groundwork import Groundwork, Site
from planning.obstacles import shapes_of
from planning.red_lines import OVERLAP_M2
from planning.texts import gettext as _

# No more things than these are named, first those that bar most ways.
_MOST_NAMED = 3
_CURES = {
    "parcels": _(
        "宗地 {name} 隔在管线走廊与{end}之间:如是红线绘制的误差请改正,否则须先取得借道的土地"
    ),
    "buildings": _("建筑 {name} 挡在管线走廊与{end}之间:请核对建筑图层,已拆除的请删去"),
    "water_bodies": _(
        "水体 {name} 隔在管线走廊与{end}之间,管线只随道路过水:"
        "请补录跨过它的道路;已加盖板或设涵的一段请从水体图层中断开"
    ),
    "railways": _(
        "铁路 {name} 隔在管线走廊与{end}之间,管线只随道路穿越铁路:请核对有无道口或下穿道路并补录"
    ),
}
_OVERLAPPING = _(
    "宗地 {parcel} 与宗地 {name} 重叠 {shared:.0f} 平方米,通往{end}的连接段都被挡住:"
    "请核对两块宗地的红线"
)


class Barring(NamedTuple):
    """One thing in the way: its layer and id, and what to do about it."""

    layer: str
    feature_id: str
    text: str


def barring_access(work: Groundwork, site: Site) -> tuple[Barring, ...]:
    """What bars every straight connector from the corridors to the end of a site's lines.

    None where some connector is free or no strip is in reach: then the distance or a gap between
    streets is the reason. What bars most connectors comes first.
    """
    if len(site.end_nodes) or site.gap_m > work.policy.planning.max_snap_m:
        return ()
    parcel = work.survey.tables["parcels"].geometry.loc[site.application.parcel_id]
    ways = _connectors(work, site, parcel)
    barred = sorted(
        (-count, layer, name) for layer in _CURES for name, count in _barring(work, layer, ways)
    )
    return tuple(
        Barring(layer, name, _told(work, site, parcel, layer, name))
        for _count, layer, name in barred[:_MOST_NAMED]
    )


def _connectors(work: Groundwork, site: Site, parcel: shapely.Polygon) -> LineArray:
    """Straight ways to the end of a site's lines from the nearest strips, none through its land."""
    graph, reach_m = work.corridors.graph, work.policy.planning.max_snap_m
    gate = work.joined.get(site.application.application_id)
    land = np.array([parcel], object)
    points = red_line_points(land)[0] if gate is None else shapely.get_parts(gate[1])
    near = np.unique(graph.tree.query(points, "dwithin", distance=reach_m)[1])
    strips = graph.lines[near[np.asarray(graph.kind)[near] == "strip"]]
    if len(strips) == 0:
        return np.zeros(0, object)
    at, strip = shapely.STRtree(strips).query_nearest(points, all_matches=False)
    lines = shapely.shortest_line(strips[strip], points[at])
    lines = lines[shapely.length(lines) <= reach_m]
    return np.asarray(np.delete(lines, enters(lines, land).line), object)


def _barring(work: Groundwork, layer: str, ways: LineArray) -> Iterator[tuple[str, int]]:
    """Features of a layer that bar some of the ways, and how many."""
    shapes = shapes_of(work.survey, layer)
    if len(ways) == 0 or len(shapes) == 0:
        return
    if layer == "railways":
        met: NDArray[np.int64] = shapely.STRtree(shapes).query(ways, "intersects")[1]
    else:
        met = enters(ways, shapes).polygon
    names = work.survey.tables[layer].index
    for row, count in zip(*np.unique(met, return_counts=True), strict=True):
        yield str(names[row]), int(count)


def _told(work: Groundwork, site: Site, parcel: shapely.Polygon, layer: str, name: str) -> str:
    own = site.application.parcel_id
    pattern = _("宗地 {} 的红线") if site.application.gate is None else _("宗地 {} 的接口")
    end = pattern.format(own)
    if layer == "parcels":
        other = work.survey.tables[layer].geometry.loc[name]
        shared = float(shapely.intersection(parcel, other).area)
        if shared > OVERLAP_M2:
            return _OVERLAPPING.format(parcel=own, name=name, shared=shared, end=end)
    return _CURES[layer].format(name=name, end=end)

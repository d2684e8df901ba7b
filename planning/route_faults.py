"""Faults of a drawn route: where it enters what no corridor would, with place and length.

A drawn route is allowed to be wrong; it is marked, not refused. What follows a corridor is in
order there, whatever it crosses: a bridge carries it over water, a level crossing over rails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import shapely

from gis.linear import IntArray, LineArray
from gis.overlay import CONTACT_TOLERANCE_M, enters
from planning.corridors import Corridors
from planning.groundwork import Groundwork, Site
from planning.road_surfaces import crossing_angles
from planning.texts import gettext as _

# A line nearer than this to a corridor edge lies on it: digitised lines meet within centimetres.
ON_EDGE_M = 0.05
# A line shares this much with an edge that it runs along; with one that it crosses 0.1 m.
_ALONG_M = 0.5


@dataclass(frozen=True)
class Fault:
    """One stretch of a drawn route that lies where no line may lie.

    ``kind`` is private_land, building, water, railway, carriageway (lengthwise) or no_dig;
    ``geometry`` the stretch itself, ``length_m`` 0 where rails are only crossed.
    """

    kind: str
    layer: str
    id: str
    length_m: float
    geometry: shapely.Geometry
    text: str


def faults_of(
    work: Groundwork,
    site: Site,
    line: shapely.LineString,
    edges: Sequence[int],
    strip: shapely.Polygon | None,
) -> tuple[Fault, ...]:
    """Every fault of a line with its working strip; empty for a line along open corridors.

    ``edges`` are those that the line follows, by :func:`edges_along`.
    """
    free = np.array(_off_corridor(work.corridors, line, edges), object)
    found = _obstacles(work, site, free)
    found += [fault for part in free for fault in _railways(work, part)]
    found += _lengthwise(work, free)
    return (*found, *_no_dig(work, line, strip, site.application.dig_date))


def edges_along(corridors: Corridors, line: shapely.LineString) -> IntArray:
    """The corridor edges that a line runs along: what they know of road and bridge holds for it."""
    graph = corridors.graph
    near = np.unique(graph.tree.query(line, predicate="dwithin", distance=ON_EDGE_M))
    length_m = graph.length_m[near]
    beside = _parts_beside(line, graph.lines[near])
    shared_m = shapely.length(
        shapely.intersection(graph.lines[near], shapely.buffer(beside, ON_EDGE_M))
    )
    along = (shared_m >= np.minimum(_ALONG_M, length_m)) & (length_m > 2 * ON_EDGE_M)
    kind = graph.measures["kind"].to_numpy()[near]
    along &= ~np.isin(kind, ("bore", "carrier"))  # a drawn line is a trench, not what exists
    return np.sort(near[along]).astype(np.int64)


def _parts_beside(line: shapely.LineString, edges: LineArray) -> LineArray:
    """For each edge the segments of a line that lie on it or cross it.

    Each edge is compared with these alone: with the whole line the work would grow with the
    square of its length.
    """
    points = shapely.get_coordinates(line)
    segments = shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1))
    tree = shapely.STRtree(segments)
    edge, segment = tree.query(edges, predicate="dwithin", distance=ON_EDGE_M)
    order = np.argsort(edge, kind="stable")
    found: LineArray = shapely.multilinestrings(segments[segment[order]], indices=edge[order])
    return found


def _off_corridor(
    corridors: Corridors, line: shapely.LineString, edges: Sequence[int]
) -> list[shapely.LineString]:
    """The parts of a line that run along none of the corridor edges that it follows."""
    along = corridors.graph.lines[list(edges)]
    beside = shapely.difference(line, shapely.buffer(shapely.union_all(along), ON_EDGE_M))
    parts = shapely.get_parts(beside)
    return [part for part in parts.tolist() if part.length > CONTACT_TOLERANCE_M]


def _obstacles(work: Groundwork, site: Site, parts: LineArray) -> list[Fault]:
    """Land, buildings and water that the parts of a line enter, in the order of the parts."""
    own = site.application.parcel_id
    words = {
        "parcels": ("private_land", _("穿入宗地 {id} {length:.2f} 米")),
        "buildings": ("building", _("穿过建筑 {id} {length:.2f} 米")),
        "water_bodies": ("water", _("穿过水体 {id} {length:.2f} 米,不在桥上")),
    }
    found: list[tuple[int, Fault]] = []
    for layer, (kind, text) in words.items():
        for part, id_, inside in _entered(work, layer, parts):
            said = (
                _("穿入本宗地 {id} {length:.2f} 米") if (layer, id_) == ("parcels", own) else text
            )
            found.append((part, _fault(kind, layer, id_, inside, said)))
    return [fault for _part, fault in sorted(found, key=lambda one: one[0])]


def _entered(
    work: Groundwork, layer: str, parts: LineArray
) -> list[tuple[int, str, shapely.Geometry]]:
    """Which part of a line enters which area of a layer, by id, and what of it lies inside."""
    table = work.survey.get(layer)
    if table is None:
        return []
    areas = np.asarray(table.geometry.array)
    pairs = enters(parts, areas)
    part, row = (pairs[name].to_numpy(np.int64) for name in ("line", "polygon"))
    inside = shapely.intersection(parts[part], areas[row])
    names = [str(name) for name in table.index[row]]
    return list(zip(part.tolist(), names, inside, strict=True))


def _railways(work: Groundwork, part: shapely.LineString) -> list[Fault]:
    table = work.survey.get("railways")
    if table is None:
        return []
    rails = np.asarray(table.geometry.array)
    rows = shapely.STRtree(rails).query(part, predicate="intersects") if len(rails) else []
    return [
        _fault(
            "railway",
            "railways",
            str(table.index[row]),
            shapely.intersection(part, rails[row]),
            _("在道路之外穿越铁路 {id}"),
        )
        for row in rows
    ]


def _lengthwise(work: Groundwork, parts: LineArray) -> list[Fault]:
    """Stretches inside a carriageway that do not cross it at the least angle."""
    surfaces = work.corridors.surfaces
    pairs = enters(parts, surfaces.own_area)
    part, inside = (pairs[name].to_numpy(np.int64) for name in ("line", "polygon"))
    cut, owner = shapely.get_parts(
        shapely.intersection(parts[part], surfaces.own_area[inside]), return_index=True
    )
    kept = shapely.length(cut) > CONTACT_TOLERANCE_M
    cut, road = cut[kept], inside[owner[kept]]
    pieces = pd.DataFrame({"line": range(len(cut)), "road": road, "at_m": shapely.length(cut) / 2})
    angle = crossing_angles(cut, pieces, surfaces)
    least = work.policy.planning.min_crossing_angle_deg
    text = _("在道路 {id} 车行道内沿路或斜向敷设 {length:.2f} 米")
    names = surfaces.table["road_id"].to_numpy(object)
    return [
        _fault("carriageway", "roads", str(names[road[n]]), cut[n], text)
        for n in np.flatnonzero(angle < least)
    ]


def _no_dig(
    work: Groundwork, line: shapely.LineString, strip: shapely.Polygon | None, day: date
) -> list[Fault]:
    """No-dig areas in force that the working strip enters, or the line where it is unknown."""
    closures = work.closures
    reach = line if strip is None else strip
    found = []
    for row in closures.on(day):
        name, area = closures.areas[row].no_dig_id, closures.shapes[row]
        inside, dug = shapely.intersection(line, area), shapely.intersection(reach, area)
        if max(dug.area, inside.length) > CONTACT_TOLERANCE_M:
            text = _("进入禁挖区 {id},路由在其中 {length:.2f} 米")
            where = inside if inside.length > CONTACT_TOLERANCE_M else dug
            said = text.format(id=name, length=inside.length)
            found.append(Fault("no_dig", "no_dig", name, float(inside.length), where, said))
    return found


def _fault(kind: str, layer: str, id_: str, where: shapely.Geometry, text: str) -> Fault:
    length_m = float(where.length)
    return Fault(kind, layer, id_, length_m, where, text.format(id=id_, length=length_m))

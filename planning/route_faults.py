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

from gis.linear import LineArray
from gis.overlay import CONTACT_TOLERANCE_M, enters
from planning.application import Demand
from planning.corridors import Corridors
from planning.crossing_angles import crossing_angles
from planning.gravity_ways import unmet_of
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route
from planning.narrow_slots import NarrowSlot, tight_stretches
from planning.route_edges import ON_EDGE_M
from planning.routes import DrawnWay
from planning.standards import Pipe
from planning.street_sides import compass_side
from planning.stretches import SLOTS, piece_lines, pieces_of
from planning.texts import gettext as _


@dataclass(frozen=True)
class Fault:
    """One stretch of a drawn route that lies where no line may lie.

    ``kind`` is private_land, building, water, railway, carriageway (lengthwise), slot_too_narrow,
    no_dig, or no_fall and no_cover of a gravity line; ``geometry`` the stretch itself, ``length_m``
    0 where rails are only crossed, or the cover is short at a place.
    """

    kind: str
    layer: str
    id: str
    length_m: float
    geometry: shapely.Geometry
    text: str


def faults_of(work: Groundwork, site: Site, demand: Demand, route: Route) -> tuple[Fault, ...]:
    """Every fault of a drawn route.

    Empty for one along open corridors that its trench fits, and that is not known to want fall or
    cover.
    """
    line, strip = route.line, route.strip
    free = np.array(_off_corridor(work.corridors, line, route.way.edges), object)
    found = _obstacles(work, site, free)
    found += [fault for part in free for fault in _railways(work, part)]
    found += _lengthwise(work, free)
    found += _narrow(work, demand.pipe, route)
    found += _no_dig(work, line, strip, site.application.dig_date)
    return (*found, *_without_fall(work, site, demand, route))


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
    part, row = enters(parts, areas)[:2]
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
    part, inside = enters(parts, surfaces.own_area)[:2]
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


def _narrow(work: Groundwork, pipe: Pipe, route: Route) -> list[Fault]:
    """Stretches along a footway or verge that the trench certainly does not fit."""
    pieces = [one for one in pieces_of(work, route) if one.place in SLOTS]
    roads = np.array([one.road for one in pieces], np.int64)
    surfaces = work.corridors.surfaces
    names = surfaces.table[["road_id", "name"]].to_numpy(object)
    found = []
    for number, part, free_m, needed_m in tight_stretches(
        work, pipe, piece_lines(route.line, pieces), roads
    ):
        row, place = pieces[number].road, pieces[number].place
        road_id, name = names[row]
        side = compass_side(surfaces.centre[row], part)
        slot = NarrowSlot(
            str(road_id), str(name or road_id), side, place, free_m, needed_m, float(part.length)
        )
        found.append(
            Fault("slot_too_narrow", "roads", slot.road_id, slot.length_m, part, slot.text)
        )
    return found


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


def _without_fall(work: Groundwork, site: Site, demand: Demand, route: Route) -> list[Fault]:
    """What a gravity line is known not to keep, told of the place where it joins."""
    assert isinstance(route.way, DrawnWay)
    joined = route.way
    layer = {"line": "lines", "node": "nodes"}[joined.kind]
    return [
        Fault(one.reason, layer, joined.feature_id, float(one.where.length), one.where, one.text)
        for one in unmet_of(work, demand, joined.place, route.line, site)
    ]


def _fault(kind: str, layer: str, id_: str, where: shapely.Geometry, text: str) -> Fault:
    length_m = float(where.length)
    return Fault(kind, layer, id_, length_m, where, text.format(id=id_, length=length_m))

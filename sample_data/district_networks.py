"""The networks of the development district, led from the mains in the ring."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely import LineString, Point

from sample_data import layout
from sample_data.district_plan import (
    BOULEVARD,
    CABLED,
    DUCTED,
    GAS_MM,
    GAS_MPA,
    HANDHOLES,
    MIRRORED,
    RING_MAIN_UNITS,
    ROADS,
    SEWER_MM,
    SEWERED,
    SPINE,
    TRANSFORMERS,
    WATER_MM,
    Road,
    Unit,
)
from sample_data.gravity import LEAST_COVER_M, MANHOLE_EVERY_M
from sample_data.mains import GRAVITY, SIDE, UTILITIES
from sample_data.names import OWNERS
from sample_data.networks import LETTER
from sample_data.roads import CRS
from sample_data.shapes import (
    extend,
    northwest_sign,
    offset,
    points_of,
    round_coordinates,
    substring,
)

LEAST_SLOPE = 0.003
REACH_M = 45.0
"""Mains are prolonged by at most this much to meet the main of the parent street."""
LOW_VOLTAGE_M = 60.0

Row = dict[str, Any]
Joint = tuple[float, float]

STREETS = {
    "water": tuple(WATER_MM),
    "sewage": SEWERED,
    "storm": SEWERED,
    "gas": tuple(GAS_MPA),
    "power": CABLED,
    "telecom": DUCTED,
}


def network_tables(
    town_lines: gpd.GeoDataFrame, town_nodes: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the district's lines and nodes, joined to the town's networks at the ring.

    The tables of the town are in metres from the town's corner, as the result is.
    """
    lines: list[Row] = []
    nodes: list[Row] = []
    for utility in UTILITIES:
        start = _start(utility, town_lines, town_nodes)
        courses = _courses(utility, start)
        if utility in GRAVITY:
            own_lines, own_nodes = _sewers(utility, courses, start, town_nodes)
        else:
            own_lines = [_main(utility, name, line) for name, line in courses.items()]
            own_lines += _low_voltage(courses) if utility == "power" else []
            own_nodes = list(_fittings(utility, own_lines))
        for number, row in enumerate(own_lines, start=1):
            row["line_id"] = f"{LETTER[utility]}-N{number:03d}"
        for number, node in enumerate(own_nodes, start=1):
            node["node_id"] = f"{LETTER[utility]}P-N{number:03d}"
            node["line_id"] = node.pop("line")["line_id"]
        lines += own_lines
        nodes += own_nodes
    return _table(lines), _table(nodes)


def _table(rows: list[Row]) -> gpd.GeoDataFrame:
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)
    return table.set_geometry(round_coordinates(table.geometry)).drop(
        columns="street", errors="ignore"
    )


def _start(utility: str, lines: gpd.GeoDataFrame, nodes: gpd.GeoDataFrame) -> Point:
    """Return the place in the ring where the district's main of a utility begins."""
    corner = Point(ROADS[SPINE].points[0])
    if utility in GRAVITY:
        holes = nodes[(nodes.utility == utility) & (nodes.kind == "manhole")]
        near = holes[holes.distance(corner) < 25]
        return near.geometry.loc[near.invert_level_m.idxmin()]
    own = lines[(lines.utility == utility) & (lines.subtype != "transmission")
                & (lines.status == "in_service")]  # fmt: skip
    nearest = own.geometry.loc[own.distance(corner).idxmin()]
    tips = [Point(nearest.coords[k]) for k in (0, -1)]
    tip = min(tips, key=corner.distance)
    return tip if tip.distance(corner) < 30 else nearest.interpolate(nearest.project(corner))


def _courses(utility: str, start: Point) -> dict[str, LineString]:
    """Return the course of a utility's main in every street that has one, parents first."""
    raw = {name: _shifted(utility, ROADS[name]) for name in STREETS[utility]}
    found: dict[str, LineString] = {}
    for name, line in raw.items():
        if name == SPINE:
            away = substring(line, 30, line.length)
            found[name] = LineString([start.coords[0], *away.coords])
            continue
        parent = ROADS[name].parent
        target = found.get(parent or "")
        found[name] = _met(line, target) if target is not None else line
    if BOULEVARD in found:
        found[SPINE] = _met(found[SPINE].reverse(), found[BOULEVARD]).reverse()
    return {name: LineString(np.round(line.coords, 3)) for name, line in found.items()}


def _shifted(utility: str, road: Road) -> LineString:
    kerb, red_line = road.carriageway_m / 2, road.red_line_m / 2
    footway = red_line - kerb
    distance = {"water": kerb + 0.34 * footway, "gas": kerb + 0.34 * footway,
                "telecom": red_line - 0.16 * footway, "power": red_line - 0.16 * footway,
                "storm": 0.30 * kerb, "sewage": 0.55 * kerb}[utility]  # fmt: skip
    turn = -1 if (road.name, utility) in MIRRORED else 1
    line = offset(road.line, SIDE[utility] * northwest_sign(road.line) * turn * distance)
    return substring(line, 0.0, line.length - 3.0)


def _met(line: LineString, target: LineString) -> LineString:
    """Return the line cut or prolonged at its start to meet the target there."""
    own = extend(line, REACH_M)
    own = substring(own, 0.0, own.length - REACH_M)
    stops = [own.project(p) for p in points_of(own.intersection(target))]
    near = [s for s in stops if s < 2.5 * REACH_M]
    if near:
        return substring(own, max(near), own.length)
    nearest = target.interpolate(target.project(Point(line.coords[0])))
    if nearest.distance(Point(line.coords[0])) > REACH_M:
        return line
    return LineString([nearest.coords[0], *line.coords])


def _base(utility: str, street: str) -> Row:
    road = ROADS[street]
    return {"utility": utility, "status": "in_service", "owner": OWNERS[utility],
            "position_source": "surveyed", "position_accuracy_m": 0.05,
            "built_on": road.opened_on, "street": street}  # fmt: skip


def _main(utility: str, street: str, line: LineString) -> Row:
    """Return the record of a pressure main or cable line of one street."""
    own: Row = {}
    if utility == "water":
        size = WATER_MM[street]
        own = {"subtype": "distribution", "diameter_mm": size, "pressure_mpa": 0.35,
               "laying": "buried", "material": "球墨铸铁" if size >= 200 else "PE",
               "depth_m": 1.0}  # fmt: skip
    elif utility == "gas":
        own = {"subtype": "distribution", "diameter_mm": GAS_MM.get(street, 100),
               "pressure_mpa": GAS_MPA[street], "laying": "buried", "material": "PE",
               "depth_m": 1.0}  # fmt: skip
    elif utility == "power":
        own = {"subtype": "medium_voltage", "voltage_kv": 10.0, "laying": "duct", "duct_holes": 8,
               "free_holes": 2, "duct_outer_diameter_mm": 167, "material": "CPVC",
               "depth_m": 0.9}  # fmt: skip
    elif utility == "telecom":
        rooms = [unit.room for unit in HANDHOLES if unit.road == street]
        own = {"subtype": "duct", "laying": "duct", "duct_holes": 8, "free_holes": min(rooms),
               "duct_outer_diameter_mm": 110, "material": "PVC", "depth_m": 0.8}  # fmt: skip
    return {**_base(utility, street), **own, "geometry": line}


def _low_voltage(courses: dict[str, LineString]) -> list[Row]:
    """Return the 0.4 kV cables that leave the compact transformers, beside the street."""
    rows = []
    for unit in TRANSFORMERS:
        cable = offset(_shifted("power", ROADS[unit.road]), 0.0)
        if (unit.road, "power") in MIRRORED:
            middle = ROADS[unit.road].line
            cable = LineString([_mirror(xy, middle) for xy in cable.coords])
        line = substring(cable, unit.at_m, unit.at_m + LOW_VOLTAGE_M)
        own = {"subtype": "low_voltage", "voltage_kv": 0.4, "laying": "buried",
               "material": "YJV22", "depth_m": 0.8}  # fmt: skip
        rows.append({**_base("power", unit.road), **own, "geometry": line})
    return rows


def _mirror(xy: tuple[float, ...], axis: LineString) -> tuple[float, float]:
    foot = axis.interpolate(axis.project(Point(xy)))
    return 2 * foot.x - xy[0], 2 * foot.y - xy[1]


def _fittings(utility: str, lines: list[Row]) -> Iterator[Row]:
    """Return the fittings of a utility's lines."""
    by_street = {row["street"]: row for row in lines if row["subtype"] != "low_voltage"}
    if utility == "telecom":
        for unit in HANDHOLES:
            yield _at(by_street[unit.road], "handhole", unit, free_holes=unit.room)
    elif utility == "power":
        for unit in RING_MAIN_UNITS:
            yield _at(by_street[unit.road], "ring_main_unit", unit, spare_bays=unit.room,
                      voltage_kv=10.0)  # fmt: skip
        cables = [row for row in lines if row["subtype"] == "low_voltage"]
        for unit, row in zip(TRANSFORMERS, cables, strict=True):
            yield _node(row, "transformer", Point(row["geometry"].coords[0]),
                        spare_bays=unit.room, voltage_kv=0.4, capacity_kva=630)  # fmt: skip
    else:
        for street, row in by_street.items():
            first = row["geometry"].interpolate(4.0)
            lower = utility == "gas" and GAS_MPA[street] < 0.2
            at_ring = utility == "gas" and street == SPINE
            yield _node(row, "regulator" if lower or at_ring else "valve", first)
            if utility == "water":
                for at in np.arange(100.0, row["geometry"].length - 20, 120.0):
                    yield _node(row, "hydrant", row["geometry"].interpolate(at))


def _at(row: Row, kind: str, unit: Unit, **record: Any) -> Row:
    """Return a fitting beside a chainage of the street."""
    beside = ROADS[unit.road].line.interpolate(unit.at_m)
    line: LineString = row["geometry"]
    return _node(row, kind, line.interpolate(line.project(beside)), **record)


def _node(line: Row, kind: str, point: Point, **record: Any) -> Row:
    ground = float(layout.ground_level(shapely.get_coordinates(point))[0])
    return {"utility": line["utility"], "kind": kind, "line": line, "owner": line["owner"],
            "status": "in_service", "ground_level_m": ground, **record,
            "geometry": point}  # fmt: skip


# --- sewers, drawn from the outlet up ----------------------------------------------------------


def _sewers(
    utility: str, courses: dict[str, LineString], start: Point, town_nodes: gpd.GeoDataFrame
) -> tuple[list[Row], list[Row]]:
    """Return sewers from manhole to manhole, rising from the manhole in the ring."""
    outlet = town_nodes[(town_nodes.utility == utility) & (town_nodes.distance(start) < 0.01)]
    inverts: dict[Joint, float] = {_key(start): float(outlet.invert_level_m.min())}
    lines: list[Row] = []
    nodes: list[Row] = []
    for street in SEWERED:
        for course in _arms(street, courses):
            others = [c for s, c in courses.items() if ROADS[s].parent == street]
            joints = [_meeting(c, course) for c in others if c.distance(course) < 0.01]
            for lower, upper in pairwise(_manholes(course, joints)):
                row, node = _span(utility, street, (lower, upper), inverts)
                lines.append(row)
                nodes.append(node)
    return lines, nodes


def _key(point: Point) -> Joint:
    return round(point.x, 3), round(point.y, 3)


def _meeting(one: LineString, two: LineString) -> Point:
    """Return the place where two sewers meet, on the millimetre grid."""
    return Point(_key(Point(shapely.shortest_line(one, two).coords[0])))


def _arms(street: str, courses: dict[str, LineString]) -> list[LineString]:
    """Return a street's sewer as lines that lead away from the sewer of the main street."""
    line, spine = courses[street], courses[SPINE]
    if street == SPINE or line.distance(spine) > 0.01:
        return [line]
    joint = _meeting(line, spine)
    middle = line.project(joint)
    halves = [substring(line, 0, middle).reverse(), substring(line, middle, line.length)]
    return [LineString([joint.coords[0], *half.coords[1:]]) for half in halves if half.length > 1]


def _manholes(line: LineString, joints: list[Point]) -> list[Point]:
    """Return manholes from the lower end up: at joints and at most 40 m apart."""
    ends = [Point(_key(Point(line.coords[k]))) for k in (0, -1)]
    stops = joints + [tip for tip in ends if all(tip.distance(j) > 0.5 for j in joints)]
    stops.sort(key=line.project)
    places = stops[:1]
    for one, two in pairwise(stops):
        a, b = line.project(one), line.project(two)
        count = int(np.ceil((b - a) / MANHOLE_EVERY_M))
        between = np.linspace(a, b, count + 1)[1:-1]
        places += [Point(_key(line.interpolate(at))) for at in between] + [two]
    return places


def _span(
    utility: str, street: str, ends: tuple[Point, Point], inverts: dict[Joint, float]
) -> tuple[Row, Row]:
    """Return one sewer, from its upper manhole down, and that manhole."""
    lower, upper = ends
    size = SEWER_MM[utility]
    natural = [float(g) for g in layout.ground_level(shapely.get_coordinates([lower, upper]))]
    down = inverts[_key(lower)]
    least = down + LEAST_SLOPE * lower.distance(upper)
    up = round(max(least, natural[1] - LEAST_COVER_M - size / 1000 - 1.0), 3)
    inverts[_key(upper)] = up
    # Where the ground falls away from the outlet, the street was filled up over its sewer.
    filled = [invert + LEAST_COVER_M + size / 1000 for invert in (down, up)]
    ground = [round(max(pair), 2) for pair in zip(natural, filled, strict=True)]
    cover = (sum(ground) - up - down) / 2 - size / 1000
    row = {**_base(utility, street), "subtype": "main" if size >= 400 else "branch",
           "laying": "buried", "diameter_mm": size, "material": "HDPE" if size < 600 else "混凝土",
           "depth_m": round(cover, 2), "start_invert_m": up, "end_invert_m": down,
           "geometry": LineString([upper, lower])}  # fmt: skip
    return row, _node(row, "manhole", upper, ground_level_m=ground[1], invert_level_m=up)

"""Power: 10 kV cables with ring main units and transformers, 0.4 kV lines with their poles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Point

from sample_data import layout
from sample_data.streets import Street, zone

RING_MAIN_UNIT_EVERY_M = 150.0
POLE_EVERY_M = 40.0
CABINET_EVERY_M = 55.0

Row = dict[str, Any]


def power_line(street: Street, choice: int, rng: np.random.Generator) -> Row:
    """Return the record of a street's power line: 10 kV in ducts, or 0.4 kV in small streets."""
    small = street.road_class == "lane" or (street.road_class == "local" and choice == 0)
    if not small:
        holes = 12 if street.road_class == "arterial" else 8
        return {"subtype": "medium_voltage", "voltage_kv": 10.0, "laying": "duct",
                "duct_holes": holes, "free_holes": int(rng.integers(0, holes // 2)),
                "duct_outer_diameter_mm": 167, "material": "CPVC", "depth_m": 0.9}  # fmt: skip
    old = zone(street.line.interpolate(0.5, normalized=True)) == "old"
    if old or choice == 1:
        return {"subtype": "low_voltage", "voltage_kv": 0.4, "laying": "overhead",
                "material": "JKLYJ"}  # fmt: skip
    return {"subtype": "low_voltage", "voltage_kv": 0.4, "laying": "buried", "material": "YJV22",
            "depth_m": 0.8}  # fmt: skip


def power_nodes(lines: list[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Return ring main units and transformers on 10 kV, poles and cabinets on 0.4 kV."""
    for row in lines:
        line: LineString = row["geometry"]
        if row["subtype"] == "medium_voltage":
            for point in _inside(line, RING_MAIN_UNIT_EVERY_M):
                bays = int(rng.choice([0, 1, 2, 3], p=[0.2, 0.35, 0.3, 0.15]))
                yield _node(row, "ring_main_unit", point, spare_bays=bays)
        elif row["laying"] == "overhead":
            for point in _inside(line, POLE_EVERY_M):
                yield _node(row, "pole", point)
        else:
            for point in _inside(line, CABINET_EVERY_M):
                yield _node(row, "cabinet", point)
    yield from _transformers(lines, rng)


def _transformers(lines: list[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Return a transformer wherever a 0.4 kV line begins on a 10 kV cable."""
    at: dict[tuple[float, ...], list[Row]] = {}
    for row in lines:
        for tip in (row["geometry"].coords[0], row["geometry"].coords[-1]):
            at.setdefault(tip, []).append(row)
    for tip, rows in at.items():
        low = next((r for r in rows if r["subtype"] == "low_voltage"), None)
        if low and any(r["subtype"] == "medium_voltage" for r in rows):
            size = int(rng.choice([315, 400, 630, 800]))
            yield _node(low, "transformer", Point(tip), capacity_kva=size, voltage_kv=10.0)


def _inside(line: LineString, every_m: float) -> list[Point]:
    """Return points between the line's ends, about ``every_m`` apart; one on any long enough."""
    if line.length < 18:
        return []
    count = max(1, round(line.length / every_m))
    places = (np.arange(count) + 0.5) * line.length / count
    return list(shapely.line_interpolate_point(line, places))


def _node(line: Row, kind: str, point: Point, **record: Any) -> Row:
    ground = layout.ground_level(shapely.get_coordinates(point))[0]
    return {"utility": "power", "kind": kind, "line": line, "owner": line["owner"],
            "status": "in_service", "voltage_kv": line["voltage_kv"],
            "ground_level_m": float(ground), **record, "geometry": point}  # fmt: skip

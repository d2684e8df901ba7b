"""The lines and nodes tables: every utility's mains with their records and fittings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely import LineString, Point

from sample_data import layout
from sample_data.gravity import lead_downhill
from sample_data.mains import GRAVITY, UTILITIES, Main, lay_mains, lay_trunk
from sample_data.names import OWNERS
from sample_data.power import power_line, power_nodes
from sample_data.roads import CRS
from sample_data.shapes import round_coordinates
from sample_data.streets import Street, zone

LETTER = {"water": "W", "sewage": "S", "storm": "Y", "gas": "G", "power": "D", "telecom": "T"}
TRUNKS = {"water": ("云台大道", "凤鸣大道"), "gas": ("迎宾大道",)}
"""Streets with a transmission main beside the distribution mains."""
SEWAGE_OUTFALL = "迎宾大道"
WATER_MM = {"arterial": (400,), "collector": (300, 200), "local": (200, 150), "lane": (150, 100)}
GAS_MM = {"arterial": (300,), "collector": (200, 150), "local": (150, 100), "lane": (100,)}
GAS_WEST_LIMIT = 240.0
"""No gas west of here yet, in metres from the town's corner."""

BRIDGE_CLEAR_M = 8.0
"""No fitting stands on a bridge or this near to one."""

Row = dict[str, Any]


def network_tables(
    streets: list[Street], rng: np.random.Generator
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the lines and the nodes of all utilities, in the utilities' order."""
    river = layout.river_polygon()
    lines: list[Row] = []
    nodes: list[Row] = []
    for utility in UTILITIES:
        if utility in GRAVITY:
            own_lines, own_nodes = _sewers(streets, utility, rng)
        else:
            own_lines, own_nodes = _pressure_lines(streets, utility, rng), []
        for number, row in enumerate(own_lines, start=1):
            row["line_id"] = f"{LETTER[utility]}-{number:04d}"
        if utility not in GRAVITY:
            fitted = list(_fittings(own_lines, utility, rng))
            own_nodes = [n for n in fitted if n["geometry"].distance(river) > BRIDGE_CLEAR_M]
        for number, node in enumerate(own_nodes, start=1):
            node["node_id"] = f"{LETTER[utility]}P-{number:04d}"
            node["line_id"] = node.pop("line")["line_id"]
        lines += own_lines
        nodes += own_nodes
    return _table(lines, "line_id"), _table(nodes, "node_id")


def _table(rows: list[Row], key: str) -> gpd.GeoDataFrame:
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)
    table.geometry = round_coordinates(table.geometry)
    columns = [key, *(c for c in table.columns if c not in (key, "street", "geometry")), "geometry"]
    return table[columns]


def _record(utility: str, street: Street, rng: np.random.Generator) -> Row:
    """Return what any line's record says: owner, state, how its place is known, when built."""
    source = str(rng.choice(["surveyed", "digitised", "hearsay"], p=[0.8, 0.16, 0.04]))
    accuracy: float | None = {"surveyed": 0.06, "digitised": 0.75, "hearsay": 2.5}[source]
    return {
        "utility": utility,
        "status": "in_service",
        "owner": OWNERS[utility],
        "position_source": source,
        "position_accuracy_m": None if rng.random() < 0.05 else accuracy,
        "built_on": None if rng.random() < 0.15 else f"{rng.integers(1996, 2023)}-06-01",
        "street": street,
    }


def _sewers(
    streets: list[Street], utility: str, rng: np.random.Generator
) -> tuple[list[Row], list[Row]]:
    """Return the sewers from manhole to manhole, and their manholes."""
    outfalls = {i for i, s in enumerate(streets) if utility == "storm" or s.name == SEWAGE_OUTFALL}
    lines: list[Row] = []
    nodes: list[Row] = []
    placed: dict[tuple[float, float], Row] = {}
    for sewer in lead_downhill(lay_mains(streets, utility, rng), utility, outfalls):
        base = _record(utility, streets[sewer.street], rng)
        base |= {"subtype": "main" if sewer.size_mm >= 400 else "branch", "laying": "buried",
                 "diameter_mm": sewer.size_mm,
                 "material": "HDPE" if sewer.size_mm < 600 else "混凝土"}  # fmt: skip
        for k, span in enumerate(round_coordinates(sewer.spans())):
            ground, invert = sewer.ground_m[k : k + 2], sewer.inverts_m[k : k + 2]
            cover = (sum(ground) - sum(invert)) / 2 - sewer.size_mm / 1000
            row = {**base, "depth_m": round(cover, 2), "start_invert_m": invert[0],
                   "end_invert_m": invert[1], "geometry": span}  # fmt: skip
            lines.append(row)
            for end in (0, 1):
                _manhole(placed, row, span.coords[-end], ground[end], invert[end])
    nodes = list(placed.values())
    return lines, nodes


def _manhole(
    placed: dict[tuple[float, float], Row], line: Row, at: tuple[float, ...], ground: float,
    invert: float,
) -> None:  # fmt: skip
    """Put a manhole at a place once, with the lowest invert that meets there."""
    key = (round(at[0], 3), round(at[1], 3))
    node = placed.setdefault(
        key,
        {"utility": line["utility"], "kind": "manhole", "line": line, "owner": line["owner"],
         "status": "in_service", "ground_level_m": ground, "invert_level_m": invert,
         "geometry": Point(key)},
    )  # fmt: skip
    if invert <= node["invert_level_m"]:
        node["invert_level_m"] = invert


def _pressure_lines(streets: list[Street], utility: str, rng: np.random.Generator) -> list[Row]:
    chosen = {i: int(rng.integers(0, 4)) for i in range(len(streets))}
    rows = []
    for piece in lay_mains(streets, utility, rng):
        street = streets[piece.street]
        if utility == "gas" and piece.line.centroid.x < GAS_WEST_LIMIT:
            continue
        row = _record(utility, street, rng) | _kind(utility, street, chosen[piece.street], rng)
        rows.append({**row, "geometry": piece.line})
    for piece in lay_trunk(streets, utility, TRUNKS.get(utility, ())):
        rows.append(_trunk(utility, streets[piece.street], piece, rng))
    for row in rows:
        if row["subtype"] != "transmission" and rng.random() < 0.012:
            row["status"] = str(rng.choice(["planned", "abandoned"]))
    return rows


def _trunk(utility: str, street: Street, piece: Main, rng: np.random.Generator) -> Row:
    row = _record(utility, street, rng)
    if utility == "gas":
        row |= {"subtype": "transmission", "diameter_mm": 300, "pressure_mpa": 0.8,
                "laying": "buried", "material": "钢", "depth_m": 1.4}  # fmt: skip
    else:
        size = 600 if street.name == TRUNKS["water"][0] else 500
        row |= {"subtype": "transmission", "diameter_mm": size, "pressure_mpa": 0.4,
                "laying": "buried", "material": "球墨铸铁", "depth_m": 1.5}  # fmt: skip
    return row | {"geometry": piece.line}


def _kind(utility: str, street: Street, choice: int, rng: np.random.Generator) -> Row:
    """Return size, pressure or voltage, laying, material and cover of a street's main."""
    if utility == "power":
        return power_line(street, choice, rng)
    if utility == "telecom":
        holes = {"arterial": 18, "collector": 12, "local": 6, "lane": 4}[street.road_class]
        return {"subtype": "duct", "duct_holes": holes,
                "free_holes": int(rng.integers(0, holes // 2)),
                "duct_outer_diameter_mm": 110, "laying": "duct", "material": "PVC-U",
                "depth_m": 0.8}  # fmt: skip
    if utility == "water":
        size = WATER_MM[street.road_class][choice % len(WATER_MM[street.road_class])]
        return {"subtype": "distribution", "diameter_mm": size, "pressure_mpa": 0.35,
                "laying": "buried", "material": "球墨铸铁" if size >= 200 else "PE",
                "depth_m": round(float(rng.uniform(0.8, 1.2)), 2)}  # fmt: skip
    size = GAS_MM[street.road_class][choice % len(GAS_MM[street.road_class])]
    return {"subtype": "distribution", "diameter_mm": size, "pressure_mpa": gas_pressure(street),
            "laying": "buried", "material": "PE" if size < 300 else "钢",
            "depth_m": round(float(rng.uniform(0.9, 1.2)), 2)}  # fmt: skip


def gas_pressure(street: Street) -> float:
    """Return the pressure of a street's gas main in MPa: mid A, mid B or low."""
    if street.road_class == "arterial":
        return 0.4
    if street.road_class == "collector":
        return 0.2
    old = zone(street.line.interpolate(0.5, normalized=True)) == "old"
    return 0.005 if street.road_class == "lane" or old else 0.2


def _fittings(lines: list[Row], utility: str, rng: np.random.Generator) -> Iterator[Row]:
    """Return the fittings on a utility's lines that are in service."""
    working = [row for row in lines if row["status"] == "in_service"]
    if utility == "power":
        yield from power_nodes(working, rng)
        return
    for row in working:
        if row["subtype"] == "transmission":
            continue
        if utility == "telecom":
            for point in along(row["geometry"], 100.0):
                yield node(row, "handhole", point, free_holes=row["free_holes"])
        elif utility == "water":
            yield node(
                row, "valve", row["geometry"].interpolate(min(3, row["geometry"].length / 3))
            )
            for point in along(row["geometry"], 120.0)[1:-1]:
                yield node(row, "hydrant", point)
        elif utility == "gas" and row["geometry"].length > 20:
            yield node(row, "valve", row["geometry"].interpolate(4))
    if utility == "gas":
        yield from _regulators(working)


def _regulators(lines: list[Row]) -> Iterator[Row]:
    """Return a regulator at every joint of mains of different pressure, on the lower one."""
    meeting: dict[tuple[float, ...], list[Row]] = {}
    for row in lines:
        for tip in (row["geometry"].coords[0], row["geometry"].coords[-1]):
            meeting.setdefault(tip, []).append(row)
    for tip, rows in meeting.items():
        lowest = min(rows, key=lambda r: r["pressure_mpa"])
        if lowest["pressure_mpa"] < max(r["pressure_mpa"] for r in rows):
            yield node(lowest, "regulator", Point(tip))


def along(line: LineString, every_m: float) -> list[Point]:
    """Return points on the line from end to end, about ``every_m`` apart."""
    count = max(1, round(line.length / every_m))
    places = np.linspace(0, line.length, count + 1)
    return list(shapely.line_interpolate_point(line, places))


def node(line: Row, kind: str, point: Point, **record: Any) -> Row:
    """Return the row of a fitting on a line."""
    ground = layout.ground_level(shapely.get_coordinates(point))[0]
    return {
        "utility": line["utility"],
        "kind": kind,
        "line": line,
        "owner": line["owner"],
        "status": "in_service",
        "ground_level_m": float(ground),
        **record,
        "geometry": point,
    }

"""A generated county: an irregular street net with mains, parcels and greenery, from a seed.

Streets bend, one link in seven is missing, mains of every utility follow 20 to 45 percent of the
links and some end inside a street. Everything is synthetic and stands in no real place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from shapely.ops import substring

from layers.fields import layer_definition
from layers.survey import Survey

COUNTY = "411523_xinxian"
CRS_CODE = "EPSG:4547"
_ORIGIN = (480_000.0, 3_500_000.0)
_BLOCK_M = (115.0, 95.0)
_MISSING = 0.14
_ENDS_INSIDE = 0.15
# Strips and crossings of b blocks with p plots: 58 b + 8.2 p, within a fifth of what generated
# counties have; connectors to parcels, some three for each, come on top.
_EDGES_PER_BLOCK, _EDGES_PER_PLOT = 58.0, 8.2
_MOST_PLOTS_PER_BLOCK = 12
# Where there are more parcels than plots, they lie one above another on the same plot.
_MOST_PARCELS_PER_PLOT = 10

# Class, carriageway width and red-line width of every n-th street; the others are local.
_LOCAL = ("local", 8.0, 14.0)
_WIDER = {8: ("arterial", 18.0, 30.0), 4: ("collector", 12.0, 20.0)}
_LAND_USES = ("residential", "residential", "residential", "commercial", "office", "industrial")
# Share of the links with a main, side, distance from the kerb (inside it: negative), sizes.
_MAINS: Mapping[str, tuple[float, int, float, str, tuple[float, ...]]] = {
    "water": (0.45, 1, 0.6, "distribution", (150, 200, 300, 400)),
    "sewage": (0.35, 1, -2.0, "main", (300, 400, 600)),
    "storm": (0.30, -1, -2.0, "main", (400, 600, 800)),
    "gas": (0.30, -1, 0.6, "distribution", (100, 150, 200)),
    "power": (0.20, -1, 1.2, "medium_voltage", (200,)),
    "telecom": (0.40, 1, 1.2, "duct", (110,)),
}
_HANDHOLE_M = 60.0

Row = dict[str, Any]


@dataclass(frozen=True)
class _Link:
    """One street between two junctions: where it is, how wide, and in which run it lies."""

    line: shapely.LineString
    road: int
    road_class: str
    carriageway_m: float
    red_line_m: float


def generated_county(edges: int, parcels: int, seed: int = 1) -> Survey:
    """A county with about ``edges`` strips and crossings, and ``parcels`` parcels.

    Raises
    ------
    ValueError
        If there are too many parcels for the streets of so many edges.
    """
    blocks = _blocks(edges, parcels)
    plots_wanted = min(parcels, blocks * _MOST_PLOTS_PER_BLOCK)
    if plots_wanted * _MOST_PARCELS_PER_PLOT < parcels:
        raise ValueError(f"{parcels} parcels are too many for about {edges} edges")
    rng = np.random.default_rng(seed)
    columns = max(round(blocks**0.5), 1)
    net = _Net(columns, max(round(blocks / columns), 1), rng)
    cells = net.cells()
    plots, parks = _plots(cells, net.links, plots_wanted, rng)
    lines, nodes = _mains(net.links, rng)
    verges = _verges(net.links, rng)
    rows = {
        "roads": net.roads(),
        "parcels": _parcels(plots, parcels, rng),
        "buildings": [
            {"floors": 6.0, "geometry": shapely.buffer(p, -0.3 * p.area**0.5 / 2)} for p in plots
        ],
        "green": [{"kind": "park", "geometry": park} for park in parks]
        + [{"kind": "verge", "geometry": verge} for verge in verges],
        "trees": _trees(verges, rng),
        "lines": lines,
        "nodes": nodes,
        "service_areas": _service_areas(cells),
    }
    crs = CRS.from_user_input(CRS_CODE)
    tables = {layer: _table(layer, found, crs) for layer, found in rows.items()}
    return Survey(crs, tables, COUNTY, synthetic=True)


def street_lines(edges: int, seed: int = 1) -> NDArray[Any]:
    """Centre lines of streets that cross, not cut there: about ``edges`` parts once they are."""
    columns = max(round((edges / (2 * (1 - _MISSING))) ** 0.5), 1)
    roads = _Net(columns, columns, np.random.default_rng(seed)).roads()
    return np.array([road["geometry"] for road in roads], object)


def _blocks(edges: int, parcels: int) -> int:
    """How many blocks give so many strips and crossings."""
    full = _EDGES_PER_BLOCK + _EDGES_PER_PLOT * _MOST_PLOTS_PER_BLOCK
    sparse = (edges - _EDGES_PER_PLOT * parcels) / _EDGES_PER_BLOCK
    return max(round(max(sparse, edges / full)), 1)


class _Net:
    """Junctions in jittered rows and columns, and the links between them."""

    def __init__(self, columns: int, rows: int, rng: np.random.Generator) -> None:
        self.columns, self.rows, self.rng = columns, rows, rng
        east, north = np.meshgrid(np.arange(columns + 1), np.arange(rows + 1), indexing="ij")
        grid = np.stack([east * _BLOCK_M[0], north * _BLOCK_M[1]], axis=-1)
        self.xy = grid + rng.uniform(-12.0, 12.0, grid.shape) + _ORIGIN
        self.bend = rng.uniform(-7.0, 7.0, (2, *grid.shape))
        self.links: list[_Link] = []
        self._runs: list[list[shapely.LineString]] = []
        for direction in (0, 1):
            for street in range((rows if direction == 0 else columns) + 1):
                self._lay_street(direction, street)

    def _lay_street(self, direction: int, street: int) -> None:
        """Lay the links of one row or column; a missing link starts a new run."""
        road_class, carriageway, red_line = next(
            (kind for every, kind in _WIDER.items() if street % every == 0), _LOCAL
        )
        unbroken = False
        for number in range(self.columns if direction == 0 else self.rows):
            if self.rng.random() < _MISSING:
                unbroken = False
                continue
            if not unbroken:
                self._runs.append([])
            unbroken = True
            line = self._line(direction, street, number)
            self._runs[-1].append(line)
            road = len(self._runs) - 1
            self.links.append(_Link(line, road, road_class, carriageway, red_line))

    def _line(self, direction: int, street: int, number: int) -> shapely.LineString:
        at = (number, street) if direction == 0 else (street, number)
        to = (number + 1, street) if direction == 0 else (street, number + 1)
        middle = (self.xy[at] + self.xy[to]) / 2 + self.bend[direction][at]
        return shapely.LineString([self.xy[at], middle, self.xy[to]])

    def cells(self) -> NDArray[Any]:
        """The blocks between the streets."""
        return np.array(
            [self._cell(i, j) for i in range(self.columns) for j in range(self.rows)], object
        )

    def _cell(self, i: int, j: int) -> shapely.Polygon:
        round_trip = [(0, j, i, 1), (1, i + 1, j, 1), (0, j + 1, i, -1), (1, i, j, -1)]
        xy = [
            shapely.get_coordinates(self._line(direction, street, number))[::step][:-1]
            for direction, street, number, step in round_trip
        ]
        return shapely.Polygon(np.concatenate(xy))

    def roads(self) -> list[Row]:
        """One road for each run, with authority and days, some of them unknown."""
        kind = {link.road: link for link in self.links}
        authorities = ["municipal", "municipal", "municipal", "estate", "highway", "unknown"]
        return [
            {
                "road_class": kind[road].road_class,
                "carriageway_width_m": kind[road].carriageway_m,
                "red_line_width_m": kind[road].red_line_m,
                "surface": str(self.rng.choice(["asphalt", "asphalt", "concrete", "paver"])),
                "authority": str(self.rng.choice(authorities)),
                "opened_on": f"{self.rng.integers(1990, 2026)}-06-01",
                "overhauled_on": str(self.rng.choice(["never", "2015-06-01", "2025-06-01"])),
                "on_bridge": False,
                "geometry": shapely.line_merge(shapely.union_all(run)),
            }
            for road, run in enumerate(self._runs)
        ]


def _plots(
    cells: NDArray[Any], links: list[_Link], wanted: int, rng: np.random.Generator
) -> tuple[list[shapely.Polygon], list[shapely.Polygon]]:
    """Parcels set back from the streets, and parks in a third of the blocks without any."""
    edge_m = max(link.red_line_m for link in links) / 2
    inner = shapely.buffer(cells, -edge_m - rng.uniform(0.0, 4.0, len(cells)))
    share = np.full(len(cells), wanted // len(cells))
    share[rng.permutation(len(cells))[: wanted % len(cells)]] += 1
    plots = [plot for block, count in zip(inner, share, strict=True) for plot in _cut(block, count)]
    parks = [block for block, count in zip(inner, share, strict=True) if count == 0]
    return plots, parks[::3]


def _cut(block: shapely.Polygon, count: int) -> Iterator[shapely.Polygon]:
    """Cut a block into plots: two rows, side by side."""
    if count == 0:
        return
    west, south, east, north = block.bounds
    rows = min(int(count), 2)
    columns = -(-int(count) // rows)
    for number in range(count):
        column, row = divmod(number, rows)
        box = shapely.box(
            west + (east - west) * column / columns,
            south + (north - south) * row / rows,
            west + (east - west) * (column + 1) / columns,
            south + (north - south) * (row + 1) / rows,
        )
        yield max(shapely.get_parts(shapely.intersection(block, box)), key=shapely.area)


def _parcels(plots: list[shapely.Polygon], wanted: int, rng: np.random.Generator) -> list[Row]:
    """Parcels on the plots in turn, several on one plot where there are more of them."""
    uses = rng.choice(np.array(_LAND_USES), wanted)
    return [
        {"land_use": str(use), "geometry": plots[number % len(plots)]}
        for number, use in enumerate(uses)
    ]


def _mains(links: list[_Link], rng: np.random.Generator) -> tuple[list[Row], list[Row]]:
    """Mains of every utility along its share of the links, and the nodes on them."""
    lines: list[Row] = []
    nodes: list[Row] = []
    for utility, (share, side, from_kerb_m, subtype, sizes) in _MAINS.items():
        for number in np.flatnonzero(rng.random(len(links)) < share):
            link = links[number]
            beside = shapely.offset_curve(
                link.line, side * (link.carriageway_m / 2 + from_kerb_m), join_style="mitre"
            )
            line = max(shapely.get_parts(beside), key=shapely.length)  # tight bends break it
            if rng.random() < _ENDS_INSIDE:
                line = substring(line, 0.0, rng.uniform(0.3, 0.9), normalized=True)
            lines.append(
                {
                    "utility": utility,
                    "subtype": subtype,
                    "diameter_mm": float(rng.choice(sizes)),
                    "pressure_mpa": float(rng.choice([0.2, 0.4])) if utility == "gas" else np.nan,
                    "voltage_kv": 10.0 if utility == "power" else np.nan,
                    "free_holes": float(rng.integers(0, 6)) if utility == "telecom" else np.nan,
                    "laying": "duct" if utility in ("power", "telecom") else "buried",
                    "status": "in_service",
                    "geometry": line,
                }
            )
            nodes += _nodes(utility, line, f"lines-{len(lines) - 1}", rng)
    return lines, nodes


def _nodes(
    utility: str, line: shapely.LineString, line_id: str, rng: np.random.Generator
) -> list[Row]:
    """A ring main unit on each cable, handholes along each duct; other mains are tapped inside."""
    every = {"power": line.length, "telecom": _HANDHOLE_M}.get(utility)
    if every is None:
        return []
    kind = "ring_main_unit" if utility == "power" else "handhole"
    return [
        {
            "utility": utility,
            "kind": kind,
            "line_id": line_id,
            "spare_bays": float(rng.integers(0, 3)) if utility == "power" else np.nan,
            "free_holes": float(rng.integers(0, 6)) if utility == "telecom" else np.nan,
            "voltage_kv": 10.0 if utility == "power" else np.nan,
            "status": "in_service",
            "geometry": line.interpolate(at),
        }
        for at in np.arange(every / 2, line.length, every)
    ]


def _verges(links: list[_Link], rng: np.random.Generator) -> list[shapely.Polygon]:
    """Green strips behind the kerb of a fifth of the links."""
    chosen = [link for link in links if rng.random() < 0.2]
    return [
        shapely.buffer(
            shapely.offset_curve(link.line, link.carriageway_m / 2 + 1.2, join_style="mitre"),
            0.9,
            cap_style="flat",
        )
        for link in chosen
    ]


def _trees(verges: list[shapely.Polygon], rng: np.random.Generator) -> list[Row]:
    """A tree in every verge; one in fifty is ancient, for one in ten nobody knows."""
    ancient = rng.choice(np.array([False, True, None], object), len(verges), p=[0.88, 0.02, 0.10])
    return [
        {"ancient": old, "geometry": verge.representative_point()}
        for verge, old in zip(verges, ancient, strict=True)
    ]


def _service_areas(cells: NDArray[Any]) -> list[Row]:
    """The urban area and one supplied area for each utility, all of them the whole county."""
    whole = shapely.box(*shapely.total_bounds(cells))
    return [{"kind": "urban_area", "geometry": whole}] + [
        {"kind": "network", "utility": utility, "geometry": whole} for utility in _MAINS
    ]


def _table(layer: str, rows: list[Row], crs: CRS) -> gpd.GeoDataFrame:
    """Rows as a table of the layer: every field there, what is not given unknown."""
    definition = layer_definition(layer)
    table = pd.DataFrame(rows, columns=[*definition.names[1:], "geometry"])
    for field in definition.fields[1:]:
        if field.type in ("number", "integer"):
            table[field.name] = table[field.name].astype(float)
        else:
            column = table[field.name].astype(object)
            table[field.name] = column.where(column.notna(), None)
    table.index = pd.Index(
        [f"{layer}-{row}" for row in range(len(table))], name=definition.id_field
    )
    return gpd.GeoDataFrame(table, geometry="geometry", crs=crs)

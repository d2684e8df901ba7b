"""Small random counties by seed: street layouts of four kinds, six networks, things in the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon, box
from shapely.ops import unary_union

from layers.survey import Survey
from tests.towns import main, node, street, town

Streets = list[LineString]
Rng = np.random.Generator
_EXTRA: Mapping[str, Mapping[str, Any]] = {
    "water": {"subtype": "distribution"},
    "sewage": {"subtype": "main", "depth_m": 3.0},
    "storm": {"subtype": "main", "depth_m": 2.5},
    "gas": {"subtype": "distribution", "pressure_mpa": 0.2},
    "power": {"subtype": "medium_voltage", "voltage_kv": 10.0, "diameter_mm": None},
    "telecom": {"subtype": "duct", "duct_holes": 6, "free_holes": 4, "diameter_mm": None},
}
_NODES: Mapping[str, Mapping[str, Any]] = {
    "power": {"kind": "ring_main_unit", "spare_bays": 2, "voltage_kv": 10.0},
    "telecom": {"kind": "handhole", "free_holes": 4},
}


def random_county(seed: int) -> Survey:
    """A county of a few streets; equal seeds give equal counties."""
    rng = np.random.default_rng(seed)
    layout = LAYOUTS[seed % len(LAYOUTS)]
    streets = [affinity.rotate(s, seed * 7.0 % 90, origin=(0, 0)) for s in layout(rng)]
    widths = rng.choice([4.0, 6.0, 8.0, 10.0, 14.0], len(streets))
    beside = rng.choice([3.0, 5.0, np.nan], len(streets), p=[0.4, 0.4, 0.2])
    roads = {
        f"R-{number}": street(
            *line.coords,
            carriageway_width_m=width,
            red_line_width_m=None if np.isnan(more) else width + 2 * more,
            authority=rng.choice(["municipal", "estate", "unknown"], p=[0.7, 0.2, 0.1]),
        )
        for number, (line, width, more) in enumerate(zip(streets, widths, beside, strict=True))
    }
    land = unary_union(
        [
            line.buffer(width / 2 + (4.0 if np.isnan(more) else more) + rng.choice([0.5, 2.0, 6.0]))
            for line, width, more in zip(streets, widths, beside, strict=True)
        ]
    )
    mains, nodes = _networks(rng, streets, widths)
    return town(
        roads=roads, parcels=_parcels(rng, streets, land), lines=mains, nodes=nodes,
        **_surroundings(rng, streets),
    )  # fmt: skip


def _grid(rng: Rng) -> Streets:
    """A crooked grid with some of its streets missing."""
    east = np.array([0.0, 120.0, 250.0]) + rng.uniform(-15, 15, 3)
    north = np.array([0.0, 110.0, 210.0]) + rng.uniform(-15, 15, 3)
    lean = rng.uniform(-12, 12, 3)
    spans = [[(east[i], y), (east[i + 1], y + lean[i])] for y in north for i in range(2)]
    spans += [[(x, north[j]), (x + lean[j], north[j + 1])] for x in east for j in range(2)]
    kept = rng.choice(len(spans), rng.integers(7, len(spans) + 1), replace=False)
    return [LineString(spans[number]) for number in sorted(kept.tolist())]


def _star(rng: Rng) -> Streets:
    """Streets from one place, some of them joined by a ring."""
    count = int(rng.integers(3, 6))
    angles = np.sort(rng.uniform(0, 2 * np.pi, count))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + (angles - angles.mean()) / 20
    reach = rng.uniform(120, 220, count)
    ends = [(r * np.cos(a), r * np.sin(a)) for r, a in zip(reach, angles, strict=True)]
    rays = [LineString([(0, 0), end]) for end in ends]
    ring = [(80 * np.cos(a), 80 * np.sin(a)) for a in angles]
    pairs = list(zip(ring, ring[1:] + ring[:1], strict=True))[: int(rng.integers(0, count + 1))]
    return rays + [LineString(pair) for pair in pairs]


def _comb(rng: Rng) -> Streets:
    """A bent main street with dead ends on both sides."""
    bend = rng.uniform(-30, 30)
    spine = LineString([(0, 0), (150, bend), (320, 0)])
    teeth = []
    for at in np.arange(40, 320, 60) + rng.uniform(-10, 10):
        foot = spine.interpolate(at)
        tip = (foot.x + rng.uniform(-15, 15), foot.y + rng.choice([-1, 1]) * rng.uniform(50, 120))
        teeth.append(LineString([foot.coords[0], tip]))
    return [spine, *teeth]


def _pieces(rng: Rng) -> Streets:
    """Two nets that nothing joins, and one street by itself."""
    first = [LineString([(0, 0), (200, 10)]), LineString([(90, 4.5), (100, 130)])]
    gap = float(rng.uniform(140, 200))
    second = [LineString([(0, gap), (80, gap)]), LineString([(40, gap), (40, gap + 90)])]
    return [*first, *second, LineString([(260, 60), (380, 60 + rng.uniform(-20, 20))])]


LAYOUTS: tuple[Callable[[Rng], Streets], ...] = (_grid, _star, _comb, _pieces)


def _parcels(rng: Rng, streets: Streets, land: Polygon) -> dict[str, dict[str, Any]]:
    """Plots beside random places of the streets, none on a road or on another plot."""
    plots: list[Polygon] = []
    for _attempt in range(80):
        line = streets[int(rng.integers(len(streets)))]
        centre = line.interpolate(rng.uniform(), normalized=True)
        wide, deep = rng.uniform(14, 34, 2)
        turned = rng.uniform(0, 360)
        away = affinity.translate(
            box(-wide / 2, -deep / 2, wide / 2, deep / 2), centre.x, centre.y + rng.uniform(14, 45)
        )
        plot = affinity.rotate(away, turned, origin=centre)
        if not plot.intersects(land) and all(plot.distance(other) > 0.5 for other in plots):
            plots.append(plot)
    use = str(rng.choice(["residential", "office", "school", "industrial"]))
    return {
        f"P-{number}": {"name": "示例宗地", "land_use": use, "geometry": plot}
        for number, plot in enumerate(plots)
    }


def _networks(
    rng: Rng, streets: Streets, widths: np.ndarray
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Mains of each utility along some streets, under footway or carriageway; nodes on them."""
    mains: dict[str, dict[str, Any]] = {}
    nodes: dict[str, dict[str, Any]] = {}
    for utility, extra in _EXTRA.items():
        for number in rng.choice(len(streets), min(3, len(streets)), replace=False).tolist():
            side = float(rng.choice([-1, 1]) * (widths[number] / 2 + rng.choice([-1.5, 1.0, 2.5])))
            line = streets[number].offset_curve(side)
            size = float(rng.choice([150.0, 200.0, 300.0, 600.0]))
            name = f"{utility}-{number}"
            mains[name] = main(*line.coords, **{"utility": utility, "diameter_mm": size, **extra})
            if utility in _NODES:
                x, y = line.interpolate(rng.uniform(0.1, 0.9), normalized=True).coords[0]
                nodes[f"N-{name}"] = node(x, y, utility=utility, line_id=name, **_NODES[utility])
    return mains, nodes


def _surroundings(rng: Rng, streets: Streets) -> dict[str, Mapping[str, Mapping[str, Any]]]:
    """Buildings, greenery, a tree, a brook, rails and a no-dig area, each in some counties."""
    west, south, east, north = unary_union(streets).bounds

    def somewhere() -> tuple[float, float]:
        return rng.uniform(west, east), rng.uniform(south, north)

    houses = [Point(somewhere()).buffer(rng.uniform(3, 9), quad_segs=2) for _ in range(3)]
    x, _y = somewhere()
    brook = LineString([(x, south - 50), (x + rng.uniform(-60, 60), north + 50)]).buffer(4)
    rails = LineString([(west - 50, somewhere()[1]), (east + 50, somewhere()[1])])
    found: dict[str, Mapping[str, Mapping[str, Any]]] = {
        "buildings": {f"B-{n}": {"geometry": house} for n, house in enumerate(houses)},
        "green": {"V-1": {"kind": "verge", "geometry": Point(somewhere()).buffer(40)}},
        "trees": {"T-1": {"ancient": bool(rng.integers(2)), "geometry": Point(somewhere())}},
    }
    if rng.uniform() < 0.3:
        found["water_bodies"] = {"H-1": {"geometry": brook}}
    if rng.uniform() < 0.3:
        found["railways"] = {"T-1": {"geometry": rails}}
    if rng.uniform() < 0.3:
        found["no_dig"] = {"X-1": {"reason": "square", "geometry": Point(somewhere()).buffer(12)}}
    return found

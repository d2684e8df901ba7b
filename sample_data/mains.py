"""Mains of every utility: one line per street on one side, joined where streets meet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely import LineString, Point

from sample_data import layout
from sample_data.shapes import (
    extend,
    lines_of,
    northwest_sign,
    offset,
    points_of,
    round_coordinates,
    substring,
    with_vertices,
)
from sample_data.streets import Street

UTILITIES = ("water", "sewage", "storm", "gas", "power", "telecom")
GRAVITY = ("sewage", "storm")
SIDE = {"water": 1, "telecom": 1, "storm": 1, "gas": -1, "power": -1, "sewage": -1}
"""+1 north or west side of the street, -1 south or east side (the usual local order)."""
PRESENCE = {
    "water": {"arterial": 1.0, "collector": 1.0, "local": 0.97, "lane": 0.95},
    "sewage": {"arterial": 1.0, "collector": 1.0, "local": 0.95, "lane": 0.9},
    "storm": {"arterial": 1.0, "collector": 1.0, "local": 0.9, "lane": 0.65},
    "gas": {"arterial": 1.0, "collector": 0.95, "local": 0.85, "lane": 0.7},
    "power": {"arterial": 1.0, "collector": 1.0, "local": 0.95, "lane": 0.95},
    "telecom": {"arterial": 1.0, "collector": 1.0, "local": 0.95, "lane": 0.85},
}
MIRRORED_SHARE = 0.15
"""Share of streets whose mains lie on the other side than usual."""


@dataclass(frozen=True)
class Main:
    """A piece of main between two joints, and the street in which it lies."""

    street: int
    line: LineString


def distance_from_axis(utility: str, street: Street) -> float:
    """Return the distance of a main from the street's axis, inside the red line, in metres."""
    kerb, red_line = street.carriageway_m / 2, street.red_line_m / 2
    footway = red_line - kerb
    return {
        "water": kerb + 0.34 * footway,
        "gas": kerb + 0.34 * footway,
        "telecom": red_line - 0.16 * footway,
        "power": red_line - 0.16 * footway,
        "storm": 0.30 * kerb,
        "sewage": 0.55 * kerb,
    }[utility]


def lay_mains(
    streets: list[Street],
    utility: str,
    rng: np.random.Generator,
) -> list[Main]:
    """Return the pieces of a utility's mains, cut and sharing a vertex wherever two meet.

    A utility runs in a street with the share of its class, and only where a street that this
    one starts or ends on has it too, so that the network is in one piece.
    """
    served = _served_streets(streets, utility, rng)
    raw = {i: _beside(streets[i], utility) for i in served}
    trimmed = {i: _joined(i, streets, raw) for i in served}
    if utility in GRAVITY:
        return _pieces(_without_river(trimmed))
    return _pieces([Main(i, line) for i, line in trimmed.items()])


def lay_trunk(streets: list[Street], utility: str, names: Collection[str]) -> list[Main]:
    """Return transmission mains in the named streets, between distribution main and red line."""
    raw = {}
    for number, street in enumerate(streets):
        if street.name in names:
            kerb, red_line = street.carriageway_m / 2, street.red_line_m / 2
            raw[number] = _shifted(street, utility, kerb + 0.62 * (red_line - kerb))
    trunks = [Main(i, substring(line, 2, line.length - 2)) for i, line in raw.items()]
    return _shortened(_pieces(trunks))


def _shortened(pieces: list[Main]) -> list[Main]:
    """Return the trunk pieces cut again into parts of at most some hundred metres."""
    parts = []
    for piece in pieces:
        count = int(piece.line.length // 400) + 1
        bounds = np.linspace(0, piece.line.length, count + 1)
        for a, b in pairwise(bounds):
            parts.append(Main(piece.street, substring(piece.line, a, b)))
    return parts


def mirrored(street: Street) -> bool:
    """Return whether a street's mains are laid on the other side than usual."""
    digits = sum(ord(c) for c in street.name)
    return (digits * 37) % 100 < 100 * MIRRORED_SHARE


def _served_streets(streets: list[Street], utility: str, rng: np.random.Generator) -> list[int]:
    draws = rng.random(len(streets))
    served: set[int] = set()
    for i, street in enumerate(streets):
        parents = [e for e in street.ends if e is not None]
        reached = not parents or any(p in served or p > i for p in parents)
        if reached and draws[i] < PRESENCE[utility][street.road_class]:
            served.add(i)
    return sorted(served)


def _beside(street: Street, utility: str) -> LineString:
    return _shifted(street, utility, distance_from_axis(utility, street))


def _shifted(street: Street, utility: str, distance_m: float) -> LineString:
    side = SIDE[utility] * northwest_sign(street.line) * (-1 if mirrored(street) else 1)
    return offset(street.line, side * distance_m)


def _joined(number: int, streets: list[Street], raw: dict[int, LineString]) -> LineString:
    """Trim or extend a main at both ends to the main of the street that it meets there."""
    own = extend(raw[number], 45)
    low, high = 45.0, own.length - 45.0
    middle = own.length / 2
    for end, other in enumerate(streets[number].ends):
        if other is None:
            low, high = (low + 3, high) if end == 0 else (low, high - 3)
            continue
        street = streets[other]
        target = raw.get(other, street.line.buffer(street.red_line_m / 2 + 1).boundary)
        stops = [own.project(p) for p in points_of(own.intersection(target))]
        if end == 0:
            low = max((s for s in stops if s < middle and s < 110), default=low)
        else:
            high = min((s for s in stops if s > middle and s > own.length - 110), default=high)
    return substring(own, low, high)


def _without_river(lines: dict[int, LineString]) -> list[Main]:
    """Cut gravity mains at the river banks, where they end."""
    water = layout.river_polygon().buffer(7)
    return [
        Main(i, part) for i, line in lines.items() for part in lines_of(line.difference(water), 12)
    ]


def _pieces(mains: list[Main]) -> list[Main]:
    """Cut mains where they meet; both get the same millimetre vertex there."""
    lines = round_coordinates(m.line for m in mains)
    tree = shapely.STRtree(lines)
    joints: list[list[Point]] = [[] for _ in mains]
    for i, j in zip(*tree.query(lines, predicate="dwithin", distance=0.01), strict=True):
        if i < j:
            for point in _joints(lines[i], lines[j]):
                joints[i].append(point)
                joints[j].append(point)
    return [
        Main(main.street, piece)
        for main, line, own in zip(mains, lines, joints, strict=True)
        for piece in _cut_at(with_vertices(line, own), own)
    ]


def _joints(a: LineString, b: LineString) -> list[Point]:
    tips = [Point(line.coords[k]) for line, other in ((a, b), (b, a)) for k in (0, -1)
            if other.distance(Point(line.coords[k])) < 0.01]  # fmt: skip
    crossings = [p for p in points_of(a.intersection(b)) if all(p.distance(t) > 0.1 for t in tips)]
    return [Point(round(p.x, 3), round(p.y, 3)) for p in tips + crossings]


def _cut_at(line: LineString, joints: list[Point]) -> list[LineString]:
    """Cut the line at those of its own vertices that are joints."""
    points = shapely.get_coordinates(line)
    marks = {(p.x, p.y) for p in joints}
    stops = [k for k in range(1, len(points) - 1) if (points[k][0], points[k][1]) in marks]
    bounds = [0, *stops, len(points) - 1]
    return [LineString(points[a : b + 1]) for a, b in pairwise(bounds)]


def joint_keys(line: LineString) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the two ends of a piece as keys of the network's joints."""
    points = np.round(shapely.get_coordinates(line)[[0, -1]], 3)
    return (float(points[0, 0]), float(points[0, 1])), (float(points[1, 0]), float(points[1, 1]))

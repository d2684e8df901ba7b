"""Streets: the main ones laid by hand, the small ones grown block by block."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.ops import split

from sample_data import layout
from sample_data.names import street_name
from sample_data.shapes import (
    extend,
    heading,
    long_axis,
    points_of,
    polygons_of,
    round_coordinates,
    spline,
    substring,
    with_vertices,
)

CARRIAGEWAY_M = {"arterial": 24.0, "collector": 15.0, "local": 9.0, "lane": 5.0}
RED_LINE_M = {"arterial": 40.0, "collector": 24.0, "local": 16.0, "lane": 9.0}
BLOCK_M2 = {"old": 13000.0, "residential": 41000.0, "industrial": 60000.0}
JUNCTION_GAP_M = 32.0
"""Least distance between two junctions along a street."""


@dataclass(frozen=True)
class Street:
    """One named street from end to end; ``ends`` are the streets met at both ends or None."""

    name: str
    road_class: str
    line: LineString
    ends: tuple[int | None, int | None]

    @property
    def carriageway_m(self) -> float:
        """Width from kerb to kerb in metres."""
        return CARRIAGEWAY_M[self.road_class]

    @property
    def red_line_m(self) -> float:
        """Width from red line to red line in metres."""
        return RED_LINE_M[self.road_class]

    def land(self) -> Polygon:
        """Return the street's land inside its red lines."""
        return self.line.buffer(self.red_line_m / 2, quad_segs=16)


def zone(point: Point) -> str:
    """Return the quarter that a place belongs to: old, residential or industrial."""
    east_of_railway = layout.railway().distance(point) < 60 or point.x > 1990
    if east_of_railway or (point.x > 1720 and point.y > 1390):
        return "industrial"
    x, y = layout.OLD_TOWN_AT
    inside = ((point.x - x) / 310) ** 2 + ((point.y - y) / 290) ** 2 < 1
    return "old" if inside and layout.river_axis().distance(point) > 60 else "residential"


def main_streets() -> list[Street]:
    """Return the hand-laid streets, each cut on the streets that it starts and ends on."""
    raw = {s.name: spline(s.points) for s in layout.MAIN_STREETS}
    number = {s.name: i for i, s in enumerate(layout.MAIN_STREETS)}
    streets = []
    for plan in layout.MAIN_STREETS:
        line = raw[plan.name]
        low, high = 0.0, line.length
        if plan.start_on:
            low = min(line.project(p) for p in points_of(line.intersection(raw[plan.start_on])))
        if plan.end_on:
            high = max(line.project(p) for p in points_of(line.intersection(raw[plan.end_on])))
        ends = (number.get(plan.start_on or ""), number.get(plan.end_on or ""))
        streets.append(Street(plan.name, plan.road_class, substring(line, low, high), ends))
    return streets


def town_core(streets: list[Street]) -> Polygon:
    """Return the land enclosed by the outermost streets."""
    lines = shapely.union_all([extend(s.line, 0.05) for s in streets])
    faces = shapely.polygonize([lines])
    return Polygon(shapely.union_all(list(faces.geoms)).exterior)


def footprint(streets: list[Street]) -> Polygon:
    """Return the outline of the built-up land: all blocks and a belt outside them."""
    ring = town_core(streets)
    lobes = [Point(xy).buffer(45 + 60 * abs(np.sin(0.9 * i))) for i, xy in enumerate(
             shapely.get_coordinates(ring.exterior.segmentize(120)))]  # fmt: skip
    belt = shapely.union_all([ring.buffer(46), *lobes])
    return belt.buffer(30).buffer(-60).buffer(30).simplify(2)


def grow(streets: list[Street], rng: np.random.Generator) -> list[Street]:
    """Fill the blocks between the main streets with smaller streets and dead ends."""
    grown = list(streets)
    town = footprint(streets)
    edges = [s.line for s in streets]
    faces = town.difference(shapely.union_all([e.buffer(0.01) for e in edges]))
    barrier = layout.river_polygon().buffer(34).union(layout.railway().buffer(17))
    inner = [f for f in polygons_of(faces, 3000) if f.distance(town.exterior) > 1]
    queue = [b for f in inner for b in polygons_of(f.difference(barrier), 3000)]
    while queue:
        block = queue.pop(0)
        queue.extend(_divide(block, grown, rng))
    return _node(grown)


def _divide(block: Polygon, streets: list[Street], rng: np.random.Generator) -> list[Polygon]:
    """Lay one street across the block if it is large; return the parts still to be looked at."""
    quarter = zone(block.representative_point())
    target = BLOCK_M2[quarter] * rng.uniform(0.8, 1.35)
    along, across, length, width = long_axis(block)
    park = block.contains(Point(layout.PARK_AT)) and block.area < 75000
    if block.area < target or width < 75 or park:
        if not park and width > 62 and block.area > 9000 and rng.random() < 0.5:
            _add_dead_end(block, along, across, streets, rng)
        return []
    for trial in range(40):
        chord = _chord(block, along, across, length * (1 + trial / 30), rng)
        if chord is None:
            continue
        street = _settle(chord, quarter, block.area, streets, rng)
        if street is None:
            continue
        streets.append(street)
        if None in street.ends and not _barred(block):
            return []
        return polygons_of(
            shapely.GeometryCollection(list(split(block, extend(chord, 0.5)).geoms)), 3000
        )
    return []


def _barred(block: Polygon) -> bool:
    """Return whether the river or the railway bounds the block."""
    return block.distance(layout.river_polygon()) < 40 or block.distance(layout.railway()) < 20


def _chord(block: Polygon, along: np.ndarray, across: np.ndarray, length: float,
           rng: np.random.Generator) -> LineString | None:  # fmt: skip
    """Return a gently bent line across the block near its middle, from edge to edge."""
    middle = shapely.get_coordinates(shapely.oriented_envelope(block).centroid)[0]
    foot = middle + along * length * rng.uniform(-0.14, 0.14)
    turn = np.radians(rng.uniform(-13, 13))
    direction = across * np.cos(turn) + along * np.sin(turn)
    side = np.array([-direction[1], direction[0]])
    reach = 600.0
    width = block.intersection(LineString([foot - direction * reach, foot + direction * reach]))
    parts = sorted(shapely.get_parts(width), key=lambda p: -p.length)
    if not parts or parts[0].length < 45:
        return None
    a, b = shapely.get_coordinates(parts[0])[[0, -1]]
    bow = rng.choice([0.0, 0.05, 0.09, 0.13]) * rng.choice([-1, 1]) * np.hypot(*(b - a))
    sway = rng.choice([0.0, 0.0, 0.05]) * np.hypot(*(b - a))
    step = b - a
    control = [a - 0.06 * step, a + 0.3 * step + side * (bow + sway),
               a + 0.7 * step + side * (bow - sway), b + 0.06 * step]  # fmt: skip
    inside = block.buffer(0.02).intersection(spline([tuple(p) for p in control], 14))
    pieces = sorted(shapely.get_parts(inside), key=lambda p: -p.length)
    return pieces[0] if pieces and pieces[0].length > 45 else None


def _settle(chord: LineString, quarter: str, area: float, streets: list[Street],
            rng: np.random.Generator) -> Street | None:  # fmt: skip
    """Return the street along the chord, from street to street or short of what bars it."""
    lines = np.array([s.line for s in streets], dtype=object)
    ends: list[int | None] = []
    low, high = 0.0, chord.length
    for at, tip in ((0.0, chord.boundary.geoms[0]), (chord.length, chord.boundary.geoms[1])):
        distance = shapely.distance(lines, tip)
        nearest = int(np.argmin(distance))
        if distance[nearest] > 0.5:
            ends.append(None)
            low, high = (26.0, high) if at == 0 else (low, high - 26.0)
            continue
        if not _fits(chord, at, tip, nearest, streets):
            return None
        ends.append(nearest)
    if ends == [None, None] or high - low < 35:
        return None
    if None not in ends and area < 42000 and rng.random() < 0.12:
        stop = rng.uniform(0.5, 0.7) * chord.length
        high, ends[1] = stop, None
    road_class = "lane" if quarter == "old" else "local"
    if quarter == "residential" and area < 30000 and rng.random() < 0.35:
        road_class = "lane"
    return _street(substring(chord, low, high), road_class, ends, streets)


def _street(
    line: LineString, road_class: str, ends: list[int | None], streets: list[Street]
) -> Street:
    name = street_name(len(streets) - len(layout.MAIN_STREETS), road_class)
    return Street(name, road_class, line, (ends[0], ends[1]))


def _fits(chord: LineString, at: float, tip: Point, other: int, streets: list[Street]) -> bool:
    """Return whether the chord meets the other street steeply and far from other junctions."""
    line = streets[other].line
    place = line.project(tip)
    own, met = heading(chord, at), heading(line, place)
    if abs(float(own @ met)) > 0.55:
        return False
    reach = JUNCTION_GAP_M if streets[other].road_class != "arterial" else 1.6 * JUNCTION_GAP_M
    near = tip.buffer(reach)
    return all(
        i == other or not s.line.intersects(near) for i, s in enumerate(streets)
    ) and reach / 2 < place < line.length - reach / 2  # fmt: skip


def _add_dead_end(block: Polygon, along: np.ndarray, across: np.ndarray, streets: list[Street],
                  rng: np.random.Generator) -> None:  # fmt: skip
    """Lead a short cul-de-sac from one side into the block."""
    middle = shapely.get_coordinates(block.centroid)[0]
    for _ in range(8):
        axis = across if rng.random() < 0.6 else along
        direction = axis * rng.choice([-1, 1])
        start = middle + (along if axis is across else across) * rng.uniform(-25, 25)
        ray = LineString([start - direction * 8, start + direction * 300]).intersection(block)
        leg = max(shapely.get_parts(ray), key=lambda p: p.length, default=None)
        if leg is None or leg.length < 40:
            continue
        tip = Point(leg.coords[-1])
        nearest = min(range(len(streets)), key=lambda i: streets[i].line.distance(tip))
        if streets[nearest].line.distance(tip) > 0.5:
            continue
        if not _fits(leg, leg.length, tip, nearest, streets):
            continue
        a, b = np.array(leg.coords[-1]), np.array(leg.coords[0])
        step, side = b - a, np.array([a[1] - b[1], b[0] - a[0]])
        bend = rng.choice([0.0, 0.1, 0.2, -0.15])
        curve = spline([tuple(a), tuple(a + 0.5 * step + bend * 0.4 * side),
                        tuple(b + bend * side)], 9)  # fmt: skip
        clear = [s.line.distance(curve) > 20 for i, s in enumerate(streets) if i != nearest]
        if all(clear):
            streets.append(_street(curve, "lane", [nearest, None], streets))
            return


def _node(streets: list[Street]) -> list[Street]:
    """Return the streets with a shared millimetre vertex wherever two of them meet."""
    lines = round_coordinates(s.line for s in streets)
    lines = np.array([_landed(i, streets, lines) for i in range(len(streets))], dtype=object)
    tree = shapely.STRtree(lines)
    shared: list[list[Point]] = [[] for _ in streets]
    for i, j in zip(*tree.query(lines, predicate="dwithin", distance=0.005), strict=True):
        if i < j:
            for point in _meeting(lines[i], lines[j]):
                shared[i].append(point)
                shared[j].append(point)
    return [
        replace(s, line=with_vertices(line, own))
        for s, line, own in zip(streets, lines, shared, strict=True)
    ]


def _landed(number: int, streets: list[Street], lines: np.ndarray) -> LineString:
    """Return the street with its ends put exactly on the streets that they meet."""
    points = shapely.get_coordinates(lines[number])
    for place, other in zip((0, -1), streets[number].ends, strict=True):
        if other is not None:
            target = lines[other]
            foot = target.interpolate(target.project(Point(points[place])))
            points[place] = np.round([foot.x, foot.y], 3)
    return LineString(points)


def _meeting(a: LineString, b: LineString) -> list[Point]:
    """Return the rounded points where two streets touch or cross."""
    pairs = ((a, b), (b, a))
    tips = [(Point(line.coords[k]), other) for line, other in pairs for k in (0, -1)]
    found = [tip for tip, other in tips if other.distance(tip) < 0.005]
    crossings = [
        p for p in points_of(a.intersection(b)) if all(p.distance(q) > 0.05 for q in found)
    ]
    unique = {(round(p.x, 3), round(p.y, 3)) for p in found + crossings}
    return [Point(xy) for xy in sorted(unique)]

"""Screening, what lines add: every edge and every way to a tie-in is measured once.

A route is a chain of such lines. What a line adds does not depend on who runs over it, so figures
of hundreds of thousands of routes are sums over their lines. Where a sum is not surely what the
whole route measures, the line says so (``DOUBT`` and the gaps), and the route itself is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray, segments
from gis.overlay import CONTACT_TOLERANCE_M, squares_of
from planning.corridors import SURFACES_FROM
from planning.facts import Ground, counted_crossings
from planning.judged_routes import as_known
from planning.quantities import NON_CARRIAGEWAY, SURFACES
from planning.road_surfaces import Crossed
from planning.screening_roads import RoadStates

# Columns of values that add up along a route, then metres on each surface of carriageways.
LENGTH, GREEN, COUNT, KERB, RED_LINE, CITY_KERB, CITY_RED_LINE, SURFACE = range(8)
COLUMNS = SURFACE + len(SURFACES) - len(NON_CARRIAGEWAY)
# Marks that a route bears if one of its lines does; the last four of pieces of unknown length.
BRIDGE, BRIDGE_UNKNOWN, DOUBT = 1, 2, 4
NO_KERB, NO_RED_LINE, NO_CITY_KERB, NO_CITY_RED_LINE = 8, 16, 32, 64
# Parts of roads in squares of this side have few corners, and few lines lie in two of them.
_SQUARE_M = 120.0


class NearRoads(NamedTuple):
    """Roads at lines: row ``line``, ``road``, ``gap_m`` between them (0 where they meet).

    ``sure`` where the line runs inside the road's red line for more than a contact, or along the
    road's own strip; ``known`` where the road has a red line: else it is only perhaps dug.
    """

    line: IntArray
    road: IntArray
    gap_m: FloatArray
    sure: NDArray[np.bool_]
    known: NDArray[np.bool_]


class Nearby:
    """Roads in squares, greenery and trees within reach of lines, to be found by place; made once.

    ``reach_m`` is how far all is looked for; of an ancient tree as much farther as its zone.
    """

    def __init__(self, ground: Ground, reach_m: float) -> None:
        self.roads = [
            (_Reach(squares, reach_m), road_of, known)
            for areas, known in ((ground.ground_areas, True), (ground.land_in_reach, False))
            for squares, road_of in (squares_of(areas, _SQUARE_M),)
            if len(squares)
        ]
        self._things = [
            (column, _Reach(shapes, reach_m + float(zone_m.max())), zone_m)
            for column, shapes, zone_m in _things_of(ground)
            if len(shapes)
        ]
        self._road_count = len(ground.road_areas)

    def gaps(self, lines: LineArray) -> FloatArray:
        """Distances of lines to the nearest greenery and tree, (n, 2); infinite beyond reach.

        To a tree that may be ancient it is that to the farthest edge of its zone, negative inside.
        """
        gaps = np.full((len(lines), 2), np.inf)
        for column, things, zone_m in self._things:
            line, thing, gap_m = things.pairs(lines)
            np.minimum.at(gaps[:, column], line, gap_m - zone_m[thing])
        return gaps

    def near_roads(
        self, lines: LineArray, own_road: IntArray, entered: tuple[IntArray, IntArray]
    ) -> NearRoads:
        """Roads whose red line, or land that may be theirs, is within reach of lines.

        ``entered`` are pairs of lines and roads whose carriageway they enter, as they do the red
        line around it then.
        """
        own, (line, road) = np.flatnonzero(own_road >= 0), entered
        other = road != own_road[line]
        line, road = line[other], road[other]
        known_pairs = line * self._road_count + road
        line, road = np.r_[own, line], np.r_[own_road[own], road]
        found = [NearRoads(line, road, np.zeros(len(line)), *[np.ones(len(line), bool)] * 2)]
        for squares, road_of, known in self.roads:
            line, square = squares.boxes(lines)
            road = road_of[square]
            other = road != own_road[line]
            if known:
                other &= ~np.isin(line * self._road_count + road, known_pairs)
            line, square, gap_m = squares.near(lines, line[other], square[other])
            inside_m, met = np.zeros(len(line)), np.flatnonzero(gap_m == 0)
            inside_m[met] = _inside_m(lines[line[met]], squares.shapes[square[met]])
            found.append(_by_road(line, road_of[square], gap_m, inside_m, known))
        return _joined(found)


class _Reach:
    """Shapes, to be found by what is within a reach of them."""

    def __init__(self, shapes: NDArray[Any], reach_m: float) -> None:
        west, south, east, north = shapely.bounds(shapes).T
        around = west - reach_m, south - reach_m, east + reach_m, north + reach_m
        self.shapes, self.reach_m = shapes, reach_m
        self._tree = shapely.STRtree(shapely.box(*around))
        shapely.prepare(shapes)

    def boxes(self, lines: LineArray) -> tuple[IntArray, IntArray]:
        """Pairs of lines and shapes whose boxes are within reach."""
        line, shape = self._tree.query(lines)
        return line.astype(np.int64), shape.astype(np.int64)

    def near(
        self, lines: LineArray, line: IntArray, shape: IntArray
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Those of some pairs that are within reach, and the metres between."""
        gap_m = shapely.distance(lines[line], self.shapes[shape])
        near = gap_m <= self.reach_m
        return line[near], shape[near], gap_m[near]

    def pairs(self, lines: LineArray) -> tuple[IntArray, IntArray, FloatArray]:
        """All pairs within reach, and the metres between."""
        return self.near(lines, *self.boxes(lines))


def _things_of(ground: Ground) -> Iterator[tuple[int, NDArray[Any], FloatArray]]:
    """The column of ``Nearby.gaps``, shapes and zones of greenery, trees, and ancient trees."""
    for column, things in enumerate((ground.greenery, ground.trees)):
        if things is not None:
            yield column, things.shapes, np.zeros(len(things.shapes))
    if ground.ancient_trees is not None:
        yield 1, ground.ancient_trees.trunks, ground.ancient_trees.most_m


@dataclass
class LineValues:
    """Values of some lines, filled in as they are asked for: most lines never are.

    Attributes
    ----------
    measured, crossed
        What the corridors measured of each line: ``SURFACES_FROM`` at least, and the pieces inside
        carriageways.
    row
        (n,) the row of each line in all that follows, -1 where it was not asked for.
    sums
        (k, ``COLUMNS``) values that add up.
    marks
        (k,) bits that a route bears if one of its lines does.
    largest
        (k, 3) what counts is the largest of: the longest single piece inside the carriageway of a
        city road, then the ``Nearby.gaps`` to greenery and trees with a minus. These are infinite
        beyond the reach of ``nearby``, and for lines of no length.
    near, near_starts
        Roads at the lines, ``line`` is the row, ascending; and where those of each row begin, and
        the end.
    """

    ground: Ground
    nearby: Nearby
    lines: LineArray
    measured: Mapping[str, FloatArray]
    crossed: Crossed
    own_road: IntArray
    on_bridge: FloatArray
    in_doubt: NDArray[np.bool_]
    row: IntArray = field(init=False)
    sums: FloatArray = field(init=False)
    marks: IntArray = field(init=False)
    largest: FloatArray = field(init=False)
    near: NearRoads = field(init=False)
    near_starts: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self.row = np.full(len(self.lines), -1)
        self.sums, self.marks = np.zeros((0, COLUMNS)), np.zeros(0, np.int64)
        self.largest, self.near = np.zeros((0, 3)), _joined([])
        self.near_starts = np.zeros(1, np.int64)
        self._surely: dict[RoadStates, IntArray] = {}

    def fill(self, numbers: IntArray) -> None:
        """Measure those of the lines that were not measured yet."""
        asked = np.zeros(len(self.lines), bool)
        asked[numbers] = True
        new = np.flatnonzero(asked & (self.row < 0))
        if len(new) == 0:
            return
        first, lines = len(self.marks), self.lines[new]
        sums, marks, longest, entered = self._measure(new, lines)
        largest = np.full((len(new), 3), (0.0, -np.inf, -np.inf))
        largest[:, 0], long = longest, sums[:, LENGTH] > 0
        largest[long, 1:] = -self.nearby.gaps(lines[long])
        near = self.nearby.near_roads(lines, self.own_road[new], entered)
        near = _by_line(near._replace(line=first + near.line))
        self.row[new] = np.arange(first, first + len(new))
        self.sums = np.concatenate([self.sums, sums])
        self.marks = np.concatenate([self.marks, marks])
        self.largest = np.concatenate([self.largest, largest])
        self.near = _joined([self.near, near])
        rows = np.arange(len(self.marks) + 1)
        self.near_starts = np.searchsorted(self.near.line, rows).astype(np.int64)
        self._surely.clear()

    @property
    def gaps(self) -> FloatArray:
        """Distances of lines to the nearest greenery and tree, by row."""
        return -self.largest[:, 1:]

    def marks_with(self, states: RoadStates, reach_m: float) -> IntArray:
        """(k, 3) marks of lines, those of roads that they surely dig up, and of those they may.

        A trench reaches ``reach_m`` to both sides.
        """
        near = self.near
        if states not in self._surely:
            surely = np.column_stack([self.marks, *np.zeros((2, len(self.marks)), np.int64)])
            told = states.marks[np.where(near.known, 0, 1), near.road]
            np.bitwise_or.at(surely[:, 1], near.line[near.sure], told[near.sure])
            self._surely[states] = surely
        found = self._surely[states].copy()
        perhaps = np.flatnonzero(~near.sure & (near.gap_m <= reach_m))
        told = states.marks[np.where(near.known[perhaps], 0, 1), near.road[perhaps]]
        np.bitwise_or.at(found[:, 2], near.line[perhaps], told)
        return found

    def _measure(
        self, new: IntArray, lines: LineArray
    ) -> tuple[FloatArray, IntArray, FloatArray, tuple[IntArray, IntArray]]:
        """Length, greenery along the line, crossings, surfaces and bridges of new lines.

        Returns ``sums``, ``marks`` and the longest piece of each, and pairs of lines and roads that
        they enter.
        """
        corridors = self.ground.corridors
        measured, drawn = self._measured(new)
        known = as_known(self.ground, drawn)
        counted = counted_crossings(self.ground, known)
        values, bridge = np.zeros((len(lines), COLUMNS)), self.on_bridge[new]
        values[:, LENGTH], values[:, GREEN] = measured["length_m"], measured["green_m"]
        values[:, COUNT] = drawn.of_line("times", len(lines))
        surfaces = corridors.metres_on(measured, drawn)
        values[:, SURFACE:] = surfaces[:, len(NON_CARRIAGEWAY) :]  # the others follow from the sums
        marks: IntArray = np.where(self.in_doubt[new], DOUBT, 0)
        marks |= np.where(bridge == 1.0, BRIDGE, 0) | np.where(np.isnan(bridge), BRIDGE_UNKNOWN, 0)
        for line, length, column, unknown in (
            (known.line, known.kerb_m, KERB, NO_KERB),
            (known.line, known.red_line_m, RED_LINE, NO_RED_LINE),
            (counted.line, counted.kerb_m, CITY_KERB, NO_CITY_KERB),
            (counted.line, counted.red_line_m, CITY_RED_LINE, NO_CITY_RED_LINE),
        ):
            missing = np.isnan(length)
            np.add.at(values[:, column], line[~missing], length[~missing])
            marks[line[missing]] |= unknown
        longest = np.zeros(len(lines))
        np.maximum.at(longest, counted.line, np.nan_to_num(counted.longest_m))
        entered = drawn.take(drawn.times > 0)
        return values, marks, longest, (entered.line, entered.road)

    def _measured(self, new: IntArray) -> tuple[dict[str, FloatArray], Crossed]:
        """What the corridors measured of some of the lines, numbered anew."""
        place = np.full(len(self.lines), -1)
        place[new] = np.arange(len(new))
        drawn = self.crossed._replace(line=place[self.crossed.line])
        measured = {name: self.measured[name][new] for name in SURFACES_FROM}
        return measured, drawn.take(drawn.line >= 0)


def _inside_m(lines: LineArray, areas: NDArray[Any]) -> FloatArray:
    """Metres of each line in the (prepared) area beside it, or as many as are more than a contact.

    Most lie in it as a whole, or begin or end there; only the others are laid over it.
    """
    inside = np.where(shapely.contains_properly(areas, lines), shapely.length(lines), 0.0)
    for last in (False, True):
        part = np.flatnonzero(inside <= CONTACT_TOLERANCE_M)
        ends = _end_pieces(lines[part], last)
        inside[part] = np.where(shapely.covers(areas[part], ends), shapely.length(ends), 0.0)
    part = np.flatnonzero(inside <= CONTACT_TOLERANCE_M)
    inside[part] = shapely.length(shapely.intersection(lines[part], areas[part]))
    return inside


def _end_pieces(lines: LineArray, last: bool) -> LineArray:
    """The first or last two contacts of lines, or as much of them as is straight."""
    xy, count = shapely.get_coordinates(lines), shapely.get_num_coordinates(lines)
    at, step = (np.cumsum(count) - 1, -1) if last else (np.cumsum(count) - count, 1)
    end, ahead = xy[at], xy[at + step] - xy[at]
    share = np.minimum(2 * CONTACT_TOLERANCE_M / np.maximum(np.hypot(*ahead.T), 1e-9), 1.0)
    return segments(end, end + ahead * share[:, None])


def _by_road(
    line: IntArray, road: IntArray, gap_m: FloatArray, inside_m: FloatArray, known: bool
) -> NearRoads:
    """One row for each line and road: the least gap, and whether the metres inside are many."""
    roads = int(road.max(initial=0)) + 1
    place, pairs = pd.factorize(line * roads + road)
    gap = np.full(len(pairs), np.inf)
    np.minimum.at(gap, place, gap_m)
    sure = np.bincount(place, inside_m, minlength=len(pairs)) > CONTACT_TOLERANCE_M
    return NearRoads(*np.divmod(pairs, roads), gap, sure, np.full(len(pairs), known))


def _by_line(near: NearRoads) -> NearRoads:
    """The rows in the order of their lines."""
    order = np.argsort(near.line, kind="stable")
    line, road, gap_m, sure, known = near
    return NearRoads(line[order], road[order], gap_m[order], sure[order], known[order])


def _joined(parts: Sequence[NearRoads]) -> NearRoads:
    """Rows one after another; none where there are no parts."""
    number, flag = np.zeros(0, np.int64), np.zeros(0, bool)
    none = NearRoads(number, number, np.zeros(0), flag, flag)
    columns = zip(none, *parts, strict=True)
    return NearRoads(*(np.concatenate(column) for column in columns))


class Joints(NamedTuple):
    """Ends of edges that lie inside a carriageway which the edge crosses, with another edge.

    ``road`` (m, 2): the road whose carriageway holds that end, -1 for none: of a route over two
    such edges, their pieces are one. ``doubt`` (m,) where an end is on the kerb, or a piece is too
    short to count by itself: they may be.
    """

    road: IntArray
    doubt: NDArray[np.bool_]


def joints_inside(
    ends: IntArray, node_xy: FloatArray, crossings: pd.DataFrame, areas: NDArray[Any]
) -> Joints:
    """Look for ends that two edges which cross the same road share at or inside its kerb."""
    crossing, of_road = (crossings[name].to_numpy(np.int64) for name in ("edge", "road"))
    edge, end = np.tile(crossing, 2), np.repeat([0, 1], len(crossing))
    met = ends[edge, end] * len(areas) + np.tile(of_road, 2)
    place, pairs = pd.factorize(met)
    several = np.bincount(place, minlength=len(pairs)) > 1
    node, road = np.divmod(pairs[several], len(areas))
    points, rims = shapely.points(node_xy[node]), shapely.boundary(areas)
    shapely.prepare(areas)
    shapely.prepare(rims)
    close = shapely.dwithin(areas[road], points, CONTACT_TOLERANCE_M)
    held = close & shapely.intersects(areas[road], points)
    held &= ~shapely.dwithin(rims[road], points, CONTACT_TOLERANCE_M)
    near, inside = np.zeros((2, len(pairs)), bool)
    near[several], inside[several] = close, held
    near, inside = near[place], inside[place]
    joints = Joints(np.full(ends.shape, -1), np.zeros(len(ends), bool))
    joints.road[edge[inside], end[inside]] = np.tile(of_road, 2)[inside]
    # What is too short to count by itself may still join what lies before and behind it.
    short = crossings["kerb_m"].to_numpy(float) <= CONTACT_TOLERANCE_M
    joints.doubt[crossing[short]] = True
    joints.doubt[edge[near & ~inside]] = True
    # Two carriageways share no land: an end lies inside one of them only.
    return joints

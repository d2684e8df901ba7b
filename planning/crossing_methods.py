"""Crossing methods 穿越方式: open cut 明挖 or trenchless 非开挖, whichever costs a line less.

A bore runs straight from one working pit to another, one bore for each utility. It needs a least
length, and room for its pits outside carriageways, private land and water. Crossings between the
two sides of a street may be bored or cut; at the mouth of a side street a bore may start and end
beyond its red line, so that nothing of that street is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray, ends_of, segments
from gis.overlay import CONTACT_TOLERANCE_M, area_inside_union
from planning.crossing_angles import angles_across
from planning.crossing_places import Across
from planning.obstacles import Obstacles
from planning.policy_model import Planning
from planning.quantities import Prices, priced
from planning.road_surfaces import Crossed, RoadSurfaces
from planning.standards import Pipe
from planning.strip_layout import StripLayout

if TYPE_CHECKING:
    from planning.corridors import Corridors
    from planning.no_dig import Closed, Closures

# A pit this much beyond a red line does not touch it.
_CLEAR_M = 0.1
# The strip runs on straight beyond a mouth if its axis bends aside by less than this.
_ASIDE_M = 0.3


def mouth_bores(
    layout: StripLayout, surfaces: RoadSurfaces, obstacles: Obstacles, settings: Planning
) -> Across:
    """Ways from strip to strip, before and behind a side street, in which it may be bored.

    From red line to red line; streets without a known red line have none.
    """
    crossed = surfaces.crossed(layout.lines)
    red_line = surfaces.table["red_line_width_m"].to_numpy(float)
    side_street = (crossed.road != layout.road[crossed.line]) & np.isfinite(red_line[crossed.road])
    crossed = crossed.take(side_street)
    middle, along = _over_centre_lines(layout.lines, crossed, surfaces)
    angle = np.radians(
        angles_across(layout.lines, crossed.line, crossed.road, crossed.at_m, surfaces)
    )
    half = np.fmax(red_line, surfaces.table["carriageway_width_m"].to_numpy(float)) / 2
    aside = settings.value("trenchless_pit_width_m") / 2
    reach = (half[crossed.road] + aside * np.cos(angle) + _CLEAR_M) / np.sin(angle)
    reach += settings.value("trenchless_pit_length_m") / 2
    ways = Across(
        *_on_strip(layout, crossed.line, middle - along * reach[:, None]),
        *_on_strip(layout, crossed.line, middle + along * reach[:, None]),
    )
    ways = ways.only((ways.piece >= 0) & (ways.piece_2 >= 0))
    lines = ways.lines(layout)
    free = shapely.length(lines) >= settings.value("trenchless_min_length_m")
    ways = ways.only(free & obstacles.connector_allowed(lines))
    once = np.unique(np.column_stack(ways), axis=0, return_index=True)[1]
    return ways.only(np.sort(once))


def _over_centre_lines(
    lines: LineArray, crossed: Crossed, surfaces: RoadSurfaces
) -> tuple[FloatArray, FloatArray]:
    """Where strip pieces meet the centre lines that they cross, and their directions there.

    NaN where a piece bends, or does not meet the centre line when drawn on straight.
    """
    line = lines[crossed.line]
    start = shapely.get_coordinates(shapely.get_point(line, 0))
    end = shapely.get_coordinates(shapely.get_point(line, -1))
    chord = np.hypot(*(end - start).T)
    along = (end - start) / np.maximum(chord, 1e-9)[:, None]
    width = surfaces.table["carriageway_width_m"].to_numpy(float)[crossed.road]
    drawn = segments(start - along * width[:, None], end + along * width[:, None])
    met = shapely.intersection(drawn, surfaces.centre[crossed.road])
    met[(shapely.get_type_id(met) != 0) | (shapely.length(line) > chord + 1e-3)] = shapely.Point()
    met[shapely.is_empty(met)] = shapely.Point(np.nan, np.nan)
    return np.stack([shapely.get_x(met), shapely.get_y(met)], axis=1), along


def _on_strip(layout: StripLayout, own: IntArray, xy: FloatArray) -> tuple[IntArray, FloatArray]:
    """The nearest usable place of the same stroke and side at each point: piece, -1 for none."""
    known = np.flatnonzero(np.isfinite(xy).all(axis=1))
    points = shapely.points(xy[known])
    at, piece = layout.tree.query(points, predicate="dwithin", distance=_ASIDE_M).astype(np.int64)
    mine = own[known[at]]
    kept = (layout.stroke[piece] == layout.stroke[mine]) & (layout.side[piece] == layout.side[mine])
    at, piece = at[kept], piece[kept]
    order = np.lexsort((piece, shapely.distance(layout.lines[piece], points[at]), at))
    nearest = order[np.diff(at[order], prepend=-1) != 0]
    at, piece = at[nearest], piece[nearest]
    found, at_m = np.full(len(xy), -1), np.zeros(len(xy))
    found[known[at]] = piece
    at_m[known[at]] = shapely.line_locate_point(layout.lines[piece], points[at])
    return found, at_m


@dataclass(frozen=True)
class Bores:
    """Edges of a corridor graph that may be bored, with their pits, prepared once.

    ``edge`` ascending; ``pits`` (n, 2) polygons at start and end; ``green_m2`` and ``paved_m2``
    of both pits together.
    """

    edge: IntArray
    lines: LineArray
    pits: NDArray[Any]
    green_m2: FloatArray
    paved_m2: FloatArray

    def yuan(self, pipe: Pipe, prices: Prices) -> FloatArray:
        """Yuan of each bore with its pipe and pits; infinite where the size has no price."""
        pits = self.green_m2 * prices.made_good_yuan("verge")
        pits += self.paved_m2 * prices.made_good_yuan("footway")
        return bores_without_pits_yuan(self._length_m, pipe, prices) + pits

    def shut(self, closures: Closures, closed: Closed) -> NDArray[np.bool_]:
        """True for bores that what is closed bars: pits in it, or a bore under it.

        A no-dig area may be bored under only where the layer says so; under spared trees and
        greenery bores may always run.
        """
        pits = closures.bars_pits(self.pits.ravel(), closed).reshape(-1, 2)
        return closures.bars_bores(self.lines, closed) | pits.any(axis=1)

    def among(self, edges: Sequence[int]) -> IntArray:
        """Those of some edges that may be bored."""
        return self.edge[self._rows(edges)]

    def pits_of(self, edges: Sequence[int]) -> list[shapely.Polygon]:
        """Pits of the edges that are bored, each once."""
        return list(dict.fromkeys(self.pits[self._rows(edges)].ravel().tolist()))

    @cached_property
    def _length_m(self) -> FloatArray:
        return np.asarray(shapely.length(self.lines), float)

    def _rows(self, edges: Sequence[int]) -> IntArray:
        """The rows of those of some edges that may be bored, ascending."""
        asked = np.array(sorted(set(edges)), np.int64)
        rows = self.edge.searchsorted(asked)
        found = rows < len(self.edge)
        found[found] = self.edge[rows[found]] == asked[found]
        return np.asarray(rows[found])


def bores_of(corridors: Corridors, settings: Planning, edges: IntArray | None = None) -> Bores:
    """The edges that may be bored: long enough, with room for both pits and no water on the way.

    Only some ``edges`` are looked at where they are given, ascending.
    """
    edge = np.arange(corridors.graph.edge_count) if edges is None else edges
    kind, length_m = corridors.graph.kind[edge], corridors.graph.length_m[edge]
    lines, over_m = corridors.graph.lines, corridors.graph.measures["kerb_m"].to_numpy(float)[edge]
    long_enough = length_m >= settings.value("trenchless_min_length_m")
    may_be = ((kind == "crossing") & (over_m > 0) & long_enough) | (kind == "bore")
    edge = edge[may_be]
    edge = edge[~corridors.obstacles.over_water(lines[edge])]
    size = settings.value("trenchless_pit_length_m"), settings.value("trenchless_pit_width_m")
    xy = ends_of(lines[edge])
    pits = np.stack([_pits(xy[:, end], xy[:, 1 - end], *size) for end in (0, 1)], axis=1)
    free = _free(corridors, pits.ravel()).reshape(-1, 2).all(axis=1)
    edge, pits = edge[free], pits[free]
    green_m2 = area_inside_union(pits.ravel(), corridors.green).reshape(-1, 2).sum(axis=1)
    paved = shapely.area(pits).sum(axis=1) - green_m2
    return Bores(edge, lines[edge], pits, green_m2, paved)


def bores_without_pits_yuan(length_m: FloatArray, pipe: Pipe, prices: Prices) -> FloatArray:
    """Yuan of bores of these lengths with their pipe; infinite where the size has no price."""
    fixed, pipe_yuan_m = prices.trenchless_yuan(pipe, 0.0), prices.pipe_yuan_m(pipe)
    metre = prices.trenchless_yuan(pipe, 1.0)
    if fixed is None or metre is None or pipe_yuan_m is None:
        return np.full(len(length_m), np.inf)
    return np.asarray(fixed + length_m * (metre - fixed + pipe_yuan_m))


def _pits(xy: FloatArray, far: FloatArray, length_m: float, width_m: float) -> NDArray[Any]:
    """Working pits round places ``xy`` (n, 2), turned along the straight lines to ``far``."""
    along = (far - xy) / np.maximum(np.hypot(*(far - xy).T), 1e-9)[:, None] * length_m / 2
    aside = along[:, ::-1] * (-1.0, 1.0) * (width_m / length_m)
    corners = [xy - along - aside, xy + along - aside, xy + along + aside, xy - along + aside]
    ring = np.stack([*corners, corners[0]], axis=1)
    one = np.arange(len(xy) + 1)
    offsets = one * ring.shape[1], one
    polygon = shapely.GeometryType.POLYGON  # by offsets a third of the time of ring by ring
    return np.asarray(shapely.from_ragged_array(polygon, ring.reshape(-1, 2), offsets))


def _free(corridors: Corridors, pits: NDArray[Any]) -> NDArray[np.bool_]:
    """True for pits clear of private land, buildings, water, rails and carriageways."""
    taken = np.zeros(len(pits), bool)
    obstacles, surfaces = corridors.obstacles, corridors.surfaces
    for areas in (obstacles.private_areas, obstacles.water_areas, surfaces.paved):
        pit, other = areas.tree.query(pits)
        met = shapely.intersects(areas.prepared[other], pits[pit])
        pit, other = pit[met], other[met]
        shared = shapely.area(shapely.intersection(pits[pit], areas.polygons[other]))
        taken[pit[shared > CONTACT_TOLERANCE_M]] = True
    rails = shapely.STRtree(obstacles.railways).query(pits, predicate="intersects")[0]
    taken[rails] = True
    return ~taken


@dataclass(frozen=True)
class Methods:
    """How one pipe goes over each edge of the graph; the rest follows from two prices.

    A cut costs ``yuan_m`` for each of the metres ``surfaces_m`` (m, s) of an edge, and may not be
    made where it is ``shut`` (m,); ``bores_yuan`` of the edges ``bores``, ascending, bored or
    carried. They are few of all: those that can be (or, where only what is cheaper was asked for,
    that cost less than a cut). Prices of all edges are many, and told each time they are asked for.
    """

    surfaces_m: FloatArray
    yuan_m: Mapping[str, float]
    shut: NDArray[np.bool_]
    bores: IntArray
    bores_yuan: FloatArray

    @classmethod
    def of_cuts(
        cls, surfaces_m: FloatArray, yuan_m: Mapping[str, float], shut: NDArray[np.bool_]
    ) -> Methods:
        """The methods where nothing is bored."""
        return cls(surfaces_m, yuan_m, shut, np.zeros(0, np.int64), np.zeros(0))

    def but(self, bore_yuan: FloatArray, shut: NDArray[np.bool_] | None = None) -> Methods:
        """The same with other prices of bores, infinite where it cannot be; or shut elsewhere."""
        bores = np.flatnonzero(np.isfinite(bore_yuan))
        shut = self.shut if shut is None else shut
        return replace(self, shut=shut, bores=bores, bores_yuan=bore_yuan[bores])

    @property
    def cut_yuan(self) -> FloatArray:
        """(m,) the price of every edge in open cut, infinite where that is not allowed."""
        return self.cut_yuan_of(slice(None))

    def cut_yuan_of(self, edges: IntArray | slice) -> FloatArray:
        """The ``cut_yuan`` of some edges."""
        found = priced(self.surfaces_m[edges], self.yuan_m)
        found[self.shut[edges]] = np.inf
        return found

    @property
    def bore_yuan(self) -> FloatArray:
        """(m,) the price of every edge bored or carried, infinite where it cannot be."""
        found = np.full(len(self.shut), np.inf)
        found[self.bores] = self.bores_yuan
        return found

    def bore_yuan_of(self, edges: IntArray) -> FloatArray:
        """The ``bore_yuan`` of some edges."""
        place = np.searchsorted(self.bores, edges)
        place[place == len(self.bores)] = 0
        found = np.full(len(edges), np.inf)
        at = np.flatnonzero(self.bores[place] == edges) if len(self.bores) else place[:0]
        found[at] = self.bores_yuan[place[at]]
        return found

    @property
    def yuan(self) -> FloatArray:
        """(m,) the price by the cheaper method."""
        found = self.cut_yuan
        found[self.bores] = np.minimum(found[self.bores], self.bores_yuan)
        return found

    def yuan_of(self, edges: IntArray) -> FloatArray:
        """The ``yuan`` of some edges."""
        return np.minimum(self.cut_yuan_of(edges), self.bore_yuan_of(edges))

    @property
    def passable(self) -> NDArray[np.bool_]:
        """(m,) true where one of the methods has a price."""
        priced_all = np.isfinite(list(self.yuan_m.values())).all()
        found = ~self.shut if priced_all else np.zeros(len(self.shut), bool)
        found[self.bores] = True
        return found

    @property
    def bored(self) -> NDArray[np.bool_]:
        """Where an edge is not cut but bored, or carried; cut where both cost the same."""
        found = np.zeros(len(self.shut), bool)
        found[self.bores] = self.bores_yuan < self.cut_yuan_of(self.bores)
        return found


def method_of(crossing: shapely.Geometry, bored: LineArray) -> str:
    """Method of what a route crosses of one road: open_cut, trenchless, or both."""
    beneath = shapely.length(shapely.intersection(bored, crossing)).sum() if len(bored) else 0.0
    if beneath <= CONTACT_TOLERANCE_M:
        return "open_cut"
    return "trenchless" if crossing.length - beneath <= CONTACT_TOLERANCE_M else "both"

"""Crossing places: straight, square ways over a carriageway from strip to strip.

At a regular spacing, opposite every foot of a parcel or gate, and at the corners of junctions in
the continuation of the kerb strip, unless a strip that runs straight on crosses there as squarely.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray, segments
from gis.noding import Network
from gis.overlay import enters
from gis.regions import Region
from planning.feet import Feet
from planning.obstacles import Obstacles
from planning.policy_model import Planning
from planning.road_surfaces import RoadSurfaces
from planning.roadside import Roadside
from planning.strip_layout import StripLayout

# A strip that meets a carriageway at this angle or more crosses it as well as a square crossing.
_SQUARE_DEG = 75.0
# Strips lie a little farther from the centre line than their offset where streets bend.
_REACH_SHARE, _REACH_MORE_M = 1.15, 0.5
# No road of several carriageways is wider between its strips.
_WIDEST_M = 90.0
# The direction of a street is taken over this length.
_CHORD_M = 2.0


class Across(NamedTuple):
    """Ways over streets: the strip ``piece`` and the place ``at_m`` where each begins, and where
    it ends."""

    piece: IntArray
    at_m: FloatArray
    piece_2: IntArray
    at_2_m: FloatArray

    def only(self, rows: IntArray | NDArray[np.bool_]) -> Across:
        """Some of the rows."""
        end = self.piece_2[rows], self.at_2_m[rows]
        return Across(self.piece[rows], self.at_m[rows], *end)

    def lines(self, layout: StripLayout) -> LineArray:
        """The straight ways."""
        return segments(layout.at(self.piece, self.at_m), layout.at(self.piece_2, self.at_2_m))


class _Places(NamedTuple):
    """Places on streets, (n,) or (n, 2): the street part, the point, the unit direction to the
    left of its stroke."""

    part: IntArray
    xy: FloatArray
    left: FloatArray

    @staticmethod
    def of(part: IntArray, xy: FloatArray, left: FloatArray) -> _Places:
        return _Places(part, xy, left / np.maximum(np.hypot(*left.T), 1e-9)[:, None])

    def only(self, rows: NDArray[np.bool_]) -> _Places:
        return _Places(self.part[rows], self.xy[rows], self.left[rows])


class _Hits(NamedTuple):
    """Where the way from each place meets a strip: ``piece``, -1 for none, and ``at_m``.

    ``over`` tells of ways that go on over a second carriageway.
    """

    piece: IntArray
    at_m: FloatArray
    over: NDArray[np.bool_]


def crossing_feet(
    layout: StripLayout,
    beside: Roadside,
    obstacles: Obstacles,
    feet: Feet,
    settings: Planning,
    near: Region | None = None,
) -> Across:
    """Find the crossings of every street.

    Network nodes need none of their own: they are joined to the strips of both sides. A road of
    two carriageways is crossed whole, its median included. Bridges and underpasses are not
    crossed.

    Parameters
    ----------
    layout, beside
        The strips as they can be built, and the streets that they run beside.
    feet
        Feet of parcels, gates and nodes.
    settings
        Distance between crossings where there is no other reason for one; widest median.
    near
        Only streets in this region are crossed.
    """
    streets, surfaces, offset = beside.streets, beside.surfaces, beside.beside_m.max(axis=1)
    piece, at_m = _ends_to_cross_at(layout, feet)
    side, at_strips = layout.side[piece], _places_at(layout, streets, piece, at_m)
    regular = _regular_places(layout, streets.pieces.lines, settings.midblock_spacing_m)
    ground = surfaces.level[streets.pieces.parent] == 0
    crossed, regularly = ground[at_strips.part], ground[regular.part]
    if near is not None:
        crossed &= near.holds(at_strips.xy)
        regularly &= near.holds(regular.xy)
    found = []
    for begun in (1, -1):
        here = crossed & (side == begun)
        start = _Hits(piece[here], at_m[here], np.zeros(int(here.sum()), bool))
        found.append((start, _hits(layout, offset, at_strips.only(here), -begun)))
    regular = regular.only(regularly)
    found.append((_hits(layout, offset, regular, 1), _hits(layout, offset, regular, -1)))
    across, over = _joined(found)
    lines = across.lines(layout)
    kept = obstacles.connector_allowed(lines)
    wide = np.flatnonzero(kept & over)
    kept[wide] = _between_m(lines[wide], surfaces) <= 2.0 * settings.max_median_m
    kept[enters(lines, layout.roundabouts).line] = False
    return across.only(kept)


def _joined(found: Sequence[tuple[_Hits, _Hits]]) -> tuple[Across, NDArray[np.bool_]]:
    """Crossings of which both ends were found, and which go on over a second carriageway."""
    near, far = (
        _Hits(*map(np.concatenate, zip(*hits, strict=True))) for hits in zip(*found, strict=True)
    )
    both = np.flatnonzero((near.piece >= 0) & (far.piece >= 0))
    across = Across(near.piece, near.at_m, far.piece, far.at_m)
    return across.only(both), (near.over | far.over)[both]


def _between_m(lines: LineArray, surfaces: RoadSurfaces) -> FloatArray:
    """Metres of lines between the first carriageway and the last, outside all."""
    met = surfaces.crossed(lines)
    first, last = np.full(len(lines), np.inf), np.zeros(len(lines))
    np.minimum.at(first, met.line, met.at_m - met.kerb_m / 2)
    np.maximum.at(last, met.line, met.at_m + met.kerb_m / 2)
    between_m = last - first - met.of_line("kerb_m", len(lines))
    return np.where(np.isfinite(first), between_m, 0.0)


def _ends_to_cross_at(layout: StripLayout, feet: Feet) -> tuple[IntArray, FloatArray]:
    """Places on the strips that get a crossing: feet of parcels and gates, and corners."""
    sites = feet.kind != "node"
    corner, corner_m = _corners(layout)
    piece = np.concatenate([feet.piece[sites], corner])
    at_m = np.concatenate([feet.at_m[sites], corner_m])
    order = np.lexsort((at_m, piece))
    other = (np.diff(piece[order], prepend=-1) != 0) | (np.diff(at_m[order], prepend=-1.0) != 0)
    return piece[order[other]], at_m[order[other]]


def _corners(layout: StripLayout) -> tuple[IntArray, FloatArray]:
    """Ends of strips at junctions where nothing crosses their own road squarely yet."""
    count = len(layout.lines)
    node = layout.ends
    line, road, _ = layout.crossed.only(layout.crossed.angle >= _SQUARE_DEG)
    roads = int(layout.road.max(initial=0)) + 1
    served = np.concatenate([node[line, 0] * roads + road, node[line, 1] * roads + road])
    piece, end = np.tile(np.arange(count), 2), np.repeat([0, 1], count)
    here = node[piece, end]
    wanted = layout.usable[piece] & layout.at_mouth[here]
    wanted &= ~np.isin(here * roads + layout.road[piece], served)
    at_m = np.where(end == 0, 0.0, shapely.length(layout.lines)[piece])
    return piece[wanted], at_m[wanted]


def _places_at(layout: StripLayout, streets: Network, piece: IntArray, at_m: FloatArray) -> _Places:
    """The points of the street beside places on strips."""
    part = layout.part[piece]
    foot = shapely.line_interpolate_point(layout.lines[piece], at_m)
    line = streets.pieces.lines[part]
    centre = shapely.line_interpolate_point(line, shapely.line_locate_point(line, foot))
    xy = shapely.get_coordinates(centre)
    left = (shapely.get_coordinates(foot) - xy) * layout.side[piece][:, None]
    return _Places.of(part, xy, left)


def _regular_places(layout: StripLayout, parts: LineArray, spacing_m: float) -> _Places:
    """Points along street parts: evenly spread, one at least, none at an end."""
    length = shapely.length(parts)
    count = np.maximum(np.round(length / spacing_m), 1).astype(np.int64)
    part = np.repeat(np.arange(len(parts)), count)
    number = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
    at_m = (number + 0.5) / count[part] * length[part]
    before, here, after = (
        shapely.get_coordinates(shapely.line_interpolate_point(parts[part], at_m + step))
        for step in (-np.minimum(_CHORD_M / 2, at_m), 0.0, _CHORD_M / 2)
    )
    along = (after - before) * np.where(layout.backward[part], -1.0, 1.0)[:, None]
    return _Places.of(part, here, np.stack([-along[:, 1], along[:, 0]], axis=1))


def _hits(layout: StripLayout, offset: FloatArray, places: _Places, side: int) -> _Hits:
    """Where the way over the street meets the strip of one side.

    Where one of two carriageways has none on that side, the way goes over the other one.
    """
    reach = (offset[places.part] * _REACH_SHARE + _REACH_MORE_M) * side
    piece, at_m = _first_hits(layout, places, reach, side)
    over = layout.divided[places.part] & (piece < 0)
    if over.any():
        reach = np.full(int(over.sum()), _WIDEST_M * side)
        piece[over], at_m[over] = _first_hits(layout, places.only(over), reach, None)
    return _Hits(piece, at_m, over)


def _first_hits(
    layout: StripLayout, places: _Places, reach: FloatArray, side: int | None
) -> tuple[IntArray, FloatArray]:
    """The first strip on the way: of the place's own street and one side, or of any street."""
    probe = segments(places.xy, places.xy + places.left * reach[:, None])
    at, piece = layout.tree.query(probe, predicate="intersects").astype(np.int64)
    if side is not None:
        own = layout.stroke[piece] == layout.stroke_of_part[places.part[at]]
        own &= layout.side[piece] == side
        at, piece = at[own], piece[own]
    met = shapely.intersection(probe[at], layout.lines[piece])
    here = shapely.points(places.xy[at])
    met = shapely.get_point(shapely.shortest_line(here, met), -1)
    order = np.lexsort((piece, shapely.distance(met, here), at))
    nearest = order[np.diff(at[order], prepend=-1) != 0]
    first, at_m = np.full(len(probe), -1), np.zeros(len(probe))
    first[at[nearest]] = piece[nearest]
    at_m[at[nearest]] = shapely.line_locate_point(layout.lines[piece[nearest]], met[nearest])
    return first, at_m

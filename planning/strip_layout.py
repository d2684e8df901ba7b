"""Strip layout: the kerb-side strips as cut to what can be built there, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import (
    POSITION_TOLERANCE_M,
    FloatArray,
    IntArray,
    LineArray,
    Pieces,
    cut_lines,
    ends_and_directions,
    merge_points,
    vertex_places,
)
from gis.noding import Network
from gis.strips import Strips
from planning.crossing_angles import angles_across
from planning.medians import Pairs, divided, islands, outside_medians
from planning.obstacles import Obstacles
from planning.road_surfaces import RoadSurfaces

# A strip that meets a carriageway at less than this angle runs along it and is dropped; the
# mouth of a side street is met at its own angle, seldom below 30°.
_ALONG_DEG = 25.0
# A piece that crosses a carriageway and is this much longer than its crossing is cut at the kerb.
_RUNS_ON_M = 5.0
# Strips that merge cross at their distance from both kerbs, rounding and bends left aside.
_MORE_M = 0.05
# Points that are to be joined to a strip in the same place are one point.
_SAME_FOOT_M = 0.05
# Where land takes the corner of a strip only, the strip leaves it again within this.
_CORNER_M = 10.0
# A corner that is cut off keeps this from the land, so as not to lie on its boundary.
_OFF_LAND_M = 0.1
# Inside a bend of up to 120° a strip turns within twice its offset of the corner of its street.
_CORNER_OFFSETS = 2.2


class Entered(NamedTuple):
    """Pieces that lie in a carriageway: its road, and the ``angle`` between them in degrees."""

    piece: IntArray
    road: IntArray
    angle: FloatArray

    def only(self, rows: NDArray[np.bool_]) -> Entered:
        """Some of the rows."""
        return Entered(self.piece[rows], self.road[rows], self.angle[rows])


@dataclass(frozen=True)
class StripLayout:
    """Strip pieces with their street part, road, stroke and side, before they are attached.

    Attributes
    ----------
    usable
        Pieces that something may be joined to: those beside a carriageway.
    stroke_of_part, backward
        Of each street part its stroke and whether it runs against it.
    ends
        Numbers of the places where pieces meet; ``at_mouth`` tells of each place whether a strip
        enters a carriageway there.
    divided
        Of each street part whether it is one of two carriageways of a road.
    roundabouts
        Their islands.
    crossed
        The pieces that lie in a carriageway.
    """

    lines: LineArray
    part: IntArray
    road: IntArray
    stroke: IntArray
    side: IntArray
    usable: NDArray[np.bool_]
    stroke_of_part: IntArray
    backward: NDArray[np.bool_]
    ends: IntArray
    at_mouth: NDArray[np.bool_]
    divided: NDArray[np.bool_]
    roundabouts: NDArray[Any]
    crossed: Entered

    @cached_property
    def tree(self) -> shapely.STRtree:
        """R-tree of the pieces that something may be joined to; the others are empty in it."""
        return shapely.STRtree(np.where(self.usable, self.lines, np.array(None, object)))

    def at(self, piece: IntArray, at_m: FloatArray) -> FloatArray:
        """(n, 2) places on pieces."""
        points = shapely.line_interpolate_point(self.lines[piece], at_m)
        return np.asarray(shapely.get_coordinates(points))


def road_setbacks(surfaces: RoadSurfaces, wanted_m: float, margin_m: float) -> FloatArray:
    """Distance of the strips of each road from its kerb where it is free, in metres.

    The set-back is the kerb clearance of GB 50289 plus half a section; where the footway is
    narrower the strip stays inside the red line by a margin.
    """
    width = surfaces.table["carriageway_width_m"].to_numpy(float)
    red_line = surfaces.table["red_line_width_m"].to_numpy(float)
    footway = (red_line - width) / 2
    narrow = np.maximum(footway - margin_m, margin_m)
    return np.minimum(wanted_m, np.where(np.isfinite(footway), narrow, wanted_m))


def lay_out(
    strips: Strips,
    streets: Network,
    surfaces: RoadSurfaces,
    obstacles: Obstacles,
    beside_m: FloatArray,
    setback_m: FloatArray,
    max_median_m: float,
) -> StripLayout:
    """Cut the strips beside the ends of street parts, and drop what cannot be built there.

    Dropped is what lies on private land, in water or on rails off the street, along a carriageway,
    in a median, or on a traffic island. Corners are cut off where they alone lie on private land.
    """
    strips = _with_cut_corners(strips, surfaces, obstacles)
    pairs = divided(streets, surfaces, max_median_m)
    lines, part, parent = _pieces(
        strips, streets, surfaces, obstacles, beside_m, max_median_m, pairs
    )
    road, stroke, side = streets.pieces.parent[part], strips.stroke[parent], strips.side[parent]
    kept = obstacles.strip_allowed(lines, streets.pieces.lines[part])
    round_, small = islands(streets, surfaces, obstacles.private)
    kept &= ~_on_island(lines, np.concatenate([round_, small]))
    met = surfaces.crossed(lines).entries()
    angle = angles_across(lines, met.line, met.road, met.at_m, surfaces)
    crossed = Entered(met.line, met.road, angle)
    along = crossed.only(angle < _ALONG_DEG)
    ends = _end_numbers(lines)
    kept = _without_tongues(lines, ends, kept, along, surfaces, setback_m)
    inside = np.zeros(len(lines), bool)
    inside[crossed.piece] = True
    at_mouth = np.zeros(int(ends.max(initial=-1)) + 1, bool)
    at_mouth[ends[inside]] = True
    kept = _without_loose_ends(ends, kept, inside)
    usable = kept & (side != 0) & ~inside
    crossed = crossed.only(kept[crossed.piece])
    return StripLayout(
        lines[kept],
        part[kept],
        road[kept],
        stroke[kept],
        side[kept],
        usable[kept],
        strips.stroke_of_part,
        strips.backward,
        ends[kept],
        at_mouth,
        np.isin(np.arange(len(streets.pieces.lines)), pairs.one),
        round_,
        crossed._replace(piece=(np.cumsum(kept) - 1)[crossed.piece]),
    )


def _pieces(
    strips: Strips,
    streets: Network,
    surfaces: RoadSurfaces,
    obstacles: Obstacles,
    beside_m: FloatArray,
    max_median_m: float,
    pairs: Pairs,
) -> tuple[LineArray, IntArray, IntArray]:
    """Strips cut where they change and without private land and medians.

    Returns
    -------
    The lines, the street part that each runs beside, and the piece of ``strips`` it came from.
    """
    pieces = strips.network.pieces
    at_piece, at_m = _beside_part_ends(strips, streets, beside_m)
    cut = cut_lines(pieces.lines, at_piece, at_m)
    free = obstacles.free_parts(cut.lines)
    beside = _cut_at_kerbs(free.lines, surfaces)
    parent = cut.parent[free.parent[beside.parent]]
    stroke = strips.stroke[parent]
    reach_m = 3.0 * float(beside_m.max()) + 2.0
    part = _nearest_part(beside.lines, stroke, streets, strips.stroke_of_part, reach_m)
    outer = outside_medians(
        beside.lines, part, streets, surfaces, obstacles.private, max_median_m, pairs
    )
    return outer.lines, part[outer.parent], parent[outer.parent]


def _with_cut_corners(strips: Strips, surfaces: RoadSurfaces, obstacles: Obstacles) -> Strips:
    """Strips that go straight across where land takes their corner alone, outside a carriageway.

    Red lines are rounded or cut off at the outside of a bend, which the corner of a strip that
    keeps its distance from both kerbs may reach beyond.
    """
    pieces = strips.network.pieces
    xy, piece = shapely.get_coordinates(pieces.lines, return_index=True)
    bend = np.flatnonzero(piece[:-2] == piece[2:]) + 1 if len(piece) > 2 else piece[:0]
    land = obstacles.private_areas.tree
    taken = land.query(shapely.points(xy[bend]), "dwithin", distance=_OFF_LAND_M)[0]
    lines = pieces.lines.copy()
    for number in np.unique(piece[bend[taken]]).tolist():
        lines[number] = _across_corners(lines[number], surfaces, obstacles)
    network = strips.network._replace(pieces=pieces._replace(lines=lines))
    return strips._replace(network=network)


def _across_corners(
    line: shapely.LineString, surfaces: RoadSurfaces, obstacles: Obstacles
) -> shapely.LineString:
    """One strip without the corners that lie on private land, where free ground is left inside."""
    near = obstacles.private_areas.tree.query(line, "dwithin", distance=_OFF_LAND_M)
    land = shapely.buffer(shapely.union_all(obstacles.private[near]), _OFF_LAND_M)
    taken = shapely.get_parts(shapely.intersection(line, land))
    taken = taken[shapely.get_type_id(taken) == shapely.GeometryType.LINESTRING]
    tips = [shapely.points(shapely.get_coordinates(part)[[0, -1]]) for part in taken]
    from_m, to_m = np.sort([shapely.line_locate_point(line, tip) for tip in tips], axis=1).T
    across = np.array([shapely.LineString(tip) for tip in tips], object)
    cut = (to_m - from_m <= _CORNER_M) & obstacles.connector_allowed(across)
    cut[surfaces.crossed(across).line] = False
    from_m, to_m = from_m[cut], to_m[cut]
    xy, _, at_m = vertex_places(np.array([line], object))
    left = ~((at_m[:, None] > from_m) & (at_m[:, None] < to_m)).any(axis=1)
    at_m = np.concatenate([at_m[left], from_m, to_m])
    tips = shapely.get_coordinates(shapely.line_interpolate_point(line, at_m[left.sum() :]))
    bent = np.concatenate([xy[left], tips])[np.argsort(at_m, kind="stable")]
    return shapely.remove_repeated_points(shapely.LineString(bent))


def _on_island(lines: LineArray, blocks: NDArray[Any]) -> NDArray[np.bool_]:
    """True for lines whose middle lies on one of the blocks."""
    on = np.zeros(len(lines), bool)
    if len(blocks):
        middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
        on[shapely.STRtree(middle).query(blocks, predicate="intersects")[1]] = True
    return on


def _without_loose_ends(
    ends: IntArray, kept: NDArray[np.bool_], inside: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Drop pieces that enter a carriageway and lead nowhere, and those that led to them."""
    kept = kept.copy()
    while True:
        degree = np.bincount(ends[kept].ravel(), minlength=int(ends.max(initial=-1)) + 1)
        loose = kept & inside & (degree[ends] == 1).any(axis=1)
        if not loose.any():
            return kept
        kept &= ~loose


def _without_tongues(
    lines: LineArray,
    ends: IntArray,
    kept: NDArray[np.bool_],
    along: Entered,
    surfaces: RoadSurfaces,
    setback_m: FloatArray,
) -> NDArray[np.bool_]:
    """Drop what runs along a carriageway, and the tongues that lead there from the last strip met.

    Where two streets merge, the strips between them cross before their nose; behind that each
    lies nearer to the kerb of the other than a strip may, and leads nowhere.
    """
    kept = kept.copy()
    line, road, _ = along
    lost = kept[line]
    kept[line] = False
    toward = dict(zip(ends[line[lost]].ravel().tolist(), np.repeat(road[lost], 2), strict=True))
    while toward:
        degree = np.bincount(ends[kept].ravel(), minlength=int(ends.max(initial=-1)) + 1)
        loose = np.isin(ends, list(toward)) & (degree[ends] == 1)
        line, end = np.nonzero(kept[:, None] & loose)
        road = np.array([toward[node] for node in ends[line, end].tolist()], np.int64)
        near = _farthest_m(lines[line], surfaces.carriageway[road]) <= setback_m[road] + _MORE_M
        kept[line[near]] = False
        toward = dict(zip(ends[line, 1 - end][near].tolist(), road[near].tolist(), strict=True))
    return kept


def _farthest_m(lines: LineArray, areas: NDArray[Any]) -> FloatArray:
    """Distance of the vertex of each line that is farthest from its area."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    farthest = np.zeros(len(lines))
    np.maximum.at(farthest, line, shapely.distance(shapely.points(xy), areas[line]))
    return farthest


def _end_numbers(lines: LineArray) -> IntArray:
    """Numbers of the start and end of every line; ends in one place have one number."""
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    label, _ = merge_points(shapely.get_coordinates(ends), POSITION_TOLERANCE_M)
    return label.reshape(2, -1).T


def _cut_at_kerbs(lines: LineArray, surfaces: RoadSurfaces) -> Pieces:
    """Cut lines that cross a carriageway and run on beside it where they meet its kerbs.

    Nothing is joined to a piece inside a carriageway: its part outside is a piece of its own.
    """
    crossed = surfaces.crossed(lines).entries()
    line, road = crossed.line, crossed.road
    inside_m = crossed.of_line("kerb_m", len(lines))
    runs_on = (shapely.length(lines) - inside_m > _RUNS_ON_M)[line]
    kerb = shapely.boundary(surfaces.own_area[road[runs_on]])
    met = shapely.intersection(lines[line[runs_on]], kerb)
    xy, number = shapely.get_coordinates(met, return_index=True)
    at_line = line[runs_on][number].astype(np.int64)
    return cut_lines(lines, at_line, shapely.line_locate_point(lines[at_line], shapely.points(xy)))


def _beside_part_ends(
    strips: Strips, streets: Network, beside_m: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Positions on the strips beside both ends of their own street parts.

    At the outside of a corner these are two places, square beside each street that meets there;
    at the inside, where the strip turns before it gets there, the place nearest to the corner.
    """
    lines = strips.network.pieces.lines
    tree = shapely.STRtree(lines)
    xy, along = ends_and_directions(streets.pieces.lines)
    left = np.stack([-along[:, 1], along[:, 0]], axis=1)
    aside = [left * np.tile(far, 2)[:, None] for far in beside_m.T]
    points = shapely.points(np.concatenate([xy + aside[0], xy - aside[1]]))
    stroke = np.tile(strips.stroke_of_part, 4)
    at, piece = tree.query(points, predicate="dwithin", distance=_SAME_FOOT_M)
    own = strips.stroke[piece] == stroke[at]
    at, piece = at[own], piece[own]

    corner = np.setdiff1d(np.arange(len(points)), at)
    corners = shapely.points(np.tile(xy, (2, 1))[corner])
    reach = _CORNER_OFFSETS * np.tile(beside_m.max(axis=1), 4)[corner]
    turned = np.where(np.tile(strips.backward, 4), -1, 1)
    side = np.repeat([1, -1], len(xy)) * turned
    near, bent = tree.query(corners, predicate="dwithin", distance=reach)
    own = strips.stroke[bent] == stroke[corner[near]]
    own &= strips.side[bent] == side[corner[near]]
    near, bent = near[own], bent[own]
    order = np.lexsort((shapely.distance(corners[near], lines[bent]), near))
    first = order[np.r_[True, np.diff(near[order]) > 0][: len(order)]]
    at_piece = np.concatenate([piece, bent[first]]).astype(np.int64)
    places = np.concatenate([points[at], corners[near[first]]])
    return at_piece, shapely.line_locate_point(lines[at_piece], places)


def _nearest_part(
    lines: LineArray,
    stroke: IntArray,
    streets: Network,
    stroke_of_part: IntArray,
    reach_m: float,
) -> IntArray:
    """The street part of the own stroke that each strip piece runs beside."""
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    parts = streets.pieces.lines
    tree = shapely.STRtree(parts)
    at, part = tree.query(middle, predicate="dwithin", distance=reach_m).astype(np.int64)
    own = stroke_of_part[part] == stroke[at]
    at, part = at[own], part[own]
    order = np.lexsort((part, shapely.distance(middle[at], parts[part]), at))
    nearest = order[np.diff(at[order], prepend=-1) != 0]
    chosen = tree.nearest(middle).astype(np.int64)
    chosen[at[nearest]] = part[nearest]
    return np.asarray(chosen)

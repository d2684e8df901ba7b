"""Slots 空位: the ground beside a strip, from kerb to red line, and the width that is left of it.

Square cross-sections along every strip edge begin at the kerb and end at the red line, or at
another's land or a building where one is nearer. Existing buried lines that run along take their
outer width and the clearance of GB 50289 (table 4.1.9) to the new pipe's outer face, less the
working space that the new trench keeps beside its pipe, and so does the kerb: a free width is
compared with the width of a trench. The narrowest cross-section of an edge decides. Metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray, Tracks, highest_before, segments
from layers.utilities import load_utilities
from planning.application import usual_pipes
from planning.existing_pipes import buried_lines, pipes_of, size_of
from planning.road_surfaces import RoadSurfaces
from planning.standards import Pipe, Standards

if TYPE_CHECKING:
    from planning.groundwork import Groundwork

# One cross-section at least in every stretch of this length.
_STEP_M = 5.0
# Lines in the carriageway and behind the red line reach into a slot from no farther than this.
_BESIDE_M = 3.0
# Where no red line is known, nothing is looked for farther from the kerb.
_WIDEST_M = 30.0
# An existing line that leaves the strip at a larger angle crosses the slot, it does not fill it.
_ALONG_SINE = 0.5
_KINDS = ("footway", "verge")
# What so many pipes keep from the kerb is held.
_PIPES_KEPT = 1024
# Where a groundwork keeps its existing lines.
EXISTING = "existing lines"


@dataclass(frozen=True)
class Slots:
    """Cross-sections of strip edges, and the existing lines that run through them.

    Attributes
    ----------
    edge_count, edge
        How many edges were asked for, and which of them each cross-section is of.
    room_m
        Kerb to red line, land or building; NaN where the red line is unknown.
    most_room_m
        The most that it can be: infinite where the road's widths are unknown or assumed.
    section, line, at_m
        Cross-section, row of ``pipes`` and distance from the kerb of every line met.
    pipes, half_m, tolerance_m
        Existing lines: what they are, half their outer width and how far off they may lie; NaN
        unknown.
    complete
        Whether the networks of all utilities were imported: what was not is no free ground.
    names
        Ids of the existing lines.
    """

    edge_count: int
    edge: IntArray
    room_m: FloatArray
    most_room_m: FloatArray
    section: IntArray
    line: IntArray
    at_m: FloatArray
    pipes: tuple[Pipe, ...]
    half_m: FloatArray
    tolerance_m: FloatArray
    complete: bool
    names: tuple[str, ...] = ()
    _told_m: dict[tuple[Pipe | None, Standards], FloatArray] = field(
        default_factory=dict, repr=False, compare=False
    )

    def free_m(self, pipe: Pipe | None, standards: Standards) -> FloatArray:
        """Free width of every edge for a new pipe; without one, between the lines themselves.

        NaN for edges that are no strips, and where the width of carriageway or red line, a line's
        size or the network of a utility is unknown.
        """
        keep = self.half_m + self._clearances_m(pipe, standards)
        return self._free_m(keep, kerb_room_m(pipe, standards))

    def least_m(self, pipes: Sequence[Pipe], standards: Standards) -> FloatArray:
        """The least that can be free in one piece for pipes, whichever of them lies at its edge.

        NaN too where a line's tolerance is unknown.
        """
        clearance = np.max([self._clearances_m(pipe, standards) for pipe in pipes], axis=0)
        keep = self.half_m + clearance + self.tolerance_m
        return self._free_m(keep, max(kerb_room_m(pipe, standards) for pipe in pipes))

    def _free_m(self, keep: FloatArray, kerb_m: float) -> FloatArray:
        """Free width of every edge where each line keeps so much on both sides of its axis."""
        unknown = np.isnan(self.room_m) | (not self.complete)
        unknown[self.section[np.isnan(keep[self.line])]] = True
        gap, _ = _gaps(self.room_m, self.section, self.at_m, keep[self.line], kerb_m)
        return self._narrowest(np.where(unknown, np.nan, gap))

    def most_m(self, pipes: Sequence[Pipe], standards: Standards) -> tuple[FloatArray, FloatArray]:
        """The most that can be free for pipes, in one piece and in all, whatever is unknown.

        Infinite for no strips. Whichever of the pipes keeps least lies at the edge of each piece.
        Lines count as near to the edge of the slot as their tolerance lets them be, and not at
        all where their size or their tolerance is unknown.
        """
        clearance = np.min([self._clearances_m(pipe, standards) for pipe in pipes], axis=0)
        keep = np.nan_to_num(self.half_m + clearance - self.tolerance_m, nan=-1.0)
        met = keep[self.line] > 0
        lines = self.section[met], self.at_m[met], keep[self.line[met]]
        kerb_m = min(kerb_room_m(pipe, standards) for pipe in pipes)
        largest, total = (
            np.nan_to_num(self._narrowest(metres), nan=np.inf, posinf=np.inf)
            for metres in _gaps(self.most_room_m, *lines, kerb_m)
        )
        return largest, total

    def between_bodies_m(self, room_m: FloatArray) -> FloatArray:
        """The most that lies free of the bodies of lines in each cross-section of a room.

        No clearances are kept; lines of unknown size or tolerance take nothing.
        """
        body = np.nan_to_num(self.half_m - self.tolerance_m, nan=-1.0)[self.line]
        met = body > 0
        return _gaps(room_m, self.section[met], self.at_m[met], body[met])[0]

    def widths_m(self) -> FloatArray:
        """Kerb to red line, land or building at the narrowest place of every edge."""
        return self._narrowest(self.room_m)

    def lines_in(self, edge: int) -> tuple[str, ...]:
        """The existing lines whose bodies lie in the slot of an edge, as far as its width is known.

        A line of unknown size is one where its axis lies in the slot.
        """
        half = np.nan_to_num(self.half_m, nan=0.0)[self.line]
        room = self.room_m[self.section]
        inside = (self.edge[self.section] == edge) & (self.at_m + half > 0)
        inside &= self.at_m - half < room  # never true of an unknown width
        return tuple(sorted({self.names[row] for row in self.line[inside]}))

    def _clearances_m(self, pipe: Pipe | None, standards: Standards) -> FloatArray:
        """What each line keeps from the new trench; nothing where the table has no value.

        Of every pipe it is told once, though many sets of pipes are asked for.
        """
        key = pipe, standards
        if key not in self._told_m:
            self._told_m[key] = self._clearances_from(pipe, standards)
        return self._told_m[key]

    def _clearances_from(self, pipe: Pipe | None, standards: Standards) -> FloatArray:
        if pipe is None:
            return np.zeros(len(self.pipes))
        space_m = standards.working_space(pipe).value_m or 0.0
        kinds, kind = self._kinds
        told = [standards.horizontal_clearance(pipe, other).value_m or 0.0 for other in kinds]
        return np.maximum(np.array(told, float) - space_m, 0.0)[kind]

    @cached_property
    def _kinds(self) -> tuple[list[Pipe], IntArray]:
        """The pipes that differ, and which of them each line is."""
        number = {pipe: kind for kind, pipe in enumerate(dict.fromkeys(self.pipes))}
        return list(number), np.array([number[pipe] for pipe in self.pipes], np.int64)

    def _narrowest(self, gap: FloatArray) -> FloatArray:
        """The least of each edge's cross-sections, unknown if one is, NaN for an edge of none."""
        least = np.full(self.edge_count, np.inf)
        np.minimum.at(least, self.edge, np.nan_to_num(gap, nan=np.inf, posinf=np.inf))
        unknown = np.bincount(self.edge, minlength=self.edge_count) == 0
        unknown[self.edge[np.isnan(gap)]] = True
        return np.where(unknown, np.nan, least)


@lru_cache(maxsize=_PIPES_KEPT)
def kerb_room_m(pipe: Pipe | None, standards: Standards) -> float:
    """What the trench of a pipe keeps from the kerb: its clearance less its working space."""
    if pipe is None:
        return 0.0
    clearance_m = standards.clearance_to(pipe, "kerb").value_m or 0.0
    return max(clearance_m - (standards.working_space(pipe).value_m or 0.0), 0.0)


def slots_of(work: Groundwork, edges: IntArray | None = None) -> Slots:
    """The slots of some edges of the corridor graph, or of all."""
    graph = work.corridors.graph
    chosen = np.arange(graph.edge_count) if edges is None else edges
    road = np.where(has_slot(work), graph.road, -1)
    return slots_beside(work, graph.lines[chosen], road[chosen])


def slots_beside(work: Groundwork, lines: LineArray, roads: IntArray) -> Slots:
    """The slots that lines run in, each beside the road of its row; -1 for a line in none."""
    surfaces = work.corridors.surfaces
    row, point = stations(lines, np.flatnonzero(roads >= 0))
    road = roads[row]
    kerb, out, kerb_m = _kerbs(surfaces, road, point)
    room = _rooms(surfaces, road, kerb_m)
    reach = np.where(np.isfinite(room), room, _WIDEST_M)
    land_m = _first_m(segments(kerb, kerb + out * reach[:, None]), work)
    assumed = surfaces.table["width_assumed"].to_numpy(bool)[road]
    ray = segments(kerb - out * _BESIDE_M, kerb + out * (reach + _BESIDE_M)[:, None])
    existing = existing_lines(work)
    section, line, at_m = lines_met(ray, existing.lines, existing.tree)
    return Slots(
        len(lines),
        row,
        np.where(assumed, np.nan, np.minimum(room, land_m)),
        np.where(np.isnan(room) | assumed, np.inf, room),
        section,
        line,
        at_m - _BESIDE_M,
        existing.pipes,
        existing.half_m,
        existing.tolerance_m,
        existing.complete,
        existing.names,
    )


def slot_table(work: Groundwork) -> pd.DataFrame:
    """What the slot of every edge is and how wide: one row per edge.

    ``slot`` is ``footway`` or ``verge``, None for an edge without; ``free_width_m`` lies between
    the bodies of existing lines, ``free_width_<utility>_m`` is what the utility's usual pipe finds
    with its clearances. NaN without a slot and where it is unknown.
    """
    slots = slots_of(work)
    kind = kind_of_slots(work)
    kind[~has_slot(work)] = None
    usual = {pipe.utility: pipe for pipe in reversed(usual_pipes())}
    widths = {
        f"free_width_{utility}_m": slots.free_m(usual[utility], work.standards)
        for utility in load_utilities()
        if utility in usual
    }
    free = slots.free_m(None, work.standards)
    return pd.DataFrame({"slot": kind, "free_width_m": free, **widths})


def kind_of_slots(work: Groundwork, edges: IntArray | None = None) -> NDArray[np.object_]:
    """``verge`` for edges, or all, that run in greenery for the most part, else ``footway``."""
    measures = work.corridors.graph.measures
    verge = (measures["green_m"] > measures["length_m"] / 2).to_numpy()
    verge = verge if edges is None else verge[edges]
    return np.asarray(np.array(_KINDS, object)[verge.astype(int)])


def has_slot(work: Groundwork) -> NDArray[np.bool_]:
    """True for strips beside a carriageway, outside all of them."""
    measures = work.corridors.graph.measures
    side, road, kerb_m = (measures[name].to_numpy() for name in ("side", "road", "kerb_m"))
    strip = (measures["kind"] == "strip").to_numpy(bool)
    return np.asarray(strip & (side != 0) & (road >= 0) & (kerb_m == 0.0), bool)


@dataclass(frozen=True)
class ExistingLines:
    """The existing buried lines of a survey, as ``Slots`` tells of them."""

    lines: LineArray
    tree: shapely.STRtree
    pipes: tuple[Pipe, ...]
    half_m: FloatArray
    tolerance_m: FloatArray
    complete: bool
    names: tuple[str, ...] = ()

    @cached_property
    def certain_m(self) -> FloatArray:
        """Half of what each line surely takes where it is drawn, -1 where that is unknown."""
        return np.nan_to_num(self.half_m - self.tolerance_m, nan=-1.0)

    @cached_property
    def bodies(self) -> tuple[IntArray, shapely.STRtree]:
        """The lines that surely take some ground, and their R-tree."""
        rows = np.flatnonzero(self.certain_m > 0)
        return rows, shapely.STRtree(self.lines[rows])


def existing_lines(work: Groundwork) -> ExistingLines:
    """The existing lines, looked at once for a groundwork."""
    if EXISTING not in work.kept:
        work.kept[EXISTING] = _existing(work, buried_lines(work.survey))
    existing: ExistingLines = work.kept[EXISTING]
    return existing


def existing_lines_near(work: Groundwork, lines: LineArray, reach_m: float) -> ExistingLines:
    """The existing lines that come as near to some lines, or all if they were looked at before."""
    table = work.survey.get("lines")
    if EXISTING in work.kept or table is None:
        return existing_lines(work)
    near = table.sindex.query(lines, predicate="dwithin", distance=reach_m + _BESIDE_M)[1]
    return _existing(work, buried_lines(work.survey, np.unique(near)))


def _existing(work: Groundwork, table: gpd.GeoDataFrame) -> ExistingLines:
    shapes = np.asarray(table.geometry.array)
    kind_of, kinds = pipes_of(table)
    width = np.array([size_of(pipe, work.standards)[0] for pipe in kinds], float)
    told = work.tolerances.of_layer("lines").reindex(table.index.astype(str))
    whole = work.survey.get("lines")
    drawn = set() if whole is None else set(whole["utility"])
    return ExistingLines(
        shapes,
        shapely.STRtree(shapes),
        tuple(kinds[kind] for kind in kind_of.tolist()),
        width[kind_of] / 2,
        told.to_numpy(float),
        drawn >= set(load_utilities()),
        tuple(map(str, table.index)),
    )


def stations(lines: LineArray, edges: IntArray) -> tuple[IntArray, FloatArray]:
    """Places of the cross-sections: in the middle of equal stretches of every edge."""
    length = shapely.length(lines[edges])
    count = np.maximum(np.ceil(length / _STEP_M), 1).astype(np.int64)
    at = np.repeat(np.arange(len(edges)), count)
    number = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
    at_m = (number + 0.5) / count[at] * length[at]
    return edges[at], Tracks(lines[edges]).at(at, at_m)


def _kerbs(
    surfaces: RoadSurfaces, road: IntArray, xy: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The kerb beside each place, the direction out of the road, metres of kerb from the centre."""
    centre = surfaces.centre[road]
    beside = shapely.line_locate_point(centre, shapely.points(xy))
    foot = shapely.get_coordinates(shapely.line_interpolate_point(centre, beside))
    away = np.hypot(*(xy - foot).T)
    out = (xy - foot) / np.maximum(away, 1e-9)[:, None]
    met = surfaces.crossed(segments(foot, xy))
    own = met.take(met.road == road[met.line])
    kerb_m = surfaces.half_width_m[road].copy()
    kerb_m[own.line] = own.at_m + own.kerb_m / 2
    return foot + out * kerb_m[:, None], out, kerb_m


def _rooms(surfaces: RoadSurfaces, road: IntArray, kerb_m: FloatArray) -> FloatArray:
    """Kerb to red line by the road's red-line width, NaN where that is unknown."""
    red_line = surfaces.table["red_line_width_m"].to_numpy(float)[road]
    return np.where(np.isnan(red_line), np.nan, np.maximum(red_line / 2 - kerb_m, 0.0))


def _first_m(rays: LineArray, work: Groundwork) -> FloatArray:
    """Metres along each ray to the first land or building on it, infinite without any."""
    pieces = work.corridors.obstacles.private_areas.pieces(rays)
    first = np.full(len(rays), np.inf)
    np.minimum.at(first, pieces.line, pieces.start_m)
    return first


def lines_met(
    rays: LineArray, lines: LineArray, tree: shapely.STRtree
) -> tuple[IntArray, IntArray, FloatArray]:
    """Rays, lines that they meet more squarely than along, and metres along the ray."""
    ray, line = tree.query(rays, predicate="intersects")
    met = shapely.intersection(rays[ray], lines[line])
    parts, owner = shapely.get_parts(met, return_index=True)
    ray, line = ray[owner].astype(np.int64), line[owner].astype(np.int64)
    place = shapely.get_point(parts, 0)
    place = np.where(shapely.is_missing(place), parts, place)  # points have no first vertex
    at_m = shapely.line_locate_point(lines[line], place)
    tracks = Tracks(lines)
    along = tracks.at(line, at_m + 0.5) - tracks.at(line, at_m - 0.5)
    across = shapely.get_coordinates(rays)[1::2] - shapely.get_coordinates(rays)[::2]
    across = across[ray]
    sine = np.abs(along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0])
    sine /= np.maximum(np.hypot(*along.T) * np.hypot(*across.T), 1e-9)
    kept = sine >= _ALONG_SINE
    return ray[kept], line[kept], np.asarray(shapely.line_locate_point(rays[ray], place)[kept])


def _gaps(
    room_m: FloatArray,
    section: IntArray,
    at_m: FloatArray,
    keep_m: FloatArray,
    kerb_m: float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """The largest part of [kerb, room] of each section that no keep-out [at ± keep] takes, and all.

    Keep-outs of unknown width take nothing here. O(h log h) in keep-outs.
    """
    count = len(room_m)
    keep = np.nan_to_num(keep_m)
    ends = np.where(np.isnan(room_m), 0.0, room_m)
    low = np.concatenate([np.clip(at_m - keep, 0.0, ends[section]), ends])
    high = np.concatenate([np.clip(at_m + keep, 0.0, ends[section]), ends])
    owner = np.concatenate([section, np.arange(count)])
    order = np.lexsort((low, owner))
    owner = owner[order]
    before = np.maximum(highest_before(owner, high[order]), kerb_m)
    free = np.maximum(low[order] - before, 0.0)
    largest, total = np.zeros(count), np.zeros(count)
    np.maximum.at(largest, owner, free)
    np.add.at(total, owner, free)
    return largest, total

"""Road sections: along a surveyed road, how much wider its land is than its carriageway.

What clause (6) counts from red line to red line is told from the metres in the carriageway. On a
road of recorded widths one ratio serves; where carriageway or red line were surveyed it changes
along the road, so that a place where the kerbs come together counts its whole red line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.areas import Areas, LinePieces
from gis.linear import FloatArray, IntArray, LineArray, Tracks, segments, vertex_places

# Along a section the ratio changes by no more than this share, and it has the largest one.
_ALIKE = 0.01
# Shorter sections are not cut further; where the ratio still changes by more than this, the kerb
# runs out and the middle tells.
_SHORTEST_M = 0.5
_RUNS_OUT = 0.5
# Widths are read this far from where they may jump.
_BESIDE_M = 1e-3
# The direction of a road at a place is taken over so far to both sides.
_AROUND_M = 1.0
# Places that are nearer than this are one.
_SAME_M = 1e-6
# So far beyond the land sections reach, and beyond the ends of the centre line.
_BEYOND_M = 1.0


class Sections(NamedTuple):
    """What lies beside parts of one road, polygons, and red line over kerb in each.

    The ratio is NaN where nobody knows how wide the land is. A road along which it is one has no
    parts; ``elsewhere`` is the ratio of what lies beside none.
    """

    areas: NDArray[Any]
    ratio: FloatArray
    elsewhere: float


class _Stretches(NamedTuple):
    """Stretches of centre lines: road, from where to where, and what was measured there.

    ``ratio`` (n, 3) near the start, in the middle and near the end, NaN where there is no
    carriageway, infinite where nobody knows the land; ``reach_m`` (n, 2), how far the land goes to
    the left and to the right.
    """

    road: IntArray
    start_m: FloatArray
    end_m: FloatArray
    ratio: FloatArray
    reach_m: FloatArray

    @property
    def changes(self) -> NDArray[np.bool_]:
        """Along which of them the ratio changes."""
        return self._least < self.most * (1 - _ALIKE)

    @property
    def most(self) -> FloatArray:
        """The largest ratio; red lines lie no nearer than kerbs."""
        return np.asarray(np.fmax.reduce(self.ratio, axis=1, initial=1.0))

    @property
    def told(self) -> FloatArray:
        """The ratio of each: the largest, or that of the middle where the kerb runs out."""
        runs_out = (self._least < self.most * (1 - _RUNS_OUT)) & np.isfinite(self.most)
        return np.fmax(np.where(runs_out, self.ratio[:, 1], self.most), 1.0)

    @property
    def _least(self) -> FloatArray:
        return np.asarray(np.fmin.reduce(self.ratio, axis=1, initial=np.inf))

    def take(self, pick: Any) -> _Stretches:
        return _Stretches(*(column[pick] for column in self))


def sections(
    centre: LineArray, carriageway: NDArray[Any], land: NDArray[Any], elsewhere: FloatArray
) -> list[Sections]:
    """The sections of each of some roads.

    Parameters
    ----------
    centre, carriageway, land
        One row for each road, in metres: centre line, carriageway, land up to the red line.
    elsewhere
        The ratio of what no place of the centre line lies beside, NaN where nobody knows it.
    """
    if len(centre) == 0:
        return []
    tracks = Tracks(centre)
    found = _alike(tracks, carriageway, land)
    ends, ratio = _ends_across(tracks, found), found.told
    return [
        _sections(ends[rows], ratio[rows], float(elsewhere[road]))
        for road, rows in enumerate(_rows_of(found.road, len(centre)))
    ]


def _rows_of(road: IntArray, count: int) -> Sequence[slice]:
    first = np.searchsorted(road, np.arange(count + 1)).tolist()
    return [slice(*ends) for ends in pairwise(first)]


def _alike(tracks: Tracks, carriageway: NDArray[Any], land: NDArray[Any]) -> _Stretches:
    """Stretches of centre lines along which the ratio hardly changes, in order."""
    measured = _Measured(tracks, Areas(carriageway), Areas(land))
    road, place = _bends(tracks.lines, carriageway, land)
    same = road[1:] == road[:-1]
    left = measured.of(road[1:][same], place[:-1][same], place[1:][same])
    done = [left.take(slice(0))]
    while len(left.road):
        cut = left.changes & (left.end_m - left.start_m > _SHORTEST_M)
        done.append(left.take(~cut))
        parts, middle = left.take(cut), (left.start_m + left.end_m)[cut] / 2
        left = measured.of(
            np.concatenate([parts.road, parts.road]),
            np.concatenate([parts.start_m, middle]),
            np.concatenate([middle, parts.end_m]),
        )
    found = _Stretches(*(np.concatenate(columns) for columns in zip(*done, strict=True)))
    return found.take(np.lexsort((found.start_m, found.road)))


def _bends(
    centre: LineArray, carriageway: NDArray[Any], land: NDArray[Any]
) -> tuple[IntArray, FloatArray]:
    """Places along each road where a width may begin to change: road and metres, ascending."""
    xy, road = shapely.get_coordinates(np.concatenate([carriageway, land]), return_index=True)
    road %= len(centre)
    beside = shapely.line_locate_point(centre[road], shapely.points(xy))
    _, bent, vertex = vertex_places(centre)
    road, place = np.concatenate([road, bent]), np.concatenate([beside, vertex])
    order = np.lexsort((place, road))
    road, place = road[order], place[order]
    again = (np.diff(road, prepend=-1) == 0) & (np.diff(place, prepend=0.0) < 4 * _BESIDE_M)
    return road[~again], place[~again]


class _Measured(NamedTuple):
    """Roads whose widths are measured square to their centre lines."""

    tracks: Tracks
    carriageway: Areas
    land: Areas

    def of(self, road: IntArray, start_m: FloatArray, end_m: FloatArray) -> _Stretches:
        """Some stretches with what is measured near their ends and in the middle."""
        at = start_m + _BESIDE_M, (start_m + end_m) / 2, end_m - _BESIDE_M
        ratio, reach_m = self._widths(np.tile(road, 3), np.concatenate(at))
        farthest = reach_m.reshape(3, -1, 2).max(axis=0, initial=0.0)
        return _Stretches(road, start_m, end_m, ratio.reshape(3, -1).T, farthest)

    def _widths(self, road: IntArray, at_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Red line over kerb at places, and how far to the left and right the land goes."""
        far_m = self._far_m[road]
        across = _across(self.tracks, road, at_m, -far_m, far_m)
        roads = np.arange(len(self.land))
        land = _in_own(self.land.pieces(across), road, roads)
        here = (land.start_m <= far_m[land.line]) & (land.end_m >= far_m[land.line])
        line = land.line[here]
        start, end = np.copy(far_m), np.copy(far_m)
        np.minimum.at(start, line, land.start_m[here])
        np.maximum.at(end, line, land.end_m[here])
        paved = _in_own(self.carriageway.pieces(across), road, roads)
        inside = np.minimum(paved.end_m, end[paved.line])
        inside -= np.maximum(paved.start_m, start[paved.line])
        kerb_m = np.bincount(paved.line, np.maximum(inside, 0.0), minlength=len(road))
        known = np.where(end > start, end - start, np.inf)
        ratio = known / np.where(kerb_m > _SAME_M, kerb_m, np.nan)
        return ratio, np.stack([far_m - start, end - far_m], axis=1)

    @property
    def _far_m(self) -> FloatArray:
        """For each road a length that no place of its land is farther away than."""
        return np.asarray(
            shapely.hausdorff_distance(self.land.polygons, self.tracks.lines) + _BEYOND_M
        )


def _across(
    tracks: Tracks, road: IntArray, at_m: FloatArray, from_m: FloatArray, to_m: FloatArray
) -> LineArray:
    """Lines square to roads, from so far to so far to the right of their centre lines."""
    place, side = tracks.at(road, at_m), _aside(tracks, road, at_m)
    return segments(place + from_m[:, None] * side, place + to_m[:, None] * side)


def _aside(tracks: Tracks, road: IntArray, at_m: FloatArray) -> FloatArray:
    """(n, 2) unit vectors to the right of roads at places along them."""
    ahead = tracks.at(road, at_m + _AROUND_M) - tracks.at(road, at_m - _AROUND_M)
    long = np.maximum(np.hypot(*ahead.T), _SAME_M)
    return np.asarray(np.stack([ahead[:, 1], -ahead[:, 0]], axis=1) / long[:, None])


def _in_own(pieces: LinePieces, road: IntArray, of_area: IntArray) -> LinePieces:
    """Pieces of lines, each on a road, that lie in areas of that very road."""
    return pieces.take(of_area[pieces.area] == road[pieces.line])


def _ends_across(tracks: Tracks, found: _Stretches) -> FloatArray:
    """Where stretches begin and end, as far to both sides as their land goes.

    (n, 4, 2): left and right at the start, right and left at the end. First and last stretches of
    a road go on ahead.
    """
    road, (left, right) = found.road, found.reach_m.T + _BEYOND_M
    first, last = np.diff(road, prepend=-1) != 0, np.diff(road, append=-1) != 0
    ends = []
    for at_m, on in ((found.start_m, np.where(first, -1.0, 0.0)), (found.end_m, last * 1.0)):
        place, side = tracks.at(road, at_m), _aside(tracks, road, at_m)
        ahead = side[:, ::-1] * (-1, 1) * (on * (left + right))[:, None]
        ends += [place + ahead - left[:, None] * side, place + ahead + right[:, None] * side]
    return np.stack([ends[0], ends[1], ends[3], ends[2]], axis=1)


def _sections(ends: FloatArray, ratio: FloatArray, elsewhere: float) -> Sections:
    """The sections of one road: neighbouring stretches whose ratios hardly differ are one."""
    runs = _runs(ratio)
    told = np.array([ratio[first:behind].max() for first, behind in runs])
    told[np.isinf(told)] = np.nan
    if len(runs) == 1:
        return Sections(np.zeros(0, object), told[:0], float(told[0]))
    cells = [_along(ends[first:behind]) for first, behind in runs]
    return Sections(np.array(cells, object), told, elsewhere)


def _along(ends: FloatArray) -> shapely.Geometry:
    """What lies between the sides of stretches that follow each other."""
    left, right = ends[:, [0, 3]].reshape(-1, 2), ends[:, [1, 2]].reshape(-1, 2)
    ring = shapely.Polygon(np.concatenate([left, right[::-1]]))
    if ring.is_valid:
        return ring
    return shapely.union_all(shapely.convex_hull(shapely.multipoints(ends)))


def _runs(ratio: FloatArray) -> Sequence[tuple[int, int]]:
    """Neighbours whose ratios hardly differ from each other: the first, and behind the last."""
    runs, first = [], 0
    for row in range(1, len(ratio) + 1):
        part = ratio[first : row + 1]
        if row == len(ratio) or part.min() < part.max() * (1 - _ALIKE):
            runs.append((first, row))
            first = row
    return runs


class SectionedRoads(NamedTuple):
    """How much wider than their carriageways roads are, some of them section by section.

    ``ratio`` is that of each road, where it lies beside no section; ``areas`` are sections, with
    ``road`` and ``of_area``, its ratio, for each; ``rank`` puts those first where most is counted.
    ``measured`` keeps the sections of the roads that have been measured, by row.
    """

    ratio: FloatArray
    areas: Areas
    road: IntArray
    of_area: FloatArray
    rank: IntArray
    measured: Mapping[int, Sections]

    @classmethod
    def of(cls, ratio: FloatArray, measured: Mapping[int, Sections]) -> SectionedRoads:
        """Roads with their ratios in the mean, and what was measured of some."""
        ratio = ratio.copy()
        ratio[list(measured)] = [one.elsewhere for one in measured.values()]
        areas, told = (
            np.concatenate([nothing, *(getattr(one, name) for one in measured.values())])
            for name, nothing in (("areas", np.zeros(0, object)), ("ratio", np.zeros(0)))
        )
        count = [len(one.ratio) for one in measured.values()]
        road = np.repeat(np.array(list(measured), np.int64), count)
        rank = np.argsort(np.argsort(-np.nan_to_num(told, nan=np.inf), kind="stable"))
        return cls(ratio, Areas(areas), road, told, rank, measured)

    def taking(self, before: SectionedRoads) -> SectionedRoads:
        """The same, with what was arranged of the very areas that ``before`` has."""
        row = {id(area): number for number, area in enumerate(before.areas.polygons.tolist())}
        stood = [row.get(id(area), -1) for area in self.areas.polygons.tolist()]
        areas = before.areas.with_others(self.areas.polygons, np.array(stood, np.int64))
        return self._replace(areas=areas)

    def red_line_m(self, lines: LineArray, pieces: LinePieces) -> FloatArray:
        """Metres from red line to red line that straight pieces in carriageways stand for.

        The area of a piece is the row of its road.
        """
        line, road, start_m, end_m = pieces
        found = (end_m - start_m) * self.ratio[road]
        if len(self.road) == 0:
            return found
        cut = np.flatnonzero(np.isin(road, self.road))
        sides = ((3 * start_m + end_m) / 4, (start_m + 3 * end_m) / 4)
        one, two = (_places(lines[line[cut]], at_m[cut]) for at_m in sides)
        straight = segments(one - (two - one) / 2, two + (two - one) / 2)
        beside = _in_own(self.areas.pieces(straight), road[cut], self.road).once(self.rank)
        metres = beside.length_m, beside.length_m * self.of_area[beside.area]
        inside_m, told_m = (np.bincount(beside.line, one, minlength=len(cut)) for one in metres)
        rest_m = (end_m - start_m)[cut] - inside_m
        rest = np.where(rest_m > _SAME_M, rest_m * self.ratio[road[cut]], 0.0)
        found[cut] = told_m + rest
        return found


def _places(lines: LineArray, at_m: FloatArray) -> FloatArray:
    return np.asarray(shapely.get_coordinates(shapely.line_interpolate_point(lines, at_m)))

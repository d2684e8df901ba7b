"""Road surfaces: carriageway and red-line areas of every road, from polygons or from widths."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.areas import Areas, LinePieces, stretches_of
from gis.handing_on import hand_on
from gis.keys import Keys, key_of
from gis.linear import FloatArray, IntArray, LineArray, Tracks
from gis.overlay import CONTACT_TOLERANCE_M
from language import gettext as _
from layers.errors import LayerError
from layers.survey import Survey
from planning.drawn_roads import DrawnRoads
from planning.policy_model import Planning, Policy
from planning.quantities import SURFACES
from planning.road_corners import (
    BEYOND,
    CORNERS,
    KERB_MITRE_LIMIT,
    bend_otherwise,
    corner_table,
    with_kerbs,
)
from planning.road_levels import RAMP_M, levels_of
from planning.road_sections import SectionedRoads, Sections, sections
from planning.road_works import days_of_works
from planning.roads_since import RoadsSince

# Shorter pieces inside a carriageway are rounding of coordinates; all others count.
_ROUNDING_M = 1e-6
# So near to the side of a carriageway a line runs on it, rounding of coordinates left aside.
_SEAM_M = 2e-6
# Roads whose digging needs, does not need, or may need the permit of the city road authority.
_CITY_ROAD: Mapping[Any, bool] = {"municipal": True, "estate": False, "highway": False}
# What is told of roads and moves no strip and no edge of a carriageway; the authority tells whose
# is what two carriageways share.
_RECORDED_DAYS = ("opened_on", "overhauled_on", "planned_works_on")
_DAYS = (*_RECORDED_DAYS, "works_on")
_TOLD = ("authority", "surface", *_DAYS)
# By name two carriageways are told to be one divided road.
_TEXT_COLUMNS = ("name", "authority", "surface", *_RECORDED_DAYS, "road_class")
# What follows from where roads lie and how wide they are.
_OF_GEOMETRY = (
    "tracks", "keys", "level", "width_assumed", "_rank", "_own_areas", "_sections", "paved",
    "own_area", "land",
)  # fmt: skip


# What a table of crossings calls a column by another name.
_COLUMN = {"times": "count"}


class Crossed(NamedTuple):
    """Parts of lines inside carriageways, kerb to kerb, one row for each line and road.

    ``line`` and ``road`` are row numbers; ``red_line_m`` is the kerb length times red-line width
    over carriageway width, at the place where either was surveyed, NaN where one is unknown
    (source: switch ``crossing_extent`` of the policy); ``at_m`` the middle of the part along the
    line; ``times`` how often the line runs in (contacts at the kerb are none), ``longest_m`` the
    longest of these. Plain arrays, as a few rows are told of at a time: tables of pandas would
    take most of the time of a click.
    """

    line: IntArray
    road: IntArray
    kerb_m: FloatArray
    at_m: FloatArray
    red_line_m: FloatArray
    times: IntArray
    longest_m: FloatArray

    @classmethod
    def of(cls, table: pd.DataFrame, line: IntArray) -> Crossed:
        """Rows of a ``table``, of which each has its ``line`` here."""
        told = (table[_COLUMN.get(name, name)].to_numpy() for name in cls._fields[1:])
        return cls(line, *told)

    @classmethod
    def none(cls) -> Crossed:
        """No rows."""
        number, metres = np.zeros(0, np.int64), np.zeros(0)
        return cls(number, number, metres, metres, metres, number, metres)

    @classmethod
    def joined(cls, parts: Sequence[Crossed]) -> Crossed:
        """Rows one after the other."""
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def table(self) -> pd.DataFrame:
        """The rows with columns of these names, ``count`` for ``times``."""
        return pd.DataFrame(
            {_COLUMN.get(name, name): told for name, told in self._asdict().items()}
        )

    def take(self, pick: Any) -> Crossed:
        """Some of the rows."""
        return Crossed(*(column[pick] for column in self))

    def entries(self) -> Crossed:
        """The rows without contacts, which have neither an angle nor a number."""
        return self.take(self.kerb_m > CONTACT_TOLERANCE_M)

    def of_line(self, name: str, count: int) -> FloatArray:
        """The sum of a column for each of ``count`` lines, unknown where one row is."""
        values = np.asarray(getattr(self, name), float)
        return np.bincount(self.line, values, minlength=count).astype(float)


@dataclass(frozen=True)
class RoadSurfaces:
    """Roads as rows: ``table`` holds road_id, authority, surface, widths and what was assumed.

    Its ``works_on`` are the days of the layer of planned works (``planning.road_works``).
    ``carriageway`` are polygons; ``red_line`` are surveyed red-line areas, empty where there is
    none; ``is_measured`` tells where either was surveyed and the other one is known.
    ``red_line_ratio`` is red-line width over carriageway width in the mean, NaN where one of them
    is unknown. ``footway_m`` is land of a street beyond its kerb where no red line tells how wide
    it is (setting ``usual_footway_m`` of the policy).
    """

    table: pd.DataFrame
    centre: LineArray
    carriageway: NDArray[Any]
    red_line: NDArray[Any]
    is_measured: NDArray[np.bool_]
    red_line_ratio: FloatArray
    footway_m: float

    @cached_property
    def tracks(self) -> Tracks:
        """Centre lines, to look up places along them."""
        return Tracks(self.centre)

    @cached_property
    def road_ids(self) -> list[str]:
        """The id of every road."""
        return [str(road_id) for road_id in self.table["road_id"]]

    @cached_property
    def keys(self) -> Keys:
        """The key of every road by its id, and that of no road last."""
        return key_of(np.append(self.table["road_id"].to_numpy(object), ""))

    @property
    def half_width_m(self) -> FloatArray:
        """Half the carriageway of each road."""
        return self.table["carriageway_width_m"].to_numpy(float) / 2

    @property
    def beside_m(self) -> FloatArray:
        """Kerb to red line of each road by its recorded widths, infinite where one is unknown."""
        room = self.table["red_line_width_m"].to_numpy(float) / 2 - self.half_width_m
        unknown = np.isnan(room) | self.table["width_assumed"].to_numpy(bool)
        return np.where(unknown, np.inf, np.maximum(room, 0.0))

    @cached_property
    def width_assumed(self) -> NDArray[np.bool_]:
        """Roads of which nobody knows how wide the carriageway is."""
        return self.table["width_assumed"].to_numpy(bool)

    @cached_property
    def surface(self) -> IntArray:
        """Place of the surface of each road in ``SURFACES``, asphalt's where it is unknown."""
        number = {surface: place for place, surface in enumerate(SURFACES)}
        return np.array([number.get(s, number["asphalt"]) for s in self.table["surface"]], np.int64)

    @property
    def corner(self) -> FloatArray:
        """The ``corners`` of the roads: bearings (n, 2) of those that they bend into, NaN: none."""
        return self.table[list(CORNERS)].to_numpy(float)

    @cached_property
    def is_city_road(self) -> list[bool | None]:
        """For each road, whether it is a city road; None where the authority is not known."""
        return [_CITY_ROAD.get(authority) for authority in self.table["authority"]]

    @cached_property
    def may_be_city_road(self) -> NDArray[np.bool_]:
        """For each road, whether it is or may be a city road."""
        return np.array([city is not False for city in self.is_city_road], bool)

    @cached_property
    def level(self) -> IntArray:
        """Storey of each road, 0 on the ground."""
        return self.table["level"].to_numpy(np.int64)

    def crossings(self, lines: LineArray) -> pd.DataFrame:
        """What ``crossed`` tells, as a table."""
        return self.crossed(lines).table()

    def crossed(self, lines: LineArray) -> Crossed:
        """Parts of lines inside carriageways, kerb to kerb, in the order of the lines.

        What two carriageways share belongs to one road, to a city road before others and of these
        to the wider, so that kerb lengths add up to the length inside all carriageways. A
        carriageway that the ``level`` puts above or below the ground is met near its ends only,
        where it comes to the ground.
        """
        pieces = self._own_areas.pieces(lines)
        pieces = pieces.take(~self._passed(lines, pieces)).once(self._rank)
        owner = pieces.line * len(self.centre) + pieces.area
        order = np.lexsort((pieces.start_m, owner))
        order = order[pieces.length_m[order] > 0]
        pieces = pieces.take(order)
        owner, start, end = owner[order], pieces.start_m, pieces.end_m
        red_line_m = self._sections.red_line_m(lines, pieces)
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        kerb_m = _sums(end - start, first)
        at_m = _sums((end - start) * (start + end) / 2, first) / kerb_m
        # Pieces end at every vertex; runs go on there, but not over the gaps of a line.
        anew = (np.diff(owner, prepend=-1) != 0) | (start > np.r_[-np.inf, end[:-1]] + _ROUNDING_M)
        run = np.flatnonzero(anew | _begins_stretch(lines, pieces.line, start))
        run_m, first_run = _sums(end - start, run), np.searchsorted(run, first)
        line, road = np.divmod(owner[first], len(self.centre))
        found = Crossed(
            line,
            road,
            kerb_m,
            at_m,
            _sums(red_line_m, first),
            _sums((run_m > CONTACT_TOLERANCE_M).astype(np.int64), first_run),
            np.maximum.reduceat(run_m, first_run) if len(run) else run_m,
        )
        return found.take(kerb_m > _ROUNDING_M)

    def inside(self, lines: LineArray, road: IntArray, kerb_m: FloatArray) -> NDArray[Any]:
        """The parts of lines inside carriageways, as ``crossings`` tells of them.

        Parameters
        ----------
        lines, road, kerb_m
            One row for each crossing: the line, the road, and the metres inside. A line on the seam
            of two carriageways lies in the one that ``crossings`` names, though rounding puts it
            beside both.
        """
        met = shapely.intersection(lines, self.own_area[road])
        more_m = shapely.length(met) - kerb_m
        beside = np.flatnonzero(more_m < -CONTACT_TOLERANCE_M)
        wider = shapely.buffer(self.own_area[road[beside]], _SEAM_M)
        met[beside] = shapely.intersection(lines[beside], wider)
        for row in np.flatnonzero(more_m > CONTACT_TOLERANCE_M).tolist():
            met[row] = shapely.difference(met[row], self._before(road[row], met[row]))
        return np.asarray(met)

    def _before(self, road: int, line: shapely.Geometry) -> shapely.Geometry:
        """The carriageways that have what a line shares with them and with a road."""
        others = self.tree.query(line, predicate="intersects")
        others = others[self._rank[others] < self._rank[road]]
        return shapely.buffer(shapely.union_all(self.own_area[others]), _SEAM_M)

    def _passed(self, lines: LineArray, pieces: LinePieces) -> NDArray[np.bool_]:
        """Which straight pieces pass a carriageway by: the middle of a bridge or underpass.

        Each is told by its own middle, so that a line passes by what its parts do.
        """
        passed = np.zeros(len(pieces.line), bool)
        rows = np.flatnonzero(self.level[pieces.area] != 0)
        if len(rows) == 0:
            return passed
        line, road, start_m, end_m = pieces.take(rows)
        place = shapely.line_interpolate_point(lines[line], (start_m + end_m) / 2)
        at_m = shapely.line_locate_point(self.centre[road], place)
        to_end = np.minimum(at_m, shapely.length(self.centre[road]) - at_m)
        passed[rows] = to_end > RAMP_M
        return passed

    @cached_property
    def _rank(self) -> IntArray:
        """Place of each road, those that are or may be city roads first, and of these the wider.

        What two share is the first one's: what is counted of city roads alone is whole.
        """
        width = self.table["carriageway_width_m"].to_numpy(float)
        order = np.lexsort((np.arange(len(width)), -width, ~self.may_be_city_road))
        return np.argsort(order)

    @cached_property
    def _own_areas(self) -> Areas:
        return Areas(self.own_area)

    @cached_property
    def _sections(self) -> SectionedRoads:
        """Red line over kerb along each road."""
        return self._sectioned(np.flatnonzero(self.is_measured), {})

    def _sectioned(self, roads: IntArray, measured: Mapping[int, Sections]) -> SectionedRoads:
        """The sections of all roads, where some have yet to be measured beside those that are."""
        told = sections(
            self.centre[roads],
            self.carriageway[roads],
            self._land_to_red_line(roads),
            self.red_line_ratio[roads],
        )
        found = {**measured, **dict(zip(roads.tolist(), told, strict=True))}
        return SectionedRoads.of(self.red_line_ratio, dict(sorted(found.items())))

    def _land_to_red_line(self, roads: IntArray) -> NDArray[Any]:
        """The land of roads between their red lines, surveyed or by width, none if unknown."""
        width, centre = self.table["red_line_width_m"].to_numpy(float)[roads], self.centre[roads]
        land = shapely.buffer(centre, width / 2, cap_style="flat", join_style="mitre")
        surveyed = self.red_line[roads]
        recorded = np.isfinite(width) & ~self.is_drawn_whole[roads]
        land = np.where(recorded, shapely.union(land, surveyed), surveyed)
        known = recorded | self.is_drawn_whole[roads]
        land[known] = shapely.union(land[known], self.carriageway[roads[known]])
        return np.asarray(land)

    @cached_property
    def is_drawn_whole(self) -> NDArray[np.bool_]:
        """Roads whose surveyed red line goes along all of their centre line."""
        left = shapely.difference(self.centre, self.red_line)
        return np.asarray(shapely.length(left) <= CONTACT_TOLERANCE_M)

    @cached_property
    def land(self) -> Areas:
        """The land of every street: up to its red line, or to the end of a usual footway."""
        return Areas(self._land_of(np.arange(len(self.centre))))

    def _land_of(self, roads: IntArray) -> NDArray[Any]:
        red_line = self.table["red_line_width_m"].to_numpy(float)[roads] / 2
        half = np.fmax(red_line, self.half_width_m[roads] + self.footway_m)
        return np.asarray(shapely.buffer(self.centre[roads], half, quad_segs=4))

    @cached_property
    def paved(self) -> Areas:
        """The carriageways as areas, overlaps and all."""
        return Areas(self.carriageway)

    @property
    def tree(self) -> shapely.STRtree:
        """The carriageways, to be found by place."""
        return self.paved.tree

    @cached_property
    def own_area(self) -> NDArray[Any]:
        """Carriageways of which no two on a level overlap: the first has what they share."""
        return self._own(np.arange(len(self.carriageway)))

    def _own(self, roads: IntArray) -> NDArray[Any]:
        """The carriageways of some roads without what those before them on their level have."""
        rank = self._rank
        at, two = self.tree.query(self.carriageway[roads], "intersects")
        one = roads[at]
        own = self.carriageway[roads]
        yields = (rank[one] > rank[two]) & (self.level[one] == self.level[two])
        for row in np.unique(at[yields]):
            before = self.carriageway[two[yields & (at == row)]]
            own[row] = shapely.difference(own[row], shapely.union_all(before))
        return own

    def _take(self, before: RoadSurfaces, since: RoadsSince) -> None:
        """Take over what other surfaces have found of the roads that stayed since."""
        if "keys" in vars(before):
            keys = before.keys[np.append(since.row_before, -1)]
            keys[since.rows] = key_of(self.table["road_id"].to_numpy(object)[since.rows])
            vars(self)["keys"] = keys
        if "own_area" in vars(before):
            gone = before.carriageway[since.gone(len(before.carriageway))]
            corners = since.corners(before.carriageway, self.carriageway)
            moved = np.concatenate([gone, self.carriageway[since.rows], corners])
            near = np.union1d(self.tree.query(moved, "intersects")[1], since.reshaped)
            own = before.own_area[since.row_before]
            own[near] = self._own(near)
            vars(self)["own_area"] = own
        if "land" in vars(before):
            land = before.land.polygons[since.row_before]
            land[since.rows] = self._land_of(since.rows)
            vars(self)["land"] = before.land.with_others(land, since.row_before)
        if "paved" in vars(before):
            vars(self)["paved"] = before.paved.with_others(self.carriageway, since.row_before)
        if "_own_areas" in vars(before):
            own_areas = before._own_areas.with_others(self.own_area, since.row_before)
            vars(self)["_own_areas"] = own_areas
        if "_sections" in vars(before):
            vars(self)["_sections"] = self._sections_since(before, since)

    def _sections_since(self, before: RoadSurfaces, since: RoadsSince) -> SectionedRoads:
        """The sections, measured anew only where a road is told otherwise."""
        measured = before._sections.measured
        stood = {
            row: measured[was] for row, was in enumerate(since.stayed.tolist()) if was in measured
        }
        anew = np.setdiff1d(np.flatnonzero(self.is_measured), np.array(list(stood), np.int64))
        return self._sectioned(anew, stood).taking(before._sections)


def road_surfaces(survey: Survey, policy: Policy) -> RoadSurfaces:
    """Prepare the roads of a survey; a missing carriageway width takes the policy's default.

    Roads without a known or default width keep the narrowest default and are marked assumed,
    unless their carriageway was surveyed: strips are laid by the default, but what is crossed of
    such a road is unknown (``width_assumed``). Classes whose default is 0, such as paths, have no
    carriageway to cross where none is recorded.
    Surveyed carriageways of roads that are not in the layer stand for nothing here; the check of
    the layers reports them.

    Raises
    ------
    LayerError
        If there are no roads, or none has a length.
    """
    roads = _with_length(survey)
    drawn = DrawnRoads.of(survey, roads.index.astype(str))
    return _surfaces(roads, _corners(roads, policy.planning), drawn, policy.planning)


def road_surfaces_again(
    before: RoadSurfaces, survey: Survey, policy: Policy, changed: Collection[str]
) -> tuple[RoadSurfaces, RoadsSince]:
    """The ``road_surfaces`` where only some roads have changed, by id; all others stay.

    Raises
    ------
    LayerError
        If there are no roads now, or none has a length.
    """
    roads = _with_length(survey)
    ids = pd.Index(roads.index.astype(str), dtype=object)
    row_before = pd.Index(before.road_ids, dtype=object).get_indexer(ids).astype(np.int64)
    altered, corner = ids.isin(list(changed)), _corners(roads, policy.planning)
    bent = bend_otherwise(before.table.iloc[row_before], corner) & ~altered
    told = altered | bent
    few = _surfaces(roads[told], corner[told], DrawnRoads.of(survey, ids[told]), policy.planning)
    row = row_before.copy()
    row[told] = len(before.centre) + np.arange(len(few.centre))
    table = pd.concat([before.table, few.table], ignore_index=True).iloc[row]
    after = replace(
        before,
        table=table.reset_index(drop=True),
        centre=np.concatenate([before.centre, few.centre])[row],
        carriageway=np.concatenate([before.carriageway, few.carriageway])[row],
        red_line=np.concatenate([before.red_line, few.red_line])[row],
        is_measured=np.concatenate([before.is_measured, few.is_measured])[row],
        red_line_ratio=np.concatenate([before.red_line_ratio, few.red_line_ratio])[row],
    )
    cornered = bent & ~after.is_measured  # sections are of a whole road
    told &= ~cornered
    since = RoadsSince(row_before, told, np.zeros(len(told), bool), cornered)
    other = _differ(before, after, since, _DAYS)
    since = since._replace(told=other, dated=altered & ~other)
    same_order = np.array_equal(before.may_be_city_road[row_before], after.may_be_city_road)
    stay = not lie_otherwise(before, after, since).any() and len(told) == len(before.centre)
    if stay and same_order:
        hand_on(before, after, _OF_GEOMETRY)
    else:
        after._take(before, since)
    return after, since


def _with_length(survey: Survey) -> gpd.GeoDataFrame:
    roads = survey.get("roads")
    if roads is None or not (shapely.length(roads.geometry.array) > 0).any():
        raise LayerError(_("没有道路,无处布置管线走廊;请先导入道路中心线图层 roads。"))
    return roads


def _corners(roads: gpd.GeoDataFrame, settings: Planning) -> pd.DataFrame:
    return corner_table(roads, levels_of(roads), _widths(roads, settings)[1] / 2)


def _widths(roads: gpd.GeoDataFrame, settings: Planning) -> tuple[FloatArray, FloatArray]:
    """Recorded widths of carriageways, NaN for none, and the same with defaults in their place."""
    known = pd.to_numeric(roads["carriageway_width_m"], errors="coerce").to_numpy(float)
    defaults = settings.default_carriageway_width_m
    narrowest = min(width for width in defaults.values() if width > 0)
    assumed = np.array([defaults.get(c, narrowest) for c in roads["road_class"]], float)
    return known, np.where(np.isfinite(known), known, assumed)


def _surfaces(
    roads: gpd.GeoDataFrame, corner: pd.DataFrame, drawn: DrawnRoads, settings: Planning
) -> RoadSurfaces:
    centre = np.asarray(roads.geometry.array)
    known, width = _widths(roads, settings)
    red_line = pd.to_numeric(roads["red_line_width_m"], errors="coerce").to_numpy(float)
    paved, fenced = map(shapely.is_geometry, (drawn.carriageway, drawn.red_line))
    table = pd.DataFrame(
        {
            "road_id": roads.index.astype(str),
            **{name: _text(roads[name]) for name in _TEXT_COLUMNS},
            "on_bridge": roads["on_bridge"].to_numpy(object),
            "level": levels_of(roads),
            "carriageway_width_m": width,
            "width_assumed": ~np.isfinite(known) & (width > 0) & ~paved,
            "red_line_width_m": red_line,
            "works_on": pd.Series(days_of_works(centre, width / 2, drawn.works), dtype=object),
            **{name: corner[name].to_numpy(float) for name in (*CORNERS, *BEYOND)},
        }
    )
    by_width = shapely.buffer(
        centre, width / 2, cap_style="flat", join_style="mitre", mitre_limit=KERB_MITRE_LIMIT
    )
    ends = (corner[list(names)].to_numpy(float) for names in (CORNERS, BEYOND))
    by_width = with_kerbs(by_width, centre, width / 2, *ends)
    surfaces = RoadSurfaces(
        table,
        centre,
        np.where(paved, drawn.carriageway, by_width),
        np.where(fenced, drawn.red_line, shapely.Polygon()),
        _is_measured(paved, fenced, known, red_line),
        np.full(len(centre), np.nan),
        settings.usual_footway_m,
    )
    return replace(surfaces, red_line_ratio=_mean_ratio(surfaces, known, paved))


def _is_measured(
    paved: NDArray[np.bool_], fenced: NDArray[np.bool_], kerb_m: FloatArray, red_line_m: FloatArray
) -> NDArray[np.bool_]:
    """Roads with a surveyed carriageway or red line, of which the other one is known too."""
    kerbs, lines = paved | np.isfinite(kerb_m), fenced | np.isfinite(red_line_m)
    return np.asarray((paved | fenced) & kerbs & lines)


def _mean_ratio(
    surfaces: RoadSurfaces, recorded_m: FloatArray, paved: NDArray[np.bool_]
) -> FloatArray:
    """Red-line width over carriageway width in the mean; NaN where one of them is unknown.

    Narrower than its record, each metre of a surveyed carriageway stands for more of the red line.
    """
    length_m = shapely.length(surfaces.centre)
    with np.errstate(divide="ignore", invalid="ignore"):
        surveyed_m = shapely.area(surfaces.carriageway) / length_m
        drawn_m = shapely.area(surfaces.red_line) / length_m
    kerb_m = np.where(paved, np.fmin(recorded_m, surveyed_m), recorded_m)
    recorded = surfaces.table["red_line_width_m"].to_numpy(float)
    red_line_m = np.where(surfaces.is_drawn_whole, drawn_m, recorded)
    with np.errstate(divide="ignore", invalid="ignore"):  # a path has no carriageway
        return np.asarray(np.maximum(red_line_m, kerb_m) / kerb_m)


def lie_otherwise(
    before: RoadSurfaces, after: RoadSurfaces, since: RoadsSince
) -> NDArray[np.bool_]:
    """Which roads came, lie or are otherwise now, whatever else is told of them."""
    return _differ(before, after, since, _TOLD)


def _differ(
    before: RoadSurfaces, after: RoadSurfaces, since: RoadsSince, but: Collection[str]
) -> NDArray[np.bool_]:
    """Which roads came or are told otherwise in anything but some columns."""
    other = since.told.copy()
    row = np.flatnonzero(since.told & (since.row_before >= 0))
    if len(row) == 0:
        return other
    old = since.row_before[row]
    tables = before.table.iloc[old], after.table.iloc[row]
    alike = np.ones(len(row), bool)
    for name in after.table.columns.drop(list(but)):
        alike &= _equal(*(table[name] for table in tables))
    for name in ("centre", "carriageway", "red_line"):
        alike &= shapely.equals_exact(getattr(before, name)[old], getattr(after, name)[row], 0.0)
    ratios = before.red_line_ratio[old], after.red_line_ratio[row]
    other[row] = ~(alike & np.isclose(*ratios, rtol=0.0, atol=0.0, equal_nan=True))
    return other


def _equal(one: pd.Series, two: pd.Series) -> NDArray[np.bool_]:
    """Which rows are equal in order; unknown equals unknown."""
    before, after = one.to_numpy(object), two.to_numpy(object)
    return np.asarray((before == after) | (pd.isna(before) & pd.isna(after)), bool)


def _begins_stretch(lines: LineArray, line: IntArray, start_m: FloatArray) -> NDArray[np.bool_]:
    """True where a piece of a line with gaps starts where a stretch of it does."""
    begins = np.zeros(len(line), bool)
    gapped = np.flatnonzero(shapely.get_num_geometries(lines) > 1)
    rows = np.flatnonzero(np.isin(line, gapped))
    if len(rows):
        _, owner, at_m = stretches_of(lines[gapped])
        far = at_m.max() + start_m[rows].max() + 1.0
        keys = np.append(gapped[owner] * far + at_m, np.inf)
        mine = line[rows] * far + start_m[rows]
        begins[rows] = keys[np.searchsorted(keys, mine - _ROUNDING_M)] <= mine + _ROUNDING_M
    return begins


def _sums(values: NDArray[Any], first: IntArray) -> NDArray[Any]:
    """Sums of consecutive values, each group of them from ``first`` on."""
    return np.asarray(np.add.reduceat(values, first)) if len(first) else values[:0]


def _text(column: pd.Series) -> pd.Series:
    """Texts with None for unknown; pandas' own text columns would turn None into NaN."""
    return pd.Series(column.to_numpy(object), dtype=object)

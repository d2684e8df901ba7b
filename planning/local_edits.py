"""Local edits: the groundwork of an edited survey, built anew only where the edit reaches.

An edit of a few roads, buildings, parcels, mains or trees changes the corridors round them. They
are built anew in a window round the edit and put in the place of what stood there
(``planning.splicing``). How far the edit reaches is not assumed but seen: in a ring round what it
changes the part built anew must equal what stood there before, else the window grows. What depends
on the roads alone is told by comparing it whole. Where a window does not do, all is built anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray
from gis.regions import Region
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Application
from planning.carriers import may_carry
from planning.corridor_parts import regreened
from planning.corridors import Corridors, bridges, build_beside, green_of
from planning.drawn_roads import SURVEYED
from planning.groundwork import Groundwork, Joined, gates_of, joined_gates, prepare
from planning.land_changes import moved_land
from planning.networks import ends_of_mains
from planning.obstacles import obstacles_of
from planning.road_changes import (
    bridges_after,
    changed_bridges,
    changed_streets,
    shared_otherwise,
    streets_over,
)
from planning.road_surfaces import RoadSurfaces
from planning.roads_since import RoadsSince
from planning.roadside import Roadside, roadside_after, same_streets
from planning.slot_axes import GROUND_LAYERS
from planning.splicing import (
    CELL_M,
    Splice,
    TooNearError,
    Window,
    compare,
    spliced,
    stays_inside,
    wide_enough,
)
from planning.standing_facts import with_standing_facts
from planning.standing_pieces import hand_pieces_on
from planning.standing_searches import hand_searches_on
from planning.standing_tie_ins import tie_ins_after
from planning.survey_changes import Change, IncomparableError, changes, survey_within
from planning.tie_ins import TieIns

# How far an edit is first taken to reach beyond what is edited, and how wide the ring round it and
# the rim round that are; then if that was not enough. Edges of changed strips reach farther: edits
# of streets begin with the second. What a part lacks at its border shows in the ring, as no way
# over a street is looked for farther than ring and rim together (90 m, ``crossing_places``).
_WINDOWS_M = (
    (45.0, 42.0, 60.0),
    (70.0, 50.0, 60.0),
    (70.0, 50.0, 100.0),
    (150.0, 100.0, 100.0),
    (400.0, 100.0, 100.0),
)
# Half of the widest way over a street (``crossing_places``): farther from where a part is right
# nothing needs to be joined or crossed.
_HALF_WAY_M = 45.0
# Larger parts are not built faster than the whole.
_MOST_OF_ALL = 0.5
_MOST_BOXES = 200
# Distances that differ by less are one, but for rounding.
_SAME_GAP_M = 1e-6
# Layers that corridors and tie-ins are built from beside the roads.
_STANDING = ("parcels", "buildings", "water_bodies", "railways", "green", "lines", "nodes")
_BUILT_FROM = (*_STANDING, "drawn_corridors")
# What ways to tie-ins are judged and measured by beside roads.
_JUDGED_BY = ("parcels", "buildings", "water_bodies", "railways", "green")
_ROADS = ("roads", *SURVEYED)
# What nothing but tie-ins follows from, and what nothing but metres of verge does.
_MAINS, _GREEN = frozenset(("lines", "nodes")), frozenset(("green",))
# What whole street parts are judged by.
_CROSSED_BY_STREETS = ("water_bodies", "railways")


@dataclass(frozen=True)
class Edit:
    """What became of a groundwork when its survey was edited.

    Attributes
    ----------
    work
        The groundwork of the edited survey.
    why_whole
        Why all was built anew; '' where the edit was treated locally.
    changed
        The changed features of every layer.
    region
        Boxes round all that changed, features as well as corridors; None where all is new.
    edge_before
        For every edge its number before the edit, -1 for a new one.
    ways_before
        The same for every way to a tie-in, by utility.
    roads
        Which rows the roads had; all are new where all is built anew.
    """

    work: Groundwork
    why_whole: str
    changed: Mapping[str, Change]
    region: Region | None
    edge_before: IntArray
    ways_before: Mapping[str, IntArray]
    roads: RoadsSince

    @property
    def is_local(self) -> bool:
        return self.region is not None


def edited(work: Groundwork, survey: Survey, applications: Iterable[Application] = ()) -> Edit:
    """The groundwork of an edited survey; equal to one prepared from nothing.

    Parameters
    ----------
    applications
        Those whose gates are to be joined, as for ``prepare``.

    Raises
    ------
    SiteError
        If an application's parcel or gate cannot be found.
    """
    applications = list(applications)
    changed: dict[str, Change] = {}
    try:
        changed = changes(work.survey, survey)
        if work.policy.planning.value("open_land_allowed") == 1.0:
            raise IncomparableError("ways over open land may lead round anything")
        edit = _locally(work, survey, applications, changed)
    except IncomparableError as reason:
        whole = prepare(survey, work.policy, applications, prices=work.prices)
        new = np.full(whole.corridors.graph.edge_count, -1)
        roads = RoadsSince.all_new(len(whole.corridors.surfaces.centre))
        return Edit(whole, str(reason), changed, None, new, {}, roads)
    if edit.region is not None:
        whole, before, ways = work._whole or work, edit.edge_before, edit.ways_before
        with_standing_facts(work, edit.work, changed, edit.roads, edit.region, before, ways)
        laid, region = changed, edit.region
        if changed.keys() == {"roads"} and edit.roads.differ_in_days(
            len(work.corridors.surfaces.centre)
        ):
            laid, region = {}, Region.nowhere()
        hand_searches_on(whole, edit.work, laid.keys(), edit.roads, region, before)
        hand_pieces_on(whole, edit.work, laid, edit.roads, before, ways)
    return edit


def _locally(
    work: Groundwork,
    survey: Survey,
    applications: list[Application],
    changed: dict[str, Change],
) -> Edit:
    joined = joined_gates(survey, applications)
    site = _Site.of(work, survey, joined, changed)
    touched = [site.seeds[:0], *(change.shapes for change in changed.values())]
    fresh = replace(work.bare(), survey=survey, gates=gates_of(applications), joined=joined)
    if len(site.seeds) == 0:
        built = _on_the_same_graph(work.corridors, survey, site.beside, site.round)
        fresh = replace(fresh, corridors=built.corridors, _tie_ins=dict(work._tie_ins))
        ways = _numbers_of(work._tie_ins)
        region = Region.along(np.concatenate(touched), CELL_M).merged(CELL_M)
        return Edit(fresh, "", changed, region, built.edge_before, ways, site.roads)
    if site.layers <= _GREEN:
        return _beside_other_green(fresh, site, changed)
    try:
        built = site.corridors()
        vars(built.corridors)["bridged"] = site.bridged
        judging = _judging(work.corridors.surfaces, site.beside.surfaces, site.roads, changed)
        judging = np.concatenate([judging, built.moved])
        redone = tie_ins_after(
            work,
            built.corridors,
            survey,
            built.stayed,
            (built.changed, judging),
            site.utilities(),
        )
    except TooNearError:
        raise IncomparableError("the edit reaches far") from None
    fresh = replace(fresh, corridors=built.corridors, _tie_ins=redone.tie_ins)
    also = Region.along(np.concatenate([*touched, redone.lines]), CELL_M)
    region = built.changed.joined(also).merged(CELL_M)
    return Edit(fresh, "", changed, region, built.edge_before, redone.ways_before, site.roads)


def _judging(
    before: RoadSurfaces, after: RoadSurfaces, roads: RoadsSince, changed: Mapping[str, Change]
) -> NDArray[Any]:
    """What changed of all that ways to tie-ins are judged and measured by, as it was and is."""
    gone = roads.gone(len(before.centre))
    shapes = [changed[layer].shapes for layer in _JUDGED_BY if layer in changed]
    for surfaces, rows in ((before, gone), (after, roads.rows)):
        shapes += [surfaces.carriageway[rows], surfaces.land.polygons[rows]]
    shapes.append(roads.corners(before.carriageway, after.carriageway))
    return np.concatenate(shapes)


def _beside_other_green(fresh: Groundwork, site: _Site, changed: Mapping[str, Change]) -> Edit:
    """The edit where nothing that corridors are built from but greenery has changed."""
    work, shapes = site.work, changed["green"].shapes
    found = regreened(work.corridors, work._tie_ins, green_of(fresh.survey), shapes)
    edge_before = np.arange(work.corridors.graph.edge_count)
    edge_before[found.edge] = -1
    touched = [site.seeds, *(change.shapes for change in changed.values()), found.lines]
    corridors = replace(found.corridors, roadside=site.beside, obstacles=obstacles_of(fresh.survey))
    fresh = replace(fresh, corridors=corridors, _tie_ins=found.tie_ins)
    ways_before = _numbers_of(work._tie_ins)
    for key, rows in found.ways.items():
        ways_before[key][rows] = -1
    region = Region.along(np.concatenate(touched), CELL_M).merged(CELL_M)
    return Edit(fresh, "", changed, region, edge_before, ways_before, site.roads)


def _numbers_of(tie_ins: Mapping[str, TieIns]) -> dict[str, IntArray]:
    """The number of every way to a tie-in, by utility."""
    return {key: np.arange(len(one.lines)) for key, one in tie_ins.items()}


class _Corridors(NamedTuple):
    """Corridors after an edit.

    ``stayed`` are the numbers now of all nodes before, and of all roads and one for none, -1 for
    those that are gone; ``edge_before`` the numbers before of all edges, -1 for new ones;
    ``changed`` holds the seeds of the edit and the edges that came or went, ``moved`` these edges.
    """

    corridors: Corridors
    stayed: tuple[IntArray, IntArray]
    edge_before: IntArray
    changed: Region
    moved: LineArray


def _on_the_same_graph(
    before: Corridors, survey: Survey, beside: Roadside, seeds: Region
) -> _Corridors:
    """The corridors where nothing that they are built from has changed."""
    graph, roads = before.graph, len(before.surfaces.table)
    return _Corridors(
        replace(before, obstacles=obstacles_of(survey), roadside=beside),
        (np.arange(graph.node_count), np.append(np.arange(roads), -1)),
        np.arange(graph.edge_count),
        seeds,
        graph.lines[:0],
    )


@dataclass(frozen=True)
class _Site:
    """An edit to be spliced in: the work before, what there is now, and where it differs.

    ``layers`` are those with changes that corridors or tie-ins are built from, '' for gates and
    roads; ``moved`` the parcels and gates that moved, came or went.
    """

    work: Groundwork
    survey: Survey
    joined: Joined
    beside: Roadside
    roads: RoadsSince
    bridged: FloatArray
    seeds: NDArray[Any]
    moved: frozenset[str]
    layers: frozenset[str]
    changed: Mapping[str, Change]

    @staticmethod
    def of(
        work: Groundwork, survey: Survey, joined: Joined, changed: Mapping[str, Change]
    ) -> _Site:
        before = work.corridors.roadside
        roads, beside, stayed = RoadsSince.none(len(before.surfaces.centre)), before, None
        ids = frozenset[str]().union(*(changed[layer].ids for layer in _ROADS if layer in changed))
        ground = [changed[layer].shapes for layer in GROUND_LAYERS if layer in changed]
        if ids or ground:
            none = np.zeros(0, object)
            beside, stayed = roadside_after(
                before, survey, work.policy, ids, np.concatenate([none, *ground])
            )
            roads = stayed.roads
        clearance_m = work.policy.planning.value("open_land_clearance_m")
        changed = moved_land(work.survey, survey, changed, clearance_m)
        layers = {layer for layer in _BUILT_FROM if layer in changed}
        shapes = [changed[layer].shapes for layer in sorted(layers)]
        gates = _changed_gates(work.joined, joined)
        points = [one[key][1] for key in gates for one in (work.joined, joined) if key in one]
        shapes.append(np.array(points, object))
        if stayed is not None and same_streets(before, beside):
            shapes.append(shared_otherwise(before, beside, roads))
        elif stayed is not None:
            shapes.append(changed_streets(before, beside, stayed, work.policy.planning))
        for layer in _CROSSED_BY_STREETS:
            if layer in changed:
                shapes += [streets_over(changed[layer].shapes, one) for one in (before, beside)]
        obstacles = obstacles_of(survey)
        bridged = (
            bridges(beside.surfaces, obstacles)
            if "water_bodies" in changed
            else bridges_after(work.corridors, beside, roads, obstacles)
        )
        shapes.append(changed_bridges(work.corridors, beside, bridged))
        if not same_streets(before, beside) or any(len(one) for one in shapes[len(layers) :]):
            layers.add("")
        parcels = changed["parcels"].ids if "parcels" in changed else frozenset()
        moved = parcels | frozenset(gates)
        return _Site(
            work,
            survey,
            joined,
            beside,
            roads,
            bridged,
            np.concatenate(shapes),
            moved,
            frozenset(layers),
            changed,
        )

    @cached_property
    def round(self) -> Region:
        """Boxes round the seeds."""
        return Region.along(self.seeds, CELL_M)

    @cached_property
    def _laid(self) -> Region:
        """Boxes round all that corridors may differ by: of mains that carry nothing their ends."""
        if not self.layers <= _MAINS or self._may_carry:
            return self.round
        mains = self.changed["lines"].shapes if "lines" in self.changed else self.seeds[:0]
        nodes = [self.changed["nodes"].shapes] if "nodes" in self.changed else []
        ends = [shapely.get_point(mains, place) for place in (0, -1)]
        return Region.along(np.concatenate([*ends, *nodes]), CELL_M)

    @property
    def _may_carry(self) -> bool:
        settings = self.work.policy.planning
        return any(may_carry(lines, settings) for lines in self._changed_mains["lines"])

    @cached_property
    def moves_mains_only(self) -> bool:
        """Whether nothing changed that corridors are built from, but mains that ways lead to.

        Network nodes have feet, red lines are entered opposite ends of mains, and some lines carry
        others.
        """
        surveys = self.work.survey, self.survey
        if not self.layers <= _MAINS or surveys[0].get("nodes") is not surveys[1].get("nodes"):
            return False
        ends = [np.sort(ends_of_mains(lines)[1]) for lines in self._changed_mains["lines"]]
        return all(map(np.array_equal, ends, ends[1:])) and not self._may_carry

    def utilities(self) -> Collection[str]:
        """The utilities whose ways to tie-ins may be others."""
        if not self.moves_mains_only:
            return load_utilities().keys()
        rows = [rows for layer in sorted(_MAINS) for rows in self._changed_mains[layer]]
        return {str(name) for one in rows for name in one["utility"]}

    def corridors(self) -> _Corridors:
        """The corridors of now.

        Raises ``TooNearError`` if the edit reaches too far.
        """
        if self.moves_mains_only:
            return _on_the_same_graph(self.work.corridors, self.survey, self.beside, self.round)
        streets = same_streets(self.work.corridors.roadside, self.beside)
        windows_m = _WINDOWS_M if streets else _WINDOWS_M[1:]
        for widths_m in wide_enough(windows_m, self.work.policy.planning.max_snap_m):
            try:
                return self._spliced(*widths_m)
            except TooNearError:
                continue
        raise TooNearError

    def _spliced(self, reach_m: float, ring_m: float, rim_m: float) -> _Corridors:
        """Corridors if the edit reaches no farther than that.

        Raises ``TooNearError`` if it does.
        """
        wide_m = ring_m + rim_m
        inner = self._laid.grown(reach_m).merged(2 * wide_m)
        if len(inner) > _MOST_BOXES:
            raise IncomparableError("too many places were edited")
        window, region = Window(inner, inner.grown(ring_m)), inner.grown(wide_m)
        before = self.work.corridors
        stays_inside(before.graph, window)  # ``compare`` relies on it; sooner known than built
        part = self._part(region, window)
        splice = compare(before, part, window)
        self._holds_whole_parcels(part, splice)
        gone, came = before.graph.lines[splice.edge < 0], part.graph.lines[splice.new_edges]
        lines = np.concatenate([gone, came])
        moved = Region.along(lines, CELL_M)
        found = replace(
            part,
            roadside=self.beside,
            obstacles=obstacles_of(self.survey),
            green=green_of(self.survey),
        )
        corridors = spliced(before, found, splice, self._gaps(part, splice, moved))
        changed = self.round.joined(moved)
        stayed = splice.node, splice.road
        return _Corridors(corridors, stayed, splice.edge_before, changed, lines)

    @cached_property
    def _changed_mains(self) -> dict[str, list[pd.DataFrame]]:
        """The changed features of each layer of mains, as they were and as they are."""
        found: dict[str, list[pd.DataFrame]] = {layer: [] for layer in _MAINS}
        for layer in _MAINS & self.changed.keys():
            ids = pd.Index(list(self.changed[layer].ids), dtype=object)
            for survey in (self.work.survey, self.survey):
                table = survey.tables[layer]
                row = table.index.get_indexer(ids)
                found[layer].append(table.take(row[row >= 0]))
        return found

    def _part(self, region: Region, window: Window) -> Corridors:
        """The corridors in a region, built anew.

        Raises ``TooNearError`` if no street is near.
        """
        beside = self.beside.within(region.boxes)
        all_lines = self.beside.strips.network.pieces.lines
        lines = beside.strips.network.pieces.lines
        if len(lines) == 0 or len(beside.streets.pieces.lines) == 0:
            raise TooNearError  # Nothing can be built where there is no street.
        if len(lines) > _MOST_OF_ALL * len(all_lines):
            raise IncomparableError("most of the county is near")
        along = Region.round(np.concatenate([lines, beside.streets.pieces.lines]))
        survey = survey_within(self.survey, region.and_beyond(along).boxes, _BUILT_FROM)
        parcels = survey.get("parcels")
        known = set() if parcels is None else set(parcels.index)
        gates = {key: one for key, one in self.joined.items() if one[0] in known}
        near = window.safe, window.safe.grown(_HALF_WAY_M)
        return build_beside(beside, survey, self.work.policy, gates, self.bridged, near)

    def _holds_whole_parcels(self, part: Corridors, splice: Splice) -> None:
        """Which feet of a parcel are kept depends on all of it: none may reach beyond."""
        came = np.zeros(len(splice.part_node), bool)
        came[splice.new_nodes] = True
        ids = set[str]()
        for sites, new in ((self.work.corridors.sites, splice.node < 0), (part.sites, came)):
            rows = np.flatnonzero(new[sites["node"].to_numpy(np.int64)])
            ids |= set(sites["parcel_id"].take(rows))
        for survey in (self.work.survey, self.survey):
            parcels = survey.get("parcels")
            if parcels is not None:
                shapes = np.asarray(parcels.geometry.array)[parcels.index.isin(ids)]
                bounds = shapely.bounds(shapes).reshape(-1, 4)
                if (splice.window.safe.room_m(bounds) < 0).any():
                    raise TooNearError

    def _gaps(self, part: Corridors, splice: Splice, moved: Region) -> dict[str, float]:
        """Distances to the nearest strip: anew for what changed, or whose strip may have changed.

        ``moved`` holds the edges that went or came. Those found in the part hold where no strip
        outside it can be nearer, and where they are what they were: outside it all strips are the
        old ones.
        """
        keys, shapes = _places(self.survey, self.joined)
        bounds = shapely.bounds(shapes).reshape(-1, 4)
        known = {**self.work.corridors.gaps_m, **dict.fromkeys(self.moved, np.inf)}
        known_m = np.array(list(map(known.get, keys, repeat(np.inf))), float)
        near = np.flatnonzero(moved.away_m(bounds) <= known_m)
        near = np.union1d(near, np.flatnonzero(~np.isfinite(known_m)))
        gap_m = known_m.copy()
        gap_m[near] = [part.gaps_m.get(keys[number], np.inf) for number in near.tolist()]
        farther = near[~(np.abs(gap_m[near] - known_m[near]) <= _SAME_GAP_M)]
        if (gap_m[farther] > splice.window.safe.room_m(bounds[farther])).any():
            raise TooNearError
        return dict(zip(keys, gap_m.tolist(), strict=True))


def _places(survey: Survey, joined: Joined) -> tuple[list[str], NDArray[Any]]:
    """The parcels and gates that have a distance to the nearest strip: their keys and shapes."""
    parcels = survey.get("parcels")
    gates = np.array([point for _, point in joined.values()], object)
    if parcels is None:
        return list(joined), gates
    land = np.asarray(parcels.geometry.array)
    return [*parcels.index.tolist(), *joined], np.concatenate([land, gates])


def _changed_gates(before: Joined, after: Joined) -> list[str]:
    """Applications whose gates came, went, moved or lead to another parcel."""
    keys = sorted(before.keys() | after.keys())
    return [key for key in keys if before.get(key) != after.get(key)]

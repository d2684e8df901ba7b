"""Facts of a route for its verdict: roads dug and their age, greenery, trees, service area.

What no layer and no application says is None: unknown, never "met".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from sys import intern
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.areas import Areas
from gis.linear import FloatArray, IntArray, LineArray, ranges, straight_pieces
from gis.overlay import CONTACT_TOLERANCE_M, area_inside_union, shared_areas
from layers.survey import Survey
from planning.ancient_trees import AncientTrees, ancient_trees
from planning.application import Demand
from planning.bridges import over_bridges
from planning.comparisons import (
    DATED,
    Truth,
    all_hold,
    any_holds,
    last_day_of_works,
    not_after_years,
)
from planning.corridors import Corridors
from planning.crossing_methods import Bores, bores_of
from planning.policy_model import Policy
from planning.road_land import land_in_reach, red_line_areas
from planning.road_levels import at_ground
from planning.road_surfaces import Crossed
from planning.road_works import UNDATED
from planning.roads_since import RoadsSince
from planning.routes import Routes

# Greenery where trees are never a matter of commitment (policy guard ``ancient_tree``).
_PARK_KINDS = ("park", "protected")
# What a route without bores does to the roads that it digs up.
CUT_OPEN: Mapping[str, Truth] = {"open_cut": True, "pit_in_road": False}
# Rows of the roads that a route digs up: True, or None where it is not known whether it does.
Dug = Mapping[int, Truth]
# Sides of the edge of an area, and whether it covers what lies there.
INSIDE, ASTRIDE, OUTSIDE = range(3)
SIDES: tuple[Truth, ...] = (True, None, False)


@dataclass(frozen=True)
class Shapes:
    """Shapes with their R-tree."""

    shapes: NDArray[Any]

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The R-tree, made once."""
        return shapely.STRtree(self.shapes)


@dataclass(frozen=True)
class Ground:
    """What the facts of every route are read from, prepared once per survey."""

    survey: Survey
    corridors: Corridors
    policy: Policy

    @cached_property
    def road_areas(self) -> NDArray[Any]:
        """Red-line areas of the roads; without a red-line width, as far as the strips reach.

        A carriageway belongs to its road however it was drawn, and a surveyed red line that
        covers a part of a road takes nothing away from the rest.
        """
        return self._road_areas(np.arange(len(self.corridors.surfaces.centre)))

    def _road_areas(self, roads: IntArray) -> NDArray[Any]:
        return red_line_areas(self.corridors, self.policy.planning, roads)

    @cached_property
    def land_in_reach(self) -> NDArray[Any]:
        """Land that may lie within the red line of a road without one; None for other roads.

        It ends where nothing can be joined to the road's strips any more.
        """
        return self._land_in_reach(np.arange(len(self.corridors.surfaces.centre)))

    def _land_in_reach(self, roads: IntArray) -> NDArray[Any]:
        return land_in_reach(self.corridors, self.policy.planning, roads)

    def take_land(self, before: Ground, roads: RoadsSince) -> None:
        """Take over the land of the roads that stayed since ``before``; that of others is anew."""
        for name, told in (
            ("road_areas", self._road_areas),
            ("land_in_reach", self._land_in_reach),
        ):
            if name in vars(before):
                land = getattr(before, name)[roads.row_before]
                land[roads.reshaped] = told(roads.reshaped)
                vars(self)[name] = land

    @cached_property
    def reaches(self) -> tuple[tuple[Shapes, Truth], ...]:
        """Land within the red line of each road, then land that may be."""
        return (Shapes(self.ground_areas), True), (Shapes(self.land_in_reach), None)

    @cached_property
    def ground_areas(self) -> NDArray[Any]:
        """The ``road_areas`` where digging opens the road: none beneath a bridge's middle."""
        surfaces = self.corridors.surfaces
        return at_ground(self.road_areas, surfaces.centre, surfaces.level)

    @cached_property
    def greenery(self) -> Shapes | None:
        """Greenery to be found by place; None where it was never imported."""
        return self._shapes_of("green")

    @cached_property
    def trees(self) -> Shapes | None:
        """Trees to be found by place; None where they were never imported."""
        return self._shapes_of("trees")

    def _shapes_of(self, layer: str) -> Shapes | None:
        table = self.survey.get(layer)
        return None if table is None else Shapes(np.asarray(table.geometry.array))

    @cached_property
    def is_park(self) -> NDArray[np.object_]:
        """Whether each of the ``greenery`` is a park or protected green; None: unknown."""
        kinds = self.survey.tables["green"]["kind"].tolist()
        found = [True if kind in _PARK_KINDS else None if kind is None else False for kind in kinds]
        return np.array(found, object)

    @cached_property
    def ancient_trees(self) -> AncientTrees | None:
        """Those of the ``trees`` that are or may be ancient; None where none were imported."""
        table = self.survey.get("trees")
        return None if table is None else ancient_trees(table, self.policy.planning)

    @property
    def ancient_reach_m(self) -> float:
        """No zone of an ancient tree reaches farther from its trunk."""
        return 0.0 if self.ancient_trees is None else self.ancient_trees.reach_m

    def roads_entered(self, edges: IntArray, route: IntArray) -> list[tuple[int, int]]:
        """Routes and the roads whose carriageways their edges enter, each pair once, ascending."""
        edge, road = self._roads_by_edge
        first, last = (np.searchsorted(edge, edges, side=side) for side in ("left", "right"))
        entered = road[ranges(first, last)].tolist()
        return sorted(set(zip(np.repeat(route, last - first).tolist(), entered, strict=True)))

    @cached_property
    def _roads_by_edge(self) -> tuple[IntArray, IntArray]:
        """Edges that enter carriageways, ascending, and the road of each."""
        edge, road = (
            self.corridors.crossings[name].to_numpy(np.int64) for name in ("edge", "road")
        )
        order = np.argsort(edge, kind="stable")
        return edge[order], road[order]

    @property
    def is_city_road(self) -> list[bool | None]:
        """For each road, whether it is a city road; None where the authority is not known."""
        return self.corridors.surfaces.is_city_road

    @cached_property
    def city_road_areas(self) -> Areas:
        """Red-line areas of the roads that are known to be city roads."""
        city = np.array([one is True for one in self.is_city_road], bool)
        return Areas(self.ground_areas[city])

    @property
    def may_be_city_road(self) -> NDArray[np.bool_]:
        """For each road, whether it is or may be a city road."""
        return self.corridors.surfaces.may_be_city_road

    @cached_property
    def counted_carriageways(self) -> Shapes:
        """Carriageways of the roads that are or may be city roads; None for the others."""
        shapes = self.corridors.surfaces.own_area.copy()
        shapes[~self.may_be_city_road] = None
        return Shapes(shapes)

    @cached_property
    def centre_lines(self) -> Shapes:
        """Centre lines of the roads, to be found by place."""
        return Shapes(self.corridors.surfaces.centre)

    def opened(self, road: int, dig_date: date) -> str | None:
        """Day on which a road was opened before it is dug, None where unknown.

        What is to be opened later bars nothing yet (城市道路管理条例 art. 33 counts from then);
        whether it is in use before, and since when, is not on record.
        """
        told = self.road_days[0][road]
        return None if told is not None and told > dig_date.isoformat() else told

    @cached_property
    def road_days(self) -> tuple[list[str | None], ...]:
        """Days as ISO text: roads opened, overhauled, to be made anew, by the layer of works."""
        table = self.corridors.surfaces.table
        names = ("opened_on", "overhauled_on", "planned_works_on", "works_on")
        return tuple(table[name].to_list() for name in names)

    def last_overhaul(self, road: int, dig_date: date) -> str | None:
        """Day on which a road was last overhauled before it is dug, None where unknown.

        Works that tell no day may be done as late as on the day of digging.
        """
        _, last, planned, works = (days[road] for days in self.road_days)
        last = last_day_of_works(last, planned, self.overhaul_bar_years, dig_date)
        for told in (works or "").split():
            day = dig_date.isoformat() if told == UNDATED else told
            last = last_day_of_works(last, day, self.overhaul_bar_years, dig_date)
        return last

    @cached_property
    def bores(self) -> Bores:
        """The edges that may be bored, with their pits."""
        return bores_of(self.corridors, self.policy.planning)

    @property
    def overhaul_bar_years(self) -> int:
        """Years for which an overhauled road may not be dug; 0 if the policy bars nothing."""
        return _longest_bar(self.policy, "road_overhauled_on")

    def in_service_area(self, parcel_id: str, utility: str) -> bool | None:
        """Whether the whole parcel lies in the urban area and in that covered by the utility.

        None for a parcel on the edge of an area: which part of it counts is for people to say.
        """
        return all_hold(self._covers(key, parcel_id) for key in ("urban_area", utility))

    def _covers(self, area: str, parcel_id: str) -> Truth:
        side = self.parcels_in.get(area)
        row = self.parcel_row.get(parcel_id)
        return None if side is None or row is None else SIDES[side[row]]

    @cached_property
    def parcel_row(self) -> Mapping[str, int]:
        """Row of each parcel in its layer."""
        parcels = self.survey.get("parcels")
        names = [] if parcels is None else map(intern, parcels.index.astype(str).tolist())
        return {name: row for row, name in enumerate(names)}

    @cached_property
    def parcels_in(self) -> Mapping[str, NDArray[np.int8]]:
        """For each area on which side of its edge each parcel lies: ``INSIDE``, ``OUTSIDE`` or
        ``ASTRIDE``, by row; a contact at the edge counts for nothing.
        """
        parcels = self.survey.get("parcels")
        if parcels is None:
            return {}
        whole = np.asarray(parcels.geometry.array)
        return {key: _sides(area, whole) for key, area in self._areas.items()}

    @cached_property
    def edges_of_areas(self) -> Mapping[str, LineArray]:
        """The edges of the urban area and of that of every utility, in straight pieces."""
        return {
            key: straight_pieces(np.array([shapely.boundary(a)]))[0]
            for key, a in self._areas.items()
        }

    @cached_property
    def _areas(self) -> Mapping[str, shapely.Geometry]:
        """The urban area, and the area of every utility that the layer draws one for."""
        areas = self.survey.get("service_areas")
        if areas is None:
            return {}
        whose = areas["utility"].where(areas["kind"] == "network", "urban_area")
        shapes, rows_of = np.asarray(areas.geometry.array), whose.groupby(whose).indices
        united = {str(key): shapely.union_all(shapes[rows]) for key, rows in rows_of.items()}
        shapely.prepare([*united.values()])
        return united


def _sides(area: shapely.Geometry, shapes: NDArray[Any]) -> NDArray[np.int8]:
    """On which side of the edge of an area each shape lies.

    What lies at the edge is looked at without its own rim.
    """
    inside = np.asarray(shapely.covers(area, shapes))
    meets, other = inside.copy(), np.flatnonzero(~inside)
    meets[other] = shapely.intersects(area, shapes[other])
    at_edge = np.flatnonzero(meets & ~inside)
    inner = shapely.buffer(shapes[at_edge], -CONTACT_TOLERANCE_M)
    inner = np.where(shapely.is_empty(inner), shapes[at_edge], inner)
    inside[at_edge], meets[at_edge] = shapely.covers(area, inner), shapely.intersects(area, inner)
    sides = np.where(inside, INSIDE, np.where(meets, ASTRIDE, OUTSIDE))
    return np.asarray(sides, np.int8)


def counted_crossings(ground: Ground, crossed: Crossed) -> Crossed:
    """Crossings of roads that are or may be city roads."""
    kept = ground.may_be_city_road[crossed.road]
    return crossed if kept.all() else crossed.take(kept)


class Place(NamedTuple):
    """What the layers tell of where a route lies, whatever it carries and whenever it is dug.

    ``roads`` are those that it digs up or may dig up, ``beneath`` those that it is bored under.
    """

    roads: Dug
    beneath: tuple[int, ...]
    facts: Mapping[str, Any]


class Along(NamedTuple):
    """What its line tells of where a route lies, however wide its trench is.

    ``opened`` are the roads that it runs into or along (True) or may run into (None), ``pits``
    those that its working pits lie in or may lie in, None where nothing is bored. ``beneath`` as
    of ``Place``; ``on_bridge`` 1, 0 or NaN; ``bored`` are not cut open, ``is_cut``: anything is.
    """

    opened: Dug
    pits: Dug | None
    bored: tuple[int, ...]
    beneath: tuple[int, ...]
    on_bridge: float
    is_cut: bool


def along_of(ground: Ground, routes: Routes) -> list[Along]:
    """What the lines of routes tell of where they lie."""
    opened, pits = _roads_entered(ground, routes), _roads_with_pits(ground, routes)
    beneath = _roads_beneath(ground, routes)
    bridged = over_bridges(ground.corridors, ground.road_areas, routes).tolist()
    cut = (~shapely.is_empty(routes.cut)).tolist()
    return [
        Along(opened[n], pits.get(n), tuple(bored), beneath[n], bridged[n], cut[n])
        for n, bored in enumerate(routes.bored)
    ]


def places_of(
    ground: Ground,
    along: Sequence[Along],
    strips: NDArray[Any],
    green: Sequence[tuple[Truth, Truth]],
) -> list[Place]:
    """The places of routes with these working strips (None where the width is unknown).

    ``green`` tells what greenery each strip touches, as ``green_inside`` does.
    """
    trees = trees_touched(ground, strips)
    cut = _roads_cut_open(ground, along, strips)
    dug = _dug(cut, along)
    on_bridge = _on_bridge(ground, along, dug)
    places = []
    for number, one in enumerate(along):
        facts = {
            **_methods(cut[number], one.pits),
            "touches_green": green[number][0],
            "touches_tree": trees[number][0],
            "tree_moving": trees[number][0],
            "ancient_tree_or_park": any_holds((green[number][1], trees[number][1])),
            "on_bridge": on_bridge[number],
        }
        places.append(Place(dug[number], one.beneath, facts))
    return places


def route_facts(ground: Ground, demand: Demand, place: Place, dig_date: date) -> dict[str, Any]:
    """Facts that the geometry of a route tells, with those of its pipe."""
    return {
        **road_facts(ground, place.roads, place.beneath, dig_date),
        **place.facts,
        **pipe_facts(demand),
    }


def pipe_facts(demand: Demand) -> dict[str, float | None]:
    """Facts that the pipe of a demand tells."""
    return {"pressure_mpa": demand.pipe.pressure_mpa, "voltage_kv": demand.pipe.voltage_kv}


def roads_dug(ground: Ground, routes: Routes, strips: NDArray[Any]) -> list[Dug]:
    """The roads whose red line each route, its trench or a working pit enters or may enter.

    Or whose strip it follows; roads that are only bored under are not dug. ``strips`` are the
    working strips, None where the width is unknown.
    """
    along = along_of(ground, routes)
    return _dug(_roads_cut_open(ground, along, strips), along)


def _dug(cut: Sequence[Dug], along: Sequence[Along]) -> list[Dug]:
    """Roads opened by the trench of each route or by its working pits."""
    found: list[Dug] = []
    for mine, one in zip(cut, along, strict=True):
        own = one.pits or {}
        both = {road: any_holds((mine.get(road, False), own.get(road, False))) for road in own}
        found.append(dict(sorted({**mine, **both}.items())))
    return found


def _roads_entered(ground: Ground, routes: Routes) -> list[dict[int, Truth]]:
    """The roads that each route opens or may open by its line: along their strips or into them."""
    found: list[dict[int, Truth]] = [{} for _ in routes.ways]
    ways = enumerate(zip(routes.ways, routes.bored, strict=True))
    opened = [(n, edge) for n, (way, bored) in ways for edge in way.edges if edge not in bored]
    number, edge = np.array(opened, np.int64).reshape(-1, 2).T
    along = ground.corridors.graph.road[edge]
    for one, road in zip(number[along >= 0].tolist(), along[along >= 0].tolist(), strict=True):
        found[one][road] = True

    def enter(route: IntArray, land: NDArray[Any]) -> NDArray[np.bool_]:
        inside_m = shapely.length(shapely.intersection(routes.cut[route], land))
        return np.asarray(inside_m > CONTACT_TOLERANCE_M)

    _add_roads(found, ground, routes.cut, enter)
    return found


def _add_roads(
    found: Sequence[dict[int, Truth]],
    ground: Ground,
    shapes: NDArray[Any],
    enter: Callable[[IntArray, NDArray[Any]], NDArray[np.bool_]],
) -> None:
    """Add the roads that routes open or may open, as ``enter`` tells where shapes meet their land.

    It is asked only where that tells more than what is found of a route: True is more than None.
    """
    for land, dug in ground.reaches:
        route, road = land.tree.query(shapes, predicate="intersects")
        pairs = zip(route.tolist(), road.tolist(), strict=True)
        fresh = [found[n].get(one) is None if dug else one not in found[n] for n, one in pairs]
        route, road = route[np.array(fresh, bool)], road[np.array(fresh, bool)]
        opens = enter(route, land.shapes[road])
        for number, one in zip(route[opens].tolist(), road[opens].tolist(), strict=True):
            found[number][one] = dug


def _roads_cut_open(
    ground: Ground, along: Sequence[Along], strips: NDArray[Any]
) -> list[dict[int, Truth]]:
    """The roads that each route opens or may open by its trench.

    None stands for a road without a red line that the route comes near.
    """
    found = [dict(one.opened) for one in along]

    def enter(route: IntArray, land: NDArray[Any]) -> NDArray[np.bool_]:
        some, at = np.unique(route, return_inverse=True)
        return _overlap(_trenches(ground, along, strips, some)[at], land)

    trenched = [strip if one.is_cut else None for one, strip in zip(along, strips, strict=True)]
    _add_roads(found, ground, np.array(trenched, object), enter)
    return found


def _trenches(
    ground: Ground, along: Sequence[Along], strips: NDArray[Any], some: IntArray
) -> NDArray[Any]:
    """The trenches of some routes: what the margins of their working strips leave."""
    margin_m = ground.policy.planning.work_margin_m
    trenches = shapely.buffer(strips[some], -margin_m, cap_style="flat", join_style="mitre")
    for at, number in enumerate(some.tolist()):
        if along[number].bored:
            pits = shapely.union_all(ground.bores.pits_of(along[number].bored))
            trenches[at] = shapely.difference(trenches[at], pits)
    return np.asarray(trenches)


def _roads_with_pits(ground: Ground, routes: Routes) -> dict[int, dict[int, Truth]]:
    """The roads that the working pits of each bored route lie in or may lie in."""
    pits = {n: ground.bores.pits_of(edges) for n, edges in enumerate(routes.bored) if edges}
    found: dict[int, dict[int, Truth]] = {number: {} for number in pits}
    of_pit = [found[number] for number, mine in pits.items() for _ in mine]
    every = np.array([pit for mine in pits.values() for pit in mine], object)
    _add_roads(of_pit, ground, every, lambda pit, land: _overlap(every[pit], land))
    return found


def _methods(cut: Dug, pits: Dug | None) -> Mapping[str, Truth]:
    """Whether a road is cut open and whether a working pit lies in one.

    A route without bores (``pits`` is None) is open cut throughout; a road is under a bored one
    if it is entered.
    """
    if pits is None:
        return CUT_OPEN
    return {"open_cut": any_holds(cut.values()), "pit_in_road": any_holds(pits.values())}


def _overlap(shapes: NDArray[Any], land: NDArray[Any]) -> NDArray[np.bool_]:
    """Which shapes share more than a contact with the land beside them."""
    return np.asarray(shapely.area(shapely.intersection(shapes, land)) > CONTACT_TOLERANCE_M)


def _roads_beneath(ground: Ground, routes: Routes) -> list[tuple[int, ...]]:
    """The roads whose carriageway each route is bored under."""
    if not any(routes.bored):
        return [()] * len(routes.bored)
    bored = [ground.bores.among(edges) for edges in routes.bored]
    route = np.repeat(np.arange(len(bored)), list(map(len, bored)))
    found: list[list[int]] = [[] for _ in bored]
    for number, road in ground.roads_entered(np.concatenate(bored), route):
        found[number].append(road)
    return [tuple(roads) for roads in found]


def road_facts(
    ground: Ground, roads: Dug, beneath: Sequence[int], dig_date: date
) -> dict[str, Any]:
    """Whether a city road is dug or bored under, and the days of every road that is or may be dug.

    A day that would bar the digging counts only where a city road is certainly dug; else it is
    unknown whether it bars.
    """
    city = {road: all_hold((ground.is_city_road[road], dug)) for road, dug in roads.items()}
    days: dict[str, list[str | None]] = {}
    opened = {road: ground.opened(road, dig_date) for road in roads}
    overhauled = {road: ground.last_overhaul(road, dig_date) for road in roads}
    for name, of_road in (("road_opened_on", opened), ("road_overhauled_on", overhauled)):
        years = _longest_bar(ground.policy, name)
        days[name] = [
            of_road[road]
            if certain or not not_after_years(of_road[road], years, dig_date)
            else None
            for road, certain in city.items()
            if certain is not False
        ]
    touched = (*city.values(), *(ground.is_city_road[road] for road in beneath))
    return {"touches_city_road": any_holds(touched), **days}


def _on_bridge(ground: Ground, along: Sequence[Along], roads: Sequence[Dug]) -> list[Truth]:
    """Whether each route runs over a bridge.

    Unknown where a road that it digs does not tell, or has a bridge which may reach so far.
    """
    unknown = set(np.flatnonzero(ground.corridors.bridged != 0.0).tolist())
    return [
        True
        if one.on_bridge == 1.0
        else None
        if one.on_bridge != one.on_bridge or not unknown.isdisjoint(dug)
        else False
        for one, dug in zip(along, roads, strict=True)
    ]


def _longest_bar(policy: Policy, name: str) -> int:
    """Longest period in years for which a day bars digging; 0 if it never does."""
    conditions = (condition for guard in policy.guards for condition in guard.all_of)
    dated = (one for one in conditions if one.comparator == DATED and one.input == name)
    return max((int(one.limit) for one in dated), default=0)


def green_inside(
    ground: Ground, strips: NDArray[Any]
) -> tuple[list[tuple[Truth, Truth]], FloatArray]:
    """Whether each strip touches greenery, and a park or protected green; and the area in it."""
    if ground.greenery is None:
        return [(None, None)] * len(strips), np.full(len(strips), np.nan)
    shapes = ground.greenery.shapes
    known = ~shapely.is_missing(strips)
    found: list[tuple[Truth, Truth]] = [(False, False) if k else (None, None) for k in known]
    shared = shared_areas(strips, shapes, ground.greenery.tree)
    met = shared.area_m2 > 0
    for at, park in zip(shared.one[met], ground.is_park[shared.polygon[met]], strict=True):
        found[at] = (True, any_holds((found[at][1], park)))
    area_m2 = area_inside_union(strips, shapes, shared)
    return found, np.where(known, area_m2, np.nan)


def trees_touched(ground: Ground, strips: NDArray[Any]) -> list[tuple[bool | None, bool | None]]:
    """For each strip: whether a tree stands in it, and whether it enters an ancient one's zone."""
    if ground.trees is None or ground.ancient_trees is None:
        return [(None, None)] * len(strips)
    inside = set(ground.trees.tree.query(strips, predicate="intersects")[0].tolist())
    entered = ground.ancient_trees.entered(strips)
    return [
        (None, None) if strip is None else (number in inside, entered[number])
        for number, strip in enumerate(strips)
    ]


def trees_in(ground: Ground, strips: NDArray[Any]) -> NDArray[np.float64]:
    """Number of trees in each strip; NaN where strip or trees are unknown."""
    if ground.trees is None:
        return np.full(len(strips), np.nan)
    strip, _ = ground.trees.tree.query(strips, predicate="intersects")
    count = np.bincount(strip, minlength=len(strips)).astype(float)
    count[shapely.is_missing(strips)] = np.nan
    return count

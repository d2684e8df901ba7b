"""Standing facts: what was looked up once in a county and stands although the survey was edited.

Red-line areas of roads, which areas cover which parcels, the pits of bores: none of it is looked up
anew but where the edit could change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.handing_on import Exchange, hand_on, numbers_after
from gis.linear import FloatArray, IntArray
from gis.regions import Region
from planning.corridors import SURFACES_FROM, Corridors
from planning.crossing_methods import Bores, bores_of
from planning.drawn_roads import SURVEYED
from planning.facts import Ground
from planning.groundwork import SERVING, TIE_IN_YUAN, Groundwork
from planning.road_edges import KERBS, RED_LINES
from planning.road_surfaces import Crossed
from planning.roads_since import RoadsSince
from planning.roadside import same_streets
from planning.slots import EXISTING
from planning.sources import MAINS
from planning.survey_changes import Change

# What corridors tell that follows from their graph and the ends in it.
_OF_GRAPH = (
    "is_connector", "is_lane", "never_cut", "is_bored", "walk_order", "is_walked", "connectors",
    "strip_nodes", "_nodes_of_sites",
)  # fmt: skip
_OF_ROADS = ("road_areas", "ground_areas", "land_in_reach", "reaches")
_OF_ROAD_TABLE = ("counted_carriageways",)
_OF_LAYER = {
    "greenery": "green",
    "trees": "trees",
    "ancient_trees": "trees",
    "parcel_row": "parcels",
}
_OF_OBSTACLES = ("private_areas", "water_areas")
# Layers that obstacles, closures and existing lines are read from.
_OBSTACLES = frozenset(("parcels", "buildings", "water_bodies", "railways"))
_CLOSING = frozenset(("no_dig", "trees", "green"))
_EXISTING = frozenset(("lines", "nodes"))
_ROADS = frozenset(("roads", *SURVEYED))
# Layers that decide where pits have room, and what they take.
_AROUND_PITS = _OBSTACLES | _ROADS | {"green"}


def with_standing_facts(
    before: Groundwork,
    after: Groundwork,
    changes: Mapping[str, Change],
    roads: RoadsSince,
    region: Region,
    edge_before: IntArray,
    ways_before: Mapping[str, IntArray],
) -> Groundwork:
    """The groundwork ``after`` an edit, with what stands of what ``before`` has looked up.

    Parameters
    ----------
    changes
        The changed features of every layer with any.
    roads
        The rows that roads had.
    region
        Holds all that changed, features and edges.
    edge_before
        For every edge its number before, -1 for a new one.
    ways_before
        The same for the ways to the tie-ins of every utility.
    """
    whole, changed = before._whole or before, changes.keys()
    if before.corridors.graph.ends is after.corridors.graph.ends:
        hand_on(before.corridors, after.corridors, _OF_GRAPH)
    if not changed & _OBSTACLES:
        hand_on(before.corridors.obstacles, after.corridors.obstacles, _OF_OBSTACLES)
    if not changed & _CLOSING:
        hand_on(whole, after, ("closures",))
    if not changed & _EXISTING:
        hand_on_kept(whole, after, (EXISTING, MAINS))
    _hand_greenery_on(whole, after, changed)
    mains_stand = {
        key for key, one in after._tie_ins.items() if one.network is before._tie_ins[key].network
    }
    of_pipes = [key for key in list(whole.kept) if key[0] in (SERVING, TIE_IN_YUAN)]
    # Which of several operators' places can be reached may have changed.
    serving = [
        key
        for key in of_pipes
        if key[0] != SERVING or (key[1].utility in mains_stand and len(key[1].operators) < 2)
    ]
    hand_on_kept(whole, after, serving)
    if "tolerances" in vars(whole):
        vars(after)["tolerances"] = whole.tolerances.after(after.survey, changes)
    if before.corridors.surfaces is after.corridors.surfaces:
        hand_on_kept(whole, after, (KERBS, RED_LINES))
    _hand_surfaces_on(whole, after, roads, edge_before, ways_before)
    if "ground" in vars(whole):
        vars(after)["ground"] = _ground(whole.ground, after, changed, roads, region, edge_before)
    return after


def _hand_greenery_on(before: Groundwork, after: Groundwork, changed: Set[str]) -> None:
    """The greenery prepared to be looked up; where some of it changed, only that is anew."""
    if "green" not in changed:
        hand_on(before.corridors, after.corridors, ("green_areas",))
    elif "green_areas" in vars(before.corridors):
        old, new = (work.survey.tables["green"].index for work in (before, after))
        areas = before.corridors.green_areas.with_others(
            after.corridors.green, old.get_indexer(new)
        )
        vars(after.corridors)["green_areas"] = areas


def _hand_surfaces_on(
    before: Groundwork,
    after: Groundwork,
    roads: RoadsSince,
    edge_before: IntArray,
    ways_before: Mapping[str, IntArray],
) -> None:
    """Metres on every surface, measured anew for what is new or crosses another pavement now."""
    corridors = after.corridors
    one, two = before.corridors.surfaces.surface, corridors.surfaces.surface
    repaved = (roads.row_before < 0) | (one[roads.row_before] != two)
    if corridors.graph is before.corridors.graph and not repaved.any():
        hand_on(before, after, ("edge_surfaces_m",))
    elif "edge_surfaces_m" in vars(before):
        measures, crossings = corridors.graph.measures, corridors.crossings
        vars(after)["edge_surfaces_m"] = _surfaces_m(
            corridors,
            {name: measures[name].to_numpy(float) for name in SURFACES_FROM},
            Crossed.of(crossings, crossings["edge"].to_numpy(np.int64)),
            before.edge_surfaces_m,
            edge_before,
            repaved,
        )
    for utility, metres in before._tie_in_surfaces_m.items():
        ways = after.tie_ins(utility)
        if ways is before._tie_ins[utility] and not repaved.any():
            after._tie_in_surfaces_m[utility] = metres
            continue
        after._tie_in_surfaces_m[utility] = _surfaces_m(
            corridors, ways.ways._asdict(), ways.crossed, metres, ways_before[utility], repaved
        )


def _surfaces_m(
    corridors: Corridors,
    measured: Mapping[str, FloatArray],
    crossed: Crossed,
    before_m: FloatArray,
    number: IntArray,
    repaved: NDArray[np.bool_],
) -> FloatArray:
    """The ``metres_on`` surfaces of lines; ``number`` is that of each before, -1 for none.

    Lines that cross ``repaved`` roads are measured anew.
    """
    anew = number < 0
    anew[crossed.line[repaved[crossed.road]]] = True
    new = np.flatnonzero(anew)
    rows = Exchange.told_by(number, len(before_m))
    metres = rows.of(before_m, np.zeros((len(rows.at), before_m.shape[1])))
    if len(new):
        metres = metres.copy() if metres is before_m else metres
        own = crossed.take(np.flatnonzero(anew[crossed.line]))
        own = own._replace(line=np.searchsorted(new, own.line))
        some = {name: measured[name][new] for name in SURFACES_FROM}
        metres[new] = corridors.metres_on(some, own)
    return metres


def hand_on_kept(before: Groundwork, after: Groundwork, keys: Iterable[Any]) -> None:
    """Give what a groundwork keeps under some keys to another one."""
    after.kept.update({key: before.kept[key] for key in keys if key in before.kept})


def _ground(
    before: Ground,
    work: Groundwork,
    changed: Set[str],
    roads: RoadsSince,
    region: Region,
    edge_before: IntArray,
) -> Ground:
    after = Ground(work.survey, work.corridors, work.policy)
    surfaces = before.corridors.surfaces
    same_roads = roads.differ_in_days(len(surfaces.centre))
    streets_stand = same_streets(before.corridors.roadside, after.corridors.roadside)
    if surfaces is after.corridors.surfaces:
        hand_on(before, after, ("road_days",))
    if same_roads:
        hand_on(before, after, _OF_ROAD_TABLE)
    if streets_stand:
        hand_on(before, after, ("centre_lines",))
    if streets_stand:
        hand_on(before, after, _OF_ROADS)
    else:
        after.take_land(before, roads)
    if same_roads:
        hand_on(before, after, ("city_road_areas",))
    hand_on(before, after, [name for name, layer in _OF_LAYER.items() if layer not in changed])
    if before.corridors.crossings is after.corridors.crossings:
        hand_on(before, after, ("_roads_by_edge",))
    if "service_areas" not in changed:
        hand_on(before, after, ("_areas", "edges_of_areas"))
        if "parcels" not in changed:
            hand_on(before, after, ("parcels_in",))
    around_pits = _AROUND_PITS - _ROADS if same_roads else _AROUND_PITS
    if before.corridors.graph is after.corridors.graph and not changed & around_pits:
        hand_on(before, after, ("bores",))
    elif "bores" in vars(before):
        edge_count = before.corridors.graph.edge_count
        vars(after)["bores"] = _bores(before.bores, edge_count, work, region, edge_before)
    return after


def _bores(
    before: Bores, edge_count: int, work: Groundwork, region: Region, edge_before: IntArray
) -> Bores:
    """Bores that stand: those of edges that were there, away from all that changed."""
    graph, settings = work.corridors.graph, work.policy.planning
    pit_m = settings.value("trenchless_pit_length_m") + settings.value("trenchless_pit_width_m")
    anew = edge_before < 0
    anew[region.near(graph.tree, pit_m)] = True
    edge = numbers_after(edge_before, edge_count)[before.edge]
    gone = np.flatnonzero((edge < 0) | anew[edge])
    came = bores_of(work.corridors, settings, np.flatnonzero(anew))
    edge = np.delete(edge, gone)
    place = np.searchsorted(edge, came.edge)
    rows = Exchange(gone, place[:0]).after(place)
    told = {
        name: rows.of(getattr(before, name), getattr(came, name))
        for name in ("lines", "pits", "green_m2", "paved_m2")
    }
    return replace(came, edge=Exchange(gone[:0], place).of(edge, came.edge), **told)

"""What lies in city roads: edges, ways to tie-ins and last steps to red lines, told once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis.linear import IntArray, ranges
from gis.overlay import enters
from planning.groundwork import Groundwork

# Where a groundwork keeps edges and ways to tie-ins in city roads, and last steps outside of them.
CITY_EDGES, CITY_TIE_INS = ("city edges",), "city tie-ins"
BARE_NODES, LAST_STEPS = ("bare nodes",), "last steps"


def edges_in_city_roads(work: Groundwork) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which edges touch a road known to be a city road: when bored under it, and when cut."""
    if CITY_EDGES not in work.kept:
        city = np.array([one is True for one in work.ground.is_city_road], bool)
        road = work.corridors.graph.road
        crossings = work.corridors.crossings
        under = crossings["edge"].to_numpy(np.int64)[city[crossings["road"].to_numpy(np.int64)]]
        beneath = np.zeros(len(road), bool)
        beneath[under] = True
        work.kept[CITY_EDGES] = beneath, np.where(road >= 0, city[road], False)
    edges: tuple[NDArray[np.bool_], NDArray[np.bool_]] = work.kept[CITY_EDGES]
    return edges


def in_city_roads(work: Groundwork, utility: str, nodes: IntArray) -> NDArray[np.bool_]:
    """For nodes: whether all last steps that end there are known to touch a city road.

    Last steps are connectors, and ways from tie-ins to nodes on a red line.
    """
    bare, (rows, ends) = _bare_nodes(work), _tie_ins_on_red_lines(work, utility)
    inside = ~bare[nodes]
    first, last = (np.searchsorted(ends, nodes[inside], side) for side in ("left", "right"))
    outside = ~tie_ins_in_city_roads(work, utility, rows[ranges(first, last)])
    ways = np.r_[0, np.cumsum(outside)][np.r_[0, np.cumsum(last - first)]]
    inside[inside] = np.diff(ways) == 0
    return np.asarray(inside)


def tie_ins_in_city_roads(work: Groundwork, utility: str, tie_ins: IntArray) -> NDArray[np.bool_]:
    """Which ways to tie-ins enter the red line of a road that is known to be a city road."""
    key, ways = (CITY_TIE_INS, utility), work.tie_ins(utility).lines
    if key not in work.kept:
        work.kept[key] = np.full(len(ways), -1, np.int8)
    known: NDArray[np.int8] = work.kept[key]
    fresh = np.unique(tie_ins[known[tie_ins] < 0])
    if len(fresh):
        inside = np.zeros(len(fresh), np.int8)
        inside[enters(ways[fresh], work.ground.city_road_areas).line] = 1
        known[fresh] = inside  # at once: others may look, before and after edits
    return np.asarray(known[tie_ins] == 1)


def _bare_nodes(work: Groundwork) -> NDArray[np.bool_]:
    """Nodes with a connector that is not known to touch a city road."""
    if BARE_NODES not in work.kept:
        corridors = work.corridors
        connectors = np.flatnonzero(corridors.is_connector)
        bare = np.zeros(corridors.graph.node_count, bool)
        _, inside = edges_in_city_roads(work)
        bare[corridors.graph.ends[connectors[~inside[connectors]]]] = True
        work.kept[BARE_NODES] = bare
    found: NDArray[np.bool_] = work.kept[BARE_NODES]
    return found


def _tie_ins_on_red_lines(work: Groundwork, utility: str) -> tuple[IntArray, IntArray]:
    """Ways to tie-ins that begin on red lines, and the nodes where they do, ascending."""
    key = (LAST_STEPS, utility)
    if key not in work.kept:
        node = work.tie_ins(utility).node
        rows = np.flatnonzero(np.isin(node, work.corridors.sites["node"].to_numpy(np.int64)))
        work.kept[key] = rows, node[rows]
    found: tuple[IntArray, IntArray] = work.kept[key]
    return found

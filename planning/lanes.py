"""Lanes 车行道内走廊: where a line may lie along a carriageway whose footway cannot hold it.

GB 50289-2016 4.1.2 puts lines under footways and cycle lanes first, and under the carriageway where
space is short. So lanes are laid out beside the footways and verges that the roads' own widths say
are narrow (``lane_beside_less_than_m`` of the policy), and are open only to a pipe whose trench is
wider than that ground. What nobody recorded makes no lane. See docs/decisions/0007.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import (
    POSITION_TOLERANCE_M,
    FloatArray,
    IntArray,
    LineArray,
    merge_points,
    segments,
    with_ends,
)
from gis.network import CorridorGraph
from planning.comparisons import is_true
from planning.policy_model import Planning
from planning.road_surfaces import RoadSurfaces
from planning.standards import Pipe

if TYPE_CHECKING:
    from planning.corridors import Corridors
    from planning.groundwork import Groundwork

KIND = "lane"
# Edges that run along streets, and so may be bent.
ALONG_STREETS = ("strip", KIND)
# Widths are sums of recorded decimals; a trench as wide as its footway fits.
EQUAL_M = 1e-6


def with_lanes(bare: Corridors, settings: Planning) -> Corridors:
    """The corridors with lanes beside narrow footways, joined square to the strips' nodes.

    A lane mirrors its strip inward, as far from the kerb as the strip wants to be, or in the middle
    of the half where the carriageway is narrower. Roads on bridges and above or below the ground
    get none.
    """
    measures, graph = bare.graph.measures, bare.graph
    road = graph.road
    narrow = np.append(_narrow_roads(bare.surfaces, settings), False)
    beside = (measures["kind"] == "strip") & (measures["side"] != 0)
    edges = np.flatnonzero(beside.to_numpy(bool) & narrow[road])
    if len(edges) == 0:
        return bare
    side = measures["side"].to_numpy(np.int64)[edges]
    at = pd.DataFrame(
        {
            "node": graph.ends[edges].ravel(),
            "road": np.repeat(road[edges], 2),
            "side": np.repeat(side, 2),
        }
    )
    number = at.groupby(["node", "road", "side"], sort=True).ngroup().to_numpy(np.int64)
    places = at.drop_duplicates().sort_values(["node", "road", "side"], ignore_index=True)
    strip_node = places["node"].to_numpy(np.int64)
    inward = _inward(graph.node_xy[strip_node], places["road"].to_numpy(np.int64), bare)
    label, node_xy = merge_points(inward, POSITION_TOLERANCE_M)
    along, across, joint = number.reshape(-1, 2), np.arange(len(places)), _joints(strip_node)
    new = label + graph.node_count
    ends = np.concatenate(
        [new[along], np.stack([strip_node, new[across]], axis=1), new[joint].reshape(-1, 2)]
    )
    told = pd.concat(
        [
            pd.DataFrame({"road": road[edges], "side": side}),
            places[["road", "side"]],
            places[["road", "side"]].iloc[joint[:, 0]],
        ],
        ignore_index=True,
    ).assign(kind=KIND)
    lines = np.concatenate(
        [
            with_ends(
                _moved_inward(graph.lines[edges], road[edges], bare),
                *node_xy[label[along]].transpose(1, 0, 2),
            ),
            segments(graph.node_xy[strip_node], node_xy[label]),
            segments(*node_xy[label[joint]].transpose(1, 0, 2)),
        ]
    )
    kept = (ends[:, 0] != ends[:, 1]) & (shapely.length(lines) > POSITION_TOLERANCE_M)
    kept &= bare.obstacles.connector_allowed(lines)
    longer = CorridorGraph(
        np.concatenate([graph.node_xy, node_xy]),
        np.concatenate([graph.ends, ends[kept]]),
        np.concatenate([graph.lines, lines[kept]]),
        pd.concat([measures, told[kept]], ignore_index=True)[measures.columns],
    )
    return replace(bare, graph=longer)


def along_lanes(corridors: Corridors) -> NDArray[np.bool_]:
    """True for edges along lanes, those that join a lane to a strip left out."""
    graph, lane = corridors.graph, corridors.is_lane
    elsewhere = np.zeros(graph.node_count, bool)
    elsewhere[graph.ends[~lane]] = True
    return np.asarray(lane & ~elsewhere[graph.ends].any(axis=1))


def closed_lanes(work: Groundwork, pipe: Pipe) -> NDArray[np.bool_]:
    """True for lanes that a pipe may not take: its trench fits the footway, or may fit it."""
    lane, needed_m = work.corridors.is_lane, work.rates(pipe).width_m
    if needed_m is None or not lane.any():
        return lane
    room_m = np.append(work.corridors.surfaces.beside_m, np.inf)
    road = work.corridors.graph.road
    return np.asarray(lane & (room_m[road] >= needed_m - EQUAL_M))


def ways_from_closed_lanes(work: Groundwork, pipe: Pipe) -> NDArray[np.bool_]:
    """True for tie-in ways that begin in a lane that a pipe may not take."""
    graph, lane = work.corridors.graph, work.corridors.is_lane
    node = work.tie_ins(pipe.utility).node
    found = np.zeros(graph.node_count, bool)
    if lane.any():
        found[graph.ends[lane]] = True
        found[graph.ends[~closed_lanes(work, pipe)]] = False
    return np.asarray(found[node])


def _narrow_roads(surfaces: RoadSurfaces, settings: Planning) -> NDArray[np.bool_]:
    """Roads on the ground whose widths say that their footways and verges are narrow."""
    bridged = np.array([is_true(told) for told in surfaces.table["on_bridge"]], bool)
    flat = (surfaces.level == 0) & ~bridged & (surfaces.half_width_m > 0)
    narrow = surfaces.beside_m < settings.value("lane_beside_less_than_m") - EQUAL_M
    return np.asarray(flat & narrow)


def _joints(strip_node: IntArray) -> IntArray:
    """Pairs of neighbouring lanes that mirror one strip node, as at a corner of two streets."""
    same = np.flatnonzero(strip_node[1:] == strip_node[:-1])
    return np.stack([same, same + 1], axis=1).astype(np.int64)


def _inward(xy: FloatArray, road: IntArray, bare: Corridors) -> FloatArray:
    """Places beside a road moved square towards its centre, to where the lane lies."""
    half = bare.surfaces.half_width_m[road]
    offset = np.maximum(half - bare.setback_m, half / 2)
    centre = bare.surfaces.centre[road]
    at_m = shapely.line_locate_point(centre, shapely.points(xy))
    foot = shapely.get_coordinates(shapely.line_interpolate_point(centre, at_m))
    away = np.maximum(np.hypot(*(xy - foot).T), POSITION_TOLERANCE_M)
    return np.asarray(foot + (xy - foot) * (offset / away)[:, None])


def _moved_inward(lines: LineArray, road: IntArray, bare: Corridors) -> LineArray:
    """Lines along roads moved square towards their centres, vertex by vertex."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    moved = shapely.linestrings(_inward(xy, road[owner], bare), indices=owner)
    return np.asarray(shapely.remove_repeated_points(moved, POSITION_TOLERANCE_M))

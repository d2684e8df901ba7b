"""Sewers: which way every piece flows, its manholes and its invert levels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np
import shapely
from shapely import LineString

from sample_data import layout
from sample_data.mains import Main, joint_keys
from sample_data.shapes import substring

MANHOLE_EVERY_M = 40.0
HEAD_GAP_M = 12.0
"""A sewer that starts near a joint it does not flow to begins this far from it."""
SIZES = {
    "sewage": ((0, 300, 0.003), (900, 400, 0.002), (3500, 500, 0.0015), (8000, 600, 0.0012)),
    "storm": ((0, 400, 0.003), (350, 600, 0.002), (1200, 800, 0.0015), (3000, 1000, 0.001)),
}
"""Upstream length of sewers in m, nominal size in mm from there on, least slope."""
LEAST_COVER_M = 1.0

Joint = tuple[float, float]


@dataclass
class Sewer:
    """A sewer from its head down to a joint, with the levels at its manholes."""

    street: int
    line: LineString
    size_mm: int = 0
    places_m: tuple[float, ...] = ()
    ground_m: tuple[float, ...] = ()
    inverts_m: tuple[float, ...] = ()

    def spans(self) -> list[LineString]:
        """Return the sewer from manhole to manhole."""
        stops = self.places_m
        pairs = pairwise(stops)
        return [substring(self.line, a, b) for a, b in pairs]


def lead_downhill(pieces: list[Main], utility: str, sink_streets: set[int]) -> list[Sewer]:
    """Direct all pieces to the nearest outfall and give them sizes and inverts on the way.

    Outfalls are the ends at the river bank, in ``sink_streets``. Pieces that reach none are
    left out. Pieces that are no part of the tree to the outfalls begin with a head manhole.
    """
    graph = nx.MultiGraph()
    for number, piece in enumerate(pieces):
        graph.add_edge(*joint_keys(piece.line), key=number, weight=piece.line.length)
    distance, outlet = _outlets(graph, pieces, sink_streets)
    sewers = []
    for number, piece in enumerate(pieces):
        start, end = joint_keys(piece.line)
        if start not in distance:
            continue
        down = end if outlet.get(start) == number or distance[end] <= distance[start] else start
        if outlet.get(end) == number:
            down = start
        line = piece.line if down == end else piece.line.reverse()
        if number not in (outlet.get(start), outlet.get(end)):
            if line.length < 3 * HEAD_GAP_M:
                continue
            line = substring(line, HEAD_GAP_M, line.length)
        sewers.append(Sewer(piece.street, line))
    return _levelled(sewers, utility)


def _outlets(
    graph: nx.MultiGraph, pieces: list[Main], sink_streets: set[int]
) -> tuple[dict[Joint, float], dict[Joint, int]]:
    """Return each joint's distance to an outfall and the piece by which its water leaves."""
    bank = layout.river_polygon()
    sinks = sorted(
        {
            key
            for piece in pieces
            if piece.street in sink_streets
            for key in joint_keys(piece.line)
            if graph.degree(key) == 1 and bank.distance(shapely.Point(key)) < 9
        }
    )
    distance, paths = nx.multi_source_dijkstra(graph, set(sinks), weight="weight")
    outlet: dict[Joint, int] = {}
    for joint, path in paths.items():
        if len(path) > 1:
            edges = graph[path[-1]][path[-2]]
            outlet[joint] = min(edges, key=lambda k: (edges[k]["weight"], k))
    return distance, outlet


def _levelled(sewers: list[Sewer], utility: str) -> list[Sewer]:
    """Fill in sizes, manholes and inverts from the heads down to the outfalls."""
    leaving: dict[Joint, int] = {}
    flow = nx.DiGraph()
    flow.add_nodes_from(range(len(sewers)))
    for number, sewer in enumerate(sewers):
        leaving[joint_keys(sewer.line)[0]] = number
    for number, sewer in enumerate(sewers):
        following = leaving.get(joint_keys(sewer.line)[1])
        if following is not None:
            flow.add_edge(number, following)
    upstream: dict[int, float] = {}
    for number in nx.lexicographical_topological_sort(flow):
        sewer, feeders = sewers[number], sorted(flow.predecessors(number))
        upstream[number] = sewer.line.length + sum(upstream[f] for f in feeders)
        arriving = min((sewers[f].inverts_m[-1] for f in feeders), default=np.inf)
        _grade(sewer, utility, upstream[number], arriving)
    return sewers


def _grade(sewer: Sewer, utility: str, upstream_m: float, arriving_m: float) -> None:
    """Set manholes every 40 m and inverts that keep the least slope and the least cover."""
    _, size, slope = [row for row in SIZES[utility] if row[0] <= upstream_m][-1]
    count = max(1, int(np.ceil(sewer.line.length / MANHOLE_EVERY_M)))
    places = np.linspace(0, sewer.line.length, count + 1)
    points = shapely.get_coordinates(shapely.line_interpolate_point(sewer.line, places))
    ground = layout.ground_level(points)
    highest = ground - LEAST_COVER_M - size / 1000
    inverts = [min(highest[0], arriving_m)]
    for k in range(count):
        inverts.append(min(highest[k + 1], inverts[-1] - slope * (places[k + 1] - places[k])))
    sewer.size_mm, sewer.places_m = size, tuple(float(p) for p in places)
    sewer.ground_m = tuple(float(g) for g in ground)
    sewer.inverts_m = tuple(float(v) for v in np.round(inverts, 3))

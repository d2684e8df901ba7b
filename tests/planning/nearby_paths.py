"""The ways near a site of a small town: as the planner has them, and all of them by networkx."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count

import networkx as nx
import numpy as np
from hypothesis import reject

from layers.survey import Survey
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.nearby_ways import Found, NearbyWays, nearby_ways
from planning.routes import Way
from tests import towns


def solved(
    survey: Survey, utility: str = "water", **changes: object
) -> tuple[ExternalLine, NearbyWays]:
    case = towns.application(**changes)
    work = towns.ground(survey, case)
    site = work.site(case)
    demand = case.demands[utility]
    line = external_lines(work, demand, [site], nearby_finder())[site.key]
    if line.route is None:
        reject()
    return line, nearby_ways(work, site, line)


def all_ways(nearby: NearbyWays, most: int = 150) -> Iterator[Found]:
    """Ways without a node twice by rising yuan and by rising metres, the first of each order.

    Partial ways wait in a heap by what they and the least way on from them weigh (networkx).
    """
    work = nearby.work
    search = work.search(nearby.demand.pipe, "cheapest")
    bored = work.methods(nearby.demand.pipe).bored
    other = work.corridors.is_connector & ~np.isin(
        work.corridors.graph.ends, nearby.site.end_nodes
    ).any(axis=1)
    open_ = np.flatnonzero(np.isfinite(search.edge_weights) & ~other)
    graph = work.corridors.graph.to_networkx(edges=open_)
    goals = [node for node in nearby.site.end_nodes.tolist() if node in graph]
    table = search.tie_ins.table
    stubs = {"yuan": search.tie_in_weights, "m": table["length_m"].to_numpy(float)}
    steps = {"yuan": search.edge_weights, "m": work.corridors.graph.length_m}
    starts = np.flatnonzero(np.isfinite(search.tie_in_weights)).tolist()
    for order, step in steps.items():
        ahead = nx.multi_source_dijkstra_path_length(
            graph, goals, weight=lambda a, b, keys, step=step: min(step[key] for key in keys)
        )
        nodes = {row: int(table["node"].iat[row]) for row in starts}
        heap = [
            (stubs[order][row] + ahead[node], n, stubs[order][row], row, node, ())
            for n, (row, node) in enumerate(nodes.items())
            if node in ahead
        ]
        heapify(heap)
        serial, found, tried = count(len(starts)), 0, 0
        while heap and found < most and tried < 2_000:
            tried += 1
            _, _, used, row, node, edges = heappop(heap)
            if node in goals:
                found += 1
                weight = search.tie_in_weights[row] + search.edge_weights[list(edges)].sum()
                under = tuple(edge for edge in edges if bored[edge])
                yield Found(Way(row, edges, node, float(weight)), under)
                continue
            seen = {nodes[row], *work.corridors.graph.ends[list(edges)].ravel().tolist()}
            for _, head, key in graph.edges(node, keys=True):
                if head not in seen and head in ahead:
                    more = used + step[key]
                    heappush(
                        heap, (more + ahead[head], next(serial), more, row, head, (*edges, key))
                    )

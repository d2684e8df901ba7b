"""Cases just past a limit stay there: no other way within the limits would qualify."""

from __future__ import annotations

from itertools import pairwise, takewhile

import networkx as nx
import numpy as np
import pytest

from planning.application import Application
from planning.groundwork import Groundwork, Site
from planning.judged_routes import judge_routes, working_strips
from planning.routes import Search, Way, own_edges, trace

pytestmark = pytest.mark.slow_first

REACH_M = 1200.0


@pytest.fixture(scope="module")
def county(
    sample_work: Groundwork, sample_cases: list[Application]
) -> tuple[Groundwork, dict[str, Site]]:
    return sample_work, {case.application_id: sample_work.site(case) for case in sample_cases}


def _graph(search: Search, site: Site, barred_edges=(), barred_tie_ins=()) -> nx.Graph:
    """Simple graph from 'network' to 'gate' in metres, without what is barred."""
    corridors = search.corridors
    west, south = corridors.graph.node_xy[site.end_nodes].min(axis=0) - REACH_M
    east, north = corridors.graph.node_xy[site.end_nodes].max(axis=0) + REACH_M
    edges = own_edges(corridors, site.end_nodes, (west, south, east, north))
    near = corridors.graph.to_networkx(edges=edges)
    graph = nx.Graph()
    rows = [(a, b, float(search.edge_weights[k]), k) for a, b, k in near.edges(keys=True)
            if k not in barred_edges]  # fmt: skip
    rows += [("network", node, float(weight), ("tie_in", row))
             for row, (node, weight) in enumerate(
                 zip(search.tie_ins.table["node"], search.tie_in_weights, strict=True))
             if node in near and np.isfinite(weight) and row not in barred_tie_ins]  # fmt: skip
    rows += [(node, "gate", 0.0, ("end", node)) for node in site.end_nodes.tolist()]
    for a, b, weight, key in sorted(rows, key=lambda row: -row[2]):
        graph.add_edge(a, b, weight=weight, key=key)
    return graph


def _ways_up_to(graph: nx.Graph, limit_m: float) -> list[Way]:
    """Every simple way from the network to the gate that is no longer than the limit."""
    out = nx.single_source_dijkstra_path_length(graph, "network")
    back = nx.single_source_dijkstra_path_length(graph, "gate")
    useful = [n for n in graph if out.get(n, np.inf) + back.get(n, np.inf) <= limit_m + 0.01]
    graph = graph.subgraph(useful)
    ways = (
        Way(keys[0][1], tuple(keys[1:-1]), path[-2], nx.path_weight(graph, path, "weight"))
        for path in nx.shortest_simple_paths(graph, "network", "gate", weight="weight")
        if (keys := [graph[a][b]["key"] for a, b in pairwise(path)])
    )
    return list(takewhile(lambda way: way.weight <= limit_m + 0.01, ways))


@pytest.mark.parametrize(
    ("application_id", "utility"), [("BZ-2026-010", "water"), ("BZ-2026-020", "telecom")]
)
def test_no_way_of_200_m_takes_less_green(county, application_id, utility) -> None:
    work, sites = county
    site = sites[application_id]
    demand = site.application.demands[utility]
    ways = _ways_up_to(_graph(work.search(demand.pipe, "shortest"), site), 200.0)
    routes = trace(work.corridors, work.tie_ins(utility), ways)
    judged = judge_routes(
        work, demand, [site] * len(ways), routes, working_strips(work, demand, routes)
    )
    assert ways
    assert {route.verdict.outcome for route in judged} == {"ordinary_approval"}


def test_no_way_of_800_m_goes_round_the_boulevard(county) -> None:
    work, sites = county
    site = sites["BZ-2026-022"]
    search = work.search(site.application.demands["power"].pipe, "shortest")
    corridors, tie_ins = work.corridors, work.tie_ins("power")
    roads = corridors.surfaces.table["road_id"].to_list()
    boulevard = roads.index("R-N02")
    edges, ways = corridors.crossings, tie_ins.crossings
    across = set(edges["edge"][edges["road"] == boulevard])
    tied_across = set(ways["tie_in"][ways["road"] == boulevard])
    graph = _graph(search, site, across, tied_across)
    assert nx.dijkstra_path_length(graph, "network", "gate") > 800


@pytest.mark.parametrize(
    ("application_id", "utility", "limit_m"),
    [
        ("BZ-2026-006", "water", 200),
        ("BZ-2026-012", "gas", 200),
        ("BZ-2026-018", "telecom", 200),
        ("BZ-2026-024", "power", 800),
    ],
)
def test_even_the_shortest_way_is_past_the_limit(county, application_id, utility, limit_m) -> None:
    work, sites = county
    site = sites[application_id]
    search = work.search(site.application.demands[utility].pipe, "shortest")
    length = nx.dijkstra_path_length(_graph(search, site), "network", "gate")
    assert limit_m + 0.005 <= length < limit_m + 0.015

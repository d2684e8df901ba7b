"""Screening of all parcels for six utilities, against one parcel at a time on networkx."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from benchmarks.county import COUNTY, generated_county
from benchmarks.ground import (
    NETWORK,
    cases,
    demands_of,
    groundwork,
    networkx_graph,
    spread_out,
)
from benchmarks.measured_routes import DrawnWays, Layers
from benchmarks.measuring import cpu_of, in_child
from layers.utilities import load_utilities
from planning.application import Application
from planning.batch import screen
from planning.external_lines import all_by_forest, lines_of_site
from planning.groundwork import Groundwork, prepare
from planning.policies import load_policy
from planning.routes import OBJECTIVES, Search
from planning.standards import Pipe

if TYPE_CHECKING:
    import networkx as nx

# So many that what a run comes to hardly depends on which ones were drawn.
SAMPLED = 120
# Seconds each.
SAMPLED_UNSTOPPED = 12
_REPEATS = 3
# So many are screened twice only: lines measured for the first time, and again.
_MANY_PARCELS = 20_000


def run(edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Measure ours, and with ``peers`` the others on the same county."""
    ours = in_child(_ours, edges, parcels)
    others = {}
    if peers:
        others = {
            "networkx_per_parcel_routes_only": in_child(_per_parcel, edges, parcels),
            "networkx_per_parcel_measured": in_child(per_parcel_measured, edges, parcels),
            "networkx_shapely_vectorised": in_child(vectorised, edges, parcels),
            "networkx_forest_routes_only": in_child(_networkx_forest, edges, parcels),
            "one_parcel_at_a_time": in_child(_one_at_a_time, edges, parcels),
        }
    cpu_s = ours["cpu_s"]
    ratios = {
        "per_parcel_networkx_routes_to_our_screening": (
            "networkx_per_parcel_routes_only",
            "screening",
        ),
        "per_parcel_networkx_measured_to_our_screening": (
            "networkx_per_parcel_measured",
            "screening",
        ),
        "vectorised_networkx_shapely_to_our_first_screening_on_arrays": (
            "networkx_shapely_vectorised",
            "screening_first_on_arrays_with_edge_measures",
        ),
        "per_parcel_networkx_measured_to_our_first_screening_on_arrays": (
            "networkx_per_parcel_measured",
            "screening_first_on_arrays_with_edge_measures",
        ),
        "per_parcel_networkx_routes_to_our_routes": ("networkx_per_parcel_routes_only", "routes"),
        "networkx_forest_routes_to_our_routes": ("networkx_forest_routes_only", "routes"),
        "one_parcel_at_a_time_to_our_screening": ("one_parcel_at_a_time", "screening"),
    }
    return {
        **ours,
        "peers": others,
        "ratios": {
            name: others[peer]["cpu_s"] / cpu_s[part]
            for name, (peer, part) in ratios.items()
            if peer in others
        },
    }


def _ours(edges: int, parcels: int) -> dict[str, Any]:
    survey, policy = generated_county(edges, parcels), load_policy(COUNTY)
    start = time.process_time()
    work = prepare(survey, policy)
    corridors_s = time.process_time() - start
    tie_ins_s = cpu_of(lambda: [work.tie_ins(utility) for utility in load_utilities()])
    graph, wanted = work.corridors.graph, cases(work)
    measures_s = cpu_of(lambda: work.corridors.measure(graph.lines))
    alone: list[dict[str, float]] = []

    def screen_all() -> None:
        alone.append(screen(work, wanted, geometry=False).attrs["one_by_one"])

    first_s = cpu_of(screen_all)
    again_s = cpu_of(screen_all, _REPEATS if parcels < _MANY_PARCELS else 1)
    sites = [work.site(case) for case in wanted]
    searches = searches_of(work, wanted)
    return {
        "edges": graph.edge_count,
        "parcels": len(wanted),
        "plots": len({tuple(site.end_nodes.tolist()) for site in sites}),
        "pairs_left_open": alone[-1]["pairs"],
        "pairs_one_by_one": alone[-1]["solved"],
        "cpu_s": {
            "corridors": corridors_s,
            "tie_ins": tie_ins_s,
            "screening_first": first_s,
            "edge_measures": measures_s,
            "screening_first_on_arrays": first_s - alone[0]["cpu_s"],
            "screening_first_on_arrays_with_edge_measures": first_s
            - alone[0]["cpu_s"]
            + measures_s,
            "screening": again_s,
            "one_by_one_of_it": statistics.median(one["cpu_s"] for one in alone[1:]),
            "screening_with_lines": cpu_of(lambda: screen(work, wanted)),
            "routes": cpu_of(lambda: [all_by_forest(s, sites) for s in searches], _REPEATS),
        },
    }


def searches_of(work: Groundwork, wanted: list[Application]) -> list[Search]:
    """What every edge and every way to a tie-in weighs, for each pipe and objective."""
    pipes = dict.fromkeys(demand.pipe for demand in demands_of(wanted))
    return [work.search(pipe, objective) for pipe in pipes for objective in OBJECTIVES]


def _per_parcel(edges: int, parcels: int) -> dict[str, Any]:
    """The careful way: Dijkstra from the red line, stopped at the nearest tie-in."""
    work = groundwork(edges, parcels)
    wanted = cases(work)
    chosen = spread_out(wanted, SAMPLED)
    graphs = _graphs(work, chosen)
    seconds, differences = 0.0, 0
    for case in chosen:
        site = work.site(case)
        for demand in case.demands.values():
            for objective in OBJECTIVES:
                start = time.process_time()
                length, _ = nearest(graphs[demand.pipe, objective], site.end_nodes.tolist())
                seconds += time.process_time() - start
                way = all_by_forest(work.search(demand.pipe, objective), [site]).get(site.key)
                ours = np.inf if way is None else way.weight
                differences += not np.isclose(length, ours, rtol=0.0, atol=1e-6)
    return _scaled(seconds, len(chosen), len(wanted)) | {"different_answers": differences}


def per_parcel_measured(edges: int, parcels: int) -> dict[str, Any]:
    """The same with the figures that a screening prints of each route.

    Measured as most people would: a loop with a spatial index, route by route. Facts and verdicts
    are left out.
    """
    work = groundwork(edges, parcels)
    wanted = cases(work)
    chosen = spread_out(wanted, SAMPLED)
    graphs = _graphs(work, chosen)
    drawn, layers = DrawnWays(work), Layers(work)
    start = time.process_time()
    for case in chosen:
        end_nodes = work.site(case).end_nodes.tolist()
        for pipe in (demand.pipe for demand in case.demands.values()):
            for objective in OBJECTIVES:
                _, nodes = nearest(graphs[pipe, objective], end_nodes)
                if nodes:
                    lines = drawn.lines(work.search(pipe, objective), nodes)
                    layers.figures(lines, work.strip_width_m(pipe))
    return _scaled(time.process_time() - start, len(chosen), len(wanted))


def per_parcel_unstopped(edges: int, parcels: int) -> dict[str, Any]:
    """The usual way: ``single_source_dijkstra`` from every end on the red line.

    Cheapest routes only; nothing stops at the nearest tie-in, and nothing is measured.
    """
    import networkx as nx

    work = groundwork(edges, parcels)
    wanted = cases(work)
    chosen = spread_out(wanted, SAMPLED_UNSTOPPED)
    graphs = _graphs(work, chosen, ["cheapest"])
    seconds, differences = 0.0, 0
    for case in chosen:
        site = work.site(case)
        for demand in case.demands.values():
            graph = graphs[demand.pipe, "cheapest"]
            start = time.process_time()
            away = [
                nx.single_source_dijkstra(graph, node)[0].get(NETWORK, np.inf)
                for node in site.end_nodes.tolist()
                if node in graph
            ]
            seconds += time.process_time() - start
            way = all_by_forest(work.search(demand.pipe, "cheapest"), [site]).get(site.key)
            ours = np.inf if way is None else way.weight
            differences += not np.isclose(min(away, default=np.inf), ours, rtol=0.0, atol=1e-6)
    return _scaled(seconds, len(chosen), len(wanted)) | {"different_answers": differences}


def _graphs(
    work: Groundwork, chosen: list[Application], objectives: Sequence[str] = OBJECTIVES
) -> dict[tuple[Pipe, str], nx.DiGraph]:
    return {
        (pipe, objective): networkx_graph(work.search(pipe, objective))
        for pipe in [demand.pipe for demand in demands_of(chosen)]
        for objective in objectives
    }


def nearest(graph: nx.DiGraph, starts: list[int]) -> tuple[float, list[Any]]:
    """Weight and nodes of the way from the red line to the network; infinite without any."""
    import networkx as nx

    present = {node for node in starts if node in graph}
    try:
        length, nodes = nx.multi_source_dijkstra(graph, present, NETWORK)
    except (nx.NetworkXNoPath, nx.NodeNotFound, ValueError):
        return float("inf"), []
    return float(length), nodes


def _networkx_forest(edges: int, parcels: int) -> dict[str, Any]:
    """The best way to write it: one Dijkstra from the network for each demand and objective."""
    import networkx as nx

    work = groundwork(edges, parcels)
    graphs = [
        networkx_graph(work.search(pipe, objective)).reverse()
        for pipe in [demand.pipe for demand in demands_of(cases(work))]
        for objective in OBJECTIVES
    ]
    return {
        "cpu_s": cpu_of(lambda: [nx.dijkstra_predecessor_and_distance(g, NETWORK) for g in graphs])
    }


def vectorised(edges: int, parcels: int) -> dict[str, Any]:
    """The best that networkx and shapely do: one Dijkstra for each demand, whole arrays of routes.

    Cheapest routes only, one for each plot, with the figures that a screening prints of each. The
    graphs stand before the clock starts; facts and verdicts are left out.
    """
    import networkx as nx

    work = groundwork(edges, parcels)
    of_pipe: dict[Pipe, set[tuple[int, ...]]] = {}
    for case in cases(work):
        nodes = tuple(work.site(case).end_nodes.tolist())
        for demand in case.demands.values():
            of_pipe.setdefault(demand.pipe, set()).add(nodes)
    graphs = {pipe: networkx_graph(work.search(pipe, "cheapest")).reverse() for pipe in of_pipe}
    drawn, layers = DrawnWays(work), Layers(work)
    start, routes = time.process_time(), 0
    for pipe, sites in of_pipe.items():
        before, away = nx.dijkstra_predecessor_and_distance(graphs[pipe], NETWORK)
        search = work.search(pipe, "cheapest")
        ways = [drawn.lines(search, nodes) for nodes in _ways_back(before, away, sites)]
        of_way = np.repeat(np.arange(len(ways)), [len(way) for way in ways])
        lines = shapely.multilinestrings([line for way in ways for line in way], indices=of_way)
        layers.all_figures(lines, work.strip_width_m(pipe))
        routes += len(ways)
    return {"cpu_s": time.process_time() - start, "routes": routes}


def _ways_back(before: Any, away: Any, sites: Any) -> Iterator[list[Any]]:
    """Nodes of the way from the nearest end node of every site that can be reached."""
    for nodes in sites:
        way = [min((n for n in nodes if n in away), key=away.__getitem__, default=NETWORK)]
        while way[-1] != NETWORK:
            way.append(before[way[-1]][0])
        if len(way) > 1:
            yield way


def _one_at_a_time(edges: int, parcels: int) -> dict[str, Any]:
    """Our own search of a neighbourhood with every measure and verdict, parcel by parcel."""
    work = groundwork(edges, parcels)
    wanted = cases(work)
    chosen = spread_out(wanted, SAMPLED)
    for demand in demands_of(chosen):
        for objective in OBJECTIVES:
            work.search(demand.pipe, objective)
    start = time.process_time()
    for case in chosen:
        lines_of_site(work, work.site(case))
    return _scaled(time.process_time() - start, len(chosen), len(wanted))


def _scaled(seconds: float, sampled: int, wanted: int) -> dict[str, Any]:
    """Seconds of a sample scaled to all parcels, and that they are."""
    return {
        "cpu_s": seconds * wanted / sampled,
        "sampled_parcels": sampled,
        "scaled_to_parcels": wanted,
    }

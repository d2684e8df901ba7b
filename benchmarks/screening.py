"""Screening of all parcels for six utilities, against one parcel at a time on networkx."""

from __future__ import annotations

import statistics
import time
from itertools import pairwise
from typing import Any

import geopandas as gpd
import networkx as nx
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
from benchmarks.measuring import cpu_of, in_child
from layers.utilities import load_utilities
from planning.application import Application
from planning.batch import screen
from planning.external_lines import all_by_forest, external_lines, networkx_finder
from planning.groundwork import Groundwork, prepare
from planning.policies import load_policy
from planning.routes import OBJECTIVES
from planning.standards import Pipe

SAMPLED = 12
_REPEATS = 3


def run(edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Measure ours, and with ``peers`` the others on the same county."""
    ours = in_child(_ours, edges, parcels)
    others = {}
    if peers:
        others = {
            "networkx_per_parcel_routes_only": in_child(_per_parcel, edges, parcels),
            "networkx_per_parcel_measured": in_child(_per_parcel_measured, edges, parcels),
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
    wanted = cases(work)
    first_s = cpu_of(lambda: screen(work, wanted, geometry=False))
    alone: list[dict[str, float]] = []
    again_s = cpu_of(
        lambda: alone.append(screen(work, wanted, geometry=False).attrs["one_by_one"]), _REPEATS
    )
    sites = [work.site(case) for case in wanted]
    searches = [work.search(d, o) for d in _pipes(wanted) for o in OBJECTIVES]
    return {
        "edges": work.corridors.graph.edge_count,
        "parcels": len(wanted),
        "pairs_one_by_one": alone[-1]["pairs"],
        "cpu_s": {
            "corridors": corridors_s,
            "tie_ins": tie_ins_s,
            "screening_first": first_s,
            "screening": again_s,
            "one_by_one_of_it": statistics.median(one["cpu_s"] for one in alone),
            "screening_with_lines": cpu_of(lambda: screen(work, wanted)),
            "routes": cpu_of(lambda: [all_by_forest(s, sites) for s in searches], _REPEATS),
        },
    }


def _pipes(wanted: list[Application]) -> list[Pipe]:
    return [demand.pipe for demand in demands_of(wanted)]


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
                length, _ = _nearest(graphs[demand.pipe, objective], site.end_nodes.tolist())
                seconds += time.process_time() - start
                way = all_by_forest(work.search(demand.pipe, objective), [site]).get(site.key)
                ours = np.inf if way is None else way.weight
                differences += not np.isclose(length, ours, rtol=0.0, atol=1e-6)
    return _scaled(seconds, len(chosen), len(wanted)) | {"different_answers": differences}


def _per_parcel_measured(edges: int, parcels: int) -> dict[str, Any]:
    """The same with the lengths inside carriageways and the green area of each strip.

    Measured as most people would: a loop with a spatial index, the strip a metre wide. The last
    step from the strip to the main is left out, and so are facts and verdicts.
    """
    work = groundwork(edges, parcels)
    wanted = cases(work)
    chosen = spread_out(wanted, SAMPLED)
    graphs = _graphs(work, chosen)
    graph = work.corridors.graph
    line_of = {frozenset(pair): at for at, pair in enumerate(graph.ends.tolist())}
    carriageways = gpd.GeoSeries(work.corridors.surfaces.carriageway)
    green = work.survey.tables["green"].geometry.reset_index(drop=True)
    start = time.process_time()
    for case in chosen:
        end_nodes = work.site(case).end_nodes.tolist()
        for demand in case.demands.values():
            for objective in OBJECTIVES:
                _, nodes = _nearest(graphs[demand.pipe, objective], end_nodes)
                steps = [line_of[frozenset(pair)] for pair in pairwise(nodes[:-1])]
                route = shapely.line_merge(shapely.MultiLineString(list(graph.lines[steps])))
                near = carriageways.iloc[carriageways.sindex.query(route)]
                near.intersection(route).length.sum()
                strip = shapely.buffer(route, 0.5, cap_style="flat")
                green.iloc[green.sindex.query(strip)].intersection(strip).area.sum()
    return _scaled(time.process_time() - start, len(chosen), len(wanted))


def _graphs(work: Groundwork, chosen: list[Application]) -> dict[tuple[Pipe, str], nx.DiGraph]:
    return {
        (pipe, objective): networkx_graph(work.search(pipe, objective))
        for pipe in _pipes(chosen)
        for objective in OBJECTIVES
    }


def _nearest(graph: nx.DiGraph, starts: list[int]) -> tuple[float, list[Any]]:
    """Weight and nodes of the way from the red line to the network; infinite without any."""
    present = {node for node in starts if node in graph}
    try:
        length, nodes = nx.multi_source_dijkstra(graph, present, NETWORK)
    except (nx.NetworkXNoPath, nx.NodeNotFound, ValueError):
        return float("inf"), []
    return float(length), nodes


def _networkx_forest(edges: int, parcels: int) -> dict[str, Any]:
    """The best way to write it: one Dijkstra from the network for each demand and objective."""
    work = groundwork(edges, parcels)
    graphs = [
        networkx_graph(work.search(pipe, objective)).reverse()
        for pipe in _pipes(cases(work))
        for objective in OBJECTIVES
    ]
    return {
        "cpu_s": cpu_of(lambda: [nx.dijkstra_predecessor_and_distance(g, NETWORK) for g in graphs])
    }


def _one_at_a_time(edges: int, parcels: int) -> dict[str, Any]:
    """Our own networkx search with every measure and verdict, parcel by parcel."""
    work = groundwork(edges, parcels)
    wanted = cases(work)
    chosen = spread_out(wanted, SAMPLED)
    for demand in demands_of(chosen):
        for objective in OBJECTIVES:
            work.search(demand.pipe, objective)
    start = time.process_time()
    for case in chosen:
        site, find = work.site(case), networkx_finder()
        for demand in case.demands.values():
            external_lines(work, demand, [site], find)
    return _scaled(time.process_time() - start, len(chosen), len(wanted))


def _scaled(seconds: float, sampled: int, wanted: int) -> dict[str, Any]:
    """Seconds of a sample scaled to all parcels, and that they are."""
    return {
        "cpu_s": seconds * wanted / sampled,
        "sampled_parcels": sampled,
        "scaled_to_parcels": wanted,
    }

"""What all benchmarks stand on: a generated county made ready, and its graph for networkx."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.county import COUNTY, generated_county
from layers.utilities import load_utilities
from planning.application import Application, Demand
from planning.batch import cases_of
from planning.groundwork import Groundwork, prepare
from planning.policies import load_policy
from planning.routes import Search

if TYPE_CHECKING:  # ours needs none, and its memory is measured
    import networkx as nx

DIG_DATE = date(2026, 11, 22)
NETWORK = "network"


def groundwork(edges: int, parcels: int) -> Groundwork:
    """Groundwork of the generated county, tie-ins of all utilities found."""
    work = prepare(generated_county(edges, parcels), load_policy(COUNTY))
    for utility in load_utilities():
        work.tie_ins(utility)
    return work


def cases(work: Groundwork) -> list[Application]:
    """Every parcel with its default demand."""
    return cases_of(work.survey, [], DIG_DATE)


def spread_out(items: Sequence[Any], count: int) -> list[Any]:
    """``count`` items, evenly drawn from all."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).astype(int)
    return [items[place] for place in places]


def demands_of(chosen: Sequence[Application]) -> list[Demand]:
    """The different demands of some cases."""
    return list(dict.fromkeys(demand for case in chosen for demand in case.demands.values()))


def networkx_graph(search: Search) -> nx.DiGraph:
    """The whole corridor graph with its tie-ins, as one would write it for networkx.

    Arcs lead from red lines to the node ``network``; connectors lead away from red lines only,
    so that no way runs through another parcel.
    """
    import networkx as nx

    corridors = search.corridors
    graph = nx.DiGraph()
    connector, ends = corridors.is_connector, corridors.graph.ends
    weights = np.asarray(search.edge_weights)
    both = np.concatenate([ends[~connector], ends[~connector, ::-1], ends[connector, ::-1]])
    _add_arcs(graph, both, np.r_[weights[~connector], weights[~connector], weights[connector]])
    best = search.best_tie_ins
    joins = zip(best.node.tolist(), best.weight.tolist(), strict=True)
    graph.add_weighted_edges_from((node, NETWORK, weight) for node, weight in joins)
    return graph


def _add_arcs(graph: nx.DiGraph, ends: NDArray[Any], weights: NDArray[Any]) -> None:
    """Add arcs; of parallel ones the lightest is added last and stays."""
    order = np.argsort(-weights, kind="stable")
    triples = zip(*ends[order].T.tolist(), weights[order].tolist(), strict=True)
    for start, end, weight in triples:
        graph.add_edge(start, end, weight=weight)

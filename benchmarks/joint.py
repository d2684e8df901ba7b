"""The joint trench of six utilities, exact, against Steiner trees of networkx and separate digs."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import partial
from typing import Any

import networkx as nx
import numpy as np
from networkx.algorithms.approximation import steiner_tree
from numpy.typing import NDArray

from benchmarks.ground import cases, groundwork, spread_out
from benchmarks.measuring import cpu_of, cpu_samples, in_child
from gis.steiner import JointTree, cheapest_joint_tree
from gis.subsets import demand_of_sets
from layers.utilities import load_utilities

SMALL_EDGES = 3_000
_SMALL_PARCELS = 60
_ROOTS = 5
_REPEATS = 7
# Few places to start, drawn from all over the county, so that routes are long and must share.
_STARTS = 4
# Yuan of a metre, for the shape of the problem only: a trench, and a pipe of each utility.
_TRENCH_YUAN_M = 300.0
_PIPE_YUAN_M = np.array([120.0, 150.0, 180.0, 110.0, 260.0, 90.0])


@dataclass(frozen=True)
class _Instance:
    """One parcel's problem on the whole corridor graph."""

    ends: NDArray[Any]
    length_m: NDArray[Any]
    starts: list[NDArray[Any]]
    root: int

    def costs(self, pipe_yuan_m: NDArray[Any]) -> NDArray[Any]:
        """Cost of every edge for every set: one trench and the pipes in it."""
        yuan_m = _TRENCH_YUAN_M + demand_of_sets(pipe_yuan_m)
        yuan_m[0] = 0.0
        return np.asarray(yuan_m[:, None] * self.length_m)

    def tree(self, pipe_yuan_m: NDArray[Any]) -> JointTree:
        return cheapest_joint_tree(self.ends, self.costs(pipe_yuan_m), self.starts, self.root)


def run(edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Measure the exact tree at 3,000 edges and at the size asked for."""
    ours = in_child(_ours, edges, parcels)
    small = in_child(_ours, SMALL_EDGES, _SMALL_PARCELS)
    for part, seconds in small["cpu_s"].items():
        ours["cpu_s"][f"{part}_at_{SMALL_EDGES}_edges"] = seconds
    others = {
        name: in_child(_steiner, SMALL_EDGES, _SMALL_PARCELS, name) for name in _PEERS if peers
    }
    ratios = {}
    for name, peer in others.items():
        ratios[f"{name}_time_to_ours"] = peer["cpu_s"] / small["cpu_s"]["trench_only"]
        ratios[f"{name}_cost_to_optimum"] = peer["cost_to_optimum"]
    return {**ours, "small": small, "peers": others, "ratios": ratios}


def _instances(edges: int, parcels: int) -> tuple[list[_Instance], dict[str, int]]:
    work = groundwork(edges, parcels)
    graph = work.corridors.graph
    rng = np.random.default_rng(1)
    wanted = [case for case in cases(work) if len(work.site(case).end_nodes)]
    found = []
    for case in spread_out(wanted, _ROOTS):
        places = [np.unique(work.tie_ins(utility).table["node"]) for utility in load_utilities()]
        starts = [rng.choice(nodes, min(_STARTS, len(nodes)), replace=False) for nodes in places]
        root = int(work.site(case).end_nodes[0])
        found.append(_Instance(graph.ends, graph.length_m, starts, root))
    return found, {"edges": graph.edge_count, "parcels": len(wanted)}


def _ours(edges: int, parcels: int) -> dict[str, Any]:
    instances, sizes = _instances(edges, parcels)
    trees = [one.tree(_PIPE_YUAN_M) for one in instances]
    nothing = np.zeros(len(_PIPE_YUAN_M))
    separate = [_separate(one, tree) for one, tree in zip(instances, trees, strict=True)]
    samples = [_samples(one, _PIPE_YUAN_M) for one in instances]
    trench_only = [_samples(one, nothing) for one in instances]
    return {
        **sizes,
        "proven": all(tree.proven_optimal for tree in trees),
        "separate_cost_to_joint": statistics.median(alone for alone, _ in separate),
        "overlap_cost_to_joint": statistics.median(overlap for _, overlap in separate),
        "cpu_s": {
            "joint_tree": statistics.median(map(statistics.median, samples)),
            "joint_tree_quickest": statistics.median(map(min, samples)),
            "trench_only": statistics.median(map(statistics.median, trench_only)),
        },
    }


def _samples(instance: _Instance, pipe_yuan_m: NDArray[Any]) -> list[float]:
    """CPU seconds of the tree from its cost table, the table aside."""
    costs = instance.costs(pipe_yuan_m)
    return cpu_samples(
        lambda: cheapest_joint_tree(instance.ends, costs, instance.starts, instance.root).cost,
        _REPEATS,
    )


def _separate(instance: _Instance, tree: JointTree) -> tuple[float, float]:
    """Cost of digging each line alone, and with coinciding metres dug once, over the joint cost."""
    alone = sum(tree.coalition_costs[1 << member] for member in range(len(_PIPE_YUAN_M)))
    used = tree.alone_subset_of_edge
    overlap = instance.costs(_PIPE_YUAN_M)[used, np.arange(len(used))].sum()
    return float(alone / tree.cost), float(overlap / tree.cost)


_PEERS = {"networkx_kou": "kou", "networkx_mehlhorn": "mehlhorn"}


def _steiner(edges: int, parcels: int, name: str) -> dict[str, Any]:
    """Steiner trees of networkx over the root and each utility's nearest start, trench only."""
    instances, _ = _instances(edges, parcels)
    nothing = np.zeros(len(_PIPE_YUAN_M))
    seconds, gaps = [], []
    for instance in instances:
        graph = _streets(instance)
        solve = partial(_networkx_tree, graph, instance, _PEERS[name])
        seconds.append(cpu_of(solve, _REPEATS))
        cost = solve().size(weight="weight") * _TRENCH_YUAN_M
        gaps.append(cost / instance.tree(nothing).cost)
    return {"cpu_s": statistics.median(seconds), "cost_to_optimum": statistics.median(gaps)}


def _streets(instance: _Instance) -> nx.Graph:
    """The corridor graph with lengths; of parallel edges the shortest, added last, stays."""
    order = np.argsort(-instance.length_m, kind="stable")
    graph = nx.Graph()
    for (start, end), metres in zip(
        instance.ends[order].tolist(), instance.length_m[order].tolist(), strict=True
    ):
        graph.add_edge(start, end, weight=metres)
    return graph


def _networkx_tree(graph: nx.Graph, instance: _Instance, method: str) -> nx.Graph:
    length = nx.single_source_dijkstra_path_length(graph, instance.root)
    nearest = [min(nodes.tolist(), key=length.__getitem__) for nodes in instance.starts]
    return steiner_tree(graph, sorted({instance.root, *nearest}), method=method)

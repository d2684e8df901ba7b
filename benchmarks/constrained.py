"""Cheapest routes under caps on length, greenery and crossings, against a mixed-integer solver."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix, vstack
from scipy.sparse.csgraph import dijkstra

from benchmarks.county import street_lines
from benchmarks.measuring import in_child, percentile
from gis.constrained import Terminals, cheapest_within
from gis.network import arcs
from gis.noding import node_lines
from gis.spread import both_ways

REQUESTS = 24
_APART_M = (800.0, 2_000.0)
# Limits of a request: times the shortest way, and shares of what the cheapest way uses.
_LENGTH_CAP, _GREEN_CAP, _CROSSING_CAP = (1.05, 1.5), (0.3, 0.9), (0.5, 1.0)
_SOLVER_S = 20.0


@dataclass(frozen=True)
class _Town:
    """Streets with yuan, and metres of length, greenery and crossing for every edge."""

    edges: int

    @cached_property
    def graph(self) -> tuple[NDArray[Any], int, NDArray[Any], NDArray[Any]]:
        """Ends, number of nodes, cost (m,) and resources (3, m)."""
        network = node_lines(street_lines(self.edges))
        length = shapely.length(network.pieces.lines)
        rng = np.random.default_rng(2)
        some, across = rng.random((2, len(length)))
        green = np.where(some < 0.3, length * rng.random(len(length)), 0.0)
        crossing = np.where(across < 0.5, rng.uniform(8.0, 30.0, len(length)), 0.0)
        cost = length * rng.uniform(200.0, 900.0, len(length)) - 150.0 * green
        return network.ends, len(network.node_xy), cost, np.stack([length, green, crossing])

    @cached_property
    def xy(self) -> NDArray[Any]:
        return node_lines(street_lines(self.edges)).node_xy

    def requests(self) -> list[tuple[int, int, NDArray[Any]]]:
        """Pairs of nodes with caps drawn round what their shortest and cheapest ways use."""
        ends, count, cost, resources = self.graph
        rng, found = np.random.default_rng(3), []
        while len(found) < REQUESTS:
            start = int(rng.integers(count))
            away = np.hypot(*(self.xy - self.xy[start]).T)
            near = np.flatnonzero((away > _APART_M[0]) & (away < _APART_M[1]))
            if len(near) == 0:
                near = np.delete(np.arange(count), start)
            goal = int(rng.choice(near))
            shortest = _used(ends, resources[0], resources, start, goal, count)
            cheapest = _used(ends, cost, resources, start, goal, count)
            if shortest is None or cheapest is None:
                continue
            shares = [rng.uniform(*s) for s in (_LENGTH_CAP, _GREEN_CAP, _CROSSING_CAP)]
            caps = np.array([shortest[0], cheapest[1], cheapest[2]]) * shares
            found.append((start, goal, caps))
        return found


def _used(
    ends: NDArray[Any],
    weights: NDArray[Any],
    resources: NDArray[Any],
    start: int,
    goal: int,
    count: int,
) -> NDArray[Any] | None:
    """What the lightest way uses of every resource; None without a way."""
    found = arcs(ends, weights, count)
    _, before = dijkstra(found.matrix, indices=start, return_predecessors=True)
    edge_to, edges = found.edges_from(before), []
    while goal != start:
        if before[goal] < 0:
            return None
        edges.append(int(edge_to[goal]))
        goal = int(before[goal])
    return np.asarray(resources[:, edges].sum(axis=1))


def run(edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Measure ours, and with ``peers`` HiGHS on the disc that the cap on length leaves."""
    ours = in_child(_ours, edges)
    others = {"highs": in_child(_highs, edges)} if peers else {}
    ratios = {}
    for name, peer in others.items():
        costs = zip(peer.pop("costs"), ours["costs"], strict=True)
        peer["different_answers"] = sum(not _same(told, mine) for told, mine in costs)
        ratios[f"{name}_to_ours"] = peer["cpu_s"]["p50"] / ours["cpu_s"]["p50"]
    ours.pop("costs")
    return {**ours, "peers": others, "ratios": ratios}


def _same(told: float | None, ours: float | None) -> bool:
    """Whether a peer's answer does not contradict ours; one that was stopped says nothing."""
    if told is None or ours is None:
        return told is ours
    return bool(np.isnan(told)) or abs(told - ours) <= 1e-6 * max(told, ours)


def _ours(edges: int) -> dict[str, Any]:
    town = _Town(edges)
    ends, count, cost, resources = town.graph
    both = both_ways(count, ends)
    seconds, costs, proven = [], [], 0
    for start, goal, caps in town.requests():
        before = time.process_time()
        found = cheapest_within(
            ends, count, cost, resources, Terminals.at([start], 3), Terminals.at([goal], 3), caps,
            arcs=both,
        )  # fmt: skip
        seconds.append(time.process_time() - before)
        proven += found.proven
        costs.append(found.lower_bound if found.walk is not None else None)
    return {
        "edges": len(ends),
        "requests": len(costs),
        "proven": proven,
        "without_a_way": costs.count(None),
        "costs": costs,
        "cpu_s": {"p50": percentile(seconds, 0.50), "p95": percentile(seconds, 0.95)},
    }


def _highs(edges: int) -> dict[str, Any]:
    """A flow over both directions of the edges within the disc; cutting the disc is not timed."""
    town = _Town(edges)
    ends, count, cost, resources = town.graph
    matrix = arcs(ends, resources[0], count).matrix
    seconds: list[float] = []
    costs: list[float | None] = []
    stopped = 0
    for start, goal, caps in town.requests():
        away = dijkstra(matrix, indices=[start, goal]).sum(axis=0)
        disc = np.flatnonzero((away[ends] <= caps[0] + 1e-6).all(axis=1))
        before = time.process_time()
        answer = _flow(ends[disc], cost[disc], resources[:, disc], start, goal, caps)
        seconds.append(time.process_time() - before)
        stopped += int(answer is not None and np.isnan(answer))
        costs.append(answer)
    return {
        "costs": costs,
        "stopped": stopped,
        "cpu_s": {"p50": percentile(seconds, 0.50), "p95": percentile(seconds, 0.95)},
    }


def _flow(
    ends: NDArray[Any],
    cost: NDArray[Any],
    resources: NDArray[Any],
    start: int,
    goal: int,
    caps: NDArray[Any],
) -> float | None:
    """The least cost; None for no way, NaN where the solver was stopped."""
    if start not in ends or goal not in ends:
        return None
    nodes, place = np.unique(ends, return_inverse=True)
    place = place.reshape(-1, 2)
    tail, head = np.concatenate([place, place[:, ::-1]]).T
    arc, ones = np.arange(len(tail)), np.ones(len(tail))
    flow = coo_matrix(
        (np.r_[ones, -ones], (np.r_[tail, head], np.r_[arc, arc])), (len(nodes), len(arc))
    )
    balance = (nodes == start) * 1.0 - (nodes == goal) * 1.0
    rows = vstack([flow, np.tile(resources, 2)]).tocsc()
    low, high = np.r_[balance, [-np.inf] * len(caps)], np.r_[balance, caps]
    found = milp(
        np.tile(cost, 2),
        integrality=ones,
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows, low, high),
        options={"time_limit": _SOLVER_S, "mip_rel_gap": 0.0},
    )
    if found.status == 2:
        return None
    return float(found.fun) if found.status == 0 else float("nan")

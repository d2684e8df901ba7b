"""The part of the corridor graph that a joint plan can use, as arrays for its search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from gis.spread import both_ways, spread, start_at
from planning.external_lines import ExternalLine
from planning.groundwork import Groundwork, Site
from planning.qualifying import SURE
from planning.route_pieces import piece_book
from planning.routes import BestTieIns, Search, Way
from planning.second_feed import of_other_source
from planning.slots import has_slot
from planning.trenches import JointPlan

# Relative room for rounding, and for what breaks ties, where costs are compared.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Part:
    """Part of the corridor graph with tie-in ways and one root, as arrays for the search.

    Rows come in three kinds: ``edge`` is the number of a graph edge, or -1; ``tie_in`` the row
    of a tie-in, or -1; ``end_node`` joins a node on the red line to the root at no cost, or -1.
    ``slotted`` are the rows that lie in a slot.
    """

    ends: IntArray
    surfaces_m: FloatArray
    allowed: IntArray
    edge: IntArray
    tie_in: IntArray
    end_node: IntArray
    lines: NDArray[Any]
    sources: list[IntArray]
    root: int
    slotted: NDArray[np.bool_]

    @cached_property
    def place(self) -> IntArray:
        """Which of the graph edges among the rows each is."""
        return np.cumsum(self.edge >= 0) - 1

    def rows(self, joint: JointPlan, member: int) -> list[int]:
        """Rows of one member in the joint tree, from its tie-in to the root."""
        mine = np.flatnonzero(joint.subset_of_edge >> member & 1).tolist()
        at: dict[int, list[int]] = defaultdict(list)
        for row in mine:
            for node in self.ends[row].tolist():
                at[node].append(row)
        walk = [next(row for row in mine if self.tie_in[row] >= 0)]
        here = int(self.ends[walk[0], 0])
        while here != self.root:
            walk.append(next(row for row in at[here] if row != walk[-1]))
            one, two = self.ends[walk[-1]].tolist()
            here = two if here == one else one
        return walk

    def way(self, rows: Sequence[int]) -> Way:
        """The way that rows of a member are, in numbers of the graph."""
        edges = tuple(int(self.edge[row]) for row in rows[1:-1])
        return Way(int(self.tie_in[rows[0]]), edges, int(self.end_node[rows[-1]]), float("nan"))


def _open_to(
    work: Groundwork, site: Site, line: ExternalLine, edges: IntArray, tie_ins: IntArray
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which edges, and which ways to tie-ins, a line may be dug along; no shared trench is bored.

    Where its recommended route is not the cheapest but the cheapest that qualifies, it is kept out
    of all that no such route can hold.
    """
    assert line.demand is not None
    ground = work.under(line.closed)
    dug = np.isfinite(ground.methods(line.demand.pipe).cut_yuan_of(edges))
    if line.recommended != "qualifying" or line.both is not None:
        return dug, np.ones(len(tie_ins), bool)
    book = piece_book(ground, line.demand, site)
    cut = np.zeros(len(edges), bool)
    edges_held, tie_ins_held = book.qualifying(edges, cut, tie_ins, SURE, worst=False)
    return dug & edges_held, tie_ins_held


def part_within(
    work: Groundwork,
    site: Site,
    members: Sequence[ExternalLine],
    searches: Sequence[Search],
    reach_yuan: float,
) -> Part:
    """Cut the graph within reach, with the tie-ins of every member and the site's connectors."""
    reach_m = reach_yuan / min(search.lightest_rate for search in searches)
    corridors, graph = work.corridors, work.corridors.graph
    west, south = graph.node_xy[site.end_nodes].min(axis=0) - reach_m
    east, north = graph.node_xy[site.end_nodes].max(axis=0) + reach_m
    edges = graph.edges_within((west, south, east, north))
    own = np.isin(graph.ends[edges], site.end_nodes).any(axis=1)
    edges = edges[~corridors.is_connector[edges] | own]
    starts = [search.best_tie_ins for search in searches]
    edges = edges[_passed_within(work, site, edges, searches, starts, reach_yuan)]
    nodes = graph.nodes_of(edges, site.end_nodes)
    everyone = 2 ** len(searches) - 1
    starts = [best.take(np.isin(best.node, nodes)) for best in starts]
    told = [
        _open_to(work, site, line, edges, best.row)
        for line, best in zip(members, starts, strict=True)
    ]
    passable = np.array([open_to[0] for open_to in told])
    root = len(nodes)
    last = np.searchsorted(nodes, site.end_nodes)
    blocks = [
        _Block(
            np.searchsorted(nodes, graph.ends[edges]),
            work.edge_surfaces_m[edges],
            (passable << np.arange(len(searches))[:, None]).sum(axis=0),
            graph.lines[edges],
            edge=edges,
        ),
        _Block(
            np.stack([last, np.full(len(last), root)], axis=1),
            np.zeros((len(last), work.edge_surfaces_m.shape[1])),
            np.full(len(last), everyone),
            np.full(len(last), None, object),
            end_node=site.end_nodes,
        ),
    ]
    sources, following = [], root + 1
    for member, search in enumerate(searches):
        best = starts[member].take(told[member][1])
        rows = best.row
        places = following + np.arange(len(rows))
        following += len(rows)
        sources.append(places)
        joins = np.stack([np.searchsorted(nodes, best.node), places], axis=1)
        blocks.append(
            _Block(
                joins,
                work.tie_in_surfaces_m(search.tie_ins.utility)[rows],
                np.full(len(rows), 1 << member),
                search.tie_ins.lines[rows],
                tie_in=rows,
            )
        )
    edge = np.concatenate([b.numbers(b.edge) for b in blocks])
    return Part(
        ends=np.concatenate([b.ends for b in blocks]),
        surfaces_m=np.concatenate([b.surfaces_m for b in blocks]),
        allowed=np.concatenate([b.allowed for b in blocks]),
        edge=edge,
        tie_in=np.concatenate([b.numbers(b.tie_in) for b in blocks]),
        end_node=np.concatenate([b.numbers(b.end_node) for b in blocks]),
        lines=np.concatenate([b.lines for b in blocks]),
        sources=sources,
        root=root,
        slotted=np.append(has_slot(work), False)[edge],  # -1 is no edge
    )


def _passed_within(
    work: Groundwork,
    site: Site,
    edges: IntArray,
    searches: Sequence[Search],
    starts: Sequence[BestTieIns],
    reach_yuan: float,
) -> NDArray[np.bool_]:
    """Which edges a plan of so many yuan can use: the way of some member over them costs no more.

    Where lines lie together a metre costs at least what it costs any of them alone.
    """
    graph = work.corridors.graph
    nodes = graph.nodes_of(edges, site.end_nodes)
    tail, head = ends = np.searchsorted(nodes, graph.ends[edges]).T
    arcs, passed = both_ways(len(nodes), ends.T), np.zeros(len(edges), bool)
    last = start_at(len(nodes), np.searchsorted(nodes, site.end_nodes))
    most = reach_yuan * (1 + _ROUNDING)
    for search, best in zip(searches, starts, strict=True):
        weights = search.edge_weights[edges]
        here = np.flatnonzero(np.isin(best.node, nodes))
        first = np.full(len(nodes), np.inf)
        first[np.searchsorted(nodes, best.node[here])] = best.weight[here]
        come, left = (spread(arcs, weights[arcs.edge], at, most)[0] for at in (first, last))
        passed |= weights + np.minimum(come[tail] + left[head], come[head] + left[tail]) <= most
    return passed


@dataclass(frozen=True)
class _Block:
    """Rows of one kind before they are joined into a part."""

    ends: IntArray
    surfaces_m: FloatArray
    allowed: IntArray
    lines: NDArray[Any]
    edge: IntArray | None = None
    tie_in: IntArray | None = None
    end_node: IntArray | None = None

    def numbers(self, given: IntArray | None) -> IntArray:
        return np.full(len(self.ends), -1) if given is None else given


def search_of(work: Groundwork, line: ExternalLine) -> Search:
    """The search of a line on its ground; of two feeds only the first lies in the joint plan."""
    assert line.demand is not None
    ground = work.under(line.closed)
    search = ground.search(line.demand.pipe, "cheapest")
    if line.both is None:
        return search
    other = of_other_source(ground, line.demand, line.both.routes[1])
    return replace(search, tie_in_weights=np.where(other, search.tie_in_weights, np.inf))

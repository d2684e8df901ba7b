"""Where a route that qualifies is looked for: the area round a site, and the search in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gis.constrained import Constrained, Terminals, cheapest_within
from gis.linear import FloatArray, IntArray
from gis.spread import both_ways, spread, start_at
from planning.gravity_ways import fall_cap, is_steered
from planning.groundwork import Site
from planning.route_pieces import Caps, PieceBook, Reason, amounts
from planning.routes import Way

# Bounds give way to rounding by so much; whoever passes is judged exactly.
CAP_ROUNDING = 1e-6
# Labels settled for one way before a search gives up.
MOST_LABELS = 5_000


@dataclass(frozen=True)
class Area:
    """Edges and tie-ins round a site, with nodes numbered anew.

    An edge that may be cut open and bored stands twice; ``bored`` tells which is which.

    ``nodes`` are the graph's numbers of the nodes; ``inside`` tells which of them are within
    ``reach_m`` along the edges, so that all their edges are here; ``sources`` and ``targets``
    join tie-ins and red line to nodes.
    """

    reach_m: float
    nodes: IntArray
    inside: NDArray[np.bool_]
    edges: IntArray
    bored: NDArray[np.bool_]
    ends: IntArray
    tie_ins: IntArray
    sources: IntArray
    targets: IntArray

    @property
    def is_empty(self) -> bool:
        return len(self.tie_ins) == 0 or len(self.targets) == 0

    @property
    def why_empty(self) -> Reason:
        """Why no way is left: the pieces left out shut it off, or no more is within the limits."""
        return Reason("no_path" if self.is_closed else "together")

    @property
    def is_closed(self) -> bool:
        """Whether nothing leads out of the part that the red line reaches."""
        return bool(self.inside[self._reached(np.inf, np.zeros(len(self.edges)))].all())

    def _reached(self, reach_m: float, length_m: FloatArray) -> NDArray[np.bool_]:
        arcs = both_ways(len(self.nodes), self.ends)
        start = start_at(len(self.nodes), self.targets)
        limit = min(reach_m, float(np.finfo(float).max))
        away, _ = spread(arcs, length_m[arcs.edge], start, limit)
        return np.isfinite(away)

    def ends_and_kinds(self, is_connector: NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
        """Ends of all pieces, edges before tie-ins (-1 for none), and which a route has once.

        A route has one connector and one way to a tie-in: kinds 1 and 2, 0 for all others.
        """
        stub_ends = np.stack([self.sources, np.full(len(self.sources), -1)], axis=1)
        ends = np.concatenate([self.ends, stub_ends])
        connector = is_connector[self.edges] * 1
        return ends, np.concatenate([connector, np.full(len(self.tie_ins), 2)])

    def part(self, edges: NDArray[np.bool_], tie_ins: NDArray[np.bool_]) -> Area:
        """The same with some of the edges and tie-ins only."""
        return replace(
            self,
            edges=self.edges[edges],
            bored=self.bored[edges],
            ends=self.ends[edges],
            tie_ins=self.tie_ins[tie_ins],
            sources=self.sources[tie_ins],
        )

    def allowed(self, book: PieceBook, level: int, *, worst: bool) -> Area:
        """The part of pieces that qualify alone, and that the red line reaches over such pieces.

        The last steps are looked at first: where none of them qualifies, nothing else matters.
        """
        if not self.has_last_step(book, level, worst=worst):
            return self.last_steps._qualifying(book, level, worst=worst)
        part = self._qualifying(book, level, worst=worst)
        reached = part._reached(np.inf, np.zeros(len(part.edges)))
        return part.part(np.asarray(reached[part.ends].all(axis=1)), reached[part.sources])

    def no_dearer(self, book: PieceBook, yuan: float) -> Area:
        """The part that ways within the area of at most so many yuan use, whatever qualifies."""
        edge_yuan, tie_in_yuan = piece_costs(book, self)
        arcs, most = both_ways(len(self.nodes), self.ends), yuan + CAP_ROUNDING
        if self.is_empty or not np.isfinite(most):
            return self
        start = np.full(len(self.nodes), np.inf)
        np.minimum.at(start, self.sources, tie_in_yuan)
        behind, _ = spread(arcs, edge_yuan[arcs.edge], start, most)
        ahead, _ = spread(arcs, edge_yuan[arcs.edge], start_at(len(self.nodes), self.targets), most)
        one, two = self.ends.T
        least = edge_yuan + np.minimum(behind[one] + ahead[two], behind[two] + ahead[one])
        return self.part(least <= most, tie_in_yuan + ahead[self.sources] <= most)

    def has_last_step(self, book: PieceBook, level: int, *, worst: bool) -> bool:
        """Whether an edge to the red line qualifies; ways to tie-ins there go straight to it."""
        return len(self.last_steps._qualifying(book, level, worst=worst).edges) > 0

    @cached_property
    def last_steps(self) -> Area:
        """Edges and ways to tie-ins that end on the red line."""
        at_end = np.asarray(np.isin(self.ends, self.targets).any(axis=1))
        return self.part(at_end, np.isin(self.sources, self.targets))

    def _qualifying(self, book: PieceBook, level: int, *, worst: bool) -> Area:
        return self.part(*book.qualifying(self.edges, self.bored, self.tie_ins, level, worst=worst))


def area_round(book: PieceBook, site: Site, reach_m: float) -> Area:
    """Strips, crossings, the site's own connectors and fitting tie-ins within reach of its ends."""
    corridors, graph = book.work.corridors, book.work.corridors.graph
    xy = graph.node_xy[site.end_nodes]
    low, high = xy.min(axis=0) - reach_m, xy.max(axis=0) + reach_m
    edges = graph.edges_within((*low.tolist(), *high.tolist()))
    own = np.isin(graph.ends[edges], site.end_nodes).any(axis=1)
    edges = edges[~corridors.is_connector[edges] | own]
    nodes = graph.nodes_of(edges, site.end_nodes)
    methods = book.work.methods(book.demand.pipe)
    may_be = [np.isfinite(yuan[edges]) for yuan in (methods.cut_yuan, methods.bore_yuan)]
    edges = np.concatenate([edges[allowed] for allowed in may_be])
    bored = np.arange(len(edges)) >= np.count_nonzero(may_be[0])
    search = book.work.search(book.demand.pipe, "cheapest")
    tie_ins = np.sort(search.tie_ins.at_nodes(nodes))
    tie_ins = tie_ins[np.isfinite(search.tie_in_weights[tie_ins])]
    # Of features in one place the first by name is found.
    tie_ins = tie_ins[np.argsort(search.tie_ins.names_of(tie_ins), kind="stable")]
    whole = Area(
        reach_m,
        nodes,
        np.ones(len(nodes), bool),
        edges,
        bored,
        np.searchsorted(nodes, graph.ends[edges]),
        tie_ins,
        np.searchsorted(nodes, search.tie_ins.node[tie_ins]),
        np.searchsorted(nodes, site.end_nodes),
    )
    inside = whole._reached(reach_m + CAP_ROUNDING, graph.length_m[edges])
    part = whole.part(np.asarray(inside[whole.ends].any(axis=1)), inside[whole.sources])
    return replace(part, inside=inside)


def piece_costs(book: PieceBook, area: Area) -> tuple[FloatArray, FloatArray]:
    """Yuan of the edges of an area, with what breaks ties, and of its ways to tie-ins."""
    methods = book.work.methods(book.demand.pipe)
    yuan = np.where(area.bored, methods.bore_yuan[area.edges], methods.cut_yuan[area.edges])
    tie_ins = book.work.search(book.demand.pipe, "cheapest").tie_in_weights[area.tie_ins]
    return yuan + book.work.corridors.graph.tie_break[area.edges], tie_ins


@dataclass(frozen=True)
class Problem:
    """The ways of one area with caps: on measures by name, then on the fall of a gravity line, then
    on runs of pieces forbidden.
    """

    area: Area
    names: tuple[str, ...]
    limits: tuple[float, ...]
    end_nodes: IntArray
    edge_rows: FloatArray
    stub_rows: FloatArray
    end_rows: FloatArray
    caps: FloatArray
    edge_cost: FloatArray
    stub_cost: FloatArray

    @staticmethod
    def of(book: PieceBook, area: Area, caps: Caps) -> Problem:
        """The ways in an area of pieces that qualify, under caps."""
        count = len(area.edges)
        rows = np.zeros((len(caps), count + len(area.tie_ins)))
        if caps:
            green = any(map(book.counts_green, caps))
            figures, parts = book.figures(area.edges, area.bored, area.tie_ins, green=green)
            ends, kinds = area.ends_and_kinds(book.work.corridors.is_connector)
            least = amounts(book, figures, parts, ends, kinds)
            rows = np.array([least[name] for name in caps]).reshape(len(caps), len(figures))
        return Problem(
            area,
            tuple(caps),
            tuple(float(condition.limit) for condition, _ in caps.values()),
            area.nodes[area.targets],
            rows[:, :count],
            rows[:, count:],
            np.zeros((len(caps), len(area.targets))),
            np.array([cap + CAP_ROUNDING for _, cap in caps.values()]),
            *piece_costs(book, area),
        )

    def solve(self, dearest: float) -> Constrained:
        """The cheapest way, if one costs no more than the given yuan."""
        if dearest < 0:
            return Constrained(None, True, np.inf, 0)
        return cheapest_within(
            self.area.ends,
            len(self.area.nodes),
            self.edge_cost,
            self.edge_rows,
            Terminals(self.area.sources, self.stub_cost, self.stub_rows),
            Terminals(self.area.targets, np.zeros(len(self.area.targets)), self.end_rows),
            self.caps,
            dearest=dearest,
            limit=MOST_LABELS,
        )

    def way(self, answer: Constrained) -> tuple[Way, tuple[int, ...]]:
        """The way found, in numbers of the graph, and those of its edges that are bored."""
        assert answer.walk is not None
        walked = list(answer.walk.edges)
        edges = self.area.edges[walked]
        tie_in = int(self.area.tie_ins[answer.walk.source])
        end = int(self.end_nodes[answer.walk.target])
        bored = tuple(edges[self.area.bored[walked]].tolist())
        return Way(tie_in, tuple(edges.tolist()), end, answer.walk.cost), bored

    def without(self, answer: Constrained, run: tuple[int, int]) -> Problem:
        """The same without ways that hold a run of the pieces of this one: one more cap."""
        assert answer.walk is not None
        start, end = run
        edges, stubs = np.zeros(len(self.area.edges)), np.zeros(len(self.area.tie_ins))
        edges[list(answer.walk.edges[max(start - 1, 0) : end - 1])] = 1.0
        stubs[answer.walk.source] = float(start == 0)
        return self._capped(edges, stubs, np.zeros(len(self.end_nodes)), end - start - 1.0)

    def keeping_fall(self, book: PieceBook, site: Site) -> Problem:
        """The same with ways only that keep the fall of a gravity line: one more cap."""
        if not is_steered(book.demand):
            return self
        cap = fall_cap(
            book.work,
            book.demand,
            site,
            edges=self.area.edges,
            tie_ins=self.area.tie_ins,
            end_nodes=self.end_nodes,
        )
        return self._capped(*cap)

    def _capped(
        self, edges: FloatArray, stubs: FloatArray, ends: FloatArray, cap: float
    ) -> Problem:
        return replace(
            self,
            edge_rows=np.vstack([self.edge_rows, edges]),
            stub_rows=np.vstack([self.stub_rows, stubs]),
            end_rows=np.vstack([self.end_rows, ends]),
            caps=np.append(self.caps, cap),
        )

    def why(self, answer: Constrained, whole: Area) -> Reason:
        """The reason that a certificate of the search tells of all ways in the whole area.

        The search knows only pieces that qualify: what is so of them need not be so of all.
        """
        certificate = answer.infeasible_because
        if certificate is None or certificate.kind == "no_path":
            return self.area.why_empty
        row = certificate.row
        complete = len(self.area.edges) == len(whole.edges)
        complete = complete and len(self.area.tie_ins) == len(whole.tie_ins)
        if certificate.kind == "cap" and row is not None and row < len(self.names) and complete:
            return Reason("cap", self.names[row], certificate.least, self.limits[row])
        return Reason("together")

"""Where a route that qualifies is looked for: the area round a site, and the search in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gis.constrained import Constrained, Terminals, cheapest_within
from gis.linear import FloatArray, IntArray
from gis.network import told_apart
from gis.spread import LARGEST, Arcs, both_ways, joined, spread, start_at
from planning.gravity_ways import fall_caps, is_steered
from planning.groundwork import Site
from planning.route_pieces import Caps, PieceBook, Reason, Run, amounts
from planning.routes import Way

# Bounds give way to rounding by so much; whoever passes is judged exactly.
CAP_ROUNDING = 1e-6
# Labels settled for one way before a search gives up.
MOST_LABELS = 5_000

# Which edges and which tie-ins of an area.
Which = tuple[NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True)
class Area:
    """Edges and tie-ins round a site, with nodes numbered anew, as pieces of the book of a demand.

    An edge that may be cut open and bored stands twice; ``bored`` tells which is which.

    ``nodes`` are the graph's numbers of the nodes; ``inside`` tells which of them are within
    ``reach_m`` along the edges, so that all their edges are here; ``sources`` and ``targets``
    join tie-ins and red line to nodes.
    """

    book: PieceBook
    reach_m: float
    nodes: IntArray
    inside: NDArray[np.bool_]
    edges: IntArray
    bored: NDArray[np.bool_]
    ends: IntArray
    tie_ins: IntArray
    sources: IntArray
    targets: IntArray
    _told: dict[tuple[int, bool], Which] = field(init=False, repr=False, default_factory=dict)
    _cheap: dict[float, Area] = field(init=False, repr=False, default_factory=dict)

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
        return bool(self.inside[self.reached].all())

    @cached_property
    def reached(self) -> NDArray[np.bool_]:
        """The nodes that the red line reaches."""
        return joined(self._arcs, np.ones(len(self.edges), bool), self.targets)

    @cached_property
    def _arcs(self) -> Arcs:
        return both_ways(len(self.nodes), self.ends)

    @cached_property
    def yuan(self) -> tuple[FloatArray, FloatArray]:
        """Yuan of the edges, with what breaks ties, and of the ways to tie-ins."""
        work, pipe = self.book.work, self.book.demand.pipe
        methods = work.methods(pipe)
        cut, bored = methods.cut_yuan_of(self.edges), methods.bore_yuan_of(self.edges)
        yuan = np.where(self.bored, bored, cut)
        tie_ins = work.search(pipe, "cheapest").tie_in_weights[self.tie_ins]
        return told_apart(yuan, work.corridors.graph.tie_break[self.edges]), tie_ins

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

    def allowed(self, level: int, *, worst: bool) -> Area:
        """The part of pieces that qualify alone, and that the red line reaches over such pieces.

        The last steps are looked at first: where none of them qualifies, nothing else matters.
        """
        if not self.has_last_step(level, worst=worst):
            return self.last_steps.part(*self.last_steps.qualifying(level, worst=worst))
        edges, tie_ins = self.qualifying(level, worst=worst)
        reached = joined(self._arcs, edges, self.targets)
        part = self.part(edges & reached[self.ends[:, 0]], tie_ins & reached[self.sources])
        vars(part)["reached"] = reached
        return part

    def no_dearer(self, yuan: float) -> Area:
        """The part that ways within the area of at most so many yuan use, whatever qualifies."""
        if self.is_empty or not np.isfinite(yuan):
            return self
        if yuan not in self._cheap:
            self._cheap[yuan] = self._no_dearer(yuan + CAP_ROUNDING)
        return self._cheap[yuan]

    def _no_dearer(self, most: float) -> Area:
        (edge_yuan, tie_in_yuan), arcs, (one, two) = self.yuan, self._arcs, self.ends.T
        arc_yuan = edge_yuan[arcs.edge]
        ahead, _ = spread(arcs, arc_yuan, start_at(len(self.nodes), self.targets), most)
        cheap = tie_in_yuan + ahead[self.sources] <= most
        if not cheap.any():
            return self.part(np.zeros(len(self.edges), bool), cheap)
        start = np.full(len(self.nodes), np.inf)
        np.minimum.at(start, self.sources[cheap], tie_in_yuan[cheap])
        behind, _ = spread(arcs, arc_yuan, start, most)
        least = edge_yuan + np.minimum(behind[one] + ahead[two], behind[two] + ahead[one])
        return self.part(least <= most, cheap)

    def has_last_step(self, level: int, *, worst: bool) -> bool:
        """Whether an edge to the red line qualifies; ways to tie-ins there go straight to it."""
        return bool(self.last_steps.qualifying(level, worst=worst)[0].any())

    @cached_property
    def last_steps(self) -> Area:
        """Edges and ways to tie-ins that end on the red line."""
        on_red_line = np.zeros(len(self.nodes), bool)
        on_red_line[self.targets] = True
        one, two = on_red_line[self.ends].T
        return self.part(one | two, on_red_line[self.sources])

    def qualifying(self, level: int, *, worst: bool) -> Which:
        """Which of the edges and tie-ins qualify, asked of the book once."""
        if (level, worst) not in self._told:
            self._told[level, worst] = self.book.qualifying(
                self.edges, self.bored, self.tie_ins, level, worst=worst
            )
        return self._told[level, worst]


@dataclass(frozen=True)
class Surroundings:
    """The areas round a site that the searches of one demand look at, each made once."""

    book: PieceBook
    site: Site
    _areas: dict[float, Area] = field(init=False, repr=False, default_factory=dict)

    def within(self, reach_m: float) -> Area:
        """What lies within reach of the site."""
        if reach_m not in self._areas:
            self._areas[reach_m] = area_round(self.book, self.site, reach_m)
        return self._areas[reach_m]


def area_round(book: PieceBook, site: Site, reach_m: float) -> Area:
    """Strips, crossings, the site's own connectors and fitting tie-ins within reach of its ends."""
    corridors, graph = book.work.corridors, book.work.corridors.graph
    xy = graph.node_xy[site.end_nodes]
    low, high = xy.min(axis=0) - reach_m, xy.max(axis=0) + reach_m
    edges = graph.edges_within((*low.tolist(), *high.tolist()))
    connects = np.flatnonzero(corridors.is_connector[edges])
    own = np.isin(graph.ends[edges[connects]], site.end_nodes).any(axis=1)
    edges = np.delete(edges, connects[~own])
    nodes = graph.nodes_of(edges, site.end_nodes)
    methods = book.work.methods(book.demand.pipe)
    may_be = [np.isfinite(y) for y in (methods.cut_yuan_of(edges), methods.bore_yuan_of(edges))]
    edges = np.concatenate([edges[allowed] for allowed in may_be])
    bored = np.arange(len(edges)) >= np.count_nonzero(may_be[0])
    search = book.work.search(book.demand.pipe, "cheapest")
    tie_ins = np.sort(search.tie_ins.at_nodes(nodes))
    tie_ins = tie_ins[np.isfinite(search.tie_in_weights[tie_ins])]
    # Of features in one place the first by name is found.
    tie_ins = tie_ins[np.argsort(search.tie_ins.names_of(tie_ins), kind="stable")]
    ends = np.searchsorted(nodes, graph.ends[edges])
    sources = np.searchsorted(nodes, search.tie_ins.node[tie_ins])
    targets = np.searchsorted(nodes, site.end_nodes)
    arcs, start = both_ways(len(nodes), ends), start_at(len(nodes), targets)
    limit = min(reach_m + CAP_ROUNDING, LARGEST)
    inside = np.isfinite(spread(arcs, graph.length_m[edges][arcs.edge], start, limit)[0])
    whole = Area(book, reach_m, nodes, inside, edges, bored, ends, tie_ins, sources, targets)
    one, two = inside[ends].T
    return whole.part(one | two, inside[sources])


@dataclass(frozen=True)
class Problem:
    """The ways of one area with caps: on measures by name, then on fall and cover of a gravity
    line, then on runs of pieces forbidden.
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
    def of(area: Area, caps: Caps) -> Problem:
        """The ways in an area of pieces that qualify, under caps."""
        book, count = area.book, len(area.edges)
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
            *area.yuan,
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

    def off(self, pieces: NDArray[np.bool_]) -> Problem:
        """The same without some of the edges, then tie-ins."""
        edges, stubs = pieces[: len(self.area.edges)], pieces[len(self.area.edges) :]
        return replace(
            self,
            edge_cost=np.where(edges, np.inf, self.edge_cost),
            stub_cost=np.where(stubs, np.inf, self.stub_cost),
        )

    def keeping_fall(self, site: Site) -> Problem:
        """The same with ways only that keep fall and cover of a gravity line: more caps."""
        book = self.area.book
        if not is_steered(book.demand):
            return self
        caps = fall_caps(
            book.work,
            book.demand,
            site,
            edges=self.area.edges,
            tie_ins=self.area.tie_ins,
            end_nodes=self.end_nodes,
        )
        kept = self
        for cap in caps:
            kept = kept._capped(*cap)
        return kept

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


def run_of(book: PieceBook, way: Way, bored: tuple[int, ...], start: int, end: int) -> Run:
    """Consecutive pieces of a way, its way to a tie-in being the first, with their own bores."""
    work, edges = book.work, way.edges[max(start - 1, 0) : max(end - 1, 0)]
    lines = [work.corridors.graph.lines[edge] for edge in edges]
    if start == 0 < end:
        lines.insert(0, work.tie_ins(book.utility).lines[way.tie_in])
    return Run(tuple(lines), edges, bored).of_its_own

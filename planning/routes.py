"""External line routes 外线路由: the best way from any tie-in to the red line (design 6, 7).

The same problem is solved twice: for one parcel in its neighbourhood, which can be seen as a
networkx graph, printed and drawn; for all parcels of a county by one forest. Both return ``Way``s,
and every figure of a route is measured from the geometry of its way by ``trace``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.forest import Forest, forest_costs, grow_forest
from gis.linear import FloatArray, IntArray, LineArray, chain, least_of_each, ranges
from gis.network import told_apart
from gis.spread import Arcs, both_ways, edge_between, spread
from planning.corridors import Corridors
from planning.quantities import priced
from planning.road_surfaces import Crossed
from planning.tie_ins import TieIns

if TYPE_CHECKING:
    import networkx as nx

    from planning.crossing_methods import Methods

OBJECTIVES = ("cheapest", "shortest")
# The first neighbourhood reaches this far round the parcel; it doubles until the optimum is safe.
_FIRST_REACH_M = 250.0


@dataclass(frozen=True)
class Way:
    """A way found: row of the tie-in table, edges from there to the red line, node there.

    The same way weighs metres in one search and yuan in another: ``weight`` does not tell it.
    """

    tie_in: int
    edges: tuple[int, ...]
    end_node: int
    weight: float = field(compare=False)


@dataclass(frozen=True)
class DrawnWay(Way):
    """The way of a drawn line: the edges that it runs along, and the feature that it joins."""

    kind: str
    feature_id: str
    chainage_m: float

    @property
    def place(self) -> dict[str, Any]:
        """The place that it joins, as a row of the tie-ins tells it."""
        return {"kind": self.kind, "feature_id": self.feature_id, "chainage_m": self.chainage_m}


@dataclass(frozen=True)
class WeighedEdges:
    """What edges weigh in a search, as an array that is told when it is asked for.

    Yuan by the cheaper method, or ``length_m`` of what may be dug where that is given; tie-break
    included. Arrays of all edges for every pipe, ground and objective are more than memory holds.
    """

    methods: Methods
    tie_break: FloatArray
    length_m: FloatArray | None

    def __getitem__(self, edges: Any) -> FloatArray:
        edges = np.asarray(edges)
        numbers = np.flatnonzero(edges) if edges.dtype == bool else edges
        asked = np.atleast_1d(numbers).astype(np.int64)
        return self._weights(self.methods.yuan_of(asked), asked).reshape(numbers.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        return self._weights(self.methods.yuan, slice(None))

    def _weights(self, yuan: FloatArray, edges: IntArray | slice) -> FloatArray:
        if self.length_m is not None:
            yuan = np.where(np.isfinite(yuan), self.length_m[edges], np.inf)
        return told_apart(yuan, self.tie_break[edges])


@dataclass(frozen=True)
class WeighedTieIns:
    """What ways to tie-ins weigh in a search, told when it is asked for as ``WeighedEdges`` are.

    Metres or yuan ``offsets`` of those that are ``usable``, infinity for others; with tie-break.
    """

    offsets: FloatArray
    usable: NDArray[np.bool_]
    tie_break: FloatArray

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, rows: Any) -> FloatArray:
        weights = np.where(self.usable[rows], self.offsets[rows], np.inf)
        return told_apart(weights, self.tie_break[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        return self[:]


class BestTieIns(NamedTuple):
    """The lightest way to the network from some graph nodes, ascending, by its row and weight."""

    node: IntArray
    row: IntArray
    weight: FloatArray

    def take(self, pick: Any) -> BestTieIns:
        """Those of some of the nodes."""
        return BestTieIns(*(column[pick] for column in self))


@dataclass(frozen=True)
class Search:
    """One utility's search: what may be joined, and what each edge and tie-in way weighs.

    ``edge_weights`` (m,) and ``tie_in_weights`` (k,) are metres or yuan, tie-break included;
    tie-ins that may not serve the demand weigh infinity, and so does what may not be dug.
    """

    corridors: Corridors
    tie_ins: TieIns
    edge_weights: FloatArray | WeighedEdges
    tie_in_weights: FloatArray | WeighedTieIns

    def measures_as(self, other: Search) -> bool:
        """Whether everything weighs the same metres in two searches of one groundwork."""
        one, two = self.edge_weights, other.edge_weights
        return (
            isinstance(one, WeighedEdges)
            and isinstance(two, WeighedEdges)
            and one.length_m is not None
            and two.length_m is not None
            and self.tie_ins is other.tie_ins
            and np.array_equal(self.tie_in_weights, other.tie_in_weights)
            and np.array_equal(one.methods.passable, two.methods.passable)
        )

    @property
    def best_tie_ins(self) -> BestTieIns:
        """The lightest tie-in of every graph node that has one."""
        row = self.best_rows
        return BestTieIns(self.tie_ins.node[row], row, self.tie_in_weights[row])

    @cached_property
    def best_rows(self) -> IntArray:
        """The rows of ``best_tie_ins``."""
        weights = np.asarray(self.tie_in_weights)
        row = least_of_each(weights, self.tie_ins.starts)
        return row[np.isfinite(weights[row])]

    @property
    def best_on_strips(self) -> BestTieIns:
        """Of ``best_tie_ins`` those at nodes of other edges than connectors."""
        best = self.best_tie_ins
        return best.take(self.corridors.is_walked[best.node])

    @cached_property
    def node_weights(self) -> FloatArray:
        """Weight of the lightest way to every node, over no connector; infinite where none is."""
        best = self.best_on_strips
        weights = np.asarray(self.edge_weights)
        return forest_costs(self.corridors.walk_order, weights, best.node, best.weight)

    def starts_at(self, nodes: IntArray) -> tuple[FloatArray, IntArray]:
        """Weight and row of the lightest tie-in at each of some nodes, infinite where none is."""
        first, last = (np.searchsorted(self.tie_ins.ways.node, nodes, s) for s in ("left", "right"))
        joins = np.flatnonzero(last > first)
        rows, count = ranges(first[joins], last[joins]), (last - first)[joins]
        least = rows[least_of_each(self.tie_in_weights[rows], np.cumsum(count) - count)]
        weight, row = np.full(len(nodes), np.inf), np.full(len(nodes), -1)
        weight[joins] = self.tie_in_weights[least]
        row[joins] = np.where(np.isfinite(weight[joins]), least, -1)
        return weight, row

    @cached_property
    def lightest_rate(self) -> float:
        """Least weight of a metre of way, edges and tie-ins alike."""
        tie_in_rate, _ = _lightest(np.asarray(self.tie_in_weights), self.tie_ins.ways.length_m)
        least = min(self.lightest_edge[0], tie_in_rate)
        return least if np.isfinite(least) else 0.0

    @cached_property
    def lightest_edge(self) -> tuple[float, int]:
        """Least weight of a metre of edge, infinite where nothing may be dug, and whose it is."""
        return _lightest(np.asarray(self.edge_weights), self.corridors.graph.length_m)

    def lightest_among(self, edges: IntArray) -> tuple[float, int]:
        """The same of some edges, by their place among them."""
        return _lightest(self.edge_weights[edges], self.corridors.graph.length_m[edges])


def _lightest(weights: FloatArray, lengths_m: FloatArray) -> tuple[float, int]:
    """Least weight of a metre, infinite where there is none, and the place that has it or -1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = weights / lengths_m
    rates[np.isnan(rates)] = np.inf
    place = int(np.argmin(rates)) if len(rates) else -1
    return (float(rates[place]), place) if place >= 0 else (np.inf, -1)


# --- one parcel, in its neighbourhood ----------------------------------------------------------


@dataclass(frozen=True)
class Around:
    """Edges round a site as arrays for searches: their nodes numbered anew, both directions."""

    edges: IntArray
    nodes: IntArray
    arcs: Arcs
    targets: IntArray


@dataclass(frozen=True)
class Neighbourhood:
    """The corridor graph round a site, each reach looked up once."""

    corridors: Corridors
    end_nodes: IntArray
    _around: dict[float, Around] = field(default_factory=dict)

    def within(self, reach_m: float) -> Around:
        """The edges within reach of the bounds of the end nodes, ready to be searched."""
        if reach_m not in self._around:
            edges, ends = self.edges(reach_m), self.corridors.graph.ends
            nodes, at = np.unique(np.r_[ends[edges].ravel(), self.end_nodes], return_inverse=True)
            pairs, targets = at[: 2 * len(edges)].reshape(-1, 2), at[2 * len(edges) :]
            arcs = both_ways(len(nodes), pairs.astype(np.int64))
            self._around[reach_m] = Around(edges, nodes, arcs, targets)
        return self._around[reach_m]

    def networkx(self, search: Search, reach_m: float) -> nx.MultiGraph:
        """What ``best_way`` searches within a reach, as a graph that can be printed and drawn.

        Edges have their number for key and all their measures, and weigh what the search says;
        what weighs infinity is left out. Ways to tie-ins lead from the node ``network``, and the
        end nodes to the node ``red_line`` at no cost.
        """
        edges = self.edges(reach_m)
        weights = search.edge_weights[edges]
        open_ = np.isfinite(weights)
        weight = dict(zip(edges[open_].tolist(), weights[open_].tolist(), strict=True))
        graph = self.corridors.graph.to_networkx(edges=list(weight))
        graph.add_nodes_from(["network", *self.end_nodes.tolist()])
        for _, _, edge, told in graph.edges(keys=True, data=True):
            told["weight"] = weight[edge]
        for node, row, weight in zip(*(c.tolist() for c in search.best_tie_ins), strict=True):
            if node in graph:
                graph.add_edge("network", node, key=("tie_in", row), weight=weight)
        for node in self.end_nodes.tolist():
            graph.add_edge(node, "red_line", key=("end", node), weight=0.0)
        return graph

    def edges(self, reach_m: float) -> IntArray:
        """Edges within reach, of connectors those of the end nodes only, ascending."""
        return own_edges(self.corridors, self.end_nodes, self._bounds(reach_m))

    def is_whole(self, reach_m: float) -> bool:
        """Whether nothing of the graph lies beyond the reach."""
        west, south, east, north = self._bounds(reach_m)
        least, most = self.corridors.graph.bounds
        return bool((least >= (west, south)).all() and (most <= (east, north)).all())

    def _bounds(self, reach_m: float) -> tuple[float, float, float, float]:
        xy = self.corridors.graph.node_xy[self.end_nodes]
        return (*(xy.min(axis=0) - reach_m).tolist(), *(xy.max(axis=0) + reach_m).tolist())


def best_way(
    search: Search, end_nodes: IntArray, around: Neighbourhood | None = None
) -> Way | None:
    """The lightest way from any tie-in to any of the end nodes; None if there is none.

    Runs on a neighbourhood that is doubled until no lighter way can leave it: a way that leaves
    is at least as long as the reach, at the lightest rate. Several searches of one site may pass
    the same ``around``; what is searched is shown by ``Neighbourhood.networkx``.
    """
    if len(end_nodes) == 0 or not np.isfinite(search.tie_in_weights).any():
        return None
    around = around or Neighbourhood(search.corridors, end_nodes)
    reach = _FIRST_REACH_M
    while True:
        way = _way_within(search, around.within(reach))
        if way is not None and way.weight <= reach * search.lightest_rate:
            return way
        if around.is_whole(reach):
            return way
        reach *= 2


def own_edges(
    corridors: Corridors, end_nodes: IntArray, bounds: tuple[float, float, float, float]
) -> IntArray:
    """Edges within bounds, of connectors those of these end nodes only, ascending."""
    edges = corridors.graph.edges_within(bounds)
    connector = corridors.is_connector[edges]
    own = np.isin(corridors.graph.ends[edges], end_nodes).any(axis=1)
    return edges[~connector | own]


def _way_within(search: Search, around: Around) -> Way | None:
    """The lightest way over the edges of a neighbourhood."""
    weights, arcs = search.edge_weights[around.edges], around.arcs
    start, row = search.starts_at(around.nodes)
    reached, before = spread(arcs, weights[arcs.edge], start)
    target = int(around.targets[np.argmin(reached[around.targets])])
    if not np.isfinite(reached[target]):
        return None
    node, walked = target, []
    while before[node] < arcs.n:
        previous = int(before[node])
        walked.append(edge_between(arcs, weights, previous, node))
        node = previous
    return Way(
        int(row[node]),
        tuple(around.edges[walked[::-1]].tolist()),
        int(around.nodes[target]),
        float(reached[target]),
    )


# --- all parcels, by a forest ------------------------------------------------------------------


def best_ways(search: Search, end_nodes: Mapping[Any, IntArray]) -> dict[Any, Way]:
    """The lightest way of many parcels at once, by any key of theirs.

    Sites that no way reaches are absent. Complexity O((m + n) log n) for the forest, whatever the
    number of sites.
    """
    forest, rows = grow(search, np.asarray(search.edge_weights))
    keys, nodes = list(end_nodes), [np.zeros(0, np.int64), *end_nodes.values()]
    site = np.repeat(np.arange(len(keys)), [len(some) for some in nodes[1:]])
    steps = _last_steps(search, site, np.concatenate(nodes), forest.cost)
    order = np.lexsort((steps.edge, steps.weight, steps.site))
    first = order[np.diff(steps.site[order], prepend=-1) > 0]
    ways: dict[Any, Way] = {}
    for number, node, edge, foot, weight, row in zip(
        *(column[first].tolist() for column in steps), strict=True
    ):
        if edge < 0:
            ways[keys[number]] = Way(row, (), node, weight)
            continue
        walked = forest.path(foot)[::-1]
        ways[keys[number]] = Way(int(rows[forest.source[foot]]), (*walked, edge), node, weight)
    return ways


def grow(search: Search, edge_weights: FloatArray) -> tuple[Forest, IntArray]:
    """The forest of a search over all edges but connectors, and the tie-in row of each source.

    ``edge_weights`` are those of the search, told of all edges.
    """
    corridors, best = search.corridors, search.best_on_strips
    forest = grow_forest(
        corridors.graph.ends,
        edge_weights,
        corridors.graph.node_count,
        best.node,
        best.weight,
        corridors.walk_order,
    )
    return forest, best.row


class _LastSteps(NamedTuple):
    """Steps to the red line, of the site of each number: over a connector from its foot to a node,
    or, without edge and foot (-1), straight from a tie-in.
    """

    site: NDArray[Any]
    node: NDArray[Any]
    edge: NDArray[Any]
    foot: NDArray[Any]
    weight: NDArray[Any]
    row: NDArray[Any]


def _last_steps(search: Search, site: IntArray, node: IntArray, cost: FloatArray) -> _LastSteps:
    """Every reachable last step of sites, whose red lines have a row for each of their nodes."""
    connectors = search.corridors.connectors
    edges, feet, reached = (
        connectors[name].to_numpy(np.int64) for name in ("edge", "foot", "node")
    )
    first, last = (np.searchsorted(reached, node, side) for side in ("left", "right"))
    over, of = ranges(first, last), np.repeat(np.arange(len(node)), last - first)
    weight = cost[feet[over]] + np.asarray(search.edge_weights[edges[over]])
    straight, row = search.starts_at(node)
    steps = _LastSteps(
        np.concatenate([site[of], site]),
        np.concatenate([node[of], node]),
        np.concatenate([edges[over], np.full(len(node), -1)]),
        np.concatenate([feet[over], np.full(len(node), -1)]),
        np.concatenate([weight, straight]),
        np.concatenate([np.full(len(over), -1), row]),
    )
    return _LastSteps(*(column[np.isfinite(steps.weight)] for column in steps))


# --- from ways to routes -----------------------------------------------------------------------


@dataclass(frozen=True)
class Routes:
    """Measured routes, one row each, in the order of the ways given.

    ``measured``: arrays length_m, kerb_m, red_line_m, green_m (centre line), crossing_count,
    on_bridge (1, 0 or NaN). ``lines`` run from the tie-in to the red line. ``crossed`` are
    their parts inside carriageways, in the order of the routes.
    ``bored`` are the edges of each that are not cut open (bored, or carried by what exists),
    ``cut`` the lines without them. In carriers nothing is crossed and no green is taken.
    """

    ways: Sequence[Way]
    lines: NDArray[Any]
    measured: Mapping[str, FloatArray]
    crossed: Crossed
    bored: Sequence[tuple[int, ...]]
    cut: NDArray[Any]

    def measuring(self, **measured: FloatArray) -> Routes:
        """The same with other measures of some names."""
        return replace(self, measured={**self.measured, **measured})


def trace(
    corridors: Corridors,
    tie_ins: TieIns,
    ways: Sequence[Way],
    bored: NDArray[np.bool_] | None = None,
) -> Routes:
    """Draw the ways as lines from the tie-in to the red line, and measure them once.

    ``bored`` tells of every edge whether it is bored; without it only those are that cannot be
    cut open.
    """
    bored = corridors.never_cut if bored is None else corridors.never_cut | bored
    beneath = [tuple(edge for edge in way.edges if bored[edge]) for way in ways]
    return trace_bored(corridors, tie_ins, ways, beneath)


def trace_bored(
    corridors: Corridors, tie_ins: TieIns, ways: Sequence[Way], beneath: Sequence[tuple[int, ...]]
) -> Routes:
    """Draw and measure the ways as ``trace`` does, given the edges of each that are not cut."""
    kind = corridors.graph.kind
    lines = np.array([draw(corridors, tie_ins, way) for way in ways], object)
    carried = [tuple(edge for edge in edges if kind[edge] == "carrier") for edges in beneath]
    routes = measure_lines(corridors, ways, _without(corridors, tie_ins, ways, lines, carried))
    cut = _without(corridors, tie_ins, ways, lines, beneath)
    whole = routes.measuring(length_m=shapely.length(lines))
    return replace(whole, lines=lines, bored=beneath, cut=cut)


def measure_lines(
    corridors: Corridors,
    ways: Sequence[Way],
    lines: LineArray,
    told: tuple[Mapping[str, FloatArray], Crossed] | None = None,
) -> Routes:
    """Measure lines as routes, from the tie-in to the red line; ``ways`` tell their edges.

    The lines may leave the edges: nothing but ``on_bridge`` is read from them, and what a drawn
    line runs over beside them ``planning.bridges`` tells. ``told`` is what the
    corridors measured of the lines, and what these cross, where that is known already.
    """
    if told is None:
        crossed = corridors.surfaces.crossed(lines)
        measured: Mapping[str, FloatArray] = corridors.measured(lines, crossed)
    else:
        measured, crossed = told
    measures = {
        **measured,
        "crossing_count": crossed.of_line("times", len(lines)),
        "on_bridge": _any_true(corridors.graph.on_bridge, ways),
    }
    return Routes(ways, lines, measures, crossed, [()] * len(lines), lines)


def _any_true(told: FloatArray, ways: Sequence[Way]) -> FloatArray:
    """Three-valued or of 1, 0 and NaN, as told of edges, over those of each way: 0 for none."""
    way = np.repeat(np.arange(len(ways)), [len(one.edges) for one in ways])
    values = told[[edge for one in ways for edge in one.edges]]
    most = np.zeros(len(ways), np.intp)
    np.maximum.at(most, way, np.select([values == 1.0, np.isnan(values)], [2, 1], 0))
    return np.array([0.0, np.nan, 1.0])[most]


def _without(
    corridors: Corridors,
    tie_ins: TieIns,
    ways: Sequence[Way],
    lines: LineArray,
    left_out: Sequence[tuple[int, ...]],
) -> LineArray:
    """The lines of ways, those with edges left out as the stretches between them."""
    kept = lines.copy()
    for number in [number for number, edges in enumerate(left_out) if edges]:
        kept[number] = _stretches(corridors, tie_ins, ways[number], left_out[number])
    return kept


def _stretches(
    corridors: Corridors, tie_ins: TieIns, way: Way, left_out: Sequence[int]
) -> shapely.MultiLineString:
    """The stretches of a way between edges that are left out."""
    runs: list[list[shapely.LineString]] = [[tie_ins.lines[way.tie_in]]]
    for edge in way.edges:
        if edge in left_out:
            runs.append([])
        else:
            runs[-1].append(corridors.graph.lines[edge])
    lines = [shapely.line_merge(shapely.MultiLineString(run)) for run in runs if run]
    return shapely.MultiLineString(
        [part for line in lines for part in shapely.get_parts(line) if part.length > 0]
    )


def draw(corridors: Corridors, tie_ins: TieIns, way: Way) -> shapely.LineString:
    """A way as one line from the tie-in to the red line; of no length where these are one place."""
    first = tie_ins.lines[way.tie_in]
    pieces = [first, *(corridors.graph.lines[edge] for edge in way.edges)]
    pieces = [piece for piece in pieces if piece.length > 0]
    return chain(pieces, first.coords[-1]) if pieces else first


def costs(
    corridors: Corridors,
    measured: Mapping[str, FloatArray],
    crossed: Crossed,
    rates: Mapping[str, float],
) -> FloatArray:
    """Cost of lines in yuan: metres on each surface times the price of a metre there."""
    return priced(corridors.metres_on(measured, crossed), rates)

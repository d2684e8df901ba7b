"""The cheapest ways over pieces that qualify, of many sites by one forest.

A search round one site measures the pieces near it. Where so many sites ask that they would measure
most of the county anyway, all its pieces are, and a forest over those that qualify tells every
site's cheapest way. Whatever qualifies leads over such pieces: nothing that does is cheaper, and
where there is no way nothing does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.forest import forest_costs
from gis.linear import FloatArray, IntArray, least_of_each
from gis.network import connected_parts, told_apart
from planning.groundwork import Site
from planning.route_pieces import PieceBook
from planning.routes import Search, Way, best_ways
from planning.standards import Pipe

Mask = NDArray[np.bool_]

# The forest pays where so many sites ask, one for every so many edges of the county: a search round
# a site takes about as long as measuring that many.
_FEWEST_SITES, _EDGES_A_SITE = 8, 200


class WayOfSite(NamedTuple):
    """The cheapest way to one site over pieces that qualify, None where there is none.

    ``bored`` are the edges of it that are. No way over such pieces is shorter than ``least_m``,
    and they lead no farther from the site than ``most_m``.
    """

    way: Way | None
    bored: tuple[int, ...]
    least_m: float
    most_m: float


@dataclass(frozen=True)
class Forests:
    """The cheapest ways to the sites of a book over pieces of at most a rank, alone or at worst."""

    book: PieceBook
    sites: Sequence[Site]
    _told: dict[tuple[int, bool], dict[str, WayOfSite]] = field(default_factory=dict, repr=False)

    @property
    def pay(self) -> bool:
        """Whether a forest takes less than a search round each site.

        Told by counts alone, whatever was measured before, so that it is the same at any time.
        """
        count, edges = len(self.sites), self.book.work.corridors.graph.edge_count
        return count >= _FEWEST_SITES and count * _EDGES_A_SITE >= edges

    def way_to(self, site: Site, level: int, *, worst: bool) -> WayOfSite:
        """The cheapest way to one of the sites; those of all are found with it."""
        if (level, worst) not in self._told:
            forest = self.qualifying(level, worst=worst)
            self._told[level, worst] = {
                one.key: told for one, told in zip(self.sites, forest.ways(self.sites), strict=True)
            }
        return self._told[level, worst][site.key]

    @cached_property
    def pieces(self) -> tuple[IntArray, Mask, IntArray]:
        """Edges, which of them are bored, and ways to tie-ins that may be dug for the demand.

        An edge that may be cut open and bored stands twice; of connectors only those of the sites
        are here.
        """
        corridors, methods = self.book.work.corridors, self.book.work.methods(self._pipe)
        walked, connectors = ~corridors.is_connector, corridors.connectors
        mine = np.isin(connectors["node"], np.concatenate([site.end_nodes for site in self.sites]))
        walked[connectors["edge"].to_numpy(np.int64)[mine]] = True
        cut, bored = (
            np.flatnonzero(walked & np.isfinite(yuan))
            for yuan in (methods.cut_yuan, methods.bore_yuan)
        )
        beneath = np.arange(len(cut) + len(bored)) >= len(cut)
        tie_ins = np.flatnonzero(np.isfinite(self._cheapest.tie_in_weights))
        return np.concatenate([cut, bored]), beneath, tie_ins

    def qualifying(self, level: int, *, worst: bool) -> QualifyingForest:
        """The search over the pieces that qualify."""
        methods, graph = self.book.work.methods(self._pipe), self.book.work.corridors.graph
        edges, bored, tie_ins = self.pieces
        good, good_tie_ins = self.book.qualifying(edges, bored, tie_ins, level, worst=worst)
        cut_yuan, bore_yuan = np.full((2, graph.edge_count), np.inf)
        cut, beneath = edges[good & ~bored], edges[good & bored]
        cut_yuan[cut] = methods.cut_yuan_of(cut)
        bore_yuan[beneath] = methods.bore_yuan_of(beneath)
        weights = np.full(len(self._cheapest.tie_in_weights), np.inf)
        rows = tie_ins[good_tie_ins]
        weights[rows] = self._cheapest.tie_in_weights[rows]
        found = replace(
            self._cheapest,
            edge_weights=told_apart(np.minimum(cut_yuan, bore_yuan), graph.tie_break),
            tie_in_weights=weights,
        )
        return QualifyingForest(found, bore_yuan < cut_yuan)

    @property
    def _pipe(self) -> Pipe:
        return self.book.demand.pipe

    @property
    def _cheapest(self) -> Search:
        return self.book.work.search(self._pipe, "cheapest")


@dataclass(frozen=True)
class QualifyingForest:
    """The search over pieces that qualify, and which edges are bored in it."""

    search: Search
    bored: Mask

    def ways(self, sites: Sequence[Site]) -> list[WayOfSite]:
        """What is told of each site."""
        cheapest, shortest = _ways(self.search, sites), _ways(self._in_metres, sites)
        return [
            WayOfSite(
                way,
                tuple(edge for edge in way.edges if self.bored[edge]) if way else (),
                short.weight if short else np.inf,
                most_m,
            )
            for way, short, most_m in zip(
                cheapest, shortest, self.most_m(sites).tolist(), strict=True
            )
        ]

    @property
    def _in_metres(self) -> Search:
        """The same pieces, weighed by their lengths."""
        search = self.search
        edges, tie_ins = (
            np.where(np.isfinite(weights), metres, np.inf)
            for weights, metres in (
                (np.asarray(search.edge_weights), search.corridors.graph.length_m),
                (search.tie_in_weights, search.tie_ins.ways.length_m),
            )
        )
        return replace(search, edge_weights=edges, tie_in_weights=tie_ins)

    def most_m(self, sites: Sequence[Site]) -> FloatArray:
        """No piece that a site reaches is farther from it along the others than so many metres.

        As far as it is over the middle of the part that it lies in.
        """
        corridors = self.search.corridors
        graph, connectors = corridors.graph, corridors.connectors
        open_ = np.isfinite(np.asarray(self.search.edge_weights))
        length_m = np.where(open_, graph.length_m, np.inf)
        part = connected_parts(graph.ends[open_ & ~corridors.is_connector], graph.node_count)
        middles = _middles(part, graph.node_xy)
        away_m = forest_costs(corridors.walk_order, length_m, middles, np.zeros(len(middles)))
        farthest_m = np.zeros(graph.node_count)
        np.maximum.at(farthest_m, part, away_m)
        node, foot, edge = (connectors[n].to_numpy(np.int64) for n in ("node", "foot", "edge"))
        over_m = np.where(open_[edge], length_m[edge] + away_m[foot] + farthest_m[part[foot]], 0.0)
        of_node = np.zeros(graph.node_count)
        np.maximum.at(of_node, node, over_m)
        return np.array([of_node[site.end_nodes].max(initial=0.0) for site in sites])


def _ways(search: Search, sites: Sequence[Site]) -> list[Way | None]:
    found = best_ways(search, {number: site.end_nodes for number, site in enumerate(sites)})
    return [found.get(number) for number in range(len(sites))]


def _middles(part: IntArray, xy: FloatArray) -> IntArray:
    """A node near the middle of each part of a graph, by number of the part."""
    count = np.bincount(part)
    middle = np.stack([np.bincount(part, axis) / count for axis in xy.T], axis=1)
    order = np.argsort(part, kind="stable")
    away = np.linalg.norm(xy - middle[part], axis=1)[order]
    return np.asarray(order[least_of_each(away, np.cumsum(count) - count)])

"""The cheapest ways over pieces that qualify, of many sites by one forest.

A search round one site measures the pieces near it. Where so many sites ask that they would measure
most of the county anyway, all its pieces are, and a forest over those that qualify tells every
site's cheapest way. Whatever qualifies leads over such pieces: nothing that does is cheaper, and
where there is no way nothing does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gis.forest import forest_costs
from gis.linear import FloatArray, IntArray, least_of_each
from gis.network import connected_parts
from planning.groundwork import Site
from planning.route_pieces import PieceBook
from planning.routes import Search, Way, best_ways

Mask = NDArray[np.bool_]

# A search round a site takes as long as measuring so many pieces, and that of one as long as
# searching so many of them by a forest.
_PIECES_A_SEARCH, _PIECES_A_FOREST = 300, 50


@dataclass(frozen=True)
class AllPieces:
    """The pieces of a county that ways to some sites may lead over.

    ``edges`` may stand twice, to be cut open and to be ``bored``; of connectors only those of the
    sites are here.
    """

    book: PieceBook
    sites: Sequence[Site]
    edges: IntArray
    bored: Mask
    tie_ins: IntArray

    @staticmethod
    def of(book: PieceBook, sites: Sequence[Site]) -> AllPieces:
        """The pieces for the demand of a book, whatever they measure."""
        corridors, methods = book.work.corridors, book.work.methods(book.demand.pipe)
        walked, connectors = ~corridors.is_connector, corridors.connectors
        mine = np.isin(connectors["node"], np.concatenate([site.end_nodes for site in sites]))
        walked[connectors["edge"].to_numpy(np.int64)[mine]] = True
        cut, bored = (
            np.flatnonzero(walked & np.isfinite(yuan))
            for yuan in (methods.cut_yuan, methods.bore_yuan)
        )
        beneath = np.arange(len(cut) + len(bored)) >= len(cut)
        tie_ins = np.flatnonzero(np.isfinite(_cheapest(book).tie_in_weights))
        return AllPieces(book, sites, np.concatenate([cut, bored]), beneath, tie_ins)

    def pay(self, level: int, *, worst: bool) -> bool:
        """Whether a forest over those that qualify takes less than a search round each site."""
        new = self.book.unmeasured(self.edges, self.bored, self.tie_ins, level, worst=worst)
        work = new + len(self.edges) / _PIECES_A_FOREST
        return work <= _PIECES_A_SEARCH * len(self.sites)

    def qualifying(self, level: int, *, worst: bool) -> QualifyingForest:
        """The search over those that have at most a rank, alone or at worst."""
        book, search = self.book, _cheapest(self.book)
        methods, graph = book.work.methods(book.demand.pipe), book.work.corridors.graph
        good, good_tie_ins = book.qualifying(
            self.edges, self.bored, self.tie_ins, level, worst=worst
        )
        cut, bored = np.full((2, graph.edge_count), np.inf)
        for yuan, known, some in (
            (cut, methods.cut_yuan, self.edges[good & ~self.bored]),
            (bored, methods.bore_yuan, self.edges[good & self.bored]),
        ):
            yuan[some] = known[some]
        weights = np.full(len(search.tie_in_weights), np.inf)
        rows = self.tie_ins[good_tie_ins]
        weights[rows] = search.tie_in_weights[rows]
        edges = np.minimum(cut, bored) + graph.tie_break
        found = replace(search, edge_weights=edges, tie_in_weights=weights)
        return QualifyingForest(found, bored < cut)


@dataclass(frozen=True)
class QualifyingForest:
    """The search over pieces that qualify, and which edges are bored in it."""

    search: Search
    bored: Mask

    def ways(self, sites: Sequence[Site]) -> list[Way | None]:
        """The cheapest way of each site; None where there is none."""
        return _ways(self.search, sites)

    def bored_of(self, way: Way) -> tuple[int, ...]:
        """The edges of a way that are bored."""
        return tuple(edge for edge in way.edges if self.bored[edge])

    def least_m(self, sites: Sequence[Site]) -> FloatArray:
        """Metres of the shortest way of each site; infinite where there is none."""
        search = self.search
        pairs = (
            (search.edge_weights, search.corridors.graph.length_m),
            (search.tie_in_weights, search.tie_ins.ways.length_m),
        )
        edges, tie_ins = (np.where(np.isfinite(w), metres, np.inf) for w, metres in pairs)
        shortest = replace(search, edge_weights=edges, tie_in_weights=tie_ins)
        return np.array([way.weight if way else np.inf for way in _ways(shortest, sites)])

    def most_m(self, sites: Sequence[Site]) -> FloatArray:
        """No piece that a site reaches is farther from it along the others than so many metres.

        As far as it is over the middle of the part that it lies in.
        """
        corridors = self.search.corridors
        graph, connectors = corridors.graph, corridors.connectors
        open_ = np.isfinite(self.search.edge_weights)
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


def _cheapest(book: PieceBook) -> Search:
    return book.work.search(book.demand.pipe, "cheapest")

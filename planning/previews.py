"""Previews: the cheapest route to one parcel, from forests that stand already.

A click on a map wants an answer in milliseconds. A forest knows the cheapest way from everywhere;
what is left is to walk up from the parcel and to read off the sums. Verdicts need the plan itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely

from gis.forest import Forest
from gis.linear import FloatArray, IntArray, ranges
from planning.application import Application
from planning.groundwork import Groundwork
from planning.no_dig import Closed
from planning.routes import Search, Way, draw, grow
from planning.standards import Pipe

MEASURES = ("length_m", "kerb_m", "red_line_m", "green_m")


@dataclass(frozen=True)
class Preview:
    """One route as a map shows it: its line, its tie-in, and what the edges add up to.

    ``figures``: cost_yuan, and ``MEASURES`` along the centre line; NaN is unknown.
    """

    line: shapely.LineString
    way: Way
    tie_in_id: str
    figures: Mapping[str, float]


@dataclass(frozen=True)
class _Grown:
    """One forest, the sums from every node to its tie-in, and what is added at both ends.

    ``straight`` tells the row and weight of the lightest tie-in at a node itself.
    """

    search: Search
    forest: Forest
    rows: IntArray
    sums: FloatArray
    of_edge: FloatArray
    of_tie_in: FloatArray
    straight: Mapping[int, tuple[int, float]]


def _grown(search: Search) -> _Grown:
    graph = search.corridors.graph
    forest, rows = grow(search)
    of_edge = graph.measures[[*MEASURES]].to_numpy(float)
    branches = forest.branches(np.flatnonzero(np.isfinite(forest.cost)))
    sums = np.zeros((graph.node_count, len(MEASURES)))
    sums[branches.nodes] = branches.ride(of_edge[branches.edge])
    best = search.best_tie_ins.itertuples()
    straight = {int(node): (int(row), float(weight)) for node, row, weight in best}
    of_tie_in = search.tie_ins.table[[*MEASURES]].to_numpy(float)
    return _Grown(search, forest, rows, sums, of_edge, of_tie_in, straight)


@dataclass(frozen=True)
class Previews:
    """Forests of one groundwork, grown when they are first asked for.

    After an edit there is another groundwork, and its own previews.
    """

    work: Groundwork
    _forests: dict[tuple[Pipe, Closed], _Grown] = field(default_factory=dict, repr=False)

    def of(self, application: Application) -> dict[str, Preview | None]:
        """The cheapest route of every demand; None where nothing can be reached.

        Ancient trees and protected greenery are kept clear of where a way does so, as ``plan``
        does.

        Raises
        ------
        SiteError
            If the parcel is unknown or the gate not on its red line.
        """
        nodes = self.work.site(application).end_nodes
        closures = self.work.closures
        areas = closures.on(application.dig_date)
        spared = [Closed(areas, spared=True)] if len(closures.spared) else []
        found: dict[str, Preview | None] = {}
        for utility, demand in application.demands.items():
            tries = (self._one(demand.pipe, closed, nodes) for closed in (*spared, Closed(areas)))
            found[utility] = next((one for one in tries if one is not None), None)
        return found

    def _one(self, pipe: Pipe, closed: Closed, nodes: IntArray) -> Preview | None:
        if (pipe, closed) not in self._forests:
            search = self.work.under(closed).search(pipe, "cheapest")
            self._forests[pipe, closed] = _grown(search)
        return _cheapest(self._forests[pipe, closed], nodes)


def _cheapest(grown: _Grown, nodes: IntArray) -> Preview | None:
    """The cheapest way to any of the end nodes, of equal ones the first edge as in a forest."""
    search, forest = grown.search, grown.forest
    found = [
        (grown.straight[node][1], -1, -1, node, grown.straight[node][0])
        for node in nodes.tolist()
        if node in grown.straight
    ]
    for edge, foot, node in _last_steps(search, nodes):
        weight = float(forest.cost[foot] + search.edge_weights[edge])
        if np.isfinite(weight):
            found.append((weight, edge, foot, node, -1))
    if not found:
        return None
    weight, edge, foot, node, row = min(found)
    if edge < 0:
        way, sums = Way(row, (), node, weight), grown.of_tie_in[row]
    else:
        row = int(grown.rows[forest.source[foot]])
        way = Way(row, (*forest.path(foot)[::-1], edge), node, weight)
        sums = grown.sums[foot] + grown.of_edge[edge] + grown.of_tie_in[row]
    figures = {"cost_yuan": weight, **dict(zip(MEASURES, sums.tolist(), strict=True))}
    line = draw(search.corridors, search.tie_ins, way)
    return Preview(line, way, search.tie_ins.feature_ids[row], figures)


def _last_steps(search: Search, nodes: IntArray) -> list[tuple[int, int, int]]:
    """Connector, foot and node of every last step to some nodes."""
    table = search.corridors.connectors
    at = table["node"].to_numpy(np.int64)
    rows = ranges(np.searchsorted(at, nodes), np.searchsorted(at, nodes, "right"))
    columns = (table[name].to_numpy(np.int64)[rows].tolist() for name in ("edge", "foot", "node"))
    return list(zip(*columns, strict=True))

"""Parts of corridors that stand: cut out for other mains, or measured anew for other greenery.

An edit of mains moves no edge, and one of greenery only takes or gives metres of verge: neither
needs corridors built anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.areas import Areas
from gis.handing_on import hand_on, numbers_after
from gis.linear import FloatArray, IntArray, LineArray, distinct
from gis.network import CorridorGraph
from gis.patched_tree import Tree
from gis.regions import Region
from planning.carriers import Carriers
from planning.corridors import Corridors, green_outside
from planning.drawn_corridors import Drawn
from planning.road_surfaces import Crossed, RoadSurfaces
from planning.tie_ins import TieIns

# Metres of verge that differ by less are the same, summed in another order.
_SAME_M = 1e-6
# What edges and ways to tie-ins tell that no greenery changes.
_OF_EDGES = ("length_m", "tie_break", "tree", "kind", "road", "on_bridge", "bounds")
_OF_WAYS = (
    "tie_break", "tree", "starts", "feature_ids",
)  # fmt: skip


class Part(NamedTuple):
    """A part of corridors, its nodes and edges numbered anew: ``node`` and ``edge`` before."""

    corridors: Corridors
    node: IntArray
    edge: IntArray


def cut_out(corridors: Corridors, region: Region) -> Part:
    """The edges that begin or end in a region, and all that is told of them and their nodes."""
    graph = corridors.graph
    within = region.holds(graph.node_xy)
    edge = np.flatnonzero(within[graph.ends[:, 0]] | within[graph.ends[:, 1]])
    node = graph.nodes_of(edge, np.flatnonzero(within))
    return Part(cut_out_edges(corridors, edge, node), node, edge)


def cut_out_edges(corridors: Corridors, edge: IntArray, node: IntArray | None = None) -> Corridors:
    """Some edges and all that is told of them and their nodes, or of some more; both ascending."""
    graph = corridors.graph
    node = distinct(graph.ends[edge].ravel()) if node is None else node
    of_node, of_edge = _numbers(node, graph.node_count), _numbers(edge, graph.edge_count)
    carriers, drawn = corridors.carriers, corridors.drawn
    kept = np.flatnonzero(of_edge[drawn.edge] >= 0)
    return replace(
        corridors,
        graph=CorridorGraph(
            graph.node_xy[node],
            of_node[graph.ends[edge]],
            graph.lines[edge],
            graph.measures.iloc[edge].reset_index(drop=True),
        ),
        crossings=renumbered(corridors.crossings, "edge", of_edge),
        sites=renumbered(corridors.sites, "node", of_node),
        feet=renumbered(corridors.feet, "node", of_node),
        gaps_m={},
        carriers=Carriers(
            renumbered(carriers.table, "edge", of_edge),
            renumbered(carriers.leads, "edge", of_edge),
            renumbered(carriers.joints, "node", of_node),
        ),
        drawn=Drawn(
            of_edge[drawn.edge[kept]],
            tuple(drawn.corridor_id[row] for row in kept.tolist()),
            tuple(drawn.utilities[row] for row in kept.tolist()),
        ),
    )


def _numbers(kept: IntArray, count: int) -> IntArray:
    numbers = np.full(count, -1)
    numbers[kept] = np.arange(len(kept))
    return numbers


def renumbered(table: pd.DataFrame, column: str, numbers: IntArray) -> pd.DataFrame:
    """The rows of a table with the numbers that a column has now, but those of -1."""
    if table.empty:
        return table
    number = numbers[table[column].to_numpy(np.int64)]
    kept = np.flatnonzero(number >= 0)
    rows: pd.DataFrame = table.take(kept).reset_index(drop=True)
    rows[column] = number[kept]
    return rows


class Regreened(NamedTuple):
    """Corridors and tie-ins beside other greenery.

    ``edge`` are the edges that it changed, ``ways`` the ways to tie-ins by utility; ``lines`` both.
    """

    corridors: Corridors
    tie_ins: dict[str, TieIns]
    edge: IntArray
    ways: Mapping[str, IntArray]
    lines: LineArray


def regreened(
    corridors: Corridors, tie_ins: Mapping[str, TieIns], green: LineArray, changed: LineArray
) -> Regreened:
    """Corridors and tie-ins measured anew where greenery ``changed``; ``green`` is all now."""
    graph, areas = corridors.graph, shapely.STRtree(green)
    surfaces, table = corridors.surfaces, corridors.crossings
    dug = (graph.measures["kind"] != "carrier").to_numpy()
    of_edges = _Measured(
        graph.lines,
        graph.tree,
        Crossed.of(table, table["edge"].to_numpy(np.int64)),
        graph.measures["green_m"].to_numpy(float),
    )
    edge, green_m = _remeasured(of_edges, surfaces, areas, changed, dug)
    moved = graph
    if len(edge):
        moved = replace(graph, measures=graph.measures.assign(green_m=green_m))
        hand_on(graph, moved, _OF_EDGES)
    lines, after, ways = [graph.lines[edge]], dict(tie_ins), {}
    for key, one in tie_ins.items():
        of_ways = _Measured(one.lines, one.tree, one.crossed, one.ways.green_m)
        rows, green_m = _remeasured(of_ways, surfaces, areas, changed)
        if len(rows):
            after[key] = replace(one, ways=one.ways._replace(green_m=green_m))
            hand_on(one, after[key], _OF_WAYS)
        ways[key] = rows
        lines.append(one.lines[rows])
    beside = replace(corridors, graph=moved, green=green)
    return Regreened(beside, after, edge, ways, np.concatenate(lines))


class _Measured(NamedTuple):
    """Lines with their R-tree, what they cross, and their metres in greenery."""

    lines: LineArray
    tree: Tree
    crossed: Crossed
    green_m: FloatArray


def _remeasured(
    told: _Measured,
    surfaces: RoadSurfaces,
    green: shapely.STRtree,
    changed: LineArray,
    dug: NDArray[Any] | None = None,
) -> tuple[IntArray, FloatArray]:
    """Rows whose metres in greenery changed, and the metres of all rows."""
    metres = told.green_m.copy()
    near = distinct(told.tree.query(changed, "intersects")[1])
    if dug is not None:
        near = near[dug[near]]
    if len(near) == 0:
        return np.zeros(0, np.int64), metres
    lines, number = told.lines[near], numbers_after(near, len(metres))
    crossed = told.crossed._replace(line=number[told.crossed.line])
    around = np.sort(green.query(shapely.box(*shapely.total_bounds(lines))))
    areas = Areas(green.geometries[around])
    found = green_outside(surfaces, lines, crossed.take(crossed.line >= 0), areas)
    moved = np.abs(found - metres[near]) > _SAME_M
    near = near[moved]
    metres[near] = found[moved]
    return near, metres

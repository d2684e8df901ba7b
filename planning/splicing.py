"""Splicing: what was built anew round an edit is put in the place of what stood there.

Both are told apart by keys that depend on nothing but what a node or edge is and where. What is
equal stays; so a splice also shows how far an edit reaches, and that beyond, in a ring round it,
the part that was built anew equals what stood there before. A splice without such a ring is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from gis.handing_on import Exchange
from gis.keys import Keys, key_of, key_of_lines, paired, summed
from gis.linear import IntArray
from gis.network import CorridorGraph
from gis.patched_tree import patched
from gis.regions import Region
from planning.carriers import Carriers
from planning.corridor_parts import renumbered
from planning.corridors import Corridors
from planning.drawn_corridors import Drawn

# Long shapes that changed are covered by cells as large as this.
CELL_M = 25.0
# How far an edit is taken to reach, and how wide the ring round that and the rim round it are.
Widths = tuple[float, float, float]
_NONE = np.zeros(0, np.int64)
# What is told of each edge by itself.
_OF_EACH_EDGE = {"tie_break", "length_m", "kind"}
_FLAGS = {"is_connector", "is_lane", "never_cut", "is_bored"}


class TooNearError(Exception):
    """The edit reaches, or may reach, beyond the ring: the part built anew is too small."""


@dataclass(frozen=True)
class Window:
    """Where things may have changed, and the part built anew that is right: ``safe``."""

    inner: Region
    safe: Region


def wide_enough(windows_m: Sequence[Widths], max_snap_m: float) -> list[Widths]:
    """The windows, as reach, ring and rim, that a line joined over so many metres cannot leap."""
    return [widths_m for widths_m in windows_m if min(widths_m) >= max_snap_m]


@dataclass(frozen=True)
class Keyed:
    """Nodes and edges of a graph in a region with their keys."""

    nodes: IntArray
    node_key: Keys
    edges: IntArray
    edge_key: Keys


def keyed(corridors: Corridors, region: Region) -> Keyed:
    """Keys of the nodes in a region and of the edges between them.

    The key of a node tells what ends there, that of an edge all its measures.
    """
    graph = corridors.graph
    nodes = np.flatnonzero(region.holds(graph.node_xy))
    place = np.full(graph.node_count, -1)
    place[nodes] = np.arange(len(nodes))
    edges = _edges_in(graph, region)
    edges = edges[(place[graph.ends[edges]] >= 0).all(axis=1)]
    node_key = key_of(*graph.node_xy[nodes].T, _ending_at(corridors, place, len(nodes)))
    ends_key = node_key[place[graph.ends[edges]]].reshape(-1, 2)
    table = graph.measures.take(edges)
    roads = corridors.surfaces.keys
    columns = [table[name] for name in sorted(map(str, table)) if name != "road"]
    edge_key = key_of(
        *ends_key.T,
        key_of_lines(graph.lines[edges]),
        roads[table["road"].to_numpy(np.int64)],
        *columns,
        _told_of(corridors, roads, edges),
    )
    return Keyed(nodes, node_key, edges, edge_key)


def _edges_in(graph: CorridorGraph, region: Region) -> IntArray:
    """The edges that begin or end in a region, and others: all where no tree was made of them."""
    if "tree" in vars(graph):
        return region.near(graph.tree, 0.0)
    return np.arange(graph.edge_count)


def _ending_at(corridors: Corridors, place: IntArray, count: int) -> Keys:
    """What ends at nodes: parcels, gates, network nodes and joints of carriers."""
    total: Keys = np.zeros(count, np.uint64)
    for name, table in _by_node(corridors).items():
        at = place[table["node"].to_numpy(np.int64)]
        row = np.flatnonzero(at >= 0)
        if len(row) == 0:
            continue
        rows = table.take(row)
        columns = [rows[column] for column in rows if column not in ("node", "xy")]
        xy = [np.stack(rows["xy"].to_list()).T] if "xy" in rows else []
        key = key_of(_named(name, len(row)), *columns, *(x for both in xy for x in both))
        total += summed(key, at[row], count)
    return total


def _named(name: str, count: int) -> Keys:
    """The key of a name, for each of so many rows."""
    return key_of(np.array([name], object)).repeat(count)


def _by_node(corridors: Corridors) -> dict[str, pd.DataFrame]:
    """All tables that tell of nodes."""
    return {"site": corridors.sites, "foot": corridors.feet, "joint": corridors.carriers.joints}


def _told_of(corridors: Corridors, roads: Keys, edges: IntArray) -> Keys:
    """What other tables tell of edges: crossings, carriers, leads, drawn corridors."""
    place = np.full(corridors.graph.edge_count, -1)
    place[edges] = np.arange(len(edges))
    total: Keys = np.zeros(len(edges), np.uint64)
    for name, table in _by_edge(corridors).items():
        at = place[table["edge"].to_numpy(np.int64)]
        row = np.flatnonzero(at >= 0)
        if len(row) == 0:
            continue
        rows = table.take(row)
        columns = [rows[column] for column in rows if column not in ("edge", "road")]
        if "road" in rows:
            columns.append(roads[rows["road"].to_numpy(np.int64)])
        total += summed(key_of(_named(name, len(row)), *columns), at[row], len(edges))
    return total


def _by_edge(corridors: Corridors) -> dict[str, pd.DataFrame]:
    """All tables that tell of edges."""
    drawn = corridors.drawn
    allowed = [" ".join(sorted(names)) for names in drawn.utilities]
    told = {"edge": drawn.edge, "corridor_id": [*drawn.corridor_id], "utilities": allowed}
    return {
        "crossing": corridors.crossings,
        "carrier": corridors.carriers.table,
        "lead": corridors.carriers.leads,
        "drawn": pd.DataFrame(told),
    }


@dataclass(frozen=True)
class Splice:
    """Numbers of nodes and edges before and in the part, as numbers afterwards, -1 for none.

    ``part_node`` of what the part adds or has unchanged, where it is right; ``part_edge`` of what
    it adds. ``road`` numbers of roads before as numbers afterwards; one more, of no road.
    ``new_nodes`` and ``new_edges`` are numbers in the part of what it adds.
    """

    window: Window
    node: IntArray
    edge: IntArray
    road: IntArray
    part_node: IntArray
    part_edge: IntArray
    new_nodes: IntArray
    new_edges: IntArray

    @cached_property
    def edges(self) -> Exchange:
        """Of what is told of each edge: new ones come after all that stay."""
        return _at_the_end(self.edge, self.new_edges)

    @property
    def edge_before(self) -> IntArray:
        """For every edge afterwards its number before, -1 for a new one."""
        kept = np.flatnonzero(self.edge >= 0)
        return np.concatenate([kept, np.full(len(self.new_edges), -1)])


def compare(before: Corridors, part: Corridors, window: Window) -> Splice:
    """Find what the part, built anew, changes of what stood there before.

    That must keep ``stays_inside`` too: it is asked before the part is built.

    Raises
    ------
    TooNearError
        If anything outside ``window.inner`` differs, or an edge of the part leads from there to
        where the part is not known to be right.
    """
    old, new = keyed(before, window.safe), keyed(part, window.safe)
    stays_inside(part.graph, window)
    in_new, in_old = paired(old.node_key, new.node_key)
    gone, added = old.nodes[in_new < 0], new.nodes[in_old < 0]
    edge_in_new, edge_in_old = paired(old.edge_key, new.edge_key)
    gone_edges, added_edges = old.edges[edge_in_new < 0], new.edges[edge_in_old < 0]
    _are_inside(before.graph, gone, gone_edges, window.inner)
    _are_inside(part.graph, added, added_edges, window.inner)

    node = numbered(before.graph.node_count, gone)
    part_node = np.full(part.graph.node_count, -1)
    stayed = in_old >= 0
    part_node[new.nodes[stayed]] = node[old.nodes[in_old[stayed]]]
    part_node[added] = next_number(node) + np.arange(len(added))
    edge = numbered(before.graph.edge_count, gone_edges)
    part_edge = np.full(part.graph.edge_count, -1)
    part_edge[added_edges] = next_number(edge) + np.arange(len(added_edges))
    road = _roads(before, part)
    return Splice(window, node, edge, road, part_node, part_edge, added, added_edges)


def next_number(numbers: IntArray) -> int:
    """The first number that none of some numbers is."""
    return int(numbers.max(initial=-1)) + 1


def stays_inside(graph: CorridorGraph, window: Window) -> None:
    """Raise ``TooNearError`` if an edge leads from where things changed out of what is right."""
    ends = graph.node_xy[graph.ends[_edges_in(graph, window.inner)]].reshape(-1, 2)
    within, safe = (region.holds(ends).reshape(-1, 2) for region in (window.inner, window.safe))
    if (within & ~safe[:, ::-1]).any():
        raise TooNearError


def _are_inside(graph: CorridorGraph, nodes: IntArray, edges: IntArray, inner: Region) -> None:
    ends = np.concatenate([nodes, graph.ends[edges].ravel()])
    if not inner.holds(graph.node_xy[ends]).all():
        raise TooNearError


def numbered(count: int, gone: IntArray) -> IntArray:
    """Numbers of some things once others are gone, -1 for those."""
    kept = np.ones(count, bool)
    kept[gone] = False
    return np.where(kept, np.cumsum(kept) - 1, -1)


def _roads(before: Corridors, part: Corridors) -> IntArray:
    """New rows of the roads, -1 for one that is gone; one more, -1, for no road."""
    if part.surfaces is before.surfaces:
        return np.append(np.arange(len(before.surfaces.keys) - 1), -1)
    names = pd.Index(part.surfaces.table["road_id"])
    return np.append(names.get_indexer(before.surfaces.table["road_id"]), -1).astype(np.int64)


def spliced(
    before: Corridors, part: Corridors, splice: Splice, gaps_m: Mapping[str, float]
) -> Corridors:
    """The corridors with the part in its place; all but graph and tables is that of the part.

    Without any difference of the graph it is the very graph that stood before.
    """
    graph = _graph(before, part, splice)
    tables, edge_tables = (
        {name: rows(table, new[name], splice) for name, table in old.items()}
        for rows, old, new in (
            (_node_rows, _by_node(before), _by_node(part)),
            (_edge_rows, _by_edge(before), _by_edge(part)),
        )
    )
    drawn = edge_tables["drawn"]
    after = replace(
        part,
        graph=graph,
        crossings=edge_tables["crossing"],
        sites=tables["site"],
        feet=tables["foot"],
        gaps_m=gaps_m,
        carriers=Carriers(edge_tables["carrier"], edge_tables["lead"], tables["joint"]),
        drawn=Drawn(
            drawn["edge"].to_numpy(np.int64),
            tuple(drawn["corridor_id"]),
            tuple(frozenset(names.split()) for names in drawn["utilities"]),
        ),
    )
    for name in _FLAGS & vars(before).keys():
        came = getattr(part, name)[splice.new_edges]
        vars(after)[name] = splice.edges.of(getattr(before, name), came)
    return after


def _graph(before: Corridors, part: Corridors, splice: Splice) -> CorridorGraph:
    old, new = before.graph, part.graph
    same_roads = np.array_equal(splice.road[:-1], np.arange(len(splice.road) - 1))
    stayed = (splice.node >= 0).all() and (splice.edge >= 0).all() and same_roads
    if stayed and len(splice.new_nodes) == len(splice.new_edges) == 0:
        return old
    nodes = _at_the_end(splice.node, splice.new_nodes)
    edges, came = splice.edges, splice.new_edges
    ends = splice.node.take(edges.stay.of(old.ends, old.ends[:0]))
    ends = np.concatenate([ends, splice.part_node[new.ends[came]]])
    if ends.min(initial=0) < 0:
        raise TooNearError
    graph = CorridorGraph(
        nodes.of(old.node_xy, new.node_xy[splice.new_nodes]),
        ends,
        edges.of(old.lines, new.lines[came]),
        _measures(old.measures, new.measures.iloc[came], edges, splice.road),
    )
    for name in _OF_EACH_EDGE & vars(old).keys():
        vars(graph)[name] = edges.of(getattr(old, name), getattr(new, name)[came])
    if "tree" in vars(old):
        last = np.arange(graph.edge_count - len(came), graph.edge_count)
        vars(graph)["tree"] = patched(old.tree, splice.edge, graph.lines, last)
    return graph


def _at_the_end(number: IntArray, came: IntArray) -> Exchange:
    """The exchange of which those with the number -1 go and others come after all that stay."""
    return Exchange(np.flatnonzero(number < 0), np.full(len(came), len(number)))


def _measures(
    old: pd.DataFrame, new: pd.DataFrame, edges: Exchange, road: IntArray
) -> pd.DataFrame:
    """What is told of the edges that stay, then of those that came.

    Columns are put together one by one: a table would be copied as a whole, several times.
    """
    columns: dict[str, Any] = {
        str(name): edges.of(old[name].to_numpy(), new[name].to_numpy())
        for name in old
        if name not in ("kind", "road")
    }
    row = edges.stay.of(np.arange(len(old)), _NONE)
    kinds = pd.concat([old["kind"].take(row), new["kind"]], ignore_index=True)
    roads = edges.stay.of(old["road"].to_numpy(), _NONE)
    columns |= {"kind": kinds, "road": np.concatenate([road.take(roads), new["road"]])}
    return pd.DataFrame({name: columns[str(name)] for name in old}, copy=False)


def _node_rows(old: pd.DataFrame, new: pd.DataFrame, splice: Splice) -> pd.DataFrame:
    """Rows about nodes that stayed, and about those that the part adds."""
    came = np.full(len(splice.part_node), -1)
    came[splice.new_nodes] = splice.part_node[splice.new_nodes]
    return _together(renumbered(old, "node", splice.node), renumbered(new, "node", came))


def _edge_rows(old: pd.DataFrame, new: pd.DataFrame, splice: Splice) -> pd.DataFrame:
    """The same about edges."""
    kept = renumbered(old, "edge", splice.edge)
    if "road" in kept:
        kept = kept.assign(road=splice.road[kept["road"].to_numpy(np.int64)])
    return _together(kept, renumbered(new, "edge", splice.part_edge))


def _together(kept: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Rows that stay, then new ones."""
    if len(fresh) == 0:
        return kept
    if len(kept) == 0:
        return fresh
    return pd.concat([kept, fresh], ignore_index=True)

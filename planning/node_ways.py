"""Ways to nodes: manholes, handholes, ring main units and joints are joined at themselves.

They are reached straight from their feet on the strips, and from red lines that are no farther. A
way that would run beside a strip, mostly beside the node's own main, is needless where the strips
lead to a square one: they are followed to the point opposite the node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.beside import runs_beside
from gis.linear import FloatArray, IntArray, distinct
from gis.network import joined_near
from gis.regions import Region
from planning.corridors import Corridors
from planning.networks import Networks
from planning.tie_in_ways import MainWays, even, matches

# The way from a strip to a red line passes what stands no farther beside it.
_PASSES_M = 0.6
# A way runs beside a strip within the width of a footway with its verge,
_BESIDE_M = 10.0
# for more than so many metres and half of its length; at a greater slant it leaves or crosses it.
_RUN_M, _MOST_SLANT_DEG = 5.0, 30.0


class ToNodes(NamedTuple):
    """Ways as equal arrays: from a node of the graph straight to the ``feature`` at ``xy``."""

    node: IntArray
    feature: IntArray
    xy: FloatArray

    def only(self, rows: NDArray[Any]) -> ToNodes:
        """Some of the rows."""
        return ToNodes(*(column[rows] for column in self))


@dataclass(frozen=True)
class NodeWays:
    """Candidate ways to the nodes of all utilities, found with those to mains."""

    corridors: Corridors
    networks: Networks
    mains: MainWays

    def find(self, near: Region | None = None) -> ToNodes:
        """Ways from feet on the strips and straight from red lines.

        With ``near`` those from nodes of the graph in that region, and all others to what these
        lead to: one of them may make them needless.
        """
        feet, joints = (
            self._feet(table) for table in (self.corridors.feet, self.corridors.carriers.joints)
        )
        parts = (feet, self._to_red_lines(feet), joints)
        ways = ToNodes(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        if near is None:
            return ways
        held = near.holds(self.corridors.graph.node_xy[ways.node])
        return ways.only(np.isin(ways.feature, ways.feature[held]))

    def needless(self, ways: ToNodes, is_open: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which ways run beside strips, where an open one of less than half their length does not.

        A path that does not go far must lead to where that one leaves its strip.
        """
        away_m = self._away_m(ways)
        beside = self._run_beside(ways)
        way = np.flatnonzero(beside)
        row, other = matches(ways.feature[way], np.where(is_open & ~beside, ways.feature, -1))
        way = way[row]
        short = away_m[other] < away_m[way] / 2
        way, other = way[short], other[short]
        pairs = np.column_stack([ways.node[way], ways.node[other]])
        graph, reach_m = self.corridors.graph, self.mains.max_snap_m
        found = np.zeros(len(beside), bool)
        found[way[joined_near(self.mains.walked, graph.node_xy, pairs, reach_m)]] = True
        return found

    def _run_beside(self, ways: ToNodes) -> NDArray[np.bool_]:
        """Which ways run mostly beside strips."""
        graph, away_m = self.corridors.graph, self._away_m(ways)
        beside = runs_beside(
            graph.node_xy[ways.node],
            ways.xy,
            graph.lines[graph.kind == "strip"],
            within_m=_BESIDE_M,
            on_m=0.0,
            most_slant_deg=_MOST_SLANT_DEG,
        )
        return np.asarray(beside.askew_m > np.maximum(_RUN_M, away_m / 2))

    def _away_m(self, ways: ToNodes) -> FloatArray:
        return even(np.hypot(*(ways.xy - self.corridors.graph.node_xy[ways.node]).T))

    def _feet(self, table: pd.DataFrame) -> ToNodes:
        """From nodes of the graph to the nodes of the networks, by number, and where these are."""
        feature = self.networks.nodes_named(table["network_node_id"].to_numpy(object))
        node = table["node"].to_numpy(np.int64)
        rows = np.flatnonzero(feature >= 0)
        rows = rows[self.mains.may_leave(node[rows], feature[rows])]
        places = table["xy"].to_numpy(object)[rows]
        xy = np.stack(list(places)) if len(rows) else np.zeros((0, 2))
        return ToNodes(node[rows], feature[rows], xy)

    def _to_red_lines(self, feet: ToNodes) -> ToNodes:
        """The same places seen from red lines that are no farther than a strip and back.

        A handhole between strip and red line is joined straight, not by way of the strip; so is
        one that the way from the strip to the red line passes.
        """
        graph, (node, feature, xy) = self.corridors.graph, feet
        graph_xy = graph.node_xy
        away = np.hypot(*(graph_xy[node] - xy).T)
        order = np.lexsort((away, feature))
        order = order[np.diff(feature[order], prepend=-1) != 0]
        sites = distinct(self.corridors.sites["node"].to_numpy(np.int64))
        place, site = shapely.STRtree(shapely.points(graph_xy[sites])).query(
            shapely.points(xy[order]), predicate="dwithin", distance=2.0 * away[order]
        )
        connector = np.flatnonzero(self.corridors.is_connector)
        passed, by = shapely.STRtree(graph.lines[connector]).query(
            shapely.points(xy[order]), predicate="dwithin", distance=_PASSES_M
        )
        seen = np.concatenate([sites[site], graph.ends[connector[by], 1]])
        pairs = np.unique(np.column_stack([np.concatenate([place, passed]), seen]), axis=0)
        place, seen = order[pairs[:, 0]], pairs[:, 1]
        return ToNodes(seen, feature[place], xy[place])

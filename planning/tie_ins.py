"""Tie-ins 接入点: where a new line may join the existing network of its utility (design 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.keys import Keys, key_of
from gis.linear import (
    FloatArray,
    IntArray,
    LineArray,
    blocks,
    distinct,
    ranges,
    rest_after,
    segments,
)
from gis.network import tie_break
from gis.overlay import CONTACT_TOLERANCE_M
from gis.patched_tree import Tree, tree_of
from gis.regions import Region
from layers.survey import Survey
from layers.utilities import Utility
from planning.corridors import Corridors, green_of
from planning.crossing_angles import angles_across
from planning.networks import Network, Networks, networks_of
from planning.obstacles import Obstacles, obstacles_of
from planning.policy_model import Policy
from planning.road_surfaces import Crossed
from planning.tie_in_ways import MainWays, Ways, even

# Why a way is none, by its number; the first is an open way.
BLOCKED, OBLIQUE, OFF_STREET = "blocked", "oblique", "off_street"
REASONS = ("", BLOCKED, OBLIQUE, OFF_STREET)
_BLOCKED, _OBLIQUE, _OFF_STREET = 1, 2, 3
MEASURES = ("length_m", "kerb_m", "red_line_m", "green_m")
# Figures of a way that differ by less are one, but for rounding.
_SAME_M = 1e-6
# A way that comes as near as this to something may hang on it.
_TOUCHED_M = 0.05
# The way from a strip to a red line passes what stands no farther beside it.
_PASSES_M = 0.6


class OpenWays(NamedTuple):
    """Ways as equal arrays: the ``node`` of the graph, the row of the ``feature`` in its network,
    ``chainage_m`` along the main, NaN at a node, and the measures of the way.
    """

    node: IntArray
    feature: IntArray
    chainage_m: FloatArray
    length_m: FloatArray
    kerb_m: FloatArray
    red_line_m: FloatArray
    green_m: FloatArray


class ClosedWays(NamedTuple):
    """Ways that were tried and are none, by their numbers in ``REASONS``; where they led to."""

    node: IntArray
    feature: IntArray
    reason: IntArray
    x: FloatArray
    y: FloatArray
    length_m: FloatArray


@dataclass(frozen=True)
class TieIns:
    """Every place where one utility's network can be reached from the corridors.

    Attributes
    ----------
    networks, number
        The mains and nodes of the utilities that it was found with, and which it is of these.
    ways
        One row per pair of graph node and place, in the order of the nodes, and at a node by name,
        so that of features in one place the first by name is joined.
    lines
        The ways, from the graph node to the place in the network, LineStrings.
    crossed
        Pieces of them inside carriageways; ``line`` is the row of the way.
    closed_ways
        Ways that were tried and are none.
    """

    networks: Networks
    number: int
    ways: OpenWays
    lines: LineArray
    crossed: Crossed
    closed_ways: ClosedWays

    @property
    def network(self) -> Network:
        """The mains and nodes themselves."""
        return self.networks.each[self.number]

    @property
    def utility(self) -> str:
        return self.network.utility

    @property
    def imported(self) -> bool:
        """False when the utility has no network in the survey at all."""
        return self.network.imported

    @property
    def features(self) -> pd.DataFrame:
        """The mains and nodes by kind and feature_id, for ``may_serve``."""
        return self.network.features

    @cached_property
    def table(self) -> pd.DataFrame:
        """The ways: node, kind ('line' or 'node'), feature_id, chainage_m and the measures."""
        told = self.ways._asdict()
        node, feature = told.pop("node"), told.pop("feature")
        return pd.DataFrame({"node": node, **self._named(feature), **told})

    @cached_property
    def crossings(self) -> pd.DataFrame:
        """``crossed`` as a table; the first column is ``tie_in``, the row of the way."""
        return self.crossed.table().rename(columns={"line": "tie_in"})

    @cached_property
    def closed(self) -> pd.DataFrame:
        """Ways that were tried and are none: ``kind``, ``feature_id``, ``reason`` (``blocked`` by
        private land, buildings, water or rails, ``oblique`` to a carriageway, ``off_street`` from
        one street to another or over the inside of a bend), ``node``, ``x``, ``y``.

        In the order of the names of what they led to, of each the shortest first.
        """
        ways, reasons = self.closed_ways, np.array(REASONS, object)
        names = self.network.order_of_names[ways.feature]
        ways = taken(ways, np.lexsort((ways.reason, even(ways.length_m), names)))
        told = {"reason": reasons[ways.reason], "node": ways.node, "x": ways.x, "y": ways.y}
        return pd.DataFrame({**self._named(ways.feature), **told})

    def _named(self, feature: IntArray) -> dict[str, NDArray[np.object_]]:
        return {"kind": self.network.kinds[feature], "feature_id": self.network.ids[feature]}

    @cached_property
    def tie_break(self) -> FloatArray:
        """The tie-break of every way, as edges have one."""
        return tie_break(self.lines)

    @cached_property
    def tree(self) -> Tree:
        """R-tree of the ways."""
        return tree_of(self.lines)

    @cached_property
    def starts(self) -> IntArray:
        """The rows that are the first of their node."""
        return np.flatnonzero(np.diff(self.node, prepend=-1))

    @property
    def node(self) -> IntArray:
        """The node of the graph that each way begins at."""
        return self.ways.node

    def at_nodes(self, nodes: IntArray) -> IntArray:
        """Rows that begin at some nodes."""
        return ranges(*(np.searchsorted(self.node, nodes, side) for side in ("left", "right")))

    @cached_property
    def feature_ids(self) -> list[str]:
        """The main or node that each row joins."""
        return list(map(str, self.network.ids[self.ways.feature]))

    def names_of(self, rows: IntArray) -> IntArray:
        """Place of the features of some rows among all names: decides between equal ways."""
        return self.network.order_of_names[self.ways.feature[rows]]


def find_tie_ins(
    corridors: Corridors,
    survey: Survey,
    utilities: Iterable[Utility],
    policy: Policy,
    near: Region | None = None,
) -> dict[str, TieIns]:
    """Find the places where utilities may be joined, within the snap distance of the graph.

    Inside mains (the main is split there) where the utility allows it, else at its nodes. A way
    that would cross private land, water or rails, or meet a carriageway at less than the least
    crossing angle of the policy, is no way; nor is one that leaves a street for another, or over
    the inside of a bend, over land wider than a median. All utilities are looked at together:
    their ways run over the same ground. With ``near`` those from nodes in that region are found.
    """
    networks = Networks(networks_of(survey, utilities))
    found = find_ways(corridors, networks, policy, near)
    return {
        network.utility: TieIns(networks, number, *found.of_network(networks, number)[:4])
        for number, network in enumerate(networks.each)
    }


class Found(NamedTuple):
    """Ways of several utilities; their ``feature`` is its number in the networks.

    Columns are those of ``TieIns``; ``again`` are the numbers of known ways that were found again,
    which are not told of a second time.
    """

    ways: OpenWays
    lines: LineArray
    crossed: Crossed
    closed_ways: ClosedWays
    again: IntArray

    @staticmethod
    def joined(parts: Sequence[Found]) -> Found:
        """Ways one after the other."""
        ways, lines, crossed, closed, again = zip(*parts, strict=True)
        start = np.cumsum([0, *map(len, lines)])
        moved = [one._replace(line=one.line + at) for one, at in zip(crossed, start, strict=False)]
        return Found(
            joined(ways),
            np.concatenate(lines),
            joined(moved),
            joined(closed),
            np.concatenate(again),
        )

    def only(self, rows: IntArray, shut: IntArray) -> Found:
        """Some open and some closed ways, by rows."""
        return Found(
            taken(self.ways, rows),
            self.lines[rows],
            crossed_by(self.crossed, rows),
            taken(self.closed_ways, shut),
            self.again,
        )

    def of_network(self, networks: Networks, number: int) -> Found:
        """Those of one network, their features by its rows, open ones in the order of tie-ins."""
        own, shut = (
            np.flatnonzero(networks.network[ways.feature] == number)
            for ways in (self.ways, self.closed_ways)
        )
        names = networks.each[number].order_of_names[networks.row[self.ways.feature[own]]]
        found = self.only(own[np.lexsort((names, self.ways.node[own]))], shut)
        ways, closed = found.ways, found.closed_ways
        return found._replace(
            ways=ways._replace(feature=networks.row[ways.feature]),
            closed_ways=closed._replace(feature=networks.row[closed.feature]),
        )


class Known(NamedTuple):
    """Ways that were tried before an edit, by their ``way_key``, ascending.

    ``number`` is that of the way of each key, ``reason`` that of each way by number, and
    ``where_m`` (n, 4) x and y of its end, its length, and of open ones the chainage. What
    became of a way stands if it ends where it ended and comes near none of the shapes that
    ``changed``. Others are tried on the ground of ``survey``.
    """

    key: Keys
    number: IntArray
    reason: IntArray
    where_m: FloatArray
    changed: shapely.STRtree
    survey: Survey

    def rows(self, key: Keys, lines: LineArray, where_m: FloatArray) -> IntArray:
        """The number among these of ways that need not be tried again, -1 for all others."""
        if len(self.key) == 0:
            return np.full(len(key), -1)
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        row = np.where(self.key[place] == key, self.number[place], -1)
        same = np.flatnonzero(row >= 0)
        near = self.changed.query(lines[same], predicate="dwithin", distance=_TOUCHED_M)[0]
        row[same[near]] = -1
        shifted_m = np.abs(self.where_m[row] - where_m)  # unknown of closed ways and at nodes
        return np.where((shifted_m > _SAME_M).any(axis=1), -1, row)


def way_key(node: IntArray, feature: IntArray, where_m: FloatArray) -> Keys:
    """The key of ways by where they begin, what they join and where, and how long they are.

    ``where_m`` begins with x, y and the length.
    """
    return key_of(node, feature, *where_m[:, :3].T.round(3))


class _Ways(NamedTuple):
    """Ways from nodes to places in the networks that were tried.

    Only those that are open have their lines. ``known`` is the number among those known, -1 for
    one that is not.
    """

    node: IntArray
    feature: IntArray
    chainage_m: FloatArray
    xy: FloatArray
    lines: LineArray
    length_m: FloatArray
    key: Keys
    reason: IntArray
    known: IntArray


class _Tried(NamedTuple):
    """Ways that were tried, and what those cross that are open and not known."""

    ways: _Ways
    crossed: Crossed

    def only(self, rows: IntArray) -> _Tried:
        """Some of the ways, in this order."""
        return _Tried(taken(self.ways, rows), crossed_by(self.crossed, rows))


def find_ways(
    corridors: Corridors,
    networks: Networks,
    policy: Policy,
    near: Region | None = None,
    known: Known | None = None,
) -> Found:
    """Ways to all that may be joined of some networks.

    With ``near`` those from nodes in that region are found; with ``known`` those among
    these that need not be tried again are not.
    """
    desk = _Desk(corridors, networks, policy, near, known)
    (opened, crossed), closed, again = desk.ways()
    measured = desk.measuring(opened.lines).measured(opened.lines, crossed)
    return Found(
        OpenWays(
            opened.node,
            opened.feature,
            opened.chainage_m,
            *(measured[name] for name in MEASURES),
        ),
        opened.lines,
        crossed,
        ClosedWays(
            closed.node,
            closed.feature,
            closed.reason,
            closed.xy[:, 0],
            closed.xy[:, 1],
            closed.length_m,
        ),
        again,
    )


@dataclass(frozen=True)
class _Desk:
    """What ways are looked for in."""

    corridors: Corridors
    networks: Networks
    policy: Policy
    near: Region | None
    known: Known | None

    @cached_property
    def finder(self) -> MainWays:
        """What looks for ways to mains."""
        return MainWays(self.corridors, self.networks, self.policy.planning.max_snap_m)

    def measuring(self, lines: LineArray) -> Corridors:
        """What some lines are measured by: all of it, or with the greenery that they meet."""
        if self.known is None:
            return self.corridors
        return replace(self.corridors, green=green_of(self.known.survey, lines))

    def obstacles(self, lines: LineArray) -> Obstacles:
        """What some lines are judged by: all that is in the way, or what they meet of it."""
        return self._obstacles if self.known is None else obstacles_of(self.known.survey, lines)

    @cached_property
    def _obstacles(self) -> Obstacles:
        """All that is in the way; how it is prepared for many lines is let go with the desk."""
        return replace(self.corridors.obstacles)

    def ways(self) -> tuple[_Tried, _Ways, IntArray]:
        """Open ways and closed ones that are not known, and the numbers of those that are."""
        ways, crossed = _one_after_another([*self.ways_to_mains(), self.ways_to_nodes()])
        once = _first_of_equal(ways)
        fresh = once & (ways.known < 0)
        if self.near is not None:  # of others it is known only whether they make these needless
            fresh &= self.near.holds(self.corridors.graph.node_xy[ways.node])
        own, shut = (np.flatnonzero(fresh & some) for some in (ways.reason == 0, ways.reason > 0))
        opened = _Tried(taken(ways, own), crossed_by(crossed, own))
        return opened, taken(ways, shut), ways.known[once & (ways.known >= 0)]

    def ways_to_mains(self) -> list[_Tried]:
        """Ways to mains. One that another makes needless is tried when that one is closed."""
        ways = self.finder.find()
        if self.near is not None:
            ways = ways.only(self.near.holds(self.corridors.graph.node_xy[ways.node]))
        is_closed = np.zeros(len(ways), bool)
        due = np.flatnonzero(ways.cover < 0)
        first = self._tried_to_mains(ways.take(due))
        is_closed[due] = first.ways.reason > 0
        # Most ways in place of closed ones are closed too: all that may be due are tried at once.
        waiting = _after_any(ways.cover, is_closed)
        ways = ways.take(waiting)
        second = self._tried_to_mains(ways)
        shut, rows, left = second.ways.reason > 0, [], np.arange(len(waiting))
        while (ready := is_closed[ways.cover[left]]).any():
            rows.append(left[ready])
            is_closed[waiting[rows[-1]]] = shut[rows[-1]]
            left = left[~ready]
        return [first, second.only(np.concatenate([left[:0], *rows]))]

    def _tried_to_mains(self, ways: Ways) -> _Tried:
        ended, lines = self.finder.ended_at_first_main(ways)
        to = ended.node, ended.main, ended.chainage_m, ended.xy
        return self.tried(*to, lines, ended.along_m, self.finder.in_lane(ended))

    def ways_to_nodes(self) -> _Tried:
        """The nodes themselves, from their feet on the strips and straight from red lines."""
        feet, joints = (
            self._feet(table) for table in (self.corridors.feet, self.corridors.carriers.joints)
        )
        parts = (feet, self._to_red_lines(*feet), joints)
        node, feature, xy = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        if self.near is not None:
            kept = self.near.holds(self.corridors.graph.node_xy[node])
            node, feature, xy = node[kept], feature[kept], xy[kept]
        lines, count = segments(self.corridors.graph.node_xy[node], xy), len(node)
        to = node, feature, np.full(count, np.nan), xy
        return self.tried(*to, lines, np.zeros(count), np.zeros(count, bool))

    def _feet(self, table: pd.DataFrame) -> tuple[IntArray, IntArray, FloatArray]:
        """Graph nodes, nodes of the networks by number, and where these are."""
        feature = self.networks.nodes_named(table["network_node_id"].to_numpy(object))
        node = table["node"].to_numpy(np.int64)
        rows = np.flatnonzero(feature >= 0)
        rows = rows[self.finder.may_leave(node[rows], feature[rows])]
        places = table["xy"].to_numpy(object)[rows]
        xy = np.stack(list(places)) if len(rows) else np.zeros((0, 2))
        return node[rows], feature[rows], xy

    def _to_red_lines(
        self, node: IntArray, feature: IntArray, xy: FloatArray
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """The same places seen from red lines that are no farther than a strip and back.

        A handhole between strip and red line is joined straight, not by way of the strip; so is
        one that the way from the strip to the red line passes.
        """
        graph = self.corridors.graph
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
        return seen, feature[place], xy[place]

    def tried(
        self,
        node: IntArray,
        feature: IntArray,
        chainage_m: FloatArray,
        xy: FloatArray,
        lines: LineArray,
        along_m: FloatArray,
        in_lane: NDArray[np.bool_],
    ) -> _Tried:
        """Ways with the reasons why they are none: of those not known it is found out.

        They run ``along_m`` along a strip, or ``in_lane``, before they leave it.
        """
        where_m = np.column_stack([xy, shapely.length(lines), chainage_m])
        key = way_key(node, feature, where_m)
        row = (
            np.full(len(lines), -1) if self.known is None else self.known.rows(key, lines, where_m)
        )
        reason = np.zeros(len(lines), np.int64)
        if self.known is not None:
            reason[row >= 0] = self.known.reason[row[row >= 0]]
        anew = np.flatnonzero(row < 0)
        reason[anew], crossed = self._judged(lines[anew], along_m[anew], in_lane[anew])
        crossed = crossed._replace(line=anew[crossed.line])
        opened = lines.copy()
        opened[reason > 0] = None
        told = node, feature, chainage_m, xy, opened, where_m[:, 2]
        return _Tried(_Ways(*told, key, reason, row), crossed)

    def _judged(
        self, lines: LineArray, along_m: FloatArray, in_lane: NDArray[np.bool_]
    ) -> tuple[IntArray, Crossed]:
        """Tell of ways why they are none, 0 of open ones, and what open ones cross."""
        some = list(blocks(len(lines)))
        told = [self._judged_at_once(lines[r], along_m[r], in_lane[r]) for r in some]
        reasons, crossed = zip((np.zeros(0, np.int64), Crossed.none()), *told, strict=True)
        return np.concatenate(reasons), crossed_one_after_another(crossed, list(map(len, reasons)))

    def _judged_at_once(
        self, lines: LineArray, along_m: FloatArray, in_lane: NDArray[np.bool_]
    ) -> tuple[IntArray, Crossed]:
        """Tell open ways from those that are blocked, too sharp to a carriageway or off streets.

        A way along a lane is no crossing: its angle is that of what comes after. Along a strip
        rails are crossed as the strip crosses them. What is crossed is told of open ways.
        """
        surfaces, settings = self.corridors.surfaces, self.policy.planning
        left = rest_after(lines, along_m)
        allowed = self.obstacles(lines).connector_allowed(lines, left)
        reason = np.where(allowed, 0, _BLOCKED)
        free = np.flatnonzero(reason == 0)
        across, crossed = lines[free], surfaces.crossed(lines[free])
        entered = crossed
        if in_lane[free].any():
            across = np.where(in_lane, left, lines)[free]
            entered = surfaces.crossed(across)
        entered = entered.take(entered.kerb_m > CONTACT_TOLERANCE_M)
        angle = angles_across(across, entered.line, entered.road, entered.at_m, surfaces)
        reason[free[entered.line[angle < settings.min_crossing_angle_deg]]] = _OBLIQUE
        most_m = settings.max_median_m
        long = np.flatnonzero((reason == 0) & (shapely.length(lines) > most_m))
        between_m = surfaces.land.pieces(lines[long]).between_m(len(long))
        reason[long[between_m > most_m]] = _OFF_STREET
        crossed = crossed._replace(line=free[crossed.line])
        return reason, crossed.take(reason[crossed.line] == 0)


def _after_any(cover: IntArray, chosen: NDArray[np.bool_]) -> IntArray:
    """Ways that chosen ones cover, directly or by way of others."""
    found = chosen.copy()
    while (more := (cover >= 0) & found[cover] & ~found).any():
        found |= more
    return np.flatnonzero(found & ~chosen)


def _one_after_another(parts: Sequence[_Tried]) -> _Tried:
    """Ways one after the other."""
    crossed = crossed_one_after_another(
        [one.crossed for one in parts], [len(one.ways.node) for one in parts]
    )
    return _Tried(joined([one.ways for one in parts]), crossed)


def _first_of_equal(ways: _Ways) -> NDArray[np.bool_]:
    """Of ways that are equal to a millimetre the shortest, or most southerly."""
    order = np.lexsort((*even(ways.xy).T, even(ways.length_m)))
    first = np.zeros(len(order), bool)
    first[order[np.unique(ways.key[order], return_index=True)[1]]] = True
    return first


Columns = TypeVar("Columns", OpenWays, ClosedWays, _Ways, Crossed)


def taken(columns: Columns, rows: NDArray[Any]) -> Columns:
    """Some rows of equal arrays."""
    return type(columns)(*[column[rows] for column in columns])


def joined(parts: Sequence[Columns]) -> Columns:
    """Rows of equal arrays one after the other."""
    return type(parts[0])(*map(np.concatenate, zip(*parts, strict=True)))


def crossed_one_after_another(parts: Sequence[Crossed], counts: Sequence[int]) -> Crossed:
    """What lines cross, given by their place in parts of so many lines, by their place in all."""
    start = np.cumsum([0, *counts])
    moved = (one._replace(line=one.line + at) for one, at in zip(parts, start, strict=False))
    return Crossed.joined(list(moved))


def crossed_by(crossed: Crossed, rows: IntArray) -> Crossed:
    """What some lines cross, by their place among these; all is in the order of the lines."""
    first, last = (np.searchsorted(crossed.line, rows, side) for side in ("left", "right"))
    found = taken(crossed, ranges(first, last))
    return found._replace(line=np.repeat(np.arange(len(rows)), last - first))

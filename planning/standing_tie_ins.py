"""Standing tie-ins: those of an edited county, looked for anew only where the edit reaches.

They are looked for in what is cut out of the corridors round all that changed, and put in the place
of those that stood there. As with corridors, how far the edit reaches is seen: in a ring round it
those found anew must be the old ones, else a wider ring is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.handing_on import Exchange, hand_on, numbers_after
from gis.keys import Keys, key_of, key_of_lines, paired, summed
from gis.linear import FloatArray, IntArray, LineArray, ranges
from gis.network import tie_break
from gis.patched_tree import patched
from gis.regions import Region
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.corridor_parts import Part, cut_out
from planning.corridors import Corridors
from planning.groundwork import Groundwork
from planning.networks import Networks, networks_of
from planning.road_surfaces import Crossed
from planning.splicing import TooNearError, Window, wide_enough
from planning.tie_ins import (
    ClosedWays,
    Found,
    Known,
    OpenWays,
    TieIns,
    crossed_by,
    find_ways,
    taken,
    way_key,
)

# How far beyond the edit ways are first taken to be others, and how wide the ring round that and
# the rim round the ring are; then if that was not enough. A way hangs on nothing that is farther
# from its node than lines are joined over.
_WINDOWS_M = (
    (45.0, 45.0, 45.0),
    (60.0, 45.0, 45.0),
    (100.0, 80.0, 60.0),
    (400.0, 100.0, 100.0),
)
_MAINS = ("lines", "nodes")
_NONE = np.zeros(0, np.int64)


class Redone(NamedTuple):
    """Tie-ins of every utility, the row of each way before, -1 for a new one.

    ``lines`` are the ways that came or went.
    """

    tie_ins: dict[str, TieIns]
    ways_before: dict[str, IntArray]
    lines: LineArray


def tie_ins_after(
    work: Groundwork,
    corridors: Corridors,
    survey: Survey,
    stayed: tuple[IntArray, IntArray],
    changed: tuple[Region, NDArray[Any]],
    utilities: Collection[str],
) -> Redone:
    """The tie-ins after an edit; those of other utilities stand.

    Parameters
    ----------
    work
        The groundwork before, with the tie-ins of all utilities or of none.
    corridors, survey
        Those of now.
    stayed
        Of every node and road before its number now, -1 for one that is gone; and one more road,
        -1, for none. Nodes that stay keep their order.
    changed
        A region that holds all that changed, features and edges; and the shapes, as they were and
        as they are, of all that ways are judged and measured by: land, greenery and roads.

    Raises
    ------
    TooNearError
        If the edit reaches too far.
    """
    anew = [one for key, one in work._tie_ins.items() if key in utilities]
    stand = {key: np.arange(len(one.lines)) for key, one in work._tie_ins.items()}
    if not anew:
        return Redone(dict(work._tie_ins), stand, np.zeros(0, object))
    region, shapes = changed
    networks, moved = _networks(work, survey, anew), shapely.STRtree(shapes)
    for reach_m, ring_m, rim_m in wide_enough(_WINDOWS_M, work.policy.planning.max_snap_m):
        inner = region.grown(reach_m).merged(2 * (ring_m + rim_m))
        window = Window(inner, inner.grown(ring_m))
        here = cut_out(corridors, inner.grown(ring_m + rim_m))
        redo = _Redo(work.corridors, corridors, here, window, *stayed, anew, networks)
        known = redo.known(moved, survey)
        try:
            after = redo.exchanged(
                find_ways(here.corridors, networks, work.policy, window.safe, known)
            )
        except TooNearError:
            continue
        tie_ins = {one.utility: one for one, _ in after}
        ways_before = {one.utility: rows for one, rows in after}
        lines = _differing_lines(anew, after)
        return Redone(work._tie_ins | tie_ins, stand | ways_before, lines)
    raise TooNearError


def _networks(work: Groundwork, survey: Survey, anew: Sequence[TieIns]) -> Networks:
    """The networks of some utilities now, the very ones where their layers are."""
    if not all(survey.get(layer) is work.survey.get(layer) for layer in _MAINS):
        each = networks_of(survey, (load_utilities()[one.utility] for one in anew))
        for one, network in zip(anew, each, strict=True):
            if np.array_equal(one.network.ids, network.ids):
                hand_on(one.network, network, ("order_of_names",))
        return Networks(each)
    each = tuple(one.network for one in anew)
    same = len(each) == len(anew[0].networks.each) and all(
        one is two for one, two in zip(each, anew[0].networks.each, strict=True)
    )
    return anew[0].networks if same else Networks(each)


def _differing_lines(
    before: Sequence[TieIns], after: Sequence[tuple[TieIns, IntArray]]
) -> LineArray:
    """The ways that went, and those that came."""
    lines = [np.zeros(0, object)]
    for old, (new, rows) in zip(before, after, strict=True):
        went = np.ones(len(old.lines), bool)
        went[rows[rows >= 0]] = False
        lines += [old.lines[went], new.lines[rows < 0]]
    return np.concatenate(lines)


class _Rows(NamedTuple):
    """Ways that stood in a window: ``of`` which tie-ins, the row there, and where they begin."""

    of: IntArray
    row: IntArray
    xy: FloatArray

    @staticmethod
    def within(safe: NDArray[np.bool_], nodes: Sequence[IntArray], node_xy: FloatArray) -> _Rows:
        """Those of several tie-ins that begin at nodes that are ``safe``."""
        rows = [np.flatnonzero(safe[node]) for node in nodes]
        of = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
        begin = [node[row] for node, row in zip(nodes, rows, strict=True)]
        return _Rows(of, np.concatenate(rows), node_xy[np.concatenate(begin)])


@dataclass(frozen=True)
class _Redo:
    """What ways are looked for anew in: ``here``, cut out of the corridors of ``now``.

    ``node`` and ``road`` are the numbers now of those ``before``; ``tie_ins`` are those before,
    ``networks`` what they may join now.
    """

    before: Corridors
    now: Corridors
    here: Part
    window: Window
    node: IntArray
    road: IntArray
    tie_ins: Sequence[TieIns]
    networks: Networks

    @cached_property
    def rows(self) -> tuple[_Rows, _Rows]:
        """The open and the closed ways before that begin in the window."""
        node_xy = self.before.graph.node_xy
        safe = self.window.safe.holds(node_xy)
        nodes = (
            [one.ways.node for one in self.tie_ins],
            [one.closed_ways.node for one in self.tie_ins],
        )
        one, two = (_Rows.within(safe, some, node_xy) for some in nodes)
        return one, two

    @cached_property
    def stood(self) -> Found:
        """These ways, with the numbers that their nodes and features have here.

        A node that is gone, or at which something else ends now, has a number that none has.
        """
        of_now = np.append(numbers_after(self.here.node, self.now.graph.node_count), -1)
        parts, told = of_now[self.node], []
        for number, one in enumerate(self.tie_ins):
            mine, shut = (some.row[some.of == number] for some in self.rows)
            feature = np.append(self.networks.numbers[number], -1)[self.features[number]]
            ways, closed = taken(one.ways, mine), taken(one.closed_ways, shut)
            ways = ways._replace(node=_or_none(parts, ways.node), feature=feature[ways.feature])
            closed = closed._replace(
                node=_or_none(parts, closed.node), feature=feature[closed.feature]
            )
            crossed = crossed_by(one.crossed, mine)
            crossed = crossed._replace(road=self.road[crossed.road])
            told.append(Found(ways, one.lines[mine], crossed, closed, _NONE))
        return Found.joined(told)

    @cached_property
    def features(self) -> list[IntArray]:
        """For each utility the row now of every feature before, -1 for one that is gone."""
        both = zip(self.tie_ins, self.networks.each, strict=True)
        return [one.network.rows_in(network) for one, network in both]

    def known(self, changed: shapely.STRtree, survey: Survey) -> Known:
        """What became of the ways before: open ones by their rows, then closed ones."""
        ways, closed = self.stood.ways, self.stood.closed_ways
        end = shapely.get_coordinates(shapely.get_point(self.stood.lines, -1))
        unknown = np.full(len(closed.node), np.nan)
        where_m = np.concatenate(
            [
                np.column_stack([end, ways.length_m, ways.chainage_m]),
                np.column_stack([closed.x, closed.y, closed.length_m, unknown]),
            ]
        )
        node, feature = (
            np.concatenate([getattr(some, name) for some in (ways, closed)])
            for name in ("node", "feature")
        )
        key = way_key(node, feature, where_m)
        order = np.argsort(key)
        reason = np.concatenate([np.zeros(len(end), np.int64), closed.reason])
        return Known(key[order], order, reason, where_m, changed, survey)

    def exchanged(self, found: Found) -> list[tuple[TieIns, IntArray]]:
        """The tie-ins with what was found in the place of what it changes, and rows before.

        Raises ``TooNearError`` if anything changes too far out.
        """
        rows, shut = self.rows
        left = np.ones(len(rows.row) + len(shut.row), bool)
        left[found.again] = False
        old, new = np.flatnonzero(left), np.arange(len(found.lines) + len(found.closed_ways.node))
        keys = self._keys(self.stood, old), self._keys(found, new)
        in_new, in_old = paired(*keys)
        gone, came = old[in_new < 0], new[in_old < 0]
        began = np.concatenate([rows.xy, shut.xy])[gone]
        at = np.concatenate([found.ways.node, found.closed_ways.node])[came]
        begin = np.concatenate([began, self.here.corridors.graph.node_xy[at]])
        if not self.window.inner.holds(begin).all():
            raise TooNearError
        went, went_shut = gone[gone < len(rows.row)], gone[gone >= len(rows.row)] - len(rows.row)
        fresh = found.only(
            came[came < len(found.lines)], came[came >= len(found.lines)] - len(found.lines)
        )
        return [
            self._after(
                number,
                rows.row[went[rows.of[went] == number]],
                shut.row[went_shut[shut.of[went_shut] == number]],
                fresh.of_network(self.networks, number),
            )
            for number in range(len(self.tie_ins))
        ]

    def _keys(self, told: Found, chosen: IntArray) -> Keys:
        """Keys of some ways by all that is told of them: open ones, then closed ones."""
        count, roads = len(told.lines), self.now.surfaces.keys
        rows, shut = chosen[chosen < count], chosen[chosen >= count] - count
        crossed = crossed_by(told.crossed, rows)
        columns = [getattr(crossed, name) for name in Crossed._fields[2:]]
        over = summed(key_of(roads[crossed.road], *columns), crossed.line, len(rows))
        ways, closed = taken(told.ways, rows), taken(told.closed_ways, shut)
        return np.concatenate(
            [key_of(*ways, key_of_lines(told.lines[rows]), over), key_of(*closed)]
        )

    def _after(
        self, number: int, gone: IntArray, gone_shut: IntArray, came: Found
    ) -> tuple[TieIns, IntArray]:
        """The tie-ins of a utility without the rows gone, with what came; the rows before."""
        old, names = self.tie_ins[number], self.networks.each[number].order_of_names
        ways = came.ways._replace(node=self.here.node[came.ways.node])
        node, feature = self._now(number, old.ways, gone)
        place = np.searchsorted(
            node * len(names) + names[feature],
            ways.node * len(names) + names[ways.feature],
            "right",
        )
        add, rows = Exchange(_NONE, place), Exchange(gone, _NONE).after(place)
        before = rows.of(np.arange(len(old.lines)), np.full(len(place), -1))
        now, fresh = numbers_after(before, len(old.lines)), np.flatnonzero(before < 0)
        after = TieIns(
            self.networks,
            number,
            OpenWays(
                add.of(node, ways.node),
                add.of(feature, ways.feature),
                *map(rows.of, old.ways[2:], ways[2:]),
            ),
            rows.of(old.lines, came.lines),
            self._crossed(old.crossed, came.crossed, gone, now, fresh),
            self._closed(number, gone_shut, came.closed_ways),
        )
        if "tie_break" in vars(old):
            vars(after)["tie_break"] = rows.of(old.tie_break, tie_break(came.lines))
        if "tree" in vars(old):
            vars(after)["tree"] = patched(old.tree, now, after.lines, fresh)
        return after, before

    def _crossed(
        self, old: Crossed, came: Crossed, gone: IntArray, now: IntArray, fresh: IntArray
    ) -> Crossed:
        """What the ways cross that are there now: the rows ``now`` of those that stay, and those
        that came.
        """
        first, last = (np.searchsorted(old.line, gone, side) for side in ("left", "right"))
        stays = Exchange(ranges(first, last), _NONE)
        line = now[stays.of(old.line, _NONE)]
        road = self.road[stays.of(old.road, _NONE)]
        came = came._replace(line=fresh[came.line])
        place = np.searchsorted(line, came.line)
        add, rows = Exchange(_NONE, place), stays.after(place)
        return Crossed(
            add.of(line, came.line), add.of(road, came.road), *map(rows.of, old[2:], came[2:])
        )

    def _closed(self, number: int, gone: IntArray, came: ClosedWays) -> ClosedWays:
        """The closed ways without the rows gone, and what came."""
        old = self.tie_ins[number].closed_ways
        node, feature = self._now(number, old, gone)
        rows = Exchange(gone, np.full(len(came.node), len(old.node)))
        return ClosedWays(
            np.concatenate([node, self.here.node[came.node]]),
            np.concatenate([feature, came.feature]),
            *map(rows.of, old[2:], came[2:]),
        )

    def _now(
        self, number: int, old: OpenWays | ClosedWays, gone: IntArray
    ) -> tuple[IntArray, IntArray]:
        """The numbers that nodes and features of the ways have now that stay."""
        stays = Exchange(gone, _NONE)
        node, feature = self.node[stays.of(old.node, _NONE)], stays.of(old.feature, _NONE)
        if self.tie_ins[number].network is not self.networks.each[number]:
            feature = self.features[number][feature]
        if min(node.min(initial=0), feature.min(initial=0)) < 0:
            raise TooNearError
        return node, feature


def _or_none(numbers: IntArray, node: IntArray) -> IntArray:
    """The numbers of nodes, or for those without one a number that no node has."""
    number = numbers[node]
    return np.where(number < 0, -1 - node, number)

"""The cheapest two ways from sources of different groups to targets, under caps on both together.

One label search walks both ways from the targets to their sources: side by side as long as they
share edges, which counts once what is there once (ground, greenery), then the first way to its
source, then the second. Ways may part and meet again. What the search need not look at: ways that
share an edge against each other's direction, or edges in another order. Exchanging their ends there
gives two ways to the same sources over fewer edges.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from operator import add
from typing import Any

import numpy as np

from gis.capped import loosened
from gis.pairs import NOTHING_SHUT, Pair, PairedWay, PairProblem, Shut, nearest_two
from gis.spread import Floats, both_ways

Used = tuple[float, ...]

# Phases of a label: side by side, so after having met again, the first way alone, the second on
# its way to where the first waits, the second alone.
_BOTH, _MET, _FIRST, _TO_MEET, _SECOND, _END = range(6)


# cost or resource: the least of either way, its group, the least to another group
_Bound = tuple[list[float], list[int], list[float]]
Kept = dict[tuple[frozenset[int], frozenset[int]], list[_Bound]]


@dataclass(frozen=True)
class PairAnswer:
    """Answer of :func:`cheapest_pair`.

    ``pair`` is None where there is none, or none was found; ``proven`` says that it is the
    cheapest, or that there is none; no pair within the caps is cheaper than ``lower_bound``;
    ``settled`` labels.
    """

    pair: Pair | None
    proven: bool
    lower_bound: float
    settled: int


def cheapest_pair(
    problem: PairProblem,
    *,
    dearest: float = np.inf,
    limit: int,
    shut: Shut = NOTHING_SHUT,
    kept: Kept | None = None,
) -> PairAnswer:
    """Find the cheapest two ways from sources of different groups whose sums keep the caps.

    Parameters
    ----------
    dearest
        Upper limit of the cost of both, within 1e-9.
    limit
        Most labels to settle; then a lower bound comes back, not proven.
    shut
        What each of the two must keep off.
    kept
        Where bounds are kept for further searches of the same problem, with whatever cuts and
        shut pieces.

    Notes
    -----
    Label setting as in ``gis.labels``: bounds are what the two ways need at least to different
    groups; labels can grow exponentially, the bounds leave few.
    """
    return _PairSearch(problem, dearest, limit, shut, {} if kept is None else kept).solve()


# key, node that moved, edge or source, cost, used
_Arc = tuple[int, int, float, Used]
Label = tuple[float, int, float, Used, int, int, int, Any, Any]


class _PairSearch:
    """One search; nodes 0 to n-1, and n where the ways begin on the targets."""

    def __init__(
        self, problem: PairProblem, dearest: float, limit: int, shut: Shut, kept: Kept
    ) -> None:
        self.problem, self.limit = problem, limit
        self.hub = problem.node_count
        self._dearest = loosened(dearest) if np.isfinite(dearest) else dearest
        self._rows = [row for row in range(len(problem.caps)) if self._binds(row)]
        self._once = [problem.counts_once(row) for row in self._rows]
        # Side by side or one after the other: without what counts once it is the same.
        self._side_by_side = any(self._once)
        self._caps = [
            *problem.caps[self._rows].tolist(),
            *(cut.size - 1.0 for cut in problem.cuts),
        ]
        self._loose = [loosened(cap) for cap in self._caps]
        self._cost = [self._shut(problem.cost, shut.edges[way]) for way in (0, 1)]
        self._stub_cost = [self._shut(problem.source_cost, shut.sources[way]) for way in (0, 1)]
        # Of the cost and of every resource for both ways; cuts have none.
        self._bounds = [self._bounds_of(way, shut, kept) for way in (0, 1)]
        arcs = both_ways(problem.node_count, problem.ends)
        self._indptr, self._head, self._edge = arcs.indptr, arcs.head, arcs.edge
        self._arcs: tuple[dict[int, list[_Arc]], dict[int, list[_Arc]]] = ({}, {})
        self._joint: dict[int, list[tuple[int, tuple[int, int], float, Used]]] = {}
        self._at: defaultdict[int, list[int]] = defaultdict(list)
        for source, node in enumerate(problem.sources.tolist()):
            self._at[node].append(source)
        self._beside: defaultdict[int, list[int]] = defaultdict(list)
        if self._side_by_side:
            for row, (edge, _other) in enumerate(problem.together.tolist()):
                for node in set(problem.ends[edge].tolist()):
                    self._beside[node].append(row)
        self._heap: list[Label] = []
        self._serial = count()
        self._fronts: defaultdict[tuple[int, int, int], list[Used]] = defaultdict(list)
        self.settled = 0

    # --- weights and bounds ----------------------------------------------------------------------

    def _binds(self, row: int) -> bool:
        """Whether some pair could exceed the cap: whether everything twice does."""
        problem = self.problem
        if not np.isfinite(problem.caps[row]):
            return False
        most = problem.resources[row].sum() + problem.source_resources[row].max(initial=0.0)
        return bool(2 * most > problem.caps[row])

    @staticmethod
    def _shut(cost: Floats, closed: frozenset[int]) -> Floats:
        if not closed:
            return cost
        cost = cost.copy()
        cost[list(closed)] = np.inf
        return cost

    def _bounds_of(self, way: int, shut: Shut, kept: Kept) -> list[_Bound]:
        """Bounds of one way, those that another search found where it kept off as much."""
        key = shut.edges[way], shut.sources[way]
        if key not in kept:
            kept[key] = self._new_bounds(way)
        return kept[key]

    def _new_bounds(self, way: int) -> list[_Bound]:
        cost, stubs, found = self._cost[way], self._stub_cost[way], []
        problem = self.problem
        for row in (None, *self._rows):
            edges = cost if row is None else problem.resources[row]
            ends = stubs if row is None else problem.source_resources[row]
            near = nearest_two(
                problem,
                np.where(np.isfinite(cost), edges, np.inf),
                np.where(np.isfinite(stubs), ends, np.inf),
            )
            least, group, other = near.least.tolist(), near.group.tolist(), near.other.tolist()
            if len(problem.targets):
                first, second = near.over(problem.targets)
                found.append(([*least, first.least], [*group, first.group], [*other, second.least]))
            else:
                found.append(([*least, np.inf], [*group, 0], [*other, np.inf]))
        return found

    def _more(self, edge: int, way: int) -> Used:
        """What an edge adds for one way by itself, cuts included."""
        own = self.problem.resources[self._rows, edge].tolist()
        return (*own, *(float(edge in cut.edges[way]) for cut in self.problem.cuts))

    def _stub(self, source: int, way: int) -> Used:
        own = self.problem.source_resources[self._rows, source].tolist()
        return (*own, *(float(source == cut.sources[way]) for cut in self.problem.cuts))

    def _arcs_of(self, node: int, way: int) -> list[_Arc]:
        known = self._arcs[way].get(node)
        if known is None:
            none: Used = (0.0,) * len(self._caps)
            if node == self.hub:
                known = [(target, -1, 0.0, none) for target in set(self.problem.targets.tolist())]
            else:
                out = slice(self._indptr[node], self._indptr[node + 1])
                cost = self._cost[way]
                known = [
                    (head, edge, float(cost[edge]), self._more(edge, way))
                    for head, edge in zip(
                        self._head[out].tolist(), self._edge[out].tolist(), strict=True
                    )
                    if np.isfinite(cost[edge])
                ]
            self._arcs[way][node] = known
        return known

    def _joint_of(self, node: int) -> list[tuple[int, tuple[int, int], float, Used]]:
        known = self._joint.get(node)
        if known is None:
            none: Used = (0.0,) * len(self._caps)
            if node == self.hub:
                targets = set(self.problem.targets.tolist())
                known = [(target, (-1, -1), 0.0, none) for target in targets]
            else:
                known = [one for row in self._beside[node] if (one := self._joint_arc(node, row))]
            self._joint[node] = known
        return known

    def _joint_arc(self, node: int, row: int) -> tuple[int, tuple[int, int], float, Used] | None:
        problem = self.problem
        one, two = problem.together[row].tolist()
        cost = float(self._cost[0][one] + self._cost[1][two])
        if not np.isfinite(cost):
            return None
        tail, head = problem.ends[one].tolist()
        used = problem.together_resources[self._rows, row].tolist()
        cuts = [float(one in c.edges[0]) + float(two in c.edges[1]) for c in problem.cuts]
        return (head if tail == node else tail), (one, two), cost, (*used, *cuts)

    # --- the search ------------------------------------------------------------------------------

    def solve(self) -> PairAnswer:
        none: Used = (0.0,) * len(self._caps)
        self._push(_BOTH, self.hub, self.hub, 0.0, none, None, None)
        bound = 0.0
        while self._heap:
            label = heappop(self._heap)
            bound, _, _, used, phase, u, x, _, _ = label
            if phase == _END:
                if all(map(float.__le__, used, self._caps)):
                    pair = self._pair(label)
                    return PairAnswer(pair, True, pair.cost, self.settled)
                continue
            front = self._fronts[phase, u, x]
            if _dominated(used, front):
                continue
            if self.settled >= self.limit:
                return PairAnswer(None, False, bound, self.settled)
            self.settled += 1
            front.append(used)
            self._extend(label)
        return PairAnswer(None, True, np.inf, self.settled)

    def _extend(self, label: Label) -> None:
        _, _, cost, used, phase, u, x, _, before = label
        if phase in (_BOTH, _MET):
            for head, edges, more, adds in self._joint_of(u) if self._side_by_side else ():
                now = tuple(map(add, used, adds))
                self._push(_BOTH, head, head, cost + more, now, edges, label)
        if phase in (_BOTH, _FIRST):
            back = None if phase == _BOTH or before is None else before[5]
            for head, edge, more, adds in self._arcs_of(u, 0):
                if head != back:
                    now = tuple(map(add, used, adds))
                    self._push(_FIRST, head, x, cost + more, now, edge, label)
            for source in self._at[u]:
                more = float(self._stub_cost[0][source])
                if np.isfinite(more):
                    now = tuple(map(add, used, self._stub(source, 0)))
                    group = int(self.problem.group[source])
                    self._push(_SECOND, group, x, cost + more, now, source, label)
        if phase == _FIRST and self._side_by_side and u != x and self._joint_of(u):
            self._second_moves(label, _TO_MEET, None)
        if phase in (_TO_MEET, _SECOND):
            same = before is not None and before[4] == phase
            self._second_moves(label, phase, before[6] if same else None)
        if phase == _SECOND:
            for source in self._at[x]:
                more = float(self._stub_cost[1][source])
                if self.problem.group[source] != u and np.isfinite(more):
                    now = tuple(map(add, used, self._stub(source, 1)))
                    self._push(_END, u, x, cost + more, now, source, label)

    def _second_moves(self, label: Label, phase: int, back: int | None) -> None:
        """Steps of the second way: to where the first waits, or to its source."""
        _, _, cost, used, _, u, x, _, _ = label
        for head, edge, more, adds in self._arcs_of(x, 1):
            if head == back:
                continue
            now = tuple(map(add, used, adds))
            if phase == _TO_MEET and head == u:
                self._push(_MET, u, u, cost + more, now, edge, label)
            else:
                self._push(phase, u, head, cost + more, now, edge, label)

    def _push(
        self, phase: int, u: int, x: int, cost: float, used: Used, piece: Any, before: Any
    ) -> None:
        needs = self._needs(phase, u, x)
        least = cost + next(needs)
        if least > self._dearest or least == np.inf:
            return
        for have, need, cap in zip(used, needs, self._loose, strict=False):
            if have + need > cap:
                return
        rest = len(self._rows)
        for have, cap in zip(used[rest:], self._loose[rest:], strict=True):
            if have > cap:
                return
        heappush(self._heap, (least, next(self._serial), cost, used, phase, u, x, piece, before))

    def _needs(self, phase: int, u: int, x: int) -> Any:
        """What the ways need at least from here on: of the cost, then of every resource."""
        if phase == _END:
            yield from (0.0 for _ in range(1 + len(self._rows)))
        elif phase == _SECOND:
            for least, group, other in self._bounds[1]:
                yield least[x] if group[x] != u else other[x]
        else:
            once = (False, *self._once)
            for counts_once, one, two in zip(once, *self._bounds, strict=True):
                first, second = one[0][u], two[0][x]
                if one[1][u] != two[1][x]:
                    yield max(first, second) if counts_once else first + second
                elif counts_once:
                    yield max(first, second, min(one[2][u], two[2][x]))
                else:
                    yield min(first + two[2][x], one[2][u] + second)

    def _pair(self, label: Label) -> Pair:
        """The two ways of a finished label, by walking back over its pieces."""
        cost = label[2]
        edges: tuple[list[int], list[int]] = ([], [])
        ends, sources = [-1, -1], [-1, -1]
        one: Any = label
        while one[8] is not None:
            _, _, _, _, phase, u, x, piece, before = one
            if phase == _END:
                sources[1] = piece
            elif phase == _SECOND and before[4] in (_BOTH, _FIRST):
                sources[0] = piece
            else:
                steps = piece if isinstance(piece, tuple) else (piece, piece)
                for way in (0, 1) if phase == _BOTH else (0,) if phase == _FIRST else (1,):
                    if steps[way] >= 0:
                        edges[way].append(steps[way])
                    else:
                        ends[way] = u if way == 0 else (u if phase in (_BOTH, _MET) else x)
            one = before
        ways = [
            PairedWay(sources[way], tuple(edges[way]), self._target(ends[way])) for way in (0, 1)
        ]
        return Pair(ways[0], ways[1], cost)

    def _target(self, node: int) -> int:
        return int(np.flatnonzero(self.problem.targets == node)[0])


def _dominated(used: Used, front: list[Used]) -> bool:
    """Whether a label settled here, no dearer, uses no more of anything."""
    return any(all(map(float.__le__, theirs, used)) for theirs in front)

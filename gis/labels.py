"""Label setting with bounds: ways in order of cost that keep all caps.

A label is a way from a source to a node. What it still needs of every row is bounded from below
by Dijkstra's method from the targets; labels that would exceed a cap, or that a cheaper label at
the node betters in every resource, are dropped (Dumitrescu and Boland 2003, Networks 42:135-153).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from operator import add
from typing import Any

import numpy as np

from gis.capped import Problem, Walk, loosened
from gis.spread import LARGEST

Used = tuple[float, ...]
# (least cost of a whole way, serial number, cost, used, node or ~target, edge or source, before)
Label = tuple[float, int, float, Used, int, int, Any]
# head, edge, cost, cost with the least from the head, resources, those with the least likewise
Step = tuple[int, int, float, float, Used, Used]


class LabelSearch:
    """Ways in order of cost.

    Attributes
    ----------
    rows
        Rows that labels carry: those whose cap could bind and the one asked for, then sums.
    settled
        Labels settled so far.
    bound
        No way still to come is cheaper.
    stopped
        Whether the limit of labels ended the search.
    """

    def __init__(self, problem: Problem, limit: int, asked: int = 0) -> None:
        self.problem, self.limit = problem, limit
        self.rows = [
            row for row in range(1, len(problem.caps)) if row == asked or _binds(problem, row)
        ]
        self._caps = [float(problem.caps[row]) for row in self.rows]
        self._loose = [loosened(cap) for cap in self._caps]
        self.settled, self.bound, self.stopped = 0, 0.0, False
        # Sums follow from the rows summed: they cut ways short but need not be compared.
        self._compared = sum(row < problem.given for row in self.rows)
        self._dearest = min(loosened(float(problem.caps[0])), LARGEST)
        self._ahead = problem.least_each([0, *self.rows], problem.targets)
        edge_weights = problem.weights[[0, *self.rows]][:, problem.arcs.edge]
        # By arc: weights of the edge, and those with the least from its head on.
        self._more = edge_weights.T
        self._needs = (edge_weights + self._ahead[:, problem.arcs.head]).T
        self._steps: dict[int, list[Step]] = {}
        self._last_steps: defaultdict[int, list[Step]] = defaultdict(list)
        for target, node in enumerate(problem.targets.nodes.tolist()):
            cost, *rest = problem.targets.weights[[0, *self.rows], target].tolist()
            self._last_steps[node].append((~target, -1, cost, cost, tuple(rest), tuple(rest)))
        self._fronts: defaultdict[int, list[Used]] = defaultdict(list)
        self._heap: list[Label] = []
        self._serial = count()

    def walks(self) -> Iterator[Walk]:
        """Yield ways, ever dearer; time grows with the labels that no bound or label cuts."""
        self._start()
        while self._heap:
            label = heappop(self._heap)
            self.bound, _, _, used, node, _, _ = label
            if node < 0:
                walk = self._walk(label)
                if self.problem.keeps_caps(walk) and self._within_own_caps(used):
                    yield walk
            elif not _dominated(used, self._fronts[node]):
                if self.settled >= self.limit:
                    self.stopped = True
                    return
                self.settled += 1
                self._fronts[node].append(used[: self._compared])
                self._extend(label)
        self.bound = np.inf

    def tighten(self, row: int, cap: float) -> None:
        """Lower the cap of a row for the ways still to come."""
        at = self.rows.index(row)
        self._caps[at], self._loose[at] = cap, loosened(cap)

    def _within_own_caps(self, used: Used) -> bool:
        return all(map(float.__le__, used[: self._compared], self._caps))

    def _start(self) -> None:
        sources = self.problem.sources
        weights = sources.weights[[0, *self.rows]].T.tolist()
        ahead = self._ahead[:, sources.nodes].T.tolist()
        steps: list[Step] = []
        for source, node in enumerate(sources.nodes.tolist()):
            (cost, *used), least = weights[source], ahead[source]
            cost_needed, *needs = map(add, weights[source], least)
            steps.append((node, source, cost, cost_needed, tuple(used), tuple(needs)))
        self._push(steps, 0.0, (0.0,) * len(self.rows), None)

    def _extend(self, label: Label) -> None:
        _, _, cost, used, node, _, before = label
        steps = self._steps.get(node)
        if steps is None:
            steps = self._steps[node] = self._steps_from(node)
        self._push(steps, cost, used, label, back=None if before is None else before[4])

    def _push(
        self,
        steps: list[Step],
        cost: float,
        used: Used,
        before: Label | None,
        back: int | None = None,
    ) -> None:
        """Labels at the ends of steps that no bound rules out; going back gains nothing."""
        loose, dearest, heap, serial = self._loose, self._dearest, self._heap, self._serial
        for head, edge, more, cost_needed, used_more, needs in steps:
            if head == back or cost + cost_needed > dearest:
                continue
            for have, need, cap in zip(used, needs, loose, strict=True):
                if have + need > cap:
                    break
            else:
                now = tuple(map(add, used, used_more))
                least = cost + cost_needed
                heappush(heap, (least, next(serial), cost + more, now, head, edge, before))

    def _steps_from(self, node: int) -> list[Step]:
        """Arcs out of a node, and the last steps to the targets that join it."""
        arcs = self.problem.arcs
        out = slice(arcs.indptr[node], arcs.indptr[node + 1])
        more, needs = self._more[out].tolist(), self._needs[out].tolist()
        ends = zip(arcs.head[out].tolist(), arcs.edge[out].tolist(), more, needs, strict=True)
        steps = [
            (head, edge, cost, cost_needed, tuple(used), tuple(rest))
            for head, edge, (cost, *used), (cost_needed, *rest) in ends
        ]
        return steps + self._last_steps[node]

    def _walk(self, label: Label) -> Walk:
        target, label = ~label[4], label[6]
        edges: list[int] = []
        while label[6] is not None:
            edges.append(label[5])
            label = label[6]
        return self.problem.walk(label[5], edges[::-1], target)


def _binds(problem: Problem, row: int) -> bool:
    """Whether some way could exceed the cap of the row: whether all edges together do."""
    most = problem.weights[row].sum() + sum(
        stubs.weights[row].max(initial=0.0) for stubs in (problem.sources, problem.targets)
    )
    return bool(most > problem.caps[row])


def _dominated(used: Used, front: list[Used]) -> bool:
    """Whether a label settled here, cheaper by the order of the heap, uses no more of anything."""
    for other in front:
        for mine, theirs in zip(used, other, strict=False):  # sums at the end are not compared
            if theirs > mine:
                break
        else:
            return True
    return False

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
# head, edge, cost, least cost from the head, resources, resources with the least from the head
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
        self._ahead = np.array([problem.least(r, problem.targets)[0] for r in (0, *self.rows)])
        self._steps: dict[int, list[Step]] = {}
        self._last_steps: defaultdict[int, list[Step]] = defaultdict(list)
        for target, node in enumerate(problem.targets.nodes.tolist()):
            cost, *rest = problem.targets.weights[[0, *self.rows], target].tolist()
            self._last_steps[node].append((~target, -1, cost, 0.0, tuple(rest), tuple(rest)))
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
        for source, node in enumerate(sources.nodes.tolist()):
            (cost, *used), (least, *more) = weights[source], ahead[source]
            needs = tuple(map(add, used, more))
            step = (node, source, cost, least, tuple(used), needs)
            self._push(step, 0.0, (0.0,) * len(used), None)

    def _extend(self, label: Label) -> None:
        _, _, cost, used, node, _, _ = label
        for step in self._steps_from(node):
            self._push(step, cost, used, label)

    def _push(self, step: Step, cost: float, used: Used, before: Label | None) -> None:
        head, edge, more, ahead, steps, needs = step
        cost += more
        if cost + ahead > self._dearest:
            return
        for have, need, cap in zip(used, needs, self._loose, strict=True):
            if have + need > cap:
                return
        used = tuple(map(add, used, steps))
        label = (cost + ahead, next(self._serial), cost, used, head, edge, before)
        heappush(self._heap, label)

    def _steps_from(self, node: int) -> list[Step]:
        """Arcs out of a node, and the last steps to the targets that join it."""
        steps = self._steps.get(node)
        if steps is None:
            arcs = self.problem.arcs
            out = slice(arcs.indptr[node], arcs.indptr[node + 1])
            head, edge = arcs.head[out], arcs.edge[out]
            weights = self.problem.weights[:, edge][[0, *self.rows]]
            cost, ahead = weights[0].tolist(), self._ahead[:, head]
            used = map(tuple, weights[1:].T.tolist())
            needs = map(tuple, (weights[1:] + ahead[1:]).T.tolist())
            columns = (head.tolist(), edge.tolist(), cost, ahead[0].tolist(), used, needs)
            steps = [*zip(*columns, strict=True), *self._last_steps[node]]
            self._steps[node] = steps
        return steps

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

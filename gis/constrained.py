"""Cheapest way under caps on resources (length, green, crossings), exact or with a certificate.

The county is cut to the disc that the caps leave, a few trial ways give a first answer or show
that the caps contradict one another, and label setting finds the optimum in what remains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from gis.capped import (
    Problem,
    Stubs,
    Walk,
    capped_rows,
    loosened,
    narrowed_by_all,
    narrowed_by_disc,
    tried,
)
from gis.labels import LabelSearch
from gis.spread import LARGEST, Arcs, Floats, Ints

__all__ = [
    "Certificate",
    "Constrained",
    "Distinct",
    "Front",
    "Terminals",
    "Walk",
    "cheapest_within",
    "k_distinct",
    "pareto",
]

LABEL_LIMIT = 20_000
"""Labels settled before a search gives up, about a second; usual searches need some hundreds."""


EASY_EDGES, EASY_LABELS = 1_000, 150
"""A disc of so few edges is searched at once; more labels and the caps narrow it first."""


WIDER = 4.0
"""Ways that keep one cap alone are first looked for in a disc so many times wider."""


@dataclass(frozen=True)
class Terminals:
    """Where a way may start or end: (k,) nodes, (k,) costs and (r, k) resources to get there.

    A terminal beside the graph (a tie-in, a last connector) carries what its stub costs and
    uses; one of infinite cost is not usable.
    """

    nodes: Ints
    cost: Floats
    resources: Floats

    @staticmethod
    def at(nodes: ArrayLike, resource_count: int) -> Terminals:
        """Terminals on the nodes themselves."""
        there = np.asarray(nodes, np.int64)
        return Terminals(there, np.zeros(len(there)), np.zeros((resource_count, len(there))))


@dataclass(frozen=True)
class Certificate:
    """Why no way exists.

    ``no_path``: sources and targets are not connected. ``cap``: ``row`` is the resource whose
    least value on any way, ``least``, exceeds its cap; ``dearest``: the same of the cost.
    ``together``: each cap can be kept, but all ways that keep some exceed others.
    """

    kind: Literal["no_path", "cap", "dearest", "together"]
    row: int | None = None
    least: float | None = None


@dataclass(frozen=True)
class Constrained:
    """Answer of :func:`cheapest_within`.

    Attributes
    ----------
    walk
        The way; None where there is none, or none was found.
    proven
        Whether the way is the cheapest (cost within 1e-9), or there is none.
    lower_bound
        No way within the caps is cheaper; the way's cost when proven, inf when there is none.
    settled
        Labels that the search settled.
    problem
        Kept where there is no way, for the certificate.
    """

    walk: Walk | None
    proven: bool
    lower_bound: float
    settled: int
    problem: Problem | None = field(default=None, repr=False, compare=False)

    @cached_property
    def infeasible_because(self) -> Certificate | None:
        """The certificate when it is proven that there is no way, found when asked for."""
        return None if self.problem is None else _reason(self.problem)


@dataclass(frozen=True)
class Distinct:
    """Answer of :func:`k_distinct`: ways by rising cost, each exact or said not to be proven.

    ``complete`` tells that there are k of them, or that no further way is different enough.
    """

    answers: tuple[Constrained, ...]
    complete: bool


@dataclass(frozen=True)
class Front:
    """Answer of :func:`pareto`: ways by rising cost and falling resource.

    When not ``proven``, ways dearer than ``lower_bound`` may be missing.
    """

    walks: tuple[Walk, ...]
    proven: bool
    lower_bound: float


def cheapest_within(
    ends: Ints,
    node_count: int,
    cost: Floats,
    resources: Floats,
    sources: Terminals,
    targets: Terminals,
    caps: ArrayLike,
    *,
    dearest: float = np.inf,
    limit: int = LABEL_LIMIT,
    arcs: Arcs | None = None,
) -> Constrained:
    """Find the cheapest way from any source to any target whose resources keep their caps.

    Parameters
    ----------
    ends, cost, resources
        (m, 2) undirected edges, parallel ones allowed, their (m,) costs and (r, m) resources,
        none negative. Edges of infinite cost are left out.
    caps
        (r,) inclusive upper limits of what a way uses in all; inf for none. They are compared
        plainly: to judge values rounded half up to 0.01, give just less than cap + 0.005.
    dearest
        Upper limit of the cost, within 1e-9. Without it and without a cap on what most edges
        have, such as length, the bounds are computed over the whole graph.
    limit
        Most labels to settle; then the best way known and a lower bound come back, not proven.
    arcs
        ``gis.spread.both_ways(node_count, ends)``, from whoever asks more than once.

    Raises
    ------
    ValueError
        If shapes do not fit, a number is negative or missing, or a node is not in the graph.

    Notes
    -----
    Label setting with bounds (Dumitrescu and Boland 2003, Networks 42:135-153): O((m + n) log n)
    for the bounds; labels can grow exponentially with the way, but bounds leave few.
    """
    problem = _problem(ends, node_count, cost, resources, sources, targets, caps, dearest, arcs)
    return _solve(problem, limit)


def _solve(problem: Problem, limit: int) -> Constrained:
    part, known = narrowed_by_disc(problem), None
    search = LabelSearch(part, min(limit, EASY_LABELS)) if part.size <= EASY_EDGES else None
    walk = None if search is None else next(search.walks(), None)
    if search is None or search.stopped:
        part, known = tried(part)
        if known is not None:
            part = part.no_dearer(known.cost)
        search = LabelSearch(narrowed_by_all(part), limit)
        walk = next(search.walks(), None)
    if search.stopped:
        return Constrained(known, False, search.bound, search.settled)
    # Where sums differ by rounding only, the search may pass over the way known.
    walk = known if walk is None else walk
    if walk is None:
        return Constrained(None, True, np.inf, search.settled, problem)
    return Constrained(walk, True, walk.cost, search.settled)


def _reason(problem: Problem) -> Certificate:
    """The first cap that no way keeps by itself; none of them: the caps together."""
    rows = [*capped_rows(problem), 0]
    wide = problem.with_cap(rows[0], WIDER * float(problem.caps[rows[0]]))
    near = narrowed_by_disc(wide)
    for row in rows:
        cap = loosened(float(problem.caps[row]))
        if _least(near, row) <= min(cap, LARGEST):
            continue
        least = _least(problem, row)
        if not np.isfinite(least):
            return Certificate("no_path")
        if least > cap:
            return Certificate("cap" if row else "dearest", row - 1 if row else None, least)
    return Certificate("together")


def _least(problem: Problem, row: int) -> float:
    return float(np.min(problem.whole(row)[0], initial=np.inf))


def k_distinct(
    ends: Ints,
    node_count: int,
    cost: Floats,
    resources: Floats,
    sources: Terminals,
    targets: Terminals,
    caps: ArrayLike,
    *,
    group: Ints,
    source_group: Ints,
    apart_from: Sequence[Walk] = (),
    k: int = 3,
    least_share: float = 0.3,
    short: float = 0.0,
    length_row: int = 0,
    dearest: float = np.inf,
    limit: int = LABEL_LIMIT,
    arcs: Arcs | None = None,
) -> Distinct:
    """Find up to ``k`` ways that differ in streets or sides, by rising cost.

    Each way is the cheapest within the caps that gives up at least ``least_share`` of the metres
    of every way before it: it runs at most the rest in the groups that the earlier way uses,
    wherever within them. That is one more resource with a cap for each earlier way, so each
    answer is exact or says that it is not proven.

    Parameters
    ----------
    group, source_group
        (m,) street and side of each edge and (k,) of each source's stub; negative: of none,
        such as crossings and connectors, which make no difference.
    apart_from
        Ways known before, from which all answers differ in the same way.
    short
        A way with less metres in groups is little more than its stub: from such a one other ways
        differ by a source in another group.
    length_row
        The resource that is the length.

    Returns
    -------
    Fewer than ``k`` where no further way differs, or none was found. From a way without a metre
    in any group, or a short one from a source of none, nothing can differ, and the list ends.
    """
    problem = _problem(ends, node_count, cost, resources, sources, targets, caps, dearest, arcs)
    groups = np.asarray(group, np.int64), np.asarray(source_group, np.int64)
    if groups[0].shape != (len(ends),) or groups[1].shape != (len(sources.nodes),):
        raise ValueError("group needs one label per edge, source_group one per source")
    if not 0 < least_share <= 1:
        raise ValueError(f"least_share must be above 0 and at most 1, not {least_share}")
    apart = _Apart(groups, 1.0 - least_share, short, length_row + 1)
    answers: list[Constrained] = []
    known = list(apart_from)
    while len(answers) < k:
        for walk in known:
            kept = apart.keep(problem, walk)
            if kept is None:
                return Distinct(tuple(answers), True)
            problem = kept
        answer = _solve(problem, limit)
        if answer.walk is None:
            return Distinct(tuple(answers), answer.proven)
        own = replace(answer.walk, resources=answer.walk.resources[: len(resources)])
        answers.append(replace(answer, walk=own))
        known = [own]
    return Distinct(tuple(answers), True)


@dataclass(frozen=True)
class _Apart:
    """How ways are kept apart from one another; see :func:`k_distinct`."""

    groups: tuple[Ints, Ints]
    share: float
    short: float
    row: int

    def keep(self, problem: Problem, walk: Walk) -> Problem | None:
        """The problem with one more cap; None where nothing can differ from the way."""
        edge_group = self.groups[0][problem.edge]
        source_group = self.groups[1][problem.sources.row]
        own = int(self.groups[1][walk.source])
        used = np.append(self.groups[0][list(walk.edges)], own)
        used = used[used >= 0]
        edges = np.where(np.isin(edge_group, used), problem.weights[self.row], 0.0)
        stubs = np.where(np.isin(source_group, used), problem.sources.weights[self.row], 0.0)
        mine = np.isin(problem.edge, walk.edges)
        metres = edges[mine].sum() + stubs[problem.sources.row == walk.source].sum()
        cap = loosened(self.share * metres)
        if metres < self.short:
            edges, stubs, cap = 0.0 * edges, 1.0 * (source_group == own), 0.0
        if metres == 0 if metres >= self.short else own < 0:
            return None
        none = np.zeros(len(problem.targets.nodes))
        return replace(problem.with_row(edges, stubs, none, cap), given=problem.given + 1)


def pareto(
    ends: Ints,
    node_count: int,
    cost: Floats,
    resources: Floats,
    sources: Terminals,
    targets: Terminals,
    caps: ArrayLike,
    *,
    row: int,
    step: float = 0.01,
    parts: int | None = None,
    dearest: float = np.inf,
    limit: int = LABEL_LIMIT,
    arcs: Arcs | None = None,
) -> Front:
    """Find what less of one resource costs: the ways that no other betters in cost and resource.

    From the cheapest way on, each next one is the cheapest that uses at least ``step`` less of
    resource ``row``; the last is the cheapest of those that use least within the caps, however
    little less that is. With ``parts``, the step is at least so much of the way down from the
    first to the last. One search gives all between them, and tightens the cap with every way
    found. Parameters as in :func:`cheapest_within`.
    """
    problem = _problem(ends, node_count, cost, resources, sources, targets, caps, dearest, arcs)
    if step <= 0 or not 0 <= row < problem.given - 1:
        raise ValueError(f"step {step} must be above 0 and row {row} that of a resource")
    first = _solve(problem, limit)
    if first.walk is None:
        return Front((), first.proven, first.lower_bound)
    walks = [first.walk]
    if not first.proven:
        return Front(tuple(walks), False, first.lower_bound)
    last = _cheapest_of_least(problem, row + 1, limit)
    if parts is not None and last.walk is not None:
        step = max(step, (first.walk.resources[row] - last.walk.resources[row]) / parts)
    between = problem.with_cap(row + 1, first.walk.resources[row] - step)
    if last.proven and last.walk is not None:
        between = between.no_dearer(last.walk.cost)
    search = LabelSearch(narrowed_by_all(between), limit, asked=row + 1)
    for walk in search.walks():
        walks = _with_next(walks, walk)
        search.tighten(row + 1, walk.resources[row] - step)
    if last.walk is not None and loosened(last.walk.resources[row]) < walks[-1].resources[row]:
        walks = _with_next(walks, last.walk)
    bound = search.bound if last.proven else min(search.bound, walks[-1].cost)
    return Front(tuple(walks), last.proven and not search.stopped, bound)


def _with_next(walks: list[Walk], walk: Walk) -> list[Walk]:
    """A front with its next way, which uses less: in the place of one that costs as much."""
    return [*(walks[:-1] if walk.cost <= walks[-1].cost else walks), walk]


def _cheapest_of_least(problem: Problem, row: int, limit: int) -> Constrained:
    """The cheapest of the ways that use least of a row, but for rounding, within all caps."""
    cap = float(problem.caps[row])
    answer = _solve(problem.with_cap(row, min(loosened(_least(problem, row)), cap)), limit)
    if answer.walk is not None or not answer.proven:
        return answer
    # What the whole graph has least breaks another cap: the row is what is to be small.
    least = _solve(_exchanged(problem, row), limit)
    if least.walk is None or not least.proven:
        return Constrained(None, False, answer.lower_bound, least.settled)
    return _solve(problem.with_cap(row, min(loosened(loosened(least.walk.cost)), cap)), limit)


def _exchanged(problem: Problem, row: int) -> Problem:
    """The problem with the cost and another row in each other's place."""
    order = np.arange(len(problem.caps))
    order[[0, row]] = row, 0
    sources, targets = (
        stubs._replace(weights=stubs.weights[order]) for stubs in (problem.sources, problem.targets)
    )
    weights, caps = problem.weights[order], problem.caps[order]
    return replace(problem, weights=weights, caps=caps, sources=sources, targets=targets)


def _problem(
    ends: Ints,
    node_count: int,
    cost: Floats,
    resources: Floats,
    sources: Terminals,
    targets: Terminals,
    caps: ArrayLike,
    dearest: float,
    arcs: Arcs | None,
) -> Problem:
    """The arguments checked, without edges and terminals that nothing can use."""
    ends, limits = np.asarray(ends, np.int64).reshape(-1, 2), np.append(dearest, caps)
    weights = _weights("edges", cost, resources, len(ends), len(limits))
    stubs = [
        _stubs(name, terminals, node_count, len(limits))
        for name, terminals in (("sources", sources), ("targets", targets))
    ]
    if np.isnan(limits).any():
        raise ValueError("caps: a cap is missing; give inf for none")
    _refuse_strangers("ends", ends, node_count)
    limits[0] = loosened(float(limits[0]))
    edges = np.arange(len(ends))
    problem = Problem(node_count, ends, weights, limits, stubs[0], stubs[1], edges, len(limits))
    limiting = np.r_[True, np.isfinite(limits[1:])]
    # Sums tell that all are finite, without another array as large as the weights.
    if not np.isfinite(weights.sum(axis=1)[limiting]).all():
        usable = np.asarray(np.isfinite(weights[limiting]).all(axis=0))
        return problem.part(np.ones(node_count, bool), usable)
    if arcs is not None:
        problem.__dict__["arcs"] = arcs
    return problem


def _weights(what: str, cost: Floats, resources: Floats, count: int, rows: int) -> Floats:
    """Cost and resources as rows of one array; refuses what is negative or missing."""
    if np.shape(cost) != (count,) or np.shape(resources) != (rows - 1, count):
        raise ValueError(
            f"{what}: {count} of them and {rows - 1} caps need costs ({count},) and resources "
            f"({rows - 1}, {count}), not {np.shape(cost)} and {np.shape(resources)}"
        )
    weights = np.vstack([np.asarray(cost, float), np.asarray(resources, float)])
    if not np.min(weights, initial=0.0) >= 0:  # nor where a number is missing
        row, column = np.argwhere(~(weights >= 0))[0].tolist()
        name = f"resource {row - 1}" if row else "cost"
        raise ValueError(f"{what}: {name} of number {column} is {weights[row, column]}")
    return weights


def _stubs(what: str, terminals: Terminals, node_count: int, rows: int) -> Stubs:
    nodes = np.asarray(terminals.nodes, np.int64)
    weights = _weights(what, terminals.cost, terminals.resources, len(nodes), rows)
    _refuse_strangers(what, nodes, node_count)
    usable = np.flatnonzero(np.isfinite(weights).all(axis=0))
    return Stubs(nodes[usable], weights[:, usable], usable)


def _refuse_strangers(what: str, nodes: Ints, node_count: int) -> None:
    if nodes.size and not (nodes.min() >= 0 and nodes.max() < node_count):
        strange = nodes[(nodes < 0) | (nodes >= node_count)]
        raise ValueError(f"{what}: node {strange.flat[0]} is not among 0 to {node_count - 1}")

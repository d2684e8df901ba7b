"""Pairs of ways from sources of different groups to targets: what they cost and use together.

What ``gis.pair_labels`` searches: edges, sources and targets with resources of two ways, of which
some count once where both run, pieces that no pair may hold all of, and what each must keep off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from gis.spread import Floats, Ints, both_ways, side_by_side, spread


class PairedWay(NamedTuple):
    """One way of a pair: row of its source, edges from there to the target, row of the target."""

    source: int
    edges: tuple[int, ...]
    target: int


@dataclass(frozen=True)
class Pair:
    """Two ways and their cost in all."""

    first: PairedWay
    second: PairedWay
    cost: float


@dataclass(frozen=True)
class Cut:
    """Pieces that no pair may hold all of: of one way, and of the other.

    A source of -1 is none. Whichever way is the first, the pair is forbidden.
    """

    edges: tuple[frozenset[int], frozenset[int]]
    sources: tuple[int, int] = (-1, -1)

    @property
    def size(self) -> int:
        return sum(map(len, self.edges)) + sum(source >= 0 for source in self.sources)

    @property
    def swapped(self) -> Cut:
        return Cut(self.edges[::-1], self.sources[::-1])


@dataclass(frozen=True)
class Shut:
    """What each way must keep off: edges and sources of the first, and of the second."""

    edges: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    sources: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())

    def off(self, way: int, edges: Iterable[int] = (), sources: Iterable[int] = ()) -> Shut:
        """The same with more that one way must keep off."""
        more_edges, more_sources = list(self.edges), list(self.sources)
        more_edges[way] = more_edges[way] | frozenset(edges)
        more_sources[way] = more_sources[way] | frozenset(sources)
        return Shut((more_edges[0], more_edges[1]), (more_sources[0], more_sources[1]))


NOTHING_SHUT = Shut()


@dataclass(frozen=True)
class PairProblem:
    """Edges, sources in groups and targets, with what two ways use of resources.

    Attributes
    ----------
    ends, cost, resources
        (m, 2) undirected edges, parallel ones allowed, their (m,) costs and (r, m) resources, none
        negative; edges of infinite cost are left out.
    sources, source_cost, source_resources, group
        (k,) nodes, (k,) costs, (r, k) resources and (k,) groups: the two ways start in different
        groups.
    targets
        (t,) nodes where ways end, for nothing.
    caps
        (r,) upper limits of what both use together.
    together, together_resources
        (s, 2) edges between the same nodes that two ways may take side by side, and the (r, s)
        resources that both use there. Edges that both take otherwise count twice.
    cuts
        Pairs that hold all pieces of one are left out.
    """

    node_count: int
    ends: Ints
    cost: Floats
    resources: Floats
    sources: Ints
    source_cost: Floats
    source_resources: Floats
    group: Ints
    targets: Ints
    caps: Floats
    together: Ints = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    together_resources: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    cuts: tuple[Cut, ...] = ()

    def without(self, cut: Cut) -> PairProblem:
        """The same without pairs that hold all pieces of a cut."""
        more = [one for one in dict.fromkeys((cut, cut.swapped)) if one not in self.cuts]
        return replace(self, cuts=(*self.cuts, *more))

    def least(self, row: int | None) -> float:
        """No pair has less of a resource (None: cost), whatever caps say; inf where there is none.

        Of a resource that counts once where both ways run it is what the one way needs that needs
        more.
        """
        weights, stubs = self.cost, self.source_cost
        if row is not None:
            weights, stubs = self.resources[row], self.source_resources[row]
        one, two = self.least_of(weights, stubs)
        return max(one, two) if row is not None and self.counts_once(row) else one + two

    def least_of(self, weights: Floats, stubs: Floats) -> tuple[float, float]:
        """The least sum of weights of edges and sources on a way, and that from another group."""
        if len(self.targets) == 0:
            return np.inf, np.inf
        weights = np.where(np.isfinite(self.cost), weights, np.inf)
        stubs = np.where(np.isfinite(self.source_cost), stubs, np.inf)
        one, two = nearest_two(self, weights, stubs).over(self.targets)
        return one.least, two.least

    def counts_once(self, row: int) -> bool:
        """Whether two ways that run together use less of a resource than each by itself."""
        if len(self.together) == 0:
            return False
        apart = self.resources[row][self.together].sum(axis=1)
        return bool((self.together_resources[row] < apart).any())


class _Near(NamedTuple):
    least: float
    group: int


@dataclass(frozen=True)
class NearestTwo:
    """Of every node the least to any source and its group, and the least to another group."""

    least: Floats
    group: Ints
    other: Floats

    def over(self, nodes: Ints) -> tuple[_Near, _Near]:
        """The least over some nodes, and the least to another group."""
        first = int(nodes[np.argmin(self.least[nodes])])
        group = int(self.group[first])
        rest = np.where(self.group[nodes] != group, self.least[nodes], self.other[nodes])
        return _Near(float(self.least[first]), group), _Near(float(rest.min()), -1)


def nearest_two(problem: PairProblem, weights: Floats, stubs: Floats) -> NearestTwo:
    """The least sums of weights from every node to the sources of two different groups.

    Two groups differ in a bit of their numbers: of every bit the sources with it and those without
    are searched apart, 2 log(groups) searches in all.
    """
    n, groups = problem.node_count, problem.group
    bits = max(int(groups.max(initial=0)).bit_length(), 1)
    usable = np.isfinite(weights)
    arcs = both_ways(n, problem.ends[usable])
    start = np.full((2 * bits, n), np.inf)
    for bit in range(bits):
        has = groups >> bit & 1
        for value in (0, 1):
            mine = has == value
            np.minimum.at(start[2 * bit + value], problem.sources[mine], stubs[mine])
    copies = side_by_side(arcs, 2 * bits)
    costs = np.tile(weights[usable][arcs.edge], 2 * bits)
    found = spread(copies, costs, start.ravel())[0].reshape(bits, 2, n)
    least = found[0].min(axis=0)
    has = np.argmin(found, axis=1)  # the bits of the nearest group
    group = (has << np.arange(bits)[:, None]).sum(axis=0)
    other = np.take_along_axis(found, 1 - has[:, None, :], axis=1)[:, 0].min(axis=0)
    return NearestTwo(least, group, other)

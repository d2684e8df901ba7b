"""Cheapest joint tree whose every edge has room for the members that use it.

The table of :mod:`gis.steiner` cannot close an edge to a set that its parts may use: it brings
parts together elsewhere and they would overlap there unseen. So the tree without the limit is a
lower bound. Where it crowds edges, one member of the crowd gives way along that stretch: depth
first over which (branch and bound, Land and Doig 1960, Econometrica 28:497-520), each branch a
joint tree of its own, among the edges that the tree without the limit could use, and if that is
in vain among all. :func:`gis.steiner_proof.prove`, which can close edges to sets, then proves the
cheapest found, or betters it; where branches find none it looks for one itself.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.steiner import JointTree, cheapest_joint_tree, closed_to, problem_under
from gis.subsets import members

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_TREES = 40
"""Trees looked at: of six members every choice of one, of two and of three that give way once."""

MOST_EDGES = 120_000
"""Edges of all trees looked at together: forty trees of 3,000 edges."""

CEILINGS = (1.25, 2.0)
"""How far the solver looks in turn, in costs of the tree without the limit."""


def crowded(held: Bools, used: Ints) -> Ints:
    """Edges that have no room for the set that uses them; ``held`` is (2**k, m)."""
    return np.flatnonzero(~held[used, np.arange(len(used))])


def cheapest_tree_with_room(
    free: JointTree,
    edges: Ints,
    cost_by_subset: Floats,
    held: Bools,
    sources: Sequence[ArrayLike],
    root: int,
    *,
    known: Sequence[Ints] = (),
) -> JointTree | None:
    """The cheapest tree found in which every edge holds its set; None where none was found.

    Parameters
    ----------
    free
        The tree of :func:`gis.steiner.cheapest_joint_tree` for the same problem without ``held``.
    held
        (2**k, m) which sets an edge has room for: with a set all of its parts.
    known
        Sets on the edges that are answers too, if they fit.

    Returns
    -------
    ``free`` itself if it fits. Otherwise a tree with its own bound, cost and proof; of its
    ``coalition_costs`` only that of all members heeds ``held``.
    """
    from gis.steiner_proof import prove

    if not len(crowded(held, free.subset_of_edge)):
        return free
    found = [one for one in known if not len(crowded(held, one))]
    left = MOST_EDGES
    for near in (free.problem.edge_ids, np.arange(len(edges))):
        nearby = edges[near], cost_by_subset[:, near], held[:, near]
        most = min(MOST_TREES, left // len(near))
        trees = list(_branches(free.subset_of_edge[near], *nearby, sources, root, most))
        left -= len(trees) * len(near)
        found += [_spread_out(one.subset_of_edge, near, len(edges)) for one in trees if one.fits]
        if found:
            break
    closed = np.where(held, cost_by_subset, np.inf)
    if not found:
        found = list(_by_solver(free.cost, edges, closed, sources, root))
    if not found:
        return None
    at = np.arange(len(edges))
    used = min(found, key=lambda one: float(cost_by_subset[one, at].sum()))
    return prove(closed_to(free, used, edges, closed, sources, root))


def _by_solver(
    least: float,
    edges: Ints,
    closed: Floats,
    sources: Sequence[ArrayLike],
    root: int,
) -> Iterator[Ints]:
    """A tree with room on the edges that the lowest ceiling reaches that has any."""
    from gis.steiner_proof import ways_under

    for share in CEILINGS:
        problem = problem_under(edges, closed, sources, root, share * least)
        used = ways_under(problem, share * least)
        if used is not None:
            yield problem.on_all_edges(used, len(edges))
            return


def _spread_out(used: Ints, near: Ints, m: int) -> Ints:
    """Sets on some edges as sets on all."""
    every = np.zeros(m, np.int64)
    every[near] = used
    return every


@dataclass(frozen=True)
class _Branch:
    """A tree in which some members give way, and to whom its edges are open."""

    cost: float
    subset_of_edge: Ints
    allowed: Ints
    full: Ints

    @property
    def fits(self) -> bool:
        return bool(np.isfinite(self.cost)) and not len(self.full)


def _branches(
    used: Ints,
    edges: Ints,
    costs: Floats,
    held: Bools,
    sources: Sequence[ArrayLike],
    root: int,
    most: int,
) -> Iterator[_Branch]:
    """Trees in which members of the crowds on edges give way, depth first, the cheapest first.

    ``used`` are the sets on the edges of the tree to begin with. None is looked at from a tree
    that is no cheaper than one that fits.
    """
    subsets, number, least = np.arange(len(costs))[:, None], count(), np.inf
    everyone = np.full(len(edges), len(costs) - 1)
    start = _Branch(0.0, used, everyone, crowded(held, used))
    waiting, seen = [(0, 0.0, next(number), start)], {everyone.tobytes()}
    while waiting:
        depth, cost, _number, here = heapq.heappop(waiting)
        if cost >= least:
            continue
        stretch = _costliest_stretch(edges, costs, here.subset_of_edge, here.full)
        for member in members(int(here.subset_of_edge[stretch[0]])):
            fewer = here.allowed.copy()
            fewer[stretch] &= ~(1 << member)
            if fewer.tobytes() in seen or len(seen) > most:
                continue
            seen.add(fewer.tobytes())
            left = np.where(subsets & ~fewer, np.inf, costs)
            tree = cheapest_joint_tree(edges, left, sources, root)
            full = crowded(held, tree.subset_of_edge)
            branch = _Branch(tree.cost, tree.subset_of_edge, fewer, full)
            yield branch
            if branch.fits:
                least = min(least, branch.cost)
            elif branch.cost < least:
                heapq.heappush(waiting, (depth - 1, branch.cost, next(number), branch))


def _costliest_stretch(edges: Ints, costs: Floats, used: Ints, full: Ints) -> Ints:
    """Of crowded edges those that hang together and have one set: the stretch that costs most."""
    ends, nodes = edges[full], int(edges.max()) + 1
    group = np.zeros(len(full), np.int64)
    for subset in np.unique(used[full]).tolist():
        mine = used[full] == subset
        links = coo_array((np.ones(mine.sum()), ends[mine].T), shape=(nodes, nodes))
        group[mine] = connected_components(links, directed=False)[1][ends[mine, 0]]
    keys, which = np.unique(np.stack([used[full], group], axis=1), axis=0, return_inverse=True)
    yuan = np.bincount(which.ravel(), costs[used[full], full], len(keys))
    stretch: Ints = full[which.ravel() == yuan.argmax()]
    return stretch

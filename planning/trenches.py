"""The shared trench of one parcel: which lines to lay together, where, for how much, paid by whom.

Every set of lines has its cheapest trenches on every surface (:mod:`planning.sections`), every
edge its length on every surface; :func:`gis.steiner.cheapest_joint_tree` then brings all lines to
the parcel and :func:`gis.steiner_proof.prove` proves that nothing is cheaper. Money is yuan,
lengths are metres; connections to the networks cost the same with and without sharing and are
left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.steiner import cheapest_joint_tree
from gis.subsets import demand_of_sets, members
from planning.allocation import Allocation, allocate
from planning.quantities import SURFACES, Prices, location
from planning.sections import (
    Layout,
    Section,
    layouts_of_sets,
    sections_of_sets,
    why_apart,
    why_no_section,
    widest_shared_of,
    width_of,
)
from planning.texts import gettext as _

if TYPE_CHECKING:
    from planning.policy_model import Policy
    from planning.standards import Pipe, Standards

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRAVITY = ("sewage", "storm")
"""Lines that run by slope; they share only when every manhole on the way is checked."""

CENT = 0.01
"""Amounts that differ by less, yuan, are the same amount."""

_BESIDE = "non_carriageway"
_EQUAL_M = 1e-6

PROOF_SECONDS = 2.0
"""Longest wait for the proof; it takes some 30 ms for a parcel among 3,000 edges."""


@dataclass(frozen=True)
class LeftOut:
    """A line that is not part of the joint plan, with the reason for the reader."""

    utility: str
    reason: str


@dataclass(frozen=True)
class Segment:
    """All metres of one section on one surface; ``edges`` are the rows of the caller's edges."""

    utilities: tuple[str, ...]
    surface: str
    section_id: str
    length_m: float
    edges: tuple[int, ...]


@dataclass(frozen=True)
class JointPlan:
    """The joint plan beside its alternatives.

    Attributes
    ----------
    utilities
        Members in the order of the bits of every set.
    cost_yuan
        Trenches and pipes of the joint plan.
    separate_cost_yuan
        Every line routed alone in a trench of its own.
    overlap_cost_yuan
        Every line routed alone, metres that happen to coincide dug once.
    bound_yuan
        Proven lower bound of the cost; equal to it when ``proven_optimal``.
    subset_of_edge
        For each edge the set of members that lie in it.
    width_of_edge
        For each edge the widest that their trenches are side by side, in metres.
    shared_length_m
        Metres of ground with a trench of two lines or more, counted once.
    sections
        Section by id, as named in ``segments``.
    """

    utilities: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    cost_yuan: float
    separate_cost_yuan: float
    overlap_cost_yuan: float
    bound_yuan: float
    proven_optimal: bool
    subset_of_edge: Ints
    width_of_edge: Floats
    segments: tuple[Segment, ...]
    shared_length_m: float
    sections: dict[str, Section]
    allocation: Allocation | None
    apart: tuple[str, ...]

    @property
    def saving_yuan(self) -> float:
        """Yuan saved against digging every line alone."""
        return _difference(self.separate_cost_yuan, self.cost_yuan)

    @property
    def saving_share(self) -> float:
        """Saving as a share of digging every line alone; 0 when nothing is dug."""
        return self.saving_yuan / self.separate_cost_yuan if self.separate_cost_yuan else 0.0

    @property
    def saving_vs_overlap_yuan(self) -> float:
        """Yuan saved against routing alone and digging coinciding metres once."""
        return _difference(self.overlap_cost_yuan, self.cost_yuan)

    @property
    def gap(self) -> float:
        """Most by which the cost may lie above the optimum, as a share of the cost."""
        return 0.0 if not self.cost_yuan else 1.0 - self.bound_yuan / self.cost_yuan


def _difference(more_yuan: float, less_yuan: float) -> float:
    """Difference of two sums of the same items; what is only rounding of the sums is 0."""
    return 0.0 if abs(more_yuan - less_yuan) < CENT else more_yuan - less_yuan


def share_trenches(
    edges: ArrayLike,
    edge_surface_lengths: ArrayLike,
    pipes: Sequence[Pipe],
    sources: Sequence[ArrayLike],
    root: int,
    *,
    standards: Standards,
    policy: Policy,
    prices: Prices,
    surfaces: Sequence[str] = SURFACES,
    edge_extra_yuan: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    slot_width_m: ArrayLike | None = None,
    slopes_checked: Sequence[str] = (),
) -> JointPlan:
    """Plan the lines of one parcel together.

    Parameters
    ----------
    edges
        (m, 2) integer node numbers of the corridor graph.
    edge_surface_lengths
        (m, s) metres of each edge on each of ``surfaces``.
    pipes, sources
        The new lines, and for each the nodes where it can start.
    root
        Node of the parcel where all lines end.
    edge_extra_yuan
        (m,) yuan for each edge whatever lies in it, such as the open crossing of a road.
    allowed
        (m,) set of members that may use the edge as an integer (bit ``i`` is ``pipes[i]``); a
        connector of one tie-in names its line alone. Default: all.
    slot_width_m
        (k, m) the widest trench that the slot of an edge may hold with each pipe at its side;
        infinite for no limit. Trenches that are wider, side by side and whichever of the pipes
        stands at the side, are not dug there, but narrower ones; where none fit each trench of
        several lines fits by itself.
    slopes_checked
        Gravity utilities whose every manhole has passed the slope check; others stay out.

    Returns
    -------
    The plan of all lines that can take part. A line of unknown size, a gravity line without
    slope check and a line that cannot reach the parcel are left out with the reason; with no
    line left the plan is empty and costs 0.

    Raises
    ------
    ValueError
        For arrays whose shapes do not fit, negative lengths or unknown surfaces.
    """
    ground = _ground(
        edges, edge_surface_lengths, surfaces, edge_extra_yuan, allowed, slot_width_m, len(pipes)
    )
    if len(sources) != len(pipes):
        raise ValueError(f"{len(pipes)} pipes need as many sources, not {len(sources)}.")
    reasons = {
        i: _why_left_out(pipe, standards, prices, slopes_checked)
        or _why_unreachable(ground, 1 << i, sources[i], root)
        for i, pipe in enumerate(pipes)
    }
    chosen = [i for i, reason in reasons.items() if reason is None]
    table = _price(
        ground.narrowed(chosen),
        [pipes[i] for i in chosen],
        standards=standards,
        prices=prices,
        restoration_extra_m=policy.planning.restoration_extra_m,
    )
    out = tuple(LeftOut(pipes[i].utility, reason) for i, reason in reasons.items() if reason)
    return _plan(table, [np.asarray(sources[i]) for i in chosen], root, out)


@dataclass(frozen=True)
class _Ground:
    """The corridor graph as seen by a spade."""

    edges: Ints
    lengths: Floats
    surfaces: tuple[str, ...]
    extra_yuan: Floats
    allowed: Ints
    slot_m: Floats

    def narrowed(self, chosen: Sequence[int]) -> _Ground:
        """The same ground for some of the members, renumbered."""
        bits = sum((self.allowed >> i & 1) << new for new, i in enumerate(chosen))
        allowed = np.broadcast_to(bits, self.allowed.shape)
        return replace(self, allowed=allowed, slot_m=self.slot_m[list(chosen)])


@dataclass(frozen=True)
class _Table:
    """Cost of every edge for every set of members, and the trenches it stands for.

    ``layouts`` of every set by surface, and ``chosen``, (2**k, m) which of them lies in the slot of
    each edge.
    """

    ground: _Ground
    pipes: tuple[Pipe, ...]
    layouts: dict[str, list[tuple[Layout, ...]]]
    chosen: dict[str, NDArray[np.int16]]
    costs: Floats
    apart: tuple[str, ...]

    def sections_at(self, edge: int, surface: str, subset: int) -> tuple[Section, ...]:
        """The trenches that a set lies in on a surface of an edge."""
        chosen = int(self.chosen[surface][subset, edge])
        return self.layouts[surface][subset][chosen].sections


def _ground(
    edges: ArrayLike,
    lengths: ArrayLike,
    surfaces: Sequence[str],
    extra_yuan: ArrayLike | None,
    allowed: ArrayLike | None,
    slot_width_m: ArrayLike | None,
    k: int,
) -> _Ground:
    pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    m = len(pairs)
    ground = _Ground(
        pairs,
        np.asarray(lengths, dtype=np.float64),
        tuple(surfaces),
        np.zeros(m) if extra_yuan is None else np.asarray(extra_yuan, dtype=np.float64),
        np.full(m, 2**k - 1) if allowed is None else np.asarray(allowed, dtype=np.int64),
        np.full((k, m), np.inf) if slot_width_m is None else np.asarray(slot_width_m, float),
    )
    unknown = [surface for surface in surfaces if surface not in SURFACES]
    if unknown:
        raise ValueError(f"unknown surface {unknown[0]!r}; one of {', '.join(SURFACES)}.")
    if ground.lengths.shape != (m, len(surfaces)):
        raise ValueError(
            f"edge_surface_lengths must have shape {(m, len(surfaces))}, "
            f"not {ground.lengths.shape}."
        )
    if ground.extra_yuan.shape != (m,) or ground.allowed.shape != (m,):
        raise ValueError(f"edge_extra_yuan and allowed must have one value for each of {m} edges.")
    if ground.slot_m.shape != (k, m):
        raise ValueError(f"slot_width_m must have shape {(k, m)}, not {ground.slot_m.shape}.")
    if not (ground.lengths >= 0).all() or not (ground.extra_yuan >= 0).all():
        raise ValueError("lengths and extra costs must be zero or positive.")
    return ground


def _why_left_out(
    pipe: Pipe, standards: Standards, prices: Prices, slopes_checked: Sequence[str]
) -> str | None:
    if pipe.utility in GRAVITY and pipe.utility not in slopes_checked:
        return _("重力流管线未校核沿途检查井坡度,单独敷设")
    reason = why_no_section(pipe, standards)
    if reason is None and prices.pipe_yuan_m(pipe) is None:
        return _("单价表中没有该规格的管线单价;请补填规格或在单价表中补一行")
    return reason


def _why_unreachable(ground: _Ground, bit: int, starts: ArrayLike, root: int) -> str | None:
    open_edges = ground.edges[(ground.allowed & bit) != 0]
    nodes = np.asarray(starts, dtype=np.int64).ravel()
    n = int(max(open_edges.max(initial=0), nodes.max(initial=0), root)) + 1
    links = coo_array(
        (np.ones(len(open_edges)), (open_edges[:, 0], open_edges[:, 1])), shape=(n, n)
    )
    _count, part = connected_components(links, directed=False)
    return None if (part[nodes] == part[root]).any() else _("没有从接入点到宗地的通道")


def _price(
    ground: _Ground,
    pipes: Sequence[Pipe],
    *,
    standards: Standards,
    prices: Prices,
    restoration_extra_m: float,
) -> _Table:
    """Price every edge for every set: trenches by surface, pipes by length, extras once."""
    dug = [
        surface
        for surface, metres in zip(ground.surfaces, ground.lengths.sum(axis=0), strict=True)
        if metres > 0
    ]
    sections = {
        place: sections_of_sets(pipes, place, standards=standards)
        for place in dict.fromkeys(map(location, dug))
    }
    layouts, chosen = {}, {}
    for surface in dug:
        together, apart_each = (
            layouts_of_sets(
                sections[location(surface)],
                surface,
                prices=prices,
                restoration_extra_m=restoration_extra_m,
                measure=measure,
            )
            for measure in (width_of, widest_shared_of)
        )
        layouts[surface] = [(*one, *other) for one, other in zip(together, apart_each, strict=True)]
        chosen[surface] = _fitting(together, apart_each, surface, ground)
    costs = demand_of_sets(_pipe_prices(pipes, prices))[:, None] * ground.lengths.sum(axis=1)
    for surface in dug:
        metres = ground.lengths[:, ground.surfaces.index(surface)]
        for subset, choices in enumerate(layouts[surface]):
            yuan_m = np.array([layout.yuan_m for layout in choices])
            costs[subset] += yuan_m[chosen[surface][subset]] * metres
    costs[1:] += ground.extra_yuan
    subsets = np.arange(len(costs))[:, None]
    costs[(subsets & ~ground.allowed) != 0] = np.inf
    apart = [why_apart(a, b, standards) for a, b in combinations(pipes, 2)]
    return _Table(ground, tuple(pipes), layouts, chosen, costs, tuple(filter(None, apart)))


def _fitting(
    together: Sequence[tuple[Layout, ...]],
    apart: Sequence[tuple[Layout, ...]],
    surface: str,
    ground: _Ground,
) -> NDArray[np.int16]:
    """(2**k, m) the cheapest layout of each set that the slot of an edge holds.

    Where none of those ``together`` fits side by side, it is one ``apart`` whose every shared
    trench fits by itself, numbered behind them: so no set costs more than its parts. Carriageways
    hold all, and one pipe alone is never held back here.
    """
    chosen = np.zeros((len(together), len(ground.edges)), np.int16)
    tight = np.flatnonzero((ground.slot_m < np.inf).any(axis=0))
    if location(surface) != _BESIDE or len(tight) == 0:
        return chosen
    for subset, (beside, each) in enumerate(zip(together, apart, strict=True)):
        own = members(subset)
        if len(own) < 2:
            continue
        room_m = ground.slot_m[own][:, tight].max(axis=0) + _EQUAL_M
        first = _first_within(beside, width_of, room_m)
        last = len(beside) + _first_within(each, widest_shared_of, room_m)
        chosen[subset, tight] = np.where(first < len(beside), first, last)
    return chosen


def _first_within(
    layouts: tuple[Layout, ...], measure: Callable[[Layout], float], room_m: Floats
) -> Ints:
    """The first layout, of ever narrower ones, that each room holds; their count if none."""
    return np.searchsorted(-np.array([measure(layout) for layout in layouts]), -room_m)


def _pipe_prices(pipes: Sequence[Pipe], prices: Prices) -> Floats:
    return np.array([prices.pipe_yuan_m(pipe) for pipe in pipes], dtype=np.float64)


def _plan(
    table: _Table, sources: list[Ints], root: int, left_out: tuple[LeftOut, ...]
) -> JointPlan:
    from gis.steiner_proof import prove

    utilities = tuple(pipe.utility for pipe in table.pipes)
    if not utilities:
        nothing = np.zeros(len(table.ground.edges), dtype=np.int64)
        none = nothing, nothing.astype(float)
        return JointPlan((), left_out, 0.0, 0.0, 0.0, 0.0, True, *none, (), 0.0, {}, None, ())
    tree = cheapest_joint_tree(table.ground.edges, table.costs, sources, root)
    joint = prove(tree, seconds=PROOF_SECONDS)
    segments, sections = _segments(table, joint.subset_of_edge)
    overlap = joint.alone_subset_of_edge
    alone = joint.coalition_costs[[1 << i for i in range(len(utilities))]]
    return JointPlan(
        utilities=utilities,
        left_out=left_out,
        cost_yuan=joint.cost,
        separate_cost_yuan=float(alone.sum()),
        overlap_cost_yuan=float(table.costs[overlap, np.arange(len(overlap))].sum()),
        bound_yuan=joint.bound,
        proven_optimal=joint.proven_optimal,
        subset_of_edge=joint.subset_of_edge,
        width_of_edge=_widths(table, joint.subset_of_edge),
        segments=segments,
        shared_length_m=_shared_m(table, segments),
        sections=sections,
        allocation=allocate(utilities, joint.coalition_costs),
        apart=table.apart,
    )


def _shared_m(table: _Table, segments: Sequence[Segment]) -> float:
    """Metres of edges and surfaces on which any trench holds two lines or more."""
    shared = {
        (one.surface, edge) for one in segments if len(one.utilities) > 1 for edge in one.edges
    }
    columns = {surface: number for number, surface in enumerate(table.ground.surfaces)}
    return float(sum(table.ground.lengths[edge, columns[surface]] for surface, edge in shared))


def _widths(table: _Table, used: Ints) -> Floats:
    """The widest that the trenches of every edge are side by side on any of its surfaces."""
    widths = np.zeros(len(used))
    for edge in np.flatnonzero(used).tolist():
        for surface, metres in zip(table.ground.surfaces, table.ground.lengths[edge], strict=True):
            if metres > 0:
                sections = table.sections_at(edge, surface, used[edge])
                widths[edge] = max(widths[edge], sum(section.width_m for section in sections))
    return widths


def _segments(table: _Table, used: Ints) -> tuple[tuple[Segment, ...], dict[str, Section]]:
    """Group the edges used by surface and section; a set in several trenches gives several."""
    edges_of: dict[tuple[str, Section], list[int]] = {}
    for edge in np.flatnonzero(used).tolist():
        for surface, metres in zip(table.ground.surfaces, table.ground.lengths[edge], strict=True):
            if metres > 0:
                for section in table.sections_at(edge, surface, used[edge]):
                    edges_of.setdefault((surface, section), []).append(edge)
    segments, sections = [], {}
    for number, ((surface, section), rows) in enumerate(edges_of.items(), 1):
        section_id = f"{surface}-{number}"
        sections[section_id] = section
        column = table.ground.surfaces.index(surface)
        length_m = float(table.ground.lengths[rows, column].sum())
        segments.append(Segment(section.utilities, surface, section_id, length_m, tuple(rows)))
    return tuple(segments), sections

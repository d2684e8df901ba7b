"""The shared trench of one parcel: which lines to lay together, where, for how much, paid by whom.

Every set of lines has its cheapest trenches on every surface (:mod:`planning.sections`), every
edge its length on every surface; :func:`gis.steiner.cheapest_joint_tree` then brings all lines to
the parcel and :func:`gis.steiner_proof.prove` proves that nothing is cheaper. Where trenches have
no room side by side in a slot some line gives way (:mod:`gis.steiner_room`), in the joint plan and
in what it is compared with. Money is yuan, lengths are metres; connections to the networks cost
the same with and without sharing and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.steiner import JointTree, cheapest_joint_tree
from gis.steiner_room import cheapest_tree_with_room, crowded
from planning.allocation import Allocation, allocate
from planning.quantities import SURFACES, Prices
from planning.sections import (
    Section,
    why_no_section,
)
from planning.texts import gettext as _
from planning.trench_costs import Floats, Ground, Ints, Table, ground_of, price, unshared

if TYPE_CHECKING:
    from planning.policy_model import Policy
    from planning.standards import Pipe, Standards

GRAVITY = ("sewage", "storm")
"""Lines that run by slope; they share only when every manhole on the way is checked."""

CENT = 0.01
"""Amounts that differ by less, yuan, are the same amount."""


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
class OwnTrenches:
    """The cheapest plan without sharing that has room: what the joint plan is compared with.

    For each edge the set of members that lie in it and the width of their trenches side by side,
    metres; ``yuan`` of each member.
    """

    subset_of_edge: Ints
    width_of_edge: Floats
    yuan: Floats


@dataclass(frozen=True)
class JointPlan:
    """The joint plan beside its alternatives.

    Attributes
    ----------
    utilities
        Members in the order of the bits of every set.
    cost_yuan
        Trenches and pipes of the joint plan.
    roomy_cost_yuan
        The same if trenches that fit their slot each by itself had room there side by side:
        lower by what giving way costs.
    own
        Every line in a trench of its own, with room for them all; None if no such plan was found.
    overlap_cost_yuan
        Every line routed alone, metres that happen to coincide dug once; None without room.
    bound_yuan
        Proven lower bound of the cost; equal to it when ``proven_optimal``.
    subset_of_edge
        For each edge the set of members that lie in it.
    crowded
        Edges whose slot surely has no room for their trenches side by side; only where no plan
        was found that has room for all. Such a plan is no recommendation and saves nothing.
    gave_way
        For each edge the set of members that would lie there if its slot had room, and do not.
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
    roomy_cost_yuan: float
    own: OwnTrenches | None
    overlap_cost_yuan: float | None
    bound_yuan: float
    proven_optimal: bool
    subset_of_edge: Ints
    crowded: Ints
    gave_way: Ints
    width_of_edge: Floats
    segments: tuple[Segment, ...]
    shared_length_m: float
    sections: dict[str, Section]
    allocation: Allocation | None
    apart: tuple[str, ...]

    @property
    def separate_cost_yuan(self) -> float | None:
        """Every line in a trench of its own; None if no such plan was found that has room."""
        return None if self.own is None else float(self.own.yuan.sum())

    @property
    def saving_yuan(self) -> float | None:
        """Yuan saved against digging every line alone; None where either has no room."""
        return self._saved(self.separate_cost_yuan)

    @property
    def saving_share(self) -> float | None:
        """Saving as a share of digging every line alone; 0 when nothing is dug."""
        saved = self.saving_yuan
        return saved and saved / self.separate_cost_yuan if self.separate_cost_yuan else saved

    @property
    def saving_vs_overlap_yuan(self) -> float | None:
        """Yuan saved against routing alone and digging coinciding metres once."""
        return self._saved(self.overlap_cost_yuan)

    def _saved(self, other_yuan: float | None) -> float | None:
        if other_yuan is None or len(self.crowded):
            return None
        return _difference(other_yuan, self.cost_yuan)

    @property
    def gap(self) -> float:
        """Most by which the cost may lie above the optimum, as a share of the cost."""
        return 0.0 if not self.cost_yuan else max(1.0 - self.bound_yuan / self.cost_yuan, 0.0)


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
    slot_gap_m: ArrayLike | None = None,
    slot_taken_m: ArrayLike | None = None,
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
    slot_width_m, slot_gap_m
        (2**k, m) how wide the trenches of each set may be in the slot of an edge, all together and
        each of them; infinite for no limit. Wider ones are not dug there, but narrower ones; where
        none fit some line gives way. One line alone is not held back.
    slot_taken_m
        (m,) what trenches of other lines take of it; there one line alone is held back too.
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
    ground = ground_of(
        edges,
        edge_surface_lengths,
        surfaces,
        edge_extra_yuan,
        allowed,
        slot_width_m,
        slot_gap_m,
        slot_taken_m,
        len(pipes),
    )
    if len(sources) != len(pipes):
        raise ValueError(f"{len(pipes)} pipes need as many sources, not {len(sources)}.")
    reasons = {
        i: _why_left_out(pipe, standards, prices, slopes_checked)
        or _why_unreachable(ground, 1 << i, sources[i], root)
        for i, pipe in enumerate(pipes)
    }
    chosen = [i for i, reason in reasons.items() if reason is None]
    table = price(
        ground.narrowed(chosen),
        [pipes[i] for i in chosen],
        standards=standards,
        prices=prices,
        restoration_extra_m=policy.planning.restoration_extra_m,
    )
    out = tuple(LeftOut(pipes[i].utility, reason) for i, reason in reasons.items() if reason)
    return _plan(table, [np.asarray(sources[i]) for i in chosen], root, out)


def _why_left_out(
    pipe: Pipe, standards: Standards, prices: Prices, slopes_checked: Sequence[str]
) -> str | None:
    if pipe.utility in GRAVITY and pipe.utility not in slopes_checked:
        return _("重力流管线未校核沿途检查井坡度,单独敷设")
    reason = why_no_section(pipe, standards)
    if reason is None and prices.pipe_yuan_m(pipe) is None:
        return _("单价表中没有该规格的管线单价;请补填规格或在单价表中补一行")
    return reason


def _why_unreachable(ground: Ground, bit: int, starts: ArrayLike, root: int) -> str | None:
    open_edges = ground.edges[(ground.allowed & bit) != 0]
    nodes = np.asarray(starts, dtype=np.int64).ravel()
    n = int(max(open_edges.max(initial=0), nodes.max(initial=0), root)) + 1
    links = coo_array(
        (np.ones(len(open_edges)), (open_edges[:, 0], open_edges[:, 1])), shape=(n, n)
    )
    _count, part = connected_components(links, directed=False)
    return None if (part[nodes] == part[root]).any() else _("没有从接入点到宗地的通道")


def _plan(table: Table, sources: list[Ints], root: int, left_out: tuple[LeftOut, ...]) -> JointPlan:
    from gis.steiner_proof import prove

    utilities = tuple(pipe.utility for pipe in table.pipes)
    if not utilities:
        nothing = np.zeros(len(table.ground.edges), dtype=np.int64)
        none, metres = nothing[:0], nothing.astype(float)
        free_of_cost = 0.0, 0.0, OwnTrenches(nothing, metres, metres[:0]), 0.0, 0.0, True
        ways = nothing, none, nothing, metres
        return JointPlan((), left_out, *free_of_cost, *ways, (), 0.0, {}, None, ())
    edges = table.ground.edges
    free = prove(cheapest_joint_tree(edges, table.costs, sources, root))
    fitting = _with_room(table, free, sources, root, free.alone_subset_of_edge)
    own = None if fitting is None else _own_trenches(table, free, sources, root)
    if own is not None and fitting and table.cost_of(own.subset_of_edge) < fitting.cost:
        fitting = _with_room(table, free, sources, root, own.subset_of_edge)
    joint = free if fitting is None else fitting
    used, overlap = joint.subset_of_edge, free.alone_subset_of_edge
    full = crowded(table.held, free.subset_of_edge)
    gave_way = np.zeros_like(used)
    gave_way[full] = free.subset_of_edge[full] & ~used[full]
    has_room = not len(crowded(table.held, overlap))
    segments, sections = _segments(table, used)
    return JointPlan(
        utilities=utilities,
        left_out=left_out,
        cost_yuan=joint.cost,
        roomy_cost_yuan=min(free.cost, joint.cost),
        own=own,
        overlap_cost_yuan=table.cost_of(overlap) if has_room else None,
        bound_yuan=joint.bound,
        proven_optimal=joint.proven_optimal and fitting is not None,
        subset_of_edge=used,
        crowded=crowded(table.held, used),
        gave_way=gave_way,
        width_of_edge=table.widths_of(used),
        segments=segments,
        shared_length_m=_shared_m(table, segments),
        sections=sections,
        allocation=None if fitting is None or own is None else _split(utilities, free, joint, own),
        apart=table.apart,
    )


def _own_trenches(
    table: Table, free: JointTree, sources: list[Ints], root: int
) -> OwnTrenches | None:
    """The cheapest plan without sharing that has room; None where none was found."""
    apart = unshared(table)
    used = free.alone_subset_of_edge
    if len(crowded(apart.held, used)):
        free = cheapest_joint_tree(apart.ground.edges, apart.costs, sources, root)
        fitting = _with_room(apart, free, sources, root, used)
        if fitting is None:
            return None
        used = fitting.subset_of_edge
    yuan = [table.costs[1 << i, used >> i & 1 == 1].sum() for i in range(len(table.pipes))]
    return OwnTrenches(used, apart.widths_of(used), np.array(yuan))


def _with_room(
    table: Table, free: JointTree, sources: list[Ints], root: int, known: Ints
) -> JointTree | None:
    return cheapest_tree_with_room(
        free,
        table.ground.edges,
        table.costs,
        table.held,
        sources,
        root,
        known=[known],
    )


def _split(
    utilities: Sequence[str], free: JointTree, joint: JointTree, own: OwnTrenches
) -> Allocation:
    """Who pays what: the ceiling of each is its own trench, where it has room beside the others."""
    return allocate(utilities, free.coalition_costs, total_yuan=joint.cost, alone_yuan=own.yuan)


def _shared_m(table: Table, segments: Sequence[Segment]) -> float:
    """Metres of edges and surfaces on which any trench holds two lines or more."""
    shared = {
        (one.surface, edge) for one in segments if len(one.utilities) > 1 for edge in one.edges
    }
    columns = {surface: number for number, surface in enumerate(table.ground.surfaces)}
    return float(sum(table.ground.lengths[edge, columns[surface]] for surface, edge in shared))


def _segments(table: Table, used: Ints) -> tuple[tuple[Segment, ...], dict[str, Section]]:
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

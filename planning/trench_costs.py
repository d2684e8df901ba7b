"""What trenches cost: every edge for every set of lines, and which sets its slot has room for.

Every set has its cheapest trenches on every surface (:mod:`planning.sections`), every edge its
length on every surface. Money is yuan, lengths are metres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.subsets import demand_of_sets, members
from planning.quantities import SURFACES, Prices, location
from planning.sections import (
    Layout,
    Section,
    layouts_of_sets,
    sections_of_sets,
    why_apart,
    widest_of,
    widest_shared_of,
    width_of,
)

if TYPE_CHECKING:
    from planning.standards import Pipe, Standards

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BESIDE = "non_carriageway"
_EQUAL_M = 1e-6


@dataclass(frozen=True)
class Ground:
    """The corridor graph as seen by a spade.

    ``slot_m`` and ``gap_m``, (2**k, m): the most that the trenches of a set may be wide in a slot,
    all together and each; ``taken_m`` is what others take of it.
    """

    edges: Ints
    lengths: Floats
    surfaces: tuple[str, ...]
    extra_yuan: Floats
    allowed: Ints
    slot_m: Floats
    gap_m: Floats
    taken_m: Floats

    @cached_property
    def tight(self) -> Ints:
        """Edges whose slot may be too narrow for something."""
        return np.flatnonzero((np.minimum(self.slot_m, self.gap_m) < np.inf).any(axis=0))

    def room_m(self, subset: int, edges: Ints) -> tuple[Floats, Floats]:
        """How wide the trenches of a set may be in slots beside others: all together, and each.

        One pipe alone is not held back where nobody else digs.
        """
        together = self.slot_m[subset, edges] - self.taken_m[edges] + _EQUAL_M
        each = np.minimum(self.gap_m[subset, edges] + _EQUAL_M, together)
        held = (self.taken_m[edges] > 0) | (len(members(subset)) > 1)
        return np.where(held, together, np.inf), np.where(held, each, np.inf)

    def narrowed(self, chosen: Sequence[int]) -> Ground:
        """The same ground for some of the members, renumbered."""
        bits = sum((self.allowed >> i & 1) << new for new, i in enumerate(chosen))
        allowed = np.broadcast_to(bits, self.allowed.shape)
        sets = demand_of_sets(2.0 ** np.array(chosen)).astype(np.int64)
        return replace(self, allowed=allowed, slot_m=self.slot_m[sets], gap_m=self.gap_m[sets])


@dataclass(frozen=True)
class Table:
    """Cost of every edge for every set of members, and the trenches it stands for.

    ``layouts`` of every set by surface, and ``chosen``, (2**k, m) which of them lies in the slot of
    each edge; ``held``, (2**k, m) whether the slot may hold it, never if it does not a part of it.
    """

    ground: Ground
    pipes: tuple[Pipe, ...]
    layouts: dict[str, list[tuple[Layout, ...]]]
    chosen: dict[str, NDArray[np.int16]]
    costs: Floats
    held: NDArray[np.bool_]
    apart: tuple[str, ...]

    def cost_of(self, used: Ints) -> float:
        """Yuan of a set on each edge."""
        return float(self.costs[used, np.arange(len(used))].sum())

    def widths_of(self, used: Ints) -> Floats:
        """The widest that the trenches of every edge are side by side on any of its surfaces."""
        widths = np.zeros(len(used))
        for edge in np.flatnonzero(used).tolist():
            metres = self.ground.lengths[edge].tolist()
            for surface, metre in zip(self.ground.surfaces, metres, strict=True):
                if metre > 0:
                    sections = self.sections_at(edge, surface, used[edge])
                    widths[edge] = max(widths[edge], sum(one.width_m for one in sections))
        return widths

    def sections_at(self, edge: int, surface: str, subset: int) -> tuple[Section, ...]:
        """The trenches that a set lies in on a surface of an edge."""
        chosen = int(self.chosen[surface][subset, edge])
        return self.layouts[surface][subset][chosen].sections


def ground_of(
    edges: ArrayLike,
    lengths: ArrayLike,
    surfaces: Sequence[str],
    extra_yuan: ArrayLike | None,
    allowed: ArrayLike | None,
    slot_width_m: ArrayLike | None,
    slot_gap_m: ArrayLike | None,
    slot_taken_m: ArrayLike | None,
    k: int,
) -> Ground:
    """The arrays of :func:`planning.trenches.share_trenches`, checked."""
    pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    m = len(pairs)
    ground = Ground(
        pairs,
        np.asarray(lengths, dtype=np.float64),
        tuple(surfaces),
        np.zeros(m) if extra_yuan is None else np.asarray(extra_yuan, dtype=np.float64),
        np.full(m, 2**k - 1) if allowed is None else np.asarray(allowed, dtype=np.int64),
        np.full((2**k, m), np.inf) if slot_width_m is None else np.asarray(slot_width_m, float),
        np.full((2**k, m), np.inf) if slot_gap_m is None else np.asarray(slot_gap_m, float),
        np.zeros(m) if slot_taken_m is None else np.asarray(slot_taken_m, float),
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
    for name, metres in (("slot_width_m", ground.slot_m), ("slot_gap_m", ground.gap_m)):
        if metres.shape != (2**k, m):
            raise ValueError(f"{name} must have shape {(2**k, m)}, not {metres.shape}.")
    if ground.taken_m.shape != (m,):
        raise ValueError(f"slot_taken_m must have one value for each of {m} edges.")
    if not (ground.lengths >= 0).all() or not (ground.extra_yuan >= 0).all():
        raise ValueError("lengths and extra costs must be zero or positive.")
    return ground


def price(
    ground: Ground,
    pipes: Sequence[Pipe],
    *,
    standards: Standards,
    prices: Prices,
    restoration_extra_m: float,
) -> Table:
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
        layouts[surface] = layouts_of_sets(
            sections[location(surface)],
            surface,
            prices=prices,
            restoration_extra_m=restoration_extra_m,
        )
        chosen[surface] = _fitting(layouts[surface], surface, ground)
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
    held = _held(ground, layouts, chosen)
    return Table(ground, tuple(pipes), layouts, chosen, costs, held, tuple(filter(None, apart)))


def unshared(table: Table) -> Table:
    """The same table where every line has a trench of its own."""
    layouts: dict[str, list[tuple[Layout, ...]]] = {
        surface: [
            (_side_by_side([of_sets[1 << i][0] for i in members(subset)]),)
            for subset in range(len(of_sets))
        ]
        for surface, of_sets in table.layouts.items()
    }
    chosen = {surface: np.zeros_like(numbers) for surface, numbers in table.chosen.items()}
    costs = np.zeros((1, len(table.ground.edges)))
    for i in range(len(table.pipes)):
        costs = np.concatenate([costs, costs + table.costs[1 << i]])
    held = _held(table.ground, layouts, chosen)
    return replace(table, layouts=layouts, chosen=chosen, costs=costs, held=held)


def _side_by_side(layouts: Sequence[Layout]) -> Layout:
    sections = tuple(section for one in layouts for section in one.sections)
    return Layout(sections, sum(one.yuan_m for one in layouts))


def _held(
    ground: Ground,
    layouts: Mapping[str, Sequence[tuple[Layout, ...]]],
    chosen: Mapping[str, NDArray[np.int16]],
) -> NDArray[np.bool_]:
    """(2**k, m) whether slots may hold the chosen layouts of a set, and of every part of it."""
    held = np.ones(ground.slot_m.shape, bool)
    tight = ground.tight
    for surface in layouts:
        metres = ground.lengths[tight, ground.surfaces.index(surface)]
        dug = tight[metres > 0] if location(surface) == _BESIDE else tight[:0]
        for subset, choices in enumerate(layouts[surface]):
            if subset:
                number = chosen[surface][subset, dug]
                held[subset, dug] &= _fit(choices, ground, subset, dug)[number, np.arange(len(dug))]
    for subset in range(1, len(held)):
        for i in members(subset):
            held[subset] &= held[subset ^ 1 << i]
    return held


def _fitting(
    layouts: Sequence[tuple[Layout, ...]], surface: str, ground: Ground
) -> NDArray[np.int16]:
    """(2**k, m) the cheapest layout of each set that the slot of an edge holds.

    Where none fits side by side, it is the cheapest whose every shared trench fits by itself: so
    no set costs more than its parts. Carriageways hold all, and one pipe alone is never held back
    here.
    """
    chosen = np.zeros((len(layouts), len(ground.edges)), np.int16)
    tight = ground.tight
    if location(surface) != _BESIDE or len(tight) == 0:
        return chosen
    for subset, choices in enumerate(layouts):
        if len(members(subset)) < 2:
            continue
        fit = _fit(choices, ground, subset, tight)
        room_m = np.maximum(ground.room_m(subset, tight)[1], 0.0)
        shared = np.array(list(map(widest_shared_of, choices)))[:, None] <= room_m
        chosen[subset, tight] = np.where(fit.any(axis=0), fit.argmax(axis=0), shared.argmax(axis=0))
    return chosen


def _fit(
    layouts: tuple[Layout, ...], ground: Ground, subset: int, edges: Ints
) -> NDArray[np.bool_]:
    """Whether slots of edges may hold each layout of a set; one row for each layout."""
    together, each = ground.room_m(subset, edges)
    width_m, widest_m = (
        np.array(list(map(measure, layouts)))[:, None] for measure in (width_of, widest_of)
    )
    return np.asarray((width_m <= together) & (widest_m <= each))


def _pipe_prices(pipes: Sequence[Pipe], prices: Prices) -> Floats:
    return np.array([prices.pipe_yuan_m(pipe) for pipe in pipes], dtype=np.float64)

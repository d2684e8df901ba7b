"""Who pays what in a shared trench: Shapley values with the cost of digging alone as ceiling.

A coalition is a set of members as an integer whose bit ``i`` stands for member ``i``; its cost is
what its members would pay together without the others. Where trenches must give way to each other,
what that costs is borne in proportion to what each saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.subsets import members, splits

TOLERANCE = 1e-9
"""Relative room for rounding when shares are compared with ceilings and the total."""


@dataclass(frozen=True)
class Share:
    """What one member pays, and what it would pay alone."""

    utility: str
    shapley_yuan: float
    stand_alone_yuan: float

    @property
    def saving_yuan(self) -> float:
        """Yuan that the member saves by sharing; negative when it would pay more."""
        return self.stand_alone_yuan - self.shapley_yuan


@dataclass(frozen=True)
class Allocation:
    """Shares that sum to the total, with what can be promised about them.

    Attributes
    ----------
    subadditive
        No two separate coalitions pay more by joining; then no share exceeds stand-alone cost.
    within_ceilings
        Every share is at most the member's stand-alone cost.
    in_core
        No coalition would pay less on its own than the sum of its members' shares.
    """

    shares: tuple[Share, ...]
    total_yuan: float
    subadditive: bool
    within_ceilings: bool
    in_core: bool


def shapley_values(coalition_costs: ArrayLike) -> NDArray[np.float64]:
    """Mean extra cost of each member over all orders of joining (Shapley 1953).

    Member ``i`` joining ``S`` of ``k`` members weighs ``|S|! (k - |S| - 1)! / k!``. The values sum
    to the cost of the full coalition. Work: ``k * 2**k``.

    Raises
    ------
    ValueError
        If the costs are not ``2**k`` finite numbers that begin with 0.

    Examples
    --------
    Two members who pay 6 and 4 alone and 8 together save 1 each:

    >>> shapley_values([0, 6, 4, 8]).tolist()
    [5.0, 3.0]
    """
    costs = _checked(coalition_costs)
    k = len(costs).bit_length() - 1
    subsets = np.arange(len(costs))
    size = np.array([subset.bit_count() for subset in range(len(costs))])
    weight = np.array([1.0 / (k * comb(k - 1, s)) if s < k else 0.0 for s in range(k + 1)])[size]
    values = np.zeros(k)
    for i in range(k):
        without = subsets[(subsets >> i & 1) == 0]
        values[i] = (weight[without] * (costs[without | 1 << i] - costs[without])).sum()
    return values


def allocate(
    utilities: Sequence[str],
    coalition_costs: ArrayLike,
    *,
    total_yuan: float | None = None,
    alone_yuan: ArrayLike | None = None,
) -> Allocation:
    """Shapley shares of the full coalition's cost, checked against every ceiling.

    Parameters
    ----------
    coalition_costs
        Of every coalition, as if every slot had room for it. None costs more than a larger one, as
        it can do what that does and leave out the others' pipes: where narrow slots let three
        lines share a trench and two of them not, two take the way of the three. So nobody is paid
        for joining.
    total_yuan, alone_yuan
        What all pay where slots have not, and each where it digs alone beside the others. The
        total lies above the full coalition's cost by what giving way costs: each bears of it in
        proportion to the benefit that remains to it, its own cost less its Shapley value (Straffin
        and Heaney 1981, Water Resources Research 17:203-208), so that no share passes a ceiling.

    Raises
    ------
    ValueError
        If the number of names does not fit the costs, or a cost is not finite.
    """
    costs = _checked(coalition_costs)
    k = len(utilities)
    if len(costs) != 2**k:
        raise ValueError(f"{k} members need {2**k} coalition costs.")
    for subset in reversed(range(1, len(costs))):
        costs[subset] = min(costs[subset | 1 << i] for i in range(k))
    values = shapley_values(costs)
    alone = costs[[1 << i for i in range(k)]] if alone_yuan is None else np.asarray(alone_yuan)
    if total_yuan is not None:
        benefit = np.maximum(alone - values, 0.0)
        if benefit.any():
            values += (total_yuan - costs[-1]) * benefit / benefit.sum()
        costs[-1] = total_yuan
    room = TOLERANCE * max(1.0, float(costs.max()))
    paid = np.array([values[members(subset)].sum() for subset in range(len(costs))])
    return Allocation(
        shares=tuple(
            Share(utility, float(value), float(ceiling))
            for utility, value, ceiling in zip(utilities, values, alone, strict=True)
        ),
        total_yuan=float(costs[-1]),
        subadditive=_subadditive(costs, room),
        within_ceilings=bool((values <= alone + room).all()),
        in_core=bool((paid <= costs + room).all()),
    )


def _checked(coalition_costs: ArrayLike) -> NDArray[np.float64]:
    costs = np.array(coalition_costs, dtype=np.float64)
    if costs.ndim != 1 or len(costs) < 2 or len(costs) & (len(costs) - 1):
        raise ValueError(f"coalition costs must be 2**k numbers, not shape {costs.shape}.")
    if costs[0] != 0 or not np.isfinite(costs).all():
        raise ValueError("coalition costs must be finite and begin with 0 for nobody.")
    return costs


def _subadditive(costs: NDArray[np.float64], room: float) -> bool:
    return all(
        costs[subset] <= costs[a] + costs[b] + room
        for subset in range(len(costs))
        for a, b in splits(subset)
    )

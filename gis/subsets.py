"""Cost tables over subsets: splits, and which costs keep members together.

A set of members is an integer whose bit ``i`` stands for member ``i``; a cost table has one row
for each set and one column for each edge.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE = 1e-9
"""Relative room for rounding when slopes and costs are compared."""

CHUNK = 2048
"""Columns checked at once, so that the rows of a chunk stay in the processor's cache."""


def members(subset: int) -> list[int]:
    """Members of a set, ascending."""
    return [i for i in range(subset.bit_length()) if subset >> i & 1]


def splits(subset: int) -> Iterator[tuple[int, int]]:
    """Every way to cut a set into two non-empty parts, each once; the first holds its lowest bit.

    >>> list(splits(0b111))
    [(5, 2), (3, 4), (1, 6)]
    """
    lowest = subset & -subset
    rest = subset ^ lowest
    part = (rest - 1) & rest
    while rest:
        yield part | lowest, rest ^ part
        if part == 0:
            return
        part = (part - 1) & rest


def demand_of_sets(demand: Floats) -> Floats:
    """Sum of the members' demands for every set; length ``2**k``."""
    total = np.zeros(1)
    for value in demand:
        total = np.concatenate([total, total + value])
    return total


def top_marginals(costs: Floats) -> Floats:
    """Mean extra cost of each member on top of all others, over the columns."""
    full = len(costs) - 1
    k = full.bit_length()
    without = costs[[full ^ (1 << i) for i in range(k)]]
    mean: Floats = np.maximum(costs[full] - without, 0.0).mean(axis=1)
    return mean


def concave_in_one_demand(costs: Floats) -> bool:
    """Whether every column is a rising concave function of one additive demand of the members.

    Tries the demand that the last member of the full set pays, then equal demands. Such costs
    have an optimal answer in which members that have met stay together (Zangwill 1968,
    Management Science 14:429-450). Columns must be finite; no column gives True.
    """
    if costs.shape[1] == 0 or len(costs) == 2:
        return True
    k = (len(costs) - 1).bit_length()
    columns = [costs[:, i : i + CHUNK] for i in range(0, costs.shape[1], CHUNK)]
    return any(
        all(_concave_in(part, demand_of_sets(demand)) for part in columns)
        for demand in (top_marginals(costs), np.ones(k))
    )


def concave_minorant(costs: Floats) -> Floats:
    """Costs of the form fixed + demand x scale for each column, nowhere above the given ones.

    The fixed part is what each member after the first saves on average in the full set, the
    demand is what remains of each member's own cost. Entries that are ``inf`` become finite; no
    column may be of them alone. The result passes :func:`concave_in_one_demand`, so its joint tree
    bounds the given problem from below.
    """
    k = (len(costs) - 1).bit_length()
    usable = np.isfinite(costs).all(axis=0)
    if not usable.any():
        return np.zeros_like(costs)
    alone = costs[[1 << i for i in range(k)]]
    fixed = np.zeros(costs.shape[1])
    fixed[usable] = (alone[:, usable].sum(axis=0) - costs[-1, usable]) / max(k - 1, 1)
    fixed = np.clip(fixed, 0.0, alone.min(axis=0))
    own = np.maximum(alone - fixed, 0.0)[:, usable].sum(axis=1)
    demand = demand_of_sets(own / own.sum() if own.any() else own)[1:, None]
    asking = demand[:, 0] > TOLERANCE
    steepest = (costs[1:][asking] / demand[asking]).min(axis=0, initial=np.inf)
    wanted = np.where(usable, costs[-1] - fixed, np.inf)
    slope = np.maximum(np.minimum(wanted, steepest), 0.0)
    slope[~np.isfinite(slope)] = 0.0
    lower = np.zeros_like(costs)
    lower[1:] = np.maximum((costs[1:] - demand * slope).min(axis=0), 0.0) + demand * slope
    return lower


def _concave_in(costs: Floats, demand: Floats) -> bool:
    """Whether each column rises and bends down over the demand of the sets, starting at zero."""
    room = TOLERANCE * max(float(costs.max()), np.finfo(float).tiny)
    order = np.argsort(demand[1:], kind="stable") + 1
    level = demand[order]
    step = TOLERANCE * max(float(level[-1]), np.finfo(float).tiny)
    first = np.flatnonzero(np.concatenate([[True], np.diff(level) > step]))
    values = costs[order]
    if len(first) < len(order):
        lowest = np.minimum.reduceat(values, first, axis=0)
        if (np.maximum.reduceat(values, first, axis=0) - lowest > room).any():
            return False
        values, level = lowest, level[first]
    if level[0] > step:
        level = np.concatenate([[0.0], level])
        values = np.vstack([np.zeros(costs.shape[1]), values])
    rise = np.diff(values, axis=0)
    run = np.diff(level)[:, None]
    bends_down = rise[1:] * run[:-1] <= rise[:-1] * run[1:] + room * (run[:-1] + run[1:])
    return bool((rise >= -room).all() and bends_down.all())

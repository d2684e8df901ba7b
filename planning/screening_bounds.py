"""Screening, bounds: for many sites at once whether a route that qualifies can be left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from planning.application import Demand
from planning.city_roads import in_city_roads
from planning.groundwork import Groundwork
from planning.qualifying import statuses_by_bounds
from planning.route_pieces import piece_book
from planning.screening_sites import Sites

# No way is longer.
_LONGER_THAN_ANY_M = 1e12


def bounded_statuses(
    work: Groundwork,
    demand: Demand,
    sites: Sites,
    chosen: IntArray,
    rank: IntArray,
    shortest_m: Callable[[IntArray], FloatArray],
) -> NDArray[Any]:
    """``statuses_by_bounds`` of some sites, whatever books they have.

    ``rank`` is that of their cheapest routes; ``shortest_m`` tells for some of the sites metres
    that no way to them undercuts, and is asked only for those whose status hangs on it.
    Sites of which everything is the same that no route can change share their bounds.
    """
    utility = demand.pipe.utility
    status = np.full(len(chosen), None, object)
    kind = sites.kinds(utility)[chosen]
    shut_in = np.zeros(len(chosen), bool)
    groups = []
    for one in np.unique(kind).tolist():
        at = np.flatnonzero(kind == one)
        book = piece_book(work, demand, work.site(sites.cases[int(chosen[at[0]])]))
        if book.city_road_bars:
            shut_in[at] = _shut_in(work, utility, sites, chosen[at])
        near = partial(sites.spared_in_reach, chosen[at])
        low, high = (
            statuses_by_bounds(book, shut_in[at], rank[at], np.full(len(at), metres), near)
            for metres in (0.0, _LONGER_THAN_ANY_M)
        )
        status[at] = low
        groups.append((book, at[low != high]))
    asked = np.sort(np.concatenate([*(at for _, at in groups), np.zeros(0, np.int64)]))
    if len(asked):
        metres = np.zeros(len(chosen))
        metres[asked] = shortest_m(chosen[asked])
        for book, at in groups:
            near = partial(sites.spared_in_reach, chosen[at])
            status[at] = statuses_by_bounds(book, shut_in[at], rank[at], metres[at], near)
    return status


def _shut_in(work: Groundwork, utility: str, sites: Sites, chosen: IntArray) -> NDArray[np.bool_]:
    """Whether every last step to a site is known to touch a city road."""
    starts, nodes = sites.ends_of(chosen)
    inside = in_city_roads(work, utility, nodes)
    outside = np.r_[0, np.cumsum(~inside)]
    return np.asarray(np.diff(outside[starts]) == 0)

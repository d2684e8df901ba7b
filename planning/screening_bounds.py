"""Screening, bounds: for many sites at once whether a route that qualifies can be left."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from planning.application import Demand
from planning.groundwork import Groundwork
from planning.qualifying import statuses_by_bounds
from planning.route_pieces import in_city_roads, piece_book
from planning.screening_sites import Sites


def bounded_statuses(
    work: Groundwork,
    demand: Demand,
    sites: Sites,
    chosen: IntArray,
    rank: IntArray,
    shortest_m: FloatArray,
) -> NDArray[Any]:
    """``status_by_bounds`` of some sites, as an array of texts and None.

    ``rank`` is that of their cheapest routes; no way to them is shorter than ``shortest_m``.
    Sites of which everything is the same that no route can change share their bounds.
    """
    utility = demand.pipe.utility
    status = np.full(len(chosen), None, object)
    kind = sites.kinds(utility)[chosen]
    shut_in = np.zeros(len(chosen), bool)
    for one in np.unique(kind).tolist():
        at = np.flatnonzero(kind == one)
        site = work.site(sites.cases[int(chosen[at[0]])])
        book = piece_book(work, demand, site)
        if book.city_road_bars:
            shut_in[at] = _shut_in(work, utility, sites, chosen[at])
        status[at] = statuses_by_bounds(book, shut_in[at], rank[at], shortest_m[at])
    return status


def _shut_in(work: Groundwork, utility: str, sites: Sites, chosen: IntArray) -> NDArray[np.bool_]:
    """Whether every last step to a site is known to touch a city road."""
    starts, nodes = sites.ends_of(chosen)
    inside = in_city_roads(work, utility, nodes)
    outside = np.r_[0, np.cumsum(~inside)]
    return np.asarray(np.diff(outside[starts]) == 0)

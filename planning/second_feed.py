"""Second feeds 双路供水、双电源: a second route from another source, apart from the first.

Another source is another main (``planning.sources``). Two feeds are searched, measured and judged
together (``planning.feed_pairs``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planning.application import MOST_FEEDS, Demand
from planning.both_feeds import BothFeeds, both_feeds
from planning.feed_pairs import FeedPairs, NoPair
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route
from planning.sources import source_numbers


@dataclass(frozen=True)
class SecondFeed:
    """The second route, or why there is none.

    ``apart`` tells how far it keeps from the first: ``side``, ``edges`` or ``none``. ``reason``:
    ``no_other_source``, ``source_unknown`` (whether there is another hangs on a line that nodes
    do not say), ``disconnected``, or ``not_proven`` (the search gave up before it found a second or
    that there is none). ``both`` is what the first and it measure and come to
    together, None where there is no second; ``cheapest`` the
    cheapest pair, which may not qualify. ``proven``: beside a first that is given, that no second
    is better; of a pair ``qualifying`` of its line tells.
    """

    route: Route | None
    reason: str | None = None
    apart: str | None = None
    both: BothFeeds | None = None
    cheapest: BothFeeds | None = None
    proven: bool = True


def has_second_feed(demand: Demand) -> bool:
    """Whether a second feed is looked for."""
    return demand.feeds == MOST_FEEDS


def second_of(pairs: FeedPairs) -> SecondFeed:
    """The second feed that is recommended."""
    both = pairs.recommended
    return SecondFeed(both.routes[1], None, pairs.recommended_apart, both, pairs.cheapest)


def no_second(ground: Groundwork, demand: Demand, none: NoPair) -> SecondFeed:
    """Why a line that wants two feeds has no second."""
    usable = np.isfinite(ground.search(demand.pipe, "cheapest").tie_in_weights)
    sources = source_numbers(ground, demand)[usable]
    if (sources < 0).any():
        return SecondFeed(None, "source_unknown")
    alone = len(np.unique(sources)) < MOST_FEEDS
    if alone:
        return SecondFeed(None, "no_other_source")
    return SecondFeed(None, "disconnected" if none.proven else "not_proven", proven=none.proven)


def of_other_source(work: Groundwork, demand: Demand, second: Route) -> NDArray[np.bool_]:
    """Which ways to tie-ins are known to draw from another main than a second feed does."""
    sources = source_numbers(work, demand)
    return np.asarray((sources >= 0) & (sources != sources[second.way.tie_in]))


def with_second(
    work: Groundwork,
    demand: Demand,
    site: Site,
    route: Route,
    found: SecondFeed,
) -> BothFeeds | None:
    """Another first route with the second feed; None where both would be of one main, or where a
    duct has no holes for both.
    """
    second = found.route
    if second is None or not of_other_source(work, demand, second)[route.way.tie_in]:
        return None
    shared = set(route.way.edges) & set(second.way.edges)
    if len(work.corridors.carriers.filled_by(demand.pipe, shared)):
        return None
    return both_feeds(work, demand, site, route, second)

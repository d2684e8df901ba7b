"""Second feeds 双路供水、双电源: a second route from another source, apart from the first.

Another source is another main (``planning.sources``). Two feeds are searched, measured and judged
together (``planning.feed_pairs``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planning.application import Demand
from planning.both_feeds import BothFeeds, both_feeds
from planning.feed_pairs import FeedPairs, feed_pairs
from planning.gravity import runs_by_gravity
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route
from planning.qualifying import judge_ways
from planning.sources import source_numbers

# So many feeds are judged together; of more the first two are routed.
JUDGED = 2


@dataclass(frozen=True)
class SecondFeed:
    """The second route, or why there is none.

    ``apart`` tells how far it keeps from the first: ``side``, ``edges`` or ``none``. ``reason``:
    ``no_other_source``, ``source_unknown`` (whether there is another hangs on a line that nodes
    do not say) or ``disconnected``. ``both`` is what the first and it measure and come to
    together, None where there is no second or more than two are asked for; ``cheapest`` the
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
    """Whether a second feed is looked for: more than one is wanted, and it is no gravity line."""
    return (demand.feeds or 1) > 1 and not runs_by_gravity(demand.pipe.utility)


def pair_of_feeds(
    ground: Groundwork, demand: Demand, site: Site, known: Mapping[str, Route]
) -> FeedPairs | None:
    """The pairs of feeds of a line that wants more than one; None where there is no pair.

    ``ground`` is what the single routes ``known`` were searched on. Of more feeds than two the
    pair is that of a line that wants two.
    """
    return feed_pairs(ground, replace(demand, feeds=JUDGED), site, known)


def second_of(
    ground: Groundwork, demand: Demand, site: Site, pairs: FeedPairs
) -> tuple[Route, SecondFeed]:
    """The first and the second feed that are recommended."""
    both, apart = pairs.recommended, pairs.apart_of(pairs.recommended)
    if demand.feeds == JUDGED:
        return both.routes[0], SecondFeed(both.routes[1], None, apart, both, pairs.cheapest)
    ways, bored = zip(*((one.way, one.bored) for one in pairs.cheapest.routes), strict=True)
    first, second = judge_ways(ground, demand, [site, site], ways, bored)
    return first, SecondFeed(second, None, pairs.apart_of(pairs.cheapest))


def no_second(ground: Groundwork, demand: Demand) -> SecondFeed:
    """Why a line that wants more than one feed has no second."""
    usable = np.isfinite(ground.search(demand.pipe, "cheapest").tie_in_weights)
    sources = source_numbers(ground, demand)[usable]
    if (sources < 0).any():
        return SecondFeed(None, "source_unknown")
    alone = len(np.unique(sources)) < JUDGED
    return SecondFeed(None, "no_other_source" if alone else "disconnected")


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
    *,
    surveyed: bool = True,
) -> BothFeeds | None:
    """Another first route with the second feed; None where both would be of one main."""
    second = found.route
    if second is None or not of_other_source(work, demand, second)[route.way.tie_in]:
        return None
    return both_feeds(work, demand, site, route, second, surveyed=surveyed)

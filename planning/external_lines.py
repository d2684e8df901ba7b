"""External lines 外线: routes, measures and verdicts of one utility for one site or for many.

The finder differs (a neighbourhood for one parcel, a forest for all), everything after it is the
same code: trace the ways, measure, collect facts, judge, recommend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import shapely

from planning.application import Application, Demand
from planning.both_feeds import BothFeeds
from planning.feed_pairs import FeedPairs, NoPair, feed_pairs
from planning.gravity_ways import NoFall, keeping_fall, why_no_fall
from planning.groundwork import Groundwork, Site
from planning.judged_routes import (
    Answer,
    Route,
    answered_together,
    judge_routes,
    site_facts,
    working_strips,
)
from planning.narrow_slots import NarrowSlot
from planning.no_dig import OPEN, Closed, solve_around
from planning.qualifying import Qualifying, cheapest_for_all
from planning.route_effects import tell_together
from planning.routes import (
    OBJECTIVES,
    Neighbourhood,
    Search,
    Way,
    best_way,
    best_ways,
    trace,
)
from planning.second_feed import SecondFeed, has_second_feed, no_second, second_of
from planning.verdicts import Verdict, judge

# The reason of a line whose demand cannot be meant: a negative size, a text for a number.
IMPOSSIBLE = "impossible_demand"

Finder = Callable[[Search, Sequence[Site]], Mapping[str, Way]]


@dataclass(frozen=True)
class ExternalLine:
    """What was found for one utility of one site.

    ``status`` is routed, unroutable or not_requested; ``reason`` says why it is unroutable;
    ``routes`` by kind, cheapest, shortest and, where it is not the cheapest, qualifying;
    ``recommended`` is the kind of the recommended route, the cheapest that qualifies or else the
    cheapest; ``qualifying`` the search for it;
    ``not_covered`` the verdict of an unroutable line that the plan does not cover at all;
    ``no_dig`` the no-dig areas that bar its way; ``closed`` what its search kept clear of;
    ``narrow`` the slots that its trench does not fit and that bar its way;
    ``no_fall`` where no way keeps the fall or the cover of a gravity line; ``second`` the second
    feed beside the recommended route, where more than one is wanted.
    """

    utility: str
    status: str
    demand: Demand | None = None
    reason: str | None = None
    gap_m: float | None = None
    routes: Mapping[str, Route] = field(default_factory=dict)
    recommended: str | None = None
    assumed: tuple[str, ...] = ()
    not_covered: Verdict | None = None
    qualifying: Qualifying | None = None
    no_dig: tuple[str, ...] = ()
    narrow: tuple[NarrowSlot, ...] = ()
    closed: Closed = OPEN
    no_fall: NoFall | None = None
    second: SecondFeed | None = None

    @property
    def route(self) -> Route | None:
        """The recommended route."""
        return self.routes[self.recommended] if self.recommended else None

    def recommending(self, route: Route) -> ExternalLine:
        """The same line of one route with that told anew; two feeds are judged by themselves."""
        assert self.recommended is not None
        assert self.both is None
        before, found = self.route, self.qualifying
        if found is not None and found.route is before:
            found = replace(found, route=route)
        if found is not None and found.possible is before:
            found = replace(found, possible=route)
        routes = {**self.routes, self.recommended: route}
        return replace(self, routes=routes, qualifying=found)

    @property
    def both(self) -> BothFeeds | None:
        """The recommended route and the second feed as one work, where two are wanted."""
        return None if self.second is None else self.second.both

    @property
    def judged(self) -> Route | BothFeeds | None:
        """What is measured and judged for the line: its two feeds, or else its one route."""
        return self.both or self.route

    @property
    def feeds(self) -> tuple[Route, ...]:
        """The routes that are measured and judged: both of two feeds, or the one; none without."""
        if self.both is not None:
            return self.both.routes
        return () if self.route is None else (self.route,)

    @property
    def course(self) -> shapely.LineString | shapely.MultiLineString | None:
        """Where what is judged lies: a line from tie-in to red line, for two feeds one of each."""
        lines = [route.line for route in self.feeds]
        return shapely.MultiLineString(lines) if len(lines) > 1 else next(iter(lines), None)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on what is recommended; without a route only that it is not covered."""
        return self.judged.verdict if self.judged else self.not_covered

    @property
    def answer(self) -> Answer | Verdict | None:
        """What of the verdict a screening tells."""
        return self.judged.answer if self.judged else self.not_covered

    @property
    def qualifying_route(self) -> str | None:
        """found, none, open or not_proven; None where there is no route at all.

        Of two feeds it tells whether a pair of them qualifies.
        """
        return None if self.qualifying is None else self.qualifying.status


def nearby_finder() -> Finder:
    """A finder that looks up the neighbourhood of a site once for all searches."""
    around: dict[str, Neighbourhood] = {}

    def find(search: Search, sites: Sequence[Site]) -> dict[str, Way]:
        for site in sites:
            around.setdefault(site.key, Neighbourhood(search.corridors, site.end_nodes))
        found = {site.key: best_way(search, site.end_nodes, around[site.key]) for site in sites}
        return {key: way for key, way in found.items() if way is not None}

    return find


def all_by_forest(search: Search, sites: Sequence[Site]) -> dict[str, Way]:
    """Find the ways of all sites by one forest."""
    return best_ways(search, {site.key: site.end_nodes for site in sites})


def lines_of_site(work: Groundwork, site: Site) -> dict[str, ExternalLine]:
    """Solve all demands of one site, by utility; how sure their verdicts are is told together."""
    find = nearby_finder()
    lines = {
        utility: external_lines(work, demand, [site], find)[site.key]
        for utility, demand in site.application.demands.items()
    }
    tell_together(line.judged.judging.exactness for line in lines.values() if line.judged)
    return lines


def external_lines(
    work: Groundwork,
    demand: Demand,
    sites: Sequence[Site],
    find: Finder,
    *,
    answered: bool = False,
) -> dict[str, ExternalLine]:
    """Solve one demand for many sites on their days; every site gets an answer, by its key.

    ``answered``: the recommended routes of all are judged together, in one table.
    """
    return solve_around(
        work, sites, lambda ground, some: _solve(ground, demand, some, find, answered)
    )


def _solve(
    work: Groundwork,
    demand: Demand,
    sites: Sequence[Site],
    find: Finder,
    answered: bool,
) -> dict[str, ExternalLine]:
    """Solve one demand for many sites on the same ground."""
    searches = {o: work.search(demand.pipe, o) for o in OBJECTIVES}
    ways = {o: find(search, sites) for o, search in searches.items()}
    found = keeping_fall(work, demand, sites, ways)
    judged = _judged_once(work, demand, sites, found)
    routes = judged.by_site(found)
    pairs = _paired(work, demand, [site for site in sites if site.key in routes], routes)
    paired = {
        key: _recommend_pair(work, demand, routes[key], found)
        for key, found in pairs.items()
        if isinstance(found, FeedPairs)
    }
    alone = {
        key: no_second(work, demand, found)
        for key, found in pairs.items()
        if isinstance(found, NoPair)
    }
    routed = [site for site in sites if site.key in routes and site.key not in paired]
    best = cheapest_for_all(work, demand, routed, [routes[site.key] for site in routed])
    qualifying = {site.key: answer for site, answer in zip(routed, best, strict=True)}
    recommended = paired | {
        site.key: replace(
            _recommend(work, demand, routes[site.key], qualifying[site.key]),
            second=alone.get(site.key),
        )
        for site in routed
    }
    if answered:
        recommended = _answered(work, demand, sites, recommended)
    return {
        site.key: recommended[site.key]
        if site.key in routes
        else _unroutable(work, demand, site, ways["shortest"].get(site.key))
        for site in sites
    }


@dataclass(frozen=True)
class _Judged:
    """Routes of sites, judged: each pair of a site and a way once."""

    sites: Sequence[Site]
    ways: Sequence[Way]
    routes: Sequence[Route]

    def by_site(self, found: Mapping[str, Mapping[str, Way]]) -> dict[str, dict[str, Route]]:
        """Routes by site and objective; where the cheapest way is the shortest, one is both."""
        keys = [site.key for site in self.sites]
        route_of = dict(zip(zip(keys, self.ways, strict=True), self.routes, strict=True))
        return {
            key: {objective: route_of[key, ways[key]] for objective, ways in found.items()}
            for key in found[OBJECTIVES[0]]
        }


def _judged_once(
    work: Groundwork,
    demand: Demand,
    sites: Sequence[Site],
    found: Mapping[str, Mapping[str, Way]],
) -> _Judged:
    """The ways of sites, traced and judged."""
    by_key = {site.key: site for site in sites}
    pairs = list(dict.fromkeys(pair for ways in found.values() for pair in ways.items()))
    routes = trace(
        work.corridors,
        work.tie_ins(demand.pipe.utility),
        [way for _, way in pairs],
        work.methods(demand.pipe, all_bores=False).bored,
    )
    working = working_strips(work, demand, routes)
    mine = [by_key[key] for key, _ in pairs]
    judged = judge_routes(work, demand, mine, routes, working)
    return _Judged(mine, [way for _, way in pairs], judged)


def _answered(
    work: Groundwork, demand: Demand, sites: Sequence[Site], lines: Mapping[str, ExternalLine]
) -> dict[str, ExternalLine]:
    """Lines of many sites with the answers of their recommended routes, judged in one table."""
    single = {key: line.route for key, line in lines.items() if line.both is None and line.route}
    mine = [site for site in sites if site.key in single]
    routes = answered_together(work, demand, mine, [single[site.key] for site in mine])
    answers = {site.key: route for site, route in zip(mine, routes, strict=True)}
    return {
        key: line.recommending(answers[key]) if key in answers else line
        for key, line in lines.items()
    }


def _recommend(
    work: Groundwork, demand: Demand, routes: Mapping[str, Route], found: Qualifying
) -> ExternalLine:
    """The cheapest route that qualifies; if none does, the cheapest."""
    recommended = "cheapest"
    if found.route is not None and found.route is not routes["cheapest"]:
        recommended, routes = "qualifying", {**routes, "qualifying": found.route}
    return ExternalLine(
        demand.pipe.utility,
        "routed",
        demand,
        routes=routes,
        recommended=recommended,
        assumed=work.rates(demand.pipe).assumed,
        qualifying=found,
        closed=work.closed,
    )


def _paired(
    work: Groundwork,
    demand: Demand,
    sites: Sequence[Site],
    routes: Mapping[str, Mapping[str, Route]],
) -> dict[str, FeedPairs | NoPair]:
    """The pairs of sites whose line wants two feeds, or that there are none."""
    if not has_second_feed(demand):
        return {}
    return {site.key: feed_pairs(work, demand, site, routes[site.key]) for site in sites}


def _recommend_pair(
    work: Groundwork, demand: Demand, routes: Mapping[str, Route], pairs: FeedPairs
) -> ExternalLine:
    """The cheapest pair of feeds that qualifies; if none does, the cheapest pair."""
    chosen = "cheapest" if pairs.recommended is pairs.cheapest else "qualifying"
    routes = {
        **routes,
        "cheapest": pairs.cheapest.routes[0],
        chosen: pairs.recommended.routes[0],
    }
    return ExternalLine(
        demand.pipe.utility,
        "routed",
        demand,
        routes=routes,
        recommended=chosen,
        assumed=work.rates(demand.pipe).assumed,
        qualifying=pairs.answer,
        closed=work.closed,
        second=second_of(pairs),
    )


def not_planned(application: Application, utility: str) -> ExternalLine:
    """A line that the application does not ask for, or in a way that cannot be meant."""
    if utility in application.impossible:
        return ExternalLine(utility, "unroutable", reason=IMPOSSIBLE)
    return ExternalLine(utility, "not_requested")


def no_network(work: Groundwork, demand: Demand) -> str | None:
    """Why nothing of the utility can be joined, wherever a site is; None if something can."""
    tie_ins = work.tie_ins(demand.pipe.utility)
    if not tie_ins.imported:
        return "no_network_imported"
    if len(tie_ins.network) == 0 or len(tie_ins.lines) == 0:
        return "no_tie_in"
    return None if work.usable_tie_ins(demand.pipe).any() else "no_size_match"


def _unroutable(
    work: Groundwork, demand: Demand, site: Site, without_fall: Way | None
) -> ExternalLine:
    """Why no way was found, and the gap where a distance is the reason.

    ``without_fall`` is the shortest way, which does not keep the fall of the line.
    """
    snap, gap, no_fall = work.policy.planning.max_snap_m, None, None
    reason = no_network(work, demand)
    if reason is None and len(site.end_nodes) == 0 and site.gap_m > snap:
        reason, gap = "gap_too_wide", site.gap_m
    if without_fall is not None:
        no_fall = why_no_fall(work, demand, site, without_fall)
        reason = no_fall.reason
    return ExternalLine(
        demand.pipe.utility,
        "unroutable",
        demand,
        reason or "disconnected",
        gap,
        not_covered=_not_covered(work, site, demand.pipe.utility),
        no_fall=no_fall,
    )


def _not_covered(work: Groundwork, site: Site, utility: str) -> Verdict | None:
    """That the plan does not cover the work is the only verdict that needs no route."""
    verdict = judge(utility, {}, site_facts(work, site, utility), work.policy, mode="plan")
    return verdict if verdict.outcome == "not_covered" else None

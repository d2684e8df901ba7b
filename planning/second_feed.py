"""Second feeds 双路供水、双电源: a second route from another source, apart from the first.

Another source is another main by its id; of nodes, another main that they stand on: two ring main
units on one line are one source, and a unit that does not say its line is of no known source. The
second route is the cheapest that keeps off the street sides of the first; where none does, the
cheapest that keeps off its edges; where none does either, the cheapest at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from planning.application import Demand
from planning.both_feeds import BESIDE_M, BothFeeds, both_feeds
from planning.gravity import runs_by_gravity
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route, judge_routes, working_strips
from planning.lanes import ALONG_STREETS
from planning.routes import Neighbourhood, Search, Way, best_way, trace

# What runs along a route leaves it within so many metres.
_LEAVING_M = 1.0


@dataclass(frozen=True)
class SecondFeed:
    """The second route, or why there is none.

    ``apart`` tells how far it keeps from the first: ``side``, ``edges`` or ``none``. ``reason``:
    ``no_other_source``, ``source_unknown`` (whether there is another hangs on a line that nodes
    do not say) or ``disconnected``. ``both`` is what the first and it measure and come to
    together, None where there is no second or more than two are asked for.
    """

    route: Route | None
    reason: str | None = None
    apart: str | None = None
    both: BothFeeds | None = None


def has_second_feed(demand: Demand) -> bool:
    """Whether a second feed is looked for: more than one is wanted, and it is no gravity line."""
    return (demand.feeds or 1) > 1 and not runs_by_gravity(demand.pipe.utility)


def second_feed(ground: Groundwork, demand: Demand, site: Site, first: Route) -> SecondFeed | None:
    """The second feed of a line whose first is routed; None where one is enough.

    ``ground`` is what the first was searched on. Further feeds than the second are not routed.
    """
    if not has_second_feed(demand):
        return None
    search = ground.search(demand.pipe, "cheapest")
    sources = _sources(ground, search.tie_ins.table)
    usable = np.isfinite(search.tie_in_weights)
    own = sources[first.way.tie_in]
    other = usable & ~sources.isna().to_numpy() & (sources != own).to_numpy()
    if own is None or not other.any():
        unknown = own is None or bool(sources[usable].isna().any())
        return SecondFeed(None, "source_unknown" if unknown else "no_other_source")
    told = replace(search, tie_in_weights=np.where(other, search.tie_in_weights, np.inf))
    found = _apart(ground, demand, site, told, first)
    if found.route is None and bool(sources[usable].isna().any()):
        return SecondFeed(None, "source_unknown")
    return found


def _sources(work: Groundwork, table: pd.DataFrame) -> pd.Series:
    """The main that each tie-in way draws from, by its id; None where a node does not say."""
    nodes = work.survey.get("nodes")
    is_node = (table["kind"] == "node").to_numpy()
    found = table["feature_id"].astype(object).copy()
    if nodes is not None and is_node.any():
        mains = nodes["line_id"].reindex(table.loc[is_node, "feature_id"])
        found[is_node] = mains.where(mains.notna(), None).to_numpy(object)
    return found


def _apart(
    work: Groundwork, demand: Demand, site: Site, search: Search, first: Route
) -> SecondFeed:
    """The cheapest way over what the first leaves, more of it each time that there is none."""
    around = Neighbourhood(search.corridors, site.end_nodes)
    along = _along(search, first)
    for apart, edges in _taken(work, first).items():
        kept_off = replace(
            search,
            edge_weights=np.where(edges, np.inf, search.edge_weights),
            tie_in_weights=np.where(along & (apart != "none"), np.inf, search.tie_in_weights),
        )
        way = best_way(kept_off, site.end_nodes, around)
        if way is not None:
            route = _judged(work, demand, site, way)
            both = both_feeds(work, demand, site, first, route)
            return SecondFeed(route, apart=apart, both=both)
    return SecondFeed(None, "disconnected")


def _taken(work: Groundwork, first: Route) -> dict[str, NDArray[np.bool_]]:
    """Edges to keep off: all along the street sides of the first, those that it uses, none.

    The last steps to the red line may be the same.
    """
    graph = work.corridors.graph
    none, own = np.zeros(graph.edge_count, bool), np.zeros(graph.edge_count, bool)
    own[list(first.way.edges)] = True
    own &= ~work.corridors.is_connector  # a single gate leaves no other
    table = graph.measures
    strip = table["kind"].isin(ALONG_STREETS).to_numpy(bool)
    sides = pd.MultiIndex.from_frame(table[["road", "side"]])
    beside = strip & sides.isin(sides[own & strip])
    return {"side": beside | own, "edges": own, "none": none}


def _along(search: Search, first: Route) -> NDArray[np.bool_]:
    """Which ways to tie-ins run along the first route for more than they take to leave it."""
    found = np.zeros(len(search.tie_in_weights), bool)
    lines, beside = search.tie_ins.lines, first.line.buffer(BESIDE_M)
    near = shapely.STRtree(lines).query(beside, predicate="intersects")
    shared_m = shapely.length(shapely.intersection(lines[near], beside))
    found[near] = shared_m > _LEAVING_M
    return found


def _judged(work: Groundwork, demand: Demand, site: Site, way: Way) -> Route:
    tie_ins = work.tie_ins(demand.pipe.utility)
    routes = trace(work.corridors, tie_ins, [way], work.methods(demand.pipe).bored)
    working = working_strips(work, demand, routes)
    return judge_routes(work, demand, [site], routes, working)[0]

"""External lines 外线: routes, measures and verdicts of one utility for one site or for many.

The finder differs (networkx for one parcel, a forest for all), everything after it is the same
code: trace the ways, measure, collect facts, judge, recommend.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray
from gis.overlay import area_inside_union, strips
from planning.application import Demand
from planning.facts import Dug, application_facts, roads_dug, route_facts, trees_in
from planning.groundwork import Groundwork, Site
from planning.measures import Figures, measure_all
from planning.routes import (
    OBJECTIVES,
    Neighbourhood,
    Routes,
    Search,
    Way,
    best_way,
    best_ways,
    costs,
    trace,
)
from planning.verdict_tables import judge_table
from planning.verdicts import Verdict, judge

# Verdict inputs that a demand tells: assumed where the demand is the usual one of a land use.
_FROM_DEMAND = ("max_dn_mm", "duct_holes", "duct_outer_diameter_mm", "subject_kind")
# Verdict inputs that hang on where the strip lies: the default width of a road moves it.
_FROM_PLACE = (
    "pipe_length_m",
    "construction_length_m",
    "line_length_m",
    "green_affected_m2",
    "green_temporary_m2",
)
QUALIFYING = ("commitment", "commitment_filing", "not_required")

# A table costs about as much as twenty single verdicts.
_TABLE_PAYS = 20

Finder = Callable[[Search, Sequence[Site]], Mapping[str, Way]]


class Answer(NamedTuple):
    """What of a verdict a screening tells."""

    outcome: str
    clause: str | None
    certainty: str
    otherwise: str | None


@dataclass(frozen=True)
class Route:
    """One route of one utility with everything measured of it, and its verdict.

    ``roads`` are those it digs up or may dig up, ``strip`` is its working strip. ``judging``
    gives the verdict when it is first asked for; ``screened`` is its answer where many routes
    were judged in one table.
    """

    way: Way
    line: shapely.LineString
    strip: shapely.Polygon | None
    figures: Mapping[str, float]
    crossings: pd.DataFrame
    measures: Mapping[str, float | None]
    facts: Mapping[str, Any]
    roads: Dug
    judging: Callable[[], Verdict]
    screened: Answer | None = None

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict with its findings."""
        return self.judging()

    @property
    def answer(self) -> Answer | Verdict:
        """Outcome, clause, certainty and otherwise of the verdict."""
        return self.screened or self.verdict

    @property
    def rank(self) -> int:
        """0 qualifies, 1 may qualify once the unknown is known, 2 does not."""
        if self.answer.outcome in QUALIFYING:
            return 0
        return 1 if self.answer.otherwise in QUALIFYING else 2


@dataclass(frozen=True)
class ExternalLine:
    """What was found for one utility of one site.

    ``status`` is routed, unroutable or not_requested; ``reason`` says why it is unroutable;
    ``routes`` by objective; ``recommended`` the objective of the recommended route;
    ``not_covered`` the verdict of an unroutable line that the plan does not cover at all.
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

    @property
    def route(self) -> Route | None:
        """The recommended route."""
        return self.routes[self.recommended] if self.recommended else None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on the recommended route; without a route only that it is not covered."""
        return self.route.verdict if self.route else self.not_covered

    @property
    def answer(self) -> Answer | Verdict | None:
        """What of the verdict a screening tells."""
        return self.route.answer if self.route else self.not_covered

    @property
    def qualifying_route(self) -> str | None:
        """'found', or 'not_searched': only the cheapest and the shortest were tried."""
        if self.route is None:
            return None
        return "found" if self.route.rank == 0 else "not_searched"


def networkx_finder() -> Finder:
    """A finder on networkx graphs that builds the neighbourhood of a site once for all searches."""
    around: dict[str, Neighbourhood] = {}

    def find(search: Search, sites: Sequence[Site]) -> dict[str, Way]:
        for site in sites:
            around.setdefault(site.key, Neighbourhood(search.corridors, site.end_nodes))
        found = {site.key: best_way(search, site.end_nodes, around[site.key]) for site in sites}
        return {key: way for key, way in found.items() if way is not None}

    return find


def one_by_networkx(search: Search, sites: Sequence[Site]) -> Mapping[str, Way]:
    """Find ways on networkx graphs, one neighbourhood for each site."""
    return networkx_finder()(search, sites)


def all_by_forest(search: Search, sites: Sequence[Site]) -> dict[str, Way]:
    """Find the ways of all sites by one forest."""
    ends = pd.DataFrame(
        [(site.key, node) for site in sites for node in site.end_nodes], columns=["site", "node"]
    )
    return dict(best_ways(search, ends))


def external_lines(
    work: Groundwork, demand: Demand, sites: Sequence[Site], find: Finder
) -> dict[str, ExternalLine]:
    """Solve one demand for many sites; every site gets an answer, by its key."""
    rates = work.rates(demand.pipe)
    searches = {o: work.search(demand.pipe, o) for o in OBJECTIVES}
    found = {o: find(search, sites) for o, search in searches.items()}
    usable = np.isfinite(searches["shortest"].tie_in_weights)
    routes = _judged_once(work, demand, sites, found)
    return {
        site.key: _recommend(demand, routes[site.key], rates.assumed)
        if site.key in routes
        else _unroutable(work, demand, site, bool(usable.any()))
        for site in sites
    }


def _judged_once(
    work: Groundwork,
    demand: Demand,
    sites: Sequence[Site],
    found: Mapping[str, Mapping[str, Way]],
) -> dict[str, dict[str, Route]]:
    """Routes by site and objective; where the cheapest way is the shortest, one route is both."""
    by_key = {site.key: site for site in sites}
    pairs = list(dict.fromkeys(pair for ways in found.values() for pair in ways.items()))
    if not pairs:
        return {}
    routes = trace(work.corridors, work.tie_ins(demand.pipe.utility), [way for _, way in pairs])
    working = working_strips(work, demand, routes)
    judged = judge_routes(work, demand, [by_key[key] for key, _ in pairs], routes, working)
    route_of = dict(zip(pairs, judged, strict=True))
    return {
        key: {objective: route_of[key, ways[key]] for objective, ways in found.items()}
        for key in found[OBJECTIVES[0]]
    }


def _recommend(
    demand: Demand, routes: Mapping[str, Route], assumed: tuple[str, ...]
) -> ExternalLine:
    """The cheaper of the routes that qualify; if none does, the cheapest."""
    best = min(OBJECTIVES, key=lambda o: (routes[o].rank, routes[o].figures["cost_yuan"]))
    return ExternalLine(
        demand.pipe.utility,
        "routed",
        demand,
        routes=routes,
        recommended=best,
        assumed=assumed,
    )


def _unroutable(work: Groundwork, demand: Demand, site: Site, any_fits: bool) -> ExternalLine:
    """Why no way was found, and the gap where a distance is the reason."""
    tie_ins = work.tie_ins(demand.pipe.utility)
    snap, gap = work.policy.planning.max_snap_m, None
    if not tie_ins.imported:
        reason = "no_network_imported"
    elif tie_ins.features.empty:
        reason = "no_tie_in"
    elif not any_fits:
        reason = "no_size_match" if len(tie_ins.table) else "no_tie_in"
    elif len(site.end_nodes) == 0 and site.gap_m > snap:
        reason, gap = "gap_too_wide", site.gap_m
    else:
        reason = "disconnected"
    return ExternalLine(
        demand.pipe.utility,
        "unroutable",
        demand,
        reason,
        gap,
        not_covered=_not_covered(work, site, demand.pipe.utility),
    )


def _not_covered(work: Groundwork, site: Site, utility: str) -> Verdict | None:
    """That the plan does not cover the work is the only verdict that needs no route."""
    verdict = judge(utility, {}, _site_facts(work, site, utility), work.policy, mode="plan")
    return verdict if verdict.outcome == "not_covered" else None


def _site_facts(work: Groundwork, site: Site, utility: str) -> dict[str, Any]:
    return {
        **application_facts(site.application, utility),
        "in_service_area": work.ground.in_service_area(site.place, utility),
    }


def working_strips(work: Groundwork, demand: Demand, routes: Routes) -> NDArray[Any]:
    """Working strips of lines that lie alone: trench width and a margin on both sides.

    None for every route where the width of the trench is unknown.
    """
    width = work.rates(demand.pipe).width_m
    if width is None:
        return np.full(len(routes.lines), None, object)
    margin = work.policy.planning.work_margin_m
    return strips(routes.lines, np.full(len(routes.lines), width + 2 * margin))


def judge_routes(
    work: Groundwork,
    demand: Demand,
    sites: Sequence[Site],
    routes: Routes,
    working: NDArray[Any],
) -> list[Route]:
    """Measure and judge traced routes of one demand with their working strips, in order."""
    utility = demand.pipe.utility
    figures = figures_of(work, demand, routes, working)
    measures = measure_all(utility, figures)
    roads = roads_dug(work.ground, routes, working)
    dates = [site.application.dig_date for site in sites]
    facts = route_facts(work.ground, demand, routes, working, roads, dates)
    cost = costs(work.corridors, routes.table, _by_route(routes), work.rates(demand.pipe).yuan_m)
    measured = routes.table.astype(float).to_dict("records")
    crossing_at = np.searchsorted(routes.crossings["route"], np.arange(len(sites) + 1)).tolist()
    own = [
        {name: _known(values[number]) for name, values in measures.items()}
        for number in range(len(sites))
    ]
    known = [
        {**told, **_site_facts(work, site, utility)}
        for told, site in zip(facts, sites, strict=True)
    ]
    assumed = work.corridors.surfaces.table["width_assumed"].to_numpy(bool)
    unverified = [
        _unverified(site, bool(assumed[list(dug)].any()))
        for site, dug in zip(sites, roads, strict=True)
    ]
    screened = _screened(work, utility, unverified, own, known)
    judged = []
    for number in range(len(sites)):
        judged.append(
            Route(
                routes.ways[number],
                routes.lines[number],
                working[number],
                {
                    **{str(name): value for name, value in measured[number].items()},
                    "city_kerb_m": float(figures.kerb_m[number]),
                    "city_red_line_m": float(figures.red_line_m[number]),
                    "green_m2": float(figures.green_m2[number]),
                    "cost_yuan": float(cost[number]),
                },
                routes.crossings.iloc[crossing_at[number] : crossing_at[number + 1]],
                own[number],
                known[number],
                roads[number],
                partial(
                    judge,
                    utility,
                    own[number],
                    known[number],
                    work.policy,
                    mode="plan",
                    unverified=unverified[number],
                ),
                screened[number],
            )
        )
    return judged


def _unverified(site: Site, beside_assumed_width: bool) -> tuple[str, ...]:
    """What rests on the default demand of a land use, or on a strip beside an assumed width."""
    demand = _FROM_DEMAND if site.application.source == "default_demand" else ()
    return demand + (_FROM_PLACE if beside_assumed_width else ())


def _screened(
    work: Groundwork,
    utility: str,
    unverified: Sequence[tuple[str, ...]],
    measures: Sequence[Mapping[str, float | None]],
    facts: Sequence[Mapping[str, Any]],
) -> list[Answer | None]:
    """Answers of many routes by tables; none for a few, whose verdicts are soon asked for."""
    answers: list[Answer | None] = [None] * len(unverified)
    if len(unverified) < _TABLE_PAYS:
        return answers
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, names in enumerate(unverified):
        groups[names].append(number)
    for names, numbers in groups.items():
        table = pd.DataFrame([{**measures[n], **facts[n]} for n in numbers])
        judged = judge_table(utility, table, work.policy, mode="plan", unverified=names)
        for number, row in zip(numbers, judged.itertuples(index=False), strict=True):
            answers[number] = Answer(*row)
    return answers


def figures_of(work: Groundwork, demand: Demand, routes: Routes, working: Any) -> Figures:
    """Figures of traced routes with their working strips (None where the width is unknown).

    What a route crosses of a road of assumed width is unknown.
    """
    count = len(routes.lines)
    crossings = routes.crossings
    city = np.array([c is not False for c in work.ground.is_city_road], bool)
    counted = crossings[city[crossings["road"].to_numpy(np.int64)]].copy()
    assumed = work.corridors.surfaces.table["width_assumed"].to_numpy(bool)
    unknown = assumed[counted["road"].to_numpy(np.int64)]
    counted.loc[unknown, ["kerb_m", "red_line_m"]] = np.nan
    longest = counted.groupby("route")["longest_m"].max().reindex(range(count), fill_value=0.0)
    longest[counted["route"][unknown]] = np.nan
    green = np.full(count, np.nan)
    known = ~shapely.is_missing(working)
    if work.survey.has("green"):
        green[known] = area_inside_union(working[known], work.corridors.green)
    return Figures(
        demand=demand,
        length_m=routes.table["length_m"].to_numpy(float),
        kerb_m=_sums(counted, "kerb_m", count),
        red_line_m=_sums(counted, "red_line_m", count),
        longest_kerb_m=longest.to_numpy(float),
        green_m2=green,
        trees=trees_in(work.ground, working),
    )


def _sums(crossings: pd.DataFrame, column: str, count: int) -> FloatArray:
    route, values = crossings["route"].to_numpy(np.int64), crossings[column].to_numpy(float)
    return np.bincount(route, values, minlength=count).astype(float)


def _by_route(routes: Routes) -> pd.DataFrame:
    """Crossings with the number of the line first, as ``costs`` expects them."""
    return routes.crossings[["route", "road", "kerb_m", "red_line_m"]]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

"""Manual routes 手绘路由: lines drawn by a person, measured and judged like computed ones.

The line need not follow corridors. Of a line that wants two feeds one may be drawn, and is judged
with the best other, or both, and are judged as a computed pair is: from two mains, as one work.
What cannot be brought to its places (``planning.drawn_fits``) is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import shapely

from layers.utilities import load_utilities
from planning.apart import Course, how_far_apart
from planning.application import MOST_FEEDS, Demand
from planning.both_feeds import BothFeeds, both_feeds
from planning.drawn_fits import Fitted, ManualRouteError, Move, Place, at_the_same_place, fitted
from planning.drawn_routes import DrawnRoute, in_force
from planning.drawn_ways import trace_drawn
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route, judge_routes, working_strips
from planning.partner_feed import partner_feed, preference
from planning.route_edges import ON_EDGE_M, edges_along
from planning.route_faults import Fault, faults_of
from planning.routes import DrawnWay
from planning.second_feed import SecondFeed, has_second_feed
from planning.sources import source_of
from planning.texts import gettext as _


@dataclass(frozen=True)
class DrawnFeed:
    """A drawn line that was judged, what was moved of it, and its faults."""

    drawn: DrawnRoute
    route: Route
    moves: tuple[Move, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class ManualRoute(DrawnFeed):
    """The drawn route of a utility; of two drawn feeds the first.

    ``second`` is the feed beside it where two are wanted, found or drawn too; both stand there in
    the order of the feeds. ``other`` tells of that feed where it is drawn.
    """

    second: SecondFeed | None = None
    other: DrawnFeed | None = None

    @property
    def judged(self) -> Route | BothFeeds:
        """What the verdict is on: the route with the other feed, or where there is none it alone.

        Of a line that wants two feeds one alone measures nothing that a clause counts.
        """
        return (self.second and self.second.both) or self.route

    @property
    def has_faults(self) -> bool:
        """Whether it, or the other feed where that is drawn too, lies where no line may lie."""
        return bool(self.faults or (self.other and self.other.faults))

    @property
    def number(self) -> int:
        """Where its own route stands among the two that are judged."""
        return self.drawn.feed - 1


@dataclass(frozen=True)
class RefusedRoute:
    """A drawn route that could not be judged, and why; with ``other`` it is two drawn feeds."""

    drawn: DrawnRoute
    reason: str
    other: DrawnRoute | None = None


def manual_routes(
    work: Groundwork,
    site: Site,
    demands: Mapping[str, Demand],
    drawn: Mapping[str, tuple[DrawnRoute, ...]],
) -> dict[str, ManualRoute | RefusedRoute]:
    """The newest drawing of every feed of every utility, judged, or why it could not be."""
    found: dict[str, ManualRoute | RefusedRoute] = {}
    for utility, history in drawn.items():
        newest = in_force(history)
        if not newest:
            continue
        try:
            demand = _demand_of(utility, demands.get(utility), newest)
            if len(newest) == 1:
                found[utility] = manual_route(work, site, demand, newest[0])
            else:
                found[utility] = manual_pair(work, site, demand, newest[0], newest[1])
        except ManualRouteError as error:
            found[utility] = RefusedRoute(newest[0], error.args[0], *newest[1:])
    return found


def manual_route(work: Groundwork, site: Site, demand: Demand, drawn: DrawnRoute) -> ManualRoute:
    """Snap, measure and judge one drawn line; of two feeds with the best other one.

    Raises
    ------
    ManualRouteError
        If one of its ends is farther than the snap distance from where it must be.
    """
    fit = _fitted(work, site, demand, drawn)
    if not has_second_feed(demand):
        return ManualRoute(
            *_told(work, site, demand, drawn, fit, _judged(work, site, demand, fit.line, fit.place))
        )
    # Where mains meet it may be the one or the other that was meant: the better pair counts.
    pairs = [
        (one, partner_feed(work, demand, site, one)) for one in _candidates(work, site, demand, fit)
    ]
    route, second = min(pairs, key=lambda pair: preference(pair[1]))
    if second.both is not None and drawn.feed == MOST_FEEDS:
        second = replace(second, both=_turned(second.both))
    return ManualRoute(*_told(work, site, demand, drawn, fit, route), second)


def manual_pair(
    work: Groundwork, site: Site, demand: Demand, first: DrawnRoute, second: DrawnRoute
) -> ManualRoute:
    """Snap and measure two drawn feeds of one line, and judge them as one work.

    Raises
    ------
    ManualRouteError
        If one cannot be brought to its places (``manual_route``), or they are not known to draw
        from two mains.
    """
    drawn = (first, second)
    fits = _fitted_both(work, site, demand, drawn)
    candidates = [list(_candidates(work, site, demand, fit)) for fit in fits]
    pairs = [
        (one, two)
        for one, two in product(*candidates)
        if len({source_of(work, demand, route) for route in (one, two)} - {None}) == MOST_FEEDS
    ]
    if not pairs:
        raise _one_source(work, demand, [routes[0] for routes in candidates])
    both = min(
        (both_feeds(work, demand, site, one, two) for one, two in pairs),
        key=lambda pair: (pair.rank, pair.figures["cost_yuan"]),
    )
    feeds = [
        DrawnFeed(*_told(work, site, demand, *one))
        for one in zip(drawn, fits, both.routes, strict=True)
    ]
    courses = [Course(work, demand.pipe, route) for route in both.routes]
    apart = how_far_apart(courses[0], courses[1])
    found = SecondFeed(both.routes[1], None, apart, both)
    own = feeds[0]
    return ManualRoute(own.drawn, own.route, own.moves, own.faults, found, feeds[1])


# --- what cannot be judged ----------------------------------------------------------------------


def _demand_of(utility: str, demand: Demand | None, newest: Sequence[DrawnRoute]) -> Demand:
    """The demand of a utility that something is drawn for; refused where it has no such feed."""
    if demand is None:
        raise ManualRouteError(_("{}:申请中没有这一专业的需求").format(_name(utility)))
    if newest[-1].feed > 1 and not has_second_feed(demand):
        raise ManualRouteError(
            _(
                "{utility}:画了第二路,但申请的 demands.{key}.feeds 为 {feeds};"
                "要两路的把它改为 2,否则撤回手绘的第二路"
            ).format(
                utility=_name(utility),
                key=utility,
                feeds="null" if demand.feeds is None else demand.feeds,
            )
        )
    return demand


def _fitted(work: Groundwork, site: Site, demand: Demand, drawn: DrawnRoute) -> Fitted:
    if drawn.line is None:
        raise ManualRouteError(_("{}:手绘路由已撤回").format(_name(demand.pipe.utility)))
    return fitted(work, site, demand, drawn.line)


def _fitted_both(
    work: Groundwork, site: Site, demand: Demand, drawn: Sequence[DrawnRoute]
) -> list[Fitted]:
    """Both drawn feeds at their places; refused with the reasons of each that is not."""
    fits, reasons = [], []
    for words, one in zip((_("第一路:{}"), _("第二路:{}")), drawn, strict=True):
        try:
            fits.append(_fitted(work, site, demand, one))
        except ManualRouteError as error:
            reasons.append(words.format(error.args[0]))
    if reasons:
        raise ManualRouteError(_(";").join(reasons))
    return fits


def _one_source(work: Groundwork, demand: Demand, pair: Sequence[Route]) -> ManualRouteError:
    """That two drawn feeds draw from one main, or that nobody knows whether they do."""
    utility = demand.pipe.utility
    names = [_joined(route) for route in pair]
    mains = [source_of(work, demand, route) for route in pair]
    if None in mains:
        text = _(
            "{utility}:手绘的两路中 {node} 在图上没有写明在哪条管线上"
            "(或所写的不在图上,而点在别的管线上),不知两路是否同源;"
            "请补填或改正管线点的 line_id,或把这一路改接别处"
        )
        node = names[mains.index(None)]
        return ManualRouteError(text.format(utility=_name(utility), node=node))
    text = _(
        "{utility}:手绘的第一路接自 {one},第二路接自 {two},同属管线 {main}(首尾相接的管段算一条),"
        "不符合 demands.{key}.feeds = 2;请把其中一路改接另一条管线,或撤回一路由系统选取"
    )
    return ManualRouteError(
        text.format(utility=_name(utility), one=names[0], two=names[1], main=mains[0], key=utility)
    )


def _joined(route: Route) -> str:
    assert isinstance(route.way, DrawnWay)
    return route.way.feature_id


# --- from a fitted line to a judged one ---------------------------------------------------------


def _told(
    work: Groundwork, site: Site, demand: Demand, drawn: DrawnRoute, fit: Fitted, route: Route
) -> tuple[DrawnRoute, Route, tuple[Move, ...], tuple[Fault, ...]]:
    """The fields of a ``DrawnFeed``."""
    return drawn, route, fit.moves, faults_of(work, site, demand, route)


def _candidates(work: Groundwork, site: Site, demand: Demand, fit: Fitted) -> Iterator[Route]:
    """A fitted line from its main, and from others that may serve the demand at the same place."""
    for place in (fit.place, *at_the_same_place(work, demand, fit.place)):
        yield _judged(work, site, demand, fit.line, place)


def _turned(both: BothFeeds) -> BothFeeds:
    """The same two with the other first."""
    return replace(both, routes=(both.routes[1], both.routes[0]), strips=both.strips[::-1])


def _judged(
    work: Groundwork, site: Site, demand: Demand, line: shapely.LineString, place: Place
) -> Route:
    """A line from a place in the network, measured and judged by itself."""
    edges = tuple(edges_along(work.corridors, line).tolist())
    way = DrawnWay(-1, edges, -1, float("nan"), place.kind, place.feature_id, place.chainage_m)
    routes = trace_drawn(work.corridors, way, line, _bored(work, demand, edges, line))
    working = working_strips(work, demand, routes)
    return judge_routes(work, demand, [site], routes, working)[0]


def _bored(
    work: Groundwork, demand: Demand, edges: tuple[int, ...], line: shapely.LineString
) -> tuple[int, ...]:
    """The edges that a line follows from end to end and that are bored because that costs less."""
    bored = [edge for edge in edges if work.methods(demand.pipe, all_bores=False).bored[edge]]
    whole = shapely.covered_by(work.corridors.graph.lines[bored], shapely.buffer(line, ON_EDGE_M))
    return tuple(edge for edge, is_whole in zip(bored, whole, strict=True) if is_whole)


def differences(route: Route | BothFeeds, other: Route | BothFeeds) -> dict[str, Any]:
    """What a route has more than another, two feeds more than two; None where one is unknown."""
    mine, its = route.figures, other.figures

    def more(name: str) -> float | None:
        extra = mine[name] - its[name]
        return None if np.isnan(extra) else float(extra)

    return {
        "extra_m": more("length_m"),
        "extra_yuan": more("cost_yuan"),
        "extra_crossings": int(mine["crossing_count"]) - int(its["crossing_count"]),
        "extra_crossing_kerb_m": more("kerb_m"),
        "extra_green_m2": more("green_m2"),
        "outcome": route.answer.outcome,
        "outcome_of_recommended": other.answer.outcome,
    }


def _name(utility: str) -> str:
    return load_utilities()[utility].zh

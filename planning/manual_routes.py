"""Manual routes 手绘路由: lines drawn by a person, measured and judged like computed ones.

The line need not follow corridors. Its ends are brought to the red line (or a gate) and to a main
or node that may serve the demand, within the policy's ``manual_snap_m``; what moved, and by how
much, is told. A line that cannot be brought there is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.ops import substring

from gis.linear import with_ends
from gis.overlay import CONTACT_TOLERANCE_M
from layers.utilities import load_utilities
from planning.application import ApplicationError, Demand
from planning.both_feeds import BothFeeds
from planning.drawn_routes import DrawnRoute
from planning.drawn_ways import trace_drawn
from planning.groundwork import Groundwork, Site, red_line_of
from planning.judged_routes import Route, judge_routes, working_strips
from planning.partner_feed import partner_feed, preference
from planning.route_edges import ON_EDGE_M, edges_along
from planning.route_faults import Fault, faults_of
from planning.routes import DrawnWay
from planning.second_feed import SecondFeed, has_second_feed
from planning.texts import gettext as _
from planning.tie_ins import may_serve

# What moves by less is rounding of coordinates, not a change of the drawing.
_UNMOVED_M = 0.001


class ManualRouteError(ApplicationError):
    """A drawn route cannot be brought to the red line or to the network; says by how much."""


@dataclass(frozen=True)
class Move:
    """What was changed of a drawing to bring it to its place: ``end`` tie_in or red_line."""

    end: str
    moved_m: float
    from_xy: tuple[float, float]
    to_xy: tuple[float, float]
    text: str


@dataclass(frozen=True)
class ManualRoute:
    """A drawn route that was judged, what was moved of it, and its faults.

    ``second`` is the feed beside it where two are wanted, found or drawn too.
    """

    drawn: DrawnRoute
    route: Route
    moves: tuple[Move, ...]
    faults: tuple[Fault, ...]
    second: SecondFeed | None = None

    @property
    def judged(self) -> Route | BothFeeds:
        """What the verdict is on: the route with the other feed, or where there is none it alone.

        Of a line that wants two feeds one alone measures nothing that a clause counts.
        """
        return (self.second and self.second.both) or self.route


@dataclass(frozen=True)
class RefusedRoute:
    """A drawn route that could not be judged, and why."""

    drawn: DrawnRoute
    reason: str


@dataclass(frozen=True)
class _Place:
    """A lawful place in the network near one end of a line."""

    kind: str
    feature_id: str
    xy: tuple[float, float]
    chainage_m: float
    away_m: float


@dataclass(frozen=True)
class _Fit:
    """One way round of a drawing: the line outside the parcel, and where its two ends belong."""

    line: shapely.LineString
    inside_m: float
    place: _Place
    goal: tuple[float, float]
    goal_away_m: float


def manual_routes(
    work: Groundwork,
    site: Site,
    demands: Mapping[str, Demand],
    drawn: Mapping[str, tuple[DrawnRoute, ...]],
) -> dict[str, ManualRoute | RefusedRoute]:
    """The newest drawing of every utility, judged, or the reason why it could not be."""
    found: dict[str, ManualRoute | RefusedRoute] = {}
    for utility, history in drawn.items():
        if not history or history[-1].line is None:
            continue
        demand = demands.get(utility)
        try:
            if demand is None:
                raise ManualRouteError(_("{}:申请中没有这一专业的需求").format(_name(utility)))
            found[utility] = manual_route(work, site, demand, history[-1])
        except ManualRouteError as error:
            found[utility] = RefusedRoute(history[-1], error.args[0])
    return found


def manual_route(work: Groundwork, site: Site, demand: Demand, drawn: DrawnRoute) -> ManualRoute:
    """Snap, measure and judge one drawn line.

    Raises
    ------
    ManualRouteError
        If one of its ends is farther than the snap distance from where it must be.
    """
    if drawn.line is None:
        raise ManualRouteError(_("{}:手绘路由已撤回").format(_name(demand.pipe.utility)))
    fit = _best_fit(work, site, demand, drawn.line)
    _refuse_far(work, site, demand, fit)
    line, moves = _snapped(site, fit)
    route, second = _judged(work, site, demand, line, fit.place), None
    if has_second_feed(demand):
        # Where mains meet it may be the one or the other that was meant: the better pair counts.
        mains = _at_the_same_place(work, demand, fit.place)
        found = [_judged(work, site, demand, line, one) for one in mains]
        pairs = [(one, partner_feed(work, demand, site, one)) for one in (route, *found)]
        route, second = min(pairs, key=lambda pair: preference(pair[1]))
    return ManualRoute(drawn, route, moves, faults_of(work, site, demand.pipe, route), second)


def _judged(
    work: Groundwork, site: Site, demand: Demand, line: shapely.LineString, place: _Place
) -> Route:
    """A line from a place in the network, measured and judged by itself."""
    edges = tuple(edges_along(work.corridors, line).tolist())
    way = DrawnWay(-1, edges, -1, float("nan"), place.kind, place.feature_id, place.chainage_m)
    routes = trace_drawn(work.corridors, way, line, _bored(work, demand, edges, line))
    working = working_strips(work, demand, routes)
    return judge_routes(work, demand, [site], routes, working)[0]


def _at_the_same_place(work: Groundwork, demand: Demand, place: _Place) -> list[_Place]:
    """Other mains that may serve a demand at a place on a main."""
    at = shapely.Point(place.xy)
    return [
        _place(kind, feature_id, shape, at)
        for kind, feature_id, shape in _serving(work, demand)
        if kind == place.kind == "line"
        and feature_id != place.feature_id
        and shape.distance(at) < _UNMOVED_M
    ]


def _bored(
    work: Groundwork, demand: Demand, edges: tuple[int, ...], line: shapely.LineString
) -> tuple[int, ...]:
    """The edges that a line follows from end to end and that are bored because that costs less."""
    bored = [edge for edge in edges if work.methods(demand.pipe).bored[edge]]
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


# --- from a drawing to a line between network and red line ------------------------------------


def _best_fit(work: Groundwork, site: Site, demand: Demand, drawn: shapely.LineString) -> _Fit:
    """The way round of a drawing whose ends are nearer to where they belong."""
    parcel = red_line_of(work.survey, site.application)
    goals = _goals(parcel, site)
    serving = _serving(work, demand)
    if not serving:
        raise ManualRouteError(
            _("{}:没有规格、压力或余量合适的在役管线或管线点,手绘路由无处接入").format(
                _name(demand.pipe.utility)
            )
        )
    fits = []
    for line in (drawn, shapely.reverse(drawn)):
        outside = _outside(line, parcel)
        if outside is None:
            continue
        start, end = shapely.get_point(outside, 0), shapely.get_point(outside, -1)
        goal = shapely.get_point(shapely.shortest_line(goals, end), 0)
        fits.append(
            _Fit(
                outside,
                line.length - outside.length,
                _nearest(serving, start),
                (goal.x, goal.y),
                float(goal.distance(end)),
            )
        )
    if not fits:
        raise ManualRouteError(
            _("{}:手绘路由全部在宗地红线内,外线从红线量起").format(_name(demand.pipe.utility))
        )
    return min(fits, key=lambda fit: fit.place.away_m + fit.goal_away_m)


def _goals(parcel: shapely.Polygon, site: Site) -> shapely.Geometry:
    """Where the line may end: the red line, or the gates brought onto it."""
    if site.application.gate is None:
        return parcel.boundary
    nearest = shapely.shortest_line(parcel.boundary, shapely.get_parts(site.application.gate))
    return shapely.MultiPoint(list(shapely.get_point(nearest, 0)))


def _outside(line: shapely.LineString, parcel: shapely.Polygon) -> shapely.LineString | None:
    """The line up to where it last enters the parcel that it ends in; None without such a part."""
    if not parcel.contains_properly(shapely.get_point(line, -1)):
        return line
    outside = [one for one in shapely.get_parts(line.difference(parcel)) if one.length > 0]
    if not outside:
        return None
    leaves_at = max(shapely.line_locate_point(line, shapely.get_point(one, -1)) for one in outside)
    kept = substring(line, 0.0, leaves_at)
    return kept if kept.length > CONTACT_TOLERANCE_M else None


def _serving(work: Groundwork, demand: Demand) -> list[tuple[str, str, shapely.Geometry]]:
    """Kind, id and shape of every main and node that may serve a demand."""
    fits = may_serve(work.tie_ins(demand.pipe.utility), demand.pipe, work.standards)
    layers = {"line": "lines", "node": "nodes"}
    shapes = {kind: work.survey.get(layer) for kind, layer in layers.items()}
    found = []
    for kind, feature_id in fits.index[fits.to_numpy(bool)]:
        table = shapes[kind]
        if table is not None:
            found.append((kind, str(feature_id), table.geometry.loc[feature_id]))
    return found


def _nearest(serving: list[tuple[str, str, shapely.Geometry]], start: shapely.Point) -> _Place:
    """The nearest feature to a point; of a main and a node at the same place, the node."""
    away = shapely.distance(np.array([shape for *_, shape in serving], object), start).round(3)
    best = min(range(len(serving)), key=lambda n: (away[n], serving[n][0] != "node", serving[n][1]))
    return _place(*serving[best], start)


def _place(kind: str, feature_id: str, shape: shapely.Geometry, start: shapely.Point) -> _Place:
    """The nearest place on a feature to a point."""
    foot = shapely.get_point(shapely.shortest_line(shape, start), 0)
    chainage = float(shape.line_locate_point(start)) if kind == "line" else float("nan")
    return _Place(kind, feature_id, (foot.x, foot.y), chainage, float(foot.distance(start)))


def _refuse_far(work: Groundwork, site: Site, demand: Demand, fit: _Fit) -> None:
    """Raise where an end is farther than the snap distance from where it belongs."""
    snap_m = work.policy.planning.manual_snap_m
    goal = _("红线") if site.application.gate is None else _("接口")
    ends = (
        (_("接入端离可接入的 {}").format(fit.place.feature_id), fit.place.away_m),
        (_("末端离{}").format(goal), fit.goal_away_m),
    )
    for where, away_m in ends:
        if away_m > snap_m:
            raise ManualRouteError(
                _(
                    "{utility}:手绘路由{where} {away:.2f} 米,最多可移 {snap:g} 米;请重画这一端"
                ).format(utility=_name(demand.pipe.utility), where=where, away=away_m, snap=snap_m)
            )


def _snapped(site: Site, fit: _Fit) -> tuple[shapely.LineString, tuple[Move, ...]]:
    """The line with both ends where they belong, and what was moved for it."""
    start, end = fit.line.coords[0], fit.line.coords[-1]
    on_red_line = site.application.gate is None
    moves = [
        Move(
            "tie_in",
            fit.place.away_m,
            (start[0], start[1]),
            fit.place.xy,
            _("接入端移到 {} 上").format(fit.place.feature_id),
        ),
        Move("red_line", fit.inside_m, (end[0], end[1]), (end[0], end[1]), _("裁去红线内的一段")),
        Move(
            "red_line",
            fit.goal_away_m,
            (end[0], end[1]),
            fit.goal,
            _("末端移到红线上") if on_red_line else _("末端移到接口"),
        ),
    ]
    [line] = with_ends(np.array([fit.line], object), np.array([fit.place.xy]), np.array([fit.goal]))
    if line.length <= CONTACT_TOLERANCE_M:
        raise ManualRouteError(_("手绘路由过短,两端落在同一处"))
    return line, tuple(move for move in moves if move.moved_m > _UNMOVED_M)


def _name(utility: str) -> str:
    return load_utilities()[utility].zh

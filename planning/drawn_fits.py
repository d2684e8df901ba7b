"""Drawn fits 手绘就位: a line that a person drew, brought between the network and the red line.

Its ends are brought to the red line (or a gate) and to a main or node that may serve the demand,
within the policy's ``manual_snap_m``; what moved, and by how much, is told. A line that cannot be
brought there is refused with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.ops import substring

from gis.linear import with_ends
from gis.overlay import CONTACT_TOLERANCE_M
from layers.utilities import load_utilities
from planning.application import ApplicationError, Demand
from planning.groundwork import Groundwork, Site, red_line_of
from planning.texts import gettext as _
from planning.tie_in_rules import may_serve

# What moves by less is rounding of coordinates, not a change of the drawing.
_UNMOVED_M = 0.001
# A move by less would be told as one of 0.00 m.
_TOLD_M = 0.005


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
class Place:
    """A lawful place in the network near one end of a line."""

    kind: str
    feature_id: str
    xy: tuple[float, float]
    chainage_m: float
    away_m: float


@dataclass(frozen=True)
class Fitted:
    """A drawn line between the network and the red line, and what was moved of it."""

    line: shapely.LineString
    place: Place
    moves: tuple[Move, ...]


def fitted(work: Groundwork, site: Site, demand: Demand, drawn: shapely.LineString) -> Fitted:
    """Bring a drawn line to its places.

    Raises
    ------
    ManualRouteError
        If one of its ends is farther than the snap distance from where it must be.
    """
    fit = _best_fit(work, site, demand, drawn)
    _refuse_far(work, site, demand, fit)
    line, moves = _snapped(site, fit)
    return Fitted(line, fit.place, moves)


def at_the_same_place(work: Groundwork, demand: Demand, place: Place) -> list[Place]:
    """Other mains that may serve a demand at a place on a main."""
    at = shapely.Point(place.xy)
    return [
        _place(kind, feature_id, shape, at)
        for kind, feature_id, shape in _serving(work, demand)
        if kind == place.kind == "line"
        and feature_id != place.feature_id
        and shape.distance(at) < _UNMOVED_M
    ]


@dataclass(frozen=True)
class _Fit:
    """One way round of a drawing: the line outside the parcel, and where its two ends belong."""

    line: shapely.LineString
    inside_m: float
    place: Place
    goal: tuple[float, float]
    goal_away_m: float


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


def _nearest(serving: list[tuple[str, str, shapely.Geometry]], start: shapely.Point) -> Place:
    """The nearest feature to a point; of a main and a node at the same place, the node."""
    away = shapely.distance(np.array([shape for *_, shape in serving], object), start).round(3)
    best = min(range(len(serving)), key=lambda n: (away[n], serving[n][0] != "node", serving[n][1]))
    return _place(*serving[best], start)


def _place(kind: str, feature_id: str, shape: shapely.Geometry, start: shapely.Point) -> Place:
    """The nearest place on a feature to a point."""
    foot = shapely.get_point(shapely.shortest_line(shape, start), 0)
    chainage = float(shape.line_locate_point(start)) if kind == "line" else float("nan")
    return Place(kind, feature_id, (foot.x, foot.y), chainage, float(foot.distance(start)))


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
    return line, tuple(move for move in moves if move.moved_m >= _TOLD_M)


def _name(utility: str) -> str:
    return load_utilities()[utility].zh

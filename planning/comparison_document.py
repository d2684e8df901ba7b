"""What else could be done, as plain values: alternatives, what less costs, what would qualify."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import shapely

from planning.alternatives import alternatives
from planning.both_feeds import BothFeeds
from planning.external_lines import ExternalLine
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route
from planning.nearby_ways import nearby_ways
from planning.pareto import AXES, axes_of, picture
from planning.remedies import Remedy, remedies

Described = Callable[..., dict[str, Any]]
QUALIFIES = {0: True, 1: None, 2: False}
"""Whether a route qualifies, by its rank: None while that hangs on something unknown."""


def comparison(
    work: Groundwork, site: Site, line: ExternalLine, described: Described
) -> dict[str, Any]:
    """The keys ``alternatives``, ``pareto`` and ``compared``; ``described`` words a route."""
    if line.route is None:
        none: dict[str, Any] = {name: [] for name in axes_of(line.utility)}
        return {"alternatives": [], "pareto": none, "compared": None}
    nearby = nearby_ways(work, site, line)
    others, fronts = alternatives(line, nearby), picture(nearby)
    return {
        "alternatives": [
            {**described("alternative", one.route), "differs": list(one.differs)}
            for one in others.found
        ],
        "pareto": {
            name: [_point(route) for route in routes] for name, routes in fronts.points.items()
        },
        "compared": {
            "longest_m": nearby.longest_m,
            "alternatives_proven": others.proven,
            "pareto_proven": dict(fronts.proven),
        },
    }


def cures(
    work: Groundwork, site: Site, line: ExternalLine, described: Described
) -> list[dict[str, Any]]:
    """The list ``remedies`` of a utility; ``described`` words a route."""
    return [_remedy(one, described) for one in remedies(work, site, line)]


def _remedy(one: Remedy, described: Described) -> dict[str, Any]:
    routes: list[dict[str, Any] | None] = [None, None]
    if one.judged is not None:
        routes[0] = described("remedy", one.judged)
    if isinstance(one.judged, BothFeeds):
        routes[1] = described("remedy", one.judged, 1)
    for route in routes:
        if route is not None and one.kind == "nearer_end_point":
            route["end"] = {**route["end"], "kind": "red_line"}
    return {
        "input": one.input,
        "kind": one.kind,
        "text": one.text,
        "value_before": one.value_before,
        "value_after": one.value_after,
        "limit": one.limit,
        "margin": one.margin,
        "outcome_after": one.outcome_after,
        "qualifies": one.qualifies,
        "remaining": [
            {"kind": kind, "input": name, "status": status} for kind, name, status in one.remaining
        ],
        "extra_yuan": one.extra_yuan,
        "route": routes[0],
        "second_route": routes[1],
    }


def together_entry(both: BothFeeds) -> dict[str, Any]:
    """What two feeds come to: money as if each had a trench of its own."""
    figures = {key: both.figures[name] for key, name in AXES.items()}
    return {
        **{key: None if math.isnan(value) else float(value) for key, value in figures.items()},
        "measures": dict(both.measures),
        "length_measure": both.length_measure,
        "shared_m": both.shared_m,
        "cost_yuan": both.figures["cost_yuan"],
        "crossing_count": int(both.figures["crossing_count"]),
    }


def _point(found: Route | BothFeeds) -> dict[str, Any]:
    """A point of a front: of a line with two feeds both in all, along the first route."""
    figures = {key: found.figures[name] for key, name in AXES.items()}
    route = found.routes[0] if isinstance(found, BothFeeds) else found
    return {
        "cost_yuan": found.figures["cost_yuan"],
        **{key: None if math.isnan(value) else float(value) for key, value in figures.items()},
        "qualifies": QUALIFIES[found.rank],
        "geometry": dict(shapely.geometry.mapping(route.line)),
    }

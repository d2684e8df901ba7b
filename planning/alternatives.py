"""Alternatives 备选路由: other routes of a line that differ in streets or sides.

Each is the cheapest of all ways up to a length that keeps apart from every route before it: it
gives up a share of the metres that the other runs along streets and sides, or, where the other is
little more than a stub, it joins the network in another street or on another side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import shapely

from gis.constrained import k_distinct
from planning.external_lines import ExternalLine
from planning.judged_routes import Route
from planning.nearby_ways import MOST_LABELS, Found, NearbyWays
from planning.street_sides import compass_side
from planning.texts import gettext as _

MOST_ALTERNATIVES = 3
# Along a street or side for less than this, a route only passes it.
_PASSED_M = 1.0


@dataclass(frozen=True)
class Alternative:
    """One alternative; ``differs`` names the streets and sides that the recommended lacks."""

    route: Route
    differs: tuple[str, ...]


@dataclass(frozen=True)
class Alternatives:
    """Alternatives by rising cost.

    ``proven`` tells that each is the cheapest of its kind among the ways looked at, and that
    there is no other where there are less than three.
    """

    found: tuple[Alternative, ...]
    proven: bool


def alternatives(line: ExternalLine, nearby: NearbyWays) -> Alternatives:
    """Up to three routes that differ from every route of a line, judged exactly.

    One that comes to another side and back over itself is none.
    """
    recommended = line.route
    known = {id(route): route for route in line.routes.values()}
    walks = [nearby.walk_of(route) for route in known.values()]
    if recommended is None or not nearby.is_whole or None in walks:
        return Alternatives((), False)
    length_m, stub_m = nearby.length_m
    sources, targets = nearby.terminals(np.array([stub_m, *(one.tie_ins for one in nearby.fall)]))
    none = np.zeros(len(targets.nodes))
    targets = replace(targets, resources=np.array([none, *(one.ends for one in nearby.fall)]))
    planning = nearby.work.policy.planning
    answer = k_distinct(
        nearby.area.ends,
        len(nearby.area.nodes),
        nearby.cost,
        np.array([length_m, *(one.edges for one in nearby.fall)]),
        sources,
        targets,
        [nearby.longest, *(one.cap for one in nearby.fall)],
        group=nearby.edge_place,
        source_group=nearby.tie_in_place,
        apart_from=[walk for walk in walks if walk is not None],
        k=MOST_ALTERNATIVES,
        least_share=planning.value("alternative_least_share"),
        short=planning.value("alternative_stub_m"),
        limit=MOST_LABELS,
    )
    found = [nearby.found(one.walk) for one in answer.answers if one.walk is not None]
    own = _metres(nearby, Found(recommended.way, recommended.bored))
    routes = nearby.judged(found)
    return Alternatives(
        tuple(
            Alternative(route, _differs(nearby, one, own))
            for route, one in zip(routes, found, strict=True)
            if shapely.is_simple(route.line)  # none that runs back over itself
        ),
        answer.complete and all(one.proven for one in answer.answers),
    )


def _metres(nearby: NearbyWays, found: Found) -> Mapping[int, float]:
    """Metres along every street and side; infinite where the way starts."""
    metres: dict[int, float] = defaultdict(float)
    place_of = dict(zip(nearby.area.edges.tolist(), nearby.edge_place.tolist(), strict=True))
    for edge in found.way.edges:
        metres[place_of[edge]] += float(nearby.work.corridors.graph.length_m[edge])
    start = nearby.tie_in_place[nearby.area.tie_ins == found.way.tie_in]
    metres[int(start[0])] = np.inf
    metres.pop(-1, None)
    return metres


def _differs(nearby: NearbyWays, found: Found, own: Mapping[int, float]) -> tuple[str, ...]:
    """Names of the streets and sides that the recommended route does not run along or join."""
    metres = _metres(nearby, found)
    new = [
        place
        for place, m in metres.items()
        if m >= _PASSED_M > own.get(place, 0.0) or np.isinf(m) > np.isinf(own.get(place, 0.0))
    ]
    new.sort(key=lambda place: -metres[place])
    names = [place_name(nearby, place) for place in new]
    return tuple(dict.fromkeys(names)) or (_("同一侧的另一处接入"),)


def place_name(nearby: NearbyWays, number: int) -> str:
    """A street with the side of it, in words: ``人民路 北侧``."""
    place = nearby.places[number]
    if place.road < 0:
        return {
            "drawn": _("手绘走廊"),
            "open_land": _("空地"),
            "carrier": _("既有管孔或杆路"),
        }[place.kind]
    return _("{} {}").format(place.street, _side(nearby, number))


def _side(nearby: NearbyWays, number: int) -> str:
    """The compass side of a street's centre line that the longest edge of a place lies on."""
    graph, surfaces = nearby.work.corridors.graph, nearby.work.corridors.surfaces
    edges = nearby.area.edges[nearby.edge_place == number]
    edge = int(edges[np.argmax(graph.length_m[edges])])
    road = nearby.places[number].road
    return compass_side(surfaces.centre[road], graph.lines[edge])

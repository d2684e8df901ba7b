"""The Pareto picture 取舍: what less length, less green or less crossing of a line costs.

Crossings from red line to red line have a front of their own where a clause limits them (power).

For each figure the front of cost against it is searched among all ways up to a stated length.
Length and crossings of a way are the sums over its pieces, so these fronts are exact; what a way
takes of greenery is at least the sum of ``green_bounds``, so a point of green is the cheapest that
may take so little, and a better one may be missing. Points lie at least a part of the way from the
cheapest to the least apart. Every point is then traced, measured and judged like a route; what
another point betters after that is dropped. With a second feed, points are of it and
another first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from gis.constrained import Front, pareto
from gis.linear import FloatArray
from gis.overlay import inside_union, strips
from planning.both_feeds import BothFeeds
from planning.judged_routes import Route
from planning.measures import MEASURES
from planning.nearby_ways import MOST_LABELS, Found, NearbyWays
from planning.route_pieces import green_bounds

# Figures by their names in a plan, and in the figures of a route.
AXES = {
    "length_m": "length_m",
    "green_m2": "green_m2",
    "crossing_kerb_m": "kerb_m",
    "crossing_red_line_m": "red_line_m",
}
# Steps from the cheapest way to the one that uses least.
_PARTS = 10
# Figures are printed to the hundredth: what differs by less is no gain.
_SAME = 0.01


@dataclass(frozen=True)
class Picture:
    """Points of every figure by rising cost; ``proven`` tells which fronts lack none."""

    points: Mapping[str, tuple[Route | BothFeeds, ...]]
    proven: Mapping[str, bool]


class Amounts(NamedTuple):
    """What every edge and every way to a tie-in has of a figure; NaN where nobody knows."""

    edges: FloatArray
    stubs: FloatArray


def axes_of(utility: str) -> tuple[str, ...]:
    """The figures that a line of a utility has a front of."""
    measured = MEASURES[utility]
    return tuple(name for name in AXES if name != "crossing_red_line_m" or name in measured)


def picture(nearby: NearbyWays) -> Picture:
    """The fronts of all figures; without points where a figure is not known."""
    axes = axes_of(nearby.demand.pipe.utility)
    fronts = {name: _front(nearby, amounts_of(nearby, name)) for name in axes}
    found = {
        name: [nearby.found(walk) for walk in front.walks] if front else []
        for name, front in fronts.items()
    }
    every = list(dict.fromkeys(_key(one) for ways in found.values() for one in ways))
    ways = {_key(one): one for ways in found.values() for one in ways}
    judged = nearby.as_lines(nearby.judged([ways[key] for key in every]))
    route_of = dict(zip(every, judged, strict=True))
    return Picture(
        {
            name: undominated([route_of[_key(one)] for one in found[name]], AXES[name])
            for name in axes
        },
        {name: front is not None and front.proven for name, front in fronts.items()},
    )


def undominated(routes: Sequence[Route | BothFeeds], figure: str) -> tuple[Route | BothFeeds, ...]:
    """Those with a known figure that no other betters in it and in cost, by rising cost."""
    known = [route for route in routes if not np.isnan(route.figures[figure])]
    known.sort(key=lambda route: (route.figures["cost_yuan"], route.figures[figure]))
    kept: list[Route | BothFeeds] = []
    for route in known:
        if not kept or route.figures[figure] < kept[-1].figures[figure] - _SAME:
            kept.append(route)
    return tuple(kept)


def _key(found: Found) -> tuple[int, tuple[int, ...], int, tuple[int, ...]]:
    return found.way.tie_in, found.way.edges, found.way.end_node, found.bored


def _front(nearby: NearbyWays, amounts: Amounts | None) -> Front | None:
    """The front of cost against one figure among the ways of which it is known."""
    if amounts is None or not nearby.is_whole:
        return None
    rows, sources, targets, caps = nearby.capped(
        np.nan_to_num(amounts.edges), np.nan_to_num(amounts.stubs), np.inf
    )
    unknown = np.isnan(amounts.stubs)
    sources.cost[unknown] = np.inf
    return pareto(
        nearby.area.ends,
        len(nearby.area.nodes),
        np.where(np.isnan(amounts.edges), np.inf, nearby.cost),
        rows,
        sources,
        targets,
        caps,
        row=1,
        parts=_PARTS,
        limit=MOST_LABELS,
    )


def amounts_of(nearby: NearbyWays, name: str) -> Amounts | None:
    """What every piece adds at least to a figure; None where it is not known at all."""
    if name == "length_m":
        return Amounts(*nearby.length_m)
    return _green(nearby) if name == "green_m2" else _crossing(nearby, AXES[name])


def _crossing(nearby: NearbyWays, figure: str) -> Amounts:
    """Metres inside carriageways, from kerb to kerb or as far as the red lines; NaN where the
    width of one is only assumed.
    """
    corridors, area = nearby.work.corridors, nearby.area
    tie_ins = nearby.work.tie_ins(nearby.demand.pipe.utility)
    assumed = corridors.surfaces.table["width_assumed"].to_numpy(bool)

    def known(metres: FloatArray, crossings: pd.DataFrame, key: str) -> FloatArray:
        rows, roads = (crossings[name].to_numpy(np.int64) for name in (key, "road"))
        answer = metres.copy()
        answer[rows[assumed[roads]]] = np.nan
        return answer

    edges = corridors.graph.measures[figure].to_numpy(float)
    stubs = getattr(tie_ins.ways, figure)
    return Amounts(
        known(edges, corridors.crossings, "edge")[area.edges],
        known(stubs, tie_ins.crossings, "tie_in")[area.tie_ins],
    )


def _green(nearby: NearbyWays) -> Amounts | None:
    """Least greenery that each piece takes of a route; None where nothing of it is known."""
    work, area = nearby.work, nearby.area
    width_m = work.rates(nearby.demand.pipe).width_m
    if width_m is None or not work.survey.has("green"):
        return None
    graph = work.corridors.graph
    stubs = work.tie_ins(nearby.demand.pipe.utility).lines[area.tie_ins]
    lines = np.concatenate([graph.lines[area.edges], stubs])
    width_m += 2 * work.policy.planning.work_margin_m
    working = strips(lines, np.full(len(lines), width_m))
    for at in np.flatnonzero(area.bored).tolist():
        pits = work.ground.bores.pits_of([int(area.edges[at])])
        working[at] = shapely.union_all(pits) if pits else shapely.Polygon()
    taken = inside_union(working, work.corridors.green)
    least = green_bounds(list(taken), *area.ends_and_kinds(work.corridors.is_connector))
    return Amounts(*np.split(least, [len(area.edges)]))

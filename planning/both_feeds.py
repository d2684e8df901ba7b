"""Both feeds 两路: the two routes of a line that wants two, measured and judged as one work.

What a clause counts of both is told by its measure: metres of pipe add, metres of ground that both
lie in count once (``planning.measures``). Where no clause says how something counts, what can make
no wrong pass is taken: crossings add, also where both lie in one trench; a bank of ducts beside
another has the holes of both; and a trench that holds both is as wide as two trenches side by side,
with the clearance between them where the table has one. Facts hold if they do of either route.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray
from gis.overlay import strips
from planning.application import Demand
from planning.comparisons import any_holds
from planning.drawn_ways import traced_again
from planning.facts import Dug, Place, along_of, green_inside, places_of, route_facts, trees_in
from planning.groundwork import Groundwork, Site
from planning.holds import Hold, hold_of
from planning.judged_routes import (
    Judging,
    Route,
    line_figures,
    none_if_unknown,
    rank_among,
    site_facts,
    unverified_inputs,
)
from planning.measures import Figures, length_measure, measure_all
from planning.route_effects import Exactness
from planning.routes import Routes
from planning.verdicts import Verdict

# What lies as near as this to the other route runs along it.
BESIDE_M = 0.05
# Lines that lie in each other differ by less than this, the rounding of their coordinates.
SAME_M = 0.001


@dataclass(frozen=True)
class BothFeeds:
    """The two routes of a line as one work.

    ``strips`` are their working strips, ``shared_m`` the metres that they have in common;
    ``figures`` bear the names that those of a ``Route`` have, as do ``measures``, ``facts`` and
    ``roads``; ``cost_yuan`` is that of two trenches of their own throughout,
    ``length_m`` all pipe, however much of it a clause counts (``judged_length_m``).
    """

    routes: tuple[Route, Route]
    strips: NDArray[Any]
    shared_m: float
    figures: Mapping[str, float]
    measures: Mapping[str, float | None]
    facts: Mapping[str, Any]
    roads: Dug
    judging: Judging

    @property
    def judged_length_m(self) -> float:
        """Metres as the clause counts them of both; all pipe where no clause can."""
        told = self.measures.get(self.length_measure or "")
        return self.figures["length_m"] if told is None else told

    @property
    def length_measure(self) -> str | None:
        """The measure that the clause limits the length by, as the county reads it."""
        return length_measure(self.judging.policy, self.judging.utility)

    @property
    def verdict(self) -> Verdict:
        """The verdict on both, with its findings."""
        return self.judging.verdict

    @property
    def tolerances(self) -> Mapping[str, float | None]:
        """Half the widths of the intervals of the surveyed measures of both."""
        return self.judging.tolerances

    @property
    def answer(self) -> Verdict:
        """What of the verdict a screening tells."""
        return self.verdict

    @property
    def rank(self) -> int:
        """0 qualifies, 1 may qualify once the unknown is known, 2 does not."""
        return rank_among(self.judging.possible)


def both_feeds(
    work: Groundwork, demand: Demand, site: Site, first: Route, second: Route
) -> BothFeeds:
    """Measure and judge two routes of one demand, which wants two feeds, as one work."""
    utility, pair = demand.pipe.utility, (first, second)
    routes = traced_again(work.corridors, work.tie_ins(utility), pair)
    alone = np.array([route.strip for route in pair], object)
    both = tell_together(work, demand, site.application.dig_date, routes, alone)
    facts = {**both.facts, **site_facts(work, site, utility)}

    def holding() -> Hold:
        return hold_of(work, demand, [site, site], routes, both.strips)

    assumed = work.corridors.surfaces.width_assumed
    unverified = unverified_inputs(site.application, utility, bool(assumed[list(both.roads)].any()))
    sums = {
        name: first.figures[name] + second.figures[name]
        for name in ("length_m", "cost_yuan", "crossing_count", "kerb_m", "red_line_m")
    }
    return BothFeeds(
        pair,
        both.strips,
        float(both.figures.shared_m),
        {**sums, "green_m2": float(both.figures.green_m2[0])},
        both.measures,
        facts,
        both.roads,
        Judging(
            utility,
            {**both.measures, **facts},
            work.policy,
            unverified,
            Exactness(demand, holding, as_one=True),
        ),
    )


class Together(NamedTuple):
    """What the layers tell of two traced lines as one work, with their working strips."""

    figures: Figures
    measures: dict[str, float | None]
    facts: dict[str, Any]
    roads: Dug
    strips: NDArray[Any]


def tell_together(
    work: Groundwork, demand: Demand, dig_date: date, routes: Routes, alone: NDArray[Any]
) -> Together:
    """Measure two traced lines as one work; ``alone`` are the working strips of each by itself."""
    working = _strips(work, demand, routes, alone)
    figures = _figures(work, demand, routes, working)
    roads, facts = _told(work, demand, dig_date, routes, working)
    measured = measure_all(demand.pipe.utility, figures)
    measures = {name: none_if_unknown(values[0]) for name, values in measured.items()}
    return Together(figures, measures, facts, roads, working)


def _strips(work: Groundwork, demand: Demand, routes: Routes, alone: NDArray[Any]) -> NDArray[Any]:
    """Working strips of both, wider where both lie in one trench; None for an unknown width."""
    width_m = work.rates(demand.pipe).width_m
    if width_m is None:
        return alone
    between = work.standards.horizontal_clearance(demand.pipe, demand.pipe).value_m or 0.0
    wide_m = 2 * (width_m + work.policy.planning.work_margin_m) + between
    beside = np.array(
        [
            shapely.line_merge(stretches_along(cut, other, BESIDE_M))
            for cut, other in zip(routes.cut, routes.cut[::-1], strict=True)
        ],
        object,
    )
    return np.asarray(shapely.union(alone, strips(beside, np.full(2, wide_m))))


def stretches_along(line: shapely.Geometry, other: shapely.Geometry, away_m: float) -> Any:
    """The stretches of a line that run along another; a place where they only cross is none."""
    parts = shapely.get_parts(shapely.intersection(line, shapely.buffer(other, away_m)))
    return shapely.MultiLineString([part for part in parts if part.length > 4 * away_m])


def _shared_m(lines: NDArray[Any]) -> float:
    """Metres that both lie in one trench, never too many: ends may reach beyond by ``SAME_M``."""
    shared = stretches_along(lines[0], lines[1], SAME_M)
    return float(max(shared.length - 2 * SAME_M * len(shared.geoms), 0.0))


def _figures(work: Groundwork, demand: Demand, routes: Routes, working: NDArray[Any]) -> Figures:
    """What both measure together, as one row."""
    union = np.array([None if None in working else shapely.union_all(working)], object)
    _, green_m2 = green_inside(work.ground, union)
    each = line_figures(work, routes)

    def total(name: str) -> FloatArray:
        return np.array([each[name].sum()])

    return Figures(
        demand,
        length_m=total("length_m"),
        kerb_m=total("kerb_m"),
        red_line_m=total("red_line_m"),
        longest_kerb_m=np.array([each["longest_kerb_m"].max()]),
        green_m2=green_m2,
        trees=trees_in(work.ground, union),
        feeds=len(routes.lines),
        shared_m=_shared_m(routes.lines),
        reused_m=work.corridors.reused_m(sorted({*routes.bored[0], *routes.bored[1]})),
    )


def _told(
    work: Groundwork, demand: Demand, dig_date: date, routes: Routes, working: NDArray[Any]
) -> tuple[Dug, dict[str, Any]]:
    """The roads that both dig, and the facts of both."""
    green, _ = green_inside(work.ground, working)
    places = places_of(work.ground, along_of(work.ground, routes), working, green)
    roads = {
        road: any_holds(place.roads.get(road, False) for place in places)
        for road in sorted({road for place in places for road in place.roads})
    }
    beneath = tuple(sorted({road for place in places for road in place.beneath}))
    facts = {name: any_holds(place.facts[name] for place in places) for name in places[0].facts}
    place = Place(roads, beneath, facts)
    return roads, route_facts(work.ground, demand, place, dig_date)

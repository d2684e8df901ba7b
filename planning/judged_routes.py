"""Judged routes: traced lines of one demand with measures, facts and verdict.

Whoever found the way, one parcel's search, a forest for a county or a hand that drew it, it is
measured and judged here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray
from gis.overlay import strips
from layers.utilities import policy_utility
from planning.application import Application, Demand
from planning.application_facts import application_facts
from planning.facts import (
    Dug,
    Ground,
    Place,
    along_of,
    counted_crossings,
    green_inside,
    places_of,
    route_facts,
    trees_in,
)
from planning.groundwork import Groundwork, Site
from planning.holds import Hold, half_strip_m, hold_of, joined_of
from planning.measures import MEASURES, Figures, measure_all
from planning.policy_model import Policy
from planning.road_surfaces import Crossed
from planning.route_effects import Exactness
from planning.routes import Routes, Way, costs
from planning.verdict_tables import judge_rows
from planning.verdicts import Verdict, judge, possible_of

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
# Verdict inputs measured on the way to a main: size, pressure and voltage decide which main it is.
_FROM_MAIN = (*_FROM_PLACE, "road_crossing_m")
# Facts of the way to a main: another main may be reached by other roads.
_FROM_WAY = (
    "road_opened_on",
    "road_overhauled_on",
    "open_cut",
    "pit_in_road",
    "on_bridge",
    "ancient_tree_or_park",
    "tree_moving",
)
# Verdict inputs that hang on how wide the strip is, as the size makes it.
_FROM_WIDTH = ("touches_city_road", "touches_green", "touches_tree")
# The verdict input that tells a field of the pipe, where it is called otherwise.
_INPUT_OF_SIZE = {"nominal_mm": "max_dn_mm"}
QUALIFYING = ("commitment", "commitment_filing", "not_required")

# A table costs about as much as twenty single verdicts.
_TABLE_PAYS = 20


class Answer(NamedTuple):
    """What of a verdict a screening tells, and the outcomes that can still result."""

    outcome: str
    clause: str | None
    certainty: str
    otherwise: str | None
    possible: tuple[str, ...]

    @classmethod
    def of(cls, verdict: Verdict) -> Answer:
        return cls(*(getattr(verdict, name) for name in cls._fields))


@dataclass(frozen=True)
class Judging:
    """What was measured of lines, judged when it is first asked for.

    The outcome needs no tolerances, only its certainty does; ``exactness`` tells them of
    some lines, of which this has a ``number``.
    """

    utility: str
    inputs: Mapping[str, Any]
    policy: Policy
    unverified: tuple[str, ...]
    exactness: Exactness
    number: int = 0

    @cached_property
    def tolerances(self) -> Mapping[str, float | None]:
        """Half the widths of the intervals of the surveyed measures.

        None where the survey does not say how exact it is.
        """
        told = self.exactness.tolerances
        return {name: none_if_unknown(values[self.number]) for name, values in told.items()}

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict with its findings."""
        return judge(
            self.utility,
            {},
            self.inputs,
            self.policy,
            mode="plan",
            unverified=self.unverified,
            tolerances=self.tolerances,
            if_touched=self.if_touched,
            at_other_widths=self.at_other_widths,
        )

    def if_touched(self) -> Mapping[str, Any]:
        """The inputs that are unknown as the line may touch what is near."""
        return self.exactness.if_touched(self.number, self.inputs)

    def at_other_widths(self) -> Sequence[Mapping[str, Any]]:
        """The inputs that are others where the working strip is as narrow or wide as it may be."""
        return self.exactness.at_other_widths(self.number, self.inputs)

    @cached_property
    def possible(self) -> tuple[str, ...]:
        """The outcomes that can result, as the verdict has them."""
        if "verdict" in vars(self):
            return self.verdict.possible
        return possible_of(self.utility, self.inputs, self.policy)


@dataclass(frozen=True)
class Route:
    """One route of one utility with everything measured of it, and its verdict.

    ``roads`` are those it digs up or may dig up, ``strip`` is its working strip; ``screened`` is
    its answer where many routes were judged in one table. ``bored`` are its edges that are not
    cut open.
    """

    way: Way
    line: shapely.LineString
    strip: shapely.Polygon | None
    figures: Mapping[str, float]
    crossed: Crossed
    measures: Mapping[str, float | None]
    facts: Mapping[str, Any]
    roads: Dug
    judging: Judging
    screened: Answer | None = None
    bored: tuple[int, ...] = ()

    @property
    def crossings(self) -> pd.DataFrame:
        """What it crosses, as a table."""
        return self.crossed.table()

    @property
    def verdict(self) -> Verdict:
        """The verdict with its findings."""
        return self.judging.verdict

    @property
    def tolerances(self) -> Mapping[str, float | None]:
        """Half the widths of the intervals of its surveyed measures."""
        return self.judging.tolerances

    @property
    def answer(self) -> Answer | Verdict:
        """Outcome, clause, certainty and otherwise of the verdict."""
        return self.screened or self.verdict

    @property
    def rank(self) -> int:
        """0 qualifies, 1 may qualify once the unknown is known, 2 does not."""
        return rank_among((self.screened or self.judging).possible)


def rank_of(answer: Answer | Verdict) -> int:
    """0 qualifies, 1 may qualify once the unknown is known, 2 does not.

    It qualifies where all outcomes that can result do, also while it is open which.
    """
    return rank_among(answer.possible)


def rank_among(possible: Sequence[str]) -> int:
    """The rank of what has one of these outcomes."""
    good = [outcome in QUALIFYING for outcome in possible]
    return 0 if all(good) else 1 if any(good) else 2


def site_facts(work: Groundwork, site: Site, utility: str) -> dict[str, Any]:
    """Facts that no route of the site can change: what the application says, service areas.

    And that all is unknown which a route tells, where one can be only a part of what is wanted.
    """
    facts = {
        **application_facts(site.application, utility),
        "in_service_area": work.ground.in_service_area(site.application.parcel_id, utility),
    }
    demand = site.application.demands.get(utility)
    if demand is not None and work.operators_apart(demand.pipe):
        facts |= dict.fromkeys(told_by_routes(work.policy, utility))
    return facts


def told_by_routes(policy: Policy, utility: str) -> tuple[str, ...]:
    """The inputs of a verdict that hang on where all of a line lies."""
    surveyed = [name for name in MEASURES[utility] if policy.inputs[name].surveyed]
    needed = [permit.required_when for permit in policy.rules[policy_utility(utility)].permits]
    return (*surveyed, *(one.input for one in needed if one.limit is True), *_FROM_WAY)


def working_strips(work: Groundwork, demand: Demand, routes: Routes) -> NDArray[Any]:
    """Working strips of lines of one demand that lie alone, None where the width is unknown."""
    return strips_of_width(work, work.rates(demand.pipe).width_m, routes.cut, routes.bored)


def strips_of_width(
    work: Groundwork,
    width_m: float | None,
    cut: NDArray[Any],
    bored: Sequence[tuple[int, ...]],
) -> NDArray[Any]:
    """Working strips of lines in trenches of a width: a margin is added on both sides.

    ``cut`` is what is cut open of each, ``bored`` are the edges that are not: there are only
    working pits. None for every route where the width of the trench is unknown.
    """
    if width_m is None:
        return np.full(len(cut), None, object)
    margin = work.policy.planning.work_margin_m
    working = strips(cut, np.full(len(cut), width_m + 2 * margin))
    at = [number for number, edges in enumerate(bored) if edges]
    if at:
        pits = zip_longest(*(work.ground.bores.pits_of(bored[number]) for number in at))
        working[at] = shapely.union_all(np.array([working[at], *pits], object), axis=0)
    return working


class Told(NamedTuple):
    """What the layers tell of traced routes, in order: measures and facts by input name."""

    figures: Figures
    measures: list[dict[str, float | None]]
    facts: list[dict[str, Any]]
    places: list[Place]


def tell(
    work: Groundwork,
    demand: Demand,
    dig_dates: Sequence[date],
    routes: Routes,
    working: NDArray[Any],
) -> Told:
    """Measure traced routes of one demand and collect their facts, without a verdict."""
    green, green_m2 = green_inside(work.ground, working)
    figures = Figures(demand, **figures_of(work, routes, working, green_m2))
    measures = measure_all(demand.pipe.utility, figures)
    places = places_of(work.ground, along_of(work.ground, routes), working, green)
    facts = [
        route_facts(work.ground, demand, place, day)
        for place, day in zip(places, dig_dates, strict=True)
    ]
    by_route = [
        {name: none_if_unknown(values[number]) for name, values in measures.items()}
        for number in range(len(routes.lines))
    ]
    return Told(figures, by_route, facts, places)


def judge_routes(
    work: Groundwork,
    demand: Demand,
    sites: Sequence[Site],
    routes: Routes,
    working: NDArray[Any],
) -> list[Route]:
    """Measure and judge traced routes of one demand with their working strips, in order.

    Tolerances of all are told when those of one are first asked for.
    """
    utility = demand.pipe.utility
    exactness = Exactness(demand, partial(hold_of, work, demand, sites, routes, working))
    told = tell(work, demand, [site.application.dig_date for site in sites], routes, working)
    figures, own = told.figures, told.measures
    roads = [place.roads for place in told.places]
    known = [
        {**facts, **site_facts(work, site, utility)}
        for facts, site in zip(told.facts, sites, strict=True)
    ]
    cost = costs(work.corridors, routes.measured, routes.crossed, work.rates(demand.pipe).yuan_m)
    if any(routes.bored):
        cost = cost - [
            work.saved_yuan(demand.pipe, np.array(edges, np.int64)).sum() for edges in routes.bored
        ]
    crossed = as_known(work.ground, routes.crossed)
    kerb_m, red_line_m = (crossed.of_line(name, len(sites)) for name in ("kerb_m", "red_line_m"))
    crossed_at = np.searchsorted(crossed.line, np.arange(len(sites) + 1)).tolist()
    assumed = work.corridors.surfaces.width_assumed
    judged = []
    for number, site in enumerate(sites):
        inputs = {**own[number], **known[number]}
        beside_assumed = bool(assumed[list(roads[number])].any())
        unverified = unverified_inputs(site.application, utility, beside_assumed)
        judged.append(
            Route(
                routes.ways[number],
                routes.lines[number],
                working[number],
                {
                    **{name: float(values[number]) for name, values in routes.measured.items()},
                    "kerb_m": float(kerb_m[number]),
                    "red_line_m": float(red_line_m[number]),
                    "city_kerb_m": float(figures.kerb_m[number]),
                    "city_red_line_m": float(figures.red_line_m[number]),
                    "green_m2": float(figures.green_m2[number]),
                    "cost_yuan": float(cost[number]),
                },
                crossed.take(slice(crossed_at[number], crossed_at[number + 1])),
                own[number],
                known[number],
                roads[number],
                Judging(utility, inputs, work.policy, unverified, exactness, number),
                bored=routes.bored[number],
            )
        )
    return judged


def hold_of_judged(
    work: Groundwork, demand: Demand, sites: Sequence[Site], routes: Sequence[Route]
) -> Hold:
    """What judged routes of one demand hang on."""
    kind, feature_id = joined_of(work, demand.pipe.utility, [route.way for route in routes])
    crossed = [
        route.crossed._replace(line=np.full_like(route.crossed.line, number))
        for number, route in enumerate(routes)
    ]
    return Hold(
        work,
        np.array([route.line for route in routes], object),
        Crossed.joined(crossed),
        kind,
        feature_id,
        [site.application.parcel_id for site in sites],
        np.array([route.strip for route in routes], object),
        half_strip_m(work, demand, len(routes)),
        [route.bored for route in routes],
    )


def answered_together(
    work: Groundwork, demand: Demand, sites: Sequence[Site], routes: Sequence[Route]
) -> list[Route]:
    """Judged routes of one demand, those of many with their answers by tables."""
    if len(routes) < _TABLE_PAYS:
        return list(routes)
    utility = demand.pipe.utility
    exactness = Exactness(demand, partial(hold_of_judged, work, demand, sites, routes))
    judgings = [
        replace(route.judging, exactness=exactness, number=number)
        for number, route in enumerate(routes)
    ]
    answers = _screened(work, utility, judgings)
    return [
        replace(route, judging=judging, screened=answer)
        for route, judging, answer in zip(routes, judgings, answers, strict=True)
    ]


def unverified_inputs(
    application: Application, utility: str, beside_assumed_width: bool
) -> tuple[str, ...]:
    """What rests on the usual demand of a land use, on a size derived by rules that nobody
    verified or given below what the needs ask for, or on a strip beside a road of assumed width.
    """
    place = _FROM_PLACE if beside_assumed_width else ()
    if application.is_estimate:
        return _FROM_DEMAND + _FROM_MAIN + _FROM_WAY + _FROM_WIDTH
    demand = application.demands.get(utility)
    sizing = None if demand is None else demand.sizing
    if sizing is None or not sizing.unverified:
        return place
    sizes = tuple(_INPUT_OF_SIZE.get(name, name) for name in sizing.unverified)
    return sizes + _FROM_MAIN + _FROM_WAY + _FROM_WIDTH


def _screened(
    work: Groundwork,
    utility: str,
    judgings: Sequence[Judging],
) -> list[Answer | None]:
    """Answers of what was measured of many routes, by tables."""
    answers: list[Answer | None] = [None] * len(judgings)
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, judging in enumerate(judgings):
        groups[judging.unverified].append(number)
    for names, numbers in groups.items():
        table = pd.DataFrame([judgings[n].inputs for n in numbers])
        judged = judge_rows(
            utility,
            table,
            work.policy,
            mode="plan",
            unverified=names,
            tolerances=pd.DataFrame([judgings[n].tolerances for n in numbers]),
        )
        told = [Answer.of(verdict) for verdict in judged.verdicts]
        for number, place in zip(numbers, judged.verdict_of.tolist(), strict=True):
            one = judgings[number]
            firm = told[place].certainty == "firm"
            alone = firm and (one.if_touched() or one.at_other_widths())
            answers[number] = Answer.of(one.verdict) if alone else told[place]
    return answers


def figures_of(
    work: Groundwork, routes: Routes, working: NDArray[Any], green_m2: FloatArray
) -> dict[str, Any]:
    """Figures of traced routes with their working strips (None where the width is unknown).

    By the names of ``Figures``, with the greenery in the strips.
    """
    lines = line_figures(work, routes)
    return {**lines, "green_m2": green_m2, "trees": trees_in(work.ground, working)}


def line_figures(work: Groundwork, routes: Routes) -> dict[str, FloatArray]:
    """Figures of traced routes that their lines tell, however wide their trenches are.

    What a route crosses of a road of assumed width is unknown, and so is what it crosses of roads
    overhead or along a wall: there is no word yet on how that counts.
    """
    count = len(routes.lines)
    aloft = _crosses_aloft(work, routes)
    counted = counted_crossings(work.ground, as_known(work.ground, routes.crossed))
    longest, own, piece_m = np.zeros(count), counted.line, counted.longest_m
    unknown = np.isnan(piece_m)
    np.maximum.at(longest, own[~unknown], piece_m[~unknown])
    longest[own[unknown]] = np.nan
    return {
        "length_m": routes.measured["length_m"],
        "kerb_m": np.where(aloft, np.nan, counted.of_line("kerb_m", count)),
        "red_line_m": np.where(aloft, np.nan, counted.of_line("red_line_m", count)),
        "longest_kerb_m": np.where(aloft, np.nan, longest),
        "reused_m": np.array([work.corridors.reused_m(e) if e else 0.0 for e in routes.bored]),
    }


def _crosses_aloft(work: Groundwork, routes: Routes) -> NDArray[np.bool_]:
    """Whether each route runs above or beside a carriageway on poles or along a wall."""
    found = np.zeros(len(routes.ways), bool)
    corridors = work.corridors
    for number, way in enumerate(routes.ways):
        carriers = corridors.carriers.among(way.edges) if routes.bored[number] else []
        edges = [edge for edge, _, laying in carriers if laying != "duct"]
        if edges:
            found[number] = len(corridors.surfaces.crossed(corridors.graph.lines[edges]).line) > 0
    return found


def as_known(ground: Ground, crossed: Crossed) -> Crossed:
    """Crossings with unknown lengths in roads whose carriageway width is only assumed."""
    unknown = ground.corridors.surfaces.width_assumed[crossed.road]
    if not unknown.any():
        return crossed
    names = ("kerb_m", "red_line_m", "longest_m")
    return crossed._replace(
        **{name: np.where(unknown, np.nan, getattr(crossed, name)) for name in names}
    )


def none_if_unknown(value: float) -> float | None:
    """A number of an array, in which NaN is unknown."""
    return None if np.isnan(value) else float(value)

"""The cheapest pair of feeds that qualifies, on paper and against pairs of ways of random towns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.ops import substring

from layers.survey import Survey
from planning.application import Demand
from planning.both_feeds import BothFeeds, both_feeds
from planning.external_lines import ExternalLine, external_lines, networkx_finder
from planning.groundwork import Groundwork, Site, prepare
from planning.judged_routes import Route
from planning.lanes import ALONG_STREETS
from planning.policy_model import Policy
from planning.qualifying import judge_ways
from planning.routes import Way
from tests import towns
from tests.planning.test_qualifying import ways_by_cost

WATER = {"water": {"nominal_mm": 150, "material": "PE", "feeds": 2}}
GAS = {"gas": {"nominal_mm": 100, "material": "PE", "pressure_mpa": 0.2, "feeds": 2}}


def judged_by(utility: str, limits: Mapping[str, str]) -> Policy:
    """The policy with other limits of a clause."""
    policy = towns.policy()
    rules = policy.rules[utility]
    clauses = tuple(
        replace(
            clause,
            all_of=tuple(
                replace(one, limit=Decimal(limits[one.input])) if one.input in limits else one
                for one in clause.all_of
            ),
        )
        for clause in rules.clauses
    )
    return replace(policy, rules={**policy.rules, utility: replace(rules, clauses=clauses)})


def solved(
    survey: Survey, limits: Mapping[str, str], utility: str = "water", **changes: Any
) -> tuple[Groundwork, Site, ExternalLine]:
    demands = {"water": WATER, "gas": GAS}[utility]
    case = towns.application(**{"demands": demands, **changes})
    work = prepare(survey, judged_by(utility, limits), [case])
    site = work.site(case)
    line = external_lines(work, case.demands[utility], [site], networkx_finder())[site.key]
    return work, site, line


# --- against pairs of ways in turn ---------------------------------------------------------------

MOST_WAYS, MOST_PAIRS = 60, 80


def ways_of_mains(work: Groundwork, site: Site, line: ExternalLine) -> list[Way]:
    """The cheapest ways that can be cut open throughout, from all mains."""
    never_cut = (work.corridors.graph.measures["kind"] == "bore").to_numpy()
    every: Iterator[Way] = ways_by_cost(work, site, line)
    return list(islice((w for w in every if not never_cut[list(w.edges)].any()), MOST_WAYS))


def kind_of_pair(work: Groundwork, utility: str, one: Route, two: Route) -> int:
    """0 on sides of streets of their own, 1 off each other's edges, 2 not apart."""
    table, connector = work.corridors.graph.measures, work.corridors.is_connector
    edges = [{e for e in route.way.edges if not connector[e]} for route in (one, two)]
    stubs = work.tie_ins(utility).lines
    for own, other in ((one, two), (two, one)):
        beside = shapely.intersection(stubs[own.way.tie_in], other.line.buffer(0.05))
        if beside.length > 1.0:
            return 2
    if edges[0] & edges[1]:
        return 2
    sides = [
        {
            (table["road"].iat[e], table["side"].iat[e])
            for e in own
            if table["kind"].iat[e] in ALONG_STREETS
        }
        for own in edges
    ]
    return 1 if sides[0] & sides[1] else 0


def pairs_by_cost(
    work: Groundwork, demand: Demand, site: Site, ways: list[Way]
) -> list[tuple[int, float, BothFeeds]]:
    """The cheapest pairs of ways from different mains: kind, yuan of the pieces, judged exactly."""
    utility = demand.pipe.utility
    none = [()] * len(ways)
    routes = judge_ways(work, demand, [site] * len(ways), ways, none, surveyed=False)
    main = work.tie_ins(utility).table["feature_id"].to_numpy()
    yuan = np.array([weight_of(work, demand, way) for way in ways])
    one, two = np.triu_indices(len(routes), 1)
    name = main[[way.tie_in for way in ways]]
    apart = name[one] != name[two]
    one, two = one[apart], two[apart]
    order = np.argsort(yuan[one] + yuan[two], kind="stable")[:MOST_PAIRS]
    found = []
    for a, b in zip(one[order].tolist(), two[order].tolist(), strict=True):
        first, second = sorted((routes[a], routes[b]), key=lambda r: r.figures["cost_yuan"])
        both = both_feeds(work, demand, site, first, second, surveyed=False)
        assert both is not None
        kind = kind_of_pair(work, utility, first, second)
        found.append((kind, float(yuan[a] + yuan[b]), both))
    return found


def weight_of(work: Groundwork, demand: Demand, way: Way) -> float:
    """Yuan of the pieces of a way that is cut open throughout."""
    search, edges = work.search(demand.pipe, "cheapest"), list(way.edges)
    cut = work.methods(demand.pipe).cut_yuan[edges] + work.corridors.graph.tie_break[edges]
    return float(search.tie_in_weights[way.tie_in] + cut.sum())


@st.composite
def towns_of_mains(draw: st.DrawFn) -> Survey:
    """A random town with two to four mains of its own beside its streets, lawns and young roads."""
    survey = draw(towns.random_towns())
    roads = survey.tables["roads"].geometry.to_list()
    lawns = {}
    for number in range(draw(st.integers(0, 3))):
        side = draw(st.sampled_from([-8.0, 8.0]))
        lawn = draw(st.sampled_from(roads)).offset_curve(side).buffer(draw(st.integers(1, 3)))
        lawns[f"V-{number}"] = {"kind": "verge", "geometry": _in_town_metres(lawn)}
    young = draw(st.lists(st.integers(0, len(roads) - 1), max_size=1))
    opened = survey.tables["roads"]["opened_on"].to_numpy(object, copy=True)
    opened[young] = "2025-06-01"
    survey = replace(
        survey,
        tables={
            **survey.tables,
            "green": towns.table("green", lawns),
            "roads": survey.tables["roads"].assign(opened_on=opened),
        },
    )
    rows = {}
    for number in range(draw(st.integers(2, 4))):
        centre = draw(st.sampled_from(roads))
        start, end = sorted(draw(st.lists(st.integers(0, 10), min_size=2, max_size=2, unique=True)))
        part = substring(centre, start / 10, end / 10, normalized=True)
        beside = part.offset_curve(draw(st.sampled_from([-9.0, -2.0, 5.5, 8.0])))
        rows[f"W-{number}"] = towns.main(*_in_town_metres(beside).coords)
    return replace(survey, tables={**survey.tables, "lines": towns.table("lines", rows)})


def _in_town_metres(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy - np.array(towns.ORIGIN))


def as_gas(survey: Survey) -> Survey:
    """The same town with gas mains in the place of water mains."""
    lines = survey.tables["lines"].assign(utility="gas", pressure_mpa=0.2)
    return replace(survey, tables={**survey.tables, "lines": lines})


def check_pairs(survey: Survey, limits: Mapping[str, str], utility: str, parcel_id: str) -> str:
    """Hold what is found against many pairs; tells what was found."""
    work, site, line = solved(survey, limits, utility, parcel_id=parcel_id)
    if line.both is None or line.demand is None or line.qualifying is None:
        return "no pair"
    kind = {"side": 0, "edges": 1, "none": 2}[str(line.second and line.second.apart)]
    ways = ways_of_mains(work, site, line)
    tried = pairs_by_cost(work, line.demand, site, ways)
    good = [(k, yuan) for k, yuan, both in tried if both.rank == 0]
    cost = sum(route.way.weight for route in line.both.routes)
    assert kind_of_pair(work, utility, *line.both.routes) == kind
    if line.qualifying_route == "found":
        assert line.both.rank == 0
        if line.qualifying.proven:
            assert all((k, yuan + 1e-3) >= (kind, cost) for k, yuan in good)
        return f"found, {line.recommended}"
    assert line.qualifying_route is not None
    assert line.both.rank > 0
    if line.qualifying_route != "not_proven":
        assert not good
    cheaper = [k for k, yuan, _ in tried if yuan < cost - 1e-3]
    assert all(k > kind for k in cheaper)
    reason = line.qualifying.reason
    return f"{line.qualifying_route}, {reason.kind if reason else ''}"


LENGTH = {"water": "pipe_length_m", "gas": "construction_length_m"}


def tighter(survey: Survey, utility: str, parcel_id: str, shares: tuple[float, float]) -> Any:
    """Limits at shares of what the cheapest pair measures, of length and of greenery."""
    free = {LENGTH[utility]: "9999", "green_affected_m2": "9999"}
    survey = survey if utility == "water" else as_gas(survey)
    line = solved(survey, free, utility, parcel_id=parcel_id)[2]
    if line.both is None:
        return free
    measured = line.second.cheapest.measures if line.second else {}
    named = (LENGTH[utility], "green_affected_m2")
    return {
        name: f"{(measured.get(name) or 0.0) * share:.1f}"
        for name, share in zip(named, shares, strict=True)
    }


@settings(max_examples=12)
@given(
    towns_of_mains(),
    st.sampled_from(["P-00w", "P-01e", "P-11w"]),
    st.sampled_from([(1.5, 0.6), (1.1, 0.9), (0.95, 2.0), (3.0, 0.3)]),
    st.sampled_from(["water", "gas"]),
)
def test_no_pair_betters_the_pair_found(
    survey: Survey, parcel_id: str, shares: tuple[float, float], utility: str
) -> None:
    limits = tighter(survey, utility, parcel_id, shares)
    check_pairs(survey if utility == "water" else as_gas(survey), limits, utility, parcel_id)

"""The cheapest pair of feeds that qualifies, on paper and against pairs of ways of random towns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from shapely.geometry import box
from shapely.ops import substring

from gis.network import told_apart
from layers.survey import Survey
from planning import feed_pairs, pair_search
from planning.application import Demand
from planning.batch import screen
from planning.both_feeds import BothFeeds, both_feeds
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.groundwork import Groundwork, Site, prepare
from planning.judged_routes import Route
from planning.lanes import ALONG_STREETS
from planning.plan import plan
from planning.policy_model import Policy
from planning.qualifying import judge_ways
from planning.qualifying_document import certificate_of, qualifying_price
from planning.remedies import Remedy, remedies
from planning.routes import Way
from planning.sources import main_of_lines
from tests import towns
from tests.planning.test_qualifying import ways_by_cost
from tests.towns import main, street, town

pytestmark = pytest.mark.slow_first

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
    line = external_lines(work, case.demands[utility], [site], nearby_finder())[site.key]
    return work, site, line


# --- on paper ------------------------------------------------------------------------------------

YOUNG = "2025-06-01"
# The parcel, y = 12 to 52, between two streets: W-1 and W-3 in one of them, W-2 in the other.
TWO_STREETS: dict[str, Any] = {
    "roads": {
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((0, 64), (300, 64), opened_on=YOUNG),
    },
    "lines": {
        "W-1": main((0, 8), (300, 8)),
        "W-2": main((0, 56), (300, 56)),
        "W-3": main((0, -8), (300, -8)),
    },
}


def two(line: ExternalLine) -> BothFeeds:
    assert line.both is not None
    return line.both


def names(work: Groundwork, both: BothFeeds, utility: str = "water") -> set[str]:
    table = work.tie_ins(utility).table["feature_id"]
    return {str(table.iloc[route.way.tie_in]) for route in both.routes}


def test_the_cheapest_pair_that_qualifies_is_recommended_with_its_price() -> None:
    work, _, line = solved(town(**TWO_STREETS), {})
    assert line.second is not None
    cheapest = line.second.cheapest
    assert cheapest is not None
    # 4 m through the footway to W-1 and 4 m to W-2, whose street is young; W-3 lies across R-1.
    assert names(work, cheapest) == {"W-1", "W-2"}
    assert cheapest.verdict.outcome == "blocked"
    assert (line.recommended, line.qualifying_route) == ("qualifying", "found")
    assert (names(work, two(line)), two(line).rank) == ({"W-1", "W-3"}, 0)
    assert line.qualifying is not None
    assert line.qualifying.proven
    assert certificate_of(line, work.policy) is None
    price = qualifying_price(line, work.policy)
    assert price is not None
    assert price["extra_yuan"] == pytest.approx(
        two(line).figures["cost_yuan"] - cheapest.figures["cost_yuan"]
    )
    assert price["extra_m"] == pytest.approx(
        two(line).figures["length_m"] - cheapest.figures["length_m"]
    )
    assert price["text"].startswith("两路合计多花")
    assert "不得挖掘变为告知承诺制审批" in price["text"]


def test_where_the_cheapest_pair_qualifies_nothing_else_is_searched() -> None:
    line = solved(town(lines=TWO_STREETS["lines"]), {})[2]
    assert (line.recommended, line.qualifying_route) == ("cheapest", "found")
    assert line.second is not None
    assert line.second.both is line.second.cheapest
    assert qualifying_price(line, towns.policy()) is None


def test_a_plan_of_two_feeds_says_of_every_route_what_both_come_to() -> None:
    found = plan(towns.application(demands=WATER), town(**TWO_STREETS), towns.policy())
    document = found.to_json()
    line = next(one for one in document["utilities"] if one["utility"] == "water")
    kinds = {one["kind"]: one for one in line["routes"]}
    assert {kind: one["outcome"] for kind, one in kinds.items()} | {"shortest": ""} == {
        "cheapest": "blocked",
        "shortest": "",
        "qualifying": "commitment",
    }
    second = line["second_feed"]
    assert second["together"] == kinds["qualifying"]["together"]
    other = second["cheapest"]["route"]
    assert other["together"] == kinds["cheapest"]["together"]
    assert other["length_m"] + kinds["cheapest"]["length_m"] == pytest.approx(
        other["together"]["length_m"]
    )
    assert line["qualifying_price"]["extra_yuan"] == pytest.approx(
        second["together"]["cost_yuan"] - other["together"]["cost_yuan"]
    )
    # A number of both is traced to both mains, one of a single route to its own.
    own = kinds["qualifying"]["tie_in"]["line_id"]
    assert traced(document, "measures/*/value") == {"W-1", "W-3"}
    assert traced(document, "second_feed/route/length_m") == {"W-1", "W-3"} - {own}
    for one in line["alternatives"]:
        assert one["tie_in"]["line_id"] != second["route"]["tie_in"]["line_id"]
        assert one["together"] is not None
    points = line["pareto"]["length_m"]
    assert all(one["cost_yuan"] > second["route"]["cost_yuan"] for one in points)


def traced(document: dict[str, Any], path: str) -> set[str]:
    """Mains that the trace names for the numbers at a path of the only utility."""
    number = next(n for n, u in enumerate(document["utilities"]) if u["utility"] == "water")
    wanted = f"/utilities/{number}/{path}".split("/")
    rows = [
        row
        for row in document["trace"]
        if len(row["path"].split("/")) == len(wanted)
        and all(
            a == b or "*" in (a, b) for a, b in zip(row["path"].split("/"), wanted, strict=True)
        )
    ]
    assert rows
    return {one["id"] for row in rows for one in row["inputs"] if one["layer"] == "lines"}


def test_two_gas_lines_in_one_trench_qualify_where_two_trenches_would_be_too_long() -> None:
    """South of the river bank there is nothing, so that both lie north: 施工长度 counts it once."""
    gas = {"utility": "gas", "pressure_mpa": 0.2, "diameter_mm": 200.0}
    river = {"V-1": {"kind": "river", "geometry": box(-50, -60, 350, -5.2)}}
    lines = {"G-1": main((70, 8), (80, 8), **gas), "G-2": main((62, 8), (69, 8), **gas)}
    survey = town(lines=lines, water_bodies=river)
    limits = {"construction_length_m": "70"}
    line = solved(survey, limits, "gas", gate=(120, 12))[2]
    assert (line.qualifying_route, line.second and line.second.apart) == ("found", "none")
    assert two(line).shared_m > 40
    ground_m = two(line).measures["construction_length_m"]
    assert ground_m is not None
    assert ground_m <= 70 < two(line).figures["length_m"]
    tight = {"construction_length_m": "50"}
    assert solved(survey, tight, "gas", gate=(120, 12))[2].qualifying_route == "none"


def test_a_search_that_gives_up_recommends_the_cheapest_pair_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = pair_search.cheapest_pair

    def tired(problem: Any, *, limit: int, **how: Any) -> Any:
        return whole(problem, limit=limit if len(problem.caps) == 0 else 0, **how)

    monkeypatch.setattr(pair_search, "cheapest_pair", tired)
    monkeypatch.setattr(pair_search, "MOST_SEARCHES", 60)
    line = solved(town(**TWO_STREETS), {})[2]
    assert (line.recommended, line.qualifying_route) == ("cheapest", "not_proven")
    told = certificate_of(line, towns.policy())
    assert told is not None
    assert (told["kind"], told["text"]) == (
        "limit",
        "搜索到上限为止没有找到合计符合条件的两路,尚未证明没有",
    )


def test_a_second_main_too_far_to_search_for_is_joined_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """900 m off, past more edges than a search for pairs looks at: routed, and not proven."""
    roads = {"R-1": street((0, 0), (1500, 0))}
    roads |= {f"C-{x}": street((x, -60), (x, 60)) for x in range(50, 1450, 100)}
    lines = {"W-1": main((0, 8), (300, 8)), "W-2": main((1200, 8), (1400, 8))}
    parcels = {"P-1": towns.parcel(310, 12, 340, 40)}
    survey = towns.town(roads=roads, parcels=parcels, lines=lines)
    monkeypatch.setattr(feed_pairs, "MOST_PIECES", 100)
    _, _, line = solved(survey, {})
    assert line.second is not None
    assert line.second.route is not None
    assert line.second.reason is None
    assert line.status == "routed"
    assert line.qualifying_route not in ("none", "found")


def test_a_unit_that_does_not_say_its_line_leaves_open_whether_none_qualifies() -> None:
    unit = {"utility": "power", "kind": "ring_main_unit", "spare_bays": 2, "voltage_kv": 10.0}
    wish = {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 150, "feeds": 2}
    roads = {"R-1": street((0, 0), (300, 0), opened_on=YOUNG)}

    def told(*line_ids: str | None) -> tuple[str | None, str]:
        nodes = {
            f"N-{x}": towns.node(x, 8.5, **unit, line_id=line_id)
            for x, line_id in zip((110, 130, 150), line_ids, strict=True)
        }
        line = towns.line_of(town(nodes=nodes, roads=roads), "power", demands={"power": wish})
        found = certificate_of(line, towns.policy())
        assert found is not None
        return line.qualifying_route, found["kind"]

    assert told("D-1", "D-2", "D-1") == ("none", "no_path")
    assert told("D-1", "D-2", None) == ("not_proven", "source_unknown")


def test_screening_recommends_the_pair_that_the_plan_does() -> None:
    case, survey = towns.application(demands=WATER), town(**TWO_STREETS)
    work = towns.ground(survey, case)
    row = screen(work, [case] * 9, ["water"]).iloc[0]
    line = plan(case, survey, towns.policy()).lines["water"]
    assert (row["recommended"], row["qualifying_route"]) == ("qualifying", "found")
    assert row["pipe_length_m"] == two(line).measures["pipe_length_m"]
    assert row["cost_yuan"] == two(line).figures["cost_yuan"]
    assert row["geometry"].equals(shapely.MultiLineString([one.line for one in two(line).routes]))
    assert set(row["tie_in_id"].split(";")) == {"W-1", "W-3"}


# --- what would make two feeds eligible ----------------------------------------------------------


def cured(survey: Survey, limits: Mapping[str, str], **changes: Any) -> dict[str, Remedy]:
    work, site, line = solved(survey, limits, **changes)
    assert line.qualifying_route == "none"
    return {one.kind: one for one in remedies(work, site, line)}


def both_in(one: Remedy) -> BothFeeds:
    assert isinstance(one.judged, BothFeeds)
    return one.judged


def test_two_feeds_wait_for_the_day_when_their_street_is_no_longer_young() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on=YOUNG)}
    lines = {name: TWO_STREETS["lines"][name] for name in ("W-1", "W-3")}
    one = cured(town(lines=lines, roads=roads), {})["later_date"]
    assert (one.input, one.value_after) == ("road_opened_on", "2030-06-02")
    assert one.outcome_after == "commitment"


def test_two_feeds_that_are_too_large_come_smaller() -> None:
    lines = {
        name: main(*line, diameter_mm=400.0)
        for name, line in {"W-1": [(0, 8), (300, 8)], "W-3": [(0, -8), (300, -8)]}.items()
    }
    wish = {"water": {"nominal_mm": 350, "material": "ductile_iron", "feeds": 2}}
    one = cured(town(lines=lines), {}, demands=wish)["smaller_size"]
    assert (one.value_before, one.value_after, one.outcome_after) == (350, 300, "commitment")


def test_two_feeds_that_are_too_long_from_the_gate_end_elsewhere() -> None:
    lines = {"W-1": main((60, 8), (88, 8)), "W-3": main((60, -8), (88, -8))}
    limits = {"pipe_length_m": "70"}
    one = cured(town(lines=lines), limits, gate=(140, 12))["nearer_end_point"]
    assert one.input == "pipe_length_m"
    assert one.value_after <= 70 < one.value_before
    assert one.outcome_after == "commitment"
    assert both_in(one).measures["pipe_length_m"] == one.value_after
    assert one.extra_yuan is not None
    assert one.extra_yuan < 0


def test_two_feeds_come_from_other_mains_when_only_the_guard_counts() -> None:
    """The way to the mains of the old street is past the limit on length: nothing qualifies."""
    streets = {
        "roads": {
            "R-1": street((0, 0), (300, 0), opened_on=YOUNG),
            "R-2": street((0, 104), (300, 104)),
        },
        "lines": {
            "W-1": main((0, 8), (300, 8)),
            "W-2": main((0, -8), (300, -8)),
            "W-3": main((0, 96), (70, 96)),
            "W-4": main((0, 112), (70, 112)),
        },
        "parcels": {"P-1": towns.parcel(100, 12, 140, 92)},
    }
    one = cured(town(**streets), {"pipe_length_m": "30"})["other_tie_in"]
    assert (one.input, one.outcome_after) == ("road_opened_on", "ordinary_approval")
    assert one.text in ("改由 W-3、W-4 接入", "改由 W-4、W-3 接入")
    assert min(route.figures["length_m"] for route in both_in(one).routes) > 30


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
    routes = judge_ways(work, demand, [site] * len(ways), ways, none)
    main_of = main_of_lines(work)
    main = work.tie_ins(utility).table["feature_id"].map(main_of).to_numpy()
    yuan = np.array([weight_of(work, demand, way) for way in ways])
    one, two = np.triu_indices(len(routes), 1)
    name = main[[way.tie_in for way in ways]]
    apart = name[one] != name[two]
    one, two = one[apart], two[apart]
    order = np.argsort(yuan[one] + yuan[two], kind="stable")[:MOST_PAIRS]
    found = []
    for a, b in zip(one[order].tolist(), two[order].tolist(), strict=True):
        first, second = sorted((routes[a], routes[b]), key=lambda r: r.figures["cost_yuan"])
        both = both_feeds(work, demand, site, first, second)
        assert both is not None
        kind = kind_of_pair(work, utility, first, second)
        found.append((kind, float(yuan[a] + yuan[b]), both))
    return found


def weight_of(work: Groundwork, demand: Demand, way: Way) -> float:
    """Yuan of the pieces of a way that is cut open throughout."""
    search, edges = work.search(demand.pipe, "cheapest"), list(way.edges)
    cut_yuan, tie_break = work.methods(demand.pipe).cut_yuan, work.corridors.graph.tie_break
    cut = told_apart(cut_yuan[edges], tie_break[edges])
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


def solved_case(
    survey: Survey, parcel_id: str, shares: tuple[float, float], utility: str
) -> tuple[Groundwork, Site, ExternalLine]:
    """A drawn case of ``CASES`` solved under its limits."""
    limits = tighter(survey, utility, parcel_id, shares)
    survey = survey if utility == "water" else as_gas(survey)
    return solved(survey, limits, utility, parcel_id=parcel_id)


# An example takes seconds, and a smaller town that fails would be looked for through five minutes.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
# Towns with several mains, a parcel, limits as shares of the cheapest pair, and a utility.
CASES = (
    towns_of_mains(),
    st.sampled_from(["P-00w", "P-01e", "P-11w"]),
    st.sampled_from([(1.5, 0.6), (1.1, 0.9), (0.95, 2.0), (3.0, 0.3)]),
    st.sampled_from(["water", "gas"]),
)


@settings(max_examples=12, phases=UNSHRUNK)
@given(*CASES)
def test_no_pair_betters_the_pair_found(
    survey: Survey, parcel_id: str, shares: tuple[float, float], utility: str
) -> None:
    limits = tighter(survey, utility, parcel_id, shares)
    check_pairs(survey if utility == "water" else as_gas(survey), limits, utility, parcel_id)

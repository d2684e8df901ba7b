"""The cheapest route that qualifies, on paper and against all ways of random towns in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from layers.survey import Survey
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.groundwork import Groundwork, Site, prepare
from planning.judged_routes import QUALIFYING
from planning.plan import plan
from planning.policy_model import Policy
from planning.qualifying import judge_ways
from planning.qualifying_document import certificate_of, qualifying_price
from planning.route_pieces import green_bounds
from planning.routes import Way
from tests import towns
from tests.towns import line_of, main, street, town

pytestmark = pytest.mark.slow_first

YOUNG = "2024-01-01"


def judged_by(limits: dict[str, str]) -> Policy:
    """The policy with other limits of the water clause."""
    policy = towns.policy()
    rules = policy.rules["water"]
    clauses = tuple(
        replace(
            clause,
            all_of=tuple(
                replace(one, limit=Decimal(limits.get(one.input, str(one.limit))))
                for one in clause.all_of
            ),
        )
        for clause in rules.clauses
    )
    return replace(policy, rules={**policy.rules, "water": replace(rules, clauses=clauses)})


def solved(survey: Survey, limits: dict[str, str], **changes: Any) -> tuple[Groundwork, Site, Any]:
    case = towns.application(**changes)
    work = prepare(survey, judged_by(limits), [case])
    site = work.site(case)
    line = external_lines(work, case.demands["water"], [site], nearby_finder())[site.key]
    return work, site, line


# --- on paper ------------------------------------------------------------------------------------


def test_a_route_that_surely_qualifies_is_found_though_its_pieces_leave_it_open() -> None:
    """The estate street alone may need no permit; the whole route digs the old city street too."""
    roads = {
        "R-new": street((0, 0), (160, 0), opened_on="2025-06-01"),
        "R-estate": street((160, 0), (220, 0), authority=None),
        "R-old": street((220, 0), (400, 0)),
    }
    lines = {
        "W-near": main((100, -8), (150, -8)),
        "W-far": main((300, 8), (380, 8)),
    }
    parcels = {"P-1": towns.parcel(168, 12, 208, 52)}
    line = line_of(town(roads=roads, lines=lines, parcels=parcels), gate=(190, 12))
    assert (line.recommended, line.qualifying_route) == ("qualifying", "found")
    assert line.routes["cheapest"].rank > 0
    assert line.qualifying is not None
    assert line.qualifying.proven
    assert line.verdict is not None
    assert set(line.verdict.possible) <= set(QUALIFYING)


# The parcel, y = 12 to 52, lies between two streets with mains 5 and 4 m from its red line.
TWO_STREETS = {
    "roads": {
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((0, 64), (300, 64)),
    },
    "lines": {"W-1": main((0, 7), (300, 7)), "W-2": main((0, 56), (300, 56))},
}


def certificate(line: ExternalLine) -> dict[str, Any]:
    found = certificate_of(line, towns.policy())
    assert found is not None
    return found


def test_the_way_round_a_young_road_is_recommended_with_its_price() -> None:
    # 4 m through the footway of the young street, 5 m through that of the other.
    streets = {
        "roads": {
            "R-1": street((0, 0), (300, 0)),
            "R-2": street((0, 64), (300, 64), opened_on=YOUNG),
        },
        "lines": TWO_STREETS["lines"],
    }
    line = line_of(town(**streets))
    assert line.routes["cheapest"].figures["length_m"] == pytest.approx(4)
    assert line.routes["cheapest"].verdict.outcome == "blocked"
    assert (line.recommended, line.qualifying_route) == ("qualifying", "found")
    assert line.route is not None
    assert line.route.figures["length_m"] == pytest.approx(5)
    assert line.route.verdict.outcome == "commitment"
    price = qualifying_price(line, towns.policy())
    assert price is not None
    assert price["extra_m"] == pytest.approx(1)
    assert price["extra_yuan"] == pytest.approx(
        line.route.figures["cost_yuan"] - line.routes["cheapest"].figures["cost_yuan"]
    )
    assert "不得挖掘变为告知承诺制审批" in price["text"]


def test_where_the_cheapest_qualifies_nothing_else_is_searched_or_priced() -> None:
    line = line_of(town(**TWO_STREETS))
    assert (line.recommended, line.qualifying_route) == ("cheapest", "found")
    assert line.qualifying is not None
    assert line.qualifying.proven
    assert line.qualifying.lower_bound == line.routes["cheapest"].figures["cost_yuan"]
    assert qualifying_price(line, towns.policy()) is None
    assert certificate_of(line, towns.policy()) is None


def test_only_young_streets_leave_no_path() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on=YOUNG)}
    line = line_of(town(lines={"W-1": main((0, 8), (300, 8))}, roads=roads))
    assert (line.recommended, line.qualifying_route) == ("cheapest", "none")
    assert certificate(line)["kind"] == "no_path"


def test_an_unknown_age_leaves_it_open_and_the_cheapest_is_recommended() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on=None)}
    line = line_of(town(lines={"W-1": main((0, 8), (300, 8))}, roads=roads))
    assert (line.recommended, line.qualifying_route) == ("cheapest", "open")
    assert line.qualifying is not None
    assert line.qualifying.possible is line.routes["cheapest"]
    assert certificate_of(line, towns.policy()) is None


def test_a_road_of_unknown_age_is_no_way_round_a_young_one_but_leaves_it_open() -> None:
    streets = {
        "roads": {
            "R-1": street((0, 0), (300, 0), opened_on=None),
            "R-2": street((0, 64), (300, 64), opened_on=YOUNG),
        },
        "lines": TWO_STREETS["lines"],
    }
    line = line_of(town(**streets))
    assert (line.recommended, line.qualifying_route) == ("cheapest", "open")
    assert line.verdict is not None
    assert line.verdict.outcome == "blocked"
    assert line.qualifying is not None
    assert line.qualifying.possible is not None
    assert line.qualifying.possible.figures["length_m"] == pytest.approx(5)


def test_a_size_that_no_route_changes_is_named() -> None:
    lines = {"W-1": main((0, 8), (300, 8), diameter_mm=400)}
    line = line_of(town(lines=lines), demands={"water": {"nominal_mm": 350}})
    assert certificate(line) == {
        "kind": "demand",
        "input": "max_dn_mm",
        "least": 350,
        "limit": 300,
        "text": "最大公称管径 350.00 mm,上限 300.00 mm,换路由不能改变",
    }


def test_an_estate_road_makes_even_a_large_pipe_qualify() -> None:
    # Off city roads, greenery and trees no permit is needed, whatever the size.
    lines = {"W-1": main((0, 8), (300, 8), diameter_mm=400)}
    roads = {"R-1": street((0, 0), (300, 0), authority="estate")}
    line = line_of(town(lines=lines, roads=roads), demands={"water": {"nominal_mm": 350}})
    assert line.qualifying_route == "found"
    assert line.verdict is not None
    assert line.verdict.outcome == "not_required"


def test_a_place_outside_the_plan_is_named() -> None:
    small = {"A-1": {"kind": "urban_area", "geometry": box(0, 0, 1, 1)}, **towns.NETWORKS}
    line = line_of(town(lines={"W-1": main((0, 8), (300, 8))}, service_areas=small))
    assert line.qualifying_route == "none"
    assert (certificate(line)["kind"], certificate(line)["input"]) == ("site", "in_service_area")


def test_no_way_is_shorter_than_the_limit() -> None:
    # The only main ends at (20, 8): 10.08 m to the crossing's node, 72 m along, 5.25 m in.
    survey = town(lines={"W-1": main((0, 8), (20, 8))})
    work, _, line = solved(survey, {"pipe_length_m": "50"})
    assert line.qualifying_route == "none"
    found = certificate_of(line, work.policy)
    assert found is not None
    assert (found["kind"], found["input"], found["limit"]) == ("cap", "pipe_length_m", 50)
    assert found["least"] == pytest.approx(line.routes["shortest"].figures["length_m"])


# A lawn along the near side, so the cheaper verge way takes green; the far side has none.
LAWN = {"V-1": {"kind": "verge", "geometry": box(25, 5.2, 95, 11)}}


def test_the_way_that_spares_the_lawn_is_recommended_where_the_lawn_is_too_much() -> None:
    survey = town(lines={"W-1": main((0, 8), (20, 8))}, green=LAWN)
    line = solved(survey, {"green_affected_m2": "30"})[2]
    assert line.routes["cheapest"].measures["green_affected_m2"] > 30
    assert (line.recommended, line.qualifying_route) == ("qualifying", "found")
    assert line.route.measures["green_affected_m2"] <= 30
    assert line.route.figures["kerb_m"] > 0  # over to the far side and back
    assert line.qualifying.proven


def test_limits_that_can_be_kept_singly_but_not_together() -> None:
    # Along the lawn it is short, by the far side it is green-free: not both.
    survey = town(lines={"W-1": main((0, 8), (20, 8))}, green=LAWN)
    _, _, free = solved(survey, {"green_affected_m2": "30"})
    between = (free.routes["shortest"].figures["length_m"] + free.route.figures["length_m"]) / 2
    limits = {"green_affected_m2": "30", "pipe_length_m": f"{between:.0f}"}
    work, _, line = solved(survey, limits)
    assert line.qualifying_route == "none"
    found = certificate_of(line, work.policy)
    assert found is not None
    assert found["kind"] == "together"


def test_a_plan_carries_the_search_and_the_verdict_of_every_route() -> None:
    streets = {
        "roads": {
            "R-1": street((0, 0), (300, 0)),
            "R-2": street((0, 64), (300, 64), opened_on=YOUNG),
        },
        "lines": TWO_STREETS["lines"],
    }
    document = plan(towns.application(), town(**streets), towns.policy()).to_json()
    line = next(one for one in document["utilities"] if one["utility"] == "water")
    assert line["recommended"] == "qualifying"
    assert {one["kind"]: one["outcome"] for one in line["routes"]} == {
        "cheapest": "blocked",
        "shortest": "blocked",
        "qualifying": "commitment",
    }
    assert line["qualifying_price"]["extra_m"] == pytest.approx(1)
    assert line["certificate"] is None


# --- bounds of green -----------------------------------------------------------------------------


def test_bounds_of_green_are_areas_less_half_of_what_two_share() -> None:
    # Two strips of 10 x 2 m that meet at a right angle share 2 x 2 m, a third lies apart.
    green = [box(0, 0, 10, 2), box(8, 0, 10, 10), box(20, 0, 30, 2), None]
    ends = np.array([[0, 1], [1, 2], [3, 4], [4, 5]])
    bounds = green_bounds(green, ends, np.zeros(4, np.int64))
    assert bounds == pytest.approx([18, 18, 20, 0], abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(1, 8)] * 2), min_size=1, max_size=7
    ),
    st.data(),
)
def test_bounds_of_green_never_add_up_to_more_than_the_union_of_a_way(
    boxes: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    # Pieces 0, 1, 2 … follow one another; any run of them is a way, whatever the boxes share.
    green = [box(x, y, x + w, y + h) for x, y, w, h in boxes]
    ends = np.array([[n, n + 1] for n in range(len(green))])
    bounds = green_bounds(green, ends, np.zeros(len(green), np.int64))
    start = data.draw(st.integers(0, len(green) - 1))
    end = data.draw(st.integers(start, len(green) - 1)) + 1
    assert bounds[start:end].sum() <= shapely.union_all(green[start:end]).area + 1e-6


# --- against all ways in turn --------------------------------------------------------------------

MOST_TRIED = 150


def ways_by_cost(work: Groundwork, site: Site, line: ExternalLine) -> Iterator[Way]:
    """Every way from any tie-in to the site, cheapest first (Yen's algorithm of networkx)."""
    assert line.demand is not None
    search, graph = work.search(line.demand.pipe, "cheapest"), nx.Graph()
    corridors = work.corridors
    own = np.isin(corridors.graph.ends, site.end_nodes).any(axis=1)

    def offer(one: Any, two: Any, weight: float, key: Any) -> None:
        # parallel edges stand apart, by a node between them
        graph.add_edge(one, ("by", key), weight=weight / 2)
        graph.add_edge(("by", key), two, weight=weight / 2)

    for edge, (start, end) in enumerate(corridors.graph.ends.tolist()):
        if (own[edge] or not corridors.is_connector[edge]) and np.isfinite(
            search.edge_weights[edge]
        ):
            offer(start, end, float(search.edge_weights[edge]), edge)
    for row, node in enumerate(search.tie_ins.table["node"].tolist()):
        if np.isfinite(search.tie_in_weights[row]):
            offer("network", node, float(search.tie_in_weights[row]), ~row)
    for node in site.end_nodes.tolist():
        graph.add_edge(node, "red line", weight=0.0)
    if not {"network", "red line"} <= set(graph):
        return
    for walk in nx.shortest_simple_paths(graph, "network", "red line", weight="weight"):
        keys = [step[1] for step in walk if isinstance(step, tuple)]
        yield Way(~keys[0], tuple(keys[1:]), walk[-2], 0.0)


@settings(max_examples=12, deadline=None)
@given(
    towns.random_towns(),
    st.sampled_from(["P-00w", "P-01e", "P-11w"]),
    st.sampled_from(["20", "45", "90", "200"]),
    st.sampled_from(["5", "15", "40", "200"]),
)
def test_the_route_found_is_the_first_of_all_ways_that_qualifies(
    survey: Survey, parcel_id: str, most_m: str, most_m2: str
) -> None:
    limits = {"pipe_length_m": most_m, "green_affected_m2": most_m2}
    work, site, line = solved(survey, limits, parcel_id=parcel_id)
    if line.route is None:
        return
    ways = list(islice(_without_bores(work, ways_by_cost(work, site, line)), MOST_TRIED))
    tried = judge_ways(work, line.demand, [site] * len(ways), ways, [()] * len(ways))
    first = next((route for route in tried if route.rank == 0), None)
    found = line.qualifying
    if first is not None:
        assert found.route is not None
        assert found.proven
        assert found.route.figures["cost_yuan"] <= first.figures["cost_yuan"] + 1e-6
    if found.route is not None:
        assert found.route.rank == 0
        cheaper = [
            route
            for route in tried
            if route.figures["cost_yuan"] < found.route.figures["cost_yuan"] - 1e-6
        ]
        assert all(route.rank > 0 for route in cheaper)


def _without_bores(work: Groundwork, ways: Iterator[Way]) -> Iterator[Way]:
    """Ways that can be cut open throughout."""
    never_cut = (work.corridors.graph.measures["kind"] == "bore").to_numpy()
    return (way for way in ways if not never_cut[list(way.edges)].any())

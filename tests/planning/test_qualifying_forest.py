"""One forest over pieces that qualify answers many sites as the search round each of them does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import networkx as nx
import numpy as np
import pytest
from shapely.geometry import box

from layers.survey import Survey
from layers.utilities import load_utilities
from planning import qualifying
from planning.application import Demand
from planning.batch import cases_of, screen
from planning.external_lines import ExternalLine, all_by_forest, external_lines
from planning.groundwork import Groundwork, Site, prepare
from planning.judged_routes import Route
from planning.local_edits import edited
from planning.qualifying import POSSIBLE, SURE
from planning.qualifying_forest import Forests, QualifyingForest
from planning.rescreening import rescreened, screened
from planning.route_pieces import piece_book
from planning.sized_demands import with_sizes
from tests import towns
from tests.planning.test_rescreening import assert_same_answers
from tests.random_counties import random_county
from tests.towns import main, street, town

pytestmark = pytest.mark.slow_first

SEEDS = range(8)


def groups(work: Groundwork) -> Iterator[tuple[Demand, list[Site]]]:
    """Every demand of the default cases of a county, with the sites that have it."""
    cases = cases_of(work.survey, [], towns.dig_date())
    sized = [with_sizes(case, work.policy) for case in cases]
    for utility in load_utilities():
        sites: dict[Demand, list[Site]] = {}
        for case in sized:
            if utility in case.demands:
                sites.setdefault(case.demands[utility], []).append(work.site(case))
        yield from sites.items()


def solved(
    work: Groundwork, demand: Demand, sites: Sequence[Site], *, by_forest: bool
) -> dict[str, ExternalLine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Forests, "pay", by_forest)
        return external_lines(work, demand, sites, all_by_forest)


def told(route: Route | None) -> object:
    return route and (route.way.tie_in, route.way.edges, route.way.end_node, route.bored)


def answer(line: ExternalLine) -> object:
    """Status, proof and routes of the search for a route that qualifies."""
    found = line.qualifying
    if found is None:
        return line.status, line.reason
    routes = told(found.route), told(found.possible), told(line.route)
    return line.status, found.status, found.proven, routes


def test_answers_of_random_counties_are_those_of_searches_round_each_site() -> None:
    kinds = Counter[str | None]()
    for seed in SEEDS:
        one, other = (prepare(random_county(seed), towns.policy()) for _ in range(2))
        for demand, sites in groups(one):
            lines = solved(one, demand, sites, by_forest=True)
            expected = solved(other, demand, sites, by_forest=False)
            assert {key: answer(line) for key, line in lines.items()} == {
                key: answer(line) for key, line in expected.items()
            }
            kinds.update(line.qualifying_route for line in lines.values())
    assert min(kinds["found"], kinds["open"], kinds["none"]) >= 5, kinds


def test_what_a_search_gives_up_the_forest_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (prepare(random_county(3), towns.policy()) for _ in range(2))
    expected = [solved(one, *group, by_forest=False) for group in groups(one)]
    monkeypatch.setattr(qualifying, "MOST_PIECES", 0)
    told = 0
    for group, lines in zip(groups(other), expected, strict=True):
        for key, line in solved(other, *group, by_forest=False).items():
            if line.qualifying_route != "not_proven":
                assert answer(line) == answer(lines[key])
                told += 1
    assert told > 10


# --- on paper ------------------------------------------------------------------------------------


YOUNG = "2026-01-01"


def two_streets() -> Survey:
    """The nearer main lies in a street opened last year, the other one in an old street."""
    return town(
        roads={
            "R-1": street((0, 0), (300, 0)),
            "R-2": street((0, 64), (300, 64), opened_on=YOUNG),
        },
        lines={"W-1": main((0, 7), (300, 7)), "W-2": main((0, 56), (300, 56))},
    )


def test_the_cheapest_way_over_pieces_that_qualify_is_the_answer_where_it_does() -> None:
    case = towns.application()
    work = towns.ground(two_streets(), case)
    site, demand = work.site(case), case.demands["water"]
    lines = [
        solved(towns.ground(two_streets(), case), demand, [site], by_forest=told)[site.key]
        for told in (True, False)
    ]
    for line in lines:
        assert (line.recommended, line.qualifying_route) == ("qualifying", "found")
        tie_ins = work.tie_ins("water")
        assert tie_ins.feature_ids[line.route.way.tie_in] == "W-1"
        assert tie_ins.feature_ids[line.routes["cheapest"].way.tie_in] == "W-2"


def verges(*names: str) -> Survey:
    """The old street leads to its main past verges, of which each takes half of what two may."""
    mains = {"W-1": main((300, 7), (700, 7)), "W-2": main((-100, 56), (700, 56))}
    streets = {
        "R-1": street((-100, 0), (700, 0)),
        "R-2": street((-100, 64), (700, 64), opened_on=YOUNG),
    }
    shapes = {"V-1": box(141, 5.2, 201, 12), "V-2": box(240, 5.2, 299, 12)}
    green = {name: {"kind": "verge", "geometry": shapes[name]} for name in names}
    return town(roads=streets, lines=mains, green=green)


def test_where_the_cheapest_way_fails_as_a_whole_others_may_qualify() -> None:
    case = towns.application()
    for by_forest in (True, False):
        work = towns.ground(verges("V-1", "V-2"), case)
        site, demand = work.site(case), case.demands["water"]
        line = solved(work, demand, [site], by_forest=by_forest)[site.key]
        assert line.qualifying_route == "found"
        assert work.tie_ins("water").feature_ids[line.route.way.tie_in] == "W-1"
        forest = Forests(piece_book(work, demand, site), [site])
        first = forest.way_to(site, SURE, worst=False)
        assert (first.way.tie_in, first.way.edges) != (line.route.way.tie_in, line.route.way.edges)


def test_a_screening_by_forest_tells_what_its_answers_hang_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second verge is planted beside the way found, far from the red line."""
    monkeypatch.setattr(Forests, "pay", True)
    case = towns.application()
    one, two = verges("V-1"), verges("V-1", "V-2")
    first = screened(towns.ground(one, case), [case], ["water"])
    assert first.table["qualifying_route"].tolist() == ["found"]
    again = rescreened(first, edited(first.work, two), [case]).table
    assert_same_answers(again, screen(towns.ground(two, case), [case], ["water"]))
    assert again["cost_yuan"].tolist() != first.table["cost_yuan"].tolist()


def test_a_few_sites_are_searched_each_for_itself_and_many_of_a_county_by_forest() -> None:
    case = towns.application()
    work = towns.ground(two_streets(), case)
    site = work.site(case)
    book = piece_book(work, case.demands["water"], site)
    assert work.corridors.graph.edge_count < 1_000
    assert [Forests(book, [site] * count).pay for count in (1, 7, 8)] == [False, False, True]


def test_lines_that_keep_a_fall_are_left_to_their_own_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = towns.application()
    work = towns.ground(two_streets(), case)
    monkeypatch.setattr(qualifying, "is_steered", lambda _demand: True)
    monkeypatch.setattr(Forests, "way_to", None)
    line = solved(work, case.demands["water"], [work.site(case)], by_forest=True)
    assert [one.qualifying_route for one in line.values()] == ["found"]


# --- how far ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("level", [SURE, POSSIBLE])
def test_nothing_that_a_site_reaches_lies_farther_than_is_told(seed: int, level: int) -> None:
    work = prepare(random_county(seed), towns.policy())
    for demand, sites in groups(work):
        for worst in (False, True):
            forests = Forests(piece_book(work, demand, sites[0]), sites)
            forest = forests.qualifying(level, worst=worst)
            for site, most_m in zip(sites, forest.most_m(sites).tolist(), strict=True):
                assert farthest_m(forest, site) <= most_m + 1e-6


def farthest_m(forest: QualifyingForest, site: Site) -> float:
    """How far it is from a site to the farthest node that it reaches over pieces that qualify."""
    corridors = forest.search.corridors
    graph, own = corridors.graph, np.isin(corridors.graph.ends, site.end_nodes).any(axis=1)
    open_ = np.isfinite(forest.search.edge_weights) & (own | ~corridors.is_connector)
    seen = nx.Graph()
    seen.add_nodes_from(["red line", *site.end_nodes.tolist()])
    for edge in np.flatnonzero(open_).tolist():
        one, two = graph.ends[edge].tolist()
        metres = float(graph.length_m[edge])
        if seen.get_edge_data(one, two, {"metres": np.inf})["metres"] > metres:
            seen.add_edge(one, two, metres=metres)
    seen.add_edges_from([("red line", node) for node in site.end_nodes.tolist()], metres=0.0)
    away_m = nx.single_source_dijkstra_path_length(seen, "red line", weight="metres")
    return float(max(away_m.values()))

"""Facts of different pieces that bar a route together: on paper, and against all ways in turn.

Water may qualify where it moves a tree, and where it touches what may be a park, but surely not
where it does both: ancient trees and parks are no matter of commitment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import LineString, Point, box

from layers.survey import Survey
from planning import partner_feed, qualifying
from planning.ever_worse import GROWING_FACTS
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.groundwork import Groundwork, Site, prepare
from planning.open_ways import TRUTHS, Bar, OpenWays
from planning.plan import plan
from planning.policies import COUNTIES, read_policy
from planning.qualifying import judge_ways
from planning.route_pieces import Run, piece_book
from tests import towns
from tests.planning.test_partner_feed import both_of, drawn
from tests.planning.test_qualifying import _without_bores, ways_by_cost
from tests.towns import line_of, main, street, town

pytestmark = pytest.mark.slow_first

NAMES = [names[0] for names in GROWING_FACTS]
ROAD, GREEN, TREE, PARK, BRIDGE = range(len(NAMES))


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch) -> Counter[bool]:
    """How often facts were found to bar a way, and how often not."""
    told: Counter[bool] = Counter()
    leave_out = OpenWays.leave_out_barred

    def counted(ways: OpenWays) -> bool:
        told[done := leave_out(ways)] += 1
        return done

    monkeypatch.setattr(OpenWays, "leave_out_barred", counted)
    return told


@contextmanager
def one_after_another() -> Iterator[None]:
    """Ways that fail are left out by the shortest run of them that does, however many there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OpenWays, "leave_out_barred", lambda _ways: False)
        for module in (qualifying, partner_feed):
            patch.setattr(module, "MOST_WAYS", 3_000)
        yield


def trees(*places: tuple[float, float]) -> dict[str, Any]:
    """Trees that are not ancient."""
    return {f"T-{n}": {"geometry": Point(at), "ancient": False} for n, at in enumerate(places)}


# --- which facts bar -----------------------------------------------------------------------------


def bar_of_water(level: int, *, worst: bool = False, **layers: Any) -> Bar:
    case = towns.application()
    work = towns.ground(town(lines={"W-1": main((0, 8), (300, 8))}, **layers), case)
    return Bar(piece_book(work, case.demands["water"], work.site(case)), level, worst)


def degrees(**truths: Any) -> Any:
    return np.array([TRUTHS.index(truths.get(name, False)) for name in NAMES])


def test_the_least_facts_that_bar_are_named() -> None:
    everything = degrees(**dict.fromkeys(NAMES, True))
    surely, perhaps = bar_of_water(0), bar_of_water(1)
    # A tree bars with what may be a park from what surely qualifies, with a park from all.
    assert surely.least(everything).tolist() == [0, 0, 1, 1, 0]  # type: ignore[union-attr]
    assert perhaps.least(everything).tolist() == [0, 0, 2, 2, 0]  # type: ignore[union-attr]
    tree = degrees(touches_tree=True, touches_city_road=True, touches_green=True)
    assert surely.least(tree) is None
    assert perhaps.least(degrees(touches_tree=True, ancient_tree_or_park=None)) is None


def test_at_worst_whatever_needs_a_permit_bars() -> None:
    road = degrees(touches_city_road=True, on_bridge=True)
    assert bar_of_water(0, worst=True).least(road).tolist() == [1, 0, 0, 0, 0]  # type: ignore[union-attr]
    assert bar_of_water(0, worst=True).least(degrees(ancient_tree_or_park=True)) is None


# --- a clause that asks for a tree ---------------------------------------------------------------

_SMALL_GREEN = """  { input = "green_affected_m2", at_most = 200, quote = "临时占用或伐移绿化不大于200平方米", confidence = "verified" },
]
"""  # noqa: E501
_WITH_AND_WITHOUT_TREES = """  { input = "tree_moving", is = false },
]
[[clause]]
id = "water_trees"
ref = "x"
utility = "water"
outcome = "commitment"
else = "ordinary_approval"
all_of = [
  { input = "max_dn_mm", at_most = 300 },
  { input = "pipe_length_m", at_most = 150 },
  { input = "tree_moving", is = true },
]
"""


def test_facts_bar_only_where_worse_ones_do_too(tmp_path: Path, left_out: Counter[bool]) -> None:
    """Of two clauses one is for lines with trees, so that a tree may be better than an unknown one.

    The cheapest way meets trees and what is a park; the one across the street meets the trees
    alone and qualifies.
    """
    text = (COUNTIES / "411523_xinxian" / "policy.toml").read_text("utf-8")
    assert _SMALL_GREEN in text
    told = text.replace(_SMALL_GREEN, _SMALL_GREEN.removesuffix("]\n") + _WITH_AND_WITHOUT_TREES)
    (tmp_path / "policy.toml").write_text(told, "utf-8")
    narrow = {"carriageway_width_m": 4.0, "red_line_width_m": 8.0}
    survey = town(
        roads={
            "R-1": street((0, 0), (300, 0)),
            "R-2": street((105, -60), (105, 60), **narrow),
        },
        lines={"W-1": main((0, 8), (40, 8))},
        parcels={"P-1": towns.parcel(150, 12, 190, 52)},
        green={"V-1": {"kind": "park", "geometry": box(65, 0, 68, 70)}},
        trees=trees(*((140, y) for y in range(-70, 71))),
    )
    case = towns.application()
    work = prepare(survey, read_policy(tmp_path / "policy.toml"), [case])
    site = work.site(case)
    lines = external_lines(work, case.demands["water"], [site], nearby_finder())
    found = lines[site.key].qualifying
    assert left_out
    assert found is not None
    # By such clauses a longer way may be better than its pieces: that no other is, is not proven.
    assert (found.status, found.proven) == ("found", False)
    assert found.route is not None
    facts = found.route.facts
    assert (facts["touches_tree"], facts["ancient_tree_or_park"]) == (True, False)


# --- on paper ------------------------------------------------------------------------------------


def crossed_street(far_m: float) -> Survey:
    """A street with five side streets between what may be a park and a row of trees.

    The parcel lies behind the trees: from the main in the west every way leads through both, over
    hundreds of ways to cross the street between them. That in the east begins ``far_m`` from 0.
    """
    sides = {
        f"R-{x}": street(
            (x, -60), (x, 60), authority="estate", carriageway_width_m=4.0, red_line_width_m=8.0
        )
        for x in (76, 88, 100, 112, 124)
    }
    return town(
        roads={"R-1": street((0, 0), (500, 0), authority="estate"), **sides},
        lines={"W-1": main((0, 8), (60, 8)), "W-2": main((far_m, 8), (500, 8))},
        parcels={"P-1": towns.parcel(150, 12, 190, 52)},
        green={"V-1": {"kind": None, "geometry": box(65, -70, 68, 70)}},
        trees=trees(*((140, y) for y in range(-70, 71))),
    )


def test_a_way_that_is_clear_of_one_fact_is_found_behind_hundreds_that_meet_both(
    left_out: Counter[bool],
) -> None:
    """1.25 m to the verge strip, 182 m along it to the parcel's corner at x = 188, 5.25 m in."""
    line = line_of(crossed_street(370))
    assert line.qualifying is not None
    assert (line.qualifying_route, line.recommended) == ("found", "qualifying")
    assert line.qualifying.proven
    assert line.route is not None
    assert line.route.figures["length_m"] == pytest.approx(1.25 + 182 + 5.25)
    assert line.qualifying.lower_bound == line.route.figures["cost_yuan"]
    assert left_out.total() < 5


def test_that_all_ways_meet_both_facts_is_proven(left_out: Counter[bool]) -> None:
    """The other main is more than 200 m away."""
    line = line_of(crossed_street(500))
    assert line.qualifying is not None
    assert (line.qualifying_route, line.qualifying.proven) == ("open", True)
    assert line.qualifying.reason is not None
    assert line.qualifying.reason.kind == "together"
    assert line.qualifying.possible is line.routes["cheapest"]
    assert left_out.total() < 5


def test_a_second_feed_keeps_off_the_fact_that_bars_it_beside_the_first(
    left_out: Counter[bool],
) -> None:
    """The drawn feed touches what may be a park: no tree may stand in the way of the other."""
    survey = town(
        roads={"R-1": street((0, 0), (300, 0))},
        lines={"W-1": main((0, 8), (130, 8)), "W-2": main((131, 8), (300, 8))},
        green={"V-1": {"kind": None, "geometry": box(110, 8, 118, 11)}},
        trees=trees(*((x, 10) for x in range(120, 141))),
    )
    both = both_of(drawn(survey, (114, 8), (114, 12)))
    assert both.facts["touches_tree"] is False
    assert both.verdict.outcome == "commitment"
    assert left_out[True] > 0


def test_a_run_may_turn_back_over_the_way_to_its_tie_in() -> None:
    """The way to a main runs east along the strip, the edge after it west from there, over it."""
    tie_in, edge = LineString([(4, 0), (9, 0)]), LineString([(0, 0), (9, 0)])
    assert list(Run((tie_in, edge), (3,), ()).line.coords) == [(4, 0), (9, 0), (0, 0)]
    assert list(Run((tie_in.reverse(), edge), (3,), ()).line.coords) == [(4, 0), (9, 0), (0, 0)]


# --- against all ways in turn --------------------------------------------------------------------

TOWNS, MOST_TRIED = 20, 100


def barred_town(seed: int) -> Survey:
    """A street, perhaps with side streets, where trees and greenery of all kinds stand about."""
    rng = np.random.default_rng(seed)
    sides = rng.choice([70.0, 95.0, 205.0, 230.0], rng.integers(0, 3), replace=False).tolist()
    authority = rng.choice(["municipal", "estate"])
    roads = {f"R-{x:.0f}": street((x, -50), (x, 50), authority=authority) for x in sides}
    rows = [(-16, 0), (0, 16), (-60, 60), (-60, 60), (-60, 60)]
    verges, stems = {}, []
    for first in (66.0, 190.0):
        for number, x in enumerate(rng.choice(first + 12.0 * np.arange(6), 4, replace=False)):
            low, high = rows[rng.integers(len(rows))]
            if number < 2:
                kind = rng.choice(np.array([None, None, None, "verge"], object))
                verges[f"V-{x:.0f}"] = {"kind": kind, "geometry": box(x, low, x + 3, high)}
            else:
                stems += [(float(x), float(y)) for y in range(low, high + 1)]
    return town(
        roads={"R-1": street((0, 0), (500, 0), authority=authority), **roads},
        lines={
            "W-1": main((0, 8), (float(rng.integers(20, 60)), 8)),
            "W-2": main((float(rng.integers(270, 480)), -8), (500, -8)),
        },
        parcels={"P-1": towns.parcel(140, 12, 180, 52)},
        green=verges,
        trees=trees(*stems),
    )


def solved(survey: Survey) -> tuple[Groundwork, Site, ExternalLine]:
    case = towns.application()
    work = towns.ground(survey, case)
    site = work.site(case)
    return (
        work,
        site,
        external_lines(work, case.demands["water"], [site], nearby_finder())[site.key],
    )


def told(line: ExternalLine) -> Any:
    """What the search tells: status, proof, and the edges and yuan of the routes that it found."""
    found = line.qualifying
    if found is None:
        return None
    routes = [
        route and (route.way.tie_in, route.way.edges, route.bored, route.figures["cost_yuan"])
        for route in (found.route, found.possible)
    ]
    return line.qualifying_route, found.proven, found.lower_bound, found.reason, routes


def test_the_route_found_is_the_first_of_all_ways_that_no_facts_bar(
    left_out: Counter[bool],
) -> None:
    seen: Counter[str] = Counter()
    for seed in range(TOWNS):
        before = left_out[True]
        work, site, line = solved(barred_town(seed))
        found = line.qualifying
        if line.route is None or found is None:
            continue
        barred = "barred, " if left_out[True] > before else "free, "
        ways = list(islice(_without_bores(work, ways_by_cost(work, site, line)), MOST_TRIED))
        assert line.demand is not None
        tried = judge_ways(work, line.demand, [site] * len(ways), ways, [()] * len(ways))
        first = next((route for route in tried if route.rank == 0), None)
        yuan = np.inf if found.route is None else found.route.figures["cost_yuan"]
        if first is not None:
            assert found.proven
            assert yuan <= first.figures["cost_yuan"] + 1e-6
        cheaper = [route for route in tried if route.figures["cost_yuan"] < yuan - 1e-6]
        assert all(route.rank > 0 for route in cheaper)
        seen[barred + ("found" if first else str(line.qualifying_route))] += 1
    assert seen["barred, found"] >= 5, seen
    assert seen["barred, open"] + seen["barred, none"] >= 3, seen


def test_the_answer_is_the_one_that_leaving_out_runs_one_after_another_gives(
    left_out: Counter[bool],
) -> None:
    seen: Counter[bool] = Counter()
    for seed in range(TOWNS, 3 * TOWNS):
        survey, before = barred_town(seed), left_out[True]
        answer = told(solved(survey)[2])
        barred = left_out[True] > before
        if barred:
            with one_after_another():
                assert told(solved(survey)[2]) == answer
        seen[barred] += 1
    assert seen[True] >= 20, seen


def test_a_way_of_no_length_to_a_cabinet_before_an_existing_duct_is_no_stretch_of_trench() -> None:
    """A tree at the outer corner, where the new trench turns, is touched by no piece of it alone.

    So the run that fails is looked for, and it begins with nothing that is dug before the duct.
    """
    duct = {
        "utility": "telecom", "subtype": "duct", "diameter_mm": None, "laying": "duct",
        "duct_holes": 6, "free_holes": 4, "owner": "电信", "open_to_others": True,
    }  # fmt: skip
    cabinet = {"utility": "telecom", "kind": "cabinet", "free_holes": 6}
    full = {"utility": "telecom", "kind": "handhole", "free_holes": 0}
    survey = town(
        lines={"T-1": main((20, 9), (110, 9), **duct)},
        nodes={"N-1": towns.node(20, 9, **cabinet), "N-2": towns.node(110, 9, **full)},
        trees=trees((110.5, 6.3)),
    )
    demands = {"telecom": {"duct_holes": 2, "duct_outer_diameter_mm": 110}}
    made = plan(towns.application(demands=demands, gate=(102, 12)), survey, towns.policy())
    found = made.lines["telecom"].qualifying
    assert found is not None
    assert (found.status, found.proven) == ("found", True)

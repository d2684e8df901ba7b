"""What the pieces of a way cost is what the way costs: else the cheapest found is not the cheapest.

On paper: lines that run back over themselves, that pass a bridge by and meet its ramp, and that lie
in two carriageways at once; and many ways of random towns with bridges and greenery.
"""

from __future__ import annotations

from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from shapely.geometry import LineString, box

from layers.survey import Survey
from planning.external_lines import external_lines, nearby_finder
from planning.qualifying import judge_ways
from tests import towns
from tests.planning.test_qualifying import ways_by_cost
from tests.towns import main, street, town

pytestmark = pytest.mark.slow_first


def line(*points: tuple[float, float]) -> LineString:
    """A line through points in town metres."""
    east, north = towns.ORIGIN
    return LineString([(x + east, y + north) for x, y in points])


def measured(survey: Survey, *lines: LineString) -> dict[str, Any]:
    corridors, those = towns.ground(survey).corridors, np.array(lines, object)
    crossed = corridors.surfaces.crossed(those)
    told = corridors.measured(those, crossed)
    return {**told, "surfaces_m": corridors.metres_on(told, crossed)}


def check_parts_make_the_whole(survey: Survey, *points: tuple[float, float]) -> None:
    """The straight parts of a line between points measure together what it does."""
    parts = [line(*ends) for ends in pairwise(points)]
    for values in measured(survey, line(*points), *parts).values():
        assert values[0] == pytest.approx(values[1:].sum(axis=0), abs=1e-6)


LAWN = {"V-1": {"kind": "verge", "geometry": box(100, -30, 140, 90)}}


def test_a_line_that_runs_back_over_itself_takes_greenery_twice() -> None:
    """There and back over the street: twice 10 m of asphalt, 2 * 1.75 m and 5.25 m of the lawn."""
    survey = town(roads={"R-1": street((0, 0), (300, 0))}, green=LAWN)
    there_and_back = (120, 6.75), (120, -6.75), (120, 12)
    told = measured(survey, line(*there_and_back))
    assert (told["kerb_m"][0], told["green_m"][0]) == pytest.approx((20, 2 * 1.75 + 1.75 + 7))
    check_parts_make_the_whole(survey, *there_and_back)


def test_a_line_that_runs_back_over_two_lawns_takes_both_twice() -> None:
    lawns = {**LAWN, "V-2": {"kind": "verge", "geometry": box(100, 10, 140, 20)}}
    survey = town(roads={"R-1": street((0, 0), (300, 0))}, green=lawns)
    assert measured(survey, line((90, 15), (150, 15), (90, 15)))["green_m"][0] == pytest.approx(80)


# An elevated road that comes down on a street at (150, 0), 10 m wide as all are.
BRIDGE = {
    "R-1": street((0, 0), (300, 0)),
    "R-2": street((150, 0), (150, 300), on_bridge=True, level=1),
}


def test_a_line_that_passes_a_bridge_by_and_meets_its_ramp_crosses_what_its_parts_do() -> None:
    """Under the bridge at y = 150, back over its ramp at y = 12: there are 10 m inside."""
    survey = town(roads=BRIDGE, green={"V-1": {"kind": "verge", "geometry": box(100, 7, 200, 290)}})
    around = (140, 150), (160, 150), (160, 12), (140, 12)
    told = measured(survey, line(*around))
    assert (told["kerb_m"][0], told["green_m"][0]) == pytest.approx((10, 20 + 138 + 10))
    check_parts_make_the_whole(survey, *around)


def test_a_metre_in_two_carriageways_that_meet_on_the_ground_counts_once() -> None:
    """From y = -6.75 up the ramp to y = 8: all from the kerb at y = -5 on is inside."""
    survey = town(roads=BRIDGE)
    over = (150, -6.75), (150, 8), (170, 8)
    told = measured(survey, line(*over))
    assert told["kerb_m"][0] == pytest.approx(5 + 8 + 5)
    assert told["surfaces_m"][0].sum() == pytest.approx(14.75 + 20)
    check_parts_make_the_whole(survey, *over)


# --- random towns --------------------------------------------------------------------------------

TOWNS, MOST_WAYS = 16, 30


def bridged_town(seed: int) -> Survey:
    """A street between two others on any level, with lawns across them."""
    rng = np.random.default_rng(seed)
    level = rng.choice([0.0, 1.0, -1.0], 3, p=[0.4, 0.5, 0.1]).tolist()
    sides = rng.choice([80.0, 120.0, 200.0, 240.0], 2, replace=False).tolist()
    roads = {
        f"R-{x:.0f}": street((x, 0), (x, 80), level=one, on_bridge=one == 1.0)
        for x, one in zip(sides, level, strict=False)
    }
    lawns = {
        f"V-{x:.0f}": {"kind": "verge", "geometry": box(x, -20, x + 12, 70)}
        for x in rng.uniform(60, 260, 4).tolist()
    }
    return town(
        roads={"R-1": street((0, 0), (400, 0), level=level[2]), **roads},
        lines={
            "W-1": main((0, 8), (float(rng.integers(30, 70)), 8)),
            "W-2": main((float(rng.integers(250, 330)), -8), (400, -8)),
        },
        parcels={"P-1": towns.parcel(140, 12, 180, 52)},
        green=lawns,
    )


def test_ways_of_random_towns_cost_what_their_pieces_do() -> None:
    compared = 0
    for seed in range(TOWNS):
        case = towns.application(demands={"water": {"nominal_mm": 200.0, "material": "PE"}})
        work = towns.ground(bridged_town(seed), case)
        site, demand = work.site(case), case.demands["water"]
        found = external_lines(work, demand, [site], nearby_finder())[site.key]
        ways = list(islice(ways_by_cost(work, site, found), MOST_WAYS))
        bored = work.methods(demand.pipe).bored
        beneath = [tuple(edge for edge in way.edges if bored[edge]) for way in ways]
        routes = judge_ways(work, demand, [site] * len(ways), ways, beneath) if ways else []
        search = work.search(demand.pipe, "cheapest")
        for way, route in zip(ways, routes, strict=True):
            yuan = np.asarray(search.edge_weights[list(way.edges)]).sum()
            yuan += search.tie_in_weights[way.tie_in]
            # 2 mm in greenery count as none, and weights hold a tie-break
            assert route.figures["cost_yuan"] == pytest.approx(yuan, rel=3e-7, abs=0.05)
            compared += 1
    assert compared > 300

"""The second feed beside a drawn one: the best from another main, judged with it as one work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString

from gis.network import CorridorGraph
from layers.survey import Survey
from planning.both_feeds import BothFeeds
from planning.lanes import ALONG_STREETS
from planning.manual_routes import ManualRoute, manual_route
from planning.pair_areas import APART
from planning.plan import plan
from planning.trace import fits, numbers
from reports.summary import plan_summary
from tests import towns
from tests.planning.test_feed_pairs import CASES, UNSHRUNK, solved_case, traced
from tests.towns import main, node, street, town

pytestmark = pytest.mark.slow_first

WATER = {"water": {"nominal_mm": 200, "material": "PE", "feeds": 2}}
# Red line of P-1 at y = 12, x from 100 to 140; kerbs of R-1 at y = -5 and 5. The parcel behind it
# ends at y = 52, R-2 runs at y = 64.
STREETS: dict[str, Any] = {
    "roads": {"R-1": street((0, 0), (300, 0)), "R-2": street((0, 64), (300, 64))},
    "lines": {
        "W-1": main((0, 8), (300, 8)),
        "W-2": main((0, 56), (300, 56)),
        "W-3": main((0, -8), (300, -8)),
    },
}


def drawn(
    survey: towns.Survey, *points: tuple[float, float], demands: Any = WATER, **changes: Any
) -> ManualRoute:
    case = towns.application(demands=demands, **changes)
    work = towns.ground(survey, case)
    [demand] = case.demands.values()
    line = LineString(np.array(points) + np.array(towns.ORIGIN))
    return manual_route(work, work.site(case), demand, towns.drawn(line))


def both_of(found: ManualRoute) -> BothFeeds:
    assert found.second is not None
    assert found.second.both is not None
    assert found.judged is found.second.both
    return found.second.both


def test_a_drawn_feed_is_judged_with_the_cheapest_from_another_main() -> None:
    found = drawn(town(**STREETS), (120, 8), (120, 12))
    both = both_of(found)
    # W-2 lies 4 m behind the parcel as W-1 lies before it; W-3 is across the street.
    assert both.routes[0] is found.route
    assert both.measures["pipe_length_m"] == pytest.approx(8.0)
    assert found.second is not None
    assert found.second.apart == "side"
    assert both.verdict.outcome == "commitment"


def test_the_other_feed_is_one_with_which_both_qualify_if_there_is_one() -> None:
    """The street of W-2 is young: W-3 costs more, but may be joined."""
    roads = {**STREETS["roads"], "R-2": street((0, 64), (300, 64), opened_on="2025-06-01")}
    both = both_of(drawn(town(**{**STREETS, "roads": roads}), (120, 8), (120, 12)))
    assert both.measures["pipe_length_m"] == pytest.approx(4.0 + 20.0)
    assert both.verdict.outcome == "commitment"
    bad = both_of(drawn(town(**{**STREETS, "roads": roads}), (120, 56), (120, 52)))
    # Whatever lies beside it, the drawn feed in the young street bars both.
    assert bad.verdict.outcome == "blocked"
    assert bad.measures["pipe_length_m"] == pytest.approx(8.0)


def test_a_pair_that_may_qualify_comes_before_a_cheaper_one_that_cannot() -> None:
    """The street of W-2 is young, and nobody says how old that of W-1 and W-3 is."""
    roads = {
        "R-1": street((0, 0), (300, 0), opened_on=None),
        "R-2": street((0, 64), (300, 64), opened_on="2025-06-01"),
    }
    both = both_of(drawn(town(**{**STREETS, "roads": roads}), (120, 8), (120, 12)))
    assert both.measures["pipe_length_m"] == pytest.approx(4.0 + 20.0)
    assert both.verdict.outcome == "undetermined"


def test_limits_are_on_both_the_drawn_one_and_the_other() -> None:
    """190 m are drawn where 4 would do: 200 m are the limit, W-3 is 20 m away, W-2 is 4."""
    around = [(120, 8), (120, 6.75), (26, 6.75), (26, 8), (120, 8.5), (120, 12)]
    lines = {name: STREETS["lines"][name] for name in ("W-1", "W-3")}
    both = both_of(drawn(town(lines=lines), *around))
    assert both.routes[0].figures["length_m"] < 200 < both.measures["pipe_length_m"]  # type: ignore[operator]
    assert both.verdict.outcome == "ordinary_approval"
    nearer = both_of(drawn(town(**STREETS), *around))
    assert nearer.measures["pipe_length_m"] < 200  # type: ignore[operator]
    assert nearer.verdict.outcome == "commitment"


def test_the_other_keeps_off_the_side_that_the_drawn_one_runs_along() -> None:
    """Both mains are nearest along the north; what is drawn 0.3 m off the strip is on its side."""
    lines = {"W-1": main((0, 8), (60, 8)), "W-2": main((200, 8), (300, 8))}
    found = drawn(town(lines=lines), (60, 8), (60, 6.45), (105, 6.45), (105, 12))
    both = both_of(found)
    assert found.second is not None
    assert found.second.apart == "side"
    assert both.routes[1].figures["crossing_count"] == 2
    assert both.shared_m == 0


def test_where_no_other_main_is_the_reason_is_told_and_nothing_is_met() -> None:
    lines = {"W-1": main((0, 8), (150, 8)), "W-2": main((150, 8), (300, 8))}
    found = drawn(town(lines=lines), (120, 8), (120, 12))
    assert found.second is not None
    assert (found.second.route, found.second.reason) == (None, "no_other_source")
    assert found.judged is found.route
    assert found.judged.verdict.outcome == "undetermined"


def test_a_unit_that_does_not_say_its_line_is_no_known_source() -> None:
    unit = {"utility": "power", "kind": "ring_main_unit", "spare_bays": 2, "voltage_kv": 10.0}
    wish = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 150, "feeds": 2}}

    def reason(*line_ids: str | None) -> str | None:
        nodes = {
            f"N-{x}": node(x, 8.5, **unit, line_id=line_id)
            for x, line_id in zip((110, 130), line_ids, strict=True)
        }
        found = drawn(town(nodes=nodes), (110, 8.5), (110, 12), demands=wish)
        assert found.second is not None
        return found.second.reason

    assert reason("D-1", "D-2") is None
    assert reason("D-1", "D-1") == "no_other_source"
    assert reason("D-1", None) == "source_unknown"
    assert reason(None, "D-2") == "source_unknown"


@settings(max_examples=12, phases=UNSHRUNK)
@given(
    *CASES,
    st.integers(0, 1),
)
def test_drawn_along_one_of_the_best_two_the_other_is_found_again(
    survey: Survey, parcel_id: str, shares: tuple[float, float], utility: str, which: int
) -> None:
    check_drawn_again(survey, parcel_id, shares, utility, which)


def _sides_of(graph: CorridorGraph, line: LineString) -> set[tuple[int, int]]:
    """Streets and sides that a route runs along for a metre or more, its way to the main too."""
    on_m = shapely.length(shapely.intersection(graph.lines, line.buffer(0.05)))
    strips = np.flatnonzero(np.isin(graph.kind, ALONG_STREETS) & (on_m > 1.0))
    side = graph.measures["side"].to_numpy()
    return {(int(graph.road[edge]), int(side[edge])) for edge in strips.tolist()}


def check_drawn_again(
    survey: Survey, parcel_id: str, shares: tuple[float, float], utility: str, which: int
) -> str:
    """Hold the feed beside a drawn one against the best pair that has it; tells what was seen."""
    work, site, line = solved_case(survey, parcel_id, shares, utility)
    if line.both is None or line.second is None or line.demand is None or not line.qualifying:
        return "no pair"
    first = line.both.routes[which]
    found = manual_route(work, site, line.demand, towns.drawn(first.line))
    if found.route.figures["cost_yuan"] != pytest.approx(first.figures["cost_yuan"], abs=0.01):
        return "drawn otherwise"  # what a person draws is cut open, but where a bore costs less
    both = both_of(found)
    if not (line.qualifying.proven and found.second and found.second.proven):
        return "gave up"
    assert both.rank <= line.both.rank
    graph = work.corridors.graph
    also = np.array(sorted(set(found.route.way.edges) - set(first.way.edges)), int)
    also = also[np.isin(graph.measures["kind"].to_numpy()[also], ALONG_STREETS)]
    if shapely.covered_by(graph.lines[also], first.line.buffer(0.05)).any():
        # A way to a main that lies along a strip is told from the strip in a computed line only.
        return "along a strip to the main"
    kinds = [APART.index(str(second.apart)) for second in (found.second, line.second)]
    if both.rank == line.both.rank:
        assert kinds[0] <= kinds[1]
    sides = [_sides_of(graph, route.line) for route in line.both.routes]
    if sides[0] & sides[1]:
        return "one side for both"  # feeds one behind the other on a side count as apart by side
    if kinds[0] == kinds[1] and both.rank == line.both.rank:
        yuan = line.both.figures["cost_yuan"]
        assert both.figures["cost_yuan"] == pytest.approx(yuan, abs=0.02)
        return f"the same, {both.rank}"
    return "another kind"


def test_the_plan_tells_of_the_drawn_feed_what_both_come_to_and_the_other() -> None:
    east, north = towns.ORIGIN
    line = {"type": "LineString", "coordinates": [[120 + east, y + north] for y in (8, 12)]}
    case = towns.application(demands=WATER, drawn_routes={"water": [{"line": line}]})
    made = plan(case, town(**STREETS), towns.policy())
    document = made.to_json()
    entry = next(one for one in document["utilities"] if one["utility"] == "water")
    own = next(one for one in entry["routes"] if one["kind"] == "manual")
    other = entry["manual"]["second_feed"]
    assert other["route"]["tie_in"]["line_id"] == "W-2"
    assert own["together"]["length_m"] == pytest.approx(
        own["length_m"] + other["route"]["length_m"]
    )
    assert own["together"] == other["route"]["together"]
    assert own["outcome"] == entry["manual"]["verdict"]["outcome"] == "commitment"
    # It is the computed pair again.
    assert entry["manual"]["differences"]["extra_yuan"] == pytest.approx(0.0, abs=0.01)
    assert entry["manual"]["differences"]["extra_m"] == pytest.approx(0.0, abs=0.01)
    # Its numbers are traced to both mains, those of the other to its own.
    assert traced(document, f"routes/{entry['routes'].index(own)}/together/length_m") == {
        "W-1",
        "W-2",
    }
    assert traced(document, "manual/second_feed/route/length_m") == {"W-2"}
    bare = {name: value for name, value in document.items() if name != "trace"}
    lost = [p for p in numbers(bare) if not any(fits(one["path"], p) for one in document["trace"])]
    assert lost == []
    told = "长 8.00 米(两路合计;第一路 4.00 米,第二路 4.00 米)"
    assert any(one.startswith(f"给水 手绘路由 {told}") for one in plan_summary(made))

"""Two drawn feeds: from two mains, measured alone, judged as one work like a computed pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString

from layers.survey import Survey
from planning.application import ApplicationError
from planning.both_feeds import BothFeeds
from planning.drawn_routes import DrawnRoute
from planning.judged_routes import Route
from planning.manual_routes import ManualRoute, RefusedRoute, differences, manual_pair
from planning.pair_areas import APART
from planning.plan import Plan, plan
from planning.trace import fits, numbers
from reports.exchange import write_plan
from reports.summary import plan_summary
from tests import towns
from tests.planning.test_feed_pairs import CASES, UNSHRUNK, solved_case, traced
from tests.planning.test_partner_feed import STREETS, WATER
from tests.test_schemas import faults
from tests.towns import main, node, town

Line = list[tuple[float, float]]
# P-1 reaches from y = 12 to 52: W-1 lies 4 m before it, W-2 4 m behind, W-3 across the street.
BEFORE: Line = [(120, 8), (120, 12)]
BEHIND: Line = [(120, 56), (120, 52)]
ACROSS: Line = [(130, -8), (130, 12)]


def entry(points: Line | None, feed: int | None = None, **about: str) -> dict[str, Any]:
    """An entry of the history of an application; without ``feed`` as they were written before."""
    east, north = towns.ORIGIN
    line = None
    if points is not None:
        coordinates = [[x + east, y + north] for x, y in points]
        line = {"type": "LineString", "coordinates": coordinates}
    return {"line": line, **({} if feed is None else {"feed": feed}), **about}


def planned(
    *history: dict[str, Any], survey: Survey | None = None, demands: Any = WATER, **changes: Any
) -> Plan:
    [utility] = demands
    case = towns.application(demands=demands, drawn_routes={utility: list(history)}, **changes)
    return plan(case, survey or town(**STREETS), towns.policy())


def judged(made: Plan, utility: str = "water") -> tuple[ManualRoute, BothFeeds]:
    found = made.manual[utility]
    assert isinstance(found, ManualRoute), found
    both = found.judged
    assert isinstance(both, BothFeeds)
    return found, both


def refusal(*history: dict[str, Any], **changes: Any) -> str:
    [found] = planned(*history, **changes).manual.values()
    assert isinstance(found, RefusedRoute)
    return found.reason


# --- on paper -------------------------------------------------------------------------------------


def test_two_drawn_feeds_are_measured_alone_and_judged_as_one_work() -> None:
    found, both = judged(planned(entry(BEFORE, 1, author="甲"), entry(ACROSS, 2, author="乙")))
    assert found.other is not None
    assert both.routes == (found.route, found.other.route)
    assert (found.drawn.author, found.other.drawn.author) == ("甲", "乙")
    assert [round(one.figures["length_m"], 3) for one in both.routes] == [4.0, 20.0]
    assert [one.figures["kerb_m"] for one in both.routes] == pytest.approx([0.0, 10.0])
    # Of two feeds one alone measures nothing that a clause counts.
    assert found.route.measures["pipe_length_m"] is None
    assert both.measures["pipe_length_m"] == pytest.approx(24.0)
    assert both.verdict.outcome == "commitment"
    assert found.second is not None
    assert (found.second.apart, found.second.reason, found.second.proven) == ("side", None, True)
    assert both.shared_m == 0


def test_the_order_in_which_two_feeds_are_drawn_is_no_matter_but_their_number_is() -> None:
    _found, both = judged(planned(entry(ACROSS, 2), entry(BEFORE, 1)))
    assert [round(one.figures["length_m"], 3) for one in both.routes] == [4.0, 20.0]
    _found, other = judged(planned(entry(BEFORE, 2), entry(ACROSS, 1)))
    assert [round(one.figures["length_m"], 3) for one in other.routes] == [20.0, 4.0]
    assert other.measures == both.measures


def test_each_of_two_feeds_is_brought_to_its_places_and_marked_by_itself() -> None:
    # The first 1.5 m short of its main; the second 42 m along the carriageway.
    along = [(88, -8), (88, 0), (130, 0), (130, 12)]
    found, _both = judged(planned(entry([(120, 9.5), (120, 12)], 1), entry(along, 2)))
    assert found.other is not None
    assert [(one.end, round(one.moved_m, 3)) for one in found.moves] == [("tie_in", 1.5)]
    assert found.other.moves == ()
    assert found.faults == ()
    assert [(one.kind, one.id) for one in found.other.faults] == [("carriageway", "R-1")]


@pytest.mark.parametrize(
    ("second", "apart", "shared_m"),
    [
        # In the strip on the same side of the street, but ends where the first begins.
        ([(200, 8), (200, 6.75), (150, 6.75), (150, 8), (138, 8.5), (138, 12)], "edges", 0.0),
        # 20 m of the first are the trench of the second too.
        ([(40, 9), (40, 6.75), (80, 6.75), (80, 9), (125, 9), (125, 12)], "none", 20.0),
    ],
)
def test_how_far_two_drawn_feeds_keep_apart_is_told(
    second: Line, apart: str, shared_m: float
) -> None:
    lines = {"W-1": main((0, 8), (70, 8)), "W-2": main((190, 8), (300, 8))}
    if apart == "none":
        lines["W-2"] = main((20, 9), (45, 9))
    first = [(60, 8), (60, 6.75), (104, 6.75), (104, 12)]
    found, both = judged(planned(entry(first, 1), entry(second, 2), survey=town(lines=lines)))
    assert found.second is not None
    assert found.second.apart == apart
    assert both.shared_m == pytest.approx(shared_m, abs=0.05)
    told = both.measures["pipe_length_m"]
    assert told == pytest.approx(sum(one.figures["length_m"] for one in both.routes))


def test_limits_are_on_both() -> None:
    """190 m are drawn for the first, 4 for the second: 200 m are the limit, 194 m are within."""
    around = [(120, 8), (120, 6.75), (26, 6.75), (26, 8), (120, 8.5), (120, 12)]
    _found, both = judged(planned(entry(around, 1), entry(BEHIND, 2)))
    assert both.verdict.outcome == "commitment"
    _found, longer = judged(planned(entry(around, 1), entry(ACROSS, 2)))
    assert longer.measures["pipe_length_m"] == pytest.approx(
        both.measures["pipe_length_m"] + 16.0  # type: ignore[operator]
    )
    assert longer.verdict.outcome == "ordinary_approval"


def test_the_recommended_pair_drawn_again_differs_by_nothing() -> None:
    made = planned(entry(BEFORE, 1), entry(BEHIND, 2))
    [water] = [one for one in made.to_json()["utilities"] if one["utility"] == "water"]
    more = water["manual"]["differences"]
    assert [round(more[key], 3) for key in ("extra_m", "extra_yuan")] == [0.0, 0.0]
    assert more["outcome"] == more["outcome_of_recommended"] == "commitment"


# --- two mains ------------------------------------------------------------------------------------


def test_two_feeds_from_one_main_are_refused_with_field_and_cure() -> None:
    told = refusal(entry(BEFORE, 1), entry([(130, 8), (130, 12)], 2))
    assert told == (
        "给水:手绘的第一路接自 W-1,第二路接自 W-1,同属管线 W-1(首尾相接的管段算一条),"
        "不符合 demands.water.feeds = 2;请把其中一路改接另一条管线,或撤回一路由系统选取"
    )


def test_pieces_of_one_main_are_one_main() -> None:
    lines = {"W-1": main((0, 8), (125, 8)), "W-2": main((125, 8), (300, 8))}
    told = refusal(entry(BEFORE, 1), entry([(130, 8), (130, 12)], 2), survey=town(lines=lines))
    assert "第一路接自 W-1,第二路接自 W-2,同属管线 W-1" in told


def test_units_that_do_not_say_their_line_are_asked_for_it() -> None:
    unit = {"utility": "power", "kind": "ring_main_unit", "spare_bays": 2, "voltage_kv": 10.0}
    wish = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 150, "feeds": 2}}

    def of(*line_ids: str | None, **survey: Any) -> ManualRoute | RefusedRoute:
        nodes = {
            f"N-{x}": node(x, 8.5, **unit, line_id=line_id)
            for x, line_id in zip((110, 130), line_ids, strict=True)
        }
        lines = [entry([(x, 8.5), (x, 12)], feed) for x, feed in ((110, 1), (130, 2))]
        return planned(*lines, survey=town(nodes=nodes, **survey), demands=wish).manual["power"]

    assert isinstance(of("D-1", "D-2"), ManualRoute)
    same, unknown = of("D-1", "D-1"), of("D-1", None)
    assert isinstance(same, RefusedRoute)
    assert "同属管线 D-1" in same.reason
    assert isinstance(unknown, RefusedRoute)
    assert "N-130 在图上没有写明在哪条管线上" in unknown.reason
    assert "补填或改正管线点的 line_id" in unknown.reason
    # One line runs under both, and one of them names another that is not on the map.
    cable = {"D-1": main((0, 8.5), (300, 8.5), utility="power", subtype="10kv")}
    amiss = of("D-1", "D-2", lines=cable)
    assert isinstance(amiss, RefusedRoute)
    assert "N-130 在图上没有写明在哪条管线上(或所写的不在图上,而点在别的管线上)" in amiss.reason


def test_where_mains_cross_the_one_is_meant_that_the_other_feed_does_not_take() -> None:
    """W-1 and W-9 cross under the end of the first; the second joins W-1, so W-9 is the first's."""
    lines = {**STREETS["lines"], "W-9": main((120, -60), (120, 8), (119, 10.5))}
    found, both = judged(
        planned(
            entry(BEFORE, 1),
            entry([(130, 8), (130, 12)], 2),
            survey=town(**{**STREETS, "lines": lines}),
        )
    )
    assert found.route.way.feature_id == "W-9"  # type: ignore[attr-defined]
    assert both.verdict.outcome == "commitment"


def test_mains_that_meet_are_named_for_whoever_runs_them() -> None:
    lines = {**STREETS["lines"], "W-5": main((290, 8), (290, 56))}
    made = planned(entry(BEFORE, 1), entry(BEHIND, 2), survey=town(**{**STREETS, "lines": lines}))
    told = [one.text for one in made.notices if one.kind == "mains_meet"]
    assert told == [
        "两路所接的 W-1 和 W-2 相连或并行重叠:一处停供时另一处能否照常供给,请向供应企业核实"
    ]
    # Of a drawn pair that is not the recommended one too, beside what is told of that.
    lines = {**STREETS["lines"], "W-5": main((290, 8), (290, -8))}
    made = planned(entry(BEFORE, 1), entry(ACROSS, 2), survey=town(**{**STREETS, "lines": lines}))
    [told] = [one.text for one in made.notices if one.kind == "mains_meet"]
    assert "W-1 和 W-3 相连" in told


# --- what cannot be judged, and what is not drawn -------------------------------------------------


def test_a_feed_out_of_reach_is_named_and_both_are() -> None:
    far = [(120, 2), (120, 12)]
    told = refusal(entry(BEFORE, 1), entry(far, 2))
    assert told.startswith("第二路:给水:手绘路由接入端离可接入的 W-1 6.00 米")
    both = refusal(entry(far, 1), entry(far, 2))
    assert both.startswith("第一路:给水:")
    assert ";第二路:给水:" in both


@pytest.mark.parametrize(("feeds", "told"), [(1, "1"), (None, "null")])
def test_a_second_feed_of_a_line_that_wants_one_is_refused(feeds: int | None, told: str) -> None:
    one = {"water": {"nominal_mm": 200, "material": "PE", "feeds": feeds}}
    for history in ([entry(BEFORE, 1), entry(BEHIND, 2)], [entry(BEHIND, 2)]):
        reason = refusal(*history, demands=one)
        assert f"demands.water.feeds 为 {told}" in reason
        assert "撤回手绘的第二路" in reason


def test_the_newest_of_each_feed_counts_and_one_withdrawn_leaves_the_other() -> None:
    history = [entry(ACROSS, 1), entry(BEHIND, 2), entry(BEFORE, 1)]
    _found, both = judged(planned(*history))
    assert both.measures["pipe_length_m"] == pytest.approx(8.0)
    found, both = judged(planned(*history, entry(None, 2)))
    assert (found.drawn.feed, found.other) == (1, None)
    assert both.routes[0] is found.route
    found, both = judged(planned(*history, entry(None, 1)))
    assert (found.drawn.feed, found.other) == (2, None)
    assert planned(*history, entry(None, 1), entry(None, 2)).manual == {}


def test_a_second_feed_drawn_alone_is_judged_as_a_first_one_would_be() -> None:
    first, one = judged(planned(entry(BEHIND)))
    second, two = judged(planned(entry(BEHIND, 2)))
    assert one.routes[0] is first.route
    assert two.routes[1] is second.route
    assert one.measures == two.measures
    assert one.verdict == two.verdict
    assert two.figures == one.figures
    assert [one.equals(two) for one, two in zip(one.strips, two.strips[::-1], strict=True)] == [
        True,
        True,
    ]


@pytest.mark.parametrize("feed", [0, 3, "2", True, 1.5, [1]])
def test_a_feed_that_is_none_is_refused_with_its_field(feed: Any) -> None:
    with pytest.raises(ApplicationError, match=r"drawn_routes\.water\[0\]\.feed .*1\(第一路\)"):
        planned({**entry(BEFORE), "feed": feed})


def test_applications_that_say_nothing_of_feeds_are_read_as_before() -> None:
    for written in (entry(BEFORE), {**entry(BEFORE), "feed": None}):
        found, _both = judged(planned(written))
        assert (found.drawn.feed, found.other) == (1, None)


# --- the same two lines, computed and drawn -------------------------------------------------------


@settings(max_examples=12, phases=UNSHRUNK)
@given(
    *CASES,
    st.booleans(),
)
def test_a_computed_pair_drawn_again_is_judged_the_same(
    survey: Survey, parcel_id: str, shares: tuple[float, float], utility: str, turned: bool
) -> None:
    check_drawn_again(survey, parcel_id, shares, utility, turned)


def is_same(drawn: Route, computed: Route) -> bool:
    """Whether a drawn line is by itself what the computed one is.

    What a person draws is cut open, but where a bore costs less; and where a way to a main lies
    on an edge, the line is told from the edge in a computed one only.
    """
    yuan = computed.figures["cost_yuan"]
    same = drawn.figures["cost_yuan"] == pytest.approx(yuan, abs=0.01)
    return same and drawn.facts == computed.facts


def check_drawn_again(
    survey: Survey, parcel_id: str, shares: tuple[float, float], utility: str, turned: bool
) -> str:
    """Hold a pair drawn where the recommended one lies against that; tells what was seen."""
    work, site, line = solved_case(survey, parcel_id, shares, utility)
    if line.both is None or line.second is None or line.demand is None:
        return "no pair"
    theirs = line.both
    routes = theirs.routes[::-1] if turned else theirs.routes
    first, second = (DrawnRoute(one.line, feed=n) for n, one in enumerate(routes, start=1))
    found = manual_pair(work, site, line.demand, first, second)
    assert found.second is not None
    assert found.second.both is not None
    ours = found.second.both
    if any(not is_same(*one) for one in zip(ours.routes, routes, strict=True)):
        return "drawn otherwise"
    for name, value in theirs.figures.items():
        assert ours.figures[name] == pytest.approx(value, abs=0.02, nan_ok=True), name
    assert ours.measures.keys() == theirs.measures.keys()
    for name, measured in theirs.measures.items():
        assert ours.measures[name] == pytest.approx(measured, abs=0.02), name
    assert ours.facts == theirs.facts
    assert ours.shared_m == pytest.approx(theirs.shared_m, abs=0.02)
    assert ours.verdict.outcome == theirs.verdict.outcome
    assert ours.verdict.certainty == theirs.verdict.certainty
    assert ours.rank == theirs.rank
    more = differences(ours, theirs)
    assert (abs(more["extra_m"]) < 0.02, more["extra_crossings"]) == (True, 0)
    # Of a way to a main that lies along a side only a computed line knows that it is none.
    kinds = [APART.index(str(one.apart)) for one in (found.second, line.second)]
    assert kinds[0] >= kinds[1]
    return f"the same, {found.second.apart} as {line.second.apart}"


# --- plan, summary, GeoPackage --------------------------------------------------------------------


def test_the_plan_tells_two_drawn_feeds_as_it_tells_a_computed_pair(tmp_path: Path) -> None:
    short = [(120, 9.5), (120, 12)]
    made = planned(
        entry(short, 1, author="甲", note="避树"), entry(ACROSS, 2, author="乙", at="2026-11-20")
    )
    document = made.to_json()
    assert faults("plan", document) == []
    water = next(one for one in document["utilities"] if one["utility"] == "water")
    own = next(one for one in water["routes"] if one["kind"] == "manual")
    told, other = water["manual"], water["manual"]["second_feed"]
    assert (told["feed"], told["author"], told["note"]) == (1, "甲", "避树")
    assert (told["second_drawn"]["author"], told["second_drawn"]["at"]) == ("乙", "2026-11-20")
    assert [one["moved_m"] for one in told["moves"]] == pytest.approx([1.5])
    assert told["second_drawn"]["moves"] == []
    assert (own["tie_in"]["line_id"], other["route"]["tie_in"]["line_id"]) == ("W-1", "W-3")
    assert own["together"]["length_m"] == pytest.approx(24.0)
    assert own["together"] == other["route"]["together"]
    assert told["verdict"]["outcome"] == own["outcome"] == other["route"]["outcome"]
    assert own["outcome"] == "commitment"
    assert own["certainty"] == other["route"]["certainty"] == told["verdict"]["certainty"]
    # The recommended pair is 8 m long and crosses no street.
    assert told["differences"]["extra_m"] == pytest.approx(16.0)
    assert told["differences"]["extra_crossings"] == 1

    number = water["routes"].index(own)
    assert traced(document, f"routes/{number}/together/length_m") == {"W-1", "W-3"}
    assert traced(document, "manual/second_feed/route/together/length_m") == {"W-1", "W-3"}
    assert traced(document, "manual/second_feed/route/length_m") == {"W-3"}
    assert traced(document, "manual/differences/extra_m") == {"W-1", "W-3"}
    bare = {name: value for name, value in document.items() if name != "trace"}
    lost = [p for p in numbers(bare) if not any(fits(one["path"], p) for one in document["trace"])]
    assert lost == []

    figures = "长 24.00 米(两路合计;第一路 4.00 米,第二路 20.00 米),穿越 1 次 10.00 米"
    line = next(one for one in plan_summary(made) if "手绘" in one)
    assert line.startswith(f"给水 手绘两路 {figures}")
    assert line.endswith("告知承诺制审批 四(四)(1);第一路接入端移到 W-1 上(1.50 米)")

    write_plan(document, made.survey.crs, tmp_path / "plan.gpkg")
    rows = gpd.read_file(tmp_path / "plan.gpkg", layer="routes")
    drawn = rows[rows["kind"] == "manual"].set_index("feed")
    assert drawn["length_m"].round(3).to_dict() == {1: 4.0, 2: 20.0}
    assert drawn["drawn"].tolist() == [True, True]
    assert drawn["both_length_m"].tolist() == pytest.approx([24.0, 24.0])
    assert not rows.loc[rows["kind"] != "manual", "drawn"].any()


def test_a_second_feed_drawn_alone_keeps_its_number_everywhere(tmp_path: Path) -> None:
    made = planned(entry(ACROSS, 2))
    document = made.to_json()
    assert faults("plan", document) == []
    water = next(one for one in document["utilities"] if one["utility"] == "water")
    own = next(one for one in water["routes"] if one["kind"] == "manual")
    assert (water["manual"]["feed"], water["manual"]["second_drawn"]) == (2, None)
    assert (own["tie_in"]["line_id"], own["length_m"]) == ("W-3", pytest.approx(20.0))
    assert water["manual"]["second_feed"]["route"]["length_m"] == pytest.approx(4.0)
    assert any("第一路 4.00 米,第二路 20.00 米" in one for one in plan_summary(made))
    write_plan(document, made.survey.crs, tmp_path / "plan.gpkg")
    rows = gpd.read_file(tmp_path / "plan.gpkg", layer="routes")
    drawn = rows[rows["kind"] == "manual"].set_index("feed")
    assert drawn["length_m"].round(3).to_dict() == {1: 4.0, 2: 20.0}
    assert drawn["drawn"].to_dict() == {1: False, 2: True}


def test_a_refused_pair_leaves_the_rest_of_the_plan_and_tells_who_drew_both() -> None:
    document = planned(
        entry(BEFORE, 1, author="甲"), entry([(130, 8), (130, 12)], 2, author="乙")
    ).to_json()
    assert faults("plan", document) == []
    water = next(one for one in document["utilities"] if one["utility"] == "water")
    assert water["status"] == "routed"
    assert "manual" not in [one["kind"] for one in water["routes"]]
    told = water["manual"]
    assert (told["status"], told["author"], told["second_drawn"]["author"]) == (
        "refused",
        "甲",
        "乙",
    )
    assert "同属管线 W-1" in told["reason"]


def test_two_feeds_may_be_drawn_where_no_pair_is_found() -> None:
    """P-2 is 100 m from the only street: nothing is recommended, and nothing to compare with."""
    survey = town(
        lines={"W-1": main((0, 98), (300, 98)), "W-2": main((0, 180), (300, 180))},
        parcels={"P-2": towns.parcel(100, 120, 140, 160)},
    )
    lines = entry([(120, 98), (120, 120)], 1), entry([(120, 180), (120, 160)], 2)
    made = planned(*lines, survey=survey, parcel_id="P-2")
    _found, both = judged(made)
    assert both.measures["pipe_length_m"] == pytest.approx(42.0)
    document = made.to_json()
    assert faults("plan", document) == []
    assert document["utilities"][0]["manual"]["differences"] is None


def test_a_feed_drawn_now_is_judged_with_the_other_one_that_is_kept() -> None:
    made = planned(entry(BEFORE, 1))
    line = LineString(np.array(ACROSS) + np.array(towns.ORIGIN))
    told = made.judge_drawn("water", line, feed=2)
    assert (told["feed"], told["route"]["tie_in"]["line_id"]) == (1, "W-1")
    assert told["second_feed"]["route"]["tie_in"]["line_id"] == "W-3"
    assert told["route"]["together"]["length_m"] == pytest.approx(24.0)
    again = made.judge_drawn("water", line)  # the first is drawn anew
    assert again["second_drawn"] is None
    assert again["route"]["tie_in"]["line_id"] == "W-3"

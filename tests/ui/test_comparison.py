"""What an engineer compares: lettered routes, chart, cures, surroundings, origins of numbers."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.ui.full_plan import full_plan
from tests.ui.test_case_drawing import view
from tests.ui.town import xy
from ui import panel
from ui.case_drawing import Placer
from ui.case_marks import case_marks, clearance_marks
from ui.comparison import comparison, eligibility, limit_of
from ui.route_choice import choices
from ui.surroundings import drawn_card, surroundings
from ui.verdict_detail import verdict_detail
from ui.view import View


@pytest.fixture
def gas() -> tuple[View, dict[str, Any]]:
    shown = replace(view(joint=False), plan=full_plan(), chosen="gas")
    return shown, next(one for one in shown.plan["utilities"] if one["utility"] == "gas")


def charts(html: str) -> list[str]:
    return [
        base64.b64decode(text).decode()
        for text in re.findall(r'tg-pareto"[^>]*base64,([^"]+)', html)
    ]


def test_routes_bear_letters_the_recommended_first_and_the_drawn_last(gas: Any) -> None:
    found = choices(*gas)
    assert [(one.letter, one.names[0]) for one in found] == [
        ("A", "符合条款中最省"), ("B", "最省"), ("C", "经 将军路 东侧"), ("D", "手绘")
    ]  # fmt: skip
    assert [one.recommended for one in found] == [True, False, False, False]


def test_the_same_course_found_twice_is_one_route_with_two_names(gas: Any) -> None:
    shown, line = gas
    twice = {**line, "routes": [*line["routes"], {**line["routes"][0], "kind": "shortest"}]}
    assert [one.names for one in choices(shown, twice)][1] == ("最省", "最短")


def test_what_alone_is_not_enough_stands_apart_with_what_remains(gas: Any) -> None:
    shown, line = gas
    cure, delay = line["remedies"]
    left = [{"kind": "condition", "input": "construction_length_m", "status": "failed"},
            {"kind": "guard", "input": "bad_credit", "status": "unknown"}]  # fmt: skip
    delay = {**delay, "outcome_after": "ordinary_approval", "qualifies": False, "remaining": left}
    both = eligibility(shown, {**line, "remedies": [cure, delay]})
    cures, steps = both.split("<h4>单做还不够</h4>")
    assert "单做一项即符合" in cures
    assert "改由 G-7 接入" in cures
    assert "改期开挖" not in cures
    assert "改期开挖" in steps
    assert "仍差:施工长度 不符合、" in steps
    alone = eligibility(shown, {**line, "remedies": [delay]})
    assert "没有单做一项即符合的办法" in alone


def test_table_and_chart_show_every_route_by_its_letter_and_the_limit(gas: Any) -> None:
    text = comparison(*gas)
    for part in (
        "走向比选",
        "187.60",
        "214.10",
        "192.40",
        "告知承诺制审批",
        "一般审批",
        "为符合条款多花 0.21 万元",
    ):
        assert part in text, part
    assert limit_of(*gas, "length_m") == 200
    length, green = charts(text)  # no route crosses a road
    assert {letter for letter in "ABCD" if f">{letter}</text>" in length} == set("ABCD")
    assert "stroke-dasharray" in length
    assert "stroke-dasharray" not in green


def test_a_limit_on_crossings_is_drawn_against_the_length_that_it_limits(gas: Any) -> None:
    shown, line = gas
    [condition] = [f for f in line["verdict"]["alone"]["findings"] if f["kind"] == "condition"]
    crossing = {**condition, "input": "road_crossing_m", "value": 30.0, "limit": 50}
    alone = {**line["verdict"]["alone"], "findings": [crossing]}
    far = {"crossing_kerb_m": 14.0, "crossing_red_line_m": 30.0}
    routes = [line["routes"][0], {**line["routes"][1], **far}]
    power = {
        **line,
        "utility": "power",
        "verdict": {"alone": alone},
        "routes": routes,
        "pareto": {},
    }
    assert limit_of(shown, power, "crossing_red_line_m") == 50
    assert limit_of(shown, power, "crossing_kerb_m") is None
    text = comparison(shown, power)
    assert "红线间" in text
    [chart] = [one for one in charts(text) if "stroke-dasharray" in one]
    assert "穿路(道路红线之间)" in chart
    unknown = {**power, "verdict": {"alone": {**alone, "findings": [{**crossing, "value": None}]}}}
    assert limit_of(shown, unknown, "crossing_red_line_m") is None


def test_a_route_that_the_plan_does_not_cover_is_no_failure_in_the_chart(gas: Any) -> None:
    shown, line = gas
    routes = [{**one, "outcome": "not_covered"} for one in line["routes"]]
    [length, *_rest] = charts(comparison(shown, {**line, "routes": routes, "pareto": {}}))
    assert length.count("<rect") == 3
    assert length.count("<circle") == 1  # the alternative fails, the others are not covered


def test_points_that_qualify_differ_by_shape_and_not_by_colour_alone(gas: Any) -> None:
    shown, line = gas
    unknown = [{**one, "qualifies": None} for one in line["pareto"]["length_m"]]
    text = comparison(shown, {**line, "pareto": {"length_m": unknown}})
    [chart, *_rest] = charts(text)
    assert chart.count("<rect") == len(unknown)


def test_the_proof_and_every_cure_stand_with_value_limit_margin_and_price(gas: Any) -> None:
    text = eligibility(*gas)
    for part in (
        "任何走向的施工长度都不少于 201.35 米",
        "改由 G-7 接入",
        "201.35",
        "187.60",
        "余 12.40",
        "+0.21 万元",
        "告知承诺制审批",
    ):
        assert part in text, part


def test_surroundings_show_what_is_short_and_fold_the_rest(gas: Any) -> None:
    text = surroundings(*gas)
    _drawn, own = text.split("推荐路由的净距")
    shown, folded = own.split("其余净距")
    assert (shown.count("tg-bad"), shown.count("误差之内")) == (1, 1)
    assert "1.40" in folded
    for part in (
        "0.31 ±0.15",
        "GB 50289-2016 表 4.1.9",
        "实测燃气干管 G-3",
        "北坐标 X {:.2f},东坐标 Y {:.2f}".format(*xy((165.0, 90.0))[::-1]),
        "次高压,未经调压不得接入",
        "压力级制相符",
        "选 de110",
        "避开行道树",
        "穿过建筑 B-4-1",
        "末端移到红线上 0.42 m",
        "比推荐路由 +4.80 m · +0.85 万元 · 绿化 −3.10 m²",
    ):
        assert part in text, part


def test_a_drawn_route_tells_its_own_clearances_and_not_those_of_the_recommended_one(
    gas: Any,
) -> None:
    shown, line = gas
    drawn, own = surroundings(shown, line).split("推荐路由的净距")
    _about, near = drawn.split("手绘路由的净距")
    for part in ("重叠 0.12 ±0.15", "W-8", "W-9", "GB 50289-2016 表 4.1.9"):
        assert part in near, part
    assert "W-8" not in own
    card = drawn_card(shown, line["manual"], shown.drawn(line))
    assert "净距不足 1 处,其中 1 处重叠 · 净距未定 1 处" in card
    assert "不足: 与给水管 W-1 平行,净距 -0.12 米 GB 50289-2016 表 4.1.9" in card


def test_a_drawn_route_with_faults_bears_no_chip_that_qualifies(gas: Any) -> None:
    shown, line = gas
    card = drawn_card(shown, line["manual"], shown.drawn(line))
    assert "不能照此敷设" in card
    assert "tg-good" not in card
    assert "不计问题,按条款为:告知承诺制审批" in card
    table, *_charts = comparison(shown, line).split("tg-charts")
    [drawn] = [row for row in table.split("<tr") if "手绘" in row]
    assert "不能照此敷设" in drawn
    assert "tg-good" not in drawn
    manual = {**line["manual"], "faults": []}
    without = drawn_card(shown, manual, shown.drawn(line))
    assert "tg-good" in without
    assert "不能照此敷设" not in without


def test_every_course_tells_how_many_clearances_are_short(gas: Any) -> None:
    rows = comparison(*gas).split("<tr")
    told = {
        name: next(row for row in rows if name in row)
        for name in ("符合条款中最省", "经 将军路 东侧", "手绘")
    }
    assert "净距不足 1 处 · 净距未定 1 处" in told["符合条款中最省"]
    assert "净距不足 2 处" in told["经 将军路 东侧"]
    assert "净距不足 1 处,其中 1 处重叠" in told["手绘"]


def test_the_overview_tells_of_clearances_in_the_row_and_in_a_warning(gas: Any) -> None:
    shown, line = gas
    assert "净距不足 1 处" in panel.lines_table(shown)
    warning = panel.obstacles(shown)
    assert "<b>燃气</b> 净距不足 1 处。判定不含净距" in warning
    assert "重叠之处" not in warning
    on_it = [
        {**one, "overlap_count": 1} if one["kind"] == "qualifying" else one
        for one in line["routes"]
    ]
    lines = [
        {**one, "routes": on_it} if one["utility"] == "gas" else one
        for one in shown.plan["utilities"]
    ]
    told = panel.obstacles(replace(shown, plan={**shown.plan, "utilities": lines}))
    assert "<b>燃气</b> 净距不足 1 处,其中 1 处重叠" in told
    assert "重叠之处压在现状管线或设施上" in told


def test_a_refused_drawing_tells_why(gas: Any) -> None:
    shown, line = gas
    manual = {**line["manual"], "status": "refused", "reason": "末端离红线 6.00 米<b>"}
    without = [one for one in line["routes"] if one["kind"] != "manual"]
    text = surroundings(shown, {**line, "manual": manual, "routes": without})
    assert "末端离红线 6.00 米&lt;b&gt;" in text


def test_a_measure_shows_how_far_it_may_lie_off(gas: Any) -> None:
    assert "199.90–202.80" in verdict_detail(*gas)


def test_a_number_opens_where_it_comes_from(gas: Any) -> None:
    text = panel.lines_table(gas[0])
    for part in (
        "tg-trace",
        "shapely.length(route)",
        "管线 第 2 版 abababab:G-3 geometry",
        "四(四)(3)",
    ):
        assert part in text, part
    assert text.count("tg-trace") == 1


def test_the_map_marks_courses_clearances_survey_points_and_faults(gas: Any) -> None:
    marks = case_marks(gas[0])
    assert [(one["letter"], one["shown"], one["drawn"]) for one in marks["others"]] == [
        ("A", False, False), ("B", True, False), ("C", True, False), ("D", True, True)
    ]  # fmt: skip
    assert [one["status"] for one in marks["clearances"]] == ["fail", "uncertain"] * 2
    assert [one["label"].split(" ")[:2] for one in marks["clearances"]] == [
        ["燃气", "手绘"], ["燃气", "手绘"], ["燃气", "不足:"], ["燃气", "误差之内:"]
    ]  # fmt: skip
    assert [len(marks[key]) for key in ("survey", "faults")] == [1, 1]
    unchosen = case_marks(replace(gas[0], chosen=None))
    assert [one["drawn"] for one in unchosen["others"]] == [True]
    assert all(value == [] for value in case_marks(None).values())


def test_marks_of_separate_routes_are_not_on_the_map_of_the_shared_trench(gas: Any) -> None:
    shared = replace(gas[0], joint=True, chosen=None)
    marks = case_marks(shared)
    assert [one["label"].split(":")[0] for one in marks["clearances"]] == ["燃气 手绘 不足"]
    assert marks["survey"] == []
    of_one = case_marks(replace(shared, chosen="gas"))
    labels = [one["label"] for one in (*of_one["clearances"], *of_one["survey"])]
    assert sum("燃气(各自敷设)" in label for label in labels) == 3


def test_marks_at_one_place_are_one_mark_that_says_all_of_them(gas: Any) -> None:
    shown, line = gas
    at = line["clearances"][0]["xy"]
    near = [
        {**line["clearances"][1], "xy": [at[0] + 0.4, at[1]]},
        *({**line["clearances"][0], "text": f"第 {n} 处", "xy": at} for n in range(6)),
        {**line["clearances"][0], "text": "远处", "xy": [at[0] + 1.4, at[1]]},
    ]
    far, together = sorted(
        clearance_marks([("燃气", one) for one in near], Placer(shown.plan["crs"])),
        key=lambda one: len(one["label"]),
    )
    assert far["label"] == "燃气 不足: 远处"
    assert together["status"] == "fail"
    assert together["label"].count("<br>") == 5
    assert together["label"].endswith("另 2 处")


def test_the_places_that_remedies_name_are_marked_for_the_chosen_line(gas: Any) -> None:
    shown, line = gas
    remedy = line["remedies"][0]
    moved = {**remedy, "kind": "nearer_end_point", "text": "接口改在", "route": line["routes"][0]}
    other = {**remedy, "route": line["routes"][1]}
    lines = [
        {**one, "remedies": [moved, other]} if one["utility"] == "gas" else one
        for one in shown.plan["utilities"]
    ]
    view = replace(shown, plan={**shown.plan, "utilities": lines})
    place = Placer(view.plan["crs"])
    assert case_marks(view)["places"] == [
        {"at": place.point(line["routes"][0]["end"]["xy"]), "label": "接口改在"},
        {"at": place.point(line["routes"][1]["tie_in"]["xy"]), "label": "改由 G-7 接入"},
    ]
    assert case_marks(replace(view, chosen=None))["places"] == []


def test_a_pair_that_keeps_apart_is_not_called_the_cheapest_beside_a_cheaper_one(gas: Any) -> None:
    shown, line = gas
    first, second = line["routes"][:2]

    def names(apart_yuan: int, close_yuan: int) -> list[tuple[str, ...]]:
        pairs = [
            {**first, "kind": "cheapest", "together": {"cost_yuan": apart_yuan}},
            {**second, "kind": "shortest", "together": {"cost_yuan": close_yuan}},
        ]
        fed = {**line, "routes": pairs, "alternatives": [], "recommended": "cheapest"}
        return [one.names for one in choices(shown, fed)]

    assert names(157_826, 148_346) == [("两路分开敷设中最省",), ("最短",)]
    assert names(148_346, 157_826) == [("最省",), ("最短",)]


def test_a_plan_that_says_none_of_it_shows_nothing_more() -> None:
    shown = view(joint=False)
    line = next(one for one in shown.plan["utilities"] if one["utility"] == "gas")
    assert comparison(shown, line) == eligibility(shown, line) == surroundings(shown, line) == ""
    assert all(value == [] for value in case_marks(shown).values())
    assert "tg-trace" not in panel.lines_table(shown)

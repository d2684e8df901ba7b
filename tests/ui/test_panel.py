"""What the panel says of a case: figures as letters print them, reasons, units."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.ui.full_plan import full_plan
from tests.ui.test_case_drawing import view
from tests.ui.town import TRENCH
from tests.ui.town_plan import route
from ui import panel, words
from ui.comparison import eligibility
from ui.verdict_detail import verdict_detail
from ui.view import View


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (128.7, "m", "128.70"),
        (-1.35, "m", "−1.35"),
        (-0.001, "m", "0.00"),
        (200.0, "mm", "200"),
        (1043, "", "1,043"),
        (None, "m", "未知"),
        (True, "", "是"),
        (["2020-01-01"] * 2, "", "2020-01-01"),
    ],
)
def test_values_read_as_in_a_letter(value: object, unit: str, text: str) -> None:
    assert words.value(value, unit) == text


def test_units_of_the_rules_are_shown_in_chinese() -> None:
    assert [words.unit(code) for code in ("m2", "holes", "pipes", "mm", None)] == [
        "m²",
        "孔",
        "根",
        "mm",
        "",
    ]


def with_lines(*lines: dict[str, Any]) -> View:
    shown = view(joint=False)
    return replace(shown, plan={**shown.plan, "utilities": list(lines), "joint": None})


def unroutable(utility: str) -> dict[str, Any]:
    return {
        "utility": utility,
        "status": "unroutable",
        "reason": "gap_too_wide",
        "gap_m": 86.75,
        "routes": [],
        "verdict": {"alone": None, "joint": None},
    }


def test_lines_stopped_by_the_same_reason_share_one_sentence_with_limit_and_cure() -> None:
    text = panel.obstacles(with_lines(unroutable("water"), unroutable("power")))
    assert text.count("<p") == 1
    for part in ("给水、电力", "相距 86.75 m", "连接段最长 40 m", "请核对"):
        assert part in text


def test_what_bars_a_line_stands_beside_its_reason_in_place_of_the_usual_cure() -> None:
    barred = {"kind": "access_barred", "utilities": ["water"], "text": "水体 D-1 隔在<中间>"}
    water, power = ({**unroutable(one), "reason": "disconnected"} for one in ("water", "power"))
    shown = with_lines(water, power)
    shown = replace(shown, plan={**shown.plan, "notices": [barred]})
    ditch, streets = panel.obstacles(shown).split("</p>")[:2]
    assert "水体 D-1 隔在&lt;中间&gt;" in ditch
    assert "断点" not in ditch
    assert "断点" in streets
    assert panel.notices(shown) == ""


def test_a_missed_limit_gives_value_clause_words_and_excess() -> None:
    gas = next(one for one in view().plan["utilities"] if one["utility"] == "gas")
    proof = {"text": "任何路由的施工长度至少 201.35 m,超过 200 m"}
    text = panel.obstacles(with_lines({**gas, "certificate": proof}))
    for part in (
        "施工长度:201.35 m,不符合 四(四)(3)「施工长度在200米内(含200米)」",
        "超出 1.35 m",
        "任何路由的施工长度至少 201.35 m,超过 200 m。",
    ):
        assert part in text


def test_without_a_shared_trench_the_figures_are_length_and_cost() -> None:
    text = panel.figures(view(joint=False))
    assert "外线总长" in text
    assert "示例单价" in text
    assert "共沟长度" in panel.figures(view())


def test_a_ground_without_a_measure_has_no_unknown_value() -> None:
    shown = view(joint=False)
    gas = next(one for one in shown.plan["utilities"] if one["utility"] == "gas")
    nameless = {
        "kind": "advisory",
        "id": "power_no_limit",
        "input": None,
        "value": None,
        "limit": None,
        "comparator": None,
        "status": "failed",
        "margin": None,
        "quote": None,
        "words": "请主管部门确认",
        "ref": "四(四)(4)",
        "confidence": "inferred",
    }
    alone = {**gas["verdict"]["alone"], "findings": [nameless]}
    text = verdict_detail(shown, {**gas, "verdict": {"alone": alone}})
    assert "条文无量化条件" in text
    assert "未知" not in text


def test_a_line_tells_where_it_joins_and_what_it_crosses() -> None:
    shown = replace(view(joint=False), road_names={"R-1": "环城大道"})
    water = next(one for one in shown.plan["utilities"] if one["utility"] == "water")
    text = verdict_detail(shown, water)
    assert "接入 管线 W-1" in text
    assert "穿 环城大道(R-1) 14.00 m(道路红线之间 30.00 m)" in text


def test_permits_that_no_verdict_speaks_of_are_named() -> None:
    shown = view()
    named = replace(shown, plan={**shown.plan, "never_covered": ["公路涉路施工", "<b>"]})
    assert "公路涉路施工、&lt;b&gt;" in panel.never_covered(named)
    assert panel.never_covered(replace(shown, plan={**shown.plan, "never_covered": []})) == ""


def test_a_day_of_digging_that_has_passed_stands_out_beside_the_day() -> None:
    plan = {**view().plan, "notices": []}
    assert "已过" not in panel.heading(plan, "XX", default_demand=False)
    passed = {"kind": "dig_date_passed", "layer": "applications", "feature_id": "XX-1",
              "utilities": ["gas"], "text": "拟开挖日期 2026-12-01 已过"}  # fmt: skip
    told = panel.heading({**plan, "notices": [passed]}, "XX", default_demand=False)
    assert '计划开挖 2026-12-01 <b class="tg-wrong">已过</b>' in told


def test_notices_and_assumptions_are_told_in_words() -> None:
    shown = replace(view(), plan=full_plan())
    assert "<b>燃气</b> 将军路(R-2)2027 年大修" in panel.notices(shown)
    told = panel.assumptions(shown)
    assert "价目表无此管材,不计管材;所穿道路的路面类型未知,按沥青计" in told
    assert panel.notices(view()) == panel.assumptions(view()) == ""


def test_a_firm_verdict_says_what_it_is_firm_about() -> None:
    shown = view(joint=False)
    gas = next(one for one in shown.plan["utilities"] if one["utility"] == "gas")
    firm = {**gas["verdict"]["alone"], "certainty": "firm"}
    words_of_it = "误差内可能触及即不为确定;未注明位置精度的按口述资料计"
    assert words_of_it in verdict_detail(shown, {**gas, "verdict": {"alone": firm}})
    assert words_of_it not in verdict_detail(shown, gas)


def test_a_proof_is_told_once() -> None:
    gas = next(one for one in view().plan["utilities"] if one["utility"] == "gas")
    proof = {"text": "任何路由的施工长度至少 201.35 m"}
    proven = {**gas, "certificate": proof}
    shown = with_lines(proven)
    assert proof["text"] in panel.obstacles(shown)
    chosen = replace(shown, chosen="gas")
    assert proof["text"] not in panel.obstacles(chosen)
    assert proof["text"] in eligibility(chosen, proven)


def test_a_second_feed_and_the_place_of_handover_are_told() -> None:
    shown = view(joint=False)
    gas = next(one for one in shown.plan["utilities"] if one["utility"] == "gas")
    paired = of_two_feeds(gas)
    end = {"kind": "meter_box", "xy": [0.0, 0.0], "length_inside_m": 12.4}
    told = verdict_detail(shown, {**paired, "handover": end})
    assert "第一路 接入 管线" in told
    assert "第二路 接入 管线" in told
    assert "第一路 长 143.78 m" in told
    assert "第二路 长 79.78 m" in told
    assert "交接点 表箱(红线内 12.40 m)" in told
    assert told.count("<summary>第一路 路由各段") == told.count("<summary>第二路 路由各段") == 1
    none = {"route": None, "reason": "no_other_source", "apart": None, "together": None}
    told = verdict_detail(
        shown, {**gas, "second_feed": none, "handover": {**end, "length_inside_m": None}}
    )
    assert "第二路没有另一处来源" in told
    assert "红线内长度未知" in told


def test_the_row_of_two_feeds_shows_what_was_judged_and_below_it_each_feed() -> None:
    gas = next(one for one in view().plan["utilities"] if one["utility"] == "gas")
    told = panel.lines_table(with_lines(of_two_feeds(gas)))
    row, *below = re.findall(r"<tr.*?</tr>", told.split("<tbody>")[1])
    assert "燃气<small>两路合计</small>" in row
    assert re.findall(r'<td class="n">(.*?)</td>', row) == ["223.56", "3 / 44.00", "1.50"]
    assert [metres in below[-1] for metres in ("143.78 m", "79.78 m")] == [True, True]
    assert "以上为两路合计,12.50 万元;两路各走街道一侧" in below[-1]
    assert "同沟" not in below[-1]


def test_metres_in_one_trench_are_shown_as_the_clause_counts_them() -> None:
    gas = next(one for one in view().plan["utilities"] if one["utility"] == "gas")
    told = panel.lines_table(with_lines(of_two_feeds(gas, shared_m=30.0)))
    assert '<td class="n">193.56</td>' in told
    assert "两路同沟 30.00 m;管线共长 223.56 m,条款按 193.56 m 计" in told


def test_the_row_of_a_second_feed_that_is_missing_is_of_the_first_and_says_so() -> None:
    gas = next(one for one in view().plan["utilities"] if one["utility"] == "gas")
    none = {"route": None, "reason": "no_other_source", "apart": None, "together": None}
    told = panel.lines_table(with_lines({**gas, "second_feed": none}))
    assert "以上只有第一路:第二路没有另一处来源" in told
    assert "两路合计" not in told


def test_of_power_the_row_shows_the_crossings_that_the_clause_limits() -> None:
    power = next(one for one in view().plan["utilities"] if one["utility"] == "power")
    told = panel.lines_table(with_lines(power))
    assert "红线间" not in told
    limit = {
        "kind": "condition",
        "id": "crossing",
        "input": "road_crossing_m",
        "status": "met",
        "value": 40.0,
        "limit": 50,
        "margin": 10.0,
        "comparator": "at_most",
    }
    alone = {**power["verdict"]["alone"], "findings": [limit]}
    measured = {"crossing_kerb_m": 20.0, "crossing_red_line_m": 40.0}
    route = {**power["routes"][0], "measures": measured, **measured, "crossing_count": 2}
    changed = {**power, "routes": [route], "verdict": {"alone": alone, "joint": None}}
    told = panel.lines_table(with_lines(changed))
    assert '<td class="n">2 / 40.00<small>红线间</small></td>' in told


def of_two_feeds(line: dict[str, Any], shared_m: float = 0.0) -> dict[str, Any]:
    """A line with a second feed, and what both come to, invented."""
    first, second = line["routes"][0], route("second", TRENCH)
    length_m = first["length_m"] + second["length_m"]
    together = {
        "measures": {"construction_length_m": length_m - shared_m},
        "length_measure": "construction_length_m",
        "length_m": length_m,
        "shared_m": shared_m,
        "cost_yuan": 125_000.0,
        "crossing_count": 3,
        "crossing_kerb_m": 44.0,
        "crossing_red_line_m": 60.0,
        "green_m2": 1.5,
    }
    found = {"route": second, "reason": None, "apart": "side", "together": together}
    return {**line, "routes": [{**first, "together": together}], "second_feed": found}


def test_a_sewer_without_fall_tells_how_much_is_missing() -> None:
    sewer = {**unroutable("sewage"), "reason": "no_fall", "gap_m": None}
    told = panel.obstacles(with_lines({**sewer, "no_fall": {"text": "到 SN-1 差 0.35 米"}}))
    assert "各接入处的落差都不够(到 SN-1 差 0.35 米)" in told


def test_a_saving_that_is_not_known_is_a_dash() -> None:
    shown = view()
    joint = {**shown.plan["joint"], "saving_share": None}
    text = panel.figures(replace(shown, plan={**shown.plan, "joint": joint}))
    assert "<span>比各自开挖省</span><b>—</b>" in text
    assert "<span>比各自开挖省</span><b>36<small> %</small></b>" in panel.figures(shown)

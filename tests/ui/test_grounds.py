"""What a verdict hangs on, in words: judged by the real policy."""

from __future__ import annotations

from typing import Any

import pytest

from layers.utilities import load_utilities
from planning.policies import load_policy
from planning.verdicts import judge_payload
from ui.grounds import deciding, grounds
from ui.view import View
from ui.words import Words

COUNTY = "411523_xinxian"
LINE = {"utility": "gas", "certificate": None}
DIGGING: dict[str, Any] = {
    "touches_city_road": True,
    "touches_green": False,
    "touches_tree": False,
    "in_service_area": True,
    "work_kind": "new",
    "dig_date": "2026-11-22",
    "open_cut": True,
    "road_opened_on": "2011-05-01",
    "road_overhauled_on": "2011-05-01",
}
GAS = {**DIGGING, "utility": "gas", "construction_length_m": 150}
POWER = {
    **DIGGING,
    "utility": "power",
    "enterprise_invested_or_dominant": True,
    "hazardous_goods": False,
    "crossing_red_line_m": 20,
    "line_length_m": 790,
    "voltage_kv": 10,
}


def view() -> View:
    return View({"utilities": []}, load_utilities(), Words(load_policy(COUNTY)))


def judged(given: dict[str, Any]) -> Any:
    values = {name: value for name, value in given.items() if name != "utility"}
    inputs = load_policy(COUNTY).inputs
    measured = {name for name in values if inputs[name].surveyed}
    return judge_payload(
        {
            "utility": given["utility"],
            "measures": {name: values[name] for name in measured},
            "facts": {name: value for name, value in values.items() if name not in measured},
        },
        COUNTY,
    )


def text(given: dict[str, Any]) -> str:
    return deciding(view(), judged(given))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (GAS, "施工长度 150.00 m · 限值 ≤ 200 · 余 50.00"),
        ({**GAS, "construction_length_m": 201}, "限值 ≤ 200 · <b>超出 1.00</b>"),
        # A young road bars whatever the length: the limit that is kept decides nothing.
        (
            {**GAS, "road_opened_on": "2024-05-01"},
            "道路交付使用日期 2024-05-01 · <b>触发</b> 城市道路管理条例第33条",
        ),
        ({**GAS, "promiser_declines": True}, "承诺人不愿承诺 是 · <b>触发</b> 国办发〔2020〕42号"),
        ({**GAS, "in_service_area": False}, "否 · 不在适用范围:二(一)"),
        # 10 m of 800 left, 30 m of 50: the length is nearer to its limit.
        (POWER, "线路长度 790.00 m · 限值 ≤ 800 · 余 10.00"),
        (
            {**POWER, "enterprise_invested_or_dominant": False},
            "企业投资或投资占主导 否 · <b>不符合</b> 四(四)(6)",
        ),
    ],
)
def test_the_ground_that_decides(given: dict[str, Any], expected: str) -> None:
    assert expected in text(given)


def test_another_way_to_meet_the_clause_that_is_met_decides_nothing() -> None:
    """A site without sewage is none of the six small trades, and need not be."""
    site = {**DIGGING, "utility": "storm", "subject_kind": "construction_site_without_sewage"}
    assert judged(site)["outcome"] == "commitment"
    assert text(site) == ""


def test_a_bar_tells_the_days_to_wait() -> None:
    told = grounds(view(), LINE, judged({**GAS, "road_opened_on": "2024-05-01"}))
    assert "2029-05-01 之后方可开挖,还差 892 天" in told


def test_a_bar_of_a_milder_outcome_did_not_decide() -> None:
    both = {**GAS, "road_opened_on": "2024-05-01", "promiser_declines": True}
    assert judged(both)["outcome"] == "blocked"
    assert "道路交付使用日期" in text(both)
    assert "道路交付使用日期" in grounds(view(), LINE, judged(both))


def test_no_limit_decides_an_open_verdict_or_one_that_needs_no_permit() -> None:
    untouched = dict.fromkeys(("touches_city_road", "touches_green", "touches_tree"), False)
    assert judged({**GAS, **untouched})["outcome"] == "not_required"
    assert text({**GAS, **untouched}) == ""
    open_ = {**GAS, "road_opened_on": None}
    assert judged(open_)["outcome"] == "undetermined"
    assert text(open_) == ""
    assert "尚缺:道路交付使用日期" in grounds(view(), LINE, judged(open_))


def test_what_the_plan_does_not_cover_is_not_called_a_failure() -> None:
    told = grounds(view(), LINE, judged({**GAS, "work_kind": "relocation"}))
    assert "业务类型:迁改,不在适用范围:二(一)" in told
    assert "不符合" not in told


TELECOM: dict[str, Any] = {
    **DIGGING,
    "utility": "telecom",
    "touches_green": True,
    "green_temporary_m2": 11.5,
    "ancient_tree_or_park": False,
    "duct_outer_diameter_mm": 110,
    "duct_holes": 2,
    "pipe_length_m": 107,
}


def test_a_permit_that_the_clause_leaves_out_is_the_ground_and_no_kept_limit() -> None:
    """Clause (5) speaks of greenery that is occupied for a time, and of no trees."""
    verdict = judged({**TELECOM, "touches_tree": True})
    assert verdict["outcome"] == "ordinary_approval"
    for told in (deciding(view(), verdict), grounds(view(), LINE, verdict)):
        assert "树木 · <b>须一般审批</b> 四(四)(5):条文只写临时占用城市绿化,不含伐移" in told
        assert "余" not in told
        assert "尚缺" not in told
    assert "余" in text(TELECOM)


def test_a_limit_that_is_missed_too_stands_before_the_permit() -> None:
    told = text({**TELECOM, "touches_tree": True, "pipe_length_m": 210})
    assert "超出 10" in told
    assert "不含伐移" not in told


def test_what_is_unknown_of_a_permit_is_named_where_nothing_else_is() -> None:
    known = judged(TELECOM)
    findings = [
        {**one, "status": "unknown", "value": None} if one["id"] == "tree_moving" else one
        for one in known["findings"]
    ]
    possible = ["commitment", "ordinary_approval"]
    verdict = {**known, "outcome": "undetermined", "possible": possible, "findings": findings}
    told = grounds(view(), LINE, verdict)
    assert "见下方依据" not in told
    assert "树木" in told

"""Properties of verdicts, what the command line accepts, and what answers carry."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planning.policies import load_policy
from planning.verdicts import JudgeInputError, judge, judge_payload

COUNTY = "411523_xinxian"
POLICY = load_policy(COUNTY)
SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "schemas" / "verdict.json").read_text("utf-8")
)
ORDER = ("not_required", "commitment_filing", "commitment", "ordinary_approval", "blocked")
LIMITS = {
    "water": {"max_dn_mm": 300, "pipe_length_m": 200, "green_affected_m2": 200},
    "gas": {"construction_length_m": 200},
    "power": {"road_crossing_m": 50, "line_length_m": 800},
    "telecom": {
        "green_temporary_m2": 200,
        "duct_outer_diameter_mm": 110,
        "duct_holes": 2,
        "pipe_length_m": 200,
    },
}
POWER = {"enterprise_invested_or_dominant": True, "hazardous_goods": False}


def strictness(outcome: str) -> int:
    return ORDER.index(outcome)


@st.composite
def measured(draw: st.DrawFn) -> tuple[str, dict[str, float]]:
    """A utility with measures around their limits."""
    utility = draw(st.sampled_from(sorted(LIMITS)))
    share = st.floats(0, 2, allow_nan=False)
    return utility, {
        name: round(limit * draw(share)) if name == "duct_holes" else limit * draw(share)
        for name, limit in LIMITS[utility].items()
    }


@settings(max_examples=150, deadline=None)
@given(measured(), st.data())
def test_a_worse_measure_never_improves_a_verdict(
    case: tuple[str, dict[str, float]], data: st.DataObject
) -> None:
    utility, measures = case
    name = data.draw(st.sampled_from(sorted(measures)))
    worse = measures[name] + data.draw(st.integers(0, 300))
    before = judge(utility, measures, POWER, POLICY)
    after = judge(utility, {**measures, name: worse}, POWER, POLICY)
    assert strictness(after.outcome) >= strictness(before.outcome)


FACTS: dict[str, tuple[Any, ...]] = {
    "in_service_area": (True, False),
    "work_kind": ("new", "relocation"),
    "touches_city_road": (True, False),
    "touches_green": (True, False),
    "touches_tree": (True, False),
    "road_opened_on": ("2001-01-01", "2025-01-01"),
    "open_cut": (True, False),
    "on_bridge": (True, False),
    "ancient_tree_or_park": (True, False),
    "promiser_declines": (True, False),
}
SETTLED = {
    "tree_moving": False,
    "pit_in_road": False,
    "road_overhauled_on": "never",
    "dig_date": "2026-11-22",
    "pressure_mpa": 0.4,
    "voltage_kv": 10,
    "bad_credit": False,
}


@st.composite
def whole_cases(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A utility with every input known."""
    utility = draw(st.sampled_from(("water", "sewage", "gas", "power", "telecom")))
    facts = {name: draw(st.sampled_from(values)) for name, values in FACTS.items()}
    measures: dict[str, Any] = {
        name: draw(st.sampled_from((limit, limit + 1)))
        for name, limit in LIMITS.get(utility, {}).items()
    }
    if utility == "power":
        measures["enterprise_invested_or_dominant"] = draw(st.booleans())
        measures["hazardous_goods"] = draw(st.booleans())
    if utility == "sewage":
        kinds = POLICY.inputs["subject_kind"].allowed
        measures["subject_kind"] = draw(st.sampled_from(kinds))
    return utility, {**SETTLED, **facts, **measures}


def values_of(utility: str, name: str) -> tuple[Any, ...]:
    """Values that an unknown input can turn out to have, on both sides of every limit."""
    if name in FACTS:
        return FACTS[name]
    if name in LIMITS.get(utility, {}):
        limit = LIMITS[utility][name]
        return (limit, limit + 1)
    return POLICY.inputs[name].allowed or (True, False)


@settings(max_examples=200, deadline=None)
@given(whole_cases(), st.data())
def test_possible_is_exactly_the_outcomes_of_all_completions(
    case: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    utility, known = case
    open_names = [name for name in known if name not in SETTLED]
    missing = data.draw(st.lists(st.sampled_from(open_names), max_size=4, unique=True))
    unknown = judge(utility, {}, {**known, **dict.fromkeys(missing)}, POLICY)
    completions = itertools.product(*(values_of(utility, name) for name in missing))
    outcomes = {
        judge(utility, {}, {**known, **dict(zip(missing, one, strict=True))}, POLICY).outcome
        for one in completions
    }
    assert set(unknown.possible) == outcomes
    assert unknown.outcome == (outcomes.pop() if len(outcomes) == 1 else "undetermined")


@settings(max_examples=100, deadline=None)
@given(whole_cases(), st.data())
def test_unknown_never_beats_known(case: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    """What is unknown may turn out well (``otherwise``) but is never counted as met."""
    utility, known = case
    name = data.draw(st.sampled_from([name for name in known if name not in SETTLED]))
    unknown = judge(utility, {}, {**known, name: None}, POLICY)
    for value in values_of(utility, name):
        outcome = judge(utility, {}, {**known, name: value}, POLICY).outcome
        if unknown.outcome in ORDER and outcome in ORDER:
            assert strictness(unknown.outcome) >= strictness(outcome)
        if unknown.otherwise in ORDER and outcome in ORDER:
            assert strictness(outcome) >= strictness(str(unknown.otherwise))


TOUCHED = ("touches_city_road", "touches_green", "touches_tree", "ancient_tree_or_park")
DAYS = ("2010-01-01", "2024-01-01", None)


@settings(max_examples=200, deadline=None)
@given(whole_cases(), st.sets(st.sampled_from(TOUCHED), min_size=1), st.data())
def test_missing_what_is_touched_never_makes_a_verdict_stricter(
    case: tuple[str, dict[str, Any]], missed: set[str], data: st.DataObject
) -> None:
    """So ``near_things`` asks of what is not touched alone."""
    utility, known = case
    days = data.draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=3))
    left = data.draw(st.lists(st.sampled_from(days), max_size=2, unique=True))
    if "touches_city_road" in missed:
        left = []
    touching = {**known, "road_opened_on": days, "tree_moving": known["touches_tree"]}
    beside = {**touching, "road_opened_on": left or "never", **dict.fromkeys(missed, False)}
    beside["tree_moving"] = beside["touches_tree"]
    before, after = (judge(utility, {}, facts, POLICY) for facts in (touching, beside))
    levels = [*ORDER[:4], "undetermined", ORDER[4]]  # a bar is the strictest there is
    if before.outcome != "not_covered":
        assert max(map(levels.index, after.possible)) <= max(map(levels.index, before.possible))


@settings(max_examples=80, deadline=None)
@given(whole_cases(), st.sets(st.sampled_from(sorted(FACTS))))
def test_every_answer_validates_against_the_schema(
    case: tuple[str, dict[str, Any]], missing: set[str]
) -> None:
    utility, known = case
    answer = judge(utility, {}, {**known, **dict.fromkeys(missing)}, POLICY, mode="plan")
    jsonschema.validate(json.loads(json.dumps(answer.to_json(), allow_nan=False)), SCHEMA)


def finding(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in answer["findings"] if one["id"] == name)


def test_a_finding_bears_value_limit_margin_quote_and_clause() -> None:
    measures = {"max_dn_mm": 200, "pipe_length_m": 187.5, "green_affected_m2": 0}
    found = finding(judge("water", measures, {}, POLICY).to_json(), "water.pipe_length_m")
    assert (found["value"], found["limit"], found["margin"]) == (187.5, 200, 12.5)
    assert (found["status"], found["comparator"]) == ("met", "at_most")
    assert (found["quote"], found["ref"]) == ("管道长度不长于200米", "四(四)(1)")


def test_a_guard_shows_the_last_barred_day_and_the_days_to_it() -> None:
    facts = {"road_opened_on": "2021-12-10", "dig_date": "2026-12-01", "open_cut": True}
    answer = judge("gas", {"construction_length_m": 10}, facts, POLICY).to_json()
    found = finding(answer, "road_new_5y")
    assert (found["limit"], found["margin"], found["status"]) == ("2026-12-10", -9, "failed")


def test_one_young_road_among_several_bars_the_dig() -> None:
    days: list[Any] = ["2001-01-01", pd.Timestamp("2025-06-01"), None]
    facts = {"road_opened_on": days, "dig_date": "2026-12-01", "open_cut": True}
    assert judge("gas", {"construction_length_m": 10}, facts, POLICY).outcome == "blocked"
    open_verdict = judge(
        "gas", {"construction_length_m": 10}, {**facts, "road_opened_on": days[::2]}, POLICY
    )
    assert open_verdict.outcome == "undetermined"
    assert "道路交付使用日期" in open_verdict.permits[0].reason


@pytest.mark.parametrize("unknown", [None, float("nan"), np.nan, pd.NA, pd.NaT, Decimal("NaN")])
def test_every_way_of_saying_unknown_is_unknown(unknown: Any) -> None:
    verdict = judge("gas", {"construction_length_m": unknown}, {}, POLICY)
    assert (verdict.outcome, verdict.otherwise) == ("undetermined", "commitment")
    assert json.dumps(verdict.to_json(), allow_nan=False)


FILED = {**POWER, "line_length_m": 100}


@pytest.mark.parametrize(
    ("measures", "switches", "refused"),
    [
        ({"road_crossing_m": 40, "crossing_red_line_m": 60}, {}, True),
        ({"road_crossing_m": None, "crossing_red_line_m": 60}, {}, True),
        ({"road_crossing_m": 60, "crossing_red_line_m": 60.0}, {}, False),
        # Kerb to kerb is another reading, and may be another number.
        ({"road_crossing_m": 40, "crossing_kerb_m": 30}, {}, False),
        ({"road_crossing_m": 40, "crossing_kerb_m": 30}, {"crossing_extent": "kerb"}, True),
        ({"crossing_red_line_m": 60, "crossing_kerb_m": 30}, {}, False),
    ],
)
def test_an_input_that_contradicts_the_one_it_is_read_from_is_refused(
    measures: dict[str, Any], switches: dict[str, str], refused: bool
) -> None:
    element = {"utility": "power", "measures": {**FILED, **measures}}
    if not refused:
        assert judge_payload(element, COUNTY, switches)
        return
    with pytest.raises(JudgeInputError, match=r"字段 road_crossing_m = .*矛盾.*只保留一处"):
        judge_payload(element, COUNTY, switches)


def test_the_number_judged_is_rounded_half_up_on_its_decimal_text() -> None:
    # 1.005 is stored below 1.005; its text is what a letter prints
    for value, outcome in ((200.005, "ordinary_approval"), (200.0049999, "commitment")):
        assert judge("gas", {"construction_length_m": value}, {}, POLICY).outcome == outcome
    text = Decimal("200.00499999999999999999999999999")
    assert judge("gas", {"construction_length_m": text}, {}, POLICY).outcome == "commitment"
    assert judge("gas", {"construction_length_m": 1e300}, {}, POLICY).outcome == "ordinary_approval"


def test_the_reason_of_a_permit_speaks_for_it() -> None:
    answer = judge("gas", {"construction_length_m": 10}, {"touches_green": False}, POLICY)
    assert [one.reason for one in answer.permits] == ["符合四(四)(3)", "不涉及", "不涉及"]
    assert [one.outcome for one in answer.permits] == ["commitment", "not_required", "not_required"]


def test_a_value_that_rests_on_assumed_data_is_said_to() -> None:
    measures = {**POWER, "road_crossing_m": 20, "line_length_m": 100}
    verdict = judge("power", measures, {}, POLICY, unverified=("road_crossing_m",))
    assert (verdict.outcome, verdict.certainty) == ("commitment_filing", "rests_on_unverified")


def test_a_list_gives_answers_in_its_order_and_one_object_gives_one() -> None:
    water = {"utility": "water", "measures": {"max_dn_mm": 400}}
    gas = {"utility": "gas", "measures": {"construction_length_m": 10}}
    answers = judge_payload([water, gas], COUNTY)
    assert [one["outcome"] for one in answers] == ["ordinary_approval", "commitment"]
    assert judge_payload(gas, COUNTY) == answers[1]
    assert judge_payload([], COUNTY) == []


def test_inputs_are_found_in_measures_or_in_facts() -> None:
    inside = {"utility": "gas", "facts": {"construction_length_m": 10}}
    assert judge_payload(inside, COUNTY)["outcome"] == "commitment"


GAS = {"utility": "gas"}


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ({"measures": {}}, ("utility", "须写明专业")),
        ({"utility": "heating"}, ("heating", "没有这个专业")),
        ({"utility": ["gas"]}, ("utility",)),
        ({**GAS, "measure": {}}, ("measure", "不认识的字段")),
        ({**GAS, "measures": []}, ("measures", "须为对象")),
        ({**GAS, "measures": {"length_m": 1}}, ("length_m", "没有这个输入")),
        ({**GAS, "measures": {"duct_pipes": 1}}, ("duct_pipes", "没有这个输入")),
        ({**GAS, "measures": {"construction_length_m": -1}}, ("-1", "不能为负")),
        ({**GAS, "measures": {"construction_length_m": "200"}}, ("200", "须为数字")),
        ({**GAS, "measures": {"construction_length_m": True}}, ("True", "须为数字")),
        ({**GAS, "measures": {"construction_length_m": float("nan")}}, ("nan", "有限")),
        ({**GAS, "measures": {"construction_length_m": float("inf")}}, ("inf", "有限")),
        ({**GAS, "measures": {"construction_length_m": 10**400}}, ("有限",)),
        ({**GAS, "measures": {"construction_length_m": Decimal("1e999")}}, ("有限",)),
        ({**GAS, "measures": {"duct_holes": 2.5}}, ("2.5", "整数")),
        ({**GAS, "facts": {"open_cut": "yes"}}, ("open_cut", "true")),
        ({**GAS, "facts": {"open_cut": 1}}, ("open_cut", "true")),
        ({**GAS, "facts": {"dig_date": "2026-02-29"}}, ("2026-02-29", "须为日期")),
        ({**GAS, "facts": {"dig_date": "never"}}, ("never", "须为日期")),
        ({**GAS, "facts": {"dig_date": 20261122}}, ("20261122", "须为日期")),
        ({**GAS, "facts": {"work_kind": "repair"}}, ("repair", "relocation")),
        ({**GAS, "facts": {"work_kind": ["new"]}}, ("work_kind",)),
        ({**GAS, "measures": {"duct_holes": 1}, "facts": {"duct_holes": 2}}, ("只保留一处",)),
        ("gas", ("须为对象",)),
        (None, ("须为对象",)),
    ],
)
def test_a_bad_element_refuses_the_whole_list(element: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(JudgeInputError) as caught:
        judge_payload([{**GAS, "measures": {}}, element], COUNTY)
    message = str(caught.value)
    assert "第2个" in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("switches", [{"power": "void"}, {"power_other": "none"}])
def test_an_unknown_reading_is_refused(switches: dict[str, str]) -> None:
    with pytest.raises(JudgeInputError, match="开关"):
        judge_payload(GAS, COUNTY, switches)


def test_a_switch_of_another_utility_changes_nothing() -> None:
    plain = judge_payload({**GAS, "measures": {"construction_length_m": 10}}, COUNTY)
    switched = judge_payload(
        {**GAS, "measures": {"construction_length_m": 10}}, COUNTY, {"power_other": "void"}
    )
    assert plain == switched


# --- what nobody verified ------------------------------------------------------------------------

# Values on both sides of every test of the policy; dates on both sides of the bars on 2026-11-22.
SIDES: dict[str, tuple[Any, ...]] = {
    "max_dn_mm": (200, 400),
    "duct_holes": (2, 3),
    "duct_outer_diameter_mm": (110, 160),
    "pipe_length_m": (50, 300),
    "construction_length_m": (50, 300),
    "line_length_m": (50, 900),
    "road_crossing_m": (10, 60),
    "green_affected_m2": (0, 300),
    "green_temporary_m2": (0, 300),
    "subject_kind": ("construction_site_without_sewage", "household", "other"),
    "enterprise_invested_or_dominant": (True, False),
    "hazardous_goods": (True, False),
    "promiser_declines": (True, False, False, False),
    "voltage_kv": (0.4, 10, 35),
    "pressure_mpa": (0.2, 0.8),
    "road_opened_on": ("2010-01-01", "2025-01-01"),
    "road_overhauled_on": ("2010-01-01", "2025-01-01"),
    **dict.fromkeys(
        ("touches_city_road", "touches_green", "touches_tree", "tree_moving", "on_bridge"),
        (True, False),
    ),
    **dict.fromkeys(("open_cut", "pit_in_road", "ancient_tree_or_park"), (True, False)),
}


@settings(max_examples=300)
@given(
    st.sampled_from(["water", "sewage", "gas", "power", "telecom"]),
    st.fixed_dictionaries({name: st.sampled_from(sides) for name, sides in SIDES.items()}),
    st.sets(st.sampled_from(sorted(SIDES)), max_size=4),
    st.data(),
)
def test_no_firm_verdict_turns_with_what_nobody_verified(
    utility: str, row: dict[str, Any], unverified: set[str], data: st.DataObject
) -> None:
    known = {"in_service_area": True, "work_kind": "new", "dig_date": "2026-11-22"}
    exact = dict.fromkeys((n for n, i in POLICY.inputs.items() if i.surveyed), 0.0)
    told = {"mode": "plan", "unverified": unverified, "tolerances": exact}
    found = judge(utility, {}, {**row, **known}, POLICY, **told)
    if found.certainty == "firm":
        other = {name: data.draw(st.sampled_from(SIDES[name])) for name in sorted(unverified)}
        both = {**row, **other}
        assume(both["touches_tree"] or not both["tree_moving"])  # no tree is moved beside a strip
        turned = judge(utility, {}, {**row, **known, **other}, POLICY, **told)
        assert turned.outcome == found.outcome


def test_a_guard_that_an_unverified_voltage_keeps_from_firing_leaves_nothing_firm() -> None:
    """On a bridge 10 kV would be blocked; 0.4 kV was derived by a limit that nobody verified."""
    facts = {
        "touches_city_road": True, "touches_green": False, "touches_tree": False,
        "on_bridge": True, "voltage_kv": 0.4, "promiser_declines": True,
        "road_opened_on": "2010-01-01", "road_overhauled_on": "never", "dig_date": "2026-11-22",
        "in_service_area": True, "work_kind": "new", "open_cut": True, "pit_in_road": False,
    }  # fmt: skip
    for unverified, certainty in ((), "firm"), (("voltage_kv",), "rests_on_unverified"):
        found = judge("power", POWER, facts, POLICY, mode="plan", unverified=unverified,
                      tolerances={})  # fmt: skip
        assert (found.outcome, found.certainty) == ("ordinary_approval", certainty)
    away = judge("power", POWER, {**facts, "on_bridge": False}, POLICY, mode="plan",
                 unverified=("voltage_kv",), tolerances={})  # fmt: skip
    assert away.certainty == "firm"

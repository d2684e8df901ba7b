"""The command judge as a person or a script meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from tests.conftest import REPOSITORY
from tests.test_cli_planning import COUNTY, done, refused, run


def judge(payload: object, *options: str) -> Result:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return run("judge", "--county", COUNTY, "--measures", "-", *options, text=text)


def test_judge_answers_on_standard_output_only() -> None:
    measures = {"max_dn_mm": 300, "pipe_length_m": 200.00, "green_affected_m2": 200.00}
    result = done(judge({"utility": "water", "measures": measures}, "--json"))
    assert json.loads(result.stdout)["outcome"] == "commitment"
    assert result.stderr == ""


def test_judge_answers_a_list_in_its_order() -> None:
    lengths = (200.00, 200.01, 200.004, 200.005)
    payload = [{"utility": "gas", "measures": {"construction_length_m": one}} for one in lengths]
    found = [one["outcome"] for one in json.loads(done(judge(payload, "--json")).stdout)]
    assert found == ["commitment", "ordinary_approval", "commitment", "ordinary_approval"]
    assert json.loads(done(judge([], "--json")).stdout) == []


def test_judge_reads_numbers_by_their_decimal_text() -> None:
    # As a float 1.005 is 1.00499999999999989…; the letter prints 200.005 as 200.01.
    text = '{"utility": "gas", "measures": {"construction_length_m": 200.005}}'
    assert json.loads(judge(text, "--json").stdout)["outcome"] == "ordinary_approval"


def test_judge_takes_a_reading() -> None:
    payload = {"utility": "power", "measures": {"line_length_m": 100}}
    answer = json.loads(done(judge(payload, "--json")).stdout)
    switch = answer["readings"][0]
    other = json.loads(
        done(judge(payload, "--json", "--switch", f"{switch['id']}={switch['value']}")).stdout
    )
    assert switch["would_be"] in (None, other["outcome"])
    assert (switch["id"], switch["value"]) not in {
        (one["id"], one["value"]) for one in other["readings"]
    }


WATER = {"utility": "water"}
BAD_ELEMENTS = {
    "utility": ({"utility": "steam"}, "字段 utility = steam:没有这个专业;可用:water、"),
    "no utility": ({"measures": {}}, "须写明专业"),
    "measure": ({**WATER, "measures": {"size": 1}}, "字段 size = 1:没有这个输入;可用:max_dn_mm"),
    "fact": ({**WATER, "facts": {"weather": "fine"}}, "字段 weather = fine:没有这个输入"),
    "field": ({**WATER, "notes": 1}, "字段 notes = 1:不认识的字段"),
    "negative": ({**WATER, "measures": {"pipe_length_m": -0.01}}, "不能为负"),
    "text": ({**WATER, "measures": {"pipe_length_m": "200"}}, "须为数字,不能是文字或 true/false"),
    "bool": ({**WATER, "measures": {"pipe_length_m": True}}, "须为数字,不能是文字或 true/false"),
    "nan": ({**WATER, "measures": {"pipe_length_m": float("nan")}}, "须为有限的数"),
    "infinite": ({**WATER, "measures": {"pipe_length_m": float("inf")}}, "须为有限的数"),
    "list": ({**WATER, "measures": [200]}, "须为对象"),
    "half hole": ({"utility": "telecom", "measures": {"duct_holes": 2.5}}, "须为整数"),
    "date": ({**WATER, "facts": {"dig_date": "2026-02-30"}}, "须为日期"),
    "yes": ({**WATER, "facts": {"touches_green": "yes"}}, "须为 true 或 false"),
    "enum": ({"utility": "sewage", "facts": {"subject_kind": "farm"}}, "可用:"),
    "number": (3, "须为对象"),
}


@pytest.mark.parametrize("case", BAD_ELEMENTS)
def test_judge_refuses_what_it_cannot_judge(case: str) -> None:
    element, message = BAD_ELEMENTS[case]
    refused(judge(element, "--json"), message)


@pytest.mark.parametrize("case", BAD_ELEMENTS)
def test_one_bad_element_refuses_the_whole_list(case: str) -> None:
    element, message = BAD_ELEMENTS[case]
    result = judge([{"utility": "gas"}, element], "--json")
    refused(result, message)
    assert "第2个" in result.stderr


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, "1" * 5_000, "水"], ids=["none", "open", "deep", "long", "zh"]
)
def test_judge_refuses_what_is_not_json(text: str) -> None:
    refused(judge(text, "--json"), "不是 JSON")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--switch", "weather=fine"), "政策没有这个开关"),
        (("--switch", "green_union=fine"), "不是这个开关的取值"),
        (("--switch", "green_union"), "须写作 字段=值"),
    ],
)
def test_judge_refuses_a_reading_that_is_not_recorded(options, message) -> None:
    refused(judge(WATER, *options), message)


def test_judge_refuses_a_county_without_rules() -> None:
    arguments = ("judge", "--county", "000000_nowhere", "--measures", "-")
    refused(run(*arguments, text="{}"), "没有县级规则“000000_nowhere”")


def test_judge_from_the_shell_prints_json_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(REPOSITORY / "cli.py"), "judge"]
    command += ["--county", COUNTY, "--measures", "-", "--json"]
    text = json.dumps({"utility": "gas", "measures": {"construction_length_m": 200}})
    done = subprocess.run(
        command, input=text, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["clause"] == "四(四)(3)"

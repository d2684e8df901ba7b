"""Open questions of all applications on the page: gathered, answered once, gone for every case."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from layers.answers import Answer
from layers.fields import layer_definition
from layers.store import Workspace
from tests.conftest import REPOSITORY
from tests.planned_town import make_workspace, planned_town
from tests.towns import street, table
from ui.county import open_county
from ui.open_questions import field_of
from ui.planning_service import plan_of_application, questions_of_county

WATER = {"water": {"nominal_mm": 200, "material": "PE"}}
CASES = [
    {"application_id": key, "parcel_id": parcel, "dig_date": "2026-11-22", "work_kind": "new",
     "demands": demands}
    for key, parcel, demands in (
        ("BZ-1", "P-1", WATER), ("BZ-3", "P-3", WATER), ("BZ-4", "P-1", {"power": {}})
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planned town, of whose street nobody knows when it was opened."""
    town = planned_town()
    unknown = table("roads", {"R-1": street((0, 0), (300, 0), name="示例路", opened_on=None)})
    tables = {**town.tables, "roads": unknown}
    path = make_workspace(tmp_path_factory.mktemp("asked"), replace(town, tables=tables), CASES)
    none = [Answer(f"layer:{layer}", "geometry", "无") for layer in ("railways", "water_bodies")]
    Workspace.open(path).answer(none, author="张工")
    return path


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "workspace")


@pytest.fixture
def page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("TONGGOU_WORKSPACE", str(workspace))
    page = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=120)
    page.run()
    return page.button(key="ask").click().run()


def shown(page: AppTest) -> str:
    assert not page.exception
    return "".join(element.proto.body for element in page.get("html"))


def answer(page: AppTest, value: str, author: str) -> AppTest:
    by_label = {one.label: one for one in page.text_input}
    by_label["答案"].input(value)
    by_label["核实人"].input(author)
    [button] = [one for one in page.button if one.label == "保存,各案生效"]
    return button.click().run()


def test_one_answer_settles_every_case_that_waits_for_it(page: AppTest, workspace: Path) -> None:
    before = shown(page)
    assert "道路 示例路(R-1) 通车日期" in before
    [row] = [one for one in before.split("<tr>") if "通车日期" in one]
    assert '<td class="n">3</td><td class="n">2</td>' in row
    assert "须在申请中补填 6" in [
        one.label for one in page.expander
    ]  # of the power line, whose demand says nothing
    county = open_county(workspace)
    assert outcome(workspace, "BZ-1") == outcome(workspace, "BZ-3") == "undetermined"

    assert "请写明核实人" in shown(answer(page, "2010-05-01", " "))
    assert "未保存" in shown(answer(page, "去年", "张工"))
    refused = shown(page)
    assert "道路 示例路(R-1) 通车日期:须为年-月-日" in refused
    assert "opened_on" not in refused
    assert [one.value for one in page.text_input] == ["去年", "张工", ""]  # nothing is lost
    assert {one.layer for one in Workspace.open(workspace).edits()} == {"railways", "water_bodies"}

    after = shown(answer(page, "2010-05-01", "张工"))
    assert "已保存 1 处" in after
    assert "通车日期<br>" not in after  # among the questions
    *_layers, edit = Workspace.open(workspace).edits()
    assert (edit.feature_id, edit.field, edit.new, edit.author) == (
        "R-1", "opened_on", "2010-05-01", "张工"
    )  # fmt: skip
    assert open_county(workspace).survey is not county.survey
    assert outcome(workspace, "BZ-1") == outcome(workspace, "BZ-3") == "commitment"


def test_an_answer_is_listed_and_taken_back_by_name(page: AppTest, workspace: Path) -> None:
    answer(page, "2010-05-01", "张工")
    told = "道路 示例路(R-1) 通车日期 = 2010-05-01(张工 "
    assert told in shown(page)
    assert "图层 铁路:本县没有此类对象(张工 " in shown(page)
    [chosen] = [one for one in page.selectbox if one.label == "收回"]
    assert [one.startswith(told) for one in chosen.options] == [True]  # not those of layers
    [take_back] = [one for one in page.button if one.label == "收回,恢复原值"]
    assert "请选择要收回的一项,并写明收回人。" in shown(take_back.click().run())

    [chosen] = [one for one in page.selectbox if one.label == "收回"]
    chosen.select_index(0)
    next(one for one in page.text_input if one.label == "收回人").input("李工")
    [take_back] = [one for one in page.button if one.label == "收回,恢复原值"]
    after = shown(take_back.click().run())
    assert "收回核实结果:R-1 的 通车日期 = 2010-05-01(张工 " in after
    assert told not in after
    assert "道路 示例路(R-1) 通车日期<br>" in after  # asked again
    roads = Workspace.open(workspace).version("roads")
    assert (roads.version, roads.author, roads.source_file) == (3, "李工", "withdrawn")
    assert outcome(workspace, "BZ-1") == "undetermined"


def test_a_question_leads_to_the_applications_that_wait_for_it(page: AppTest) -> None:
    waiting = [one.label for one in page.button if one.key and one.key.startswith("asks-")]
    assert waiting == ["BZ-1", "BZ-3", "BZ-4"]
    page.button(key="asks-BZ-3").click().run()
    assert page.session_state["opened"] == ("application", "BZ-3")
    assert page.session_state["asking"] is False


def test_that_a_road_was_never_overhauled_is_a_choice(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = {"opened_on": "2010-05-01", "overhauled_on": None}
    road = table("roads", {"R-1": street((0, 0), (300, 0), name="示例路", **days)})
    survey = planned_town()
    survey = replace(survey, tables={**survey.tables, "roads": road})
    workspace = make_workspace(tmp_path, survey, CASES)
    monkeypatch.setenv("TONGGOU_WORKSPACE", str(workspace))
    page = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=120).run()
    page.button(key="ask").click().run()
    name = next(one for one in page.selectbox(key="question").options if "大修日期" in one)
    page.selectbox(key="question").select(name).run()

    [never] = [one for one in page.checkbox if one.label == "从未大修"]
    never.check()
    contradiction = shown(answer(page, "2020-05-01", "张工"))
    assert "须为年-月-日,如 2024-05-01,或“从未大修”" in contradiction
    assert [one.value for one in page.checkbox if one.label == "从未大修"] == [True]  # stays
    assert "已保存 1 处" in shown(answer(page, "", "张工"))
    assert Workspace.open(workspace).survey().tables["roads"]["overhauled_on"].tolist() == ["never"]
    assert outcome(workspace, "BZ-3") == "commitment"


def outcome(workspace: Path, application_id: str) -> str:
    plan = plan_of_application(application_id, open_county(workspace))
    [line] = [one for one in plan["utilities"] if one["status"] != "not_requested"]
    return str(line["verdict"]["alone"]["outcome"])


def test_the_list_of_cases_is_a_click_away(page: AppTest) -> None:
    assert not [one for one in page.button if one.key == "case-BZ-1"]
    page.button(key="back").click().run()
    assert page.button(key="case-BZ-1")
    page.button(key="ask").click().run()
    page.selectbox(key="opened").set_value(("application", "BZ-1")).run()
    assert "待查明" in shown(page)
    assert page.session_state["asking"] is False


def test_a_damaged_gate_keeps_no_other_case_from_being_asked_about(workspace: Path) -> None:
    broken = {**CASES[0], "application_id": "BZ-9", "gate": [0.0, 0.0]}
    Workspace.open(workspace).save_application(broken)
    found = questions_of_county(open_county(workspace))
    assert set(found.loc[found["field"] == "opened_on", "cases"]) == {3}


@pytest.mark.parametrize(
    ("kind", "subject", "field", "expected"),
    [
        ("road", "R-1", "authority", "enum"),
        ("layer", "lines", "status", "enum"),
        ("layer", "buildings", "geometry", None),
        ("road", "R-1", "on_bridge", "boolean"),
    ],
)
def test_a_question_is_answered_in_the_way_of_its_field(
    kind: str, subject: str, field: str, expected: str | None
) -> None:
    found = field_of({"subject_kind": kind, "subject_id": subject, "field": field})
    assert (found and found.type) == expected


def test_values_of_an_enum_are_offered_in_chinese() -> None:
    [authority] = [one for one in layer_definition("roads").fields if one.name == "authority"]
    offered = [authority.spelled(code) for code in authority.allowed]
    assert all("\u4e00" <= text[0] <= "\u9fff" for text in offered), offered
    assert {authority.values[text] for text in offered} == set(authority.allowed)

"""The page's states, run without a browser: nothing chosen, a case, bad input, a crash."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import ui.engineer
from layers.errors import WorkspaceError
from layers.store import Workspace
from planning.application import ApplicationError
from tests.conftest import REPOSITORY
from tests.ui.full_plan import full_plan
from tests.ui.town_plan import plan_json


@pytest.fixture
def page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("TONGGOU_WORKSPACE", str(workspace))
    monkeypatch.setattr(
        ui.engineer,
        "plan_of_application",
        lambda key, county: plan_json(dict(county.applications[key])),
    )
    monkeypatch.setattr(ui.engineer, "plan_of_parcel", _plan_of_parcel)
    return AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=120)


def _plan_of_parcel(parcel: str, day: Any, _county: Any) -> dict[str, Any]:
    return plan_json({"application_id": None, "parcel_id": parcel, "dig_date": day.isoformat()})


def shown(page: AppTest) -> str:
    """Everything that the page shows as HTML."""
    assert not page.exception
    return "".join(element.proto.body for element in page.get("html"))


def test_nothing_chosen_says_what_to_do_and_lists_the_applications(page: AppTest) -> None:
    page.run()
    assert "尚未选择" in shown(page)
    assert [one.label for one in page.button if one.key.startswith("case-")] == [
        "XX-2026-001 城南小餐饮街改造",
        "XX-2026-002 新集小学",
    ]


def test_an_application_shows_figures_table_grounds_trench_and_questions(page: AppTest) -> None:
    page.run()
    page.selectbox(key="opened").set_value(("application", "XX-2026-001")).run()
    text = shown(page)
    for words in (
        "城南小餐饮街改造",
        "2<small> / 5 项",
        "138.9",
        "36<small> %",
        "因共沟变差",
        "超出 1.35 m",
        "共沟断面",
        "已证最优",
        "13.20",
        "31.1",
        "待查明",
        "R-2",
    ):
        assert words in text, words


def test_a_button_of_the_list_opens_its_application(page: AppTest) -> None:
    page.run()
    page.button(key="case-XX-2026-002").click().run()
    assert page.session_state["opened"] == ("application", "XX-2026-002")
    assert "无法接入:距管线走廊过远,相距 61.25 m,连接段最长 40 m" in shown(page)


def test_separate_digging_shows_the_separate_verdicts(page: AppTest) -> None:
    page.run()
    page.selectbox(key="opened").set_value(("application", "XX-2026-001")).run()
    page.session_state["joint"] = False
    page.run()
    assert "3<small> / 5 项" in shown(page)


def test_a_trench_without_room_is_shown_only_when_it_is_asked_for(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_without_room(key: str, county: Any) -> dict[str, Any]:
        plan = plan_json(dict(county.applications[key]))
        return {**plan, "joint": plan["joint"] and {**plan["joint"], "fits": False}}

    page.run()
    page.selectbox(key="opened").set_value(("application", "XX-2026-001")).run()
    assert "共沟长度" in shown(page)
    monkeypatch.setattr(ui.engineer, "plan_of_application", one_without_room)
    page.run()  # the trench stood chosen, of a plan that had room
    assert "共沟长度" not in shown(page)
    assert "3<small> / 5 项" in shown(page)
    page.session_state["joint_without_room"] = True
    page.run()
    assert "共沟长度" in shown(page)


def test_a_drawn_route_that_cannot_be_withdrawn_says_why(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_asked: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(ui.engineer, "plan_of_application", lambda _key, _county: full_plan())
    page.run()
    page.selectbox(key="opened").set_value(("application", "XX-2026-001")).run()
    page.session_state["chosen"] = "gas"
    page.run()
    monkeypatch.setattr(Workspace, "application", broken)
    page.button(key="withdraw").click().run()
    assert "未撤回</b> 读写工作区出错" in shown(page)
    page.run()
    assert "未撤回" not in shown(page)


def test_another_case_starts_with_no_line_under_inspection(page: AppTest) -> None:
    page.run()
    page.selectbox(key="opened").set_value(("application", "XX-2026-001")).run()
    page.session_state["chosen"] = "gas"
    page.run()
    assert "燃气的判定依据" in shown(page)
    page.selectbox(key="opened").set_value(("application", "XX-2026-002")).run()
    page.selectbox(key="opened").set_value(("application", "XX-2026-001")).run()
    assert page.session_state["chosen"] is None
    assert "的判定依据" not in shown(page)


def test_a_plan_that_must_wait_for_the_corridors_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "正在计算" in ui.engineer._waiting_words()
    monkeypatch.setattr(ui.engineer, "is_preparing", lambda: True)
    assert "正在准备管线走廊" in ui.engineer._waiting_words()


def test_a_workspace_without_parcels_says_what_to_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace.create(tmp_path / "empty", "411523_xinxian", "EPSG:4547")
    monkeypatch.setenv("TONGGOU_WORKSPACE", str(tmp_path / "empty"))
    page = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=120).run()
    assert "工作区还没有宗地。请先到「数据」页导入" in shown(page)


def test_a_parcel_without_application_is_planned_on_default_demand_and_marked(
    page: AppTest,
) -> None:
    page.run()
    page.session_state["opened"] = "parcel", "P-0009"
    page.run()
    assert "默认需求试算" in shown(page)
    assert "不作为判定" in shown(page)


def test_an_application_that_cannot_be_planned_says_why(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_key: str, _county: Any) -> None:
        raise ApplicationError("申请 XX-2026-001:宗地 P-9999 不存在<b>")

    monkeypatch.setattr(ui.engineer, "plan_of_application", refuse)
    page.run()
    page.selectbox(key="opened").set_value(("application", "XX-2026-001")).run()
    assert "申请 XX-2026-001:宗地 P-9999 不存在&lt;b&gt;" in shown(page)


def test_a_damaged_workspace_says_what_to_do(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_path: Path) -> None:
        raise WorkspaceError("layers/roads/1.gpkg:文件缺失。请从备份恢复。")

    monkeypatch.setattr(ui.engineer, "open_county", damaged)
    page.run()
    assert "文件缺失。请从备份恢复。" in shown(page)


def test_a_crash_shows_a_chinese_message_and_no_trace(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_key: str, _county: Any) -> None:
        raise KeyError("/secret/path")

    monkeypatch.setattr(ui.engineer, "plan_of_application", crash)
    page.run()
    page.selectbox(key="opened").set_value(("application", "XX-2026-001")).run()
    assert "计算出错" in shown(page)
    assert "secret" not in shown(page)
    assert "Traceback" not in shown(page)


def test_the_switch_shows_the_page_in_english_and_back(page: AppTest) -> None:
    page.run()
    page.selectbox(key="opened").set_value(("application", "XX-2026-001")).run()
    page.button(key="speak-en").click().run()
    text = shown(page)
    for words in (
        "Shared trench",
        "Ordinary approval",
        "Commitment filing",
        "over by 1.35",
        "Water",
    ):
        assert words in text, words
    assert "判定" not in text
    page.button(key="speak-zh").click().run()
    assert "判定" in shown(page)


def test_an_application_that_cannot_be_read_is_told_and_the_others_are_open(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(copytree(workspace, tmp_path / "copy"))
    (copy / "applications" / "<i>.json").write_text("{", encoding="utf-8")
    nowhere = {"application_id": "XX-0", "project": "新集小学"}
    (copy / "applications" / "XX-0.json").write_text(json.dumps(nowhere), encoding="utf-8")
    monkeypatch.setenv("TONGGOU_WORKSPACE", str(copy))
    page = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=120).run()
    text = shown(page)
    assert "applications/&lt;i&gt;.json:不是 JSON(" in text
    assert "applications/XX-0.json:没有写明宗地 parcel_id" in text
    assert page.button(key="case-XX-2026-002")
    page.button(key="speak-en").click().run()
    assert "applications/&lt;i&gt;.json: not JSON" in shown(page)
    (copy / "applications" / "<i>.json").unlink()
    (copy / "applications" / "XX-0.json").unlink()
    page.run()
    assert "applications/" not in shown(page)

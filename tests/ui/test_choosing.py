"""Applications and parcels are found in the bar, and its words lead back to the start."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import SIZES, Visit
from tests.ui.test_states import page, shown  # noqa: F401  (page is a fixture)

pytestmark = pytest.mark.slow_first

Opener = Callable[[str, str], Visit]
PARCELS = 14  # of the hand-made town


def test_applications_come_first_then_every_parcel_by_id_and_name(page: AppTest) -> None:  # noqa: F811
    page.run()
    options = page.selectbox(key="opened").options
    assert options[:3] == [
        "XX-2026-001 城南小餐饮街改造",
        "XX-2026-002 新集小学",
        "P-0001 示例宗地1",
    ]
    assert len(options) == 2 + PARCELS


def test_a_parcel_with_an_application_opens_the_application(page: AppTest) -> None:  # noqa: F811
    page.run()
    page.selectbox(key="opened").set_value(("parcel", "P-0005")).run()
    assert page.session_state["opened"] == ("application", "XX-2026-001")
    assert "不作为判定" not in shown(page)


def test_the_words_of_the_bar_lead_from_a_parcel_to_the_list(page: AppTest) -> None:  # noqa: F811
    for words in ("同沟", "路由规划"):
        page.query_params["parcel"] = "P-0009"
        page.run()
        assert "不作为判定" in shown(page)
        page.button(key=f"start {words}").click().run()
        assert "尚未选择" in shown(page)
        assert page.session_state["opened"] is None


def test_the_words_of_the_bar_lead_from_the_questions_to_the_list(page: AppTest) -> None:  # noqa: F811
    page.run()
    page.session_state["asking"] = True
    page.run()
    assert "尚未选择" not in shown(page)
    page.button(key="start 同沟").click().run()
    assert "尚未选择" in shown(page)


@pytest.mark.browser
@pytest.mark.parametrize("device", SIZES)
def test_a_parcel_is_found_by_its_name_and_left_again(
    visit: Opener, address: str, device: str
) -> None:
    opened = visit(address, device)
    page = opened.page  # noqa: F811
    page.locator(".st-key-bar input").first.click()
    page.keyboard.type("示例宗地9")
    page.get_by_role("option", name="P-0009 示例宗地9").click()
    page.locator(".tg-mark").wait_for()
    page.wait_for_url("**/?parcel=P-0009")
    assert "P-0009" in page.locator(".tg-facts").inner_text()
    opened.wait(lambda: opened.in_map(lambda one: one.locator("path.tg-parcel").count()) == 1)
    page.locator(".st-key-brand button").click()
    page.locator(".tg-empty").wait_for()
    opened.wait(lambda: page.url == f"{address}/")
    bar = page.locator(".st-key-bar").bounding_box()
    for words in (".st-key-brand", ".st-key-here"):
        box = page.locator(f"{words} button").bounding_box()
        assert box["height"] >= (38 if device == "desktop" else 44)
        assert bar["y"] <= box["y"]
        assert box["y"] + box["height"] <= bar["y"] + bar["height"]
    page.locator(".st-key-pages a").click()
    page.wait_for_url("**/data")
    page.locator(".st-key-brand a").click()
    page.locator(".tg-empty").wait_for()
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])

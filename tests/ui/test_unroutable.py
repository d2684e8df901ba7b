"""A line that cannot be joined can be looked at: the gap, what was rejected and why, and where."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import SIZES, Visit
from tests.ui.test_states import page, shown  # noqa: F401  (page is a fixture)

REASON = "管径 300,小于需要的 DN400"
MARKS = "() => document.querySelectorAll('.tg-rejected').length"


def test_its_grounds_are_told_when_it_is_chosen(page: AppTest) -> None:  # noqa: F811
    page.run()
    page.selectbox(key="opened").set_value(("application", "XX-2026-002")).run()
    assert REASON not in shown(page)
    page.session_state["chosen"] = "storm"
    page.run()
    text = shown(page)
    assert "雨水为何无法接入" in text
    assert text.count("相距 61.25 m,连接段最长 40 m") == 2  # among all lines, and of this one
    assert f"<b>Y-1</b> {REASON}" in text
    assert "<details open><summary>接入点比选 0 / 1" in text
    assert "的判定依据" not in text


@pytest.mark.browser
@pytest.mark.parametrize("device", SIZES)
def test_what_was_rejected_is_marked_on_the_map_with_its_reason(
    visit: Callable[[str, str], Visit], address: str, device: str
) -> None:
    opened = visit(address, device)
    opened.choose("XX-2026-002")
    opened.page.locator(".st-key-chosen button", has_text="雨水").click()
    opened.page.get_by_text(REASON).first.wait_for()
    assert opened.page.get_by_text(REASON).first.is_visible()
    opened.wait(lambda: opened.in_map(lambda frame: frame.evaluate(MARKS)) == 1)
    tips = opened.frame.evaluate(
        "() => Object.values(map._layers).filter(one => one._icon && one._icon.classList"
        ".contains('tg-rejected')).map(one => one.getTooltip().getContent())"
    )
    assert tips == [f"雨水 不可接入 Y-1 {REASON}"]
    opened.page.locator(".st-key-chosen button", has_text="雨水").click()
    opened.wait(lambda: opened.in_map(lambda frame: frame.evaluate(MARKS)) == 0)
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])

"""The case and the language stand in the address: linked, reloaded, kept over the other page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from streamlit.testing.v1 import AppTest

import language
from tests.ui.conftest import SIZES, Visit
from tests.ui.test_browser import ROUTES, centre_of
from tests.ui.test_states import page, shown  # noqa: F401  (page is a fixture)

Opener = Callable[[str, str], Visit]
LABEL_ASTRAY_PX = """() => {
    const label = Object.values(map._layers)
        .find(one => one._icon && one._icon.className.includes("tg-parcel-label"));
    const box = label._icon.querySelector("span").getBoundingClientRect();
    const at = map.latLngToContainerPoint(label.getLatLng());
    return Math.hypot(box.x + box.width / 2 - at.x, box.y + box.height / 2 - at.y);
}"""
HOSTILE = '<img src=x onerror="window.PWN=1">'


@pytest.fixture(autouse=True)
def usual_language() -> Iterator[None]:
    yield
    language.speak(None)


def address_of(page: AppTest) -> dict[str, str]:  # noqa: F811
    """The address: a list of values for each name once the page has written it."""
    found = page.query_params.items()
    return {name: value if isinstance(value, str) else value[-1] for name, value in found}


def test_a_link_opens_its_case_in_its_language(page: AppTest) -> None:  # noqa: F811
    page.query_params["application"] = "XX-2026-001"
    page.query_params["lang"] = "en"
    page.run()
    assert "城南小餐饮街改造" in shown(page)
    assert "Shared length" in shown(page)
    assert page.session_state["opened"] == ("application", "XX-2026-001")


def test_a_link_to_a_parcel_opens_it_on_its_default_demand(page: AppTest) -> None:  # noqa: F811
    page.query_params["parcel"] = "P-0009"
    page.run()
    assert "tg-mark" in shown(page)
    assert "P-0009" in shown(page)


def test_the_address_follows_what_is_chosen_and_keeps_what_else_stands_there(
    page: AppTest,  # noqa: F811
) -> None:
    page.query_params["from"] = "letter"
    page.run()
    assert address_of(page) == {"from": "letter"}
    page.selectbox(key="opened").set_value(("application", "XX-2026-002")).run()
    assert address_of(page) == {"from": "letter", "application": "XX-2026-002"}
    page.selectbox(key="opened").set_value(None).run()
    assert address_of(page) == {"from": "letter"}
    page.button(key="speak-en").click().run()
    assert address_of(page) == {"from": "letter", "lang": "en"}


@pytest.mark.parametrize(
    ("name", "words"), [("application", "没有这份报装申请:"), ("parcel", "没有这块宗地:")]
)
@pytest.mark.parametrize("value", ["XX-9", HOSTILE, "P" * 5000])
def test_a_link_to_nothing_is_told_and_run_by_nobody(
    page: AppTest,  # noqa: F811
    name: str,
    words: str,
    value: str,
) -> None:
    page.query_params[name] = value
    page.query_params["lang"] = "tlh"
    page.run()
    told = shown(page)
    assert words in told
    assert "尚未选择" in told
    assert "<img src=x" not in told
    assert "P" * 81 not in told
    assert address_of(page) == {}
    page.selectbox(key="opened").set_value(("application", "XX-2026-001")).run()
    page.selectbox(key="opened").set_value(None).run()
    assert words not in shown(page)


def test_an_application_that_is_gone_by_the_next_visit_is_told(page: AppTest) -> None:  # noqa: F811
    page.query_params["application"] = "XX-2026-009"
    page.query_params["parcel"] = "P-0009"  # an application is meant, not whatever stands beside it
    page.run()
    assert "没有这份报装申请:XX-2026-009" in shown(page)
    assert page.session_state["opened"] is None


# --- in a browser ---------------------------------------------------------------------------------


def open_other_page(opened: Visit, name: str) -> None:
    opened.page.locator('.st-key-pages [data-testid="stPageLink"]').click()
    opened.page.locator(".st-key-here", has_text=name).wait_for(state="attached")


@pytest.mark.browser
@pytest.mark.slow_first
@pytest.mark.parametrize("device", SIZES)
def test_the_case_survives_the_other_page_a_reload_and_the_way_back(
    visit: Opener, address: str, device: str
) -> None:
    opened = visit(address, device)
    page, title = opened.page, opened.page.locator(".tg-title")  # noqa: F811
    opened.choose("XX-2026-001")
    page.locator(".st-key-bar").get_by_text("English", exact=True).click()
    page.wait_for_url("**/?application=XX-2026-001&lang=en")
    open_other_page(opened, "Data")
    assert page.url.endswith("/data?application=XX-2026-001&lang=en")
    open_other_page(opened, "Route planning")
    title.get_by_text("XX-2026-001").wait_for()
    opened.wait(lambda: opened.in_map(lambda frame: frame.evaluate(ROUTES)) == 5)
    page.reload()
    title.get_by_text("XX-2026-001").wait_for()
    opened.wait(lambda: opened.in_map(lambda frame: frame.evaluate(ROUTES)) == 5)
    assert "Shared length" in page.locator(".tg-figures").inner_text()
    opened.wait(lambda: opened.in_map(lambda frame: frame.evaluate(LABEL_ASTRAY_PX) < 2))
    if device == "desktop":
        opened.click_map(*centre_of("P-0009"))
        page.wait_for_url("**/?lang=en&parcel=P-0009")
        page.locator(".tg-mark").wait_for()
        page.go_back()
        title.get_by_text("XX-2026-001").wait_for()
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])


@pytest.mark.browser
def test_what_a_link_names_is_never_run(visit: Opener, address: str) -> None:
    opened = visit(f"{address}/?application={quote(HOSTILE)}", "desktop")
    opened.page.locator(".tg-note-warn", has_text="没有这份报装申请:<img src=x").wait_for()
    for frame in opened.page.frames:
        assert frame.evaluate("typeof window.PWN") == "undefined"
    assert (opened.errors, opened.refused) == ([], [])


@pytest.mark.browser
def test_a_link_shows_the_map_and_its_parcel_while_the_plan_is_made(
    visit: Opener,
    serve: Callable[[str, Path], str],
    workspace: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = tmp_path / "made"
    monkeypatch.setenv("TONGGOU_PLAN_AWAITS", str(made))
    address = serve("tests/ui/fixture_app.py", workspace)
    opened = visit(f"{address}/?application=XX-2026-001", "desktop")
    parcel = "() => document.querySelectorAll('path.tg-parcel').length"
    opened.wait(lambda: opened.in_map(lambda frame: frame.evaluate(parcel)) == 1)
    assert opened.frame.evaluate(ROUTES) == 0
    assert opened.page.locator(".tg-figures").count() == 0
    opened.frame.evaluate("window.__mark = 1")
    made.touch()
    opened.wait(lambda: opened.in_map(lambda frame: frame.evaluate(ROUTES)) == 5)
    opened.page.locator(".tg-figures").wait_for()
    assert opened.frame.evaluate("window.__mark") == 1  # the same map
    assert opened.frame.evaluate(
        "() => map.getBounds().contains(L.featureGroup(window.feature_group).getBounds())"
    )
    open_other_page(opened, "数据")
    open_other_page(opened, "路由规划")
    opened.wait(lambda: opened.in_map(lambda frame: frame.evaluate(ROUTES)) == 5)
    assert (opened.errors, opened.refused) == ([], [])

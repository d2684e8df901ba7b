"""On every width between a phone and a desktop the verdicts are in sight, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ui.conftest import SIZES, Visit
from tests.ui.servers import servers

pytestmark = [pytest.mark.browser, pytest.mark.slow_first]

WIDTHS = [(1440, 900), (1280, 800), (1101, 800), (1024, 768), (820, 1180), (844, 390), (390, 844)]
# What of the panel lies beyond its inner right edge or before its left one, by how many pixels.
ASTRAY = """() => {
    const panel = document.querySelector(".st-key-case"), box = panel.getBoundingClientRect();
    const right = box.right - parseFloat(getComputedStyle(panel).paddingRight);
    return [...panel.querySelectorAll("table, td, th, .tg-chip, .tg-figures > div")]
        .filter((one) => one.offsetParent)
        .map((one) => [one.textContent.slice(0, 20), one.getBoundingClientRect()])
        .filter(([_words, at]) => at.right > right + 1 || at.left < box.left)
        .map(([words, at]) => `${words} ${Math.round(at.right - right)}`);
}"""


@pytest.fixture(scope="module")
def full_address(workspace: Path) -> Iterator[str]:
    """A server of the plan with everything that a plan can say of a line."""
    with servers() as start, pytest.MonkeyPatch.context() as patched:
        patched.setenv("TONGGOU_FULL_PLAN", "1")
        yield start("tests/ui/fixture_app.py", workspace)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_of_the_panel_is_cut_off(
    visit: Callable[[str, str], Visit], full_address: str, language: str
) -> None:
    opened = visit(f"{full_address}/?application=XX-2026-001&lang={language}", "desktop")
    page = opened.page
    page.locator(".tg-lines").wait_for()
    page.locator(".st-key-chosen button").nth(2).click()  # gas, of which all is said
    page.locator(".tg-routes").wait_for()
    found = {}
    for width, height in WIDTHS:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(400)
        found[width] = [
            *page.evaluate(ASTRAY),
            *(["page"] if page.evaluate("document.documentElement.scrollWidth") > width else []),
        ]
    assert found == {width: [] for width, _height in WIDTHS}


@pytest.mark.parametrize(("width", "height"), [(820, 1180), (844, 390), (1024, 768)])
def test_on_tablets_the_panel_lies_below_a_map_of_the_whole_width(
    visit: Callable[[str, str], Visit],
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    height: int,
) -> None:
    monkeypatch.setitem(SIZES, "tablet", (width, height))
    opened = visit(address, "tablet")
    opened.choose("XX-2026-001")
    town = opened.page.locator(".st-key-town iframe").bounding_box()
    panel = opened.page.locator(".st-key-case").bounding_box()
    assert (round(town["width"]), round(panel["width"])) == (width, width)
    assert panel["y"] >= town["y"] + town["height"] - 1
    legend = opened.frame.locator(".tg-legend")
    assert legend.bounding_box()["height"] <= town["height"] / 2
    if height < 500:
        legend.locator("summary").click()
        opened.wait(lambda: legend.evaluate("one => one.open"))
        assert legend.bounding_box()["height"] <= town["height"] - 20
        legend.locator("summary").click()
        opened.wait(lambda: not legend.evaluate("one => one.open"))
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])

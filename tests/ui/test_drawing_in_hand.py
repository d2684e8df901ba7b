"""A drawing in hand: not lost on the way, not covered by its card, told where it is, withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layers.store import Workspace
from tests.planned_town import make_workspace
from tests.ui.conftest import SIZES, Visit
from tests.ui.test_address import open_other_page
from tests.ui.test_browser import ROUTES, draw_points
from tests.ui.test_drawn_routes import drawing
from ui.drawn_routes import keep_drawing

pytestmark = [pytest.mark.browser, pytest.mark.slow_first]

Opener = Callable[[str, str], Visit]
Server = Callable[[str, Path], str]
SKETCH = """() => Object.values(map._layers)
    .filter(one => one.options.className === "tg-sketch")
    .map(one => one._latlngs.map(at => [at.lat, at.lng]))[0]"""
COURSE = ((119, 9), (119, 9.6), (136, 9.6), (136, 11))


def opened_case(visit: Opener, address: str, device: str) -> Visit:
    opened = visit(address, device)
    opened.choose("BZ-1")
    opened.wait(lambda: opened.frame.evaluate(ROUTES) >= 3)
    return opened


def desk_of(opened: Visit, part: str) -> Any:
    """The drawing table, once it has a part: one that the map before it had not."""
    opened.wait(lambda: opened.in_map(lambda frame: frame.locator(f".tg-desk {part}").count()))
    return opened.frame.locator(".tg-desk")


def speak(opened: Visit, language: str, here: str) -> None:
    opened.page.locator(".st-key-bar").get_by_text(language, exact=True).click()
    opened.page.locator(".st-key-here", has_text=here).wait_for(state="attached")


def history(workspace: Path) -> list[dict[str, Any]]:
    return list(Workspace.open(workspace).application("BZ-1").get("drawn_routes", {})["water"])


@pytest.mark.parametrize("device", SIZES)
def test_a_drawing_survives_the_language_and_the_other_page_and_is_told_when_it_is_kept(
    visit: Opener, serve: Server, tmp_path: Path, device: str
) -> None:
    workspace = make_workspace(tmp_path)
    opened = opened_case(visit, serve("app.py", workspace), device)
    desk_of(opened, ".tg-start").locator(".tg-start").click()
    draw_points(opened, device, COURSE)
    drawn = opened.frame.evaluate(SKETCH)
    speak(opened, "English", "Route planning")
    desk = desk_of(opened, ".tg-main:has-text('Judge')")
    assert opened.frame.evaluate(SKETCH) == drawn
    desk.locator(".tg-main").click()
    desk.locator(".tg-body").wait_for()
    desk.locator("input").first.fill("张工")
    open_other_page(opened, "Data")
    open_other_page(opened, "Route planning")
    desk = desk_of(opened, ".tg-body")
    assert "Against the recommended route" in desk.inner_text()
    assert desk.locator("input").first.input_value() == "张工"
    speak(opened, "中文", "路由规划")
    desk = desk_of(opened, ".tg-body:has-text('比推荐路由')")
    desk.locator(".tg-main").click()
    desk.locator(".tg-saved").wait_for()
    for words in ("已保留", "给水手绘路由", "BZ-1", "逐项查看依据"):
        assert words in desk.locator(".tg-saved").inner_text(), words
    opened.wait(lambda: opened.frame.locator("path.tg-manual").count() == 1)
    [kept] = history(workspace)
    assert (kept["author"], len(kept["line"]["coordinates"])) == ("张工", len(COURSE))
    assert desk.locator(".tg-saved").count() == 1  # after the page has run for it too
    desk.locator(".tg-close").click()
    assert desk.locator(".tg-saved").count() == 0
    speak(opened, "English", "Route planning")
    desk_of(opened, ".tg-start:has-text('Draw a route')")
    assert opened.frame.evaluate(SKETCH) is None
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])


def test_the_card_does_not_cover_the_line_that_it_judges(
    visit: Opener, serve: Server, tmp_path: Path
) -> None:
    opened = opened_case(visit, serve("app.py", make_workspace(tmp_path)), "desktop")
    desk_of(opened, ".tg-start").locator(".tg-start").click()
    draw_points(opened, "desktop", COURSE)
    # The end of the line comes to lie where the card will stand.
    opened.frame.evaluate(
        """([lat, lng]) => {
            const at = map.latLngToContainerPoint([lat, lng]), size = map.getSize();
            map.panBy([at.x - (size.x - 150), at.y - 120], { animate: false });
        }""",
        opened.frame.evaluate(SKETCH)[-1],
    )
    desk = opened.frame.locator(".tg-desk")
    desk.locator(".tg-main").click()
    desk.locator(".tg-body").wait_for()
    places = opened.frame.evaluate(
        """() => Object.values(map._layers)
            .filter(one => one.options.className === "tg-drawn" && one._latlngs.length)
            .flatMap(one => one._latlngs.map(at => map.latLngToContainerPoint(at)))
            .map(at => [at.x, at.y])"""
    )
    card, town = (
        one.evaluate("one => one.getBoundingClientRect().toJSON()")
        for one in (desk, opened.frame.locator("#map_div"))
    )
    assert len(places) >= 2
    for x, y in places:
        assert 0 < x < town["width"]
        assert 0 < y < town["height"]
        within = card["left"] < x < card["right"] and card["top"] < y < card["bottom"]
        assert not within, (x, y, card)


def test_what_somebody_drew_meanwhile_is_not_withdrawn_unseen(
    visit: Opener, serve: Server, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path)
    keep_drawing(workspace, drawing((119, 9), (119, 12), author="张工"))
    opened = opened_case(visit, serve("app.py", workspace), "desktop")
    page = opened.page
    page.locator(".st-key-chosen button", has_text="给水").click()
    withdraw = page.locator(".st-key-withdraw button")
    withdraw.wait_for()
    named = page.locator(".st-key-withdrawn_by input")
    named.fill("王工")
    with opened.run():  # by itself: left to the click it would show the newer drawing first
        named.press("Enter")
    keep_drawing(workspace, drawing((130, 9), (130, 12), author="李工"))
    with opened.run():
        withdraw.click()
    page.locator(".tg-note-warn", has_text="已被更新的一条取代(李工").wait_for()
    assert [one["line"] is None for one in history(workspace)] == [False, False]
    page.locator(".st-key-case", has_text="李工").wait_for()  # the newer one is shown now
    with opened.run():
        withdraw.click()
    opened.wait(lambda: opened.frame.locator("path.tg-manual").count() == 0)
    told = [(one["author"], one["line"] is None) for one in history(workspace)]
    assert told == [("张工", False), ("李工", False), ("王工", True)]

"""The drawing table alone: what is kept is the line that was judged last, and once.

The script runs in a bare page whose server is this test: answers come when the test lets them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.routes import STATIC, package_folder
from tests.ui.servers import PATIENCE_S

pytestmark = [pytest.mark.browser, pytest.mark.slow_first]

PAGE = """<style>#map { width: 600px; height: 400px; position: relative }
.tg-glass { position: absolute; inset: 0; z-index: 900 }
.tg-desk { position: absolute; top: 0; right: 0; z-index: 1000 }</style>
<div id="map"></div>"""
WORDS = ["draw", "hint", "utility", "undo", "judge", "cancel", "waiting", "failed", "drawn"]
WORDS += ["author", "note", "keep", "change", "discard", "file", "reading", "large", "read"]
UTILITIES = [{"key": key, "name": key, "colour": "#123456"} for key in ("water", "gas")]
PEN = {
    "url": "http://desk.test/",
    "token": "t",
    "application_id": "BZ-1",
    "language": "zh",
    "at": [31.6, 114.8],
    "chosen": None,
    "most_bytes": 1000,
    "utilities": UTILITIES,
    "words": {word: word for word in WORDS},
}  # fmt: skip
JUDGED = {
    "html": "<p>met</p>",
    "line": [[31.6, 114.8], [31.601, 114.801]],
    "faults": [],
    "clearances": [{"at": [31.6, 114.8], "status": "fail", "label": "short"}],
}


# Counts the answers that came and were taken in, or did not come.
COUNT_ANSWERS = """() => {
  const ask = window.fetch, over = () => setTimeout(() => { window.answers += 1; }, 0);
  window.answers = 0;
  window.fetch = (...asked) => ask(...asked).then(answer => {
    const read = answer.json.bind(answer);
    answer.json = () => read().finally(over);
    return answer;
  }, error => { over(); throw error; });
}"""


class Desk:
    """The table in a page, with what it asks and the answers that wait."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.waiting: list[Any] = []
        page.route("**/*", self._take)
        self.open()
        self.show(PEN)

    def open(self) -> None:
        """Come to the page, or back to it: the table is made anew."""
        self.page.goto("http://desk.test/")
        leaflet = package_folder("xstatic.pkg.leaflet") / "leaflet.js"
        for script in (leaflet, STATIC / "fix.js", STATIC / "draw.js"):
            self.page.add_script_tag(content=script.read_text("utf-8"))
        self.page.evaluate("map_ = L.map('map').setView([31.6, 114.8], 17)")
        self.page.evaluate(COUNT_ANSWERS)

    def show(self, pen: dict[str, Any] | None) -> None:
        self.page.evaluate("pen => tonggou.drawingTable(map_, pen)", pen)

    def _take(self, route: Any) -> None:
        if route.request.method != "POST":
            route.fulfill(content_type="text/html", body=PAGE)
            return
        way = route.request.url.split("/")[-1].split("?")[0]
        is_file = route.request.headers["content-type"] == "application/octet-stream"
        sent = route.request.post_data
        self.asked.append((way, {"sent": sent} if is_file else json.loads(sent)))
        self.waiting.append(route)

    def answer(self, body: dict[str, Any], status: int = 200) -> None:
        """Let the oldest answer that waits come, and the page take it in."""
        oldest = self.oldest()
        self.taken_in(lambda: oldest.fulfill(status=status, json=body))

    def taken_in(self, answer: Callable[[], None]) -> None:
        """Let an answer come, and wait until the page did what it does about it."""
        before = self.page.evaluate("answers")
        answer()
        self.page.wait_for_function("before => answers > before", arg=before)

    def oldest(self) -> Any:
        """The request that waits longest for its answer."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if self.waiting:
                return self.waiting.pop(0)
            self.page.wait_for_timeout(20)
        pytest.fail("nothing was asked")

    def draw(self, *points: tuple[int, int]) -> None:
        for x, y in points:
            self.page.mouse.click(x, y)

    def press(self, words: str) -> None:
        self.page.locator(".tg-desk button", has_text=words).click()

    def choose(self, name: str, content: str) -> None:
        file = {"name": name, "mimeType": "", "buffer": content.encode()}
        self.page.locator(".tg-desk input[type=file]").set_input_files(file)

    @property
    def text(self) -> str:
        return str(self.page.locator(".tg-desk").inner_text())


@pytest.fixture(scope="module")
def tab(chromium: Any) -> Iterator[Any]:
    """One page for all desks: a window takes longer to open than most of these tests."""
    context = chromium.new_context(viewport={"width": 640, "height": 420})
    context.set_default_timeout(PATIENCE_S * 1000)
    yield context.new_page()
    context.close()


@pytest.fixture
def desk(tab: Any) -> Iterator[Desk]:
    made = Desk(tab)
    made.press("draw")
    made.draw((100, 100), (200, 150))
    yield made
    tab.evaluate("sessionStorage.clear(); localStorage.clear()")
    tab.unroute_all()


def test_the_clearances_of_a_judged_line_are_marked_until_it_is_given_up(desk: Desk) -> None:
    desk.press("judge")
    desk.answer(JUDGED)
    desk.page.locator(".tg-clear-fail").wait_for(state="attached")
    desk.press("discard")
    desk.page.locator(".tg-clear-fail").wait_for(state="detached")


def test_what_is_kept_is_what_was_judged_with_the_names(desk: Desk) -> None:
    desk.press("judge")
    desk.answer(JUDGED)
    desk.page.locator("input").first.fill("张工")
    desk.press("keep")
    desk.answer({"kept": True})
    [(_judge, judged), (_keep, kept)] = desk.asked
    assert kept == {**judged, "author": "张工", "note": ""}
    assert len(judged["line"]) == 2


def test_a_line_that_went_on_while_it_was_judged_gets_no_card(desk: Desk) -> None:
    desk.press("judge")
    desk.draw((300, 200))
    desk.answer(JUDGED)
    assert "met" not in desk.text
    desk.press("judge")
    desk.answer(JUDGED)
    assert "met" in desk.text
    desk.press("keep")
    desk.answer({"kept": True})
    assert [len(body["line"]) for _way, body in desk.asked] == [2, 3, 3]


def test_an_answer_for_another_utility_is_dropped(desk: Desk) -> None:
    desk.press("judge")
    desk.page.locator(".tg-desk select").select_option("gas")
    desk.press("judge")
    desk.answer({**JUDGED, "html": "<p>of water</p>"})
    assert "of water" not in desk.text
    desk.answer({**JUDGED, "html": "<p>of gas</p>"})
    assert "of gas" in desk.text
    assert [body["utility"] for _way, body in desk.asked] == ["water", "gas"]


def test_pressing_twice_asks_once(desk: Desk) -> None:
    twice = "words => document.querySelectorAll('.tg-desk button').forEach(one => {"
    twice += " if (one.textContent === words) { one.click(); one.click(); } })"
    desk.page.evaluate(twice, "judge")
    desk.answer(JUDGED)
    desk.page.evaluate(twice, "keep")
    desk.answer({"kept": True})
    assert [way for way, _body in desk.asked] == ["judge", "keep"]


def test_an_answer_for_a_case_that_was_left_does_nothing(desk: Desk) -> None:
    desk.press("judge")
    desk.show({**PEN, "application_id": "BZ-2"})
    desk.press("draw")
    desk.draw((50, 50))
    desk.answer(JUDGED)
    assert "met" not in desk.text
    assert desk.page.locator(".tg-glass").count() == 1


def test_a_drawing_that_was_not_kept_can_be_kept_again(desk: Desk) -> None:
    desk.press("judge")
    desk.answer(JUDGED)
    desk.press("keep")
    desk.answer({"message": "<b>full"}, status=422)
    assert "<b>full" in desk.text
    desk.press("keep")
    desk.taken_in(desk.oldest().abort)
    assert "failed" in desk.text
    desk.press("keep")
    desk.answer({"kept": True})
    assert desk.text == "draw"
    assert [way for way, _body in desk.asked] == ["judge", "keep", "keep", "keep"]


READ = {"line": [[114.8, 31.6], [114.801, 31.6], [114.801, 31.601]], "file": "<b>.dxf",
        "notes": ["<i>one</i>"]}  # fmt: skip


def test_the_line_of_a_file_is_judged_at_once_and_its_name_is_the_note(desk: Desk) -> None:
    desk.choose("<b>.dxf", "0")
    desk.answer(READ)
    desk.answer(JUDGED)
    folded = desk.page.locator(".tg-body").text_content()
    assert folded.endswith("<b>.dxf<i>one</i>")
    desk.press("keep")
    desk.answer({"kept": True})
    [(_read, file), (_judge, judged), (_keep, kept)] = desk.asked
    assert file == {"sent": "0"}
    assert judged["line"] == READ["line"]  # to the last digit
    assert kept == {**judged, "author": "", "note": "<b>.dxf"}


def test_a_file_that_cannot_be_read_leaves_what_was_drawn(desk: Desk) -> None:
    desk.choose("a.dxf", "0")
    desk.answer({"message": "no <b>line"}, status=422)
    assert "no <b>line" in desk.text
    desk.press("judge")
    desk.answer(JUDGED)
    assert [way for way, _body in desk.asked] == ["read", "judge"]
    assert len(desk.asked[1][1]["line"]) == 2


def test_a_line_of_a_file_that_is_refused_can_be_changed_and_is_then_no_longer_the_files(
    desk: Desk,
) -> None:
    desk.choose("a.dxf", "0")
    desk.answer(READ)
    desk.answer({"message": "out of reach"}, status=422)
    assert "out of reach" in desk.text
    desk.press("undo")
    desk.press("judge")
    desk.answer(JUDGED)
    assert desk.asked[-1][1]["line"] == READ["line"][:2]
    assert desk.page.locator("input").nth(1).input_value() == ""


def test_a_file_that_is_too_large_is_not_sent(desk: Desk) -> None:
    desk.choose("a.dxf", "0" * 1001)
    assert "a.dxf: large" in desk.text
    assert desk.asked == []


def sketched(desk: Desk) -> list[list[float]]:
    """The line in hand, as it is on the map."""
    found: list[list[float]] = desk.page.evaluate(
        """() => Object.values(map_._layers)
            .filter(one => one.options.className === "tg-sketch")
            .flatMap(one => one._latlngs.map(at => [at.lat, at.lng]))"""
    )
    return found


def test_a_drawing_is_there_again_when_the_table_is_made_anew(desk: Desk) -> None:
    desk.page.locator(".tg-desk select").select_option("gas")
    drawn = sketched(desk)
    assert len(drawn) == 2
    desk.open()
    desk.show({**PEN, "application_id": "BZ-2"})
    assert (desk.text, sketched(desk)) == ("draw", [])
    desk.show(PEN)
    assert sketched(desk) == drawn
    desk.press("judge")
    desk.answer(JUDGED)
    assert desk.asked[-1][1]["utility"] == "gas"


def test_a_drawing_that_was_judged_is_judged_again_and_keeps_what_was_typed(desk: Desk) -> None:
    desk.choose("a.dxf", "0")
    desk.answer(READ)
    desk.answer(JUDGED)
    desk.page.locator("input").first.fill("张工")
    desk.open()
    desk.show({**PEN, "language": "en"})
    desk.answer(JUDGED)
    desk.press("keep")
    desk.answer({"kept": True})
    (_way, judged), (_keep, kept) = desk.asked[-2:]
    assert (judged["language"], judged["line"]) == ("en", READ["line"])
    assert kept == {**judged, "author": "张工", "note": "<b>.dxf"}


@pytest.mark.parametrize("over", ["kept", "discarded", "cancelled"])
def test_a_drawing_that_is_over_does_not_come_back(desk: Desk, over: str) -> None:
    if over == "cancelled":
        desk.press("cancel")
    else:
        desk.press("judge")
        desk.answer(JUDGED)
        desk.press("keep" if over == "kept" else "discard")
        if over == "kept":
            desk.answer({"kept": True})
    desk.open()
    desk.show(PEN)
    assert (desk.text, sketched(desk)) == ("draw", [])


def test_what_was_kept_is_told_until_it_was_read_or_another_is_begun(desk: Desk) -> None:
    told = {**PEN, "utilities": [{**one, "saved": f"{one['key']} saved"} for one in UTILITIES]}
    for over in ("×", "draw"):
        desk.show(told)
        if over == "draw":
            desk.press("draw")
            desk.draw((100, 100), (200, 150))
        desk.press("judge")
        desk.answer(JUDGED)
        desk.press("keep")
        desk.answer({"kept": True})
        desk.show(told)  # as the page has run for it
        assert "water saved" in desk.text
        desk.press(over)
        assert "saved" not in desk.text

"""The screening on the page in a real browser: colours, a first answer, and nothing out of date."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from layers.answers import Answer
from layers.store import Workspace
from tests.planned_town import make_workspace, planned_town
from tests.ui.conftest import SIZES, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow_first]

# Whether something was ever there, however briefly.
WATCH = """selector => {
  window.__seen = 0;
  new MutationObserver(() => { window.__seen |= !!document.querySelector(selector); })
    .observe(document.documentElement, { childList: true, subtree: true });
}"""
FILLS = """() => Object.values(map._layers)
  .filter(one => one.options.pane === "tg-tints" && one.feature)
  .map(one => [one.feature.properties.id, one.options.fillColor, one.options.fillOpacity])"""


def centre_of(parcel_id: str) -> tuple[float, float]:
    point = planned_town().tables["parcels"].geometry.centroid.to_crs(4326)[parcel_id]
    return point.y, point.x


@pytest.mark.parametrize("device", SIZES)
def test_parcels_are_coloured_and_a_click_is_answered_before_its_plan(
    visit: Callable[[str, str], Visit],
    serve: Callable[[str, Path], str],
    screened: Path,
    tmp_path: Path,
    device: str,
) -> None:
    workspace = Path(copytree(screened, tmp_path / "workspace"))
    opened = visit(serve("app.py", workspace), device)
    page, frame = opened.page, opened.frame
    select = frame.locator(".tg-tints select")
    select.wait_for()
    select.select_option(label="筛查结果:给水")
    opened.wait(lambda: len(frame.evaluate(FILLS)) == 3)
    water = {key: (colour, opacity) for key, colour, opacity in frame.evaluate(FILLS)}
    assert water["P-1"] != water["P-2"]  # by commitment; not to be reached
    assert "不作为判定" in frame.locator(".tg-tint-keys").inner_text()
    select.select_option("worst")
    opened.wait(lambda: len(frame.evaluate(FILLS)) == 3)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[device][0]

    page.evaluate(WATCH, ".tg-first")
    frame.evaluate(WATCH, "path.tg-glimpse")
    at = centre_of("P-1")
    frame.evaluate("at => { map.setView(at, 17, { animate: false }); }", list(at))
    (opened.click_map if device == "desktop" else opened.tap_map)(*at)
    page.locator(".tg-figures").wait_for()
    assert page.evaluate("window.__seen") == 1
    assert frame.evaluate("window.__seen") == 1
    opened.wait(lambda: frame.locator("path.tg-route").count() == 4)
    assert frame.locator("path.tg-glimpse").count() == 0
    assert page.locator(".tg-first").count() == 0
    assert select.input_value() == "worst"
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])

    Workspace.open(workspace).answer(
        [Answer("road:R-1", "surface", "paver")], author="李", replace=True
    )
    page.locator(".st-key-strips label").first.click()  # the page runs again
    frame.locator(".tg-tints").wait_for(state="hidden")
    opened.wait(lambda: frame.evaluate(FILLS) == [])


@pytest.mark.parametrize("device", SIZES)
def test_a_county_is_screened_from_the_page_and_coloured(
    visit: Callable[[str, str], Visit],
    serve: Callable[[str, Path], str],
    tmp_path: Path,
    device: str,
) -> None:
    """By one visitor; another one goes on meanwhile, and after an edit it is taken on."""
    workspace = make_workspace(tmp_path)
    address = serve("app.py", workspace)
    opened, other = visit(address, device), visit(address, device)
    page, frame = opened.page, opened.frame
    page.evaluate(WATCH, ".st-key-screening [data-testid=stProgress]")
    page.get_by_role("button", name="筛查全县").click()
    page.locator(".st-key-screening").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[device][0]
    other.page.get_by_role("button", name="BZ-1 示例综合楼").click()
    other.page.locator(".tg-figures").wait_for()

    opened.wait(lambda: len(frame.evaluate(FILLS)) == 3)
    assert page.evaluate("window.__seen") == 1
    assert frame.locator(".tg-tints select").input_value() == "worst"
    assert page.get_by_role("button", name="筛查全县").count() == 0
    assert len(Workspace.open(workspace).screenings.listed()) == 1
    other.page.locator(".st-key-strips label").first.click()  # the page runs again
    other.wait(lambda: other.frame and other.frame.evaluate(FILLS))  # near its case
    other.page.reload()
    other.wait(lambda: other.frame and other.frame.evaluate(FILLS))  # as it was left

    Workspace.open(workspace).answer(
        [Answer("road:R-1", "surface", "paver")], author="李", replace=True
    )
    page.reload()
    page.get_by_role("button", name="筛查全县").click()
    opened.wait(lambda: opened.frame and len(opened.frame.evaluate(FILLS)) == 3)
    assert len(Workspace.open(workspace).screenings.listed()) == 2
    for one in (opened, other):
        assert (one.outside, one.errors, one.refused) == ([], [], [])

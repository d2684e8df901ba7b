"""Two drawn feeds on the page: which one is drawn is chosen, both are seen and judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import Point, box

from tests.planned_town import make_workspace
from tests.towns import main, town
from tests.ui.conftest import SIZES, Visit
from tests.ui.test_browser import LEAST_BUTTON_PX, ROUTES, draw_points, town_place
from tests.ui.test_drawn_routes import drawing, withdrawal
from ui.drawn_routes import MAX_KEPT, judge_door, keep_door, keep_drawing

pytestmark = pytest.mark.slow_first

Opener = Callable[[str, str], Visit]
Server = Callable[[str, Path], str]
Points = Sequence[tuple[float, float]]
# W-1 lies 4 m before the red line of P-1, W-3 across the street.
BEFORE, ACROSS = ((119, 8), (119, 12)), ((130, -8), (130, 12))
SAME_MAIN = ((125, 8), (125, 12))


def two_mains(folder: Path) -> Path:
    """A workspace with an application for two feeds of water, and one line of sewage."""
    sewer = {"utility": "sewage", "subtype": "main", "diameter_mm": 500.0, "depth_m": 3.0}
    lines = {
        "W-1": main((0, 8), (300, 8)),
        "W-3": main((0, -8), (300, -8)),
        "S-1": main((0, 9), (300, 9), **sewer),
    }
    case = {
        "application_id": "BZ-1",
        "parcel_id": "P-1",
        "dig_date": "2026-11-22",
        "work_kind": "new",
        "demands": {
            "water": {"nominal_mm": 200, "material": "PE", "feeds": 2},
            "sewage": {"nominal_mm": 300, "material": "HDPE"},
        },
    }
    survey = town(
        lines=lines,
        green={"G-1": {"kind": "verge", "geometry": box(270, 5, 290, 6)}},
        trees={"T-1": {"ancient": False, "geometry": Point(280, 5.5)}},
        buildings={"B-1": {"floors": 6, "geometry": box(110, 25, 130, 45)}},
    )
    return make_workspace(folder, survey, [case])


# --- the two doors --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = two_mains(tmp_path_factory.mktemp("pair"))
    keep_drawing(made, drawing(*BEFORE, feed=1))
    return made


def test_a_second_feed_is_judged_with_the_first_one_that_is_kept(workspace: Path) -> None:
    status, answer = judge_door(workspace)(drawing(*ACROSS, feed=2))
    assert status == 200
    for words in (
        "告知承诺制审批",
        "四(四)(1)",
        "两路合计 长 24.00 m · 穿路 1 次 10.00 m",
        "手绘第一路(W-1 接入) 长 4.00 m",
        "手绘第二路(W-3 接入) 长 20.00 m",
        "两路各走街道一侧",
        "比推荐的两路 +0.00 m",
    ):
        assert words in answer["html"], words
    # What was drawn just now comes first, whichever feed it is.
    latitudes = [line[0][0] for line in (answer["line"], answer["other"])]
    assert latitudes == pytest.approx([town_place(130, -8)[0], town_place(119, 8)[0]], abs=1e-6)


def test_moves_and_faults_of_both_are_told_by_feed(workspace: Path) -> None:
    along = ((100, -8), (100, 0), (130, 0), (130, 11))
    _status, answer = judge_door(workspace)(drawing(*along, feed=2))
    assert "第二路末端移到红线上 1.00 m" in answer["html"]
    assert "第二路在道路 R-1 车行道内" in answer["html"]
    assert [fault["label"][:2] for fault in answer["faults"]] == ["在道"]


def test_a_second_feed_from_the_main_of_the_first_is_refused_and_not_kept(workspace: Path) -> None:
    before = (workspace / "applications" / "BZ-1.json").read_bytes()
    for door in (judge_door(workspace), keep_door(workspace)):
        status, answer = door(drawing(*SAME_MAIN, feed=2))
        assert status == 422
        assert "第二路接自 W-1,同属管线 W-1" in answer["message"]
        assert "demands.water.feeds" in answer["message"]
        assert "改接另一条管线" in answer["message"]
    assert (workspace / "applications" / "BZ-1.json").read_bytes() == before


def test_each_feed_has_a_history_of_its_own(tmp_path: Path) -> None:
    workspace = two_mains(tmp_path)
    keep = keep_door(workspace)
    assert keep(withdrawal(workspace, 2))[0] == 422
    kept = [drawing(*BEFORE), drawing(*ACROSS, feed=2), drawing(*ACROSS, feed=2)]
    assert [keep(one)[0] for one in kept] == [200, 200, 200]
    assert keep(withdrawal(workspace))[0] == 200
    assert keep(withdrawal(workspace))[0] == 422
    stored = json.loads((workspace / "applications" / "BZ-1.json").read_text("utf-8"))
    told = [(one["feed"], one["line"] is None) for one in stored["drawn_routes"]["water"]]
    assert told == [(1, False), (2, False), (1, True)]


def test_a_full_history_of_one_feed_leaves_room_for_the_other(tmp_path: Path) -> None:
    workspace = two_mains(tmp_path)
    for number in range(MAX_KEPT):
        keep_drawing(workspace, drawing(*BEFORE, note=str(number)))
    keep = keep_door(workspace)
    assert "达到上限" in keep(drawing(*BEFORE))[1]["message"]
    assert keep(drawing(*ACROSS, feed=2))[0] == 200


# --- in a browser ---------------------------------------------------------------------------------


def draw(opened: Visit, device: str, feed: int, points: Points) -> Any:
    """Draw one feed on the map and have it judged; gives the drawing table."""
    desk = opened.frame.locator(".tg-desk")
    desk.locator(".tg-start").click()
    chosen = desk.locator("select").nth(1)
    assert chosen.locator("option").all_inner_texts() == ["第一路", "第二路"]
    chosen.select_option(str(feed))
    draw_points(opened, device, points)
    opened.wait(lambda: desk.locator(".tg-main").is_enabled())
    desk.locator(".tg-main").click()
    return desk


def keep(opened: Visit, desk: Any, author: str, drawn: int) -> None:
    """Keep what was judged, and wait until the map has so many drawn courses."""
    desk.locator("input").first.wait_for()
    desk.locator("input").first.fill(author)
    desk.locator(".tg-main").click()
    desk.locator(".tg-start").wait_for()
    opened.wait(lambda: opened.frame.locator("path.tg-manual").count() == drawn)


@pytest.mark.browser
@pytest.mark.parametrize("device", SIZES)
def test_both_feeds_are_drawn_seen_and_withdrawn(
    visit: Opener, serve: Server, tmp_path: Path, device: str
) -> None:
    workspace = two_mains(tmp_path)
    opened = visit(serve("app.py", workspace), device)
    opened.choose("BZ-1")
    opened.wait(lambda: opened.frame.evaluate(ROUTES) >= 2)
    desk = draw(opened, device, 1, BEFORE)
    keep(opened, desk, "张工", drawn=2)  # with the best other feed beside it

    desk = draw(opened, device, 2, SAME_MAIN)
    opened.wait(lambda: "同属管线 W-1" in desk.inner_text())
    desk.get_by_text("取消").click()

    desk = draw(opened, device, 2, ACROSS)
    desk.locator("input").first.wait_for()
    card = desk.inner_text()
    for words in ("给水 第二路 手绘路由", "告知承诺制审批", "四(四)(1)", "未评估测量误差"):
        assert words in card, words
    assert opened.frame.locator("path.tg-drawn").count() == 2
    keep(opened, desk, "李工", drawn=2)
    stored = json.loads((workspace / "applications" / "BZ-1.json").read_text("utf-8"))
    kept = [(one["feed"], one["author"]) for one in stored["drawn_routes"]["water"]]
    assert kept == [(1, "张工"), (2, "李工")]

    page = opened.page
    page.locator(".st-key-chosen button", has_text="给水").click()
    page.locator(".st-key-withdrawing").wait_for()
    panel = page.locator(".st-key-case").inner_text()
    for words in ("第一路 · 张工", "第二路 · 李工", "手绘第二路(W-3 接入)", "比推荐的两路"):
        assert words in panel, words
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[device][0]
    if device == "phone":
        opened.wait(lambda: page.evaluate(LEAST_BUTTON_PX) >= 44)
    page.get_by_text("撤回手绘第二路").click()
    page.get_by_text("撤回手绘路由").wait_for()
    assert "另一路(自动选取" in page.locator(".st-key-case").inner_text()
    assert (opened.outside, opened.errors) == ([], [])
    assert [one.split()[0] for one in opened.refused] == ["422"]  # the line from the same main


@pytest.mark.browser
def test_a_line_of_one_feed_asks_for_none(visit: Opener, serve: Server, tmp_path: Path) -> None:
    opened = visit(serve("app.py", two_mains(tmp_path)), "desktop")
    opened.choose("BZ-1")
    desk = opened.frame.locator(".tg-desk")
    desk.locator(".tg-start").click()
    utility, feed = desk.locator("select").nth(0), desk.locator("select").nth(1)
    assert feed.is_visible()
    utility.select_option("sewage")
    assert not feed.is_visible()
    utility.select_option("water")
    assert feed.is_visible()

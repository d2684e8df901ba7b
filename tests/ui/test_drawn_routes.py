"""A drawn route on the page: judged by the real planner, kept in the application, told in words."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import LineString

from layers.store import Workspace
from planning.application import parse_application
from planning.drawn_routes import of_feed
from tests.planned_town import make_workspace
from tests.towns import CRS_NAME, ORIGIN
from ui import drawn_routes
from ui.county import open_county
from ui.drawn_routes import MAX_KEPT, judge_door, keep_door, keep_drawing
from ui.planning_service import _groundwork, plan_of_application


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("drawn"))


def drawing(*points: tuple[float, float], **changes: Any) -> dict[str, Any]:
    """What the map sends for a line in town metres."""
    line = LineString([(x + ORIGIN[0], y + ORIGIN[1]) for x, y in points])
    degrees = gpd.GeoSeries([line], crs=CRS_NAME).to_crs(4326).iloc[0]
    asked = {"application_id": "BZ-1", "utility": "water", "author": "张工", "note": ""}
    return {**asked, "line": [list(at) for at in degrees.coords], **changes}


def withdrawal(workspace: Path, feed: int = 1, **changes: Any) -> dict[str, Any]:
    """What the page asks for to withdraw the newest water drawing of a feed."""
    document = Workspace.open(workspace).application("BZ-1")
    history = of_feed(parse_application(document).drawn_routes.get("water", ()), feed)
    seen = history[-1].drawing_id if history else ""
    return drawing((0, 0), (1, 1), line=None, drawing_id=seen, feed=feed, **changes)


def test_a_judged_drawing_tells_verdict_figures_differences_moves_and_faults(
    workspace: Path,
) -> None:
    # From the main at y = 8.5 along the street in the carriageway and into the parcel at y = 12.
    asked = drawing((119, 9), (119, 2), (136, 2), (136, 11))
    status, answer = judge_door(workspace)(asked)
    assert status == 200
    for words in (
        "告知承诺制审批",
        "长 33.50 m",
        "穿路 1 次 23.00 m",
        "比推荐路由 +30.00 m",
        "接入端移到 W-1 上 0.50 m",
        "末端移到红线上 1.00 m",
        "在道路 R-1 车行道内",
    ):
        assert words in answer["html"], words
    assert len(answer["line"]) == 4
    assert [fault["label"][:2] for fault in answer["faults"]] == ["在道"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"application_id": "BZ-9"}, "没有这份报装申请"),
        ({"utility": "steam"}, "没有这个专业"),
        ({"utility": "gas"}, "没有这一专业的需求"),
    ],
)
def test_a_drawing_of_nothing_is_refused_in_words(
    workspace: Path, changes: dict[str, str], words: str
) -> None:
    status, answer = judge_door(workspace)(drawing((119, 9), (119, 12), **changes))
    assert status == 422
    assert words in answer["message"]


def test_a_drawing_out_of_reach_is_neither_judged_nor_kept(workspace: Path) -> None:
    before = (workspace / "applications" / "BZ-1.json").read_bytes()
    asked = drawing((119, 9), (119, -40))
    for door in (judge_door(workspace), keep_door(workspace)):
        status, answer = door(asked)
        assert status == 422
        assert "最多可移 5 米" in answer["message"]
    assert (workspace / "applications" / "BZ-1.json").read_bytes() == before


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(119, 9), (119, 9)], "至少两个不同的点"),
        ([(119, 9), (119, 900_000)], "第 2 个点不在本县图层范围内"),
        ([(119, 9), *[(119 + n % 2 * 100, 9) for n in range(60)], (119, 12)], "最长 5000 米"),
    ],
)
def test_a_drawing_that_no_line_can_be_is_refused_before_it_is_judged(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, points: Any, words: str
) -> None:
    monkeypatch.setattr(drawn_routes, "judge_drawn_line", pytest.fail)
    for door in (judge_door(workspace), keep_door(workspace)):
        status, answer = door(drawing(*points))
        assert (status, words in answer["message"]) == (422, True), answer


def test_lines_are_judged_one_after_the_other_and_too_many_are_sent_away(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work: list[int] = []
    most: list[int] = []
    statuses: list[int] = []
    end = time.monotonic() + 120

    def judge(*_asked: Any) -> dict[str, Any]:
        at_work.append(1)
        most.append(len(at_work))
        while 503 not in statuses and time.monotonic() < end:
            time.sleep(0.01)
        at_work.pop()
        return {"status": "refused", "reason": "judged"}

    monkeypatch.setattr(drawn_routes, "judge_drawn_line", judge)
    judge_one = judge_door(workspace)
    asked = drawing((119, 9), (119, 12))
    threads = [
        threading.Thread(target=lambda: statuses.append(judge_one(asked)[0])) for _ in range(20)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert max(most) == 1
    assert set(statuses) == {422, 503}


def test_kept_drawings_are_a_history_and_do_not_touch_the_corridors(workspace: Path) -> None:
    keep = keep_door(workspace)
    judge_door(workspace)(drawing((119, 9), (119, 12)))
    prepared = _groundwork.cache_info().misses
    assert keep(drawing((119, 9), (119, 12)))[0] == 200
    assert keep(drawing((130, 9), (130, 12), note="避树"))[0] == 200
    assert keep(withdrawal(workspace))[0] == 200
    assert judge_door(workspace)(drawing((119, 9), (119, 12)))[0] == 200
    assert _groundwork.cache_info().misses == prepared
    stored = json.loads((workspace / "applications" / "BZ-1.json").read_text("utf-8"))
    history = stored["drawn_routes"]["water"]
    assert [one["note"] for one in history] == ["", "避树", ""]
    assert [one["line"] is None for one in history] == [False, False, True]
    assert {one["author"] for one in history} == {"张工"}
    start = history[0]["line"]["coordinates"][0]
    assert start == pytest.approx([119 + ORIGIN[0], 9 + ORIGIN[1]], abs=1e-4)


def test_a_drawing_sent_again_is_kept_once(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    asked = drawing((119, 9), (119, 9), (119, 12))
    for again in (asked, asked, {**asked, "note": "避树"}):
        keep_drawing(workspace, again)
    keep_drawing(workspace, withdrawal(workspace))
    keep_drawing(workspace, asked)
    stored = json.loads((workspace / "applications" / "BZ-1.json").read_text("utf-8"))
    notes = [(one["line"] is not None, one["note"]) for one in stored["drawn_routes"]["water"]]
    assert notes == [(True, ""), (True, "避树"), (False, ""), (True, "")]


def test_a_workspace_that_cannot_be_written_is_told_in_the_persons_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_asked: Any) -> None:
        raise OSError(28, "No space left on device")

    workspace = make_workspace(tmp_path)
    keep_drawing(workspace, drawing((119, 9), (119, 12)))
    monkeypatch.setattr(Workspace, "save_application", full_disk)
    status, answer = keep_door(workspace)(withdrawal(workspace, language="en"))
    assert (status, answer["message"].split(".")[0]) == (
        500,
        "The workspace could not be read or written; nothing was saved",
    )


def test_what_is_not_drawn_cannot_be_withdrawn(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    keep, nothing = keep_door(workspace), withdrawal(workspace)
    for asked in (nothing, {**nothing, "utility": "steam"}):
        status, answer = keep(asked)
        assert (status, answer["message"]) == (422, "没有可撤回的手绘路由,它可能已被他人撤回")
    keep_drawing(workspace, drawing((119, 9), (119, 12)))
    seen = withdrawal(workspace)
    assert [keep(seen)[0], keep(seen)[0]] == [200, 422]


def test_what_is_withdrawn_is_the_drawing_that_was_seen_and_by_whom_is_recorded(
    tmp_path: Path,
) -> None:
    """Somebody else keeps another one meanwhile: that one stays, until it was seen too."""
    workspace = make_workspace(tmp_path)
    keep = keep_door(workspace)
    keep_drawing(workspace, drawing((119, 9), (119, 12)))
    seen = withdrawal(workspace, author="张工")
    keep_drawing(workspace, drawing((130, 9), (130, 12), author="李工"))
    for asked in (seen, {**seen, "drawing_id": ""}):
        status, answer = keep(asked)
        assert status == 422
        for words in ("已被更新的一条取代(李工 20", "没有撤回任何路由", "请看过现在这一条"):
            assert words in answer["message"], words
    status, answer = keep({**seen, "language": "en"})
    assert "replaced by a newer one (李工 20" in answer["message"]
    assert keep(withdrawal(workspace, author="张工"))[0] == 200
    stored = json.loads((workspace / "applications" / "BZ-1.json").read_text("utf-8"))
    told = [(one["author"], one["line"] is None) for one in stored["drawn_routes"]["water"]]
    assert told == [("张工", False), ("李工", False), ("张工", True)]


def test_the_plan_names_the_drawing_that_a_withdrawal_asks_for(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    keep_drawing(workspace, drawing((119, 9), (119, 12)))
    lines = plan_of_application("BZ-1", open_county(workspace))["utilities"]
    [manual] = [one["manual"] for one in lines if one["utility"] == "water"]
    assert manual["drawing_id"] == withdrawal(workspace)["drawing_id"]


def test_a_full_history_takes_no_drawing_but_lets_the_last_be_withdrawn(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    keep_drawing(workspace, drawing((119, 9), (119, 12)))
    opened = Workspace.open(workspace)
    document = opened.application("BZ-1")
    [kept] = document["drawn_routes"]["water"]
    many = [{**kept, "note": str(number)} for number in range(MAX_KEPT)]
    opened.save_application({**document, "drawn_routes": {"water": many}})
    status, answer = keep_door(workspace)(drawing((119, 9), (119, 12)))
    assert (status, "达到上限" in answer["message"]) == (422, True)
    assert keep_door(workspace)(withdrawal(workspace))[0] == 200
    stored = json.loads((workspace / "applications" / "BZ-1.json").read_text("utf-8"))
    assert len(stored["drawn_routes"]["water"]) == MAX_KEPT + 1

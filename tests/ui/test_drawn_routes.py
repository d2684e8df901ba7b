"""A drawn route on the page: judged by the real planner, kept in the application, told in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import LineString

from tests.planned_town import make_workspace
from tests.towns import CRS_NAME, ORIGIN
from ui.drawn_routes import judge_door, keep_door
from ui.planning_service import _groundwork


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("drawn"))


def drawing(*points: tuple[float, float], **changes: Any) -> dict[str, Any]:
    """What the map sends for a line in town metres."""
    line = LineString([(x + ORIGIN[0], y + ORIGIN[1]) for x, y in points])
    degrees = gpd.GeoSeries([line], crs=CRS_NAME).to_crs(4326).iloc[0]
    asked = {"application_id": "BZ-1", "utility": "water", "author": "张工", "note": ""}
    return {**asked, "line": [list(at) for at in degrees.coords], **changes}


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


def test_kept_drawings_are_a_history_and_do_not_touch_the_corridors(workspace: Path) -> None:
    keep = keep_door(workspace)
    judge_door(workspace)(drawing((119, 9), (119, 12)))
    prepared = _groundwork.cache_info().misses
    assert keep(drawing((119, 9), (119, 12)))[0] == 200
    assert keep(drawing((130, 9), (130, 12), note="避树"))[0] == 200
    assert keep({**drawing((0, 0), (1, 1)), "line": None})[0] == 200
    assert judge_door(workspace)(drawing((119, 9), (119, 12)))[0] == 200
    assert _groundwork.cache_info().misses == prepared
    stored = json.loads((workspace / "applications" / "BZ-1.json").read_text("utf-8"))
    history = stored["drawn_routes"]["water"]
    assert [one["note"] for one in history] == ["", "避树", ""]
    assert [one["line"] is None for one in history] == [False, False, True]
    assert {one["author"] for one in history} == {"张工"}
    start = history[0]["line"]["coordinates"][0]
    assert start == pytest.approx([119 + ORIGIN[0], 9 + ORIGIN[1]], abs=1e-4)

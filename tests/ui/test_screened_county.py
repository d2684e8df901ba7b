"""The screening on the page: shown while it is in force, and then only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from shapely import MultiLineString
from starlette.applications import Starlette

import language
from api import tokens
from api.asked import SCREENING, asked_route
from layers.answers import Answer
from layers.store import Workspace
from tests.api.asgi import get
from tests.planned_town import documents, keep_screening
from ui.county import open_county
from ui.screened_county import ScreenedCounty, lines_door, map_layers, screening_in_force
from ui.screened_panel import first_answer


@pytest.fixture
def path(screened: Path, tmp_path: Path) -> Path:
    """A copy of the workspace that a test may change."""
    from shutil import copytree

    return Path(copytree(screened, tmp_path / "copy"))


def in_force(path: Path) -> ScreenedCounty | None:
    return screening_in_force(path, open_county(path))


def ask(path: Path, **asked: str) -> tuple[int, Mapping[str, Any]]:
    return lines_door(path)(asked)


def layers(path: Path) -> list[str]:
    return [name for name in map_layers(path) if name.startswith("screening")]


def test_a_click_gets_every_line_with_its_columns_in_degrees(screened: Path) -> None:
    status, found = ask(screened, parcel="P-3")
    assert status == 200
    line = next(one for one in found["features"] if one["properties"]["utility"] == "water")
    lon, lat = line["geometry"]["coordinates"][0]
    assert (114 < lon < 116, 31 < lat < 33) == (True, True)
    told = line["properties"]
    assert told["status"] == "routed"
    assert told["label"].startswith("给水 3.50 m · ")
    assert set(told) >= {"outcome", "clause", "certainty", "length_m", "pipe_length_m", "colour"}
    json.dumps(found, allow_nan=False)


def test_a_parcel_is_answered_by_its_application_and_what_was_not_asked_for_is_left_out(
    screened: Path,
) -> None:
    features = ask(screened, parcel="P-1")[1]["features"]
    assert {one["properties"]["application_id"] for one in features} == {"BZ-1"}
    assert [one["properties"]["utility"] for one in features] == [
        "water", "sewage", "power", "telecom",
    ]  # fmt: skip
    refused = ask(screened, parcel="P-2")[1]["features"]
    assert {one["properties"]["label"] for one in refused} == {"给水 无法接入", "燃气 无法接入"}
    assert ask(screened, parcel="P-9") == (404, {"message": "筛查中没有这块宗地或这份申请"})


def test_the_map_gets_a_sign_for_each_utility_of_each_parcel(screened: Path) -> None:
    screening = in_force(screened)
    assert screening is not None
    assert layers(screened) == [screening.layer_name]
    features = {
        one["properties"]["id"]: one["properties"]["k"]
        for one in map(json.loads, screening.layer.features)
    }
    told = screening.for_map()
    names = [told["outcomes"][int(s)]["name"] if s != "-" else "" for s in features["P-1"]]
    assert names[0] == "告知承诺制审批"  # water
    assert names[2] == names[3] == ""  # nobody asked for storm and gas
    assert features["P-2"] == "0--0--"
    assert told["outcomes"][0]["name"] == "无法接入"
    assert len(told["utilities"]) == 6


@pytest.mark.parametrize("what", ["layer", "application", "damage", "gone"])
def test_what_is_out_of_date_is_not_shown(path: Path, what: str) -> None:
    assert in_force(path) is not None
    workspace = Workspace.open(path)
    (file, _key) = workspace.screenings.listed()[0]
    if what == "layer":
        workspace.answer([Answer("road:R-1", "surface", "paver")], author="李", replace=True)
    elif what == "application":
        workspace.save_application({**documents()[0], "application_id": "BZ-7"})
    elif what == "damage":
        other = file.with_stem(file.stem[:17] + "0" * 64)
        file.rename(other)
    else:
        file.unlink()
    assert in_force(path) is None
    assert layers(path) == []
    assert ask(path, parcel="P-3") == (404, {"message": "没有现行的全县筛查"})


def test_that_of_yesterday_is_not_shown_today(path: Path) -> None:
    workspace = Workspace.open(path)
    for file, _key in workspace.screenings.listed():
        file.unlink()
    keep_screening(path, date.today() - timedelta(1))
    assert in_force(path) is None


def test_a_screening_made_meanwhile_is_shown(path: Path) -> None:
    workspace = Workspace.open(path)
    workspace.answer([Answer("road:R-1", "surface", "paver")], author="李", replace=True)
    before = in_force(path)
    keep_screening(path, date.today())
    after = in_force(path)
    assert before is None
    assert after is not None
    assert layers(path) == [after.layer_name]


def test_the_first_answer_tells_each_line_and_where_it_comes_from(screened: Path) -> None:
    screening = in_force(screened)
    assert screening is not None
    html = first_answer(screening, screening.of("P-1", "BZ-1"), "BZ-1 <b>楼</b>")
    assert "<b>楼</b>" not in html
    for words in ("给水", "3.50", "告知承诺制审批", "四(四)(1)", date.today().isoformat()):
        assert words in html
    assert "不作为判定" not in html
    language.speak("en")
    try:
        assert "Water" in first_answer(screening, screening.of("P-3", None), "P-3")
    finally:
        language.speak(None)


def test_the_first_answer_says_where_figures_are_of_two_feeds(screened: Path) -> None:
    screening = in_force(screened)
    assert screening is not None
    line = next(one for one in screening.of("P-1", "BZ-1") if one["utility"] == "water")
    assert "两路合计" not in first_answer(screening, [line], "")
    both = {**line, "length_m": 80.0, "pipe_length_m": 75.0}
    both["geometry"] = MultiLineString([line["geometry"], line["geometry"]])
    html = first_answer(screening, [both], "")
    assert ("给水<small>两路合计</small>" in html, "75.00" in html) == (True, True)


def test_lines_are_read_with_a_token_only(screened: Path) -> None:
    app = Starlette(routes=[asked_route("/here", SCREENING, lines_door(screened))])
    answer = get(app, SCREENING, parcel="P-3", token=tokens.issue("/here"))
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert len(json.loads(answer.body)["features"]) >= 5
    for token in ("", tokens.issue("/elsewhere")):
        assert get(app, SCREENING, parcel="P-3", token=token).status == 403

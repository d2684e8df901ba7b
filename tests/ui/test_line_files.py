"""A line from a file on the page: read as the command line reads it, then as if it were drawn."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezdxf
import pytest
from click.testing import CliRunner

from api.drawn_routes import MAX_POINTS, SentFile
from cli import main
from layers.drawn_lines import LineFile, read_line
from layers.store import Workspace
from tests.planned_town import make_workspace
from tests.towns import ORIGIN
from tests.ui.conftest import SIZES, Visit
from tests.ui.test_browser import ROUTES, assert_sheet_is_compact
from tests.ui.test_drawn_pairs import ACROSS, BEFORE, Points, two_mains
from tests.ui.test_drawn_routes import drawing
from ui import drawn_routes
from ui.drawn_routes import judge_door, keep_door, read_door

pytestmark = pytest.mark.slow_first

Opener = Callable[[str, str], Visit]
Server = Callable[[str, Path], str]
REFUSED = {"status": "refused", "reason": "judged"}
# Over the street and back: 23 m inside the carriageway.
ASTRAY = ((119, 9), (119, 2), (136, 2), (136, 11))


def line_file(folder: Path, points: Points, name: str = "line.dxf") -> Path:
    """A CAD drawing of one line in town metres."""
    drawing = ezdxf.new(units=6)
    drawing.modelspace().add_lwpolyline([(x + ORIGIN[0], y + ORIGIN[1]) for x, y in points])
    drawing.saveas(folder / name)
    return folder / name


def sent(file: Path, language: str = "zh") -> SentFile:
    return SentFile(file.name, file.read_bytes(), language)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_mains(tmp_path_factory.mktemp("files"))


def manual_of(document: Path) -> dict[str, Any]:
    """What a plan says of its drawn water route, without who drew it and when."""
    water = json.loads(document.read_text("utf-8"))["utilities"][0]["manual"]
    for one in (water, water["second_drawn"]):
        del one["at"], one["author"], one["drawing_id"]
    return dict(water)


def rounded(value: Any) -> Any:
    """Plain values with numbers to the tenth of a millimetre."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) + 0.0 if isinstance(value, float) else value


def test_the_page_and_the_command_line_make_the_same_of_two_files(tmp_path: Path) -> None:
    """Both feeds: read, judged and kept by the page, or given to the command, untouched."""
    workspace = two_mains(tmp_path)
    files = {1: line_file(tmp_path, BEFORE, "1.dxf"), 2: line_file(tmp_path, ACROSS, "2.dxf")}
    plan = ["plan", str(workspace), "--application", "BZ-1", "--out"]
    given = [word for feed, file in files.items() for word in ("--route", f"water:{feed}={file}")]
    by_command = CliRunner().invoke(main, [*plan, str(tmp_path / "a.json"), *given])
    assert by_command.exit_code == 0, by_command.output
    assert "1.dxf:文件没有写明坐标系,已按工作区坐标系 EPSG:4547 读取" in by_command.stderr
    read, keep = read_door(workspace), keep_door(workspace)
    for feed, file in files.items():
        status, found = read(sent(file))
        assert (status, found["file"]) == (200, file.name)
        asked = {"application_id": "BZ-1", "utility": "water", "author": "张工"}
        drawn = {**asked, "line": found["line"], "feed": feed, "note": found["file"]}
        assert judge_door(workspace)(drawn)[0] == 200
        assert keep(drawn)[0] == 200
    assert CliRunner().invoke(main, [*plan, str(tmp_path / "b.json")]).exit_code == 0
    by_page = manual_of(tmp_path / "b.json")
    assert rounded(by_page) == rounded(manual_of(tmp_path / "a.json"))
    assert by_page["note"] == "1.dxf"


def zigzag(points: int) -> Points:
    return [(119 + n % 2, 9 + n / 200) for n in range(points)]


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (((119, 9), (119, 900_000)), "手绘路由第 2 个点不在本县图层范围内"),
        (((0, 0), (0, 30)) * 100, "最长 5000 米"),
        (zigzag(MAX_POINTS + 1), f"线有 {MAX_POINTS + 1} 个点,最多 {MAX_POINTS} 个"),
    ],
)
def test_a_line_that_cannot_be_drawn_is_refused_with_its_file_and_a_cure(
    workspace: Path, tmp_path: Path, points: Points, words: str
) -> None:
    status, answer = read_door(workspace)(sent(line_file(tmp_path, points)))
    assert status == 422
    assert answer["message"].startswith("文件 line.dxf:")
    for told in (words, "已按工作区坐标系 EPSG:4547 读取", "请在原软件中核对这条线和坐标系"):
        assert told in answer["message"], told


def test_a_file_of_something_else_is_refused_in_the_visitors_language(
    workspace: Path, tmp_path: Path
) -> None:
    file = tmp_path / "line.geojson"
    file.write_text('{"type": "Point"}', "utf-8")
    status, answer = read_door(workspace)(sent(file, "en"))
    assert (status, answer["message"][:19]) == (422, "File line.geojson: ")
    status, answer = read_door(workspace)(SentFile("../../x.dxf", b"\x00" * 9, "zh"))
    assert (status, answer["message"][:9]) == (422, "文件 x.dxf:")
    assert read_door(workspace)(SentFile("", b"", "zh"))[0] == 422


def test_reading_a_file_changes_nothing(workspace: Path, tmp_path: Path) -> None:
    before = Workspace.open(workspace).application("BZ-1")
    assert read_door(workspace)(sent(line_file(tmp_path, BEFORE)))[0] == 200
    assert Workspace.open(workspace).application("BZ-1") == before


def test_a_shapefile_without_its_parts_is_sent_back_for_the_whole(workspace: Path) -> None:
    status, answer = read_door(workspace)(SentFile("LINE.SHP", b"\x00\x00\x27\x0a", "zh"))
    assert status == 422
    assert "请把同名的各文件一起压缩为 ZIP" in answer["message"]


def test_files_that_take_long_hold_up_nobody_who_draws(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files are read for ever: a third is sent away, and a line is judged meanwhile."""
    file = sent(line_file(tmp_path, BEFORE))
    read, over = read_door(workspace), threading.Event()
    begun = threading.Semaphore(0)

    def slowly(*asked: Any) -> LineFile:
        begun.release()
        assert over.wait(120)
        return read_line(*asked)

    monkeypatch.setattr(drawn_routes, "read_line", slowly)
    statuses: list[int] = []
    slow = [threading.Thread(target=lambda: statuses.append(read(file)[0])) for _ in range(2)]
    for one in slow:
        one.start()
    try:
        assert all(begun.acquire(timeout=120) for _ in slow)
        status, answer = read(file)
        assert (status, "线文件过多" in answer["message"]) == (503, True)
        monkeypatch.setattr(drawn_routes, "judge_drawn_line", lambda *_asked: REFUSED)
        judging = threading.Thread(
            target=lambda: statuses.append(judge_door(workspace)(drawing(*BEFORE))[0]), daemon=True
        )
        judging.start()
        judging.join(120)
        assert statuses == [422]
    finally:
        over.set()
        for one in slow:
            one.join()
    assert statuses == [422, 200, 200]


# --- in a browser ---------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize("device", SIZES)
def test_a_line_file_is_judged_in_place_kept_and_withdrawn(
    visit: Opener, serve: Server, tmp_path: Path, device: str
) -> None:
    workspace = make_workspace(tmp_path)
    opened = visit(serve("app.py", workspace), device)
    page = opened.page
    opened.choose("BZ-1")
    opened.wait(lambda: opened.frame.evaluate(ROUTES) >= 3)
    desk = opened.frame.locator(".tg-desk")
    desk.locator(".tg-start").click()
    picker = desk.locator("input[type=file]")
    picker.set_input_files(line_file(tmp_path, ((119, 9), (119, -40)), "far.dxf"))
    opened.wait(lambda: "最多可移 5 米" in desk.inner_text())
    opened.frame.evaluate("() => { map.setView([31.7, 114.9], 12, { animate: false }); }")
    picker.set_input_files(line_file(tmp_path, ASTRAY))
    desk.locator(".tg-body").wait_for()
    in_sight = "() => map.getBounds().contains(L.latLngBounds(%s))"
    drawn = "Object.values(map._layers).find(one => one.options.className === 'tg-drawn')"
    assert opened.frame.evaluate(in_sight % f"{drawn}._latlngs")
    if device == "phone":
        desk.locator(".tg-unfold").click()
        assert_sheet_is_compact(opened)
    card = desk.inner_text()
    for words in ("给水 手绘路由", "问题 1 处", "比推荐路由", "line.dxf"):
        assert words in card, words
    assert desk.locator("input").nth(1).input_value() == "line.dxf"
    desk.locator(".tg-main").click()
    opened.wait(lambda: opened.frame.locator("path.tg-manual").count() == 1)
    [kept] = Workspace.open(workspace).application("BZ-1")["drawn_routes"]["water"]
    assert (kept["note"], len(kept["line"]["coordinates"])) == ("line.dxf", 4)
    page.locator(".st-key-chosen button", has_text="给水").click()
    page.get_by_text("撤回手绘路由").click()
    opened.wait(lambda: opened.frame.locator("path.tg-manual").count() == 0)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[device][0]
    assert (opened.outside, opened.errors) == ([], [])
    assert [one.split()[0] for one in opened.refused] == ["422"]  # the line out of reach


@pytest.mark.browser
def test_on_a_phone_on_its_side_every_button_can_be_scrolled_to(
    visit: Opener, serve: Server, tmp_path: Path
) -> None:
    opened = visit(serve("app.py", make_workspace(tmp_path)), "phone")
    opened.page.set_viewport_size({"width": 740, "height": 360})
    opened.choose("BZ-1")
    opened.wait(lambda: opened.frame.evaluate(ROUTES) >= 3)
    desk = opened.frame.locator(".tg-desk")
    desk.locator(".tg-start").click()
    desk.locator("input[type=file]").set_input_files(line_file(tmp_path, ASTRAY))
    desk.locator(".tg-body").wait_for()
    desk.locator(".tg-unfold").click()
    buttons = desk.locator("button").all()
    assert len(buttons) == 4
    for button in (*buttons, desk.locator("input").nth(1)):
        button.scroll_into_view_if_needed()
        sheet, box = desk.bounding_box(), button.bounding_box()
        assert sheet["y"] - 1 <= box["y"]
        assert box["y"] + box["height"] <= sheet["y"] + sheet["height"] + 1
        button.click(trial=True)

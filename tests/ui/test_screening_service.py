"""The screening that the page makes: by the command, once at a time, with a word if it fails."""

from __future__ import annotations

import re
import time
from datetime import date
from pathlib import Path

import pytest

import language
from layers.store import Workspace
from planning.county_screening import Inputs, kept_screening
from tests.planned_town import make_workspace
from ui import screening_service
from ui.screening_service import Making, make_screening, making, went_wrong

pytestmark = pytest.mark.slow_first


def await_end(path: Path) -> list[Making]:
    """All that was told until it is over."""
    seen: list[Making] = []
    end = time.monotonic() + 120
    while time.monotonic() < end:
        now = making(path)
        assert now is not None
        if not seen or seen[-1] != now:
            seen.append(now)
        if now.is_over:
            return seen
        time.sleep(0.01)
    raise AssertionError("it never ended")


def test_it_is_made_once_with_its_progress_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_workspace(tmp_path)
    started: list[object] = []
    popen = screening_service.subprocess.Popen

    def counted(*arguments: object, **options: object) -> object:
        started.append(arguments)
        return popen(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(screening_service.subprocess, "Popen", counted)
    assert making(path) is None
    for _visitor in range(5):
        make_screening(path)
    seen = await_end(path)
    assert len(started) == 1
    done = [one.done for one in seen if one.of]
    # Of P-1 four lines, of P-2 two, of P-3 all six.
    assert (done, seen[-1].of) == (sorted(done), 12)
    assert done[-1] == 12
    assert not seen[-1].failed
    assert went_wrong(seen[-1]) == ""
    workspace = Workspace.open(path)
    now = Inputs(workspace, workspace.survey(), workspace.applications(), date.today())
    assert kept_screening(now)[0] is not None
    make_screening(path)  # another time it may be asked for again
    assert not await_end(path)[-1].failed
    assert len(started) == 2


def test_what_keeps_it_from_being_made_each_visitor_is_told_in_his_own_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the installation speaks, and whoever asked for it."""
    monkeypatch.setenv("TONGGOU_LANGUAGE", "en")
    make_screening(tmp_path / "nowhere")
    over = await_end(tmp_path / "nowhere")[-1]
    assert over.failed
    told = {}
    for one in language.LANGUAGES:
        language.speak(one)
        told[one] = went_wrong(over)
    language.speak(None)
    assert told["zh"].endswith("nowhere:不是工作区。请先运行 init 新建。"), told
    assert told["en"].endswith("nowhere: not a workspace. Please make one by init first."), told


def test_notes_of_a_screening_that_was_made_are_kept_in_every_language(tmp_path: Path) -> None:
    path = make_workspace(tmp_path)
    make_screening(path)
    await_end(path)
    [kept] = (path / "screenings").iterdir()
    kept.write_bytes(b"damaged")
    make_screening(path)
    [note] = await_end(path)[-1].notes
    assert note["zh"] == f"保存的筛查 {kept.name}:文件已损坏。已弃用。"
    assert note["en"].startswith("The kept screening ")
    assert not re.search("[一-龥]", note["en"])


def test_a_command_that_breaks_down_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screening_service.sys, "executable", str(tmp_path / "no python"))
    make_screening(tmp_path)
    assert went_wrong(await_end(tmp_path)[-1]) == "筛查未能完成,已记入日志。请联系管理员。"

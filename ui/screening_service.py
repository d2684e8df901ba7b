"""Making the county's screening for the page, in a process of its own.

It takes seconds to minutes of computing: in the server's own process all visitors would wait for
it. The process is the command ``screen``, which keeps the screening in the workspace, or takes the
kept one on after an edit. One runs at a time for a workspace, whoever asks; all see how far it is.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Any

from language import gettext as _
from language import spoken

log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parent.parent
_NICE = 10  # visitors go first
_LINES_KEPT = 40


@dataclass(frozen=True)
class Making:
    """How far the making of a screening is: pairs of case and utility; ``of`` is 0 at first.

    Once it is over, ``notes`` are what the user should know of it, each in every language, and
    ``failed`` tells whether nothing came of it.
    """

    done: int = 0
    of: int = 0
    is_over: bool = False
    failed: bool = False
    notes: tuple[Mapping[str, str], ...] = ()


_makings: dict[Path, Making] = {}
_processes: set[subprocess.Popen[str]] = set()
_changing = Lock()


def making(workspace: Path) -> Making | None:
    """The screening of a workspace that is being made, or the last that was; None before any."""
    return _makings.get(workspace.resolve())


def make_screening(workspace: Path) -> None:
    """Begin to make the screening of a workspace for today; nothing where one is being made."""
    place = workspace.resolve()
    with _changing:
        now = _makings.get(place)
        if now is not None and not now.is_over:
            return
        _makings[place] = Making()
    Thread(target=_make, args=(place,), daemon=True).start()


def _make(place: Path) -> None:
    """Run the command and follow it to its end."""
    answer: dict[str, Any] | None = None
    said: deque[str] = deque(maxlen=_LINES_KEPT)
    try:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
            _run(place, out, said)
            answer = _json(out.read())
    except Exception:
        log.exception("the screening of %s could not be made", place)
    if answer is None or "origin" not in answer:
        log.error("no screening of %s came of it: %s", place, "\n".join(said))
        notes = (answer["error"],) if answer and "error" in answer else ()
        _makings[place] = replace(_makings[place], is_over=True, failed=True, notes=notes)
        return
    _makings[place] = replace(_makings[place], is_over=True, notes=tuple(answer["notes"]))


def _run(place: Path, out: IO[str], said: deque[str]) -> None:
    """Run the command; ``out`` gets what it prints, ``said`` what it says but how far it is."""
    command = ["-X", "utf8", "cli.py", "screen", str(place)]
    command += ["--progress-lines", "--json", "--every-language"]
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        _processes.add(process)
        try:
            _follow(process, place, said)
        finally:
            _processes.discard(process)
    out.seek(0)


def _follow(process: subprocess.Popen[str], place: Path, said: deque[str]) -> None:
    """Tell how far the process is, until it is at its end."""
    with suppress(AttributeError, OSError):  # not everywhere
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
    for line in process.stderr or ():
        told = _json(line)
        if told is not None and {"done", "of"} <= told.keys():
            _makings[place] = Making(told["done"], told["of"])
        else:
            said.append(line.rstrip())


def _json(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


@atexit.register
def _end() -> None:
    """Leave no process behind when the server ends."""
    for process in list(_processes):
        process.terminate()


def went_wrong(now: Making | None) -> str:
    """What the visitor should know of a screening that was made, or was not; '' for nothing."""
    if now is None or not now.is_over:
        return ""
    if now.failed and not now.notes:
        return _("筛查未能完成,已记入日志。请联系管理员。")
    return "\n".join(note[spoken()] for note in now.notes)

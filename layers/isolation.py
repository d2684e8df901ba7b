"""Every file that people give us is parsed in a process of its own, under limits.

A parser that crashes, hangs or eats memory over a hostile or broken file ends its own process
and nobody else's. The process that forks them is started clean, by ``reader_process``.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from language import gettext as _
from language import spoken
from layers.errors import FormatError, LayerError, ReadError
from layers.raw import RawLayer, Wanted
from layers.transport import load

_log = logging.getLogger(__name__)

# What one file may take. A small file gets the first number; a larger one more, by its megabytes.
MEMORY_BYTES = 500_000_000
_MEMORY_PER_BYTE = 8  # of a file beyond the size that the first number is ample for
_AMPLE_BYTES = 50_000_000
SECONDS = 10
_SECONDS_PER_MB = 2  # ten times what 50,000 parcels in a shapefile need
_FILE_BYTES = 1_000_000_000  # any one file that a parser writes: unpacked, or its result
# Beyond its own time, for the process to start and to be killed.
_GRACE_S = 30
_HERE = Path(__file__).resolve().parents[1]
# No settings, no secrets, no proxies; one thread and one heap, so that limits of memory mean it.
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": "",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
# The library for drawings lists every font of the system and writes that down: it gets a list.
_ENVIRONMENT |= dict.fromkeys(
    ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(_HERE / "layers" / "no_fonts")
)
_START = (
    "import sys; sys.path[:] = {path!r}; {first}"
    "from layers.reader_process import serve; serve({fd})"
)


@dataclass(frozen=True)
class Outcome:
    """How a parser's process ended: exit code (negative: signal), and what it took.

    It was late if it was killed for its time: on the clock, or of the processor.
    """

    code: int
    late: bool
    seconds: float
    cpu_seconds: float
    peak_bytes: int


def read_isolated(path: Path, wanted: Wanted) -> RawLayer:
    """Read one layer of a regular file in a process of its own.

    Raises
    ------
    ReadError
        If the file cannot be read, or its parser dies or exceeds its memory or its time.
    LayerError
        If a reader found the file unfit for the layer.
    OSError
        If the file may not be opened.
    """
    result, _outcome = attempt(path, wanted)
    if isinstance(result, Exception):
        raise result
    return result


def attempt(
    path: Path, wanted: Wanted, *, reader: Reader | None = None
) -> tuple[RawLayer | Exception, Outcome | None]:
    """Return what :func:`read_isolated` returns or raises, and what the process took if known."""
    with tempfile.TemporaryDirectory(prefix="tonggou-") as name:
        folder = Path(name).resolve()
        request = _request(path, wanted, folder)
        outcome = (reader or _reader()).run(request)
        if outcome is None or outcome.code:
            return _death(path, request, outcome), outcome
        try:
            said = json.loads((folder / "reply.json").read_text(encoding="ascii"))
            if said["kind"] != "layer":
                return _refusal(path, request, said), outcome
            return load(folder), outcome
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            MemoryError,
        ):  # nothing it says is trusted
            return _death(path, request, outcome), outcome


def _request(path: Path, wanted: Wanted, folder: Path) -> dict[str, Any]:
    size = path.stat().st_size
    values = asdict(wanted)
    return {
        "path": str(path),
        "folder": str(folder),
        "wanted": values | {"beside": str(wanted.beside) if wanted.beside else None},
        "memory": MEMORY_BYTES + _MEMORY_PER_BYTE * max(0, size - _AMPLE_BYTES),
        "seconds": SECONDS + _SECONDS_PER_MB * size // 1_000_000,
        "file_bytes": _FILE_BYTES,
        "language": spoken(),
    }


def _death(path: Path, request: Mapping[str, Any], outcome: Outcome | None) -> ReadError:
    if outcome is not None and outcome.late:
        return ReadError(
            _("文件 {}:解析超过 {} 秒,已中止。请用原软件核对文件,或按区域拆分后导入。").format(
                path.name, request["seconds"]
            )
        )
    _log.warning("the parser of %s died: %s", path.name, outcome)
    return ReadError(
        _("文件 {}:解析程序意外中止,文件可能已损坏。请用原软件打开核对并重新导出。").format(
            path.name
        )
    )


def _refusal(
    path: Path, request: Mapping[str, Any], said: Mapping[str, Any]
) -> ReadError | LayerError | OSError:
    if said["kind"] == "ReadError":
        return ReadError(said["message"])
    if said["kind"] == "FormatError":
        return FormatError(said["message"])
    if said["kind"] == "LayerError":
        return LayerError(said["message"])
    if said["kind"] == "OSError":
        return OSError(said["errno"], said["message"], path.name)
    if said["kind"] == "MemoryError":
        return ReadError(
            _("文件 {}:解析所需内存超过 {} MB,已中止。请按区域拆分后导入。").format(
                path.name, request["memory"] // 1_000_000
            )
        )
    _log.warning("the parser of %s failed: %s", path.name, said["message"])
    return ReadError(
        _("文件 {}:内容残缺或不合格式,无法读取。请用原软件打开核对并重新导出。").format(path.name)
    )


class Reader:
    """The clean process that forks one more for each file; started when it is first needed.

    ``first`` are statements that it runs before all others.
    """

    def __init__(self, *, first: str = "") -> None:
        self._first = first
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._owner = os.getpid()
        self.alone = False
        atexit.register(self.close)

    def run(self, request: Mapping[str, Any]) -> Outcome | None:
        """Have a file parsed; return None if nobody could say how that ended."""
        receiving, sending = os.pipe()
        with os.fdopen(receiving, "rb") as answer:
            try:
                self._send(json.dumps(request).encode(), sending)
            finally:
                os.close(sending)
            text = answer.read()  # ends when supervisor and worker have ended
        return Outcome(**json.loads(text)) if text else None

    def _send(self, message: bytes, descriptor: int) -> None:
        with self._lock:
            for attempt in (1, 2):
                if self._channel is None or self._owner != os.getpid():
                    self._start()
                assert self._channel is not None
                try:
                    socket.send_fds(self._channel, [message], [descriptor])
                    if self._channel.recv(1):  # one request at a time lies in the channel
                        return
                    raise ConnectionError
                except OSError:
                    self._stop()
                    if attempt == 2:
                        raise

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        places = [str(_HERE), *(str(Path(place).resolve()) for place in sys.path)]
        code = _START.format(path=places, fd=theirs.fileno(), first=self._first)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_ENVIRONMENT,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        ours.settimeout(_GRACE_S)
        self.alone = bool(json.loads(ours.recv(4096) or b"{}").get("alone"))
        self._channel, self._owner = ours, os.getpid()

    def _stop(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._process is not None and self._owner == os.getpid():
            self._process.wait(_GRACE_S)
        self._channel = self._process = None

    def close(self) -> None:
        """End the process; the files that it is reading are finished first."""
        with self._lock:
            self._stop()


@cache
def _reader() -> Reader:
    return Reader()

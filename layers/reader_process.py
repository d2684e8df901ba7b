"""The other side of ``isolation``: a clean process that gives each file one of its own.

It is started once, without the parent's memory, environment or open files, loads the readers and
waits. For each file it forks twice: the worker parses under limits that the kernel enforces, the
supervisor waits for it, kills it when its time is over, and says how it ended. The worker may
write inside its folder only and may open no connection.
"""

from __future__ import annotations

import ctypes
import errno
import json
import logging
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from language import speak
from layers.errors import LayerError, ReadError
from layers.formats import read_file
from layers.raw import Wanted
from layers.transport import save

_MESSAGE_BYTES = 1 << 20
_OPEN_FILES = 256
_LONGEST_NAP_S = 0.02
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000  # CLONE_NEWNET, CLONE_NEWUSER of Linux
_FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.spawn", "os.posix_spawn", "os.system",
              "os.fork", "ftplib.", "http.", "urllib.", "pickle.", "webbrowser.")  # fmt: skip


def serve(descriptor: int) -> None:
    """Serve requests from a socket until its other end is closed."""
    sys.dont_write_bytecode = True
    logging.disable()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    alone = _leave_network()
    with socket.socket(fileno=descriptor) as channel:
        channel.send(json.dumps({"alone": alone}).encode())
        while True:
            message, descriptors, *_ = socket.recv_fds(channel, _MESSAGE_BYTES, 1)
            if not message:
                return
            if os.fork() == 0:
                channel.close()
                _supervise(json.loads(message), descriptors[0])
                os._exit(0)
            os.close(descriptors[0])
            channel.send(b"+")


def _leave_network() -> bool:
    """Move into a network without any interface; return whether the system allowed it."""
    if not sys.platform.startswith("linux"):
        return False
    unshare = ctypes.CDLL(None).unshare
    return bool(unshare(_NEW_NETWORK) == 0 or unshare(_NEW_USER | _NEW_NETWORK) == 0)


def _supervise(request: dict[str, Any], answer: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    began, nap, late = time.monotonic(), 0.001, False
    worker = os.fork()
    if worker == 0:
        os.close(answer)
        _work(request)
        os._exit(0)
    while True:
        ended, status, usage = os.wait4(worker, os.WNOHANG)
        if ended:
            break
        if not late and time.monotonic() - began > request["seconds"]:
            late = True
            os.kill(worker, signal.SIGKILL)
        time.sleep(nap)
        nap = min(nap * 1.5, _LONGEST_NAP_S)
    code = os.waitstatus_to_exitcode(status)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    outcome = {
        "code": code,
        # The system's signal may come a little before the account reaches the limit.
        "late": late or code == -signal.SIGXCPU or cpu_seconds >= request["seconds"],
        "seconds": time.monotonic() - began,
        "cpu_seconds": cpu_seconds,
        "peak_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }
    try:
        os.write(answer, json.dumps(outcome).encode())
    except BrokenPipeError:  # whoever asked was killed meanwhile and clears nothing away
        shutil.rmtree(request["folder"], ignore_errors=True)


def _work(request: dict[str, Any]) -> None:
    """Parse one file; write the layer, or why there is none, into the folder."""
    folder = Path(request["folder"])
    try:
        limit(int(request["memory"]), int(request["seconds"]), int(request["file_bytes"]))
        tempfile.tempdir = str(folder)
        os.chdir(folder)
        _guard(folder)
        speak(request["language"])
        save(read_file(Path(request["path"]), wanted_of(request["wanted"])), folder)
        reply: dict[str, Any] = {"kind": "layer"}
    except (ReadError, LayerError) as error:
        reply = {"kind": type(error).__name__, "message": str(error)}
    except MemoryError:
        reply = {"kind": "MemoryError"}
    except OSError as error:
        # Without a number it is not the system's error but a library's, over what is in the file.
        kind = "broken" if error.errno is None else "OSError"
        reply = {"kind": kind, "errno": error.errno, "message": error.strerror or str(error)}
    except Exception:  # whatever a library raises over a broken file is the file's failure
        reply = {"kind": "broken", "message": traceback.format_exc(limit=-6)}
    (folder / "reply.json").write_text(json.dumps(reply), encoding="ascii")


def wanted_of(values: dict[str, Any]) -> Wanted:
    """What is asked of a file, from the values of a request."""
    beside = values.get("beside")
    return Wanted(**{**values, "beside": Path(beside) if beside else None})


def limit(memory: int, seconds: int, file_bytes: int) -> None:
    """Limit this process: bytes beyond those it has, CPU seconds, bytes of a written file."""
    statistics = Path("/proc/self/statm")
    if statistics.exists():  # elsewhere no system enforces a limit of addresses
        taken = int(statistics.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory, taken + memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))


def _guard(folder: Path) -> None:
    """Refuse Python code of this process connections, programs, and writing outside its folder."""
    inside = str(folder) + os.sep
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        outside = False
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & writing) if isinstance(flags, int) else "r" not in str(mode)
            place = os.path.abspath(os.fsdecode(path)) if not isinstance(path, int) else inside  # noqa: PTH100 - no link is followed
            outside = writes and not place.startswith(inside) and place != os.devnull
        if outside or event.startswith(_FORBIDDEN):
            raise PermissionError(errno.EPERM, event)

    sys.addaudithook(refuse)

"""Servers of the page, forked from one process that has made the imports that take long."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# Until a test gives up on what it waits for: ample for a machine that is slow and loaded.
PATIENCE_S = 120

_ports: dict[int, None] = {}  # that servers had, oldest first
_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.ui.preloaded", "tests.ui.servers"])


@contextmanager
def servers() -> Iterator[Callable[[str, Path], str]]:
    """Start servers of a script and a workspace; give their addresses; end them all."""
    started: list[BaseProcess] = []

    def start(script: str, workspace: Path) -> str:
        port = _free_port()
        log = workspace.parent / f"server-{port}.log"
        log.touch()
        # A forked process ends without tidying up: chosen files would stay.
        known = {**os.environ, "TONGGOU_WORKSPACE": str(workspace), "TMPDIR": str(log.parent)}
        started.append(_FORKS.Process(target=_run, args=(script, port, known, log)))
        started[-1].start()
        address = f"http://127.0.0.1:{port}"
        _await_health(address, started[-1], log)
        return address

    yield start
    for server in started:
        server.terminate()
    for server in started:
        server.join(PATIENCE_S)
        assert not server.is_alive()


def _free_port() -> int:
    """One that a server before had, if it is free again: the browser has its scripts at hand."""
    for port in (*_ports, 0):
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
            _ports[free.getsockname()[1]] = None
            return int(free.getsockname()[1])
    pytest.fail("no port is free")


def _run(script: str, port: int, environment: Mapping[str, str], log: Path) -> None:
    """What ``streamlit run`` does with a script, in a process that was forked for it."""
    from streamlit.web import cli

    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # told anew
    os.chdir(REPOSITORY)
    with log.open("wb") as output:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), stream.fileno())
    cli.main(["run", script, "--server.port", str(port), "--server.headless", "true"])


def _await_health(address: str, server: BaseProcess, log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        assert server.is_alive(), log.read_text()
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=PATIENCE_S):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start: {log.read_text()}")

"""Imports that are killed at any moment, and imports at once: nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from layers.errors import WorkspaceError
from layers.store import Workspace
from tests.conftest import REPOSITORY, require
from tests.layers.layer_files import parcels_file
from tests.postgis import programs, running_server

pytestmark = pytest.mark.slow_first

KILLS = 60
FULL = 6  # of them while a file is read, checked and stored; the others while a table is stored


class Importer:
    """A process that forks importing children, and what they acknowledged."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.layers.importer"],
            cwd=REPOSITORY, env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._acks = folder / "acks"
        self._acks.touch()
        self._order = {
            "path": str(workspace.path), "url": workspace.database_url,
            "acks": str(self._acks), "source": str(parcels_file(folder)),
        }  # fmt: skip

    def start(self, token: str, *, count: int = -1, full: bool = False) -> int:
        """Start a child; return its id."""
        order = {**self._order, "token": token, "count": count, "full": full}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def gone(self) -> int:
        """Wait for the child; return how it ended."""
        return int(self._process.stdout.readline())

    def seconds(self, *, full: bool) -> float:
        """How long a child takes from its start to the end of its first import."""
        began = time.monotonic()
        self.start("first", count=1, full=full)
        assert self.gone() == 0
        return time.monotonic() - began

    def acknowledged(self) -> list[list[Any]]:
        """Version, rows and token of every line that was written whole."""
        lines = self._acks.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def end(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=30)


@pytest.fixture
def importers(either: Workspace, tmp_path: Path) -> Iterator[list[Importer]]:
    made = []
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        made.append(Importer(either, tmp_path / str(number)))
    yield made
    for one in made:
        one.end()


class Checker:
    """Looks at a workspace after each kill; what it has seen must stay as it was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: list[Any] = []

    def look(self, acknowledged: list[list[Any]]) -> int:
        """Check every version that came since the last look; return how many there are."""
        workspace = Workspace.open(self._path)
        history = workspace.history("parcels")
        assert [one.version for one in history] == list(range(1, len(history) + 1))
        assert history[: len(self._seen)] == self._seen
        for version in history[len(self._seen) :]:
            table = workspace.read(version)  # its hash is the registry's, or this raises
            assert len(table) == version.rows
            assert version.rows_in == version.rows
            if version.author != "unknown":
                assert set(table["name"]) == {version.author}
        rows = {one.version: one.rows for one in history}
        assert all(rows.get(version) == count for version, count, _token in acknowledged)
        sources = workspace.sources()
        assert [one.version for one in sources] == [one.version for one in history]
        assert all(workspace.source(one) for one in {s.sha256: s for s in sources}.values())
        if history:
            assert len(workspace.survey().get("parcels")) == history[-1].rows
        self._seen = history
        if workspace.database_url is None:
            with closing(sqlite3.connect(self._path / "tonggou.sqlite")) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return len(history)


def test_sixty_kills_lose_nothing_acknowledged(
    either: Workspace, importers: list[Importer], tmp_path: Path
) -> None:
    importer, checker = importers[0], Checker(either.path)
    moments = random.Random(20261128)
    # No longer than it takes; on a busy machine some children die before they stored anything.
    longest = {True: min(1.5 * importer.seconds(full=True), 4), False: 0.0}
    longest[False] = min(1.5 * importer.seconds(full=False), 0.8)
    for kill in range(KILLS):
        full = kill % (KILLS // FULL) == 0
        child = importer.start(f"k{kill}", full=full)
        time.sleep(moments.uniform(0.0, longest[full]))
        os.kill(child, signal.SIGKILL)
        assert importer.gone() == -signal.SIGKILL
        stored = checker.look(importer.acknowledged())
    acknowledged = importer.acknowledged()
    assert len(acknowledged) > FULL  # children had stored something when they died
    result = either.import_layer("parcels", parcels_file(tmp_path))
    assert result.version == stored + 1
    assert not [file for file in either.path.rglob(".tmp-*") if file.is_file()]
    assert _drafts(either) == []


def test_two_programs_at_once_both_store_every_version(
    either: Workspace, importers: list[Importer]
) -> None:
    for importer, token in zip(importers, "ab", strict=True):
        importer.start(token, count=10)
    assert [importer.gone() for importer in importers] == [0, 0]
    acknowledged = [one for importer in importers for one in importer.acknowledged()]
    assert sorted(version for version, _rows, _token in acknowledged) == list(range(1, 21))
    assert Checker(either.path).look(acknowledged) == 20


def test_a_server_that_is_killed_comes_back_with_all_it_acknowledged(tmp_path: Path) -> None:
    require(programs() is not None, "PostgreSQL")
    with running_server() as server:
        workspace = Workspace.create(
            tmp_path / "workspace", "411523_xinxian", "EPSG:4547", database_url=server.url
        )
        (tmp_path / "1").mkdir()
        importer = Importer(workspace, tmp_path / "1")
        importer.start("k")
        _await(lambda: len(importer.acknowledged()) >= 3)
        server.stop(signal.SIGKILL)
        assert importer.gone() == 1
        importer.end()
        with pytest.raises(WorkspaceError) as refusal:
            workspace.history()
        assert server.password not in str(refusal.value)
        server.start()
        stored = {one.version: one.rows for one in workspace.history("parcels")}
        acknowledged = importer.acknowledged()
        assert all(stored[version] == rows for version, rows, _token in acknowledged)
        assert len(stored) - len(acknowledged) in (0, 1)
        assert all(len(workspace.read(one)) == one.rows for one in workspace.history())


def _await(ready: Any) -> None:
    end = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.02)


def _drafts(workspace: Workspace) -> list[str]:
    """Tables of the database that belong to no version."""
    if workspace.database_url is None:
        return []
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    with psycopg.connect(workspace.database_url) as connection:
        names = connection.execute(query, (workspace.database_schema,)).fetchall()
    return [name for (name,) in names if re.match("draft_", name)]

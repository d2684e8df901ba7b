"""A PostgreSQL server of the tests' own: made in a temporary folder, on a free loopback port."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

USER = "tonggou"


def programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``, newest first, or None."""
    named = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    candidates = [Path(named)] if named else found
    return candidates[0].resolve().parent if candidates else None


class Server:
    """A server that listens on loopback only, with a password, and is stopped by its id."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self._data = folder / "data"
        self._bin = bin_folder
        self._log = folder / "log"
        self.password = secrets.token_hex(12)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "password").write_text(self.password)
        self._as_user = _unprivileged(folder)
        made = [self._bin / "initdb", "-D", self._data, "-U", USER, "-E", "UTF8", "--locale=C"]
        made += ["-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **self._as_user)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        # Without fsync what is written outlives the server but not the machine: no test needs more.
        settings = {
            "fsync": "off", "full_page_writes": "off", "autovacuum": "off",
            "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": self.port,
            "shared_buffers": "32MB", "max_connections": 30, "logging_collector": "off",
        }  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, *options],
                stdout=log, stderr=log, cwd=self._data, **self._as_user,
            )  # fmt: skip
        for _attempt in range(300):
            assert self._process.poll() is None, self._log.read_text()
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(self._log.read_text())

    def stop(self, how: int) -> None:
        """End the server: SIGQUIT at once, without putting its files in order, SIGKILL as a power
        cut does.
        """
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(timeout=30)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to run as somebody other than root, whom PostgreSQL refuses to be run by."""
    if os.geteuid() != 0:
        return {}
    names = {one.pw_name for one in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def running_server() -> Iterator[Server]:
    """Make and start a server; stop it and remove all of it at the end."""
    bin_folder = programs()
    assert bin_folder is not None
    with tempfile.TemporaryDirectory(prefix="tonggou-pg-") as folder:
        server = Server(Path(folder), bin_folder)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)


def has_postgis(server: Server) -> bool:
    query = "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'"
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query).fetchone()
    return row == (1,)

"""Shared fixtures: where the repository and the read-only reference data are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgis import Server, has_postgis, programs, running_server

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"


def require(condition: bool, what: str) -> None:
    """Skip when ``what`` is absent, or fail when everything is required to be there."""
    if condition:
        return
    if os.environ.get("TONGGOU_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is required (TONGGOU_REQUIRE_ALL=1)")
    pytest.skip(f"{what} is not available on this machine")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference facts and data; skip where it does not exist."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared is absent")
    return SHARED


@pytest.fixture(scope="session")
def postgis() -> Iterator[Server]:
    """Return a PostGIS server of this run's own; it is stopped at the end."""
    require(programs() is not None, "PostgreSQL")
    with running_server() as server:
        require(has_postgis(server), "PostGIS")
        yield server


@pytest.fixture(scope="session")
def sample_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace of the sample county made by ``cli.py demo``; read it only."""
    from click.testing import CliRunner

    from cli import main

    path = tmp_path_factory.mktemp("sample") / "workspace"
    made = CliRunner().invoke(main, ["demo", str(path)])
    assert made.exit_code == 0, made.output
    return path

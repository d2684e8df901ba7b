"""Shared fixtures: the reference data, a PostGIS server, and the sample county made ready once.

Tests are handed to the workers file by file, but those that need the whole sample county screened
go to one worker together, and the groups that take longest come first (``slow_first``).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

import cli
from layers.store import Workspace
from planning.application import Application, parse_application
from planning.batch import screen
from planning.groundwork import Groundwork, prepare
from planning.policies import load_policy
from tests import towns
from tests.postgis import Server, has_postgis, programs, running_server

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"

SCREENED = "sample_screening"  # the fixture that takes a minute: one worker makes it for all


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests into groups that one worker does, and the groups that take longest first."""
    groups = {item: _group(item) for item in items}
    sizes = Counter(groups.values())
    slow = {groups[item] for item in items if item.get_closest_marker("slow_first")} | {SCREENED}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    # Sorting is stable: within a group, and among groups of a size, tests stay in their order.
    items.sort(key=lambda item: (groups[item] not in slow, -sizes[groups[item]], groups[item]))


def _group(item: pytest.Item) -> str:
    """The screening of the sample, or the file that a test is in."""
    return SCREENED if SCREENED in getattr(item, "fixturenames", ()) else item.nodeid.split("::")[0]


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
    path = tmp_path_factory.mktemp("sample") / "workspace"
    made = CliRunner().invoke(cli.main, ["demo", str(path)])
    assert made.exit_code == 0, made.output
    return path


@pytest.fixture(scope="session")
def sample_cases(sample_workspace: Path) -> list[Application]:
    """The open applications of the sample county."""
    return [parse_application(one) for one in Workspace.open(sample_workspace).applications()]


@pytest.fixture(scope="session")
def sample_work(sample_workspace: Path, sample_cases: list[Application]) -> Groundwork:
    """Groundwork of the sample county, with the gates of its applications."""
    survey = Workspace.open(sample_workspace).survey()
    return prepare(survey, load_policy(towns.COUNTY), sample_cases)


@dataclass(frozen=True)
class Screening:
    """The whole sample county as ``cli.py screen`` screened it: cases, rows and the file written.

    ``table`` is what the command wrote; nobody may change it.
    """

    cases: list[Application]
    table: pd.DataFrame
    file: Path


@pytest.fixture(scope="session")
def sample_screening(sample_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Screening:
    """Screen the sample county by the command, once for all tests that look at the answers."""
    file = tmp_path_factory.mktemp("screened") / "screen.gpkg"
    made: list[tuple[list[Application], pd.DataFrame]] = []

    def kept(work: Groundwork, cases: list[Application], *wishes: Any, **more: Any) -> pd.DataFrame:
        made.append((cases, screen(work, cases, *wishes, **more)))
        return made[-1][1]

    command = ["screen", str(sample_workspace), "--out", str(file), "--dig-date", towns.DIG_DATE]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "screen", kept)
        result = CliRunner().invoke(cli.main, command)
    assert result.exit_code == 1, result.output  # one parcel cannot be reached
    [(cases, table)] = made
    return Screening(cases, table, file)

"""Shared fixtures: the reference data, a PostGIS server, and the sample county made ready once."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import settings

# Where Python is told to keep no bytecode, as containers often do, every worker and every program
# that a test starts would compile all modules anew: a third of their start.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What a workspace acknowledges is synced to the disk before, thousands of times in a run (which
# fills 0.5 GB); where memory can be written to as files, nobody waits for that.
_IN_MEMORY = Path("/dev/shm")
if _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free > 4e9:
    os.environ.setdefault("TMPDIR", str(_IN_MEMORY))
    tempfile.tempdir = None

import cli
from gis.garbage import leave_alone, uncollected
from layers.store import Workspace
from planning.application import Application, parse_application
from planning.groundwork import Groundwork, prepare
from planning.plan import plan
from planning.policies import load_policy
from tests import towns
from tests.postgis import Server, has_postgis, programs, running_server

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"

# How long one example takes says more of the machine than of the code.
settings.register_profile("tonggou", deadline=None)
settings.load_profile("tonggou")


def pytest_configure() -> None:
    """Look for garbage more seldom: hardly any is there, and each look takes long."""
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage meanwhile, and none in what was collected: modules and tests stay."""
    with uncollected():
        yield
    leave_alone()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, then those with most tests.

    Workers take file after file: a long one that began last would leave the others idle. Sorting
    is stable, so the tests of a file stay in their order.
    """
    files = {item: item.nodeid.split("::")[0] for item in items}
    sizes = Counter(files.values())
    slow = {files[item] for item in items if item.get_closest_marker("slow_first")}
    items.sort(key=lambda item: (files[item] not in slow, -sizes[files[item]], files[item]))


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


@pytest.fixture(scope="session")
def sample_plans(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """Plans of a few cases of the sample county, with and without a joint plan, as files tell them.

    Read them only. They take long, so the worker that has them first leaves them for the others of
    this run.
    """
    kept = tmp_path_factory.getbasetemp() / "sample-plans.json"
    if "PYTEST_XDIST_WORKER" in os.environ:
        kept = kept.parent.with_name(kept.name)
    if not kept.exists():
        work: Groundwork = request.getfixturevalue("sample_work")
        cases: list[Application] = request.getfixturevalue("sample_cases")
        chosen = [*cases[:3], *cases[8:24:4]]
        made = [plan(case, work.survey, work.policy, corridors=work).to_json() for case in chosen]
        whole = tmp_path_factory.mktemp("plans") / kept.name
        whole.write_text(json.dumps(made), encoding="utf-8")
        whole.replace(kept)
    plans: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8"))
    return plans

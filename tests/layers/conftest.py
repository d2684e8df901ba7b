"""A workspace at Xin County, in its folder and in PostGIS."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from layers import databases
from layers.store import Workspace

COUNTY, CRS = "411523_xinxian", "EPSG:4547"


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one table in every format, as other programs write it; read it only."""
    folder = tmp_path_factory.mktemp("foreign")
    script = Path(__file__).with_name("foreign_files.py")
    # Its drivers are those that this process has shut.
    environment = {name: one for name, one in os.environ.items() if name != "OGR_SKIP"}
    subprocess.run([sys.executable, str(script), str(folder)], check=True, env=environment)
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace in its folder."""
    return Workspace.create(tmp_path / "workspace", COUNTY, CRS)


@pytest.fixture(params=["folder", "postgis"])
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where workspaces are kept during a test: each in its folder, then all in PostGIS."""
    server = request.getfixturevalue("postgis") if request.param == "postgis" else None
    databases.use(server.url if server else None)
    yield request.param
    databases.use(None)


@pytest.fixture
def either(store: str, tmp_path: Path) -> Workspace:
    """A workspace in its folder, then one in PostGIS."""
    return Workspace.create(tmp_path / "workspace", COUNTY, CRS)

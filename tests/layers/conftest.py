"""A workspace at Xin County."""

from __future__ import annotations

from pathlib import Path

import pytest

from layers.store import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "workspace", "411523_xinxian", "EPSG:4547")

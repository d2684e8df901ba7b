"""A workspace to look at from the first minute."""

from __future__ import annotations

from pathlib import Path


def ready_workspace(path: Path) -> Path:
    return path

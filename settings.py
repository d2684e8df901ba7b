"""Settings of this installation. Only ``app.py`` and ``cli.py`` read them and pass them on."""

from __future__ import annotations

import os
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def workspace() -> Path:
    """Folder that the app opens: ``TONGGOU_WORKSPACE``, else ``workspace`` beside this file."""
    return Path(os.environ.get("TONGGOU_WORKSPACE") or _HERE / "workspace")


def language() -> str:
    """Language of the words on the screen: ``TONGGOU_LANGUAGE``, ``zh`` by default, or ``en``."""
    return os.environ.get("TONGGOU_LANGUAGE") or "zh"


def counties() -> Path:
    """Folder with the rules of each county."""
    return _HERE / "rules" / "counties"

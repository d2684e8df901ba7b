"""Settings of this installation. Only ``app.py`` and ``cli.py`` read them and pass them on."""

from __future__ import annotations

import getpass
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


def author() -> str:
    """Name of the user of this machine, ``unknown`` where the machine cannot tell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def database_url() -> str | None:
    """``TONGGOU_DATABASE_URL``: the PostGIS database that keeps layers and registry, if any."""
    return os.environ.get("TONGGOU_DATABASE_URL") or None

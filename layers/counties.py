"""Counties that have a rules folder: the CRS each uses, and where it lies."""

from __future__ import annotations

import tomllib
from pathlib import Path

from language import gettext as _
from layers.errors import WorkspaceError
from layers.utilities import RULES


def county_crs(counties: Path, county: str) -> str | None:
    """Return the CRS that the county's policy names, or None if it names none.

    ``counties`` is the folder with a folder for each county; a county that is not among them
    raises ``WorkspaceError``.
    """
    known = sorted(policy.parent.name for policy in counties.glob("*/policy.toml"))
    if county not in known:
        raise WorkspaceError(
            _("没有县级规则“{}”。现有:{}。请改正 --county。").format(
                county, _("、").join(known) or _("无")
            )
        )
    policy = tomllib.loads((counties / county / "policy.toml").read_text(encoding="utf-8"))
    crs = policy.get("crs")
    return str(crs) if crs is not None else None


def county_bounds(county: str) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of a county in degrees, None if no ``area.toml`` has it."""
    file = RULES / "counties" / county / "area.toml"
    if not file.is_file():
        return None
    area = tomllib.loads(file.read_text(encoding="utf-8"))
    west, south, east, north = (float(area[side]) for side in ("west", "south", "east", "north"))
    return west, south, east, north

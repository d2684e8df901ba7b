"""Counties that have a rules folder, and the CRS each uses."""

from __future__ import annotations

import tomllib
from gettext import gettext as _
from pathlib import Path

from layers.errors import WorkspaceError


def county_crs(counties: Path, county: str) -> str | None:
    """Return the CRS that the county's policy names, or None if it names none.

    ``counties`` is the folder with a folder for each county; a county that is not among them
    raises ``WorkspaceError``.
    """
    known = sorted(policy.parent.name for policy in counties.glob("*/policy.toml"))
    if county not in known:
        raise WorkspaceError(
            _("没有县级规则“{}”。现有:{}。请改正 --county。").format(
                county, "、".join(known) or _("无")
            )
        )
    policy = tomllib.loads((counties / county / "policy.toml").read_text(encoding="utf-8"))
    crs = policy.get("crs")
    return str(crs) if crs is not None else None

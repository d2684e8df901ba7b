"""The file ``workspace.toml`` that makes a folder a workspace: what it says, and its stamp."""

from __future__ import annotations

import tomllib
from collections.abc import Hashable
from pathlib import Path
from typing import NamedTuple

from pyproj import CRS

from language import gettext as _
from layers.errors import WorkspaceError
from layers.folder_storage import DATABASE
from layers.placing import crs_name, parse_crs

SETTINGS = "workspace.toml"
_SCHEMA = 2  # folders of schema 1 are read as they are


class Settings(NamedTuple):
    """What a workspace is: its county, its CRS, whether its data are made up, where they lie.

    ``database_schema`` is empty where everything lies in the folder.
    """

    county: str
    crs: CRS
    synthetic: bool
    database_schema: str = ""

    @property
    def text(self) -> str:
        """The text of the file."""
        lines = [
            f"schema = {_SCHEMA}",
            f'county = "{self.county}"',
            f'crs = "{crs_name(self.crs)}"',
            f"synthetic = {str(self.synthetic).lower()}",
        ]
        if self.database_schema:
            lines.append(f'database_schema = "{self.database_schema}"')
        return "\n".join([*lines, ""])


def read_settings(path: Path | str) -> Settings:
    """Read the file of a folder; raise ``WorkspaceError`` if it has none, or none of ours."""
    try:
        told = tomllib.loads((Path(path) / SETTINGS).read_text(encoding="utf-8"))
        schema = int(told["schema"])
        settings = Settings(
            str(told["county"]),
            parse_crs(str(told["crs"])),
            bool(told["synthetic"]),
            str(told.get("database_schema", "")),
        )
    except (OSError, ValueError, KeyError):
        raise WorkspaceError(_("{}:不是工作区。请先运行 init 新建。").format(path)) from None
    if schema not in (1, _SCHEMA):
        raise WorkspaceError(
            _("{}:工作区版本为 {},本程序支持 {}。请用相应版本的程序打开。").format(
                path, schema, _SCHEMA
            )
        )
    return settings


def stamp_of(path: Path) -> Hashable:
    """Return what differs as soon as another workspace lies in this place, or none any more.

    As long as it does not, an opened one may be kept open.
    """
    places = []
    for file in (path / SETTINGS, path / DATABASE):
        found = file.stat() if file.is_file() else None
        places.append(found and (found.st_dev, found.st_ino))
    return tuple(places)

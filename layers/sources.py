"""Source files: the copies that are kept of everything that was imported.

A copy is named by its own hash, so that a file which is imported twice is kept once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from language import gettext as _
from layers.errors import ReadError
from layers.versions import sha256_of

FOLDER = "sources"
_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")
# Files that lie beside the named one and are part of it.
_BESIDE = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg"),
    ".tab": (".dat", ".map", ".id", ".ind"),
    ".mif": (".mid",),
}


@dataclass(frozen=True)
class Source:
    """A file as it was when its import began."""

    path: Path
    sha256: str

    @property
    def document(self) -> str:
        """Name of the copy that is kept."""
        suffix = self.path.suffix.lower()
        return f"{FOLDER}/{self.sha256}{suffix if _SUFFIX.fullmatch(suffix) else ''}"

    def refuse_changed(self, sha256: str) -> None:
        """Raise ``ReadError`` if a copy with this hash is not what was read."""
        if sha256 != self.sha256:
            raise ReadError(
                _("文件 {}:导入期间被改动,未导入任何内容。请重新导入。").format(self.path.name)
            )


def sources_of(files: Iterable[Path | str | None]) -> tuple[Source, ...]:
    """The files of an import with what belongs to each; those that are absent are left out."""
    found: dict[Path, Source] = {}
    for file in files:
        if file is None:
            continue
        path = Path(file)
        for one in (path, *_parts(path)):
            if one.is_file() and one not in found:
                found[one] = Source(one, sha256_of(one))
    return tuple(found.values())


def _parts(path: Path) -> list[Path]:
    wanted = _BESIDE.get(path.suffix.lower(), ())
    if not wanted or not path.parent.is_dir():
        return []
    beside = (one for one in path.parent.iterdir() if one.stem.lower() == path.stem.lower())
    return sorted(one for one in beside if one.suffix.lower() in wanted)

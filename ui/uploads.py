"""Files that a visitor chose: which belong together, and a folder of their own for reading.

The folder is removed when the visitor chooses other files or goes away. Names come from outside:
only their last part is used, and only if nothing in it could lead elsewhere.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Protocol

# Parts of a shapefile, the main one first; other files come alone or with one beside them.
_MAIN = (".shp", ".tab", ".mif", ".inp", ".zip")
# Of these several files of one name are one data set; a part never comes twice in one.
_PARTS = (".shp", ".dbf", ".shx", ".prj", ".cpg", ".qpj", ".sbn", ".sbx", ".qix", ".shp.xml")
_PARTS += (".tab", ".dat", ".map", ".id", ".ind", ".mif", ".mid")
_TABLES = (".csv", ".tsv", ".txt", ".dat", ".xlsx", ".xls")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]")

_LONGEST = 200  # bytes of a name: file systems take 255, and parsers write names beside it


class Uploaded(Protocol):
    """What Streamlit gives for a chosen file."""

    @property
    def name(self) -> str: ...
    @property
    def file_id(self) -> str: ...
    def getbuffer(self) -> memoryview: ...


@dataclass(frozen=True)
class Upload:
    """Files on disk: the one to read, and the one beside it if there are just two of one kind."""

    key: str
    folder: tempfile.TemporaryDirectory[str]
    main: Path
    beside: Path | None


def data_sets(chosen: Sequence[Uploaded], *, pairs: bool) -> list[tuple[Uploaded, ...]]:
    """The choices that a visitor has among chosen files: each data set, in the order of choosing.

    Files of one name are one set where they are parts of one format; a part that comes again
    begins another. ``pairs`` offers two tables of one kind as a set of its own: a line table with
    its point table.
    """
    sets: list[dict[str, Uploaded]] = []
    latest: dict[str, dict[str, Uploaded]] = {}
    for one in chosen:
        stem, suffix = _split(one.name)
        found = latest.get(stem) if suffix in _PARTS else None
        if found is None or suffix in found:
            sets.append(found := {})
        found[suffix] = one
        if suffix in _PARTS:
            latest[stem] = found
    apart = [tuple(one.values()) for one in sets]
    if not pairs or len(apart) != 2 or any(len(one) > 1 for one in apart):
        return apart
    kinds = {_split(one.name)[1] for one in chosen}
    return [*apart, tuple(chosen)] if len(kinds) == 1 and kinds <= set(_TABLES) else apart


def latest_set(sets: Sequence[Sequence[Uploaded]], arrivals: Mapping[str, int]) -> int | None:
    """The position of the set that was chosen last; None where several came at once.

    ``arrivals`` numbers the choosing that each file came with, by its id.
    """
    ids = [{one.file_id for one in files} for files in sets]
    last = max(arrivals[one] for one in set().union(*ids))
    came = {one for one in set().union(*ids) if arrivals[one] == last}
    fresh = [names for names in ids if names <= came] or [names for names in ids if names & came]
    whole = set().union(*fresh)  # a line table and a point table that came together are one set
    return next((place for place, names in enumerate(ids) if names == whole), None)


def laid_down(chosen: Sequence[Uploaded], before: Upload | None) -> Upload | None:
    """Write chosen files into a folder, unless they lie there already; None for no files."""
    key = " ".join(one.file_id for one in chosen)
    if before is not None:
        if before.key == key:
            return before
        before.folder.cleanup()
    if not chosen:
        return None
    folder = tempfile.TemporaryDirectory(prefix="tonggou-upload-")
    files = [Path(folder.name) / name for name in _apart([safe_name(one.name) for one in chosen])]
    for file, one in zip(files, chosen, strict=True):
        file.write_bytes(one.getbuffer())
    main = next((f for suffix in _MAIN for f in files if f.suffix.lower() == suffix), files[0])
    rest = [file for file in files if file != main and file.suffix.lower() == main.suffix.lower()]
    return Upload(key, folder, main, rest[0] if len(rest) == 1 else None)


def safe_name(name: str) -> str:
    """The last part of a name, without what could mean anything to a file system."""
    last = PurePosixPath(PureWindowsPath(name).name).name
    kept = _UNSAFE.sub("_", last).strip(". ").encode("utf-8", "replace")[-_LONGEST:]
    return kept.decode("utf-8", "ignore").strip(". ") or "upload"


def _split(name: str) -> tuple[str, str]:
    """A name without its suffix and that suffix, both in small letters."""
    small = name.lower()
    if small.endswith(".shp.xml"):
        return small.removesuffix(".shp.xml"), ".shp.xml"
    stem, point, suffix = small.rpartition(".")
    return (stem, point + suffix) if point else (small, "")


def _apart(names: Sequence[str]) -> list[str]:
    """The names, with a number before those that came already: no file overwrites another."""
    apart: list[str] = []
    for name in names:
        taken = {one.lower() for one in apart}
        tries = (f"{number}-{name}" for number in range(2, len(names) + 2))
        apart.append(
            name if name.lower() not in taken else next(t for t in tries if t.lower() not in taken)
        )
    return apart

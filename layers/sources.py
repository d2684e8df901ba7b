"""What the user said of a source, kept for the next file of the same source.

A source is a name that the user gives (``--source``), else the set of the file's columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from layers.raw import RawLayer
from layers.versions import write_durably


@dataclass(frozen=True)
class SourceMemory:
    """Field to column, and field to unit, as the user stated them."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


def source_key(raw: RawLayer, layer: str, name: str | None = None) -> str:
    """Return a file name for a source: of its given name, else of its columns in any order."""
    what = name if name else "\n".join(sorted(str(column) for column in raw.cells.columns))
    kind = Path(raw.file).suffix.lower() if not name else "name"
    digest = hashlib.sha256(f"{kind}\n{what}".encode("utf-8", "replace")).hexdigest()
    return f"{layer}.{digest[:16]}"


def recall(workspace: Path, key: str) -> SourceMemory:
    """Return what is remembered of a source, nothing if its file is absent or damaged."""
    try:
        kept = json.loads((workspace / "mappings" / f"{key}.json").read_text(encoding="utf-8"))
        mapping, units = dict(kept["mapping"]), dict(kept["units"])
    except (OSError, ValueError, KeyError, TypeError):
        return SourceMemory()
    return SourceMemory(
        {str(name): str(column) for name, column in mapping.items()},
        {str(name): str(unit) for name, unit in units.items()},
    )


def remember(workspace: Path, key: str, raw: RawLayer, memory: SourceMemory) -> None:
    """Keep what the user stated; nothing is written where nothing was stated."""
    if not memory.mapping and not memory.units:
        return
    file = workspace / "mappings" / f"{key}.json"
    file.parent.mkdir(exist_ok=True)
    kept = {
        "file": raw.file,
        "columns": [str(column) for column in raw.cells.columns],
        "mapping": dict(memory.mapping),
        "units": dict(memory.units),
    }
    write_durably(file, json.dumps(kept, ensure_ascii=False, indent=2) + "\n")

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


def document_of(key: str) -> str:
    """Return the name of the document in a workspace that remembers a source."""
    return f"mappings/{key}.json"


def recalled(document: bytes | None) -> SourceMemory:
    """Return what a document remembers, nothing if it is absent or damaged."""
    try:
        kept = json.loads(document or b"")
        mapping, units = dict(kept["mapping"]), dict(kept["units"])
    except (ValueError, KeyError, TypeError):
        return SourceMemory()
    return SourceMemory(
        {str(name): str(column) for name, column in mapping.items()},
        {str(name): str(unit) for name, unit in units.items()},
    )


def to_remember(raw: RawLayer, memory: SourceMemory) -> bytes | None:
    """Return the document that keeps what the user stated; None where nothing was stated."""
    if not memory.mapping and not memory.units:
        return None
    kept = {
        "file": raw.file,
        "columns": [str(column) for column in raw.cells.columns],
        "mapping": dict(memory.mapping),
        "units": dict(memory.units),
    }
    return (json.dumps(kept, ensure_ascii=False, indent=2) + "\n").encode()

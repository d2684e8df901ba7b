"""What a workspace asks of the place that keeps it: a folder, or a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import geopandas as gpd
import numpy as np
import pandas as pd

from layers.edits import Change, Edit
from layers.moments import now
from layers.problems import Problem
from layers.registry import Registry, SourceFile
from layers.sources import Source
from layers.survey import LayerVersion, in_order


@dataclass(frozen=True)
class Draft:
    """What becomes the next version of a layer, all of it or nothing.

    ``base`` is the number of the version that it was made from, 0 for none: it must still be the
    latest. None where the table replaces whatever there is, but answers: of those that were stored
    up to version ``answers_until`` it takes account, and there may be none since. ``changes`` are
    the cells that people changed, or that a file or a return took back. ``rows_in`` counts the
    features of the source, ``left_out`` those of them that are neither in the table nor among the
    rejected. Rows are stored in the order of their ids, as a survey has them: the row that a check
    names is there.
    """

    layer: str
    table: gpd.GeoDataFrame
    crs: str
    data_class: str
    source_file: str
    author: str
    note: str = ""
    base: int | None = None
    rows_in: int | None = None
    left_out: int = 0
    rejected: pd.DataFrame = field(default_factory=pd.DataFrame)
    problems: Sequence[Problem] = ()
    sources: Sequence[Source] = ()
    changes: Sequence[Change] = ()
    answers_until: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", in_order(self.table))

    def entry(self, version: int, file: str, sha256: str) -> LayerVersion:
        """The row of the registry that makes this a version."""
        return LayerVersion(
            layer=self.layer,
            version=version,
            file=file,
            sha256=sha256,
            rows=len(self.table),
            crs=self.crs,
            data_class=self.data_class,
            imported_at=now(),
            source_file=self.source_file,
            problems=len(self.problems),
            author=self.author,
            note=self.note,
            rows_in=self.rows_in,
            rejected=None if self.rows_in is None else len(self.rejected) + self.left_out,
        )

    def edits(self, entry: LayerVersion) -> list[Edit]:
        """The rows of the registry for the cells that became others with this version."""
        told = (self.author, self.note, entry.imported_at)
        return [Edit(self.layer, entry.version, *change, *told) for change in self.changes]


class Storage(Protocol):
    """Layer versions with their registry, and documents: named bytes such as applications."""

    registry: Registry

    def create(self) -> None:
        """Make an empty storage for a new workspace."""

    def discard(self) -> None:
        """Take away the storage of a workspace that could not be made."""

    def refuse_absent(self) -> None:
        """Raise ``WorkspaceError`` if there is no such storage."""

    def publish(self, draft: Draft) -> tuple[LayerVersion, Path | None]:
        """Store a draft as the next version; return it with the file of its rejected rows.

        Raises ``WorkspaceError`` if its base is not the latest version any more, or if it cannot
        be stored. Whatever is raised, nothing was stored.
        """

    def read(self, version: LayerVersion) -> gpd.GeoDataFrame:
        """Return the table of a version; raise ``WorkspaceError`` if it is not as it was stored."""

    def bounds(self, versions: Sequence[LayerVersion]) -> np.ndarray | None:
        """Return west, south, east, north of versions together, in metres, without their rows.

        None if they have no shapes; what cannot be read says nothing here.
        """

    def names(self, folder: str) -> list[str]:
        """Return the names of the documents in a folder, sorted."""

    def document(self, name: str) -> bytes | None:
        """Return a document, or None if there is none of this name."""

    def keep(self, name: str, content: bytes) -> None:
        """Store or replace a document durably."""

    def stamp(self, folder: str) -> Hashable:
        """Return what differs as soon as a document of the folder is added or changed."""


def source_rows(draft: Draft, version: int) -> list[SourceFile]:
    """The rows of the registry for the source files of a draft."""
    return [
        SourceFile(draft.layer, version, source.path.name, source.sha256, source.document)
        for source in draft.sources
    ]

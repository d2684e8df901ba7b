"""A workspace kept in its own folder: GeoPackages, an SQLite registry, documents as files."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from contextlib import ExitStack
from pathlib import Path
from shutil import copyfile

import geopandas as gpd
import numpy as np

from language import gettext as _
from layers.errors import WorkspaceError
from layers.fields import LAYERS
from layers.registry import Registry, embedded_engine, next_version, record
from layers.rejects import write_rejects
from layers.storage import Draft, source_rows
from layers.survey import LayerVersion
from layers.versions import (
    place_together,
    read_version,
    sha256_of,
    sweep,
    temporary_file,
    whole_bounds,
    write_durably,
    write_version,
)

DATABASE = "tonggou.sqlite"


class FolderStorage:
    """Versions as ``layers/<layer>/<version>.gpkg``, never changed once they are there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.registry = Registry(embedded_engine(root / DATABASE), DATABASE)

    def create(self) -> None:
        """Make the folders and the registry of a new workspace."""
        for part in (*(f"layers/{layer}" for layer in LAYERS), "applications"):
            (self._root / part).mkdir(parents=True)
        with self.registry.writing():
            pass  # an empty file is brought up to date as an old one is

    def discard(self) -> None:
        """Nothing: the folder goes with everything in it."""

    def refuse_absent(self) -> None:
        """Raise ``WorkspaceError`` if the folder lacks its database."""
        if not (self._root / DATABASE).is_file():
            raise WorkspaceError(
                _("{}:工作区缺少 tonggou.sqlite,已损坏。请从备份恢复。").format(self._root)
            )

    def publish(self, draft: Draft) -> tuple[LayerVersion, Path | None]:
        """Write the files, then make them current in one transaction."""
        folder = self._root / "layers" / draft.layer
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        with ExitStack() as drafts:
            table = drafts.enter_context(temporary_file(folder, ".gpkg"))
            rejects = drafts.enter_context(temporary_file(folder, ".csv"))
            write_version(table, draft.layer, draft.table)
            write_rejects(rejects, draft.rejected, draft.problems)
            copies = self._copies(draft, folder, drafts)
            sha256 = sha256_of(table)
            with self.registry.writing() as connection:
                version = next_version(connection, draft.layer, draft.base, draft.answers_until)
                stored = folder / f"{version}.gpkg"
                beside = folder / f"{version}.rejected.csv" if len(draft.rejected) else None
                file = stored.relative_to(self._root).as_posix()
                entry = draft.entry(version, file, sha256)
                record(connection, entry, source_rows(draft, version), draft.edits(entry))
                missing = {copy: to for copy, to in copies.items() if not _kept(to)}
                place_together({table: stored, **({rejects: beside} if beside else {}), **missing})
        return entry, beside

    def read(self, version: LayerVersion) -> gpd.GeoDataFrame:
        """Return the table of a version; raise ``WorkspaceError`` if it is not as it was stored."""
        file = self._root / version.file
        if not file.is_file() or sha256_of(file) != version.sha256:
            raise WorkspaceError(
                _("{}:文件缺失,或与入库时不一致。请从备份恢复,或重新导入图层 {}。").format(
                    version.file, version.layer
                )
            )
        return read_version(file, version.layer)

    def bounds(self, versions: Sequence[LayerVersion]) -> np.ndarray | None:
        """Return west, south, east, north of versions together, without reading their rows."""
        return whole_bounds(self._root / version.file for version in versions)

    def names(self, folder: str) -> list[str]:
        """Return the names of the documents in a folder, sorted."""
        return [f"{folder}/{file.name}" for file in self._documents(folder)]

    def document(self, name: str) -> bytes | None:
        """Return a document, or None if there is none of this name."""
        file = self._root / name
        return file.read_bytes() if file.is_file() else None

    def keep(self, name: str, content: bytes) -> None:
        """Store or replace a document durably."""
        file = self._root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        sweep(file.parent)
        write_durably(file, content)

    def stamp(self, folder: str) -> Hashable:
        """Return what differs as soon as a document of the folder is added or changed."""
        try:
            with os.scandir(self._root / folder) as found:  # asked at every click: one look a file
                files = [file for file in found if file.name[0] != "." and file.is_file()]
                return tuple(sorted((file.name, file.stat().st_mtime_ns) for file in files))
        except FileNotFoundError:
            return ()

    def _documents(self, folder: str) -> list[Path]:
        found = (self._root / folder).glob("[!.]*")
        return sorted(file for file in found if file.is_file())

    def _copies(self, draft: Draft, folder: Path, drafts: ExitStack) -> dict[Path, Path]:
        """Copies of the source files that are not kept yet, and where they belong."""
        copies: dict[Path, Path] = {}
        for source in draft.sources:
            target = self._root / source.document
            if target in copies.values():
                continue
            if not _kept(target):
                copy = drafts.enter_context(temporary_file(folder, ".source"))
                copyfile(source.path, copy)
                source.refuse_changed(sha256_of(copy))
                copies[copy] = target
        return copies


def _kept(target: Path) -> bool:
    """Whether a source file is kept already, whole: its name begins with its hash."""
    return target.is_file() and sha256_of(target) == target.name.partition(".")[0]


def refuse_elsewhere(folder: Path, database_schema: str, url: str | None) -> None:
    """Refuse a workspace that does not lie where it is looked for."""
    if database_schema and url is None:
        raise WorkspaceError(
            _("{}:工作区存放在数据库中。请用 TONGGOU_DATABASE_URL 指明数据库。").format(folder)
        )
    if url is not None and not database_schema:
        raise WorkspaceError(
            _(
                "{}:工作区存放在文件夹中,不在数据库中。请取消 TONGGOU_DATABASE_URL 后打开,"
                "或换一个文件夹新建。"
            ).format(folder)
        )

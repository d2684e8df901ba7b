"""Workspace: a folder with immutable layer versions, their registry, and applications."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import Any, Unpack

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from gis.crs import require_projected
from language import gettext as _
from layers import application_files, databases
from layers.answers import Answer, answered, by_layer, nothing_of, refuse_overtaken
from layers.conforming import Conformed
from layers.counties import county_bounds
from layers.crs_detection import home_of
from layers.edits import (
    ANSWERS,
    REPAIRS,
    WITHDRAWN,
    Change,
    Edit,
    changed_cells,
    held,
    holds,
    taken_back_words,
    told_briefly,
    withdrawn,
)
from layers.errors import LayerError, WorkspaceError
from layers.fields import layer_definition
from layers.folder_storage import FolderStorage, refuse_elsewhere
from layers.georeferencing import Surroundings
from layers.gone_rows import NOTHING_GONE, Gone, emptiness, gone, refuse_emptied
from layers.imports import (
    ImportResult,
    Progress,
    Taken,
    Taking,
    refuse_class,
    refuse_nameless,
    stricter,
    take,
)
from layers.kept_answers import Kept, kept_over, refuse_undecided
from layers.kept_tables import KeptTables
from layers.moments import now
from layers.placing import crs_name, parse_crs
from layers.problems import Problem
from layers.raw import RawLayer
from layers.registry import Export, SourceFile
from layers.rejects import refuse_rejected
from layers.repairs import Repair, repaired
from layers.source_memory import (
    SourceMemory,
    document_of,
    recalled,
    source_key,
)
from layers.sources import sources_of
from layers.storage import Draft, Storage
from layers.survey import LayerVersion, Survey
from layers.versions import write_durably
from layers.workspace_file import SETTINGS, Settings, read_settings

UNKNOWN_AUTHOR = "unknown"
_COUNTY = re.compile(r"\d{6}_[a-z0-9_]+")


@dataclass(frozen=True)
class Workspace:
    """Layers and applications of one county, in one projected CRS.

    All of it lies in the folder ``path``; or, where the workspace was made with a database, in
    the schema ``database_schema`` of that.
    """

    path: Path
    county: str
    crs: CRS
    synthetic: bool
    database_schema: str = ""
    database_url: str | None = field(default=None, repr=False)

    @classmethod
    def create(
        cls,
        path: Path | str,
        county: str,
        crs: CRS | str,
        *,
        synthetic: bool = False,
        database_url: str | None = None,
    ) -> Workspace:
        """Make a new workspace; raise ``WorkspaceError`` if the folder has something in it.

        ``synthetic`` marks data that are made up, so that every map can say so. ``CrsError`` is
        raised for a CRS that is not projected in metres. ``database_url`` names a PostGIS database
        to keep it in; without one that of ``layers.databases.use`` is taken, if there is any.
        """
        folder = Path(path).absolute()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise WorkspaceError(
                _("{}:已有内容,不能新建工作区。请换一个不存在或空的文件夹。").format(path)
            )
        if not _COUNTY.fullmatch(county):
            raise WorkspaceError(
                _("县级编码“{}”不合规则,须为 六位行政区划代码_拼音,如 411523_xinxian。").format(
                    county
                )
            )
        metric = require_projected(parse_crs(crs) if isinstance(crs, str) else crs)
        url = database_url or databases.usual()
        schema = f"tonggou_{county[:40]}_{token_hex(4)}" if url else ""
        made = cls(folder, county, metric, synthetic, schema, url)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=folder.parent) as parent:
            draft = replace(made, path=Path(parent) / "workspace")
            draft.path.mkdir()
            settings = Settings(county, metric, synthetic, schema)
            write_durably(draft.path / SETTINGS, settings.text.encode())
            draft._storage.create()
            try:
                draft.path.rename(folder)
            except OSError:
                draft._storage.discard()
                raise
        return made

    @classmethod
    def open(cls, path: Path | str, database_url: str | None = None) -> Workspace:
        """Open a workspace; raise ``WorkspaceError`` if the folder is none or is damaged.

        A workspace that was made in a database needs its address, by ``database_url`` or by
        ``layers.databases.use``; one that was made in its folder is refused with one, so that
        nobody takes the one for the other.
        """
        folder = Path(path).absolute()
        found = read_settings(path)
        url = database_url or databases.usual()
        refuse_elsewhere(folder, found.database_schema, url)
        opened = cls(folder, *found, url)
        opened._storage.refuse_absent()
        return opened

    @cached_property
    def _storage(self) -> Storage:
        if self.database_url is None:
            return FolderStorage(self.path)
        from layers.postgis_storage import PostgisStorage

        return PostgisStorage(self.path, self.database_url, self.database_schema)

    def import_layer(
        self,
        name: str,
        file: Path | str,
        *,
        append: bool = False,
        accept_valid: bool = False,
        accept_empty: bool = False,
        answers: str | None = None,
        data_class: str = "internal",
        author: str = UNKNOWN_AUTHOR,
        progress: Progress | None = None,
        **taking: Unpack[Taking],
    ) -> ImportResult:
        """Store a file as the next version of a layer.

        A file with any row in error is refused unless ``accept_valid``: then its other rows are
        stored and the rejected ones kept beside. One without a row, where the layer has some, is
        refused unless ``accept_empty``; rows that the layer had and the file has not are told in
        ``gone`` and in the note of the version. What ``mapping`` and ``units`` state is remembered
        for the next file of the same source: of the same name ``source``, else of the same columns.
        ``append`` keeps the rows of the latest version. Answers outlive the file: they fill what it
        leaves empty, and where it contradicts them ``answers`` says which counts, ``keep`` (the
        answers) or ``drop`` (the file); without it the file is refused (``layers.kept_answers``).
        Whatever is raised, the workspace stays as it was.

        Raises
        ------
        ReadError
            If the file cannot be read safely.
        LayerError
            If it does not fit the layer; ``problems`` holds the rows at fault.
        """
        layer_definition(name)
        refuse_class(data_class)
        tell = progress or (lambda _step: None)
        sources = sources_of([file, taking.get("points")])
        current = self.versions().get(name)
        base = current if append else None
        taken = self._take(name, file, base, taking, tell)
        raw = taken.raw
        refuse_rejected(taken.conformed, raw.place, accept_valid=accept_valid)
        kept = self._kept(name, taken, current, answers)
        refuse_undecided(kept, raw.place)
        lost = self._gone(name, taken, current)
        if not accept_empty:
            refuse_emptied(lost, len(taken.conformed.table), raw.place)
        conformed = kept.beside(taken.conformed)
        table = conformed.table if taken.old is None else pd.concat([taken.old, conformed.table])
        empty = emptiness(len(table))
        tell(_("保存"))
        draft = Draft(
            layer=name,
            table=table,
            crs=crs_name(self.crs),
            data_class=data_class,
            source_file=raw.file,
            author=author.strip(),
            note=_(";").join(filter(None, [lost.told, *empty, *kept.notes])),
            base=(base.version if base else 0) if append else None,
            answers_until=current.version if current else 0,
            rows_in=taken.rows_in,
            rejected=conformed.rejected,
            left_out=taken.left_out,
            problems=conformed.problems,
            sources=sources,
            changes=kept.dropped,
        )
        entry, beside = self._storage.publish(draft)
        if taken.said is not None:
            self._storage.keep(*taken.said)
        return ImportResult(
            layer=name,
            version=entry.version,
            rows=len(table),
            rejected=len(conformed.rejected),
            problems=conformed.problems,
            notes=(*conformed.notes, *empty),
            rejected_file=beside,
            rows_in=taken.rows_in,
            gone=lost,
        )

    def try_import(
        self, name: str, file: Path | str, *, append: bool = False, **taking: Unpack[Taking]
    ) -> Conformed:
        """Return what an import would make of a file; nothing is stored.

        Raises what :meth:`import_layer` raises, but not for rows in error nor for contradictions
        between the file and answers: both are among the problems.
        """
        layer_definition(name)
        current = self.versions().get(name)
        taken = self._take(name, file, current if append else None, taking, lambda _step: None)
        conformed = self._kept(name, taken, current).beside(taken.conformed)
        return replace(conformed, gone=self._gone(name, taken, current))

    def _kept(
        self, name: str, taken: Taken, current: LayerVersion | None, choice: str | None = None
    ) -> Kept:
        """The rows of a file with the answers that the layer holds now."""
        table = taken.conformed.table
        answers = [] if current is None else self.held(current)
        if taken.old is not None:  # whose rows keep theirs
            answers = [one for one in answers if one.is_of_layer]
        if current is None or not answers:
            return Kept(table)
        before = self.read(current)
        return kept_over(name, table, answers, before, file=taken.raw.file, choice=choice)

    def _gone(self, name: str, taken: Taken, current: LayerVersion | None) -> Gone:
        """The rows of the layer that the file does not bring again; none where they stay."""
        if current is None or taken.old is not None:
            return NOTHING_GONE
        cases = self.applications() if name == "parcels" else []
        before, after = self.read(current).index, taken.conformed.table.index
        return gone(current.version, before, after, cases)

    def held(self, version: LayerVersion) -> list[Edit]:
        """Return the answers that a version of a layer holds, of each cell the last one."""
        edits = self._edits_of(version.layer)
        if not edits:
            return []
        sources = {one.version: one.source_file for one in self.history(version.layer)}
        return held(edits, self.read(version), sources)

    def remembered(self, raw: RawLayer, layer: str, source: str | None = None) -> SourceMemory:
        """Return what the user stated of an earlier file of the same source."""
        return recalled(self._storage.document(document_of(source_key(raw, layer, source))))

    def _take(
        self, name: str, file: Path | str, base: LayerVersion | None, taking: Taking, tell: Progress
    ) -> Taken:
        """Read a file and make it rows of a layer, beside those of the version that stays."""
        return take(
            name,
            file,
            taking,
            target=self.crs,
            old=self.read(base) if base else None,
            around=lambda: self.surroundings(but=name),
            remembered=lambda raw: self.remembered(raw, name, taking.get("source")),
            tell=tell,
        )

    def surroundings(self, *, but: str = "") -> Surroundings:
        """Return where the workspace lies and, where it has streets or parcels, their shapes.

        ``but`` names a layer that is not asked, since it is about to be replaced.
        """
        current = {name: one for name, one in self.versions().items() if name != but and one.rows}
        bounds = self._storage.bounds(list(current.values()))
        beside = next((current[name] for name in ("roads", "parcels") if name in current), None)
        county = county_bounds(self.county)
        return Surroundings(
            home_of(bounds, county, self.crs),
            home_of(None, county, self.crs),
            None if beside is None else lambda: np.asarray(self.read(beside).geometry),
        )

    def answer(
        self, answers: Sequence[Answer], *, author: str, note: str = "", replace: bool = False
    ) -> list[Edit]:
        """Store what people found out, each layer as its next version; return what changed.

        Who said it, when and why is kept with every cell. An answer holds for all cases: whoever
        reads the survey from now on reads it. Nothing is stored if any answer is refused. Layers
        are stored one after the other: where another program changed one meanwhile, those before
        it stay, and giving the same answers again adds the rest.

        Raises
        ------
        LayerError
            Without an author, or for an answer that cannot be stored (``layers.answers``).
        """
        if not author.strip():
            raise LayerError(_("请写明核实人(--author)。"))
        current = self.versions()
        planned = [
            (layer, *self._answered(layer, some, current.get(layer), replace=replace))
            for layer, some in by_layer(answers).items()
        ]
        stored: list[Edit] = []
        for layer, table, changes in planned:
            if changes:
                base = current.get(layer)
                stored += self._edited(layer, table, base, changes, author, note, ANSWERS)
        return stored

    def withdraw(self, answer: Edit, *, author: str, note: str = "") -> list[Edit]:
        """Give a cell back what it held before an answer, as the next version of its layer.

        Raises
        ------
        LayerError
            Without an author, or for an answer that holds no more or is of a whole layer.
        WorkspaceError
            If another version was stored meanwhile.
        """
        refuse_nameless(author)
        base = self.version(answer.layer)
        table, change = withdrawn(answer, self.read(base))
        told = _(";").join(filter(None, [note.strip(), taken_back_words(answer)]))
        return self._edited(answer.layer, table, base, [change], author, told, WITHDRAWN)

    def repair(self, problems: Sequence[Problem], *, author: str, note: str = "") -> list[Repair]:
        """Store the repairs of these problems, each layer as its next version; return them.

        Each is kept as an edit too. ``rollback`` to the version before undoes them. Nothing is
        stored where nothing is left to repair.

        Raises
        ------
        LayerError
            Without an author, or for a problem that has no repair (``layers.repairs``).
        WorkspaceError
            If another version was stored meanwhile.
        """
        refuse_nameless(author)
        survey = self.survey()
        layers = list(dict.fromkeys(problem.layer for problem in problems))
        planned = [
            (layer, *repaired(survey, layer, [one for one in problems if one.layer == layer]))
            for layer in layers
        ]
        for layer, table, done in planned:
            if done:
                base, changes = survey.versions[layer], [one.change for one in done]
                self._edited(layer, table, base, changes, author, note, REPAIRS)
        return [one for _layer, _table, done in planned for one in done]

    def _edited(
        self,
        layer: str,
        table: gpd.GeoDataFrame,
        base: LayerVersion | None,
        changes: Sequence[Change],
        author: str,
        note: str,
        source: str,
    ) -> list[Edit]:
        """Store a table that people changed as the version after ``base``; return the edits."""
        draft = Draft(
            layer=layer,
            table=table,
            crs=crs_name(self.crs),
            data_class="internal" if base is None else base.data_class,
            source_file=source,
            author=author.strip(),
            note=note.strip(),
            base=base.version if base else 0,
            changes=changes,
        )
        return draft.edits(self._storage.publish(draft)[0])

    def edits(self) -> list[Edit]:
        """Return every cell that an answer or a repair changed, the first one first.

        Beside them stand the cells of answers that a file or a return to an earlier version
        changed, with the empty text for those that are empty since.
        """
        return self._storage.registry.edits()

    def _edits_of(self, layer: str) -> list[Edit]:
        return [one for one in self.edits() if one.layer == layer]

    def _answered(
        self,
        layer: str,
        answers: Sequence[Answer],
        base: LayerVersion | None,
        *,
        replace: bool,
    ) -> tuple[gpd.GeoDataFrame, list[Change]]:
        """A layer's table with its answers, and what they change."""
        if base is None:
            return nothing_of(layer, answers, self.crs)
        table = self.read(base)
        for asked_of in {one.version or base.version for one in answers} - {base.version}:
            then = self.read(self.version(layer, asked_of))
            some = [one for one in answers if one.version == asked_of]
            refuse_overtaken(layer, some, then, table, asked_of)
        return answered(layer, table, answers, replace=replace)

    @property
    def screenings(self) -> KeptTables:
        """Kept screenings; always in the folder, as they can be made again anywhere."""
        return KeptTables(self.path / "screenings")

    def versions(self) -> dict[str, LayerVersion]:
        """Return the current version of each imported layer."""
        return self._storage.registry.current()

    def survey(self) -> Survey:
        """Read the current version of every layer.

        Raises ``WorkspaceError`` if a stored file is gone or is not the one that was stored.
        """
        versions = self.versions()
        tables = {layer: self.read(version) for layer, version in versions.items()}
        return Survey(self.crs, tables, self.county, self.synthetic, versions, self.edits())

    def applications(self) -> list[dict[str, Any]]:
        """Return the applications that can be read, by id; ``application_faults`` has the rest."""
        return application_files.read_applications(self._storage)[0]

    def application_faults(self) -> list[str]:
        """Return what is wrong with each application file that cannot be read."""
        return application_files.read_applications(self._storage)[1]

    def applications_stamp(self) -> Hashable:
        """Return what differs as soon as an application is added or changed."""
        return self._storage.stamp(application_files.APPLICATIONS)

    def application(self, application_id: str) -> dict[str, Any]:
        """Return one application; raise ``WorkspaceError`` if there is none of this id."""
        name = application_files.application_document(application_id)
        content = self._storage.document(name)
        if content is None:
            raise WorkspaceError(
                _("工作区中没有报装申请“{}”。请核对编号,或先保存该申请。").format(application_id)
            )
        return application_files.parsed(name, content)

    def save_application(self, application: Mapping[str, Any]) -> None:
        """Store an application under its ``application_id``, replacing an earlier one."""
        name = application_files.application_document(application.get("application_id"))
        text = json.dumps(application, ensure_ascii=False, indent=2, allow_nan=False)
        self._storage.keep(name, f"{text}\n".encode())

    def history(self, layer: str | None = None) -> list[LayerVersion]:
        """Return every version that was ever stored, of one layer or of all, in their order."""
        if layer is not None:
            layer_definition(layer)
        return [one for one in self._storage.registry.versions() if layer in (None, one.layer)]

    def version(self, layer: str, number: int | None = None) -> LayerVersion:
        """Return a version of a layer, the current one by default.

        Raises ``LayerError`` if there is none.
        """
        found = {one.version: one for one in self.history(layer)}
        if not found:
            raise LayerError(_("图层 {} 尚未导入。请先用 import 导入。").format(layer))
        wanted = max(found) if number is None else number
        if wanted not in found:
            raise LayerError(
                _("图层 {} 没有第 {} 版;已有的版本:{}。请改正。").format(
                    layer, wanted, _("、").join(map(str, found))
                )
            )
        return found[wanted]

    def read(self, version: LayerVersion) -> gpd.GeoDataFrame:
        """Return the table of a version, indexed by id, in the workspace's CRS.

        Raises ``WorkspaceError`` if it is not as it was stored.
        """
        return self._storage.read(version)

    def sources(self) -> list[SourceFile]:
        """Return every file that was imported, with the copy that is kept of it."""
        return self._storage.registry.sources()

    def source(self, source: SourceFile) -> bytes:
        """Return the kept copy of an imported file; raise ``WorkspaceError`` if it is damaged."""
        content = self._storage.document(source.document)
        if content is None or hashlib.sha256(content).hexdigest() != source.sha256:
            raise WorkspaceError(
                _("{}:文件缺失,或与入库时不一致。请从备份恢复。").format(source.document)
            )
        return content

    def rollback(self, layer: str, to: int, *, author: str, note: str = "") -> LayerVersion:
        """Make what version ``to`` held the next version of its layer; nothing is deleted.

        Answers that it takes back (:meth:`taken_back`) are named in the note of the new version.

        Raises
        ------
        LayerError
            Without an author, for a version that is not there, or for the current one.
        WorkspaceError
            If another version was stored meanwhile.
        """
        refuse_nameless(author)
        wanted, current = self.version(layer, to), self.version(layer)
        if wanted.version == current.version:
            raise LayerError(_("图层 {} 的当前版本就是第 {} 版。").format(layer, to))
        table, lost = self.read(wanted), told_briefly(self.taken_back(layer, to))
        notes = [note.strip(), _("收回核实结果:{}").format(lost) if lost else ""]
        draft = Draft(
            layer=layer,
            table=table,
            crs=wanted.crs,
            data_class=stricter(wanted.data_class, current.data_class),
            source_file=f"version:{to}",
            author=author.strip(),
            note=_(";").join(filter(None, notes)),
            base=current.version,
            changes=changed_cells(self._edits_of(layer), self.read(current), table),
        )
        return self._storage.publish(draft)[0]

    def taken_back(self, layer: str, to: int) -> list[Edit]:
        """Return the answers that hold now and would not if a layer returned to version ``to``.

        Raises ``LayerError`` for a version that is not there.
        """
        wanted, answers = self.version(layer, to), self.held(self.version(layer))
        if not answers:
            return []
        table = self.read(wanted)
        return [one for one in answers if not holds(one, table)]

    def refuse_export(self, version: LayerVersion, *, author: str, reason: str) -> None:
        """Raise ``LayerError`` for an export without an author, or without a reason it needs."""
        refuse_nameless(author)
        if version.data_class == "sensitive" and not reason.strip():
            raise LayerError(
                _("图层 {} 第 {} 版是敏感数据,导出须写明事由(--reason)。").format(
                    version.layer, version.version
                )
            )

    def record_export(self, version: LayerVersion, form: str, *, author: str, reason: str) -> None:
        """Note that a version leaves the workspace; refused as by :meth:`refuse_export`."""
        self.refuse_export(version, author=author, reason=reason)
        self._storage.registry.record_export(
            Export(version.layer, version.version, form, author.strip(), reason.strip(), now())
        )

    def exports(self) -> list[Export]:
        """Return every export of a layer: who took which version, when, how and what for."""
        return self._storage.registry.exports()

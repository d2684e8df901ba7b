"""Workspace: a folder with immutable layer versions, their registry, and applications."""

from __future__ import annotations

import json
import re
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from gettext import gettext as _
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from gis.crs import require_projected
from layers.answers import Answer, Change, Edit, answered, by_layer, nothing_of
from layers.conforming import Conformed, conform
from layers.counties import county_bounds
from layers.crs_detection import home_of
from layers.errors import LayerError, WorkspaceError
from layers.fields import LAYERS, layer_definition
from layers.georeferencing import Surroundings
from layers.names import APPLICATION_ID
from layers.placing import crs_name, parse_crs
from layers.problems import Problem
from layers.raw import COORDINATES
from layers.reading import read_layer
from layers.registry import Registry, latest_version, record, record_edits
from layers.rejects import write_rejects
from layers.source_crs import stated_crs
from layers.sources import SourceMemory, recall, remember, source_key
from layers.survey import LayerVersion, Survey
from layers.versions import (
    place_together,
    read_version,
    sha256_of,
    temporary_file,
    whole_bounds,
    write_durably,
    write_version,
)

SCHEMA = 1  # of workspace.toml and the database
DATA_CLASSES = ("public", "internal", "sensitive")
_COUNTY = re.compile(r"\d{6}_[a-z0-9_]+")
_SHOWN_PROBLEMS = 20
# What a version was made from where no file was imported.
_ANSWERS = "answers"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ImportResult:
    """What an import stored. ``rejected_file`` is the CSV of rejected rows, if there are any."""

    layer: str
    version: int
    rows: int
    rejected: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    rejected_file: Path | None


@dataclass(frozen=True)
class Workspace:
    """A folder of layers and applications of one county, in one projected CRS."""

    path: Path
    county: str
    crs: CRS
    synthetic: bool

    @classmethod
    def create(
        cls, path: Path | str, county: str, crs: CRS | str, *, synthetic: bool = False
    ) -> Workspace:
        """Make a new workspace; raise ``WorkspaceError`` if the folder has something in it.

        ``synthetic`` marks data that are made up, so that every map can say so. ``CrsError`` is
        raised for a CRS that is not projected in metres.
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
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=folder.parent) as draft:
            made = Path(draft) / "workspace"
            _fill(made, county, metric, synthetic)
            made.rename(folder)
        return cls(folder, county, metric, synthetic)

    @classmethod
    def open(cls, path: Path | str) -> Workspace:
        """Open a workspace; raise ``WorkspaceError`` if the folder is none or is damaged."""
        folder = Path(path).absolute()
        try:
            settings = tomllib.loads((folder / "workspace.toml").read_text(encoding="utf-8"))
            schema, county = int(settings["schema"]), str(settings["county"])
            crs, synthetic = parse_crs(str(settings["crs"])), bool(settings["synthetic"])
        except (OSError, ValueError, KeyError):
            raise WorkspaceError(_("{}:不是工作区。请先运行 init 新建。").format(path)) from None
        if schema != SCHEMA:
            raise WorkspaceError(
                _("{}:工作区版本为 {},本程序支持 {}。请用相应版本的程序打开。").format(
                    path, schema, SCHEMA
                )
            )
        if not (folder / "tonggou.sqlite").is_file():
            raise WorkspaceError(
                _("{}:工作区缺少 tonggou.sqlite,已损坏。请从备份恢复。").format(path)
            )
        return cls(folder, county, crs, synthetic)

    def import_layer(
        self,
        name: str,
        file: Path | str,
        *,
        source_layer: str | None = None,
        points: Path | str | None = None,
        crs: CRS | str | None = None,
        swap_axes: bool = False,
        datum_shift: str | None = None,
        mapping: Mapping[str, str] | None = None,
        constants: Mapping[str, str] | None = None,
        units: Mapping[str, str] | None = None,
        source: str | None = None,
        make_ids: bool = False,
        id_prefix: str = "",
        append: bool = False,
        accept_valid: bool = False,
        data_class: str = "internal",
        progress: Progress | None = None,
    ) -> ImportResult:
        """Store a file as the next version of a layer.

        A file with any row in error is refused unless ``accept_valid``: then its other rows are
        stored and the rejected ones kept beside. What ``mapping`` and ``units`` state is remembered
        for the next file of the same source: of the same name ``source``, else of the same columns.
        ``append`` keeps the rows of the latest version.
        ``points`` is the point table of a line table that is a file of its own. Of a table
        ``mapping`` may also name the columns ``north`` and ``east``.
        Whatever is raised, the workspace stays as it was.

        Raises
        ------
        ReadError
            If the file cannot be read safely.
        LayerError
            If it does not fit the layer; ``problems`` holds the rows at fault.
        """
        layer_definition(name)
        _refuse_class(data_class)
        tell = progress or (lambda _step: None)
        stated_crs(crs)  # refuses a name that is none before anything is read
        tell(_("读取"))
        raw = read_layer(
            file,
            source_layer=source_layer,
            layer=name,
            beside=points,
            mapping=mapping,
            constants=constants,
        )
        fields = {
            field: column for field, column in (mapping or {}).items() if field not in COORDINATES
        }
        base = self.versions().get(name) if append else None
        old = self._read(base) if base else None
        tell(_("核对"))
        key = source_key(raw, name, source)
        memory = recall(self.path, key)
        conformed = conform(
            raw,
            name,
            target=self.crs,
            crs=crs,
            swap_axes=swap_axes,
            datum_shift=datum_shift,
            around=self.surroundings(but=name),
            mapping=fields,
            constants=constants,
            units=units,
            memory=memory,
            make_ids=make_ids,
            id_prefix=id_prefix,
            stored=None if old is None else old.index,
        )
        _refuse_rejected(conformed, raw.file, accept_valid=accept_valid)
        table = conformed.table if old is None else pd.concat([old, conformed.table])
        tell(_("保存"))
        version, beside = self._publish(name, table, conformed, base, data_class, raw.file)
        said = SourceMemory({**memory.mapping, **fields}, {**memory.units, **(units or {})})
        remember(self.path, key, raw, said)
        return ImportResult(
            layer=name,
            version=version,
            rows=len(table),
            rejected=len(conformed.rejected),
            problems=conformed.problems,
            notes=conformed.notes,
            rejected_file=beside,
        )

    def surroundings(self, *, but: str = "") -> Surroundings:
        """Return where the workspace lies and, where it has streets or parcels, their shapes.

        ``but`` names a layer that is not asked, since it is about to be replaced.
        """
        current = {name: one for name, one in self.versions().items() if name != but and one.rows}
        bounds = whole_bounds([self.path / one.file for one in current.values()])
        beside = next((current[name] for name in ("roads", "parcels") if name in current), None)
        return Surroundings(
            home_of(bounds, county_bounds(self.county), self.crs),
            None if beside is None else lambda: np.asarray(self._read(beside).geometry),
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
        current, made_at = self.versions(), datetime.now(UTC).isoformat(timespec="seconds")
        planned = [
            (layer, *self._answered(layer, some, current.get(layer), replace=replace))
            for layer, some in by_layer(answers).items()
        ]
        stored: list[Edit] = []
        for layer, table, changes in planned:
            if not changes:
                continue
            base = current.get(layer)
            version = 1 if base is None else base.version + 1
            edits = [
                Edit(layer, version, *change, author.strip(), note.strip(), made_at)
                for change in changes
            ]
            self._publish(
                layer,
                table,
                Conformed(table, pd.DataFrame(), (), ()),
                base,
                "internal" if base is None else base.data_class,
                _ANSWERS,
                edits,
            )
            stored += edits
        return stored

    def edits(self) -> list[Edit]:
        """Return every cell that an answer changed, the first one first."""
        return self._registry().edits()

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
        return answered(layer, self._read(base), answers, replace=replace)

    def versions(self) -> dict[str, LayerVersion]:
        """Return the current version of each imported layer."""
        return self._registry().current()

    def survey(self) -> Survey:
        """Read the current version of every layer.

        Raises ``WorkspaceError`` if a stored file is gone or is not the one that was stored.
        """
        versions = self.versions()
        tables = {layer: self._read(version) for layer, version in versions.items()}
        return Survey(self.crs, tables, self.county, self.synthetic, versions)

    def applications(self) -> list[dict[str, Any]]:
        """Return all applications, ordered by id."""
        files = sorted((self.path / "applications").glob("*.json"))
        return [_read_application(file) for file in files]

    def application(self, application_id: str) -> dict[str, Any]:
        """Return one application; raise ``WorkspaceError`` if there is none of this id."""
        file = self._application_file(application_id)
        if not file.is_file():
            raise WorkspaceError(
                _("工作区中没有报装申请“{}”。请核对编号,或先保存该申请。").format(application_id)
            )
        return _read_application(file)

    def save_application(self, application: Mapping[str, Any]) -> None:
        """Store an application under its ``application_id``, replacing an earlier one."""
        file = self._application_file(application.get("application_id"))
        text = json.dumps(application, ensure_ascii=False, indent=2, allow_nan=False)
        file.parent.mkdir(exist_ok=True)
        write_durably(file, text + "\n")

    def _application_file(self, application_id: object) -> Path:
        if not isinstance(application_id, str) or not APPLICATION_ID.fullmatch(application_id):
            raise WorkspaceError(
                _(
                    "报装申请编号“{}”不合规则:须为 1 至 80 个文字、数字、-、_ 或 .,且不以标点开头。"
                ).format(str(application_id)[:80])
            )
        return self.path / "applications" / f"{application_id}.json"

    def _registry(self) -> Registry:
        return Registry(self.path / "tonggou.sqlite")

    def _read(self, version: LayerVersion) -> gpd.GeoDataFrame:
        file = self.path / version.file
        if not file.is_file() or sha256_of(file) != version.sha256:
            raise WorkspaceError(
                _("{}:文件缺失,或与入库时不一致。请从备份恢复,或重新导入图层 {}。").format(
                    version.file, version.layer
                )
            )
        return read_version(file, version.layer)

    def _publish(
        self,
        layer: str,
        table: gpd.GeoDataFrame,
        conformed: Conformed,
        base: LayerVersion | None,
        data_class: str,
        source_file: str,
        edits: Sequence[Edit] = (),
    ) -> tuple[int, Path | None]:
        """Write the files, then make them current in one transaction."""
        folder = self.path / "layers" / layer
        folder.mkdir(parents=True, exist_ok=True)
        with temporary_file(folder, ".gpkg") as draft, temporary_file(folder, ".csv") as rejects:
            write_version(draft, layer, table)
            write_rejects(rejects, conformed.rejected, conformed.problems)
            with self._registry().writing() as connection:
                latest = latest_version(connection, layer)
                if (base is not None or edits) and latest != (base.version if base else 0):
                    raise WorkspaceError(
                        _("图层 {} 在此期间有了新版本 {}。请重新运行。").format(layer, latest)
                    )
                stored = folder / f"{latest + 1}.gpkg"
                beside = folder / f"{latest + 1}.rejected.csv" if len(conformed.rejected) else None
                entry = LayerVersion(
                    layer=layer,
                    version=latest + 1,
                    file=stored.relative_to(self.path).as_posix(),
                    sha256=sha256_of(draft),
                    rows=len(table),
                    crs=crs_name(self.crs),
                    data_class=data_class,
                    imported_at=datetime.now(UTC).isoformat(timespec="seconds"),
                    source_file=source_file,
                    problems=len(conformed.problems),
                )
                record(connection, entry)
                record_edits(connection, edits)
                place_together({draft: stored, rejects: beside} if beside else {draft: stored})
        return entry.version, beside


def _fill(folder: Path, county: str, crs: CRS, synthetic: bool) -> None:
    for part in (*(f"layers/{layer}" for layer in LAYERS), "applications"):
        (folder / part).mkdir(parents=True)
    Registry(folder / "tonggou.sqlite").create()
    settings = (
        f'schema = {SCHEMA}\ncounty = "{county}"\ncrs = "{crs_name(crs)}"\n'
        f"synthetic = {str(synthetic).lower()}\n"
    )
    write_durably(folder / "workspace.toml", settings)


def _refuse_class(data_class: str) -> None:
    if data_class not in DATA_CLASSES:
        raise LayerError(
            _("数据类别“{}”不可入库,须为 {}。涉密数据不得导入。").format(
                data_class, "、".join(DATA_CLASSES)
            )
        )


def _refuse_rejected(conformed: Conformed, file: str, *, accept_valid: bool) -> None:
    errors = [problem for problem in conformed.problems if problem.severity == "error"]
    if not errors or (accept_valid and len(conformed.table)):
        return
    lines = [problem.message for problem in errors[:_SHOWN_PROBLEMS]]
    if len(errors) > _SHOWN_PROBLEMS:
        lines.append(_("……另有 {} 处").format(len(errors) - _SHOWN_PROBLEMS))
    cure = (
        _("没有一行可以导入。请改正后重新导入。")
        if accept_valid
        else _("请改正后重新导入,或加 --accept-valid 只导入其余行。")
    )
    summary = _("文件 {}:{} 行有 {} 处错误,未导入任何内容。{}").format(
        file, len(conformed.rejected), len(errors), cure
    )
    raise LayerError("\n".join([summary, *lines]), conformed.problems)


def _read_application(file: Path) -> dict[str, Any]:
    try:
        application = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        application = None
    if not isinstance(application, dict) or application.get("application_id") != file.stem:
        raise WorkspaceError(
            _("applications/{}:不是编号为 {} 的报装申请。请从备份恢复或重新保存。").format(
                file.name, file.stem
            )
        )
    return application

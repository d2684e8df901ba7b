"""The workspace database: versions of layers, what they were made from, answers and exports.

The same tables stand in an SQLite file or in a PostgreSQL schema. Rows are only ever added.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from language import gettext as _
from layers.edits import Edit
from layers.errors import WorkspaceError
from layers.survey import LayerVersion


@dataclass(frozen=True)
class SourceFile:
    """One file that a version was made from: its name then, its hash, and the copy that is kept."""

    layer: str
    version: int
    name: str
    sha256: str
    document: str


@dataclass(frozen=True)
class Export:
    """One time that a layer left the workspace: who took which version, how and what for."""

    layer: str
    version: int
    format: str
    author: str
    reason: str
    made_at: str


# Of the tables below: 1 had no authors, notes, counts of rows, sources and exports.
SCHEMA = 2
METADATA = sa.MetaData()
_VERSIONS = sa.Table(
    "layer_versions",
    METADATA,
    sa.Column("layer", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("crs", sa.Text, nullable=False),
    sa.Column("data_class", sa.Text, nullable=False),
    sa.Column("imported_at", sa.Text, nullable=False),
    sa.Column("source_file", sa.Text, nullable=False),
    sa.Column("problems", sa.Integer, nullable=False),
    sa.Column("author", sa.Text, nullable=False, server_default=""),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("rows_in", sa.Integer),
    sa.Column("rejected", sa.Integer),
)


def _numbered(name: str, *columns: sa.Column[Any]) -> sa.Table:
    """A table whose rows keep the order in which they were added."""
    number = sa.Column("number", sa.Integer, primary_key=True, autoincrement=True)
    return sa.Table(name, METADATA, number, *columns)


def _required(name: str, kind: type[sa.types.TypeEngine[Any]] = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


_EDITS = _numbered(
    "edits",
    _required("layer"),
    _required("version", sa.Integer),
    _required("feature_id"),
    _required("field"),
    sa.Column("old", sa.Text),
    _required("new"),
    _required("author"),
    _required("note"),
    _required("made_at"),
)
_SOURCES = _numbered(
    "layer_sources",
    _required("layer"),
    _required("version", sa.Integer),
    _required("name"),
    _required("sha256"),
    _required("document"),
)
_EXPORTS = _numbered(
    "exports",
    _required("layer"),
    _required("version", sa.Integer),
    _required("format"),
    _required("author"),
    _required("reason"),
    _required("made_at"),
)
_BUSY_TIMEOUT_S = 30.0  # one import holds the lock for well under a second

Row = TypeVar("Row", Edit, SourceFile, Export, LayerVersion)


class Registry:
    """Versions of layers and their history, behind a SQLAlchemy engine.

    ``name`` is what messages call the database; ``secret`` never appears in one.
    """

    def __init__(self, engine: sa.Engine, name: str, secret: str | None = None) -> None:
        self._engine = engine
        self._name = name
        self._secret = secret

    def current(self) -> dict[str, LayerVersion]:
        """Return the latest version of each layer."""
        return {version.layer: version for version in self.versions()}

    def versions(self) -> list[LayerVersion]:
        """Return every version, those of a layer in their order."""
        order = (_VERSIONS.c.version, _VERSIONS.c.layer)
        return self._rows(_VERSIONS, LayerVersion, *order)

    def edits(self) -> list[Edit]:
        """Return every answer that was stored, the first one first."""
        return self._rows(_EDITS, Edit, _EDITS.c.number)

    def sources(self) -> list[SourceFile]:
        """Return every file that a version was made from, the first one first."""
        return self._rows(_SOURCES, SourceFile, _SOURCES.c.number)

    def exports(self) -> list[Export]:
        """Return every export of a layer, the first one first."""
        return self._rows(_EXPORTS, Export, _EXPORTS.c.number)

    def record_export(self, export: Export) -> None:
        """Add an export."""
        with self.writing() as connection:
            connection.execute(_EXPORTS.insert().values(asdict(export)))

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection in a transaction; commit at the end, roll back on error.

        On SQLite it holds the write lock from the start and brings older tables up to date.
        """
        with self._connected() as plain:
            connection = plain.execution_options(tonggou_writes=True)
            with connection.begin():
                _upgrade(connection)
                yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection to read with."""
        with self._connected() as connection:
            yield connection

    def _rows(self, table: sa.Table, kind: type[Row], *order: sa.ColumnElement[Any]) -> list[Row]:
        """Rows of a table, with the columns that it has: older databases lack some."""
        with self._connected() as connection:
            there = _columns(connection, table)
            if not there:
                return []
            columns = [table.c[field.name] for field in fields(kind) if field.name in there]
            rows = connection.execute(sa.select(*columns).order_by(*order)).mappings()
            return [kind(**row) for row in rows]

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.DBAPIError as error:
            reason = str(error.orig).strip()
            if self._secret:
                reason = reason.replace(self._secret, "***")
            raise WorkspaceError(
                _("{}:数据库无法读写({})。请稍后重试;仍不行则从备份恢复。").format(
                    self._name, reason
                )
            ) from None


def embedded_engine(file: Path) -> sa.Engine:
    """An SQLite file: WAL, IMMEDIATE transactions, synchronous FULL."""
    engine = sa.create_engine(
        f"sqlite:///{file}", poolclass=sa.NullPool, connect_args={"timeout": _BUSY_TIMEOUT_S}
    )
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


def next_version(
    connection: sa.Connection, layer: str, base: int | None, answers_until: int | None = None
) -> int:
    """Return the number of the layer's next version.

    ``base`` is the version that the next one was made from, 0 for none; None where it does not
    matter. Raises ``WorkspaceError`` if another one was stored since, or, where ``base`` does not
    matter, if there are answers of a later version than ``answers_until``.
    """
    latest = _latest(connection, _VERSIONS, layer)
    answered = 0 if answers_until is None else _latest(connection, _EDITS, layer)
    if (base is not None and latest != base) or answered > (answers_until or 0):
        raise WorkspaceError(_("图层 {} 在此期间有了新版本 {}。请重新运行。").format(layer, latest))
    return latest + 1


def _latest(connection: sa.Connection, table: sa.Table, layer: str) -> int:
    """The last version of a layer in a table, 0 for none."""
    query = sa.select(sa.func.max(table.c.version)).where(table.c.layer == layer)
    return connection.execute(query).scalar() or 0


def record(
    connection: sa.Connection,
    version: LayerVersion,
    sources: Sequence[SourceFile] = (),
    edits: Sequence[Edit] = (),
) -> None:
    """Add a version of a layer with the files and the answers that made it."""
    connection.execute(_VERSIONS.insert().values(asdict(version)))
    if sources:
        connection.execute(_SOURCES.insert(), [asdict(source) for source in sources])
    if edits:
        connection.execute(_EDITS.insert(), [asdict(edit) for edit in edits])


def _upgrade(connection: sa.Connection) -> None:
    """Add what an SQLite file of an older schema lacks, within the transaction that writes."""
    if connection.dialect.name != "sqlite":
        return
    if connection.exec_driver_sql("PRAGMA user_version").scalar_one() >= SCHEMA:
        return
    METADATA.create_all(connection)
    there = _columns(connection, _VERSIONS)
    for column in _VERSIONS.columns:
        if column.name not in there:
            made = sa.schema.CreateColumn(column).compile(connection)
            connection.exec_driver_sql(f"ALTER TABLE {_VERSIONS.name} ADD COLUMN {made}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA}")


def _columns(connection: sa.Connection, table: sa.Table) -> set[str]:
    """Names of the columns that a table has in this database, none if it is not there."""
    if connection.dialect.name != "sqlite":  # made whole, never from an older schema
        return set(table.columns.keys())
    rows = connection.exec_driver_sql(f"PRAGMA table_info({table.name})")
    return {row[1] for row in rows}


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by us, below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("tonggou_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

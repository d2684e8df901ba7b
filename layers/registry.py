"""The workspace database: which version of each layer is current, and what it was made from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from gettext import gettext as _
from pathlib import Path

import sqlalchemy as sa

from layers.answers import Edit
from layers.errors import WorkspaceError
from layers.survey import LayerVersion

_METADATA = sa.MetaData()
_VERSIONS = sa.Table(
    "layer_versions",
    _METADATA,
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
)
# Made when the first answer is stored: workspaces of before have none.
_EDITS = sa.Table(
    "edits",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("layer", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("feature_id", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("old", sa.Text),
    sa.Column("new", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("made_at", sa.Text, nullable=False),
)
_BUSY_TIMEOUT_S = 30.0  # one import holds the lock for well under a second


class Registry:
    """Versions of layers in an SQLite file: WAL, IMMEDIATE transactions, synchronous FULL."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._engine = sa.create_engine(
            f"sqlite:///{file}", poolclass=sa.NullPool, connect_args={"timeout": _BUSY_TIMEOUT_S}
        )
        sa.event.listen(self._engine, "connect", _on_connect)
        sa.event.listen(self._engine, "begin", _on_begin)

    def create(self) -> None:
        """Make the tables in a new file."""
        with self.writing() as connection:
            _METADATA.create_all(connection, tables=[_VERSIONS])

    def current(self) -> dict[str, LayerVersion]:
        """Return the latest version of each layer."""
        query = sa.select(_VERSIONS).order_by(_VERSIONS.c.version)
        with self._connected() as connection:
            rows = connection.execute(query).mappings().all()
        return {row["layer"]: LayerVersion(**row) for row in rows}

    def edits(self) -> list[Edit]:
        """Return every answer that was stored, the first one first."""
        with self._connected() as connection:
            if not sa.inspect(connection).has_table(_EDITS.name):
                return []
            columns = [_EDITS.c[field.name] for field in fields(Edit)]
            rows = connection.execute(sa.select(*columns).order_by(_EDITS.c.number))
            return [Edit(**row) for row in rows.mappings()]

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection that holds the write lock; commit at the end, roll back on error."""
        with self._connected() as plain:
            connection = plain.execution_options(tonggou_writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.DBAPIError as error:
            raise WorkspaceError(
                _("{}:数据库无法读写({})。请稍后重试;仍不行则从备份恢复。").format(
                    self._file.name, error.orig
                )
            ) from None


def latest_version(connection: sa.Connection, layer: str) -> int:
    """Return the number of the layer's latest version, 0 if it has none."""
    query = sa.select(sa.func.max(_VERSIONS.c.version)).where(_VERSIONS.c.layer == layer)
    return connection.execute(query).scalar() or 0


def record(connection: sa.Connection, version: LayerVersion) -> None:
    """Add a version of a layer."""
    connection.execute(_VERSIONS.insert().values(asdict(version)))


def record_edits(connection: sa.Connection, edits: Sequence[Edit]) -> None:
    """Add the answers that made a version."""
    if edits:
        _EDITS.create(connection, checkfirst=True)
        connection.execute(_EDITS.insert(), [asdict(edit) for edit in edits])


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by us, below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("tonggou_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

"""A workspace kept in PostgreSQL with PostGIS: a schema, and in it a table for each version.

A version's table, its row in the registry and the files that it was made from are written in one
transaction. Triggers refuse every later change, and its hash is that of its content
(:func:`content_sha256`), so that it can be computed again from what is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import geopandas as gpd
import numpy as np
import pandas as pd
import psycopg
import shapely
import sqlalchemy as sa
from psycopg import sql
from pyproj import CRS
from sqlalchemy.dialects.postgresql import insert

from language import gettext as _
from layers import databases
from layers.errors import WorkspaceError
from layers.fields import layer_definition
from layers.placing import parse_crs
from layers.registry import METADATA, Registry, next_version, record
from layers.rejects import write_rejects
from layers.storage import Draft, source_rows
from layers.survey import LayerVersion
from layers.versions import (
    as_layer,
    hull_of,
    place_together,
    stored_geometry_type,
    sweep,
    temporary_file,
)

_SQL_TYPES = {"boolean": "boolean", "number": "double precision", "integer": "bigint"}
_ORDINAL = "ordinal"  # of the rows, as they were given
_OWN = (_ORDINAL, "geometry")
_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position
"""
_DOCUMENTS = sa.Table(
    "documents",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)
_REFUSE = """
CREATE FUNCTION {schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'tonggou: % is never changed', TG_TABLE_NAME; END $$
"""
_GUARD = """
CREATE TRIGGER unchanged BEFORE {events} OR TRUNCATE ON {schema}.{table}
FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change()
"""

_EXTENT = """
SELECT min(ST_XMin(geometry)), min(ST_YMin(geometry)),
       max(ST_XMax(geometry)), max(ST_YMax(geometry)) FROM {schema}.{table}
"""

Cells = dict[str, list[Any]]


class PostgisStorage:
    """Versions as tables ``<layer>_<version>`` of one schema, documents as rows of another table.

    ``root`` is the workspace's folder on this host; it gets copies of the rejected rows, to look
    at. Whoever has the folder's ``workspace.toml`` and the address opens the same workspace.
    """

    def __init__(self, root: Path, url: str, schema: str) -> None:
        self._root = root
        self._schema = schema
        name = databases.shown(url)
        self.registry = Registry(databases.engine(url, schema), name, databases.password(url))

    def create(self) -> None:
        """Make the schema with its tables; raise ``WorkspaceError`` without PostGIS."""
        with self.registry.writing() as connection:
            _need_postgis(connection)
            with _cursor(connection) as cursor:
                cursor.execute(self._sql("CREATE SCHEMA {schema}"))
                cursor.execute(self._sql(_REFUSE))
            METADATA.create_all(connection)
            _DOCUMENTS.create(connection)
            for table in METADATA.tables:
                self._guard(connection, table, "UPDATE OR DELETE")

    def discard(self) -> None:
        """Drop the schema of a workspace that could not be made."""
        with self.registry.writing() as connection, _cursor(connection) as cursor:
            cursor.execute(self._sql("DROP SCHEMA IF EXISTS {schema} CASCADE"))

    def refuse_absent(self) -> None:
        """Raise ``WorkspaceError`` if the database has no such workspace."""
        with self.registry.reading() as connection:
            if not sa.inspect(connection).has_schema(self._schema):
                raise WorkspaceError(
                    _("数据库中没有工作区 {}。请核对 TONGGOU_DATABASE_URL,或从备份恢复。").format(
                        self._schema
                    )
                )

    def publish(self, draft: Draft) -> tuple[LayerVersion, Path | None]:
        """Write table, documents and registry row in one transaction."""
        cells, shapes = _stored(draft.layer, draft.table)
        sha256 = content_sha256(cells, shapes)
        made = f"draft_{uuid4().hex}"
        folder = self._root / "layers" / draft.layer
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        with temporary_file(folder, ".csv") as rejects:
            write_rejects(rejects, draft.rejected, draft.problems)
            with self.registry.writing() as connection:
                self._fill(connection, made, draft, cells, shapes)
                self._refuse_unequal(connection, made, draft.layer, sha256)
                self._lock(connection)
                version = next_version(connection, draft.layer, draft.base, draft.answers_until)
                table = f"{draft.layer}_{version}"
                self._name(connection, made, table)
                entry = draft.entry(version, table, sha256)
                record(connection, entry, source_rows(draft, version), draft.edits(entry))
                self._keep_sources(connection, draft)
                beside = folder / f"{version}.rejected.csv" if len(draft.rejected) else None
                if beside:
                    name = beside.relative_to(self._root).as_posix()
                    _put(connection, name, rejects.read_bytes())
                    place_together({rejects: beside})
        return entry, beside

    def read(self, version: LayerVersion) -> gpd.GeoDataFrame:
        """Return the table of a version; raise ``WorkspaceError`` if it is not as it was stored."""
        with self.registry.reading() as connection:
            there = bool(self._columns(connection, version.file))
            cells, shapes = self._content(connection, version.file) if there else ({}, _NONE)
        if not there or content_sha256(cells, shapes) != version.sha256:
            raise WorkspaceError(
                _("{}:数据表缺失,或与入库时不一致。请从备份恢复,或重新导入图层 {}。").format(
                    version.file, version.layer
                )
            )
        stored = gpd.GeoDataFrame(
            {name: pd.Series(values, dtype=object) for name, values in cells.items()},
            geometry=shapes,
            crs=parse_crs(version.crs),
        )
        return as_layer(stored, version.layer)

    def bounds(self, versions: Sequence[LayerVersion]) -> np.ndarray | None:
        """Return west, south, east, north of versions together, without reading their rows."""
        found = []
        with self.registry.reading() as connection, _cursor(connection) as cursor:
            for version in versions:
                if self._columns(connection, version.file):
                    cursor.execute(self._sql(_EXTENT, table=sql.Identifier(version.file)))
                    found.append(cursor.fetchone())
        return hull_of(found)

    def names(self, folder: str) -> list[str]:
        """Return the names of the documents in a folder, sorted."""
        return sorted(name for name, _sha256 in self._documents(folder))

    def document(self, name: str) -> bytes | None:
        """Return a document, or None if there is none of this name."""
        query = sa.select(_DOCUMENTS.c.content).where(_DOCUMENTS.c.name == name)
        with self.registry.reading() as connection:
            content = connection.execute(query).scalar()
        return None if content is None else bytes(content)

    def keep(self, name: str, content: bytes) -> None:
        """Store or replace a document durably."""
        with self.registry.writing() as connection:
            _put(connection, name, content)

    def stamp(self, folder: str) -> Hashable:
        """Return what differs as soon as a document of the folder is added or changed."""
        return tuple(sorted(self._documents(folder)))

    def _documents(self, folder: str) -> list[tuple[str, str]]:
        here = _DOCUMENTS.c.name.startswith(f"{folder}/", autoescape=True)
        query = sa.select(_DOCUMENTS.c.name, _DOCUMENTS.c.sha256).where(here)
        with self.registry.reading() as connection:
            return [(name, sha256) for name, sha256 in connection.execute(query)]

    def _fill(
        self,
        connection: sa.Connection,
        table: str,
        draft: Draft,
        cells: Cells,
        shapes: np.ndarray,
    ) -> None:
        """Make a table and copy the rows into it."""
        definition = layer_definition(draft.layer)
        kind = stored_geometry_type(definition.geometry_types).replace("Unknown", "Geometry")
        srid = _srid(parse_crs(draft.crs))
        columns = [
            sql.SQL("{} {}").format(
                sql.Identifier(field.name), sql.SQL(_SQL_TYPES.get(field.type, "text"))
            )
            for field in definition.fields
        ]
        create = self._sql(
            "CREATE TABLE {schema}.{table} ({ordinal} integer PRIMARY KEY, {columns},"
            " geometry geometry({kind}, {srid}))",
            table=sql.Identifier(table),
            ordinal=sql.Identifier(_ORDINAL),
            columns=sql.SQL(", ").join(columns),
            kind=sql.SQL(kind),
            srid=sql.SQL(str(srid)),
        )
        copy = self._sql("COPY {schema}.{table} FROM STDIN", table=sql.Identifier(table))
        with _cursor(connection) as cursor:
            cursor.execute(create)
            hexed = shapely.to_wkb(shapely.set_srid(shapes, srid), hex=True, include_srid=True)
            with cursor.copy(copy) as rows:
                for ordinal, row in enumerate(zip(*cells.values(), hexed.tolist(), strict=True)):
                    rows.write_row((ordinal, *row))

    def _refuse_unequal(
        self, connection: sa.Connection, table: str, layer: str, sha256: str
    ) -> None:
        """Read back what was written: it must be what was meant."""
        if content_sha256(*self._content(connection, table)) != sha256:
            raise WorkspaceError(
                _("图层 {} 写入数据库后核对不符,未导入任何内容。请联系数据库管理员。").format(layer)
            )

    def _lock(self, connection: sa.Connection) -> None:
        """Let one writer at a time number its version; readers read on."""
        with _cursor(connection) as cursor:
            lock = "LOCK TABLE {schema}.layer_versions IN SHARE ROW EXCLUSIVE MODE"
            cursor.execute(self._sql(lock))

    def _name(self, connection: sa.Connection, made: str, table: str) -> None:
        """Give a filled table its name and its index; from now on it is never changed."""
        names = {"made": sql.Identifier(made), "table": sql.Identifier(table)}
        with _cursor(connection) as cursor:
            cursor.execute(self._sql("ALTER TABLE {schema}.{made} RENAME TO {table}", **names))
            cursor.execute(
                self._sql("CREATE INDEX ON {schema}.{table} USING gist (geometry)", **names)
            )
            cursor.execute(self._sql("ANALYZE {schema}.{table}", **names))
        self._guard(connection, table, "INSERT OR UPDATE OR DELETE")

    def _guard(self, connection: sa.Connection, table: str, events: str) -> None:
        with _cursor(connection) as cursor:
            cursor.execute(self._sql(_GUARD, table=sql.Identifier(table), events=sql.SQL(events)))

    def _keep_sources(self, connection: sa.Connection, draft: Draft) -> None:
        for source in draft.sources:
            there = sa.select(_DOCUMENTS.c.sha256).where(_DOCUMENTS.c.name == source.document)
            if connection.execute(there).scalar() is None:
                content = source.path.read_bytes()
                source.refuse_changed(hashlib.sha256(content).hexdigest())
                _put(connection, source.document, content)

    def _content(self, connection: sa.Connection, table: str) -> tuple[Cells, np.ndarray]:
        """Cells by column, and shapes, of a table as they were given to it."""
        names = [name for name in self._columns(connection, table) if name not in _OWN]
        select = self._sql(
            "SELECT {columns}, ST_AsBinary(geometry) FROM {schema}.{table} ORDER BY {ordinal}",
            table=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, names)),
            ordinal=sql.Identifier(_ORDINAL),
        )
        with _cursor(connection) as cursor:
            rows = cursor.execute(select, binary=True).fetchall()
        columns = list(zip(*rows, strict=True)) if rows else [()] * (len(names) + 1)
        *values, shapes = (list(column) for column in columns)
        return dict(zip(names, values, strict=True)), _shapes(shapes)

    def _columns(self, connection: sa.Connection, table: str) -> list[str]:
        """Names of a table's columns in order; none if it is not there."""
        with _cursor(connection) as cursor:
            cursor.execute(_COLUMNS, (self._schema, table))
            return [name for (name,) in cursor.fetchall()]

    def _sql(self, text: str, **parts: sql.Composable) -> sql.Composed:
        return sql.SQL(text).format(schema=sql.Identifier(self._schema), **parts)


_NONE = np.empty(0, dtype=object)


def content_sha256(cells: Mapping[str, Sequence[Any]], shapes: np.ndarray) -> str:
    """The hash of a table's content: JSON text of each column in order, then the shapes as WKB.

    ``cells`` holds text, truth values, whole numbers, finite floats and None; JSON writes a float
    with the fewest digits that give it back. WKB is in two dimensions, little endian.
    """
    digest = hashlib.sha256()
    for name, values in cells.items():
        text = json.dumps([name, list(values)], ensure_ascii=False, allow_nan=False)
        digest.update(f"{text}\n".encode())
    for wkb in shapely.to_wkb(shapes, byte_order=1, output_dimension=2):
        digest.update(wkb or b"-")
    return digest.hexdigest()


def _stored(layer: str, table: gpd.GeoDataFrame) -> tuple[Cells, np.ndarray]:
    """A layer's table as it is stored: plain cells by column, polygons as multi-polygons."""
    definition = layer_definition(layer)
    whole = table.reset_index()
    cells = {field.name: _plain(whole[field.name], field.type) for field in definition.fields}
    shapes = np.array(whole.geometry, dtype=object)
    if stored_geometry_type(definition.geometry_types) == "MultiPolygon":
        single = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
        shapes[single] = [shapely.MultiPolygon([one]) for one in shapes[single]]
    return cells, shapes


def _plain(column: pd.Series, kind: str) -> list[Any]:
    known = column.notna()
    make = {"boolean": bool, "number": float, "integer": int}.get(kind, str)
    return [make(v) if k else None for v, k in zip(column.tolist(), known.tolist(), strict=True)]


def _shapes(wkb: list[bytes | None]) -> np.ndarray:
    return np.asarray(shapely.from_wkb(np.array(wkb, dtype=object)), dtype=object)


def _put(connection: sa.Connection, name: str, content: bytes) -> None:
    values = {"content": content, "sha256": hashlib.sha256(content).hexdigest()}
    query = insert(_DOCUMENTS).values(name=name, **values)
    connection.execute(query.on_conflict_do_update(index_elements=["name"], set_=values))


def _srid(crs: CRS) -> int:
    code = crs.to_epsg()
    if code is None:
        raise WorkspaceError(_("坐标系 {} 没有 EPSG 代码,不能存入 PostGIS。").format(crs.name))
    return int(code)


def _need_postgis(connection: sa.Connection) -> None:
    there = "SELECT count(*) FROM pg_extension WHERE extname = 'postgis'"
    if connection.exec_driver_sql(there).scalar_one():
        return
    with _cursor(connection) as cursor:
        try:
            cursor.execute("CREATE EXTENSION postgis")
        except sa.exc.DBAPIError:
            raise WorkspaceError(
                _("数据库没有 PostGIS,本用户也不能安装。请管理员运行 CREATE EXTENSION postgis。")
            ) from None


@contextmanager
def _cursor(connection: sa.Connection) -> Iterator[psycopg.Cursor[Any]]:
    """The driver's own cursor in the running transaction; its errors as SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    try:
        with driver.cursor() as cursor:
            yield cursor
    except psycopg.Error as error:
        raise sa.exc.DBAPIError(None, None, error) from error

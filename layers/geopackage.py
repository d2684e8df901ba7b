"""GeoPackage, read as the SQLite file that it is, without its own SQL ever running.

GDAL is not asked: it believes a stored feature count, and it reads a cell by the column's declared
type, so that the text ``DN200`` in an INTEGER column would come out as the number 0.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from language import gettext as _
from layers.choosing import choose
from layers.errors import ReadError
from layers.raw import RawLayer, Wanted

# SQLite calls back after so many virtual-machine steps; so many calls is about half a minute.
_STEPS_PER_CALL = 1_000_000
_MAX_CALLS = 2_000
# Fixed part of a geometry blob's header, and the size of its envelope by the code in its flags.
_HEADER_BYTES = 8
_ENVELOPE_BYTES = {1: 32, 2: 48, 3: 48, 4: 64}


def read_geopackage(path: Path, wanted: Wanted) -> RawLayer:
    """Read one feature table; raise ``ReadError`` if it is damaged, missing or no plain table.

    Views and virtual tables are refused, since they are programs. The CRS is None where the file
    declares one of GeoPackage's two undefined systems.
    """
    with _opened(path) as database:
        _check_pages(database, path)
        table = _choose(database, path, wanted)
        geometry, crs = _geometry_column(database, table)
        cursor = database.execute(f"SELECT * FROM {_quoted(table)}")
        names = [column[0] for column in cursor.description]
        cells = pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)
    shapes, unreadable = _shapes(cells.pop(geometry))
    return RawLayer(path.name, table, cells, shapes, unreadable, crs)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open read-only with the file's own SQL distrusted, and a limit on the work it may cause."""
    calls = iter(range(_MAX_CALLS))
    pending = path.with_name(path.name + "-wal")
    waiting = pending.exists() and pending.stat().st_size > 0
    mode = "mode=ro" if waiting else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True)) as database:
            database.text_factory = lambda raw: raw.decode("utf-8")
            database.set_progress_handler(lambda: next(calls, None) is None, _STEPS_PER_CALL)
            for pragma in ("trusted_schema=OFF", "query_only=ON", "cell_size_check=ON"):
                database.execute(f"PRAGMA {pragma}")
            yield database
    except UnicodeDecodeError:
        raise ReadError(
            _("文件 {}:有文字不是 UTF-8 编码。请重新导出为标准 GeoPackage。").format(path.name)
        ) from None
    except sqlite3.Error:
        raise ReadError(
            _("文件 {}:GeoPackage 已损坏,或无法在限定时间内读完。请重新导出。").format(path.name)
        ) from None


def _check_pages(database: sqlite3.Connection, path: Path) -> None:
    if database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise ReadError(_("文件 {}:GeoPackage 数据页已损坏。请重新导出。").format(path.name))


def _choose(database: sqlite3.Connection, path: Path, asked: Wanted) -> str:
    """Return the name of the feature table to read."""
    tables = {
        name: sql or "" for name, sql in database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
        )
    }  # fmt: skip
    if not {"gpkg_contents", "gpkg_geometry_columns"} <= tables.keys():
        raise ReadError(
            _("文件 {}:是 SQLite 数据库,但不是 GeoPackage。请导出为 GeoPackage。").format(path.name)
        )
    found = [
        row[0]
        for row in database.execute("SELECT table_name FROM gpkg_geometry_columns ORDER BY 1")
    ]
    wanted = choose(found, asked, shown=path.name)
    if wanted not in tables or tables[wanted].upper().startswith("CREATE VIRTUAL"):
        raise ReadError(
            _("文件 {}:图层“{}”是视图或虚拟表,不是数据表。请导出为普通图层。").format(
                path.name, wanted
            )
        )
    return wanted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _geometry_column(database: sqlite3.Connection, table: str) -> tuple[str, CRS | None]:
    column, srs_id = database.execute(
        "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?", (table,)
    ).fetchone()
    declared = database.execute(
        "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys"
        " WHERE srs_id = ?",
        (srs_id,),
    ).fetchone()
    return column, _crs(*declared) if declared else None


def _crs(organization: str, code: int, definition: str) -> CRS | None:
    """Return a CRS that has a place on Earth, or None."""
    try:
        if str(organization).upper() == "EPSG":
            return CRS.from_epsg(int(code))
        crs = CRS.from_wkt(str(definition))
    except (CRSError, ValueError, TypeError):
        return None
    return crs if crs.is_geographic or crs.is_projected else None


def _shapes(blobs: pd.Series) -> tuple[np.ndarray, dict[int, str]]:
    """Return the geometries of GeoPackage blobs, and the reason of each that is unreadable."""
    wkb = [_wkb(blob) for blob in blobs]
    shapes = shapely.from_wkb(np.array([*wkb, None], dtype=object), on_invalid="ignore")[:-1]
    present = blobs.notna().to_numpy()
    bad = np.flatnonzero(present & shapely.is_missing(shapes))
    reason = _("几何不成形(环未闭合、点数不足或已损坏)")
    return shapes, dict.fromkeys(bad.tolist(), reason)


def _wkb(blob: object) -> bytes | None:
    """Return the WKB behind a GeoPackage header (OGC 12-128r18, 2.1.3), None if there is none."""
    if not isinstance(blob, bytes) or len(blob) < _HEADER_BYTES or not blob.startswith(b"GP"):
        return None
    envelope = blob[3] >> 1 & 0b111
    return blob[_HEADER_BYTES + _ENVELOPE_BYTES.get(envelope, 0) :]

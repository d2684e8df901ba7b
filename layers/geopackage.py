"""GeoPackage: looked over by SQLite first, then read by GDAL through Arrow, never written into."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from gettext import gettext as _
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.errors import ReadError
from layers.gdal_safety import refuse_unsafe_drivers
from layers.raw import RawLayer

# SQLite calls back after so many virtual-machine steps; so many calls is about half a minute.
_STEPS_PER_CALL = 1_000_000
_MAX_CALLS = 2_000


def read_geopackage(path: Path, *, source_layer: str | None, layer: str) -> RawLayer:
    """Read one feature table; raise ``ReadError`` if it is damaged, missing or no plain table.

    Views and virtual tables are refused, since they are programs. The rows read must be as many
    as SQLite counts: a stored feature count may lie.
    """
    with _opened(path) as database:
        _check_pages(database, path)
        table = _choose(database, path, source_layer, layer)
        counted = database.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]
    cells, shapes, unreadable, crs = _features(path, table)
    if len(cells) != counted:
        raise ReadError(
            _("文件 {}:图层 {} 有 {} 行,只能读出 {} 行,文件已损坏。请重新导出。").format(
                path.name, table, counted, len(cells)
            )
        )
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
            database.text_factory = lambda raw: raw.decode("utf-8", "replace")
            database.set_progress_handler(lambda: next(calls, None) is None, _STEPS_PER_CALL)
            for pragma in ("trusted_schema=OFF", "query_only=ON", "cell_size_check=ON"):
                database.execute(f"PRAGMA {pragma}")
            yield database
    except sqlite3.Error:
        raise ReadError(
            _("文件 {}:GeoPackage 已损坏,或无法在限定时间内读完。请重新导出。").format(path.name)
        ) from None


def _check_pages(database: sqlite3.Connection, path: Path) -> None:
    if database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise ReadError(_("文件 {}:GeoPackage 数据页已损坏。请重新导出。").format(path.name))


def _choose(database: sqlite3.Connection, path: Path, source_layer: str | None, layer: str) -> str:
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
    found = [row[0] for row in database.execute("SELECT table_name FROM gpkg_geometry_columns")]
    wanted = source_layer or (layer if layer in found else found[0] if len(found) == 1 else None)
    if wanted is None or wanted not in found:
        problem = (
            _("没有图层“{}”").format(source_layer) if source_layer else _("须指明要导入的图层")
        )
        raise ReadError(
            _("文件 {}:{}。文件中的图层:{}。请用 --source-layer 指定。").format(
                path.name, problem, "、".join(found) or _("无")
            )
        )
    if wanted not in tables or tables[wanted].upper().startswith("CREATE VIRTUAL"):
        raise ReadError(
            _("文件 {}:图层“{}”是视图或虚拟表,不是数据表。请导出为普通图层。").format(
                path.name, wanted
            )
        )
    return wanted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _features(
    path: Path, table: str
) -> tuple[pd.DataFrame, np.ndarray, dict[int, str], CRS | None]:
    import pyarrow as pa
    import pyogrio

    refuse_unsafe_drivers()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # remarks on the file's making
            meta, arrow = pyogrio.read_arrow(path, layer=table, return_fids=True)
        geometry = meta["geometry_name"] or "wkb_geometry"
        wkb = arrow.column(geometry).to_numpy(zero_copy_only=False)
        cells = arrow.drop_columns([geometry]).to_pandas(
            date_as_object=True, timestamp_as_object=True, integer_object_nulls=True
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError,
            pyogrio.errors.CRSError, pa.ArrowException, KeyError, UnicodeDecodeError):  # fmt: skip
        raise ReadError(
            _("文件 {}:图层 {} 无法读出,内容已损坏。请重新导出。").format(path.name, table)
        ) from None
    shapes = shapely.from_wkb(wkb, on_invalid="ignore")
    missing = np.array([blob is None for blob in wkb], dtype=bool)
    bad = np.flatnonzero(~missing & np.equal(shapes, None))
    reason = _("几何不成形(环未闭合、点数不足或已损坏)")
    return cells, shapes, dict.fromkeys(bad.tolist(), reason), _crs(meta["crs"])


def _crs(text: str | None) -> CRS | None:
    """Return a CRS that has a place on Earth; GeoPackage's two undefined systems are None."""
    try:
        crs = CRS.from_user_input(text) if text else None
    except CRSError:
        return None
    return crs if crs is not None and (crs.is_geographic or crs.is_projected) else None

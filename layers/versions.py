"""Files of stored layer versions: written whole and checked, or not at all."""

from __future__ import annotations

import hashlib
import os
import socket
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from language import gettext as _
from layers.errors import WorkspaceError
from layers.fields import layer_definition
from layers.shapes import flatten

_STORED_TYPES = {
    "text": "string",
    "enum": "string",
    "date": "string",
    "boolean": "boolean",
    "number": "float64",
    "integer": "Int64",
}
# GeoPackage 1.2: QGIS 3.22 and field devices warn of anything newer.
_GEOPACKAGE_VERSION = "1.2"
# Drafts are called .tmp-<host>-<process>-…, so that those left by a killed program can be told.
_DRAFT = ".tmp-"
_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
_OLD_S = 86_400.0  # no import takes a day


def write_version(path: Path, layer: str, table: gpd.GeoDataFrame) -> None:
    """Write a layer's table as a GeoPackage and make sure that it reached the disk whole."""
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

    definition = layer_definition(layer)
    types = {field.name: _STORED_TYPES[field.type] for field in definition.fields}
    geometry_type = stored_geometry_type(definition.geometry_types)
    try:
        table.reset_index().astype(types).to_file(
            path,
            driver="GPKG",
            layer=layer,
            engine="pyogrio",
            use_arrow=True,
            geometry_type=geometry_type,
            promote_to_multi=geometry_type == "MultiPolygon",
            dataset_options={"VERSION": _GEOPACKAGE_VERSION},
        )
    except (DataSourceError, DataLayerError, FeatureError):
        raise WorkspaceError(
            _("图层 {} 写入失败。请检查磁盘空间和文件夹权限后重试。").format(layer)
        ) from None
    _check_written(path, layer, len(table))
    sync(path)


def stored_geometry_type(types: tuple[str, ...]) -> str:
    """Return the type declared in the file: polygons may have parts, a mixed layer has none."""
    if len(types) > 1:
        return "Unknown"
    return "MultiPolygon" if types == ("Polygon",) else types[0]


def whole_bounds(paths: Iterable[Path]) -> np.ndarray | None:
    """Return west, south, east, north of all stored files together, without reading their rows.

    A file that cannot be read says nothing here. None if none says anything.
    """
    from pyogrio import read_info
    from pyogrio.errors import DataLayerError, DataSourceError

    found = []
    for path in paths:
        try:
            found.append(read_info(path)["total_bounds"])
        except (DataSourceError, DataLayerError):
            continue
    return hull_of(found)


def hull_of(boxes: Iterable[Sequence[float | None] | None]) -> np.ndarray | None:
    """Return west, south, east, north of all boxes that are finite; None if none is."""
    bounds = np.array([one for one in boxes if one is not None], dtype=float).reshape(-1, 4)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(bounds):
        return None
    whole: np.ndarray = np.hstack([bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)])
    return whole


def read_version(path: Path, layer: str) -> gpd.GeoDataFrame:
    """Read a stored version as the table of a ``Survey``, indexed by id."""
    return as_layer(gpd.read_file(path, layer=layer, engine="pyogrio", use_arrow=True), layer)


def as_layer(stored: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Return what was stored as the table of a ``Survey``, indexed by id.

    A field that the layer was given after the version was stored is unknown in all of its rows.
    """
    definition = layer_definition(layer)
    later = [field.name for field in definition.fields if field.name not in stored]
    stored = stored.assign(**dict.fromkeys(later))
    columns = {field.name: _plain(stored[field.name], field.type) for field in definition.fields}
    shapes = flatten(np.asarray(stored.geometry))
    table = gpd.GeoDataFrame(columns, geometry=shapes, crs=stored.crs)
    return table.set_index(definition.id_field)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def temporary_file(folder: Path, suffix: str) -> Iterator[Path]:
    """Give the name of a new file in ``folder`` that is removed unless it was renamed."""
    prefix = f"{_DRAFT}{_HOST}-{os.getpid()}-"
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=folder)
    os.close(handle)
    path = Path(name)
    path.unlink()
    try:
        yield path
    finally:
        for leftover in folder.glob(path.name + "*"):
            leftover.unlink()


def sweep(folder: Path) -> None:
    """Remove the drafts of programs that are gone; those of programs at work stay."""
    for leftover in folder.glob(f"{_DRAFT}*"):
        with suppress(FileNotFoundError):
            if _abandoned(leftover):
                leftover.unlink()


def _abandoned(draft: Path) -> bool:
    """Whether nobody writes this draft any more: its process is gone, or it is very old."""
    host, _dash, rest = draft.name.removeprefix(_DRAFT).partition("-")
    number = rest.partition("-")[0]
    # Elsewhere than on POSIX, asking after a process may end it.
    if os.name == "posix" and host == _HOST and number.isdecimal():
        return not _alive(int(number))
    return time.time() - draft.stat().st_mtime > _OLD_S


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def write_durably(path: Path, content: bytes) -> None:
    """Write or replace a file so that a crash leaves the old or the new one."""
    with temporary_file(path.parent, path.suffix) as draft:
        draft.write_bytes(content)
        sync(draft)
        draft.replace(path)
    _sync_folder(path.parent)


def place_together(targets: Mapping[Path, Path]) -> None:
    """Rename each file to its target, all of them or none, and make that durable."""
    placed: list[Path] = []
    try:
        for file, target in targets.items():
            sync(file)
            target.parent.mkdir(exist_ok=True)
            file.replace(target)
            placed.append(target)
        for folder in {target.parent for target in placed}:
            _sync_folder(folder)
    except OSError:
        for target in placed:
            target.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        sync(folder)


def sync(path: Path) -> None:
    """Return when a file, or what a folder says of its files, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_written(path: Path, layer: str, rows: int) -> None:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        counted = database.execute(f'SELECT count(*) FROM "{layer}"').fetchone()[0]
        sound = database.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    if counted != rows or not sound:
        raise WorkspaceError(
            _("图层 {} 写入后核对不符:应有 {} 行,实有 {} 行。请检查磁盘空间后重试。").format(
                layer, rows, counted
            )
        )


def _plain(column: pd.Series, kind: str) -> pd.Series:
    """Return a column with NaN for unknown numbers and None for all other unknowns."""
    if kind in ("number", "integer"):
        return column.astype("float64")
    plain = column.astype(object)
    return plain.where(plain.notna(), None)

"""FlatGeobuf and GeoParquet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyproj import CRS
from pyproj.exceptions import CRSError

from language import gettext as _
from layers.errors import ReadError
from layers.gdal_files import plain_cells, read_vector, shapes_of
from layers.raw import RawLayer, Wanted

_ROWS_AT_ONCE = 65536


def is_flatgeobuf(head: bytes) -> bool:
    """Tell FlatGeobuf by its magic bytes; the fourth is the version."""
    return head.startswith(b"fgb\x03fgb")


def read_flatgeobuf(path: Path, _wanted: Wanted) -> RawLayer:
    """Read a FlatGeobuf file."""
    return replace(read_vector(path, "FlatGeobuf", shown=path.name), source_layer=None)


def is_parquet(head: bytes) -> bool:
    """Tell Parquet by its magic bytes."""
    return head.startswith(b"PAR1")


def read_geoparquet(path: Path, _wanted: Wanted) -> RawLayer:
    """Read a GeoParquet file (specification 1.1, WKB); without a CRS it is WGS 84, as that says.

    A CRS of null is unknown.
    """
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path, memory_map=False) as file:
            geo = json.loads((file.schema_arrow.metadata or {}).get(b"geo", b"null"))
            name, column = _geometry(geo, path)
            batches = file.iter_batches(batch_size=_ROWS_AT_ONCE, use_threads=False)
            table = pa.Table.from_batches(batches, schema=file.schema_arrow)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, ReadError):
            raise
        raise ReadError(
            _("文件 {}:Parquet 已损坏或不完整。请重新导出。").format(path.name)
        ) from error
    cells = {
        one: plain_cells(table.column(one))
        for one in table.column_names
        if one != name and one not in geo["columns"] and one != "bbox"
    }
    frame = pd.DataFrame(cells, index=pd.RangeIndex(table.num_rows), dtype=object)
    shapes, unreadable = shapes_of(table.column(name).to_pylist())
    return RawLayer(path.name, None, frame, np.asarray(shapes), unreadable, _crs(column, path))


def _geometry(geo: Any, path: Path) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the description of the main geometry column."""
    try:
        name = str(geo["primary_column"])
        column = geo["columns"][name]
        encoding = column["encoding"]
    except (TypeError, KeyError):
        raise ReadError(
            _("文件 {}:是 Parquet 表,但不是 GeoParquet(没有图形列)。请导出为 GeoParquet。").format(
                path.name
            )
        ) from None
    if encoding != "WKB":
        raise ReadError(
            _("文件 {}:图形的编码为“{}”,只读取 WKB。请重新导出。").format(
                path.name, str(encoding)[:20]
            )
        )
    return name, column


def _crs(column: Mapping[str, Any], path: Path) -> CRS | None:
    if "crs" not in column:
        return CRS.from_authority("OGC", "CRS84")
    if column["crs"] is None:
        return None
    try:
        return CRS.from_json_dict(column["crs"])
    except (CRSError, TypeError, ValueError, AttributeError):
        raise ReadError(
            _("文件 {}:坐标系的说明无法解读。请重新导出,或去掉坐标系后用 --crs 指明。").format(
                path.name
            )
        ) from None

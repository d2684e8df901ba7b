"""Read a vector file by the one GDAL driver that its content names, row by row accounted for."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from language import gettext as _
from layers.errors import ReadError
from layers.gdal_safety import only_driver
from layers.raw import RawLayer

# Codes of CircularString to MultiSurface (ISO 13249-3), thousands aside.
_CURVES = range(8, 15)
_WKB_HEADER_BYTES = 5


def layers_of(path: Path, driver: str, *, shown: str) -> list[str]:
    """Return the names of the layers inside a file, as ``driver`` sees them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # reading says the same again
        return [str(name) for name, _kind in _asked(driver, "list_layers", path, shown=shown)]


def read_vector(
    path: Path,
    driver: str,
    *,
    shown: str,
    layer: str | None = None,
    **options: Any,
) -> RawLayer:
    """Read all features of a layer; a geometry that is broken is None, with the reason.

    Raises ``ReadError`` if the driver cannot open the file or read to its end.
    """
    asked = {"shown": shown, "layer": layer, **options}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        meta, table = _asked(driver, "read_arrow", path, datetime_as_string=True, **asked)
        name = meta["geometry_name"] or "wkb_geometry"
        wkb = table.column(name).to_pylist() if name in table.column_names else []
        if any(_is_curved(one) for one in wkb):  # this way GDAL draws curves as lines
            wkb = _asked(driver, "read", path, columns=[], **asked)[2].tolist()
    cells = {str(name): plain_cells(table.column(str(name))) for name in meta["fields"]}
    frame = pd.DataFrame(cells, index=pd.RangeIndex(table.num_rows), dtype=object)
    if len(wkb) != table.num_rows:
        wkb = [None] * table.num_rows
    shapes, unreadable = shapes_of(wkb)
    notes = tuple(dict.fromkeys(_("GDAL:{}").format(one.message) for one in said))
    return RawLayer(shown, layer, frame, shapes, unreadable, _crs(meta["crs"]), notes)


def _is_curved(wkb: bytes | None) -> bool:
    """Tell circular strings, compound curves and what is made of them by their type code."""
    if wkb is None or len(wkb) < _WKB_HEADER_BYTES:
        return False
    code = int.from_bytes(wkb[1:5], "little" if wkb[0] else "big")
    return code % 1000 in _CURVES


def _asked(driver: str, function: str, path: Path, *, shown: str, **options: Any) -> Any:
    """Call pyogrio, loaded with one driver; what it raises over a file is a ``ReadError``."""
    pyogrio = only_driver(driver)
    call = getattr(pyogrio.raw, function, None) or getattr(pyogrio, function)
    try:
        return call(path, **options)
    except (ValueError, RuntimeError, OSError, pa.ArrowException) as error:
        raise ReadError(
            _("文件 {}:内容残缺或不合 {} 格式,无法读取。请用原软件打开核对并重新导出。").format(
                shown, driver
            )
        ) from error


def plain_cells(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of Arrow as objects, lists and records in it as JSON text."""
    cells = [
        json.dumps(one, ensure_ascii=False, default=str) if isinstance(one, list | dict) else one
        for one in column.to_pylist()
    ]
    return np.fromiter(cells, dtype=object, count=len(cells))


def shapes_of(wkb: list[bytes | None]) -> tuple[np.ndarray, dict[int, str]]:
    """Return geometries, and the reason of each that cannot be one."""
    with np.errstate(invalid="ignore"):
        try:
            made = shapely.from_wkb(np.array([*wkb, None], dtype=object), on_invalid="ignore")
        except NotImplementedError:  # surfaces in space and the like, one by one
            made = np.array([*map(_shape, wkb), None], dtype=object)
    shapes = made[:-1]
    present = np.array([one is not None for one in wkb], dtype=bool)
    bad = np.flatnonzero(present & shapely.is_missing(shapes))
    reason = _("几何不成形(环未闭合、点数不足或已损坏)")
    return shapes, dict.fromkeys(bad.tolist(), reason)


def _shape(wkb: bytes | None) -> object:
    try:
        return shapely.from_wkb(wkb, on_invalid="ignore")
    except NotImplementedError:
        return None


def _crs(declared: str | None) -> CRS | None:
    """Return a CRS that has a place on Earth, or None."""
    try:
        crs = CRS.from_user_input(declared) if declared else None
    except CRSError:
        return None
    return crs if crs is not None and (crs.is_geographic or crs.is_projected) else None

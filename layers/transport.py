"""A RawLayer as two files: Arrow for its cells and WKB, JSON for all else. Nothing is pickled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyproj import CRS

from layers.raw import RawLayer, Skipped

_CELLS = "cells.arrow"
_REST = "layer.json"
_SHAPES = "wkb"
# Types of cells that a column of Arrow keeps as they are, where all cells of a column have it.
_PLAIN = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
_MIXED = b"mixed"


def save(raw: RawLayer, folder: Path) -> None:
    """Write a layer into a folder."""
    columns = [_packed(raw.cells.iloc[:, n].tolist()) for n in range(raw.cells.shape[1])]
    fields = [
        pa.field(str(n), column.type, metadata={"cells": _MIXED} if mixed else None)
        for n, (column, mixed) in enumerate(columns)
    ]
    shapes = pa.array(shapely.to_wkb(raw.shapes, flavor="iso").tolist(), pa.binary())
    schema = pa.schema([*fields, pa.field(_SHAPES, pa.binary())])
    table = pa.table([*(column for column, _ in columns), shapes], schema=schema)
    with pa.OSFile(str(folder / _CELLS), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_table(table)
    rest = {
        "file": raw.file,
        "source_layer": raw.source_layer,
        "columns": [str(name) for name in raw.cells.columns],
        "unreadable": {str(position): why for position, why in raw.unreadable.items()},
        "crs": None if raw.crs is None else raw.crs.to_json(),
        "crs_is_usual": raw.crs_is_usual,
        "notes": list(raw.notes),
        "used": list(raw.used),
        "sheets": list(raw.sheets),
        "sheet_rows": list(raw.sheet_rows),
        "skipped": [asdict(one) for one in raw.skipped],
    }
    (folder / _REST).write_text(json.dumps(rest), encoding="ascii")


def load(folder: Path) -> RawLayer:
    """Read the layer that :func:`save` wrote; cells come back equal and of the same types."""
    rest = json.loads((folder / _REST).read_text(encoding="ascii"))
    with pa.memory_map(str(folder / _CELLS)) as source:
        table = pa.ipc.open_file(source).read_all()
        cells = [
            _unpacked(table.column(n), table.schema.field(n)) for n in range(table.num_columns - 1)
        ]
        wkb = np.array([*table.column(_SHAPES).to_pylist(), None], dtype=object)
    with np.errstate(invalid="ignore"):  # coordinates that are no numbers are the checks' matter
        # The last one is None, so that numpy makes no array of numbers of an empty layer.
        shapes = shapely.from_wkb(wkb)[:-1]
    index = pd.RangeIndex(table.num_rows)
    frame = pd.DataFrame(dict(enumerate(cells)), index=index, dtype=object)
    frame.columns = pd.Index(rest["columns"], dtype=object)
    return RawLayer(
        file=rest["file"],
        source_layer=rest["source_layer"],
        cells=frame,
        shapes=shapes,
        unreadable={int(position): why for position, why in rest["unreadable"].items()},
        crs=None if rest["crs"] is None else CRS.from_json(rest["crs"]),
        crs_is_usual=rest["crs_is_usual"],
        notes=tuple(rest["notes"]),
        used=tuple(rest["used"]),
        sheets=tuple(rest["sheets"]),
        sheet_rows=tuple(rest["sheet_rows"]),
        skipped=tuple(Skipped(**one) for one in rest["skipped"]),
    )


def _packed(cells: Sequence[Any]) -> tuple[pa.Array, bool]:
    """A column as Arrow, and whether its cells are JSON because they are of several types."""
    cells = [one.item() if isinstance(one, np.generic) else one for one in cells]
    kinds = set(map(type, cells)) - {type(None)}
    if len(kinds) <= 1:
        kind = next(iter(kinds), str)
        try:
            if kind in _PLAIN:
                return pa.array(cells, _PLAIN[kind], from_pandas=False), False
        except (pa.ArrowInvalid, UnicodeEncodeError, OverflowError):
            pass  # halves of surrogate pairs, or numbers of more than 64 bits
    return pa.array([_tagged(one) for one in cells], pa.string()), True


def _unpacked(column: pa.ChunkedArray, field: pa.Field) -> np.ndarray:
    cells = column.to_pylist()
    if (field.metadata or {}).get(b"cells") == _MIXED:
        cells = [_untagged(one) for one in cells]
    return np.fromiter(cells, dtype=object, count=len(cells))


def _tagged(cell: object) -> str | None:
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return None
    if isinstance(cell, bytes):
        return json.dumps({"hex": cell.hex()})
    if isinstance(cell, datetime):  # of pandas as well
        return json.dumps({"time": cell.isoformat()})
    if isinstance(cell, date):
        return json.dumps({"day": cell.isoformat()})
    if isinstance(cell, str | bool | int | float):
        return json.dumps(cell)
    return json.dumps(str(cell))


def _untagged(text: str | None) -> object:
    if text is None:
        return None
    value = json.loads(text)
    if not isinstance(value, dict):
        return value
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    if "time" in value:
        return datetime.fromisoformat(value["time"])
    return date.fromisoformat(value["day"])

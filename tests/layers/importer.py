"""Imports in a process that may be killed: started once, it forks a child for every order.

An order is a line of JSON. The child stores versions of the parcels, each row of a version naming
it, and writes a line into the file of acknowledgements after each; whoever reads that line may
rely on the version.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow  # noqa: F401  (loaded before the children need it)
import pyogrio

from layers import databases
from layers.sources import sources_of
from layers.storage import Draft
from layers.store import Workspace
from tests.layers.layer_files import square


def serve() -> None:
    """Fork a child for each order; say its id, and when it is gone."""
    pyogrio.list_drivers()  # loads what every child needs
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                carry_out(**order)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        print(child, flush=True)
        _child, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def carry_out(
    path: str, url: str | None, token: str, count: int, acks: str, source: str, full: bool
) -> None:
    """Store ``count`` versions, or for ever with -1; ``full`` reads the source for each."""
    databases.use(url)
    told = os.open(acks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    number = 0
    while number != count:
        workspace = Workspace.open(path)
        name = f"{token}-{number}"
        if full:
            version, rows = _import(workspace, source)
        else:
            entry, _beside = workspace._storage.publish(_draft(workspace, name, number, source))
            version, rows = entry.version, entry.rows
        os.write(told, f"{json.dumps([version, rows, token])}\n".encode())
        number += 1


def _import(workspace: Workspace, source: str) -> tuple[int, int]:
    result = workspace.import_layer("parcels", source)
    return result.version, result.rows


def _draft(workspace: Workspace, name: str, number: int, source: str) -> Draft:
    rows = 1 + number % 7
    columns: dict[str, list[Any]] = {field: [None] * rows for field in _FIELDS}
    columns |= {"name": [name] * rows, "land_use": ["education"] * rows}
    ids = [f"P{one}" for one in range(rows)]
    shapes = [square(20.0 * one, 0) for one in range(rows)]
    table = gpd.GeoDataFrame(columns, geometry=shapes, crs=workspace.crs, index=ids)
    table.index.name = "parcel_id"
    return Draft(
        layer="parcels",
        table=table,
        crs="EPSG:4547",
        data_class="internal",
        source_file=Path(source).name,
        author=name,
        rows_in=rows,
        sources=sources_of([source]),
    )


_FIELDS = (
    "name",
    "land_use",
    "address",
    "position_source",
    "position_accuracy_m",
    "position_scale",
)

if __name__ == "__main__":
    serve()

"""KML and GML: made safe as XML first, then read by the GDAL driver of that name."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from gettext import gettext as _
from pathlib import Path

import pandas as pd

from layers.gdal_files import choose, layers_of, read_vector
from layers.raw import RawLayer, Skipped, Wanted
from layers.xml_safety import write_safe

# Columns that the driver gives every KML file: how things are shown, not what they are.
_SHOWING = ("timestamp", "begin", "end", "altitudeMode", "tessellate", "extrude", "visibility",
            "drawOrder", "icon", "snippet")  # fmt: skip
# Corners of a feature's envelope, which its shape says better.
_BOUNDS = ("lowerCorner", "upperCorner")
_NETWORK_LINK = re.compile(rb"<(?:\w+:)?NetworkLink[\s>]")


def read_kml(path: Path, wanted: Wanted) -> RawLayer:
    """Read one folder of a KML file; coordinates are WGS 84 by OGC 12-007r2, heights are kept.

    Links to files elsewhere are not followed but reported as skipped.
    """
    raw = _read(path, wanted, "LIBKML", ".kml", _filled)
    empty = [name for name in _SHOWING if name in raw.cells and _says_nothing(raw.cells[name])]
    links = len(_NETWORK_LINK.findall(path.read_bytes()))
    return replace(
        raw,
        cells=raw.cells.drop(columns=empty),
        skipped=tuple(
            Skipped(_("网络链接 {}").format(n + 1), _("指向别处的文件,不读取"))
            for n in range(links)
        ),
    )


def read_gml(path: Path, wanted: Wanted) -> RawLayer:
    """Read one kind of feature of a GML file, x east and y north whatever its axes' order.

    Curves come as lines. No schema and no link is fetched.
    """
    raw = _read(path, wanted, "GML", ".gml", lambda _file, _driver, names, _shown: names)
    bounds = [name for name in _BOUNDS if name in raw.cells]
    return replace(raw, cells=raw.cells.drop(columns=bounds))


def _read(
    path: Path,
    wanted: Wanted,
    driver: str,
    suffix: str,
    offered: Callable[[Path, str, list[str], str], list[str]],
) -> RawLayer:
    with tempfile.TemporaryDirectory() as folder:
        safe = Path(folder) / f"layer{suffix}"
        notes = write_safe(path, safe, shown=path.name)
        names = offered(safe, driver, layers_of(safe, driver, shown=path.name), path.name)
        chosen = choose(names, wanted, shown=path.name)
        raw = read_vector(safe, driver, shown=path.name, layer=chosen)
    return replace(raw, notes=(*notes, *raw.notes))


def _filled(path: Path, driver: str, names: list[str], shown: str) -> list[str]:
    """Leave out folders that hold only other folders, unless nothing else is there."""
    if len(names) < 2:
        return names
    filled = [n for n in names if len(read_vector(path, driver, shown=shown, layer=n).cells)]
    return filled or names[:1]


def _says_nothing(column: pd.Series) -> bool:
    return bool(column.isin([None, -1, 0]).all())

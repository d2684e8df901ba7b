"""GML: made safe as XML first, then read by the GDAL driver of that name."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from layers.choosing import choose
from layers.gdal_files import layers_of, read_vector
from layers.raw import RawLayer, Wanted
from layers.xml_safety import write_safe

# Corners of a feature's envelope, which its shape says better.
_BOUNDS = ("lowerCorner", "upperCorner")


def read_gml(path: Path, wanted: Wanted) -> RawLayer:
    """Read one kind of feature of a GML file, x east and y north whatever its axes' order.

    Curves come as lines. No schema and no link is fetched.
    """
    with tempfile.TemporaryDirectory() as folder:
        safe = Path(folder) / "layer.gml"
        notes = write_safe(path, safe, shown=path.name)
        names = layers_of(safe, "GML", shown=path.name)
        chosen = choose(names, wanted, shown=path.name)
        raw = read_vector(safe, "GML", shown=path.name, layer=chosen)
    bounds = [name for name in _BOUNDS if name in raw.cells]
    return replace(raw, cells=raw.cells.drop(columns=bounds), notes=(*notes, *raw.notes))

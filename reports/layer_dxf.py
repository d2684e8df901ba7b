"""A layer as DXF R2010 in metres, x east and y north: a CAD layer of its own for each utility.

The cells of a row lie on its entities as extended data of the application ``TONGGOU``, one
``field=value`` each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from language import gettext as _
from layers.placing import crs_name
from reports.layer_styles import UTILITY, looks

APPLICATION = "TONGGOU"
_METRES = 6  # $INSUNITS
_LONGEST = 250  # bytes of a text of extended data; the format takes 255
_TEXT = 1000  # group code of such a text


def write_dxf(
    table: gpd.GeoDataFrame, rows: Sequence[dict[str, Any]], layer: str, file: Path
) -> list[str]:
    """Write a layer; the notes name its CRS, which no DXF carries, and count cut texts."""
    import ezdxf

    drawing = ezdxf.new("R2010")
    drawing.header["$INSUNITS"] = _METRES
    drawing.header["$MEASUREMENT"] = 1
    drawing.appids.add(APPLICATION)
    found = looks(layer)
    for look in found.values():
        drawing.layers.add(look.name).rgb = look.rgb
    space = drawing.modelspace()
    cut = 0
    for row, shape in zip(rows, np.asarray(table.geometry), strict=True):
        look = found.get(row.get(UTILITY), found[None])
        texts = [f"{name}={value}" for name, value in row.items() if value is not None]
        short = [_shortened(text) for text in texts]
        cut += sum(one != other for one, other in zip(texts, short, strict=True))
        for points, closed in _courses(shape):
            entity = (
                space.add_point(points[0], dxfattribs={"layer": look.name})
                if shapely.get_dimensions(shape) == 0
                else space.add_lwpolyline(points, close=closed, dxfattribs={"layer": look.name})
            )
            entity.set_xdata(APPLICATION, [(_TEXT, text) for text in short])
    drawing.saveas(file, encoding="utf-8")
    notes = [_("DXF 不带坐标系:坐标为 {},单位米,X 向东、Y 向北。").format(crs_name(table.crs))]
    if cut:
        notes.append(_("DXF 中有 {} 处文字超过 {} 字节,已截短。").format(cut, _LONGEST))
    return notes


def _courses(shape: shapely.Geometry) -> Iterator[tuple[list[tuple[float, float]], bool]]:
    """The points of each part of a shape, and whether they close; holes are courses too."""
    for part in shapely.get_parts(shape):
        polygon = part.geom_type == "Polygon"
        for one in [part.exterior, *part.interiors] if polygon else [part]:
            points = [(float(x), float(y)) for x, y in shapely.get_coordinates(one)]
            yield (points[:-1] if polygon else points), polygon


def _shortened(text: str) -> str:
    """Text of one line that fits, never cut inside a letter."""
    one_line = " ".join(text.splitlines())
    return one_line.encode()[:_LONGEST].decode(errors="ignore")

"""One drawn line from a file: a route that somebody drew in another program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely
from pyproj import CRS

from language import gettext as _
from layers.errors import ReadError
from layers.georeferencing import georeference
from layers.reading import read_layer
from layers.source_crs import SourceCrs


def read_line(file: Path | str, crs: CRS) -> shapely.LineString:
    """The only line of a GeoJSON or GeoPackage file, in ``crs``.

    GeoJSON without a ``crs`` member is longitude and latitude, unless its numbers are too large
    for degrees: then they are taken for coordinates in ``crs``.

    Raises
    ------
    ReadError
        If the file cannot be read, or does not hold exactly one LineString.
    LayerError
        If its coordinates do not lie where their CRS is used.
    """
    raw = read_layer(file, source_layer=None, layer="route")
    found = [one for one in raw.shapes if one is not None]
    lines = np.array([one for one in found if one.geom_type == "LineString"], object)
    if len(found) != 1 or len(lines) != 1 or not np.isfinite(lines[0].bounds).all():
        raise ReadError(
            _("文件 {}:须恰好有一条线(LineString),现有 {} 个图形。请只留要核算的那一条。").format(
                raw.file, len(raw.shapes)
            )
        )
    source = raw.crs or crs
    if source.is_geographic and np.abs(shapely.get_coordinates(lines)).max() > 180:
        source = crs
    placed = georeference(raw, shapely.force_2d(lines), crs, stated=SourceCrs(source))
    return placed.shapes[0]

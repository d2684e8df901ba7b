"""Where a layer lies: coordinate reference systems, and whether coordinates fit them."""

from __future__ import annotations

import re

import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from gis.crs import WGS84, transformer
from language import gettext as _
from layers.errors import LayerError

# A layer may reach this far, in degrees, beyond the area its CRS is published for: counties lie
# across zone borders, and grids are used a little outside their zone.
_AREA_MARGIN_DEG = 3.0
_EPSG = re.compile(r"EPSG:(\d{4,6})", re.IGNORECASE)


def parse_crs(text: str) -> CRS:
    """Return the CRS of an EPSG code such as ``EPSG:4547``; raise ``LayerError`` otherwise."""
    match = _EPSG.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        return CRS.from_epsg(int(match[1]))
    except (ValueError, CRSError):
        raise LayerError(
            _("坐标系“{}”无法识别。--crs 须为 EPSG 代码,如 EPSG:4547。").format(text[:60])
        ) from None


def crs_name(crs: CRS) -> str:
    """Return ``EPSG:n`` where the CRS has a code, else its name."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else crs.name


def misplaced(shapes: np.ndarray, crs: CRS) -> np.ndarray:
    """Mark shapes whose middle lies outside the area that their CRS is published for.

    Shapes without finite coordinates are not marked. Degrees read as metres, metres read as
    degrees, and swapped axes nearly always show here.
    """
    bounds = shapely.bounds(shapes)
    known: np.ndarray = np.asarray(np.isfinite(bounds).all(axis=1))
    x, y = np.where(known[:, None], bounds[:, :2] + bounds[:, 2:], 0.0).T / 2
    if crs.is_geographic:
        longitude, latitude = x, y
    else:
        longitude, latitude = transformer(crs, WGS84).transform(x, y)
    west, south, east, north = _area(crs)
    inside = (max(south, -90) <= latitude) & (latitude <= min(north, 90))
    inside &= np.abs(longitude) <= 180
    around = np.mod(np.where(inside, longitude, west) - west, 360)
    return np.asarray(known & ~(inside & (around <= east - west)), dtype=bool)


def _area(crs: CRS) -> tuple[float, float, float, float]:
    """Return west, south, east, north in degrees, widened; east may pass 180."""
    area = crs.area_of_use
    if area is None:
        return -180.0, -90.0, 180.0, 90.0
    east = area.east + 360 if area.east < area.west else area.east
    west, east = area.west - _AREA_MARGIN_DEG, east + _AREA_MARGIN_DEG
    if east - west >= 360:
        west, east = -180.0, 180.0
    return west, area.south - _AREA_MARGIN_DEG, east, area.north + _AREA_MARGIN_DEG

"""Coordinate reference systems: what may be measured on, and which CGCS2000 zone fits.

Lengths and areas are plane values in the projected CRS of the survey; degrees and Web Mercator
are refused because 200 m become another number there (at Xin County 234.7 m on EPSG:3857).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Transformer

from language import gettext as _

# CGCS2000 3-degree Gauss-Kruger zones without zone prefix: EPSG:4534 has central meridian 75° E,
# one code for every 3 degrees eastward (EPSG registry, codes 4534-4554).
_FIRST_ZONE_EPSG = 4534
_FIRST_MERIDIAN = 75
_LAST_MERIDIAN = 135
_WEB_MERCATOR_EPSG = 3857
# What maps and GeoJSON are in: longitude and latitude.
WGS84 = CRS.from_epsg(4326)


class CrsError(ValueError):
    """A table has no CRS, a CRS that cannot be measured on, or another CRS than its partner."""


def require_projected(crs: Any) -> CRS:
    """Return ``crs`` as a CRS in metres that lengths may be measured on.

    Raises
    ------
    CrsError
        If there is no CRS, it is geographic, not in metres, or Web Mercator.
    """
    if crs is None:
        raise CrsError(_("图层没有坐标系;请用 --crs EPSG:代码 指明,例如 EPSG:4547。"))
    found = CRS.from_user_input(crs)
    if found.is_geographic:
        raise CrsError(
            _("坐标系 {name} 是经纬度,不能量算长度和面积;请使用投影坐标系,例如 EPSG:4547。").format(
                name=found.name
            )
        )
    if found.to_epsg() == _WEB_MERCATOR_EPSG:
        raise CrsError(_("EPSG:3857 的长度不真实(新县处 200 米变成 234.7 米);请使用 EPSG:4547。"))
    if not found.is_projected or found.axis_info[0].unit_name != "metre":
        raise CrsError(
            _("坐标系 {name} 不是以米为单位的投影坐标系;请使用例如 EPSG:4547。").format(
                name=found.name
            )
        )
    return found


@lru_cache(maxsize=512)
def transformer(source: CRS, target: CRS) -> Transformer:
    """Return what takes x, y (degrees: longitude first) of one CRS to another; made once.

    PROJ looks for every way between two datums, and once more in each thread that uses what it
    found (pyproj since 3.1): from CGCS2000 to WGS 84 that takes 50 ms, and every run of the page is
    a thread of its own. Where one way only was found, the others are told it: it knows no bounds.
    """
    found = Transformer.from_crs(source, target, always_xy=True)
    if found.definition.startswith("proj="):
        return Transformer.from_pipeline(found.definition)
    return found


def in_degrees(shapes: Any, crs: CRS) -> np.ndarray:
    """Return shapes of a CRS in longitude and latitude, as ``to_crs(4326)`` of a table does."""
    move = transformer(crs, WGS84).transform
    moved: np.ndarray = shapely.transform(np.asarray(shapes), move, interleaved=False)
    return moved


def cgcs2000_zone(longitude: float) -> CRS:
    """Return the CGCS2000 3-degree zone (no prefix) whose central meridian is nearest.

    Parameters
    ----------
    longitude
        Degrees east.

    Raises
    ------
    CrsError
        If the longitude lies outside the zones that EPSG defines (73.5° to 136.5° E).
    """
    meridian = round(longitude / 3) * 3
    if not _FIRST_MERIDIAN <= meridian <= _LAST_MERIDIAN:
        raise CrsError(_("经度 {value}° 不在 CGCS2000 三度带范围内。").format(value=longitude))
    return CRS.from_epsg(_FIRST_ZONE_EPSG + (meridian - _FIRST_MERIDIAN) // 3)

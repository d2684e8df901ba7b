"""The Gauss-Kruger zones of CGCS2000: every code, and which of them a pair of numbers may be in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from pyproj import CRS

# Axis of the ellipsoid in metres and inverse flattening: CGCS2000 by EPSG:1024.
_ELLIPSOID = (6_378_137.0, 298.257_222_101)
_FALSE_EASTING_M = 500_000.0
_PREFIX_M = 1_000_000.0
# First code, first zone number, first central meridian and how many: EPSG registry.
_FAMILIES = (
    (3, True, 4513, 25, 75, 21),
    (3, False, 4534, 25, 75, 21),
    (6, True, 4491, 13, 75, 11),
    (6, False, 4502, 13, 75, 11),
)
_DATUM_NAMES = ("cgcs2000", "cgcs_2000", "china_2000", "china 2000", "china geodetic coordinate")
_METHODS = ("transverse mercator", "gauss_kruger", "gauss-kruger", "gauss kruger")


@dataclass(frozen=True)
class Zone:
    """One zone: degrees wide, its number, its central meridian, and whether eastings carry it."""

    epsg: int
    width: int
    number: int
    meridian: int
    prefixed: bool

    @property
    def false_easting_m(self) -> float:
        """Easting on the central meridian."""
        return _FALSE_EASTING_M + (self.number * _PREFIX_M if self.prefixed else 0.0)


@cache
def cgcs2000_zones() -> tuple[Zone, ...]:
    """Return the 64 zones that EPSG has codes for, those of 3 degrees first."""
    return tuple(
        Zone(epsg + n, width, number + n, meridian + n * width, prefixed)
        for width, prefixed, epsg, number, meridian, count in _FAMILIES
        for n in range(count)
    )


def zone_of(crs: CRS) -> Zone | None:
    """Return the CGCS2000 zone that a CRS is, by code or by its parameters, else None.

    Names in a ``.prj`` differ from program to program, parameters do not. Where a zone of 3
    degrees and one of 6 have the same parameters, and so the same numbers, it is that of 3.
    """
    code = crs.to_epsg()
    for zone in cgcs2000_zones():
        if zone.epsg == code:
            return zone
    if not crs.is_projected or not _is_cgcs2000(crs) or crs.axis_info[0].unit_name != "metre":
        return None
    operation = crs.coordinate_operation
    if operation is None or operation.method_name.lower() not in _METHODS:
        return None
    found = {one.name.lower(): float(one.value) for one in operation.params}
    east = found.get("false easting", 0.0)
    meridian = found.get("longitude of natural origin")
    exact = (
        found.get("scale factor at natural origin") == 1
        and found.get("false northing") == 0
        and found.get("latitude of natural origin") == 0
    )
    fits = [z for z in cgcs2000_zones() if (z.meridian, z.false_easting_m) == (meridian, east)]
    return fits[0] if exact and fits else None


def prefix_of(easting: float) -> int | None:
    """Return the zone number that an easting begins with, None if it begins with none."""
    number = int(easting // _PREFIX_M)
    return number if easting > 0 and number in _numbers() else None


@cache
def _numbers() -> frozenset[int]:
    return frozenset(zone.number for zone in cgcs2000_zones())


def _is_cgcs2000(crs: CRS) -> bool:
    axis, flattening = _ELLIPSOID
    ellipsoid = crs.ellipsoid
    named = crs.datum is not None and any(
        word in f"{crs.datum.name} {crs.name}".lower() for word in _DATUM_NAMES
    )
    return (
        named
        and ellipsoid is not None
        and abs(ellipsoid.semi_major_metre - axis) < 1e-3
        and abs(ellipsoid.inverse_flattening - flattening) < 1e-6
    )

"""GCJ-02 and BD-09: the shifted longitudes and latitudes of Chinese web maps, and the way back.

The formulas are the public approximations that are in wide use; neither system is published. They
agree with the maps to a few metres, so that what comes back is good for looking, not for surveying.
Both take longitudes and latitudes in degrees, as arrays, and work inside the box that the public
formula shifts (72.004 to 137.8347° E, 0.8293 to 55.8271° N); elsewhere nothing is shifted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

Degrees = tuple[np.ndarray, np.ndarray]

# Krassowsky 1940, the ellipsoid of the public formula: semi-major axis in metres, eccentricity ².
_AXIS_M = 6_378_245.0
_ECCENTRICITY_2 = 0.006_693_421_622_965_943
_ORIGIN = (105.0, 35.0)
_BOX = (72.004, 0.8293, 137.8347, 55.8271)
_BAIDU_TURN = np.pi * 3000 / 180
_BAIDU_SHIFT = (0.0065, 0.006)
# 1e-12 degrees are a tenth of a micrometre; each step shrinks the error a thousandfold.
_CLOSE_DEG = 1e-12
_MOST_STEPS = 20
# Metres of one degree along a meridian, near enough for saying how far a shift is.
_METRES_PER_DEGREE = 111_320.0


def to_gcj02(longitude: np.ndarray, latitude: np.ndarray) -> Degrees:
    """Return GCJ-02 degrees of true (WGS 84 or CGCS2000) degrees."""
    longitude, latitude = np.asarray(longitude, float), np.asarray(latitude, float)
    x, y = longitude - _ORIGIN[0], latitude - _ORIGIN[1]
    root = np.sqrt(np.abs(x))
    wave = (20 * np.sin(6 * x * np.pi) + 20 * np.sin(2 * x * np.pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north += (20 * np.sin(y * np.pi) + 40 * np.sin(y / 3 * np.pi)) * 2 / 3
    north += (160 * np.sin(y / 12 * np.pi) + 320 * np.sin(y * np.pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east += (20 * np.sin(x * np.pi) + 40 * np.sin(x / 3 * np.pi)) * 2 / 3
    east += (150 * np.sin(x / 12 * np.pi) + 300 * np.sin(x / 30 * np.pi)) * 2 / 3
    radians = np.radians(latitude)
    curvature = 1 - _ECCENTRICITY_2 * np.sin(radians) ** 2
    meridian = _AXIS_M * (1 - _ECCENTRICITY_2) / curvature**1.5
    parallel = _AXIS_M / np.sqrt(curvature) * np.cos(radians)
    inside = _inside(longitude, latitude)
    return (
        longitude + np.where(inside, np.degrees(east / parallel), 0.0),
        latitude + np.where(inside, np.degrees(north / meridian), 0.0),
    )


def to_bd09(longitude: np.ndarray, latitude: np.ndarray) -> Degrees:
    """Return BD-09 degrees of true degrees: GCJ-02 turned and shifted once more."""
    x, y = to_gcj02(longitude, latitude)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BAIDU_TURN)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BAIDU_TURN)
    inside = _inside(longitude, latitude)
    return (
        np.where(inside, radius * np.cos(angle) + _BAIDU_SHIFT[0], x),
        np.where(inside, radius * np.sin(angle) + _BAIDU_SHIFT[1], y),
    )


FORWARD: Mapping[str, Callable[[np.ndarray, np.ndarray], Degrees]] = MappingProxyType(
    {"GCJ-02": to_gcj02, "BD-09": to_bd09}
)


def from_offset(system: str, longitude: np.ndarray, latitude: np.ndarray) -> Degrees:
    """Return true degrees of degrees in ``GCJ-02`` or ``BD-09``, by fixed-point iteration.

    Going there again lands within a micrometre. NaN stays NaN. ``KeyError`` for another system.
    """
    forward = FORWARD[system]
    longitude, latitude = np.asarray(longitude, float), np.asarray(latitude, float)
    x, y = longitude.copy(), latitude.copy()
    for _step in range(_MOST_STEPS):
        there = forward(x, y)
        dx, dy = there[0] - longitude, there[1] - latitude
        x, y = x - dx, y - dy
        if not (np.abs(np.concatenate([np.ravel(dx), np.ravel(dy)])) > _CLOSE_DEG).any():
            break
    return x, y


def shift_m(longitude: float, latitude: float, system: str) -> tuple[float, float]:
    """Return how far and in which direction the system shifts a true place.

    Metres to the nearest few, and degrees clockwise from north.
    """
    there = FORWARD[system](np.array([longitude]), np.array([latitude]))
    north = (float(there[1][0]) - latitude) * _METRES_PER_DEGREE
    east = (float(there[0][0]) - longitude) * _METRES_PER_DEGREE * np.cos(np.radians(latitude))
    return float(np.hypot(east, north)), float(np.degrees(np.arctan2(east, north)) % 360)


def _inside(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    west, south, east, north = _BOX
    within: np.ndarray = (
        (west <= longitude) & (longitude <= east) & (south <= latitude) & (latitude <= north)
    )
    return within

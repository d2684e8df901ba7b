"""Hydraulics: flow in pipes that run full or in part. SI units, lengths and diameters in metres."""

from __future__ import annotations

from math import acos, isclose, pi, sin


def full_area_m2(diameter_m: float) -> float:
    """Area of the bore."""
    return pi * diameter_m**2 / 4


def wetted(diameter_m: float, fill: float) -> tuple[float, float]:
    """Wetted area in m² and hydraulic radius in m of a circular pipe filled to a share of its
    diameter.

    With the angle a = 2 acos(1 - 2 fill): area D²/8 (a - sin a), radius D/4 (1 - sin a / a).
    """
    if not 0 < fill <= 1:
        raise ValueError(f"fill must be above 0 and at most 1: {fill}")
    angle = 2 * acos(1 - 2 * fill) if not isclose(fill, 1.0) else 2 * pi
    area = diameter_m**2 / 8 * (angle - sin(angle))
    return area, diameter_m / 4 * (1 - sin(angle) / angle)


def manning_velocity_m_s(diameter_m: float, fill: float, slope: float, roughness: float) -> float:
    """v = R^(2/3) i^(1/2) / n (Manning; GB 50014-2021 5.2.2)."""
    return float(wetted(diameter_m, fill)[1] ** (2 / 3) * slope**0.5 / roughness)


def manning_flow_l_s(diameter_m: float, fill: float, slope: float, roughness: float) -> float:
    """Flow Q = A v in litres per second."""
    area = wetted(diameter_m, fill)[0]
    return 1000 * area * manning_velocity_m_s(diameter_m, fill, slope, roughness)


def slope_for_velocity(
    diameter_m: float, fill: float, velocity_m_s: float, roughness: float
) -> float:
    """The slope that gives a velocity by Manning."""
    return float((velocity_m_s * roughness / wetted(diameter_m, fill)[1] ** (2 / 3)) ** 2)

"""Gravity lines: whether the fall from the user's last well to the main is enough.

The new line falls at least by its least slope (``rules/sizing``: GB 50014), or by the steeper one
that the application gives, and enters the main at or above the main's invert. Levels in metres of
one height system.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any, TypeVar

from gis.linear import FloatArray
from planning.application import Demand
from planning.sizing import least_slope
from planning.sizing_rules import load_sizing_rules, runs_by_gravity
from planning.texts import gettext as _

Metres = TypeVar("Metres", float, FloatArray)

# Levels and lengths are sums in another order here than there: so much rounding is no fall.
ROUNDING_M = 1e-6


@dataclass(frozen=True)
class Fall:
    """Fall that there is and fall that is needed over the length; ``None`` is unknown.

    ``slope`` is the one that is needed, ``flatter`` a slope of the application that is less than
    the least and counts for nothing.
    """

    available_m: float | None
    needed_m: float | None
    slope: float | None
    flatter: float | None = None

    @property
    def passes(self) -> bool | None:
        """Whether the fall is enough; ``None`` where a level or the size is unknown."""
        if self.available_m is None or self.needed_m is None:
            return None
        return self.available_m >= self.needed_m - ROUNDING_M

    @property
    def text(self) -> str:
        """One sentence with the numbers."""
        if self.slope is None:
            return _("管径未知,坡度未核")
        if self.available_m is None or self.needed_m is None:
            sentence = _("用户末端井或接入处的管底高程未知,落差未核")
        elif self.passes:
            sentence = _("落差 {has:.2f} 米,按坡度 {slope:.4f} 需 {needs:.2f} 米,满足")
        else:
            sentence = _("落差 {has:.2f} 米,按坡度 {slope:.4f} 需 {needs:.2f} 米,不满足重力流")
        if self.flatter is not None:
            sentence += _(";申请的坡度 {flatter:.4f} 小于最小坡度,按最小坡度计")
        return sentence.format(
            has=self.available_m, slope=self.slope, needs=self.needed_m, flatter=self.flatter
        )

    def to_json(self) -> dict[str, Any]:
        """The fall as plain values."""
        return {
            "available_m": self.available_m,
            "needed_m": self.needed_m,
            "slope": self.slope,
            "passes": self.passes,
            "text": self.text,
        }


@dataclass(frozen=True)
class Profile:
    """Levels between which a gravity line lies on its way from the main to the last well.

    It falls at least by ``slope`` everywhere, from the invert of the well to that of the main or
    above it. ``length_m`` is that of the whole way, NaN is unknown. Of the ground between the ends
    nothing is known: it is taken to lie between theirs.
    """

    main_invert_m: float
    well_invert_m: float
    main_ground_m: float
    well_ground_m: float
    slope: float
    length_m: float

    def inverts_m(self, at_m: float) -> tuple[float, float]:
        """Lowest and highest invert so far from the main; NaN where it has no fall, or unknown."""
        lowest = self.main_invert_m + self.slope * at_m
        highest = self.well_invert_m - self.slope * (self.length_m - at_m)
        if not lowest <= highest + ROUNDING_M:
            return nan, nan
        return lowest, max(lowest, highest)

    @property
    def ground_m(self) -> tuple[float, float]:
        """Level of the ground between the ends, and how far it may lie above or below that."""
        low, high = sorted((self.main_ground_m, self.well_ground_m))
        return (low + high) / 2, (high - low) / 2


def top_over_invert_m(bore_m: Metres, height_m: Metres) -> Metres:
    """How far the top of a pipe lies above its invert: the bore and the wall over it.

    ``height_m`` is the outside height, which holds the wall twice.
    """
    return (bore_m + height_m) / 2


def needed_slope(demand: Demand) -> float | None:
    """The slope that a line falls at least: its least, or the steeper one of the application.

    None where the size is unknown, and of lines that do not run by gravity.
    """
    if demand.pipe.nominal_mm is None or not runs_by_gravity(demand.pipe.utility):
        return None
    least = least_slope(demand.pipe, demand.pipe.nominal_mm, load_sizing_rules())
    return max(least, demand.slope or 0.0)


def fall(demand: Demand, length_m: float, main_invert_m: float | None) -> Fall:
    """The fall of a line of a length from the user's last well to the main."""
    available, slope = None, needed_slope(demand)
    if demand.last_well_invert_m is not None and main_invert_m is not None:
        available = demand.last_well_invert_m - main_invert_m
    if slope is None:
        return Fall(available, None, None)
    flatter = demand.slope if demand.slope and demand.slope < slope else None
    return Fall(available, slope * length_m, slope, flatter)

"""Gravity lines: whether the fall from the user's last well to the main is enough.

The new line falls at least by its least slope (``rules/sizing``: GB 50014) and enters the main at
or above the main's invert. Levels in metres of one height system.
"""

from __future__ import annotations

from dataclasses import dataclass
from gettext import gettext as _

from planning.sizing import least_slope
from planning.sizing_rules import load_sizing_rules
from planning.standards import Pipe


@dataclass(frozen=True)
class Fall:
    """Fall that there is and fall that is needed over the length; ``None`` is unknown."""

    available_m: float | None
    needed_m: float | None
    slope: float | None

    @property
    def passes(self) -> bool | None:
        """Whether the fall is enough; ``None`` where a level or the size is unknown."""
        if self.available_m is None or self.needed_m is None:
            return None
        return self.available_m >= self.needed_m

    @property
    def text(self) -> str:
        """One sentence with the numbers."""
        if self.slope is None:
            return _("管径未知,坡度未核")
        if self.available_m is None or self.needed_m is None:
            return _("用户末端井或接入处的管底高程未知,落差未核")
        sentence = (
            _("落差 {has:.2f} 米,按最小坡度 {slope:.4f} 需 {needs:.2f} 米,满足")
            if self.passes
            else _("落差 {has:.2f} 米,按最小坡度 {slope:.4f} 需 {needs:.2f} 米,不满足重力流")
        )
        return sentence.format(has=self.available_m, slope=self.slope, needs=self.needed_m)


def runs_by_gravity(utility: str) -> bool:
    """Whether lines of a utility have a least velocity to keep by their slope."""
    return f"least_velocity_{utility}_m_s" in load_sizing_rules().settings


def fall(
    pipe: Pipe, last_well_invert_m: float | None, length_m: float, main_invert_m: float | None
) -> Fall:
    """The fall of a line of a length from the user's last well to the main."""
    available = None
    if last_well_invert_m is not None and main_invert_m is not None:
        available = last_well_invert_m - main_invert_m
    if pipe.nominal_mm is None:
        return Fall(available, None, None)
    slope = least_slope(pipe, pipe.nominal_mm, load_sizing_rules())
    return Fall(available, slope * length_m, slope)


def invert_at(start_m: float, end_m: float, share: float) -> float | None:
    """Invert of a straight main at a share of its length; ``None`` where an end is unknown."""
    invert = start_m + (end_m - start_m) * share
    return None if invert != invert else invert

"""Rules of sizing: ``rules/sizing/*``, every number with source and confidence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gis.linear import FloatArray
from planning.rule_files import CONFIDENCES, read_rows


@dataclass(frozen=True)
class Number:
    """A number of the rules; ``above`` is the step of its table that it stands at."""

    value: float
    source: str
    confidence: str
    above: float = 0.0


@dataclass(frozen=True)
class StormFormula:
    """Storm intensity of a county: q = 167 a (1 + c lg P) / (t + b)^n in L/(s ha)."""

    a: Number
    c: float
    b: float
    n: float
    return_period_years: float
    inlet_minutes: float


@dataclass(frozen=True)
class SizingRules:
    """All numbers that turn a demand into a size."""

    settings: Mapping[str, Number]
    water_velocity: tuple[Number, ...]
    sewage_peaking: tuple[Number, ...]
    sewage_fill: tuple[Number, ...]
    gas_simultaneity: tuple[Number, ...]
    storms: Mapping[str, StormFormula]


def at_step(steps: tuple[Number, ...], wanted: float) -> Number:
    """The row of a table for a value: the last step not above it, or else the first."""
    place = bisect_right(steps, wanted, key=lambda step: step.above)
    return steps[max(place - 1, 0)]


def between(steps: tuple[Number, ...], wanted: float) -> Number:
    """The straight line between the two steps about a value; beyond the ends, the end."""
    low = at_step(steps, wanted)
    place = steps.index(low)
    if wanted <= low.above or place + 1 == len(steps):
        return low
    high = steps[place + 1]
    share = (wanted - low.above) / (high.above - low.above)
    return Number(low.value + share * (high.value - low.value), low.source, low.confidence, wanted)


def least_sure(numbers: list[Number]) -> str:
    """The weakest confidence of the numbers that an answer rests on."""
    return max((one.confidence for one in numbers), key=CONFIDENCES.index)


@lru_cache(maxsize=1)
def load_sizing_rules() -> SizingRules:
    """Read ``rules/sizing`` once.

    Raises
    ------
    RuleFileError
        Naming file, entry and field of what cannot be used.
    """
    return SizingRules(
        _settings(),
        _steps("water_velocity.csv", "nominal_mm_from", "velocity_m_s"),
        _steps("sewage_peaking.csv", "mean_flow_l_s", "factor"),
        _steps("sewage_fill.csv", "nominal_mm_from", "fill"),
        _steps("gas_simultaneity.csv", "households", "factor"),
        {row["county"]: _storm(row) for row in read_rows("sizing/storm_intensity.csv")},
    )


def _settings() -> dict[str, Number]:
    rows = read_rows("sizing/settings.csv", ("name", "value", "source", "confidence"))
    return {
        row["name"]: Number(float(row["value"]), row["source"], row["confidence"]) for row in rows
    }


def _steps(name: str, above: str, value: str) -> tuple[Number, ...]:
    rows = read_rows(f"sizing/{name}", (above, value, "source", "confidence"))
    steps = (
        Number(float(row[value]), row["source"], row["confidence"], float(row[above]))
        for row in rows
    )
    return tuple(sorted(steps, key=lambda step: step.above))


def _storm(row: Mapping[str, str]) -> StormFormula:
    numbers = (float(row[name]) for name in ("c", "b", "n", "return_period_years", "inlet_minutes"))
    return StormFormula(Number(float(row["a"]), row["source"], row["confidence"]), *numbers)


def runs_by_gravity(utility: str) -> bool:
    """Whether lines of a utility have a least velocity to keep by their slope."""
    return f"least_velocity_{utility}_m_s" in load_sizing_rules().settings


def apparent_kva(load_kw: float) -> float:
    """The apparent power of a load in kVA, at the least power factor that its user keeps."""
    return load_kw / load_sizing_rules().settings["power_factor"].value


def supply_voltage_kv(voltage_kv: FloatArray | float) -> FloatArray:
    """The voltage of supply that voltages belong to, in kV; NaN where it is unknown.

    Low voltage is one: the same network is told as 220 V, 380 V, or 0.4 kV at its transformer
    (GB/T 156-2017 table 1).
    """
    low_kv = load_sizing_rules().settings["low_voltage_kv"].value
    return np.where(np.asarray(voltage_kv) <= low_kv, low_kv, voltage_kv)

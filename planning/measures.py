"""Measures 量算值: one function for each (clause, measure), in the plan's own words.

管道长度 of clause (1) is not that of clause (5), neither is 施工长度 or 线路长度, even where the
numbers are equal today. Every function takes the figures of n routes of one pipe and gives n values
in the unit of its name; NaN is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gis.linear import FloatArray
from planning.application import Demand
from planning.policy_model import Policy
from planning.readings import read_as


@dataclass(frozen=True)
class Figures:
    """What was measured of n routes that carry the same demand; arrays of n, NaN is unknown.

    ``length_m`` red line to tie-in; ``kerb_m`` and ``red_line_m`` inside carriageways of city
    roads; ``longest_kerb_m`` the longest single piece; ``green_m2`` union of the working strip
    with greenery; ``trees`` that stand in the strip. ``feeds`` is how many routes of a line are
    measured together, ``shared_m`` the metres that two of them lie in one trench, ``reused_m``
    the metres in existing ducts.
    """

    demand: Demand
    length_m: FloatArray
    kerb_m: FloatArray
    red_line_m: FloatArray
    longest_kerb_m: FloatArray
    green_m2: FloatArray
    trees: FloatArray
    feeds: int = 1
    shared_m: FloatArray | float = 0.0
    reused_m: FloatArray | float = 0.0

    @property
    def ground_m(self) -> FloatArray:
        """Metres of ground: what two routes lie in together counts once."""
        return np.asarray(self.length_m - self.shared_m)


def measure_all(utility: str, figures: Figures) -> dict[str, FloatArray]:
    """Every measure that the utility's clauses ask for, by input name."""
    return {name: measure(figures) for name, measure in MEASURES[utility].items()}


def measure_green(
    demand: Demand, green_m2: FloatArray, trees: FloatArray, feeds: int
) -> dict[str, FloatArray]:
    """Every measure of greenery that the utility's clauses ask for, of strips of this demand."""
    none = np.zeros(len(green_m2))
    figures = Figures(demand, none, none, none, none, green_m2, trees, feeds)
    named = MEASURES[demand.pipe.utility].items()
    return {name: measure(figures) for name, measure in named if name.startswith("green_")}


# --- clause (1) water -------------------------------------------------------------------------


def water_max_dn_mm(figures: Figures) -> FloatArray:
    """管径: nominal size of the new pipe; one size is laid from tie-in to red line."""
    return _constant(figures, figures.demand.pipe.nominal_mm)


def water_pipe_length_m(figures: Figures) -> FloatArray:
    """管道长度: all new pipe, both feeds counted, also where they lie in one trench."""
    return _whole(figures, figures.length_m)


def water_route_once_m(figures: Figures) -> FloatArray:
    """管道长度 under the reading that parallel pipes count once."""
    return _whole(figures, figures.ground_m)


def water_green_m2(figures: Figures) -> FloatArray:
    """临时占用或伐移绿化: union of the strip with greenery."""
    return _whole(figures, figures.green_m2)


def water_green_apart_m2(figures: Figures) -> FloatArray:
    """Occupied and felled green apart: known while no tree stands in the strip."""
    return np.where(figures.trees == 0, water_green_m2(figures), np.nan)


# --- clause (3) gas ---------------------------------------------------------------------------


def gas_construction_length_m(figures: Figures) -> FloatArray:
    """施工长度: ground worked outside the red line, parallel pipes in one trench once."""
    return _to_lawful_main(figures, "pressure_mpa", figures.ground_m)


def gas_all_pipe_m(figures: Figures) -> FloatArray:
    """施工长度 under the reading that every pipe counts."""
    return _to_lawful_main(figures, "pressure_mpa", figures.length_m)


def gas_green_m2(figures: Figures) -> FloatArray:
    """占用绿化: union of the strip with greenery; the clause does not limit it, a warning does."""
    return _to_lawful_main(figures, "pressure_mpa", figures.green_m2)


# --- clause (6) power ---------------------------------------------------------------------------


def power_line_length_m(figures: Figures) -> FloatArray:
    """线路长度: route outside the red line; a second adds, two circuits on one route count once."""
    return _to_lawful_main(figures, "voltage_kv", figures.ground_m)


def power_crossing_red_line_m(figures: Figures) -> FloatArray:
    """穿越城市道路, red line to red line: kerb pieces times red-line over carriageway width.

    Two feeds add, also where they cross side by side: the clause does not say that they do not.
    """
    return _to_lawful_main(figures, "voltage_kv", figures.red_line_m)


def power_crossing_kerb_m(figures: Figures) -> FloatArray:
    """穿越城市道路, kerb to kerb, summed."""
    return _to_lawful_main(figures, "voltage_kv", figures.kerb_m)


def power_crossing_longest_m(figures: Figures) -> FloatArray:
    """穿越城市道路, the longest single piece kerb to kerb."""
    return _to_lawful_main(figures, "voltage_kv", figures.longest_kerb_m)


# --- clause (5) telecom -------------------------------------------------------------------------


def telecom_green_m2(figures: Figures) -> FloatArray:
    """临时占用城市绿化: union of the strip with greenery."""
    return _whole(figures, figures.green_m2)


def telecom_outer_diameter_mm(figures: Figures) -> FloatArray:
    """管外径: of the largest new duct."""
    return _constant(figures, figures.demand.pipe.duct_outer_diameter_mm)


def telecom_holes(figures: Figures) -> FloatArray:
    """孔: holes of the new work's cross-section, of both banks where two lie in one trench."""
    banks = np.where(np.asarray(figures.shared_m) > 0, figures.feeds, 1)
    return _constant(figures, figures.demand.pipe.duct_holes) * banks


def telecom_pipe_length_m(figures: Figures) -> FloatArray:
    """管道长度: the whole line, the ducts of one bank once, metres in existing ducts counted too.

    The clause does not say that they are not: the longer value can make no wrong pass.
    """
    return _whole(figures, figures.ground_m)


def telecom_new_duct_m(figures: Figures) -> FloatArray:
    """管道长度 under the reading that only new ducts count, not existing ones that are reused."""
    return _whole(figures, np.asarray(figures.ground_m - figures.reused_m))


MEASURES: dict[str, dict[str, Callable[[Figures], FloatArray]]] = {
    "water": {
        "max_dn_mm": water_max_dn_mm,
        "pipe_length_m": water_pipe_length_m,
        "pipe_length_route_once_m": water_route_once_m,
        "green_affected_m2": water_green_m2,
        "green_affected_sum_m2": water_green_apart_m2,
        "green_affected_each_m2": water_green_apart_m2,
    },
    "sewage": {},
    "storm": {},
    "gas": {
        "construction_length_m": gas_construction_length_m,
        "construction_all_pipe_m": gas_all_pipe_m,
        "green_affected_m2": gas_green_m2,
    },
    "power": {
        "line_length_m": power_line_length_m,
        "crossing_red_line_m": power_crossing_red_line_m,
        "crossing_kerb_m": power_crossing_kerb_m,
        "crossing_longest_kerb_m": power_crossing_longest_m,
    },
    "telecom": {
        "green_temporary_m2": telecom_green_m2,
        "duct_outer_diameter_mm": telecom_outer_diameter_mm,
        "duct_holes": telecom_holes,
        "pipe_length_m": telecom_pipe_length_m,
        "pipe_length_new_duct_m": telecom_new_duct_m,
    },
}


# The inputs that clauses limit the length and the crossing of roads by.
_LENGTHS = {
    "water": "pipe_length_m",
    "gas": "construction_length_m",
    "power": "line_length_m",
    "telecom": "pipe_length_m",
}
_CROSSINGS = {"power": "road_crossing_m"}


def length_measure(policy: Policy, utility: str) -> str | None:
    """The measure that a clause limits the length by, as the county reads it; None without one."""
    name = _LENGTHS.get(utility)
    return name and read_as(policy, utility, name)


def crossing_measure(policy: Policy, utility: str) -> str | None:
    """The same of the crossing of roads."""
    name = _CROSSINGS.get(utility)
    return name and read_as(policy, utility, name)


def _constant(figures: Figures, value: float | None) -> FloatArray:
    return np.full(len(figures.length_m), np.nan if value is None else float(value))


def _whole(figures: Figures, values: FloatArray) -> FloatArray:
    """A route is one feed: where more are asked for than measured, the whole is unknown."""
    known = figures.demand.feeds == figures.feeds
    return values if known else np.full(len(values), np.nan)


def _to_lawful_main(figures: Figures, decides: str, values: FloatArray) -> FloatArray:
    """Without the pressure or voltage that decides on the main, the way to it is unknown.

    Size alone decides where the clause limits it too: there the verdict waits for it anyway.
    """
    if getattr(figures.demand.pipe, decides) is None:
        return np.full(len(values), np.nan)
    return _whole(figures, values)

"""Which figures of a route the verdict of its line limits, and to how much."""

from __future__ import annotations

from planning.readings import read_as
from ui.view import Json, View

# Figures of a route that a chart shows against cost, and the measures that they are.
AXES = {
    "length_m": ("pipe_length_m", "construction_length_m", "line_length_m"),
    "green_m2": ("green_affected_m2", "green_temporary_m2"),
    "crossing_kerb_m": ("crossing_kerb_m",),
    "crossing_red_line_m": ("crossing_red_line_m",),
}


def crossing_figure(view: View, line: Json) -> str:
    """Which of the two lengths of crossings counts: the one that a clause limits, else by kerbs."""
    limited = bool(_limiting(view, line, "crossing_red_line_m"))
    return "crossing_red_line_m" if limited else "crossing_kerb_m"


def limit_of(view: View, line: Json, axis: str) -> float | None:
    """The limit that the verdict's conditions set on a figure; None without one.

    None too where the measure is not the figure, as for two feeds in one trench.
    """
    together = view.route(line).get("together") if line["routes"] else None
    limits: list[float] = [
        one["limit"]
        for one in _limiting(view, line, axis)
        if not together or _is_figure(one["value"], together.get(axis))
    ]
    return min(limits) if limits else None


def _limiting(view: View, line: Json, axis: str) -> list[Json]:
    """The conditions of the verdict that limit the measures of a figure that are known."""
    verdict = view.verdict(line) or {"findings": []}
    return [
        one
        for one in verdict["findings"]
        if one["kind"] == "condition"
        and one.get("comparator") == "at_most"
        and one.get("value") is not None
        and isinstance(one.get("limit"), int | float)
        and read_as(view.words.policy, line["utility"], one["input"]) in AXES[axis]
    ]


def _is_figure(value: float, figure: float | None) -> bool:
    """Whether a value, rounded as its clause prints it, is that of a figure; none is unknown."""
    return figure is not None and abs(value - figure) <= 0.005 + 1e-9

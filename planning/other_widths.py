"""Other widths 作业带宽度: what routes touch with narrower or wider working strips than taken.

A strip is as wide as the pipe, the working space beside it and the county's margin. Where nobody
verified these, the strip is as wide as the pipe at least, and as with a generous margin at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from planning.application import Demand
from planning.comparisons import any_holds
from planning.facts import green_inside, trees_in, trees_touched
from planning.measures import measure_green
from planning.standards import Pipe

if TYPE_CHECKING:
    from planning.groundwork import Groundwork
    from planning.holds import Hold

_VERIFIED = "verified"


def margins_of(work: Groundwork, pipe: Pipe) -> tuple[float, float]:
    """Metres by which the strip of a pipe may be narrower and wider on each side than taken."""
    settings, space = work.policy.planning, work.standards.working_space(pipe)
    margin = settings.settings["work_margin_m"]
    narrower_m = 0.0
    if margin.confidence != _VERIFIED:
        narrower_m += settings.work_margin_m
    if space.confidence != _VERIFIED:
        narrower_m += space.value_m or 0.0
    wider_m = settings.value("work_margin_most_m") - settings.work_margin_m
    return narrower_m, wider_m if narrower_m else 0.0


def told_at_other_widths(
    hold: Hold, demand: Demand, *, as_one: bool = False
) -> list[Sequence[Mapping[str, Any]]]:
    """Inputs that greenery and trees tell of each route at its least and its greatest width.

    None for routes whose width is unknown, or that are near nothing at any. ``as_one``: the routes
    are the feeds of one line, and what both tell together is one row.
    """
    narrower_m, wider_m = margins_of(hold.work, demand.pipe)
    told: list[Sequence[Mapping[str, Any]]] = [() for _ in range(1 if as_one else len(hold.lines))]
    at = _near(hold, wider_m) if narrower_m else np.zeros(0, np.int64)
    if len(at) == 0:
        return told
    ends = [_told(hold, demand, at, by_m, as_one) for by_m in (-narrower_m, wider_m)]
    for number, pair in zip([0] if as_one else at.tolist(), zip(*ends, strict=True), strict=True):
        told[number] = pair
    return told


def _near(hold: Hold, reach_m: float) -> NDArray[np.int64]:
    """Routes of a known width whose strips come as near as this to greenery or trees."""
    ground, found = hold.work.ground, np.zeros(len(hold.lines), bool)
    for things in (ground.greenery, ground.trees):
        if things is not None:
            found[things.tree.query(hold.worked, "dwithin", distance=reach_m)[0]] = True
    return np.flatnonzero(found)


def _told(
    hold: Hold, demand: Demand, at: NDArray[np.int64], by_m: float, as_one: bool
) -> list[dict[str, Any]]:
    """The inputs of some routes, or of both feeds together, with strips wider by so much."""
    ground, strips = hold.work.ground, hold.worked if as_one else hold.worked[at]
    strips = shapely.buffer(strips, by_m, cap_style="flat", join_style="mitre")
    if as_one:
        strips = np.array([shapely.union_all(strips)], object)
    green, green_m2 = green_inside(ground, strips)
    trees = trees_touched(ground, strips)
    feeds = len(hold.lines) if as_one else 1
    measures = measure_green(demand, green_m2, trees_in(ground, strips), feeds)
    return [
        {
            **{name: float(values[number]) for name, values in measures.items()},
            "touches_green": green[number][0],
            "touches_tree": trees[number][0],
            "tree_moving": trees[number][0],
            "ancient_tree_or_park": any_holds((green[number][1], trees[number][1])),
        }
        for number in range(len(strips))
    ]

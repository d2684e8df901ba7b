"""Near things: what a line does not touch as drawn, but may within the tolerances of the survey.

Whether a strip reaches greenery, trees or the land of a road is yes or no, and has no interval.
What lies nearer to it than both may be off together may as well be touched. What is touched as
drawn may be missed as well, which is not asked: no test of a policy wants a touch, so that a miss
takes permits and bars away and makes no verdict stricter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray
from planning.comparisons import day
from planning.facts import road_facts
from planning.tolerances import Tolerances

if TYPE_CHECKING:
    from planning.groundwork import Groundwork

# Layers of what may be touched.
_LAYERS = ("green", "trees", "roads", "road_red_lines")
# What greenery, parks, trees and ancient trees tell.
_OF_GREEN, _OF_PARK = ("touches_green",), ("ancient_tree_or_park",)
_OF_TREES, _OF_ANCIENT = ("touches_tree", "tree_moving"), ("ancient_tree_or_park",)


class Thing(NamedTuple):
    """One thing near a line: its layer and id, and where it is nearest.

    ``row`` is that of a road, -1 for others; ``facts`` would hold if it were touched; it keeps
    ``gap_m`` from where it would be, and may be off by ``tolerance_m``, the line by ``off_m``.
    """

    layer: str
    feature_id: str
    row: int
    facts: tuple[str, ...]
    gap_m: float
    tolerance_m: float
    off_m: float
    xy: tuple[float, float]


def may_be_near(tolerances: Tolerances) -> bool:
    """Whether a survey says of anything that may be touched how exactly it lies."""
    return any(tolerances.of_layer(layer).notna().any() for layer in _LAYERS)


def near_things(work: Groundwork, strips: NDArray[Any], off_m: FloatArray) -> list[list[Thing]]:
    """What is near each of some working strips, which may be ``off_m`` where they are drawn.

    Of things whose tolerance nobody states nothing is told, nor of strips that are None.
    """
    found: list[list[Thing]] = [[] for _ in strips]
    for kind in _kinds(work, strips):
        for strip, thing in kind.beside(off_m):
            found[strip].append(thing)
    return found


def if_touched(
    work: Groundwork, things: Sequence[Thing], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """The inputs that are unknown as near things may be touched, by name.

    What holds as it is holds whatever else is touched; days of roads add to those that there are.
    """
    unknown = {name for thing in things for name in thing.facts}
    roads = {thing.row: None for thing in things if thing.row >= 0}
    on = day(inputs["dig_date"])
    if on is None:
        raise ValueError("inputs need a dig_date, as every application has one")
    told = road_facts(work.ground, roads, (), on)
    if told.pop("touches_city_road") is None:
        unknown.add("touches_city_road")
    days = {name: [*inputs[name], *more] for name, more in told.items() if more and name in inputs}
    return {**{name: None for name in unknown if inputs.get(name) is False}, **days}


class _Kind(NamedTuple):
    """Things of one layer, and what they are near to.

    ``around`` are the shapes that they may reach, from which they have to keep ``zone_m``. What has
    no tolerance, or does not count, is NaN in ``tolerance_m``.
    """

    layer: str
    facts: tuple[str, ...]
    ids: NDArray[Any]
    shapes: NDArray[Any]
    tolerance_m: FloatArray
    around: NDArray[Any]
    zone_m: float = 0.0

    def beside(self, off_m: FloatArray) -> Iterator[tuple[int, Thing]]:
        """Each thing that is not nearer to a shape than the zone, but may be; whose shape."""
        known = np.flatnonzero(np.isfinite(self.tolerance_m))
        if len(known) == 0:
            return
        most = np.hypot(self.tolerance_m[known].max(), off_m.max(initial=0.0))
        tree = shapely.STRtree(self.shapes[known])
        shape, thing = tree.query(self.around, "dwithin", distance=self.zone_m + float(most))
        thing = known[thing]
        gap_m = shapely.distance(self.around[shape], self.shapes[thing]) - self.zone_m
        near = np.flatnonzero(gap_m < np.hypot(self.tolerance_m[thing], off_m[shape]))
        is_road = self.layer == "roads"
        for at in near[gap_m[near] >= 0].tolist():
            row = int(thing[at])
            link = shapely.shortest_line(self.shapes[row], self.around[shape[at]])
            told = Thing(
                self.layer,
                str(self.ids[row]),
                row if is_road else -1,
                self.facts,
                float(gap_m[at]),
                float(self.tolerance_m[row]),
                float(off_m[shape[at]]),
                tuple(shapely.get_coordinates(link)[0].tolist()),
            )
            yield int(shape[at]), told


def _kinds(work: Groundwork, strips: NDArray[Any]) -> Iterator[_Kind]:
    """What may be near working strips, and near the trenches in them: the land of roads."""
    ground, planning = work.ground, work.policy.planning
    for layer, told, facts, some_facts, zone_m in (
        ("green", ground.greenery, _OF_GREEN, _OF_PARK, 0.0),
        ("trees", ground.trees, _OF_TREES, _OF_ANCIENT, planning.ancient_tree_zone_m),
    ):
        if told is not None:
            marked = ground.is_park if layer == "green" else ground.is_ancient
            tolerance_m = work.tolerances.of_layer(layer).to_numpy(float)
            some_m = np.where([one is False for one in marked], np.nan, tolerance_m)
            ids = work.survey.tables[layer].index.to_numpy(object)
            yield _Kind(layer, facts, ids, told.shapes, tolerance_m, strips)
            yield _Kind(layer, some_facts, ids, told.shapes, some_m, strips, zone_m)
    trenches = shapely.buffer(strips, -planning.work_margin_m, cap_style="flat", join_style="mitre")
    ids = np.array(work.corridors.surfaces.road_ids, object)
    yield _Kind("roads", (), ids, ground.road_areas, _of_roads(work, ids), trenches)


def _of_roads(work: Groundwork, ids: NDArray[Any]) -> FloatArray:
    """How exactly the red line of each road lies: as it was surveyed, else as its centre line."""
    drawn = work.tolerances.of_layer("road_red_lines").groupby(level=0).max().reindex(ids)
    by_road = work.tolerances.of_layer("roads").reindex(ids).to_numpy(float)
    return np.where(work.corridors.surfaces.is_drawn_whole, drawn.to_numpy(float), by_road)

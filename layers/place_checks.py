"""What can be wrong with where things lie: twice in one place, over each other, joined to nothing.

All of these are warnings: the rest is planned, and a person decides which of two things is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from gettext import gettext as _
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from layers.problems import Problem
from layers.survey import Survey

if TYPE_CHECKING:
    from layers.checks import Rows

# Layers whose features are there once only: the same line or area under two ids is a mistake.
_ONCE = ("roads", "parcels", "buildings")
# Coordinates that agree to this many metres are the same; survey points are no better.
_SAME_M = 0.01
# Red lines that were drawn twice differ by centimetres: slivers of less than this are drawing.
_SLIVER_M2 = 0.5
# An end of a main this near to another line or node of its network is joined to it.
_JOINED_M = 0.5


def place_problems(rows: Rows, survey: Survey) -> Iterator[Problem]:
    """Yield what is wrong with where the rows of a layer lie; unusable shapes are passed over."""
    shapes = np.asarray(rows.table.geometry).copy()
    shapes[~shapely.is_valid(shapes)] = None
    if rows.definition.name in _ONCE:
        yield from _twice(rows, shapes)
    if rows.definition.name == "parcels":
        yield from _overlapping(rows, shapes)
        yield from _in_roads(rows, shapes, survey)
    if rows.definition.name == "lines":
        yield from _joined_to_nothing(rows, shapes, survey)


def _ids(rows: Rows) -> NDArray[np.str_]:
    return np.asarray(rows.table[rows.definition.id_field], object).astype(str)


def _twice(rows: Rows, shapes: NDArray[np.object_]) -> Iterator[Problem]:
    """The same shape under another id, whichever way it was drawn."""
    usable = np.flatnonzero(~shapely.is_missing(shapes))
    rounded = shapely.normalize(shapely.set_precision(shapes[usable], _SAME_M))
    keys = pd.Series(shapely.to_wkb(rounded), usable)
    ids = _ids(rows)
    first = pd.Series(ids[usable], usable).groupby(keys).transform("min")
    for position in usable[first.to_numpy() != ids[usable]].tolist():
        yield rows.problem(
            position,
            "geometry",
            _("与 {} 的图形相同,同一对象录入了两次").format(first.loc[position]),
            _("请核对后删除其中一行"),
            severity="warning",
        )


def _overlapping(rows: Rows, shapes: NDArray[np.object_]) -> Iterator[Problem]:
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    ids = _ids(rows)
    each = ids[one] < ids[two]
    one, two = one[each], two[each]
    shared = shapely.area(shapely.intersection(shapes[one], shapes[two]))
    for at in np.flatnonzero(shared > _SLIVER_M2).tolist():
        yield rows.problem(
            int(two[at]),
            "geometry",
            _("与宗地 {} 重叠 {:.1f} 平方米").format(ids[one[at]], shared[at]),
            _("请核对两块宗地的红线;管线不穿过重叠部分"),
            severity="warning",
        )


def _in_roads(rows: Rows, shapes: NDArray[np.object_], survey: Survey) -> Iterator[Problem]:
    """Parcels that reach into carriageways of recorded width."""
    roads = survey.get("roads")
    if roads is None:
        return
    centre = np.asarray(roads.geometry.array)
    width = pd.to_numeric(roads["carriageway_width_m"], errors="coerce").to_numpy(float)
    known = np.flatnonzero(np.isfinite(width) & shapely.is_valid(centre))
    areas = shapely.buffer(centre[known], width[known] / 2, cap_style="flat")
    parcel, road = shapely.STRtree(areas).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[parcel], areas[road]))
    for at in np.flatnonzero(shared > _SLIVER_M2).tolist():
        yield rows.problem(
            int(parcel[at]),
            "geometry",
            _("有 {:.1f} 平方米在道路 {} 的车行道内").format(
                shared[at], roads.index[known[road[at]]]
            ),
            _("请核对红线、道路中心线和车行道宽度"),
            severity="warning",
        )


def _joined_to_nothing(
    rows: Rows, shapes: NDArray[np.object_], survey: Survey
) -> Iterator[Problem]:
    """Lines that no end joins to another line or node of their utility, where there are others."""
    utility = rows.table["utility"].to_numpy(object)
    nodes = survey.get("nodes")
    places, owner = [shapes], [utility]
    if nodes is not None:
        places.append(np.asarray(nodes.geometry.array))
        owner.append(nodes["utility"].to_numpy(object))
    others, whose = np.concatenate(places), np.concatenate(owner)
    line, other = shapely.STRtree(others).query(shapes, predicate="dwithin", distance=_JOINED_M)
    met = (whose[other] == utility[line]) & (other != line)
    joined = np.isin(np.arange(len(shapes)), line[met])
    several = pd.Series(utility).groupby(utility).transform("size").to_numpy() > 1
    for position in np.flatnonzero(~joined & several & ~shapely.is_missing(shapes)).tolist():
        yield rows.problem(
            position,
            "geometry",
            _("不与本专业任何其他管线或节点相接,两端都无去处"),
            _("请核对是否漏画接头或管段;路由仍可接到它,接入前须核实"),
            severity="warning",
        )

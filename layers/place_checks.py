"""What can be wrong with where things lie: twice in one place, over each other, a hair apart.

All of these are warnings: the rest is planned, and a person decides which of two things is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from language import gettext as _
from layers.problems import Problem
from layers.shape_checks import REPEATED_M
from layers.survey import Survey

if TYPE_CHECKING:
    from layers.checks import Rows

# Layers whose features are there once only: the same line or area under two ids is a mistake.
_ONCE = ("roads", "parcels", "buildings")
# Coordinates that agree to this many metres are the same; survey points are no better.
_SAME_M = 0.01
# Red lines that were drawn twice differ by centimetres: slivers of less than this are drawing.
_SLIVER_M2 = 0.5
# Neighbours that are drawn to a common line never leave a gap this thin on purpose.
_GAP_M = 0.05


def place_problems(rows: Rows, survey: Survey) -> Iterator[Problem]:
    """Yield what is wrong with where the rows of a layer lie; unusable shapes are passed over."""
    shapes = np.asarray(rows.table.geometry).copy()
    shapes[~shapely.is_valid(shapes)] = None
    if rows.definition.name in _ONCE:
        yield from _twice(rows, shapes)
    if rows.definition.name == "parcels":
        yield from _overlapping(rows, shapes)
        yield from _in_roads(rows, shapes, survey)
        yield from _gaps(rows, shapes)


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
            rule_id="same_shape",
            key=first.loc[position],
            repair=same_but_id(rows, position, first.loc[position]),
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
            rule_id="overlapping_parcels",
            key=ids[one[at]],
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
            rule_id="parcel_in_road",
            key=str(roads.index[known[road[at]]]),
        )


def _gaps(rows: Rows, shapes: NDArray[np.object_]) -> Iterator[Problem]:
    """Parcels that nearly touch, but do not: a strip of nobody's land thinner than drawing."""
    one, two = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_GAP_M)
    ids = _ids(rows)
    each = ids[one] < ids[two]
    one, two = one[each], two[each]
    gap = shapely.distance(shapes[one], shapes[two])
    for at in np.flatnonzero(gap > REPEATED_M).tolist():
        near = shapely.get_coordinates(shapely.shortest_line(shapes[two[at]], shapes[one[at]]))
        yield rows.problem(
            int(two[at]),
            "geometry",
            _("与宗地 {} 之间有 {:.3f} 米的细缝").format(ids[one[at]], gap[at]),
            _("请核对两块宗地的共同界线"),
            rule_id="tiny_gap",
            key=ids[one[at]],
            at=(float(near[0, 0]), float(near[0, 1])),
        )


def same_but_id(rows: Rows, position: int, other: str) -> bool:
    """Tell whether a row says nothing else than the row called ``other``, shapes aside."""
    names = [n for n in rows.table if n not in (rows.definition.id_field, rows.table.geometry.name)]
    twin = int(np.flatnonzero(_ids(rows) == other)[0])
    both = rows.table[names].iloc[[twin, position]]
    one, two = both.iloc[0], both.iloc[1]
    return bool(((one == two) | (one.isna() & two.isna())).all())

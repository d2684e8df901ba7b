"""Whether layers cover the county: parcels outside service areas, parts of the town without lines.

These are questions about a layer as a whole: nobody can tell from the files whether a part of the
town has no gas, or was never surveyed for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from language import gettext as _
from layers.problems import Problem
from layers.survey import Survey
from layers.utilities import load_utilities

if TYPE_CHECKING:
    from layers.checks import Rows

# Farther than this from every line of a utility, a parcel could not be served without a new main:
# town blocks are no longer, and no line that needs no permit is.
NEAR_M = 300.0
# Parts of the town are told by cells this wide, so that a patch of parcels is one question.
_CELL_M = 500.0
# One parcel outside the town without gas is no gap in a survey; several side by side may be.
_PATCH_PARCELS = 5
# Layers of one county overlap. This far apart they were placed by different coordinate systems.
APART_M = 20_000.0
# Layers that service areas should contain.
_SERVED = ("parcels",)
_NAMED = 5

Extent = tuple[float, float, float, float]


def coverage_problems(rows: Rows, survey: Survey) -> Iterator[Problem]:
    """Yield what a layer leaves out, or where it lies apart from the others."""
    if rows.definition.name in _SERVED:
        yield from _outside_areas(rows, survey.get("service_areas"))
    if rows.definition.name == "lines":
        yield from _nothing_near(rows, survey.get("parcels"))
    yield from _elsewhere(rows, survey)


def _outside_areas(rows: Rows, areas: gpd.GeoDataFrame | None) -> Iterator[Problem]:
    if areas is None:
        return
    shapes = _usable(rows.table.geometry)
    known = ~shapely.is_missing(shapes)
    tree = shapely.STRtree(shapes)
    ids = rows.table[rows.definition.id_field].astype(str).to_numpy(object)
    network = areas[(areas["kind"] == "network") & areas["utility"].notna()]
    for utility, own in network.groupby("utility"):
        inside, _area = tree.query(_usable(own.geometry), predicate="intersects")[::-1]
        outside = np.flatnonzero(known & ~np.isin(np.arange(len(shapes)), inside))
        if len(outside):
            names = sorted(ids[outside])
            yield rows.whole(
                _("{} 个对象在{}供应范围之外:{}").format(
                    len(outside),
                    _zh(str(utility)),
                    _("、").join(names[:_NAMED]) + ("……" if len(names) > _NAMED else ""),
                ),
                _("请核对供应范围是否漏画;确在范围外的不必处理"),
                rule_id="outside_service_area",
                key=str(utility),
                extent=_around(shapes[outside]),
            )


def _nothing_near(rows: Rows, parcels: gpd.GeoDataFrame | None) -> Iterator[Problem]:
    if parcels is None or rows.table.empty:
        return
    land = _usable(parcels.geometry)
    land = land[~shapely.is_missing(land)]
    lines = _usable(rows.table.geometry)
    utility = rows.table["utility"].to_numpy(object)
    for name in sorted({str(one) for one in utility[pd.notna(utility)]}):
        own = lines[(utility == name) & ~shapely.is_missing(lines)]
        if not len(own) or not len(land):
            continue
        tree = shapely.STRtree(own)
        near = tree.query_nearest(land, max_distance=NEAR_M, all_matches=False)[0]
        far = np.delete(land, near)
        for patch in _patches(far):
            yield rows.whole(
                _("{} 块宗地周围 {:g} 米内没有{}管线:未测,还是确实没有?").format(
                    len(patch), NEAR_M, _zh(name)
                ),
                _("请向权属单位核实"),
                rule_id="nothing_near",
                key="{}@{:.0f},{:.0f}".format(name, *_around(patch)[:2]),
                extent=_around(patch),
            )


def _patches(land: NDArray[np.object_]) -> Iterator[NDArray[np.object_]]:
    """Parcels that lie side by side, by cells of a grid; small groups are left out."""
    from scipy.ndimage import label

    if not len(land):
        return
    bounds = shapely.bounds(land)
    cell = np.floor((bounds[:, :2] + bounds[:, 2:]) / 2 / _CELL_M).astype(int)
    cell -= cell.min(axis=0)
    if cell.max() > 5_000:  # one parcel hundreds of kilometres away; told as such elsewhere
        return
    grid = np.zeros(cell.max(axis=0) + 1, dtype=bool)
    grid[tuple(cell.T)] = True
    numbers, _count = label(grid, structure=np.ones((3, 3)))
    patch = numbers[tuple(cell.T)]
    for number in np.unique(patch):
        members = land[patch == number]
        if len(members) >= _PATCH_PARCELS:
            yield members


def _elsewhere(rows: Rows, survey: Survey) -> Iterator[Problem]:
    """A layer whose middle lies far from those of most others."""
    own = _usable(rows.table.geometry)
    own = own[~shapely.is_missing(own)]
    middles = {name: _middle(table) for name, table in survey.tables.items() if len(table)}
    here = middles.pop(rows.definition.name, None)
    others = np.array([place for place in middles.values() if place is not None])
    if here is None or len(others) < 2 or not len(own):
        return
    distances = np.hypot(*(others - here).T)
    far = distances > APART_M
    if 2 * far.sum() > len(others):  # where one layer is misplaced, the others have each other
        yield rows.whole(
            _("本图层的中心离其他图层的中心 {:.0f} 千米").format(np.median(distances[far]) / 1000),
            _("请核对坐标系、带号和坐标轴顺序,必要时用 --crs 重新导入"),
            rule_id="layer_elsewhere",
            extent=_around(own),
        )


def _middle(table: gpd.GeoDataFrame) -> NDArray[np.float64] | None:
    bounds = shapely.bounds(np.asarray(table.geometry.array))
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(bounds):
        return None
    middle: NDArray[np.float64] = np.median((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0)
    return middle


def _usable(column: gpd.GeoSeries) -> NDArray[np.object_]:
    shapes: NDArray[np.object_] = np.asarray(column.array, object).copy()
    shapes[~shapely.is_valid(shapes) | shapely.is_empty(shapes)] = None
    return shapes


def _around(shapes: NDArray[np.object_]) -> Extent:
    west, south, east, north = map(float, shapely.total_bounds(shapes))
    return west, south, east, north


def _zh(utility: str) -> str:
    known = load_utilities()
    return known[utility].label if utility in known else utility

"""What is laid by hand: river, railway and main streets, in metres from the town's corner."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import shapely
from shapely import LineString, Polygon

from sample_data.shapes import offset, spline

ORIGIN = (582200.0, 3501250.0)
"""South-west corner of the town, EPSG:4547 (about 114.867 E, 31.631 N, Xin County)."""

RIVER_NAME = "青溪河"
RAILWAY_NAME = "豫青铁路"
PARK_AT = (520.0, 610.0)
OLD_TOWN_AT = (1150.0, 1240.0)


class MainStreet(NamedTuple):
    """A main street: its control points run past ``start_on`` and ``end_on``, where it is cut."""

    name: str
    road_class: str
    points: list[tuple[float, float]]
    start_on: str | None = None
    end_on: str | None = None


_RIVER_POINTS = [
    (372, 2009), (423, 1869), (484, 1702), (614, 1469), (688, 1237), (828, 1032),
    (1004, 884), (1107, 688), (1111, 437), (1200, 195), (1321, 19), (1395, -74),
]  # fmt: skip
_RAILWAY_POINTS = [(1851, -84), (1906, 353), (1972, 818), (2001, 1228), (1970, 1600), (1916, 1962)]


@cache
def river_axis() -> LineString:
    """Return the middle line of the river."""
    return spline(_RIVER_POINTS)


def river_polygon() -> Polygon:
    """Return the river's water surface, which widens downstream from 44 m to 60 m."""
    axis = river_axis()
    half = np.linspace(22, 30, len(axis.coords))
    left, right = offset(axis, half), offset(axis, -half)
    return Polygon([*left.coords, *reversed(right.coords)])


@cache
def railway() -> LineString:
    """Return the axis of the railway."""
    return spline(_RAILWAY_POINTS, 40)


def bank_road(side: int) -> list[tuple[float, float]]:
    """Return the points of the river road on one bank: +1 east (left going down), -1 west."""
    axis = offset(river_axis(), 66 * side)
    line = axis.simplify(1.5)
    return [(float(x), float(y)) for x, y in line.coords]


MAIN_STREETS = [
    MainStreet("凤鸣大道", "arterial", [(-56, 1107), (232, 1070), (521, 1083), (744, 1130),
               (1023, 1149), (1395, 1097), (1748, 1023), (2046, 1028), (2195, 1060), (2381, 1107)]),
    MainStreet("迎宾大道", "arterial", [(-37, 446), (140, 409), (391, 298), (707, 232), (930, 223),
               (1162, 219), (1283, 209), (2139, 140), (2306, 112), (2418, 56)]),
    MainStreet("环城大道", "arterial", [(102, 260), (74, 521), (93, 725), (58, 930), (42, 1116),
               (56, 1321), (121, 1525), (251, 1674), (456, 1744), (670, 1732), (874, 1705),
               (1841, 1611), (2009, 1572), (2120, 1469), (2172, 1302), (2186, 1051), (2172, 772),
               (2139, 521), (2116, 307), (2109, 102)], "迎宾大道", "迎宾大道"),
    MainStreet("云台大道", "arterial", [(1451, 1823), (1437, 1525), (1386, 1302), (1376, 1070),
               (1423, 837), (1525, 595), (1558, 353), (1544, 56)], "环城大道", "迎宾大道"),
    MainStreet("滨河东路", "collector", bank_road(1), "环城大道", "迎宾大道"),
    MainStreet("滨河西路", "collector", bank_road(-1), "环城大道", "迎宾大道"),
    MainStreet("文澜路", "collector", [(-19, 735), (167, 744), (307, 790), (577, 790), (837, 707),
               (1107, 651), (1321, 707), (1488, 772), (1767, 735), (1981, 688), (2306, 707)],
               "环城大道", "环城大道"),
    MainStreet("锦绣路", "collector", [(326, 1767), (307, 1581), (256, 1376), (279, 1116),
               (335, 865), (312, 595), (270, 242)], "环城大道", "迎宾大道"),
    MainStreet("兴贤路", "collector", [(1720, 1702), (1720, 1525), (1748, 1321), (1693, 1070),
               (1720, 790), (1772, 484), (1748, 56)], "环城大道", "迎宾大道"),
    MainStreet("北苑路", "collector", [(604, 1376), (800, 1414), (1032, 1446), (1395, 1376),
               (1581, 1353), (1823, 1395), (2009, 1376), (2251, 1330)], "滨河东路", "环城大道"),
    MainStreet("钟楼街", "collector", [(1107, 1767), (1097, 1600), (1042, 1395), (1070, 1209),
               (1079, 1042)], "环城大道", "凤鸣大道"),
    MainStreet("西园路", "collector", [(19, 1376), (251, 1367), (446, 1395), (651, 1432)],
               "环城大道", "滨河西路"),
    MainStreet("望岳路", "collector", [(1097, 465), (1302, 484), (1534, 428), (1767, 446),
               (1972, 521), (2232, 502)], "滨河东路", "环城大道"),
    MainStreet("兴工路", "collector", [(2079, 1116), (2035, 56)], "凤鸣大道", "迎宾大道"),
    MainStreet("柳林路", "collector", [(37, 521), (307, 549), (521, 521), (744, 437), (1097, 391)],
               "环城大道", "滨河西路"),
]  # fmt: skip


def ground_level(points: np.ndarray) -> np.ndarray:
    """Return the ground level in metres at rows of x, y: falling to the river and downstream."""
    away = shapely.distance(river_axis(), shapely.points(points))
    waves = 0.35 * np.sin(points[:, 0] / 170) * np.cos(points[:, 1] / 210)
    level: np.ndarray = 88.0 + 0.0035 * points[:, 1] + 0.007 * np.minimum(away, 900.0) + waves
    return np.round(level, 2)

"""The development district north of the ring, laid by hand: streets, lots, mains, fittings.

Coordinates are metres from the town's corner, like those of ``layout``. A chainage is the distance
along a street from its first point; the sides N and S (or E and W) are compass sides.
"""

from __future__ import annotations

from typing import NamedTuple

from shapely import LineString

from sample_data.shapes import offset, substring


class Road(NamedTuple):
    """A street of the district; ``parent`` is the street that it starts on."""

    name: str
    road_class: str
    points: list[tuple[float, float]]
    carriageway_m: float
    red_line_m: float
    parent: str | None
    opened_on: str | None
    overhauled_on: str | None
    surface: str = "asphalt"
    authority: str = "municipal"

    @property
    def line(self) -> LineString:
        """Return the centre line."""
        return LineString(self.points)


class Lot(NamedTuple):
    """A parcel on a street: chainages of its two sides, set-back of its front, depth in metres."""

    road: str
    side: str
    start_m: float
    end_m: float
    depth_m: float
    land_use: str
    name: str
    setback_m: float = 0.0


class Unit(NamedTuple):
    """A fitting that a line can be joined to, at a chainage; ``room`` is spare bays or holes."""

    road: str
    at_m: float
    room: int


class Lawn(NamedTuple):
    """A lawn from kerb to red line that decides a case by its area.

    One end is fixed, the other is solved for; ``gap_m`` is left open for an entrance.
    """

    road: str
    side: str
    fixed_m: float
    gap_m: tuple[float, float] | None = None


RING_JUNCTION = (1104.213, 1683.11)
"""Where 钟楼街 meets the ring, and the district's main street begins."""

SPINE, BOULEVARD, COLLEGE = "新城大道", "创新大道", "学府路"
MEADOW, LAWN = "芳草路", "绿茵路"

ROADS = {
    road.name: road
    for road in [
        Road(SPINE, "arterial", [RING_JUNCTION, (1107, 1740), (1120, 1815), (1120, 2440)],
             25.0, 50.0, None, "2013-10-01", "2013-10-01"),
        # a surveyed width: two centimetres of paving each side make the boulevard's 50.01 m
        Road(BOULEVARD, "arterial", [(670, 2450), (1120, 2440), (1585, 2446)],
             25.0, 50.01, SPINE, "2015-06-18", "2015-06-18"),
        Road(COLLEGE, "collector", [(760, 2190), (1120, 2200), (1510, 2213)],
             15.0, 24.0, SPINE, "2014-08-20", "2014-08-20"),
        Road(MEADOW, "collector", [(1120, 1990), (860, 1997), (790, 2012)],
             15.0, 24.0, SPINE, "2014-11-05", "2014-11-05"),
        Road(LAWN, "collector", [(1120, 1950), (1390, 1943), (1450, 1928)],
             15.0, 24.0, SPINE, "2015-04-30", "2015-04-30"),
        Road("兰台路", "local", [(1120, 1850), (1380, 1842), (1440, 1848)],
             9.0, 16.0, SPINE, "2016-09-10", "2016-09-10"),
        Road("小河路", "local", [(1120, 1890), (960, 1896), (840, 1917)],
             9.0, 16.0, SPINE, None, None, "concrete"),
        Road("迎新路", "local", [(1120, 2080), (930, 2086), (850, 2101)],
             9.0, 16.0, SPINE, "2024-09-30", "2024-09-30"),
        Road("古渡路", "local", [(1120, 2050), (1330, 2045), (1400, 2052)],
             9.0, 16.0, SPINE, "2008-05-01", "2025-06-15", "concrete"),
        Road("科创路", "local", [(700, 2449.333), (668, 2385), (662, 2310), (700, 2265),
                                (765, 2240), (790, 2190.833)],
             9.0, 16.0, BOULEVARD, "2016-03-12", "2016-03-12"),
        Road("双创路", "local", [(1557, 2445.639), (1580, 2370), (1570, 2290), (1510, 2255),
                                (1488, 2212.267)],
             9.0, 16.0, BOULEVARD, "2016-03-12", "2016-03-12"),
        Road("和园一路", "lane", [(662, 2310), (600, 2304), (535, 2316)],
             5.0, 9.0, "科创路", "2017-05-20", "2017-05-20", "concrete", "estate"),
    ]
}  # fmt: skip

LOTS = {
    # 学府路, west and east of the main street
    "X1": Lot(COLLEGE, "N", 111, 168, 66, "education", "育才中学新校区"),
    "X2": Lot(COLLEGE, "N", 52, 107, 66, "office", "数据中心"),
    "X3": Lot(COLLEGE, "S", 104, 168, 46, "commercial", "学府商业中心"),
    "X4": Lot(COLLEGE, "S", 176, 250, 46, "residential", "学府雅苑"),
    "X5": Lot(COLLEGE, "N", 176, 240, 66, "residential", "书香名邸"),
    "X6": Lot(COLLEGE, "N", 550, 604, 66, "medical", "城北医院"),
    "X7": Lot(COLLEGE, "N", 616, 676, 66, "office", "云计算服务中心"),
    "X8": Lot(COLLEGE, "S", 550, 604, 60, "residential", "城北家园"),
    "X9": Lot(COLLEGE, "S", 430, 508, 60, "public", "城北体育馆"),
    # 芳草路 and 绿茵路
    "F1": Lot(MEADOW, "N", 148, 206, 34, "residential", "芳草雅苑"),
    "F2": Lot(MEADOW, "S", 148, 206, 36, "residential", "芳草花园"),
    "F3": Lot(MEADOW, "N", 78, 140, 34, "commercial", "芳草农贸市场"),
    "F4": Lot(MEADOW, "S", 78, 140, 36, "mixed", "芳草商住楼"),
    "L1": Lot(LAWN, "N", 140, 200, 38, "office", "绿茵商务中心"),
    "L2": Lot(LAWN, "S", 140, 200, 38, "public", "绿茵社区服务中心"),
    "L3": Lot(LAWN, "N", 78, 136, 38, "residential", "绿茵小区"),
    "L4": Lot(LAWN, "S", 78, 136, 38, "residential", "绿茵新村"),
    # 兰台路, whose first users share a trench
    "N1": Lot("兰台路", "N", 74, 106, 40, "mixed", "兰台广场"),
    "N2": Lot("兰台路", "N", 108, 138, 40, "residential", "兰台花园"),
    "N3": Lot("兰台路", "N", 140, 162, 40, "commercial", "兰台酒店"),
    "N4": Lot("兰台路", "N", 164, 186, 40, "office", "兰台大厦"),
    # 小河路 (records lost), 迎新路 (young), 古渡路 (overhauled)
    "H1": Lot("小河路", "N", 80, 150, 38, "residential", "小河新村"),
    "H2": Lot("小河路", "S", 80, 150, 34, "residential", "小河花园"),
    "Y1": Lot("迎新路", "N", 80, 130, 34, "residential", "迎新家园"),
    "Y2": Lot("迎新路", "S", 80, 130, 34, "residential", "迎新小区"),
    "D1": Lot("古渡路", "N", 80, 140, 48, "commercial", "古渡商场"),
    "D2": Lot("古渡路", "S", 80, 140, 38, "residential", "古渡雅苑"),
    # 新城大道; chainages from the ring
    "S1": Lot(SPINE, "W", 220, 252, 42, "residential", "新城花园"),
    "S2": Lot(SPINE, "W", 256, 292, 42, "mixed", "新城综合体"),
    "S3": Lot(SPINE, "W", 323, 354, 42, "office", "新城大厦"),
    "S4": Lot(SPINE, "W", 357, 386, 42, "commercial", "新城购物中心"),
    "S5": Lot(SPINE, "W", 410, 440, 42, "office", "政务服务中心"),
    "S6": Lot(SPINE, "W", 444, 490, 42, "commercial", "新城酒店"),
    "S7": Lot(SPINE, "E", 180, 213, 42, "commercial", "金穗商场"),
    "S8": Lot(SPINE, "E", 216, 252, 42, "office", "金穗大厦"),
    "S9": Lot(SPINE, "E", 284, 314, 42, "mixed", "商会大厦"),
    "S10": Lot(SPINE, "E", 318, 354, 42, "commercial", "家居广场"),
    "S11": Lot(SPINE, "E", 381, 420, 42, "industrial", "云台茶叶加工厂"),
    "S12": Lot(SPINE, "E", 424, 460, 42, "commercial", "夜市小餐饮街"),
    "S13": Lot(SPINE, "E", 464, 490, 42, "residential", "安置房工地"),
    "S14": Lot(SPINE, "W", 531, 590, 42, "residential", "会展名邸"),
    "S15": Lot(SPINE, "W", 594, 660, 42, "residential", "会展花园"),
    "S16": Lot(SPINE, "E", 535, 590, 42, "residential", "天桥村安置点"),
    "S17": Lot(SPINE, "E", 594, 660, 42, "commercial", "会展中心"),
    # 创新大道
    "B1": Lot(BOULEVARD, "N", 780, 850, 70, "industrial", "精密制造产业园", 9.0),
    "B2": Lot(BOULEVARD, "N", 852, 906, 79, "industrial", "新能源电池厂"),
    "B3": Lot(BOULEVARD, "N", 462, 520, 70, "office", "创新大厦"),
    "B4": Lot(BOULEVARD, "N", 360, 440, 80, "industrial", "电子产业园"),
    "B5": Lot(BOULEVARD, "N", 250, 350, 80, "industrial", "纺织产业园"),
    "B6": Lot(BOULEVARD, "N", 130, 240, 80, "logistics", "城北物流园"),
    "B7": Lot(BOULEVARD, "N", 560, 660, 80, "industrial", "食品产业园"),
    "B8": Lot(BOULEVARD, "N", 680, 776, 80, "industrial", "机械产业园"),
    "B9": Lot(BOULEVARD, "S", 60, 150, 58, "industrial", "包装厂"),
    "B10": Lot(BOULEVARD, "S", 170, 260, 58, "industrial", "建材厂"),
    "B11": Lot(BOULEVARD, "S", 560, 660, 58, "office", "研发中心"),
    "B12": Lot(BOULEVARD, "S", 680, 780, 58, "education", "职业学院实训楼"),
    # the estate's own street, and the land behind everything
    "E1": Lot("和园一路", "N", 34, 66, 44, "residential", "和园一期"),
    "E2": Lot("和园一路", "S", 34, 66, 44, "residential", "和园二期"),
    "U1": Lot(COLLEGE, "N", 130, 220, 44, "residential", "老窑厂地块", 84.0),
}  # fmt: skip

# Sizes of mains; streets that are not named have none of the utility yet.
WATER_MM = {SPINE: 400, BOULEVARD: 300, COLLEGE: 150, MEADOW: 150, LAWN: 150,
            "小河路": 150, "迎新路": 150, "古渡路": 150, "科创路": 150, "双创路": 150,
            "和园一路": 150}  # fmt: skip
GAS_MPA = {SPINE: 0.2, BOULEVARD: 0.2, COLLEGE: 0.005, MEADOW: 0.005, LAWN: 0.005,
           "迎新路": 0.005, "古渡路": 0.005}  # fmt: skip
GAS_MM = {SPINE: 200, BOULEVARD: 200}
SEWERED = (SPINE, BOULEVARD, COLLEGE, MEADOW, LAWN, "小河路", "迎新路", "古渡路")
SEWER_MM = {"sewage": 300, "storm": 600}
CABLED = (SPINE, BOULEVARD, COLLEGE, MEADOW, "小河路")
DUCTED = (SPINE, BOULEVARD, COLLEGE, MEADOW, LAWN, "小河路", "古渡路")
MIRRORED = {(BOULEVARD, "power"), (BOULEVARD, "sewage")}
"""Mains on the other side than usual."""

RING_MAIN_UNITS = [
    Unit(SPINE, 120, 0), Unit(SPINE, 200, 3), Unit(SPINE, 345, 0), Unit(SPINE, 480, 0),
    Unit(SPINE, 640, 0), Unit(BOULEVARD, 75, 2), Unit(BOULEVARD, 240, 0), Unit(BOULEVARD, 600, 0),
    Unit(BOULEVARD, 760, 0), Unit(COLLEGE, 200, 0), Unit(COLLEGE, 560, 0), Unit(MEADOW, 150, 0),
    Unit("小河路", 90, 0),
]  # fmt: skip
"""At 10 kV. Bays are spare at the south end of the main street and the west end of the boulevard
only: the first ring of the district is full in between."""

TRANSFORMERS = [Unit(SPINE, 340, 2), Unit(BOULEVARD, 480, 2)]
"""Compact transformers with spare outlets at 0.4 kV, south and east of the streets."""

HANDHOLES = [
    *(Unit(SPINE, at, 6) for at in (44, 100, 168, *range(212, 740, 56))),
    *(Unit(BOULEVARD, at, 4) for at in range(30, 900, 75)),
    Unit(COLLEGE, 20, 0), Unit(COLLEGE, 95, 0), Unit(COLLEGE, 170, 0), Unit(COLLEGE, 240, 0),
    Unit(COLLEGE, 290, 4), Unit(COLLEGE, 430, 4), Unit(COLLEGE, 500, 0), Unit(COLLEGE, 575, 0),
    Unit(COLLEGE, 650, 0), Unit(MEADOW, 60, 4), Unit(MEADOW, 130, 4), Unit(LAWN, 60, 0),
    Unit(LAWN, 130, 0), Unit(LAWN, 200, 0), Unit("小河路", 60, 4), Unit("小河路", 130, 2),
    Unit("古渡路", 60, 4), Unit("古渡路", 130, 2),
]  # fmt: skip

# The northern lawns reach past the southern ones at both ends, so that nothing is won by changing
# to the other side of the street.
LAWNS = {
    "F1": Lawn(MEADOW, "N", 204, (160, 170)),
    "F2": Lawn(MEADOW, "S", 70),
    "L1": Lawn(LAWN, "N", 200, (147, 157)),
    "L2": Lawn(LAWN, "S", 50),
}
"""The lawns by the lot whose case they decide."""

PLANTED = [
    ("科创路", "W", 20, 110), ("双创路", "E", 20, 250), (BOULEVARD, "S", 270, 420),
    (BOULEVARD, "N", 270, 345), (BOULEVARD, "N", 575, 650), (SPINE, "E", 540, 650),
]  # fmt: skip
"""Planted verges: street, side and the chainages between which they lie."""


def sign(road: Road, side: str) -> int:
    """Return +1 if the compass side is on the left of the street, else -1."""
    (ax, ay), (bx, by) = road.points[0], road.points[-1]
    left = (ay - by, bx - ax)
    toward = {"N": (0, 1), "S": (0, -1), "E": (1, 0), "W": (-1, 0)}[side]
    return 1 if left[0] * toward[0] + left[1] * toward[1] > 0 else -1


def beside(road: Road, side: str, start_m: float, end_m: float, distance_m: float) -> LineString:
    """Return a part of the street's centre line, shifted to a side."""
    return offset(substring(road.line, start_m, end_m), sign(road, side) * distance_m)

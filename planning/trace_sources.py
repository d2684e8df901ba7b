"""What every kind of number in ``plan.json`` is computed from: one row for each kind.

A pattern is a JSON pointer; ``*`` stands for any one segment, ``{name}`` for one that the sources
hang on, ``**`` at the end for one or more. Rows are tried in order. Formulas are for the people
who read the plan; the functions that compute them stand where ``docs/architecture.md`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import shapely

from layers.survey import Survey
from planning.drawn_roads import SURVEYED
from planning.texts import gettext as _

POLICY = "rules/counties/{county}/policy.toml"
PRICES = "rules/unit_prices.csv"
HORIZONTAL = "rules/standards/horizontal_clearance.csv"
VERTICAL = "rules/standards/vertical_clearance.csv"
COVER = "rules/standards/cover.csv"
SIZES = "rules/standards/pipe_sizes.csv"
WORKING_SPACE = "rules/standards/trench_width.csv"
SIZING = "rules/sizing"
DEMAND = "rules/default_demand.csv"


class Feature(NamedTuple):
    """Where a value was read: layer, id of the feature (None for the whole layer), field.

    ``application`` stands beside the layers for what the user asked for.
    """

    layer: str
    id: str | None
    field: str


class Rule(NamedTuple):
    """A file under ``rules/`` and the clause, table or item in it."""

    file: str
    ref: str


@dataclass(frozen=True)
class Place:
    """One place of a document: what the pattern's names are bound to there."""

    document: Mapping[str, Any]
    survey: Survey
    pointer: tuple[str, ...]
    bound: Mapping[str, str]

    @property
    def line(self) -> Mapping[str, Any]:
        """The utility's entry."""
        found: Mapping[str, Any] = self.document["utilities"][int(self.bound["u"])]
        return found

    @property
    def route(self) -> Mapping[str, Any]:
        """The route that the number stands in; else the drawn or recommended one it tells of."""
        own = self._within
        if own is not None:
            return own
        if self._of_drawn:
            return self._of_kind("manual")
        if "joint" in self.pointer and self.line["shared_route"]:
            return dict(self.line["shared_route"])
        return self.recommended

    @property
    def routes(self) -> list[Mapping[str, Any]]:
        """The routes that the number is of: of a line with two feeds both, unless it is of one."""
        of_both = self._within is None or "together" in self.pointer
        other = self._other_feed if of_both else None
        return [self.route] if other is None else [self.route, other]

    @property
    def _other_feed(self) -> Mapping[str, Any] | None:
        """The other route of a line with two feeds: of a drawn one that beside it."""
        second, first = self.line.get("second_feed") or {}, self.line["recommended"]
        if self._of_drawn or self.route.get("kind") == "manual":
            second, first = (self.line.get("manual") or {}).get("second_feed") or {}, "manual"
        elif second.get("together") is None:
            return None
        elif "cheapest" in self.pointer:
            second, first = second["cheapest"] or second, "cheapest"
        found: Mapping[str, Any] | None = second.get("route")
        return self._of_kind(first) if found and found is self._within else found

    @property
    def _of_drawn(self) -> bool:
        return self.pointer[2:3] == ("manual",)

    def _of_kind(self, kind: str | None) -> Mapping[str, Any]:
        """The route of a kind, empty where there is none."""
        return next((r for r in self.line["routes"] if r["kind"] == kind), {})

    @property
    def _within(self) -> Mapping[str, Any] | None:
        value: Any = self.document
        for segment in self.pointer:
            value = value[int(segment) if isinstance(value, list) else segment]
            if isinstance(value, Mapping) and "tie_in" in value:
                return value
        return None

    @property
    def recommended(self) -> Mapping[str, Any]:
        """The recommended route, empty where there is none."""
        return self._of_kind(self.line["recommended"])

    def item(self, *names: str) -> Mapping[str, Any]:
        """An element of a list below the utility, by the name ``n``."""
        found: Any = self.line
        for name in names:
            found = found[name]
        element: Mapping[str, Any] = found[int(self.bound["n"])]
        return element

    def policy(self, ref: str) -> Rule:
        """A clause or input of the county's policy."""
        return Rule(POLICY.format(county=self.document["county"]), ref)


Inputs = Callable[[Place], Iterator[Feature]]


@dataclass(frozen=True)
class Source:
    """One kind of number: where it stands, its formula, its features and its rule."""

    pattern: tuple[str, ...]
    formula: str | Callable[[Place], str]
    inputs: Inputs
    rule: Rule | Callable[[Place], Rule | None] | None = None


# --- features ----------------------------------------------------------------------------------


def nothing(_place: Place) -> Iterator[Feature]:
    """Given by a rule or counted in the plan itself."""
    yield from ()


def parcel(place: Place) -> Iterator[Feature]:
    """The red line of the parcel."""
    yield Feature("parcels", place.document["parcel_id"], "geometry")


def asked(place: Place) -> Iterator[Feature]:
    """What the application, or the usual demand of the land use, asks for."""
    if place.document["source"] == "application":
        name = str(place.document["application_id"])
        yield Feature("application", name, f"demands.{place.line['utility']}")
    else:
        yield Feature("parcels", place.document["parcel_id"], "land_use")


def way(place: Place) -> Iterator[Feature]:
    """The ends of a route and the roads that it follows."""
    for route in place.routes:
        tie_in = route.get("tie_in")
        if tie_in:
            layer = "lines" if tie_in["kind"] == "line" else "nodes"
            yield Feature(layer, tie_in["line_id"] or tie_in["node_id"], "geometry")
    yield from parcel(place)
    for route in place.routes:
        for road in route.get("roads", ()):
            yield Feature("roads", road, "geometry")


def tie_in(place: Place) -> Iterator[Feature]:
    """The main or node that a route joins."""
    yield next(way(place))


def levels(place: Place) -> Iterator[Feature]:
    """What the fall of a gravity line hangs on: the user's last well, the network, the way."""
    yield from asked(place)
    found = place.route.get("tie_in")
    if found and found["kind"] == "line":
        for field in ("start_invert_m", "end_invert_m"):
            yield Feature("lines", found["line_id"], field)
    elif found:
        yield Feature("nodes", found["node_id"], "invert_level_m")
    yield from way(place)


def nearest_level(place: Place) -> Iterator[Feature]:
    """The same of the nearest place to join, where no way keeps the fall."""
    yield from asked(place)
    found = place.line["no_fall"]
    yield Feature("lines" if found["kind"] == "line" else "nodes", found["feature_id"], "geometry")
    yield from parcel(place)


def crossed(place: Place) -> Iterator[Feature]:
    """The roads that a route crosses, their widths, and the areas that were surveyed of them."""
    yield from way(place)
    for crossing in (one for route in place.routes for one in route.get("crossings", ())):
        road = crossing["road_id"]
        for field in ("carriageway_width_m", "red_line_width_m"):
            yield Feature("roads", road, field)
        for layer in SURVEYED:
            drawn = place.survey.get(layer)
            if drawn is not None and road in drawn.index:
                yield Feature(layer, road, "geometry")


def grounds(place: Place) -> Iterator[Feature]:
    """What a route lies in: the widths of its streets, and the lines beside it."""
    yield from way(place)
    found = place.route.get("stretches", ())
    for road in dict.fromkeys(one["road_id"] for one in found if one["road_id"] is not None):
        for field in ("carriageway_width_m", "red_line_width_m"):
            yield Feature("roads", road, field)
    for line in dict.fromkeys(line for one in found for line in one["lines"]):
        for field in ("geometry", "diameter_mm"):
            yield Feature("lines", line, field)


def greenery(place: Place) -> Iterator[Feature]:
    """The greenery under the working strip; the whole layer where there is none."""
    green = place.survey.get("green")
    strips = [strip for route in place.routes if (strip := route.get("strip")) is not None]
    rows: list[str | None] = []
    for strip in strips if green is not None else ():
        rows += _under(green, shapely.geometry.shape(strip))
    for name in dict.fromkeys(rows) or [None]:
        yield Feature("green", name, "geometry")
    yield from way(place)


def _under(table: Any, strip: shapely.Geometry) -> list[str | None]:
    rows = table.sindex.query(strip, predicate="intersects")
    return [*sorted(str(name) for name in table.index[rows])]


def dug(place: Place) -> Iterator[Feature]:
    """What the cost of a route hangs on: its size, its way and the surfaces."""
    yield from asked(place)
    yield from crossed(place)
    for road in (road for route in place.routes for road in route.get("roads", ())):
        yield Feature("roads", road, "surface")


def near(place: Place) -> Iterator[Feature]:
    """What a clearance is measured to, and the route."""
    one = place.item("clearances")
    fields = ("geometry", "diameter_mm", *_DEPTHS) if one["against"] == "line" else ("geometry",)
    for field in fields:
        yield Feature(one["layer"], one["id"], field)
    yield from asked(place)


def located(place: Place) -> Iterator[Feature]:
    """How well the thing near a route is located, or its depth where it is crossed."""
    one = place.item("clearances")
    beside = "carriageway_width_m" if one["against"] == "kerb" else "position_accuracy_m"
    crossed = one["direction"] == "crossing"
    for field in ("position_source", *_DEPTHS) if crossed else (beside,):
        yield Feature(one["layer"], one["id"], field)


def everything(place: Place) -> Iterator[Feature]:
    """What the joint plan is made of: the demands and ends of its members."""
    yield from parcel(place)
    for number, line in enumerate(place.document["utilities"]):
        if line["shared_route"] is not None:
            member = ("utilities", str(number), "shared_route", "length_m")
            one = Place(place.document, place.survey, member, {"u": str(number)})
            yield from asked(one)
            yield from way(one)


def measured(place: Place) -> Iterator[Feature]:
    """What a measure, or a finding about one, was read from."""
    name = str(_named(place).get("name") or _named(place).get("input") or "")
    for part, inputs in _MEASURED_FROM.items():
        if part in name:
            yield from inputs(place)
            return
    yield from way(place)


_MEASURED_FROM: Mapping[str, Inputs] = {
    "green": greenery,
    "crossing": crossed,
    "_dn_": asked,
    "duct_": asked,
    "pressure": asked,
    "voltage": asked,
    "opened": crossed,
    "overhauled": crossed,
}


def _named(place: Place) -> Mapping[str, Any]:
    """The measure or finding that a place belongs to."""
    if "v" in place.bound:
        return place.item("verdict", place.bound["v"], "findings")
    if "input" in place.bound:
        return {"name": place.bound["input"]}
    return place.item("measures")


# --- rules and formulas that differ from place to place ------------------------------------------


def clause(place: Place) -> Rule:
    """The clause that a finding rests on."""
    return place.policy(str(_named(place).get("ref") or _named(place).get("input")))


def demand_rule(place: Place) -> Rule | None:
    """The usual demand of a land use; nothing where an application asks for the size itself."""
    usual = place.document["source"] == "default_demand"
    return Rule(DEMAND, str(place.document["parcel"]["land_use"])) if usual else None


def sizing_rule(place: Place) -> Rule:
    """The standard that a size was derived by."""
    return Rule(SIZING, str(place.line["sizing"]["source"]))


def input_rule(place: Place) -> Rule:
    """The definition of a measure in the policy."""
    return place.policy(f"input.{_named(place)['name']}")


def table_of(place: Place) -> Rule | None:
    """The table that a clearance was looked up in."""
    one = place.item("clearances")
    file = VERTICAL if one["direction"] == "crossing" else HORIZONTAL
    return None if one["source"] is None else Rule(file, one["source"])


def gap_formula(place: Place) -> str:
    """How the gap of a pair was measured."""
    if place.item("clearances")["direction"] == "crossing":
        return _("竖向净距 = 上管管底与下管管顶之差;新管按最小覆土")
    return _("水平净距 = 最短距离 − 两侧外轮廓半宽之和")


def measure_formula(place: Place) -> str:
    """What a measure is, in words."""
    name = str(_named(place).get("name") or _named(place).get("input") or "")
    for part, words in _MEASURE_WORDS.items():
        if part in name:
            return words
    return _("取自申请或图层的原值")


_MEASURE_WORDS = {
    "new_duct": _("路由长度 − 利用既有管孔的长度"),
    "green": _("作业带与绿地相交部分的并集面积"),
    "longest": _("单处穿越车行道的最长长度"),
    "crossing_red_line": _("穿越各段长 × 该处红线宽 ÷ 车行道宽,求和"),
    "crossing": _("路由在城市道路车行道内各段长度之和"),
    "length": _("路由自接入点至红线的长度"),
    "construction": _("路由自接入点至红线的长度"),
    "_dn_": _("申请的公称管径"),
    "duct_": _("申请的管孔规格"),
}


# --- the table ------------------------------------------------------------------------------------


def _row(
    path: str,
    formula: str | Callable[[Place], str],
    inputs: Inputs = nothing,
    rule: Rule | Callable[[Place], Rule | None] | None = None,
) -> Source:
    return Source(tuple(path.split("/")[1:]), formula, inputs, rule)


_PRICED = Rule(PRICES, "excavation, restoration, green, pipe, open_crossing")
_DEPTHS = ("depth_m", "start_depth_m", "end_depth_m")
_CLEARANCE = Rule(HORIZONTAL, "GB 50289-2016 table 4.1.9")
_SLOPE = Rule(f"{SIZING}/settings.csv", "least_velocity, least_slope")
_ROUTE: tuple[tuple[str, str, Inputs, Rule | None], ...] = (
    ("length_m", _("各段长度之和,自接入点至红线"), way, None),
    ("cost_yuan", _("各类地面上的长度 × 该地面每米单价,求和"), dug, _PRICED),
    ("crossing_count", _("车行道内的段数"), crossed, None),
    ("crossing_kerb_m", _("车行道内各段长度之和(路缘石之间)"), crossed, None),
    ("crossing_red_line_m", _("各段长 × 该处红线宽 ÷ 车行道宽,求和"), crossed, None),
    ("green_m2", _("作业带与绿地相交部分的并集面积"), greenery, None),
    ("crossings/*/kerb_m", _("该道路车行道内的长度(路缘石之间)"), crossed, None),
    ("crossings/*/red_line_m", _("该段长 × 该处红线宽 ÷ 车行道宽"), crossed, None),
    ("stretches/*/from_m", _("沿路由自接入点起的长度"), way, None),
    ("stretches/*/length_m", _("该段沿路由的长度"), way, None),
    ("stretches/*/*", _("沿该段各横断面中最窄处的宽度"), grounds, _CLEARANCE),
    ("lane_m", _("顺着车行道敷设的各段长度之和"), crossed, None),
    ("carried/*/length_m", _("利用既有管孔、杆路或墙面的长度"), way, None),
    ("tie_in/xy/*", _("接入点在现状管网上的坐标"), tie_in, None),
    ("tie_in/chainage_m", _("沿现状管线自起点的桩号"), tie_in, None),
    ("fall/*", _("末端井管底 − 接入处管底;坡度 × 到末端井的长度"), levels, _SLOPE),
    ("end/xy/*", _("红线上的终点或接入口坐标"), parcel, None),
    ("clearance_counts/*", _("该路由各净距结论的个数"), way, None),
    ("differs/**", _("与推荐路由不同的路段"), way, None),
    ("pits/**", _("工作坑坐标"), way, None),
    ("together/*", _("两路之和,费用按各自单独开挖,绿化重叠处计一次"), greenery, _PRICED),
)


def _routes_at(prefix: str) -> Iterator[Source]:
    """Rows of a route object that stands at a path."""
    for key, formula, inputs, rule in _ROUTE:
        yield _row(f"{prefix}/{key}", formula, inputs, rule)
    yield _measures_at(prefix)
    yield _measures_at(f"{prefix}/together")


def _drawn_at(prefix: str) -> Iterator[Source]:
    """Rows of a drawing that stands at a path."""
    yield _row(f"{prefix}/moves/**", _("手绘端点移到接入点或红线的距离和坐标"), parcel)
    yield _row(f"{prefix}/faults/**", _("手绘路由进入不得进入之处的长度和坐标"), way)


def _measures_at(prefix: str) -> Source:
    """The row of measures by input name."""
    return _row(f"{prefix}/measures/{{input}}", measure_formula, measured, input_rule)


_U = "/utilities/{u}"
SOURCES: tuple[Source, ...] = (
    _row("/layers/*/*", _("导入时登记的版本号和行数")),
    _row("/project/**", _("申请中的原值")),
    _row("/parcel/area_m2", _("宗地红线围成的面积"), parcel),
    _row("/notices/**", _("图层中的原值")),
    _row("/questions/**", _("待补资料的位置和个数")),
    _row(f"{_U}/gap_m", _("宗地到最近管线走廊的距离"), parcel),
    _row(
        f"{_U}/no_fall/**",
        _("坡度 × 到末端井的长度 −(末端井管底 − 接入处管底)"),
        nearest_level,
        _SLOPE,
    ),
    _row(f"{_U}/handover/xy/*", _("申请的交接点;没有写明时为红线上的终点"), asked),
    _row(f"{_U}/handover/length_inside_m", _("红线内到交接点的最短长度"), parcel),
    _row(f"{_U}/pipe/size_mm", _("公称管径,管块取单孔外径;按它查单价"), asked, demand_rule),
    _row(f"{_U}/pipe/*", _("申请的规格;没有申请时取用地性质的常用值"), asked, demand_rule),
    _row(f"{_U}/sizing/**", _("由用量按公式推算的规格"), asked, sizing_rule),
    *_routes_at(f"{_U}/routes/{{r}}"),
    *_routes_at(f"{_U}/alternatives/{{r}}"),
    *_routes_at(f"{_U}/shared_route"),
    *_routes_at(f"{_U}/second_feed/route"),
    *_routes_at(f"{_U}/second_feed/cheapest/route"),
    *_routes_at(f"{_U}/manual/second_feed/route"),
    _measures_at(f"{_U}/second_feed/together"),
    _row(
        f"{_U}/second_feed/together/*",
        _("两路之和,费用按各自单独开挖,绿化重叠处计一次"),
        greenery,
        _PRICED,
    ),
    *_routes_at(f"{_U}/remedies/{{r}}/route"),
    *_routes_at(f"{_U}/remedies/{{r}}/second_route"),
    _row(f"{_U}/measures/{{n}}/value", measure_formula, measured, input_rule),
    _row(f"{_U}/clearances/{{n}}/gap_m", gap_formula, near, None),
    _row(f"{_U}/clearances/{{n}}/required_m", _("标准表列净距"), asked, table_of),
    _row(f"{_U}/clearances/{{n}}/margin_m", _("净距 − 表列净距"), near, table_of),
    _row(
        f"{_U}/clearances/{{n}}/tolerance_m",
        _("现状设施的位置误差,交叉时为埋深误差"),
        located,
        lambda p: p.policy("tolerance"),
    ),
    _row(f"{_U}/clearances/{{n}}/xy/*", _("离现状设施最近处的坐标"), near, None),
    _row(f"{_U}/verdict/{{v}}/findings/{{n}}/value", measure_formula, measured, clause),
    _row(f"{_U}/verdict/{{v}}/findings/{{n}}/limit", _("条款规定的限值"), nothing, clause),
    _row(
        f"{_U}/verdict/{{v}}/findings/{{n}}/margin",
        _("限值 − 判定值(日期为天数)"),
        measured,
        clause,
    ),
    _row(f"{_U}/verdict/{{v}}/findings/{{n}}/**", measure_formula, measured, clause),
    _row(f"{_U}/verdict/**", _("判定所用的口径和取值"), way, lambda p: p.policy("switch")),
    _row(f"{_U}/qualifying_price/*", _("合格路由与最经济路由之差"), way, _PRICED),
    _row(
        f"{_U}/certificate/*",
        _("不可能更小的下界,与条款限值相比"),
        way,
        lambda p: p.policy("limit"),
    ),
    _row(
        f"{_U}/compared/*",
        _("最长的现有路由加上比选余量"),
        way,
        lambda p: p.policy("compared_longer_m"),
    ),
    _row(f"{_U}/pareto/**", _("费用与各量算值的折中点"), way, _PRICED),
    _row(f"{_U}/remedies/**", _("改变一项之后重新量算的值"), way, lambda p: p.policy("limit")),
    _row(f"{_U}/intervals/**", _("量算值 ± 图层位置误差"), way, lambda p: p.policy("tolerance")),
    _row(f"{_U}/survey_points/**", _("须实测处的坐标和误差"), way, lambda p: p.policy("tolerance")),
    _row(f"{_U}/tie_ins/**", _("候选接入点到红线的路由长度、费用、排序和坐标"), way, _PRICED),
    _row(f"{_U}/manual/feed", _("申请所附手绘路由写明的是第几路")),
    *_drawn_at(f"{_U}/manual"),
    *_drawn_at(f"{_U}/manual/second_drawn"),
    _row(f"{_U}/manual/differences/*", _("手绘路由 − 推荐路由"), way, _PRICED),
    _row(f"{_U}/manual/verdict/**", _("手绘路由的判定值与限值"), way, lambda p: p.policy("limit")),
    _row("/joint/bound_yuan", _("任何联合方案都不能低于的费用"), everything, _PRICED),
    _row("/joint/gap", _("(费用 − 下界) ÷ 费用"), everything, _PRICED),
    _row("/joint/cost_yuan", _("共享沟槽各段长度 × 断面单价,加管道"), everything, _PRICED),
    _row("/joint/separate_cost_yuan", _("各专业最经济路由费用之和"), everything, _PRICED),
    _row("/joint/overlap_cost_yuan", _("各走各的,重叠处只挖一次的费用"), everything, _PRICED),
    _row("/joint/saving_yuan", _("单独费用 − 联合费用"), everything, _PRICED),
    _row("/joint/saving_share", _("节省 ÷ 单独费用"), everything, _PRICED),
    _row("/joint/saving_vs_overlap_yuan", _("重叠费用 − 联合费用"), everything, _PRICED),
    _row("/joint/shared_length_m", _("两个以上专业同沟的长度"), everything),
    _row("/joint/segments/*/length_m", _("同一断面的各段长度之和"), everything),
    _row(
        "/joint/sections/*/width_m",
        _("各管外径 + 相邻净距 + 两侧工作面,取最窄排列"),
        nothing,
        Rule(WORKING_SPACE, "GB 50268-2008 4.3.2"),
    ),
    _row(
        "/joint/sections/*/depth_m",
        _("覆土 + 管高,取最深"),
        nothing,
        Rule(COVER, "GB 50289-2016 table 4.1.1"),
    ),
    _row(
        "/joint/sections/*/pipes/*/cover_m",
        _("最小覆土"),
        nothing,
        Rule(COVER, "GB 50289-2016 table 4.1.1"),
    ),
    _row(
        "/joint/sections/*/pipes/*/x_m",
        _("左侧沟壁到管外壁,按净距依次排开"),
        nothing,
        Rule(HORIZONTAL, "GB 50289-2016 table 4.1.9"),
    ),
    _row("/joint/sections/*/pipes/*/*", _("管道或管块的外廓尺寸"), nothing, Rule(SIZES, "row")),
    _row(
        "/joint/sections/*/pairs/*/*",
        _("相邻管外壁之间的净距与表列净距"),
        nothing,
        Rule(HORIZONTAL, "GB 50289-2016 table 4.1.9"),
    ),
    _row(
        "/joint/allocation/*/shapley_yuan",
        _("沙普利值:加入各种组合时增加费用的平均"),
        everything,
        _PRICED,
    ),
    _row(
        "/joint/allocation/*/stand_alone_yuan", _("单独开挖的费用,即分摊上限"), everything, _PRICED
    ),
)

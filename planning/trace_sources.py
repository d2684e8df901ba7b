"""What every kind of number in ``plan.json`` is computed from: one row for each kind.

A pattern is a JSON pointer; ``*`` stands for any one segment, ``{name}`` for one that the sources
hang on, ``**`` at the end for one or more. Rows are tried in order. Formulas are for the people
who read the plan; the functions that compute them stand where ``docs/architecture.md`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from planning.texts import gettext as _
from planning.trace_inputs import (
    Inputs,
    Place,
    Rule,
    asked,
    candidate,
    candidate_levels,
    crossed,
    dug,
    dug_by_candidate,
    everything,
    greenery,
    grounds,
    held,
    in_ducts,
    joined_by_candidate,
    levels,
    located,
    measured,
    named,
    near,
    nearest_level,
    nothing,
    parcel,
    surveyed_at,
    tie_in,
    to_survey,
    way,
)

PRICES = "rules/unit_prices.csv"
HORIZONTAL = "rules/standards/horizontal_clearance.csv"
VERTICAL = "rules/standards/vertical_clearance.csv"
COVER = "rules/standards/cover.csv"
SIZES = "rules/standards/pipe_sizes.csv"
WORKING_SPACE = "rules/standards/trench_width.csv"
SIZING = "rules/sizing"
DEMAND = "rules/default_demand.csv"


# A rule, or what tells it of a place; None where there is none.
RuleOf = Rule | Callable[[Place], Rule | None] | None


@dataclass(frozen=True)
class Source:
    """One kind of number: where it stands, its formula, its features and its rule."""

    pattern: tuple[str, ...]
    formula: str | Callable[[Place], str]
    inputs: Inputs
    rule: RuleOf = None


# --- rules and formulas that differ from place to place ------------------------------------------


def clause(place: Place) -> Rule:
    """The clause that a finding rests on."""
    return place.policy(str(named(place).get("ref") or named(place).get("input")))


def demand_rule(place: Place) -> Rule | None:
    """The usual demand of a land use; nothing where an application asks for the size itself."""
    usual = place.document["source"] == "default_demand"
    return Rule(DEMAND, str(place.document["parcel"]["land_use"])) if usual else None


def sizing_rule(place: Place) -> Rule:
    """The standard that a size was derived by."""
    return Rule(SIZING, str(place.line["sizing"]["source"]))


def slope_rule(place: Place) -> Rule:
    """The settings of the least slope of a sewer or storm drain."""
    names = (
        f"least_velocity_{place.line['utility']}_m_s",
        "gravity_least_nominal_mm",
        "least_slope_plastic_300",
        "least_slope_other_300",
    )
    return Rule(f"{SIZING}/settings.csv", ", ".join(names))


def input_rule(place: Place) -> Rule:
    """The definition of a measure in the policy."""
    return place.policy(f"input.{named(place)['name']}")


def limit_rule(place: Place) -> Rule | None:
    """The clause whose limit stands in a finding, change or proof, else what its measure is."""
    one = place.innermost("input")
    name, ref = one.get("input"), one.get("ref")
    if ref is None and name is not None:
        alone = (place.line["verdict"] or {}).get("alone") or {"findings": ()}
        refs = (found["ref"] for found in alone["findings"] if found["input"] == name)
        ref = next((clause for clause in refs if clause), f"input.{name}")
    return None if ref is None else place.policy(str(ref))


def tolerance_rule(place: Place) -> Rule:
    """The settings that tell how exactly what a feature says of itself locates it."""
    return place.policy(", ".join(_TOLERANCES))


def interval_rule(place: Place) -> Rule:
    """The same, and what makes an interval of the tolerances together."""
    return place.policy(", ".join((*_TOLERANCES, "planning.interval_coverage")))


def clearance_rule(place: Place) -> Rule:
    """The same for a thing beside the line; of one that is crossed how exactly its depth is."""
    if place.clearance["direction"] != "crossing":
        return tolerance_rule(place)
    return place.policy("planning.tolerance_depth_per_depth, planning.tolerance_least_depth_m")


_TOLERANCES = (
    "planning.tolerance_per_mean_error",
    "planning.tolerance_surveyed_point_m",
    "planning.tolerance_plane_per_depth",
    "planning.tolerance_least_depth_m",
    "planning.tolerance_on_map_m",
    "planning.tolerance_digitised_m",
    "planning.tolerance_hearsay_m",
)


def table_of(place: Place) -> Rule | None:
    """The table that a clearance was looked up in."""
    one = place.clearance
    file = VERTICAL if one["direction"] == "crossing" else HORIZONTAL
    return None if one["source"] is None else Rule(file, one["source"])


def gap_formula(place: Place) -> str:
    """How the gap of a pair was measured."""
    if place.clearance["direction"] == "crossing":
        return _("竖向净距 = 上管管底与下管管顶之差;新管按最小覆土")
    return _("水平净距 = 最短距离 − 两侧外轮廓半宽之和")


def measure_formula(place: Place) -> str:
    """What a measure is, in words."""
    name = str(named(place).get("name") or named(place).get("input") or "")
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
    rule: RuleOf = None,
) -> Source:
    return Source(tuple(path.split("/")[1:]), formula, inputs, rule)


_PRICED = Rule(PRICES, "excavation, restoration, green, pipe, open_crossing")
_CLEARANCE = Rule(HORIZONTAL, "GB 50289-2016 table 4.1.9")
_ROUTE: tuple[tuple[str, str, Inputs, RuleOf], ...] = (
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
    ("carried/*/length_m", _("利用既有管孔、杆路或墙面的长度"), in_ducts, None),
    ("tie_in/xy/*", _("接入点在现状管网上的坐标"), tie_in, None),
    ("tie_in/chainage_m", _("沿现状管线自起点的桩号"), tie_in, None),
    ("fall/*", _("末端井管底 − 接入处管底;坡度 × 到末端井的长度"), levels, slope_rule),
    ("deep_trench/extra_yuan", _("多挖的土方 × 开挖单价"), levels, Rule(PRICES, "excavation")),
    ("deep_trench/*", _("地面高程 − 管外底高程,超出最小覆土时深度的部分"), levels, slope_rule),
    ("end/xy/*", _("红线上的终点或接入口坐标"), parcel, None),
    ("clearance_counts/*", _("该路由各净距结论的个数"), way, None),
    ("overlap_count", _("净距不足且外轮廓重叠的个数"), way, None),
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


def _clearances_at(prefix: str) -> Iterator[Source]:
    """Rows of a list of clearances that stands at a path."""
    at = f"{prefix}/{{n}}"
    yield _row(f"{at}/gap_m", gap_formula, near, None)
    yield _row(f"{at}/required_m", _("标准表列净距"), asked, table_of)
    yield _row(f"{at}/margin_m", _("净距 − 表列净距"), near, table_of)
    yield _row(
        f"{at}/tolerance_m",
        _("现状设施的位置误差,交叉时为埋深误差"),
        located,
        clearance_rule,
    )
    yield _row(f"{at}/xy/*", _("离现状设施最近处的坐标"), near, None)


def _drawn_at(prefix: str) -> Iterator[Source]:
    """Rows of a drawing that stands at a path."""
    yield _row(f"{prefix}/moves/**", _("手绘端点移到接入点或红线的距离和坐标"), parcel)
    yield _row(f"{prefix}/faults/**", _("手绘路由进入不得进入之处的长度和坐标"), way)


def _measures_at(prefix: str) -> Source:
    """The row of measures by input name."""
    return _row(f"{prefix}/measures/{{input}}", measure_formula, measured, input_rule)


def _verdict_at(prefix: str) -> Iterator[Source]:
    """Rows of a verdict that stands at a path."""
    at = f"{prefix}/{{v}}/findings/{{n}}"
    yield _row(f"{at}/value", measure_formula, measured, clause)
    yield _row(f"{at}/limit", _("条款规定的限值"), nothing, clause)
    yield _row(f"{at}/margin", _("限值 − 判定值(日期为天数)"), measured, clause)
    yield _row(f"{at}/**", measure_formula, measured, clause)
    yield _row(f"{prefix}/**", _("判定所用的口径和取值"), measured, limit_rule)


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
        slope_rule,
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
    *_clearances_at(f"{_U}/clearances"),
    *_verdict_at(f"{_U}/verdict"),
    _row(f"{_U}/qualifying_price/*", _("合格路由与最经济路由之差"), way, _PRICED),
    _row(f"{_U}/certificate/*", _("不可能更小的下界,与条款限值相比"), way, limit_rule),
    _row(
        f"{_U}/compared/*",
        _("最长的现有路由加上比选余量"),
        way,
        lambda p: p.policy("planning.compared_longer_share, planning.compared_longer_m"),
    ),
    _row(f"{_U}/pareto/**", _("费用与各量算值的折中点"), way, _PRICED),
    _row(f"{_U}/remedies/{{r}}/**", _("改变一项之后重新量算的值"), measured, limit_rule),
    _row(f"{_U}/intervals/{{input}}/value", measure_formula, measured, input_rule),
    _row(
        f"{_U}/intervals/{{input}}/*",
        _("量算值 ± 包含系数 ÷ 2 × 各依附物允许误差引起的变化的平方和的平方根"),
        held,
        interval_rule,
    ),
    _row(f"{_U}/survey_points/{{n}}/xy/*", _("须实测处的坐标"), to_survey),
    _row(
        f"{_U}/survey_points/{{n}}/tolerance_m",
        _("由位置来源、中误差或比例尺得出的现允许误差"),
        surveyed_at,
        tolerance_rule,
    ),
    _row(
        f"{_U}/survey_points/{{n}}/*",
        _("使区间不再跨越限值或不再触及的允许误差"),
        to_survey,
        interval_rule,
    ),
    _row(
        f"{_U}/tie_ins/{{list}}/{{n}}/fall/*",
        _("末端井管底 − 接入处管底;坡度 × 到末端井的长度"),
        candidate_levels,
        slope_rule,
    ),
    _row(f"{_U}/tie_ins/{{list}}/{{n}}/length_m", _("经该接入点的最经济路由的长度"), candidate),
    _row(f"{_U}/tie_ins/{{list}}/{{n}}/xy/*", _("接入点在现状管网上的坐标"), joined_by_candidate),
    _row(
        f"{_U}/tie_ins/{{list}}/{{n}}/*",
        _("经该接入点的最经济路由的费用,以及按费用的排序"),
        dug_by_candidate,
        _PRICED,
    ),
    _row(f"{_U}/manual/feed", _("申请所附手绘路由写明的是第几路")),
    *_drawn_at(f"{_U}/manual"),
    *_drawn_at(f"{_U}/manual/second_drawn"),
    _row(f"{_U}/manual/differences/*", _("手绘路由 − 推荐路由"), way, _PRICED),
    *_clearances_at(f"{_U}/manual/clearances"),
    *_verdict_at(f"{_U}/manual/verdict"),
    _row("/joint/bound_yuan", _("任何各沟都放得下的联合方案都不能低于的费用"), everything, _PRICED),
    _row("/joint/gap", _("(费用 − 下界) ÷ 费用"), everything, _PRICED),
    _row("/joint/cost_yuan", _("共享沟槽各段长度 × 断面单价,加管道"), everything, _PRICED),
    _row("/joint/roomy_cost_yuan", _("假如单独放得下的各沟可并排的费用"), everything, _PRICED),
    _row("/joint/gave_way/*/length_m", _("改走他处的专业让出的空位长度"), everything),
    _row("/joint/beside_others/*/length_m", _("与单独敷设的专业并排放不下的长度"), everything),
    _row(
        "/joint/separate_cost_yuan",
        _("各专业单独开沟、各沟都放得下的最低费用之和(绕行才符合的,按其可走之处)"),
        everything,
        _PRICED,
    ),
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
        Rule(WORKING_SPACE, "GB 50268-2008 table 4.3.2"),
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
    _row(
        "/joint/sections/*/pipes/*/*",
        _("管道或管块的外廓尺寸"),
        nothing,
        Rule(SIZES, "width_m, height_m"),
    ),
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

"""Notices 提示: what the people of a case should know of the ground, beside verdicts and questions.

They change no route and no verdict: works planned on roads that the case digs, lines that no-dig
areas keep out, no-dig areas nearby whose days nobody wrote down, and sizes given below the needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import shapely

from layers.utilities import load_utilities
from planning.ancient_trees import AncientTrees
from planning.application import Application, Demand
from planning.barred_access import barring_access
from planning.comparisons import day, is_unknown, last_day
from planning.deep_trench import deep_trench
from planning.external_lines import ExternalLine
from planning.groundwork import Groundwork, Site
from planning.holds import joined_of
from planning.judged_routes import Route
from planning.land_notices import contradicting_land
from planning.manual_routes import ManualRoute, RefusedRoute
from planning.narrow_slots import NarrowSlot, may_lack_room, narrow_slots
from planning.no_dig import NoDigArea
from planning.routes import best_way
from planning.sources import are_joined, piece_alone, source_of
from planning.special_ground import DECK, RAILS, special_ground
from planning.stretches import pieces_of
from planning.texts import gettext as _
from planning.tie_in_rules import unserved

_PARK = _(
    "作业带进入公园绿地或保护绿地 {name},但不移树;"
    "是否另须审批(城市绿化条例第24条)未经核实,请向园林部门核实"
)
_MAYBE_PARK = _("作业带进入绿地 {name},是否公园绿地未知;如是,是否另须审批请向园林部门核实")
_ANCIENT = _(
    "作业带进入古树名木 {name} 的保护范围({zone:g} 米),但不移树;"
    "是否另须审批(城市绿化条例第24条)未经核实,请向园林部门核实"
)
_MAYBE_ANCIENT = _("作业带距树木 {name} 不足 {zone:g} 米,是否古树名木未知;请查明")
_UNKNOWN_CROWN = _(
    "作业带距古树名木 {name} 的树干 {gap:.2f} 米,其冠幅未知:是否进入保护范围"
    "(树冠垂直投影外 {zone:g} 米)不能确定,请补填 crown_width_m(冠幅)或 crown_radius_m(冠幅半径)"
)
_SPECIAL = {
    (RAILS, "railways"): _(
        "路由穿越铁路 {name}:须经铁路部门同意,通常以顶进或定向钻穿越;其费用未计入造价,只按沟槽计"
    ),
    (DECK, "roads"): _(
        "路由有 {length:.2f} 米敷设在桥上(道路 {name}):须经桥梁管理单位同意;"
        "支架、吊挂等费用未计入造价,只按沟槽计"
    ),
    (DECK, "water_bodies"): _(
        "路由有 {length:.2f} 米随道路跨过水体 {name}:须经桥梁和河道管理单位同意;"
        "支架、吊挂等费用未计入造价,只按沟槽计"
    ),
}
_SHORT = {
    "nominal_mm": _(
        "申请的管径 DN{given:g} 小于按需求推算的 DN{least:g},故依据待核:请核对规格与需求"
    ),
    "duct_holes": _("申请的 {given:g} 孔少于按需求推算的 {least:g} 孔,故依据待核:请核对规格与需求"),
    "voltage_kv": _(
        "申请的电压 {given:g} kV 低于按需求推算的 {least:g} kV,故依据待核:请核对规格与需求"
    ),
}
_NONE_LISTED = _(
    "申请的管径 DN{given:g} 不够:按需求推算,管径表中没有足够大的管径,故依据待核:请核对规格与需求"
)

_TREES_OUTSIDE = _(
    "作业带内有 {count} 株树木({name} 等)不在绿地内:图层没有其占地面积,伐移绿化按 0 平方米计;"
    "条款的绿化面积是否计入这些树木未经核实,请向园林部门核实"
)
_UNDATED_WORKS = _(
    "道路整修 {name} 未写明起止日期,不知是否在开挖前竣工;竣工后 {years} 年内不得挖掘,请补填日期"
)
_UNDER_WAY = _(
    "{name} 计划 {begins} 至 {ends} 整修,拟开挖日期 {dig} 在其间,请同期敷设;"
    "竣工后 {years} 年内不得挖掘"
)
_PASSED = _("拟开挖日期 {dig} 已过:结论按该日判定,请改申请的 dig_date 后重新编制")
_FAR = _(
    "拟开挖日期 {dig} 在 {years} 年以后:结论按该日判定,现有的道路禁挖期届时可能已满,请核对 dig_date"
)
_FAR_YEARS = 2  # nobody plans a connection for later: the day is a slip of the pen or a way round
# Measures of a clause that counts what is felled apart from what is occupied.
_FELLED = frozenset(("green_affected_sum_m2", "green_affected_each_m2"))
# The kind of a notice that the widths of a road contradict each other.
ROAD_WIDTHS = "road_widths"
# Earth that a line digs deeper than counted is told from here on.
_TOLD_M3 = 1.0
# The kind of a notice that tells what stands between the corridors and a red line.
ACCESS_BARRED = "access_barred"
# The kind of a notice that the day of digging is over.
DIG_DATE_PASSED = "dig_date_passed"
# Reasons of a line for which no way was found, be it for what the layer of roads says.
WITHOUT_WAY = ("disconnected", "gap_too_wide", "no_tie_in", "no_room")
# Of these so many roads are named that lie as near as that to the parcel.
_MOST_ROADS, _ROUND_PARCEL_M = 5, 250.0


@dataclass(frozen=True)
class Notice:
    """One thing to know: ``kind`` as in the schema of the plan."""

    kind: str
    layer: str
    feature_id: str
    utilities: tuple[str, ...]
    text: str


def notices_of(
    work: Groundwork, site: Site, lines: Mapping[str, ExternalLine]
) -> tuple[Notice, ...]:
    """Every notice of a case, each once, with the utilities whose lines it concerns."""
    told: dict[tuple[str, str, str, str], list[str]] = {}
    for utility, line in lines.items():
        found = (
            *_short(site, utility),
            *_barred(work, site, line),
            *_closed(work, site, line),
            *_narrow(work, site, line),
            *_in_lanes(work, line),
            *(one for route in line.feeds for one in _planned(work, site, route)),
            *(one for route in line.feeds for one in _opened_later(work, site, route)),
            *(one for route in line.feeds for one in _protected(work, route)),
            *_trees_outside(work, line.feeds),
            *_mains_meet(work, line.demand, line.feeds),
            *_in_part(work, line.demand, line.feeds),
            *_alone(work, line),
            *_deep(work, site, line),
            *(one for route in line.feeds for one in _special(work, route)),
            *_widths(work, site, line),
            *contradicting_land(work, site.application.parcel_id),
        )
        for one in dict.fromkeys(found):
            told.setdefault(one, []).append(utility)
    return tuple(
        Notice(kind, layer, feature_id, tuple(utilities), text)
        for (kind, layer, feature_id, text), utilities in told.items()
    )


def day_notices(application: Application, today: date) -> tuple[Notice, ...]:
    """That the planned day of digging has passed by ``today``, or lies years ahead of it.

    A plan is the same on whatever day it is made: who shows it says what day it is.
    """
    dig = application.dig_date
    if not application.application_id:
        return ()
    if dig < today:
        kind, text = DIG_DATE_PASSED, _PASSED.format(dig=dig)
    elif dig > last_day(today, _FAR_YEARS):
        kind, text = "dig_date_far", _FAR.format(dig=dig, years=_FAR_YEARS)
    else:
        return ()
    utilities = tuple(utility for utility in load_utilities() if utility in application.demands)
    return (Notice(kind, "applications", application.application_id, utilities, text),)


def drawn_notices(
    work: Groundwork,
    demands: Mapping[str, Demand],
    manual: Mapping[str, ManualRoute | RefusedRoute],
) -> tuple[Notice, ...]:
    """What is to be known of two feeds that are both drawn."""
    return tuple(
        Notice(kind, layer, feature_id, (utility,), text)
        for utility, found in manual.items()
        if isinstance(found, ManualRoute) and found.other is not None
        for kind, layer, feature_id, text in _mains_meet(
            work, demands[utility], (found.route, found.other.route)
        )
    )


def _short(site: Site, utility: str) -> Iterator[tuple[str, str, str, str]]:
    """Sizes that a demand gives below what its own needs ask for; the verdict is not firm then."""
    application = site.application
    demand = application.demands.get(utility)
    if demand is None or demand.sizing is None:
        return
    least = dict(demand.sizing.least)
    for name in demand.sizing.short:
        pattern = _SHORT[name] if math.isfinite(least[name]) else _NONE_LISTED
        text = pattern.format(given=getattr(demand.pipe, name), least=least[name])
        yield "size_below_need", "parcels", application.parcel_id, text


def _barred(
    work: Groundwork, site: Site, line: ExternalLine
) -> Iterator[tuple[str, str, str, str]]:
    """What bars every way to a red line that is in reach of a corridor."""
    if line.reason == "disconnected":
        for one in barring_access(work, site):
            yield ACCESS_BARRED, one.layer, one.feature_id, one.text


def _closed(
    work: Groundwork, site: Site, line: ExternalLine
) -> Iterator[tuple[str, str, str, str]]:
    """The areas that bar a line, or that stand undated within reach of its route."""
    for name in line.no_dig:
        area = work.closures.by_id[name]
        yield (
            "no_dig",
            "no_dig",
            name,
            _("禁挖区{area}内不得开挖,{days}").format(area=named_area(area), days=_days(area)),
        )
    if line.course is None:
        return
    reach_m = work.policy.planning.max_snap_m
    for row in work.closures.on(site.application.dig_date):
        area = work.closures.areas[row]
        if area.undated and shapely.dwithin(work.closures.shapes[row], line.course, reach_m):
            yield (
                "no_dig_undated",
                "no_dig",
                area.no_dig_id,
                _("路由附近的禁挖区{area}{days},路由已避让;如已解除请更新图层").format(
                    area=named_area(area), days=_days(area)
                ),
            )


def _narrow(
    work: Groundwork, site: Site, line: ExternalLine
) -> Iterator[tuple[str, str, str, str]]:
    """Sides of streets that bar a line, or a cheaper way than its own, for want of room."""
    narrow = line.narrow
    if line.route is not None and line.demand is not None:
        narrow = barred_on_cheaper_way(work, site, line)
    for slot in narrow:
        yield "slot_too_narrow", "roads", slot.road_id, slot.text


def _in_lanes(work: Groundwork, line: ExternalLine) -> Iterator[tuple[str, str, str, str]]:
    """Streets whose carriageway a line is laid along, for want of a footway that holds it."""
    table = work.corridors.surfaces.table
    metres: dict[int, float] = {}
    for piece in (piece for route in line.feeds for piece in pieces_of(work, route)):
        if piece.place == "lane":
            metres[piece.road] = metres.get(piece.road, 0.0) + piece.to_m - piece.from_m
    for row, length_m in metres.items():
        name = str(table["road_id"].iat[row])
        text = _(
            "{road} 两侧人行道或绿化带放不下沟槽,外线沿车行道敷设 {length:.2f} 米:"
            "属道路挖掘,占道施工另行办理;该长度已计入穿越城市道路"
        ).format(road=name, length=length_m)
        yield "in_lane", "roads", name, text


def barred_on_cheaper_way(
    work: Groundwork, site: Site, line: ExternalLine
) -> tuple[NarrowSlot, ...]:
    """The slots too narrow for a routed line on the way that were cheapest if they were wider."""
    if line.demand is None or not may_lack_room(work, line.demand.pipe):
        return ()
    pipe = line.demand.pipe
    search = work.under(replace(line.closed, any_width=True)).search(pipe, "cheapest")
    way = best_way(search, site.end_nodes)
    return () if way is None else narrow_slots(work, pipe, way.tie_in, way.edges)


def named_area(area: NoDigArea) -> str:
    """An area in which nothing may be dug, by its id and reason."""
    pattern = _(" {}({})") if area.reason else _(" {} ")
    return pattern.format(area.no_dig_id, area.reason)


def _days(area: NoDigArea) -> str:
    start = area.from_date.isoformat() if area.from_date else _("不限")
    end = area.to_date.isoformat() if area.to_date else _("不限")
    if area.reversed:
        return _("起止日期颠倒({start} 至 {end}),按一直有效计").format(start=start, end=end)
    if area.undated:
        return _("未写明起止日期,按一直有效计")
    return _("有效期 {start} 至 {end}").format(start=start, end=end)


def _widths(
    work: Groundwork, site: Site, line: ExternalLine
) -> Iterator[tuple[str, str, str, str]]:
    """Roads that are recorded as wider between their kerbs than between their red lines.

    Those that a line digs or crosses; of one for which no way was found those round its parcel,
    nearest first: whatever lies in so wide a carriageway may have shut it off.
    """
    roads = work.survey.tables["roads"]
    kerb_m, red_line_m = (
        roads[name].to_numpy(float) for name in ("carriageway_width_m", "red_line_width_m")
    )
    wrong = np.flatnonzero(red_line_m < kerb_m)
    if line.feeds:
        met = {row for one in line.feeds for row in (*one.roads, *one.crossed.road.tolist())}
        wrong = wrong[np.isin(wrong, list(met))]
    elif line.reason in WITHOUT_WAY and len(wrong):
        parcel = work.survey.tables["parcels"].geometry.loc[site.application.parcel_id]
        away_m = shapely.distance(work.corridors.surfaces.carriageway[wrong], parcel)
        order = np.argsort(away_m, kind="stable")[:_MOST_ROADS]
        wrong = wrong[order[away_m[order] <= _ROUND_PARCEL_M]]
    else:
        return
    text = _(
        "{road} 的道路红线宽 {red:g} 米小于车行道宽 {kerb:g} 米,两者必有一误:请核对并改正其一后再算"
    )
    for row in wrong.tolist():
        name = str(roads.index[row])
        told = text.format(road=name, red=red_line_m[row], kerb=kerb_m[row])
        yield ROAD_WIDTHS, "roads", name, told


def _mains_meet(
    work: Groundwork, demand: Demand | None, feeds: Sequence[Route]
) -> Iterator[tuple[str, str, str, str]]:
    """That mains of two feeds meet or may be one: only who runs them knows if one can fail alone.

    Mains that continue each other are one from the first.
    """
    if demand is None or len(feeds) < 2:
        return
    _kinds, joined = joined_of(work, demand.pipe.utility, [route.way for route in feeds])
    sources = [source_of(work, demand, route) for route in feeds]
    mains = {main: str(place) for main, place in zip(sources, joined, strict=True) if main}
    if len(mains) < 2:
        return
    one, two = sorted(mains)  # two pairs of the same mains are told once
    if are_joined(work, one, two):
        text = _(
            "两路所接的 {one} 和 {two} 相连或并行重叠:一处停供时另一处能否照常供给,请向供应企业核实"
        )
        told = {main: _in_main(place, main) for main, place in mains.items()}
        yield "mains_meet", "lines", one, text.format(one=told[one], two=told[two])


def _in_main(place: str, main: str) -> str:
    """The line or node that is joined, as the route names it, with the main that it is of."""
    return place if place == main else _("{place}(属干管 {main})").format(place=place, main=main)


def _alone(work: Groundwork, line: ExternalLine) -> Iterator[tuple[str, str, str, str]]:
    """That what is joined hangs together with a small part of its utility's network only."""
    for route in line.feeds:
        tie_ins = work.tie_ins(line.utility)
        row = int(tie_ins.ways.feature[route.way.tie_in])
        if tie_ins.network.kinds[row] != "line":
            continue
        name = str(tie_ins.network.ids[row])
        piece = piece_alone(work.survey, name)
        if piece is not None:
            text = _(
                "所接的 {line} 所在的一片管网({count} 条,共 {own:.0f} 米)与{utility}其余管网"
                "({rest:.0f} 米)不相连:能否供给或排出请向权属单位核实,漏测的管段请补录"
            ).format(
                line=name,
                count=piece.lines,
                own=piece.length_m,
                utility=load_utilities()[line.utility].zh,
                rest=piece.rest_m,
            )
            yield "main_alone", "lines", name, text


def _special(work: Groundwork, route: Route) -> Iterator[tuple[str, str, str, str]]:
    """Rails and bridge decks on the way, which cost more than the trench that is counted."""
    for one in special_ground(work, route):
        text = _SPECIAL[one.kind, one.layer].format(name=one.feature_id, length=one.length_m)
        yield one.kind, one.layer, one.feature_id, text


def _deep(work: Groundwork, site: Site, line: ExternalLine) -> Iterator[tuple[str, str, str, str]]:
    """What a gravity line digs deeper than its cost counts."""
    if line.demand is None:
        return
    for route in line.feeds:
        found = deep_trench(work, line.demand, site, route)
        if found is not None and found.extra_m3 >= _TOLD_M3:
            text = _(
                "按接入处与用户末端井的高程,沟槽深 {main:.2f} 米(接入处)至 {end:.2f} 米(红线),"
                "比造价所计的最小覆土至少多挖 {m3:.0f} 立方米,约 {yuan:.0f} 元,未计入造价"
            ).format(
                main=found.depth_at_main_m,
                end=found.depth_at_red_line_m,
                m3=found.extra_m3,
                yuan=found.extra_yuan,
            )
            yield "deep_trench", "parcels", site.application.parcel_id, text


def _in_part(
    work: Groundwork, demand: Demand | None, feeds: Sequence[Route]
) -> Iterator[tuple[str, str, str, str]]:
    """Which of the operators that are wanted a line does not serve: each brings one of its own."""
    if demand is None or not work.operators_apart(demand.pipe):
        return
    tie_ins = work.tie_ins(demand.pipe.utility)
    for route in feeds:
        row = int(tie_ins.ways.feature[route.way.tie_in])
        owner = tie_ins.features["owner"].iloc[row]
        text = _(
            "{place} 的权属单位为 {owner},不通 {others};没有各家都通的接入点,"
            "{others} 的线路未布置、未计入,故不能判定:请分运营商各立一份申请,或补录共建的手孔"
        ).format(
            place=tie_ins.network.ids[row],
            owner=owner,
            others=_("、").join(unserved(owner, demand.pipe.operators)),
        )
        yield "operators_apart", "nodes", str(tie_ins.network.ids[row]), text


def _planned(work: Groundwork, site: Site, route: Route) -> Iterator[tuple[str, str, str, str]]:
    """Works planned where a route digs: roads to be made anew, and others who dig there too."""
    dig_date = site.application.dig_date
    roads = work.survey.tables["roads"]
    for row in route.roads:
        planned = day(roads["planned_works_on"].iat[row])
        if planned is not None:
            name = str(roads.index[row])
            yield "planned_road_works", "roads", name, _road_works(work, name, planned, dig_date)
    table = work.survey.get("planned_works")
    if table is None or route.strip is None:
        return
    meets = table[shapely.intersects(table.geometry.array, route.strip)]
    for name, works in meets.iterrows():
        if not is_unknown(works["utility"]):
            yield "planned_dig", "planned_works", str(name), _other_dig(str(name), works)
        else:
            text = _works_of_layer(work, str(name), works, dig_date)
            yield "planned_road_works", "planned_works", str(name), text


def _opened_later(
    work: Groundwork, site: Site, route: Route
) -> Iterator[tuple[str, str, str, str]]:
    """City roads that a route digs and that are recorded to open later: which day bars it is asked.

    The years of 城市道路管理条例 art. 33 count from the opening.
    """
    opened_on, dig_date = work.survey.tables["roads"]["opened_on"], site.application.dig_date
    text = _(
        "{name} 记录的通车日期 {opened} 晚于拟开挖日期 {dig}:"
        "开挖时是否已通车、何时起算不明,请核实后更正"
    )
    for row in route.roads:
        opened = day(opened_on.iat[row])
        if opened is not None and opened > dig_date and work.ground.is_city_road[row] is not False:
            name = str(opened_on.index[row])
            told = text.format(name=name, opened=opened, dig=dig_date)
            yield "road_opened_later", "roads", name, told


def _protected(work: Groundwork, route: Route) -> Iterator[tuple[str, str, str, str]]:
    """Parks and ancient trees beside a strip in which no tree stands: no permit judges them."""
    ground = work.ground
    if route.strip is None or route.facts["touches_tree"] is not False:
        return
    if ground.greenery is not None:
        names = work.survey.tables["green"].index
        for at in np.sort(ground.greenery.tree.query(route.strip, "intersects")).tolist():
            park, shape = ground.is_park[at], ground.greenery.shapes[at]
            if park is not False and shapely.intersection(route.strip, shape).area > 0:
                text = _PARK if park else _MAYBE_PARK
                yield "protected_green", "green", str(names[at]), text.format(name=names[at])
    if ground.ancient_trees is not None:
        yield from _ancient(work, ground.ancient_trees, route.strip)


def _ancient(
    work: Groundwork, trees: AncientTrees, strip: shapely.Geometry
) -> Iterator[tuple[str, str, str, str]]:
    """Trees that are or may be ancient whose zone a strip enters, or may enter."""
    names = work.survey.tables["trees"].index[trees.row].astype(str)
    _, near, surely = trees.near(np.array([strip], object))
    for at, inside in sorted(zip(near.tolist(), surely.tolist(), strict=True)):
        name, zone_m = names[at], float((trees.least_m if inside else trees.most_m)[at])
        if trees.is_ancient[at] is None:
            text = _MAYBE_ANCIENT.format(name=name, zone=zone_m)
        elif inside:
            text = _ANCIENT.format(name=name, zone=zone_m)
        else:
            gap_m = shapely.distance(strip, trees.trunks[at])
            beyond_m = work.policy.planning.ancient_tree_zone_m
            text = _UNKNOWN_CROWN.format(name=name, gap=float(gap_m), zone=beyond_m)
        yield "ancient_tree", "trees", name, text


def _trees_outside(work: Groundwork, feeds: Sequence[Route]) -> Iterator[tuple[str, str, str, str]]:
    """Trees that stand on no greenery in the strips of a line whose clause counts what is felled.

    The layer tells of trunks, not of ground: they are counted, and add nothing to any area.
    """
    trees, greenery = work.ground.trees, work.ground.greenery
    strips = [one.strip for one in feeds if one.strip is not None]
    if trees is None or greenery is None or not strips or not _FELLED & feeds[0].measures.keys():
        return
    inside = np.unique(trees.tree.query(np.array(strips, object), "intersects")[1])
    planted = greenery.tree.query(trees.shapes[inside], "intersects")[0]
    outside = np.delete(inside, planted)
    if len(outside):
        names = sorted(str(name) for name in work.survey.tables["trees"].index[outside])
        text = _TREES_OUTSIDE.format(count=len(names), name=names[0])
        yield "trees_outside_green", "trees", names[0], text


def _road_works(work: Groundwork, name: str, planned: date, dig_date: date) -> str:
    """A road made anew bars later digging for years: dig before it, or not for long."""
    years = work.ground.overhaul_bar_years
    if planned <= dig_date:
        return _(
            "{name} 计划 {planned} 整修,不晚于拟开挖日期 {dig};"
            "竣工后 {years} 年内不得挖掘,请提前敷设"
        ).format(name=name, planned=planned, dig=dig_date, years=years)
    return _("{name} 计划 {planned} 整修,请在其之前完成开挖;竣工后 {years} 年内不得挖掘").format(
        name=name, planned=planned, years=years
    )


def _works_of_layer(
    work: Groundwork, name: str, works: Mapping[str, object], dig_date: date
) -> str:
    begins, ends = day(works["starts_on"]), day(works["ends_on"])
    planned, years = begins or ends, work.ground.overhaul_bar_years
    if planned is None:
        return _UNDATED_WORKS.format(name=name, years=years)
    if begins is None or ends is None or not begins <= dig_date <= ends:
        return _road_works(work, name, planned, dig_date)
    return _UNDER_WAY.format(name=name, begins=begins, ends=ends, dig=dig_date, years=years)


def _other_dig(name: str, works: Mapping[str, object]) -> str:
    utility = load_utilities()[str(works["utility"])].zh
    days = [_("未定") if is_unknown(works[key]) else works[key] for key in ("starts_on", "ends_on")]
    return _("计划工程 {name}({utility},{start} 至 {end})与路由重叠,可协调同沟").format(
        name=name, utility=utility, start=days[0], end=days[1]
    )

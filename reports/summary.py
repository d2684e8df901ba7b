"""A plan in a few lines of text, for the command line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal

import pandas as pd

from language import gettext as _
from layers.utilities import load_utilities
from planning.both_feeds import BothFeeds
from planning.clearance_records import Clearance, overlaps
from planning.comparisons import printed
from planning.external_lines import ExternalLine
from planning.joint import Joint
from planning.judged_routes import Route
from planning.manual_routes import DrawnFeed, ManualRoute, RefusedRoute
from planning.measures import crossing_measure
from planning.notices import ACCESS_BARRED, ROAD_WIDTHS, Notice
from planning.plan import Plan
from planning.texts import in_words
from reports.reasons import CURES, REASONS

# What lengths and costs rest on where something is unknown: ``assumed`` of a plan.
ASSUMED: Mapping[str, str] = {
    "size": "管径未知,按常用断面开挖,不计管材",
    "working_space": "沟槽工作面宽度未知,未计入",
    "cover": "覆土深度未知,只按管高开挖",
    "trench_depth": "重力管的高程不全,按最小覆土开挖,实际至少如此",
    "railway_crossing": "穿越铁路处按沟槽计,顶进或定向钻及铁路部门的费用未计入",
    "bridge_deck": "桥上敷设处按沟槽计,支架、吊挂的费用未计入",
    "pipe_price": "价目表无此管材,不计管材",
    "road_surface": "所穿道路的路面类型未知,按沥青计",
    "carriageway_width": "所穿道路的车行道宽度未知,按道路等级取定",
}
# Why a line that wants two feeds has no second: ``reason`` of a second feed.
NO_SECOND: Mapping[str, str] = {
    "no_other_source": "第二路没有另一处来源(首尾相接的管段算一条管线)",
    "source_unknown": "第二路来源不明,未布置",
    "disconnected": "第二路走廊不连通",
    "not_proven": "第二路查找中止,未找到,也未证明没有",
}
# Questions of all cases named on the screen.
_SHOWN_QUESTIONS = 5


def plan_summary(plan: Plan) -> list[str]:
    """One line for each requested utility, the shared trench, each notice and each question.

    What costs and lengths rest on without being known stands in one last line.
    """
    names = load_utilities()
    lines = [
        f"{names[utility].label} {_line(plan, line)}"
        + _short(plan.clearances.get(utility, ()))
        + "".join(f";{in_words(one.text)}" for one in _why(plan, utility))
        for utility, line in plan.lines.items()
        if line.status != "not_requested"
    ]
    for utility, found in plan.manual.items():
        lines += [
            f"{names[utility].label} {_drawn(found, plan)}",
            *_near_drawn(plan, utility, found),
        ]
    if plan.joint is not None:
        listed = (plan.lines[utility].route for utility in plan.joint.plan.utilities)
        listed_yuan = sum(route.figures["cost_yuan"] for route in listed if route)
        ways = separate_ways(plan.joint.plan.separate_cost_yuan, listed_yuan)
        lines.append(_shared(plan.joint) + (f";{ways}" if ways else ""))
    lines += [
        _("提示:{} {}").format(
            _("、").join(names[key].label for key in one.utilities), in_words(one.text)
        )
        for one in plan.notices
        if not all(one in _why(plan, utility) for utility in one.utilities)
    ]
    lines += [
        _("待查:{} {} 的 {}").format(q.subject_kind, q.subject_id, q.field) for q in plan.questions
    ]
    assumed = [_(ASSUMED.get(name, name)) for name in sorted(plan.assumed)]
    return [*lines, _("以下未知,按假定计:{}").format(";".join(assumed))] if assumed else lines


def _why(plan: Plan, utility: str) -> list[Notice]:
    """Notices that may tell why a line cannot be laid: they stand beside its reason."""
    if plan.lines[utility].status != "unroutable":
        return []
    kinds = ACCESS_BARRED, ROAD_WIDTHS
    return [one for one in plan.notices if one.kind in kinds and utility in one.utilities]


def asked_first(questions: pd.DataFrame) -> list[str]:
    """How much is open in all cases, and the questions whose answers settle most."""
    if questions.empty:
        return []
    lines = [_("待查事项 {} 个,回答一次各案通用:").format(len(questions))]
    lines += [
        _("  {subject} 的 {field}:涉及 {pairs} 项,单凭此答案可定 {settles} 项").format(
            subject=row.subject, field=row.field, pairs=row.pairs, settles=row.settles
        )
        for row in questions.head(_SHOWN_QUESTIONS).itertuples()
    ]
    if len(questions) > _SHOWN_QUESTIONS:
        lines.append(_("  ……其余用 --questions 写成文件"))
    return lines


def _line(plan: Plan, line: ExternalLine) -> str:
    """One utility; figures are printed as they are judged."""
    if line.judged is None:
        gap = "" if line.gap_m is None else _("(相距 {:.2f} 米)").format(line.gap_m)
        reason = line.reason or ""
        words = REASONS.get(reason, reason)
        barred = any(one.kind == ACCESS_BARRED for one in _why(plan, line.utility))
        if barred or reason not in CURES:  # what bars a line is told with its own cure
            return _("无法布置:{}{}").format(words, gap)
        return _("无法布置:{}{};{}").format(words, gap, CURES[reason])
    return _figures(line.judged, plan.policy.outcomes, plan.policy.round_to)


def _figures(route: Route | BothFeeds, outcomes: Mapping[str, str], step: Decimal) -> str:
    """Figures and verdict of what was judged; of two feeds those of both, and each length."""
    figures, verdict = route.figures, route.verdict
    length_m, each = figures["length_m"], ""
    if isinstance(route, BothFeeds):
        length_m = route.judged_length_m
        own = [printed(one.figures["length_m"], step) for one in route.routes]
        each = _("(两路合计;第一路 {} 米,第二路 {} 米)").format(*own)
    green = _told(figures["green_m2"], _("绿化 {} 平方米"), step, _("绿化面积未知"))
    across = _told(*_across(route), step, _("长度未知"))
    return _("长 {} 米{},穿越 {} 次 {},{}:{} {}").format(
        printed(length_m, step),
        each,
        int(figures["crossing_count"]),
        across,
        green,
        _(outcomes[verdict.outcome]),
        verdict.clause or "",
    )


def _across(route: Route | BothFeeds) -> tuple[float, str]:
    """Metres of crossing as the clause counts them, and words for them.

    Those between kerbs where none counts, as of roads that are no city roads, or where what it
    counts is unknown.
    """
    measure = crossing_measure(route.judging.policy, route.judging.utility) or ""
    told, kerb_m = route.measures.get(measure, 0.0), route.figures["kerb_m"]
    from_red_line = "red_line" in measure
    if told is None:
        return kerb_m, _("路缘间 {} 米(红线间未知)") if from_red_line else _("{} 米")
    if told == 0.0:
        return kerb_m, _("{} 米")
    return told, _("红线间 {} 米") if from_red_line else _("{} 米")


def _told(value: float, words: str, step: Decimal, unknown: str) -> str:
    return unknown if math.isnan(value) else words.format(printed(value, step))


def _drawn(found: ManualRoute | RefusedRoute, plan: Plan) -> str:
    """One drawn route or two feeds: figures as judged, what was moved of each, and its faults."""
    if isinstance(found, RefusedRoute):
        return _("手绘路由未采用:{}").format(in_words(found.reason))
    figures = _figures(found.judged, plan.policy.outcomes, plan.policy.round_to)
    if found.has_faults:
        figures += _(",但有问题,不能照此敷设")
    if found.other is not None:
        told = [
            *(_("第一路{}").format(one) for one in _changes(found)),
            *(_("第二路{}").format(one) for one in _changes(found.other)),
        ]
        return _("手绘两路 {}").format(figures) + "".join(f";{one}" for one in told)
    told = _changes(found)
    if found.second is not None and found.second.route is None:
        told.insert(0, _(NO_SECOND[found.second.reason or ""]))
    return _("手绘路由 {}").format(figures) + "".join(f";{one}" for one in told)


def _short(near: Iterable[Clearance]) -> str:
    """How many clearances of a route fail, and how many of them would be on what is there."""
    failing = [one for one in near if one.status == "fail"]
    if not failing:
        return ""
    on_it = sum(map(overlaps, failing))
    told = _(";净距不足 {} 处,其中重叠 {} 处") if on_it else _(";净距不足 {} 处")
    return told.format(len(failing), on_it)


def _near_drawn(plan: Plan, utility: str, found: ManualRoute | RefusedRoute) -> list[str]:
    """Clearances of a drawn route that fail or may fail, with place and table, one on a line."""
    if isinstance(found, RefusedRoute):
        return []
    words = {"fail": _("净距不足"), "uncertain": _("净距未定")}
    return [
        f"  {words[one.status]} {in_words(one.text)}{_where(one)}"
        for one in plan.clearances_of_drawn(plan.lines[utility], found)
        if one.status in words
    ]


def _where(one: Clearance) -> str:
    """The place of a clearance, and the table that asks for it."""
    at = "" if one.xy is None else " ({:.1f}, {:.1f})".format(*one.xy)
    return f"{at} " + (one.source or "").replace(" table ", _(" 表 "))


def _changes(feed: DrawnFeed) -> list[str]:
    """What was moved of a drawing, and its faults."""
    moved = [
        _("{}({} 米)").format(in_words(one.text), printed(one.moved_m, Decimal("0.01")))
        for one in feed.moves
    ]
    return [*moved, *(in_words(fault.text) for fault in feed.faults)]


def _shared(joint: Joint) -> str:
    """What the joint plan costs and saves; of one that has no room nothing is recommended."""
    found = joint.plan
    if joint.fits is False:
        return _("共沟:未找到各沟都放得下的布置,造价不会少于 {:.0f} 元;不作推荐").format(
            found.bound_yuan
        )
    unsure = None in (joint.fits, joint.own_fit) and not joint.beside_others  # told by notices
    to_check = _(";部分空位净宽未知或可能不够,是否放得下待核对") if unsure else ""
    if not found.shared_length_m:
        if joint.gave_way or joint.beside_others:
            text = _("联合方案(无共沟段)造价 {:.0f} 元")
            return text.format(found.cost_yuan) + to_check
        return _("共沟不省:各自开挖造价 {:.0f} 元").format(found.cost_yuan) + to_check
    if found.saving_yuan is None:
        text = _("共沟 {:.2f} 米,造价 {:.0f} 元;各自开挖未找到都放得下的走法,省多少不详")
        return text.format(found.shared_length_m, found.cost_yuan) + to_check
    text = _("共沟 {:.2f} 米,造价 {:.0f} 元,比各自开挖省 {:.0f} 元({:.0%})")
    saved = found.saving_yuan, found.saving_share
    return text.format(found.shared_length_m, found.cost_yuan, *saved) + to_check


def separate_ways(separate_yuan: float | None, listed_yuan: float) -> str | None:
    """Tell that separate digs with room for all cost other than the recommended routes together.

    Those are each the best by itself, and may have no room beside each other. None where both
    cost the same to a yuan, or no separate digs with room were found.
    """
    if separate_yuan is None or abs(more := separate_yuan - listed_yuan) < 1.0:
        return None
    if more < 0.0:
        text = _("各自开挖按各沟都放得下的走法计,比所列推荐路由之和少 {:.0f} 元")
    else:
        text = _("各自开挖按各沟都放得下的走法计,比所列推荐路由之和多 {:.0f} 元")
    return text.format(abs(more))

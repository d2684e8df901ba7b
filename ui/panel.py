"""The case panel as HTML: figures, table of lines, what stands in the way.

Every value passes :func:`api.escape.esc`.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from api.escape import esc
from language import gettext as _
from layers.utilities import Utility
from planning.notices import ACCESS_BARRED, DIG_DATE_PASSED
from reports.reasons import CURES, REASONS
from reports.summary import ASSUMED
from ui import words
from ui.clearances import short_in_row, short_lines
from ui.feeds import counted, counted_crossing, counted_length, feed_routes, feeds
from ui.grounds import chip, deciding, grounds
from ui.limits import crossing_figure
from ui.numbers import metres, money
from ui.tracing import route_pointer, traced
from ui.view import Json, View
from ui.words import head

# A notice that lines which might share a trench do not, because it would be too wide.
NOTHING_SHARED = "joint_in_no_dig"


def swatch(utility: Utility) -> str:
    """Colour and dash pattern of a utility, as in the map's legend."""
    line = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="26" height="10">'
        f'<line x1="0" y1="5" x2="26" y2="5" stroke="{esc(utility.colour)}" stroke-width="3"'
        f' stroke-dasharray="{esc(utility.dash or "none")}"/></svg>'
    )
    return picture(line, "", "tg-swatch")


def picture(svg: str, alternative: str, css_class: str) -> str:
    """An image element: a browser runs no script and fetches nothing inside an image."""
    encoded = base64.b64encode(svg.encode()).decode()
    return (
        f'<img class="{css_class}" alt="{esc(alternative)}"'
        f' src="data:image/svg+xml;base64,{encoded}">'
    )


def heading(plan: Json, title: str, *, default_demand: bool) -> str:
    """Name of the case with its parcel, land use and area."""
    parcel = plan["parcel"]
    area = parcel.get("area_m2")
    facts = " · ".join(
        f"<span>{fact}</span>"
        for fact in [
            _("宗地") + " " + esc(plan["parcel_id"]),
            esc(parcel.get("name")),
            esc(words.LAND_USES.get(parcel.get("land_use") or "", _("用途未知"))),
            _("面积未知") if area is None else f"{area:,.0f} m²",
            _dig_date(plan),
        ]
        if fact
    )
    mark = _("此宗地没有报装申请:按用地性质的默认需求试算,不作为判定。")
    return f'<h2 class="tg-title">{esc(title)}</h2><p class="tg-facts">{facts}</p>' + (
        f'<p class="tg-mark">{mark}</p>' if default_demand else ""
    )


def _dig_date(plan: Json) -> str:
    told = f"{_('计划开挖')} {esc(plan['dig_date'])}"
    has_passed = any(one["kind"] == DIG_DATE_PASSED for one in plan.get("notices") or [])
    return f'{told} <b class="tg-wrong">{_("已过")}</b>' if has_passed else told


def figures(view: View) -> str:
    """Three figures: lines that qualify, and what the trench saves or the lines amount to."""
    verdicts = [view.verdict(line) for line in view.wanted]
    qualify = sum(1 for one in verdicts if one and words.qualifies(one))
    tiles = [(_("可承诺或免批"), f"{qualify}<small> / {len(verdicts)} {_('项')}</small>")]
    if view.joint:
        joint = view.plan["joint"]
        saved = joint["saving_share"]
        tiles += [
            (_("共沟长度"), f"{joint['shared_length_m']:,.1f}<small> m</small>"),
            (_("比各自开挖省"), "—" if saved is None else f"{round(100 * saved)}<small> %</small>"),
        ]
    else:
        routes = [counted(view.route(line)) for line in view.routed]
        length, cost = (sum(one[name] for one in routes) for name in ("length_m", "cost_yuan"))
        tiles += [
            (_("外线总长"), f"{metres(length)}<small> m</small>" if routes else "—"),
            (_("造价(示例单价)"), f"{money(cost)}<small> {_('万元')}</small>" if routes else "—"),
        ]
    return (
        '<div class="tg-figures">'
        + "".join(f"<div><span>{name}</span><b>{value}</b></div>" for name, value in tiles)
        + "</div>"
    )


def lines_table(view: View) -> str:
    """One row per requested line with its size, measures and verdict."""
    heads = "".join(
        [
            f"<th>{_('专业')}</th><th>{_('规格')}</th>",
            f'<th class="n">{_("外线长度")}<br>m</th>',
            f'<th class="n">{_("穿路")}<br>{_("次")} / m</th>',
            f'<th class="n">{_("绿化")}<br>m²</th><th>{_("判定")}</th>',
        ]
    )
    rows = "".join(_line_row(view, line) for line in view.wanted)
    return f'<table class="tg-lines"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def obstacles(view: View) -> str:
    """What stands in the way: one sentence for all lines that it stops, and warnings."""
    stopped: dict[tuple[str, str], list[str]] = {}
    for line in view.wanted:
        obstacle = _obstacle(view, line)
        if obstacle is not None:
            stopped.setdefault(obstacle, []).append(view.name(line["utility"]))
    told = "".join(
        f'<p class="tg-note-{tone}"><b>{esc(_("、").join(names))}</b> {sentence}</p>'
        for (tone, sentence), names in stopped.items()
    )
    return told + short_lines(view)


def unroutable(view: View, line: Json) -> str:
    """A line that cannot be joined: why, by how much, what to do; the reasons stand below."""
    head = f"{esc(view.name(line['utility']))}{_('为何无法接入')}"
    return f'<h3>{head}</h3><p class="tg-note-none">{_no_way(view, line)}</p>'


def notices(view: View) -> str:
    """What the people of the case should know of the ground; it changes no verdict.

    That nothing is shared because of a no-dig area is said where the trench would be shown, and
    what bars a line beside the reason that it cannot be joined.
    """
    return "".join(
        f'<p class="tg-note-none"><b>{esc(_names(view, one["utilities"]))}</b> '
        f"{esc(head(one['text']))}</p>"
        for one in view.plan.get("notices") or []
        if one["kind"] not in (NOTHING_SHARED, ACCESS_BARRED)
    )


def assumptions(view: View) -> str:
    """What lengths and costs rest on without being known."""
    known = [_(ASSUMED.get(one, one)) for one in view.plan.get("assumed") or []]
    if not known:
        return ""
    told = _("以下未知,按假定计:")
    return f'<p class="tg-soft">{told}{esc(_(";").join(known))}</p>'


def questions(view: View) -> str:
    """What is unknown and would settle verdicts: one question per road, layer or main."""
    asked = view.plan.get("questions") or []
    if not asked:
        return ""
    rows = "".join(_question(view, one) for one in asked)
    return (
        f"<h3>{_('待查明')}<small>{_('答一次,各案通用')}</small></h3>"
        f'<ul class="tg-questions">{rows}</ul>'
    )


def never_covered(view: View) -> str:
    """Permits that no verdict speaks of, so that 无需审批 is not read as more than it says."""
    names = view.plan.get("never_covered") or []
    if not names:
        return ""
    return (
        f'<p class="tg-soft tg-never">{_("以下许可方案未涉及,判定不含,须另行核实:")}'
        f"{esc(_('、').join(names))}</p>"
    )


def _line_row(view: View, line: Json) -> str:
    utility = view.utilities[line["utility"]]
    route, told = (view.route(line), feeds(view, line)) if line["routes"] else ({}, [])
    both = f"<small>{_('两路合计')}</small>" if route.get("together") else ""
    name = f'<td class="tg-name">{swatch(utility)}{esc(view.name(utility.key))}{both}</td>'
    label = esc((line.get("pipe") or {}).get("label")) or "—"
    head = (
        '<tr class="tg-chosen">' if line["utility"] == view.chosen else "<tr>"
    ) + f"{name}<td>{label}</td>"
    if line["status"] != "routed":
        return (
            f'{head}<td colspan="3" class="tg-soft">{_reason(line)}</td>'
            f'<td><span class="tg-chip tg-none">{_("无法接入")}</span></td></tr>'
        )
    verdict = view.verdict(line)
    is_close = bool(verdict and verdict.get("certainty") == "too_close")
    too_close = esc(words.CERTAINTY["too_close"])
    close = f'<i title="{too_close}">±</i>' if is_close else ""
    hangs_on = [deciding(view, verdict) if verdict else "", too_close if is_close else ""]
    below = [" · ".join(filter(None, hangs_on)), short_in_row(feed_routes(view, line))]
    return (
        f'{head}<td class="n">{_length(view, line, route)}</td>'
        f'<td class="n">{_crossings(view, line, route)}</td>'
        f'<td class="n">{metres(counted(route)["green_m2"])}</td>'
        f"<td>{chip(view, verdict['outcome']) if verdict else '—'}{close}</td></tr>"
        f"{_row_below('<br>'.join(filter(None, below)))}"
        f"{_feeds_below(told)}"
    )


def _length(view: View, line: Json, route: Json) -> str:
    figure, value = counted_length(route)
    return traced(view, route_pointer(view, line, route, figure), metres(value))


def _crossings(view: View, line: Json, route: Json) -> str:
    """How often and over how many metres; those between red lines where the clause counts them."""
    figure = crossing_figure(view, line)
    between = f"<small>{_('红线间')}</small>" if figure == "crossing_red_line_m" else ""
    across = metres(counted_crossing(route, figure))
    return f"{counted(route)['crossing_count']} / {across}{between}"


def _row_below(told: str) -> str:
    """What belongs to a line, below it: what its verdict hangs on, and what it comes too near."""
    return f'<tr class="tg-limit"><td></td><td colspan="5">{told}</td></tr>' if told else ""


def _feeds_below(told: Sequence[str]) -> str:
    """The feeds of a line by themselves, over the whole width: a phone has little."""
    lines = "<br>".join(map(esc, told))
    return f'<tr class="tg-limit tg-feeds"><td colspan="6">{lines}</td></tr>' if told else ""


def _names(view: View, utilities: Sequence[str]) -> str:
    return _("、").join(view.name(key) for key in utilities)


def _reason(line: Json) -> str:
    return esc(REASONS.get(line.get("reason") or "", line.get("reason") or _("无路由")))


def _obstacle(view: View, line: Json) -> tuple[str, str] | None:
    """Tone and sentence of what stops a line, or None if nothing does."""
    if line["status"] == "unroutable":
        return "none", _no_way(view, line)
    verdict, sentences = view.verdict(line), []
    stopped = verdict is not None and not words.qualifies(verdict)
    if view.joint and (line.get("verdict") or {}).get("made_worse_by_sharing"):
        sentences.append(_worse(view, line))
    elif stopped and verdict:
        sentences.append(chip(view, verdict["outcome"]))
    if stopped and verdict:
        sentences.append(grounds(view, line, verdict))
    return ("warn", " ".join(sentences)) if sentences else None


def _no_way(view: View, line: Json) -> str:
    """Why a line cannot be joined, by how much, and what to do."""
    gap = ""
    if line.get("gap_m") is not None:
        limit = view.words.policy.planning.max_snap_m
        lengths = f"{metres(line['gap_m'])} m", f"{words.value(limit)} m"
        gap = _(",相距 {},连接段最长 {}").format(*lengths)
    if line.get("no_dig"):
        gap = _("({})").format(esc(_("、").join(line["no_dig"])))
    if line.get("no_fall"):
        gap = _("({})").format(esc(line["no_fall"]["text"]))
    barred = [
        esc(head(one["text"]))
        for one in view.plan.get("notices") or []
        if one["kind"] == ACCESS_BARRED and line["utility"] in one["utilities"]
    ]
    cure = _(";").join(barred) or CURES.get(line.get("reason") or "")
    ending = _("。{}。").format(cure) if cure else _("。")
    return f"{_('无法接入:')}{_reason(line)}{gap}{ending}"


def _worse(view: View, line: Json) -> str:
    alone, joint = line["verdict"]["alone"], line["verdict"]["joint"]
    return (
        f"{_('因共沟变差:单独敷设')} {chip(view, alone['outcome'])} → {_('共沟')} "
        f"{chip(view, joint['outcome'])}"
    )


def _question(view: View, one: Json) -> str:
    kind = one["subject_kind"]
    subject = one["subject_id"]
    if kind in {"layer", "road"}:
        subject = words.layer(subject) if kind == "layer" else view.road(subject)
    names = _names(view, one["utilities"])
    about = f"{words.SUBJECTS.get(kind, kind)} {subject}"
    if kind == "application" and not view.plan.get("application_id"):
        about = _("此宗地(默认需求)")
    return (
        f"<li><b>{esc(about)}</b>{_(':')}"
        f"{esc(view.words.field(kind, one['field']))}"
        f' <span class="tg-soft">{_("影响")} {esc(names)}</span></li>'
    )

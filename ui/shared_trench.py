"""The shared trench: its section, what it saves, and who pays what."""

from __future__ import annotations

from xml.etree import ElementTree

from api.escape import esc
from language import gettext as _
from reports.summary import separate_ways
from ui import words
from ui.numbers import metres, money
from ui.panel import NOTHING_SHARED, picture
from ui.view import Json, View

_SVG = "{http://www.w3.org/2000/svg}"
_DRAWING_TAGS = {
    "svg",
    "g",
    "rect",
    "line",
    "circle",
    "ellipse",
    "path",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "title",
    "desc",
    "defs",
    "pattern",
    "marker",
    "clipPath",
}


class DrawingError(ValueError):
    """A drawing holds more than lines, shapes and texts."""


def safe_svg(svg: str) -> str:
    """The drawing, if it is plain SVG; DrawingError for anything that could run or fetch."""
    if "<!" in svg.replace("<!--", ""):
        raise DrawingError("drawing with a document type or CDATA refused")
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise DrawingError(f"drawing is not well formed: {error}") from None
    for element in root.iter():
        tag = str(element.tag).removeprefix(_SVG)
        if tag not in _DRAWING_TAGS:
            raise DrawingError(f"element <{tag}> is not allowed in a drawing")
        for name, value in element.attrib.items():
            if name.lower().startswith("on") or "href" in name.lower() or _fetches(value):
                raise DrawingError(f"attribute {name} is not allowed in a drawing")
    return svg


def _fetches(value: str) -> bool:
    lowered = value.lower().replace(" ", "")
    return "javascript:" in lowered or ("url(" in lowered and "url(#" not in lowered)


def shared_trench(view: View) -> str:
    """Sections, saving and split of the plan's shared trench, as HTML."""
    joint = view.plan.get("joint")
    if not view.shares or not joint:
        told = f'<h3>{_("共沟")}</h3><p class="tg-soft">{_no_trench(view)}</p>'
        return told + (
            _room(view, joint) + _left_out(view, joint) + _separate_ways(view, joint)
            if joint
            else ""
        )
    parts = (
        _sections(view, joint),
        _room(view, joint),
        _left_out(view, joint),
        _costs(joint),
        _separate_ways(view, joint),
        _split(view, joint),
    )
    return "".join(parts)


def _no_trench(view: View) -> str:
    """Why nothing is shared."""
    barred = [one for one in view.plan.get("notices") or [] if one["kind"] == NOTHING_SHARED]
    if barred:
        return esc(_(";").join(str(one["text"]) for one in barred))
    if joint := view.plan.get("joint"):
        if joint["fits"] is False:
            return _("算得的布置中没有共沟段,也未找到各沟都放得下的走法,不作推荐。")
        if joint["fits"] is None or joint["gave_way"]:
            return _("算得最省的布置中没有共沟段。")
        return _("算得最省的布置中没有共沟段:各自敷设即可。")
    return _("可共沟的外线不足两项。")


def _sections(view: View, joint: Json) -> str:
    """Every section with at least two lines, once, the longest first."""
    lengths: dict[str, float] = {}
    for segment in joint["segments"]:
        section = segment["section_id"]
        lengths[section] = lengths.get(section, 0.0) + segment["length_m"]
    shared = {one["section_id"]: one for one in joint["sections"] if len(one["utilities"]) > 1}
    drawn = [
        _section(view, shared[key], lengths.get(key))
        for key in sorted(shared, key=lambda key: -lengths.get(key, 0.0))
    ]
    rest = "".join(drawn[1:])
    more = f"<details><summary>{_('其余断面')} {len(drawn) - 1}</summary>{rest}</details>"
    return f"<h3>{_('共沟断面')}<small>{_proof(joint)}</small></h3>{drawn[0]}" + (
        more if rest else ""
    )


def _room(view: View, joint: Json) -> str:
    """Who was led elsewhere for want of room, and what is not known to have room."""
    texts = [
        _("{names}改走他处:{road}有 {m} m 各沟并排放不下").format(
            names=_("、").join(map(view.name, one["utilities"])),
            road=view.road(one["road_id"]),
            m=metres(one["length_m"]),
        )
        for one in joint["gave_way"]
    ]
    texts += [
        _("{names}须另定位置:{road}有 {m} m 与联合方案的各沟并排放不下").format(
            names=_("、").join(map(view.name, one["utilities"])),
            road=view.road(one["road_id"]),
            m=metres(one["length_m"]),
        )
        for one in joint["beside_others"]
    ]
    if joint["fits"] is None and not joint["beside_others"]:
        texts.append(
            _("部分空位净宽未知或可能不够,共沟是否放得下待核对")
            if view.shares
            else _("部分空位净宽未知或可能不够,各沟是否放得下待核对")
        )
    if joint["separate_fits"] is None:
        texts.append(_("部分空位净宽未知或可能不够,各自开挖是否放得下待核对"))
    if joint["separate_fits"] is False:
        texts.append(_("各自开挖未找到都放得下的走法,省多少不详"))
    return "".join(f'<p class="tg-soft">{esc(text)}</p>' for text in texts)


def _left_out(view: View, joint: Json) -> str:
    """Lines that cannot join and pairs that may not lie together, with the reason of each."""
    reasons: dict[str, list[str]] = {}
    for one in joint.get("left_out") or []:
        reasons.setdefault(one["reason"], []).append(view.name(one["utility"]))
    texts = [_("、").join(names) + _(":") + reason for reason, names in reasons.items()]
    texts += joint.get("apart") or []
    return "".join(f'<p class="tg-soft">{esc(text)}</p>' for text in texts)


def _proof(joint: Json) -> str:
    if joint["fits"] is False:
        return _("各沟放不下,不作推荐")
    if joint.get("proven_optimal"):
        return _("已证最优")
    gap = joint.get("gap")
    return _("未证最优") if gap is None else f"{_('未证最优,差距不超过')} {100 * gap:.1f} %"


def _section(view: View, section: Json, length_m: float | None) -> str:
    names = " – ".join(view.name(key) for key in section["utilities"])
    surface = words.SURFACES.get(section.get("surface") or "unknown", section.get("surface"))
    caption = (
        f"{esc(names)} · {esc(surface)} · {_('宽')} {metres(section['width_m'])} m"
        f" · {_('深')} {metres(section['depth_m'])} m · {_('长')} {metres(length_m)} m"
        f"<br>{_('净距单位 m')}{_clearances(section)}"
    )
    try:
        svg = safe_svg(section["svg"]) if section.get("svg") else None
        drawing = picture(svg, _("共沟断面") + " " + names, "tg-drawing") if svg else ""
    except DrawingError:
        drawing = f'<p class="tg-note-warn">{_("断面图未通过安全检查,未显示。")}</p>'
    return f'<figure class="tg-section">{drawing}<figcaption>{caption}</figcaption></figure>'


def _clearances(section: Json) -> str:
    """The standards that the gaps come from, each with how sure its values are."""
    sources = dict.fromkeys(
        words.source(pair["source"])
        + _("({})").format(words.CONFIDENCE.get(pair["confidence"], pair["confidence"]))
        for pair in section.get("pairs") or []
        if pair.get("source")
    )
    return f"{_(',')}{_('依据标准')} {esc(_('、').join(sources))}" if sources else ""


def _costs(joint: Json) -> str:
    bars = [
        (_("各自开挖"), joint["separate_cost_yuan"], "plain"),
        (_("重叠段只挖一次"), joint.get("overlap_cost_yuan"), "plain"),
        (_("共沟方案"), None if joint["fits"] is False else joint["cost_yuan"], "good"),
    ]
    if joint["gave_way"] or joint["fits"] is False:
        bars.append((_("假如各沟可并排"), joint["roomy_cost_yuan"], "plain"))
    known = [bar for bar in bars if bar[1] is not None]
    top = max((value for _name, value, _tone in known), default=0) or 1
    rows = "".join(
        f'<div class="tg-bar"><span>{name}</span>'
        f'<i class="tg-{tone}" style="width:{100 * value / top:.1f}%"></i>'
        f"<b>{money(value)}</b></div>"
        for name, value, tone in known
    )
    number = len(joint.get("allocation") or [])
    note = _("示例单价,非报价") + (f" · {_('共沟的')} {number} {_('项合计')}" if number else "")
    return f'<h3>{_("造价(万元)")}<small>{note}</small></h3><div class="tg-bars">{rows}</div>'


def _separate_ways(view: View, joint: Json) -> str:
    """What separate digs with room for all cost beside the routes that are listed and drawn."""
    members = [one for one in view.routed if one["utility"] in joint["utilities"]]
    listed = [route["cost_yuan"] for route in map(view.recommended, members) if route]
    told = separate_ways(joint["separate_cost_yuan"], sum(listed))
    return f'<p class="tg-soft">{esc(told)}</p>' if told else ""


def _split(view: View, joint: Json) -> str:
    shares = joint.get("allocation") or []
    total = sum(one["shapley_yuan"] for one in shares)
    if total <= 0:
        return ""
    parts = "".join(
        f'<i style="width:{100 * one["shapley_yuan"] / total:.2f}%;'
        f'background:{esc(view.utilities[one["utility"]].colour)}"></i>'
        for one in shares
    )
    separate = sum(one["stand_alone_yuan"] for one in shares)
    rows = "".join(
        f"<tr><td>{esc(view.name(one['utility']))}</td>"
        f'<td class="n">{money(one["shapley_yuan"])}</td>'
        f'<td class="n">{money(one["stand_alone_yuan"])}</td>'
        f'<td class="n">{100 * one["shapley_yuan"] / total:.1f}</td></tr>'
        for one in shares
    ) + (
        f'<tr class="tg-sum"><td>{_("合计")}</td><td class="n">{money(total)}</td>'
        f'<td class="n">{money(separate)}</td><td class="n">100.0</td></tr>'
    )
    return (
        f"<h3>{_('费用分摊')}<small>{_('夏普利值')}</small></h3>"
        f'<div class="tg-split">{parts}</div><table class="tg-small"><thead><tr>'
        f'<th>{_("专业")}</th><th class="n">{_("分摊")}<br>{_("万元")}</th>'
        f'<th class="n">{_("单独开挖(上限)")}<br>{_("万元")}</th>'
        f'<th class="n">{_("占比")}<br>%</th></tr></thead><tbody>{rows}</tbody></table>'
    )

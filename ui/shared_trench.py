"""The shared trench: its section, what it saves, and who pays what."""

from __future__ import annotations

from collections.abc import Mapping
from gettext import gettext as _
from typing import Any
from xml.etree import ElementTree

from api.escape import esc
from layers.utilities import Utility
from ui import words
from ui.panel import metres, money, picture

_SVG = "{http://www.w3.org/2000/svg}"
_DRAWING_TAGS = {"svg", "g", "rect", "line", "circle", "ellipse", "path", "polyline", "polygon",
                 "text", "tspan", "title", "desc", "defs", "pattern", "marker", "clipPath"}


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


def shared_trench(plan: Mapping[str, Any], utilities: Mapping[str, Utility]) -> str:
    """Sections, saving and split of the plan's shared trench, as HTML."""
    joint = plan.get("joint")
    if not joint:
        return f'<h3>{_("共沟")}</h3><p class="tg-soft">{_("没有可共沟的外线。")}</p>'
    sections = "".join(_section(one, utilities) for one in joint.get("sections") or []
                       if len(one["utilities"]) > 1)
    proof = _("已证最优") if joint.get("proven_optimal") else _("未证最优")
    return (f'<h3>{_("共沟断面")}<small>{proof}</small></h3>{sections}'
            f"{_costs(joint)}{_split(joint, utilities)}")


def _section(section: Mapping[str, Any], utilities: Mapping[str, Utility]) -> str:
    names = " – ".join(_name(key, utilities) for key in section["utilities"])
    surface = words.SURFACES.get(section.get("surface") or "unknown", section.get("surface"))
    caption = (f'{esc(names)} · {esc(surface)} · {_("宽")} {metres(section["width_m"])} m'
               f' · {_("深")} {metres(section["depth_m"])} m')
    try:
        drawing = picture(safe_svg(section["svg"]), _("共沟断面") + " " + names, "tg-drawing") if section.get("svg") else ""
    except DrawingError:
        drawing = f'<p class="tg-note-warn">{_("断面图未通过安全检查,未显示。")}</p>'
    return f'<figure class="tg-section">{drawing}<figcaption>{caption}</figcaption></figure>'


def _costs(joint: Mapping[str, Any]) -> str:
    bars = [
        (_("各自开挖"), joint["separate_cost_yuan"], "plain"),
        (_("重叠段只计一次"), joint.get("overlap_cost_yuan"), "plain"),
        (_("共沟方案"), joint["cost_yuan"], "good"),
    ]
    top = max(value for _name_, value, _tone in bars if value is not None)
    rows = "".join(
        f'<div class="tg-bar"><span>{name}</span>'
        f'<i class="tg-{tone}" style="width:{100 * value / top:.1f}%"></i>'
        f"<b>{money(value)}</b></div>"
        for name, value, tone in bars if value is not None
    )
    note = _("示例单价,非报价")
    return f'<h3>{_("造价(万元)")}<small>{note}</small></h3><div class="tg-bars">{rows}</div>'


def _split(joint: Mapping[str, Any], utilities: Mapping[str, Utility]) -> str:
    shares = joint.get("allocation") or []
    total = sum(one["shapley_yuan"] for one in shares)
    if not shares or total <= 0:
        return ""
    parts = "".join(
        f'<i style="width:{100 * one["shapley_yuan"] / total:.2f}%;'
        f'background:{esc(utilities[one["utility"]].colour)}"></i>'
        for one in shares if one["utility"] in utilities
    )
    rows = "".join(
        f'<tr><td>{esc(_name(one["utility"], utilities))}</td>'
        f'<td class="n">{money(one["shapley_yuan"])}</td>'
        f'<td class="n">{money(one["stand_alone_yuan"])}</td>'
        f'<td class="n">{100 * one["shapley_yuan"] / total:.1f}</td></tr>'
        for one in shares
    )
    return (
        f'<h3>{_("费用分摊")}<small>{_("夏普利值")}</small></h3>'
        f'<div class="tg-split">{parts}</div><table class="tg-small"><thead><tr>'
        f'<th>{_("专业")}</th><th class="n">{_("分摊")}<br>{_("万元")}</th>'
        f'<th class="n">{_("单独开挖(上限)")}<br>{_("万元")}</th>'
        f'<th class="n">{_("占比")}<br>%</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _name(key: str, utilities: Mapping[str, Utility]) -> str:
    return utilities[key].zh if key in utilities else key

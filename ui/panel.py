"""The case panel as HTML: figures, table of lines, what stands in the way.

Every value passes :func:`api.escape.esc`; numbers are formatted here and nowhere else.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from gettext import gettext as _
from typing import Any

from api.escape import esc
from layers.utilities import Utility
from ui import words
from ui.case_drawing import recommended

_TINTS = {
    "commitment": "good", "commitment_filing": "filing", "not_required": "good",
    "ordinary_approval": "bad", "blocked": "bad", "undetermined": "open", "not_covered": "none",
}
_STRICTEST_FIRST = ["not_covered", "blocked", "ordinary_approval", "undetermined", "commitment",
                    "commitment_filing", "not_required"]


def metres(value: float | None) -> str:
    """Two decimals, as letters print it; a dash for what is unknown."""
    return "—" if value is None else f"{value:,.2f}"


def money(value: float | None) -> str:
    """Yuan in units of ten thousand, two decimals."""
    return "—" if value is None else f"{value / 10000:,.2f}"


def verdict_of(item: Mapping[str, Any], *, joint: bool) -> Mapping[str, Any] | None:
    """The verdict of one line that counts in this view; the separate one if there is no other."""
    verdicts = item.get("verdict") or {}
    return (verdicts.get("joint") if joint else None) or verdicts.get("alone")


def chip(outcome: str) -> str:
    """A verdict as a word on a tint."""
    word = words.OUTCOMES.get(outcome, outcome)
    return f'<span class="tg-chip tg-{_TINTS.get(outcome, "none")}">{esc(word)}</span>'


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
    return (f'<img class="{css_class}" alt="{esc(alternative)}"'
            f' src="data:image/svg+xml;base64,{encoded}">')


def heading(plan: Mapping[str, Any], title: str, *, default_demand: bool) -> str:
    """Name of the case with its parcel, land use and area."""
    parcel = plan["parcel"]
    land_use = words.LAND_USES.get(parcel.get("land_use") or "", _("用途未知"))
    area = parcel.get("area_m2")
    size = _("面积未知") if area is None else f"{area:,.0f} m²"
    facts = " · ".join(filter(None, [
        _("宗地") + " " + esc(plan["parcel_id"]), esc(parcel.get("name")), esc(land_use), size,
        _("计划开挖") + " " + esc(plan["dig_date"]),
    ]))
    mark = ""
    if default_demand:
        mark = '<p class="tg-mark">' + _("此宗地没有报装申请,按用地性质的默认需求试算,不作为判定。") + "</p>"
    return f'<h2 class="tg-title">{esc(title)}</h2><p class="tg-facts">{facts}</p>{mark}'


def figures(plan: Mapping[str, Any], *, joint: bool) -> str:
    """Three figures: lines that qualify, metres shared, saving against separate digs."""
    wanted = [item for item in plan["utilities"] if item["status"] != "not_requested"]
    verdicts = [verdict_of(item, joint=joint) for item in wanted]
    qualify = sum(1 for verdict in verdicts if verdict and verdict["outcome"] in words.QUALIFYING)
    shared = plan.get("joint")
    length = f'{shared["shared_length_m"]:,.1f}<small> m</small>' if shared else "—"
    saving = f'{100 * shared["saving_share"]:.0f}<small> %</small>' if shared else "—"
    tiles = [
        (_("可承诺、备案或免批"), f'{qualify}<small> / {len(wanted)} {_("项")}</small>'),
        (_("共沟长度"), length),
        (_("比各自开挖节省"), saving),
    ]
    return '<div class="tg-figures">' + "".join(
        f"<div><span>{name}</span><b>{value}</b></div>" for name, value in tiles
    ) + "</div>"


def lines_table(
    plan: Mapping[str, Any], utilities: Mapping[str, Utility], *, joint: bool, chosen: str | None
) -> str:
    """One row per requested line with its size, measures and verdict."""
    heads = "".join([
        f'<th>{_("专业")}</th><th>{_("规格")}</th>',
        f'<th class="n">{_("外线长度")}<br>m</th>',
        f'<th class="n">{_("穿路")}<br>{_("次")} / m</th>',
        f'<th class="n">{_("绿化")}<br>m²</th><th>{_("判定")}</th>',
    ])
    rows = [
        _line_row(item, utilities[item["utility"]], joint=joint, chosen=item["utility"] == chosen)
        for item in _in_order(plan, utilities)
    ]
    return (f'<table class="tg-lines"><thead><tr>{heads}</tr></thead>'
            f'<tbody>{"".join(rows)}</tbody></table>')


def obstacles(
    plan: Mapping[str, Any], utilities: Mapping[str, Utility], *, joint: bool
) -> str:
    """What stands in the way: one sentence per line that does not qualify, and warnings."""
    notes = []
    for item in _in_order(plan, utilities):
        name = esc(utilities[item["utility"]].zh)
        if item["verdict"].get("made_worse_by_sharing"):
            notes.append(_note("warn", name + _("因共沟而变差"), _worse(item)))
        verdict = verdict_of(item, joint=joint)
        if item["status"] == "routed" and verdict and verdict["outcome"] not in words.QUALIFYING:
            notes.append(_note("warn", name, _grounds(verdict)))
        elif item["status"] == "unroutable":
            notes.append(_note("none", name + _("无法接入"), _unroutable(item)))
    return "".join(notes)


def questions(plan: Mapping[str, Any], utilities: Mapping[str, Utility]) -> str:
    """What is unknown and would settle verdicts: one question per road, layer or main."""
    asked = plan.get("questions") or []
    if not asked:
        return ""
    rows = []
    for question in asked:
        subject = words.SUBJECTS.get(question["subject_kind"], question["subject_kind"])
        names = "、".join(
            utilities[key].zh if key in utilities else key for key in question["utilities"]
        )
        rows.append(
            f'<li><b>{esc(subject)} {esc(question["subject_id"])}</b>:'
            f'{esc(words.input_words(question["field"]))}'
            f' <span class="tg-soft">{_("影响")} {esc(names)}</span></li>'
        )
    return (f'<h3>{_("待查明")}<small>{_("答一次,各案通用")}</small></h3>'
            f'<ul class="tg-questions">{"".join(rows)}</ul>')


def _in_order(
    plan: Mapping[str, Any], utilities: Mapping[str, Utility]
) -> list[Mapping[str, Any]]:
    order = list(utilities)
    wanted = [item for item in plan["utilities"] if item["status"] != "not_requested"]
    return sorted(wanted, key=lambda item: order.index(item["utility"]))


def _line_row(item: Mapping[str, Any], utility: Utility, *, joint: bool, chosen: bool) -> str:
    name = f'<td class="tg-name">{swatch(utility)}{esc(utility.zh)}</td>'
    label = esc((item.get("pipe") or {}).get("label")) or "—"
    open_row = '<tr class="tg-chosen">' if chosen else "<tr>"
    if item["status"] != "routed":
        why = esc(words.REASONS.get(item.get("reason") or "", item.get("reason") or _("无路由")))
        word = f'<span class="tg-chip tg-none">{_("无法接入")}</span>'
        return (f'{open_row}{name}<td>{label}</td><td colspan="3" class="tg-soft">{why}</td>'
                f"<td>{word}</td></tr>")
    route, verdict = recommended(item), verdict_of(item, joint=joint)
    crossings = f'{route["crossing_count"]} / {route["crossing_kerb_m"]:.1f}'
    word = chip(verdict["outcome"]) if verdict else "—"
    close = verdict and verdict.get("certainty") == "too_close"
    return (
        f'{open_row}{name}<td>{label}</td><td class="n">{metres(route["length_m"])}</td>'
        f'<td class="n">{crossings}</td><td class="n">{metres(route["green_m2"])}</td>'
        f'<td>{word}{"<i>±</i>" if close else ""}</td></tr>'
    )


def _note(tone: str, head: str, text: str) -> str:
    return f'<p class="tg-note-{tone}"><b>{head}</b> {text}</p>'


def _grounds(verdict: Mapping[str, Any]) -> str:
    """The first failed, else the first unknown ground, in one sentence."""
    findings = verdict.get("findings") or []
    failed = [one for one in findings if one["status"] == "failed" and one["kind"] != "advisory"]
    unknown = [one for one in findings if one["status"] == "unknown"]
    if failed and verdict["outcome"] != "undetermined":
        one = failed[0]
        gap = _gap(one)
        return (f'{chip(verdict["outcome"])} {esc(one.get("ref"))}{_quote(one)}'
                f'{esc(words.input_words(one["input"]))} {esc(words.value_words(one["value"]))}{gap}')
    names = "、".join(dict.fromkeys(words.input_words(one["input"]) for one in unknown))
    favour = verdict.get("otherwise")
    hope = f'{_(";查明后最好可为")} {chip(favour)}' if favour else ""
    return f'{chip(verdict["outcome"])} {_("未知:")}{esc(names or _("见下表"))}{hope}'


def _gap(finding: Mapping[str, Any]) -> str:
    margin = finding.get("margin")
    if not isinstance(margin, (int, float)) or isinstance(margin, bool):
        return ""
    unit = words.INPUTS.get(finding["input"], ("", ""))[1]
    return f' <b>{_("超出")} {words.value_words(abs(margin))} {esc(unit)}</b>'


def _quote(finding: Mapping[str, Any]) -> str:
    return f'「{esc(finding["quote"])}」' if finding.get("quote") else " "


def _worse(item: Mapping[str, Any]) -> str:
    alone, joint = item["verdict"].get("alone"), item["verdict"].get("joint")
    if not alone or not joint:
        return ""
    return (f'{_("单独敷设")} {chip(alone["outcome"])},{_("共沟")} {chip(joint["outcome"])}。'
            f'{_("共沟段绿化按全部面积计入每个成员。")}')


def _unroutable(item: Mapping[str, Any]) -> str:
    why = esc(words.REASONS.get(item.get("reason") or "", item.get("reason") or ""))
    gap = item.get("gap_m")
    return why + (f'{_(",间隔")} {metres(gap)} m' if gap is not None else "")


def strictest(outcomes: Sequence[str]) -> str | None:
    """The strictest of several outcomes, in the order of the rules."""
    known = [one for one in _STRICTEST_FIRST if one in outcomes]
    return known[0] if known else None

"""Which routes there are for one line, what qualifying costs, and what would make a line eligible.

Map, table and chart name a route by the same letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.escape import esc
from language import gettext as _
from language import said
from ui import words
from ui.clearances import short
from ui.feeds import counted, counted_length
from ui.grounds import cannot_be_laid, chip
from ui.limits import crossing_figure, limit_of
from ui.numbers import metres, money, signed
from ui.panel import picture
from ui.route_choice import Choice, choices
from ui.surroundings import faults_of_drawn
from ui.view import Json, View
from ui.words import head

_AXIS_WORDS = said(
    {
        "length_m": "长度 m",
        "green_m2": "绿化 m²",
        "crossing_kerb_m": "穿路(路缘石之间)m",
        "crossing_red_line_m": "穿路(道路红线之间)m",
    }
)
_WIDTH, _HEIGHT = 230, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 12, 12, 26


def comparison(view: View, line: Json) -> str:
    """Routes side by side, the chart, and what qualifying costs; empty for a single route."""
    found = choices(view, line)
    table = _table(view, line, found) if len(found) > 1 else ""
    body = _price(line) + table + _charts(view, line, found)
    return f"<h3>{_('走向比选')}</h3>{body}{_looked_at(line)}" if body else ""


def _looked_at(line: Json) -> str:
    """Among what other courses were looked for, and whether all of them were found."""
    among = line.get("compared")
    if not among:
        return ""
    found = _("在 {} m 以内的走向中比选")
    proven = _("已搜完") if among["alternatives_proven"] else _("未搜完,可能还有其他走向")
    told = _(",").join([found.format(metres(among["longest_m"])), proven])
    return f'<p class="tg-soft">{told}</p>'


def eligibility(view: View, line: Json) -> str:
    """Why no route qualifies, with its proof, and the computed changes that would make one.

    Where the plan covers no such line there is nothing to prove: the verdict has said it.
    """
    verdict = view.verdict(line)
    covered = verdict is None or verdict["outcome"] != "not_covered"
    certificate = line.get("certificate") if covered else None
    proof = f'<p class="tg-note-none">{esc(head(certificate["text"]))}</p>' if certificate else ""
    return proof + _remedies(view, line.get("remedies") or [])


def _remedies(view: View, found: Sequence[Json]) -> str:
    """Changes that alone make the line qualify, and apart from them those that do not."""
    cures = [one for one in found if one["qualifies"]]
    steps = [one for one in found if not one["qualifies"]]
    alone = _("单做一项即符合") if cures else _("没有单做一项即符合的办法")
    parts = [f"<h3>{_('怎样才能符合')}<small>{alone}</small></h3>" if found else ""]
    parts += [_list_of(view, cures)]
    if steps:
        parts += [f"<h4>{_('单做还不够')}</h4>", _list_of(view, steps)]
    return "".join(parts)


def _list_of(view: View, found: Sequence[Json]) -> str:
    rows = "".join(_remedy(view, one) for one in found)
    return f'<ul class="tg-questions">{rows}</ul>' if rows else ""


def _price(line: Json) -> str:
    price = line.get("qualifying_price")
    return f'<p class="tg-note-none">{esc(head(price["text"]))}</p>' if price else ""


def _remedy(view: View, one: Json) -> str:
    """One change: what it does to the measure, what it costs, and what the verdict becomes."""
    if one["kind"] == "answer":  # the text tells every answer with its outcome
        return f"<li>{esc(head(one['text']))}{_left(view, one)}</li>"
    unit = view.words.unit(one["input"]) if one.get("input") else ""
    figures = ""
    if one.get("value_after") is not None:
        before = words.value(one.get("value_before"), unit)
        figures = (
            f" {esc(before)} → <b>{esc(words.value(one['value_after'], unit))}</b> {esc(unit)}"
        )
        if one.get("limit") is not None:
            bound = [f"{_('限值')} {esc(words.value(one['limit']))}"]
            if one.get("margin") is not None:
                bound.append(f"{_('余')} {esc(words.value(one['margin'], unit))}")
            figures += _("({})").format(_(",").join(bound))
    extra = one.get("extra_yuan")
    cost = "" if extra is None else f" · {signed(extra / 10000)} {_('万元')}"
    outcome = one.get("outcome_after")
    becomes = f" {chip(view, outcome)}" if outcome else ""
    return f"<li>{esc(head(one['text']))}{figures}{cost}{becomes}{_left(view, one)}</li>"


def _left(view: View, one: Json) -> str:
    """What still stands against the line after a change, in words."""
    told = _("、").join(
        f"{view.words.input(each['input'])} {words.status(each)}" for each in one["remaining"]
    )
    return f"<br><small>{_('仍差:')}{esc(told)}</small>" if told else ""


def _table(view: View, line: Json, found: Sequence[Choice]) -> str:
    crossing = crossing_figure(view, line)
    across = _("红线间") if crossing == "crossing_red_line_m" else ""
    heads = (
        f"<th></th><th>{_('走向')}</th>"
        f'<th class="n">{_("长")}<br>m</th><th class="n">{_("穿路")}{across}<br>m</th>'
        f'<th class="n">{_("绿化")}<br>m²</th><th class="n">{_("造价")}<br>{_("万元")}</th>'
        f"<th>{_('判定')}</th>"
    )
    rows = "".join(_row(view, line, one, crossing) for one in found)
    both = any(one.route.get("together") for one in found)
    note = f'<p class="tg-soft">{_("长、穿路、绿化、造价和判定均为两路合计")}</p>' if both else ""
    return (
        f'{note}<table class="tg-small tg-routes"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(view: View, line: Json, one: Choice, crossing: str) -> str:
    """A route with its figures; below its name how many clearances are short."""
    route, outcome = counted(one.route), one.route.get("outcome")
    length_m = counted_length(one.route)[1]
    name = _("、").join(one.names) + (f" {_('(推荐)')}" if one.recommended else "")
    near = short([one.route], uncertain=True)
    if near and one.route.get("together"):
        near = f"{_('第一路')} {near}"
    below = f"<small>{esc(head(near))}</small>" if near else ""
    verdict = chip(view, outcome) if outcome else "—"
    if one.is_drawn and faults_of_drawn(line.get("manual") or {}):
        verdict = cannot_be_laid()
    return (
        f'<tr{" class=tg-chosen" if one.recommended else ""}><td><b class="tg-letter">{one.letter}'
        f"</b></td><td>{esc(name)}{below}</td>"
        f'<td class="n">{metres(length_m)}</td>'
        f'<td class="n">{metres(route[crossing])}</td>'
        f'<td class="n">{metres(route["green_m2"])}</td>'
        f'<td class="n">{money(route["cost_yuan"])}</td>'
        f"<td>{verdict}</td></tr>"
    )


# --- cost against length, green and crossing ----------------------------------------------------


def _charts(view: View, line: Json, found: Sequence[Choice]) -> str:
    """A small chart for every figure in which the routes differ."""
    fronts = line.get("pareto") or {}
    axes = ("length_m", "green_m2", crossing_figure(view, line))
    drawn = [
        chart
        for axis in axes
        if (chart := _chart(axis, fronts.get(axis) or [], found, limit_of(view, line, axis)))
    ]
    if not drawn:
        return ""
    note = _("实心:符合条款;空心:不符合;方块:未定或方案未规定;竖线:限值")
    pictures = "".join(picture(svg, _("造价与各项量算值的取舍"), "tg-pareto") for svg in drawn)
    return f'<div class="tg-charts">{pictures}</div><p class="tg-soft">{note}</p>'


def _chart(
    axis: str, front: Sequence[Json], found: Sequence[Choice], limit: float | None
) -> str | None:
    """SVG of cost against one figure; None where there is nothing to choose between."""
    marks: list[dict[str, Any]] = [
        {"x": one[axis], "y": one["cost_yuan"], "qualifies": one.get("qualifies"), "letter": ""}
        for one in front
        if one.get(axis) is not None
    ]
    marks += [
        {
            "x": counted(one.route)[axis],
            "y": counted(one.route)["cost_yuan"],
            "qualifies": _qualifies(one.route),
            "letter": one.letter,
        }
        for one in found
        if counted(one.route).get(axis) is not None
    ]
    if len({round(one["x"], 2) for one in marks}) < 2:
        return None
    xs = [one["x"] for one in marks] + ([limit] if limit is not None else [])
    ys = [one["y"] for one in marks]
    x_of, y_of = _scale(xs, _LEFT, _WIDTH - _RIGHT), _scale(ys, _HEIGHT - _BOTTOM, _TOP)
    parts = [_frame(axis, xs, ys, x_of, y_of)]
    if limit is not None:
        at = x_of(limit)
        parts.append(
            f'<line x1="{at:.1f}" y1="{_TOP}" x2="{at:.1f}" y2="{_HEIGHT - _BOTTOM}"'
            ' stroke="#9a1c1c" stroke-dasharray="4 3"/>'
        )
    parts += [_mark(one, x_of(one["x"]), y_of(one["y"])) for one in marks]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' font-family="sans-serif" font-size="10" fill="#44525e">{"".join(parts)}</svg>'
    )


def _qualifies(route: Json) -> bool | None:
    """None too where the plan says nothing of such a line."""
    told: bool | None = route["qualifies"]
    return None if route["outcome"] == "not_covered" else told


def _scale(values: Sequence[float], start: float, end: float) -> Any:
    """Values to pixels, with a tenth of air on both sides."""
    low, high = min(values), max(values)
    air = (high - low) * 0.1 or max(abs(high) * 0.05, 1.0)
    low, high = low - air, high + air
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _frame(axis: str, xs: Sequence[float], ys: Sequence[float], x_of: Any, y_of: Any) -> str:
    """Axes with the least and the largest value on each."""
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    ticks = "".join(
        f'<text x="{x_of(value):.1f}" y="{bottom + 11}" text-anchor="middle">{value:.0f}</text>'
        for value in dict.fromkeys((min(xs), max(xs)))
    )
    ticks += "".join(
        f'<text x="{_LEFT - 4}" y="{y_of(value) + 3:.1f}" text-anchor="end">'
        f"{value / 10000:.2f}</text>"
        for value in dict.fromkeys((min(ys), max(ys)))
    )
    return (
        f'<path d="M{_LEFT} {_TOP} V{bottom} H{right}" fill="none" stroke="#b9c4cc"/>{ticks}'
        f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 3}" text-anchor="middle">'
        f"{esc(_AXIS_WORDS[axis])}</text>"
        f'<text x="3" y="9">{esc(_("万元"))}</text>'
    )


def _mark(one: dict[str, Any], x: float, y: float) -> str:
    """A filled disc qualifies, a ring does not, a square is not known; routes bear a letter."""
    fill = {True: "#17602f", False: "#ffffff", None: "#ffe2a8"}[one["qualifies"]]
    edge = {True: "#17602f", False: "#9a1c1c", None: "#a87400"}[one["qualifies"]]
    if one["qualifies"] is None:
        shape = (
            f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{fill}"'
            f' stroke="{edge}" stroke-width="1.6"/>'
        )
    else:
        size = 4.5 if one["letter"] else 2.6
        shape = (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{fill}" stroke="{edge}"'
            ' stroke-width="1.6"/>'
        )
    if not one["letter"]:
        return shape
    return (
        shape + f'<text x="{x + 7:.1f}" y="{y - 4:.1f}" font-weight="bold" fill="#12344d">'
        f"{one['letter']}</text>"
    )

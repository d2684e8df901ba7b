"""Clearances of routes: how many are short, the table of them, and short texts for the map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api.escape import esc
from language import gettext as _
from language import said
from ui import words
from ui.feeds import feed_routes
from ui.numbers import metres
from ui.view import Json, View
from ui.words import head

CLEARANCE = said(
    {
        "fail": "不足",
        "uncertain": "误差之内",
        "unknown": "未知",
        "no_table_value": "表中无值",
        "pass": "足够",
    }
)
MARKED = ("fail", "uncertain")
_TINTS = {"fail": "bad", "uncertain": "open", "unknown": "open", "pass": "good"}
_WEIGHTY = ("fail", "uncertain", "unknown")


def short(routes: Sequence[Json], *, uncertain: bool = False) -> str:
    """How many clearances of routes fail, and may fail too if asked; empty where none does."""
    failing, open_ones = (
        sum(one["clearance_counts"][status] for one in routes) for status in MARKED
    )
    parts = []
    if failing:
        on_it = overlapping(routes)
        told = _("净距不足 {} 处,其中 {} 处重叠") if on_it else _("净距不足 {} 处")
        parts.append(told.format(failing, on_it))
    if uncertain and open_ones:
        parts.append(_("净距未定 {} 处").format(open_ones))
    return " · ".join(parts)


def short_in_row(routes: Sequence[Json]) -> str:
    """The same as HTML for the row of a line: what lies on existing things stands out."""
    told = esc(head(short(routes)))
    return f"<b>{told}</b>" if overlapping(routes) else told


def overlapping(routes: Sequence[Json]) -> int:
    """How many pairs of routes would lie on what is there already."""
    return sum(one.get("overlap_count", 0) for one in routes)


def short_lines(view: View) -> str:
    """A warning of the lines whose routes are too near to something: no verdict speaks of that."""
    routes = {line["utility"]: feed_routes(view, line) for line in view.routed}
    alike: dict[str, list[str]] = {}
    for key, found in routes.items():
        if text := short(found):
            alike.setdefault(text, []).append(view.name(key))
    if not alike:
        return ""
    names = _(";").join(
        f"<b>{esc(_('、').join(who))}</b> {esc(text)}" for text, who in alike.items()
    )
    note = _("。判定不含净距,不足之处须采取措施。")
    if any(map(overlapping, routes.values())):
        note += _("重叠之处压在现状管线或设施上,不能照图敷设:须改线、改埋深或迁改。")
    return f'<p class="tg-note-warn">{names}{note}</p>'


def clearances(found: Sequence[Json], title: str) -> str:
    """Pairs that are too near or may be, in sight; the others folded, counted."""
    found = sorted(found, key=lambda one: list(CLEARANCE).index(one["status"]))
    if not found:
        return ""
    weighty = [one for one in found if one["status"] in _WEIGHTY]
    rest = [one for one in found if one["status"] not in _WEIGHTY]
    shown = _table(weighty) if weighty else f'<p class="tg-soft">{_("没有不足之处。")}</p>'
    folded = (
        f"<details><summary>{_('其余净距')} {len(rest)}</summary>{_table(rest)}</details>"
        if rest
        else ""
    )
    return f"<h3>{title}<small>{_('不足之处须采取措施')}</small></h3>{shown}{folded}"


def clearance_texts(found: Sequence[Json]) -> Iterator[str]:
    """Pairs that fail or may fail, each in a line with its table."""
    for one in found:
        if one["status"] in MARKED:
            yield f"{labelled(one)} {esc(words.source(one.get('source') or ''))}".strip()


def labelled(one: Json) -> str:
    """A pair in one text: its status and what it is."""
    return f"{esc(CLEARANCE[one['status']])}: {esc(one['text'])}"


def _table(found: Sequence[Json]) -> str:
    rows = "".join(_row(one) for one in found)
    return (
        f'<table class="tg-findings"><thead><tr><th>{_("对象")}</th>'
        f'<th class="n">{_("净距")} m</th><th class="n">{_("须")} m</th><th>{_("结论")}</th></tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _row(one: Json) -> str:
    word, tint = CLEARANCE[one["status"]], _TINTS.get(one["status"], "none")
    way = _("交叉") if one["direction"] == "crossing" else _("平行")
    tolerance = one.get("tolerance_m")
    gap = _gap(one["gap_m"]) + (f" ±{metres(tolerance)}" if tolerance else "")
    source = " · ".join(
        esc(part)
        for part in [
            words.source(one.get("source") or ""),
            words.CONFIDENCE.get(one.get("confidence") or "", one.get("confidence")),
        ]
        if part
    )
    # What is kept clear of a road is its kerb, not the centre line that the layer is named by.
    thing = _("路缘石") if one["layer"] == "roads" else words.layer(one["layer"])
    name = f"{thing} {one.get('id') or ''}".strip()
    return (
        f'<tr><td>{esc(head(name))} {way}</td><td class="n">{gap}</td>'
        f'<td class="n">{metres(one.get("required_m"))}</td>'
        f'<td><span class="tg-chip tg-{tint}">{esc(word)}</span></td></tr>'
        f'<tr class="tg-ref"><td colspan="4">{esc(head(one["text"]))}'
        f" <span>{source}</span></td></tr>"
    )


def _gap(gap_m: float | None) -> str:
    """Metres between a pair; of what would lie on each other by how much."""
    if gap_m is None or gap_m > -0.005:
        return metres(gap_m)
    return f"{_('重叠')} {metres(-gap_m)}"

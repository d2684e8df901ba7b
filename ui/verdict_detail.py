"""One line's verdict in full: findings, permits, other readings, certainty."""

from __future__ import annotations

from collections.abc import Mapping
from gettext import gettext as _
from typing import Any

from api.escape import esc
from ui import words
from ui.panel import chip

_STATUS_TINT = {"met": "good", "failed": "bad", "unknown": "open"}


def verdict_detail(verdict: Mapping[str, Any]) -> str:
    """Everything the verdict rests on, as HTML."""
    return "".join([
        _headline(verdict), _findings(verdict), _permits(verdict), _readings(verdict),
        _assumed(verdict),
    ])


def measures_table(item: Mapping[str, Any]) -> str:
    """The measured values of one line with the clause that each belongs to."""
    rows = "".join(
        f'<tr><td>{esc(one.get("words") or words.input_words(one["name"]))}</td>'
        f'<td class="n">{esc(words.value_words(one["value"]))}</td><td>{esc(one.get("unit"))}</td>'
        f'<td class="tg-soft">{esc(one.get("clause"))}</td></tr>'
        for one in item.get("measures") or []
    )
    if not rows:
        return ""
    return (f'<details><summary>{_("量算值")}</summary><table class="tg-small"><thead><tr>'
            f'<th>{_("量")}</th><th class="n">{_("值")}</th><th>{_("单位")}</th>'
            f'<th>{_("条款")}</th></tr></thead><tbody>{rows}</tbody></table></details>')


def _headline(verdict: Mapping[str, Any]) -> str:
    certainty = words.CERTAINTY.get(verdict.get("certainty") or "", verdict.get("certainty"))
    parts = [chip(verdict["outcome"]), f'<span>{_("把握")}:{esc(certainty) or _("未知")}</span>']
    if verdict["outcome"] == "undetermined":
        if verdict.get("otherwise"):
            parts.append(f'<span>{_("如均有利")} {chip(verdict["otherwise"])}</span>')
        possible = "".join(chip(one) for one in verdict.get("possible") or [])
        if possible:
            parts.append(f'<span>{_("可能结果")} {possible}</span>')
    return f'<p class="tg-headline">{"".join(parts)}</p>'


def _findings(verdict: Mapping[str, Any]) -> str:
    findings = [one for one in verdict.get("findings") or [] if one["kind"] != "advisory"]
    advice = [one for one in verdict.get("findings") or [] if one["kind"] == "advisory"]
    rows = "".join(_finding_row(one) for one in findings)
    table = (
        f'<table class="tg-findings"><thead><tr><th>{_("依据")}</th>'
        f'<th class="n">{_("值")}</th><th class="n">{_("限值")}</th>'
        f'<th class="n">{_("余量")}</th><th>{_("结论")}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>" if rows else ""
    )
    return table + "".join(
        f'<p class="tg-note-none"><b>{_("提示")}</b> {esc(one.get("quote") or one.get("id"))}</p>'
        for one in advice if one.get("status") != "met"
    )


def _finding_row(one: Mapping[str, Any]) -> str:
    status = f'<span class="tg-chip tg-{_STATUS_TINT.get(one["status"], "none")}">' \
             f'{esc(words.STATUS.get(one["status"], one["status"]))}</span>'
    comparator = words.COMPARATORS.get(one.get("comparator") or "", one.get("comparator") or "")
    limit = "—" if one.get("limit") is None else f'{comparator} {words.value_words(one["limit"])}'
    margin = "—" if one.get("margin") is None else words.value_words(one["margin"])
    quote = f'<q>{esc(one["quote"])}</q>' if one.get("quote") else ""
    kind = words.KINDS.get(one["kind"], one["kind"])
    confidence = words.CONFIDENCE.get(one.get("confidence") or "", one.get("confidence") or "")
    source = " · ".join(filter(None, [
        esc(kind), esc(one.get("ref")), esc(one.get("source")), esc(confidence)
    ]))
    return (
        f'<tr><td>{esc(words.input_words(one["input"]))}</td>'
        f'<td class="n">{esc(words.value_words(one["value"]))}</td>'
        f'<td class="n">{esc(limit)}</td><td class="n">{esc(margin)}</td><td>{status}</td></tr>'
        f'<tr class="tg-ref"><td colspan="5">{quote}<span>{source}</span></td></tr>'
    )


def _permits(verdict: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><td>{esc(words.PERMITS.get(one["permit"], one["permit"]))}</td>'
        f'<td>{chip(one["outcome"])}</td><td class="tg-soft">{esc(one.get("reason"))}</td></tr>'
        for one in verdict.get("permits") or []
    )
    if not rows:
        return ""
    return f'<h4>{_("涉及许可")}</h4><table class="tg-small"><tbody>{rows}</tbody></table>'


def _readings(verdict: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><td>{esc(one["id"])} = {esc(one["value"])}</td><td>{chip(one["would_be"])}</td></tr>'
        for one in verdict.get("readings") or []
        if one.get("would_be") and one["would_be"] != verdict["outcome"]
    )
    if not rows:
        return ""
    return (f'<h4>{_("条文若作其他理解")}</h4><table class="tg-small"><tbody>{rows}</tbody></table>')


def _assumed(verdict: Mapping[str, Any]) -> str:
    names = "、".join(words.input_words(name) for name in verdict.get("assumed") or [])
    return f'<p class="tg-soft">{_("假定不触发:")}{esc(names)}</p>' if names else ""

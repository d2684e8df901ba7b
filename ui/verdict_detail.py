"""One line's verdict in full: findings, permits, other readings, certainty, measures."""

from __future__ import annotations

from collections.abc import Mapping

from api.escape import esc
from language import gettext as _
from ui import words
from ui.course import course
from ui.feeds import counted, feed_routes, feeds
from ui.grounds import chip, cited, excepted_permits
from ui.numbers import metres
from ui.tracing import measure_pointer, pointer, traced
from ui.view import Json, View
from ui.words import head

_TINTS = {
    ("not_required", "met"): "none",
    ("not_required", "failed"): "none",
    ("guard", "met"): "none",
    ("scope", "failed"): "none",
    ("advisory", "failed"): "open",
}
_STATUS_TINTS = {"met": "good", "failed": "bad", "unknown": "open"}


def verdict_detail(view: View, line: Json) -> str:
    """Everything that the verdict of one line rests on, as HTML."""
    verdict = view.verdict(line)
    head = f"<h3>{esc(view.name(line['utility']))}{_('的判定依据')}</h3>"
    if verdict is None:
        return head + f'<p class="tg-soft">{_("没有判定。")}</p>' + _measures(view, line)
    return head + "".join(
        [
            _headline(view, verdict),
            _joined(view, line),
            _courses(view, line),
            _findings(view, line, verdict),
            _permits(view, verdict),
            _readings(view, verdict),
            _measures(view, line),
            _assumed(view, verdict),
        ]
    )


def _headline(view: View, verdict: Json) -> str:
    certainty = words.CERTAINTY.get(verdict.get("certainty") or "", verdict.get("certainty"))
    parts = [
        chip(view, verdict["outcome"]),
        f"<span>{_('把握:')}{esc(certainty or _('未知'))}</span>",
    ]
    possible = f" {_('或')} ".join(chip(view, one) for one in verdict.get("possible") or [])
    if verdict["outcome"] == "undetermined" and possible:
        parts.append(f"<span>{_('查明后可能为')} {possible}</span>")
    firm = _firm_means() if verdict.get("certainty") == "firm" else ""
    return f'<p class="tg-headline">{"".join(parts)}</p>{firm}'


def _firm_means() -> str:
    """What the word leaves out."""
    told = _(
        "「确定」已计入测量误差:近旁的树木、绿化、道路红线和服务范围边线,"
        "误差内可能触及即不为确定;未注明位置精度的按口述资料计。已触及的按图层所绘认定。"
    )
    return f'<p class="tg-soft">{told}</p>'


def _joined(view: View, line: Json) -> str:
    """Where the line joins the network and which roads it crosses; each feed of two by itself."""
    routes = feed_routes(view, line)
    told = [
        "; ".join([" ".join(filter(None, [name, _tie_in(route)])), *_crossed(view, route)])
        for name, route in zip(_feed_names(len(routes)), routes, strict=True)
    ]
    told += [part for part in (*feeds(view, line), _inside(line)) if part]
    return f'<p class="tg-soft">{"<br>".join(map(esc, told))}</p>'


def _tie_in(route: Json) -> str:
    """Where a route joins the network."""
    tie_in = route["tie_in"]
    node = tie_in.get("node_id")
    place = f"{_('管线点')} {node}" if node else f"{_('管线')} {tie_in.get('line_id')}"
    return f"{_('接入')} {place}"


def _crossed(view: View, route: Json) -> list[str]:
    """The roads that a route crosses, from kerb to kerb and from red line to red line."""
    return [
        f"{_('穿')} {view.road(one['road_id'])} {metres(one['kerb_m'])} m"
        + _("({})").format(f"{_('道路红线之间')} {metres(one['red_line_m'])} m")
        for one in route["crossings"]
    ]


def _courses(view: View, line: Json) -> str:
    """The pieces of the route, or of each of two feeds."""
    routes = feed_routes(view, line)
    return "".join(
        course(view, line, route, name)
        for route, name in zip(routes, _feed_names(len(routes)), strict=True)
    )


def _feed_names(feeds: int) -> list[str]:
    return [_("第一路"), _("第二路")] if feeds > 1 else [""]


def _inside(line: Json) -> str:
    """Where the line is handed over inside the red line, and how far that is."""
    end = line.get("handover")
    if not end or end["kind"] == "red_line":
        return ""
    length = end["length_inside_m"]
    far = _("红线内长度未知") if length is None else _("红线内 {} m").format(metres(length))
    place = words.HANDOVERS.get(end["kind"], end["kind"])
    return f"{_('交接点')} {place}" + _("({})").format(far)


def _findings(view: View, line: Json, verdict: Json) -> str:
    """What decides stands in sight; what was checked and does not matter folds away."""
    findings = sorted(verdict["findings"], key=lambda one: one["kind"] != "condition")
    excepted = {one["permit"]: one for one in excepted_permits(view, verdict)}
    findings.sort(key=lambda one: not _decides(one, excepted))
    weighty = [
        one
        for one in findings
        if one["kind"] == "condition" or _matters(one) or _decides(one, excepted)
    ]
    rest = [one for one in findings if one not in weighty]
    folded = ""
    if rest:
        folded = (
            f"<details><summary>{_('其余已核对的依据')} {len(rest)}</summary>"
            f"{_findings_table(view, line, rest, {})}</details>"
        )
    return (_findings_table(view, line, weighty, excepted) if weighty else "") + folded


def _decides(finding: Json, excepted: Mapping[str, Json]) -> bool:
    """Whether a finding tells that a permit is needed which the clause leaves out."""
    return finding["kind"] == "not_required" and finding["id"] in excepted


def _matters(finding: Json) -> bool:
    """Tell whether a finding other than a condition shapes the verdict."""
    if finding["kind"] == "not_required":
        return bool(finding["status"] == "unknown")
    return bool(finding["status"] != "met")


def _findings_table(
    view: View, line: Json, findings: list[Json], excepted: Mapping[str, Json]
) -> str:
    rows = "".join(
        _finding_row(view, line, one, excepted[one["id"]] if _decides(one, excepted) else None)
        for one in findings
    )
    return (
        f'<table class="tg-findings"><thead><tr><th>{_("依据")}</th>'
        f'<th class="n">{_("值")}</th><th class="n">{head(_("限值"))}</th>'
        f'<th class="n">{_("余量")}</th><th>{_("结论")}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _finding_row(view: View, line: Json, one: Json, permit: Json | None) -> str:
    """A finding; with the permit that it makes needed, where that decides the verdict."""
    tint = _TINTS.get((one["kind"], one["status"])) or _STATUS_TINTS.get(one["status"], "none")
    named = one.get("input") is not None
    unit = view.words.unit(one["input"]) if named else ""
    source = " · ".join(
        esc(part)
        for part in [
            words.KINDS.get(one["kind"], one["kind"]),
            one.get("ref"),
            words.CONFIDENCE.get(one.get("confidence") or "", one.get("confidence")),
        ]
        if part
    )
    name = view.words.input(one["input"]) if named else _("条文无量化条件")
    value = esc(words.value(one["value"], unit)) if named else "—"
    if named:
        value = traced(view, _place_of(view, line, one["input"]), value)
        value += _interval(view, line, one["input"], unit)
    conclusion = f'<span class="tg-chip tg-{tint}">{esc(words.status(one))}</span>'
    told = cited(one)
    if permit is not None:
        conclusion, told = chip(view, permit["outcome"]), esc(permit.get("reason"))
    return (
        f'<tr><td>{esc(head(name))} {esc(unit)}</td><td class="n">{value}</td>'
        f'<td class="n">{esc(words.limit(one))}</td>'
        f'<td class="n">{esc(words.margin(one, unit))}</td>'
        f"<td>{conclusion}</td></tr>"
        f'<tr class="tg-ref"><td colspan="5">{told} <span>{source}</span></td></tr>'
    )


def _place_of(view: View, line: Json, name: str) -> str | None:
    """JSON pointer of a measure of the route that counts in this view; None for a fact."""
    if view.route(line) is not line.get("shared_route"):
        return measure_pointer(view, line, name)
    steps = ("together", "measures") if line["shared_route"].get("together") else ("measures",)
    known = name in counted(line["shared_route"])["measures"]
    return pointer(view, line, "shared_route", *steps, name) if known else None


def _interval(view: View, line: Json, name: str, unit: str) -> str:
    """How far a measure may lie off, below its value; nothing where it cannot.

    Known of the recommended route only.
    """
    if view.route(line) is line.get("shared_route"):
        return ""
    known = (line.get("intervals") or {}).get(name)
    if not known or known.get("low") is None or known["low"] == known.get("high"):
        return ""
    low, high = (esc(words.value(known[key], unit)) for key in ("low", "high"))
    return f'<br><span class="tg-soft">{low}–{high}</span>'


def _permits(view: View, verdict: Json) -> str:
    rows = "".join(
        f"<tr><td>{esc(head(view.words.permit(one['permit'])))}</td>"
        f"<td>{chip(view, one['outcome'])}</td>"
        f'<td class="tg-soft">{esc(one.get("reason"))}</td></tr>'
        for one in verdict.get("permits") or []
    )
    return _small_table(_("涉及许可"), rows)


def _readings(view: View, verdict: Json) -> str:
    rows = ""
    for one in verdict.get("readings") or []:
        if one.get("would_be") and one["would_be"] != verdict["outcome"]:
            quote, reading = view.words.reading(one["id"], one["value"])
            rows += (
                f"<tr><td>{_('「{}」').format(esc(quote))}<br>"
                f'<span class="tg-soft">{esc(reading)}</span></td>'
                f"<td>{chip(view, one['would_be'])}</td></tr>"
            )
    return _small_table(_("条文若按其他口径"), rows)


def _measures(view: View, line: Json) -> str:
    rows = "".join(
        f"<tr><td>{esc(head(view.words.input(one['name'])))}</td>"
        f'<td class="n">{_measured(view, line, one)}</td>'
        f"<td>{esc(words.unit(one.get('unit')))}</td></tr>"
        for one in line.get("measures") or []
    )
    if not rows:
        return ""
    return (
        f'<details><summary>{_("全部量算值")}</summary><table class="tg-small"><thead><tr>'
        f'<th>{_("量")}</th><th class="n">{_("值")}</th><th>{_("单位")}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></details>"
    )


def _measured(view: View, line: Json, one: Json) -> str:
    """A measure of the route that counts in this view."""
    measures = counted(view.route(line))["measures"] if line["status"] == "routed" else {}
    value = measures.get(one["name"], one["value"])
    text = esc(words.value(value, words.unit(one.get("unit"))))
    return traced(view, _place_of(view, line, one["name"]), text)


def _assumed(view: View, verdict: Json) -> str:
    names = _("、").join(view.words.input(name) for name in verdict.get("assumed") or [])
    return f'<p class="tg-soft">{_("无记录,视为不触发:")}{esc(names)}</p>' if names else ""


def _small_table(head: str, rows: str) -> str:
    if not rows:
        return ""
    return f'<h4>{head}</h4><table class="tg-small"><tbody>{rows}</tbody></table>'

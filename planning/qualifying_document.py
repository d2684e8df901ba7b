"""Why no route qualifies, and what qualifying costs, as plain values with words for the reader."""

from __future__ import annotations

from typing import Any

from planning.both_feeds import BothFeeds
from planning.comparisons import printed
from planning.external_lines import ExternalLine
from planning.judged_routes import Route
from planning.policy_model import Policy
from planning.route_pieces import Reason
from planning.texts import gettext as _
from planning.verdicts import Verdict


def certificate_of(line: ExternalLine, policy: Policy) -> dict[str, Any] | None:
    """Why no route qualifies; None where one does or may, or where there is no route at all."""
    found = line.qualifying
    if found is None or line.qualifying_route in ("found", "open"):
        return None
    reason = found.reason
    if reason is None:
        return None
    return {
        "kind": reason.kind,
        "input": reason.input,
        "least": reason.least,
        "limit": reason.limit,
        "text": _certificate_text(reason, policy, of_two=line.both is not None),
    }


def _certificate_text(reason: Reason, policy: Policy, *, of_two: bool) -> str:
    """Why no route, or of two feeds no pair of routes, qualifies."""
    known = policy.inputs.get(reason.input or "")
    name, unit = (known.zh, known.unit or "") if known else ("", "")
    least, limit = (printed(value, policy.round_to) for value in (reason.least, reason.limit))
    words = _fixed_words(reason, least, limit)
    if words is None:
        words = (_words_of_two if of_two else _words_of_one)(reason.kind)
    return words.format(name=name, least=least, limit=limit, unit=unit)


def _fixed_words(reason: Reason, least: str | None, limit: str | None) -> str | None:
    """Words for what no route can change and for feeds that are not told; None for others."""
    if reason.kind in ("demand", "site") and least and limit:
        return _("{name} {least} {unit},上限 {limit} {unit},换路由不能改变")
    if reason.kind in ("demand", "site"):
        return _("{name}不符合条件,换路由不能改变")
    if reason.kind == "milder":
        return _("按政策,管线变长时“{name}”一项可能反而有利,没有找到符合条件的路由,尚未证明没有")
    if reason.kind == "source_unknown":
        return _("已知分属不同管线的两路都不符合条件,但附近有接入点没有写明所在管线,尚未证明没有")
    return None


def _words_of_one(kind: str) -> str:
    if kind == "cap":
        return _("沿走廊的任何路由的{name}至少 {least} {unit},超过 {limit} {unit}")
    if kind == "together":
        return _("各项条件单独可以满足,沿走廊没有一条路由同时满足")
    if kind == "no_path":
        return _("沿走廊的所有路由都要经过不符合条件的地段")
    if kind == "spared":
        return _("避开古树名木保护范围和保护绿地的路由都不符合条件,其余路由没有搜索")
    return _("搜索到上限为止没有找到符合条件的路由,尚未证明没有")


def _words_of_two(kind: str) -> str:
    if kind == "cap":
        return _("任何两路合计的{name}至少 {least} {unit},超过 {limit} {unit}")
    if kind == "together":
        return _("没有两路合计起来同时满足各项条件")
    if kind == "no_path":
        return _("从两条不同管线接入的路由至少有一路要经过不符合条件的地段")
    if kind == "spared":
        return _("避开古树名木保护范围和保护绿地的两路都不符合条件,其余两路组合没有搜索")
    return _("搜索到上限为止没有找到合计符合条件的两路,尚未证明没有")


def qualifying_price(line: ExternalLine, policy: Policy) -> dict[str, Any] | None:
    """What the cheapest that qualifies costs more than the cheapest; None if that does.

    Of two feeds it is what the two cost together more than the cheapest two.
    """
    if line.recommended != "qualifying":
        return None
    chosen: Route | BothFeeds = line.routes["qualifying"]
    cheapest: Route | BothFeeds = line.routes["cheapest"]
    words = _("多花 {yuan:.0f} 元、多走 {metres} 米,{before}变为{after}")
    if line.second is not None and line.second.both and line.second.cheapest:
        chosen, cheapest = line.second.both, line.second.cheapest
        words = _("两路合计多花 {yuan:.0f} 元、多走 {metres} 米,{before}变为{after}")
    extra = {
        name: chosen.figures[figure] - cheapest.figures[figure]
        for name, figure in (("extra_yuan", "cost_yuan"), ("extra_m", "length_m"))
    }
    text = words.format(
        yuan=extra["extra_yuan"],
        metres=printed(extra["extra_m"], policy.round_to),
        before=_outcomes(cheapest.verdict, policy),
        after=_outcomes(chosen.verdict, policy),
    )
    return {**extra, "text": text}


def _outcomes(verdict: Verdict, policy: Policy) -> str:
    """Every outcome that can still result, in words."""
    return _("或").join(policy.outcomes[outcome] for outcome in verdict.possible)

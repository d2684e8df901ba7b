"""Why no route qualifies, and what qualifying costs, as plain values with words for the reader."""

from __future__ import annotations

from typing import Any

from planning.comparisons import printed
from planning.external_lines import ExternalLine
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
    if line.both is not None and line.qualifying_route == "not_proven":
        reason = Reason("second_feed")
    if reason is None:
        return None
    return {
        "kind": reason.kind,
        "input": reason.input,
        "least": reason.least,
        "limit": reason.limit,
        "text": _certificate_text(reason, policy),
    }


def _certificate_text(reason: Reason, policy: Policy) -> str:
    known = policy.inputs.get(reason.input or "")
    name, unit = (known.zh, known.unit or "") if known else ("", "")
    least, limit = (printed(value, policy.round_to) for value in (reason.least, reason.limit))
    if reason.kind == "cap":
        words = _("任何路由的{name}至少 {least} {unit},超过 {limit} {unit}")
    elif reason.kind in ("demand", "site") and least and limit:
        words = _("{name} {least} {unit},上限 {limit} {unit},换路由不能改变")
    elif reason.kind in ("demand", "site"):
        words = _("{name}不符合条件,换路由不能改变")
    elif reason.kind == "together":
        words = _("各项条件单独可以满足,没有一条路由同时满足")
    elif reason.kind == "no_path":
        words = _("所有路由都要经过不符合条件的地段")
    elif reason.kind == "spared":
        words = _("避开古树名木保护范围和保护绿地的路由都不符合条件,其余路由没有搜索")
    elif reason.kind == "second_feed":
        words = _("最省的两路合计不符合条件,其余的两路组合没有搜索,尚未证明没有")
    else:
        words = _("搜索到上限为止没有找到符合条件的路由,尚未证明没有")
    return words.format(name=name, least=least, limit=limit, unit=unit)


def qualifying_price(line: ExternalLine, policy: Policy) -> dict[str, Any] | None:
    """What the cheapest route that qualifies costs more than the cheapest; None if that does."""
    if line.recommended != "qualifying":
        return None
    chosen, cheapest = line.routes["qualifying"], line.routes["cheapest"]
    extra = {
        name: chosen.figures[figure] - cheapest.figures[figure]
        for name, figure in (("extra_yuan", "cost_yuan"), ("extra_m", "length_m"))
    }
    words = _("多花 {yuan:.0f} 元、多走 {metres} 米,{before}变为{after}")
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

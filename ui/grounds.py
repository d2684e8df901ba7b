"""What a verdict hangs on: the ground that decides, in one line or in one sentence, as HTML."""

from __future__ import annotations

from collections.abc import Iterator

from api.escape import esc
from language import gettext as _
from ui import words
from ui.view import Json, View
from ui.words import head

_TINTS = {
    "commitment": "good",
    "commitment_filing": "filing",
    "not_required": "good",
    "ordinary_approval": "bad",
    "blocked": "bad",
    "undetermined": "open",
    "not_covered": "none",
}


def chip(view: View, outcome: str) -> str:
    """A verdict as a word on a tint."""
    word = view.words.outcome(outcome)
    return f'<span class="tg-chip tg-{_TINTS.get(outcome, "none")}">{esc(word)}</span>'


def cannot_be_laid() -> str:
    """What stands in the place of a verdict on a drawn line that lies where none may lie."""
    return f'<span class="tg-chip tg-bad">{head(_("不能照此敷设"))}</span>'


_NUMERIC = ("at_most", "at_least", "below", "above")


def deciding(view: View, verdict: Json) -> str:
    """The ground that a verdict hangs on: value, limit and room left; empty without one.

    What failed decides: what the plan does not cover, a bar, the limit missed by most, or else a
    permit that the clause leaves out. Of a line
    that qualifies it is the limit kept by least, in parts of it; an open verdict hangs on what is
    unknown, and one that needs no permit on no limit.
    """
    if verdict["outcome"] in ("undetermined", "not_required"):
        return ""
    excepted = excepted_permits(view, verdict)
    if excepted:
        return _(";").join(_excepted(view, one) for one in excepted)
    failed = list(failures(view, verdict))
    if words.qualifies(verdict):  # another way to meet the clause that is met may fail
        failed = [one for one in failed if one.get("ref") != verdict["clause"]]
    bounds = [one for one in failed or _kept(verdict) if _is_bounded(one)]
    if failed and failed[0]["kind"] != "condition":
        return _bar(view, failed[0])
    if bounds:
        one = min(bounds, key=lambda each: each["margin"] / abs(each["limit"]))
        return _bound(view, one)
    return _bar(view, failed[0]) if failed else ""


def failures(view: View, verdict: Json) -> Iterator[Json]:
    """Failed findings that made an outcome what it is, the weightiest first.

    A bar of another outcome than the verdict's did not make it, whatever it forbids.
    """
    bars = {one.id: one.outcome for one in view.words.policy.guards}
    failed = [one for one in verdict["findings"] if one["status"] == "failed"]
    yield from (one for one in failed if one["kind"] == "scope")
    for one in failed:
        if one["kind"] == "guard" and bars.get(one["id"]) in (None, verdict["outcome"]):
            yield one
    yield from (one for one in failed if one["kind"] == "condition")


def excepted_permits(view: View, verdict: Json) -> list[Json]:
    """Permits that decide though every condition of the clause is met: it does not cover them.

    A failed condition of another clause than the verdict's did not make the outcome.
    """
    if words.qualifies(verdict) or verdict["outcome"] == "undetermined":
        return []
    for one in failures(view, verdict):
        if one["kind"] != "condition" or one["ref"] == verdict["clause"]:
            return []
    left_out = {
        permit
        for rules in view.words.policy.rules.values()
        for clause in rules.clauses
        if clause.ref == verdict["clause"]
        for permit in clause.permit_exception
    }
    return [
        one
        for one in verdict.get("permits") or []
        if one["permit"] in left_out and one["outcome"] == verdict["outcome"]
    ]


def _excepted(view: View, permit: Json) -> str:
    """A permit that decides, what it needs, and why."""
    name = esc(head(view.words.permit(permit["permit"])))
    needs = _("须{}").format(esc(view.words.outcome(permit["outcome"])))
    return f"{name} · <b>{needs}</b> {esc(permit.get('reason'))}"


def _kept(verdict: Json) -> list[Json]:
    found = verdict["findings"]
    return [one for one in found if one["kind"] == "condition" and one["status"] == "met"]


def _is_bounded(one: Json) -> bool:
    """Whether a finding tells how far a number lies from its limit."""
    return bool(
        one.get("comparator") in _NUMERIC and one.get("margin") is not None and one.get("limit")
    )


def _bound(view: View, one: Json) -> str:
    """A number, its limit and the room left."""
    unit = view.words.unit(one["input"])
    room = words.value(abs(one["margin"]), unit)
    left = f"<b>{_('超出')} {room}</b>" if one["status"] == "failed" else f"{_('余')} {room}"
    return (
        f"{esc(head(view.words.input(one['input'])))} {_measured(one, unit)} · "
        f"{_('限值')} {esc(words.limit(one))} · {left}"
    )


def _bar(view: View, one: Json) -> str:
    """What decides without a measure: a fact, what it does, and the clause."""
    name, unit = view.words.input(one["input"]), view.words.unit(one["input"])
    told = f"{esc(head(name))} {_measured(one, unit)}"
    if one["kind"] == "scope":  # no fault of the line
        return f"{told} · {_verb(one)}{esc(one['ref'])}"
    return f"{told} · <b>{_verb(one)}</b> {esc(one['ref'])}"


def _measured(one: Json, unit: str) -> str:
    return esc(f"{words.value(one['value'], unit)} {unit}".strip())


def _verb(one: Json) -> str:
    """What a failed finding does."""
    verbs = {"guard": _("触发"), "scope": _("不在适用范围:")}
    return verbs.get(one["kind"], _("不符合"))


def grounds(view: View, line: Json, verdict: Json) -> str:
    """The weightiest failed ground, a permit left out, else all unknown ones, in one sentence."""
    excepted = excepted_permits(view, verdict)
    if excepted:
        return _(";").join(_excepted(view, one) for one in excepted)
    failed = list(failures(view, verdict))
    if failed and verdict["outcome"] != "undetermined":
        return _failure(view, line, failed)
    unknown = _unknown(view, verdict, "scope", "guard", "condition")
    unknown = unknown or _unknown(view, verdict, "not_required")
    names = _("、").join(dict.fromkeys(unknown)) or _("见下方依据")
    favour = verdict.get("otherwise")
    lead = _(";如均有利,可为") if favour in words.QUALIFYING else _(";即使均有利,仍为")
    return f"{_('尚缺:')}{esc(names)}" + (f"{lead} {chip(view, favour)}" if favour else "")


def _unknown(view: View, verdict: Json, *kinds: str) -> list[str]:
    """Names of what is unknown among findings of some kinds."""
    return [
        view.words.input(one["input"])
        for one in verdict["findings"]
        if one["kind"] in kinds and one["status"] == "unknown"
    ]


def _failure(view: View, line: Json, failed: list[Json]) -> str:
    """A failed ground with its value, all words of its clause on it, and the excess."""
    one, unit = failed[0], view.words.unit(failed[0]["input"])
    same = [each for each in failed if (each["input"], each["ref"]) == (one["input"], one["ref"])]
    told_below = view.joint or view.chosen == line["utility"]  # comparison.eligibility
    proof = None if told_below else line.get("certificate")
    gap = "" if one["kind"] == "scope" else " "
    told = _(",").join(
        [
            esc(view.words.input(one["input"])) + _(":") + _measured(one, unit),
            _verb(one) + gap + esc(one["ref"]) + "".join(map(cited, same)),
            *shortfall(one, unit),
        ]
    )
    if not proof or one["kind"] != "condition":
        return told
    return told + _("。{}。").format(esc(head(proof["text"])))


def cited(finding: Json) -> str:
    """The words that a finding stands for, in quotation marks if they are quoted."""
    if finding.get("quote"):
        return _("「{}」").format(esc(finding["quote"]))
    return _("({})").format(esc(finding["words"])) if finding.get("words") else ""


def shortfall(finding: Json, unit: str) -> list[str]:
    """By how much a limit is missed, if it is: days to wait, or metres and the like too many."""
    margin = finding.get("margin")
    if margin is None or isinstance(margin, bool):
        return []
    if finding.get("comparator") == "not_after_years":
        return [
            f"<b>{esc(finding['limit'])} {_('之后方可开挖,还差')} "
            f"{words.value(abs(margin) + 1)} {_('天')}</b>"
        ]
    return [f"<b>{_('超出')} {words.value(abs(margin), unit)} {esc(unit)}</b>"]

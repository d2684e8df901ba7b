"""Answers to an unknown input of a verdict, and the verdict under each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from layers.utilities import policy_utility
from planning.both_feeds import BothFeeds
from planning.comparisons import DATED, NUMERIC, day, is_unknown
from planning.findings import Finding
from planning.judged_routes import Route, rank_of
from planning.policy_model import Condition, Policy
from planning.texts import gettext as _
from planning.verdicts import Verdict, judge


@dataclass(frozen=True)
class Answer:
    """One answer in words, its value, the verdict under it, and whether the test is then met."""

    text: str
    value: Any
    verdict: Verdict
    met: bool


def answer_texts(
    policy: Policy, utility: str, finding: Finding, source: str, judged: Route | BothFeeds
) -> list[Answer]:
    """The answers to an unknown of a verdict, each judged; none where they are endless.

    ``source`` is the measure that is read for the input. A yes-or-no question has two answers, an
    input with a list of values one for each, a limit two sides, and a day too.
    """
    condition = _condition(policy, utility, finding)
    if condition is None:
        return []
    name = str(finding.input)
    known = {**judged.measures, **judged.facts}
    answers = []
    for text, value in _values(policy, condition, name, known):
        told = {**known, name: value, source: value}
        verdict = judge(utility, {}, told, policy, mode="plan")
        same = [f for f in verdict.findings if (f.kind, f.id) == (finding.kind, finding.id)]
        answers.append(Answer(text, value, verdict, not same or same[0].status == "met"))
    return answers


def best_answer(answers: Sequence[Answer]) -> Answer | None:
    """The answer with the mildest outcome; of equal ones the one that meets the test."""
    return min(answers, key=lambda one: (rank_of(one.verdict), not one.met), default=None)


def _condition(policy: Policy, utility: str, finding: Finding) -> Condition | None:
    """The test that a finding tells of."""
    rules = policy.rules[policy_utility(utility)]
    tests = {
        "scope": [one.condition for one in policy.scope],
        "not_required": [one.required_when for one in rules.permits],
        "guard": [one for guard in rules.guards for one in guard.all_of],
        "condition": [c for one in rules.clauses for c in (*one.all_of, *one.any_of)],
    }
    fitting = (one for one in tests.get(finding.kind, ()) if one.input == finding.input)
    return next(fitting, None)


def _values(
    policy: Policy, condition: Condition, name: str, known: dict[str, Any]
) -> list[tuple[str, Any]]:
    if condition.comparator == DATED:
        return _days(condition, known.get(name), day(known.get(str(condition.date))))
    if condition.comparator in NUMERIC:
        return _sides(policy, condition, name)
    if isinstance(condition.limit, bool):
        return [(_("是"), True), (_("否"), False)]
    return [(value, value) for value in policy.inputs[name].allowed]


def _days(condition: Condition, before: Any, on: date | None) -> list[tuple[str, Any]]:
    """Days just outside and just inside the period, for every road whose day is not known."""
    if on is None:
        return []
    begun = before if isinstance(before, (list, tuple)) else [before]

    def told(start: date) -> list[Any]:
        return [start.isoformat() if is_unknown(one) else one for one in begun]

    years = int(condition.limit)
    over = on.replace(year=on.year - years, day=min(on.day, 28)) - timedelta(days=31)
    return [
        (_("已满 {years} 年").format(years=years), told(over)),
        (_("未满 {years} 年").format(years=years), told(on)),
    ]


def _sides(policy: Policy, condition: Condition, name: str) -> list[tuple[str, Any]]:
    """The limit itself, and the next number that is printed past it."""
    limit, step = Decimal(condition.limit), condition.round_to
    unit = (policy.inputs[name].unit or "").replace("m2", "m²")
    most = condition.comparator in ("at_most", "below")
    inclusive = condition.comparator in ("at_most", "at_least")
    within = limit if inclusive else limit - step if most else limit + step
    past = limit + step if most else limit - step
    past = past if inclusive else limit
    words = (_("不超过"), _("超过")) if most else (_("不小于"), _("小于"))
    return [
        (_("{} {:f} {}").format(words[0], limit, unit), float(within)),
        (_("{} {:f} {}").format(words[1], limit, unit), float(past)),
    ]

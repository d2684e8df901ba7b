"""Findings 判定依据: every test behind a verdict with value, limit, margin, quote and clause.

Status ``met`` speaks for the applicant: in scope, permit not needed, guard not firing, condition
kept, nothing to warn of. ``failed`` is its contrary, ``unknown`` asks for the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from planning.comparisons import NEVER, Truth, day, is_unknown, last_day, margin
from planning.policy_model import Advisory, Clause, Condition, Guard, Policy, UtilityRules
from planning.verdict_logic import Decision, PermitState, Reading, condition_truth


class Finding(NamedTuple):
    """One test. ``margin``: what is left to the limit in its unit, days for periods."""

    kind: str
    id: str
    input: str | None
    value: Any
    limit: Any
    comparator: str | None
    status: str
    margin: Any
    quote: str | None
    ref: str
    source: str
    confidence: str
    words: str | None


def find(
    policy: Policy,
    rules: UtilityRules,
    decision: Decision,
    values: Mapping[str, Any],
    reading: Reading,
) -> Iterator[Finding]:
    """Findings of a decision in the order in which the rules are tried."""
    for test, truth in zip(policy.scope, decision.scope, strict=True):
        yield _tested("scope", test.id, test.condition, truth, test.ref, policy, values)
    for state in decision.permits:
        yield _permit(state, policy, values)
    judged = {guard.id: (guard, truth) for guard, truth in _judged_guards(decision)}
    for guard, truth in judged.values():
        yield _guard(guard, truth, values)
    for clause, truth in decision.clauses:
        yield from _clause(clause, truth, policy, values, reading)
    for advisory in rules.advisories:
        yield from _advisory(advisory, decision, policy, values)


def confidence_of(condition: Condition, policy: Policy) -> str:
    """Confidence of a condition: that of its list where it rests on one."""
    if condition.list is None:
        return condition.confidence
    return str(policy.lists[condition.list]["confidence"])


def json_value(value: object) -> object:
    """Value for JSON: decimals as numbers, days as text, unknown as null."""
    if isinstance(value, (list, tuple)):
        return [json_value(one) for one in value]
    if is_unknown(value):
        return None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()[:10]
    plain = getattr(value, "item", None)  # numpy scalars
    return plain() if callable(plain) else value


def _tested(
    kind: str,
    name: str,
    condition: Condition,
    truth: Truth,
    ref: str,
    policy: Policy,
    values: Mapping[str, Any],
) -> Finding:
    value = values.get(condition.input)
    return Finding(
        kind=kind,
        id=name,
        input=condition.input,
        value=value,
        limit=condition.limit,
        comparator=condition.comparator,
        status=_status(truth),
        margin=margin(condition.comparator, value, condition.limit, condition.round_to),
        quote=condition.quote,
        ref=ref,
        source=policy.source["number"],
        confidence=confidence_of(condition, policy),
        words=None,
    )


def _permit(state: PermitState, policy: Policy, values: Mapping[str, Any]) -> Finding:
    permit = state.permit
    needless = None if state.required is None else not state.required
    return _tested(
        "not_required", permit.id, permit.required_when, needless, permit.ref, policy, values
    )


def _judged_guards(decision: Decision) -> Iterator[tuple[Guard, Truth]]:
    for state in decision.permits:
        if state.required is not False:
            yield from state.guards


def _guard(guard: Guard, truth: Truth, values: Mapping[str, Any]) -> Finding:
    subject = guard.all_of[0]
    value = values.get(subject.input)
    limit, left = subject.limit, None
    if subject.date is not None:
        limit, left = _barred_until(subject, value, values.get(subject.date))
    return Finding(
        kind="guard",
        id=guard.id,
        input=subject.input,
        value=value,
        limit=limit,
        comparator=subject.comparator,
        status=_status(None if truth is None else not truth),
        margin=left,
        quote=None,
        ref=guard.ref,
        source=guard.source,
        confidence=guard.confidence,
        words=guard.words,
    )


def _barred_until(condition: Condition, start: Any, on: Any) -> tuple[date | None, int | None]:
    """Last barred day, and the days by which the dig is later (negative: earlier)."""
    starts = start if isinstance(start, (list, tuple)) else [start]
    known = [one for one in map(_known_day, starts) if one is not None]
    if not known:
        return None, None
    last = last_day(max(known), condition.limit)
    digs = day(on)
    return last, None if digs is None else (digs - last).days


def _known_day(value: object) -> date | None:
    return None if value == NEVER else day(value)


def _clause(
    clause: Clause, truth: Truth, policy: Policy, values: Mapping[str, Any], reading: Reading
) -> Iterator[Finding]:
    conditions = (*clause.all_of, *clause.any_of)
    for one in conditions:
        name = f"{clause.id}.{one.input}"
        if one in clause.any_of:
            name = f"{name}.{one.limit}"
        yield _tested(
            "condition",
            name,
            one,
            condition_truth(one, values, reading),
            clause.ref,
            policy,
            values,
        )
    if not conditions:
        yield _bare("condition", clause.id, _status(truth), clause.ref, policy, quote=clause.quote)


def _advisory(
    advisory: Advisory, decision: Decision, policy: Policy, values: Mapping[str, Any]
) -> Iterator[Finding]:
    """The warning, where its clause may apply and its condition is known to fail."""
    clause = next((pair for pair in decision.clauses if pair[0].id == advisory.clause), None)
    if clause is None or clause[1] is False:
        return
    ref = clause[0].ref
    condition = advisory.condition
    if condition is None:
        yield _bare("advisory", advisory.id, "failed", ref, policy, words=advisory.words)
    elif condition.test(values) is False:
        found = _tested("advisory", advisory.id, condition, False, ref, policy, values)
        yield found._replace(words=advisory.words, confidence=advisory.confidence)


def _bare(
    kind: str,
    name: str,
    status: str,
    ref: str,
    policy: Policy,
    *,
    quote: str | None = None,
    words: str | None = None,
) -> Finding:
    source = policy.source["number"]
    return Finding(
        kind, name, None, None, None, None, status, None, quote, ref, source, "inferred", words
    )


def _status(truth: Truth) -> str:
    return "unknown" if truth is None else "met" if truth else "failed"

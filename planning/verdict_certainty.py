"""Certainty of a verdict: what could still turn it although every input is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from planning.comparisons import NUMERIC, is_unknown
from planning.findings import confidence_of
from planning.policy_model import Clause, Condition, Policy
from planning.readings import Case, as_read
from planning.verdict_logic import OPEN_OUTCOME, Decision, condition_truth


def certainty(
    case: Case,
    decision: Decision,
    outcome: str,
    others: Collection[str | None],
    tolerances: Mapping[str, float | None] | None,
    unverified: Collection[str],
    if_touched: Callable[[], Mapping[str, Any]] = dict,
    at_other_widths: Callable[[], Iterable[Mapping[str, Any]]] = tuple,
) -> str:
    """First that applies: too_close, depends_on_reading, rests_on_unverified, not_assessed, firm.

    ``others`` are the outcomes under the readings not in force. An open outcome is never firm.
    Nor is one that would be open if the line touched what it may within the tolerances: it is too
    close, though no measure is. One that is another where the working strip is as narrow or as wide
    as it may be rests on its width, which nobody verified.
    """
    values, known = case.values(), known_tolerances(case, tolerances or {})
    if _is_too_close(case, outcome, values, known):
        return "too_close"
    if any(other not in (None, outcome) for other in others) or _marked(decision, outcome):
        return "depends_on_reading"
    grounds = (*_grounds(case, decision, outcome), *_idle_guards(case.policy, decision, outcome))
    if "recalled" in grounds or _may_differ(case, outcome, values, unverified):
        return "rests_on_unverified"
    if outcome == OPEN_OUTCOME or tolerances is None or _unsurveyed(case, decision, values, known):
        return "not_assessed"
    if _opens(case, outcome, values, if_touched()):
        return "too_close"
    told = (as_read(one, case.active) for one in at_other_widths())
    stands = all(case.outcome({**values, **one}) == outcome for one in told)
    return "firm" if stands else "rests_on_unverified"


def _may_differ(
    case: Case, outcome: str, values: Mapping[str, Any], unverified: Collection[str]
) -> bool:
    """Whether the outcome hangs on inputs that nobody verified: open if they were unknown.

    Guards that do not fire and permits that are not required are grounds like any other.
    """
    return _opens(case, outcome, values, {name: None for name in unverified if name in values})


def _opens(case: Case, outcome: str, values: Mapping[str, Any], unknown: Mapping[str, Any]) -> bool:
    """Whether the outcome is another one with some inputs unknown; what is open stays so."""
    if not unknown or outcome == OPEN_OUTCOME:
        return False
    return case.outcome({**values, **unknown}) != outcome


def known_tolerances(case: Case, tolerances: Mapping[str, float | None]) -> dict[str, float]:
    """Tolerances that are known, under the names that the readings in force read."""
    read = as_read(tolerances, case.active)
    return {name: float(value) for name, value in read.items() if not is_unknown(value)}


def interval(value: Any, tolerance: float) -> tuple[float, float]:
    """Ends of the interval of a measure, which is never negative.

    Plain floats, as tables compute them: both must fall on the same side of a limit.
    """
    return max(float(value) - tolerance, 0.0), float(value) + tolerance


def limits_in_reach(
    case: Case, values: Mapping[str, Any], tolerances: Mapping[str, float]
) -> dict[str, Condition]:
    """Conditions of the clauses whose truth the interval of their measure leaves open, by input."""
    found = {}
    for condition in _numeric_conditions(case):
        tolerance, value = tolerances.get(condition.input), values.get(condition.input)
        if tolerance is not None and not is_unknown(value):
            low, high = interval(value, tolerance)
            if _test(condition, low) != _test(condition, high):
                found[condition.input] = condition
    return found


def _is_too_close(
    case: Case, outcome: str, values: Mapping[str, Any], tolerances: Mapping[str, float]
) -> bool:
    """Whether some values within the tolerances give another outcome. O(2^measures at a limit)."""
    reached = limits_in_reach(case, values, tolerances)
    if not reached:
        return False
    ends = [interval(values[name], tolerances[name]) for name in reached]
    return any(
        case.outcome({**values, **dict(zip(reached, corner, strict=True))}) != outcome
        for corner in product(*ends)
    )


def _test(condition: Condition, value: float) -> bool | None:
    return condition.test({condition.input: value})


def _numeric_conditions(case: Case) -> Iterator[Condition]:
    for clause in case.rules.clauses:
        for condition in (*clause.all_of, *clause.any_of):
            if condition.comparator in NUMERIC:
                yield condition


def _marked(decision: Decision, outcome: str) -> bool:
    """Whether the outcome is that of a clause whose words themselves are open."""
    return any(
        truth is True and clause.outcome == outcome and clause.certainty == "depends_on_reading"
        for clause, truth in decision.clauses
    )


def _grounds(case: Case, decision: Decision, outcome: str) -> Iterator[str]:
    """Confidence of what decided: fired guards, else the conditions of the clauses.

    Where no permit is required, what the permits are required for decided.
    """
    policy = case.policy
    fired = [
        guard
        for state in decision.permits
        if state.required is not False
        for guard, truth in state.guards
        if truth and guard.outcome == outcome
    ]
    if fired:
        yield from (guard.confidence for guard in fired)
    elif any(state.required is not False for state in decision.permits):
        for clause, truth in decision.clauses:
            if truth is not None:
                yield from _clause_grounds(case, clause, truth, policy)
    else:
        yield from (state.permit.required_when.confidence for state in decision.permits)


def _idle_guards(policy: Policy, decision: Decision, outcome: str) -> Iterator[str]:
    """Confidence of guards that fire or may, of permits that are not required.

    They decide nothing; where one is only recalled, nobody verified that it bars no more than its
    permit.
    """
    for state in decision.permits:
        if state.required is False:
            for guard, truth in state.guards:
                own = guard.permit == state.permit.id
                stricter = policy.levels[guard.outcome] > policy.levels.get(outcome, 0)
                if own and truth is not False and stricter:
                    yield guard.confidence


def _clause_grounds(case: Case, clause: Clause, truth: bool, policy: Policy) -> Iterator[str]:
    values, reading = case.values(), case.reading()
    for condition in (*clause.all_of, *clause.any_of):
        if condition_truth(condition, values, reading) is truth:
            recalled_list = truth and condition.list is not None
            yield confidence_of(condition, policy) if recalled_list else condition.confidence


def _unsurveyed(
    case: Case, decision: Decision, values: Mapping[str, Any], tolerances: Mapping[str, float]
) -> bool:
    """Whether a surveyed measure of the tried clauses came without tolerance.

    Where no permit is required none was tried, and the line may be off like any other.
    """
    if all(state.required is False for state in decision.permits):
        tried = {clause.id for clause in case.rules.clauses}
    else:
        tried = {clause.id for clause, _truth in decision.clauses}
    return any(
        case.policy.inputs[condition.input].surveyed
        and not is_unknown(values.get(condition.input))
        and condition.input not in tolerances
        for clause in case.rules.clauses
        if clause.id in tried
        for condition in (*clause.all_of, *clause.any_of)
    )

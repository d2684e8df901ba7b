"""Verdict 判定结论: which approval a utility's external line needs, and what the answer rests on.

Evaluates the county's policy (``planning.policies``) with three-valued logic: one known failed
condition decides, an unknown one leaves the verdict open and says what it would be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from language import Text
from layers.utilities import policy_utility
from planning.comparisons import is_unknown
from planning.findings import Finding, find, json_value
from planning.policies import load_policy
from planning.policy_model import Policy, Silence, UtilityRules
from planning.readings import Case, active_values
from planning.texts import gettext as _
from planning.verdict_certainty import certainty
from planning.verdict_inputs import JudgeInputError, check_elements, check_switches
from planning.verdict_logic import (
    OPEN_OUTCOME,
    SCOPE_OUTCOME,
    Decision,
    PermitState,
    outcome_of,
    possible_outcomes,
)

__all__ = ["JudgeInputError", "Verdict", "judge", "judge_payload"]


class PermitOutcome(NamedTuple):
    permit: str
    outcome: str
    reason: str


class OtherReading(NamedTuple):
    """What another recorded reading of one switch would make of the verdict."""

    id: str
    value: str
    would_be: str | None


@dataclass(frozen=True)
class Verdict:
    """Answer for one utility. ``possible`` lists what can still result, mildest first."""

    outcome: str
    clause: str | None
    permits: tuple[PermitOutcome, ...]
    certainty: str
    readings: tuple[OtherReading, ...]
    otherwise: str | None
    possible: tuple[str, ...]
    assumed: tuple[str, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values with the keys of ``docs/schemas/verdict.json``."""
        return {
            "outcome": self.outcome,
            "clause": self.clause,
            "permits": [one._asdict() for one in self.permits],
            "certainty": self.certainty,
            "readings": [one._asdict() for one in self.readings],
            "otherwise": self.otherwise,
            "possible": list(self.possible),
            "assumed": list(self.assumed),
            "findings": [
                {key: json_value(value) for key, value in one._asdict().items()}
                for one in self.findings
            ],
        }


def judge(
    utility: str,
    measures: Mapping[str, Any],
    facts: Mapping[str, Any],
    policy: Policy,
    *,
    switches: Mapping[str, str] | None = None,
    mode: str = "judge",
    tolerances: Mapping[str, float | None] | None = None,
    unverified: Collection[str] = (),
    if_touched: Callable[[], Mapping[str, Any]] = dict,
    at_other_widths: Callable[[], Iterable[Mapping[str, Any]]] = tuple,
) -> Verdict:
    """Verdict of one utility's external line.

    Parameters
    ----------
    utility
        A key of ``rules/utilities.toml``, or ``drainage``.
    measures, facts
        Inputs by the names of the policy; both are searched. Missing and null are told apart.
    switches
        Recorded readings in force, by switch id; else the policy's defaults.
    mode
        What silence means: ``judge`` (assumes and says so) or ``plan`` (what a layer or the
        application could say and does not is unknown).
    tolerances
        Survey tolerance of measures, in their own unit; None for unknown. A surveyed measure
        without one is ``not_assessed``.
    unverified
        Inputs whose value rests on recalled or assumed data.
    if_touched
        Inputs that are unknown where a line touches what it may within the tolerances: asked for
        only where the verdict would be firm.
    at_other_widths
        Inputs as they are where the working strip is narrower or wider than taken, as nobody
        verified its width: asked for likewise.

    Raises
    ------
    ValueError
        For an infinite number, or text that is not a day, or an unknown switch.
    """
    case, assumed = _case(utility, {**measures, **facts}, policy, mode, switches)
    rules, values = case.rules, case.values()
    decision = case.decide(values)
    possible = possible_outcomes(policy, decision)
    outcome = outcome_of(possible)
    readings = tuple(OtherReading(*other) for other in case.other_outcomes())
    others = [one.would_be for one in readings]
    asked = tolerances, unverified, if_touched, at_other_widths
    return Verdict(
        outcome=outcome,
        clause=_clause_ref(policy, decision, outcome),
        permits=tuple(_permit_outcome(policy, one, decision, values) for one in decision.permits),
        certainty=certainty(case, decision, outcome, others, *asked),
        readings=readings,
        otherwise=possible[0] if outcome == OPEN_OUTCOME else None,
        possible=possible,
        assumed=assumed,
        findings=tuple(find(policy, rules, decision, values, case.reading())),
    )


def possible_of(utility: str, facts: Mapping[str, Any], policy: Policy) -> tuple[str, ...]:
    """What of the verdict in a plan on these inputs is ``possible``, without the rest of it."""
    case, _ = _case(utility, facts, policy, "plan", None)
    return possible_outcomes(policy, case.decide(case.values()))


def _case(
    utility: str,
    inputs: Mapping[str, Any],
    policy: Policy,
    mode: str,
    switches: Mapping[str, str] | None,
) -> tuple[Case, tuple[str, ...]]:
    """The case of one line, and the inputs for which silence spoke."""
    rules, silence = policy.rules[policy_utility(utility)], policy.silences[mode]
    given, assumed = _assume(dict(inputs), rules, silence)
    active = active_values(rules, tuple((switches or {}).items()))
    return Case(policy, rules, silence, given, active), assumed


def judge_payload(
    payload: object, county: str, switches: Mapping[str, str] | None = None
) -> dict[str, Any] | list[dict[str, Any]]:
    """Answers for the command line: one element or a list of them, in the same order.

    Raises
    ------
    JudgeInputError
        For the first element that cannot be judged; then no element is.
    """
    policy = load_policy(county)
    check_switches(switches or {}, policy)
    elements = check_elements(payload, policy, switches)
    answers = [
        judge(one.utility, one.measures, one.facts, policy, switches=switches).to_json()
        for one in elements
    ]
    return answers if isinstance(payload, list) else answers[0]


def _assume(
    given: dict[str, Any], rules: UtilityRules, silence: Silence
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Inputs with what silence counts as, and the names for which it spoke."""
    values = dict(given)
    if silence.null_is_omitted:
        values = {
            name: value
            for name, value in given.items()
            if name not in silence.assumed or not is_unknown(value)
        }
    assumed = [name for name in silence.assumed if name not in values]
    values.update({name: silence.assumed[name] for name in assumed})
    for name, source in silence.same_as.items():
        if name not in values:
            values[name] = values.get(source)
            assumed.append(name)
    if silence.guards_not_firing:
        for guard in rules.guards:
            assumed += [name for name in guard.inputs if name not in values]
    return values, tuple(dict.fromkeys(assumed))


def _clause_ref(policy: Policy, decision: Decision, outcome: str) -> str | None:
    """Where the outcome is written: scope, guard or clause; for an open one the clause in doubt."""
    if outcome == SCOPE_OUTCOME:
        refs = zip(policy.scope, decision.scope, strict=True)
        return next((test.ref for test, truth in refs if truth is False), None)
    if outcome == OPEN_OUTCOME:
        return decision.clauses[_last_tried(decision)][0].ref
    if not policy.levels[outcome]:
        return None
    return next(
        (
            _deciding_ref(state, decision, outcome)
            for state in decision.permits
            if state.levels == 1 << policy.levels[outcome]
        ),
        None,
    )


def _last_tried(decision: Decision) -> int:
    """Place of the first clause that is not known to fail, else of the last one."""
    places = range(len(decision.clauses))
    return next((place for place in places if decision.clauses[place][1] is not False), places[-1])


def _deciding_ref(state: PermitState, decision: Decision, outcome: str) -> str:
    fired = (guard.ref for guard, truth in state.guards if truth and guard.outcome == outcome)
    return next(fired, decision.clauses[-1][0].ref)


def _permit_outcome(
    policy: Policy, state: PermitState, decision: Decision, values: Mapping[str, Any]
) -> PermitOutcome:
    possible = [name for name, level in policy.levels.items() if state.levels >> level & 1]
    outcome = possible[0] if len(possible) == 1 else OPEN_OUTCOME
    return PermitOutcome(
        state.permit.id, outcome, _reason(policy, state, decision, values, outcome)
    )


def _reason(
    policy: Policy,
    state: PermitState,
    decision: Decision,
    values: Mapping[str, Any],
    outcome: str,
) -> str:
    """Why a permit has its outcome, in one sentence of the policy."""
    clause, applies = decision.clauses[-1]
    if state.required is False:
        return Text(state.permit.not_required_note or policy.reasons["not_required"])
    if outcome == OPEN_OUTCOME:
        names = [policy.inputs[name].zh for name in _asked(state, decision, values)]
        return Text(policy.reasons["open"]).format(names=_("、").join(names))
    for guard, truth in state.guards:
        if truth and guard.outcome == outcome:
            return Text(policy.reasons["guard"]).format(ref=guard.ref, words=guard.words)
    if applies and state.permit.id in clause.permit_exception:
        words = clause.permit_exception_note or ""
        return Text(policy.reasons["exception"]).format(ref=clause.ref, words=words)
    return Text(policy.reasons["met" if applies else "failed"]).format(ref=clause.ref)


def _asked(state: PermitState, decision: Decision, values: Mapping[str, Any]) -> list[str]:
    """Unknown inputs that keep a permit open."""
    tests = [state.permit.required_when]
    for guard, truth in state.guards:
        tests += [*guard.all_of, *guard.any_of] if truth is None else []
    for clause, truth in decision.clauses:
        tests += [*clause.all_of, *clause.any_of] if truth is None else []
    names = dict.fromkeys(name for test in tests for name in test.inputs)
    return [name for name in names if is_unknown(values.get(name))]

"""Deciding outcomes by three-valued logic: what can result while some inputs are unknown.

Outcomes are ordered by strictness and every rule can only make an outcome stricter, so the headline
of a utility is the strictest outcome among the permits that its work needs. A set of outcomes that
can still result is one integer with a bit per level (bit 0 = not required).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from planning.comparisons import Truth, all_hold, any_holds, is_true, is_unknown
from planning.policy_model import (
    CarveOut,
    Clause,
    Condition,
    Guard,
    Permit,
    Policy,
    Silence,
    SwitchValue,
    UtilityRules,
)

SCOPE_OUTCOME = "not_covered"
OPEN_OUTCOME = "undetermined"
FREE = 1  # bit 0: the work needs no permit, a guard does not fire


@dataclass(frozen=True, eq=False)
class Reading:
    """The recorded readings in force, as one set of changes to the clauses."""

    disables: frozenset[str] = frozenset()
    carve_outs: tuple[CarveOut, ...] = ()
    only_when: Mapping[str, Condition] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PermitState:
    permit: Permit
    required: Truth
    guards: tuple[tuple[Guard, Truth], ...]
    levels: int


@dataclass(frozen=True, eq=False)
class Decision:
    """Truth of every test and the outcomes that can result."""

    scope: tuple[Truth, ...]
    covered: Truth
    permits: tuple[PermitState, ...]
    clauses: tuple[tuple[Clause, Truth], ...]
    headline: int


def decide(
    policy: Policy,
    rules: UtilityRules,
    values: Mapping[str, Any],
    reading: Reading,
    silence: Silence,
) -> Decision:
    """Decide one utility on its inputs by name. O(tests of the utility)."""
    scope = tuple(one.condition.test(values) for one in policy.scope)
    covered = all_hold(scope)
    if covered is False:
        return Decision(scope, covered, (), (), 0)
    guards = [(guard, fires(guard, values, silence)) for guard in rules.guards]
    clauses, clause_levels = _try_clauses(policy, rules, values, reading)
    permits = tuple(
        _permit_state(policy, permit, values, guards, clauses, clause_levels)
        for permit in rules.permits
    )
    headline = FREE
    for state in permits:  # permits share clauses and guards; the maximum of a thing with itself
        headline = strictest_of(headline, state.levels)  # is itself, so their sets combine exactly
    return Decision(scope, covered, permits, clauses, headline)


def fires(guard: Guard, values: Mapping[str, Any], silence: Silence) -> Truth:
    """Whether a guard bars the work.

    Where the silence says so, a guard whose subject was not given does not fire, nor one that lacks
    another input; an explicit null leaves it open.
    """
    if silence.guards_not_firing and guard.inputs[0] not in values:
        return False
    truth = all_hold(one.test(values) for one in guard.all_of)
    if truth is not False and guard.any_of:
        truth = all_hold((truth, any_holds(one.test(values) for one in guard.any_of)))
    if truth is None and silence.guards_not_firing:
        given = [name for name in guard.inputs if name in values]
        omitted = len(given) < len(guard.inputs)
        if omitted and not any(is_unknown(values[name]) for name in given):
            return False
    return truth


def holds(clause: Clause, values: Mapping[str, Any], reading: Reading) -> Truth:
    """Whether a clause applies under a reading."""
    if clause.id in reading.disables:
        return False
    every = all_hold(condition_truth(one, values, reading) for one in clause.all_of)
    if every is False or not clause.any_of:
        return every
    some = any_holds(condition_truth(one, values, reading) for one in clause.any_of)
    return all_hold((every, some))


def condition_truth(condition: Condition, values: Mapping[str, Any], reading: Reading) -> Truth:
    """Truth of a condition under a reading, which may take it out."""
    truth = condition.test(values)
    limited_to = reading.only_when.get(condition.input)
    if truth is True or limited_to is None:
        return truth
    applies = limited_to.test(values)
    return any_holds((truth, None if applies is None else not applies))


@lru_cache(maxsize=256)
def combine_readings(values: tuple[SwitchValue, ...]) -> Reading:
    """One reading of several switch values in force together."""
    return Reading(
        disables=frozenset(name for value in values for name in value.disables),
        carve_outs=tuple(value.carve_out for value in values if value.carve_out is not None),
        only_when=dict(value.only_when for value in values if value.only_when is not None),
    )


def possible_outcomes(policy: Policy, decision: Decision) -> tuple[str, ...]:
    """Outcomes that can still result, mildest first, ``not_covered`` last."""
    levels = policy.levels.items()
    in_scope = tuple(name for name, level in levels if decision.headline >> level & 1)
    return in_scope if decision.covered else (*in_scope, SCOPE_OUTCOME)


def outcome_of(possible: tuple[str, ...]) -> str:
    """The one possible outcome, or that it is open."""
    return possible[0] if len(possible) == 1 else OPEN_OUTCOME


def strictest_of(left: int, right: int) -> int:
    """Set of the stricter of one outcome of each set."""
    return (left | right) & ~(max(left & -left, right & -right) - 1)


def _try_clauses(
    policy: Policy, rules: UtilityRules, values: Mapping[str, Any], reading: Reading
) -> tuple[tuple[tuple[Clause, Truth], ...], int]:
    """Clauses in order until one is known to apply, and the outcomes they can give."""
    tried: list[tuple[Clause, Truth]] = []
    levels = 0
    for clause in rules.clauses:
        truth = holds(clause, values, reading)
        tried.append((clause, truth))
        if truth is not False:
            levels |= _clause_levels(policy, clause, values, reading)
        if truth is True:
            return tuple(tried), levels
    return tuple(tried), levels | 1 << policy.levels[rules.otherwise]


def _clause_levels(
    policy: Policy, clause: Clause, values: Mapping[str, Any], reading: Reading
) -> int:
    own = 1 << policy.levels[clause.outcome]
    for carve_out in reading.carve_outs:
        if carve_out.clause == clause.id:
            taken = 1 << policy.levels[carve_out.outcome]
            truth = carve_out.condition.test(values)
            return taken if truth else own if truth is False else own | taken
    return own


def _permit_state(
    policy: Policy,
    permit: Permit,
    values: Mapping[str, Any],
    guards: list[tuple[Guard, Truth]],
    clauses: tuple[tuple[Clause, Truth], ...],
    clause_levels: int,
) -> PermitState:
    required = permit.required_when.test(values)
    if permit.implied_by is not None and is_true(values.get(permit.implied_by)):
        required = True
    mine = tuple(pair for pair in guards if pair[0].permit in (None, permit.id))
    levels = clause_levels
    for clause, _truth in clauses:
        if permit.id in clause.permit_exception:
            levels = strictest_of(levels, 1 << policy.levels[clause.permit_exception[permit.id]])
    for guard, truth in mine:
        levels = strictest_of(levels, _guard_levels(policy, guard, truth))
    return PermitState(permit, required, mine, _if_required(required, levels))


def _guard_levels(policy: Policy, guard: Guard, truth: Truth) -> int:
    fired = 1 << policy.levels[guard.outcome]
    return fired if truth else FREE if truth is False else fired | FREE


def _if_required(required: Truth, levels: int) -> int:
    return levels if required else FREE if required is False else levels | FREE

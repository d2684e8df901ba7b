"""Policies with one rule of a utility left: what a route would be if all else were met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from layers.utilities import policy_utility
from planning.findings import Finding
from planning.policy_model import Clause, Condition, Guard, Policy


def with_one_guard(policy: Policy, utility: str, guard_id: str) -> Policy:
    """The policy with one guard of a utility left: all else is met."""
    rules = policy.rules[policy_utility(utility)]
    guards = tuple(one for one in rules.guards if one.id == guard_id)
    clauses = [replace(one, all_of=(), any_of=(), permit_exception={}) for one in rules.clauses]
    return _with_rules(policy, utility, guards, clauses)


def with_one_condition(policy: Policy, utility: str, finding: Finding) -> Policy:
    """The policy with one condition of a utility left, that of a finding: all else is met."""

    def asked(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
        same = (finding.input, finding.comparator, finding.limit)
        return tuple(one for one in conditions if (one.input, one.comparator, one.limit) == same)

    clauses = [
        replace(one, all_of=asked(one.all_of), any_of=asked(one.any_of), permit_exception={})
        for one in policy.rules[policy_utility(utility)].clauses
    ]
    clauses = [one for one in clauses if one.all_of or one.any_of]
    return _with_rules(policy, utility, (), clauses)


def _with_rules(
    policy: Policy, utility: str, guards: tuple[Guard, ...], clauses: Sequence[Clause]
) -> Policy:
    key = policy_utility(utility)
    rules = policy.rules[key]
    changed = replace(rules, guards=guards, clauses=tuple(clauses), advisories=())
    return replace(policy, scope=(), rules={**policy.rules, key: changed})

"""Limits that contradict each other: a clause that nothing can ever meet is a slip of its file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from planning.policy_model import Condition

_UPPER, _LOWER = ("at_most", "below"), ("at_least", "above")
_STRICT = ("below", "above")


def contradiction(conditions: Sequence[Condition]) -> tuple[Condition, Condition] | None:
    """Two conditions that no value meets together, among those that must all hold; else None."""
    for one, other in combinations(conditions, 2):
        alike = (one.input, one.utility) == (other.input, other.utility)
        if alike and _exclude(one, other):
            return one, other
    return None


def _exclude(one: Condition, other: Condition) -> bool:
    """Whether no value of their input meets both."""
    if other.comparator in _UPPER:
        one, other = other, one
    if one.comparator in _UPPER and other.comparator in _LOWER:
        strict = one.comparator in _STRICT or other.comparator in _STRICT
        return bool(one.limit < other.limit or (strict and one.limit == other.limit))
    allowed = [_allowed(one), _allowed(other)]
    if None not in allowed:
        return not set(allowed[0] or ()) & set(allowed[1] or ())
    kinds = {one.comparator: one.limit, other.comparator: other.limit}
    return set(kinds) == {"is", "is_not"} and kinds["is"] == kinds["is_not"]


def _allowed(one: Condition) -> tuple[object, ...] | None:
    """The only values that meet a condition; None where they are not listed."""
    if one.comparator == "is":
        return (one.limit,)
    return tuple(one.limit) if one.comparator == "is_one_of" else None

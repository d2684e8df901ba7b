"""Verdicts of many lines at once: rows that pass and fail the same tests share one verdict.

A verdict hangs only on the truth of the policy's tests, so each class of rows with equal truths is
judged once, by ``planning.verdicts.judge`` itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.utilities import policy_utility
from planning.comparisons import NUMERIC, Truth, is_true, is_unknown
from planning.policy_model import Condition, Policy, UtilityRules
from planning.verdicts import judge

Codes = NDArray[np.int8]  # 1 true, 0 false, -1 unknown

COLUMNS = ("outcome", "clause", "certainty", "otherwise")


def judge_table(
    utility: str,
    table: pd.DataFrame,
    policy: Policy,
    *,
    switches: Mapping[str, str] | None = None,
    mode: str = "plan",
    unverified: Collection[str] = (),
) -> pd.DataFrame:
    """Outcome, clause, certainty and otherwise of each row, on the same index.

    Columns are measures and facts by the names of the policy; others are ignored, a missing column
    is an input that was not given. O(rows x tests), and one verdict for each class of rows.
    """
    rules = policy.rules[policy_utility(utility)]
    if table.empty:
        return pd.DataFrame(columns=list(COLUMNS), index=table.index)
    codes = np.stack(list(_codes(policy, rules, _Columns(table))), axis=1)
    packed = np.ascontiguousarray(codes).view(f"V{codes.shape[1]}").ravel()
    _classes, first, class_of = np.unique(packed, return_index=True, return_inverse=True)
    known = [name for name in table.columns if name in policy.inputs]
    verdicts = [
        judge(
            utility,
            {},
            {str(name): value for name, value in row.items()},
            policy,
            switches=switches,
            mode=mode,
            unverified=unverified,
        )
        for row in table[known].iloc[first].to_dict("records")
    ]
    return pd.DataFrame(
        {
            name: np.array([getattr(one, name) for one in verdicts], object)[class_of]
            for name in COLUMNS
        },
        index=table.index,
        dtype=object,  # a verdict without clause keeps None
    )


@dataclass(frozen=True)
class _Columns:
    """Columns of a table with their distinct values, each worked out once."""

    table: pd.DataFrame
    _distinct: dict[str, tuple[NDArray[np.intp], list[Any]]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return name in self.table.columns

    def numbers(self, name: str) -> NDArray[np.float64]:
        return pd.to_numeric(self.table[name], errors="coerce").to_numpy(float)

    def distinct(self, name: str) -> tuple[NDArray[np.intp], list[Any]]:
        """Place of each row's value among the distinct values; one unknown for a missing column."""
        if not self.has(name):
            return np.zeros(len(self.table), np.intp), [None]
        if name not in self._distinct:
            column = self.table[name]
            if column.dtype == object:
                column = column.map(_hashable)
            place, values = pd.factorize(column, use_na_sentinel=False)
            self._distinct[name] = (place, list(values))
        return self._distinct[name]


def _codes(policy: Policy, rules: UtilityRules, columns: _Columns) -> Iterator[Codes]:
    """One code per row for everything that a verdict of the utility can hang on."""
    yield np.ones(len(columns.table), np.int8)
    sources: dict[str, list[str]] = {}
    for switch in rules.switches:
        for value in switch.values.values():
            for name, source in value.reads.items():
                sources.setdefault(name, []).append(source)
    for condition in _conditions(policy, rules):
        for source in (condition.input, *sources.get(condition.input, ())):
            if columns.has(source):
                yield _truths(condition, columns, source)
    implied = [one.implied_by for one in rules.permits if one.implied_by is not None]
    guarded = [name for guard in rules.guards for name in guard.inputs]
    for name in dict.fromkeys((*implied, *guarded)):
        if columns.has(name):  # a guard tells an unknown input from one that fails
            place, values = columns.distinct(name)
            truths = [None if is_unknown(value) else is_true(value) for value in values]
            yield _as_codes(truths)[place]


def _conditions(policy: Policy, rules: UtilityRules) -> Iterator[Condition]:
    yield from (test.condition for test in policy.scope)
    yield from (permit.required_when for permit in rules.permits)
    yield from (one for guard in rules.guards for one in (*guard.all_of, *guard.any_of))
    yield from (one for clause in rules.clauses for one in (*clause.all_of, *clause.any_of))
    for switch in rules.switches:
        for value in switch.values.values():
            if value.carve_out is not None:
                yield value.carve_out.condition
            if value.only_when is not None:
                yield value.only_when[1]


def _truths(condition: Condition, columns: _Columns, source: str) -> Codes:
    """Truth of a condition in each row, read from the column of one reading."""
    if condition.comparator in NUMERIC:
        return _compared(condition, columns.numbers(source))
    place, values = columns.distinct(source)
    if condition.date is None:
        return _as_codes([condition.test({condition.input: value}) for value in values])[place]
    day_place, days = columns.distinct(condition.date)
    pairs, pair_of = np.unique(place * len(days) + day_place, return_inverse=True)
    truths = [
        condition.test(
            {condition.input: values[pair // len(days)], condition.date: days[pair % len(days)]}
        )
        for pair in pairs
    ]
    return _as_codes(truths)[pair_of]


def _compared(condition: Condition, values: NDArray[np.float64]) -> Codes:
    """Numeric comparison of values as printed.

    A number is printed at most at the limit exactly where its decimal text is below the limit plus
    half a step; texts of floats keep the order of floats, so floats can be compared instead.
    """
    half = condition.round_to / 2
    upper, lower = float(condition.limit + half), float(condition.limit - half)
    truths = {
        "at_most": values < upper,
        "below": values < lower,
        "at_least": values >= lower,
        "above": values >= upper,
    }[condition.comparator]
    return np.where(np.isnan(values), -1, truths).astype(np.int8)


def _as_codes(truths: list[Truth]) -> Codes:
    return np.array([-1 if truth is None else int(truth) for truth in truths], np.int8)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value

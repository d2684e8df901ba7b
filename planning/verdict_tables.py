"""Verdicts of many lines at once: rows that pass and fail the same tests share one verdict.

A verdict hangs only on the truth of the policy's tests, so each class of rows with equal truths is
judged once, by ``planning.verdicts.judge`` itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.utilities import policy_utility
from planning.comparisons import NUMERIC, Truth, is_true, is_unknown
from planning.policy_model import Condition, Policy, UtilityRules
from planning.verdicts import Verdict, judge, possible_of

Codes = NDArray[np.int8]  # 1 true, 0 false, -1 unknown

COLUMNS = ("outcome", "clause", "certainty", "otherwise")
# So many classes, each in three, have whole numbers still.
_MOST_CLASSES = 2**60


class Coded(NamedTuple):
    """A column as places in a short list of values: what many rows share is tested once."""

    place: NDArray[np.intp]
    values: Sequence[Any]

    @classmethod
    def of(cls, values: Sequence[Any], place: NDArray[np.intp]) -> Coded:
        """Values at places as a column, equal ones once."""
        number: dict[Any, int] = {}
        codes = np.array([number.setdefault(value, len(number)) for value in values], np.intp)
        return cls(codes[place], list(number))

    def at(self, rows: NDArray[Any]) -> Coded:
        """The column of some rows."""
        return Coded(self.place[rows], self.values)

    @property
    def array(self) -> NDArray[Any]:
        """The column as objects."""
        values = np.empty(len(self.values), object)
        values[:] = self.values
        return values[self.place]


Column = NDArray[np.float64] | Coded


class Judged(NamedTuple):
    """Verdicts of rows: which verdict each row has."""

    verdicts: list[Verdict]
    verdict_of: NDArray[np.intp]

    def column(self, name: str) -> Coded:
        """One field of the verdict of each row."""
        return Coded(self.verdict_of, [getattr(one, name) for one in self.verdicts])


def judge_rows(
    utility: str,
    table: pd.DataFrame,
    policy: Policy,
    *,
    switches: Mapping[str, str] | None = None,
    mode: str = "plan",
    unverified: Collection[str] = (),
    tolerances: pd.DataFrame | None = None,
) -> Judged:
    """Verdicts of the rows of a table.

    Columns are measures and facts by the names of the policy; others are ignored, a missing column
    is an input that was not given. ``tolerances`` holds those of measures, row by row, NaN for
    unknown. O(rows x tests), and one verdict for each class of rows.
    """
    columns = _columns_of(table, policy)
    known = (
        None if tolerances is None else {str(n): c.to_numpy(float) for n, c in tolerances.items()}
    )
    return judge_columns(
        utility,
        columns,
        len(table),
        policy,
        switches=switches,
        mode=mode,
        unverified=unverified,
        tolerances=known,
    )


def _columns_of(table: pd.DataFrame, policy: Policy) -> dict[str, Column]:
    """The columns of a table that are inputs of the policy."""
    return {str(name): _column(table[name]) for name in table.columns if name in policy.inputs}


def judge_columns(
    utility: str,
    columns: Mapping[str, Column],
    count: int,
    policy: Policy,
    *,
    switches: Mapping[str, str] | None = None,
    mode: str = "plan",
    unverified: Collection[str] = (),
    tolerances: Mapping[str, NDArray[np.float64]] | None = None,
    known: dict[Any, Verdict] | None = None,
) -> Judged:
    """Verdicts of ``count`` rows given as columns; numbers that are unknown are NaN.

    ``known`` holds verdicts under this policy from call to call: classes of other rows that pass
    and fail the same tests have them too, with the values of the rows that were judged.
    """
    rules = policy.rules[policy_utility(utility)]
    if count == 0:
        return Judged([], np.zeros(0, np.intp))
    table = _Columns(columns, count)
    codes = [*_codes(policy, rules, table), *_interval_codes(rules, table, tolerances or {})]
    first, class_of = _classes(codes)
    told = {} if known is None else known
    said = (utility, mode, tuple((switches or {}).items()), tuple(unverified), frozenset(columns))
    known_measures = None if tolerances is None else frozenset(tolerances)
    keys = _keys((*said, known_measures), codes, first)
    for at, key in zip(first.tolist(), keys, strict=True):
        if key not in told:
            told[key] = judge(
                utility,
                {},
                row_of(columns, at),
                policy,
                switches=switches,
                mode=mode,
                unverified=unverified,
                tolerances=None
                if tolerances is None
                else {name: column[at] for name, column in tolerances.items()},
            )
    return Judged([told[key] for key in keys], class_of)


def possible_columns(
    utility: str,
    columns: Mapping[str, Column],
    count: int,
    policy: Policy,
    known: dict[Any, tuple[str, ...]] | None = None,
) -> tuple[list[tuple[str, ...]], NDArray[np.intp]]:
    """The outcomes that are possible in a plan for ``count`` rows, and which each row has.

    ``known`` holds them under this policy from call to call, as of :func:`judge_columns`.
    """
    if count == 0:
        return [], np.zeros(0, np.intp)
    rules, table = policy.rules[policy_utility(utility)], _Columns(columns, count)
    codes = [*_codes(policy, rules, table)]
    first, class_of = _classes(codes)
    told = {} if known is None else known
    keys = _keys((utility, frozenset(columns)), codes, first)
    for at, key in zip(first.tolist(), keys, strict=True):
        if key not in told:
            told[key] = possible_of(utility, row_of(columns, at), policy)
    return [told[key] for key in keys], class_of


def _keys(said: tuple[Any, ...], codes: list[Codes], first: NDArray[np.intp]) -> list[Any]:
    """What tells a verdict of each class of rows, by its first row, beside what was ``said``."""
    truths = np.stack([code[first] for code in codes], axis=1)
    return [(*said, one.tobytes()) for one in truths]


def row_of(columns: Mapping[str, Column], at: int) -> dict[str, Any]:
    """One row of columns by name."""
    return {
        name: column.values[column.place[at]] if isinstance(column, Coded) else column[at]
        for name, column in columns.items()
    }


def _column(column: pd.Series) -> Column:
    if column.dtype != object:
        numbers = pd.to_numeric(column, errors="coerce")
        if column.dtype.kind in "if":
            return numbers.to_numpy(float)
    place, values = pd.factorize(column.map(hashable), use_na_sentinel=False)
    return Coded(place, list(values))


def _classes(codes: list[Codes]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First row of each class of rows with equal codes, and the class of each row."""
    class_of, most = np.zeros(len(codes[0]), np.int64), 1
    for code in codes:
        if (code != code[0]).any():
            class_of, most = class_of * 3 + (code + 1), most * 3
            if most > _MOST_CLASSES:
                class_of, most = pd.factorize(class_of)[0].astype(np.int64), len(code)
    class_of = pd.factorize(class_of)[0].astype(np.int64)  # numbered as they come up
    first = np.flatnonzero(np.diff(np.maximum.accumulate(class_of), prepend=-1))
    return first, class_of.astype(np.intp)


@dataclass(frozen=True)
class _Columns:
    """Columns with their distinct values, each worked out once."""

    columns: Mapping[str, Column]
    count: int
    _distinct: dict[str, Coded] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return name in self.columns

    def numbers(self, name: str) -> NDArray[np.float64]:
        column = self.columns[name]
        if not isinstance(column, Coded):
            return column
        values = pd.Series(list(column.values), dtype=object)
        numbers: NDArray[np.float64] = pd.to_numeric(values, errors="coerce").to_numpy(float)
        return numbers[column.place]

    def distinct(self, name: str) -> Coded:
        """Place of each row's value among the distinct values; one unknown for a missing column."""
        if not self.has(name):
            return Coded(np.zeros(self.count, np.intp), [None])
        column = self.columns[name]
        if isinstance(column, Coded):
            return column
        if name not in self._distinct:
            place, values = pd.factorize(column, use_na_sentinel=False)
            self._distinct[name] = Coded(place, list(values))
        return self._distinct[name]


def _codes(policy: Policy, rules: UtilityRules, columns: _Columns) -> Iterator[Codes]:
    """One code per row for everything that a verdict of the utility can hang on."""
    yield np.ones(columns.count, np.int8)
    sources = _sources(rules)
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


def _interval_codes(
    rules: UtilityRules, columns: _Columns, tolerances: Mapping[str, NDArray[np.float64]]
) -> Iterator[Codes]:
    """One code per row for both ends of every interval at every limit of the clauses."""
    sources = _sources(rules)
    for clause in rules.clauses:
        for condition in (*clause.all_of, *clause.any_of):
            for source in (condition.input, *sources.get(condition.input, ())):
                if source not in tolerances or not columns.has(source):
                    continue
                if condition.comparator in NUMERIC:
                    value, tolerance = columns.numbers(source), tolerances[source]
                    yield np.isnan(tolerance).astype(np.int8)
                    yield _compared(condition, np.maximum(value - tolerance, 0.0))
                    yield _compared(condition, value + tolerance)


def _sources(rules: UtilityRules) -> dict[str, list[str]]:
    """Inputs that some reading reads in place of others, by the name of the other."""
    sources: dict[str, list[str]] = {}
    for switch in rules.switches:
        for value in switch.values.values():
            for name, source in value.reads.items():
                sources.setdefault(name, []).append(source)
    return sources


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
    pair_of, pairs = pd.factorize(place * len(days) + day_place)
    truths = [
        condition.test(
            {condition.input: values[pair // len(days)], condition.date: days[pair % len(days)]}
        )
        for pair in pairs.tolist()
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


def hashable(value: Any) -> Any:
    """A value of an input as one that can be told apart in a table."""
    return tuple(value) if isinstance(value, list) else value

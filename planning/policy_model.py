"""What a policy 政策 is made of: inputs, conditions, scope, permits, guards, clauses, readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from planning.comparisons import COMPARATORS, Truth, not_after_years


@dataclass(frozen=True, eq=False)
class Input:
    """A measure or fact that conditions ask for. ``door``: accepted from outside."""

    name: str
    zh: str
    kind: str
    unit: str | None
    allowed: tuple[str, ...]
    surveyed: bool
    door: bool
    never: bool
    words: str


@dataclass(frozen=True, eq=False)
class Condition:
    """One test of one input, with the words of the plan that it stands for."""

    input: str
    comparator: str
    limit: Any
    date: str | None = None
    utility: str | None = None
    quote: str | None = None
    confidence: str = "inferred"
    list: str | None = None
    round_to: Decimal = Decimal(1)

    def test(self, values: Mapping[str, Any]) -> Truth:
        """True, false or unknown, of values by input name."""
        value = values.get(self.input)
        if self.date is not None:
            return not_after_years(value, self.limit, values.get(self.date))
        return COMPARATORS[self.comparator](value, self.limit, self.round_to)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.input,) if self.date is None else (self.input, self.date)


@dataclass(frozen=True, eq=False)
class ScopeTest:
    id: str
    ref: str
    outcome: str
    condition: Condition


@dataclass(frozen=True, eq=False)
class Permit:
    id: str
    zh: str
    ref: str
    required_when: Condition
    applies_to: tuple[str, ...]
    implied_by: str | None
    not_required_note: str | None
    note: str | None


@dataclass(frozen=True, eq=False)
class Guard:
    """A bar from a higher rule. It fires where ``all_of`` hold and one of ``any_of`` does."""

    id: str
    permit: str | None
    outcome: str
    ref: str
    words: str
    all_of: tuple[Condition, ...]
    any_of: tuple[Condition, ...]
    source: str
    confidence: str

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names that the guard asks for; the first is its subject."""
        asked = [name for test in (*self.all_of, *self.any_of) for name in test.inputs]
        return tuple(dict.fromkeys(asked))


@dataclass(frozen=True, eq=False)
class Clause:
    id: str
    ref: str
    utility: str
    outcome: str
    otherwise: str | None
    all_of: tuple[Condition, ...]
    any_of: tuple[Condition, ...]
    permit_exception: Mapping[str, str]
    permit_exception_note: str | None
    certainty: str | None
    quote: str | None
    note: str | None


@dataclass(frozen=True, eq=False)
class CarveOut:
    """Works that a reading takes out of a clause, and their outcome."""

    clause: str
    outcome: str
    condition: Condition


@dataclass(frozen=True, eq=False)
class SwitchValue:
    """One reading of unclear words, and what it changes."""

    id: str
    words: str
    reads: Mapping[str, str]
    disables: tuple[str, ...]
    carve_out: CarveOut | None
    only_when: tuple[str, Condition] | None


@dataclass(frozen=True, eq=False)
class Switch:
    id: str
    clause: str | None
    default: str
    quote: str | None
    note: str | None
    values: Mapping[str, SwitchValue]


@dataclass(frozen=True, eq=False)
class Advisory:
    id: str
    clause: str
    words: str
    condition: Condition | None
    confidence: str


@dataclass(frozen=True, eq=False)
class Silence:
    """What an input that was not given counts as, in one mode of judging."""

    assumed: Mapping[str, Any]
    same_as: Mapping[str, str]
    guards_not_firing: bool
    null_is_omitted: bool


@dataclass(frozen=True, eq=False)
class Setting:
    """A planning choice of the county, with its source."""

    name: str
    value: float | Mapping[str, float]
    unit: str
    source: str
    confidence: str


@dataclass(frozen=True, eq=False)
class Planning:
    """Planning settings: the usual ones as attributes, all with source in ``settings``."""

    settings: Mapping[str, Setting]
    max_snap_m: float
    manual_snap_m: float
    midblock_spacing_m: float
    max_median_m: float
    usual_footway_m: float
    half_section_allowance_m: float
    work_margin_m: float
    restoration_extra_m: float
    ancient_tree_zone_m: float
    narrow_footway_margin_m: float
    min_crossing_angle_deg: float
    default_carriageway_width_m: Mapping[str, float]

    def value(self, name: str) -> float:
        """Any single-valued setting by name; ``KeyError`` for an unknown one."""
        value = self.settings[name].value
        if isinstance(value, Mapping):
            raise KeyError(f"{name} has a value per road class")
        return value


@dataclass(frozen=True, eq=False)
class UtilityRules:
    """The part of the policy that one utility is judged by."""

    utility: str
    otherwise: str
    permits: tuple[Permit, ...]
    guards: tuple[Guard, ...]
    clauses: tuple[Clause, ...]
    switches: tuple[Switch, ...]
    advisories: tuple[Advisory, ...]


@dataclass(frozen=True, eq=False)
class Policy:
    policy_id: str
    county: str
    crs: str
    zh: str
    file: str
    source: Mapping[str, Any]
    effective: Mapping[str, Any]
    round_to: Decimal
    outcomes: Mapping[str, str]
    silences: Mapping[str, Silence]
    reasons: Mapping[str, str]
    inputs: Mapping[str, Input]
    scope: tuple[ScopeTest, ...]
    permits: tuple[Permit, ...]
    never_covered: tuple[str, ...]
    guards: tuple[Guard, ...]
    clauses: tuple[Clause, ...]
    advisories: tuple[Advisory, ...]
    switches: Mapping[str, Switch]
    promiser: Mapping[str, Mapping[str, str]]
    lists: Mapping[str, Mapping[str, Any]]
    after_decision: Mapping[str, Any]
    planning: Planning
    levels: Mapping[str, int]
    rules: Mapping[str, UtilityRules]

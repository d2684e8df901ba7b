"""Recorded readings of unclear words: which are in force, and which inputs they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from layers.utilities import policy_utility
from planning.policy_model import Policy, Silence, Switch, SwitchValue, UtilityRules
from planning.verdict_logic import (
    Decision,
    Reading,
    combine_readings,
    decide,
    outcome_of,
    possible_outcomes,
)

Active = tuple[SwitchValue, ...]  # one value for each switch of the utility, in their order


@dataclass(frozen=True, eq=False)
class Case:
    """One utility with what is said about it. ``given`` holds inputs under every reading."""

    policy: Policy
    rules: UtilityRules
    silence: Silence
    given: Mapping[str, Any]
    active: Active

    def reading(self) -> Reading:
        return combine_readings(self.active)

    def values(self) -> dict[str, Any]:
        """Inputs as the readings in force read them."""
        return as_read(self.given, self.active)

    def decide(self, values: Mapping[str, Any], active: Active | None = None) -> Decision:
        reading = combine_readings(self.active if active is None else active)
        return decide(self.policy, self.rules, values, reading, self.silence)

    def outcome(self, values: Mapping[str, Any], active: Active | None = None) -> str:
        return outcome_of(possible_outcomes(self.policy, self.decide(values, active)))

    def other_outcomes(self) -> Iterator[tuple[str, str, str | None]]:
        """Switch, value and outcome of every reading not in force; no outcome without inputs."""
        for place, switch in enumerate(self.rules.switches):
            current = self.active[place]
            for value in switch.values.values():
                if value is not current:
                    yield switch.id, value.id, self._outcome_with(switch, place, value)

    def _outcome_with(self, switch: Switch, place: int, value: SwitchValue) -> str | None:
        if not _can_read(self.given, switch, self.active[place], value):
            return None
        active = (*self.active[:place], value, *self.active[place + 1 :])
        return self.outcome(as_read(self.given, active), active)


@lru_cache(maxsize=256)
def active_values(rules: UtilityRules, chosen: tuple[tuple[str, str], ...]) -> Active:
    """Value in force of every switch of a utility: the chosen one, else the default.

    Raises ``KeyError`` for a value that a switch does not have.
    """
    wanted = dict(chosen)
    return tuple(one.values[wanted.get(one.id, one.default)] for one in rules.switches)


def read_as(policy: Policy, utility: str, name: str) -> str:
    """The measure that the county reads for an input of a utility's clause, by its defaults."""
    active = active_values(policy.rules[policy_utility(utility)], ())
    return next((value.reads[name] for value in reversed(active) if name in value.reads), name)


def as_read(given: Mapping[str, Any], active: Active) -> dict[str, Any]:
    """Inputs under the names that the conditions ask for, as the active readings read them."""
    values = dict(given)
    for value in active:
        for name, source in value.reads.items():
            if source in given:
                values[name] = given[source]
    return values


def _can_read(
    given: Mapping[str, Any], switch: Switch, current: SwitchValue, value: SwitchValue
) -> bool:
    """Whether the inputs of another reading were given.

    A number given under the plain name belongs to the reading in force, unless that one came under
    its own name.
    """
    needed = list(value.reads.values())
    if value.carve_out is not None:
        needed.append(value.carve_out.condition.input)
    if value.only_when is not None:
        needed.append(value.only_when[1].input)
    for name in {name for other in switch.values.values() for name in other.reads}:
        if name not in value.reads:
            needed += [name, current.reads.get(name, "")]
    return all(name in given for name in needed)

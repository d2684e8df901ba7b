"""Whether a route can only be judged worse as it grows: what the search for one that qualifies
rests on (``planning.qualifying``).

A longer route is longer, takes more greenery, and touches what its parts touch. Where every rule
that such inputs are asked for by only gets stricter with them, a part that does not qualify is in
no route that does. A county may write other rules, such as a clause for lines in city roads only.
They are read and judged by like any; but what a search by parts finds under them proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from layers.utilities import policy_utility
from planning.comparisons import DATED
from planning.judged_routes import QUALIFYING
from planning.measures import MEASURES
from planning.policy_model import Clause, Condition, Guard, Permit, Policy, UtilityRules
from planning.readings import active_values
from planning.verdict_logic import Reading, combine_readings

# Facts that a route has as soon as a part of it does; names of the same fact stand together.
GROWING_FACTS = (
    ("touches_city_road",),
    ("touches_green",),
    ("touches_tree", "tree_moving"),
    ("ancient_tree_or_park",),
    ("on_bridge",),
)
_FACTS = {*(name for names in GROWING_FACTS for name in names), "pit_in_road"}
# Days of the roads that a route digs up: the longer it is the more.
_DAYS = ("road_opened_on", "road_overhauled_on")
# A part beside all roads is cut open, a route of which it is a part may be bored under them.
_OPEN_CUT = "open_cut"
# What of a measure the demand alone tells.
_OF_DEMAND = ("max_dn_mm", "duct_outer_diameter_mm")

# How the truth of a test goes as a route grows; EITHER where that is not known.
FALLS, STAYS, RISES, EITHER = -1, 0, 1, 2


@lru_cache(maxsize=64)
def improving_input(policy: Policy, utility: str) -> str | None:
    """An input by which a route may be judged better as it grows; None where none is.

    Under the readings that are in force by default, in plans. O(conditions of the utility).
    """
    rules = policy.rules[policy_utility(utility)]
    return next(_Growth(policy, rules).improving(), None)


class _Growth:
    """How the tests of a utility's rules go as a route grows."""

    def __init__(self, policy: Policy, rules: UtilityRules) -> None:
        self.policy, self.rules = policy, rules
        active = active_values(rules, ())
        self.reading: Reading = combine_readings(active)
        measured = [
            of for utility, of in MEASURES.items() if policy_utility(utility) == rules.utility
        ]
        self.measures = {name for of in measured for name in of} - {*_OF_DEMAND}
        read = [pair for value in active for pair in value.reads.items()]
        self.measures |= {name for name, source in read if source in self.measures}
        self.moving = {*self.measures, *_FACTS, *_DAYS, _OPEN_CUT}

    def improving(self) -> Iterator[str]:
        """Inputs by which a rule gets milder."""
        levels = self.policy.levels
        mild = [levels[name] for name in QUALIFYING if name in levels]
        if any(level < max(mild) for name, level in levels.items() if name not in QUALIFYING):
            yield from (one.required_when.input for one in self.rules.permits)
        yield from self._silence()
        yield from self._scope()
        for permit in self.rules.permits:
            yield from self._permit(permit)
        for guard in self.rules.guards:
            if guard.outcome not in QUALIFYING:
                yield from self._guard(guard)
        yield from self._clauses()

    # --- tests -----------------------------------------------------------------------------------

    def _goes(self, test: Condition) -> int:
        """How a test goes as a route grows, whatever else is asked with it."""
        if test.comparator == DATED:
            return RISES if test.input in _DAYS and test.date == "dig_date" else EITHER
        if test.input in _FACTS:
            if not isinstance(test.limit, bool) or test.comparator not in ("is", "is_not"):
                return EITHER
            return RISES if test.limit == (test.comparator == "is") else FALLS
        if test.input in self.measures:
            upper, lower = ("at_most", "below"), ("at_least", "above")
            return (
                FALLS if test.comparator in upper else RISES if test.comparator in lower else EITHER
            )
        return EITHER if test.input in (*_DAYS, _OPEN_CUT) else STAYS

    def _goes_in_clause(self, test: Condition) -> int:
        """The same in a clause, where a reading may limit the test to some works."""
        limited_to = self.reading.only_when.get(test.input)
        own, other = self._goes(test), STAYS if limited_to is None else self._goes(limited_to)
        other = -other if other != EITHER else EITHER
        return own if other == STAYS else other if own in (STAYS, other) else EITHER

    # --- rules -----------------------------------------------------------------------------------

    def _silence(self) -> Iterator[str]:
        """What is unknown of a route counts as something: it may be worse once it is known."""
        silence = self.policy.silences["plan"]
        asked = [name for guard in self.rules.guards for name in guard.inputs]
        taken = [*silence.assumed, *silence.same_as, *(asked if silence.guards_not_firing else ())]
        yield from (name for name in taken if name in self.moving)

    def _scope(self) -> Iterator[str]:
        """Routes in scope stay there; measures, which may be unknown, are no matter of it."""
        for test in (one.condition for one in self.policy.scope):
            if self._goes(test) not in (STAYS, FALLS) or test.input in self.measures:
                yield test.input

    def _permit(self, permit: Permit) -> Iterator[str]:
        """A permit is needed for a fact of the route, or by what no route changes.

        The latter may be unknown: then clauses that ask for the route are none.
        """
        test = permit.required_when
        goes = self._goes(test)
        if goes == STAYS:
            tests = [
                one for clause in self.rules.clauses for one in (*clause.all_of, *clause.any_of)
            ]
            tests += [one for guard in self.rules.guards for one in (*guard.all_of, *guard.any_of)]
            if any(one.input in self.measures for one in tests):
                yield test.input
        elif goes != RISES or test.comparator != "is" or test.input not in _FACTS:
            yield test.input
        same = next((names for names in GROWING_FACTS if test.input in names), (test.input,))
        if permit.implied_by in self.moving and permit.implied_by not in same:
            yield str(permit.implied_by)

    def _guard(self, guard: Guard) -> Iterator[str]:
        """A guard may only come to bar.

        Days of a road that a route may dig are told as unknown if they might bar; by the longest of
        several periods, so that they must be one.
        """
        dated = any(one.comparator == DATED and one.input in _DAYS for one in guard.all_of)
        for test in (*guard.all_of, *guard.any_of):
            open_cut = test.input == _OPEN_CUT and test.comparator == "is" and test.limit is True
            if self._goes(test) not in (STAYS, RISES) and not (open_cut and dated):
                yield test.input
            if test.comparator == DATED and test.limit not in self._only_period(test.input):
                yield test.input

    def _only_period(self, name: str) -> tuple[int, ...]:
        """The years that guards ask for after a day, if all ask for the same."""
        guards = (*self.policy.guards, *self.rules.guards)
        tests = [one for guard in guards for one in (*guard.all_of, *guard.any_of)]
        years = {one.limit for one in tests if one.comparator == DATED and one.input == name}
        return tuple(years) if len(years) == 1 else ()

    def _clauses(self) -> Iterator[str]:
        """The first clause that holds decides: none may give way to a milder one."""
        after = {self.rules.otherwise in QUALIFYING}
        for clause in reversed(self.rules.clauses):
            if clause.id in self.reading.disables:
                continue
            own = self._mild(clause)
            for test in (*clause.all_of, *clause.any_of):
                goes = self._goes_in_clause(test)
                milder = True in own and False in after, False in own and True in after
                if (goes in (RISES, EITHER) and milder[0]) or (
                    goes in (FALLS, EITHER) and milder[1]
                ):
                    yield test.input
            yield from self._carved(clause)
            after |= own

    def _mild(self, clause: Clause) -> set[bool]:
        """Whether outcomes that a clause can give qualify."""
        carved = [one.outcome for one in self.reading.carve_outs if one.clause == clause.id]
        outcomes = [clause.outcome, *clause.permit_exception.values(), *carved]
        return {outcome in QUALIFYING for outcome in outcomes}

    def _carved(self, clause: Clause) -> Iterator[str]:
        """Inputs by which works taken out of a clause come to be judged milder, or stay no more."""
        for one in self.reading.carve_outs:
            if one.clause != clause.id:
                continue
            goes = self._goes(one.condition)
            inside, outside = (name in QUALIFYING for name in (one.outcome, clause.outcome))
            allowed = (STAYS, FALLS) if inside else (STAYS, RISES)
            if inside != outside and goes not in allowed:
                yield one.condition.input

"""Policy 政策: the county's plan as data, read from ``rules/counties/<county>/policy.toml``.

The file says what is in scope, which permits and guards there are, the clauses with the words they
quote, the recorded readings of unclear words, and the planning settings of the county. A malformed
file raises ``PolicyError`` that names the file, the entry and the field.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from language import Text
from language import gettext as _
from planning.comparisons import COMPARATORS, DATED
from planning.policy_contradictions import contradiction
from planning.policy_model import (
    Advisory,
    CarveOut,
    Clause,
    Condition,
    Guard,
    Input,
    Permit,
    Planning,
    Policy,
    ScopeTest,
    Setting,
    Silence,
    Switch,
    SwitchValue,
    UtilityRules,
)
from planning.rule_files import CONFIDENCES, Entry, RuleFileError

COUNTIES = Path(__file__).resolve().parent.parent / "rules" / "counties"
INPUT_KINDS = ("number", "integer", "boolean", "enum", "date")
REASONS = ("not_required", "open", "guard", "exception", "met", "failed")
SCOPE_OUTCOME = "not_covered"
OPEN_OUTCOME = "undetermined"
FREE_OUTCOME = "not_required"


class PolicyError(RuleFileError):
    """A county without policy, or a policy file that cannot be used."""


@lru_cache(maxsize=16)
def load_policy(county: str) -> Policy:
    """Policy of a county, by its folder name such as ``411523_xinxian``. Read once.

    Raises
    ------
    PolicyError
        If the county has no policy, or its file cannot be used.
    """
    folders = sorted(path.parent.name for path in COUNTIES.glob("*/policy.toml"))
    if not re.fullmatch(r"[0-9]{6}_[a-z0-9_]+", county) or county not in folders:
        raise PolicyError(
            _("没有县“{county}”的政策文件;可用的县:{folders}").format(
                county=county, folders=_("、").join(folders)
            )
        )
    return read_policy(COUNTIES / county / "policy.toml")


def read_policy(path: Path) -> Policy:
    """Policy of one file, checked; ``PolicyError`` names file, entry and field."""
    name = "/".join(path.parts[-2:])
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        return _policy(Entry(table, file=name, where=_("全文")), name)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        text = _("{file}:不是可读的 TOML:{error}").format(file=name, error=error)
        raise PolicyError(text) from error
    except PolicyError:
        raise
    except RuleFileError as error:
        raise PolicyError(*error.args) from error


def _policy(entry: Entry, file: str) -> Policy:
    entry.integer("schema", least=2)
    outcomes = _outcomes(entry)
    inputs = {one.name: one for one in map(_input, entry.entries("input"))}
    comparison = entry.entry("comparison")
    comparison.choice("rounding", ("half_up",))
    round_to = comparison.number("round_to")
    read = _Reader(inputs=inputs, outcomes=outcomes, round_to=round_to)
    silences = entry.entry("logic").children()
    reasons = entry.entry("reasons")
    parts: dict[str, Any] = {
        "policy_id": entry.text("policy_id"),
        "county": entry.text("county"),
        "crs": entry.text("crs"),
        "zh": entry.text("zh"),
        "file": file,
        "source": entry.mapping("source"),
        "effective": entry.mapping("effective"),
        "round_to": round_to,
        "outcomes": outcomes,
        "inputs": inputs,
        "silences": {key: read.silence(one) for key, one in silences.items()},
        "reasons": {name: reasons.text(name) for name in REASONS},
        "scope": tuple(map(read.scope, entry.entries("scope"))),
        "permits": tuple(map(read.permit, entry.entries("permit"))),
        "never_covered": entry.entry("never_covered").texts("permits"),
        "guards": tuple(map(read.guard, entry.entries("guard"))),
        "clauses": tuple(map(read.clause, entry.entries("clause"))),
        "advisories": tuple(map(read.advisory, entry.entries("advisory"))),
        "switches": {one.id: one for one in map(read.switch, entry.entries("switch"))},
        "promiser": entry.mapping("promiser"),
        "lists": entry.mapping("lists"),
        "after_decision": entry.mapping("after_decision"),
        "planning": _planning(entry.entry("planning")),
    }
    entry.finish()
    _check_links(entry, parts)
    _check_contradictions(entry, parts["clauses"])
    mildest_first = [
        name for name in reversed(list(outcomes)) if name not in (SCOPE_OUTCOME, OPEN_OUTCOME)
    ]
    levels = {name: level for level, name in enumerate(mildest_first)}
    return Policy(**parts, levels=MappingProxyType(levels), rules=_rules_by_utility(parts))


def _outcomes(entry: Entry) -> Mapping[str, str]:
    outcomes = {}
    for one in entry.entries("outcome"):
        outcomes[one.text("id")] = one.text("zh")
        one.skip("note", "quote", "confidence").finish()
    for needed in (SCOPE_OUTCOME, OPEN_OUTCOME, FREE_OUTCOME):
        if needed not in outcomes:
            raise entry.error("outcome", needed, _("缺少必需的结论"), _("补上 [[outcome]]"))
    return MappingProxyType(outcomes)


def _input(entry: Entry) -> Input:
    kind = entry.choice("kind", INPUT_KINDS)
    read = Input(
        name=entry.text("name"),
        zh=entry.text("zh"),
        kind=kind,
        unit=entry.optional_text("unit"),
        allowed=entry.texts("allowed") if kind == "enum" else (),
        surveyed=entry.flag("surveyed", default=False),
        door=entry.flag("door", default=True),
        never=entry.flag("never", default=False),
        words=entry.text("words"),
    )
    entry.finish()
    return read


def _planning(entry: Entry) -> Planning:
    settings = {name: _setting(name, one) for name, one in entry.children().items()}
    usual = [one.name for one in fields(Planning) if one.name != "settings"]
    missing = [name for name in usual if name not in settings]
    if missing:
        raise entry.error(missing[0], None, _("缺少规划参数"), _("补上该参数及其来源"))
    return Planning(settings=settings, **{name: settings[name].value for name in usual})  # type: ignore[arg-type]


def _setting(name: str, entry: Entry) -> Setting:
    per_class = entry.is_table("value")
    read = Setting(
        name=name,
        value={key: float(one) for key, one in entry.numbers("value").items()}
        if per_class
        else float(entry.number("value")),
        unit=entry.text("unit"),
        source=entry.text("source"),
        confidence=entry.choice("confidence", CONFIDENCES),
    )
    entry.finish()
    return read


@dataclass(frozen=True)
class _Reader:
    """Reads the entries that refer to inputs and outcomes."""

    inputs: Mapping[str, Input]
    outcomes: Mapping[str, str]
    round_to: Decimal

    def silence(self, entry: Entry) -> Silence:
        read = Silence(
            assumed=entry.mapping("assumed"),
            same_as=entry.mapping("same_as"),
            guards_not_firing=entry.flag("guards_not_firing"),
            null_is_omitted=entry.flag("null_is_omitted"),
        )
        for name in (*read.assumed, *read.same_as):
            if name not in self.inputs:
                raise entry.error("assumed", name, _("没有这个输入"), _("改用 [[input]] 中的名称"))
        entry.finish()
        return read

    def condition(self, entry: Entry) -> Condition:
        known = (*COMPARATORS, DATED)
        found = [name for name in known if entry.has(name)]
        if len(found) != 1:
            cure = _("写且只写一个:{names}").format(names=_("、").join(known))
            raise entry.error("comparator", _("、").join(found), _("比较方式须恰好一个"), cure)
        about = self.inputs[entry.choice("input", tuple(self.inputs))]
        dated = found[0] == DATED
        read = Condition(
            input=about.name,
            comparator=found[0],
            limit=_limit(entry, found[0], about),
            date=entry.choice("date", tuple(self.inputs)) if dated else None,
            utility=entry.optional_text("utility"),
            quote=entry.optional_text("quote"),
            confidence=entry.choice("confidence", CONFIDENCES, default="inferred"),
            list=entry.optional_text("list"),
            round_to=self.round_to,
        )
        entry.finish()
        return read

    def conditions(self, entry: Entry, name: str) -> tuple[Condition, ...]:
        return tuple(map(self.condition, entry.entries(name))) if entry.has(name) else ()

    def outcome(self, entry: Entry, name: str = "outcome") -> str:
        return entry.choice(name, tuple(self.outcomes))

    def scope(self, entry: Entry) -> ScopeTest:
        read = ScopeTest(
            id=entry.text("id"),
            ref=entry.text("ref"),
            outcome=self.outcome(entry),
            condition=self.condition(entry.entry("condition")),
        )
        entry.finish()
        return read

    def permit(self, entry: Entry) -> Permit:
        read = Permit(
            id=entry.text("id"),
            zh=entry.text("zh"),
            ref=entry.text("ref"),
            required_when=self.condition(entry.entry("required_when")),
            applies_to=entry.texts("applies_to") if entry.has("applies_to") else (),
            implied_by=entry.optional_text("implied_by"),
            not_required_note=entry.optional_text("not_required_note"),
            note=entry.optional_text("note"),
        )
        entry.finish()
        return read

    def guard(self, entry: Entry) -> Guard:
        read = Guard(
            id=entry.text("id"),
            permit=entry.optional_text("permit"),
            outcome=self.outcome(entry),
            ref=entry.text("ref"),
            words=Text(entry.text("words")),
            all_of=self.conditions(entry, "all_of"),
            any_of=self.conditions(entry, "any_of"),
            source=entry.text("source"),
            confidence=entry.choice("confidence", CONFIDENCES),
        )
        entry.finish()
        return read

    def clause(self, entry: Entry) -> Clause:
        exceptions = entry.entry("permit_exception") if entry.has("permit_exception") else None
        read = Clause(
            id=entry.text("id"),
            ref=entry.text("ref"),
            utility=entry.text("utility"),
            outcome=self.outcome(entry),
            otherwise=self.outcome(entry, "else") if entry.has("else") else None,
            all_of=self.conditions(entry, "all_of"),
            any_of=self.conditions(entry, "any_of"),
            permit_exception={}
            if exceptions is None
            else {permit: self.outcome(exceptions, permit) for permit in exceptions.names()},
            permit_exception_note=entry.optional_text("permit_exception_note"),
            certainty=entry.optional_text("certainty"),
            quote=entry.optional_text("quote"),
            note=entry.optional_text("note"),
        )
        entry.finish()
        return read

    def advisory(self, entry: Entry) -> Advisory:
        read = Advisory(
            id=entry.text("id"),
            clause=entry.text("clause"),
            words=Text(entry.text("words")),
            condition=self.condition(entry.entry("condition")) if entry.has("condition") else None,
            confidence=entry.choice("confidence", CONFIDENCES),
        )
        entry.finish()
        return read

    def switch(self, entry: Entry) -> Switch:
        values = {one.id: one for one in map(self.switch_value, entry.entries("value"))}
        read = Switch(
            id=entry.text("id"),
            clause=entry.optional_text("clause"),
            default=entry.choice("default", tuple(values)),
            quote=entry.optional_text("quote"),
            note=entry.optional_text("note"),
            values=values,
        )
        entry.finish()
        return read

    def switch_value(self, entry: Entry) -> SwitchValue:
        reads = entry.mapping("reads") if entry.has("reads") else {}
        for name in (*reads, *reads.values()):
            if name not in self.inputs:
                raise entry.error("reads", name, _("没有这个输入"), _("改用 [[input]] 中的名称"))
        read = SwitchValue(
            id=entry.text("id"),
            words=entry.text("words"),
            reads=reads,
            disables=entry.texts("disables") if entry.has("disables") else (),
            carve_out=self.carve_out(entry) if entry.has("carve_out") else None,
            only_when=self.only_when(entry) if entry.has("only_when") else None,
        )
        entry.finish()
        return read

    def carve_out(self, entry: Entry) -> CarveOut:
        one = entry.entry("carve_out")
        read = CarveOut(
            one.text("clause"), self.outcome(one), self.condition(one.entry("condition"))
        )
        one.finish()
        return read

    def only_when(self, entry: Entry) -> tuple[str, Condition]:
        one = entry.entry("only_when")
        read = (one.choice("input", tuple(self.inputs)), self.condition(one.entry("condition")))
        one.finish()
        return read


def _limit(entry: Entry, comparator: str, about: Input) -> Any:
    if comparator == DATED:
        return entry.integer(comparator, least=1)
    if comparator == "is_one_of":
        return tuple(entry.choices(comparator, about.allowed))
    if about.kind == "boolean":
        return entry.flag(comparator)
    if about.kind == "enum":
        return entry.choice(comparator, about.allowed)
    return entry.number(comparator)


def _check_links(entry: Entry, parts: Mapping[str, Any]) -> None:
    """Names that one entry uses of another: permits, clauses, lists, guard inputs."""
    permits = {permit.id for permit in parts["permits"]}
    clauses = {clause.id for clause in parts["clauses"]}
    links = [("guard.permit", one.permit, permits | {None}) for one in parts["guards"]]
    links += [("advisory.clause", one.clause, clauses) for one in parts["advisories"]]
    for switch in parts["switches"].values():
        links.append(("switch.clause", switch.clause, clauses | {None, "scope"}))
        for value in switch.values.values():
            links += [("switch.disables", one, clauses) for one in value.disables]
    for clause in parts["clauses"]:
        links += [("clause.permit_exception", one, permits) for one in clause.permit_exception]
        for condition in (*clause.all_of, *clause.any_of):
            links.append(("condition.list", condition.list, {*parts["lists"], None}))
    last = {clause.utility: clause for clause in parts["clauses"]}
    links += [("clause.else", clause.otherwise, set(parts["outcomes"])) for clause in last.values()]
    for name, value, known in links:
        if value not in known:
            raise entry.error(name, value, _("指向不存在的条目"), _("改为已有条目的 id"))


def _check_contradictions(entry: Entry, clauses: Sequence[Clause]) -> None:
    """Limits of one clause that nothing can meet together."""
    for clause in clauses:
        found = contradiction(clause.all_of)
        if found is not None:
            told = _("、").join(f"{one.input} {one.comparator} {one.limit}" for one in found)
            rule = _("两个条件互相矛盾,任何管线都不能同时满足")
            raise entry.error(f"clause {clause.id}", told, rule, _("改正其中一个限值"))


def _rules_by_utility(parts: Mapping[str, Any]) -> Mapping[str, UtilityRules]:
    utilities = dict.fromkeys(clause.utility for clause in parts["clauses"])
    return MappingProxyType({utility: _rules_of(utility, parts) for utility in utilities})


def _rules_of(utility: str, parts: Mapping[str, Any]) -> UtilityRules:
    clauses = tuple(one for one in parts["clauses"] if one.utility == utility)
    own = {clause.id for clause in clauses} | {"scope"}
    return UtilityRules(
        utility=utility,
        otherwise=str(clauses[-1].otherwise),
        permits=tuple(
            one for one in parts["permits"] if not one.applies_to or utility in one.applies_to
        ),
        guards=tuple(
            guard for one in parts["guards"] if (guard := _guard_of(utility, one)) is not None
        ),
        clauses=clauses,
        switches=tuple(one for one in parts["switches"].values() if one.clause in own),
        advisories=tuple(one for one in parts["advisories"] if one.clause in own),
    )


def _guard_of(utility: str, guard: Guard) -> Guard | None:
    """The guard as it stands for one utility; ``None`` where it does not concern it."""
    mine = tuple(one for one in guard.any_of if one.utility in (None, utility))
    if guard.any_of and not mine:
        return None
    return replace(guard, any_of=mine)

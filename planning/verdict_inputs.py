"""What the command line gives to judge: checked before anything is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn

from language import gettext as _
from layers.utilities import UtilityError, load_utilities, policy_utility
from planning.comparisons import NEVER, day, is_finite
from planning.policy_model import Input, Policy
from planning.readings import active_values

FIELDS = ("utility", "measures", "facts")


class JudgeInputError(ValueError):
    """An element that cannot be judged; the message names element, field, value, rule and cure."""


@dataclass(frozen=True)
class Element:
    utility: str
    measures: Mapping[str, Any]
    facts: Mapping[str, Any]


def check_elements(
    payload: object, policy: Policy, switches: Mapping[str, str] | None = None
) -> list[Element]:
    """Elements of a payload: one object, or a list of them. One bad element refuses all.

    ``switches`` are the readings in force: they decide which inputs stand for the same thing.
    """
    elements = payload if isinstance(payload, list) else [payload]
    found = []
    for number, one in enumerate(elements, start=1):
        where = _("第{number}个").format(number=number)
        found.append(_element(one, where, policy))
        _refuse_contradiction(found[-1], where, policy, switches or {})
    return found


def check_switches(switches: Mapping[str, str], policy: Policy) -> None:
    """Refuse readings that the policy does not record."""
    for name, value in switches.items():
        switch = policy.switches.get(name)
        if switch is None:
            _refuse(_("开关"), name, value, _("政策没有这个开关"), _one_of(policy.switches))
        elif value not in switch.values:
            _refuse(_("开关"), name, value, _("不是这个开关的取值"), _one_of(switch.values))


def _element(element: object, where: str, policy: Policy) -> Element:
    if not isinstance(element, Mapping):
        _refuse(where, "", element, _("须为对象"), _('写成 {"utility": …, "measures": {…}}'))
    for name in element:
        if name not in FIELDS:
            _refuse(where, name, element[name], _("不认识的字段"), _one_of(FIELDS))
    measures, facts = (_table(element, name, where, policy) for name in ("measures", "facts"))
    for name in measures:
        if name in facts and facts[name] != measures[name]:
            _refuse(where, name, facts[name], _("与 measures 中的值不同"), _("只保留一处"))
    return Element(_utility(element, where), measures, facts)


def _refuse_contradiction(
    element: Element, where: str, policy: Policy, switches: Mapping[str, str]
) -> None:
    """Refuse an input that says something else than the one it is read from."""
    given = {**element.measures, **element.facts}
    rules = policy.rules[policy_utility(element.utility)]
    for reading in active_values(rules, tuple(switches.items())):
        for name, source in reading.reads.items():
            if name in given and source in given and given[name] != given[source]:
                rule = _("与 {source} = {value} 矛盾(现行口径 {reading})").format(
                    source=source, value=given[source], reading=reading.id
                )
                _refuse(where, name, given[name], rule, _("只保留一处"))


def _utility(element: Mapping[str, Any], where: str) -> str:
    utility = element.get("utility")
    allowed = (*load_utilities(), "drainage")
    if not isinstance(utility, str):
        _refuse(where, "utility", utility, _("须写明专业"), _one_of(allowed))
    try:
        policy_utility(utility)
    except UtilityError:
        _refuse(where, "utility", utility, _("没有这个专业"), _one_of(allowed))
    return utility


def _table(element: Mapping[str, Any], name: str, where: str, policy: Policy) -> Mapping[str, Any]:
    table = element.get(name, {})
    if not isinstance(table, Mapping):
        _refuse(where, name, table, _("须为对象"), _('写成 {"名称": 值}'))
    for key, value in table.items():
        known = policy.inputs.get(key)
        if known is None or not known.door:
            accepted = [one.name for one in policy.inputs.values() if one.door]
            _refuse(where, key, value, _("没有这个输入"), _one_of(accepted))
        elif value is not None:
            _check_value(known, value, where)
    return table


def _check_value(known: Input, value: object, where: str) -> None:
    rule = _broken_rule(known, value)
    if rule is not None:
        cure = _("改正,或写 null 表示未知")
        _refuse(where, known.name, value, rule, cure)


def _broken_rule(known: Input, value: object) -> str | None:
    if known.kind == "boolean":
        return None if isinstance(value, bool) else _("须为 true 或 false")
    if known.kind == "enum":
        return None if value in known.allowed else _one_of(known.allowed)
    if known.kind == "date":
        return _broken_date(known, value)
    return _broken_number(known, value)


def _broken_number(known: Input, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return _("须为数字,不能是文字或 true/false")
    if not is_finite(value):
        return _("须为有限的数")
    if value < 0:
        return _("不能为负")
    if known.kind == "integer" and value != int(value):
        return _("须为整数")
    return None


def _broken_date(known: Input, value: object) -> str | None:
    if known.never and value == NEVER:
        return None
    rule = _("须为日期,如 2026-11-22")
    if known.never:
        rule = _("须为日期,如 2026-11-22,或 never 表示从未发生")
    if not isinstance(value, (str, date)):
        return rule
    try:
        day(value)
    except ValueError:
        return rule
    return None


def _one_of(names: Any) -> str:
    return _("可用:{names}").format(names=_("、").join(names))


def _refuse(where: str, name: str, value: object, rule: str, cure: str) -> NoReturn:
    raise JudgeInputError(
        _("{where},字段 {name} = {value}:{rule};{cure}").format(
            where=where, name=name, value=value, rule=rule, cure=cure
        )
    )

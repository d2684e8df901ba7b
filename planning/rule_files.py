"""Reading entries of rule files with checks: errors name file, entry, field, value and cure."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from language import gettext as _

RULES = Path(__file__).resolve().parent.parent / "rules"
_SCHEMAS = RULES.parent / "docs" / "schemas"
CONFIDENCES = ("verified", "inferred", "recalled", "assumed")


class RuleFileError(ValueError):
    """A rule file that cannot be used; the message names file, entry, field, value and cure."""


def read_rows(name: str, needed: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Rows of a CSV file under ``rules/``, as text; an empty cell is ``""``.

    Raises
    ------
    RuleFileError
        If a needed column is missing or a row has too few or too many cells.
    """
    with (RULES / name).open(encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text)
        missing = [one for one in needed if one not in (reader.fieldnames or ())]
        if missing:
            raise RuleFileError(
                _("{file}:缺少列 {columns};请补上").format(file=name, columns=_("、").join(missing))
            )
        rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise RuleFileError(
                _("{file}:第{number}行的列数与表头不同;请改正").format(file=name, number=number)
            )
    return rows


def read_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document that comes in, ``docs/schemas/<name>.json``."""
    schema: dict[str, Any] = json.loads((_SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return schema


class Entry:
    """One table of a TOML file. Each field is taken once; ``finish`` refuses what is left."""

    def __init__(self, table: Mapping[str, Any], *, file: str, where: str) -> None:
        self._table = table
        self._file = file
        self._where = where
        self._taken: set[str] = set()

    def error(self, name: str, value: object, rule: str, cure: str) -> RuleFileError:
        """The error to raise for one field."""
        return RuleFileError(
            _("{file}:{where},字段 {name} = {value}:{rule};{cure}").format(
                file=self._file, where=self._where, name=name, value=value, rule=rule, cure=cure
            )
        )

    def has(self, name: str) -> bool:
        return name in self._table

    def names(self) -> tuple[str, ...]:
        return tuple(self._table)

    def is_table(self, name: str) -> bool:
        return isinstance(self._table.get(name), Mapping)

    def text(self, name: str) -> str:
        value = self._take(name)
        if not isinstance(value, str) or not value:
            raise self.error(name, value, _("须为文字"), _("加引号并填写内容"))
        return value

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if self.has(name) else None

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._take(name)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.error(name, value, _("须为文字列表"), _('写成 ["甲", "乙"]'))
        return tuple(value)

    def choice(self, name: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
        if default is not None and not self.has(name):
            return default
        value = self._take(name)
        if value not in allowed:
            raise self.error(name, value, _("不在允许值之内"), _one_of(allowed))
        return str(value)

    def choices(self, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        values = self.texts(name)
        wrong = [one for one in values if one not in allowed]
        if wrong:
            raise self.error(name, wrong[0], _("不在允许值之内"), _one_of(allowed))
        return values

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        if default is not None and not self.has(name):
            return default
        value = self._take(name)
        if not isinstance(value, bool):
            raise self.error(name, value, _("须为 true 或 false"), _("去掉引号"))
        return value

    def number(self, name: str) -> Decimal:
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or value < 0:
            raise self.error(name, value, _("须为不小于 0 的数"), _("改为数字"))
        return Decimal(value)

    def numbers(self, name: str) -> dict[str, Decimal]:
        inner = self.entry(name)
        return {key: inner.number(key) for key in inner.names()}

    def integer(self, name: str, *, least: int) -> int:
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            rule = _("须为不小于 {least} 的整数").format(least=least)
            raise self.error(name, value, rule, _("改为整数"))
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        value = self._take(name)
        if not isinstance(value, Mapping):
            raise self.error(name, value, _("须为表"), _("写成 [表名] 或 { 键 = 值 }"))
        return dict(value)

    def entry(self, name: str) -> Entry:
        return Entry(self.mapping(name), file=self._file, where=f"{self._where} {name}")

    def children(self) -> dict[str, Entry]:
        """All fields as entries."""
        return {name: self.entry(name) for name in self._table}

    def entries(self, name: str) -> list[Entry]:
        value = self._take(name)
        if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
            raise self.error(name, value, _("须为表的列表"), _("写成 [[{name}]]").format(name=name))
        return [self._child(name, number, one) for number, one in enumerate(value, start=1)]

    def skip(self, *names: str) -> Entry:
        """Accept descriptive fields that nothing reads."""
        self._taken.update(names)
        return self

    def finish(self) -> None:
        """Refuse fields that nothing has asked for."""
        left = [name for name in self._table if name not in self._taken]
        if left:
            rule = _("不认识的字段")
            raise self.error(left[0], self._table[left[0]], rule, _("改正名称或删除"))

    def _child(self, name: str, number: int, table: Mapping[str, Any]) -> Entry:
        label = table.get("id") or table.get("name") or table.get("input") or number
        return Entry(table, file=self._file, where=f"{self._where} {name} {label}")

    def _take(self, name: str) -> Any:
        self._taken.add(name)
        if name not in self._table:
            raise self.error(name, _("(缺)"), _("缺少必需的字段"), _("补上该字段"))
        return self._table[name]


def _one_of(allowed: tuple[str, ...]) -> str:
    return _("改为其中之一:{allowed}").format(allowed=_("、").join(allowed))

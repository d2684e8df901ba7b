"""Problem: one thing wrong with one cell, row or layer, where it is and what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

import pandas as pd

from language import gettext as _
from layers.check_rules import Severity


@dataclass(frozen=True)
class Problem:
    """One finding about one row, or about a layer where ``row`` is None.

    An ``error`` keeps the row out of the store, a ``warning`` is planned with, a ``note`` asks to
    look. ``row`` counts the features of the source file from 1 (of the stored table, where
    ``file`` is a stored version). ``x`` and ``y`` are a place in the workspace CRS, in metres, or
    None; ``extent`` is what to show around it, as west, south, east, north. ``rule_id`` names a
    rule of ``layers.check_rules``, empty where reading a file found the problem; ``key`` tells
    apart several problems of one rule at one feature. ``repair`` names what could put it right.
    """

    layer: str
    file: str
    row: int | None
    feature_id: str | None
    field: str | None
    value: str | None
    rule: str
    cure: str
    severity: Severity = "error"
    x: float | None = None
    y: float | None = None
    rule_id: str = ""
    key: str = ""
    repair: str | None = None
    extent: tuple[float, float, float, float] | None = None

    @property
    def problem_id(self) -> str:
        """The same in every run, whatever the order of rows: layer, feature, field, rule, key."""
        told = (self.layer, self.feature_id or "", self.field or "", self.rule_id, self.key)
        text = "\x1f".join((*told, "" if self.rule_id else self.rule))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values, with the id."""
        return {"problem_id": self.problem_id, **asdict(self)}

    @property
    def message(self) -> str:
        """One Chinese line: file, row, id, field, value, rule and cure."""
        parts = [_("文件 {}").format(self.file)]
        if self.row is not None:
            parts.append(_("第 {} 行").format(self.row))
        if self.feature_id is not None:
            parts.append(_("编号 {}").format(self.feature_id))
        if self.field is not None:
            parts.append(_("字段 {}").format(self.field))
        if self.value is not None:
            parts.append(_("值“{}”").format(self.value))
        return _("{where}:{rule}。{cure}。").format(
            where=" ".join(parts), rule=self.rule, cure=self.cure
        )


def problems_table(problems: Iterable[Problem]) -> pd.DataFrame:
    """Return problems as a table with a fixed set of columns, empty if there are none."""
    columns = [field.name for field in fields(Problem)]
    return pd.DataFrame([asdict(problem) for problem in problems], columns=columns)

"""The rules of the checks: ``check_rules.csv`` says of each its severity, meaning and repair."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Rule:
    """One rule; ``repair`` names a repair of ``layers.repairs``, or is None."""

    rule_id: str
    severity: Severity
    subject: str
    repair: str | None
    zh: str
    en: str


@cache
def check_rules() -> Mapping[str, Rule]:
    """Return the rules by id, in the order of the file."""
    file = Path(__file__).parent / "check_rules.csv"
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    rules = [
        Rule(
            row["rule_id"],
            cast(Severity, row["severity"]),
            row["subject"],
            row["repair"] or None,
            row["zh"],
            row["en"],
        )
        for row in rows
    ]
    return MappingProxyType({rule.rule_id: rule for rule in rules})

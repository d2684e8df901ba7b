"""What the columns of survey tables are called: roles such as ``point_no``, and their columns.

Data: ``survey_columns.csv``, one row for each role with its names, most decisive first.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from layers.headers import plain_names

_HERE = Path(__file__).parent


def role_of(column: object) -> str | None:
    """Return what a column of this name is, None if the name is not known."""
    roles = _roles()
    return next((roles[name] for name in plain_names(column) if name in roles), None)


def roles_in(columns: Iterable[object]) -> dict[str, str]:
    """Return role to column, for the first column of each role."""
    found: dict[str, str] = {}
    for column in columns:
        role = role_of(column)
        if role is not None:
            found.setdefault(role, str(column))
    return found


@cache
def _roles() -> Mapping[str, str]:
    return {
        plain_names(name)[0]: row["role"]
        for row in rows_of("survey_columns.csv")
        for name in row["names"].split("|")
    }


@cache
def rows_of(table: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of a CSV table that lies in this package."""
    with (_HERE / table).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))

"""Utilities 专业: names, colours, tie-in rules and keys into the tables of ``rules/standards``.

Data: ``rules/utilities.toml``, one block per utility, in the order of the interface.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from language import gettext as _

RULES = Path(__file__).resolve().parent.parent / "rules"
TABLES = ("horizontal", "vertical", "cover", "cjj61")
TESTS = ("at_most", "above", "below")


class UtilityError(ValueError):
    """An unknown utility, or a ``rules/utilities.toml`` that cannot be used."""


@dataclass(frozen=True)
class TieIn:
    """What a new line may join: subtypes of lines, kinds of nodes, and inside a line or not.

    Mains of ``station_classes`` (pressure classes) are joined by a station only, unless the new
    line is of that class itself.
    """

    lines: tuple[str, ...]
    nodes: tuple[str, ...]
    inside: bool
    station_classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyRow:
    """Keys of a table for the pipes that pass all tests: (field, test, limit)."""

    keys: tuple[str, ...]
    tests: tuple[tuple[str, str, Any], ...]

    def holds(self, attributes: Mapping[str, Any]) -> bool | None:
        """True, false, or unknown where an attribute asked for is unknown."""
        truths = [_passes(attributes.get(name), test, limit) for name, test, limit in self.tests]
        if False in truths:
            return False
        return None if None in truths else True


@dataclass(frozen=True)
class Utility:
    """One utility; ``handover`` are the kinds of places where its lines are handed over, the usual
    one, on the red line, first.
    """

    key: str
    zh: str
    order: int
    policy_utility: str
    cjj61_code: str
    cjj61_rgb: tuple[int, int, int]
    colour: str
    dash: str
    default_material: str
    tie_in: TieIn
    handover: tuple[str, ...]
    keys: Mapping[str, tuple[KeyRow, ...]]

    @property
    def label(self) -> str:
        """The utility in the language that is spoken."""
        return _(self.zh)

    def keys_for(self, table: str, attributes: Mapping[str, Any]) -> tuple[str, ...]:
        """Keys of a pipe in a table; more where an unknown attribute leaves them open.

        Rows are tried in order; the first that holds ends the search. Empty if none can hold.
        """
        found: list[str] = []
        for row in self.keys[table]:
            truth = row.holds(attributes)
            if truth is not False:
                found.extend(row.keys)
            if truth is True:
                break
        return tuple(found)


@lru_cache(maxsize=1)
def load_utilities() -> Mapping[str, Utility]:
    """Utilities by key, in the order of the file. ``UtilityError`` for an unusable file."""
    return read_utilities(RULES / "utilities.toml")


def read_utilities(path: Path) -> Mapping[str, Utility]:
    """Utilities of one file; ``UtilityError`` names block and field."""
    try:
        blocks = tomllib.loads(path.read_text(encoding="utf-8"))["utility"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise UtilityError(
            _("{file}:读不出 [[utility]]:{error}").format(file=path.name, error=error)
        ) from error
    utilities = [_utility(block, order, path.name) for order, block in enumerate(blocks, start=1)]
    return MappingProxyType({one.key: one for one in utilities})


def policy_utility(key: str) -> str:
    """The plan's name of a utility: sewage and storm are its drainage.

    Raises
    ------
    UtilityError
        For a key that is neither a utility nor a name of the plan.
    """
    utilities = load_utilities()
    if key in utilities:
        return utilities[key].policy_utility
    if any(one.policy_utility == key for one in utilities.values()):
        return key
    raise UtilityError(
        _("没有专业“{key}”;可用:{known}").format(key=key, known=_("、").join(utilities))
    )


def _utility(block: Mapping[str, Any], order: int, file: str) -> Utility:
    try:
        tie_in = block["tie_in"]
        red, green, blue = block["cjj61_rgb"]
        return Utility(
            **{name: str(block[name]) for name in ("key", "zh", "policy_utility", "cjj61_code")},
            order=order,
            cjj61_rgb=(int(red), int(green), int(blue)),
            colour=str(block["colour"]),
            dash=str(block["dash"]),
            default_material=str(block["default_material"]),
            tie_in=TieIn(
                tuple(tie_in["lines"]),
                tuple(tie_in["nodes"]),
                bool(tie_in["inside"]),
                tuple(tie_in.get("station_classes", ())),
            ),
            handover=tuple(map(str, block["handover"])),
            keys=MappingProxyType(
                {table: tuple(map(_key_row, block["keys"][table])) for table in TABLES}
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UtilityError(
            _("{file}:第{order}个 [[utility]] 缺少或写错字段 {error}").format(
                file=file, order=order, error=error
            )
        ) from error


def _key_row(row: Mapping[str, Any]) -> KeyRow:
    tests = tuple(_test(name, limit) for name, limit in row.items() if name != "key")
    keys = row["key"] if isinstance(row["key"], list) else [row["key"]]
    return KeyRow(tuple(map(str, keys)), tests)


def _test(name: str, limit: Any) -> tuple[str, str, Any]:
    for test in TESTS:
        if name.endswith(f"_{test}"):
            return name.removesuffix(f"_{test}"), test, float(limit)
    return name, "is", limit


def _passes(value: Any, test: str, limit: Any) -> bool | None:
    if value is None or value != value:
        return None
    if test == "is":
        return bool(value == limit)
    if test == "at_most":
        return bool(value <= limit)
    return bool(value > limit) if test == "above" else bool(value < limit)

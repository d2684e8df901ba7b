"""Cells of CJJ 61 tables as cells of our fields, and what had to stay blank.

A word that a field has no value for stays in its own column; the field is blank then, and a note
names the words. Words that nobody knows are left as they are, for the checks to report.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pandas as pd

from language import gettext as _
from layers.fields import Field, fold, layer_definition
from layers.quantities import number_in, split_unit
from layers.survey_columns import rows_of

_INEXACT_DATE = re.compile(r"\d{4}(?:年|[-./年]\d{1,2}月?)?")
_CODE_OF_NUMBER = re.compile(r"([A-Za-z]{2})[-_]?\d")
# Role of a column to the field that it fills, and how a cell is read; None: as it stands.
_FIELDS: Mapping[str, str] = {
    "material": "material", "size": "diameter_mm", "laying": "laying", "status": "status",
    "owner": "owner", "built_on": "built_on", "pressure": "pressure_mpa",
    "voltage": "voltage_kv", "holes": "duct_holes", "line_no": "line_id",
    "appurtenance": "kind", "ground_level": "ground_level_m",
}  # fmt: skip
_SHOWN_WORDS = 8


@dataclass(frozen=True)
class Translated:
    """Columns named as fields, and notes on what stayed blank."""

    columns: dict[str, Sequence[object]]
    notes: tuple[str, ...]


def translated(cells: pd.DataFrame, roles: Mapping[str, str], layer: str) -> Translated:
    """Return the fields of a layer that some columns of a survey table fill."""
    definition = layer_definition(layer)
    columns: dict[str, Sequence[object]] = {}
    notes = []
    for role, name in _FIELDS.items():
        if role not in roles or name not in definition.names:
            continue
        original = list(cells[roles[role]])
        read = _reader(definition.field(name), roles[role])
        columns[name] = [None if cell is None else read(cell) for cell in original]
        lost = [
            str(cell)
            for cell, value in zip(original, columns[name], strict=True)
            if cell is not None and value is None
        ]
        if lost:
            notes.append(_blank_note(roles[role], name, lost))
    return Translated(columns, tuple(notes))


def utilities_of(
    cells: pd.DataFrame,
    roles: Mapping[str, str],
    numbers_of: Sequence[str | None],
    stated: str | None,
) -> tuple[list[object], tuple[str, ...]]:
    """Return each row's word for its utility: as stated, in its column, or before its number.

    CJJ 61 numbers points by the code of their utility: JS12 is a point of a water main.
    """
    if stated is not None:
        return [stated] * len(cells), ()
    if "utility" in roles:
        words: list[object] = list(cells[roles["utility"]])
        return words, _mixed_drains_note(words)
    words = [_code_of(number) for number in numbers_of]
    known = sum(word is not None for word in words)
    note = _("没有管线种类列,{} 行的专业取自点号前的代号").format(known)
    return words, ((note,) if known else ()) + _mixed_drains_note(words)


def utility_key(word: object) -> str | None:
    """Return the utility that a word or code means, None if it means none or two."""
    return _field("lines", "utility").values.get(fold(str(word)))


def subtypes_of(words: Sequence[object]) -> list[object]:
    """Return the words that also tell the subtype, such as JP 配水."""
    known = _field("lines", "subtype").values
    return [word if word is not None and fold(str(word)) in known else None for word in words]


def depth_reference(utility: str | None, laying: object) -> str | None:
    """Return where depths are measured to: ``outer_top``, ``inner_bottom`` or None (unknown).

    Source: ``depth_references.csv`` (CJJ 61-2017).
    """
    word = "" if laying is None else fold(str(laying))
    for row in rows_of("depth_references.csv"):
        layings = {fold(one) for one in row["laying"].split("|") if one}
        if row["utility"] in ("", utility) and (not layings or word in layings):
            return row["reference"]
    return None


def _code_of(number: str | None) -> str | None:
    match = _CODE_OF_NUMBER.match(number or "")
    code = match[1].upper() if match else None
    return code if code and (utility_key(code) or code in _mixed_drains()) else None


@cache
def _mixed_drains() -> Mapping[str, str]:
    return {
        fold(word).upper(): word for row in rows_of("mixed_drains.csv") for word in row.values()
    }


def _mixed_drains_note(words: Sequence[object]) -> tuple[str, ...]:
    found = Counter(str(w) for w in words if w is not None and str(w).upper() in _mixed_drains())
    if not found:
        return ()
    return (
        _(
            "{} 没有分清雨水还是污水,不能代为认定。请在表中改为 WS 或 YS,"
            "或分开后用 --set utility=sewage、--set utility=storm 导入"
        ).format(_counted(found)),
    )


def _field(layer: str, name: str) -> Field:
    return layer_definition(layer).field(name)


def _reader(field: Field, column: str) -> Callable[[object], object]:
    unit = split_unit(column)[1] or ""
    readers: Mapping[str, Callable[[object], object]] = {
        "built_on": lambda cell: None if _INEXACT_DATE.fullmatch(str(cell)) else cell,
        # 高压, 中压 and the like stand where numbers may: classes of a standard, no measures.
        "pressure_mpa": lambda cell: _measure(cell, field, unit, other=None),
        "voltage_kv": lambda cell: _measure(cell, field, unit, other=None),
        "laying": lambda cell: _enum(field, cell),
        "status": lambda cell: _enum(field, cell),
        "kind": lambda cell: cell if fold(str(cell)) in field.values else None,
    }
    if field.name in readers:
        return readers[field.name]
    if unit and field.unit and unit != field.unit:
        return lambda cell: _measure(cell, field, unit, other=cell)
    return lambda cell: cell


def _enum(field: Field, cell: object) -> object:
    """Return None for a word of CJJ 61 that the field has no value for."""
    word = fold(str(cell))
    if word in field.values:
        return cell
    rows = [row for row in rows_of("survey_words.csv") if row["field"] == field.name]
    without = {fold(one) for row in rows for one in row["words"].split("|")}
    return None if word in without else cell


def _measure(cell: object, field: Field, unit: str, *, other: object) -> object:
    """Return a number in the field's unit, by the unit of its column; ``other`` if it is none."""
    try:
        number = number_in(str(cell), unit=field.unit, notation=field.notation, given=unit)
    except ValueError:
        return other
    return float(number) if unit and unit != field.unit else cell


def _blank_note(column: str, field: str, words: Sequence[str]) -> str:
    return _("列“{}”中的 {} 不是字段 {} 能存的值,该字段留空").format(
        column, _counted(Counter(words)), field
    )


def _counted(words: Counter[str]) -> str:
    shown = [f"{word}({count})" for word, count in words.most_common(_SHOWN_WORDS)]
    return _("、").join(shown) + ("……" if len(words) > _SHOWN_WORDS else "")

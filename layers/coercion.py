"""Turn the cells of one column into the type that its field asks for."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pandas as pd

from language import gettext as _
from layers.fields import Field, fold
from layers.quantities import number_in

# C0 and C1 controls but tab and line breaks, and halves of surrogate pairs: no text needs them,
# and several writers fail on them.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_DATE = re.compile(
    r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))"
    r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "是", "有"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "否", "无"), False),
}


def coerce(cells: pd.Series, field: Field, *, unit: str = "") -> tuple[np.ndarray, dict[int, str]]:
    """Return the column's values and, for each cell that does not fit, the rule it broke.

    Numbers and integers come as float64 with NaN for unknown, all else as objects with None:
    text, ISO dates or words in their place, enum values, True and False. A bad cell is unknown in
    the result; its key in the second part is its position. Control characters are removed from
    text. ``unit`` is that of numbers without one, the field's own by default; a unit in the cell
    itself goes before it.
    """
    parse = _parser(field, unit)
    numeric = field.type in ("number", "integer")
    values = np.full(len(cells), np.nan if numeric else None, dtype=float if numeric else object)
    broken: dict[int, str] = {}
    for position, cell in enumerate(cells.tolist()):
        try:
            if not is_missing(cell):
                values[position] = parse(cell)
        except ValueError as error:
            broken[position] = str(error)
    return values, broken


def is_missing(cell: object) -> bool:
    """Tell whether a cell is empty: None, NaN, NaT, or text without visible characters."""
    if isinstance(cell, str):
        return not clean_text(cell)
    return (
        cell is None
        or cell is pd.NA
        or cell is pd.NaT
        or (isinstance(cell, float) and math.isnan(cell))
    )


def clean_text(text: str) -> str:
    """Return text without control characters and outer white space."""
    return _CONTROL.sub("", text).strip()


def has_control_characters(text: str) -> bool:
    """Tell whether :func:`clean_text` would remove a control character."""
    return _CONTROL.search(text) is not None


def _parser(field: Field, unit: str) -> Callable[[object], object]:
    if field.type == "number":
        return lambda cell: _number(cell, field.unit, field.notation, unit)
    if field.type == "enum":
        return lambda cell: _enum(cell, field.values, field.allowed)
    if field.type == "date" and field.values:
        return lambda cell: _date_or_word(cell, field)
    return _PARSERS[field.type]


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, bytes):
        raise ValueError(_("须为文字,不能是二进制内容"))
    return clean_text(str(cell)) if isinstance(cell, str) else str(cell)


def _number(cell: object, unit: str = "", notation: str = "", given: str = "") -> float:
    if isinstance(cell, bool):
        raise ValueError(_("须为数字"))
    try:
        number = float(number_in(_text(cell), unit=unit, notation=notation, given=given))
    except ArithmeticError:
        raise ValueError(_("须为数字")) from None
    if not math.isfinite(number):
        raise ValueError(_("须为有限的数字"))
    return number


def _integer(cell: object) -> float:
    number = _number(cell)
    if not number.is_integer():
        raise ValueError(_("须为整数"))
    return number


def _date(cell: object) -> str:
    if isinstance(cell, date):
        return cell.isoformat()[:10]
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", _text(cell)))
    if match is None:
        raise ValueError(_("须为年-月-日,如 2024-05-01"))
    year, month, day = match[1], match[2] or match[4], match[3] or match[5]
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        raise ValueError(_("不是日历上存在的日期")) from None


def _date_or_word(cell: object, field: Field) -> str:
    """A date, or a word that may stand in its place: an event that never was has no day."""
    word = None if isinstance(cell, date) else field.values.get(fold(_text(cell)))
    try:
        return word or _date(cell)
    except ValueError as error:
        raise ValueError(_("{},或“{}”").format(error, field.spelled(field.allowed[0]))) from None


def _boolean(cell: object) -> bool:
    if isinstance(cell, bool | np.bool_):
        return bool(cell)
    known = _BOOLEANS.get(fold(_text(cell)))
    if known is None:
        raise ValueError(_("须为 是 或 否"))
    return known


def _enum(cell: object, spellings: Mapping[str, str], allowed: tuple[str, ...]) -> str:
    value = spellings.get(fold(_text(cell)))
    if value is None:
        raise ValueError(_("须为下列之一:{}").format(_("、").join(allowed)))
    return value


_PARSERS: Mapping[str, Callable[[object], object]] = {
    "text": _text,
    "integer": _integer,
    "date": _date,
    "boolean": _boolean,
}

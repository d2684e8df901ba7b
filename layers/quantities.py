"""Numbers with a unit or in the notation of pipes: ``0.2m``, ``DN200``, ``De110``, ``1000x600``.

A nominal diameter (公称直径, DN) and an outer diameter (外径, De or dn, or outer x wall) are two
things and never taken for one another. Notations that do not tell which, such as Φ200, are asked.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path

from language import gettext as _

_HERE = Path(__file__).parent
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_WITH_UNIT = re.compile(rf"({_NUMBER})\s*([^\d\s.+-][^\d\s]*)")
_NOMINAL = re.compile(rf"D\.?N\.?\s*({_NUMBER})(?:\s*mm)?")
_OUTER = re.compile(rf"(?:de|dn|DE|De|D|Φ|φ|Ø|ø)\s*({_NUMBER})(?:\s*mm)?")
_TIMES = r"\s*[xX×*]\s*"
_WALLED = re.compile(rf"(?:de|dn|DE|De|D|d|Φ|φ|Ø|ø)\s*({_NUMBER}){_TIMES}({_NUMBER})(?:\s*mm)?")
_SECTION = re.compile(rf"({_NUMBER}){_TIMES}({_NUMBER})(?:\s*mm)?")
# Marks that say outer diameter; D and Φ alone are also written for others.
_SURELY_OUTER = ("de", "dn", "DE", "De")
_COLUMN_UNIT = re.compile(r"(.+?)[\s_]*[(\[（【]\s*([^()\[\]（）【】]+?)\s*[)\]）】]")


@dataclass(frozen=True)
class Size:
    """What a cell of a pipe size says, in millimetres; None for what it does not say."""

    nominal_mm: str | None = None
    outer_mm: str | None = None
    width_mm: str | None = None
    height_mm: str | None = None


def half_width(text: str) -> str:
    """Return text with full-width characters made half; its case stays, since DN is not dn."""
    return unicodedata.normalize("NFKC", text).strip()


def size_of(cell: object) -> Size | None:
    """Return what a size in a pipe notation says, None for a cell that is in none of them."""
    if not isinstance(cell, str):
        return None
    text = half_width(cell)
    if match := _NOMINAL.fullmatch(text):
        return Size(nominal_mm=match[1])
    if match := _WALLED.fullmatch(text):
        return Size(outer_mm=match[1])
    if (match := _OUTER.fullmatch(text)) and text.startswith(_SURELY_OUTER):
        return Size(outer_mm=match[1])
    if match := _SECTION.fullmatch(text):
        return Size(width_mm=match[1], height_mm=match[2])
    return None


def number_in(text: str, *, unit: str, notation: str = "", given: str = "") -> Decimal:
    """Return the number of a cell in ``unit``.

    Parameters
    ----------
    unit
        Unit of the field, empty for none.
    notation
        ``nominal`` or ``outer`` where the field is a diameter and takes such notations.
    given
        Unit of numbers that carry none themselves; empty for the field's own.

    Raises
    ------
    ValueError
        With the rule, if it is no number, in no unit of the kind, or another size than asked.
    """
    text = half_width(text)
    try:
        return _scaled(Decimal("_" if "_" in text else text), given or unit, unit, notation)
    except InvalidOperation:
        pass
    if notation:
        size = size_of(text)
        wanted = getattr(size, f"{notation}_mm") if size else None
        if wanted is not None:
            return Decimal(wanted)
        if size is not None or _OUTER.fullmatch(text):
            raise ValueError(_wrong_size(text, notation, size))
    match = _WITH_UNIT.fullmatch(text)
    known = unit_named(match[2]) if match and unit else None
    if match is None or known is None:
        raise ValueError(
            _("须为数字,或带单位的数字,不带其他文字") if unit else _("须为数字,不带单位和其他文字")
        )
    return _scaled(Decimal(match[1]), known, unit, notation)


def unit_named(text: str) -> str | None:
    """Return the unit that a word means, None if it means none."""
    word = half_width(text)
    names = _names()
    return names.get(word) or names.get(word.casefold())


def convertible(one: str, other: str) -> bool:
    """Tell whether two units measure the same kind of thing."""
    table = _units()
    return one in table and other in table and table[one][0] == table[other][0]


def split_unit(column: str) -> tuple[str, str | None]:
    """Return a column's name without a unit in brackets at its end, and that unit."""
    match = _COLUMN_UNIT.fullmatch(half_width(column))
    unit = unit_named(match[2]) if match else None
    return (match[1].strip(), unit) if match and unit else (column, None)


def _scaled(number: Decimal, given: str, unit: str, notation: str) -> Decimal:
    if given == unit or not unit:
        return number
    if not convertible(given, unit):
        raise ValueError(_("单位 {} 不能换算为 {}").format(given, unit))
    if given == "in" and notation == "nominal" and number in _inches():
        return _inches()[number]
    table = _units()
    return number * table[given][1] / table[unit][1]


def _wrong_size(text: str, notation: str, size: Size | None) -> str:
    if size is None:
        return _("写法没有说明是公称直径还是外径,须写作 DN 或 De")
    if size.width_mm is not None:
        return _("是宽×高的断面,不是直径")
    wanted = _("公称直径") if notation == "nominal" else _("外径")
    found = _("公称直径") if size.nominal_mm is not None else _("外径")
    return _("是{},字段须为{}").format(found, wanted)


@cache
def _units() -> Mapping[str, tuple[str, Decimal]]:
    return {row["unit"]: (row["of"], Decimal(row["factor"])) for row in _rows("units.csv")}


@cache
def _names() -> Mapping[str, str]:
    """Spellings of units; exact ones before folded ones, since MPa is not mPa."""
    names: dict[str, str] = {}
    for row in _rows("units.csv"):
        for name in (row["unit"], *filter(None, row["names"].split("|"))):
            names[half_width(name)] = row["unit"]
            names.setdefault(half_width(name).casefold(), row["unit"])
    return names


@cache
def _inches() -> Mapping[Decimal, Decimal]:
    return {Decimal(row["inches"]): Decimal(row["nominal_mm"]) for row in _rows("inch_sizes.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    with (_HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

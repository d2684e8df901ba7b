"""Comparators of the rules: a short closed list over values that may be unknown.

A comparison is true, false or ``None`` (unknown). Numbers are compared as decimals, rounded half
up on their decimal text, because the number judged is the number that the letter prints.
"""

from __future__ import annotations

import math
import re
from calendar import isleap
from collections.abc import Callable, Iterable, Mapping
from datetime import MAXYEAR, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

Truth = bool | None

NEVER = "never"  # a dated event that has not happened, as against one whose date is unknown
DATED = "not_after_years"  # the comparator that asks for a second day
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EXACT = Context(prec=400)  # holds every finite float at any step that letters print


def rounded(number: object, step: Decimal) -> Decimal | None:
    """Number rounded half up to ``step`` on its decimal text; ``None`` for unknown (None, NaN, NA).

    Raises ``ValueError`` for infinity and for what is not a number.
    """
    if is_unknown(number):
        return None
    try:
        return Decimal(str(number)).quantize(step, ROUND_HALF_UP, _EXACT)
    except InvalidOperation:
        raise ValueError(f"not a finite number: {number!r}") from None


def printed(number: object, step: Decimal) -> str:
    """Number as judged: its text rounded half up to ``step``; empty for unknown."""
    number = rounded(number, step)
    return "" if number is None else f"{number:f}"


def is_unknown(value: object) -> bool:
    """Whether a value says nothing: None, NaN, pandas NA or NaT, or a list that holds one."""
    if value is None:
        return True
    if isinstance(value, (list, tuple)):
        return any(map(is_unknown, value))
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, Decimal):
        return value.is_nan()
    return type(value).__name__ in ("NAType", "NaTType")


def is_finite(number: float | Decimal) -> bool:
    """Whether a number is one that JSON can carry; whole numbers may be of any length."""
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def is_true(value: object) -> bool:
    """Whether a value is known and true, a numpy truth included."""
    return not is_unknown(value) and type(value).__name__ in ("bool", "bool_") and bool(value)


def day(value: object) -> date | None:
    """Day of a text YYYY-MM-DD, date or timestamp; ``None`` for unknown, ``ValueError`` otherwise.

    Week dates, dates without hyphens and single digits are refused: they are read in several ways.
    """
    if is_unknown(value):
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return _day_of_text(str(value))


def last_day(start: date, years: int) -> date:
    """Last day of a period of whole years: 29 February ends on the 28th of a common year."""
    year = start.year + years
    if year > MAXYEAR:
        return date.max
    if start.month == 2 and start.day == 29 and not isleap(year):
        return date(year, 2, 28)
    return start.replace(year=year)


def at_most(value: object, limit: Decimal, step: Decimal) -> Truth:
    """Whether the rounded number reaches the limit at most; ``None`` if unknown."""
    number = rounded(value, step)
    return None if number is None else number <= limit


def below(value: object, limit: Decimal, step: Decimal) -> Truth:
    """Whether the rounded number is less than the limit; ``None`` if unknown."""
    number = rounded(value, step)
    return None if number is None else number < limit


def at_least(value: object, limit: Decimal, step: Decimal) -> Truth:
    """Whether the rounded number is the limit or more; ``None`` if unknown."""
    number = rounded(value, step)
    return None if number is None else number >= limit


def above(value: object, limit: Decimal, step: Decimal) -> Truth:
    """Whether the rounded number is more than the limit; ``None`` if unknown."""
    number = rounded(value, step)
    return None if number is None else number > limit


def equals(value: object, wanted: object, step: Decimal) -> Truth:
    """Whether the value is the wanted one, numbers after rounding; ``None`` if unknown."""
    if is_unknown(value):
        return None
    if isinstance(wanted, Decimal):
        return rounded(value, step) == wanted
    return bool(value == wanted)


def differs(value: object, wanted: object, step: Decimal) -> Truth:
    """Whether the value is not the wanted one; ``None`` if unknown."""
    same = equals(value, wanted, step)
    return None if same is None else not same


def is_one_of(value: object, wanted: tuple[str, ...], _step: Decimal) -> Truth:
    """Whether the value is among the wanted ones; ``None`` if unknown."""
    return None if is_unknown(value) else value in wanted


def not_after_years(start: object, years: int, on: object) -> Truth:
    """Whether day ``on`` is not later than ``years`` after ``start``, the last day included.

    ``start`` may be a list of days (several roads): one that holds decides, else an unknown one.
    """
    if isinstance(start, (list, tuple)):
        return any_holds(not_after_years(one, years, on) for one in start)
    if start == NEVER:
        return False
    begins, when = day(start), day(on)
    if begins is None or when is None:
        return None
    return when <= last_day(begins, years)


def last_day_of_works(last: str | None, planned: str | None, years: int, on: date) -> str | None:
    """The day of the last works before day ``on``, None where it is not known, as ISO text.

    Works planned later than those on record, and due by then, may be done or may not: the day
    is unknown unless ``on`` is within so many ``years`` of what is on record anyway. What is on
    record as finished later bars nothing yet, and hides which were the last ones before.
    """
    if last is not None and last != NEVER and last > on.isoformat():
        return None
    if last is None or planned is None or planned > on.isoformat():
        return last
    superseded = last == NEVER or planned > last
    return None if superseded and not not_after_years(last, years, on) else last


def any_holds(truths: Iterable[Truth]) -> Truth:
    """Three-valued or: false for none."""
    unknown = False
    for truth in truths:
        if truth:
            return True
        unknown = unknown or truth is None
    return None if unknown else False


def all_hold(truths: Iterable[Truth]) -> Truth:
    """Three-valued and: true for none."""
    unknown = False
    for truth in truths:
        if truth is False:
            return False
        unknown = unknown or truth is None
    return None if unknown else True


COMPARATORS: Mapping[str, Callable[..., Truth]] = {
    "at_most": at_most,
    "below": below,
    "at_least": at_least,
    "above": above,
    "is": equals,
    "is_not": differs,
    "is_one_of": is_one_of,
}

NUMERIC = ("at_most", "below", "at_least", "above")


def margin(comparator: str, value: object, limit: Any, step: Decimal) -> Decimal | None:
    """What is left to a numeric limit, negative past it; ``None`` where that has no meaning."""
    if comparator not in NUMERIC:
        return None
    number = rounded(value, step)
    if number is None:
        return None
    room: Decimal = limit - number
    return room if comparator in ("at_most", "below") else -room


@lru_cache(maxsize=4096)
def _day_of_text(text: str) -> date:
    if not _ISO_DAY.fullmatch(text):
        raise ValueError(f"not a day as YYYY-MM-DD: {text!r}")
    return date.fromisoformat(text)

"""Numbers of the page as letters print them: formatted here and nowhere else."""

from __future__ import annotations

from decimal import Decimal

from planning.comparisons import rounded
from ui import words


def metres(value: float | None) -> str:
    """Two decimals, as letters print it; a dash for what is unknown."""
    return "—" if value is None else f"{rounded(value, Decimal('0.01')):,f}"


def signed(value: float) -> str:
    """A difference with its sign, two decimals."""
    text = words.value(value, "m")
    return text if value < 0 else f"+{text}"


def money(value: float | None) -> str:
    """Yuan in units of ten thousand, two decimals."""
    return "—" if value is None else f"{value / 10000:,.2f}"

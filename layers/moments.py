"""Moments 时刻: stored as ISO text in UTC, told on the clock of this machine."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """This moment as ISO text in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def moment(at: str) -> str:
    """A stored moment by the local clock, with its difference to UTC; any other text as it is.

    >>> moment("yesterday")
    'yesterday'
    """
    local = _local(at)
    return at if local is None else f"{local:%Y-%m-%d %H:%M} {local.isoformat()[-6:]}"


def day_of(at: str) -> str:
    """The local day of a stored moment; any other text as it is."""
    local = _local(at)
    return at if local is None else f"{local:%Y-%m-%d}"


def _local(at: str) -> datetime | None:
    try:
        return datetime.fromisoformat(at).astimezone()
    except (ValueError, OverflowError):
        return None

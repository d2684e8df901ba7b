"""Moments are stored in UTC and told on the clock of the machine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from layers.moments import day_of, moment, now


@pytest.fixture(autouse=True)
def china(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("at", "told", "day"),
    [
        ("2026-11-30T11:31:05+00:00", "2026-11-30 19:31 +08:00", "2026-11-30"),
        ("2026-11-30T17:00:00+00:00", "2026-12-01 01:00 +08:00", "2026-12-01"),
        ("2026-11-30T09:00:00+08:00", "2026-11-30 09:00 +08:00", "2026-11-30"),
        ("前天", "前天", "前天"),
        ("", "", ""),
    ],
)
def test_a_moment_is_told_by_the_local_clock(at: str, told: str, day: str) -> None:
    assert (moment(at), day_of(at)) == (told, day)


def test_what_is_stored_is_utc() -> None:
    assert now().endswith("+00:00")

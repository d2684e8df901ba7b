"""When Python looks for objects that nothing but each other holds, and freed memory."""

from __future__ import annotations

import gc
import platform
from collections.abc import Iterator
from weakref import ref

import pytest

from benchmarks.measuring import resident_mb
from gis.garbage import hand_back, leave_alone, uncollected
from tests.conftest import require


class _Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_left_alone_goes_with_the_next_call_once_nothing_holds_it() -> None:
    county = _Cycle()
    seen = ref(county)
    leave_alone()
    del county
    gc.collect()
    assert seen() is not None
    leave_alone()
    assert seen() is None


def test_what_is_made_later_is_looked_at() -> None:
    leave_alone()
    later = ref(_Cycle())
    gc.collect()
    assert later() is None


def test_nothing_is_looked_for_meanwhile_and_then_as_before() -> None:
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_memory_freed_between_what_stays_goes_back() -> None:
    require(platform.libc_ver()[0] == "glibc", "glibc, which keeps memory back,")
    kept = [bytes(20_000) for _ in range(4_000)]  # 80 MB
    del kept[1::2], kept[1::2]  # three of four
    before_mb = resident_mb()
    hand_back()
    assert before_mb - resident_mb() > 30
    assert len(kept) == 1_000

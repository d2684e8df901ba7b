"""Garbage: when Python looks for objects that nothing but each other holds, and freed memory.

A county made ready is a million objects that stay. Each look goes over all of them, and takes as
long as a click.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_C_LIBRARY = None if sys.platform == "win32" else ctypes.CDLL(None)


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles meanwhile: of the many small objects that are made hardly any has one."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def leave_alone() -> None:
    """Leave all that is there now out of looks for cycles, until the next call.

    What an earlier call left out is looked at once more: a county that is needed no more goes.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def hand_back() -> None:
    """Give memory that was freed back to the system, where its C library keeps it for later.

    Of what is freed between shapes that stay glibc hands back nothing by itself.
    """
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim is not None:
        trim(0)

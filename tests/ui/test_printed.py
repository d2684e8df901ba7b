"""Figures on the page are those that were judged: rounded half up on their decimal text."""

from __future__ import annotations

from ui import words
from ui.numbers import metres


def test_figures_are_rounded_half_up_as_they_are_judged() -> None:
    # 200.005 lies below 200.005 as a binary number; judged and printed it is 200.01.
    assert metres(200.005) == "200.01"
    assert metres(1234.5) == "1,234.50"
    assert metres(None) == "—"
    assert words.value(200.005, "m") == "200.01"
    assert words.value(-0.001, "m") == "0.00"

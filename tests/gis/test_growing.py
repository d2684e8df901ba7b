"""Arrays that rows are only added to."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gis.growing import Growing


@given(st.lists(st.lists(st.integers(-9, 9), max_size=200), max_size=12))
def test_rows_are_those_added_one_after_another(parts: list[list[int]]) -> None:
    numbers, pairs, things = Growing(np.int64), Growing(float, 2), Growing(object)
    before: list[int] = []
    for part in parts:
        seen = numbers.rows
        numbers.add(np.array(part, np.int64))
        pairs.add(np.array([(one, -one) for one in part], float).reshape(-1, 2))
        things.add(np.array([f"{one}" for one in part], object))
        assert seen.tolist() == before  # what was read stays as it was
        before += part
    assert len(numbers) == len(pairs) == len(things) == len(before)
    assert numbers.rows.tolist() == before
    assert pairs.rows.tolist() == [[one, -one] for one in before]
    assert things.rows.tolist() == [f"{one}" for one in before]
    assert numbers[np.arange(len(before))[::-1]].tolist() == before[::-1]


def test_adding_row_by_row_copies_what_is_there_seldom() -> None:
    rows = Growing(np.int64)
    rooms = set()
    for one in range(10_000):
        rows.add(np.array([one]))
        rooms.add(rows.rows.__array_interface__["data"][0])
    assert len(rooms) < 20
    assert rows.rows.tolist() == list(range(10_000))

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gis.handing_on import Exchange

NONE = np.zeros(0, np.int64)


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[int, list[int], list[int]]:
    """How many rows there are, which go, and before which of those that stay others come."""
    count = draw(st.integers(0, 12))
    gone = sorted(draw(st.sets(st.integers(0, count - 1)))) if count else []
    place = st.integers(0, count - len(gone))
    return count, gone, sorted(draw(st.lists(place, max_size=8)))


def naive(old: list[int], new: list[int], gone: list[int], place: list[int]) -> list[int]:
    kept = [one for row, one in enumerate(old) if row not in gone]
    for row, one in reversed(list(zip(place, new, strict=True))):
        kept.insert(row, one)
    return kept


@given(exchanges())
def test_rows_go_and_come_where_they_are_told_to(drawn: tuple[int, list[int], list[int]]) -> None:
    count, gone, place = drawn
    old, new = list(range(count)), [100 + row for row in range(len(place))]
    stays = Exchange(np.array(gone, np.int64), NONE)
    rows = stays.after(np.array(place, np.int64))
    found = rows.of(np.array(old, np.int64), np.array(new, np.int64))
    assert found.tolist() == naive(old, new, gone, place)
    kept = stays.of(np.array(old, np.int64), NONE)
    again = Exchange(NONE, np.array(place, np.int64)).of(kept, np.array(new, np.int64))
    assert again.tolist() == found.tolist()


@given(exchanges())
def test_rows_are_exchanged_by_the_numbers_that_they_had(
    drawn: tuple[int, list[int], list[int]],
) -> None:
    count, gone, place = drawn
    old, new = list(range(count)), [100 + row for row in range(len(place))]
    before = np.array(naive(old, [-1] * len(place), gone, place), np.int64)
    rows = Exchange.told_by(before, count)
    found = rows.of(np.array(old, np.int64), np.array(new, np.int64))
    assert found.tolist() == naive(old, new, gone, place)


def test_where_nothing_goes_or_comes_the_column_is_the_very_same() -> None:
    column = np.arange(4)
    assert Exchange(NONE, NONE).of(column, NONE) is column

"""Lines noded again after some have changed are what they are noded from nothing."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString

from gis.noding import Network, noded
from gis.renoding import noded_again

Points = list[tuple[int, int]]
# A coarse grid: lines cross, touch, overlap, wind and meet their own ends.
place = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda xy: (40 * xy[0], 40 * xy[1]))
line = st.lists(place, min_size=2, max_size=5).filter(lambda xy: len(set(xy)) > 1)
level = st.integers(0, 1)
drawn = st.lists(st.tuples(line, level), min_size=1, max_size=8)


def _arrays(lines: list[tuple[Points, int]]) -> tuple[np.ndarray, np.ndarray]:
    shapes = np.array([LineString(xy) for xy, _ in lines], object)
    return shapes, np.array([storey for _, storey in lines], np.int64)


def _assert_equal(one: Network, two: Network) -> None:
    assert shapely.equals_exact(one.pieces.lines, two.pieces.lines, 1e-6).all()
    for name in ("parent", "start_m", "end_m"):
        np.testing.assert_allclose(getattr(one.pieces, name), getattr(two.pieces, name), atol=1e-6)
    np.testing.assert_allclose(one.node_xy[one.ends], two.node_xy[two.ends], atol=1e-6)
    # Equal ends have one number in the one where they have one in the other.
    pairs = set(zip(one.ends.ravel().tolist(), two.ends.ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(one.ends)) == len(np.unique(two.ends))


@settings(deadline=None, max_examples=150)
@given(drawn, st.data())
def test_lines_noded_again_are_what_they_are_noded_from_nothing(
    lines: list[tuple[Points, int]], data: st.DataObject
) -> None:
    before = noded(*_arrays(lines))
    stays = data.draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines)))
    stood = [number for number, stay in enumerate(stays) if stay]
    after = [(lines[number], number) for number in stood]
    for one in data.draw(st.lists(st.tuples(line, level), max_size=3)):
        after.insert(data.draw(st.integers(0, len(after))), (one, -1))
    if not after:
        return
    shapes, levels = _arrays([one for one, _ in after])
    number = np.array([was for _, was in after], np.int64)
    again, pieces = noded_again(before, shapes, levels, number)
    _assert_equal(again.network, noded(shapes, levels).network)
    stood_now = np.flatnonzero(pieces >= 0)
    for now, was in zip(stood_now.tolist(), pieces[stood_now].tolist(), strict=True):
        assert again.network.pieces.lines[now] is before.network.pieces.lines[was]
    # What was noded again can be noded again.
    once_more, _ = noded_again(again, before.lines, before.level, _numbers(number, len(lines)))
    _assert_equal(once_more.network, before.network)


def _numbers(was: np.ndarray, count: int) -> np.ndarray:
    number = np.full(count, -1)
    number[was[was >= 0]] = np.flatnonzero(was >= 0)
    return number


def test_pieces_of_lines_that_meet_no_changed_one_are_the_very_same() -> None:
    # A ladder of ten rungs between two rails; the fourth rung is moved by 5 m.
    rails = [([(0, 0), (1000, 0)], 0), ([(0, 100), (1000, 100)], 0)]
    rungs = [([(100 * k + 50, 0), (100 * k + 50, 100)], 0) for k in range(10)]
    before = noded(*_arrays([*rails, *rungs]))
    rungs[3] = ([(355, 0), (355, 100)], 0)
    number = np.array([0, 1, 2, 3, 4, -1, 6, 7, 8, 9, 10, 11])
    _, pieces = noded_again(before, *_arrays([*rails, *rungs]), number)
    # Each rail has eleven pieces, of which the two at the rung are others; so is the rung.
    assert np.count_nonzero(pieces < 0) == 2 * 2 + 1
    assert len(pieces) == 2 * 11 + 10

"""Keys of rows, lines and shapes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from shapely.geometry import Point, box

from gis.keys import alike, once_each, runs_alike


def test_shapes_that_are_equal_to_the_bit_are_of_one_kind() -> None:
    shapes = [box(0, 0, 1, 1), Point(2, 3), box(0, 0, 1, 1 + 1e-15), Point(2, 3), box(0, 0, 1, 1)]
    first, kind = alike(np.array(shapes, object))
    assert first.tolist() == [0, 1, 2]
    assert kind.tolist() == [0, 1, 2, 1, 0]


def test_of_no_shapes_there_is_no_kind() -> None:
    first, kind = alike(np.zeros(0, object))
    assert len(first) == len(kind) == 0


def test_of_equal_texts_in_a_column_one_is_held() -> None:
    found = once_each(pd.Series(["strip", "bore", "strip"], dtype="str"))
    assert found.tolist() == ["strip", "bore", "strip"]
    assert found[0] is found[2]


def test_runs_are_alike_where_they_hold_the_same_in_the_same_order() -> None:
    # (3, 5), (3), (), (5, 3), (3, 5), (3), (0)
    values, starts = np.array([3, 5, 3, 5, 3, 3, 5, 3, 0]), np.array([0, 2, 3, 3, 5, 7, 8, 9])
    kind = runs_alike(values, starts)
    assert pd.factorize(kind)[0].tolist() == [0, 1, 2, 3, 0, 1, 4]


def test_of_no_runs_there_is_no_kind() -> None:
    none = np.zeros(0, np.int64)
    assert runs_alike(none, np.zeros(1, np.int64)).tolist() == []
    assert runs_alike(none, np.zeros(3, np.int64)).tolist() == [0, 0]

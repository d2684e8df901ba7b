"""Keys of rows, lines and shapes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from shapely.geometry import Point, box

from gis.keys import alike, once_each


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

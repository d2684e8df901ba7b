"""Patched trees hold what a tree built anew holds."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.patched_tree import PatchedTree, patched

PLACES = st.tuples(st.integers(0, 9), st.integers(0, 9))


def _pairs(tree: object, asked: object, **how: object) -> set[tuple[int, ...]]:
    return set(map(tuple, np.atleast_2d(tree.query(asked, **how)).T.tolist()))  # type: ignore[attr-defined]


@given(
    st.lists(PLACES, min_size=40, max_size=60),
    st.lists(st.tuples(st.sets(st.integers(0, 39), max_size=5), st.lists(PLACES, max_size=2))),
    st.lists(PLACES, min_size=1, max_size=4),
)
def test_a_tree_patched_again_and_again_answers_as_one_built_anew(
    places: list[tuple[int, int]],
    changes: list[tuple[set[int], list[tuple[int, int]]]],
    asked: list[tuple[int, int]],
) -> None:
    shapes = shapely.points(places)
    tree = shapely.STRtree(shapes)
    for gone, come in changes:
        kept = np.ones(len(shapes), bool)
        kept[[row for row in gone if row < len(shapes)]] = False
        number = np.where(kept, np.cumsum(kept) - 1, -1)
        new = shapely.points(come) if come else np.zeros(0, object)
        came = np.arange(kept.sum(), kept.sum() + len(new))
        shapes = np.concatenate([shapes[kept], new])
        tree = patched(tree, number, shapes, came)
    anew, points = shapely.STRtree(shapes), shapely.points(asked)
    near = {"predicate": "dwithin", "distance": 1.5}
    for how in ({}, {"predicate": "intersects"}, near):
        assert _pairs(tree, points, **how) == _pairs(anew, points, **how)
        assert _pairs(tree, points[0], **how) == _pairs(anew, points[0], **how)


def test_a_few_new_shapes_do_not_build_all_anew_and_many_do() -> None:
    shapes = shapely.points(np.arange(200.0).reshape(100, 2))
    tree, number = shapely.STRtree(shapes[:97]), np.arange(97)
    assert isinstance(patched(tree, number, shapes, np.arange(97, 100)), PatchedTree)
    tree, number = shapely.STRtree(shapes[:50]), np.arange(50)
    assert isinstance(patched(tree, number, shapes, np.arange(50, 100)), shapely.STRtree)

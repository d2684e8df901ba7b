"""Patched trees: the R-tree of shapes of which a few came and went, without building it anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import IntArray

# Where more shapes than this share are new, a tree of all is sooner asked than two.
_MOST_NEW = 0.05


class Tree(Protocol):
    """What is asked of an R-tree: which shapes it holds near others, in any order."""

    def query(
        self, geometry: Any, predicate: Any = None, distance: Any = None
    ) -> NDArray[np.int64]:
        """As ``shapely.STRtree.query``."""


@dataclass(frozen=True)
class PatchedTree:
    """A tree after a change: that of ``before``, and one of the shapes that came.

    ``number`` is what each shape of ``before`` is now, -1 for one that is gone; ``came`` are the
    shapes of ``fresh``.
    """

    before: shapely.STRtree
    number: IntArray
    fresh: shapely.STRtree
    came: IntArray

    def query(
        self, geometry: Any, predicate: Any = None, distance: Any = None
    ) -> NDArray[np.int64]:
        """As ``shapely.STRtree.query``, in another order."""
        asked = geometry, predicate, distance
        stood, fresh = (np.atleast_2d(tree.query(*asked)) for tree in (self.before, self.fresh))
        pairs = np.concatenate([stood, fresh], axis=1)
        pairs[-1] = np.concatenate([self.number[stood[-1]], self.came[fresh[-1]]])
        pairs = pairs[:, pairs[-1] >= 0]
        return pairs if len(pairs) == 2 else pairs[0]


def tree_of(shapes: NDArray[Any]) -> Tree:
    """The R-tree of shapes."""
    tree: Tree = shapely.STRtree(shapes)
    return tree


def patched(tree: Tree, number: IntArray, shapes: NDArray[Any], came: IntArray) -> Tree:
    """The tree of all ``shapes`` now.

    Parameters
    ----------
    tree
        The ``shapely.STRtree`` or patched tree of the shapes before.
    number
        What each of those is now, -1 for one that is gone.
    came
        The numbers of those that are new.
    """
    if isinstance(tree, PatchedTree):
        still = tree.came[number[tree.came] >= 0]
        now = np.append(number, -1)[tree.number]
        before, came = tree.before, np.concatenate([number[still], came])
    else:
        before, now = tree, number
    if len(came) > _MOST_NEW * len(shapes):
        return tree_of(shapes)
    return PatchedTree(before, now, shapely.STRtree(shapes[came]), came)

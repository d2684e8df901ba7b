"""Ancient trees 古树名木: how far their protection zones reach from the trunk.

A zone ends at the county's distance beyond the edge of the crown 树冠. Where nobody recorded the
crown it begins at the trunk at least, and at the edge of the widest usual crown at most: what lies
between is in it or not, which is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from planning.comparisons import Truth
from planning.policy_model import Planning

# What tells of a crown: its radius, or the width across it (冠幅).
_CROWN = ["crown_radius_m", "crown_width_m"]


@dataclass(frozen=True)
class AncientTrees:
    """Trees that are ancient (True) or may be (None): their ``row`` in the layer, and their trunks.

    What keeps ``most_m`` from the trunk is outside the zone, what is within ``least_m`` inside.
    """

    row: IntArray
    trunks: NDArray[Any]
    is_ancient: NDArray[np.object_]
    least_m: FloatArray
    most_m: FloatArray

    @property
    def reach_m(self) -> float:
        """No zone reaches farther from its trunk; 0 without any."""
        return float(self.most_m.max(initial=0.0))

    @property
    def lack_crowns(self) -> bool:
        """Whether the crown of any is unknown."""
        return bool((self.least_m < self.most_m).any())

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.trunks)

    def near(self, strips: NDArray[Any]) -> tuple[IntArray, IntArray, NDArray[np.bool_]]:
        """Pairs of strips and trees whose zone they may enter, and whether they surely do."""
        strip, tree = self._tree.query(strips, predicate="dwithin", distance=self.reach_m)
        gap_m = shapely.distance(strips[strip], self.trunks[tree])
        kept = gap_m <= self.most_m[tree]
        strip, tree = strip[kept].astype(np.int64), tree[kept].astype(np.int64)
        return strip, tree, gap_m[kept] <= self.least_m[tree]

    def entered(self, strips: NDArray[Any]) -> list[Truth]:
        """For each strip whether it enters a zone; None where it may."""
        found: list[Truth] = [False] * len(strips)
        for strip, tree, surely in zip(*map(np.ndarray.tolist, self.near(strips)), strict=True):
            if surely and self.is_ancient[tree]:
                found[strip] = True
            elif found[strip] is False:
                found[strip] = None
        return found


def ancient_trees(trees: gpd.GeoDataFrame, settings: Planning) -> AncientTrees:
    """The trees of a layer that are or may be ancient, with their zones."""
    ancient = trees["ancient"].to_numpy(object)
    row = np.flatnonzero([one is not False for one in ancient])
    # Stored before they were fields, columns are missing: nobody said anything.
    radius_m, width_m = trees.reindex(columns=_CROWN).iloc[row].to_numpy(float).T
    crown_m = np.fmax(radius_m, width_m / 2)
    zone_m, usual_m = settings.ancient_tree_zone_m, settings.value("ancient_crown_radius_m")
    return AncientTrees(
        row,
        np.asarray(trees.geometry.array)[row],
        ancient[row],
        zone_m + np.nan_to_num(crown_m, nan=0.0),
        zone_m + np.nan_to_num(crown_m, nan=usual_m),
    )

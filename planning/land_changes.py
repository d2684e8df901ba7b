"""Land changes: parcels, buildings, water and rails that an edit has put elsewhere.

Corridors know them by their shapes alone: whatever else is told of them moves nothing. And a
building well inside a parcel shuts no ground that the parcel does not shut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from layers.survey import Survey
from planning.bent_feet import kept_clear
from planning.survey_changes import Change

# Layers that corridors know by the shapes of their features alone.
_BY_SHAPE = ("parcels", "buildings", "water_bodies", "railways")


def moved_land(
    before: Survey, after: Survey, changed: Mapping[str, Change], clearance_m: float
) -> dict[str, Change]:
    """The changes of every layer without those that leave the ground as open as it was.

    ``clearance_m`` is what lines that go round land keep from it.
    """
    moved = dict(changed)
    for layer in _BY_SHAPE:
        if layer in changed:
            tables = before.tables[layer], after.tables[layer]
            moved[layer] = _elsewhere(*tables, changed[layer].ids)
    parcels = after.get("parcels")
    if "buildings" in moved and parcels is not None:
        others = moved["parcels"].ids if "parcels" in moved else frozenset()
        standing = np.asarray(parcels.geometry.array)[~parcels.index.isin(others)]
        ids, shapes = moved["buildings"].ids, moved["buildings"].shapes
        held = _well_inside(shapes, standing, clearance_m)
        moved["buildings"] = Change(ids, shapes[~held])
    return {layer: change for layer, change in moved.items() if len(change.shapes)}


def _elsewhere(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, ids: frozenset[str]) -> Change:
    """The features among some that are of another shape now, came or went."""
    one, two = (table.geometry[table.index.isin(ids)] for table in (before, after))
    both = one.index.intersection(two.index)
    same = shapely.equals_exact(np.asarray(one[both].array), np.asarray(two[both].array), 0.0)
    stay = both[same]
    left = [shapes[~shapes.index.isin(stay)] for shapes in (one, two)]
    gone = frozenset(str(key) for shapes in left for key in shapes.index)
    return Change(gone, np.concatenate([np.asarray(shapes.array) for shapes in left]))


def _well_inside(shapes: NDArray[Any], land: NDArray[Any], clearance_m: float) -> NDArray[np.bool_]:
    """Which shapes lie inside one piece of land, with what is kept clear of both."""
    place, piece = shapely.STRtree(shapes).query(land, "contains_properly")[::-1]
    wide, wider = (kept_clear(x, clearance_m) for x in (shapes[place], land[piece]))
    held = np.zeros(len(shapes), bool)
    held[place[shapely.contains_properly(wider, wide)]] = True
    return held

"""Edges of roads: their kerbs and red lines, and how exactly these were surveyed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.linear import FloatArray

if TYPE_CHECKING:
    from planning.groundwork import Groundwork

# Where a groundwork keeps what is told of all kerbs, and of all red lines.
KERBS, RED_LINES = "kerbs", "red_lines"


class About(NamedTuple):
    """Surveyed features: their layer, what of them counts, id and tolerance."""

    layer: NDArray[Any]
    what: NDArray[Any]
    feature_id: NDArray[Any]
    tolerance_m: FloatArray

    def take(self, pick: Any) -> About:
        """Some of the features."""
        return About(*(column[pick] for column in self))

    def row(self, number: int) -> tuple[tuple[str, str, str], float]:
        """Layer, what and id of one of the features, and its tolerance."""
        layer, what, feature_id, tolerance_m = (column[number] for column in self)
        return (layer, what, feature_id), float(tolerance_m)

    @classmethod
    def alike(cls, layer: str, what: str, ids: NDArray[Any], tolerance_m: FloatArray) -> About:
        """Features of one layer of which the same counts."""
        count = len(ids)
        told = (np.full(count, layer, object), np.full(count, what, object))
        return cls(*told, ids, tolerance_m)

    @classmethod
    def together(cls, parts: Sequence[About]) -> About:
        """All features, one part after the other."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))


def kerbs_of(work: Groundwork) -> About:
    """Kerbs of every road, by its row."""
    if KERBS not in work.kept:
        work.kept[KERBS] = _kerbs(work)
    found: About = work.kept[KERBS]
    return found


def road_red_lines_of(work: Groundwork) -> About:
    """Red line of every road, by its row."""
    if RED_LINES not in work.kept:
        work.kept[RED_LINES] = _red_lines(work)
    found: About = work.kept[RED_LINES]
    return found


def _red_lines(work: Groundwork) -> About:
    """Red lines of roads: as they were surveyed, else by the width beside the centre line."""
    surfaces = work.corridors.surfaces
    ids = surfaces.table["road_id"].astype(str)
    drawn = work.tolerances.of_layer("road_red_lines").groupby(level=0).max()
    is_drawn, has_drawn = surfaces.is_drawn_whole, ids.isin(drawn.index).to_numpy()
    drawn_m = drawn.reindex(ids).to_numpy(float)
    by_road_m = work.tolerances.of_layer("roads").reindex(ids).to_numpy(float)
    partly_m = np.where(has_drawn, np.maximum(drawn_m, by_road_m), by_road_m)
    return About(
        np.where(is_drawn, "road_red_lines", "roads").astype(object),
        np.full(len(ids), "road_red_line", object),
        ids.to_numpy(object),
        np.where(is_drawn, drawn_m, partly_m),
    )


def _kerbs(work: Groundwork) -> About:
    """Kerbs of roads: those of their surveyed carriageways, else those of their widths."""
    table = work.corridors.surfaces.table
    ids = table["road_id"].astype(str)
    drawn = work.tolerances.of_layer("carriageways").groupby(level=0).max()
    is_drawn = ids.isin(drawn.index).to_numpy()
    by_road = work.tolerances.of_layer("roads").reindex(ids).to_numpy(float, copy=True)
    by_road[is_drawn] = drawn.reindex(ids[is_drawn]).to_numpy(float)
    by_road[table["width_assumed"].to_numpy(bool)] = np.nan
    return About(
        np.where(is_drawn, "carriageways", "roads").astype(object),
        np.full(len(ids), "kerb", object),
        ids.to_numpy(object),
        by_road,
    )

"""Obstacles: what a line may not run through, and who is excepted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.areas import Areas
from gis.keys import alike
from gis.linear import LineArray, Pieces, distinct
from gis.overlay import enters
from layers.survey import Survey

# Strips shorter than this between two obstacles lead nowhere.
_SHORTEST_M = 0.5


@dataclass(frozen=True)
class Obstacles:
    """Land and structures in the way, as arrays of polygons and lines in the survey's CRS.

    ``private`` are parcels and buildings; ``water`` may be crossed along a bridge only,
    ``railways`` along a road that crosses them only.
    """

    private: NDArray[Any]
    water: NDArray[Any]
    railways: LineArray

    def once(self) -> Obstacles:
        """The same with one of parcels that lie one above another, as flats do."""
        return replace(self, private=self.private[alike(self.private)[0]])

    def free_parts(self, lines: LineArray) -> Pieces:
        """Cut private land and buildings out of lines; ``parent`` is the line of each part.

        Parts of less than half a metre are dropped; ``start_m`` and ``end_m`` are the part's
        own, not positions on the parent.
        """
        hits = enters(lines, self.private)
        outside = lines.copy()
        for number in np.unique(hits.line).tolist():
            polygon = hits.polygon[hits.line == number]
            blocked = shapely.union_all(self.private[polygon])
            outside[number] = shapely.difference(lines[number], blocked)
        parts, parent = shapely.get_parts(outside, return_index=True)
        length = shapely.length(parts)
        kept = (length > _SHORTEST_M) | ~np.isin(parent, hits.line)
        kept &= length > 0
        return Pieces(parts[kept], parent[kept].astype(np.int64), length[kept] * 0, length[kept])

    def strip_allowed(self, strips: LineArray, streets: LineArray) -> NDArray[np.bool_]:
        """True for strips that cross water or rails only where their own street does."""
        wet = np.isin(np.arange(len(strips)), enters(strips, self.water).line)
        bridged = np.isin(np.arange(len(strips)), enters(streets, self.water).line)
        over_rails = self._meets_railway(strips)
        return (~wet | bridged) & (~over_rails | self._meets_railway(streets))

    def connector_allowed(
        self, lines: LineArray, off_strips: LineArray | None = None
    ) -> NDArray[np.bool_]:
        """True for straight pieces that stay clear of private land, buildings, water and rails.

        Of pieces that follow a strip first, ``off_strips`` are the rest: only these may meet no
        rails, which a strip crosses where its street does.
        """
        if len(lines) == 0:
            return np.zeros(0, bool)
        number = np.arange(len(lines))
        blocked = np.isin(number, enters(lines, self.private_areas).line)
        blocked |= np.isin(number, enters(lines, self.water_areas).line)
        return ~blocked & ~self._meets_railway(lines if off_strips is None else off_strips)

    @cached_property
    def private_areas(self) -> Areas:
        """Parcels and buildings, to be overlaid with many lines."""
        return Areas(self.private)

    @cached_property
    def water_areas(self) -> Areas:
        return Areas(self.water)

    def over_water(self, lines: LineArray) -> NDArray[np.bool_]:
        """True for lines that run above water."""
        return np.isin(np.arange(len(lines)), enters(lines, self.water).line)

    def _meets_railway(self, lines: LineArray) -> NDArray[np.bool_]:
        meets = np.zeros(len(lines), bool)
        if len(self.railways) and len(lines):
            tree = shapely.STRtree(self.railways)
            meets[tree.query(lines, predicate="intersects")[0]] = True
        return meets


def obstacles_of(survey: Survey, lines: LineArray | None = None) -> Obstacles:
    """Collect the obstacles of a survey; layers that were never imported stop nothing.

    With ``lines`` only those that any of them meets.
    """
    return Obstacles(
        np.concatenate([shapes_of(survey, layer, lines) for layer in ("parcels", "buildings")]),
        shapes_of(survey, "water_bodies", lines),
        shapes_of(survey, "railways", lines),
    )


def shapes_of(survey: Survey, layer: str, lines: LineArray | None = None) -> NDArray[Any]:
    """The shapes of a layer in their order, none if it was never imported.

    With ``lines`` only those that any of them meets.
    """
    table = survey.get(layer)
    if table is None:
        return np.zeros(0, object)
    shapes = np.asarray(table.geometry.array)
    if lines is None:
        return shapes
    met: NDArray[Any] = shapes[distinct(table.sindex.query(lines, predicate="intersects")[1])]
    return met

"""Road surfaces: carriageway and red-line areas of every road, from polygons or from widths."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray
from gis.overlay import lengths_inside
from layers.survey import Survey
from planning.policy_model import Policy

# A piece on a kerb line is no crossing: less than this inside a carriageway is rounding.
_ENTRY_M = 0.02


@dataclass(frozen=True)
class RoadSurfaces:
    """Roads as rows: ``table`` holds road_id, authority, surface, widths and what was assumed.

    ``carriageway`` are polygons; ``red_line_ratio`` is red-line width over carriageway width,
    NaN where the red-line width is unknown.
    """

    table: pd.DataFrame
    centre: LineArray
    carriageway: NDArray[Any]
    red_line_ratio: FloatArray

    def crossings(self, lines: LineArray) -> pd.DataFrame:
        """Parts of lines inside carriageways, kerb to kerb.

        Returns
        -------
        Table with ``line`` (index), ``road`` (row number), ``kerb_m``, ``red_line_m`` (kerb
        length times red-line width over carriageway width, NaN where that width is unknown;
        source: switch ``crossing_extent`` of the policy). Where carriageways overlap the
        common metres belong to the road with the larger share, so that kerb lengths add up
        to the length inside the union.
        """
        inside = lengths_inside(lines, self.carriageway)
        kept = inside.length_m > _ENTRY_M
        line, road, kerb = inside.line[kept], inside.polygon[kept], inside.length_m[kept]
        kerb = self._without_overlap(lines, line, road, kerb)
        table = pd.DataFrame({"line": line, "road": road, "kerb_m": kerb})
        table["red_line_m"] = kerb * self.red_line_ratio[road]
        return table[table["kerb_m"] > _ENTRY_M].reset_index(drop=True)

    def _without_overlap(
        self, lines: LineArray, line: IntArray, road: IntArray, kerb: FloatArray
    ) -> FloatArray:
        kerb = kerb.copy()
        for number in self._overlapping(lines, line, road):
            rows = np.flatnonzero(line == number)
            taken: Any = shapely.Polygon()
            for row in rows[np.argsort(-kerb[rows], kind="stable")]:
                part = shapely.intersection(lines[number], self.carriageway[road[row]])
                kerb[row] = shapely.length(shapely.difference(part, taken))
                taken = shapely.union(taken, self.carriageway[road[row]])
        return kerb

    def _overlapping(self, lines: LineArray, line: IntArray, road: IntArray) -> IntArray:
        """Lines that enter two carriageways which themselves overlap."""
        pairs = pd.DataFrame({"line": line, "road": road})
        both = pairs.merge(pairs, on="line")
        both = both[both["road_x"] < both["road_y"]]
        met = np.fromiter(
            (pair in self._meeting for pair in zip(both["road_x"], both["road_y"], strict=True)),
            bool,
            len(both),
        )
        return np.unique(both["line"].to_numpy(np.int64)[met])

    @cached_property
    def _meeting(self) -> frozenset[tuple[int, int]]:
        """Pairs of roads whose carriageways share an area."""
        one, two = shapely.STRtree(self.carriageway).query(self.carriageway, "intersects")
        later = one < two
        one, two = one[later], two[later]
        shared = shapely.area(shapely.intersection(self.carriageway[one], self.carriageway[two]))
        return frozenset(zip(one[shared > 0].tolist(), two[shared > 0].tolist(), strict=True))


def road_surfaces(survey: Survey, policy: Policy) -> RoadSurfaces:
    """Prepare the roads of a survey; a missing carriageway width takes the policy's default.

    Roads without a known or default width keep the narrowest default and are marked assumed.
    """
    roads = survey.get("roads")
    if roads is None:
        raise ValueError("the survey has no roads")
    centre = np.asarray(roads.geometry.array)
    known = pd.to_numeric(roads["carriageway_width_m"], errors="coerce").to_numpy(float)
    defaults = policy.planning.default_carriageway_width_m
    narrowest = min(defaults.values())
    assumed = np.array([defaults.get(c, narrowest) for c in roads["road_class"]], float)
    width = np.where(np.isfinite(known), known, assumed)
    red_line = pd.to_numeric(roads["red_line_width_m"], errors="coerce").to_numpy(float)
    table = pd.DataFrame(
        {
            "road_id": roads.index.astype(str),
            "road_class": roads["road_class"].to_numpy(),
            "authority": roads["authority"].to_numpy(),
            "surface": roads["surface"].to_numpy(),
            "opened_on": roads["opened_on"].to_numpy(),
            "overhauled_on": roads["overhauled_on"].to_numpy(),
            "on_bridge": roads["on_bridge"].to_numpy() == True,  # noqa: E712 - None is not True
            "carriageway_width_m": width,
            "width_assumed": ~np.isfinite(known),
            "red_line_width_m": red_line,
        }
    )
    drawn = shapely.buffer(centre, width / 2, cap_style="flat", join_style="mitre", mitre_limit=2.0)
    surveyed = survey.get("carriageways")
    if surveyed is not None:
        by_road = surveyed.dissolve(by="road_id").geometry
        place = {road_id: row for row, road_id in enumerate(table["road_id"])}
        for road_id, area in by_road.items():
            drawn[place[str(road_id)]] = area
    return RoadSurfaces(table, centre, drawn, np.maximum(red_line, width) / width)

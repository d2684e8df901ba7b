"""Strip layout: the kerb-side strips as cut to what can be built there, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray, Pieces, cut_lines
from gis.noding import Network
from gis.strips import Strips
from planning.obstacles import Obstacles
from planning.road_surfaces import RoadSurfaces, crossing_angles, entries

# A strip that meets a carriageway at less than this angle runs along it and is dropped; the
# mouth of a side street is met at its own angle, seldom below 30°.
_ALONG_DEG = 25.0
# A piece that crosses a carriageway and is this much longer than its crossing is cut at the kerb.
_RUNS_ON_M = 5.0
# Points that are to be joined to a strip in the same place are one point.
_SAME_FOOT_M = 0.05


@dataclass(frozen=True)
class StripLayout:
    """Strip pieces with their street part, road, stroke and side, before they are attached."""

    lines: LineArray
    part: IntArray
    road: IntArray
    stroke: IntArray
    side: IntArray
    usable: NDArray[np.bool_]
    stroke_of_part: IntArray

    @cached_property
    def tree(self) -> shapely.STRtree:
        """R-tree of the pieces that something may be joined to; the others are empty in it."""
        return shapely.STRtree(np.where(self.usable, self.lines, np.array(None, object)))


def strip_offsets(
    surfaces: RoadSurfaces, streets: Network, wanted_m: float, margin_m: float
) -> tuple[FloatArray, FloatArray]:
    """Distance of the strip from centre line and from kerb, for each street part, in metres.

    The set-back is the kerb clearance of GB 50289 plus half a section; where the footway is
    narrower the strip stays inside the red line by a margin.
    """
    width = surfaces.table["carriageway_width_m"].to_numpy(float)
    red_line = surfaces.table["red_line_width_m"].to_numpy(float)
    footway = (red_line - width) / 2
    narrow = np.maximum(footway - margin_m, margin_m)
    setback = np.minimum(wanted_m, np.where(np.isfinite(footway), narrow, wanted_m))
    road = streets.pieces.parent
    return (width / 2 + setback)[road], setback[road]


def lay_out(
    strips: Strips,
    streets: Network,
    surfaces: RoadSurfaces,
    obstacles: Obstacles,
    offset: FloatArray,
) -> StripLayout:
    """Cut the strips beside the ends of street parts, and drop what cannot be built there."""
    pieces = strips.network.pieces
    at_piece, at_m = _beside_part_ends(strips, streets, offset)
    cut = cut_lines(pieces.lines, at_piece, at_m)
    free = obstacles.free_parts(cut.lines)
    beside = _cut_at_kerbs(free.lines, surfaces)
    parent = cut.parent[free.parent[beside.parent]]
    lines, stroke, side = beside.lines, strips.stroke[parent], strips.side[parent]
    part = _nearest_part(lines, stroke, streets, strips.stroke_of_part, offset)
    road = streets.pieces.parent[part]
    kept = obstacles.strip_allowed(lines, streets.pieces.lines[part])
    kept &= ~_runs_along(lines, surfaces)
    lines, part, road, stroke, side = lines[kept], part[kept], road[kept], stroke[kept], side[kept]
    crossed = np.zeros(len(lines), bool)
    crossed[entries(surfaces.crossings(lines))["line"]] = True
    return StripLayout(
        lines, part, road, stroke, side, ~crossed & (side != 0), strips.stroke_of_part
    )


def _cut_at_kerbs(lines: LineArray, surfaces: RoadSurfaces) -> Pieces:
    """Cut lines that cross a carriageway and run on beside it where they meet its kerbs.

    Nothing is joined to a piece inside a carriageway: its part outside is a piece of its own.
    """
    crossings = entries(surfaces.crossings(lines))
    line, road = crossings["line"].to_numpy(), crossings["road"].to_numpy()
    inside_m = np.bincount(line, crossings["kerb_m"], minlength=len(lines))
    runs_on = (shapely.length(lines) - inside_m > _RUNS_ON_M)[line]
    kerb = shapely.boundary(surfaces.own_area[road[runs_on]])
    met = shapely.intersection(lines[line[runs_on]], kerb)
    xy, number = shapely.get_coordinates(met, return_index=True)
    at_line = line[runs_on][number].astype(np.int64)
    return cut_lines(lines, at_line, shapely.line_locate_point(lines[at_line], shapely.points(xy)))


def _beside_part_ends(
    strips: Strips, streets: Network, offset: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Positions on the strips square beside both ends of their own street parts.

    At the outside of a corner these are two places, one for each street that meets there.
    """
    lines = strips.network.pieces.lines
    xy, along = _ends_and_directions(streets.pieces.lines)
    aside = np.stack([-along[:, 1], along[:, 0]], axis=1) * np.tile(offset, 2)[:, None]
    points = shapely.points(np.concatenate([xy + aside, xy - aside]))
    stroke = np.tile(strips.stroke_of_part, 4)
    at, piece = shapely.STRtree(lines).query(points, predicate="dwithin", distance=_SAME_FOOT_M)
    own = strips.stroke[piece] == stroke[at]
    at, piece = at[own], piece[own]
    return piece.astype(np.int64), shapely.line_locate_point(lines[piece], points[at])


def _ends_and_directions(lines: LineArray) -> tuple[FloatArray, FloatArray]:
    """Starts of all lines, then ends, and the unit direction of each line there."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(np.r_[True, np.diff(owner) > 0])
    last = np.r_[first[1:], len(xy)] - 1
    along = np.concatenate([xy[first + 1] - xy[first], xy[last] - xy[last - 1]])
    return xy[np.concatenate([first, last])], along / np.hypot(*along.T)[:, None]


def _nearest_part(
    lines: LineArray,
    stroke: IntArray,
    streets: Network,
    stroke_of_part: IntArray,
    offset: FloatArray,
) -> IntArray:
    """The street part of the own stroke that each strip piece runs beside."""
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    parts = streets.pieces.lines
    reach = 3.0 * float(offset.max()) + 2.0
    at, part = shapely.STRtree(parts).query(middle, predicate="dwithin", distance=reach)
    own = stroke_of_part[part] == stroke[at]
    pairs = pd.DataFrame({"at": at[own], "part": part[own]})
    pairs["distance"] = shapely.distance(middle[pairs["at"]], parts[pairs["part"]])
    nearest = pairs.sort_values(["at", "distance", "part"]).drop_duplicates("at")
    chosen = shapely.STRtree(parts).nearest(middle).astype(np.int64)
    chosen[nearest["at"].to_numpy()] = nearest["part"].to_numpy()
    return np.asarray(chosen)


def _runs_along(lines: LineArray, surfaces: RoadSurfaces) -> NDArray[np.bool_]:
    """True for lines that run inside a carriageway almost parallel to its road."""
    crossings = entries(surfaces.crossings(lines))
    angle = crossing_angles(lines, crossings, surfaces)
    along = np.zeros(len(lines), bool)
    along[crossings["line"].to_numpy()[angle < _ALONG_DEG]] = True
    return along

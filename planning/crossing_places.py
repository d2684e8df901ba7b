"""Crossing places: straight, square ways over a carriageway from strip to strip.

At a regular spacing, opposite every foot of a parcel or gate, and at the corners of junctions in
the continuation of the kerb strip, unless a strip that runs straight on crosses there as squarely.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray, segments
from gis.noding import Network
from gis.overlay import enters
from gis.regions import Region
from planning.obstacles import Obstacles
from planning.policy_model import Planning
from planning.road_surfaces import RoadSurfaces
from planning.roadside import Roadside
from planning.strip_layout import StripLayout

# A strip that meets a carriageway at this angle or more crosses it as well as a square crossing.
_SQUARE_DEG = 75.0
# Strips lie a little farther from the centre line than their offset where streets bend.
_REACH_SHARE, _REACH_MORE_M = 1.15, 0.5
# No road of several carriageways is wider between its strips.
_WIDEST_M = 90.0
# The direction of a street is taken over this length.
_CHORD_M = 2.0


def crossing_feet(
    layout: StripLayout,
    beside: Roadside,
    obstacles: Obstacles,
    feet: pd.DataFrame,
    settings: Planning,
    near: Region | None = None,
) -> pd.DataFrame:
    """Find the crossings of every street.

    Network nodes need none of their own: they are joined to the strips of both sides. A road of
    two carriageways is crossed whole, its median included. Bridges and underpasses are not
    crossed.

    Parameters
    ----------
    layout, beside
        The strips as they can be built, and the streets that they run beside.
    feet
        Feet of parcels, gates and nodes: ``kind``, ``piece``, ``at_m``.
    settings
        Distance between crossings where there is no other reason for one; widest median.
    near
        Only streets in this region are crossed.

    Returns
    -------
    Table with ``piece``, ``at_m`` on one side and ``piece_2``, ``at_2_m`` on the other.
    """
    streets, surfaces, offset = beside.streets, beside.surfaces, beside.offset_m
    at_strips = _places_at(layout, streets, *_ends_to_cross_at(layout, feet))
    regular = _regular_places(layout, streets.pieces.lines, settings.midblock_spacing_m)
    ground = surfaces.level[streets.pieces.parent] == 0
    at_strips, regular = (t[ground[t["part"].to_numpy(np.int64)]] for t in (at_strips, regular))
    if near is not None:
        at_strips, regular = (t[near.holds(_xy(t))] for t in (at_strips, regular))
    found = []
    for side in (1, -1):
        begun = at_strips[at_strips["side"] == side]
        found.append(_joined(begun, _hits(layout, offset, begun, -side)))
    found.append(_joined(_hits(layout, offset, regular, 1), _hits(layout, offset, regular, -1)))
    both = pd.concat(found, ignore_index=True)
    start = _point_xy(layout, both["piece"], both["at_m"])
    line = segments(start, _point_xy(layout, both["piece_2"], both["at_2_m"]))
    kept = obstacles.connector_allowed(line)
    wide = np.flatnonzero(kept & both["over"].to_numpy(bool))
    open_m = 2.0 * (beside.widest_setback_m + settings.max_median_m)
    kept[wide] = _open_m(line[wide], surfaces) <= open_m
    kept[np.unique(enters(line, layout.roundabouts).line)] = False
    return both.loc[kept, ["piece", "at_m", "piece_2", "at_2_m"]]


def _xy(places: pd.DataFrame) -> FloatArray:
    return places[["x", "y"]].to_numpy(float)


def _joined(near: pd.DataFrame, far: pd.DataFrame) -> pd.DataFrame:
    """Crossings from their two ends: ``piece``, ``at_m``, ``piece_2``, ``at_2_m``, ``over``.

    ``over`` tells of crossings that go on over a second carriageway.
    """
    near = near.assign(over=near.get("over", False))
    both = near[["place", "piece", "at_m", "over"]].merge(far, on="place", suffixes=("", "_2"))
    both["over"] |= both["over_2"]
    return both.rename(columns={"at_m_2": "at_2_m"}).drop(columns=["place", "over_2"])


def _open_m(lines: LineArray, surfaces: RoadSurfaces) -> FloatArray:
    """Metres of lines outside all carriageways."""
    crossings = surfaces.crossings(lines)
    inside = np.bincount(crossings["line"], crossings["kerb_m"], minlength=len(lines))
    return np.asarray(shapely.length(lines) - inside)


def _ends_to_cross_at(layout: StripLayout, feet: pd.DataFrame) -> tuple[IntArray, FloatArray]:
    """Places on the strips that get a crossing: feet of parcels and gates, and corners."""
    feet = feet[feet["kind"] != "node"]
    corner, corner_m = _corners(layout)
    piece = np.concatenate([feet["piece"].to_numpy(np.int64), corner])
    return piece, np.concatenate([feet["at_m"].to_numpy(float), corner_m])


def _corners(layout: StripLayout) -> tuple[IntArray, FloatArray]:
    """Ends of strips at junctions where nothing crosses their own road squarely yet."""
    count = len(layout.lines)
    node = layout.ends
    square = layout.crossed[layout.crossed["angle"] >= _SQUARE_DEG]
    line, road = square["line"].to_numpy(np.int64), square["road"].to_numpy(np.int64)
    roads = int(layout.road.max(initial=0)) + 1
    served = np.concatenate([node[line, 0] * roads + road, node[line, 1] * roads + road])
    piece, end = np.tile(np.arange(count), 2), np.repeat([0, 1], count)
    here = node[piece, end]
    wanted = layout.usable[piece] & layout.at_mouth[here]
    wanted &= ~np.isin(here * roads + layout.road[piece], served)
    at_m = np.where(end == 0, 0.0, shapely.length(layout.lines)[piece])
    return piece[wanted], at_m[wanted]


def _places_at(
    layout: StripLayout, streets: Network, piece: IntArray, at_m: FloatArray
) -> pd.DataFrame:
    """Places on strips, with the point of the street beside them and the way over it."""
    part = layout.part[piece]
    foot = shapely.line_interpolate_point(layout.lines[piece], at_m)
    line = streets.pieces.lines[part]
    centre = shapely.line_interpolate_point(line, shapely.line_locate_point(line, foot))
    xy = shapely.get_coordinates(centre)
    side = layout.side[piece]
    left = (shapely.get_coordinates(foot) - xy) * side[:, None]
    table = _table(part, xy, left)
    return table.assign(piece=piece, at_m=at_m, side=side)


def _regular_places(layout: StripLayout, parts: LineArray, spacing_m: float) -> pd.DataFrame:
    """Points along street parts: evenly spread, one at least, none at an end."""
    length = shapely.length(parts)
    count = np.maximum(np.round(length / spacing_m), 1).astype(np.int64)
    part = np.repeat(np.arange(len(parts)), count)
    number = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
    at_m = (number + 0.5) / count[part] * length[part]
    before, here, after = (
        shapely.get_coordinates(shapely.line_interpolate_point(parts[part], at_m + step))
        for step in (-np.minimum(_CHORD_M / 2, at_m), 0.0, _CHORD_M / 2)
    )
    along = (after - before) * np.where(layout.backward[part], -1.0, 1.0)[:, None]
    return _table(part, here, np.stack([-along[:, 1], along[:, 0]], axis=1))


def _table(part: IntArray, xy: FloatArray, left: FloatArray) -> pd.DataFrame:
    unit = left / np.maximum(np.hypot(*left.T), 1e-9)[:, None]
    columns = {"part": part, "x": xy[:, 0], "y": xy[:, 1], "to_x": unit[:, 0], "to_y": unit[:, 1]}
    return pd.DataFrame({"place": np.arange(len(part)), **columns})


def _hits(layout: StripLayout, offset: FloatArray, places: pd.DataFrame, side: int) -> pd.DataFrame:
    """Where the way over the street meets the strip of one side: ``place``, ``piece``, ``at_m``.

    Where one of two carriageways has none on that side, the way goes ``over`` the other one.
    """
    part = places["part"].to_numpy(np.int64)
    own = _first_hits(layout, places, (offset[part] * _REACH_SHARE + _REACH_MORE_M) * side, side)
    missed = layout.divided[part] & ~places["place"].isin(own["place"]).to_numpy()
    over = _first_hits(layout, places[missed], np.full(missed.sum(), _WIDEST_M * side), None)
    return pd.concat([own.assign(over=False), over.assign(over=True)], ignore_index=True)


def _first_hits(
    layout: StripLayout, places: pd.DataFrame, reach: FloatArray, side: int | None
) -> pd.DataFrame:
    """The first strip on the way: of the place's own street and one side, or of any street."""
    part = places["part"].to_numpy(np.int64)
    xy = _xy(places)
    probe = segments(xy, xy + places[["to_x", "to_y"]].to_numpy(float) * reach[:, None])
    at, piece = layout.tree.query(probe, predicate="intersects")
    if side is not None:
        own = layout.stroke[piece] == layout.stroke_of_part[part[at]]
        own &= layout.side[piece] == side
        at, piece = at[own], piece[own]
    met = shapely.intersection(probe[at], layout.lines[piece])
    met = shapely.get_point(shapely.shortest_line(shapely.points(xy[at]), met), -1)
    hits = pd.DataFrame(
        {
            "place": places["place"].to_numpy(np.int64)[at],
            "piece": piece.astype(np.int64),
            "at_m": shapely.line_locate_point(layout.lines[piece], met),
            "distance": shapely.distance(met, shapely.points(xy[at])),
        }
    )
    nearest = hits.sort_values(["place", "distance", "piece"]).drop_duplicates("place")
    return nearest.drop(columns="distance")


def _point_xy(layout: StripLayout, piece: Any, at_m: Any) -> FloatArray:
    lines: NDArray[Any] = layout.lines[np.asarray(piece, np.int64)]
    points = shapely.line_interpolate_point(lines, np.asarray(at_m, float))
    return np.asarray(shapely.get_coordinates(points))

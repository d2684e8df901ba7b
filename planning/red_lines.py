"""Red lines of parcels: how exactly they lie, and what they lie in or near within that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from gis.overlay import CONTACT_TOLERANCE_M
from planning.road_edges import kerbs_of

if TYPE_CHECKING:
    from planning.groundwork import Groundwork


class InRoads(NamedTuple):
    """Parcels that reach into carriageways farther than both may be off: which, and the road."""

    parcel: IntArray
    road: IntArray


def tolerances_of(work: Groundwork, parcel_ids: Sequence[str]) -> FloatArray:
    """Tolerance of the red line of each of some parcels in metres, NaN for unknown.

    A parcel that reaches into the carriageway of a city road lies otherwise than its survey says,
    or the road does: nobody knows how exactly.
    """
    tolerance_m = work.tolerances.of_features("parcels", parcel_ids)
    known = np.flatnonzero(np.isfinite(tolerance_m))
    shapes = lands_of(work, [parcel_ids[one] for one in known.tolist()])
    tolerance_m[known[in_roads(work, shapes, tolerance_m[known]).parcel]] = np.nan
    return tolerance_m


def in_roads(work: Groundwork, shapes: NDArray[Any], tolerance_m: FloatArray) -> InRoads:
    """Which parcels reach into the carriageways of roads that are or may be city roads.

    By more than both may be off together; what nobody says how exactly it lies is like hearsay.
    """
    carriageways, kerb_m = work.ground.counted_carriageways, kerbs_of(work).tolerance_m
    parcel, road = carriageways.tree.query(shapes, predicate="intersects")
    unknown_m = work.policy.planning.value("tolerance_hearsay_m")
    off_m = np.nan_to_num(np.hypot(tolerance_m[parcel], kerb_m[road]), nan=unknown_m)
    deep = shapely.buffer(shapes[parcel], -off_m, quad_segs=2)
    shared = shapely.area(shapely.intersection(deep, carriageways.shapes[road]))
    found = shared > CONTACT_TOLERANCE_M
    return InRoads(parcel[found].astype(np.int64), road[found].astype(np.int64))


def near_edges(work: Groundwork, parcel_ids: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """For each area whether each of some parcels lies nearer to its edge than it may be off.

    Areas are drawn by decree: the urban one, and of each utility the one that it covers.
    """
    shapes = lands_of(work, parcel_ids)
    unknown_m = work.policy.planning.value("tolerance_hearsay_m")
    off_m = np.nan_to_num(work.tolerances.of_features("parcels", parcel_ids), nan=unknown_m)
    tree, most = shapely.STRtree(shapes), float(off_m.max(initial=0.0))
    found = {}
    for key, edge in work.ground.edges_of_areas.items():
        piece, parcel = tree.query(edge, predicate="dwithin", distance=most)
        near = shapely.distance(edge[piece], shapes[parcel]) <= off_m[parcel]
        found[key] = np.zeros(len(shapes), bool)
        found[key][parcel[near]] = True
    return found


def lands_of(work: Groundwork, parcel_ids: Sequence[str]) -> NDArray[Any]:
    """The land of parcels, None for one that the survey does not hold."""
    table, row_of = work.survey.get("parcels"), work.ground.parcel_row
    shapes = np.full(len(parcel_ids), None, object)
    rows = np.array([row_of.get(one, -1) for one in parcel_ids], np.int64)
    if table is not None:
        known = rows >= 0
        shapes[known] = np.asarray(table.geometry.array)[rows[known]]
    return shapes

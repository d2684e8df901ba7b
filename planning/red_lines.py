"""Red lines of parcels: how exactly they lie, and what they lie in or near within that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, distinct
from gis.overlay import CONTACT_TOLERANCE_M
from planning.road_edges import kerbs_of

if TYPE_CHECKING:
    from planning.groundwork import Groundwork


# Land that two parcels share for more than this overlaps; less is how lines are rounded.
OVERLAP_M2 = 0.5


class InRoads(NamedTuple):
    """Parcels that reach into carriageways farther than both may be off: which, and the road."""

    parcel: IntArray
    road: IntArray


def tolerances_of(work: Groundwork, parcel_ids: Sequence[str]) -> FloatArray:
    """Tolerance of the red line of each of some parcels in metres, NaN for unknown.

    A parcel that reaches into the carriageway of a city road, or whose red line and another's cross
    each other's land, lies otherwise than its survey says, or the other does: nobody knows how
    exactly.
    """
    tolerance_m = work.tolerances.of_features("parcels", parcel_ids)
    known = np.flatnonzero(np.isfinite(tolerance_m))
    ids, told_m = [parcel_ids[one] for one in known.tolist()], tolerance_m[known]
    overlapping = overlapping_parcels(work, ids, told_m)
    tolerance_m[known[in_roads(work, lands_of(work, ids), told_m).parcel]] = np.nan
    tolerance_m[known[overlapping.parcel[overlapping.contradict]]] = np.nan
    return tolerance_m


class Overlapping(NamedTuple):
    """Parcels that share land with another one: which, the row of the other, and how much.

    ``contradict`` where a red line of the two crosses the land of the other farther from its edge
    than both may be off; else they are one parcel under two names, or drawn a little apart.
    """

    parcel: IntArray
    other: IntArray
    shared_m2: FloatArray
    contradict: NDArray[np.bool_]


def overlapping_parcels(
    work: Groundwork, parcel_ids: Sequence[str], tolerance_m: FloatArray
) -> Overlapping:
    """The other parcels whose land some parcels share, whether or not they may be so far off."""
    table = work.survey.get("parcels")
    none = np.zeros(0, np.int64)
    if table is None:
        return Overlapping(none, none, np.zeros(0), np.zeros(0, bool))
    lands, shapes = np.asarray(table.geometry.array), lands_of(work, parcel_ids)
    parcel, other = (rows.astype(np.int64) for rows in table.sindex.query(shapes))
    own = np.array([work.ground.parcel_row.get(one, -1) for one in parcel_ids], np.int64)
    elsewhere = own[parcel] != other
    parcel, other = parcel[elsewhere], other[elsewhere]
    lands, shapes = _valid(lands, other), _valid(shapes, parcel)
    inner = shapely.relate_pattern(shapes[parcel], lands[other], "T********")
    parcel, other = parcel[inner], other[inner]
    shared_m2 = shapely.area(shapely.intersection(shapes[parcel], lands[other]))
    more = shared_m2 > OVERLAP_M2
    parcel, other, shared_m2 = parcel[more], other[more], shared_m2[more]
    other_m = work.tolerances.of_features("parcels", table.index[other].astype(str).tolist())
    off_m = _off_m(work, tolerance_m[parcel], other_m)
    contradict = _crosses(lands[other], shapes[parcel], off_m)
    contradict |= _crosses(shapes[parcel], lands[other], off_m)
    return Overlapping(parcel, other, shared_m2, contradict)


def _valid(lands: NDArray[Any], rows: IntArray) -> NDArray[Any]:
    """The lands, of some rows those whose edge crosses itself as the areas that it encloses.

    The check tells of these; no two of them could be compared.
    """
    rows = distinct(rows)
    bad = rows[~shapely.is_valid(lands[rows])]
    found = lands.copy()
    found[bad] = shapely.make_valid(lands[bad], method="structure", keep_collapsed=False)
    return found


def _crosses(lands: NDArray[Any], others: NDArray[Any], off_m: FloatArray) -> NDArray[np.bool_]:
    """Whether the edge of each land runs through the other beside it, farther in than ``off_m``."""
    inside = shapely.intersection(shapely.boundary(lands), _deep(others, off_m))
    return np.asarray(shapely.length(inside) > CONTACT_TOLERANCE_M)


def _off_m(work: Groundwork, one_m: FloatArray, two_m: FloatArray) -> FloatArray:
    """How far two things may be off together; what nobody knows is like hearsay."""
    unknown_m = work.policy.planning.value("tolerance_hearsay_m")
    return np.nan_to_num(np.hypot(one_m, two_m), nan=unknown_m)


def _deep(lands: NDArray[Any], off_m: FloatArray) -> NDArray[Any]:
    """The part of each land that is farther from its edge."""
    return np.asarray(shapely.buffer(lands, -off_m, quad_segs=2))


def in_roads(work: Groundwork, shapes: NDArray[Any], tolerance_m: FloatArray) -> InRoads:
    """Which parcels reach into the carriageways of roads that are or may be city roads.

    By more than both may be off together; what nobody says how exactly it lies is like hearsay.
    """
    carriageways, kerb_m = work.ground.counted_carriageways, kerbs_of(work).tolerance_m
    parcel, road = carriageways.tree.query(shapes, predicate="intersects")
    deep = _deep(shapes[parcel], _off_m(work, tolerance_m[parcel], kerb_m[road]))
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

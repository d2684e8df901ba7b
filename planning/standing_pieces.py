"""Standing pieces: pieces of routes that were measured and judged once, and that an edit leaves.

A piece stands where its edge or way to a tie-in was there before, and nothing that changed lies so
near that it could tell anything of it: neither the edit nor land of a road of which something else
is told now. All others are measured anew when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.linear import IntArray
from planning.city_roads import BARE_NODES, CITY_EDGES, CITY_TIE_INS, LAST_STEPS
from planning.groundwork import Groundwork
from planning.piece_ground import BORED, CUT, PieceGround, PieceLines, lines_key
from planning.roads_since import RoadsSince
from planning.route_pieces import NOTHING, OUTCOMES, PieceBook
from planning.standing_facts import hand_on_kept
from planning.survey_changes import Change

# Layers that tell nothing of any piece: an edge along an existing line is new where that is.
_MAINS = frozenset(("lines", "nodes"))
# What tells of nothing but the room for working pits.
_LAND = frozenset(("parcels", "buildings"))


def hand_pieces_on(
    before: Groundwork,
    after: Groundwork,
    changes: Mapping[str, Change],
    roads: RoadsSince,
    edge_before: IntArray,
    ways_before: Mapping[str, IntArray],
) -> None:
    """Give the pieces of routes that stand to the groundwork ``after`` an edit.

    Parameters
    ----------
    changes
        The changed features of every layer with any.
    roads
        The rows that roads had; of those with other days pieces stand, and are judged again.
    edge_before, ways_before
        For every edge, and every way to a tie-in of each utility, its number before, -1 for a new
        one.
    """
    if "road_red_lines" in changes or not roads.keep_numbers:
        return  # what is dug up of roads is told by their number, and for the whole of a road
    one, two = before.corridors.bridged, after.corridors.bridged
    stayed = roads.row_before[~roads.told]
    if not np.array_equal(one[stayed], two[~roads.told], equal_nan=True):
        return
    edges = np.where(roads.of_told(after.corridors.graph.road), -1, edge_before)
    numbers = {CUT: edges, BORED: edges, **ways_before}
    land = _land(before, after, roads)
    by_cut, by_bored = (_shapes(changes, but, land) for but in (_MAINS | _LAND, _MAINS))
    otherwise, dated = np.flatnonzero(roads.told | roads.dated), np.flatnonzero(roads.dated)
    touching = cache(lambda rows: rows.touching(dated)) if len(dated) else None
    for key, told in list(before.kept.items()):
        if isinstance(told, PieceLines) and told.of in numbers:
            changed = by_bored if told.of == BORED else by_cut
            _hand_on(told, before, after, changed, numbers[told.of], otherwise)
        elif isinstance(told, PieceBook) or key[0] in (NOTHING, OUTCOMES):
            after.kept[key] = told.after(after, touching) if isinstance(told, PieceBook) else told
    if roads.differ_in_days(len(before.corridors.surfaces.centre)):
        _hand_city_roads_on(before, after)


def _hand_city_roads_on(before: Groundwork, after: Groundwork) -> None:
    """What lies in city roads, as far as it is the same that could."""
    if before.corridors.graph.ends is not after.corridors.graph.ends:
        return
    hand_on_kept(before, after, [CITY_EDGES, BARE_NODES])
    for utility, ways in after._tie_ins.items():
        if ways is before._tie_ins[utility]:
            hand_on_kept(before, after, [(CITY_TIE_INS, utility), (LAST_STEPS, utility)])


def _shapes(changes: Mapping[str, Change], but: Set[str], land: NDArray[Any]) -> NDArray[Any]:
    """Features that changed, of other layers than some, and land that did."""
    shapes = [change.shapes for layer, change in changes.items() if layer not in but]
    return np.concatenate([land, *shapes])


def _land(before: Groundwork, after: Groundwork, roads: RoadsSince) -> NDArray[Any]:
    """Land of the roads that came, went or are told otherwise, as it was and as it is."""
    count = len(before.corridors.surfaces.centre)
    if roads.differ_in_days(count):
        return np.zeros(0, object)
    gone = roads.gone(count)
    sides = (before.ground, gone), (after.ground, roads.rows)
    land = [land.shapes[rows] for one, rows in sides for land, _ in one.reaches]
    corners = roads.corners(before.ground.road_areas, after.ground.road_areas)
    return np.concatenate([*land, corners])


def _hand_on(
    told: PieceLines,
    before: Groundwork,
    after: Groundwork,
    changed: NDArray[Any],
    number: IntArray,
    roads: IntArray,
) -> None:
    """Hand on what is told of pieces of one kind, whatever the width of the trench.

    ``changed`` are the shapes of all that did; ``roads`` are those of which something else is told.
    """
    grounds = {
        key: one
        for key, one in list(before.kept.items())
        if isinstance(one, PieceGround) and one.lines is told
    }
    lines, number = PieceLines(after, told.of, told.told), number.copy()
    reach_m = max((one.reach_m for one in grounds.values()), default=0.0)
    reach_m += max(after.ground.ancient_reach_m - before.ground.ancient_reach_m, 0.0)
    number[lines.tree.query(changed, predicate="dwithin", distance=reach_m)[1]] = -1
    lines.take(told, number)
    after.kept[lines_key(told.of)] = lines
    for key, ground in grounds.items():
        after.kept[key] = ground.after(lines, number, roads)

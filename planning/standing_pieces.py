"""Standing pieces: pieces of routes that were measured and judged once, and that an edit leaves.

A piece stands where its edge or way to a tie-in was there before, and nothing that changed lies so
near that it could tell anything of it: neither the edit nor land of a road of which something else
is told now. All others are measured anew when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np

from gis.linear import IntArray
from gis.regions import Region
from planning.groundwork import Groundwork
from planning.piece_ground import BORED, CUT, PieceGround, PieceLines, lines_key
from planning.road_surfaces import retold
from planning.roadside import same_streets
from planning.route_pieces import NOTHING, PieceBook


def hand_pieces_on(
    before: Groundwork,
    after: Groundwork,
    changed: Set[str],
    region: Region,
    edge_before: IntArray,
    ways_before: Mapping[str, IntArray],
) -> None:
    """Give the pieces of routes that stand to the groundwork ``after`` an edit.

    Parameters
    ----------
    changed
        The layers with changes.
    region
        Holds all that changed, features, edges and ways to tie-ins.
    edge_before, ways_before
        For every edge, and every way to a tie-in of each utility, its number before, -1 for a new
        one.
    """
    one, two = before.corridors, after.corridors
    if "road_red_lines" in changed or not same_streets(one.roadside, two.roadside):
        return  # what is dug up of roads is told by their number, and for the whole of a road
    if not np.array_equal(one.bridged, two.bridged, equal_nan=True):
        return
    numbers = {CUT: edge_before, BORED: edge_before, **ways_before}
    roads = retold(one.surfaces, two.surfaces)
    foreign = np.isin(two.graph.measures["road"].to_numpy(np.int64), roads)
    numbers |= {of: np.where(foreign, -1, edge_before) for of in (CUT, BORED) if len(roads)}
    for key, told in list(before.kept.items()):
        if isinstance(told, PieceLines) and told.of in numbers:
            _hand_on(told, before, after, region, numbers[told.of], roads)
        elif isinstance(told, PieceBook) or key[0] == NOTHING:
            after.kept[key] = told.after(after) if isinstance(told, PieceBook) else told


def _hand_on(
    told: PieceLines,
    before: Groundwork,
    after: Groundwork,
    region: Region,
    number: IntArray,
    roads: IntArray,
) -> None:
    """Hand on what is told of pieces of one kind, whatever the width of the trench.

    ``roads`` are those of which something else is told now.
    """
    grounds = {
        key: one
        for key, one in list(before.kept.items())
        if isinstance(one, PieceGround) and one.lines is told
    }
    lines = PieceLines(after, told.of)
    known = (number >= 0) & told.known[number]
    reach_m = max((one.reach_m for one in grounds.values()), default=0.0)
    known[region.near(lines.tree, reach_m)] = False
    for land, _ in after.ground.reaches if len(roads) else ():
        near = lines.tree.query(land.shapes[roads], predicate="dwithin", distance=reach_m)[1]
        known[near] = False
    stands = np.flatnonzero(known)
    lines.take(told, number[stands], stands)
    after.kept[lines_key(told.of)] = lines
    for key, ground in grounds.items():
        after.kept[key] = ground.after(lines, number[stands], stands, roads)

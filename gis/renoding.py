"""Renoding: lines that were noded once are noded again where some of them have changed.

Where two lines meet hangs on these two alone. So only lines that meet what came or went are cut
anew, and of those only what is cut otherwise is made anew: all other pieces are the very same.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.handing_on import numbers_after
from gis.keys import Keys, key_of, paired
from gis.linear import (
    IntArray,
    LineArray,
    Pieces,
    cut_lines,
    ends_of,
    merge_points,
    with_ends,
)
from gis.noding import NODE_TOLERANCE_M, Meetings, Network, Noded, find_meetings, noded

# Ends that belong in one place differ by no more than rounding.
_ROUNDING_M = 1e-6


def noded_again(
    before: Noded, lines: LineArray, level: IntArray, stood: IntArray
) -> tuple[Noded, IntArray]:
    """Lines noded as ``noded`` does, from what was noded before some of them changed.

    Parameters
    ----------
    stood
        (n,) number that each line had, -1 for one that is new or another now.

    Returns
    -------
    The noded lines, and for each piece its number before, -1 for a new one. Where nodes come so
    near each other that others would be moved all is noded anew.
    """
    number = numbers_after(stood, len(before.lines))
    met, cut_anew = _meetings_after(before, lines, level, stood, number)
    pieces, ends, _ = before.network
    parent = number[pieces.parent]
    lost = np.zeros(len(before.network.node_xy), bool)
    lost[ends[parent < 0]] = True
    stays = (parent >= 0) & ~lost[ends].any(axis=1)
    cut_anew[parent[(parent >= 0) & ~stays]] = True

    rows = np.flatnonzero(cut_anew)
    mine = cut_anew[met.line]
    at_line = np.searchsorted(rows, met.line[mine])
    cut = cut_lines(lines[rows], at_line, met.at_m[mine])
    cut = cut._replace(parent=rows[cut.parent])
    once_more = np.flatnonzero(stays & cut_anew[parent])
    same, _ = paired(_key(cut), _key(pieces._replace(parent=parent), once_more))
    kept = np.concatenate([np.flatnonzero(stays & ~cut_anew[parent]), once_more[same[same >= 0]]])
    fresh = cut.only(same < 0)
    stood_pieces = before.network._replace(pieces=pieces._replace(parent=parent)).only(kept)
    found = put_together(stood_pieces, fresh)
    if found is None:
        whole = noded(lines, level)
        return whole, np.full(len(whole.network.ends), -1)
    network, place = found
    pieces_before = np.concatenate([kept, np.full(len(fresh.lines), -1)])
    return Noded(lines, level, met, network), pieces_before[place]


def _meetings_after(
    before: Noded, lines: LineArray, level: IntArray, stood: IntArray, number: IntArray
) -> tuple[Meetings, NDArray[np.bool_]]:
    """Where the lines meet now, and which of them meet what is new or met what is gone."""
    old = before.meetings
    line, other = number[old.line], number[old.other]
    kept = (line >= 0) & (other >= 0)
    looped = np.unique(line[kept & (line == other)])
    found = find_meetings(lines, level, np.flatnonzero(stood < 0), looped)
    touched = stood < 0
    touched[found.line] = True
    touched[line[(line >= 0) & (other < 0)]] = True
    line, other = (
        np.concatenate(both) for both in ((line[kept], found.line), (other[kept], found.other))
    )
    return Meetings(line, np.concatenate([old.at_m[kept], found.at_m]), other), touched


def _key(pieces: Pieces, rows: IntArray | slice = slice(None)) -> Keys:
    """A key of pieces by the stretch that each is of its line."""
    return key_of(pieces.parent[rows], pieces.start_m[rows], pieces.end_m[rows])


def put_together(standing: Network, fresh: Pieces) -> tuple[Network, IntArray] | None:
    """Pieces of a network and others beside them, in the order of their lines.

    Returns
    -------
    The network, whose standing pieces are the very same, and of each piece its row among those
    and the others after them; None where an end of these would move a node.
    """
    used, old = np.unique(standing.ends, return_inverse=True)
    ends_xy = ends_of(fresh.lines).transpose(1, 0, 2).reshape(-1, 2)
    label, node_xy = merge_points(
        np.concatenate([standing.node_xy[used], ends_xy]), NODE_TOLERANCE_M
    )
    at_old, at_new = label[: len(used)], label[len(used) :]
    taken = np.zeros(len(node_xy), bool)
    taken[at_old] = True
    aside_m = np.abs(ends_xy - node_xy[at_new]).max(axis=1, initial=0.0)
    if taken.sum() < len(used) or (aside_m[taken[at_new]] > _ROUNDING_M).any():
        return None
    ends = at_new.reshape(2, -1).T
    lines = with_ends(fresh.lines, node_xy[ends[:, 0]], node_xy[ends[:, 1]])
    long = np.flatnonzero(shapely.length(lines) > 0)
    pieces, order = standing.pieces.with_others(fresh._replace(lines=lines).only(long))
    all_ends = np.concatenate([at_old[old.reshape(-1, 2)], ends[long]])[order]
    place = np.concatenate([np.arange(len(standing.ends)), len(standing.ends) + long])[order]
    return Network(pieces, all_ends, node_xy), place

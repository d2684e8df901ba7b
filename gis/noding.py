"""Noding: cut crossing lines at their common points and keep which line each part came from.

``shapely.node`` is faster but forgets the parents, and with them every attribute.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import (
    FloatArray,
    IntArray,
    LineArray,
    Pieces,
    cut_lines,
    ends_of,
    merge_points,
    with_ends,
)
from gis.self_noding import meeting_points, passages

# End points nearer than this are one node: computed intersections differ by rounding only.
NODE_TOLERANCE_M = 5e-3


class Network(NamedTuple):
    """Noded lines: ``ends`` are (m, 2) node numbers of each piece, ``node_xy`` (n, 2) metres."""

    pieces: Pieces
    ends: IntArray
    node_xy: FloatArray

    def only(self, rows: IntArray) -> Network:
        """Some of the pieces; nodes keep their numbers."""
        return Network(self.pieces.only(rows), self.ends[rows], self.node_xy)


class Meetings(NamedTuple):
    """Where lines are cut: metres along each, and the ``other`` line met there, itself perhaps."""

    line: IntArray
    at_m: FloatArray
    other: IntArray


class Noded(NamedTuple):
    """Lines on their levels, where they meet, and the network that they are cut into."""

    lines: LineArray
    level: IntArray
    meetings: Meetings
    network: Network


def node_lines(lines: LineArray, level: IntArray | None = None) -> Network:
    """Cut lines wherever they touch or cross another or themselves, and number the nodes.

    Parameters
    ----------
    lines
        (n,) LineStrings in a projected CRS.
    level
        (n,) storey of each line, all on one by default. Lines of different levels pass above
        each other; they meet only where one of them ends, as a bridge does at its abutment.

    Returns
    -------
    The pieces with the index of their parent line. An end within the tolerance of another line
    touches it. Where lines run on top of each other, or one back over itself, every piece stays:
    ends, tips and feet of such stretches are nodes. Complexity O((n + k) log n) for k touching
    pairs.
    """
    level = np.zeros(len(lines), np.int64) if level is None else level
    return noded(lines, level).network


def noded(lines: LineArray, level: IntArray) -> Noded:
    """The same with what it takes to node the lines again when some of them have changed."""
    met = find_meetings(lines, level, np.arange(len(lines)))
    return Noded(lines, level, met, number_nodes(cut_lines(lines, met.line, met.at_m)))


def find_meetings(
    lines: LineArray, level: IntArray, new: IntArray, looped: IntArray | None = None
) -> Meetings:
    """Where ``new`` lines meet any, themselves too.

    ``looped`` are those among the others that meet themselves.
    """
    tree = shapely.STRtree(lines)
    is_new = np.zeros(len(lines), bool)
    is_new[new] = True
    at, two = tree.query(lines[new], predicate="intersects")
    one = new[at]
    once = np.where(is_new[two], one < two, True)
    one, two = np.sort([one[once], two[once]], axis=0).astype(np.int64)
    xy, pair = shapely.get_coordinates(
        shapely.intersection(lines[one], lines[two]), return_index=True
    )
    points = shapely.points(xy)
    if (level[one] != level[two]).any():
        meet = (level[one] == level[two])[pair] | _at_an_end(points, lines, one[pair], two[pair])
        points, pair = points[meet], pair[meet]
    near, tip, whose = _touching_ends(lines, tree, new, np.flatnonzero(~is_new))
    at_line = np.concatenate([one[pair], two[pair], near])
    other = np.concatenate([two[pair], one[pair], whose])
    places = np.concatenate([points, points, tip])
    return _along(lines, at_line, places, other, new, looped)


def _along(
    lines: LineArray,
    at_line: IntArray,
    points: NDArray[Any],
    other: IntArray,
    new: IntArray,
    looped: IntArray | None,
) -> Meetings:
    """Metres along each line of its meetings, those of new lines with themselves too."""
    own, own_xy = meeting_points(lines[new], NODE_TOLERANCE_M)
    own = new[own]
    winding = own if looped is None else np.concatenate([own, looped])
    again = np.isin(at_line, winding)  # passed more than once, perhaps
    once = at_line[~again]
    once_m = shapely.line_locate_point(lines[once], points[~again])
    if len(own) == 0 and not again.any():
        return Meetings(once, once_m, other)
    of = np.concatenate([own, at_line[again]])
    met = np.concatenate([own, other[again]])
    xy = np.concatenate([own_xy, shapely.get_coordinates(points[again])])
    winding, number = np.unique(of, return_inverse=True)
    place, many_m = passages(lines[winding], number, xy, NODE_TOLERANCE_M)
    return Meetings(
        np.concatenate([once, of[place]]),
        np.concatenate([once_m, many_m]),
        np.concatenate([other[~again], met[place]]),
    )


def _touching_ends(
    lines: LineArray, tree: shapely.STRtree, new: IntArray, others: IntArray
) -> tuple[IntArray, NDArray[Any], IntArray]:
    """Ends that lie on other lines but for rounding: the other line, the end, and whose it is.

    Ends of new lines on any, and of the others on new ones. A point computed to lie on a line
    seldom intersects it.
    """
    found: list[tuple[IntArray, NDArray[Any], IntArray]] = []
    for owner, on in ((new, tree), (others, shapely.STRtree(lines[new]))):
        whose = np.tile(owner, 2)
        tips = np.concatenate([shapely.get_point(lines[owner], end) for end in (0, -1)])
        at, met = on.query(tips, predicate="dwithin", distance=NODE_TOLERANCE_M)
        met = (met if on is tree else new[met]).astype(np.int64)
        foreign = whose[at] != met
        found.append((met[foreign], tips[at[foreign]], whose[at[foreign]]))
    met, tips, whose = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return met, tips, whose


def _at_an_end(
    points: NDArray[Any], lines: LineArray, one: IntArray, two: IntArray
) -> NDArray[np.bool_]:
    """True for points where one of the two lines starts or ends."""
    near = np.zeros(len(points), bool)
    for line in (one, two):
        for end in (0, -1):
            tip = shapely.get_point(lines[line], end)
            near |= shapely.distance(points, tip) <= NODE_TOLERANCE_M
    return near


def number_nodes(pieces: Pieces, tolerance_m: float = NODE_TOLERANCE_M) -> Network:
    """Number the ends of pieces; ends nearer than the tolerance share a node and meet exactly."""
    count = len(pieces.lines)
    if count == 0:
        return Network(pieces, np.zeros((0, 2), np.int64), np.zeros((0, 2)))
    first, last = ends_of(pieces.lines).transpose(1, 0, 2)
    label, node_xy = merge_points(np.concatenate([first, last]), tolerance_m)
    ends = np.stack([label[:count], label[count:]], axis=1)
    moved = with_ends(pieces.lines, node_xy[ends[:, 0]], node_xy[ends[:, 1]])
    kept = shapely.length(moved) > 0
    return Network(
        Pieces(moved[kept], pieces.parent[kept], pieces.start_m[kept], pieces.end_m[kept]),
        ends[kept],
        node_xy,
    )

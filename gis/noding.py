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
    tree = shapely.STRtree(lines)
    one, two = tree.query(lines, predicate="intersects")
    apart = one < two
    one, two = one[apart].astype(np.int64), two[apart].astype(np.int64)
    xy, pair = shapely.get_coordinates(
        shapely.intersection(lines[one], lines[two]), return_index=True
    )
    points = shapely.points(xy)
    if level is not None and (level[one] != level[two]).any():
        meet = (level[one] == level[two])[pair] | _at_an_end(points, lines, one[pair], two[pair])
        points, pair = points[meet], pair[meet]
    near, tip = _touching_ends(lines, tree)
    at_line = np.concatenate([one[pair], two[pair], near])
    return number_nodes(
        cut_lines(lines, *_places(lines, at_line, np.concatenate([points, points, tip])))
    )


def _places(
    lines: LineArray, at_line: IntArray, points: NDArray[Any]
) -> tuple[IntArray, FloatArray]:
    """Where to cut: the line and the metres along it of each meeting, with itself too."""
    own_line, own_xy = meeting_points(lines, NODE_TOLERANCE_M)
    again = np.isin(at_line, own_line)  # passed more than once, perhaps
    once, once_m = (
        at_line[~again],
        shapely.line_locate_point(lines[at_line[~again]], points[~again]),
    )
    if len(own_line) == 0:
        return once, once_m
    looped, number = np.unique(np.concatenate([own_line, at_line[again]]), return_inverse=True)
    xy = np.concatenate([own_xy, shapely.get_coordinates(points[again])])
    many, many_m = passages(lines[looped], number, xy, NODE_TOLERANCE_M)
    return np.concatenate([once, looped[many]]), np.concatenate([once_m, many_m])


def _touching_ends(lines: LineArray, tree: shapely.STRtree) -> tuple[IntArray, NDArray[Any]]:
    """Ends of lines that lie on other lines but for rounding: the other line, and the end.

    A point computed to lie on a line seldom intersects it.
    """
    tips = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    at, other = tree.query(tips, predicate="dwithin", distance=NODE_TOLERANCE_M)
    foreign = at % max(len(lines), 1) != other
    return other[foreign].astype(np.int64), tips[at[foreign]]


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

"""Noding: cut crossing lines at their common points and keep which line each part came from.

``shapely.node`` is faster but forgets the parents, and with them every attribute.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from gis.linear import FloatArray, IntArray, LineArray, Pieces, cut_lines, merge_points, with_ends

# End points nearer than this are one node: computed intersections differ by rounding only.
NODE_TOLERANCE_M = 5e-3


class Network(NamedTuple):
    """Noded lines: ``ends`` are (m, 2) node numbers of each piece, ``node_xy`` (n, 2) metres."""

    pieces: Pieces
    ends: IntArray
    node_xy: FloatArray


def node_lines(lines: LineArray) -> Network:
    """Cut lines wherever two of them touch or cross, and number the nodes.

    Parameters
    ----------
    lines
        (n,) LineStrings in a projected CRS.

    Returns
    -------
    The pieces with the index of their parent line. Where lines run on top of each other both
    pieces stay. Complexity O((n + k) log n) for k touching pairs.
    """
    one, two = shapely.STRtree(lines).query(lines, predicate="intersects")
    apart = one < two
    one, two = one[apart].astype(np.int64), two[apart].astype(np.int64)
    xy, pair = shapely.get_coordinates(
        shapely.intersection(lines[one], lines[two]), return_index=True
    )
    points = shapely.points(xy)
    at_line = np.concatenate([one[pair], two[pair]])
    at_m = np.concatenate(
        [
            shapely.line_locate_point(lines[one[pair]], points),
            shapely.line_locate_point(lines[two[pair]], points),
        ]
    )
    return number_nodes(cut_lines(lines, at_line, at_m))


def number_nodes(pieces: Pieces, tolerance_m: float = NODE_TOLERANCE_M) -> Network:
    """Number the ends of pieces; ends nearer than the tolerance share a node and meet exactly."""
    count = len(pieces.lines)
    if count == 0:
        return Network(pieces, np.zeros((0, 2), np.int64), np.zeros((0, 2)))
    first = shapely.get_coordinates(shapely.get_point(pieces.lines, 0))
    last = shapely.get_coordinates(shapely.get_point(pieces.lines, -1))
    label, node_xy = merge_points(np.concatenate([first, last]), tolerance_m)
    ends = np.stack([label[:count], label[count:]], axis=1)
    moved = with_ends(pieces.lines, node_xy[ends[:, 0]], node_xy[ends[:, 1]])
    kept = shapely.length(moved) > 0
    return Network(
        Pieces(moved[kept], pieces.parent[kept], pieces.start_m[kept], pieces.end_m[kept]),
        ends[kept],
        node_xy,
    )

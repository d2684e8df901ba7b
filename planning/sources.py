"""Sources 来源: which main the ways to tie-ins draw from, so that two feeds come from two mains.

A main is a line by its id, with the lines that continue it: where just two lines of a utility end
at one place, they are one main that was drawn or recorded in pieces, and a break of one cuts off
the other. Where more end, those that go straight on through the joint are one, as a main is that
was drawn unbroken past its branches, and so are two branches opposite each other, which one break
cuts off. Pipes that lie along each other, as near as they are drawn, are one main that was recorded
twice, or lie in one trench; cables may be two in one duct, which only who runs them knows. At a
ring main unit, whose switch may be open, two mains may meet. Of nodes it is the line that they
stand on; a node that does not say its line is of no known source, nor is one that names a line that
is not on the map and stands on another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.linear import IntArray
from layers.networks import CABLES, JOINED_M, SAME_M, Network, network_of
from layers.survey import Survey
from planning.application import Demand
from planning.groundwork import Groundwork
from planning.holds import joined_of
from planning.judged_routes import Route

# Where a groundwork keeps the mains of its lines; it hangs on the layers of lines and nodes.
MAINS = "mains"
# Kinds of nodes at which the line of one source may end and that of another begin.
_MAY_BE_OPEN = ("ring_main_unit",)
# A line goes straight on through a joint where it turns by less than half of what a square branch
# does; which way it goes is seen over some metres, as ends are drawn to some decimetres.
_STRAIGHT_ON_DEG, _SEEN_OVER_M = 45.0, 5.0
# A line that crosses another squarely lies this far along it, as near as lines are drawn.
_CROSSES_M = 2 * JOINED_M


# More lines than these are no small piece of a network.
_MOST_LINES = 64


class Piece(NamedTuple):
    """A piece of network: how many lines it has, its metres, and those of all other pieces."""

    lines: int
    length_m: float
    rest_m: float


class Mains(NamedTuple):
    """The mains of lines by the ids of both, the first id of all its pieces; and the network that
    each main is in: those that meet, at an end of one or through others, and cables that lie along
    each other. ``on_lines`` are the nodes that stand on lines of their utility.
    """

    of_line: Mapping[str, str]
    network: Mapping[str, int]
    on_lines: frozenset[str]


def main_of_lines(work: Groundwork) -> Mapping[str, str]:
    """The main of every line, by ids."""
    return _mains(work).of_line


def are_joined(work: Groundwork, one: str, two: str) -> bool:
    """Whether a main meets another, or others that do: what is recorded from tee to tee does.

    Cables that lie along each other may be one.
    """
    network = _mains(work).network
    return one in network and network[one] == network.get(two)


def piece_alone(survey: Survey, line_id: str) -> Piece | None:
    """The piece of its utility's network that a line hangs in, where most of it lies elsewhere.

    Lines that come within ``JOINED_M`` of each other hang together. None too for a piece of more
    than ``_MOST_LINES``: O(lines of a small piece).
    """
    lines = survey.tables["lines"]
    shapes, utility = np.asarray(lines.geometry.array), lines.loc[line_id, "utility"]

    def carrying(rows: IntArray) -> IntArray:
        of = lines[["utility", "status"]].iloc[rows]
        mine = (of["utility"] == utility) & (of["status"] != "abandoned")
        return np.asarray(rows[mine.to_numpy(bool)])

    found = todo = lines.index.get_indexer([line_id])
    while len(todo):
        _, near = lines.sindex.query(shapes[todo], predicate="dwithin", distance=JOINED_M)
        todo = np.setdiff1d(carrying(near), found)
        found = np.union1d(found, todo)
        if len(found) > _MOST_LINES:
            return None
    every = carrying(np.arange(len(lines)))
    own_m, all_m = (float(shapely.length(shapes[rows]).sum()) for rows in (found, every))
    return Piece(len(found), own_m, all_m - own_m) if 2 * own_m < all_m else None


def _mains(work: Groundwork) -> Mains:
    if MAINS not in work.kept:
        work.kept[MAINS] = _mains_in(work.survey)
    found: Mains = work.kept[MAINS]
    return found


def _mains_in(survey: Survey) -> Mains:
    lines, nodes = survey.get("lines"), survey.get("nodes")
    if lines is None or lines.empty:
        return Mains({}, {}, frozenset())
    network = network_of(lines, nodes)
    open_nodes = np.zeros(0, bool)
    if nodes is not None:
        open_nodes = nodes["kind"].isin(_MAY_BE_OPEN).to_numpy(bool)
    one, two = _continued(network, open_nodes)
    beside, along = _lying_along(network)
    cable = np.isin(network.utility[beside].astype(str), CABLES)
    one, two = np.concatenate([one, beside[~cable]]), np.concatenate([two, along[~cable]])
    count = len(network.ids)
    links = coo_array((np.ones(len(one)), (one, two)), shape=(count, count))
    piece_of = connected_components(links, directed=False)[1]
    ids = pd.Series(network.ids.astype(object))
    main = ids.groupby(piece_of).transform("min").to_numpy(object)
    end, other, _away = network.meetings
    met = other < count
    numbers, names = pd.factorize(main)
    ends = numbers[np.concatenate([network.line_of_end[end[met]], beside[cable]])]
    others = numbers[np.concatenate([other[met], along[cable]])]
    joints = coo_array((np.ones(len(ends)), (ends, others)), shape=(len(names), len(names)))
    joined = connected_components(joints, directed=False)[1]
    return Mains(
        dict(zip(ids, main, strict=True)),
        dict(zip(names, joined.tolist(), strict=True)),
        frozenset(network.point_ids[network.at_nodes[0]].tolist()),
    )


def _continued(network: Network, open_nodes: NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    """Pairs of lines of which each ends where the other does, and no third is there; or which go
    straight on there, whatever their sizes say: a main may be narrower past a branch.
    """
    end, other, _away = network.meetings
    count = len(network.shapes)
    of_line = other < count
    may_be_open = np.zeros(2 * count, bool)
    may_be_open[end[~of_line][open_nodes[other[~of_line] - count]]] = True
    end, other = end[of_line], other[of_line]
    through = _straight_on(network, end, other, may_be_open)
    alone = (np.bincount(end, minlength=2 * count)[end] == 1) & ~may_be_open[end]
    one, two = network.line_of_end[end[alone]], other[alone]
    # A line that ends on the middle of another is a branch: that one does not end there.
    met = set(zip(one.tolist(), two.tolist(), strict=True))
    both = np.array([(b, a) in met for a, b in zip(one.tolist(), two.tolist(), strict=True)], bool)
    return np.concatenate([one[both], through[0]]), np.concatenate([two[both], through[1]])


def _straight_on(
    network: Network, end: IntArray, other: IntArray, may_be_open: NDArray[np.bool_]
) -> tuple[IntArray, IntArray]:
    """Pairs of lines that end at one place, of which one goes straight on as the other."""
    one, two = np.tile(end, 2), np.concatenate([other, other + len(network.shapes)])
    there = shapely.distance(network.ends[one], network.ends[two]) <= JOINED_M
    there &= ~may_be_open[one] & ~may_be_open[two]
    one, two = one[there], two[there]
    inner = shapely.line_interpolate_point(
        np.tile(network.shapes, 2), np.repeat([1, -1], len(network.shapes)) * _SEEN_OVER_M
    )
    back, onward = (
        shapely.get_coordinates(inner[ends]) - shapely.get_coordinates(network.ends[ends])
        for ends in (one, two)
    )
    cross = back[:, 0] * onward[:, 1] - back[:, 1] * onward[:, 0]
    turn_deg = np.degrees(np.arctan2(np.abs(cross), -(back * onward).sum(axis=1)))
    on = turn_deg <= _STRAIGHT_ON_DEG
    return network.line_of_end[one[on]], network.line_of_end[two[on]]


def _lying_along(network: Network) -> tuple[IntArray, IntArray]:
    """Pairs of lines of one utility of which one lies within ``JOINED_M`` of the other for some
    metres, or all of it does. Those that only cross or meet are none.
    """
    shapes, length_m = network.shapes, shapely.length(network.shapes)
    least_m = np.maximum(np.minimum(length_m - SAME_M, _SEEN_OVER_M), _CROSSES_M + SAME_M)
    boxes = shapely.bounds(shapes)
    beside = shapely.box(*(boxes + JOINED_M * np.array([-1.0, -1.0, 1.0, 1.0])).T)
    beside[shapely.is_missing(shapes)] = None
    two, one = shapely.STRtree(shapes).query(beside).astype(np.int64)
    # Most lines only meet: the boxes round them have but a corner in common. A bent stretch may
    # be twice as long as its box is wide.
    low = np.maximum(boxes[one, :2], boxes[two, :2] - JOINED_M)
    high = np.minimum(boxes[one, 2:], boxes[two, 2:] + JOINED_M)
    near = (one != two) & (network.utility[one] == network.utility[two])
    near &= np.hypot(*(high - low).T) >= least_m[one] / 2
    one, two = one[near], two[near]
    near = shapely.dwithin(shapes[one], shapes[two], JOINED_M)
    one, two = one[near], two[near]
    shared = shapely.intersection(shapes[one], shapely.buffer(shapes[two], JOINED_M))
    long = shapely.length(shared) >= least_m[one]
    return one[long], two[long]


def sources(work: Groundwork, demand: Demand) -> NDArray[Any]:
    """The mains that the ways to tie-ins draw from, by their ids; None where a node does not say.

    One for every row of the table of tie-ins.
    """
    key = ("sources", demand.pipe.utility)
    if key not in work.kept:
        ties = work.tie_ins(demand.pipe.utility)
        feature, network = ties.ways.feature, ties.network
        work.kept[key] = _mains_of(work, network.kinds[feature], network.ids[feature])
    found: NDArray[Any] = work.kept[key]
    return found


def source_numbers(work: Groundwork, demand: Demand) -> IntArray:
    """Numbers of the ``sources``, -1 for an unknown one."""
    return np.asarray(pd.factorize(sources(work, demand))[0], np.int64)


def source_of(work: Groundwork, demand: Demand, route: Route) -> str | None:
    """The main that a route draws from, None where its node does not say."""
    kind, feature_id = joined_of(work, demand.pipe.utility, [route.way])
    found: str | None = _mains_of(work, kind, feature_id)[0]
    return found


def _mains_of(work: Groundwork, kind: NDArray[Any], feature_id: NDArray[Any]) -> NDArray[Any]:
    """The mains of features by their kind, line or node, and id."""
    line_id = pd.Series(feature_id, dtype=object).copy()
    is_node = kind == "node"
    nodes = work.survey.get("nodes")
    if nodes is not None and is_node.any():
        mains = nodes["line_id"].reindex(line_id[is_node])
        line_id[is_node] = mains.where(mains.notna(), None).to_numpy(object)
    main, on_lines = _mains(work).of_line, _mains(work).on_lines
    amiss = [
        stands and one not in main and key in on_lines
        for stands, one, key in zip(is_node, line_id, feature_id, strict=True)
    ]
    line_id[amiss] = None
    return np.array([None if pd.isna(one) else main.get(one, one) for one in line_id], object)

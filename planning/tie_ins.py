"""Tie-ins 接入点: where a new line may join the existing network of its utility (design 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from gis.keys import once_each
from gis.linear import FloatArray, IntArray, LineArray, ranges, segments
from gis.network import tie_break
from gis.patched_tree import Tree, tree_of
from gis.regions import Region
from layers.survey import Survey
from layers.utilities import Utility
from planning.corridors import Corridors
from planning.policy_model import Policy
from planning.road_surfaces import crossing_angles, entries
from planning.standards import Pipe, Standards
from planning.tie_in_rules import refusals, standing
from planning.tie_in_ways import DECIDING, MainWays, Ways

# Why a way is none.
BLOCKED, OBLIQUE, OFF_STREET = "blocked", "oblique", "off_street"
MEASURES = ("length_m", "kerb_m", "red_line_m", "green_m")


@dataclass(frozen=True)
class TieIns:
    """Every place where one utility's network can be reached from the corridors.

    Attributes
    ----------
    table
        One row per pair of graph node and place: node, kind ('line' or 'node'), feature_id,
        chainage_m (along the main, NaN at a node), and the measures of the way between.
    lines
        The ways, from the graph node to the place in the network, LineStrings.
    crossings
        Pieces of them inside carriageways: ``tie_in`` (row), ``road``, ``kerb_m``, ``red_line_m``.
    features
        The mains and nodes themselves by kind and feature_id, for ``eligible``; a main and a
        node may bear the same id.
    imported
        False when the utility has no network in the survey at all.
    closed
        Ways that were tried and are none: ``kind``, ``feature_id``, ``reason`` (``blocked`` by
        private land, buildings, water or rails, ``oblique`` to a carriageway, ``off_street``
        from one street to another or over the inside of a bend), ``node``, ``x``, ``y``.
    """

    utility: str
    table: pd.DataFrame
    lines: LineArray
    crossings: pd.DataFrame
    features: pd.DataFrame
    imported: bool
    closed: pd.DataFrame

    @cached_property
    def tie_break(self) -> FloatArray:
        """The tie-break of every way, as edges have one."""
        return tie_break(self.lines)

    @cached_property
    def tree(self) -> Tree:
        """R-tree of the ways."""
        return tree_of(self.lines)

    @cached_property
    def by_node(self) -> tuple[IntArray, IntArray]:
        """Rows in the order of their nodes, and where in it those of another node begin.

        At a node they are by name, so that of features in one place the first by name is joined:
        rows come in another order after an edit.
        """
        return self.in_order(np.arange(len(self.table)))

    def in_order(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """``by_node``, given all rows in any order; soon told where few are out of place."""
        key = self.node * (len(self.features) + 1) + self.name_order
        order = rows[np.argsort(key[rows], kind="stable")]
        return order, np.flatnonzero(np.diff(self.node[order], prepend=-1))

    @cached_property
    def node(self) -> IntArray:
        """The node of the graph that each way begins at."""
        return self.table["node"].to_numpy(np.int64)

    def at_nodes(self, nodes: IntArray) -> IntArray:
        """Rows that begin at some nodes."""
        order, starts = self.by_node
        at = np.searchsorted(self.node[order[starts]], [nodes, nodes + 1])
        ends = np.append(starts, len(order))
        return order[ranges(ends[at[0]], ends[at[1]])]

    def renumbered(self, node: IntArray) -> TieIns:
        """The same with other numbers of the nodes."""
        told = [
            one.assign(node=node[one["node"].to_numpy(np.int64)])
            for one in (self.table, self.closed)
        ]
        return replace(self, table=told[0], closed=told[1])

    @cached_property
    def feature_rows(self) -> IntArray:
        """Row of ``features`` that each way leads to."""
        return self.rows_of_features(self.table)

    def rows_of_features(self, table: pd.DataFrame) -> IntArray:
        """Row of ``features`` that each row of a table leads to."""
        joined = pd.MultiIndex.from_frame(table[["kind", "feature_id"]])
        return np.asarray(self.features.index.get_indexer(joined), np.int64)

    @cached_property
    def feature_ids(self) -> list[str]:
        """The main or node that each row joins."""
        return list(map(str, once_each(self.table["feature_id"])))

    @cached_property
    def name_order(self) -> IntArray:
        """Place of each row's feature among the names in order: decides between equal ways."""
        return self.order_of_features[self.feature_rows]

    @cached_property
    def order_of_features(self) -> IntArray:
        """Place of each feature among their names in order."""
        names = [str(name) for _, name in self.features.index]
        return np.asarray(pd.factorize(np.array(names, object), sort=True)[0], np.int64)


def find_tie_ins(
    corridors: Corridors,
    survey: Survey,
    utilities: Iterable[Utility],
    policy: Policy,
    near: Region | None = None,
) -> dict[str, TieIns]:
    """Find the places where utilities may be joined, within the snap distance of the graph.

    Inside mains (the main is split there) where the utility allows it, else at its nodes. A way
    that would cross private land, water or rails, or meet a carriageway at less than the least
    crossing angle of the policy, is no way; nor is one that leaves a street for another, or over
    the inside of a bend, over land wider than a median. All utilities are looked at together:
    their ways run over the same ground. With ``near`` not all ways to mains are found, but all from
    nodes in that region.
    """
    networks = {one.key: _network(survey, one) for one in utilities}
    mains = pd.concat([one.mains for one in networks.values()])
    shapes = np.concatenate([one.shapes for one in networks.values()])
    places = pd.concat([one.places for one in networks.values()])
    tried = _joined(
        [
            *_ways_to_mains(corridors, mains, shapes, places, policy, near),
            _ways_to_nodes(corridors, places, policy),
        ]
    )
    tried = _measured(corridors, tried)
    return {key: _of_utility(key, one, tried) for key, one in networks.items()}


class _Network(NamedTuple):
    """Mains with their lines and nodes of one utility that may be joined; if it was imported.

    Nodes have their ``point``.
    """

    mains: pd.DataFrame
    shapes: LineArray
    places: pd.DataFrame
    imported: bool


def _network(survey: Survey, utility: Utility) -> _Network:
    mains, shapes = _features(survey.get("lines"), utility, "subtype")
    places, points = _features(survey.get("nodes"), utility, "kind")
    places = _with_main(places, survey.get("lines")).assign(point=points)
    if not utility.tie_in.inside:
        mains, shapes = mains.iloc[:0], shapes[:0]
    return _Network(mains, shapes, places, _has_network(survey, utility))


class _Tried(NamedTuple):
    """Ways that were tried: ``reason`` why one is closed, '' for none; crossings of open ones."""

    table: pd.DataFrame
    lines: LineArray
    crossings: pd.DataFrame


def _try(
    corridors: Corridors,
    table: pd.DataFrame,
    lines: LineArray,
    policy: Policy,
    in_lane_m: FloatArray | None = None,
) -> _Tried:
    """Tell open ways from those that are blocked or meet a carriageway at too sharp an angle.

    ``in_lane_m`` of a way along a lane is no crossing: its angle is that of what comes after.
    """
    reason = np.where(corridors.obstacles.connector_allowed(lines), "", BLOCKED).astype(object)
    free = np.flatnonzero(reason == "")
    crossings = corridors.surfaces.crossings(lines[free])
    across, entered = lines[free], entries(crossings)
    if in_lane_m is not None and (in_lane_m > 0).any():
        across = _after(across, in_lane_m[free])
        entered = entries(corridors.surfaces.crossings(across))
    angle = crossing_angles(across, entered, corridors.surfaces)
    sharp = angle < policy.planning.min_crossing_angle_deg
    reason[free[entered["line"][sharp]]] = OBLIQUE
    most_m = policy.planning.max_median_m
    long = np.flatnonzero((reason == "") & (shapely.length(lines) > most_m))
    between_m = corridors.surfaces.land.pieces(lines[long]).between_m(len(long))
    reason[long[between_m > most_m]] = OFF_STREET
    crossings = crossings.assign(line=free[crossings["line"]])
    return _Tried(table.assign(reason=reason), lines, crossings[reason[crossings["line"]] == ""])


def _after(lines: LineArray, along_m: FloatArray) -> LineArray:
    """Lines without their first metres; empty where nothing is left."""
    left = lines.copy()
    for number in np.flatnonzero(along_m > 0):
        rest = substring(lines[number], along_m[number], lines[number].length)
        left[number] = rest if rest.length > 0 else shapely.LineString()
    return left


def _joined(parts: Sequence[_Tried]) -> _Tried:
    """Ways one after the other; of equal ones the first."""
    table = pd.concat([one.table for one in parts], ignore_index=True)
    lines = np.concatenate([one.lines for one in parts])
    start = np.cumsum([0, *(len(one.lines) for one in parts)])
    crossings = pd.concat(
        [
            one.crossings.assign(line=one.crossings["line"] + at)
            for one, at in zip(parts, start, strict=False)
        ],
        ignore_index=True,
    )
    same = table[["utility", "node", "kind", "feature_id"]].assign(
        x=table["x"].round(3), y=table["y"].round(3), length_m=shapely.length(lines).round(3)
    )
    fresh = ~same.duplicated().to_numpy()
    number = np.cumsum(fresh) - 1
    crossings = crossings[fresh[crossings["line"]]]
    crossings = crossings.assign(line=number[crossings["line"]]).reset_index(drop=True)
    return _Tried(table[fresh].reset_index(drop=True), lines[fresh], crossings)


def _ways_to_mains(
    corridors: Corridors,
    mains: pd.DataFrame,
    shapes: LineArray,
    places: pd.DataFrame,
    policy: Policy,
    near: Region | None,
) -> list[_Tried]:
    """Ways to mains. One that another makes needless is tried when that one is closed."""
    finder = MainWays(corridors, mains, shapes, places, policy.planning.max_snap_m)
    ways = finder.find()
    if near is not None:
        ways = ways.only(near.holds(corridors.graph.node_xy[ways.node]))
    is_closed = np.zeros(len(ways), bool)
    due, waiting = np.flatnonzero(ways.cover < 0), np.flatnonzero(ways.cover >= 0)
    rounds = []
    while len(due):
        ended, lines = finder.ended_at_first_main(ways.take(due))
        table = _way_table(mains, ended)
        rounds.append(_try(corridors, table, lines, policy, finder.in_lane_m(ended)))
        is_closed[due] = rounds[-1].table["reason"] != ""
        ready = is_closed[ways.cover[waiting]]
        due, waiting = waiting[ready], waiting[~ready]
    return rounds


def _measured(corridors: Corridors, tried: _Tried) -> _Tried:
    """Add the measures of the open ways; of the others they stay unknown."""
    is_open = (tried.table["reason"] == "").to_numpy()
    number = np.cumsum(is_open) - 1
    crossings = tried.crossings.assign(line=number[tried.crossings["line"]])
    measures, crossings = corridors.measure(tried.lines[is_open], crossings)
    rows = np.flatnonzero(is_open)
    table = pd.concat([tried.table, measures.set_axis(rows)], axis=1)
    return _Tried(table, tried.lines, crossings.assign(line=rows[crossings["line"]]))


def _of_utility(key: str, network: _Network, tried: _Tried) -> TieIns:
    table = tried.table
    mine = (table["utility"] == key).to_numpy()
    own = mine & (table["reason"] == "").to_numpy()
    number = np.cumsum(own) - 1
    crossings = tried.crossings[own[tried.crossings["line"]]]
    return TieIns(
        key,
        table.loc[own, ["node", "kind", "feature_id", "chainage_m", *MEASURES]].reset_index(
            drop=True
        ),
        tried.lines[own],
        crossings.assign(line=number[crossings["line"]])
        .rename(columns={"line": "tie_in"})
        .reset_index(drop=True),
        *_features_of(network),
        table.loc[mine & ~own, ["kind", "feature_id", "reason", "node", "x", "y"]],
    )


def features_of(survey: Survey, utility: Utility) -> tuple[pd.DataFrame, bool]:
    """The ``features`` of a utility's tie-ins, and whether it was ``imported``."""
    return _features_of(_network(survey, utility))


def _features_of(network: _Network) -> tuple[pd.DataFrame, bool]:
    of_kind = {"line": network.mains, "node": network.places}
    return pd.concat(of_kind, names=["kind", "feature_id"]), network.imported


def _way_table(mains: pd.DataFrame, ways: Ways) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "utility": mains["utility"].to_numpy(object)[ways.main],
            "node": ways.node,
            "kind": "line",
            "feature_id": mains.index.to_numpy(object)[ways.main],
            "chainage_m": ways.chainage_m,
            "x": ways.xy[:, 0],
            "y": ways.xy[:, 1],
        }
    )


def _ways_to_nodes(corridors: Corridors, places: pd.DataFrame, policy: Policy) -> _Tried:
    """The places themselves, from their feet on the strips and straight from red lines."""
    feet = corridors.feet[corridors.feet["network_node_id"].isin(places.index)]
    joints = corridors.carriers.joints
    joints = joints[joints["network_node_id"].isin(places.index)]
    feet = pd.concat([feet, _to_red_lines(corridors, feet), joints])
    xy = np.stack(feet["xy"].to_list()) if len(feet) else np.zeros((0, 2))
    table = pd.DataFrame(
        {
            "utility": places["utility"].reindex(feet["network_node_id"]).to_numpy(object),
            "node": feet["node"].to_numpy(np.int64),
            "kind": "node",
            "feature_id": feet["network_node_id"].to_numpy(object),
            "chainage_m": np.nan,
            "x": xy[:, 0],
            "y": xy[:, 1],
        }
    )
    lines = segments(corridors.graph.node_xy[table["node"].to_numpy(np.int64)], xy)
    return _try(corridors, table, lines, policy)


def _has_network(survey: Survey, utility: Utility) -> bool:
    tables = (survey.get("lines"), survey.get("nodes"))
    return any(t is not None and bool((t["utility"] == utility.key).any()) for t in tables)


def _features(table: Any, utility: Utility, field: str) -> tuple[pd.DataFrame, NDArray[Any]]:
    """Rows of a layer that may be joined by the utility."""
    if table is None:
        return pd.DataFrame(columns=list(DECIDING)), np.zeros(0, object)
    mine = table[table["utility"].to_numpy(object) == utility.key]
    chosen = mine[(standing(mine, utility, field) == "").to_numpy()]
    return pd.DataFrame(chosen.drop(columns="geometry")), np.asarray(chosen.geometry.array)


def _with_main(places: pd.DataFrame, lines: Any) -> pd.DataFrame:
    """Give nodes that do not say it themselves the size and pressure of the main they sit on."""
    if lines is None or len(places) == 0:
        return places
    inherited = ["diameter_mm", "pressure_mpa", "voltage_kv"]
    own = lines[inherited].reindex(places["line_id"]).set_axis(places.index)
    return places.assign(
        **{name: places[name].fillna(own[name]) if name in places else own[name] for name in own}
    )


def _to_red_lines(corridors: Corridors, feet: pd.DataFrame) -> pd.DataFrame:
    """The same places seen from red lines that are no farther than a strip and back.

    A handhole between strip and red line is joined straight, not by way of the strip.
    """
    if len(feet) == 0:
        return feet
    xy = corridors.graph.node_xy
    away = np.hypot(*(xy[feet["node"].to_numpy(np.int64)] - np.stack(feet["xy"].to_list())).T)
    places = feet.assign(away=away).sort_values("away").drop_duplicates("network_node_id")
    sites = np.unique(corridors.sites["node"].to_numpy(np.int64))
    place, site = shapely.STRtree(shapely.points(xy[sites])).query(
        shapely.points(np.stack(places["xy"].to_list())),
        predicate="dwithin",
        distance=2.0 * places["away"].to_numpy(),
    )
    seen: pd.DataFrame = places.drop(columns="away").iloc[place]
    return seen.assign(node=sites[site])


def eligible(tie_ins: TieIns, pipe: Pipe, standards: Standards) -> NDArray[np.bool_]:
    """Which rows of ``tie_ins.table`` may serve a pipe."""
    return may_serve(tie_ins, pipe, standards).to_numpy(bool)[tie_ins.feature_rows]


def may_serve(tie_ins: TieIns, pipe: Pipe, standards: Standards) -> pd.Series:
    """Which of ``tie_ins.features`` may serve a pipe: large enough, right class, room left."""
    return refusals(tie_ins.features, pipe, standards) == ""

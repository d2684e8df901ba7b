"""Carriers 既有通道: ducts with free holes, pole lines and walls that take a line without a dig.

A carrier runs from joint to joint: ducts between handholes, overhead lines between poles. It is
used only where its owner is known and lets others in (field ``open_to_others``, unknown is no) and
where it has room; overhead lines and walls only where the county's settings allow them. The new
line's length counts; what is dug is the lead from a strip to the first joint and from the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from gis.linear import POSITION_TOLERANCE_M, FloatArray, IntArray, segments
from gis.network import CorridorGraph
from layers.survey import Survey
from planning.comparisons import is_true, is_unknown
from planning.crossing_methods import Methods
from planning.policy_model import Planning
from planning.road_surfaces import Crossed
from planning.sizing_rules import supply_voltage_kv
from planning.standards import Pipe

if TYPE_CHECKING:
    from planning.corridors import Corridors

# What each laying carries, and the nodes it is entered and left at.
_CARRIES = {"duct": ("telecom",), "overhead": ("power", "telecom"), "wall": ("power", "telecom")}
_JOINTS = {"duct": ("handhole", "cabinet"), "overhead": ("pole",), "wall": ("pole", "cabinet")}
# Settings of the county that let new lines hang on what exists.
_ALLOWED_BY = {"overhead": "overhead_allowed", "wall": "wall_allowed"}
# A joint lies on its line, give or take how both were surveyed.
_ON_LINE_M = 1.0
# A carrier with its joints in order: id, point, metres along the line.
Run = tuple[dict[str, Any], list[tuple[str, shapely.Point, float]]]


@dataclass(frozen=True)
class Carriers:
    """Edges of a corridor graph that are existing ducts, pole lines and walls.

    ``table``: edge, line_id, laying, utility, free_holes, voltage_kv. ``leads``: edge, utility.
    ``joints``: node of the graph, ``network_node_id``, ``xy``.
    """

    table: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["edge", "line_id", "laying", "utility"])
    )
    leads: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["edge", "utility"]))
    joints: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["node", "network_node_id", "xy"])
    )

    def serves(self, pipe: Pipe) -> NDArray[np.bool_]:
        """Which rows may take a pipe: its utility, holes that are free, its voltage."""
        fits = (self.table["utility"] == pipe.utility).to_numpy(bool)
        if len(fits) == 0:
            return fits
        in_duct = (self.table["laying"] == "duct").to_numpy()
        wanted = np.inf if pipe.duct_holes is None else pipe.duct_holes
        enough = self.table["free_holes"].to_numpy(float) >= wanted  # unknown is not enough
        fits = fits & (~in_duct | enough)
        if pipe.utility == "power":
            known = np.nan if pipe.voltage_kv is None else pipe.voltage_kv
            voltage_kv = self.table["voltage_kv"].to_numpy(float)
            fits = fits & (supply_voltage_kv(voltage_kv) == supply_voltage_kv(known))
        return np.asarray(fits)

    def filled_by(self, pipe: Pipe, edges: Iterable[int]) -> IntArray:
        """The ducts among edges that have no holes for a second pipe beside the first."""
        holes = pipe.duct_holes
        both = self.serves(replace(pipe, duct_holes=None if holes is None else 2 * holes))
        return np.intersect1d(
            self.table["edge"].to_numpy(np.int64)[~both], np.array(list(edges), np.int64)
        )

    def applied(
        self, methods: Methods, pipe: Pipe, pipe_yuan_m: float | None, graph: CorridorGraph
    ) -> Methods:
        """The methods of a pipe with what it costs to be carried; leads serve their own utility."""
        if self.table.empty:
            return methods
        shut, bore = methods.shut.copy(), methods.bore_yuan
        edges = self.table["edge"].to_numpy(np.int64)
        foreign = self.leads["edge"][self.leads["utility"] != pipe.utility].to_numpy(np.int64)
        price = np.inf if pipe_yuan_m is None else pipe_yuan_m
        for closed in (edges, foreign):
            shut[closed], bore[closed] = True, np.inf
        bore[edges] = np.where(self.serves(pipe), graph.length_m[edges] * price, np.inf)
        return methods.but(bore, shut)

    def among(self, edges: Sequence[int]) -> list[tuple[int, str, str]]:
        """Edge, line_id and laying of the carriers among edges, in the order of the edges."""
        told = self._told
        return [(edge, *told[edge]) for edge in edges if edge in told]

    @cached_property
    def joint_ids(self) -> dict[int, str]:
        """Id of the network's node at each joint, by the node of the graph."""
        ids = map(str, self.joints["network_node_id"])
        return dict(zip(self.joints["node"].tolist(), ids, strict=True))

    @cached_property
    def _told(self) -> dict[int, tuple[str, str]]:
        """line_id and laying of each carrier by its edge."""
        names = zip(map(str, self.table["line_id"]), map(str, self.table["laying"]), strict=True)
        return dict(zip(self.table["edge"].tolist(), names, strict=True))


def joint_points(runs: Sequence[Run]) -> pd.DataFrame:
    """The joints of usable carriers as points to be joined to strips: kind, key, point."""
    points = [(key, point) for _, joints in runs for key, point, _ in joints]
    return pd.DataFrame(points, columns=["key", "point"]).drop_duplicates("key").assign(kind="node")


def may_carry(lines: pd.DataFrame, settings: Planning) -> bool:
    """Whether any of some lines is a carrier that new lines may use."""
    return bool(_usable(lines, settings))


def with_carriers(bare: Corridors, runs: Sequence[Run]) -> Corridors:
    """The corridors with usable carriers between their joints, and leads to them from strips."""
    pieces: list[tuple[str, str, shapely.LineString, dict[str, Any]]] = []
    places: dict[str, shapely.Point] = {}
    for told, joints in runs:
        for (one, start, at), (two, end, to) in pairwise(joints):
            if to - at > POSITION_TOLERANCE_M:
                places |= {one: start, two: end}
                pieces.append((one, two, _between(told["geometry"], start, end, at, to), told))
    if not pieces:
        return bare
    number = {key: bare.graph.node_count + row for row, key in enumerate(places)}
    feet = bare.feet[bare.feet["network_node_id"].isin(number)]
    xy = np.array([point.coords[0] for point in places.values()])
    lead_ends = np.stack(
        [feet["node"].to_numpy(np.int64), feet["network_node_id"].map(number).to_numpy(np.int64)], 1
    )
    node_xy = np.concatenate([bare.graph.node_xy, xy])
    ends = np.concatenate([lead_ends, [[number[one], number[two]] for one, two, _, _ in pieces]])
    lines = np.array([line for _, _, line, _ in pieces], object)
    first, between = bare.graph.edge_count, bare.graph.edge_count + len(feet)
    kinds = pd.DataFrame(
        {
            "kind": ["lead"] * len(feet) + ["carrier"] * len(pieces),
            "road": [*_road_at(bare, lead_ends[:, 0]), *[-1] * len(pieces)],
            "side": 0,
        }
    )
    graph = CorridorGraph(
        node_xy,
        np.concatenate([bare.graph.ends, ends]),
        np.concatenate([bare.graph.lines, segments(*node_xy[lead_ends].swapaxes(0, 1)), lines]),
        pd.concat([bare.graph.measures, kinds], ignore_index=True),
    )
    table = pd.DataFrame([told for *_, told in pieces]).drop(columns="geometry")
    table.insert(0, "edge", np.arange(between, between + len(pieces)))
    utility = {key: told["utility"] for one, two, _, told in pieces for key in (one, two)}
    leads = pd.DataFrame(
        {"edge": np.arange(first, between), "utility": feet["network_node_id"].map(utility)}
    )
    entered = pd.DataFrame(
        {"node": list(number.values()), "network_node_id": list(number), "xy": list(xy)}
    )
    return replace(bare, graph=graph, carriers=Carriers(table, leads, entered))


def undug(
    carried: NDArray[np.bool_], measured: Mapping[str, FloatArray], crossed: Crossed
) -> tuple[dict[str, FloatArray], Crossed]:
    """Measures of edges and their crossings; in carriers nothing is crossed and no green taken."""
    measured = dict(measured)
    for name in ("kerb_m", "red_line_m", "green_m"):
        measured[name] = np.where(carried, 0.0, measured[name])
    return measured, crossed.take(~carried[crossed.line])


def runs_of(survey: Survey, settings: Planning) -> list[Run]:
    """Usable carriers, each with its joints in order."""
    lines, nodes = survey.get("lines"), survey.get("nodes")
    if lines is None or nodes is None:
        return []
    runs = []
    for line in _usable(lines, settings):
        own = nodes[
            (nodes["utility"] == line["utility"]) & nodes["kind"].isin(_JOINTS[line["laying"]])
        ]
        near = own[shapely.dwithin(own.geometry.array, line["geometry"], _ON_LINE_M)]
        joints = [
            (str(key), point, float(line["geometry"].project(point)))
            for key, point in near.geometry.items()
        ]
        runs.append((line, sorted(joints, key=lambda joint: (joint[2], joint[0]))))
    return runs


def _usable(lines: pd.DataFrame, settings: Planning) -> list[dict[str, Any]]:
    """Lines in use that carry, whose owner is known and lets others in."""
    allowed = {"duct"}
    allowed |= {laying for laying, name in _ALLOWED_BY.items() if settings.value(name) == 1.0}
    if "open_to_others" not in lines or "laying" not in lines:
        return []
    used = lines["laying"].isin(allowed) & (lines["status"] == "in_service")
    rows = np.flatnonzero(used.to_numpy(bool))
    shared, owner = (lines[name].array.take(rows) for name in ("open_to_others", "owner"))
    known = [is_true(one) and not is_unknown(name) for one, name in zip(shared, owner, strict=True)]
    rows = rows[np.array(known, bool)]
    if len(rows) == 0:
        return []
    columns = ["laying", "utility", "free_holes", "voltage_kv", "geometry"]
    chosen = pd.DataFrame(lines[columns].take(rows))
    told = chosen.assign(line_id=chosen.index.astype(str)).to_dict("records")
    each = [{str(name): value for name, value in one.items()} for one in told]
    return [one for one in each if one["utility"] in _CARRIES[one["laying"]]]


def _between(
    line: shapely.LineString, start: shapely.Point, end: shapely.Point, at_m: float, to_m: float
) -> shapely.LineString:
    """A stretch of a line, its ends drawn to the joints themselves."""
    inner = shapely.get_coordinates(substring(line, at_m, to_m))[1:-1]
    return shapely.LineString([start.coords[0], *inner, end.coords[0]])


def _road_at(bare: Corridors, nodes: NDArray[np.int64]) -> list[int]:
    """The road of the strips that meet at nodes, -1 for none."""
    measures = bare.graph.measures
    strip = np.flatnonzero((measures["kind"] == "strip").to_numpy())
    road = dict(
        zip(
            bare.graph.ends[strip].ravel().tolist(),
            np.repeat(measures["road"].to_numpy(np.int64)[strip], 2).tolist(),
            strict=True,
        )
    )
    return [road.get(node, -1) for node in nodes.tolist()]

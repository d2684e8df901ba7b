"""Corridors: the graph of places where an external line may run (design 5).

Kerb-side strips on both sides of every road, crossings between them, and connectors to the red
lines of parcels, to gates and to network nodes. Every edge is measured once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from sys import intern
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.areas import Areas
from gis.crs import require_projected
from gis.keys import alike
from gis.linear import (
    FloatArray,
    IntArray,
    LineArray,
    cut_lines,
    distinct,
    ranges,
    segments,
    straight_pieces,
    with_ends,
    xy_along,
)
from gis.network import ArcOrder, CorridorGraph, arc_order, connected_parts
from gis.noding import Network, number_nodes
from gis.overlay import length_inside_union
from gis.regions import Region
from layers.survey import Survey
from planning.application import Gate
from planning.bent_feet import bent_feet
from planning.carriers import Carriers, Run, joint_points, runs_of, undug, with_carriers
from planning.crossing_methods import mouth_bores
from planning.crossing_places import Across, crossing_feet
from planning.drawn_corridors import Drawn, with_drawn
from planning.feet import Feet, gate_points, node_points, parcel_feet, point_feet
from planning.lanes import KIND as LANE
from planning.lanes import with_lanes
from planning.obstacles import Obstacles, obstacles_of, shapes_of
from planning.open_land import with_open_land
from planning.policy_model import Policy
from planning.quantities import SURFACES
from planning.road_surfaces import Crossed, RoadSurfaces
from planning.roadside import Roadside, roadside
from planning.strip_layout import StripLayout, lay_out, road_setbacks

# What is measured of a line that tells on which surfaces it lies.
SURFACES_FROM = ("length_m", "kerb_m", "green_m")
# Edges along roads or away from them: mains are joined to their nodes.
_BESIDE = ("strip", "drawn", "open_land", LANE)
# What edges are before others are added to them.
_KINDS = ("strip", "crossing", "bore", "connector")


@dataclass(frozen=True)
class Corridors:
    """The corridor graph of a survey, and what is needed to measure anything beside it.

    Attributes
    ----------
    graph
        Edge measures: kind (strip, crossing, connector, bore, lead, carrier, drawn, open_land,
        lane), road (row of ``surfaces``, -1 none), side, length_m, kerb_m, red_line_m, green_m,
        on_bridge (1 yes, 0 no, NaN unknown).
    crossings
        Pieces inside carriageways: ``edge``, ``road``, ``kerb_m``, ``red_line_m``.
    sites
        Where lines may end: ``node``, ``parcel_id``, ``application_id`` ('' without a gate).
    feet
        Network nodes beside the graph: ``node`` of the graph, ``network_node_id``, ``line``.
    gaps_m
        Distance from each parcel or gate to the nearest strip, by parcel_id or application_id.
    roadside
        What they are built on.
    carriers
        Which edges are existing ducts, pole lines and walls.
    drawn
        Which edges people drew, and for whom.
    """

    graph: CorridorGraph
    obstacles: Obstacles
    green: NDArray[Any]
    crossings: pd.DataFrame
    sites: pd.DataFrame
    feet: pd.DataFrame
    gaps_m: Mapping[str, float]
    roadside: Roadside
    carriers: Carriers = field(default_factory=Carriers)
    drawn: Drawn = field(default_factory=Drawn)

    @property
    def surfaces(self) -> RoadSurfaces:
        """The roads."""
        return self.roadside.surfaces

    @property
    def setback_m(self) -> float:
        """Distance of the strips from the kerb where the footway is wide enough."""
        return self.roadside.setback_m

    @cached_property
    def is_connector(self) -> NDArray[np.bool_]:
        """True for edges between a strip and a red line: only the last step of a route."""
        return np.asarray(self.graph.kind == "connector", bool)

    def reused_m(self, edges: Sequence[int]) -> float:
        """Metres of edges that lie in existing ducts."""
        ducts = [edge for edge, _, laying in self.carriers.among(edges) if laying == "duct"]
        return float(self.graph.length_m[ducts].sum()) if ducts else 0.0

    @cached_property
    def is_lane(self) -> NDArray[np.bool_]:
        """True for edges along carriageways, and those that join them to strips."""
        return np.asarray(self.graph.kind == LANE, bool)

    @cached_property
    def never_cut(self) -> NDArray[np.bool_]:
        """True for edges that cannot be cut open: they are bored, or carried by what exists."""
        return np.asarray(self.is_bored | (self.graph.kind == "carrier"), bool)

    @cached_property
    def is_bored(self) -> NDArray[np.bool_]:
        """True for edges that can be bored, but not cut open."""
        return np.asarray(self.graph.kind == "bore", bool)

    @cached_property
    def walk_order(self) -> ArcOrder:
        """Arcs of all edges but connectors, in the order that forests take."""
        walkable = np.flatnonzero(~self.is_connector)
        order = arc_order(self.graph.ends[walkable], self.graph.node_count)
        return replace(order, edge=walkable[order.edge])

    @cached_property
    def parts(self) -> IntArray:
        """Equal numbers for nodes that edges other than connectors join, whatever may be dug."""
        return connected_parts(self.graph.ends[~self.is_connector], self.graph.node_count)

    @cached_property
    def is_walked(self) -> NDArray[np.bool_]:
        """True for nodes at the end of any edge but connectors."""
        walked = np.zeros(self.graph.node_count, bool)
        walked[self.graph.ends[~self.is_connector]] = True
        return walked

    @cached_property
    def connectors(self) -> pd.DataFrame:
        """Connectors by ``node`` on the red line: ``edge``, ``foot`` (strip node), ``node``."""
        edge = np.flatnonzero(self.is_connector)
        edge = edge[np.argsort(self.graph.ends[edge, 1], kind="stable")]
        foot, node = self.graph.ends[edge].T
        return pd.DataFrame({"edge": edge, "foot": foot, "node": node})

    @cached_property
    def strip_nodes(self) -> IntArray:
        """Nodes that lie on a strip or on a red line: where a tie-in may leave the graph."""
        on_strip = self.graph.ends[self.graph.measures["kind"].isin(_BESIDE).to_numpy()]
        return distinct(np.concatenate([on_strip.ravel(), self.sites["node"].to_numpy(np.int64)]))

    @cached_property
    def bridged(self) -> FloatArray:
        """The ``bridges`` of every road."""
        return bridges(self.surfaces, self.obstacles)

    def end_nodes(self, parcel_id: str, application_id: str = "") -> IntArray:
        """Nodes on the red line of a parcel, or the gate of an application."""
        if "_nodes_of_sites" not in vars(self):  # one site is sooner looked for than all arranged
            sites = self.sites
            mine = (sites["parcel_id"] == parcel_id) & (sites["application_id"] == application_id)
            return sites["node"].to_numpy(np.int64)[mine.to_numpy(bool)]
        nodes, starts, row_of = self._nodes_of_sites
        row = row_of.get(application_id, {}).get(parcel_id, -1)
        return nodes[starts[row] : starts[row + 1]] if row >= 0 else nodes[:0]

    def end_nodes_of(self, parcel_ids: Iterable[str]) -> tuple[IntArray, IntArray]:
        """The ``end_nodes`` of parcels one after another, and where those of each begin.

        The second array has one more entry than parcels, the end.
        """
        nodes, starts, row_of = self._nodes_of_sites
        rows = row_of.get("", {})
        row = np.array([rows.get(parcel_id, -1) for parcel_id in parcel_ids], np.int64)
        first, last = starts[row], np.where(row >= 0, starts[row + 1], starts[row])
        return nodes[ranges(first, last)], np.r_[0, np.cumsum(last - first)]

    @cached_property
    def _nodes_of_sites(self) -> tuple[IntArray, IntArray, dict[str, dict[str, int]]]:
        """Nodes of all sites one after another, where those of each begin, and which it is.

        Sites go by application, '' without a gate, and by parcel.
        """
        parcel, parcels = pd.factorize(self.sites["parcel_id"])
        application, applications = pd.factorize(self.sites["application_id"])
        site = application * len(parcels) + parcel
        order = np.argsort(site, kind="stable")
        starts = np.flatnonzero(np.diff(site[order], prepend=-1))
        of, at = (codes[order[starts]] for codes in (application, parcel))
        names = np.array(list(map(intern, map(str, parcels.tolist()))), object)[at].tolist()
        begin = np.searchsorted(of, np.arange(len(applications) + 1)).tolist()
        row_of = {
            str(name): dict(zip(names[first:last], range(first, last), strict=True))
            for name, (first, last) in zip(applications, pairwise(begin), strict=True)
        }
        nodes = self.sites["node"].to_numpy(np.int64)[order]
        return nodes, np.r_[starts, len(order)], row_of

    def measure(
        self, lines: LineArray, crossings: pd.DataFrame | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What ``measured`` tells, as tables.

        ``crossings`` of these lines that are known already are not looked for again.
        """
        if crossings is None:
            crossed = self.surfaces.crossed(lines)
            crossings = crossed.table()
        else:
            crossed = Crossed.of(crossings, crossings["line"].to_numpy(np.int64))
        table = self.measured(lines, crossed)
        return pd.DataFrame(table, index=range(len(lines))), crossings

    def measured(self, lines: LineArray, crossed: Crossed) -> dict[str, FloatArray]:
        """Measures of lines, as the edges are measured; ``crossed`` is what they cross.

        Each is the sum of what the parts of a line measure: what a search adds up over edges is
        what is told of the route.
        """
        return {
            "length_m": shapely.length(lines),
            "kerb_m": crossed.of_line("kerb_m", len(lines)),
            "red_line_m": crossed.of_line("red_line_m", len(lines)),
            "green_m": green_outside(self.surfaces, lines, crossed, self.green_areas),
        }

    @cached_property
    def green_areas(self) -> Areas:
        """The greenery, prepared to look up lines in it."""
        return Areas(self.green)

    def surface_lengths(self, table: pd.DataFrame, crossings: pd.DataFrame) -> FloatArray:
        """``metres_on`` surfaces of lines in tables; crossings have their line in front."""
        told = {name: table[name].to_numpy(float) for name in SURFACES_FROM}
        return self.metres_on(told, Crossed.of(crossings, crossings.iloc[:, 0].to_numpy(np.int64)))

    def metres_on(self, measured: Mapping[str, FloatArray], crossed: Crossed) -> FloatArray:
        """Metres of each measured line on each of ``SURFACES``, an (n, s) array.

        Outside carriageways a line lies in greenery (verge) or else in the footway; inside it
        lies on the surface of the road, asphalt where that is unknown.
        """
        length_m, kerb_m, green_m = (measured[name] for name in SURFACES_FROM)
        lengths = np.zeros((len(length_m), len(SURFACES)))
        open_m = np.maximum(length_m - kerb_m, 0.0)
        verge = np.minimum(green_m, open_m)
        lengths[:, 0], lengths[:, 1] = open_m - verge, verge
        np.add.at(lengths, (crossed.line, self.surfaces.surface[crossed.road]), crossed.kerb_m)
        return lengths


def green_outside(
    surfaces: RoadSurfaces, lines: LineArray, crossed: Crossed, green: Areas
) -> FloatArray:
    """Metres of lines in greenery outside the carriageways that they cross.

    Greenery is often drawn as one area with the road through it; a carriageway is dug and made
    good as a road all the same. A line that runs back over itself is dug there as often, where an
    overlay has it once, and one may pass a bridge by and meet it elsewhere: what they take is the
    sum of their straight pieces.
    """
    green_m = length_inside_union(lines, green)
    at = np.flatnonzero((green_m > 0) & (shapely.get_num_coordinates(lines) > 2))
    bridged = np.isin(at, crossed.line[surfaces.level[crossed.road] != 0])
    at = at[bridged | ~shapely.is_simple(lines[at])]
    if len(at):
        pieces, of = straight_pieces(lines[at])
        piece_m = green_outside(surfaces, pieces, surfaces.crossed(pieces), green)
        green_m[at] = np.bincount(of, piece_m, len(at))
        crossed = crossed.take(~np.isin(crossed.line, at))
    crossed = crossed.take(green_m[crossed.line] > 0)
    inside = surfaces.inside(lines[crossed.line], crossed.road, crossed.kerb_m)
    part, row = shapely.get_parts(inside, return_index=True)
    met = shapely.length(part) > 0
    under_m = length_inside_union(part[met], green)
    green_m -= np.bincount(crossed.line[row[met]], under_m, len(lines))
    return np.maximum(green_m, 0.0)


def build_corridors(
    survey: Survey, policy: Policy, gates: Mapping[str, tuple[str, Gate]] | None = None
) -> Corridors:
    """Build the corridor graph of a survey.

    Parameters
    ----------
    survey
        Needs ``roads``; parcels, buildings, water, railways, greenery and nodes are used where
        they were imported.
    gates
        For each application with gates: its parcel and the points on the red line.

    Raises
    ------
    CrsError
        If the survey's CRS cannot be measured on.
    LayerError
        If the survey has no roads.
    """
    require_projected(survey.crs)
    return build_beside(roadside(survey, policy), survey, policy, gates)


def build_beside(
    beside: Roadside,
    survey: Survey,
    policy: Policy,
    gates: Mapping[str, tuple[str, Gate]] | None = None,
    bridged: FloatArray | None = None,
    near: tuple[Region, Region] | None = None,
) -> Corridors:
    """Build the corridor graph beside roads that are prepared already, or beside a part of them.

    Parameters
    ----------
    bridged
        The ``bridges`` of all roads, where the survey holds only a part of the water.
    near
        Where it is right, if it is a part, and what is built round that: nothing that is out of
        reach of the first is joined bent, nothing out of reach of the second at all, and no
        street is crossed outside the second.
    """
    settings = policy.planning
    surfaces, streets = beside.surfaces, beside.streets
    every, runs = obstacles_of(survey), runs_of(survey, settings)
    obstacles = every.once()
    setback_m = road_setbacks(surfaces, beside.setback_m, settings.narrow_footway_margin_m)
    told = beside.beside_m, setback_m, settings.max_median_m
    layout = lay_out(beside.strips, streets, surfaces, obstacles, *told)
    right, built = near or (None, None)
    reached = layout, obstacles, settings.max_snap_m, built
    feet = Feet.joined(
        [
            parcel_feet(survey, *reached),
            point_feet(gate_points(gates), *reached),
            point_feet(_points(survey, runs), *reached),
        ]
    )
    round_ = bent_feet(
        survey, gates, feet, layout, obstacles, surfaces, settings, beside.bent, right
    )
    feet = Feet.joined([feet, round_])
    crossings = crossing_feet(layout, beside, obstacles, feet, settings, built)
    bores = mouth_bores(layout, surfaces, obstacles, settings)
    bare = _assemble(survey, beside, every, layout, feet, crossings, bores, gates)
    bare = with_drawn(bare, survey, gates, settings.max_snap_m)
    bare = with_open_land(bare, survey, gates, settings)
    bare = with_lanes(bare, settings)
    return _measured(with_carriers(bare, runs), bridged)


def _points(survey: Survey, runs: Sequence[Run]) -> pd.DataFrame:
    """Network nodes and joints of carriers, each once."""
    nodes, joints = node_points(survey), joint_points(runs)
    points = nodes if joints.empty else pd.concat([nodes, joints])
    return points.drop_duplicates("key", ignore_index=True)


def _assemble(
    survey: Survey,
    beside: Roadside,
    obstacles: Obstacles,
    layout: StripLayout,
    feet: Feet,
    crossings: Across,
    bores: Across,
    gates: Mapping[str, tuple[str, Gate]] | None,
) -> Corridors:
    """Cut the strips at every foot, number the nodes, add crossings and connectors, measure."""
    ways = [crossings.piece, bores.piece], [crossings.piece_2, bores.piece_2]
    ways_m = [crossings.at_m, bores.at_m], [crossings.at_2_m, bores.at_2_m]
    at_piece = np.concatenate([feet.piece, *ways[0], *ways[1]])
    at_m = np.concatenate([feet.at_m, *ways_m[0], *ways_m[1]])
    network = number_nodes(cut_lines(layout.lines, at_piece, at_m))
    node = _node_at(layout.lines, at_piece, at_m, network)
    across = len(crossings.piece) + len(bores.piece)
    foot_node, left, right = np.split(node, [len(feet.piece), len(feet.piece) + across])
    foot_road, left_road, _ = np.split(
        layout.road[at_piece], [len(feet.piece), len(feet.piece) + across]
    )

    is_site = feet.kind != "node"
    sites = feet.only(is_site)
    label, site_xy = _site_nodes(sites)
    site_node = len(network.node_xy) + label
    node_xy = np.concatenate([network.node_xy, site_xy])
    parent = network.pieces.parent
    ends = np.concatenate(
        [
            network.ends,
            np.stack([left, right], axis=1),
            np.stack([foot_node[is_site], site_node], axis=1),
        ]
    )
    counts = len(parent), len(crossings.piece), len(bores.piece), len(site_node)
    kind = np.repeat(np.arange(len(_KINDS)), counts)
    road = np.concatenate([layout.road[parent], left_road, foot_road[is_site]])
    side = np.concatenate([layout.side[parent], np.zeros(len(ends) - len(parent), np.int64)])
    _, across_xy, site_xy = np.split(node_xy[ends], [len(parent), len(parent) + across])
    connectors = with_ends(sites.line, *site_xy.transpose(1, 0, 2))
    straight = segments(*across_xy.transpose(1, 0, 2))
    lines = np.concatenate([network.pieces.lines, straight, connectors])
    kept = _distinct(ends, kind)
    told = {"kind": np.array(_KINDS, object)[kind[kept]], "road": road[kept], "side": side[kept]}
    return Corridors(
        CorridorGraph(node_xy, ends[kept], lines[kept], pd.DataFrame(told)),
        obstacles,
        green_of(survey),
        pd.DataFrame(),
        _site_table(sites, site_node, gates),
        _foot_table(feet.only(~is_site), foot_node[~is_site]),
        _gaps(survey, layout, gates),
        beside,
    )


def _node_at(lines: LineArray, at_line: IntArray, at_m: FloatArray, network: Network) -> IntArray:
    """Node number of each position that the strips were cut at."""
    xy = xy_along(lines[at_line], at_m)
    return np.asarray(cKDTree(network.node_xy).query(xy)[1], np.int64)


def _site_nodes(sites: Feet) -> tuple[IntArray, FloatArray]:
    """Nodes on red lines: one per distinct point of each parcel or gate.

    Parcels one above another that are joined at the same points share them, and so their
    connectors.
    """
    xy = shapely.get_coordinates(shapely.get_point(sites.line, -1))
    columns = (*xy.round(6).T[::-1], _joined_alike(sites, xy))
    order = np.lexsort(columns)
    other = np.zeros(len(order), bool)
    other[:1] = True
    for column in columns:
        other[1:] |= np.diff(column[order]) != 0
    label = np.zeros(len(order), np.int64)
    label[order] = np.cumsum(other) - 1
    return label, np.asarray(xy[order[other]])


def _joined_alike(sites: Feet, xy: FloatArray) -> IntArray:
    """For each row the number of its parcel or gate; parcels with equal rows have one number."""
    if len(sites.key) == 0:
        return np.zeros(0, np.int64)
    gate = sites.kind == "gate"
    owner = pd.factorize(sites.key)[0] * 2 + gate
    rows = np.column_stack([sites.piece, sites.at_m, xy])
    order = np.lexsort((*rows.T, owner))
    began = np.diff(owner[order], prepend=-1) != 0
    number, starts = np.cumsum(began) - 1, np.flatnonzero(began)
    held = np.split(rows[order], starts[1:])
    alone = np.where(gate[order[starts]], np.arange(len(starts)), -1).tolist()
    told = [(one, of_owner.tobytes()) for one, of_owner in zip(alone, held, strict=True)]
    kinds: dict[tuple[int, bytes], int] = {}
    alike_owners = np.array([kinds.setdefault(one, len(kinds)) for one in told], np.int64)
    of_row = np.zeros(len(order), np.int64)
    of_row[order] = alike_owners[number]
    return of_row


def _distinct(ends: IntArray, kind: IntArray) -> NDArray[np.bool_]:
    """False for loops and for repeated straight edges between the same nodes."""
    low, high = np.minimum(*ends.T), np.maximum(*ends.T)
    key = (low * (int(high.max(initial=0)) + 1) + high) * len(_KINDS) + kind
    first = np.zeros(len(ends), bool)
    first[np.unique(key, return_index=True)[1]] = True
    return np.asarray((low != high) & ((kind == _KINDS.index("strip")) | first))


def _site_table(
    sites: Feet, node: IntArray, gates: Mapping[str, tuple[str, Gate]] | None
) -> pd.DataFrame:
    parcel_of_gate = {key: parcel_id for key, (parcel_id, _) in (gates or {}).items()}
    gate = sites.kind == "gate"
    parcel = [
        parcel_of_gate[key] if at_gate else key
        for key, at_gate in zip(sites.key.tolist(), gate.tolist(), strict=True)
    ]
    application = np.where(gate, sites.key, "")
    table = pd.DataFrame({"node": node, "parcel_id": parcel, "application_id": application})
    return table.drop_duplicates(ignore_index=True)


def _foot_table(feet: Feet, node: IntArray) -> pd.DataFrame:
    """Connectors from graph nodes to network nodes; they end at the node's own place."""
    xy = list(shapely.get_coordinates(shapely.get_point(feet.line, -1)))
    return pd.DataFrame({"node": node, "network_node_id": feet.key, "xy": xy})


def _gaps(
    survey: Survey,
    layout: StripLayout,
    gates: Mapping[str, tuple[str, Gate]] | None,
) -> dict[str, float]:
    """Distance from every parcel and gate to the nearest strip that it could be joined to."""
    parcels = survey.get("parcels")
    keys = [] if parcels is None else list(map(intern, map(str, parcels.index)))
    land = np.zeros(0, object) if parcels is None else np.asarray(parcels.geometry.array)
    points = np.array([point for _, point in (gates or {}).values()], object)
    shapes = np.concatenate([land, points])
    if len(shapes) == 0 or not layout.usable.any():
        return {}
    first, place = alike(shapes)
    (at, _), distance = layout.tree.query_nearest(
        shapes[first], return_distance=True, all_matches=False
    )
    gap = np.full(len(first), np.inf)
    gap[at] = distance
    return dict(zip([*keys, *(gates or {})], gap[place].tolist(), strict=True))


def green_of(survey: Survey, lines: LineArray | None = None) -> NDArray[Any]:
    """The greenery of a survey, or all of it that any of some lines meets."""
    return shapes_of(survey, "green", lines)


def bridges(
    surfaces: RoadSurfaces, obstacles: Obstacles, roads: IntArray | slice = slice(None)
) -> FloatArray:
    """For each road 1 with a bridge, at least where it runs above water, 0 without one.

    Elsewhere along it the bridge is unknown, as it may span land too. NaN where the road does not
    tell, or is marked as on a bridge but meets no known water.
    """
    marked = surfaces.table["on_bridge"].to_numpy(object)[roads].astype(float)
    located = obstacles.over_water(surfaces.centre[roads])
    return np.where((marked == 1.0) & ~located, np.nan, marked)


def _measured(bare: Corridors, bridged: FloatArray | None) -> Corridors:
    """Fill in the measures of every edge, once."""
    graph, kind = bare.graph, bare.graph.kind
    crossed = bare.surfaces.crossed(graph.lines)
    table, crossed = undug(kind == "carrier", bare.measured(graph.lines, crossed), crossed)
    of_road = bare.bridged if bridged is None else bridged
    of_edge = np.append(of_road, 0.0)[graph.road]  # -1, no road: no bridge
    # Where a bridge that spans water begins and ends, nobody knows.
    dry = (of_edge == 1.0) & ~bare.obstacles.over_water(graph.lines)
    on_bridge = np.where(dry, np.nan, of_edge)
    on_bridge[kind == "carrier"] = 0.0
    columns: dict[str, Any] = {str(name): graph.measures[name] for name in graph.measures}
    measures = pd.DataFrame({**columns, **table, "on_bridge": on_bridge})
    measured = CorridorGraph(graph.node_xy, graph.ends, graph.lines, measures)
    crossings = crossed.table().rename(columns={"line": "edge"})
    return replace(bare, graph=measured, crossings=crossings)

"""Corridors: the graph of places where an external line may run (design 5).

Kerb-side strips on both sides of every road, crossings between them, and connectors to the red
lines of parcels, to gates and to network nodes. Every edge is measured once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.areas import Areas
from gis.crs import require_projected
from gis.linear import FloatArray, IntArray, LineArray, cut_lines, ranges, segments, with_ends
from gis.network import ArcOrder, CorridorGraph, arc_order, connected_parts
from gis.noding import Network, number_nodes
from gis.overlay import length_inside_union
from gis.regions import Region
from layers.survey import Survey
from planning.application import Gate
from planning.bent_feet import bent_feet
from planning.carriers import Carriers, joint_points, undug, with_carriers
from planning.crossing_methods import mouth_bores
from planning.crossing_places import crossing_feet
from planning.drawn_corridors import Drawn, with_drawn
from planning.feet import gate_points, node_points, parcel_feet, point_feet
from planning.lanes import KIND as LANE
from planning.lanes import with_lanes
from planning.obstacles import Obstacles, obstacles_of, shapes_of
from planning.open_land import with_open_land
from planning.policy_model import Planning, Policy
from planning.quantities import SURFACES
from planning.road_surfaces import Crossed, RoadSurfaces
from planning.roadside import Roadside, roadside
from planning.strip_layout import StripLayout, lay_out

# What is measured of a line that tells on which surfaces it lies.
SURFACES_FROM = ("length_m", "kerb_m", "green_m")
# Edges along roads or away from them: mains are joined to their nodes.
_BESIDE = ("strip", "drawn", "open_land", LANE)


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
        return float(self.graph.length_m[ducts].sum())

    @cached_property
    def is_lane(self) -> NDArray[np.bool_]:
        """True for edges along carriageways, and those that join them to strips."""
        return np.asarray(self.graph.kind == LANE, bool)

    @cached_property
    def never_cut(self) -> NDArray[np.bool_]:
        """True for edges that cannot be cut open: they are bored, or carried by what exists."""
        return np.asarray((self.graph.kind == "bore") | (self.graph.kind == "carrier"), bool)

    @cached_property
    def never_open(self) -> IntArray:
        """Edges that can be bored, but not cut open."""
        return np.flatnonzero(self.graph.kind == "bore")

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
        walked[self.graph.ends[self.walk_order.edge]] = True
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
        return np.unique(np.concatenate([on_strip.ravel(), self.sites["node"].to_numpy(np.int64)]))

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
        row_of: dict[str, dict[str, int]] = {str(name): {} for name in applications}
        names, rows = list(map(str, parcels.tolist())), list(row_of.values())
        of, at = (codes[order[starts]].tolist() for codes in (application, parcel))
        for row, (of_application, of_parcel) in enumerate(zip(of, at, strict=True)):
            rows[of_application][names[of_parcel]] = row
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
        """Measures of lines, as the edges are measured; ``crossed`` is what they cross."""
        return {
            "length_m": shapely.length(lines),
            "kerb_m": crossed.of_line("kerb_m", len(lines)),
            "red_line_m": crossed.of_line("red_line_m", len(lines)),
            "green_m": length_inside_union(lines, self._green_areas),
        }

    @cached_property
    def _green_areas(self) -> Areas:
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
    surfaces, streets, offset = beside.surfaces, beside.streets, beside.offset_m
    obstacles = obstacles_of(survey)
    layout = lay_out(beside.strips, streets, surfaces, obstacles, offset, settings.max_median_m)
    right, built = near or (None, None)
    reached = layout, obstacles, settings.max_snap_m, built
    feet = pd.concat(
        [
            parcel_feet(survey, *reached),
            point_feet(gate_points(gates), *reached),
            point_feet(_points(survey, settings), *reached),
        ],
        ignore_index=True,
    )
    round_ = bent_feet(
        survey, gates, feet, layout, obstacles, surfaces, settings, beside.bent, right
    )
    feet = pd.concat([feet, round_], ignore_index=True) if len(round_) else feet
    across = crossing_feet(layout, beside, obstacles, feet, settings, built)
    bores = mouth_bores(layout, surfaces, obstacles, settings)
    across = pd.concat(
        [across.assign(kind="crossing"), bores.assign(kind="bore")], ignore_index=True
    )
    bare = _assemble(survey, beside, obstacles, layout, feet, across, gates)
    bare = with_drawn(bare, survey, gates, settings.max_snap_m)
    bare = with_open_land(bare, survey, gates, settings)
    bare = with_lanes(bare, settings)
    return _measured(with_carriers(bare, survey, settings), bridged)


def _points(survey: Survey, settings: Planning) -> pd.DataFrame:
    """Network nodes and joints of carriers, each once."""
    points = pd.concat([node_points(survey), joint_points(survey, settings)], ignore_index=True)
    return points.drop_duplicates("key", ignore_index=True)


def _assemble(
    survey: Survey,
    beside: Roadside,
    obstacles: Obstacles,
    layout: StripLayout,
    feet: pd.DataFrame,
    across: pd.DataFrame,
    gates: Mapping[str, tuple[str, Gate]] | None,
) -> Corridors:
    """Cut the strips at every foot, number the nodes, add crossings and connectors, measure."""
    at_piece = np.concatenate([feet["piece"], across["piece"], across["piece_2"]]).astype(np.int64)
    at_m = np.concatenate([feet["at_m"], across["at_m"], across["at_2_m"]]).astype(float)
    network = number_nodes(cut_lines(layout.lines, at_piece, at_m))
    node = _node_at(layout.lines, at_piece, at_m, network)
    foot_node, left, right = np.split(node, [len(feet), len(feet) + len(across)])
    foot_road, left_road, _ = np.split(layout.road[at_piece], [len(feet), len(feet) + len(across)])

    is_site = (feet["kind"] != "node").to_numpy()
    sites = feet[is_site]
    label, site_xy = _site_nodes(sites)
    site_node = len(network.node_xy) + label
    node_xy = np.concatenate([network.node_xy, site_xy])
    parent = network.pieces.parent
    edges = pd.concat(
        [
            _edges("strip", network.ends, layout.road[parent], layout.side[parent]),
            _edges(across["kind"].to_numpy(), np.stack([left, right], axis=1), left_road),
            _edges("connector", np.stack([foot_node[is_site], site_node], 1), foot_road[is_site]),
        ],
        ignore_index=True,
    )
    ends = edges[["start", "end"]].to_numpy(np.int64)
    _, across_xy, site_xy = np.split(node_xy[ends], [len(parent), len(parent) + len(across)])
    connectors = with_ends(feet["line"].to_numpy(object)[is_site], *site_xy.transpose(1, 0, 2))
    crossings = segments(*across_xy.transpose(1, 0, 2))
    lines = np.concatenate([network.pieces.lines, crossings, connectors])
    kept = _distinct(edges)
    return Corridors(
        CorridorGraph(node_xy, ends[kept], lines[kept], edges.loc[kept, ["kind", "road", "side"]]),
        obstacles,
        green_of(survey),
        pd.DataFrame(),
        _site_table(sites, site_node, gates),
        _foot_table(feet[~is_site], foot_node[~is_site]),
        _gaps(survey, layout, gates),
        beside,
    )


def _edges(
    kind: str | NDArray[Any], ends: IntArray, road: IntArray, side: IntArray | int = 0
) -> pd.DataFrame:
    return pd.DataFrame(
        {"start": ends[:, 0], "end": ends[:, 1], "kind": kind, "road": road, "side": side}
    )


def _node_at(lines: LineArray, at_line: IntArray, at_m: FloatArray, network: Network) -> IntArray:
    """Node number of each position that the strips were cut at."""
    xy = shapely.get_coordinates(shapely.line_interpolate_point(lines[at_line], at_m))
    return np.asarray(cKDTree(network.node_xy).query(xy)[1], np.int64)


def _site_nodes(sites: pd.DataFrame) -> tuple[IntArray, FloatArray]:
    """Nodes on red lines: one per distinct point of each parcel or gate.

    Parcels one above another that are joined at the same points share them, and so their
    connectors.
    """
    xy = shapely.get_coordinates(shapely.get_point(sites["line"].to_numpy(), -1))
    points = pd.DataFrame({"owner": _joined_alike(sites, xy), "x": xy[:, 0].round(6)})
    points["y"] = xy[:, 1].round(6)
    label = points.groupby(["owner", "x", "y"]).ngroup().to_numpy(np.int64)
    first = np.unique(label, return_index=True)[1]
    return np.asarray(label), np.asarray(xy[first])


def _joined_alike(sites: pd.DataFrame, xy: FloatArray) -> IntArray:
    """For each row the number of its parcel or gate; parcels with equal rows have one number."""
    if len(sites) == 0:
        return np.zeros(0, np.int64)
    owner = pd.factorize(sites["kind"].str.cat(sites["key"], sep=":"))[0]
    rows = np.column_stack([sites[["piece", "at_m"]].to_numpy(float), xy])
    order = np.lexsort((*rows.T, owner))
    starts = np.flatnonzero(np.r_[True, np.diff(owner[order]) > 0])
    held = np.split(rows[order], starts[1:])
    gate = (sites["kind"] == "gate").to_numpy()[order[starts]]
    alike = pd.factorize(
        np.array(
            [
                np.int64(number).tobytes() if alone else of_owner.tobytes()
                for number, (alone, of_owner) in enumerate(zip(gate, held, strict=True))
            ],
            object,
        )
    )[0]
    return np.asarray(alike[owner], np.int64)


def _distinct(edges: pd.DataFrame) -> NDArray[np.bool_]:
    """False for loops and for repeated straight edges between the same nodes."""
    low, high = edges[["start", "end"]].min(axis=1), edges[["start", "end"]].max(axis=1)
    straight = edges["kind"] != "strip"
    repeated = pd.DataFrame({"low": low, "high": high, "kind": edges["kind"]}).duplicated()
    return ((low != high) & ~(straight & repeated)).to_numpy()


def _site_table(
    sites: pd.DataFrame,
    node: IntArray,
    gates: Mapping[str, tuple[str, Gate]] | None,
) -> pd.DataFrame:
    parcel_of_gate = {key: parcel_id for key, (parcel_id, _) in (gates or {}).items()}
    gate = (sites["kind"] == "gate").to_numpy()
    key = sites["key"].to_numpy(object)
    table = pd.DataFrame(
        {
            "node": node,
            "parcel_id": [parcel_of_gate[k] if g else k for k, g in zip(key, gate, strict=True)],
            "application_id": np.where(gate, key, ""),
        }
    )
    return table.drop_duplicates(ignore_index=True)


def _foot_table(feet: pd.DataFrame, node: IntArray) -> pd.DataFrame:
    """Connectors from graph nodes to network nodes; they end at the node's own place."""
    return pd.DataFrame(
        {
            "node": node,
            "network_node_id": feet["key"].to_numpy(object),
            "xy": list(shapely.get_coordinates(shapely.get_point(feet["line"].to_numpy(), -1))),
        }
    )


def _gaps(
    survey: Survey,
    layout: StripLayout,
    gates: Mapping[str, tuple[str, Gate]] | None,
) -> dict[str, float]:
    """Distance from every parcel and gate to the nearest strip that it could be joined to."""
    parcels = survey.get("parcels")
    shapes: dict[str, Any] = {} if parcels is None else dict(parcels.geometry.items())
    shapes.update({key: point for key, (_, point) in (gates or {}).items()})
    if not shapes or not layout.usable.any():
        return {}
    geometries = np.array(list(shapes.values()), object)
    (at, _), distance = layout.tree.query_nearest(
        geometries, return_distance=True, all_matches=False
    )
    gap = np.full(len(geometries), np.inf)
    gap[at] = distance
    return dict(zip(map(str, shapes), gap.tolist(), strict=True))


def green_of(survey: Survey, lines: LineArray | None = None) -> NDArray[Any]:
    """The greenery of a survey, or all of it that any of some lines meets."""
    return shapes_of(survey, "green", lines)


def bridges(
    surfaces: RoadSurfaces, obstacles: Obstacles, roads: IntArray | slice = slice(None)
) -> FloatArray:
    """For each road 1 with a bridge, which is where it runs above water, 0 without one.

    NaN where the road does not tell, or is marked as on a bridge but meets no known water.
    """
    marked = surfaces.table["on_bridge"].to_numpy(object)[roads].astype(float)
    located = obstacles.over_water(surfaces.centre[roads])
    return np.where((marked == 1.0) & ~located, np.nan, marked)


def _measured(bare: Corridors, bridged: FloatArray | None) -> Corridors:
    """Fill in the measures of every edge, once."""
    graph = bare.graph
    table, crossings = undug(graph.measures["kind"], *bare.measure(graph.lines))
    measures = pd.concat([graph.measures.reset_index(drop=True), table], axis=1)
    of_road = bare.bridged if bridged is None else bridged
    of_edge = np.append(of_road, 0.0)[measures["road"]]  # -1, no road: no bridge
    above = np.where(bare.obstacles.over_water(graph.lines), 1.0, 0.0)
    measures["on_bridge"] = np.where(of_edge == 1.0, above, of_edge)
    measures.loc[measures["kind"] == "carrier", "on_bridge"] = 0.0
    measured = CorridorGraph(graph.node_xy, graph.ends, graph.lines, measures)
    return replace(bare, graph=measured, crossings=crossings.rename(columns={"line": "edge"}))

"""Corridors: the graph of places where an external line may run (design 5).

Kerb-side strips on both sides of every road, crossings between them, and connectors to the red
lines of parcels, to gates and to network nodes. Every edge is measured once, at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.crs import require_projected
from gis.linear import FloatArray, IntArray, LineArray, Pieces, cut_lines, segments
from gis.network import CorridorGraph
from gis.noding import Network, node_lines, number_nodes
from gis.overlay import length_inside_union
from gis.strips import Strips, kerb_strips
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import usual_pipes
from planning.obstacles import Obstacles, obstacles_of
from planning.policy_model import Policy
from planning.quantities import SURFACES
from planning.road_surfaces import RoadSurfaces, road_surfaces
from planning.standards import load_standards

# A strip that meets a carriageway at less than this angle runs along it and is dropped; the
# mouth of a side street is met at its own angle, seldom below 30°.
_ALONG_DEG = 25.0
# A piece that crosses a carriageway and is this much longer than its crossing is cut at the kerb.
_RUNS_ON_M = 5.0
# Points that are to be joined to a strip in the same place are one point.
_SAME_FOOT_M = 0.05
# Along a red line, several points are candidates: the ends of its sides, drawn in by this much.
_INSET_M = 2.0
# Candidates on one strip that are this much farther than the nearest one are not worth keeping.
_NEEDLESS_M = 3.0

_SURFACE_NUMBER = {surface: number for number, surface in enumerate(SURFACES)}
_UNKNOWN_SURFACE = _SURFACE_NUMBER["asphalt"]


@dataclass(frozen=True)
class Corridors:
    """The corridor graph of a survey, and what is needed to measure anything beside it.

    Attributes
    ----------
    graph
        Edge measures: kind, road (row of ``surfaces``, -1 none), side, length_m, kerb_m,
        red_line_m, green_m, on_bridge.
    crossings
        Pieces inside carriageways: ``edge``, ``road``, ``kerb_m``, ``red_line_m``.
    sites
        Where lines may end: ``node``, ``parcel_id``, ``application_id`` ('' without a gate).
    feet
        Network nodes beside the graph: ``node`` of the graph, ``network_node_id``, ``line``.
    gaps_m
        Distance from each parcel or gate to the nearest strip, by parcel_id or application_id.
    setback_m
        Distance of the strips from the kerb where the footway is wide enough.
    """

    graph: CorridorGraph
    surfaces: RoadSurfaces
    obstacles: Obstacles
    green: NDArray[Any]
    crossings: pd.DataFrame
    sites: pd.DataFrame
    feet: pd.DataFrame
    gaps_m: Mapping[str, float]
    setback_m: float

    @cached_property
    def is_connector(self) -> NDArray[np.bool_]:
        """True for edges between a strip and a red line: only the last step of a route."""
        return (self.graph.measures["kind"] == "connector").to_numpy()

    @cached_property
    def connectors(self) -> pd.DataFrame:
        """Connectors as rows: ``edge``, ``foot`` (strip node), ``node`` (on the red line)."""
        edge = np.flatnonzero(self.is_connector)
        foot, node = self.graph.ends[edge].T
        return pd.DataFrame({"edge": edge, "foot": foot, "node": node})

    @cached_property
    def strip_nodes(self) -> IntArray:
        """Nodes that lie on a strip or on a red line: where a tie-in may leave the graph."""
        on_strip = self.graph.ends[(self.graph.measures["kind"] == "strip").to_numpy()]
        return np.unique(np.concatenate([on_strip.ravel(), self.sites["node"].to_numpy(np.int64)]))

    def end_nodes(self, parcel_id: str, application_id: str = "") -> IntArray:
        """Nodes on the red line of a parcel, or the gate of an application."""
        return self._nodes_of_site.get((parcel_id, application_id), np.zeros(0, np.int64))

    @cached_property
    def _nodes_of_site(self) -> dict[tuple[str, str], IntArray]:
        groups = self.sites.groupby(["parcel_id", "application_id"])["node"]
        return {(str(p), str(a)): nodes.to_numpy(np.int64) for (p, a), nodes in groups}

    def measure(self, lines: LineArray) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Measure lines as the edges are measured: one row per line, and its crossings."""
        crossings = self.surfaces.crossings(lines)
        count = len(lines)
        table = pd.DataFrame({"length_m": shapely.length(lines)}, index=range(count))
        table["kerb_m"] = np.bincount(crossings["line"], crossings["kerb_m"], minlength=count)
        table["red_line_m"] = np.bincount(
            crossings["line"], crossings["red_line_m"], minlength=count
        )
        table["green_m"] = length_inside_union(lines, self.green)
        return table, crossings

    def surface_lengths(self, table: pd.DataFrame, crossings: pd.DataFrame) -> FloatArray:
        """Metres of each measured line on each of ``SURFACES``, an (n, s) array.

        Outside carriageways a line lies in greenery (verge) or else in the footway; inside it
        lies on the surface of the road, asphalt where that is unknown.
        """
        lengths = np.zeros((len(table), len(SURFACES)))
        open_m = np.maximum((table["length_m"] - table["kerb_m"]).to_numpy(float), 0.0)
        verge = np.minimum(table["green_m"].to_numpy(float), open_m)
        lengths[:, 0], lengths[:, 1] = open_m - verge, verge
        surface = self.surfaces.table["surface"].map(_SURFACE_NUMBER).fillna(_UNKNOWN_SURFACE)
        column = surface.to_numpy(np.int64)[crossings["road"].to_numpy(np.int64)]
        np.add.at(lengths, (crossings.iloc[:, 0].to_numpy(np.int64), column), crossings["kerb_m"])
        return lengths


def build_corridors(
    survey: Survey, policy: Policy, gates: Mapping[str, tuple[str, shapely.Point]] | None = None
) -> Corridors:
    """Build the corridor graph of a survey.

    Parameters
    ----------
    survey
        Needs ``roads``; parcels, buildings, water, railways, greenery and nodes are used where
        they were imported.
    gates
        For each application with a gate: its parcel and the point on the red line.

    Raises
    ------
    CrsError
        If the survey's CRS cannot be measured on.
    LayerError
        If the survey has no roads.
    """
    require_projected(survey.crs)
    settings = policy.planning
    surfaces = road_surfaces(survey, policy)
    streets = node_lines(surfaces.centre)
    obstacles = obstacles_of(survey)
    setback_m = kerb_clearance_m() + settings.half_section_allowance_m
    offset, setback = _offsets(surfaces, streets, setback_m, settings.narrow_footway_margin_m)
    strips = kerb_strips(streets.ends, streets.pieces.lines, len(streets.node_xy), offset, setback)
    layout = _lay_out(strips, streets, surfaces, obstacles, offset)
    feet = pd.concat(
        [
            _parcel_feet(survey, layout, obstacles, settings.max_snap_m),
            _point_feet(_gate_points(gates), layout, obstacles, settings.max_snap_m),
            _point_feet(_node_points(survey), layout, obstacles, settings.max_snap_m),
        ],
        ignore_index=True,
    )
    across = _crossing_feet(layout, streets, offset, obstacles, feet, settings.midblock_spacing_m)
    bare = _assemble(survey, surfaces, obstacles, layout, feet, across, gates)
    return _measured(replace(bare, setback_m=setback_m))


def kerb_clearance_m() -> float:
    """Clearance from the kerb that the usual pipes of all utilities keep (GB 50289 4.1.9)."""
    standards = load_standards()
    clearances = [standards.clearance_to(pipe, "kerb").value_m for pipe in usual_pipes()]
    return max(value for value in clearances if value is not None)


@dataclass(frozen=True)
class _Layout:
    """Strip pieces with their street part, road, stroke and side, before they are attached."""

    lines: LineArray
    part: IntArray
    road: IntArray
    stroke: IntArray
    side: IntArray
    usable: NDArray[np.bool_]
    stroke_of_part: IntArray

    @cached_property
    def tree(self) -> shapely.STRtree:
        """R-tree of the pieces that something may be joined to; the others are empty in it."""
        return shapely.STRtree(np.where(self.usable, self.lines, np.array(None, object)))


def _offsets(
    surfaces: RoadSurfaces, streets: Network, wanted_m: float, margin_m: float
) -> tuple[FloatArray, FloatArray]:
    """Distance of the strip from centre line and from kerb, for each street part, in metres.

    The set-back is the kerb clearance of GB 50289 plus half a section; where the footway is
    narrower the strip stays inside the red line by a margin.
    """
    width = surfaces.table["carriageway_width_m"].to_numpy(float)
    red_line = surfaces.table["red_line_width_m"].to_numpy(float)
    footway = (red_line - width) / 2
    narrow = np.maximum(footway - margin_m, margin_m)
    setback = np.minimum(wanted_m, np.where(np.isfinite(footway), narrow, wanted_m))
    road = streets.pieces.parent
    return (width / 2 + setback)[road], setback[road]


def _lay_out(
    strips: Strips,
    streets: Network,
    surfaces: RoadSurfaces,
    obstacles: Obstacles,
    offset: FloatArray,
) -> _Layout:
    """Cut the strips beside the ends of street parts, and drop what cannot be built there."""
    pieces = strips.network.pieces
    at_piece, at_m = _beside_part_ends(strips, streets, offset)
    cut = cut_lines(pieces.lines, at_piece, at_m)
    free = obstacles.free_parts(cut.lines)
    beside = _cut_at_kerbs(free.lines, surfaces)
    parent = cut.parent[free.parent[beside.parent]]
    lines, stroke, side = beside.lines, strips.stroke[parent], strips.side[parent]
    part = _nearest_part(lines, stroke, streets, strips.stroke_of_part, offset)
    road = streets.pieces.parent[part]
    kept = obstacles.strip_allowed(lines, streets.pieces.lines[part])
    kept &= ~_runs_along(lines, surfaces)
    lines, part, road, stroke, side = lines[kept], part[kept], road[kept], stroke[kept], side[kept]
    crossed = np.zeros(len(lines), bool)
    crossed[surfaces.crossings(lines)["line"]] = True
    return _Layout(lines, part, road, stroke, side, ~crossed & (side != 0), strips.stroke_of_part)


def _cut_at_kerbs(lines: LineArray, surfaces: RoadSurfaces) -> Pieces:
    """Cut lines that cross a carriageway and run on beside it where they meet its kerbs.

    Nothing is joined to a piece inside a carriageway: its part outside is a piece of its own.
    """
    crossings = surfaces.crossings(lines)
    line, road = crossings["line"].to_numpy(), crossings["road"].to_numpy()
    inside_m = np.bincount(line, crossings["kerb_m"], minlength=len(lines))
    runs_on = (shapely.length(lines) - inside_m > _RUNS_ON_M)[line]
    kerb = shapely.boundary(surfaces.own_area[road[runs_on]])
    met = shapely.intersection(lines[line[runs_on]], kerb)
    xy, number = shapely.get_coordinates(met, return_index=True)
    at_line = line[runs_on][number].astype(np.int64)
    return cut_lines(lines, at_line, shapely.line_locate_point(lines[at_line], shapely.points(xy)))


def _beside_part_ends(
    strips: Strips, streets: Network, offset: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Positions on the strips square beside both ends of their own street parts.

    At the outside of a corner these are two places, one for each street that meets there.
    """
    lines = strips.network.pieces.lines
    xy, along = _ends_and_directions(streets.pieces.lines)
    aside = np.stack([-along[:, 1], along[:, 0]], axis=1) * np.tile(offset, 2)[:, None]
    points = shapely.points(np.concatenate([xy + aside, xy - aside]))
    stroke = np.tile(strips.stroke_of_part, 4)
    at, piece = shapely.STRtree(lines).query(points, predicate="dwithin", distance=_SAME_FOOT_M)
    own = strips.stroke[piece] == stroke[at]
    at, piece = at[own], piece[own]
    return piece.astype(np.int64), shapely.line_locate_point(lines[piece], points[at])


def _ends_and_directions(lines: LineArray) -> tuple[FloatArray, FloatArray]:
    """Starts of all lines, then ends, and the unit direction of each line there."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(np.r_[True, np.diff(owner) > 0])
    last = np.r_[first[1:], len(xy)] - 1
    along = np.concatenate([xy[first + 1] - xy[first], xy[last] - xy[last - 1]])
    return xy[np.concatenate([first, last])], along / np.hypot(*along.T)[:, None]


def _nearest_part(
    lines: LineArray,
    stroke: IntArray,
    streets: Network,
    stroke_of_part: IntArray,
    offset: FloatArray,
) -> IntArray:
    """The street part of the own stroke that each strip piece runs beside."""
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    parts = streets.pieces.lines
    reach = 3.0 * float(offset.max()) + 2.0
    at, part = shapely.STRtree(parts).query(middle, predicate="dwithin", distance=reach)
    own = stroke_of_part[part] == stroke[at]
    pairs = pd.DataFrame({"at": at[own], "part": part[own]})
    pairs["distance"] = shapely.distance(middle[pairs["at"]], parts[pairs["part"]])
    nearest = pairs.sort_values(["at", "distance", "part"]).drop_duplicates("at")
    chosen = shapely.STRtree(parts).nearest(middle).astype(np.int64)
    chosen[nearest["at"].to_numpy()] = nearest["part"].to_numpy()
    return np.asarray(chosen)


def _runs_along(lines: LineArray, surfaces: RoadSurfaces) -> NDArray[np.bool_]:
    """True for lines that run inside a carriageway almost parallel to its road."""
    crossings = surfaces.crossings(lines)
    angle = crossing_angles(lines, crossings, surfaces)
    along = np.zeros(len(lines), bool)
    along[crossings["line"].to_numpy()[angle < _ALONG_DEG]] = True
    return along


def crossing_angles(
    lines: LineArray, crossings: pd.DataFrame, surfaces: RoadSurfaces
) -> FloatArray:
    """Angle between each crossing piece and the centre line of its road, 0 to 90 degrees."""
    line, at_m = lines[crossings["line"]], crossings["at_m"].to_numpy(float)
    centre = surfaces.centre[crossings["road"].to_numpy()]
    along = shapely.line_locate_point(centre, shapely.line_interpolate_point(line, at_m))
    return _angle_between(_direction(line, at_m), _direction(centre, along))


def _direction(lines: LineArray, at: FloatArray) -> FloatArray:
    """Direction of each line at a distance from its start, taken over two metres."""
    before = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(at - 1, 0)))
    after = shapely.get_coordinates(
        shapely.line_interpolate_point(lines, np.minimum(at + 1, shapely.length(lines)))
    )
    return np.asarray(after - before)


def _angle_between(one: FloatArray, two: FloatArray) -> FloatArray:
    cross = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
    return np.asarray(np.degrees(np.arctan2(cross, np.abs((one * two).sum(axis=1)))))


# --- feet: where parcels, gates and network nodes are joined to the strips -----------------


def _parcel_feet(
    survey: Survey, layout: _Layout, obstacles: Obstacles, max_snap_m: float
) -> pd.DataFrame:
    """Candidate points on the red line of every parcel, each with its foot on a strip."""
    parcels = survey.get("parcels")
    if parcels is None or not layout.usable.any():
        return _no_feet()
    boundary, owner = _red_line_points(np.asarray(parcels.geometry.array))
    (point, piece), distance = layout.tree.query_nearest(
        boundary, max_distance=max_snap_m, return_distance=True, all_matches=False
    )
    feet = _feet(boundary[point], piece, layout)
    feet["kind"], feet["key"] = "parcel", parcels.index.to_numpy(str)[owner[point]]
    feet["distance"] = distance
    near = feet.groupby(["key", "piece"])["distance"].transform("min")
    feet = feet[feet["distance"] <= near + _NEEDLESS_M]
    feet = feet[obstacles.connector_allowed(feet["line"].to_numpy())]
    feet = feet.sort_values(["key", "piece", "at_m"])
    place = feet.groupby(["key", "piece"]).cumcount()
    size = feet.groupby(["key", "piece"])["at_m"].transform("size")
    # Of an even number both middle ones, so that the direction of the strip does not matter.
    middle = (place == size // 2) | (place == (size - 1) // 2)
    return feet[(place == 0) | (place == size - 1) | middle]


def _red_line_points(polygons: NDArray[Any]) -> tuple[NDArray[Any], IntArray]:
    """Middle and drawn-in ends of every side of every polygon, with the polygon's number."""
    rings, owner = shapely.get_parts(shapely.boundary(polygons), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    side = np.flatnonzero(ring[1:] == ring[:-1])
    start, end = xy[side], xy[side + 1]
    length = np.hypot(*(end - start).T)
    share = np.minimum(_INSET_M / np.maximum(length, 1e-9), 0.5)
    shares = np.concatenate([np.full(len(side), 0.5), share, 1.0 - share])
    number = np.tile(np.arange(len(side)), 3)
    points = start[number] + (end - start)[number] * shares[:, None]
    return shapely.points(points), owner[ring[side]][number].astype(np.int64)


def _gate_points(gates: Mapping[str, tuple[str, shapely.Point]] | None) -> pd.DataFrame:
    gates = gates or {}
    return pd.DataFrame(
        {"kind": "gate", "key": list(gates), "point": [point for _, point in gates.values()]}
    )


def _node_points(survey: Survey) -> pd.DataFrame:
    """Network nodes that lines are joined to; where mains are tapped inside, none are needed."""
    nodes = survey.get("nodes")
    if nodes is None:
        return pd.DataFrame({"kind": [], "key": [], "point": []})
    wanted = pd.Series(False, index=nodes.index)
    for utility in load_utilities().values():
        if not utility.tie_in.inside:
            wanted |= (nodes["utility"] == utility.key) & nodes["kind"].isin(utility.tie_in.nodes)
    nodes = nodes[wanted]
    return pd.DataFrame(
        {"kind": "node", "key": nodes.index.astype(str), "point": np.asarray(nodes.geometry.array)}
    )


def _point_feet(
    points: pd.DataFrame, layout: _Layout, obstacles: Obstacles, max_snap_m: float
) -> pd.DataFrame:
    """The nearest foot of each point on each side of each street within reach."""
    if len(points) == 0 or not layout.usable.any():
        return _no_feet()
    shapes = points["point"].to_numpy()
    at, piece = layout.tree.query(shapes, predicate="dwithin", distance=max_snap_m)
    feet = _feet(shapes[at], piece, layout)
    feet["kind"], feet["key"] = points["kind"].to_numpy()[at], points["key"].to_numpy()[at]
    feet["distance"] = shapely.length(feet["line"].to_numpy())
    feet = feet[obstacles.connector_allowed(feet["line"].to_numpy())]
    feet["stroke"] = layout.stroke[feet["piece"].to_numpy()]
    feet["side"] = layout.side[feet["piece"].to_numpy()]
    nearest = feet.sort_values(["key", "distance", "piece"]).drop_duplicates(
        ["key", "stroke", "side"]
    )
    return nearest.drop(columns=["stroke", "side"])


def _feet(points: NDArray[Any], piece: IntArray, layout: _Layout) -> pd.DataFrame:
    """Foot of each point on its piece, and the connector from the foot to the point."""
    at_m = shapely.line_locate_point(layout.lines[piece], points)
    foot = shapely.line_interpolate_point(layout.lines[piece], at_m)
    line = segments(shapely.get_coordinates(foot), shapely.get_coordinates(points))
    return pd.DataFrame({"piece": piece.astype(np.int64), "at_m": at_m, "line": line})


def _no_feet() -> pd.DataFrame:
    return pd.DataFrame(columns=["piece", "at_m", "line", "kind", "key"], dtype=object)


# --- crossings between the two sides of a street ---------------------------------------------


def _crossing_feet(
    layout: _Layout,
    streets: Network,
    offset: FloatArray,
    obstacles: Obstacles,
    feet: pd.DataFrame,
    spacing_m: float,
) -> pd.DataFrame:
    """Straight crossings at a regular spacing and opposite every foot of a parcel or gate.

    Network nodes need none: they are joined to the strips of both sides.

    Returns
    -------
    Table with ``piece``, ``at_m`` on the left and ``piece_2``, ``at_2_m`` on the right.
    """
    parts = streets.pieces.lines
    part, centre = _crossing_centres(parts, spacing_m)
    feet = feet[feet["kind"] != "node"]
    foot_part = layout.part[feet["piece"].to_numpy(np.int64)]
    foot_point = shapely.line_interpolate_point(
        layout.lines[feet["piece"].to_numpy(np.int64)], feet["at_m"].to_numpy(float)
    )
    beside = shapely.line_interpolate_point(
        parts[foot_part], shapely.line_locate_point(parts[foot_part], foot_point)
    )
    part, centre = np.concatenate([part, foot_part]), np.concatenate([centre, beside])
    left = _side_feet(layout, centre, part, offset, 1)
    right = _side_feet(layout, centre, part, offset, -1)
    both = left.merge(right, on="centre", suffixes=("", "_2"))
    line = segments(
        np.stack(both["xy"].to_list()) if len(both) else np.zeros((0, 2)),
        np.stack(both["xy_2"].to_list()) if len(both) else np.zeros((0, 2)),
    )
    straight = shapely.length(line) <= 2.3 * offset[part[both["centre"].to_numpy()]]
    both = pd.DataFrame(both[straight & obstacles.connector_allowed(line)])
    return both.rename(columns={"at_m_2": "at_2_m"})[["piece", "at_m", "piece_2", "at_2_m"]]


def _crossing_centres(parts: LineArray, spacing_m: float) -> tuple[IntArray, NDArray[Any]]:
    """Points along street parts: evenly spread, one at least, none at an end."""
    count = np.maximum(np.round(shapely.length(parts) / spacing_m), 1).astype(np.int64)
    part = np.repeat(np.arange(len(parts)), count)
    number = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
    share = (number + 0.5) / count[part]
    return part, np.asarray(shapely.line_interpolate_point(parts[part], share, normalized=True))


def _side_feet(
    layout: _Layout, centre: NDArray[Any], part: IntArray, offset: FloatArray, side: int
) -> pd.DataFrame:
    """The nearest point on one side's strip of the same stroke, for each centre that has one."""
    reach = offset[part] * 1.15 + 0.5
    at, piece = layout.tree.query(centre, predicate="dwithin", distance=reach)
    own = (layout.stroke[piece] == layout.stroke_of_part[part[at]]) & (layout.side[piece] == side)
    at, piece = at[own], piece[own].astype(np.int64)
    at_m = shapely.line_locate_point(layout.lines[piece], centre[at])
    foot = shapely.line_interpolate_point(layout.lines[piece], at_m)
    pairs = pd.DataFrame({"centre": at, "piece": piece, "at_m": at_m})
    pairs["distance"] = shapely.distance(foot, centre[at])
    pairs["xy"] = list(shapely.get_coordinates(foot))
    return pairs.sort_values(["centre", "distance", "piece"]).drop_duplicates("centre")[
        ["centre", "piece", "at_m", "xy"]
    ]


# --- the graph --------------------------------------------------------------------------------


def _assemble(
    survey: Survey,
    surfaces: RoadSurfaces,
    obstacles: Obstacles,
    layout: _Layout,
    feet: pd.DataFrame,
    across: pd.DataFrame,
    gates: Mapping[str, tuple[str, shapely.Point]] | None,
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
            _edges("crossing", np.stack([left, right], axis=1), left_road),
            _edges("connector", np.stack([foot_node[is_site], site_node], 1), foot_road[is_site]),
        ],
        ignore_index=True,
    )
    ends = edges[["start", "end"]].to_numpy(np.int64)
    lines = np.concatenate(
        [network.pieces.lines, segments(*node_xy[ends[len(parent) :]].transpose(1, 0, 2))]
    )
    kept = _distinct(edges)
    green = survey.get("green")
    return Corridors(
        CorridorGraph(node_xy, ends[kept], lines[kept], edges.loc[kept, ["kind", "road", "side"]]),
        surfaces,
        obstacles,
        np.asarray(green.geometry.array) if green is not None else np.zeros(0, object),
        pd.DataFrame(),
        _site_table(sites, site_node, gates),
        _foot_table(feet[~is_site], foot_node[~is_site]),
        _gaps(survey, layout, gates),
        setback_m=0.0,
    )


def _edges(kind: str, ends: IntArray, road: IntArray, side: IntArray | int = 0) -> pd.DataFrame:
    return pd.DataFrame(
        {"start": ends[:, 0], "end": ends[:, 1], "kind": kind, "road": road, "side": side}
    )


def _node_at(lines: LineArray, at_line: IntArray, at_m: FloatArray, network: Network) -> IntArray:
    """Node number of each position that the strips were cut at."""
    xy = shapely.get_coordinates(shapely.line_interpolate_point(lines[at_line], at_m))
    return np.asarray(cKDTree(network.node_xy).query(xy)[1], np.int64)


def _site_nodes(sites: pd.DataFrame) -> tuple[IntArray, FloatArray]:
    """Nodes on red lines: one per distinct point of each parcel or gate."""
    xy = shapely.get_coordinates(shapely.get_point(sites["line"].to_numpy(), -1))
    _, owner = np.unique(sites["kind"].str.cat(sites["key"], sep=":"), return_inverse=True)
    points = pd.DataFrame({"owner": owner, "x": xy[:, 0].round(6), "y": xy[:, 1].round(6)})
    label = points.groupby(["owner", "x", "y"]).ngroup().to_numpy(np.int64)
    first = np.unique(label, return_index=True)[1]
    return np.asarray(label), np.asarray(xy[first])


def _distinct(edges: pd.DataFrame) -> NDArray[np.bool_]:
    """False for loops and for repeated straight edges between the same nodes."""
    low, high = edges[["start", "end"]].min(axis=1), edges[["start", "end"]].max(axis=1)
    straight = edges["kind"] != "strip"
    repeated = pd.DataFrame({"low": low, "high": high, "kind": edges["kind"]}).duplicated()
    return ((low != high) & ~(straight & repeated)).to_numpy()


def _site_table(
    sites: pd.DataFrame,
    node: IntArray,
    gates: Mapping[str, tuple[str, shapely.Point]] | None,
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
    layout: _Layout,
    gates: Mapping[str, tuple[str, shapely.Point]] | None,
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


def _measured(bare: Corridors) -> Corridors:
    """Fill in the measures of every edge, once."""
    graph = bare.graph
    table, crossings = bare.measure(graph.lines)
    measures = pd.concat([graph.measures.reset_index(drop=True), table], axis=1)
    on_bridge = bare.surfaces.table["on_bridge"].to_numpy()
    measures["on_bridge"] = on_bridge[measures["road"]] & bare.obstacles.over_water(graph.lines)
    measured = CorridorGraph(graph.node_xy, graph.ends, graph.lines, measures)
    return replace(bare, graph=measured, crossings=crossings.rename(columns={"line": "edge"}))

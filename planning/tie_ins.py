"""Tie-ins 接入点: where a new line may join the existing network of its utility (design 6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray, segments
from gis.network import tie_break
from layers.survey import Survey
from layers.utilities import Utility
from planning.corridors import Corridors
from planning.policy_model import Policy
from planning.road_surfaces import crossing_angles, entries
from planning.standards import Pipe, Standards

# Only what is known to be in use may be joined; an unknown state is asked for.
IN_USE = "in_service"
# What decides whether a main may serve a pipe; mains that agree in it can stand for each other.
_DECIDING = ["diameter_mm", "pressure_mpa", "voltage_kv", "free_holes"]
# The nearest of equal mains may lie behind a building: the second and third are kept as well.
_NEAREST_KEPT = 3


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
    """

    utility: str
    table: pd.DataFrame
    lines: LineArray
    crossings: pd.DataFrame
    features: pd.DataFrame
    imported: bool

    @cached_property
    def tie_break(self) -> FloatArray:
        """The tie-break of every way, as edges have one."""
        return tie_break(self.lines)

    @cached_property
    def feature_ids(self) -> list[str]:
        """The main or node that each row joins."""
        return [str(feature_id) for feature_id in self.table["feature_id"]]


def find_tie_ins(corridors: Corridors, survey: Survey, utility: Utility, policy: Policy) -> TieIns:
    """Find the places where ``utility`` may be joined, within the snap distance of the graph.

    Inside mains (the main is split there) where the utility allows it, else at its nodes. A way
    that would cross private land, water or rails, or meet a carriageway at less than the least
    crossing angle of the policy, is no way.
    """
    mains, main_shapes = _features(survey.get("lines"), utility, "subtype", utility.tie_in.lines)
    places, _ = _features(survey.get("nodes"), utility, "kind", utility.tie_in.nodes)
    places = _with_main(places, survey.get("lines"))
    if not utility.tie_in.inside:
        mains, main_shapes = mains.iloc[:0], main_shapes[:0]
    max_snap_m = policy.planning.max_snap_m
    candidates = pd.concat(
        [
            _along_mains(corridors, mains, main_shapes, max_snap_m),
            _at_nodes(corridors, places),
        ],
        ignore_index=True,
    )
    node_xy = corridors.graph.node_xy[candidates["node"].to_numpy(np.int64)]
    target = np.stack(candidates.pop("xy").to_list()) if len(candidates) else np.zeros((0, 2))
    lines = segments(node_xy, target)
    allowed = corridors.obstacles.connector_allowed(lines)
    candidates, lines = candidates[allowed], lines[allowed]
    crossings = corridors.surfaces.crossings(lines)
    entered = entries(crossings)
    angle = crossing_angles(lines, entered, corridors.surfaces)
    oblique = entered["line"][angle < policy.planning.min_crossing_angle_deg]
    upright = ~np.isin(np.arange(len(lines)), oblique)
    candidates, lines = candidates[upright], lines[upright]
    crossings = crossings[upright[crossings["line"]]]
    crossings = crossings.assign(line=(np.cumsum(upright) - 1)[crossings["line"]])
    measures, crossings = corridors.measure(lines, crossings.reset_index(drop=True))
    return TieIns(
        utility.key,
        pd.concat([candidates.reset_index(drop=True), measures], axis=1),
        lines,
        crossings.rename(columns={"line": "tie_in"}),
        pd.concat({"line": mains, "node": places}, names=["kind", "feature_id"]),
        _has_network(survey, utility),
    )


def _has_network(survey: Survey, utility: Utility) -> bool:
    tables = (survey.get("lines"), survey.get("nodes"))
    return any(t is not None and bool((t["utility"] == utility.key).any()) for t in tables)


def _features(
    table: Any, utility: Utility, field: str, kinds: tuple[str, ...]
) -> tuple[pd.DataFrame, NDArray[Any]]:
    """Rows of a layer that belong to the utility, are of the kinds, and are known to be in use."""
    if table is None:
        return pd.DataFrame(columns=_DECIDING), np.zeros(0, object)
    mine = (table["utility"] == utility.key) & table[field].isin(kinds)
    mine &= table["status"] == IN_USE
    chosen = table[mine]
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


def _along_mains(
    corridors: Corridors, mains: pd.DataFrame, shapes: NDArray[Any], max_snap_m: float
) -> pd.DataFrame:
    """The nearest point of each main from each graph node within reach."""
    nodes = corridors.strip_nodes
    points = shapely.points(corridors.graph.node_xy[nodes])
    at, main = shapely.STRtree(shapes).query(points, predicate="dwithin", distance=max_snap_m)
    at, main = _nearest_of_a_kind(at, main, shapely.distance(points[at], shapes[main]), mains)
    chainage = shapely.line_locate_point(shapes[main], points[at])
    foot = shapely.line_interpolate_point(shapes[main], chainage)
    return pd.DataFrame(
        {
            "node": nodes[at],
            "kind": "line",
            "feature_id": mains.index.to_numpy(object)[main],
            "chainage_m": chainage,
            "xy": list(shapely.get_coordinates(foot)),
        }
    )


def _nearest_of_a_kind(
    at: IntArray, main: IntArray, distance: FloatArray, mains: pd.DataFrame
) -> tuple[IntArray, IntArray]:
    """Of the mains near a node that are equal in what decides, keep the nearest few."""
    kind = mains.groupby(_DECIDING, dropna=False).ngroup().to_numpy()[main]
    pairs = pd.DataFrame({"at": at, "main": main, "kind": kind, "distance": distance})
    pairs = pairs.sort_values(["at", "kind", "distance", "main"])
    pairs = pairs[pairs.groupby(["at", "kind"]).cumcount() < _NEAREST_KEPT]
    return pairs["at"].to_numpy(np.int64), pairs["main"].to_numpy(np.int64)


def _at_nodes(corridors: Corridors, places: pd.DataFrame) -> pd.DataFrame:
    """The places themselves, from their feet on the strips and straight from red lines."""
    feet = corridors.feet[corridors.feet["network_node_id"].isin(places.index)]
    feet = pd.concat([feet, _to_red_lines(corridors, feet)])
    return pd.DataFrame(
        {
            "node": feet["node"].to_numpy(np.int64),
            "kind": "node",
            "feature_id": feet["network_node_id"].to_numpy(object),
            "chainage_m": np.nan,
            "xy": feet["xy"].to_list(),
        }
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
    joined = pd.MultiIndex.from_frame(tie_ins.table[["kind", "feature_id"]])
    return may_serve(tie_ins, pipe, standards).reindex(joined).to_numpy(bool)


def may_serve(tie_ins: TieIns, pipe: Pipe, standards: Standards) -> pd.Series:
    """Which of ``tie_ins.features`` may serve a pipe: large enough, right class, room left.

    What a main does not say does not qualify it; an unknown wish of the pipe asks for nothing.
    """
    features = tie_ins.features
    fits = pd.Series(True, index=features.index)
    if pipe.nominal_mm is not None and "diameter_mm" in features:
        fits &= _at_least(features["diameter_mm"], pipe.nominal_mm)
    if pipe.pressure_mpa is not None and "pressure_mpa" in features:
        wanted = standards.pressure_class(pipe.pressure_mpa)
        known = pd.to_numeric(features["pressure_mpa"], errors="coerce")
        classes = [standards.pressure_class(p) if np.isfinite(p) else None for p in known]
        fits &= pd.Series(classes, index=features.index) == wanted
    if pipe.voltage_kv is not None and "voltage_kv" in features:
        fits &= pd.to_numeric(features["voltage_kv"], errors="coerce") == pipe.voltage_kv
    if tie_ins.utility == "power" and "spare_bays" in features:
        fits &= _at_least(features["spare_bays"], 1)
    if tie_ins.utility == "telecom" and "free_holes" in features:
        fits &= _at_least(features["free_holes"], pipe.duct_holes or 1)
    return fits


def _at_least(values: pd.Series, least: float) -> pd.Series:
    return pd.to_numeric(values, errors="coerce") >= least

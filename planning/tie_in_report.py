"""Tie-ins compared: the best places to join with their reasons, and those near by that are none.

The places are ranked by the cost of the route through them; why others are none is asked of the
same rules that keep them out (``planning.tie_in_rules``) and of the ways that were tried.
"""

from __future__ import annotations

from gettext import gettext as _
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.forest import grow_forest
from gis.linear import FloatArray, IntArray
from layers.utilities import Utility, load_utilities
from planning.application import Demand
from planning.external_lines import ExternalLine
from planning.gravity import fall, invert_at, runs_by_gravity
from planning.groundwork import Groundwork, Site
from planning.routes import Search
from planning.standards import Pipe
from planning.tie_in_rules import refusals, standing
from planning.tie_ins import TieIns

# So many places are compared, so many rejected ones named, and so far round they are looked for.
_COMPARED, _NAMED, _ROUND_M = 5, 20, 250.0
# A network of its kin has a main in every street: the nearest few say enough.
_NAMED_OF_KIN = 3


def tie_in_entry(work: Groundwork, site: Site, line: ExternalLine) -> dict[str, Any]:
    """Candidates and rejected places of one utility's line, as plain values."""
    if line.demand is None:
        return {"candidates": [], "rejected": []}
    ground, pipe = work.under(line.closed), line.demand.pipe
    reach_m = max(_ROUND_M, line.route.figures["length_m"] if line.route else 0.0)
    ranked = ranked_places(ground, site, pipe, reach_m)
    return {
        "candidates": _candidates(ground, line.demand, ranked),
        "rejected": rejected_places(ground, site, pipe, ranked),
    }


# --- the best places -----------------------------------------------------------------------------


def ranked_places(work: Groundwork, site: Site, pipe: Pipe, reach_m: float) -> pd.DataFrame:
    """The best way of every place that can be reached, cheapest first.

    Returns
    -------
    Table with ``row`` (of the tie-ins), ``kind``, ``feature_id``, ``cost_yuan``, ``length_m`` of
    the whole route. Looked for within ``reach_m`` of the red line.
    """
    search = work.search(pipe, "cheapest")
    nodes, cost, length = _from_red_line(search, site.end_nodes, reach_m)
    table = search.tie_ins.table
    at = np.searchsorted(nodes, table["node"].to_numpy(np.int64))
    inside = np.isin(table["node"].to_numpy(np.int64), nodes)
    rows = np.flatnonzero(inside & np.isfinite(search.tie_in_weights))
    found = table.iloc[rows][["kind", "feature_id"]].assign(
        row=rows,
        cost_yuan=cost[at[rows]] + search.tie_in_weights[rows],
        length_m=length[at[rows]] + table["length_m"].to_numpy(float)[rows],
    )
    found = found[np.isfinite(found["cost_yuan"])].sort_values(["cost_yuan", "row"])
    best: pd.DataFrame = found.drop_duplicates(["kind", "feature_id"]).reset_index(drop=True)
    return best


def _from_red_line(
    search: Search, end_nodes: IntArray, reach_m: float
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Nodes within reach, in order, with cost and length of the way from the red line to each."""
    graph, connector = search.corridors.graph, search.corridors.is_connector
    if len(end_nodes) == 0:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    xy = graph.node_xy[end_nodes]
    (west, south), (east, north) = xy.min(axis=0) - reach_m, xy.max(axis=0) + reach_m
    edges = graph.edges_within((west, south, east, north))
    own = np.isin(graph.ends[edges], end_nodes).any(axis=1)
    edges = edges[~connector[edges] | own]
    nodes = np.union1d(graph.ends[edges].ravel(), end_nodes)
    forest = grow_forest(
        np.searchsorted(nodes, graph.ends[edges]),
        search.edge_weights[edges],
        len(nodes),
        np.searchsorted(nodes, end_nodes),
        np.zeros(len(end_nodes)),
    )
    return nodes, forest.cost, forest.sums(graph.length_m[edges])


def _candidates(work: Groundwork, demand: Demand, ranked: pd.DataFrame) -> list[dict[str, Any]]:
    tie_ins = work.tie_ins(demand.pipe.utility)
    best = ranked.head(_COMPARED)
    rows = best["row"].to_numpy(np.int64)
    cost, length = (best[name].to_numpy(float) for name in ("cost_yuan", "length_m"))
    across = tie_ins.table["kerb_m"].to_numpy(float)[rows]
    places = shapely.get_coordinates(shapely.get_point(tie_ins.lines[rows], -1))
    return [
        {
            "kind": str(best["kind"].iloc[number]),
            "id": str(best["feature_id"].iloc[number]),
            "xy": places[number].tolist(),
            "rank": number + 1,
            "cost_yuan": float(cost[number]),
            "length_m": float(length[number]),
            "reasons": [
                *_advantages(
                    float(cost[number] - cost[0]),
                    bool(length[number] == length.min()),
                    float(across[number]),
                ),
                *_falls(work, demand, int(rows[number]), float(length[number])),
            ],
        }
        for number in range(len(best))
    ]


def _advantages(extra_yuan: float, is_shortest: bool, across_m: float) -> list[str]:
    first = _("造价最低") if extra_yuan == 0 else _("比首选贵 {extra:,.0f} 元")
    reasons = [first.format(extra=extra_yuan)]
    if is_shortest:
        reasons.append(_("线路最短"))
    if across_m > 0:
        reasons.append(_("接入段在车行道内 {metres:.2f} 米").format(metres=across_m))
    return reasons


def _falls(work: Groundwork, demand: Demand, row: int, length_m: float) -> list[str]:
    """What the levels say of a gravity line, in a sentence; nothing of others."""
    if not runs_by_gravity(demand.pipe.utility):
        return []
    invert_m = _invert_m(work, work.tie_ins(demand.pipe.utility).table.iloc[row])
    return [fall(demand.pipe, demand.last_well_invert_m, length_m, invert_m).text]


def _invert_m(work: Groundwork, place: pd.Series) -> float | None:
    """Invert level of a main where it is joined, or of a manhole; None for unknown."""
    if place["kind"] == "line":
        main = work.survey.tables["lines"].loc[place["feature_id"]]
        share = float(place["chainage_m"]) / main.geometry.length
        return invert_at(main["start_invert_m"], main["end_invert_m"], share)
    level = float(work.survey.tables["nodes"].loc[place["feature_id"], "invert_level_m"])
    return None if np.isnan(level) else level


# --- why the others are none ---------------------------------------------------------------------


def rejected_places(
    work: Groundwork, site: Site, pipe: Pipe, ranked: pd.DataFrame
) -> list[dict[str, Any]]:
    """Places of the network round the red line that may not be joined, nearest first."""
    utility, survey = load_utilities()[pipe.utility], work.survey
    layer, field, kind = ("lines", "subtype", "line")
    if not utility.tie_in.inside:
        layer, field, kind = ("nodes", "kind", "node")
    table, parcels = survey.get(layer), survey.get("parcels")
    if table is None or parcels is None:
        return []
    red_line = parcels.geometry.loc[site.application.parcel_id]
    near = _near(table[_of_network(table, utility)], red_line)
    reasons = _reasons(work.tie_ins(pipe.utility), near, utility, field, kind, pipe, work)
    taken = set(ranked.loc[ranked["kind"] == kind, "feature_id"])
    told = reasons[(reasons != "") & ~reasons.index.isin(taken)]
    kin = told == "wrong_network"
    told = told[~kin | (kin.cumsum() <= _NAMED_OF_KIN)].head(_NAMED)
    points = shapely.get_point(
        shapely.shortest_line(near.loc[told.index].geometry.to_numpy(), red_line), 0
    )
    return [
        {
            "kind": kind,
            "id": str(key),
            "xy": [point.x, point.y],
            "reason": reason,
            "text": _text(reason, near.loc[key], pipe),
        }
        for (key, reason), point in zip(told.items(), points, strict=True)
    ]


def _of_network(table: pd.DataFrame, utility: Utility) -> pd.Series:
    """Rows of the utility, and of the one that shares its clauses: sewage beside storm."""
    kin = [
        key for key, one in load_utilities().items() if one.policy_utility == utility.policy_utility
    ]
    return table["utility"].isin(kin)


def _near(table: Any, red_line: Any) -> Any:
    distance = table.geometry.distance(red_line)
    return table.loc[distance[distance <= _ROUND_M].sort_values(kind="stable").index]


def _reasons(
    tie_ins: TieIns,
    near: Any,
    utility: Utility,
    field: str,
    kind: str,
    pipe: Pipe,
    work: Groundwork,
) -> pd.Series:
    """The first reason against each place; '' for those that could be joined."""
    reasons = standing(near, utility, field)
    stands = reasons[reasons == ""].index
    mine = tie_ins.features.index.get_level_values("kind") == kind
    own = pd.DataFrame(tie_ins.features[mine].droplevel("kind").loc[stands])
    reasons[stands] = refusals(own, pipe, work.standards)
    served = set(tie_ins.table.loc[tie_ins.table["kind"] == kind, "feature_id"])
    closed = tie_ins.closed[tie_ins.closed["kind"] == kind].drop_duplicates("feature_id")
    why = closed.set_index("feature_id")["reason"]
    for key in reasons[reasons == ""].index:
        if key not in served:
            reasons[key] = why.get(key, "no_way")
    return reasons


def _text(reason: str, feature: Any, pipe: Pipe) -> str:
    texts = {
        "wrong_network": _("属于{other},不是本专业的管网"),
        "wrong_kind": _("类型为 {kind},不能接入"),
        "unknown_status": _("使用状态未知,须先核实"),
        "not_in_service": _("未在用({status})"),
        "other_operator": _("权属单位为 {owner},不是用户选择的运营商"),
        "too_small": _("管径 {size},小于需要的 DN{nominal:g}"),
        "needs_station": _("次高压管道({pressure} MPa),须经调压站才能接入"),
        "wrong_pressure": _("压力 {pressure} MPa,与需要的压力级别不同"),
        "wrong_voltage": _("电压 {voltage} kV,与需要的 {volts:g} kV 不同"),
        "no_spare_bay": _("备用间隔 {bays},没有空余"),
        "too_few_holes": _("空孔 {holes},少于需要的 {wanted} 孔"),
        "blocked": _("到达它的直线被建筑、他人用地、水体或铁路挡住"),
        "oblique": _("到达它须斜穿车行道,夹角小于下限"),
        "no_way": _("接入距离以内没有走廊通到"),
    }
    return texts[reason].format(
        other=load_utilities()[feature["utility"]].zh,
        kind=_said(feature, "subtype") if "subtype" in feature else _said(feature, "kind"),
        status=_said(feature, "status"),
        owner=_said(feature, "owner"),
        size=_said(feature, "diameter_mm"),
        nominal=pipe.nominal_mm or 0.0,
        pressure=_said(feature, "pressure_mpa"),
        voltage=_said(feature, "voltage_kv"),
        volts=pipe.voltage_kv or 0.0,
        bays=_said(feature, "spare_bays"),
        holes=_said(feature, "free_holes"),
        wanted=pipe.duct_holes or 1,
    )


def _said(feature: Any, name: str) -> str:
    """A value of a feature as text, 未知 where it says none."""
    value = feature.get(name)
    if value is None or pd.isna(value):
        return _("未知")
    return f"{value:g}" if isinstance(value, float) else str(value)

"""Tie-ins compared: the best places to join with their reasons, and those near by that are none.

The places are ranked by the cost of the route through them; why others are none is asked of the
same rules that keep them out (``planning.tie_in_rules``) and of the ways that were tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.forest import grow_forest
from gis.linear import FloatArray, IntArray
from layers.utilities import Utility, load_utilities
from planning.application import Demand
from planning.existing_pipes import SIZES
from planning.external_lines import ExternalLine
from planning.gravity import Fall, needed_slope
from planning.gravity_ways import (
    BARE_BELOW_CARRIAGEWAYS,
    UnprovenError,
    fall_over,
    inside_of,
    invert_at,
    is_steered,
    lightest_keeping_fall,
    longest_m,
    way_length_m,
)
from planning.groundwork import Groundwork, Site
from planning.routes import Neighbourhood, Way
from planning.sizing_rules import apparent_kva, runs_by_gravity
from planning.standards import Pipe
from planning.texts import gettext as _
from planning.tie_in_rules import may_serve, refusals, standing, unserved
from planning.tie_ins import TieIns

# So many places are compared, so many rejected ones named, and so far round they are looked for.
_COMPARED, _NAMED, _ROUND_M = 5, 20, 250.0
# A network of its kin has a main in every street: the nearest few say enough.
_NAMED_OF_KIN = 3


def tie_in_entry(work: Groundwork, site: Site, line: ExternalLine) -> dict[str, Any]:
    """Candidates and rejected places of one utility's line, as plain values."""
    if line.demand is None:
        return {"candidates": [], "rejected": []}
    ground, demand = work.under(line.closed), line.demand
    reach_m = max(_ROUND_M, line.route.figures["length_m"] if line.route else 0.0)
    reached = _reached_places(ground, site, demand.pipe, reach_m)
    best, without_fall = reached.head(_COMPARED), reached.head(0)
    if is_steered(demand):
        best, without_fall = _keeping_fall(ground, site, demand, reached)
    return {
        "candidates": _candidates(ground, site, demand, best),
        "rejected": [
            *_without_fall(ground, site, demand, without_fall),
            *_rejected(ground, site, demand.pipe, reached),
        ],
    }


# --- the best places -----------------------------------------------------------------------------


def _reached_places(work: Groundwork, site: Site, pipe: Pipe, reach_m: float) -> pd.DataFrame:
    """The best way of every place that can be reached, cheapest first.

    Returns
    -------
    Table with ``row`` (of the tie-ins), ``kind``, ``feature_id``, ``end_node`` on the red line,
    ``weight``, ``cost_yuan`` and ``length_m`` of the whole route. Looked for within ``reach_m`` of
    the red line.
    """
    search = work.search(pipe, "cheapest")
    nodes, end_node, weight, yuan, length = _from_red_line(work, pipe, site.end_nodes, reach_m)
    table = search.tie_ins.table
    at = np.searchsorted(nodes, table["node"].to_numpy(np.int64))
    inside = np.isin(table["node"].to_numpy(np.int64), nodes)
    rows = np.flatnonzero(inside & np.isfinite(search.tie_in_weights))
    found = table.iloc[rows][["kind", "feature_id"]].assign(
        row=rows,
        end_node=end_node[at[rows]],
        weight=weight[at[rows]] + search.tie_in_weights[rows],
        cost_yuan=yuan[at[rows]] + work.tie_in_yuan(pipe)[rows],
        length_m=length[at[rows]] + table["length_m"].to_numpy(float)[rows],
    )
    found = found[np.isfinite(found["weight"])].sort_values(["weight", "row"])
    best: pd.DataFrame = found.drop_duplicates(["kind", "feature_id"]).reset_index(drop=True)
    return best


def _from_red_line(
    work: Groundwork, pipe: Pipe, end_nodes: IntArray, reach_m: float
) -> tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]:
    """Nodes within reach, in order, with the way from the red line to each.

    Of the way the node where it begins, weight, yuan and length.
    """
    search, graph = work.search(pipe, "cheapest"), work.corridors.graph
    if len(end_nodes) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0)
    edges = Neighbourhood(search.corridors, end_nodes).edges(reach_m)
    nodes = graph.nodes_of(edges, end_nodes)
    forest = grow_forest(
        np.searchsorted(nodes, graph.ends[edges]),
        search.edge_weights[edges],
        len(nodes),
        np.searchsorted(nodes, end_nodes),
        np.zeros(len(end_nodes)),
    )
    yuan = forest.sums(work.methods(pipe, all_bores=False).yuan_of(edges))
    return nodes, end_nodes[forest.source], forest.cost, yuan, forest.sums(graph.length_m[edges])


def _keeping_fall(
    work: Groundwork, site: Site, demand: Demand, reached: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The best places whose way keeps the fall, by its cost; and those tried that none leads to.

    The cheapest way weighs no more than one which keeps the fall: places whose cheapest is above
    the best found need not be tried.
    """
    search = work.search(demand.pipe, "cheapest")
    kept: list[tuple[int, Way]] = []
    without: list[int] = []
    table = search.tie_ins.table
    for number, place in enumerate(reached.to_dict("records")):
        weights = sorted(way.weight for _, way in kept)
        if len(weights) >= _COMPARED and weights[_COMPARED - 1] <= place["weight"]:
            break
        mine = (
            (table["kind"] == place["kind"]) & (table["feature_id"] == place["feature_id"])
        ).to_numpy()
        only = replace(search, tie_in_weights=np.where(mine, search.tie_in_weights, np.inf))
        try:
            way = lightest_keeping_fall(work, demand, site, only)
        except UnprovenError:
            continue  # neither that it can be joined nor that it cannot is known
        if way is None:
            without.append(number)
        else:
            kept.append((number, way))
    ways = [way for _, way in kept]
    best = reached.iloc[[number for number, _ in kept]].assign(
        weight=[way.weight for way in ways],
        cost_yuan=[_way_yuan(work, demand.pipe, way) for way in ways],
        row=[way.tie_in for way in ways],
        end_node=[way.end_node for way in ways],
        length_m=[way_length_m(work, demand, way) for way in ways],
    )
    best = best.sort_values(["weight", "row"]).head(_COMPARED).reset_index(drop=True)
    return best, reached.iloc[without]


def _way_yuan(work: Groundwork, pipe: Pipe, way: Way) -> float:
    yuan = work.methods(pipe, all_bores=False).yuan_of(np.array(way.edges, np.int64)).sum()
    return float(work.tie_in_yuan(pipe)[way.tie_in] + yuan)


def _candidates(
    work: Groundwork, site: Site, demand: Demand, best: pd.DataFrame
) -> list[dict[str, Any]]:
    tie_ins = work.tie_ins(demand.pipe.utility)
    rows = best["row"].to_numpy(np.int64)
    cost, length = (best[name].to_numpy(float) for name in ("cost_yuan", "length_m"))
    across = tie_ins.table["kerb_m"].to_numpy(float)[rows]
    falls = _falls(work, site, demand, best)
    places = shapely.get_coordinates(shapely.get_point(tie_ins.lines[rows], -1))
    found = []
    for number in range(len(best)):
        told = falls[number]
        found.append(
            {
                "kind": str(best["kind"].iloc[number]),
                "id": str(best["feature_id"].iloc[number]),
                "xy": places[number].tolist(),
                "rank": number + 1,
                "cost_yuan": float(cost[number]),
                "length_m": float(length[number]),
                "fall": None if told is None else told.to_json(),
                "reasons": [
                    *_advantages(
                        float(cost[number] - cost[0]),
                        bool(length[number] == length.min()),
                        float(across[number]),
                    ),
                    *_in_part(tie_ins, demand.pipe, int(rows[number])),
                    *([] if told is None else [told.text]),
                ],
            }
        )
    return found


def _falls(
    work: Groundwork, site: Site, demand: Demand, best: pd.DataFrame
) -> Sequence[Fall | None]:
    """The fall of the way from each place to the last well; None of other lines."""
    if not runs_by_gravity(demand.pipe.utility):
        return [None] * len(best)
    table = work.tie_ins(demand.pipe.utility).table
    inside = inside_of(work, demand, site, best["end_node"].to_numpy(np.int64)).tolist()
    return [
        fall_over(work, demand, dict(table.iloc[row]), outside_m, inside_m)
        for row, outside_m, inside_m in zip(best["row"], best["length_m"], inside, strict=True)
    ]


def _advantages(extra_yuan: float, is_shortest: bool, across_m: float) -> list[str]:
    first = _("造价最低") if extra_yuan == 0 else _("比首选贵 {extra:,.0f} 元")
    reasons: list[str] = [first.format(extra=extra_yuan)]
    if is_shortest:
        reasons.append(_("线路最短"))
    if across_m > 0:
        reasons.append(_("接入段在车行道内 {metres:.2f} 米").format(metres=across_m))
    return reasons


def _in_part(tie_ins: TieIns, pipe: Pipe, way: int) -> list[str]:
    """The operators that are wanted and that a place does not serve."""
    if len(pipe.operators) < 2:
        return []
    owner = tie_ins.features["owner"].iloc[int(tie_ins.ways.feature[way])]
    others = unserved(owner, pipe.operators)
    return [_("不通 {others}").format(others=_("、").join(others))] if others else []


# --- why the others are none ---------------------------------------------------------------------


def _without_fall(
    work: Groundwork, site: Site, demand: Demand, places: pd.DataFrame
) -> list[dict[str, Any]]:
    """Places that could be joined if the line had the fall, or the cover, cheapest first."""
    tie_ins, slope = work.tie_ins(demand.pipe.utility), needed_slope(demand) or 0.0
    longest, found = longest_m(work, demand), []
    places = places.head(_NAMED)
    inside = inside_of(work, demand, site, places["end_node"].to_numpy(np.int64))
    has_fall = places["length_m"] + inside <= longest[places["row"].to_numpy(np.int64)]
    for place, falls in zip(places.to_dict("records"), has_fall, strict=True):
        reason, words = (
            "no_fall",
            _("管底高程 {invert} 米,按坡度 {slope:.4f} 最多允许线路长 {longest:.1f} 米,到不了"),
        )
        if longest[place["row"]] == -np.inf:
            reason, words = "no_cover", _("管顶覆土小于最小覆土")
        elif falls:
            reason, words = "no_cover", BARE_BELOW_CARRIAGEWAYS
        invert_m = invert_at(work, dict(tie_ins.table.iloc[place["row"]]))
        x, y = tie_ins.lines[place["row"]].coords[-1][:2]
        told = _("未知") if invert_m is None else f"{invert_m:.2f}"
        text = words.format(invert=told, slope=slope, longest=max(longest[place["row"]], 0.0))
        known = {"kind": str(place["kind"]), "id": str(place["feature_id"]), "xy": [x, y]}
        found.append({**known, "reason": reason, "text": text})
    return found


def _rejected(
    work: Groundwork, site: Site, pipe: Pipe, reached: pd.DataFrame
) -> list[dict[str, Any]]:
    """Places of the network round the red line that may not be joined, nearest first."""
    utility, parcels = load_utilities()[pipe.utility], work.survey.get("parcels")
    if parcels is None:
        return []
    red_line = parcels.geometry.loc[site.application.parcel_id]
    kinds = [("lines", "subtype", "line")] if utility.tie_in.inside else []
    kinds += [("nodes", "kind", "node")] if utility.tie_in.nodes else []
    told = [
        one
        for layer, field, kind in kinds
        if (table := work.survey.get(layer)) is not None
        for one in _rejected_of(work, pipe, reached, red_line, table, field, kind)
    ]
    return [one for _, one in sorted(told, key=lambda pair: pair[0])[:_NAMED]]


def _rejected_of(
    work: Groundwork,
    pipe: Pipe,
    reached: pd.DataFrame,
    red_line: shapely.Polygon,
    table: Any,
    field: str,
    kind: str,
) -> list[tuple[float, dict[str, Any]]]:
    """Rejected mains or nodes with their distance, nearest first."""
    utility = load_utilities()[pipe.utility]
    near = _near(table[_of_network(table, utility)], red_line)
    reasons = _reasons(work.tie_ins(pipe.utility), near, utility, field, kind, pipe, work)
    taken = set(reached.loc[reached["kind"] == kind, "feature_id"])
    told = reasons[(reasons != "") & ~reasons.index.isin(taken)]
    kin = told == "wrong_network"
    told = told[~kin | (kin.cumsum() <= _NAMED_OF_KIN)].head(_NAMED)
    lines = shapely.shortest_line(near.loc[told.index].geometry.to_numpy(), red_line)
    return [
        (
            line.length,
            {
                "kind": kind,
                "id": str(key),
                "xy": list(line.coords[0][:2]),
                "reason": reason,
                "text": _text(reason, near.loc[key], pipe),
            },
        )
        for (key, reason), line in zip(told.items(), lines, strict=True)
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
    refused = refusals(tie_ins.features, pipe, work.standards)
    refused[(refused == "") & ~may_serve(tie_ins, pipe, work.standards)] = "some_operators"
    mine = refused.index.get_level_values("kind") == kind
    reasons[stands] = refused[mine].droplevel("kind").loc[stands]
    served = set(tie_ins.table.loc[tie_ins.table["kind"] == kind, "feature_id"])
    closed = tie_ins.closed[tie_ins.closed["kind"] == kind].drop_duplicates("feature_id")
    why = closed.set_index("feature_id")["reason"]
    for key in reasons[reasons == ""].index:
        if key not in served:
            reasons[key] = why.get(key, "no_way")
    return reasons


def _text(reason: str, feature: Any, pipe: Pipe) -> str:
    size = _size(feature)

    def told(name: str) -> bool:
        return bool(pd.notna(feature.get(name)))

    texts = {
        "wrong_network": _("属于{other},不是本专业的管网"),
        "no_length": _("图上没有长度,不能接入"),
        "wrong_kind": _("类型为 {kind},不能接入"),
        "unknown_status": _("使用状态未知,须先核实"),
        "not_in_service": _("未在用({status})"),
        "other_operator": _("权属单位为 {owner},不是用户选择的运营商")
        if told("owner")
        else _("权属单位未知,须为用户选择的运营商"),
        "some_operators": _("权属单位为 {owner},不通 {others};另有各家都通的接入点"),
        "too_small": _("管径 {size},小于需要的 DN{nominal:g}")
        if size
        else _("管径未知,须不小于 DN{nominal:g}"),
        "needs_station": _("次高压或更高压力的管道({pressure} MPa),须经调压站才能接入"),
        "wrong_pressure": _("压力 {pressure} MPa,与需要的压力级别不同")
        if told("pressure_mpa")
        else _("压力未知,须与需要的压力级别相同"),
        "wrong_voltage": _("电压 {voltage} kV,与需要的 {volts:g} kV 不同")
        if told("voltage_kv")
        else _("电压未知,须为 {volts:g} kV"),
        "too_little_capacity": _("额定容量 {capacity} kVA,小于需要的 {load:.0f} kVA")
        if told("capacity_kva")
        else _("额定容量未知,须不小于 {load:.0f} kVA"),
        "no_spare_bay": _("备用间隔 {bays},没有空余")
        if told("spare_bays")
        else _("备用间隔未知,须有空余"),
        "too_few_holes": _("空孔 {holes},少于需要的 {wanted} 孔")
        if told("free_holes")
        else _("空孔数未知,须不少于 {wanted} 孔"),
        "blocked": _("到达它的直线被建筑、他人用地、水体或铁路挡住"),
        "oblique": _("到达它须斜穿车行道,夹角小于下限"),
        "off_street": _("到达它须离开道路,穿过道路之间或弯道内侧的空地"),
        "no_way": _("接入距离以内没有走廊通到"),
    }
    return texts[reason].format(
        other=load_utilities()[feature["utility"]].zh,
        kind=_said(feature, "subtype") if "subtype" in feature else _said(feature, "kind"),
        status=_said(feature, "status"),
        owner=_said(feature, "owner"),
        others=_("、").join(unserved(feature.get("owner"), pipe.operators)),
        size=size,
        nominal=pipe.nominal_mm or 0.0,
        pressure=_said(feature, "pressure_mpa"),
        voltage=_said(feature, "voltage_kv"),
        volts=pipe.voltage_kv or 0.0,
        capacity=_said(feature, "capacity_kva"),
        load=apparent_kva(pipe.load_kw or 0.0),
        bays=_said(feature, "spare_bays"),
        holes=_said(feature, "free_holes"),
        wanted=pipe.duct_holes or 1,
    )


def _size(feature: Any) -> str:
    """The size of a main as its record tells it, '' where it says none."""
    nominal, outer, *section = (feature.get(name) for name in SIZES[:-1])
    if pd.notna(nominal):
        return f"{nominal:g}"
    if pd.notna(outer):
        return f"De{outer:g}"
    return "" if any(map(pd.isna, section)) else "×".join(f"{one:g}" for one in section)


def _said(feature: Any, name: str) -> str:
    """A value of a feature as text, 未知 where it says none."""
    value = feature.get(name)
    if value is None or pd.isna(value):
        return _("未知")
    return f"{value:g}" if isinstance(value, float) else str(value)

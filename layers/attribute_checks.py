"""What values of one thing, or of things that meet, say against each other.

All are warnings or notes: one of two values is wrong, and only a look on site tells which. A value
that is unknown contradicts nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from language import gettext as _
from layers.edits import holds, now_of, said
from layers.networks import SAME_M, network_of
from layers.problems import Problem
from layers.survey import Survey
from layers.utilities import RULES, load_utilities

if TYPE_CHECKING:
    from layers.checks import Rows

# The rule that a cell breaks which says otherwise than what was answered of it.
CONTRADICTED = "against_answer"
GRAVITY = ("sewage", "storm")
# Levels of two surveys of one point differ by this much without either being wrong.
LEVEL_M = 0.05
# Cover is one number for a line whose ground is uneven between its ends, and is read off to a
# decimetre; levels contradict it only beyond this.
COVER_M = 0.5
# Layer, field of a day on which something was there already.
_PAST = (("roads", "opened_on"), ("roads", "overhauled_on"), ("lines", "built_on"))
# Words of cjj61_dictionaries.csv for groups of utilities.
_GROUPS: Mapping[str, tuple[str, ...]] = {"排水": ("sewage", "storm")}


def attribute_problems(rows: Rows, survey: Survey, today: str) -> Iterator[Problem]:
    """Yield contradictions between values; ``today`` (ISO) is the last day of what exists."""
    yield from in_future(rows, today)
    yield from _against_answers(rows, survey)
    if rows.definition.name == "roads":
        yield from _planned_before_built(rows)
    if rows.definition.name == "nodes":
        yield from _above_ground(rows)
    if rows.definition.name == "lines" and len(rows.table):
        yield from _falls(rows)
        yield from _along_flow(rows)
        yield from _at_wells(rows, survey.get("nodes"))
        yield from _classes(rows)
        yield from _materials(rows)


def in_future(rows: Rows, today: str) -> Iterator[Problem]:
    """Yield days after ``today`` on which something is said to have been there already."""
    for layer, field in _PAST:
        if layer != rows.definition.name:
            continue
        when = rows.table[field]
        is_day = when.notna() & ~when.isin(rows.definition.field(field).allowed)
        late = is_day & (when.fillna("") > today)
        if "status" in rows.table:
            late &= rows.table["status"] != "planned"
        for position in np.flatnonzero(late).tolist():
            yield rows.problem(
                position,
                field,
                _("{}晚于今天({})").format(rows.definition.field(field).label, today),
                _("请核对日期;尚未建成的请改为规划"),
                value=when.iloc[position],
                rule_id="date_in_future",
            )


def _against_answers(rows: Rows, survey: Survey) -> Iterator[Problem]:
    """Cells that say otherwise than what was last answered of them: a file took their place."""
    last = {
        (one.feature_id, one.field): one
        for one in survey.edits
        if one.layer == rows.definition.name
    }
    last = {cell: one for cell, one in last.items() if one.new}  # the others were taken back
    if not last:
        return
    table = rows.table.set_index(rows.definition.id_field)
    for edit in last.values():
        if holds(edit, table) is False and (now := now_of(edit, table)) is not None:
            yield rows.problem(
                int(table.index.get_indexer_for([edit.feature_id])[0]),
                edit.field,
                _("与核实结果 {} 不符").format(said(edit)),
                _("请核对;核实结果仍成立的,用 answer --replace 重新填写"),
                value=now,
                rule_id=CONTRADICTED,
            )


def _planned_before_built(rows: Rows) -> Iterator[Problem]:
    opened, planned = rows.table["opened_on"], rows.table["planned_works_on"]
    both = opened.notna() & planned.notna()
    for position in np.flatnonzero(both & (planned.fillna("") < opened.fillna(""))).tolist():
        yield rows.problem(
            position,
            "planned_works_on",
            _("计划施工日期早于通车日期 {}").format(opened.iloc[position]),
            _("请核对两个日期"),
            value=planned.iloc[position],
            rule_id="planned_before_built",
        )


def _above_ground(rows: Rows) -> Iterator[Problem]:
    ground, invert = (_numbers(rows.table, name) for name in ("ground_level_m", "invert_level_m"))
    for position in np.flatnonzero(invert > ground).tolist():
        yield rows.problem(
            position,
            "invert_level_m",
            _("井底高程高于地面高程 {:g}").format(ground[position]),
            _("请核对两个高程"),
            value=invert[position],
            rule_id="invert_above_ground",
        )


def _falls(rows: Rows) -> Iterator[Problem]:
    drop = _drop(rows.table)
    gravity = rows.table["utility"].isin(GRAVITY).to_numpy()
    for position in np.flatnonzero(gravity & (drop <= 0)).tolist():
        start, end = rows.table[["start_invert_m", "end_invert_m"]].iloc[position]
        rises = bool(drop[position] < 0)
        yield rows.problem(
            position,
            "end_invert_m",
            _("终点管底 {:g} 高于起点 {:g},与起点至终点的流向相反").format(end, start)
            if rises
            else _("起点、终点管底高程相同,没有坡度"),
            _("请核对高程和流向(起点为上游)"),
            value=end,
            rule_id="invert_up_slope" if rises else "no_fall",
        )


def _drop(table: pd.DataFrame) -> NDArray[np.float64]:
    return _numbers(table, "start_invert_m") - _numbers(table, "end_invert_m")


def _along_flow(rows: Rows) -> Iterator[Problem]:
    """Pairs of gravity pipes of which one surely drains into the other and nowhere else.

    Water runs to the lower invert, however a line was drawn; without both inverts nobody knows.
    """
    table = rows.table
    drop = _drop(table)
    network = network_of(table.set_index(rows.definition.id_field), None)
    usable = ~shapely.is_missing(network.shapes) & table["utility"].isin(GRAVITY).to_numpy()
    known = np.flatnonzero(usable & np.isfinite(drop) & (drop != 0))
    forward = drop[known] > 0
    start, end = (shapely.get_point(network.shapes[known], at) for at in (0, -1))
    top, bottom = np.where(forward, start, end), np.where(forward, end, start)
    inverts = table[["start_invert_m", "end_invert_m"]].to_numpy(float)[known]
    leaves, enters = inverts.min(axis=1), inverts.max(axis=1)
    up, down = shapely.STRtree(top).query(bottom, predicate="dwithin", distance=SAME_M)
    same = (network.utility[known[up]] == network.utility[known[down]]) & (up != down)
    up, down = up[same], down[same]
    outlets = pd.Series(up).groupby(up).transform("size").to_numpy()
    diameter = _numbers(table, "diameter_mm")[known]
    for at in np.flatnonzero(outlets == 1).tolist():
        above, below = up[at], down[at]
        place = top[below]
        told = {"key": network.ids[known[above]], "at": (place.x, place.y)}
        if diameter[below] < diameter[above]:
            yield rows.problem(
                int(known[below]),
                "diameter_mm",
                _("管径小于流入它的 {}(DN{:g})").format(told["key"], diameter[above]),
                _("请核对两段的管径和流向"),
                value=diameter[below],
                rule_id="narrower_downstream",
                **told,
            )
        if enters[below] > leaves[above] + LEVEL_M:
            yield rows.problem(
                int(known[below]),
                "start_invert_m" if forward[below] else "end_invert_m",
                _("上游 {} 流入处管底 {:g},低于本段的 {:g}").format(
                    told["key"], leaves[above], enters[below]
                ),
                _("请核对两段在此处的管底高程"),
                value=enters[below],
                rule_id="step_up",
                **told,
            )


def _at_wells(rows: Rows, nodes: gpd.GeoDataFrame | None) -> Iterator[Problem]:
    """Wells against the cover and levels of the pipes that end in them."""
    if nodes is None:
        return
    table = rows.table
    network = network_of(table.set_index(rows.definition.id_field), nodes)
    count = len(table)
    end, other, _away = network.meetings
    node = other - count
    well = (node >= 0) & np.isin(network.utility[end % count].astype(str), GRAVITY)
    end, node = end[well], node[well]
    line = end % count
    ground = nodes["ground_level_m"].to_numpy(float)
    depth = ground - nodes["invert_level_m"].to_numpy(float)
    cover = _numbers(table, "depth_m")
    height = _numbers(table, "diameter_mm") / 1000
    shallow = depth[node] + COVER_M < cover[line] + height[line]
    for at in np.flatnonzero(shallow).tolist():
        place = network.points[node[at]]
        yield rows.problem(
            int(line[at]),
            "depth_m",
            _("井 {} 深 {:.2f} 米,浅于管底埋深 {:.2f} 米").format(
                network.point_ids[node[at]],
                depth[node[at]],
                cover[line[at]] + height[line[at]],
            ),
            _("请核对井底高程和管顶覆土"),
            value=cover[line[at]],
            rule_id="manhole_too_shallow",
            key=network.point_ids[node[at]],
            at=(place.x, place.y),
        )
    invert = np.concatenate([_numbers(table, n) for n in ("start_invert_m", "end_invert_m")])
    implied = pd.Series(ground[node] - invert[end] - height[line]).groupby(end).mean()
    at_end = pd.Series(np.nan, range(2 * count)).combine_first(implied)
    at_end.update(implied)
    both = at_end.to_numpy().reshape(2, count)
    low, high = both.min(axis=0) - COVER_M, both.max(axis=0) + COVER_M
    for position in np.flatnonzero((cover < low) | (cover > high)).tolist():
        yield rows.problem(
            position,
            "depth_m",
            _("按两端地面和管底高程,覆土应在 {:.2f} 至 {:.2f} 米之间").format(
                both[:, position].min(), both[:, position].max()
            ),
            _("请核对覆土、地面高程和管底高程"),
            value=cover[position],
            rule_id="cover_against_levels",
        )


def _classes(rows: Rows) -> Iterator[Problem]:
    """Pressures beyond every class of ``rules/utilities.toml``; voltages against the subtype."""
    utilities = load_utilities()
    pressure = _numbers(rows.table, "pressure_mpa")
    utility = rows.table["utility"].to_numpy(object)
    for name, one in utilities.items():
        classes = one.keys["horizontal"]
        if not any(test[0] == "pressure_mpa" for row in classes for test in row.tests):
            continue
        for position in np.flatnonzero((utility == name) & np.isfinite(pressure)).tolist():
            if not one.keys_for("horizontal", {"pressure_mpa": pressure[position]}):
                yield rows.problem(
                    position,
                    "pressure_mpa",
                    _("压力不在{}的任何压力级别内").format(one.label),
                    _("请核对数值和单位(MPa)"),
                    value=pressure[position],
                    rule_id="pressure_unclassed",
                )
    yield from _voltages(rows)


def _voltages(rows: Rows) -> Iterator[Problem]:
    """Voltages outside of the class that the subtype names (``voltage_classes.csv``)."""
    voltage = _numbers(rows.table, "voltage_kv")
    power = (rows.table["utility"] == "power").to_numpy(bool)
    for subtype, (least, most) in _voltage_classes().items():
        own = power & (rows.table["subtype"] == subtype).to_numpy(bool)
        for position in np.flatnonzero(own & ((voltage < least) | (voltage > most))).tolist():
            yield rows.problem(
                position,
                "voltage_kv",
                _("电压与子类 {} 不符").format(subtype),
                _("请核对电压(kV)和子类"),
                value=voltage[position],
                rule_id="voltage_against_subtype",
            )


@cache
def _voltage_classes() -> Mapping[str, tuple[float, float]]:
    with (Path(__file__).parent / "voltage_classes.csv").open(encoding="utf-8", newline="") as text:
        return {
            row["subtype"]: (float(row["at_least_kv"]), float(row["at_most_kv"]))
            for row in csv.DictReader(text)
        }


@cache
def _materials_by_name() -> Mapping[str, frozenset[str]]:
    """Utilities of each material code and name, of CJJ 61-2017 appendix C.0.1."""
    file = RULES / "standards" / "cjj61_dictionaries.csv"
    zh = {one.zh: (key,) for key, one in load_utilities().items()} | dict(_GROUPS)
    found: dict[str, frozenset[str]] = {}
    with file.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            applies = row["applies_or_meaning"]
            if row["table"] == "material" and not applies.startswith("除"):
                keys = frozenset(k for word in applies.split("、") for k in zh.get(word, ()))
                found |= {row["code"]: keys, row["name_zh"]: keys}
    return found


def _materials(rows: Rows) -> Iterator[Problem]:
    """Materials that CJJ 61 names for other utilities only; what it does not name may be right."""
    allowed = _materials_by_name()
    named = rows.table["material"].isin(list(allowed)).to_numpy()
    for position in np.flatnonzero(named).tolist():
        material, utility = rows.table[["material", "utility"]].iloc[position]
        if utility not in allowed[material]:
            yield rows.problem(
                position,
                "material",
                _("CJJ 61-2017 附录 C.0.1 未将此材质列于{}").format(
                    load_utilities()[utility].label if utility in load_utilities() else utility
                ),
                _("请核对材质和专业"),
                value=material,
                rule_id="material_implausible",
            )


def _numbers(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return table[name].to_numpy(float)

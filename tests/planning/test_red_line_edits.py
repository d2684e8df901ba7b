"""Edits of parcels that share red lines, with gates on them, equal a whole build."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Application
from planning.groundwork import Groundwork, prepare
from planning.local_edits import edited
from tests.planning.edits import told, with_layers, without
from tests.planning.whole_builds import assert_equal
from tests.towns import ORIGIN, application, main, node, parcel, policy, street, town

pytestmark = pytest.mark.slow_first

PLOTS, WIDE, DEEP = 44, 36.0, 40.0
FRONT = {"n": (12.0, 12.0 + DEEP), "s": (-12.0 - DEEP, -12.0)}


def _at(plot: int) -> float:
    """Where a plot begins along the street."""
    return 60.0 + WIDE * plot


@cache
def terrace() -> Survey:
    """A street of 1.7 km, on both sides plot beside plot with common red lines."""
    length = _at(PLOTS) + 60.0
    roads = {"R": street((0, 0), (length, 0), red_line_width_m=20.0)}
    roads |= {f"S-{k}": street((290 * k + 30, -90), (290 * k + 30, 90)) for k in range(6)}
    plots = {
        f"P-{k}{side}": parcel(_at(k), low, _at(k + 1), high)
        for k in range(PLOTS)
        for side, (low, high) in FRONT.items()
    }
    mains = {f"W-{k}": main((200 * k, 8.0), (200 * k + 200, 8.0)) for k in range(8)}
    units = {
        f"N-{k}": node(
            220 * k + 90, -8.0, utility="power", kind="ring_main_unit", spare_bays=1.0,
            voltage_kv=10.0,
        )
        for k in range(7)
    }  # fmt: skip
    area = box(-500, -500, length + 500, 500)
    return town(
        roads=roads, parcels=plots, lines=mains, nodes=units,
        service_areas={"A-u": {"kind": "urban_area", "geometry": area}},
    )  # fmt: skip


def _gate(name: str, plot: int, side: str, share: float) -> Application:
    """An application with its gate on the front red line; at share 0 or 1 on a common corner."""
    low, high = FRONT[side]
    front = low if side == "n" else high
    at = (_at(plot) + share * WIDE, front)
    return application(f"P-{plot}{side}", application_id=name, gate=at)


def _ready(survey: Survey, cases: list[Application]) -> Groundwork:
    work = prepare(survey, policy(), cases)
    for utility in load_utilities():
        work.tie_ins(utility)
    return work


@cache
def _gated() -> tuple[Groundwork, list[Application]]:
    """The terrace with gates on common corners, in the middle of a front, and none elsewhere."""
    cases = [_gate("A", 10, "n", 1.0), _gate("B", 20, "s", 0.0), _gate("C", 30, "n", 0.5)]
    return _ready(terrace(), cases), cases


def _redrawn(survey: Survey, **plots: tuple[float, float, float, float]) -> Survey:
    table = survey.tables["parcels"]
    shapes = np.asarray(table.geometry.array).copy()
    for name, bounds in plots.items():
        row = table.index.get_loc(name.replace("_", "-"))
        low = np.tile(ORIGIN, 2) + np.array(bounds)
        shapes[row] = box(*low)
    return with_layers(survey, parcels=table.set_geometry(shapes, crs=table.crs))


@st.composite
def _edits(draw: st.DrawFn) -> tuple[Survey, list[Application]]:
    """A common red line moved, a plot gone, joined, drawn in, or a gate moved along its front."""
    cases = list(_gated()[1])
    plot, side = draw(st.sampled_from([9, 10, 11, 19, 20, 29, 30, 31])), draw(st.sampled_from("ns"))
    low, high = FRONT[side]
    by = draw(st.sampled_from([-14.0, -3.0, 0.6, 5.0, 11.0]))
    start, middle, end = _at(plot), _at(plot + 1), _at(plot + 2)
    one, two = f"P_{plot}{side}", f"P_{plot + 1}{side}"
    kind = draw(st.sampled_from(["common", "gone", "joined", "shorter", "gate", "no gate"]))
    gated = {case.parcel_id for case in cases}
    if kind == "gate":
        name, at, beside = draw(st.sampled_from([("A", 10, "n"), ("B", 20, "s"), ("C", 30, "n")]))
        share = draw(st.sampled_from([0.0, 0.2, 0.7, 1.0]))
        others = [case for case in cases if case.application_id != name]
        return terrace(), [*others, _gate(name, at, beside, share)]
    if kind == "no gate":
        return terrace(), draw(st.sampled_from([cases[1:], cases[:2], []]))
    if kind == "gone":
        cases = [case for case in cases if case.parcel_id != f"P-{plot}{side}"]
        row = terrace().tables["parcels"].index.get_loc(f"P-{plot}{side}")
        return without(terrace(), "parcels", row), cases
    if {f"P-{plot}{side}", f"P-{plot + 1}{side}"} & gated:
        by = abs(by)  # a gate stays on the red line of its own plot
        cases = [case for case in cases if case.parcel_id != f"P-{plot + 1}{side}"]
    if kind == "joined":
        survey = _redrawn(terrace(), **{one: (start, low, end, high)})
        row = survey.tables["parcels"].index.get_loc(two.replace("_", "-"))
        return without(survey, "parcels", row), cases
    if kind == "shorter":
        back = (start, low, middle, high - 15) if side == "n" else (start, low + 15, middle, high)
        return _redrawn(terrace(), **{one: back}), cases
    both = {one: (start, low, middle + by, high), two: (middle + by, low, end, high)}
    return _redrawn(terrace(), **both), cases


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(_edits())
def test_an_edit_of_common_red_lines_gives_what_a_whole_build_gives(
    change: tuple[Survey, list[Application]],
) -> None:
    survey, cases = change
    edit = edited(_gated()[0], survey, cases)
    assert edit.is_local, edit.why_whole
    assert_equal(edit.work, _ready(survey, cases))


def _edge_count_at(work: Groundwork, case: Application) -> int:
    return int(np.isin(work.corridors.graph.ends, work.site(case).end_nodes).any(axis=1).sum())


def test_a_gate_on_a_common_corner_is_joined_though_the_other_plot_goes() -> None:
    work, cases = _gated()
    row = terrace().tables["parcels"].index.get_loc("P-11n")
    edit = edited(work, without(terrace(), "parcels", row), cases)
    assert edit.is_local
    assert _edge_count_at(edit.work, cases[0]) > 0
    assert_equal(edit.work, _ready(edit.work.survey, cases))


def test_a_road_that_is_told_otherwise_leaves_lines_of_red_lines_where_they_were() -> None:
    work, cases = _gated()
    edit = edited(work, told(terrace(), "roads", 3, opened_on="2026-01-01"), cases)
    assert edit.is_local
    before, after = work.corridors.sites, edit.work.corridors.sites
    assert sorted(map(tuple, before[["parcel_id", "application_id"]].to_numpy())) == sorted(
        map(tuple, after[["parcel_id", "application_id"]].to_numpy())
    )
    assert_equal(edit.work, _ready(edit.work.survey, cases))


def test_bores_after_an_edit_are_those_of_a_whole_build() -> None:
    work, cases = _gated()
    assert len(work.ground.bores.edge) > 0
    survey = _redrawn(terrace(), P_20s=(_at(20), -12.0 - DEEP, _at(21), -9.0))
    after, whole = edited(work, survey, cases).work, _ready(survey, cases)
    assert _bored(after) == _bored(whole) != _bored(work)


def _bored(work: Groundwork) -> list[Any]:
    """Ends of bores with areas of their pits, to the centimetre, in the order of the map."""
    bores = work.ground.bores
    return sorted(
        (*sorted((round(x, 2), round(y, 2)) for x, y in line.coords), round(float(paved), 2))
        for line, paved in zip(bores.lines, bores.paved_m2, strict=True)
    )

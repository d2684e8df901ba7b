"""Groundwork: prepared once, searched by pipe and objective, sites with and without a gate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from gis.crs import CrsError
from layers.survey import Survey
from planning.application import parse_application
from planning.groundwork import SiteError, red_line_of
from planning.quantities import SURFACES
from planning.standards import Pipe
from tests import towns
from tests.towns import application, ground, main, town

WATER = Pipe("water", nominal_mm=200.0, laying="direct", material="PE")
SURVEY = town(
    lines={"W-1": main((0, 8), (300, 8)), "W-2": main((0, -8), (300, -8), diameter_mm=100)}
)


def test_searches_and_tie_ins_are_made_once() -> None:
    work = ground(SURVEY)
    assert work.search(WATER, "cheapest") is work.search(WATER, "cheapest")
    assert work.search(WATER, "cheapest") is not work.search(WATER, "shortest")
    assert work.tie_ins("water") is work.tie_ins("water")


def test_weights_are_metres_or_yuan_and_infinite_where_the_size_does_not_fit() -> None:
    work = ground(SURVEY)
    graph, tie_ins = work.corridors.graph, work.tie_ins("water")
    shortest, cheapest = work.search(WATER, "shortest"), work.search(WATER, "cheapest")
    assert shortest.edge_weights == pytest.approx(graph.length_m, rel=2e-7)
    rates = work.rates(WATER).yuan_m
    yuan = work.edge_surfaces_m @ np.array([rates[surface] for surface in SURFACES])
    assert cheapest.edge_weights == pytest.approx(yuan, rel=2e-7)
    every = np.asarray(cheapest.edge_weights)
    chosen = np.arange(len(every)) % 3 == 1
    for asked in (chosen, np.flatnonzero(chosen), [2, 0], 1):
        assert (cheapest.edge_weights[asked] == every[asked]).all()
    small = np.array([key == "W-2" for key in tie_ins.feature_ids])
    assert small.any()
    assert np.isinf(shortest.tie_in_weights[small]).all()
    assert np.isfinite(shortest.tie_in_weights[~small]).all()


def test_digging_in_a_carriageway_costs_the_open_crossing_on_top() -> None:
    work = ground(SURVEY)
    extra = dict(zip(SURFACES, work.crossing_yuan_m.tolist(), strict=True))
    assert extra["footway"] == extra["verge"] == 0
    assert extra["asphalt"] == work.prices.open_crossing_yuan(1.0) > 0


def test_a_site_without_a_gate_ends_anywhere_on_the_red_line() -> None:
    site = ground(SURVEY).site(application())
    assert len(site.end_nodes) == 3
    assert site.gap_m == pytest.approx(5.25)
    assert site.key == "application:APP-1"


def test_a_site_with_a_gate_ends_there_even_if_the_gate_lies_a_little_off_the_red_line() -> None:
    case = application(gate=(120, 11.5))  # half a metre in front of the red line y = 12
    work = ground(SURVEY, case)
    site = work.site(case)
    places = towns.xy(
        shapely.LineString(np.repeat(work.corridors.graph.node_xy[site.end_nodes], 2, 0))
    )
    assert set(places) == {(120.0, 12.0)}


def test_groundwork_knows_the_gates_that_it_was_prepared_with() -> None:
    with_gate, moved = application(gate=(120, 12)), application(gate=(121, 12))
    work = ground(SURVEY, with_gate)
    assert work.knows(with_gate)
    assert work.knows(application())
    assert not work.knows(moved)
    assert not ground(SURVEY).knows(with_gate)


def test_a_survey_in_degrees_cannot_be_made() -> None:
    tables = {name: rows.to_crs("EPSG:4490") for name, rows in SURVEY.tables.items()}
    with pytest.raises(CrsError, match="是经纬度,不能量算长度和面积"):
        Survey(tables["roads"].crs, tables, towns.COUNTY)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"gate": [114.87, 31.64]}, "字段 gate"),
        ({"demands": {"water": {"handover": {"xy": [114.87, 31.64]}}}}, "handover.xy"),
    ],
)
def test_places_given_in_degrees_are_said_to_be(changes: dict[str, Any], field: str) -> None:
    document = {"application_id": "APP-1", "parcel_id": "P-1", "dig_date": "2026-11-22"}
    case = parse_application({**document, "demands": {"water": {}}, **changes})
    with pytest.raises(SiteError) as refused:
        red_line_of(SURVEY, case)
    assert field in str(refused.value)
    assert "坐标像是经纬度(度):请换算成图层的坐标系 EPSG:4547(米)" in str(refused.value)
    far = application(gate=(120, 30))
    with pytest.raises(SiteError) as refused:
        red_line_of(SURVEY, far)
    assert "经纬度" not in str(refused.value)

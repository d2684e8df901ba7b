"""Measures: each clause's own figure, unknown stays unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planning.application import Demand
from planning.measures import MEASURES, Figures, measure_all
from planning.policies import load_policy
from planning.standards import Pipe
from tests import towns

PIPE = {
    "nominal_mm": 300.0,
    "duct_holes": 2,
    "duct_outer_diameter_mm": 110.0,
    "pressure_mpa": 0.2,
    "voltage_kv": 10.0,
}


def figures(
    utility: str, *, feeds: int = 1, pipe: Mapping[str, None] | None = None, **changes: float
) -> Figures:
    values = {
        "length_m": 200.0,
        "kerb_m": 24.0,
        "red_line_m": 50.0,
        "longest_kerb_m": 14.0,
        "green_m2": 180.0,
        "trees": 0.0,
        **changes,
    }
    demand = Demand(Pipe(utility, **{**PIPE, **(pipe or {})}), feeds)
    return Figures(demand, **{name: np.array([value]) for name, value in values.items()})


def measured(utility: str, **changes: Any) -> dict[str, float | None]:
    found = measure_all(utility, figures(utility, **changes))
    return {name: None if np.isnan(v[0]) else float(v[0]) for name, v in found.items()}


def test_water_is_measured_by_size_pipe_length_and_green() -> None:
    assert measured("water") == {
        "max_dn_mm": 300,
        "pipe_length_m": 200,
        "pipe_length_route_once_m": 200,
        "green_affected_m2": 180,
        "green_affected_sum_m2": 180,
        "green_affected_each_m2": 180,
    }


def test_gas_is_measured_by_construction_length() -> None:
    assert measured("gas") == {
        "construction_length_m": 200,
        "construction_all_pipe_m": 200,
        "green_affected_m2": 180,  # no limit of the clause, but the warning beside it
    }


def test_power_has_three_readings_of_its_crossing() -> None:
    assert measured("power") == {
        "line_length_m": 200,
        "crossing_red_line_m": 50,
        "crossing_kerb_m": 24,
        "crossing_longest_kerb_m": 14,
    }


def test_telecom_is_measured_by_its_bank_length_and_green() -> None:
    assert measured("telecom") == {
        "green_temporary_m2": 180,
        "duct_outer_diameter_mm": 110,
        "duct_holes": 2,
        "pipe_length_m": 200,
        "pipe_length_new_duct_m": 200,
    }


@pytest.mark.parametrize(("utility", "decides"), [("gas", "pressure_mpa"), ("power", "voltage_kv")])
def test_without_pressure_or_voltage_the_way_to_the_main_is_unknown(
    utility: str, decides: str
) -> None:
    assert set(measured(utility, pipe={decides: None}).values()) == {None}


def test_drainage_has_no_measure() -> None:
    assert measured("sewage") == measured("storm") == {}


def test_unknown_figures_give_unknown_measures() -> None:
    assert measured("power", red_line_m=np.nan)["crossing_red_line_m"] is None
    assert measured("power", red_line_m=np.nan)["crossing_kerb_m"] == 24
    assert measured("water", green_m2=np.nan)["green_affected_m2"] is None


def test_occupied_and_felled_green_are_told_apart_only_without_trees() -> None:
    for trees in (1.0, np.nan):
        found = measured("water", trees=trees)
        assert found["green_affected_m2"] == 180
        assert found["green_affected_sum_m2"] is None
        assert found["green_affected_each_m2"] is None


@pytest.mark.parametrize("utility", ["water", "gas", "power", "telecom"])
def test_of_two_feeds_only_sizes_are_known(utility: str) -> None:
    sizes = {"max_dn_mm", "duct_outer_diameter_mm", "duct_holes"}
    found = measured(utility, feeds=2)
    assert {name for name, value in found.items() if value is not None} == sizes & set(found)


def test_every_measure_is_an_input_of_the_policy() -> None:
    inputs = load_policy(towns.COUNTY).inputs
    assert {name for group in MEASURES.values() for name in group} <= set(inputs)


def test_existing_ducts_count_only_where_the_whole_line_does() -> None:
    one = replace(figures("telecom"), reused_m=np.array([150.0]))
    found = {name: float(value[0]) for name, value in measure_all("telecom", one).items()}
    assert (found["pipe_length_m"], found["pipe_length_new_duct_m"]) == (200, 50)


def test_two_feeds_add_but_ground_that_both_lie_in_counts_once() -> None:
    def both(utility: str, shared_m: float) -> dict[str, float]:
        two = replace(figures(utility, feeds=2), feeds=2, shared_m=shared_m)
        return {name: float(value[0]) for name, value in measure_all(utility, two).items()}

    assert both("water", 30)["pipe_length_m"] == 200
    assert both("water", 30)["pipe_length_route_once_m"] == 170
    assert both("gas", 30)["construction_length_m"] == 170
    assert both("gas", 30)["construction_all_pipe_m"] == 200
    assert both("power", 30)["line_length_m"] == 170
    assert both("power", 30)["crossing_red_line_m"] == 50  # as it is summed, never once
    assert both("telecom", 30)["pipe_length_m"] == 170
    # A bank beside the other is one cross-section of both; apart each has its own.
    assert (both("telecom", 30)["duct_holes"], both("telecom", 0)["duct_holes"]) == (4, 2)

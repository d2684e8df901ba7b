"""Whether layers cover the county: asked once for each part, never of what is not known."""

from __future__ import annotations

from typing import Any

from shapely import affinity
from shapely.geometry import box

from layers.checks import check_layers
from layers.problems import Problem
from tests.towns import main, parcel, street, town

_RULES = {"outside_service_area", "nothing_near", "layer_elsewhere"}


def told(absent: tuple[str, ...] = (), **layers: Any) -> list[Problem]:
    survey = town(absent=absent, **{"roads": {}, **layers})
    found = (one for _layer, some in check_layers(survey) for one in some)
    return [one for one in found if one.rule_id in _RULES]


def row_of(count: int, west: float, south: float, name: str) -> dict[str, Any]:
    return {
        f"{name}-{n}": parcel(west + 50 * n, south, west + 50 * n + 40, south + 40)
        for n in range(count)
    }


AREA = {"A-1": {"kind": "network", "utility": "gas", "geometry": box(-10, -10, 300, 100)}}


def test_parcels_outside_the_area_of_a_utility_are_told_together() -> None:
    parcels = {**row_of(5, 0, 0, "P"), **row_of(3, 0, 500, "Q")}
    (one,) = told(parcels=parcels, service_areas=AREA)
    assert (one.rule_id, one.severity, one.feature_id) == ("outside_service_area", "note", None)
    assert "3 个对象在燃气供应范围之外:Q-0、Q-1、Q-2" in one.rule
    assert told(parcels=row_of(5, 0, 0, "P"), service_areas=AREA) == []


def test_without_service_areas_nothing_lies_outside_of_them() -> None:
    parcels = row_of(5, 0, 0, "P")
    assert told(parcels=parcels, service_areas={}) == []
    assert told(absent=("service_areas",), parcels=parcels) == []


def test_a_part_of_the_town_without_a_utility_is_one_question() -> None:
    gas = {"G-1": main((0, -5), (300, -5), utility="gas")}
    parcels = {**row_of(6, 0, 0, "P"), **row_of(6, 0, 1000, "Q")}
    (one,) = told(parcels=parcels, lines=gas, service_areas={})
    assert (one.rule_id, one.severity) == ("nothing_near", "note")
    assert "6 块宗地周围 300 米内没有燃气管线" in one.rule
    assert one.extent is not None
    west, south, east, north = one.extent
    assert (east - west, north - south) == (290.0, 40.0)


def test_near_parcels_single_ones_and_unsurveyed_utilities_are_no_question() -> None:
    gas = {"G-1": main((0, -5), (300, -5), utility="gas")}
    near = {**row_of(6, 0, 0, "P"), **row_of(6, 0, 290, "Q")}
    assert told(parcels=near, lines=gas, service_areas={}) == []
    alone = {**row_of(6, 0, 0, "P"), **row_of(1, 0, 1000, "Q")}
    assert told(parcels=alone, lines=gas, service_areas={}) == []
    assert told(parcels=row_of(6, 0, 1000, "Q"), lines={}, service_areas={}) == []


def test_a_layer_far_from_the_others_is_suspected_of_another_system() -> None:
    parcels, roads = row_of(6, 0, 0, "P"), {"R-1": street((0, -9), (300, -9))}
    buildings = {"B-1": {"geometry": affinity.translate(box(0, 0, 9, 9), 500_000, 0)}}
    (one,) = told(parcels=parcels, roads=roads, buildings=buildings, service_areas={})
    assert (one.rule_id, one.layer) == ("layer_elsewhere", "buildings")
    buildings = {"B-1": {"geometry": box(0, 0, 9, 9)}}
    assert told(parcels=parcels, roads=roads, buildings=buildings, service_areas={}) == []

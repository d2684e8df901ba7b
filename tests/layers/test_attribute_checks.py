"""Values that contradict each other, each with the case beside it that does not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from layers.checks import check_layers
from layers.problems import Problem
from tests.towns import main, node, street, town

TODAY = date(2026, 11, 22)
_NETWORK = {"sources_unknown", "network_pieces", "dangle", "crossing_without_node"}


def told(**layers: Any) -> list[Problem]:
    layers = {"parcels": {}, "roads": {}, **layers}
    found = (one for _layer, some in check_layers(town(**layers), today=TODAY) for one in some)
    return [one for one in found if one.rule_id not in _NETWORK]


def brief(problems: list[Problem]) -> list[tuple[str, str | None, str]]:
    return [(one.rule_id, one.feature_id, one.key) for one in problems]


def sewer(*points: tuple[float, float], **values: Any) -> dict[str, Any]:
    return main(*points, **{"utility": "sewage", "subtype": "main", **values})


@pytest.mark.parametrize(
    ("start", "end", "rules"),
    [
        (10.0, 9.7, []), (9.7, 10.0, ["invert_up_slope"]), (10.0, 10.0, ["no_fall"]),
        (None, 10.0, []), (10.0, None, []),
    ],
)  # fmt: skip
def test_a_gravity_pipe_falls_from_its_start(start: Any, end: Any, rules: list[str]) -> None:
    lines = {"S-1": sewer((0, 0), (50, 0), start_invert_m=start, end_invert_m=end)}
    assert [one.rule_id for one in told(lines=lines)] == rules
    lines["S-1"] |= {"utility": "water", "subtype": "distribution"}
    assert told(lines=lines) == []


def pair(**below: Any) -> dict[str, Any]:
    above = sewer((0, 0), (50, 0), diameter_mm=400.0, start_invert_m=10.0, end_invert_m=9.8)
    values = {"diameter_mm": 400.0, "start_invert_m": 9.8, "end_invert_m": 9.6, **below}
    return {"S-1": above, "S-2": sewer((50, 0), (99, 0), **values)}


def test_a_narrower_pipe_downstream_is_told_and_a_wider_one_is_not() -> None:
    assert told(lines=pair()) == []
    assert told(lines=pair(diameter_mm=500.0)) == []
    assert told(lines=pair(diameter_mm=None)) == []
    (one,) = told(lines=pair(diameter_mm=300.0))
    assert brief([one]) == [("narrower_downstream", "S-2", "S-1")]
    assert "DN400" in one.rule


def test_flow_follows_the_levels_however_a_pipe_was_drawn() -> None:
    lines = pair(diameter_mm=300.0)
    x = lines["S-2"]
    lines["S-2"] = sewer(
        (99, 0), (50, 0), diameter_mm=300.0,
        start_invert_m=x["end_invert_m"], end_invert_m=x["start_invert_m"],
    )  # fmt: skip
    rules = {one.rule_id for one in told(lines=lines)}
    assert rules == {"narrower_downstream", "invert_up_slope"}


def test_without_levels_or_with_two_outlets_nobody_knows_what_is_downstream() -> None:
    unknown = pair(diameter_mm=300.0, start_invert_m=None)
    assert told(lines=unknown) == []
    split = pair(diameter_mm=300.0)
    split["S-3"] = sewer((50, 0), (50, 40), start_invert_m=9.8, end_invert_m=9.5)
    assert told(lines=split) == []


def test_water_does_not_climb_into_the_next_pipe() -> None:
    assert told(lines=pair(start_invert_m=9.84)) == []  # within 5 cm of two surveys
    (one,) = told(lines=pair(start_invert_m=9.9))
    assert brief([one]) == [("step_up", "S-2", "S-1")]
    assert told(lines=pair(start_invert_m=9.5, end_invert_m=9.4)) == []  # a drop is no fault


def well(x: float, ground: float | None, invert: float | None) -> dict[str, Any]:
    return node(
        x, 0, utility="sewage", kind="manhole", ground_level_m=ground, invert_level_m=invert
    )


def test_the_bottom_of_a_well_lies_below_the_ground() -> None:
    nodes = {"N-1": well(0, 50.0, 50.2), "N-2": well(9, 50.0, 48.0), "N-3": well(18, None, 48.0)}
    assert brief(told(nodes=nodes)) == [("invert_above_ground", "N-1", "")]


def test_a_well_is_as_deep_as_the_pipe_in_it() -> None:
    # Cover 2.0 m and 0.3 m of pipe: the pipe's bottom lies 2.3 m deep.
    pipe = {"S-1": sewer((0, 0), (50, 0), depth_m=2.0, diameter_mm=300.0)}
    assert told(lines=pipe, nodes={"N-1": well(0, 50.0, 47.7)}) == []
    assert told(lines=pipe, nodes={"N-1": well(0, 50.0, None)}) == []
    (one,) = told(lines=pipe, nodes={"N-1": well(0, 50.0, 48.5)})
    assert brief([one]) == [("manhole_too_shallow", "S-1", "N-1")]
    assert "1.50" in one.rule
    assert "2.30" in one.rule


def test_cover_agrees_with_the_levels_at_both_ends() -> None:
    # Start: 50.0 - 48.0 - 0.3 = 1.7 m of cover; end: 50.0 - 47.8 - 0.3 = 1.9 m.
    levels = {"start_invert_m": 48.0, "end_invert_m": 47.8, "diameter_mm": 300.0}
    nodes = {"N-1": well(0, 50.0, 47.0), "N-2": well(50, 50.0, 47.0)}
    for depth, rules in ((1.8, []), (1.25, []), (1.1, ["cover_against_levels"]), (None, [])):
        pipe = {"S-1": sewer((0, 0), (50, 0), depth_m=depth, **levels)}
        assert [one.rule_id for one in told(lines=pipe, nodes=nodes)] == rules
    pipe = {"S-1": sewer((0, 0), (50, 0), depth_m=0.9, **levels)}
    assert told(lines=pipe, nodes={"N-1": nodes["N-1"]}) == []  # one end tells too little


def test_nothing_that_exists_is_dated_after_today() -> None:
    roads = {
        "R-1": street((0, 0), (90, 0), opened_on="2026-11-22", overhauled_on=None),
        "R-2": street((0, 90), (90, 90), opened_on="2027-01-01", overhauled_on=None),
    }
    assert brief(told(roads=roads)) == [("date_in_future", "R-2", "")]
    built = {"W-1": main((0, 0), (50, 0), built_on="2027-05-01")}
    assert brief(told(lines=built)) == [("date_in_future", "W-1", "")]
    built["W-1"]["status"] = "planned"
    assert told(lines=built) == []


def test_a_road_that_was_never_overhauled_contradicts_nothing() -> None:
    road = street((0, 0), (90, 0), opened_on="2010-05-01", overhauled_on="never")
    assert told(roads={"R-1": road}) == []


def test_works_are_not_planned_for_a_road_that_is_not_open() -> None:
    road = street((0, 0), (90, 0), planned_works_on="2009-05-01")  # opened 2010
    assert brief(told(roads={"R-1": road})) == [("planned_before_built", "R-1", "")]
    assert told(roads={"R-1": {**road, "planned_works_on": "2027-05-01"}}) == []


@pytest.mark.parametrize(
    ("pressure", "found"), [(0.005, 0), (0.01, 0), (0.2, 0), (1.6, 0), (2.5, 1), (400.0, 1)]
)
def test_a_gas_pressure_belongs_to_a_class(pressure: float, found: int) -> None:
    lines = {"G-1": main((0, 0), (50, 0), utility="gas", pressure_mpa=pressure)}
    assert [one.rule_id for one in told(lines=lines)] == ["pressure_unclassed"] * found


@pytest.mark.parametrize(
    ("subtype", "voltage", "found"),
    [
        ("low_voltage", 0.4, 0), ("low_voltage", 10.0, 1), ("medium_voltage", 10.0, 0),
        ("medium_voltage", 0.4, 1), ("medium_voltage", 110.0, 1), ("medium_voltage", None, 0),
    ],
)  # fmt: skip
def test_a_voltage_fits_its_subtype(subtype: str, voltage: float | None, found: int) -> None:
    lines = {"D-1": main((0, 0), (9, 0), utility="power", subtype=subtype, voltage_kv=voltage)}
    assert [one.rule_id for one in told(lines=lines)] == ["voltage_against_subtype"] * found


@pytest.mark.parametrize(
    ("utility", "material", "found"),
    [
        ("telecom", "GX", 0), ("telecom", "光纤", 0), ("water", "光纤", 1), ("gas", "T", 1),
        ("sewage", "T", 0), ("water", "PE", 0), ("gas", "something new", 0), ("gas", None, 0),
    ],
)  # fmt: skip
def test_a_material_is_one_that_the_standard_names_for_the_utility(
    utility: str, material: str | None, found: int
) -> None:
    lines = {"X-1": main((0, 0), (9, 0), utility=utility, subtype=None, material=material)}
    assert [one.rule_id for one in told(lines=lines)] == ["material_implausible"] * found

"""Tolerances and intervals on paper: what a place says of itself, and what follows for measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from layers.survey import Survey
from planning.judged_routes import Route
from planning.plan import plan
from planning.spreads import Effects, sum_of_squares
from planning.survey_changes import changes
from planning.tolerances import Tolerances, position_tolerances
from planning.verdict_tables import judge_rows
from planning.verdicts import judge
from tests import towns
from tests.towns import line_of, main, parcel, street, town

COVERED = 2.1 / 2  # half an interval in tolerances: coverage 2.1, tolerance two deviations
SURVEYED = {"position_source": "surveyed"}
POLICY = towns.policy()


def tolerance(**values: Any) -> float:
    table = pd.DataFrame({name: pd.Series([value]) for name, value in values.items()})
    return float(position_tolerances(table, POLICY.planning)[0])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"position_source": "surveyed"}, 0.10),  # 5 cm mean error, twice
        ({"position_source": "digitised", "position_scale": 500}, 0.50),
        ({"position_source": "digitised"}, 1.0),
        ({"position_source": "digitised", "position_scale": 0}, 1.0),
        ({"position_source": "hearsay"}, 3.0),
        ({"position_source": None}, np.nan),
        ({"position_source": "surveyed", "position_accuracy_m": 0.2}, 0.40),
        # No place has a mean error of 0: it is one that nobody stated.
        ({"position_source": None, "position_accuracy_m": 0.0}, np.nan),
        ({"position_source": "hearsay", "position_accuracy_m": 0.0}, 3.0),
        # Who told a place and did not measure it cannot state how exact it is, only how bad.
        ({"position_source": "hearsay", "position_accuracy_m": 0.05}, 3.0),
        ({"position_source": "hearsay", "position_accuracy_m": 2.0}, 4.0),
        ({"position_source": None, "position_accuracy_m": 0.001}, 0.002),
        # Hidden: 0.10 h, h the depth of the centre, 1 m at least, beside surveying its mark.
        (
            {"position_source": "surveyed", "depth_m": 1.4, "diameter_mm": 200.0},
            float(np.hypot(0.1, 0.15)),
        ),
        ({"position_source": "surveyed", "depth_m": 0.4}, float(np.hypot(0.1, 0.1))),
        ({"position_source": "surveyed", "depth_m": np.nan}, np.nan),
        ({"position_source": "surveyed", "depth_m": np.nan, "laying": "overhead"}, 0.10),
    ],
)
def test_a_tolerance_follows_from_the_source_of_a_place(
    values: dict[str, Any], expected: float
) -> None:
    assert tolerance(**values) == pytest.approx(expected, nan_ok=True)


def surveyed_route(**layers: Any) -> Route:
    """From the main at y = -8 straight to the gate (120, 12)."""
    known = {
        "lines": {"W-1": main((0, -8), (300, -8), position_accuracy_m=0.2)},
        "roads": {"R-1": street((0, 0), (300, 0), **SURVEYED)},
        "parcels": {"P-1": parcel(100, 12, 140, 52, **SURVEYED)},
    }
    route = line_of(town(**{**known, **layers}), gate=(120, 12)).route
    assert route is not None
    return route


def test_a_straight_route_hangs_on_both_its_ends() -> None:
    route = surveyed_route()
    both = np.hypot(0.4, 0.1)
    assert route.tolerances["pipe_length_m"] == pytest.approx(COVERED * both)
    assert route.tolerances["green_affected_m2"] == 0.0
    assert route.verdict.certainty == "firm"


def test_where_the_street_is_crossed_before_the_parcel_both_feet_slide_with_it() -> None:
    """Along the far side, straight over the street and on to the parcel, which may be 1 m off."""
    exact = {"position_accuracy_m": 0.001}
    survey = town(
        roads={"R-1": street((-200, 0), (300, 0), **exact)},
        parcels={"P-1": parcel(100, 12, 140, 52, position_source="digitised")},
        lines={"W-1": main((-60, -8), (0, -8), **exact)},
    )
    route = line_of(survey).route
    assert route is not None
    told = route.tolerances["pipe_length_m"]
    assert told == pytest.approx(COVERED * np.hypot(1.0, 1.0), rel=1e-3)


def test_a_corner_moves_with_the_kerbs_of_both_streets() -> None:
    """Along a street, round the corner and to the near side of one that may lie a metre off.

    East by a metre the strip of that street makes the way to the corner longer, and that from the
    strip to the red line.
    """
    exact = {"position_accuracy_m": 0.001}
    survey = town(
        roads={
            "R-1": street((0, 0), (150, 0), **exact),
            "R-2": street((150, 0), (150, 200), position_source="digitised"),
            "R-3": street((150, 0), (300, 0), **exact),
        },
        parcels={"P-1": parcel(98, 60, 138, 100, **exact)},
        lines={"W-1": main((0, 8), (60, 8), **exact)},
    )
    route = line_of(survey, gate=(138, 80)).route
    assert route is not None
    told = route.tolerances["pipe_length_m"]
    assert told == pytest.approx(COVERED * 2 * 1.0, rel=1e-3)


def test_where_one_end_has_no_tolerance_the_length_has_none() -> None:
    route = surveyed_route(parcels={"P-1": parcel(100, 12, 140, 52)})
    assert route.tolerances["pipe_length_m"] is None
    assert route.verdict.certainty == "not_assessed"


def test_a_crossing_hangs_on_both_kerbs() -> None:
    nodes = {
        "N-1": towns.node(
            120, -8, utility="power", kind="ring_main_unit", spare_bays=1, voltage_kv=10, **SURVEYED
        )
    }
    roads = {"R-1": street((0, 0), (300, 0), **SURVEYED)}
    demands = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 110}}
    survey = town(nodes=nodes, roads=roads, parcels={"P-1": parcel(100, 12, 140, 52, **SURVEYED)})
    route = line_of(survey, "power", gate=(120, 12), demands=demands).route
    assert route is not None
    for name in ("crossing_kerb_m", "crossing_red_line_m", "crossing_longest_kerb_m"):
        assert route.tolerances[name] == pytest.approx(COVERED * 0.1 * np.sqrt(2))


@pytest.mark.parametrize(
    ("layers", "tolerance"),
    [
        ({}, 1.0),  # the red line by the width of a digitised road
        ({"road_red_lines": {"R-1": {"geometry": box(0, -10, 300, 10), **SURVEYED}}}, 0.1),
        ({"road_red_lines": {"R-1": {"geometry": box(0, -10, 300, 10)}}}, None),
    ],
    ids=["by width", "surveyed", "nobody says"],
)
def test_from_red_line_to_red_line_hangs_on_red_lines(
    layers: dict[str, Any], tolerance: float | None
) -> None:
    nodes = {
        "N-1": towns.node(
            120, -12, utility="power", kind="ring_main_unit", spare_bays=1, voltage_kv=10,
            **SURVEYED,
        )
    }  # fmt: skip
    survey = town(
        nodes=nodes,
        roads={"R-1": street((0, 0), (300, 0), position_source="digitised")},
        carriageways={"R-1": {"geometry": box(0, -5, 300, 5), **SURVEYED}},
        parcels={"P-1": parcel(100, 12, 140, 52, **SURVEYED)},
        **layers,
    )
    demands = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 110}}
    route = line_of(survey, "power", gate=(120, 12), demands=demands).route
    assert route is not None
    assert route.measures["crossing_kerb_m"] == pytest.approx(10.0)
    assert route.tolerances["crossing_kerb_m"] == pytest.approx(COVERED * 0.1 * np.sqrt(2))
    assert route.tolerances["crossing_red_line_m"] == (
        None if tolerance is None else pytest.approx(COVERED * tolerance * np.sqrt(2))
    )


def test_a_part_of_a_crossing_hangs_on_the_kerb_that_it_reaches_and_on_both_red_lines() -> None:
    """From a main 4 m inside a carriageway of 10 m, which has 20 m between its red lines.

    Of the part, 4 / 10 of 20 m, a metre of the kerb that it reaches is 2 x 0.6 m, one of the other
    kerb 2 x 0.4 m, one of each red line 0.4 m, one of the main 2 m.
    """
    survey = town(
        lines={"W-1": main((0, 1), (300, 1), utility="power", laying="duct", **SURVEYED)},
        nodes={
            "N-1": towns.node(
                120, 1, utility="power", kind="ring_main_unit", spare_bays=1, voltage_kv=10,
                position_accuracy_m=0.001,
            )
        },
        roads={"R-1": street((0, 0), (300, 0), position_source="digitised")},
        carriageways={"R-1": {"geometry": box(0, -5, 300, 5), **SURVEYED}},
        parcels={"P-1": parcel(100, 12, 140, 52, **SURVEYED)},
    )  # fmt: skip
    demands = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 110}}
    route = line_of(survey, "power", gate=(120, 12), demands=demands).route
    assert route is not None
    assert route.measures["crossing_red_line_m"] == pytest.approx(8.0)
    squares = (0.1 * 2 * 0.6) ** 2 + (0.1 * 2 * 0.4) ** 2 + 2 * (1.0 * 0.4) ** 2
    assert route.tolerances["crossing_red_line_m"] == pytest.approx(
        COVERED * np.sqrt(squares), rel=1e-4
    )


DUCT: dict[str, Any] = {
    "utility": "telecom", "subtype": "duct", "diameter_mm": None, "laying": "duct",
    "duct_holes": 6, "free_holes": 4, "owner": "电信", "open_to_others": True,
}  # fmt: skip


NEARLY_EXACT: dict[str, Any] = {"position_accuracy_m": 0.001}


def through_duct(duct: dict[str, Any], handhole: dict[str, Any]) -> Route:
    """From a cabinet through a duct to its handhole, back along the strip, to the gate."""
    survey = town(
        roads={"R-1": street((0, 0), (300, 0), **NEARLY_EXACT)},
        parcels={"P-1": parcel(100, 12, 140, 52, **NEARLY_EXACT)},
        lines={"T-1": duct},
        nodes={
            "N-1": towns.node(
                20, 9, utility="telecom", kind="cabinet", free_holes=6, **NEARLY_EXACT
            ),
            "N-2": towns.node(110, 9, utility="telecom", kind="handhole", free_holes=0, **handhole),
        },
    )
    demands = {"telecom": {"duct_holes": 2, "duct_outer_diameter_mm": 110}}
    route = line_of(survey, "telecom", gate=(102, 12), demands=demands).routes["cheapest"]
    assert isinstance(route, Route)
    return route


@pytest.mark.parametrize(
    ("joint", "metres"),
    [
        # The duct of 90 m and the strip that leads 8 m back follow the handhole, the lead too;
        # of 3 m a lead of 2.25 m may have to come back 0.75 m.
        ({"position_source": "hearsay"}, 3 * np.sqrt(2**2 + 1 + (2 * 0.25) ** 2)),
        ({"position_accuracy_m": 0.5}, 1 * np.sqrt(2**2 + 1)),
        ({}, None),
    ],
)
def test_a_line_through_a_duct_hangs_on_its_joints(joint: Any, metres: float | None) -> None:
    route = through_duct(main((20, 9), (110, 9), **DUCT, **NEARLY_EXACT), joint)
    assert route.measures["pipe_length_m"] == pytest.approx(90 + 2.25 + 8 + 5.25)
    told = route.tolerances["pipe_length_m"]
    assert told == (None if metres is None else pytest.approx(COVERED * metres, rel=1e-4))


def test_a_line_through_a_duct_hangs_on_its_bends() -> None:
    """A duct by hearsay that bends by 2 m between surveyed joints."""
    bent = main((20, 9), (65, 11), (110, 9), **DUCT, position_source="hearsay")
    route = through_duct(bent, NEARLY_EXACT)
    # Moved north by a metre both halves gain 2 / sqrt(45² + 2²) m.
    metres = 3 * 2 * 2 / np.hypot(45, 2)
    assert route.tolerances["pipe_length_m"] == pytest.approx(COVERED * metres, rel=1e-3)


def test_edges_of_greenery_in_the_strip_count_by_their_length() -> None:
    # The verge is crossed square: two edges as long as the strip is wide, and 2 x 0.1414 m more
    # on both sides of the strip, which may itself lie beside.
    green = {"G-1": {"kind": "verge", "geometry": box(0, 5, 300, 6), **SURVEYED}}
    route = surveyed_route(green=green)
    assert route.strip is not None
    width = route.strip.bounds[2] - route.strip.bounds[0]
    edges = 2 * (width + 2 * 0.1 * np.sqrt(2))
    grown = width * np.hypot(0.4, 0.1)
    expected = COVERED * np.sqrt((edges * 0.1) ** 2 * 2 + grown**2)
    assert route.tolerances["green_affected_m2"] == pytest.approx(expected, rel=1e-3)


def test_common_and_own_errors_of_a_layer_count_by_the_larger() -> None:
    rows = [
        (0, "length_m", "place", "kerb", "roads", "R-1", 1, 1.0, 0.0, 0.3, 0, 0),
        (0, "length_m", "place", "kerb", "roads", "R-2", 1, 1.0, 0.0, 0.4, 0, 0),
        (1, "length_m", "place", "kerb", "roads", "R-1", 1, 1.0, 0.0, 0.3, 0, 0),
        (1, "length_m", "place", "kerb", "roads", "R-2", 1, -1.0, 0.0, 0.4, 0, 0),
        (2, "length_m", "place", "kerb", "roads", "R-3", 1, 1.0, 0.0, np.nan, 0, 0),
    ]
    found = sum_of_squares(Effects(*map(np.array, zip(*rows, strict=True))), 4)
    # Together 0.7; apart 0.3 and 0.4 in quadrature; unknown; no effect at all.
    assert found.tolist() == pytest.approx([0.49, 0.25, np.nan, 0.0], nan_ok=True)


@pytest.mark.parametrize(
    ("length", "tolerance_m", "certainty"),
    [
        (199.0, 0.5, "firm"),
        (199.5, 0.6, "too_close"),
        (200.4, 0.5, "too_close"),
        (201.0, 0.5, "firm"),
        (199.0, None, "not_assessed"),
    ],
)
def test_an_interval_across_a_limit_is_too_close_and_the_outcome_stays(
    length: float, tolerance_m: float | None, certainty: str
) -> None:
    verdict = judge(
        "gas", {"construction_length_m": length}, {}, POLICY,
        tolerances={"construction_length_m": tolerance_m},
    )  # fmt: skip
    assert verdict.certainty == certainty
    assert verdict.outcome == ("commitment" if length <= 200 else "ordinary_approval")


def test_a_limit_that_cannot_turn_the_outcome_is_not_too_close() -> None:
    measures = {"max_dn_mm": 400, "pipe_length_m": 200, "green_affected_m2": 0}
    near = {"pipe_length_m": 5.0, "green_affected_m2": 0.0}
    assert judge("water", measures, {}, POLICY, tolerances=near).certainty == "firm"


def test_tables_give_the_certainty_of_single_verdicts() -> None:
    rng = np.random.default_rng(3)
    count = 300
    table = pd.DataFrame(
        {
            "crossing_red_line_m": rng.choice([40.0, 49.5, 50.2, 60.0], count),
            "crossing_kerb_m": rng.choice([30.0, 49.9, 55.0], count),
            "line_length_m": rng.choice([100.0, 799.8, 800.3, 900.0], count),
            "enterprise_invested_or_dominant": True,
            "hazardous_goods": False,
        }
    )
    names = ["crossing_red_line_m", "crossing_kerb_m", "line_length_m"]
    near = pd.DataFrame({name: rng.choice([0.0, 0.4, 1.0, np.nan], count) for name in names})
    found = (
        judge_rows("power", table, POLICY, mode="judge", tolerances=near).column("certainty").array
    )
    single = [
        judge("power", row, {}, POLICY, tolerances=tolerances).certainty
        for row, tolerances in zip(table.to_dict("records"), near.to_dict("records"), strict=True)
    ]
    assert found.tolist() == single
    assert {"too_close", "not_assessed", "depends_on_reading"} <= set(single)


def close_plan(accuracy_m: float, limit_side_m: float) -> dict[str, Any]:
    """A plan whose water line is 200 m and a little more or less long, main to gate (120, 12)."""
    far = 120.0 - (200.0 - 20.0 + limit_side_m)
    lines = {"W-1": main((far, -8.0), (far - 0.1, -60.0), position_accuracy_m=accuracy_m)}
    survey = town(
        lines=lines,
        roads={"R-1": street((-200, 0), (300, 0), **SURVEYED)},
        parcels={"P-1": parcel(100, 12, 140, 52, **SURVEYED)},
    )
    case = towns.application(gate=(120, 12))
    return plan(case, survey, POLICY).to_json()["utilities"][0]


def test_the_points_to_survey_are_named_with_place_and_what_they_must_be() -> None:
    line = close_plan(0.5, -0.4)
    interval = line["intervals"]["pipe_length_m"]
    assert interval["low"] < 200 < interval["high"]
    assert interval["high"] - interval["value"] == pytest.approx(interval["tolerance"])
    assert line["verdict"]["alone"]["certainty"] == "too_close"
    [point] = line["survey_points"]
    assert (point["what"], point["feature"]) == ("main", {"layer": "lines", "id": "W-1"})
    assert point["tolerance_m"] == pytest.approx(1.0)
    start = line["routes"][0]["geometry"]["coordinates"][0]
    assert point["xy"] == pytest.approx(start)
    # Known as well as it must be, the same line is no longer too close.
    enough = close_plan(point["needed_m"] / 2 * 0.999, -0.4)
    assert enough["verdict"]["alone"]["certainty"] == "firm"
    assert enough["survey_points"] == []
    worse = close_plan(point["needed_m"] / 2 * 1.01, -0.4)
    assert worse["verdict"]["alone"]["certainty"] == "too_close"


def test_tolerances_after_an_edit_are_those_of_the_edited_survey() -> None:
    lines = {
        f"W-{k}": main((100 * k, 8.0), (100 * k + 90, 8.0), position_accuracy_m=0.1 * k)
        for k in range(4)
    }
    before = town(lines=lines)
    told = Tolerances(before, POLICY.planning)
    for layer in before.tables:
        told.of_features(layer, ["W-3"])
    del lines["W-1"]
    moved = {**lines, "W-2": {**lines["W-2"], "position_accuracy_m": 0.9}}
    added = {**moved, "W-9": main((0, 9), (50, 9), position_source="hearsay")}
    for rows in (lines, moved, added):
        survey = town(lines=rows)
        survey = Survey(
            survey.crs, {**before.tables, "lines": survey.tables["lines"]}, survey.county, True
        )
        after = told.after(survey, changes(before, survey))
        anew = Tolerances(survey, POLICY.planning)
        for layer in survey.tables:
            pd.testing.assert_series_equal(after.of_layer(layer), anew.of_layer(layer))
        assert after.of_features("lines", ["W-2", "W-1"]) == pytest.approx(
            [anew.of_layer("lines")["W-2"], np.nan], nan_ok=True
        )

"""Screening: one row for every case and utility, whatever the order."""

from __future__ import annotations

import pandas as pd
import pytest

from layers.utilities import load_utilities
from planning.batch import cases_of, screen
from planning.groundwork import placed
from tests import towns
from tests.towns import application, ground, main, parcel, town

PARCELS = {
    "P-1": parcel(20, 12, 60, 52),
    "P-2": parcel(100, 12, 140, 52, land_use="industrial"),
    "P-3": parcel(180, 70, 220, 99, land_use=None),
}
SURVEY = town(
    parcels=PARCELS,
    lines={
        "W-1": main((0, 8), (300, 8), diameter_mm=300),
        "G-1": main((0, -8), (300, -8), utility="gas", pressure_mpa=0.2),
    },
)
DAY = towns.dig_date()


def rows_of(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index(["parcel_id", "application_id", "utility"])


def test_open_applications_come_first_and_parcels_without_one_get_the_default() -> None:
    cases = cases_of(SURVEY, [application("P-2")], DAY)
    assert [(c.parcel_id, c.source) for c in cases] == [
        ("P-2", "application"),
        ("P-1", "default_demand"),
        ("P-3", "default_demand"),
    ]
    assert cases[1].dig_date == DAY


def test_two_applications_for_one_parcel_are_two_cases() -> None:
    two = [application("P-2"), application("P-2", application_id="APP-2")]
    assert [c.application_id for c in cases_of(SURVEY, two, DAY)] == ["APP-1", "APP-2", "", ""]


def test_a_case_without_a_place_is_told_and_the_others_are_screened() -> None:
    lost = application("P-9", application_id="LOST")
    off = application("P-2", application_id="OFF", gate=(120, 0))
    cases = cases_of(SURVEY, [lost, off, application("P-1")], DAY)
    good, refused = placed(SURVEY, cases)
    assert [case.application_id for case in good] == ["APP-1", ""]
    assert [error.reason for error in refused] == ["unknown_parcel", "gate_off_red_line"]
    table = rows_of(screen(ground(SURVEY), cases, ["water", "gas"]))
    found = table[["status", "reason"]].apply(tuple, axis=1)
    assert found["P-9", "LOST", "water"] == ("unroutable", "unknown_parcel")
    assert found["P-2", "OFF", "water"] == ("unroutable", "gate_off_red_line")
    assert found["P-9", "LOST", "gas"][0] == "not_requested"
    assert found["P-1", "APP-1", "water"][0] == "routed"


def test_parcels_narrow_both() -> None:
    cases = cases_of(SURVEY, [application("P-2")], DAY, ["P-1"])
    assert [c.parcel_id for c in cases] == ["P-1"]


def test_without_a_parcel_layer_there_are_only_applications() -> None:
    assert cases_of(town(absent=("parcels",)), [], DAY) == []


def test_every_case_and_utility_has_one_row_in_order() -> None:
    cases = cases_of(SURVEY, [application("P-2")], DAY)
    told: list[int] = []
    table = screen(ground(SURVEY, *cases[:1]), cases, progress=told.append)
    utilities = list(load_utilities())
    assert table["utility"].tolist() == utilities * 3
    assert table["parcel_id"].tolist() == [c.parcel_id for c in cases for _ in utilities]
    requested = sum(len(case.demands) for case in cases)
    assert sum(told) == requested
    assert (table["status"] != "not_requested").sum() == requested
    assert table["status"].isin(["routed", "unroutable", "not_requested"]).all()


def test_rows_say_what_is_routed_and_why_not() -> None:
    cases = cases_of(SURVEY, [application("P-2")], DAY)
    table = rows_of(screen(ground(SURVEY), cases))
    routed = table.loc[("P-2", "APP-1", "water")]
    assert (routed["status"], routed["tie_in_id"], routed["outcome"]) == (
        "routed",
        "W-1",
        "commitment",
    )
    assert routed["length_m"] == pytest.approx(4)
    assert routed["geometry"].length == pytest.approx(4)
    assert table.loc[("P-2", "APP-1", "gas")]["status"] == "not_requested"
    defaults = screen(ground(SURVEY), cases_of(SURVEY, [], DAY)).set_index(["parcel_id", "utility"])
    wide = defaults.loc[("P-3", "water")]
    assert (wide["status"], wide["reason"]) == ("unroutable", "gap_too_wide")
    assert wide["gap_m"] == pytest.approx(70 - 6.75)
    assert defaults.loc[("P-1", "telecom")]["reason"] == "no_network_imported"
    # Outcomes stand beside routes only.
    unrouted = defaults[defaults["status"] != "routed"]
    assert unrouted["outcome"].isin([None, "not_covered"]).all() or unrouted["outcome"].isna().all()


def test_utilities_may_be_chosen() -> None:
    table = screen(ground(SURVEY), cases_of(SURVEY, [], DAY), ["gas", "water"])
    assert table["utility"].tolist() == ["gas", "water"] * 3


def test_the_order_of_cases_changes_no_row() -> None:
    cases = cases_of(SURVEY, [application("P-2")], DAY)
    one = screen(ground(SURVEY), cases)
    two = screen(ground(SURVEY), cases[::-1])
    keys = ["parcel_id", "utility"]
    columns = [c for c in one.columns if c != "geometry"]
    pd.testing.assert_frame_equal(
        one.sort_values(keys)[columns].reset_index(drop=True),
        two.sort_values(keys)[columns].reset_index(drop=True),
        check_dtype=False,
    )


def test_an_application_may_bear_the_id_of_another_parcel() -> None:
    # APP on P-1 is called "P-2"; P-2 itself stands with its default demand.
    cases = cases_of(SURVEY, [application("P-1", application_id="P-2")], DAY)
    table = screen(ground(SURVEY), cases, ["water"])
    routed = table[table["status"] == "routed"]
    ends = {row.parcel_id: towns.xy(row.geometry)[-1][0] for row in routed.itertuples()}
    assert 20 <= ends["P-1"] <= 60
    assert 100 <= ends["P-2"] <= 140


def test_no_cases_give_an_empty_table_with_all_columns() -> None:
    full = screen(ground(SURVEY), cases_of(SURVEY, [], DAY))
    assert screen(ground(SURVEY), []).columns.tolist() == full.columns.tolist()

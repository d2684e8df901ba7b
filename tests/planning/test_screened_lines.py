"""The lines of a case out of a screening: those of its plan, found without planning."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString

from planning.application import Application
from planning.batch import cases_of, screen
from planning.groundwork import Groundwork
from planning.plan import plan
from planning.screened_lines import ScreenedLines
from planning.screening_table import FIGURES
from tests.towns import dig_date

pytestmark = pytest.mark.slow_first


def test_lines_of_parcels_drawn_at_random_are_those_of_their_plans(
    sample_work: Groundwork, sample_cases: list[Application]
) -> None:
    cases = Random(2026).sample(cases_of(sample_work.survey, sample_cases, dig_date()), 4)
    cases.append(sample_cases[0])
    lines = ScreenedLines(screen(sample_work, cases))
    for case in cases:
        made = plan(case, sample_work.survey, sample_work.policy, corridors=sample_work)
        found = {one["utility"]: one for one in lines.of(case.parcel_id, case.application_id)}
        assert {key for key, one in found.items() if one["status"] != "not_requested"} == set(
            made.lines
        ) & set(case.demands)
        for utility in case.demands:
            line, row = made.lines[utility], found[utility]
            assert (row["status"], row["reason"]) == (line.status, line.reason)
            if line.route is None or line.verdict is None:
                assert row["geometry"] is None
                continue
            assert row["geometry"].hausdorff_distance(line.route.line) < 1e-6
            told = {name: getattr(line.verdict, name) for name in ("outcome", "clause")}
            told |= {"certainty": line.verdict.certainty, "recommended": line.recommended}
            assert {name: row[name] for name in told} == told
            numbers = {
                **{name: line.route.figures[name] for name in FIGURES},
                **line.route.measures,
            }
            assert {name: row[name] for name in numbers} == pytest.approx(numbers, abs=1e-6)


def table_of(*rows: dict[str, Any]) -> pd.DataFrame:
    usual = {"application_id": None, "status": "routed", "length_m": 1.0, "geometry": None}
    return pd.DataFrame([{**usual, **row} for row in rows])


TWO_CASES = table_of(
    {"parcel_id": "P-1", "application_id": "A-1", "utility": "water", "outcome": "commitment"},
    {"parcel_id": "P-1", "application_id": "A-1", "utility": "gas", "outcome": "blocked"},
    {"parcel_id": "P-1", "application_id": "A-2", "utility": "water", "outcome": "not_covered"},
    {"parcel_id": "P-1", "application_id": "A-2", "utility": "gas", "status": "unroutable",
     "length_m": np.nan},
    {"parcel_id": "P-2", "utility": "water", "outcome": "undetermined",
     "geometry": LineString([(0, 0), (1, 0)])},
    {"parcel_id": "P-2", "utility": "gas", "status": "not_requested", "length_m": np.nan},
)  # fmt: skip
STRICT = ("blocked", "undetermined", "commitment", "not_covered")


def test_each_case_has_its_own_rows_and_what_is_empty_is_none() -> None:
    lines = ScreenedLines(TWO_CASES)
    assert [one["outcome"] for one in lines.of("P-1", "A-1")] == ["commitment", "blocked"]
    assert lines.of("P-1", "A-2")[1]["length_m"] is None
    assert lines.of("P-1", "A-2")[1]["outcome"] is None
    water, gas = lines.of("P-2")
    assert (water["application_id"], water["geometry"].length) == (None, 1.0)
    assert (gas["status"], gas["geometry"]) == ("not_requested", None)
    assert set(water) == set(TWO_CASES.columns)
    assert lines.of("P-1") == lines.of("P-3") == lines.of("P-2", "A-1") == []


def test_a_parcel_with_two_applications_has_the_stricter_outcome_of_each_utility() -> None:
    found = ScreenedLines(TWO_CASES).outcomes(STRICT)
    assert found == {
        "P-1": {"water": "commitment", "gas": "unroutable"},
        "P-2": {"water": "undetermined"},
    }


def test_an_outcome_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="commitment"):
        ScreenedLines(TWO_CASES).outcomes(("blocked", "undetermined", "not_covered"))


def test_a_screening_of_nothing_has_no_lines() -> None:
    lines = ScreenedLines(TWO_CASES.iloc[:0])
    assert (lines.of("P-1"), lines.outcomes(STRICT)) == ([], {})

"""A screening that is brought up to date equals one made anew, and keeps what it may."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from shapely.geometry import box

from layers.survey import Survey
from planning.application import Application
from planning.batch import cases_of, screen
from planning.local_edits import edited
from planning.rescreening import Screened, rescreened, screened
from tests import towns
from tests.planning.edits import added, one_edit, ready, ribbon, ribbon_work, told, without

pytestmark = pytest.mark.slow_first

UTILITIES = ("water", "gas", "power")


def _cases(survey: Survey) -> list[Application]:
    own = towns.application("P-3s")
    return cases_of(
        survey, [own] if "P-3s" in survey.tables["parcels"].index else [], towns.dig_date()
    )


@cache
def before() -> Screened:
    return screened(ribbon_work(), _cases(ribbon()), UTILITIES)


def _assert_as_made_anew(survey: Survey) -> pd.DataFrame:
    edit, cases = edited(ribbon_work(), survey), _cases(survey)
    after = rescreened(before(), edit, cases)
    anew = screen(ready(survey), cases, UTILITIES)
    assert_frame_equal(
        after.table.drop(columns="geometry"), anew.drop(columns="geometry"), check_dtype=False
    )
    for one, two in zip(after.table["geometry"], anew["geometry"], strict=True):
        assert (one is None and two is None) or one.equals_exact(two, 1e-6)
    return after.table


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_an_edit_anywhere_gives_what_a_whole_screening_gives(data: st.DataObject) -> None:
    _assert_as_made_anew(data.draw(one_edit(ribbon())))


def test_far_from_a_new_house_answers_are_kept() -> None:
    table = _assert_as_made_anew(added(ribbon(), "buildings", geometry=box(300, 6, 310, 9)))
    assert 0 < table.attrs["solved_anew"] < 0.75 * len(table)


def test_a_street_that_loses_its_footways_sends_lines_into_its_carriageway() -> None:
    table = _assert_as_made_anew(told(ribbon(), "roads", 0, red_line_width_m=10.4))
    longer_m = table["kerb_m"] - before().table["kerb_m"]
    assert (longer_m > 10.0).any()  # along the street, not only across it
    assert "no_room" not in set(table["reason"])


def test_a_bridge_that_loses_its_footways_has_no_room() -> None:
    narrow = told(ribbon(), "roads", 0, red_line_width_m=10.4, on_bridge=True)
    assert "no_room" in set(_assert_as_made_anew(narrow)["reason"])


def test_a_tree_that_turns_ancient_changes_the_answers_beside_it() -> None:
    survey = told(ribbon(), "trees", 0, ancient=True)
    _assert_as_made_anew(survey)


def test_where_service_ends_everything_is_solved_anew() -> None:
    table = _assert_as_made_anew(without(ribbon(), "service_areas", 0))
    assert table.attrs["solved_anew"] == len(table)


def test_after_no_edit_at_all_routes_stand() -> None:
    edit = edited(ribbon_work(), ribbon())
    again = rescreened(before(), edit, _cases(ribbon())).table
    routed = before().table["recommended"] == "cheapest"
    assert again.attrs["solved_anew"] <= (~routed).sum()


def test_a_changed_demand_is_solved_anew() -> None:
    cases = [
        towns.application("P-3s", demands={"water": {"nominal_mm": 100, "material": "PE"}}),
        *_cases(ribbon())[1:],
    ]
    after = rescreened(before(), edited(ribbon_work(), ribbon()), cases).table
    anew = screen(ribbon_work(), cases, UTILITIES)
    assert after["cost_yuan"].to_list() == pytest.approx(anew["cost_yuan"].to_list(), nan_ok=True)

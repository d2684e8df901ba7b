"""A screening that is brought up to date equals one made anew, and keeps what it may."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from shapely.geometry import Point, box

from gis.regions import Region
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Application
from planning.batch import cases_of, screen
from planning.groundwork import Groundwork, prepare
from planning.local_edits import Edit, edited
from planning.rescreening import Screened, rescreened, screened
from planning.roads_since import RoadsSince
from planning.survey_changes import changes
from tests import towns
from tests.planning.edits import added, moved, one_edit, ready, ribbon, ribbon_work, told, without
from tests.random_counties import random_county
from tests.towns import main, parcel, policy, street

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
    assert_same_answers(after.table, screen(ready(survey), cases, UTILITIES))
    return after.table


def assert_same_answers(one: pd.DataFrame, two: pd.DataFrame) -> None:
    """Equal in all but how far was searched: few rows are solved one by one, many by bounds."""
    told = [table.drop(columns=["geometry", "searched_m"]) for table in (one, two)]
    blank = [table.astype(object).where(table.notna(), None) for table in told]
    assert_frame_equal(*blank, check_dtype=False, atol=1e-6)
    for a, b in zip(one["geometry"], two["geometry"], strict=True):
        assert (a is None and b is None) or a.equals_exact(b, 1e-6)


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_an_edit_anywhere_gives_what_a_whole_screening_gives(data: st.DataObject) -> None:
    _assert_as_made_anew(data.draw(one_edit(ribbon())))


def test_far_from_a_new_house_answers_are_kept() -> None:
    table = _assert_as_made_anew(added(ribbon(), "buildings", geometry=box(300, 6, 310, 9)))
    assert 0 < table.attrs["solved_anew"] < 0.75 * len(table)


def _without_footways(**more: Any) -> Survey:
    """R-0 without its footways, and without the unit before P-1s, so that lines run along it."""
    return without(told(ribbon(), "roads", 0, red_line_width_m=10.4, **more), "nodes", "N-1")


def test_a_street_that_loses_its_footways_sends_lines_into_its_carriageway() -> None:
    table = _assert_as_made_anew(_without_footways())
    longer_m = table["kerb_m"] - before().table["kerb_m"]
    assert (longer_m > 10.0).any()  # along the street, not only across it
    assert "no_room" not in set(table["reason"])


def test_a_bridge_that_loses_its_footways_has_no_room() -> None:
    narrow = _without_footways(on_bridge=True)
    assert "no_room" in set(_assert_as_made_anew(narrow)["reason"])


def test_a_tree_that_turns_ancient_changes_the_answers_beside_it() -> None:
    survey = told(ribbon(), "trees", 0, ancient=True)
    _assert_as_made_anew(survey)


def test_a_tree_that_comes_to_stand_in_a_strip_is_felt() -> None:
    """It has no ground of its own: a box round it is a point."""
    _assert_as_made_anew(added(ribbon(), "trees", ancient=False, geometry=Point(382, 9.0)))


def test_a_parcel_that_comes_to_lie_over_another_is_felt() -> None:
    """The answers of the other are less sure then, though no way and nothing near one changes."""
    seen = {"position_source": "surveyed", "position_accuracy_m": 0.05}
    survey = towns.town(
        roads={"R-1": street((0, 0), (300, 0), **seen)},
        parcels={
            "P-1": parcel(100, 12, 140, 192, **seen),
            "P-2": parcel(141, 150, 180, 192, **seen),
        },
        lines={"W-1": main((0, -8), (300, -8), **seen)},
    )
    nearer = moved(survey, "parcels", "P-2", -11.0, 0.0)
    cases = [towns.application("P-1")]
    start, work = screened(ready(survey), cases, ["water"]), ready(nearer)
    changed = changes(survey, nearer)
    graph, tie_ins = work.corridors.graph, work.tie_ins("water")
    edit = Edit(
        work,
        "",
        changed,
        Region.round(changed["parcels"].shapes),
        np.arange(graph.edge_count),
        {"water": np.arange(len(tie_ins.lines))},
        RoadsSince.none(1),
    )
    after = rescreened(start, edit, cases).table
    assert_same_answers(after, screen(work, cases, ["water"]))
    told = (start.table["certainty"].item(), after["certainty"].item())
    assert told == ("firm", "not_assessed")


def test_where_service_ends_everything_is_solved_anew() -> None:
    table = _assert_as_made_anew(without(ribbon(), "service_areas", 0))
    assert table.attrs["solved_anew"] == len(table)


def test_after_no_edit_at_all_answers_stand() -> None:
    """All but the lines of the application that ends at a gate, if it does."""
    edit = edited(ribbon_work(), ribbon())
    again = rescreened(before(), edit, _cases(ribbon())).table
    assert again.attrs["solved_anew"] <= len(UTILITIES)


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 40), st.data())
def test_edits_of_random_counties_give_what_a_whole_screening_gives(
    seed: int, data: st.DataObject
) -> None:
    """All six utilities; most parcels are searched there, and new ways lead anywhere."""
    survey = random_county(seed)
    layer = data.draw(st.sampled_from(["roads", "lines", "parcels", "nodes", "green", "trees"]))
    if layer not in survey.tables or len(survey.tables[layer]) == 0:
        return
    row = data.draw(st.integers(0, len(survey.tables[layer]) - 1))
    step = data.draw(st.sampled_from([-6.0, -0.7, 0.4, 3.0]))
    after = without(survey, layer, row)
    if data.draw(st.booleans()):
        after = moved(survey, layer, row, step, -step)
    work, day = prepare(survey, policy()), towns.dig_date()
    cases = cases_of(survey, [], day), cases_of(after, [], day)
    first = screened(work, cases[0], list(load_utilities()))
    edit = edited(work, after)
    again = rescreened(first, edit, cases[1]).table
    assert_same_answers(again, screen(prepare(after, policy()), cases[1]))


@pytest.fixture(scope="module")
def part_of_sample(sample_work: Groundwork) -> Screened:
    """Every sixteenth parcel of the sample and those round its middle road, screened."""
    survey = sample_work.survey
    parcels = survey.tables["parcels"]
    road = survey.tables["roads"].geometry.iloc[MIDDLE_ROAD]
    near = parcels.index[parcels.distance(road) < 30.0]
    some = [*parcels.index[::16], *near]
    cases = cases_of(survey, [], towns.dig_date(), list(dict.fromkeys(some)))
    return screened(sample_work, cases, list(load_utilities()))


MIDDLE_ROAD = 81


@pytest.mark.parametrize("what", ["surface", "parcel", "main", "tree"])
def test_on_the_sample_little_is_solved_again_and_nothing_differs(
    part_of_sample: Screened, sample_cases: list[Application], what: str
) -> None:
    first, survey = part_of_sample, part_of_sample.work.survey
    near = survey.tables["parcels"].index.get_loc(first.cases[-1].parcel_id)
    edits = {
        "surface": lambda: told(survey, "roads", MIDDLE_ROAD, surface="concrete"),
        "parcel": lambda: moved(survey, "parcels", near, 0.4, 0.3),
        "main": lambda: without(survey, "lines", len(survey.tables["lines"]) // 2),
        "tree": lambda: told(survey, "trees", 0, ancient=True),
    }
    edit = edited(first.work, edits[what](), sample_cases)
    assert edit.is_local
    again = rescreened(first, edit, first.cases).table
    anew = screen(edit.work, first.cases)
    assert_same_answers(again, anew)
    assert again.attrs["solved_anew"] < (0.5 if what == "tree" else 0.3) * len(again)


def test_a_changed_demand_is_solved_anew() -> None:
    cases = [
        towns.application("P-3s", demands={"water": {"nominal_mm": 100, "material": "PE"}}),
        *_cases(ribbon())[1:],
    ]
    after = rescreened(before(), edited(ribbon_work(), ribbon()), cases).table
    anew = screen(ribbon_work(), cases, UTILITIES)
    assert after["cost_yuan"].to_list() == pytest.approx(anew["cost_yuan"].to_list(), nan_ok=True)


def test_a_transformer_that_is_rated_for_the_load_after_all_is_joined() -> None:
    """150 kW are 166.7 kVA; the ring main units of the ribbon have 10 kV."""
    unit = {"kind": "transformer", "voltage_kv": 0.38}
    weak, strong = (
        told(ribbon(), "nodes", "N-3", **unit, capacity_kva=kva) for kva in (160.0, 200.0)
    )
    power = {"voltage_kv": 0.4, "requested_capacity": 150, "duct_holes": 2}
    case = towns.application("P-3s", demands={"power": power})
    work = ready(weak)
    made = screened(work, [case], ["power"])
    assert made.table["reason"].tolist() == ["no_size_match"]
    after = rescreened(made, edited(work, strong), [case]).table
    assert after["tie_in_id"].tolist() == ["N-3"]
    assert_same_answers(after, screen(ready(strong), [case], ["power"]))

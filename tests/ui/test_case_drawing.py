"""What the map draws of a case: lanes side by side, the trench below them, the right marks."""

from __future__ import annotations

from functools import cache

import pytest

from layers.utilities import load_utilities
from planning.policies import load_policy
from tests.ui.town import applications
from tests.ui.town_plan import plan_json
from ui.case_drawing import LANE_PX, case_drawing, in_lanes
from ui.view import View
from ui.words import Words


@cache
def view(*, joint: bool = True, chosen: str | None = None, case: int = 0) -> View:
    words = Words(load_policy("411523_xinxian"))
    return View(plan_json(applications()[case]), load_utilities(), words, joint, chosen)


def test_lines_run_side_by_side_only_where_they_run_together() -> None:
    # a and b share (0,0)-(10,0): one half lane to each side; a alone after that: in its place.
    lanes = in_lanes({"a": [(0, 0), (10, 0), (20, 0)], "b": [(0, 0), (10, 0), (10, 5)]}, "ab")
    half = LANE_PX / 2
    assert lanes["a"] == [(0, 0, -half), (10, 0, -half), (10, 0, 0), (20, 0, 0)]
    assert lanes["b"] == [(0, 0, half), (10, 0, half), (10, 0, 0), (10, 5, 0)]


def test_three_lines_leave_the_middle_one_in_its_place() -> None:
    path = [(0.0, 0.0), (1.0, 0.0)]
    lanes = in_lanes({"c": path, "a": path, "b": path}, "abc")
    assert [lanes[key][0][2] for key in "abc"] == [-LANE_PX, 0, LANE_PX]


def test_no_case_draws_nothing() -> None:
    drawing = case_drawing(None)
    assert drawing["parcel"] is None
    assert drawing["routes"] == []


def test_every_routed_line_has_a_route_a_ring_and_its_own_look() -> None:
    drawing = case_drawing(view())
    assert len(drawing["routes"]) == len(drawing["rings"]) == 5
    assert len({(one["colour"], one["dash"]) for one in drawing["routes"]}) == 5


def test_the_shared_trench_is_drawn_where_at_least_two_lines_lie() -> None:
    assert len(case_drawing(view())["bands"]) == 3
    assert case_drawing(view(joint=False))["bands"] == []


def test_only_the_inspected_line_stays_strong() -> None:
    drawing = case_drawing(view(chosen="gas"))
    assert [one["utility"] for one in drawing["routes"] if not one["faint"]] == ["gas"]


def test_working_strips_are_drawn_when_asked_for() -> None:
    assert case_drawing(view())["strips"] == []
    assert len(case_drawing(view(), strips=True)["strips"]) == 5
    assert len(case_drawing(view(chosen="gas"), strips=True)["strips"]) == 1


def test_coordinates_are_latitude_then_longitude() -> None:
    (south, west), (north, east) = case_drawing(view())["bounds"]
    assert 31 < south < north < 32
    assert 114 < west < east < 115


def test_an_unroutable_case_shows_its_parcel_alone() -> None:
    drawing = case_drawing(view(case=1, joint=False))
    assert drawing["parcel"]["label"] == "P-0001"
    assert drawing["routes"] == []


@pytest.mark.parametrize("joint", [True, False])
def test_paths_end_at_the_parcel(joint: bool) -> None:
    drawing = case_drawing(view(joint=joint))
    ends = {tuple(route["points"][-1][:2]) for route in drawing["routes"]}
    assert ends == {tuple(end["at"]) for end in drawing["ends"]}

"""Mains: lines that continue each other are one; where mains meet, and of whose line a node is."""

from __future__ import annotations

from typing import Any

import pytest

from planning.batch import screen
from planning.plan import plan
from planning.sources import are_joined, main_of_lines
from tests.towns import application, ground, main, node, town


def mains_of(lines: dict[str, Any], **layers: Any) -> dict[str, str]:
    return dict(main_of_lines(ground(town(lines=lines, **layers), application())))


def test_pieces_end_to_end_are_one_main_by_the_first_of_their_ids() -> None:
    lines = {
        "W-3": main((0, 8), (100, 8)),
        "W-1": main((200, 8), (100, 8)),
        "W-2": main((200, 8), (300, 8)),
    }
    assert set(mains_of(lines).values()) == {"W-1"}


def test_a_branch_is_a_main_of_its_own_and_what_goes_straight_on_past_it_is_one() -> None:
    at_middle = {"W-1": main((0, 8), (100, 8)), "W-2": main((50, 8), (50, 90))}
    assert mains_of(at_middle) == {"W-1": "W-1", "W-2": "W-2"}
    in_threes = {
        "W-1": main((0, 8), (100, 8)),
        "W-2": main((100, 8), (200, 8)),
        "W-3": main((100, 8), (100, 90)),
    }
    # Drawn in pieces or unbroken, the main past the branch is one; it may be narrower there.
    narrower = {**in_threes, "W-2": main((100, 8), (200, 8), diameter_mm=200.0)}
    for lines in (in_threes, narrower):
        assert mains_of(lines) == {"W-1": "W-1", "W-2": "W-1", "W-3": "W-3"}


def test_branches_opposite_each_other_are_one_source_as_one_break_cuts_off_both() -> None:
    lines = {
        "W-1": main((0, 8), (200, 8)),
        "W-2": main((100, 8), (100, 90)),
        "W-3": main((100, 8), (100, -90)),
        "W-4": main((150, 8), (150, -90)),
    }
    assert mains_of(lines) == {"W-1": "W-1", "W-2": "W-2", "W-3": "W-2", "W-4": "W-4"}


def test_pieces_that_turn_by_half_a_square_corner_go_straight_on_and_more_do_not() -> None:
    # From (100, 8) a piece to (200, 107) turns by 44.7 degrees, to (200, 109) by 45.3; the third
    # leads back beside the first.
    for north, name in ((107, "W-1"), (109, "W-2")):
        lines = {
            "W-1": main((0, 8), (100, 8)),
            "W-2": main((100, 8), (200, north)),
            "W-3": main((100, 8), (66, 102)),
        }
        assert mains_of(lines) == {"W-1": "W-1", "W-2": name, "W-3": "W-3"}
    # Two that lead on from one are one with it, and so with each other.
    fork = {
        "W-1": main((0, 8), (100, 8)),
        "W-2": main((200, 38), (100, 8)),
        "W-3": main((100, 8), (200, -22)),
    }
    assert set(mains_of(fork).values()) == {"W-1"}


def test_at_a_crossing_of_pieces_each_main_goes_on_across_it() -> None:
    lines = {
        "W-1": main((0, 8), (100, 8)),
        "W-2": main((100, 8), (200, 8)),
        "W-3": main((100, 90), (100, 8)),
        "W-4": main((100, 8), (100, -90)),
    }
    assert mains_of(lines) == {"W-1": "W-1", "W-2": "W-1", "W-3": "W-3", "W-4": "W-3"}


def test_mains_recorded_from_tee_to_tee_are_joined_through_each_other() -> None:
    lines = {
        "W-1": main((0, 8), (100, 8)),
        "W-2": main((100, 8), (200, 8)),
        "W-3": main((200, 8), (300, 8)),
        "W-4": main((100, 8), (100, 90)),
        "W-5": main((200, 8), (200, 90)),
        "W-6": main((0, -8), (300, -8)),
    }
    work = ground(town(lines=lines), application())
    assert set(main_of_lines(work).values()) == {"W-1", "W-4", "W-5", "W-6"}
    assert are_joined(work, "W-4", "W-5")
    assert not are_joined(work, "W-1", "W-6")
    assert not are_joined(work, "W-1", "W-99")


def test_lines_of_another_utility_and_abandoned_ones_do_not_count() -> None:
    gas = {"utility": "gas", "pressure_mpa": 0.2}
    lines = {
        "W-1": main((0, 8), (100, 8)),
        "W-2": main((100, 8), (200, 8)),
        "G-1": main((100, 8), (100, 90), **gas),
        "W-9": main((100, 8), (100, -90), status="abandoned"),
    }
    found = mains_of(lines)
    assert (found["W-1"], found["W-2"], found["G-1"]) == ("W-1", "W-1", "G-1")
    apart = {"W-1": main((0, 8), (99, 8)), "W-2": main((100, 8), (200, 8))}
    assert mains_of(apart) == {"W-1": "W-1", "W-2": "W-2"}


@pytest.mark.parametrize(
    ("points", "name"),
    [
        ([(10, 8), (290, 8)], "W-1"),  # recorded twice with other ends
        ([(10, 8.03), (290, 8.03)], "W-1"),
        ([(290, 7.55), (10, 7.55)], "W-1"),  # as near as lines are drawn, 0.5 m
        ([(10, 8.55), (290, 8.55)], "W-2"),
        ([(150, 8.2), (152, 8.2)], "W-1"),  # a short piece, all of it
        ([(100, 8), (106, 8), (106, 90)], "W-1"),  # for 6 m, then off
        ([(100, 8), (103, 8), (103, 90)], "W-2"),  # for 3.5 m: how a branch was drawn
        ([(100, -90), (100, 90)], "W-2"),  # across
        # Across at an angle whose sine is 0.28 it lies 2 * 0.5 / 0.28 = 3.6 m within half a metre,
        # at one of 0.1 10 m.
        ([(100, -20), (196, 8), (292, 36)], "W-2"),
        ([(100, -1.95), (199, 8), (298, 17.95)], "W-1"),
        ([(300, 8.3), (400, 8.3)], "W-1"),  # end to end
        ([(100, 8), (100, 8.9)], "W-2"),  # a stub across, 0.9 m
    ],
)
def test_pipes_that_lie_along_each_other_are_one_main(
    points: list[tuple[float, float]], name: str
) -> None:
    lines = {"W-1": main((0, 8), (300, 8)), "W-2": main(*points)}
    assert mains_of(lines) == {"W-1": "W-1", "W-2": name}
    assert mains_of({"W-2": lines["W-2"], "W-1": lines["W-1"]}) == {"W-1": "W-1", "W-2": name}


def test_of_pipes_along_each_other_those_of_other_utilities_and_given_up_do_not_count() -> None:
    lines = {
        "W-1": main((0, 8), (300, 8)),
        "G-1": main((10, 8), (290, 8), utility="gas", pressure_mpa=0.2),
        "W-9": main((10, 8), (290, 8), status="abandoned"),
        "W-2": main((0, 8.9), (300, 8.9)),
    }
    found = mains_of(lines)
    assert (found["W-1"], found["G-1"], found["W-2"]) == ("W-1", "G-1", "W-2")


def test_cables_along_each_other_may_be_two_in_one_duct_and_who_runs_them_is_asked() -> None:
    cable = {"utility": "power", "voltage_kv": 10.0}
    lines = {
        "D-1": main((0, 8), (300, 8), **cable),
        "D-2": main((10, 8.1), (290, 8.1), **cable),
        "D-3": main((0, -8), (300, -8), **cable),
    }
    work = ground(town(lines=lines), application())
    assert dict(main_of_lines(work)) == {"D-1": "D-1", "D-2": "D-2", "D-3": "D-3"}
    assert are_joined(work, "D-1", "D-2")
    assert not are_joined(work, "D-1", "D-3")


def test_a_main_that_was_recorded_twice_feeds_but_once() -> None:
    twice = {"W-1": main((0, 8), (300, 8)), "W-2": main((10, 8.03), (290, 8.03))}
    case = application(demands={"water": {"nominal_mm": 150, "material": "PE", "feeds": 2}})
    work = ground(town(lines=twice), case)
    line = plan(case, work.survey, work.policy, corridors=work).lines["water"]
    assert line.second is not None
    assert line.second.reason == "no_other_source"
    assert line.judged is not None
    assert line.judged.verdict.outcome == "undetermined"
    assert screen(work, [case], ["water"]).iloc[0]["outcome"] == "undetermined"


def test_at_a_ring_main_unit_the_line_of_one_source_may_end_and_another_begin() -> None:
    cable = {"utility": "power", "voltage_kv": 10.0}
    lines = {"D-1": main((0, 8), (100, 8), **cable), "D-2": main((100, 8), (200, 8), **cable)}
    assert set(mains_of(lines).values()) == {"D-1"}
    unit = {"utility": "power", "kind": "ring_main_unit", "line_id": "D-1"}
    found = mains_of(lines, nodes={"N-1": node(100, 8, **unit)})
    assert found == {"D-1": "D-1", "D-2": "D-2"}

"""Mains: lines that continue each other are one; where mains meet, and of whose line a node is."""

from __future__ import annotations

from typing import Any

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


def test_a_branch_and_mains_that_meet_in_threes_are_mains_of_their_own() -> None:
    at_middle = {"W-1": main((0, 8), (100, 8)), "W-2": main((50, 8), (50, 90))}
    assert mains_of(at_middle) == {"W-1": "W-1", "W-2": "W-2"}
    in_threes = {
        "W-1": main((0, 8), (100, 8)),
        "W-2": main((100, 8), (200, 8)),
        "W-3": main((100, 8), (100, 90)),
    }
    assert mains_of(in_threes) == {name: name for name in in_threes}


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
    assert set(main_of_lines(work).values()) == set(lines)
    assert are_joined(work, "W-1", "W-3")
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


def test_at_a_ring_main_unit_the_line_of_one_source_may_end_and_another_begin() -> None:
    cable = {"utility": "power", "voltage_kv": 10.0}
    lines = {"D-1": main((0, 8), (100, 8), **cable), "D-2": main((100, 8), (200, 8), **cable)}
    assert set(mains_of(lines).values()) == {"D-1"}
    unit = {"utility": "power", "kind": "ring_main_unit", "line_id": "D-1"}
    found = mains_of(lines, nodes={"N-1": node(100, 8, **unit)})
    assert found == {"D-1": "D-1", "D-2": "D-2"}

"""Networks whose faults are known on paper, each with the sound one beside it."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.checks import check_layers
from layers.problems import Problem
from layers.survey import Survey
from tests.towns import ORIGIN, main, node, town

# Said of every layer of lines without sources.
_ALWAYS = {"sources_unknown"}


def problems_of(survey: Survey) -> list[Problem]:
    found = (one for _layer, some in check_layers(survey) for one in some)
    return [one for one in found if one.rule_id not in _ALWAYS]


def told(lines: Any, nodes: Any = None) -> list[Problem]:
    return problems_of(town(parcels={}, roads={}, lines=lines, nodes=nodes or {}))


def brief(problems: list[Problem]) -> set[tuple[str, str | None, str]]:
    return {(one.rule_id, one.feature_id, one.key) for one in problems if one.rule_id != "dangle"}


def valve(x: float, y: float, **values: Any) -> dict[str, Any]:
    return node(x, y, utility="water", kind="valve", **values)


def test_lines_that_meet_end_to_end_have_only_their_free_ends() -> None:
    problems = told({"W-1": main((0, 0), (50, 0)), "W-2": main((50, 0), (90, 0))})
    ends = {(one.feature_id, one.key) for one in problems}
    assert ends == {("W-1", "start"), ("W-2", "end")}
    assert {(one.rule_id, one.severity) for one in problems} == {("dangle", "note")}


def test_one_line_alone_of_its_utility_has_no_free_end_to_tell() -> None:
    assert told({"W-1": main((0, 0), (50, 0))}) == []


@pytest.mark.parametrize(
    ("gap", "found"),
    [(0.0, False), (0.009, False), (0.02, True), (0.3, True), (0.49, True), (0.6, False)],
)
def test_an_end_that_stops_short_of_a_line_is_a_near_miss(gap: float, found: bool) -> None:
    lines = {"W-1": main((0, 0), (100, 0)), "W-2": main((50, gap), (50, 40))}
    near = {one for one in brief(told(lines)) if one[0] == "near_miss"}
    assert near == ({("near_miss", "W-2", "start")} if found else set())


def test_one_gap_between_two_ends_is_told_once_at_the_later_id() -> None:
    lines = {"W-1": main((0, 0), (50, 0)), "W-2": main((50.3, 0), (90, 0))}
    assert brief(told(lines)) == {("near_miss", "W-2", "start")}


def test_an_end_short_of_a_node_misses_the_node() -> None:
    lines = {"W-1": main((0, 0), (50, 0)), "W-2": main((50, 0.3), (50, 40))}
    problems = told(lines, {"V-1": valve(50, 0)})
    (miss,) = [one for one in problems if one.rule_id == "near_miss"]
    assert miss.feature_id == "W-2"
    assert "V-1" in miss.rule
    assert (miss.x, miss.y) == (ORIGIN[0] + 50, ORIGIN[1] + 0.3)


def test_another_utility_is_neither_joined_nor_missed() -> None:
    lines = {
        "W-1": main((0, 0), (50, 0)),
        "W-2": main((50, 0), (90, 0)),
        "G-1": main((50, 0.3), (50, 40), utility="gas"),
        "G-2": main((50, 40), (90, 40), utility="gas"),
        "G-3": main((20, -40), (20, 40), utility="gas"),
    }
    assert brief(told(lines)) == {("line_alone", "G-3", "")}


def test_ends_lack_a_node_only_where_nearly_all_ends_have_one() -> None:
    chain = {f"W-{n:02}": main((10 * n, 0), (10 * n + 10, 0)) for n in range(12)}
    points = {f"V-{n:02}": valve(10 * n, 0) for n in range(12)}  # all but the last end
    lacking = ("end_without_node", "W-11", "end")
    assert brief(told(chain, points)) == {lacking}
    few = {name: points[name] for name in ("V-00", "V-05")}
    problems = told(chain, few)
    assert {(one.rule_id, one.feature_id, one.key) for one in problems} == {
        ("dangle", "W-11", "end")
    }


CROSS = {"W-1": main((0, 0), (100, 0)), "W-2": main((50, -50), (50, 50))}
CROSSING = ("crossing_without_node", "W-2", "W-1@582050.00,3502000.00")


def crossed(**second: Any) -> dict[str, Any]:
    return {"W-1": {**CROSS["W-1"], "depth_m": 1.0}, "W-2": {**CROSS["W-2"], **second}}


def test_a_crossing_of_unknown_levels_without_a_node_is_told_with_its_place() -> None:
    (one,) = [p for p in told(CROSS) if p.rule_id == "crossing_without_node"]
    assert brief([one]) == {CROSSING}
    assert (one.x, one.y) == (ORIGIN[0] + 50, ORIGIN[1])


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ({"depth_m": 1.0}, True),
        ({"depth_m": 1.35}, True),  # W-1 is 0.3 m high: 5 cm between them are no clear passage
        ({"depth_m": 1.45}, False),
        ({"depth_m": 0.5}, False),
        ({"laying": "overhead"}, False),
        ({"subtype": "transmission"}, False),
        ({"status": "abandoned"}, False),
        ({"status": "planned"}, False),
        ({"utility": "gas"}, False),
    ],
)
def test_lines_that_surely_pass_each_other_cross_without_a_node(
    second: dict[str, Any], found: bool
) -> None:
    rules = Counter(one.rule_id for one in told(crossed(**second)))
    assert rules["crossing_without_node"] == int(found)


def test_a_node_or_a_common_vertex_makes_a_crossing_a_joint() -> None:
    assert CROSSING not in brief(told(CROSS, {"V-1": valve(50, 0.2)}))
    assert CROSSING in brief(told(CROSS, {"V-1": node(50, 0, utility="gas", kind="valve")}))
    drawn = {"W-1": main((0, 0), (50, 0), (100, 0)), "W-2": main((50, -50), (50, 0), (50, 50))}
    assert brief(told(drawn)) == set()  # and it is one piece of network


def test_a_branch_from_the_middle_of_a_line_is_no_crossing() -> None:
    assert brief(told({"W-1": CROSS["W-1"], "W-2": main((50, 0), (50, 50))})) == set()


def test_pipes_that_share_a_stretch_are_told_with_its_length() -> None:
    lines = {"W-1": main((0, 0), (100, 0)), "W-2": main((60, 0), (100, 0), (100, 50))}
    (one,) = [p for p in told(lines) if p.rule_id == "overlapping_lines"]
    assert (one.feature_id, one.key, one.severity) == ("W-2", "W-1", "warning")
    assert "40.00" in one.rule
    cables = {name: {**line, "utility": "telecom"} for name, line in lines.items()}
    (same,) = [p for p in told(cables) if p.rule_id.startswith("overlapping")]
    assert (same.rule_id, same.severity) == ("overlapping_cables", "note")
    touching = {"W-1": main((0, 0), (100, 0)), "W-2": main((99.6, 0), (100, 0), (100, 50))}
    assert not [p for p in told(touching) if p.rule_id == "overlapping_lines"]


def test_a_line_that_is_there_twice_can_be_dropped_only_if_it_says_nothing_else() -> None:
    twice = {"W-1": main((0, 0), (100, 0)), "W-2": main((100, 0), (0, 0))}
    (one,) = [p for p in told(twice) if p.rule_id == "duplicate_line"]
    assert (one.feature_id, one.repair) == ("W-2", "drop_duplicate")
    twice["W-2"]["diameter_mm"] = 200.0
    (other,) = [p for p in told(twice) if p.rule_id == "duplicate_line"]
    assert other.repair is None


def test_pieces_of_network_are_told_once_for_each_utility() -> None:
    lines = {
        "W-1": main((0, 0), (60, 0)), "W-2": main((60, 0), (90, 0)),
        "W-3": main((0, 99), (5, 99)), "W-4": main((5, 99), (10, 99)),
    }  # fmt: skip
    (one,) = [p for p in told(lines) if p.rule_id == "network_pieces"]
    assert (one.feature_id, one.severity) == (None, "note")
    assert "2 片" in one.rule
    assert "90%" in one.rule


def low(*points: tuple[float, float]) -> dict[str, Any]:
    return main(*points, utility="power", subtype="low_voltage", voltage_kv=0.4)


def test_a_piece_of_low_voltage_network_without_a_transformer_is_told_once() -> None:
    lines = {
        "D-1": low((0, 0), (60, 0)), "D-2": low((60, 0), (90, 0)),
        "D-3": low((0, 99), (5, 99)), "D-4": low((5, 99), (20, 99)),
    }  # fmt: skip
    transformer = {"T-1": node(0, 0, utility="power", kind="transformer")}
    survey = town(parcels={}, roads={}, lines=lines, nodes=transformer)
    found = [one for _layer, some in check_layers(survey) for one in some]
    unfed = [one for one in found if one.rule_id == "no_source"]
    assert [(one.feature_id, one.severity) for one in unfed] == [("D-4", "warning")]
    assert "2 条,共 20.0 米" in unfed[0].rule
    assert not [one for one in found if one.rule_id == "sources_unknown"]


def test_without_a_known_source_that_is_said_once_and_no_line_is_blamed() -> None:
    lines = {"W-1": main((0, 0), (60, 0)), "G-1": main((0, 5), (60, 5), utility="gas")}
    found = [
        one
        for _layer, some in check_layers(town(parcels={}, roads={}, lines=lines))
        for one in some
    ]
    (one,) = [p for p in found if p.rule_id in {"sources_unknown", "no_source"}]
    assert (one.rule_id, one.feature_id, one.severity) == ("sources_unknown", None, "note")
    assert "燃气、给水" in one.rule


def grid(columns: int, rows: int, step: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """A network of streets' mains with a node at every joint."""
    lines, points = {}, {}
    for i in range(columns + 1):
        for j in range(rows + 1):
            x, y = i * step, j * step
            points[f"V-{i}-{j}"] = valve(x, y)
            if i < columns:
                lines[f"W-{i}-{j}-e"] = main((x, y), (x + step, y))
            if j < rows:
                lines[f"W-{i}-{j}-n"] = main((x, y), (x, y + step))
    return lines, points


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.floats(3, 500), st.booleans())
def test_a_clean_grid_has_no_problem(columns: int, rows: int, step: float, noded: bool) -> None:
    lines, points = grid(columns, rows, step)
    assert told(lines, points if noded else {}) == []


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_problem(chance: random.Random) -> None:
    lines, points = grid(3, 2, 50)
    lines["W-short"] = main((75, 0.3), (75, 25))
    lines["W-across"] = main((25, -10), (25, 110))
    lines["W-again"] = dict(lines["W-0-0-e"])
    names = list(lines)
    chance.shuffle(names)
    before = told(lines, points)
    after = told({name: lines[name] for name in names}, points)
    plain = [
        sorted((dataclasses.replace(one, row=None) for one in some), key=lambda p: p.problem_id)
        for some in (before, after)
    ]
    assert plain[0] == plain[1]
    assert len({one.problem_id for one in before}) == len(before) >= 5

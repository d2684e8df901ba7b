"""Network nodes behind the strip are joined straight from the red line."""

from __future__ import annotations

import pytest

from layers.utilities import load_utilities
from planning.tie_ins import TieIns, find_tie_ins
from tests import towns
from tests.towns import ground, node, town


def handhole(x: float, y: float) -> TieIns:
    survey = town(nodes={"H-1": node(x, y, utility="telecom", kind="handhole", free_holes=4)})
    corridors = ground(survey).corridors
    return find_tie_ins(corridors, survey, [load_utilities()["telecom"]], towns.policy())["telecom"]


def test_a_handhole_between_strip_and_red_line_is_joined_straight() -> None:
    # Strip at y = 6.75, handhole at 11, red line at 12 with its middle at x = 120: 1 m straight,
    # by way of the strip it would be 4.25 + 5.25 m.
    found = handhole(120, 11)
    assert found.table["length_m"].min() == pytest.approx(1.0)
    assert towns.xy(found.lines[found.table["length_m"].argmin()])[0] == (120.0, 12.0)
    assert found.table["length_m"].max() == pytest.approx(11 + 6.75)  # from the far strip


def test_a_handhole_that_the_way_to_the_red_line_passes_is_joined_straight_too() -> None:
    # 4 m before the middle of the red line, and 4 m before a place that is entered opposite it.
    for x in (120, 110):
        found = handhole(x, 8)
        starts = {towns.xy(line)[0]: line.length for line in found.lines}
        assert {round(y, 2) for _, y in starts} == {6.75, -6.75, 12.0}
        assert starts[x, 12.0] == pytest.approx(4.0)


def test_a_handhole_beside_the_strip_is_joined_from_no_red_line_aside() -> None:
    # 1.25 m from the strip, 4 m from the red line: not within 2.5 m, the strip and back.
    found = handhole(120, 8)
    starts = [towns.xy(line)[0] for line in found.lines]
    assert [x for x, y in starts if round(y, 2) == 12.0] == [120.0]

"""Nodes of a network are joined squarely from the strip of their own street."""

from __future__ import annotations

from typing import Any

import pytest
from shapely import box

from layers.utilities import load_utilities
from planning.tie_ins import TieIns, find_tie_ins
from tests import towns
from tests.towns import ground, node, street, town

# An avenue north along x = 0 from the usual street, their strips at 6.75 east and north of them.
CORNER = {"R-1": street((-150, 0), (150, 0)), "R-2": street((0, 0), (0, 150))}


def ring_main_unit(x: float, y: float, **layers: Any) -> TieIns:
    told = {"utility": "power", "kind": "ring_main_unit", "spare_bays": 2, "voltage_kv": 10.0}
    survey = town(roads=CORNER, parcels={}, nodes={"N-1": node(x, y, **told)}, **layers)
    corridors = ground(survey).corridors
    return find_tie_ins(corridors, survey, [load_utilities()["power"]], towns.policy())["power"]


def starts(found: TieIns) -> set[tuple[float, float]]:
    return {tuple(round(float(v), 2) for v in towns.xy(line)[0]) for line in found.lines}


@pytest.mark.parametrize("x", [8.0, 12.0, 15.0])
def test_a_node_beside_an_avenue_is_not_joined_along_it_from_the_street_at_its_end(
    x: float,
) -> None:
    # From the strip of the avenue 1.25 to 8.25 m; from that of the street 23.25 m along it.
    assert starts(ring_main_unit(x, 30)) == {(6.75, 30.0), (-6.75, 30.0)}


def test_a_node_away_from_the_avenue_is_joined_from_both_streets() -> None:
    # 13.25 and 23.25 m: that is no way beside the avenue.
    assert (20.0, 6.75) in starts(ring_main_unit(20, 30))


def test_a_node_near_the_corner_is_joined_from_both_streets() -> None:
    # 5.25 m from the strip of the avenue, 8.25 from that of the street: less than twice as far.
    assert {(12.0, 6.75), (6.75, 15.0)} <= starts(ring_main_unit(12, 15))


def test_along_the_avenue_it_is_joined_where_the_square_way_is_built_over() -> None:
    wall = {"B-1": {"geometry": box(8, 20, 11, 40)}}
    found = ring_main_unit(12, 30, buildings=wall)
    assert (6.75, 30.0) not in starts(found)
    assert (12.0, 6.75) in starts(found)

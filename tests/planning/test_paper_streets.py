"""Routes along one plain street, against lengths worked out on paper.

The street runs along y = 0 from x = 0; its northern strip lies at y = 6.75, parcels begin at
y = 12. Nothing is in the way, so a route leaves the main square, follows the strip and turns square
into the parcel.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString

from tests.towns import ground, line_of, main, node, parcel, street, town, xy

pytestmark = pytest.mark.slow_first

STRIP, RED_LINE = 6.75, 12.0
SIDES = (8.0, 9.5, 6.0, 4.0, 0.0, -3.0)


def _length(**layers: Any) -> float:
    changes = {name: layers.pop(name) for name in ("gate", "demands") if name in layers}
    utility = next(iter(changes.get("demands", {"water": None})))
    line = line_of(town(**layers), utility, **changes)
    assert line.route is not None, line.reason
    return float(line.routes["shortest"].line.length)


def _on_paper(x: float, main_from: float, main_to: float, y: float) -> float:
    """From a main at y between two places to a parcel entered at x."""
    along = max(0.0, main_from - x, x - main_to)
    if along > 0 and y > STRIP:
        return along + (y - STRIP) + (RED_LINE - STRIP)
    return along + RED_LINE - y


@settings(max_examples=60)
@given(
    tenths=st.integers(100, 2800),
    metres=st.sampled_from([4, 15, 60, 200]),
    y=st.sampled_from(SIDES),
    gate=st.one_of(st.none(), st.integers(1010, 1390)),
)
def test_a_main_anywhere_along_the_street_is_reached_the_short_way(
    tenths: int, metres: float, y: float, gate: int | None
) -> None:
    first, last = tenths / 10, min(295.0, tenths / 10 + metres)
    lines = {"W-1": main((first, y), (last, y))}
    entries = [102.0, 120.0, 138.0] if gate is None else [gate / 10]
    wish: dict[str, Any] = {} if gate is None else {"gate": (gate / 10, RED_LINE)}
    paper = min(_on_paper(x, first, last, y) for x in entries)
    assert _length(lines=lines, **wish) <= paper + 0.5


@pytest.mark.parametrize(("first", "last"), [(165, 195), (180, 300), (200, 300), (195, 199)])
def test_rails_across_the_street_are_crossed_with_it(first: float, last: float) -> None:
    rails = {"L-1": {"geometry": LineString([(160, -100), (160, 100)]), "electrified": True}}
    lines = {"W-1": main((first, 8), (last, 8))}
    paper = _on_paper(138.0, first, last, 8.0)
    assert _length(lines=lines, railways=rails) == pytest.approx(paper)


TELECOM = {"telecom": {"duct_holes": 2, "duct_outer_diameter_mm": 110}}
LONG = {
    "roads": {"R-1": street((0, 0), (500, 0))},
    "parcels": {"P-1": parcel(40, 12, 440, 90)},
}


@settings(max_examples=25)
@given(tenths=st.integers(430, 4370))
def test_a_handhole_before_a_long_red_line_is_joined_straight(tenths: int) -> None:
    nodes = {"H-1": node(tenths / 10, 8, utility="telecom", kind="handhole", free_holes=4)}
    length = _length(nodes=nodes, demands=TELECOM, **LONG)
    # Within half a metre of another place to enter it has none of its own.
    assert length == pytest.approx(4.0, abs=0.05)


@settings(max_examples=15)
@given(tenths=st.integers(430, 4300))
def test_a_long_red_line_is_entered_opposite_the_end_of_a_stub(tenths: int) -> None:
    stub = {"W-1": main((tenths / 10, 8), (tenths / 10 + 4, 8))}
    # Within half a metre of another place to enter it has none of its own.
    assert _length(lines=stub, **LONG) <= 1.25 + 0.5 + 5.25


def test_long_red_lines_have_places_to_enter_in_even_steps_and_short_ones_three() -> None:
    found = ground(town(**LONG)).corridors
    west_to_east = sorted(xy(_red_line_places(found)))
    assert [x for x, _ in west_to_east] == pytest.approx([42 + 19.8 * n for n in range(21)])
    assert len(ground(town()).corridors.end_nodes("P-1")) == 3


def test_a_node_opposite_adds_one_place_and_one_behind_the_corner_none() -> None:
    def places(*at: tuple[float, float]) -> int:
        nodes = {
            f"H-{number}": node(x, y, utility="telecom", kind="handhole", free_holes=4)
            for number, (x, y) in enumerate(at)
        }
        return len(ground(town(nodes=nodes)).corridors.end_nodes("P-1"))

    assert places((110, 8)) == 4
    assert places((110, 8), (110, 8), (110, -8)) == 4
    assert places((110, 8), (130, -8)) == 5
    assert places((95, 8)) == 3  # beside it
    assert places((120.4, 8)) == 3  # within half a metre of the middle
    assert places((120, 30)) == 3  # inside


def test_loose_ends_of_mains_add_places_and_ends_where_an_equal_one_goes_on_none() -> None:
    def places(*sizes: float, **changes: Any) -> int:
        mains = {
            f"W-{x}": main((x, 8), (x + 8, 8), diameter_mm=size, **changes)
            for x, size in zip((103, 111, 119), sizes, strict=False)
        }
        return len(ground(town(lines=mains)).corridors.end_nodes("P-1"))

    # Ends at x = 103, 111, 119 and 127; the middle of the red line is entered at 120.
    assert places(300) == 3 + 2
    assert places(300, 300) == 3 + 2
    assert places(300, 300, 300) == 3 + 2
    assert places(300, 100) == 3 + 3  # only the first is large enough for some pipes
    assert places(300, status="abandoned") == 3
    assert places(300, utility="power", subtype="medium_voltage") == 3  # joined at nodes only


def _red_line_places(corridors: Any) -> LineString:
    return LineString(corridors.graph.node_xy[corridors.end_nodes("P-1")])

"""Valid shapes that nobody drew on purpose: told with a place, and only those."""

from __future__ import annotations

from typing import Any

import pytest
from shapely import MultiPolygon, affinity
from shapely.geometry import LineString, Polygon, box
from shapely.geometry.base import BaseGeometry

from layers.checks import check_layers
from layers.problems import Problem
from tests.towns import ORIGIN, main, parcel, street, town


def told(**layers: Any) -> list[Problem]:
    layers.setdefault("parcels", {})
    layers.setdefault("roads", {})
    return [one for _layer, problems in check_layers(town(**layers)) for one in problems]


def rules_of(shape: BaseGeometry, layer: str) -> list[str]:
    """Rules that one shape breaks, those of networks and coverage aside."""
    like = {"lines": main, "roads": street}
    row = (
        {**parcel(0, 0, 1, 1), "geometry": shape}
        if layer == "parcels"
        else like[layer](*shape.coords)
    )
    aside = {"sources_unknown", "network_pieces"}
    return [one.rule_id for one in told(**{layer: {"X": row}}) if one.rule_id not in aside]


SQUARE = [(0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0)]
GOOD = {
    "a square": (Polygon(SQUARE), "parcels"),
    "a corner of three degrees": (Polygon([(0, 0), (20, 0), (20, 1.05)]), "parcels"),
    "a well cut out": (Polygon(SQUARE, [box(5, 5, 6, 6).exterior.coords]), "parcels"),
    "a long strip": (box(0, 0, 100, 0.3), "parcels"),
    "a right turn": (LineString([(0, 0), (50, 0), (50, 50)]), "lines"),
    "a closed loop": (LineString([(0, 0), (50, 0), (50, 50), (0, 0)]), "lines"),
    "a loop left open on purpose": (LineString([(0, 0), (50, 0), (50, 50), (0, 1)]), "lines"),
    "a loop that ends on its own middle": (
        LineString([(0, 0), (50, 0), (50, 50), (20, 50), (20, 0)]),
        "roads",
    ),
    "a short hook": (LineString([(0, 0), (1, 0), (1, 0.4), (0, 0.4)]), "lines"),
    "a short stub": (LineString([(0, 0), (0.06, 0)]), "lines"),
}
BAD = {
    "repeated_vertices": (LineString([(0, 0), (5, 0), (5, 0), (9, 0)]), "lines"),
    "spike": (LineString([(0, 0), (9, 0), (7, 0.01), (7, 9)]), "lines"),
    "self_crossing": (LineString([(0, 0), (10, 0), (10, 10), (5, -5)]), "lines"),
    "nearly_closed": (LineString([(0, 0), (50, 0), (50, 50), (0, 0.3)]), "roads"),
    "short_line": (LineString([(0, 0), (0.04, 0)]), "lines"),
    # 60 m by 5 cm: twice the area over the perimeter is 0.04996.
    "sliver": (box(0, 0, 60, 0.05), "parcels"),
    "tiny_hole": (Polygon(SQUARE, [box(5, 5, 5.2, 5.2).exterior.coords]), "parcels"),
    "hole_touching": (Polygon(SQUARE, [[(0, 10), (5, 8), (5, 12)]]), "parcels"),
    "multipart": (MultiPolygon([box(0, 0, 9, 9), box(20, 0, 29, 9)]), "parcels"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_sound_shape_breaks_no_rule(name: str) -> None:
    assert rules_of(*GOOD[name]) == []


@pytest.mark.parametrize("rule", BAD)
def test_a_faulty_shape_breaks_its_own_rule_and_no_other(rule: str) -> None:
    assert rules_of(*BAD[rule]) == [rule]


@pytest.mark.parametrize("turn", [0, 1, 2, 3, 4])
def test_a_spike_of_a_ring_is_found_wherever_the_ring_begins(turn: int) -> None:
    corners = [(0, 0), (20, 0), (20, 20), (10, 20), (10.0, 45), (9.9, 20), (0, 20)]
    ring = [*corners[turn:], *corners[:turn]]
    (one,) = told(parcels={"X": {**parcel(0, 0, 1, 1), "geometry": Polygon(ring)}})
    assert one.rule_id == "spike"
    assert (one.x, one.y) == (ORIGIN[0] + 10, ORIGIN[1] + 45)


def test_a_parcel_far_from_all_others_is_told_where_it_is() -> None:
    near = {f"P-{n}": parcel(50 * n, 0, 50 * n + 40, 40) for n in range(8)}
    assert told(parcels=near) == []
    far = {"P-far": {**parcel(0, 0, 40, 40), "geometry": affinity.translate(box(0, 0, 9, 9), 9e4)}}
    mine = [one for one in told(parcels={**near, **far}) if one.rule_id == "far_away"]
    assert [one.feature_id for one in mine] == ["P-far"]
    assert mine[0].x is not None
    assert mine[0].x > ORIGIN[0] + 80_000


def test_a_gap_between_neighbours_is_a_note_with_its_place() -> None:
    one, two = parcel(0, 0, 40, 40), parcel(40.03, 0, 80, 40)
    (gap,) = told(parcels={"P-1": one, "P-2": two})
    assert (gap.rule_id, gap.severity, gap.key) == ("tiny_gap", "note", "P-1")
    assert "0.030" in gap.rule
    assert told(parcels={"P-1": one, "P-2": parcel(40, 0, 80, 40)}) == []
    assert told(parcels={"P-1": one, "P-2": parcel(40.2, 0, 80, 40)}) == []


def test_a_street_that_crosses_itself_may_stay_as_it_is() -> None:
    (one,) = told(roads={"X": street((0, 0), (50, 0), (50, 50), (20, 50), (20, -30))})
    assert (one.rule_id, one.severity) == ("self_crossing", "warning")
    assert "可以保留" in one.cure

"""Things twice in one place, over each other or joined to nothing: each told, none fatal."""

from __future__ import annotations

from typing import Any

import pytest
from shapely.geometry import Polygon, box

from layers.checks import check_layers
from layers.problems import Problem
from tests.towns import main, node, parcel, street, town


def told(**layers: Any) -> list[Problem]:
    layers.setdefault("parcels", {})
    layers.setdefault("roads", {"R-1": street((0, 0), (300, 0))})
    told = (one for _layer, problems in check_layers(town(**layers)) for one in problems)
    return [one for one in told if one.severity != "note"]


def ids(problems: list[Problem]) -> list[tuple[str, str | None]]:
    return [(one.layer, one.feature_id) for one in problems]


def test_a_sound_town_has_no_problem() -> None:
    mains = {"W-1": main((0, 8), (100, 8)), "W-2": main((100, 8), (300, 8))}
    parcels = {"P-1": parcel(100, 12, 140, 52), "P-2": parcel(140, 12, 180, 52)}
    assert told(lines=mains, parcels=parcels) == []


@pytest.mark.parametrize("points", [((0, 0), (300, 0)), ((300, 0), (0, 0))])
def test_a_road_that_is_there_twice_is_named_with_the_first(points: Any) -> None:
    roads = {"R-1": street((0, 0), (300, 0)), "R-again": street(*points)}
    (one,) = told(roads=roads)
    assert (one.feature_id, one.severity) == ("R-again", "warning")
    assert "R-1" in one.rule
    assert "请" in one.cure


def test_roads_that_share_only_a_part_are_not_the_same() -> None:
    assert told(roads={"R-1": street((0, 0), (300, 0)), "R-2": street((0, 0), (299, 0))}) == []


def test_overlapping_parcels_tell_how_much_and_of_which() -> None:
    parcels = {"P-1": parcel(100, 12, 140, 52), "P-2": parcel(130, 12, 170, 52)}
    (one,) = told(parcels=parcels)
    assert one.feature_id == "P-2"
    assert "P-1" in one.rule
    assert "400.0" in one.rule  # 10 m by 40 m


def test_slivers_between_neighbours_are_drawing_and_no_overlap() -> None:
    # 1 cm over 40 m is 0.4 m².
    parcels = {"P-1": parcel(100, 12, 140, 52), "P-2": parcel(139.99, 12, 170, 52)}
    assert told(parcels=parcels) == []


def test_a_parcel_inside_a_carriageway_tells_the_road_and_the_area() -> None:
    (one,) = told(parcels={"P-1": parcel(200, -4, 215, 4)})
    assert one.feature_id == "P-1"
    assert "R-1" in one.rule
    assert "120.0" in one.rule  # 15 m by 8 m, all of it between the kerbs


def test_a_road_of_unknown_width_covers_no_parcel() -> None:
    roads = {"R-1": street((0, 0), (300, 0), carriageway_width_m=None)}
    assert told(roads=roads, parcels={"P-1": parcel(200, -4, 215, 4)}) == []


def test_a_main_that_joins_no_other_of_its_network_is_told() -> None:
    mains = {
        "W-1": main((0, 8), (100, 8)),
        "W-2": main((100, 8), (200, 8)),
        "W-alone": main((0, -9), (50, -9)),
        "G-only": main((0, -8), (50, -8), utility="gas"),  # nothing to be joined to
    }
    assert ids(told(lines=mains)) == [("lines", "W-alone")]
    valve = {"V-1": node(50, -9, utility="water", kind="valve")}
    assert told(lines=mains, nodes=valve) == []


def test_a_road_without_length_is_an_error_of_its_shape() -> None:
    roads = {"R-1": street((0, 0), (300, 0)), "R-0": street((150, 0), (150, 0))}
    (one,) = told(roads=roads)
    assert (one.feature_id, one.severity) == ("R-0", "error")


def test_unusable_shapes_are_told_once_and_stop_no_other_check() -> None:
    crossed = Polygon([(0, 20), (10, 30), (10, 20), (0, 30)])
    parcels = {
        "P-bad": {**parcel(0, 0, 1, 1), "geometry": crossed},
        "P-1": parcel(100, 12, 140, 52),
        "P-2": {**parcel(0, 0, 1, 1), "geometry": box(100, 12, 140, 52)},
    }
    # The same shape again, and so all of it overlaps.
    assert ids(told(parcels=parcels)) == [
        ("parcels", "P-bad"),
        ("parcels", "P-2"),
        ("parcels", "P-2"),
    ]

"""Faulty drawings: every case gets its route or a reason, and one fault spoils nothing else."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from shapely.geometry import Polygon

from layers.errors import LayerError
from planning.batch import cases_of, screen
from planning.red_lines import overlapping_parcels
from tests import towns
from tests.towns import main, parcel, street, town

STREET = {"R-1": street((0, 0), (300, 0))}
MAIN = {"W-1": main((0, 8), (300, 8))}


def answers(**layers: towns.Rows) -> dict[str, tuple[str, str | None]]:
    """Status and reason of water by parcel."""
    survey = town(**{"roads": STREET, "lines": MAIN, **layers})
    table = screen(towns.ground(survey), cases_of(survey, [], date.fromisoformat(towns.DIG_DATE)))
    water = table[table["utility"] == "water"]
    return {
        row.parcel_id: (row.status, row.reason if isinstance(row.reason, str) else None)
        for row in water.itertuples()
    }


ROUTED = ("routed", None)


@pytest.mark.parametrize(
    "fault",
    [
        street((150, 0), (150, 0)),
        street((0, 0), (300, 0)),
        street((200, 0), (50, 0)),
        street((150, 0), (150, 2)),
    ],
    ids=["zero length", "twice", "partly twice and reversed", "a stub in the carriageway"],
)
def test_a_faulty_road_beside_a_sound_one_changes_no_route(fault: dict[str, object]) -> None:
    sound = town(roads=STREET, lines=MAIN)
    faulty = town(roads={**STREET, "R-0": fault}, lines=MAIN)
    one, two = towns.line_of(sound).route, towns.line_of(faulty).route
    assert one is not None
    assert two is not None
    assert towns.xy(two.line) == towns.xy(one.line)
    assert two.figures["kerb_m"] == pytest.approx(one.figures["kerb_m"])


def test_roads_without_any_length_are_refused_with_the_layer_to_mend() -> None:
    with pytest.raises(LayerError, match="roads"):
        answers(roads={"R-0": street((150, 0), (150, 0))})


def test_a_parcel_drawn_across_the_road_is_reached_where_the_strip_ends_at_it() -> None:
    parcels = {"P-1": parcel(100, -30, 140, 30), "P-2": parcel(200, 12, 220, 40)}
    assert answers(parcels=parcels) == {"P-1": ROUTED, "P-2": ROUTED}


def test_a_parcel_inside_the_carriageway_stops_only_itself_at_most() -> None:
    parcels = {"P-1": parcel(100, -3, 140, 3), "P-2": parcel(200, 12, 220, 40)}
    assert answers(parcels=parcels)["P-2"] == ROUTED


def test_overlapping_parcels_are_served_where_their_red_line_can_be_reached() -> None:
    overlapping = {
        "P-1": parcel(100, 12, 140, 40),
        "P-2": parcel(120, 12, 160, 40),
        "P-inside": parcel(105, 15, 110, 30),
    }
    assert answers(parcels=overlapping) == {
        "P-1": ROUTED,
        "P-2": ROUTED,
        "P-inside": ("unroutable", "disconnected"),
    }


def test_a_parcel_whose_red_line_crosses_itself_stops_no_other() -> None:
    # A bow tie across the red line of P-1: with that no overlap can be reckoned.
    tie = {**parcel(0, 0, 1, 1), "geometry": Polygon([(130, 20), (170, 60), (170, 20), (130, 60)])}
    crossed = {"P-1": parcel(100, 12, 140, 52), "P-tie": tie, "P-2": parcel(200, 12, 240, 52)}
    found = answers(parcels=crossed)
    assert (found["P-1"], found["P-2"]) == (ROUTED, ROUTED)
    work = towns.ground(town(parcels=crossed))
    ids = ["P-1", "P-tie", "P-2"]
    overlapping = overlapping_parcels(work, ids, np.full(3, 0.1))
    # Of the triangle 40 m at x = 130 and 0 at 150 what is west of x = 140 and south of y = 52:
    # 8 m of 32 to 24 m, and 2 m of 24 to 20.
    assert dict(zip(overlapping.parcel.tolist(), overlapping.shared_m2.tolist(), strict=True)) == (
        pytest.approx({0: 8 * 28.0 + 2 * 22.0, 1: 268.0})
    )


def test_of_a_network_in_pieces_only_the_joined_one_serves() -> None:
    roads = {**STREET, "R-2": street((0, 500), (300, 500))}
    parcels = {"P-1": parcel(100, 12, 140, 40), "P-2": parcel(100, 512, 140, 540)}
    assert answers(roads=roads, parcels=parcels) == {
        "P-1": ROUTED,
        "P-2": ("unroutable", "disconnected"),
    }


def test_mains_that_no_corridor_reaches_are_no_tie_in() -> None:
    far = {"W-1": main((5000, 5000), (5100, 5000))}
    assert answers(lines=far) == {"P-1": ("unroutable", "no_tie_in")}


def test_a_main_that_ends_nowhere_still_serves_what_it_passes() -> None:
    short = {"W-1": main((110, 8), (130, 8))}
    assert answers(lines=short) == {"P-1": ROUTED}


def test_a_parcel_out_of_reach_says_the_gap() -> None:
    survey = town(roads=STREET, lines=MAIN, parcels={"P-1": parcel(100, 60, 140, 90)})
    line = towns.line_of(survey)
    assert (line.status, line.reason) == ("unroutable", "gap_too_wide")
    assert line.gap_m == pytest.approx(60 - 6.75)


def test_streets_that_miss_each_other_by_a_hand_are_one_net() -> None:
    roads = {**STREET, "R-2": street((150, 0.1), (150, 200))}
    assert answers(roads=roads, parcels={"P-1": parcel(160, 100, 190, 140)}) == {"P-1": ROUTED}

"""Ways from the corridors to mains: square where they can be, none that another makes needless."""

from __future__ import annotations

import numpy as np
from shapely.geometry import box

from layers.utilities import load_utilities
from planning.tie_ins import BLOCKED, OBLIQUE, TieIns, _after_any, find_tie_ins
from tests import towns
from tests.towns import ground, main, street, town

Path = list[tuple[float, float]]


def water(**layers: towns.Rows) -> TieIns:
    survey = town(**{"parcels": {}, **layers})
    utilities = [load_utilities()["water"]]
    return find_tie_ins(ground(survey).corridors, survey, utilities, towns.policy())["water"]


def paths(found: TieIns) -> list[Path]:
    return [[(round(x, 2), round(y, 2)) for x, y in towns.xy(line)] for line in found.lines]


def starting(found: TieIns, x: float, y: float) -> dict[str, Path]:
    """Ways from one node of the graph, by the main that they join."""
    pairs = zip(found.feature_ids, paths(found), strict=True)
    return {key: path for key, path in pairs if path[0] == (x, y)}


def test_the_end_of_a_main_is_joined_square_to_the_strip() -> None:
    # Mid-block crossings give the strips nodes at x = 30, 90, ...
    found = water(lines={"W-1": main((0, 8), (20, 8))})
    assert starting(found, 30, 6.75) == {"W-1": [(30, 6.75), (20, 6.75), (20, 8)]}
    # From the other side the road is crossed square too, not by 14.75 m in 10 m.
    assert starting(found, 30, -6.75) == {"W-1": [(30, -6.75), (20, -6.75), (20, 8)]}
    assert found.closed.empty


def test_a_square_way_that_is_blocked_leaves_the_straight_one() -> None:
    shed = {"B-1": {"geometry": box(19, 7, 21, 7.5)}}
    found = water(lines={"W-1": main((0, 8), (21.5, 8))}, buildings=shed)
    assert starting(found, 30, 6.75) == {"W-1": [(30, 6.75), (21.5, 6.75), (21.5, 8)]}
    found = water(lines={"W-1": main((0, 8), (20.5, 8))}, buildings=shed)
    assert starting(found, 30, 6.75) == {"W-1": [(30, 6.75), (20.5, 8)]}
    assert set(found.closed["reason"]) == {BLOCKED}


def test_a_main_is_tapped_where_a_strip_runs_over_it() -> None:
    # x = 235 + 10 * 6.75 / 12 = 240.625 on the northern strip, between the nodes at 210 and 270.
    found = water(lines={"W-1": main((235, 0), (245, 12))})
    ends = {path[-1] for path in paths(found) if {y for _, y in path} == {6.75}}
    assert ends == {(240.62, 6.75)}
    lengths = found.table["length_m"].round(3).tolist()
    assert 30.625 in lengths  # from x = 210
    assert 29.375 in lengths  # from x = 270


def test_a_main_that_goes_on_is_joined_at_the_nearest_point_and_nowhere_else() -> None:
    lines = {"W-1": main((0, 8), (100, 8)), "W-2": main((100, 8), (300, 8))}
    for start, start_y in [((30, 6.75), 6.75), ((90, 6.75), 6.75), ((90, -6.75), -6.75)]:
        assert starting(water(lines=lines), *start) == (
            {} if start_y < 0 else {"W-1": [start, (start[0], 8)]}
        )


def test_a_main_of_another_size_is_joined_beside_the_nearest() -> None:
    lines = {"W-1": main((0, 8), (100, 8)), "W-2": main((100, 8), (300, 8), diameter_mm=600)}
    assert set(starting(water(lines=lines), 90, 6.75)) == {"W-1", "W-2"}


def test_what_is_needless_is_tried_where_the_nearest_point_is_blocked() -> None:
    lines = {"W-1": main((0, 8), (100, 8)), "W-2": main((100, 8), (300, 8))}
    shed = {"B-1": {"geometry": box(89, 7, 91, 7.5)}}
    found = water(lines=lines, buildings=shed)
    assert starting(found, 90, 6.75) == {"W-2": [(90, 6.75), (100, 8)]}


def test_no_way_leads_over_an_equal_main_to_another() -> None:
    lines = {"W-1": main((0, 8), (300, 8)), "W-2": main((0, 9), (300, 9))}
    assert set(water(lines=lines).feature_ids) == {"W-1"}
    lines["W-2"] = main((0, 9), (300, 9), diameter_mm=600)
    assert set(water(lines=lines).feature_ids) == {"W-1", "W-2"}


def test_ways_across_the_street_go_by_way_of_the_crossing_there() -> None:
    # From the far strip straight on over the near one: the crossing edge is the same way.
    found = water(lines={"W-1": main((0, 8), (300, 8))})
    assert starting(found, 90, -6.75) == {}
    assert starting(found, 90, 6.75) == {"W-1": [(90, 6.75), (90, 8)]}


def test_closed_ways_tell_their_main_and_reason() -> None:
    wall = {"B-1": {"geometry": box(-50, 14, 350, 15)}}
    closed = water(lines={"W-1": main((0, 20), (300, 20))}, buildings=wall).closed
    assert set(zip(closed["feature_id"], closed["reason"], strict=True)) == {("W-1", BLOCKED)}
    # Ways to a main at 45 degrees to the street would cross it at 45 degrees.
    assert set(water(lines={"W-1": main((0, -60), (300, 240))}).closed["reason"]) == {OBLIQUE}


def test_the_ways_of_a_utility_do_not_hang_on_the_others() -> None:
    lines = {
        "W-1": main((0, 8), (300, 8)),
        "G-1": main((0, 9), (300, 9), utility="gas"),
        "S-1": main((0, -9), (300, -9), utility="sewage", subtype="main"),
    }
    survey = town(lines=lines)
    corridors, utilities = ground(survey).corridors, load_utilities()
    together = find_tie_ins(corridors, survey, utilities.values(), towns.policy())
    for key in ("water", "gas", "sewage"):
        alone = find_tie_ins(corridors, survey, [utilities[key]], towns.policy())[key]
        assert alone.table.equals(together[key].table)
        assert paths(alone) == paths(together[key])
        assert alone.crossings.equals(together[key].crossings)


def test_ways_that_may_come_to_be_due_follow_their_covers_step_by_step() -> None:
    # 0 and 1 cover nothing needless but 2 (by 0), 3 (by 2), 4 (by 1); 5 is covered by 4.
    cover, closed = np.array([-1, -1, 0, 2, 1, 4]), np.array([True] + 5 * [False])
    assert _after_any(cover, closed).tolist() == [2, 3]
    assert _after_any(cover, ~closed & (cover < 0)).tolist() == [4, 5]
    assert _after_any(cover, np.zeros(6, bool)).tolist() == []


def test_a_way_that_would_run_askew_beside_a_strip_follows_it() -> None:
    # The strips of the arm run at x = 150 -+ 6.75, its kerb at 145; the main ends 1.25 m beside
    # the western one. From the ring's strip over the mouth the main is 29 m away in a straight
    # line that nearly touches the kerb: from there nobody goes but along the strip.
    ring = [(25 * np.cos(a), 25 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 33)]
    ring = [(150 + x, y) for x, y in [*ring[:-1], ring[0]]]
    roads = {"O": street(*ring), "S": street((150, -180), (150, -25))}
    found = water(roads=roads, lines={"W-1": main((142, -180), (142, -60))})
    to_end = {tuple(path) for path in paths(found) if path[-1] == (142, -60)}
    assert {path[-2] for path in to_end} <= {(143.25, -60), (156.75, -60)}
    assert any(path[0] == (143.25, -50.83) for path in to_end)

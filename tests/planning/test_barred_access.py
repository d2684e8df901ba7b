"""What stands between a corridor and a red line in its reach is named, with its cure."""

from __future__ import annotations

from itertools import pairwise

import pytest
import shapely
from shapely.geometry import LineString, box

from layers.survey import Survey
from planning.notices import Notice
from planning.plan import Plan, plan
from reports.summary import plan_summary
from tests import towns
from tests.towns import application, main, parcel, town

# The strip lies at y = 6.75, the red line of P-1 at y = 12 from x = 100 to 140.
MAIN = {"W-1": main((0, 8), (300, 8))}
USUAL = {"P-1": parcel(100, 12, 140, 52)}
DITCH = {"D-1": {"geometry": box(0, 10.5, 300, 11.5)}}


def planned(survey: Survey, **changes: object) -> Plan:
    return plan(application(**changes), survey, towns.policy())


def told(survey: Survey, **changes: object) -> list[Notice]:
    """Notices of what bars the line, which is "disconnected" then."""
    made = planned(survey, **changes)
    assert made.lines["water"].reason == "disconnected"
    return [one for one in made.notices if one.kind == "access_barred"]


def test_a_ditch_before_the_red_line_is_named_with_its_cure() -> None:
    [one] = told(town(lines=MAIN, water_bodies=DITCH))
    assert (one.layer, one.feature_id, one.utilities) == ("water_bodies", "D-1", ("water",))
    assert one.text == (
        "水体 D-1 隔在管线走廊与宗地 P-1 的红线之间,管线只随道路过水:"
        "请补录跨过它的道路;已加盖板或设涵的一段请从水体图层中断开"
    )


def test_a_sliver_of_another_parcel_is_named() -> None:
    sliver = {"X": parcel(0, 11, 300, 11.5)}
    [one] = told(town(lines=MAIN, parcels={**USUAL, **sliver}))
    assert (one.layer, one.feature_id) == ("parcels", "X")
    assert "宗地 X 隔在管线走廊与宗地 P-1 的红线之间" in one.text


def test_a_parcel_that_overlaps_tells_how_much() -> None:
    # X reaches 3 m into P-1 along its whole front of 40 m and 1 m beyond at both ends.
    cover = {"X": parcel(90, 11, 150, 15)}
    [one] = told(town(lines=MAIN, parcels={**USUAL, **cover}), gate=[120, 12])
    assert one.text == (
        "宗地 P-1 与宗地 X 重叠 120 平方米,通往宗地 P-1 的接口的连接段都被挡住:请核对两块宗地的红线"
    )


def test_a_parcel_inside_another_names_the_other() -> None:
    parcels = {"P-1": parcel(110, 15, 130, 25), "X": parcel(100, 12, 140, 52)}
    [one] = told(town(lines=MAIN, parcels=parcels))
    assert (one.layer, one.feature_id) == ("parcels", "X")
    assert "重叠 200 平方米" in one.text


def test_a_wall_and_rails_are_named() -> None:
    wall = {"B-1": {"geometry": box(40, 9, 200, 11)}}
    [one] = told(town(lines=MAIN, buildings=wall))
    assert (one.layer, one.feature_id) == ("buildings", "B-1")
    rails = {"L-1": {"geometry": LineString([(-400, 11), (700, 11)])}}
    [one] = told(town(lines=MAIN, railways=rails))
    assert (one.layer, one.feature_id) == ("railways", "L-1")


def test_what_bars_most_ways_comes_first_and_three_are_named() -> None:
    # Five ditches end to end before a front from x = 0 to 100: the first bars most of the points.
    ends = [-60, 60, 70, 80, 90, 160]
    ditches = {
        f"D-{k}": {"geometry": box(a, 10.5, b, 11.5)} for k, (a, b) in enumerate(pairwise(ends))
    }
    found = told(town(lines=MAIN, parcels={"P-1": parcel(0, 12, 100, 52)}, water_bodies=ditches))
    assert len(found) == 3
    assert found[0].feature_id == "D-0"


@pytest.mark.parametrize("cut", [box(118, 10, 122, 12), box(138, 10, 150, 12)])
def test_a_line_with_a_free_way_is_told_of_nothing(cut: shapely.Polygon) -> None:
    ditch = shapely.get_parts(shapely.difference(box(0, 10.5, 300, 11.5), cut))
    rows = {f"D-{k}": {"geometry": part} for k, part in enumerate(ditch)}
    made = planned(town(lines=MAIN, water_bodies=rows))
    assert made.lines["water"].status == "routed"
    assert not [one for one in made.notices if one.kind == "access_barred"]


def test_streets_that_do_not_join_are_told_as_before() -> None:
    roads = {"R-1": towns.street((0, 0), (300, 0)), "R-2": towns.street((0, 500), (300, 500))}
    made = planned(town(roads=roads, lines=MAIN, parcels={"P-1": parcel(100, 512, 140, 540)}))
    assert made.lines["water"].reason == "disconnected"
    assert made.notices == ()
    [line] = [one for one in plan_summary(made) if "无法布置" in one]
    assert "请核对道路图层是否有断点" in line


def test_the_summary_tells_it_once_beside_the_reason_and_not_of_gaps_in_roads() -> None:
    made = planned(town(lines=MAIN, water_bodies=DITCH))
    [line] = [one for one in plan_summary(made) if "水体 D-1" in one]
    assert "无法布置:走廊不连通;水体 D-1" in line
    assert "断点" not in line

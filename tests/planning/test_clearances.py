"""Clearances of a line to what lies near it, worked out on paper.

The new line is PE DN200 water (outer diameter 0.20 m: half is 0.10 m) along y = 8 from x = 50 to
150 unless said otherwise; the kerb of the usual street is at y = 5. Rows of the tables: water of
at most DN200 to sewers 1.00 m, to a building 1.00 m, to a tree 1.50 m, to the kerb 1.50 m, to
rails 5.00 m (4.1.9); over a sewer 0.40 m (4.1.14); least cover of PE water 0.60 m (4.1.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from shapely import affinity
from shapely.geometry import LineString, Point, box

from planning.clearance_records import STATUSES, Clearance, count_statuses, judge_gap, overlaps
from planning.clearances import clearances, depth_questions
from planning.existing_pipes import existing_pipe
from planning.gravity import Profile
from planning.plan import plan
from planning.standards import Pipe, TableValue, load_standards
from tests import towns
from tests.towns import ORIGIN, Rows, main, street

WATER = Pipe("water", nominal_mm=200, material="PE")
ALONG = LineString([(50, 8), (150, 8)])
# A DN300 concrete pipe is 0.36 m wide outside (wall included): its half is read off the table.
SEWER = {"utility": "sewage", "subtype": "main", "diameter_mm": 300.0, "material": "HDPE"}
SEWER_HALF_M = (load_standards().outer_size_m(Pipe("sewage", 300, material="HDPE")) or (0, 0))[
    0
] / 2


def found(
    line: LineString = ALONG,
    pipe: Pipe = WATER,
    profile: Profile | None = None,
    *,
    absent: tuple[str, ...] = (),
    **layers: Rows,
) -> list[Clearance]:
    """Clearances in the usual town; entries of networks never imported are left out."""
    work = towns.ground(towns.town(absent=absent, **layers))
    moved = affinity.translate(line, *ORIGIN)
    return [c for c in clearances(work, pipe, moved, profile) if c.id is not None]


def only(against: str, pairs: list[Clearance], direction: str = "parallel") -> Clearance:
    (one,) = [c for c in pairs if (c.against, c.direction) == (against, direction)]
    return one


def sewer(y: float, **changes: Any) -> Mapping[str, Any]:
    """A sewer along the street at y, located to the centimetre."""
    return main((0, y), (300, y), **{**SEWER, "position_accuracy_m": 0.01, **changes})


# --- side by side -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faces_m", "status"),
    [(1.00, "pass"), (1.02, "pass"), (0.999, "fail"), (0.5, "fail"), (2.9, "pass")],
)
def test_the_gap_is_between_outer_faces_and_the_bound_passes(faces_m: float, status: str) -> None:
    y = 8 + 0.10 + faces_m + SEWER_HALF_M
    lines = {"S-1": sewer(y, position_accuracy_m=1e-9)}
    one = only("line", found(lines=lines))
    assert one.status == status
    assert one.gap_m == pytest.approx(faces_m)
    assert one.margin_m == pytest.approx(faces_m - 1.00, abs=1e-6)
    assert (one.required_m, one.ref, one.source) == (1.0, "4.1.9", "GB 50289-2016 table 4.1.9")
    assert one.confidence == "verified"
    assert (one.layer, one.id, one.utility) == ("lines", "S-1", "sewage")


@pytest.mark.parametrize(
    ("faces_m", "status"),
    [(1.25, "pass"), (1.24, "uncertain"), (0.76, "uncertain"), (0.74, "fail")],
)
def test_the_tolerance_is_subtracted(faces_m: float, status: str) -> None:
    y = 8 + 0.10 + faces_m + SEWER_HALF_M
    one = only("line", found(lines={"S-1": sewer(y, position_accuracy_m=0.125)}))
    assert (one.status, one.tolerance_m) == (status, 0.25)


def test_an_unknown_tolerance_settles_nothing() -> None:
    for y, drawn in ((8.5, "图上低于表列净距"), (10.5, "图上满足")):
        one = only("line", found(lines={"S-1": sewer(y, position_accuracy_m=None)}))
        assert (one.status, one.tolerance_m) == ("uncertain", None)
        assert drawn in one.text


def test_an_unknown_size_can_only_make_the_gap_smaller() -> None:
    # To the centre line of the sewer: 1.5 - 0.1 = 1.4 m, enough for a pipe without a width.
    far = only("line", found(lines={"S-1": sewer(9.5, diameter_mm=None)}))
    assert (far.status, far.gap_m) == ("uncertain", pytest.approx(1.4))
    near = only("line", found(lines={"S-1": sewer(8.9, diameter_mm=None)}))
    assert (near.status, near.gap_m) == ("fail", pytest.approx(0.8))
    unsized = replace(WATER, nominal_mm=None)
    assert only("line", found(pipe=unsized, lines={"S-1": sewer(10.5)})).status == "uncertain"


@pytest.mark.parametrize(
    ("told", "half_m", "exact"),
    [
        ({"outer_diameter_mm": 315.0}, 0.1575, True),
        ({"section_width_mm": 3000.0, "section_height_mm": 1500.0}, 1.5, False),
        ({"diameter_mm": 3600.0, "material": "砼"}, 1.8, False),
    ],
    ids=["outside diameter", "clear width of a culvert", "larger than the table"],
)
def test_the_width_of_a_line_is_read_however_it_is_on_record(
    told: dict[str, Any], half_m: float, exact: bool
) -> None:
    """A culvert's walls and what is larger than the table are left: it is as wide at least."""
    for faces_m, status in ((0.9, "fail"), (1.1, "pass" if exact else "uncertain")):
        blank = {"diameter_mm": None, "material": None}
        one = only("line", found(lines={"S-1": sewer(8.1 + half_m + faces_m, **{**blank, **told})}))
        assert (one.status, one.gap_m) == (status, pytest.approx(faces_m))


def test_a_wide_culvert_is_seen_though_its_centre_lies_far_off() -> None:
    culvert = {"diameter_mm": None, "section_width_mm": 9000.0, "section_height_mm": 2000.0}
    one = only("line", found(lines={"S-1": sewer(8.1 + 4.5 + 0.5, **culvert)}))
    assert (one.status, one.gap_m) == ("fail", pytest.approx(0.5))


def test_a_line_of_unknown_size_that_is_crossed_and_followed_may_be_too_near() -> None:
    """It crosses at x = 60 and runs 1.5 m beside the new line from x = 65 on."""
    bent = main((60, 0), (60, 9.5), (300, 9.5), **{**SEWER, "diameter_mm": None})
    followed = only("line", found(lines={"S-1": {**bent, "position_accuracy_m": 0.01}}))
    assert (followed.status, followed.gap_m) == ("uncertain", pytest.approx(1.4))
    square = main((100, 0), (100, 300), **{**SEWER, "diameter_mm": None})
    pairs = found(lines={"S-1": {**square, "position_accuracy_m": 0.01}})
    assert [one.direction for one in pairs if one.against == "line"] == ["crossing"]


def test_below_the_table_is_no_verdict_of_unlawfulness() -> None:
    one = only("line", found(lines={"S-1": sewer(8.5)}))
    assert one.text.startswith("与现状污水管线 S-1平行净距 ")
    assert one.text.endswith("低于表列净距,需采取措施")


def test_a_line_on_an_existing_one_is_said_to_overlap() -> None:
    """The centres are 0.05 m apart: the halves overlap by what they are less that."""
    one = only("line", found(lines={"S-1": sewer(8.05)}))
    overlap_m = 0.10 + SEWER_HALF_M - 0.05
    assert (one.status, one.gap_m) == ("fail", pytest.approx(-overlap_m))
    told = f"与现状污水管线 S-1平行,平面上重叠 {overlap_m:.2f} 米,表列净距 1.00 米"
    assert one.text.startswith(told)
    assert overlaps(one)
    beside = only("line", found(lines={"S-1": sewer(8.5)}))
    assert not overlaps(beside)


def test_a_pair_that_the_table_does_not_name_has_no_value() -> None:
    other_main = {"W-9": main((0, 8.6), (300, 8.6), material="PE", position_accuracy_m=1e-9)}
    one = only("line", found(lines=other_main))
    assert (one.status, one.required_m, one.margin_m) == ("no_table_value", None, None)


@pytest.mark.parametrize(
    "changes", [{"laying": "overhead"}, {"laying": "wall"}, {"status": "abandoned"}]
)
def test_lines_in_the_air_and_abandoned_ones_are_left_out(changes: dict[str, Any]) -> None:
    assert [c for c in found(lines={"S-1": sewer(8.5, **changes)}) if c.against == "line"] == []


@pytest.mark.parametrize(
    ("layer", "rows", "against", "gap_m", "required_m"),
    [
        # South wall at y = 9: 9 - 8 - 0.1.
        ("buildings", {"B-1": {"geometry": box(90, 9, 110, 20)}}, "building", 0.9, 1.0),
        # Trunk at y = 9.5: 1.5 - 0.1.
        ("trees", {"T-1": {"ancient": False, "geometry": Point(100, 9.5)}}, "tree", 1.4, 1.5),
        # Rails at y = 12: 4 - 0.1.
        ("railways", {"Z-1": {"geometry": LineString([(0, 12), (300, 12)])}}, "railway", 3.9, 5.0),
    ],
)
def test_gaps_to_buildings_trees_and_rails(
    layer: str, rows: Rows, against: str, gap_m: float, required_m: float
) -> None:
    one = only(against, found(**{layer: rows}))
    assert (one.gap_m, one.required_m) == (pytest.approx(gap_m), required_m)
    assert (one.layer, one.id) == (layer, next(iter(rows)))
    assert one.status == "uncertain"  # nobody says how well the layer is located
    assert "图上低于表列净距,位置精度未知,请实测" in one.text
    assert one.xy is not None
    assert one.xy[1] - ORIGIN[1] == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("accuracy_m", "gap_m", "status"),
    [(0.04, 0.9, "fail"), (0.06, 0.9, "uncertain"), (0.04, 1.1, "pass"), (0.06, 1.1, "uncertain")],
)
def test_a_building_that_was_surveyed_is_judged_by_its_tolerance(
    accuracy_m: float, gap_m: float, status: str
) -> None:
    # Twice the mean error on either side of the 1.00 m of the table.
    wall = {"geometry": box(90, 8.1 + gap_m, 110, 20), "position_accuracy_m": accuracy_m}
    one = only("building", found(buildings={"B-1": wall}))
    assert (one.status, one.tolerance_m) == (status, pytest.approx(2 * accuracy_m))


def test_power_keeps_ten_metres_from_electrified_rails_and_three_from_others() -> None:
    cable = Pipe("power", voltage_kv=10, laying="direct")
    for electrified, required_m in ((True, 10.0), (False, 3.0), (None, 10.0)):
        rails = {"Z-1": {"electrified": electrified, "geometry": LineString([(0, 10), (300, 10)])}}
        assert only("railway", found(pipe=cable, railways=rails)).required_m == required_m


EXACT = {"R-1": street((0, 0), (300, 0), position_accuracy_m=1e-9)}


@pytest.mark.parametrize(("y", "status"), [(6.60, "pass"), (6.59, "fail")])
def test_the_kerb_is_kept_clear_of_by_its_table(y: float, status: str) -> None:
    # 6.6 - 5 - 0.1 = 1.5.
    one = only("kerb", found(LineString([(50, y), (150, y)]), roads=EXACT))
    assert (one.status, one.id, one.tolerance_m) == (status, "R-1", 2e-9)


def test_only_the_kerb_that_the_strip_is_set_out_from_needs_no_tolerance() -> None:
    # The strip of R-1 lies at y = 6.75; R-2, 4 m wide, has its kerb at y = 9.
    roads = {
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((0, 11), (300, 11), carriageway_width_m=4.0, red_line_width_m=5.0),
    }
    line = LineString([(50, 6.75), (150, 6.75)])
    kerbs = {c.id: c for c in found(line, roads=roads) if c.against == "kerb"}
    assert (kerbs["R-1"].status, kerbs["R-1"].tolerance_m) == ("pass", 0.0)
    assert (kerbs["R-2"].status, kerbs["R-2"].tolerance_m) == ("uncertain", None)


def test_the_kerb_of_a_road_of_unknown_width_is_uncertain() -> None:
    roads = {"R-1": street((0, 0), (300, 0), carriageway_width_m=None)}
    one = only("kerb", found(LineString([(50, 5), (150, 5)]), roads=roads))
    assert (one.status, one.tolerance_m) == ("uncertain", None)


def test_a_road_that_is_crossed_is_not_followed() -> None:
    over = LineString([(100, -8), (100, 8)])
    assert [c for c in found(over) if c.against == "kerb"] == []


def test_a_line_that_turns_alongside_after_a_crossing_is_found() -> None:
    # Crosses the kerb at a right angle, then runs 1.0 m behind it: 1.0 - 0.1 < 1.5.
    turning = LineString([(100, -8), (100, 6), (150, 6)])
    one = only("kerb", found(turning, roads=EXACT))
    assert (one.status, one.gap_m) == ("fail", pytest.approx(0.9))


def test_the_kerb_goes_round_the_corner_that_two_records_share() -> None:
    """The kerbs meet at (105, -5); a line cut off there at 45 degrees keeps 2 m of them."""
    bend, away = [(0, 0), (100, 0), (100, 100)], 2.0 * 2**0.5
    line = LineString([(105, -5 - away), (105 + away, -5)])
    gaps = []
    for ways in ([bend], [bend[:2], bend[1:]]):
        roads = {f"R-{number}": street(*way) for number, way in enumerate(ways)}
        gaps.append(min(c.gap_m for c in found(line, roads=roads) if c.against == "kerb"))
    assert gaps == pytest.approx([2.0 - 0.1, 2.0 - 0.1], abs=0.02)


def test_the_end_of_one_carriageway_inside_another_is_no_kerb() -> None:
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((100, 0), (100, 200))}
    along = LineString([(110, 6.7), (200, 6.7)])
    pairs = [c for c in found(along, roads=roads) if c.against == "kerb"]
    assert {c.id for c in pairs} == {"R-1"}


# --- crossings ----------------------------------------------------------------------------------

UP = LineString([(100, 6.75), (100, 12)])
SEWER_HEIGHT_M = 2 * SEWER_HALF_M


@pytest.mark.parametrize("gap_m", [0.40, 0.39, 1.7])
def test_a_crossing_above_is_measured_from_the_new_underside(gap_m: float) -> None:
    # The new pipe lies from 0.60 to 0.80 m below ground.
    lines = {"S-1": sewer(9.0, depth_m=0.80 + gap_m)}
    one = only("line", found(UP, lines=lines), "crossing")
    assert (one.gap_m, one.required_m) == (pytest.approx(gap_m), 0.40)
    assert (one.ref, one.status) == ("4.1.14", "uncertain")  # no layer tells how sure a depth is
    assert one.xy == pytest.approx((100 + ORIGIN[0], 9 + ORIGIN[1]))


LOCATED = {"position_source": "surveyed", "position_accuracy_m": 1e-9}
# The centre lies 0.80 m + gap + half the sewer down, at least the 1 m of CJJ 61: 0.15 of that.
OFF_M = 0.15 * (0.80 + 0.40 + SEWER_HEIGHT_M / 2)


@pytest.mark.parametrize(
    ("more_m", "status"),
    [(0.15, "uncertain"), (0.30, "pass"), (-0.15, "uncertain"), (-0.30, "fail")],
)
def test_a_located_depth_settles_a_crossing_by_its_tolerance(more_m: float, status: str) -> None:
    assert 0.15 < OFF_M < 0.25
    depth = 0.80 + 0.40 + more_m
    ends = {"start_depth_m": depth, "end_depth_m": depth}
    one = only("line", found(UP, lines={"S-1": sewer(9.0, **ends, **LOCATED)}), "crossing")
    assert one.tolerance_m == pytest.approx(0.15 * (depth + SEWER_HEIGHT_M / 2))
    assert (one.status, one.margin_m) == (status, pytest.approx(more_m))


def test_the_cover_of_a_crossing_lies_between_those_of_the_ends() -> None:
    # The sewer runs from x = 0 to 300; it is crossed at 100, a third of the way.
    ends = {"start_depth_m": 1.5, "end_depth_m": 3.0, "depth_m": 2.25}
    one = only("line", found(UP, lines={"S-1": sewer(9.0, **ends, **LOCATED)}), "crossing")
    assert one.gap_m == pytest.approx(2.0 - 0.80)
    assert one.tolerance_m == pytest.approx(0.15 * (2.0 + SEWER_HEIGHT_M / 2))


# The point where it bends says no depth of its own.
BENT = {"depth_m": 5.0, "geometry": LineString([(0, 9), (150, 9), (300, 9.5)])}


@pytest.mark.parametrize(
    "told",
    [
        {"depth_m": 5.0, "position_source": "surveyed"},  # one depth for 300 m
        {"start_depth_m": 5.0, "end_depth_m": 5.0, "position_source": "digitised"},
        {"start_depth_m": 5.0, "end_depth_m": 5.0, "position_source": None},
        {"start_depth_m": 5.0, "end_depth_m": 5.0, "position_source": "surveyed", **BENT},
    ],
)
def test_a_depth_that_nobody_located_settles_nothing(told: dict[str, Any]) -> None:
    one = only("line", found(UP, lines={"S-1": sewer(9.0, **told)}), "crossing")
    assert (one.status, one.tolerance_m) == ("uncertain", None)
    assert "埋深精度未知" in one.text


def test_a_crossing_too_near_says_how_deep_to_go_under() -> None:
    lines = {"S-1": sewer(9.0, depth_m=1.0)}
    one = only("line", found(UP, lines=lines), "crossing")
    assert one.gap_m == pytest.approx(0.20)
    assert f"管顶覆土不小于 {1.0 + SEWER_HEIGHT_M + 0.40:.2f} 米" in one.text


def test_a_crossing_below_a_shallow_line_is_measured_from_its_underside() -> None:
    telecom = {"utility": "telecom", "subtype": "cable", "laying": "duct", "diameter_mm": None}
    bank = {"duct_holes": 1, "duct_outer_diameter_mm": 110.0, "depth_m": 0.2}
    lines = {"T-1": main((0, 9), (300, 9), **{**telecom, **bank})}
    size = load_standards().outer_size_m(existing_pipe({**ROW, **telecom, **bank}))
    assert size is not None
    one = only("line", found(UP, lines=lines), "crossing")
    assert one.gap_m == pytest.approx(0.60 - 0.2 - size[1])


# A concrete sewer of DN300, 0.38 m high with its wall of 0.04 m, falls from 97.35 m to 97.00 m;
# the ground lies at 100 m. 2.25 m from the main its invert lies from 97.0045 to 97.344 m, its top
# 0.34 m higher.
FALLING = Pipe("sewage", 300, material="concrete")
LEVELS = Profile(97.0, 97.35, 100.0, 100.0, slope=0.002, length_m=5.25)
SHALLOWEST_M, DEEPEST_M = 2.316, 2.6555


def crossed(cover_m: float, profile: Profile | None = LEVELS) -> Clearance:
    """The crossing of the falling sewer with a PE water main of DN200, 0.20 m high."""
    ends = {"start_depth_m": cover_m, "end_depth_m": cover_m, "depth_m": cover_m}
    water = main((0, 9), (300, 9), diameter_mm=200.0, material="PE", **ends, **LOCATED)
    return only("line", found(UP, FALLING, profile, lines={"W-1": water}), "crossing")


@pytest.mark.parametrize(
    ("cover_m", "gap_m", "status"),
    [
        (1.5, DEEPEST_M - 1.7, "pass"),  # beneath, 0.24 m of tolerance
        (2.3, DEEPEST_M - 2.5, "uncertain"),  # 0.1555 m, 0.36 m of tolerance
        (2.5, DEEPEST_M - 2.7, "fail"),  # both lie at one depth
        (2.6, 2.6 - SHALLOWEST_M - 0.38, "fail"),
        (4.0, 4.0 - SHALLOWEST_M - 0.38, "pass"),  # above, 0.615 m of tolerance
    ],
)
def test_a_gravity_line_crosses_where_its_inverts_hold_it(
    cover_m: float, gap_m: float, status: str
) -> None:
    one = crossed(cover_m)
    assert (one.gap_m, one.status) == (pytest.approx(gap_m), status)
    assert one.text.endswith(";按两端管底高程,本管管顶覆土在 2.32 至 2.66 米之间")


@pytest.mark.parametrize(
    "levels",
    [
        {"main_invert_m": math.nan},
        {"well_invert_m": math.nan},
        {"well_ground_m": math.nan},
        {"slope": math.nan},
        {"length_m": math.nan},
        {"well_invert_m": 97.01},  # 0.0105 m of fall are needed
    ],
)
def test_a_gravity_line_of_unknown_levels_settles_no_crossing(levels: dict[str, float]) -> None:
    for profile in (replace(LEVELS, **levels), None):
        one = crossed(4.0, profile)
        assert (one.status, one.tolerance_m) == ("uncertain", None)
        assert one.text.endswith("不能确定")


def test_ground_that_differs_between_the_ends_is_off_by_half() -> None:
    uneven = replace(LEVELS, main_ground_m=99.8, well_ground_m=100.2)
    assert crossed(2.5, uneven).status == "uncertain"  # -0.0445 + 0.39 + 0.2 reach 0.4
    assert crossed(1.5, uneven).status == "pass"  # 0.9555 - 0.24 - 0.2
    assert crossed(1.5, uneven).tolerance_m == pytest.approx(0.24 + 0.2)


def test_a_level_without_the_least_cover_clears_nothing() -> None:
    """The well lies shallow, 0.16 m of cover; 0.6 m are the least: its underside 0.98 m down."""
    one = crossed(1.1, replace(LEVELS, main_invert_m=98.9, well_invert_m=99.5))
    assert (one.gap_m, one.status) == (pytest.approx(1.1 - 0.98), "fail")


def test_the_plan_judges_the_crossings_of_a_sewer_by_its_levels() -> None:
    """Main at 97 m under ground at 100 m, 17 m of slope to the water main: 97.034 to 97.344 m.

    The top then lies 2.33 to 2.64 m down, its underside to 2.99 m; the water main from 2.56 m.
    """
    ends = {"start_depth_m": 2.56, "end_depth_m": 2.56, "depth_m": 2.56}
    lines = {
        "S-1": main(
            (0, -8), (300, -8), utility="sewage", subtype="main", diameter_mm=500.0,
            start_invert_m=97.0, end_invert_m=97.0, depth_m=2.5, material="HDPE",
        ),
        "W-1": main((0, 9), (300, 9), diameter_mm=200.0, material="PE", **ends, **LOCATED),
    }  # fmt: skip
    pipe = {"nominal_mm": 300, "material": "HDPE"}
    statuses = {}
    for name, levels in {
        "told": {"last_well_invert_m": 97.35, "last_well_ground_m": 100.0},
        "unknown": {},
    }.items():
        case = towns.application(demands={"sewage": {**pipe, **levels}})
        made = plan(case, towns.town(lines=lines), towns.policy())
        met = [one for one in made.clearances["sewage"] if one.direction == "crossing"]
        statuses[name] = [(one.id, one.status) for one in met]
    assert statuses == {"told": [("W-1", "fail")], "unknown": [("W-1", "uncertain")]}


ROW = {
    "diameter_mm": None, "duct_holes": None, "duct_outer_diameter_mm": None, "laying": None,
    "pressure_mpa": None, "voltage_kv": None, "material": None,
}  # fmt: skip


def test_an_unknown_depth_is_unknown_and_asked_once() -> None:
    lines = {"S-1": sewer(9.0), "S-2": sewer(10.0, depth_m=2.0)}
    pairs = found(UP, lines=lines)
    told = {c.id: c.status for c in pairs if c.direction == "crossing"}
    assert told == {"S-1": "unknown", "S-2": "uncertain"}
    asked = depth_questions({"water": pairs, "gas": pairs}, towns.town(lines=lines))
    assert [(q.subject_kind, q.subject_id, q.field, q.utilities) for q in asked] == [
        ("line", "S-1", "depth_m", ("water", "gas"))
    ]


def test_a_known_depth_is_not_asked_for_again_where_a_size_is_unknown() -> None:
    lines = {"S-1": sewer(9.0, depth_m=2.0, diameter_mm=None)}
    pairs = found(UP, lines=lines)
    one = only("line", pairs, "crossing")
    assert (one.status, "管径或埋深未知" in one.text) == ("unknown", True)
    assert depth_questions({"water": pairs}, towns.town(lines=lines)) == ()


def test_a_line_that_is_crossed_is_not_followed_too() -> None:
    pairs = found(UP, lines={"S-1": sewer(9.0, depth_m=2.0)})
    assert [c.direction for c in pairs if c.against == "line"] == ["crossing"]


def test_rails_are_crossed_at_a_depth_that_nobody_told() -> None:
    rails = {"Z-1": {"geometry": LineString([(90, 9), (110, 9)])}}
    one = only("railway", found(UP, railways=rails), "crossing")
    assert (one.status, one.required_m, one.gap_m) == ("unknown", 1.0, None)


def test_cover_is_that_of_a_carriageway_where_a_road_is_crossed() -> None:
    # PE water under a carriageway: 1.00 m, so the underside is at 1.20 m.
    lines = {"S-1": sewer(2.0, depth_m=2.0)}
    one = only("line", found(LineString([(100, -8), (100, 8)]), lines=lines), "crossing")
    assert one.gap_m == pytest.approx(2.0 - 1.2)


# --- the joint ----------------------------------------------------------------------------------


def test_the_own_network_is_exempt_near_the_joint_only() -> None:
    gas = Pipe("gas", 100, pressure_mpa=0.1, material="PE")
    gas_main = {"utility": "gas", "diameter_mm": 200.0, "pressure_mpa": 0.1, "material": "PE"}
    lines = {"Q-1": main((0, 8), (300, 8), **gas_main, position_accuracy_m=1e-9)}
    leaves = LineString([(100, 8), (100, 12)])
    assert [c for c in found(leaves, gas, lines=lines) if c.against == "line"] == []
    # Back alongside at 0.3 m between centre lines: the faces are nearer than 0.4 m.
    hugs = LineString([(100, 8), (100, 8.3), (150, 8.3), (150, 12)])
    one = only("line", found(hugs, gas, lines=lines))
    assert (one.status, one.required_m) == ("fail", 0.4)


# --- unknown, and the whole ----------------------------------------------------------------------


def test_layers_never_imported_are_unknown_and_not_clear() -> None:
    work = towns.ground(towns.town(absent=("buildings", "trees")))
    pairs = clearances(work, WATER, affinity.translate(ALONG, *ORIGIN))
    unknown = {(c.layer, c.utility): c.text for c in pairs if c.status == "unknown"}
    assert unknown["buildings", None] == "建筑物没有导入,净距无从核对"
    assert ("trees", None) in unknown
    assert ("railways", None) not in unknown
    assert {utility for layer, utility in unknown if layer == "lines"} == {
        "water", "sewage", "storm", "gas", "power", "telecom"
    }  # fmt: skip


def test_an_attribute_left_open_fails_only_below_every_value_that_it_may_mean() -> None:
    # A gas main of unknown pressure asks 1.0 to 2.0 m of a sewer.
    pipe = Pipe("sewage", 300, material="HDPE")
    value = load_standards().horizontal_clearance(pipe, Pipe("gas", 100, material="PE"))
    assert (value.value_m, value.least_m) == (2.0, 1.0)
    assert [judge_gap(gap, 0.0, value) for gap in (0.99, 1.0, 1.99, 2.0)] == [
        "fail", "uncertain", "uncertain", "pass"
    ]  # fmt: skip


@pytest.mark.parametrize("gap_m", [-0.2, 0.0, 0.5, 1.0, 1.5, None])
@pytest.mark.parametrize("tolerance_m", [None, 0.0, 0.3])
def test_less_room_never_improves_the_status(
    gap_m: float | None, tolerance_m: float | None
) -> None:
    value = TableValue(1.0, "value", "paper", "recalled")
    order = ["fail", "uncertain", "pass"]
    if gap_m is None:
        assert judge_gap(gap_m, tolerance_m, value) == "unknown"
        return
    here = order.index(judge_gap(gap_m, tolerance_m, value))
    assert order.index(judge_gap(gap_m - 0.3, tolerance_m, value)) <= here
    assert order.index(judge_gap(gap_m, tolerance_m, value, exact=False)) <= here


def test_the_plan_tells_the_clearances_of_its_recommended_route_and_counts_every_route() -> None:
    lines = {"W-1": main((0, 8.5), (300, 8.5)), "S-1": sewer(10.5)}
    survey = towns.town(lines=lines)
    made = plan(towns.application(), survey, towns.policy())
    document = made.to_json()
    water = document["utilities"][0]
    assert {one["id"] for one in water["clearances"]} >= {"S-1"}
    (recommended,) = [r for r in water["routes"] if r["kind"] == water["recommended"]]
    assert sum(recommended["clearance_counts"].values()) == len(water["clearances"])
    assert list(recommended["clearance_counts"]) == list(STATUSES)
    asked = [(q["subject_id"], q["field"]) for q in document["questions"]]
    assert ("S-1", "depth_m") in asked
    assert document["utilities"][1]["clearances"] == []


def test_counts_name_every_status() -> None:
    assert count_statuses([]) == dict.fromkeys(STATUSES, 0)


def test_the_clearances_of_a_drawn_route_are_told_as_those_of_the_recommended_one() -> None:
    """It is drawn on the sewer at y = 10 from x = 119 to 139; the recommended one is off it."""
    survey = towns.town(lines={"W-1": main((0, 8.5), (300, 8.5)), "S-1": sewer(10)})
    course = [(119, 8.5), (119, 10), (139, 10), (139, 12)]
    line = {
        "type": "LineString",
        "coordinates": [[x + ORIGIN[0], y + ORIGIN[1]] for x, y in course],
    }
    case = towns.application(drawn_routes={"water": [{"line": line}]})
    water = plan(case, survey, towns.policy()).to_json()["utilities"][0]
    sewers = {
        kind: [one for one in pairs if (one["id"], one["direction"]) == ("S-1", "parallel")]
        for kind, pairs in (("drawn", water["manual"]["clearances"]), ("own", water["clearances"]))
    }
    (on_it,) = sewers["drawn"]
    assert (on_it["status"], on_it["gap_m"]) == ("fail", pytest.approx(-0.10 - SEWER_HALF_M))
    assert all(one["gap_m"] > 0 for one in sewers["own"])
    drawn, recommended = (
        next(route for route in water["routes"] if route["kind"] == kind)
        for kind in ("manual", water["recommended"])
    )
    assert (drawn["overlap_count"], recommended["overlap_count"]) == (1, 0)
    assert sum(drawn["clearance_counts"].values()) == len(water["manual"]["clearances"])

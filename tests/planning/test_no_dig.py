"""No-dig areas bar digging on their days; trees and protected greenery are spared where possible.

The usual street, parcel P-1 at x = 100 to 140 behind y = 12. DN200 water: trench 0.82 m wide or so,
working strip 0.5 m more on both sides, so less than 1 m from the line to its edge.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from layers.survey import Survey
from planning.batch import cases_of, screen
from planning.external_lines import ExternalLine, all_by_forest, external_lines
from planning.no_dig import Closed, NoDigArea, closures_of
from planning.plan import plan
from tests import towns
from tests.planning.test_joint import DEMANDS, LONG
from tests.towns import application, ground, line_of, main, node, parcel, street, town

OWN_SIDE = {"W-1": main((0, 8), (300, 8))}
FAR_SIDE = {"W-1": main((0, -8), (300, -8))}
FRONT = box(95, 7, 125, 11)  # bars the red line's places at x = 102 and 120, not the one at 138


def area(shape: shapely.Geometry = FRONT, **days: Any) -> towns.Rows:
    return {"JW-1": {"reason": "遗址", "geometry": shape, **days}}


def dug_inside(line: ExternalLine, shape: shapely.Geometry) -> bool:
    assert line.route is not None
    assert line.route.strip is not None
    here = shapely.affinity.translate(shape, *towns.ORIGIN)
    return bool(line.route.strip.intersection(here).area > 0.02)


@pytest.mark.parametrize(
    ("start", "end", "bars"),
    [
        (None, None, True),
        ("2026-11-22", None, True),  # the day of digging itself
        ("2026-11-23", None, False),
        (None, "2026-11-22", True),
        (None, "2026-11-21", False),
        ("2026-01-01", "2026-12-31", True),
        ("2026-12-31", "2026-01-01", True),  # days that contradict each other tell nothing
        ("2026-11-22", "2026-11-21", True),
        ("2025-12-31", "2025-01-01", True),
    ],
)
def test_an_area_bars_from_its_first_through_its_last_day(
    start: str | None, end: str | None, bars: bool
) -> None:
    survey = town(lines=FAR_SIDE, no_dig=area(from_date=start, to_date=end))
    line = line_of(survey)
    ends = towns.xy(line.route.line)[-1] if line.route else None
    assert (ends == (138, 12)) is bars
    assert dug_inside(line, FRONT) is not bars
    row = screen(ground(survey, application()), [application()], ["water"]).iloc[0]
    assert (towns.xy(row["geometry"])[-1] == (138, 12)) is bars


def test_the_strip_counts_and_not_only_the_line() -> None:
    # The area begins 0.5 m beside the gate's connector: inside the strip, not under the line.
    beside = area(box(120.5, 7, 125, 11))
    line = line_of(town(lines=OWN_SIDE, no_dig=beside), gate=(120, 12))
    assert (line.status, line.reason, line.no_dig) == ("unroutable", "no_dig", ("JW-1",))
    clear = area(box(121.5, 7, 125, 11))
    assert line_of(town(lines=OWN_SIDE, no_dig=clear), gate=(120, 12)).status == "routed"


def test_only_areas_that_bar_the_way_are_named() -> None:
    areas = {
        **area(box(90, 10, 150, 13)),
        "JW-2": {"geometry": box(-50, -40, 350, -30)},
        "JW-3": {"geometry": box(90, 10, 150, 13), "to_date": "2026-11-01"},
    }
    line = line_of(town(lines=OWN_SIDE, no_dig=areas))
    assert (line.status, line.reason, line.no_dig) == ("unroutable", "no_dig", ("JW-1",))


def test_a_barred_network_is_no_dig_and_not_a_matter_of_size() -> None:
    over_the_main = area(box(-50, 7.5, 350, 9))
    assert line_of(town(lines=OWN_SIDE, no_dig=over_the_main)).reason == "no_dig"
    small = {"W-1": main((0, 8), (300, 8), diameter_mm=100)}
    assert line_of(town(lines=small, no_dig=over_the_main)).reason == "no_size_match"


def test_a_line_without_any_way_is_disconnected_whatever_is_closed() -> None:
    river = {"RV-1": {"kind": "river", "geometry": box(-50, 50, 350, 70)}}
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((0, 120), (300, 120))}
    survey = town(
        roads=roads,
        water_bodies=river,
        lines={"W-1": main((0, 128), (300, 128))},
        no_dig=area(box(90, 5, 150, 13)),
    )
    assert line_of(survey).reason == "disconnected"


def test_cases_of_one_screening_are_judged_on_their_own_days() -> None:
    survey = town(
        lines=OWN_SIDE,
        parcels={"P-1": parcel(100, 12, 140, 52), "P-2": parcel(160, 12, 200, 52)},
        no_dig=area(box(90, 10, 210, 13), to_date="2026-11-30"),
    )
    cases = [
        application(),
        application("P-2", application_id="APP-2", dig_date="2026-12-01"),
    ]
    work = ground(survey, *cases)
    lines = external_lines(
        work, cases[0].demands["water"], [work.site(one) for one in cases], all_by_forest
    )
    assert {key: line.status for key, line in lines.items()} == {
        "application:APP-1": "unroutable",
        "application:APP-2": "routed",
    }


TREE = {"T-1": {"ancient": True, "geometry": Point(120, 9)}}


def test_an_ancient_tree_is_passed_at_its_zone_and_not_run_over() -> None:
    # Without the tree the gate-less line ends anywhere; the zone of 5 m bars x = 120.
    line = line_of(town(lines=FAR_SIDE, trees=TREE))
    assert line.route is not None
    assert line.route.facts["ancient_tree_or_park"] is False
    assert line.closed == Closed(spared=True)


def test_where_there_is_no_other_way_the_line_runs_by_the_tree_and_says_so() -> None:
    line = line_of(town(lines=FAR_SIDE, trees=TREE), gate=(120, 12))
    assert line.route is not None
    assert line.route.facts["ancient_tree_or_park"] is True
    assert line.closed == Closed()


@pytest.mark.parametrize("ancient", [False, None])
def test_a_tree_that_is_not_known_to_be_ancient_moves_no_route(ancient: bool | None) -> None:
    tree = {"T-1": {"ancient": ancient, "geometry": Point(120, 9)}}
    with_tree = line_of(town(lines=FAR_SIDE, trees=tree))
    bare = line_of(town(lines=FAR_SIDE))
    assert with_tree.closed == bare.closed
    assert with_tree.routes["cheapest"].line.equals(bare.routes["cheapest"].line)


def test_that_nothing_qualifies_is_not_proven_where_spared_ground_was_left_out() -> None:
    """W-1 lies 59 m off past protected greenery on both sides, W-2 too far the other way."""
    green = {
        "G-1": {"kind": "protected", "geometry": box(60, 7.6, 90, 12)},
        "G-2": {"kind": "protected", "geometry": box(60, -12, 90, -7.6)},
    }
    lines = {"W-1": main((0, 8), (55, 8)), "W-2": main((450, 8), (500, 8))}
    roads = {"R-1": street((0, 0), (520, 0))}
    line = line_of(town(roads=roads, lines=lines, green=green), gate=(120, 12))
    assert line.routes["cheapest"].figures["length_m"] > 300
    assert line.qualifying_route == "not_proven"
    assert line.qualifying is not None
    assert line.qualifying.reason is not None
    assert line.qualifying.reason.kind == "spared"


@pytest.mark.parametrize(("tree_x", "status"), [(440, "none"), (300, "not_proven")])
def test_the_proof_holds_where_nothing_spared_lies_within_the_limit(
    tree_x: float, status: str
) -> None:
    """W-1 lies 330 m off, the limit is 200 m: a tree 320 m off is on no way that could keep it."""
    lines, roads = {"W-1": main((450, 8), (500, 8))}, {"R-1": street((0, 0), (520, 0))}
    tree = {"T-1": {"ancient": True, "geometry": Point(tree_x, 40)}}
    line = line_of(town(roads=roads, lines=lines, trees=tree), gate=(120, 12))
    assert line.closed == Closed(spared=True)
    assert line.qualifying_route == status
    assert line.qualifying is not None
    assert line.qualifying.proven is (status == "none")


def test_protected_greenery_is_gone_round_on_the_other_side_of_the_street() -> None:
    # The main lies on the own side from x = 0 to 20, the gate at x = 138; protected greenery
    # fills the own side from x = 60 to 90: the line crosses the street twice to keep clear.
    lines = {"W-1": main((0, 8), (20, 8))}
    green = {"V-1": {"kind": "protected", "geometry": box(60, 5.2, 90, 10)}}
    line = line_of(town(lines=lines, green=green), gate=(138, 12))
    assert line.route is not None
    assert line.route.facts["touches_green"] is False
    assert line.route.figures["crossing_count"] == 2
    verge = {"V-1": {"kind": "verge", "geometry": box(60, 5.2, 90, 10)}}
    through = line_of(town(lines=lines, green=verge), gate=(138, 12))
    assert through.route is not None
    assert through.route.figures["crossing_count"] == 0


def test_the_joint_plan_keeps_clear_of_what_its_members_keep_clear_of() -> None:
    across = box(80, 5.2, 90, 10)  # the own side between the networks and the parcel
    found = plan(application(demands=DEMANDS), town(**LONG, no_dig=area(across)), towns.policy())
    assert found.joint is not None
    here = shapely.affinity.translate(across, *towns.ORIGIN)
    for route in found.joint.routes.values():
        assert route.line.intersection(here).length == 0


def test_a_joint_trench_that_is_too_wide_for_the_gap_is_given_up_with_a_notice() -> None:
    # The area begins 1 m beside the strip: free for the trench of one line, not for that of three.
    beside = box(40, 6.75 + 1.0, 198, 7.4 + 1.0)
    survey = town(**LONG, no_dig=area(beside))
    found = plan(application(demands=DEMANDS, gate=(202, 12)), survey, towns.policy())
    strips = [line.route.strip for line in found.lines.values() if line.route]
    here = shapely.affinity.translate(beside, *towns.ORIGIN)
    assert all(strip is not None and strip.intersection(here).area <= 0.02 for strip in strips)
    assert found.joint is None
    told = [notice for notice in found.notices if notice.kind == "joint_in_no_dig"]
    assert [(notice.feature_id, notice.utilities) for notice in told] == [
        ("JW-1", ("water", "gas", "power"))
    ]


def test_closures_know_only_what_the_layers_say() -> None:
    bare = closures_of(town(absent=("trees", "green")), towns.policy())
    assert (bare.areas, len(bare.spared)) == ((), 0)
    known = closures_of(town(no_dig=area()), towns.policy())
    assert known.areas == (NoDigArea("JW-1", "遗址", None, None),)
    assert known.areas[0].undated


@st.composite
def barred_towns(draw: st.DrawFn) -> Survey:
    """A random town with no-dig areas, some in force, and ancient trees."""
    survey = draw(towns.random_towns())
    areas, trees = {}, {}
    for number in range(draw(st.integers(1, 4))):
        x, y = draw(st.integers(-20, 280)), draw(st.integers(-20, 240))
        to_date = draw(st.sampled_from([None, "2026-11-22", "2026-11-21"]))
        areas[f"JW-{number}"] = {"geometry": box(x, y, x + 40, y + 25), "to_date": to_date}
        tree = node(draw(st.integers(0, 260)), draw(st.integers(0, 220)))["geometry"]
        trees[f"T-{number}"] = {"ancient": True, "geometry": tree}
    tables = {
        **survey.tables,
        "no_dig": towns.table("no_dig", areas),
        "trees": towns.table("trees", trees),
    }
    return Survey(survey.crs, tables, survey.county, survey.synthetic)


@settings(
    deadline=None,
    max_examples=4,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(barred_towns())
def test_the_plan_equals_the_screening_and_no_edge_is_dug_inside(survey: Survey) -> None:
    day = date.fromisoformat(towns.DIG_DATE)
    cases = cases_of(survey, [], day)
    work = ground(survey)
    table = screen(work, cases, ["water", "power"]).set_index(["parcel_id", "utility"])
    areas = survey.tables["no_dig"]
    in_force = areas[areas["to_date"] != "2026-11-21"].geometry.to_numpy()
    for case in cases:
        found = plan(case, survey, towns.policy(), corridors=work)
        for utility in ("water", "power"):
            line, row = found.lines[utility], table.loc[(case.parcel_id, utility)]
            assert line.status == row["status"]
            if line.route is None:
                assert line.reason == row["reason"]
                continue
            assert line.route.line.equals(row["geometry"])
            width = work.strip_width_m(line.demand.pipe) if line.demand else 0.0
            for edge in line.route.way.edges:
                strip = work.corridors.graph.lines[edge].buffer(width / 2, cap_style="flat")
                assert shapely.intersection(strip, in_force).size == 0 or (
                    shapely.area(shapely.intersection(strip, in_force)).max() <= 0.02
                )

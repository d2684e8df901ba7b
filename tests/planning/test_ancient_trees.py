"""Zones of ancient trees begin at the edge of the crown: where nobody tells it, they are unknown.

The strip of the usual line with a gate at (120, 12) runs at x = 120 from y = 8 to 12; a tree at
y = 10 stands beside it. The county's distance is 5 m and its greatest usual crown 10 m.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

from planning.ancient_trees import ancient_trees
from planning.application import default_application
from planning.batch import screen
from planning.comparisons import Truth
from planning.plan import Plan, plan
from planning.questions import Question
from tests import towns
from tests.finders import check_screening_equals_plans
from tests.towns import application, line_of, main, town

LINES = {"W-1": main((0, 8), (300, 8))}
EAST_M = 120.9  # the edge of the working strip, some centimetres off
UNKNOWN = "其冠幅未知"


def tree(x: float, **told: Any) -> dict[str, Any]:
    return {"T-1": {"ancient": True, "geometry": Point(x, 10), **told}}


def planned(**layers: Any) -> Plan:
    return plan(application(gate=(120, 12)), town(lines=LINES, **layers), towns.policy())


@pytest.mark.parametrize(
    ("away_m", "told", "near"),
    [
        (4.5, {}, True),  # within 5 m of the trunk whatever its crown
        (5.5, {}, None),
        (14.5, {}, None),  # 10 m of crown and 5 m
        (15.5, {}, False),
        (14.5, {"ancient": None}, None),
        (14.5, {"ancient": False}, False),
        (8.5, {"crown_radius_m": 4.0}, True),  # 4 m of crown and 5 m
        (9.5, {"crown_radius_m": 4.0}, False),
        (8.5, {"crown_width_m": 8.0}, True),  # 8 m across are 4 m of radius
        (9.5, {"crown_width_m": 8.0}, False),
        (9.5, {"crown_width_m": 8.0, "crown_radius_m": 6.0}, True),  # the larger of two
        (24.5, {"crown_radius_m": 20.0}, True),
        (24.5, {"crown_radius_m": 20.0, "ancient": None}, None),
    ],
)
def test_a_zone_begins_at_the_crown(away_m: float, told: dict[str, Any], near: Truth) -> None:
    layers = {"trees": tree(EAST_M + away_m, **told)}
    route = line_of(town(lines=LINES, **layers), gate=(120, 12)).route
    assert route is not None
    assert route.facts["ancient_tree_or_park"] is near


def test_an_unknown_crown_leaves_nothing_firm_and_says_so() -> None:
    made = planned(trees=tree(EAST_M + 8))
    verdict = made.lines["water"].verdict
    assert verdict is not None
    assert (verdict.outcome, verdict.certainty) == ("commitment", "rests_on_unverified")
    [told] = made.notices
    assert (told.kind, told.feature_id) == ("ancient_tree", "T-1")
    assert UNKNOWN in told.text
    assert "crown_width_m" in told.text
    known = planned(trees=tree(EAST_M + 8, crown_radius_m=2.5))
    assert known.notices == ()
    inside = planned(trees=tree(EAST_M + 8, crown_radius_m=3.5))
    assert [one.text for one in inside.notices] != []
    assert UNKNOWN not in inside.notices[0].text


def test_where_trees_are_moved_an_unknown_crown_is_asked() -> None:
    young = {"T-2": {"ancient": False, "geometry": Point(120, 10)}}
    made = planned(trees={**tree(EAST_M + 8), **young})
    verdict = made.lines["water"].verdict
    assert verdict is not None
    assert (verdict.outcome, verdict.possible) == (
        "undetermined",
        ("commitment", "ordinary_approval"),
    )
    assert made.questions == (Question("layer", "trees", "crown_width_m", ("water",)),)
    told = planned(trees={**tree(EAST_M + 8, crown_radius_m=2.5), **young})
    assert told.lines["water"].verdict is not None
    assert told.lines["water"].verdict.outcome == "commitment"
    assert told.questions == ()


def test_the_search_keeps_off_what_is_known_of_a_zone() -> None:
    """The usual parcel is entered at x = 102 to 138 from a main across the street."""
    across = {"W-1": main((0, -8), (300, -8))}
    trunk = {"T-1": {"ancient": True, "crown_radius_m": 12.0, "geometry": Point(118, 9)}}
    route = line_of(town(lines=across, trees=trunk)).route
    assert route is not None
    assert route.facts["ancient_tree_or_park"] is False
    assert route.strip is not None
    trunk_at = shapely.points(*np.add(towns.ORIGIN, (118, 9)))
    assert shapely.distance(route.strip, trunk_at) > 17


def test_screening_tells_of_zones_what_plans_do() -> None:
    """Twelve parcels of one kind, so that arrays tell them, with trees behind their fronts."""
    west = [50.0 * k for k in range(12)]
    parcels = {f"P-{k}": towns.parcel(x, 12, x + 40, 52) for k, x in enumerate(west)}
    young = {f"Y-{k}": {"ancient": False, "geometry": Point(x + 20, 9)} for k, x in enumerate(west)}
    told = [{}, {"crown_width_m": 30.0}, {"ancient": None}, {"crown_radius_m": 2.0}]
    old = {
        f"A-{k}": {"ancient": True, "geometry": Point(west[k] + 20, 23.5), **told[k // 3 % 4]}
        for k in range(0, 12, 3)
    }
    survey = town(
        roads={"R-1": towns.street((0, 0), (600, 0))},
        lines={"W-1": main((0, 8), (600, 8))},
        parcels=parcels,
        trees={**young, **old},
    )
    work = towns.ground(survey)
    cases = [default_application(one, "residential", towns.dig_date()) for one in parcels]
    plans = [plan(case, survey, towns.policy(), corridors=work).to_json() for case in cases]
    water = [one for made in plans for one in made["utilities"] if one["utility"] == "water"]
    found = [one["verdict"]["alone"]["certainty"] for one in water]
    assert len(set(found)) > 1
    assert check_screening_equals_plans(screen(work, cases), cases, plans) == 12


@st.composite
def woods(draw: st.DrawFn) -> list[dict[str, Any]]:
    metres = st.none() | st.floats(0.5, 25)
    one = st.fixed_dictionaries(
        {
            "ancient": st.sampled_from([True, False, None]),
            "crown_radius_m": metres,
            "crown_width_m": metres,
            "geometry": st.builds(Point, st.floats(-40, 40), st.floats(-40, 40)),
        }
    )
    return draw(st.lists(one, max_size=6))


@given(woods())
def test_zones_are_what_each_tree_says_by_itself(trees: list[dict[str, Any]]) -> None:
    rows = {f"T-{k}": one for k, one in enumerate(trees)}
    strip = shapely.transform(box(-3, -1, 3, 1), lambda xy: xy + towns.ORIGIN)
    found = ancient_trees(towns.table("trees", rows), towns.policy().planning)
    expected: list[Truth] = []
    for one in trees:
        gap_m = one["geometry"].distance(box(-3, -1, 3, 1))
        crowns = [one["crown_radius_m"], one["crown_width_m"] and one["crown_width_m"] / 2]
        crown_m = max((m for m in crowns if m is not None), default=None)
        if one["ancient"] is False or gap_m > 5 + (10 if crown_m is None else crown_m):
            expected.append(False)
        elif crown_m is None and gap_m > 5:
            expected.append(None)
        else:
            expected.append(one["ancient"])
    truth: Truth = True if True in expected else None if None in expected else False
    assert found.entered(np.array([strip, None], object)) == [truth, False]

"""Corridors that people drew are edges like any other, for the utilities that may use them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, box

from layers.errors import LayerError
from layers.survey import Survey
from planning.batch import screen
from planning.plan import plan
from tests import towns
from tests.towns import application, ground, line_of, main, parcel, street, town

# P-1 lies 53 m behind the strip, out of reach; a corridor leads north from the street to it.
BEHIND = {"P-1": parcel(100, 60, 140, 90)}
OWN_SIDE = {"W-1": main((0, 8), (90, 8))}


def drawn(*points: tuple[float, float], **told: Any) -> towns.Rows:
    return {"HZ-1": {"note": "巷道", "geometry": LineString(points), **told}}


def survey_of(rows: towns.Rows, **layers: Any) -> Survey:
    return town(**{"lines": OWN_SIDE, "parcels": BEHIND, "drawn_corridors": rows, **layers})


def test_a_parcel_out_of_reach_of_every_strip_is_reached_over_the_corridor() -> None:
    assert line_of(survey_of({})).reason == "gap_too_wide"
    line = line_of(survey_of(drawn((120, 6.75), (120, 59))))
    assert line.route is not None
    # From the main's end (90, 8) to the strip at the crossing or foot nearest to it, along to
    # x = 120, 52.25 m up the corridor, 1 m to the red line.
    assert towns.xy(line.route.line)[-2:] == [(120, 59), (120, 60)]
    assert line.route.figures["length_m"] == pytest.approx(line.route.line.length)
    assert line.route.facts["touches_city_road"] is True


def test_a_corridor_that_ends_beside_a_strip_is_joined_straight() -> None:
    lines = {"W-1": main((0, 8), (20, 8))}
    line = line_of(survey_of(drawn((120, 20), (120, 59)), lines=lines))
    assert line.route is not None
    assert (120, 6.75) in towns.xy(line.route.line)
    assert (120, 20) in towns.xy(line.route.line)
    far = drawn((120, 50), (120, 59))  # 43.25 m from the strip: more than the 40 m of the policy
    assert line_of(survey_of(far)).reason == "disconnected"


def test_a_corridor_is_joined_where_it_meets_a_strip_and_not_only_at_its_ends() -> None:
    # It runs from south of the street across both strips: kerb to kerb it is a crossing.
    far_side = {"W-1": main((0, -8), (90, -8))}
    line = line_of(survey_of(drawn((120, -30), (120, 59)), lines=far_side))
    assert line.route is not None
    assert line.route.figures["crossing_count"] == 1
    nodes = {tuple(np.round(xy - towns.ORIGIN, 3)) for xy in _nodes(survey_of(drawn(
        (120, -30), (120, 59))))}  # fmt: skip
    assert {(120.0, -6.75), (120.0, 6.75)} <= nodes


def _nodes(survey: Survey) -> Any:
    return ground(survey).corridors.graph.node_xy


def test_private_land_buildings_water_and_rails_cut_a_corridor() -> None:
    rows = drawn((120, 6.75), (120, 59))
    house = {"B-1": {"geometry": box(110, 30, 130, 40)}}
    river = {"RV-1": {"kind": "river", "geometry": box(-50, 30, 350, 40)}}
    rails = {"TL-1": {"geometry": LineString([(-50, 35), (350, 35)])}}
    for layer in ({"buildings": house}, {"water_bodies": river}, {"railways": rails}):
        assert line_of(survey_of(rows, **layer)).status == "unroutable"


@pytest.mark.parametrize(
    ("told", "may"),
    [(None, True), ("", True), ("给水", True), ("燃气、water", True), ("gas,电力", False)],
)
def test_only_the_named_utilities_may_use_a_corridor(told: str | None, may: bool) -> None:
    line = line_of(survey_of(drawn((120, 6.75), (120, 59), utilities=told)))
    assert (line.status == "routed") is may


def test_a_utility_that_does_not_exist_is_refused_with_the_cure() -> None:
    with pytest.raises(LayerError, match=r"绘制走廊 HZ-1:字段 utilities 的值 '暖气' 不是已知专业"):
        ground(survey_of(drawn((120, 6.75), (120, 59), utilities="暖气")))


def test_measures_of_the_strips_stay_what_they_were() -> None:
    bare = ground(survey_of({})).corridors.graph
    longer = ground(survey_of(drawn((120, 6.75), (120, 59)))).corridors.graph
    for kind in ("strip", "crossing"):
        lengths = [
            float(graph.length_m[(graph.measures["kind"] == kind).to_numpy()].sum())
            for graph in (bare, longer)
        ]
        assert lengths[0] == pytest.approx(lengths[1])
    added = longer.measures["kind"] == "drawn"
    assert longer.length_m[added.to_numpy()].sum() == pytest.approx(52.25)
    starts, ends = (
        shapely.get_coordinates(shapely.get_point(longer.lines, end)) for end in (0, -1)
    )
    assert np.allclose(starts, longer.node_xy[longer.ends[:, 0]])
    assert np.allclose(ends, longer.node_xy[longer.ends[:, 1]])


def test_mains_and_gates_are_joined_to_a_corridor() -> None:
    # The main lies beside the corridor only, the gate on the parcel's western side.
    roads = {"R-1": street((0, 0), (300, 0))}
    lines = {"W-1": main((85, 45), (85, 58))}
    rows = drawn((90, 40), (90, 80))
    line = line_of(survey_of(rows, lines=lines, roads=roads), gate=(100, 75))
    assert line.route is not None
    assert towns.xy(line.route.line)[-1] == (100, 75)
    assert line.route.facts["touches_city_road"] is False


def test_the_screening_uses_corridors_as_the_plan_does() -> None:
    survey, case = survey_of(drawn((120, 20), (120, 59))), application()
    work = ground(survey, case)
    row = screen(work, [case], ["water"]).iloc[0]
    route = plan(case, survey, towns.policy(), corridors=work).lines["water"].route
    assert route is not None
    assert shapely.equals(row["geometry"], route.line)
    assert row["outcome"] == route.verdict.outcome


# --- mains that a corridor meets ----------------------------------------------------------------

# P-1 lies 70 m behind the middle of the street, a main in its northern footway at y = 8.
FAR = {"parcels": {"P-1": parcel(100, 70, 140, 110)}, "lines": {"W-1": main((0, 8), (300, 8))}}


def both_ways(rows: towns.Rows, utility: str = "water", **layers: Any) -> tuple[str, float | None]:
    """Status and length of a line, which the plan and the screening must tell alike."""
    demands = {utility: {"nominal_mm": 100, **({"pressure_mpa": 0.2} if utility == "gas" else {})}}
    survey, case = survey_of(rows, **{**FAR, **layers}), application(demands=demands)
    line, work = line_of(survey, utility, demands=demands), ground(survey, case)
    row = screen(work, [case], [utility]).iloc[0]
    length_m = None if line.route is None else line.route.figures["length_m"]
    assert row["status"] == line.status
    assert length_m is None or row["length_m"] == pytest.approx(length_m)
    return line.status, length_m


@pytest.mark.parametrize("north", [68, 70, 75])
def test_a_corridor_that_is_kept_for_gas_leads_no_other_line_to_the_main_that_it_crosses(
    north: float,
) -> None:
    rows = drawn((120, north), (120, 5), utilities="燃气")
    assert both_ways(rows) == ("unroutable", None)
    gas = {"G-1": main((0, 8), (300, 8), utility="gas", pressure_mpa=0.2)}
    status, length_m = both_ways(rows, "gas", lines=gas)
    # From the main at y = 8 to the red line at y = 70.
    assert status == "routed"
    assert length_m == pytest.approx(62.0)


def test_nothing_is_joined_from_a_corridor_that_is_kept_for_others() -> None:
    beside = {"W-1": main((85, 45), (85, 58))}  # 5 m west of the corridor, 15 m from the red line
    ways = [drawn((90, 40), (90, 80), utilities=told) for told in (None, "燃气")]
    assert [both_ways(way, lines=beside)[0] for way in ways] == ["routed", "unroutable"]


def test_a_strip_that_a_foreign_corridor_crosses_is_a_strip_still() -> None:
    """The usual parcel, its corner 2.25 m from the street: from the main over the strip."""
    usual = {"P-1": parcel(100, 12, 140, 52)}
    crossed = drawn((120, 11), (120, -30), utilities="燃气")
    assert both_ways(crossed, parcels=usual) == both_ways({}, parcels=usual)


@pytest.mark.parametrize(
    "points",
    [
        [(120, 68), (120, 8), (150, 8)],
        [(120, 68), (120, 8), (150, 8), (150, 68), (120, 68)],
    ],
)
def test_a_corridor_that_runs_on_along_the_main_joins_it_where_it_first_meets_it(
    points: list[tuple[float, float]],
) -> None:
    # 60 m down to the main and 2 m to the red line, not 30 m more on top of the main.
    status, length_m = both_ways(drawn(*points))
    assert status == "routed"
    assert length_m == pytest.approx(62.0)

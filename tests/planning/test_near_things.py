"""Near things: firm verdicts ask what a line may touch within the tolerances of the survey."""

from __future__ import annotations

from typing import Any

import pytest
from shapely.geometry import Point, box

from planning.batch import cases_of, screen
from planning.external_lines import ExternalLine
from planning.groundwork import prepare
from planning.judged_routes import Route
from planning.plan import plan
from planning.survey_points import survey_points
from tests import towns
from tests.towns import application, main, node, parcel, policy, street, town

SEEN = {"position_source": "surveyed", "position_accuracy_m": 0.05}
HEARSAY = {"position_source": "hearsay"}
EXACT = {"position_accuracy_m": 0.001}
# The strip of a DN100 main from (120, 8) to the gate at (120, 12) ends at x = 120.8 or so.
ESTATE = {"R-1": street((0, 0), (300, 0), authority="estate", **SEEN)}


def _town(**layers: Any) -> towns.Survey:
    near: dict[str, Any] = {
        "roads": ESTATE,
        "parcels": {"P-1": parcel(100, 12, 140, 52, **SEEN)},
        "lines": {"W-1": main((0, 8), (300, 8), **SEEN)},
    }
    return town(**{**near, **layers})


def _water(survey: towns.Survey) -> ExternalLine:
    return plan(application(gate=(120, 12)), survey, policy()).lines["water"]


def _verge(west: float, **seen: Any) -> dict[str, Any]:
    return {"G-1": {"kind": "verge", "geometry": box(west, 5, west + 9, 12), **seen}}


def _tree(x: float, **seen: Any) -> dict[str, Any]:
    return {"T-1": {"ancient": False, "geometry": Point(x, 10), **seen}}


def _told(line: ExternalLine) -> tuple[str, str]:
    assert line.route is not None
    return line.route.verdict.outcome, line.route.verdict.certainty


def _city_road(red_line_m: float, **told: Any) -> dict[str, Any]:
    return {"R-1": street((0, 0), (300, 0), red_line_width_m=red_line_m, **told)}


def test_alone_no_permit_is_required_and_nothing_may_change_that() -> None:
    assert _told(_water(_town())) == ("not_required", "firm")


@pytest.mark.parametrize(
    "layers",
    [
        {"green": _verge(121.0, **HEARSAY)},
        {"trees": _tree(120.95, **HEARSAY)},
        {"roads": _city_road(15.8, **HEARSAY), "lines": {"W-1": main((0, 9), (300, 9), **SEEN)}},
    ],
    ids=["verge", "tree", "city road"],
)
def test_what_lies_within_the_tolerance_is_too_close(layers: dict[str, Any]) -> None:
    assert _told(_water(_town(**layers))) == ("not_required", "too_close")


@pytest.mark.parametrize(
    "layers",
    [
        {
            "green": _verge(121.6, **SEEN)
        },  # 0.7 m from the strip, which a wider margin does not reach
        {"green": _verge(126.0, **HEARSAY)},  # farther away than hearsay may be off
        {"trees": _tree(126.0, **HEARSAY)},
    ],
)
def test_what_lies_beyond_the_tolerance_changes_nothing(layers: dict[str, Any]) -> None:
    assert _told(_water(_town(**layers))) == ("not_required", "firm")


def test_a_young_road_within_the_tolerance_may_bar_the_line() -> None:
    """The main lies in estate land, 0.5 m beyond the red line of a city road."""
    lines = {"W-1": main((0, 9.5), (300, 9.5), **SEEN)}
    found = {}
    for name, day, seen in (
        ("young", "2025-06-01", HEARSAY),
        ("old", "2010-06-01", HEARSAY),
        ("far", "2025-06-01", SEEN),
    ):
        road = _city_road(16.0, opened_on=day, **seen)
        line = _water(_town(roads=road, lines=lines))
        things = line.route.judging.exactness.near[0] if line.route else []
        found[name] = (_told(line)[1], line.route.judging.if_touched() if things else {})
    rest = {"touches_city_road": None, "pit_in_road": None, "road_overhauled_on": ["2015-01-01"]}
    assert found["young"] == ("too_close", {**rest, "road_opened_on": [None]})
    assert found["old"] == ("too_close", {**rest, "road_opened_on": ["2010-06-01"]})
    assert found["far"] == ("firm", {})


def test_the_thing_is_named_with_how_exactly_it_has_to_be_known() -> None:
    survey = _town(trees=_tree(121.4, **HEARSAY))
    work = prepare(survey, policy(), [application(gate=(120, 12))])
    found = plan(application(gate=(120, 12)), survey, policy())
    route = found.lines["water"].route
    assert route is not None
    assert route.verdict.certainty == "too_close"
    (point,) = survey_points(work, found.site, found.lines["water"].demand, route)
    assert point.what == "tree"
    assert point.feature == {"layer": "trees", "id": "T-1"}
    gap = 121.4 - route.strip.bounds[2] + towns.ORIGIN[0]
    assert point.needed_m == pytest.approx(gap, abs=0.02)
    assert "树木 T-1" in point.text


def test_without_a_word_on_how_exactly_main_and_red_line_lie_nothing_is_firm() -> None:
    survey = _town(parcels={"P-1": parcel(100, 12, 140, 52)}, lines={"W-1": main((0, 8), (300, 8))})
    assert _told(_water(survey)) == ("not_required", "not_assessed")


def test_a_verge_close_by_of_which_nobody_says_how_exactly_it_lies_leaves_nothing_firm() -> None:
    assert _told(_water(_town(green=_verge(121.0)))) == ("not_required", "not_assessed")


@pytest.mark.parametrize("west", [121.0, 126.0])
def test_the_screening_says_the_same(west: float) -> None:
    survey = _town(green=_verge(west, **HEARSAY))
    asked = application(gate=(120, 12))
    work = prepare(survey, policy(), [asked])
    rows = screen(work, cases_of(survey, [asked], asked.dig_date))
    row = rows[(rows["utility"] == "water") & (rows["application_id"] == asked.application_id)]
    assert (row["outcome"].item(), row["certainty"].item()) == _told(_water(survey))


def test_a_handhole_beside_a_tree_is_joined_by_a_line_that_may_move_it() -> None:
    survey = town(
        roads={"R-1": street((0, 0), (300, 0), **SEEN)},
        parcels={"P-1": parcel(100, 12, 140, 52, **SEEN)},
        nodes={"H-1": node(120, 8, utility="telecom", kind="handhole", free_holes=4, **SEEN)},
        trees=_tree(120.9, **HEARSAY),
    )
    demand = {"telecom": {"duct_holes": 1, "duct_outer_diameter_mm": 110}}
    found = plan(application(gate=(120, 12), demands=demand), survey, policy()).lines["telecom"]
    assert _told(found) == ("commitment", "too_close")


# --- what parts of a line hang on, and what nobody says ------------------------------------------

TELECOM = {"telecom": {"duct_holes": 1, "duct_outer_diameter_mm": 110}}


@pytest.mark.parametrize(
    ("seen", "y", "expected"),
    [
        (SEEN, 6.0, "firm"),
        (HEARSAY, 6.0, "too_close"),  # 1.5 m beyond the handhole, which may be 3 m off
        ({}, 6.0, "not_assessed"),  # nor has the length any interval
        (HEARSAY, 2.9, "firm"),  # 3.1 m and more beyond
    ],
)
def test_the_first_piece_may_be_off_as_far_as_the_handhole_is(
    seen: dict[str, Any], y: float, expected: str
) -> None:
    survey = town(
        roads={"R-1": street((0, 0), (300, 0), carriageway_width_m=4.0, **SEEN)},
        parcels={"P-1": parcel(100, 12, 140, 52, **SEEN)},
        nodes={"H-1": node(120, 7.5, utility="telecom", kind="handhole", free_holes=4, **seen)},
        trees={"T-1": {"ancient": False, "geometry": Point(120, y), **SEEN}},
    )
    line = plan(application(gate=(120, 12), demands=TELECOM), survey, policy()).lines["telecom"]
    assert _told(line) == ("commitment", expected)


@pytest.mark.parametrize(("seen", "expected"), [(SEEN, "firm"), (HEARSAY, "too_close")])
def test_a_main_beside_a_young_road_may_lie_in_it(seen: dict[str, Any], expected: str) -> None:
    """2 m beyond the red line of a road opened in 2025: moved by 3 m the line is barred."""
    survey = _town(
        roads=_city_road(20.0, opened_on="2025-06-01", **SEEN),
        parcels={"P-1": parcel(100, 18, 140, 52, **SEEN)},
        lines={"W-1": main((0, 12), (300, 12), **seen)},
    )
    found = plan(application(gate=(120, 18)), survey, policy())
    line = found.lines["water"]
    assert _told(line) == ("not_required", expected)
    # The red line is known well enough already: it is the main that has to be surveyed.
    told = [
        (point.what, point.feature["id"]) for point in survey_points(
            found.work, found.site, line.demand, line.route
        )
    ]  # fmt: skip
    assert told == ([("main", "W-1")] if expected == "too_close" else [])


@pytest.mark.parametrize(
    "layers",
    [
        {"trees": _tree(120.95)},
        {"roads": {**ESTATE, "R-2": street((0, -2.1), (300, -2.1), opened_on="2025-06-01")}},
        {
            "roads": {
                **ESTATE,
                "R-2": street((0, -2.1), (300, -2.1), opened_on="2025-06-01", **SEEN),
            },
            "road_red_lines": {"R-2": {"geometry": box(0, -12.1, 300, 7.9)}},
        },
    ],
    ids=["tree", "road", "drawn red line"],
)
def test_what_nobody_says_how_exactly_it_lies_may_be_off_like_hearsay(
    layers: dict[str, Any],
) -> None:
    line = _water(_town(lines={"W-1": main((0, 8.9), (300, 8.9), **SEEN)}, **layers))
    assert _told(line) == ("not_required", "too_close")


def test_a_working_pit_beside_a_young_street_may_lie_in_it() -> None:
    """The side street, opened in 2025, is bored under from red line to red line."""
    found = {}
    half = {"position_source": "digitised", "position_scale": 500}
    for name, seen in (("digitised", half), ("exact", EXACT)):
        survey = town(
            roads={
                "R-1": street((0, 0), (300, 0), **EXACT),
                "R-2": street((150, 0), (150, 200), opened_on="2025-06-01", **seen),
            },
            parcels={"P-1": parcel(190, 12, 240, 52, **EXACT)},
            lines={"G-1": main((0, 8), (110, 8), utility="gas", pressure_mpa=0.2, **EXACT)},
        )
        demand = {"gas": {"nominal_mm": 110, "pressure_mpa": 0.2, "material": "PE"}}
        line = plan(application(gate=(200, 12), demands=demand), survey, policy()).lines["gas"]
        shortest = line.routes["shortest"]
        assert isinstance(shortest, Route)
        assert len(shortest.bored) == 1
        found[name] = (shortest.verdict.outcome, shortest.verdict.certainty)
    told = "commitment"
    assert found == {"digitised": (told, "too_close"), "exact": (told, "firm")}


# --- red lines -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("south", "seen", "expected"),
    [
        (5.0, SEEN, "firm"),  # on the kerb
        (4.9, SEEN, "firm"),  # 0.1 m in the carriageway, within what both may be off
        (3.0, SEEN, "not_assessed"),
        (3.0, HEARSAY, "firm"),
        (1.0, HEARSAY, "not_assessed"),
    ],
)
def test_a_red_line_in_the_carriageway_is_known_less_well_than_it_says(
    south: float, seen: dict[str, Any], expected: str
) -> None:
    survey = town(
        roads={"R-1": street((0, 0), (300, 0), **SEEN)},
        parcels={"P-1": parcel(100, south, 140, 52, **seen)},
        lines={"W-1": main((0, -8), (300, -8), **SEEN)},
    )
    asked = application(demands={"water": {"nominal_mm": 200, "material": "PE"}})
    found = plan(asked, survey, policy())
    assert _told(found.lines["water"]) == ("commitment", expected)
    told = [(one.kind, one.feature_id) for one in found.notices if one.kind == "parcel_in_road"]
    assert told == ([("parcel_in_road", "R-1")] if expected == "not_assessed" else [])
    work = prepare(survey, policy(), [asked])
    rows = screen(work, [asked], ["water"])
    assert (rows["outcome"].item(), rows["certainty"].item()) == ("commitment", expected)


@pytest.mark.parametrize(
    ("other", "seen", "expected", "notice"),
    [
        (parcel(140, 12, 180, 52), SEEN, "firm", None),  # a neighbour
        (parcel(139.9, 12, 180, 52), SEEN, "firm", None),  # 4 m2, within what both may be off
        (parcel(130, 12, 170, 52), SEEN, "not_assessed", "parcels_overlap"),
        (parcel(130, 12, 170, 52), HEARSAY, "not_assessed", "parcels_overlap"),
        (parcel(139, 12, 170, 52), HEARSAY, "firm", None),
        (parcel(110, 20, 120, 40), SEEN, "not_assessed", "parcels_overlap"),  # within it
        (parcel(100, 12, 140, 52), SEEN, "firm", "parcel_twice"),
        (parcel(100, 12, 104, 16), HEARSAY, "firm", None),  # small, and may lie beside it
    ],
)
def test_red_lines_that_cross_each_others_land_are_not_known_as_well_as_they_say(
    other: Any, seen: dict[str, Any], expected: str, notice: str | None
) -> None:
    survey = town(
        roads={"R-1": street((0, 0), (300, 0), **SEEN)},
        parcels={"P-1": parcel(100, 12, 140, 52, **seen), "P-2": {**other, **seen}},
        lines={"W-1": main((0, -8), (300, -8), **SEEN)},
    )
    asked = application(demands={"water": {"nominal_mm": 200, "material": "PE"}})
    found = plan(asked, survey, policy())
    assert _told(found.lines["water"]) == ("commitment", expected)
    told = [(one.kind, one.feature_id) for one in found.notices]
    assert told == ([] if notice is None else [(notice, "P-2")])
    rows = screen(prepare(survey, policy(), [asked]), [asked], ["water"])
    assert (rows["outcome"].item(), rows["certainty"].item()) == ("commitment", expected)


@pytest.mark.parametrize("authority", ["estate", "municipal"])
def test_a_road_of_the_estate_may_lie_in_its_parcel(authority: str) -> None:
    survey = _town(
        roads={**ESTATE, "R-2": street((120, 30), (120, 52), authority=authority, **SEEN)}
    )
    expected = "firm" if authority == "estate" else "not_assessed"
    assert _told(_water(survey)) == ("not_required", expected)


@pytest.mark.parametrize(
    ("west", "seen", "outcome", "expected"),
    [
        (95.0, SEEN, "commitment", "firm"),
        (95.0, {"position_accuracy_m": 2.6}, "commitment", "too_close"),
        (99.0, HEARSAY, "commitment", "too_close"),
        (140.05, SEEN, "not_covered", "too_close"),
        (145.0, SEEN, "not_covered", "firm"),
    ],
)
def test_a_parcel_near_the_edge_of_the_area_may_lie_on_either_side(
    west: float, seen: dict[str, Any], outcome: str, expected: str
) -> None:
    areas = {
        "A-1": {"kind": "urban_area", "utility": None, "geometry": box(-50, -50, 500, 500)},
        "A-2": {"kind": "network", "utility": "water", "geometry": box(west, -50, 500, 500)},
    }
    survey = town(
        roads={"R-1": street((0, 0), (300, 0), **SEEN)},
        parcels={"P-1": parcel(100, 12, 140, 52, **seen)},
        lines={"W-1": main((0, -8), (300, -8), **SEEN)},
        service_areas=areas,
    )
    asked = application(demands={"water": {"nominal_mm": 200, "material": "PE"}})
    found = plan(asked, survey, policy())
    line = found.lines["water"]
    assert _told(line) == (outcome, expected)
    rows = screen(prepare(survey, policy(), [asked]), [asked], ["water"])
    assert (rows["outcome"].item(), rows["certainty"].item()) == (outcome, expected)
    told = [
        (p.what, p.feature["id"])
        for p in survey_points(found.work, found.site, line.demand, line.route)
    ]
    assert told == ([("red_line", "P-1")] if expected == "too_close" else [])

"""The gallery shows what the planner does: each situation's claim holds, page and pictures too."""

from __future__ import annotations

from functools import cache

import pytest

from planning.external_lines import Route
from planning.plan import Plan
from tests.gallery import DOCS, FOLDER, draw, page_lines
from tests.situations import SITUATIONS
from tests.towns import xy

BY_KEY = {situation.key: situation for situation in SITUATIONS}


@cache
def planned(key: str) -> Plan:
    return BY_KEY[key].plan()


def recommended(key: str) -> Route:
    route = planned(key).lines[BY_KEY[key].utility].route
    assert route is not None
    return route


def cheapest(key: str) -> Route:
    return planned(key).lines[BY_KEY[key].utility].routes["cheapest"]


def test_both_carriageways_are_crossed_and_the_median_is_greenery() -> None:
    """Two carriageways of 8 m; the median's 8 m under a strip of 1.8 m."""
    figures = recommended("median").figures
    assert (figures["crossing_count"], figures["kerb_m"]) == (2, pytest.approx(16))
    assert figures["green_m2"] == pytest.approx(8 * 1.8)


def test_the_route_goes_round_the_roundabout() -> None:
    """The ring's carriageway reaches 30 m from its middle, of which no route comes nearer."""
    from_middle = [((x - 150) ** 2 + y**2) ** 0.5 for x, y in xy(recommended("roundabout").line)]
    assert min(from_middle) > 30
    assert recommended("roundabout").figures["crossing_count"] == 1


def test_high_voltage_is_not_hung_on_the_bridge() -> None:
    assert cheapest("bridge").verdict.outcome == "blocked"
    assert recommended("bridge").verdict.outcome == "commitment_filing"
    assert max(x for x, _ in xy(recommended("bridge").line)) < 140  # west of the river


def test_the_river_is_not_crossed_without_a_bridge() -> None:
    assert max(x for x, _ in xy(recommended("river").line)) < 140


def test_the_young_road_is_avoided_for_one_that_may_be_dug() -> None:
    assert cheapest("moratorium").verdict.outcome == "blocked"
    assert recommended("moratorium").verdict.outcome == "commitment"
    assert min(y for _, y in xy(recommended("moratorium").line)) > 50  # the street behind


def test_the_other_side_spares_the_trees_of_the_park() -> None:
    assert cheapest("park").figures["green_m2"] < 200  # it is the trees that decide
    assert cheapest("park").facts["touches_tree"] is True
    assert cheapest("park").verdict.outcome == "ordinary_approval"
    assert recommended("park").verdict.outcome == "commitment"
    assert recommended("park").figures["crossing_count"] == 2
    beside = [y for x, y in xy(recommended("park").line) if 40 < x < 140]
    assert max(beside) < -5  # south of the carriageway


def test_the_neighbour_in_front_is_passed_by() -> None:
    parcels = planned("no_frontage").survey.tables["parcels"].geometry
    assert recommended("no_frontage").line.intersection(parcels["P-front"]).length == 0


def test_the_better_of_two_gates_is_used() -> None:
    assert xy(recommended("two_gates").line)[-1] == (130, 52)


def test_the_sewer_is_joined_at_the_first_manhole_that_leaves_the_fall() -> None:
    """The invert is 97.8 m in front, 97.6 m at the manhole east of it and 97.2 m at the next."""
    assert xy(recommended("gravity").line)[0] == (180, 8)


def test_a_length_within_the_survey_tolerance_of_its_limit_is_too_close() -> None:
    route = recommended("too_close")
    assert 195 < route.figures["length_m"] < 200
    assert (route.verdict.outcome, route.verdict.certainty) == ("commitment", "too_close")


def test_the_street_whose_footway_is_too_narrow_is_not_taken() -> None:
    """Footways of 0.5 m; the way along the street would turn off at the corner of R-4."""
    assert "slot_too_narrow" in [one.kind for one in planned("narrow_footway").notices]
    assert max(y for _, y in xy(recommended("narrow_footway").line)) > 90  # the street behind
    shortest = planned("narrow_footway").lines["water"].routes["shortest"]
    assert {y for x, y in xy(shortest.line) if 10 < x < 240} == {3.25}  # in the lane


@pytest.mark.parametrize("key", BY_KEY)
def test_the_picture_is_the_committed_one(key: str) -> None:
    drawn = draw(BY_KEY[key], planned(key))
    assert (FOLDER / f"{key}.svg").read_text(encoding="utf-8") == drawn, "python -m tests.gallery"


def test_the_page_is_the_committed_one() -> None:
    page = "\n".join(page_lines({key: planned(key) for key in BY_KEY})) + "\n"
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == page, "python -m tests.gallery"

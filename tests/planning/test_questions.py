"""Questions: each unknown is asked once, for all utilities that need it."""

from __future__ import annotations

from typing import Any

from layers.survey import Survey
from planning.plan import plan
from planning.questions import Question
from tests import towns
from tests.towns import application, main, street, town

LINES = {
    "W-1": main((0, 8), (300, 8)),
    "G-1": main((0, 7.5), (300, 7.5), utility="gas", pressure_mpa=0.2),
}
BOTH: dict[str, Any] = {
    "water": {"nominal_mm": 150},
    "gas": {"nominal_mm": 100, "pressure_mpa": 0.2},
}


def asked(survey: Survey, **changes: Any) -> set[Question]:
    case = application(**{"demands": BOTH, **changes})
    questions = plan(case, survey, towns.policy()).questions
    assert len(set(questions)) == len(questions)
    return set(questions)


def test_where_all_is_known_nothing_is_asked() -> None:
    assert asked(town(lines=LINES)) == set()


def test_a_road_is_asked_once_for_all_utilities() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on=None, overhauled_on=None)}
    assert asked(town(lines=LINES, roads=roads)) == {
        Question("road", "R-1", "opened_on", ("water", "gas")),
        Question("road", "R-1", "overhauled_on", ("water", "gas")),
    }


def test_only_the_roads_that_lack_the_field_are_asked() -> None:
    roads = {
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((0, 0), (0, 100), opened_on=None),  # far from the stub
    }
    assert asked(town(lines=LINES, roads=roads)) == set()


def test_an_unknown_authority_is_asked() -> None:
    for authority in (None, "unknown", "not_handed_over"):
        roads = {"R-1": street((0, 0), (300, 0), authority=authority, opened_on="2026-01-01")}
        questions = asked(town(lines=LINES, roads=roads))
        assert Question("road", "R-1", "authority", ("water", "gas")) in questions


def test_an_unknown_red_line_that_may_reach_the_line_is_asked() -> None:
    roads = {"R-1": street((0, 0), (300, 0), red_line_width_m=None)}
    # Too large for the clause: it qualifies only if it touches no city road.
    beside = {"W-1": main((0, 11), (300, 11), diameter_mm=400.0)}
    questions = asked(town(lines=beside, roads=roads), demands={"water": {"nominal_mm": 350}})
    assert questions == {Question("road", "R-1", "red_line_width_m", ("water",))}


def test_what_an_estate_road_does_not_tell_is_not_asked() -> None:
    estate = {"authority": "estate", "opened_on": None, "overhauled_on": None}
    questions = asked(
        town(lines=LINES, roads={"R-1": street((0, 0), (300, 0), **estate)}), work_kind=None
    )
    assert {q.subject_kind for q in questions} == {"application"}


def test_whether_mains_are_in_use_is_asked_where_nothing_else_can_be_joined() -> None:
    mains = {"W-1": main((0, 8), (300, 8), status=None)}
    questions = asked(town(lines=mains), demands={"water": {"nominal_mm": 150}})
    assert questions == {Question("layer", "lines", "status", ("water",))}


def test_an_unknown_bridge_is_asked_of_the_road() -> None:
    roads = {"R-1": street((0, 0), (300, 0), on_bridge=None)}
    gas = {"G-1": main((0, 7.5), (300, 7.5), utility="gas", pressure_mpa=0.4)}
    demands = {"gas": {"nominal_mm": 100, "pressure_mpa": 0.4}}
    questions = asked(town(lines=gas, roads=roads), demands=demands)
    assert questions == {Question("road", "R-1", "on_bridge", ("gas",))}


def test_a_layer_that_was_never_imported_is_asked_for_as_a_whole() -> None:
    questions = asked(town(lines=LINES, absent=("service_areas", "trees")))
    layers = {q.subject_id for q in questions if q.subject_kind == "layer"}
    assert layers == {"service_areas", "trees"}
    assert {q.utilities for q in questions} == {("water", "gas")}


def test_a_route_past_unknown_obstacles_asks_for_them_whatever_its_verdict() -> None:
    absent = ("buildings", "water_bodies", "railways")
    assert asked(town(lines=LINES, absent=absent)) == {
        Question("layer", layer, "geometry", ("water", "gas")) for layer in absent
    }


def test_what_only_the_applicant_knows_is_asked_of_the_application() -> None:
    questions = asked(town(lines=LINES), demands={"water": {}}, work_kind=None)
    about = {(q.subject_kind, q.subject_id, q.field) for q in questions}
    assert ("application", "APP-1", "max_dn_mm") in about
    assert ("application", "APP-1", "work_kind") in about


def test_what_is_measured_once_the_size_is_known_is_not_asked_by_hand() -> None:
    size = Question("application", "APP-1", "max_dn_mm", ("water",))
    assert asked(town(lines=LINES), demands={"water": {}}) == {size}
    trees = Question("layer", "trees", "geometry", ("water",))  # no size tells of those
    assert asked(town(lines=LINES, absent=("trees",)), demands={"water": {}}) == {size, trees}


def test_gas_of_unknown_pressure_is_open_and_asks_for_it() -> None:
    demands = {"gas": {"nominal_mm": 100}}
    assert asked(town(lines=LINES), demands=demands) == {
        Question("application", "APP-1", "pressure_mpa", ("gas",))
    }


def test_a_settled_verdict_asks_nothing() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on="2026-01-01", overhauled_on=None)}
    assert asked(town(lines=LINES, roads=roads)) == set()  # blocked whatever the overhaul

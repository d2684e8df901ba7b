"""Pieces of routes that an edit leaves are told as if they were measured after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from layers.survey import Survey
from layers.utilities import load_utilities
from planning.batch import cases_of
from planning.city_roads import CITY_EDGES, in_city_roads, tie_ins_in_city_roads
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.groundwork import Groundwork
from planning.local_edits import Edit, edited
from planning.piece_ground import BORED, CUT, PieceGround, PieceLines
from planning.route_pieces import PieceBook
from tests.planning.edits import (
    added,
    moved,
    one_edit,
    ready,
    ribbon,
    told,
    with_layers,
    without,
)
from tests.planning.whole_builds import vertices
from tests.towns import ORIGIN, street, table

pytestmark = pytest.mark.slow_first

DAY = date(2026, 11, 22)
KINDS = (CUT, BORED, *load_utilities())
WIDTHS = (0.9, None)
PARCELS = [f"P-{k}{side}" for k in (1, 3, 4, 5, 9) for side in "ns"]


def _measured() -> Groundwork:
    """The ribbon with every piece of routes measured for two widths."""
    work = ready(ribbon())
    for of in KINDS:
        lines = work.kept["piece lines", of] = PieceLines(work, of)
        for width_m in WIDTHS:
            ground = work.kept["piece ground", width_m, of] = PieceGround(lines, width_m)
            _facts(ground, _pieces(work, of))
    _in_city_roads(work)
    return work


def _in_city_roads(work: Groundwork) -> dict[str, list[list[bool]]]:
    """For each utility which ways to tie-ins lie in city roads, and which nodes are shut in."""
    nodes = np.arange(work.corridors.graph.node_count)
    return {
        utility: [
            tie_ins_in_city_roads(
                work, utility, np.arange(len(work.tie_ins(utility).lines))
            ).tolist(),
            in_city_roads(work, utility, nodes).tolist(),
        ]
        for utility in load_utilities()
    }


def _pieces(work: Groundwork, of: str) -> Any:
    return work.ground.bores.edge if of == BORED else np.arange(len(PieceLines(work, of)))


def _as_told(ground: PieceGround, numbers: Any) -> Iterator[Any]:
    rows = ground.rows(numbers)
    for along, row in zip(ground.lines.along(numbers), rows.tolist(), strict=True):
        yield along, ground.told.places[ground.told.kind[row]]


def _facts(ground: PieceGround, numbers: Any) -> list[Any]:
    rows = ground.rows(numbers)
    return list(ground.facts(ground.told.kind[rows].tolist(), DAY))


def _assert_stands(edit: Edit) -> dict[str, int]:
    """Everything handed on equals what is measured anew; how much was."""
    count = {}
    for of in KINDS:
        lines = edit.work.kept.get(("piece lines", of))
        if lines is None:
            continue
        stood = np.flatnonzero(lines.known)
        count[of] = len(stood)
        fresh = PieceLines(edit.work, of)
        for width_m in WIDTHS:
            kept = edit.work.kept["piece ground", width_m, of]
            assert (kept._row[stood] >= 0).all()
            anew = PieceGround(fresh, width_m)
            figures = [one.figures(one.rows(stood)) for one in (kept, anew)]
            np.testing.assert_allclose(*figures, atol=1e-6)
            assert list(_as_told(kept, stood)) == list(_as_told(anew, stood))
            every = _pieces(edit.work, of)  # those that were dropped are measured anew in both
            assert _facts(kept, every) == _facts(anew, every)
    assert _in_city_roads(edit.work) == _in_city_roads(replace(edit.work, kept={}))
    return count


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_pieces_that_stand_after_an_edit_are_told_as_if_measured_anew(data: st.DataObject) -> None:
    survey = data.draw(one_edit(ribbon()))
    edit = edited(_BEFORE, survey)
    _assert_stands(edit)


def test_what_lies_in_city_roads_stands_where_neither_graph_nor_roads_are_others() -> None:
    kept = _BEFORE.kept[CITY_EDGES]
    assert any(any(inside) for each in _in_city_roads(_BEFORE).values() for inside in each)
    for survey in (moved(ribbon(), "trees", 0, 0.5, 0.5), moved(ribbon(), "green", 2, 0.5, 0.5)):
        edit = edited(_BEFORE, survey)
        assert edit.work.kept[CITY_EDGES] is kept
        _assert_stands(edit)


def test_nearly_all_pieces_stand_after_an_edit_of_a_parcel_and_after_one_more() -> None:
    first = edited(_BEFORE, moved(ribbon(), "parcels", 3, 0.0, 2.0))
    again = moved(moved(ribbon(), "parcels", 3, 0.0, 2.0), "green", 4, 1.0, 0.0)
    for edit in (first, edited(first.work, again)):
        count = _assert_stands(edit)
        assert count[CUT] > 0.7 * edit.work.corridors.graph.edge_count
        assert count["water"] > 0.7 * len(edit.work.tie_ins("water").lines)
        assert count[BORED] > 0


@pytest.mark.parametrize("layer", ["trees", "green"])
def test_a_tree_or_a_verge_is_told_of_pieces_beside_it_only(layer: str) -> None:
    survey = {
        "trees": lambda: told(ribbon(), "trees", 0, ancient=True),
        "green": lambda: told(ribbon(), "green", 2, kind="park"),
    }[layer]()
    edit = edited(_BEFORE, survey)
    lines = edit.work.kept["piece lines", CUT]
    place = survey.tables[layer].geometry.iloc[{"trees": 0, "green": 2}[layer]]
    away_m = shapely.distance(edit.work.corridors.graph.lines, place)
    assert (away_m < 1).any()
    assert not lines.known[away_m < 1].any()
    assert lines.known[away_m > 300].all()
    _assert_stands(edit)


def test_only_pieces_in_reach_of_a_slanted_verge_are_dropped_not_all_round_its_box() -> None:
    verge = LineString([(870, -30), (960, 40)]).buffer(0.5)
    edit = edited(_BEFORE, added(ribbon(), "green", kind="verge", geometry=verge))
    grounds = [edit.work.kept["piece ground", width_m, CUT] for width_m in WIDTHS]
    edges, shape = edit.work.corridors.graph.lines, edit.changed["green"].shapes[0]
    near = shapely.distance(edges, shape) <= max(one.reach_m for one in grounds)
    in_box = shapely.distance(edges, shapely.box(*shape.bounds)) == 0
    assert (in_box & ~near).any()
    known = edit.work.kept["piece lines", CUT].known
    np.testing.assert_array_equal(known, ~near & (edit.edge_before >= 0))
    _assert_stands(edit)


@pytest.mark.parametrize(
    "values",
    [{"carriageway_width_m": 9.0}, {"red_line_width_m": 24.0}, {"carriageway_width_m": None}],
)
def test_an_edit_of_where_a_road_lies_leaves_the_pieces_off_it(values: dict[str, Any]) -> None:
    edit = edited(_BEFORE, told(ribbon(), "roads", 1, **values))  # from x = 400 to 800
    lines = edit.work.kept["piece lines", CUT]
    x = shapely.get_x(shapely.centroid(edit.work.corridors.graph.lines)) - ORIGIN[0]
    assert not lines.known[(x > 450) & (x < 750)].all()
    assert lines.known[(x < 200) | (x > 1000)].all()
    _assert_stands(edit)
    _assert_stands(edited(edit.work, moved(edit.work.survey, "roads", 7, 1.0, 0.5)))


def test_where_roads_have_other_numbers_no_piece_is_left() -> None:
    edit = edited(_BEFORE, without(ribbon(), "roads", 1))
    assert not any(isinstance(one, PieceLines) for one in edit.work.kept.values())


@pytest.mark.parametrize(
    "values",
    [{"authority": "estate"}, {"surface": "concrete"}],
)
def test_what_else_is_told_of_a_road_leaves_the_pieces_off_it(values: dict[str, str]) -> None:
    survey = told(ribbon(), "roads", 1, **values)  # from x = 400 to 800
    edit = edited(_BEFORE, survey)
    lines = edit.work.kept["piece lines", CUT]
    middle = shapely.centroid(edit.work.corridors.graph.lines)
    x, y = shapely.get_x(middle) - ORIGIN[0], shapely.get_y(middle) - ORIGIN[1]
    others = edit.edge_before < 0
    assert (np.abs(x[others] - 800) < 1).all(), "but where another road goes on with a red line"
    assert others.any() == ("authority" in values)
    assert not lines.known[(x > 400) & (x < 800) & (np.abs(y) < 10)].any()
    assert lines.known[(x < 300) | (x > 900)].all()
    _assert_stands(edit)
    again = edited(edit.work, told(survey, "roads", 2, **values))
    _assert_stands(again)


@pytest.mark.parametrize("field", ["opened_on", "overhauled_on"])
def test_days_of_a_road_leave_all_pieces_and_are_told_of_those_that_touch_it(field: str) -> None:
    edit = edited(_BEFORE, told(ribbon(), "roads", 1, **{field: "2026-01-01"}))
    for of in (CUT, "water"):
        known = [work.kept["piece lines", of].known for work in (_BEFORE, edit.work)]
        np.testing.assert_array_equal(*known)
    ground, number = edit.work.kept["piece ground", 0.9, CUT], _pieces(edit.work, CUT)
    days = [fact[f"road_{field}"] for fact in _facts(ground, number)]
    touched = ground.told.touching(np.array([1]))[ground.rows(number)]
    assert any("2026-01-01" in day for day in days)
    assert not any("2026-01-01" in day for day, mine in zip(days, touched, strict=True) if not mine)
    _assert_stands(edit)


def test_works_due_before_the_dig_are_told_of_the_pieces_that_touch_the_road() -> None:
    edit = edited(_BEFORE, told(ribbon(), "roads", 1, planned_works_on="2026-01-02"))
    ground, number = edit.work.kept["piece ground", 0.9, CUT], _pieces(edit.work, CUT)
    open_ = [None in fact["road_overhauled_on"] for fact in _facts(ground, number)]
    touched = ground.told.touching(np.array([1]))[ground.rows(number)]
    assert any(open_)
    assert not any(one for one, mine in zip(open_, touched, strict=True) if not mine)
    _assert_stands(edit)


def _ranks(book: PieceBook, numbers: Any) -> list[Any]:
    ground = book._ground(CUT)
    return [book._ranks([(ground, numbers)], worst)[0].tolist() for worst in (False, True)]


def test_pieces_on_a_road_with_other_days_are_judged_again() -> None:
    work = ready(_with_young_streets())
    _six(work)
    edit = edited(work, told(work.survey, "roads", 2, opened_on="2001-01-01"))
    changed = 0
    for key, before in list(work.kept.items()):
        if isinstance(before, PieceBook):
            numbers = np.flatnonzero(before._ground(CUT).lines.known)
            then, now = _ranks(before, numbers), _ranks(edit.work.kept[key], numbers)
            assert now == _ranks(PieceBook(edit.work, before.demand, before.given), numbers)
            changed += then != now
    assert changed


def _six(work: Groundwork) -> dict[Any, ExternalLine]:
    lines = {}
    for case in cases_of(
        work.survey, [], DAY, [f"P-{k}{side}" for k in (1, 3, 4, 5, 9) for side in "ns"]
    ):
        find, site = nearby_finder(), work.site(case)
        for utility, demand in case.demands.items():
            found = external_lines(work, demand, [site], find)[site.key]
            lines[case.parcel_id, utility] = found
    return lines


def _seen(lines: dict[Any, ExternalLine]) -> dict[Any, Any]:
    return {
        key: (
            one.status,
            one.reason,
            one.qualifying_route,
            one.recommended,
            one.route and vertices(one.route.line),
            one.route
            and {k: pytest.approx(v, abs=1e-6, nan_ok=True) for k, v in one.route.figures.items()},
            one.route and one.route.facts,
            one.verdict,
            one.qualifying and one.qualifying.reason,
        )
        for key, one in lines.items()
    }


def _with_young_streets() -> Survey:
    """The ribbon with streets that may not be dug: routes that qualify lead round them."""
    survey = ribbon()
    for row in (0, 2, 5, 6, 9):
        survey = told(survey, "roads", row, authority="municipal", opened_on="2025-01-01")
    return survey


def _edits(survey: Survey) -> Iterator[Survey]:
    yield moved(survey, "parcels", 8, 0.0, 2.5)
    yield moved(survey, "lines", 3, 0.0, 0.8)
    yield added(survey, "trees", ancient=True, geometry=Point(640, 6.5))
    yield told(survey, "roads", 2, opened_on="2001-01-01")
    yield told(survey, "roads", 5, authority="estate")
    yield told(survey, "roads", 1, surface="concrete", opened_on="2026-01-01")
    yield told(survey, "roads", 1, carriageway_width_m=9.0)
    yield moved(survey, "roads", 8, 1.5, 0.0)
    yield added(survey, "roads", **street((500, 0), (520, 90), authority="municipal"))
    yield without(survey, "roads", 8)


def test_lines_after_edits_are_those_of_a_groundwork_prepared_anew() -> None:
    young = _with_young_streets()
    work = ready(young)
    _six(work)
    assert any(isinstance(one, PieceBook) for one in work.kept.values())
    for survey in _edits(young):
        edit = edited(work, survey)
        assert edit.is_local
        assert _seen(_six(edit.work)) == _seen(_six(ready(survey)))


_BEFORE = _measured()


def test_a_new_road_has_the_red_line_that_was_surveyed_before_it() -> None:
    """Opened this year, its red line bars what lies in it: no line there may be told to qualify."""
    drawn = table("road_red_lines", {"X-1": {"geometry": box(470, 5, 595, 100)}})
    work = ready(with_layers(ribbon(), road_red_lines=drawn))
    _six(work)
    new = street((565, 0), (565, 100), red_line_width_m=None, opened_on="2026-01-01")
    edit = edited(work, added(work.survey, "roads", **new))
    assert edit.is_local
    found, anew = _six(edit.work), _six(ready(edit.work.survey))
    outcomes = [
        {
            key: line.verdict and (line.verdict.outcome, line.verdict.clause)
            for key, line in one.items()
        }
        for one in (found, anew)
    ]
    assert outcomes[0] == outcomes[1]
    assert "blocked" in {told[0] for told in outcomes[0].values() if told}


def test_a_network_of_which_nothing_is_left_comes_back_as_it_was() -> None:
    work = ready(ribbon())
    before = _seen(_six(work))
    mains = work.survey.tables["lines"]
    gone = edited(work, with_layers(work.survey, lines=mains[mains["utility"] != "gas"]))
    assert _seen(_six(gone.work)) == _seen(_six(ready(gone.work.survey)))
    back = edited(gone.work, work.survey)
    assert _seen(_six(back.work)) == before

"""How pipes go over edges after an edit is told as if nothing had been told before it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from planning.groundwork import SEARCHES_BEFORE, Groundwork
from planning.local_edits import Edit, edited
from planning.narrow_slots import too_narrow
from planning.no_dig import OPEN, Closed
from planning.routes import OBJECTIVES
from planning.standards import Pipe
from tests.planning.edits import added, moved, one_edit, ready, ribbon, told, without
from tests.towns import main, parcel, street, town

pytestmark = pytest.mark.slow_first

PIPES = (
    Pipe("water", nominal_mm=150.0, laying="direct", material="PE"),
    Pipe("water", nominal_mm=2400.0, laying="direct", material="PE"),
    Pipe("power", duct_holes=2, duct_outer_diameter_mm=110.0, laying="conduit"),
    Pipe("telecom"),
)
CLOSED = (OPEN, Closed(spared=True))


def _told(survey: Any) -> Groundwork:
    work = ready(survey)
    for pipe in PIPES:
        for closed in CLOSED:
            for objective in OBJECTIVES:
                assert work.under(closed).search(pipe, objective).lightest_rate > 0
            assert np.isfinite(work.under(closed).methods(pipe).cut_yuan).any()
    return work


def _assert_told_anew(edit: Edit) -> int:
    """Methods handed on equal those chosen on the whole ground; how many were handed on."""
    work = edit.work
    stood = work.kept.get(SEARCHES_BEFORE)
    # The same corridors and tie-ins, nothing told of them.
    bare = replace(work.bare(), _tie_ins=work._tie_ins)
    handed = 0
    for pipe in PIPES:
        for closed in CLOSED:
            cheaper, every = (work.under(closed).methods(pipe, all_bores=b) for b in (False, True))
            np.testing.assert_array_equal(cheaper.yuan, every.yuan)
            np.testing.assert_array_equal(cheaper.bored, every.bored)
            for all_bores in (False, True):
                handed += stood is not None and stood.methods(pipe, closed, all_bores) is not None
                one, other = (
                    some.under(closed).methods(pipe, all_bores=all_bores) for some in (work, bare)
                )
                for name in ("cut_yuan", "bore_yuan", "passable"):
                    told = [getattr(methods, name) for methods in (one, other)]
                    np.testing.assert_allclose(*told, atol=1e-6, err_msg=name)
            for objective in OBJECTIVES:
                made = [some.under(closed).search(pipe, objective) for some in (work, bare)]
                assert made[0].corridors is work.corridors
                assert made[0].lightest_rate == made[1].lightest_rate
                for one, other in zip(*(search.best_tie_ins for search in made), strict=True):
                    np.testing.assert_allclose(one, other, atol=1e-6)
                for name in ("edge_weights", "tie_in_weights"):
                    weights = [getattr(search, name) for search in made]
                    np.testing.assert_allclose(*weights, atol=1e-6, err_msg=name)
            narrow = [too_narrow(some.under(closed), pipe) for some in (work, bare)]
            np.testing.assert_array_equal(*narrow)
    return handed


_BEFORE = _told(ribbon())


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_methods_after_an_edit_are_those_told_anew(data: st.DataObject) -> None:
    first = data.draw(one_edit(ribbon()))
    edit = edited(_BEFORE, first)
    _assert_told_anew(edit)
    _assert_told_anew(edited(edit.work, data.draw(one_edit(first))))


def test_searches_stand_where_a_tree_says_nothing_of_any_edge() -> None:
    edit = edited(_BEFORE, moved(ribbon(), "trees", 0, 3.0, 0.0))
    for pipe in PIPES:
        one, other = (work.search(pipe, "cheapest") for work in (_BEFORE, edit.work))
        assert one.edge_weights is other.edge_weights


def test_methods_are_handed_on_through_edits_of_all_that_leave_roads_their_numbers() -> None:
    survey = ribbon()
    for change in (
        added(survey, "trees", ancient=True, geometry=Point(640, 6.5)),
        moved(survey, "parcels", 3, 0.0, 2.0),
        moved(survey, "lines", 3, 0.0, 0.8),
        moved(survey, "green", 4, 1.0, 0.0),
        told(survey, "roads", 1, opened_on="2026-01-01", authority="estate"),
        told(survey, "roads", 1, carriageway_width_m=9.0),
        told(survey, "roads", 1, red_line_width_m=10.0),
        told(survey, "roads", 1, surface="concrete"),
        moved(survey, "roads", 8, 1.5, 0.0),
        added(survey, "roads", **street((500, 0), (520, 90))),
    ):
        # with all bores and with the cheaper ones
        assert _assert_told_anew(edited(_BEFORE, change)) == 2 * len(PIPES) * len(CLOSED)
    assert _assert_told_anew(edited(_BEFORE, without(survey, "roads", 1))) == 0


def test_the_lightest_edge_is_handed_on_unless_it_lies_near_the_edit_and_weighs_more() -> None:
    """Only greenery is lighter than pavement: the lightest edge runs along the verge that is left.

    The tree stands beside it, and once it is ancient nothing may be dug there.
    """
    survey, pipe = ribbon(), PIPES[0]
    for verge in survey.tables["green"].index[1:]:
        survey = without(survey, "green", verge)
    survey = moved(survey, "trees", 0, -453.0, 0.0)
    before = _told(survey)
    changes = {
        "far away": moved(survey, "trees", 1, 3.0, 0.0),
        "lighter": moved(survey, "green", 0, 20.0, 0.0),
        "gone": without(survey, "green", survey.tables["green"].index[0]),
        "shut": told(survey, "trees", 0, ancient=True),
    }
    handed_on = {}
    for name, change in changes.items():
        edit = edited(before, change)
        ground = edit.work.under(Closed(spared=True))
        handed_on[name] = "lightest_edge" in vars(ground.search(pipe, "cheapest"))
        _assert_told_anew(edit)
    assert handed_on == {"far away": True, "lighter": True, "gone": False, "shut": False}


def test_ways_that_cross_another_pavement_cost_what_it_costs_though_no_edge_crosses_it() -> None:
    """A main in a carriageway that is shut off along its other side: only ways to it cross."""
    survey = town(
        roads={"R-1": street((0, 0), (300, 0), surface="concrete")},
        parcels={"P-1": parcel(100, 12, 140, 40)},
        buildings={"H-1": {"geometry": box(-20, -40, 320, -5.2)}},
        lines={"M-1": main((0, 1.0), (300, 1.0), diameter_mm=300.0)},
    )
    road = survey.tables["roads"].index.get_loc("R-1")
    work, pipe = ready(survey), PIPES[0]
    assert (work.corridors.crossings["road"] != road).all()
    before = work.search(pipe, "cheapest").tie_in_weights
    edit = edited(work, told(survey, "roads", road, surface="asphalt"))
    assert edit.is_local
    anew = ready(edit.work.survey).search(pipe, "cheapest")
    found = edit.work.search(pipe, "cheapest")
    assert np.sort(found.tie_in_weights) == pytest.approx(np.sort(anew.tie_in_weights))
    assert np.max(found.tie_in_weights) > np.max(before) + 1.0  # of those that cross

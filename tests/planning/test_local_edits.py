"""A groundwork that was edited locally equals one that is prepared from nothing."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from planning.corridors import Corridors
from planning.groundwork import Groundwork, SiteError
from planning.local_edits import edited
from planning.narrow_slots import too_narrow
from planning.standards import Pipe
from tests.planning.edits import (
    added,
    moved,
    one_edit,
    ready,
    ribbon,
    ribbon_work,
    told,
    with_layers,
    without,
)
from tests.planning.whole_builds import assert_equal, vertices
from tests.towns import ORIGIN, application, main, parcel, street, table, town

pytestmark = pytest.mark.slow_first


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_an_edit_anywhere_gives_what_a_whole_build_gives(data: st.DataObject) -> None:
    survey = data.draw(one_edit(ribbon()))
    edit = edited(ribbon_work(), survey)
    assert_equal(edit.work, ready(survey))


def test_a_house_in_the_way_is_built_round_and_the_rest_stays() -> None:
    survey = added(ribbon(), "buildings", geometry=box(500, 5.5, 512, 11))
    edit = edited(ribbon_work(), survey)
    assert edit.is_local
    kept = edit.edge_before >= 0
    assert 0 < np.count_nonzero(~kept) < 0.1 * len(kept)
    before, after = ribbon_work().corridors.graph, edit.work.corridors.graph
    assert (after.lines[kept] == before.lines[edit.edge_before[kept]]).all()
    xy = after.node_xy[after.ends[~kept]] - ORIGIN
    assert (np.abs(xy[..., 0] - 506) < 250).all()


def test_a_road_that_is_renamed_is_no_half_of_a_divided_one_any_more() -> None:
    """Two carriageways of one name and class 20 m apart are one road with a median."""
    halves = {
        name: street((0, y), (1500, y), name="环城路", road_class="arterial")
        for name, y in (("R-1", 0), ("R-2", 20))
    }
    survey = town(roads=halves, parcels={"P-1": parcel(300, -60, 360, -12)})
    renamed = told(survey, "roads", 1, name="另一路")
    for before, after in ((survey, renamed), (renamed, survey)):
        assert_equal(edited(ready(before), after).work, ready(after))
    assert ready(survey).corridors.graph.edge_count != ready(renamed).corridors.graph.edge_count


def _narrow_strips(work: Groundwork) -> set[Any]:
    barred = too_narrow(work, Pipe("water", nominal_mm=800, material="PE"))
    return {vertices(line) for line in work.corridors.graph.lines[barred]}


def test_a_red_line_that_leaves_no_footway_bars_where_a_whole_build_does() -> None:
    survey = told(ribbon(), "roads", 7, red_line_width_m=9.0)
    edit = edited(ribbon_work(), survey)
    assert not _narrow_strips(ribbon_work())
    assert _narrow_strips(edit.work) == _narrow_strips(ready(survey)) != set()


def test_a_line_that_fills_a_footway_bars_where_a_whole_build_does() -> None:
    row = {"diameter_mm": 2000.0, "material": "concrete", "position_accuracy_m": 0.0}
    big = main((820, 7.5), (1040, 7.5), utility="sewage", subtype=None, **row)
    survey = added(ribbon(), "lines", **big)
    edit = edited(ribbon_work(), survey)
    assert edit.is_local
    assert _narrow_strips(edit.work) == _narrow_strips(ready(survey)) != set()


def test_a_house_well_inside_a_parcel_and_what_is_told_of_land_move_no_edge() -> None:
    held = moved(ribbon(), "buildings", 0, 8.0, 4.0)
    parcels = ribbon().tables["parcels"]
    renamed = with_layers(ribbon(), parcels=parcels.assign(name="甲"))
    for survey in (held, renamed):
        edit = edited(ribbon_work(), survey)
        assert edit.work.corridors.graph is ribbon_work().corridors.graph
        assert edit.changed
        assert_equal(edit.work, ready(survey))
    # Of a house that its parcel no longer holds the strips beside it are looked at again.
    out = moved(ribbon(), "buildings", 0, 0.0, -15.0)
    edit = edited(ribbon_work(), out)
    assert edit.work.corridors.graph is not ribbon_work().corridors.graph
    assert_equal(edit.work, ready(out))


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_edits_of_roads_one_after_another_give_what_a_whole_build_gives(
    data: st.DataObject,
) -> None:
    """Widths, red lines and places of roads beside junctions and dead ends."""
    survey, work = ribbon(), ribbon_work()
    for _ in range(2):
        row = data.draw(st.integers(0, len(survey.tables["roads"]) - 1))
        width = data.draw(st.sampled_from([5.0, 9.0, 13.0, 18.0]))
        change = data.draw(st.sampled_from(["width", "red line", "place"]))
        if change == "place":
            aside = data.draw(st.sampled_from([-2.0, 0.5, 3.0]))
            survey = moved(survey, "roads", row, aside, -aside)
        elif change == "width":
            survey = told(survey, "roads", row, carriageway_width_m=width)
        else:
            survey = told(survey, "roads", row, red_line_width_m=width + 6.0)
        work = edited(work, survey).work
        assert_equal(work, ready(survey))


def test_an_edit_of_trees_leaves_the_very_graph() -> None:
    edit = edited(ribbon_work(), moved(ribbon(), "trees", 0, 3.0, 0.0))
    assert edit.is_local
    assert edit.work.corridors.graph is ribbon_work().corridors.graph
    assert edit.work.tie_ins("water") is ribbon_work().tie_ins("water")
    assert set(edit.changed) == {"trees"}


def test_an_edit_after_an_edit_gives_what_a_whole_build_gives() -> None:
    first = without(ribbon(), "parcels", 9)
    second = added(moved(first, "lines", 6, 0.0, 0.8), "roads", **street((1310, 4), (1315, 80)))
    edit = edited(edited(ribbon_work(), first).work, second)
    assert edit.is_local
    assert_equal(edit.work, ready(second))


def test_edits_at_both_ends_of_the_town_are_spliced_each_in_its_place() -> None:
    survey = moved(moved(ribbon(), "parcels", 0, 0.0, 3.0), "parcels", 32, 0.0, 3.0)
    edit = edited(ribbon_work(), survey)
    assert edit.is_local
    assert edit.region is not None
    assert len(edit.region) == 2
    assert_equal(edit.work, ready(survey))


def test_a_gate_is_joined_by_an_edit_and_a_gate_off_its_red_line_refused() -> None:
    case = application("P-5n", gate=(600, 12))
    edit = edited(ribbon_work(), ribbon(), [case])
    assert edit.is_local
    sites = edit.work.corridors.sites
    assert (sites["application_id"] == "APP-1").any()
    assert edit.work.site(case).gap_m == pytest.approx(12 - 6.75)
    gone = edited(edit.work, ribbon())
    assert gone.is_local
    assert_equal(gone.work, ribbon_work())
    with pytest.raises(SiteError):
        edited(ribbon_work(), ribbon(), [application("P-5n", gate=(600, 40))])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (lambda s: with_layers(s, parcels=s.tables["parcels"].iloc[::-1]), "another order"),
        (lambda s: with_layers(s, no_dig=table("no_dig", {})), "first time"),
        (lambda s: moved(s, "parcels", 3, 0.0, 0.0), ""),
    ],
)  # fmt: skip
def test_what_is_no_local_edit_is_built_anew_and_says_why(changed: Any, why: str) -> None:
    edit = edited(ribbon_work(), changed(ribbon()))
    assert why in edit.why_whole
    assert edit.is_local == (why == "")


def test_a_road_through_the_whole_town_is_built_anew_as_a_whole() -> None:
    edit = edited(ribbon_work(), added(ribbon(), "roads", **street((-50, 60), (1850, 61))))
    assert not edit.is_local
    assert "most of the county" in edit.why_whole
    assert (edit.edge_before < 0).all()


def test_splicing_knows_every_field_of_the_corridors() -> None:
    # A field that is added must be spliced too, or follow from others.
    assert {one.name for one in fields(Corridors)} == {
        "graph", "obstacles", "green", "crossings", "sites", "feet", "gaps_m", "roadside",
        "carriers", "drawn",
    }  # fmt: skip

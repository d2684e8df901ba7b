"""A groundwork that was edited locally equals one that is prepared from nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry import LineString, Point, box

from layers.survey import Survey
from planning.corridors import Corridors
from planning.groundwork import Groundwork, SiteError, prepare
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
from tests.towns import ORIGIN, application, main, parcel, policy, street, table, town

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


def test_what_was_told_of_each_edge_is_told_of_it_by_its_number_after_an_edit() -> None:
    """Flags and lengths are patched where edges went and came; kinds and shapes are the truth."""
    work, survey = ready(ribbon()), added(ribbon(), "buildings", geometry=box(500, 5.5, 512, 11))
    bores = work.ground.bores
    assert len(bores.edge)
    assert work.corridors.is_connector.any()
    assert not work.corridors.is_bored.all()
    edit = edited(work, survey)
    corridors, kind = edit.work.corridors, edit.work.corridors.graph.measures["kind"]
    assert (edit.edge_before < 0).any()
    for flag in ("is_connector", "is_bored"):
        assert flag in vars(corridors)
    assert (corridors.is_connector == (kind == "connector")).all()
    assert (corridors.is_bored == (kind == "bore")).all()
    assert corridors.graph.length_m.tolist() == shapely.length(corridors.graph.lines).tolist()
    after = edit.work.ground.bores
    assert (np.diff(after.edge) > 0).all()
    assert (after.lines == corridors.graph.lines[after.edge]).all()
    anew = ready(survey).ground.bores
    assert sorted(map(vertices, after.lines)) == sorted(map(vertices, anew.lines))
    assert after.green_m2.sum() == pytest.approx(anew.green_m2.sum())


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


@pytest.mark.parametrize("bounds", [(800, -14, 1100, 14), (700, -11, 900, 30)])
def test_edges_count_the_red_line_that_was_surveyed_since(bounds: tuple[float, ...]) -> None:
    def drawn(*corners: float) -> Survey:
        area = table("road_red_lines", {"R-2": {"geometry": box(*corners)}})
        return with_layers(ribbon(), road_red_lines=area)

    survey = drawn(*bounds)
    edit, whole = edited(ready(drawn(800, -11, 1100, 11)), survey), ready(survey)
    assert edit.is_local
    assert_equal(edit.work, whole)
    counted = [one.corridors.crossings["red_line_m"].sum() for one in (edit.work, whole)]
    assert counted[0] == pytest.approx(counted[1])


def test_a_line_that_fills_a_footway_bars_where_a_whole_build_does() -> None:
    row = {"diameter_mm": 2000.0, "material": "concrete", "position_accuracy_m": 1e-9}
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


@pytest.mark.parametrize(
    ("layer", "row"),
    [
        ("parcels", parcel(900, -340, 940, -310)),
        ("buildings", {"geometry": box(900, -340, 940, -310)}),
        ("water_bodies", {"geometry": box(900, -340, 940, -310)}),
    ],
)
def test_land_that_no_street_is_near_comes_and_goes(layer: str, row: dict[str, Any]) -> None:
    """The nearest street is 220 m away."""
    survey = added(ribbon(), layer, **row)
    edit = edited(ribbon_work(), survey)
    assert edit.is_local
    assert_equal(edit.work, ready(survey))
    assert_equal(edited(edit.work, ribbon()).work, ribbon_work())


def test_land_miles_from_any_street_is_built_anew_as_a_whole() -> None:
    survey = added(ribbon(), "parcels", **parcel(900, -5340, 940, -5310))
    edit = edited(ribbon_work(), survey)
    assert edit.why_whole == "the edit reaches far"
    assert_equal(edit.work, ready(survey))


def test_where_lines_are_joined_from_afar_an_edit_reaches_as_far() -> None:
    """A house before the main, 115 m behind the strip, shuts ways whose nodes are 113 m from it."""
    usual = policy()
    settings = replace(usual.planning, max_snap_m=120.0)
    there = main((1200, 121.75), (1800, 121.75))
    survey = town(
        roads={"R-1": street((0, 0), (3000, 0))},
        lines={"W-1": there},
        buildings={"B-1": {"geometry": box(1300, 118, 1700, 119)}},
    )
    open_ = with_layers(survey, buildings=survey.tables["buildings"].iloc[:0])
    lines = []
    for before, after in ((survey, open_), (open_, survey)):
        one, two = (prepare(s, replace(usual, planning=settings)) for s in (before, after))
        one.tie_ins("water")
        now = edited(one, after).work.tie_ins("water")
        lines.append(sorted(line.wkt for line in now.lines))
        assert lines[-1] == sorted(line.wkt for line in two.tie_ins("water").lines)
    assert len(lines[0]) > len(lines[1])


@cache
def _round_and_divided() -> Survey:
    """The ribbon, and east of it a roundabout and a street of two carriageways with a median."""
    ring = Point(2150, 0).buffer(25, quad_segs=8).exterior.coords
    half = {"carriageway_width_m": 8.0, "red_line_width_m": 12.0, "road_class": "arterial"}
    more: dict[str, dict[str, Any]] = {
        "roads": {
            "Q-ring": street(*ring),
            "Q-W": street((2000, 0), (2125, 0)),
            "Q-E": street((2175, 0), (2400, 0)),
            "Q-N": street((2150, 25), (2150, 120)),
            "D-N": street((2400, 10), (3100, 10), name="环城路", **half),
            "D-S": street((2400, -10), (3100, -10), name="环城路", **half),
            "D-X": street((2700, -100), (2700, 100), carriageway_width_m=7.0),
        },
        "parcels": {"Q-1": parcel(2190, 12, 2230, 42), "D-1": parcel(2530, 20, 2570, 50)},
        "buildings": {
            "B-Q": {"geometry": box(2225, 20, 2236, 30)},
            "B-D": {"geometry": box(2560, 40, 2566, 49)},
        },
        "green": {"V-D": {"kind": "verge", "geometry": box(2400, -4, 3100, 4)}},
        "lines": {"W-Q": main((2000, 8), (2100, 8)), "W-D": main((2400, -17), (3100, -17))},
    }
    layers = {key: pd.concat([ribbon().tables[key], table(key, more[key])]) for key in more}
    return with_layers(ribbon(), **layers)


@cache
def _their_work() -> Groundwork:
    return ready(_round_and_divided())


def _row(layer: str, name: str) -> int:
    return int(_round_and_divided().tables[layer].index.get_loc(name))


_BESIDE: dict[str, Callable[[Survey], Survey]] = {
    "wider ring": lambda s: told(s, "roads", _row("roads", "Q-ring"), carriageway_width_m=13.0),
    "arm gone": lambda s: without(s, "roads", _row("roads", "Q-N")),
    "house astride": lambda s: moved(s, "buildings", _row("buildings", "B-Q"), -30.0, -12.0),
    "half wider": lambda s: told(s, "roads", _row("roads", "D-N"), carriageway_width_m=11.0),
    "half aside": lambda s: moved(s, "roads", _row("roads", "D-S"), 0.0, -2.0),
    "house off its parcel": lambda s: moved(s, "buildings", _row("buildings", "B-D"), 0.0, -32.0),
}  # fmt: skip


@pytest.mark.parametrize("change", _BESIDE.values(), ids=_BESIDE.keys())
def test_an_edit_beside_a_roundabout_or_a_divided_road(change: Callable[[Survey], Survey]) -> None:
    survey = change(_round_and_divided())
    edit = edited(_their_work(), survey)
    assert edit.is_local
    assert_equal(edit.work, ready(survey))
    assert_equal(edited(edit.work, _round_and_divided()).work, _their_work())


@pytest.mark.parametrize("ends_stay", [True, False])
def test_a_main_whose_ends_stay_leaves_the_very_graph(ends_stay: bool) -> None:
    bent = LineString([(800, 8.0), (900, 8.4), (1000 if ends_stay else 1006, 8.0)])
    lines = ribbon().tables["lines"]
    place = lines.index.get_loc("W-4")
    shapes = np.asarray(lines.geometry.array).copy()
    shapes[place] = affinity.translate(bent, *ORIGIN)
    survey = with_layers(ribbon(), lines=lines.set_geometry(shapes, crs=lines.crs))
    edit = edited(ribbon_work(), survey)
    assert edit.is_local
    # Red lines are entered opposite ends of mains.
    assert (edit.work.corridors.graph is ribbon_work().corridors.graph) == ends_stay
    assert_equal(edit.work, ready(survey))


def test_an_edit_of_trees_leaves_the_very_graph() -> None:
    edit = edited(ribbon_work(), moved(ribbon(), "trees", 0, 3.0, 0.0))
    assert edit.is_local
    assert edit.work.corridors.graph is ribbon_work().corridors.graph
    assert edit.work.tie_ins("water") is ribbon_work().tie_ins("water")
    assert set(edit.changed) == {"trees"}


def test_an_edit_after_an_edit_gives_what_a_whole_build_gives() -> None:
    first = without(ribbon(), "parcels", "P-4s")
    second = added(moved(first, "lines", "W-6", 0.0, 0.8), "roads", **street((1310, 4), (1315, 80)))
    edit = edited(edited(ribbon_work(), first).work, second)
    assert edit.is_local
    assert_equal(edit.work, ready(second))


def test_of_parcels_one_above_another_one_moves_and_the_other_stays() -> None:
    base = ribbon()
    rows = base.tables["parcels"]
    flats = rows.iloc[[3, 4]].rename(index=lambda key: f"{key}-2")
    before = with_layers(base, parcels=pd.concat([rows, flats]))
    for row in (3, len(rows)):
        after = moved(before, "parcels", row, 3.0, 2.0)
        edit = edited(ready(before), after)
        assert edit.is_local
        assert_equal(edit.work, ready(after))


def test_edits_at_both_ends_of_the_town_are_spliced_each_in_its_place() -> None:
    survey = moved(moved(ribbon(), "parcels", "P-0n", 0.0, 3.0), "parcels", "P-16n", 0.0, 3.0)
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
        (lambda s: with_layers(s, parcels=s.tables["parcels"].iloc[::-1]), ""),
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

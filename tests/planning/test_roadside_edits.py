"""The roadside of an edited road is the one prepared from nothing, and most of it is the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from gis.noding import Network
from layers.survey import Survey
from planning.groundwork import Groundwork
from planning.local_edits import edited
from planning.road_surfaces import RoadSurfaces
from planning.roadside import Roadside, Stayed, roadside, roadside_after
from tests.planning.edits import (
    added,
    moved,
    ready,
    ribbon,
    ribbon_work,
    told,
    with_layers,
    without,
)
from tests.planning.whole_builds import assert_equal
from tests.towns import ORIGIN, policy, street, table, town

pytestmark = pytest.mark.slow_first

_ROADSIDES: dict[str, tuple[Survey, Roadside]] = {}
_NOTHING = np.zeros(0, object)


def _crossed() -> Survey:
    """A grid of streets of several widths with a roundabout, a bridge, and a divided road."""
    ring = [*Point(300, 300).buffer(25, quad_segs=4).exterior.coords]
    both = {"carriageway_width_m": 8.0, "road_class": "arterial", "name": "环城路"}
    roads = {f"W-{k}": street((0, 150 * k), (900, 150 * k)) for k in (0, 1, 3, 4)}
    roads |= {
        f"N-{k}": street((150 * k + 20, -40), (150 * k + 20, 640), carriageway_width_m=6.0 + k)
        for k in (0, 3, 4)
    }
    roads |= {
        "R": street(*ring, carriageway_width_m=7.0),
        "R-W": street((0, 300), (275, 300)),
        "R-E": street((325, 300), (470, 300)),
        "B": street((700, -60), (720, 680), level=1, on_bridge=True),
        "D-1": street((900, 0), (900, 600), **both),
        "D-2": street((920, 0), (920, 600), **both),
        "L": street((760, 20), (860, 20), (860, 120), (800, 120), (800, -30)),
        # Records that bend into each other, the first of them into W-0 as well.
        "C-1": street((0, 0), (-60, -60), carriageway_width_m=9.0),
        "C-2": street((-60, -140), (-60, -60)),
    }
    return town(
        roads=roads,
        carriageways={"W-1": {"geometry": box(0, 144, 400, 157)}},
        road_red_lines={"W-1": {"geometry": box(0, 138, 500, 166)}},
    )


def _bare_ribbon() -> Survey:
    """The ribbon with nothing but its roads."""
    whole = ribbon()
    return Survey(whole.crs, {"roads": whole.tables["roads"]}, whole.county, synthetic=True)


def _known(name: str, make: Callable[[], Survey]) -> tuple[Survey, Roadside]:
    if name not in _ROADSIDES:
        survey = make()
        beside = roadside(survey, policy())
        # What has been made is taken over.
        _ = beside.surfaces.keys, beside.surfaces.own_area, beside.surfaces._sections
        _ROADSIDES[name] = survey, beside
    return _ROADSIDES[name]


@st.composite
def _edit_of_a_road(draw: st.DrawFn, survey: Survey) -> tuple[Survey, frozenset[str]]:
    table = survey.tables["roads"]
    row = draw(st.integers(0, len(table) - 1))
    west, south, east, north = table.total_bounds - np.tile(ORIGIN, 2)
    x, y = (draw(st.integers(int(a), int(b))) for a, b in ((west, east), (south, north)))
    width = draw(st.sampled_from([4.0, 7.0, 9.0, 16.0]))
    surveyed = np.array([0.0, 150.0 - width, 450.0, 155.0]) + np.tile(ORIGIN, 2)
    land = surveyed + np.array([0.0, -9.0, 450.0, width])
    edits: dict[str, Callable[[], Survey]] = {
        "width": lambda: told(survey, "roads", row, carriageway_width_m=width),
        "no width": lambda: told(survey, "roads", row, carriageway_width_m=None),
        "red line": lambda: told(survey, "roads", row, red_line_width_m=width + 4.0),
        "name": lambda: told(survey, "roads", row, name="环城路"),
        "level": lambda: told(survey, "roads", row, level=1),
        "theirs": lambda: told(survey, "roads", row, authority="highway"),
        "status": lambda: told(survey, "roads", row, opened_on="2026-01-01"),
        "place": lambda: moved(survey, "roads", row, draw(st.sampled_from([-7.0, 0.4, 2.0])), 1.0),
        "gone": lambda: without(survey, "roads", row),
        "carriageway": lambda: told(survey, "carriageways", 0, geometry=box(*surveyed)),
        "land": lambda: told(survey, "road_red_lines", 0, geometry=box(*land)),
        "new": lambda: added(survey, "roads", **street((x, y), (x + 30, y - 70))),
    }
    if "X-1" in table.index:
        del edits["new"]
    if "carriageways" not in survey.tables:
        del edits["carriageway"], edits["land"]
    after = edits[draw(st.sampled_from(sorted(edits)))]()
    return after, frozenset({str(table.index[row]), "X-1", "W-1"})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([("grid", _crossed), ("ribbon", ribbon)]), st.data())
def test_the_roadside_after_an_edit_is_that_prepared_from_nothing(
    which: tuple[str, Callable[[], Survey]], data: st.DataObject
) -> None:
    survey, before = _known(*which)
    for _ in range(2):
        survey, ids = data.draw(_edit_of_a_road(survey))
        after, stayed = roadside_after(before, survey, policy(), ids, _NOTHING)
        _assert_same(after, roadside(survey, policy()))
        _assert_stayed(before, after, stayed)
        before = after


def _assert_same(one: Roadside, two: Roadside) -> None:
    """All that corridors are built on, in its order."""
    _assert_same_surfaces(one.surfaces, two.surfaces)
    for name in ("streets", "strips"):
        _assert_same_network(*(_network(side, name) for side in (one, two)))
    for name in ("stroke", "side", "stroke_of_part", "backward"):
        np.testing.assert_array_equal(getattr(one.strips, name), getattr(two.strips, name))
    np.testing.assert_allclose(one.beside_m, two.beside_m)


def _network(beside: Roadside, name: str) -> Network:
    return beside.streets if name == "streets" else beside.strips.network


def _assert_same_network(one: Network, two: Network) -> None:
    assert shapely.equals_exact(one.pieces.lines, two.pieces.lines, 1e-6).all()
    np.testing.assert_array_equal(one.pieces.parent, two.pieces.parent)
    pairs = set(zip(one.ends.ravel().tolist(), two.ends.ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(one.ends)) == len(np.unique(two.ends))


def _assert_same_surfaces(one: RoadSurfaces, two: RoadSurfaces) -> None:
    assert one.table.astype(str).equals(two.table.astype(str))
    np.testing.assert_array_equal(one.keys, two.keys)
    np.testing.assert_allclose(one.red_line_ratio, two.red_line_ratio)
    np.testing.assert_array_equal(one._sections.road, two._sections.road)
    for name in ("ratio", "of_area"):
        told = (getattr(surfaces._sections, name) for surfaces in (one, two))
        np.testing.assert_allclose(*told)
    for name in ("centre", "carriageway", "own_area", "red_line"):
        assert shapely.equals_exact(getattr(one, name), getattr(two, name), 1e-6).all(), name


def _assert_stayed(before: Roadside, after: Roadside, stayed: Stayed) -> None:
    for name, numbers in (("streets", stayed.parts), ("strips", stayed.strips)):
        now = np.flatnonzero(numbers >= 0)
        assert len(np.unique(numbers[now])) == len(now)
        lines = [_network(side, name).pieces.lines for side in (before, after)]
        assert shapely.equals_exact(lines[1][now], lines[0][numbers[now]], 0.0).all()


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: told(s, "roads", 5, carriageway_width_m=11.0),
        lambda s: moved(s, "roads", 5, 1.0, 0.0),
        lambda s: without(s, "roads", 5),
        lambda s: added(s, "roads", **street((110, 0), (110, 60))),
    ],
)
def test_streets_and_strips_away_from_an_edit_are_the_very_same(
    edit: Callable[[Survey], Survey],
) -> None:
    """Road 5 is the side street at x = 260; the new one is at x = 110.

    Nothing stands beside the roads: where strips lie in their slots is the same before and after.
    """
    survey, before = _known("bare ribbon", _bare_ribbon)
    name = str(survey.tables["roads"].index[5])
    after, _ = roadside_after(before, edit(survey), policy(), {name, "X-1"}, _NOTHING)
    for what in ("streets", "strips"):
        old, new = (_network(side, what).pieces.lines for side in (before, after))
        far = shapely.get_x(shapely.centroid(new)) - ORIGIN[0] > 500
        assert far.sum() > 0.6 * len(new)
        known = {id(line) for line in old}
        assert all(id(line) in known for line in new[far])


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: told(s, "roads", 12, carriageway_width_m=11.0),
        lambda s: told(s, "roads", 12, red_line_width_m=10.0),
        lambda s: told(s, "roads", 12, authority="highway"),
        lambda s: moved(s, "roads", 12, 1.0, 0.0),
        lambda s: without(s, "roads", 12),
        lambda s: added(s, "roads", **street((1610, 0), (1610, 60))),
    ],
)
def test_an_edit_of_a_road_is_local_and_edges_far_from_it_are_the_very_same(
    edit: Callable[[Survey], Survey],
) -> None:
    survey = edit(ribbon())
    done = edited(ribbon_work(), survey)
    assert done.is_local
    before, after = ribbon_work().corridors.graph, done.work.corridors.graph
    far = shapely.get_x(shapely.centroid(after.lines)) - ORIGIN[0] < 1100
    assert far.sum() > 0.5 * len(far)
    was = done.edge_before[far]
    assert (was >= 0).all()
    assert all(one is two for one, two in zip(after.lines[far], before.lines[was], strict=True))
    assert_equal(done.work, ready(survey))


@cache
def _bent() -> Groundwork:
    """The ribbon with a street of two records that bend into each other."""
    more = {"Y-1": street((1200, -150), (1260, -150)), "Y-2": street((1260, -150), (1260, -90))}
    survey = ribbon()
    roads = pd.concat([survey.tables["roads"], table("roads", more)])
    return _looked_up(ready(with_layers(survey, roads=roads)))


def _looked_up(work: Groundwork) -> Groundwork:
    _ = work.ground.road_areas, work.corridors.surfaces.own_area
    return work


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: told(s, "roads", "Y-2", carriageway_width_m=11.0),
        lambda s: told(s, "roads", "Y-1", red_line_width_m=40.0),
        lambda s: told(s, "roads", "Y-2", level=1),
        lambda s: moved(s, "roads", "Y-2", 1.0, 0.0),
        lambda s: without(s, "roads", "Y-2"),
        lambda s: added(s, "roads", **street((1260, -150), (1330, -220))),
    ],
)
def test_the_corner_of_a_road_is_told_anew_where_the_other_one_changed(
    edit: Callable[[Survey], Survey],
) -> None:
    before = _bent()
    survey = edit(before.survey)
    done, whole = edited(before, survey), _looked_up(ready(survey))
    assert done.is_local
    assert_equal(done.work, whole)
    for one, two in (
        (done.work.ground.road_areas, whole.ground.road_areas),
        (done.work.corridors.surfaces.own_area, whole.corridors.surfaces.own_area),
    ):
        assert shapely.area(shapely.symmetric_difference(one, two)).max() < 1e-6


def test_what_is_told_of_a_road_is_known_where_greenery_changed_as_well() -> None:
    survey = moved(told(ribbon(), "roads", 12, authority="estate"), "green", 5, 1.0, 0.0)
    edit = edited(ribbon_work(), survey)
    assert edit.is_local
    told_of: Any = edit.work.corridors.surfaces.table["authority"]
    assert told_of.iloc[12] == "estate"
    assert_equal(edit.work, ready(survey))

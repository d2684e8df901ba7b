"""Edits of a street drawn as several records: what changes of the next one is its corner."""

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

from layers.survey import Survey
from planning.batch import cases_of
from planning.external_lines import external_lines, nearby_finder
from planning.groundwork import Groundwork
from planning.local_edits import edited
from tests.planning.edits import added, moved, ready, ribbon, told, with_layers, without
from tests.planning.test_standing_pieces import DAY, _seen
from tests.planning.whole_builds import assert_equal
from tests.towns import ORIGIN, main, parcel, street, table

pytestmark = pytest.mark.slow_first

# Corners of the street: at the first two records of one width meet, at the second of two widths;
# the fourth record ends on the third one's end as well, so that only one side is left open there.
CORNERS = ((900, -500), (1200, -500), (1200, -900), (1500, -1000))
RECORDS = ("C-1", "C-2", "C-3", "C-4")


@cache
def _bent() -> Survey:
    """The ribbon, and south of it a street of four records with parcels and mains at its bends."""
    one, two, three, four = CORNERS
    more: dict[str, dict[str, Any]] = {
        "roads": {
            "C-1": street(one, two),
            "C-2": street(three, two, red_line_width_m=26.0),
            "C-3": street(three, four, carriageway_width_m=7.0),
            "C-4": street(four, (1500, -700), authority="estate"),
        },
        "parcels": {
            "Q-1": parcel(1080, -488, 1150, -450),
            "Q-2": parcel(1216, -560, 1260, -510),
            "Q-3": parcel(1120, -940, 1180, -880),
            "Q-4": parcel(1512, -1050, 1560, -990),
        },
        "lines": {
            "W-Y": main((900, -508), (1192, -508), (1192, -700)),
            "W-Z": main((1206, -880), (1490, -980)),
            "G-Y": main((1000, -492), (1215, -492), utility="gas", pressure_mpa=0.2),
        },
    }
    layers = {key: pd.concat([ribbon().tables[key], table(key, more[key])]) for key in more}
    return with_layers(ribbon(), **layers)


def _six(work: Groundwork) -> dict[Any, Any]:
    lines = {}
    for case in cases_of(work.survey, [], DAY, ["Q-1", "Q-2", "Q-3", "Q-4"]):
        find, site = nearby_finder(), work.site(case)
        for utility, demand in case.demands.items():
            found = external_lines(work, demand, [site], find)[site.key]
            lines[case.parcel_id, utility] = found
    return lines


def _clicked(work: Groundwork) -> Groundwork:
    """A groundwork of which all that an edit hands on was asked before."""
    _ = work.ground.road_areas, work.corridors.surfaces.own_area, work.corridors.surfaces._sections
    _six(work)
    return work


@cache
def _before() -> Groundwork:
    return _clicked(ready(_bent()))


def _assert_whole(work: Groundwork) -> None:
    """All is that of a groundwork prepared from nothing: ground, land, lines with verdicts."""
    whole = ready(work.survey)
    assert_equal(work, whole)
    for one, two in (
        (work.ground.road_areas, whole.ground.road_areas),
        (work.corridors.surfaces.own_area, whole.corridors.surfaces.own_area),
        (work.corridors.surfaces.carriageway, whole.corridors.surfaces.carriageway),
    ):
        assert shapely.area(shapely.symmetric_difference(one, two)).max() < 1e-6
    assert _seen(_six(work)) == _seen(_six(whole))


_EDITS: dict[str, Callable[[Survey, str], Survey]] = {
    "wider": lambda s, name: told(s, "roads", name, carriageway_width_m=13.0),
    "as wide as the next": lambda s, name: told(s, "roads", name, carriageway_width_m=10.0),
    "unknown width": lambda s, name: told(s, "roads", name, carriageway_width_m=None),
    "red line": lambda s, name: told(s, "roads", name, red_line_width_m=32.0),
    "level": lambda s, name: told(s, "roads", name, level=1),
    "aside": lambda s, name: moved(s, "roads", name, 0.7, -0.4),
    "gone": lambda s, name: without(s, "roads", name),
    "theirs": lambda s, name: told(s, "roads", name, authority="highway"),
    "opened": lambda s, name: told(s, "roads", name, opened_on="2026-01-01"),
    "a third record": lambda s, _: added(s, "roads", **street(CORNERS[1], (1290, -430))),
}  # fmt: skip


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_edits_of_records_that_bend_into_each_other_give_what_a_whole_build_gives(
    data: st.DataObject,
) -> None:
    work, survey = _before(), _bent()
    for _ in range(2):
        names = [name for name in RECORDS if name in survey.tables["roads"].index]
        kinds = sorted(_EDITS)
        if "X-1" in survey.tables["roads"].index:
            kinds.remove("a third record")
        survey = _EDITS[data.draw(st.sampled_from(kinds))](
            survey, data.draw(st.sampled_from(names))
        )
        work = edited(work, survey).work
        _assert_whole(work)


@pytest.mark.parametrize("kind", ["wider", "unknown width", "level", "gone"])
def test_the_next_record_stays_but_for_its_corner(kind: str) -> None:
    """C-1 changes; of C-2, 400 m long, nothing but its end at the first corner is another."""
    survey = _EDITS[kind](_bent(), "C-1")
    edit = edited(_before(), survey)
    assert edit.is_local
    names = survey.tables["roads"].index
    assert list(names[edit.roads.cornered]) == ["C-2"]
    assert not edit.roads.told[names.get_loc("C-2")]
    assert edit.region is not None
    reached = edit.region.holds(np.array([[1200.0, -750.0], [1200.0, -500.0]]) + ORIGIN)
    assert reached.tolist() == [False, True]
    _assert_whole(edit.work)


def test_sections_of_a_road_that_was_surveyed_are_measured_anew_with_its_corner() -> None:
    land = table("road_red_lines", {"C-2": {"geometry": shapely.box(1188, -900, 1212, -490)}})
    before = with_layers(_bent(), road_red_lines=land)
    survey = _EDITS["wider"](before, "C-1")
    edit = edited(_clicked(ready(before)), survey)
    assert edit.is_local
    assert not edit.roads.cornered.any()
    _assert_whole(edit.work)

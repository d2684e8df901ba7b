"""Tie-ins after edits: what is tried again, and how the rows lie. Equality with whole builds is
held by ``test_local_edits`` and ``test_red_line_edits``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, box

from layers.survey import Survey
from layers.utilities import load_utilities
from planning.groundwork import Groundwork
from planning.local_edits import edited
from planning.obstacles import Obstacles
from planning.tie_in_rules import standing, stands
from tests.planning.edits import added, moved, ready, ribbon, told, with_layers, without
from tests.planning.whole_builds import assert_equal


@pytest.fixture(scope="module")
def work() -> Groundwork:
    return ready(ribbon())


def edits(survey: Survey) -> list[Survey]:
    """A chain: ways come, go, are shut and opened; features are told otherwise, come and go."""
    shut = added(survey, "buildings", geometry=box(948, 5, 952, 9))
    chain = [survey, shut, survey, moved(survey, "parcels", 8, 0.8, -0.8)]
    chain.append(told(chain[-1], "lines", 5, diameter_mm=100.0))
    chain.append(moved(chain[-1], "lines", 5, 2.0, 0.8))
    chain.append(without(chain[-1], "lines", 3))
    chain.append(told(chain[-1], "roads", 2, carriageway_width_m=12.0))
    return chain[1:]


def test_rows_of_tie_ins_lie_in_the_order_of_nodes_and_names_through_edits(
    work: Groundwork,
) -> None:
    local = 0
    for survey in edits(work.survey):
        edit = edited(work, survey)
        work, local = edit.work, local + edit.is_local
        for utility in load_utilities():
            ways = work.tie_ins(utility)
            names = ways.names_of(np.arange(len(ways.lines)))
            order = np.lexsort((names, ways.node))
            assert (np.diff(ways.node) >= 0).all()
            assert (names[order] == names).all()
            assert (np.diff(ways.crossed.line) >= 0).all()
            nodes = np.unique(ways.node)[::3]
            assert (
                ways.at_nodes(nodes).tolist() == np.flatnonzero(np.isin(ways.node, nodes)).tolist()
            )
            assert (ways.node[ways.starts] == np.unique(ways.node)).all()
    assert local == len(edits(ribbon()))
    assert_equal(work, ready(work.survey))


def test_ways_that_an_edit_comes_near_nothing_of_are_not_tried_again(
    work: Groundwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose main it is moves no way: none is tried. Where the main moves those to it are."""
    judged: list[int] = []
    allowed = Obstacles.connector_allowed

    def counted(self: Obstacles, lines: Any, *off_strips: Any) -> Any:
        judged.append(len(lines))
        return allowed(self, lines, *off_strips)

    monkeypatch.setattr(Obstacles, "connector_allowed", counted)
    sold = edited(work, told(work.survey, "lines", "W-5", owner="other"))
    assert sold.is_local
    assert sum(judged) == 0
    assert (sold.ways_before["water"] >= 0).all()
    aside = edited(work, moved(work.survey, "lines", "W-5", 0.0, 0.8))
    went = len(work.tie_ins("water").lines) - np.count_nonzero(aside.ways_before["water"] >= 0)
    assert 0 < went <= sum(judged)


@pytest.mark.parametrize("row", [4, 11])
def test_a_main_with_another_start_is_joined_as_far_from_that_one(
    work: Groundwork, row: int
) -> None:
    """The level of a place follows from it: 30 m more of a main before it, or drawn backwards."""
    mains = work.survey.tables["lines"]
    shapes = np.asarray(mains.geometry.array)
    (x, y), *rest = shapes[row].coords
    for shape in (LineString([(x - 30, y - 3), (x, y), *rest]), shapely.reverse(shapes[row])):
        other = shapes.copy()
        other[row] = shape
        drawn = with_layers(work.survey, lines=mains.set_geometry(other, crs=mains.crs))
        edit = edited(work, drawn)
        assert edit.is_local
        assert_equal(edit.work, ready(drawn))


@pytest.mark.parametrize("gone", [["gas"], ["water", "gas"]])
def test_the_last_main_of_a_utility_may_go_and_come_back(work: Groundwork, gone: list[str]) -> None:
    mains = work.survey.tables["lines"]
    last = ready(with_layers(work.survey, lines=mains.groupby("utility", sort=False).head(1)))
    mains = last.survey.tables["lines"]
    without_any = with_layers(work.survey, lines=mains[~mains["utility"].isin(gone)])
    edit = edited(last, without_any)
    assert edit.is_local
    assert [len(edit.work.tie_ins(utility).lines) for utility in gone] == [0] * len(gone)
    assert_equal(edit.work, ready(without_any))
    assert_equal(edited(edit.work, last.survey).work, last)


def test_ways_that_stay_are_the_very_same_lines(work: Groundwork) -> None:
    house = added(work.survey, "buildings", geometry=box(948, 5, 952, 9))
    edit = edited(work, house)
    assert edit.is_local
    for utility, before in edit.ways_before.items():
        one, two = work.tie_ins(utility).lines, edit.work.tie_ins(utility).lines
        stays = before >= 0
        assert all(a is b for a, b in zip(one[before[stays]], two[stays], strict=True))
    assert len(edit.work.tie_ins("water").lines) < len(work.tie_ins("water").lines)


@pytest.mark.parametrize(("layer", "field"), [("lines", "subtype"), ("nodes", "kind")])
def test_what_stands_is_what_there_is_no_reason_against(layer: str, field: str) -> None:
    table = ribbon().tables[layer]
    unlike = [
        table,
        table.assign(status=None),
        table.assign(status="planned"),
        table.assign(**{field: None}),
    ]
    for one in unlike:
        for utility in load_utilities().values():
            none = (standing(one, utility, field) == "").to_numpy(bool)
            assert stands(one, utility, field).tolist() == none.tolist()
    found = [stands(table, utility, field).sum() for utility in load_utilities().values()]
    assert sum(found) > 0

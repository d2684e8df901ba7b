"""Screening on arrays equals what the planner finds for every case alone, in every column."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from planning import batch
from planning.application import Application, default_application
from planning.batch import cases_of, screen
from planning.groundwork import Groundwork
from planning.no_dig import Closed
from planning.qualifying import spared_in_reach, statuses_by_bounds
from planning.route_pieces import piece_book
from planning.routes import best_ways
from planning.screening_bounds import bounded_statuses
from planning.screening_judged import Desk
from planning.screening_lines import joints_inside
from planning.screening_sites import CaseKinds, Sites
from planning.screening_table import Table
from planning.screening_ways import cut_off, lightest_ways
from tests import towns
from tests.towns import ground, main, parcel, street, town

pytestmark = pytest.mark.slow_first

DAY = towns.dig_date()


def assert_equal(one: pd.DataFrame, two: pd.DataFrame) -> None:
    """Equal texts, numbers to a millionth, lines to a millionth of a metre.

    How far was looked for a qualifying route may differ: bounds tell many parcels without looking.
    """
    assert list(one.columns) == list(two.columns)
    for name in one.columns.drop(["geometry", "searched_m"]):
        if one[name].dtype.kind == "f":
            left, right = (table[name].to_numpy(float) for table in (one, two))
            np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-6, err_msg=name)
        else:
            left, right = (table[name].astype(object) for table in (one, two))
            alike = (left == right) | (left.isna() & right.isna())
            assert alike.all(), (name, one[~alike].head(), two[~alike].head())
    lines, others = (table["geometry"].to_numpy(object) for table in (one, two))
    assert (shapely.is_missing(lines) == shapely.is_missing(others)).all()
    drawn = ~shapely.is_missing(lines)
    assert (shapely.hausdorff_distance(lines[drawn], others[drawn]) < 1e-6).all()


def one_by_one(
    monkeypatch: pytest.MonkeyPatch, work: Groundwork, cases: list[Application]
) -> pd.DataFrame:
    monkeypatch.setattr(batch, "_ARRAYS_PAY", len(cases) + 1)
    table = screen(work, cases)
    assert table.attrs["one_by_one"]["pairs"] == sum(len(case.demands) for case in cases)
    return table


def test_lines_that_are_joined_straight_beside_the_red_line_have_no_edges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The main runs along the red lines of many parcels: every way is one straight stub."""
    parcels = {f"P-{n}": parcel(100 + 60 * n, 12, 140 + 60 * n, 40) for n in range(10)}
    streets = {"R-1": street((-900, 0), (900, 0)), "R-2": street((-900, 64), (900, 64))}
    mains = {"W-2": main((-900, 56), (900, 56))}
    work = ground(town(roads=streets, parcels=parcels, lines=mains))
    cases = [towns.application(name, application_id=f"APP-{name}") for name in parcels]
    table = screen(work, cases, ["water"])
    assert set(table["status"]) == {"routed"}
    monkeypatch.setattr(batch, "_ARRAYS_PAY", len(cases) + 1)
    assert_equal(table, screen(work, cases, ["water"]))


TROUBLED: dict[str, Any] = {
    "roads": {
        "R-1": street((0, 0), (300, 0), red_line_width_m=None),
        "R-2": street((150, 0), (150, 100), authority="unknown", carriageway_width_m=None),
        "R-3": street((0, 100), (300, 100), opened_on="2024-05-01"),
        "R-4": street((40, 0), (40, 100), authority="estate", overhauled_on=None),
    },
    "parcels": {
        f"P-{column}{row}": parcel(60 + 28 * column, 14 + 40 * row, 80 + 28 * column, 40 + 40 * row)
        for column in range(3)
        for row in range(2)
    }
    | {f"Q-{n}": parcel(165 + 30 * n, 14, 185 + 30 * n, 84) for n in range(4)},
    "lines": {
        "W-1": main((0, 8), (140, 8), diameter_mm=300),
        "W-2": main((160, 108), (300, 108), diameter_mm=200),
        "G-1": main((0, -8), (300, -8), utility="gas", pressure_mpa=0.2),
    },
    "green": {
        "V-1": {"kind": "verge", "geometry": shapely.box(60, 9, 120, 11)},
        "V-2": {"kind": "park", "geometry": shapely.box(200, 8.5, 260, 10)},
        "V-3": {"kind": None, "geometry": shapely.box(150, 86, 300, 92)},
    },
    "trees": {
        "T-1": {"ancient": True, "geometry": shapely.Point(215, 4)},
        "T-2": {"ancient": None, "geometry": shapely.Point(90, 10)},
        "T-3": {"ancient": False, "geometry": shapely.Point(70, 6)},
    },
    "no_dig": {"X-1": {"reason": "square", "geometry": shapely.box(225, -3, 235, 20)}},
}


@pytest.mark.parametrize("absent", [(), ("green",), ("trees",), ("green", "trees")])
def test_unknown_and_troubled_layers_equal_too(
    absent: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = town(absent=absent, **TROUBLED)
    cases = cases_of(survey, [], DAY)
    work = ground(survey)
    table = screen(work, cases)
    assert (table["status"] == "routed").sum() >= 10
    assert_equal(table, one_by_one(monkeypatch, work, cases))


def test_parcels_one_above_another_share_nodes_and_are_still_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plots = TROUBLED["parcels"]
    stacked = {f"{name}/{storey}": plot for name, plot in plots.items() for storey in range(3)}
    aside = {"Z-1": parcel(60, 14, 80, 40.5)}  # nearly P-00, but its own
    survey = town(**{**TROUBLED, "parcels": {**plots, **stacked, **aside}})
    work, cases = ground(survey), cases_of(survey, [], DAY)
    ends = {case.parcel_id: work.corridors.end_nodes(case.parcel_id).tolist() for case in cases}
    assert all(ends[f"{name}/{storey}"] == ends[name] for name in plots for storey in range(3))
    assert not set(ends["Z-1"]) & set(ends["P-00"])
    bare = ground(town(**TROUBLED)).corridors.graph
    assert work.corridors.graph.edge_count <= bare.edge_count + 12  # those of Z-1, no others
    table = screen(work, cases)
    assert len(table) == 6 * (4 * len(plots) + 1)
    counted = table.attrs["one_by_one"]
    assert counted["solved"] < counted["pairs"]

    def each(_sites: Sites, _utility: str, chosen: Any) -> Any:
        return chosen, np.arange(len(chosen))

    monkeypatch.setattr(Sites, "alike", each)
    assert_equal(table, one_by_one(monkeypatch, work, cases))


def test_ways_of_arrays_are_the_ways_of_the_forest(sample_work: Groundwork) -> None:
    cases = cases_of(sample_work.survey, [], DAY)[:60]
    demand = cases[0].demands["water"]
    search = sample_work.search(demand.pipe, "cheapest")
    ways = lightest_ways(search, Sites(sample_work, cases).steps)
    end_nodes = [sample_work.corridors.end_nodes(case.parcel_id) for case in cases]
    expected = best_ways(search, dict(enumerate(end_nodes)))
    assert ways.site.tolist() == sorted(expected)
    for place, site in enumerate(ways.site.tolist()):
        assert ways.one(place) == expected[site]


def test_stretches_hold_all_that_is_near_and_a_line_at_both_ends(sample_work: Groundwork) -> None:
    """Of every way the lines from before the first near one to behind the last, joined."""
    cases = cases_of(sample_work.survey, [], DAY)[:80]
    search = sample_work.search(cases[0].demands["water"].pipe, "cheapest")
    ways = lightest_ways(search, Sites(sample_work, cases).steps)
    numbers, starts = ways.lines_used
    near = np.zeros(numbers.max() + 1, bool)
    near[np.random.default_rng(5).choice(np.unique(numbers), 60, replace=False)] = True
    some = np.array([near[numbers[a:b]].any() for a, b in pairwise(starts.tolist())])
    part = ways.part(np.flatnonzero(some))
    stretches, which = part.stretches(near)
    assert 0 < len(stretches) <= len(part)
    edges = sample_work.corridors.graph.edge_count
    numbers, starts = part.lines_used
    for way, (first, last) in enumerate(pairwise(starts.tolist())):
        at = first + np.flatnonzero(near[numbers[first:last]])
        mine = numbers[max(at[0] - 1, first) : min(at[-1] + 1, last - 1) + 1].tolist()
        lines = [
            sample_work.corridors.graph.lines[n] if n < edges else part.tie_ins.lines[n - edges]
            for n in mine
        ]
        found = stretches[which[way]]
        assert found.length == pytest.approx(sum(line.length for line in lines))
        assert all(
            line.hausdorff_distance(line.intersection(found.buffer(1e-6))) < 1e-5
            for line in lines
            if line.length
        )


def test_what_no_edge_joins_to_a_main_is_cut_off_whatever_may_be_dug() -> None:
    # Two streets that do not meet, a main beside the first only; the square closes it to P-1.
    survey = town(
        roads={"R-1": street((0, 0), (300, 0)), "R-2": street((0, 900), (300, 900))},
        parcels={
            "P-1": parcel(100, 12, 140, 40),
            "P-2": parcel(100, 912, 140, 940),
            "P-3": parcel(100, 2000, 140, 2040),
        },
        lines={"W-1": main((0, 6.75), (40, 6.75))},
        no_dig={"X-1": {"reason": "square", "geometry": shapely.box(60, -40, 80, 40)}},
    )
    work = ground(survey)
    cases = cases_of(survey, [], DAY)
    pipe, sites = cases[0].demands["water"].pipe, np.arange(3)
    steps, tie_ins = Sites(work, cases).steps, work.tie_ins("water")

    def cut(usable: bool) -> list[bool]:
        rows = np.full(len(tie_ins.table), usable)
        return cut_off(work.corridors, tie_ins, rows, steps, sites).tolist()

    assert cut(True) == [False, True, True]
    assert cut(False) == [True, True, True]
    table = screen(work, cases, ["water"])
    assert table["reason"].tolist() == ["no_dig", "disconnected", "gap_too_wide"]
    closed = work.under(Closed(work.closures.on(DAY)))
    assert len(lightest_ways(closed.search(pipe, "cheapest"), steps)) == 0


def test_cases_are_of_one_kind_where_they_differ_by_their_parcel_alone() -> None:
    shop, home = (default_application("", use, DAY) for use in ("commercial", "residential"))
    cases = [
        replace(shop, parcel_id="P-1"),
        replace(home, parcel_id="P-2"),
        replace(shop, parcel_id="P-3"),
        replace(shop, parcel_id="P-4", gate=shapely.Point(0, 0)),
        replace(shop, parcel_id="P-5", dig_date=date(2027, 1, 1)),
        *(replace(home, application_id=name, source="application") for name in ("A-1", "A-2")),
        replace(home, parcel_id="P-6"),
    ]
    kinds = CaseKinds.of(cases)
    assert kinds.place.tolist() == [0, 1, 0, 2, 3, 4, 5, 1]
    assert kinds.first.tolist() == [0, 1, 3, 4, 5, 6]
    assert [len(column) for column in CaseKinds.of([])] == [0, 0]


@pytest.mark.parametrize("utility", ["water", "gas", "power"])
def test_bounds_of_all_sites_are_the_bounds_of_each(sample_work: Groundwork, utility: str) -> None:
    cases = cases_of(sample_work.survey, [], DAY)[::3]
    sites, seen = Sites(sample_work, cases), set()
    for demand in {case.demands.get(utility) for case in cases} - {None}:
        chosen = [n for n, case in enumerate(cases) if case.demands.get(utility) == demand]
        rank = np.arange(len(chosen)) % 2 + 1
        metres = np.geomspace(1.0, 1000.0, len(chosen))
        metres_of = dict(zip(chosen, metres.tolist(), strict=True))

        def shortest_m(sites: Any, known: dict[int, float] = metres_of) -> Any:
            return np.array([known[site] for site in sites.tolist()])

        told = bounded_statuses(sample_work, demand, sites, np.array(chosen), rank, shortest_m)
        seen |= set(told)
        for place, number in enumerate(chosen):
            site = sample_work.site(cases[number])
            book = piece_book(sample_work, demand, site)
            (alone,) = statuses_by_bounds(
                book,
                np.array([book.shut_in(site)]),
                rank[[place]],
                metres[[place]],
                lambda _, book=book, site=site: np.array([spared_in_reach(book, site)]),
            )
            assert told[place] == alone
    assert {"none", None} <= seen  # some are told by bounds and some are not


def test_a_second_screening_measures_no_line_again(
    sample_work: Groundwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = cases_of(sample_work.survey, [], DAY)
    first = screen(sample_work, cases, ["water"])
    desk = Desk.of(sample_work)

    def refuse(*_arguments: Any) -> None:
        raise AssertionError("a line was measured twice")

    monkeypatch.setattr(desk.edges, "_measure", refuse)
    assert_equal(screen(sample_work, cases, ["water"]), first)


def test_edges_that_meet_inside_a_carriageway_make_one_crossing() -> None:
    # Carriageway from x = 0 to 10. Edges 0 and 1 meet at x = 4 inside it, 1 and 2 on its kerb at
    # x = 10, where edge 2 only begins; edge 3 crosses by itself. Edges 4 and 5 meet 1 cm behind the
    # kerb: the piece in edge 4 is too short to count by itself, but may be part of a longer one.
    node_xy = np.array(
        [[-5.0, 0], [4, 0], [10, 0], [20, 0], [-5, 9], [15, 9], [-5, -9], [0.01, -9], [20, -9]]
    )
    ends = np.array([[0, 1], [1, 2], [2, 3], [4, 5], [6, 7], [7, 8]])
    crossings = pd.DataFrame(
        {"edge": range(6), "road": 0, "kerb_m": [4.0, 6.0, 0.0, 10.0, 0.01, 9.99]}
    )
    areas = np.array([shapely.box(0, -20, 10, 20)], object)
    joints = joints_inside(ends, node_xy, crossings, areas)
    assert joints.road.tolist() == [[-1, 0], [0, -1], *[[-1, -1]] * 4]
    assert joints.doubt.tolist() == [False, True, True, False, True, True]


def test_a_table_is_laid_out_once_and_not_blank_the_second_time() -> None:
    work = ground(town())
    cases = cases_of(work.survey, [], DAY)
    table = Table(cases, Sites(work, cases).case_kinds, ["water"])
    assert table.frame(geometry=False)["status"].tolist() == ["not_requested"] * len(cases)
    with pytest.raises(RuntimeError, match="laid out once"):
        table.frame(geometry=False)


def test_rows_of_a_table_share_their_texts() -> None:
    work = ground(town())
    cases = cases_of(work.survey, [], DAY)
    table = Table(cases, Sites(work, cases).case_kinds, ["water", "gas"]).frame(geometry=False)
    for name in ("parcel_id", "status"):
        texts = table[name].to_numpy(object)
        assert len(set(map(id, texts))) == len(set(texts)) < len(texts), name

"""Road surfaces: kerb to kerb, red line to red line, overlaps counted once."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, box

from layers.errors import LayerError
from planning.road_surfaces import RoadSurfaces, road_surfaces
from tests import towns
from tests.towns import street, town


def surfaces(**layers: towns.Rows) -> RoadSurfaces:
    return road_surfaces(town(**layers), towns.policy())


def line(*points: tuple[float, float]) -> LineString:
    east, north = towns.ORIGIN
    return LineString([(x + east, y + north) for x, y in points])


def crossings(found: RoadSurfaces, *lines: LineString) -> list[tuple[int, str, float, float]]:
    table = found.crossings(np.array(lines, object))
    roads = found.table["road_id"].to_numpy()[table["road"]]
    return [
        (int(row.line), road, round(row.kerb_m, 6), round(row.red_line_m, 6))
        for row, road in zip(table.itertuples(), roads, strict=True)
    ]


def test_a_square_crossing_is_the_carriageway_and_the_red_line_width() -> None:
    # Carriageway 10 m, red line 20 m: 10 m kerb to kerb, 10 * 20 / 10 = 20 m.
    assert crossings(surfaces(), line((50, -20), (50, 20))) == [(0, "R-1", 10.0, 20.0)]


def test_an_oblique_crossing_is_longer_in_proportion() -> None:
    # 3 east for 4 north: 10 m north is 12.5 m along the line; red line 25 m.
    assert crossings(surfaces(), line((50, -20), (80, 20))) == [(0, "R-1", 12.5, 25.0)]


def test_a_line_that_ends_in_the_carriageway_counts_its_part() -> None:
    assert crossings(surfaces(), line((50, 2), (50, 20))) == [(0, "R-1", 3.0, 6.0)]


def test_a_line_in_the_footway_crosses_nothing() -> None:
    assert crossings(surfaces(), line((50, 6.75), (90, 6.75))) == []


@pytest.mark.parametrize("x", [0.5, 1, 59, 60, 119, 179, 299])
def test_a_crossing_counts_once_wherever_the_street_is_cut_into_squares(x: float) -> None:
    # Lines that ran on the common edge of two squares were once counted twice.
    assert crossings(surfaces(), line((x, -20), (x, 20))) == [(0, "R-1", 10.0, 20.0)]


def test_a_line_that_runs_in_twice_is_counted_twice_with_its_longest_run() -> None:
    """Over and, bent, back into the carriageway by 2 m: 10 m, then 2 + 4 + 2 m."""
    bent = line((50, -20), (50, 20), (60, 20), (60, 3), (64, 3), (64, 20))
    contact = line((80, 20), (80, 4.99), (80, 20.5))
    table = surfaces().crossings(np.array([bent, contact], object))
    assert table["kerb_m"].tolist() == pytest.approx([18.0, 0.02])
    assert table["count"].tolist() == [2, 0]
    assert table["longest_m"].tolist() == pytest.approx([10.0, 0.02])


def test_what_lies_on_both_sides_of_a_gap_is_two_runs() -> None:
    """Stretches of 4 m and 3 m in one carriageway, 2 m apart: adjoining metres, not one run."""
    gapped = MultiLineString([line((50, -4), (50, 0)), line((50, 2), (50, 5), (50, 9))])
    whole = MultiLineString([line((50, -4), (50, -3)), line((50, 2), (50, 3))])
    table = surfaces().crossings(np.array([gapped, whole], object))
    assert table["kerb_m"].tolist() == pytest.approx([7.0, 2.0])
    assert table["count"].tolist() == [2, 2]
    assert table["longest_m"].tolist() == pytest.approx([4.0, 1.0])


def test_what_lies_on_a_seam_is_inside_the_road_that_has_it_alone() -> None:
    """In from the south, 20 m along the seam, out to the north: 6 m, and 20 + 10 m."""
    roads = {
        "R-1": street((0, 5), (100, 5), carriageway_width_m=10),
        "R-2": street((0, -3), (100, -3), carriageway_width_m=6),
    }
    found = surfaces(roads=roads)
    walked = np.array([line((10, -10), (10, 0), (30, 0), (30, 20))], object)
    table = found.crossings(walked)
    assert table["kerb_m"].tolist() == pytest.approx([30.0, 6.0])
    row = table["line"].to_numpy(np.int64)
    parts = found.inside(walked[row], table["road"].to_numpy(np.int64), table["kerb_m"].to_numpy())
    assert shapely.length(parts).tolist() == pytest.approx([30.0, 6.0], abs=1e-4)


@pytest.mark.parametrize("other", ["highway", "estate"])
@pytest.mark.parametrize("width_m", [52.0, 53.0])
@pytest.mark.parametrize("names", [("A", "B"), ("B", "A")])
def test_what_a_city_road_shares_with_another_is_the_city_road_s(
    other: str, width_m: float, names: tuple[str, str]
) -> None:
    """A municipal carriageway of 52 m under one of 52 or 53 m: all its 52 m and 60 are its own."""
    city, of_others = names
    roads = {
        city: street((0, 0), (300, 0), carriageway_width_m=52, red_line_width_m=60),
        of_others: street((0, 0), (300, 0), carriageway_width_m=width_m, authority=other),
    }
    found = crossings(surfaces(roads=dict(sorted(roads.items()))), line((50, -40), (50, 40)))
    own = {road: (kerb_m, red_line_m) for _, road, kerb_m, red_line_m in found}
    assert own[city] == (52.0, 60.0)
    assert own.get(of_others, (0.0, 0.0))[0] == width_m - 52


def test_without_a_red_line_width_the_red_line_crossing_is_unknown() -> None:
    found = surfaces(roads={"R-1": street((0, 0), (300, 0), red_line_width_m=None)})
    table = found.crossings(np.array([line((50, -20), (50, 20))], object))
    assert table["kerb_m"].tolist() == pytest.approx([10.0])
    assert table["red_line_m"].isna().all()


def test_a_red_line_narrower_than_the_carriageway_counts_as_the_carriageway() -> None:
    found = surfaces(roads={"R-1": street((0, 0), (300, 0), red_line_width_m=8)})
    assert crossings(found, line((50, -20), (50, 20))) == [(0, "R-1", 10.0, 10.0)]


def test_a_missing_carriageway_width_takes_the_default_of_the_class_and_says_so() -> None:
    found = surfaces(
        roads={
            "R-1": street((0, 0), (300, 0), carriageway_width_m=None),
            "R-2": street((0, 90), (300, 90), carriageway_width_m=None, road_class=None),
            "R-3": street((0, 180), (300, 180)),
        }
    )
    defaults = towns.policy().planning.default_carriageway_width_m
    assert found.table["carriageway_width_m"].tolist() == [
        defaults["local"],
        min(width for width in defaults.values() if width > 0),
        10.0,
    ]
    assert found.table["width_assumed"].tolist() == [True, True, False]


def test_a_path_without_a_recorded_carriageway_has_none_to_cross() -> None:
    path = {"road_class": "path", "carriageway_width_m": None, "red_line_width_m": None}
    found = surfaces(
        roads={
            "R-1": street((0, 0), (300, 0)),
            "R-path": street((150, 0), (150, 100), **path),
            "R-paved": street((0, 80), (300, 80), **{**path, "carriageway_width_m": 3.0}),
        }
    )
    assert found.table["width_assumed"].tolist() == [False, False, False]
    assert crossings(found, line((100, 50), (200, 50))) == []
    assert len(crossings(found, line((100, 70), (100, 90)))) == 1


def test_a_line_goes_over_a_path_and_along_the_street_without_a_crossing() -> None:
    path = {"road_class": "path", "carriageway_width_m": None, "red_line_width_m": None}
    roads = {"R-1": street((0, 0), (300, 0)), "R-path": street((80, 0), (80, 100), **path)}
    main = {"W-1": towns.main((0, 8), (40, 8))}
    found = towns.line_of(town(roads=roads, lines=main)).route
    assert found is not None
    assert found.figures["crossing_count"] == 0
    assert found.figures["kerb_m"] == 0.0


def test_what_two_carriageways_share_belongs_to_the_wider_road() -> None:
    # R-1 is 10 m wide, R-2 crosses it with 6 m: along y = 0 R-1 owns the whole junction, and a
    # line along R-2 from y = -20 to 20 lies 10 m in R-1 and 15 + 15 m in R-2.
    found = surfaces(
        roads={
            "R-1": street((0, 0), (300, 0)),
            "R-2": street((150, -100), (150, 100), carriageway_width_m=6, red_line_width_m=12),
        }
    )
    assert crossings(found, line((151, -20), (151, 20))) == [
        (0, "R-1", 10.0, 20.0),
        (0, "R-2", 30.0, 60.0),
    ]


def test_a_surveyed_carriageway_replaces_the_drawn_one() -> None:
    found = surfaces(carriageways={"R-1": {"geometry": box(0, -5, 300, 9)}})
    # 14 m of surveyed carriageway; between the red lines are the 20 m of the record.
    assert crossings(found, line((50, -20), (50, 20))) == [(0, "R-1", 14.0, 20.0)]


def test_a_surveyed_carriageway_narrower_than_its_record_reaches_to_the_red_line() -> None:
    # 6 m surveyed of a road recorded as 10 m: red line to red line are 20 m, not 6 x 20 / 10.
    found = surfaces(carriageways={"R-1": {"geometry": box(0, -3, 300, 3)}})
    assert crossings(found, line((50, -20), (50, 20))) == [(0, "R-1", 6.0, 20.0)]


def test_a_surveyed_carriageway_of_no_road_changes_nothing() -> None:
    found = surfaces(carriageways={"R-9": {"geometry": box(0, -50, 300, 50)}})
    assert crossings(found, line((50, -20), (50, 20))) == [(0, "R-1", 10.0, 20.0)]


@pytest.mark.parametrize("survey", [town(roads={}), town(absent=("roads",))])
def test_without_roads_the_message_says_what_to_import(survey: towns.Survey) -> None:
    with pytest.raises(
        LayerError, match="没有道路,无处布置管线走廊;请先导入道路中心线图层 roads。"
    ):
        road_surfaces(survey, towns.policy())


NET = surfaces(
    roads={
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((150, -100), (150, 100), carriageway_width_m=6),
        "R-3": street((0, -80), (300, 90), carriageway_width_m=4, red_line_width_m=None),
    }
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(-10, 310), st.integers(-90, 90)), min_size=2, max_size=4, unique=True
    )
)
def test_kerb_lengths_add_up_to_the_length_inside_all_carriageways(
    points: list[tuple[int, int]],
) -> None:
    way = line(*points)
    table = NET.crossings(np.array([way], object))
    whole = shapely.intersection(way, shapely.union_all(NET.carriageway)).length
    assert table["kerb_m"].sum() == pytest.approx(whole, abs=1e-5)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(-30, 130), st.integers(-30, 60)), min_size=2, max_size=7).filter(
        lambda path: len(set(path)) > 1
    )
)
def test_runs_are_those_of_an_overlay(path: list[tuple[int, int]]) -> None:
    """Shifted off the grid, so that no line runs along a kerb or through a corner of one."""
    found = surfaces()
    walked = line(*((x + 0.3137 * y, y + 0.2718) for x, y in path))
    table = found.crossings(np.array([walked], object))
    inside = shapely.intersection(walked, found.own_area[table["road"]])
    for row, shape in zip(table.itertuples(), inside, strict=True):
        runs = shapely.length(shapely.get_parts(shapely.line_merge(shape)))
        if walked.is_simple and not walked.is_closed:  # an overlay has no ends where lines meet
            assert row.count == (runs > 0.02).sum()
            assert row.longest_m == pytest.approx(runs.max(), abs=1e-6)

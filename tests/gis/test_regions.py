"""Regions: boxes round what lies on a map."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from gis.regions import Region

whole = st.integers(-400, 400)
corners = st.lists(st.tuples(whole, whole), min_size=2, max_size=6, unique=True)


@example([[(0, 0), (0, 1)], [(0, 0), (0, 1)]])
@given(st.lists(corners, min_size=1, max_size=4))
def test_cells_cover_every_line(lines: list[list[tuple[int, int]]]) -> None:
    shapes = np.array([LineString(xy) for xy in lines], object)
    # Grown a little: the box of a straight line may have no width.
    covered = shapely.union_all(Region.along(shapes, 25.0).grown(1e-6).boxes)
    assert shapely.covers(covered, shapes).all()


def test_a_bent_road_takes_no_more_ground_than_beside_it() -> None:
    # Two legs of 1 km: 40 cells of 25 m each, the corner once, against a box of 1 km².
    road = np.array([LineString([(1, 1), (999, 1), (999, 999)])], object)
    ground = shapely.union_all(Region.along(road, 25.0).boxes)
    assert ground.area == (40 + 40 - 1) * 25.0**2


def test_land_is_covered_with_its_inside() -> None:
    land = np.array([box(0, 0, 300, 300)], object)
    assert shapely.union_all(Region.along(land, 25.0).boxes).covers(Point(150, 150))


def test_boxes_beside_each_other_become_one_and_those_of_a_bent_row_stay() -> None:
    row = np.array([[k * 10.0, 0.0, k * 10.0 + 10.0, 10.0] for k in range(5)])
    assert Region(row).merged(0.0).bounds.tolist() == [[0.0, 0.0, 50.0, 10.0]]
    steps = np.array([[k * 100.0, k * 100.0, k * 100.0 + 100, k * 100.0 + 100] for k in range(5)])
    assert len(Region(steps).merged(0.0)) == 5


def test_what_lies_beside_a_point_is_found() -> None:
    lines = np.array([LineString([(0, y), (9, y)]) for y in (0.0, 3.0, 7.0)], object)
    point = Region.along(np.array([Point(4, 1)], object), 25.0)
    found = shapely.STRtree(lines).query(point.boxes, predicate="dwithin", distance=3.0)
    assert sorted(found[1].tolist()) == [0, 1]


def test_of_other_boxes_only_those_that_reach_beyond_are_added() -> None:
    region = Region(np.array([[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]]))
    other = np.array([[1.0, 1.0, 9.0, 10.0], [5.0, 5.0, 25.0, 6.0], [21.0, 0.0, 30.0, 5.0]])
    both = region.and_beyond(Region(other))
    assert both.bounds[2:].tolist() == [[5.0, 5.0, 25.0, 6.0]]  # each box holds half of it
    assert both.bounds[:2].tolist() == region.bounds.tolist()

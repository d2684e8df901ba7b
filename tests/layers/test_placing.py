"""Where layers lie."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import CRS
from shapely.geometry import Point

from layers.errors import LayerError
from layers.placing import misplaced, parse_crs
from tests.layers.layer_files import EAST, NORTH

GAUSS_KRUGER_114 = CRS.from_epsg(4547)
CGCS2000 = CRS.from_epsg(4490)


def points(*places: tuple[float, float]) -> np.ndarray:
    return np.array([Point(place) for place in places], dtype=object)


@pytest.mark.parametrize("text", ["EPSG:4547", "epsg:4547", " EPSG:4547 "])
def test_epsg_code_is_read_in_any_case(text) -> None:
    assert parse_crs(text).to_epsg() == 4547


@pytest.mark.parametrize("text", ["4547", "EPSG:999999", "+proj=longlat", "/etc/passwd", ""])
def test_anything_else_is_no_crs(text) -> None:
    with pytest.raises(LayerError, match="无法识别。--crs 须为 EPSG 代码"):
        parse_crs(text)


def test_degrees_read_as_metres_are_out_of_place() -> None:
    assert misplaced(points((114.86, 31.63)), GAUSS_KRUGER_114).all()
    assert not misplaced(points((EAST, NORTH)), GAUSS_KRUGER_114).any()


def test_metres_or_swapped_axes_read_as_degrees_are_out_of_place() -> None:
    assert misplaced(points((EAST, NORTH), (31.63, 114.86)), CGCS2000).all()
    assert not misplaced(points((114.86, 31.63)), CGCS2000).any()


def test_north_and_east_swapped_are_out_of_place() -> None:
    assert misplaced(points((NORTH, EAST)), GAUSS_KRUGER_114).all()


def test_area_across_the_date_line_holds_both_sides() -> None:
    new_zealand = CRS.from_epsg(4167)
    assert list(misplaced(points((179.9, -40), (-179.9, -40), (0, -40)), new_zealand)) == [
        False,
        False,
        True,
    ]


def test_shapes_without_finite_coordinates_are_left_to_other_checks() -> None:
    shapes = np.array([None, Point(), Point(np.nan, 1), Point(np.inf, 1)], dtype=object)
    assert not misplaced(shapes, GAUSS_KRUGER_114).any()

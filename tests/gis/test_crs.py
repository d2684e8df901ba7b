"""Coordinate systems: what may be measured on, what is refused and with which words."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS, Transformer

from gis.crs import WGS84, CrsError, cgcs2000_zone, in_degrees, require_projected, transformer


def test_a_crs_in_metres_comes_back_as_a_crs() -> None:
    assert require_projected("EPSG:4547") == CRS("EPSG:4547")
    assert require_projected(CRS("EPSG:25831")).to_epsg() == 25831


@pytest.mark.parametrize(
    ("crs", "words"),
    [
        (None, "图层没有坐标系;请用 --crs EPSG:代码 指明,例如 EPSG:4547。"),
        ("EPSG:4326", "是经纬度,不能量算长度和面积;请使用投影坐标系,例如 EPSG:4547。"),
        ("EPSG:4490", "是经纬度,不能量算长度和面积"),
        ("EPSG:3857", "EPSG:3857 的长度不真实(新县处 200 米变成 234.7 米);请使用 EPSG:4547。"),
        ("EPSG:2263", "不是以米为单位的投影坐标系;请使用例如 EPSG:4547。"),  # US survey feet
        ("EPSG:5703", "不是以米为单位的投影坐标系"),  # heights only
    ],
)
def test_what_cannot_be_measured_on_is_refused_with_a_cure(crs: object, words: str) -> None:
    with pytest.raises(CrsError) as refused:
        require_projected(crs)
    assert words in str(refused.value)


def test_a_crs_error_is_a_value_error() -> None:
    assert issubclass(CrsError, ValueError)


@pytest.mark.parametrize(
    ("longitude", "epsg"),
    [(114.87, 4547), (113.0, 4547), (112.4, 4546), (73.6, 4534), (136.4, 4554)],
)
def test_the_zone_is_the_one_with_the_nearest_central_meridian(longitude: float, epsg: int) -> None:
    # Xin County lies at 114.87° E: 114 / 3 = 38, central meridian 114° E, EPSG:4547.
    assert cgcs2000_zone(longitude).to_epsg() == epsg


def test_the_central_meridian_of_a_zone_has_easting_500_km() -> None:
    east, _ = Transformer.from_crs("EPSG:4490", cgcs2000_zone(114.9), always_xy=True).transform(
        114.0, 31.6
    )
    assert east == pytest.approx(500_000.0, abs=1e-6)


def test_a_place_outside_the_zones_is_refused() -> None:
    with pytest.raises(CrsError, match=r"经度 73\.0° 不在 CGCS2000 三度带范围内。"):
        cgcs2000_zone(73.0)


def test_a_transformer_is_made_once_and_gives_in_every_thread_what_a_new_one_gives() -> None:
    there = transformer(CRS("EPSG:4547"), WGS84)
    assert transformer(CRS.from_epsg(4547), CRS("EPSG:4326")) is there
    back = transformer(WGS84, CRS("EPSG:4547"))
    places = [(400_000.0 + 40_000 * n, 3_400_000.0 + 30_000 * n) for n in range(8)]
    new = Transformer.from_crs(4547, 4326, always_xy=True)
    with ThreadPoolExecutor(4) as threads:
        degrees = list(threads.map(lambda place: there.transform(*place), places))
        again = list(threads.map(lambda place: back.transform(*place), degrees))
    assert degrees == [new.transform(*place) for place in places]  # longitude first
    for place, found in zip(places, again, strict=True):
        assert found == pytest.approx(place, abs=1e-3)


def test_threads_do_not_look_for_a_way_that_was_found() -> None:
    there = transformer(CRS("EPSG:4547"), WGS84)
    with ThreadPoolExecutor(1) as thread:
        spent = thread.submit(_cpu_s_of, lambda: there.transform(500_000.0, 3_500_000.0))
        anew = thread.submit(
            _cpu_s_of, lambda: Transformer.from_crs(4547, 4326, always_xy=True).transform(5e5, 35e5)
        )
    assert spent.result() < 0.1 * anew.result()


def _cpu_s_of(work: Callable[[], object]) -> float:
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


@pytest.mark.parametrize("code", [2326, 2436, 3857, 4214, 4490, 4509, 4547, 25832, 32650])
def test_what_is_told_to_threads_gives_every_digit_of_what_was_found(code: int) -> None:
    crs = CRS.from_epsg(code)
    found = Transformer.from_crs(crs, WGS84, always_xy=True)
    west, south, east, north = crs.area_of_use.bounds
    grid = np.meshgrid(
        np.linspace(west, east, 23), np.linspace(max(south, -80), min(north, 80), 19)
    )
    places = np.array(found.transform(*map(np.ravel, grid), direction="INVERSE"))
    assert np.array_equal(transformer(crs, WGS84).transform(*places), found.transform(*places))
    back = Transformer.from_crs(WGS84, crs, always_xy=True)
    degrees = np.array(found.transform(*places))
    assert np.array_equal(transformer(WGS84, crs).transform(*degrees), back.transform(*degrees))


def test_shapes_in_degrees_are_those_of_a_table() -> None:
    x, y = 500_000.0, 3_500_000.0
    shapes = gpd.GeoSeries(
        [shapely.box(x, y, x + 90, y + 70), None, shapely.LineString([(x, y), (x + 5, y + 900)])],
        crs=4547,
    )
    found = in_degrees(shapes, shapes.crs)
    assert [one and one.wkb for one in found] == [one and one.wkb for one in shapes.to_crs(4326)]
    assert in_degrees(shapes[:0], shapes.crs).size == 0

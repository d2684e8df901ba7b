"""Coordinate systems: what may be measured on, what is refused and with which words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from pyproj import CRS, Transformer

from gis.crs import WGS84, CrsError, cgcs2000_zone, require_projected, transformer


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

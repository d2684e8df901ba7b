"""From one datum to another."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyproj import CRS

from layers import datums
from layers.datums import mover, old_datum, parse_datum_shift
from layers.errors import LayerError

TARGET = CRS.from_epsg(4547)
OLD_ESRI = (
    'GEOGCS["GCS_Local",DATUM["D_Unknown",SPHEROID["Krasovsky",{axis},{flat}]],'
    'PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]]'
)


@pytest.mark.parametrize("code", [4214, 2401, 2435, 21453, 21478])
def test_beijing_1954_is_known_by_any_of_its_codes(code) -> None:
    assert old_datum(CRS.from_epsg(code)) == "1954 北京坐标系"


@pytest.mark.parametrize("code", [4610, 2349, 2383, 2327])
def test_xian_1980_is_known_by_any_of_its_codes(code) -> None:
    assert old_datum(CRS.from_epsg(code)) == "1980 西安坐标系"


def test_a_nameless_datum_is_known_by_its_ellipsoid() -> None:
    assert old_datum(CRS.from_wkt(OLD_ESRI.format(axis=6378245.0, flat=298.3))) == "1954 北京坐标系"
    assert old_datum(CRS.from_wkt(OLD_ESRI.format(axis=6378140.0, flat=298.257))).startswith("1980")


@pytest.mark.parametrize("code", [4490, 4547, 4326, 3857, 25831, 4284])
def test_other_datums_are_not_old_chinese_ones(code) -> None:
    assert old_datum(CRS.from_epsg(code)) is None


@pytest.mark.parametrize("code", [4214, 2435, 4610, 2383, 4284])
def test_no_ballpark_between_datums(code) -> None:
    with pytest.raises(LayerError, match=r"没有公开的转换参数.*--datum-shift"):
        mover(CRS.from_epsg(code), TARGET)


def test_wgs84_is_taken_for_cgcs2000_and_said() -> None:
    place = np.array([[114.88, 31.64]])
    move, note = mover(CRS.from_epsg(4326), TARGET)
    exact, silent = mover(CRS.from_epsg(4490), TARGET)
    assert move(place) == pytest.approx(exact(place), abs=1e-6)
    assert silent is None
    assert note is not None
    assert note.startswith("WGS 84 与 CGCS2000 按相同处理,未作改正")
    # 26.9 years since 2000.0 of 33 mm each: nine times what a surveyed point is good to.
    assert "到 2026 年约 0.9 米" in note


def test_web_mercator_is_a_source() -> None:
    # A degree is 111 319.49 m on EPSG:3857; latitude 0 is 0 m. The meridian of 114° is 500 km.
    move, _note = mover(CRS.from_epsg(3857), TARGET)
    assert move(np.array([[114 * 111_319.490793, 0.0]])) == pytest.approx(
        np.array([[500_000.0, 0.0]]), abs=1e-3
    )


def earth_centred(longitude: float, latitude: float, axis: float, flat: float) -> np.ndarray:
    """Textbook formula, height 0: an oracle beside PROJ."""
    eccentricity = (2 - 1 / flat) / flat
    lam, phi = math.radians(longitude), math.radians(latitude)
    n = axis / math.sqrt(1 - eccentricity * math.sin(phi) ** 2)
    flat_part = n * math.cos(phi)
    return np.array(
        [
            flat_part * math.cos(lam),
            flat_part * math.sin(lam),
            n * (1 - eccentricity) * math.sin(phi),
        ]
    )


@pytest.mark.parametrize("convention", ["position_vector", "coordinate_frame"])
def test_seven_parameters_are_applied_as_stated(convention) -> None:
    text = f"12.5,-8,30,0.9,-1.1,0.7,4.5,{convention}"
    move, note = mover(CRS.from_epsg(4214), CRS.from_epsg(4490), parse_datum_shift(text))
    x, y = move(np.array([[114.88, 31.64]]))[0]
    start = earth_centred(114.88, 31.64, 6_378_245.0, 298.3)
    sign = 1 if convention == "position_vector" else -1
    rx, ry, rz = sign * np.radians(np.array([0.9, -1.1, 0.7]) / 3600)
    turn = np.array([[1, -rz, ry], [rz, 1, -rx], [-ry, rx, 1]])
    there = np.array([12.5, -8, 30]) + (1 + 4.5e-6) * turn @ start
    # Latitude of the new ellipsoid by Bowring's iteration.
    flat = 298.257222101
    eccentricity = (2 - 1 / flat) / flat
    radius, phi = math.hypot(there[0], there[1]), 0.55
    for _step in range(30):
        n = 6_378_137.0 / math.sqrt(1 - eccentricity * math.sin(phi) ** 2)
        phi = math.atan2(there[2] + eccentricity * n * math.sin(phi), radius)
    assert x == pytest.approx(math.degrees(math.atan2(there[1], there[0])), abs=1e-9)
    assert y == pytest.approx(math.degrees(phi), abs=1e-9)
    assert note.startswith("已按 --datum-shift 由 1954 北京坐标系 转换到 ")
    assert f"约定 {convention}" in note


@pytest.mark.parametrize(
    "text",
    [
        "", "1,2", "1,2,x", "1,2,3,4,5,6,7", "1,2,3,4,5,6,7,bursa", "nan,0,0", "99999,0,0",
        "1,2,3,4", "1,2,3,4,5,6,7,",
    ],
)  # fmt: skip
def test_incomplete_parameters_are_refused(text) -> None:
    with pytest.raises(LayerError, match="--datum-shift 的值"):
        parse_datum_shift(text)


def test_that_no_way_is_published_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = CRS.from_epsg(32649), CRS.from_epsg(4546)
    first = mover(source, target)[0](np.array([[500_000.0, 3_500_000.0]]))
    monkeypatch.setattr(datums, "Transformer", None)
    again, note = mover(source, target)
    assert again(np.array([[500_000.0, 3_500_000.0]])).tolist() == first.tolist()
    assert note is not None
    assert "WGS 84" in note

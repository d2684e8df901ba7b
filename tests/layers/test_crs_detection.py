"""Which CRS a layer may be in: told with evidence, never taken."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer
from shapely.geometry import LineString, Point

from gis.china_offsets import FORWARD
from gis.zones import cgcs2000_zones
from layers.crs_detection import Home, detect_crs, home_of, proposed
from layers.offset_evidence import offset_evidence
from layers.raw import RawLayer
from layers.source_crs import stated_crs, swapped

TARGET = CRS.from_epsg(4547)
COUNTY = (114.55, 31.46, 115.22, 31.77)
HOME = home_of(None, COUNTY, TARGET)
PLACE = (114.88, 31.64)
GEOD = Geod(ellps="GRS80")


def raw(*places: tuple[float, float], crs: int | None = None, file: str = "a.gpkg") -> RawLayer:
    shapes = np.array([Point(place) for place in places], dtype=object)
    cells = pd.DataFrame({"id": range(len(shapes))}, dtype=object)
    return RawLayer(file, None, cells, shapes, {}, CRS.from_epsg(crs) if crs else None)


def at(epsg: int, place: tuple[float, float] = PLACE) -> tuple[float, float]:
    return Transformer.from_crs(4490, epsg, always_xy=True).transform(*place)


def found(*places: tuple[float, float], **options) -> list[tuple[str, bool]]:
    candidates = detect_crs(raw(*places, **options), target=TARGET, home=HOME)
    return [(one.crs, one.swap_axes) for one in candidates if one.falls_here]


@pytest.mark.parametrize("epsg", [4547, 4526, 4498, 3857])
@pytest.mark.parametrize("turned", [False, True])
def test_numbers_of_xin_county_have_one_reading_that_lies_there(epsg, turned) -> None:
    x, y = at(epsg)
    assert found((y, x) if turned else (x, y)) == [(f"EPSG:{epsg}", turned)]


def test_evidence_is_in_words() -> None:
    [candidate, *_others] = detect_crs(raw((38_583_190.0, 3_502_000.0)), target=TARGET, home=HOME)
    assert candidate.message.startswith(
        "请用 --crs EPSG:4526 确认:东坐标 38583190 以带号 38 开头:3 度带,中央经线 114 度;"
        "落在县级规则中的县域范围之内。存疑:数值分不出 CGCS2000 与西安 80、北京 54"
    )
    [turned, *_others] = detect_crs(raw((3_502_000.0, 583_190.0)), target=TARGET, home=HOME)
    assert turned.option == "--crs EPSG:4547 --swap-axes"
    assert "坐标轴对调:先北后东" in turned.evidence


def test_six_degrees_without_prefix_are_read_by_their_meridian() -> None:
    # Zone 20 has 117° E, as the 3-degree zone 39; UTM 50 has it too, 1.4 km to the south.
    assert found(at(4509)) == [("EPSG:4548", False), ("EPSG:32650", False)]
    candidates = detect_crs(raw(at(4509)), target=TARGET, home=HOME)
    assert "与 6 度带 EPSG:4509 数值相同" in candidates[0].evidence[0]
    assert proposed(candidates) is None


def test_degrees_either_way_round_and_the_doubt_that_no_number_removes() -> None:
    assert found(PLACE) == [("EPSG:4490", False)]
    assert found(PLACE[::-1]) == [("EPSG:4490", True)]
    [candidate] = detect_crs(raw(PLACE), target=TARGET, home=HOME)
    assert any("GCJ-02(当地偏 547 米)" in doubt for doubt in candidate.doubts)


@pytest.mark.parametrize(("unit", "metres"), [("ft", 0.3048), ("mm", 0.001)])
def test_other_units_of_length_are_candidates_that_can_be_stated(unit, metres) -> None:
    x, y = (value / metres for value in at(4547))
    assert (f"EPSG:4547 {unit}", False) in found((x, y))
    crs = stated_crs(f"EPSG:4547 {unit}").crs
    back = Transformer.from_crs(crs, TARGET, always_xy=True).transform(x, y)
    assert back == pytest.approx(at(4547), abs=1e-3)


def test_local_numbers_are_nowhere() -> None:
    assert detect_crs(raw((1250.0, 830.0)), target=TARGET, home=HOME) == ()


def test_layer_without_coordinates_has_no_candidate() -> None:
    nothing = RawLayer("a", None, pd.DataFrame(), np.array([None, Point()]), {}, None)
    assert detect_crs(nothing, target=TARGET, home=HOME) == ()


def test_one_wrong_row_of_three_changes_nothing() -> None:
    assert found(at(4547), at(4547, (114.9, 31.6)), (0.0, 0.0)) == [("EPSG:4547", False)]


def test_words_in_the_file_make_gcj02_a_candidate_and_nothing_certain() -> None:
    places = detect_crs(raw(PLACE, file="高德路网.geojson", crs=4326), target=TARGET, home=HOME)
    assert [one.crs for one in places] == ["EPSG:4326", "GCJ-02"]
    assert proposed(places) is None


def test_home_is_known_by_layers_then_county_then_crs() -> None:
    x, y = at(4547)
    bounds = np.array([x, y, x + 1000, y + 1000])
    assert home_of(bounds, COUNTY, TARGET).known_by == "工作区已有图层"
    assert home_of(bounds, COUNTY, TARGET).west == pytest.approx(PLACE[0], abs=1e-3)
    assert HOME.known_by == "县级规则中的县域范围"
    assert home_of(None, None, TARGET).known_by == "工作区坐标系的适用范围"
    elsewhere = home_of(None, COUNTY, CRS.from_epsg(25831))  # Catalonia, county of the rules aside
    assert elsewhere.known_by == "工作区坐标系的适用范围"


ZONES = st.sampled_from([zone.epsg for zone in cgcs2000_zones()])


@settings(max_examples=150, deadline=None)
@given(st.floats(74.0, 134.5), st.floats(18.2, 53.4), ZONES, st.booleans(), st.booleans())
def test_what_is_proposed_is_never_another_place(longitude, latitude, epsg, turned, known) -> None:
    area = CRS.from_epsg(epsg).area_of_use
    longitude = min(max(longitude, area.west), area.east)  # a place that the zone is made for
    place = (longitude, latitude)
    home = Home(longitude - 0.3, latitude - 0.3, longitude + 0.3, latitude + 0.3, "县域")
    x, y = at(epsg, place)
    candidates = detect_crs(
        raw((y, x) if turned else (x, y)),
        target=CRS.from_epsg(epsg),
        home=home if known else None,
    )
    chosen = proposed(candidates)
    if known:  # the truth is always among what is shown
        there = [c for c in candidates if c.falls_here and c.swap_axes == turned]
        assert min(GEOD.inv(c.longitude, c.latitude, *place)[2] for c in there) < 1
    if chosen is not None:
        assert chosen.swap_axes == turned
        assert GEOD.inv(chosen.longitude, chosen.latitude, *place)[2] < 1


def streets(step: float = 150.0) -> np.ndarray:
    """A town of crooked streets, metres round Xin County."""
    x, y = at(4547)
    random = np.random.default_rng(7)
    lines = []
    for number in range(12):
        along = np.arange(0, 12) * step
        lines.append(np.column_stack([along, number * step + random.normal(0, 25, 12)]))
        lines.append(np.column_stack([number * step + random.normal(0, 25, 12), along]))
    return np.array([LineString(line + np.array([x, y])) for line in lines], dtype=object)


@pytest.mark.parametrize("system", sorted(FORWARD))
def test_streets_shifted_from_those_of_the_workspace_are_suspected(system) -> None:
    import shapely

    roads = streets()
    back = Transformer.from_crs(4547, 4490, always_xy=True)
    degrees = shapely.transform(
        roads, lambda xy: np.column_stack(FORWARD[system](*back.transform(xy[:, 0], xy[:, 1])))
    )
    words = offset_evidence(degrees, roads, TARGET).words
    assert list(words) == [system]
    assert f"按 {system} 移回" in words[system]


def test_streets_in_place_or_elsewhere_are_not_suspected() -> None:
    import shapely

    roads = streets()
    back = Transformer.from_crs(4547, 4490, always_xy=True)
    for shift in (0.0, 330.0):
        degrees = shapely.transform(
            roads, lambda xy, s=shift: np.column_stack(back.transform(xy[:, 0] + s, xy[:, 1]))
        )
        assert offset_evidence(degrees, roads, TARGET).words == {}
        assert offset_evidence(swapped(degrees)[:0], roads, TARGET).words == {}

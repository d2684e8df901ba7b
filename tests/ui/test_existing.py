"""An existing main or node says what it is where one points at it, and takes no click."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point

import language
from tests.ui.conftest import SIZES, Visit
from tests.ui.town import place
from ui.existing import existing_door, existing_words

pytestmark = pytest.mark.slow_first

MAIN = {
    "utility": "gas",
    "diameter_mm": 110.0,
    "pressure_mpa": 0.2,
    "duct_holes": None,
    "laying": "buried",
    "status": "in_service",
    "owner": "某燃气公司",
}
BANK = {"utility": "telecom", "duct_holes": 6, "free_holes": 2, "laying": "duct", "status": None}


@pytest.fixture(autouse=True)
def usual_language() -> Iterator[None]:
    yield
    language.speak(None)


def test_a_main_is_told_with_what_is_known_of_it_and_without_its_owner() -> None:
    assert existing_words("lines", "G-1", MAIN) == ("燃气 G-1 · DN110 · 0.2 MPa · 直埋 · 在用")
    assert existing_words("lines", "T-1", BANK) == (
        "通信 T-1 · 总孔数 6 · 空孔数 2 · 管沟 · 使用状态未知"
    )
    node = {"utility": "power", "kind": "transformer", "capacity_kva": 630.0, "status": "planned"}
    assert existing_words("nodes", "DP-1", node) == "电力 DP-1 · 变压器 · 容量 630 kVA · 规划"


def test_it_is_told_in_english() -> None:
    language.speak("en")
    assert existing_words("lines", "G-1", MAIN) == (
        "Gas G-1 · DN110 · 0.2 MPa · buried · in service"
    )


@pytest.mark.parametrize(
    ("layer", "key"), [("lines", "W-9"), ("parcels", "P-0001"), ("nodes", "N-1"), ("", "")]
)
def test_nothing_else_is_told(workspace: Path, layer: str, key: str) -> None:
    status, _told = existing_door(workspace)({"layer": layer, "id": key})
    assert status == 404


def at(x: float, y: float) -> tuple[float, float]:
    shape = gpd.GeoSeries([place(Point(x, y))], crs="EPSG:4547").to_crs(4326).iloc[0]
    return shape.y, shape.x


@pytest.mark.browser
@pytest.mark.parametrize("device", SIZES)
def test_a_main_is_told_where_one_points_and_leaves_clicks_to_parcels(
    visit: Callable[[str, str], Visit], address: str, device: str
) -> None:
    """Gas main G-3 runs along x = 165; power main D-1 passes parcel P-0001 below its south side."""
    opened = visit(address, device)
    frame = opened.frame
    frame.evaluate("at => map.setView(at, 19, { animate: false })", at(165, 100))
    opened.wait(
        lambda: frame.evaluate(
            "() => Object.values(map._layers).some(one => one.feature && one.feature.id !== null"
            " && one.options.pane === 'tg-lines')"
        )
    )
    tip = frame.locator(".tg-existing")
    point_at = opened.tap_map if device == "phone" else hover(opened)
    point_at(*at(165, 100))
    tip.get_by_text("燃气 G-3").wait_for()
    assert "使用状态未知" in tip.inner_text()
    box, town = tip.bounding_box(), opened.page.locator(".st-key-town iframe").bounding_box()
    assert town["x"] <= box["x"]
    assert box["x"] + box["width"] <= town["x"] + town["width"]
    point_at(*at(172, 130))
    opened.wait(lambda: tip.count() == 0)
    frame.evaluate("at => map.setView(at, 18, { animate: false })", at(205, 84))
    (opened.tap_map if device == "phone" else opened.click_map)(*at(200, 84))
    opened.page.locator(".tg-mark").wait_for()
    assert "P-0004" in opened.page.locator(".tg-facts").inner_text()
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])


def hover(opened: Visit) -> Callable[[float, float], None]:
    def move(lat: float, lon: float) -> None:
        opened.page.mouse.move(*opened._place(lat, lon))

    return move


@pytest.mark.browser
def test_a_main_over_a_parcel_is_told_and_the_click_opens_the_parcel(
    visit: Callable[[str, str], Visit], address: str
) -> None:
    opened = visit(address, "desktop")
    frame = opened.frame
    frame.evaluate("at => map.setView(at, 19, { animate: false })", at(30, 40))
    frame.evaluate(
        """ends => {
            const mains = Object.values(map._layers).find(one => one.options.tells === "lines");
            mains.addData({ type: "FeatureCollection", features: [{ type: "Feature",
                properties: { id: "W-1", k: "water" }, geometry: { type: "LineString",
                coordinates: ends.map(one => [one[1], one[0]]) } }] });
        }""",
        [at(20, 40), at(45, 40)],
    )
    opened.click_map(*at(30, 40))
    opened.page.locator(".tg-figures").wait_for()
    assert "P-0001" in opened.page.locator(".tg-facts").inner_text()
    assert opened.errors == []

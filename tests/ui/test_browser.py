"""The page as a person meets it: headless Chromium without any way to the outside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import Point

from tests.api.test_escape import HOSTILE
from tests.planned_town import make_workspace
from tests.towns import CRS_NAME, ORIGIN
from tests.ui.conftest import SIZES, Visit
from tests.ui.servers import servers
from tests.ui.town import fill_workspace, hostile_names, town

pytestmark = [pytest.mark.browser, pytest.mark.slow_first]

Opener = Callable[[str, str], Visit]
Server = Callable[[str, Path], str]
ROUTES = "() => document.querySelectorAll('path.tg-route').length"
LEAST_BUTTON_PX = """() => Math.min(
    ...[...document.querySelectorAll(".st-key-case button")]
        .filter((one) => one.offsetParent)
        .map((one) => one.getBoundingClientRect().height)
)"""


def centre_of(parcel_id: str) -> tuple[float, float]:
    parcels = town().tables["parcels"]
    centre = parcels.geometry.centroid.to_crs(4326)[parcel_id]
    return centre.y, centre.x


@pytest.mark.parametrize("device", SIZES)
def test_the_first_view_is_whole_and_asks_nothing_of_the_outside(
    visit: Opener, address: str, device: str
) -> None:
    opened = visit(address, device)
    page, frame = opened.page, opened.frame
    page.wait_for_timeout(1000)
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])
    assert opened.received + opened.layer_bytes <= 1_000_000
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[device][0]
    box = page.locator(".st-key-town iframe").bounding_box()
    assert box["height"] >= 0.6 * SIZES[device][1]
    assert box["y"] + box["height"] <= SIZES[device][1] + 1
    for part in (".tg-legend", ".tg-note", ".leaflet-control-scale"):
        frame.locator(part).wait_for()
    assert "示例数据(合成),非真实管线" in frame.locator(".tg-note").inner_text()
    assert "EPSG:4547" in frame.locator(".tg-note").inner_text()
    assert len(frame.locator(".tg-legend line[stroke-dasharray]").all()) >= 6
    assert "Ukrain" not in frame.locator(".leaflet-control-attribution").inner_html()


@pytest.mark.parametrize("device", SIZES)
def test_picking_an_application_draws_its_routes_and_fills_the_panel(
    visit: Opener, address: str, device: str
) -> None:
    opened = visit(address, device)
    opened.choose("XX-2026-001")
    opened.wait(lambda: opened.frame.evaluate(ROUTES) == 5)
    assert opened.frame.locator("path.tg-band").count() >= 1
    assert opened.frame.locator("path.tg-ring").count() == 5
    dashes = {
        one.get_attribute("stroke-dasharray") for one in opened.frame.locator("path.tg-route").all()
    }
    assert len(dashes) == 5
    panel = opened.page.locator(".st-key-case").inner_text()
    for words in (
        "城南小餐饮街改造",
        "给水",
        "DN200",
        "116.48",
        "告知承诺",
        "共沟断面",
        "费用分摊",
    ):
        assert words in panel
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= SIZES[device][0]
    if device == "phone":
        # At once: what the page showed before goes away while one looks at it.
        opened.wait(lambda: opened.page.evaluate(LEAST_BUTTON_PX) >= 44)
    opened.wait(
        lambda: opened.frame.evaluate(
            "() => map.getBounds().contains(L.featureGroup(window.feature_group).getBounds())"
        )
    )
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])


def test_clicking_a_parcel_shows_it_without_loading_the_page_again(
    visit: Opener, address: str
) -> None:
    opened = visit(address, "desktop")
    opened.page.evaluate("window.__mark = 1")
    opened.frame.evaluate("window.__mark = 1")
    opened.click_map(*centre_of("P-0005"))
    opened.page.locator(".tg-figures").wait_for()
    assert "XX-2026-001" in opened.page.locator(".tg-title").inner_text()
    opened.click_map(*centre_of("P-0009"))
    opened.page.locator(".tg-mark").wait_for()
    assert "P-0009" in opened.page.locator(".tg-facts").inner_text()
    assert opened.page.evaluate("window.__mark") == 1
    assert opened.frame.evaluate("window.__mark") == 1


def test_a_click_on_a_line_opens_no_parcel_below_it(visit: Opener, address: str) -> None:
    """Lines are drawn beside each other for the eye, over parcels that they do not touch."""
    opened = visit(address, "desktop")
    opened.choose("XX-2026-001")
    opened.wait(lambda: opened.frame.evaluate(ROUTES) == 5)
    on_line = opened.frame.evaluate(
        """() => {
            map.clicked = 0;
            map.on("click", () => { map.clicked += 1; });
            const path = document.querySelector("path.tg-route.tg-gas");
            const at = path.getPointAtLength(path.getTotalLength() / 2);
            const box = map.layerPointToContainerPoint([at.x, at.y]);
            return [box.x, box.y];
        }"""
    )
    frame = opened.page.locator(".st-key-town iframe").bounding_box()
    opened.page.mouse.click(frame["x"] + on_line[0], frame["y"] + on_line[1])
    opened.page.wait_for_timeout(300)
    assert opened.frame.evaluate("map.clicked") == 0
    opened.click_map(*centre_of("P-0005"))
    opened.wait(lambda: opened.frame.evaluate("map.clicked") == 1)


def test_the_words_of_a_mark_stay_on_the_map_of_a_phone(visit: Opener, address: str) -> None:
    opened = visit(address, "phone")
    edges = opened.frame.evaluate(
        """() => [0.1, 0.49, 0.51, 0.9].map(share => {
            const size = map.getSize(), words = "与路缘石 R-N06平行净距 1.22 米,".repeat(4);
            const at = map.containerPointToLatLng([size.x * share, size.y / 2]);
            const group = L.featureGroup().addTo(map);
            tonggou.clearance(group, {at: at, status: "fail", label: words});
            group.eachLayer(mark => mark.openTooltip());
            const tip = document.querySelector(".tg-tip").getBoundingClientRect();
            group.remove();
            return [tip.left, size.x - tip.right];
        })"""
    )
    assert [edge for pair in edges for edge in pair if edge < 0] == []


def test_an_inspected_line_shows_its_grounds_and_stands_out(visit: Opener, address: str) -> None:
    opened = visit(address, "desktop")
    opened.choose("XX-2026-001")
    opened.page.locator(".st-key-chosen button", has_text="燃气").click()
    opened.page.locator(".tg-findings").first.wait_for()
    panel = opened.page.locator(".st-key-case").inner_text()
    for words in (
        "施工长度在200米内(含200米)",
        "201.35",
        "≤ 200",
        "−1.35",
        "不符合",
        "城市道路挖掘",
    ):
        assert words in panel
    faint = "() => document.querySelectorAll('path.tg-route[stroke-opacity=\"0.45\"]').length"
    opened.wait(lambda: opened.frame.evaluate(faint) == 4)


def test_a_map_that_has_no_size_yet_asks_for_nothing(visit: Opener, address: str) -> None:
    """As while the page lays it out anew: an empty extent would be refused."""
    opened = visit(address, "desktop")
    asked: list[str] = []
    opened.page.on("request", lambda one: "bbox=" in one.url and asked.append(one.url))
    opened.frame.evaluate(
        "() => { map.getContainer().style.display = 'none'; map.invalidateSize();"
        " map.setView(map.getCenter().toBounds(4000).getNorthEast(), map.getZoom()); }"
    )
    opened.page.wait_for_timeout(300)
    assert asked == []
    opened.frame.evaluate("() => { map.getContainer().style.display = ''; map.invalidateSize(); }")
    opened.wait(lambda: asked)
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])


def told_in(bar: Any) -> list[str]:
    """The pages in the bar, from left to right."""
    found = bar.locator('.st-key-here, .st-key-pages [data-testid="stPageLink"]').all()
    places = sorted((one.bounding_box()["x"], one.inner_text()) for one in found)
    return [words for _x, words in places]


def test_the_switch_turns_the_whole_page_and_its_links(visit: Opener, address: str) -> None:
    opened = visit(address, "desktop")
    bar = opened.page.locator(".st-key-bar")
    links = bar.locator('[data-testid="stPageLink"]')
    for switch, here, other in (
        ("English", "Route planning", "Data"),
        ("中文", "路由规划", "数据"),
    ):
        bar.get_by_text(switch, exact=True).click()
        bar.locator(".st-key-here", has_text=here).wait_for()
        opened.wait(lambda here=here, other=other: told_in(bar) == [here, other])
        opened.wait(lambda other=other: links.all_inner_texts() == [other])
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])


@pytest.fixture(scope="module")
def hostile_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of a town whose parcels, roads and project have hostile names."""
    workspace = tmp_path_factory.mktemp("hostile") / "workspace"
    fill_workspace(workspace, hostile_names(HOSTILE), project_name=HOSTILE[0] + HOSTILE[2])
    with servers() as start:
        yield start("tests/ui/fixture_app.py", workspace)


@pytest.mark.parametrize("device", SIZES)
def test_hostile_names_never_run(visit: Opener, hostile_address: str, device: str) -> None:
    opened = visit(hostile_address, device)
    for parcel in ("P-0001", "P-0004", "P-0009"):
        lat, lon = centre_of(parcel)
        opened.frame.evaluate("at => { map.setView(at, 17, { animate: false }); }", [lat, lon])
        with opened.run():
            opened.click_map(lat, lon)
    opened.choose("XX-2026-001")
    opened.wait(lambda: opened.frame.evaluate(ROUTES) == 5)
    assert "<img src=x" in opened.page.locator(".tg-title").inner_text()
    for frame in opened.page.frames:
        assert frame.evaluate("typeof window.PWN") == "undefined"
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])


def test_the_app_itself_opens_on_the_sample_county_and_plans_a_clicked_parcel(
    visit: Opener, serve: Server, tmp_path: Path
) -> None:
    """No step before: the workspace does not exist until the app makes it."""
    opened = visit(serve("app.py", tmp_path / "workspace"), "desktop")
    opened.page.wait_for_timeout(1500)
    assert opened.received + opened.layer_bytes <= 1_000_000
    nearest = """() => {
        const size = map.getSize(), near = map.containerPointToLatLng(size.divideBy(2));
        const parcels = Object.values(map._layers).filter(
            layer => layer.options.pane === "tg-parcels" && layer.getCenter);
        parcels.sort((a, b) => near.distanceTo(a.getCenter()) - near.distanceTo(b.getCenter()));
        const at = parcels.length && parcels[0].getCenter();
        return at && [at.lat, at.lng];
    }"""
    opened.wait(lambda: opened.frame.evaluate(nearest))
    opened.click_map(*opened.frame.evaluate(nearest))
    opened.page.locator(".tg-lines, .tg-note-warn").first.wait_for()
    assert opened.page.locator(".tg-lines").count() == 1, opened.page.inner_text(".st-key-case")
    opened.wait(lambda: opened.frame.evaluate(ROUTES) >= 1)
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])


def town_place(x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of a place in the metres of the planned town."""
    at = gpd.GeoSeries([Point(x + ORIGIN[0], y + ORIGIN[1])], crs=CRS_NAME).to_crs(4326).iloc[0]
    return at.y, at.x


def draw_points(opened: Visit, device: str, places: Sequence[tuple[float, float]]) -> None:
    """Click or tap places of the planned town, each when the one before is on the sketch."""
    sketch = """() => Object.values(map._layers)
        .find(one => one.options.className === "tg-sketch")._latlngs.length"""
    for number, place in enumerate(places, 1):
        (opened.tap_map if device == "phone" else opened.click_map)(*town_place(*place))
        opened.wait(lambda number=number: opened.frame.evaluate(sketch) == number)


def assert_sheet_is_compact(opened: Visit) -> None:
    """More than half of the map is free, and every button lies on the sheet, wholly, to be hit."""
    town = opened.page.locator(".st-key-town iframe").bounding_box()
    desk = opened.frame.locator(".tg-desk")
    sheet = desk.bounding_box()
    assert sheet["y"] - town["y"] >= town["height"] / 2
    buttons = [one.bounding_box() for one in desk.locator("button").all()]
    assert len(buttons) == 4
    for box in buttons:
        assert box["height"] >= 44
        assert sheet["y"] <= box["y"]
        assert box["y"] + box["height"] <= sheet["y"] + sheet["height"]


@pytest.mark.parametrize("device", SIZES)
def test_a_route_is_drawn_on_the_map_judged_and_kept(
    visit: Opener, serve: Server, tmp_path: Path, device: str
) -> None:
    workspace = make_workspace(tmp_path)
    opened = visit(serve("app.py", workspace), device)
    opened.choose("BZ-1")
    opened.wait(lambda: opened.frame.evaluate(ROUTES) >= 3)
    opened.page.evaluate("window.__mark = 1")
    desk = opened.frame.locator(".tg-desk")
    desk.locator(".tg-start").click()
    draw_points(opened, device, ((119, 9), (119, 9.6), (136, 9.6), (136, 11)))
    opened.wait(lambda: desk.locator(".tg-main").is_enabled())
    desk.locator(".tg-main").click()
    desk.locator(".tg-body").wait_for()
    if device == "phone":
        assert_sheet_is_compact(opened)
        desk.locator(".tg-unfold").click()
        assert_sheet_is_compact(opened)
    card = desk.inner_text()
    for words in ("给水 手绘路由", "告知承诺制审批", "比推荐路由"):
        assert words in card, words
    desk.locator("input").first.fill("张工")
    desk.locator(".tg-main").click()
    opened.wait(lambda: opened.frame.locator("path.tg-manual").count() == 1)
    stored = json.loads((workspace / "applications" / "BZ-1.json").read_text("utf-8"))
    [kept] = stored["drawn_routes"]["water"]
    assert kept["author"] == "张工"
    assert len(kept["line"]["coordinates"]) == 4
    assert opened.page.evaluate("window.__mark") == 1
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= SIZES[device][0]
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])

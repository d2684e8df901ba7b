"""The page of data as a person meets it: files in, versions, problems, repairs, files out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import Point, Polygon, box

from layers.answers import Answer
from layers.problems import Problem
from layers.store import Workspace
from tests.api.test_escape import HOSTILE
from tests.towns import CRS_NAME
from tests.ui.conftest import SIZES, Visit
from tests.ui.servers import servers
from tests.ui.town import fill_workspace, town
from ui import layer_problems
from ui.case_drawing import Placer
from ui.county import County, open_county

pytestmark = [pytest.mark.browser, pytest.mark.slow_first]

Opener = Callable[[str, str], Visit]
Server = Callable[[str, Path], str]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that these tests may change."""
    path = tmp_path_factory.mktemp("data") / "workspace"
    fill_workspace(path, town())
    return path


@pytest.fixture(scope="module")
def door(own: Path) -> Iterator[str]:
    with servers() as start:
        yield start("tests/ui/fixture_app.py", own)


@pytest.fixture
def data(visit: Opener, door: str) -> Callable[..., Visit]:
    """Open the bench and go to the page of data by its link."""

    def go(device: str = "desktop") -> Visit:
        opened = visit(door, device)
        opened.page.get_by_role("link", name="数据").click()
        opened.page.get_by_text("导入文件").wait_for()
        opened.wait(lambda: opened.frame)
        return opened

    return go


def parcels(path: Path, **columns: list[Any]) -> Path:
    """Two parcels beside the town's own."""
    west, south, *_rest = town().tables["parcels"].total_bounds
    shapes = [box(west + x, south - 60, west + x + 20, south - 30) for x in (0, 30)]
    told = {"宗地编号": ["N-1", "N-2"], "用地性质": ["教育", "教育"], **columns}
    gpd.GeoDataFrame(told, geometry=shapes, crs=CRS_NAME).to_file(path, driver="GPKG")
    return path


def choose(opened: Visit, *files: Path) -> None:
    opened.page.set_input_files("input[type=file]", [str(file) for file in files])
    opened.page.locator("p.tg-facts, p.tg-note-warn").first.wait_for()


def look_over(opened: Visit) -> None:
    opened.page.get_by_role("button", name="核对", exact=True).click()
    opened.page.locator(".tg-figures, p.tg-note-warn").first.wait_for()


def look_over_until(opened: Visit, words: str) -> None:
    """Press the button again where the page was still busy with the last choice."""
    from playwright import sync_api as playwright  # where it is absent, the fixtures said so

    told = opened.page.get_by_text(words).first
    for _attempt in range(6):
        opened.page.get_by_role("button", name="核对", exact=True).click()
        try:
            told.wait_for(timeout=8_000)
        except playwright.TimeoutError:
            continue
        return
    told.wait_for()


def pick(opened: Visit, label: str, words: str) -> None:
    """Choose in a select box."""
    opened.page.get_by_label(label, exact=True).click()
    opened.page.keyboard.type(words)
    with opened.run():
        opened.page.get_by_role("option", name=words).first.click()


def agree(opened: Visit, rows: int) -> None:
    """Say that the rows may go which the file does not bring again."""
    with opened.run():
        opened.page.get_by_text(f"已核对:这 {rows} 行不再需要").click()


def no_harm(opened: Visit) -> None:
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])


@pytest.mark.parametrize("device", SIZES)
def test_the_page_is_whole_at_both_sizes(data: Callable[..., Visit], device: str) -> None:
    opened = data(device)
    page = opened.page
    page.wait_for_timeout(1000)
    no_harm(opened)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[device][0]
    opened.frame.locator(".tg-legend").wait_for()
    for task in ("图层与版本", "问题"):
        page.get_by_text(task, exact=True).first.click()
        page.get_by_role("heading", name=task[:2]).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[device][0]
    no_harm(opened)


def test_a_good_file_becomes_the_next_version_and_can_be_taken_back(
    data: Callable[..., Visit], own: Path, tmp_path: Path
) -> None:
    before = Workspace.open(own).version("parcels")
    opened = data()
    page = opened.page
    choose(opened, parcels(tmp_path / "新宗地.gpkg"))
    assert "2 行" in page.locator("p.tg-facts").inner_text()
    look_over(opened)
    assert page.locator(".tg-figures").inner_text().split() == [
        "可入库",
        "2",
        "有错误",
        "0",
        "提醒",
        "0",
    ]
    picture = page.locator("img[alt=图层落在这里]")
    opened.wait(lambda: picture.evaluate("image => image.naturalWidth") > 100)
    assert Workspace.open(own).version("parcels") == before  # nothing is stored yet
    assert page.get_by_role("button", name="入库").is_disabled()
    page.get_by_label("操作人").fill("张三")
    page.get_by_label("操作人").press("Enter")
    page.get_by_text("填写操作人后可入库。").wait_for(state="detached")
    assert page.get_by_role("button", name="入库").is_disabled()
    told = page.locator("p.tg-note-warn").last.inner_text()
    assert f"的 {before.rows} 行中有 {before.rows} 行新版不再有(" in told
    agree(opened, before.rows)
    page.get_by_role("button", name="入库").click()
    page.get_by_text("已入库为第").wait_for()
    stored = Workspace.open(own).version("parcels")
    assert (stored.version, stored.rows, stored.author) == (before.version + 1, 2, "张三")
    assert stored.source_file == "新宗地.gpkg"

    page.get_by_text("图层与版本", exact=True).first.click()
    page.get_by_role("button", name="比较", exact=True).click()
    figures = page.locator(".tg-figures")
    figures.wait_for()
    assert figures.inner_text().split() == ["新增", "2", "删除", str(before.rows), "改动", "0"]
    page.get_by_label("操作人").first.fill("李四")
    page.get_by_role("button", name="退回", exact=True).click()
    page.get_by_text("已退回至第").wait_for()
    current = Workspace.open(own).version("parcels")
    assert (current.version, current.rows, current.author) == (
        before.version + 2,
        before.rows,
        "李四",
    )
    no_harm(opened)


def test_rows_in_error_are_shown_and_stored_beside_only_when_wished(
    data: Callable[..., Visit], own: Path, tmp_path: Path
) -> None:
    current = Workspace.open(own).version("parcels")
    before = current.version
    opened = data()
    page = opened.page
    choose(opened, parcels(tmp_path / "bad.gpkg", 用地性质=["教育", "月球"]))
    look_over(opened)
    assert page.locator(".tg-figures").inner_text().split()[:4] == ["可入库", "1", "有错误", "1"]
    page.get_by_label("操作人").fill("张三")
    page.get_by_label("操作人").press("Enter")
    page.get_by_text("填写操作人后可入库。").wait_for(state="detached")
    assert page.get_by_role("button", name="入库").is_disabled()
    with opened.run():
        page.get_by_text("只入库没有错误的行").click()
    agree(opened, current.rows)
    page.get_by_role("button", name="入库").click()
    page.get_by_text("另存错误行 1 行").wait_for()
    stored = Workspace.open(own).version("parcels")
    assert (stored.version, stored.rows, stored.rejected) == (before + 1, 1, 1)
    Workspace.open(own).rollback("parcels", before, author="test")
    no_harm(opened)


def test_a_file_that_is_chosen_after_another_is_the_one_that_is_read(
    data: Callable[..., Visit], tmp_path: Path
) -> None:
    opened = data()
    page = opened.page
    choose(opened, parcels(tmp_path / "bad.gpkg", 用地性质=["教育", "月球"]))
    look_over(opened)
    page.get_by_text("只入库没有错误的行").wait_for()
    page.set_input_files("input[type=file]", [str(parcels(tmp_path / "mended.gpkg"))])
    facts = page.locator("p.tg-facts")
    opened.wait(lambda: facts.count() == 1 and facts.inner_text().startswith("mended.gpkg:2 行"))
    page.get_by_role("button", name="入库").wait_for(state="detached")  # that of the other file
    look_over_until(opened, "可入库")
    assert page.locator(".tg-figures").inner_text().split()[:4] == ["可入库", "2", "有错误", "0"]
    with opened.run():
        page.locator(".stRadio").get_by_text("bad.gpkg", exact=True).click()
    opened.wait(lambda: facts.count() == 1 and facts.inner_text().startswith("bad.gpkg"))
    assert page.get_by_role("button", name="入库").count() == 0
    no_harm(opened)


def test_a_file_without_crs_asks_for_it_with_evidence(
    data: Callable[..., Visit], tmp_path: Path
) -> None:
    x, y = town().tables["parcels"].total_bounds[:2]
    file = tmp_path / "树.csv"
    file.write_bytes(f"点号,X,Y\nA1,{y:.2f},{x:.2f}\nA2,{y + 9:.2f},{x:.2f}\n".encode("gb18030"))
    opened = data()
    page = opened.page
    choose(opened, file)
    pick(opened, "导入为", "树")
    page.get_by_text("必填而尚无对应列:树木编号").wait_for()
    assert page.get_by_text("文字编码:GB18030").is_visible()
    offered = page.get_by_text("文件没有编号列")
    opened.wait(lambda: offered.count() == 1)  # that of the layer before goes when the page is done
    with opened.run():
        offered.click()
    look_over_until(opened, "在本页:--crs")
    # Notes of the look before stay below until the page is done.
    page.locator("p.tg-note-warn").filter(has_text="--crs EPSG:4547").first.wait_for()
    page.get_by_label("坐标系", exact=True).click()
    page.get_by_role("option").first.wait_for()
    assert "EPSG:4547" in page.get_by_role("option").first.inner_text()
    with opened.run():
        page.get_by_role("option").first.click()
    look_over_until(opened, "可入库")
    assert page.locator(".tg-figures").inner_text().split()[:2] == ["可入库", "2"]
    no_harm(opened)


def test_a_file_that_reads_another_is_refused_and_nothing_is_stored(
    data: Callable[..., Visit], own: Path, tmp_path: Path
) -> None:
    file = tmp_path / "roads.geojson"
    file.write_text(
        '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/passwd</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>",
        encoding="utf-8",
    )
    before = Workspace.open(own).versions()
    opened = data()
    choose(opened, file)
    told = opened.page.locator("p.tg-note-warn").inner_text()
    assert "不能导入" in told
    assert "roads.geojson" in told
    assert "root:" not in opened.page.content()
    assert Workspace.open(own).versions() == before
    no_harm(opened)


def test_hostile_names_run_nothing(data: Callable[..., Visit], tmp_path: Path) -> None:
    opened = data()
    names = [str(value) for value in HOSTILE][:2]
    choose(opened, parcels(tmp_path / "x.gpkg", 名称=names, **{"<img src=x onerror=PWN=1>": names}))
    look_over(opened)
    opened.page.locator(".tg-figures").wait_for()
    opened.page.wait_for_timeout(500)
    assert all(frame.evaluate("() => window.PWN === undefined") for frame in opened.page.frames)
    no_harm(opened)


def test_a_problem_is_shown_on_the_map_and_its_repair_can_be_undone(
    data: Callable[..., Visit], own: Path
) -> None:
    workspace = Workspace.open(own)
    tables = workspace.survey().tables
    west, south, *_rest = tables["parcels"].total_bounds
    corners = [(0, -90), (40, -90), (40, -60), (20.02, -60), (20.01, -40), (20, -60), (0, -60)]
    spike = Polygon([(west + x, south + y) for x, y in corners])
    first = workspace.version("parcels").version
    file = own.parent / "spike.gpkg"
    gpd.GeoDataFrame({"宗地编号": ["S-1"]}, geometry=[spike], crs=CRS_NAME).to_file(
        file, driver="GPKG"
    )
    workspace.import_layer("parcels", file, append=True, author="test")
    opened = data()
    page = opened.page
    page.get_by_text("问题", exact=True).first.click()
    page.locator('[data-testid="stDataFrame"]').wait_for()
    pick(opened, "图层", "宗地")
    centre = opened.frame.evaluate("() => [map.getCenter().lat, map.getCenter().lng]")
    notes = page.locator("p.tg-note-none").all_inner_texts
    for row in range(1, 8):  # the spike is one of the first problems of the layer
        place = page.locator('[data-testid="stDataFrame"]').bounding_box()
        before = notes()
        with opened.run():
            page.mouse.click(place["x"] + 14, place["y"] + 18 + 35 * row)
        opened.wait(lambda before=before: notes() not in ([], before))
        if (
            page.get_by_text("建议的修复").count()
            and "S-1" in page.locator("p.tg-note-none").last.inner_text()
        ):
            break
    opened.wait(
        lambda: opened.frame.evaluate("() => [map.getCenter().lat, map.getCenter().lng]") != centre
    )
    # Its outline and a ring, each in blue on white, amid the ground that zoom 18 shows.
    opened.wait(lambda: opened.frame.locator("path.tg-spotlight").count() == 4)
    middle, ring, width = opened.frame.evaluate("""() => {
        const bounds = map.getBounds(), one = Object.values(map._layers).find(
            l => l instanceof L.CircleMarker && l.options.className === "tg-spotlight");
        const width = map.distance(bounds.getSouthWest(), bounds.getSouthEast());
        return [map.getCenter(), one.getLatLng(), width];
    }""")
    assert width < 250
    assert (middle["lat"], middle["lng"]) == pytest.approx((ring["lat"], ring["lng"]), abs=2e-4)
    page.get_by_label("操作人").fill("王五")
    held = own.with_name("hold")
    held.touch()
    page.get_by_role("button", name="修复(存为新版本,可退回)").click()
    page.get_by_text("正在核对全部图层…").wait_for()
    page.get_by_text("已修复 1 处").wait_for()
    # What was true before the repair is out of reach until it is checked anew.
    assert page.locator('[data-testid="stDataFrame"]').count() == 0
    assert page.get_by_role("button", name="修复(存为新版本,可退回)").count() == 0
    held.unlink()
    page.locator('[data-testid="stDataFrame"]').wait_for()
    mended = Workspace.open(own).survey().tables["parcels"].geometry["S-1"]
    assert mended.area == pytest.approx(40 * 30, abs=0.3)
    assert mended.bounds[3] == pytest.approx(south - 60, abs=0.01)
    Workspace.open(own).rollback("parcels", first, author="test")
    no_harm(opened)


def test_a_version_is_handed_out_and_that_is_recorded(
    data: Callable[..., Visit], own: Path, tmp_path: Path
) -> None:
    opened = data()
    page = opened.page
    page.get_by_text("图层与版本", exact=True).first.click()
    page.get_by_label("操作人").last.fill("赵六")
    with opened.run():
        page.get_by_label("操作人").last.press("Enter")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="导出", exact=True).click()
    file = tmp_path / "out.gpkg"
    waiting.value.save_as(file)
    rows = gpd.read_file(file, layer="parcels")
    [*_before, last] = Workspace.open(own).exports()
    current = Workspace.open(own).version(last.layer)
    assert (len(rows), last.author, last.version) == (current.rows, "赵六", current.version)
    no_harm(opened)


def test_a_file_that_contradicts_an_answer_is_stored_once_somebody_says_which_counts(
    data: Callable[..., Visit], own: Path, tmp_path: Path
) -> None:
    workspace = Workspace.open(own)
    table = workspace.survey().tables["parcels"]
    [first, second, *_rest] = table.index
    fields = [
        Answer(f"parcel:{first}", "land_use", "medical"),
        Answer(f"parcel:{second}", "address", "将军路 1 号"),
    ]
    workspace.answer(fields, author="甲", note="规划许可证", replace=True)
    file = tmp_path / "宗地台账.gpkg"
    ledger = table.assign(land_use="residential", address=None)
    ledger.to_file(file, driver="GPKG")
    before = workspace.version("parcels").version
    opened = data()
    page = opened.page
    choose(opened, file)
    look_over(opened)
    page.get_by_text("文件未填处保留核实结果 1 项").wait_for()
    page.get_by_label("操作人").fill("张三")
    page.get_by_label("操作人").press("Enter")
    page.get_by_text("填写操作人后可入库。").wait_for(state="detached")
    assert page.get_by_role("button", name="入库").is_disabled()
    page.get_by_text("文件有 1 处与核实结果不符(见上表),以哪个为准").wait_for()
    told = page.locator("ul.tg-questions").last.inner_text()
    assert f"编号 {first} 字段 land_use 值“residential”:与核实结果 医疗(甲" in told
    with opened.run():
        page.get_by_text("以核实结果为准", exact=True).click()
    page.get_by_role("button", name="入库").click()
    page.get_by_text("与文件不符,以核实结果为准 1 项").wait_for()
    stored = Workspace.open(own).survey().tables["parcels"]
    assert (stored["land_use"][first], stored["address"][second]) == ("medical", "将军路 1 号")
    assert (stored["land_use"].drop(first) == "residential").all()

    page.get_by_text("图层与版本", exact=True).first.click()
    pick(opened, "退回至", str(before - 1))
    page.get_by_text("退回此版将收回 2 项核实结果").wait_for()
    assert f"收回核实结果:{first} 的 用地性质 = 医疗(甲" in page.content()
    pick(opened, "退回至", str(before))
    page.get_by_text("退回此版不收回任何核实结果。").wait_for()
    workspace.rollback("parcels", before - 1, author="test")
    no_harm(opened)


def test_a_problem_of_a_whole_layer_has_no_id_in_the_table() -> None:
    one = Problem("lines", "lines.gpkg", None, None, None, None, "分为 3 片", "请核对", "note")
    assert layer_problems._rows([one])["编号"].tolist() == [""]


@pytest.fixture(scope="module")
def county(own: Path) -> County:
    return open_county(own)


def spot_of(county: County, monkeypatch: pytest.MonkeyPatch, **about: Any) -> dict[str, Any]:
    """What the map shows of the one problem that there is, once it is chosen."""
    one = Problem(**{"file": "", "row": None, "field": None, "value": None, **about},
                  rule="规则", cure="请核对")  # fmt: skip
    monkeypatch.setattr(layer_problems, "problems_of", lambda _county: [one])
    monkeypatch.setattr(layer_problems.st, "session_state", {"problem": 0})
    return layer_problems.problem_drawing(county, shown=True)


def test_the_map_goes_to_the_place_of_a_problem_and_draws_its_feature(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    roads = county.survey.tables["roads"]
    name, shape = roads.index[0], roads.geometry.iloc[0]
    x, y = shape.coords[0][:2]
    about = {"layer": "roads", "feature_id": name, "x": x, "y": y, "extent": shape.bounds}
    drawing = spot_of(county, monkeypatch, **about)
    place = Placer(county.survey.crs)
    assert drawing["bounds"] == [place.point((x - 25, y - 25)), place.point((x + 25, y + 25))]
    assert drawing["spot"] == {"at": place.point((x, y)), "lines": [place.line(shape.coords)]}


def test_a_problem_of_a_whole_layer_is_shown_with_all_its_extent(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    west, south, east, north = county.survey.tables["roads"].total_bounds
    about = {"layer": "roads", "feature_id": None, "x": (west + east) / 2, "y": (south + north) / 2}
    drawing = spot_of(county, monkeypatch, **about, extent=(west, south, east, north))
    place = Placer(county.survey.crs)
    assert drawing["bounds"] == [
        place.point((west - 25, south - 25)),
        place.point((east + 25, north + 25)),
    ]
    assert drawing["spot"] is None


def test_the_outline_of_an_area_has_its_holes(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    holed = box(0, 0, 40, 40) - box(10, 10, 20, 20)
    table = gpd.GeoDataFrame(geometry=[holed], index=["P"], crs=CRS_NAME)
    other = SimpleNamespace(survey=SimpleNamespace(crs=CRS_NAME, tables={"parcels": table}))
    drawing = spot_of(other, monkeypatch, layer="parcels", feature_id="P", x=1.0, y=1.0)
    assert [len(ring) for ring in drawing["spot"]["lines"]] == [5, 5]


@pytest.mark.parametrize(
    ("shapes", "corners"),
    [
        ([box(0, 0, 4, 4), box(9, 9, 12, 12)], [5, 5]),  # an id that is repeated
        ([Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])], [5]),  # turned, without any area
        ([Polygon()], []),
        ([Point(1, 1)], []),
        ([None], []),
    ],
)
def test_whatever_shape_a_faulty_feature_has_is_drawn(
    county: County, monkeypatch: pytest.MonkeyPatch, shapes: list[Any], corners: list[int]
) -> None:
    table = gpd.GeoDataFrame(geometry=shapes, index=["P"] * len(shapes), crs=CRS_NAME)
    other = SimpleNamespace(survey=SimpleNamespace(crs=CRS_NAME, tables={"parcels": table}))
    drawing = spot_of(other, monkeypatch, layer="parcels", feature_id="P", x=1.0, y=1.0)
    assert [len(line) for line in drawing["spot"]["lines"]] == corners


def test_nothing_to_check_is_not_called_without_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace.create(tmp_path / "empty", "411523_xinxian", CRS_NAME)
    said: list[str] = []
    monkeypatch.setattr(layer_problems, "told", said.append)
    layer_problems.layer_problems(open_county(tmp_path / "empty"), tmp_path / "empty")
    assert said == ["工作区还没有图层,无从核对:请先导入。"]

"""Point and line tables of CJJ 61 surveys, joined; plain tables with coordinates."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers import grids
from layers.errors import LayerError, ReadError
from layers.raw import RawLayer, Wanted
from layers.reading import read_layer
from layers.store import Workspace
from layers.survey_tables import read_table

# X is north: three points 50 m apart to the east, one 30 m north of the last.
POINTS = [
    ["物探点号", "管线种类", "特征", "附属物", "X", "Y", "地面高程"],
    ["JS1", "JS", "", "阀门", 3500000.0, 583190.0, 60.0],
    ["JS2", "JS", "三通", "", 3500000.0, 583240.0, 60.5],
    ["WS1", "WS", "", "检修井", 3500000.0, 583190.0, 60.0],
    ["WS2", "WS", "", "检修井", 3500030.0, 583190.0, 59.8],
]
LINES = [
    [
        "起点点号",
        "终点点号",
        "起点埋深",
        "终点埋深",
        "管线种类",
        "管径",
        "材质",
        "埋设方式",
        "使用状态",
    ],
    ["JS1", "JS2", 1.0, 1.4, "JP", "DN200", "球墨铸铁", "ZM", "0"],
    ["WS1", "WS2", 2.0, 2.1, "WS", "400", "T", "ZM", "1"],
]


def workbook(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([None if cell == "" else cell for cell in row])
    book.save(path)
    return path


def csv_file(path: Path, rows: Sequence[Sequence[object]], encoding="utf-8", sep=",") -> Path:
    text = "\r\n".join(sep.join(str(cell) for cell in row) for row in rows)
    path.write_bytes(text.encode(encoding))
    return path


def read(path: Path, layer: str = "lines", **options) -> RawLayer:
    return read_layer(path, source_layer=options.pop("source_layer", None), layer=layer, **options)


def xy(raw: RawLayer) -> list[list[tuple[float, ...]] | None]:
    return [None if shape is None else list(shape.coords) for shape in raw.shapes]


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return workbook(tmp_path / "survey.xlsx", 点表=POINTS, 线表=LINES)


def test_lines_run_between_their_points_with_x_to_the_north(survey: Path) -> None:
    raw = read(survey)
    assert xy(raw) == [
        [(583190, 3500000), (583240, 3500000)],
        [(583190, 3500000), (583190, 3500030)],
    ]
    assert "北坐标取列“X”,东坐标取列“Y”:数值大小符合高斯投影的纵、横坐标" in raw.notes
    assert raw.crs is None


def test_depths_become_cover_or_inverts_by_what_they_refer_to(survey: Path) -> None:
    raw = read(survey)
    # Water: to the outer top, (1.0 + 1.4) / 2. Sewage: inner bottom, 60 - 2.0 and 59.8 - 2.1.
    assert list(raw.cells["depth_m"]) == [1.2, None]
    assert list(raw.cells["start_invert_m"]) == [None, 58.0]
    assert list(raw.cells["end_invert_m"]) == [None, 57.7]


def test_a_survey_workbook_is_stored_as_lines_and_as_nodes(workspace: Workspace, tmp_path) -> None:
    lines = [
        row if n == 0 else [*row[:5], row[5].strip("DN"), *row[6:]] for n, row in enumerate(LINES)
    ]
    path = workbook(tmp_path / "a.xlsx", 点表=POINTS, 线表=lines)
    result = workspace.import_layer("lines", path, crs="EPSG:4547")
    assert (result.rows, result.rejected) == (2, 0)
    table = workspace.survey().get("lines")
    assert list(table.index) == ["JS1-JS2", "WS1-WS2"]
    assert list(table["utility"]) == ["water", "sewage"]
    assert list(table["subtype"]) == ["distribution", None]
    assert list(table["status"]) == ["in_service", "abandoned"]
    assert list(table.length) == [50.0, 30.0]
    assert workspace.import_layer("nodes", path, crs="EPSG:4547").rows == 4
    nodes = workspace.survey().get("nodes")
    assert nodes.loc["JS1", "kind"] == "valve"
    assert nodes.loc["JS2", "ground_level_m"] == 60.5


NODES = ["管点编号", "专业", "附属物类型", "北坐标", "东坐标"]


def nodes_of(*names: str) -> list[list[object]]:
    places = enumerate(names)
    return [NODES, *([one, "给水", "阀门", 3500000.0 + 9 * n, 583190.0] for n, one in places)]


def ids(raw: RawLayer, column: str) -> list[object]:
    return raw.cells[column].tolist()


def test_tables_beside_the_sheet_of_the_layers_name_are_read_too(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", nodes=nodes_of("A1", "A2"), 二组=nodes_of("B1", "B2"))
    raw = read(path, "nodes")
    assert ids(raw, "管点编号") == ["A1", "A2", "B1", "B2"]
    assert raw.sheets == ("nodes", "二组")
    assert ids(read(path, "nodes", source_layer="二组"), "管点编号") == ["B1", "B2"]


def test_rows_of_several_sheets_are_counted_in_each(workspace: Workspace, tmp_path: Path) -> None:
    second = nodes_of("B1", "B2", "A2", "B4")
    second[2][2] = "不知何物"
    path = workbook(tmp_path / "a.xlsx", nodes=nodes_of("A1", "A2", "A3"), 二组=second)
    with pytest.raises(LayerError) as refused:
        workspace.import_layer("nodes", path, crs="EPSG:4547")
    told = str(refused.value).splitlines()
    assert told[0].startswith("文件 a.xlsx 工作表 nodes、二组:3 行有 3 处错误")
    assert [line.split(" 编号")[0] for line in told[1:]] == [
        "文件 a.xlsx 工作表 nodes 第 2 行",  # called like the third of the other sheet
        "文件 a.xlsx 工作表 二组 第 2 行",
        "文件 a.xlsx 工作表 二组 第 3 行",
    ]
    result = workspace.import_layer("nodes", path, crs="EPSG:4547", accept_valid=True)
    assert (result.rows, result.rejected) == (4, 3)
    assert result.rejected_file is not None
    kept = result.rejected_file.read_text("utf-8-sig")
    assert "二组 第 2 行" in kept
    assert "B2" in kept


def test_line_tables_beside_the_sheet_lines_are_read_too(tmp_path: Path) -> None:
    head = ["管线编号", "专业", "起点点号", "终点点号"]
    water, sewage = ["L1", "给水", "JS1", "JS2"], ["L2", "污水", "WS1", "WS2"]
    path = workbook(tmp_path / "a.xlsx", lines=[head, water], 污水=[head, sewage], 点=POINTS)
    assert ids(read(path), "管线编号") == ["L1", "L2"]


@pytest.mark.parametrize("blank", [[], [NODES]], ids=["empty", "header"])
def test_an_empty_sheet_is_not_taken_for_the_layer(
    tmp_path: Path, blank: list[list[object]]
) -> None:
    path = workbook(tmp_path / "a.xlsx", nodes=blank, 管点=nodes_of("A1"))
    assert ids(read(path, "nodes"), "管点编号") == ["A1"]


def test_sheets_called_like_other_layers_are_left_to_them(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", nodes=nodes_of("A1"), trees=nodes_of("T1"), 说明=[["甲", "乙"]]
    )
    raw = read(path, "nodes")
    assert ids(raw, "管点编号") == ["A1"]
    assert "未读取的工作表:说明" in raw.notes


def test_no_row_is_read_of_a_workbook_with_rows_only_where_that_is_stated(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", nodes=[NODES], lines=[LINES[0]], 点=POINTS)
    with pytest.raises(ReadError, match="图层 lines 的工作表没有一行数据,而工作表 点 有"):
        read(path)
    assert len(read(path, source_layer="lines").cells) == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("sep", [",", "\t", ";"])
def test_two_text_tables_are_joined_in_any_encoding(
    tmp_path: Path, encoding: str, sep: str
) -> None:
    points = csv_file(tmp_path / "点.csv", POINTS, encoding, sep)
    lines = csv_file(tmp_path / "线.csv", LINES, encoding, sep)
    raw = read(lines, beside=points)
    assert xy(raw)[0] == [(583190, 3500000), (583240, 3500000)]
    assert list(raw.cells["材质"]) == ["球墨铸铁", "T"]


def test_line_table_alone_asks_for_its_points(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"需要管线点表.*--points"):
        read(csv_file(tmp_path / "线.csv", LINES))


def test_points_alone_are_no_lines(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="没有管线表"):
        read(csv_file(tmp_path / "点.csv", POINTS))


def test_line_without_point_is_kept_and_named(tmp_path: Path) -> None:
    lines = [
        *LINES,
        ["JS2", "JS9", 1, 1, "JS", 100, "", "", ""],
        ["JS2", "", 1, 1, "JS", 1, "", "", ""],
    ]
    raw = read(workbook(tmp_path / "a.xlsx", 点=POINTS, 线=lines))
    assert len(raw.cells) == 4
    assert raw.unreadable == {2: "点号 JS9 不在点表中", 3: "起点或终点点号为空"}


def test_point_number_at_two_places_makes_its_lines_unreadable(tmp_path: Path) -> None:
    moved = ["JS2", "JS", "", "", 3500000.0, 583260.0, 60.5]
    raw = read(workbook(tmp_path / "a.xlsx", 点=[*POINTS, moved], 线=LINES))
    assert raw.unreadable == {0: "点号 JS2 在点表中有两个位置"}
    again = read(workbook(tmp_path / "b.xlsx", 点=[*POINTS, POINTS[2]], 线=LINES))
    assert again.unreadable == {}


def test_line_of_no_length_is_refused_by_the_checks(workspace: Workspace, tmp_path: Path) -> None:
    lines = [LINES[0], ["JS1", "JS1", 1, 1, "JS", 100, "", "", ""]]
    path = workbook(tmp_path / "a.xlsx", 点=POINTS, 线=lines)
    with pytest.raises(LayerError, match="图形无效"):
        workspace.import_layer("lines", path, crs="EPSG:4547")


@pytest.mark.parametrize("code", ["PS", "HS", "雨污合流"])
def test_drains_of_unknown_kind_are_asked_for(
    workspace: Workspace, tmp_path: Path, code: str
) -> None:
    lines = [LINES[0], ["WS1", "WS2", 2.0, 2.1, code, "400", "T", "ZM", "0"]]
    path = workbook(tmp_path / "a.xlsx", 点=POINTS, 线=lines)
    assert any("没有分清雨水还是污水" in note and code in note for note in read(path).notes)
    with pytest.raises(LayerError, match=f"字段 utility 值“{code}”"):
        workspace.import_layer("lines", path, crs="EPSG:4547")
    stated = read(path, constants={"utility": "sewage"})
    assert list(stated.cells["start_invert_m"]) == [58.0]


def test_words_without_a_value_stay_in_their_column_and_are_named(tmp_path: Path) -> None:
    lines = [LINES[0], ["JS1", "JS2", 1, 1, "JS", "400X600", "T", "DG", "2"]]
    raw = read(workbook(tmp_path / "a.xlsx", 点=POINTS, 线=lines))
    assert list(raw.cells["laying"]) == [None]
    assert list(raw.cells["埋设方式"]) == ["DG"]
    assert "列“埋设方式”中的 DG(1) 不是字段 laying 能存的值,该字段留空" in raw.notes


def test_unknown_word_is_left_for_the_checks(tmp_path: Path) -> None:
    lines = [LINES[0], ["JS1", "JS2", 1, 1, "JS", "400", "T", "悬挂", "0"]]
    assert list(read(workbook(tmp_path / "a.xlsx", 点=POINTS, 线=lines)).cells["laying"]) == [
        "悬挂"
    ]


def test_title_rows_and_merged_headers_are_found(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "管线表"
    for row in (
        ["地下管线线表", *[None] * 5],
        ["测区:合成", *[None] * 5],
        ["起点点号", "终点点号", "埋深(cm)", None, "管线种类", "管径"],
        [None, None, "起点", "终点", None, None],
        ["JS1", "JS2", 100, 140, "JS", 200],
        ["制表:张三", *[None] * 5],
    ):
        sheet.append(row)
    for cells in ("A1:F1", "C3:D3", "A3:A4", "B3:B4", "E3:E4", "F3:F4"):
        sheet.merge_cells(cells)
    points = book.create_sheet("点表")
    for row in POINTS:
        points.append(row)
    book.save(tmp_path / "a.xlsx")
    raw = read(tmp_path / "a.xlsx")
    assert list(raw.cells["depth_m"]) == [1.2]
    assert "表头以上的文字:地下管线线表 测区:合成" in raw.notes
    assert [one.reason for one in raw.skipped] == ["只有一个单元格有内容,按说明文字处理"]


def test_depths_that_cannot_be_metres_are_not_taken_for_metres(tmp_path: Path) -> None:
    lines = [LINES[0], ["JS1", "JS2", 100, 140, "JS", "200", "", "", ""]]
    raw = read(workbook(tmp_path / "a.xlsx", 点=POINTS, 线=lines))
    assert list(raw.cells["depth_m"]) == [None]
    assert any("不像以米为单位,未换算" in note for note in raw.notes)


def test_depth_known_at_one_end_is_unknown(tmp_path: Path) -> None:
    lines = [LINES[0], ["JS1", "JS2", 1.0, "", "JS", "200", "", "", ""]]
    assert list(read(workbook(tmp_path / "a.xlsx", 点=POINTS, 线=lines)).cells["depth_m"]) == [None]


def test_utility_follows_from_the_code_before_the_point_number(tmp_path: Path) -> None:
    lines = [[*row[:4], *row[5:]] for row in LINES]
    raw = read(workbook(tmp_path / "a.xlsx", 点=POINTS, 线=lines))
    assert list(raw.cells["utility"]) == ["JS", "WS"]
    assert "没有管线种类列,2 行的专业取自点号前的代号" in raw.notes


def test_table_of_points_with_connections_is_read_as_lines(tmp_path: Path) -> None:
    rows = [
        ["物探点号", "连接点号", "管线种类", "X", "Y", "地面高程", "埋深"],
        ["JS1", "JS2", "JS", 3500000.0, 583190.0, 60.0, 1.0],
        ["JS2", "JS1", "JS", 3500000.0, 583240.0, 60.5, 1.4],
        ["", "JS3", "JS", "", "", "", 1.5],
        ["JS3", "JS2", "JS", 3500000.0, 583290.0, 61.0, 1.7],
    ]
    path = workbook(tmp_path / "a.xlsx", 成果表=rows)
    raw = read(path)
    assert list(raw.cells["line_id"]) == ["JS1-JS2", "JS2-JS3"]
    assert list(raw.cells["depth_m"]) == [1.2, 1.6]
    assert xy(raw)[1] == [(583240, 3500000), (583290, 3500000)]
    assert list(read(path, "nodes").cells["node_id"]) == ["JS1", "JS2", "JS3"]


def test_formula_counts_as_the_value_stored_beside_it(tmp_path: Path) -> None:
    rows = [["点号", "北坐标", "东坐标"], ["1", "=3500000+1", 583190.0]]
    raw = read(workbook(tmp_path / "a.xlsx", 点=rows), "trees")
    assert xy(raw) == [None]
    assert any("1 个公式单元格没有存下计算结果" in note for note in raw.notes)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (["id", "X", "Y"], ["1", 583190.5, 3500000.25]),
        (["id", "X", "Y"], ["1", 38583190.5, 3500000.25]),
        (["id", "Y", "X"], ["1", 583190.5, 3500000.25]),
        (["点号", "北坐标(m)", "东坐标(m)"], ["1", 3500000.25, 583190.5]),
        (["点号", "E", "N"], ["1", 583190.5, 3500000.25]),
    ],
)
def test_plain_points_come_east_before_north(tmp_path: Path, header, row) -> None:
    raw = read(csv_file(tmp_path / "a.csv", [header, row]), "trees")
    [[(east, north)]] = xy(raw)
    assert (east % 1_000_000, north) == (583190.5, 3500000.25)


def test_degrees_are_told_by_their_names_or_their_size(tmp_path: Path) -> None:
    named = csv_file(tmp_path / "a.csv", [["name", "lat", "lon"], ["a", 31.63, 114.86]])
    sized = csv_file(tmp_path / "b.csv", [["name", "x", "y"], ["a", 114.86, 31.63]])
    angles = csv_file(
        tmp_path / "c.csv",
        [["name", "纬度", "经度"], ["a", "31°37'48\"".replace('"', "″"), "114°51′36″"]],
    )
    for path in (named, sized, angles):
        [[(east, north)]] = xy(read(path, "trees"))
        assert (east, north) == pytest.approx((114.86, 31.63))


def test_axes_that_cannot_be_told_are_asked_for(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "a.csv", [["name", "X", "Y"], ["a", 1000.0, 2000.0]])
    with pytest.raises(ReadError, match=r"分不清列“X”\(首行 1000.0\).*--map north=列名"):
        read(path, "trees")
    raw = read(path, "trees", mapping={"north": "X", "east": "Y"})
    assert xy(raw) == [[(2000.0, 1000.0)]]


def test_names_that_contradict_the_numbers_are_asked_for(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "a.csv", [["点号", "东坐标", "北坐标"], ["a", 3500000, 583190]])
    with pytest.raises(ReadError, match="分不清列“北坐标”"):
        read(path, "trees")


def test_word_for_a_coordinate_is_a_problem_of_its_row(tmp_path: Path) -> None:
    rows = [
        ["点号", "北坐标", "东坐标"],
        ["a", 3500000, 583190],
        ["b", "不详", 583190],
        ["c", "", 583190],
    ]
    raw = read(csv_file(tmp_path / "a.csv", rows), "trees")
    assert raw.unreadable == dict.fromkeys((1, 2), "坐标列“北坐标”“东坐标”须为数字")
    assert xy(raw)[2] is None


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "MAX_ROWS", 3)
    path = csv_file(tmp_path / "a.csv", POINTS)  # read here: no other process knows the limit
    with pytest.raises(ReadError, match="超过 3 行"):
        read_table(path, Wanted("nodes"))


@pytest.mark.parametrize("content", [b"PK\x03\x04xl/ broken", b"PK\x03\x04[Content_Types].xml"])
def test_broken_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content * 40)
    with pytest.raises(ReadError, match="已损坏"):
        read(path)


def test_cut_workbook_is_refused(survey: Path) -> None:
    content = survey.read_bytes()
    for part in (0.3, 0.6, 0.95):
        survey.write_bytes(content[: int(len(content) * part)])
        with pytest.raises(ReadError):
            read(survey)


def test_options_of_tables_are_refused_for_other_files(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(ReadError, match="自带图形,不能用 --map north=…"):
        read(path, "trees", mapping={"north": "X", "east": "Y"})


def test_every_row_is_a_row_or_reported(tmp_path: Path) -> None:
    rows = [
        ["点号", "北坐标", "东坐标"],
        *([n, 3500000 + n, 583190] for n in range(50)),
        ["合计", "", ""],
    ]
    raw = read(csv_file(tmp_path / "a.csv", rows), "trees")
    assert len(raw.cells) + sum(one.count for one in raw.skipped) == 51
    assert np.all([shape is not None for shape in raw.shapes])


def test_error_values_of_a_workbook_are_blank_and_counted(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["点号", "北坐标", "东坐标", "备注"], ["1", 3500000, 583190, "#REF!"]):
        sheet.append(row)
    sheet["D2"].data_type = "e"
    book.save(tmp_path / "a.xlsx")
    raw = read(tmp_path / "a.xlsx", "trees")
    assert list(raw.cells["备注"]) == [None]
    assert "1 个单元格是错误值(如 #REF!),按空值读取" in raw.notes


def test_workbook_that_unfolds_beyond_measure_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(301_000_000))
    with pytest.raises(ReadError, match="解压后有 301 MB,上限 300 MB"):
        read(path)


def test_text_in_no_known_encoding_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("点号,北坐标,东坐标\n".encode("gb18030") + b"1,3500000,583190\n\xff\xff,1,1\n")
    with pytest.raises(ReadError, match="第 3 行的文字既不是 UTF-8 也不是 GB18030"):
        read(path, "trees")


def test_line_table_may_carry_its_own_coordinates(tmp_path: Path) -> None:
    header = [
        "管线编号",
        "起点X坐标",
        "起点Y坐标",
        "终点X坐标",
        "终点Y坐标",
        "管线种类",
        "起点埋深",
        "终点埋深",
    ]
    row = ["L1", 3500000.0, 583190.0, 3500000.0, 583240.0, "JS", 1.0, 1.4]
    bad = ["L2", 3500000.0, 583190.0, "不详", 583240.0, "JS", 1.0, 1.4]
    raw = read(csv_file(tmp_path / "a.csv", [header, *[row] * 9, bad]))
    assert xy(raw)[0] == [(583190, 3500000), (583240, 3500000)]
    assert list(raw.cells["depth_m"])[:1] == [1.2]
    assert list(raw.unreadable) == [9]
    assert any("北坐标取列" in note for note in raw.notes)


def test_column_that_the_user_names_as_utility_decides_what_depths_refer_to(tmp_path: Path) -> None:
    header = ["起点点号", "终点点号", "起点埋深", "终点埋深", "什么管"]
    path = workbook(tmp_path / "a.xlsx", 点=POINTS, 线=[header, ["WS1", "WS2", 2.0, 2.1, "污水"]])
    assert list(read(path, mapping={"utility": "什么管"}).cells["start_invert_m"]) == [58.0]


@given(
    st.lists(
        st.tuples(st.integers(0, 2000), st.integers(0, 2000)), min_size=2, max_size=12, unique=True
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=25, deadline=None)
def test_lines_do_not_depend_on_the_order_of_rows_and_columns(places, random) -> None:
    points = [[f"P{n}", 3500000 + north, 583190 + east] for n, (north, east) in enumerate(places)]
    lines = [[f"P{n}", f"P{n + 1}", "JS"] for n in range(len(points) - 1)]
    found = []
    for shuffled in (False, True):
        tables = [[["点号", "X", "Y"], *points], [["起点点号", "终点点号", "管线种类"], *lines]]
        if shuffled:
            for n, (header, *rows) in enumerate(tables):
                columns = random.sample(range(3), 3)
                random.shuffle(rows)
                tables[n] = [[row[c] for c in columns] for row in (header, *rows)]
        with tempfile.TemporaryDirectory() as folder:
            point_file = csv_file(Path(folder) / "点.csv", tables[0])
            raw = read_table(
                csv_file(Path(folder) / "线.csv", tables[1]), Wanted("lines", None, point_file)
            )
        found.append(dict(zip(raw.cells["line_id"], xy(raw), strict=True)))
    assert found[0] == found[1]
    # On paper: east before north, as drawn.
    ends = [(583190.0 + east, 3500000.0 + north) for north, east in places]
    assert [found[0][f"P{n}-P{n + 1}"] for n in range(len(ends) - 1)] == [
        list(pair) for pair in pairwise(ends)
    ]


def test_ends_whose_north_cannot_be_told_are_asked_for(tmp_path: Path) -> None:
    header = ["管线编号", "起点X", "起点Y", "终点X", "终点Y"]
    path = csv_file(tmp_path / "a.csv", [header, ["L1", 100, 200, 150, 200]])
    with pytest.raises(ReadError, match="请把列名写成 起点北坐标、起点东坐标"):
        read(path)
    named = [header[0], "起点北坐标", "起点东坐标", "终点北坐标", "终点东坐标"]
    raw = read(csv_file(path, [named, ["L1", 100, 200, 150, 200]]))
    assert xy(raw) == [[(200, 100), (200, 150)]]


def test_sizes_pressures_and_depths_are_taken_in_the_units_of_their_columns(tmp_path: Path) -> None:
    header = [
        "起点点号",
        "终点点号",
        "管线种类",
        "管径(cm)",
        "压力(kPa)",
        "电压",
        "起点埋深(mm)",
        "终点埋深",
    ]
    rows = [
        header,
        ["JS1", "JS2", "JS", 20, 400, "380V", 1000, "1.4m"],
        ["WS1", "WS2", "WS", 40, "中压", "高压", 2000, "不详"],
    ]
    raw = read(workbook(tmp_path / "a.xlsx", 点=POINTS, 线=rows))
    assert list(raw.cells["diameter_mm"]) == [200.0, 400.0]
    assert list(raw.cells["pressure_mpa"]) == [0.4, None]
    assert list(raw.cells["voltage_kv"]) == ["380V", None]
    assert list(raw.cells["depth_m"]) == [1.2, None]
    assert list(raw.cells["start_invert_m"]) == [None, 58.0]
    assert "列“终点埋深”有 1 个值不是长度,未换算" in raw.notes
    assert "列“压力(kPa)”中的 中压(1) 不是字段 pressure_mpa 能存的值,该字段留空" in raw.notes


def test_sections_and_outer_diameters_reach_their_own_fields(
    workspace: Workspace, tmp_path
) -> None:
    header = ["起点点号", "终点点号", "管线种类", "断面尺寸"]
    rows = [header, ["JS1", "JS2", "JS", "De110"], ["WS1", "WS2", "WS", "400X600"]]
    workspace.import_layer(
        "lines", workbook(tmp_path / "a.xlsx", 点=POINTS, 线=rows), crs="EPSG:4547"
    )
    table = workspace.survey().get("lines")
    assert table.loc["JS1-JS2", "outer_diameter_mm"] == 110
    assert table.loc["WS1-WS2", ["section_width_mm", "section_height_mm"]].tolist() == [400, 600]
    assert table["diameter_mm"].isna().all()


def test_columns_that_were_converted_are_not_called_unused(workspace: Workspace, tmp_path) -> None:
    lines = [[*LINES[0], "道路名称"], [*LINES[1], "北街"]]
    path = workbook(tmp_path / "a.xlsx", 点=POINTS, 线=lines)
    result = workspace.import_layer("lines", path, crs="EPSG:4547")
    assert "未使用的列:道路名称" in result.notes
    nodes = workspace.import_layer("nodes", path, crs="EPSG:4547")
    assert "未使用的列:特征" in nodes.notes

"""Blank workbooks and the page of layers: both say what the field tables say."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from openpyxl.worksheet.worksheet import Worksheet

from cli import main
from layers.errors import LayerError, ReadError
from layers.field_docs import layers_page
from layers.fields import LAYERS, layer_definition
from layers.store import Workspace
from layers.templates import EXAMPLE_ROW, HEADER_ROW, header_of, words_of, write_template
from tests.conftest import REPOSITORY
from tests.layers.layer_files import EAST, NORTH


def fill(sheet: Worksheet, *rows: dict[str, object]) -> None:
    """Write rows below the header by the names in it."""
    columns = {cell.value: cell.column for cell in sheet[HEADER_ROW]}
    for number, row in enumerate(rows, start=HEADER_ROW + 1):
        for name, value in row.items():
            sheet.cell(number, columns[name], value)


@pytest.fixture
def book(tmp_path: Path):
    write_template(tmp_path / "all.xlsx")
    return openpyxl.load_workbook(tmp_path / "all.xlsx")


@pytest.mark.parametrize("layer", LAYERS)
def test_every_field_has_a_column_with_its_rule(book, layer) -> None:
    sheet, definition = book[layer], layer_definition(layer)
    headers = {cell.value: cell for cell in sheet[HEADER_ROW]}
    listed = {
        sheet.cell(HEADER_ROW, next(iter(rule.sqref.ranges)).min_col).value: rule.formula1.strip(
            '"'
        )
        for rule in sheet.data_validations.dataValidation
    }
    for field in definition.fields:
        cell = headers[header_of(field)]
        assert cell.comment.text.splitlines()[:2] == [
            field.name + ("(必填)" if field.required else ""),
            field.description,
        ]
        words = listed.get(header_of(field), "")
        assert words.split(",") == (words_of(field) or [""])
        assert all(field.values[word] for word in words_of(field) if field.type == "enum")


def test_no_cell_of_a_template_is_a_formula_and_every_example_says_so(book) -> None:
    for sheet in book:
        assert [cell.coordinate for row in sheet for cell in row if cell.data_type == "f"] == []
    for layer in LAYERS:
        assert all(str(cell.value).startswith("示例") for cell in book[layer][EXAMPLE_ROW])


def test_filled_template_of_nodes_is_imported_without_its_example(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_template(tmp_path / "t.xlsx", ["nodes"])
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    row = {"管点编号": "JS1", "专业": "给水", "附属物类型": "阀门", "北坐标": NORTH, "东坐标": EAST}
    fill(book["nodes"], row, {**row, "管点编号": "JS2", "容量(kVA)": 100, "东坐标": EAST + 9})
    book.save(tmp_path / "filled.xlsx")
    result = workspace.import_layer("nodes", tmp_path / "filled.xlsx", crs="EPSG:4547")
    table = workspace.survey().get("nodes")
    assert (result.rows, result.rejected) == (2, 0)
    assert list(table.index) == ["JS1", "JS2"]
    assert table["kind"].to_dict() == {"JS1": "valve", "JS2": "valve"}
    assert table["capacity_kva"]["JS2"] == 100
    assert (table.geometry["JS2"].x, table.geometry["JS2"].y) == (EAST + 9, NORTH)


def test_filled_template_of_lines_is_imported_with_its_points(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_template(tmp_path / "t.xlsx", ["lines"])
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    line = {"起点点号": "A1", "终点点号": "A2", "管线编号": "W1", "专业": "给水"}
    fill(book["lines"], {**line, "管径(mm)": 200, "敷设方式": "直埋", "材质": "PE"})
    points = [{"点号": f"A{n}", "北坐标": NORTH, "东坐标": EAST + 9 * n} for n in (1, 2)]
    fill(book["lines_points"], *points)
    book.save(tmp_path / "filled.xlsx")
    result = workspace.import_layer("lines", tmp_path / "filled.xlsx", crs="EPSG:4547")
    table = workspace.survey().get("lines")
    assert (result.rows, list(table.index)) == (1, ["W1"])
    assert tuple(table.loc["W1", ["utility", "diameter_mm", "laying"]]) == ("water", 200, "buried")
    assert table.geometry["W1"].length == 9


def filled_book(folder: Path, **rows: dict[str, object]) -> Path:
    """The workbook of all layers, with a row in the sheets that are named."""
    write_template(folder / "t.xlsx")
    book = openpyxl.load_workbook(folder / "t.xlsx")
    for name, row in rows.items():
        fill(book[name], {"北坐标": NORTH, "东坐标": EAST, **row})
    book.save(folder / "filled.xlsx")
    return folder / "filled.xlsx"


NODE = {"管点编号": "JS1", "专业": "给水", "附属物类型": "阀门"}
TREE = {"树木编号": "T1"}


def test_the_sheet_named_like_the_layer_is_the_layer(workspace: Workspace, tmp_path: Path) -> None:
    path = filled_book(tmp_path, nodes=NODE, trees=TREE, lines_points={"点号": "A1"})
    for layer, name in (("nodes", "JS1"), ("trees", "T1")):
        result = workspace.import_layer(layer, path, crs="EPSG:4547")
        assert list(workspace.survey().tables[layer].index) == [name]
        assert (result.rows_in, result.rejected) == (1, 0)
        assert f"图层取自同名的工作表 {layer}" in result.notes


def test_what_is_wrong_in_a_workbook_names_the_sheet(workspace: Workspace, tmp_path: Path) -> None:
    path = filled_book(tmp_path, nodes={**NODE, "附属物类型": "宇宙"}, trees=TREE)
    with pytest.raises(LayerError) as refused:
        workspace.import_layer("nodes", path, crs="EPSG:4547")
    [problem] = [one for one in refused.value.problems if one.field == "kind"]
    assert problem.message.startswith("文件 filled.xlsx 工作表 nodes 第 1 行 编号 JS1 字段 kind")
    with pytest.raises(LayerError, match=r"文件 filled.xlsx 工作表 trees:找不到必填字段 node_id"):
        workspace.import_layer("nodes", path, crs="EPSG:4547", source_layer="trees")


def test_a_sheet_without_places_is_told_and_no_other_is_taken(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = filled_book(tmp_path, trees=TREE)
    with pytest.raises(ReadError, match=r"文件 filled.xlsx 工作表 parcels:找不到坐标列"):
        workspace.import_layer("parcels", path, crs="EPSG:4547")
    with pytest.raises(ReadError, match=r"没有工作表“x”。工作表:parcels、"):
        workspace.import_layer("parcels", path, crs="EPSG:4547", source_layer="x")


@pytest.mark.parametrize("layer", ["nodes", "lines"])
def test_a_blank_sheet_is_not_taken_for_a_county_without_the_layer(
    workspace: Workspace, tmp_path: Path, layer: str
) -> None:
    path = filled_book(tmp_path, trees=TREE)
    with pytest.raises(ReadError, match=rf"图层 {layer} 的工作表没有一行数据,而工作表 trees 有"):
        workspace.import_layer(layer, path, crs="EPSG:4547")
    result = workspace.import_layer(layer, path, crs="EPSG:4547", source_layer=layer)
    assert (result.rows, workspace.survey().tables[layer].empty) == (0, True)


def test_lines_of_the_whole_template_find_their_points(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = filled_book(tmp_path, nodes=NODE, trees=TREE)
    book = openpyxl.load_workbook(path)
    line = {"起点点号": "A1", "终点点号": "A2", "管线编号": "W1", "专业": "给水"}
    fill(book["lines"], line)
    points = [{"点号": f"A{n}", "北坐标": NORTH, "东坐标": EAST + 9 * n} for n in (1, 2)]
    fill(book["lines_points"], *points)
    book.save(path)
    for layer, name in (("lines", "W1"), ("nodes", "JS1"), ("trees", "T1")):
        result = workspace.import_layer(layer, path, crs="EPSG:4547")
        assert list(workspace.survey().tables[layer].index) == [name]
        assert not [note for note in result.notes if "未读取" in note]


def test_a_template_without_rows_says_that_there_are_none(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_template(tmp_path / "t.xlsx", ["nodes"])
    assert workspace.import_layer("nodes", tmp_path / "t.xlsx", crs="EPSG:4547").rows == 0


def test_template_command_writes_once(tmp_path: Path) -> None:
    out = tmp_path / "t.xlsx"
    arguments = ["template", str(out), "--layer", "trees"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert openpyxl.load_workbook(out).sheetnames == ["trees", "填写说明"]
    again = CliRunner().invoke(main, arguments)
    assert (again.exit_code, "已存在" in again.stderr) == (2, True)
    with pytest.raises(LayerError, match="没有名为“x”的图层"):
        write_template(tmp_path / "u.xlsx", ["x"])


def test_the_page_of_layers_is_current() -> None:
    page = (REPOSITORY / "docs" / "layers.md").read_text("utf-8")
    assert page == layers_page(), "run: python -m layers.field_docs > docs/layers.md"

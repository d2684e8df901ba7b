"""Blank workbooks to fill in, made from the field tables: one sheet for each layer.

The example stands above the header, where readers look for titles: it is never imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from language import gettext as _
from layers.errors import LayerError
from layers.fields import LAYERS, Field, LayerDefinition, layer_definition
from layers.survey_tables import NOTES_SHEET, POINTS_SHEET

TITLE_ROW, EXAMPLE_ROW, HEADER_ROW = 1, 2, 3
_ROWS = 5000  # that drop-downs and formats reach down to
_LONGEST_LIST = 255  # characters of a list of values inside a worksheet
_REQUIRED, _OPTIONAL, _EXAMPLE = "FFF4CC", "E8EEF2", "EEEEEE"
_EXAMPLES = {
    "number": "12.5",
    "integer": "2",
    "date": "2024-05-01",
    "boolean": "是",
}


def write_template(path: Path, layers: Sequence[str] = LAYERS) -> None:
    """Write a workbook with a blank sheet for each layer, and one that explains every column.

    Raises
    ------
    LayerError
        For a layer that does not exist, or a file that is there already.
    """
    definitions = [layer_definition(layer) for layer in layers]
    if path.exists() or path.suffix.lower() != ".xlsx":
        raise LayerError(_("文件 {}:已存在,或扩展名不是 .xlsx。请换一个文件名。").format(path))
    book = Workbook()
    book.remove(book.active)
    for definition in definitions:
        _fill_sheet(book.create_sheet(definition.name), definition)
        if definition.name == "lines":
            _fill_points(book.create_sheet(POINTS_SHEET))
    _fill_notes(book.create_sheet(NOTES_SHEET), definitions)
    book.save(path)


def header_of(field: Field) -> str:
    """Return the column's name: Chinese, with the unit in brackets."""
    return f"{field.zh}({field.unit})" if field.unit else field.zh


def words_of(field: Field) -> list[str]:
    """Return the Chinese words for the values of an enum, in order; of a yes or no, both."""
    if field.type == "boolean":
        return ["是", "否"]
    return [field.word(one) for one in field.allowed if field.type == "enum"]


def _fill_sheet(sheet: Worksheet, definition: LayerDefinition) -> None:
    ends, places = _place_columns(definition)
    _title(sheet, definition, has_place=bool(ends or places))
    headers: list[tuple[str, bool, Field | None]] = [(name, True, None) for name in ends]
    headers += [(header_of(field), field.required, field) for field in definition.fields]
    headers += [(name, True, None) for name in places]
    for column, (name, required, field) in enumerate(headers, start=1):
        _header(sheet, column, name, required=required)
        example = _example(name) if field is None else _example_of(field)
        cell = sheet.cell(EXAMPLE_ROW, column, example)
        cell.font, cell.fill = Font(italic=True, color="777777"), _fill(_EXAMPLE)
        if field is not None:
            _explain(sheet, column, field, definition)
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 1)


def _place_columns(definition: LayerDefinition) -> tuple[list[str], list[str]]:
    """Columns that say where a row lies, before and behind the fields; none for areas."""
    if definition.name == "lines":
        return ["起点点号", "终点点号"], []
    if definition.geometry_types == ("Point",):
        return [], ["北坐标", "东坐标"]
    return [], []


def _title(sheet: Worksheet, definition: LayerDefinition, *, has_place: bool) -> None:
    words = _("图层 {} {}。深色表头为必填;上一行为示例,不会导入;从表头下一行填起。").format(
        definition.name, definition.zh
    )
    if definition.name == "lines":
        words += _("点的坐标填在 lines_points 表。")
    elif not has_place:
        words += _("图形须在 GIS 文件中绘制,本表列出该文件应有的列。")
    cell = sheet.cell(TITLE_ROW, 1, words)
    cell.font = Font(bold=True)


def _header(sheet: Worksheet, column: int, name: str, *, required: bool) -> None:
    cell = sheet.cell(HEADER_ROW, column, name)
    cell.font = Font(bold=True)
    cell.fill = _fill(_REQUIRED if required else _OPTIONAL)
    cell.alignment = Alignment(wrap_text=True, vertical="center")
    sheet.column_dimensions[get_column_letter(column)].width = max(12, 2 * len(name) + 2)


def _explain(sheet: Worksheet, column: int, field: Field, definition: LayerDefinition) -> None:
    lines = [
        f"{field.name}{'(必填)' if field.required else ''}",
        field.description,
        _("来源:{}").format(field.source),
    ]
    sheet.cell(HEADER_ROW, column).comment = Comment("\n".join(lines), definition.name)
    letter = get_column_letter(column)
    below = f"{letter}{HEADER_ROW + 1}:{letter}{_ROWS}"
    words = words_of(field)
    if words and len(",".join(words)) <= _LONGEST_LIST:
        rule = DataValidation(type="list", formula1=f'"{",".join(words)}"', allow_blank=True)
        rule.error = _("请从下拉列表中选择")
        rule.showErrorMessage = True
        rule.add(below)
        sheet.add_data_validation(rule)
    if field.type in ("text", "enum", "date"):
        sheet.column_dimensions[letter].number_format = "@"


def _fill_points(sheet: Worksheet) -> None:
    """The points that lines run between."""
    words = _("管线点:点号与 lines 表的起点、终点点号对应。上一行为示例,不会导入。")
    sheet.cell(TITLE_ROW, 1, words).font = Font(bold=True)
    for column, name in enumerate(("点号", "北坐标", "东坐标", "地面高程(m)"), start=1):
        _header(sheet, column, name, required=column < 4)
        cell = sheet.cell(EXAMPLE_ROW, column, _example(name))
        cell.font, cell.fill = Font(italic=True, color="777777"), _fill(_EXAMPLE)
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 1)


def _fill_notes(sheet: Worksheet, definitions: Sequence[LayerDefinition]) -> None:
    sheet.append(["图层名", "列", "字段", "填法", "要求", "取值范围", "含义", "出处"])
    for definition in definitions:
        for field in definition.fields:
            row = [definition.name, header_of(field), field.name, field.type]
            row += [
                "必填" if field.required else "可空",
                _("、").join(words_of(field) or field.allowed),
            ]
            sheet.append([*row, field.description, field.source])
    for row in sheet.iter_rows():
        for cell in row:
            cell.data_type = "s"  # a bound such as ">=0" is text; nothing here is a formula


def _example_of(field: Field) -> str:
    words = words_of(field)
    if field.required and field.type == "text":
        return "示例-001"
    return f"示例:{words[0] if words else _EXAMPLES.get(field.type, '文字')}"


def _example(name: str) -> str:
    return {"北坐标": "示例:3502270.62", "东坐标": "示例:583478.71"}.get(name, "示例-JS1")


def _fill(colour: str) -> PatternFill:
    return PatternFill("solid", start_color=colour)

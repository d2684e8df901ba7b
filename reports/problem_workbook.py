"""The problems of a survey as a workbook: a summary, and a sheet for each layer.

Every text is stored as text: a spreadsheet computes nothing of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from layers.fields import layer_definition
from layers.problems import Problem
from layers.repairs import REPAIRS
from reports.problem_words import SEVERITIES, rule_names

_LONGEST = 32_767  # characters that a cell can hold
_MOST_ROWS = 1_048_575  # of a sheet, below its heading
_SUMMARY = (("图层 Layer", 22), ("程度 Severity", 16), ("规则 Rule", 40), ("Rule", 60))
_SUMMARY += (("处数 Count", 12),)
_COLUMNS = (
    ("程度 Severity", 16), ("编号 Feature", 18), ("规则 Rule", 30), ("问题 Problem", 50),
    ("处理 Cure", 50), ("字段 Field", 18), ("值 Value", 18), ("x (m)", 14), ("y (m)", 14),
    ("行 Row", 10), ("修复 Repair", 24), ("问题编号 Problem id", 18), ("文件 File", 26),
    ("Rule", 50),
)  # fmt: skip


def write_workbook(problems: Sequence[Problem], file: Path, *, layers: Collection[str]) -> None:
    """Write the problems of the layers that were checked; layers without any have no sheet."""
    book = Workbook(write_only=True)
    _sheet(book, "汇总 Summary", _SUMMARY, _counts(problems, layers))
    for layer in layers:
        own = [_cells(one) for one in problems if one.layer == layer]
        for number, start in enumerate(range(0, len(own), _MOST_ROWS), start=1):
            title = f"{layer_definition(layer).zh} {layer}"[:28] + (
                "" if number == 1 else f" {number}"
            )
            _sheet(book, title, _COLUMNS, own[start : start + _MOST_ROWS])
    book.save(file)


def _counts(problems: Sequence[Problem], layers: Collection[str]) -> list[list[Any]]:
    counts: dict[tuple[str, str, str], int] = {}
    for one in problems:
        key = (one.layer, one.severity, one.rule_id or one.rule)
        counts[key] = counts.get(key, 0) + 1
    rows = [
        [_named(layer), _severity(severity), *rule_names(rule), count]
        for (layer, severity, rule), count in counts.items()
    ]
    found = {layer for layer, _severity, _rule in counts}
    rows += [
        [_named(layer), "", "没有问题", "no problem", 0] for layer in layers if layer not in found
    ]
    return rows


def _cells(one: Problem) -> list[Any]:
    zh, en = rule_names(one.rule_id or one.rule)
    repair = "" if one.repair is None else " ".join(REPAIRS[one.repair])
    return [
        _severity(one.severity), one.feature_id, zh, one.rule, one.cure, one.field, one.value,
        one.x, one.y, one.row, repair, one.problem_id, one.file, en,
    ]  # fmt: skip


def _severity(name: str) -> str:
    zh, en, *_meanings = SEVERITIES[name]
    return f"{zh} {en}"


def _named(layer: str) -> str:
    return f"{layer_definition(layer).zh} {layer}"


def _sheet(
    book: Workbook, title: str, columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[Any]]
) -> None:
    sheet = book.create_sheet(title)
    rows = list(rows)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(rows) + 1}"
    for number, (_name, width) in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.append([_heading(sheet, name) for name, _width in columns])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _heading(sheet: Any, name: str) -> Any:
    cell = _cell(sheet, name)
    cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E4EAF0")
    return cell


def _cell(sheet: Any, value: Any) -> Any:
    """A number as a number, anything else as text that nothing computes."""
    if value is None or isinstance(value, int | float):
        return WriteOnlyCell(sheet, value)
    text = ILLEGAL_CHARACTERS_RE.sub("", str(value))[:_LONGEST]
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    return cell

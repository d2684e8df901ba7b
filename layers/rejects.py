"""Rows that were not stored, kept beside the version with the reason of each."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from language import gettext as _
from layers.coercion import clean_text
from layers.conforming import Conformed
from layers.errors import LayerError
from layers.problems import Problem

# A spreadsheet would run a cell that begins so as a formula.
_FORMULA_STARTS = tuple("=+-@＝＋－＠")
# Problems named in a message; the others are counted.
_SHOWN_PROBLEMS = 20


def write_rejects(path: Path, rejected: pd.DataFrame, problems: Sequence[Problem]) -> None:
    """Write rejected rows, as they stand in the file, with their reasons as UTF-8 CSV."""
    reasons: dict[tuple[str, int], list[str]] = {}
    for problem in problems:
        if problem.row is not None and problem.severity == "error":
            reasons.setdefault((problem.file, problem.row), []).append(problem.message)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_("行"), _("原因"), *(_cell(name) for name in rejected.columns)])
        for at, cells in zip(rejected.index, rejected.itertuples(index=False), strict=True):
            told = "\n".join(reasons[at])  # the sheet too, where the file has several
            writer.writerow([at[1], told, *(_cell(cell) for cell in cells)])


def _cell(value: object) -> object:
    """Return text that a spreadsheet shows and does not compute; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = clean_text(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def refuse_rejected(conformed: Conformed, file: str, *, accept_valid: bool) -> None:
    """Raise ``LayerError`` with the rows in error, unless the others alone are wanted."""
    errors = [problem for problem in conformed.problems if problem.severity == "error"]
    if not errors or (accept_valid and len(conformed.table)):
        return
    lines = [problem.message for problem in errors[:_SHOWN_PROBLEMS]]
    if len(errors) > _SHOWN_PROBLEMS:
        lines.append(_("……另有 {} 处").format(len(errors) - _SHOWN_PROBLEMS))
    cure = (
        _("没有一行可以导入。请改正后重新导入。")
        if accept_valid
        else _("请改正后重新导入,或加 --accept-valid 只导入其余行。")
    )
    summary = _("文件 {}:{} 行有 {} 处错误,未导入任何内容。{}").format(
        file, len(conformed.rejected), len(errors), cure
    )
    raise LayerError("\n".join([summary, *lines]), conformed.problems)

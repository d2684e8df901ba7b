"""Sizes of pipes in one column, each to the field that it is; numbers that look out of place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from language import gettext as _
from language import said
from layers.fields import LayerDefinition
from layers.problems import Problem
from layers.quantities import Size, size_of

_PARTS = {"nominal_mm": "diameter_mm", "outer_mm": "outer_diameter_mm",
          "width_mm": "section_width_mm", "height_mm": "section_height_mm"}  # fmt: skip
_NAMES = said({"outer_mm": "外径(De)", "width_mm": "断面宽×高", "nominal_mm": "公称直径(DN)"})


def sizes_apart(
    cells: Mapping[str, pd.Series], definition: LayerDefinition, filled: set[str]
) -> tuple[dict[str, pd.Series], tuple[str, ...]]:
    """Return the cells of each field with sizes of another kind moved to the field they are.

    A cell such as ``De110`` under the nominal diameter leaves it unknown and becomes the outer
    diameter; ``1000x600`` becomes width and height. A field that has a column of its own (one of
    ``filled``) is never overwritten: there such a cell stays and is reported. Notes say how many.

    Parameters
    ----------
    cells
        The file's cells by field.
    filled
        Fields with a column or a value for all rows.
    """
    done = dict(cells)
    notes = []
    for field in definition.fields:
        if field.name not in cells or field.name not in ("diameter_mm", "outer_diameter_mm"):
            continue
        own = next(part for part, name in _PARTS.items() if name == field.name)
        sizes = [size_of(cell) for cell in cells[field.name].tolist()]
        for part, name in _PARTS.items():
            rows = [row for row, size in enumerate(sizes) if _has(size, part)]
            if part == own or not rows or name in filled or name not in definition.names:
                continue
            moved = pd.Series([None] * len(sizes), dtype=object, index=cells[field.name].index)
            moved.iloc[rows] = [getattr(sizes[row], part) for row in rows]
            done[name] = moved
            emptied = done[field.name].astype(object).copy()
            emptied.iloc[rows] = None
            done[field.name] = emptied
            if part in _NAMES:
                notes.append(
                    _("{} 行的{}写作{},已存入 {},{} 留空").format(
                        len(rows), field.label, _NAMES[part], _target(part), field.name
                    )
                )
    return done, tuple(notes)


def implausible(
    values: pd.DataFrame, definition: LayerDefinition, file: str, columns: Mapping[str, str]
) -> list[Problem]:
    """Return a warning for each field with numbers beyond what it plausibly holds."""
    problems = []
    for field in definition.fields:
        if field.plausible is None or field.name not in columns:
            continue
        least, most = field.plausible
        numbers = values[field.name].to_numpy(dtype=float)
        strange = np.isfinite(numbers) & (numbers > 0) & ((numbers < least) | (numbers > most))
        if strange.any():
            low, high = numbers[strange].min(), numbers[strange].max()
            problems.append(
                Problem(
                    layer=definition.name,
                    file=file,
                    row=None,
                    feature_id=None,
                    field=field.name,
                    value=f"{low:g}" if low == high else f"{low:g}–{high:g}",
                    rule=_("{} 行不在常见范围 {:g} 至 {:g} {} 内,单位可能不对").format(
                        int(strange.sum()), least, most, field.unit
                    ),
                    cure=_("请核对列“{}”的单位,如有误用 --unit {}=单位 指明(如 in、m)").format(
                        columns[field.name], field.name
                    ),
                    severity="warning",
                )
            )
    return problems


def _has(size: Size | None, part: str) -> bool:
    return size is not None and getattr(size, part) is not None


def _target(part: str) -> str:
    return "section_width_mm、section_height_mm" if part == "width_mm" else _PARTS[part]

"""Depths that do not say what they go down to: of drains they are no cover."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from language import gettext as _
from layers.survey_columns import role_of
from layers.survey_values import depth_reference


def without_bare_depths(
    values: pd.DataFrame,
    cells: Mapping[str, pd.Series],
    columns: Mapping[str, str],
    stated: Mapping[str, str],
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows of ``lines`` without the covers that are depths to the inner bottom.

    A column that is only called 埋深 goes down to where CJJ 61 measures each line
    (``depth_references.csv``): of drains, and in trenches, that is not the cover on the pipe, and
    what lies between is not told. A note says how many there are; a column that the user
    ``stated`` to be the cover is taken as it is.

    Parameters
    ----------
    values, cells
        The rows as typed columns, and the file's cells, both by field.
    columns
        Field to column of the file.
    """
    column = columns.get("depth_m")
    if column is None or role_of(column) != "depth" or column in (stated.get("depth_m"), "depth_m"):
        return values, ()
    layings = cells["laying"].tolist() if "laying" in cells else [None] * len(values)
    bottom = [
        depth_reference(None if pd.isna(utility) else str(utility), laying) == "inner_bottom"
        for utility, laying in zip(values["utility"], layings, strict=True)
    ]
    lost = np.array(bottom, bool) & values["depth_m"].notna().to_numpy()
    if not lost.any():
        return values, ()
    note = _(
        "列“{}”有 {} 行按 CJJ 61 量至管内底,不是管顶覆土,depth_m 留空;"
        "确为管顶覆土的请用 --map depth_m={} 写明,或减去管径和壁厚后改列名为 管顶覆土"
    )
    kept = values.assign(depth_m=values["depth_m"].mask(lost))
    return kept, (note.format(column, int(lost.sum()), column),)

"""Points of a CJJ 61 survey as rows of the layer ``nodes``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from layers.axes import numbers
from layers.raw import Wanted
from layers.survey_points import Placed, texts
from layers.survey_values import translated, utilities_of

_USED_ROLES = {
    "point_no", "utility", "appurtenance", "ground_level", "well_depth", "status", "owner",
    "voltage",
}  # fmt: skip


def node_cells(
    points: Placed, wanted: Wanted
) -> tuple[pd.DataFrame, tuple[str, ...], tuple[str, ...]]:
    """Return the table's own columns with those of ``nodes`` that follow from them, and notes.

    The third part are the columns that these were made from.

    ``invert_level_m`` is the ground level less the depth of the well, in metres.
    """
    cells, roles = points.table.cells, points.roles
    fields = translated(cells, roles, "nodes")
    names = texts(cells[roles["point_no"]])
    utilities, notes = utilities_of(cells, roles, names, wanted.constants.get("utility"))
    columns = {**fields.columns, "node_id": names}
    if any(word is not None for word in utilities):
        columns["utility"] = utilities
    if {"ground_level", "well_depth"} <= roles.keys():
        bottom = numbers(cells[roles["ground_level"]]) - numbers(cells[roles["well_depth"]])
        columns["invert_level_m"] = [None if np.isnan(b) else round(float(b), 3) for b in bottom]
    made = cells.assign(**{name: pd.Series(list(c), dtype=object) for name, c in columns.items()})
    used = tuple(column for role, column in roles.items() if role in _USED_ROLES)
    return made, (*notes, *fields.notes), used

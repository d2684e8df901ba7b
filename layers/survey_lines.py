"""Lines of a CJJ 61 survey: the line table joined with its points, depths turned into levels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from shapely.geometry import LineString

from language import gettext as _
from layers.axes import numbers
from layers.fields import fold
from layers.headers import Table
from layers.quantities import number_in
from layers.raw import Skipped, Wanted
from layers.survey_columns import roles_in
from layers.survey_ends import Drawn, end_columns
from layers.survey_points import Points, texts
from layers.survey_values import (
    depth_reference,
    subtypes_of,
    translated,
    utilities_of,
    utility_key,
)

_VERTICAL_ROLES = {"depth", "start_depth", "end_depth", "start_level", "end_level"}
# Told of a line, but of no field of ours.
_UNUSED_ROLES = {"feature", "appurtenance", "code", "flow", "cables", "ground_level", "well_depth"}
_SAID = ("utility", "laying")  # what depths depend on: a column named by the user comes first
# Nobody buries a county's pipes deeper, in metres: a larger number is in another unit.
_DEEPEST_M = 30.0
# A unit anywhere in a column's name: one in a merged header stands before the end's name.
_UNITS = tuple(
    (re.compile(rf"[(（\[]\s*(?:{names})\s*[)）\]]"), unit)
    for names, unit in (("mm|毫米", "mm"), ("cm|厘米", "cm"), ("m|米", "m"))
)


@dataclass(frozen=True)
class Lines:
    """Rows with their shapes (None and a reason where a point is missing), and notes."""

    cells: pd.DataFrame
    shapes: np.ndarray
    unreadable: dict[int, str]
    notes: tuple[str, ...]
    used: tuple[str, ...]


def join_lines(cells: pd.DataFrame, points: Points, wanted: Wanted, drawn: Drawn | None) -> Lines:
    """Draw each row of a line table from its start point to its end point.

    ``drawn`` are its lines where it has coordinates of its own; no point is looked up then.

    The result has the table's own columns and those of the layer ``lines`` that follow from them:
    ``start_depth_m`` and ``end_depth_m`` are covers where depths go to the outer top, ``depth_m``
    their mean; ``start_invert_m`` and ``end_invert_m`` are levels where they go to the inner
    bottom.
    """
    roles = roles_in(cells.columns)
    said = {field: column for field, column in wanted.mapping.items() if field in _SAID}
    roles |= {field: column for field, column in said.items() if column in cells.columns}
    starts, ends = _end_numbers(cells, roles)
    shapes, unreadable = (
        _shapes(starts, ends, points) if drawn is None else (drawn.shapes, drawn.unreadable)
    )
    fields = translated(cells, roles, "lines")
    utilities, notes = utilities_of(cells, roles, starts, wanted.constants.get("utility"))
    vertical, depth_notes = _vertical(cells, roles, points, (starts, ends), utilities)
    columns = {**fields.columns, **vertical, **_holes(cells, roles)}
    if "line_id" not in columns and {"start_point", "end_point"} <= roles.keys():
        columns["line_id"] = [
            None if a is None or b is None else f"{a}-{b}"
            for a, b in zip(starts, ends, strict=True)
        ]
        notes += (_("没有管线编号列,编号取“起点点号-终点点号”"),)
    if any(word is not None for word in utilities):
        columns |= {"utility": utilities, "subtype": subtypes_of(utilities)}
    made = cells.assign(**{name: pd.Series(list(c), dtype=object) for name, c in columns.items()})
    used = [column for role, column in roles.items() if role not in _UNUSED_ROLES]
    said_notes = (*notes, *fields.notes, *depth_notes)
    return Lines(made, shapes, unreadable, said_notes, (*used, *end_columns(cells)))


def _end_numbers(
    cells: pd.DataFrame, roles: Mapping[str, str]
) -> tuple[list[str | None], list[str | None]]:
    """Return the numbers of both ends; None where the table has no such column."""
    nothing: list[str | None] = [None] * len(cells)
    start, end = (
        texts(cells[roles[role]]) if role in roles else nothing
        for role in ("start_point", "end_point")
    )
    return start, end


def split_results(table: Table) -> tuple[Table, pd.DataFrame]:
    """Split a table of points with their connected points into points and lines.

    Each row tells of a point (blank: the one above), one point that it is connected to, and the
    depth at this end. A pair that is told from both ends is one line.
    """
    roles = roles_in(table.cells.columns)
    number = roles["point_no"]
    cells = table.cells.assign(**{number: table.cells[number].ffill()})
    own = [column for role, column in roles.items() if role in ("depth", "level")]
    rows: dict[frozenset[str | None], dict[str, object]] = {}
    skipped = list(table.skipped)
    connected = texts(cells[roles["connected"]])
    for here, there, row in zip(
        texts(cells[number]), connected, cells.to_dict("records"), strict=True
    ):
        if there is None:
            continue
        ends = {f"{{}}{column}": row[column] for column in own}
        pair = frozenset((here, there))
        first = rows.get(pair)
        if first is None:
            rows[pair] = {
                "起点点号": here,
                "终点点号": there,
                **{key.format("起点"): value for key, value in ends.items()},
                **{key.format("终点"): None for key in ends},
                **{
                    str(c): v for c, v in row.items() if c not in (number, roles["connected"], *own)
                },
            }
        elif first["起点点号"] == there and not first.get("told"):
            first |= {key.format("终点"): value for key, value in ends.items()} | {"told": True}
        else:
            skipped.append(Skipped(f"{here}-{there}", _("同一连接重复出现")))
    points = Table(table.name, _own_rows(cells, roles), tuple(skipped), table.above)
    return points, pd.DataFrame(list(rows.values()), dtype=object).drop(
        columns="told", errors="ignore"
    )


def _own_rows(cells: pd.DataFrame, roles: Mapping[str, str]) -> pd.DataFrame:
    """Return one row for each point, and each place, of a table that repeats them."""
    axes = [roles[role] for role in ("x", "y", "north", "east") if role in roles]
    known = cells[cells[axes].notna().any(axis=1) | ~cells[roles["point_no"]].duplicated()]
    return known.drop_duplicates([roles["point_no"], *axes]).reset_index(drop=True)


def _shapes(
    starts: Sequence[str | None], ends: Sequence[str | None], points: Points
) -> tuple[np.ndarray, dict[int, str]]:
    shapes = np.full(len(starts), None, dtype=object)
    unreadable: dict[int, str] = {}
    for row, pair in enumerate(zip(starts, ends, strict=True)):
        reasons = [reason for number in pair if (reason := _unusable(number, points))]
        if reasons:
            unreadable[row] = ";".join(reasons)
        else:
            shapes[row] = LineString([points.places[str(number)] for number in pair])
    return shapes, unreadable


def _unusable(number: str | None, points: Points) -> str | None:
    if number is None:
        return _("起点或终点点号为空")
    if number in points.conflicting:
        return _("点号 {} 在点表中有两个位置").format(number)
    return None if number in points.places else _("点号 {} 不在点表中").format(number)


def _vertical(
    cells: pd.DataFrame,
    roles: Mapping[str, str],
    points: Points,
    ends: tuple[Sequence[str | None], Sequence[str | None]],
    utilities: Sequence[object],
) -> tuple[dict[str, Sequence[object]], tuple[str, ...]]:
    """Return covers and inverts, by what the depths and levels of each line refer to."""
    depths, unit_notes = _depths(cells, roles)
    levels = [_column(cells, roles, role) for role in ("start_level", "end_level")]
    if not _VERTICAL_ROLES & roles.keys():
        return {}, ()
    ground = [np.array([points.ground.get(n or "", np.nan) for n in some]) for some in ends]
    covers = [
        np.where(np.isfinite(d), d, g - h) for d, g, h in zip(depths, ground, levels, strict=True)
    ]
    bottoms = [
        np.where(np.isfinite(h), h, g - d) for d, g, h in zip(depths, ground, levels, strict=True)
    ]
    layings = list(cells[roles["laying"]]) if "laying" in roles else [None] * len(cells)
    references = np.array(
        [
            depth_reference(utility_key(word), laying) or ""
            for word, laying in zip(utilities, layings, strict=True)
        ]
    )
    top, bottom = references == "outer_top", references == "inner_bottom"
    below_ground = np.minimum(*covers) >= 0  # a riser's upper end has a negative depth
    at_ends = "depth" not in roles or "start_depth" in roles  # else one depth for the whole line
    columns = {
        "start_depth_m": np.where(top & at_ends & (covers[0] >= 0), covers[0], np.nan),
        "end_depth_m": np.where(top & at_ends & (covers[1] >= 0), covers[1], np.nan),
        "depth_m": np.where(top & below_ground, (covers[0] + covers[1]) / 2, np.nan),
        "start_invert_m": np.where(bottom, bottoms[0], np.nan),
        "end_invert_m": np.where(bottom, bottoms[1], np.nan),
    }
    told: dict[str, Sequence[object]] = {
        name: [None if np.isnan(v) else round(float(v), 3) for v in values]
        for name, values in columns.items()
    }
    return told, (*unit_notes, *_vertical_notes(references))


def _depths(
    cells: pd.DataFrame, roles: Mapping[str, str]
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Return the depths of both ends in metres, unknown where their unit cannot be told."""
    depths, notes = [], []
    for end in ("start_depth", "end_depth"):
        role = end if end in roles else "depth"  # one depth for the whole line
        unit = next((u for sign, u in _UNITS if sign.search(fold(roles.get(role, "")))), None)
        values, lost = _metres(cells, roles, role, unit or "m")
        if lost:
            notes.append(_("列“{}”有 {} 个值不是长度,未换算").format(roles[role], lost))
        if unit is None and np.nanmax(values, initial=0.0) > _DEEPEST_M:
            notes.append(
                _("列“{}”最大为 {:g},不像以米为单位,未换算。请在列名中写明单位,如 {}(cm)").format(
                    roles[role], np.nanmax(values), roles[role]
                )
            )
            values = np.full(len(cells), np.nan)
        depths.append(values)
    return depths, tuple(dict.fromkeys(notes))


def _metres(
    cells: pd.DataFrame, roles: Mapping[str, str], role: str, unit: str
) -> tuple[np.ndarray, int]:
    """Return a column's lengths in metres, and how many cells hold something else."""
    lengths, lost = np.full(len(cells), np.nan), 0
    if role in roles:
        for row, text in enumerate(texts(cells[roles[role]])):
            try:
                lengths[row] = np.nan if text is None else number_in(text, unit="m", given=unit)
            except ValueError:
                lost += 1
    return lengths, lost


def _column(cells: pd.DataFrame, roles: Mapping[str, str], role: str) -> np.ndarray:
    return numbers(cells[roles[role]]) if role in roles else np.full(len(cells), np.nan)


def _vertical_notes(references: np.ndarray) -> list[str]:
    counts = Counter(references.tolist())
    notes = []
    if counts["outer_top"]:
        notes.append(
            _("{} 条管线的埋深按 CJJ 61 为至管外顶,depth_m 取两端平均,一端未知则留空").format(
                counts["outer_top"]
            )
        )
    if counts["inner_bottom"]:
        notes.append(
            _(
                "{} 条管线的埋深按 CJJ 61 为至管内底,管底高程取表中高程,没有则取地面高程减埋深"
            ).format(counts["inner_bottom"])
        )
    if counts[""]:
        notes.append(_("{} 条管线的专业或敷设方式未知,不知埋深量至何处,未换算").format(counts[""]))
    return notes


def _holes(cells: pd.DataFrame, roles: Mapping[str, str]) -> dict[str, Sequence[object]]:
    """Free holes are all holes but the used ones, where both are known."""
    if "holes" not in roles or "used_holes" not in roles:
        return {}
    free = _column(cells, roles, "holes") - _column(cells, roles, "used_holes")
    return {"free_holes": [None if np.isnan(one) else float(one) for one in free]}

"""Tables with coordinates: plain ones, and the point and line tables of CJJ 61 surveys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from language import gettext as _
from layers.axes import find_axes, places
from layers.errors import ReadError
from layers.fields import LAYERS
from layers.grids import Grid, Grids, read_grids
from layers.headers import Table, find_table
from layers.point_texts import point_text
from layers.raw import COORDINATES, RawLayer, Wanted, sheet_of
from layers.survey_columns import role_of, roles_in
from layers.survey_ends import drawn_ends, has_ends, is_end_column
from layers.survey_lines import join_lines, split_results
from layers.survey_nodes import node_cells
from layers.survey_points import Placed, by_number, placed

POINTS_SHEET, NOTES_SHEET = "lines_points", "填写说明"
"""Worksheets of a template beside those of the layers: the points of lines, and explanations."""

# Worksheets that hold no rows of a layer that is called otherwise.
_BY_LAYER = {*LAYERS, POINTS_SHEET, NOTES_SHEET}

# What makes a table of points one of CJJ 61, whose X is north.
_Kind = TypeVar("_Kind", Table, Placed)
_SURVEY_ROLES = {"feature", "appurtenance", "connected"}


@dataclass
class _Tables:
    """The tables of a file by kind; ``unread`` are worksheets without known columns."""

    lines: list[Table] = field(default_factory=list)
    points: list[Placed] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read_table(path: Path, wanted: Wanted) -> RawLayer:
    """Read a workbook or a delimited text as a layer.

    For ``lines`` the line tables are joined with the point tables of the same file or of
    ``wanted.beside``; for any other layer rows with coordinates become points. Of a workbook whose
    tables are each called like a layer, as in a template, the one of its name is the layer; of any
    other workbook all tables are read together. The CRS is None: tables do not declare one.

    Raises
    ------
    ReadError
        If there are no coordinates, what cannot be told has to be asked, or no row was read while
        worksheets that nobody asked for have some.
    """
    grids = read_grids(path)
    is_stated = wanted.source_layer is not None
    is_by_layer = not is_stated and _is_by_layer(grids, wanted)
    if is_by_layer:
        note = _("图层取自同名的工作表 {}").format(wanted.layer)
        grids = replace(grids, notes=(*grids.notes, note))
        wanted = replace(wanted, source_layer=wanted.layer)
    tables = _tables(grids, wanted, of_survey=wanted.layer == "lines")
    if is_by_layer:  # sheets of other layers have their turn
        tables.unread = [str(one.name) for one in grids.grids if _is_strange(one) and one.rows]
    raw = (_lines if wanted.layer == "lines" else _points)(grids, tables, wanted)
    if not is_stated and not len(raw.cells):
        _refuse_other_rows(grids, wanted)
    return raw


def _is_by_layer(grids: Grids, wanted: Wanted) -> bool:
    """Tell whether a sheet is called like the layer and each other table like another layer."""
    return (
        len(grids.grids) > 1
        and _has(grids, wanted.layer)
        and not any(_is_strange(one) and _table(one, wanted) is not None for one in grids.grids)
    )


def _is_strange(grid: Grid) -> bool:
    return grid.name not in _BY_LAYER


def _refuse_other_rows(grids: Grids, wanted: Wanted) -> None:
    """No row would say that the county has no such features, whatever the other sheets hold."""
    tables = [_table(one, wanted) for one in grids.grids if one.name != NOTES_SHEET]
    filled = [str(one.name) for one in tables if one is not None and len(one.cells)]
    if filled:
        raise ReadError(
            _(
                "文件 {}:图层 {} 的工作表没有一行数据,而工作表 {} 有。"
                "请用 --source-layer 指明工作表;本县确无此类对象时指明空表。"
            ).format(grids.file, wanted.layer, _("、").join(filled))
        )


def _table(grid: Grid, wanted: Wanted) -> Table | None:
    """The grid as a table, by columns whose names are known or stated by the user."""
    stated = _stated_axes(wanted)
    return find_table(
        grid, lambda name: role_of(name) is not None or is_end_column(name) or name in stated
    )


def _stated_axes(wanted: Wanted) -> set[str]:
    return {wanted.mapping[axis] for axis in COORDINATES if axis in wanted.mapping}


def _tables(grids: Grids, wanted: Wanted, *, of_survey: bool) -> _Tables:
    """Tell the tables by their columns. A text without header is a table of points."""
    stated = _stated_axes(wanted)
    found = _Tables()
    for grid in grids.grids:
        if not of_survey and wanted.source_layer not in (None, grid.name):
            continue
        table = _table(grid, wanted)
        if table is None:
            _take_bare(found, grid, grids.file, wanted)
            continue
        roles = roles_in(table.cells.columns)
        if {"start_point", "end_point"} <= roles.keys() or has_ends(table.cells):
            found.lines.append(table)
            continue
        if {"point_no", "connected"} <= roles.keys():
            table, lines = split_results(table)
            found.lines.append(Table(table.name, lines))
        here = wanted.mapping if stated & set(table.cells.columns) else {}
        is_survey = of_survey or bool(_SURVEY_ROLES & roles.keys())
        axes = find_axes(table.cells, here, file=grids.file, x_is_north=is_survey)
        if axes is None:
            found.unread.append(str(grid.name or grids.file))
        else:
            found.points.append(placed(table, axes))
    return found


def _take_bare(found: _Tables, grid: Grid, file: str, wanted: Wanted) -> None:
    if grid.name is not None or not grid.rows:
        found.unread.append(str(grid.name or file))
        return
    is_cass = file.lower().endswith(".dat")
    bare = point_text(grid, wanted.mapping, file=file, is_cass=is_cass)
    found.points.append(
        Placed(Table(None, bare.cells, bare.skipped), bare.axes, places(bare.cells, bare.axes))
    )


def _lines(grids: Grids, tables: _Tables, wanted: Wanted) -> RawLayer:
    lines = _chosen([one.name for one in tables.lines], tables.lines, grids, wanted)
    if not lines:
        raise ReadError(
            _(
                "文件 {}:没有管线表(须有 起点点号、终点点号 两列)。只有点的文件请导入为 nodes 等"
                "点图层,或改用带管线表的文件。"
            ).format(_asked(grids, wanted))
        )
    points, notes = list(tables.points), list(grids.notes)
    if wanted.beside is not None:
        beside = read_grids(wanted.beside)
        points += _tables(beside, wanted, of_survey=True).points
        notes += beside.notes
    drawn = [drawn_ends(one.cells, file=grids.file) for one in lines]
    if None in drawn and not any("point_no" in one.roles for one in points):
        raise ReadError(
            _("文件 {}:管线表没有坐标,需要管线点表(点号和坐标)。请用 --points 文件 指明。").format(
                grids.file
            )
        )
    found = by_number(points)
    joined = [
        join_lines(one.cells, found, wanted, own) for one, own in zip(lines, drawn, strict=True)
    ]
    notes += [note for one in joined for note in one.notes]
    notes += [one.axes.note for one in (*points, *drawn) if one is not None]
    starts = np.cumsum([0, *(len(one.cells) for one in joined)])
    return RawLayer(
        grids.file,
        lines[0].name if len(lines) == 1 else None,
        _together([one.cells for one in joined]),
        np.concatenate([one.shapes for one in joined]),
        {
            int(start) + row: reason
            for start, one in zip(starts, joined, strict=False)
            for row, reason in one.unreadable.items()
        },
        None,
        notes=_said(notes, lines, tables),
        sheets=_sheets(grids, lines),
        sheet_rows=tuple(len(one.cells) for one in joined),
        used=tuple(dict.fromkeys(column for one in joined for column in one.used)),
        skipped=tuple(s for one in (*lines, *(p.table for p in points)) for s in one.skipped),
    )


def _points(grids: Grids, tables: _Tables, wanted: Wanted) -> RawLayer:
    points = _chosen([one.table.name for one in tables.points], tables.points, grids, wanted)
    if not points:
        raise ReadError(
            _(
                "文件 {}:找不到坐标列。表头须有 北坐标、东坐标(或 X、Y,经度、纬度),"
                "或用 --map north=列名、--map east=列名 指明。"
            ).format(_asked(grids, wanted))
        )
    if wanted.layer != "nodes" and len(points) > 1:
        raise ReadError(
            _("文件 {}:有多个带坐标的工作表:{}。请用 --source-layer 指定一个。").format(
                grids.file, _("、").join(str(one.table.name) for one in points)
            )
        )
    notes, cells = [*grids.notes, *(one.axes.note for one in points)], []
    used = [column for one in points for column in one.axis_columns]
    for one in points:
        if wanted.layer == "nodes" and "point_no" in one.roles:
            made, said, columns = node_cells(one, wanted)
            used += columns
            notes += said
            cells.append(made)
        else:
            cells.append(one.table.cells)
    starts = np.cumsum([0, *(len(one) for one in cells)])
    read = [one.table for one in points]
    return RawLayer(
        grids.file,
        read[0].name if len(read) == 1 else None,
        _together(cells),
        np.concatenate([one.places.shapes for one in points]),
        {
            int(start) + row: reason
            for start, one in zip(starts, points, strict=False)
            for row, reason in one.places.unreadable.items()
        },
        None,
        notes=_said(notes, read, tables),
        sheets=_sheets(grids, read),
        sheet_rows=tuple(map(len, cells)),
        used=tuple(dict.fromkeys(used)),
        skipped=tuple(s for one in read for s in one.skipped),
    )


def _chosen(
    names: Sequence[str | None], tables: list[_Kind], grids: Grids, wanted: Wanted
) -> list[_Kind]:
    if wanted.source_layer is None:
        return tables
    if not _has(grids, wanted.source_layer):
        raise ReadError(
            _("文件 {}:没有工作表“{}”。工作表:{}。请改正 --source-layer。").format(
                grids.file,
                wanted.source_layer,
                _("、").join(str(grid.name) for grid in grids.grids) or _("无"),
            )
        )
    return [one for name, one in zip(names, tables, strict=True) if name == wanted.source_layer]


def _has(grids: Grids, sheet: str) -> bool:
    return any(grid.name == sheet for grid in grids.grids)


def _asked(grids: Grids, wanted: Wanted) -> str:
    """The file for messages, with the worksheet that is asked for."""
    return sheet_of(grids.file, [wanted.source_layer] if wanted.source_layer else [])


def _sheets(grids: Grids, read: Sequence[Table]) -> tuple[str, ...]:
    return tuple(str(one.name) for one in read) if len(grids.grids) > 1 else ()


def _together(cells: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables one below the other; a column that one lacks is blank there."""
    names = list(dict.fromkeys(name for one in cells for name in one.columns))
    rows = [row for one in cells for row in one.to_dict("records")]
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names},
        index=pd.RangeIndex(len(rows)),
    )


def _said(notes: Iterable[str], read: Sequence[Table], tables: _Tables) -> tuple[str, ...]:
    said = list(notes)
    said += [_("表头以上的文字:{}").format(one.above[:200]) for one in read if one.above]
    if tables.unread:
        said.append(_("未读取的工作表:{}").format(_("、").join(tables.unread)))
    return tuple(dict.fromkeys(said))

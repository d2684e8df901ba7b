"""Bring a file's own columns, words, units and coordinates into the form of a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from gettext import gettext as _

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.crs import require_projected
from layers.checks import Rows, row_problems
from layers.coercion import clean_text, coerce, has_control_characters
from layers.errors import LayerError
from layers.fields import Field, LayerDefinition, fold, layer_definition
from layers.placing import crs_name, declared_crs, refuse_misplaced, reproject
from layers.problems import Problem
from layers.raw import RawLayer
from layers.shapes import explode_lines, flatten


@dataclass(frozen=True)
class Conformed:
    """A file as a layer: ``table`` holds the rows without errors, indexed by id.

    ``rejected`` holds the file's own cells and shapes (as WKT) of the rows with errors, by row;
    ``notes`` say in words what was done that the user did not ask for.
    """

    table: gpd.GeoDataFrame
    rejected: pd.DataFrame
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def conform(
    raw: RawLayer,
    layer: str,
    *,
    target: CRS,
    crs: CRS | None = None,
    mapping: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
    id_prefix: str = "",
    stored: pd.Index | None = None,
) -> Conformed:
    """Return the rows of ``raw`` as rows of ``layer`` in the CRS ``target``.

    Parameters
    ----------
    target
        Projected CRS in metres of the result.
    crs
        CRS stated by the user; it overrides what the file declares.
    mapping
        Field to column of the file. Fields not named take the column with their name or alias.
    constants
        Field to one value for all rows.
    id_prefix
        Text put before each id of the file, where two files number their rows alike.
    stored
        Ids that the layer already holds; they may not come again.

    Raises
    ------
    LayerError
        If the file as a whole cannot be the layer: no CRS, coordinates that do not fit it,
        unknown or ambiguous columns, a required field without a column.
    """
    definition = layer_definition(layer)
    columns = match_columns(raw, definition, mapping or {}, constants or {})
    source = declared_crs(raw.crs, crs, file=raw.file)
    astray = refuse_misplaced(raw.shapes, source, file=raw.file)
    shapes = reproject(flatten(raw.shapes), source, require_projected(target))
    refuse_misplaced(shapes, target, file=raw.file)
    values, broken = _values(raw, definition, columns, constants or {})
    if id_prefix:
        values[definition.id_field] = [
            None if name is None else clean_text(id_prefix) + name
            for name in values[definition.id_field]
        ]
    whole = gpd.GeoDataFrame(values, geometry=shapes, crs=target)
    exploded = explode_lines(whole, definition.id_field)
    problems = [
        *_cell_problems(raw, whole, definition, columns, broken),
        *_shape_problems(raw, whole, definition, astray, source),
        *_split_problems(raw, whole, definition, exploded.split),
        *_skipped_problems(raw, definition),
    ]
    named = {(problem.row, problem.field) for problem in problems if problem.severity == "error"}
    rows = Rows(definition, exploded.table, raw.file, exploded.positions + 1)
    # A cell or shape that could not be understood is unknown now; saying so twice helps nobody.
    problems += [p for p in row_problems(rows) if (p.row, p.field) not in named]
    problems += _stored_problems(rows, stored)
    bad = {p.row for p in problems if p.severity == "error" and p.row is not None}
    good = ~np.isin(rows.numbers, list(bad))
    return Conformed(
        table=exploded.table[good].set_index(definition.id_field),
        rejected=_rejected(raw, bad),
        problems=tuple(sorted(problems, key=lambda problem: problem.row or 0)),
        notes=(*raw.notes, *_notes(raw, definition, columns, source, target, crs)),
    )


def match_columns(
    raw: RawLayer,
    definition: LayerDefinition,
    mapping: Mapping[str, str],
    constants: Mapping[str, str],
) -> dict[str, str]:
    """Return field to column: as the user maps, else the column with its name or alias."""
    _refuse_unknown(definition, [*mapping, *constants])
    both = sorted(set(mapping) & set(constants))
    if both:
        raise LayerError(
            _("字段 {} 同时用了 --map 和 --set。请只保留一个。").format("、".join(both))
        )
    names = [str(name) for name in raw.cells.columns]
    absent = [column for column in mapping.values() if column not in names]
    if absent:
        raise LayerError(
            _("文件 {}:没有列“{}”。文件中的列:{}。请改正 --map。").format(
                raw.file, "、".join(absent), "、".join(names)
            )
        )
    taken = set(mapping.values())
    free = [name for name in names if name not in taken]
    found = dict(mapping)
    for field in definition.fields:
        if field.name not in mapping and field.name not in constants:
            column = _column_of(field, free, raw.file)
            if column is not None:
                found[field.name] = column
    _refuse_unmatched(raw, definition, {*found, *constants})
    return found


def _refuse_unknown(definition: LayerDefinition, names: Sequence[str]) -> None:
    unknown = sorted(set(names) - set(definition.names))
    if unknown:
        raise LayerError(
            _("图层 {} 没有字段“{}”。可用的字段:{}。请改正 --map 或 --set。").format(
                definition.name, "、".join(unknown), "、".join(definition.names)
            )
        )


def _column_of(field: Field, columns: Sequence[str], file: str) -> str | None:
    if field.name in columns:
        return field.name
    found = [column for column in columns if fold(column) in field.spellings]
    if len(found) > 1:
        raise LayerError(
            _("文件 {}:列 {} 都可能是字段 {}({})。请用 --map {}=列名 指明。").format(
                file, "、".join(found), field.name, field.zh, field.name
            )
        )
    return found[0] if found else None


def _refuse_unmatched(raw: RawLayer, definition: LayerDefinition, matched: set[str]) -> None:
    for field in definition.fields:
        if field.required and field.name not in matched and len(raw.cells):
            raise LayerError(
                _("文件 {}:找不到必填字段 {}({})。文件中的列:{}。请用 --map {}=列名 指明。").format(
                    raw.file,
                    field.name,
                    field.zh,
                    "、".join(str(name) for name in raw.cells.columns) or _("无"),
                    field.name,
                )
            )


def _values(
    raw: RawLayer,
    definition: LayerDefinition,
    columns: Mapping[str, str],
    constants: Mapping[str, str],
) -> tuple[pd.DataFrame, dict[str, dict[int, str]]]:
    """Return all fields of the layer as typed columns, and the broken rules by field and row."""
    count = len(raw.cells)
    values: dict[str, pd.Series] = {}
    broken: dict[str, dict[int, str]] = {}
    for field in definition.fields:
        if field.name in columns:
            column, broken[field.name] = coerce(raw.cells[columns[field.name]], field)
        else:
            column = np.repeat(_constant(field, constants.get(field.name)), count)
        values[field.name] = pd.Series(column, dtype=column.dtype)
    return pd.DataFrame(values, index=pd.RangeIndex(count)), broken


def _constant(field: Field, text: str | None) -> np.ndarray:
    value, broken = coerce(pd.Series([text], dtype=object), field)
    if broken:
        raise LayerError(_("--set {}={}:{}。请改正。").format(field.name, text, broken[0]))
    return value


def _cell_problems(
    raw: RawLayer,
    whole: gpd.GeoDataFrame,
    definition: LayerDefinition,
    columns: Mapping[str, str],
    broken: Mapping[str, Mapping[int, str]],
) -> list[Problem]:
    rows = Rows(definition, whole, raw.file, np.arange(1, len(whole) + 1))
    return [
        rows.problem(
            position,
            name,
            rule,
            _("请改正列“{}”中的该值,未知则留空").format(columns[name]),
            value=raw.cells[columns[name]].iloc[position],
        )
        for name, cells in broken.items()
        for position, rule in cells.items()
    ]


def _shape_problems(
    raw: RawLayer,
    whole: gpd.GeoDataFrame,
    definition: LayerDefinition,
    astray: np.ndarray,
    source: CRS,
) -> list[Problem]:
    rows = Rows(definition, whole, raw.file, np.arange(1, len(whole) + 1))
    unreadable = [
        rows.problem(position, "geometry", reason, _("请修复图形后重新导出"))
        for position, reason in raw.unreadable.items()
    ]
    outside = _("坐标不在坐标系 {} 的适用范围内").format(crs_name(source))
    return unreadable + [
        rows.problem(int(position), "geometry", outside, _("请改正该图形的坐标"))
        for position in np.flatnonzero(astray)
    ]


def _split_problems(
    raw: RawLayer, whole: gpd.GeoDataFrame, definition: LayerDefinition, split: Sequence[int]
) -> list[Problem]:
    rows = Rows(definition, whole, raw.file, np.arange(1, len(whole) + 1))
    return [
        rows.problem(
            position,
            "geometry",
            _("一行含有 {} 条线").format(len(whole.geometry.iloc[position].geoms)),
            _("已拆为 编号.1、编号.2 等多行,请核对"),
            severity="warning",
        )
        for position in split
    ]


def _skipped_problems(raw: RawLayer, definition: LayerDefinition) -> list[Problem]:
    return [
        Problem(
            layer=definition.name,
            file=raw.file,
            row=None,
            feature_id=None,
            field=None,
            value=one.what,
            rule=one.reason,
            cure=_("未导入 {} 个,请核对").format(one.count),
            severity="warning",
        )
        for one in raw.skipped
    ]


def _stored_problems(rows: Rows, stored: pd.Index | None) -> list[Problem]:
    if stored is None:
        return []
    id_field = rows.definition.id_field
    ids = rows.table[id_field]
    return [
        rows.problem(
            int(position),
            id_field,
            _("图层中已有这个编号"),
            _("请用 --id-prefix 区分来源,或不加 --append 整层重新导入"),
            value=ids.iloc[position],
        )
        for position in np.flatnonzero(ids.isin(stored))
    ]


def _rejected(raw: RawLayer, bad: set[int]) -> pd.DataFrame:
    numbers = pd.Index(sorted(bad), name="row", dtype=int)
    positions = numbers.to_numpy() - 1
    cells = raw.cells.iloc[positions].set_index(numbers)
    return cells.assign(geometry_wkt=shapely.to_wkt(raw.shapes[positions], rounding_precision=-1))


def _notes(
    raw: RawLayer,
    definition: LayerDefinition,
    columns: Mapping[str, str],
    source: CRS,
    target: CRS,
    stated: CRS | None,
) -> tuple[str, ...]:
    notes = []
    guessed = [f"{field}←{column}" for field, column in columns.items() if field != column]
    if guessed:
        notes.append(_("字段对应:{}").format("、".join(guessed)))
    known = {*columns.values(), "fid"}  # fid: the row number that GDAL gives every table
    unused = [str(name) for name in raw.cells.columns if name not in known]
    if unused:
        notes.append(_("未使用的列:{}").format("、".join(unused)))
    if stated is not None and raw.crs is not None and not stated.equals(raw.crs):
        notes.append(
            _("文件声明 {},已按 --crs 读作 {}").format(crs_name(raw.crs), crs_name(stated))
        )
    if not source.equals(target, ignore_axis_order=True):
        notes.append(_("坐标已由 {} 转换为 {}").format(crs_name(source), crs_name(target)))
    if any(shape is not None and shape.has_z for shape in raw.shapes):
        notes.append(_("图形中的高程(Z)未导入"))
    cleaned = _cleaned(raw, columns)
    if cleaned:
        notes.append(_("已去除 {} 个单元格中的控制字符").format(cleaned))
    return tuple(notes)


def _cleaned(raw: RawLayer, columns: Mapping[str, str]) -> int:
    return sum(
        isinstance(cell, str) and has_control_characters(cell)
        for column in columns.values()
        for cell in raw.cells[column]
    )

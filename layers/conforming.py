"""Bring a file's own columns, words, units and coordinates into the form of a layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.crs import require_projected
from language import gettext as _
from layers.bare_depths import without_bare_depths
from layers.checks import Rows, row_problems
from layers.coercion import clean_text, coerce, has_control_characters
from layers.errors import LayerError
from layers.fields import Field, LayerDefinition, fold, layer_definition
from layers.georeferencing import Surroundings, georeference
from layers.gone_rows import NOTHING_GONE, Gone
from layers.made_ids import ids_of_content
from layers.mapping import Proposal, applied, told
from layers.problems import Problem
from layers.quantities import convertible, unit_named
from layers.raw import RawLayer
from layers.shapes import explode_lines, flatten
from layers.sizes import implausible, sizes_apart
from layers.source_crs import source_crs
from layers.source_memory import SourceMemory


@dataclass(frozen=True)
class Conformed:
    """A file as a layer: ``table`` holds the rows without errors, indexed by id.

    ``rejected`` holds the file's own cells and shapes (as WKT) of the rows with errors, by row;
    ``notes`` say in words what was done that the user did not ask for; ``gone`` are the rows of the
    layer that it would replace and has not.
    """

    table: gpd.GeoDataFrame
    rejected: pd.DataFrame
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    gone: Gone = NOTHING_GONE


def conform(
    raw: RawLayer,
    layer: str,
    *,
    target: CRS,
    crs: CRS | str | None = None,
    swap_axes: bool = False,
    datum_shift: str | None = None,
    around: Surroundings | None = None,
    mapping: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    memory: SourceMemory | None = None,
    make_ids: bool = False,
    id_prefix: str = "",
    stored: pd.Index | None = None,
) -> Conformed:
    """Return the rows of ``raw`` as rows of ``layer`` in the CRS ``target``.

    Parameters
    ----------
    target
        Projected CRS in metres of the result.
    crs
        CRS stated by the user, as ``layers.source_crs`` reads it; it overrides what the file
        declares.
    swap_axes
        The file gives north before east.
    datum_shift
        Parameters from the file's datum to that of ``target`` (``layers.datums``).
    around
        What the workspace knows of its place: a layer that its declared CRS puts elsewhere is
        then refused.
    mapping
        Field to column of the file. Fields not named take the column with their name or alias.
    constants
        Field to one value for all rows.
    units
        Field to the unit of its column, where it is not the field's own.
    memory
        What the user stated of an earlier file of the same source.
    make_ids
        Give rows of a file without an id column ids made from their content.
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
    memory = memory or SourceMemory()
    constants = dict(constants or {})
    chosen, doubtful = applied(
        raw, definition, mapping or {}, constants, memory.mapping, make_ids=make_ids
    )
    columns = {name: one.column for name, one in chosen.items()}
    known_units = _units(definition, chosen, {**memory.units, **(units or {})})
    stated = source_crs(raw.crs, crs, swap_axes=swap_axes, datum_shift=datum_shift)
    placed = georeference(
        raw, flatten(raw.shapes), require_projected(target), stated=stated, around=around
    )
    cells, size_notes = sizes_apart(
        {name: raw.cells[column] for name, column in columns.items()},
        definition,
        {*columns, *constants},
    )
    values, broken = _values(cells, definition, len(raw.cells), known_units, constants)
    depth_notes: tuple[str, ...] = ()
    if layer == "lines":
        said = {**memory.mapping, **(mapping or {})}
        values, depth_notes = without_bare_depths(values, cells, columns, said)
    made = make_ids and definition.id_field not in {*columns, *constants}
    if made:
        values[definition.id_field] = ids_of_content(raw.cells, raw.shapes)
    if id_prefix:
        values[definition.id_field] = [
            None if name is None else clean_text(id_prefix) + name
            for name in values[definition.id_field]
        ]
    whole = gpd.GeoDataFrame(values, geometry=placed.shapes, crs=target)
    exploded = explode_lines(whole, definition.id_field)
    problems = [
        *_cell_problems(raw, whole, definition, columns, broken),
        *_shape_problems(raw, whole, definition, placed.astray),
        *_split_problems(raw, whole, definition, exploded.split),
        *_skipped_problems(raw, definition),
        *implausible(values, definition, raw.place, columns),
    ]
    named = {(problem.row, problem.field) for problem in problems if problem.severity == "error"}
    rows = Rows(definition, exploded.table, raw.place, exploded.positions + 1)
    # A cell or shape that could not be understood is unknown now; saying so twice helps nobody.
    problems += [p for p in row_problems(rows) if (p.row, p.field) not in named]
    problems += _stored_problems(rows, stored)
    bad = {p.row for p in problems if p.severity == "error" and p.row is not None}
    good = ~np.isin(rows.numbers, list(bad))
    return Conformed(
        table=exploded.table[good].set_index(definition.id_field),
        rejected=_rejected(raw, bad),
        problems=tuple(_counted(raw, sorted(problems, key=lambda problem: problem.row or 0))),
        notes=(
            *raw.notes,
            *_column_notes(raw, columns, doubtful),
            *_unit_notes(definition, columns, known_units),
            *size_notes,
            *depth_notes,
            *_word_notes(raw, definition, columns),
            *_id_notes(definition, made=made),
            *placed.notes,
            *_shape_notes(raw, columns),
        ),
    )


def _units(
    definition: LayerDefinition, chosen: Mapping[str, Proposal], stated: Mapping[str, str]
) -> dict[str, str]:
    """Return the unit of each column that is not in its field's own: as stated, or in its name."""
    found = {name: one.unit for name, one in chosen.items() if one.unit}
    for name, text in stated.items():
        own = definition.field(name).unit if name in definition.names else ""
        unit = unit_named(text)
        if unit is None or not convertible(unit, own):
            raise LayerError(
                _("--unit {}={}:没有这个字段,或单位不能换算为 {}。请改正。").format(
                    name, text, own or _("无单位")
                )
            )
        found[name] = unit
    return {name: unit for name, unit in found.items() if unit != definition.field(name).unit}


def _values(
    cells: Mapping[str, pd.Series],
    definition: LayerDefinition,
    count: int,
    units: Mapping[str, str],
    constants: Mapping[str, str],
) -> tuple[pd.DataFrame, dict[str, dict[int, str]]]:
    """Return all fields of the layer as typed columns, and the broken rules by field and row."""
    values: dict[str, pd.Series] = {}
    broken: dict[str, dict[int, str]] = {}
    for field in definition.fields:
        if field.name in cells:
            column, broken[field.name] = coerce(
                cells[field.name], field, unit=units.get(field.name, "")
            )
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
    rows = Rows(definition, whole, raw.place, np.arange(1, len(whole) + 1))
    return [
        rows.problem(
            position,
            name,
            rule,
            _("请改正列“{}”中的该值,未知则留空").format(columns[name]),
            value=raw.cells[columns[name]].iloc[position],
        )
        for name, cells in broken.items()
        if name in columns
        for position, rule in cells.items()
    ]


def _shape_problems(
    raw: RawLayer,
    whole: gpd.GeoDataFrame,
    definition: LayerDefinition,
    astray: Mapping[int, str],
) -> list[Problem]:
    rows = Rows(definition, whole, raw.place, np.arange(1, len(whole) + 1))
    unreadable = [
        rows.problem(position, "geometry", reason, _("请修复图形后重新导出"))
        for position, reason in raw.unreadable.items()
    ]
    return unreadable + [
        rows.problem(
            position,
            "geometry",
            reason,
            _("请改正该图形的坐标(度与米、带号、坐标轴、小数点)"),
            value="({:.8g}, {:.8g})".format(*shapely.bounds(raw.shapes[position])[:2]),
        )
        for position, reason in sorted(astray.items())
    ]


def _split_problems(
    raw: RawLayer, whole: gpd.GeoDataFrame, definition: LayerDefinition, split: Sequence[int]
) -> list[Problem]:
    rows = Rows(definition, whole, raw.place, np.arange(1, len(whole) + 1))
    return [
        rows.problem(
            position,
            "geometry",
            _("一行含有 {} 条线").format(len(whole.geometry.iloc[position].geoms)),
            _("已拆为 编号.1、编号.2 等多行,两端的覆土和管底高程只留在首末两段,请核对"),
            severity="warning",
        )
        for position in split
    ]


def _skipped_problems(raw: RawLayer, definition: LayerDefinition) -> list[Problem]:
    return [
        Problem(
            layer=definition.name,
            file=raw.place,
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


def _counted(raw: RawLayer, problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems with their rows counted in the worksheet that each stands in."""
    for problem in problems:
        if problem.row is None:
            yield problem
        else:
            file, row = raw.counted_at(problem.row)
            yield replace(problem, file=file, row=row)


def _rejected(raw: RawLayer, bad: set[int]) -> pd.DataFrame:
    """The rows in error, by the place that they are counted in and their numbers there."""
    positions = np.array(sorted(bad), np.int64) - 1
    counted = [raw.counted_at(row) for row in sorted(bad)]
    numbers = pd.MultiIndex.from_tuples(counted, names=["file", "row"])
    cells = raw.cells.iloc[positions].set_index(numbers)
    return cells.assign(geometry_wkt=shapely.to_wkt(raw.shapes[positions], rounding_precision=-1))


def _unit_notes(
    definition: LayerDefinition, columns: Mapping[str, str], units: Mapping[str, str]
) -> list[str]:
    return [
        _("列“{}”的单位 {} 已换算为 {}").format(columns[name], unit, definition.field(name).unit)
        for name, unit in units.items()
        if name in columns
    ]


def _word_notes(
    raw: RawLayer, definition: LayerDefinition, columns: Mapping[str, str]
) -> list[str]:
    """Words taken in the place of a date that may have been meant for an unknown one."""
    notes = []
    for field in map(definition.field, columns):
        if field.type != "date" or not field.values:
            continue
        texts = raw.cells[columns[field.name]].dropna().astype(str).str.strip()
        plain = {name for value in field.allowed for name in (value, field.word(value))}
        meant = texts[texts.map(fold).isin(set(field.values) - plain)].value_counts()
        notes += [
            _("列“{}”:{} 行的“{}”按“{}”导入;其中没有记录的,请改为留空后重新导入").format(
                columns[field.name], count, text, field.spelled(field.values[fold(str(text))])
            )
            for text, count in meant.items()
        ]
    return notes


def _id_notes(definition: LayerDefinition, *, made: bool) -> list[str]:
    words = _("文件没有编号列,已按 --make-ids 由各行内容生成 {};内容不变则编号不变")
    return [words.format(definition.id_field)] if made else []


def _column_notes(
    raw: RawLayer, columns: Mapping[str, str], doubtful: Sequence[Proposal]
) -> list[str]:
    notes = []
    guessed = [f"{field}←{column}" for field, column in columns.items() if field != column]
    if guessed:
        notes.append(_("字段对应:{}").format(_("、").join(guessed)))
    known = {*columns.values(), *raw.used, "fid"}  # fid: the row number that GDAL gives every table
    unused = [str(name) for name in raw.cells.columns if name not in known]
    if unused:
        notes.append(_("未使用的列:{}").format(_("、").join(unused)))
    if doubtful:
        notes.append(_("可能的字段对应,未采用,请用 --map 确认:{}").format(told(doubtful)))
    return notes


def _shape_notes(raw: RawLayer, columns: Mapping[str, str]) -> list[str]:
    notes = []
    if any(shape is not None and shape.has_z for shape in raw.shapes):
        notes.append(_("图形中的高程(Z)未导入"))
    cleaned = _cleaned(raw, columns)
    if cleaned:
        notes.append(_("已去除 {} 个单元格中的控制字符").format(cleaned))
    return notes


def _cleaned(raw: RawLayer, columns: Mapping[str, str]) -> int:
    return sum(
        isinstance(cell, str) and has_control_characters(cell)
        for column in columns.values()
        for cell in raw.cells[column]
    )

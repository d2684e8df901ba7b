"""Which column of a file is which field: proposed with a confidence and a reason.

What is nearly certain is applied; the rest is only told, for the user to confirm with ``--map``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from language import gettext as _
from layers.coercion import is_missing
from layers.dbf import NAME_BYTES, short_names
from layers.errors import LayerError
from layers.fields import Field, LayerDefinition, fold
from layers.quantities import convertible, size_of, split_unit
from layers.raw import RawLayer

APPLIED = 0.9
"""Proposals of at least this confidence are used without asking."""

_REMEMBERED, _NAME, _ALIAS, _EXPORTED, _ALIAS_AND_UNIT = 1.0, 1.0, 0.95, 0.95, 0.9
_CUT, _PINYIN, _VALUES = 0.7, 0.6, 0.5
_MOST_CELLS = 200
_SHARE = 0.9  # of the cells that must speak for a field
_FEWEST_CELLS = 3
# Of a layer's names as an export writes them, those that tell one: an export comes back of which
# every fourth column was removed, and in each layer with several cut names one of them beside all
# words that anybody uses (``name``, ``kind``) is less. Where one name alone is cut, it is the id.
_OF_EXPORT = 0.75


@dataclass(frozen=True)
class Proposal:
    """A column for a field: how sure, from 0 to 1, and why in words.

    ``unit`` is the one that the column's name gives in brackets, where it is not the field's own.
    """

    field: str
    column: str
    confidence: float
    why: str
    unit: str | None = None


def propose_mapping(
    raw: RawLayer,
    definition: LayerDefinition,
    remembered: Mapping[str, str] | None = None,
) -> list[Proposal]:
    """Return for each field the columns that may be meant, the surest first.

    Parameters
    ----------
    remembered
        Field to column as the user mapped this source before.
    """
    columns = [str(name) for name in raw.cells.columns]
    before = {f: c for f, c in (remembered or {}).items() if c in columns}
    found = [
        Proposal(field, column, _REMEMBERED, _("上次对同一来源如此指明"))
        for field, column in before.items()
        if field in definition.names
    ]
    exported = _names_of_export(columns, definition)
    for field in definition.fields:
        if field.name not in before:
            free = [column for column in columns if column not in before.values()]
            found += _named(field, free, exported.get(field.name))
    taken = {one.column for one in found if one.confidence >= APPLIED}
    settled = {one.field for one in found if one.confidence >= APPLIED}
    found = [
        one
        for one in found
        if one.confidence >= APPLIED or (one.column not in taken and one.field not in settled)
    ]
    found = list(_of_one_field_each(found))
    hinted = {one.column for one in found}
    for column in columns:
        if column not in hinted:
            found += _hinted(raw.cells[column], column, definition, settled)
    order = {name: position for position, name in enumerate(definition.names)}
    return sorted(found, key=lambda one: (order[one.field], -one.confidence))


def applied(
    raw: RawLayer,
    definition: LayerDefinition,
    mapping: Mapping[str, str],
    constants: Mapping[str, str],
    remembered: Mapping[str, str] | None = None,
    *,
    make_ids: bool = False,
) -> tuple[dict[str, Proposal], list[Proposal]]:
    """Return the columns to use, by field, and proposals that only a user can confirm.

    Raises
    ------
    LayerError
        For fields or columns that do not exist, two columns that mean one field, or a required
        field without a column.
    """
    _refuse_unknown(raw, definition, mapping, constants)
    stated = {*mapping, *constants}
    before = {
        field: column
        for field, column in (remembered or {}).items()
        if field not in stated and column not in mapping.values()
    }
    found = {
        field: Proposal(field, column, 1.0, _("按 --map"), _unit_of(definition, field, column))
        for field, column in mapping.items()
    }
    open_ones: list[Proposal] = []
    sure: dict[str, list[Proposal]] = {}
    for one in propose_mapping(raw, definition, before):
        if one.field in stated or one.column in mapping.values():
            continue
        if one.confidence < APPLIED:
            open_ones.append(one)
        else:
            sure.setdefault(one.field, []).append(one)
    for field, some in sure.items():
        exact = some[0].confidence == _NAME
        if len(some) > 1 and not exact:
            _refuse_two(raw, definition.field(field), some)
        found[field] = some[0]
    settled = {*found, *constants, *((definition.id_field,) if make_ids else ())}
    _refuse_unmatched(raw, definition, settled, open_ones)
    return found, open_ones


def told(proposals: Sequence[Proposal]) -> str:
    """Return proposals in words, each with the option that confirms it."""
    return ";".join(
        _("--map {}={}({},把握 {:.0%})").format(one.field, one.column, one.why, one.confidence)
        for one in proposals
    )


def _of_one_field_each(found: Sequence[Proposal]) -> Iterator[Proposal]:
    """Proposals, of a cut name only that for the first field: no column is of two fields."""
    cut: set[str] = set()
    for one in found:
        if one.confidence != _CUT or one.column not in cut:
            yield one
        if one.confidence == _CUT:
            cut.add(one.column)


def _names_of_export(columns: Sequence[str], definition: LayerDefinition) -> dict[str, str]:
    """Field to its name in a Shapefile that was exported, where the columns are those of one.

    A cut name alone may be another thing: ``carriagewa`` of lanes, ``diameter_m`` in metres.
    """
    short = short_names(definition.names)
    there = set(short.values()) & set(map(fold, columns))
    return short if len(there) >= _OF_EXPORT * len(short) else {}


def _named(field: Field, columns: Sequence[str], exported: str | None) -> Iterator[Proposal]:
    """Columns whose name speaks for the field, or is what an export calls it."""
    for column in columns:
        plain, unit = split_unit(column)
        own = unit is None or not field.unit or unit == field.unit
        if column == field.name:
            yield Proposal(field.name, column, _NAME, _("字段名"))
        elif fold(column) in field.spellings:
            yield Proposal(field.name, column, _ALIAS, _("列名或别名"))
        elif fold(plain) in field.spellings and field.unit and (own or _fits(unit, field)):
            other = None if own else unit
            yield Proposal(field.name, column, _ALIAS_AND_UNIT, _("别名加单位"), other)
        elif fold(column) == exported:
            yield Proposal(field.name, column, _EXPORTED, _("导出文件中的列名"))
        elif _is_cut(fold(column), field):
            yield Proposal(field.name, column, _CUT, _("列名似被截断"))
        elif fold(plain) in field.pinyin:
            yield Proposal(field.name, column, _PINYIN, _("拼音首字母"))


def _fits(unit: str | None, field: Field) -> bool:
    return unit is not None and convertible(unit, field.unit)


def _unit_of(definition: LayerDefinition, field: str, column: str) -> str | None:
    unit, own = split_unit(column)[1], definition.field(field).unit
    return unit if unit and own and unit != own and convertible(unit, own) else None


def _is_cut(column: str, field: Field) -> bool:
    return len(column) == NAME_BYTES and any(
        name.startswith(column) and len(name) > NAME_BYTES for name in field.spellings
    )


def _hinted(
    cells: pd.Series, column: str, definition: LayerDefinition, settled: set[str]
) -> Iterator[Proposal]:
    """Fields that the values speak for: pipe sizes, or words that only one field has."""
    some = [cell for cell in cells.head(_MOST_CELLS).tolist() if not is_missing(cell)]
    if len(some) < _FEWEST_CELLS:
        return
    fits = []
    for field in definition.fields:
        if field.name in settled:
            continue
        if field.notation == "nominal":
            shares = sum(
                (size := size_of(cell)) is not None and size.width_mm is None for cell in some
            )
        elif field.type == "enum":
            words = {word for word in field.values if not word.isdigit()}
            shares = sum(fold(str(cell)) in words for cell in some)
        else:
            continue
        if shares >= _SHARE * len(some):
            fits.append(field)
    if len(fits) == 1:
        yield Proposal(fits[0].name, column, _VALUES, _("列中的值"))


def _refuse_unknown(
    raw: RawLayer,
    definition: LayerDefinition,
    mapping: Mapping[str, str],
    constants: Mapping[str, str],
) -> None:
    unknown = sorted({*mapping, *constants} - set(definition.names))
    if unknown:
        raise LayerError(
            _("图层 {} 没有字段“{}”。可用的字段:{}。请改正 --map 或 --set。").format(
                definition.name, _("、").join(unknown), _("、").join(definition.names)
            )
        )
    both = sorted(set(mapping) & set(constants))
    if both:
        raise LayerError(
            _("字段 {} 同时用了 --map 和 --set。请只保留一个。").format(_("、").join(both))
        )
    names = [str(name) for name in raw.cells.columns]
    absent = [column for column in mapping.values() if column not in names]
    if absent:
        raise LayerError(
            _("文件 {}:没有列“{}”。文件中的列:{}。请改正 --map。").format(
                raw.place, _("、").join(absent), _("、").join(names)
            )
        )


def _refuse_two(raw: RawLayer, field: Field, proposals: Sequence[Proposal]) -> None:
    raise LayerError(
        _("文件 {}:列 {} 都可能是字段 {}({})。请用 --map {}=列名 指明。").format(
            raw.place,
            _("、").join(one.column for one in proposals),
            field.name,
            field.label,
            field.name,
        )
    )


def _refuse_unmatched(
    raw: RawLayer, definition: LayerDefinition, matched: set[str], proposals: Sequence[Proposal]
) -> None:
    for field in definition.fields:
        if field.required and field.name not in matched and len(raw.cells):
            message = _(
                "文件 {}:找不到必填字段 {}({})。文件中的列:{}。请用 --map {}=列名 指明。"
            ).format(
                raw.place,
                field.name,
                field.label,
                _("、").join(str(name) for name in raw.cells.columns) or _("无"),
                field.name,
            )
            maybe = [one for one in proposals if one.field == field.name]
            if not len(raw.cells.columns):
                message = _(
                    "文件 {}:只有图形,没有属性列,缺必填字段 {}({})。"
                    "Shapefile 须连同 .dbf 一起导入。"
                ).format(raw.place, field.name, field.label)
            if maybe:
                message += _("可能是:{}。").format(told(maybe))
            elif field.name == definition.id_field:
                message += _("文件确无编号时,可加 --make-ids 由内容生成。")
            raise LayerError(message)

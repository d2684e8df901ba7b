"""Edits 改动: the cells that answers changed in layers, and whether the layers still say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from language import gettext as _
from layers.coercion import coerce
from layers.errors import LayerError
from layers.fields import Field, layer_definition
from layers.moments import day_of

# The cell that stands for a whole layer of which there is nothing.
WHOLE_LAYER = ("*", "geometry")
# What a version was made from where no file was imported.
ANSWERS, WITHDRAWN, REPAIRS = "answers", "withdrawn", "repairs"
# What a layer says where nobody knows.
UNSAID = "unknown"
# Things of one id that lie farther apart are two things: beyond any error of a survey by hearsay.
_SAME_PLACE_M = 20.0


@dataclass(frozen=True)
class Edit:
    """One cell that an answer changed: in which version, from what to what, by whom."""

    layer: str
    version: int
    feature_id: str
    field: str
    old: str | None
    new: str
    author: str
    note: str
    made_at: str

    @property
    def name(self) -> str:
        """The field as people call it."""
        field = _field_of(self)
        return self.field if field is None else field.label

    @property
    def value(self) -> str:
        """What was answered, a word of the field as people say it."""
        field = _field_of(self)
        spelled = field is not None and self.new in field.allowed
        return field.spelled(self.new) if field is not None and spelled else self.new

    @property
    def is_of_layer(self) -> bool:
        """Whether it says of a whole layer that the county has no such thing."""
        return (self.feature_id, self.field) == WHOLE_LAYER


def _field_of(edit: Edit) -> Field | None:
    known = (one for one in layer_definition(edit.layer).fields if one.name == edit.field)
    return next(known, None)


Change = tuple[str, str, str | None, str]  # feature_id, field, old, new


def holds(edit: Edit, table: gpd.GeoDataFrame) -> bool | None:
    """Whether a table says what an edit made of its cell; None for an edit of no cell: a repair."""
    if edit.is_of_layer:
        return not len(table)
    fields = {field.name: field for field in layer_definition(edit.layer).fields}
    if edit.field not in fields:
        return None
    if edit.feature_id not in table.index:
        return False
    (value,), broken = coerce(pd.Series([edit.new], dtype=object), fields[edit.field])
    cell = table.loc[edit.feature_id, edit.field]
    return not broken and bool(cell == value or (pd.isna(cell) and pd.isna(value)))


def now_of(edit: Edit, table: gpd.GeoDataFrame | None) -> str | None:
    """What a table says in the cell of an edit, as text; None where it says nothing."""
    if table is None or edit.feature_id not in table.index or edit.field not in table:
        return None
    return text_of(table.loc[edit.feature_id, edit.field])


def is_same_thing(feature_id: str, then: gpd.GeoDataFrame, now: gpd.GeoDataFrame) -> bool:
    """Whether an id stands for one thing in two tables, which may have been surveyed twice."""
    if feature_id not in then.index or feature_id not in now.index:
        return False
    shapes = then.geometry[feature_id], now.geometry[feature_id]
    return None in shapes or bool(shapely.dwithin(*shapes, _SAME_PLACE_M))


def held(edits: Iterable[Edit], table: gpd.GeoDataFrame, sources: Mapping[int, str]) -> list[Edit]:
    """The answers of a layer that its table holds: of each cell the last one.

    ``sources`` tells of each version what it was made from: ``ANSWERS``, ``WITHDRAWN``,
    ``version:N`` for a return to version N, ``REPAIRS``, else a file. Where somebody decided later
    that a file counts, its cell is a file's again.
    """
    found: dict[tuple[str, str], Edit] = {}
    for edit in edits:
        source = sources[edit.version]
        if source == WITHDRAWN or source.startswith("version:") or not holds(edit, table):
            continue
        found.pop((edit.feature_id, edit.field), None)
        if source == ANSWERS:
            found[edit.feature_id, edit.field] = edit
    return list(found.values())


def changed_cells(
    edits: Iterable[Edit], before: gpd.GeoDataFrame, after: gpd.GeoDataFrame
) -> list[Change]:
    """What another table makes of the cells that were ever edited; empty text for an empty one."""
    changes: dict[tuple[str, str], Change] = {}
    for edit in edits:
        known = holds(edit, after)
        old, new = now_of(edit, before), now_of(edit, after)
        if known is not None and old != new:
            changes[edit.feature_id, edit.field] = (edit.feature_id, edit.field, old, new or "")
    return list(changes.values())


def withdrawn(answer: Edit, table: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, Change]:
    """A layer's table with what a cell held before an answer, and that as a change.

    Raises
    ------
    LayerError
        For an answer of a whole layer, or one that the table holds no more.
    """
    if answer.is_of_layer:
        raise LayerError(_("“本县无此类对象”不能收回;有此类对象时请导入该图层,以文件为准。"))
    if not holds(answer, table):
        raise LayerError(
            _("{} 的 {}:此答已不生效,无可收回。").format(answer.feature_id, answer.name)
        )
    field = layer_definition(answer.layer).field(answer.field)
    (value,), _broken = coerce(pd.Series([answer.old], dtype=object), field)
    before = table.copy()
    before.loc[[answer.feature_id], answer.field] = value
    return before, (answer.feature_id, answer.field, answer.new, answer.old or "")


def taken_back_words(one: Edit) -> str:
    """An answer that is taken back, as a sentence."""
    return _("收回核实结果:{} 的 {} = {}").format(one.feature_id, one.name, said(one))


def told_briefly(edits: Sequence[Edit]) -> str:
    """Some answers in a few words, for the note of a version."""
    names = [f"{one.feature_id} {one.name}" for one in edits[:5]]
    told = _("、").join(names)
    return _("{} 等").format(told) if len(edits) > len(names) else told


def said(one: Edit) -> str:
    """An answer with who gave it, when and why: 2025-06-01(甲 2026-11-30 竣工图)."""
    told = " ".join(filter(None, [one.author, day_of(one.made_at), one.note]))
    return f"{one.value}({told})"


def text_of(value: object) -> str | None:
    """A cell as text; None where it is empty."""
    return None if pd.isna(value) else str(value)  # type: ignore[call-overload]

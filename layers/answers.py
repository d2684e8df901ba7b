"""Answers 核实结果: what people found out of a road, main or layer, as edits of stored layers.

An answer fills what a layer does not say; what it says already is replaced only on request.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from language import gettext as _
from layers.attribute_checks import in_future
from layers.checks import Rows, row_problems
from layers.coercion import clean_text, coerce, is_missing
from layers.edits import UNSAID, WHOLE_LAYER, Change, is_same_thing, text_of
from layers.errors import AnswerError, LayerError, ReadError
from layers.fields import LAYERS, Field, LayerDefinition, layer_definition
from layers.problems import Problem

# Layer of the things that questions ask about.
_LAYER_OF = {"road": "roads", "line": "lines", "node": "nodes", "parcel": "parcels"}
_WHOLE = "layer"
# The answer to a layer that was never imported: the county has no such thing.
NOTHING = "无"
_GEOMETRY = "geometry"
_COLUMNS = ("subject", "field", "answer")
_VERSION = "version"
_MOST_BYTES = 20_000_000


@dataclass(frozen=True)
class Answer:
    """One answer: ``subject`` as ``road:R-1``, or ``layer:trees`` for a layer never imported.

    Of a file ``row`` is the row, its header being the first, and ``version`` the version of the
    layer that was asked about (0: never imported).
    """

    subject: str
    field: str
    value: str
    row: int | None = dataclass_field(default=None, compare=False)
    version: int | None = dataclass_field(default=None, compare=False)

    @property
    def layer(self) -> str:
        """The layer that holds the subject; raise ``LayerError`` if there is none."""
        kind, sign, name = self.subject.partition(":")
        layer = name if kind == _WHOLE else _LAYER_OF.get(kind)
        if not sign or not name or layer not in LAYERS:
            raise LayerError(
                _(
                    "{}:不是可回答的对象;写作 road:编号、line:编号、node:编号 或 layer:图层名。"
                ).format(self.subject)
                + _("申请中的事项请在申请里补填。")
            )
        return layer

    @property
    def feature_id(self) -> str | None:
        """The feature; None for a whole layer."""
        kind, _sign, name = self.subject.partition(":")
        return None if kind == _WHOLE else name


def read_answers(file: Path) -> list[Answer]:
    """The answered rows of a questions file (CSV in UTF-8 or GB18030): those with an ``answer``.

    Raises ``ReadError`` for a file that is none.
    """
    if not file.is_file():
        raise ReadError(_("文件 {}:磁盘上没有这个文件。请核对路径。").format(file))
    if file.stat().st_size > _MOST_BYTES:
        raise ReadError(_("文件 {}:太大,不是待查事项文件。").format(file.name))
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise ReadError(_("文件 {}:不是 CSV({})。请改正。").format(file.name, error)) from None
    if not rows or not set(_COLUMNS) <= set(rows[0]):
        raise ReadError(
            _("文件 {}:须为 screen --questions 写出的 CSV,含列 {}。").format(
                file.name, _("、").join(_COLUMNS)
            )
        )
    cells = [(_cell(row["subject"]), _cell(row["field"]), _cell(row["answer"])) for row in rows]
    return [
        Answer(*told, number, _version(file, number, row.get(_VERSION)))
        for number, (row, told) in enumerate(zip(rows, cells, strict=True), start=2)
        if told[-1]
    ]


def _version(file: Path, row: int, text: str | None) -> int | None:
    """The version of the layer that a question was asked about; None in a file without it."""
    told = _cell(text)
    if told and not told.isdecimal():
        raise ReadError(
            _("文件 {} 第 {} 行:version 列的“{}”不是版本号。请勿改动该列。").format(
                file.name, row, told
            )
        )
    return int(told) if told else None


def _cell(text: str | None) -> str:
    """A cell without the apostrophe that keeps spreadsheets from computing it."""
    return clean_text(text or "").removeprefix("'")


def nothing_of(
    layer: str, answers: Sequence[Answer], crs: CRS
) -> tuple[gpd.GeoDataFrame, list[Change]]:
    """The empty table of a layer that was never imported, where that is the one answer to it.

    Raises ``LayerError`` for any other answer.
    """
    (first, *others) = answers
    said = (first.feature_id, first.field, first.value.strip())
    if said != (None, _GEOMETRY, NOTHING) or others:
        raise LayerError(
            _("图层 {} 尚未导入:请用 import 导入;如确无此类对象,对图层答“无”。").format(layer)
        )
    definition = layer_definition(layer)
    none = pd.Series([], dtype=object)
    columns = {one.name: coerce(none, one)[0] for one in definition.fields}
    table = gpd.GeoDataFrame(columns, geometry=[], crs=crs).set_index(definition.id_field)
    return table, [(*WHOLE_LAYER, None, NOTHING)]


def answered(
    layer: str, table: gpd.GeoDataFrame, answers: Iterable[Answer], *, replace: bool
) -> tuple[gpd.GeoDataFrame, list[Change]]:
    """A layer's table with some answers, and what they change.

    Raises
    ------
    LayerError
        For an unknown feature or field, a value that does not fit or breaks a rule of the layer,
        one that contradicts what the layer says already (unless ``replace``), or two that
        contradict each other.
    """
    definition = layer_definition(layer)
    changed, changes = table.copy(), []
    said = [(one, *_value(definition, one)) for one in answers]
    _refuse_two_values(said)
    for one, field, value in said:
        rows = _rows(changed, one, value, replace=replace)
        old = changed.loc[rows, field.name]
        changes += [
            (str(row), field.name, text_of(before), str(value))
            for row, before in zip(rows, old.tolist(), strict=True)
        ]
        changed.loc[rows, field.name] = value
    ids = list(dict.fromkeys(row for row, *_rest in changes))
    broken = new_problems(definition, table, changed, ids)
    if broken:  # also what an import only warns of: of two values one is wrong
        message = "\n".join(problem.message for problem in broken)
        reason = _(";").join(f"{problem.rule}({problem.cure})" for problem in broken)
        raise AnswerError(message, reason, tuple(broken))
    return changed, changes


def _refuse_two_values(said: Iterable[tuple[Answer, Field, object]]) -> None:
    """Refuse two answers to one question: nobody knows which was meant."""
    first: dict[tuple[str | None, str], tuple[Answer, object]] = {}
    for one, field, value in said:
        before, other = first.setdefault((one.feature_id, field.name), (one, value))
        if other != value:
            raise LayerError(
                _("{}:字段 {} 有两个不同的答案:{} 与 {}。请只留一个。").format(
                    one.subject, field.name, _where(before), _where(one)
                )
            )


def _where(one: Answer) -> str:
    return one.value if one.row is None else _("{}(第 {} 行)").format(one.value, one.row)


def refuse_overtaken(
    layer: str,
    answers: Iterable[Answer],
    then: gpd.GeoDataFrame,
    now: gpd.GeoDataFrame,
    asked_of: int,
) -> None:
    """Refuse answers to questions whose cell, or whose thing itself, has become another since.

    ``then`` is the version ``asked_of`` that was asked about. An answer that says what the layer
    says now is none of these; nor is one to a thing that is gone, which is refused elsewhere.
    """
    definition = layer_definition(layer)
    for one in answers:
        field, value = _value(definition, one)
        if one.feature_id not in now.index:
            continue
        cell = text_of(now.loc[one.feature_id, field.name])
        if not is_same_thing(str(one.feature_id), then, now):
            what = _("这个编号现指另一处的对象")
        elif cell not in (text_of(then.loc[one.feature_id, field.name]), text_of(value)):
            what = _("图层现为 {}").format(cell or _("未填"))
        else:
            continue
        message = _(
            "{}:字段 {} 的问题出自图层第 {} 版,此后已变({})。请重新列出待查事项后再答。"
        ).format(one.subject, field.name, asked_of, what)
        raise AnswerError(message, _("问题列出后图层已变({}),请返回后重新进入").format(what))


def asked_before(answers: Iterable[Answer], current: Mapping[str, int]) -> list[str]:
    """That answers were asked of a version that is not the current one, as notes."""
    counts = Counter(
        (one.layer, one.version)
        for one in answers
        if one.version is not None and one.version != current.get(one.layer, 0)
    )
    return [
        _("{} 项的问题出自图层 {} 第 {} 版,现为第 {} 版;所答的值此后未变,已采用").format(
            count, layer, version, current.get(layer, 0)
        )
        for (layer, version), count in counts.items()
    ]


def _value(definition: LayerDefinition, one: Answer) -> tuple[Field, object]:
    """The field of an answer and its value in the layer's own type."""
    fields = {field.name: field for field in definition.fields[1:]}
    field = fields.get(one.field)
    if field is None:
        raise LayerError(
            _("{}:图层 {} 没有可回答的字段 {};可用的字段:{}。").format(
                one.subject, definition.name, one.field, _("、").join(fields)
            )
        )
    if is_missing(one.value):
        message = _("{}:字段 {} 的答案是空的。").format(one.subject, one.field)
        raise AnswerError(message, _("请写明答案"))
    values, broken = coerce(pd.Series([one.value], dtype=object), field)
    if broken:
        message = _("{}:字段 {} 的值 {}:{}。请改正。").format(
            one.subject, one.field, one.value, broken[0]
        )
        raise AnswerError(message, broken[0])
    if values[0] == UNSAID:
        raise AnswerError(_("{}:“未知”不是答案。").format(one.subject), _("“未知”不是答案"))
    return field, values[0]


def _rows(table: gpd.GeoDataFrame, one: Answer, value: object, *, replace: bool) -> pd.Index:
    """The rows that an answer fills; none where the layer says so already."""
    if one.feature_id is None:
        raise LayerError(
            _("{}:字段 {} 须逐条核实;请按编号作答(如 line:编号),或重新导入图层。").format(
                one.subject, one.field
            )
        )
    if one.feature_id not in table.index:
        message = _("{}:图层中没有这个编号。请核对。").format(one.subject)
        raise AnswerError(message, _("图层中已没有这个编号"))
    known = table.loc[one.feature_id, one.field]
    if not pd.isna(known) and known == value:
        return pd.Index([])
    if not (pd.isna(known) or known == UNSAID or replace):
        message = _("{}:字段 {} 已有值 {};确要改正请加 --replace。").format(
            one.subject, one.field, known
        )
        raise AnswerError(message, _("图层中已有值 {}").format(known))
    return pd.Index([one.feature_id])


def new_problems(
    definition: LayerDefinition,
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    ids: Sequence[str],
) -> list[Problem]:
    """The rules of a layer that some rows break after a change and did not break before it."""
    if not ids:
        return []
    known = {(p.feature_id, p.field, p.rule) for p in _problems(definition, before.loc[ids])}
    return [
        problem
        for problem in _problems(definition, after.loc[ids])
        if (problem.feature_id, problem.field, problem.rule) not in known
    ]


def _problems(definition: LayerDefinition, table: gpd.GeoDataFrame) -> list[Problem]:
    rows = Rows(definition, table.reset_index(), _("答案"), np.arange(1, len(table) + 1))
    return [*row_problems(rows), *in_future(rows, date.today().isoformat())]


def by_layer(answers: Iterable[Answer]) -> Mapping[str, list[Answer]]:
    """Answers by the layer that they change; raise ``LayerError`` for a subject of none."""
    found: dict[str, list[Answer]] = {}
    for one in answers:
        found.setdefault(one.layer, []).append(one)
    return found

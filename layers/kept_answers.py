"""Answers that hold 有效的核实结果, and what becomes of them when a layer gets another table.

What people found out outlives the file that it was told of: where the next file leaves the cell
empty the answer stays, and where it says otherwise somebody decides which of the two counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import pandas as pd

from language import gettext as _
from layers.answers import new_problems
from layers.attribute_checks import CONTRADICTED
from layers.coercion import coerce
from layers.conforming import Conformed
from layers.edits import UNSAID, Change, Edit, holds, is_same_thing, now_of, said, told_briefly
from layers.errors import LayerError
from layers.fields import LayerDefinition, layer_definition
from layers.moments import day_of
from layers.problems import Problem

# Which counts where a file contradicts an answer: the answer, or the file.
KEEP, DROP = "keep", "drop"
CHOICES = (KEEP, DROP)
_SHOWN = 20  # contradictions named in a message; the others are counted


@dataclass(frozen=True)
class Kept:
    """A table with the answers that outlive it.

    ``dropped`` are the cells in which the table counts from now on, as changes of answers;
    ``undecided`` says that nobody said yet which of two contradicting values counts.
    """

    table: gpd.GeoDataFrame
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    dropped: tuple[Change, ...] = ()
    undecided: bool = False

    def beside(self, conformed: Conformed) -> Conformed:
        """Return a file as a layer with the answers that it keeps, and what there is to tell."""
        return replace(
            conformed,
            table=self.table,
            problems=(*self.problems, *conformed.problems),
            notes=(*conformed.notes, *self.notes),
        )


def kept_over(
    layer: str,
    table: gpd.GeoDataFrame,
    answers: Sequence[Edit],
    before: gpd.GeoDataFrame,
    *,
    file: str,
    choice: str | None = None,
) -> Kept:
    """Return what a file's table is together with the answers that the layer held ``before`` it.

    An answer fills the cell that the file leaves empty. Where the file has another value, or the
    answer breaks a rule of the layer with what the file says of the row, ``choice`` tells which
    counts; without one the file's does, and ``undecided`` is set. Answers to things that the file
    does not have, or that its id stands for no more, are told.

    Raises
    ------
    LayerError
        For an answer that cannot stand beside what the file says of its row, if it is to be kept.
    """
    definition = layer_definition(layer)
    of_cells = [one for one in answers if not one.is_of_layer]
    there = [one for one in of_cells if is_same_thing(one.feature_id, before, table)]
    gone = [one for one in of_cells if one not in there]
    unfilled = [one for one in there if _is_unsaid(table.loc[one.feature_id, one.field])]
    broken = _broken(definition, table, unfilled)
    fills = [one for one in unfilled if one.feature_id not in broken]
    filled = _with(table, fills)
    against = [one for one in there if one not in fills and not holds(one, table)]
    problems = [_against(one, table, broken, file, choice) for one in against]
    problems += [_gone(one, table, file) for one in gone]
    told = [*_notes(fills, against, choice), *_peopled(table, answers)]
    if choice != KEEP:
        dropped = tuple(_dropped(one, table) for one in against if choice == DROP)
        undecided = bool(against) and choice is None
        return Kept(filled, tuple(problems), tuple(told), dropped, undecided)
    whole = _with(filled, against)
    problems += _refuse_errors(new_problems(definition, filled, whole, _ids(against)))
    return Kept(whole, tuple(problems), tuple(told))


def refuse_undecided(kept: Kept, file: str) -> None:
    """Raise ``LayerError`` with the contradictions between a file and answers, if there are any."""
    if not kept.undecided:
        return
    against = [one for one in kept.problems if one.rule_id == CONTRADICTED]
    lines = [one.message for one in against[:_SHOWN]]
    if len(against) > _SHOWN:
        lines.append(_("……另有 {} 处").format(len(against) - _SHOWN))
    summary = _(
        "文件 {}:有 {} 处与核实结果不符,未导入任何内容。"
        "请核对后写明以哪个为准:--answers keep(核实结果)或 --answers drop(文件)。"
    ).format(file, len(against))
    raise LayerError("\n".join([summary, *lines]), kept.problems)


def _is_unsaid(cell: object) -> bool:
    return cell == UNSAID or bool(pd.isna(cell))  # type: ignore[call-overload]


def _ids(answers: Iterable[Edit]) -> list[str]:
    return list(dict.fromkeys(one.feature_id for one in answers))


def _with(table: gpd.GeoDataFrame, answers: Sequence[Edit]) -> gpd.GeoDataFrame:
    """A table with the values of some answers."""
    if not answers:
        return table
    filled, definition = table.copy(), layer_definition(answers[0].layer)
    for one in answers:
        (value,), _rule = coerce(pd.Series([one.new], dtype=object), definition.field(one.field))
        filled.loc[[one.feature_id], one.field] = value
    return filled


def _broken(
    definition: LayerDefinition, table: gpd.GeoDataFrame, answers: Sequence[Edit]
) -> Mapping[str, str]:
    """Rows in which an answer breaks a rule with what the file says, each with that rule."""
    found = new_problems(definition, table, _with(table, answers), _ids(answers))
    return {str(one.feature_id): one.rule for one in found}


def _refuse_errors(problems: Sequence[Problem]) -> Sequence[Problem]:
    errors = tuple(one for one in problems if one.severity == "error")
    if errors:
        cure = _("核实结果与文件不能并存。请改正文件,或用 --answers drop。")
        raise LayerError("\n".join([cure, *(one.message for one in errors)]), errors)
    return problems


def _against(
    one: Edit,
    table: gpd.GeoDataFrame,
    broken: Mapping[str, str],
    file: str,
    choice: str | None,
) -> Problem:
    rule = _("与核实结果 {} 不符").format(said(one))
    value = now_of(one, table)
    if one.feature_id in broken and _is_unsaid(table.loc[one.feature_id, one.field]):
        rule = _("未填,核实结果 {} 与文件中该行其他值矛盾:{}").format(
            said(one), broken[one.feature_id]
        )
        value = None
    cures: dict[str | None, str] = {
        KEEP: _("已以核实结果为准"),
        DROP: _("已以文件为准"),
        None: _("请核对以哪个为准"),
    }
    return _problem(one, file, rule, cures[choice], value=value, rule_id=CONTRADICTED)


def _gone(one: Edit, table: gpd.GeoDataFrame, file: str) -> Problem:
    rule = (
        _("文件中这个编号指另一处的对象,其核实结果 {} 不再生效")
        if one.feature_id in table.index
        else _("文件中没有这个编号,其核实结果 {} 不再生效")
    )
    return _problem(
        one,
        file,
        rule.format(said(one)),
        _("请核对编号是否改过;仍成立的按新编号重新填写"),
    )


def _problem(
    one: Edit,
    file: str,
    rule: str,
    cure: str,
    *,
    value: str | None = None,
    rule_id: str = "",
) -> Problem:
    return Problem(
        layer=one.layer,
        file=file,
        row=None,
        feature_id=one.feature_id,
        field=one.field,
        value=value,
        rule=rule,
        cure=cure,
        severity="warning",
        rule_id=rule_id,
    )


def _dropped(one: Edit, table: gpd.GeoDataFrame) -> Change:
    return one.feature_id, one.field, one.new, now_of(one, table) or ""


def _notes(fills: Sequence[Edit], against: Sequence[Edit], choice: str | None) -> Iterator[str]:
    if fills:
        yield _("文件未填处保留核实结果 {} 项:{}").format(len(fills), told_briefly(fills))
    if against and choice == KEEP:
        yield _("与文件不符,以核实结果为准 {} 项:{}").format(len(against), told_briefly(against))
    if against and choice == DROP:
        yield _("与核实结果不符,以文件为准 {} 项:{}").format(len(against), told_briefly(against))


def _peopled(table: gpd.GeoDataFrame, answers: Iterable[Edit]) -> Iterator[str]:
    """That a county was said to have none of what the file has."""
    for one in answers:
        if one.is_of_layer and len(table):
            yield _("此前答复本县无此类对象({} {}),现以文件为准").format(
                one.author, day_of(one.made_at)
            )

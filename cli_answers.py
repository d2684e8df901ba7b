"""The command that takes answers to questions, and lists those that were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click
import geopandas as gpd

from cli_parts import as_json_option, print_json, print_lines
from language import gettext as _
from layers.answers import Answer, asked_before, read_answers
from layers.edits import WHOLE_LAYER, Edit, holds, now_of
from layers.errors import LayerError
from layers.moments import moment
from layers.store import Workspace


@click.command(name="answer", help=_("回填待查事项:存为图层的新版本,对所有案件生效。"))
@click.argument("workspace", type=click.Path(path_type=Path))
@click.argument("subject", required=False)
@click.argument("field", required=False)
@click.argument("value", required=False)
@click.option(
    "--file", "file", type=click.Path(path_type=Path), help=_("填了 answer 列的待查事项 CSV")
)
@click.option("--author", default="", help=_("核实人"))
@click.option("--note", default="", help=_("依据或说明"))
@click.option("--replace", is_flag=True, help=_("改正已有的值"))
@click.option("--withdraw", is_flag=True, help=_("收回这一项答案,恢复原值;不写 VALUE"))
@click.option("--list", "listed", is_flag=True, help=_("列出已存的答案,并注明现在是否仍然生效"))
@as_json_option
def answer(
    workspace: Path,
    subject: str | None,
    field: str | None,
    value: str | None,
    file: Path | None,
    author: str,
    note: str,
    replace: bool,
    withdraw: bool,
    listed: bool,
    as_json: bool,
) -> None:
    """Store answers to questions, or list those that are stored."""
    opened = Workspace.open(workspace)
    given = [text for text in (subject, field, value) if text is not None]
    wanted = 2 if withdraw else 3
    if len(given) not in (0, wanted) or (len(given) == wanted) + (file is not None) + listed != 1:
        raise click.UsageError(
            _("须写明 对象 字段 值(收回的只写 对象 字段),或用 --file、--list 中的一个。")
        )
    if listed:
        _list(opened, as_json=as_json)
        return
    if withdraw:
        taken = _held(opened, Answer(*given, ""))
        edits, notes = opened.withdraw(taken, author=author, note=note), []
        _tell(edits, notes, as_json=as_json)
        return
    answers = read_answers(file) if file else [Answer(*given)]
    current = {layer: one.version for layer, one in opened.versions().items()}
    edits = opened.answer(answers, author=author, note=note, replace=replace)
    _tell(edits, asked_before(answers, current), as_json=as_json)


def _held(opened: Workspace, asked: Answer) -> Edit:
    """The answer in force of a subject and field; raise ``LayerError`` if there is none."""
    cell = (asked.feature_id, asked.field)
    cell = cell if asked.feature_id else WHOLE_LAYER
    found = opened.held(opened.version(asked.layer))
    wanted = next((one for one in found if (one.feature_id, one.field) == cell), None)
    if wanted is None:
        raise LayerError(
            _("{}:字段 {} 没有现仍生效的答案,无可收回。请用 answer --list 核对。").format(
                asked.subject, asked.field
            )
        )
    return wanted


def _tell(edits: Sequence[Edit], notes: Sequence[str], *, as_json: bool) -> None:
    """What changed in the layers."""
    if as_json:
        print_json({"edits": [asdict(edit) for edit in edits], "notes": notes})
        return
    if not edits:
        click.echo(_("没有改动:图层中已是这些值。"))
    print_lines([*map(_line, edits), *notes])


def _list(opened: Workspace, *, as_json: bool) -> None:
    """Every answer that was given, with whether the layer still says so."""
    edits, versions = opened.edits(), opened.versions()
    tables = {layer: opened.read(versions[layer]) for layer in {one.layer for one in edits}}
    if as_json:
        print_json({"edits": [_told(edit, tables) for edit in edits]})
        return
    if not edits:
        click.echo(_("没有已存的答案。"))
    print_lines([_line(edit) + _state(edit, tables[edit.layer]) for edit in edits])


def _told(edit: Edit, tables: Mapping[str, gpd.GeoDataFrame]) -> dict[str, object]:
    table = tables[edit.layer]
    return {**asdict(edit), "holds": holds(edit, table), "now": now_of(edit, table)}


def _line(edit: Edit) -> str:
    return (
        _("{layer} 第 {version} 版:{feature_id} 的 {field} 由 {old} 改为 {new}").format(
            **{**asdict(edit), "old": edit.old or _("未填"), "new": edit.new or _("未填")}
        )
        + f"({edit.author} {moment(edit.made_at)} {edit.note})"
    )


def _state(edit: Edit, table: gpd.GeoDataFrame) -> str:
    """Whether an answer holds now; nothing of a repair, which has no cell."""
    known = holds(edit, table)
    if known is None:
        return ""
    if known:
        return _(" 现仍生效")
    if edit.is_of_layer:
        return _(" 已不生效:图层已有 {} 行").format(len(table))
    if edit.feature_id not in table.index:
        return _(" 已不生效:图层中已无此编号")
    return _(" 已不生效:现为 {}").format(now_of(edit, table) or _("未填"))


ANSWERS: Sequence[click.Command] = (answer,)

"""Commands over what is wrong in the layers: tell it, report it, repair it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

import settings
from cli_parts import as_json_option, messages, print_json, print_lines, progress
from language import gettext as _
from layers.check_rules import check_rules
from layers.checks import check_layers
from layers.errors import LayerError
from layers.fields import layer_definition
from layers.problems import Problem
from layers.repairs import Repair, preview, problems_to_repair
from layers.store import Workspace
from reports.exchange import require_place
from reports.problem_report import REPORT_FILES, write_problem_report

workspace_argument = click.argument("workspace", type=click.Path(path_type=Path))


@click.command(help=_("核对工作区的全部图层,列出问题。"))
@workspace_argument
@click.option("--layer", "layers", multiple=True, help=_("只列这个图层的问题,可重复"))
@click.option("--report", type=click.Path(path_type=Path), help=_("另写成报告:.html 或 .xlsx 文件"))
@as_json_option
@click.pass_context
def check(
    ctx: click.Context,
    workspace: Path,
    layers: Sequence[str],
    report: Path | None,
    as_json: bool,
) -> None:
    """List the problems of all layers."""
    if report is not None:
        require_place(report, *REPORT_FILES)
    for layer in layers:
        layer_definition(layer)  # refuses a layer that there is none of
    survey = Workspace.open(workspace).survey()
    rows = {
        layer: len(table) for layer, table in survey.tables.items() if not layers or layer in layers
    }
    problems: list[Problem] = []
    with progress(_("核对"), len(rows)) as bar:
        for _layer, found in check_layers(survey, layers=layers or None):
            problems += found
            bar.update(1)
    if report is not None:
        write_problem_report(problems, survey, report, layers=tuple(rows))
    notes = [problem for problem in problems if problem.severity == "note"]
    if as_json:
        answer = {"layers": rows, "problems": [problem.to_json() for problem in problems]}
        print_json(answer | ({} if report is None else {"report": str(report)}))
    else:
        print_lines(messages(problems))
        click.echo(
            _("共 {} 个图层,{} 处问题").format(len(rows), len(problems) - len(notes))
            + (_(",另有 {} 处提示").format(len(notes)) if notes else "")
        )
        if report is not None:
            click.echo(_("报告:{}").format(report))
    ctx.exit(1 if len(problems) > len(notes) else 0)


@click.command(help=_("修复核对出的问题:存为图层的新版本,用 rollback 撤销。"))
@workspace_argument
@click.option("--problem", "ids", multiple=True, help=_("问题编号(见 check --json),可重复"))
@click.option("--rule", help=_("修复此规则的全部问题,如 near_miss"))
@click.option("--layer", help=_("只修复这个图层"))
@click.option("--preview", "only_preview", is_flag=True, help=_("只显示将如何修复,不存"))
@click.option("--author", default=settings.author, help=_("经办人,缺省为本机用户名"))
@click.option("--note", default="", help=_("依据或说明"))
@as_json_option
def repair(
    workspace: Path,
    ids: Sequence[str],
    rule: str | None,
    layer: str | None,
    only_preview: bool,
    author: str,
    note: str,
    as_json: bool,
) -> None:
    """Repair problems, or show what would be done."""
    if bool(ids) == (rule is not None):
        raise click.UsageError(_("须写明 --problem 或 --rule 中的一个。"))
    _refuse_hopeless(rule)
    opened = Workspace.open(workspace)
    survey = opened.survey()
    problems = problems_to_repair(survey, ids=ids, rule=rule, layer=layer)
    if only_preview:
        repairs = [preview(survey, problem) for problem in problems]
        stored = {}
    else:
        repairs = opened.repair(problems, author=author, note=note)
        stored = {
            name: opened.version(name).version
            for name in dict.fromkeys(one.problem.layer for one in repairs)
        }
    if as_json:
        print_json({"repairs": [one.to_json() for one in repairs], "versions": stored})
        return
    print_lines([line for one in repairs for line in _told(one)])
    click.echo(
        _("可修复 {} 处,未存").format(len(repairs))
        if only_preview
        else _("已修复 {} 处").format(len(repairs))
    )
    print_lines(
        [
            _("图层 {} 现为第 {} 版;撤销:rollback --layer {} --to {}").format(
                name, version, name, version - 1
            )
            for name, version in stored.items()
        ]
    )


def _refuse_hopeless(rule: str | None) -> None:
    rules = check_rules()
    if rule is not None and (rule not in rules or rules[rule].repair is None):
        raise LayerError(
            _("规则“{}”没有修复办法。可修复的规则:{}。").format(
                rule, _("、").join(one.rule_id for one in rules.values() if one.repair)
            )
        )


def _told(one: Repair) -> list[str]:
    said = _("{} {}:{}").format(one.problem.layer, one.problem.feature_id or "", one.words)
    return [said if one.meaning is None else _("{}。注意:{}").format(said, one.meaning)]


CHECKS = (check, repair)

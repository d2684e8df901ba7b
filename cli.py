"""Tonggou's door for the command line: ``python cli.py COMMAND``.

Exit 0: done. 1: done, with problems. 2: unusable arguments, file or workspace; nothing changed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from gettext import gettext as _
from pathlib import Path
from typing import Any

import click

import settings
from gis.crs import CrsError
from layers.checks import check_layers
from layers.counties import county_crs
from layers.errors import LayerError, ReadError, WorkspaceError
from layers.problems import Problem
from layers.store import Workspace
from ui import language

# What a user can put right. Any other error is ours, and shows where it came from.
USER_ERRORS = (ReadError, LayerError, WorkspaceError, CrsError, OSError)

language.start()


class ErrorsAsExits(click.Group):
    """A group whose commands end with exit code 2 and a message on a user's error."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn user errors into messages."""
        try:
            return super().invoke(ctx)
        except USER_ERRORS as error:
            problems = [asdict(problem) for problem in getattr(error, "problems", ())]
            if ctx.meta.get("json"):
                _print_json({"error": str(error), "problems": problems})
            click.echo(str(error), err=True)
            ctx.exit(2)


def _remember_json(ctx: click.Context, _option: click.Parameter, value: bool) -> bool:
    ctx.meta["json"] = value
    return value


as_json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,
    callback=_remember_json,
    help=_("结果以 JSON 输出"),
)


@click.group(cls=ErrorsAsExits, help=_("同沟:水电气网联动报装的联合踏勘与共享沟槽规划。"))
def main() -> None:
    """Joint survey and shared-trench planning."""


@main.command(help=_("新建工作区。"))
@click.argument("workspace", type=click.Path(path_type=Path))
@click.option("--county", required=True, help=_("县级规则,如 411523_xinxian"))
@click.option("--crs", help=_("投影坐标系,如 EPSG:4547;不给则用县级规则中的坐标系"))
@as_json_option
def init(workspace: Path, county: str, crs: str | None, as_json: bool) -> None:
    """Make a new workspace."""
    chosen = crs or county_crs(settings.counties(), county)
    if chosen is None:
        raise WorkspaceError(_("县级规则 {} 没有写明坐标系。请用 --crs 指明。").format(county))
    if crs:
        county_crs(settings.counties(), county)  # refuses a county without rules
    made = Workspace.create(workspace, county, chosen)
    if as_json:
        _print_json({"workspace": str(made.path), "county": county, "crs": chosen})
    else:
        click.echo(_("已新建工作区 {}({},{})").format(workspace, county, chosen))


@main.command(name="import", help=_("导入一个 GeoPackage 或 GeoJSON 文件为图层的新版本。"))
@click.argument("workspace", type=click.Path(path_type=Path))
@click.argument("file", type=str)
@click.option("--layer", required=True, help=_("导入为哪个图层,如 parcels"))
@click.option("--source-layer", help=_("GeoPackage 中的图层名"))
@click.option("--crs", help=_("文件的真实坐标系,如 EPSG:4547"))
@click.option("--map", "mapping", multiple=True, help=_("字段=列名,可重复"))
@click.option("--set", "constants", multiple=True, help=_("字段=值,对所有行,可重复"))
@click.option("--id-prefix", default="", help=_("加在每个编号前的文字,用于区分来源"))
@click.option("--append", is_flag=True, help=_("保留该图层已有的行"))
@click.option("--accept-valid", is_flag=True, help=_("导入无误的行,有误的行另存并写明原因"))
@as_json_option
@click.pass_context
def import_(
    ctx: click.Context,
    workspace: Path,
    file: str,
    layer: str,
    source_layer: str | None,
    crs: str | None,
    mapping: Sequence[str],
    constants: Sequence[str],
    id_prefix: str,
    append: bool,
    accept_valid: bool,
    as_json: bool,
) -> None:
    """Store a file as the next version of a layer."""
    with _progress(_("导入"), 3) as bar:
        result = Workspace.open(workspace).import_layer(
            layer,
            file,
            source_layer=source_layer,
            crs=crs,
            mapping=_pairs("--map", mapping),
            constants=_pairs("--set", constants),
            id_prefix=id_prefix,
            append=append,
            accept_valid=accept_valid,
            progress=lambda _step: bar.update(1),
        )
    if as_json:
        answer = asdict(result)
        beside = result.rejected_file
        _print_json(answer | {"rejected_file": str(beside) if beside else None})
    else:
        click.echo(
            _("图层 {} 第 {} 版:{} 行,未导入 {} 行").format(
                layer, result.version, result.rows, result.rejected
            )
        )
        _print_lines([*result.notes, *_messages(result.problems)])
        if result.rejected_file:
            click.echo(_("未导入的行及原因:{}").format(result.rejected_file))
    ctx.exit(1 if result.rejected else 0)


@main.command(help=_("核对工作区的全部图层,列出问题。"))
@click.argument("workspace", type=click.Path(path_type=Path))
@as_json_option
@click.pass_context
def check(ctx: click.Context, workspace: Path, as_json: bool) -> None:
    """List the problems of all layers."""
    survey = Workspace.open(workspace).survey()
    rows = {layer: len(table) for layer, table in survey.tables.items()}
    problems: list[Problem] = []
    with _progress(_("核对"), len(rows)) as bar:
        for _layer, found in check_layers(survey):
            problems += found
            bar.update(1)
    if as_json:
        _print_json({"layers": rows, "problems": [asdict(problem) for problem in problems]})
    else:
        _print_lines(_messages(problems))
        click.echo(_("共 {} 个图层,{} 处问题").format(len(rows), len(problems)))
    ctx.exit(1 if problems else 0)


def _progress(label: str, steps: int) -> AbstractContextManager[Any]:
    """Return a progress bar on standard error, silent where nobody is watching."""
    return click.progressbar(
        length=steps, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    )


def _pairs(option: str, texts: Sequence[str]) -> Mapping[str, str]:
    """Split ``field=value`` texts at the first equals sign."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name or not value or name in pairs:
            raise LayerError(_("{} {}:须写作 字段=值,每个字段一次。请改正。").format(option, text))
        pairs[name] = value
    return pairs


def _messages(problems: Sequence[Problem]) -> list[str]:
    return [problem.message for problem in problems]


def _print_lines(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_json(answer: Mapping[str, Any]) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False, allow_nan=False))


if __name__ == "__main__":
    main()

"""Commands over the stored versions of layers: list, compare, return to one, export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

import settings
from cli_parts import as_json_option, print_json, print_lines, progress
from language import gettext as _
from layers.diffs import FeatureChange, diff
from layers.edits import taken_back_words
from layers.moments import moment
from layers.store import Workspace
from layers.survey import LayerVersion
from reports.exchange import require_place
from reports.layer_export import WRITERS, write_layer

workspace_argument = click.argument("workspace", type=click.Path(path_type=Path))
layer_option = click.option("--layer", required=True, help=_("哪个图层,如 lines"))
author_option = click.option("--author", default=settings.author, help=_("经办人,缺省为本机用户名"))


@click.command(help=_("列出图层的各个版本:何时、何人、由何而来。"))
@workspace_argument
@click.option("--layer", help=_("只列这个图层"))
@as_json_option
def versions(workspace: Path, layer: str | None, as_json: bool) -> None:
    """List versions of layers, with the files that were imported and the exports."""
    opened = Workspace.open(workspace)
    found = opened.history(layer)
    sources = [one for one in opened.sources() if layer in (None, one.layer)]
    exports = [one for one in opened.exports() if layer in (None, one.layer)]
    if as_json:
        print_json(
            {
                "versions": [asdict(one) for one in found],
                "sources": [asdict(one) for one in sources],
                "exports": [asdict(one) for one in exports],
            }
        )
        return
    print_lines([_version_line(one) for one in found])
    print_lines(
        [
            _("导出 {layer} 第 {version} 版为 {format}:{author} {made_at} {reason}").format(
                **{**asdict(one), "made_at": moment(one.made_at)}
            )
            for one in exports
        ]
    )


@click.command(name="diff", help=_("比较图层的两个版本:按编号列出增加、删除和改动。"))
@workspace_argument
@layer_option
@click.argument("old", type=int)
@click.argument("new", type=int)
@as_json_option
def diff_(workspace: Path, layer: str, old: int, new: int, as_json: bool) -> None:
    """Compare two versions of a layer."""
    opened = Workspace.open(workspace)
    before, after = (opened.read(opened.version(layer, number)) for number in (old, new))
    found = diff(before, after)
    if as_json:
        print_json({"layer": layer, "old": old, "new": new, **asdict(found)})
        return
    print_lines([_("增加 {}").format(name) for name in found.added])
    print_lines([_("删除 {}").format(name) for name in found.removed])
    print_lines([line for change in found.changed for line in _change_lines(change)])
    click.echo(
        _("共增加 {} 行,删除 {} 行,改动 {} 行").format(
            len(found.added), len(found.removed), len(found.changed)
        )
    )


@click.command(help=_("退回到某个版本:其内容存为新版本,不删除任何版本。"))
@workspace_argument
@layer_option
@click.option("--to", "number", type=int, required=True, help=_("退回到第几版"))
@author_option
@click.option("--note", default="", help=_("原因"))
@as_json_option
def rollback(
    workspace: Path, layer: str, number: int, author: str, note: str, as_json: bool
) -> None:
    """Store what an earlier version held as the next version."""
    opened = Workspace.open(workspace)
    lost = opened.taken_back(layer, number)
    made = opened.rollback(layer, number, author=author, note=note)
    if as_json:
        print_json({**asdict(made), "taken_back": [asdict(one) for one in lost]})
        return
    click.echo(_version_line(made))
    print_lines(list(map(taken_back_words, lost)))


def _version_line(one: LayerVersion) -> str:
    said = _("{layer} 第 {version} 版:{rows} 行,{source_file},{author} {imported_at}").format(
        **{
            **asdict(one),
            "author": one.author or _("经办人未记录"),
            "imported_at": moment(one.imported_at),
        }
    )
    counted = (
        ""
        if one.rejected is None
        else _(",源 {} 行,未导入 {} 行").format(one.rows_in, one.rejected)
    )
    return f"{said}{counted}{' ' if one.note else ''}{one.note}"


def _change_lines(change: FeatureChange) -> Iterator[str]:
    for cell in change.cells:
        old, new = (_("未填") if value is None else value for value in (cell.old, cell.new))
        yield _("改动 {}:{} 由 {} 改为 {}").format(change.feature_id, cell.field, old, new)
    if change.shape is None:
        return
    said = _("改动 {}:图形移动 {:.3f} 米").format(change.feature_id, change.shape.moved_m)
    if change.shape.length_m is not None:
        said += _(",长度变化 {:+.3f} 米").format(change.shape.length_m)
    if change.shape.area_m2 is not None:
        said += _(",面积变化 {:+.3f} 平方米").format(change.shape.area_m2)
    yield said


@click.command(help=_("导出图层的任一版本:GeoPackage、GeoJSON、Shapefile(.zip)、DXF、KML 或 CSV。"))
@workspace_argument
@layer_option
@click.option("--version", "number", type=int, help=_("第几版,缺省为当前版本"))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help=_(".gpkg、.geojson、.zip、.dxf、.kml 或 .csv 文件"),
)
@click.option("--reason", default="", help=_("事由;导出敏感数据时必填"))
@author_option
@as_json_option
def export(
    workspace: Path,
    layer: str,
    number: int | None,
    out: Path,
    reason: str,
    author: str,
    as_json: bool,
) -> None:
    """Write a version of a layer for other programs, and record who took it."""
    require_place(out, *WRITERS)
    opened = Workspace.open(workspace)
    version = opened.version(layer, number)
    form = out.suffix.lower().removeprefix(".")
    opened.refuse_export(version, author=author, reason=reason)
    with progress(_("导出"), 2) as bar:
        table = opened.read(version)
        bar.update(1)
        notes = write_layer(
            table,
            layer,
            out,
            lambda: opened.record_export(version, form, author=author, reason=reason),
        )
        bar.update(1)
    if as_json:
        told = {"layer": layer, "version": version.version, "rows": version.rows}
        print_json({"out": str(out), **told, "notes": notes})
    else:
        click.echo(
            _("已导出 {}:图层 {} 第 {} 版,{} 行").format(out, layer, version.version, version.rows)
        )
        print_lines(notes)


COMMANDS = (versions, diff_, rollback, export)

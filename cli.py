"""Tonggou's door for the command line: ``python cli.py COMMAND``.

Exit 0: done. 1: done, with problems. 2: unusable arguments, file or workspace; nothing changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

import settings
from cli_answers import ANSWERS
from cli_checks import CHECKS
from cli_parts import (
    as_json_option,
    every_language_option,
    messages,
    print_json,
    print_lines,
    progress,
)
from cli_versions import COMMANDS
from gis.crs import CrsError
from language import gettext as _
from language import in_each, message_of
from layers import databases
from layers.counties import county_bounds, county_crs
from layers.drawn_lines import read_line
from layers.errors import LayerError, ReadError, WorkspaceError
from layers.fields import LAYERS
from layers.imports import DATA_CLASSES, ImportResult
from layers.json_faults import NOT_JSON, json_fault
from layers.kept_answers import CHOICES
from layers.store import Workspace
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Application, ApplicationError, parse_application
from planning.comparisons import day
from planning.county_questions import questions_of_cases, with_versions
from planning.county_screening import (
    KEPT,
    TAKEN_ON,
    CountyScreening,
    Inputs,
    readable,
    screen_county,
)
from planning.drawn_routes import FEEDS, drawn_entry
from planning.groundwork import placed, prepare
from planning.manual_routes import RefusedRoute
from planning.notices import day_notices
from planning.plan import plan
from planning.policies import load_policy
from planning.rule_files import RuleFileError
from planning.texts import in_words
from planning.verdicts import JudgeInputError, judge_payload
from reports.exchange import (
    QUESTION_FILES,
    ExportError,
    require_place,
    table_writer,
    write_drawing,
    write_graph,
    write_json,
    write_plan,
    write_questions,
)
from reports.layer_picture import draw_layer
from reports.reasons import STATUSES
from reports.summary import asked_first, plan_summary
from ui.sample import make_sample

# What a user can put right. Any other error is ours, and shows where it came from.
USER_ERRORS = (
    ReadError,
    LayerError,
    WorkspaceError,
    CrsError,
    ApplicationError,
    JudgeInputError,
    RuleFileError,
    ExportError,
    OSError,
)


class ErrorsAsExits(click.Group):
    """A group whose commands end with exit code 2 and a message on a user's error."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn user errors into messages."""
        try:
            return super().invoke(ctx)
        except USER_ERRORS as error:
            problems = [asdict(problem) for problem in getattr(error, "problems", ())]
            if ctx.meta.get("json"):
                told = in_each(error) if ctx.meta.get("every_language") else str(error)
                print_json({"error": told, "problems": problems})
            click.echo(str(error), err=True)
            ctx.exit(2)


@click.group(cls=ErrorsAsExits, help=_("同沟:水电气网联动报装的联合踏勘与共享沟槽规划。"))
def main() -> None:
    """Joint survey and shared-trench planning."""
    databases.use(settings.database_url())


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
        print_json({"workspace": str(made.path), "county": county, "crs": chosen})
    else:
        click.echo(_("已新建工作区 {}({},{})").format(workspace, county, chosen))


@main.command(name="import", help=_("把一个文件导入为图层的新版本;可用的格式见 docs/formats.md。"))
@click.argument("workspace", type=click.Path(path_type=Path))
@click.argument("file", type=str)
@click.option("--layer", required=True, help=_("导入为哪个图层,如 parcels"))
@click.option("--source-layer", help=_("文件中的图层名或工作表名"))
@click.option("--points", help=_("管线表另存一份时,管线点表的文件"))
@click.option("--crs", help=_("文件的真实坐标系:EPSG:4547、EPSG:4547 ft、GCJ-02 或 BD-09"))
@click.option("--swap-axes", is_flag=True, help=_("文件的坐标先北后东"))
@click.option("--datum-shift", help=_("转换参数:dx,dy,dz 或 dx,dy,dz,rx,ry,rz,尺度,旋转约定"))
@click.option(
    "--map",
    "mapping",
    multiple=True,
    help=_("字段=列名,可重复;表格的坐标列用 north=列名、east=列名"),
)
@click.option("--set", "constants", multiple=True, help=_("字段=值,对所有行,可重复"))
@click.option("--unit", "units", multiple=True, help=_("字段=单位,列的单位与字段不同时,可重复"))
@click.option("--source", help=_("来源名称;--map 和 --unit 按来源记住"))
@click.option("--make-ids", is_flag=True, help=_("文件没有编号列时,由各行内容生成编号"))
@click.option("--id-prefix", default="", help=_("加在每个编号前的文字,用于区分来源"))
@click.option("--append", is_flag=True, help=_("保留该图层已有的行"))
@click.option("--picture", type=click.Path(path_type=Path), help=_("画出图层落在哪里(.svg)"))
@click.option("--accept-valid", is_flag=True, help=_("导入无误的行,有误的行另存并写明原因"))
@click.option("--accept-empty", is_flag=True, help=_("文件没有一行数据也导入:图层从此为空"))
@click.option(
    "--answers",
    type=click.Choice(CHOICES),
    help=_("文件与核实结果不符时以哪个为准:keep 核实结果、drop 文件;不写则不导入,逐项列出"),
)
@click.option(
    "--class",
    "data_class",
    type=click.Choice(DATA_CLASSES),
    default="internal",
    help=_("数据类别:public 公开、internal 内部(缺省)、sensitive 敏感;涉密数据不得导入"),
)
@click.option("--author", default=settings.author, help=_("经办人,缺省为本机用户名"))
@as_json_option
@click.pass_context
def import_(
    ctx: click.Context,
    workspace: Path,
    file: str,
    layer: str,
    source_layer: str | None,
    points: str | None,
    crs: str | None,
    swap_axes: bool,
    datum_shift: str | None,
    mapping: Sequence[str],
    constants: Sequence[str],
    units: Sequence[str],
    source: str | None,
    make_ids: bool,
    id_prefix: str,
    append: bool,
    picture: Path | None,
    accept_valid: bool,
    accept_empty: bool,
    answers: str | None,
    data_class: str,
    author: str,
    as_json: bool,
) -> None:
    """Store a file as the next version of a layer."""
    if picture is not None:
        require_place(picture, ".svg")
    with progress(_("导入"), 3) as bar:
        opened = Workspace.open(workspace)
        result = opened.import_layer(
            layer,
            file,
            source_layer=source_layer,
            points=points,
            crs=crs,
            swap_axes=swap_axes,
            datum_shift=datum_shift,
            mapping=_pairs("--map", mapping),
            constants=_pairs("--set", constants),
            units=_pairs("--unit", units),
            source=source,
            make_ids=make_ids,
            id_prefix=id_prefix,
            append=append,
            accept_valid=accept_valid,
            accept_empty=accept_empty,
            answers=answers,
            data_class=data_class,
            author=author,
            progress=lambda _step: bar.update(1),
        )
    if picture is not None:
        tables = dict(opened.survey().tables)
        drawn = draw_layer(layer, tables[layer], tables, county=county_bounds(opened.county))
        write_drawing(drawn, picture)
    if as_json:
        answer = asdict(result)
        beside = result.rejected_file
        print_json(answer | {"rejected_file": str(beside) if beside else None})
    else:
        click.echo(
            _("图层 {} 第 {} 版:{} 行,未导入 {} 行").format(
                layer, result.version, result.rows, result.rejected
            )
        )
        print_lines([*_partial(result), *result.notes, *messages(result.problems)])
        if result.rejected_file:
            click.echo(_("未导入的行及原因:{}").format(result.rejected_file))
    ctx.exit(1 if result.rejected else 0)


def _partial(result: ImportResult) -> list[str]:
    """That the layer had rows which are no more in it, and the way back."""
    if not result.gone.ids:
        return []
    cure = _("文件若只是一部分:先用 rollback {} 退回,再加 --append 导入。").format(
        f"--layer {result.layer} --to {result.gone.version}"
    )
    return [_("请核对:{}。{}").format(result.gone.told, cure)]


@main.command(help=_("写一份空白的填报表(XLSX),不指明图层则含全部图层。"))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--layer", "layers", multiple=True, help=_("图层,如 nodes,可重复"))
@as_json_option
def template(out: Path, layers: Sequence[str], as_json: bool) -> None:
    """Write a blank workbook to fill in."""
    from layers.templates import write_template

    chosen = list(layers or LAYERS)
    write_template(out, chosen)
    if as_json:
        print_json({"out": str(out), "layers": chosen})
    else:
        click.echo(_("已写 {}:{}").format(out, _("、").join(chosen)))


@main.command(help=_("新建示例县工作区,可直接打开。"))
@click.argument("workspace", type=click.Path(path_type=Path))
@as_json_option
def demo(workspace: Path, as_json: bool) -> None:
    """Make a workspace of the sample county."""
    with progress(_("示例县"), 1) as bar:
        made = make_sample(workspace)
        bar.update(1)
    applications = len(made.applications())
    if as_json:
        print_json({"workspace": str(made.path), "applications": applications})
    else:
        click.echo(_("已新建示例工作区 {}:{} 份申请。数据为合成。").format(workspace, applications))


@main.command(help=_("导出管线走廊图(节点、边及每条边的量算值)。"))
@click.argument("workspace", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help=_("GeoPackage 文件"))
@as_json_option
def graph(workspace: Path, out: Path, as_json: bool) -> None:
    """Export the corridor graph."""
    require_place(out, ".gpkg")
    opened = Workspace.open(workspace)
    survey, places = _with_places(opened)
    with progress(_("管线走廊图"), 2) as bar:
        work = prepare(survey, load_policy(opened.county), places)
        bar.update(1)
        counts = write_graph(work, out)
        bar.update(1)
    if as_json:
        print_json({"out": str(out), **counts})
    else:
        click.echo(_("已导出 {}:{} 个节点,{} 条边").format(out, counts["nodes"], counts["edges"]))


@main.command(name="plan", help=_("编制一份申请的联合外线方案。"))
@click.argument("workspace", type=click.Path(path_type=Path))
@click.option("--application", required=True, help=_("申请编号,或申请 JSON 文件"))
@click.option("--out", required=True, type=click.Path(path_type=Path), help=_("plan.json 文件"))
@click.option("--gpkg", type=click.Path(path_type=Path), help=_("路由、作业带、穿越的 GeoPackage"))
@click.option(
    "--route",
    "drawn",
    multiple=True,
    help=_(
        "专业=文件,如 water=line.geojson,可重复:一并核算这条手绘路由。文件中只有一条线,"
        "首尾相接的几条算一条;要两路的,第二路写作 water:2=文件"
    ),
)
@as_json_option
@click.pass_context
def plan_(
    ctx: click.Context,
    workspace: Path,
    application: str,
    out: Path,
    gpkg: Path | None,
    drawn: Sequence[str],
    as_json: bool,
) -> None:
    """Plan one application."""
    require_place(out, ".json")
    if gpkg is not None:
        require_place(gpkg, ".gpkg")
    opened = Workspace.open(workspace)
    with progress(_("编制方案"), 2) as bar:
        document = _with_drawn(_application(opened, application), drawn, opened)
        case = parse_application(document, tolerant=True)
        survey = opened.survey()
        bar.update(1)
        made = plan(case, survey, load_policy(opened.county))
        answer = made.told_on(date.today()).to_json()
        bar.update(1)
    write_json(answer, out)
    if gpkg is not None:
        write_plan(answer, survey.crs, gpkg)
    if as_json:
        print_json(answer)
    else:
        print_lines(plan_summary(made))
    of_today = [in_words(one.text) for one in day_notices(case, date.today())]
    for message in (*case.impossible.values(), *of_today):
        click.echo(message, err=True)
    unroutable = any(line.status == "unroutable" for line in made.lines.values())
    refused = any(isinstance(one, RefusedRoute) for one in made.manual.values())
    ctx.exit(1 if unroutable or refused else 0)


@main.command(name="screen", help=_("筛查全部宗地和申请:路由、量算值与判定结论。"))
@click.argument("workspace", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=_(".parquet、.gpkg 或 .csv 文件;不写时筛查只保存在工作区"),
)
@click.option("--utilities", help=_("只查这些专业,逗号分隔"))
@click.option("--parcels", help=_("只查这些宗地,逗号分隔"))
@click.option("--dig-date", help=_("没有申请的宗地按此日期开挖,缺省为今天"))
@click.option(
    "--questions",
    type=click.Path(path_type=Path),
    help=_("各案待查事项,每条道路、图层、管线只列一次(.csv 或 .json),用 answer 回填"),
)
@click.option("--anew", is_flag=True, help=_("重新筛查,不用工作区中保存的筛查"))
@click.option("--progress-lines", is_flag=True, help=_("进度逐行写到标准错误(JSON),供其他程序读取"))
@every_language_option
@as_json_option
@click.pass_context
def screen_(
    ctx: click.Context,
    workspace: Path,
    out: Path | None,
    utilities: str | None,
    parcels: str | None,
    dig_date: str | None,
    questions: Path | None,
    anew: bool,
    progress_lines: bool,
    as_json: bool,
) -> None:
    """Screen all parcels."""
    if out is None and (utilities or parcels):
        raise click.UsageError(_("只查一部分时不保存在工作区,须用 --out 写明文件。"))
    opened = Workspace.open(workspace)
    write = None if out is None else table_writer(out)
    if questions is not None:
        require_place(questions, *QUESTION_FILES)
    wanted = _names(utilities, tuple(load_utilities()), "--utilities")
    survey = opened.survey()
    land = survey.get("parcels")
    if land is None:
        raise LayerError(_("没有宗地,无从筛查;请先导入宗地图层 parcels。"))
    named = _names(parcels, tuple(land.index), "--parcels")
    inputs = Inputs(opened, survey, opened.applications(), _day(dig_date))
    cases = inputs.cases(named)
    pairs = sum(len(set(case.demands) & set(wanted or case.demands)) for case in cases)
    with progress(_("筛查"), pairs, as_lines=progress_lines) as bar:
        made = screen_county(inputs, named, wanted, anew=anew, progress=bar.update)
    table = made.table
    if write is not None:
        write(table, survey.crs)
    asked = with_versions(questions_of_cases(table), survey)
    if questions is not None:
        write_questions(asked, questions)
    faults = opened.application_faults() + readable(inputs.documents)[1]
    faults += [message_of(error) for error in placed(survey, inputs.applications)[1]]
    counts = table["status"].value_counts().to_dict()
    outcomes = table["outcome"].value_counts().to_dict()
    day = inputs.dig_date.isoformat()
    if as_json:
        told = {"out": None if out is None else str(out), "dig_date": day}
        told |= {"rows": len(table), "origin": made.origin}
        told |= {name: table.attrs.get(name) for name in ("one_by_one", "solved_anew")}
        told |= {"status": counts, "outcome": outcomes, "questions": len(asked)}
        said = in_each if ctx.meta.get("every_language") else str
        notes, problems = list(map(said, made.notes)), list(map(said, faults))
        print_json(told | {"notes": notes, "problems": problems})
    else:
        click.echo(_("没有申请的宗地按 {} 开挖").format(day))
        words = load_policy(opened.county).outcomes
        click.echo(_("已筛查 {} 项:{}").format(len(table), _counts(counts, STATUSES)))
        click.echo(_("判定:{}").format(_counts(outcomes, words)))
        print_lines([*made.notes, _how(made), *asked_first(asked), *faults])
    ctx.exit(1 if faults or counts.get("unroutable") else 0)


@main.command(name="judge", help=_("只按规则判定,不用图形。"))
@click.option("--county", required=True, help=_("县级规则,如 411523_xinxian"))
@click.option(
    "--measures", required=True, type=click.File(encoding="utf-8"), help=_("JSON,- 为标准输入")
)
@click.option("--switch", "switches", multiple=True, help=_("口径=取值,可重复"))
@as_json_option
def judge_(county: str, measures: Any, switches: Sequence[str], as_json: bool) -> None:
    """Judge measures by the rules alone."""
    county_crs(settings.counties(), county)  # refuses a county without rules
    try:
        payload = json.load(measures, parse_float=Decimal)
    except NOT_JSON as error:
        raise JudgeInputError(
            _("{}:不是 JSON({})。请改正。").format(measures.name, json_fault(error))
        ) from None
    answer = judge_payload(payload, county, _pairs("--switch", switches))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, allow_nan=False))
        return
    for one in answer if isinstance(answer, list) else [answer]:
        click.echo(f"{one['outcome']} {one['clause'] or ''} {one['certainty']}")


def _how(made: CountyScreening) -> str:
    """Where a screening comes from."""
    if made.origin == KEPT:
        return _("取自工作区中保存的筛查:图层、申请、规则、程序均未改变(--anew 重新筛查)")
    if made.origin == TAKEN_ON:
        solved = made.table.attrs["solved_anew"]
        return _("由保存的筛查更新:图层或申请有局部改动,重算 {} 项,其余沿用").format(solved)
    alone = made.table.attrs["one_by_one"]
    return _("其中逐项求解 {pairs} 项,用时 {cpu_s:.1f} 秒(CPU)").format(**alone)


def _with_places(opened: Workspace) -> tuple[Survey, list[Application]]:
    """The survey of a workspace and the applications that have a place in it; others are told."""
    applications, faults = readable(opened.applications())
    survey = opened.survey()
    places, refused = placed(survey, applications)
    for message in (*opened.application_faults(), *faults, *map(str, refused)):
        click.echo(message, err=True)
    return survey, places


def _application(opened: Workspace, name: str) -> Mapping[str, Any]:
    """The document of an application: a JSON file that exists, else one of the workspace."""
    file = Path(name)
    if not (file.suffix == ".json" and file.is_file()):
        return opened.application(name)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except NOT_JSON as error:
        raise ApplicationError(
            _("文件 {}:不是 JSON({})。请改正。").format(name, json_fault(error))
        ) from None
    if not isinstance(document, dict):
        raise ApplicationError(_("文件 {}:须为一份申请(JSON 对象)。请改正。").format(name))
    return document


def _with_drawn(
    document: Mapping[str, Any], drawn: Sequence[str], opened: Workspace
) -> Mapping[str, Any]:
    """The application with the lines of ``--route`` as its newest drawn routes."""
    if not drawn:
        return document
    parse_application(document, tolerant=True)  # refuses a history nothing can be added to
    routes = dict(document.get("drawn_routes") or {})
    given: set[tuple[str, int]] = set()
    for name, file in _pairs("--route", drawn).items():
        utility, feed = _feed(name)
        if (utility, feed) in given:
            raise LayerError(_("--route {}:这一路已给出一条。请只留一条。").format(name))
        given.add((utility, feed))
        found = read_line(file, opened.crs)
        for note in found.notes:
            click.echo(f"{Path(file).name}:{note}", err=True)
        coordinates = [[x, y] for x, y in found.line.coords]
        entry = drawn_entry(coordinates, "", datetime.now(UTC), Path(file).name, feed)
        routes[utility] = [*routes.get(utility, []), entry]
    return {**document, "drawn_routes": routes}


def _feed(name: str) -> tuple[str, int]:
    """The utility and the feed that ``--route`` names: ``water`` or ``water:1``, ``water:2``."""
    utility, colon, number = name.partition(":")
    feeds = {str(feed): feed for feed in FEEDS}
    if colon and number not in feeds:
        raise LayerError(_("--route {}:冒号后须为 1(第一路)或 2(第二路)。请改正。").format(name))
    return utility, feeds[number or "1"]


def _names(text: str | None, known: tuple[str, ...], option: str) -> list[str] | None:
    """Split a list of names; every one must be known."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        shown = _("、").join(known[:12]) + ("……" if len(known) > 12 else "")
        raise LayerError(
            _("{} 的值 {}:没有这个名称;可用值为 {}。请改正。").format(
                option, wrong[0] if wrong else repr(text), shown
            )
        )
    return names


def _day(text: str | None) -> date:
    try:
        return day(text) or date.today()
    except ValueError:
        raise LayerError(
            _("--dig-date 的值 {}:须为日期,写成 年-月-日,例如 2026-11-22。请改正。").format(text)
        ) from None


def _counts(counts: Mapping[str, int], words: Mapping[str, str]) -> str:
    """How many of each, in the words for the codes."""
    return _("、").join(f"{_(words[name])} {count}" for name, count in counts.items()) or _("无")


def _pairs(option: str, texts: Sequence[str]) -> Mapping[str, str]:
    """Split ``field=value`` texts at the first equals sign."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name or not value or name in pairs:
            raise LayerError(_("{} {}:须写作 字段=值,每个字段一次。请改正。").format(option, text))
        pairs[name] = value
    return pairs


for command in (*ANSWERS, *CHECKS, *COMMANDS):
    main.add_command(command)

if __name__ == "__main__":
    main()

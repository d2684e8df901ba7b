"""The problems of a survey as a paper: one HTML file that stands alone, or a workbook.

The HTML file runs no script and fetches nothing. It holds both languages; two buttons choose one.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Collection, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from layers.fields import layer_definition
from layers.placing import crs_name
from layers.problems import Problem
from layers.repairs import REPAIRS
from layers.survey import Survey
from reports.exchange import replacing, require_place
from reports.problem_map import problem_map
from reports.problem_words import SEVERITIES, rule_names

REPORT_FILES = (".html", ".xlsx")
# A browser stays quick with this many rows of a layer; the rest is counted and in the workbook.
_ROWS = 2_000


def write_problem_report(
    problems: Sequence[Problem], survey: Survey, file: Path, *, layers: Collection[str]
) -> None:
    """Write the problems of the layers that were checked as ``.html`` or ``.xlsx``.

    Raises ``ExportError`` for another suffix or a folder that is not there.
    """
    require_place(file, *REPORT_FILES)
    if file.suffix.lower() == ".xlsx":
        from reports.problem_workbook import write_workbook

        with replacing(file) as draft:
            write_workbook(problems, draft, layers=layers)
        return
    with replacing(file) as draft:
        draft.write_text(problem_page(problems, survey, layers=layers), "utf-8")


def problem_page(problems: Sequence[Problem], survey: Survey, *, layers: Collection[str]) -> str:
    """Return the report as one HTML document."""
    by_layer = {name: [one for one in problems if one.layer == name] for name in layers}
    sections = "".join(_section(name, own, survey) for name, own in by_layer.items() if own)
    clean = " · ".join(_layer_name(name) for name, own in by_layer.items() if not own)
    heading = _two("没有问题的图层", "Layers without a problem")
    rest = f"<h2>{heading}</h2><p>{clean}</p>" if clean else ""
    title = _two("图层核对报告", "Report on layers")
    synthetic = (
        f"<p class='warning'>{_two('数据为合成,仅供演示。', 'The data are made up.')}</p>"
        if survey.synthetic
        else ""
    )
    facts = " · ".join(
        (_text(survey.county), _text(crs_name(survey.crs)), date.today().isoformat())
    )
    return (
        '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        f"<title>图层核对报告 {_text(survey.county)}</title><style>{_style()}</style></head><body>"
        '<input type="radio" name="language" id="zh" checked>'
        '<input type="radio" name="language" id="en">'
        '<nav><label for="zh">中文</label> <label for="en">English</label></nav>'
        f"<main><h1>{title}</h1><p class='dim'>{facts}</p>{synthetic}"
        f"{_tiles(problems)}{_versions(survey, layers)}{sections}{rest}</main></body></html>"
    )


@cache
def _style() -> str:
    return Path(__file__).with_suffix(".css").read_text("utf-8")


def _tiles(problems: Sequence[Problem]) -> str:
    counts = {name: sum(one.severity == name for one in problems) for name in SEVERITIES}
    tiles = "".join(
        f'<div class="tile {name}"><b>{counts[name]}</b>{_two(zh, en)}</div>'
        for name, (zh, en, _meaning, _english) in SEVERITIES.items()
    )
    meanings = "".join(
        f"<p class='dim'>{_two(f'{zh}:{meaning}', f'{en}: {english}')}</p>"
        for zh, en, meaning, english in SEVERITIES.values()
    )
    return f'<div class="tiles">{tiles}</div>{meanings}'


def _versions(survey: Survey, layers: Collection[str]) -> str:
    told = [
        f"{_layer_name(name)} {len(survey.tables[name])}"
        + (f" (v{survey.versions[name].version})" if name in survey.versions else "")
        for name in layers
        if name in survey.tables
    ]
    return f"<p>{_two('核对了(行数、版本)', 'Checked (rows, version)')}: {' · '.join(told)}</p>"


def _section(layer: str, problems: Sequence[Problem], survey: Survey) -> str:
    heading = f"<h2>{_layer_name(layer)} <span class='dim'>{len(problems)}</span></h2>"
    picture = problem_map(survey.tables[layer], problems)
    rules = _rules_table(problems)
    left_out = len(problems) - _ROWS
    shown = sorted(problems, key=lambda one: list(SEVERITIES).index(one.severity))[:_ROWS]
    more = (
        ""
        if left_out <= 0
        else "<p>"
        + _two(
            f"此处列出前 {_ROWS} 处,另有 {left_out} 处见 .xlsx 报告。",
            f"The first {_ROWS} are listed; {left_out} more are in the .xlsx report.",
        )
        + "</p>"
    )
    head = "".join(
        f'<th class="{css}">{_two(zh, en)}</th>'
        for css, zh, en in (
            ("s", "程度", "Severity"),
            ("", "对象", "Feature"),
            ("w", "问题与处理", "Problem and cure"),
            ("n", "位置 x, y (m)", "Place x, y (m)"),
            ("opt", "修复", "Repair"),
        )
    )
    rows = "".join(map(_row, shown))
    opened = " open" if len(problems) <= 100 else ""
    return (
        f'{heading}<div class="both"><div>{rules}</div><div>{picture}</div></div>'
        f"<details{opened}><summary>{_two('逐处列出', 'Each problem')}</summary>{more}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _rules_table(problems: Sequence[Problem]) -> str:
    counts: dict[tuple[str, str], int] = {}
    for one in problems:
        key = (one.severity, one.rule_id or one.rule)
        counts[key] = counts.get(key, 0) + 1
    order = list(SEVERITIES)
    rows = "".join(
        f'<tr><td class="s {severity}">{_severity(severity)}</td>'
        f"<td>{_two(*rule_names(rule))}</td>"
        f'<td class="n">{count}</td></tr>'
        for (severity, rule), count in sorted(
            counts.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0][1])
        )
    )
    head = f"<th>{_two('程度', 'Severity')}</th><th>{_two('规则', 'Rule')}</th>"
    count = f'<th class="n">{_two("处数", "Count")}</th>'
    return f"<table><thead><tr>{head}{count}</tr></thead><tbody>{rows}</tbody></table>"


def _row(one: Problem) -> str:
    place = "—" if one.x is None or one.y is None else f"{one.x:.2f}<br>{one.y:.2f}"
    english = rule_names(one.rule_id or one.rule)[1]
    value = "" if one.value is None else f" <code>{_text(one.field)} = {_text(one.value)}</code>"
    repair = "—"
    if one.repair:
        repair = f"{_two(*REPAIRS[one.repair])}<br><code>{one.problem_id}</code>"
    said = _two(f"{one.rule}。{one.cure}。", f"{english}. {one.rule}")
    return (
        f'<tr><td class="s {one.severity}">{_severity(one.severity)}</td>'
        f"<td>{_text(one.feature_id) or _two('整个图层', 'whole layer')}</td>"
        f'<td>{said}{value}</td><td class="n">{place}</td><td class="opt">{repair}</td></tr>'
    )


def _severity(name: str) -> str:
    zh, en, _meaning, _english = SEVERITIES[name]
    return _two(zh, en)


def _layer_name(layer: str) -> str:
    return _two(layer_definition(layer).zh, layer.replace("_", " "))


def _two(zh: str, en: str) -> str:
    """A text in both languages; style shows one."""
    return f'<span class="zh">{_text(zh)}</span><span class="en" lang="en">{_text(en)}</span>'


def _text(value: object) -> str:
    """A text that is harmless in HTML; control and direction marks are left out."""
    if value is None:
        return ""
    kept = (c for c in str(value) if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    return html.escape("".join(kept), quote=True)

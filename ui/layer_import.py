"""Importing a file: choose it, see what was read and what is wrong with it, then store it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from api.escape import esc
from language import gettext as _
from layers.attribute_checks import CONTRADICTED
from layers.conforming import Conformed
from layers.counties import county_bounds
from layers.crs_detection import Candidate
from layers.errors import LayerError, ReadError
from layers.fields import LAYERS, LayerDefinition, layer_definition
from layers.gone_rows import Gone
from layers.imports import DATA_CLASSES
from layers.kept_answers import CHOICES, DROP, KEEP
from layers.mapping import APPLIED, Proposal
from layers.problems import Problem
from layers.raw import RawLayer
from layers.store import Workspace
from reports.layer_picture import draw_layer
from ui import words
from ui.county import County
from ui.layer_service import Wishes, candidates, proposals, read_once, store, try_out
from ui.notes import alarm, told
from ui.uploads import Upload, Uploaded, data_sets, laid_down, latest_set

_OTHER = "other"
_SHOWN_ANSWERS = 8  # contradictions told beside the choice; all of them are in the table
_SHOWN = 200  # problems in the table; all of them are in the file of rejected rows


def layer_import(county: County, workspace: Path) -> None:
    """Take one file into one layer, in steps that can each be seen before the next."""
    done = st.session_state.pop("imported", None)
    if done:
        told(done)
    st.html(f"<h3>{_('导入文件')}<small>{_('先核对,后入库;入库前不改动任何数据')}</small></h3>")
    chosen = st.file_uploader(
        _("文件"),
        accept_multiple_files=True,
        key=f"files-{st.session_state.get('imports', 0)}",
        label_visibility="collapsed",
        help=_("散装的 shapefile 请把 .shp、.dbf、.shx、.prj、.cpg 一起选中"),
    )
    formats = _("可导入 GeoPackage、Shapefile、GeoJSON、DXF、KML、MapInfo、表格和管网模型(INP)等")
    st.html(f'<p class="tg-soft">{formats}</p>')
    layer = st.selectbox(_("导入为"), LAYERS, key="import_layer", format_func=words.layer_entry)
    upload = laid_down(_meant(chosen, layer), st.session_state.get("upload"))
    st.session_state["upload"] = upload
    if upload is None:
        return
    source_layer = st.text_input(
        _("文件内的图层(文件只有一个图层时留空)"), key="source_layer"
    ).strip()
    try:
        with st.spinner(_("正在读取…")):
            raw = read_once(upload, layer, source_layer or None)
    except (LayerError, ReadError) as error:
        alarm(_("不能导入"), str(error))
        return
    st.html(_read(raw))
    wishes = replace(
        _wishes(raw, layer, source_layer or None, county, workspace), upload=upload.key
    )
    if st.button(_("核对"), key="try", width="stretch"):
        with st.spinner(_("正在核对…")):
            st.session_state["trial"] = wishes.key, _tried(upload, wishes, workspace)
    key, trial = st.session_state.get("trial", ("", None))
    if trial is None or key != wishes.key:
        return
    if isinstance(trial, LayerError | ReadError):
        # Messages name the options of the command line; here the same is chosen in the form.
        here = _("在本页:--crs、--swap-axes 即「坐标系」,--map、--set 即「改动字段对应」。")
        alarm(_("不能导入"), f"{trial}\n{here}" if "--" in str(trial) else str(trial))
        return
    _shown(trial)
    if trial.table.empty and trial.rejected.empty:
        alarm(_("不能导入"), _("文件中没有一行数据。请核对导出范围和所选图层。"))
        return
    st.html(_fallen(trial, layer, county))
    _storing(upload, wishes, trial, workspace)


def _meant(chosen: Sequence[Uploaded], layer: str) -> Sequence[Uploaded]:
    """The files that are to be read: of several data sets the one chosen last, or as asked."""
    arrivals = st.session_state.setdefault("arrivals", {})
    batch = len(set(arrivals.values()))
    arrivals |= {one.file_id: batch for one in chosen if one.file_id not in arrivals}
    sets = data_sets(chosen, pairs=layer == "lines")
    if len(sets) < 2:
        return chosen
    wanted = st.radio(
        _("选了几份互不相干的文件,一次只读一份:"),
        range(len(sets)),
        index=latest_set(sets, arrivals),
        format_func=lambda place: " + ".join(one.name for one in sets[place]),
        key=f"meant {layer} {' '.join(one.file_id for one in chosen)}",
    )
    return () if wanted is None else sets[wanted]


def _read(raw: RawLayer) -> str:
    """What was read, in words."""
    facts = [
        _("{} 行").format(len(raw.cells)),
        _("{} 列").format(len(raw.cells.columns)),
        _("坐标系 {}").format(raw.crs.name) if raw.crs is not None else _("未声明坐标系"),
    ]
    if raw.skipped:
        facts.append(_("另有 {} 个对象未成行").format(len(raw.skipped)))
    notes = "".join(f"<li>{esc(note)}</li>" for note in raw.notes)
    listed = f'<ul class="tg-questions">{notes}</ul>' if notes else ""
    return f'<p class="tg-facts">{esc(raw.file)}{_(":")}{esc(_(",").join(facts))}</p>{listed}'


def _wishes(
    raw: RawLayer, layer: str, source_layer: str | None, county: County, workspace: Path
) -> Wishes:
    """Everything that the visitor says of how the file is to be taken."""
    definition = layer_definition(layer)
    crs, swap_axes = _placed(raw, layer, workspace)
    found = proposals(raw, layer, workspace)
    st.html(_proposed(definition, found))
    with st.expander(_("改动字段对应"), expanded=False):
        mapping, constants = _matched(raw, definition)
    has_ids = definition.id_field in {one.field for one in found} | set(mapping) | set(constants)
    make_ids = not has_ids and st.checkbox(
        _("文件没有编号列:按每行内容生成编号"), key=f"make_ids {layer}"
    )
    append = county.survey.has(layer) and st.checkbox(
        _("追加到现有图层(不勾选则整层替换为新版本)"), key="append"
    )
    return Wishes(layer, source_layer, crs, swap_axes, mapping, constants, make_ids, append)


def _placed(raw: RawLayer, layer: str, workspace: Path) -> tuple[str | None, bool]:
    """The CRS that the visitor confirms, and whether north comes first; None for the declared."""
    found = candidates(raw, layer, workspace)
    declared = [] if raw.crs is None else [None]
    options: list[Candidate | str | None] = [*declared, *found, _OTHER]
    chosen = st.selectbox(
        _("坐标系"),
        options,
        index=0 if declared else None,
        placeholder=_("文件没有声明坐标系,请依据核实后选择"),
        key=f"crs {raw.file} {layer} {len(raw.cells)}",
        format_func=_crs_words,
    )
    if isinstance(chosen, Candidate):
        facts = [*chosen.evidence, *(f"{_('存疑')}: {doubt}" for doubt in chosen.doubts)]
        st.html(f'<p class="tg-soft">{esc(_(";").join(facts))}</p>')
        return chosen.crs, chosen.swap_axes
    if chosen == _OTHER:
        other = st.text_input(_("EPSG 代码,或 GCJ-02、BD-09"), key="crs_other").strip()
        return other or None, st.checkbox(_("文件中北坐标在前"), key="swap_axes")
    return None, False


def _crs_words(chosen: Candidate | str | None) -> str:
    if chosen is None:
        return _("按文件声明")
    if not isinstance(chosen, Candidate):
        return _("其他…")
    turned = f" {_('北坐标在前')}" if chosen.swap_axes else ""
    where = _("落在本县") if chosen.falls_here else _("距本县 {:.0f} km").format(chosen.distance_km)
    return f"{chosen.crs}{turned} · {where}"


def _proposed(definition: LayerDefinition, found: Sequence[Proposal]) -> str:
    """Which column is taken for which field, how sure that is, and why."""
    rows = "".join(
        f"<tr><td>{esc(definition.field(one.field).label)}</td><td>{esc(one.column)}</td>"
        f'<td class="n">{one.confidence:.0%}</td>'
        f"<td>{_sureness(one)} {esc(one.why)}</td></tr>"
        for one in found
    )
    taken = {one.field for one in found if one.confidence >= APPLIED}
    absent = [
        field.label for field in definition.fields if field.required and field.name not in taken
    ]
    missing = (
        f'<p class="tg-note-warn">{_("必填而尚无对应列:")}{esc(_("、").join(absent))}</p>'
        if absent
        else ""
    )
    if any(one.confidence < APPLIED for one in found):
        where = _("「待您确认」的列暂不采用;要采用,请在下面「改动字段对应」中选定。")
        missing += f'<p class="tg-soft">{where}</p>'
    if not found:
        nothing = _("文件中没有列名与本图层的字段相符。")
        return f'<h4>{_("字段对应")}</h4><p class="tg-soft">{nothing}</p>{missing}'
    return (
        f'<h4>{_("字段对应")}</h4><table class="tg-small"><thead><tr><th>{_("字段")}</th>'
        f'<th>{_("文件中的列")}</th><th class="n">{_("把握")}</th><th>{_("依据")}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{missing}"
    )


def _sureness(one: Proposal) -> str:
    """Whether a proposal is used, or waits for the visitor to choose it."""
    if one.confidence >= APPLIED:
        return f'<span class="tg-chip tg-good">{_("采用")}</span>'
    return f'<span class="tg-chip tg-open">{_("待您确认")}</span>'


def _matched(
    raw: RawLayer, definition: LayerDefinition
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The columns and fixed values that the visitor chose; other fields go by the proposals."""
    names = [str(name) for name in raw.cells.columns]
    nothing = pd.Series([None] * len(definition.fields), dtype=object)
    rows = pd.DataFrame(
        {
            "field": definition.names,
            "name": [f"{one.label}{' *' if one.required else ''}" for one in definition.fields],
            "column": nothing,
            "constant": nothing,
        }
    )
    edited = st.data_editor(
        rows,
        hide_index=True,
        width="stretch",
        disabled=["name"],
        column_order=["name", "column", "constant"],
        column_config={
            "name": st.column_config.TextColumn(_("字段(* 必填)")),
            "column": st.column_config.SelectboxColumn(_("文件中的列"), options=names),
            "constant": st.column_config.TextColumn(_("固定值")),
        },
        key=f"matched {definition.name} {' '.join(names)}",
    )
    return _chosen(edited, "column"), _chosen(edited, "constant")


def _chosen(edited: pd.DataFrame, column: str) -> dict[str, str]:
    some = edited[edited[column].notna() & (edited[column].astype(str).str.strip() != "")]
    return dict(zip(some["field"], some[column].astype(str), strict=True))


def _tried(upload: Upload, wishes: Wishes, workspace: Path) -> Conformed | LayerError | ReadError:
    try:
        return try_out(upload, wishes, workspace)
    except (LayerError, ReadError) as error:
        return error


def _shown(trial: Conformed) -> None:
    """What the file would become: how many rows, what was done, what is wrong."""
    good, bad = len(trial.table), len(trial.rejected)
    figures = [(_("可入库"), good), (_("有错误"), bad), (_("提醒"), _warnings(trial.problems))]
    cells = "".join(f"<div><span>{esc(name)}</span><b>{count}</b></div>" for name, count in figures)
    notes = "".join(f"<li>{esc(note)}</li>" for note in trial.notes)
    st.html(f'<div class="tg-figures">{cells}</div><ul class="tg-questions">{notes}</ul>')
    if trial.problems:
        st.dataframe(
            problem_rows(trial.problems[:_SHOWN]), hide_index=True, width="stretch", height=240
        )
        if len(trial.problems) > _SHOWN:
            told(_("仅列出前 {} 处,共 {} 处。").format(_SHOWN, len(trial.problems)))


def _fallen(trial: Conformed, layer: str, county: County) -> str:
    """A small picture of where the layer would lie."""
    behind = {name: table for name, table in county.survey.tables.items() if name != layer}
    svg = draw_layer(
        layer, trial.table, behind, county=county_bounds(county.survey.county)
    ).encode()
    address = f"data:image/svg+xml;base64,{b64encode(svg).decode()}"
    return (
        f"<h4>{_('图层落在这里')}</h4>"
        f'<img src="{address}" alt="{_("图层落在这里")}" style="width:100%">'
    )


def _warnings(problems: Sequence[Problem]) -> int:
    return sum(problem.severity != "error" for problem in problems)


def problem_rows(problems: Sequence[Problem]) -> pd.DataFrame:
    """Problems as a visitor reads them."""
    severity = {"error": _("错误"), "warning": _("提醒"), "note": _("提示")}
    return pd.DataFrame(
        {
            _("程度"): [severity.get(one.severity, one.severity) for one in problems],
            _("行"): pd.array([one.row for one in problems], dtype="Int64"),
            _("编号"): [_blank(one.feature_id) for one in problems],
            _("字段"): [_blank(one.field) for one in problems],
            _("值"): [_blank(one.value) for one in problems],
            _("问题"): [one.rule for one in problems],
            _("处理"): [one.cure for one in problems],
        }
    )


def _blank(value: object) -> str:
    """A cell of a table: nothing rather than the word None."""
    return "" if value is None else str(value)


def _storing(upload: Upload, wishes: Wishes, trial: Conformed, workspace: Path) -> None:
    data_class = st.radio(
        _("数据类别(涉密数据不得导入)"),
        DATA_CLASSES,
        index=1,
        horizontal=True,
        format_func=words.data_class,
        key="data_class",
    )
    author = st.text_input(_("操作人"), max_chars=80, key="author")
    bad = len(trial.rejected)
    accept = bool(bad) and st.checkbox(
        _("只入库没有错误的行;{} 行错误行连同原因另存").format(bad), key="accept_valid"
    )
    decided, answers = _which_counts(trial.problems, upload)
    agreed = _may_go(trial.gone, wishes.key)
    named = bool(author.strip())
    ready = len(trial.table) > 0 and (accept or not bad) and decided and agreed and named
    if not named:
        st.html(f'<p class="tg-soft">{_("填写操作人后可入库。")}</p>')
    if not st.button(_("入库"), type="primary", key="store", disabled=not ready, width="stretch"):
        return
    with st.status(_("正在入库…")) as status:
        result = store(
            upload,
            wishes,
            workspace,
            data_class=data_class,
            accept_valid=accept,
            answers=answers,
            author=author.strip(),
            progress=lambda step: status.update(label=f"{step}…"),
        )
    done = _("{} 已入库为第 {} 版:{} 行,另存错误行 {} 行。").format(
        words.layer(wishes.layer), result.version, result.rows, result.rejected
    )
    note = Workspace.open(workspace).version(wishes.layer, result.version).note
    st.session_state["imported"] = f"{done} {note}".strip()
    st.session_state["imports"] = st.session_state.get("imports", 0) + 1
    st.session_state["upload"] = st.session_state["trial"] = None
    st.session_state.pop("trial")
    st.rerun()


def _may_go(lost: Gone, key: str) -> bool:
    """Whether the rows may go that the file does not bring again: told, and asked if many."""
    if not lost.ids:
        return True
    cure = _("只是一部分的,请勾选「追加到现有图层」。")
    st.html(f'<p class="tg-note-warn">{esc(lost.told)}{_("。")}{cure}</p>')
    if not (lost.is_most or lost.cases):
        return True
    return st.checkbox(_("已核对:这 {} 行不再需要").format(len(lost.ids)), key=f"gone {key}")


def _which_counts(problems: Sequence[Problem], upload: Upload) -> tuple[bool, str | None]:
    """Whether it is clear what counts where the file contradicts answers, and which of them."""
    against = [one for one in problems if one.rule_id == CONTRADICTED]
    if not against:
        return True, None
    rows = "".join(f"<li>{esc(one.message)}</li>" for one in against[:_SHOWN_ANSWERS])
    st.html(f'<ul class="tg-questions">{rows}</ul>')
    names = {KEEP: _("以核实结果为准"), DROP: _("以文件为准")}
    chosen = st.radio(
        _("文件有 {} 处与核实结果不符(见上表),以哪个为准").format(len(against)),
        CHOICES,
        index=None,
        format_func=names.__getitem__,
        key=f"answers {upload.key}",
    )
    return chosen is not None, chosen

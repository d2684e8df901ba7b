"""The layers of a county: which version counts, where each came from, what changed, going back."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd
import streamlit as st

from api.escape import esc
from language import gettext as _
from layers.diffs import LayerDiff, diff
from layers.edits import ANSWERS, REPAIRS, WITHDRAWN, Edit, taken_back_words
from layers.fields import LAYERS, Field, layer_definition
from layers.moments import moment
from layers.store import Workspace
from layers.survey import LayerVersion
from reports.layer_export import WRITERS, write_layer
from ui import words
from ui.county import County
from ui.notes import alarm, told
from ui.planning_service import REFUSALS

_FORMATS = {
    ".gpkg": "GeoPackage 1.2",
    ".geojson": "GeoJSON",
    ".zip": "Shapefile (.zip)",
    ".dxf": "DXF",
    ".kml": "KML",
    ".csv": "CSV",
}
_SHOWN = 300  # changes in the table of a comparison
_SHOWN_ANSWERS = 8  # answers in sight that a return takes back; the others fold away


def layer_history(county: County, workspace: Path) -> None:
    """Show every layer with its versions; compare two of them, or return to one."""
    done = st.session_state.pop("returned", None)
    if done:
        told(done)
    known = [name for name in LAYERS if name in county.survey.versions]
    st.html(f"<h3>{_('图层')}</h3>")
    if not known:
        told(_("还没有图层。请先导入。"))
        return
    opened = Workspace.open(workspace)
    st.dataframe(
        _current([county.survey.versions[name] for name in known]),
        hide_index=True,
        width="stretch",
    )
    layer = st.selectbox(_("图层"), known, key="history_layer", format_func=words.layer_entry)
    history = opened.history(layer)
    st.html(f"<h3>{_('版本')}<small>{_('旧版本一直保留')}</small></h3>")
    st.dataframe(_versions(history), hide_index=True, width="stretch")
    if len(history) > 1:
        # a place of its own: what a comparison shows must not move the fields below it,
        # which would be made anew and lose what was typed into them
        with st.container():
            _compared(opened, layer, history)
        with st.container():
            _returning(opened, layer, history)
    _exporting(opened, layer, history)


def _current(versions: Sequence[LayerVersion]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            _("图层"): [words.layer_entry(one.layer) for one in versions],
            _("版本"): [one.version for one in versions],
            _("行数"): [one.rows for one in versions],
            _("类别"): [words.data_class(one.data_class) for one in versions],
            _("入库时间"): [moment(one.imported_at) for one in versions],
        }
    )


def _versions(history: Sequence[LayerVersion]) -> pd.DataFrame:
    newest = sorted(history, key=lambda one: -one.version)
    return pd.DataFrame(
        {
            _("版本"): [one.version for one in newest],
            _("行数"): [one.rows for one in newest],
            _("另存错误行"): ["" if one.rejected is None else str(one.rejected) for one in newest],
            _("来源"): [_source(one) for one in newest],
            _("经办人"): [one.author for one in newest],
            _("说明"): [one.note for one in newest],
            _("入库时间"): [moment(one.imported_at) for one in newest],
            _("坐标系"): [one.crs for one in newest],
            _("校验值"): [one.sha256[:12] for one in newest],
        }
    )


def _source(one: LayerVersion) -> str:
    """What a version was made from, in words."""
    made = {ANSWERS: _("作答"), WITHDRAWN: _("收回作答"), REPAIRS: _("修复")}
    if one.source_file in made:
        return made[one.source_file]
    if one.source_file.startswith("version:"):
        return _("退回至第 {} 版").format(one.source_file.removeprefix("version:"))
    return one.source_file


def _compared(opened: Workspace, layer: str, history: Sequence[LayerVersion]) -> None:
    """Two versions of a layer side by side: what came, went and changed."""
    st.html(f"<h3>{_('比较两个版本')}</h3>")
    numbers = [one.version for one in history]
    left, right = st.columns(2)
    old = left.selectbox(_("旧版"), numbers, index=len(numbers) - 2, key=f"old {layer}")
    new = right.selectbox(_("新版"), numbers, index=len(numbers) - 1, key=f"new {layer}")
    if not st.button(_("比较"), key="compare", width="stretch"):
        return
    with st.spinner(_("正在比较…")):
        one, two = (opened.read(opened.version(layer, number)) for number in (old, new))
        found = diff(one, two)
    if not found:
        told(_("两个版本相同。"))
        return
    counts = [
        (_("新增"), len(found.added)),
        (_("删除"), len(found.removed)),
        (_("改动"), len(found.changed)),
    ]
    cells = "".join(f"<div><span>{name}</span><b>{count}</b></div>" for name, count in counts)
    st.html(f'<div class="tg-figures">{cells}</div>')
    rows = change_rows(found, layer)
    st.dataframe(rows.head(_SHOWN), hide_index=True, width="stretch", height=260)
    if len(rows) > _SHOWN:
        told(_("仅列出前 {} 处,共 {} 处。").format(_SHOWN, len(rows)))


def change_rows(found: LayerDiff, layer: str) -> pd.DataFrame:
    """One row for each change, as a visitor reads it."""
    fields = {field.name: field for field in layer_definition(layer).fields}
    rows = [(name, _("新增"), "", "", "") for name in found.added]
    rows += [(name, _("删除"), "", "", "") for name in found.removed]
    for one in found.changed:
        rows += [
            (
                one.feature_id,
                _("改动"),
                fields[cell.field].label if cell.field in fields else cell.field,
                _shown(cell.old, fields.get(cell.field)),
                _shown(cell.new, fields.get(cell.field)),
            )
            for cell in one.cells
        ]
        if one.shape is not None:
            moved = _("移动 {:.2f} m").format(one.shape.moved_m)
            rows.append((one.feature_id, _("改动"), _("图形"), "", moved))
    names = [_("编号"), _("变化"), _("字段"), _("旧值"), _("新值")]
    return pd.DataFrame(rows, columns=names)


def _shown(value: object, field: Field | None) -> str:
    if value is None:
        return _("未知")
    is_word = field is not None and str(value) in field.allowed
    return field.spelled(str(value)) if field is not None and is_word else str(value)


def _returning(opened: Workspace, layer: str, history: Sequence[LayerVersion]) -> None:
    """Make an earlier version count again, as a version of its own."""
    current = max(one.version for one in history)
    earlier = [one.version for one in history if one.version != current]
    st.html(f"<h3>{_('退回旧版')}<small>{_('旧版内容存为新版本,不删除任何版本')}</small></h3>")
    to = st.selectbox(_("退回至"), earlier, index=len(earlier) - 1, key=f"return to {layer}")
    st.html(_lost(_taken_back(opened, layer, to, opened.version(layer))))
    with st.form(f"return {layer}", border=False):
        author = st.text_input(_("操作人"), max_chars=80)
        note = st.text_input(_("原因"), max_chars=400)
        sent = st.form_submit_button(_("退回"), width="stretch")
    if not sent:
        return
    if not author.strip():
        alarm(_("未退回"), _("请写明操作人。"))
        return
    try:
        made = opened.rollback(layer, to, author=author, note=note)
    except REFUSALS as error:
        alarm(_("未退回"), str(error))
        return
    st.session_state["returned"] = _("{} 已退回至第 {} 版的内容,存为第 {} 版。").format(
        words.layer(layer), to, made.version
    )
    st.rerun()


@lru_cache(maxsize=8)
def _taken_back(opened: Workspace, layer: str, to: int, _current: LayerVersion) -> tuple[Edit, ...]:
    """What is asked again at every click of the page, worked out once for a current version."""
    return tuple(opened.taken_back(layer, to))


def _lost(answers: Sequence[Edit]) -> str:
    """The answers that would hold no more, in words."""
    if not answers:
        return f'<p class="tg-soft">{_("退回此版不收回任何核实结果。")}</p>'
    rows = [f"<li>{esc(taken_back_words(one))}</li>" for one in answers]
    rest = rows[_SHOWN_ANSWERS:]
    folded = f"<details><summary>{_('其余')} {len(rest)}</summary>{''.join(rest)}</details>"
    listed = f'<ul class="tg-questions">{"".join(rows[:_SHOWN_ANSWERS])}</ul>'
    counted = _("退回此版将收回 {} 项核实结果:").format(len(answers))
    return f'<p class="tg-note-warn">{counted}</p>{listed}{folded if rest else ""}'


def _exporting(opened: Workspace, layer: str, history: Sequence[LayerVersion]) -> None:
    """A version as a file for other programs; who took it is kept."""
    st.html(f"<h3>{_('导出')}<small>{_('每次导出都记录在案')}</small></h3>")
    left, right = st.columns(2)
    numbers = sorted((one.version for one in history), reverse=True)
    number = left.selectbox(_("版本"), numbers, key=f"export version {layer}")
    suffix = right.selectbox(
        _("格式"), list(WRITERS), key="export_suffix", format_func=_FORMATS.get
    )
    version = opened.version(layer, number)
    author = st.text_input(_("操作人"), max_chars=80, key="export_author").strip()
    sensitive = version.data_class == "sensitive"
    reason = st.text_input(_("用途(敏感图层必填)"), max_chars=400, key="export_reason").strip()
    missing = [] if author else [_("操作人")]
    missing += [_("用途")] if sensitive and not reason else []
    if missing:
        st.html(f'<p class="tg-soft">{_("填写{}后可导出。").format(_("、").join(missing))}</p>')
    st.download_button(
        _("导出"),
        data=lambda: _exported(opened, version, suffix, author, reason),
        file_name=f"{layer}-{number}{suffix}",
        key="export",
        width="stretch",
        disabled=bool(missing),
        on_click="ignore",
    )


def _exported(
    opened: Workspace, version: LayerVersion, suffix: str, author: str, reason: str
) -> bytes:
    """The file of a version; the export is noted before anything leaves."""
    with tempfile.TemporaryDirectory(prefix="tonggou-export-") as folder:
        file = Path(folder) / f"{version.layer}{suffix}"
        write_layer(
            opened.read(version),
            version.layer,
            file,
            lambda: opened.record_export(version, suffix[1:], author=author, reason=reason),
        )
        return file.read_bytes()

"""What is wrong with the layers of a county: a table, each problem on the map, and repairs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
import streamlit as st
from shapely.affinity import affine_transform

from api.escape import esc
from language import gettext as _
from language import spoken
from layers.checks import check_layers
from layers.problems import Problem
from layers.repairs import Repair, preview
from layers.store import Workspace
from reports.problem_report import write_problem_report
from ui import words
from ui.case_drawing import Placer, case_drawing
from ui.case_marks import case_marks
from ui.county import County
from ui.notes import alarm, told
from ui.panel import picture
from ui.planning_service import REFUSALS

_MARKED = 1_000  # more marks would stall a phone
_NEAR_M = 25.0  # what is shown round a problem that was chosen
_REPORTS = {".html": "HTML", ".xlsx": "XLSX"}


def layer_problems(county: County, workspace: Path) -> None:
    """Show the problems of all layers; the one that is chosen is shown on the map."""
    done = st.session_state.pop("repaired", None)
    if done:
        told(done)
    if not county.survey.tables:
        told(_("工作区还没有图层,无从核对:请先导入。"))
        return
    # An empty place takes away the rows of before a repair: they must not stay in reach meanwhile.
    with st.empty().container() if done else st.container():
        with st.spinner(_("正在核对全部图层…")):
            found = problems_of(county)
        _listed(county, workspace, found)


def _listed(county: County, workspace: Path, found: Sequence[Problem]) -> None:
    """All problems as a table; the one that is chosen with its repair."""
    st.html(f"<h3>{_('问题')}<small>{_('选一行,地图跳到该处')}</small></h3>")
    if not found:
        told(_("未发现问题。"))
        return
    st.html(_summary(found))
    shown = _narrowed(found)
    event: Any = st.dataframe(
        _rows([found[number] for number in shown]),
        hide_index=True,
        width="stretch",
        height=300,
        on_select="rerun",
        selection_mode="single-row",
        key=f"problem_rows {hash(_Checked(county))}",  # a row of other versions chooses nothing
    )
    chosen = event.selection.rows
    at = shown[chosen[0]] if chosen and chosen[0] < len(shown) else None
    if at != st.session_state.get("problem"):
        st.session_state["problem"] = at
        st.session_state["problem_focus"] = st.session_state.get("problem_focus", 0) + 1
    if at is not None:
        _about(found[at])
        _repairing(county, workspace, found[at], found)
    _reporting(county, found)


def problem_drawing(county: County, *, shown: bool) -> dict[str, Any]:
    """Marks of all problems that have a place, and the view of the one that is chosen."""
    drawing = case_drawing(None) | case_marks(None)
    if not shown:
        return drawing
    found, chosen = problems_of(county), st.session_state.get("problem")
    place = Placer(county.survey.crs)
    placed = [one for one in found if one.x is not None and one.y is not None]
    if chosen is not None and chosen < len(found) and found[chosen] not in placed[:_MARKED]:
        placed.insert(0, found[chosen])
    drawing["clearances"] = [
        {
            "at": place.point((one.x, one.y)),
            "status": "fail" if one.severity == "error" else "uncertain",
            "label": esc(f"{one.feature_id or ''} {one.rule}"),
        }
        for one in placed[:_MARKED]
        if one.x is not None and one.y is not None
    ]
    one = None if chosen is None or chosen >= len(found) else found[chosen]
    box = None if one is None else _box(one)
    if one is not None and box is not None:
        drawing["bounds"] = [place.point(box[:2]), place.point(box[2:])]
        drawing["focus"] = f"problem {st.session_state.get('problem_focus', 0)}"
        drawing["spot"] = _spot(one, county, place)
    return drawing


def _box(one: Problem) -> tuple[float, float, float, float] | None:
    """What to show of a problem: west, south, east, north in metres.

    The ground about its place; all of the extent where it is of no single feature.
    """
    if one.feature_id is None and one.extent is not None:
        west, south, east, north = one.extent
    elif one.x is not None and one.y is not None:
        west, south, east, north = one.x, one.y, one.x, one.y
    else:
        return None
    return west - _NEAR_M, south - _NEAR_M, east + _NEAR_M, north + _NEAR_M


def _spot(one: Problem, county: County, place: Placer) -> dict[str, Any] | None:
    """The place of a problem, and the lines or outlines of the features that have it."""
    if one.feature_id is None or one.x is None or one.y is None:
        return None
    shapes = county.survey.tables[one.layer].geometry
    mine = shapes[shapes.index == one.feature_id].to_numpy()  # several of an id that is repeated
    areas = shapely.get_dimensions(mine) == 2
    outlines = np.concatenate([mine[~areas], shapely.boundary(mine[areas])])
    parts = shapely.get_parts(outlines)
    lines = parts[np.isin(shapely.get_type_id(parts), (1, 2)) & ~shapely.is_empty(parts)]
    return {
        "at": place.point((one.x, one.y)),
        "lines": [place.line(line.coords) for line in lines],
    }


def problems_of(county: County) -> Sequence[Problem]:
    """The problems of a county's layers, worked out once for their versions."""
    return _problems(_Checked(county), spoken())


class _Checked:
    """A county's survey as the key of a cache: the same if its layers are the same."""

    def __init__(self, county: County) -> None:
        self.survey = county.survey
        self._key = tuple(sorted((k, one.sha256) for k, one in county.survey.versions.items()))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Checked) and other._key == self._key


@lru_cache(maxsize=2)
def _problems(checked: _Checked, _language: str) -> Sequence[Problem]:
    return tuple(one for _layer, found in check_layers(checked.survey) for one in found)


def _severity(code: str) -> str:
    return {"error": _("错误"), "warning": _("提醒"), "note": _("留意")}.get(code, code)


def _summary(found: Sequence[Problem]) -> str:
    """How many of each severity every layer has."""
    counts = pd.Series([(one.layer, one.severity) for one in found]).value_counts()
    kinds = ("error", "warning", "note")
    rows = "".join(
        f"<tr><td>{esc(words.layer_entry(layer))}</td>"
        + "".join(f'<td class="n">{counts.get((layer, kind), 0)}</td>' for kind in kinds)
        + "</tr>"
        for layer in dict.fromkeys(one.layer for one in found)
    )
    heads = "".join(f'<th class="n">{_severity(kind)}</th>' for kind in kinds)
    return (
        f'<table class="tg-small"><thead><tr><th>{_("图层")}</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _narrowed(found: Sequence[Problem]) -> list[int]:
    """The numbers of the problems of one layer, or of all."""
    layers = list(dict.fromkeys(one.layer for one in found))
    chosen = st.selectbox(
        _("图层"),
        [None, *layers],
        key="problem_layer",
        format_func=lambda name: _("全部") if name is None else words.layer_entry(name),
    )
    return [number for number, one in enumerate(found) if chosen in (None, one.layer)]


def _rows(shown: Sequence[Problem]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            _("程度"): [_severity(one.severity) for one in shown],
            _("图层"): [words.layer_entry(one.layer) for one in shown],
            _("编号"): [one.feature_id or "" for one in shown],
            _("问题"): [one.rule for one in shown],
        }
    )


def _about(one: Problem) -> None:
    where = [words.layer(one.layer), one.feature_id, one.field, one.value]
    told(f"{' '.join(part for part in where if part)}\n{one.rule}\n{one.cure}")


# --- repairs --------------------------------------------------------------------------------------


def _repairing(county: County, workspace: Path, one: Problem, found: Sequence[Problem]) -> None:
    """Show what the repair of a problem would do, and make it, alone or for all of its rule."""
    if one.repair is None:
        return
    try:
        repair = preview(county.survey, one)
    except REFUSALS as error:
        alarm(_("不能修复"), str(error))
        return
    st.html(f"<h4>{_('建议的修复')}</h4>" + _previewed(repair))
    alike = [each for each in found if each.rule_id == one.rule_id and each.layer == one.layer]
    with st.form(f"repair {one.problem_id}", border=False):
        every = len(alike) > 1 and st.checkbox(
            _("同一图层同类问题共 {} 处,一并修复").format(len(alike))
        )
        author = st.text_input(_("操作人"), max_chars=80)
        note = st.text_input(_("说明"), max_chars=400)
        sent = st.form_submit_button(_("修复(存为新版本,可退回)"), type="primary")
    if not sent:
        return
    if not author.strip():
        alarm(_("未修复"), _("请写明操作人。"))
        return
    try:
        with st.spinner(_("正在修复…")):
            made = Workspace.open(workspace).repair(
                alike if every else [one], author=author, note=note
            )
    except REFUSALS as error:
        alarm(_("未修复"), str(error))
        return
    st.session_state["repaired"] = _("已修复 {} 处。如需撤销,在「图层与版本」退回上一版。").format(
        len(made)
    )
    st.session_state["problem"] = None
    st.rerun()


def _previewed(repair: Repair) -> str:
    """A repair in words and as a drawing: before in red, after in green."""
    warned = f'<p class="tg-note-warn">{esc(repair.meaning)}</p>' if repair.meaning else ""
    return f'<p class="tg-soft">{esc(repair.words)}</p>{_drawn(repair)}{warned}'


def _drawn(repair: Repair) -> str:
    """Both shapes over each other; nothing where neither can be drawn."""
    shapes = [
        (shape, look)
        for table, look in ((repair.before, "#c62828"), (repair.after, "#17602f"))
        for shape in table.geometry
        if shape is not None and not shape.is_empty
    ]
    if not shapes:
        return ""
    bounds = [shape.bounds for shape, _look in shapes]
    west, south = min(b[0] for b in bounds), min(b[1] for b in bounds)
    east, north = max(b[2] for b in bounds), max(b[3] for b in bounds)
    size = max(east - west, north - south, 0.1)
    margin, width = 0.08 * size, size / 120
    sides = east - west + 2 * margin, north - south + 2 * margin
    box = f"{-margin:.3f} {-margin:.3f} {sides[0]:.3f} {sides[1]:.3f}"
    paths = "".join(
        f'<g fill="none" stroke="{look}" stroke-width="{width * wide:.4f}" stroke-opacity=".75">'
        f"{_outline(affine_transform(shape, [1, 0, 0, -1, -west, north]), width)}</g>"
        for (shape, look), wide in zip(shapes, (3, *[1.4] * len(shapes)), strict=False)
    )
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{paths}</svg>'
    words = _("红:现状;绿:修复后")
    return f'{picture(svg, words, "tg-repair")}<p class="tg-soft">{words}</p>'


def _outline(shape: Any, width: float) -> str:
    """The lines of a shape as SVG."""
    parts = getattr(shape, "geoms", [shape])
    drawn = []
    for part in parts:
        if part.geom_type == "Point":
            drawn.append(f'<circle cx="{part.x:.3f}" cy="{part.y:.3f}" r="{width * 4:.3f}"/>')
            continue
        rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
        for ring in rings:
            points = " ".join(f"{x:.3f},{y:.3f}" for x, y, *_z in ring.coords)
            drawn.append(f'<polyline points="{points}"/>')
    return "".join(drawn)


# --- reports --------------------------------------------------------------------------------------


def _reporting(county: County, found: Sequence[Problem]) -> None:
    """The problems as a file to hand on."""
    st.html(f"<h3>{_('核对报告')}</h3>")
    left, right = st.columns(2)
    for place, (suffix, name) in zip((left, right), _REPORTS.items(), strict=True):
        place.download_button(
            _("下载 {}").format(name),
            data=lambda suffix=suffix: _report(county, found, suffix),
            file_name=f"{_('核对报告')}{suffix}",
            key=f"report{suffix}",
            width="stretch",
            on_click="ignore",
        )


def _report(county: County, found: Sequence[Problem], suffix: str) -> bytes:
    layers = list(county.survey.versions)
    with tempfile.TemporaryDirectory(prefix="tonggou-report-") as folder:
        file = Path(folder) / f"report{suffix}"
        write_problem_report(found, county.survey, file, layers=layers)
        return file.read_bytes()

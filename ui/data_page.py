"""The data of the county: files in, what is wrong with them, and every version of a layer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit_folium import st_folium

from api import tokens
from language import gettext as _
from layers.utilities import load_utilities
from ui.address import speak_to_visitor, write_language
from ui.bar import bar, configure
from ui.county import County, data_note, open_county
from ui.layer_history import layer_history
from ui.layer_import import layer_import
from ui.layer_problems import layer_problems, problem_drawing
from ui.maps import case_group, problem_keys, town_map
from ui.notes import alarm
from ui.planning_service import REFUSALS

log = logging.getLogger(__name__)
_MAP_HEIGHT_PX = 640  # before the style sheet fits the map to the window
_IMPORT, _HISTORY, _PROBLEMS = "import", "history", "problems"


def data_page(workspace: Path, pages: Sequence[Any]) -> None:
    """Show the layers of one workspace, and let files be imported."""
    speak_to_visitor()
    configure(_("同沟 · 数据"))
    _data(workspace, pages)


@st.fragment(run_every=tokens.RENEW_S)
def _data(workspace: Path, pages: Sequence[Any]) -> None:
    speak_to_visitor()
    write_language()
    try:
        county = open_county(workspace)
    except REFUSALS as error:
        with st.container(key="alarm"):
            alarm(_("工作区打不开"), str(error))
        return
    bar(pages, _("数据"), synthetic=county.survey.synthetic)
    with st.container(key="bench"):
        map_side, data_side = st.columns([58, 42], gap=None)
    with data_side, st.container(key="case"):
        _tasks(county, workspace)
    with map_side, st.container(key="town"):
        _map(county, str(workspace))


def _tasks(county: County, workspace: Path) -> None:
    words = {_IMPORT: _("导入"), _HISTORY: _("图层与版本"), _PROBLEMS: _("问题")}
    task = st.segmented_control(
        _("数据"),
        list(words),
        default=_IMPORT,
        key="task",
        label_visibility="collapsed",
        format_func=words.__getitem__,
    )
    shown = {_HISTORY: layer_history, _PROBLEMS: layer_problems}.get(task or "", layer_import)
    try:
        shown(county, workspace)
    except REFUSALS as error:
        alarm(_("无法完成"), str(error))
    except OSError:
        log.exception("the task %s failed", task)
        alarm(_("无法完成"), _("读写工作区出错,没有保存任何改动。请联系管理员。"))


def _map(county: County, token_name: str) -> None:
    shown = st.session_state.get("task") == _PROBLEMS
    st_folium(
        town_map(
            county.bounds,
            set(county.layers),
            load_utilities(),
            note=data_note(county),
            keys=problem_keys(),
        ),
        key="data-map",
        height=_MAP_HEIGHT_PX,
        use_container_width=True,
        returned_objects=[],
        feature_group_to_add=case_group(
            problem_drawing(county, shown=shown), tokens.issue(token_name)
        ),
    )

"""Screening the whole county from the page: the button for it, and how far it is."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from language import gettext as _
from language import speak
from ui.county import County
from ui.notes import alarm
from ui.screened_county import ScreenedCounty
from ui.screening_service import make_screening, making, went_wrong

_LOOK_EVERY_S = 1.0


def screening_offer(workspace: Path, county: County, screening: ScreenedCounty | None) -> None:
    """Offer to screen the county where no screening is in force; say what came of the last try."""
    now = making(workspace)
    if screening is not None or not county.survey.has("parcels"):
        return
    if now is not None and not now.is_over:
        return
    with st.container(key="screen"):
        st.html(f"<h3>{_('全县筛查')}<small>{_('今天还没有')}</small></h3>")
        wrong = went_wrong(now)
        if wrong:
            alarm(_("筛查"), wrong)
        told = _("算出每块宗地各专业的推荐路由和判定,地图随即着色,点击宗地即时作答。")
        st.html(f'<p class="tg-soft">{told}</p>')
        st.button(_("筛查全县"), key="screen-all", on_click=make_screening, args=(workspace,))


def screening_progress(workspace: Path) -> None:
    """How far the screening is that is being made, whoever asked for it."""
    now = making(workspace)
    if now is not None and not now.is_over:
        with st.container(key="screening"):
            _progress(workspace)


@st.fragment(run_every=_LOOK_EVERY_S)
def _progress(workspace: Path) -> None:
    speak(st.session_state.get("language"))
    now = making(workspace)
    if now is None or now.is_over:
        st.rerun()
    elif now.done == 0:
        st.progress(0.0, text=_("正在筛查全县:准备管线走廊…"))
    else:
        told = _("正在筛查全县:已完成 {done} / {of} 项")
        share = min(now.done / max(now.of, 1), 1.0)
        st.progress(share, text=told.format(done=f"{now.done:,}", of=f"{now.of:,}"))

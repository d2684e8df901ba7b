"""The bar above every page: the name, the other pages, what the page chooses by, the language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from language import LANGUAGES, spoken
from language import gettext as _
from ui.address import to_start, without_case

STATIC = Path(__file__).resolve().parent.parent / "static"


def configure(title: str) -> None:
    """Set up a page: its title, its icon and the style of all pages."""
    st.set_page_config(
        page_title=title,
        layout="wide",
        page_icon=str(STATIC / "favicon.png"),
        initial_sidebar_state="collapsed",
    )
    st.html(STATIC / "style.css")


def bar(pages: Sequence[Any], here: str, *, synthetic: bool) -> DeltaGenerator:
    """Draw the bar of the page that is called ``here``; give the place for its own choice.

    The name leads to the start; the link to another page keeps the case.
    """
    with st.container(key="bar"):
        brand, links, choice, other = st.columns([40, 10, 44, 6], gap=None)
    is_start = here == pages[0].title
    with brand, st.container(key="brand"):
        if is_start:
            _back_to_start(_("同沟"))
        else:
            st.page_link(pages[0], label=_("同沟"), query_params=without_case())
    with links, st.container(key="pages", horizontal=True, vertical_alignment="center"):
        for page in pages:
            if page.title != here:
                st.page_link(page, label=page.title, query_params=st.query_params.to_dict())
                continue
            with st.container(key="here"):
                if is_start:
                    _back_to_start(here)
                else:
                    st.html(f'<div class="tg-brand"><em>{here}</em></div>')
        if synthetic:
            st.html(f'<div class="tg-brand"><span>{_("示例数据(合成)")}</span></div>')
    for key in LANGUAGES:
        if key != spoken() and other.button(LANGUAGES[key], key=f"speak-{key}", type="tertiary"):
            st.session_state["language"] = key
            st.rerun()  # all of it, from a fragment too: the other pages have titles
    return choice


def _back_to_start(words: str) -> None:
    """Words that lead from whatever is open to the start."""
    st.button(words, key=f"start {words}", type="tertiary", on_click=to_start)

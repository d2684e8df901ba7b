"""The pages of the app: which there are, and running the one that an address names."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from language import gettext as _
from ui.address import speak_to_visitor
from ui.data_page import data_page
from ui.engineer import engineer_page


def show_pages(workspace: Path) -> None:
    """Run the page that the visitor's address names; every page can lead to the others."""
    speak_to_visitor()
    pages: list[Any] = []
    pages += [
        st.Page(
            partial(engineer_page, workspace, pages),
            title=_("路由规划"),
            url_path="bench",
            default=True,
        ),
        st.Page(partial(data_page, workspace, pages), title=_("数据"), url_path="data"),
    ]
    st.navigation(pages, position="hidden").run()

"""The layers of a county: which version counts, where it came from, what changed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from layers.fields import LAYERS
from ui import words
from ui.county import County
from ui.language import gettext as _
from ui.notes import told


def layer_history(county: County, _workspace: Path) -> None:
    """Show the current version of every layer."""
    st.html(f"<h3>{_('图层')}</h3>")
    versions = county.survey.versions
    if not versions:
        told(_("还没有图层。请先导入。"))
        return
    known = [versions[name] for name in LAYERS if name in versions]
    st.dataframe(
        pd.DataFrame(
            {
                _("图层"): [words.layer(one.layer) for one in known],
                _("版本"): [one.version for one in known],
                _("行数"): [one.rows for one in known],
                _("入库时间"): [one.imported_at[:16].replace("T", " ") for one in known],
                _("来源文件"): [one.source_file for one in known],
            }
        ),
        hide_index=True,
        width="stretch",
    )

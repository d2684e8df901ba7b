"""What can be taken along from the bench: a case's plan and the county's screening, as files.

They are written as the commands ``plan`` and ``screen`` write them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from pyproj import CRS

from language import gettext as _
from reports.exchange import table_writer, write_json, write_plan
from ui.screened_county import ScreenedCounty
from ui.view import View


def plan_downloads(view: View, crs: CRS) -> None:
    """The plan in hand as JSON, and its routes as GeoPackage; ``crs`` is that of the survey."""
    st.html(f"<h3>{_('下载')}</h3>")
    name = f"plan-{view.plan['application_id'] or view.plan['parcel_id']}"
    _offer(
        (_("方案 JSON"), f"{name}.json", lambda file: write_json(view.plan, file)),
        (_("路由 GeoPackage"), f"{name}.gpkg", lambda file: write_plan(view.plan, crs, file)),
    )


def screening_downloads(screening: ScreenedCounty | None) -> None:
    """The table of the screening in force, one row for each parcel or application and utility."""
    if screening is None:
        return
    table, crs = screening.lines.table, screening.county.survey.crs
    day = screening.day.isoformat()
    st.html(f"<h3>{_('全县筛查')}<small>{day}</small></h3>")
    _offer(
        *(
            (words, f"screen-{day}{suffix}", lambda file: table_writer(file)(table, crs))
            for words, suffix in ((_("筛查表 CSV"), ".csv"), (_("筛查表 GeoPackage"), ".gpkg"))
        )
    )


def _offer(*files: tuple[str, str, Callable[[Path], None]]) -> None:
    """A button for each file: its words, its name, and what writes it once it is asked for."""
    with st.container(key="downloads", horizontal=True):
        for words, name, write in files:
            st.download_button(
                words,
                data=lambda name=name, write=write: _written(name, write),
                file_name=name,
                key=f"download{Path(name).suffix}",
                on_click="ignore",
            )


def _written(name: str, write: Callable[[Path], None]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="tonggou-download-") as folder:
        file = Path(folder) / name
        write(file)
        return file.read_bytes()
